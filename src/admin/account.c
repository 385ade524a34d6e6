#include "admin/change.h"
#include "base/bounds.h"
#include "model/state_json.h"

/* The owner's id; empty for none. */
static bool
owner_find(struct admin *admin, const struct account *account,
    struct str *owner_id, struct err *err)
{
	struct member owner = { 0 };

	*owner_id = STR("");
	if (account->owner.len == 0)
		return true;
	if (!member_need(admin, account->owner, &owner, err))
		return false;
	if (account->kind == ACCOUNT_PERSONAL && owner.personal.len > 0 &&
	    !str_eq(owner.personal, account->id))
		return err_set(err, ERR_REFUSED, "personal_exists",
		    "member %.*s: has the personal account %.*s already",
		    STR_ARGS(owner.username), STR_ARGS(owner.personal));
	*owner_id = owner.id;
	return true;
}

static bool
account_put(struct admin *admin, const struct account *account,
    struct str owner_id, struct err *err)
{
	int64_t generation;

	return change_generation(admin, &generation, err) &&
	       store_put_account(
		   admin->store, account, owner_id, generation, err);
}

/* A personal account appears in its owner's record as well. */
static bool
touch_account(struct admin *admin, struct touches *touches,
    const struct account *account, struct str owner_id, struct err *err)
{
	int64_t generation;

	touch(admin, touches, "account", account->id);
	if (account->kind != ACCOUNT_PERSONAL || owner_id.len == 0)
		return true;
	touch(admin, touches, "member", owner_id);
	return change_generation(admin, &generation, err) &&
	       store_touch_member(admin->store, owner_id, generation, err);
}

/* --- Add ------------------------------------------------------------------ */

static bool
catalogue_check(const struct admin *admin, const struct account *account,
    struct err *err)
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

static int
depth_of(const struct account *account)
{
	int depth = 0;

	for (; account != NULL; account = account->parent)
		depth++;
	return depth;
}

static bool
parent_check(struct admin *admin, const struct account *account,
    struct err *err)
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
	if (depth_of(parent) >= TREE_DEPTH_MAX)
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
	    "account %.*s: is there already; choose another id",
	    STR_ARGS(id));
}

static bool
account_make(struct admin *admin, const struct account *account,
    struct err *err)
{
	struct touches touches = { 0 };
	struct str owner_id = STR("");

	if (account->kind == ACCOUNT_PERSONAL && account->owner.len == 0)
		return err_set(err, ERR_REFUSED, "personal_account",
		    "account %.*s: a personal account needs its owner",
		    STR_ARGS(account->id));
	return account_check(account, err) &&
	       id_free(admin, account->id, err) &&
	       catalogue_check(admin, account, err) &&
	       parent_check(admin, account, err) &&
	       owner_find(admin, account, &owner_id, err) &&
	       account_put(admin, account, owner_id, err) &&
	       touch_account(admin, &touches, account, owner_id, err) &&
	       change_note(admin, "account.add", account->id, STR(""),
		   state_account_text(&admin->arena, account), &touches, err);
}

bool
admin_account_add(struct admin *admin, const struct account *account,
    struct err *err)
{
	return change_begin(admin, err) &&
	       change_end(admin, account_make(admin, account, err), err);
}

/* --- Edit ----------------------------------------------------------------- */

static bool
names_eq(struct names a, struct names b)
{
	if (a.count != b.count)
		return false;
	for (size_t i = 0; i < a.count; i++)
		if (!str_eq(a.items[i], b.items[i]))
			return false;
	return true;
}

/* All but the status. */
static bool
account_alike(const struct account *a, const struct account *b)
{
	return str_eq(a->name, b->name) && str_eq(a->level, b->level) &&
	       str_eq(a->catalogue, b->catalogue) &&
	       str_eq(a->parent_id, b->parent_id) && a->kind == b->kind &&
	       names_eq(a->licences, b->licences) && str_eq(a->owner, b->owner);
}

/* M10: what is suspended or archived may be reinstated, and nothing else; what
 * is closed stays closed, and so does what lies below something frozen. */
static bool
status_check(const struct account *before, const struct account *after,
    struct err *err)
{
	bool reinstates = after->status == ACCOUNT_ACTIVE &&
			  before->status != ACCOUNT_CLOSED &&
			  account_alike(before, after);

	if (before->parent != NULL && !rule_not_frozen(before->parent, err))
		return false;
	return reinstates || rule_not_frozen(before, err);
}

static bool
fixed_check(const struct account *before, const struct account *after,
    struct err *err)
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

/* M7 for the owner who goes. */
static bool
owner_tops(const struct account *before, const struct account *after,
    struct names *out)
{
	static const struct names none = { NULL, 0 };
	bool goes = before->owner.len > 0 &&
		    !str_eq_fold(before->owner, after->owner);

	*out = goes ? (struct names){ &before->id, 1 } : none;
	return true;
}

static bool
account_replace(struct admin *admin, const struct account *before,
    const struct account *after, struct err *err)
{
	struct touches touches = { 0 };
	struct str owner_id = STR("");
	struct names tops;

	return rule_shared(before, err) && account_check(after, err) &&
	       fixed_check(before, after, err) &&
	       status_check(before, after, err) &&
	       catalogue_check(admin, after, err) &&
	       owner_find(admin, after, &owner_id, err) &&
	       owner_tops(before, after, &tops) &&
	       account_put(admin, after, owner_id, err) &&
	       rule_top_stays(admin, tops, err) &&
	       touch_account(admin, &touches, after, owner_id, err) &&
	       change_note(admin, "account.edit", after->id,
		   state_account_text(&admin->arena, before),
		   state_account_text(&admin->arena, after), &touches, err);
}

bool
admin_account_edit(struct admin *admin, const struct account *account,
    struct err *err)
{
	const struct account *before = NULL;

	if (!account_need(admin, account->id, &before, err))
		return false;
	if (before->status == account->status &&
	    account_alike(before, account))
		return true;
	return change_begin(admin, err) &&
	       change_end(
		   admin, account_replace(admin, before, account, err), err);
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
holder_ends(struct admin *admin, const struct member *member, struct str id,
    struct err *err)
{
	struct touches touches = { 0 };
	int64_t generation;

	touch(admin, &touches, "member", member->id);
	for (size_t i = 0; i < member->grant_count; i++) {
		const struct grant *g = &member->grants[i];

		if (!str_eq(g->account, id))
			continue;
		if (!change_generation(admin, &generation, err) ||
		    !store_delete_grant(admin->store, member->id, g->account,
			g->role, g->source, err) ||
		    !store_touch_member(
			admin->store, member->id, generation, err) ||
		    !change_note(admin, "grant.remove",
			grant_subject(admin, member->username, id),
			state_grant_text(&admin->arena, member->username, g),
			STR(""), &touches, err))
			return false;
	}
	return true;
}

static bool
holders_end(struct admin *admin, struct str id, struct err *err)
{
	struct names holders = { NULL, 0 };

	if (!store_holders(admin->store, &admin->arena, id, &holders, err))
		return false;
	for (size_t i = 0; i < holders.count; i++) {
		struct member member = { 0 };

		if (store_member_by_id(admin->store, &admin->arena,
			holders.items[i], &member, err) != FOUND_YES ||
		    !holder_ends(admin, &member, id, err))
			return false;
	}
	return true;
}

static bool
account_end(struct admin *admin, const struct account *account,
    struct err *err)
{
	struct touches touches = { 0 };

	touch(admin, &touches, "account", account->id);
	return rule_shared(account, err) && rule_not_frozen(account, err) &&
	       childless(admin, account->id, err) &&
	       holders_end(admin, account->id, err) &&
	       store_delete_account(admin->store, account->id, err) &&
	       change_note(admin, "account.remove", account->id,
		   state_account_text(&admin->arena, account), STR(""),
		   &touches, err);
}

bool
admin_account_remove(struct admin *admin, struct str id, struct err *err)
{
	const struct account *account = NULL;

	return account_need(admin, id, &account, err) &&
	       change_begin(admin, err) &&
	       change_end(admin, account_end(admin, account, err), err);
}
