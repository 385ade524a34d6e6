/* setup.h - everything that the gate reads from files, read by the master
 * before any worker serves: configuration, routes, keys, users, where Redis is
 * and its password. A worker that takes another one's place needs none of them
 * again.
 *
 * Owner:   setup_free() gives all of it back and wipes what is secret.
 * Errors:  every fault of every file, printed by the caller; nothing of a
 *          broken setup is used. */
#ifndef ROLEGATE_GATE_SETUP_H
#define ROLEGATE_GATE_SETUP_H

#include <sys/types.h>

#include "config/config.h"
#include "fcgi/gate/decision_log.h"
#include "fcgi/gate/identity.h"
#include "fcgi/gate/view.h"
#include "model/route.h"

#define NO_UID ((uid_t)-1)

struct inquiry_rules {
	struct identity_rules identity;
	struct route_map routes;
};

struct setup {
	struct arena arena;
	struct config config;
	struct inquiry_rules rules;
	struct view_config view;
	struct record_key filter_key_bytes;
	const struct record_key *filter_key; /* NULL: filters are not signed */
	struct decision_log log; /* fd -1 until setup_ready() */
	uid_t peer; /* who may connect, or NO_UID: anybody */
	int workers;
};

/* `path` as config_load() takes it. False with faults or err. */
bool setup_load(struct setup *out, const char *path, struct faults *faults,
    struct err *err);
/* As the user that serves, so that the log is its own; and what its workers
 * share. */
bool setup_ready(struct setup *setup, struct err *err);
void setup_free(struct setup *setup);

#endif
