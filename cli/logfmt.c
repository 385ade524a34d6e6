#include "cli/logfmt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One value from the front of *rest, as it is written, quotes included. */
static struct str
value_cut(struct str *rest)
{
	struct str value = { rest->ptr, 0 };
	bool quoted = rest->len > 0 && rest->ptr[0] == '"';
	size_t i = quoted ? 1 : 0;

	for (; i < rest->len; i++) {
		if (quoted && rest->ptr[i] == '\\')
			i++;
		else if (quoted && rest->ptr[i] == '"')
			quoted = false;
		else if (!quoted && rest->ptr[i] == ' ')
			break;
	}
	value.len = i < rest->len ? i : rest->len;
	rest->ptr += value.len;
	rest->len -= value.len;
	return value;
}

static struct str
value_unquote(struct arena *arena, struct str value)
{
	char *text = arena_alloc(arena, value.len + 1, 1);
	size_t len = 0;

	if (text == NULL)
		return (struct str){ NULL, 0 };
	if (value.len < 2 || value.ptr[0] != '"')
		return str_copy(arena, value);
	for (size_t i = 1; i + 1 < value.len; i++) {
		if (value.ptr[i] == '\\' && i + 2 < value.len)
			i++;
		text[len++] = value.ptr[i];
	}
	return (struct str){ text, len };
}

struct str
logfmt_value(struct arena *arena, struct str line, struct str key)
{
	struct str rest = line;

	while (rest.len > 0) {
		struct str name = rest;
		struct str value;
		const char *equals;

		if (rest.ptr[0] == ' ') {
			rest.ptr++;
			rest.len--;
			continue;
		}
		equals = memchr(rest.ptr, '=', rest.len);
		if (equals == NULL)
			break;
		name.len = (size_t)(equals - rest.ptr);
		/* Words without a value in front belong to nobody. */
		for (size_t i = name.len; i > 0; i--) {
			if (name.ptr[i - 1] == ' ') {
				name.ptr += i;
				name.len -= i;
				break;
			}
		}
		rest.len -= (size_t)(equals + 1 - rest.ptr);
		rest.ptr = equals + 1;
		value = value_cut(&rest);
		if (str_eq(name, key))
			return value_unquote(arena, value);
	}
	return (struct str){ NULL, 0 };
}

bool
logfmt_find(struct arena *arena, const char *path, struct str key,
    struct str value, struct str *line, struct err *err)
{
	FILE *in = fopen(path, "re");
	char *text = NULL;
	size_t cap = 0;
	ssize_t len;
	bool ok = true;

	*line = (struct str){ NULL, 0 };
	if (in == NULL)
		return err_set(err, ERR_FILE, "file_read",
		    "%s: cannot be opened: %s; name the log with --log", path,
		    strerror(errno));
	while ((len = getline(&text, &cap, in)) > 0) {
		struct str one = { text, (size_t)len };
		struct arena scratch = { 0 };

		if (one.ptr[one.len - 1] == '\n')
			one.len--;
		if (one.len <= LOGFMT_LINE_MAX &&
		    memmem(one.ptr, one.len, value.ptr, value.len) != NULL &&
		    str_eq(logfmt_value(&scratch, one, key), value))
			*line = str_copy(arena, one);
		arena_free(&scratch);
	}
	if (ferror(in))
		ok = err_set(err, ERR_FILE, "file_read",
		    "%s: cannot be read: %s", path, strerror(errno));
	free(text);
	fclose(in);
	return ok;
}
