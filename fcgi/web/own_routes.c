#include <sodium.h>
#include <string.h>

#include "admin/admin.h"
#include "fcgi/web/limits.h"
#include "fcgi/web/routes.h"
#include "fcgi/web/sign_in.h"
#include "model/json.h"
#include "model/password.h"
#include "store/credential.h"
#include "store/notice.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* --- Oneself -------------------------------------------------------------- */

static bool
self_read(struct call *call, struct member *out)
{
	switch (store_member_by_id(call->web->store, &call->web->arena,
	    call->caller.member_id, out, &call->err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_YES:
		if (out->status == MEMBER_ACTIVE)
			return true;
		break;
	case FOUND_NO:
		break;
	}
	return err_set(&call->err, ERR_REFUSED, "member_inactive",
	    "member %.*s: is not active",
	    STR_ARGS(call->caller.actor.username));
}

static json_t *
session_json(const struct call *call, const struct session *s)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:b}", "session",
	    json_str(s->digest), "account", json_str(s->account), "created",
	    json_time(s->created_s), "expires", json_time(s->expires_s), "this",
	    str_eq(s->digest, call->caller.session.digest));
}

bool
me_show(struct call *call)
{
	bool signed_in = call->caller.proof == PROOF_SESSION;
	const struct session *s = &call->caller.session;
	struct member self = { 0 };

	return self_read(call, &self) &&
	       call_result(call,
		   json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "member",
		       json_str(self.username), "name", json_str(self.name),
		       "email", json_str(self.email), "phone",
		       json_str(self.phone), "personal",
		       json_str(self.personal), "account",
		       json_str(signed_in && s->account.len > 0
				    ? s->account
				    : self.personal),
		       "session",
		       signed_in ? session_json(call, s) : json_null(), "csrf",
		       signed_in ? json_string(call->caller.csrf)
				 : json_null()));
}

enum { ME_NAME, ME_EMAIL, ME_PHONE };

bool
me_edit(struct call *call)
{
	static const struct field fields[] = {
		[ME_NAME] = { "name", FIELD_TEXT, offsetof(struct member, name),
		    false },
		[ME_EMAIL] = { "email", FIELD_TEXT,
		    offsetof(struct member, email), false },
		[ME_PHONE] = { "phone", FIELD_TEXT,
		    offsetof(struct member, phone), false },
	};
	struct member given = { 0 };
	struct member self = { 0 };
	uint64_t has = 0;

	if (!self_read(call, &self) ||
	    !call_body(call, call->body, fields, COUNT(fields), &given, &has))
		return false;
	if ((has >> ME_NAME & 1) != 0)
		self.name = given.name;
	if ((has >> ME_EMAIL & 1) != 0)
		self.email = given.email;
	if ((has >> ME_PHONE & 1) != 0)
		self.phone = given.phone;
	return admin_member_edit(
	    &call->admin, self.username, &self, &call->err);
}

bool
me_account(struct call *call)
{
	static const struct field fields[] = { { "account", FIELD_TEXT, 0,
	    true } };
	struct str account = STR("");

	return call_body(call, call->body, fields, 1, &account, NULL) &&
	       admin_session_account(&call->admin, call->caller.session.digest,
		   account, &call->err);
}

struct new_password {
	struct str current;
	struct str wanted;
};

/* Whoever sits at an unlocked screen does not know the old one. Both hashes
 * take their time, so that comes before the change, which keeps all others from
 * writing. */
bool
password_prove(struct call *call)
{
	static const struct field fields[] = {
		{ "current", FIELD_TEXT, offsetof(struct new_password, current),
		    true },
		{ "password", FIELD_TEXT, offsetof(struct new_password, wanted),
		    true },
	};
	struct new_password p = { .current = STR("") };
	bool right = false;

	if (!call_body(call, call->body, fields, COUNT(fields), &p, NULL) ||
	    !local_password_is(call->web, call->caller.member_id, p.current,
		&call->proved, &right, &call->err))
		return false;
	if (!right)
		return err_set(&call->err, ERR_REFUSED, "bad_sign_in",
		    "password: is not the one that is in force");
	return password_hash(p.wanted, call->new_hash, &call->err);
}

bool
me_password(struct call *call)
{
	struct web *web = call->web;
	struct str now = STR("");

	call->secret = true;
	if (store_password(web->store, &web->arena, call->caller.member_id,
		&now, &call->err) == FOUND_ERROR)
		return false;
	if (!str_eq(now, call->proved))
		return err_set(&call->err, ERR_REFUSED, "bad_sign_in",
		    "password: was changed meanwhile");
	return admin_password_set(&call->admin, call->caller.actor.username,
	    str_from(call->new_hash), &call->err);
}

/* --- Sessions ------------------------------------------------------------- */

static bool
sessions_read(struct call *call, struct session **list, size_t *count)
{
	return store_sessions(call->web->store, &call->web->arena,
	    call->caller.member_id, list, count, &call->err);
}

bool
sessions_list(struct call *call)
{
	struct session *list = NULL;
	json_t *items;
	size_t count = 0;

	if (!sessions_read(call, &list, &count))
		return false;
	items = json_array();
	for (size_t i = 0; i < count; i++)
		if (list[i].expires_s > call->web->now_ms / 1000)
			json_array_append_new(
			    items, session_json(call, &list[i]));
	return call_items(call, items, STR(""));
}

/* Everywhere, here too. */
bool
sessions_end_all(struct call *call)
{
	struct session *list = NULL;
	size_t count = 0;

	if (!sessions_read(call, &list, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!admin_session_remove(
			&call->admin, list[i].digest, &call->err))
			return false;
	return true;
}

bool
session_end_one(struct call *call)
{
	return admin_session_remove(
	    &call->admin, call->words.items[0], &call->err);
}

/* --- Notifications -------------------------------------------------------- */

static json_t *
notice_json(const struct notice *n)
{
	return json_pack("{s:I,s:o,s:o,s:o,s:o,s:b}", "notification",
	    (json_int_t)n->number, "at", json_time(n->at_s), "kind",
	    json_str(n->kind), "text", json_str(n->text), "link",
	    json_str(n->link), "read", (int)n->read);
}

bool
notices_list(struct call *call)
{
	struct web *web = call->web;
	bool unread = str_eq(call_query(call, "unread"), STR("true"));
	struct notice *list = NULL;
	struct str next = STR("");
	int64_t before = 0;
	struct page page;
	json_t *items;
	size_t count = 0;

	if (!call_page_number(call, &page, &before))
		return false;
	if (!store_notices(web->store, &web->arena, call->caller.member_id,
		unread, before, page.max + 1, &list, &count, &call->err))
		return false;
	if (count > page.max) {
		count = page.max;
		next = str_fmt(
		    &web->arena, "%lld", (long long)list[count - 1].number);
	}
	items = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(items, notice_json(&list[i]));
	return call_items(call, items, next);
}

static bool
read_them(struct call *call, int64_t number)
{
	int64_t changed = 0;

	return admin_notices_read(&call->admin, call->caller.actor.username,
		   number, &changed, &call->err) &&
	       call_also(call, "read", json_integer(changed));
}

bool
notices_read(struct call *call)
{
	return read_them(call, 0);
}

bool
notice_read(struct call *call)
{
	int64_t number = 0;

	if (!str_to_i64(call->words.items[0], 1, INT64_MAX, &number))
		return err_set(&call->err, ERR_NOT_FOUND, "notice_unknown",
		    "notification %.*s: is none of yours",
		    STR_ARGS(call->words.items[0]));
	return read_them(call, number);
}

bool
switches_show(struct call *call)
{
	struct names kinds = { NULL, 0 };

	return store_mail_switches(call->web->store, &call->web->arena,
		   call->caller.member_id, &kinds, &call->err) &&
	       call_result(
		   call, json_pack("{s:o}", "kinds", json_names(kinds)));
}

bool
switches_set(struct call *call)
{
	static const struct field fields[] = { { "kinds", FIELD_NAMES, 0,
	    true } };
	struct names kinds = { NULL, 0 };

	return call_body(call, call->body, fields, 1, &kinds, NULL) &&
	       admin_mail_switches_set(&call->admin,
		   call->caller.actor.username, kinds, &call->err);
}

/* --- Tokens --------------------------------------------------------------- */

static json_t *
token_json(const struct api_token *t)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "token",
	    json_str(t->id), "description", json_str(t->description),
	    "accounts", json_names(t->accounts), "permissions",
	    json_names(t->permissions), "addresses", json_names(t->addresses),
	    "created", json_time(t->created_s), "expires",
	    json_time(t->expires_s), "used", json_time(t->used_s));
}

bool
tokens_list(struct call *call)
{
	struct api_token *list = NULL;
	json_t *items;
	size_t count = 0;

	if (!store_api_tokens(call->web->store, &call->web->arena,
		call->caller.member_id, &list, &count, &call->err))
		return false;
	items = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(items, token_json(&list[i]));
	return call_items(call, items, STR(""));
}

bool
token_show(struct call *call)
{
	struct api_token found = { 0 };

	switch (store_api_token(call->web->store, &call->web->arena,
	    call->words.items[0], &found, &call->err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_YES:
		if (str_eq(found.member_id, call->caller.member_id))
			return call_result(call, token_json(&found));
		break;
	case FOUND_NO:
		break;
	}
	return err_set(&call->err, ERR_NOT_FOUND, "token_unknown",
	    "token %.*s: is none of yours", STR_ARGS(call->words.items[0]));
}

#define AT(field) offsetof(struct api_token, field)

/* Shown once: neither the store nor a kept answer has it. */
bool
token_add(struct call *call)
{
	/* clang-format off */
	static const struct field fields[] = {
		{ "description", FIELD_TEXT,  AT(description), true },
		{ "accounts",    FIELD_NAMES, AT(accounts),    false },
		{ "permissions", FIELD_NAMES, AT(permissions), false },
		{ "addresses",   FIELD_NAMES, AT(addresses),   false },
		{ "expires",     FIELD_TIME,  AT(expires_s),   false },
	};
	/* clang-format on */
	struct api_token wanted = { 0 };
	struct str secret = STR("");
	struct str id = STR("");

	call->secret = true;
	wanted.username = call->caller.actor.username;
	return call_body(
		   call, call->body, fields, COUNT(fields), &wanted, NULL) &&
	       admin_token_add(
		   &call->admin, &wanted, &secret, &id, &call->err) &&
	       call_also(call, "token", json_str(id)) &&
	       call_also(call, "secret",
		   call->dry_run ? json_null() : json_str(secret));
}

bool
token_remove(struct call *call)
{
	return admin_token_remove(
	    &call->admin, call->words.items[0], &call->err);
}
