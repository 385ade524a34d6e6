#include "fcgi/gate/view.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "base/text.h"
#include "fcgi/gate/fetch.h"
#include "fcgi/gate/watch.h"

/* For catalogues alone, when there is no near cache: parsing one for each
 * request would cost more than all the rest. */
#define SHELF_BYTES (8 * 1024 * 1024)
#define DIGEST_LEN 64
#define SPARE_ASKS_MAX 64
#define SPARE_ARENA_MAX (64 * 1024)
#define REFUSED_QUIET_MS 60000
#define TICK_MIN_MS 100
#define TICK_MAX_MS 1000

/* What an answer is made of, in the order of the asking. */
enum part_name {
	PART_SESSION,
	PART_GENERATION,
	PART_MEMBER,
	PART_ACCOUNT,
	PART_CATALOGUE,
	PARTS,
};

enum part_state {
	PART_NEW = 0,
	PART_WAITING,
	PART_HERE,
	PART_ABSENT,
	PART_BAD,
	PART_GONE, /* Redis could not be asked */
};

struct part {
	struct want want;
	struct asking *asking;
	enum part_state state;
	struct entry *entry; /* held, for PART_HERE */
};

enum step { STEP_SESSION, STEP_MEMBER, STEP_PERSONAL, STEP_CATALOGUE, STEPS };

struct asking {
	struct view *view;
	struct asking *next; /* by deadline; or the next spare one */
	struct asking *before;
	struct arena arena;
	struct view_ask ask; /* texts in the arena */
	int64_t deadline_ms;
	enum step step;
	bool wanted;   /* this step has asked for its parts */
	bool trusted;  /* the cache is, now */
	bool fetching; /* this step asks Redis */
	bool stale_only;
	bool answered;
	int waiting; /* parts that this step waits for */
	int out;     /* wants that the fetcher still has */
	struct part parts[PARTS];
	struct member member;
	const struct account *account;
	struct view_answer answer;
};

struct view {
	struct view_config config;
	struct arena arena; /* of what the configuration is made into */
	struct link_target target;
	struct keys keys;
	struct record_key key;
	struct cache *cache;
	struct fetcher *fetcher;
	struct watch *watch; /* NULL without a near cache */
	struct event *tick;
	struct event *deadline;
	struct asking *first; /* in the order of their deadlines */
	struct asking *last;
	struct asking *spare;
	size_t spares;
	bool closing;

	struct want beat; /* the heartbeat, while it is asked for */
	bool beat_is_out;
	int64_t beat_stamp_ms; /* by the publisher's wall clock */
	int64_t beat_read_ms;

	void (*say)(void *context, const char *code, const char *text);
	void *say_context;
	/* What has been said last. */
	bool said_lost;
	bool said_watch;
	bool said_untrusted;
	bool said_not_ready;
	int64_t trusted_ms; /* when the cache was trusted last */
	int64_t refused_ms; /* when a refused record was said last */
	int64_t hits;
	int64_t bad_bodies;
};

static void asking_go(struct asking *asking);

/* --- Time ---------------------------------------------------------------- */

static int64_t
wall_ms(const struct view *view)
{
	struct timespec now;

	if (view->config.wall_ms != NULL)
		return view->config.wall_ms();
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct timeval
timeval_ms(int64_t ms)
{
	return (struct timeval){ .tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000) };
}

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
say_refused(struct view *view, const struct err *why)
{
	int64_t now_ms = monotonic_ms();

	if (view->refused_ms != 0 &&
	    now_ms - view->refused_ms < REFUSED_QUIET_MS)
		return;
	view->refused_ms = now_ms;
	view_say(view, why->code, "%s", why->text);
}

static void
say_ready(struct view *view, bool ready)
{
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
	age_ms = wall_ms(view) - view->beat_stamp_ms;
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
	struct view *view = (struct view *)(void *)((char *)want -
	    offsetof(struct view, beat));

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
	view->beat_is_out = fetcher_get(view->fetcher, RECORD_HEARTBEAT,
	    STR(""), &view->beat);
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
	if (view->said_untrusted || view->said_lost || view->said_watch ||
	    now_ms - view->trusted_ms <= heartbeat_max_ms(view))
		return;
	view->said_untrusted = true;
	view_say(view, "cache_untrusted",
	    "no fresh heartbeat for %lld s: Redis is asked for each request; "
	    "is 'rolegate publish --follow' running, and do the clocks agree?",
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

	if (view->said_lost)
		view_say(view, "redis_back", "redis %.*s: answers again",
		    STR_ARGS(view->target.address));
	view->said_lost = false;
	if (view->watch == NULL)
		return;
	watch_start(view->watch);
	beat_get(view);
}

static void
fetcher_down(void *context, const struct err *why)
{
	struct view *view = context;

	if (!view->said_lost)
		view_say(view, why->code, "%s", why->text);
	view->said_lost = true;
	/* A server that refuses may be another one than we believe: it has
	 * moved, or was replaced. */
	if (view->watch != NULL && strcmp(why->code, "redis_refused") == 0) {
		cache_clear(view->cache);
		watch_drop(view->watch, "the data connection was refused");
	}
}

static void
fetcher_refuses(void *context, const struct err *why)
{
	say_refused(context, why);
}

static void
watch_up(void *context)
{
	struct view *view = context;

	if (view->said_watch)
		view_say(view, "tracking_back",
		    "Redis tells of changes again");
	view->said_watch = false;
}

static void
watch_down(void *context, const struct err *why)
{
	struct view *view = context;

	/* Else it is started again when the data connection is there. */
	if (!fetcher_is_up(view->fetcher))
		return;
	if (!view->said_watch)
		view_say(view, why->code, "%s", why->text);
	view->said_watch = true;
	watch_start(view->watch);
}

/* --- One ask: its memory ------------------------------------------------- */

static struct asking *
asking_new(struct view *view)
{
	struct asking *asking = view->spare;

	if (asking != NULL) {
		struct arena arena = asking->arena;

		view->spare = asking->next;
		view->spares--;
		*asking = (struct asking){ .arena = arena };
	} else {
		asking = calloc(1, sizeof(*asking));
	}
	if (asking != NULL)
		asking->view = view;
	return asking;
}

static void
asking_free(struct asking *asking)
{
	arena_free(&asking->arena);
	free(asking);
}

/* Keeps its memory for the next one, unless it is much. */
static void
asking_end(struct asking *asking)
{
	struct view *view = asking->view;

	if (!asking->answered || asking->out > 0)
		return;
	for (int i = 0; i < PARTS; i++)
		entry_release(asking->parts[i].entry);
	if (view->closing || view->spares == SPARE_ASKS_MAX ||
	    asking->arena.used_bytes > SPARE_ARENA_MAX) {
		asking_free(asking);
		return;
	}
	arena_reset(&asking->arena);
	asking->next = view->spare;
	view->spare = asking;
	view->spares++;
}

/* --- One ask: its deadline ----------------------------------------------- */

/* All wait equally long, so the list is in order; the one timer is set for
 * the first, and set again when it finds another one first. */
static void
deadline_set(struct view *view)
{
	struct timeval wait;
	int64_t wait_ms;

	if (view->first == NULL ||
	    event_pending(view->deadline, EV_TIMEOUT, NULL))
		return;
	wait_ms = view->first->deadline_ms - monotonic_ms();
	wait = timeval_ms(wait_ms > 1 ? wait_ms : 1);
	event_add(view->deadline, &wait);
}

static void
deadline_add(struct asking *asking)
{
	struct view *view = asking->view;

	asking->before = view->last;
	asking->next = NULL;
	if (view->last != NULL)
		view->last->next = asking;
	else
		view->first = asking;
	view->last = asking;
	deadline_set(view);
}

static void
deadline_take(struct asking *asking)
{
	struct view *view = asking->view;

	if (view->first != asking && asking->before == NULL)
		return; /* it never waited */
	if (asking->before != NULL)
		asking->before->next = asking->next;
	else
		view->first = asking->next;
	if (asking->next != NULL)
		asking->next->before = asking->before;
	else
		view->last = asking->before;
	asking->before = NULL;
	asking->next = NULL;
}

/* --- One ask: its answer ------------------------------------------------- */

static void
asking_answer(struct asking *asking, enum view_state state)
{
	struct view_answer *answer = &asking->answer;

	deadline_take(asking);
	asking->answered = true;
	if (state == VIEW_UNKNOWN)
		*answer = (struct view_answer){ 0 };
	answer->state = state;
	if (answer->generation == 0)
		answer->generation =
		    fetcher_generation(asking->view->fetcher);
	asking->ask.done(asking->ask.context, answer);
}

/* Signed, but not what it has to be: versions that do not fit. */
static void
asking_bad(struct asking *asking, const struct err *why)
{
	asking->view->bad_bodies++;
	say_refused(asking->view, why);
	asking_answer(asking, VIEW_UNKNOWN);
}

/* --- One ask: its parts -------------------------------------------------- */

static void
part_got(struct want *want, enum fetched what, struct entry *entry)
{
	static const enum part_state states[] = {
		[FETCHED_NOTHING] = PART_GONE,
		[FETCHED_BAD] = PART_BAD,
		[FETCHED_ABSENT] = PART_ABSENT,
		[FETCHED_RECORD] = PART_HERE,
	};
	struct part *part = (struct part *)(void *)((char *)want -
	    offsetof(struct part, want));
	struct asking *asking = part->asking;

	asking->out--;
	if (part->state == PART_WAITING) {
		part->state = states[what];
		if (entry != NULL)
			part->entry = entry_hold(entry);
		asking->waiting--;
		asking_go(asking);
	}
	asking_end(asking);
}

static void
part_fetch(struct asking *asking, enum part_name name, enum record_kind kind,
    struct str key)
{
	struct part *part = &asking->parts[name];

	part->asking = asking;
	part->want.got = part_got;
	if (!fetcher_get(asking->view->fetcher, kind, key, &part->want)) {
		part->state = PART_GONE;
		return;
	}
	part->state = PART_WAITING;
	asking->waiting++;
	asking->out++;
	asking->fetching = true;
}

static struct entry *
part_find(struct asking *asking, enum record_kind kind, struct str key)
{
	struct view *view = asking->view;
	struct entry *entry = NULL;

	if (asking->trusted)
		entry = cache_get(view->cache, kind, key);
	if (entry != NULL || !asking->stale_only)
		return entry;
	entry = cache_get_stale(view->cache, kind, key,
	    monotonic_ms() - view->config.stale_max_s * 1000);
	if (entry != NULL)
		asking->answer.stale = true;
	return entry;
}

static void
part_want(struct asking *asking, enum part_name name, enum record_kind kind,
    struct str key)
{
	struct part *part = &asking->parts[name];
	struct entry *entry;

	if (part->state == PART_HERE || part->state == PART_ABSENT)
		return;
	entry = part_find(asking, kind, key);
	if (entry != NULL && entry->absent) {
		part->state = PART_ABSENT;
	} else if (entry != NULL) {
		part->state = PART_HERE;
		part->entry = entry_hold(entry);
	} else if (asking->stale_only) {
		part->state = PART_GONE;
		return;
	} else {
		part_fetch(asking, name, kind, key);
		return;
	}
	asking->view->hits++;
}

/* What Redis says that there is not, is not there only if the view is: so
 * each round that asks Redis asks for the generation, too (CASES W7). */
static void
generation_want(struct asking *asking)
{
	struct part *part = &asking->parts[PART_GENERATION];

	if (asking->fetching && part->state != PART_WAITING) {
		entry_release(part->entry);
		part->entry = NULL;
		part_fetch(asking, PART_GENERATION, RECORD_GENERATION, STR(""));
	} else {
		part_want(asking, PART_GENERATION, RECORD_GENERATION, STR(""));
	}
}

static struct record
part_record(struct asking *asking, enum part_name name, enum record_kind kind)
{
	const struct entry *entry = asking->parts[name].entry;

	return (struct record){
		.name = keys_key(&asking->view->keys, &asking->arena, kind,
		    entry_name(entry)),
		.generation = entry->generation,
		.body = entry_body(entry),
	};
}

/* --- One ask: its steps -------------------------------------------------- */

static bool
is_digest(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!(s.ptr[i] >= '0' && s.ptr[i] <= '9') &&
		    !(s.ptr[i] >= 'a' && s.ptr[i] <= 'f'))
			return false;
	return s.len == DIGEST_LEN;
}

/* What cannot be a name is nobody's, and nothing's. */
static bool
can_be_name(struct str s, size_t max)
{
	struct err err = { 0 };

	return text_check(s, max, "name", &err);
}

static void
session_want(struct asking *asking)
{
	if (asking->ask.session.len > 0)
		part_want(asking, PART_SESSION, RECORD_SESSION,
		    asking->ask.session);
}

/* False when the ask has been answered. */
static bool
session_read(struct asking *asking)
{
	struct view_answer *answer = &asking->answer;
	struct record_session session = { .username = asking->ask.username };
	struct err err = { 0 };
	struct record record;

	if (asking->ask.session.len > 0) {
		if (asking->parts[PART_SESSION].state != PART_HERE) {
			asking_answer(asking, VIEW_NO_IDENTITY);
			return false;
		}
		record = part_record(asking, PART_SESSION, RECORD_SESSION);
		if (!record_read_session(&record, &session, &err)) {
			asking_bad(asking, &err);
			return false;
		}
		if (wall_ms(asking->view) / 1000 >= session.expires_s) {
			asking_answer(asking, VIEW_NO_IDENTITY);
			return false;
		}
	}
	answer->username = session.username;
	answer->account_id = asking->ask.account.len > 0 ? asking->ask.account
							 : session.account;
	return true;
}

static void
account_want(struct asking *asking)
{
	struct str id = asking->answer.account_id;

	if (can_be_name(id, ACCOUNT_ID_MAX))
		part_want(asking, PART_ACCOUNT, RECORD_ACCOUNT, id);
	else
		asking->parts[PART_ACCOUNT].state = PART_ABSENT;
}

static void
member_want(struct asking *asking)
{
	struct str username = str_fold(&asking->arena,
	    asking->answer.username);

	if (!can_be_name(username, USERNAME_MAX))
		asking->parts[PART_MEMBER].state = PART_ABSENT;
	else
		part_want(asking, PART_MEMBER, RECORD_MEMBER, username);
	if (asking->answer.account_id.len > 0)
		account_want(asking);
}

static bool
member_read(struct asking *asking)
{
	struct view_answer *answer = &asking->answer;
	struct err err = { 0 };
	struct record record;

	if (asking->parts[PART_MEMBER].state != PART_HERE)
		return true;
	record = part_record(asking, PART_MEMBER, RECORD_MEMBER);
	if (!record_read_member(&record, &asking->arena, &asking->member,
		&err)) {
		asking_bad(asking, &err);
		return false;
	}
	answer->member = &asking->member;
	if (answer->account_id.len == 0)
		answer->account_id = asking->member.personal;
	return true;
}

static void
personal_want(struct asking *asking)
{
	if (asking->answer.account_id.len > 0)
		account_want(asking);
}

static bool
account_read(struct asking *asking)
{
	struct err err = { 0 };
	struct record record;

	if (asking->parts[PART_ACCOUNT].state != PART_HERE)
		return true;
	record = part_record(asking, PART_ACCOUNT, RECORD_ACCOUNT);
	if (!record_read_account(&record, &asking->arena,
		&asking->answer.account, &err)) {
		asking_bad(asking, &err);
		return false;
	}
	return true;
}

static void
catalogue_want(struct asking *asking)
{
	const struct account *root = asking->answer.account != NULL
	    ? account_root(asking->answer.account) : NULL;

	if (root != NULL && root->catalogue.len > 0)
		part_want(asking, PART_CATALOGUE, RECORD_CATALOGUE,
		    root->catalogue);
}

static bool
catalogue_read(struct asking *asking)
{
	const struct part *part = &asking->parts[PART_CATALOGUE];

	if (part->state == PART_HERE)
		asking->answer.catalogue = part->entry->parsed->catalogue;
	return true;
}

static const struct {
	void (*want)(struct asking *asking);
	bool (*read)(struct asking *asking);
} steps[STEPS] = {
	[STEP_SESSION] = { session_want, session_read },
	[STEP_MEMBER] = { member_want, member_read },
	[STEP_PERSONAL] = { personal_want, account_read },
	[STEP_CATALOGUE] = { catalogue_want, catalogue_read },
};

static void
step_want(struct asking *asking)
{
	asking->wanted = true;
	asking->fetching = false;
	steps[asking->step].want(asking);
	generation_want(asking);
}

static bool
any_part(const struct asking *asking, enum part_state state)
{
	for (int i = 0; i < PARTS; i++)
		if (asking->parts[i].state == state)
			return true;
	return false;
}

/* Can this step be read? False when it answered, or began anew. */
static bool
step_has_all(struct asking *asking)
{
	const struct part *generation = &asking->parts[PART_GENERATION];

	if (any_part(asking, PART_BAD)) {
		asking_answer(asking, VIEW_UNKNOWN);
		return false;
	}
	if (any_part(asking, PART_GONE)) {
		if (asking->stale_only || asking->view->config.stale_max_s == 0)
			asking_answer(asking, VIEW_UNKNOWN);
		asking->stale_only = true;
		asking->wanted = false;
		return false;
	}
	say_ready(asking->view, generation->state == PART_HERE);
	if (generation->state != PART_HERE) {
		asking_answer(asking, VIEW_UNKNOWN);
		return false;
	}
	asking->answer.generation = generation->entry->generation;
	return true;
}

static void
asking_go(struct asking *asking)
{
	asking->trusted = is_trusted(asking->view, monotonic_ms());
	while (!asking->answered) {
		if (!asking->wanted)
			step_want(asking);
		if (asking->waiting > 0)
			return;
		if (!step_has_all(asking) ||
		    !steps[asking->step].read(asking))
			continue;
		asking->wanted = false;
		if (++asking->step == STEPS)
			asking_answer(asking, VIEW_KNOWN);
	}
}

/* Too late: what the fetcher still has is not waited for any longer. */
static void
asking_expire(struct asking *asking)
{
	for (int i = 0; i < PARTS; i++)
		if (asking->parts[i].state == PART_WAITING)
			asking->parts[i].state = PART_GONE;
	asking->waiting = 0;
	asking_go(asking);
	asking_end(asking);
}

static void
on_deadline(evutil_socket_t fd, short what, void *context)
{
	struct view *view = context;
	int64_t now_ms = monotonic_ms();

	(void)fd;
	(void)what;
	while (view->first != NULL && view->first->deadline_ms <= now_ms)
		asking_expire(view->first);
	deadline_set(view);
}

static bool
ask_copy(struct asking *asking, const struct view_ask *ask)
{
	struct arena *arena = &asking->arena;

	asking->ask = *ask;
	asking->ask.session = str_copy(arena, ask->session);
	asking->ask.username = str_copy(arena, ask->username);
	asking->ask.account = str_copy(arena, ask->account);
	return asking->ask.session.ptr != NULL &&
	    asking->ask.username.ptr != NULL && asking->ask.account.ptr != NULL;
}

static void
ask_refuse(const struct view_ask *ask, enum view_state state)
{
	struct view_answer answer = { .state = state };

	ask->done(ask->context, &answer);
}

void
view_ask(struct view *view, const struct view_ask *ask)
{
	struct asking *asking;

	if (ask->session.len > 0 ? !is_digest(ask->session)
				 : ask->username.len == 0) {
		ask_refuse(ask, VIEW_NO_IDENTITY);
		return;
	}
	asking = view->closing ? NULL : asking_new(view);
	if (asking == NULL) {
		ask_refuse(ask, VIEW_UNKNOWN);
		return;
	}
	asking->deadline_ms = monotonic_ms() + view->config.wait_ms;
	if (!ask_copy(asking, ask))
		asking_answer(asking, VIEW_UNKNOWN);
	asking_go(asking);
	if (!asking->answered)
		deadline_add(asking);
	asking_end(asking);
}

/* --- Opening and closing ------------------------------------------------- */

static bool
parts_open(struct view *view, struct event_base *loop, struct err *err)
{
	bool caching = view->config.cache_bytes > 0;
	struct fetch_config fetch = { .loop = loop, .target = &view->target,
		.keys = &view->keys, .key = &view->key, .keep_all = caching,
		.wait_ms = view->config.wait_ms, .up = fetcher_up,
		.down = fetcher_down, .refused = fetcher_refuses,
		.context = view };
	struct watch_config watch = { .loop = loop, .target = &view->target,
		.keys = &view->keys, .max_ms = heartbeat_max_ms(view),
		.up = watch_up, .down = watch_down, .context = view };

	if (!cache_open(&view->cache,
		caching ? (size_t)view->config.cache_bytes : SHELF_BYTES, err))
		return false;
	fetch.cache = view->cache;
	watch.cache = view->cache;
	return fetcher_open(&view->fetcher, &fetch, err) &&
	    (!caching || watch_open(&view->watch, &watch, err));
}

static bool
timers_open(struct view *view, struct event_base *loop, struct err *err)
{
	int64_t every_ms = heartbeat_max_ms(view) / 4;
	struct timeval every;

	if (every_ms < TICK_MIN_MS)
		every_ms = TICK_MIN_MS;
	if (every_ms > TICK_MAX_MS)
		every_ms = TICK_MAX_MS;
	every = timeval_ms(every_ms);
	view->deadline = event_new(loop, -1, 0, on_deadline, view);
	if (view->deadline == NULL)
		return err_set(err, ERR_BUG, "no_memory",
		    "memory is out; give the process more");
	if (view->watch == NULL)
		return true;
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
	sodium_memzero(&view->config.key, sizeof(view->config.key));
	view->trusted_ms = monotonic_ms();
	if (!keys_make(&view->keys, &view->arena, config->ns, err) ||
	    !link_target_read(&view->target, &view->arena, &config->redis,
		err) ||
	    !parts_open(view, loop, err) || !timers_open(view, loop, err)) {
		view_close(view);
		return false;
	}
	/* The caller's texts are not kept. */
	view->config.redis = (struct redis_config){ 0 };
	view->config.ns = view->keys.all;
	*out = view;
	return true;
}

void
view_close(struct view *view)
{
	if (view == NULL)
		return;
	view->closing = true;
	view->say = NULL;
	while (view->first != NULL) {
		struct asking *asking = view->first;

		asking_answer(asking, VIEW_UNKNOWN);
		asking_end(asking);
	}
	fetcher_close(view->fetcher);
	watch_close(view->watch);
	while (view->spare != NULL) {
		struct asking *asking = view->spare;

		view->spare = asking->next;
		asking_free(asking);
	}
	cache_close(view->cache);
	if (view->tick != NULL)
		event_free(view->tick);
	if (view->deadline != NULL)
		event_free(view->deadline);
	link_target_wipe(&view->target);
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
		.hits = view->hits,
		.asked = fetcher_sent(view->fetcher),
		.refused_records = fetcher_refused(view->fetcher) +
		    view->bad_bodies,
		.connected = fetcher_is_up(view->fetcher),
		.trusted = is_trusted(view, monotonic_ms()),
	};
}
