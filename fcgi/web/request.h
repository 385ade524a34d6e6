/* request.h - one request, as nginx hands it over.
 *
 * Shape:   the parameters that nginx/rolegate-web.conf sets, by the table in
 *          request.c, each at most once; no other parameter and no header of
 *          the client is looked at. Path and query are raw.
 * Owner:   texts live in the arena or point into envp.
 * Errors:  ERR_FILE request_… for what is not a request, ERR_LIMIT
 *          body_too_large / request_too_large. */
#ifndef ROLEGATE_WEB_REQUEST_H
#define ROLEGATE_WEB_REQUEST_H

#include <fcgiapp.h>

#include "base/err.h"
#include "base/str.h"

struct request {
	struct str method;
	struct str target; /* as the client sent it */
	struct str path; /* of it, what stands before '?' */
	struct str query; /* ... and behind it */
	struct str address;
	struct str accept;
	struct str cookie;
	struct str authorization;
	struct str origin;
	struct str fetch_site;
	struct str csrf;
	struct str why;
	struct str if_match;
	struct str if_none_match;
	struct str idempotency_key;
	struct str content_type;
	struct str content_length;
	struct str return_to; /* where the client was refused (nginx says) */
	struct str body;
};

/* `in` may be NULL for tests: then there is no body. */
bool request_read(struct request *out, struct arena *arena, char *const *envp,
    FCGX_Stream *in, struct err *err);

/* GET and HEAD change nothing. */
bool request_is_safe(const struct request *request);
/* Is that what the client wants to read? A browser says text/html. */
bool request_accepts(const struct request *request, const char *type);
/* The media type of the body, without its parameters. */
bool request_is(const struct request *request, const char *type);

#endif
