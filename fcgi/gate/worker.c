#include "fcgi/gate/worker.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fcgi/gate/conn.h"
#include "fcgi/gate/control.h"
#include "fcgi/gate/libfcgi.h"
#include "fcgi/gate/sandbox.h"
#include "fcgi/process/times.h"
#include "fcgi/process/say.h"

#define PAUSE_MS     50 /* without descriptors, before the next accept */
#define WARM_MS	     200 /* at most, before the first accept */
#define WARM_STEP_MS 1

struct worker {
	const struct setup *setup;
	struct workplace at;
	struct counts *counts; /* of our place */
	struct view_counts counted; /* of the view, until now */
	struct event_base *loop;
	struct control *control;
	struct view *view;
	struct judge judge;
	struct conns conns;
	size_t conns_max;
	int64_t warm_until_ms;
	struct event *accept;
	struct event *resume; /* accepting, after a pause */
	struct event *on_term;
	struct event *on_int;
	struct event *limit; /* of what is in flight when we end */
	struct event *count; /* the view, now and then */
	struct say_once stranger;
	struct say_once crowded;
	struct say_once no_fd;
};

/* --- Accepting ----------------------------------------------------------- */

/* The socket's mode is the first door, this is the second. */
static bool
peer_is_let_in(struct worker *w, int fd)
{
	struct ucred peer = { .uid = NO_UID };
	socklen_t len = sizeof(peer);

	if (w->setup->peer == NO_UID)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	    (peer.uid == w->setup->peer || peer.uid == 0 ||
		peer.uid == geteuid()))
		return true;
	counts_add(w->counts, COUNT_STRANGERS, 1);
	if (say_now(&w->stranger))
		say("peer_refused",
		    "user %ld connected, who is not gate.peer_user, and was "
		    "sent away",
		    (long)peer.uid);
	return false;
}

/* Over the bound a new connection takes the place of one that nobody uses. If
 * all are in use it is closed at once: nginx then says no, fast. */
static bool
has_room(struct worker *w)
{
	if (w->conns.count < w->conns_max ||
	    conns_make_room(&w->conns, CONN_IDLE_MS))
		return true;
	counts_add(w->counts, COUNT_CROWDED, 1);
	if (say_now(&w->crowded))
		say("connections_many",
		    "more than %zu connections, the new ones are closed; "
		    "look at keepalive in nginx, or raise the limit on open "
		    "files",
		    w->conns_max);
	return false;
}

/* EMFILE and its like pass; accepting goes on when they have. */
static void
accept_pause(struct worker *w, int why)
{
	const struct timeval pause = timeval_ms(PAUSE_MS);

	if (say_now(&w->no_fd))
		say("accept_failed",
		    "a connection cannot be taken: %s; trying again",
		    strerror(why));
	event_del(w->accept);
	event_add(w->resume, &pause);
}

/* A worker that has just begun leaves requests to the others until it has
 * met Redis; but not for long, since there may be no others and no Redis. */
static bool
is_warming(const struct worker *w)
{
	struct view_counts counts;

	view_count(w->view, &counts);
	return !counts.connected && monotonic_ms() < w->warm_until_ms;
}

static void
on_resume(evutil_socket_t fd, short what, void *context)
{
	const struct timeval step = timeval_ms(WARM_STEP_MS);
	struct worker *w = context;

	(void)fd;
	(void)what;
	if (w->conns.ending)
		return;
	if (is_warming(w))
		event_add(w->resume, &step);
	else
		event_add(w->accept, NULL);
}

static void
on_accept(evutil_socket_t listen_fd, short what, void *context)
{
	struct worker *w = context;

	(void)what;
	for (int i = 0; i < ACCEPTS_A_ROUND; i++) {
		int fd = accept4(
		    listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 && (errno == EAGAIN || errno == ECONNABORTED ||
				  errno == EINTR))
			return;
		if (fd < 0) {
			accept_pause(w, errno);
			return;
		}
		if (!peer_is_let_in(w, fd) || !has_room(w)) {
			close(fd);
			continue;
		}
		counts_add(w->counts, COUNT_CONNECTIONS, 1);
		conn_open(&w->conns, fd);
	}
}

/* --- Counting ------------------------------------------------------------ */

static void
on_count(evutil_socket_t fd, short what, void *context)
{
	struct worker *w = context;
	struct counts *counts = w->counts;
	struct view_counts now;

	(void)fd;
	(void)what;
	view_count(w->view, &now);
	counts_add(counts, COUNT_HITS, now.hits - w->counted.hits);
	counts_add(counts, COUNT_ASKED, now.asked - w->counted.asked);
	counts_add(counts, COUNT_BAD_RECORDS,
	    now.refused_records - w->counted.refused_records);
	w->counted = now;
	counts_set(counts, GAUGE_ALIVE_MS, monotonic_ms());
	if (w->conns.ending)
		return;
	counts_set(counts, GAUGE_CONNECTIONS, (int64_t)w->conns.count);
	counts_set(counts, GAUGE_CACHE_BYTES, now.cache_bytes);
	counts_set(counts, GAUGE_CACHE_RECORDS, now.cache_records);
	counts_set(counts, GAUGE_GENERATION, now.generation);
	counts_set(counts, GAUGE_CONNECTED, now.connected);
	counts_set(counts, GAUGE_TRUSTED, now.trusted);
	counts_set(counts, GAUGE_FRESH_MS, now.trusted_ms);
}

static bool
count_begin(struct worker *w)
{
	const struct timeval every = timeval_ms(COUNT_EVERY_MS);

	counts_add(w->counts, COUNT_STARTS, 1);
	counts_set(w->counts, GAUGE_PID, getpid());
	counts_set(w->counts, GAUGE_STARTED_S, wall_ms() / 1000);
	on_count(-1, 0, w);
	w->count = event_new(w->loop, -1, EV_PERSIST, on_count, w);
	return w->count != NULL && event_add(w->count, &every) == 0;
}

/* The place may be another worker's by now. */
static void
count_end(struct worker *w)
{
	if (w->view == NULL)
		return;
	on_count(-1, 0, w);
	if (counts_gauge(w->counts, GAUGE_PID) == getpid())
		counts_set(w->counts, GAUGE_PID, 0);
}

/* --- Ending -------------------------------------------------------------- */

static void
on_limit(evutil_socket_t fd, short what, void *context)
{
	struct worker *w = context;

	(void)fd;
	(void)what;
	event_base_loopbreak(w->loop);
}

static void
on_closed(void *context)
{
	struct worker *w = context;

	if (w->conns.ending && w->conns.count == 0)
		event_base_loopbreak(w->loop);
}

static void
on_end(evutil_socket_t signal_number, short what, void *context)
{
	struct worker *w = context;
	const struct timeval limit = timeval_ms(FINISH_WAIT_MS);

	(void)signal_number;
	(void)what;
	if (w->conns.ending)
		return;
	event_del(w->accept);
	event_del(w->resume);
	control_close(w->control);
	w->control = NULL;
	event_add(w->limit, &limit);
	conns_end(&w->conns);
	on_closed(w);
}

/* --- Starting ------------------------------------------------------------ */

static void
on_view_event(void *context, const char *code, const char *text)
{
	(void)context;
	say(code, "%s", text);
}

static size_t
connections_max(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    limit.rlim_cur <= 2 * DESCRIPTORS_KEPT)
		return DESCRIPTORS_KEPT / 2;
	if (limit.rlim_cur - DESCRIPTORS_KEPT > CONNECTIONS_MAX)
		return CONNECTIONS_MAX;
	return (size_t)limit.rlim_cur - DESCRIPTORS_KEPT;
}

/* After FCGX_Init(), which brings handlers of its own. The terminal's and the
 * operator's other signals are the master's business. */
static bool
signals_make(struct worker *w)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	w->on_term = evsignal_new(w->loop, SIGTERM, on_end, w);
	w->on_int = evsignal_new(w->loop, SIGINT, on_end, w);
	return w->on_term != NULL && w->on_int != NULL &&
	       event_add(w->on_term, NULL) == 0 &&
	       event_add(w->on_int, NULL) == 0;
}

static bool
events_make(struct worker *w)
{
	const struct timeval warm_step = timeval_ms(WARM_STEP_MS);

	w->warm_until_ms = monotonic_ms() + WARM_MS;
	w->accept = event_new(
	    w->loop, w->at.listen_fd, EV_READ | EV_PERSIST, on_accept, w);
	w->resume = event_new(w->loop, -1, 0, on_resume, w);
	w->limit = event_new(w->loop, -1, 0, on_limit, w);
	return w->accept != NULL && w->resume != NULL && w->limit != NULL &&
	       signals_make(w) && event_add(w->resume, &warm_step) == 0;
}

static bool
worker_open(struct worker *w, struct err *err)
{
	/* malloc() sweeps up its fast bins for each block of a page or more,
	 * and libfcgi takes three of those a request. */
	mallopt(M_MXFAST, 0);
	w->loop = event_base_new();
	if (w->loop == NULL || !libfcgi_init())
		return err_set(err, ERR_BUG, "worker_start",
		    "a worker: cannot make its event loop");
	if (!view_open(&w->view, w->loop, &w->setup->view, err))
		return false;
	view_on_event(w->view, on_view_event, NULL);
	judge_init(&w->judge, w->setup, w->view, w->counts);
	w->conns.loop = w->loop;
	w->conns.judge = &w->judge;
	w->conns.closed = on_closed;
	w->conns.context = w;
	w->conns_max = connections_max();
	if (!control_open(&w->control, w->loop, w->at.control_fd,
		w->at.metrics_fd, w->at.board, err))
		return false;
	return (events_make(w) && count_begin(w)) ||
	       err_set(err, ERR_BUG, "worker_start",
		   "a worker: cannot watch its socket");
}

/* What still waits for the view is answered by view_close(), as not known. */
static void
worker_close(struct worker *w)
{
	struct event *events[] = { w->accept, w->resume, w->limit, w->count,
		w->on_term, w->on_int };

	w->conns.ending = true;
	count_end(w);
	control_close(w->control);
	view_close(w->view);
	conns_close(&w->conns);
	judge_free(&w->judge);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (events[i] != NULL)
			event_free(events[i]);
	if (w->loop != NULL)
		event_base_free(w->loop);
	free(w);
}

int
worker_run(const struct setup *setup, const struct workplace *at,
    const sigset_t *blocked)
{
	struct worker *w = calloc(1, sizeof(*w));
	struct err err = { 0 };
	bool ok;

	if (w == NULL)
		return err_exit_status(ERR_BUG);
	w->setup = setup;
	w->at = *at;
	w->counts = board_slot(at->board, at->place);
	ok = worker_open(w, &err) &&
	     sandbox_enter((enum sandbox)setup->config.gate.sandbox, &err);
	if (ok) {
		sigprocmask(SIG_UNBLOCK, blocked, NULL);
		event_base_dispatch(w->loop);
	} else
		say(err.code, "%s", err.text);
	worker_close(w);
	return ok ? EXIT_SUCCESS : err_exit_status(err.kind);
}
