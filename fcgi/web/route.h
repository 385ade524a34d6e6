/* route.h - the routes of the HTTP API: one table, which docs/openapi.yaml
 * describes (tests/system/openapi.bats compares the two). */
#ifndef ROLEGATE_WEB_ROUTE_H
#define ROLEGATE_WEB_ROUTE_H

#include <stdio.h>

#include "fcgi/web/call.h"

enum route_flags {
	ROUTE_CREATES = 1 << 0, /* 201 */
	ROUTE_BODY = 1 << 1, /* a JSON object, needed */
	ROUTE_UPLOAD = 1 << 2, /* a file */
	ROUTE_PERSON = 1 << 3, /* signed in: not for tokens */
	ROUTE_ASKS = 1 << 4, /* a POST that changes nothing */
	ROUTE_OWN = 1 << 5, /* one's own: not for tokens that are narrowed */
	ROUTE_PROVES = 1 << 6, /* with a password: counted as a sign-in is */
};

struct route {
	const char *method;
	const char *path; /* behind /rolegate/api/v1, with {…} */
	const char *id; /* operationId */
	unsigned flags;
	bool (*run)(struct call *call);
	/* What If-Match speaks of, or NULL. */
	bool (*show)(struct call *call);
};

/* NULL: no route has this path, or (*known, the methods in *allow) not by this
 * method. */
const struct route *api_route_find(struct arena *arena, struct str method,
    struct names words, struct names *values, struct str *allow);
bool route_changes(const struct route *route);
/* METHOD TAB PATH TAB ID, one a line. */
void routes_print(FILE *out);

#endif
