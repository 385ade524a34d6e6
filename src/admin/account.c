#include "admin/change.h"
#include "base/bounds.h"
#include "model/state_json.h"

/* --- The owner ------------------------------------------------------------ */

static bool
has_grant_on(
    const struct admin *admin, const struct member *member, struct str account)
{
	for (size_t i = 0; i < member->grant_count; i++)
		if (str_eq(member->grants[i].account, account) &&
		    !grant_expired(&member->grants[i], admin->now_ms / 1000))
			return true;
	return false;
}

/* M6, M16: from an owner the account goes to an active member who has
 * something there; one without an owner may be given to anybody active. */
static bool
rule_owner(const struct admin *admin, const struct account *account,
    struct str old_owner, const struct member *owner, struct err *err)
{
	if (str_eq_fold(old_owner, owner->username))
		return true;
	if (owner->status != MEMBER_ACTIVE)
		return err_set(err, ERR_REFUSED, "member_inactive",
		    "member %.*s: is %s and cannot own an account; make them "
		    "active first",
		    STR_ARGS(owner->username),
		    member_status_word(owner->status));
	if (account->kind == ACCOUNT_PERSONAL && owner->personal.len > 0)
		return err_set(err, ERR_REFUSED, "personal_exists",
		    "member %.*s: has the personal account %.*s already",
		    STR_ARGS(owner->username), STR_ARGS(owner->personal));
	if (old_owner.len == 0 || has_grant_on(admin, owner, account->id))
		return true;
	return err_set(err, ERR_REFUSED, "owner_without_grant",
	    "member %.*s: has no unexpired grant on %.*s and cannot take it "
	    "over; give one first",
	    STR_ARGS(owner->username), STR_ARGS(account->id));
}

/* The owner's id, empty for none; the name in the account becomes as the
 * owner writes it. */
static bool
owner_find(struct admin *admin, struct account *account, struct str old_owner,
    struct str *owner_id, struct err *err)
{
	struct member owner = { 0 };

	*owner_id = STR("");
	if (account->owner.len == 0)
		return true;
	if (!member_need(admin, account->owner, &owner, err) ||
	    !rule_owner(admin, account, old_owner, &owner, err))
		return false;
	account->owner = owner.username;
	*owner_id = owner.id;
	return true;
}

/* --- Add ------------------------------------------------------------------ */

static bool
account_put(struct admin *admin, const struct account *account,
    struct str owner_id, struct err *err)
{

	return store_put_account(
	    admin->store, account, owner_id, next_generation(admin), err);
}

/* A personal account appears in its owner's record as well. */
static bool
touch_account(struct admin *admin, struct touches *touches,
    const struct account *account, struct str owner_id, struct err *err)
{

	touch(admin, touches, "account", account->id);
	if (account->kind != ACCOUNT_PERSONAL || owner_id.len == 0)
		return true;
	touch(admin, touches, "member", owner_id);
	return store_touch_member(
	    admin->store, owner_id, next_generation(admin), err);
}

static bool
catalogue_check(
    const struct admin *admin, const struct account *account, struct err *err)
{
	if (account->parent_id.len > 0 ||
	    catalogues_find(admin->catalogues, account->catalogue) != NULL)
		return true;
	if (account->catalogue.len == 0)
		return err_set(err, ERR_REFUSED, "catalogue_missing",
		    "account %.*s: is the root of a tree and needs a "
		    "catalogue; see rolegate role list",
		    STR_ARGS(account->id));
	return err_set(err, ERR_REFUSED, "catalogue_unknown",
	    "account %.*s: there is no catalogue %.*s; see rolegate role list",
	    STR_ARGS(account->id), STR_ARGS(account->catalogue));
}

static bool
parent_check(
    struct admin *admin, const struct account *account, struct err *err)
{
	const struct account *parent = NULL;

	if (account->parent_id.len == 0)
		return true;
	if (!account_need(admin, account->parent_id, &parent, err) ||
	    !rule_shared(parent, err) || !rule_not_frozen(parent, err))
		return false;
	if (account->kind == ACCOUNT_PERSONAL)
		return err_set(err, ERR_REFUSED, "personal_account",
		    "account %.*s: a personal account stands alone; leave the "
		    "parent out",
		    STR_ARGS(account->id));
	if (account_depth(parent) >= TREE_DEPTH_MAX)
		return err_set(err, ERR_REFUSED, "tree_depth",
		    "account %.*s: %.*s is on the last of %d levels; add it "
		    "higher up",
		    STR_ARGS(account->id), STR_ARGS(parent->id),
		    TREE_DEPTH_MAX);
	return true;
}

static bool
id_free(struct admin *admin, struct str id, struct err *err)
{
	const struct account *other = NULL;

	switch (store_account(admin->store, &admin->arena, id, &other, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return true;
	case FOUND_YES:
		break;
	}
	return err_set(err, ERR_REFUSED, "account_exists",
	    "account %.*s: is there already; choose another id", STR_ARGS(id));
}

/* A directory makes shared accounts that nobody owns. */
static bool
rule_made(
    const struct admin *admin, const struct account *account, struct err *err)
{
	if (account->kind == ACCOUNT_PERSONAL && account->owner.len == 0)
		return err_set(err, ERR_REFUSED, "personal_account",
		    "account %.*s: a personal account needs its owner; name "
		    "one",
		    STR_ARGS(account->id));
	if (account->kind == ACCOUNT_SHARED && account->owner.len == 0 &&
	    account->status == ACCOUNT_ACTIVE)
		return true;
	return rule_system(admin, "account", account->id, err);
}

static bool
account_make(struct admin *admin, struct account *account, struct err *err)
{
	struct touches touches = { 0 };
	struct str owner_id = STR("");

	return account_check(account, err) && rule_made(admin, account, err) &&
	       id_free(admin, account->id, err) &&
	       catalogue_check(admin, account, err) &&
	       parent_check(admin, account, err) &&
	       owner_find(admin, account, STR(""), &owner_id, err) &&
	       account_put(admin, account, owner_id, err) &&
	       touch_account(admin, &touches, account, owner_id, err) &&
	       change_note(admin, "account.add", account->id, STR(""),
		   state_account_text(&admin->arena, account), &touches, err);
}

bool
admin_account_add(
    struct admin *admin, const struct account *account, struct err *err)
{
	struct account made = *account;

	return change_begin(admin, err) &&
	       change_end(admin, account_make(admin, &made, err), err);
}

/* --- Edit ----------------------------------------------------------------- */

/* All but the status. */
static bool
account_alike(const struct account *a, const struct account *b)
{
	return str_eq(a->name, b->name) && str_eq(a->level, b->level) &&
	       str_eq(a->catalogue, b->catalogue) &&
	       str_eq(a->parent_id, b->parent_id) && a->kind == b->kind &&
	       names_eq(a->licences, b->licences) &&
	       str_eq_fold(a->owner, b->owner);
}

/* M10: what is suspended or archived may be reinstated, and nothing else; what
 * is closed stays closed, and so does what lies below something frozen. */
static bool
status_check(
    const struct account *before, const struct account *after, struct err *err)
{
	bool reinstates = after->status == ACCOUNT_ACTIVE &&
			  before->status != ACCOUNT_CLOSED &&
			  account_alike(before, after);

	if (before->parent != NULL && !rule_not_frozen(before->parent, err))
		return false;
	return reinstates || rule_not_frozen(before, err);
}

static bool
fixed_check(
    const struct account *before, const struct account *after, struct err *err)
{
	if (before->kind == after->kind &&
	    str_eq(before->level, after->level) &&
	    str_eq(before->parent_id, after->parent_id))
		return true;
	return err_set(err, ERR_REFUSED, "account_fixed",
	    "account %.*s: parent, kind and level cannot change here; make a "
	    "new account",
	    STR_ARGS(before->id));
}

/* Where an owner or the top role of the catalogue may go away with this. */
static bool
tops_at_risk(struct admin *admin, const struct account *before,
    const struct account *after, struct names *out, struct err *err)
{
	struct names ids = { &before->id, 1 };

	*out = (struct names){ NULL, 0 };
	if (!str_eq(before->catalogue, after->catalogue)) {
		if (!store_subtree(
			admin->store, &admin->arena, before->id, &ids, err))
			return false;
	} else if (before->owner.len == 0 ||
		   str_eq_fold(before->owner, after->owner))
		return true;
	return tops_among(admin, ids, out, err);
}

static bool
account_replace(struct admin *admin, const struct account *before,
    struct account *after, struct err *err)
{
	struct touches touches = { 0 };
	struct str owner_id = STR("");
	struct names tops;

	touch(admin, &touches, "account", after->id);
	return rule_system(admin, "account", after->id, err) &&
	       rule_shared(before, err) && account_check(after, err) &&
	       fixed_check(before, after, err) &&
	       status_check(before, after, err) &&
	       catalogue_check(admin, after, err) &&
	       owner_find(admin, after, before->owner, &owner_id, err) &&
	       tops_at_risk(admin, before, after, &tops, err) &&
	       account_put(admin, after, owner_id, err) &&
	       rule_top_stays(admin, tops, err) &&
	       change_note(admin, "account.edit", after->id,
		   state_account_text(&admin->arena, before),
		   state_account_text(&admin->arena, after), &touches, err);
}

static bool
account_edit(struct admin *admin, struct account *account, struct err *err)
{
	const struct account *before = NULL;

	if (!account_need(admin, account->id, &before, err))
		return false;
	return (before->status == account->status &&
		   account_alike(before, account)) ||
	       account_replace(admin, before, account, err);
}

bool
admin_account_edit(
    struct admin *admin, const struct account *account, struct err *err)
{
	struct account after = *account;

	return change_begin(admin, err) &&
	       change_end(admin, account_edit(admin, &after, err), err);
}

/* --- Remove --------------------------------------------------------------- */

static bool
childless(struct admin *admin, struct str id, struct err *err)
{
	struct names below = { NULL, 0 };

	if (!store_subtree(admin->store, &admin->arena, id, &below, err))
		return false;
	if (below.count <= 1)
		return true;
	return err_set(err, ERR_REFUSED, "has_children",
	    "account %.*s: has %zu accounts below it; remove those first",
	    STR_ARGS(id), below.count - 1);
}

static bool
holders_end(struct admin *admin, struct str id, struct err *err)
{
	struct names holders = { NULL, 0 };

	if (!store_holders(admin->store, &admin->arena, id, &holders, err))
		return false;
	for (size_t i = 0; i < holders.count; i++) {
		struct member member = { 0 };

		/* The foreign key says that there is one. */
		if (store_member_by_id(admin->store, &admin->arena,
			holders.items[i], &member, err) != FOUND_YES ||
		    !grants_end(admin, &member, id, err))
			return false;
	}
	return true;
}

bool
account_take_down(
    struct admin *admin, const struct account *account, struct err *err)
{
	return childless(admin, account->id, err) &&
	       holders_end(admin, account->id, err) &&
	       store_delete_account(admin->store, account->id, err);
}

static bool
account_end(struct admin *admin, struct str id, struct err *err)
{
	const struct account *account = NULL;
	struct touches touches = { 0 };

	touch(admin, &touches, "account", id);
	return account_need(admin, id, &account, err) &&
	       rule_system(admin, "account", id, err) &&
	       rule_shared(account, err) && rule_not_frozen(account, err) &&
	       account_take_down(admin, account, err) &&
	       change_note(admin, "account.remove", id,
		   state_account_text(&admin->arena, account), STR(""),
		   &touches, err);
}

bool
admin_account_remove(struct admin *admin, struct str id, struct err *err)
{
	return change_begin(admin, err) &&
	       change_end(admin, account_end(admin, id, err), err);
}
