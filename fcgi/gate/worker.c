#include "fcgi/gate/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fcgi/gate/conn.h"

#define ACCEPTS_A_ROUND 64
#define SPARE_FDS	32 /* Redis, log, epoll, libfcgi */
#define CONNS_MAX	8192
#define SWEEP_MS	500
#define PAUSE_MS	50 /* without descriptors, before the next accept */
#define ENDING_MAX_S	5

struct worker {
	const struct setup *setup;
	struct event_base *loop;
	struct view *view;
	struct conns conns;
	size_t conns_max;
	int listen_fd;
	struct event *accept;
	struct event *resume; /* accepting, after a pause */
	struct event *sweep;
	struct event *on_term;
	struct event *deadline;
};

static void
say(void *context, const char *code, const char *text)
{
	(void)context;
	fprintf(stderr, "rolegated: %s [%s]\n", text, code);
}

/* --- Accepting ------------------------------------------------------------ */

/* The socket's mode is the first door, this is the second. */
static bool
peer_is_let_in(const struct worker *w, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (w->setup->peer == NO_UID)
		return true;
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == w->setup->peer || peer.uid == geteuid());
}

static void
accept_pause(struct worker *w)
{
	const struct timeval pause = { 0, PAUSE_MS * 1000 };

	event_del(w->accept);
	event_add(w->resume, &pause);
}

static void
on_resume(evutil_socket_t fd, short what, void *context)
{
	struct worker *w = context;

	(void)fd;
	(void)what;
	if (!w->conns.ending)
		event_add(w->accept, NULL);
}

static void
on_accept(evutil_socket_t listen_fd, short what, void *context)
{
	struct worker *w = context;

	(void)what;
	for (int i = 0; i < ACCEPTS_A_ROUND; i++) {
		int fd;

		if (w->conns.count >= w->conns_max) {
			accept_pause(w);
			return;
		}
		fd = accept4(
		    listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && (errno == EAGAIN || errno == ECONNABORTED ||
				  errno == EINTR))
			return;
		if (fd < 0) { /* EMFILE and its like pass */
			accept_pause(w);
			return;
		}
		if (peer_is_let_in(w, fd))
			conn_open(&w->conns, fd);
		else {
			say(NULL, "peer_refused",
			    "the socket: a user other than gate.peer_user "
			    "connected and was sent away");
			close(fd);
		}
	}
}

/* --- Ending --------------------------------------------------------------- */

static void
end_if_done(struct worker *w)
{
	if (w->conns.ending && w->conns.count == 0)
		event_base_loopbreak(w->loop);
}

static void
on_sweep(evutil_socket_t fd, short what, void *context)
{
	struct worker *w = context;

	(void)fd;
	(void)what;
	conns_sweep(&w->conns);
	end_if_done(w);
}

static void
on_deadline(evutil_socket_t fd, short what, void *context)
{
	struct worker *w = context;

	(void)fd;
	(void)what;
	event_base_loopbreak(w->loop);
}

static void
on_term(evutil_socket_t signal_number, short what, void *context)
{
	struct worker *w = context;
	const struct timeval limit = { ENDING_MAX_S, 0 };
	const struct timeval soon = { 0, 20000 };

	(void)signal_number;
	(void)what;
	if (w->conns.ending)
		return;
	event_del(w->accept);
	event_del(w->resume);
	event_add(w->deadline, &limit);
	event_del(w->sweep);
	event_add(w->sweep, &soon);
	conns_end(&w->conns);
	end_if_done(w);
}

/* --- Starting ------------------------------------------------------------- */

static size_t
conns_max(void)
{
	struct rlimit limit = { 0 };

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    limit.rlim_cur <= 2 * SPARE_FDS)
		return SPARE_FDS / 2;
	return limit.rlim_cur - SPARE_FDS < CONNS_MAX
		   ? (size_t)limit.rlim_cur - SPARE_FDS
		   : CONNS_MAX;
}

static bool
events_make(struct worker *w)
{
	const struct timeval sweep = { 0, SWEEP_MS * 1000 };

	w->accept = event_new(w->loop, w->listen_fd, EV_READ | EV_PERSIST,
	    on_accept, w);
	w->resume = event_new(w->loop, -1, 0, on_resume, w);
	w->sweep = event_new(w->loop, -1, EV_PERSIST, on_sweep, w);
	w->deadline = event_new(w->loop, -1, 0, on_deadline, w);
	w->on_term = evsignal_new(w->loop, SIGTERM, on_term, w);
	return w->accept != NULL && w->resume != NULL && w->sweep != NULL &&
	       w->deadline != NULL && w->on_term != NULL &&
	       event_add(w->on_term, NULL) == 0 &&
	       event_add(w->sweep, &sweep) == 0 &&
	       event_add(w->accept, NULL) == 0;
}

/* libfcgi waits for the peer of a connection that it closes, and a failed
 * write to one must not end us. */
static bool
fcgi_prepare(void)
{
	signal(SIGPIPE, SIG_IGN);
	return setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "0", 1) == 0 &&
	       FCGX_Init() == 0;
}

static bool
worker_open(struct worker *w, struct err *err)
{
	w->loop = event_base_new();
	if (w->loop == NULL || !fcgi_prepare())
		return err_set(err, ERR_BUG, "worker_start",
		    "a worker: cannot make its event loop");
	if (!view_open(&w->view, w->loop, &w->setup->view, err))
		return false;
	view_on_event(w->view, say, NULL);
	w->conns.loop = w->loop;
	judge_init(&w->conns.judge, w->setup, w->view);
	w->conns_max = conns_max();
	return events_make(w) ||
	       err_set(err, ERR_BUG, "worker_start",
		   "a worker: cannot watch its socket");
}

/* Waiting requests are answered by view_close(), as not known. */
static void
worker_close(struct worker *w)
{
	struct event *events[] = { w->accept, w->resume, w->sweep,
		w->deadline, w->on_term };

	if (w->view != NULL)
		view_close(w->view);
	conns_close(&w->conns);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (events[i] != NULL)
			event_free(events[i]);
	if (w->loop != NULL)
		event_base_free(w->loop);
}

int
worker_run(const struct setup *setup, int listen_fd)
{
	struct worker w = { .setup = setup, .listen_fd = listen_fd };
	struct err err = { 0 };
	bool ok = worker_open(&w, &err);

	if (ok)
		event_base_dispatch(w.loop);
	else
		say(NULL, err.code, err.text);
	worker_close(&w);
	return ok ? EXIT_SUCCESS : err_exit_status(err.kind);
}
