/* activity.h - tells rolegate-web that a session is in use, so that its idle
 * limit begins anew. The gate itself writes nothing down.
 *
 * A datagram has the digest of the session and nothing else; one goes out at
 * most once a minute for each session and worker, and nothing waits for it: one
 * that cannot be sent is lost, and the next minute has another. */
#ifndef ROLEGATE_GATE_ACTIVITY_H
#define ROLEGATE_GATE_ACTIVITY_H

#include <stdint.h>
#include <sys/un.h>

#include "base/str.h"

#define ACTIVITY_SLOTS 4096 /* sessions whose last minute is remembered */

struct activity {
	int fd; /* -1: nobody is told */
	struct sockaddr_un to;
	struct activity_slot {
		uint64_t session;
		int64_t minute;
	} slots[ACTIVITY_SLOTS];
};

/* An empty path: nobody is told. */
void activity_open(struct activity *activity, struct str path);
void activity_close(struct activity *activity);
void activity_tell(
    struct activity *activity, struct str digest, int64_t now_s);

#endif
