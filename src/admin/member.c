#include <sodium.h>

#include "admin/change.h"
#include "model/state_json.h"

#define ID_BYTES ((size_t)16)

struct str
member_id_new(struct arena *arena)
{
	unsigned char bytes[ID_BYTES];
	char *hex = arena_alloc(arena, ID_BYTES * 2 + 1, 1);

	if (hex == NULL || sodium_init() < 0)
		return (struct str){ NULL, 0 };
	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2hex(hex, ID_BYTES * 2 + 1, bytes, sizeof(bytes));
	return (struct str){ hex, ID_BYTES * 2 };
}

static bool
no_id(struct err *err)
{
	return err_set(err, ERR_BUG, "no_random",
	    "libsodium: cannot make an id; look at memory and randomness");
}

/* --- Rules ---------------------------------------------------------------- */

/* Nobody else has the name. `self` is the id of whoever may have it. */
static bool
username_free(
    struct admin *admin, struct str username, struct str self, struct err *err)
{
	struct member other = { 0 };

	switch (
	    store_member(admin->store, &admin->arena, username, &other, err)) {
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

/* --- Add ------------------------------------------------------------------ */

/* REQUIREMENTS 1: without any request for it. */
static bool
personal_make(struct admin *admin, const struct member *member,
    struct touches *touches, struct err *err)
{
	const struct catalogue *catalogue = catalogues_plain(admin->catalogues);
	struct str id = member_id_new(&admin->arena);
	struct account account = {
		.kind = ACCOUNT_PERSONAL,
		.level = LEVEL_ACCOUNT,
		.status = ACCOUNT_ACTIVE,
	};

	if (catalogue == NULL)
		return true;
	account.id = str_fmt(&admin->arena, "personal-%.*s", STR_ARGS(id));
	account.catalogue = catalogue->name;
	if (id.ptr == NULL || account.id.ptr == NULL)
		return no_id(err);
	touch(admin, touches, "account", account.id);
	return store_put_account(
	    admin->store, &account, member->id, next_generation(admin), err);
}

/* M14: people come in by an invitation that they accept. */
static bool
rule_may_make(
    const struct admin *admin, const struct member *member, struct err *err)
{
	return !asks_as_member(admin) ||
	       rule_system(admin, "member", member->username, err);
}

bool
member_make(struct admin *admin, const struct member *member, struct err *err)
{
	struct touches touches = { 0 };

	touch(admin, &touches, "member", member->id);
	return rule_may_make(admin, member, err) && member_check(member, err) &&
	       username_free(admin, member->username, STR(""), err) &&
	       store_put_member(
		   admin->store, member, next_generation(admin), err) &&
	       personal_make(admin, member, &touches, err) &&
	       change_note(admin, "member.add", member->username, STR(""),
		   state_member_text(&admin->arena, member), &touches, err);
}

bool
admin_member_add(struct admin *admin, const struct member *member,
    struct str *out_id, struct err *err)
{
	const struct member made = {
		.id = member_id_new(&admin->kept),
		.username = member->username,
		.email = member->email,
		.name = member->name,
		.phone = member->phone,
		.status = member->status,
	};

	if (made.id.ptr == NULL)
		return no_id(err);
	if (!change_begin(admin, err) ||
	    !change_end(admin, member_make(admin, &made, err), err))
		return false;
	admin->made = made.id;
	if (out_id != NULL)
		*out_id = made.id;
	return true;
}

/* --- Edit ----------------------------------------------------------------- */

bool
sessions_end(struct admin *admin, struct str member_id, struct touches *touches,
    struct err *err)
{
	struct session *sessions = NULL;
	size_t count = 0;

	if (!store_sessions(
		admin->store, &admin->arena, member_id, &sessions, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		touch(admin, touches, "session", sessions[i].digest);
		if (!store_delete_session(
			admin->store, sessions[i].digest, err))
			return false;
	}
	return true;
}

static bool
owned_renew(
    struct admin *admin, struct str id, struct str owner_id, struct err *err)
{
	const struct account *account = NULL;

	return account_need(admin, id, &account, err) &&
	       store_put_account(admin->store, account, owner_id,
		   next_generation(admin), err);
}

bool
touch_rename(struct admin *admin, const struct member *before,
    struct touches *touches, struct err *err)
{
	struct session *sessions = NULL;
	struct names owned = { NULL, 0 };
	size_t count = 0;

	touch(admin, touches, "username", before->username);
	if (!store_owned(
		admin->store, &admin->arena, before->id, &owned, err) ||
	    !store_sessions(admin->store, &admin->arena, before->id, &sessions,
		&count, err))
		return false;
	for (size_t i = 0; i < owned.count; i++) {
		touch(admin, touches, "account", owned.items[i]);
		if (!owned_renew(admin, owned.items[i], before->id, err))
			return false;
	}
	for (size_t i = 0; i < count; i++) {
		touch(admin, touches, "session", sessions[i].digest);
		if (!store_put_session(admin->store, &sessions[i],
			next_generation(admin), err))
			return false;
	}
	return api_tokens_renew(admin, before->id, touches, err);
}

bool
member_alike(const struct member *a, const struct member *b)
{
	return str_eq(a->username, b->username) && str_eq(a->email, b->email) &&
	       str_eq(a->name, b->name) && str_eq(a->phone, b->phone) &&
	       a->status == b->status;
}

/* REQUIREMENTS 37, 39: name, address and telephone, one's own or of those one
 * may change everywhere. By username and status people get in: the system's. */
static bool
right_to_person(struct admin *admin, const struct member *before,
    const struct member *after, struct err *err)
{
	struct member asker = { 0 };

	if (!asks_as_member(admin))
		return rule_own_member(admin, before, err);
	if (!asker_need(admin, &asker, err))
		return false;
	if (!(str_eq(asker.id, before->id)
		    ? rule_not_narrowed(admin, "member", before->username, err)
		    : right_over_person(admin, before, err)))
		return false;
	if (before->identity_count > 0 ||
	    !str_eq(before->username, after->username) ||
	    before->status != after->status)
		return rule_system(admin, "member", before->username, err);
	return true;
}

static bool
member_replace(struct admin *admin, const struct member *before,
    const struct member *after, struct err *err)
{
	bool renamed = !str_eq(before->username, after->username);
	bool disabled =
	    before->status == MEMBER_ACTIVE && after->status != MEMBER_ACTIVE;
	struct touches touches = { 0 };
	struct names tops = { NULL, 0 };

	touch(admin, &touches, "member", before->id);
	return right_to_person(admin, before, after, err) &&
	       member_check(after, err) &&
	       username_free(admin, after->username, before->id, err) &&
	       (!renamed || touch_rename(admin, before, &touches, err)) &&
	       (!disabled || tops_of(admin, before, &tops, err)) &&
	       (!disabled || sessions_end(admin, before->id, &touches, err)) &&
	       store_put_member(
		   admin->store, after, next_generation(admin), err) &&
	       rule_top_stays(admin, tops, err) &&
	       change_note(admin, "member.edit", before->username,
		   state_member_text(&admin->arena, before),
		   state_member_text(&admin->arena, after), &touches, err);
}

static bool
member_edit(struct admin *admin, struct str username,
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
	after.phone = member->phone;
	after.status = member->status;
	return member_alike(&before, &after) ||
	       member_replace(admin, &before, &after, err);
}

bool
admin_member_edit(struct admin *admin, struct str username,
    const struct member *member, struct err *err)
{
	return change_begin(admin, err) &&
	       change_end(
		   admin, member_edit(admin, username, member, err), err);
}

/* --- Remove --------------------------------------------------------------- */

/* The others stay, without an owner. */
static bool
ownership_end(
    struct admin *admin, const struct account *account, struct err *err)
{
	struct touches touches = { 0 };
	struct account after = *account;

	after.owner = STR("");
	touch(admin, &touches, "account", account->id);
	return store_put_account(admin->store, &after, STR(""),
		   next_generation(admin), err) &&
	       change_note(admin, "account.edit", account->id,
		   state_account_text(&admin->arena, account),
		   state_account_text(&admin->arena, &after), &touches, err);
}

/* The personal account goes as it came: with the member's own row. */
static bool
ownerships_end(struct admin *admin, const struct member *member,
    struct touches *touches, struct err *err)
{
	struct names owned = { NULL, 0 };

	if (!store_owned(admin->store, &admin->arena, member->id, &owned, err))
		return false;
	for (size_t i = 0; i < owned.count; i++) {
		const struct account *account = NULL;
		bool ok;

		if (!account_need(admin, owned.items[i], &account, err))
			return false;
		if (account->kind == ACCOUNT_PERSONAL) {
			touch(admin, touches, "account", account->id);
			ok = account_take_down(admin, account, err);
		} else
			ok = ownership_end(admin, account, err);
		if (!ok)
			return false;
	}
	return true;
}

/* S18, S19: a directory takes away only what it gave. */
static bool
rule_no_other_grants(
    const struct admin *admin, const struct member *member, struct err *err)
{
	if (admin->actor.kind != ACTOR_SOURCE)
		return true;
	for (size_t i = 0; i < member->grant_count; i++)
		if (!str_eq(member->grants[i].source, admin->actor.source))
			return err_set(err, ERR_REFUSED, "not_yours",
			    "member %.*s: has grants that %.*s did not give, "
			    "and stays; take those first",
			    STR_ARGS(member->username),
			    STR_ARGS(admin->actor.source));
	return true;
}

static bool
member_end(struct admin *admin, struct str username, struct err *err)
{
	struct member member = { 0 };
	struct touches touches = { 0 };
	struct names tops = { NULL, 0 };

	if (!member_need(admin, username, &member, err))
		return false;
	touch(admin, &touches, "member", member.id);
	touch(admin, &touches, "username", member.username);
	return (!asks_as_member(admin) ||
		   rule_system(admin, "member", username, err)) &&
	       rule_own_member(admin, &member, err) &&
	       rule_no_other_grants(admin, &member, err) &&
	       tops_of(admin, &member, &tops, err) &&
	       sessions_end(admin, member.id, &touches, err) &&
	       api_tokens_end(admin, &member, err) &&
	       invitations_end(admin, STR(""), member.id, err) &&
	       ownerships_end(admin, &member, &touches, err) &&
	       grants_end(admin, &member, STR(""), err) &&
	       store_delete_member(admin->store, member.id, err) &&
	       rule_top_stays(admin, tops, err) &&
	       change_note(admin, "member.remove", member.username,
		   state_member_text(&admin->arena, &member), STR(""), &touches,
		   err);
}

bool
admin_member_remove(struct admin *admin, struct str username, struct err *err)
{
	return change_begin(admin, err) &&
	       change_end(admin, member_end(admin, username, err), err);
}

/* --- Identity ------------------------------------------------------------- */

/* CASES S6: else a directory could take over anybody. */
static bool
rule_identity(const struct admin *admin, const struct member *member,
    const struct identity *identity, struct err *err)
{
	if (admin->actor.kind == ACTOR_SYSTEM)
		return true;
	if (str_eq(identity->source, admin->actor.source) &&
	    str_eq(member->id, admin->made))
		return true;
	return err_set(err, ERR_REFUSED, "not_yours",
	    "member %.*s: %.*s says who somebody is only in itself, and only "
	    "of those it made",
	    STR_ARGS(member->username), STR_ARGS(admin->actor.source));
}

static bool
identity_free(struct admin *admin, const struct member *member,
    const struct identity *identity, struct err *err)
{
	struct member other = { 0 };

	for (size_t i = 0; i < member->identity_count; i++)
		if (str_eq(member->identities[i].source, identity->source))
			return err_set(err, ERR_REFUSED, "identity_taken",
			    "member %.*s: has an identity of %.*s already",
			    STR_ARGS(member->username),
			    STR_ARGS(identity->source));
	switch (store_member_by_identity(admin->store, &admin->arena,
	    identity->source, identity->external_id, &other, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_YES:
		return err_set(err, ERR_REFUSED, "identity_taken",
		    "identity %.*s of %.*s: is %.*s's already",
		    STR_ARGS(identity->external_id), STR_ARGS(identity->source),
		    STR_ARGS(other.username));
	case FOUND_NO:
		return true;
	}
	return false;
}

/* The member with one more, in order. */
static bool
identities_with(
    struct admin *admin, struct member *member, const struct identity *identity)
{
	size_t count = member->identity_count;
	struct identity *all =
	    ARENA_ARRAY(&admin->arena, struct identity, count + 1);
	size_t at = 0;

	if (all == NULL)
		return false;
	while (at < count &&
	       str_cmp(member->identities[at].source, identity->source) < 0)
		at++;
	for (size_t i = 0; i < count; i++)
		all[i + (i >= at)] = member->identities[i];
	all[at] = *identity;
	member->identities = all;
	member->identity_count = count + 1;
	return true;
}

/* It stands in no record of the view: nothing is touched. */
static bool
identity_make(struct admin *admin, struct str username,
    const struct identity *identity, struct err *err)
{
	const struct touches nothing = { 0 };
	struct member before = { 0 };
	struct member after;

	if (!member_need(admin, username, &before, err))
		return false;
	after = before;
	if (!identities_with(admin, &after, identity))
		return change_no_memory(err);
	return member_check(&after, err) &&
	       rule_identity(admin, &before, identity, err) &&
	       identity_free(admin, &before, identity, err) &&
	       store_put_identity(admin->store, before.id, identity, err) &&
	       change_note(admin, "member.edit", before.username,
		   state_member_text(&admin->arena, &before),
		   state_member_text(&admin->arena, &after), &nothing, err);
}

bool
admin_identity_add(struct admin *admin, struct str username,
    const struct identity *identity, struct err *err)
{
	return change_begin(admin, err) &&
	       change_end(
		   admin, identity_make(admin, username, identity, err), err);
}
