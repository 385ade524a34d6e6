/* watch.h - the invalidation connection: Redis says what to forget.
 *
 * Shape:   one RESP2 connection subscribes to the messages, and the data
 *          connection has the tracking of all our keys redirected to it: what
 *          is told here is of the server that is read there, and ends with
 *          either connection (CASES W6). Named keys are forgotten; NIL, or anything that is not a message
 *          as Redis sends them, makes the cache forget all; a lost connection
 *          and a new one leave nothing fresh.
 * Alive:   it is believed while a PONG has come back for a PING that was sent
 *          at most max_ms ago, and while the heartbeat is told of here: the
 *          data connection may lead to another server than this one.
 * Behind:  what the data connection reads may be newer than what was told here
 *          (CASES T54). Redis tells of a change before it answers a PING that
 *          came after it: from watch_catch_up() to that PONG it is not
 *          believed. */
#ifndef ROLEGATE_GATE_WATCH_H
#define ROLEGATE_GATE_WATCH_H

#include "fcgi/gate/cache.h"
#include "fcgi/gate/keys.h"
#include "fcgi/gate/link.h"

struct watch_config {
	struct event_base *loop;
	const struct target *target;
	const struct keys *keys;
	struct cache *cache;
	int64_t max_ms;
	/* It listens: have tracking redirected to this client. */
	void (*ready)(void *context, struct str id);
	void (*up)(void *context);
	void (*down)(void *context, const struct err *why);
	void *context;
};

struct watch;

bool watch_open(
    struct watch **out, const struct watch_config *config, struct err *err);
void watch_close(struct watch *watch);

void watch_start(struct watch *watch); /* nothing when it is not down */
void watch_drop(struct watch *watch, const char *why);
/* There may be changes that were not told of yet. */
void watch_catch_up(struct watch *watch);
/* Tracking is redirected to it, or why not. */
void watch_begin(struct watch *watch);
void watch_refuse(struct watch *watch, struct str why);
/* Sends the PINGs: to be called about four times in max_ms. */
void watch_tick(struct watch *watch, int64_t now_ms);
bool watch_is_alive(const struct watch *watch, int64_t now_ms);

#endif
