/* asker.c - asks a gate again and again over many connections, and holds each
 * answer against the member that it asked for.
 *
 *   asker [-c LANES] [-n COUNT] [-s SECONDS] [-f FILE] [-q RATE] [-t TRIES]
 *       SOCKET|PORT MEMBERS
 *
 * SOCKET is the gate's own and is spoken to in FastCGI; PORT is that of an
 * nginx on loopback which has the gate behind it and an application that
 * answers "MEMBER ACCOUNT". MEMBERS has a line for each question: member,
 * account, permission and the reason that is due, "granted" for a yes.
 *
 * A lane has one request in flight, and takes the next member when it is
 * answered. One whose connection breaks is asked again, TRIES times (4) in
 * all, as nginx does. It ends when COUNT were asked, SECONDS are over and FILE
 * is there, and prints one line of JSON; RATE is how many it asks a second at
 * most.
 *
 *   crossed    answers that belong to another question
 *   failed     requests that got none
 *   last_allow_s  by CLOCK_MONOTONIC */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define IN_MAX	      16384
#define TIME_BINS     100000 /* of 0.1 ms each */
#define EVENTS_MAX    256
#define PATIENCE_US   10000000
#define LOOK_EVERY_US 1000

struct question {
	char *member;
	char *account;
	char *permission;
	char *reason;
	char *bytes;
	size_t len;
};

struct answer {
	int status;
	bool last; /* on this connection */
	char member[256];
	char account[256];
	char reason[64];
};

enum lane_state { LANE_IDLE = 0, LANE_ASKING };

struct lane {
	enum lane_state state;
	int fd;
	const struct question *question;
	int tries;
	size_t sent;
	size_t in_len;
	int64_t began_us; /* the question */
	int64_t wake_us; /* idle: when to go on */
	char in[IN_MAX];
};

struct run {
	const char *place;
	int port; /* 0: place is a socket */
	int lanes_max;
	int64_t count;
	int64_t seconds;
	const char *stop;
	int64_t rate;
	int tries;
	struct question *questions;
	size_t questions_len;
	struct lane *lanes;
	int epoll;
	int64_t started_us;
	int64_t ended_us;
	size_t next;
	bool ending;

	int64_t asked;
	int64_t allows;
	int64_t denies;
	int64_t unknowns;
	int64_t failed;
	int64_t retried;
	int64_t crossed;
	int64_t wrong_allows; /* to whom a no was due */
	int64_t wrong_denies;
	int64_t last_allow_us;
	int64_t longest_us;
	uint32_t times[TIME_BINS];
	char first_wrong[1024];
};

static void
die(const char *why)
{
	fprintf(stderr, "asker: %s: %s\n", why, strerror(errno));
	exit(2);
}

static int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* --- Questions ----------------------------------------------------------- */

static void
add_record(FILE *out, int type, const char *body, size_t len)
{
	const unsigned char head[8] = { 1, (unsigned char)type, 0, 1,
		(unsigned char)(len >> 8), (unsigned char)len, 0, 0 };

	fwrite(head, 1, sizeof(head), out);
	if (len > 0)
		fwrite(body, 1, len, out);
}

static void
add_param(FILE *out, const char *name, const char *value)
{
	/* All of ours are shorter than 128 bytes. */
	putc((int)(strlen("ROLEGATE_") + strlen(name)), out);
	putc((int)strlen(value), out);
	fprintf(out, "ROLEGATE_%s%s", name, value);
}

static void
fcgi_question(FILE *out, const struct question *q)
{
	static const char begin[8] = { 0, 1, 1 }; /* responder, kept */
	char *params = NULL;
	size_t len = 0;
	FILE *body = open_memstream(&params, &len);

	if (body == NULL)
		die("memory");
	add_param(body, "COOKIE", "");
	add_param(body, "TRUSTED_USER", q->member);
	add_param(body, "METHOD", "GET");
	add_param(body, "PATH", "/x");
	add_param(body, "TARGET", "/x");
	add_param(body, "PERMISSION", q->permission);
	add_param(body, "ACCOUNT", q->account);
	add_param(body, "HOST", "app");
	fclose(body);
	add_record(out, 1, begin, sizeof(begin));
	add_record(out, 4, params, len);
	add_record(out, 4, NULL, 0);
	add_record(out, 5, NULL, 0);
	free(params);
}

static void
http_question(FILE *out, const struct question *q)
{
	fprintf(out,
	    "GET /x?member=%s&account=%s&permission=%s HTTP/1.1\r\n"
	    "Host: app\r\n\r\n",
	    q->member, q->account, q->permission);
}

static bool
question_read(struct run *run, char *line, struct question *q)
{
	char *save = NULL;
	FILE *out;

	q->member = strtok_r(line, " \n", &save);
	q->account = strtok_r(NULL, " \n", &save);
	q->permission = strtok_r(NULL, " \n", &save);
	q->reason = strtok_r(NULL, " \n", &save);
	if (q->reason == NULL || strlen(line) > 100)
		return false;
	out = open_memstream(&q->bytes, &q->len);
	if (out == NULL)
		die("memory");
	if (run->port != 0)
		http_question(out, q);
	else
		fcgi_question(out, q);
	fclose(out);
	return true;
}

static void
questions_read(struct run *run, const char *path)
{
	FILE *in = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0;

	if (in == NULL)
		die(path);
	while (getline(&line, &cap, in) > 0) {
		size_t size =
		    (run->questions_len + 1) * sizeof(*run->questions);

		run->questions = realloc(run->questions, size);
		if (run->questions == NULL ||
		    !question_read(
			run, line, &run->questions[run->questions_len++])) {
			errno = EINVAL;
			die(path);
		}
		line = NULL; /* the question has it */
		cap = 0;
	}
	free(line);
	fclose(in);
	if (run->questions_len == 0) {
		errno = EINVAL;
		die(path);
	}
}

/* --- Answers ------------------------------------------------------------- */

enum taken { TAKEN_BROKEN = -1, TAKEN_MORE = 0, TAKEN_ALL = 1 };

/* The value of a header, or "". */
static void
header(const char *head, const char *name, char *out, size_t size)
{
	size_t len = strlen(name);

	*out = '\0';
	for (const char *at = head; at != NULL;
	     at = strstr(at, "\r\n"), at = at != NULL ? at + 2 : NULL) {
		if (strncasecmp(at, name, len) != 0)
			continue;
		snprintf(
		    out, size, "%.*s", (int)strcspn(at + len, "\r"), at + len);
		return;
	}
}

static enum taken
fcgi_answer(struct lane *lane, struct answer *answer)
{
	const unsigned char *in = (const unsigned char *)lane->in;
	char text[IN_MAX];
	char status[64];
	size_t text_len = 0;
	size_t at = 0;

	for (;;) {
		const unsigned char *head = in + at;
		size_t len;

		if (lane->in_len - at < 8)
			return TAKEN_MORE;
		len = ((size_t)head[4] << 8) + head[5];
		if (lane->in_len - at < 8 + len + head[6])
			return TAKEN_MORE;
		if (head[0] != 1 || head[2] != 0 || head[3] != 1)
			return TAKEN_BROKEN;
		if (head[1] == 6) {
			memcpy(text + text_len, head + 8, len);
			text_len += len;
		}
		at += 8 + len + head[6];
		if (head[1] == 3)
			break;
	}
	if (at != lane->in_len)
		return TAKEN_BROKEN;
	text[text_len] = '\0';
	header(text, "Status: ", status, sizeof(status));
	answer->status = atoi(status);
	header(text, "X-Rolegate-Reason: ", answer->reason,
	    sizeof(answer->reason));
	header(text, "X-Rolegate-Member: ", answer->member,
	    sizeof(answer->member));
	header(text, "X-Rolegate-Account: ", answer->account,
	    sizeof(answer->account));
	return TAKEN_ALL;
}

static enum taken
http_answer(struct lane *lane, struct answer *answer)
{
	char word[64];
	char *body;
	size_t head_len;
	size_t body_len;

	lane->in[lane->in_len] = '\0';
	body = strstr(lane->in, "\r\n\r\n");
	if (body == NULL)
		return TAKEN_MORE;
	body += 4;
	head_len = (size_t)(body - lane->in);
	header(lane->in, "Content-Length: ", word, sizeof(word));
	body_len = (size_t)atoi(word);
	if (*word == '\0' || head_len + body_len >= IN_MAX)
		return TAKEN_BROKEN;
	if (lane->in_len < head_len + body_len)
		return TAKEN_MORE;
	header(lane->in, "HTTP/1.1 ", word, sizeof(word));
	answer->status = atoi(word);
	header(lane->in, "Connection: ", word, sizeof(word));
	answer->last = strcmp(word, "close") == 0;
	header(lane->in, "X-Rolegate-Reason: ", answer->reason,
	    sizeof(answer->reason));
	if (answer->status == 200 &&
	    sscanf(body, "%255s %255s", answer->member, answer->account) != 2)
		return TAKEN_BROKEN;
	return TAKEN_ALL;
}

static void
wrong(struct run *run, int64_t *counter, const struct question *q,
    const struct answer *a)
{
	++*counter;
	if (run->first_wrong[0] == '\0')
		snprintf(run->first_wrong, sizeof(run->first_wrong),
		    "%s on %s for %s got %d %s %s %s, due was %s", q->member,
		    q->account, q->permission, a->status, a->reason, a->member,
		    a->account, q->reason);
}

static void
answer_grade(struct run *run, const struct question *q, const struct answer *a)
{
	bool due = strncmp(q->reason, "granted", 7) == 0;

	if (a->status == 200 || a->status == 204) {
		run->allows++;
		run->last_allow_us = now_us();
		if (!due)
			wrong(run, &run->wrong_allows, q, a);
		if (strcmp(a->member, q->member) != 0 ||
		    strcmp(a->account, q->account) != 0)
			wrong(run, &run->crossed, q, a);
	} else if (a->status == 401 || a->status == 403) {
		run->denies++;
		if (due)
			wrong(run, &run->wrong_denies, q, a);
		else if (strcmp(a->reason, q->reason) != 0)
			wrong(run, &run->crossed, q, a);
	} else if (a->status == 503) {
		run->unknowns++;
	} else {
		wrong(run, &run->failed, q, a);
	}
}

/* --- Lanes --------------------------------------------------------------- */

static void
lane_close(struct lane *lane)
{
	if (lane->fd >= 0)
		close(lane->fd);
	lane->fd = -1;
}

static int
connection_make(const struct run *run)
{
	struct sockaddr_un place = { .sun_family = AF_UNIX };
	struct sockaddr_in port = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)run->port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	bool is_port = run->port != 0;
	int fd = socket(is_port ? AF_INET : AF_UNIX,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;
	int got;

	if (fd < 0)
		die("socket");
	snprintf(place.sun_path, sizeof(place.sun_path), "%s", run->place);
	if (is_port)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	got = is_port ? connect(fd, (struct sockaddr *)&port, sizeof(port))
		      : connect(fd, (struct sockaddr *)&place, sizeof(place));
	if (got == 0 || errno == EINPROGRESS)
		return fd;
	close(fd);
	return -1;
}

static bool
lane_connect(struct run *run, struct lane *lane)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
		.data = { .ptr = lane } };

	if (lane->fd >= 0)
		return true;
	lane->fd = connection_make(run);
	return lane->fd >= 0 &&
	       epoll_ctl(run->epoll, EPOLL_CTL_ADD, lane->fd, &event) == 0;
}

static int64_t
due_us(const struct run *run)
{
	return run->rate == 0
		   ? 0
		   : run->started_us + run->asked * 1000000 / run->rate;
}

static void
lane_rest(const struct run *run, struct lane *lane)
{
	lane->state = LANE_IDLE;
	lane->question = NULL;
	lane->wake_us = due_us(run);
}

/* The connection broke, or was not made. */
static void
lane_again(struct run *run, struct lane *lane)
{
	lane_close(lane);
	lane->state = LANE_IDLE;
	if (lane->tries < run->tries) {
		run->retried++;
		lane->wake_us = now_us() + (lane->tries - 1) * 1000;
		return;
	}
	run->failed++;
	lane_rest(run, lane);
}

static bool
lane_send(struct lane *lane)
{
	const struct question *q = lane->question;

	while (lane->sent < q->len) {
		ssize_t n = send(lane->fd, q->bytes + lane->sent,
		    q->len - lane->sent, MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == ENOTCONN))
			return true;
		if (n < 0)
			return false;
		lane->sent += (size_t)n;
	}
	return true;
}

static void
lane_ask(struct run *run, struct lane *lane)
{
	if (lane->question == NULL) {
		lane->question = &run->questions[run->next];
		run->next = (run->next + 1) % run->questions_len;
		lane->tries = 0;
		lane->began_us = now_us();
		run->asked++;
	}
	lane->state = LANE_ASKING;
	lane->tries++;
	lane->sent = 0;
	lane->in_len = 0;
	if (!lane_connect(run, lane) || !lane_send(lane))
		lane_again(run, lane);
}

static void
time_note(struct run *run, int64_t took_us)
{
	int64_t bin = took_us / 100;

	run->times[bin < TIME_BINS ? bin : TIME_BINS - 1]++;
	if (took_us > run->longest_us)
		run->longest_us = took_us;
}

static bool
is_over(const struct run *run, int64_t now)
{
	return run->asked >= run->count &&
	       now - run->started_us >= run->seconds * 1000000 &&
	       (run->stop == NULL || access(run->stop, F_OK) == 0);
}

static bool
may_ask(const struct run *run)
{
	return !run->ending && (run->asked < run->count || run->seconds > 0 ||
				   run->stop != NULL);
}

static void
lane_take(struct run *run, struct lane *lane)
{
	struct answer answer = { 0 };
	enum taken taken = run->port != 0 ? http_answer(lane, &answer)
					  : fcgi_answer(lane, &answer);

	if (taken == TAKEN_MORE && lane->in_len < IN_MAX - 1)
		return;
	if (taken != TAKEN_ALL) {
		wrong(run, &run->crossed, lane->question, &answer);
		lane_close(lane);
	} else {
		time_note(run, now_us() - lane->began_us);
		answer_grade(run, lane->question, &answer);
		if (answer.last)
			lane_close(lane);
	}
	lane_rest(run, lane);
	if (may_ask(run) && run->rate == 0)
		lane_ask(run, lane);
}

static void
lane_stirs(struct run *run, struct lane *lane)
{
	if (lane->state == LANE_ASKING && !lane_send(lane)) {
		lane_again(run, lane);
		return;
	}
	while (lane->fd >= 0) {
		ssize_t got = recv(lane->fd, lane->in + lane->in_len,
		    IN_MAX - 1 - lane->in_len, 0);

		if (got < 0 && (errno == EAGAIN || errno == ENOTCONN))
			return;
		if (got <= 0) {
			if (lane->state == LANE_ASKING)
				lane_again(run, lane);
			else
				lane_close(lane);
			return;
		}
		lane->in_len += (size_t)got;
		if (lane->state == LANE_IDLE) {
			/* Nobody asked for that. */
			run->crossed++;
			lane_close(lane);
			return;
		}
		lane_take(run, lane);
	}
}

/* --- The run ------------------------------------------------------------- */

/* Wakes who is due. False when all is over and answered. */
static bool
lanes_look(struct run *run)
{
	int64_t now = now_us();
	bool any = false;

	run->ending = run->ending || is_over(run, now);
	for (int i = 0; i < run->lanes_max; i++) {
		struct lane *lane = &run->lanes[i];

		if (lane->state == LANE_ASKING &&
		    now - lane->began_us > PATIENCE_US) {
			lane->tries = run->tries;
			lane_again(run, lane);
		}
		if (lane->state == LANE_IDLE && lane->wake_us <= now &&
		    (lane->question != NULL ||
			(may_ask(run) && due_us(run) <= now)))
			lane_ask(run, lane);
		any = any || lane->question != NULL;
	}
	return any || !run->ending;
}

static void
run_all(struct run *run)
{
	struct epoll_event events[EVENTS_MAX];
	int64_t looked = 0;

	run->started_us = now_us();
	for (;;) {
		int n;

		if (now_us() - looked >= LOOK_EVERY_US) {
			if (!lanes_look(run))
				break;
			looked = now_us();
		}
		n = epoll_wait(run->epoll, events, EVENTS_MAX, 1);
		for (int i = 0; i < n; i++)
			lane_stirs(run, events[i].data.ptr);
	}
	run->ended_us = now_us();
}

static double
percentile(const struct run *run, int per_mille)
{
	int64_t all = 0;
	int64_t seen = 0;

	for (int i = 0; i < TIME_BINS; i++)
		all += run->times[i];
	for (int i = 0; i < TIME_BINS; i++) {
		seen += run->times[i];
		if (all > 0 && seen * 1000 >= all * per_mille)
			return (i + 1) / 10.0;
	}
	return 0;
}

static void
run_print(const struct run *run)
{
	printf("{\"asked\":%lld,\"allows\":%lld,\"denies\":%lld,"
	       "\"unknowns\":%lld,\"failed\":%lld,\"retried\":%lld,"
	       "\"crossed\":%lld,\"wrong_allows\":%lld,\"wrong_denies\":%lld,",
	    (long long)run->asked, (long long)run->allows,
	    (long long)run->denies, (long long)run->unknowns,
	    (long long)run->failed, (long long)run->retried,
	    (long long)run->crossed, (long long)run->wrong_allows,
	    (long long)run->wrong_denies);
	printf(
	    "\"seconds\":%.3f,\"p50_ms\":%.1f,\"p99_ms\":%.1f,"
	    "\"max_ms\":%.1f,\"last_allow_s\":%.3f,\"first_wrong\":\"%s\"}\n",
	    (double)(run->ended_us - run->started_us) / 1e6,
	    percentile(run, 500), percentile(run, 990),
	    (double)run->longest_us / 1e3, (double)run->last_allow_us / 1e6,
	    run->first_wrong);
}

static void
options_read(struct run *run, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "c:n:s:f:q:t:")) != -1) {
		if (option == 'c')
			run->lanes_max = atoi(optarg);
		else if (option == 'n')
			run->count = atoll(optarg);
		else if (option == 's')
			run->seconds = atoll(optarg);
		else if (option == 'f')
			run->stop = optarg;
		else if (option == 'q')
			run->rate = atoll(optarg);
		else if (option == 't')
			run->tries = atoi(optarg);
		else
			exit(2);
	}
	if (argc - optind != 2 || run->lanes_max < 1) {
		errno = EINVAL;
		die("usage: asker [options] SOCKET|PORT MEMBERS");
	}
	run->place = argv[optind];
	run->port = *run->place == '/' ? 0 : atoi(run->place);
}

int
main(int argc, char **argv)
{
	static struct run *run; /* until the end */

	/* It outlives no test. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	run = calloc(1, sizeof(*run));
	if (run == NULL)
		die("memory");
	run->lanes_max = 16;
	run->tries = 4;
	options_read(run, argc, argv);
	questions_read(run, argv[optind + 1]);
	run->epoll = epoll_create1(EPOLL_CLOEXEC);
	run->lanes = calloc((size_t)run->lanes_max, sizeof(*run->lanes));
	if (run->epoll < 0 || run->lanes == NULL)
		die("memory");
	for (int i = 0; i < run->lanes_max; i++)
		run->lanes[i].fd = -1;
	run_all(run);
	run_print(run);
	return 0;
}
