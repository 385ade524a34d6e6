/* admin.h - every change, and the right to make it.
 *
 * One transaction at a time: admin_begin(), any number of changes, then
 * admin_commit() or admin_abort(). Each change checks its rule, writes, and
 * adds its history row; a change that fails undoes itself, sets err and
 * leaves the transaction open, so a caller may go on (sync marks instead of
 * removes) or abort. Committed means durable.
 *
 * Who asks: the system (local root at the command); a directory, which
 * changes only members, grants and accounts that are its own and gives at
 * most the roles of its ceiling; or a member, by whatever way (a form, a
 * spreadsheet, an invitation, a token), under M1 to M16 of docs/decision.md:
 * what they may is asked of decide(), inside the transaction that writes.
 *
 * Errors:  ERR_REFUSED with a code of docs/messages.md (last_top_role,
 *          personal_account, account_frozen, grant_exists, not_yours,
 *          tree_depth, has_children, role_unknown, filtered_role, …),
 *          ERR_NOT_FOUND member_unknown / account_unknown / grant_unknown,
 *          ERR_LIMIT and the store's own. */
#ifndef ROLEGATE_ADMIN_H
#define ROLEGATE_ADMIN_H

#include "store/api_token.h"
#include "store/invitation.h"
#include "store/store.h"

enum actor_kind { ACTOR_NONE = 0, ACTOR_SYSTEM, ACTOR_SOURCE, ACTOR_MEMBER };

/* What a token narrows its maker's rights to; empty does not narrow. */
struct scope {
	struct names accounts; /* these and what is below them */
	struct names permissions;
};

struct actor {
	enum actor_kind kind;
	struct str source; /* ACTOR_SOURCE: its name */
	struct names ceiling; /* ACTOR_SOURCE: the roles it may give */
	struct str username; /* ACTOR_MEMBER */
	struct str token; /* ACTOR_MEMBER: id of the token used, or empty */
	struct scope scope; /* ... and what it is narrowed to */
	struct str why; /* goes into the history, or empty */
};

struct token;

struct admin {
	struct store *store;
	const struct catalogues *catalogues;
	struct actor actor;
	struct actor asker; /* whose right counts: of an invitation that is
			     * accepted the inviter's, else the actor's */
	struct str acting_for; /* S12: the account that the running change is
				* made on behalf of, or empty */
	int64_t now_ms;
	struct arena kept; /* of the running transaction */
	struct arena arena; /* of one change in it */
	int64_t generation; /* of the first history row written in it */
	int64_t changes; /* history rows written in it */
	int64_t changes_before; /* ... when the running change began */
	bool open;
	struct str made; /* id of the member that was just made in it */
	struct str made_account; /* id of the account that was just made */
	struct token *tokens; /* made in it, wiped at its end */
};

/* Also takes over the catalogues into the store when they differ from what
 * it has (one history row each). */
bool admin_begin(struct admin *admin, struct store *store,
    const struct catalogues *catalogues, const struct actor *actor,
    int64_t now_ms, struct err *err);
/* The same for looking only: the rights to read are asked in one consistent
 * view of the store. Ends with admin_abort(). */
bool admin_begin_read(struct admin *admin, struct store *store,
    const struct catalogues *catalogues, const struct actor *actor,
    int64_t now_ms, struct err *err);
bool admin_commit(struct admin *admin, struct err *err);
void admin_abort(struct admin *admin);

/* May the actor do this operation of the catalogue there, about this role (or
 * empty)? ERR_NOT_FOUND when they may not know the account. With an empty
 * operation: may they know it at all? */
bool admin_right(struct admin *admin, struct str account, const char *operation,
    struct str role, struct err *err);

/* Does the member have a row on the account: a grant of any source, or the
 * ownership? */
bool has_row_on(const struct member *member, const struct account *account);

/* Could the actor give this role there now (M3)? *out is the answer. */
bool admin_role_giveable(struct admin *admin, struct str account,
    struct str role, bool *out, struct err *err);

/* Members are named by username, accounts by id. A new member's id is made
 * here, and so is their personal account, which goes with them: it has no row
 * of its own in the history. It is of the first catalogue, by name, that names
 * no levels or the level "account"; where there is none, there are no personal
 * accounts. `out_id` may be NULL. */
bool admin_member_add(struct admin *admin, const struct member *member,
    struct str *out_id, struct err *err);
/* Username, e-mail, name and status become those of `member`. */
bool admin_member_edit(struct admin *admin, struct str username,
    const struct member *member, struct err *err);
bool
admin_member_remove(struct admin *admin, struct str username, struct err *err);
/* A directory names only whom it just made. */
bool admin_identity_add(struct admin *admin, struct str username,
    const struct identity *identity, struct err *err);

bool admin_account_add(
    struct admin *admin, const struct account *account, struct err *err);
/* Name, licences, status, owner, catalogue (root) become those given; each
 * that differs needs its own right. The parent cannot change here. Whoever
 * takes over from an owner has an unexpired grant there already (M6). */
bool admin_account_edit(
    struct admin *admin, const struct account *account, struct err *err);
bool admin_account_remove(struct admin *admin, struct str id, struct err *err);
/* Below another parent of the same tree; see admin_move_effect() first. The
 * same rights as deleting it here and creating it there; and whoever gains by
 * it gains roles, which the asker must be allowed to give. */
bool admin_account_move(
    struct admin *admin, struct str id, struct str parent, struct err *err);
/* Who would reach the account anew, and who no more: by grants and ownership
 * above it. One entry a member and role. */
struct move_effect {
	struct str username;
	struct str role; /* of the catalogue; the top role for an owner */
	struct str from; /* account where it is held */
	bool gains;
};
bool admin_move_effect(struct admin *admin, struct arena *arena, struct str id,
    struct str parent, struct move_effect **out, size_t *count,
    struct err *err);

/* add refuses a second local grant on the account (M5); set replaces the
 * member's grant of that source there; the role may change. */
bool admin_grant_add(struct admin *admin, struct str username,
    const struct grant *grant, struct err *err);
bool admin_grant_set(struct admin *admin, struct str username,
    const struct grant *grant, struct err *err);
bool admin_grant_remove(struct admin *admin, struct str username,
    struct str account, struct str role, struct str source, struct err *err);

/* --- Invitations (M14, M16) ----------------------------------------------- */

/* Address, account, role, and what the grant will have; the rest of `wanted`
 * is filled in here. The mail is queued in the same transaction, held while
 * `job` runs (0: not held); its token is made only when it is sent. Inviting
 * one's own address or somebody who is there is refused, a second invitation
 * of one address to one account too (resend it). */
bool admin_invite(struct admin *admin, const struct invitation *wanted,
    int64_t job, struct str *out_id, struct err *err);
/* Another mail with another token, and seven days more. */
bool
admin_invitation_resend(struct admin *admin, struct str id, struct err *err);
bool
admin_invitation_withdraw(struct admin *admin, struct str id, struct err *err);
/* For the sender of mail, the system: a fresh token in place of the one
 * before. It is wiped at the end of the transaction. */
bool admin_invitation_token(
    struct admin *admin, struct str id, struct str *token, struct err *err);
/* Who follows a link: ERR_NOT_FOUND invitation_unknown for a token that is
 * unknown, used, withdrawn or expired, all alike. */
bool admin_invitation_read(struct admin *admin, struct arena *arena,
    struct str token, struct invitation *out, struct err *err);
/* The actor is the member who accepts; their address is the one invited. The
 * inviter's right is asked again, now. Once. */
bool
admin_invitation_accept(struct admin *admin, struct str token, struct err *err);
/* For somebody without an identity: makes the member, active, with the address
 * that was invited and a local password (argon2id text), and accepts. The
 * actor is the system. */
bool admin_invitation_join(struct admin *admin, struct str token,
    struct str username, struct str name, struct str password_hash,
    struct err *err);
/* Takes away what has expired, each with its row. */
bool admin_invitations_expire(struct admin *admin, struct err *err);

/* --- Reinstating ---------------------------------------------------------- */

/* Gives back what the member lost on the account within the last 30 days by
 * being removed there, under the rules of giving it anew. */
bool admin_grant_reinstate(struct admin *admin, struct str username,
    struct str account, struct err *err);
/* The system only: a member who was removed within the last 30 days comes
 * back with name, identities and the local grants that still can be given;
 * *skipped counts those that cannot. */
bool admin_member_reinstate(struct admin *admin, struct str username,
    int64_t *skipped, struct err *err);

/* --- Tokens for programs, local passwords --------------------------------- */

/* Of the actor, who may make tokens on the accounts named (operation
 * token.create; with none named: on at least one). Not by a token. */
bool admin_token_add(struct admin *admin, const struct api_token *wanted,
    struct str *token, struct str *out_id, struct err *err);
/* Of oneself; the system, anybody's. */
bool admin_token_remove(struct admin *admin, struct str id, struct err *err);
/* By the system: it was used today. No history. */
bool admin_token_used(struct admin *admin, struct str id, struct err *err);
/* Of oneself, or by the system; ends all other sessions. An empty hash takes
 * the password away. */
bool admin_password_set(
    struct admin *admin, struct str username, struct str hash, struct err *err);

/* --- History -------------------------------------------------------------- */

/* The system forgets rows that are older than that, and published; see
 * store_prune_history(). */
bool admin_history_prune(struct admin *admin, int64_t before_ms, int64_t *rows,
    struct err *err);

/* --- Notices -------------------------------------------------------------- */

/* To one member; mail as well where they switched it on. No history. */
bool admin_notify(struct admin *admin, struct str username, const char *kind,
    struct str text, struct str link, struct err *err);
/* Of oneself, or by the system: that notice, or all (0), is read; *changed
 * counts. No history. */
bool admin_notices_read(struct admin *admin, struct str username,
    int64_t number, int64_t *changed, struct err *err);
/* Of oneself, or by the system: mail for exactly these kinds of notices. No
 * history. */
bool admin_mail_switches_set(struct admin *admin, struct str username,
    struct names kinds, struct err *err);

/* --- Sessions ------------------------------------------------------------- */

struct session_limits {
	int64_t lifetime_s; /* whatever happens */
	int64_t idle_s; /* without a renewal; 0: no such limit */
};
/* Of oneself, or by the system. Gives the token once: 43 characters,
 * base64url. */
bool admin_session_add(struct admin *admin, struct str username,
    struct str account, const struct session_limits *limits, struct str *token,
    struct err *err);
/* One's own; the system, anybody's. */
bool
admin_session_remove(struct admin *admin, struct str digest, struct err *err);
/* By the system, because of activity: the idle limit begins anew. One that has
 * ended stays ended. */
bool
admin_session_renew(struct admin *admin, struct str digest, struct err *err);
/* The account in use: one that the member reaches, or empty for their own. */
bool admin_session_account(struct admin *admin, struct str digest,
    struct str account, struct err *err);

/* Replaces the whole state by what was read: one row of history for each
 * object that is added, changed or removed. The rules of single changes do
 * not apply (it is a restore); bounds and references do. Sessions of members
 * that stay are kept; those of others go. */
struct load_counts {
	int64_t added;
	int64_t changed;
	int64_t removed;
};
bool admin_load(struct admin *admin, const struct state *wanted,
    struct load_counts *counts, struct err *err);

/* Sync's own notes, in the same transaction as its changes. */
bool admin_absence_set(
    struct admin *admin, const struct absence *absence, struct err *err);
bool admin_plan_set(struct admin *admin, int64_t number,
    enum plan_status status, struct err *err);

#endif
