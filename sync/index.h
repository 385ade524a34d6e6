/* index.h - from a name to a number: a sorted list, searched by halves.
 *
 * Not a hash table on purpose: the keys come from outside, and no choice of
 * keys makes a sorted list slow. Filled first, then sorted, then asked.
 * Owner:   the arena; keys are borrowed. */
#ifndef ROLEGATE_SYNC_INDEX_H
#define ROLEGATE_SYNC_INDEX_H

#include "base/str.h"

struct index_row {
	struct str key;
	uint32_t value;
};

struct index {
	struct index_row *rows;
	size_t count;
	size_t cap;
};

bool index_add(
    struct index *index, struct arena *arena, struct str key, uint32_t value);
void index_sort(struct index *index);

enum indexed { INDEXED_NOT = 0, INDEXED_ONCE, INDEXED_OFTEN };
/* *value is the smallest one when the key stands there several times. */
enum indexed
index_find(const struct index *index, struct str key, uint32_t *value);

#endif
