#include <sodium.h>
#include <string.h>

#include "admin/change.h"
#include "model/state_json.h"

#define ID_BYTES ((size_t)16)

struct str
member_id_new(struct admin *admin)
{
	unsigned char bytes[ID_BYTES];
	char *hex = arena_alloc(&admin->arena, ID_BYTES * 2 + 1, 1);

	if (hex == NULL || sodium_init() < 0)
		return (struct str){ NULL, 0 };
	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2hex(hex, ID_BYTES * 2 + 1, bytes, sizeof(bytes));
	return (struct str){ hex, ID_BYTES * 2 };
}

/* Nobody else has the name. `self` is the id of whoever may have it. */
static bool
username_free(struct admin *admin, struct str username, struct str self,
    struct err *err)
{
	struct member other = { 0 };

	switch (store_member(
	    admin->store, &admin->arena, username, &other, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return true;
	case FOUND_YES:
		break;
	}
	if (str_eq(other.id, self))
		return true;
	return err_set(err, ERR_REFUSED, "username_taken",
	    "member %.*s: is there already; choose another username, or edit "
	    "that member",
	    STR_ARGS(other.username));
}

static bool
member_put(struct admin *admin, const struct member *member, struct err *err)
{
	int64_t generation;

	return change_generation(admin, &generation, err) &&
	       store_put_member(admin->store, member, generation, err);
}

static bool
member_make(struct admin *admin, struct member *member, struct err *err)
{
	struct touches touches = { 0 };

	member->id = member_id_new(admin);
	if (member->id.ptr == NULL)
		return err_set(err, ERR_BUG, "no_random",
		    "libsodium: cannot make an id");
	touch(admin, &touches, "member", member->id);
	return member_check(member, err) &&
	       username_free(admin, member->username, STR(""), err) &&
	       member_put(admin, member, err) &&
	       change_note(admin, "member.add", member->username, STR(""),
		   state_member_text(&admin->arena, member), &touches, err);
}

bool
admin_member_add(struct admin *admin, const struct member *member,
    struct str *out_id, struct err *err)
{
	struct member made = {
		.username = member->username,
		.email = member->email,
		.name = member->name,
		.status = member->status,
	};

	if (!change_begin(admin, err) ||
	    !change_end(admin, member_make(admin, &made, err), err))
		return false;
	if (out_id != NULL)
		*out_id = made.id;
	return true;
}

/* --- Edit ----------------------------------------------------------------- */

static bool
sessions_touch(struct admin *admin, struct str member_id,
    struct touches *touches, struct session **sessions, size_t *count,
    struct err *err)
{
	if (!store_sessions(admin->store, &admin->arena, member_id, sessions,
		count, err))
		return false;
	for (size_t i = 0; i < *count; i++)
		touch(admin, touches, "session", (*sessions)[i].digest);
	return true;
}

bool
sessions_end(struct admin *admin, struct str member_id,
    struct touches *touches, struct err *err)
{
	struct session *sessions = NULL;
	size_t count = 0;

	if (!sessions_touch(
		admin, member_id, touches, &sessions, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!store_delete_session(
			admin->store, sessions[i].digest, err))
			return false;
	return true;
}

bool
touch_rename(struct admin *admin, const struct member *before,
    struct touches *touches, struct err *err)
{
	struct session *sessions = NULL;
	size_t count = 0;
	struct names owned = { NULL, 0 };

	touch(admin, touches, "username", before->username);
	if (!store_owned(
		admin->store, &admin->arena, before->id, &owned, err))
		return false;
	for (size_t i = 0; i < owned.count; i++)
		touch(admin, touches, "account", owned.items[i]);
	return sessions_touch(
	    admin, before->id, touches, &sessions, &count, err);
}

static bool
member_alike(const struct member *a, const struct member *b)
{
	return str_eq(a->username, b->username) && str_eq(a->email, b->email) &&
	       str_eq(a->name, b->name) && a->status == b->status;
}

static bool
member_replace(struct admin *admin, const struct member *before,
    const struct member *after, struct err *err)
{
	bool renamed = !str_eq(before->username, after->username);
	bool disabled = before->status == MEMBER_ACTIVE &&
			after->status != MEMBER_ACTIVE;
	struct touches touches = { 0 };
	struct names tops = { NULL, 0 };

	touch(admin, &touches, "member", before->id);
	return rule_own_member(admin, before, err) &&
	       member_check(after, err) &&
	       username_free(admin, after->username, before->id, err) &&
	       (!renamed || touch_rename(admin, before, &touches, err)) &&
	       (!disabled || tops_of(admin, before, &tops, err)) &&
	       (!disabled ||
		   sessions_end(admin, before->id, &touches, err)) &&
	       member_put(admin, after, err) &&
	       rule_top_stays(admin, tops, err) &&
	       change_note(admin, "member.edit", before->username,
		   state_member_text(&admin->arena, before),
		   state_member_text(&admin->arena, after), &touches, err);
}

bool
admin_member_edit(struct admin *admin, struct str username,
    const struct member *member, struct err *err)
{
	struct member before = { 0 };
	struct member after;

	if (!member_need(admin, username, &before, err))
		return false;
	after = before;
	after.username = member->username;
	after.email = member->email;
	after.name = member->name;
	after.status = member->status;
	if (member_alike(&before, &after))
		return true;
	return change_begin(admin, err) &&
	       change_end(
		   admin, member_replace(admin, &before, &after, err), err);
}

/* --- Remove --------------------------------------------------------------- */

/* The personal account goes, the others stay without an owner. */
static bool
ownership_end(struct admin *admin, const struct account *account,
    struct err *err)
{
	struct touches touches = { 0 };
	struct account after = *account;
	bool personal = account->kind == ACCOUNT_PERSONAL;
	int64_t generation;

	after.owner = STR("");
	touch(admin, &touches, "account", account->id);
	if (!change_generation(admin, &generation, err))
		return false;
	if (personal)
		return store_delete_account(
			   admin->store, account->id, err) &&
		       change_note(admin, "account.remove", account->id,
			   state_account_text(&admin->arena, account), STR(""),
			   &touches, err);
	return store_put_account(
		   admin->store, &after, STR(""), generation, err) &&
	       change_note(admin, "account.edit", account->id,
		   state_account_text(&admin->arena, account),
		   state_account_text(&admin->arena, &after), &touches, err);
}

static bool
ownerships_end(struct admin *admin, const struct member *member,
    struct err *err)
{
	struct names owned = { NULL, 0 };

	if (!store_owned(
		admin->store, &admin->arena, member->id, &owned, err))
		return false;
	for (size_t i = 0; i < owned.count; i++) {
		const struct account *account = NULL;

		if (!account_need(admin, owned.items[i], &account, err) ||
		    !ownership_end(admin, account, err))
			return false;
	}
	return true;
}

/* A removed member takes the grants along; each has its own row, so that the
 * history is the difference of the states. */
static bool
grants_end(struct admin *admin, const struct member *member, struct err *err)
{
	struct touches touches = { 0 };

	touch(admin, &touches, "member", member->id);
	for (size_t i = 0; i < member->grant_count; i++) {
		const struct grant *g = &member->grants[i];

		if (!store_delete_grant(admin->store, member->id, g->account,
			g->role, g->source, err) ||
		    !change_note(admin, "grant.remove",
			grant_subject(admin, member->username, g->account),
			state_grant_text(&admin->arena, member->username, g),
			STR(""), &touches, err))
			return false;
	}
	return true;
}

static bool
member_end(struct admin *admin, const struct member *member, struct err *err)
{
	struct touches touches = { 0 };
	struct names tops = { NULL, 0 };

	touch(admin, &touches, "member", member->id);
	touch(admin, &touches, "username", member->username);
	return rule_own_member(admin, member, err) &&
	       tops_of(admin, member, &tops, err) &&
	       sessions_end(admin, member->id, &touches, err) &&
	       ownerships_end(admin, member, err) &&
	       grants_end(admin, member, err) &&
	       store_delete_member(admin->store, member->id, err) &&
	       rule_top_stays(admin, tops, err) &&
	       change_note(admin, "member.remove", member->username,
		   state_member_text(&admin->arena, member), STR(""), &touches,
		   err);
}

bool
admin_member_remove(struct admin *admin, struct str username, struct err *err)
{
	struct member member = { 0 };

	return member_need(admin, username, &member, err) &&
	       change_begin(admin, err) &&
	       change_end(admin, member_end(admin, &member, err), err);
}

/* --- Identity ------------------------------------------------------------- */

static bool
identity_make(struct admin *admin, const struct member *member,
    const struct identity *identity, struct err *err)
{
	struct member other = { 0 };
	struct touches touches = { 0 };
	struct member after = *member;

	switch (store_member_by_identity(admin->store, &admin->arena,
	    identity->source, identity->external_id, &other, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_YES:
		return err_set(err, ERR_REFUSED, "identity_taken",
		    "identity %.*s of %.*s: is %.*s's already",
		    STR_ARGS(identity->external_id),
		    STR_ARGS(identity->source), STR_ARGS(other.username));
	case FOUND_NO:
		break;
	}
	if (!store_put_identity(admin->store, member->id, identity, err) ||
	    !member_need(admin, member->username, &after, err))
		return false;
	touch(admin, &touches, "member", member->id);
	return member_check(&after, err) &&
	       change_note(admin, "member.edit", member->username,
		   state_member_text(&admin->arena, member),
		   state_member_text(&admin->arena, &after), &touches, err);
}

/* Only a directory says who somebody is there, and only for itself. */
bool
admin_identity_add(struct admin *admin, struct str username,
    const struct identity *identity, struct err *err)
{
	struct member member = { 0 };

	if (admin->actor.kind == ACTOR_SOURCE &&
	    !str_eq(identity->source, admin->actor.source))
		return err_set(err, ERR_REFUSED, "not_yours",
		    "identity of %.*s: %.*s may not set it",
		    STR_ARGS(identity->source), STR_ARGS(admin->actor.source));
	return member_need(admin, username, &member, err) &&
	       change_begin(admin, err) &&
	       change_end(
		   admin, identity_make(admin, &member, identity, err), err);
}
