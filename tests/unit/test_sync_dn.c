/* Distinguished names and filters: sync/dn.c. */
#include "sync/dn.h"

#include <string.h>

#include "tests/unit/unit.h"

/* clang-format off */
static const struct { const char *says; const char *a; const char *b; bool same; } pairs[] = {
	{ "SH2 case of names and values",            "CN=Ann,OU=People,DC=x",      "cn=ann,ou=people,dc=X",       true },
	{ "SH2 blanks around commas and equals",     "cn=ann , ou = people, dc=x", "cn=ann,ou=people,dc=x",       true },
	{ "SH2 a comma escaped in two ways",         "cn=Doe\\2C Jane,dc=x",       "cn=Doe\\, Jane,dc=x",         true },
	{ "SH1 plus, quote and backslash",           "cn=a\\+b\\\"c\\\\d,dc=x",    "cn=A\\2BB\\22C\\5CD,dc=x",    true },
	{ "SH1 a leading number sign",               "cn=\\#5,dc=x",               "cn=\\235,dc=x",               true },
	{ "SH1 a trailing blank does not count",     "cn=ann\\20,dc=x",            "cn=ann,dc=x",                 true },
	{ "SH1 doubled blanks are one",              "cn=jane  doe,dc=x",          "cn=Jane Doe,dc=x",            true },
	{ "SH1 brackets, umlauts and a backslash",   "CN=Doe\\, Jane (Z\xc3\xbcrich) \\\\x,dc=x",
	                                             "cn=doe\\2c jane (Z\\C3\\9Crich) \\5cx,dc=x",            true },
	{ "SH2 umlauts of either case",              "cn=\xc3\x84rger,dc=x",       "cn=\xc3\xa4rger,dc=x",        true },
	{ "SH2 Greek and Cyrillic of either case",   "cn=\xce\x91\xd0\x94,dc=x",   "cn=\xce\xb1\xd0\xb4,dc=x",    true },
	{ "SH2 the parts of an RDN in either order", "cn=ann+uid=a1,dc=x",         "uid=A1+cn=Ann,dc=x",          true },
	{ "SH2 long names and numbers of types",     "commonName=ann,2.5.4.11=p,dc=x", "cn=ann,ou=p,dc=x",        true },
	{ "SH2 a value in its encoded form",         "cn=#0c03616e6e,dc=x",        "cn=ann,dc=x",                 true },
	{ "another person",                          "cn=ann,dc=x",                "cn=bob,dc=x",                 false },
	{ "an escaped comma is not a new part",      "cn=a\\,ou=b,dc=x",           "cn=a,ou=b,dc=x",              false },
	{ "an escaped equals sign is not a type",    "cn=a\\=b,dc=x",              "cn=a,dc=x",                   false },
	{ "an escaped plus is not a second part",    "cn=a\\+uid=b,dc=x",          "cn=a+uid=b,dc=x",             false },
	{ "a blank inside does count",               "cn=an n,dc=x",               "cn=ann,dc=x",                 false },
	{ "another order of parts is another entry", "cn=ann,ou=a,ou=b",           "cn=ann,ou=b,ou=a",            false },
	{ "the multiplication sign is no letter",    "cn=\xc3\x97,dc=x",           "cn=\xc3\xb7,dc=x",            false },
	{ "a longer name",                           "cn=ann,dc=x",                "cn=ann,dc=x,dc=y",            false },
};

static const struct { const char *says; struct str dn; } bad[] = {
	{ "nothing",           { "", 0 } },
	{ "a word",            { "ann", 3 } },
	{ "no value's end",    { "cn=\"ann", 7 } },
	{ "a NUL inside",      { "cn=an\0n,dc=x", 12 } },
	{ "a lone backslash",  { "cn=ann\\", 7 } },
	{ "a comma too many",  { "cn=ann,,dc=x", 12 } },
};

static const struct { const char *says; struct str value; const char *filter; } filters[] = {
	{ "SH3 a plain value",         { "ann", 3 },         "(uid=ann)" },
	{ "SH3 a star is no wildcard", { "a*", 2 },          "(uid=a\\2A)" },
	{ "SH3 brackets stay inside",  { "a)(uid=*", 8 },    "(uid=a\\29\\28uid=\\2A)" },
	{ "SH3 a backslash",           { "a\\b", 3 },        "(uid=a\\5Cb)" },
	{ "SH3 a NUL",                 { "a\0b", 3 },        "(uid=a\\00b)" },
	{ "SH3 bytes over 127",        { "\xc3\xbc", 2 },    "(uid=\\C3\\BC)" },
	{ "SH3 nothing",               { "", 0 },            "(uid=)" },
};
/* clang-format on */

START_TEST(sh1_sh2_same_dn)
{
	struct arena arena = { 0 };
	struct str a = { 0 };
	struct str b = { 0 };

	ck_assert_int_eq(dn_normal(&arena, str_from(pairs[_i].a), &a), DN_OK);
	ck_assert_int_eq(dn_normal(&arena, str_from(pairs[_i].b), &b), DN_OK);
	ck_assert_msg(str_eq(a, b) == pairs[_i].same, "%s: '%.*s' and '%.*s'",
	    pairs[_i].says, STR_ARGS(a), STR_ARGS(b));
	arena_free(&arena);
}
END_TEST

START_TEST(sh1_no_dn)
{
	struct arena arena = { 0 };
	struct str out = { 0 };

	ck_assert_msg(
	    dn_normal(&arena, bad[_i].dn, &out) == DN_BAD, "%s", bad[_i].says);
	arena_free(&arena);
}
END_TEST

START_TEST(sh3_filter_escaped)
{
	struct arena arena = { 0 };
	struct str out = filter_equals(&arena, STR("uid"), filters[_i].value);

	ck_assert_msg(str_eq_fold(out, str_from(filters[_i].filter)),
	    "%s: '%.*s'", filters[_i].says, STR_ARGS(out));
	arena_free(&arena);
}
END_TEST

/* No byte can end the value or widen the match. */
START_TEST(sh3_every_byte)
{
	struct arena arena = { 0 };
	char byte = (char)_i;
	struct str out =
	    filter_equals(&arena, STR("uid"), (struct str){ &byte, 1 });
	struct str inside = { out.ptr + 5, out.len - 6 };

	ck_assert(out.len > 6);
	for (size_t i = 0; i < inside.len; i++)
		ck_assert(memchr("*()", inside.ptr[i], 3) == NULL &&
			  inside.ptr[i] > 0);
	arena_free(&arena);
}
END_TEST

static void
dn_tests(TCase *t)
{
	tcase_add_loop_test(
	    t, sh1_sh2_same_dn, 0, sizeof(pairs) / sizeof(pairs[0]));
	tcase_add_loop_test(t, sh1_no_dn, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_loop_test(
	    t, sh3_filter_escaped, 0, sizeof(filters) / sizeof(filters[0]));
	tcase_add_loop_test(t, sh3_every_byte, 0, 256);
}

UNIT_MAIN("sync_dn", dn_tests)
