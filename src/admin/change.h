/* change.h - what every change of src/admin/ is made of: look things up, keep
 * the rules, write, note it in the history; or undo all of it. */
#ifndef ROLEGATE_ADMIN_CHANGE_H
#define ROLEGATE_ADMIN_CHANGE_H

#include "admin/admin.h"
#include "model/token.h"

/* Between the two: rules and writes. change_end() gives back `ok`, and undoes
 * what was written since change_begin() when it is false. */
bool change_begin(struct admin *admin, struct err *err);
bool change_end(struct admin *admin, bool ok, struct err *err);

/* The generation that the next history row will have: nobody else writes rows
 * while the transaction is open. */
int64_t next_generation(const struct admin *admin);

/* What a change touches in the view, see publish/publisher.h, and whom it is
 * about: the first account and the first member that are touched. */
struct touches {
	struct str text;
	struct str account;
	struct str member;
	bool failed;
};
void touch(struct admin *admin, struct touches *touches, const char *kind,
    struct str name);

/* A new username stands in other records as well: the key of the old one, the
 * accounts the member owns, and the sessions. They become newer too, so that
 * an old record with the old name in it is not believed any more. */
bool touch_rename(struct admin *admin, const struct member *before,
    struct touches *touches, struct err *err);
/* Whoever is disabled or gone comes back by signing in, not by an old cookie.*/
bool sessions_end(struct admin *admin, struct str member_id,
    struct touches *touches, struct err *err);
/* ptr NULL when there is no randomness or no memory. */
struct str member_id_new(struct arena *arena);
/* Takes the account away with all grants on it, each with its row. Refuses
 * has_children. */
bool account_take_down(
    struct admin *admin, const struct account *account, struct err *err);

/* All that the member holds on an account, or anywhere when it is empty, each
 * with its row: the history is the difference of the states. */
bool grants_end(struct admin *admin, const struct member *member,
    struct str account, struct err *err);

/* The member's row and personal account; no rule about who asks for a member
 * to be made may be passed by. */
bool
member_make(struct admin *admin, const struct member *member, struct err *err);
/* The open invitations to an account or of an inviter (the other is empty),
 * and the tokens of a member, each with its row. */
bool invitations_end(struct admin *admin, struct str account,
    struct str inviter_id, struct err *err);
bool api_tokens_end(
    struct admin *admin, const struct member *member, struct err *err);
/* ... newer, because they show their maker's username. */
bool api_tokens_renew(struct admin *admin, struct str member_id,
    struct touches *touches, struct err *err);

/* One row, by the right that the operation needs. */
bool grant_give(struct admin *admin, struct str username,
    const struct grant *grant, const char *operation, struct err *err);

bool password_put(struct admin *admin, const struct member *member,
    struct str hash, struct err *err);

/* A secret, in the arena of its transaction: kept until its end, then wiped.
 * Its digest is in the arena of the change. */
bool token_new(struct admin *admin, struct str *token, struct str *digest,
    struct err *err);

/* A session's token, in the arena of its transaction. */
struct token {
	struct token *next;
	char text[TOKEN_LEN + 1];
};

/* A notice to everybody with a row on the account. */
bool account_notify(struct admin *admin, const struct account *account,
    struct str owner_id, struct str text, struct err *err);

/* The history row; before or after is empty when there is none. */
bool change_note(struct admin *admin, const char *action, struct str subject,
    struct str before, struct str after, const struct touches *touches,
    struct err *err);

/* Nothing that a change could have changed differs: of a member its own
 * fields, of a grant all but its key. */
bool member_alike(const struct member *a, const struct member *b);
bool grant_same(const struct grant *a, const struct grant *b);
bool change_no_memory(struct err *err);

/* ERR_NOT_FOUND member_unknown / account_unknown. */
bool member_need(struct admin *admin, struct str username, struct member *out,
    struct err *err);
bool account_need(struct admin *admin, struct str id,
    const struct account **out, struct err *err);
/* "ann on sales" */
struct str
grant_subject(struct admin *admin, struct str username, struct str account);

/* The same answer for what is not there and for what may not be known. */
bool account_missing(struct str id, struct err *err);
bool member_missing(struct str username, struct err *err);
bool grant_missing(const struct admin *admin, struct str username,
    const struct grant *key, struct err *err);

/* --- The rights of members (right.c): true for any other asker ------------ */

bool asks_as_member(const struct admin *admin);
bool asker_is(const struct admin *admin, struct str username);
bool asker_is_active(struct admin *admin, struct err *err);
/* An active member, or refused. */
bool asker_need(struct admin *admin, struct member *out, struct err *err);
/* M11: is there anything unexpired of theirs on it or above it? */
bool right_to_see(
    struct admin *admin, const struct account *account, struct err *err);
bool right_to(struct admin *admin, const struct account *account,
    const char *operation, struct str role, struct err *err);
/* M1: the right at the nearest account from `from` upwards where the level of
 * the operation holds. */
bool right_above(struct admin *admin, const struct account *account,
    const struct account *from, const char *operation, struct err *err);
/* M3: to give that role there, or to change whoever has it. */
bool right_over_role(struct admin *admin, const struct account *account,
    struct str role, struct err *err);
bool right_over_person(
    struct admin *admin, const struct member *target, struct err *err);
/* S15: for what ownership allows, and for what one's own identity does. */
bool rule_owner_token(
    const struct admin *admin, const struct account *account, struct err *err);
bool rule_not_narrowed(const struct admin *admin, const char *what,
    struct str id, struct err *err);
bool owner_fixed(const struct member *member, const struct account *account,
    struct err *err); /* M6 */

/* --- Rules ---------------------------------------------------------------- */

const struct catalogue *
catalogue_of(const struct admin *admin, const struct account *account);
/* M10: nothing changes on what is suspended, archived or closed. */
bool rule_not_frozen(const struct account *account, struct err *err);
/* With `height` levels of its own it fits below that parent (M13). */
bool rule_depth(const struct account *account, const struct account *parent,
    int height, struct err *err);
/* May this be given there by whoever it is: source, kind, status, role, filter
 * level, expiry. What a member may give is in right.c. */
bool rule_giveable(const struct admin *admin, const struct account *on,
    const struct grant *grant, struct err *err);
bool role_unknown(const struct account *on, struct str role, struct err *err);
/* M8 */
bool rule_shared(const struct account *account, struct err *err);
/* Not for a directory; `what` and `name` are for the message. */
bool rule_system(const struct admin *admin, const char *what, struct str name,
    struct err *err);
/* A directory gives roles only to people that it knows, and changes or removes
 * only those that nobody else knows. */
bool rule_known_member(
    const struct admin *admin, const struct member *member, struct err *err);
bool rule_own_member(
    const struct admin *admin, const struct member *member, struct err *err);

/* The member's record, as it is now, can be published. */
bool rule_record_fits(const struct member *member, struct err *err);

/* Ids of the accounts where the member is one of those at the top: as the
 * owner, or by an unexpired, unfiltered grant of the top role. */
bool tops_of(struct admin *admin, const struct member *member,
    struct names *out, struct err *err);
/* Those of the accounts that have somebody at the top. */
bool tops_among(struct admin *admin, struct names accounts, struct names *out,
    struct err *err);
bool is_top_grant(const struct admin *admin, const struct account *account,
    const struct grant *grant);
/* M7: after the writes, each of these accounts still has somebody at the top,
 * on it or above it. Asked only of accounts where somebody at the top was
 * taken away: one that never had any may be set up step by step. */
bool
rule_top_stays(struct admin *admin, struct names accounts, struct err *err);

#endif
