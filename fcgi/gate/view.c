#include "fcgi/gate/view.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "fcgi/gate/asking.h"
#include "fcgi/process/times.h"
#include "fcgi/gate/watch.h"

/* For what was verified and parsed before, when there is no near cache: it is
 * asked for each time, but mostly comes as it was. */
#define SHELF_BYTES	 (8 * 1024 * 1024)
#define REFUSED_QUIET_MS 60000
#define OUTAGE_QUIET_MS	 5000
#define TICK_MIN_MS	 100
#define TICK_MAX_MS	 1000

/* A loss that has been said, until it is over. */
struct outage {
	bool said;
	int64_t said_ms;
};

struct view {
	struct view_config config;
	struct arena arena; /* of what the configuration is made into */
	struct keys keys;
	struct record_key key;
	struct cache *cache;
	struct fetcher *fetcher;
	struct watch *watch; /* NULL without a near cache */
	struct askings *askings;
	struct event *tick; /* NULL without a near cache */

	struct want beat; /* the heartbeat, while it is asked for */
	bool beat_is_out;
	int64_t beat_stamp_ms; /* by the publisher's wall clock */
	int64_t beat_read_ms;

	void (*say)(void *context, const char *code, const char *text);
	void *say_context;
	/* What has been said last. */
	struct outage lost; /* the data connection */
	struct outage untracked; /* the invalidation connection */
	bool renewing; /* the invalidation connection: no loss to be said */
	bool said_untrusted;
	bool said_not_ready;
	int64_t trusted_ms; /* when the cache was trusted last */
	int64_t refused_ms; /* when a refused record was said last */
};

static int64_t
heartbeat_max_ms(const struct view *view)
{
	return view->config.heartbeat_max_s * 1000;
}

/* --- Saying -------------------------------------------------------------- */

static void view_say(struct view *view, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
view_say(struct view *view, const char *code, const char *fmt, ...)
{
	struct err line = { 0 };
	char text[sizeof(line.text)];
	va_list args;

	if (view->say == NULL)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	err_set(&line, ERR_REACH, code, "%s", text);
	view->say(view->say_context, code, line.text);
}

/* Once a minute: a bad record may be asked for by each request. */
static void
say_refused(void *context, const struct err *why)
{
	struct view *view = context;
	int64_t now_ms = monotonic_ms();

	if (view->refused_ms != 0 &&
	    now_ms - view->refused_ms < REFUSED_QUIET_MS)
		return;
	view->refused_ms = now_ms;
	view_say(view, why->code, "%s", why->text);
}

/* What comes and goes many times a second is said now and then. One that
 * lasts is said when the next try fails. */
static void
say_outage(struct view *view, struct outage *outage, const struct err *why)
{
	int64_t now_ms = monotonic_ms();

	if (outage->said || (outage->said_ms != 0 &&
				now_ms - outage->said_ms < OUTAGE_QUIET_MS))
		return;
	outage->said = true;
	outage->said_ms = now_ms;
	view_say(view, why->code, "%s", why->text);
}

static void
say_ready(void *context, bool ready)
{
	struct view *view = context;

	if (ready && view->said_not_ready)
		view_say(view, "view_ready", "the view has a generation again");
	if (!ready && !view->said_not_ready)
		view_say(view, "view_not_ready",
		    "the view has no generation yet: run 'rolegate publish "
		    "--all'");
	view->said_not_ready = !ready;
}

/* --- Is the cache trusted? ----------------------------------------------- */

/* The publisher is alive, and its Redis is the one that we read: both by its
 * stamp and by when we read it, so that no step of a clock makes it longer. */
static bool
heart_beats(const struct view *view, int64_t now_ms)
{
	int64_t max_ms = heartbeat_max_ms(view);
	int64_t age_ms;

	if (view->beat_read_ms == 0 || now_ms - view->beat_read_ms > max_ms)
		return false;
	age_ms = view->config.wall_ms() - view->beat_stamp_ms;
	return age_ms <= max_ms && age_ms >= -max_ms;
}

static bool
is_trusted(const struct view *view, int64_t now_ms)
{
	return view->watch != NULL && watch_is_alive(view->watch, now_ms) &&
	       heart_beats(view, now_ms);
}

static void
beat_got(struct want *want, enum fetched what, struct entry *entry)
{
	struct view *view =
	    (struct view *)(void *)((char *)want - offsetof(struct view, beat));

	view->beat_is_out = false;
	if (what != FETCHED_RECORD)
		return;
	view->beat_stamp_ms = entry->generation;
	view->beat_read_ms = monotonic_ms();
}

static void
beat_get(struct view *view)
{
	if (view->beat_is_out || !fetcher_is_up(view->fetcher))
		return;
	view->beat.got = beat_got;
	view->beat_is_out =
	    fetcher_get(view->fetcher, RECORD_HEARTBEAT, STR(""), &view->beat);
}

static void
trust_look(struct view *view, int64_t now_ms)
{
	if (is_trusted(view, now_ms)) {
		view->trusted_ms = now_ms;
		if (view->said_untrusted)
			view_say(view, "cache_trusted",
			    "the near cache is used again");
		view->said_untrusted = false;
		return;
	}
	/* Whoever reads that Redis is lost knows this, too. */
	if (view->said_untrusted || view->lost.said || view->untracked.said ||
	    now_ms - view->trusted_ms <= heartbeat_max_ms(view))
		return;
	view->said_untrusted = true;
	view_say(view, "cache_untrusted",
	    "no fresh heartbeat for %lld s: Redis is asked for each request; "
	    "is 'rolegate publish --follow' running, does it write to this "
	    "Redis, and do the clocks agree?",
	    (long long)view->config.heartbeat_max_s);
}

static void
on_tick(evutil_socket_t fd, short what, void *context)
{
	struct view *view = context;
	int64_t now_ms = monotonic_ms();

	(void)fd;
	(void)what;
	watch_tick(view->watch, now_ms);
	beat_get(view);
	trust_look(view, now_ms);
}

/* --- The two connections ------------------------------------------------- */

static void
fetcher_up(void *context)
{
	struct view *view = context;

	if (view->lost.said)
		view_say(view, "redis_back", "redis %.*s: answers again",
		    STR_ARGS(view->config.redis.address));
	view->lost.said = false;
	if (view->watch == NULL)
		return;
	/* It may be another server, and does not track anything yet. */
	view->beat_read_ms = 0;
	view->renewing = true;
	watch_drop(view->watch, "the data connection is a new one");
	view->renewing = false;
	watch_start(view->watch);
	beat_get(view);
}

static void
fetcher_tracked(void *context, struct str why_not)
{
	const struct view *view = context;

	if (why_not.len == 0)
		watch_begin(view->watch);
	else
		watch_refuse(view->watch, why_not);
}

/* Without a data connection it waits for the next one. */
static void
watch_ready(void *context, struct str id)
{
	const struct view *view = context;

	fetcher_track(view->fetcher, id);
}

static void
fetcher_ahead(void *context)
{
	const struct view *view = context;

	if (view->watch != NULL)
		watch_catch_up(view->watch);
}

static void
fetcher_down(void *context, const struct err *why)
{
	struct view *view = context;

	say_outage(view, &view->lost, why);
	/* A server that refuses may be another one than we believe: it has
	 * moved, or was replaced. */
	if (view->watch != NULL && strcmp(why->code, "redis_refused") == 0) {
		cache_clear(view->cache);
		watch_drop(view->watch, "the data connection was refused");
	}
}

static void
watch_up(void *context)
{
	struct view *view = context;

	if (view->untracked.said)
		view_say(view, "tracking_back", "Redis tells of changes again");
	view->untracked.said = false;
}

static void
watch_down(void *context, const struct err *why)
{
	struct view *view = context;

	/* Else it is started again when the data connection is there. */
	if (!fetcher_is_up(view->fetcher) || view->renewing)
		return;
	say_outage(view, &view->untracked, why);
	watch_start(view->watch);
}

/* --- Asking -------------------------------------------------------------- */

static bool
asking_trusts(void *context)
{
	const struct view *view = context;

	return view->watch != NULL && is_trusted(view, monotonic_ms()) &&
	       fetcher_generation(view->fetcher) ==
		   fetcher_floor(view->fetcher);
}

static int64_t
asking_wall_ms(void *context)
{
	const struct view *view = context;

	return view->config.wall_ms();
}

void
view_ask(struct view *view, const struct view_ask *ask)
{
	askings_ask(view->askings, ask);
}

/* --- Opening and closing ------------------------------------------------- */

static bool
parts_open(struct view *view, struct event_base *loop, struct err *err)
{
	bool caching = view->config.cache_bytes > 0;
	struct fetch_config fetch = { .loop = loop,
		.target = &view->config.redis,
		.keys = &view->keys,
		.key = &view->key,
		.caching = caching,
		.seen = view->config.seen,
		.wait_ms = view->config.wait_ms,
		.up = fetcher_up,
		.ahead = fetcher_ahead,
		.tracked = fetcher_tracked,
		.down = fetcher_down,
		.refused = say_refused,
		.context = view };
	struct watch_config watch = { .loop = loop,
		.target = &view->config.redis,
		.keys = &view->keys,
		.max_ms = heartbeat_max_ms(view),
		.ready = watch_ready,
		.up = watch_up,
		.down = watch_down,
		.context = view };
	struct asking_config asking = { .loop = loop,
		.keys = &view->keys,
		.wait_ms = view->config.wait_ms,
		.stale_max_s = view->config.stale_max_s,
		.trusted = asking_trusts,
		.wall_ms = asking_wall_ms,
		.ready = say_ready,
		.bad = say_refused,
		.context = view };

	if (!cache_open(&view->cache,
		caching ? (size_t)view->config.cache_bytes : SHELF_BYTES, err))
		return false;
	fetch.cache = view->cache;
	watch.cache = view->cache;
	asking.cache = view->cache;
	if (!fetcher_open(&view->fetcher, &fetch, err))
		return false;
	asking.fetcher = view->fetcher;
	return askings_open(&view->askings, &asking, err) &&
	       (!caching || watch_open(&view->watch, &watch, err));
}

static bool
tick_open(struct view *view, struct event_base *loop, struct err *err)
{
	int64_t every_ms = heartbeat_max_ms(view) / 4;
	struct timeval every;

	if (every_ms < TICK_MIN_MS)
		every_ms = TICK_MIN_MS;
	if (every_ms > TICK_MAX_MS)
		every_ms = TICK_MAX_MS;
	every = timeval_ms(every_ms);
	view->tick = event_new(loop, -1, EV_PERSIST, on_tick, view);
	if (view->tick == NULL || event_add(view->tick, &every) != 0)
		return err_set(err, ERR_BUG, "no_memory",
		    "memory is out; give the process more");
	return true;
}

bool
view_open(struct view **out, struct event_base *loop,
    const struct view_config *config, struct err *err)
{
	struct view *view;

	if (sodium_init() < 0)
		return err_set(err, ERR_BUG, "no_random",
		    "libsodium: cannot start; look at the system's random "
		    "generator");
	view = calloc(1, sizeof(*view));
	if (view == NULL)
		return err_set(err, ERR_BUG, "no_memory",
		    "memory is out; give the process more");
	view->config = *config;
	view->key = config->key;
	if (view->config.wall_ms == NULL)
		view->config.wall_ms = wall_ms;
	sodium_memzero(&view->config.key, sizeof(view->config.key));
	view->trusted_ms = monotonic_ms();
	if (!keys_make(&view->keys, &view->arena, config->ns, err) ||
	    !parts_open(view, loop, err) ||
	    (view->watch != NULL && !tick_open(view, loop, err))) {
		view_close(view);
		return false;
	}
	view->config.ns = view->keys.all;
	*out = view;
	return true;
}

void
view_close(struct view *view)
{
	if (view == NULL)
		return;
	view->say = NULL;
	askings_stop(view->askings);
	fetcher_close(view->fetcher);
	watch_close(view->watch);
	askings_close(view->askings);
	cache_close(view->cache);
	if (view->tick != NULL)
		event_free(view->tick);
	sodium_memzero(&view->key, sizeof(view->key));
	arena_free(&view->arena);
	free(view);
}

void
view_on_event(struct view *view,
    void (*say)(void *context, const char *code, const char *text),
    void *context)
{
	view->say = say;
	view->say_context = context;
}

void
view_count(const struct view *view, struct view_counts *out)
{
	struct cache_counts cache = cache_count(view->cache);

	*out = (struct view_counts){
		.generation = fetcher_generation(view->fetcher),
		.cache_bytes = cache.bytes,
		.cache_records = cache.records,
		.hits = askings_hits(view->askings),
		.asked = fetcher_sent(view->fetcher),
		.refused_records =
		    fetcher_refused(view->fetcher) + askings_bad(view->askings),
		.connected = fetcher_is_up(view->fetcher),
		.trusted = is_trusted(view, monotonic_ms()),
		.trusted_ms = view->trusted_ms,
	};
}
