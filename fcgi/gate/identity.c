#include "fcgi/gate/identity.h"

#include "base/bounds.h"
#include "base/text.h"
#include "fcgi/process/proof.h"

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
