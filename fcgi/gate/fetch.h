/* fetch.h - records on their way from Redis: the data connection.
 *
 * Shape:   fetcher_get() asks for one record; one that is wanted again before
 *          its GET has left is asked for once. `got` is called once for each
 *          want.
 * Order:   replies are matched first in, first out. A reply that is not about
 *          what was asked, or a silence of wait_ms, ends the connection, so a
 *          late reply can never answer another question (CASES W8).
 * Loss:    what was asked for and not answered is asked for again on the next
 *          connection, until wait_ms after it was wanted (CASES T29).
 * Checks:  signature, name, and that nothing is older than what was seen
 *          before: the view's generation always, also by another worker (see
 *          view_seen), a record's where the cache remembers it (CASES W6).
 * Ahead:   what is newer than the newest generation that was seen says that
 * Redis knows of changes of which the cache may not have been told: the hook
 *          hears of it before anybody gets the record.
 * Cache:   what was fetched is put into it. Where there is no near cache, it
 *          holds the records as they came: one that comes again, byte for
 *          byte, was verified before. */
#ifndef ROLEGATE_GATE_FETCH_H
#define ROLEGATE_GATE_FETCH_H

#include "fcgi/gate/cache.h"
#include "fcgi/gate/keys.h"
#include "fcgi/gate/link.h"

enum fetched {
	FETCHED_NOTHING = 0, /* Redis could not be asked */
	FETCHED_BAD, /* there is something that is not believed */
	FETCHED_ABSENT,
	FETCHED_RECORD,
};

/* Embedded in what waits; it must stay where it is until `got`. */
struct want {
	struct want *next;
	/* `entry` is borrowed, and NULL unless there is a record. */
	void (*got)(struct want *want, enum fetched what, struct entry *entry);
};

struct view_seen;

struct fetch_config {
	struct event_base *loop;
	const struct target *target;
	const struct keys *keys;
	const struct record_key *key;
	struct cache *cache;
	bool caching; /* else Redis is asked each time */
	struct view_seen *seen; /* see view.h; may be NULL */
	int64_t wait_ms;
	/* Redis answers; it is ahead; it is lost; a record was refused. */
	void (*up)(void *context);
	void (*ahead)(void *context);
	/* In answer to fetcher_track(): empty, or why not. */
	void (*tracked)(void *context, struct str why_not);
	void (*down)(void *context, const struct err *why);
	void (*refused)(void *context, const struct err *why);
	void *context;
};

struct fetcher;

bool fetcher_open(
    struct fetcher **out, const struct fetch_config *config, struct err *err);
/* Every want that waits gets FETCHED_NOTHING; no other hook is called. */
void fetcher_close(struct fetcher *fetcher);

/* False, and no `got`, when Redis cannot be there in time. */
bool fetcher_get(struct fetcher *fetcher, enum record_kind kind,
    struct str name, struct want *want);
/* This connection tells that client of every change from now on. False when it
 * is not up; it ends with the connection. */
bool fetcher_track(struct fetcher *fetcher, struct str client);

bool fetcher_is_up(const struct fetcher *fetcher); /* and Redis answers */
int64_t fetcher_generation(const struct fetcher *fetcher); /* newest read */
/* The newest that it or another worker has read. */
int64_t fetcher_floor(const struct fetcher *fetcher);
/* The number of the connection when it has shown that generation: what is asked
 * for from now on, and comes by it, is no older. 0: it has not. */
int64_t fetcher_shown(const struct fetcher *fetcher, int64_t generation);
int64_t fetcher_sent(const struct fetcher *fetcher);
int64_t fetcher_refused(const struct fetcher *fetcher);

#endif
