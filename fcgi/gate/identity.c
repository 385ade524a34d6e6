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

/* RFC 6750: "Bearer TOKEN", the word in any case; or the token alone. */
static struct str
bearer_of(struct str header)
{
	struct str rest = header;
	struct str word;

	if (str_next(&rest, ' ', &word) && rest.ptr != NULL &&
	    str_eq_fold(word, STR("bearer")))
		return blanks_skip(rest);
	return header;
}

static bool
token_take(struct str token, struct asker *out)
{
	if (!token_is_one(token))
		return false;
	token_digest(token, out->digest);
	return true;
}

/* Where tokens count, whatever else stands in Authorization is nobody's. */
static bool
bearer_take(const struct params *params, bool has_cookie, struct asker *out)
{
	out->is_token = true;
	if (!has_cookie && token_take(bearer_of(params->authorization), out))
		return true;
	*out = (struct asker){ 0 };
	return false;
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
	if (rules->bearer && params->authorization.len > 0)
		return bearer_take(params, cookie != COOKIE_NONE, out);
	switch (cookie) {
	case COOKIE_CONFLICT:
		return false;
	case COOKIE_ONE:
		return token_take(token, out);
	case COOKIE_NONE:
		break;
	}
	if (!rules->trusted_user || !text_check_id(params->trusted_user,
					USERNAME_MAX, "username", &ignored))
		return false;
	out->username = params->trusted_user;
	return true;
}
