/* load - asks one server over many kept connections, one request at a time on
 * each, and says what came back.
 *
 *   load [OPTIONS] SOCKET [NAME=VALUE ...]   FastCGI, straight at the socket
 *   load [OPTIONS] http:PORT PATH            HTTP on 127.0.0.1
 *
 *   -c N   connections (32)
 *   -s S   seconds (2)
 *   -n N   instead: N requests in all, {m} in order
 *   -m N   {m} in a value is a number from 1 to N at random, as seven digits
 *   -a N   {a} is the remainder of {m} by N, from 1 to N
 *   -r N   requests a second, in even steps (as many as it gets)
 *
 * NAME is a parameter without ROLEGATE_; what nginx/rolegate-server.conf sends
 * and is not named is empty. A request whose connection ends without an answer
 * is asked again on a new one, as nginx does, and its time goes on; so does
 * the time of a request that cannot be sent when it is due.
 *
 * Printed: a name and a number a line. Times are in microseconds. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CONNS_MAX  4096
#define EVENTS_MAX 64
#define BYTES_MAX  8192
#define PLACES_MAX 8 /* of one number in a request */
#define DIGITS	   7
#define US_MAX	   2000000 /* slower ones count as this */
#define SOON_NS	   100000
#define LATER_NS   50000000
#define NS_A_S	   INT64_C(1000000000)

struct places {
	size_t at[PLACES_MAX];
	int count;
};

struct request {
	unsigned char bytes[BYTES_MAX];
	size_t len;
	struct places member;
	struct places account;
};

struct conn {
	int fd; /* -1: to be made */
	bool busy;
	int64_t due_ns; /* of the request that is out */
	unsigned long member;
	unsigned long answered;
	size_t len;
	unsigned char bytes[BYTES_MAX];
};

struct load {
	struct sockaddr_storage address;
	socklen_t address_len;
	bool http;
	struct request request;
	struct conn *conns;
	int conns_count;
	int poll_fd;
	double seconds;
	unsigned long requests_max; /* 0: until the seconds are over */
	unsigned long members;
	unsigned long accounts;
	double rate; /* 0: no limit */
	bool unmade; /* a connection has to be made */
	int64_t start_ns;
	uint64_t random;
	unsigned long sent;
	unsigned long answered;
	unsigned long allowed;
	unsigned long denied;
	unsigned long reconnects;
	int64_t max_us;
	uint32_t *by_us;
};

static void
fail(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_A_S + t.tv_nsec;
}

/* --- The request ---------------------------------------------------------- */

static void
put(struct request *r, const void *bytes, size_t len)
{
	if (r->len + len > sizeof(r->bytes)) {
		errno = EMSGSIZE;
		fail("the request");
	}
	memcpy(r->bytes + r->len, bytes, len);
	r->len += len;
}

/* Digits in place of {m} and {a}, to be written over for each request. */
static size_t
put_value(struct request *r, const char *value)
{
	size_t from = r->len;

	while (*value != '\0') {
		bool is_member = strncmp(value, "{m}", 3) == 0;
		struct places *p = is_member ? &r->member : &r->account;

		if (!is_member && strncmp(value, "{a}", 3) != 0) {
			put(r, value++, 1);
			continue;
		}
		if (p->count < PLACES_MAX)
			p->at[p->count++] = r->len;
		put(r, "0000000", DIGITS);
		value += 3;
	}
	return r->len - from;
}

static void
put_pair(struct request *r, const char *name, const char *value)
{
	unsigned char lengths[2] = { 0, 0 };
	size_t at = r->len;

	put(r, lengths, sizeof(lengths));
	put(r, "ROLEGATE_", 9);
	put(r, name, strlen(name));
	r->bytes[at] = (unsigned char)(9 + strlen(name));
	r->bytes[at + 1] = (unsigned char)put_value(r, value);
}

static const char *
value_of(char *const *words, const char *name, const char *otherwise)
{
	size_t len = strlen(name);

	for (; *words != NULL; words++)
		if (strncmp(*words, name, len) == 0 && (*words)[len] == '=')
			return *words + len + 1;
	return otherwise;
}

static void
request_fcgi(struct request *r, char *const *words)
{
	static const char *const names[][2] = { { "COOKIE", "" },
		{ "AUTHORIZATION", "" }, { "ADDRESS", "127.0.0.1" },
		{ "TRUSTED_USER", "" }, { "METHOD", "GET" }, { "PATH", "/x" },
		{ "TARGET", "/x" }, { "PERMISSION", "" }, { "ACCOUNT", "" },
		{ "HOST", "127.0.0.1" } };
	size_t params;

	put(r, "\1\1\0\1\0\10\0\0\0\1\1\0\0\0\0\0", 16);
	params = r->len;
	put(r, "\1\4\0\1\0\0\0\0", 8);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		put_pair(
		    r, names[i][0], value_of(words, names[i][0], names[i][1]));
	r->bytes[params + 4] = (unsigned char)((r->len - params - 8) >> 8);
	r->bytes[params + 5] = (unsigned char)(r->len - params - 8);
	put(r, "\1\4\0\1\0\0\0\0\1\5\0\1\0\0\0\0", 16);
}

static void
request_http(struct request *r, const char *path)
{
	put(r, "GET ", 4);
	put_value(r, path);
	put_value(r, " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
}

static void
number_write(struct request *r, const struct places *places, unsigned long n)
{
	for (int i = 0; i < places->count; i++) {
		unsigned long rest = n;

		for (size_t d = DIGITS; d-- > 0; rest /= 10)
			r->bytes[places->at[i] + d] =
			    (unsigned char)('0' + rest % 10);
	}
}

/* --- Sending -------------------------------------------------------------- */

static unsigned long
member_next(struct load *l)
{
	if (l->requests_max > 0)
		return l->sent % l->members + 1;
	/* xorshift64: the same numbers in each run of this seed. */
	l->random ^= l->random << 13;
	l->random ^= l->random >> 7;
	l->random ^= l->random << 17;
	return (unsigned long)(l->random % l->members) + 1;
}

static void conn_send(struct load *l, struct conn *c);

/* It is made again a little later. */
static void
conn_drop(struct load *l, struct conn *c)
{
	close(c->fd);
	c->fd = -1;
	l->unmade = true;
}

static void
conn_open(struct load *l, struct conn *c)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
	int one = 1;

	c->len = 0;
	/* By TCP it is made at once, or not at all. */
	c->fd = socket(l->address.ss_family,
	    SOCK_STREAM | SOCK_CLOEXEC | (l->http ? 0 : SOCK_NONBLOCK), 0);
	if (c->fd < 0)
		fail("socket");
	if (l->http)
		setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(c->fd, (struct sockaddr *)&l->address, l->address_len) !=
		0 ||
	    epoll_ctl(l->poll_fd, EPOLL_CTL_ADD, c->fd, &event) != 0) {
		conn_drop(l, c);
		return;
	}
	if (c->busy)
		conn_send(l, c);
}

static void
conn_again(struct load *l, struct conn *c)
{
	conn_drop(l, c);
	if (c->busy)
		l->reconnects++;
	conn_open(l, c);
}

static void
conn_send(struct load *l, struct conn *c)
{
	struct request *r = &l->request;
	ssize_t sent;

	number_write(r, &r->member, c->member);
	number_write(r, &r->account, (c->member - 1) % l->accounts + 1);
	sent = send(c->fd, r->bytes, r->len, MSG_NOSIGNAL | MSG_DONTWAIT);
	/* What does not fit into a socket breaks a connection soon enough:
	 * requests are small. */
	if (sent != (ssize_t)r->len)
		conn_drop(l, c);
}

static bool
is_over(const struct load *l)
{
	return l->requests_max > 0
		   ? l->sent >= l->requests_max
		   : (double)(now_ns() - l->start_ns) > l->seconds * 1e9;
}

/* --- Receiving ------------------------------------------------------------ */

/* The status when the answer is whole, 0 when it is not, -1 when it is none. */
static int
answer_fcgi(const struct conn *c)
{
	size_t at = 0;
	int status = -1;

	while (at + 8 <= c->len) {
		const unsigned char *h = c->bytes + at;
		size_t content = (size_t)(h[4] << 8 | h[5]);

		if (at + 8 + content + h[6] > c->len)
			return 0;
		if (h[1] == 6 && content > 11 && status < 0 &&
		    memcmp(h + 8, "Status: ", 8) == 0)
			status = atoi((const char *)h + 16);
		if (h[1] == 3)
			return status;
		at += 8 + content + h[6];
	}
	return 0;
}

static int
answer_http(struct conn *c)
{
	char *text = (char *)c->bytes;
	char *end;
	char *length;

	text[c->len] = '\0';
	end = strstr(text, "\r\n\r\n");
	if (end == NULL)
		return 0;
	length = strstr(text, "Content-Length: ");
	if (length != NULL && length < end &&
	    c->len < (size_t)(end - text) + 4 +
			 (size_t)strtoul(length + 16, NULL, 10))
		return 0;
	return atoi(text + 9);
}

static void
answer_count(struct load *l, struct conn *c, int status)
{
	int64_t us = (now_ns() - c->due_ns) / 1000;

	l->answered++;
	c->answered++;
	if (status == 200 || status == 204)
		l->allowed++;
	else if (status == 401 || status == 403)
		l->denied++;
	if (us > l->max_us)
		l->max_us = us;
	l->by_us[us < 0 ? 0 : us < US_MAX ? us : US_MAX - 1]++;
}

/* The next request on this connection, if one is due. */
static void
conn_next(struct load *l, struct conn *c)
{
	int64_t now = now_ns();
	int64_t due =
	    l->rate > 0
		? l->start_ns + (int64_t)((double)l->sent / l->rate * 1e9)
		: now;

	if (c->busy || due > now || is_over(l))
		return;
	c->busy = true;
	c->due_ns = due;
	c->member = member_next(l);
	l->sent++;
	if (c->fd < 0)
		conn_open(l, c);
	else
		conn_send(l, c);
}

static void
on_readable(struct load *l, struct conn *c)
{
	ssize_t got = recv(c->fd, c->bytes + c->len,
	    sizeof(c->bytes) - 1 - c->len, MSG_DONTWAIT);
	int status;

	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		conn_again(l, c);
		return;
	}
	c->len += (size_t)got;
	status = l->http ? answer_http(c) : answer_fcgi(c);
	if (status == 0)
		return;
	c->len = 0;
	c->busy = false;
	answer_count(l, c, status);
	conn_next(l, c);
}

static bool
any_busy(const struct load *l)
{
	for (int i = 0; i < l->conns_count; i++)
		if (l->conns[i].busy)
			return true;
	return false;
}

/* Connections that could not be made are made now, and with a rate the ones
 * that have nothing to do get what is due. True: there is such work. */
static void
idle_ones(struct load *l)
{
	l->unmade = false;
	for (int i = 0; i < l->conns_count; i++) {
		struct conn *c = &l->conns[i];

		if (c->fd < 0)
			conn_open(l, c);
		else
			conn_next(l, c);
	}
}

static void
run(struct load *l)
{
	struct epoll_event events[EVENTS_MAX];

	l->start_ns = now_ns();
	idle_ones(l);
	while (!is_over(l) || any_busy(l)) {
		bool soon = l->unmade || l->rate > 0;
		const struct timespec wait = { .tv_nsec =
						   soon ? SOON_NS : LATER_NS };
		int count =
		    epoll_pwait2(l->poll_fd, events, EVENTS_MAX, &wait, NULL);

		for (int i = 0; i < count; i++)
			on_readable(l, events[i].data.ptr);
		if (soon || count == 0)
			idle_ones(l);
	}
}

/* --- What is said --------------------------------------------------------- */

static unsigned long
percentile(const struct load *l, double share)
{
	double left = (double)l->answered * share;
	unsigned long us = 0;

	while (us < US_MAX - 1 && (left -= l->by_us[us]) > 0)
		us++;
	return us;
}

static void
report(const struct load *l, double seconds)
{
	unsigned long most = 0;
	unsigned long least = l->conns[0].answered;

	for (int i = 0; i < l->conns_count; i++) {
		unsigned long n = l->conns[i].answered;

		most = n > most ? n : most;
		least = n < least ? n : least;
	}
	printf("answered %lu\nseconds %.6f\nallowed %lu\ndenied %lu\n"
	       "reconnects %lu\nluckiest %lu\nunluckiest %lu\n"
	       "p50 %lu\np99 %lu\nmax %lld\n",
	    l->answered, seconds, l->allowed, l->denied, l->reconnects, most,
	    least, percentile(l, 0.5), percentile(l, 0.99),
	    (long long)l->max_us);
}

/* --- Starting ------------------------------------------------------------- */

static void
address_set(struct load *l, const char *target)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&l->address;
	struct sockaddr_in *in = (struct sockaddr_in *)&l->address;

	l->http = strncmp(target, "http:", 5) == 0;
	if (l->http) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)atoi(target + 5));
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		l->address_len = sizeof(*in);
		return;
	}
	un->sun_family = AF_UNIX;
	snprintf(un->sun_path, sizeof(un->sun_path), "%s", target);
	l->address_len = sizeof(*un);
}

static bool
options_read(struct load *l, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "c:s:n:m:a:r:x:")) >= 0) {
		double n = optarg != NULL ? atof(optarg) : 0;

		if (option == 'c')
			l->conns_count = (int)n;
		else if (option == 's')
			l->seconds = n;
		else if (option == 'n')
			l->requests_max = (unsigned long)n;
		else if (option == 'm')
			l->members = (unsigned long)n;
		else if (option == 'a')
			l->accounts = (unsigned long)n;
		else if (option == 'r')
			l->rate = n;
		else if (option == 'x')
			l->random += (uint64_t)n * UINT64_C(0x9e3779b97f4a7c15);
		else
			return false;
	}
	return argc - optind >= 1 + (optind < argc && strncmp(argv[optind],
							  "http:", 5) == 0) &&
	       l->members > 0 && l->accounts > 0 && l->conns_count > 0 &&
	       l->conns_count <= CONNS_MAX;
}

int
main(int argc, char **argv)
{
	static struct load l = { .conns_count = 32,
		.seconds = 2,
		.members = 1,
		.accounts = 1,
		.random = 88172645463325252u };

	if (!options_read(&l, argc, argv)) {
		fprintf(stderr,
		    "usage: load [-c N] [-s S] [-n N] [-m N] [-a N] [-r N] [-x SEED] "
		    "SOCKET|http:PORT [NAME=VALUE ...|PATH]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	address_set(&l, argv[optind]);
	if (l.http)
		request_http(&l.request, argv[optind + 1]);
	else
		request_fcgi(&l.request, argv + optind + 1);
	l.poll_fd = epoll_create1(EPOLL_CLOEXEC);
	l.conns = calloc((size_t)l.conns_count, sizeof(*l.conns));
	l.by_us = calloc(US_MAX, sizeof(*l.by_us));
	if (l.poll_fd < 0 || l.conns == NULL || l.by_us == NULL)
		fail("memory");
	for (int i = 0; i < l.conns_count; i++)
		l.conns[i].fd = -1;
	for (int i = 0; i < l.conns_count; i++)
		conn_open(&l, &l.conns[i]);
	run(&l);
	report(&l, (double)(now_ns() - l.start_ns) / 1e9);
	return 0;
}
