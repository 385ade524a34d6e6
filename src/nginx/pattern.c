#include "nginx/pattern.h"

#include <regex.h>
#include <string.h>

#define PATTERN_BYTES 1024

bool
pattern_fits(struct str pattern, struct str text, bool fold)
{
	char expression[PATTERN_BYTES];
	char subject[PATTERN_BYTES];
	regex_t regex;
	bool fits;

	if (pattern.len >= sizeof(expression) || text.len >= sizeof(subject))
		return false;
	memcpy(expression, pattern.ptr, pattern.len);
	expression[pattern.len] = '\0';
	memcpy(subject, text.ptr, text.len);
	subject[text.len] = '\0';
	if (regcomp(&regex, expression,
		REG_EXTENDED | REG_NOSUB | (fold ? REG_ICASE : 0)) != 0)
		return false;
	fits = regexec(&regex, subject, 0, NULL, 0) == 0;
	regfree(&regex);
	return fits;
}

static struct str
behind(struct str s, size_t count)
{
	return (struct str){ s.ptr + count, s.len - count };
}

static bool
is_in(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* "(?:", "\\d", "a*?" and "[\\]" are PCRE's own, or read otherwise. */
bool
pattern_is_plain(struct str pattern)
{
	bool in_set = false;

	if (pattern.len >= PATTERN_BYTES)
		return false;
	for (size_t i = 0; i < pattern.len; i++) {
		char c = pattern.ptr[i];
		char next = i + 1 < pattern.len ? pattern.ptr[i + 1] : '\0';

		if (in_set) {
			if (c == '\\' || c == '[')
				return false;
			in_set = c != ']';
		} else if (c == '\\') {
			if (is_letter(next) || (next >= '0' && next <= '9'))
				return false;
			i++;
		} else if ((next == '?' || next == '+') &&
			   is_in(c, next == '?' ? "(*+?}" : "*+?}"))
			return false;
		else
			in_set = c == '[';
	}
	return true;
}

/* "(?<", "(?P<" or "(?'", and what ends the name; not "(?<=" and "(?<!". */
static size_t
name_opens(struct str text, char *end)
{
	size_t at = str_starts(text, STR("(?P<")) ? 4 : 3;

	if (!str_starts(text, STR("(?<")) && !str_starts(text, STR("(?'")) &&
	    at == 3)
		return 0;
	*end = text.ptr[at - 1] == '\'' ? '\'' : '>';
	return at < text.len && text.ptr[at] != '=' && text.ptr[at] != '!' ? at
									   : 0;
}

bool
pattern_name_next(struct str *rest, struct str *name)
{
	while (rest->len > 0) {
		char end = '\0';
		size_t from = name_opens(*rest, &end);
		const char *to =
		    from > 0 ? memchr(rest->ptr + from, end, rest->len - from)
			     : NULL;

		if (to != NULL) {
			*name = behind(*rest, from);
			name->len = (size_t)(to - name->ptr);
			*rest = behind(*rest, from + name->len);
			return true;
		}
		*rest = behind(*rest, 1);
	}
	return false;
}

/* A "|" outside of parentheses is a second expression, with a beginning of its
 * own. */
static bool
has_choice(struct str pattern)
{
	int depth = 0;

	for (size_t i = 0; i < pattern.len; i++)
		switch (pattern.ptr[i]) {
		case '\\':
			i++;
			break;
		case '(':
			depth++;
			break;
		case ')':
			depth--;
			break;
		case '|':
			if (depth <= 0)
				return true;
			break;
		default:
			break;
		}
	return false;
}

struct str
pattern_prefix(struct str pattern)
{
	struct str prefix;
	size_t len = 0;

	if (!str_starts(pattern, STR("^")) || has_choice(pattern))
		return STR("");
	prefix = behind(pattern, 1);
	while (len < prefix.len && !is_in(prefix.ptr[len], "\\.[](){}?*+|^$"))
		len++;
	/* "/ab?" begins with "/a". */
	if (len > 0 && len < prefix.len && is_in(prefix.ptr[len], "?*{"))
		len--;
	prefix.len = len;
	return prefix;
}

/* "(?s)" and its like change what a "." is. */
static bool
has_flags(struct str pattern)
{
	for (size_t i = 0; i + 2 < pattern.len; i++)
		if (pattern.ptr[i] == '(' && pattern.ptr[i + 1] == '?' &&
		    ((pattern.ptr[i + 2] >= 'a' && pattern.ptr[i + 2] <= 'z') ||
			is_in(pattern.ptr[i + 2], "-^")))
			return true;
	return false;
}

/* Nothing of it stands for what it does not list, but a "." where `dots`. */
static bool
lists_all(struct str pattern, bool dots)
{
	for (size_t i = 0; i < pattern.len; i++) {
		char c = pattern.ptr[i];
		char next = i + 1 < pattern.len ? pattern.ptr[i + 1] : '\0';

		if ((c == '.' && !dots) ||
		    (c == '[' && (next == '^' || next == ':')))
			return false;
		if (c != '\\')
			continue;
		if (next != 'd' && next != 'w' &&
		    ((next >= 'a' && next <= 'z') ||
			(next >= 'A' && next <= 'Z')))
			return false;
		i++;
	}
	return true;
}

bool
pattern_is_narrow(struct str pattern)
{
	return lists_all(pattern, false);
}

bool
pattern_is_one_line(struct str pattern)
{
	return lists_all(pattern, true) && !has_flags(pattern);
}
