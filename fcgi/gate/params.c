#include "fcgi/gate/params.h"

#include <string.h>

#define PREFIX "ROLEGATE_"

enum presence {
	ONCE_WITH_VALUE = 1,
	ONCE,
	AT_MOST_ONCE,
};

/* The order is that of the reasons: who asks comes first. */
/* clang-format off */
#define AT(field) offsetof(struct params, field)
static const struct {
	const char *name; /* behind the prefix */
	size_t offset;
	enum presence presence;
	enum reason wrong;
} rows[] = {
	{ "COOKIE",       AT(cookie),       ONCE,            REASON_NO_IDENTITY },
	{ "AUTHORIZATION", AT(authorization), AT_MOST_ONCE,  REASON_NO_IDENTITY },
	{ "ADDRESS",      AT(address),      AT_MOST_ONCE,    REASON_NO_IDENTITY },
	{ "TRUSTED_USER", AT(trusted_user), ONCE,            REASON_NO_IDENTITY },
	{ "METHOD",       AT(method),       ONCE_WITH_VALUE, REASON_NO_ROUTE },
	{ "PATH",         AT(path),         ONCE_WITH_VALUE, REASON_AMBIGUOUS_PATH },
	{ "TARGET",       AT(target),       ONCE_WITH_VALUE, REASON_AMBIGUOUS_PATH },
	{ "PERMISSION",   AT(permission),   ONCE,            REASON_NO_ROUTE },
	{ "ACCOUNT",      AT(account),      ONCE,            REASON_NO_ACCOUNT },
	{ "HOST",         AT(host),         AT_MOST_ONCE,    REASON_AMBIGUOUS_PATH },
};
/* clang-format on */
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static struct str *
value_of(struct params *params, size_t row)
{
	return (struct str *)(void *)((char *)params + rows[row].offset);
}

/* The row of a name, or ROWS; *value is what stands behind its '='. */
static size_t
row_find(const char *name, const char **value)
{
	for (size_t i = 0; i < ROWS; i++) {
		size_t len = strlen(rows[i].name);

		if (strncmp(name, rows[i].name, len) == 0 && name[len] == '=') {
			*value = name + len + 1;
			return i;
		}
	}
	return ROWS;
}

static bool
is_right(size_t row, int times, struct str value)
{
	switch (rows[row].presence) {
	case ONCE_WITH_VALUE:
		return times == 1 && value.len > 0;
	case ONCE:
		return times == 1;
	case AT_MOST_ONCE:
		return times <= 1;
	}
	return false;
}

bool
params_read(struct params *out, char *const *envp, enum reason *wrong)
{
	int times[ROWS] = { 0 };

	*out = (struct params){ 0 };
	for (; *envp != NULL; envp++) {
		const char *value;
		size_t row;

		if (strncmp(*envp, PREFIX, sizeof(PREFIX) - 1) != 0)
			continue;
		row = row_find(*envp + sizeof(PREFIX) - 1, &value);
		if (row == ROWS)
			continue;
		times[row]++;
		*value_of(out, row) = str_from(value);
	}
	for (size_t i = 0; i < ROWS; i++) {
		if (!is_right(i, times[i], *value_of(out, i))) {
			*wrong = rows[i].wrong;
			return false;
		}
	}
	return true;
}
