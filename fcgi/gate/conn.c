#include "fcgi/gate/conn.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event_struct.h>

#include "fcgi/gate/libfcgi.h"
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
	unsigned char *begun; /* what has come of a request, when not all has */
	size_t begun_len;
	FCGX_Request fcgi;
	struct request request;
};

/* --- Opening and closing ------------------------------------------------- */

/* Nothing is held between requests, so that a kept connection that is idle
 * costs nothing. */
static void
begun_drop(struct conn *c)
{
	free(c->begun);
	c->begun = NULL;
	c->all->begun_bytes -= c->begun_len;
	c->begun_len = 0;
}

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
	close(c->fd);
	begun_drop(c);
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

/* --- One request --------------------------------------------------------- */

static void
on_judged(struct request *request, const char *text, size_t len)
{
	struct conn *c =
	    (struct conn *)(void *)((char *)request -
				    offsetof(struct conn, request));
	bool ok = libfcgi_answer(&c->fcgi, text, len);

	c->state = CONN_READING;
	if (!ok || !c->keep || c->all->ending)
		conn_close(c);
	else if (c->stirs) {
		c->stirs = false;
		event_active(&c->readable, EV_READ, 0);
	}
}

/* A whole request of len bytes has come. */
static void
conn_judge(struct conn *c, size_t len)
{
	event_del(&c->late);
	if (!libfcgi_take(&c->fcgi, c->fd, c->all->bytes, len)) {
		conn_break(c);
		return;
	}
	c->state = CONN_JUDGED;
	c->keep = c->keep && len <= REQUEST_MAX;
	c->request.judge = c->all->judge;
	c->request.done = on_judged;
	c->request.too_long = len > REQUEST_MAX;
	request_judge(&c->request, c->fcgi.envp);
}

static bool
begun_keep(struct conn *c, size_t len)
{
	struct conns *all = c->all;
	size_t others = all->begun_bytes - c->begun_len;
	unsigned char *begun =
	    len <= BEGUN_BYTES_MAX - others ? realloc(c->begun, len) : NULL;

	if (begun == NULL)
		return false;
	memcpy(begun, all->bytes, len);
	all->begun_bytes = others + len;
	c->begun = begun;
	c->begun_len = len;
	return true;
}

/* Puts all that has come of a request into the bytes that the connections
 * share. As recv() otherwise. */
static ssize_t
conn_receive(struct conn *c)
{
	struct conns *all = c->all;
	size_t had = c->begun_len;
	ssize_t got = recv(
	    c->fd, all->bytes + had, sizeof(all->bytes) - had, MSG_DONTWAIT);

	if (got <= 0)
		return got;
	if (had > 0)
		memcpy(all->bytes, c->begun, had);
	return (ssize_t)had + got;
}

/* The connection may be gone afterwards. */
static void
conn_read(struct conn *c)
{
	ssize_t got = conn_receive(c);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		conn_close(c);
		return;
	}
	switch (records_walk(c->all->bytes, (size_t)got, &c->keep)) {
	case WALK_REFUSE:
		conn_break(c);
		break;
	case WALK_INCOMPLETE:
		if (begun_keep(c, (size_t)got))
			late_set(c);
		else
			conn_break(c);
		break;
	case WALK_COMPLETE:
		begun_drop(c);
		conn_judge(c, (size_t)got);
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
		conn_read(c);
}

static void
on_late(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	conn_break(context);
}

/* Edges, so that what comes while a request is judged does not make the loop
 * spin. */
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
	c->request.started_us = monotonic_us();
	c->next = conns->first;
	if (c->next != NULL)
		c->next->before = c;
	conns->first = c;
	conns->count++;
	late_set(c);
}

/* --- All of them --------------------------------------------------------- */

static bool
is_idle(const struct conn *c)
{
	return c->state == CONN_READING && c->begun == NULL;
}

bool
conns_make_room(struct conns *conns, int64_t idle_ms)
{
	struct conn *longest = NULL;

	for (struct conn *c = conns->first; c != NULL; c = c->next)
		if (is_idle(c) &&
		    (longest == NULL ||
			c->request.started_us < longest->request.started_us))
			longest = c;
	if (longest == NULL ||
	    monotonic_us() - longest->request.started_us < idle_ms * 1000)
		return false;
	conn_close(longest);
	return true;
}

/* What has begun to come is waited for, what is whole is answered. */
void
conns_end(struct conns *conns)
{
	struct conn *next;

	conns->ending = true;
	for (struct conn *c = conns->first; c != NULL; c = next) {
		char byte;

		next = c->next;
		if (is_idle(c) &&
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
