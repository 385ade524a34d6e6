/* run.h - the commands that look at the directory or change the store.
 *
 * Each returns the exit status of DESIGN: the worst of its sources. What
 * goes wrong in one source is said on standard error and does not keep the
 * others from being read. */
#ifndef ROLEGATE_SYNC_RUN_H
#define ROLEGATE_SYNC_RUN_H

#include "sync/job.h"

int command_plan(struct job *job);
int command_run(struct job *job);
int command_apply(struct job *job);

/* "rolegate: text [code]" on standard error. */
void err_print(const struct err *err);

#endif
