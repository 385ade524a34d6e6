/* master.h - keeps the workers alive, and nothing else.
 *
 * A worker that dies is replaced at once, unless workers die again and again.
 * SIGHUP: the new setup whole, or the old one stays. SIGTERM, SIGINT: the
 * workers finish what they have taken. Signals are waited for, not handled. */
#ifndef ROLEGATE_GATE_MASTER_H
#define ROLEGATE_GATE_MASTER_H

#include "fcgi/gate/listener.h"
#include "fcgi/gate/setup.h"

/* Returns when all workers have ended; the exit status. `setup` is freed. */
int master_run(struct setup *setup, const char *config_path, int listen_fd);

#endif
