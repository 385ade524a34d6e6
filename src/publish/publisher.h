/* publisher.h - from the store's history to the view in Redis.
 *
 * The history is the outbox: every row names in `touches` which records it
 * changed ("member:ID", "account:ID", "catalogue:NAME", "session:DIGEST",
 * and "username:NAME" for a name that a member no longer has, also because
 * the member is gone). What shows another thing's name is touched with it: a
 * new username touches the member's sessions and the accounts they own.
 *
 * Draining reads the rows after the published mark, rewrites each touched
 * record from the truth (an account with all below it) in one MULTI with the
 * new generation, then moves the mark. Killed anywhere, the next drain does
 * it again: same bytes. A view that is missing, not signed with our key or
 * older than the mark is rebuilt; one that was published from another history
 * (the store was restored from a backup) is left alone with
 * view_other_history until publish_all() is asked for.
 *
 * publish_all() writes every record, removes every key of the namespace that
 * should not be there, and ends in the same bytes as the drains would.
 *
 * Two at once: see publisher.c; an older record never replaces a newer one.
 *
 * Errors:  ERR_REACH when Redis is away: the change stays committed and
 *          publishing waits; the caller says so. */
#ifndef ROLEGATE_PUBLISHER_H
#define ROLEGATE_PUBLISHER_H

#include "publish/record.h"
#include "publish/redis.h"
#include "store/store.h"

struct publisher {
	struct store *store;
	struct redis *redis;
	struct record_key key;
	struct str ns;
};

struct publish_counts {
	int64_t records;
	int64_t deleted;
	int64_t generation;
};

bool publish_drain(struct publisher *publisher, struct publish_counts *counts,
    struct err *err);
bool publish_all(struct publisher *publisher, struct publish_counts *counts,
    struct err *err);
/* Beats once: the gate trusts its cache only while these arrive. Refuses with
 * view_not_ready when the view was lost meanwhile; the next drain rebuilds. */
bool publish_heartbeat(struct publisher *publisher, int64_t now_ms,
    struct err *err);
/* Reads the whole view back, for `check --view` and `status`. */
bool publish_read_state(struct publisher *publisher, struct arena *arena,
    struct state *out, int64_t *generation, struct err *err);

#endif
