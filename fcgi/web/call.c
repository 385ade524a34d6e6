#include "fcgi/web/call.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fcgi/web/attempts.h"
#include "fcgi/web/limits.h"
#include "fcgi/web/routes.h"
#include "fcgi/web/problem.h"
#include "fcgi/web/route.h"
#include "model/json.h"
#include "model/names.h"
#include "store/credential.h"

#define TAG_BYTES 16
#define TAG_LEN	  (2 * TAG_BYTES)

/* --- JSON ----------------------------------------------------------------- */

json_t *
json_str(struct str text)
{
	return text.len > 0 ? json_stringn(text.ptr, text.len) : json_null();
}

json_t *
json_time(int64_t unix_s)
{
	struct arena arena = { 0 };
	json_t *out = json_null();

	if (unix_s != 0)
		out = json_str(str_from_time(&arena, unix_s));
	arena_free(&arena);
	return out;
}

bool
call_no_memory(struct call *call)
{
	return err_set(&call->err, ERR_LIMIT, "no_memory",
	    "memory is out; give the process more");
}

bool
call_result(struct call *call, json_t *object)
{
	json_decref(call->result);
	call->result = object;
	return object != NULL || call_no_memory(call);
}

bool
call_also(struct call *call, const char *name, json_t *value)
{
	if (call->result == NULL)
		call->result = json_object();
	return json_object_set_new(call->result, name, value) == 0 ||
	       call_no_memory(call);
}

/* --- Queries and pages ---------------------------------------------------- */

struct str
call_query(const struct call *call, const char *name)
{
	return form_value(&call->query, name);
}

/* The key of the last row that was shown, as base64url: it means something to
 * us only. */
static bool
cursor_read(struct call *call, struct str text, struct str *out)
{
	size_t size = text.len + 1;
	char *bytes = arena_alloc(&call->web->arena, size, 1);
	size_t len = 0;

	if (bytes == NULL)
		return call_no_memory(call);
	*out = (struct str){ bytes, 0 };
	if (sodium_base642bin((unsigned char *)bytes, size, text.ptr, text.len,
		NULL, &len, NULL,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0) {
		out->len = len;
		if (text_is_clean(*out))
			return true;
	}
	return err_set(&call->err, ERR_USAGE, "cursor",
	    "cursor: was not given out here; begin again without one");
}

bool
call_page(struct call *call, struct page *out)
{
	struct str limit = call_query(call, "limit");
	struct str cursor = call_query(call, "cursor");
	int64_t max = PAGE_DEFAULT;

	if (limit.len > 0 && !str_to_i64(limit, 1, PAGE_MAX, &max))
		return err_set(&call->err, ERR_USAGE, "limit",
		    "limit: write a number from 1 to %d", PAGE_MAX);
	*out = (struct page){
		.max = (size_t)max,
		.find = call_query(call, "q"),
		.after = STR(""),
	};
	return cursor.len == 0 || cursor_read(call, cursor, &out->after);
}

bool
call_page_number(struct call *call, struct page *out, int64_t *after)
{
	*after = 0;
	if (!call_page(call, out))
		return false;
	return out->after.len == 0 ||
	       str_to_i64(out->after, 1, INT64_MAX, after) ||
	       err_set(&call->err, ERR_USAGE, "cursor",
		   "cursor: was not given out here; begin again without one");
}

static json_t *
cursor_json(struct call *call, struct str key)
{
	size_t size = sodium_base64_encoded_len(
	    key.len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	char *text = arena_alloc(&call->web->arena, size, 1);

	if (text == NULL)
		return NULL;
	sodium_bin2base64(text, size, (const unsigned char *)key.ptr, key.len,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return json_string(text);
}

bool
call_items(struct call *call, json_t *items, struct str next)
{
	return call_result(
	    call, json_pack("{s:o,s:o}", "items", items, "next",
		      next.len > 0 ? cursor_json(call, next) : json_null()));
}

/* --- Bodies --------------------------------------------------------------- */

static bool
body_refuse(struct call *call, const char *name, const char *says)
{
	return err_set(
	    &call->err, ERR_USAGE, "body_field", "body: %s: %s", name, says);
}

static bool
text_take(
    struct call *call, const char *name, const json_t *value, struct str *out)
{
	*out = STR("");
	if (json_is_null(value))
		return true;
	if (!json_is_string(value))
		return body_refuse(call, name, "write text");
	*out =
	    str_copy(&call->web->arena, (struct str){ json_string_value(value),
					    json_string_length(value) });
	if (out->ptr == NULL)
		return call_no_memory(call);
	return text_is_clean(*out) ||
	       body_refuse(call, name, "has control characters in it");
}

static bool
names_take(
    struct call *call, const char *name, const json_t *value, struct names *out)
{
	size_t count = json_array_size(value);
	struct str *items;

	*out = (struct names){ NULL, 0 };
	if (json_is_null(value))
		return true;
	if (!json_is_array(value))
		return body_refuse(call, name, "write a list of texts");
	items = ARENA_ARRAY(&call->web->arena, struct str, count + 1);
	if (items == NULL)
		return call_no_memory(call);
	for (size_t i = 0; i < count; i++)
		if (!text_take(call, name, json_array_get(value, i), &items[i]))
			return false;
	*out = (struct names){ items, names_sort(items, count) };
	return true;
}

static bool
field_take(struct call *call, const struct field *field, const json_t *value,
    char *into)
{
	void *at = into + field->offset;
	struct str text;

	switch (field->type) {
	case FIELD_TEXT:
		return text_take(call, field->name, value, at);
	case FIELD_NAMES:
		return names_take(call, field->name, value, at);
	case FIELD_TIME:
		*(int64_t *)at = 0;
		return text_take(call, field->name, value, &text) &&
		       (text.len == 0 || str_to_time(text, at) ||
			   body_refuse(call, field->name,
			       "write a time as 2027-01-01T00:00:00Z"));
	case FIELD_BOOL:
		*(bool *)at = json_is_true(value);
		return json_is_boolean(value) ||
		       body_refuse(call, field->name, "write true or false");
	}
	return false;
}

static const struct field *
field_find(const struct field *fields, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

bool
call_body(struct call *call, const json_t *object, const struct field *fields,
    size_t count, void *into, uint64_t *given)
{
	uint64_t seen = 0;
	const char *name;
	json_t *value;

	if (!json_is_object(object))
		return body_refuse(call, "it", "write an object");
	/* jansson only reads, but its macro wants what may be changed. */
	for (void *iter = json_object_iter((json_t *)(uintptr_t)object);
	     iter != NULL;
	     iter = json_object_iter_next((json_t *)(uintptr_t)object, iter)) {
		const struct field *field;

		name = json_object_iter_key(iter);
		value = json_object_iter_value(iter);
		field = field_find(fields, count, name);
		if (field == NULL)
			return body_refuse(call, name, "is not known here");
		if (!field_take(call, field, value, into))
			return false;
		seen |= UINT64_C(1) << (field - fields);
	}
	for (size_t i = 0; i < count; i++)
		if (fields[i].required && (seen >> i & 1) == 0)
			return body_refuse(call, fields[i].name, "is missing");
	if (given != NULL)
		*given = seen;
	return true;
}

static bool
json_read(struct call *call)
{
	const struct request *r = call->request;
	json_error_t why;

	if (!request_is(r, "application/json"))
		return err_set(&call->err, ERR_USAGE, "content_type",
		    "request: its Content-Type has to be application/json");
	if (r->body.len > JSON_BODY_MAX)
		return err_set(&call->err, ERR_LIMIT, "body_too_large",
		    "request: its body has more than %zu bytes; do less at "
		    "once",
		    JSON_BODY_MAX);
	call->body =
	    json_loadb(r->body.ptr, r->body.len, JSON_REJECT_DUPLICATES, &why);
	if (json_is_object(call->body))
		return true;
	return err_set(&call->err, ERR_USAGE, "body_json",
	    "request: its body is not a JSON object (line %d, column %d)",
	    call->body == NULL ? why.line : 1,
	    call->body == NULL ? why.column : 1);
}

/* --- Tags ----------------------------------------------------------------- */

/* The ETag of a text: "32 hex digits". */
static struct str
tag_of(struct arena *arena, struct str text)
{
	unsigned char bytes[TAG_BYTES];
	char hex[TAG_LEN + 1];

	if (text.ptr == NULL ||
	    crypto_generichash(bytes, sizeof(bytes),
		(const unsigned char *)text.ptr, text.len, NULL, 0) != 0)
		return (struct str){ NULL, 0 };
	sodium_bin2hex(hex, sizeof(hex), bytes, sizeof(bytes));
	return str_fmt(arena, "\"%s\"", hex);
}

static struct str
result_text(struct call *call)
{
	struct str text = json_text(&call->web->arena, call->result);

	call->result = NULL;
	return text;
}

/* RFC 9110, section 13.1: a list of tags, or *. */
static bool
tag_listed(struct str list, struct str tag)
{
	struct str one;

	while (str_next(&list, ',', &one)) {
		while (one.len > 0 && *one.ptr == ' ') {
			one.ptr++;
			one.len--;
		}
		if (str_eq(one, tag) || str_eq(one, STR("*")))
			return true;
	}
	return false;
}

static bool
stale_check(struct call *call)
{
	struct str tag;

	if (call->request->if_match.len == 0)
		return true;
	if (call->route->show == NULL)
		return err_set(&call->err, ERR_USAGE, "stale",
		    "If-Match: does not apply here; leave it out");
	if (!call->route->show(call))
		return false;
	tag = tag_of(&call->web->arena, result_text(call));
	if (tag.ptr == NULL)
		return call_no_memory(call);
	return tag_listed(call->request->if_match, tag) ||
	       err_set(&call->err, ERR_REFUSED, "stale",
		   "If-Match: it has changed meanwhile; read it again");
}

/* --- Reading -------------------------------------------------------------- */

static void
shown_answer(struct call *call, struct response *out)
{
	const struct request *request = call->request;
	struct arena *arena = &call->web->arena;
	struct str body =
	    call->text_type != NULL ? call->text : result_text(call);
	struct str tag = tag_of(arena, body);

	if (tag.ptr == NULL) {
		call_no_memory(call);
		problem_answer(out, arena, &call->err, NULL);
		return;
	}
	*out = (struct response){
		.status = 200,
		.type = call->text_type != NULL ? call->text_type
						: "application/json",
		.body = body,
	};
	if (request_is_safe(request) && request->if_none_match.len > 0 &&
	    tag_listed(request->if_none_match, tag)) {
		out->status = 304;
		out->body = STR("");
	}
	response_header(out, "ETag", tag);
}

static bool
look(struct call *call)
{
	struct web *web = call->web;
	bool ok;

	if (!admin_begin_read(&call->admin, web->store, &web->setup->catalogues,
		&call->caller.actor, web->now_ms, &call->err))
		return false;
	ok = call->route->run(call);
	admin_abort(&call->admin);
	return ok;
}

/* --- Changing ------------------------------------------------------------- */

/* P4, L2: that an account has a parent is for those who may know it. */
json_t *
call_side(struct call *call, struct str text)
{
	json_t *value =
	    text.len > 0 ? json_loadb(text.ptr, text.len, 0, NULL) : NULL;
	const char *parent =
	    json_string_value(json_object_get(value, "parent"));
	struct err ignored = { 0 };

	if (parent != NULL &&
	    !admin_right(&call->admin, str_from(parent), "", STR(""), &ignored))
		json_object_del(value, "parent");
	return value != NULL ? value : json_null();
}

/* What the transaction has done so far, as the command shows it. */
static json_t *
changes_json(struct call *call, int64_t since)
{
	struct history_row *rows = NULL;
	json_t *list = json_array();
	size_t count = 0;

	if (!store_history(call->web->store, &call->web->arena, since,
		CHANGES_MAX, &rows, &count, &call->err)) {
		json_decref(list);
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		json_array_append_new(
		    list, json_pack("{s:o,s:o,s:o,s:o}", "action",
			      json_str(rows[i].action), "subject",
			      json_str(rows[i].subject), "before",
			      call_side(call, rows[i].before), "after",
			      call_side(call, rows[i].after)));
	return list;
}

static struct str
kept_key(struct call *call)
{
	return str_fmt(&call->web->arena, "%.*s:%.*s:%.*s",
	    STR_ARGS(call->caller.member_id),
	    STR_ARGS(call->caller.actor.token),
	    STR_ARGS(call->request->idempotency_key));
}

/* What makes two requests the same one: all bytes, a file has NULs. */
static struct str
kept_digest(struct call *call)
{
	const struct request *r = call->request;
	struct arena *arena = &call->web->arena;
	struct str head = str_fmt(
	    arena, "%.*s %.*s\n", STR_ARGS(r->method), STR_ARGS(r->target));
	char *all = arena_alloc(arena, head.len + r->body.len + 1, 1);

	if (head.ptr == NULL || all == NULL)
		return (struct str){ NULL, 0 };
	memcpy(all, head.ptr, head.len);
	if (r->body.len > 0)
		memcpy(all + head.len, r->body.ptr, r->body.len);
	return tag_of(arena, (struct str){ all, head.len + r->body.len });
}

static bool
key_check(struct call *call)
{
	struct str key = call->request->idempotency_key;
	struct err ignored = { 0 };

	/* What is kept of a request must not be a quick way to guess it. */
	if (key.len > 0 && (call->route->flags & ROUTE_PROVES) != 0)
		return err_set(&call->err, ERR_USAGE, "idempotency_key",
		    "Idempotency-Key: does not apply to a password; leave it "
		    "out");
	return key.len == 0 ||
	       text_check_id(key, IDEMPOTENCY_MAX, "key", &ignored) ||
	       err_set(&call->err, ERR_USAGE, "idempotency_key",
		   "Idempotency-Key: write 1 to %d bytes without blanks",
		   IDEMPOTENCY_MAX);
}

/* FOUND_YES: *out has the answer that was given. */
static enum found
kept_find(struct call *call, struct response *out)
{
	struct answered kept = { 0 };
	enum found found;

	if (call->request->idempotency_key.len == 0 || call->dry_run)
		return FOUND_NO;
	found = store_answered(call->web->store, &call->web->arena,
	    kept_key(call), &kept, &call->err);
	if (found != FOUND_YES)
		return found;
	if (!str_eq(kept.digest, kept_digest(call))) {
		err_set(&call->err, ERR_USAGE, "idempotency_mismatch",
		    "Idempotency-Key: was used for another request; take a "
		    "new one");
		return FOUND_ERROR;
	}
	*out = (struct response){
		.status = (int)kept.status,
		.type = "application/json",
		.body = kept.body,
	};
	response_header(out, "Idempotency-Replayed", STR("true"));
	return FOUND_YES;
}

static bool
kept_put(struct call *call, const struct response *response)
{
	const struct answered answered = {
		.key = kept_key(call),
		.digest = kept_digest(call),
		.status = response->status,
		.body = call->secret ? STR("{\"dry_run\":false,\"changes\":[]}")
				     : response->body,
		.at_s = call->web->now_ms / 1000,
	};

	if (call->request->idempotency_key.len == 0 || call->dry_run)
		return true;
	if (answered.key.ptr == NULL || answered.digest.ptr == NULL)
		return call_no_memory(call);
	return store_put_answered(call->web->store, &answered, &call->err);
}

static bool
changed_answer(struct call *call, int64_t since, struct response *out)
{
	json_t *changes = changes_json(call, since);
	struct str body;

	if (changes == NULL || !call_also(call, "changes", changes) ||
	    !call_also(call, "dry_run", json_boolean(call->dry_run)))
		return false;
	body = result_text(call);
	if (body.ptr == NULL)
		return call_no_memory(call);
	*out = (struct response){
		.status =
		    (call->route->flags & ROUTE_CREATES) != 0 && !call->dry_run
			? 201
			: 200,
		.type = "application/json",
		.body = body,
	};
	return true;
}

static bool
change(struct call *call, struct response *out)
{
	struct web *web = call->web;
	int64_t since;
	bool ok = false;

	if (!admin_begin(&call->admin, web->store, &web->setup->catalogues,
		&call->caller.actor, web->now_ms, &call->err))
		return false;
	since = call->admin.generation + call->admin.changes - 1;
	switch (kept_find(call, out)) {
	case FOUND_ERROR:
		break;
	case FOUND_YES:
		admin_abort(&call->admin);
		return true;
	case FOUND_NO:
		ok = stale_check(call) && call->route->run(call) &&
		     changed_answer(call, since, out) && kept_put(call, out);
		break;
	}
	if (!ok || call->dry_run) {
		admin_abort(&call->admin);
		return ok;
	}
	if (!admin_commit(&call->admin, &call->err))
		return false;
	web_publish(web);
	return true;
}

/* --- The call ------------------------------------------------------------- */

/* What one's own things are is not for a token that is narrowed: it is of some
 * accounts, or permissions, and of nothing else. */
static bool
token_fits(struct call *call)
{
	const struct scope *scope = &call->caller.actor.scope;
	unsigned flags = call->route->flags;

	if ((flags & ROUTE_PERSON) != 0)
		return err_set(&call->err, ERR_REFUSED, "not_yours",
		    "request: this is for people who are signed in, not for a "
		    "token");
	if ((flags & ROUTE_OWN) != 0 &&
	    (scope->accounts.count > 0 || scope->permissions.count > 0))
		return err_set(&call->err, ERR_REFUSED, "not_yours",
		    "request: this is not for a token that is narrowed to "
		    "accounts or permissions");
	return true;
}

/* J25: a session ends when its member is disabled, a token waits until they
 * are active again. */
static bool
maker_is_active(struct call *call)
{
	struct member maker = { 0 };

	switch (store_member_by_id(call->web->store, &call->web->arena,
	    call->caller.member_id, &maker, &call->err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_YES:
		if (maker.status == MEMBER_ACTIVE)
			return true;
		break;
	case FOUND_NO:
		break;
	}
	return err_set(&call->err, ERR_REFUSED, "member_inactive",
	    "member %.*s: is not active",
	    STR_ARGS(call->caller.actor.username));
}

static bool
identity_need(struct call *call)
{
	switch (call->caller.proof) {
	case PROOF_SESSION:
		return true;
	case PROOF_TOKEN:
		return maker_is_active(call) && token_fits(call);
	case PROOF_NONE:
		break;
	}
	return err_set(&call->err, ERR_REFUSED, "no_identity",
	    "request: nobody is signed in; sign in, or send a token");
}

static bool
dry_run_read(struct call *call)
{
	struct str text = call_query(call, "dry_run");

	call->dry_run = str_eq(text, STR("true"));
	return text.len == 0 || call->dry_run || str_eq(text, STR("false")) ||
	       err_set(&call->err, ERR_USAGE, "dry_run",
		   "dry_run: write true or false");
}

static bool
input_read(struct call *call)
{
	return form_read(&call->web->arena, call->request->query, &call->query,
		   &call->err) &&
	       dry_run_read(call) &&
	       ((call->route->flags & ROUTE_BODY) == 0 || json_read(call));
}

/* Before the change begins, which a wrong password takes back. */
static bool
change_counted(struct call *call, struct response *out)
{
	struct web *web = call->web;
	struct str username = call->caller.actor.username;
	struct str address = call->request->address;

	struct err err = { 0 };

	if ((call->route->flags & ROUTE_PROVES) == 0)
		return change(call, out);
	if (!attempt_count(web, username, address, &call->err) ||
	    !password_prove(call) || !change(call, out))
		return false;
	if (!attempt_forget(web, username, address, &err))
		say(err.code, "%s", err.text);
	return true;
}

/* Who it is comes before what it is about: a stranger learns nothing. */
static bool
call_run(struct call *call, struct response *out)
{
	struct web *web = call->web;
	const struct request *request = call->request;
	bool changes = route_changes(call->route);

	if (!caller_find(web, request, &call->caller, &call->err) ||
	    !identity_need(call) ||
	    (!request_is_safe(request) &&
		!guard_change(
		    web, request, &call->caller, request->csrf, &call->err)) ||
	    !input_read(call))
		return false;
	if ((changes && !key_check(call)) ||
	    ((call->route->flags & ROUTE_UPLOAD) != 0 && !import_read(call)))
		return false;
	if (changes)
		return change_counted(call, out);
	if (!look(call))
		return false;
	shown_answer(call, out);
	return true;
}

static void
no_route(struct call *call, struct str allow, struct response *response)
{
	if (allow.len == 0)
		err_set(&call->err, ERR_NOT_FOUND, "path_unknown",
		    "path: there is nothing here; see the description of the "
		    "API");
	else
		err_set(&call->err, ERR_USAGE, "api_method",
		    "path: takes %.*s only", STR_ARGS(allow));
	problem_answer(response, &call->web->arena, &call->err, NULL);
	if (allow.len > 0)
		response_header(response, "Allow", allow);
}

void
api_answer(struct web *web, const struct request *request, struct names words,
    struct response *response)
{
	struct call call = { .web = web, .request = request };
	struct str allow = STR("");

	call.route = api_route_find(
	    &web->arena, request->method, words, &call.words, &allow);
	if (call.route == NULL) {
		no_route(&call, allow, response);
		return;
	}
	if (!call_run(&call, response))
		problem_answer(response, &web->arena, &call.err, &call.faults);
	if (call.err.kind == ERR_BUG || call.err.kind == ERR_REACH)
		say(call.err.code, "%s", call.err.text);
	caller_note_use(web, &call.caller);
	sodium_memzero(call.new_hash, sizeof(call.new_hash));
	json_decref(call.result);
	json_decref(call.body);
	faults_free(&call.faults);
}
