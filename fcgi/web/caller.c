#include "fcgi/web/caller.h"

#include <sodium.h>
#include <string.h>

#include "fcgi/process/proof.h"
#include "model/address.h"
#include "model/token.h"

#define DAY_S ((int64_t)24 * 3600)

/* --- Who ------------------------------------------------------------------ */

static bool
csrf_make(struct str token, char out[CSRF_LEN + 1])
{
	static const char what[] = "rolegate: key of the session's changes";
	unsigned char bytes[32];

	return crypto_generichash(bytes, sizeof(bytes),
		   (const unsigned char *)what, sizeof(what) - 1,
		   (const unsigned char *)token.ptr, token.len) == 0 &&
	       sodium_bin2base64(out, CSRF_LEN + 1, bytes, sizeof(bytes),
		   sodium_base64_VARIANT_URLSAFE_NO_PADDING) != NULL;
}

static struct str
digest_of(struct arena *arena, struct str token)
{
	char hex[TOKEN_DIGEST_LEN + 1];

	token_digest(token, hex);
	return str_copy(arena, (struct str){ hex, TOKEN_DIGEST_LEN });
}

static bool
session_take(
    struct web *web, struct str token, struct caller *out, struct err *err)
{
	struct session session = { 0 };
	struct str digest;

	if (!token_is_one(token))
		return true;
	digest = digest_of(&web->arena, token);
	switch (store_session(web->store, &web->arena, digest, &session, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return true;
	case FOUND_YES:
		break;
	}
	if (session.expires_s <= web->now_ms / 1000)
		return true;
	if (!csrf_make(token, out->csrf))
		return err_set(err, ERR_BUG, "no_random",
		    "libsodium: cannot make the key of a session");
	out->proof = PROOF_SESSION;
	out->session = session;
	out->member_id = session.member_id;
	out->actor.username = session.username;
	return true;
}

static bool
token_counts(const struct web *web, const struct request *request,
    const struct api_token *token)
{
	int64_t now_s = web->now_ms / 1000;

	return (token->expires_s == 0 || token->expires_s > now_s) &&
	       (token->addresses.count == 0 ||
		   address_in(request->address, token->addresses));
}

static bool
token_take(struct web *web, const struct request *request, struct str token,
    struct caller *out, struct err *err)
{
	struct api_token found = { 0 };

	if (!token_is_one(token))
		return true;
	switch (store_api_token_by_digest(web->store, &web->arena,
	    digest_of(&web->arena, token), &found, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return true;
	case FOUND_YES:
		break;
	}
	if (!token_counts(web, request, &found))
		return true;
	out->proof = PROOF_TOKEN;
	out->token = found;
	out->member_id = found.member_id;
	out->actor.username = found.username;
	out->actor.token = found.id;
	out->actor.scope = (struct scope){ found.accounts, found.permissions };
	return true;
}

bool
caller_find(struct web *web, const struct request *request, struct caller *out,
    struct err *err)
{
	struct str cookie = STR("");
	enum cookie found = cookie_find(
	    request->cookie, web->setup->config.gate.cookie, &cookie);
	bool has_token = request->authorization.len > 0;

	*out = (struct caller){ .actor = { .kind = ACTOR_MEMBER } };
	out->actor.why = request->why; /* judged by admin.h */
	if (has_token && found == COOKIE_NONE)
		return token_take(
		    web, request, bearer_of(request->authorization), out, err);
	if (!has_token && found == COOKIE_ONE)
		return session_take(web, cookie, out, err);
	return true;
}

/* --- The guard ------------------------------------------------------------ */

bool
guard_origin(
    const struct web *web, const struct request *request, struct err *err)
{
	if (request->origin.len > 0
		? str_eq(request->origin, web->setup->config.web.origin)
		: str_eq(request->fetch_site, STR("same-origin")))
		return true;
	return err_set(err, ERR_REFUSED, "origin",
	    "request: it comes from another site than %.*s; open the page "
	    "there",
	    STR_ARGS(web->setup->config.web.origin));
}

bool
guard_change(const struct web *web, const struct request *request,
    const struct caller *caller, struct str shown, struct err *err)
{
	if (caller->proof != PROOF_SESSION)
		return true;
	if (!guard_origin(web, request, err))
		return false;
	if (shown.len == CSRF_LEN &&
	    sodium_memcmp(shown.ptr, caller->csrf, CSRF_LEN) == 0)
		return true;
	return err_set(err, ERR_REFUSED, "csrf",
	    "request: it does not show the key of its session; send the csrf "
	    "of /me as X-Rolegate-CSRF");
}

/* --- Use ------------------------------------------------------------------ */

bool
session_is_due(const struct web *web, const struct session *session)
{
	int64_t left_s = session->expires_s - web->now_ms / 1000;

	return session->idle_s > 0 && left_s > 0 &&
	       left_s < session->idle_s / 2 &&
	       session->expires_s < session->ends_s;
}

static bool
use_write(struct web *web, const struct caller *caller, struct err *err)
{
	struct admin admin;
	bool ok;

	if (!web_begin_system(web, &admin, err))
		return false;
	ok = caller->proof == PROOF_SESSION
		 ? admin_session_renew(&admin, caller->session.digest, err)
		 : admin_token_used(&admin, caller->token.id, err);
	if (ok)
		return admin_commit(&admin, err);
	admin_abort(&admin);
	return false;
}

/* Nobody waits for it, and nothing hangs on it but a longer life. */
void
caller_note_use(struct web *web, const struct caller *caller)
{
	int64_t now_s = web->now_ms / 1000;
	struct err err = { 0 };
	bool due = false;

	switch (caller->proof) {
	case PROOF_NONE:
		break;
	case PROOF_SESSION:
		due = session_is_due(web, &caller->session);
		break;
	case PROOF_TOKEN:
		due = caller->token.used_s / DAY_S != now_s / DAY_S;
		break;
	}
	if (!due)
		return;
	if (!use_write(web, caller, &err)) {
		/* It may just have been ended. */
		if (err.kind != ERR_NOT_FOUND)
			say(err.code, "%s", err.text);
	} else if (caller->proof == PROOF_SESSION)
		web_publish(web);
}
