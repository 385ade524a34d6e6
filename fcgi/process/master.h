/* master.h - keeps the workers of a service alive, and nothing else.
 *
 * A worker that dies is replaced at once, unless it dies again and again as
 * soon as it begins. One that has not come round for HUNG_MS is killed first.
 * SIGHUP: the new setup whole, or the old one stays; the new workers are there
 * before the old ones end. SIGTERM, SIGINT: the workers finish what they have
 * taken. SIGUSR2: the program that lies in this one's place now takes over.
 * Signals are waited for, not handled. */
#ifndef ROLEGATE_PROCESS_MASTER_H
#define ROLEGATE_PROCESS_MASTER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "fcgi/process/handover.h"

#define WORKERS_MAX HANDOVER_WORKERS_MAX
#define HUNG_MS	    10000

struct service {
	void *setup; /* what the workers run with */
	int workers; /* 1 to WORKERS_MAX */
	int64_t finish_ms; /* then those who were told to end are killed */
	const char *config_path;
	/* The sockets, and the workers of the program before, which end when
	 * ours are there. */
	struct handover *kept;
	/* In the process of the worker, with the master's signals blocked;
	 * `place` counts from 0. The exit status. */
	int (*work)(
	    const struct service *service, int place, const sigset_t *blocked);
	/* When the newest worker of that place last came round, monotonic; NULL
	 * where workers are not asked. */
	int64_t (*alive_ms)(int place);
	/* Puts a new setup, and its number of workers, in place of the old one,
	 * or says why not and leaves all as it is. */
	bool (*load)(struct service *service);
	void (*free)(void *setup);
};

/* Returns when all workers have ended. */
void master_run(struct service *service);

#endif
