#include "oracle.h"

#include <assert.h>
#include <string.h>

bool
same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

void
name_set(char to[WORD_MAX], const char *from)
{
	assert(strlen(from) < WORD_MAX);
	strcpy(to, from);
}

bool
words_hold(const struct words *words, const char *word)
{
	for (int i = 0; i < words->count; i++)
		if (same(words->at[i], word))
			return true;
	return false;
}

void
words_add(struct words *words, const char *word)
{
	int i = words->count;

	if (words_hold(words, word))
		return;
	assert(i < WORDS_MAX);
	while (i > 0 && strcmp(words->at[i - 1], word) > 0) {
		name_set(words->at[i], words->at[i - 1]);
		i--;
	}
	name_set(words->at[i], word);
	words->count++;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* J1 */
static bool
same_username(const char *a, const char *b)
{
	while (*a != '\0' && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return *a == *b;
}

const struct place *
place_named(const struct world *w, const char *id)
{
	for (int i = 0; i < w->place_count; i++)
		if (same(w->places[i].id, id))
			return &w->places[i];
	return NULL;
}

int
path_up(
    const struct world *w, const char *id, const struct place *path[LEVELS_MAX])
{
	int count = 0;

	while (count < LEVELS_MAX) {
		const struct place *p = place_named(w, id);

		if (p == NULL)
			return 0;
		path[count++] = p;
		if (same(p->parent, ""))
			return count;
		id = p->parent;
	}
	return 0;
}

static int
strictness(const char *status)
{
	static const char *const order[] = { "active", "suspended",
		"archived" };

	for (int i = 0; i < 3; i++)
		if (same(status, order[i]))
			return i;
	return 3; /* closed, and what is not known */
}

/* J6 */
static bool
only_reads(const char *permission)
{
	const char *dot = strrchr(permission, '.');
	const char *last = dot != NULL ? dot + 1 : permission;

	return same(last, "view") || strncmp(last, "view_", 5) == 0;
}

/* J16, seen from the account that is asked about */
static struct words
owned_licences(const struct place *const path[LEVELS_MAX], int levels)
{
	struct words none = { .count = 0 };

	for (int i = 0; i < levels; i++)
		if (path[i]->licences.count > 0)
			return path[i]->licences;
	return none;
}

/* J16, J18 */
static struct words
licences_that_count(const struct gift *gift, const struct words *owned)
{
	struct words counted = { .count = 0 };

	if (gift->licences.count == 0 && owned->count == 1)
		return *owned;
	for (int i = 0; i < gift->licences.count; i++)
		if (words_hold(owned, gift->licences.at[i]))
			words_add(&counted, gift->licences.at[i]);
	return counted;
}

static struct words
without_empty(const struct words *filters)
{
	struct words left = { .count = 0 };

	for (int i = 0; i < filters->count; i++)
		if (!same(filters->at[i], ""))
			words_add(&left, filters->at[i]);
	return left;
}

const struct matrix *
matrix_named(const struct world *w, const char *name)
{
	for (int i = 0; i < MATRICES; i++)
		if (same(w->matrices[i].name, name))
			return &w->matrices[i];
	return NULL;
}

static const struct row *
row_named(const struct matrix *m, const char *permission)
{
	for (int i = 0; m != NULL && i < m->row_count; i++)
		if (same(m->rows[i].name, permission))
			return &m->rows[i];
	return NULL;
}

static bool
role_exists(const struct matrix *m, const char *role)
{
	return m != NULL && words_hold(&m->roles, role);
}

static void
hold(struct list *list, const struct held *held)
{
	list->items[list->count++] = *held;
}

/* Step 3, with J3, J14, J15, J22 */
static struct list
holdings(const struct world *w, const struct matrix *m, int person,
    const struct place *const path[LEVELS_MAX], int levels)
{
	static struct list found;
	struct words owned = owned_licences(path, levels);
	const char *me = w->people[person].username;
	bool personal = same(path[0]->kind, "personal");

	found.count = 0;
	if (personal && !same_username(path[0]->owner, me))
		return found;
	for (int i = 0; i < (personal ? 1 : levels); i++) {
		struct held h = { .at = path[i] };

		if (!same(path[i]->owner, "") &&
		    same_username(path[i]->owner, me)) {
			name_set(h.role, m != NULL ? m->top : "");
			h.licences = owned;
			hold(&found, &h);
		}
		for (int g = 0; g < w->gift_count; g++) {
			const struct gift *gift = &w->gifts[g];

			if (gift->to != person || !same(gift->on, path[i]->id))
				continue;
			if (gift->expires != 0 && WORLD_NOW >= gift->expires)
				continue;
			h.gift = gift;
			name_set(h.role, gift->role);
			h.licences = licences_that_count(gift, &owned);
			h.filters = without_empty(&gift->filters);
			hold(&found, &h);
		}
	}
	return found;
}

/* J9, J10 */
static bool
level_fits(const struct matrix *m, const struct row *row,
    const struct held *held, const struct place *on)
{
	const struct row *act = row_named(m, m->act);

	if (same(held->role, m->filtered) &&
	    !same(held->at->level, m->filtered_level))
		return false;
	if (same(row->level, "any"))
		return true;
	if (!same(row->level, on->level))
		return false;
	if (same(held->at->level, on->level))
		return true;
	return act != NULL && words_hold(&act->roles, held->role) &&
	       (same(act->level, "any") || same(act->level, held->at->level));
}

/* J17, J19 */
static bool
licence_fits(
    const struct row *row, const struct held *held, const struct words *owned)
{
	if (row->free)
		return true;
	if (row->licences.count == 0)
		return owned->count == 0 || held->licences.count > 0;
	for (int i = 0; i < held->licences.count; i++)
		if (words_hold(&row->licences, held->licences.at[i]))
			return true;
	return false;
}

enum step {
	STEP_STATUS,
	STEP_PERMISSION,
	STEP_LEVEL,
	STEP_LICENCE,
	STEP_FILTER,
	STEPS
};

struct view {
	const struct matrix *m;
	const struct row *row;
	const struct place *on;
	struct words owned;
	int strictest;
	const char *permission;
};

static bool
passes(enum step step, const struct view *v, const struct held *h)
{
	switch (step) {
	case STEP_STATUS: /* J5 */
		if (v->strictest == 0)
			return true;
		return only_reads(v->permission) &&
		       (v->strictest == 1 || same(h->at->level, "network"));
	case STEP_PERMISSION: /* J8, J21 */
		return v->row != NULL && role_exists(v->m, h->role) &&
		       words_hold(&v->row->roles, h->role);
	case STEP_LEVEL:
		return level_fits(v->m, v->row, h, v->on);
	case STEP_LICENCE:
		return licence_fits(v->row, h, &v->owned);
	case STEP_FILTER:
		return !same(h->role, v->m->filtered) || h->filters.count > 0;
	case STEPS:
		break;
	}
	return false;
}

static bool
refuse(struct answer *a, const char *reason)
{
	a->verdict = "deny";
	a->reason = reason;
	return false;
}

/* J12: what is left allows; one without a filter makes it plain. */
static bool
permit(struct answer *a)
{
	static struct list plain;

	plain.count = 0;
	for (int i = 0; i < a->standing.count; i++) {
		const struct held *h = &a->standing.items[i];

		if (h->filters.count == 0)
			hold(&plain, h);
		for (int f = 0; f < h->filters.count; f++)
			words_add(&a->filters, h->filters.at[f]);
	}
	if (plain.count > 0) {
		a->standing = plain;
		a->filters.count = 0;
		a->verdict = "allow";
		a->reason = "granted";
		return true;
	}
	a->verdict = "allow_filter";
	a->reason = "granted_filtered";
	return true;
}

int
person_named(const struct world *w, const char *username)
{
	for (int i = 0; i < w->person_count; i++)
		if (same_username(w->people[i].username, username))
			return i;
	return -1;
}

bool
oracle(const struct world *w, const struct ask *ask, struct answer *a)
{
	static const char *const falls_at[STEPS] = { "account_status",
		"no_permission", "level", "licence", "filter_missing" };
	static struct list left;
	const struct place *path[LEVELS_MAX];
	struct view v = { .permission = ask->what };
	int person = person_named(w, ask->who);
	int levels = path_up(w, ask->where, path);

	memset(a, 0, sizeof(*a));
	if (person < 0)
		return refuse(a, "no_member");
	if (!same(w->people[person].status, "active")) /* J25 */
		return refuse(a, "member_inactive");
	if (levels == 0)
		return refuse(a, "no_account");
	for (int i = 0; i < levels; i++) /* J4 */
		if (strictness(path[i]->status) > v.strictest)
			v.strictest = strictness(path[i]->status);
	if (v.strictest == 3)
		return refuse(a, "account_closed");

	v.m = matrix_named(w, path[levels - 1]->catalogue);
	v.row = row_named(v.m, ask->what);
	v.on = path[0];
	v.owned = owned_licences(path, levels);
	a->standing = holdings(w, v.m, person, path, levels);
	a->holdings = a->standing.count;
	if (a->holdings == 0)
		return refuse(a, "no_grant");
	for (enum step s = STEP_STATUS; s < STEPS; s++) {
		left.count = 0;
		for (int i = 0; i < a->standing.count; i++)
			if (passes(s, &v, &a->standing.items[i]))
				hold(&left, &a->standing.items[i]);
		if (left.count == 0)
			return refuse(a, falls_at[s]);
		a->standing = left;
	}
	return permit(a);
}
