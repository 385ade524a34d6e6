/* redis_relay.h - between a view and the world's Redis: what Redis says can be
 * made to come late.
 *
 * A child process; the connection that tells of changes is known by its
 * SUBSCRIBE. The flags may be set at any time and hold within a few ms, which
 * relay_set() waits for. */
#ifndef ROLEGATE_TEST_REDIS_RELAY_H
#define ROLEGATE_TEST_REDIS_RELAY_H

#include <stdatomic.h>

#include "view_world.h"

struct relay {
	char socket[96];
	char other[96]; /* another Redis, */
	atomic_bool to_other; /* to which new connections lead */
	pid_t pid;
	atomic_bool hold_changes; /* nothing of what Redis tells comes */
	atomic_bool hold_gets; /* nothing of what is asked leaves */
	atomic_bool drop_data; /* the other connections are closed; once */
	atomic_bool drop_changes; /* that one is; once */
};

/* The world's view is to be started afterwards. */
struct relay *relay_start(struct view_world *world);
void relay_set(atomic_bool *flag, bool on);
void relay_end(struct relay *relay);

#endif
