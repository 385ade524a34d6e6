#include "fcgi/gate/params.h"

#include <string.h>

#include "fcgi/gate/records.h"

/* clang-format off */
static const struct {
	struct str name;
	size_t offset;
} table[] = {
	{ { "ROLEGATE_COOKIE", 15 },       offsetof(struct params, cookie) },
	{ { "ROLEGATE_TRUSTED_USER", 21 }, offsetof(struct params, trusted_user) },
	{ { "ROLEGATE_METHOD", 15 },       offsetof(struct params, method) },
	{ { "ROLEGATE_PATH", 13 },         offsetof(struct params, path) },
	{ { "ROLEGATE_TARGET", 15 },       offsetof(struct params, target) },
	{ { "ROLEGATE_PERMISSION", 19 },   offsetof(struct params, permission) },
	{ { "ROLEGATE_ACCOUNT", 16 },      offsetof(struct params, account) },
	{ { "ROLEGATE_HOST", 13 },         offsetof(struct params, host) },
};
/* clang-format on */

#define COUNT (sizeof(table) / sizeof(table[0]))

bool
params_read(struct str block, struct params *out)
{
	struct params params = { 0 };
	unsigned seen = 0;
	struct str name;
	struct str value;

	while (records_param(&block, &name, &value)) {
		size_t i = 0;

		while (i < COUNT && !str_eq(name, table[i].name))
			i++;
		if (i == COUNT)
			continue;
		if ((seen & 1U << i) != 0 ||
		    memchr(value.ptr, '\0', value.len) != NULL)
			return false;
		seen |= 1U << i;
		memcpy((char *)&params + table[i].offset, &value,
		    sizeof(value));
	}
	if (block.len > 0 || seen != (1U << COUNT) - 1)
		return false;
	*out = params;
	return true;
}
