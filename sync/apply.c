#include "sync/apply.h"

#include <string.h>

static bool
member_get(struct admin *admin, struct str username, struct arena *arena,
    struct member *out, struct err *err)
{
	switch (store_member(admin->store, arena, username, out, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return err_set(err, ERR_NOT_FOUND, "member_unknown",
		    "there is no member '%.*s'", STR_ARGS(username));
	case FOUND_YES:
		return true;
	}
	return false;
}

static bool
member_add(const struct change *c, struct admin *admin, struct err *err)
{
	const struct member member = { .username = c->username,
		.email = c->email,
		.name = c->name,
		.status = MEMBER_ACTIVE };
	const struct identity identity = { admin->actor.source, c->id };

	return admin_member_add(admin, &member, NULL, err) &&
	       admin_identity_add(admin, c->username, &identity, err);
}

static bool
member_change(const struct change *c, struct admin *admin, struct arena *arena,
    struct err *err)
{
	struct member member = { 0 };

	if (!member_get(admin, c->username, arena, &member, err))
		return false;
	if (c->new_username.len > 0)
		member.username = c->new_username;
	if (c->kind == CHANGE_MEMBER_EDIT) {
		member.email = c->email;
		member.name = c->name;
	}
	if (c->kind == CHANGE_MEMBER_DISABLE)
		member.status = MEMBER_DISABLED;
	if (c->kind == CHANGE_MEMBER_ENABLE)
		member.status = MEMBER_ACTIVE;
	return admin_member_edit(admin, c->username, &member, err);
}

/* Licences become those of the directory; filters and expiry stay. */
static bool
grant_change(const struct change *c, struct admin *admin, struct arena *arena,
    struct err *err)
{
	struct member member = { 0 };

	if (!member_get(admin, c->username, arena, &member, err))
		return false;
	for (size_t i = 0; i < member.grant_count; i++) {
		struct grant grant = member.grants[i];

		if (!str_eq(grant.source, admin->actor.source) ||
		    !str_eq(grant.account, c->account) ||
		    !str_eq(grant.role, c->role))
			continue;
		grant.licences = c->licences;
		return admin_grant_set(admin, c->username, &grant, err);
	}
	return err_set(err, ERR_NOT_FOUND, "grant_unknown",
	    "%.*s does not hold %.*s on %.*s from here", STR_ARGS(c->username),
	    STR_ARGS(c->role), STR_ARGS(c->account));
}

static bool
change_apply(const struct change *c, struct admin *admin, struct arena *arena,
    struct err *err)
{
	const struct grant grant = { .account = c->account,
		.role = c->role,
		.source = admin->actor.source,
		.licences = c->licences };

	switch (c->kind) {
	case CHANGE_MEMBER_ASIDE:
	case CHANGE_MEMBER_EDIT:
	case CHANGE_MEMBER_ENABLE:
	case CHANGE_MEMBER_DISABLE:
		return member_change(c, admin, arena, err);
	case CHANGE_MEMBER_ADD:
		return member_add(c, admin, err);
	case CHANGE_ACCOUNT_ADD:
		return admin_account_add(admin, &c->made, err);
	case CHANGE_GRANT_ADD:
		return admin_grant_add(admin, c->username, &grant, err);
	case CHANGE_GRANT_EDIT:
		return grant_change(c, admin, arena, err);
	case CHANGE_GRANT_REMOVE:
		return admin_grant_remove(admin, c->username, c->account,
		    c->role, admin->actor.source, err);
	case CHANGE_MEMBER_REMOVE:
		return admin_member_remove(admin, c->username, err);
	case CHANGE_NONE:
	case CHANGE_KINDS:
		break;
	}
	return err_set(
	    err, ERR_BUG, "plan_change", "a plan has a change of no kind");
}

/* A rule said no to this one; everything else is a failure of the run. */
static bool
is_refusal(const struct err *err)
{
	return err->kind == ERR_REFUSED || err->kind == ERR_NOT_FOUND;
}

static bool
change_refuse(struct change *c, struct arena *arena, const struct err *why,
    struct err *err)
{
	c->refused_code = str_from(why->code);
	c->refused_text = str_copy(arena, str_from(why->text));
	if (c->refused_text.ptr == NULL)
		return err_set(err, ERR_SOURCE, "no_memory", "memory is out");
	return true;
}

bool
plan_apply(struct plan *plan, struct admin *admin, struct arena *arena,
    enum apply_mode mode, struct err *err)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct change *c = &plan->changes[i];
		struct arena scratch = { 0 };
		struct err why = { 0 };
		bool ok = true;

		if (c->refused_code.len == 0)
			ok = change_apply(c, admin, &scratch, &why);
		arena_free(&scratch);
		if (ok)
			continue;
		if (mode == APPLY_TRY && is_refusal(&why)) {
			if (!change_refuse(c, arena, &why, err))
				return false;
			continue;
		}
		if (!is_refusal(&why))
			return err_set(err, why.kind, why.code, "%s", why.text);
		return err_set(err, ERR_REFUSED, "plan_moved",
		    "change %zu of the plan cannot be made any more: %s; make "
		    "a new plan",
		    i + 1, why.text);
	}
	return true;
}

static const struct absence *
absence_find(const struct absence *absences, size_t count, struct str id)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(absences[i].external_id, id))
			return &absences[i];
	return NULL;
}

bool
plan_apply_absences(const struct plan *plan, struct admin *admin,
    const struct absence *absences, size_t count, struct err *err)
{
	for (size_t i = 0; i < plan->absent_start.count; i++) {
		const struct absence a = {
			.external_id = plan->absent_start.items[i],
			.since_s = admin->now_ms / 1000,
			.runs = 1,
		};

		if (!admin_absence_set(admin, &a, err))
			return false;
	}
	for (size_t i = 0; i < plan->absent_still.count; i++) {
		struct str id = plan->absent_still.items[i];
		const struct absence *have = absence_find(absences, count, id);
		struct absence a = { id, admin->now_ms / 1000, 1 };

		if (have != NULL)
			a = (struct absence){ id, have->since_s,
				have->runs + 1 };
		if (!admin_absence_set(admin, &a, err))
			return false;
	}
	for (size_t i = 0; i < plan->absent_forget.count; i++) {
		const struct absence a = { .external_id =
					       plan->absent_forget.items[i] };

		if (!admin_absence_set(admin, &a, err))
			return false;
	}
	return true;
}
