#include "admin/admin.h"
#include "fcgi/web/routes.h"
#include "model/json.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* --- Showing -------------------------------------------------------------- */

/* The parent of one whom the caller does not see stays unknown (CASES P4). */
static json_t *
account_json(struct call *call, const struct account *account)
{
	struct err ignored = { 0 };
	struct str parent = account->parent_id;

	if (parent.len > 0 &&
	    !admin_right(&call->admin, parent, "", STR(""), &ignored))
		parent = STR("");
	return json_pack("{s:o,s:o,s:o,s:s,s:o,s:o,s:o,s:o,s:s,s:s,s:o}",
	    "account", json_str(account->id), "parent", json_str(parent),
	    "name", json_str(account->name), "kind",
	    account_kind_word(account->kind), "level", json_str(account->level),
	    "catalogue",
	    json_str(account_root(account) != NULL
			 ? account_root(account)->catalogue
			 : account->catalogue),
	    "licences", json_names(account->licences), "licences_in_force",
	    json_names(account_licences(account)), "status",
	    account_status_word(account->status), "status_in_force",
	    account_status_word(account_strictest(account)), "owner",
	    json_str(account->owner));
}

/* Of one that the caller reaches, by id. */
static bool
seen_account(struct call *call, struct str id, const struct account **out)
{
	if (!admin_right(&call->admin, id, "", STR(""), &call->err))
		return false;
	return store_account(call->web->store, &call->web->arena, id, out,
		   &call->err) == FOUND_YES;
}

bool
account_show(struct call *call)
{
	const struct account *account = NULL;

	return seen_account(call, call->words.items[0], &account) &&
	       call_result(call, account_json(call, account));
}

/* A token shows only where it counts: a page may be short, and goes on all the
 * same. */
static bool
is_shown(struct call *call, const struct account *account)
{
	struct err ignored = { 0 };

	return call->caller.proof != PROOF_TOKEN ||
	       admin_right(&call->admin, account->id, "", STR(""), &ignored);
}

/* A page of those that are shown, from page->after on; the last of them goes
 * to *last, and *more tells whether there may be others behind it. What is not
 * shown is in no cursor either. */
static bool
page_fill(struct call *call, struct str below, struct page *page, json_t *items,
    struct str *last, bool *more)
{
	struct web *web = call->web;
	size_t max = page->max;

	page->max++;
	do {
		const struct account **list = NULL;
		size_t count = 0;

		if (!store_list_accounts(web->store, &web->arena, below,
			call->caller.member_id, web->now_ms / 1000, page, &list,
			&count, &call->err))
			return false;
		*more = count > max;
		if (*more)
			count = max;
		for (size_t i = 0; i < count; i++) {
			page->after = list[i]->id;
			if (!is_shown(call, list[i]))
				continue;
			*last = list[i]->id;
			json_array_append_new(
			    items, account_json(call, list[i]));
		}
	} while (*more && json_array_size(items) == 0);
	return true;
}

bool
accounts_list(struct call *call)
{
	struct str below = call_query(call, "below");
	struct str last = STR("");
	struct page page;
	json_t *items = json_array();
	bool more = false;

	if (!call_page(call, &page) ||
	    (below.len > 0 &&
		!admin_right(&call->admin, below, "", STR(""), &call->err)) ||
	    !page_fill(call, below, &page, items, &last, &more)) {
		json_decref(items);
		return false;
	}
	return call_items(call, items, more ? last : STR(""));
}

/* --- Roles ---------------------------------------------------------------- */

static json_t *
role_json(struct call *call, const struct catalogue *catalogue, size_t role,
    bool may_give)
{
	const struct role *r = &catalogue->roles[role];
	json_t *permissions = json_array();

	for (size_t i = 0; i < catalogue->permission_count; i++)
		if (role_has((int)role, &catalogue->permissions[i]))
			json_array_append_new(permissions,
			    json_str(catalogue->permissions[i].name));
	(void)call;
	return json_pack("{s:o,s:b,s:b,s:b,s:o}", "role", json_str(r->name),
	    "top", (int)role == catalogue->top, "filtered", (int)r->filtered,
	    "may_give", (int)may_give, "permissions", permissions);
}

static bool
roles_add(struct call *call, json_t *items, const struct account *account)
{
	const struct account *root = account_root(account);
	const struct catalogue *catalogue =
	    root != NULL ? catalogues_find(
			       &call->web->setup->catalogues, root->catalogue)
			 : NULL;

	for (size_t i = 0; catalogue != NULL && i < catalogue->role_count;
	     i++) {
		bool may_give = false;

		if (!admin_role_giveable(&call->admin, account->id,
			catalogue->roles[i].name, &may_give, &call->err))
			return false;
		json_array_append_new(
		    items, role_json(call, catalogue, i, may_give));
	}
	return true;
}

/* What there is to be given, and what of it by the caller (M3). */
bool
account_roles(struct call *call)
{
	const struct account *account = NULL;
	json_t *items = json_array();

	if (seen_account(call, call->words.items[0], &account) &&
	    roles_add(call, items, account))
		return call_items(call, items, STR(""));
	json_decref(items);
	return false;
}

/* --- Changing ------------------------------------------------------------- */

struct wanted_account {
	struct account account;
	struct str status;
	struct str parent;
	struct str owner;
	struct str first_member; /* by username, or ... */
	struct str first_email; /* ... to be invited */
	struct str first_role;
};

#define AT(field) offsetof(struct wanted_account, field)
/* clang-format off */
static const struct field add_fields[] = {
	{ "parent",    FIELD_TEXT,  AT(account.parent_id), false },
	{ "catalogue", FIELD_TEXT,  AT(account.catalogue), false },
	{ "name",      FIELD_TEXT,  AT(account.name),      true },
	{ "level",     FIELD_TEXT,  AT(account.level),     false },
	{ "licences",  FIELD_NAMES, AT(account.licences),  false },
	{ "first_member", FIELD_TEXT, AT(first_member),    false },
	{ "first_email",  FIELD_TEXT, AT(first_email),     false },
	{ "first_role",   FIELD_TEXT, AT(first_role),      false },
};

enum { EDIT_NAME, EDIT_LICENCES, EDIT_STATUS };
static const struct field edit_fields[] = {
	[EDIT_NAME]     = { "name",     FIELD_TEXT,  AT(account.name),     false },
	[EDIT_LICENCES] = { "licences", FIELD_NAMES, AT(account.licences), false },
	[EDIT_STATUS]   = { "status",   FIELD_TEXT,  AT(status),           false },
};

static const struct field move_fields[] = {
	{ "parent", FIELD_TEXT, AT(parent), true },
};

static const struct field handover_fields[] = {
	{ "owner", FIELD_TEXT, AT(owner), true },
};
/* clang-format on */

/* Rule: a sub-account may come with its first member. */
static bool
first_add(struct call *call, const struct wanted_account *w, struct str id)
{
	const struct grant grant = {
		.account = id,
		.role = w->first_role,
		.source = SOURCE_LOCAL,
	};
	const struct invitation invitation = {
		.account = id,
		.role = w->first_role,
		.email = w->first_email,
	};

	if (w->first_member.len == 0 && w->first_email.len == 0 &&
	    w->first_role.len == 0)
		return true;
	if ((w->first_member.len == 0) == (w->first_email.len == 0))
		return err_set(&call->err, ERR_USAGE, "body_field",
		    "body: first_role: goes with either first_member or "
		    "first_email");
	if (w->first_member.len > 0)
		return admin_grant_add(
		    &call->admin, w->first_member, &grant, &call->err);
	return admin_invite(&call->admin, &invitation, 0, NULL, &call->err);
}

/* Below another one, or a further one of one's own, with its catalogue. */
bool
account_add(struct call *call)
{
	struct wanted_account w = { .account = {
					.kind = ACCOUNT_SHARED,
					.status = ACCOUNT_ACTIVE,
					.level = LEVEL_ACCOUNT,
				    } };
	const struct account *parent = NULL;
	struct str id;

	if (!call_body(
		call, call->body, add_fields, COUNT(add_fields), &w, NULL) ||
	    (w.account.parent_id.len > 0 &&
		!seen_account(call, w.account.parent_id, &parent)))
		return false;
	if (w.account.level.len == 0)
		w.account.level = LEVEL_ACCOUNT;
	if (!admin_account_add(&call->admin, &w.account, &call->err))
		return false;
	id = str_copy(&call->web->arena, call->admin.made_account);
	return first_add(call, &w, id) &&
	       call_also(call, "account", json_str(id));
}

static bool
status_take(struct call *call, struct wanted_account *w)
{
	enum account_status status = account_status_from(w->status);

	if (status == ACCOUNT_STATUS_NONE)
		return err_set(&call->err, ERR_USAGE, "body_field",
		    "body: status: write active, suspended or archived");
	w->account.status = status;
	return true;
}

bool
account_edit(struct call *call)
{
	const struct account *now = NULL;
	struct wanted_account w = { .status = STR("") };
	struct wanted_account given = { .status = STR("") };
	uint64_t has = 0;

	if (!seen_account(call, call->words.items[0], &now) ||
	    !call_body(call, call->body, edit_fields, COUNT(edit_fields),
		&given, &has))
		return false;
	w = given;
	w.account = *now;
	if ((has >> EDIT_NAME & 1) != 0)
		w.account.name = given.account.name;
	if ((has >> EDIT_LICENCES & 1) != 0)
		w.account.licences = given.account.licences;
	return ((has >> EDIT_STATUS & 1) == 0 || status_take(call, &w)) &&
	       admin_account_edit(&call->admin, &w.account, &call->err);
}

/* The name is typed, so that nobody deletes the wrong one by a slip. */
bool
account_remove(struct call *call)
{
	const struct account *account = NULL;

	if (!seen_account(call, call->words.items[0], &account))
		return false;
	if (!str_eq(call_query(call, "name"), account->name))
		return err_set(&call->err, ERR_USAGE, "name_typed",
		    "account %.*s: is deleted only when the query's name is "
		    "its name, as it is written",
		    STR_ARGS(account->id));
	return admin_account_remove(&call->admin, account->id, &call->err);
}

static bool
effect_note(struct call *call, struct str id, struct str parent)
{
	struct move_effect *effects = NULL;
	json_t *list = json_array();
	size_t count = 0;

	if (!admin_move_effect(&call->admin, &call->web->arena, id, parent,
		&effects, &count, &call->err)) {
		json_decref(list);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		json_array_append_new(
		    list, json_pack("{s:o,s:o,s:o,s:b}", "member",
			      json_str(effects[i].username), "role",
			      json_str(effects[i].role), "from",
			      json_str(effects[i].from), "gains",
			      (int)effects[i].gains));
	return call_also(call, "effect", list);
}

bool
account_move(struct call *call)
{
	const struct account *account = NULL;
	const struct account *parent = NULL;
	struct wanted_account w = { .status = STR("") };

	if (!seen_account(call, call->words.items[0], &account) ||
	    !call_body(
		call, call->body, move_fields, COUNT(move_fields), &w, NULL) ||
	    !seen_account(call, w.parent, &parent))
		return false;
	return effect_note(call, account->id, w.parent) &&
	       admin_account_move(
		   &call->admin, account->id, w.parent, &call->err);
}

bool
account_handover(struct call *call)
{
	const struct account *now = NULL;
	struct wanted_account w = { .status = STR("") };

	if (!seen_account(call, call->words.items[0], &now) ||
	    !call_body(call, call->body, handover_fields,
		COUNT(handover_fields), &w, NULL))
		return false;
	w.account = *now;
	w.account.owner = w.owner;
	return admin_account_edit(&call->admin, &w.account, &call->err);
}
