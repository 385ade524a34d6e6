/* token.h - the token of a session, and the digest that it is known by.
 *
 * Whoever makes a token and whoever is shown one have to agree about both:
 * 32 random bytes as base64url, and BLAKE2b-256 over those characters in hex.
 * A token itself is kept nowhere. */
#ifndef ROLEGATE_TOKEN_H
#define ROLEGATE_TOKEN_H

#include "base/str.h"

#define TOKEN_BYTES	 ((size_t)32)
#define TOKEN_LEN	 ((size_t)43)
#define TOKEN_DIGEST_LEN ((size_t)64)

/* False without randomness. The caller wipes it. */
bool token_make(char token[TOKEN_LEN + 1]);
bool token_is_one(struct str s);
void token_digest(struct str token, char hex[TOKEN_DIGEST_LEN + 1]);
bool token_digest_is_one(struct str s);

#endif
