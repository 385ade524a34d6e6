/* path.h - is a request's path what it seems to be?
 *
 * The path that nginx routes by ($uri: decoded once, dot segments and double
 * slashes removed) and the raw target ($request_uri) must agree about
 * everything but harmless escapes, else application and nginx may see two
 * different paths. Ambiguous means deny (CASES T1-T8, T10).
 *
 * Ambiguous are: an empty or relative path, one over PATH_MAX_BYTES; a raw
 * target that is not in origin form, or has a fragment; a raw path with an
 * empty segment ("//"), a dot segment (".", "..", also escaped), a bare blank,
 * an escaped "/", "\", "%", ";", "?", "#" or control byte; any of these but
 * "/" in the decoded path, a trailing dot or blank in a segment, invalid
 * UTF-8; a raw path that does not decode to exactly the path, or to the folder
 * of which the path is the index page ("index." and so on, CASES T22): nginx
 * goes there by itself, and has asked about the folder before. What stands
 * behind the first "?" is never looked at. Nothing is trimmed, folded or
 * decoded twice. */
#ifndef ROLEGATE_PATH_H
#define ROLEGATE_PATH_H

#include <stdbool.h>

#include "base/str.h"

/* The half of it that needs no target: what a decoded path may look like. */
bool path_is_canonical(struct str path);
/* The path of a target as nginx decodes it, once; an escape that is not whole
 * stays as it is. What nginx would rewrite beyond that is ambiguous to
 * path_is_plain() anyway. ptr NULL when memory is out. */
struct str path_decode(struct arena *arena, struct str raw_target);

bool path_is_plain(struct str path, struct str raw_target);

#endif
