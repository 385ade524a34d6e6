/* Who may do what to whom: grantor role x target role x operation, over both
 * catalogues. What is wanted comes out of the CSV and YAML files by the reader
 * of rights_oracle.c; what is got, out of src/admin/. P2: performance
 * marketing; P3: call tracking. One row of a table is one test. */
#include <stdio.h>

#include "admin_kit.h"
#include "rights_oracle.h"
#include "world.h"

static struct arena catalogue_arena;
static struct catalogues both;
static struct matrix matrices[MATRICES];
static struct law laws[LAWS];
static struct model model;
static int allowed;
static int cells;

/* --- The world: somebody with a role, somebody else with one -------------- */

static void
place_put(const char *id, const char *parent, const char *level, int catalogue)
{
	struct place *p = &model.w.places[model.w.place_count];

	memset(p, 0, sizeof(*p));
	name_set(p->id, id);
	name_set(p->parent, parent);
	name_set(p->kind, "shared");
	name_set(p->level, level);
	name_set(p->status, "active");
	if (*parent == '\0')
		name_set(p->catalogue, matrices[catalogue].name);
	name_set(model.place_names[model.w.place_count++], id);
}

static void
gift_put(int to, const char *on, const char *role, int catalogue)
{
	struct gift *g = &model.w.gifts[model.w.gift_count++];

	memset(g, 0, sizeof(*g));
	g->to = to;
	name_set(g->on, on);
	name_set(g->role, role);
	name_set(g->source, "local");
	if (same(role, matrices[catalogue].filtered))
		words_add(&g->filters, "site=1");
}

static const char *const people[] = { "asker", "other", "stranger", "top" };

/* The one at the top is always there, so that M7 is not what refuses. */
static void
model_make(int catalogue, const char *asker, const char *other, const char *on)
{
	bool tiers = catalogue == 1;

	memset(&model, 0, sizeof(model));
	memcpy(model.w.matrices, matrices, sizeof(matrices));
	model.laws = laws;
	for (int i = 0; i < 4; i++) {
		name_set(model.w.people[i].username, people[i]);
		name_set(model.w.people[i].status, "active");
		name_set(model.person_names[i], people[i]);
	}
	model.w.person_count = 4;
	place_put("root", "", tiers ? "network" : "account", catalogue);
	place_put("low", "root", tiers ? "profile" : "account", catalogue);
	place_put("deep", "low", tiers ? "publisher" : "account", catalogue);
	gift_put(0, "root", asker, catalogue);
	gift_put(1, on, other, catalogue);
	gift_put(3, "root", matrices[catalogue].top, catalogue);
}

static void
model_load(int catalogue)
{
	struct str text = STR("");
	struct load_counts counts;
	struct state state;

	for (int i = 0; i < 4; i++)
		text = str_fmt(&kit.arena,
		    "%.*s{'type':'member','username':'%s','name':'%s'}\n",
		    STR_ARGS(text), people[i], people[i]);
	for (int i = 0; i < model.w.place_count; i++) {
		const struct place *p = &model.w.places[i];

		text = str_fmt(&kit.arena,
		    "%.*s{'type':'account','id':'%s','name':'%s','level':'%s',"
		    "'%s':'%s'}\n",
		    STR_ARGS(text), p->id, p->id, p->level,
		    i == 0 ? "catalogue" : "parent",
		    i == 0 ? matrices[catalogue].name : p->parent);
	}
	for (int i = 0; i < model.w.gift_count; i++) {
		const struct gift *g = &model.w.gifts[i];

		text = str_fmt(&kit.arena,
		    "%.*s{'type':'grant','member':'%s','account':'%s',"
		    "'role':'%s'%s}\n",
		    STR_ARGS(text), people[g->to], g->on, g->role,
		    g->filters.count > 0 ? ",'filter':['site=1']" : "");
	}
	state = admin_state(text.ptr);
	state.catalogues = both;
	KIT_OK(admin_begin(
	    &admin, kit.store, &both, &AS_SYSTEM, NOW_S * 1000, &kit.err));
	KIT_OK(admin_load(&admin, &state, &counts, &kit.err));
	admin_done();
}

/* --- One cell --------------------------------------------------------------- */

/* The change as words of admin_kit.h. */
static struct str
change_words(const struct change *c)
{
	const char *filter =
	    c->gift.filters.count > 0 ? " filter=site=1" : "";

	switch (c->kind) {
	case CHANGE_GRANT_ADD:
	case CHANGE_GRANT_SET:
	case CHANGE_GRANT_REMOVE:
		return str_fmt(&kit.arena, "grant %s %s %s on=%s%s",
		    c->kind == CHANGE_GRANT_ADD	  ? "add"
		    : c->kind == CHANGE_GRANT_SET ? "set"
						  : "remove",
		    c->whom, c->gift.role, c->on, filter);
	case CHANGE_ACCOUNT_ADD:
		return str_fmt(&kit.arena, "account add parent=%s level=%s",
		    c->parent, c->level);
	case CHANGE_ACCOUNT_RENAME:
		return str_fmt(
		    &kit.arena, "account edit %s name=%s", c->on, c->word);
	case CHANGE_ACCOUNT_STATUS:
		return str_fmt(
		    &kit.arena, "account edit %s status=%s", c->on, c->word);
	case CHANGE_ACCOUNT_REMOVE:
		return str_fmt(&kit.arena, "account remove %s", c->on);
	case CHANGE_ACCOUNT_OWNER:
	case CHANGE_ACCOUNT_MOVE:
	case CHANGE_MEMBER_NAME:
	case CHANGE_MEMBER_STATUS:
	case CHANGES:
		break;
	}
	ck_abort_msg("kind %d has no words", (int)c->kind);
	return STR("");
}

static void
cell_check(int catalogue, const char *asker, const char *other,
    const struct change *c)
{
	const struct actor actor = {
		.kind = ACTOR_MEMBER,
		.username = str_from(c->who),
	};
	enum ruling want = rights_judge(&model, c);
	enum ruling got;
	bool ok;

	KIT_OK(admin_begin(
	    &admin, kit.store, &both, &actor, NOW_S * 1000, &kit.err));
	ok = admin_do(change_words(c).ptr);
	admin_abort(&admin);
	got = ok ? RULING_YES
	      : kit.err.kind == ERR_NOT_FOUND ? RULING_NOT_FOUND
					      : RULING_REFUSED;
	ck_assert_msg(got == want,
	    "%s: %s, with %s there: %.*s: is %d, wanted %d: %s",
	    matrices[catalogue].name, asker, other, STR_ARGS(change_words(c)),
	    (int)got, (int)want, kit.err.text);
	kit.err = (struct err){ 0 };
	allowed += ok;
	cells++;
}

static struct change
change_of(enum change_kind kind, const char *whom, const char *on,
    const char *role, int catalogue)
{
	struct change c;

	memset(&c, 0, sizeof(c));
	c.kind = kind;
	name_set(c.who, "asker");
	name_set(c.whom, whom);
	name_set(c.on, on);
	name_set(c.parent, on);
	name_set(c.level, catalogue == 1 ? "profile" : "account");
	name_set(c.word,
	    kind == CHANGE_ACCOUNT_STATUS ? "suspended" : "renamed");
	name_set(c.gift.role, role);
	name_set(c.gift.source, "local");
	if (same(role, matrices[catalogue].filtered))
		words_add(&c.gift.filters, "site=1");
	return c;
}

/* --- The tables ----------------------------------------------------------- */

static const char *const places[] = { "root", "low", "deep" };

/* Adding, changing into every role, removing: the other holds `other`. */
static void
people_check(
    int catalogue, const char *asker, const char *other, const char *on)
{
	const struct words *roles = &matrices[catalogue].roles;
	struct change c;

	model_make(catalogue, asker, other, on);
	model_load(catalogue);
	c = change_of(
	    CHANGE_GRANT_ADD, "stranger", on, other, catalogue);
	cell_check(catalogue, asker, other, &c);
	c = change_of(CHANGE_GRANT_REMOVE, "other", on, other, catalogue);
	c.gift.filters.count = 0;
	cell_check(catalogue, asker, other, &c);
	for (int i = 0; i < roles->count; i++) {
		c = change_of(CHANGE_GRANT_SET, "other", on, roles->at[i],
		    catalogue);
		cell_check(catalogue, asker, other, &c);
	}
}

static void
accounts_check(int catalogue, const char *asker, const char *on)
{
	static const enum change_kind kinds[] = { CHANGE_ACCOUNT_ADD,
		CHANGE_ACCOUNT_RENAME, CHANGE_ACCOUNT_REMOVE,
		CHANGE_ACCOUNT_STATUS };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct change c =
		    change_of(kinds[i], "other", on, "", catalogue);

		cell_check(catalogue, asker, "nothing", &c);
	}
}

static void
table_check(int catalogue, int asker)
{
	const struct words *roles = &matrices[catalogue].roles;
	const char *role = roles->at[asker];

	for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++) {
		for (int other = 0; other < roles->count; other++)
			people_check(
			    catalogue, role, roles->at[other], places[p]);
		accounts_check(catalogue, role, places[p]);
	}
	ck_assert_int_eq(cells, 3 * (6 * 8 + 4));
	/* Somebody may do most, and most may do nothing. */
	ck_assert_int_eq(allowed > 0,
	    words_hold(&laws[catalogue].givers, role));
}

START_TEST(p3_call_tracking)
{
	table_check(0, _i);
}
END_TEST

START_TEST(p2_performance_marketing)
{
	table_check(1, _i);
}
END_TEST

/* The reader of the tests found what stands there. */
START_TEST(p2_p3_the_law_is_read)
{
	ck_assert_int_eq(laws[0].need_count, 15);
	ck_assert_int_eq(laws[0].givers.count, 1);
	ck_assert_int_eq(laws[0].gives[0].count, 6);
	ck_assert_int_eq(laws[1].need_count, 3 * 6 + 12);
	ck_assert_int_eq(laws[1].givers.count, 2);
	ck_assert_int_eq(laws[1].gives[0].count, 5);
	ck_assert_int_eq(laws[1].gives[1].count, 6);
}
END_TEST

static void
matrix_tests(TCase *t)
{
	struct faults faults = { 0 };

	matrices_read(matrices);
	laws_read(laws);
	if (!catalogues_load(
		&catalogue_arena, STR("catalogs"), &both, &faults))
		abort();
	kit_tests(t);
	tcase_add_test(t, p2_p3_the_law_is_read);
	tcase_add_loop_test(t, p3_call_tracking, 0, matrices[0].roles.count);
	tcase_add_loop_test(
	    t, p2_performance_marketing, 0, matrices[1].roles.count);
}

UNIT_MAIN("rights_matrix", matrix_tests)
