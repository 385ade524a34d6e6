/* form.h - what stands in a target and in the body of a form: escapes, pairs,
 * parts.
 *
 * Decoded once. What decodes to no clean text (a control character, a NUL, no
 * UTF-8), an escape that is not whole, and a name that stands twice is refused
 * whole: there is never a second reading of the same bytes.
 * Owner:   the arena; parts point into the body.
 * Errors:  ERR_FILE form_… / multipart_…, ERR_LIMIT form_too_large. */
#ifndef ROLEGATE_WEB_FORM_H
#define ROLEGATE_WEB_FORM_H

#include "base/err.h"
#include "base/str.h"

struct pair {
	struct str name;
	struct str value;
};

struct pairs {
	const struct pair *items;
	size_t count;
};

/* application/x-www-form-urlencoded; also a query string. */
bool form_read(
    struct arena *arena, struct str text, struct pairs *out, struct err *err);
/* Empty when it is not there. */
struct str form_value(const struct pairs *form, const char *name);
bool form_has(const struct pairs *form, const char *name);

/* The segments of a raw path behind its first '/', each decoded. An empty one
 * is refused. */
bool path_split(
    struct arena *arena, struct str path, struct names *out, struct err *err);

/* Percent-encoded but for letters, digits and "-._~/": fit for a value in a
 * query. ptr NULL when memory is out. */
struct str percent_encode(struct arena *arena, struct str text);

/* multipart/form-data (RFC 7578). */
struct part {
	struct str name;
	struct str file; /* its name, or empty */
	struct str bytes;
};

struct parts {
	const struct part *items;
	size_t count;
};

bool multipart_read(struct arena *arena, struct str content_type,
    struct str body, struct parts *out, struct err *err);
const struct part *parts_find(const struct parts *parts, const char *name);

#endif
