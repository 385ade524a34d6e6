#include "fcgi/gate/control.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event_struct.h>
#include <event2/listener.h>

#include "fcgi/gate/limits.h"
#include "fcgi/gate/report.h"
#include "fcgi/process/times.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define PAUSE_MS     100

/* Who has connected, until the answer is written or time is up. */
struct peer {
	struct door *door;
	struct bufferevent *stream; /* NULL: a free place */
	struct event late;
};

/* One of the sockets. */
struct door {
	struct control *control;
	struct evconnlistener *listener; /* NULL: it is not there */
	bool (*opened)(struct peer *peer); /* false: sent away */
	struct peer peers[CONTROL_PEERS_MAX];
};

struct control {
	struct event_base *loop;
	struct board *board;
	struct door status; /* gate.control */
	struct door metrics; /* gate.metrics */
	struct event *resume;
};

/* --- Peers ---------------------------------------------------------------- */

static void
peer_close(struct peer *peer)
{
	event_del(&peer->late);
	bufferevent_free(peer->stream);
	peer->stream = NULL;
}

static void
on_late(evutil_socket_t fd, short what, void *peer)
{
	(void)fd;
	(void)what;
	peer_close(peer);
}

static void
on_written(struct bufferevent *stream, void *peer)
{
	(void)stream;
	peer_close(peer);
}

static void
on_gone(struct bufferevent *stream, short what, void *peer)
{
	(void)stream;
	(void)what;
	peer_close(peer);
}

/* --- The report ----------------------------------------------------------- */

static bool
report_add(struct evbuffer *out, struct board *board,
    void (*report)(FILE *out, struct board *board))
{
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);
	bool ok = file != NULL;

	if (ok) {
		report(file, board);
		ok = fclose(file) == 0 && evbuffer_add(out, text, len) == 0;
	}
	free(text);
	return ok;
}

/* --- gate.control --------------------------------------------------------- */

/* The socket's mode is the first door, this is the second. */
static bool
is_operator(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

/* Nothing is read from it. */
static bool
status_opened(struct peer *peer)
{
	bufferevent_setcb(peer->stream, NULL, on_written, on_gone, peer);
	return is_operator(bufferevent_getfd(peer->stream)) &&
	       report_add(bufferevent_get_output(peer->stream),
		   peer->door->control->board, report_json);
}

/* --- gate.metrics --------------------------------------------------------- */

/* One request a connection, of which only the first line matters. */
static bool
metrics_answer(struct evbuffer *out, const char *line, struct board *board)
{
	struct evbuffer *body = evbuffer_new();
	const char *status = "404 Not Found";
	bool ok = body != NULL;

	if (strncmp(line, "GET ", 4) != 0)
		status = "405 Method Not Allowed";
	else if (strncmp(line + 4, "/metrics HTTP/1.", 16) == 0) {
		status = "200 OK";
		ok = ok && report_add(body, board, report_metrics);
	}
	ok = ok &&
	     evbuffer_add_printf(out,
		 "HTTP/1.1 %s\r\nContent-Type: " METRICS_TYPE
		 "\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
		 status, evbuffer_get_length(body)) > 0 &&
	     evbuffer_add_buffer(out, body) == 0;
	if (body != NULL)
		evbuffer_free(body);
	return ok;
}

/* Once it is whole, nothing more is read. */
static void
on_request(struct bufferevent *stream, void *context)
{
	struct peer *peer = context;
	struct evbuffer *in = bufferevent_get_input(stream);
	struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
	char *line = NULL;

	if (end.pos < 0 && evbuffer_get_length(in) < CONTROL_BYTES_MAX)
		return;
	bufferevent_disable(stream, EV_READ);
	if (end.pos >= 0)
		line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF_STRICT);
	if (line == NULL || !metrics_answer(bufferevent_get_output(stream),
				line, peer->door->control->board))
		peer_close(peer);
	free(line);
}

static bool
metrics_opened(struct peer *peer)
{
	bufferevent_setcb(peer->stream, on_request, on_written, on_gone, peer);
	bufferevent_setwatermark(peer->stream, EV_READ, 0, CONTROL_BYTES_MAX);
	return bufferevent_enable(peer->stream, EV_READ) == 0;
}

/* --- Accepting ------------------------------------------------------------ */

static struct peer *
place_free(struct door *door)
{
	for (int i = 0; i < CONTROL_PEERS_MAX; i++)
		if (door->peers[i].stream == NULL)
			return &door->peers[i];
	return NULL;
}

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *address, int len, void *context)
{
	const struct timeval wait = { .tv_sec = CONTROL_WAIT_S };
	struct door *door = context;
	struct event_base *loop = door->control->loop;
	struct peer *peer = place_free(door);

	(void)listener;
	(void)address;
	(void)len;
	if (peer == NULL) {
		close(fd);
		return;
	}
	*peer = (struct peer){ .door = door };
	peer->stream = bufferevent_socket_new(loop, fd, BEV_OPT_CLOSE_ON_FREE);
	if (peer->stream == NULL) {
		close(fd);
		return;
	}
	evtimer_assign(&peer->late, loop, on_late, peer);
	if (evtimer_add(&peer->late, &wait) != 0 || !door->opened(peer))
		peer_close(peer);
}

static void
on_resume(evutil_socket_t fd, short what, void *context)
{
	struct control *c = context;

	(void)fd;
	(void)what;
	if (c->status.listener != NULL)
		evconnlistener_enable(c->status.listener);
	if (c->metrics.listener != NULL)
		evconnlistener_enable(c->metrics.listener);
}

/* Descriptors are out. It passes, and must not keep the loop busy until then.
 */
static void
on_accept_error(struct evconnlistener *listener, void *context)
{
	const struct timeval pause = timeval_ms(PAUSE_MS);
	struct door *door = context;

	evconnlistener_disable(listener);
	event_add(door->control->resume, &pause);
}

/* --- Opening -------------------------------------------------------------- */

static bool
door_open(struct door *door, struct control *c, int fd,
    bool (*opened)(struct peer *peer))
{
	door->control = c;
	door->opened = opened;
	if (fd < 0)
		return true;
	door->listener = evconnlistener_new(
	    c->loop, on_accept, door, LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (door->listener != NULL)
		evconnlistener_set_error_cb(door->listener, on_accept_error);
	return door->listener != NULL;
}

bool
control_open(struct control **out, struct event_base *loop, int control_fd,
    int metrics_fd, struct board *board, struct err *err)
{
	struct control *c = calloc(1, sizeof(*c));

	if (c != NULL) {
		c->loop = loop;
		c->board = board;
		c->resume = event_new(loop, -1, 0, on_resume, c);
	}
	if (c != NULL && c->resume != NULL &&
	    door_open(&c->status, c, control_fd, status_opened) &&
	    door_open(&c->metrics, c, metrics_fd, metrics_opened)) {
		*out = c;
		return true;
	}
	control_close(c);
	return err_set(err, ERR_BUG, "worker_start",
	    "a worker: cannot watch gate.control and gate.metrics");
}

static void
door_close(struct door *door)
{
	for (int i = 0; i < CONTROL_PEERS_MAX; i++)
		if (door->peers[i].stream != NULL)
			peer_close(&door->peers[i]);
	if (door->listener != NULL)
		evconnlistener_free(door->listener);
}

void
control_close(struct control *control)
{
	if (control == NULL)
		return;
	door_close(&control->status);
	door_close(&control->metrics);
	if (control->resume != NULL)
		event_free(control->resume);
	free(control);
}
