#include "base/text.h"

#include <stdint.h>

/* One character from s at *i; UINT32_MAX when the bytes are not UTF-8. */
static uint32_t
next_char(struct str s, size_t *i)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	unsigned char first = (unsigned char)s.ptr[(*i)++];
	uint32_t c;
	size_t more;

	if (first < 0x80)
		return first;
	if (first >= 0xc2 && first <= 0xdf)
		more = 1;
	else if (first >= 0xe0 && first <= 0xef)
		more = 2;
	else if (first >= 0xf0 && first <= 0xf4)
		more = 3;
	else
		return UINT32_MAX;
	if (s.len - *i < more)
		return UINT32_MAX;
	c = first & (0x3fU >> more);
	for (size_t k = 0; k < more; k++) {
		unsigned char next = (unsigned char)s.ptr[(*i)++];

		if ((next & 0xc0) != 0x80)
			return UINT32_MAX;
		c = c << 6 | (next & 0x3fU);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return UINT32_MAX;
	return c;
}

static bool
is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

static bool
is_space(uint32_t c)
{
	return c == ' ' || c == 0xa0 || c == 0x1680 ||
	    (c >= 0x2000 && c <= 0x200b) || c == 0x202f || c == 0x205f ||
	    c == 0x3000 || c == 0xfeff;
}

/* What most texts are, and can be told at once. */
static bool
is_plain(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < ' ' || s.ptr[i] > '~')
			return false;
	return true;
}

bool
text_is_utf8(struct str s)
{
	for (size_t i = 0; i < s.len;)
		if (next_char(s, &i) == UINT32_MAX)
			return false;
	return true;
}

bool
text_is_clean(struct str s)
{
	for (size_t i = 0; i < s.len;) {
		uint32_t c = next_char(s, &i);

		if (c == UINT32_MAX || is_control(c))
			return false;
	}
	return true;
}

bool
text_check(struct str s, size_t max, const char *field, struct err *err)
{
	if (s.len == 0)
		return err_set(err, ERR_FILE, "text_empty",
		    "%s: is empty; give it at least one character", field);
	if (s.len > max)
		return err_set(err, ERR_LIMIT, "text_too_long",
		    "%s: has %zu bytes; at most %zu are allowed", field, s.len,
		    max);
	if (is_plain(s))
		return true;
	if (!text_is_utf8(s))
		return err_set(err, ERR_FILE, "text_not_utf8",
		    "%s: is not valid UTF-8; write it again as UTF-8", field);
	if (!text_is_clean(s))
		return err_set(err, ERR_FILE, "text_control",
		    "%s: has a control character; take it out", field);
	return true;
}

bool
text_check_id(struct str s, size_t max, const char *field, struct err *err)
{
	if (!text_check(s, max, field, err))
		return false;
	for (size_t i = 0; i < s.len;)
		if (is_space(next_char(s, &i)))
			return err_set(err, ERR_FILE, "text_space",
			    "%s: has white space; take it out", field);
	return true;
}
