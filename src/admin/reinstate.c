#include "admin/change.h"
#include "base/bounds.h"
#include "model/state_json.h"

#define ROWS_MAX ((size_t)GRANTS_PER_MEMBER_MAX)

/* --- What was lost -------------------------------------------------------- */

static bool
nothing_lost(struct str who, struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "nothing_to_reinstate",
	    "%.*s: nothing was removed within the last 30 days; add it anew",
	    STR_ARGS(who));
}

/* The newest row of this action about the subject; its object. */
static bool
lost_find(struct admin *admin, const char *action, struct str subject,
    struct history_row *row, struct state_object *object, struct err *err)
{
	const struct history_filter filter = {
		.action = str_from(action),
		.subject = subject,
		.from_ms = admin->now_ms - REINSTATE_S * 1000,
	};
	struct history_row *rows = NULL;
	size_t count = 0;

	if (subject.ptr == NULL)
		return change_no_memory(err);
	if (!store_history_find(
		admin->store, &admin->arena, &filter, 1, &rows, &count, err))
		return false;
	if (count == 0)
		return nothing_lost(subject, err);
	*row = rows[0];
	return state_object_read(&admin->arena, rows[0].before, object, err);
}

/* --- A grant -------------------------------------------------------------- */

/* Given back as if it were given now: by whoever asks, under their rights. */
static bool
grant_reinstate(struct admin *admin, struct str username, struct str account,
    struct err *err)
{
	const struct account *on = NULL;
	struct history_row row;
	struct state_object lost;

	if (!account_need(admin, account, &on, err) ||
	    !right_to_see(admin, on, err) ||
	    !lost_find(admin, "grant.remove",
		grant_subject(admin, username, account), &row, &lost, err))
		return false;
	if (lost.kind != STATE_GRANT ||
	    !str_eq(lost.grant.source, SOURCE_LOCAL))
		return nothing_lost(username, err);
	return grant_give(admin, username, &lost.grant, "member.add", err);
}

bool
admin_grant_reinstate(struct admin *admin, struct str username,
    struct str account, struct err *err)
{
	return change_begin(admin, err) &&
	       change_end(
		   admin, grant_reinstate(admin, username, account, err), err);
}

/* --- A member ------------------------------------------------------------- */

/* The grants that went with them stand before their own row, and are of the
 * same moment. What cannot be given any more is counted, and left out. */
static bool
grants_give_back(struct admin *admin, const struct history_row *removal,
    struct str username, int64_t *skipped, struct err *err)
{
	const struct history_filter filter = {
		.action = STR("grant.remove"),
		.member = removal->member,
		.from_ms = removal->at_ms,
		.to_ms = removal->at_ms + 1,
		.before_seq = removal->seq,
	};
	struct history_row *rows = NULL;
	size_t count = 0;

	if (!store_history_find(admin->store, &admin->kept, &filter, ROWS_MAX,
		&rows, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct state_object lost;
		struct err why = { 0 };

		if (!state_object_read(
			&admin->kept, rows[i].before, &lost, err))
			return false;
		if (!str_eq(lost.grant.source, SOURCE_LOCAL) ||
		    !admin_grant_add(admin, username, &lost.grant, &why))
			++*skipped;
		if (why.kind == ERR_REACH || why.kind == ERR_BUG) {
			*err = why;
			return false;
		}
	}
	return true;
}

static bool
identities_give_back(
    struct admin *admin, const struct member *member, struct err *err)
{
	for (size_t i = 0; i < member->identity_count; i++)
		if (!admin_identity_add(
			admin, member->username, &member->identities[i], err))
			return false;
	return true;
}

static bool
removal_find(struct admin *admin, struct str username, struct history_row *row,
    struct state_object *lost, struct err *err)
{
	return rule_system(admin, "member", username, err) &&
	       lost_find(admin, "member.remove", username, row, lost, err) &&
	       (lost->kind == STATE_MEMBER || nothing_lost(username, err));
}

/* Several changes, each with its row; the first that fails undoes them all by
 * the transaction, which is the caller's to abort. */
bool
admin_member_reinstate(
    struct admin *admin, struct str username, int64_t *skipped, struct err *err)
{
	struct history_row row = { 0 };
	struct state_object lost = { 0 };
	struct arena arena = { 0 };
	bool ok;

	*skipped = 0;
	if (!change_begin(admin, err))
		return false;
	ok = removal_find(admin, username, &row, &lost, err);
	/* What was found has to outlive the arena of this change. */
	row.member = str_copy(&arena, row.member);
	ok = ok && state_object_read(&arena, row.before, &lost, err);
	ok = change_end(admin, ok, err) &&
	     admin_member_add(admin, &lost.member, NULL, err) &&
	     identities_give_back(admin, &lost.member, err) &&
	     grants_give_back(admin, &row, lost.member.username, skipped, err);
	arena_free(&arena);
	return ok;
}
