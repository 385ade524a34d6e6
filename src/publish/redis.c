#include "publish/redis.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/bounds.h"
#include "base/secret.h"
#include "model/names.h"

#define TIMEOUT_MS	 1000 /* when none is set: no wait is without end */
#define PIECE_BYTES	 ((size_t)128 * 1024)
#define KEYS_EACH	 64
#define SCAN_COUNT	 "1000"
#define COMMANDS_EACH_MS 50 /* of an EXEC, on a slow machine */
#define ANSWER_SHOWN	 160
#define HOST_MAX	 256

struct redis {
	redisContext *context;
	char *address;
	int64_t timeout_ms;
	char *out; /* written, and not sent yet */
	size_t out_len;
	size_t out_cap;
	size_t unread; /* commands whose QUEUED was not read yet */
	size_t queued; /* commands of the open MULTI */
	bool broken;
};

/* --- Errors --------------------------------------------------------------- */

/* What Redis's own error words mean here. */
/* clang-format off */
static const struct { const char *word; const char *says; } refusals[] = {
	{ "LOADING",     "is still loading its data; wait until it has" },
	{ "READONLY",    "is a replica; name the primary as address" },
	{ "NOAUTH",      "wants a user; set user and password_file" },
	{ "WRONGPASS",   "does not know the user with this password; correct user or password_file, or its ACL" },
	{ "NOPERM",      "does not let this user do that; give it the ACL of the guide for system administrators, section 4" },
	{ "OOM",         "is full; raise its maxmemory, and keep maxmemory-policy noeviction" },
	{ "MISCONF",     "cannot save to its disk and takes no writes; look at its log" },
	{ "MOVED",       "is a Cluster node without our slot; name the node that has it as address" },
	{ "ASK",         "is moving our slot to another node; try again when it has" },
	{ "CLUSTERDOWN", "is a Cluster that is down; mend it" },
	{ "MASTERDOWN",  "is a replica without its primary; name the primary as address" },
};
/* clang-format on */

static bool
no_memory(struct redis *redis, struct err *err)
{
	redis->broken = true;
	return err_set(err, ERR_BUG, "no_memory",
	    "redis %s: memory is out; give the process more", redis->address);
}

static bool
lost(struct redis *redis, struct err *err)
{
	int error = errno;

	redis->broken = true;
	if (error == EAGAIN || error == EWOULDBLOCK || error == ETIMEDOUT)
		return err_set(err, ERR_REACH, "redis_unreachable",
		    "redis %s: does not answer within %lld ms; look at the "
		    "server, or raise timeout_ms",
		    redis->address, (long long)redis->timeout_ms);
	return err_set(err, ERR_REACH, "redis_unreachable",
	    "redis %s: the connection was lost: %s; look at the server",
	    redis->address,
	    redis->context->err != 0 ? redis->context->errstr
				     : strerror(error));
}

/* Its answer may hold anything: only what can be printed is. */
static void
answer_show(char out[ANSWER_SHOWN + 1], const char *text, size_t len)
{
	size_t kept = len < ANSWER_SHOWN ? len : ANSWER_SHOWN;

	for (size_t i = 0; i < kept; i++)
		out[i] =
		    (char)(text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?');
	out[kept] = '\0';
}

static bool
refused(struct redis *redis, const redisReply *reply, struct err *err)
{
	struct str answer = { reply->str, reply->len };
	const char *says = "refuses a command; look at its log";
	char shown[ANSWER_SHOWN + 1];
	struct str word;

	redis->broken = true;
	answer_show(shown, answer.ptr, answer.len);
	if (str_next(&answer, ' ', &word))
		for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]);
		     i++)
			if (str_eq(word, str_from(refusals[i].word)))
				says = refusals[i].says;
	return err_set(err, ERR_REACH, "redis_refused", "redis %s: %s (%s)",
	    redis->address, says, shown);
}

static bool
unexpected(struct redis *redis, const redisReply *reply, struct err *err)
{
	if (reply->type == REDIS_REPLY_ERROR)
		return refused(redis, reply, err);
	redis->broken = true;
	return err_set(err, ERR_REACH, "redis_refused",
	    "redis %s: gave an answer of another kind than asked for; is it "
	    "Redis?",
	    redis->address);
}

static bool
is_word(const redisReply *reply, const char *word)
{
	return reply->type == REDIS_REPLY_STATUS &&
	       str_eq((struct str){ reply->str, reply->len }, str_from(word));
}

/* --- Bytes out, replies in ------------------------------------------------ */

/* Not by hiredis, whose write() raises SIGPIPE when Redis has gone. */
static bool
send_all(struct redis *redis, const char *bytes, size_t len, struct err *err)
{
	while (len > 0) {
		ssize_t sent =
		    send(redis->context->fd, bytes, len, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return lost(redis, err);
		bytes += sent;
		len -= (size_t)sent;
	}
	return true;
}

static redisReply *
reply_read(struct redis *redis, struct err *err)
{
	void *reply = NULL;

	errno = 0;
	if (redisGetReply(redis->context, &reply) != REDIS_OK ||
	    reply == NULL) {
		lost(redis, err);
		return NULL;
	}
	return reply;
}

#define ARGS_MAX (KEYS_EACH + 1)

struct command {
	const char *ptr[ARGS_MAX];
	size_t len[ARGS_MAX];
	int count;
};

static void
command_add(struct command *command, struct str arg)
{
	command->ptr[command->count] = arg.ptr != NULL ? arg.ptr : "";
	command->len[command->count++] = arg.len;
}

static struct command
command_of(struct str verb, struct str arg)
{
	struct command command = { .count = 0 };

	command_add(&command, verb);
	if (arg.ptr != NULL)
		command_add(&command, arg);
	return command;
}

/* A command that is no use after an earlier error does not go out. */
static int
command_format(struct redis *redis, const struct command *command, char **out,
    struct err *err)
{
	/* The array is not written to; hiredis leaves out the const. */
	const char **args = (const char **)(uintptr_t)command->ptr;
	int len;

	if (redis->broken) {
		err_set(err, ERR_REACH, "redis_unreachable",
		    "redis %s: was given up after an error; try again",
		    redis->address);
		return -1;
	}
	len = redisFormatCommandArgv(out, command->count, args, command->len);
	if (len < 0)
		no_memory(redis, err);
	return len;
}

/* Sends one command and waits for its reply, which is not an error. */
static redisReply *
ask(struct redis *redis, const struct command *command, struct err *err)
{
	char *bytes = NULL;
	int len = command_format(redis, command, &bytes, err);
	redisReply *reply;
	bool sent;

	if (len < 0)
		return NULL;
	sent = send_all(redis, bytes, (size_t)len, err);
	sodium_memzero(bytes, (size_t)len); /* it may be a password */
	redisFreeCommand(bytes);
	reply = sent ? reply_read(redis, err) : NULL;
	if (reply == NULL || reply->type != REDIS_REPLY_ERROR)
		return reply;
	refused(redis, reply, err);
	freeReplyObject(reply);
	return NULL;
}

static bool
ask_for_ok(struct redis *redis, const struct command *command, struct err *err)
{
	redisReply *reply = ask(redis, command, err);
	bool ok = reply != NULL &&
		  (is_word(reply, "OK") || unexpected(redis, reply, err));

	freeReplyObject(reply);
	return ok;
}

/* --- Opening -------------------------------------------------------------- */

static struct timeval
timeval_of(int64_t ms)
{
	return (
	    struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
}

static bool
reach(struct redis *redis, struct str address, struct err *err)
{
	const struct str prefix = STR("unix:");
	struct timeval timeout = timeval_of(redis->timeout_ms);
	char name[HOST_MAX + 1];
	struct str host;
	int port;

	if (str_starts(address, prefix) && address.len > prefix.len)
		redis->context = redisConnectUnixWithTimeout(
		    redis->address + prefix.len, timeout);
	else if (redis_host_port(address, &host, &port) &&
		 host.len <= HOST_MAX) {
		memcpy(name, host.ptr, host.len);
		name[host.len] = '\0';
		redis->context = redisConnectWithTimeout(name, port, timeout);
	} else
		return err_set(err, ERR_FILE, "redis_address",
		    "redis address '%s': is none; write unix:/path, host:port "
		    "or [::1]:port",
		    redis->address);
	if (redis->context == NULL)
		return no_memory(redis, err);
	if (redis->context->err != 0)
		return err_set(err, ERR_REACH, "redis_unreachable",
		    "redis %s: cannot be reached: %s; start the server, or "
		    "correct address",
		    redis->address, redis->context->errstr);
	return redisSetTimeout(redis->context, timeout) == REDIS_OK ||
	       lost(redis, err);
}

static bool
authenticate(
    struct redis *redis, const struct redis_config *config, struct err *err)
{
	struct command command = command_of(STR("AUTH"), (struct str){ 0 });
	char password[SECRET_FILE_MAX + 1];
	size_t len = 0;
	bool ok;

	if (config->user.len == 0 && config->password_file.len == 0)
		return true;
	if (config->password_file.len == 0)
		return err_set(err, ERR_FILE, "redis_password",
		    "redis %s: user %.*s has no password_file; name it",
		    redis->address, STR_ARGS(config->user));
	if (!secret_read(password, sizeof(password), &len,
		config->password_file.ptr, "redis_password", err))
		return false;
	if (config->user.len > 0)
		command_add(&command, config->user);
	command_add(&command, (struct str){ password, len });
	ok = ask_for_ok(redis, &command, err);
	sodium_memzero(password, sizeof(password));
	return ok;
}

static bool
database_select(struct redis *redis, int64_t database, struct err *err)
{
	struct arena arena = { 0 };
	struct command command;
	bool ok;

	/* The ACL of the guide does not know SELECT: only where it is needed.
	 */
	if (database == 0)
		return true;
	command = command_of(
	    STR("SELECT"), str_fmt(&arena, "%lld", (long long)database));
	ok = ask_for_ok(redis, &command, err);
	arena_free(&arena);
	return ok;
}

bool
redis_open(
    struct redis **out, const struct redis_config *config, struct err *err)
{
	struct redis *redis = calloc(1, sizeof(*redis));

	*out = NULL;
	if (redis != NULL)
		redis->address = strndup(
		    config->address.ptr != NULL ? config->address.ptr : "",
		    config->address.len);
	if (redis == NULL || redis->address == NULL) {
		redis_close(redis);
		return err_set(err, ERR_BUG, "no_memory",
		    "redis: memory is out; give the process more");
	}
	redis->timeout_ms =
	    config->timeout_ms > 0 ? config->timeout_ms : TIMEOUT_MS;
	if (!reach(redis, config->address, err) ||
	    !authenticate(redis, config, err) ||
	    !database_select(redis, config->database, err)) {
		redis_close(redis);
		return false;
	}
	*out = redis;
	return true;
}

void
redis_close(struct redis *redis)
{
	if (redis == NULL)
		return;
	if (redis->context != NULL)
		redisFree(redis->context);
	free(redis->out);
	free(redis->address);
	free(redis);
}

/* --- Reading -------------------------------------------------------------- */

static bool
value_copy(struct redis *redis, struct arena *arena, const redisReply *reply,
    struct str *out, struct err *err)
{
	*out = (struct str){ NULL, 0 };
	if (reply->type == REDIS_REPLY_NIL)
		return true;
	if (reply->type != REDIS_REPLY_STRING)
		return unexpected(redis, reply, err);
	*out = str_copy(arena, (struct str){ reply->str, reply->len });
	return out->ptr != NULL || no_memory(redis, err);
}

bool
redis_get(struct redis *redis, struct arena *arena, struct str key,
    struct str *value, struct err *err)
{
	struct command command = command_of(STR("GET"), key);
	redisReply *reply = ask(redis, &command, err);
	bool ok = reply != NULL && value_copy(redis, arena, reply, value, err);

	freeReplyObject(reply);
	return ok;
}

static bool
get_some(struct redis *redis, struct arena *arena, const struct str *keys,
    size_t count, struct str *values, struct err *err)
{
	struct command command = command_of(STR("MGET"), (struct str){ 0 });
	redisReply *reply;
	bool ok;

	for (size_t i = 0; i < count; i++)
		command_add(&command, keys[i]);
	reply = ask(redis, &command, err);
	if (reply == NULL)
		return false;
	ok = (reply->type == REDIS_REPLY_ARRAY && reply->elements == count) ||
	     unexpected(redis, reply, err);
	for (size_t i = 0; ok && i < count; i++)
		ok = value_copy(
		    redis, arena, reply->element[i], &values[i], err);
	freeReplyObject(reply);
	return ok;
}

bool
redis_get_all(struct redis *redis, struct arena *arena, struct names keys,
    struct str *values, struct err *err)
{
	for (size_t at = 0; at < keys.count; at += KEYS_EACH) {
		size_t left = keys.count - at;

		if (!get_some(redis, arena, keys.items + at,
			left < KEYS_EACH ? left : KEYS_EACH, values + at, err))
			return false;
	}
	return true;
}

/* A pattern that fits what begins with the prefix, and nothing else. */
static struct str
pattern_of(struct arena *arena, struct str prefix)
{
	char *pattern = arena_alloc(arena, prefix.len * 2 + 1, 1);
	size_t len = 0;

	if (pattern == NULL)
		return (struct str){ NULL, 0 };
	for (size_t i = 0; i < prefix.len; i++) {
		if (strchr("*?[]^-\\", prefix.ptr[i]) != NULL)
			pattern[len++] = '\\';
		pattern[len++] = prefix.ptr[i];
	}
	pattern[len++] = '*';
	return (struct str){ pattern, len };
}

struct key_list {
	struct str *items;
	size_t count;
	size_t cap;
};

static bool
keys_add(struct redis *redis, struct arena *arena, const redisReply *page,
    struct str prefix, struct key_list *list, struct err *err)
{
	for (size_t i = 0; i < page->elements; i++) {
		const redisReply *key = page->element[i];
		struct str name = { key->str, key->len };

		if (key->type != REDIS_REPLY_STRING)
			return unexpected(redis, key, err);
		if (!str_starts(name, prefix))
			continue;
		list->items = arena_grow(arena, list->items, list->count,
		    &list->cap, sizeof(*list->items));
		if (list->items == NULL)
			return no_memory(redis, err);
		name = str_copy(arena, name);
		if (name.ptr == NULL)
			return no_memory(redis, err);
		list->items[list->count++] = name;
	}
	return true;
}

/* One page of SCAN; *cursor becomes where the next one begins. */
static bool
scan(struct redis *redis, struct arena *arena, struct str pattern,
    struct str prefix, struct str *cursor, struct key_list *list,
    struct err *err)
{
	struct command command = command_of(STR("SCAN"), *cursor);
	redisReply *reply;
	bool ok;

	command_add(&command, STR("MATCH"));
	command_add(&command, pattern);
	command_add(&command, STR("COUNT"));
	command_add(&command, STR(SCAN_COUNT));
	reply = ask(redis, &command, err);
	if (reply == NULL)
		return false;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
	    reply->element[0]->type != REDIS_REPLY_STRING ||
	    reply->element[1]->type != REDIS_REPLY_ARRAY)
		ok = unexpected(redis, reply, err);
	else
		ok = keys_add(
			 redis, arena, reply->element[1], prefix, list, err) &&
		     value_copy(redis, arena, reply->element[0], cursor, err);
	freeReplyObject(reply);
	return ok;
}

bool
redis_keys(struct redis *redis, struct arena *arena, struct str prefix,
    struct names *out, struct err *err)
{
	struct str pattern = pattern_of(arena, prefix);
	struct str cursor = STR("0");
	struct key_list list = { 0 };

	if (pattern.ptr == NULL)
		return no_memory(redis, err);
	do {
		if (!scan(redis, arena, pattern, prefix, &cursor, &list, err))
			return false;
	} while (!str_eq(cursor, STR("0")));
	/* SCAN may name a key more than once. */
	out->items = list.items;
	out->count = names_sort(list.items, list.count);
	return true;
}

/* --- Writing -------------------------------------------------------------- */

bool
redis_watch(struct redis *redis, struct str key, struct err *err)
{
	struct command command = command_of(STR("WATCH"), key);

	return ask_for_ok(redis, &command, err);
}

bool
redis_unwatch(struct redis *redis, struct err *err)
{
	struct command command =
	    command_of(STR("UNWATCH"), (struct str){ NULL, 0 });

	return ask_for_ok(redis, &command, err);
}

bool
redis_begin(struct redis *redis, struct err *err)
{
	struct command command =
	    command_of(STR("MULTI"), (struct str){ NULL, 0 });

	redis->queued = 0;
	return ask_for_ok(redis, &command, err);
}

/* Sends what is written and reads the QUEUED of each command. */
static bool
piece_send(struct redis *redis, struct err *err)
{
	if (!send_all(redis, redis->out, redis->out_len, err))
		return false;
	redis->out_len = 0;
	for (; redis->unread > 0; redis->unread--) {
		redisReply *reply = reply_read(redis, err);
		bool ok = reply != NULL && (is_word(reply, "QUEUED") ||
					       unexpected(redis, reply, err));

		freeReplyObject(reply);
		if (!ok)
			return false;
	}
	return true;
}

static bool
piece_room(struct redis *redis, size_t len, struct err *err)
{
	size_t need = redis->out_len + len;
	char *wider;

	if (need <= redis->out_cap)
		return true;
	if (need < PIECE_BYTES)
		need = PIECE_BYTES;
	wider = realloc(redis->out, need);
	if (wider == NULL)
		return no_memory(redis, err);
	redis->out = wider;
	redis->out_cap = need;
	return true;
}

static bool
queue(struct redis *redis, const struct command *command, struct err *err)
{
	char *bytes = NULL;
	int len = command_format(redis, command, &bytes, err);
	bool ok;

	if (len < 0)
		return false;
	ok = piece_room(redis, (size_t)len, err);
	if (ok) {
		memcpy(redis->out + redis->out_len, bytes, (size_t)len);
		redis->out_len += (size_t)len;
		redis->unread++;
		redis->queued++;
	}
	redisFreeCommand(bytes);
	return ok && (redis->out_len < PIECE_BYTES || piece_send(redis, err));
}

bool
redis_set(
    struct redis *redis, struct str key, struct str value, struct err *err)
{
	struct command command = command_of(STR("SET"), key);

	command_add(&command, value);
	return queue(redis, &command, err);
}

bool
redis_delete(struct redis *redis, struct str key, struct err *err)
{
	struct command command = command_of(STR("DEL"), key);

	return queue(redis, &command, err);
}

static bool
exec_check(
    struct redis *redis, const redisReply *reply, bool *done, struct err *err)
{
	*done = false;
	if (reply->type == REDIS_REPLY_NIL)
		return true;
	if (reply->type != REDIS_REPLY_ARRAY ||
	    reply->elements != redis->queued)
		return unexpected(redis, reply, err);
	for (size_t i = 0; i < reply->elements; i++)
		if (!is_word(reply->element[i], "OK") &&
		    reply->element[i]->type != REDIS_REPLY_INTEGER)
			return unexpected(redis, reply->element[i], err);
	*done = true;
	return true;
}

bool
redis_commit(struct redis *redis, bool *done, struct err *err)
{
	struct command command =
	    command_of(STR("EXEC"), (struct str){ NULL, 0 });
	int64_t more_ms = (int64_t)(redis->queued / COMMANDS_EACH_MS);
	redisReply *reply;
	bool ok;

	if (!redis->broken && !piece_send(redis, err))
		return false;
	/* All of it is done before the one answer comes. */
	redisSetTimeout(
	    redis->context, timeval_of(redis->timeout_ms + more_ms));
	reply = ask(redis, &command, err);
	redisSetTimeout(redis->context, timeval_of(redis->timeout_ms));
	ok = reply != NULL && exec_check(redis, reply, done, err);
	freeReplyObject(reply);
	return ok;
}
