#include "fcgi/gate/conn.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event_struct.h>
#include <fcgiapp.h>

#include "fcgi/gate/records.h"
#include "fcgi/process/times.h"

enum conn_state { CONN_READING = 0, CONN_JUDGED };

struct conn {
	struct conns *all;
	struct conn *next;
	struct conn *before;
	struct event readable;
	struct event late;
	int fd;
	enum conn_state state;
	bool keep; /* nginx wants to use it again */
	bool stirs; /* bytes came while a request was judged */
	FCGX_Request fcgi;
	struct request request;
};

/* --- Opening and closing ------------------------------------------------- */

static void
conn_close(struct conn *c)
{
	struct conns *all = c->all;

	if (c->next != NULL)
		c->next->before = c->before;
	if (c->before != NULL)
		c->before->next = c->next;
	else
		all->first = c->next;
	all->count--;
	event_del(&c->readable);
	event_del(&c->late);
	/* -1: libfcgi has closed it. */
	if (c->fd >= 0)
		close(c->fd);
	free(c);
	if (all->closed != NULL)
		all->closed(all->context);
}

/* What came is no request that we take. */
static void
conn_break(struct conn *c)
{
	counts_add(c->all->judge->counts, COUNT_BROKEN, 1);
	conn_close(c);
}

static void
late_set(struct conn *c)
{
	const struct timeval wait = timeval_ms(REQUEST_WAIT_MS);

	if (!event_pending(&c->late, EV_TIMEOUT, NULL))
		event_add(&c->late, &wait);
}

/* --- libfcgi ------------------------------------------------------------- */

/* It never waits here and never meets what it cannot bear, for records_walk()
 * has seen a whole request. The fields that are set stand below "don't use
 * anything below here" in fcgiapp.h; test_gate_conn holds them in place.
 * Detached: should it close the descriptor, then without a wait for nginx. */
static bool
fcgi_take(struct conn *c)
{
	FCGX_InitRequest(&c->fcgi, -1, FCGI_FAIL_ACCEPT_ON_INTR);
	c->fcgi.ipcFd = c->fd;
	c->fcgi.keepConnection = 1;
	c->fcgi.detached = 1;
	return FCGX_Accept_r(&c->fcgi) == 0;
}

/* What FCGX_Finish_r() does, but for the closing: the descriptor is ours. A
 * body that has not been read would break the next request. */
static bool
fcgi_answer(struct conn *c, const char *text, size_t len)
{
	char rest[1024];
	bool ok;

	while (FCGX_GetStr(rest, sizeof(rest), c->fcgi.in) > 0)
		;
	ok = FCGX_PutStr(text, (int)len, c->fcgi.out) == (int)len;
	ok = FCGX_FClose(c->fcgi.err) == 0 && ok;
	ok = FCGX_FClose(c->fcgi.out) == 0 && ok;
	ok = FCGX_GetError(c->fcgi.in) == 0 && ok;
	FCGX_Free(&c->fcgi, 0);
	return ok;
}

/* --- One request --------------------------------------------------------- */

static void
on_judged(struct request *request, const char *text, size_t len)
{
	struct conn *c =
	    (struct conn *)(void *)((char *)request -
				    offsetof(struct conn, request));
	bool ok = fcgi_answer(c, text, len);

	c->state = CONN_READING;
	if (!ok || !c->keep || c->all->ending)
		conn_close(c);
	else if (c->stirs) {
		c->stirs = false;
		event_active(&c->readable, EV_READ, 0);
	}
}

static void
conn_judge(struct conn *c)
{
	event_del(&c->late);
	if (!fcgi_take(c)) {
		c->fd = -1;
		conn_break(c);
		return;
	}
	c->state = CONN_JUDGED;
	c->request.judge = c->all->judge;
	c->request.done = on_judged;
	request_judge(&c->request, c->fcgi.envp);
}

/* Looks at what waits. The connection may be gone afterwards. */
static void
conn_look(struct conn *c)
{
	struct conns *all = c->all;
	ssize_t got = recv(
	    c->fd, all->bytes, sizeof(all->bytes), MSG_PEEK | MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		conn_close(c);
		return;
	}
	switch (records_walk(all->bytes, (size_t)got, &c->keep)) {
	case WALK_REFUSE:
		conn_break(c);
		break;
	case WALK_INCOMPLETE:
		late_set(c);
		break;
	case WALK_COMPLETE:
		conn_judge(c);
		break;
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *context)
{
	struct conn *c = context;

	(void)fd;
	(void)what;
	if (c->state == CONN_JUDGED)
		c->stirs = true; /* an edge comes only once */
	else
		conn_look(c);
}

static void
on_late(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	conn_break(context);
}

/* Edges, so that what is not whole yet does not make the loop spin. */
void
conn_open(struct conns *conns, int fd)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL ||
	    event_assign(&c->readable, conns->loop, fd,
		EV_READ | EV_ET | EV_PERSIST, on_readable, c) != 0 ||
	    evtimer_assign(&c->late, conns->loop, on_late, c) != 0 ||
	    event_add(&c->readable, NULL) != 0) {
		free(c);
		close(fd);
		return;
	}
	c->all = conns;
	c->fd = fd;
	c->next = conns->first;
	if (c->next != NULL)
		c->next->before = c;
	conns->first = c;
	conns->count++;
	late_set(c);
}

/* --- All of them --------------------------------------------------------- */

/* What has begun to come is waited for, what is whole is answered. */
void
conns_end(struct conns *conns)
{
	struct conn *next;

	conns->ending = true;
	for (struct conn *c = conns->first; c != NULL; c = next) {
		char byte;

		next = c->next;
		if (c->state == CONN_READING &&
		    recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
			conn_close(c);
	}
}

/* Those that are judged have been answered by view_close(). */
void
conns_close(struct conns *conns)
{
	while (conns->first != NULL)
		conn_close(conns->first);
}
