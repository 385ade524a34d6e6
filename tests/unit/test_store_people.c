/* What the store keeps of people and programs beside the state: attempts,
 * answers, pages; and that a store of the first schema comes along. */
#include "base/bounds.h"
#include "store/credential.h"
#include "store/list.h"
#include "store/schema.h"
#include "store_kit.h"

/* --- Attempts and answers ------------------------------------------------- */

static struct attempts
attempts_of(const char *key)
{
	struct attempts got;

	KIT_OK(store_attempts(kit.store, str_from(key), &got, &kit.err));
	return got;
}

START_TEST(attempts_are_counted_and_forgotten)
{
	ck_assert_int_eq(attempts_of("k").count, 0);
	kit_begin();
	KIT_OK(store_set_attempts(
	    kit.store, STR("k"), &(struct attempts){ 3, 100 }, &kit.err));
	KIT_OK(store_set_attempts(
	    kit.store, STR("k"), &(struct attempts){ 4, 100 }, &kit.err));
	KIT_OK(store_set_attempts(
	    kit.store, STR("other"), &(struct attempts){ 1, 200 }, &kit.err));
	kit_commit();
	ck_assert_int_eq(attempts_of("k").count, 4);
	ck_assert_int_eq(attempts_of("k").since_s, 100);
	kit_begin();
	KIT_OK(store_prune_attempts(kit.store, 200, &kit.err));
	kit_commit();
	ck_assert_int_eq(attempts_of("k").count, 0);
	ck_assert_int_eq(attempts_of("other").count, 1);
	kit_begin();
	KIT_OK(store_set_attempts(
	    kit.store, STR("other"), &(struct attempts){ 0 }, &kit.err));
	kit_commit();
	ck_assert_int_eq(attempts_of("other").count, 0);
}
END_TEST

START_TEST(an_answer_is_given_once)
{
	const struct answered first = {
		.key = STR("ann:1"),
		.digest = STR("d"),
		.status = 201,
		.body = STR("{}"),
		.at_s = 50,
	};
	struct answered got = { 0 };

	kit_begin();
	KIT_OK(store_put_answered(kit.store, &first, &kit.err));
	kit_commit();
	ck_assert_int_eq(
	    store_answered(kit.store, &kit.arena, STR("ann:1"), &got, &kit.err),
	    FOUND_YES);
	ck_assert_int_eq(got.status, 201);
	ck_assert(str_eq(got.digest, STR("d")) && str_eq(got.body, STR("{}")));
	ck_assert_int_eq(
	    store_answered(kit.store, &kit.arena, STR("bob:1"), &got, &kit.err),
	    FOUND_NO);
	kit_begin();
	ck_assert(!store_put_answered(kit.store, &first, &kit.err));
	store_rollback(kit.store);
	kit.err = (struct err){ 0 };
	kit_begin();
	KIT_OK(store_prune_answered(kit.store, 51, &kit.err));
	kit_commit();
	ck_assert_int_eq(
	    store_answered(kit.store, &kit.arena, STR("ann:1"), &got, &kit.err),
	    FOUND_NO);
}
END_TEST

/* --- Pages ---------------------------------------------------------------- */

static size_t
page_of(const char *account, const char *after, const char *find, size_t max,
    struct member **out)
{
	const struct page page = { str_from(after), str_from(find), max };
	size_t count = 0;

	KIT_OK(store_list_members(kit.store, &kit.arena, str_from(account),
	    &page, out, &count, &kit.err));
	return count;
}

/* Whoever reads page by page sees each once, in order, few or many. */
START_TEST(pages_are_the_whole)
{
	const int members = _i == 0 ? 30 : 2100; /* sparse and dense */
	struct member *list = NULL;
	char after[32] = "";
	int seen = 0;
	size_t count;

	kit_begin();
	kit_account("a", "", "");
	for (int i = 0; i < members; i++) {
		char name[32];

		snprintf(name, sizeof(name), "M%05d", i);
		kit_member(name);
		if (i % 10 != 3)
			kit_grant(name, "a", "viewer", "local");
	}
	kit_member("zowner");
	kit_account("a", "", "zowner");
	kit_commit();
	while ((count = page_of("a", after, "", 7, &list)) > 0) {
		for (size_t i = 0; i < count; i++, seen++) {
			struct str key = str_fold(&kit.arena, list[i].username);

			ck_assert_int_gt(str_cmp(key, str_from(after)), 0);
			snprintf(after, sizeof(after), "%.*s", STR_ARGS(key));
		}
	}
	ck_assert_int_eq(seen, members - members / 10 + 1);
	ck_assert_uint_eq(page_of("a", "", "OWNER", 7, &list), 1);
	ck_assert_uint_eq(page_of("a", "", "%", 7, &list), 0);
	ck_assert_uint_eq(page_of("a", "", "m00003", 7, &list), 0);
	ck_assert_uint_eq(page_of("", "", "m00003", 7, &list), 1);
	ck_assert_uint_eq(page_of("nowhere", "", "", 7, &list), 0);
}
END_TEST

static size_t
accounts_of(const char *below, const char *member_id, int64_t now_s)
{
	const struct page page = { .max = 99 };
	const struct account **list = NULL;
	size_t count = 0;

	KIT_OK(store_list_accounts(kit.store, &kit.arena, str_from(below),
	    str_from(member_id), now_s, &page, &list, &count, &kit.err));
	for (size_t i = 0; i + 1 < count; i++)
		ck_assert_int_lt(str_cmp(list[i]->id, list[i + 1]->id), 0);
	return count;
}

START_TEST(accounts_are_those_that_are_reached)
{
	struct member ann = { 0 };
	struct member bob = { 0 };

	kit_begin();
	kit_member("ann");
	kit_member("bob");
	kit_account("root", "", "ann");
	kit_account("mid", "root", "");
	kit_account("low", "mid", "");
	kit_account("far", "", "");
	kit_grant("bob", "mid", "viewer", "local");
	kit_commit();
	kit_sql("UPDATE grants SET expires_s = 100");
	ck_assert(store_member(kit.store, &kit.arena, STR("ann"), &ann,
		      &kit.err) == FOUND_YES);
	ck_assert(store_member(kit.store, &kit.arena, STR("bob"), &bob,
		      &kit.err) == FOUND_YES);
	ck_assert_uint_eq(accounts_of("", "", 1), 4);
	ck_assert_uint_eq(accounts_of("mid", "", 1), 2);
	ck_assert_uint_eq(accounts_of("", ann.id.ptr, 1), 3);
	ck_assert_uint_eq(accounts_of("", bob.id.ptr, 99), 2);
	ck_assert_uint_eq(accounts_of("low", bob.id.ptr, 99), 1);
	ck_assert_uint_eq(accounts_of("far", bob.id.ptr, 99), 0);
	ck_assert_uint_eq(accounts_of("", bob.id.ptr, 100), 0);
}
END_TEST

/* --- The first schema ----------------------------------------------------- */

/* What schema 1 wrote stays, its chain of history too, and can be found. */
START_TEST(D3_a_store_of_the_first_schema_comes_along)
{
	struct member *list = NULL;
	int64_t rows = 0;
	int64_t broken = 0;

	kit_begin();
	kit_member("Ann");
	kit_history("grant.add", "Ann on a");
	kit_commit();
	/* Back to what the first schema had: no column, table or index of those
	 * behind it. */
	kit_sql("DROP INDEX history_by_account");
	kit_sql("DROP INDEX history_by_member");
	kit_sql("DROP INDEX history_by_subject");
	kit_sql("DROP INDEX history_by_time");
	kit_sql("DROP INDEX members_by_email");
	kit_sql("DROP INDEX grants_by_role");
	kit_sql("ALTER TABLE members DROP COLUMN phone");
	kit_sql("ALTER TABLE members DROP COLUMN find_key");
	kit_sql("ALTER TABLE sessions DROP COLUMN ends_s");
	kit_sql("ALTER TABLE sessions DROP COLUMN idle_s");
	kit_sql("ALTER TABLE history DROP COLUMN account_id");
	kit_sql("ALTER TABLE history DROP COLUMN member_id");
	for (const char *const *t = (const char *const[]){ "history_floor",
		 "invitations", "api_tokens", "notices", "mail_switches",
		 "mails", "job_rows", "jobs", "passwords", "attempts",
		 "answered", "catalogue_texts", NULL };
	     *t != NULL; t++)
		kit_sql("DROP TABLE %s", *t);
	kit_sql("UPDATE schema_version SET version = 1");
	kit_close();
	KIT_FAILS(store_open(&kit.store, kit.path, STORE_READ, &kit.err),
	    "store_older");
	kit_open(STORE_WRITE);
	ck_assert_int_eq(kit_sql_number("SELECT version FROM schema_version"),
	    (int64_t)SCHEMA_STEP_COUNT);
	KIT_OK(store_history_verify(kit.store, &rows, &broken, &kit.err));
	ck_assert_int_eq(broken, 0);
	ck_assert_int_gt(rows, 0);
	ck_assert_uint_eq(page_of("", "", "ANN", 9, &list), 1);
	ck_assert(str_eq(list[0].username, STR("Ann")));
	ck_assert_uint_eq(list[0].phone.len, 0);
}
END_TEST

static void
store_people_tests(TCase *t)
{
	kit_tests(t);
	tcase_add_test(t, attempts_are_counted_and_forgotten);
	tcase_add_test(t, an_answer_is_given_once);
	tcase_add_loop_test(t, pages_are_the_whole, 0, 2);
	tcase_add_test(t, accounts_are_those_that_are_reached);
	tcase_add_test(t, D3_a_store_of_the_first_schema_comes_along);
}

UNIT_MAIN("store_people", store_people_tests)
