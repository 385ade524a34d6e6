#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

/* --- Chance --------------------------------------------------------------- */

static uint64_t chance_state;

/* splitmix64 */
static uint64_t
chance(void)
{
	uint64_t z = (chance_state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

void
world_seed(uint64_t seed)
{
	chance_state = seed;
}

static int
below(int n)
{
	return (int)(chance() % (uint64_t)n);
}

static bool
percent(int n)
{
	return below(100) < n;
}

static const char *
one_of(const char *const *words)
{
	int count = 0;

	while (words[count] != NULL)
		count++;
	return words[below(count)];
}

static void
words_some(struct words *words, const char *const *from, int per_cent)
{
	for (int i = 0; from[i] != NULL; i++)
		if (percent(per_cent))
			words_add(words, from[i]);
}

static const char *const LEVEL_WORDS[] = { "account", "network", "profile",
	"publisher", NULL };
static const char *const LICENCE_WORDS[] = { "contact_center", "marketing",
	"voice", NULL };
static const char *const FILTER_WORDS[] = { "region=East", "region=West",
	"site=1", "agent=a;b", NULL };
static const char *const SOURCE_WORDS[] = { "local", "corp", "hq", NULL };
static const char *const USERNAMES[] = { "ann", "Bob", "cleo@example.org", "D",
	"\xc3\x84nne", "\xc3\xa4nne", "z z", NULL };
static const char *const ROW_NAMES[] = { "a.view", "a.view_all", "a.edit",
	"a.viewer", "view", "view.edit", "b.c.view", "act", "b", "c.use",
	"A.view", NULL };
static const char *const STRANGE_PERMISSIONS[] = { "x.view", "x.view_all",
	"x.edit", "calls.View", "", "view", "view_", ".view", "calls.view.",
	"members.viewed", "calls.view ", NULL };
static const char *const STRANGE_ROLES[] = { "", "ghost", "Manager", "owner",
	"full.editor", "super_user", "r1", NULL };

static void
swap_case(char *name)
{
	for (; *name != '\0'; name++) {
		if (!percent(50))
			continue;
		if (*name >= 'a' && *name <= 'z')
			*name = (char)(*name - 'a' + 'A');
		else if (*name >= 'A' && *name <= 'Z')
			*name = (char)(*name - 'A' + 'a');
	}
}

/* --- Matrices ------------------------------------------------------------- */

/* One field of a CSV line, quotes taken off; NULL at the end. */
static char *
csv_field(char **line)
{
	char *from = *line, *to, *start;
	bool quoted = from != NULL && *from == '"';

	if (from == NULL)
		return NULL;
	if (quoted)
		from++;
	start = to = from;
	for (; *from != '\0' && *from != '\n'; from++) {
		if (!quoted && *from == ',')
			break;
		if (quoted && *from == '"') {
			if (from[1] != '"') {
				from++;
				break;
			}
			from++;
		}
		*to++ = *from;
	}
	*line = *from == ',' ? from + 1 : NULL;
	*to = '\0';
	return start;
}

static void
licences_read(struct row *row, char *cell)
{
	row->free = same(cell, "none");
	if (row->free || same(cell, "any"))
		return;
	for (char *word = strtok(cell, " "); word != NULL;
	     word = strtok(NULL, " "))
		words_add(&row->licences, word);
}

static void
row_read(struct matrix *m, const struct words *columns, char *line)
{
	struct row *row = &m->rows[m->row_count++];
	char *cell;

	if (m->row_count > ROWS_MAX)
		abort();
	name_set(row->level, "any");
	for (int i = 0; (cell = csv_field(&line)) != NULL; i++) {
		const char *column = columns->at[i];

		if (same(column, "permission"))
			name_set(row->name, cell);
		else if (same(column, "level"))
			name_set(row->level, cell);
		else if (same(column, "licences"))
			licences_read(row, cell);
		else if (words_hold(&m->roles, column) && same(cell, "1"))
			words_add(&row->roles, column);
	}
}

/* The CSV alone: what stands in the YAML beside it is said by the caller. */
static void
matrix_read(struct matrix *m, const char *path)
{
	static const char *const others[] = { "permission", "label", "level",
		"licences", "source", "note", NULL };
	char line[1024];
	char *rest = line, *cell;
	struct words columns = { .count = 0 };
	FILE *in = fopen(path, "r");

	/* Also read before any test runs, so no ck_assert(). */
	if (in == NULL || fgets(line, sizeof(line), in) == NULL) {
		fprintf(stderr, "%s cannot be read\n", path);
		abort();
	}
	while ((cell = csv_field(&rest)) != NULL) {
		bool role = true;

		for (int i = 0; others[i] != NULL; i++)
			role = role && !same(others[i], cell);
		if (role)
			words_add(&m->roles, cell);
		name_set(columns.at[columns.count++], cell);
	}
	while (fgets(line, sizeof(line), in) != NULL)
		row_read(m, &columns, line);
	fclose(in);
}

static void
matrix_invent(struct matrix *m)
{
	int roles = 1 + below(5);

	memset(m, 0, sizeof(*m));
	name_set(m->name, "random");
	for (int i = 0; i < roles; i++) {
		char name[WORD_MAX] = "r0";

		name[1] = (char)('0' + i);
		words_add(&m->roles, name);
	}
	if (percent(85))
		name_set(m->top, m->roles.at[below(roles)]);
	if (percent(60)) {
		name_set(m->filtered, m->roles.at[below(roles)]);
		name_set(m->filtered_level, one_of(LEVEL_WORDS));
	}
	for (int i = 0; ROW_NAMES[i] != NULL; i++) {
		struct row *row = &m->rows[m->row_count];

		if (!percent(80))
			continue;
		m->row_count++;
		name_set(row->name, ROW_NAMES[i]);
		name_set(row->level, percent(50) ? "any" : one_of(LEVEL_WORDS));
		row->free = percent(15);
		if (!row->free && percent(40))
			words_some(&row->licences, LICENCE_WORDS, 40);
		for (int r = 0; r < roles; r++)
			if (percent(55))
				words_add(&row->roles, m->roles.at[r]);
	}
	if (m->row_count > 0 && percent(70))
		name_set(m->act, m->rows[below(m->row_count)].name);
}

void
matrices_read_from(struct matrix m[MATRICES], const char *folder)
{
	char path[512];

	memset(m, 0, MATRICES * sizeof(*m));
	name_set(m[0].name, "call-tracking");
	name_set(m[0].top, "full.editor");
	snprintf(path, sizeof(path), "%s/call-tracking-matrix.csv", folder);
	matrix_read(&m[0], path);
	name_set(m[1].name, "performance-marketing");
	name_set(m[1].top, "super_user");
	name_set(m[1].filtered, "filtered_reporting");
	name_set(m[1].filtered_level, "network");
	name_set(m[1].act, "accounts.act_on_behalf");
	snprintf(
	    path, sizeof(path), "%s/performance-marketing-ladder.csv", folder);
	matrix_read(&m[1], path);
}

void
matrices_read(struct matrix m[MATRICES])
{
	matrices_read_from(m, "catalogs");
}

/* --- Inventing a world ---------------------------------------------------- */

static const char *
a_status(void)
{
	int n = below(100);

	if (n < 84)
		return "active";
	if (n < 90)
		return "suspended";
	if (n < 95)
		return "archived";
	return n < 99 ? "closed" : "unheard of";
}

static void
owner_invent(const struct world *w, struct place *p)
{
	if (percent(5)) {
		name_set(p->owner, "nobody");
		return;
	}
	name_set(p->owner, w->people[below(w->person_count)].username);
	swap_case(p->owner);
}

static void
place_invent(struct world *w, bool chain)
{
	int n = w->place_count++;
	struct place *p = &w->places[n];
	bool root = n == 0 || (!chain && percent(25));

	snprintf(p->id, sizeof(p->id), "a%d", n);
	if (!root) {
		int up = chain || percent(30) ? n - 1 : below(n);

		name_set(p->parent, w->places[up].id);
	}
	name_set(p->kind, percent(8) ? "personal" : "shared");
	name_set(p->status, chain && percent(80) ? "active" : a_status());
	name_set(p->catalogue, w->matrices[below(MATRICES)].name);
	if (percent(4))
		name_set(p->catalogue, percent(50) ? "" : "nowhere");
	name_set(p->level, one_of(LEVEL_WORDS));
	if (root && percent(60))
		name_set(p->level, "network");
	else if (percent(40))
		name_set(p->level, percent(50) ? "profile" : "publisher");
	if (percent(root ? 60 : 20))
		words_some(&p->licences, LICENCE_WORDS, percent(50) ? 30 : 70);
	if (percent(30) || same(p->kind, "personal"))
		owner_invent(w, p);
}

/* Some trees do not end at a root: a parent that is not there, a cycle. */
static void
tree_break(struct world *w)
{
	struct place *p = &w->places[below(w->place_count)];

	if (percent(40))
		name_set(p->parent, "a999");
	else
		name_set(p->parent, w->places[below(w->place_count)].id);
}

static void
gift_invent(struct world *w)
{
	static const int64_t expiries[] = { 1, WORLD_NOW - 1, WORLD_NOW,
		WORLD_NOW + 1, WORLD_NOW + 86400, -1, INT64_MAX };
	struct gift g = { .to = below(w->person_count) };
	const struct matrix *m = &w->matrices[below(MATRICES)];
	int on = below(w->place_count);

	if (percent(50))
		on = below(on + 1); /* more of them near the roots */
	name_set(g.on, w->places[on].id);
	if (percent(3))
		name_set(g.on, "a999");
	if (percent(80)) { /* a role of the tree's own matrix */
		const struct place *path[LEVELS_MAX];
		int levels = path_up(w, g.on, path);
		const struct matrix *own =
		    levels > 0 ? matrix_named(w, path[levels - 1]->catalogue)
			       : NULL;

		m = own != NULL ? own : m;
	}
	name_set(g.role, m->roles.at[below(m->roles.count)]);
	if (percent(25) && !same(m->filtered, ""))
		name_set(g.role, m->filtered);
	if (percent(5))
		name_set(g.role, one_of(STRANGE_ROLES));
	name_set(g.source, one_of(SOURCE_WORDS));
	if (percent(45))
		words_some(&g.licences, LICENCE_WORDS, 45);
	if (percent(35))
		words_some(&g.filters, FILTER_WORDS, 40);
	if (percent(30))
		g.expires = expiries[below(7)];
	for (int i = 0; i < w->gift_count; i++) {
		const struct gift *o = &w->gifts[i];

		if (o->to == g.to && same(o->on, g.on) &&
		    same(o->role, g.role) && same(o->source, g.source))
			return; /* one row per source */
	}
	w->gifts[w->gift_count++] = g;
}

void
world_invent(struct world *w, const struct matrix fixed[MATRICES])
{
	bool chain = percent(12);
	int places = chain ? 14 + below(6) : 2 + below(8);
	int gifts = 3 + below(GRANTS_MAX - 3);

	memset(w, 0, sizeof(*w));
	memcpy(w->matrices, fixed, sizeof(w->matrices));
	matrix_invent(&w->matrices[MATRICES - 1]);
	for (int i = 0; USERNAMES[i] != NULL; i++) {
		struct person *p = &w->people[w->person_count];

		if (i > 0 && percent(25))
			continue;
		name_set(p->username, USERNAMES[i]);
		name_set(p->status, percent(93) ? "active" : "disabled");
		if (percent(2))
			name_set(p->status, percent(50) ? "invited" : "?");
		w->person_count++;
	}
	for (int i = 0; i < places; i++)
		place_invent(w, chain);
	if (percent(12))
		tree_break(w);
	for (int i = 0; i < gifts; i++)
		gift_invent(w);
}

void
ask_invent(const struct world *w, struct ask *ask)
{
	const struct place *path[LEVELS_MAX];
	const struct matrix *m = &w->matrices[below(MATRICES)];
	int levels;

	name_set(ask->who, w->people[below(w->person_count)].username);
	if (percent(30))
		swap_case(ask->who);
	if (percent(2))
		name_set(ask->who, percent(50) ? "" : "stranger");
	name_set(ask->where, w->places[below(w->place_count)].id);
	if (percent(2))
		name_set(ask->where, percent(50) ? "" : "A0");
	levels = path_up(w, ask->where, path);
	if (levels > 0 && percent(95)) {
		const struct matrix *own =
		    matrix_named(w, path[levels - 1]->catalogue);

		m = own != NULL ? own : m;
	}
	name_set(ask->what,
	    m->row_count > 0 ? m->rows[below(m->row_count)].name : "");
	if (percent(5))
		name_set(ask->what, one_of(STRANGE_PERMISSIONS));
}

/* --- Showing it ----------------------------------------------------------- */

void
words_print(const char *label, const struct words *words)
{
	printf(" %s[", label);
	for (int i = 0; i < words->count; i++)
		printf("%s%s", i > 0 ? " " : "", words->at[i]);
	printf("]");
}

static void
matrix_print(const struct matrix *m)
{
	printf("catalogue %s top=%s filtered=%s@%s act=%s\n", m->name, m->top,
	    m->filtered, m->filtered_level, m->act);
	for (int i = 0; i < m->row_count; i++) {
		printf("  %s level=%s%s", m->rows[i].name, m->rows[i].level,
		    m->rows[i].free ? " free" : "");
		words_print("licences", &m->rows[i].licences);
		words_print("roles", &m->rows[i].roles);
		printf("\n");
	}
}

void
world_print(const struct world *w, const struct ask *ask)
{
	int person = person_named(w, ask->who);
	const struct place *p = place_named(w, ask->where);

	for (int i = 0; p != NULL && i < LEVELS_MAX + 2; i++) {
		printf("account %s parent=%s %s level=%s status=%s "
		       "catalogue=%s owner=%s",
		    p->id, p->parent, p->kind, p->level, p->status,
		    p->catalogue, p->owner);
		words_print("licences", &p->licences);
		printf("\n");
		p = same(p->parent, "") ? NULL : place_named(w, p->parent);
	}
	for (int i = 0; i < w->gift_count; i++) {
		const struct gift *g = &w->gifts[i];

		if (g->to != person)
			continue;
		printf("grant %s %s source=%s expires=now%+lld", g->on, g->role,
		    g->source,
		    g->expires == 0 ? 0LL
				    : (long long)(g->expires - WORLD_NOW));
		words_print("licences", &g->licences);
		words_print("filters", &g->filters);
		printf("\n");
	}
	matrix_print(&w->matrices[MATRICES - 1]);
}
