/* job.h - what one start of rolegate-sync works with.
 *
 * Owner:   the job owns the store's handle, the lock and its arena; what the
 *          other modules are given is borrowed from it.
 * Errors:  faults of files are printed by job_open() itself, all of them; err
 *          then only carries the exit status. */
#ifndef ROLEGATE_SYNC_JOB_H
#define ROLEGATE_SYNC_JOB_H

#include <signal.h>

#include "config/config.h"
#include "store/store.h"
#include "sync/mapping.h"
#include "sync/options.h"

struct job {
	const struct sync_options *options;
	const volatile sig_atomic_t *stopping;
	struct arena arena;
	struct config config;
	struct mapping mapping;
	struct catalogues catalogues;
	struct store *store;
	int64_t fence; /* 0: the lock is not ours */
	bool faulty; /* the faults were printed: say no more */
};

bool job_open(struct job *job, struct err *err);
void job_close(struct job *job);

/* One at a time: ERR_REFUSED sync_busy when another run has the lock. */
bool job_lock(struct job *job, struct err *err);
void job_unlock(struct job *job);
/* Inside a transaction: is the lock still ours? */
bool job_lock_holds(struct job *job, struct err *err);

int64_t now_ms(void);

#endif
