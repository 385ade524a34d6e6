#include "sync/groups.h"

#include <stdlib.h>

bool
group_walk_start(struct group_walk *walk, struct arena *arena,
    const struct group *groups, size_t group_count, size_t person_count,
    struct err *err)
{
	*walk = (struct group_walk){
		.groups = groups,
		.group_count = group_count,
		.group_marks = ARENA_ARRAY(arena, uint32_t, group_count),
		.person_marks = ARENA_ARRAY(arena, uint32_t, person_count),
		.queue = ARENA_ARRAY(arena, uint32_t, group_count),
	};
	if (walk->group_marks == NULL || walk->person_marks == NULL ||
	    walk->queue == NULL)
		return err_set(err, ERR_SOURCE, "no_memory",
		    "memory is out for %zu groups", group_count);
	return true;
}

static bool
people_add(struct group_walk *walk, struct arena *arena,
    const struct group *group, struct closure *out, size_t *cap)
{
	for (size_t i = 0; i < group->person_count; i++) {
		uint32_t person = group->people[i];
		uint32_t *wider;

		if (walk->person_marks[person] == walk->round)
			continue;
		walk->person_marks[person] = walk->round;
		wider = arena_grow(
		    arena, out->people, out->count, cap, sizeof(*wider));
		if (wider == NULL)
			return false;
		out->people = wider;
		out->people[out->count++] = person;
	}
	return true;
}

/* Queues the groups in this one that were not met before. */
static size_t
groups_add(struct group_walk *walk, const struct group *group, size_t queued)
{
	for (size_t i = 0; i < group->group_count; i++) {
		uint32_t inner = group->groups[i];

		if (walk->group_marks[inner] == walk->round)
			continue;
		walk->group_marks[inner] = walk->round;
		walk->queue[queued++] = inner;
	}
	return queued;
}

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

bool
group_closure(struct group_walk *walk, struct arena *arena, uint32_t of,
    size_t depth_max, struct closure *out, struct err *err)
{
	struct closure found = { 0 };
	size_t cap = 0;
	size_t queued = 1;
	size_t level_end = 1; /* of the groups at the depth that is walked */
	size_t depth = 0;

	walk->round++;
	walk->group_marks[of] = walk->round;
	walk->queue[0] = of;
	for (size_t at = 0; at < queued; at++) {
		const struct group *group = &walk->groups[walk->queue[at]];

		if (at == level_end) {
			depth++;
			level_end = queued;
		}
		if (depth > depth_max)
			return err_set(err, ERR_SOURCE, "groups_deep",
			    "group '%.*s': groups in it are nested deeper than "
			    "%zu; raise nested_depth",
			    STR_ARGS(walk->groups[of].dn), depth_max);
		if (!people_add(walk, arena, group, &found, &cap))
			return err_set(err, ERR_SOURCE, "no_memory",
			    "memory is out for the members of '%.*s'",
			    STR_ARGS(walk->groups[of].dn));
		if (depth_max > 0)
			queued = groups_add(walk, group, queued);
	}
	if (found.count > 1)
		qsort(found.people, found.count, sizeof(*found.people),
		    by_number);
	*out = found;
	return true;
}
