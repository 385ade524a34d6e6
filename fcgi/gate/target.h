/* target.h - where Redis is, and as whom we come.
 *
 * Names are looked up once, when the target is read, so that the loop never
 * waits for a name server. The password is kept for the next connection.
 *
 * Errors:  ERR_FILE redis_address, redis_password; ERR_REACH redis_address
 *          when a name cannot be found.
 * Owner:   texts live in the arena. */
#ifndef ROLEGATE_GATE_TARGET_H
#define ROLEGATE_GATE_TARGET_H

#include <sys/socket.h>

#include "publish/redis.h"

struct target {
	struct str address; /* for messages */
	struct sockaddr_storage at;
	socklen_t at_len;
	struct str user;
	char *password; /* or NULL */
	size_t password_len;
	int64_t database;
	int64_t connect_ms;
};

bool target_read(struct target *out, struct arena *arena,
    const struct redis_config *config, struct err *err);
void target_wipe(struct target *target);

#endif
