#include "fcgi/gate/fetch.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/gate/view.h"
#include "fcgi/process/times.h"

/* A longer account is kept parsed: about six levels. */
#define PARSED_AT_USE_MAX 256

enum command {
	COMMAND_GET = 0,
	COMMAND_UNTRACK, /* before, since a prefix is tracked once only */
	COMMAND_TRACK,
};

struct fetch {
	struct fetch *next;
	struct want *wants;
	enum command command;
	enum record_kind kind;
	int64_t wanted_ms;
	int64_t sent_ms;
	int64_t round;
	int64_t changes; /* of the cache, when it was sent */
	int64_t floor; /* the newest generation that any worker had seen then */
	size_t key_len;
	size_t name_at;
	char key[];
};

struct queue {
	struct fetch *first;
	struct fetch *last;
};

struct fetcher {
	struct fetch_config config;
	struct link *link;
	struct event *timer;
	struct queue sent;
	struct queue unsent;
	struct fetch *fresh; /* in `sent`: the first of the newest round */
	struct want first; /* the generation, on each new connection */
	bool first_is_out;
	bool proved; /* this connection has answered */
	bool closing;
	int64_t generation;
	int64_t shown; /* the newest generation on this connection */
	int64_t connection; /* its number, from 1 */
	struct entry *newest; /* the generation's record, to know it again */
	int64_t count_sent;
	int64_t count_refused;
};

/* --- Queues -------------------------------------------------------------- */

static void
queue_add(struct queue *queue, struct fetch *fetch)
{
	fetch->next = NULL;
	if (queue->last != NULL)
		queue->last->next = fetch;
	else
		queue->first = fetch;
	queue->last = fetch;
}

static struct fetch *
queue_take(struct queue *queue)
{
	struct fetch *fetch = queue->first;

	if (fetch == NULL)
		return NULL;
	queue->first = fetch->next;
	if (queue->first == NULL)
		queue->last = NULL;
	return fetch;
}

/* The one that is answered now; a server may answer before it was asked. */
static struct fetch *
sent_take(struct fetcher *fetcher)
{
	struct fetch *fetch = queue_take(&fetcher->sent);

	if (fetch != NULL && fetch == fetcher->fresh)
		fetcher->fresh = fetch->next;
	return fetch;
}

static struct str
fetch_key(const struct fetch *fetch)
{
	return (struct str){ fetch->key, fetch->key_len };
}

static struct str
fetch_name(const struct fetch *fetch)
{
	return (struct str){ fetch->key + fetch->name_at,
		fetch->key_len - fetch->name_at };
}

/* It stands in no queue any more: `got` may ask for more. */
static void
fetch_end(struct fetch *fetch, enum fetched what, struct entry *entry)
{
	struct want *want = fetch->wants;

	while (want != NULL) {
		struct want *next = want->next;

		want->got(want, what, entry);
		want = next;
	}
	free(fetch);
}

/* --- Time ---------------------------------------------------------------- */

static int64_t
due_ms(const struct fetcher *fetcher)
{
	int64_t sent = fetcher->sent.first != NULL
			   ? fetcher->sent.first->sent_ms
			   : INT64_MAX;
	int64_t unsent = fetcher->unsent.first != NULL
			     ? fetcher->unsent.first->wanted_ms
			     : INT64_MAX;
	int64_t first = sent < unsent ? sent : unsent;

	return first == INT64_MAX ? first : first + fetcher->config.wait_ms;
}

/* One timer for all: it is set for the oldest, and set again when it finds
 * that the oldest has been answered meanwhile. */
static void
timer_set(struct fetcher *fetcher)
{
	int64_t due = due_ms(fetcher);
	struct timeval wait;

	if (due == INT64_MAX || event_pending(fetcher->timer, EV_TIMEOUT, NULL))
		return;
	wait = timeval_ms(due - monotonic_ms());
	event_add(fetcher->timer, &wait);
}

static void
on_timer(evutil_socket_t fd, short what, void *context)
{
	struct fetcher *fetcher = context;
	int64_t old_ms = monotonic_ms() - fetcher->config.wait_ms;

	(void)fd;
	(void)what;
	while (fetcher->unsent.first != NULL &&
	       fetcher->unsent.first->wanted_ms <= old_ms)
		fetch_end(queue_take(&fetcher->unsent), FETCHED_NOTHING, NULL);
	if (fetcher->sent.first != NULL &&
	    fetcher->sent.first->sent_ms <= old_ms)
		link_drop(fetcher->link, "redis_unreachable",
		    "no answer within %lld ms",
		    (long long)fetcher->config.wait_ms);
	timer_set(fetcher);
}

/* --- Sending ------------------------------------------------------------- */

static bool
command_send(struct fetcher *fetcher, struct fetch *fetch,
    const struct str *words, size_t count, int64_t now_ms)
{
	if (!link_send(fetcher->link, words, count))
		return false;
	fetch->sent_ms = now_ms;
	fetch->round = link_round(fetcher->link);
	fetch->changes = cache_changes(fetcher->config.cache);
	fetch->floor = fetcher_floor(fetcher);
	if (fetcher->fresh == NULL || fetcher->fresh->round != fetch->round)
		fetcher->fresh = fetch;
	queue_add(&fetcher->sent, fetch);
	return true;
}

static bool
fetch_send(struct fetcher *fetcher, struct fetch *fetch, int64_t now_ms)
{
	struct str words[] = { STR("GET"), fetch_key(fetch) };

	if (!command_send(fetcher, fetch, words, 2, now_ms))
		return false;
	fetcher->count_sent++;
	return true;
}

static bool
track_send(struct fetcher *fetcher, enum command command,
    const struct str *words, size_t count)
{
	struct fetch *fetch = calloc(1, sizeof(*fetch));

	if (fetch == NULL)
		return false;
	fetch->command = command;
	if (command_send(fetcher, fetch, words, count, monotonic_ms()))
		return true;
	free(fetch);
	return false;
}

bool
fetcher_track(struct fetcher *fetcher, struct str client)
{
	const struct str off[] = { STR("CLIENT"), STR("TRACKING"), STR("OFF") };
	const struct str on[] = { STR("CLIENT"), STR("TRACKING"), STR("ON"),
		STR("REDIRECT"), client, STR("BCAST"), STR("PREFIX"),
		fetcher->config.keys->all };
	bool ok = track_send(fetcher, COMMAND_UNTRACK, off, 3) &&
		  track_send(fetcher, COMMAND_TRACK, on, 8);

	timer_set(fetcher);
	return ok;
}

static struct fetch *
fetch_new(struct fetcher *fetcher, enum record_kind kind, struct str name,
    int64_t now_ms)
{
	struct str prefix = fetcher->config.keys->prefix[kind];
	struct fetch *fetch = malloc(sizeof(*fetch) + prefix.len + name.len);

	if (fetch == NULL)
		return NULL;
	*fetch = (struct fetch){
		.kind = kind,
		.wanted_ms = now_ms,
		.key_len = prefix.len + name.len,
		.name_at = prefix.len,
	};
	memcpy(fetch->key, prefix.ptr, prefix.len);
	if (name.len > 0)
		memcpy(fetch->key + prefix.len, name.ptr, name.len);
	return fetch;
}

/* The same record, in the same round: one GET answers both. What has left may
 * be answered with what was true before the second one asked, and what waits
 * for a connection is sent as it is. */
static struct fetch *
fetch_same(
    const struct fetcher *fetcher, enum record_kind kind, struct str name)
{
	struct fetch *f = fetcher->fresh;

	if (f == NULL || f->round != link_round(fetcher->link))
		return NULL;
	while (f != NULL && (f->kind != kind || !str_eq(fetch_name(f), name)))
		f = f->next;
	return f;
}

/* What waited for a connection is asked for once, too. */
static bool
fetch_join(struct fetcher *fetcher, struct fetch *fetch)
{
	struct fetch *same =
	    fetch_same(fetcher, fetch->kind, fetch_name(fetch));
	struct want **last = &fetch->wants;

	if (same == NULL)
		return false;
	while (*last != NULL)
		last = &(*last)->next;
	*last = same->wants;
	same->wants = fetch->wants;
	free(fetch);
	return true;
}

bool
fetcher_get(struct fetcher *fetcher, enum record_kind kind, struct str name,
    struct want *want)
{
	struct fetch *fetch;

	if (fetcher->closing)
		return false;
	fetch = fetch_same(fetcher, kind, name);
	if (fetch == NULL) {
		int64_t now_ms = monotonic_ms();

		if (!link_may_be_up(
			fetcher->link, now_ms + fetcher->config.wait_ms))
			return false;
		fetch = fetch_new(fetcher, kind, name, now_ms);
		if (fetch == NULL)
			return false;
		if (!link_is_up(fetcher->link)) {
			queue_add(&fetcher->unsent, fetch);
		} else if (!fetch_send(fetcher, fetch, now_ms)) {
			free(fetch);
			return false;
		}
		timer_set(fetcher);
	}
	want->next = fetch->wants;
	fetch->wants = want;
	return true;
}

/* --- Checking ------------------------------------------------------------ */

static void
refuse(struct fetcher *fetcher, const struct err *why)
{
	fetcher->count_refused++;
	fetcher->config.refused(fetcher->config.context, why);
	/* Somebody else's answer: then all that follow are, too. */
	if (strcmp(why->code, "record_name") == 0)
		link_drop(fetcher->link, why->code, "%s", why->text);
}

static bool
older(struct err *err, const struct fetch *fetch, int64_t got, int64_t seen)
{
	return err_set(err, ERR_REFUSED, "record_older",
	    "%.*s is of generation %lld, and %lld was seen before; run "
	    "'rolegate publish --all', or reload the gate if the store was "
	    "restored",
	    (int)fetch->key_len, fetch->key, (long long)got, (long long)seen);
}

static void
seen_raise(struct view_seen *seen, int64_t number)
{
	int64_t before = atomic_load(&seen->generation);

	while (before < number && !atomic_compare_exchange_weak(
				      &seen->generation, &before, number))
		;
}

/* Another worker reads a better server, so there is one. */
static bool
is_left_behind(const struct fetcher *fetcher, const struct fetch *fetch,
    const struct record *record)
{
	struct err err = { 0 };
	int64_t number;

	return fetch->kind == RECORD_GENERATION &&
	       fetch->floor > fetcher->generation &&
	       record_read_number(record, &number, &err) &&
	       number < fetch->floor;
}

static bool
number_read(struct fetcher *fetcher, const struct fetch *fetch,
    const struct record *record, struct entry *entry, struct err *err)
{
	int64_t floor = fetch->floor > fetcher->generation
			    ? fetch->floor
			    : fetcher->generation;
	int64_t number;

	if (!record_read_number(record, &number, err))
		return false;
	entry->generation = number;
	if (fetch->kind != RECORD_GENERATION)
		return true;
	if (number < floor) {
		/* A server that lags: what else it said is as old. */
		cache_clear(fetcher->config.cache);
		if (is_left_behind(fetcher, fetch, record))
			link_drop(fetcher->link, "record_older",
			    "another worker has read a newer view");
		return older(err, fetch, number, floor);
	}
	if (number > fetcher->generation)
		fetcher->config.ahead(fetcher->config.context);
	fetcher->generation = number;
	fetcher->shown = number;
	if (fetcher->config.seen != NULL)
		seen_raise(fetcher->config.seen, number);
	entry_release(fetcher->newest);
	fetcher->newest = entry_hold(entry);
	return true;
}

/* Where to keep the entry's record parsed; *own is that record, in the entry's
 * own memory. */
static struct parsed *
parsed_new(struct entry *entry, const struct record *record, struct record *own,
    struct err *err)
{
	entry->parsed = calloc(1, sizeof(*entry->parsed));
	if (entry->parsed == NULL)
		err_set(err, ERR_BUG, "no_memory",
		    "memory is out; give the process more");
	*own = *record;
	own->body = entry_body(entry);
	return entry->parsed;
}

static bool
catalogue_read(
    const struct record *record, struct entry *entry, struct err *err)
{
	struct record own;
	struct parsed *parsed = parsed_new(entry, record, &own, err);

	return parsed != NULL && record_read_catalogue(&own, &parsed->arena,
				     &parsed->catalogue, err);
}

/* Twice, where it is kept: the first time says how much memory that takes. */
static bool
account_read(const struct record *record, struct entry *entry, struct err *err)
{
	const struct account *account;
	struct arena arena = { 0 };
	struct parsed *parsed;
	struct record own;
	bool ok;

	if (record->body.len <= PARSED_AT_USE_MAX)
		return true;
	ok = record_read_account(record, &arena, &account, err);
	parsed = ok ? parsed_new(entry, record, &own, err) : NULL;
	if (parsed != NULL)
		parsed->arena.max_bytes = arena.used_bytes;
	arena_free(&arena);
	return parsed != NULL &&
	       record_read_account(&own, &parsed->arena, &parsed->account, err);
}

/* Is the whole text kept, to be compared with the next one? In a near cache
 * it would cost memory, and is seldom needed. */
static bool
keeps_text(const struct fetcher *fetcher, enum record_kind kind)
{
	return kind == RECORD_CATALOGUE || kind == RECORD_GENERATION ||
	       (!fetcher->config.caching && kind != RECORD_HEARTBEAT);
}

static bool
is_number(enum record_kind kind)
{
	return kind == RECORD_GENERATION || kind == RECORD_HEARTBEAT;
}

static bool
entry_read(struct fetcher *fetcher, const struct fetch *fetch,
    const struct record *record, struct entry *entry, struct err *err)
{
	switch (fetch->kind) {
	case RECORD_GENERATION:
	case RECORD_HEARTBEAT:
		return number_read(fetcher, fetch, record, entry, err);
	case RECORD_CATALOGUE:
		return catalogue_read(record, entry, err);
	case RECORD_ACCOUNT:
		return account_read(record, entry, err);
	case RECORD_MEMBER:
	case RECORD_SESSION:
	case RECORD_TOKEN:
		return true; /* at use */
	}
	return false;
}

/* Only by what it could be known by: a signed record, or that there is none. */
static void
prove(struct fetcher *fetcher)
{
	link_proved(fetcher->link);
	if (fetcher->proved)
		return;
	fetcher->proved = true;
	fetcher->config.up(fetcher->config.context);
}

static struct entry *
entry_make(struct fetcher *fetcher, const struct fetch *fetch, struct str text,
    struct err *err)
{
	struct str name = fetch_name(fetch);
	bool whole = keeps_text(fetcher, fetch->kind);
	int64_t floor = cache_floor(fetcher->config.cache, fetch->kind, name);
	struct record record;
	struct entry *entry;

	if (!record_open(
		&record, fetcher->config.key, fetch_key(fetch), text, err))
		return NULL;
	if (!is_left_behind(fetcher, fetch, &record))
		prove(fetcher);
	if (record.generation < floor && !is_number(fetch->kind)) {
		older(err, fetch, record.generation, floor);
		return NULL;
	}
	if (record.generation > fetcher->generation && !is_number(fetch->kind))
		fetcher->config.ahead(fetcher->config.context);
	entry = entry_new(fetch->kind, name, whole ? text : record.body);
	if (entry == NULL) {
		err_set(err, ERR_BUG, "no_memory",
		    "memory is out; give the process more");
		return NULL;
	}
	entry->generation = record.generation;
	entry->body_len = (uint32_t)record.body.len;
	entry->body_at = whole ? (uint16_t)(record.body.ptr - text.ptr) : 0;
	if (entry_read(fetcher, fetch, &record, entry, err))
		return entry;
	entry_release(entry);
	return NULL;
}

/* What was verified and parsed before, byte for byte. */
static struct entry *
entry_again(struct fetcher *fetcher, const struct fetch *fetch, struct str text)
{
	struct entry *entry;

	if (!keeps_text(fetcher, fetch->kind))
		return NULL;
	entry = fetch->kind == RECORD_GENERATION
		    ? fetcher->newest
		    : cache_peek(fetcher->config.cache, fetch->kind,
			  fetch_name(fetch));
	if (entry == NULL || entry->absent ||
	    !str_eq(entry_text(entry), text) ||
	    (fetch->kind == RECORD_GENERATION &&
		entry->generation < fetch->floor))
		return NULL;
	prove(fetcher);
	if (fetch->kind == RECORD_GENERATION)
		fetcher->shown = entry->generation;
	return entry_hold(entry);
}

static void
entry_keep(
    struct fetcher *fetcher, const struct fetch *fetch, struct entry *entry)
{
	if (!is_number(fetch->kind) ||
	    (fetcher->config.caching && fetch->kind == RECORD_GENERATION))
		cache_put(fetcher->config.cache, entry, fetch->changes,
		    fetch->sent_ms);
}

static void
fetch_text(struct fetcher *fetcher, struct fetch *fetch, struct str text)
{
	struct err err = { 0 };
	struct entry *entry = entry_again(fetcher, fetch, text);

	if (entry == NULL)
		entry = entry_make(fetcher, fetch, text, &err);
	if (entry == NULL) {
		refuse(fetcher, &err);
		fetch_end(fetch, FETCHED_BAD, NULL);
		return;
	}
	entry_keep(fetcher, fetch, entry);
	fetch_end(fetch, FETCHED_RECORD, entry);
	entry_release(entry);
}

static void
fetch_absent(struct fetcher *fetcher, struct fetch *fetch)
{
	struct entry *entry =
	    entry_new(fetch->kind, fetch_name(fetch), (struct str){ NULL, 0 });

	prove(fetcher);
	if (entry != NULL)
		entry_keep(fetcher, fetch, entry);
	entry_release(entry);
	fetch_end(fetch, FETCHED_ABSENT, NULL);
}

/* --- Receiving ----------------------------------------------------------- */

/* The right server, at a bad moment. */
static bool
is_passing(struct str text)
{
	return str_starts(text, STR("LOADING")) ||
	       str_starts(text, STR("BUSY")) ||
	       str_starts(text, STR("MASTERDOWN"));
}

static void
on_error(struct fetcher *fetcher, struct str text)
{
	struct fetch *fetch;
	struct err err = { 0 };

	/* Of one key. All else (NOAUTH, NOPERM, MOVED) is of the server. */
	if (!str_starts(text, STR("WRONGTYPE"))) {
		link_drop(fetcher->link,
		    is_passing(text) ? "redis_unreachable" : "redis_refused",
		    "GET: %.*s", STR_ARGS(text));
		return;
	}
	fetch = sent_take(fetcher);
	err_set(&err, ERR_REFUSED, "record_form", "%.*s is not a string",
	    (int)fetch->key_len, fetch->key);
	refuse(fetcher, &err);
	fetch_end(fetch, FETCHED_BAD, NULL);
}

static void
track_item(struct fetcher *fetcher, const struct reply_item *item)
{
	struct fetch *fetch = sent_take(fetcher);
	bool is_it = fetch->command == COMMAND_TRACK;
	bool ok = item->type == REPLY_STATUS && str_eq(item->text, STR("OK"));

	fetch_end(fetch, FETCHED_NOTHING, NULL);
	if (is_it)
		fetcher->config.tracked(fetcher->config.context,
		    ok				? STR("")
		    : item->type == REPLY_ERROR ? item->text
						: STR("no OK"));
}

static void
on_item(void *context, const struct reply_item *item)
{
	struct fetcher *fetcher = context;

	if (item->depth != 0 || fetcher->sent.first == NULL) {
		link_drop(fetcher->link, "redis_refused",
		    "it sends what nobody asked for");
		return;
	}
	if (fetcher->sent.first->command != COMMAND_GET) {
		track_item(fetcher, item);
		return;
	}
	switch (item->type) {
	case REPLY_TEXT:
		fetch_text(fetcher, sent_take(fetcher), item->text);
		return;
	case REPLY_NIL:
		fetch_absent(fetcher, sent_take(fetcher));
		return;
	case REPLY_ERROR:
		on_error(fetcher, item->text);
		return;
	case REPLY_NONE:
	case REPLY_STATUS:
	case REPLY_NUMBER:
	case REPLY_LIST:
		link_drop(fetcher->link, "redis_refused",
		    "no string in answer to GET: is that Redis?");
	}
}

static void
first_got(struct want *want, enum fetched what, struct entry *entry)
{
	struct fetcher *fetcher =
	    (struct fetcher *)(void *)((char *)want -
				       offsetof(struct fetcher, first));

	(void)what;
	(void)entry;
	fetcher->first_is_out = false;
}

/* A new connection may lead to another server: its generation is looked at
 * before anything that it says (CASES W6). */
static void
on_up(void *context)
{
	struct fetcher *fetcher = context;
	struct queue waiting = fetcher->unsent;
	int64_t now_ms = monotonic_ms();

	fetcher->unsent = (struct queue){ NULL, NULL };
	if (!fetcher->first_is_out)
		fetcher->first_is_out = fetcher_get(
		    fetcher, RECORD_GENERATION, STR(""), &fetcher->first);
	for (struct fetch *f; (f = queue_take(&waiting)) != NULL;)
		if (!fetch_join(fetcher, f) && !fetch_send(fetcher, f, now_ms))
			fetch_end(f, FETCHED_NOTHING, NULL);
	timer_set(fetcher);
}

static void
on_down(void *context, const struct err *why)
{
	struct fetcher *fetcher = context;
	int64_t old_ms = monotonic_ms() - fetcher->config.wait_ms;
	struct queue waiting = fetcher->unsent;
	struct queue lost = fetcher->sent;
	struct queue late = { NULL, NULL };

	fetcher->sent = (struct queue){ NULL, NULL };
	fetcher->unsent = (struct queue){ NULL, NULL };
	fetcher->fresh = NULL;
	fetcher->proved = false;
	fetcher->shown = 0;
	fetcher->connection++;
	link_start(fetcher->link);
	fetcher->config.down(fetcher->config.context, why);
	for (struct fetch *f; (f = queue_take(&lost)) != NULL;)
		queue_add(f->command == COMMAND_GET && f->wanted_ms > old_ms
			      ? &fetcher->unsent
			      : &late,
		    f);
	for (struct fetch *f; (f = queue_take(&waiting)) != NULL;)
		queue_add(&fetcher->unsent, f);
	for (struct fetch *f; (f = queue_take(&late)) != NULL;)
		fetch_end(f, FETCHED_NOTHING, NULL);
	timer_set(fetcher);
}

/* --- Opening ------------------------------------------------------------- */

bool
fetcher_open(
    struct fetcher **out, const struct fetch_config *config, struct err *err)
{
	struct fetcher *fetcher = calloc(1, sizeof(*fetcher));
	struct link_hooks hooks = { .up = on_up,
		.item = on_item,
		.down = on_down,
		.context = fetcher };

	if (fetcher == NULL)
		return err_set(err, ERR_BUG, "no_memory",
		    "memory is out; give the process more");
	fetcher->config = *config;
	fetcher->connection = 1;
	fetcher->first.got = first_got;
	fetcher->timer = event_new(config->loop, -1, 0, on_timer, fetcher);
	if (fetcher->timer == NULL) {
		free(fetcher);
		return err_set(err, ERR_BUG, "no_memory",
		    "memory is out; give the process more");
	}
	if (!link_open(
		&fetcher->link, config->loop, config->target, &hooks, err)) {
		fetcher_close(fetcher);
		return false;
	}
	/* Before anything is asked: what comes then is not older. */
	fetcher->generation = fetcher_floor(fetcher);
	link_start(fetcher->link);
	*out = fetcher;
	return true;
}

void
fetcher_close(struct fetcher *fetcher)
{
	if (fetcher == NULL)
		return;
	fetcher->closing = true;
	link_close(fetcher->link);
	event_free(fetcher->timer);
	for (struct fetch *f; (f = sent_take(fetcher)) != NULL;)
		fetch_end(f, FETCHED_NOTHING, NULL);
	for (struct fetch *f; (f = queue_take(&fetcher->unsent)) != NULL;)
		fetch_end(f, FETCHED_NOTHING, NULL);
	entry_release(fetcher->newest);
	free(fetcher);
}

bool
fetcher_is_up(const struct fetcher *fetcher)
{
	return fetcher->proved && link_is_up(fetcher->link);
}

int64_t
fetcher_generation(const struct fetcher *fetcher)
{
	return fetcher->generation;
}

int64_t
fetcher_shown(const struct fetcher *fetcher, int64_t generation)
{
	return fetcher->shown >= generation ? fetcher->connection : 0;
}

int64_t
fetcher_floor(const struct fetcher *fetcher)
{
	int64_t others = fetcher->config.seen != NULL
			     ? atomic_load(&fetcher->config.seen->generation)
			     : 0;

	return others > fetcher->generation ? others : fetcher->generation;
}

int64_t
fetcher_sent(const struct fetcher *fetcher)
{
	return fetcher->count_sent;
}

int64_t
fetcher_refused(const struct fetcher *fetcher)
{
	return fetcher->count_refused;
}
