/* An nginx configuration is read as nginx reads it, whole or not at all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bounds.h"
#include "nginx/conf.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct arena arena;
static struct faults faults;

static const struct directive *
read_text(struct str text)
{
	return conf_read(&arena, STR("nginx.conf"), &text, &faults);
}

/* "name(arg|arg)@line{…}" of all that is in the block. */
static void
shown(const struct directive *block, FILE *to)
{
	for (const struct directive *d = block->first; d != NULL; d = d->next) {
		fprintf(to, "%.*s(", STR_ARGS(d->name));
		for (size_t i = 0; i < d->args.count; i++)
			fprintf(to, "%s%.*s", i > 0 ? "|" : "",
			    STR_ARGS(d->args.items[i]));
		fprintf(to, ")%d", d->line);
		if (d->is_block) {
			fputs("{", to);
			shown(d, to);
			fputs("}", to);
		}
		fputs(" ", to);
	}
}

static const struct {
	const char *text;
	const char *want; /* NULL: it cannot be read */
} rows[] = {
	{ "", "" },
	{ "a;", "a()1 " },
	{ "a b c;\nd {\n}\n", "a(b|c)1 d()2{} " },
	{ "a { b { c d; } } e;", "a()1{b()1{c(d)1 } } e()1 " },
	{ "a \"b c\" 'd;{}';", "a(b c|d;{})1 " },
	{ "a \"b\\\"c\" 'd\\'e' f\\;g;", "a(b\"c|d'e|f\\;g)1 " },
	{ "a ''  \"\";", "a(|)1 " },
	{ "a b#c; # d;\ne;", "a(b#c)1 e()2 " },
	{ "# a { \n#\nb;", "b()3 " },
	{ "a ${b}c $d{ e; }", "a(${b}c|$d)1{e()1 } " },
	{ "a\n  b\n  c;", "a(b|c)1 " },
	{ "if ($a = \"b\") { c; }", "if(($a|=|b|))1{c()1 } " },
	{ "a_by_lua_block { x = \"}\" -- }\n y = { } } b;",
	    "a_by_lua_block()1{} b()2 " },
	{ "a_by_lua_block { [==[ } ]] ]==] } b;", "a_by_lua_block()1{} b()1 " },
	{ "a", NULL },
	{ "a {", NULL },
	{ "}", NULL },
	{ "a; }", NULL },
	{ "a }", NULL },
	{ ";", NULL },
	{ "{ }", NULL },
	{ "a \"b;", NULL },
	{ "a \"b\"c;", NULL },
	{ "a_by_lua_block { {", NULL },
	{ "include;", NULL },
	{ "include /nonexistent/file;", NULL },
	{ "include /nonexistent/*;", "" },
};

START_TEST(it_is_read_as_nginx_does)
{
	const struct directive *root = read_text(str_from(rows[_i].text));
	char *text = NULL;
	size_t len = 0;
	FILE *to;

	ck_assert_msg(
	    (root == NULL) == (rows[_i].want == NULL), "%s", rows[_i].text);
	ck_assert_msg(
	    (root == NULL) == (faults.count > 0), "%s", rows[_i].text);
	if (root == NULL)
		return;
	to = open_memstream(&text, &len);
	shown(root, to);
	fclose(to);
	ck_assert_str_eq(text, rows[_i].want);
	free(text);
}
END_TEST

/* --- What nginx -T prints --------------------------------------------------
 */

START_TEST(a_dump_is_its_files)
{
	const struct directive *root = read_text(
	    STR("nginx: the configuration file /n/nginx.conf syntax is ok\n"
		"# configuration file /n/nginx.conf:\n"
		"a;\ninclude in/*.conf;\n\n"
		"# configuration file /n/in/one.conf:\n\n"
		"b {\n include other;\n}\n\n"
		"# configuration file /n/other:\nc;\n\n"));
	const struct directive *b;

	ck_assert_ptr_nonnull(root);
	ck_assert(str_eq(root->file, STR("/n/nginx.conf")));
	ck_assert_int_eq(conf_own(root, "a")->line, 1);
	b = conf_own(root, "b");
	ck_assert(str_eq(b->file, STR("/n/in/one.conf")));
	ck_assert_int_eq(b->line, 2);
	ck_assert(str_eq(conf_own(b, "c")->file, STR("/n/other")));
}
END_TEST

/* A comment in a file may read like a mark: what stands behind it is not lost
 * without a word. */
START_TEST(a_dump_with_a_file_of_nobody_is_refused)
{
	const char *const texts[] = {
		"# configuration file /n/nginx.conf:\ninclude in/*.conf;\n"
		"# configuration file /n/in/sub/no.conf:\nd;\n",
		"# configuration file /n/nginx.conf:\ninclude a;\n"
		"# configuration file /n/a:\nb;\n"
		"# configuration file /n/a:\nc;\n",
		"# configuration file /n/nginx.conf:\na;\n"
		"# configuration file /n/nginx.conf:\nb;\n",
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		ck_assert_ptr_null(read_text(str_from(texts[i])));
		ck_assert_uint_eq(faults.count, 1);
		ck_assert_str_eq(faults.items[0].code, "nginx_include");
		faults_free(&faults);
		faults = (struct faults){ 0 };
	}
}
END_TEST

START_TEST(a_dump_without_a_file_is_refused)
{
	ck_assert_ptr_null(read_text(STR(
	    "# configuration file /n/nginx.conf:\ninclude /etc/passwd;\n")));
	ck_assert_str_eq(faults.items[0].code, "nginx_include");
}
END_TEST

/* --- Bounds ----------------------------------------------------------------
 */

static struct str
repeated(const char *before, const char *each, size_t times, const char *behind)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);
	struct str copy;

	fputs(before, to);
	for (size_t i = 0; i < times; i++)
		fputs(each, to);
	fputs(behind, to);
	fclose(to);
	copy = str_copy(&arena, (struct str){ text, len });
	free(text);
	return copy;
}

static void
is_over(struct str within, struct str over)
{
	ck_assert_ptr_nonnull(read_text(within));
	ck_assert_ptr_null(read_text(over));
	ck_assert_str_eq(faults.items[0].code, "nginx_too_large");
}

static struct str
nested(size_t depth)
{
	struct str open = repeated("", "a {", depth, "");
	struct str close = repeated("", "}", depth, "");

	return str_fmt(&arena, "%.*s%.*s", STR_ARGS(open), STR_ARGS(close));
}

START_TEST(over_a_bound_the_whole_is_refused)
{
	switch (_i) {
	case 0:
		is_over(repeated("a", " b", NGINX_WORDS_MAX - 1, ";"),
		    repeated("a", " b", NGINX_WORDS_MAX, ";"));
		break;
	case 1:
		is_over(nested(NGINX_DEPTH_MAX), nested(NGINX_DEPTH_MAX + 1));
		break;
	case 2:
		is_over(repeated("", "a;", NGINX_DIRECTIVES_MAX, ""),
		    repeated("", "a;", NGINX_DIRECTIVES_MAX + 1, ""));
		break;
	case 3:
		is_over(repeated("#", "x", NGINX_BYTES_MAX - 1, ""),
		    repeated("#", "x", NGINX_BYTES_MAX, ""));
		break;
	default:
		break;
	}
}
END_TEST

START_TEST(an_include_of_itself_ends)
{
	char path[] = "/tmp/rolegate-conf.XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	dprintf(fd, "include %s;\n", path);
	close(fd);
	ck_assert_ptr_null(conf_read(&arena, str_from(path), NULL, &faults));
	ck_assert_str_eq(faults.items[0].code, "nginx_too_large");
	unlink(path);
}
END_TEST

START_TEST(a_NUL_is_refused)
{
	ck_assert_ptr_null(read_text((struct str){ "a;\0b;", 5 }));
	ck_assert_str_eq(faults.items[0].code, "nginx_syntax");
}
END_TEST

static void
teardown(void)
{
	faults_free(&faults);
	arena_free(&arena);
	faults = (struct faults){ 0 };
}

static void
tests(TCase *t)
{
	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_loop_test(t, it_is_read_as_nginx_does, 0, COUNT(rows));
	tcase_add_test(t, a_dump_is_its_files);
	tcase_add_test(t, a_dump_without_a_file_is_refused);
	tcase_add_test(t, a_dump_with_a_file_of_nobody_is_refused);
	tcase_add_loop_test(t, over_a_bound_the_whole_is_refused, 0, 4);
	tcase_add_test(t, an_include_of_itself_ends);
	tcase_add_test(t, a_NUL_is_refused);
}

UNIT_MAIN("nginx conf", tests)
