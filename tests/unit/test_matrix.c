/* test_matrix.c - every cell of both matrices, read from the CSVs by a reader
 * of the tests' own, asked of decide() with the catalogues as they are loaded.
 * One cell is one test: requirements 74-112 and 113-149. */
#include "unit.h"
#include "world.h"

#include "decide/decide.h"

static struct matrix matrices[MATRICES];
static struct arena arena;
static struct catalogues catalogues;

static void
all_read(void)
{
	struct faults faults = { 0 };

	if (catalogues.count > 0)
		return;
	matrices_read(matrices);
	if (!catalogues_load(&arena, STR("catalogs"), &catalogues, &faults)) {
		faults_print(&faults, stdout);
		abort();
	}
	faults_free(&faults);
}

static int
cells_of(const struct matrix *m)
{
	return m->row_count * m->roles.count;
}

/* One account of the row's own level, one grant of the column's role on it;
 * a filtered role has its filter. */
static void
cell_check(const struct matrix *m, int cell)
{
	const struct row *row = &m->rows[cell / m->roles.count];
	const char *role = m->roles.at[cell % m->roles.count];
	bool filtered = same(role, m->filtered);
	const char *level = !same(row->level, "any")	    ? row->level
			    : same(m->filtered_level, "") ? "account"
							    : m->filtered_level;
	const struct str filter = STR("region=West");
	const struct account account = {
		.id = STR("a"),
		.kind = ACCOUNT_SHARED,
		.level = str_from(level),
		.catalogue = str_from(m->name),
		.status = ACCOUNT_ACTIVE,
	};
	const struct grant grant = {
		.account = STR("a"),
		.role = str_from(role),
		.source = STR("local"),
		.filters = { &filter, filtered ? 1 : 0 },
	};
	const struct member member = {
		.username = STR("ann"),
		.status = MEMBER_ACTIVE,
		.grants = &grant,
		.grant_count = 1,
	};
	const struct question q = {
		.catalogue = catalogues_find(&catalogues, str_from(m->name)),
		.member = &member,
		.account = &account,
		.permission = str_from(row->name),
		.now_s = WORLD_NOW,
	};
	struct arena scratch = { 0 };
	const struct decision got = decide(&q, &scratch);
	enum verdict want = !words_hold(&row->roles, role) ? VERDICT_DENY
			    : filtered			   ? VERDICT_ALLOW_FILTER
							   : VERDICT_ALLOW;

	ck_assert_ptr_nonnull(q.catalogue);
	ck_assert_msg(got.verdict == want, "%s: %s for %s is %s (%s), not %s",
	    m->name, row->name, role, verdict_word(got.verdict),
	    reason_word(got.reason), verdict_word(want));
	if (want == VERDICT_DENY)
		ck_assert_str_eq(reason_word(got.reason), "no_permission");
	arena_free(&scratch);
}

START_TEST(call_tracking_cell)
{
	cell_check(&matrices[0], _i);
}
END_TEST

START_TEST(performance_marketing_cell)
{
	cell_check(&matrices[1], _i);
}
END_TEST

START_TEST(the_counts_are_those_of_the_requirements)
{
	ck_assert_int_eq(matrices[0].row_count, 39);
	ck_assert_int_eq(matrices[1].row_count, 37);
	ck_assert_int_eq(cells_of(&matrices[0]), 234);
	ck_assert_int_eq(cells_of(&matrices[1]), 222);
}
END_TEST

static void
matrix_tests(TCase *t)
{
	all_read();
	tcase_add_test(t, the_counts_are_those_of_the_requirements);
	tcase_add_loop_test(
	    t, call_tracking_cell, 0, cells_of(&matrices[0]));
	tcase_add_loop_test(
	    t, performance_marketing_cell, 0, cells_of(&matrices[1]));
}

UNIT_MAIN("matrix", matrix_tests)
