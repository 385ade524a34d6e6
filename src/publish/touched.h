/* touched.h - the names in the `touches` of some rows of history, each once.
 *
 * Owner:   the names live in the arena that was given.
 * Limits:  TOUCHED_MAX names. When there are more, `whole` is set and the
 *          list says nothing: writing the whole view is faster then, and what
 *          a drain keeps in memory stays bounded. */
#ifndef ROLEGATE_PUBLISH_TOUCHED_H
#define ROLEGATE_PUBLISH_TOUCHED_H

#include "store/store.h"

#define TOUCHED_MAX ((size_t)10000)

struct touched {
	struct str names[TOUCHED_MAX];
	size_t count;
	uint32_t slots[TOUCHED_MAX * 2]; /* index + 1, by hash */
	bool whole;
};

/* Adds what the rows after `after_seq` touched; *touched begins zeroed. */
bool touched_collect(struct touched *touched, struct store *store,
    struct arena *arena, int64_t after_seq, struct err *err);

#endif
