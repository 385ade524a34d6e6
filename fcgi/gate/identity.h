/* identity.h - who asks: by the session cookie, else by a program's token, else
 * by a name that nginx has verified, each only where it is configured.
 *
 * A token stands in Authorization, alone or behind the word Bearer. With a
 * cookie there as well nobody can say who asks, so nobody does.
 *
 * The cookie's name is compared exactly, byte by byte. The same cookie twice
 * with one value is that value; with two values nobody is signed in, since it
 * cannot be said which of them is the client's own (CASES T39). A value that
 * has not the form of a token is nobody's either (T40), also where nginx
 * gives a name: what is sent wrongly never makes somebody else of a client.
 *
 * Secrets: the token is not kept, only its digest. */
#ifndef ROLEGATE_GATE_IDENTITY_H
#define ROLEGATE_GATE_IDENTITY_H

#include <stdbool.h>

#include "fcgi/gate/params.h"
#include "model/token.h"

struct identity_rules {
	struct str cookie; /* name, or empty: no cookie counts */
	bool bearer; /* tokens of programs in Authorization count */
	bool trusted_user;
};

struct asker {
	char digest[TOKEN_DIGEST_LEN + 1]; /* of the session; "" is none */
	bool is_token; /* it is that of a program's token */
	struct str username; /* when there is no session; borrowed */
};

/* False: nobody; *out is empty. */
bool identity_find(const struct identity_rules *rules,
    const struct params *params, struct asker *out);

#endif
