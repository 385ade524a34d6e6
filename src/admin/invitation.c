#include "base/bounds.h"
#include "base/text.h"
#include "admin/change.h"
#include "model/json.h"
#include "store/credential.h"
#include "store/list.h"
#include "store/notice.h"

#define PAGE_MAX ((size_t)256)
#define DAY_MS	 ((int64_t)24 * 3600 * 1000)

/* --- The history ---------------------------------------------------------- */

/* What the history says of an invitation: never its token. */
static struct str
invitation_text(struct admin *admin, const struct invitation *i)
{
	struct str until = str_from_time(&admin->arena, i->expires_s);

	return json_text(&admin->arena,
	    json_pack("{s:s,s:s%,s:s%,s:s%,s:s%,s:o,s:o,s:s%}", "type",
		"invitation", "id", i->id.ptr, i->id.len, "email", i->email.ptr,
		i->email.len, "account", i->account.ptr, i->account.len, "role",
		i->role.ptr, i->role.len, "licences", json_names(i->licences),
		"filter", json_names(i->filters), "open_until",
		until.ptr != NULL ? until.ptr : "", until.len));
}

/* Nothing in the view knows of invitations. */
static bool
invitation_note(struct admin *admin, const char *action,
    const struct invitation *before, const struct invitation *after,
    struct err *err)
{
	const struct invitation *any = before != NULL ? before : after;
	const struct touches touches = { .account = any->account };

	return change_note(admin, action,
	    grant_subject(admin, any->email, any->account),
	    before != NULL ? invitation_text(admin, before) : STR(""),
	    after != NULL ? invitation_text(admin, after) : STR(""), &touches,
	    err);
}

/* --- Looking up ----------------------------------------------------------- */

static bool
invitation_missing(struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "invitation_unknown",
	    "invitation: there is none of this kind any more; it was used, "
	    "withdrawn or has expired, so ask for another one");
}

static bool
open_need(struct admin *admin, enum found found,
    const struct invitation *invitation, struct err *err)
{
	if (found == FOUND_YES && invitation->expires_s > admin->now_ms / 1000)
		return true;
	return found != FOUND_ERROR && invitation_missing(err);
}

static bool
invitation_need(
    struct admin *admin, struct str id, struct invitation *out, struct err *err)
{
	return open_need(admin,
	    store_invitation(admin->store, &admin->arena, id, out, err), out,
	    err);
}

static bool
invitation_of_token(struct admin *admin, struct arena *arena, struct str token,
    struct invitation *out, struct err *err)
{
	char digest[TOKEN_DIGEST_LEN + 1];

	if (!token_is_one(token))
		return invitation_missing(err);
	token_digest(token, digest);
	return open_need(admin,
	    store_invitation_by_digest(
		admin->store, arena, str_from(digest), out, err),
	    out, err);
}

/* --- Rules ---------------------------------------------------------------- */

/* M16 */
static bool
rule_not_self(struct admin *admin, struct str email, struct err *err)
{
	struct member asker = { 0 };

	if (!asks_as_member(admin))
		return true;
	if (!asker_need(admin, &asker, err))
		return false;
	if (!str_eq_fold(asker.email, email))
		return true;
	return err_set(err, ERR_REFUSED, "own_role",
	    "invitation: is to your own address; nobody gives a role to "
	    "themselves");
}

/* M5, M16: whoever is there has a row already, the owner too. */
static bool
rule_not_member(
    struct admin *admin, struct str account, struct str email, struct err *err)
{
	struct str username = STR("");

	switch (store_member_at(
	    admin->store, &admin->arena, account, email, &username, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return true;
	case FOUND_YES:
		break;
	}
	return err_set(err, ERR_REFUSED, "grant_exists",
	    "invitation: %.*s is on %.*s already as %.*s", STR_ARGS(email),
	    STR_ARGS(account), STR_ARGS(username));
}

static bool
rule_not_invited(
    struct admin *admin, struct str account, struct str email, struct err *err)
{
	struct invitation there = { 0 };

	switch (store_invitation_to(
	    admin->store, &admin->arena, account, email, &there, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return true;
	case FOUND_YES:
		break;
	}
	/* One that has expired makes place for another. */
	if (there.expires_s <= admin->now_ms / 1000)
		return store_delete_mail_of(admin->store, there.id, err) &&
		       store_delete_invitation(admin->store, there.id, err) &&
		       invitation_note(
			   admin, "invitation.expire", &there, NULL, err);
	return err_set(err, ERR_REFUSED, "invitation_exists",
	    "invitation: %.*s is invited to %.*s already; resend or withdraw "
	    "%.*s",
	    STR_ARGS(email), STR_ARGS(account), STR_ARGS(there.id));
}

/* A mail goes wherever a member says, with words of theirs in it. */
static bool
rule_few_mails(
    struct admin *admin, struct str email, struct str account, struct err *err)
{
	struct history_filter filter = {
		.subject = grant_subject(admin, email, account),
		.from_ms = admin->now_ms - DAY_MS,
	};
	static const char *const actions[] = { "invitation.add",
		"invitation.resend" };
	size_t sent = 0;

	if (!asks_as_member(admin))
		return true;
	if (filter.subject.ptr == NULL)
		return change_no_memory(err);
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		struct history_row *rows = NULL;
		size_t count = 0;

		filter.action = str_from(actions[i]);
		if (!store_history_find(admin->store, &admin->arena, &filter,
			INVITATIONS_A_DAY_MAX, &rows, &count, err))
			return false;
		sent += count;
	}
	if (sent < INVITATIONS_A_DAY_MAX)
		return true;
	return err_set(err, ERR_LIMIT, "invitations_too_many",
	    "invitation: %.*s has been invited to %.*s %d times within a day; "
	    "wait, or ask them whether the mails arrive",
	    STR_ARGS(email), STR_ARGS(account), INVITATIONS_A_DAY_MAX);
}

static struct grant
grant_of(const struct invitation *invitation)
{
	return (struct grant){
		.account = invitation->account,
		.role = invitation->role,
		.source = SOURCE_LOCAL,
		.licences = invitation->licences,
		.filters = invitation->filters,
		.expires_s = invitation->grant_expires_s,
	};
}

/* --- Mail ----------------------------------------------------------------- */

static struct str
inviter_words(struct admin *admin)
{
	struct member asker = { 0 };
	struct err ignored = { 0 };

	if (!asks_as_member(admin) || !asker_need(admin, &asker, &ignored))
		return STR("You are invited");
	return str_fmt(&admin->arena, "%.*s invites you",
	    STR_ARGS(asker.name.len > 0 ? asker.name : asker.username));
}

static bool
mail_queue(struct admin *admin, const struct invitation *invitation,
    const struct account *on, int64_t job, struct err *err)
{
	struct str name = on->name.len > 0 ? on->name : on->id;
	struct str who = inviter_words(admin);
	struct mail mail = {
		.to = invitation->email,
		.subject = str_fmt(
		    &admin->arena, "Invitation to %.*s", STR_ARGS(name)),
		.body = str_fmt(&admin->arena,
		    "%.*s to %.*s as %.*s.\n\nFollow this link within seven "
		    "days:\n\n{link}\n\nIt works once, and for this address "
		    "only. If you did not expect it, there is nothing to "
		    "do.\n",
		    STR_ARGS(who), STR_ARGS(name), STR_ARGS(invitation->role)),
		.invitation = invitation->id,
		.job = job,
		.created_s = admin->now_ms / 1000,
		.next_s = admin->now_ms / 1000,
	};

	if (mail.subject.ptr == NULL || mail.body.ptr == NULL)
		return change_no_memory(err);
	return store_add_mail(admin->store, &mail, err);
}

/* --- Invite --------------------------------------------------------------- */

static bool
inviter_fill(
    struct admin *admin, struct invitation *invitation, struct err *err)
{
	struct member asker = { 0 };

	if (!asks_as_member(admin))
		return true;
	if (!asker_need(admin, &asker, err))
		return false;
	invitation->inviter_id = asker.id;
	invitation->inviter = asker.username;
	return true;
}

static bool
invite(struct admin *admin, struct invitation *invitation, int64_t job,
    struct err *err)
{
	const struct grant grant = grant_of(invitation);
	const struct account *on = NULL;

	return account_need(admin, invitation->account, &on, err) &&
	       right_to(admin, on, "member.invite", invitation->role, err) &&
	       email_check(invitation->email, err) &&
	       rule_not_self(admin, invitation->email, err) &&
	       rule_giveable(admin, on, &grant, err) &&
	       right_over_role(admin, on, invitation->role, err) &&
	       rule_not_member(admin, on->id, invitation->email, err) &&
	       rule_not_invited(admin, on->id, invitation->email, err) &&
	       rule_few_mails(admin, invitation->email, on->id, err) &&
	       inviter_fill(admin, invitation, err) &&
	       store_put_invitation(admin->store, invitation, err) &&
	       mail_queue(admin, invitation, on, job, err) &&
	       invitation_note(admin, "invitation.add", NULL, invitation, err);
}

bool
admin_invite(struct admin *admin, const struct invitation *wanted, int64_t job,
    struct str *out_id, struct err *err)
{
	struct invitation made = *wanted;

	made.id = member_id_new(&admin->kept);
	made.digest = STR("");
	made.inviter_id = STR("");
	made.created_s = admin->now_ms / 1000;
	made.expires_s = made.created_s + INVITATION_LIFE_S;
	made.sent_s = 0;
	if (made.id.ptr == NULL)
		return change_no_memory(err);
	if (!change_begin(admin, err) ||
	    !change_end(admin, invite(admin, &made, job, err), err))
		return false;
	if (out_id != NULL)
		*out_id = made.id;
	return true;
}

/* --- Resend, withdraw ----------------------------------------------------- */

/* Somebody else's invitation is changed by whoever might withdraw it. */
static bool
open_and_mine(struct admin *admin, struct str id, const char *operation,
    struct invitation *out, const struct account **on, struct err *err)
{
	struct err why = { 0 };

	if (!invitation_need(admin, id, out, err) ||
	    !account_need(admin, out->account, on, err))
		return false;
	if (right_to_see(admin, *on, &why))
		return right_to(admin, *on, operation, out->role, err);
	if (why.kind == ERR_NOT_FOUND) /* M11: not to be known either */
		return invitation_missing(err);
	*err = why;
	return false;
}

/* The old link is dead from now on: its digest goes. */
static bool
resend(struct admin *admin, struct str id, struct err *err)
{
	const struct account *on = NULL;
	struct invitation before = { 0 };
	struct invitation after;

	if (!open_and_mine(admin, id, "member.invite", &before, &on, err) ||
	    !right_over_role(admin, on, before.role, err) ||
	    !rule_not_frozen(on, err) ||
	    !rule_few_mails(admin, before.email, on->id, err))
		return false;
	after = before;
	after.digest = STR("");
	after.expires_s = admin->now_ms / 1000 + INVITATION_LIFE_S;
	return store_put_invitation(admin->store, &after, err) &&
	       store_delete_mail_of(admin->store, after.id, err) &&
	       mail_queue(admin, &after, on, 0, err) &&
	       invitation_note(
		   admin, "invitation.resend", &before, &after, err);
}

bool
admin_invitation_resend(struct admin *admin, struct str id, struct err *err)
{
	return change_begin(admin, err) &&
	       change_end(admin, resend(admin, id, err), err);
}

static bool
invitation_end(struct admin *admin, const struct invitation *invitation,
    const char *action, struct err *err)
{
	return store_delete_mail_of(admin->store, invitation->id, err) &&
	       store_delete_invitation(admin->store, invitation->id, err) &&
	       invitation_note(admin, action, invitation, NULL, err);
}

static bool
withdraw(struct admin *admin, struct str id, struct err *err)
{
	struct invitation invitation = { 0 };
	const struct account *on = NULL;

	return open_and_mine(
		   admin, id, "invitation.withdraw", &invitation, &on, err) &&
	       invitation_end(admin, &invitation, "invitation.withdraw", err);
}

bool
admin_invitation_withdraw(struct admin *admin, struct str id, struct err *err)
{
	return change_begin(admin, err) &&
	       change_end(admin, withdraw(admin, id, err), err);
}

bool
invitations_end(struct admin *admin, struct str account, struct str inviter_id,
    struct err *err)
{
	struct invitation *list = NULL;
	size_t count = 0;

	do {
		if (!store_invitations(admin->store, &admin->arena, account,
			inviter_id, STR(""), PAGE_MAX, &list, &count, err))
			return false;
		for (size_t i = 0; i < count; i++)
			if (!invitation_end(
				admin, &list[i], "invitation.withdraw", err))
				return false;
	} while (count == PAGE_MAX);
	return true;
}

static bool
expire(struct admin *admin, struct err *err)
{
	struct invitation *list = NULL;
	size_t count = 0;

	if (!rule_system(admin, "invitations", STR("that expired"), err) ||
	    !store_invitations_expired(admin->store, &admin->arena,
		admin->now_ms / 1000, PAGE_MAX, &list, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!invitation_end(admin, &list[i], "invitation.expire", err))
			return false;
	return true;
}

bool
admin_invitations_expire(struct admin *admin, struct err *err)
{
	return change_begin(admin, err) &&
	       change_end(admin, expire(admin, err), err);
}

/* --- The token ------------------------------------------------------------ */

static bool
token_renew(
    struct admin *admin, struct str id, struct str *token, struct err *err)
{
	struct invitation invitation = { 0 };

	if (!rule_system(admin, "invitation", id, err) ||
	    !invitation_need(admin, id, &invitation, err) ||
	    !token_new(admin, token, &invitation.digest, err))
		return false;
	invitation.sent_s = admin->now_ms / 1000;
	return store_put_invitation(admin->store, &invitation, err);
}

bool
admin_invitation_token(
    struct admin *admin, struct str id, struct str *token, struct err *err)
{
	return change_begin(admin, err) &&
	       change_end(admin, token_renew(admin, id, token, err), err);
}

bool
admin_invitation_read(struct admin *admin, struct arena *arena,
    struct str token, struct invitation *out, struct err *err)
{
	return invitation_of_token(admin, arena, token, out, err);
}

/* --- Accept --------------------------------------------------------------- */

/* M14: whose right it is that is used up here. */
static void
ask_as_inviter(struct admin *admin, const struct invitation *invitation)
{
	if (invitation->inviter_id.len > 0)
		admin->asker = (struct actor){
			.kind = ACTOR_MEMBER,
			.username = invitation->inviter,
		};
	else
		admin->asker = (struct actor){ .kind = ACTOR_SYSTEM };
}

static bool
rule_address(const struct member *member, const struct invitation *invitation,
    struct err *err)
{
	if (member->status != MEMBER_ACTIVE)
		return err_set(err, ERR_REFUSED, "member_inactive",
		    "member %.*s: is not active and accepts nothing",
		    STR_ARGS(member->username));
	if (member->email.len > 0 &&
	    str_eq_fold(member->email, invitation->email))
		return true;
	return err_set(err, ERR_REFUSED, "invitation_address",
	    "invitation: is to another address than that of %.*s; sign in as "
	    "whoever was invited",
	    STR_ARGS(member->username));
}

static bool
accept(struct admin *admin, const struct invitation *invitation,
    struct str username, struct err *err)
{
	const struct grant grant = grant_of(invitation);
	struct member member = { 0 };

	if (!member_need(admin, username, &member, err) ||
	    !rule_address(&member, invitation, err))
		return false;
	ask_as_inviter(admin, invitation);
	return grant_give(
		   admin, member.username, &grant, "member.invite", err) &&
	       invitation_end(admin, invitation, "invitation.accept", err);
}

static bool
accept_token(struct admin *admin, struct str token, struct err *err)
{
	struct invitation invitation = { 0 };

	return invitation_of_token(
		   admin, &admin->arena, token, &invitation, err) &&
	       accept(admin, &invitation, admin->actor.username, err);
}

bool
admin_invitation_accept(struct admin *admin, struct str token, struct err *err)
{
	if (admin->actor.kind != ACTOR_MEMBER || admin->actor.token.len > 0)
		return err_set(err, ERR_REFUSED, "not_yours",
		    "invitation: is accepted by the person who was invited, "
		    "signed in; not by a program");
	return change_begin(admin, err) &&
	       change_end(admin, accept_token(admin, token, err), err);
}

/* The link proves that whoever has it reads the mail of that address. */
static bool
join(struct admin *admin, struct str token, struct member *made,
    struct str password_hash, struct err *err)
{
	struct invitation invitation = { 0 };

	if (!rule_system(admin, "member", made->username, err) ||
	    !invitation_of_token(admin, &admin->arena, token, &invitation, err))
		return false;
	made->email = invitation.email;
	made->phone = invitation.phone;
	if (made->name.len == 0)
		made->name = invitation.name;
	return member_make(admin, made, err) &&
	       password_put(admin, made, password_hash, err) &&
	       accept(admin, &invitation, made->username, err);
}

bool
admin_invitation_join(struct admin *admin, struct str token,
    struct str username, struct str name, struct str password_hash,
    struct err *err)
{
	struct member made = {
		.id = member_id_new(&admin->kept),
		.username = username,
		.name = name,
		.status = MEMBER_ACTIVE,
	};

	if (made.id.ptr == NULL)
		return change_no_memory(err);
	return change_begin(admin, err) &&
	       change_end(
		   admin, join(admin, token, &made, password_hash, err), err);
}
