/* Which addresses are in which ranges. */
#include <string.h>

#include "model/address.h"
#include "unit.h"

/* clang-format off */
static const struct {
	const char *says;
	const char *range;
	const char *address;
	bool in;
} rows[] = {
	{ "one address",                         "192.0.2.7", "192.0.2.7", true },
	{ "and no other",                        "192.0.2.7", "192.0.2.8", false },
	{ "the first of a range",                "192.0.2.0/24", "192.0.2.0", true },
	{ "the last",                            "192.0.2.0/24", "192.0.2.255", true },
	{ "the next",                            "192.0.2.0/24", "192.0.3.0", false },
	{ "not on a byte's edge",                "192.0.2.128/25", "192.0.2.129", true },
	{ "before it",                           "192.0.2.128/25", "192.0.2.127", false },
	{ "everything of a family",              "0.0.0.0/0", "203.0.113.9", true },
	{ "and of it only",                      "0.0.0.0/0", "2001:db8::1", false },
	{ "of the other one",                    "::/0", "2001:db8::1", true },
	{ "and of that only",                    "::/0", "203.0.113.9", false },
	{ "a mapped address is what it maps",    "192.0.2.0/24", "::ffff:192.0.2.9", true },
	{ "also against the other family",       "::/0", "::ffff:192.0.2.9", false },
	{ "in any way it is written",            "2001:db8::/32", "2001:0DB8:0:0::1", true },
	{ "beside it",                           "2001:db8::/33", "2001:db8:8000::1", false },
	{ "no address",                          "0.0.0.0/0", "", false },
	{ "a socket",                            "0.0.0.0/0", "unix:", false },
	{ "a blank behind it",                   "0.0.0.0/0", "192.0.2.7 ", false },
	{ "a zone",                              "::/0", "fe80::1%eth0", false },
	{ "a name",                              "0.0.0.0/0", "localhost", false },
	{ "what inet_aton() would take",         "0.0.0.0/0", "192.0.2", false },
	{ "very long",                           "::/0", "0000000000000000000000000000000000000000000000000000000000000000000000", false },
};

static const struct { const char *range; bool good; } ranges[] = {
	{ "192.0.2.0/24", true }, { "192.0.2.7", true }, { "192.0.2.7/32", true },
	{ "0.0.0.0/0", true }, { "::/0", true }, { "2001:db8::/32", true },
	{ "192.0.2.1/24", false }, { "192.0.2.0/33", false }, { "192.0.2.0/", false },
	{ "192.0.2.0/-1", false }, { "192.0.2.0/24/8", false }, { "2001:db8::1/32", false },
	{ "::/129", false }, { "", false }, { "/24", false }, { "192.0.2.0/ 24", false },
	{ "x", false },
};
/* clang-format on */

START_TEST(it_is_in_its_ranges)
{
	const struct str items[] = { str_from("198.51.100.1"),
		str_from(rows[_i].range) };
	const struct names both = { items, 2 };

	ck_assert_msg(
	    address_in(str_from(rows[_i].address), both) == rows[_i].in, "%s",
	    rows[_i].says);
	ck_assert(
	    !address_in(str_from(rows[_i].address), (struct names){ NULL, 0 }));
}
END_TEST

START_TEST(a_range_is_one_or_none)
{
	struct err err = { 0 };
	bool good = address_range_check(str_from(ranges[_i].range), &err);

	ck_assert_msg(good == ranges[_i].good, "%s", ranges[_i].range);
	ck_assert(good || strcmp(err.code, "address_range") == 0);
}
END_TEST

static void
address_tests(TCase *t)
{
	tcase_add_loop_test(
	    t, it_is_in_its_ranges, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_loop_test(
	    t, a_range_is_one_or_none, 0, sizeof(ranges) / sizeof(ranges[0]));
}

UNIT_MAIN("address", address_tests)
