/* stop.h - a worker that waits, and learns that it is to end while it waits and
 * at no other time.
 *
 * SIGTERM and SIGINT stay blocked while it works; the wait takes them. */
#ifndef ROLEGATE_PROCESS_STOP_H
#define ROLEGATE_PROCESS_STOP_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>

/* Once, before the first wait. */
bool stop_watch(void);
/* Waits for one descriptor, or until the time is up (-1: for ever). True: end
 * now. wait->revents is 0 when there is nothing to read. */
bool stop_wait(struct pollfd *wait, int timeout_ms, const sigset_t *blocked);

#endif
