#include <string.h>

#include "admin/admin.h"
#include "fcgi/web/limits.h"
#include "fcgi/web/routes.h"
#include "model/json.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* --- Showing -------------------------------------------------------------- */

static json_t *
grants_json(const struct member *member, const struct account *account)
{
	json_t *list = json_array();

	for (size_t i = 0; i < member->grant_count; i++) {
		const struct grant *g = &member->grants[i];

		if (!str_eq(g->account, account->id))
			continue;
		json_array_append_new(
		    list, json_pack("{s:o,s:o,s:o,s:o,s:o}", "role",
			      json_str(g->role), "source", json_str(g->source),
			      "licences", json_names(g->licences), "filter",
			      json_names(g->filters), "expires",
			      json_time(g->expires_s)));
	}
	return list;
}

/* What the account's people may know: nothing of other accounts (L2). */
static json_t *
member_json(const struct member *member, const struct account *account)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:s,s:b,s:o}", "member",
	    json_str(member->username), "name", json_str(member->name), "email",
	    json_str(member->email), "phone", json_str(member->phone), "status",
	    member_status_word(member->status), "owner",
	    (int)account_is_owned_by(account, member->username), "grants",
	    grants_json(member, account));
}

static bool
account_read(struct call *call, const struct account **out)
{
	struct str id = call->words.items[0];

	return admin_right(
		   &call->admin, id, "member.list", STR(""), &call->err) &&
	       store_account(call->web->store, &call->web->arena, id, out,
		   &call->err) == FOUND_YES;
}

/* Somebody with a row on the account (M11). */
static bool
member_read(struct call *call, struct member *out, const struct account **on)
{
	struct str username = call->words.items[1];

	if (!account_read(call, on))
		return false;
	switch (store_member(
	    call->web->store, &call->web->arena, username, out, &call->err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_YES:
		if (has_row_on(out, *on))
			return true;
		break;
	case FOUND_NO:
		break;
	}
	return err_set(&call->err, ERR_NOT_FOUND, "member_unknown",
	    "member %.*s: is not on account %.*s", STR_ARGS(username),
	    STR_ARGS((*on)->id));
}

bool
members_list(struct call *call)
{
	struct web *web = call->web;
	const struct account *account = NULL;
	struct member *list = NULL;
	struct str next = STR("");
	struct page page;
	json_t *items;
	size_t count = 0;
	size_t max;

	if (!account_read(call, &account) || !call_page(call, &page))
		return false;
	max = page.max++;
	if (!store_list_members(web->store, &web->arena, account->id, &page,
		&list, &count, &call->err))
		return false;
	if (count > max) {
		count = max;
		next = str_fold(&web->arena, list[max - 1].username);
	}
	items = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(items, member_json(&list[i], account));
	return call_items(call, items, next);
}

bool
member_show(struct call *call)
{
	const struct account *account = NULL;
	struct member member = { 0 };

	return member_read(call, &member, &account) &&
	       call_result(call, member_json(&member, account));
}

/* --- Adding --------------------------------------------------------------- */

struct wanted {
	struct str username;
	struct grant grant;
	struct member person;
};

#define AT(field) offsetof(struct wanted, field)
/* clang-format off */
static const struct field add_fields[] = {
	{ "member",   FIELD_TEXT,  AT(username),        true },
	{ "role",     FIELD_TEXT,  AT(grant.role),      true },
	{ "licences", FIELD_NAMES, AT(grant.licences),  false },
	{ "filter",   FIELD_NAMES, AT(grant.filters),   false },
	{ "expires",  FIELD_TIME,  AT(grant.expires_s), false },
};

enum { EDIT_ROLE, EDIT_LICENCES, EDIT_FILTER, EDIT_EXPIRES, EDIT_NAME,
	EDIT_EMAIL, EDIT_PHONE };
static const struct field edit_fields[] = {
	[EDIT_ROLE]     = { "role",     FIELD_TEXT,  AT(grant.role),      false },
	[EDIT_LICENCES] = { "licences", FIELD_NAMES, AT(grant.licences),  false },
	[EDIT_FILTER]   = { "filter",   FIELD_NAMES, AT(grant.filters),   false },
	[EDIT_EXPIRES]  = { "expires",  FIELD_TIME,  AT(grant.expires_s), false },
	[EDIT_NAME]     = { "name",     FIELD_TEXT,  AT(person.name),     false },
	[EDIT_EMAIL]    = { "email",    FIELD_TEXT,  AT(person.email),    false },
	[EDIT_PHONE]    = { "phone",    FIELD_TEXT,  AT(person.phone),    false },
};
/* clang-format on */
#define GRANT_BITS                                                 \
	(UINT64_C(1) << EDIT_ROLE | UINT64_C(1) << EDIT_LICENCES | \
	    UINT64_C(1) << EDIT_FILTER | UINT64_C(1) << EDIT_EXPIRES)
#define PERSON_BITS                                             \
	(UINT64_C(1) << EDIT_NAME | UINT64_C(1) << EDIT_EMAIL | \
	    UINT64_C(1) << EDIT_PHONE)

static bool
one_add(struct call *call, const json_t *object)
{
	struct wanted w = { .username = STR("") };

	if (!call_body(call, object, add_fields, COUNT(add_fields), &w, NULL))
		return false;
	w.grant.account = call->words.items[0];
	w.grant.source = SOURCE_LOCAL;
	return admin_grant_add(&call->admin, w.username, &w.grant, &call->err);
}

/* All of them, or none. */
bool
members_add(struct call *call)
{
	const json_t *list = json_object_get(call->body, "members");
	size_t count = json_array_size(list);

	if (count == 0 || count > ITEMS_MAX ||
	    json_object_size(call->body) != 1)
		return err_set(&call->err, ERR_USAGE, "body_field",
		    "body: members: write a list of 1 to %d, and nothing else",
		    ITEMS_MAX);
	for (size_t i = 0; i < count; i++)
		if (!one_add(call, json_array_get(list, i)))
			return false;
	return true;
}

/* --- Editing -------------------------------------------------------------- */

static const struct grant *
local_grant(const struct member *member, const struct account *account)
{
	for (size_t i = 0; i < member->grant_count; i++)
		if (str_eq(member->grants[i].account, account->id) &&
		    str_eq(member->grants[i].source, SOURCE_LOCAL))
			return &member->grants[i];
	return NULL;
}

static bool
is_given(uint64_t given, int field)
{
	return (given >> field & 1) != 0;
}

/* M5: only a local row can change; what is not given stays. */
static bool
grant_edit(struct call *call, const struct member *member,
    const struct account *account, const struct wanted *w, uint64_t given)
{
	const struct grant *now = local_grant(member, account);
	struct grant grant;

	if (now == NULL)
		return err_set(&call->err, ERR_REFUSED, "not_yours",
		    "member %.*s: has no local role on %.*s that could be "
		    "changed here",
		    STR_ARGS(member->username), STR_ARGS(account->id));
	grant = *now;
	if (is_given(given, EDIT_ROLE))
		grant.role = w->grant.role;
	if (is_given(given, EDIT_LICENCES))
		grant.licences = w->grant.licences;
	if (is_given(given, EDIT_FILTER))
		grant.filters = w->grant.filters;
	if (is_given(given, EDIT_EXPIRES))
		grant.expires_s = w->grant.expires_s;
	return admin_grant_set(
	    &call->admin, member->username, &grant, &call->err);
}

static bool
person_edit(struct call *call, const struct member *member,
    const struct wanted *w, uint64_t given)
{
	struct member person = *member;

	if (is_given(given, EDIT_NAME))
		person.name = w->person.name;
	if (is_given(given, EDIT_EMAIL))
		person.email = w->person.email;
	if (is_given(given, EDIT_PHONE))
		person.phone = w->person.phone;
	return admin_member_edit(
	    &call->admin, member->username, &person, &call->err);
}

bool
member_edit(struct call *call)
{
	const struct account *account = NULL;
	struct member member = { 0 };
	struct wanted w = { .username = STR("") };
	uint64_t given = 0;

	return member_read(call, &member, &account) &&
	       call_body(call, call->body, edit_fields, COUNT(edit_fields), &w,
		   &given) &&
	       ((given & GRANT_BITS) == 0 ||
		   grant_edit(call, &member, account, &w, given)) &&
	       ((given & PERSON_BITS) == 0 ||
		   person_edit(call, &member, &w, given));
}

/* --- Removing ------------------------------------------------------------- */

/* Every row of theirs on the account; one that a directory gave is refused,
 * and with it the whole. */
bool
member_remove(struct call *call)
{
	const struct account *account = NULL;
	struct member member = { 0 };

	if (!member_read(call, &member, &account))
		return false;
	if (account_is_owned_by(account, member.username))
		return err_set(&call->err, ERR_REFUSED, "owner_fixed",
		    "member %.*s: owns %.*s and can be neither changed nor "
		    "removed there; the owner hands it over first",
		    STR_ARGS(member.username), STR_ARGS(account->id));
	for (size_t i = 0; i < member.grant_count; i++) {
		const struct grant *g = &member.grants[i];

		if (str_eq(g->account, account->id) &&
		    !admin_grant_remove(&call->admin, member.username,
			g->account, g->role, g->source, &call->err))
			return false;
	}
	return true;
}

bool
member_reinstate(struct call *call)
{
	return admin_grant_reinstate(&call->admin, call->words.items[1],
	    call->words.items[0], &call->err);
}
