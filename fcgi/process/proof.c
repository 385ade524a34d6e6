#include "fcgi/process/proof.h"

/* Only in front of a pair, where browsers put one blank: what stands before
 * '=' and ';' belongs to name and value. */
static struct str
blanks_skip(struct str s)
{
	while (s.len > 0 && (*s.ptr == ' ' || *s.ptr == '\t')) {
		s.ptr++;
		s.len--;
	}
	return s;
}

/* RFC 6265, section 4.2.1; nginx joins several Cookie headers by "; ". */
enum cookie
cookie_find(struct str header, struct str name, struct str *value)
{
	enum cookie found = COOKIE_NONE;
	struct str pair;

	while (str_next(&header, ';', &pair)) {
		struct str one;

		pair = blanks_skip(pair);
		if (pair.len <= name.len || pair.ptr[name.len] != '=' ||
		    !str_starts(pair, name))
			continue;
		one = (struct str){ pair.ptr + name.len + 1,
			pair.len - name.len - 1 };
		if (found == COOKIE_ONE && !str_eq(one, *value))
			return COOKIE_CONFLICT;
		*value = one;
		found = COOKIE_ONE;
	}
	return found;
}

/* RFC 6750: "Bearer TOKEN", the word in any case; or the token alone. */
struct str
bearer_of(struct str header)
{
	struct str rest = header;
	struct str word;

	if (str_next(&rest, ' ', &word) && rest.ptr != NULL &&
	    str_eq_fold(word, STR("bearer")))
		return blanks_skip(rest);
	return header;
}
