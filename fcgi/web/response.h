/* response.h - one answer, written whole by one function, status first.
 *
 * Shape:   status, content type, further headers, body. Every answer forbids
 *          caches to keep it and says how a browser must treat it.
 * Errors:  a header with a control character in it is our mistake: the answer
 *          becomes 500, never a split one (CASES A5). */
#ifndef ROLEGATE_WEB_RESPONSE_H
#define ROLEGATE_WEB_RESPONSE_H

#include <fcgiapp.h>

#include "base/err.h"
#include "base/str.h"

#define RESPONSE_HEADERS 12

struct header {
	const char *name;
	struct str value;
};

struct response {
	int status; /* 0: nothing was answered, which is 500 */
	const char *type; /* of the body */
	struct header headers[RESPONSE_HEADERS];
	size_t header_count;
	struct str body;
	/* Origins, but our own, that a form of the page may end at: a browser
	 * asks for that where it is sent on, too. */
	struct names form_to;
	bool failed;
};

void
response_header(struct response *response, const char *name, struct str value);
/* A redirect by GET, 303. */
void response_redirect(struct response *response, struct str location);
/* `head`: everything but the body. */
void
response_write(const struct response *response, FCGX_Stream *out, bool head);

#endif
