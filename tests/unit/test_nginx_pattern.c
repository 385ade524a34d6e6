/* What can be told of a regular expression without running it. */
#include "nginx/pattern.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *pattern;
	const char *prefix;
	const char *names; /* with commas between them */
	bool narrow;
	bool one_line;
} rows[] = {
	{ "", "", "", true, true },
	{ "^/open/", "/open/", "", true, true },
	{ "^/open/[a-z]+/", "/open/", "", true, true },
	{ "/open/", "", "", true, true },
	{ "^/ab?c", "/a", "", true, true },
	{ "^/ab*", "/a", "", true, true },
	{ "^/ab{2}", "/a", "", true, true },
	{ "^/ab+", "/ab", "", true, true },
	{ "^/a(b|c)", "/a", "", true, true },
	{ "^/a|/b", "", "", true, true },
	{ "^/a\\|b", "/a", "", true, true },
	{ "\\.css$", "", "", true, true },
	{ "^/u/(?<who>\\d+)/(?P<what>[a-z]+)", "/u/", "who,what", true, true },
	{ "^(?'who'\\w+)$", "", "who", true, true },
	{ "(?<=a)(?<!b)c", "", "", true, true },
	{ "(?<open", "", "", true, true },
	{ "^/a/(.*)$", "/a/", "", false, true },
	{ "^/a/([^/]+)", "/a/", "", false, false },
	{ "^/a/(\\S+)", "/a/", "", false, false },
	{ "^/a/([[:print:]]+)", "/a/", "", false, false },
	{ "(?s)^/a/(.*)$", "", "", false, false },
	{ "(?i)^/a/(.*)$", "", "", false, false },
	{ "(?:a)(.*)", "", "", false, true },
};

START_TEST(it_is_told_of_an_expression)
{
	struct str pattern = str_from(rows[_i].pattern);
	struct str rest = pattern;
	struct str wanted = str_from(rows[_i].names);
	struct str name;
	struct str want;

	ck_assert_msg(
	    str_eq(pattern_prefix(pattern), str_from(rows[_i].prefix)), "%s",
	    rows[_i].pattern);
	while (pattern_name_next(&rest, &name))
		ck_assert_msg(
		    str_next(&wanted, ',', &want) && str_eq(name, want), "%s",
		    rows[_i].pattern);
	ck_assert_msg(wanted.len == 0, "%s", rows[_i].pattern);
	ck_assert_msg(pattern_is_narrow(pattern) == rows[_i].narrow, "%s",
	    rows[_i].pattern);
	ck_assert_msg(pattern_is_one_line(pattern) == rows[_i].one_line, "%s",
	    rows[_i].pattern);
}
END_TEST

START_TEST(a_text_fits)
{
	ck_assert(pattern_fits(STR("^/(a|b)/"), STR("/b/x"), false));
	ck_assert(!pattern_fits(STR("^/(a|b)/"), STR("/c/x"), false));
	ck_assert(!pattern_fits(STR("^/a"), STR("/A"), false));
	ck_assert(pattern_fits(STR("^/a"), STR("/A"), true));
	/* An expression that cannot be read fits nothing. */
	ck_assert(!pattern_fits(STR("("), STR("("), false));
}
END_TEST

static const struct {
	const char *pattern;
	bool plain;
} plain_rows[] = {
	{ "", true },
	{ "\\.(css|js)$", true },
	{ "^/a[a-z?*+]+/", true },
	{ "^/ab?c*", true },
	{ "^/a\\(?b", true },
	{ "\\d", false },
	{ "(a)\\1", false },
	{ "(?:a)", false },
	{ "(?i)a", false },
	{ "a*?", false },
	{ "a++", false },
	{ "a{2}?", false },
	{ "[\\d]", false },
	{ "[[:alpha:]]", false },
};

START_TEST(it_means_the_same_to_both)
{
	ck_assert_msg(pattern_is_plain(str_from(plain_rows[_i].pattern)) ==
			  plain_rows[_i].plain,
	    "%s", plain_rows[_i].pattern);
}
END_TEST

static void
tests(TCase *t)
{
	tcase_add_loop_test(t, it_means_the_same_to_both, 0, COUNT(plain_rows));
	tcase_add_loop_test(t, it_is_told_of_an_expression, 0, COUNT(rows));
	tcase_add_test(t, a_text_fits);
}

UNIT_MAIN("nginx pattern", tests)
