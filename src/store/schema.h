/* schema.h - the tables, and the way from each version to the next.
 *
 * Shape:   step i brings a database of version i to version i + 1; a version
 *          is the number of steps that were made. Steps are only ever added.
 * Errors:  store_newer: made by a newer program. store_older: only writing
 *          migrates. Each step is one transaction together with its version,
 *          so a migration that was killed goes on where it stopped. */
#ifndef ROLEGATE_SCHEMA_H
#define ROLEGATE_SCHEMA_H

#include "store/db.h"

struct schema_step {
	const char *const *statements; /* NULL at the end */
};

extern const struct schema_step SCHEMA_STEPS[];
extern const size_t SCHEMA_STEP_COUNT;

bool schema_version(struct db *db, int64_t *out, struct err *err);
/* Is the database of the version that `count` steps make? */
bool schema_check(struct db *db, size_t count, struct err *err);
/* Makes it so. */
bool schema_migrate(struct db *db, const struct schema_step *steps,
    size_t count, struct err *err);

#endif
