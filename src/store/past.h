/* past.h - the whole state as it was at a moment, from the present one and the
 * history.
 *
 * Rows newer than the moment are undone, newest first, each by its before. A
 * row of that very millisecond has happened already.
 * Shape:   members, accounts and grants, as store_state() gives them;
 *          catalogues as the texts that were in force then, by name.
 * Owner:   results live in the arena.
 * Errors:  those of store.h; ERR_REFUSED past_pruned: the history does not go
 *          back so far (the message says how far); past_catalogue: the text of
 *          a catalogue of then was not kept, because it was replaced by a
 *          version of rolegate that kept none. */
#ifndef ROLEGATE_STORE_PAST_H
#define ROLEGATE_STORE_PAST_H

#include "store/store.h"

struct past {
	struct state state; /* without catalogues */
	struct stored_catalogue *catalogues; /* by name */
	size_t catalogue_count;
};

bool store_state_at(struct store *store, struct arena *arena, int64_t at_ms,
    struct past *out, struct err *err);

/* The catalogues of then, read from their texts. Of a personal account that
 * went with its member the history does not say the catalogue: it is the first
 * plain one, as when it was made. */
void
past_catalogues_set(struct past *past, const struct catalogues *catalogues);

/* The text of a catalogue by its digest, as the history names it. */
enum found store_catalogue_text(struct store *store, struct arena *arena,
    struct str digest, struct str *out, struct err *err);
/* Keeps it for ever; for src/admin/ only. */
bool store_keep_catalogue_text(
    struct store *store, struct str digest, struct str text, struct err *err);

#endif
