/* member.h - a person, and which roles they hold on which accounts.
 *
 * Shape:   username is unique without regard to the case of A-Z and shown as
 *          it was written; grants are ordered by account, role, source;
 *          expires_s is in Unix seconds, 0 means that it never expires.
 *          One person has 0..GRANTS_PER_MEMBER_MAX grants.
 * Owner:   all views and arrays live where the loader put them (an arena).
 * Source:  written by src/admin/, kept by src/store/, published by
 *          src/publish/. */
#ifndef ROLEGATE_MEMBER_H
#define ROLEGATE_MEMBER_H

#include "base/err.h"
#include "base/str.h"

/* Zero is no status at all: a zeroed member is not active. */
enum member_status {
	MEMBER_NONE = 0,
	MEMBER_INVITED,
	MEMBER_ACTIVE,
	MEMBER_DISABLED,
};

struct grant {
	struct str account; /* id */
	struct str role;
	struct str source; /* "local", or the name of a directory */
	struct names licences; /* sorted */
	struct names filters;  /* sorted */
	int64_t expires_s;
};

/* Who the person is elsewhere: (directory, immutable id). */
struct identity {
	struct str source;
	struct str external_id;
};

struct member {
	struct str id; /* the store's own, never shown; survives a rename */
	struct str username;
	struct str email;
	struct str name;
	struct str phone; /* or empty */
	enum member_status status;
	struct str personal; /* id of the personal account, or empty */
	const struct grant *grants;
	size_t grant_count;
	const struct identity *identities; /* ordered by source */
	size_t identity_count;
	int64_t changed; /* generation of the last change that touched it */
};

extern const struct str SOURCE_LOCAL;

const char *member_status_word(enum member_status status);
/* MEMBER_NONE when the word is none of them. */
enum member_status member_status_from(struct str word);
bool grant_expired(const struct grant *grant, int64_t now_s);
/* By account, role, source: the one order of grants everywhere. */
int grant_cmp(const struct grant *a, const struct grant *b);

/* One plain address. */
bool email_check(struct str email, struct err *err);
/* Every text and count within its bound; errors name the field. */
bool member_check(const struct member *member, struct err *err);
bool grant_check(const struct grant *grant, struct err *err);

#endif
