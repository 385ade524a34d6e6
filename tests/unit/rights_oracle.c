#include "rights_oracle.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- The law, out of the YAML --------------------------------------------- */

/* "[a, b]" */
static void
list_read(struct words *out, char *text)
{
	for (char *word = strtok(text, "[], \n"); word != NULL;
	     word = strtok(NULL, "[], \n"))
		words_add(out, word);
}

static struct need *
need_new(struct law *law, const char *operation, const char *role)
{
	struct need *n = &law->needs[law->need_count++];

	assert(law->need_count <= NEEDS_MAX);
	name_set(n->operation, operation);
	name_set(n->role, role);
	return n;
}

/* One line below "operations:": a list, or the head of a list by roles. */
static void
operation_read(struct law *law, char *line, size_t indent, char *head)
{
	char *colon = strchr(line, ':');

	assert(colon != NULL);
	*colon = '\0';
	if (indent > 2) {
		list_read(&need_new(law, head, line)->permissions, colon + 1);
		return;
	}
	name_set(head, line);
	if (strchr(colon + 1, '[') != NULL)
		list_read(&need_new(law, head, "")->permissions, colon + 1);
}

/* One line below "may_give:": a giver, or "- role". Givers are kept as they
 * stand: words_add() would sort them away from what they give. */
static void
giver_read(struct law *law, char *line)
{
	char *end = strpbrk(line, ":\n");
	int last = law->givers.count - 1;

	if (end != NULL)
		*end = '\0';
	if (line[0] == '-') {
		assert(last >= 0);
		words_add(&law->gives[last], line + 2);
		return;
	}
	assert(law->givers.count < WORDS_MAX);
	name_set(law->givers.at[law->givers.count++], line);
}

static void
law_read(struct law *law, const char *path)
{
	FILE *in = fopen(path, "r");
	char section[WORD_MAX] = "";
	char head[WORD_MAX] = "";
	char line[512];

	assert(in != NULL);
	memset(law, 0, sizeof(*law));
	while (fgets(line, sizeof(line), in) != NULL) {
		size_t indent = strspn(line, " ");

		if (line[indent] == '#' || line[indent] == '\n')
			continue;
		if (indent == 0)
			snprintf(section, sizeof(section), "%.*s",
			    (int)strcspn(line, ":"), line);
		else if (same(section, "operations"))
			operation_read(law, line + indent, indent, head);
		else if (same(section, "may_give"))
			giver_read(law, line + indent);
	}
	fclose(in);
}

void
laws_read_from(struct law laws[LAWS], const char *folder)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/call-tracking.yaml", folder);
	law_read(&laws[0], path);
	snprintf(path, sizeof(path), "%s/performance-marketing.yaml", folder);
	law_read(&laws[1], path);
}

void
laws_read(struct law laws[LAWS])
{
	laws_read_from(laws, "catalogs");
}

/* --- Looking around ------------------------------------------------------- */

static const struct place *
root_of(const struct model *m, const char *id)
{
	const struct place *path[LEVELS_MAX];
	int levels = path_up(&m->w, id, path);

	return levels > 0 ? path[levels - 1] : NULL;
}

static const struct matrix *
matrix_at(const struct model *m, const char *id)
{
	const struct place *root = root_of(m, id);

	return root != NULL ? matrix_named(&m->w, root->catalogue) : NULL;
}

static const struct law *
law_at(const struct model *m, const char *id)
{
	for (int i = 0; i < LAWS; i++)
		if (matrix_at(m, id) == &m->w.matrices[i])
			return &m->laws[i];
	return NULL;
}

static bool
expired(const struct gift *g)
{
	return g->expires != 0 && WORLD_NOW >= g->expires;
}

static bool
within(const struct model *m, const char *id, const char *top)
{
	const struct place *path[LEVELS_MAX];
	int levels = path_up(&m->w, id, path);

	for (int i = 0; i < levels; i++)
		if (same(path[i]->id, top))
			return true;
	return false;
}

/* J4 */
static bool
frozen(const struct model *m, const char *id)
{
	const struct place *path[LEVELS_MAX];
	int levels = path_up(&m->w, id, path);

	for (int i = 0; i < levels; i++)
		if (!same(path[i]->status, "active"))
			return true;
	return levels == 0;
}

static bool
closed(const struct model *m, const char *id)
{
	const struct place *path[LEVELS_MAX];
	int levels = path_up(&m->w, id, path);

	for (int i = 0; i < levels; i++)
		if (same(path[i]->status, "closed"))
			return true;
	return levels == 0;
}

static bool
owns(const struct model *m, const char *who, const struct place *p)
{
	return !same(p->owner, "") &&
	       person_named(&m->w, p->owner) == person_named(&m->w, who);
}

/* M11, J22 */
static bool
sees(const struct model *m, const char *who, const char *id)
{
	const struct place *path[LEVELS_MAX];
	int levels = path_up(&m->w, id, path);
	int me = person_named(&m->w, who);

	if (levels > 0 && same(path[0]->kind, "personal"))
		return owns(m, who, path[0]);
	for (int i = 0; i < levels; i++) {
		if (owns(m, who, path[i]))
			return true;
		for (int g = 0; g < m->w.gift_count; g++)
			if (m->w.gifts[g].to == me &&
			    same(m->w.gifts[g].on, path[i]->id) &&
			    !expired(&m->w.gifts[g]))
				return true;
	}
	return false;
}

static const struct gift *
gift_on(const struct model *m, const char *whom, const char *id, bool local)
{
	int person = person_named(&m->w, whom);

	for (int g = 0; g < m->w.gift_count; g++) {
		const struct gift *gift = &m->w.gifts[g];

		if (gift->to == person && same(gift->on, id) &&
		    (!local || same(gift->source, "local")))
			return gift;
	}
	return NULL;
}

/* M16: the owner counts. */
static bool
has_row(const struct model *m, const char *whom, const char *id)
{
	return person_named(&m->w, whom) >= 0 &&
	       (gift_on(m, whom, id, false) != NULL ||
		   owns(m, whom, place_named(&m->w, id)));
}

/* --- Rights --------------------------------------------------------------- */

static bool
plainly_allowed(const struct model *m, const char *who, const char *on,
    const char *permission)
{
	struct answer answer;
	struct ask ask;

	name_set(ask.who, who);
	name_set(ask.where, on);
	name_set(ask.what, permission);
	return oracle(&m->w, &ask, &answer) && same(answer.verdict, "allow");
}

static const struct need *
need_of(const struct law *law, const char *operation, const char *role)
{
	for (int i = 0; law != NULL && i < law->need_count; i++)
		if (same(law->needs[i].operation, operation) &&
		    (same(law->needs[i].role, "") ||
			same(law->needs[i].role, role)))
			return &law->needs[i];
	return NULL;
}

bool
rights_operation(const struct model *m, const char *who, const char *on,
    const char *operation, const char *role)
{
	const struct need *need = need_of(law_at(m, on), operation, role);

	for (int i = 0; need != NULL && i < need->permissions.count; i++)
		if (!plainly_allowed(m, who, on, need->permissions.at[i]))
			return false;
	return need != NULL;
}

/* M1: asked at `from`, or at the nearest above it of the right level. */
static bool
allowed_above(const struct model *m, const char *who, const char *from,
    const char *operation)
{
	const struct place *path[LEVELS_MAX];
	int levels = path_up(&m->w, from, path);
	const struct matrix *matrix = matrix_at(m, from);
	const struct need *need = need_of(law_at(m, from), operation, "");

	for (int i = 0; need != NULL && i < levels; i++) {
		bool holds = true;

		for (int r = 0; r < matrix->row_count; r++) {
			const struct row *row = &matrix->rows[r];

			if (words_hold(&need->permissions, row->name) &&
			    !same(row->level, "any") &&
			    !same(row->level, path[i]->level))
				holds = false;
		}
		if (holds)
			return rights_operation(
			    m, who, path[i]->id, operation, "");
	}
	return false;
}

/* Their own unexpired, unfiltered roles on it and above it. */
static struct words
whole_roles(const struct model *m, const char *who, const char *on)
{
	const struct place *path[LEVELS_MAX];
	int levels = path_up(&m->w, on, path);
	const struct matrix *matrix = matrix_at(m, on);
	struct words roles = { .count = 0 };
	int me = person_named(&m->w, who);

	for (int i = 0; i < levels; i++) {
		if (owns(m, who, path[i]))
			words_add(&roles, matrix->top);
		for (int g = 0; g < m->w.gift_count; g++) {
			const struct gift *gift = &m->w.gifts[g];

			if (gift->to == me && same(gift->on, path[i]->id) &&
			    !expired(gift) && gift->filters.count == 0 &&
			    !same(gift->role, matrix->filtered))
				words_add(&roles, gift->role);
		}
	}
	return roles;
}

static bool
any_has(const struct row *row, const struct words *roles)
{
	for (int i = 0; i < roles->count; i++)
		if (words_hold(&row->roles, roles->at[i]))
			return true;
	return false;
}

/* M3 */
bool
rights_give(
    const struct model *m, const char *who, const char *on, const char *role)
{
	const struct matrix *matrix = matrix_at(m, on);
	const struct law *law = law_at(m, on);
	const struct words own = whole_roles(m, who, on);
	const char *level = place_named(&m->w, on)->level;

	for (int i = 0; i < matrix->row_count; i++) {
		const struct row *row = &matrix->rows[i];
		bool here = same(row->level, "any") || same(row->level, level);

		if (words_hold(&row->roles, role) &&
		    (here ? !plainly_allowed(m, who, on, row->name)
			  : !any_has(row, &own)))
			return false;
	}
	for (int i = 0; i < law->givers.count; i++)
		if (words_hold(&own, law->givers.at[i]) &&
		    words_hold(&law->gives[i], role))
			return true;
	return false;
}

/* --- M7 ---------------------------------------------------------------------
 */

static bool
active(const struct model *m, const char *whom)
{
	int person = person_named(&m->w, whom);

	return person >= 0 && same(m->w.people[person].status, "active");
}

static bool
has_top(const struct model *m, const char *id)
{
	const struct place *path[LEVELS_MAX];
	int levels = path_up(&m->w, id, path);
	const char *top = matrix_at(m, id)->top;

	for (int i = 0; i < levels; i++) {
		if (!same(path[i]->owner, "") && active(m, path[i]->owner))
			return true;
		for (int g = 0; g < m->w.gift_count; g++) {
			const struct gift *gift = &m->w.gifts[g];

			if (same(gift->on, path[i]->id) &&
			    same(gift->role, top) && !expired(gift) &&
			    gift->filters.count == 0 &&
			    same(m->w.people[gift->to].status, "active"))
				return true;
		}
	}
	return false;
}

/* Nothing that had somebody at the top is without, once the change is made. */
static bool
top_stays(const struct model *m, const struct change *c)
{
	static struct model after;

	after = *m;
	rights_make(&after, c, "made");
	for (int i = 0; i < m->w.place_count; i++) {
		const struct place *p = &m->w.places[i];

		if (same(p->kind, "shared") &&
		    place_named(&after.w, p->id) != NULL &&
		    !closed(&after, p->id) && has_top(m, p->id) &&
		    !has_top(&after, p->id))
			return false;
	}
	return true;
}

/* --- Grants --------------------------------------------------------------- */

static enum ruling
yes_if(bool yes)
{
	return yes ? RULING_YES : RULING_REFUSED;
}

/* M8, M9, M10, J3: may anybody be given this here? */
static bool
giveable(const struct model *m, const struct change *c)
{
	const struct matrix *matrix = matrix_at(m, c->on);
	const struct place *on = place_named(&m->w, c->on);

	return same(on->kind, "shared") && !frozen(m, c->on) &&
	       words_hold(&matrix->roles, c->gift.role) &&
	       (!same(c->gift.role, matrix->filtered) ||
		   same(on->level, matrix->filtered_level)) &&
	       !expired(&c->gift);
}

static bool
oneself(const struct model *m, const struct change *c)
{
	return person_named(&m->w, c->who) == person_named(&m->w, c->whom);
}

static enum ruling
judge_grant_add(const struct model *m, const struct change *c)
{
	if (!sees(m, c->who, c->on))
		return RULING_NOT_FOUND;
	return yes_if(
	    giveable(m, c) && !oneself(m, c) && !has_row(m, c->whom, c->on) &&
	    rights_operation(m, c->who, c->on, "member.add", c->gift.role) &&
	    rights_give(m, c->who, c->on, c->gift.role));
}

/* M5, M6: who has a row that a member may change. */
static const struct gift *
open_row(const struct model *m, const struct change *c)
{
	if (owns(m, c->whom, place_named(&m->w, c->on)))
		return NULL;
	return gift_on(m, c->whom, c->on, true);
}

static enum ruling
judge_grant_set(const struct model *m, const struct change *c)
{
	const struct gift *now;

	if (!sees(m, c->who, c->on) || !has_row(m, c->whom, c->on))
		return RULING_NOT_FOUND;
	now = open_row(m, c);
	return yes_if(
	    now != NULL && giveable(m, c) && !oneself(m, c) &&
	    rights_operation(m, c->who, c->on, "grant.edit", now->role) &&
	    rights_give(m, c->who, c->on, now->role) &&
	    rights_give(m, c->who, c->on, c->gift.role) && top_stays(m, c));
}

static enum ruling
judge_grant_remove(const struct model *m, const struct change *c)
{
	const struct gift *now;

	if (!sees(m, c->who, c->on) || !has_row(m, c->whom, c->on))
		return RULING_NOT_FOUND;
	now = open_row(m, c);
	if (now != NULL && same(c->gift.source, "local") &&
	    !same(c->gift.role, now->role))
		return RULING_NOT_FOUND;
	return yes_if(
	    now != NULL && same(c->gift.source, "local") && !frozen(m, c->on) &&
	    rights_operation(m, c->who, c->on, "member.remove", now->role) &&
	    rights_give(m, c->who, c->on, now->role) && top_stays(m, c));
}

/* --- Accounts ------------------------------------------------------------- */

static enum ruling
judge_account_add(const struct model *m, const struct change *c)
{
	const struct place *path[LEVELS_MAX];
	int levels;

	if (!sees(m, c->who, c->parent))
		return RULING_NOT_FOUND;
	levels = path_up(&m->w, c->parent, path);
	return yes_if(
	    same(path[0]->kind, "shared") && levels < LEVELS_MAX &&
	    !frozen(m, c->parent) &&
	    rights_operation(m, c->who, c->parent, "account.create", ""));
}

/* One that is shared and takes changes, M8 and M10. */
static bool
open_account(const struct model *m, const char *id)
{
	return same(place_named(&m->w, id)->kind, "shared") && !frozen(m, id);
}

static const char *
place_name(const struct model *m, const char *id)
{
	return m->place_names[place_named(&m->w, id) - m->w.places];
}

static enum ruling
judge_account_rename(const struct model *m, const struct change *c)
{
	if (!sees(m, c->who, c->on))
		return RULING_NOT_FOUND;
	if (same(place_name(m, c->on), c->word))
		return RULING_YES;
	return yes_if(open_account(m, c->on) &&
		      allowed_above(m, c->who, c->on, "account.rename"));
}

/* M1, M2, M10 */
static enum ruling
judge_account_status(const struct model *m, const struct change *c)
{
	const struct place *on;

	if (!sees(m, c->who, c->on))
		return RULING_NOT_FOUND;
	on = place_named(&m->w, c->on);
	if (same(on->status, c->word))
		return RULING_YES;
	if (same(on->parent, "") || same(c->word, "closed") ||
	    frozen(m, on->parent) || same(on->status, "closed"))
		return RULING_REFUSED;
	return yes_if((same(on->status, "active") || same(c->word, "active")) &&
		      allowed_above(m, c->who, on->parent, "account.suspend"));
}

/* M6, M16 */
static enum ruling
judge_account_owner(const struct model *m, const struct change *c)
{
	const struct place *on;
	bool there = false;

	if (!sees(m, c->who, c->on))
		return RULING_NOT_FOUND;
	on = place_named(&m->w, c->on);
	if (owns(m, c->whom, on))
		return RULING_YES;
	if (!has_row(m, c->whom, c->on))
		return RULING_NOT_FOUND;
	for (int g = 0; g < m->w.gift_count; g++)
		if (m->w.gifts[g].to == person_named(&m->w, c->whom) &&
		    same(m->w.gifts[g].on, c->on) && !expired(&m->w.gifts[g]))
			there = true;
	return yes_if(there && owns(m, c->who, on) && active(m, c->whom) &&
		      open_account(m, c->on));
}

static bool
has_children(const struct model *m, const char *id)
{
	for (int i = 0; i < m->w.place_count; i++)
		if (same(m->w.places[i].parent, id))
			return true;
	return false;
}

static enum ruling
judge_account_remove(const struct model *m, const struct change *c)
{
	const struct place *on;

	if (!sees(m, c->who, c->on))
		return RULING_NOT_FOUND;
	on = place_named(&m->w, c->on);
	return yes_if(
	    open_account(m, c->on) && !has_children(m, c->on) &&
	    (same(on->parent, "")
		    ? owns(m, c->who, on)
		    : allowed_above(m, c->who, on->parent, "account.delete")));
}

/* --- Moving --------------------------------------------------------------- */

static int
deepest_below(const struct model *m, const char *id)
{
	const struct place *path[LEVELS_MAX];
	int deepest = 0;

	for (int i = 0; i < m->w.place_count; i++) {
		const char *below = m->w.places[i].id;
		int levels = path_up(&m->w, below, path);

		if (within(m, below, id) && levels > deepest)
			deepest = levels;
	}
	return deepest;
}

/* Whoever holds something on the way down to it, where it was not before. */
static bool
gains_may_be_given(const struct model *m, const struct change *c)
{
	const struct place *path[LEVELS_MAX];
	int levels = path_up(&m->w, c->parent, path);

	for (int i = 0; i < levels; i++) {
		if (within(m, c->on, path[i]->id))
			return true;
		if (!same(path[i]->owner, "") &&
		    !rights_give(m, c->who, c->on, matrix_at(m, c->on)->top))
			return false;
		for (int g = 0; g < m->w.gift_count; g++) {
			const struct gift *gift = &m->w.gifts[g];

			if (same(gift->on, path[i]->id) && !expired(gift) &&
			    !rights_give(m, c->who, c->on, gift->role))
				return false;
		}
	}
	return true;
}

static enum ruling
judge_account_move(const struct model *m, const struct change *c)
{
	const struct place *path[LEVELS_MAX];
	const struct place *on;
	int levels;

	if (!sees(m, c->who, c->on) || !sees(m, c->who, c->parent))
		return RULING_NOT_FOUND;
	on = place_named(&m->w, c->on);
	if (same(on->parent, "") || same(on->parent, c->parent) ||
	    within(m, c->parent, c->on) || !open_account(m, c->on) ||
	    !open_account(m, c->parent) ||
	    matrix_at(m, c->on) != matrix_at(m, c->parent))
		return RULING_REFUSED;
	levels = path_up(&m->w, c->on, path);
	if (path_up(&m->w, c->parent, path) + deepest_below(m, c->on) - levels +
		1 >
	    LEVELS_MAX)
		return RULING_REFUSED;
	return yes_if(
	    allowed_above(m, c->who, on->parent, "account.delete") &&
	    rights_operation(m, c->who, c->parent, "account.create", "") &&
	    gains_may_be_given(m, c) && top_stays(m, c));
}

/* --- People --------------------------------------------------------------- */

/* Who somebody is changes by themselves, or by who may change them wherever
 * they are a member. */
static enum ruling
judge_member_name(const struct model *m, const struct change *c)
{
	int whom = person_named(&m->w, c->whom);
	int rows = 0;

	if (whom < 0)
		return RULING_NOT_FOUND;
	if (same(m->person_names[whom], c->word))
		return RULING_YES;
	if (oneself(m, c))
		return yes_if(!m->sourced[whom]);
	for (int i = 0; i < m->w.place_count; i++)
		if (owns(m, c->whom, &m->w.places[i]) &&
		    same(m->w.places[i].kind, "shared"))
			return RULING_REFUSED;
	for (int g = 0; g < m->w.gift_count; g++) {
		const struct gift *gift = &m->w.gifts[g];

		if (gift->to != whom)
			continue;
		rows++;
		if (!sees(m, c->who, gift->on) ||
		    !rights_operation(
			m, c->who, gift->on, "grant.edit", gift->role) ||
		    !rights_give(m, c->who, gift->on, gift->role))
			return RULING_REFUSED;
	}
	if (rows == 0)
		return RULING_NOT_FOUND;
	return yes_if(!m->sourced[whom]);
}

static enum ruling
judge_member_status(const struct model *m, const struct change *c)
{
	struct change named = *c;
	int whom = person_named(&m->w, c->whom);

	if (whom < 0)
		return RULING_NOT_FOUND;
	if (same(m->w.people[whom].status, c->word))
		return RULING_YES;
	name_set(named.word, "somebody else");
	return judge_member_name(m, &named) == RULING_NOT_FOUND
		   ? RULING_NOT_FOUND
		   : RULING_REFUSED;
}

static enum ruling (*const judges[CHANGES])(
    const struct model *m, const struct change *c) = {
	[CHANGE_GRANT_ADD] = judge_grant_add,
	[CHANGE_GRANT_SET] = judge_grant_set,
	[CHANGE_GRANT_REMOVE] = judge_grant_remove,
	[CHANGE_ACCOUNT_ADD] = judge_account_add,
	[CHANGE_ACCOUNT_RENAME] = judge_account_rename,
	[CHANGE_ACCOUNT_STATUS] = judge_account_status,
	[CHANGE_ACCOUNT_OWNER] = judge_account_owner,
	[CHANGE_ACCOUNT_REMOVE] = judge_account_remove,
	[CHANGE_ACCOUNT_MOVE] = judge_account_move,
	[CHANGE_MEMBER_NAME] = judge_member_name,
	[CHANGE_MEMBER_STATUS] = judge_member_status,
};

enum ruling
rights_judge(const struct model *m, const struct change *c)
{
	if (!active(m, c->who))
		return RULING_REFUSED;
	return judges[c->kind](m, c);
}

/* --- Making it ------------------------------------------------------------ */

static struct place *
place_own(struct model *m, const char *id)
{
	for (int i = 0; i < m->w.place_count; i++)
		if (same(m->w.places[i].id, id))
			return &m->w.places[i];
	return NULL;
}

static void
gift_drop(struct model *m, int at)
{
	m->w.gifts[at] = m->w.gifts[--m->w.gift_count];
}

static void
gift_take(struct model *m, const struct change *c)
{
	const struct gift *now = gift_on(m, c->whom, c->on, true);

	assert(now != NULL);
	gift_drop(m, (int)(now - m->w.gifts));
}

static void
gift_give(struct model *m, const struct change *c)
{
	struct gift *g = &m->w.gifts[m->w.gift_count++];

	assert(m->w.gift_count <= GRANTS_MAX);
	*g = c->gift;
	g->to = person_named(&m->w, c->whom);
	name_set(g->on, c->on);
}

/* M13 */
static void
place_add(struct model *m, const struct change *c, const char *made)
{
	int at = m->w.place_count++;
	struct place *p = &m->w.places[at];

	assert(at < ACCOUNTS_MAX);
	memset(p, 0, sizeof(*p));
	name_set(p->id, made);
	name_set(p->parent, c->parent);
	name_set(p->kind, "shared");
	name_set(p->level, c->level);
	name_set(p->status, "active");
	name_set(p->owner, c->who);
	name_set(m->place_names[at], c->word);
}

static void
place_drop(struct model *m, const char *id)
{
	int at = (int)(place_own(m, id) - m->w.places);
	int last = --m->w.place_count;

	for (int g = m->w.gift_count - 1; g >= 0; g--)
		if (same(m->w.gifts[g].on, id))
			gift_drop(m, g);
	if (at == last)
		return;
	m->w.places[at] = m->w.places[last];
	name_set(m->place_names[at], m->place_names[last]);
}

static void
place_change(struct model *m, const struct change *c)
{
	struct place *p = place_own(m, c->on);

	if (c->kind == CHANGE_ACCOUNT_RENAME)
		name_set(m->place_names[p - m->w.places], c->word);
	else if (c->kind == CHANGE_ACCOUNT_STATUS)
		name_set(p->status, c->word);
	else if (c->kind == CHANGE_ACCOUNT_OWNER)
		name_set(p->owner, c->whom);
	else
		name_set(p->parent, c->parent);
}

void
rights_make(struct model *m, const struct change *c, const char *made)
{
	switch (c->kind) {
	case CHANGE_GRANT_ADD:
		gift_give(m, c);
		return;
	case CHANGE_GRANT_SET:
		gift_take(m, c);
		gift_give(m, c);
		return;
	case CHANGE_GRANT_REMOVE:
		gift_take(m, c);
		return;
	case CHANGE_ACCOUNT_ADD:
		place_add(m, c, made);
		return;
	case CHANGE_ACCOUNT_RENAME:
	case CHANGE_ACCOUNT_STATUS:
	case CHANGE_ACCOUNT_OWNER:
	case CHANGE_ACCOUNT_MOVE:
		place_change(m, c);
		return;
	case CHANGE_ACCOUNT_REMOVE:
		place_drop(m, c->on);
		return;
	case CHANGE_MEMBER_NAME:
		name_set(
		    m->person_names[person_named(&m->w, c->whom)], c->word);
		return;
	case CHANGE_MEMBER_STATUS: /* only where it is that already */
	case CHANGES:
		return;
	}
}
