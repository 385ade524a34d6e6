/* sign_in.h - a name and a password become a session.
 *
 * Who comes from a directory of the mapping file is asked of that directory:
 * found there by the immutable id, then bound as that entry, so that its own
 * lock-out counts. Everybody else has a local password, or none. What is wrong
 * is never said: an unknown name, a wrong password and a member who is not
 * active all are bad_sign_in (CASES A8).
 *
 * A session that the client had before ends in the same transaction (A6).
 * Owner:   the token is the caller's to wipe.
 * Errors:  ERR_REFUSED bad_sign_in / too_many_attempts; ERR_SOURCE when the
 *          directory does not answer. */
#ifndef ROLEGATE_WEB_SIGN_IN_H
#define ROLEGATE_WEB_SIGN_IN_H

#include "fcgi/web/caller.h"
#include "model/token.h"

struct sign_in {
	struct str username;
	struct str password;
	struct str address;
};

/* Is it the member's local password? false in *out for one who has none. *hash
 * is what it was compared with. */
bool local_password_is(struct web *web, struct str member_id,
    struct str password, struct str *hash, bool *out, struct err *err);

/* Who has proved who they are: by this hash of a password, if it is ours. With
 * an empty id they have done it just now, in another way. */
struct proven {
	struct str username;
	struct str member_id;
	struct str hash;
};

struct signed_in {
	char token[TOKEN_LEN + 1];
	int64_t lifetime_s;
};

bool sign_in(struct web *web, const struct sign_in *asked,
    const struct caller *before, struct signed_in *out, struct err *err);
/* Refused when what was proved does not hold any more. */
bool session_open(struct web *web, const struct proven *proof,
    const struct caller *before, struct signed_in *out, struct err *err);

#endif
