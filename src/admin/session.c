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

static bool
session_make(struct admin *admin, struct str username, struct str account,
    int64_t lifetime_s, struct str *token, struct err *err)
{
	int64_t now_s = admin->now_ms / 1000;
	struct session session = {
		.account = account,
		.created_s = now_s,
		.expires_s = now_s + lifetime_s,
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
	return session_put(admin, &session, err);
}

bool
admin_session_add(struct admin *admin, struct str username, struct str account,
    int64_t lifetime_s, struct str *token, struct err *err)
{
	if (lifetime_s < 1 || lifetime_s > LIFETIME_MAX_S)
		return err_set(err, ERR_LIMIT, "session_lifetime",
		    "session: lives for 1 second to 400 days");
	return change_begin(admin, err) &&
	       change_end(admin,
		   session_make(
		       admin, username, account, lifetime_s, token, err),
		   err);
}

static bool
session_end(struct admin *admin, struct str digest, struct err *err)
{
	struct touches touches = { 0 };
	struct session session = { 0 };

	if (!rule_system(admin, "session", digest, err))
		return false;
	switch (
	    store_session(admin->store, &admin->arena, digest, &session, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return err_set(err, ERR_NOT_FOUND, "session_unknown",
		    "session %.*s: does not exist; see rolegate session list",
		    STR_ARGS(digest));
	case FOUND_YES:
		break;
	}
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
