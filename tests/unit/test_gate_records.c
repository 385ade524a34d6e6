/* What libfcgi gets to see, and what it never does. */
#include <stdlib.h>
#include <string.h>

#include "fcgi/gate/limits.h"
#include "fcgi/gate/records.h"
#include "fcgi_bytes.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define S(literal) { literal, sizeof(literal) - 1 }

/* From memory of just that size, so that a read past it is seen. */
static enum walk
walk(const void *bytes, size_t len, bool *keep)
{
	unsigned char *exact = malloc(len > 0 ? len : 1);
	enum walk is;

	ck_assert_ptr_nonnull(exact);
	if (len > 0)
		memcpy(exact, bytes, len);
	is = records_walk(exact, len, keep);
	free(exact);
	return is;
}

/* --- Records ------------------------------------------------------------- */

/* clang-format off */
static const struct {
	const char *says;
	const char *names;
	enum walk want;
	bool keep;
} rows[] = {
	{ "what nginx sends",                     "begin params params. stdin.", WALK_COMPLETE, true },
	{ "a connection that nginx does not keep", "begin:close params params. stdin.", WALK_COMPLETE, false },
	{ "flags that nobody has defined",        "begin:flags params params. stdin.", WALK_COMPLETE, true },
	{ "parameters in two records",            "begin params params params. stdin.", WALK_COMPLETE, true },
	{ "padded parameters, as nginx pads",     "begin params:padded params. stdin.", WALK_COMPLETE, true },
	{ "no parameter at all",                  "begin params. stdin.", WALK_COMPLETE, true },
	{ "a body, which is drained",             "begin params params. stdin stdin:padded stdin.", WALK_COMPLETE, true },
	{ "nothing yet",                          "", WALK_INCOMPLETE, false },
	{ "no end yet",                           "begin params params.", WALK_INCOMPLETE, false },
	{ "a body without its end yet",           "begin params params. stdin", WALK_INCOMPLETE, false },

	{ "W11 version 0",                        "begin:version0 params params. stdin.", WALK_REFUSE, false },
	{ "W11 version 2",                        "begin:version2", WALK_REFUSE, false },
	{ "W11 another version later",            "begin params:version2 params. stdin.", WALK_REFUSE, false },
	{ "W11 an authorizer",                    "begin:authorizer params params. stdin.", WALK_REFUSE, false },
	{ "W11 a filter",                         "begin:filter params params. stdin.", WALK_REFUSE, false },
	{ "W11 no role",                          "begin:role0 params params. stdin.", WALK_REFUSE, false },
	{ "W11 an unknown role",                  "begin:role9 params params. stdin.", WALK_REFUSE, false },
	{ "W11 a request of id 0",                "begin:id0 params params. stdin.", WALK_REFUSE, false },
	{ "W11 parameters of another id",         "begin params:id2 params. stdin.", WALK_REFUSE, false },
	{ "W11 a body of another id",             "begin params params. stdin:id2 stdin.", WALK_REFUSE, false },
	{ "W11 an end of another id",             "begin params params. stdin:id2.", WALK_REFUSE, false },
	{ "W11 begin twice",                      "begin begin params params. stdin.", WALK_REFUSE, false },
	{ "W11 a second request in between",      "begin params begin:id2 params. stdin.", WALK_REFUSE, false },
	{ "W11 begin without its body",           "begin:empty params. stdin.", WALK_REFUSE, false },
	{ "W11 begin that is too short",          "begin:short params. stdin.", WALK_REFUSE, false },
	{ "W11 begin that is too long",           "begin:long params. stdin.", WALK_REFUSE, false },
	{ "W11 parameters before begin",          "params params. stdin.", WALK_REFUSE, false },
	{ "W11 a body before begin",              "stdin.", WALK_REFUSE, false },
	{ "W11 a body before the parameters end", "begin params stdin params. stdin.", WALK_REFUSE, false },
	{ "W11 parameters after their end",       "begin params params. params stdin.", WALK_REFUSE, false },
	{ "W11 parameters that end twice",        "begin params params. params. stdin.", WALK_REFUSE, false },
	{ "W11 abort",                            "begin params abort", WALK_REFUSE, false },
	{ "W11 abort instead of a body",          "begin params params. abort", WALK_REFUSE, false },
	{ "W11 data of a filter",                 "begin params params. stdin data", WALK_REFUSE, false },
	{ "W11 management first",                 "get-values", WALK_REFUSE, false },
	{ "W11 management in the middle",         "begin get-values params. stdin.", WALK_REFUSE, false },
	{ "W11 management later",                 "begin params params. get-values stdin.", WALK_REFUSE, false },
	{ "W11 management of a request",          "begin get-values:id1", WALK_REFUSE, false },
	{ "W11 an unknown type",                  "begin type99", WALK_REFUSE, false },
	{ "W11 type 0",                           "type0", WALK_REFUSE, false },
	{ "W11 an answer of an application",      "type11", WALK_REFUSE, false },
	{ "W11 management hidden behind begin",   "begin:hides params params. stdin.", WALK_REFUSE, false },
	{ "W11 management hidden behind the parameters", "begin params params:hides. stdin.", WALK_REFUSE, false },
	{ "begin that is padded",                 "begin:padded params params. stdin.", WALK_REFUSE, false },
	{ "a padded end of the parameters",       "begin params params:padded. stdin.", WALK_REFUSE, false },
	{ "a padded end of the body",             "begin params params. stdin:padded.", WALK_REFUSE, false },
	{ "a second request behind the first",    "begin params params. stdin. begin params params. stdin.", WALK_REFUSE, false },
	{ "W11 a record longer than a request may be, at once", "begin params:64k", WALK_REFUSE, false },

	{ "W11 a length of 0x7fffffff",           "begin params:2g", WALK_REFUSE, false },
	{ "W11 two lengths of 1 GiB",             "begin params:1g+1g", WALK_REFUSE, false },
	{ "W11 two lengths whose sum overflows",  "begin params:sum", WALK_REFUSE, false },
	{ "W11 a value that is cut",              "begin params:cut params. stdin.", WALK_REFUSE, false },
	{ "W11 a length that is cut",             "begin params:cut-length params. stdin.", WALK_REFUSE, false },
	{ "W11 a length alone",                   "begin params:one-byte params. stdin.", WALK_REFUSE, false },
};
/* clang-format on */

START_TEST(records_are_walked)
{
	struct fcgi_bytes all = { .len = 0 };
	bool keep = false;

	fcgi_words(&all, rows[_i].names);
	ck_assert_msg(walk(all.bytes, all.len, &keep) == rows[_i].want, "%s",
	    rows[_i].says);
	if (rows[_i].want == WALK_COMPLETE)
		ck_assert_msg(keep == rows[_i].keep, "%s", rows[_i].says);
}
END_TEST

START_TEST(W11_cut_at_every_byte_it_waits)
{
	struct fcgi_bytes all = { .len = 0 };
	bool keep;

	if (rows[_i].want != WALK_COMPLETE)
		return;
	fcgi_words(&all, rows[_i].names);
	for (size_t len = 0; len < all.len; len++)
		ck_assert_msg(walk(all.bytes, len, &keep) == WALK_INCOMPLETE,
		    "%s: %zu bytes", rows[_i].says, len);
	all.bytes[all.len] = 1;
	ck_assert_msg(walk(all.bytes, all.len + 1, &keep) == WALK_REFUSE,
	    "%s: a byte more", rows[_i].says);
}
END_TEST

/* --- Parameters ---------------------------------------------------------- */

/* clang-format off */
static const struct {
	const char *says;
	struct str pairs;
	bool good;
} pair_rows[] = {
	{ "one",                                S("\x01\x01" "Nv"), true },
	{ "an empty value",                     S("\x01\x00" "N"), true },
	{ "an empty value, then another one",   S("\x01\x00" "N" "\x01\x01" "Mv"), true },
	{ "the same twice is not our business", S("\x01\x01" "Nv" "\x01\x01" "Nw"), true },
	{ "four bytes for a short length",      S("\x80\0\0\x01\x80\0\0\x01" "Nv"), true },
	{ "W11 '=' in a value",                 S("\x01\x03" "Na=b"), true },
	{ "bytes that are no text",             S("\x01\x03" "N\x01\xff\n"), true },
	{ "W11 '=' in a name",                  S("\x03\x01" "A=Bv"), false },
	{ "W11 NUL in a name",                  S("\x03\x01" "A\0Bv"), false },
	{ "W11 NUL in a value",                 S("\x01\x03" "Na\0b"), false },
	{ "W11 NUL at the end of a value",      S("\x01\x02" "Na\0"), false },
	{ "an empty name",                      S("\x00\x01" "v"), false },
	{ "W11 zero bytes",                     S("\0\0\0\0\0\0\0\0"), false },
	{ "a byte more",                        S("\x01\x01" "Nvx"), false },
	{ "a byte less",                        S("\x01\x02" "Nv"), false },
	{ "a length over any request",          S("\x80\0\x40\x01\x01" "N"), false },
};
/* clang-format on */

static enum walk
walk_pairs(struct str first, struct str second)
{
	struct fcgi_bytes all = { .len = 0 };
	bool keep;

	fcgi_words(&all, "begin");
	if (first.len > 0)
		fcgi_record(&all, 4, first, 0);
	if (second.len > 0)
		fcgi_record(&all, 4, second, 3);
	fcgi_words(&all, "params. stdin.");
	return walk(all.bytes, all.len, &keep);
}

/* Records may cut them anywhere. */
START_TEST(parameters_are_the_same_in_one_record_and_in_two)
{
	struct str pairs = pair_rows[_i].pairs;
	enum walk want = pair_rows[_i].good ? WALK_COMPLETE : WALK_REFUSE;

	for (size_t cut = 0; cut <= pairs.len; cut++) {
		struct str first = { pairs.ptr, cut };
		struct str second = { pairs.ptr + cut, pairs.len - cut };

		ck_assert_msg(walk_pairs(first, second) == want,
		    "%s, cut at %zu", pair_rows[_i].says, cut);
	}
}
END_TEST

START_TEST(W11_a_thousand_parameters)
{
	struct fcgi_bytes pairs = { .len = 0 };

	for (int i = 0; i < 1000; i++)
		fcgi_pair(&pairs, "NAME", STR("value"));
	ck_assert_int_eq(walk_pairs((struct str){ pairs.bytes, pairs.len },
			     (struct str){ NULL, 0 }), WALK_COMPLETE);
}
END_TEST

/* --- The bound ----------------------------------------------------------- */

/* A request of just `len` bytes. */
static struct fcgi_bytes
request_of(size_t len)
{
	static char value[REQUEST_READ_MAX];
	/* Headers of five records, begin's body, the pair's own bytes. */
	size_t rest = len - 4 * 8 - 8 - (1 + 4 + 1);
	struct fcgi_bytes pairs = { .len = 0 };
	struct fcgi_bytes all = { .len = 0 };

	memset(value, 'v', sizeof(value));
	fcgi_pair(&pairs, "N", (struct str){ value, rest });
	fcgi_words(&all, "begin");
	fcgi_record(&all, 4, (struct str){ pairs.bytes, pairs.len }, 0);
	fcgi_words(&all, "params. stdin.");
	ck_assert_uint_eq(all.len, len);
	return all;
}

START_TEST(W11_a_request_that_is_read_is_at_most_64_KiB)
{
	struct fcgi_bytes all = request_of(REQUEST_READ_MAX);
	bool keep;

	ck_assert_int_eq(walk(all.bytes, all.len, &keep), WALK_COMPLETE);
	all = request_of(REQUEST_READ_MAX + 1);
	ck_assert_int_eq(walk(all.bytes, all.len, &keep), WALK_REFUSE);
	/* Not even waited for, when nothing more can fit. */
	ck_assert_int_eq(walk(all.bytes, all.len - 8, &keep), WALK_REFUSE);
}
END_TEST

static void
tests(TCase *t)
{
	tcase_add_loop_test(t, records_are_walked, 0, COUNT(rows));
	tcase_add_loop_test(t, W11_cut_at_every_byte_it_waits, 0, COUNT(rows));
	tcase_add_loop_test(t,
	    parameters_are_the_same_in_one_record_and_in_two, 0,
	    COUNT(pair_rows));
	tcase_add_test(t, W11_a_thousand_parameters);
	tcase_add_test(t, W11_a_request_that_is_read_is_at_most_64_KiB);
}

UNIT_MAIN("gate records", tests)
