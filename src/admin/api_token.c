#include "admin/change.h"
#include "base/bounds.h"
#include "base/text.h"
#include "model/address.h"
#include "model/json.h"
#include "model/names.h"
#include "store/credential.h"

/* --- The history ---------------------------------------------------------- */

/* What the history says of a token: never itself, nor its digest. */
static struct str
token_text(struct admin *admin, const struct api_token *t)
{
	struct str until = t->expires_s > 0
			       ? str_from_time(&admin->arena, t->expires_s)
			       : STR("");

	return json_text(&admin->arena,
	    json_pack("{s:s,s:s%,s:s%,s:s%,s:o,s:o,s:o,s:s%}", "type", "token",
		"id", t->id.ptr, t->id.len, "member", t->username.ptr,
		t->username.len, "description", t->description.ptr,
		t->description.len, "accounts", json_names(t->accounts),
		"permissions", json_names(t->permissions), "addresses",
		json_names(t->addresses), "expires",
		until.ptr != NULL ? until.ptr : "", until.len));
}

static bool
token_note(struct admin *admin, const char *action,
    const struct api_token *before, const struct api_token *after,
    struct err *err)
{
	const struct api_token *any = before != NULL ? before : after;
	struct touches touches = { .member = any->member_id };

	touch(admin, &touches, "token", any->digest);
	return change_note(admin, action, any->username,
	    before != NULL ? token_text(admin, before) : STR(""),
	    after != NULL ? token_text(admin, after) : STR(""), &touches, err);
}

/* --- Add ------------------------------------------------------------------ */

static bool
addresses_check(struct names addresses, struct err *err)
{
	if (!names_check(addresses, TOKEN_ADDRESSES_MAX, TOKEN_ADDRESS_MAX,
		"addresses", err))
		return false;
	for (size_t i = 0; i < addresses.count; i++)
		if (!address_range_check(addresses.items[i], err))
			return false;
	return true;
}

static bool
scope_check(const struct api_token *t, struct err *err)
{
	return text_check(
		   t->description, TOKEN_DESCRIPTION_MAX, "description", err) &&
	       names_check(t->accounts, TOKEN_SCOPE_MAX, ACCOUNT_ID_MAX,
		   "accounts", err) &&
	       names_check(t->permissions, TOKEN_SCOPE_MAX, PERMISSION_NAME_MAX,
		   "permissions", err) &&
	       addresses_check(t->addresses, err);
}

static bool
rule_life(const struct admin *admin, const struct api_token *t, struct err *err)
{
	if (t->expires_s == 0 || t->expires_s > admin->now_ms / 1000)
		return true;
	return err_set(err, ERR_REFUSED, "expires_past",
	    "token: expires in the past; name a time to come");
}

static bool
rule_few(struct admin *admin, const struct member *maker, struct err *err)
{
	struct api_token *list = NULL;
	size_t count = 0;

	if (!store_api_tokens(
		admin->store, &admin->arena, maker->id, &list, &count, err))
		return false;
	if (count < TOKENS_PER_MEMBER_MAX)
		return true;
	return err_set(err, ERR_LIMIT, "tokens_too_many",
	    "member %.*s: has %zu tokens, which is the most; remove one",
	    STR_ARGS(maker->username), count);
}

static bool
right_on(struct admin *admin, struct str id, struct err *err)
{
	const struct account *account = NULL;

	return account_need(admin, id, &account, err) &&
	       right_to(admin, account, "token.create", STR(""), err);
}

/* Without any account named: where they hold or own something. */
static bool
right_somewhere(
    struct admin *admin, const struct member *maker, struct err *err)
{
	struct names owned = { NULL, 0 };
	struct err why = { 0 };

	for (size_t i = 0; i < maker->grant_count; i++)
		if (right_on(admin, maker->grants[i].account, &why))
			return true;
		else
			why = (struct err){ 0 };
	if (!store_owned(admin->store, &admin->arena, maker->id, &owned, err))
		return false;
	for (size_t i = 0; i < owned.count; i++)
		if (right_on(admin, owned.items[i], &why))
			return true;
		else
			why = (struct err){ 0 };
	return err_set(err, ERR_REFUSED, "no_right",
	    "member %.*s: may make tokens on no account",
	    STR_ARGS(maker->username));
}

/* Rules 192, 193, S15. The system makes one for somebody under their rights:
 * it could do no more than they. */
static bool
right_to_token(struct admin *admin, const struct member *maker,
    struct names accounts, struct err *err)
{
	admin->asker = (struct actor){
		.kind = ACTOR_MEMBER,
		.username = maker->username,
	};
	if (accounts.count == 0)
		return right_somewhere(admin, maker, err);
	for (size_t i = 0; i < accounts.count; i++)
		if (!right_on(admin, accounts.items[i], err))
			return false;
	return true;
}

static bool
token_add(struct admin *admin, struct api_token *made, struct str *token,
    struct err *err)
{
	struct member maker = { 0 };
	bool ok;

	if (!asker_is(admin, made->username) &&
	    !rule_system(admin, "token of", made->username, err))
		return false;
	if (!member_need(admin, made->username, &maker, err) ||
	    !scope_check(made, err) || !rule_life(admin, made, err) ||
	    !rule_few(admin, &maker, err))
		return false;
	ok = right_to_token(admin, &maker, made->accounts, err);
	admin->asker = admin->actor;
	made->member_id = maker.id;
	made->username = maker.username;
	return ok && token_new(admin, token, &made->digest, err) &&
	       store_put_api_token(
		   admin->store, made, next_generation(admin), err) &&
	       token_note(admin, "token.add", NULL, made, err);
}

bool
admin_token_add(struct admin *admin, const struct api_token *wanted,
    struct str *token, struct str *out_id, struct err *err)
{
	struct api_token made = *wanted;

	made.id = member_id_new(&admin->kept);
	made.created_s = admin->now_ms / 1000;
	made.used_s = 0;
	if (made.username.len == 0)
		made.username = admin->actor.username;
	if (made.id.ptr == NULL)
		return change_no_memory(err);
	if (admin->actor.token.len > 0)
		return err_set(err, ERR_REFUSED, "not_yours",
		    "token: is made by a person, signed in; not by a token");
	if (!change_begin(admin, err) ||
	    !change_end(admin, token_add(admin, &made, token, err), err))
		return false;
	if (out_id != NULL)
		*out_id = made.id;
	return true;
}

/* --- Remove --------------------------------------------------------------- */

static bool
token_missing(struct str id, struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "token_unknown",
	    "token %.*s: does not exist; see rolegate token list",
	    STR_ARGS(id));
}

static bool
token_end(struct admin *admin, const struct api_token *token, struct err *err)
{
	return store_delete_api_token(admin->store, token->id, err) &&
	       token_note(admin, "token.remove", token, NULL, err);
}

/* Somebody else's is as one that is not there. */
static bool
token_remove(struct admin *admin, struct str id, struct err *err)
{
	struct api_token token = { 0 };

	switch (store_api_token(admin->store, &admin->arena, id, &token, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return token_missing(id, err);
	case FOUND_YES:
		break;
	}
	if (asks_as_member(admin) && !asker_is(admin, token.username))
		return token_missing(id, err);
	return (asks_as_member(admin) ||
		   rule_system(admin, "token", id, err)) &&
	       token_end(admin, &token, err);
}

bool
admin_token_remove(struct admin *admin, struct str id, struct err *err)
{
	return change_begin(admin, err) &&
	       change_end(admin, token_remove(admin, id, err), err);
}

bool
api_tokens_end(
    struct admin *admin, const struct member *member, struct err *err)
{
	struct api_token *list = NULL;
	size_t count = 0;

	if (!store_api_tokens(
		admin->store, &admin->arena, member->id, &list, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!token_end(admin, &list[i], err))
			return false;
	return true;
}

bool
api_tokens_renew(struct admin *admin, struct str member_id,
    struct touches *touches, struct err *err)
{
	struct api_token *list = NULL;
	size_t count = 0;

	if (!store_api_tokens(
		admin->store, &admin->arena, member_id, &list, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		touch(admin, touches, "token", list[i].digest);
		if (!store_put_api_token(
			admin->store, &list[i], next_generation(admin), err))
			return false;
	}
	return true;
}

bool
admin_token_used(struct admin *admin, struct str id, struct err *err)
{
	return rule_system(admin, "use of token", id, err) &&
	       store_set_api_token_used(
		   admin->store, id, admin->now_ms / 1000, err);
}
