/* invitation.h - open invitations: an address, an account, a role.
 *
 * Shape:   a row stands for as long as the invitation is open; accepted,
 *          withdrawn, expired or gone with its account or inviter, it is
 *          deleted, and the history says which. The token is in the mail
 *          only, here is its digest; empty until the mail is sent. The
 *          address is found without regard to the case of A-Z.
 * Owner:   results live in the arena.
 * Errors:  those of store.h.
 * Source:  written by src/admin/ only. */
#ifndef ROLEGATE_STORE_INVITATION_H
#define ROLEGATE_STORE_INVITATION_H

#include "store/store.h"

struct invitation {
	struct str id; /* 32 hex digits; not a secret */
	struct str digest;
	struct str email;
	struct str name;  /* of the person, or empty */
	struct str phone; /* or empty */
	struct str account;
	struct str role;
	struct names licences;
	struct names filters;
	int64_t grant_expires_s; /* of the grant that it becomes; 0 never */
	struct str inviter_id;	 /* empty: the system */
	struct str inviter;	 /* username; read only */
	int64_t created_s;
	int64_t expires_s;
	int64_t sent_s; /* the last mail; 0: none yet */
};

enum found store_invitation(struct store *store, struct arena *arena,
    struct str id, struct invitation *out, struct err *err);
enum found store_invitation_by_digest(struct store *store,
    struct arena *arena, struct str digest, struct invitation *out,
    struct err *err);
/* The open one to this address on this account. */
enum found store_invitation_to(struct store *store, struct arena *arena,
    struct str account, struct str email, struct invitation *out,
    struct err *err);
/* On an account (exactly), of an inviter (by id), or all: an empty one does
 * not narrow. Ordered by id, those after `after`, at most `max`. */
bool store_invitations(struct store *store, struct arena *arena,
    struct str account, struct str inviter_id, struct str after, size_t max,
    struct invitation **out, size_t *count, struct err *err);
/* Those that expired at or before now_s, at most `max`. */
bool store_invitations_expired(struct store *store, struct arena *arena,
    int64_t now_s, size_t max, struct invitation **out, size_t *count,
    struct err *err);

bool store_put_invitation(struct store *store,
    const struct invitation *invitation, struct err *err);
bool store_delete_invitation(
    struct store *store, struct str id, struct err *err);

#endif
