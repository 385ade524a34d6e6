/* null-epoll - a FastCGI responder that says yes to everything, written by
 * hand for nothing else: one epoll loop, no library, and no check of anything
 * but where a request ends.
 *
 *   null-epoll SOCKET */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "answer.h"

#define EVENTS_MAX  64
#define CONNS_MAX   4096 /* by descriptor */
#define REQUEST_MAX 16384
#define STDIN_TYPE  5
#define HEADER_LEN  ((size_t)8)

struct conn {
	size_t len;
	unsigned char bytes[REQUEST_MAX];
};

static struct conn *conns[CONNS_MAX];
static unsigned char answer[2 * HEADER_LEN + BENCH_ANSWER_LEN + 16];
static size_t answer_len;

/* STDOUT with the text and padding to eight bytes, then END_REQUEST. */
static void
answer_make(void)
{
	size_t padding = (8 - BENCH_ANSWER_LEN % 8) % 8;
	unsigned char out[] = { 1, 6, 0, 1,
		(unsigned char)(BENCH_ANSWER_LEN >> 8),
		(unsigned char)BENCH_ANSWER_LEN, (unsigned char)padding, 0 };
	unsigned char end[] = { 1, 3, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0 };

	memcpy(answer, out, sizeof(out));
	memcpy(answer + sizeof(out), BENCH_ANSWER, BENCH_ANSWER_LEN);
	answer_len = sizeof(out) + BENCH_ANSWER_LEN + padding;
	memcpy(answer + answer_len, end, sizeof(end));
	answer_len += sizeof(end);
}

/* The empty STDIN record ends a request. */
static int
is_whole(const struct conn *c)
{
	size_t at = 0;

	while (at + HEADER_LEN <= c->len) {
		const unsigned char *h = c->bytes + at;
		size_t content = (size_t)(h[4] << 8 | h[5]);

		if (h[1] == STDIN_TYPE && content == 0)
			return 1;
		at += HEADER_LEN + content + h[6];
	}
	return 0;
}

static void
conn_close(int fd)
{
	free(conns[fd]);
	conns[fd] = NULL;
	close(fd);
}

static void
on_readable(int fd)
{
	struct conn *c = conns[fd];
	ssize_t got = read(fd, c->bytes + c->len, sizeof(c->bytes) - c->len);

	if (got <= 0) {
		conn_close(fd);
		return;
	}
	c->len += (size_t)got;
	if (!is_whole(c))
		return;
	c->len = 0;
	if (write(fd, answer, answer_len) != (ssize_t)answer_len)
		conn_close(fd);
}

static void
on_accept(int poll_fd, int listen_fd)
{
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0)
		return;
	if (fd >= CONNS_MAX ||
	    (conns[fd] = malloc(sizeof(struct conn))) == NULL ||
	    epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
		close(fd);
		return;
	}
	conns[fd]->len = 0;
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

int
main(int argc, char **argv)
{
	struct epoll_event events[EVENTS_MAX];
	struct epoll_event event = { .events = EPOLLIN };
	int poll_fd = epoll_create1(EPOLL_CLOEXEC);
	int listen_fd;

	if (argc != 2) {
		fprintf(stderr, "usage: null-epoll SOCKET\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	answer_make();
	listen_fd = listen_on(argv[1]);
	event.data.fd = listen_fd;
	if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, listen_fd, &event) != 0)
		return 1;
	for (;;) {
		int count = epoll_wait(poll_fd, events, EVENTS_MAX, -1);

		for (int i = 0; i < count; i++)
			if (events[i].data.fd == listen_fd)
				on_accept(poll_fd, listen_fd);
			else
				on_readable(events[i].data.fd);
	}
}
