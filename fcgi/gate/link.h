/* link.h - one connection to Redis on the event loop.
 *
 * Shape:   down, waiting for its next try, connecting, greeting (AUTH,
 *          SELECT), up. Tries are at most one a back-off step: 50 ms, doubled
 *          up to 2 s, each shortened at random by up to a half.
 *          link_proved() begins again at 50 ms.
 * Writing: commands of one round of the loop leave in one write, many of them
 *          in several.
 * Hooks:   up when the greeting is over; item for each item that comes after
 *          that; down, once, when the connection is lost, refused or dropped:
 *          it stays down until link_start(). No hook may close the link.
 * Errors:  down gets ERR_REACH redis_unreachable or redis_refused, or what
 *          link_drop() was given.
 * Time:    CLOCK_MONOTONIC. */
#ifndef ROLEGATE_GATE_LINK_H
#define ROLEGATE_GATE_LINK_H

#include <event2/event.h>

#include "fcgi/gate/reply.h"
#include "fcgi/gate/target.h"

struct link_hooks {
	void (*up)(void *context);
	void (*item)(void *context, const struct reply_item *item);
	void (*down)(void *context, const struct err *why);
	void *context;
};

struct link;

bool link_open(struct link **out, struct event_base *loop,
    const struct target *target, const struct link_hooks *hooks,
    struct err *err);
void link_close(struct link *link); /* no hook is called */

/* Tries to connect when the back-off allows; nothing when not down. */
void link_start(struct link *link);
/* Ends the connection, at once or when the item in hand is done with. */
void link_drop(struct link *link, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void link_proved(struct link *link);

/* False when the link is not up or too much is waiting to be written. */
bool link_send(struct link *link, const struct str *words, size_t count);
bool link_is_up(const struct link *link);
/* May it still come up before then? */
bool link_may_be_up(const struct link *link, int64_t by_ms);
/* Goes up by one with each write: what was sent in the present round has not
 * left yet. */
int64_t link_round(const struct link *link);

#endif
