#include "admin/change.h"
#include "model/json.h"

#define LIFETIME_MAX_S ((int64_t)400 * 24 * 3600)

bool
token_new(
    struct admin *admin, struct str *token, struct str *digest, struct err *err)
{
	struct token *kept = ARENA_NEW(&admin->kept, struct token);
	char *hex = arena_alloc(&admin->arena, TOKEN_DIGEST_LEN + 1, 1);

	if (kept == NULL || hex == NULL || !token_make(kept->text))
		return err_set(err, ERR_BUG, "no_random",
		    "libsodium: cannot make a token; look at memory and "
		    "randomness");
	kept->next = admin->tokens;
	admin->tokens = kept;
	*token = str_from(kept->text);
	token_digest(*token, hex);
	*digest = (struct str){ hex, TOKEN_DIGEST_LEN };
	return true;
}

/* What the history says of a session: never the token. */
static struct str
session_text(struct admin *admin, const struct session *s)
{
	struct str at = str_from_time(&admin->arena, s->expires_s);
	json_t *object = json_pack("{s:s,s:s%,s:s%,s:s%}", "type", "session",
	    "member", s->username.ptr, s->username.len, "digest", s->digest.ptr,
	    s->digest.len, "expires", at.ptr != NULL ? at.ptr : "", at.len);
	bool ok = s->account.len == 0 ||
		  json_object_set_new(object, "account",
		      json_stringn(s->account.ptr, s->account.len)) == 0;

	if (!ok) {
		json_decref(object);
		return (struct str){ NULL, 0 };
	}
	return json_text(&admin->arena, object);
}

static bool
session_put(struct admin *admin, const struct session *session, struct err *err)
{
	struct touches touches = { 0 };

	touch(admin, &touches, "session", session->digest);
	return store_put_session(
		   admin->store, session, next_generation(admin), err) &&
	       change_note(admin, "session.add", session->username, STR(""),
		   session_text(admin, session), &touches, err);
}

/* Idle or absolute, whichever comes first. */
static int64_t
expires_at(const struct session *session, int64_t now_s)
{
	if (session->idle_s > 0 && session->idle_s < session->ends_s - now_s)
		return now_s + session->idle_s;
	return session->ends_s;
}

static bool
session_make(struct admin *admin, struct str username, struct str account,
    const struct session_limits *limits, struct str *token, struct err *err)
{
	int64_t now_s = admin->now_ms / 1000;
	struct session session = {
		.account = account,
		.created_s = now_s,
		.ends_s = now_s + limits->lifetime_s,
		.idle_s = limits->idle_s,
	};
	struct member member = { 0 };
	const struct account *on = NULL;

	if ((!asker_is(admin, username) &&
		!rule_system(admin, "session of", username, err)) ||
	    !member_need(admin, username, &member, err) ||
	    (account.len > 0 && !account_need(admin, account, &on, err)))
		return false;
	if (member.status != MEMBER_ACTIVE)
		return err_set(err, ERR_REFUSED, "member_inactive",
		    "member %.*s: is %s and gets no session; make them active "
		    "first",
		    STR_ARGS(member.username),
		    member_status_word(member.status));
	if (!token_new(admin, token, &session.digest, err))
		return false;
	session.member_id = member.id;
	session.username = member.username;
	session.expires_s = expires_at(&session, now_s);
	return session_put(admin, &session, err);
}

bool
admin_session_add(struct admin *admin, struct str username, struct str account,
    const struct session_limits *limits, struct str *token, struct err *err)
{
	if (limits->lifetime_s < 1 || limits->lifetime_s > LIFETIME_MAX_S ||
	    limits->idle_s < 0 || limits->idle_s > LIFETIME_MAX_S)
		return err_set(err, ERR_LIMIT, "session_lifetime",
		    "session: lives for 1 second to 400 days");
	return change_begin(admin, err) &&
	       change_end(admin,
		   session_make(admin, username, account, limits, token, err),
		   err);
}

/* One's own; the system, anybody's. Another's is as one that is not there. */
static bool
session_need(struct admin *admin, struct str digest, struct session *out,
    struct err *err)
{
	switch (
	    store_session(admin->store, &admin->arena, digest, out, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		break;
	case FOUND_YES:
		if (!asks_as_member(admin) || asker_is(admin, out->username))
			return true;
		break;
	}
	return err_set(err, ERR_NOT_FOUND, "session_unknown",
	    "session %.*s: does not exist; see rolegate session list",
	    STR_ARGS(digest));
}

static bool
session_end(struct admin *admin, struct str digest, struct err *err)
{
	struct touches touches = { 0 };
	struct session session = { 0 };

	if ((!asks_as_member(admin) &&
		!rule_system(admin, "session", digest, err)) ||
	    !session_need(admin, digest, &session, err))
		return false;
	touch(admin, &touches, "session", digest);
	return store_delete_session(admin->store, digest, err) &&
	       change_note(admin, "session.remove", session.username,
		   session_text(admin, &session), STR(""), &touches, err);
}

bool
admin_session_remove(struct admin *admin, struct str digest, struct err *err)
{
	return change_begin(admin, err) &&
	       change_end(admin, session_end(admin, digest, err), err);
}

/* Only what has not ended yet goes on. */
static bool
session_renew(struct admin *admin, struct str digest, struct err *err)
{
	int64_t now_s = admin->now_ms / 1000;
	struct touches touches = { 0 };
	struct session session = { 0 };
	struct str before;

	if (!rule_system(admin, "session", digest, err) ||
	    !session_need(admin, digest, &session, err))
		return false;
	if (session.idle_s == 0 || session.expires_s <= now_s ||
	    expires_at(&session, now_s) <= session.expires_s)
		return true;
	before = session_text(admin, &session);
	session.expires_s = expires_at(&session, now_s);
	touch(admin, &touches, "session", digest);
	return store_put_session(
		   admin->store, &session, next_generation(admin), err) &&
	       change_note(admin, "session.renew", session.username, before,
		   session_text(admin, &session), &touches, err);
}

bool
admin_session_renew(struct admin *admin, struct str digest, struct err *err)
{
	return change_begin(admin, err) &&
	       change_end(admin, session_renew(admin, digest, err), err);
}

static bool
session_account(struct admin *admin, struct str digest, struct str account,
    struct err *err)
{
	const struct account *on = NULL;
	struct touches touches = { 0 };
	struct session session = { 0 };
	struct str before;

	if (!session_need(admin, digest, &session, err) ||
	    (account.len > 0 && (!account_need(admin, account, &on, err) ||
				    !right_to_see(admin, on, err))))
		return false;
	if (str_eq(session.account, account))
		return true;
	before = session_text(admin, &session);
	session.account = account;
	touch(admin, &touches, "session", digest);
	return store_put_session(
		   admin->store, &session, next_generation(admin), err) &&
	       change_note(admin, "session.account", session.username, before,
		   session_text(admin, &session), &touches, err);
}

bool
admin_session_account(struct admin *admin, struct str digest,
    struct str account, struct err *err)
{
	return change_begin(admin, err) &&
	       change_end(
		   admin, session_account(admin, digest, account, err), err);
}
