#include "admin/change.h"

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
	struct str who =
	    asks_as_member(admin) ? admin->actor.username : admin->actor.source;

	if (admin->actor.kind == ACTOR_SYSTEM)
		return true;
	return err_set(err, ERR_REFUSED, "not_yours",
	    "%s %.*s: %.*s may not do this; use rolegate", what, STR_ARGS(name),
	    STR_ARGS(who));
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
	if (admin->actor.kind != ACTOR_SOURCE ||
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
	if (admin->actor.kind != ACTOR_SOURCE ||
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

/* On the account or above it. */
static bool
is_at_top(const struct admin *admin, const struct member *member,
    const struct account *account)
{
	if (member->status != MEMBER_ACTIVE)
		return false;
	for (const struct account *a = account; a != NULL; a = a->parent)
		if (account_is_owned_by(a, member->username))
			return true;
	for (size_t i = 0; i < member->grant_count; i++)
		if (account_is_within(account, member->grants[i].account) &&
		    is_top_grant(admin, account, &member->grants[i]))
			return true;
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
tops_of(struct admin *admin, const struct member *member, struct names *out,
    struct err *err)
{
	struct names owned = { NULL, 0 };
	struct str *ids;
	size_t count = 0;

	*out = (struct names){ NULL, 0 };
	if (member->status != MEMBER_ACTIVE)
		return true;
	if (!store_owned(admin->store, &admin->arena, member->id, &owned, err))
		return false;
	ids = ARENA_ARRAY(
	    &admin->arena, struct str, owned.count + member->grant_count);
	if (ids == NULL)
		return change_no_memory(err);
	for (size_t i = 0; i < owned.count; i++)
		if (!str_eq(owned.items[i], member->personal))
			ids[count++] = owned.items[i];
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

/* Who was found at the top of an account. Looking for somebody reads the
 * whole state, so they are remembered, and looked at first the next time. */
struct witness {
	struct witness *next;
	struct str account;
	struct str member_id;
};

static void
witness_keep(struct admin *admin, struct str account, struct str member_id)
{
	struct witness *w = ARENA_NEW(&admin->kept, struct witness);

	if (w == NULL)
		return;
	w->account = str_copy(&admin->kept, account);
	w->member_id = str_copy(&admin->kept, member_id);
	if (w->account.ptr == NULL || w->member_id.ptr == NULL)
		return;
	w->next = admin->witnesses;
	admin->witnesses = w;
}

/* Is whoever was found there the last time still there? */
static enum found
witness_stays(struct admin *admin, struct str id, struct err *err)
{
	const struct witness *w = admin->witnesses;
	const struct account *account = NULL;
	struct member member = { 0 };
	enum found found;

	while (w != NULL && !str_eq(w->account, id))
		w = w->next;
	if (w == NULL)
		return FOUND_NO;
	found = store_account(admin->store, &admin->arena, id, &account, err);
	if (found == FOUND_YES)
		found = store_member_by_id(
		    admin->store, &admin->arena, w->member_id, &member, err);
	if (found == FOUND_YES && !is_at_top(admin, &member, account))
		return FOUND_NO;
	return found;
}

static const struct member *
top_find(const struct admin *admin, const struct state *state,
    const struct account *account)
{
	for (size_t i = 0; i < state->member_count; i++)
		if (is_at_top(admin, &state->members[i], account))
			return &state->members[i];
	return NULL;
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
	bool ok = ids != NULL ? store_state(admin->store, &arena, &state, err)
			      : change_no_memory(err);

	for (size_t i = 0; ok && i < accounts.count; i++) {
		const struct account *a =
		    state_account(&state, accounts.items[i]);

		if (needs_top(a) && top_find(admin, &state, a) != NULL)
			ids[count++] = accounts.items[i];
	}
	arena_free(&arena);
	*out = (struct names){ ids, count };
	return ok;
}

static bool
top_stays(struct admin *admin, struct str id, const struct state *state,
    struct err *err)
{
	const struct account *account = state_account(state, id);
	const struct member *top;

	if (!needs_top(account))
		return true;
	top = top_find(admin, state, account);
	if (top == NULL)
		return err_set(err, ERR_REFUSED, "last_top_role",
		    "account %.*s: would be left without an owner or a member "
		    "with its top role; give that to somebody else first",
		    STR_ARGS(id));
	witness_keep(admin, id, top->id);
	return true;
}

bool
rule_top_stays(struct admin *admin, struct names accounts, struct err *err)
{
	struct arena arena = { 0 };
	struct state state;
	bool is_read = false;
	bool ok = true;

	for (size_t i = 0; ok && i < accounts.count; i++) {
		switch (witness_stays(admin, accounts.items[i], err)) {
		case FOUND_ERROR:
			ok = false;
			continue;
		case FOUND_YES:
			continue;
		case FOUND_NO:
			break;
		}
		is_read =
		    is_read || store_state(admin->store, &arena, &state, err);
		ok =
		    is_read && top_stays(admin, accounts.items[i], &state, err);
	}
	arena_free(&arena);
	return ok;
}
