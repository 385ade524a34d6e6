/* password.h - local passwords: argon2id by libsodium, as text in the store.
 *
 * A member without one takes as long to refuse as a wrong one (CASES A8).
 * Errors:  ERR_REFUSED bad_sign_in: it is not theirs; ERR_USAGE password_weak:
 *          too short or too long for a new one. */
#ifndef ROLEGATE_WEB_PASSWORD_H
#define ROLEGATE_WEB_PASSWORD_H

#include <sodium.h>

#include "fcgi/web/web.h"

bool password_hash(
    struct str password, char hash[crypto_pwhash_STRBYTES], struct err *err);
/* FOUND_YES: it is the member's own. `member_id` empty: nobody's. */
enum found password_is(struct web *web, struct str member_id,
    struct str password, struct err *err);
bool password_confirm(struct web *web, struct str member_id,
    struct str password, struct err *err);

#endif
