#include "sync/index.h"

#include <stdlib.h>

bool
index_add(
    struct index *index, struct arena *arena, struct str key, uint32_t value)
{
	struct index_row *rows = arena_grow(
	    arena, index->rows, index->count, &index->cap, sizeof(*rows));

	if (rows == NULL)
		return false;
	index->rows = rows;
	index->rows[index->count++] = (struct index_row){ key, value };
	return true;
}

static int
row_cmp(const void *a, const void *b)
{
	const struct index_row *x = a;
	const struct index_row *y = b;
	int order = str_cmp(x->key, y->key);

	return order != 0 ? order
			  : (x->value > y->value) - (x->value < y->value);
}

void
index_sort(struct index *index)
{
	if (index->count > 1)
		qsort(index->rows, index->count, sizeof(*index->rows), row_cmp);
}

enum indexed
index_find(const struct index *index, struct str key, uint32_t *value)
{
	size_t low = 0;
	size_t high = index->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (str_cmp(index->rows[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == index->count || !str_eq(index->rows[low].key, key))
		return INDEXED_NOT;
	*value = index->rows[low].value;
	return low + 1 < index->count && str_eq(index->rows[low + 1].key, key)
		   ? INDEXED_OFTEN
		   : INDEXED_ONCE;
}
