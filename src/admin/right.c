#include "admin/change.h"
#include "decide/decide.h"

/* --- Who asks ------------------------------------------------------------- */

bool
asks_as_member(const struct admin *admin)
{
	return admin->asker.kind == ACTOR_MEMBER;
}

bool
asker_is(const struct admin *admin, struct str username)
{
	return asks_as_member(admin) &&
	       str_eq_fold(admin->asker.username, username);
}

/* Read anew for each change: the right and the write are one transaction. */
bool
asker_need(struct admin *admin, struct member *out, struct err *err)
{
	struct str username = admin->asker.username;

	switch (store_member(admin->store, &admin->arena, username, out, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		break;
	case FOUND_YES:
		if (out->status == MEMBER_ACTIVE)
			return true;
		break;
	}
	return err_set(err, ERR_REFUSED, "member_inactive",
	    "member %.*s: is not active and may change nothing",
	    STR_ARGS(username));
}

bool
asker_is_active(struct admin *admin, struct err *err)
{
	struct member asker = { 0 };

	return !asks_as_member(admin) || asker_need(admin, &asker, err);
}

static struct question
question_of(const struct admin *admin, const struct member *member,
    const struct account *account, struct str permission)
{
	return (struct question){
		.catalogue = catalogue_of(admin, account),
		.member = member,
		.account = account,
		.permission = permission,
		.now_s = admin->now_ms / 1000,
	};
}

static bool
scope_has(struct names scope, struct str name)
{
	return scope.count == 0 || names_have(scope, name);
}

static bool
scope_reaches(struct names scope, const struct account *account)
{
	for (size_t i = 0; i < scope.count; i++)
		if (account_is_within(account, scope.items[i]))
			return true;
	return scope.count == 0;
}

/* --- S15: what is no permission ------------------------------------------- */

/* A token has the permissions that it is narrowed to; to own an account is
 * none of them. */
bool
rule_owner_token(
    const struct admin *admin, const struct account *account, struct err *err)
{
	if (admin->asker.scope.permissions.count == 0)
		return true;
	return err_set(err, ERR_REFUSED, "not_yours",
	    "account %.*s: a token that is narrowed to permissions may not do "
	    "what takes its owner; use one that is not, or sign in",
	    STR_ARGS(account->id));
}

/* Nor is to be somebody. */
bool
rule_not_narrowed(
    const struct admin *admin, const char *what, struct str id, struct err *err)
{
	const struct scope *scope = &admin->asker.scope;

	if (scope->accounts.count == 0 && scope->permissions.count == 0)
		return true;
	return err_set(err, ERR_REFUSED, "not_yours",
	    "%s%s%.*s: a token that is narrowed to accounts or permissions may "
	    "not do this; use one that is not, or sign in",
	    what, id.len > 0 ? " " : "", STR_ARGS(id));
}

/* --- M11: what they cannot see -------------------------------------------- */

/* What the asker holds there: everything unexpired on it and above it. */
struct held {
	struct holding *holdings;
	size_t count;
};

static bool
held_find(struct admin *admin, const struct member *asker,
    const struct account *account, struct held *out, struct err *err)
{
	const struct question q = question_of(admin, asker, account, STR(""));

	out->count = holdings_find(&q, &admin->arena, &out->holdings);
	return out->count != SIZE_MAX || change_no_memory(err);
}

/* S15: a token is as good as its maker is where tokens are made; the gate
 * judges the same way. */
static bool
token_counts(
    struct admin *admin, const struct member *asker, const struct account *on)
{
	const struct operation *make = catalogue_operation(
	    catalogue_of(admin, on), STR("token.create"), STR(""));

	if (admin->asker.token.len == 0)
		return true;
	for (size_t i = 0; make != NULL && i < make->needs.count; i++) {
		const struct question q =
		    question_of(admin, asker, on, make->needs.items[i]);

		if (decide(&q, &admin->arena).verdict != VERDICT_ALLOW)
			return false;
	}
	return make != NULL;
}

static bool
reach(struct admin *admin, const struct member *asker,
    const struct account *account, struct held *out, struct err *err)
{
	if (!held_find(admin, asker, account, out, err))
		return false;
	if (out->count == 0 ||
	    !scope_reaches(admin->asker.scope.accounts, account))
		return account_missing(account->id, err);
	return token_counts(admin, asker, account) ||
	       err_set(err, ERR_REFUSED, "no_right",
		   "member %.*s: may make no tokens on %.*s, so theirs do not "
		   "count there",
		   STR_ARGS(admin->asker.username), STR_ARGS(account->id));
}

/* --- Operations ----------------------------------------------------------- */

static bool
may_use(struct admin *admin, const struct member *asker,
    const struct account *account, struct str permission, struct decision *out)
{
	const struct question q =
	    question_of(admin, asker, account, permission);

	*out = decide(&q, &admin->arena);
	return out->verdict == VERDICT_ALLOW &&
	       scope_has(admin->asker.scope.permissions, permission);
}

/* S12: rights that come from an account of another level are used on behalf
 * of the one that is changed, and the history says so. */
static void
note_acting(struct admin *admin, const struct account *account,
    const struct decision *decision)
{
	if (!str_eq(decision->by.where->level, account->level))
		admin->acting_for = account->id;
}

static bool
no_right(const struct admin *admin, const char *operation,
    const struct account *account, struct str permission, struct err *err)
{
	return err_set(err, ERR_REFUSED, "no_right",
	    "member %.*s: may not do %s on %.*s, which takes %.*s there",
	    STR_ARGS(admin->asker.username), operation, STR_ARGS(account->id),
	    STR_ARGS(permission));
}

/* `named` is the account that the asker spoke of: where the right is asked
 * further up, they need not know what is there. */
static bool
operation_allowed(struct admin *admin, const struct member *asker,
    const struct account *account, const struct account *named,
    const char *operation, struct str role, struct err *err)
{
	const struct operation *o = catalogue_operation(
	    catalogue_of(admin, account), str_from(operation), role);

	if (o == NULL && role.len > 0 &&
	    catalogue_role(catalogue_of(admin, account), role) < 0)
		return role_unknown(named, role, err);
	if (o == NULL)
		return no_right(admin, operation, named,
		    STR("a permission that the catalogue does not name"), err);
	for (size_t i = 0; i < o->needs.count; i++) {
		struct decision decision;

		if (!may_use(
			admin, asker, account, o->needs.items[i], &decision))
			return no_right(
			    admin, operation, named, o->needs.items[i], err);
		note_acting(admin, account, &decision);
	}
	return true;
}

bool
right_to(struct admin *admin, const struct account *account,
    const char *operation, struct str role, struct err *err)
{
	struct member asker = { 0 };
	struct held held;

	return !asks_as_member(admin) ||
	       (asker_need(admin, &asker, err) &&
		   reach(admin, &asker, account, &held, err) &&
		   operation_allowed(
		       admin, &asker, account, account, operation, role, err));
}

bool
right_to_see(
    struct admin *admin, const struct account *account, struct err *err)
{
	struct member asker = { 0 };
	struct held held;

	return !asks_as_member(admin) ||
	       (asker_need(admin, &asker, err) &&
		   reach(admin, &asker, account, &held, err));
}

/* Every permission of the operation holds on accounts of this level. */
static bool
level_holds(const struct admin *admin, const struct account *account,
    const char *operation)
{
	const struct catalogue *catalogue = catalogue_of(admin, account);
	const struct operation *o =
	    catalogue_operation(catalogue, str_from(operation), STR(""));

	for (size_t i = 0; o != NULL && i < o->needs.count; i++) {
		const struct permission *p =
		    catalogue_permission(catalogue, o->needs.items[i]);

		if (p == NULL ||
		    (p->level.len > 0 && !str_eq(p->level, account->level)))
			return false;
	}
	return o != NULL;
}

/* M1 */
bool
right_above(struct admin *admin, const struct account *account,
    const struct account *from, const char *operation, struct err *err)
{
	struct member asker = { 0 };
	struct held held;

	if (!asks_as_member(admin))
		return true;
	if (!asker_need(admin, &asker, err) ||
	    !reach(admin, &asker, account, &held, err))
		return false;
	while (from != NULL && !level_holds(admin, from, operation))
		from = from->parent;
	if (from == NULL)
		return no_right(admin, operation, account,
		    STR("an account above where that can be allowed"), err);
	return operation_allowed(
	    admin, &asker, from, account, operation, STR(""), err);
}

/* --- M3: giving ----------------------------------------------------------- */

/* An own role that is whole: unexpired, and not narrowed by a filter. */
static bool
is_whole(const struct catalogue *catalogue, const struct holding *h)
{
	return h->role >= 0 && !catalogue->roles[h->role].filtered &&
	       (h->grant == NULL || h->grant->filters.count == 0);
}

static bool
own_role_has(const struct catalogue *catalogue, const struct held *held,
    const struct permission *permission)
{
	for (size_t i = 0; i < held->count; i++)
		if (is_whole(catalogue, &held->holdings[i]) &&
		    role_has(held->holdings[i].role, permission))
			return true;
	return false;
}

static bool
own_role_may_give(
    const struct catalogue *catalogue, const struct held *held, int role)
{
	for (size_t i = 0; i < held->count; i++) {
		const struct holding *h = &held->holdings[i];

		if (is_whole(catalogue, h) &&
		    (catalogue->roles[h->role].may_give >> role & 1) != 0)
			return true;
	}
	return false;
}

static bool
above_you(const struct admin *admin, const struct account *account,
    struct str role, struct str lacks, struct err *err)
{
	return err_set(err, ERR_REFUSED, "above_you",
	    "role %.*s on %.*s: %.*s may not give or take it%s%.*s; ask "
	    "somebody who holds more there",
	    STR_ARGS(role), STR_ARGS(account->id),
	    STR_ARGS(admin->asker.username), lacks.len > 0 ? ", lacking " : "",
	    STR_ARGS(lacks));
}

static bool
may_give(struct admin *admin, const struct member *asker,
    const struct account *account, const struct held *held, int role,
    struct err *err)
{
	const struct catalogue *catalogue = catalogue_of(admin, account);
	struct str name = catalogue->roles[role].name;

	for (size_t i = 0; i < catalogue->permission_count; i++) {
		const struct permission *p = &catalogue->permissions[i];
		bool here =
		    p->level.len == 0 || str_eq(p->level, account->level);
		struct decision decision;

		if (!role_has(role, p))
			continue;
		if (here ? !may_use(admin, asker, account, p->name, &decision)
			 : !own_role_has(catalogue, held, p))
			return above_you(admin, account, name, p->name, err);
		if (!scope_has(admin->asker.scope.permissions, p->name))
			return above_you(admin, account, name, p->name, err);
	}
	return own_role_may_give(catalogue, held, role) ||
	       above_you(admin, account, name, STR(""), err);
}

bool
right_over_role(struct admin *admin, const struct account *account,
    struct str name, struct err *err)
{
	int role = catalogue_role(catalogue_of(admin, account), name);
	struct member asker = { 0 };
	struct held held;

	if (!asks_as_member(admin))
		return true;
	if (!asker_need(admin, &asker, err) ||
	    !reach(admin, &asker, account, &held, err))
		return false;
	/* One that is in no catalogue gives nothing: whoever may change
	 * somebody may take it away. */
	return role < 0 || may_give(admin, &asker, account, &held, role, err);
}

/* --- Others --------------------------------------------------------------- */

bool
has_row_on(const struct member *member, const struct account *account)
{
	for (size_t i = 0; i < member->grant_count; i++)
		if (str_eq(member->grants[i].account, account->id))
			return true;
	return account_is_owned_by(account, member->username);
}

bool
owner_fixed(
    const struct member *member, const struct account *account, struct err *err)
{
	return err_set(err, ERR_REFUSED, "owner_fixed",
	    "member %.*s: owns %.*s and can be neither changed nor removed "
	    "there; the owner hands it over first",
	    STR_ARGS(member->username), STR_ARGS(account->id));
}

static bool
right_over_grant(struct admin *admin, const struct member *target,
    const struct grant *grant, struct err *err)
{
	const struct account *on = NULL;

	return account_need(admin, grant->account, &on, err) &&
	       right_to(admin, on, "grant.edit", grant->role, err) &&
	       (!account_is_owned_by(on, target->username) ||
		   owner_fixed(target, on, err)) &&
	       right_over_role(admin, on, grant->role, err);
}

/* What one may hear of accounts that one does not see: that there are some. */
static bool
person_elsewhere(
    const struct member *target, const struct err *why, struct err *err)
{
	if (why->kind != ERR_NOT_FOUND && why->kind != ERR_REFUSED) {
		*err = *why;
		return false;
	}
	return err_set(err, ERR_REFUSED, "person_elsewhere",
	    "member %.*s: who they are changes only by somebody who may change "
	    "them wherever they are a member; ask them, or the system",
	    STR_ARGS(target->username));
}

/* Who somebody is counts on every account that they are on: it takes the
 * right to change them on each, and nobody's who comes from a directory. */
bool
right_over_person(
    struct admin *admin, const struct member *target, struct err *err)
{
	struct names owned = { NULL, 0 };
	struct err why = { 0 };

	if (!asks_as_member(admin))
		return true;
	if (!store_owned(admin->store, &admin->arena, target->id, &owned, err))
		return false;
	for (size_t i = 0; i < target->grant_count; i++)
		if (!right_over_grant(admin, target, &target->grants[i], &why))
			return person_elsewhere(target, &why, err);
	for (size_t i = 0; i < owned.count; i++)
		if (!str_eq(owned.items[i], target->personal))
			return person_elsewhere(
			    target, &(struct err){ .kind = ERR_REFUSED }, err);
	if (target->grant_count == 0)
		return member_missing(target->username, err);
	if (target->identity_count == 0)
		return true;
	return err_set(err, ERR_REFUSED, "not_yours",
	    "member %.*s: comes from %.*s, and changes there",
	    STR_ARGS(target->username), STR_ARGS(target->identities[0].source));
}
