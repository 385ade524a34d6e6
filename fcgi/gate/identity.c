#include "fcgi/gate/identity.h"

#include <sodium.h>
#include <string.h>

#define TOKEN_LEN    ((size_t)43)
#define DIGEST_BYTES ((size_t)32)

enum cookie { COOKIE_NONE, COOKIE_ONE, COOKIE_CONFLICT };

static struct str
blanks_trim(struct str s)
{
	while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
		s.ptr++;
		s.len--;
	}
	while (s.len > 0 &&
	       (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
		s.len--;
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

		pair = blanks_trim(pair);
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

static bool
is_token(struct str s)
{
	if (s.len != TOKEN_LEN)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			(c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return true;
}

static void
digest_make(struct str token, char hex[DIGEST_HEX + 1])
{
	unsigned char hash[DIGEST_BYTES];

	crypto_generichash(hash, sizeof(hash),
	    (const unsigned char *)token.ptr, token.len, NULL, 0);
	sodium_bin2hex(hex, DIGEST_HEX + 1, hash, sizeof(hash));
}

void
identity_find(const struct identity_rules *rules, const struct params *params,
    struct asker *out)
{
	struct str token = { NULL, 0 };

	*out = (struct asker){ .known = false };
	if (rules->cookie.len > 0)
		switch (cookie_find(params->cookie, rules->cookie, &token)) {
		case COOKIE_CONFLICT:
			return;
		case COOKIE_ONE:
			if (!is_token(token))
				return;
			digest_make(token, out->digest);
			out->known = true;
			return;
		case COOKIE_NONE:
			break;
		}
	if (rules->trusted_user && params->trusted_user.len > 0) {
		out->username = params->trusted_user;
		out->known = true;
	}
}
