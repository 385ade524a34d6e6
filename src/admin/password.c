#include "admin/change.h"
#include "model/json.h"
#include "store/credential.h"

/* The history says that it changed, and nothing of what it is. */
static bool
password_note(struct admin *admin, const struct member *member,
    const struct touches *touches, bool has, struct err *err)
{
	return change_note(admin, "password.set", member->username, STR(""),
	    json_text(&admin->arena,
		json_pack("{s:s,s:b}", "type", "password", "set", (int)has)),
	    touches, err);
}

bool
password_put(struct admin *admin, const struct member *member, struct str hash,
    struct err *err)
{
	const struct touches touches = { .member = member->id };

	return store_set_password(
		   admin->store, member->id, hash, admin->now_ms / 1000, err) &&
	       password_note(admin, member, &touches, hash.len > 0, err);
}

/* Whoever came in by the old one has to come in anew. */
static bool
password_set(
    struct admin *admin, struct str username, struct str hash, struct err *err)
{
	struct member member = { 0 };
	struct touches touches = { 0 };

	if (!asker_is(admin, username) &&
	    !rule_system(admin, "password of", username, err))
		return false;
	if (!member_need(admin, username, &member, err) ||
	    !store_set_password(
		admin->store, member.id, hash, admin->now_ms / 1000, err) ||
	    !sessions_end(admin, member.id, &touches, err))
		return false;
	touches.member = member.id;
	return password_note(admin, &member, &touches, hash.len > 0, err);
}

bool
admin_password_set(
    struct admin *admin, struct str username, struct str hash, struct err *err)
{
	if (admin->actor.token.len > 0)
		return err_set(err, ERR_REFUSED, "not_yours",
		    "password of %.*s: is set by a person, signed in; not by a "
		    "token",
		    STR_ARGS(username));
	return change_begin(admin, err) &&
	       change_end(admin, password_set(admin, username, hash, err), err);
}
