/* params.h - what nginx says about the request to be judged.
 *
 * Each of the parameters has to be there exactly once; any other is left
 * alone. Nothing that a client sent as a header is among them. */
#ifndef ROLEGATE_GATE_PARAMS_H
#define ROLEGATE_GATE_PARAMS_H

#include <stdbool.h>

#include "base/str.h"

struct params {
	struct str cookie;       /* ROLEGATE_COOKIE: the raw Cookie header */
	struct str trusted_user; /* ROLEGATE_TRUSTED_USER */
	struct str method;       /* ROLEGATE_METHOD */
	struct str path;         /* ROLEGATE_PATH: nginx's $uri */
	struct str target;       /* ROLEGATE_TARGET: the raw request target */
	struct str permission;   /* ROLEGATE_PERMISSION, or empty */
	struct str account;      /* ROLEGATE_ACCOUNT, or empty */
	struct str host;         /* ROLEGATE_HOST */
};

/* False when one is missing, doubled or has a NUL byte. */
bool params_read(struct str block, struct params *out);

#endif
