#include "admin/admin.h"
#include "fcgi/web/limits.h"
#include "fcgi/web/routes.h"
#include "model/json.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Never the token, nor its digest (CASES A7). */
static json_t *
invitation_json(const struct invitation *i)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}",
	    "invitation", json_str(i->id), "email", json_str(i->email), "name",
	    json_str(i->name), "account", json_str(i->account), "role",
	    json_str(i->role), "licences", json_names(i->licences), "filter",
	    json_names(i->filters), "grant_expires",
	    json_time(i->grant_expires_s), "inviter", json_str(i->inviter),
	    "created", json_time(i->created_s), "expires",
	    json_time(i->expires_s), "sent", json_time(i->sent_s));
}

bool
invitations_list(struct call *call)
{
	struct web *web = call->web;
	struct str account = call->words.items[0];
	struct invitation *list = NULL;
	struct str next = STR("");
	struct page page;
	json_t *items;
	size_t count = 0;
	size_t max;

	if (!admin_right(
		&call->admin, account, "member.list", STR(""), &call->err) ||
	    !call_page(call, &page))
		return false;
	max = page.max;
	if (!store_invitations(web->store, &web->arena, account, STR(""),
		page.after, max + 1, &list, &count, &call->err))
		return false;
	if (count > max) {
		count = max;
		next = list[max - 1].id;
	}
	items = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(items, invitation_json(&list[i]));
	return call_items(call, items, next);
}

static bool
invitation_missing(struct call *call)
{
	return err_set(&call->err, ERR_NOT_FOUND, "invitation_unknown",
	    "invitation %.*s: there is none of this id any more",
	    STR_ARGS(call->words.items[0]));
}

/* On an account whose members the caller may see. */
bool
invitation_show(struct call *call)
{
	struct invitation found = { 0 };
	struct err why = { 0 };

	switch (store_invitation(call->web->store, &call->web->arena,
	    call->words.items[0], &found, &call->err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return invitation_missing(call);
	case FOUND_YES:
		break;
	}
	if (admin_right(
		&call->admin, found.account, "member.list", STR(""), &why))
		return call_result(call, invitation_json(&found));
	if (why.kind == ERR_NOT_FOUND)
		return invitation_missing(call);
	call->err = why;
	return false;
}

/* --- Inviting ------------------------------------------------------------- */

#define AT(field) offsetof(struct invitation, field)
/* clang-format off */
static const struct field invite_fields[] = {
	{ "email",    FIELD_TEXT,  AT(email),           true },
	{ "role",     FIELD_TEXT,  AT(role),            true },
	{ "name",     FIELD_TEXT,  AT(name),            false },
	{ "phone",    FIELD_TEXT,  AT(phone),           false },
	{ "licences", FIELD_NAMES, AT(licences),        false },
	{ "filter",   FIELD_NAMES, AT(filters),         false },
	{ "expires",  FIELD_TIME,  AT(grant_expires_s), false },
};
/* clang-format on */

static bool
one_invite(struct call *call, const json_t *object, json_t *made)
{
	struct invitation wanted = { .account = call->words.items[0] };
	struct str id = STR("");

	return call_body(call, object, invite_fields, COUNT(invite_fields),
		   &wanted, NULL) &&
	       admin_invite(&call->admin, &wanted, 0, &id, &call->err) &&
	       (json_array_append_new(made, json_str(id)) == 0 ||
		   call_no_memory(call));
}

/* All of them, or none. */
bool
invitations_add(struct call *call)
{
	const json_t *list = json_object_get(call->body, "invitations");
	size_t count = json_array_size(list);
	json_t *made;

	if (count == 0 || count > ITEMS_MAX ||
	    json_object_size(call->body) != 1)
		return err_set(&call->err, ERR_USAGE, "body_field",
		    "body: invitations: write a list of 1 to %d, and nothing "
		    "else",
		    ITEMS_MAX);
	made = json_array();
	for (size_t i = 0; i < count; i++)
		if (!one_invite(call, json_array_get(list, i), made)) {
			json_decref(made);
			return false;
		}
	return call_also(call, "invitations", made);
}

bool
invitation_withdraw(struct call *call)
{
	return admin_invitation_withdraw(
	    &call->admin, call->words.items[0], &call->err);
}

bool
invitation_resend(struct call *call)
{
	return admin_invitation_resend(
	    &call->admin, call->words.items[0], &call->err);
}

bool
invitation_accept(struct call *call)
{
	static const struct field fields[] = { { "token", FIELD_TEXT, 0,
	    true } };
	struct str token = STR("");

	/* No answer may be kept that could be used again. */
	call->secret = true;
	return call_body(call, call->body, fields, 1, &token, NULL) &&
	       admin_invitation_accept(&call->admin, token, &call->err);
}
