/* redis_fake.h - a Redis that lies: a child process on the world's socket.
 *
 * It answers GET from a list of records, and everything else as a Redis does,
 * but for what the script says. */
#ifndef ROLEGATE_TEST_REDIS_FAKE_H
#define ROLEGATE_TEST_REDIS_FAKE_H

#include "view_world.h"

struct fake {
	const struct pair *pairs; /* what GET finds */
	size_t count;
	const struct pair *before; /* found instead by the first so many GETs */
	size_t before_count;
	int before_gets;
	struct str to_get; /* raw: the answer to GET, not the record */
	struct str of_key; /* only of this key; empty: of any */
	struct str on_connect;
	struct str to_id; /* raw: the answers to the steps of tracking */
	struct str to_tracking;
	struct str to_subscribe;
	struct str
	    message; /* raw: to the subscriber, when "poke" is asked for */
	int behind_after; /* after so many GETs all answers are one late */
	int close_after; /* closes a connection after so many commands */
	int trickle_us; /* between any two bytes */
	bool silent;
	bool no_pong;
};

/* Ends with redis_stop(). */
void fake_start(struct view_world *world, const struct fake *fake);

#endif
