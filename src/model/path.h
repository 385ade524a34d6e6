/* path.h - is a request's path what it seems to be?
 *
 * The path that nginx routes by ($uri: decoded once, dot segments and double
 * slashes removed) and the raw target ($request_uri) must agree about
 * everything but harmless escapes, else application and nginx may see two
 * different paths. Ambiguous means deny (CASES T1-T8, T10).
 *
 * Ambiguous are: an empty or relative path; a raw target that is not in
 * origin form; a raw path with an empty segment ("//"), a dot segment (".",
 * "..", also escaped), an escaped "/", "\", "%", ";" or control byte; a `%`,
 * `;`, `\`, control byte, NUL, trailing dot or blank in a segment, invalid
 * UTF-8 in the decoded path; a raw path that does not decode to exactly the
 * path. The query and a fragment are never looked at; a fragment in the
 * target is ambiguous. */
#ifndef ROLEGATE_PATH_H
#define ROLEGATE_PATH_H

#include <stdbool.h>

#include "base/str.h"

bool path_is_plain(struct str path, struct str raw_target);

#endif
