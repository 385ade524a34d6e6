/* decide.h - may this member do this here?
 *
 * Shape:   a question in, one decision out: verdict, reason, and the grant
 *          that decided. docs/decision.md has every corner (J1-J25).
 * Pure:    no I/O, no clock, no globals. A zeroed decision denies nothing and
 *          allows nothing: it is VERDICT_UNKNOWN.
 * Owner:   grant and filters point into the question's member and account, or
 *          into the arena; filters are sorted and without doubles.
 * Errors:  when the arena cannot hold the filters the verdict is UNKNOWN. */
#ifndef ROLEGATE_DECIDE_H
#define ROLEGATE_DECIDE_H

#include "model/account.h"
#include "model/catalogue.h"
#include "model/member.h"

enum verdict {
	VERDICT_UNKNOWN = 0,
	VERDICT_DENY,
	VERDICT_ALLOW,
	VERDICT_ALLOW_FILTER,
};

/* In the order of the steps: of several grants, the one that got furthest
 * names the reason. */
enum reason {
	REASON_NOT_KNOWN = 0, /* the view is not ready */
	REASON_NO_IDENTITY,
	REASON_AMBIGUOUS_PATH,
	REASON_NO_ROUTE,
	REASON_NO_MEMBER,
	REASON_MEMBER_INACTIVE,
	REASON_NO_ACCOUNT,
	REASON_ACCOUNT_CLOSED,
	REASON_NO_GRANT,
	REASON_ACCOUNT_STATUS,
	REASON_NO_PERMISSION,
	REASON_LEVEL,
	REASON_LICENCE,
	REASON_FILTER_MISSING,
	REASON_GRANTED_FILTERED,
	REASON_GRANTED,
	REASON_COUNT,
};

struct question {
	const struct catalogue *catalogue; /* of the account's root, or NULL */
	const struct member *member;       /* NULL: no such username */
	const struct account *account;     /* NULL: no such account */
	struct str permission;
	int64_t now_s; /* Unix seconds */
};

/* What decided: a grant, or the owner's mark. */
struct holding {
	const struct grant *grant;   /* NULL for the owner's mark */
	const struct account *where; /* the account it is made on */
	int role;                    /* index in the catalogue, -1 unknown */
};

struct decision {
	enum verdict verdict;
	enum reason reason;
	/* The holding that allows, or the one that got furthest; where is NULL
	 * when there was none. */
	struct holding by;
	struct names filters; /* for VERDICT_ALLOW_FILTER, joined by OR */
};

struct decision decide(const struct question *question, struct arena *arena);

const char *verdict_word(enum verdict verdict); /* "allow", "deny", … */
const char *reason_word(enum reason reason);
enum reason reason_from(struct str word); /* REASON_COUNT: of none */
int reason_http_status(enum reason reason); /* 204, 401, 403 or 503 */
/* The reason as a sentence about this question, for people. */
struct str reason_says(struct arena *arena, const struct question *question,
    const struct decision *decision);

/* Every holding of the member that counts on the account, for explain: the
 * step at which each one falls. Returns the count; *holdings and *reasons are
 * in the arena. SIZE_MAX when memory is out. */
size_t holdings_find(const struct question *question, struct arena *arena,
    struct holding **holdings);
enum reason holding_judge(const struct question *question,
    const struct holding *holding);

#endif
