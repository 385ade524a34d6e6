#include "redis_fake.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#define CLIENTS 16
#define WORDS	16

struct client {
	int fd;
	char in[65536];
	size_t len;
	int commands;
	int gets;
	bool subscribed;
	char *late; /* what the last GET should have got */
	size_t late_len;
};

/* The heartbeat has changed. */
#define BEAT_KEY "rolegate:{" NS "}:heartbeat"
#define BEAT                                                           \
	"*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*1\r\n" \
	"$25\r\n" BEAT_KEY "\r\n"
_Static_assert(sizeof(BEAT_KEY) == 25 + 1, "its length stands in BEAT");

struct server {
	const struct fake *fake;
	int gets; /* of all */
	int listener;
	struct client clients[CLIENTS];
};

static void
client_end(struct client *client)
{
	close(client->fd);
	free(client->late);
	memset(client, 0, sizeof(*client));
	client->fd = -1;
}

static void
tell(const struct server *server, struct client *client, struct str bytes)
{
	if (server->fake->trickle_us == 0) {
		while (bytes.len > 0) {
			ssize_t sent = send(
			    client->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

			if (sent <= 0)
				return;
			bytes.ptr += sent;
			bytes.len -= (size_t)sent;
		}
		return;
	}
	for (size_t i = 0; i < bytes.len; i++) {
		if (send(client->fd, bytes.ptr + i, 1, MSG_NOSIGNAL) != 1)
			return;
		usleep((useconds_t)server->fake->trickle_us);
	}
}

static bool
is(struct str word, const char *text)
{
	return str_eq(word, str_from(text));
}

static const struct pair *
pair_find(const struct pair *pairs, size_t count, struct str key)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(pairs[i].key, key))
			return &pairs[i];
	return NULL;
}

/* What an honest Redis would say to GET. */
static struct str
get_answer(struct server *server, struct str key, struct arena *arena)
{
	const struct fake *fake = server->fake;
	const struct pair *found = NULL;

	if (fake->to_get.ptr != NULL &&
	    (fake->of_key.len == 0 || str_eq(key, fake->of_key)))
		return fake->to_get;
	if (server->gets++ < fake->before_gets)
		found = pair_find(fake->before, fake->before_count, key);
	if (found == NULL)
		found = pair_find(fake->pairs, fake->count, key);
	return found != NULL ? str_fmt(arena, "$%zu\r\n%.*s\r\n",
				   found->text.len, STR_ARGS(found->text))
			     : STR("$-1\r\n");
}

static void
poke(struct server *server)
{
	for (int i = 0; i < CLIENTS; i++)
		if (server->clients[i].fd >= 0 && server->clients[i].subscribed)
			tell(
			    server, &server->clients[i], server->fake->message);
	usleep(20000); /* it shall be there before the answer is */
}

static void
on_get(struct server *server, struct client *client, struct str key)
{
	struct arena arena = { 0 };
	struct str answer = get_answer(server, key, &arena);
	int behind = server->fake->behind_after;

	if (is(key, "rolegate:{" NS "}:member:poke"))
		poke(server);
	client->gets++;
	if (behind == 0 || client->gets <= behind)
		tell(server, client, answer);
	else
		tell(server, client,
		    (struct str){ client->late, client->late_len });
	free(client->late);
	client->late = memcpy(malloc(answer.len + 1), answer.ptr, answer.len);
	client->late_len = answer.len;
	arena_free(&arena);
}

static struct str
or_else(struct str raw, struct str honest)
{
	return raw.ptr != NULL ? raw : honest;
}

static void
command(struct server *server, struct client *client, const struct str *words,
    size_t count)
{
	const struct fake *fake = server->fake;

	if (fake->silent)
		return;
	if (is(words[0], "GET") && count == 2)
		on_get(server, client, words[1]);
	else if (is(words[0], "CLIENT") && is(words[1], "ID"))
		tell(server, client, or_else(fake->to_id, STR(":7\r\n")));
	else if (is(words[0], "CLIENT") && is(words[2], "OFF"))
		tell(server, client, STR("+OK\r\n"));
	else if (is(words[0], "CLIENT"))
		tell(
		    server, client, or_else(fake->to_tracking, STR("+OK\r\n")));
	else if (is(words[0], "PING") && !fake->no_pong) {
		tell(server, client, STR("*2\r\n$4\r\npong\r\n$0\r\n\r\n"));
		tell(server, client, STR(BEAT));
	} else if (is(words[0], "SUBSCRIBE")) {
		tell(server, client,
		    or_else(fake->to_subscribe,
			STR("*3\r\n$9\r\nsubscribe\r\n$20\r\n"
			    "__redis__:invalidate\r\n:1\r\n")));
		if (fake->to_subscribe.ptr == NULL)
			tell(server, client, STR(BEAT));
		client->subscribed = true;
	}
	client->commands++;
}

/* The bytes of one whole command, 0 when it is not all there. */
static size_t
command_read(
    const struct client *client, struct str words[WORDS], size_t *count)
{
	const char *at = client->in;
	const char *end = client->in + client->len;
	const char *line = memchr(at, '\n', client->len);

	if (line == NULL || *at != '*')
		return 0;
	*count = (size_t)atoi(at + 1);
	at = line + 1;
	for (size_t i = 0; i < *count && i < WORDS; i++) {
		line = memchr(at, '\n', (size_t)(end - at));
		if (line == NULL)
			return 0;
		words[i].len = (size_t)atoi(at + 1);
		words[i].ptr = line + 1;
		at = words[i].ptr + words[i].len + 2;
		if (at > end)
			return 0;
	}
	return (size_t)(at - client->in);
}

static void
client_reads(struct server *server, struct client *client)
{
	struct str words[WORDS];
	size_t count;
	size_t used;
	ssize_t got = recv(client->fd, client->in + client->len,
	    sizeof(client->in) - client->len, 0);

	if (got <= 0) {
		client_end(client);
		return;
	}
	client->len += (size_t)got;
	while ((used = command_read(client, words, &count)) > 0) {
		command(server, client, words, count);
		client->len -= used;
		memmove(client->in, client->in + used, client->len);
		if (server->fake->close_after > 0 &&
		    client->commands >= server->fake->close_after) {
			client_end(client);
			return;
		}
	}
}

static void
client_comes(struct server *server)
{
	int fd = accept(server->listener, NULL, NULL);

	for (int i = 0; i < CLIENTS; i++) {
		if (fd < 0 || server->clients[i].fd >= 0)
			continue;
		server->clients[i].fd = fd;
		tell(server, &server->clients[i], server->fake->on_connect);
		return;
	}
	close(fd);
}

static void
serve(const struct fake *fake, int listener)
{
	static struct server server;
	struct pollfd polled[CLIENTS + 1];

	server.fake = fake;
	server.listener = listener;
	for (int i = 0; i < CLIENTS; i++)
		server.clients[i].fd = -1;
	for (;;) {
		for (int i = 0; i < CLIENTS; i++)
			polled[i] =
			    (struct pollfd){ server.clients[i].fd, POLLIN, 0 };
		polled[CLIENTS] = (struct pollfd){ listener, POLLIN, 0 };
		if (poll(polled, CLIENTS + 1, -1) < 0)
			_exit(1);
		for (int i = 0; i < CLIENTS; i++)
			if (polled[i].revents != 0 && polled[i].fd >= 0)
				client_reads(&server, &server.clients[i]);
		if (polled[CLIENTS].revents != 0)
			client_comes(&server);
	}
}

void
fake_start(struct view_world *world, const struct fake *fake)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", world->socket);
	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(listener, 64), 0);
	world->redis = fork();
	ck_assert_int_ge(world->redis, 0);
	if (world->redis == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(fake, listener);
	}
	close(listener);
}
