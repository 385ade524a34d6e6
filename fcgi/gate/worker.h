/* worker.h - one process, one thread, one event loop: answers until it is
 * told to end, then finishes what it has taken. */
#ifndef ROLEGATE_GATE_WORKER_H
#define ROLEGATE_GATE_WORKER_H

#include <signal.h>

#include "fcgi/gate/counts.h"
#include "fcgi/gate/setup.h"

/* Where a worker works: the sockets of the master, -1 where there is none, and
 * the numbers of all. */
struct workplace {
	int place;
	int listen_fd;
	int control_fd;
	int metrics_fd;
	struct board *board;
};

/* Unblocks the signals when it can take them. The exit status of the
 * process. */
int worker_run(const struct setup *setup, const struct workplace *at,
    const sigset_t *blocked);

#endif
