/* proof.h - what a client shows to say who it is: a cookie, or a token.
 *
 * A cookie's name is compared byte by byte; the same one twice with one value
 * is that value, with two values it is nobody's (CASES T39). */
#ifndef ROLEGATE_PROCESS_PROOF_H
#define ROLEGATE_PROCESS_PROOF_H

#include "base/str.h"

enum cookie { COOKIE_NONE, COOKIE_ONE, COOKIE_CONFLICT };

/* `header` is the Cookie header as it came; *value points into it. */
enum cookie cookie_find(struct str header, struct str name, struct str *value);

/* Of an Authorization header: what stands behind the word Bearer, else all. */
struct str bearer_of(struct str header);

#endif
