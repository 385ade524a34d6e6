/* What stands in targets, forms and multipart bodies, and where a sign-in leads
 * back to. */
#include <string.h>

#include "fcgi/web/form.h"
#include "fcgi/web/limits.h"
#include "fcgi/web/return_to.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* clang-format off */
static const struct {
	const char *says;
	const char *text;
	const char *name;
	const char *want; /* NULL: refused */
} form_rows[] = {
	{ "a value",                            "a=1&b=2",      "b", "2" },
	{ "an empty value",                     "a=&b=2",       "a", "" },
	{ "no '=' at all",                      "a",            "a", "" },
	{ "a name that is not there",           "a=1",          "b", "" },
	{ "plus is a blank",                    "a=1+2",        "a", "1 2" },
	{ "an escape is decoded once",          "a=%2541",      "a", "%41" },
	{ "an escaped name",                    "%61=1",        "a", "1" },
	{ "'=' in a value",                     "a=b=c",        "a", "b=c" },
	{ "empty pairs are left out",           "&&a=1&",       "a", "1" },
	{ "UTF-8",                              "a=%C3%A9",     "a", "\xc3\xa9" },
	{ "nothing",                            "",             "a", "" },
	{ "a name twice",                       "a=1&a=2",      "a", NULL },
	{ "a name twice, once escaped",         "a=1&%61=2",    "a", NULL },
	{ "a cut escape",                       "a=%2",         "a", NULL },
	{ "a lone percent sign",                "a=%",          "a", NULL },
	{ "no hex",                             "a=%zz",        "a", NULL },
	{ "a NUL",                              "a=%00",        "a", NULL },
	{ "a line feed",                        "a=%0a",        "a", NULL },
	{ "no UTF-8",                           "a=%ff",        "a", NULL },
	{ "an overlong form",                   "a=%c0%af",     "a", NULL },
	{ "a raw control character",            "a=\x01",       "a", NULL },
};

static const struct {
	const char *says;
	const char *path;
	const char *want; /* joined by '|'; NULL: refused */
} path_rows[] = {
	{ "segments",                           "/a/b",         "a|b" },
	{ "one",                                "/a",           "a" },
	{ "an escaped slash stays in its place", "/a%2Fb/c",    "a/b|c" },
	{ "decoded once",                       "/%2541",       "%41" },
	{ "plus is a plus",                     "/a+b",         "a+b" },
	{ "dots are text",                      "/../a",        "..|a" },
	{ "the root",                           "/",            NULL },
	{ "an empty segment",                   "/a//b",        NULL },
	{ "a slash at the end",                 "/a/",          NULL },
	{ "no slash",                           "a",            NULL },
	{ "nothing",                            "",             NULL },
	{ "a NUL",                              "/a%00",        NULL },
	{ "as many as there may be",            "/1/2/3/4/5/6/7/8/9/a/b/c/d/e/f/g", "1|2|3|4|5|6|7|8|9|a|b|c|d|e|f|g" },
	{ "one more",                           "/1/2/3/4/5/6/7/8/9/a/b/c/d/e/f/g/h", NULL },
};

#define PART(name, text) "--x\r\nContent-Disposition: form-data; " name "\r\n\r\n" text "\r\n"
static const struct {
	const char *says;
	const char *type;
	const char *body;
	const char *want; /* the bytes of the part "file"; NULL: refused */
} part_rows[] = {
	{ "a part",                     "multipart/form-data; boundary=x", PART("name=\"file\"", "abc") "--x--", "abc" },
	{ "a quoted boundary",          "multipart/form-data; boundary=\"x\"", PART("name=\"file\"", "abc") "--x--\r\n", "abc" },
	{ "with the name of a file",    "multipart/form-data; boundary=x", PART("name=file; filename=\"a.csv\"", "abc") "--x--", "abc" },
	{ "behind another one",         "multipart/form-data; boundary=x", PART("name=\"a\"", "1") PART("name=\"file\"", "abc") "--x--", "abc" },
	{ "an empty one",               "multipart/form-data; boundary=x", PART("name=\"file\"", "") "--x--", "" },
	{ "line ends in it",            "multipart/form-data; boundary=x", PART("name=\"file\"", "a\r\n\r\nb\r\n") "--x--", "a\r\n\r\nb\r\n" },
	{ "what looks like an end",     "multipart/form-data; boundary=x", PART("name=\"file\"", "--x--") "--x--", "--x--" },
	{ "no boundary",                "multipart/form-data", PART("name=\"file\"", "abc") "--x--", NULL },
	{ "an empty boundary",          "multipart/form-data; boundary=", PART("name=\"file\"", "abc") "--x--", NULL },
	{ "a boundary of 71 bytes",     "multipart/form-data; boundary=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "--x--", NULL },
	{ "a foreign boundary",         "multipart/form-data; boundary=y", PART("name=\"file\"", "abc") "--x--", NULL },
	{ "no end",                     "multipart/form-data; boundary=x", PART("name=\"file\"", "abc"), NULL },
	{ "no end of headers",          "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"file\"\r\n", NULL },
	{ "no name",                    "multipart/form-data; boundary=x", PART("filename=\"a\"", "abc") "--x--", NULL },
	{ "an empty name",              "multipart/form-data; boundary=x", PART("name=\"\"", "abc") "--x--", NULL },
	{ "a boundary that goes on",    "multipart/form-data; boundary=x", "--xy\r\n" PART("name=\"file\"", "abc") "--x--", NULL },
	{ "something before it",        "multipart/form-data; boundary=x", "preamble\r\n" PART("name=\"file\"", "abc") "--x--", NULL },
	{ "nothing",                    "multipart/form-data; boundary=x", "", NULL },
};

static const struct {
	const char *says;
	const char *wanted;
	const char *want;
} return_rows[] = {
	{ "a path",                     "/a/b?c=d",                   "/a/b?c=d" },
	{ "the root",                   "/",                          "/" },
	{ "our own origin",             "https://app.example.org",    "https://app.example.org" },
	{ "... and a path of it",       "https://app.example.org/a",  "https://app.example.org/a" },
	{ "a listed origin",            "https://two.example.org/a",  "https://two.example.org/a" },
	{ "A5 another host",            "https://evil.example/",      "/" },
	{ "A5 no scheme",               "//evil.example/",            "/" },
	{ "A5 three slashes",           "///evil.example/",           "/" },
	{ "A5 a backslash",             "/\\evil.example/",           "/" },
	{ "A5 a longer host",           "https://app.example.org.evil.example", "/" },
	{ "A5 userinfo",                "https://app.example.org@evil.example", "/" },
	{ "A5 another port",            "https://app.example.org:444/", "/" },
	{ "A5 another scheme",          "http://app.example.org/",    "/" },
	{ "A5 two slashes behind it",   "https://app.example.org//evil.example", "/" },
	{ "A5 a script",                "javascript:alert(1)",        "/" },
	{ "A5 CR LF",                   "/a\r\nLocation: //x",        "/" },
	{ "A5 a tab",                   "/\t/evil.example",           "/" },
	{ "A5 a blank in front",        " //evil.example",            "/" },
	{ "A5 beyond ASCII",            "/\xe2\x80\xa8/evil.example", "/" },
	{ "nothing",                    "",                           "/" },
	{ "no slash",                   "a",                          "/" },
};
/* clang-format on */

START_TEST(forms)
{
	struct arena arena = { 0 };
	struct pairs form = { NULL, 0 };
	struct err err = { 0 };
	const char *want = form_rows[_i].want;
	bool ok = form_read(&arena, str_from(form_rows[_i].text), &form, &err);

	ck_assert_msg(ok == (want != NULL), "%s", form_rows[_i].says);
	ck_assert_msg(ok == (err.kind == ERR_NONE), "%s", form_rows[_i].says);
	if (ok)
		ck_assert_msg(str_eq(form_value(&form, form_rows[_i].name),
				  str_from(want)),
		    "%s", form_rows[_i].says);
	arena_free(&arena);
}
END_TEST

START_TEST(a_form_has_at_most_64_values)
{
	char text[8 * (PAIRS_MAX + 1)] = "";
	struct arena arena = { 0 };
	struct pairs form = { NULL, 0 };
	struct err err = { 0 };

	for (int i = 0; i < PAIRS_MAX; i++)
		sprintf(text + strlen(text), "a%d=&", i);
	ck_assert(form_read(&arena, str_from(text), &form, &err));
	ck_assert_uint_eq(form.count, PAIRS_MAX);
	strcat(text, "z=1");
	ck_assert(!form_read(&arena, str_from(text), &form, &err));
	ck_assert_str_eq(err.code, "form_too_large");
	arena_free(&arena);
}
END_TEST

START_TEST(paths)
{
	struct arena arena = { 0 };
	struct names words = { NULL, 0 };
	struct err err = { 0 };
	const char *want = path_rows[_i].want;
	struct str got = STR("");
	bool ok =
	    path_split(&arena, str_from(path_rows[_i].path), &words, &err);

	ck_assert_msg(ok == (want != NULL), "%s", path_rows[_i].says);
	for (size_t i = 0; ok && i < words.count; i++)
		got = str_fmt(&arena, "%.*s%s%.*s", STR_ARGS(got),
		    i > 0 ? "|" : "", STR_ARGS(words.items[i]));
	if (ok)
		ck_assert_msg(
		    str_eq(got, str_from(want)), "%s", path_rows[_i].says);
	arena_free(&arena);
}
END_TEST

START_TEST(parts)
{
	struct arena arena = { 0 };
	struct parts found = { NULL, 0 };
	struct err err = { 0 };
	const struct part *part;
	const char *want = part_rows[_i].want;
	bool ok = multipart_read(&arena, str_from(part_rows[_i].type),
	    str_from(part_rows[_i].body), &found, &err);

	ck_assert_msg(ok == (want != NULL), "%s", part_rows[_i].says);
	part = ok ? parts_find(&found, "file") : NULL;
	if (ok)
		ck_assert_msg(
		    part != NULL && str_eq(part->bytes, str_from(want)), "%s",
		    part_rows[_i].says);
	arena_free(&arena);
}
END_TEST

START_TEST(a_body_has_at_most_8_parts)
{
	struct arena arena = { 0 };
	struct parts found = { NULL, 0 };
	struct err err = { 0 };
	struct str eight = STR("");
	const struct str type = STR("multipart/form-data; boundary=x");

	for (int i = 0; i < PARTS_MAX; i++)
		eight = str_fmt(
		    &arena, "%.*s" PART("name=\"a\"", "1"), STR_ARGS(eight));
	ck_assert(multipart_read(&arena, type,
	    str_fmt(&arena, "%.*s--x--", STR_ARGS(eight)), &found, &err));
	ck_assert_uint_eq(found.count, PARTS_MAX);
	ck_assert(!multipart_read(&arena, type,
	    str_fmt(&arena, "%.*s" PART("name=\"a\"", "1") "--x--",
		STR_ARGS(eight)),
	    &found, &err));
	arena_free(&arena);
}
END_TEST

START_TEST(returns)
{
	const struct str listed[] = { STR("https://two.example.org") };
	const struct config_web config = {
		.origin = STR("https://app.example.org"),
		.return_origins = { listed, 1 },
	};
	struct str got = return_to(&config, str_from(return_rows[_i].wanted));

	ck_assert_msg(str_eq(got, str_from(return_rows[_i].want)), "%s",
	    return_rows[_i].says);
}
END_TEST

START_TEST(what_was_encoded_decodes_to_the_same)
{
	struct arena arena = { 0 };
	struct pairs form = { NULL, 0 };
	struct err err = { 0 };
	const struct str text = STR("/a b?c=d&e=%2f+\xc3\xa9\"<>");
	struct str line =
	    str_fmt(&arena, "to=%.*s", STR_ARGS(percent_encode(&arena, text)));

	ck_assert(form_read(&arena, line, &form, &err));
	ck_assert(str_eq(form_value(&form, "to"), text));
	arena_free(&arena);
}
END_TEST

static void
tests(TCase *t)
{
	tcase_add_loop_test(t, forms, 0, COUNT(form_rows));
	tcase_add_test(t, a_form_has_at_most_64_values);
	tcase_add_loop_test(t, paths, 0, COUNT(path_rows));
	tcase_add_loop_test(t, parts, 0, COUNT(part_rows));
	tcase_add_test(t, a_body_has_at_most_8_parts);
	tcase_add_loop_test(t, returns, 0, COUNT(return_rows));
	tcase_add_test(t, what_was_encoded_decodes_to_the_same);
}

UNIT_MAIN("web_form", tests)
