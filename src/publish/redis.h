/* redis.h - the publisher's and the command's connection to Redis. The only
 * header in front of hiredis outside the gate; every wait has a timeout.
 *
 * Errors:  ERR_REACH redis_unreachable / redis_refused, with address and
 *          mend. After an error the handle is closed by redis_close(). */
#ifndef ROLEGATE_REDIS_H
#define ROLEGATE_REDIS_H

#include "base/err.h"
#include "base/str.h"

struct redis;

struct redis_config {
	struct str address; /* "unix:/path" or "host:port" */
	struct str user;    /* or empty: no AUTH */
	struct str password_file;
	int64_t timeout_ms;
	int64_t database;
};

bool redis_open(struct redis **out, const struct redis_config *config,
    struct err *err);
void redis_close(struct redis *redis);

/* ptr NULL in *value: no such key. */
bool redis_get(struct redis *redis, struct arena *arena, struct str key,
    struct str *value, struct err *err);
/* One MULTI/EXEC of any size: value ptr NULL deletes the key. */
struct redis_write {
	struct str key;
	struct str value;
};
bool redis_write_all(struct redis *redis, const struct redis_write *writes,
    size_t count, struct err *err);
/* All keys under a prefix (SCAN). */
bool redis_keys(struct redis *redis, struct arena *arena, struct str prefix,
    struct names *out, struct err *err);

#endif
