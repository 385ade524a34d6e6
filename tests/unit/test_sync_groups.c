/* Groups in groups: sync/groups.c. */
#include "sync/groups.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

#define GROUPS_MAX  8
#define MEMBERS_MAX 4
#define NOBODY	    99

/* A world of up to 8 groups; person p is in group p. */
struct world {
	const char *says;
	size_t groups;
	uint32_t inner[GROUPS_MAX][MEMBERS_MAX]; /* NOBODY ends a list */
	uint32_t of;
	size_t depth;
	bool ok;
	const char *people; /* a letter a person */
};

/* clang-format off */
#define NONE { NOBODY }
static const struct world worlds[] = {
	{ "a group alone", 1, { NONE }, 0, 10, true, "a" },
	{ "SH10 a group in itself ends", 1, { { 0, NOBODY } }, 0, 10, true, "a" },
	{ "SH10 a cycle of two ends", 2, { { 1, NOBODY }, { 0, NOBODY } }, 0, 10, true, "ab" },
	{ "SH10 a cycle of three, from its middle", 3, { { 1, NOBODY }, { 2, NOBODY }, { 0, NOBODY } }, 1, 10, true, "abc" },
	{ "SH10 a diamond counts everybody once", 4, { { 1, 2, NOBODY }, { 3, NOBODY }, { 3, NOBODY }, NONE }, 0, 10, true, "abcd" },
	{ "members go up, never down", 2, { NONE, { 0, NOBODY } }, 0, 10, true, "a" },
	{ "depth 0: own members only", 2, { { 1, NOBODY }, NONE }, 0, 0, true, "a" },
	{ "as deep as the bound", 3, { { 1, NOBODY }, { 2, NOBODY }, NONE }, 0, 2, true, "abc" },
	{ "one deeper is refused, not cut", 3, { { 1, NOBODY }, { 2, NOBODY }, NONE }, 0, 1, false, "" },
	{ "SH10 a cycle is not deep", 2, { { 1, NOBODY }, { 0, NOBODY } }, 0, 1, true, "ab" },
	{ "the short way counts as the depth", 4, { { 1, 3, NOBODY }, { 2, NOBODY }, { 3, NOBODY }, NONE }, 0, 2, true, "abcd" },
};
/* clang-format on */

START_TEST(sh10_closure)
{
	const struct world *w = &worlds[_i];
	struct group groups[GROUPS_MAX] = { 0 };
	uint32_t people[GROUPS_MAX];
	uint32_t inner[GROUPS_MAX][MEMBERS_MAX];
	struct arena arena = { 0 };
	struct group_walk walk;
	struct closure out = { 0 };
	struct err e = { 0 };

	for (uint32_t g = 0; g < w->groups; g++) {
		people[g] = g;
		groups[g].people = &people[g];
		groups[g].person_count = 1;
		groups[g].groups = inner[g];
		while (w->inner[g][groups[g].group_count] != NOBODY) {
			size_t at = groups[g].group_count++;

			inner[g][at] = w->inner[g][at];
		}
	}
	ck_assert(
	    group_walk_start(&walk, &arena, groups, w->groups, w->groups, &e));
	/* Twice: the marks of the first walk mean nothing to the second. */
	for (int i = 0; i < 2; i++) {
		e = (struct err){ 0 };
		ck_assert_msg(group_closure(&walk, &arena, w->of, w->depth,
				  &out, &e) == w->ok,
		    "%s: %s", w->says, e.text);
		if (!w->ok) {
			ck_assert_str_eq(e.code, "groups_deep");
			continue;
		}
		ck_assert_msg(out.count == strlen(w->people), "%s: %zu people",
		    w->says, out.count);
		for (size_t p = 0; p < out.count; p++)
			ck_assert_msg(
			    out.people[p] == (uint32_t)(w->people[p] - 'a'),
			    "%s", w->says);
	}
	arena_free(&arena);
}
END_TEST

#define CHAIN 10000

START_TEST(sh10_chain_of_10000_is_walked_in_bounded_memory)
{
	struct group *groups = calloc(CHAIN, sizeof(*groups));
	uint32_t *numbers = calloc(CHAIN + 1, sizeof(*numbers));
	struct arena arena = { 0 };
	struct group_walk walk;
	struct closure out = { 0 };
	struct err e = { 0 };

	ck_assert(groups != NULL && numbers != NULL);
	for (uint32_t g = 0; g < CHAIN; g++) {
		numbers[g] = g;
		groups[g].people = &numbers[g];
		groups[g].person_count = 1;
		groups[g].groups = &numbers[(g + 1) % CHAIN]; /* a ring */
		groups[g].group_count = 1;
	}
	numbers[CHAIN] = 0;
	arena.max_bytes = (size_t)1024 * 1024;
	ck_assert(group_walk_start(&walk, &arena, groups, CHAIN, CHAIN, &e));
	ck_assert_msg(
	    group_closure(&walk, &arena, 5, CHAIN, &out, &e), "%s", e.text);
	ck_assert_uint_eq(out.count, CHAIN);
	for (uint32_t p = 0; p < CHAIN; p++)
		ck_assert_uint_eq(out.people[p], p);
	e = (struct err){ 0 };
	ck_assert(!group_closure(&walk, &arena, 5, CHAIN - 2, &out, &e));
	ck_assert_str_eq(e.code, "groups_deep");
	arena_free(&arena);
	free(numbers);
	free(groups);
}
END_TEST

static void
groups_tests(TCase *t)
{
	tcase_add_loop_test(
	    t, sh10_closure, 0, sizeof(worlds) / sizeof(worlds[0]));
	tcase_add_test(t, sh10_chain_of_10000_is_walked_in_bounded_memory);
}

UNIT_MAIN("sync_groups", groups_tests)
