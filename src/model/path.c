#include "model/path.h"

#include <string.h>

#include "base/bounds.h"
#include "base/text.h"

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte that the escape at `at` stands for, or -1 when it is not whole. */
static int
escape_value(struct str raw, size_t at)
{
	int high;
	int low;

	if (raw.len - at < 3)
		return -1;
	high = hex_value(raw.ptr[at + 1]);
	low = hex_value(raw.ptr[at + 2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Does the raw path, decoded once, give exactly the path, slash for slash? An
 * escaped slash is a separator to one reader and a letter to another. */
static bool
decodes_to(struct str raw, struct str path)
{
	size_t out = 0;

	for (size_t i = 0; i < raw.len; i++) {
		int c = (unsigned char)raw.ptr[i];

		if (c == '%') {
			c = escape_value(raw, i);
			if (c < 0 || c == '/')
				return false;
			i += 2;
		} else if (c == ' ')
			return false; /* ends the target in a request line */
		if (out == path.len || (unsigned char)path.ptr[out++] != c)
			return false;
	}
	return out == path.len;
}

/* A segment that ends in a dot (so also "." and "..") or in a blank is another
 * name to whoever trims it. */
static bool
segment_is_plain(struct str segment)
{
	char last = segment.len > 0 ? segment.ptr[segment.len - 1] : '\0';

	return last != '.' && last != ' ';
}

/* Segments are empty only before the first slash and after the last. */
static bool
segments_are_plain(struct str path)
{
	struct str rest = { path.ptr + 1, path.len - 1 };
	struct str segment;

	while (str_next(&rest, '/', &segment))
		if (!segment_is_plain(segment) ||
		    (segment.len == 0 && rest.ptr != NULL))
			return false;
	return true;
}

static bool
has_one_of(struct str s, const char *bytes)
{
	for (; *bytes != '\0'; bytes++)
		if (s.len > 0 && memchr(s.ptr, *bytes, s.len) != NULL)
			return true;
	return false;
}

static struct str
before_query(struct str target)
{
	const char *query =
	    target.len > 0 ? memchr(target.ptr, '?', target.len) : NULL;

	if (query != NULL)
		target.len = (size_t)(query - target.ptr);
	return target;
}

bool
path_is_canonical(struct str path)
{
	/* What is left of these after one decoding is decoded, cut off or
	 * turned into a slash by somebody behind us. */
	return path.len > 0 && path.len <= PATH_MAX_BYTES &&
	       path.ptr[0] == '/' && !has_one_of(path, "%;\\?#") &&
	       text_is_clean(path) && segments_are_plain(path);
}

/* nginx makes /files/index.html of /files/ by itself, and asks about both. No
 * other page: /_rolegate is one of / where somebody saves the wrong path. */
static bool
is_index_of(struct str path, struct str raw_folder)
{
	const char *slash = memrchr(path.ptr, '/', path.len);
	struct str folder = { path.ptr, (size_t)(slash - path.ptr) + 1 };
	struct str page = { slash + 1, path.len - folder.len };

	return str_starts(page, STR("index.")) &&
	       decodes_to(raw_folder, folder);
}

bool
path_is_plain(struct str path, struct str raw_target)
{
	struct str raw = before_query(raw_target);

	return path_is_canonical(path) && !has_one_of(raw_target, "#") &&
	       (decodes_to(raw, path) || is_index_of(path, raw));
}

struct str
path_decode(struct arena *arena, struct str raw_target)
{
	struct str raw = before_query(raw_target);
	char *path = arena_alloc(arena, raw.len + 1, 1);
	size_t out = 0;

	if (path == NULL)
		return (struct str){ NULL, 0 };
	for (size_t i = 0; i < raw.len; i++) {
		int c = raw.ptr[i] == '%' ? escape_value(raw, i) : -1;

		if (c >= 0)
			i += 2;
		else
			c = (unsigned char)raw.ptr[i];
		path[out++] = (char)c;
	}
	return (struct str){ path, out };
}
