/* The ground everything stands on: memory, bytes, numbers, times, names,
 * errors, faults and secrets. */
#include <errno.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/bounds.h"
#include "base/fault.h"
#include "base/secret.h"
#include "base/text.h"
#include "tests/unit/unit.h"

#define COUNT(rows) ((int)(sizeof(rows) / sizeof((rows)[0])))

/* --- arena --------------------------------------------------------------- */

START_TEST(arena_gives_zeroed_and_aligned_memory)
{
	struct arena arena = { 0 };

	for (size_t size = 1; size < 300; size += 7) {
		unsigned char *at = arena_alloc(&arena, size, 1);

		ck_assert_ptr_nonnull(at);
		ck_assert_uint_eq((uintptr_t)at % alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			ck_assert_uint_eq(at[i], 0);
		memset(at, 0xff, size);
	}
	arena_free(&arena);
}
END_TEST

START_TEST(arena_zeroes_what_it_uses_again)
{
	struct arena arena = { 0 };

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 50; i++) {
			char *at = arena_alloc(&arena, 100, 1);

			ck_assert_ptr_nonnull(at);
			ck_assert_int_eq(at[0] | at[99], 0);
			memset(at, 'x', 100);
		}
		arena_reset(&arena);
		ck_assert_uint_eq(arena.used_bytes, 0);
	}
	arena_free(&arena);
	ck_assert_ptr_null(arena.blocks);
	arena_free(&arena); /* twice is nothing */
}
END_TEST

START_TEST(arena_refuses_one_byte_over_its_bound)
{
	struct arena arena = { .max_bytes = 1024 };

	ck_assert_ptr_nonnull(arena_alloc(&arena, 1024, 1));
	ck_assert_ptr_null(arena_alloc(&arena, 1, 1));
	ck_assert_ptr_null(arena_alloc(&arena, 0, 1));
	arena_reset(&arena);
	ck_assert_ptr_null(arena_alloc(&arena, 1025, 1));
	ck_assert_ptr_nonnull(arena_alloc(&arena, 1024, 1));
	arena_free(&arena);
}
END_TEST

START_TEST(arena_refuses_a_size_that_overflows)
{
	struct arena arena = { 0 };

	ck_assert_ptr_null(arena_alloc(&arena, SIZE_MAX, 1));
	ck_assert_ptr_null(arena_alloc(&arena, SIZE_MAX / 2, 3));
	ck_assert_ptr_null(arena_alloc(&arena, 3, SIZE_MAX / 2));
	ck_assert_ptr_null(arena_alloc(&arena, SIZE_MAX - 16, 1));
	ck_assert_uint_eq(arena.used_bytes, 0);
	arena_free(&arena);
}
END_TEST

START_TEST(arena_grow_keeps_what_was_there)
{
	struct arena arena = { .max_bytes = (size_t)64 * 1024 };
	size_t cap = 0;
	int *items = NULL;
	int count = 0;

	for (;; count++) {
		int *more = arena_grow(
		    &arena, items, (size_t)count, &cap, sizeof(*items));

		if (more == NULL)
			break; /* the bound */
		items = more;
		items[count] = count;
	}
	ck_assert_int_gt(count, 1000);
	for (int i = 0; i < count; i++)
		ck_assert_int_eq(items[i], i);
	arena_free(&arena);
}
END_TEST

/* --- str ----------------------------------------------------------------- */

/* clang-format off */
static const struct { const char *says; const char *text; int64_t min; int64_t max; bool ok; int64_t value; } numbers[] = {
	{ "nought",                        "0",                     0, 9, true, 0 },
	{ "the least",                     "3",                     3, 9, true, 3 },
	{ "one below the least",           "2",                     3, 9, false, 0 },
	{ "the most",                      "9",                     3, 9, true, 9 },
	{ "one above the most",            "10",                    3, 9, false, 0 },
	{ "below nought",                  "-5",                   -5, 5, true, -5 },
	{ "the largest there is",          "9223372036854775807",   INT64_MIN, INT64_MAX, true, INT64_MAX },
	{ "one more",                      "9223372036854775808",   INT64_MIN, INT64_MAX, false, 0 },
	{ "the smallest there is",         "-9223372036854775808",  INT64_MIN, INT64_MAX, true, INT64_MIN },
	{ "one less",                      "-9223372036854775809",  INT64_MIN, INT64_MAX, false, 0 },
	{ "2^64, which could wrap to 0",   "18446744073709551616",  INT64_MIN, INT64_MAX, false, 0 },
	{ "2^64 + 1",                      "18446744073709551617",  INT64_MIN, INT64_MAX, false, 0 },
	{ "forty digits",                  "1000000000000000000000000000000000000000", INT64_MIN, INT64_MAX, false, 0 },
	{ "noughts in front",              "007",                   0, 9, true, 7 },
	{ "nothing",                       "",                      0, 9, false, 0 },
	{ "a minus alone",                 "-",                    -9, 9, false, 0 },
	{ "two minuses",                   "--1",                  -9, 9, false, 0 },
	{ "a plus",                        "+1",                    0, 9, false, 0 },
	{ "a blank in front",              " 1",                    0, 9, false, 0 },
	{ "a blank behind",                "1 ",                    0, 9, false, 0 },
	{ "a newline behind",              "1\n",                   0, 9, false, 0 },
	{ "a minus behind",                "1-",                    0, 9, false, 0 },
	{ "hexadecimal",                   "0x1",                   0, 9, false, 0 },
	{ "a fraction",                    "1.0",                   0, 9, false, 0 },
	{ "an exponent",                   "1e0",                   0, 9, false, 0 },
	{ "a word",                        "one",                   0, 9, false, 0 },
	{ "a digit of another script",     "\xd9\xa3",              0, 9, false, 0 },
};

static const struct { const char *says; const char *text; bool ok; int64_t value; } times[] = {
	{ "the epoch",                     "1970-01-01T00:00:00Z", true, 0 },
	{ "a second before it",            "1969-12-31T23:59:59Z", false, 0 },
	{ "a time after 2038",             "2038-01-19T03:14:08Z", true, 2147483648 },
	{ "the last second",               "9999-12-31T23:59:59Z", true, 253402300799 },
	{ "a year of five digits",         "10000-01-01T00:00:00Z", false, 0 },
	{ "the 29th of February 2028",     "2028-02-29T12:00:00Z", true, 1835438400 },
	{ "the 29th of February 2027",     "2027-02-29T12:00:00Z", false, 0 },
	{ "the 29th of February 2100",     "2100-02-29T00:00:00Z", false, 0 },
	{ "the 29th of February 2000",     "2000-02-29T00:00:00Z", true, 951782400 },
	{ "the 31st of April",             "2027-04-31T00:00:00Z", false, 0 },
	{ "month 0",                       "2027-00-01T00:00:00Z", false, 0 },
	{ "month 13",                      "2027-13-01T00:00:00Z", false, 0 },
	{ "day 0",                         "2027-01-00T00:00:00Z", false, 0 },
	{ "hour 24",                       "2027-01-01T24:00:00Z", false, 0 },
	{ "minute 60",                     "2027-01-01T00:60:00Z", false, 0 },
	{ "a leap second",                 "2016-12-31T23:59:60Z", false, 0 },
	{ "a small t",                     "2027-01-01t00:00:00Z", false, 0 },
	{ "a small z",                     "2027-01-01T00:00:00z", false, 0 },
	{ "an offset",                     "2027-01-01T00:00:00+00:00", false, 0 },
	{ "no zone",                       "2027-01-01T00:00:00", false, 0 },
	{ "a fraction of a second",        "2027-01-01T00:00:00.5Z", false, 0 },
	{ "a day alone",                   "2027-01-01", false, 0 },
	{ "a minus in a number",           "2027-01--1T00:00:00Z", false, 0 },
	{ "a blank in a number",           "2027-01- 1T00:00:00Z", false, 0 },
	{ "a blank behind",                "2027-01-01T00:00:00Z ", false, 0 },
	{ "nothing",                       "", false, 0 },
};
/* clang-format on */

START_TEST(number)
{
	int64_t got = 12345;
	bool ok = str_to_i64(
	    str_from(numbers[_i].text), numbers[_i].min, numbers[_i].max, &got);

	ck_assert_msg(ok == numbers[_i].ok, "%s", numbers[_i].says);
	ck_assert_msg(got == (ok ? numbers[_i].value : 12345),
	    "%s: the output is %lld", numbers[_i].says, (long long)got);
}
END_TEST

START_TEST(time_of_day)
{
	struct arena arena = { 0 };
	struct str text = str_from(times[_i].text);
	int64_t got = 12345;
	bool ok = str_to_time(text, &got);

	ck_assert_msg(ok == times[_i].ok, "%s", times[_i].says);
	ck_assert_msg(got == (ok ? times[_i].value : 12345), "%s: got %lld",
	    times[_i].says, (long long)got);
	if (ok)
		ck_assert_msg(str_eq(str_from_time(&arena, got), text),
		    "%s: is written otherwise", times[_i].says);
	arena_free(&arena);
}
END_TEST

START_TEST(fields_are_all_given_and_no_more)
{
	static const char *const want[] = { "", "a", "", "b", "" };
	struct str rest = STR(",a,,b,");
	struct str field;
	size_t count = 0;

	while (str_next(&rest, ',', &field)) {
		ck_assert_uint_lt(count, 5);
		ck_assert(str_eq(field, str_from(want[count])));
		count++;
	}
	ck_assert_uint_eq(count, 5);
	rest = STR("");
	ck_assert(str_next(&rest, ',', &field)); /* one empty field */
	ck_assert(!str_next(&rest, ',', &field));
	rest = (struct str){ NULL, 0 };
	ck_assert(!str_next(&rest, ',', &field));
}
END_TEST

START_TEST(equal_means_every_byte)
{
	const struct str nul = { "a\0b", 3 };

	ck_assert(str_eq(STR(""), (struct str){ NULL, 0 }));
	ck_assert(!str_eq(nul, STR("a")));
	ck_assert(!str_eq(nul, (struct str){ "a\0c", 3 }));
	ck_assert(!str_eq(STR("a"), STR("A")));
	ck_assert(!str_eq(STR("a"), STR("a ")));
	ck_assert(!str_eq(STR("a"), STR("")));
	ck_assert(str_starts(STR("unix:"), STR("unix:")));
	ck_assert(!str_starts(STR("unix"), STR("unix:")));
	ck_assert(str_starts(STR("x"), STR("")));
	ck_assert(str_eq(str_trim(STR(" \ta b\t ")), STR("a b")));
	ck_assert(str_eq(str_trim(STR(" \t ")), STR("")));
	ck_assert(str_eq(str_trim(STR("")), STR("")));
}
END_TEST

/* DECISION J1: A to Z, and nothing else. */
START_TEST(J1_only_the_case_of_A_to_Z_is_folded)
{
	struct arena arena = { 0 };

	ck_assert(str_eq_fold(STR("ANN"), STR("ann")));
	ck_assert(str_eq_fold(STR("a-Z_9"), STR("A-z_9")));
	ck_assert(!str_eq_fold(STR("@"), STR("`")));
	ck_assert(!str_eq_fold(STR("["), STR("{")));
	ck_assert(!str_eq_fold(STR("\xc3\x84"), STR("\xc3\xa4"))); /* umlaut */
	ck_assert(!str_eq_fold(STR("K"), STR("\xe2\x84\xaa"))); /* Kelvin */
	ck_assert(!str_eq_fold(STR("ann"), STR("ann ")));
	ck_assert(
	    str_eq(str_fold(&arena, STR("A@Z[\xc3\x84")), STR("a@z[\xc3\x84")));
	arena_free(&arena);
}
END_TEST

START_TEST(order_is_by_bytes_and_the_shorter_comes_first)
{
	ck_assert_int_lt(str_cmp(STR("a"), STR("b")), 0);
	ck_assert_int_lt(str_cmp(STR("a"), STR("aa")), 0);
	ck_assert_int_lt(str_cmp(STR(""), STR("a")), 0);
	ck_assert_int_eq(str_cmp(STR(""), (struct str){ NULL, 0 }), 0);
	ck_assert_int_gt(str_cmp(STR("\xc3\xa4"), STR("z")), 0);
	ck_assert_int_eq(str_cmp(STR("ab"), STR("ab")), 0);
}
END_TEST

START_TEST(copies_are_whole_or_nothing)
{
	struct arena small = { .max_bytes = 16 };
	struct arena arena = { 0 };
	struct str copy = str_copy(&arena, (struct str){ "a\0b", 3 });

	ck_assert_uint_eq(copy.len, 3);
	ck_assert_int_eq(memcmp(copy.ptr, "a\0b", 4), 0); /* and its NUL */
	ck_assert(str_eq(str_fmt(&arena, "%d-%s", 7, "x"), STR("7-x")));
	ck_assert_ptr_nonnull(str_copy(&small, STR("123456789012345")).ptr);
	ck_assert_ptr_null(str_copy(&small, STR("1")).ptr);
	ck_assert_ptr_null(str_fold(&small, STR("1")).ptr);
	ck_assert_ptr_null(str_fmt(&small, "%d", 1).ptr);
	ck_assert_uint_eq(str_fmt(&small, "%d", 1).len, 0);
	arena_free(&small);
	arena_free(&arena);
}
END_TEST

START_TEST(a_name_is_in_a_list_or_not)
{
	static const struct str items[] = { { "a", 1 }, { "b", 1 } };
	const struct names names = { items, 2 };

	ck_assert(names_have(names, STR("b")));
	ck_assert(!names_have(names, STR("B")));
	ck_assert(!names_have(names, STR("")));
	ck_assert(!names_have((struct names){ NULL, 0 }, STR("")));
}
END_TEST

/* --- text ---------------------------------------------------------------- */

enum good { CLEAN, UNCLEAN, BROKEN }; /* UNCLEAN is UTF-8 with controls */

/* clang-format off */
static const struct { const char *says; struct str text; enum good good; } texts[] = {
	{ "nothing",                          { "", 0 }, CLEAN },
	{ "ASCII",                            { " ~", 2 }, CLEAN },
	{ "two bytes, the least",             { "\xc2\xa0", 2 }, CLEAN },
	{ "two bytes, the most",              { "\xdf\xbf", 2 }, CLEAN },
	{ "three bytes, the least",           { "\xe0\xa0\x80", 3 }, CLEAN },
	{ "just before the surrogates",       { "\xed\x9f\xbf", 3 }, CLEAN },
	{ "the first surrogate",              { "\xed\xa0\x80", 3 }, BROKEN },
	{ "the last surrogate",               { "\xed\xbf\xbf", 3 }, BROKEN },
	{ "just after the surrogates",        { "\xee\x80\x80", 3 }, CLEAN },
	{ "a pair of surrogates (CESU-8)",    { "\xed\xa0\xbd\xed\xb8\x80", 6 }, BROKEN },
	{ "four bytes, the least",            { "\xf0\x90\x80\x80", 4 }, CLEAN },
	{ "the last character, U+10FFFF",     { "\xf4\x8f\xbf\xbf", 4 }, CLEAN },
	{ "one after it, U+110000",           { "\xf4\x90\x80\x80", 4 }, BROKEN },
	{ "a first byte F5",                  { "\xf5\x80\x80\x80", 4 }, BROKEN },
	{ "a byte FE",                        { "\xfe", 1 }, BROKEN },
	{ "a byte FF",                        { "\xff", 1 }, BROKEN },
	{ "NUL in two bytes",                 { "\xc0\x80", 2 }, BROKEN },
	{ "a slash in two bytes",             { "\xc0\xaf", 2 }, BROKEN },
	{ "a slash in three bytes",           { "\xe0\x80\xaf", 3 }, BROKEN },
	{ "a slash in four bytes",            { "\xf0\x80\x80\xaf", 4 }, BROKEN },
	{ "the first byte C1",                { "\xc1\xbf", 2 }, BROKEN },
	{ "a byte 80 alone",                  { "\x80", 1 }, BROKEN },
	{ "two bytes, cut",                   { "\xc3", 1 }, BROKEN },
	{ "three bytes, cut",                 { "\xe2\x82", 2 }, BROKEN },
	{ "four bytes, cut",                  { "\xf0\x9f\x98", 3 }, BROKEN },
	{ "a letter where a byte is due",     { "\xe2\x82z", 3 }, BROKEN },
	{ "a cut character before a letter",  { "\xc3""a", 2 }, BROKEN },
	{ "NUL",                              { "a\0b", 3 }, UNCLEAN },
	{ "a tab",                            { "\t", 1 }, UNCLEAN },
	{ "a line feed",                      { "a\n", 2 }, UNCLEAN },
	{ "a carriage return",                { "\r", 1 }, UNCLEAN },
	{ "escape",                           { "\x1b[2J", 4 }, UNCLEAN },
	{ "the last of C0",                   { "\x1f", 1 }, UNCLEAN },
	{ "delete",                           { "\x7f", 1 }, UNCLEAN },
	{ "the first of C1",                  { "\xc2\x80", 2 }, UNCLEAN },
	{ "next line",                        { "\xc2\x85", 2 }, UNCLEAN },
	{ "the last of C1",                   { "\xc2\x9f", 2 }, UNCLEAN },
	{ "the line separator",               { "\xe2\x80\xa8", 3 }, UNCLEAN },
	{ "the paragraph separator",          { "\xe2\x80\xa9", 3 }, UNCLEAN },
	{ "the character before those",       { "\xe2\x80\xa7", 3 }, CLEAN },
};

static const struct { const char *says; struct str text; bool name; bool id; } ids[] = {
	{ "a word",                { "full.editor", 11 }, true, true },
	{ "nothing",               { "", 0 }, false, false },
	{ "as long as may be",     { "12345678901234567890", 20 }, true, true },
	{ "one byte longer",       { "123456789012345678901", 21 }, false, false },
	{ "long by bytes",         { "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4z", 21 }, false, false },
	{ "a blank",               { "Ann Bo", 6 }, true, false },
	{ "a no-break space",      { "a\xc2\xa0z", 4 }, true, false },
	{ "an ogham space",        { "\xe1\x9a\x80", 3 }, true, false },
	{ "an en quad",            { "\xe2\x80\x80", 3 }, true, false },
	{ "a zero width space",    { "\xe2\x80\x8b", 3 }, true, false },
	{ "a narrow space",        { "\xe2\x80\xaf", 3 }, true, false },
	{ "a medium space",        { "\xe2\x81\x9f", 3 }, true, false },
	{ "an ideographic space",  { "\xe3\x80\x80", 3 }, true, false },
	{ "a byte order mark",     { "\xef\xbb\xbf", 3 }, true, false },
	{ "a tab",                 { "a\tz", 3 }, false, false },
	{ "not UTF-8",             { "a\xff", 2 }, false, false },
	{ "a NUL",                 { "a\0", 2 }, false, false },
};
/* clang-format on */

START_TEST(utf8)
{
	ck_assert_msg(
	    text_is_utf8(texts[_i].text) == (texts[_i].good != BROKEN),
	    "%s: UTF-8", texts[_i].says);
	ck_assert_msg(
	    text_is_clean(texts[_i].text) == (texts[_i].good == CLEAN),
	    "%s: clean", texts[_i].says);
}
END_TEST

START_TEST(name_or_id)
{
	struct err as_name = { 0 };
	struct err as_id = { 0 };

	ck_assert_msg(
	    text_check(ids[_i].text, 20, "name", &as_name) == ids[_i].name,
	    "%s: as a name", ids[_i].says);
	ck_assert_msg(
	    text_check_id(ids[_i].text, 20, "id", &as_id) == ids[_i].id,
	    "%s: as an id", ids[_i].says);
	ck_assert_msg(
	    ids[_i].name == (as_name.kind == ERR_NONE), "%s", ids[_i].says);
	if (!ids[_i].name)
		ck_assert_msg(strncmp(as_name.text, "name: ", 6) == 0,
		    "%s: the error does not name the field", ids[_i].says);
}
END_TEST

/* --- err and fault ------------------------------------------------------- */

START_TEST(the_first_error_is_kept)
{
	struct err e = { 0 };

	ck_assert(!err_set(&e, ERR_FILE, "one", "%d", 1));
	ck_assert(!err_set(&e, ERR_BUG, "two", "%d", 2));
	ck_assert_int_eq(e.kind, ERR_FILE);
	ck_assert_str_eq(e.code, "one");
	ck_assert_str_eq(e.text, "1");
	ck_assert(!err_set(NULL, ERR_BUG, "none", "nobody asks"));
}
END_TEST

START_TEST(an_error_is_one_line_that_moves_no_terminal)
{
	char text[4096];
	struct err e = { 0 };

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "a\x1b[2J\n\r\t\x7f", 9);
	err_set(&e, ERR_FILE, "long", "%s", text);
	ck_assert_int_eq(strncmp(e.text, "a?[2J????xx", 11), 0);
	ck_assert_uint_eq(strlen(e.text), sizeof(e.text) - 1);
}
END_TEST

START_TEST(every_kind_has_its_exit_status)
{
	static const int want[] = { [ERR_NONE] = 0,
		[ERR_NOT_FOUND] = 1,
		[ERR_USAGE] = 2,
		[ERR_FILE] = 3,
		[ERR_SOURCE] = 3,
		[ERR_LIMIT] = 3,
		[ERR_REACH] = 4,
		[ERR_REFUSED] = 5,
		[ERR_BUG] = 70 };

	for (int kind = ERR_NONE; kind <= ERR_BUG; kind++)
		ck_assert_int_eq(
		    err_exit_status((enum err_kind)kind), want[kind]);
}
END_TEST

/* What faults_print() says, in the caller's buffer. */
static void
printed(const struct faults *faults, char *out, size_t size)
{
	FILE *to = fmemopen(out, size, "w");

	ck_assert_ptr_nonnull(to);
	faults_print(faults, to);
	fclose(to);
}

START_TEST(a_fault_says_file_line_column_text_code)
{
	struct faults faults = { 0 };
	struct err e = { 0 };
	char text[512];

	ck_assert(faults_err(&faults, &e));
	ck_assert_int_eq(e.kind, ERR_NONE);
	fault_add(&faults, STR("a.yaml"), 3, 7, "odd", "is %s\n", "odd");
	fault_add(&faults, STR("b.yaml"), 0, 0, "gone", "is not there");
	printed(&faults, text, sizeof(text));
	ck_assert_str_eq(
	    text, "a.yaml:3:7: is odd? [odd]\nb.yaml: is not there [gone]\n");
	ck_assert(!faults_err(&faults, &e));
	ck_assert_str_eq(e.code, "odd");
	ck_assert_str_eq(e.text, "a.yaml:3:7: is odd? (2 in all)");
	faults_free(&faults);
	ck_assert_uint_eq(faults.count, 0);
}
END_TEST

START_TEST(faults_over_the_bound_are_counted)
{
	static char text[65536];
	struct faults faults = { 0 };

	for (int i = 0; i < FAULTS_MAX + 3; i++)
		fault_add(&faults, STR("a"), i + 1, 1, "odd", "is odd");
	ck_assert_uint_eq(faults.kept, FAULTS_MAX);
	ck_assert_uint_eq(faults.count, FAULTS_MAX + 3);
	printed(&faults, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "... and 3 more faults\n"));
	faults_free(&faults);
}
END_TEST

START_TEST(a_fault_without_memory_is_a_fault)
{
	struct faults faults = { .arena = { .max_bytes = 1 } };
	struct err e = { 0 };

	fault_add(&faults, STR("a"), 1, 1, "odd", "is odd");
	ck_assert_uint_eq(faults.kept, 0);
	ck_assert_uint_eq(faults.count, 1);
	ck_assert(!faults_err(&faults, &e));
	ck_assert_int_eq(e.kind, ERR_FILE);
	faults_free(&faults);
}
END_TEST

/* --- secret -------------------------------------------------------------- */

/* clang-format off */
static const struct { const char *says; mode_t mode; struct str text; const char *want; } secrets[] = {
	{ "a secret alone",                0600, { "sesame", 6 }, "sesame" },
	{ "with a newline",                0640, { "sesame\n", 7 }, "sesame" },
	{ "with CRLF",                     0400, { "sesame\r\n", 8 }, "sesame" },
	{ "only one newline goes",         0600, { "sesame\n\n", 8 }, "sesame\n" },
	{ "a CR alone stays",              0600, { "sesame\r", 7 }, "sesame\r" },
	{ "blanks belong to it",           0600, { " a b \n", 6 }, " a b " },
	{ "bytes that are no UTF-8",       0600, { "\xff\x80", 2 }, "\xff\x80" },
	{ "as long as fits",               0600, { "123456789012345", 15 }, "123456789012345" },
	{ "one byte longer",               0600, { "1234567890123456", 16 }, NULL },
	{ "a newline where it is cut",     0600, { "123456789012345\nrest", 20 }, NULL },
	{ "a line before the cut",         0600, { "12345678901234\n\nrest of it", 26 }, NULL },
	{ "nothing",                       0600, { "", 0 }, NULL },
	{ "a newline alone",               0600, { "\n", 1 }, NULL },
	{ "CRLF alone",                    0600, { "\r\n", 2 }, NULL },
	{ "a NUL in it",                   0600, { "a\0b", 3 }, NULL },
	{ "a NUL behind it",               0600, { "a\0", 2 }, NULL },
	{ "others may read it",            0604, { "sesame", 6 }, NULL },
	{ "others may write it",           0602, { "sesame", 6 }, NULL },
	{ "others may run it",             0601, { "sesame", 6 }, NULL },
};
/* clang-format on */

static char folder[] = "/tmp/rolegate-base.XXXXXX";
static char path[128];

static void
folder_make(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/secret", folder);
}

static void
folder_remove(void)
{
	unlink(path);
	rmdir(path);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void
file_write(const char *bytes, size_t len, mode_t mode)
{
	FILE *out = fopen(path, "w");

	ck_assert_ptr_nonnull(out);
	ck_assert_uint_eq(fwrite(bytes, 1, len, out), len);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

/* Nothing of a secret that was refused may be left. */
static void
refused(const char *says)
{
	char out[16];
	struct err e = { 0 };
	size_t len = 99;

	memset(out, 'x', sizeof(out));
	ck_assert_msg(!secret_read(out, sizeof(out), &len, path, "code", &e),
	    "%s: was accepted", says);
	ck_assert_msg(len == 0, "%s: the length is %zu", says, len);
	for (size_t i = 0; i < sizeof(out); i++)
		ck_assert_msg(out[i] == '\0', "%s: is not wiped", says);
	ck_assert_int_eq(e.kind, ERR_FILE);
	ck_assert_str_eq(e.code, "code");
	ck_assert_msg(strstr(e.text, path) == e.text && strchr(e.text, ';'),
	    "%s: %s", says, e.text);
}

START_TEST(secret)
{
	const char *want = secrets[_i].want;
	char out[16];
	struct err e = { 0 };
	size_t len = 99;

	folder_make();
	file_write(
	    secrets[_i].text.ptr, secrets[_i].text.len, secrets[_i].mode);
	if (want == NULL)
		refused(secrets[_i].says);
	else {
		ck_assert_msg(
		    secret_read(out, sizeof(out), &len, path, "code", &e),
		    "%s: %s", secrets[_i].says, e.text);
		ck_assert_uint_eq(len, strlen(want));
		ck_assert_str_eq(out, want);
	}
	folder_remove();
}
END_TEST

START_TEST(a_secret_is_a_file_and_nothing_else)
{
	folder_make();
	refused("no file");
	ck_assert_int_eq(symlink("/etc/hostname", path), 0);
	refused("a link");
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	refused("a pipe that nobody writes"); /* and no waiting */
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	refused("a folder");
	folder_remove();
}
END_TEST

START_TEST(an_empty_secret_is_told_from_the_others)
{
	char out[16];
	size_t len;

	folder_make();
	errno = ENODATA;
	ck_assert(!secret_read(out, sizeof(out), &len, path, "code", NULL));
	ck_assert_int_ne(errno, ENODATA);
	file_write("\n", 1, 0600);
	ck_assert(!secret_read(out, sizeof(out), &len, path, "code", NULL));
	ck_assert_int_eq(errno, ENODATA);
	file_write("\n", 1, 0604);
	ck_assert(!secret_read(out, sizeof(out), &len, path, "code", NULL));
	ck_assert_int_ne(errno, ENODATA);
	file_write("\0", 1, 0600);
	ck_assert(!secret_read(out, sizeof(out), &len, path, "code", NULL));
	ck_assert_int_ne(errno, ENODATA);
	folder_remove();
}
END_TEST

START_TEST(a_secret_has_at_most_SECRET_FILE_MAX_bytes)
{
	static char bytes[SECRET_FILE_MAX + 1];
	static char out[2 * SECRET_FILE_MAX];
	struct err e = { 0 };
	size_t len;

	memset(bytes, 'x', sizeof(bytes));
	folder_make();
	file_write(bytes, SECRET_FILE_MAX, 0600);
	ck_assert(secret_read(out, sizeof(out), &len, path, "code", &e));
	ck_assert_uint_eq(len, SECRET_FILE_MAX);
	file_write(bytes, SECRET_FILE_MAX + 1, 0600);
	ck_assert(!secret_read(out, sizeof(out), &len, path, "code", &e));
	file_write("x", 1, 0600);
	ck_assert(!secret_read(out, 1, &len, path, "code", &e));
	ck_assert(secret_read(out, 2, &len, path, "code", NULL));
	folder_remove();
}
END_TEST

static void
base_tests(TCase *t)
{
	tcase_add_test(t, arena_gives_zeroed_and_aligned_memory);
	tcase_add_test(t, arena_zeroes_what_it_uses_again);
	tcase_add_test(t, arena_refuses_one_byte_over_its_bound);
	tcase_add_test(t, arena_refuses_a_size_that_overflows);
	tcase_add_test(t, arena_grow_keeps_what_was_there);
	tcase_add_loop_test(t, number, 0, COUNT(numbers));
	tcase_add_loop_test(t, time_of_day, 0, COUNT(times));
	tcase_add_test(t, fields_are_all_given_and_no_more);
	tcase_add_test(t, equal_means_every_byte);
	tcase_add_test(t, J1_only_the_case_of_A_to_Z_is_folded);
	tcase_add_test(t, order_is_by_bytes_and_the_shorter_comes_first);
	tcase_add_test(t, copies_are_whole_or_nothing);
	tcase_add_test(t, a_name_is_in_a_list_or_not);
	tcase_add_loop_test(t, utf8, 0, COUNT(texts));
	tcase_add_loop_test(t, name_or_id, 0, COUNT(ids));
	tcase_add_test(t, the_first_error_is_kept);
	tcase_add_test(t, an_error_is_one_line_that_moves_no_terminal);
	tcase_add_test(t, every_kind_has_its_exit_status);
	tcase_add_test(t, a_fault_says_file_line_column_text_code);
	tcase_add_test(t, faults_over_the_bound_are_counted);
	tcase_add_test(t, a_fault_without_memory_is_a_fault);
	tcase_add_loop_test(t, secret, 0, COUNT(secrets));
	tcase_add_test(t, a_secret_is_a_file_and_nothing_else);
	tcase_add_test(t, an_empty_secret_is_told_from_the_others);
	tcase_add_test(t, a_secret_has_at_most_SECRET_FILE_MAX_bytes);
}

UNIT_MAIN("base", base_tests)
