/* status.h - what the last runs of each source came to. Reads only. */
#ifndef ROLEGATE_SYNC_STATUS_H
#define ROLEGATE_SYNC_STATUS_H

#include "sync/job.h"

int command_status(struct job *job);

#endif
