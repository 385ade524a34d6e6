#include "fcgi/gate/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fcgi/gate/records.h"

enum state { CONN_READING, CONN_JUDGED };

struct conn {
	struct conns *all;
	struct conn *next;
	struct conn *previous;
	struct event *event;
	int fd;
	enum state state;
	bool more;  /* bytes came while a request was judged */
	bool dead;  /* close as soon as nothing of it is on the stack */
	int depth;  /* of conn_read() */
	int64_t partial_since_us; /* 0: nothing half-sent */
	FCGX_Request fcgi;
	struct request request;
};

static void conn_read(struct conn *c);

/* --- Opening and closing -------------------------------------------------- */

static void
conn_close(struct conn *c)
{
	if (c->next != NULL)
		c->next->previous = c->previous;
	if (c->previous != NULL)
		c->previous->next = c->next;
	else
		c->all->first = c->next;
	c->all->count--;
	event_free(c->event);
	if (c->fd >= 0)
		close(c->fd);
	arena_free(&c->request.arena);
	free(c);
}

static void
on_readable(evutil_socket_t fd, short what, void *context)
{
	struct conn *c = context;

	(void)fd;
	(void)what;
	if (c->state == CONN_JUDGED)
		c->more = true; /* an edge comes once: remember it */
	else
		conn_read(c);
}

void
conn_open(struct conns *conns, int fd)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c != NULL)
		c->event = event_new(conns->loop, fd,
		    EV_READ | EV_ET | EV_PERSIST, on_readable, c);
	if (c == NULL || c->event == NULL ||
	    event_add(c->event, NULL) != 0) {
		if (c != NULL && c->event != NULL)
			event_free(c->event);
		free(c);
		close(fd);
		return;
	}
	c->all = conns;
	c->fd = fd;
	c->request.judge = &conns->judge;
	c->next = conns->first;
	if (c->next != NULL)
		c->next->previous = c;
	conns->first = c;
	conns->count++;
}

/* --- One request ---------------------------------------------------------- */

/* What libfcgi would wait for or trip over is not there: records_walk() has
 * seen a whole request, and nothing behind it. The fields sit below "don't
 * use anything below here"; test_gate_conn holds them in place. */
static bool
fcgi_take(struct conn *c)
{
	FCGX_InitRequest(&c->fcgi, -1, FCGI_FAIL_ACCEPT_ON_INTR);
	c->fcgi.ipcFd = c->fd;
	c->fcgi.keepConnection = 1;
	return FCGX_Accept_r(&c->fcgi) >= 0;
}

/* What FCGX_Finish_r() does, but for the closing: the descriptor is ours.
 * False when the connection is not to be kept. */
static bool
fcgi_answer(struct conn *c, const char *text, size_t len)
{
	char rest[1024];
	bool keep = c->fcgi.keepConnection != 0;
	bool ok;

	while (FCGX_GetStr(rest, sizeof(rest), c->fcgi.in) > 0)
		;
	ok = FCGX_PutStr(text, (int)len, c->fcgi.out) == (int)len;
	ok = FCGX_FClose(c->fcgi.err) == 0 && ok;
	ok = FCGX_FClose(c->fcgi.out) == 0 && ok;
	ok = FCGX_GetError(c->fcgi.in) == 0 && ok;
	FCGX_Free(&c->fcgi, 0);
	return ok && keep;
}

static void
on_judged(struct request *request, struct verdict_said *said)
{
	struct conn *c =
	    (struct conn *)(void *)((char *)request -
				    offsetof(struct conn, request));
	char text[ANSWER_MAX];
	size_t len = answer_make(said, text);

	if (!fcgi_answer(c, text, len))
		c->dead = true;
	c->state = CONN_READING;
	c->all->judged--;
	/* From the event loop: nobody else will look at it again. */
	if (c->depth == 0)
		event_active(c->event, EV_READ, 0);
}

static void
judge_now(struct conn *c, struct str params)
{
	c->partial_since_us = 0;
	c->request.done = on_judged;
	c->request.started_us = monotonic_us();
	if (!fcgi_take(c)) {
		c->fd = -1; /* closed in there */
		c->dead = true;
		return;
	}
	c->state = CONN_JUDGED;
	c->all->judged++;
	request_judge(&c->request, params);
}

/* Looks at what waits. True when a request was judged and answered, and more
 * may be there. */
static bool
look(struct conn *c)
{
	static char bytes[RECORDS_MAX + 1];
	static char joined[RECORDS_MAX];
	struct str params;
	ssize_t got =
	    recv(c->fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got <= 0) {
		c->dead = true;
		return false;
	}
	switch (records_walk(
	    (struct str){ bytes, (size_t)got }, joined, &params)) {
	case RECORDS_MORE:
		if (c->partial_since_us == 0)
			c->partial_since_us = monotonic_us();
		return false;
	case RECORDS_REFUSED:
		c->dead = true;
		return false;
	case RECORDS_WHOLE:
		break;
	}
	c->more = false;
	judge_now(c, params);
	return c->state == CONN_READING && !c->dead && c->more;
}

static void
conn_read(struct conn *c)
{
	c->depth++;
	if (c->state == CONN_READING && !c->dead) {
		/* What the last request needed. */
		arena_reset(&c->request.arena);
		while (look(c))
			arena_reset(&c->request.arena);
	}
	c->depth--;
	if (c->state == CONN_READING &&
	    (c->dead || (c->all->ending && c->partial_since_us == 0)))
		conn_close(c);
}

/* --- All of them ---------------------------------------------------------- */

void
conns_sweep(struct conns *conns)
{
	int64_t before_us = monotonic_us() - PARTIAL_MAX_MS * 1000;
	struct conn *next;

	for (struct conn *c = conns->first; c != NULL; c = next) {
		next = c->next;
		if (c->state == CONN_READING && c->partial_since_us != 0 &&
		    c->partial_since_us < before_us)
			conn_close(c);
	}
}

void
conns_end(struct conns *conns)
{
	struct conn *next;

	conns->ending = true;
	for (struct conn *c = conns->first; c != NULL; c = next) {
		next = c->next;
		if (c->state == CONN_READING)
			conn_read(c);
	}
}

void
conns_close(struct conns *conns)
{
	while (conns->first != NULL)
		conn_close(conns->first);
}
