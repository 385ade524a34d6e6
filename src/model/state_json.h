/* state_json.h - the whole state as JSON Lines: `rolegate load` and `export`.
 *
 * Shape:   docs/state-format.md. One object a line, "type" first; members by
 *          folded username, accounts parents first (by depth, then by id),
 *          grants by username, account, role, source. Absent keys are left
 *          out, so that writing what was read gives the same bytes.
 * Errors:  every bad line is a fault with file:line:column; unknown keys,
 *          doubled objects and references to nothing are faults. A role or a
 *          catalogue that is not known is a warning: it gives nothing. */
#ifndef ROLEGATE_STATE_JSON_H
#define ROLEGATE_STATE_JSON_H

#include <stdio.h>

#include "base/fault.h"
#include "model/state.h"

/* Reads `in` to its end. `name` is the file's name in faults. The state is
 * indexed; its catalogues are left as they are. */
bool state_read_json(struct state *state, struct arena *arena, FILE *in,
    struct str name, struct faults *faults);
bool state_write_json(const struct state *state, FILE *out, struct err *err);

/* One object of such a file, read back: what the history has as before and
 * after. Texts live in the arena. ERR_FILE state_… when it is none. */
enum state_kind { STATE_NONE = 0, STATE_MEMBER, STATE_ACCOUNT, STATE_GRANT };
struct state_object {
	enum state_kind kind;
	struct member member; /* without grants */
	struct account account;
	struct grant grant;
	struct str username; /* whose grant it is */
};
bool state_object_read(struct arena *arena, struct str text,
    struct state_object *out, struct err *err);

/* One object as it stands in such a file, without the line feed: also what
 * the history keeps as before and after. ptr NULL when memory is out. */
struct str state_member_text(struct arena *arena, const struct member *member);
struct str state_account_text(
    struct arena *arena, const struct account *account);
struct str state_grant_text(
    struct arena *arena, struct str username, const struct grant *grant);

#endif
