#include "sync/wanted.h"

#include <stdlib.h>
#include <string.h>

#include "base/bounds.h"
#include "sync/limits.h"

/* The lists while they grow. */
struct wanting {
	struct wanted *out;
	struct arena *arena;
	const struct source *source;
	const struct state *state;
	struct notes *notes;
	struct group_walk walk;
	size_t grant_cap;
	size_t account_cap;
	size_t missing_cap;
	struct err *err;
};

static bool
no_memory(struct wanting *w)
{
	return err_set(w->err, ERR_SOURCE, "no_memory",
	    "memory is out for what the directory wants");
}

/* --- Accounts ------------------------------------------------------------- */

static const struct account *
wanted_account(const struct wanted *wanted, struct str id)
{
	for (size_t i = 0; i < wanted->account_count; i++)
		if (str_eq(wanted->accounts[i].id, id))
			return &wanted->accounts[i];
	return NULL;
}

static bool
account_want(struct wanting *w, const struct account *account)
{
	struct wanted *out = w->out;
	struct account *wider = arena_grow(w->arena, out->accounts,
	    out->account_count, &w->account_cap, sizeof(*wider));

	if (out->account_count == ACCOUNTS_MADE_MAX)
		return err_set(w->err, ERR_LIMIT, "accounts_many",
		    "more than %d accounts would be made in one run; look at "
		    "the patterns",
		    ACCOUNTS_MADE_MAX);
	if (wider == NULL)
		return no_memory(w);
	out->accounts = wider;
	out->accounts[out->account_count++] = *account;
	return true;
}

static const struct account_rule *
account_rule_of(const struct source *source, struct str id)
{
	for (size_t i = 0; i < source->account_count; i++)
		if (str_eq(source->accounts[i].account.id, id))
			return &source->accounts[i];
	return NULL;
}

/* A listed account and those above it that are missing too. */
static bool
account_want_listed(
    struct wanting *w, const struct account_rule *rule, int depth)
{
	const struct account *account = &rule->account;
	const struct account_rule *above =
	    account_rule_of(w->source, account->parent_id);

	if (state_account(w->state, account->id) != NULL ||
	    wanted_account(w->out, account->id) != NULL)
		return true;
	if (depth > TREE_DEPTH_MAX)
		return err_set(w->err, ERR_FILE, "tree_depth",
		    "account '%.*s': the mapping puts it in a cycle, or deeper "
		    "than %d levels",
		    STR_ARGS(account->id), TREE_DEPTH_MAX);
	if (account->parent_id.len > 0 && above != NULL &&
	    !account_want_listed(w, above, depth + 1))
		return false;
	return account_want(w, account);
}

/* Is the account the pattern's parent, or below it? Groups named by others
 * than the operator must not reach into other trees. */
static bool
within(
    const struct state *state, const struct account *account, struct str parent)
{
	int depth = 0;

	if (parent.len == 0)
		return true;
	for (; account != NULL && depth <= TREE_DEPTH_MAX; depth++) {
		if (str_eq(account->id, parent))
			return true;
		account = state_account(state, account->parent_id);
	}
	return false;
}

/* The pattern's name with the account in the place of {account}. */
static struct str
name_from(struct arena *arena, struct str pattern, struct str account)
{
	const struct str mark = STR("{account}");
	const char *at = pattern.len == 0 ? NULL
					  : memmem(pattern.ptr, pattern.len,
						mark.ptr, mark.len);
	size_t before;

	if (at == NULL)
		return pattern;
	before = (size_t)(at - pattern.ptr);
	return str_fmt(arena, "%.*s%.*s%.*s", (int)before, pattern.ptr,
	    STR_ARGS(account), (int)(pattern.len - before - mark.len),
	    at + mark.len);
}

/* What a rule and a group come to: which role where. */
struct giving {
	const struct grant_rule *rule;
	const struct group *group;
	struct str account;
	struct str role;
};

static bool
account_from_pattern(struct wanting *w, const struct giving *g)
{
	const struct account_pattern *p = &g->rule->accounts;
	struct account account = {
		.id = g->account,
		.parent_id = p->parent,
		.kind = ACCOUNT_SHARED,
		.level = p->level,
		.catalogue = p->catalogue,
		.status = ACCOUNT_ACTIVE,
	};

	account.name = name_from(w->arena, p->name, g->account);
	if (account.name.ptr == NULL)
		return no_memory(w);
	return account_want(w, &account);
}

static const struct catalogue *
catalogue_for(const struct wanting *w, struct str id)
{
	for (int depth = 0; depth <= TREE_DEPTH_MAX; depth++) {
		const struct account *have = state_account(w->state, id);
		const struct account *want = wanted_account(w->out, id);

		if (have != NULL)
			return state_catalogue(w->state, have);
		if (want == NULL)
			return NULL;
		if (want->parent_id.len == 0)
			return catalogues_find(
			    &w->state->catalogues, want->catalogue);
		id = want->parent_id;
	}
	return NULL;
}

/* --- Grants --------------------------------------------------------------- */

#define LEFT_OUT(w, code, ...) \
	(note_add((w)->notes, (code), __VA_ARGS__), false)

/* Can this role be given there at all? Makes the account ready when it is to
 * be made. A no is noted; *failed says that the whole run cannot go on. */
static bool
giving_possible(struct wanting *w, const struct giving *g, bool *failed)
{
	const struct account *have = state_account(w->state, g->account);
	struct str name = shown(g->group->name);
	const struct catalogue *catalogue;
	int role;

	if (have == NULL && wanted_account(w->out, g->account) == NULL) {
		if (!g->rule->accounts.create)
			return LEFT_OUT(w, "account_unknown",
			    "group '%.*s': account '%.*s' does not exist",
			    STR_ARGS(name), STR_ARGS(g->account));
		if (!account_from_pattern(w, g)) {
			*failed = true;
			return false;
		}
	}
	if (have != NULL && have->kind == ACCOUNT_PERSONAL)
		return LEFT_OUT(w, "personal_account",
		    "group '%.*s': account '%.*s' is personal", STR_ARGS(name),
		    STR_ARGS(g->account));
	if (have != NULL && !within(w->state, have, g->rule->accounts.parent))
		return LEFT_OUT(w, "account_outside",
		    "group '%.*s': account '%.*s' is not below '%.*s'",
		    STR_ARGS(name), STR_ARGS(g->account),
		    STR_ARGS(g->rule->accounts.parent));
	catalogue = catalogue_for(w, g->account);
	role = catalogue_role(catalogue, g->role);
	if (role < 0)
		return LEFT_OUT(w, "role_unknown",
		    "group '%.*s': the catalogue of '%.*s' has no role '%.*s'",
		    STR_ARGS(name), STR_ARGS(g->account), STR_ARGS(g->role));
	if (catalogue->roles[role].filtered)
		return LEFT_OUT(w, "filtered_role",
		    "group '%.*s': role '%.*s' is filtered; people give it, a "
		    "directory cannot",
		    STR_ARGS(name), STR_ARGS(g->role));
	return true;
}

static bool
grants_want(struct wanting *w, const struct giving *g)
{
	struct wanted *out = w->out;
	struct closure closure = { 0 };
	bool failed = false;

	if (!giving_possible(w, g, &failed))
		return !failed;
	if (!group_closure(&w->walk, w->arena,
		(uint32_t)(g->group - out->memberships.groups),
		(size_t)w->source->groups.nested_depth, &closure, w->err))
		return false;
	for (size_t i = 0; i < closure.count; i++) {
		struct wanted_grant *wider = arena_grow(w->arena, out->grants,
		    out->grant_count, &w->grant_cap, sizeof(*wider));

		if (wider == NULL)
			return no_memory(w);
		out->grants = wider;
		out->grants[out->grant_count++] = (struct wanted_grant){
			.person = closure.people[i],
			.account = g->account,
			.role = g->role,
			.licences = g->rule->licences,
			.via = shown(g->group->name),
		};
	}
	return true;
}

static bool
group_missing(struct wanting *w, const struct grant_rule *rule)
{
	struct wanted *out = w->out;
	struct str name = rule->group.len > 0 ? rule->group : rule->group_id;
	struct missing_group *wider = arena_grow(w->arena, out->missing,
	    out->missing_count, &w->missing_cap, sizeof(*wider));

	if (wider == NULL)
		return no_memory(w);
	out->missing = wider;
	out->missing[out->missing_count++] =
	    (struct missing_group){ name, rule->account, rule->role };
	note_add(w->notes, "group_missing",
	    "group '%.*s': the directory does not have it, so nobody is given "
	    "%.*s on %.*s by it",
	    STR_ARGS(name), STR_ARGS(rule->role), STR_ARGS(rule->account));
	return true;
}

static bool
rule_one_group(struct wanting *w, const struct grant_rule *rule)
{
	const struct memberships *m = &w->out->memberships;
	struct str name = rule->group.len > 0 ? rule->group : rule->group_id;
	struct giving g = { rule, NULL, rule->account, rule->role };
	enum indexed found;
	uint32_t at = 0;

	if (rule->group_id.len > 0)
		found = index_find(&m->by_id, rule->group_id, &at);
	else if (rule->group_key.len > 0)
		found = index_find(&m->by_key, rule->group_key, &at);
	else {
		struct str folded = str_fold(w->arena, rule->group);

		if (folded.ptr == NULL)
			return no_memory(w);
		found = index_find(&m->by_name, folded, &at);
	}
	switch (found) {
	case INDEXED_NOT:
		return group_missing(w, rule);
	case INDEXED_OFTEN:
		return err_set(w->err, ERR_FILE, "group_twice",
		    "group '%.*s': several groups have this name; name it by "
		    "its DN",
		    STR_ARGS(name));
	case INDEXED_ONCE:
		break;
	}
	g.group = &m->groups[at];
	return grants_want(w, &g);
}

static bool
rule_pattern(struct wanting *w, const struct grant_rule *rule)
{
	const struct memberships *m = &w->out->memberships;

	for (size_t i = 0; i < m->count; i++) {
		struct giving g = { rule, &m->groups[i], rule->account,
			rule->role };

		switch (pattern_match(rule->pattern, m->groups[i].name,
		    w->source->ceiling, &g.account, &g.role)) {
		case PATTERN_NO:
			break;
		case PATTERN_SEVERAL:
			note_add(w->notes, "pattern_ambiguous",
			    "group '%.*s': pattern '%.*s' fits in several ways",
			    STR_ARGS(shown(g.group->name)),
			    STR_ARGS(rule->pattern));
			break;
		case PATTERN_ONE:
			if (!grants_want(w, &g))
				return false;
			break;
		}
	}
	return true;
}

static int
grant_order(const void *a, const void *b)
{
	const struct wanted_grant *x = a;
	const struct wanted_grant *y = b;
	int order = (x->person > y->person) - (x->person < y->person);

	if (order == 0)
		order = str_cmp(x->account, y->account);
	if (order == 0)
		order = str_cmp(x->role, y->role);
	return order != 0 ? order : str_cmp(x->via, y->via);
}

static int
by_bytes(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Both lists as one, sorted and without doubles. */
static bool
names_join(
    struct arena *arena, struct names a, struct names b, struct names *out)
{
	struct str *all = ARENA_ARRAY(arena, struct str, a.count + b.count);
	size_t kept = 0;

	if (all == NULL)
		return false;
	if (a.count > 0)
		memcpy(all, a.items, a.count * sizeof(*all));
	if (b.count > 0)
		memcpy(all + a.count, b.items, b.count * sizeof(*all));
	if (a.count + b.count > 1)
		qsort(all, a.count + b.count, sizeof(*all), by_bytes);
	for (size_t i = 0; i < a.count + b.count; i++)
		if (kept == 0 || !str_eq(all[kept - 1], all[i]))
			all[kept++] = all[i];
	*out = (struct names){ all, kept };
	return true;
}

/* One grant for a person, an account and a role. */
static bool
grants_merge(struct wanting *w)
{
	struct wanted *out = w->out;
	size_t kept = 0;

	if (out->grant_count > 1)
		qsort(out->grants, out->grant_count, sizeof(*out->grants),
		    grant_order);
	for (size_t i = 0; i < out->grant_count; i++) {
		struct wanted_grant *last = &out->grants[kept - (kept > 0)];
		struct wanted_grant *g = &out->grants[i];
		const struct names none = { NULL, 0 };
		bool same = kept > 0 && last->person == g->person &&
			    str_eq(last->account, g->account) &&
			    str_eq(last->role, g->role);

		if (!same)
			out->grants[kept++] = *g;
		last = &out->grants[kept - 1];
		if (g->licences.count > 0 &&
		    !names_join(w->arena, same ? last->licences : none,
			g->licences, &last->licences))
			return no_memory(w);
	}
	out->grant_count = kept;
	return true;
}

bool
wanted_make(struct wanted *out, struct arena *arena,
    const struct reading *reading, const struct source *source,
    const struct actual *actual, struct notes *notes, struct err *err)
{
	struct wanting w = { .out = out,
		.arena = arena,
		.source = source,
		.state = actual->state,
		.notes = notes,
		.err = err };

	*out = (struct wanted){ 0 };
	if (!people_make(&out->people, arena, &reading->people, &source->people,
		actual, notes, err) ||
	    !memberships_make(&out->memberships, arena, &reading->groups,
		source, &out->people, notes, err) ||
	    !group_walk_start(&w.walk, arena, out->memberships.groups,
		out->memberships.count, out->people.count, err))
		return false;
	for (size_t i = 0; i < source->account_count; i++)
		if (!account_want_listed(&w, &source->accounts[i], 0))
			return false;
	for (size_t i = 0; i < source->grant_count; i++) {
		const struct grant_rule *rule = &source->grants[i];

		if (!(rule->pattern.len > 0 ? rule_pattern(&w, rule)
					    : rule_one_group(&w, rule)))
			return false;
	}
	if (!grants_merge(&w))
		return false;
	if (notes->failed)
		return no_memory(&w);
	notes_sort(notes);
	return true;
}
