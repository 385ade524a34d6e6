/* source_check() of mapping.h: does the mapping fit the accounts and the
 * role catalogues that there are? */
#include "sync/mapping.h"

#include "base/bounds.h"

struct checker {
	const struct mapping *mapping;
	const struct source *source;
	const struct state *state;
	struct faults *faults;
};

#define FAULT(c, place_, code_, ...)                              \
	fault_add((c)->faults, (c)->mapping->path, (place_).line, \
	    (place_).column, (code_), __VA_ARGS__)

static const struct account_rule *
account_rule_find(const struct source *source, struct str id)
{
	for (size_t i = 0; i < source->account_count; i++)
		if (str_eq(source->accounts[i].account.id, id))
			return &source->accounts[i];
	return NULL;
}

/* Of an account that is there, or of one that the mapping makes. */
static const struct catalogue *
catalogue_of(const struct checker *c, struct str id, bool *exists)
{
	struct str at = id;

	for (int depth = 0; depth < TREE_DEPTH_MAX; depth++) {
		const struct account *account = state_account(c->state, at);
		const struct account_rule *rule =
		    account_rule_find(c->source, at);

		*exists = account != NULL || rule != NULL;
		if (account != NULL)
			return state_catalogue(c->state, account);
		if (rule == NULL)
			return NULL;
		if (rule->account.parent_id.len == 0)
			return catalogues_find(
			    &c->state->catalogues, rule->account.catalogue);
		at = rule->account.parent_id;
	}
	*exists = false;
	return NULL;
}

static void
filtered_fault(const struct checker *c, struct place place, struct str role,
    const struct catalogue *catalogue)
{
	FAULT(c, place, "filtered_role",
	    "role '%.*s': is a filtered role of catalogue '%.*s'; people give "
	    "it, a directory cannot",
	    STR_ARGS(role), STR_ARGS(catalogue->name));
}

static void
role_in_catalogue(const struct checker *c, struct place place, struct str role,
    const struct catalogue *catalogue)
{
	int r = catalogue_role(catalogue, role);

	if (r < 0)
		FAULT(c, place, "role_unknown",
		    "role '%.*s': catalogue '%.*s' does not have it",
		    STR_ARGS(role), STR_ARGS(catalogue->name));
	else if (catalogue->roles[r].filtered)
		filtered_fault(c, place, role, catalogue);
}

/* The account comes with the group's name: then the role must be one of some
 * catalogue, and filtered in none. */
static void
role_anywhere(const struct checker *c, struct place place, struct str role)
{
	const struct catalogues *all = &c->state->catalogues;
	bool known = false;

	for (size_t i = 0; i < all->count; i++) {
		int r = catalogue_role(all->items[i], role);

		if (r < 0)
			continue;
		known = true;
		if (all->items[i]->roles[r].filtered) {
			filtered_fault(c, place, role, all->items[i]);
			return;
		}
	}
	if (!known)
		FAULT(c, place, "role_unknown",
		    "role '%.*s': no catalogue has it", STR_ARGS(role));
}

static void
rule_check(const struct checker *c, const struct grant_rule *rule)
{
	const struct account *account = state_account(c->state, rule->account);
	const struct catalogue *catalogue;
	bool exists = false;

	if (rule->account.len == 0) {
		if (rule->role.len > 0)
			role_anywhere(c, rule->place, rule->role);
		return;
	}
	catalogue = catalogue_of(c, rule->account, &exists);
	if (!exists) {
		FAULT(c, rule->place, "account_unknown",
		    "account '%.*s': does not exist; make it, or list it under "
		    "accounts",
		    STR_ARGS(rule->account));
		return;
	}
	if (account != NULL && account->kind == ACCOUNT_PERSONAL)
		FAULT(c, rule->place, "personal_account",
		    "account '%.*s': is personal and cannot be shared",
		    STR_ARGS(rule->account));
	if (catalogue == NULL)
		FAULT(c, rule->place, "catalogue_unknown",
		    "account '%.*s': its root's catalogue is not there",
		    STR_ARGS(rule->account));
	else if (rule->role.len > 0)
		role_in_catalogue(c, rule->place, rule->role, catalogue);
}

static void
accounts_check(const struct checker *c)
{
	for (size_t i = 0; i < c->source->account_count; i++) {
		const struct account_rule *rule = &c->source->accounts[i];
		struct str id = rule->account.id;
		bool exists = false;

		if (rule->account.parent_id.len > 0) {
			id = rule->account.parent_id;
			(void)catalogue_of(c, id, &exists);
			if (!exists)
				FAULT(c, rule->place, "account_unknown",
				    "account '%.*s': its parent '%.*s' does "
				    "not exist",
				    STR_ARGS(rule->account.id), STR_ARGS(id));
		} else if (catalogues_find(&c->state->catalogues,
			       rule->account.catalogue) == NULL)
			FAULT(c, rule->place, "catalogue_unknown",
			    "account '%.*s': there is no catalogue '%.*s'",
			    STR_ARGS(id), STR_ARGS(rule->account.catalogue));
	}
}

static void
patterns_check(const struct checker *c)
{
	for (size_t i = 0; i < c->source->grant_count; i++) {
		const struct grant_rule *rule = &c->source->grants[i];
		const struct account_pattern *accounts = &rule->accounts;
		bool exists = false;

		if (!accounts->create)
			continue;
		if (accounts->parent.len == 0) {
			if (catalogues_find(&c->state->catalogues,
				accounts->catalogue) == NULL)
				FAULT(c, rule->place, "catalogue_unknown",
				    "accounts: there is no catalogue '%.*s'",
				    STR_ARGS(accounts->catalogue));
			continue;
		}
		(void)catalogue_of(c, accounts->parent, &exists);
		if (!exists)
			FAULT(c, rule->place, "account_unknown",
			    "accounts: the parent '%.*s' does not exist",
			    STR_ARGS(accounts->parent));
	}
}

bool
source_check(const struct mapping *mapping, const struct source *source,
    const struct state *state, struct faults *faults)
{
	const struct checker c = { mapping, source, state, faults };
	size_t before = faults->count;

	for (size_t i = 0; i < source->grant_count; i++)
		rule_check(&c, &source->grants[i]);
	for (size_t i = 0; i < source->ceiling.count; i++) {
		bool named = false;

		/* A rule's own role was judged with its account. */
		for (size_t k = 0; k < source->grant_count && !named; k++)
			named = str_eq(
			    source->grants[k].role, source->ceiling.items[i]);
		if (!named)
			role_anywhere(
			    &c, source->place, source->ceiling.items[i]);
	}
	accounts_check(&c);
	patterns_check(&c);
	return faults->count == before;
}
