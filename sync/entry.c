#include "sync/entry.h"

#include <stdlib.h>

struct names
entry_values(const struct entry *entry, struct str attribute)
{
	for (size_t i = 0; i < entry->attribute_count; i++)
		if (str_eq_fold(entry->attributes[i].name, attribute))
			return entry->attributes[i].values;
	return (struct names){ NULL, 0 };
}

static bool
is_range(struct str name)
{
	struct str option;

	while (str_next(&name, ';', &option)) {
		struct str start = { option.ptr, sizeof("range=") - 1 };

		if (option.len >= start.len &&
		    str_eq_fold(start, STR("range=")))
			return true;
	}
	return false;
}

const struct str *
entry_range(const struct entry *entry)
{
	for (size_t i = 0; i < entry->attribute_count; i++)
		if (is_range(entry->attributes[i].name))
			return &entry->attributes[i].name;
	return NULL;
}

static int
by_dn(const void *a, const void *b)
{
	return str_cmp(
	    ((const struct entry *)a)->dn, ((const struct entry *)b)->dn);
}

void
entries_sort(struct entries *entries)
{
	if (entries->count > 1)
		qsort(entries->items, entries->count, sizeof(*entries->items),
		    by_dn);
}
