#include "admin/change.h"
#include "model/state_json.h"

/* A load makes the store into what was read. It works on the whole state at
 * once: what is there, what is wanted, and the difference, object by object. */
struct load {
	struct admin *admin;
	const struct state *wanted;
	struct state now;
	struct str *ids; /* of the wanted members, in their order */
	struct load_counts *counts;
	struct err *err;
};

static bool
no_memory(struct load *l)
{
	return err_set(l->err, ERR_LIMIT, "no_memory",
	    "memory is out; give the process more");
}

/* One row for one object: added, changed or removed. */
static bool
note(struct load *l, const char *const actions[3], struct str subject,
    struct str before, struct str after, const struct touches *touches)
{
	int which = before.len == 0 ? 0 : after.len == 0 ? 2 : 1;

	if (which == 0)
		l->counts->added++;
	else if (which == 1)
		l->counts->changed++;
	else
		l->counts->removed++;
	return change_note(l->admin, actions[which], subject, before, after,
	    touches, l->err);
}

static const char *const member_actions[] = { "member.add", "member.edit",
	"member.remove" };
static const char *const account_actions[] = { "account.add", "account.edit",
	"account.remove" };
static const char *const grant_actions[] = { "grant.add", "grant.edit",
	"grant.remove" };

/* --- Members -------------------------------------------------------------- */

static bool
identity_among(const struct member *member, const struct identity *identity)
{
	for (size_t i = 0; i < member->identity_count; i++)
		if (str_eq(member->identities[i].source, identity->source) &&
		    str_eq(member->identities[i].external_id,
			identity->external_id))
			return true;
	return false;
}

/* Before any is put: an id may move from one member to another. */
static bool
identities_free(struct load *l)
{
	for (size_t i = 0; i < l->now.member_count; i++) {
		const struct member *have = &l->now.members[i];
		const struct member *want =
		    state_member(l->wanted, have->username);

		for (size_t k = 0; k < have->identity_count; k++) {
			const struct identity *id = &have->identities[k];

			if (want != NULL && identity_among(want, id))
				continue;
			if (!store_delete_identity(l->admin->store,
				id->source, id->external_id, l->err))
				return false;
		}
	}
	return true;
}

static bool
identities_put(
    struct load *l, const struct member *have, const struct member *want)
{
	for (size_t i = 0; i < want->identity_count; i++)
		if ((have == NULL ||
			!identity_among(have, &want->identities[i])) &&
		    !store_put_identity(l->admin->store, want->id,
			&want->identities[i], l->err))
			return false;
	return true;
}

static bool
member_load(
    struct load *l, const struct member *have, struct member *want)
{
	struct arena *arena = &l->admin->arena;
	struct str before = have != NULL ? state_member_text(arena, have)
					 : STR("");
	struct str after = state_member_text(arena, want);
	struct touches touches = { 0 };
	int64_t generation;

	want->id = have != NULL ? have->id : member_id_new(l->admin);
	if (want->id.ptr == NULL || after.ptr == NULL)
		return no_memory(l);
	if (str_eq(before, after))
		return true;
	touch(l->admin, &touches, "member", want->id);
	if (have != NULL && !str_eq(have->username, want->username) &&
	    !touch_rename(l->admin, have, &touches, l->err))
		return false;
	if (have != NULL && want->status != MEMBER_ACTIVE &&
	    !sessions_end(l->admin, have->id, &touches, l->err))
		return false;
	return change_generation(l->admin, &generation, l->err) &&
	       store_put_member(l->admin->store, want, generation, l->err) &&
	       identities_put(l, have, want) &&
	       note(l, member_actions, want->username, before, after,
		   &touches);
}

static bool
members_load(struct load *l)
{
	for (size_t i = 0; i < l->wanted->member_count; i++) {
		struct member want = l->wanted->members[i];

		if (!member_load(
			l, state_member(&l->now, want.username), &want))
			return false;
		l->ids[i] = want.id;
	}
	return true;
}

static bool
member_gone(struct load *l, const struct member *have)
{
	struct touches touches = { 0 };

	touch(l->admin, &touches, "member", have->id);
	touch(l->admin, &touches, "username", have->username);
	return sessions_end(l->admin, have->id, &touches, l->err) &&
	       store_delete_member(l->admin->store, have->id, l->err) &&
	       note(l, member_actions, have->username,
		   state_member_text(&l->admin->arena, have), STR(""),
		   &touches);
}

static bool
members_gone(struct load *l)
{
	for (size_t i = 0; i < l->now.member_count; i++) {
		const struct member *have = &l->now.members[i];

		if (state_member(l->wanted, have->username) == NULL &&
		    !member_gone(l, have))
			return false;
	}
	return true;
}

/* --- Accounts ------------------------------------------------------------- */

static struct str
id_of(const struct load *l, struct str username)
{
	const struct member *member = state_member(l->wanted, username);

	return member != NULL ? l->ids[member - l->wanted->members] : STR("");
}

/* A personal account stands in its owner's record. */
static bool
touch_owner(struct load *l, const struct account *account, struct str owner_id,
    struct touches *touches)
{
	int64_t generation;

	if (account->kind != ACCOUNT_PERSONAL || owner_id.len == 0)
		return true;
	touch(l->admin, touches, "member", owner_id);
	return change_generation(l->admin, &generation, l->err) &&
	       store_touch_member(
		   l->admin->store, owner_id, generation, l->err);
}

static bool
touch_old_owner(
    struct load *l, const struct account *have, struct touches *touches)
{
	const struct member *owner =
	    have != NULL ? state_member(&l->now, have->owner) : NULL;

	if (owner == NULL || state_member(l->wanted, owner->username) == NULL)
		return true;
	return touch_owner(l, have, owner->id, touches);
}

static bool
account_load(struct load *l, const struct account *have,
    const struct account *want)
{
	struct arena *arena = &l->admin->arena;
	struct str before = have != NULL ? state_account_text(arena, have)
					 : STR("");
	struct str after = state_account_text(arena, want);
	struct str owner_id = id_of(l, want->owner);
	struct touches touches = { 0 };
	int64_t generation;

	if (after.ptr == NULL)
		return no_memory(l);
	if (str_eq(before, after))
		return true;
	touch(l->admin, &touches, "account", want->id);
	return change_generation(l->admin, &generation, l->err) &&
	       store_put_account(
		   l->admin->store, want, owner_id, generation, l->err) &&
	       touch_old_owner(l, have, &touches) &&
	       touch_owner(l, want, owner_id, &touches) &&
	       note(l, account_actions, want->id, before, after, &touches);
}

static bool
accounts_load(struct load *l)
{
	for (size_t i = 0; i < l->wanted->account_count; i++) {
		const struct account *want = &l->wanted->accounts[i];

		if (!account_load(l, state_account(&l->now, want->id), want))
			return false;
	}
	return true;
}

static bool
account_gone(struct load *l, const struct account *have)
{
	struct touches touches = { 0 };

	touch(l->admin, &touches, "account", have->id);
	return touch_old_owner(l, have, &touches) &&
	       store_delete_account(l->admin->store, have->id, l->err) &&
	       note(l, account_actions, have->id,
		   state_account_text(&l->admin->arena, have), STR(""),
		   &touches);
}

/* From the leaves up: the store has parents first. */
static bool
accounts_gone(struct load *l)
{
	for (size_t i = l->now.account_count; i > 0; i--) {
		const struct account *have = &l->now.accounts[i - 1];

		if (state_account(l->wanted, have->id) == NULL &&
		    !account_gone(l, have))
			return false;
	}
	return true;
}

/* --- Grants --------------------------------------------------------------- */

/* have or want may be NULL. */
static bool
grant_load(struct load *l, struct str username, struct str member_id,
    const struct grant *have, const struct grant *want)
{
	struct arena *arena = &l->admin->arena;
	const struct grant *any = want != NULL ? want : have;
	struct str before = have != NULL
				? state_grant_text(arena, username, have)
				: STR("");
	struct str after = want != NULL
			       ? state_grant_text(arena, username, want)
			       : STR("");
	struct touches touches = { 0 };
	int64_t generation;
	bool ok;

	if (before.ptr == NULL || after.ptr == NULL)
		return no_memory(l);
	if (str_eq(before, after))
		return true;
	touch(l->admin, &touches, "member", member_id);
	if (want != NULL)
		ok = store_put_grant(
		    l->admin->store, member_id, want, l->err);
	else
		ok = store_delete_grant(l->admin->store, member_id,
		    have->account, have->role, have->source, l->err);
	return ok && change_generation(l->admin, &generation, l->err) &&
	       store_touch_member(
		   l->admin->store, member_id, generation, l->err) &&
	       note(l, grant_actions,
		   grant_subject(l->admin, username, any->account), before,
		   after, &touches);
}

/* Both lists are ordered by grant_cmp(). */
static bool
grants_merge(struct load *l, struct str username, struct str member_id,
    const struct member *have, const struct member *want)
{
	size_t haves = have != NULL ? have->grant_count : 0;
	size_t wants = want != NULL ? want->grant_count : 0;
	size_t h = 0;
	size_t w = 0;

	while (h < haves || w < wants) {
		int order = h == haves	 ? 1
			    : w == wants ? -1
					 : grant_cmp(&have->grants[h],
					       &want->grants[w]);
		const struct grant *old = order <= 0 ? &have->grants[h] : NULL;
		const struct grant *new = order >= 0 ? &want->grants[w] : NULL;

		if (!grant_load(l, username, member_id, old, new))
			return false;
		h += order <= 0;
		w += order >= 0;
	}
	return true;
}

static bool
grants_load(struct load *l)
{
	for (size_t i = 0; i < l->wanted->member_count; i++) {
		const struct member *want = &l->wanted->members[i];

		if (!grants_merge(l, want->username, l->ids[i],
			state_member(&l->now, want->username), want))
			return false;
	}
	for (size_t i = 0; i < l->now.member_count; i++) {
		const struct member *have = &l->now.members[i];

		if (state_member(l->wanted, have->username) == NULL &&
		    !grants_merge(l, have->username, have->id, have, NULL))
			return false;
	}
	return true;
}

/* --- The whole ------------------------------------------------------------ */

static bool
all_load(struct load *l)
{
	if (!store_state(l->admin->store, &l->admin->arena, &l->now, l->err))
		return false;
	l->ids = ARENA_ARRAY(
	    &l->admin->arena, struct str, l->wanted->member_count + 1);
	if (l->ids == NULL)
		return no_memory(l);
	/* Additions first, so that what is referred to is there. */
	return identities_free(l) && members_load(l) && accounts_load(l) &&
	       grants_load(l) && accounts_gone(l) && members_gone(l);
}

bool
admin_load(struct admin *admin, const struct state *wanted,
    struct load_counts *counts, struct err *err)
{
	struct load l = {
		.admin = admin,
		.wanted = wanted,
		.counts = counts,
		.err = err,
	};

	*counts = (struct load_counts){ 0 };
	return change_begin(admin, err) &&
	       change_end(admin, all_load(&l), err);
}
