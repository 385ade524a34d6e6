/* worker.h - one process, one thread, one event loop: answers until it is
 * told to end, then finishes what it has taken. */
#ifndef ROLEGATE_GATE_WORKER_H
#define ROLEGATE_GATE_WORKER_H

#include <signal.h>

#include "fcgi/gate/setup.h"

/* Unblocks the signals when it can take them. The exit status of the
 * process. */
int
worker_run(const struct setup *setup, int listen_fd, const sigset_t *blocked);

#endif
