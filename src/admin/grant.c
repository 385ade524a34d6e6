#include "admin/change.h"
#include "base/bounds.h"
#include "model/state_json.h"

/* --- May this be given here? ---------------------------------------------- */

static bool
source_check(
    const struct admin *admin, const struct grant *grant, struct err *err)
{
	struct str own = admin->actor.kind == ACTOR_SOURCE ? admin->actor.source
							   : SOURCE_LOCAL;

	if (!str_eq(grant->source, own))
		return err_set(err, ERR_REFUSED, "not_yours",
		    "role %.*s on %.*s: comes from %.*s, and %.*s may not "
		    "give it",
		    STR_ARGS(grant->role), STR_ARGS(grant->account),
		    STR_ARGS(grant->source), STR_ARGS(own));
	if (admin->actor.kind == ACTOR_SOURCE &&
	    !names_have(admin->actor.ceiling, grant->role))
		return err_set(err, ERR_REFUSED, "above_ceiling",
		    "role %.*s: is not in the ceiling of %.*s; name it there, "
		    "or map the group to another role",
		    STR_ARGS(grant->role), STR_ARGS(own));
	return true;
}

/* M9 */
static bool
filtered_check(const struct admin *admin, const struct account *on,
    const struct role *role, struct err *err)
{
	if (!role->filtered)
		return true;
	if (admin->actor.kind == ACTOR_SOURCE)
		return err_set(err, ERR_REFUSED, "filtered_role",
		    "role %.*s: works on filtered data and is given by people "
		    "only",
		    STR_ARGS(role->name));
	if (str_eq(role->filtered_level, on->level))
		return true;
	return err_set(err, ERR_REFUSED, "filtered_level",
	    "role %.*s: is given on accounts of level %.*s only, and %.*s is "
	    "of level %.*s",
	    STR_ARGS(role->name), STR_ARGS(role->filtered_level),
	    STR_ARGS(on->id), STR_ARGS(on->level));
}

bool
role_unknown(const struct account *on, struct str role, struct err *err)
{
	return err_set(err, ERR_REFUSED, "role_unknown",
	    "role %.*s: is not in the catalogue of %.*s; see rolegate role "
	    "list",
	    STR_ARGS(role), STR_ARGS(on->id));
}

static bool
role_check(const struct admin *admin, const struct account *on,
    const struct grant *grant, struct err *err)
{
	const struct catalogue *catalogue = catalogue_of(admin, on);
	int role = catalogue_role(catalogue, grant->role);

	if (role >= 0)
		return filtered_check(admin, on, &catalogue->roles[role], err);
	return role_unknown(on, grant->role, err);
}

bool
rule_giveable(const struct admin *admin, const struct account *on,
    const struct grant *grant, struct err *err)
{
	if (!grant_check(grant, err) || !source_check(admin, grant, err) ||
	    !rule_shared(on, err) || !rule_not_frozen(on, err) ||
	    !role_check(admin, on, grant, err))
		return false;
	if (!grant_expired(grant, admin->now_ms / 1000))
		return true;
	return err_set(err, ERR_REFUSED, "expires_past",
	    "role %.*s on %.*s: expires in the past; name a time to come",
	    STR_ARGS(grant->role), STR_ARGS(on->id));
}

/* --- Writing -------------------------------------------------------------- */

/* Does the member's record fit, with this grant in place of `before`, which may
 * be NULL? */
static bool
record_fits(struct admin *admin, const struct member *member,
    const struct grant *before, const struct grant *grant, struct err *err)
{
	struct grant *grants =
	    ARENA_ARRAY(&admin->arena, struct grant, member->grant_count + 1);
	struct member after = *member;

	if (grants == NULL)
		return change_no_memory(err);
	after.grants = grants;
	after.grant_count = 0;
	for (size_t i = 0; i < member->grant_count; i++)
		if (&member->grants[i] != before)
			grants[after.grant_count++] = member->grants[i];
	grants[after.grant_count++] = *grant;
	return rule_record_fits(&after, err);
}

static bool
grant_put(struct admin *admin, const struct member *member,
    const struct grant *grant, struct err *err)
{
	return store_put_grant(admin->store, member->id, grant, err) &&
	       store_touch_member(
		   admin->store, member->id, next_generation(admin), err);
}

static bool
grant_delete(struct admin *admin, const struct member *member,
    const struct grant *grant, struct err *err)
{
	return store_delete_grant(admin->store, member->id, grant->account,
		   grant->role, grant->source, err) &&
	       store_touch_member(
		   admin->store, member->id, next_generation(admin), err);
}

/* One row; a grant that is NULL is not there before or after. */
static bool
grant_note(struct admin *admin, const char *action, const struct member *member,
    const struct grant *before, const struct grant *after, struct err *err)
{
	struct touches touches = { 0 };
	const struct grant *any = before != NULL ? before : after;

	touch(admin, &touches, "member", member->id);
	touches.account = any->account;
	return change_note(admin, action,
	    grant_subject(admin, member->username, any->account),
	    before != NULL
		? state_grant_text(&admin->arena, member->username, before)
		: STR(""),
	    after != NULL
		? state_grant_text(&admin->arena, member->username, after)
		: STR(""),
	    &touches, err);
}

bool
grants_end(struct admin *admin, const struct member *member, struct str account,
    struct err *err)
{
	for (size_t i = 0; i < member->grant_count; i++) {
		const struct grant *g = &member->grants[i];

		if (account.len > 0 && !str_eq(g->account, account))
			continue;
		if (!grant_delete(admin, member, g, err) ||
		    !grant_note(admin, "grant.remove", member, g, NULL, err))
			return false;
	}
	return true;
}

/* The one of this source on the account; of a directory, of this role too. */
static const struct grant *
grant_there(const struct member *member, const struct grant *like)
{
	bool local = str_eq(like->source, SOURCE_LOCAL);

	for (size_t i = 0; i < member->grant_count; i++) {
		const struct grant *g = &member->grants[i];

		if (str_eq(g->account, like->account) &&
		    str_eq(g->source, like->source) &&
		    (local || str_eq(g->role, like->role)))
			return g;
	}
	return NULL;
}

static bool
grant_exists(const struct member *member, const struct account *on,
    struct str role, struct err *err)
{
	return err_set(err, ERR_REFUSED, "grant_exists",
	    "member %.*s: has %.*s on %.*s already; change that with rolegate "
	    "grant set",
	    STR_ARGS(member->username), STR_ARGS(role), STR_ARGS(on->id));
}

/* --- What members may, beside the rights of right.c ----------------------- */

/* M4 */
static bool
rule_not_own(const struct admin *admin, const struct member *member,
    const struct account *on, struct err *err)
{
	if (!asker_is(admin, member->username))
		return true;
	return err_set(err, ERR_REFUSED, "own_role",
	    "member %.*s: nobody gives a role to themselves or changes their "
	    "own; ask somebody else on %.*s",
	    STR_ARGS(member->username), STR_ARGS(on->id));
}

/* M5, S19: who is there by a directory only is changed by that only. */
static bool
rule_local_row(const struct admin *admin, const struct member *member,
    const struct account *on, struct err *err)
{
	const struct grant *sourced = NULL;

	if (!asks_as_member(admin))
		return true;
	for (size_t i = 0; i < member->grant_count; i++) {
		const struct grant *g = &member->grants[i];

		if (!str_eq(g->account, on->id))
			continue;
		if (str_eq(g->source, SOURCE_LOCAL))
			return true;
		sourced = g;
	}
	if (sourced == NULL)
		return true;
	return err_set(err, ERR_REFUSED, "not_yours",
	    "member %.*s: is on %.*s by %.*s only, and changes there",
	    STR_ARGS(member->username), STR_ARGS(on->id),
	    STR_ARGS(sourced->source));
}

/* M6 */
static bool
rule_not_owner(const struct admin *admin, const struct member *member,
    const struct account *on, struct err *err)
{
	return !asks_as_member(admin) ||
	       !account_is_owned_by(on, member->username) ||
	       owner_fixed(member, on, err);
}

/* M16: the owner counts as being there. */
static bool
rule_not_there(const struct admin *admin, const struct member *member,
    const struct account *on, struct err *err)
{
	return !asks_as_member(admin) ||
	       !account_is_owned_by(on, member->username) ||
	       grant_exists(member, on, STR("its ownership"), err);
}

/* M11 */
static bool
rule_there(const struct admin *admin, const struct member *member,
    const struct account *on, const struct grant *key, struct err *err)
{
	return !asks_as_member(admin) || has_row_on(member, on) ||
	       grant_missing(admin, member->username, key, err);
}

bool
grant_missing(const struct admin *admin, struct str username,
    const struct grant *key, struct err *err)
{
	if (asks_as_member(admin))
		return err_set(err, ERR_NOT_FOUND, "grant_unknown",
		    "member %.*s: is not on %.*s", STR_ARGS(username),
		    STR_ARGS(key->account));
	if (key->role.len == 0)
		return err_set(err, ERR_NOT_FOUND, "grant_unknown",
		    "member %.*s: has no %.*s grant on %.*s; give one with "
		    "rolegate grant add",
		    STR_ARGS(username), STR_ARGS(key->source),
		    STR_ARGS(key->account));
	return err_set(err, ERR_NOT_FOUND, "grant_unknown",
	    "member %.*s: has no %.*s on %.*s from %.*s; see rolegate grant "
	    "list --member %.*s",
	    STR_ARGS(username), STR_ARGS(key->role), STR_ARGS(key->account),
	    STR_ARGS(key->source), STR_ARGS(username));
}

/* Somebody who may not be known is as somebody who is not there. */
static bool
target_need(struct admin *admin, struct str username, const struct grant *key,
    struct member *out, struct err *err)
{
	if (!asks_as_member(admin))
		return member_need(admin, username, out, err);
	switch (store_member(admin->store, &admin->arena, username, out, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return grant_missing(admin, username, key, err);
	case FOUND_YES:
		return true;
	}
	return false;
}

/* --- Add ------------------------------------------------------------------ */

/* M3, M4, M5, M16 for a member; what holds for all is rule_giveable(). */
static bool
right_to_add(struct admin *admin, const struct member *member,
    const struct account *on, const struct grant *grant, struct err *err)
{
	return rule_not_own(admin, member, on, err) &&
	       rule_local_row(admin, member, on, err) &&
	       rule_not_there(admin, member, on, err) &&
	       right_over_role(admin, on, grant->role, err);
}

/* By an invitation it takes the right to invite, else that to add. */
bool
grant_give(struct admin *admin, struct str username, const struct grant *grant,
    const char *operation, struct err *err)
{
	struct member member = { 0 };
	const struct account *on = NULL;
	const struct grant *there;

	if (!account_need(admin, grant->account, &on, err) ||
	    !right_to(admin, on, operation, grant->role, err) ||
	    !member_need(admin, username, &member, err) ||
	    !rule_known_member(admin, &member, err) ||
	    !right_to_add(admin, &member, on, grant, err) ||
	    !rule_giveable(admin, on, grant, err))
		return false;
	there = grant_there(&member, grant);
	if (there != NULL)
		return grant_exists(&member, on, there->role, err);
	if (member.grant_count >= GRANTS_PER_MEMBER_MAX)
		return err_set(err, ERR_LIMIT, "grants_too_many",
		    "member %.*s: has %zu grants, which is the most; grant "
		    "further up in the tree",
		    STR_ARGS(member.username), member.grant_count);
	return record_fits(admin, &member, NULL, grant, err) &&
	       grant_put(admin, &member, grant, err) &&
	       grant_note(admin, "grant.add", &member, NULL, grant, err);
}

bool
admin_grant_add(struct admin *admin, struct str username,
    const struct grant *grant, struct err *err)
{
	return change_begin(admin, err) &&
	       change_end(admin,
		   grant_give(admin, username, grant, "member.add", err), err);
}

/* --- Set ------------------------------------------------------------------ */

bool
grant_same(const struct grant *a, const struct grant *b)
{
	return names_eq(a->licences, b->licences) &&
	       names_eq(a->filters, b->filters) && a->expires_s == b->expires_s;
}

/* M3 asks for what they have now, and for what they get. */
static bool
right_to_edit(struct admin *admin, const struct member *member,
    const struct account *on, const struct grant *before,
    const struct grant *after, struct err *err)
{
	return right_to(admin, on, "grant.edit", before->role, err) &&
	       rule_not_own(admin, member, on, err) &&
	       rule_not_owner(admin, member, on, err) &&
	       right_over_role(admin, on, before->role, err) &&
	       right_over_role(admin, on, after->role, err);
}

static bool
grant_replace(struct admin *admin, struct str username,
    const struct grant *grant, struct err *err)
{
	const struct grant any = {
		.account = grant->account,
		.source = grant->source,
	};
	struct member member = { 0 };
	const struct account *on = NULL;
	const struct grant *before;
	struct names tops = { NULL, 0 };

	if (!account_need(admin, grant->account, &on, err) ||
	    !right_to_see(admin, on, err) ||
	    !target_need(admin, username, &any, &member, err) ||
	    !rule_there(admin, &member, on, &any, err) ||
	    !rule_known_member(admin, &member, err) ||
	    !rule_not_owner(admin, &member, on, err) ||
	    !rule_local_row(admin, &member, on, err) ||
	    !rule_giveable(admin, on, grant, err))
		return false;
	before = grant_there(&member, grant);
	if (before == NULL)
		return grant_missing(admin, member.username, &any, err);
	if (!right_to_edit(admin, &member, on, before, grant, err))
		return false;
	if (grant_cmp(before, grant) == 0 && grant_same(before, grant))
		return true;
	if (member.status == MEMBER_ACTIVE && is_top_grant(admin, on, before))
		tops = (struct names){ &before->account, 1 };
	return record_fits(admin, &member, before, grant, err) &&
	       grant_delete(admin, &member, before, err) &&
	       grant_put(admin, &member, grant, err) &&
	       rule_top_stays(admin, tops, err) &&
	       grant_note(admin, "grant.edit", &member, before, grant, err);
}

bool
admin_grant_set(struct admin *admin, struct str username,
    const struct grant *grant, struct err *err)
{
	return change_begin(admin, err) &&
	       change_end(
		   admin, grant_replace(admin, username, grant, err), err);
}

/* --- Remove --------------------------------------------------------------- */

static const struct grant *
grant_exact(const struct member *member, const struct grant *key)
{
	for (size_t i = 0; i < member->grant_count; i++)
		if (grant_cmp(&member->grants[i], key) == 0)
			return &member->grants[i];
	return NULL;
}

/* The system may end what any source gave; the source gives it again unless
 * it is told otherwise. */
static bool
rule_may_end(
    const struct admin *admin, const struct grant *key, struct err *err)
{
	struct str own = admin->actor.kind == ACTOR_SOURCE ? admin->actor.source
							   : SOURCE_LOCAL;

	if (admin->actor.kind == ACTOR_SYSTEM || str_eq(key->source, own))
		return true;
	return err_set(err, ERR_REFUSED, "not_yours",
	    "role %.*s on %.*s: comes from %.*s, and %.*s may not take it",
	    STR_ARGS(key->role), STR_ARGS(key->account), STR_ARGS(key->source),
	    STR_ARGS(own));
}

static bool
right_to_remove(struct admin *admin, const struct member *member,
    const struct account *on, const struct grant *there, struct err *err)
{
	return right_to(admin, on, "member.remove", there->role, err) &&
	       rule_not_owner(admin, member, on, err) &&
	       right_over_role(admin, on, there->role, err);
}

static bool
grant_end(struct admin *admin, struct str username, const struct grant *key,
    struct err *err)
{
	struct member member = { 0 };
	const struct account *on = NULL;
	const struct grant *there;
	struct names tops = { NULL, 0 };

	if (!account_need(admin, key->account, &on, err) ||
	    !right_to_see(admin, on, err) ||
	    !target_need(admin, username, key, &member, err) ||
	    !rule_there(admin, &member, on, key, err) ||
	    !rule_known_member(admin, &member, err) ||
	    !rule_not_owner(admin, &member, on, err) ||
	    !rule_local_row(admin, &member, on, err) ||
	    !rule_may_end(admin, key, err))
		return false;
	there = grant_exact(&member, key);
	if (there == NULL)
		return grant_missing(admin, member.username, key, err);
	if (!right_to_remove(admin, &member, on, there, err) ||
	    !rule_not_frozen(on, err))
		return false;
	if (member.status == MEMBER_ACTIVE && is_top_grant(admin, on, there))
		tops = (struct names){ &there->account, 1 };
	return grant_delete(admin, &member, there, err) &&
	       rule_top_stays(admin, tops, err) &&
	       grant_note(admin, "grant.remove", &member, there, NULL, err);
}

bool
admin_grant_remove(struct admin *admin, struct str username, struct str account,
    struct str role, struct str source, struct err *err)
{
	const struct grant key = {
		.account = account,
		.role = role,
		.source = source,
	};

	return change_begin(admin, err) &&
	       change_end(admin, grant_end(admin, username, &key, err), err);
}
