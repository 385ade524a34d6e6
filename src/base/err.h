/* err.h - what went wrong, in a form that can always be reported.
 *
 * Shape:   kind (decides the exit status), a stable code word (the same in
 *          CLI, API, log and docs/messages.md) and one line of text that names
 *          the place, the thing and the mend.
 * Owner:   the caller's stack; text is inside, so reporting cannot fail.
 * Errors:  err_set() always returns false, so that a function can end with
 *          `return err_set(...)`. The first error wins: a set err is kept. */
#ifndef ROLEGATE_ERR_H
#define ROLEGATE_ERR_H

#include <stdbool.h>
#include <stddef.h>

enum err_kind {
	ERR_NONE = 0,
	ERR_NOT_FOUND, /* the named thing does not exist: exit 1 */
	ERR_USAGE,     /* wrong words on the command line: exit 2 */
	ERR_FILE,      /* bad file: exit 3 */
	ERR_SOURCE,    /* a directory that could not be read whole: exit 3 */
	ERR_LIMIT,     /* over a bound of bounds.h: exit 3 */
	ERR_REACH,     /* store, Redis or directory not reachable: exit 4 */
	ERR_REFUSED,   /* refused by a rule or a guard: exit 5 */
	ERR_BUG,       /* ours: exit 70 */
};

struct err {
	enum err_kind kind;
	const char *code; /* a string literal */
	char text[1024];
};

bool err_set(struct err *err, enum err_kind kind, const char *code,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The exit status of DESIGN: 1, 2, 3, 4, 5 or 70; 0 for ERR_NONE. */
int err_exit_status(enum err_kind kind);

#endif
