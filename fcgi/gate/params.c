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
#define S(literal) { literal, sizeof(literal) - 1 }
static const struct {
	struct str name; /* behind the prefix */
	size_t offset;
	enum presence presence;
	enum reason wrong;
} rows[] = {
	{ S("COOKIE"),       AT(cookie),       ONCE,            REASON_NO_IDENTITY },
	{ S("AUTHORIZATION"), AT(authorization), AT_MOST_ONCE,  REASON_NO_IDENTITY },
	{ S("ADDRESS"),      AT(address),      AT_MOST_ONCE,    REASON_NO_IDENTITY },
	{ S("TRUSTED_USER"), AT(trusted_user), ONCE,            REASON_NO_IDENTITY },
	{ S("METHOD"),       AT(method),       ONCE_WITH_VALUE, REASON_NO_ROUTE },
	{ S("PATH"),         AT(path),         ONCE_WITH_VALUE, REASON_AMBIGUOUS_PATH },
	{ S("TARGET"),       AT(target),       ONCE_WITH_VALUE, REASON_AMBIGUOUS_PATH },
	{ S("PERMISSION"),   AT(permission),   ONCE,            REASON_NO_ROUTE },
	{ S("ACCOUNT"),      AT(account),      ONCE,            REASON_NO_ACCOUNT },
	{ S("HOST"),         AT(host),         AT_MOST_ONCE,    REASON_AMBIGUOUS_PATH },
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
row_find(const char *pair, const char **value)
{
	const char *end = strchr(pair, '=');
	struct str name = { pair, end != NULL ? (size_t)(end - pair) : 0 };
	size_t row = 0;

	while (row < ROWS && !str_eq(rows[row].name, name))
		row++;
	if (row < ROWS)
		*value = end + 1;
	return row;
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
