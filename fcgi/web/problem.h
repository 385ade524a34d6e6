/* problem.h - an error as RFC 9457 has it: the code is that of the command,
 * the log and docs/messages.md. */
#ifndef ROLEGATE_WEB_PROBLEM_H
#define ROLEGATE_WEB_PROBLEM_H

#include "base/fault.h"
#include "fcgi/web/response.h"

/* The status that an error has in HTTP. */
int problem_status(const struct err *err);
/* Fills the whole answer. `faults` may be NULL: those of a spreadsheet, each
 * with its line and column. */
void problem_answer(struct response *response, struct arena *arena,
    const struct err *err, const struct faults *faults);

#endif
