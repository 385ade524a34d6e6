/* admin_audit.h - is the history the difference, and does it touch what
 * changed?
 *
 * For tests of src/admin/: each looks at the store before and after a change,
 * and at the rows that it left. A no fails the test; `says` names it. */
#ifndef ROLEGATE_ADMIN_AUDIT_H
#define ROLEGATE_ADMIN_AUDIT_H

#include "base/str.h"

bool text_has(struct str text, const char *part);
/* The same lines, in any order; both are sorted here. */
void lines_same(struct names a, struct names b, const char *says);

/* P9: `before` (of admin_lines()), changed as the rows after `since` say, is
 * what the store has. A member's own account, which comes and goes with the
 * member's row, is left out. */
void history_replays(struct names before, int64_t since, const char *says);

/* All records of the view that the store has now; in kit.arena. */
struct shown {
	struct str name;
	struct str text;
};
struct view {
	struct shown *items;
	size_t count;
	size_t cap;
};
struct view view_whole(void);
/* What the rows after `since` touch, made anew, is all that differs from the
 * old view; and what differs is newer, so that the old record is not believed
 * any more (W6). */
void touches_suffice(struct view old, int64_t since, const char *says);

#endif
