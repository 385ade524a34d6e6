/* password.h - a local password as an argon2id text of libsodium.
 *
 * What is verified against no text costs as much, so that nobody can tell from
 * the time whether somebody has a password (CASES A8).
 * Errors:  ERR_USAGE password_short / password_long, for a new one.
 * Secrets: neither is kept; the caller wipes both. */
#ifndef ROLEGATE_PASSWORD_H
#define ROLEGATE_PASSWORD_H

#include <sodium.h>

#include "base/err.h"
#include "base/str.h"

#define PASSWORD_TEXT_MAX crypto_pwhash_STRBYTES /* with its NUL */

bool password_hash(
    struct str password, char text[PASSWORD_TEXT_MAX], struct err *err);
/* An empty text: false, after as long. */
bool password_verify(struct str text, struct str password);

#endif
