/* attempts.h - how often somebody may guess.
 *
 * An attempt counts before it is judged, so that many at once are no more than
 * many one after another; one that was right is forgotten. A username has
 * web.attempts_max of them in web.attempts_s, an address ten times as many. The
 * keys in the store are digests: they name nobody. Without a username only the
 * address counts.
 * Errors:  ERR_REFUSED too_many_attempts. */
#ifndef ROLEGATE_WEB_ATTEMPTS_H
#define ROLEGATE_WEB_ATTEMPTS_H

#include "fcgi/web/web.h"

bool attempt_count(
    struct web *web, struct str username, struct str address, struct err *err);
bool attempt_forget(
    struct web *web, struct str username, struct str address, struct err *err);

#endif
