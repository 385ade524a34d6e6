/* redis.h - the publisher's and the command's connection to Redis. The only
 * header in front of hiredis outside the gate; every wait has a timeout.
 *
 * Errors:  ERR_REACH redis_unreachable / redis_refused, with address and
 *          mend; ERR_FILE redis_address / redis_password. After an error the
 *          handle does nothing more and is closed by redis_close(); what was
 *          begun and not committed was never done. */
#ifndef ROLEGATE_REDIS_H
#define ROLEGATE_REDIS_H

#include "base/err.h"
#include "base/str.h"

struct redis;

struct redis_config {
	struct str address; /* "unix:/path", "host:port" or "[::1]:port" */
	struct str user;    /* empty: the default user */
	struct str password_file; /* empty, with an empty user: no AUTH */
	int64_t timeout_ms;
	int64_t database;
};

/* Takes "host:port" or "[host]:port" apart; the host is without brackets, and
 * a colon stands in it only where it had some. */
bool redis_host_port(struct str address, struct str *host, int *port);

bool redis_open(struct redis **out, const struct redis_config *config,
    struct err *err);
void redis_close(struct redis *redis);

/* ptr NULL in *value: no such key. */
bool redis_get(struct redis *redis, struct arena *arena, struct str key,
    struct str *value, struct err *err);
/* values[i] is what keys.items[i] has, or ptr NULL. */
bool redis_get_all(struct redis *redis, struct arena *arena, struct names keys,
    struct str *values, struct err *err);
/* All keys under a prefix (SCAN), sorted, each once. */
bool redis_keys(struct redis *redis, struct arena *arena, struct str prefix,
    struct names *out, struct err *err);

/* From here on, the next commit does nothing when anybody changed the key. */
bool redis_watch(struct redis *redis, struct str key, struct err *err);
bool redis_unwatch(struct redis *redis, struct err *err);

/* One MULTI/EXEC of any size, sent in pieces of bounded memory: all of it is
 * done or nothing. *done is false when a watched key was changed. */
bool redis_begin(struct redis *redis, struct err *err);
bool redis_set(struct redis *redis, struct str key, struct str value,
    struct err *err);
bool redis_delete(struct redis *redis, struct str key, struct err *err);
bool redis_commit(struct redis *redis, bool *done, struct err *err);

#endif
