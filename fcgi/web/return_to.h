/* return_to.h - where a sign-in leads back to: our own site, or an origin that
 * is configured; anything else is as if nothing had been asked for (CASES A5).
 *
 * A path begins with one '/', and neither '/' nor '\' behind it; no byte of it
 * is a control character, a blank, a '\', or beyond ASCII. An address is an
 * origin of the configuration, byte by byte, alone or with such a path. */
#ifndef ROLEGATE_WEB_RETURN_TO_H
#define ROLEGATE_WEB_RETURN_TO_H

#include <stdbool.h>

#include "config/config.h"

/* `wanted`, or "/". */
struct str return_to(const struct config_web *config, struct str wanted);

#endif
