/* conn.h - one kept FastCGI connection of nginx.
 *
 * Shape:   reading (bytes are looked at, not taken) -> judged (libfcgi has
 *          taken a whole request, the view is asked) -> answered -> reading.
 * Bounds:  a request that is not whole after PARTIAL_MAX_MS closes the
 *          connection; one that has not been answered is never answered by
 *          another's words, since the request lives in its connection.
 * Owner:   the list of the worker; conn_close() takes it out and frees it. */
#ifndef ROLEGATE_GATE_CONN_H
#define ROLEGATE_GATE_CONN_H

#include <event2/event.h>
#include <fcgiapp.h>

#include "fcgi/gate/request.h"

#define PARTIAL_MAX_MS ((int64_t)2000)

struct conn;

struct conns {
	struct event_base *loop;
	struct judge judge;
	struct conn *first;
	size_t count;
	size_t judged; /* whose request waits for its answer */
	bool ending;   /* no further request is read */
};

/* Takes over the fd, which is closed when there is no memory. */
void conn_open(struct conns *conns, int fd);
/* Closes what has been half-sent for too long. */
void conns_sweep(struct conns *conns);
/* Answers what is there, closes what is idle. */
void conns_end(struct conns *conns);
/* Drops all of them, answered or not. */
void conns_close(struct conns *conns);

#endif
