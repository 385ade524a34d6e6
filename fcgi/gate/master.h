/* master.h - keeps the workers alive, and nothing else.
 *
 * A worker that dies is replaced at once, unless it dies again and again as
 * soon as it begins. SIGHUP: the new setup whole, or the old one stays; the
 * new workers are there before the old ones end. SIGTERM, SIGINT: the workers
 * finish what they have taken. Signals are waited for, not handled. */
#ifndef ROLEGATE_GATE_MASTER_H
#define ROLEGATE_GATE_MASTER_H

#include "fcgi/gate/setup.h"

/* Returns when all workers have ended. `setup` becomes what is loaded. */
void master_run(struct setup *setup, const char *config_path, int listen_fd);

#endif
