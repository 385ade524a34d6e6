#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct str
str_from(const char *cstr)
{
	return (struct str){ cstr, cstr != NULL ? strlen(cstr) : 0 };
}

bool
str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static char
fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool
str_eq_fold(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (fold(a.ptr[i]) != fold(b.ptr[i]))
			return false;
	return true;
}

int
str_cmp(struct str a, struct str b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len > 0 ? memcmp(a.ptr, b.ptr, len) : 0;

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

int
str_cmp_fold(struct str a, struct str b)
{
	size_t len = a.len < b.len ? a.len : b.len;

	for (size_t i = 0; i < len; i++) {
		unsigned char x = (unsigned char)fold(a.ptr[i]);
		unsigned char y = (unsigned char)fold(b.ptr[i]);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return (a.len > b.len) - (a.len < b.len);
}

bool
str_starts(struct str s, struct str prefix)
{
	return s.len >= prefix.len &&
	    str_eq((struct str){ s.ptr, prefix.len }, prefix);
}

struct str
str_trim(struct str s)
{
	while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
		s.ptr++;
		s.len--;
	}
	while (
	    s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
		s.len--;
	return s;
}

struct str
str_copy(struct arena *arena, struct str s)
{
	char *copy = arena_alloc(arena, s.len + 1, 1);

	if (copy == NULL)
		return (struct str){ NULL, 0 };
	if (s.len > 0)
		memcpy(copy, s.ptr, s.len);
	return (struct str){ copy, s.len };
}

struct str
str_fold(struct arena *arena, struct str s)
{
	char *copy = arena_alloc(arena, s.len + 1, 1);

	if (copy == NULL)
		return (struct str){ NULL, 0 };
	for (size_t i = 0; i < s.len; i++)
		copy[i] = fold(s.ptr[i]);
	return (struct str){ copy, s.len };
}

struct str
str_fmt(struct arena *arena, const char *fmt, ...)
{
	va_list args;
	int len;
	char *text;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		return (struct str){ NULL, 0 };
	text = arena_alloc(arena, (size_t)len + 1, 1);
	if (text == NULL)
		return (struct str){ NULL, 0 };
	va_start(args, fmt);
	len = vsnprintf(text, (size_t)len + 1, fmt, args);
	va_end(args);
	return (struct str){ text, (size_t)len };
}

bool
str_next(struct str *rest, char sep, struct str *field)
{
	const char *end;

	if (rest->ptr == NULL)
		return false;
	end = rest->len > 0 ? memchr(rest->ptr, sep, rest->len) : NULL;
	if (end == NULL) {
		*field = *rest;
		*rest = (struct str){ NULL, 0 };
		return true;
	}
	*field = (struct str){ rest->ptr, (size_t)(end - rest->ptr) };
	rest->len -= field->len + 1;
	rest->ptr = end + 1;
	return true;
}

bool
str_to_i64(struct str s, int64_t min, int64_t max, int64_t *out)
{
	bool minus = s.len > 0 && s.ptr[0] == '-';
	size_t i = minus ? 1 : 0;
	int64_t value = 0;

	if (i == s.len)
		return false;
	for (; i < s.len; i++) {
		int digit = s.ptr[i] - '0';

		if (digit < 0 || digit > 9)
			return false;
		if (__builtin_mul_overflow(value, (int64_t)10, &value) ||
		    __builtin_sub_overflow(value, (int64_t)digit, &value))
			return false; /* counted downwards: INT64_MIN fits */
	}
	if (!minus && __builtin_mul_overflow(value, (int64_t)-1, &value))
		return false;
	if (value < min || value > max)
		return false;
	*out = value;
	return true;
}

static bool
digits(const char *at, size_t count, int min, int max, int *out)
{
	int64_t value;

	if (at[0] == '-' || !str_to_i64((struct str){ at, count }, min, max, &value))
		return false;
	*out = (int)value;
	return true;
}

bool
str_to_time(struct str s, int64_t *out_s)
{
	struct tm tm = { 0 };
	struct tm back;
	time_t at;
	int year;
	int month;

	if (s.len != 20 || s.ptr[4] != '-' || s.ptr[7] != '-' ||
	    s.ptr[10] != 'T' || s.ptr[13] != ':' || s.ptr[16] != ':' ||
	    s.ptr[19] != 'Z')
		return false;
	if (!digits(s.ptr, 4, 1970, 9999, &year) ||
	    !digits(s.ptr + 5, 2, 1, 12, &month) ||
	    !digits(s.ptr + 8, 2, 1, 31, &tm.tm_mday) ||
	    !digits(s.ptr + 11, 2, 0, 23, &tm.tm_hour) ||
	    !digits(s.ptr + 14, 2, 0, 59, &tm.tm_min) ||
	    !digits(s.ptr + 17, 2, 0, 59, &tm.tm_sec))
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	int day = tm.tm_mday;

	at = timegm(&tm);
	/* timegm() makes March of the 30th of February: refuse that. */
	if (gmtime_r(&at, &back) == NULL || back.tm_mday != day)
		return false;
	*out_s = at;
	return true;
}

struct str
str_from_time(struct arena *arena, int64_t unix_s)
{
	time_t at = (time_t)unix_s;
	struct tm tm;

	if (gmtime_r(&at, &tm) == NULL)
		return (struct str){ NULL, 0 };
	return str_fmt(arena, "%04d-%02d-%02dT%02d:%02d:%02dZ",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec);
}

bool
names_have(struct names names, struct str name)
{
	for (size_t i = 0; i < names.count; i++)
		if (str_eq(names.items[i], name))
			return true;
	return false;
}

bool
names_eq(struct names a, struct names b)
{
	if (a.count != b.count)
		return false;
	for (size_t i = 0; i < a.count; i++)
		if (!str_eq(a.items[i], b.items[i]))
			return false;
	return true;
}

#define FNV_BASIS UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)

uint64_t
str_hash(struct str s)
{
	uint64_t hash = FNV_BASIS;

	for (size_t i = 0; i < s.len; i++)
		hash = (hash ^ (unsigned char)s.ptr[i]) * FNV_PRIME;
	return hash;
}

uint64_t
str_hash_fold(struct str s)
{
	uint64_t hash = FNV_BASIS;

	for (size_t i = 0; i < s.len; i++)
		hash = (hash ^ (unsigned char)fold(s.ptr[i])) * FNV_PRIME;
	return hash;
}
