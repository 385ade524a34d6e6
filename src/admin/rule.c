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

static bool
holds_top_on(const struct admin *admin, const struct member *member,
    const struct account *on)
{
	if (member->status != MEMBER_ACTIVE)
		return false;
	for (size_t i = 0; i < member->grant_count; i++)
		if (str_eq(member->grants[i].account, on->id) &&
		    is_top_grant(admin, on, &member->grants[i]))
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

/* --- Is there anybody? ---------------------------------------------------- */

static enum found
owner_is_active(
    struct admin *admin, const struct account *account, struct err *err)
{
	struct member owner = { 0 };
	enum found found;

	if (account->owner.len == 0)
		return FOUND_NO;
	found = store_member(
	    admin->store, &admin->arena, account->owner, &owner, err);
	if (found == FOUND_YES && owner.status != MEMBER_ACTIVE)
		return FOUND_NO;
	return found;
}

/* By a grant made on `on`, which is the account or above it. */
static enum found
holder_is_active(struct admin *admin, const struct account *on, struct err *err)
{
	const struct catalogue *catalogue = catalogue_of(admin, on);
	struct names holders = { NULL, 0 };

	if (catalogue == NULL || catalogue->top < 0)
		return FOUND_NO;
	if (!store_role_holders(admin->store, &admin->arena, on->id,
		catalogue->roles[catalogue->top].name, &holders, err))
		return FOUND_ERROR;
	for (size_t i = 0; i < holders.count; i++) {
		struct member member = { 0 };

		/* The foreign key says that there is one. */
		if (store_member_by_id(admin->store, &admin->arena,
			holders.items[i], &member, err) != FOUND_YES)
			return FOUND_ERROR;
		if (holds_top_on(admin, &member, on))
			return FOUND_YES;
	}
	return FOUND_NO;
}

static enum found
has_top(struct admin *admin, const struct account *account, struct err *err)
{
	enum found found = FOUND_NO;

	for (; found == FOUND_NO && account != NULL;
	     account = account->parent) {
		found = owner_is_active(admin, account, err);
		if (found == FOUND_NO)
			found = holder_is_active(admin, account, err);
	}
	return found;
}

/* Of an account that is gone meanwhile nothing is asked. */
static enum found
needs_and_has_top(
    struct admin *admin, struct str id, bool *needs, struct err *err)
{
	const struct account *account = NULL;
	enum found found =
	    store_account(admin->store, &admin->arena, id, &account, err);

	*needs = found == FOUND_YES && needs_top(account);
	return *needs ? has_top(admin, account, err) : found;
}

bool
tops_among(struct admin *admin, struct names accounts, struct names *out,
    struct err *err)
{
	struct str *ids =
	    ARENA_ARRAY(&admin->arena, struct str, accounts.count);
	size_t count = 0;

	if (ids == NULL)
		return change_no_memory(err);
	for (size_t i = 0; i < accounts.count; i++) {
		bool needs = false;
		enum found found =
		    needs_and_has_top(admin, accounts.items[i], &needs, err);

		if (found == FOUND_ERROR)
			return false;
		if (needs && found == FOUND_YES)
			ids[count++] = accounts.items[i];
	}
	*out = (struct names){ ids, count };
	return true;
}

bool
rule_top_stays(struct admin *admin, struct names accounts, struct err *err)
{
	for (size_t i = 0; i < accounts.count; i++) {
		bool needs = false;
		enum found found =
		    needs_and_has_top(admin, accounts.items[i], &needs, err);

		if (found == FOUND_ERROR)
			return false;
		if (needs && found == FOUND_NO)
			return err_set(err, ERR_REFUSED, "last_top_role",
			    "account %.*s: would be left without an owner or "
			    "a member with its top role; give that to somebody "
			    "else first",
			    STR_ARGS(accounts.items[i]));
	}
	return true;
}
