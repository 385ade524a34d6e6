/* test_property.c - decide() against a second implementation.
 *
 * Random worlds are made as plain C strings (world.c). oracle.c answers from
 * those strings alone; decide() answers from the model that is built here out
 * of the same strings. Verdict, reason, filters, the deciding holding and the
 * explanation must agree, for CASES cases a run.
 *
 * ROLEGATE_SEED=N repeats a run; ROLEGATE_WORLD=N looks at one world of it. */
#include "unit.h"
#include "world.h"

#include <stdio.h>
#include <time.h>

#include "decide/decide.h"
#include "model/state.h"

enum {
	CASES = 240000,
	CASES_PER_WORLD = 60,
	EACH_REASON_MIN = 150,
};

/* --- The same world as the model ------------------------------------------ */

static struct str
str_of(const char *word)
{
	return str_from(word);
}

static struct names
names_of(struct arena *arena, const struct words *words)
{
	struct str *items =
	    ARENA_ARRAY(arena, struct str, (size_t)words->count + 1);

	ck_assert_ptr_nonnull(items);
	for (int i = 0; i < words->count; i++)
		items[i] = str_of(words->at[i]);
	return (struct names){ items, (size_t)words->count };
}

static int
role_place(const struct matrix *m, const char *role)
{
	for (int i = 0; i < m->roles.count; i++)
		if (same(m->roles.at[i], role))
			return i;
	return -1;
}

static int
permission_order(const void *a, const void *b)
{
	return str_cmp(((const struct permission *)a)->name,
	    ((const struct permission *)b)->name);
}

static const struct catalogue *
catalogue_of(struct arena *arena, const struct matrix *m)
{
	struct catalogue *c = ARENA_NEW(arena, struct catalogue);
	struct role *roles =
	    ARENA_ARRAY(arena, struct role, (size_t)m->roles.count + 1);
	struct permission *rows =
	    ARENA_ARRAY(arena, struct permission, (size_t)m->row_count + 1);

	ck_assert(c != NULL && roles != NULL && rows != NULL);
	for (int i = 0; i < m->roles.count; i++) {
		roles[i].name = str_of(m->roles.at[i]);
		roles[i].filtered = same(m->roles.at[i], m->filtered);
		if (roles[i].filtered)
			roles[i].filtered_level = str_of(m->filtered_level);
	}
	for (int i = 0; i < m->row_count; i++) {
		const struct row *row = &m->rows[i];

		rows[i].name = str_of(row->name);
		rows[i].label = rows[i].name;
		if (!same(row->level, "any"))
			rows[i].level = str_of(row->level);
		rows[i].need = row->free		 ? LICENCE_FREE
			       : row->licences.count > 0 ? LICENCE_SET
							 : LICENCE_ANY;
		rows[i].licences = names_of(arena, &row->licences);
		for (int r = 0; r < m->roles.count; r++)
			if (words_hold(&row->roles, m->roles.at[r]))
				rows[i].roles |= UINT64_C(1) << r;
	}
	if (m->row_count > 0)
		qsort(rows, (size_t)m->row_count, sizeof(*rows),
		    permission_order);
	*c = (struct catalogue){ .name = str_of(m->name),
		.roles = roles,
		.role_count = (size_t)m->roles.count,
		.permissions = rows,
		.permission_count = (size_t)m->row_count,
		.top = role_place(m, m->top) };
	c->act_on_behalf = catalogue_permission(c, str_of(m->act));
	return c;
}

static int
grant_order(const void *a, const void *b)
{
	return grant_cmp(a, b);
}

static void
member_of(
    struct arena *arena, const struct world *w, int person, struct member *out)
{
	const struct person *p = &w->people[person];
	struct grant *grants =
	    ARENA_ARRAY(arena, struct grant, (size_t)w->gift_count + 1);
	size_t count = 0;

	ck_assert_ptr_nonnull(grants);
	for (int i = 0; i < w->gift_count; i++) {
		const struct gift *g = &w->gifts[i];

		if (g->to == person)
			grants[count++] = (struct grant){
				.account = str_of(g->on),
				.role = str_of(g->role),
				.source = str_of(g->source),
				.licences = names_of(arena, &g->licences),
				.filters = names_of(arena, &g->filters),
				.expires_s = g->expires,
			};
	}
	if (count > 0)
		qsort(grants, count, sizeof(*grants), grant_order);
	*out = (struct member){ .username = str_of(p->username),
		.status = member_status_from(str_of(p->status)),
		.grants = grants,
		.grant_count = count };
}

static void
state_of(struct arena *arena, const struct world *w,
    const struct catalogue *const fixed[MATRICES], struct state *out)
{
	const struct catalogue **catalogues =
	    ARENA_ARRAY(arena, const struct catalogue *, MATRICES);
	struct err err = { 0 };

	memset(out, 0, sizeof(*out));
	out->members = ARENA_ARRAY(arena, struct member, MEMBERS_MAX);
	out->accounts = ARENA_ARRAY(arena, struct account, ACCOUNTS_MAX);
	ck_assert(catalogues != NULL && out->members != NULL &&
		  out->accounts != NULL);
	for (int i = 0; i < MATRICES; i++)
		catalogues[i] = fixed[i] != NULL
				    ? fixed[i]
				    : catalogue_of(arena, &w->matrices[i]);
	out->catalogues = (struct catalogues){ catalogues, MATRICES };
	for (int i = 0; i < w->person_count; i++)
		member_of(arena, w, i, &out->members[out->member_count++]);
	for (int i = 0; i < w->place_count; i++) {
		const struct place *p = &w->places[i];

		out->accounts[out->account_count++] = (struct account){
			.id = str_of(p->id),
			.name = str_of(p->id),
			.parent_id = str_of(p->parent),
			.kind = account_kind_from(str_of(p->kind)),
			.level = str_of(p->level),
			.catalogue = str_of(p->catalogue),
			.licences = names_of(arena, &p->licences),
			.status = account_status_from(str_of(p->status)),
			.owner = str_of(p->owner),
		};
	}
	ck_assert_msg(state_index(out, arena, &err), "%s", err.text);
}

/* --- The comparison ------------------------------------------------------- */

static bool
filters_agree(const struct names *got, const struct words *want)
{
	if (got->count != (size_t)want->count)
		return false;
	for (int i = 0; i < want->count; i++)
		if (!str_eq(got->items[i], str_of(want->at[i])))
			return false;
	return true;
}

/* Does the holding that decide() names stand among the oracle's? */
static bool
holding_agrees(const struct holding *by, const struct list *standing)
{
	if (standing->count == 0)
		return by->where == NULL && by->grant == NULL;
	if (by->where == NULL)
		return false;
	for (int i = 0; i < standing->count; i++) {
		const struct held *h = &standing->items[i];

		if (!str_eq(by->where->id, str_of(h->at->id)) ||
		    (by->grant == NULL) != (h->gift == NULL))
			continue;
		if (h->gift == NULL ||
		    (str_eq(by->grant->role, str_of(h->gift->role)) &&
			str_eq(by->grant->source, str_of(h->gift->source))))
			return true;
	}
	return false;
}

/* explain shows every holding with the step at which it falls; the furthest
 * of them is the decision's reason. */
static bool
explanation_agrees(const struct question *q, const struct decision *d,
    const struct answer *want, struct arena *arena)
{
	struct holding *found = NULL;
	size_t count = holdings_find(q, arena, &found);
	enum reason furthest = REASON_NOT_KNOWN;

	if (count != (size_t)want->holdings)
		return false;
	for (size_t i = 0; i < count; i++) {
		enum reason r = holding_judge(q, &found[i]);

		furthest = r > furthest ? r : furthest;
	}
	return count == 0 || furthest == d->reason;
}

struct tally {
	int count[REASON_COUNT];
};

static bool
case_agrees(const struct world *w, const struct state *state,
    const struct ask *ask, struct arena *arena, struct tally *tally)
{
	static struct answer want;
	struct question q = {
		.member = state_member(state, str_of(ask->who)),
		.account = state_account(state, str_of(ask->where)),
		.permission = str_of(ask->what),
		.now_s = WORLD_NOW,
	};
	struct decision got;

	if (q.account != NULL)
		q.catalogue = state_catalogue(state, q.account);
	got = decide(&q, arena);
	oracle(w, ask, &want);
	ck_assert(got.reason < REASON_COUNT);
	tally->count[got.reason]++;
	if (same(verdict_word(got.verdict), want.verdict) &&
	    same(reason_word(got.reason), want.reason) &&
	    filters_agree(&got.filters, &want.filters) &&
	    holding_agrees(&got.by, &want.standing) &&
	    (want.holdings == 0 || explanation_agrees(&q, &got, &want, arena)))
		return true;

	printf("may '%s' do '%s' on '%s'?\n", ask->who, ask->what, ask->where);
	world_print(w, ask);
	printf("decide(): %s %s by %.*s on %.*s\n", verdict_word(got.verdict),
	    reason_word(got.reason),
	    STR_ARGS(
		got.by.grant != NULL ? got.by.grant->role : STR("(owner)")),
	    STR_ARGS(got.by.where != NULL ? got.by.where->id : STR("-")));
	printf("oracle: %s %s, %d holdings, %d standing", want.verdict,
	    want.reason, want.holdings, want.standing.count);
	words_print("filters", &want.filters);
	printf("\n");
	return false;
}

static uint64_t
number_from(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);

	return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void
catalogues_fixed(struct arena *arena, const struct catalogue *fixed[MATRICES])
{
	struct faults faults = { 0 };
	struct catalogues read = { 0 };

	if (!catalogues_load(arena, STR("catalogs"), &read, &faults))
		faults_print(&faults, stdout);
	fixed[0] = catalogues_find(&read, STR("call-tracking"));
	fixed[1] = catalogues_find(&read, STR("performance-marketing"));
	fixed[2] = NULL;
	ck_assert_ptr_nonnull(fixed[0]);
	ck_assert_ptr_nonnull(fixed[1]);
	faults_free(&faults);
}

/* Every reason of steps 1 to 7 has to have been met, else the worlds are too
 * tame to prove anything. */
static void
tally_check(const struct tally *tally)
{
	for (int r = REASON_NO_MEMBER; r <= REASON_GRANTED; r++)
		ck_assert_msg(tally->count[r] >= EACH_REASON_MIN,
		    "only %d cases ended in %s", tally->count[r],
		    reason_word((enum reason)r));
}

START_TEST(decide_says_what_the_page_says)
{
	static struct world world;
	static struct matrix fixed[MATRICES];
	const struct catalogue *catalogues[MATRICES];
	uint64_t seed = number_from("ROLEGATE_SEED", (uint64_t)time(NULL));
	uint64_t only = number_from("ROLEGATE_WORLD", UINT64_MAX);
	struct arena lasting = { 0 }, arena = { 0 };
	struct tally tally = { 0 };

	printf("property: seed %llu, %d cases\n", (unsigned long long)seed,
	    (int)CASES);
	matrices_read(fixed);
	catalogues_fixed(&lasting, catalogues);
	for (uint64_t n = 0; n < CASES / CASES_PER_WORLD; n++) {
		struct state state;

		if (only != UINT64_MAX && n != only)
			continue;
		world_seed(seed * 0x2545f4914f6cdd1du + n);
		world_invent(&world, fixed);
		state_of(&arena, &world, catalogues, &state);
		for (int i = 0; i < CASES_PER_WORLD; i++) {
			struct ask ask;

			ask_invent(&world, &ask);
			ck_assert_msg(
			    case_agrees(&world, &state, &ask, &arena, &tally),
			    "repeat by ROLEGATE_SEED=%llu ROLEGATE_WORLD=%llu",
			    (unsigned long long)seed, (unsigned long long)n);
		}
		arena_reset(&arena);
	}
	if (only == UINT64_MAX)
		tally_check(&tally);
	arena_free(&arena);
	arena_free(&lasting);
}
END_TEST

static void
property_tests(TCase *t)
{
	tcase_add_test(t, decide_says_what_the_page_says);
}

UNIT_MAIN("property", property_tests)
