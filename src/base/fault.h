/* fault.h - every fault of a file at once, each with file:line:column.
 *
 * Shape:   a list in the order of discovery; line and column count from 1, 0
 *          means that the fault has no line (a missing file).
 * Owner:   texts live in the list's own arena; faults_free() frees them.
 * Errors:  at FAULTS_MAX the list stops growing and says so; `count` goes on,
 *          so `count > 0` is always the truth about "is it broken". */
#ifndef ROLEGATE_FAULT_H
#define ROLEGATE_FAULT_H

#include <stdio.h>

#include "base/err.h"
#include "base/str.h"

struct fault {
	struct str file;
	int line;
	int column;
	const char *code; /* stable, a literal */
	struct str text;
};

struct faults {
	struct arena arena;
	struct fault *items;
	size_t kept;
	size_t cap;
	size_t count;
};

void fault_add(struct faults *faults, struct str file, int line, int column,
    const char *code, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
/* One line each: file:line:column: text [code] */
void faults_print(const struct faults *faults, FILE *to);
/* The first fault and how many more, for a caller that has one err. */
bool faults_err(const struct faults *faults, struct err *err);
void faults_free(struct faults *faults);

#endif
