#include "fcgi/gate/link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "fcgi/process/times.h"

#define BACKOFF_FIRST_MS 50
#define BACKOFF_LAST_MS	 2000
#define READ_BYTES	 (16 * 1024)
#define READS_A_ROUND	 8
#define OUT_MAX		 (4 * 1024 * 1024)
#define OUT_FIRST	 4096
#define PUSH_BYTES	 512

enum link_state {
	LINK_DOWN = 0,
	LINK_WAITING,
	LINK_CONNECTING,
	LINK_GREETING,
	LINK_UP,
};

struct link {
	struct event_base *loop;
	const struct target *target;
	struct link_hooks hooks;
	enum link_state state;
	int fd;
	struct event *timer; /* the next try, or the end of this one */
	struct event *flush; /* at the end of the round */
	struct event *readable;
	struct event *writable;
	struct reply_reader *reader;
	int greetings; /* answers to AUTH and SELECT still to come */
	int64_t step_ms;
	int64_t retry_ms; /* LINK_WAITING: when */
	char *out;
	size_t out_len;
	size_t out_cap;
	size_t out_sent;
	int64_t round;
	bool flush_due;
	bool reading; /* inside the reader: it cannot be closed now */
	struct err doom; /* why it is to be dropped, when it is */
};

/* --- Ending -------------------------------------------------------------- */

static void
event_end(struct event **event)
{
	if (*event != NULL)
		event_free(*event);
	*event = NULL;
}

static void
connection_end(struct link *link)
{
	event_end(&link->readable);
	event_end(&link->writable);
	event_del(link->timer);
	reply_close(link->reader);
	link->reader = NULL;
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
	/* It may hold the password. */
	if (link->out != NULL)
		sodium_memzero(link->out, link->out_cap);
	link->out_len = 0;
	link->out_sent = 0;
	link->state = LINK_DOWN;
}

static void
doomed_end(struct link *link)
{
	struct err why = link->doom;

	link->doom = (struct err){ 0 };
	connection_end(link);
	link->hooks.down(link->hooks.context, &why);
}

void
link_drop(struct link *link, const char *code, const char *fmt, ...)
{
	va_list args;
	char text[512];

	if (link->state == LINK_DOWN || link->state == LINK_WAITING)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	err_set(&link->doom, ERR_REACH, code, "redis %.*s: %s%s",
	    STR_ARGS(link->target->address), text,
	    strcmp(code, "redis_unreachable") == 0
		? "; is it running there, and may the gate connect?"
		: "");
	if (!link->reading)
		doomed_end(link);
}

/* --- Reading ------------------------------------------------------------- */

static void
link_is_greeted(struct link *link)
{
	event_del(link->timer);
	link->state = LINK_UP;
	link->hooks.up(link->hooks.context);
}

/* Only the first word: a server that does not know AUTH repeats what it was
 * given, the password. */
static void
greeting_item(struct link *link, const struct reply_item *item)
{
	struct str rest = item->text;
	struct str word = STR("");

	if (item->type == REPLY_ERROR && str_next(&rest, ' ', &word))
		link_drop(link, "redis_refused",
		    "AUTH or SELECT was refused (%.*s): look at gate.redis and "
		    "its password_file",
		    STR_ARGS(word));
	else if (item->type != REPLY_STATUS || !str_eq(item->text, STR("OK")))
		link_drop(link, "redis_refused",
		    "no OK to AUTH or SELECT: is that Redis?");
	else if (--link->greetings == 0)
		link_is_greeted(link);
}

static bool
on_item(void *context, const struct reply_item *item)
{
	struct link *link = context;

	/* "max number of clients reached" comes unasked. */
	if (link->state == LINK_CONNECTING && item->type == REPLY_ERROR)
		link_drop(link, "redis_refused", "%.*s", STR_ARGS(item->text));
	else if (link->state == LINK_CONNECTING)
		link_drop(link, "redis_refused", "it speaks unasked");
	else if (link->state == LINK_GREETING)
		greeting_item(link, item);
	else
		link->hooks.item(link->hooks.context, item);
	return link->doom.kind == ERR_NONE;
}

/* Does nothing more when the connection ended on the way. */
static bool
link_feed(struct link *link, const char *bytes, size_t len)
{
	struct err err = { 0 };
	bool fed;

	link->reading = true;
	fed = reply_feed(link->reader, bytes, len, &err);
	link->reading = false;
	if (!fed && link->doom.kind == ERR_NONE)
		err_set(&link->doom, err.kind, err.code, "redis %.*s: %s",
		    STR_ARGS(link->target->address), err.text);
	if (link->doom.kind == ERR_NONE)
		return true;
	doomed_end(link);
	return false;
}

static void
on_readable(evutil_socket_t fd, short what, void *context)
{
	struct link *link = context;
	char bytes[READ_BYTES];

	(void)what;
	for (int i = 0; i < READS_A_ROUND; i++) {
		ssize_t got = recv(fd, bytes, sizeof(bytes), 0);

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (got <= 0) {
			link_drop(link, "redis_unreachable", "%s",
			    got == 0 ? "it closed the connection"
				     : strerror(errno));
			return;
		}
		if (!link_feed(link, bytes, (size_t)got) ||
		    (size_t)got < sizeof(bytes))
			return;
	}
}

/* --- Writing ------------------------------------------------------------- */

static bool
out_room(struct link *link, size_t more)
{
	size_t need = link->out_len + more;
	size_t cap = link->out_cap > 0 ? link->out_cap : OUT_FIRST;
	char *wider;

	if (need <= link->out_cap)
		return true;
	if (need > OUT_MAX)
		return false;
	while (cap < need)
		cap *= 2;
	/* Not realloc(): it would leave a copy of the password behind. */
	wider = malloc(cap);
	if (wider == NULL)
		return false;
	if (link->out != NULL) {
		memcpy(wider, link->out, link->out_len);
		sodium_memzero(link->out, link->out_cap);
		free(link->out);
	}
	link->out = wider;
	link->out_cap = cap;
	return true;
}

static void
out_add(struct link *link, const char *bytes, size_t len)
{
	if (len > 0)
		memcpy(link->out + link->out_len, bytes, len);
	link->out_len += len;
}

/* By hand: printf() takes longer than all else that a GET needs. */
static void
out_head(struct link *link, char sign, size_t number)
{
	char head[32];
	char *first = head + sizeof(head);

	*--first = '\n';
	*--first = '\r';
	do
		*--first = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	*--first = sign;
	out_add(link, first, (size_t)(head + sizeof(head) - first));
}

/* A round with many requests does not keep Redis waiting for its end. What goes
 * wrong here is met by the end. */
static void
out_push(struct link *link)
{
	ssize_t sent;

	if (link->state != LINK_UP ||
	    link->out_len - link->out_sent < PUSH_BYTES)
		return;
	sent = send(link->fd, link->out + link->out_sent,
	    link->out_len - link->out_sent, MSG_NOSIGNAL);
	if (sent <= 0)
		return;
	link->round++;
	link->out_sent += (size_t)sent;
	if (link->out_sent == link->out_len)
		link->out_len = link->out_sent = 0;
}

static bool
command_add(struct link *link, const struct str *words, size_t count)
{
	size_t need = 32;

	out_push(link);
	for (size_t i = 0; i < count; i++)
		need += words[i].len + 34;
	if (!out_room(link, need))
		return false;
	out_head(link, '*', count);
	for (size_t i = 0; i < count; i++) {
		out_head(link, '$', words[i].len);
		out_add(link, words[i].ptr, words[i].len);
		out_add(link, "\r\n", 2);
	}
	if (!link->flush_due) {
		link->flush_due = true;
		event_active(link->flush, EV_WRITE, 0);
	}
	return true;
}

bool
link_send(struct link *link, const struct str *words, size_t count)
{
	return link->state == LINK_UP && link->doom.kind == ERR_NONE &&
	       command_add(link, words, count);
}

static void
link_write(struct link *link)
{
	while (link->out_sent < link->out_len) {
		ssize_t sent = send(link->fd, link->out + link->out_sent,
		    link->out_len - link->out_sent, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN) {
			event_add(link->writable, NULL);
			return;
		}
		if (sent < 0) {
			link_drop(
			    link, "redis_unreachable", "%s", strerror(errno));
			return;
		}
		link->round++;
		link->out_sent += (size_t)sent;
	}
	if (link->state == LINK_GREETING)
		sodium_memzero(link->out, link->out_len);
	link->out_sent = 0;
	link->out_len = 0;
}

static void
on_flush(evutil_socket_t fd, short what, void *context)
{
	struct link *link = context;

	(void)fd;
	(void)what;
	link->flush_due = false;
	if (link->state >= LINK_GREETING)
		link_write(link);
}

/* --- Connecting ---------------------------------------------------------- */

static bool
greeting_send(struct link *link)
{
	const struct target *target = link->target;
	char number[24];
	int len = snprintf(
	    number, sizeof(number), "%lld", (long long)target->database);
	struct str words[3] = { STR("AUTH") };
	size_t count = 1;
	struct str select[] = { STR("SELECT"), { number, (size_t)len } };

	link->greetings = 0;
	if (target->user.len > 0)
		words[count++] = target->user;
	if (target->password != NULL) {
		words[count++] =
		    (struct str){ target->password, target->password_len };
		if (!command_add(link, words, count))
			return false;
		link->greetings++;
	}
	if (target->database != 0) {
		if (!command_add(link, select, 2))
			return false;
		link->greetings++;
	}
	return true;
}

static void
link_is_connected(struct link *link)
{
	link->state = LINK_GREETING;
	if (!greeting_send(link))
		link_drop(link, "no_memory", "memory is out");
	else if (link->greetings == 0)
		link_is_greeted(link);
}

static void
on_writable(evutil_socket_t fd, short what, void *context)
{
	struct link *link = context;
	int why = 0;
	socklen_t len = sizeof(why);

	(void)what;
	if (link->state != LINK_CONNECTING) {
		link_write(link);
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &len) != 0)
		why = errno;
	if (why != 0)
		link_drop(link, "redis_unreachable", "%s", strerror(why));
	else
		link_is_connected(link);
}

static bool
connection_begin(struct link *link, struct err *err)
{
	const struct target *target = link->target;
	int family = target->at.ss_family;
	int on = 1;
	struct timeval limit = timeval_ms(target->connect_ms);

	link->fd =
	    socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (link->fd < 0)
		return err_set(
		    err, ERR_REACH, "redis_unreachable", "%s", strerror(errno));
	if (family != AF_UNIX)
		setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	link->readable = event_new(
	    link->loop, link->fd, EV_READ | EV_PERSIST, on_readable, link);
	link->writable =
	    event_new(link->loop, link->fd, EV_WRITE, on_writable, link);
	if (link->readable == NULL || link->writable == NULL ||
	    !reply_open(&link->reader, on_item, link, err) ||
	    event_add(link->readable, NULL) != 0 ||
	    event_add(link->writable, NULL) != 0 ||
	    event_add(link->timer, &limit) != 0)
		return err_set(err, ERR_BUG, "no_memory",
		    "memory is out; give the process more");
	/* Writable tells how it went, also when it went at once. */
	if (connect(link->fd, (const struct sockaddr *)&target->at,
		target->at_len) != 0 &&
	    errno != EINPROGRESS)
		return err_set(
		    err, ERR_REACH, "redis_unreachable", "%s", strerror(errno));
	return true;
}

static void
on_timer(evutil_socket_t fd, short what, void *context)
{
	struct link *link = context;
	struct err err = { 0 };

	(void)fd;
	(void)what;
	if (link->state != LINK_WAITING) {
		link_drop(link, "redis_unreachable",
		    "no connection within %lld ms",
		    (long long)link->target->connect_ms);
		return;
	}
	link->state = LINK_CONNECTING;
	if (!connection_begin(link, &err))
		link_drop(link, err.code, "%s", err.text);
}

void
link_start(struct link *link)
{
	int64_t wait_ms = 0;
	struct timeval wait;

	if (link->state != LINK_DOWN)
		return;
	if (link->step_ms > 0) {
		int64_t half_ms = link->step_ms / 2;

		wait_ms = half_ms +
			  (int64_t)randombytes_uniform((uint32_t)half_ms + 1);
	}
	link->step_ms =
	    link->step_ms == 0 ? BACKOFF_FIRST_MS : link->step_ms * 2;
	if (link->step_ms > BACKOFF_LAST_MS)
		link->step_ms = BACKOFF_LAST_MS;
	link->state = LINK_WAITING;
	link->retry_ms = monotonic_ms() + wait_ms;
	wait = timeval_ms(wait_ms);
	event_add(link->timer, &wait);
}

void
link_proved(struct link *link)
{
	link->step_ms = BACKOFF_FIRST_MS;
}

bool
link_is_up(const struct link *link)
{
	return link->state == LINK_UP && link->doom.kind == ERR_NONE;
}

bool
link_may_be_up(const struct link *link, int64_t by_ms)
{
	switch (link->state) {
	case LINK_DOWN:
		return false;
	case LINK_WAITING:
		return link->retry_ms < by_ms;
	case LINK_CONNECTING:
	case LINK_GREETING:
	case LINK_UP:
		return true;
	}
	return false;
}

int64_t
link_round(const struct link *link)
{
	return link->round;
}

bool
link_open(struct link **out, struct event_base *loop,
    const struct target *target, const struct link_hooks *hooks,
    struct err *err)
{
	struct link *link = calloc(1, sizeof(*link));

	if (link == NULL)
		return err_set(err, ERR_BUG, "no_memory",
		    "memory is out; give the process more");
	link->loop = loop;
	link->target = target;
	link->hooks = *hooks;
	link->fd = -1;
	link->timer = event_new(loop, -1, 0, on_timer, link);
	link->flush = event_new(loop, -1, 0, on_flush, link);
	if (link->timer == NULL || link->flush == NULL) {
		link_close(link);
		return err_set(err, ERR_BUG, "no_memory",
		    "memory is out; give the process more");
	}
	*out = link;
	return true;
}

void
link_close(struct link *link)
{
	if (link == NULL)
		return;
	if (link->timer != NULL)
		connection_end(link);
	event_end(&link->timer);
	event_end(&link->flush);
	free(link->out);
	free(link);
}
