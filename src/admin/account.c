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

bool
rule_depth(const struct account *account, const struct account *parent,
    int height, struct err *err)
{
	if (account_depth(parent) + height <= TREE_DEPTH_MAX)
		return true;
	return err_set(err, ERR_REFUSED, "tree_depth",
	    "account %.*s: below %.*s it would pass the last of %d levels; put "
	    "it higher up",
	    STR_ARGS(account->id), STR_ARGS(parent->id), TREE_DEPTH_MAX);
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
	return rule_depth(account, parent, 1, err);
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
	if (account->kind == ACCOUNT_SHARED &&
	    account->status == ACCOUNT_ACTIVE &&
	    (account->owner.len == 0 || asker_is(admin, account->owner)))
		return true;
	return rule_system(admin, "account", account->id, err);
}

/* Licences are owned by what was bought, not by what was written down: a
 * member hands on what the account above owns, or none. */
static bool
rule_licences_of_parent(const struct account *account,
    const struct account *parent, struct err *err)
{
	struct names owned = account_licences(parent);

	for (size_t i = 0; i < account->licences.count; i++)
		if (!names_have(owned, account->licences.items[i]))
			return err_set(err, ERR_REFUSED, "not_yours",
			    "account %.*s: licence %.*s is not owned by %.*s",
			    STR_ARGS(account->id),
			    STR_ARGS(account->licences.items[i]),
			    STR_ARGS(parent->id));
	return true;
}

/* REQUIREMENTS 10: a further account of one's own, where trees begin with
 * plain accounts; others are begun by the system. */
static bool
right_to_begin(
    struct admin *admin, const struct account *account, struct err *err)
{
	const struct catalogue *catalogue =
	    catalogues_find(admin->catalogues, account->catalogue);

	if (catalogue != NULL && catalogue_is_plain(catalogue) &&
	    str_eq(account->level, LEVEL_ACCOUNT) &&
	    account->licences.count == 0)
		return true;
	return rule_system(admin, "account", account->id, err);
}

static bool
rule_owns_few(struct admin *admin, struct err *err)
{
	struct member asker = { 0 };
	struct names owned = { NULL, 0 };

	if (!asker_need(admin, &asker, err) ||
	    !store_owned(admin->store, &admin->arena, asker.id, &owned, err))
		return false;
	if (owned.count < OWNED_BY_MEMBER_MAX)
		return true;
	return err_set(err, ERR_LIMIT, "accounts_too_many",
	    "member %.*s: owns %zu accounts, which is the most; hand over or "
	    "delete one",
	    STR_ARGS(asker.username), owned.count);
}

/* M1, M13: the id is made here, so that none can be guessed at. */
static bool
right_to_make(struct admin *admin, struct account *account, struct err *err)
{
	const struct account *parent = NULL;

	if (!asks_as_member(admin))
		return true;
	if (account->id.len > 0)
		return rule_system(admin, "account id", account->id, err);
	account->id = member_id_new(&admin->arena);
	if (account->id.ptr == NULL)
		return change_no_memory(err);
	if (account->owner.len == 0)
		account->owner = admin->asker.username;
	if (account->parent_id.len == 0)
		return rule_not_narrowed(
			   admin, "account", account->name, err) &&
		       right_to_begin(admin, account, err) &&
		       rule_owns_few(admin, err);
	return account_need(admin, account->parent_id, &parent, err) &&
	       right_to(admin, parent, "account.create", STR(""), err) &&
	       rule_licences_of_parent(account, parent, err) &&
	       rule_owns_few(admin, err);
}

static bool
made_keep(struct admin *admin, const struct account *account, struct err *err)
{
	admin->made_account = str_copy(&admin->kept, account->id);
	return admin->made_account.ptr != NULL || change_no_memory(err);
}

static bool
account_make(struct admin *admin, struct account *account, struct err *err)
{
	struct touches touches = { 0 };
	struct str owner_id = STR("");

	return right_to_make(admin, account, err) &&
	       account_check(account, err) && rule_made(admin, account, err) &&
	       id_free(admin, account->id, err) &&
	       catalogue_check(admin, account, err) &&
	       parent_check(admin, account, err) &&
	       owner_find(admin, account, STR(""), &owner_id, err) &&
	       account_put(admin, account, owner_id, err) &&
	       touch_account(admin, &touches, account, owner_id, err) &&
	       made_keep(admin, account, err) &&
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

/* --- What members may change of it ---------------------------------------- */

/* M6, M11, M15: not found is judged first. */
static bool
right_to_hand_over(struct admin *admin, const struct account *before,
    const struct account *after, struct err *err)
{
	const struct grant key = { .account = before->id };
	struct member to = { 0 };

	if (str_eq_fold(before->owner, after->owner))
		return true;
	switch (
	    store_member(admin->store, &admin->arena, after->owner, &to, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return grant_missing(admin, after->owner, &key, err);
	case FOUND_YES:
		break;
	}
	if (!has_row_on(&to, before))
		return grant_missing(admin, after->owner, &key, err);
	if (account_is_owned_by(before, admin->asker.username))
		return rule_owner_token(admin, before, err);
	return err_set(err, ERR_REFUSED, "no_right",
	    "account %.*s: is handed over by its owner only",
	    STR_ARGS(before->id));
}

/* M1, M2; closing is for ever, and the system's. */
static bool
right_to_status(struct admin *admin, const struct account *before,
    const struct account *after, struct err *err)
{
	if (before->status == after->status)
		return true;
	if (before->parent == NULL || after->status == ACCOUNT_CLOSED)
		return rule_system(admin, "status of", before->id, err);
	return right_above(
	    admin, before, before->parent, "account.suspend", err);
}

static bool
right_to_rename(struct admin *admin, const struct account *before,
    const struct account *after, struct err *err)
{
	return str_eq(before->name, after->name) ||
	       right_above(admin, before, before, "account.rename", err);
}

static bool
right_to_change(struct admin *admin, const struct account *before,
    const struct account *after, struct err *err)
{
	if (!asks_as_member(admin))
		return rule_system(admin, "account", before->id, err);
	if (!right_to_see(admin, before, err))
		return false;
	if (!str_eq(before->catalogue, after->catalogue) ||
	    !names_eq(before->licences, after->licences))
		return rule_system(
		    admin, "catalogue and licences of", before->id, err);
	return right_to_hand_over(admin, before, after, err) &&
	       right_to_status(admin, before, after, err) &&
	       right_to_rename(admin, before, after, err);
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

/* REQUIREMENTS 23. */
static bool
status_tell(struct admin *admin, const struct account *before,
    const struct account *after, struct str owner_id, struct err *err)
{
	struct str name = after->name.len > 0 ? after->name : after->id;
	const char *word = account_status_word(after->status);

	return before->status == after->status ||
	       account_notify(admin, after, owner_id,
		   str_fmt(
		       &admin->arena, "%.*s is %s now", STR_ARGS(name), word),
		   err);
}

static bool
account_replace(struct admin *admin, const struct account *before,
    struct account *after, struct err *err)
{
	struct touches touches = { 0 };
	struct str owner_id = STR("");
	struct names tops;

	touch(admin, &touches, "account", after->id);
	return right_to_change(admin, before, after, err) &&
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
		   state_account_text(&admin->arena, after), &touches, err) &&
	       status_tell(admin, before, after, owner_id, err);
}

static bool
account_edit(struct admin *admin, struct account *account, struct err *err)
{
	const struct account *before = NULL;

	if (!account_need(admin, account->id, &before, err) ||
	    !right_to_see(admin, before, err))
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
	       invitations_end(admin, account->id, STR(""), err) &&
	       store_delete_account(admin->store, account->id, err);
}

/* M1, M2 */
static bool
right_to_end(
    struct admin *admin, const struct account *account, struct err *err)
{
	if (!asks_as_member(admin))
		return rule_system(admin, "account", account->id, err);
	if (!right_to_see(admin, account, err))
		return false;
	if (account->parent != NULL)
		return right_above(
		    admin, account, account->parent, "account.delete", err);
	if (account_is_owned_by(account, admin->asker.username))
		return rule_owner_token(admin, account, err);
	return err_set(err, ERR_REFUSED, "no_right",
	    "account %.*s: is the root of its tree and is deleted by its owner "
	    "only",
	    STR_ARGS(account->id));
}

static bool
account_end(struct admin *admin, struct str id, struct err *err)
{
	const struct account *account = NULL;
	struct touches touches = { 0 };

	touch(admin, &touches, "account", id);
	return account_need(admin, id, &account, err) &&
	       right_to_end(admin, account, err) && rule_shared(account, err) &&
	       rule_not_frozen(account, err) &&
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
