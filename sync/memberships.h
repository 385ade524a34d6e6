/* memberships.h - the groups of a reading, tied to its people.
 *
 * member, uniqueMember and memberUid are read, whatever class the group has.
 * A member that is neither among the people nor among the groups that were
 * read dangles: it is counted in a note, or holds the run (on_dangling).
 * Owner:   the arena of the run. */
#ifndef ROLEGATE_MEMBERSHIPS_H
#define ROLEGATE_MEMBERSHIPS_H

#include "sync/groups.h"
#include "sync/people.h"

struct memberships {
	struct group *groups; /* ordered by DN */
	size_t count;
	struct index by_key; /* normal DN */
	struct index by_name; /* folded cn, one row a value */
	struct index by_id;
};

bool memberships_make(struct memberships *out, struct arena *arena,
    const struct entries *entries, const struct source *source,
    const struct people *people, struct notes *notes, struct err *err);

#endif
