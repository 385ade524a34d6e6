/* The name patterns of mapping.h: literal text, {account} and {role}. */
#include <string.h>

#include "base/bounds.h"
#include "base/text.h"
#include "sync/mapping.h"

static bool
ends_with(struct str s, struct str end)
{
	return s.len >= end.len &&
	       (end.len == 0 ||
		   memcmp(s.ptr + s.len - end.len, end.ptr, end.len) == 0);
}

/* Where the placeholder stands in the pattern; SIZE_MAX when it does not. */
static size_t
find(struct str pattern, struct str placeholder)
{
	const char *at = pattern.len == 0
			     ? NULL
			     : memmem(pattern.ptr, pattern.len, placeholder.ptr,
				   placeholder.len);

	return at == NULL ? SIZE_MAX : (size_t)(at - pattern.ptr);
}

/* The pattern cut at its placeholders: before, between, after. */
struct cut {
	struct str before;
	struct str between;
	struct str after;
	bool account;
	bool role;
	bool account_first;
};

static struct str
from_to(struct str s, size_t from, size_t to)
{
	return (struct str){ s.ptr + from, to - from };
}

static struct cut
pattern_cut(struct str pattern)
{
	const size_t account_len = sizeof("{account}") - 1;
	const size_t role_len = sizeof("{role}") - 1;
	size_t account = find(pattern, STR("{account}"));
	size_t role = find(pattern, STR("{role}"));
	struct cut cut = { .account = account != SIZE_MAX,
		.role = role != SIZE_MAX,
		.account_first = account < role };
	size_t first = account < role ? account : role;
	size_t last = account < role ? role : account;
	size_t first_len = account < role ? account_len : role_len;
	size_t last_len = account < role ? role_len : account_len;

	if (first == SIZE_MAX) {
		cut.before = pattern;
		return cut;
	}
	cut.before = from_to(pattern, 0, first);
	if (last == SIZE_MAX) {
		cut.after = from_to(pattern, first + first_len, pattern.len);
		return cut;
	}
	cut.between = from_to(pattern, first + first_len, last);
	cut.after = from_to(pattern, last + last_len, pattern.len);
	return cut;
}

static bool
is_account_id(struct str s)
{
	struct err ignored = { 0 };

	return text_check_id(s, ACCOUNT_ID_MAX, "account", &ignored);
}

/* Both placeholders: try every role, the rest is the account. */
static enum pattern_result
match_both(const struct cut *cut, struct str middle, struct names roles,
    struct str *account, struct str *role)
{
	size_t matches = 0;

	for (size_t i = 0; i < roles.count; i++) {
		struct str r = roles.items[i];
		size_t fixed = r.len + cut->between.len;
		struct str a;

		if (middle.len <= fixed)
			continue;
		if (cut->account_first) {
			a = from_to(middle, 0, middle.len - fixed);
			if (!ends_with(middle, r) ||
			    !str_eq(
				cut->between, from_to(middle, a.len,
						  a.len + cut->between.len)))
				continue;
		} else {
			a = from_to(middle, fixed, middle.len);
			if (!str_starts(middle, r) ||
			    !str_eq(
				cut->between, from_to(middle, r.len, fixed)))
				continue;
		}
		if (!is_account_id(a))
			continue;
		matches++;
		*account = a;
		*role = r;
	}
	return matches == 0   ? PATTERN_NO
	       : matches == 1 ? PATTERN_ONE
			      : PATTERN_SEVERAL;
}

enum pattern_result
pattern_match(struct str pattern, struct str name, struct names roles,
    struct str *account, struct str *role)
{
	struct cut cut = pattern_cut(pattern);
	struct str middle;

	if (!cut.account && !cut.role)
		return str_eq(pattern, name) ? PATTERN_ONE : PATTERN_NO;
	if (name.len <= cut.before.len + cut.after.len ||
	    !str_starts(name, cut.before) || !ends_with(name, cut.after))
		return PATTERN_NO;
	middle = from_to(name, cut.before.len, name.len - cut.after.len);
	if (cut.account && cut.role)
		return match_both(&cut, middle, roles, account, role);
	if (cut.account && !is_account_id(middle))
		return PATTERN_NO;
	if (cut.role && !names_have(roles, middle))
		return PATTERN_NO;
	*(cut.account ? account : role) = middle;
	return PATTERN_ONE;
}
