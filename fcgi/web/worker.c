#include "fcgi/web/worker.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcgios.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fcgi/process/say.h"
#include "fcgi/process/stop.h"
#include "fcgi/process/times.h"
#include "fcgi/web/limits.h"
#include "fcgi/web/problem.h"
#include "fcgi/web/site.h"

#define PAUSE_MS 100 /* when connections cannot be taken */

struct worker {
	struct web web;
	int listen_fd;
	struct say_once stranger;
	struct say_once no_fd;
};

/* --- One request ---------------------------------------------------------- */

static void
answer(struct worker *w, FCGX_Request *fcgi)
{
	struct request request = { 0 };
	struct response response = { 0 };
	struct err err = { 0 };
	char rest[4096];

	w->web.now_ms = wall_ms();
	if (request_read(&request, &w->web.arena, fcgi->envp, fcgi->in, &err))
		site_answer(&w->web, &request, &response);
	else
		problem_answer(&response, &w->web.arena, &err, NULL);
	/* What was not read would break the end of the request. */
	while (FCGX_GetStr(rest, sizeof(rest), fcgi->in) > 0)
		;
	response_write(
	    &response, fcgi->out, str_eq(request.method, STR("HEAD")));
	arena_reset(&w->web.arena);
}

static void
serve(struct worker *w, int fd)
{
	FCGX_Request fcgi;

	/* A descriptor that is there already is taken instead of accepting; it
	 * stays ours. */
	FCGX_InitRequest(&fcgi, -1, FCGI_FAIL_ACCEPT_ON_INTR);
	fcgi.ipcFd = fd;
	fcgi.keepConnection = 1;
	fcgi.detached = 1;
	if (FCGX_Accept_r(&fcgi) != 0)
		return;
	answer(w, &fcgi);
	FCGX_FClose(fcgi.err);
	FCGX_FClose(fcgi.out);
	FCGX_Free(&fcgi, 0);
}

/* --- Accepting ------------------------------------------------------------ */

/* The socket's mode is the first door, this is the second. */
static bool
peer_is_let_in(struct worker *w, int fd)
{
	uid_t wanted = w->web.setup->peer;
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(peer);

	if (wanted == (uid_t)-1)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	    (peer.uid == wanted || peer.uid == 0 || peer.uid == geteuid()))
		return true;
	if (say_now(&w->stranger))
		say("peer_refused",
		    "user %ld connected, who is not web.peer_user, and was "
		    "sent away",
		    (long)peer.uid);
	return false;
}

static bool
time_bound(int fd)
{
	const struct timeval wait = { .tv_sec = PEER_WAIT_S };

	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) ==
		   0 &&
	       setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) ==
		   0;
}

/* Another worker may have been quicker. */
static void
take_one(struct worker *w)
{
	int fd = accept4(w->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0) {
		if (peer_is_let_in(w, fd) && time_bound(fd))
			serve(w, fd);
		close(fd);
		return;
	}
	if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return;
	if (say_now(&w->no_fd))
		say("accept_failed",
		    "a connection cannot be taken: %s; trying again",
		    strerror(errno));
	poll(NULL, 0, PAUSE_MS);
}

int
web_worker_run(
    const struct web_setup *setup, int listen_fd, const sigset_t *blocked)
{
	struct worker w = { .listen_fd = listen_fd };
	struct err err = { 0 };
	struct pollfd wait = { .fd = listen_fd, .events = POLLIN };

	if (FCGX_Init() != 0 || !stop_watch())
		err_set(
		    &err, ERR_BUG, "worker_start", "a worker: cannot begin");
	else if (web_open(&w.web, setup, &err))
		while (!stop_wait(&wait, -1, blocked))
			if ((wait.revents & POLLIN) != 0)
				take_one(&w);
	if (err.kind != ERR_NONE)
		say(err.code, "%s", err.text);
	web_close(&w.web);
	return err_exit_status(err.kind);
}
