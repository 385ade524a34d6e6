#include "sync/guard.h"

#include <stdlib.h>

#define ACCOUNT_GRANTS_LEAST 5 /* fewer: a percentage says nothing */
#define ACCOUNT_ALL_LEAST    3
#define SOURCE_ALL_LEAST     2

struct guarding {
	struct arena *arena;
	const struct plan *plan;
	const struct source *source;
	const struct actual *actual;
	const struct wanted *wanted;
	struct str held;
	bool failed;
};

static void
hold(struct guarding *g, struct str why)
{
	g->held = g->held.len == 0 ? why
				   : str_fmt(g->arena, "%.*s; %.*s",
					 STR_ARGS(g->held), STR_ARGS(why));
	g->failed = g->failed || why.ptr == NULL || g->held.ptr == NULL;
}

/* --- Members -------------------------------------------------------------- */

static void
guard_members(struct guarding *g)
{
	const struct guard_rules *rules = &g->source->guard;
	size_t gone = plan_count(g->plan, CHANGE_MEMBER_DISABLE) +
		      plan_count(g->plan, CHANGE_MEMBER_REMOVE);
	size_t all = g->actual->count;
	size_t most = all * (size_t)rules->members_percent / 100;

	if (most < (size_t)rules->members_max)
		most = (size_t)rules->members_max;
	if (gone > most)
		hold(g, str_fmt(g->arena,
			    "members: %zu of %zu members would be disabled or "
			    "removed, at most %zu may be (members_max, "
			    "members_percent)",
			    gone, all, most));
	else if (gone == all && all >= SOURCE_ALL_LEAST)
		hold(g, str_fmt(g->arena,
			    "all: all %zu members would be disabled or removed",
			    all));
}

/* --- Grants --------------------------------------------------------------- */

/* An account once for each grant that it has, or loses. */
struct places {
	struct str *items;
	size_t count;
	size_t cap;
};

static void
place_add(struct guarding *g, struct places *places, struct str account)
{
	struct str *wider = arena_grow(g->arena, places->items, places->count,
	    &places->cap, sizeof(*wider));

	if (wider == NULL) {
		g->failed = true;
		return;
	}
	places->items = wider;
	places->items[places->count++] = account;
}

static int
by_bytes(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void
places_sort(struct places *places)
{
	if (places->count > 1)
		qsort(places->items, places->count, sizeof(*places->items),
		    by_bytes);
}

static void
places_of_member(
    struct guarding *g, struct places *places, const struct member *member)
{
	for (size_t i = 0; i < member->grant_count; i++)
		if (str_eq(member->grants[i].source, g->source->name))
			place_add(g, places, member->grants[i].account);
}

/* (member, account) pairs that are given something in this plan: there a
 * role is changed, not lost. */
static bool
pairs_given(struct guarding *g, struct index *pairs)
{
	for (size_t i = 0; i < g->plan->count; i++) {
		const struct change *c = &g->plan->changes[i];
		struct str pair;

		if (c->kind != CHANGE_GRANT_ADD)
			continue;
		pair = str_fmt(g->arena, "%.*s\n%.*s", STR_ARGS(c->username),
		    STR_ARGS(c->account));
		if (pair.ptr == NULL || !index_add(pairs, g->arena, pair, 0))
			return false;
	}
	index_sort(pairs);
	return true;
}

static void
places_lost(struct guarding *g, struct places *lost)
{
	struct index pairs = { 0 };
	uint32_t at;

	g->failed = g->failed || !pairs_given(g, &pairs);
	for (size_t i = 0; !g->failed && i < g->plan->count; i++) {
		const struct change *c = &g->plan->changes[i];
		const struct member *member;

		if (c->kind == CHANGE_MEMBER_REMOVE) {
			member = actual_member(g->actual, c->id);
			if (member != NULL)
				places_of_member(g, lost, member);
		}
		if (c->kind != CHANGE_GRANT_REMOVE)
			continue;
		struct str pair = str_fmt(g->arena, "%.*s\n%.*s",
		    STR_ARGS(c->username), STR_ARGS(c->account));

		if (pair.ptr == NULL)
			g->failed = true;
		else if (index_find(&pairs, pair, &at) == INDEXED_NOT)
			place_add(g, lost, c->account);
	}
	places_sort(lost);
}

/* How often the account at *i stands there; *i moves behind it. */
static size_t
run_length(const struct places *places, size_t *i)
{
	size_t from = *i;

	while (*i < places->count &&
	       str_eq(places->items[*i], places->items[from]))
		(*i)++;
	return *i - from;
}

static size_t
count_of(const struct places *places, struct str account)
{
	for (size_t i = 0; i < places->count;) {
		struct str at = places->items[i];
		size_t count = run_length(places, &i);

		if (str_eq(at, account))
			return count;
	}
	return 0;
}

static void
guard_account(struct guarding *g, struct str account, size_t lost, size_t had)
{
	size_t percent = (size_t)g->source->guard.account_percent;

	if (had >= ACCOUNT_GRANTS_LEAST && lost * 100 > had * percent)
		hold(g,
		    str_fmt(g->arena,
			"account: %zu of %zu grants on %.*s would go, at most "
			"%zu %% may (account_percent)",
			lost, had, STR_ARGS(account), percent));
	else if (lost == had && had >= ACCOUNT_ALL_LEAST)
		hold(
		    g, str_fmt(g->arena, "all: all %zu grants on %.*s would go",
			   had, STR_ARGS(account)));
}

static void
guard_grants(struct guarding *g)
{
	const struct state *state = g->actual->state;
	struct places had = { 0 };
	struct places lost = { 0 };

	places_lost(g, &lost);
	if (lost.count == 0)
		return;
	for (size_t m = 0; m < state->member_count; m++)
		places_of_member(g, &had, &state->members[m]);
	places_sort(&had);
	if (lost.count == had.count && had.count >= SOURCE_ALL_LEAST)
		hold(g, str_fmt(g->arena, "all: all %zu grants would go",
			    had.count));
	for (size_t i = 0; i < lost.count;) {
		struct str account = lost.items[i];
		size_t count = run_length(&lost, &i);

		guard_account(g, account, count, count_of(&had, account));
	}
}

/* A group that is not there may be deleted, renamed or hidden. */
static void
guard_missing_groups(struct guarding *g)
{
	for (size_t k = 0; k < g->wanted->missing_count; k++) {
		const struct missing_group *m = &g->wanted->missing[k];
		size_t going = 0;

		for (size_t i = 0; i < g->plan->count; i++) {
			const struct change *c = &g->plan->changes[i];

			going += c->kind == CHANGE_GRANT_REMOVE &&
				 str_eq(c->account, m->account) &&
				 str_eq(c->role, m->role);
		}
		if (going > 0)
			hold(g, str_fmt(g->arena,
				    "group_missing: group '%.*s' is not in the "
				    "directory, and %zu grants of %.*s on %.*s "
				    "would go with it",
				    STR_ARGS(m->group), going,
				    STR_ARGS(m->role), STR_ARGS(m->account)));
	}
}

bool
guard_check(struct arena *arena, const struct plan *plan,
    const struct source *source, const struct actual *actual,
    const struct wanted *wanted, struct str *held)
{
	struct guarding g = { .arena = arena,
		.plan = plan,
		.source = source,
		.actual = actual,
		.wanted = wanted };

	guard_members(&g);
	guard_grants(&g);
	guard_missing_groups(&g);
	*held = g.held;
	return !g.failed;
}
