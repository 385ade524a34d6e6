/* notes.h - what a run left out, and why: one line each, counted by code.
 *
 * Owner:   texts live in the arena of the run; codes are literals. */
#ifndef ROLEGATE_SYNC_NOTES_H
#define ROLEGATE_SYNC_NOTES_H

#include "base/str.h"

struct note {
	const char *code;
	struct str text;
};

struct notes {
	struct arena *arena;
	struct note *items;
	size_t count;
	size_t cap;
	bool failed; /* memory was out: the list is not whole */
};

void note_add(struct notes *notes, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* By code and text, so that the same input gives the same bytes. */
void notes_sort(struct notes *notes);

/* Outside bytes for a sentence: as they are when they are clean text of a
 * sensible length, else a word that says so. */
struct str shown(struct str outside);

#endif
