/* The line of an nginx configuration that a request gets to. */
#include "nginx/where.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define S(literal)                           \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static const char conf[] = /* */
    "events {}\n"
    "http {\n"
    "server { listen 8080; server_name one.test .two.test; \n"
    "  location / { }\n" /* 4 */
    "  location = /exact { }\n"
    "  location /a/ {\n" /* 6 */
    "    location /a/b/ { }\n"
    "    location ~ \\.inner$ { }\n" /* 8 */
    "  }\n"
    "  location ^~ /static/ { }\n" /* 10 */
    "  location ~ \\.php$ { }\n"
    "  location ~* \\.JPG$ { }\n" /* 12 */
    "  location ~ (?<name>x) { }\n"
    "}\n"
    "server { listen 127.0.0.1:8080 default_server; location /x/ { } }\n" /* 15
									   */
    "server { listen [::1]:8080; server_name *.three.test;\n" /* 16 */
    "  location / { } }\n"
    "server { server_name eighty.test; }\n" /* 18 */
    "server { listen 10.0.0.1; listen unix:/x:8443; server_name ten.test;\n"
    "  location / { } }\n" /* 20 */
    "}\n";

static const struct {
	struct where request;
	int line; /* 0: no server */
} rows[] = {
	{ { S("one.test"), 8080, S("/") }, 4 },
	{ { S("ONE.test"), 8080, S("/other") }, 4 },
	{ { S("two.test"), 8080, S("/exact") }, 5 },
	{ { S("www.two.test"), 8080, S("/exact/") }, 4 },
	{ { S("www.two.test"), 8080, S("/a/x") }, 6 },
	{ { S("one.test"), 8080, S("/a/b/c") }, 7 },
	{ { S("one.test"), 8080, S("/a/x.inner") }, 8 },
	{ { S("one.test"), 8080, S("/static/x.php") }, 10 },
	{ { S("one.test"), 8080, S("/x.php") }, 11 },
	{ { S("one.test"), 8080, S("/a/x.php") }, 11 },
	{ { S("one.test"), 8080, S("/x.jpg") }, 12 },
	{ { S("other.test"), 8080, S("/x/y") }, 15 },
	{ { S("nottwo.test"), 8080, S("/y") }, 15 },
	{ { S("three.test"), 8080, S("/x/") }, 15 },
	{ { S("a.three.test"), 8080, S("/x/") }, 17 },
	{ { S("eighty.test"), 80, S("/x/") }, 18 },
	{ { S("ten.test"), 80, S("/") }, 20 },
	{ { S("ten.test"), 8443, S("/") }, 0 },
};

START_TEST(a_request_gets_to_its_line)
{
	static const struct str text = { conf, sizeof(conf) - 1 };
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	const struct directive *root =
	    conf_read(&arena, STR("nginx.conf"), &text, &faults);
	const struct directive *at;

	ck_assert_ptr_nonnull(root);
	at = nginx_where(root, &rows[_i].request);
	ck_assert_int_eq(at != NULL ? at->line : 0, rows[_i].line);
	faults_free(&faults);
	arena_free(&arena);
}
END_TEST

START_TEST(the_first_of_a_name)
{
	static const struct str text = { conf, sizeof(conf) - 1 };
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	const struct directive *root =
	    conf_read(&arena, STR("nginx.conf"), &text, &faults);

	ck_assert_int_eq(nginx_first(root, "location", "=")->line, 5);
	ck_assert_int_eq(nginx_first(root, "listen", NULL)->line, 3);
	ck_assert_ptr_null(nginx_first(root, "location", "/nowhere"));
	faults_free(&faults);
	arena_free(&arena);
}
END_TEST

static void
tests(TCase *t)
{
	tcase_add_loop_test(t, a_request_gets_to_its_line, 0, COUNT(rows));
	tcase_add_test(t, the_first_of_a_name);
}

UNIT_MAIN("nginx where", tests)
