/* null-loop - a FastCGI responder that says yes to everything, on the gate's
 * own connections: the same libevent loop, the same libfcgi, the same checks
 * of the bytes. What is missing is the judging, so what a gate is slower than
 * this is what a decision costs.
 *
 *   null-loop SOCKET */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "answer.h"
#include "fcgi/gate/conn.h"
#include "fcgi/gate/libfcgi.h"

void
request_judge(struct request *request, char *const *envp)
{
	(void)envp;
	request->done(request, BENCH_ANSWER, BENCH_ANSWER_LEN);
}

static int
listen_on(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	unlink(path);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd >= 0 &&
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    listen(fd, 4096) == 0)
		return fd;
	perror(path);
	exit(1);
}

static void
on_accept(evutil_socket_t listen_fd, short what, void *context)
{
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (fd >= 0)
		conn_open(context, fd);
}

int
main(int argc, char **argv)
{
	static struct counts counts;
	static struct judge judge = { .counts = &counts };
	static struct conns conns = { .judge = &judge };
	struct event *accept;

	if (argc != 2) {
		fprintf(stderr, "usage: null-loop SOCKET\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	conns.loop = event_base_new();
	if (conns.loop == NULL || !libfcgi_init())
		return 1;
	signal(SIGTERM, SIG_DFL);
	accept = event_new(conns.loop, listen_on(argv[1]), EV_READ | EV_PERSIST,
	    on_accept, &conns);
	if (accept == NULL || event_add(accept, NULL) != 0)
		return 1;
	return event_base_dispatch(conns.loop) == 0 ? 0 : 1;
}
