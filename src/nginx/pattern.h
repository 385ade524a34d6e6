/* pattern.h - what can be told of a regular expression without running it.
 *
 * Expressions are PCRE's; pattern_fits() takes them for POSIX ones and passes
 * over those of PCRE's own. */
#ifndef ROLEGATE_NGINX_PATTERN_H
#define ROLEGATE_NGINX_PATTERN_H

#include "base/str.h"

bool pattern_fits(struct str pattern, struct str text, bool fold);
/* Does it mean the same to both, so that what does not fit surely does not? */
bool pattern_is_plain(struct str pattern);
/* The next name that it gives a part of what it fits, and *rest behind it:
 * "who" of "(?<who>a+)"; false: there is none. */
bool pattern_name_next(struct str *rest, struct str *name);
/* What each text that it fits begins with: "/a/" of "^/a/(b|c)"; it may be
 * empty. */
struct str pattern_prefix(struct str pattern);
/* Do its parts hold nothing but what it lists: no ".", no "[^/]"? */
bool pattern_is_narrow(struct str pattern);
/* Can no line end be in them? A "." is none. */
bool pattern_is_one_line(struct str pattern);

#endif
