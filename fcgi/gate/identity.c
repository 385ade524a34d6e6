#include "fcgi/gate/identity.h"

#include <string.h>

#include "base/bounds.h"
#include "base/text.h"

enum cookie { COOKIE_NONE, COOKIE_ONE, COOKIE_CONFLICT };

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
static enum cookie
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

bool
identity_find(const struct identity_rules *rules, const struct params *params,
    struct asker *out)
{
	struct str token = { NULL, 0 };
	enum cookie cookie = COOKIE_NONE;
	struct err ignored = { 0 };

	*out = (struct asker){ 0 };
	if (rules->cookie.len > 0)
		cookie = cookie_find(params->cookie, rules->cookie, &token);
	switch (cookie) {
	case COOKIE_CONFLICT:
		return false;
	case COOKIE_ONE:
		if (!token_is_one(token))
			return false;
		token_digest(token, out->digest);
		return true;
	case COOKIE_NONE:
		break;
	}
	if (!rules->trusted_user || !text_check_id(params->trusted_user,
					USERNAME_MAX, "username", &ignored))
		return false;
	out->username = params->trusted_user;
	return true;
}
