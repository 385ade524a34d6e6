#include "fcgi/web/site.h"

#include <jansson.h>
#include <sodium.h>
#include <string.h>

#include "admin/admin.h"
#include "base/text.h"
#include "fcgi/web/attempts.h"
#include "fcgi/web/call.h"
#include "fcgi/web/limits.h"
#include "fcgi/web/page.h"
#include "fcgi/web/problem.h"
#include "fcgi/web/return_to.h"
#include "fcgi/web/sign_in.h"
#include "model/json.h"
#include "model/password.h"
#include "store/list.h"

struct visit {
	struct web *web;
	const struct request *request;
	struct response *response;
	struct caller caller;
	struct pairs form; /* of the body; that of JSON as well */
	bool json; /* a program: it sent JSON */
	struct err err;
};

/* --- Answers -------------------------------------------------------------- */

static void
html(struct visit *v, int status, struct str page)
{
	*v->response = (struct response){
		.status = page.ptr != NULL ? status : 0,
		.type = "text/html; charset=utf-8",
		.body = page,
		.form_to = v->web->setup->config.web.return_origins,
	};
}

static void
problem(struct visit *v)
{
	problem_answer(v->response, &v->web->arena, &v->err, NULL);
}

static struct str
says_of(const struct visit *v)
{
	if (v->err.kind == ERR_BUG || v->err.kind == ERR_SOURCE ||
	    v->err.kind == ERR_REACH || !text_is_clean(str_from(v->err.text)))
		return STR("Something went wrong. Try again later.");
	return str_from(v->err.text);
}

/* What went wrong, to whoever it is. */
static void
refuse(struct visit *v, const char *title)
{
	if (v->err.kind == ERR_BUG || v->err.kind == ERR_REACH ||
	    v->err.kind == ERR_SOURCE)
		say(v->err.code, "%s", v->err.text);
	if (v->json) {
		problem(v);
		return;
	}
	html(v, problem_status(&v->err),
	    page_message(&v->web->arena, title, says_of(v)));
}

/* An empty token takes the cookie away. */
static void
cookie_set(struct visit *v, const char *token, int64_t life_s)
{
	response_header(v->response, "Set-Cookie",
	    str_fmt(&v->web->arena,
		"%.*s=%s; Path=/; Max-Age=%lld; Secure; HttpOnly; "
		"SameSite=Lax",
		STR_ARGS(v->web->setup->config.gate.cookie), token,
		(long long)life_s));
}

static void
json_answer(struct visit *v, json_t *object)
{
	struct str body = json_text(&v->web->arena, object);

	*v->response = (struct response){
		.status = body.ptr != NULL ? 200 : 0,
		.type = "application/json",
		.body = body,
	};
}

/* --- Forms ---------------------------------------------------------------- */

/* A flat object of texts is as good as a form. */
static bool
json_form(struct visit *v)
{
	struct str body = v->request->body;
	struct arena *arena = &v->web->arena;
	struct pair *items = ARENA_ARRAY(arena, struct pair, PAIRS_MAX);
	json_t *object =
	    json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES, NULL);
	bool ok = items != NULL && json_is_object(object) &&
		  json_object_size(object) <= PAIRS_MAX;
	const char *name;
	json_t *value;
	size_t count = 0;

	if (ok) {
		json_object_foreach(object, name, value)
		{
			struct str text = { json_string_value(value),
				json_string_length(value) };

			ok = ok && json_is_string(value) && text_is_clean(text);
			items[count].name = str_copy(arena, str_from(name));
			items[count++].value = str_copy(arena, text);
		}
	}
	json_decref(object);
	v->form = (struct pairs){ items, count };
	return ok || err_set(&v->err, ERR_USAGE, "body_json",
			 "request: its body is not a flat JSON object of "
			 "texts");
}

static bool
form_take(struct visit *v)
{
	const struct request *r = v->request;

	if (r->body.len > FORM_BODY_MAX)
		return err_set(&v->err, ERR_LIMIT, "body_too_large",
		    "request: its body has more than %zu bytes", FORM_BODY_MAX);
	if (v->json)
		return json_form(v);
	if (!request_is(r, "application/x-www-form-urlencoded"))
		return err_set(&v->err, ERR_USAGE, "content_type",
		    "request: send a form, or application/json");
	return form_read(&v->web->arena, r->body, &v->form, &v->err);
}

/* What changes something comes from our own pages. A program that sends JSON
 * before anybody is signed in sends no Origin; a foreign page cannot send JSON
 * without being asked for it first, and sends its own Origin. */
static bool
guarded(struct visit *v)
{
	struct str shown =
	    v->json ? v->request->csrf : form_value(&v->form, "csrf");

	if (v->caller.proof == PROOF_TOKEN)
		return err_set(&v->err, ERR_REFUSED, "not_yours",
		    "request: this is for people, not for a token");
	if (v->caller.proof == PROOF_SESSION)
		return guard_change(
		    v->web, v->request, &v->caller, shown, &v->err);
	return (v->json && v->request->origin.len == 0 &&
		   v->request->fetch_site.len == 0) ||
	       guard_origin(v->web, v->request, &v->err);
}

static bool
signed_in_need(struct visit *v)
{
	return v->caller.proof == PROOF_SESSION ||
	       err_set(&v->err, ERR_REFUSED, "no_identity",
		   "request: nobody is signed in; sign in first");
}

/* --- Sign-in -------------------------------------------------------------- */

static void
to_sign_in(struct visit *v, struct str to)
{
	struct arena *arena = &v->web->arena;
	struct str encoded = percent_encode(arena, to);

	*v->response = (struct response){ 0 };
	response_redirect(v->response,
	    encoded.ptr == NULL ? encoded
				: str_fmt(arena, "/rolegate/sign-in?to=%.*s",
				      STR_ARGS(encoded)));
}

static struct str
wanted_return(struct visit *v, struct str wanted)
{
	return return_to(&v->web->setup->config.web, wanted);
}

static void
sign_in_page(struct visit *v)
{
	struct pairs query = { NULL, 0 };
	struct err ignored = { 0 };
	struct str to = STR("");

	if (form_read(&v->web->arena, v->request->query, &query, &ignored))
		to = form_value(&query, "to");
	html(v, 200,
	    page_sign_in(
		&v->web->arena, wanted_return(v, to), STR(""), STR("")));
}

static void
session_answer(struct visit *v, struct signed_in *session, struct str to)
{
	if (v->json)
		json_answer(
		    v, json_pack("{s:s%,s:I}", "to", to.ptr, to.len,
			   "expires_in", (json_int_t)session->lifetime_s));
	else {
		*v->response = (struct response){ 0 };
		response_redirect(v->response, to);
	}
	cookie_set(v, session->token, session->lifetime_s);
	sodium_memzero(session, sizeof(*session));
}

/* A sign-in needs no key of a session before: it ends that. */
static bool
sign_in_guarded(struct visit *v)
{
	return (v->json && v->request->origin.len == 0 &&
		   v->request->fetch_site.len == 0) ||
	       guard_origin(v->web, v->request, &v->err);
}

static void
sign_in_post(struct visit *v)
{
	struct sign_in asked = { .address = v->request->address };
	struct signed_in session = { .lifetime_s = 0 };
	struct str to = STR("/");

	if (form_take(v) && sign_in_guarded(v)) {
		asked.username = form_value(&v->form, "username");
		asked.password = form_value(&v->form, "password");
		to = wanted_return(v, form_value(&v->form, "to"));
		if (sign_in(v->web, &asked, &v->caller, &session, &v->err)) {
			session_answer(v, &session, to);
			return;
		}
		if (!v->json && v->err.kind == ERR_REFUSED) {
			html(v, problem_status(&v->err),
			    page_sign_in(&v->web->arena, to, asked.username,
				says_of(v)));
			return;
		}
	}
	refuse(v, "Sign in");
}

/* --- Sign-out ------------------------------------------------------------- */

static bool
sessions_end(struct visit *v, bool everywhere)
{
	struct web *web = v->web;
	struct session *list = NULL;
	struct admin admin;
	size_t count = 0;
	bool ok = true;

	if (!admin_begin(&admin, web->store, &web->setup->catalogues,
		&v->caller.actor, web->now_ms, &v->err))
		return false;
	if (everywhere)
		ok = store_sessions(web->store, &web->arena,
		    v->caller.member_id, &list, &count, &v->err);
	else {
		list = &v->caller.session;
		count = 1;
	}
	for (size_t i = 0; ok && i < count; i++)
		ok = admin_session_remove(&admin, list[i].digest, &v->err);
	if (!ok) {
		admin_abort(&admin);
		return false;
	}
	if (!admin_commit(&admin, &v->err))
		return false;
	web_publish(web);
	return true;
}

static void
sign_out_post(struct visit *v)
{
	if (!form_take(v) || !signed_in_need(v) || !guarded(v) ||
	    !sessions_end(
		v, str_eq(form_value(&v->form, "everywhere"), STR("yes")))) {
		refuse(v, "Sign out");
		return;
	}
	v->caller.proof = PROOF_NONE;
	if (v->json)
		json_answer(v, json_object());
	else {
		*v->response = (struct response){ 0 };
		response_redirect(v->response, STR("/rolegate/sign-in"));
	}
	cookie_set(v, "", 0);
}

/* --- Accounts ------------------------------------------------------------- */

static void
accounts_page(struct visit *v)
{
	struct web *web = v->web;
	const struct page page = { .max = PAGE_MAX + 1, .after = STR("") };
	const struct account **list = NULL;
	size_t count = 0;
	struct page_accounts shown;

	if (v->caller.proof != PROOF_SESSION) {
		to_sign_in(v, STR("/rolegate/accounts"));
		return;
	}
	if (!store_list_accounts(web->store, &web->arena, STR(""),
		v->caller.member_id, web->now_ms / 1000, &page, &list, &count,
		&v->err)) {
		refuse(v, "Accounts");
		return;
	}
	shown = (struct page_accounts){
		.member = v->caller.actor.username,
		.csrf = str_from(v->caller.csrf),
		.in_use = v->caller.session.account,
		.accounts = list,
		.count = count <= PAGE_MAX ? count : PAGE_MAX,
		.more = count > PAGE_MAX,
	};
	html(v, 200, page_accounts(&web->arena, &shown));
}

static bool
account_use(struct visit *v)
{
	struct web *web = v->web;
	struct admin admin;

	if (!admin_begin(&admin, web->store, &web->setup->catalogues,
		&v->caller.actor, web->now_ms, &v->err))
		return false;
	if (!admin_session_account(&admin, v->caller.session.digest,
		form_value(&v->form, "account"), &v->err)) {
		admin_abort(&admin);
		return false;
	}
	if (!admin_commit(&admin, &v->err))
		return false;
	web_publish(web);
	return true;
}

static void
account_post(struct visit *v)
{
	if (!form_take(v) || !signed_in_need(v) || !guarded(v) ||
	    !account_use(v)) {
		refuse(v, "Accounts");
		return;
	}
	*v->response = (struct response){ 0 };
	response_redirect(
	    v->response, wanted_return(v, form_value(&v->form, "to")));
}

/* --- Invitations ---------------------------------------------------------- */

static void
invitation_page(struct visit *v)
{
	bool signed_in = v->caller.proof == PROOF_SESSION;

	html(v, 200,
	    page_invitation(&v->web->arena,
		signed_in ? str_from(v->caller.csrf) : STR(""),
		v->caller.actor.username, STR("")));
}

static bool
accept(struct visit *v, struct str token)
{
	struct web *web = v->web;
	struct admin admin;

	if (!admin_begin(&admin, web->store, &web->setup->catalogues,
		&v->caller.actor, web->now_ms, &v->err))
		return false;
	if (!admin_invitation_accept(&admin, token, &v->err)) {
		admin_abort(&admin);
		return false;
	}
	return admin_commit(&admin, &v->err);
}

/* Guessing tokens is counted as guessing passwords is. */
static bool
join(struct visit *v, struct str token, struct signed_in *session)
{
	struct web *web = v->web;
	struct str username = form_value(&v->form, "username");
	char hash[PASSWORD_TEXT_MAX];
	struct admin admin;
	bool ok;

	if (!web->setup->config.web.passwords)
		return err_set(&v->err, ERR_REFUSED, "passwords_off",
		    "invitation: there are no local passwords here; sign in "
		    "with the one you have, then open the link again");
	if (!attempt_count(web, STR(""), v->request->address, &v->err) ||
	    !password_hash(form_value(&v->form, "password"), hash, &v->err) ||
	    !web_begin_system(web, &admin, &v->err))
		return false;
	ok = admin_invitation_join(&admin, token, username,
	    form_value(&v->form, "name"), str_from(hash), &v->err);
	sodium_memzero(hash, sizeof(hash));
	if (!ok) {
		admin_abort(&admin);
		return false;
	}
	return admin_commit(&admin, &v->err) &&
	       attempt_forget(web, STR(""), v->request->address, &v->err) &&
	       session_open(web, &(struct proven){ .username = username },
		   &v->caller, session, &v->err);
}

static void
invitation_post(struct visit *v)
{
	struct signed_in session = { .lifetime_s = 0 };
	struct str token;

	if (!form_take(v) || !guarded(v)) {
		refuse(v, "Invitation");
		return;
	}
	token = form_value(&v->form, "token");
	if (v->caller.proof == PROOF_SESSION) {
		if (!accept(v, token)) {
			refuse(v, "Invitation");
			return;
		}
		web_publish(v->web);
		*v->response = (struct response){ 0 };
		response_redirect(v->response, STR("/rolegate/accounts"));
		return;
	}
	if (join(v, token, &session))
		session_answer(v, &session, STR("/rolegate/accounts"));
	else
		refuse(v, "Invitation");
}

/* --- Others --------------------------------------------------------------- */

/* CASES T48. nginx says what was refused; it is sent back there afterwards. */
static void
unauthorized(struct visit *v)
{
	if (request_accepts(v->request, "text/html")) {
		to_sign_in(v, wanted_return(v, v->request->return_to));
		return;
	}
	err_set(&v->err, ERR_REFUSED, "no_identity",
	    "request: nobody is signed in; sign in, or send a token");
	problem(v);
}

static void
style(struct visit *v)
{
	*v->response = (struct response){
		.status = 200,
		.type = "text/css; charset=utf-8",
		.body = str_from(page_style),
	};
}

static void
script(struct visit *v)
{
	*v->response = (struct response){
		.status = 200,
		.type = "text/javascript; charset=utf-8",
		.body = str_from(page_script),
	};
}

/* clang-format off */
static const struct {
	const char *path; /* behind /rolegate/ */
	void (*get)(struct visit *v);
	void (*post)(struct visit *v);
} places[] = {
	{ "sign-in",       sign_in_page,    sign_in_post },
	{ "sign-out",      NULL,            sign_out_post },
	{ "accounts",      accounts_page,   NULL },
	{ "account",       NULL,            account_post },
	{ "invitation",    invitation_page, invitation_post },
	{ "unauthorized",  unauthorized,    NULL },
	{ "style.css",     style,           NULL },
	{ "invitation.js", script,          NULL },
};
/* clang-format on */

static bool
is_api(struct names words)
{
	return words.count > 3 && str_eq(words.items[1], STR("api")) &&
	       str_eq(words.items[2], STR("v1"));
}

static void
place_answer(struct visit *v, struct str name)
{
	bool get = request_is_safe(v->request);
	bool post = str_eq(v->request->method, STR("POST"));

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		void (*run)(struct visit *) = get    ? places[i].get
					      : post ? places[i].post
						     : NULL;

		if (!str_eq(name, str_from(places[i].path)))
			continue;
		if (run != NULL) {
			run(v);
			return;
		}
		err_set(&v->err, ERR_USAGE, "api_method", "path: takes %s only",
		    places[i].get != NULL ? "GET" : "POST");
		problem(v);
		return;
	}
	err_set(&v->err, ERR_NOT_FOUND, "path_unknown",
	    "path: there is nothing here");
	problem(v);
}

void
site_answer(
    struct web *web, const struct request *request, struct response *response)
{
	struct visit v = {
		.web = web,
		.request = request,
		.response = response,
		.json = request_is(request, "application/json"),
	};
	struct names words = { NULL, 0 };

	if (!path_split(&web->arena, request->path, &words, &v.err)) {
		problem(&v);
		return;
	}
	if (words.count < 2 || !str_eq(words.items[0], STR("rolegate"))) {
		place_answer(&v, STR(""));
		return;
	}
	if (is_api(words)) {
		words = (struct names){ words.items + 3, words.count - 3 };
		api_answer(web, request, words, response);
		return;
	}
	if (words.count != 2)
		place_answer(&v, STR(""));
	else if (!caller_find(web, request, &v.caller, &v.err))
		refuse(&v, "Not possible now");
	else
		place_answer(&v, words.items[1]);
	caller_note_use(web, &v.caller);
}
