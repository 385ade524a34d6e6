/* groups.h - who is in a group, also through groups in groups.
 *
 * Shape:   people and groups are numbers into the reading's lists. A closure
 *          walks the members on our side, breadth first: cycles, a group in
 *          itself and diamonds end by marks, memory is one mark for each
 *          group and person, and nothing recurses.
 * Owner:   the graph's arrays are borrowed; results live in the arena.
 * Errors:  a walk deeper than depth_max is refused as a whole (groups_deep):
 *          leaving out members would look like their removal. */
#ifndef ROLEGATE_GROUPS_H
#define ROLEGATE_GROUPS_H

#include "base/err.h"
#include "base/str.h"

struct group {
	struct str dn;
	struct str key; /* the normal DN */
	struct str name; /* its first cn, for patterns and sentences */
	struct str id; /* entryUUID or empty */
	uint32_t *people;
	size_t person_count;
	uint32_t *groups;
	size_t group_count;
};

struct group_walk {
	const struct group *groups;
	size_t group_count;
	uint32_t *group_marks;
	uint32_t *person_marks;
	uint32_t *queue;
	uint32_t round;
};

struct closure {
	uint32_t *people; /* in rising order */
	size_t count;
};

bool group_walk_start(struct group_walk *walk, struct arena *arena,
    const struct group *groups, size_t group_count, size_t person_count,
    struct err *err);
/* depth_max 0: only the group's own members. */
bool group_closure(struct group_walk *walk, struct arena *arena, uint32_t of,
    size_t depth_max, struct closure *out, struct err *err);

#endif
