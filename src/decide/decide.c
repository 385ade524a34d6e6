#include "decide/decide.h"

#include "base/bounds.h"
#include "model/names.h"

/* A question with what every holding is judged by looked up once. */
struct asked {
	const struct question *question;
	const struct permission *permission; /* NULL: not in the catalogue */
	enum account_status status;
	struct names owned; /* licences, J16 */
};

/* --- Walking the holdings ------------------------------------------------ */

/* From the account up to its root; on each the owner's mark, then the grants
 * made on it. */
struct walk {
	const struct question *question;
	const struct account *on; /* NULL: done */
	bool mark_seen;
	size_t grant; /* the next one to look at */
	int level;
};

/* The first grant on the account: they are ordered by account. */
static size_t
grants_on(const struct member *member, struct str account)
{
	size_t low = 0;
	size_t high = member->grant_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (str_cmp(member->grants[middle].account, account) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
walk_enter(struct walk *w, const struct account *on)
{
	w->on = on;
	w->mark_seen = false;
	w->grant = on != NULL ? grants_on(w->question->member, on->id) : 0;
}

static struct walk
walk_start(const struct question *q)
{
	struct walk w = { .question = q };

	/* J22: a personal account answers to its owner only. */
	if (q->account->kind != ACCOUNT_PERSONAL ||
	    account_is_owned_by(q->account, q->member->username))
		walk_enter(&w, q->account);
	return w;
}

static const struct account *
walk_above(struct walk *w)
{
	/* J22: nothing flows into a personal account. */
	if (w->question->account->kind == ACCOUNT_PERSONAL ||
	    ++w->level == TREE_DEPTH_MAX)
		return NULL;
	return w->on->parent;
}

static bool
walk_next(struct walk *w, struct holding *out)
{
	const struct question *q = w->question;

	for (; w->on != NULL; walk_enter(w, walk_above(w))) {
		if (!w->mark_seen) {
			w->mark_seen = true;
			if (account_is_owned_by( /* J14 */
				w->on, q->member->username)) {
				*out = (struct holding){ NULL, w->on,
					q->catalogue != NULL
					    ? q->catalogue->top
					    : -1 };
				return true;
			}
		}
		while (w->grant < q->member->grant_count) {
			const struct grant *g =
			    &q->member->grants[w->grant];

			if (!str_eq(g->account, w->on->id))
				break;
			w->grant++;
			if (grant_expired(g, q->now_s))
				continue;
			*out = (struct holding){ g, w->on,
				catalogue_role(q->catalogue, g->role) };
			return true;
		}
	}
	return false;
}

/* --- Judging one holding: steps 3b to 7 ---------------------------------- */

static struct names
filters_of(const struct holding *h)
{
	return h->grant != NULL ? h->grant->filters
				: (struct names){ NULL, 0 };
}

/* J11: an empty filter is no filter. */
static bool
is_narrowed(const struct holding *h)
{
	struct names filters = filters_of(h);

	for (size_t i = 0; i < filters.count; i++)
		if (filters.items[i].len > 0)
			return true;
	return false;
}

/* J6 */
static bool
only_reads(struct str permission)
{
	struct str last = permission;

	for (size_t i = permission.len; i > 0; i--)
		if (permission.ptr[i - 1] == '.') {
			last = (struct str){ permission.ptr + i,
				permission.len - i };
			break;
		}
	return str_eq(last, STR("view")) || str_starts(last, STR("view_"));
}

/* J5. "network" is the level that the rule itself names. */
static bool
status_lets(const struct asked *a, const struct holding *h)
{
	switch (a->status) {
	case ACCOUNT_ACTIVE:
		return true;
	case ACCOUNT_SUSPENDED:
		return only_reads(a->question->permission);
	case ACCOUNT_ARCHIVED:
		return only_reads(a->question->permission) &&
		       str_eq(h->where->level, STR("network"));
	case ACCOUNT_CLOSED:
	case ACCOUNT_STATUS_NONE:
		return false;
	}
	return false;
}

static bool
role_is_filtered(const struct asked *a, const struct holding *h)
{
	return h->role >= 0 && a->question->catalogue->roles[h->role].filtered;
}

/* J9: acting from where the role was given. */
static bool
may_act_from(const struct asked *a, const struct holding *h)
{
	const struct permission *act = a->question->catalogue->act_on_behalf;

	return act != NULL && role_has(h->role, act) &&
	       (act->level.len == 0 || str_eq(act->level, h->where->level));
}

/* J9, J10 */
static bool
level_fits(const struct asked *a, const struct holding *h)
{
	const struct role *role = &a->question->catalogue->roles[h->role];

	if (role->filtered && !str_eq(role->filtered_level, h->where->level))
		return false;
	if (a->permission->level.len == 0)
		return true;
	if (!str_eq(a->permission->level, a->question->account->level))
		return false;
	return str_eq(h->where->level, a->question->account->level) ||
	       may_act_from(a, h);
}

/* J15, J16, J18: does this one count for the holding? */
static bool
licence_held(const struct asked *a, const struct holding *h,
    struct str licence)
{
	if (!names_have(a->owned, licence))
		return false;
	if (h->grant == NULL)
		return true;
	if (h->grant->licences.count == 0)
		return a->owned.count == 1;
	return names_have(h->grant->licences, licence);
}

/* J17, J19 */
static bool
licence_opens(const struct asked *a, const struct holding *h)
{
	struct names needs = a->owned;

	switch (a->permission->need) {
	case LICENCE_FREE:
		return true;
	case LICENCE_ANY:
		if (a->owned.count == 0)
			return true;
		break;
	case LICENCE_SET:
		needs = a->permission->licences;
		break;
	}
	for (size_t i = 0; i < needs.count; i++)
		if (licence_held(a, h, needs.items[i]))
			return true;
	return false;
}

static enum reason
judge(const struct asked *a, const struct holding *h)
{
	if (!status_lets(a, h))
		return REASON_ACCOUNT_STATUS;
	if (a->permission == NULL || !role_has(h->role, a->permission))
		return REASON_NO_PERMISSION;
	if (!level_fits(a, h))
		return REASON_LEVEL;
	if (!licence_opens(a, h))
		return REASON_LICENCE;
	if (is_narrowed(h))
		return REASON_GRANTED_FILTERED;
	return role_is_filtered(a, h) ? REASON_FILTER_MISSING : REASON_GRANTED;
}

/* --- The decision -------------------------------------------------------- */

static struct asked
asked_by(const struct question *q)
{
	return (struct asked){
		.question = q,
		.permission = catalogue_permission(q->catalogue, q->permission),
		.status = account_strictest(q->account),
		.owned = account_licences(q->account),
	};
}

static struct decision
refuse(enum reason reason)
{
	return (struct decision){ .verdict = VERDICT_DENY, .reason = reason };
}

/* J12: the filters of all that allows, sorted, each once. */
static bool
filters_join(const struct asked *a, struct arena *arena, struct names *out)
{
	struct walk walk = walk_start(a->question);
	struct holding h;
	struct str *items = NULL;
	size_t count = 0;
	size_t cap = 0;

	while (walk_next(&walk, &h)) {
		struct names filters = filters_of(&h);

		if (judge(a, &h) != REASON_GRANTED_FILTERED)
			continue;
		for (size_t i = 0; i < filters.count; i++) {
			if (filters.items[i].len == 0)
				continue;
			items = arena_grow(
			    arena, items, count, &cap, sizeof(*items));
			if (items == NULL)
				return false;
			items[count++] = filters.items[i];
		}
	}
	*out = (struct names){ items, names_sort(items, count) };
	return out->count > 0;
}

/* A member may do this here when an active member asks about an account that
 * is not closed, and one of their holdings on it or above it passes every
 * step of judge(). The holding that got furthest gives the answer. */
struct decision
decide(const struct question *q, struct arena *arena)
{
	struct decision best = refuse(REASON_NO_GRANT);
	struct asked asked;
	struct walk walk;
	struct holding h;

	if (q->member == NULL)
		return refuse(REASON_NO_MEMBER);
	if (q->member->status != MEMBER_ACTIVE)
		return refuse(REASON_MEMBER_INACTIVE);
	if (account_root(q->account) == NULL)
		return refuse(REASON_NO_ACCOUNT);
	asked = asked_by(q);
	if (asked.status == ACCOUNT_CLOSED)
		return refuse(REASON_ACCOUNT_CLOSED);

	walk = walk_start(q);
	while (walk_next(&walk, &h)) {
		enum reason reason = judge(&asked, &h);

		if (reason > best.reason) {
			best.reason = reason;
			best.by = h;
		}
	}
	if (best.reason == REASON_GRANTED)
		best.verdict = VERDICT_ALLOW;
	else if (best.reason == REASON_GRANTED_FILTERED)
		best.verdict = filters_join(&asked, arena, &best.filters)
				   ? VERDICT_ALLOW_FILTER
				   : VERDICT_UNKNOWN;
	return best;
}

/* --- For explain --------------------------------------------------------- */

size_t
holdings_find(const struct question *q, struct arena *arena,
    struct holding **holdings)
{
	struct walk walk;
	struct holding h;
	size_t count = 0;
	size_t cap = 0;

	*holdings = NULL;
	if (q->member == NULL || account_root(q->account) == NULL)
		return 0;
	walk = walk_start(q);
	while (walk_next(&walk, &h)) {
		*holdings =
		    arena_grow(arena, *holdings, count, &cap, sizeof(h));
		if (*holdings == NULL)
			return SIZE_MAX;
		(*holdings)[count++] = h;
	}
	return count;
}

enum reason
holding_judge(const struct question *q, const struct holding *holding)
{
	const struct asked asked = asked_by(q);

	return judge(&asked, holding);
}
