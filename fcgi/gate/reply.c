#include "fcgi/gate/reply.h"

#include <stdlib.h>

#include <hiredis/hiredis.h>

struct reply_reader {
	redisReader *redis;
	reply_taker *take;
	void *context;
	bool refused;
};

/* hiredis asks us to build its objects. Nothing is built: what is handed back
 * only says that the item was taken, and NULL stops its reader. */
static void *
take(const redisReadTask *task, struct reply_item item)
{
	struct reply_reader *reader = task->privdata;

	item.index = task->parent != NULL ? task->idx : 0;
	for (const redisReadTask *up = task->parent; up != NULL;
	     up = up->parent)
		item.depth++;
	if (!reader->refused && reader->take(reader->context, &item))
		return reader;
	reader->refused = true;
	return NULL;
}

static void *
take_text(const redisReadTask *task, char *bytes, size_t len)
{
	enum reply_type type = task->type == REDIS_REPLY_ERROR	  ? REPLY_ERROR
			       : task->type == REDIS_REPLY_STATUS ? REPLY_STATUS
								  : REPLY_TEXT;

	return take(
	    task, (struct reply_item){ .type = type, .text = { bytes, len } });
}

static void *
take_list(const redisReadTask *task, int elements)
{
	return take(task,
	    (struct reply_item){ .type = REPLY_LIST, .number = elements });
}

static void *
take_number(const redisReadTask *task, long long number)
{
	return take(task,
	    (struct reply_item){ .type = REPLY_NUMBER, .number = number });
}

static void *
take_nil(const redisReadTask *task)
{
	return take(task, (struct reply_item){ .type = REPLY_NIL });
}

static void
free_nothing(void *object)
{
	(void)object;
}

static redisReplyObjectFunctions functions = {
	.createString = take_text,
	.createArray = take_list,
	.createInteger = take_number,
	.createNil = take_nil,
	.freeObject = free_nothing,
};

bool
reply_open(struct reply_reader **out, reply_taker *taker, void *context,
    struct err *err)
{
	struct reply_reader *reader = calloc(1, sizeof(*reader));

	if (reader == NULL)
		return err_set(err, ERR_BUG, "no_memory",
		    "memory is out; give the process more");
	reader->take = taker;
	reader->context = context;
	reader->redis = redisReaderCreateWithFunctions(&functions);
	if (reader->redis == NULL) {
		free(reader);
		return err_set(err, ERR_BUG, "no_memory",
		    "memory is out; give the process more");
	}
	reader->redis->privdata = reader;
	*out = reader;
	return true;
}

void
reply_close(struct reply_reader *reader)
{
	if (reader == NULL)
		return;
	redisReaderFree(reader->redis);
	free(reader);
}

bool
reply_feed(
    struct reply_reader *reader, const char *bytes, size_t len, struct err *err)
{
	redisReader *redis = reader->redis;
	void *reply;

	if (redisReaderFeed(redis, bytes, len) != REDIS_OK)
		return err_set(err, ERR_REACH, "redis_refused",
		    "Redis' reply cannot be read: %s", redis->errstr);
	do {
		reply = NULL;
		if (redisReaderGetReply(redis, &reply) != REDIS_OK)
			return err_set(err, ERR_REACH, "redis_refused",
			    "Redis' reply cannot be read: %s",
			    reader->refused ? "not what was asked for"
					    : redis->errstr);
	} while (reply != NULL);
	if (redis->len - redis->pos > REPLY_MAX)
		return err_set(err, ERR_REACH, "redis_refused",
		    "Redis' reply is longer than %d bytes", REPLY_MAX);
	return true;
}
