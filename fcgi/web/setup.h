/* setup.h - everything that rolegate-web reads from files, before any worker
 * serves.
 *
 * Owner:   web_setup_free() gives all of it back and wipes the key.
 * Errors:  every fault of every file; nothing of a broken setup is used. */
#ifndef ROLEGATE_WEB_SETUP_H
#define ROLEGATE_WEB_SETUP_H

#include <sys/types.h>

#include "config/config.h"
#include "model/catalogue.h"
#include "publish/record.h"
#include "sync/mapping.h"

struct web_setup {
	struct arena arena;
	struct config config;
	struct catalogues catalogues;
	struct mapping mapping; /* for web.directory */
	struct record_key view_key;
	uid_t peer; /* who may connect, or (uid_t)-1: anybody */
};

/* `path` as config_load() takes it. */
bool web_setup_load(struct web_setup *out, const char *path,
    struct faults *faults, struct err *err);
void web_setup_free(struct web_setup *setup);

#endif
