#include "fcgi/web/form.h"

#include <string.h>

#include "base/text.h"
#include "fcgi/web/limits.h"

static bool
no_memory(struct err *err)
{
	return err_set(err, ERR_LIMIT, "no_memory",
	    "memory is out; give the process more");
}

/* --- Escapes -------------------------------------------------------------- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool
escape_read(struct str text, size_t at, char *out)
{
	int high;
	int low;

	if (text.len - at < 3)
		return false;
	high = hex_digit(text.ptr[at + 1]);
	low = hex_digit(text.ptr[at + 2]);
	if (high < 0 || low < 0)
		return false;
	*out = (char)(high * 16 + low);
	return true;
}

static bool
decode(struct arena *arena, struct str text, bool plus, struct str *out,
    struct err *err)
{
	char *bytes = arena_alloc(arena, text.len + 1, 1);
	size_t len = 0;

	if (bytes == NULL)
		return no_memory(err);
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '%') {
			if (!escape_read(text, i, &c))
				return err_set(err, ERR_FILE, "form_escape",
				    "request: an escape in it is not whole; "
				    "write %%25 for a percent sign");
			i += 2;
		} else if (plus && c == '+')
			c = ' ';
		bytes[len++] = c;
	}
	*out = (struct str){ bytes, len };
	return text_is_clean(*out) ||
	       err_set(err, ERR_FILE, "form_text",
		   "request: a value in it is not clean UTF-8 text");
}

struct str
percent_encode(struct arena *arena, struct str text)
{
	static const char digits[] = "0123456789ABCDEF";
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~/";
	char *bytes = arena_alloc(arena, text.len + 1, 3);
	size_t len = 0;

	if (bytes == NULL)
		return (struct str){ NULL, 0 };
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c != '\0' && strchr(plain, c) != NULL) {
			bytes[len++] = (char)c;
			continue;
		}
		bytes[len++] = '%';
		bytes[len++] = digits[c >> 4];
		bytes[len++] = digits[c & 15];
	}
	return (struct str){ bytes, len };
}

/* --- Pairs ---------------------------------------------------------------- */

static const struct pair *
pair_find(const struct pair *items, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(items[i].name, name))
			return &items[i];
	return NULL;
}

static bool
pair_read(
    struct arena *arena, struct str text, struct pair *out, struct err *err)
{
	struct str name = STR("");
	struct str rest = text;

	str_next(&rest, '=', &name);
	if (rest.ptr == NULL)
		rest = STR("");
	return decode(arena, name, true, &out->name, err) &&
	       decode(arena, rest, true, &out->value, err);
}

bool
form_read(
    struct arena *arena, struct str text, struct pairs *out, struct err *err)
{
	struct pair *items = ARENA_ARRAY(arena, struct pair, PAIRS_MAX);
	struct str rest = text;
	struct str one;
	size_t count = 0;

	if (items == NULL)
		return no_memory(err);
	while (text.len > 0 && str_next(&rest, '&', &one)) {
		if (one.len == 0)
			continue;
		if (count == PAIRS_MAX)
			return err_set(err, ERR_LIMIT, "form_too_large",
			    "request: it has more than %d values", PAIRS_MAX);
		if (!pair_read(arena, one, &items[count], err))
			return false;
		if (pair_find(items, count, items[count].name) != NULL)
			return err_set(err, ERR_FILE, "form_twice",
			    "request: %.*s stands in it twice",
			    STR_ARGS(items[count].name));
		count++;
	}
	*out = (struct pairs){ items, count };
	return true;
}

bool
form_has(const struct pairs *form, const char *name)
{
	return pair_find(form->items, form->count, str_from(name)) != NULL;
}

struct str
form_value(const struct pairs *form, const char *name)
{
	const struct pair *pair =
	    pair_find(form->items, form->count, str_from(name));

	return pair != NULL ? pair->value : STR("");
}

/* --- Paths ---------------------------------------------------------------- */

bool
path_split(
    struct arena *arena, struct str path, struct names *out, struct err *err)
{
	struct str *items = ARENA_ARRAY(arena, struct str, SEGMENTS_MAX);
	struct str rest = path;
	struct str one;
	size_t count = 0;

	if (items == NULL)
		return no_memory(err);
	if (path.len == 0 || path.ptr[0] != '/')
		return err_set(err, ERR_FILE, "request_target",
		    "request: its target is not a path");
	rest.ptr++;
	rest.len--;
	while (str_next(&rest, '/', &one)) {
		if (count == SEGMENTS_MAX || one.len == 0)
			return err_set(err, ERR_NOT_FOUND, "path_unknown",
			    "path: there is nothing here; see the description "
			    "of the API");
		if (!decode(arena, one, false, &items[count++], err))
			return false;
	}
	*out = (struct names){ items, count };
	return true;
}

/* --- Parts ---------------------------------------------------------------- */

static bool
multipart_refuse(struct err *err, const char *what)
{
	return err_set(err, ERR_FILE, "multipart",
	    "request: its body is not multipart/form-data: %s", what);
}

/* The value of a parameter, name="value" or name=value, of a header. */
static bool
parameter_find(struct str header, const char *name, struct str *out)
{
	size_t len = strlen(name);
	struct str rest = header;
	struct str one;

	str_next(&rest, ';', &one);
	while (str_next(&rest, ';', &one)) {
		while (one.len > 0 && *one.ptr == ' ') {
			one.ptr++;
			one.len--;
		}
		if (one.len <= len || one.ptr[len] != '=' ||
		    strncasecmp(one.ptr, name, len) != 0)
			continue;
		*out = (struct str){ one.ptr + len + 1, one.len - len - 1 };
		if (out->len >= 2 && out->ptr[0] == '"' &&
		    out->ptr[out->len - 1] == '"')
			*out = (struct str){ out->ptr + 1, out->len - 2 };
		return true;
	}
	return false;
}

static const char *
find(struct str in, struct str what)
{
	return in.len > 0 ? memmem(in.ptr, in.len, what.ptr, what.len) : NULL;
}

static struct str
behind(struct str whole, const char *at)
{
	return (struct str){ at, whole.len - (size_t)(at - whole.ptr) };
}

/* Headers up to the empty line; only Content-Disposition means something. */
static bool
part_headers(struct str *rest, struct part *out, struct err *err)
{
	const struct str word = STR("content-disposition:");
	const char *end = find(*rest, STR("\r\n\r\n"));
	struct str lines;
	struct str line;

	if (end == NULL)
		return multipart_refuse(err, "a part has no end of headers");
	lines = (struct str){ rest->ptr, (size_t)(end - rest->ptr) };
	*rest = behind(*rest, end + 4);
	while (str_next(&lines, '\n', &line)) {
		if (line.len > 0 && line.ptr[line.len - 1] == '\r')
			line.len--;
		if (line.len < word.len ||
		    strncasecmp(line.ptr, word.ptr, word.len) != 0)
			continue;
		if (!parameter_find(line, "name", &out->name))
			return multipart_refuse(err, "a part has no name");
		if (!parameter_find(line, "filename", &out->file))
			out->file = STR("");
	}
	return (out->name.len > 0 && text_is_clean(out->name) &&
		   text_is_clean(out->file)) ||
	       multipart_refuse(err, "a part has no clean name");
}

static bool
boundary_read(struct arena *arena, struct str content_type, struct str *out,
    struct err *err)
{
	struct str boundary;

	if (!parameter_find(content_type, "boundary", &boundary) ||
	    boundary.len == 0 || boundary.len > BOUNDARY_MAX ||
	    !text_is_clean(boundary))
		return multipart_refuse(err, "it has no boundary");
	*out = str_fmt(arena, "\r\n--%.*s", STR_ARGS(boundary));
	return out->ptr != NULL || no_memory(err);
}

bool
multipart_read(struct arena *arena, struct str content_type, struct str body,
    struct parts *out, struct err *err)
{
	struct part *items = ARENA_ARRAY(arena, struct part, PARTS_MAX);
	struct str rest = body;
	struct str boundary = STR("");
	struct str first;
	size_t count = 0;

	if (items == NULL)
		return no_memory(err);
	if (!boundary_read(arena, content_type, &boundary, err))
		return false;
	/* The first one has no line end before it. */
	first = (struct str){ boundary.ptr + 2, boundary.len - 2 };
	if (!str_starts(rest, first))
		return multipart_refuse(err, "it does not begin with one");
	rest = behind(rest, rest.ptr + first.len);
	while (!str_starts(rest, STR("--"))) {
		const char *end;

		if (!str_starts(rest, STR("\r\n")))
			return multipart_refuse(err, "a boundary goes on");
		if (count == PARTS_MAX)
			return multipart_refuse(err, "it has too many parts");
		rest = behind(rest, rest.ptr + 2);
		if (!part_headers(&rest, &items[count], err))
			return false;
		end = find(rest, boundary);
		if (end == NULL)
			return multipart_refuse(err, "a part has no end");
		items[count++].bytes =
		    (struct str){ rest.ptr, (size_t)(end - rest.ptr) };
		rest = behind(rest, end + boundary.len);
	}
	*out = (struct parts){ items, count };
	return true;
}

const struct part *
parts_find(const struct parts *parts, const char *name)
{
	for (size_t i = 0; i < parts->count; i++)
		if (str_eq(parts->items[i].name, str_from(name)))
			return &parts->items[i];
	return NULL;
}
