/* worker.h - one process that answers one request at a time, until it is told
 * to end; what it has taken it finishes.
 *
 * Each request has a connection of its own (nginx keeps none here), judged by
 * its peer first, bounded in time; then libfcgi reads it. */
#ifndef ROLEGATE_WEB_WORKER_H
#define ROLEGATE_WEB_WORKER_H

#include <signal.h>

#include "fcgi/web/setup.h"

/* The exit status of the process. */
int web_worker_run(
    const struct web_setup *setup, int listen_fd, const sigset_t *blocked);

#endif
