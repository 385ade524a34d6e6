/* privileges.h - what a server gives up before it reads anything from the
 * network: the rights of root, the way back to them, new rights by programs,
 * and the dump of its memory, which holds keys.
 *
 * `section` is that of the configuration, for messages; an empty user stays
 * who we are. */
#ifndef ROLEGATE_PROCESS_PRIVILEGES_H
#define ROLEGATE_PROCESS_PRIVILEGES_H

#include "base/err.h"
#include "base/str.h"

bool privileges_drop(const char *section, struct str user, struct err *err);

#endif
