#include "model/names.h"

#include <stdlib.h>

#include "base/bounds.h"
#include "base/text.h"

typedef bool text_rule(struct str s, size_t max, const char *field,
    struct err *err);

static bool
each_check(struct names names, size_t count_max, size_t name_max,
    const char *field, text_rule *rule, struct err *err)
{
	if (names.count > count_max)
		return err_set(err, ERR_LIMIT, "names_too_many",
		    "%s: has %zu values; at most %zu are allowed", field,
		    names.count, count_max);
	for (size_t i = 0; i < names.count; i++) {
		if (!rule(names.items[i], name_max, field, err))
			return false;
		if (i > 0 && str_cmp(names.items[i - 1], names.items[i]) >= 0)
			return err_set(err, ERR_FILE, "names_order",
			    "%s: '%.*s' is out of order or stands twice; sort "
			    "the values and write each once",
			    field, STR_ARGS(names.items[i]));
	}
	return true;
}

bool
names_check(struct names names, size_t count_max, size_t name_max,
    const char *field, struct err *err)
{
	return each_check(
	    names, count_max, name_max, field, text_check_id, err);
}

bool
filters_check(struct names filters, struct err *err)
{
	return each_check(filters, FILTERS_PER_GRANT_MAX, FILTER_MAX, "filter",
	    text_check, err);
}

static int
name_order(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

size_t
names_sort(struct str *items, size_t count)
{
	size_t kept = 0;

	if (count == 0)
		return 0;
	qsort(items, count, sizeof(*items), name_order);
	for (size_t i = 1; i < count; i++)
		if (!str_eq(items[kept], items[i]))
			items[++kept] = items[i];
	return kept + 1;
}
