/* publish_after.h - the view follows the store: after a run, what waits in
 * the outbox goes to Redis when a view is configured. Redis away is a warning:
 * the change is durable and the next drain brings it. */
#ifndef ROLEGATE_PUBLISH_AFTER_H
#define ROLEGATE_PUBLISH_AFTER_H

#include "sync/job.h"

void publish_after(struct job *job);

#endif
