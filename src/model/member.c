#include "model/member.h"

#include <string.h>

#include "base/bounds.h"
#include "base/text.h"
#include "model/names.h"

const struct str SOURCE_LOCAL = { "local", sizeof("local") - 1 };

static const char *const status_words[] = {
	[MEMBER_NONE] = "none",
	[MEMBER_INVITED] = "invited",
	[MEMBER_ACTIVE] = "active",
	[MEMBER_DISABLED] = "disabled",
};

const char *
member_status_word(enum member_status status)
{
	return status_words[status];
}

enum member_status
member_status_from(struct str word)
{
	for (int s = MEMBER_INVITED; s <= MEMBER_DISABLED; s++)
		if (str_eq(word, str_from(status_words[s])))
			return (enum member_status)s;
	return MEMBER_NONE;
}

bool
grant_expired(const struct grant *grant, int64_t now_s)
{
	return grant->expires_s != 0 && now_s >= grant->expires_s;
}

int
grant_cmp(const struct grant *a, const struct grant *b)
{
	int order = str_cmp(a->account, b->account);

	if (order == 0)
		order = str_cmp(a->role, b->role);
	return order != 0 ? order : str_cmp(a->source, b->source);
}

/* One '@' with something on both sides; whether it is read is for the mail
 * to find out. */
bool
email_check(struct str email, struct err *err)
{
	const char *at;

	if (!text_check_id(email, EMAIL_MAX, "email", err))
		return false;
	at = memchr(email.ptr, '@', email.len);
	if (at != NULL && at != email.ptr && at != email.ptr + email.len - 1)
		return true;
	return err_set(err, ERR_FILE, "member_email",
	    "email: '%.*s' is not an address; write it as name@host",
	    STR_ARGS(email));
}

bool
member_check(const struct member *member, struct err *err)
{
	if (!text_check_id(member->username, USERNAME_MAX, "username", err) ||
	    (member->email.len > 0 && !email_check(member->email, err)) ||
	    (member->name.len > 0 &&
		!text_check(member->name, PERSON_NAME_MAX, "name", err)) ||
	    (member->phone.len > 0 &&
		!text_check(member->phone, PHONE_MAX, "phone", err)))
		return false;
	if (member->status == MEMBER_NONE)
		return err_set(err, ERR_FILE, "member_status",
		    "status: write invited, active or disabled");
	if (member->grant_count > GRANTS_PER_MEMBER_MAX)
		return err_set(err, ERR_LIMIT, "grants_too_many",
		    "%.*s: has %zu grants; at most %d are allowed",
		    STR_ARGS(member->username), member->grant_count,
		    GRANTS_PER_MEMBER_MAX);
	for (size_t i = 0; i < member->identity_count; i++)
		if (!text_check_id(member->identities[i].source,
			SOURCE_NAME_MAX, "identity source", err) ||
		    !text_check(member->identities[i].external_id,
			EXTERNAL_ID_MAX, "identity id", err))
			return false;
	for (size_t i = 0; i < member->grant_count; i++)
		if (!grant_check(&member->grants[i], err))
			return false;
	return true;
}

bool
grant_check(const struct grant *grant, struct err *err)
{
	if (!text_check_id(grant->account, ACCOUNT_ID_MAX, "account", err) ||
	    !text_check_id(grant->role, ROLE_NAME_MAX, "role", err) ||
	    !text_check_id(grant->source, SOURCE_NAME_MAX, "source", err) ||
	    !names_check(grant->licences, LICENCES_MAX, LICENCE_NAME_MAX,
		"licences", err) ||
	    !filters_check(grant->filters, err))
		return false;
	if (grant->expires_s < 0)
		return err_set(err, ERR_FILE, "grant_expires",
		    "expires: lies before 1970");
	return true;
}
