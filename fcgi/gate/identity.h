/* identity.h - who asks: by the session cookie, else by a name that nginx has
 * verified, each only where it is configured.
 *
 * The cookie's name is compared exactly, byte by byte. The same cookie twice
 * with one value is that value; with two values nobody is signed in, since it
 * cannot be said which of them is the client's own (CASES T39). A value that
 * has not the form of a token is no session (T40). */
#ifndef ROLEGATE_GATE_IDENTITY_H
#define ROLEGATE_GATE_IDENTITY_H

#include <stdbool.h>

#include "fcgi/gate/params.h"

#define DIGEST_HEX ((size_t)64)

struct identity_rules {
	struct str cookie; /* name, or empty: no cookie counts */
	bool trusted_user;
};

struct asker {
	bool known;
	char digest[DIGEST_HEX + 1]; /* of the session; "" is none */
	struct str username;         /* when there is no session */
};

void identity_find(const struct identity_rules *rules,
    const struct params *params, struct asker *out);

#endif
