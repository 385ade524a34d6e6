/* chores.h - the one process of rolegate-web that answers nobody: it works off
 * imports, keeps sessions in use alive, sends mail, and forgets what is over.
 *
 * Each piece of work is a transaction of its own, taken up again after a death
 * at the place where it stood. The gate tells of sessions in use by datagrams
 * of their digest; one that is not a session's is dropped.
 * Errors:  said, at most once a minute; the work is tried again. */
#ifndef ROLEGATE_WEB_CHORES_H
#define ROLEGATE_WEB_CHORES_H

#include <signal.h>

#include "fcgi/web/setup.h"

int chores_run(const struct web_setup *setup, const sigset_t *blocked);

#endif
