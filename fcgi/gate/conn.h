/* conn.h - one FastCGI connection of nginx.
 *
 * Shape:   reading (what has come is held until a request is whole) -> judged
 *          (libfcgi has taken it apart, the view may be asked) -> answered ->
 *          reading, or closed when nginx does not keep it. A request lives in
 *          its connection: no answer can go to another one (CASES T30).
 * Bounds:  a connection that has not sent a whole request REQUEST_WAIT_MS
 *          after it was made, or after the first byte of the next one, is
 *          closed. A kept one that is idle costs nothing; the beginnings of
 *          requests take BEGUN_BYTES_MAX together. Writing never waits: who
 *          does not read is closed.
 * Owner:   the list of the worker. */
#ifndef ROLEGATE_GATE_CONN_H
#define ROLEGATE_GATE_CONN_H

#include <event2/event.h>

#include "fcgi/gate/request.h"

struct conn;

struct conns {
	struct event_base *loop;
	struct judge *judge;
	struct conn *first;
	size_t count;
	size_t begun_bytes; /* that all of them hold */
	bool ending; /* what is answered is closed */
	void (*closed)(void *context); /* after each one */
	void *context;
	unsigned char
	    bytes[REQUEST_READ_MAX + 1]; /* what has come on one of them */
};

/* Takes over the fd, which has to be non-blocking. */
void conn_open(struct conns *conns, int fd);
/* Closes the one that has been idle longest, if that is idle_ms at least;
 * nginx asks again on another one if it was about to use it. */
bool conns_make_room(struct conns *conns, int64_t idle_ms);
/* Closes what is idle; the others when they have been answered. */
void conns_end(struct conns *conns);
/* Drops all of them, answered or not. */
void conns_close(struct conns *conns);

#endif
