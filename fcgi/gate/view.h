/* view.h - what one worker knows of the published view: from its near cache,
 * else from Redis.
 *
 * Shape:   asked for an identity (a session's digest, or a username that
 *          nginx verified) and an account; known are then the member, the
 *          account with its chain, and the catalogue of its root, each NULL
 *          when the view says that there is none.
 * Answers: `done` is called exactly once for each view_ask(), from inside the
 *          call when all of it was in the cache, else from the event loop,
 *          at the latest wait_ms after it. Zero is VIEW_UNKNOWN: Redis is
 *          away, slow, not ready (no generation), or has a record that is not
 *          signed, not about what was asked, or older than one seen before.
 * Owner:   the texts of view_config.redis are borrowed until view_close(). What
 *          `done` gets is valid until it returns. The texts of an ask are
 *          copied. view_close() calls every waiting `done` with
 *          VIEW_UNKNOWN.
 * Source:  keys and records of publish/record.h; the user of Redis may only
 *          read. Nothing is ever written.
 * Time:    lifetimes by the monotonic clock; only the expiry of sessions and
 *          grants, and the heartbeat's stamp, by the wall clock. */
#ifndef ROLEGATE_GATE_VIEW_H
#define ROLEGATE_GATE_VIEW_H

#include <event2/event.h>

#include "decide/decide.h"
#include "fcgi/gate/target.h"
#include "publish/record.h"

struct view;

/* The newest generation that was seen, by who takes another one's place as
 * well: in memory that they share. */
struct view_seen {
	_Atomic int64_t generation;
};

struct view_config {
	struct target redis;
	struct str ns;
	struct record_key key;
	int64_t cache_bytes; /* 0: no near cache, Redis is asked each time */
	int64_t wait_ms;
	int64_t stale_max_s;
	int64_t heartbeat_max_s;
	struct view_seen *seen; /* NULL: only its own */
	int64_t (*wall_ms)(void); /* NULL: the system's clock */
};

enum view_state { VIEW_UNKNOWN = 0, VIEW_NO_IDENTITY, VIEW_KNOWN };

struct view_answer {
	enum view_state state; /* NO_IDENTITY: no such session, or expired */
	struct str username; /* of the session, or as asked */
	/* The account that was asked about: the ask's, else the session's,
	 * else the member's personal one; empty when there is none. */
	struct str account_id;
	const struct record_token *token; /* of the ask, or NULL */
	/* Of the grants those that count on the account, at least. */
	const struct member *member;
	const struct account *account;
	const struct catalogue *catalogue;
	int64_t generation; /* of the state that it was decided by */
	bool stale; /* served while Redis is away, by stale_max_s */
};

struct view_ask {
	struct str session; /* digest in hex, or empty */
	bool is_token; /* the digest is that of a program's token */
	struct str username; /* used when there is no session */
	struct str account; /* or empty */
	void (*done)(void *context, const struct view_answer *answer);
	void *context;
};

/* Redis need not be there: connecting goes on in the background, at most once
 * a back-off step (50 ms to 2 s, with jitter). */
bool view_open(struct view **out, struct event_base *loop,
    const struct view_config *config, struct err *err);
void view_close(struct view *view);

void view_ask(struct view *view, const struct view_ask *ask);

/* One line when something changed that an operator has to know (Redis lost or
 * back, tracking refused, a record with a wrong MAC); NULL: silent. */
void view_on_event(struct view *view,
    void (*say)(void *context, const char *code, const char *text),
    void *context);

struct view_counts {
	int64_t generation;
	int64_t cache_bytes;
	int64_t cache_records;
	int64_t hits;
	int64_t asked; /* GETs sent */
	int64_t refused_records;
	bool connected;
	bool trusted; /* the near cache is believed now */
	int64_t trusted_ms; /* monotonic: when it was so last */
};
void view_count(const struct view *view, struct view_counts *out);

#endif
