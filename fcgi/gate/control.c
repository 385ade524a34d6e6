#include "fcgi/gate/control.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/listener.h>

#include "fcgi/gate/limits.h"
#include "fcgi/gate/report.h"
#include "fcgi/process/times.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

#define PAUSE_MS     100

struct control {
	struct event_base *loop;
	struct board *board;
	struct evconnlistener *listener;
	struct evhttp *http;
	struct evconnlistener *http_listener; /* its own */
	struct event *resume;
	struct bufferevent *peers[CONTROL_PEERS_MAX];
};

/* --- The report ----------------------------------------------------------- */

static bool
report_add(struct control *c, struct evbuffer *out,
    void (*report)(FILE *out, struct board *board))
{
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);
	bool ok = file != NULL;

	if (ok) {
		report(file, c->board);
		ok = fclose(file) == 0 && evbuffer_add(out, text, len) == 0;
	}
	free(text);
	return ok;
}

/* --- gate.control --------------------------------------------------------- */

/* The place of a peer; of NULL, a free one. CONTROL_PEERS_MAX: none. */
static int
place_of(const struct control *c, const struct bufferevent *peer)
{
	int place = 0;

	while (place < CONTROL_PEERS_MAX && c->peers[place] != peer)
		place++;
	return place;
}

static void
peer_close(struct bufferevent *peer, struct control *c)
{
	c->peers[place_of(c, peer)] = NULL;
	bufferevent_free(peer);
}

static void
on_written(struct bufferevent *peer, void *context)
{
	peer_close(peer, context);
}

static void
on_gone(struct bufferevent *peer, short what, void *context)
{
	(void)what;
	peer_close(peer, context);
}

/* The socket's mode is the first door, this is the second. */
static bool
is_operator(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static void
on_control(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *address, int len, void *context)
{
	const struct timeval wait = { .tv_sec = CONTROL_WAIT_S };
	struct control *c = context;
	struct bufferevent *peer = NULL;
	int place = place_of(c, NULL);

	(void)listener;
	(void)address;
	(void)len;
	if (place < CONTROL_PEERS_MAX && is_operator(fd))
		peer =
		    bufferevent_socket_new(c->loop, fd, BEV_OPT_CLOSE_ON_FREE);
	if (peer == NULL) {
		close(fd);
		return;
	}
	c->peers[place] = peer;
	bufferevent_setcb(peer, NULL, on_written, on_gone, c);
	bufferevent_set_timeouts(peer, &wait, &wait);
	if (!report_add(c, bufferevent_get_output(peer), report_json))
		peer_close(peer, c);
}

/* --- gate.metrics --------------------------------------------------------- */

static void
on_metrics(struct evhttp_request *request, void *context)
{
	struct evbuffer *out = evhttp_request_get_output_buffer(request);

	if (!report_add(context, out, report_metrics)) {
		evhttp_send_error(request, HTTP_INTERNAL, NULL);
		return;
	}
	evhttp_add_header(evhttp_request_get_output_headers(request),
	    "Content-Type", METRICS_TYPE);
	evhttp_send_reply(request, HTTP_OK, NULL, NULL);
}

/* --- Out of descriptors --------------------------------------------------- */

static void
on_resume(evutil_socket_t fd, short what, void *context)
{
	struct control *c = context;

	(void)fd;
	(void)what;
	if (c->listener != NULL)
		evconnlistener_enable(c->listener);
	if (c->http_listener != NULL)
		evconnlistener_enable(c->http_listener);
}

/* The one of this process: evhttp's listener hands on its own context. */
static struct control *only;

/* It passes, and must not keep the loop busy until then. */
static void
on_accept_error(struct evconnlistener *listener, void *context)
{
	const struct timeval pause = timeval_ms(PAUSE_MS);

	(void)context;
	evconnlistener_disable(listener);
	event_add(only->resume, &pause);
}

/* --- Opening -------------------------------------------------------------- */

static bool
metrics_open(struct control *c, int fd)
{
	struct evhttp_bound_socket *bound;

	c->http = evhttp_new(c->loop);
	if (c->http == NULL)
		return false;
	evhttp_set_timeout(c->http, CONTROL_WAIT_S);
	evhttp_set_max_headers_size(c->http, CONTROL_BYTES_MAX);
	evhttp_set_max_body_size(c->http, 0);
	evhttp_set_allowed_methods(c->http, EVHTTP_REQ_GET);
	if (evhttp_set_cb(c->http, "/metrics", on_metrics, c) != 0)
		return false;
	bound = evhttp_accept_socket_with_handle(c->http, fd);
	if (bound == NULL)
		return false;
	c->http_listener = evhttp_bound_socket_get_listener(bound);
	evconnlistener_set_error_cb(c->http_listener, on_accept_error);
	return true;
}

bool
control_open(struct control **out, struct event_base *loop, int control_fd,
    int metrics_fd, struct board *board, struct err *err)
{
	struct control *c = calloc(1, sizeof(*c));
	bool ok = c != NULL;

	if (ok) {
		c->loop = loop;
		c->board = board;
		c->resume = event_new(loop, -1, 0, on_resume, c);
		ok = c->resume != NULL;
	}
	if (ok && control_fd >= 0) {
		c->listener = evconnlistener_new(
		    loop, on_control, c, LEV_OPT_CLOSE_ON_EXEC, 0, control_fd);
		ok = c->listener != NULL;
		if (ok)
			evconnlistener_set_error_cb(
			    c->listener, on_accept_error);
	}
	if (ok && metrics_fd >= 0)
		ok = metrics_open(c, metrics_fd);
	only = c;
	if (!ok) {
		control_close(c);
		return err_set(err, ERR_BUG, "worker_start",
		    "a worker: cannot watch gate.control and gate.metrics");
	}
	*out = c;
	return true;
}

void
control_close(struct control *control)
{
	if (control == NULL)
		return;
	for (int i = 0; i < CONTROL_PEERS_MAX; i++)
		if (control->peers[i] != NULL)
			bufferevent_free(control->peers[i]);
	if (control->listener != NULL)
		evconnlistener_free(control->listener);
	if (control->http != NULL)
		evhttp_free(control->http);
	if (control->resume != NULL)
		event_free(control->resume);
	free(control);
}
