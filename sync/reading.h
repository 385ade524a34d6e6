/* reading.h - one source, read whole: people, then groups.
 *
 * Errors:  ERR_SOURCE; then *failed is the search that was not read whole, to
 *          be shown as a command that can be pasted. Nothing may be changed
 *          on the ground of a reading that failed. */
#ifndef ROLEGATE_READING_H
#define ROLEGATE_READING_H

#include "sync/directory.h"
#include "sync/mapping.h"

struct reading {
	struct entries people;
	struct entries groups;
};

bool reading_take(struct reading *out, struct arena *arena,
    struct directory *directory, const struct source *source,
    struct search *failed, struct err *err);

/* A second look: is one of these ids, which the reading did not see, there
 * after all? Then the directory changed, or lost a page, while it was read. */
bool reading_confirm_absent(struct arena *arena, struct directory *directory,
    const struct source *source, struct names ids, struct search *failed,
    struct err *err);

struct search people_search(struct arena *arena, const struct source *source);
struct search groups_search(struct arena *arena, const struct source *source);

#endif
