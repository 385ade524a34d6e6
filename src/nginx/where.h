/* where.h - the place of an nginx configuration that a request gets to.
 *
 * Servers are chosen by port and name, locations as nginx does: exact, then the
 * longest prefix, then the first expression that fits. Expressions are taken as
 * POSIX ones, so that one of PCRE's own is passed over: for people who look for
 * a line, not for decisions. */
#ifndef ROLEGATE_NGINX_WHERE_H
#define ROLEGATE_NGINX_WHERE_H

#include "nginx/conf.h"

struct where {
	struct str host;
	int port;
	struct str path; /* without query */
};

/* The location, or the server when none fits; NULL: there is no server. */
const struct directive *
nginx_where(const struct directive *root, const struct where *request);

/* The first of this name whose first words are these (NULL: any), wherever it
 * stands. */
const struct directive *
nginx_first(const struct directive *root, const char *name, const char *word);

#endif
