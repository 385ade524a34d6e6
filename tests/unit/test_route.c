/* test_route.c - which route takes a request, and every fault of a file. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/bounds.h"
#include "model/route.h"

#define S(literal)                           \
	{                                    \
		literal, sizeof(literal) - 1 \
	}
#define COUNT(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

/* --- Finding ------------------------------------------------------------- */

/* clang-format off */
static const char *const maps[] = {
	/* MAP_SITE */
	"routes:\n"
	"  - {method: GET, path: /admin/**, permission: admin.view}\n"
	"  - {method: '*', path: /admin/**, permission: admin.edit}\n"
	"  - {method: GET, path: '/accounts/{account}/users', permission: users.view}\n"
	"  - {method: [POST, PUT], path: '/accounts/{account}/users', permission: users.add}\n"
	"  - {method: GET, path: '/accounts/{account}/*/raw', permission: raw.view}\n"
	"  - {method: '*', path: /shop, permission: shop.use, account: net}\n"
	"  - {method: PROPFIND, path: /dav/**, permission: dav.use}\n"
	"  - {method: GET, path: /, permission: home.view}\n"
	"  - {method: GET, path: /Old/**, permission: old.view, case: fold}\n"
	"  - {method: GET, path: /my files/*, permission: files.view}\n",
	/* MAP_CATCHES_ALL */
	"routes:\n"
	"  - {method: '*', path: '/accounts/{account}/users', permission: users.view}\n"
	"  - {method: '*', path: '/accounts/{account}/**', permission: accounts.view, case: fold}\n"
	"  - {method: '*', path: /**, permission: any.view}\n",
	/* MAP_EMPTY */
	"routes: []\n",
};
/* clang-format on */
enum which { MAP_SITE, MAP_CATCHES_ALL, MAP_EMPTY };

struct find_row {
	const char *says;
	enum which map;
	struct str method;
	struct str path;
	int line; /* 0: no route */
	const char *permission;
	const char *account;
};

#define ID_32  "abcdefghijklmnopqrstuvwxyz012345"
#define ID_128 ID_32 ID_32 ID_32 ID_32

/* clang-format off */
static const struct find_row find_rows[] = {
	{ "a path below",                              MAP_SITE, S("GET"),  S("/admin/x"), 2, "admin.view", "" },
	{ "** takes several segments",                 MAP_SITE, S("GET"),  S("/admin/x/y/z"), 2, "admin.view", "" },
	{ "** takes a slash at the end",               MAP_SITE, S("GET"),  S("/admin/"), 2, "admin.view", "" },
	{ "** takes nothing as well",                  MAP_SITE, S("GET"),  S("/admin"), 2, "admin.view", "" },
	{ "T13 ** begins at a slash",                  MAP_SITE, S("GET"),  S("/administrator"), 0, NULL, NULL },
	{ "T1 role B's way to /admin is admin's route", MAP_CATCHES_ALL, S("GET"), S("/accounts/a/users"), 2, "users.view", "a" },
	{ "the first route that fits decides",         MAP_SITE, S("POST"), S("/admin/x"), 3, "admin.edit", "" },
	{ "T44 HEAD follows GET",                      MAP_SITE, S("HEAD"), S("/admin/x"), 2, "admin.view", "" },
	{ "T44 HEAD follows GET, with the account",    MAP_SITE, S("HEAD"), S("/accounts/sales/users"), 4, "users.view", "sales" },
	{ "T44 HEAD does not follow POST",             MAP_SITE, S("HEAD"), S("/dav/x"), 0, NULL, NULL },
	{ "T44 OPTIONS is a method as any",            MAP_SITE, S("OPTIONS"), S("/accounts/sales/users"), 0, NULL, NULL },
	{ "T44 OPTIONS is among the common ones",      MAP_SITE, S("OPTIONS"), S("/admin/x"), 3, "admin.edit", "" },
	{ "T45 * is not FOO",                          MAP_SITE, S("FOO"),  S("/admin/x"), 0, NULL, NULL },
	{ "T45 * is not PROPFIND",                     MAP_SITE, S("PROPFIND"), S("/admin/x"), 0, NULL, NULL },
	{ "T45 * is not PRI",                          MAP_CATCHES_ALL, S("PRI"), S("/x"), 0, NULL, NULL },
	{ "T45 * is not TRACE",                        MAP_CATCHES_ALL, S("TRACE"), S("/x"), 0, NULL, NULL },
	{ "T45 * is not CONNECT",                      MAP_CATCHES_ALL, S("CONNECT"), S("/x"), 0, NULL, NULL },
	{ "T45 PROPFIND where it is listed",           MAP_SITE, S("PROPFIND"), S("/dav/x"), 8, "dav.use", "" },
	{ "T45 methods are in capitals",               MAP_SITE, S("get"),  S("/admin/x"), 0, NULL, NULL },
	{ "T45 no method",                             MAP_CATCHES_ALL, S(""), S("/x"), 0, NULL, NULL },
	{ "T45 a star as a method",                    MAP_CATCHES_ALL, S("*"), S("/x"), 0, NULL, NULL },
	{ "T45 a method with something behind",        MAP_SITE, S("GET "), S("/admin/x"), 0, NULL, NULL },
	{ "T45 a method with NUL behind",              MAP_SITE, S("GET\0"), S("/admin/x"), 0, NULL, NULL },
	{ "each method of a list, the first",          MAP_SITE, S("POST"), S("/accounts/sales/users"), 5, "users.add", "sales" },
	{ "each method of a list, the second",         MAP_SITE, S("PUT"),  S("/accounts/sales/users"), 5, "users.add", "sales" },
	{ "no method that is not listed",              MAP_SITE, S("PATCH"), S("/accounts/sales/users"), 0, NULL, NULL },
	{ "* takes one segment",                       MAP_SITE, S("GET"),  S("/accounts/sales/x/raw"), 6, "raw.view", "sales" },
	{ "* does not take two segments",              MAP_SITE, S("GET"),  S("/accounts/sales/x/y/raw"), 0, NULL, NULL },
	{ "* does not take none",                      MAP_SITE, S("GET"),  S("/accounts/sales/raw"), 0, NULL, NULL },
	{ "* does not take an empty segment",          MAP_SITE, S("GET"),  S("/my files/"), 0, NULL, NULL },
	{ "a slash at the end is another path",        MAP_SITE, S("GET"),  S("/accounts/sales/users/"), 0, NULL, NULL },
	{ "less of a path",                            MAP_SITE, S("GET"),  S("/accounts/sales"), 0, NULL, NULL },
	{ "the root",                                  MAP_SITE, S("GET"),  S("/"), 9, "home.view", "" },
	{ "a path with a blank in it",                 MAP_SITE, S("GET"),  S("/my files/a"), 11, "files.view", "" },
	{ "the route's own account",                   MAP_SITE, S("GET"),  S("/shop"), 7, "shop.use", "net" },
	{ "T13 no rule",                               MAP_SITE, S("GET"),  S("/status"), 0, NULL, NULL },
	{ "T13 no rule in a file without rules",       MAP_EMPTY, S("GET"), S("/"), 0, NULL, NULL },
	{ "T13 a path without a slash",                MAP_CATCHES_ALL, S("GET"), S("x"), 0, NULL, NULL },
	{ "T13 no path",                               MAP_CATCHES_ALL, S("GET"), S(""), 0, NULL, NULL },
	{ "T5 exact case, capital",                    MAP_SITE, S("GET"),  S("/Admin/x"), 0, NULL, NULL },
	{ "T5 exact case, capitals",                   MAP_SITE, S("GET"),  S("/ADMIN/x"), 0, NULL, NULL },
	{ "T5 folded case, small",                     MAP_SITE, S("GET"),  S("/old/x"), 10, "old.view", "" },
	{ "T5 folded case, capitals",                  MAP_SITE, S("GET"),  S("/OLD/X"), 10, "old.view", "" },
	{ "T5 only A-Z are folded",                    MAP_SITE, S("GET"),  S("/\xc5\xbf" "old/x"), 0, NULL, NULL },
	{ "T5 an account's case is never folded",      MAP_CATCHES_ALL, S("GET"), S("/Accounts/Sales/x"), 3, "accounts.view", "Sales" },
	{ "an account of the longest id",              MAP_CATCHES_ALL, S("GET"), S("/accounts/" ID_128 "/users"), 2, "users.view", ID_128 },
	{ "one byte longer is denied, also by /**",    MAP_CATCHES_ALL, S("GET"), S("/accounts/" ID_128 "x/users"), 0, NULL, NULL },
	{ "an account with a blank is denied",         MAP_CATCHES_ALL, S("GET"), S("/accounts/a b/users"), 0, NULL, NULL },
	{ "an account with a control byte is denied",  MAP_CATCHES_ALL, S("GET"), S("/accounts/a\nb/users"), 0, NULL, NULL },
	{ "an account with a NUL is denied",           MAP_CATCHES_ALL, S("GET"), S("/accounts/a\0b/users"), 0, NULL, NULL },
	{ "an account of no UTF-8 is denied",          MAP_CATCHES_ALL, S("GET"), S("/accounts/\xff/users"), 0, NULL, NULL },
	{ "an empty segment is no account",            MAP_CATCHES_ALL, S("GET"), S("/accounts/"), 4, "any.view", "" },
	{ "/** takes the root",                        MAP_CATCHES_ALL, S("GET"), S("/"), 4, "any.view", "" },
	{ "T10 a query is no part of a path",          MAP_SITE, S("GET"),  S("/shop?path=/admin"), 0, NULL, NULL },
};
/* clang-format on */

START_TEST(finding)
{
	const struct find_row *row = &find_rows[_i];
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	struct route_map map = { 0 };
	struct str account = STR("untouched");
	const struct route *route;

	if (!route_map_parse(&arena, STR("routes.yaml"),
		str_from(maps[row->map]), &map, &faults))
		faults_print(&faults, stdout);
	ck_assert_uint_eq(faults.count, 0);
	route = route_find(&map, row->method, row->path, &account);
	ck_assert_msg((route != NULL ? route->line : 0) == row->line,
	    "%s: line %d, not %d", row->says, route != NULL ? route->line : 0,
	    row->line);
	if (route == NULL)
		ck_assert(str_eq(account, STR("untouched")));
	else {
		ck_assert(str_eq(route->permission, str_from(row->permission)));
		ck_assert_msg(str_eq(account, str_from(row->account)),
		    "%s: account '%.*s', not '%s'", row->says,
		    STR_ARGS(account), row->account);
	}
	faults_free(&faults);
	arena_free(&arena);
}
END_TEST

START_TEST(a_zeroed_map_lets_nobody)
{
	struct route_map map = { 0 };
	struct str account = STR("");

	ck_assert_ptr_null(route_find(&map, STR("GET"), STR("/"), &account));
}
END_TEST

/* --- Faults -------------------------------------------------------------- */

struct fault_row {
	const char *says;
	const char *yaml;
	int line;
	int column;
	const char *code; /* NULL: there is none */
};

#define R	  "routes:\n"
#define GET_P	  "  - {method: GET, permission: p, "
#define PATH(p)	  R GET_P "path: '" p "'}\n"
#define METHOD(m) R "  - {path: /, permission: p, method: " m "}\n"
#define TWO(m1, p1, more1, m2, p2, more2)                                    \
	R "  - {permission: p, method: '" m1 "', path: '" p1 "'" more1 "}\n" \
	  "  - {permission: q, method: '" m2 "', path: '" p2 "'" more2 "}\n"

/* clang-format off */
static const struct fault_row fault_rows[] = {
	{ "no list of routes",                     "other: []\n",                       1, 1, "yaml_missing" },
	{ "a key beside the routes",               "routes: []\nother: []\n",           2, 1, "yaml_unknown_key" },
	{ "a list at the top",                     "- a\n",                             1, 1, "yaml_type" },
	{ "routes that are text",                  "routes: /admin\n",                  1, 9, "yaml_type" },
	{ "routes that are a map",                 R "  a: b\n",                        2, 3, "yaml_type" },
	{ "routes that are nothing",               "routes:\n",                         1, 8, "yaml_type" },
	{ "a route that is text",                  R "  - /admin\n",                    2, 5, "yaml_type" },
	{ "an unknown key",                        R GET_P "path: /, acount: a}\n",     2, 43, "yaml_unknown_key" },
	{ "no method",                             R "  - {path: /, permission: p}\n",  2, 5, "yaml_missing" },
	{ "no path",                               R "  - {method: GET, permission: p}\n", 2, 5, "yaml_missing" },
	{ "no permission",                         R "  - {method: GET, path: /}\n",    2, 5, "yaml_missing" },
	{ "a permission with a blank",             R "  - {method: GET, path: /, permission: a b}\n", 2, 40, "text_space" },
	{ "a case that is none",                   R GET_P "path: /, case: no}\n",      2, 49, "yaml_value" },

	{ "a method in small letters",             METHOD("get"),                       2, 38, "route_method" },
	{ "a method with a digit",                 METHOD("GET1"),                      2, 38, "route_method" },
	{ "a method with a blank",                 METHOD("'GET '"),                    2, 38, "route_method" },
	{ "an empty method",                       METHOD("''"),                        2, 38, "route_method" },
	{ "two stars",                             METHOD("'**'"),                      2, 38, "route_method" },
	{ "no method in a list",                   METHOD("[]"),                        2, 38, "route_method" },
	{ "a bad method in a list",                METHOD("[GET, Put]"),                2, 44, "route_method" },
	{ "a map as a method",                     METHOD("{GET: a}"),                  2, 38, "route_method" },
	{ "a method with a dash",                  METHOD("M-SEARCH"),                  0, 0, NULL },
	{ "T45 a method nobody knows",             METHOD("FOO"),                       0, 0, NULL },
	{ "T44 GET and HEAD in one list",          METHOD("[GET, HEAD]"),               0, 0, NULL },
	{ "a method twice in one list",            METHOD("[PUT, PUT]"),                0, 0, NULL },

	{ "a path without a slash",                PATH("admin"),                       2, 40, "route_path" },
	{ "T1 a path with an empty segment",       PATH("//admin"),                     2, 40, "route_path" },
	{ "T1 a path with dots",                   PATH("/a/../b"),                     2, 40, "route_path" },
	{ "T2 a path that is escaped",             PATH("/a%20b"),                      2, 40, "route_path" },
	{ "T3 a path with a semicolon",            PATH("/a;b"),                        2, 40, "route_path" },
	{ "T4 a path with a backslash",            PATH("/a\\b"),                       2, 40, "route_path" },
	{ "T6 a path with a dot at the end",       PATH("/a."),                         2, 40, "route_path" },
	{ "T10 a path with a query",               PATH("/a?b=c"),                      2, 40, "route_path" },
	{ "T10 a path with a fragment",            PATH("/a#b"),                        2, 40, "route_path" },
	{ "a host in front",                       PATH("https://a/b"),                 2, 40, "route_path" },
	{ "a star within a segment",               PATH("/a*"),                         2, 40, "route_path" },
	{ "two stars in the middle",               PATH("/**/a"),                       2, 40, "route_path" },
	{ "two stars before a slash",              PATH("/a/**/"),                      2, 40, "route_path" },
	{ "three stars",                           PATH("/***"),                        2, 40, "route_path" },
	{ "an account within a segment",           PATH("/a-{account}"),                2, 40, "route_path" },
	{ "a word that is not account",            PATH("/{acount}"),                   2, 40, "route_path" },
	{ "an account with a blank",               PATH("/{ account}"),                 2, 40, "route_path" },
	{ "a brace alone",                         PATH("/a}"),                         2, 40, "route_path" },
	{ "two accounts",                          PATH("/{account}/{account}"),        2, 40, "route_path" },
	{ "an account of the path and one beside", R GET_P "path: '/{account}', account: a}\n", 2, 63, "route_account" },
	{ "an account with a blank in it",         R GET_P "path: /, account: a b}\n",  2, 52, "text_space" },
	{ "an account that is too long",           R GET_P "path: /, account: " ID_128 "x}\n", 2, 52, "text_too_long" },
	{ "an account of the longest id",          R GET_P "path: /, account: " ID_128 "}\n", 0, 0, NULL },
	{ "a permission that is too long",         R "  - {method: GET, path: /, permission: " ID_128 "x}\n", 2, 40, "text_too_long" },

	{ "the same route twice",                  TWO("GET", "/a", "", "GET", "/a", ""),            3, 29, "route_unreachable" },
	{ "another method",                        TWO("GET", "/a", "", "PUT", "/a", ""),            0, 0, NULL },
	{ "another path",                          TWO("GET", "/a", "", "GET", "/b", ""),            0, 0, NULL },
	{ "a method behind the star",              TWO("*", "/a", "", "GET", "/a", ""),              3, 29, "route_unreachable" },
	{ "the star behind a method",              TWO("GET", "/a", "", "*", "/a", ""),              0, 0, NULL },
	{ "the star behind the star",              TWO("*", "/a", "", "*", "/a", ""),                3, 29, "route_unreachable" },
	{ "T45 PROPFIND behind the star",          TWO("*", "/a", "", "PROPFIND", "/a", ""),         0, 0, NULL },
	{ "T44 HEAD behind GET",                   TWO("GET", "/a", "", "HEAD", "/a", ""),           3, 29, "route_unreachable" },
	{ "T44 GET behind HEAD",                   TWO("HEAD", "/a", "", "GET", "/a", ""),           0, 0, NULL },
	{ "everything behind /**",                 TWO("*", "/**", "", "GET", "/a/*", ""),           3, 29, "route_unreachable" },
	{ "the root behind /**",                   TWO("*", "/**", "", "GET", "/", ""),              3, 29, "route_unreachable" },
	{ "/a behind /a/**",                       TWO("GET", "/a/**", "", "GET", "/a", ""),         3, 29, "route_unreachable" },
	{ "/a/** behind /a",                       TWO("GET", "/a", "", "GET", "/a/**", ""),         0, 0, NULL },
	{ "/a/** behind /a/*",                     TWO("GET", "/a/*", "", "GET", "/a/**", ""),       0, 0, NULL },
	{ "/b behind /a/**",                       TWO("GET", "/a/**", "", "GET", "/b", ""),         0, 0, NULL },
	{ "a word behind *",                       TWO("GET", "/a/*", "", "GET", "/a/b", ""),        3, 29, "route_unreachable" },
	{ "* behind a word",                       TWO("GET", "/a/b", "", "GET", "/a/*", ""),        0, 0, NULL },
	{ "an account behind *",                   TWO("GET", "/*", "", "GET", "/{account}", ""),    3, 29, "route_unreachable" },
	{ "a word behind an account",              TWO("GET", "/{account}", "", "GET", "/a", ""),    3, 29, "route_unreachable" },
	{ "the root behind *",                     TWO("GET", "/*", "", "GET", "/", ""),             0, 0, NULL },
	{ "more segments than *",                  TWO("GET", "/*", "", "GET", "/a/b", ""),          0, 0, NULL },
	{ "a slash at the end",                    TWO("GET", "/a", "", "GET", "/a/", ""),           0, 0, NULL },
	{ "T5 exact behind folded",                TWO("GET", "/a", ", case: fold", "GET", "/A", ""), 3, 29, "route_unreachable" },
	{ "T5 folded behind exact",                TWO("GET", "/a", "", "GET", "/a", ", case: fold"), 0, 0, NULL },
	{ "T5 folded behind folded",               TWO("GET", "/a", ", case: fold", "GET", "/A", ", case: fold"), 3, 29, "route_unreachable" },
	{ "another account makes no difference",   TWO("GET", "/a", ", account: x", "GET", "/a", ", account: y"), 3, 29, "route_unreachable" },
};
/* clang-format on */

START_TEST(faults_of_a_file)
{
	const struct fault_row *row = &fault_rows[_i];
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	struct route_map map = { 0 };
	bool ok = route_map_parse(
	    &arena, STR("routes.yaml"), str_from(row->yaml), &map, &faults);

	ck_assert_msg(ok == (row->code == NULL), "%s: read %d", row->says, ok);
	ck_assert_int_eq(ok, faults.count == 0);
	if (row->code != NULL) {
		const struct fault *f = &faults.items[0];

		ck_assert_uint_eq(map.count, 0);
		ck_assert_msg(strcmp(f->code, row->code) == 0 &&
				  f->line == row->line &&
				  f->column == row->column,
		    "%s: %d:%d %s, not %d:%d %s", row->says, f->line, f->column,
		    f->code, row->line, row->column, row->code);
	}
	faults_free(&faults);
	arena_free(&arena);
}
END_TEST

START_TEST(all_faults_at_once)
{
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	struct route_map map = { 0 };

	ck_assert(!route_map_parse(&arena, STR("routes.yaml"),
	    STR("routes:\n"
		"  - {method: get, path: /, permission: p}\n"
		"  - {method: GET, path: x, permission: 'a b'}\n"
		"  - {method: GET, path: /y}\n"),
	    &map, &faults));
	ck_assert_uint_eq(faults.count, 4);
	ck_assert_int_eq(faults.items[0].line, 2);
	ck_assert_int_eq(faults.items[1].line, 3);
	ck_assert_int_eq(faults.items[2].line, 3);
	ck_assert_int_eq(faults.items[3].line, 4);
	faults_free(&faults);
	arena_free(&arena);
}
END_TEST

static bool
routes_parse(int count, struct faults *faults)
{
	struct arena arena = { 0 };
	struct route_map map = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	bool ok;

	ck_assert_ptr_nonnull(out);
	fputs("routes:\n", out);
	for (int i = 0; i < count; i++)
		fprintf(out, "- {method: GET, path: /%d, permission: p}\n", i);
	ck_assert_int_eq(fclose(out), 0);
	ok = route_map_parse(&arena, STR("routes.yaml"),
	    (struct str){ text, len }, &map, faults);
	ck_assert_uint_eq(map.count, ok ? (size_t)count : 0);
	free(text);
	arena_free(&arena);
	return ok;
}

START_TEST(as_many_routes_as_the_bound)
{
	struct faults faults = { 0 };

	ck_assert(routes_parse(ROUTES_MAX, &faults));
	ck_assert(!routes_parse(ROUTES_MAX + 1, &faults));
	ck_assert_uint_eq(faults.count, 1);
	ck_assert_str_eq(faults.items[0].code, "routes_many");
	ck_assert_int_eq(faults.items[0].line, ROUTES_MAX + 2);
	faults_free(&faults);
}
END_TEST

START_TEST(files)
{
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	struct route_map map = { 0 };

	if (!route_map_load(
		&arena, STR("packaging/routes.yaml.sample"), &map, &faults))
		faults_print(&faults, stdout);
	ck_assert_uint_eq(faults.count, 0);
	ck_assert_uint_gt(map.count, 0);
	map = (struct route_map){ 0 };
	ck_assert(!route_map_load(&arena, STR("/nowhere.yaml"), &map, &faults));
	ck_assert_uint_gt(faults.count, 0);
	ck_assert_uint_eq(map.count, 0);
	faults_free(&faults);
	arena_free(&arena);
}
END_TEST

static void
tests(TCase *t)
{
	tcase_add_loop_test(t, finding, 0, COUNT(find_rows));
	tcase_add_test(t, a_zeroed_map_lets_nobody);
	tcase_add_loop_test(t, faults_of_a_file, 0, COUNT(fault_rows));
	tcase_add_test(t, all_faults_at_once);
	tcase_add_test(t, as_many_routes_as_the_bound);
	tcase_add_test(t, files);
}

UNIT_MAIN("route", tests)
