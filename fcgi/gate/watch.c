#include "fcgi/gate/watch.h"

#include <stdio.h>
#include <stdlib.h>

#include "fcgi/process/times.h"

#define CHANNEL "__redis__:invalidate"

/* What was sent and not answered, in this order. */
enum watch_state {
	WATCH_OFF = 0,
	WATCH_ID,
	WATCH_SUBSCRIBE,
	WATCH_READY, /* until tracking is redirected to it */
	WATCH_ON,
};

enum message { MESSAGE_NONE = 0, MESSAGE_CHANGE, MESSAGE_PONG };

struct watch {
	struct watch_config config;
	struct link *link;
	enum watch_state state;
	enum message message; /* that is arriving, */
	int64_t length; /* of so many items */
	int64_t asked_ms; /* when the last step or PING was sent */
	bool pinged; /* and its PONG has not come */
	bool behind_more; /* the cache is, until the PONG after that one */
	int64_t alive_ms; /* the last PING that was answered */
	int64_t beat_ms; /* the last heartbeat that was told of; 0: none */
	char id[24]; /* by which the server knows it */
};

static bool
watch_say(struct watch *watch, enum watch_state next, const struct str *words,
    size_t count)
{
	if (!link_send(watch->link, words, count)) {
		link_drop(watch->link, "no_memory", "memory is out");
		return false;
	}
	watch->state = next;
	watch->asked_ms = monotonic_ms();
	return true;
}

static void
refused(struct watch *watch, struct str why, const char *command)
{
	link_drop(watch->link, "tracking_refused",
	    "%s: %.*s; the near cache is not used: give the gate's user "
	    "+client|id +client|tracking +subscribe +ping and &" CHANNEL,
	    command, STR_ARGS(why));
}

static void
refused_item(
    struct watch *watch, const struct reply_item *item, const char *command)
{
	refused(watch,
	    item->type == REPLY_ERROR ? item->text
				      : STR("not the reply of a Redis"),
	    command);
}

/* --- The steps ----------------------------------------------------------- */

static void
id_item(struct watch *watch, const struct reply_item *item)
{
	if (item->type != REPLY_NUMBER || item->number <= 0) {
		refused_item(watch, item, "CLIENT ID");
		return;
	}
	snprintf(watch->id, sizeof(watch->id), "%lld", (long long)item->number);
	watch_say(watch, WATCH_SUBSCRIBE,
	    (struct str[]){ STR("SUBSCRIBE"), STR(CHANNEL) }, 2);
}

/* ["subscribe", channel, 1] */
static void
subscribe_item(struct watch *watch, const struct reply_item *item)
{
	bool fits = false;

	if (item->depth == 0)
		fits = item->type == REPLY_LIST && item->number == 3;
	else if (item->depth == 1 && item->index == 0)
		fits = item->type == REPLY_TEXT &&
		       str_eq(item->text, STR("subscribe"));
	else if (item->depth == 1 && item->index == 1)
		fits = item->type == REPLY_TEXT &&
		       str_eq(item->text, STR(CHANNEL));
	else if (item->depth == 1)
		fits = item->type == REPLY_NUMBER && item->number == 1;
	if (!fits) {
		refused_item(watch, item, "SUBSCRIBE");
		return;
	}
	if (item->depth == 0 || item->index < 2)
		return;
	watch->state = WATCH_READY;
	watch->config.ready(watch->config.context, str_from(watch->id));
}

void
watch_begin(struct watch *watch)
{
	if (watch->state != WATCH_READY)
		return;
	watch->state = WATCH_ON;
	watch->alive_ms = watch->asked_ms;
	link_proved(watch->link);
	cache_track(watch->config.cache, true);
	watch->config.up(watch->config.context);
}

void
watch_refuse(struct watch *watch, struct str why)
{
	if (watch->state == WATCH_READY)
		refused(watch, why, "CLIENT TRACKING");
}

/* --- Messages ------------------------------------------------------------ */

static void
unexpected(struct watch *watch)
{
	cache_clear(watch->config.cache);
	link_drop(watch->link, "tracking_lost",
	    "it sent what is no invalidation message");
}

static void
word_item(struct watch *watch, const struct reply_item *item)
{
	if (item->type != REPLY_TEXT) {
		unexpected(watch);
	} else if (watch->length == 3 && str_eq(item->text, STR("message"))) {
		watch->message = MESSAGE_CHANGE;
		/* From here on, also while its keys are arriving. */
		cache_changed(watch->config.cache);
	} else if (watch->length == 2 && str_eq(item->text, STR("pong"))) {
		watch->message = MESSAGE_PONG;
	} else {
		unexpected(watch);
	}
}

static void
ping(struct watch *watch)
{
	watch->pinged =
	    watch_say(watch, WATCH_ON, (struct str[]){ STR("PING") }, 1);
}

static void
pong(struct watch *watch)
{
	bool more = watch->behind_more;

	watch->pinged = false;
	watch->alive_ms = watch->asked_ms;
	watch->behind_more = false;
	cache_behind(watch->config.cache, more);
	if (more)
		ping(watch);
}

/* The channel of a message, or the text of a PONG. */
static void
second_item(struct watch *watch, const struct reply_item *item)
{
	if (item->type != REPLY_TEXT) {
		unexpected(watch);
	} else if (watch->message == MESSAGE_CHANGE) {
		if (!str_eq(item->text, STR(CHANNEL)))
			unexpected(watch);
	} else if (!watch->pinged) {
		unexpected(watch);
	} else {
		pong(watch);
	}
}

/* The publisher writes to this very server; and what it wrote before has been
 * told. A PONG says neither: a server that was left behind answers too. */
static void
beat(struct watch *watch)
{
	watch->beat_ms = monotonic_ms();
	cache_confirm(watch->config.cache, watch->beat_ms);
}

static void
key_item(struct watch *watch, const struct reply_item *item)
{
	enum record_kind kind;
	struct str name;

	if (item->type != REPLY_TEXT)
		cache_clear(watch->config.cache);
	else if (!keys_match(watch->config.keys, item->text, &kind, &name))
		return;
	else if (kind == RECORD_HEARTBEAT)
		beat(watch);
	else
		cache_forget(watch->config.cache, kind, name);
}

static void
message_item(struct watch *watch, const struct reply_item *item)
{
	if (item->depth == 0) {
		watch->message = MESSAGE_NONE;
		watch->length = item->number;
		if (item->type != REPLY_LIST || item->number < 2)
			unexpected(watch);
	} else if (item->depth == 1 && item->index == 0) {
		word_item(watch, item);
	} else if (item->depth == 1 && item->index == 1) {
		second_item(watch, item);
	} else if (watch->message != MESSAGE_CHANGE || item->depth > 2) {
		unexpected(watch);
	} else if (item->depth == 2) {
		key_item(watch, item);
	} else if (item->type != REPLY_LIST) {
		/* NIL: everything may have changed. A text: somebody else
		 * publishes on the channel, who knows what. */
		cache_clear(watch->config.cache);
	}
}

/* --- The connection ------------------------------------------------------ */

static void
on_up(void *context)
{
	struct watch *watch = context;

	watch->message = MESSAGE_NONE;
	watch->pinged = false;
	watch->behind_more = false;
	watch->beat_ms = 0;
	watch_say(
	    watch, WATCH_ID, (struct str[]){ STR("CLIENT"), STR("ID") }, 2);
}

static void
on_item(void *context, const struct reply_item *item)
{
	struct watch *watch = context;

	switch (watch->state) {
	case WATCH_OFF:
		link_drop(watch->link, "tracking_lost", "it speaks unasked");
		return;
	case WATCH_ID:
		id_item(watch, item);
		return;
	case WATCH_SUBSCRIBE:
		subscribe_item(watch, item);
		return;
	case WATCH_READY: /* tracking may have begun, before we hear of it */
	case WATCH_ON:
		message_item(watch, item);
		return;
	}
}

static void
on_down(void *context, const struct err *why)
{
	struct watch *watch = context;

	watch->state = WATCH_OFF;
	cache_track(watch->config.cache, false);
	watch->config.down(watch->config.context, why);
}

void
watch_start(struct watch *watch)
{
	link_start(watch->link);
}

void
watch_drop(struct watch *watch, const char *why)
{
	link_drop(watch->link, "tracking_lost", "%s", why);
}

void
watch_tick(struct watch *watch, int64_t now_ms)
{
	bool waits = watch->state != WATCH_OFF &&
		     (watch->state != WATCH_ON || watch->pinged);

	if (waits && now_ms - watch->asked_ms > watch->config.max_ms)
		link_drop(watch->link, "tracking_lost",
		    "no answer within %lld ms",
		    (long long)watch->config.max_ms);
	else if (watch->state == WATCH_ON && !watch->pinged)
		ping(watch);
}

/* A PING that is out may have been answered before the change. */
void
watch_catch_up(struct watch *watch)
{
	if (watch->state != WATCH_ON)
		return;
	cache_behind(watch->config.cache, true);
	if (watch->pinged)
		watch->behind_more = true;
	else
		ping(watch);
}

bool
watch_is_alive(const struct watch *watch, int64_t now_ms)
{
	return watch->state == WATCH_ON &&
	       !cache_is_behind(watch->config.cache) && watch->beat_ms != 0 &&
	       now_ms - watch->alive_ms <= watch->config.max_ms &&
	       now_ms - watch->beat_ms <= watch->config.max_ms;
}

bool
watch_open(
    struct watch **out, const struct watch_config *config, struct err *err)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	struct link_hooks hooks = {
		.up = on_up, .item = on_item, .down = on_down, .context = watch
	};

	if (watch == NULL)
		return err_set(err, ERR_BUG, "no_memory",
		    "memory is out; give the process more");
	watch->config = *config;
	if (!link_open(
		&watch->link, config->loop, config->target, &hooks, err)) {
		free(watch);
		return false;
	}
	*out = watch;
	return true;
}

void
watch_close(struct watch *watch)
{
	if (watch == NULL)
		return;
	link_close(watch->link);
	free(watch);
}
