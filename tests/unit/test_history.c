/* The history: numbered without a gap, chained by hashes, and what was altered
 * is found where it was altered (CASES D5). */
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>

#include "store_kit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const columns[] = { "actor", "on_behalf", "action",
	"subject", "before", "after", "why", "touches", "hash" };

static void
rows_add(int count)
{
	kit_begin();
	for (int i = 1; i <= count; i++) {
		char subject[32];

		snprintf(subject, sizeof(subject), "user%d on sales", i);
		kit_history(i % 3 == 0 ? "session.add" : "grant.add", subject);
	}
	kit_commit();
}

static int64_t
broken_at(int64_t *rows)
{
	int64_t broken = -1;

	KIT_OK(store_history_verify(kit.store, rows, &broken, &kit.err));
	return broken;
}

static struct history_row *
all(size_t *count)
{
	struct history_row *rows = NULL;

	KIT_OK(store_history(
	    kit.store, &kit.arena, 0, 100000, &rows, count, &kit.err));
	return rows;
}

/* --- What goes in comes out ----------------------------------------------- */

START_TEST(rows_come_out_in_order)
{
	struct history_row *rows = NULL;
	size_t count = 0;

	rows_add(5);
	KIT_OK(store_history(
	    kit.store, &kit.arena, 2, 2, &rows, &count, &kit.err));
	ck_assert_uint_eq(count, 2);
	ck_assert_int_eq(rows[0].seq, 3);
	ck_assert_int_eq(rows[1].seq, 4);
	ck_assert_int_eq(rows[0].at_ms, 1700000000123);
	ck_assert(str_eq(rows[0].actor, STR("system")));
	ck_assert(str_eq(rows[0].on_behalf, STR("")));
	ck_assert(str_eq(rows[0].action, STR("session.add")));
	ck_assert(str_eq(rows[0].subject, STR("user3 on sales")));
	ck_assert(str_eq(rows[0].before, STR("{\"status\":\"invited\"}")));
	ck_assert(str_eq(rows[0].after, STR("{\"status\":\"active\"}")));
	ck_assert(str_eq(rows[0].why, STR("a test")));
	ck_assert(str_eq(rows[0].touches, STR("member:id-ann\naccount:sales")));
	ck_assert_uint_eq(rows[0].hash.len, 64);
	KIT_OK(store_history(
	    kit.store, &kit.arena, 5, 2, &rows, &count, &kit.err));
	ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(newest_first_and_by_subject)
{
	struct history_row *rows = NULL;
	size_t count = 0;

	rows_add(25);
	KIT_OK(store_history_newest(
	    kit.store, &kit.arena, STR(""), 3, &rows, &count, &kit.err));
	ck_assert_uint_eq(count, 3);
	ck_assert_int_eq(rows[0].seq, 25);
	ck_assert_int_eq(rows[2].seq, 23);
	KIT_OK(store_history_newest(
	    kit.store, &kit.arena, STR("user2"), 4, &rows, &count, &kit.err));
	ck_assert_uint_eq(count, 4);
	ck_assert_int_eq(rows[0].seq, 25);
	ck_assert_int_eq(rows[3].seq, 22);
	KIT_OK(store_history_newest(kit.store, &kit.arena, STR("user2 on"), 9,
	    &rows, &count, &kit.err));
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(rows[0].seq, 2);
	/* Exactly, and nothing in it is a pattern. */
	KIT_OK(store_history_newest(
	    kit.store, &kit.arena, STR("USER2"), 9, &rows, &count, &kit.err));
	ck_assert_uint_eq(count, 0);
	KIT_OK(store_history_newest(
	    kit.store, &kit.arena, STR("%"), 9, &rows, &count, &kit.err));
	ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(generations_only_go_up)
{
	int64_t next = 0;
	int64_t any = -1;
	int64_t data = -1;

	KIT_OK(store_generation(kit.store, &any, &data, &kit.err));
	ck_assert_int_eq(any, 0);
	ck_assert_int_eq(data, 0);
	kit_begin();
	KIT_OK(store_next_generation(kit.store, &next, &kit.err));
	ck_assert_int_eq(next, 1);
	kit_history("member.add", "ann");
	kit_history("session.add", "ann");
	kit_history("sessions.x", "a name that only begins alike");
	kit_history("session.remove", "ann");
	KIT_OK(store_generation(kit.store, &any, &data, &kit.err));
	ck_assert_int_eq(any, 4);
	ck_assert_int_eq(data, 3);
	store_rollback(kit.store);
	KIT_OK(store_generation(kit.store, &any, &data, &kit.err));
	ck_assert_int_eq(any, 0);
	kit_begin();
	kit_history("session.add", "ann");
	kit_commit();
	KIT_OK(store_generation(kit.store, &any, &data, &kit.err));
	ck_assert_int_eq(any, 1);
	ck_assert_int_eq(data, 0);
	/* A number is not given again, even when its row was taken out. */
	kit_sql("DELETE FROM history");
	kit_begin();
	KIT_OK(store_next_generation(kit.store, &next, &kit.err));
	ck_assert_int_eq(next, 2);
}
END_TEST

START_TEST(undone_rows_leave_the_chain_whole)
{
	int64_t rows = 0;
	size_t count = 0;

	kit_begin();
	kit_history("a", "1");
	KIT_OK(store_savepoint(kit.store, &kit.err));
	kit_history("b", "2");
	kit_history("b", "3");
	store_undo(kit.store);
	kit_history("c", "2");
	kit_commit();
	ck_assert_int_eq(broken_at(&rows), 0);
	ck_assert_int_eq(rows, 2);
	ck_assert(str_eq(all(&count)[1].action, STR("c")));
}
END_TEST

/* --- The hash, made a second time as docs/store.md says ------------------- */

static size_t
put_number(unsigned char *to, uint64_t number)
{
	for (int i = 0; i < 8; i++)
		to[i] = (unsigned char)(number >> (8 * i) & 0xff);
	return 8;
}

static size_t
put_text(unsigned char *to, struct str text)
{
	memcpy(to + put_number(to, text.len), text.ptr, text.len);
	return 8 + text.len;
}

START_TEST(d5_hash_is_as_documented)
{
	struct str previous = STR("");
	struct history_row *rows;
	size_t count = 0;

	rows_add(4);
	rows = all(&count);
	ck_assert_uint_eq(count, 4);
	for (size_t i = 0; i < count; i++) {
		const struct str texts[] = { rows[i].actor, rows[i].on_behalf,
			rows[i].action, rows[i].subject, rows[i].before,
			rows[i].after, rows[i].why, rows[i].touches };
		unsigned char bytes[2048];
		unsigned char hash[32];
		char hex[65];
		size_t len = put_text(bytes, previous);

		len += put_number(bytes + len, (uint64_t)rows[i].seq);
		len += put_number(bytes + len, (uint64_t)rows[i].at_ms);
		for (size_t k = 0; k < COUNT(texts); k++)
			len += put_text(bytes + len, texts[k]);
		crypto_generichash(hash, sizeof(hash), bytes, len, NULL, 0);
		sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
		ck_assert_str_eq(rows[i].hash.ptr, hex);
		previous = rows[i].hash;
	}
}
END_TEST

/* --- Tampering ------------------------------------------------------------ */

START_TEST(d5_whole_chain)
{
	int64_t rows = -1;

	ck_assert_int_eq(broken_at(&rows), 0);
	ck_assert_int_eq(rows, 0);
	rows_add(50);
	rows_add(50);
	ck_assert_int_eq(broken_at(&rows), 0);
	ck_assert_int_eq(rows, 100);
	kit_open(STORE_READ);
	ck_assert_int_eq(broken_at(&rows), 0);
}
END_TEST

/* clang-format off */
static const struct { const char *says; const char *sql; int64_t broken; } tampers[] = {
	{ "D5 the time of a row",                 "UPDATE history SET at_ms = at_ms + 1 WHERE seq = 5", 5 },
	{ "D5 a time that is text",               "UPDATE history SET at_ms = 'then' WHERE seq = 5", 5 },
	{ "D5 a time that is a fraction",         "UPDATE history SET at_ms = at_ms + 0.5 WHERE seq = 5", 5 },
	{ "D5 a number that is taken away",       "UPDATE history SET seq = 99 WHERE seq = 5", 5 },
	{ "D5 a number below the first",          "UPDATE history SET seq = -1 WHERE seq = 5", 1 },
	{ "D5 a number that is text",             "UPDATE history SET seq = 'x' WHERE seq = 5", 5 },
	{ "D5 an actor that is a blob",           "UPDATE history SET actor = x'73797374656d' WHERE seq = 5", 5 },
	{ "D5 a reason that is a number",         "UPDATE history SET why = x'01' WHERE seq = 1", 1 },
	{ "D5 a hash in capitals",                "UPDATE history SET hash = upper(hash) WHERE seq = 5", 5 },
	{ "D5 no hash",                           "UPDATE history SET hash = '' WHERE seq = 5", 5 },
	{ "D5 the hash of the row before",        "UPDATE history SET hash = (SELECT hash FROM history WHERE seq = 4) WHERE seq = 5", 5 },
	{ "D5 a letter moved to the next column", "UPDATE history SET actor = 'syste', on_behalf = 'm' WHERE seq = 5", 5 },
	{ "D5 two columns swapped",               "UPDATE history SET before = after, after = before WHERE seq = 5", 5 },
	{ "D5 all rows alike",                    "UPDATE history SET why = 'other'", 1 },
	{ "D5 the first row is gone",             "DELETE FROM history WHERE seq = 1", 1 },
	{ "D5 the first five are gone",           "DELETE FROM history WHERE seq <= 5", 1 },
	{ "D5 one in the middle is gone",         "DELETE FROM history WHERE seq = 5", 5 },
	{ "D5 several in the middle are gone",    "DELETE FROM history WHERE seq BETWEEN 4 AND 6", 4 },
	{ "D5 the last row is gone",              "DELETE FROM history WHERE seq = 10", 10 },
	{ "D5 the last three are gone",           "DELETE FROM history WHERE seq > 7", 8 },
	{ "D5 all rows are gone",                 "DELETE FROM history", 1 },
	{ "D5 one in the middle gone, the rest moved up", "UPDATE history SET seq = seq - 100 WHERE seq > 5", 1 },
	{ "D5 a row more at the end",             "INSERT INTO history SELECT 11, at_ms, actor, on_behalf, action, subject, before, after, why, touches, hash, account_id, member_id FROM history WHERE seq = 10", 11 },
	{ "D5 a row before the first",            "INSERT INTO history SELECT 0, at_ms, actor, on_behalf, action, subject, before, after, why, touches, hash, account_id, member_id FROM history WHERE seq = 1", 1 },
	{ "D5 the head one too far",              "UPDATE history_head SET seq = 11", 11 },
	{ "D5 the head one too short",            "UPDATE history_head SET seq = 9", 10 },
	{ "D5 the head at nothing",               "UPDATE history_head SET seq = 0, hash = '', data_seq = 0", 1 },
	{ "D5 the head below nothing",            "UPDATE history_head SET seq = -5", 1 },
	{ "D5 the head's hash",                   "UPDATE history_head SET hash = (SELECT hash FROM history WHERE seq = 9)", 10 },
	{ "D5 the head's newest change of data",  "UPDATE history_head SET data_seq = 1", 10 },
	{ "D5 the head is gone",                  "DELETE FROM history_head", 1 },
	{ "D5 tail and head cut alike, but the hash", "UPDATE history_head SET seq = 9; ", 10 },
};
/* clang-format on */

START_TEST(d5_tampering_is_located)
{
	int64_t rows = 0;
	int64_t broken;

	rows_add(10);
	kit_sql("%s", tampers[_i].sql);
	broken = broken_at(&rows);
	ck_assert_msg(broken == tampers[_i].broken, "%s: %lld, wanted %lld",
	    tampers[_i].says, (long long)broken, (long long)tampers[_i].broken);
}
END_TEST

/* A text that is longer, shorter or has one other byte, in every column of
 * every row. */
START_TEST(d5_every_byte_of_every_row)
{
	sqlite3 *raw = NULL;
	sqlite3_stmt *change = NULL;
	struct history_row *rows;
	size_t count = 0;
	char sql[128];

	rows_add(100);
	rows = all(&count);
	ck_assert_uint_eq(count, 100);
	ck_assert_int_eq(sqlite3_open(kit.path, &raw), SQLITE_OK);
	ck_assert_int_eq(
	    sqlite3_exec(raw, "PRAGMA synchronous = OFF", NULL, NULL, NULL),
	    SQLITE_OK);
	snprintf(sql, sizeof(sql), "UPDATE history SET %s = ?1 WHERE seq = ?2",
	    columns[_i]);
	ck_assert_int_eq(
	    sqlite3_prepare_v2(raw, sql, -1, &change, NULL), SQLITE_OK);
	for (size_t r = 0; r < count; r++) {
		const struct str texts[] = { rows[r].actor, rows[r].on_behalf,
			rows[r].action, rows[r].subject, rows[r].before,
			rows[r].after, rows[r].why, rows[r].touches,
			rows[r].hash };
		struct str was = texts[_i];
		char text[128];

		ck_assert_uint_lt(was.len, sizeof(text));
		for (size_t at = 0; at <= was.len + 1; at++) {
			int len = (int)was.len;
			int64_t seen = 0;

			memcpy(text, was.ptr, was.len);
			if (at < was.len)
				text[at] ^= 1;
			else if (at == was.len)
				text[len++] = 'x';
			else if (len-- == 0)
				break;
			sqlite3_bind_text(change, 1, text, len, SQLITE_STATIC);
			sqlite3_bind_int64(change, 2, rows[r].seq);
			ck_assert_int_eq(sqlite3_step(change), SQLITE_DONE);
			sqlite3_reset(change);
			ck_assert_msg(broken_at(&seen) == rows[r].seq,
			    "%s of row %lld, byte %zu", columns[_i],
			    (long long)rows[r].seq, at);
			/* The later rows of 100 need not try every byte. */
			if (r % 10 != 0 && at < was.len)
				at = was.len - 1;
		}
		sqlite3_bind_text(
		    change, 1, was.ptr, (int)was.len, SQLITE_STATIC);
		sqlite3_bind_int64(change, 2, rows[r].seq);
		ck_assert_int_eq(sqlite3_step(change), SQLITE_DONE);
		sqlite3_reset(change);
	}
	sqlite3_finalize(change);
	sqlite3_close(raw);
}
END_TEST

/* Without its head the history does not grow: what is missing could not be
 * found any more. */
START_TEST(d5_no_writing_without_the_head)
{
	const struct history_row row = { .action = STR("x") };
	int64_t next = 0;

	rows_add(3);
	kit_sql("DELETE FROM history_head");
	kit_begin();
	KIT_FAILS(
	    store_next_generation(kit.store, &next, &kit.err), "store_corrupt");
	KIT_FAILS(
	    store_add_history(kit.store, &row, &kit.err), "store_corrupt");
}
END_TEST

static void
history_tests(TCase *t)
{
	kit_tests(t);
	tcase_add_test(t, rows_come_out_in_order);
	tcase_add_test(t, newest_first_and_by_subject);
	tcase_add_test(t, generations_only_go_up);
	tcase_add_test(t, undone_rows_leave_the_chain_whole);
	tcase_add_test(t, d5_hash_is_as_documented);
	tcase_add_test(t, d5_whole_chain);
	tcase_add_loop_test(t, d5_tampering_is_located, 0, COUNT(tampers));
	tcase_add_loop_test(t, d5_every_byte_of_every_row, 0, COUNT(columns));
	tcase_add_test(t, d5_no_writing_without_the_head);
}

UNIT_MAIN("history", history_tests)
