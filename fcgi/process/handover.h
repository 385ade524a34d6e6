/* handover.h - a new program in the place of the running one: the process and
 * its sockets stay, and so do the workers, until those of the new program are
 * there.
 *
 * Shape:   the old program asks the new one, as a child, whether it could start
 *          with the configuration (--check-start). When the child has ended
 *          well, it becomes the new one. What stays is named in the
 *          environment, with the process that it is meant for.
 * Errors:  until exec everything is as it was, and why is said. After it the
 *          new program is on its own: where it cannot start, the old workers
 *          end with it. */
#ifndef ROLEGATE_PROCESS_HANDOVER_H
#define ROLEGATE_PROCESS_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "fcgi/process/listener.h"

#define HANDOVER_WORKERS_MAX 256
#define HANDOVER_SOCKETS_MAX 3

/* A socket that is not there has fd -1. */
struct handover {
	struct listener sockets[HANDOVER_SOCKETS_MAX];
	size_t socket_count;
	pid_t workers[HANDOVER_WORKERS_MAX];
	size_t worker_count;
};

/* Keeps the words that the program was started with, and where it lies: a
 * package puts the new one there. */
void handover_prepare(char **argv);

/* The child that asks the new program, to be waited for; 0: none could be
 * begun. It ends by itself, at the latest after ten seconds. */
pid_t handover_ask(void);
/* It does not take over, and that is said. */
void handover_refuse(void);
/* Returns only when the new program could not be begun. */
void handover_give(const struct handover *handover);

/* What the program before left to this process; false: nothing. */
bool handover_take(struct handover *out);

#endif
