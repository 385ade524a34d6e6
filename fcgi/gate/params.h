/* params.h - the parameters that nginx sets, each exactly once.
 *
 * Shape:   the names and what is missing without each stand in one table in
 *          params.c. Nothing else that a request has is looked at, so no
 *          header of a client is ever believed (CASES W2, T35, T36).
 * Owner:   values point into envp.
 * Errors:  a parameter that is missing, or there twice, or empty where it must
 *          not be, makes *wrong the reason to deny. */
#ifndef ROLEGATE_GATE_PARAMS_H
#define ROLEGATE_GATE_PARAMS_H

#include "base/str.h"
#include "decide/decide.h"

struct params {
	struct str cookie; /* the Cookie header as it came, or empty */
	struct str authorization; /* the header as it came, or empty */
	struct str address; /* of the client, as nginx sees it */
	struct str trusted_user;
	struct str method;
	struct str path; /* $uri of the protected location */
	struct str target; /* $request_uri */
	struct str permission;
	struct str account;
	struct str host; /* for the log */
};

/* `envp` is "NAME=value" each, NULL at the end, as libfcgi makes it. */
bool params_read(struct params *out, char *const *envp, enum reason *wrong);

#endif
