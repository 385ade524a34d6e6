#include "base/bounds.h"
#include "decide/decide.h"

/* clang-format off */
static const struct {
	const char *word;
	int http_status;
} reasons[REASON_COUNT] = {
	[REASON_NOT_KNOWN]        = { "not_known",        503 },
	[REASON_NO_IDENTITY]      = { "no_identity",      401 },
	[REASON_AMBIGUOUS_PATH]   = { "ambiguous_path",   403 },
	[REASON_NO_ROUTE]         = { "no_route",         403 },
	[REASON_NO_MEMBER]        = { "no_member",        403 },
	[REASON_MEMBER_INACTIVE]  = { "member_inactive",  403 },
	[REASON_NO_ACCOUNT]       = { "no_account",       403 },
	[REASON_ACCOUNT_CLOSED]   = { "account_closed",   403 },
	[REASON_NO_GRANT]         = { "no_grant",         403 },
	[REASON_ACCOUNT_STATUS]   = { "account_status",   403 },
	[REASON_NO_PERMISSION]    = { "no_permission",    403 },
	[REASON_LEVEL]            = { "level",            403 },
	[REASON_LICENCE]          = { "licence",          403 },
	[REASON_FILTER_MISSING]   = { "filter_missing",   403 },
	[REASON_GRANTED_FILTERED] = { "granted_filtered", 204 },
	[REASON_GRANTED]          = { "granted",          204 },
};
/* clang-format on */

static const char *const verdict_words[] = {
	[VERDICT_UNKNOWN] = "unknown",
	[VERDICT_DENY] = "deny",
	[VERDICT_ALLOW] = "allow",
	[VERDICT_ALLOW_FILTER] = "allow_filter",
};

const char *
verdict_word(enum verdict verdict)
{
	return verdict_words[verdict];
}

const char *
reason_word(enum reason reason)
{
	return reasons[reason].word;
}

enum reason
reason_from(struct str word)
{
	int reason = REASON_NOT_KNOWN;

	while (reason < REASON_COUNT &&
	       !str_eq(word, str_from(reasons[reason].word)))
		reason++;
	return (enum reason)reason;
}

int
reason_http_status(enum reason reason)
{
	return reasons[reason].http_status;
}

static struct str
role_name(const struct question *q, const struct holding *h)
{
	if (h->grant != NULL)
		return h->grant->role;
	return h->role >= 0 ? q->catalogue->roles[h->role].name : STR("owner");
}

/* "holds full.viewer on my-business, " or, where nothing is held, nothing. */
static struct str
held(struct arena *arena, const struct question *q, const struct holding *h)
{
	if (h->where == NULL)
		return STR("");
	return str_fmt(arena, "%s %.*s on %.*s, ",
	    h->grant == NULL ? "as its owner has" : "has",
	    STR_ARGS(role_name(q, h)), STR_ARGS(h->where->id));
}

/* What is known about the subject of the sentence, for %s and %.*s. */
struct words {
	struct str who;
	struct str what;
	struct str where;
	struct str held;
};

static struct str
level_says(struct arena *arena, const struct question *q,
    const struct words *w)
{
	const struct permission *p =
	    catalogue_permission(q->catalogue, q->permission);

	if (p != NULL && p->level.len > 0 &&
	    !str_eq(p->level, q->account->level))
		return str_fmt(arena,
		    "%.*s holds on accounts of level %.*s only, and %.*s is of "
		    "level %.*s",
		    STR_ARGS(w->what), STR_ARGS(p->level), STR_ARGS(w->where),
		    STR_ARGS(q->account->level));
	return str_fmt(arena,
	    "%.*s %.*sbut that role does not reach %.*s on %.*s from there",
	    STR_ARGS(w->who), STR_ARGS(w->held), STR_ARGS(w->what),
	    STR_ARGS(w->where));
}

struct str
reason_says(struct arena *arena, const struct question *q,
    const struct decision *decision)
{
	const struct words w = {
		.who = q->member != NULL ? q->member->username : STR("nobody"),
		.what = q->permission,
		.where = q->account != NULL ? q->account->id : STR("it"),
		.held = held(arena, q, &decision->by),
	};

	switch (decision->reason) {
	case REASON_NOT_KNOWN:
		return STR("the view is not ready");
	case REASON_NO_IDENTITY:
		return STR("nobody is signed in");
	case REASON_AMBIGUOUS_PATH:
		return STR("the path can be read in two ways");
	case REASON_NO_ROUTE:
		return STR("no route covers this method and path");
	case REASON_NO_MEMBER:
		return STR("there is no such member");
	case REASON_MEMBER_INACTIVE:
		return str_fmt(arena, "%.*s is %s", STR_ARGS(w.who),
		    member_status_word(q->member->status));
	case REASON_NO_ACCOUNT:
		return STR("there is no such account");
	case REASON_ACCOUNT_CLOSED:
		return str_fmt(arena, "%.*s, or an account above it, is closed",
		    STR_ARGS(w.where));
	case REASON_NO_GRANT:
		return str_fmt(arena, "%.*s has no role on %.*s or above it",
		    STR_ARGS(w.who), STR_ARGS(w.where));
	case REASON_ACCOUNT_STATUS:
		return str_fmt(arena,
		    "%.*s is %s, which does not leave %.*s to %.*s",
		    STR_ARGS(w.where),
		    account_status_word(account_strictest(q->account)),
		    STR_ARGS(w.what), STR_ARGS(w.who));
	case REASON_NO_PERMISSION:
		return str_fmt(arena, "%.*s %.*swhich does not give %.*s",
		    STR_ARGS(w.who), STR_ARGS(w.held), STR_ARGS(w.what));
	case REASON_LEVEL:
		return level_says(arena, q, &w);
	case REASON_LICENCE:
		return str_fmt(arena,
		    "%.*s %.*sbut without a licence that opens %.*s",
		    STR_ARGS(w.who), STR_ARGS(w.held), STR_ARGS(w.what));
	case REASON_FILTER_MISSING:
		return str_fmt(arena,
		    "%.*s %.*swhich counts only with a data filter, and has "
		    "none",
		    STR_ARGS(w.who), STR_ARGS(w.held));
	case REASON_GRANTED_FILTERED:
		return str_fmt(arena, "%.*s %.*swhich gives %.*s, filtered",
		    STR_ARGS(w.who), STR_ARGS(w.held), STR_ARGS(w.what));
	case REASON_GRANTED:
		return str_fmt(arena, "%.*s %.*swhich gives %.*s",
		    STR_ARGS(w.who), STR_ARGS(w.held), STR_ARGS(w.what));
	case REASON_COUNT:
		break;
	}
	return STR("");
}
