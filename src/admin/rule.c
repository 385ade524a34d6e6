#include "admin/change.h"

#include <string.h>

const struct catalogue *
catalogue_of(const struct admin *admin, const struct account *account)
{
	const struct account *root = account_root(account);

	return root != NULL
		   ? catalogues_find(admin->catalogues, root->catalogue)
		   : NULL;
}

bool
rule_not_frozen(const struct account *account, struct err *err)
{
	enum account_status status = account_strictest(account);

	if (status == ACCOUNT_ACTIVE)
		return true;
	return err_set(err, ERR_REFUSED, "account_frozen",
	    "account %.*s: it or one above it is %s and takes no change; "
	    "reinstate it first",
	    STR_ARGS(account->id), account_status_word(status));
}

bool
rule_shared(const struct account *account, struct err *err)
{
	if (account->kind == ACCOUNT_SHARED)
		return true;
	return err_set(err, ERR_REFUSED, "personal_account",
	    "account %.*s: is personal and lives with its member; use a shared "
	    "account",
	    STR_ARGS(account->id));
}

bool
rule_system(const struct admin *admin, const char *what, struct str name,
    struct err *err)
{
	if (admin->actor.kind == ACTOR_SYSTEM)
		return true;
	return err_set(err, ERR_REFUSED, "not_yours",
	    "%s %.*s: %.*s may not do this; use rolegate", what, STR_ARGS(name),
	    STR_ARGS(admin->actor.source));
}

static size_t
identities_own(const struct admin *admin, const struct member *member)
{
	size_t count = 0;

	for (size_t i = 0; i < member->identity_count; i++)
		count +=
		    str_eq(member->identities[i].source, admin->actor.source);
	return count;
}

bool
rule_known_member(
    const struct admin *admin, const struct member *member, struct err *err)
{
	if (admin->actor.kind == ACTOR_SYSTEM ||
	    identities_own(admin, member) > 0)
		return true;
	return err_set(err, ERR_REFUSED, "not_yours",
	    "member %.*s: does not come from %.*s, which may not change them",
	    STR_ARGS(member->username), STR_ARGS(admin->actor.source));
}

bool
rule_own_member(
    const struct admin *admin, const struct member *member, struct err *err)
{
	if (!rule_known_member(admin, member, err))
		return false;
	if (admin->actor.kind == ACTOR_SYSTEM ||
	    identities_own(admin, member) == member->identity_count)
		return true;
	return err_set(err, ERR_REFUSED, "not_yours",
	    "member %.*s: comes from other directories too, so %.*s alone may "
	    "not change them",
	    STR_ARGS(member->username), STR_ARGS(admin->actor.source));
}

/* --- M7: the last one at the top ------------------------------------------ */

/* One with a filter sees a part only (J11), and is not at the top. */
bool
is_top_grant(const struct admin *admin, const struct account *account,
    const struct grant *grant)
{
	const struct catalogue *catalogue = catalogue_of(admin, account);

	return catalogue != NULL && catalogue->top >= 0 &&
	       catalogue_role(catalogue, grant->role) == catalogue->top &&
	       grant->filters.count == 0 &&
	       !grant_expired(grant, admin->now_ms / 1000);
}

static bool
state_read(struct admin *admin, struct state *state, struct arena *arena,
    struct err *err)
{
	*state = (struct state){ 0 };
	if (!store_state(admin->store, arena, state, err))
		return false;
	state->catalogues = *admin->catalogues;
	return true;
}

bool
tops_of(struct admin *admin, const struct member *member, struct names *out,
    struct err *err)
{
	struct str *ids;
	size_t count;

	*out = (struct names){ NULL, 0 };
	if (member->status != MEMBER_ACTIVE)
		return true;
	if (!store_owned(admin->store, &admin->arena, member->id, out, err))
		return false;
	count = out->count;
	ids = ARENA_ARRAY(
	    &admin->arena, struct str, count + member->grant_count + 1);
	if (ids == NULL)
		return err_set(err, ERR_LIMIT, "no_memory",
		    "memory is out; give the process more");
	if (count > 0)
		memcpy(ids, out->items, count * sizeof(*ids));
	for (size_t i = 0; i < member->grant_count; i++) {
		const struct grant *g = &member->grants[i];
		const struct account *on = NULL;

		if (!account_need(admin, g->account, &on, err))
			return false;
		if (is_top_grant(admin, on, g))
			ids[count++] = g->account;
	}
	*out = (struct names){ ids, count };
	return true;
}

static bool
owner_is_active(const struct state *state, const struct account *account)
{
	const struct member *owner =
	    account->owner.len > 0 ? state_member(state, account->owner) : NULL;

	return owner != NULL && owner->status == MEMBER_ACTIVE;
}

static bool
is_above(const struct account *account, struct str id)
{
	for (; account != NULL; account = account->parent)
		if (str_eq(account->id, id))
			return true;
	return false;
}

static bool
has_top(const struct admin *admin, const struct state *state,
    const struct account *account)
{
	for (const struct account *a = account; a != NULL; a = a->parent)
		if (owner_is_active(state, a))
			return true;
	for (size_t i = 0; i < state->member_count; i++) {
		const struct member *m = &state->members[i];

		if (m->status != MEMBER_ACTIVE)
			continue;
		for (size_t g = 0; g < m->grant_count; g++)
			if (is_above(account, m->grants[g].account) &&
			    is_top_grant(admin, account, &m->grants[g]))
				return true;
	}
	return false;
}

/* On what is closed nobody can do anything, nor be given anything: nobody
 * would ever get away from it. */
static bool
needs_top(const struct account *account)
{
	return account != NULL && account->kind == ACCOUNT_SHARED &&
	       account_strictest(account) != ACCOUNT_CLOSED;
}

bool
tops_among(struct admin *admin, struct names accounts, struct names *out,
    struct err *err)
{
	struct str *ids =
	    ARENA_ARRAY(&admin->arena, struct str, accounts.count);
	struct arena arena = { 0 };
	struct state state;
	size_t count = 0;
	bool ok = ids != NULL ? state_read(admin, &state, &arena, err)
			      : err_set(err, ERR_LIMIT, "no_memory",
				    "memory is out; give the process more");

	for (size_t i = 0; ok && i < accounts.count; i++) {
		const struct account *a =
		    state_account(&state, accounts.items[i]);

		if (needs_top(a) && has_top(admin, &state, a))
			ids[count++] = accounts.items[i];
	}
	arena_free(&arena);
	*out = (struct names){ ids, count };
	return ok;
}

bool
rule_top_stays(struct admin *admin, struct names accounts, struct err *err)
{
	struct arena arena = { 0 };
	struct state state;
	bool ok = true;

	if (accounts.count == 0)
		return true;
	if (!state_read(admin, &state, &arena, err)) {
		arena_free(&arena);
		return false;
	}
	for (size_t i = 0; ok && i < accounts.count; i++) {
		const struct account *a =
		    state_account(&state, accounts.items[i]);

		if (needs_top(a) && !has_top(admin, &state, a))
			ok = err_set(err, ERR_REFUSED, "last_top_role",
			    "account %.*s: would be left without an owner or "
			    "a member with its top role; give that to "
			    "somebody else first",
			    STR_ARGS(a->id));
	}
	arena_free(&arena);
	return ok;
}
