/* asking.h - asks on their way to an answer.
 *
 * Shape:   the session, then the member and the account, then the member's own
 *          account when no other was named, then the catalogue of the root;
 *          each from the cache when it is trusted, else from Redis. Each step
 *          that asks Redis asks for the generation as well.
 * Answers: once for each ask, at the latest wait_ms after it.
 * Hooks:   trusted: is the cache, now? ready: has the view a generation?
 *          bad: a signed record that cannot be read. */
#ifndef ROLEGATE_GATE_ASKING_H
#define ROLEGATE_GATE_ASKING_H

#include "fcgi/gate/fetch.h"
#include "fcgi/gate/view.h"

struct asking_config {
	struct event_base *loop;
	struct fetcher *fetcher;
	struct cache *cache;
	const struct keys *keys;
	int64_t wait_ms;
	int64_t stale_max_s;
	bool (*trusted)(void *context);
	int64_t (*wall_ms)(void *context);
	void (*ready)(void *context, bool is_ready);
	void (*bad)(void *context, const struct err *why);
	void *context;
};

struct askings;

bool askings_open(
    struct askings **out, const struct asking_config *config, struct err *err);
/* Answers all with VIEW_UNKNOWN. Their memory comes back when the fetcher has
 * let go of them: askings_close() follows fetcher_close(). */
void askings_stop(struct askings *askings);
void askings_close(struct askings *askings);

void askings_ask(struct askings *askings, const struct view_ask *ask);

int64_t askings_hits(const struct askings *askings);
int64_t askings_bad(const struct askings *askings);

#endif
