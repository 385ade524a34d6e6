/* test_path.c - which pairs of a path and a raw target are plain. The path of
 * each row is what nginx 1.22 makes of the target; where nginx answers by
 * itself (T8) it is what a broken front might send. */
#include "unit.h"

#include <string.h>

#include "base/bounds.h"
#include "model/path.h"

#define S(literal)                           \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

struct row {
	const char *says;
	struct str path;
	struct str target;
	bool plain;
};

/* clang-format off */
static const struct row rows[] = {
	{ "the root",                                   S("/"),                S("/"),                          true },
	{ "a path",                                     S("/admin/x"),         S("/admin/x"),                   true },
	{ "a slash at the end",                         S("/admin/"),          S("/admin/"),                    true },
	{ "a dot inside",                               S("/a.b/.well-known"), S("/a.b/.well-known"),           true },
	{ "a dot at the beginning",                     S("/..a/.b"),          S("/..a/.b"),                    true },
	{ "a blank inside, escaped",                    S("/my file"),         S("/my%20file"),                 true },
	{ "a plus is a plus",                           S("/a+b"),             S("/a+b"),                       true },
	{ "a plus is no blank",                         S("/a b"),             S("/a+b"),                       false },
	{ "harmless marks",                             S("/a~b!$&'()*,:@=-_"), S("/a~b!$&'()*,:@=-_"),         true },
	{ "UTF-8, escaped",                             S("/caf\xc3\xa9"),     S("/caf%C3%a9"),                 true },
	{ "UTF-8, bare",                                S("/caf\xc3\xa9"),     S("/caf\xc3\xa9"),               true },

	/* T1: role B reaches /admin/ by none of the eight; the seventh is a
	 * harmless escape and is judged by the route of /admin/. */
	{ "T1 an empty segment in front",               S("/admin/x"),         S("//admin/x"),                  false },
	{ "T1 a dot segment",                           S("/admin/x"),         S("/./admin/x"),                 false },
	{ "T1 two dots",                                S("/admin/x"),         S("/pub/../admin/x"),            false },
	{ "T1 two dots, escaped",                       S("/admin/x"),         S("/pub/%2e%2e/admin/x"),        false },
	{ "T1 two dots and an escaped slash",           S("/admin/x"),         S("/pub/..%2fadmin/x"),          false },
	{ "T1 escaped slashes on both sides",           S("/admin/x"),         S("/pub%2f..%2fadmin/x"),        false },
	{ "T1 an escaped letter is the same path",      S("/admin/x"),         S("/%61dmin/x"),                 true },
	{ "T1 an escaped slash",                        S("/admin/x"),         S("/admin%2fx"),                 false },
	{ "T1 an escaped slash in capitals",            S("/admin/x"),         S("/admin%2Fx"),                 false },
	{ "T1 an escaped slash that was left alone",    S("/admin%2fx"),       S("/admin%2fx"),                 false },
	{ "T1 what nginx cleaned, raw and path alike",  S("/pub/../admin/x"),  S("/pub/../admin/x"),            false },
	{ "T1 an empty segment, raw and path alike",    S("//admin/x"),        S("//admin/x"),                  false },
	{ "T1 an empty segment inside",                 S("/admin//x"),        S("/admin//x"),                  false },
	{ "T1 an empty segment at the end",             S("/admin//"),         S("/admin//"),                   false },
	{ "T1 nothing but empty segments",              S("//"),               S("//"),                         false },
	{ "T1 an empty segment that was merged",        S("/admin/"),          S("/admin//"),                   false },

	{ "T2 dots, escaped twice",                     S("/pub/%2e%2e/admin/x"), S("/pub/%252e%252e/admin/x"), false },
	{ "T2 a letter, escaped twice",                 S("/%61dmin/x"),       S("/%2561dmin/x"),               false },
	{ "T2 a percent sign alone",                    S("/100%"),            S("/100%25"),                    false },
	{ "T2 the path was decoded twice",              S("/admin/x"),         S("/%2561dmin/x"),               false },
	{ "T2 the path was not decoded",                S("/%61dmin/x"),       S("/%61dmin/x"),                 false },

	{ "T3 a parameter without a name",              S("/admin;/x"),        S("/admin;/x"),                  false },
	{ "T3 a parameter",                             S("/admin;a=b/x"),     S("/admin;a=b/x"),               false },
	{ "T3 a parameter on two dots",                 S("/pub/..;/admin/x"), S("/pub/..;/admin/x"),           false },
	{ "T3 an escaped semicolon",                    S("/admin;/x"),        S("/admin%3b/x"),                false },

	{ "T4 a backslash",                             S("/admin\\x"),        S("/admin\\x"),                  false },
	{ "T4 two dots between backslashes",            S("/pub\\..\\admin/x"), S("/pub\\..\\admin/x"),         false },
	{ "T4 an escaped backslash",                    S("/admin\\x"),        S("/admin%5cx"),                 false },

	{ "T5 another case is another path, plainly",   S("/Admin/x"),         S("/Admin/x"),                   true },
	{ "T5 path and target of different case",       S("/admin/x"),         S("/Admin/x"),                   false },

	{ "T6 a dot behind a segment",                  S("/admin./x"),        S("/admin./x"),                  false },
	{ "T6 a dot behind the last segment",           S("/admin."),          S("/admin."),                    false },
	{ "T6 an escaped dot behind a segment",         S("/admin./x"),        S("/admin%2e/x"),                false },
	{ "T6 three dots",                              S("/.../x"),           S("/.../x"),                     false },
	{ "T6 a blank behind a segment",                S("/admin /x"),        S("/admin%20/x"),                false },
	{ "T6 a blank behind the last segment",         S("/admin "),          S("/admin%20"),                  false },
	{ "T6 a bare blank",                            S("/a b"),             S("/a b"),                       false },
	{ "T6 a line feed",                             S("/admin\n/x"),       S("/admin%0a/x"),                false },
	{ "T6 a carriage return",                       S("/admin\r/x"),       S("/admin%0d/x"),                false },
	{ "T6 a tab",                                   S("/admin\t/x"),       S("/admin%09/x"),                false },
	{ "T6 DEL",                                     S("/admin\x7f/x"),     S("/admin%7f/x"),                false },
	{ "T6 a control character of C1",               S("/a\xc2\x85" "b"),   S("/a%c2%85b"),                  false },
	{ "T6 a line separator",                        S("/a\xe2\x80\xa8" "b"), S("/a%e2%80%a8b"),             false },
	{ "T6 an overlong slash",                       S("/admin\xc0\xaf" "x"), S("/admin%c0%afx"),            false },
	{ "T6 an overlong dot",                         S("/\xc0\xae\xc0\xae/x"), S("/%c0%ae%c0%ae/x"),         false },
	{ "T6 half a character",                        S("/a\xc3"),           S("/a%c3"),                      false },
	{ "T6 a surrogate",                             S("/\xed\xa0\x80"),    S("/%ed%a0%80"),                 false },

	{ "T7 a parameter, then dots",                  S("/admin/y"),         S("/admin/x;/../y"),             false },
	{ "T7 two dots at the end",                     S("/"),                S("/admin/.."),                  false },
	{ "T7 one dot at the end",                      S("/admin/"),          S("/admin/."),                   false },
	{ "T7 one escaped dot at the end",              S("/admin/"),          S("/admin/%2e"),                 false },

	{ "T8 NUL",                                     S("/admin\0/x"),       S("/admin%00/x"),                false },
	{ "T8 a bare NUL",                              S("/admin\0/x"),       S("/admin\0/x"),                 false },
	{ "T8 an escape without digits",                S("/%zz"),             S("/%zz"),                       false },
	{ "T8 an escape that decoded to nothing",       S("/"),                S("/%zz"),                       false },
	{ "T8 an escape of one digit",                  S("/a"),               S("/%6"),                        false },
	{ "T8 a percent sign at the end",               S("/a"),               S("/a%"),                        false },
	{ "T8 a sign for a digit",                      S("/a\x06"),           S("/a%+6"),                      false },
	{ "T8 no path",                                 S(""),                 S("/"),                          false },
	{ "T8 no target",                               S("/"),                S(""),                           false },
	{ "T8 neither",                                 S(""),                 S(""),                           false },
	{ "T8 only a query",                            S("/"),                S("?a=/"),                       false },

	{ "T10 the query is not looked at",             S("/api/private"),     S("/api/private?path=/status"),  true },
	{ "T10 nothing of it, whatever it is",          S("/a"),               S("/a?//../%zz;\\\x01?"),        true },
	{ "T10 a query of nothing",                     S("/a"),               S("/a?"),                        true },
	{ "T10 another path in the query",              S("/status"),          S("/api/private?path=/status"),  false },
	{ "T10 a fragment",                             S("/admin/x"),         S("/admin/x#frag"),              false },
	{ "T10 a fragment of nothing",                  S("/admin/x"),         S("/admin/x#"),                  false },
	{ "T10 a fragment behind the query",            S("/admin/x"),         S("/admin/x?a#frag"),            false },
	{ "T10 an escaped fragment",                    S("/pub#/../admin"),   S("/pub%23/../admin"),           false },
	{ "T10 an escaped number sign",                 S("/c#"),              S("/c%23"),                      false },
	{ "T10 an escaped question mark",               S("/admin?/x"),        S("/admin%3f/x"),                false },

	{ "T11 an absolute target",                     S("/admin/x"),         S("http://evil.test/admin/x"),   false },
	{ "T11 a host where the path should be",        S("/admin/x"),         S("//evil.test/admin/x"),        false },
	{ "T11 the target of OPTIONS *",                S("*"),                S("*"),                          false },
	{ "T11 the target of CONNECT",                  S("app.test:443"),     S("app.test:443"),               false },
	{ "T11 a relative path",                        S("admin/x"),          S("admin/x"),                    false },

	{ "T22 the index of a folder",                  S("/files/index.html"), S("/files/"),                  true },
	{ "T22 the index of all",                       S("/index.php"),       S("/?a=/b"),                     true },
	{ "T22 the index of a folder with escapes",     S("/a b/index.html"),  S("/a%20%62/"),                  true },
	{ "T22 another page of a folder",               S("/files/all.html"),  S("/files/"),                    false },
	{ "T22 the index of a folder in it",            S("/files/a/index.html"), S("/files/"),                 false },
	{ "T22 the index of another folder",            S("/admin/index.html"), S("/files/"),                   false },
	{ "T22 the index of what is no folder",         S("/files/index.html"), S("/files"),                    false },
	{ "T22 a folder by an index' name",             S("/files/index.d/"),  S("/files/"),                    false },
	{ "T22 a name that begins as an index",         S("/files/indexes"),   S("/files/"),                    false },
	{ "T22 an index with two meanings",             S("/files/index.a;b"), S("/files/"),                    false },
	{ "T22 an index whose name ends in a dot",      S("/files/index."),    S("/files/"),                    false },
	{ "T22 a folder by two slashes",                S("/files/index.html"), S("/files//"),                  false },
	{ "T22 a folder by an escaped slash",           S("/files/index.html"), S("/files%2f"),                 false },
	{ "T22 a folder by a dot",                      S("/files/index.html"), S("/files/./"),                 false },
	{ "T18 the path of the asking itself",          S("/_rolegate"),       S("/"),                          false },

	{ "the path is longer than the target",         S("/admin/x"),         S("/admin"),                     false },
	{ "the path is shorter than the target",        S("/admin"),           S("/admin/x"),                   false },
	{ "the path lacks the slash at the end",        S("/admin"),           S("/admin/"),                    false },
	{ "another path",                               S("/public"),          S("/admin"),                     false },
};
/* clang-format on */

START_TEST(paths)
{
	const struct row *row = &rows[_i];

	ck_assert_msg(path_is_plain(row->path, row->target) == row->plain,
	    "%s: must be %s", row->says, row->plain ? "plain" : "ambiguous");
}
END_TEST

START_TEST(T8_no_path_is_longer_than_the_bound)
{
	static char bytes[9000];
	struct str path = { bytes, PATH_MAX_BYTES };

	memset(bytes, 'a', sizeof(bytes));
	bytes[0] = '/';
	ck_assert(path_is_plain(path, path));
	path.len++;
	ck_assert(!path_is_plain(path, path));
	path.len = sizeof(bytes);
	ck_assert(!path_is_plain(path, path));
}
END_TEST

/* Every byte, bare and escaped: only these are plain inside a segment. */
START_TEST(every_byte)
{
	static const char hex[] = "0123456789abcdef";
	char path[] = "/a?b";
	char escaped[] = "/a%00b";
	unsigned char c = (unsigned char)_i;
	bool is_text = c >= 0x20 && c < 0x7f && strchr("%;\\?#/", c) == NULL;

	path[2] = (char)c;
	escaped[3] = hex[c >> 4];
	escaped[4] = hex[c & 15];
	ck_assert_int_eq(
	    path_is_plain((struct str){ path, 4 }, (struct str){ escaped, 6 }),
	    is_text);
	ck_assert_int_eq(
	    path_is_plain((struct str){ path, 4 }, (struct str){ path, 4 }),
	    (is_text && c != ' ') || c == '/');
}
END_TEST

static void
tests(TCase *t)
{
	tcase_add_loop_test(t, paths, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(t, T8_no_path_is_longer_than_the_bound);
	tcase_add_loop_test(t, every_byte, 0, 256);
}

UNIT_MAIN("path", tests)
