/* batch.h - many questions at once, for `rolegate check --batch`.
 *
 * Shape:   in: `member TAB permission TAB account [TAB time]` a line; out, in
 *          the same order: `allow|allow_filter|deny TAB reason [TAB filters]`.
 * Owner:   the state is only read; one arena is reset after each answer.
 * Errors:  a line that is not a question ends the batch with ERR_FILE or
 *          ERR_LIMIT and its place, after the answers before it were written.
 */
#ifndef ROLEGATE_CLI_BATCH_H
#define ROLEGATE_CLI_BATCH_H

#include <stdio.h>

#include "base/err.h"
#include "decide/decide.h"
#include "model/state.h"

struct batch {
	const struct state *state;
	struct str name; /* of the input, in messages */
	int64_t now_s; /* where a line has no time */
};

bool batch_run(const struct batch *batch, int in, FILE *out, struct err *err);
/* One answer as a line: the same bytes for one question and for many. */
bool answer_print(const struct decision *decision, FILE *out);
/* The question about what the state has. */
struct question question_of(const struct state *state, struct str member,
    struct str permission, struct str account, int64_t now_s);

#endif
