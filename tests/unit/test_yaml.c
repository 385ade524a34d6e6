/* YAML files: what is read, and where exactly each fault is. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bounds.h"
#include "base/yaml.h"
#include "tests/unit/unit.h"

#define BYTES(literal)                          \
	{                                       \
		"" literal, sizeof(literal) - 1 \
	} /* with any NUL */
#define COUNT(rows) ((int)(sizeof(rows) / sizeof((rows)[0])))

/* One fault where it is expected. */
struct spot {
	int line;
	int column;
	const char *code;
};

#define SPOTS_MAX 6

static void
spots_check(
    const struct faults *faults, const struct spot *want, const char *says)
{
	size_t count = 0;

	while (count < SPOTS_MAX && want[count].code != NULL)
		count++;
	if (faults->count != count)
		faults_print(faults, stderr);
	ck_assert_msg(faults->count == count, "%s: %zu faults, not %zu", says,
	    faults->count, count);
	for (size_t i = 0; i < count; i++) {
		const struct fault *f = &faults->items[i];

		ck_assert_msg(f->line == want[i].line &&
				  f->column == want[i].column &&
				  strcmp(f->code, want[i].code) == 0,
		    "%s: %d:%d %.*s [%s]", says, f->line, f->column,
		    STR_ARGS(f->text), f->code);
		ck_assert_msg(f->text.len > 0 && f->text.len < 300, "%s", says);
	}
}

/* --- The file ------------------------------------------------------------ */

/* clang-format off */
static const struct { const char *says; struct str text; struct spot want[SPOTS_MAX]; } files[] = {
	{ "a map", BYTES("a: 1\nb: 2\n"), { { 0 } } },
	{ "a list", BYTES("- a\n- b\n"), { { 0 } } },
	{ "one word", BYTES("a\n"), { { 0 } } },
	{ "no newline at the end", BYTES("a: 1"), { { 0 } } },
	{ "CRLF", BYTES("a: 1\r\nb:\r\n  - c\r\n"), { { 0 } } },
	{ "a byte order mark in front", BYTES("\xef\xbb\xbf""a: 1\n"), { { 0 } } },
	{ "flow style", BYTES("{a: [1, 2], b: {c: d}}\n"), { { 0 } } },
	{ "a document that says so", BYTES("---\na: 1\n...\n"), { { 0 } } },
	{ "a version", BYTES("%YAML 1.1\n---\na: 1\n"), { { 0 } } },
	{ "other scripts", BYTES("\xc3\xa4: \xe4\xbd\xa0\n"), { { 0 } } },
	{ "a tab in a comment", BYTES("a: 1 #\tb\n"), { { 0 } } },

	{ "an empty file", BYTES(""), { { 1, 1, "yaml_empty" } } },
	{ "a comment alone", BYTES("# a: 1\n\n"), { { 1, 1, "yaml_empty" } } },
	{ "a byte order mark alone", BYTES("\xef\xbb\xbf"), { { 1, 1, "yaml_empty" } } },

	{ "an anchor", BYTES("a: &x 1\n"), { { 1, 4, "yaml_anchor" } } },
	{ "an anchor on a map", BYTES("a: &x {b: c}\n"), { { 1, 4, "yaml_anchor" } } },
	{ "an anchor on a list", BYTES("a: &x [b]\n"), { { 1, 4, "yaml_anchor" } } },
	{ "an alias", BYTES("a: 1\nb: *a\n"), { { 2, 4, "yaml_alias" } } },
	{ "an alias as a key", BYTES("*a : 1\n"), { { 1, 1, "yaml_alias" } } },
	{ "anchor and alias, both at once", BYTES("a: &x 1\nb: *x\n"), { { 1, 4, "yaml_anchor" }, { 2, 4, "yaml_alias" } } },
	{ "a billion laughs", BYTES("a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n"),
	  { { 1, 4, "yaml_anchor" }, { 2, 4, "yaml_anchor" }, { 2, 8, "yaml_alias" }, { 2, 12, "yaml_alias" }, { 3, 5, "yaml_alias" }, { 3, 9, "yaml_alias" } } },
	{ "a merge", BYTES("a:\n  <<: *b\n"), { { 2, 7, "yaml_alias" } } },
	{ "a tag", BYTES("a: !!str 1\n"), { { 1, 4, "yaml_tag" } } },
	{ "a tag of one's own", BYTES("a: !secret b\n"), { { 1, 4, "yaml_tag" } } },
	{ "a tag that says nothing", BYTES("a: ! b\n"), { { 1, 4, "yaml_tag" } } },
	{ "a tag on a map", BYTES("!!map\na: 1\n"), { { 1, 1, "yaml_tag" } } },
	{ "a second document", BYTES("a: 1\n---\nb: 2\n"), { { 2, 1, "yaml_documents" } } },
	{ "a second, empty document", BYTES("a: 1\n---\n"), { { 2, 1, "yaml_documents" } } },

	{ "a key twice", BYTES("a: 1\nb: 2\na: 3\n"), { { 3, 1, "yaml_double_key" } } },
	{ "a key three times", BYTES("a: 1\na: 2\na: 3\n"), { { 2, 1, "yaml_double_key" }, { 3, 1, "yaml_double_key" } } },
	{ "a key twice, once in quotes", BYTES("a: 1\n'a': 2\n"), { { 2, 1, "yaml_double_key" } } },
	{ "a key twice in one line", BYTES("{a: 1, a: 2}\n"), { { 1, 8, "yaml_double_key" } } },
	{ "a key twice below", BYTES("x:\n  a: 1\n  a: 2\n"), { { 3, 3, "yaml_double_key" } } },
	{ "the same key in two maps", BYTES("x: {a: 1}\ny: {a: 1}\n"), { { 0 } } },
	{ "keys that differ by case", BYTES("a: 1\nA: 1\n"), { { 0 } } },
	{ "a list as a key", BYTES("? [a, b]\n: c\n"), { { 1, 3, "yaml_type" } } },
	{ "two maps as keys are no double", BYTES("{a: 1}: b\n{a: 1}: c\n"), { { 1, 1, "yaml_type" }, { 2, 1, "yaml_type" } } },

	{ "a tab before a key", BYTES("a:\n\tb: 1\n"), { { 2, 1, "yaml_syntax" } } },
	{ "a bracket that is not closed", BYTES("a: [b\n"), { { 2, 1, "yaml_syntax" } } },
	{ "a quote that is not closed", BYTES("a: 'b\nc: d\n"), { { 3, 1, "yaml_syntax" } } },
	{ "a value after a value", BYTES("a: b: c\n"), { { 1, 5, "yaml_syntax" } } },
	{ "a line that is none", BYTES("a: 1\nb\nc: 2\n"), { { 3, 1, "yaml_syntax" } } },
	{ "a key that stands too far left", BYTES("a:\n    b: 1\n  c: 2\n"), { { 3, 3, "yaml_syntax" } } },
	{ "an escape that is none", BYTES("a: \"\\q\"\n"), { { 1, 5, "yaml_syntax" } } },
	{ "an at sign", BYTES("a: @b\n"), { { 1, 4, "yaml_syntax" } } },
	{ "what comes before a syntax error is told too", BYTES("a: *b\na: [\n"), { { 1, 4, "yaml_alias" }, { 3, 1, "yaml_syntax" } } },

	{ "not UTF-8", BYTES("a: 1\nb: x\xff\n"), { { 2, 5, "yaml_not_utf8" } } },
	{ "Latin-1", BYTES("a: M\xfcller\n"), { { 1, 5, "yaml_not_utf8" } } },
	{ "columns are characters", BYTES("\xc3\xa4\xe4\xbd\xa0: \xff\n"), { { 1, 5, "yaml_not_utf8" } } },
	{ "an overlong slash", BYTES("a: \xc0\xaf\n"), { { 1, 4, "yaml_not_utf8" } } },
	{ "a surrogate", BYTES("a: \xed\xa0\x80\n"), { { 1, 4, "yaml_not_utf8" } } },
	{ "a character cut by the end", BYTES("a: \xe2\x82"), { { 1, 4, "yaml_not_utf8" } } },
	{ "UTF-16", BYTES("\xff\xfe""a\0"), { { 1, 1, "yaml_not_utf8" } } },
	{ "a NUL", BYTES("a: b\0c\n"), { { 1, 5, "yaml_control" } } },
	{ "a NUL in a comment", BYTES("# \0\na: 1\n"), { { 1, 3, "yaml_control" } } },
	{ "an escape sequence", BYTES("a: \x1b[2J\n"), { { 1, 4, "yaml_control" } } },
	{ "delete", BYTES("a: \x7f\n"), { { 1, 4, "yaml_control" } } },
	{ "a carriage return hides a key", BYTES("# a\rstore: b\n"), { { 1, 4, "yaml_control" } } },
	{ "two carriage returns", BYTES("a: 1\r\r\n"), { { 1, 5, "yaml_control" } } },
	{ "a carriage return at the end", BYTES("a: 1\r"), { { 1, 5, "yaml_control" } } },
	{ "next line hides a key", BYTES("# a\xc2\x85store: b\n"), { { 1, 4, "yaml_control" } } },
	{ "a line separator hides a key", BYTES("# a\xe2\x80\xa8store: b\n"), { { 1, 4, "yaml_control" } } },
	{ "a byte order mark in the middle", BYTES("a: \xef\xbb\xbf\n"), { { 1, 4, "yaml_control" } } },
	{ "a noncharacter", BYTES("a: \xef\xbf\xbf\n"), { { 1, 4, "yaml_control" } } },
	{ "each bad line is told", BYTES("a: \x01\x02\nb: 1\nc: \xff\n"), { { 1, 4, "yaml_control" }, { 3, 4, "yaml_not_utf8" } } },
};
/* clang-format on */

START_TEST(a_file_is_good_or_its_faults_are_told)
{
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	struct yaml_file out;
	bool ok =
	    yaml_parse(&arena, STR("f.yaml"), files[_i].text, &out, &faults);

	ck_assert_msg(
	    ok == (files[_i].want[0].code == NULL), "%s", files[_i].says);
	spots_check(&faults, files[_i].want, files[_i].says);
	ck_assert_msg(!ok || out.root != NULL, "%s: no root", files[_i].says);
	ck_assert(str_eq(out.path, STR("f.yaml")));
	faults_free(&faults);
	arena_free(&arena);
}
END_TEST

static void
node_is(const struct yaml_node *node, enum yaml_kind kind, int line, int column)
{
	ck_assert_ptr_nonnull(node);
	ck_assert_int_eq(node->kind, kind);
	ck_assert_int_eq(node->line, line);
	ck_assert_int_eq(node->column, column);
}

START_TEST(every_node_knows_its_place)
{
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	struct yaml_file out;
	const struct yaml_node *b;

	ck_assert(yaml_parse(&arena, STR("f"),
	    STR("# comment\na: x\nb:\n  - 'y z'\n  - {k: \"v\"}\n"), &out,
	    &faults));
	node_is(out.root, YAML_MAP, 2, 1);
	ck_assert_uint_eq(out.root->count, 2);
	node_is(&out.root->pairs[0].key, YAML_TEXT, 2, 1);
	node_is(yaml_get(out.root, "a"), YAML_TEXT, 2, 4);
	b = yaml_get(out.root, "b");
	node_is(b, YAML_LIST, 4, 3);
	ck_assert_uint_eq(b->count, 2);
	node_is(&b->items[0], YAML_TEXT, 4, 5);
	ck_assert(str_eq(b->items[0].text, STR("y z")));
	node_is(&b->items[1], YAML_MAP, 5, 5);
	node_is(yaml_get(&b->items[1], "k"), YAML_TEXT, 5, 9);
	ck_assert_ptr_null(yaml_get(out.root, "c"));
	ck_assert_ptr_null(yaml_get(NULL, "a"));
	ck_assert_ptr_null(yaml_get(b, "a"));
	arena_free(&arena);
}
END_TEST

START_TEST(every_scalar_is_text)
{
	static const char *const words[] = { "yes", "no", "on", "null", "~",
		"1e3", "0x10", "010", "1_000", "12:30:45", "2027-01-01", ".inf",
		"<<", "=" };
	struct arena arena = { 0 };
	struct faults faults = { 0 };

	for (int i = 0; i < COUNT(words); i++) {
		struct yaml_file out;

		ck_assert(yaml_parse(&arena, STR("f"),
		    str_fmt(&arena, "a: %s\n", words[i]), &out, &faults));
		ck_assert(
		    str_eq(yaml_get(out.root, "a")->text, str_from(words[i])));
	}
	arena_free(&arena);
}
END_TEST

START_TEST(a_file_of_CONFIG_FILE_MAX_and_one_byte_more)
{
	static char text[CONFIG_FILE_MAX + 1];
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	struct yaml_file out;

	memset(text, '#', sizeof(text));
	memcpy(text, "a: 1\n", 5);
	ck_assert(yaml_parse(&arena, STR("f"),
	    (struct str){ text, CONFIG_FILE_MAX }, &out, &faults));
	ck_assert(!yaml_parse(&arena, STR("f"),
	    (struct str){ text, CONFIG_FILE_MAX + 1 }, &out, &faults));
	ck_assert_str_eq(faults.items[0].code, "yaml_too_large");
	ck_assert_ptr_null(out.root);
	faults_free(&faults);
	arena_free(&arena);
}
END_TEST

static void
nested(int levels, bool want)
{
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	struct yaml_file out;
	char text[200];

	memset(text, '[', (size_t)levels);
	memset(text + levels, ']', (size_t)levels);
	ck_assert(yaml_parse(&arena, STR("f"),
		      (struct str){ text, (size_t)levels * 2 }, &out,
		      &faults) == want);
	if (!want) {
		const struct spot spots[SPOTS_MAX] = { { 1, YAML_DEPTH_MAX + 1,
		    "yaml_depth" } };

		spots_check(&faults, spots, "too deep");
	}
	faults_free(&faults);
	arena_free(&arena);
}

START_TEST(lists_in_lists_to_YAML_DEPTH_MAX_and_one_more)
{
	nested(1, true);
	nested(YAML_DEPTH_MAX, true);
	nested(YAML_DEPTH_MAX + 1, false);
	nested(100, false);
}
END_TEST

START_TEST(faults_without_end_are_counted)
{
	static char text[CONFIG_FILE_MAX];
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	struct yaml_file out;

	for (size_t i = 0; i < sizeof(text); i += 2)
		memcpy(text + i, "\x01\n", 2);
	ck_assert(!yaml_parse(&arena, STR("f"),
	    (struct str){ text, sizeof(text) }, &out, &faults));
	ck_assert_uint_eq(faults.count, sizeof(text) / 2);
	ck_assert_uint_eq(faults.kept, FAULTS_MAX);
	faults_free(&faults);
	arena_free(&arena);
}
END_TEST

START_TEST(memory_that_is_out_is_a_fault)
{
	const struct str text = STR("a: [b, {c: d}, e]\nf: g\nh: i\n");

	for (size_t max = 16; max < 1024; max += 16) {
		struct arena arena = { .max_bytes = max };
		struct faults faults = { 0 };
		struct yaml_file out;
		bool ok = yaml_parse(&arena, STR("f"), text, &out, &faults);

		ck_assert_msg(ok == (faults.count == 0), "%zu", max);
		ck_assert_msg(ok == (out.root != NULL), "%zu", max);
		if (!ok)
			ck_assert_str_eq(faults.items[0].code, "no_memory");
		faults_free(&faults);
		arena_free(&arena);
	}
}
END_TEST

START_TEST(a_file_that_cannot_be_read)
{
	static const char *const paths[] = { "/no/such/file", "/" };
	struct arena arena = { 0 };

	for (int i = 0; i < COUNT(paths); i++) {
		struct faults faults = { 0 };
		struct yaml_file out;

		ck_assert(
		    !yaml_load(&arena, str_from(paths[i]), &out, &faults));
		ck_assert_uint_eq(faults.count, 1);
		ck_assert_str_eq(faults.items[0].code, "file_read");
		ck_assert_int_eq(faults.items[0].line, 0);
		ck_assert(str_eq(faults.items[0].file, str_from(paths[i])));
		ck_assert_ptr_null(out.root);
		faults_free(&faults);
	}
	arena_free(&arena);
}
END_TEST

START_TEST(a_file_is_read)
{
	char path[] = "/tmp/rolegate-yaml.XXXXXX";
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	struct yaml_file out;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "a: b\n", 5), 5);
	close(fd);
	ck_assert(yaml_load(&arena, str_from(path), &out, &faults));
	ck_assert(str_eq(out.path, str_from(path)));
	ck_assert(str_eq(yaml_get(out.root, "a")->text, STR("b")));
	ck_assert_int_eq(truncate(path, 0), 0);
	ck_assert(!yaml_load(&arena, str_from(path), &out, &faults));
	ck_assert_str_eq(faults.items[0].code, "yaml_empty");
	unlink(path);
	faults_free(&faults);
	arena_free(&arena);
}
END_TEST

/* --- The table ----------------------------------------------------------- */

struct record {
	struct str name;
	bool on;
	int64_t size;
	int colour;
	struct names tags;
	const struct yaml_node *more;
};

static const char *const colours[] = { "red", "green", "blue", NULL };

/* clang-format off */
#define AT(field) offsetof(struct record, field)
static const struct yaml_key keys[] = {
	{ .name = "name", .type = YAML_STR, .offset = AT(name), .required = true, .help = "the name" },
	{ .name = "on", .type = YAML_BOOL, .offset = AT(on), .fallback = "yes", .help = "whether" },
	{ .name = "size", .type = YAML_INT, .offset = AT(size), .min = 1, .max = 100, .fallback = "10", .help = "how many" },
	{ .name = "colour", .type = YAML_CHOICE, .offset = AT(colour), .choices = colours, .fallback = "green", .help = "which" },
	{ .name = "tags", .type = YAML_STRS, .offset = AT(tags), .help = "words" },
	{ .name = "more", .type = YAML_NODE, .offset = AT(more), .help = "whatever" },
};

static const struct { const char *says; struct str text; struct spot want[SPOTS_MAX]; } reads[] = {
	{ "all keys", BYTES("name: n\non: no\nsize: 5\ncolour: blue\ntags: [a, b]\nmore: {}\n"), { { 0 } } },
	{ "the required key alone", BYTES("name: n\n"), { { 0 } } },
	{ "a number in quotes", BYTES("name: n\nsize: '5'\n"), { { 0 } } },
	{ "one word for a list", BYTES("name: n\ntags: a\n"), { { 0 } } },

	{ "no required key", BYTES("on: yes\n"), { { 1, 1, "yaml_missing" } } },
	{ "an empty map", BYTES("{}\n"), { { 1, 1, "yaml_missing" } } },
	{ "no map", BYTES("\n- name\n"), { { 2, 1, "yaml_type" } } },
	{ "a document without content", BYTES("---\n"), { { 2, 1, "yaml_type" } } },
	{ "a required key without a value", BYTES("name:\n"), { { 1, 6, "yaml_value" } } },
	{ "an empty text", BYTES("name: ''\n"), { { 1, 7, "yaml_value" } } },
	{ "a list for a text", BYTES("name: [n]\n"), { { 1, 7, "yaml_type" } } },
	{ "a map for a text", BYTES("name:\n  n: m\n"), { { 2, 3, "yaml_type" } } },
	{ "a line feed in a text", BYTES("name: \"a\\nb\"\n"), { { 1, 7, "yaml_value" } } },
	{ "a NUL in a text", BYTES("name: \"a\\0b\"\n"), { { 1, 7, "yaml_value" } } },
	{ "an escape in a text", BYTES("name: \"\\e[2J\"\n"), { { 1, 7, "yaml_value" } } },
	{ "a block text has a line feed", BYTES("name: |\n  n\n"), { { 1, 7, "yaml_value" } } },

	{ "maybe", BYTES("name: n\non: maybe\n"), { { 2, 5, "yaml_value" } } },
	{ "on is not yes", BYTES("name: n\non: on\n"), { { 2, 5, "yaml_value" } } },
	{ "1 is not yes", BYTES("name: n\non: 1\n"), { { 2, 5, "yaml_value" } } },
	{ "Yes is not yes", BYTES("name: n\non: Yes\n"), { { 2, 5, "yaml_value" } } },
	{ "nothing is not no", BYTES("name: n\non:\n"), { { 2, 4, "yaml_value" } } },
	{ "a list for yes or no", BYTES("name: n\non: [yes]\n"), { { 2, 5, "yaml_type" } } },

	{ "the least number", BYTES("name: n\nsize: 1\n"), { { 0 } } },
	{ "the greatest number", BYTES("name: n\nsize: 100\n"), { { 0 } } },
	{ "a number too small", BYTES("name: n\nsize: 0\n"), { { 2, 7, "yaml_value" } } },
	{ "a number too great", BYTES("name: n\nsize: 101\n"), { { 2, 7, "yaml_value" } } },
	{ "a number that overflows", BYTES("name: n\nsize: 18446744073709551621\n"), { { 2, 7, "yaml_value" } } },
	{ "a number below nought", BYTES("name: n\nsize: -5\n"), { { 2, 7, "yaml_value" } } },
	{ "a number with a unit", BYTES("name: n\nsize: 5s\n"), { { 2, 7, "yaml_value" } } },
	{ "a fraction", BYTES("name: n\nsize: 5.0\n"), { { 2, 7, "yaml_value" } } },

	{ "a choice that is none", BYTES("name: n\ncolour: mauve\n"), { { 2, 9, "yaml_value" } } },
	{ "a choice in capitals", BYTES("name: n\ncolour: Red\n"), { { 2, 9, "yaml_value" } } },
	{ "the front of a choice", BYTES("name: n\ncolour: re\n"), { { 2, 9, "yaml_value" } } },

	{ "an empty list", BYTES("name: n\ntags: []\n"), { { 2, 7, "yaml_type" } } },
	{ "a map for a list", BYTES("name: n\ntags: {a: b}\n"), { { 2, 7, "yaml_type" } } },
	{ "a list in a list", BYTES("name: n\ntags: [a, [b]]\n"), { { 2, 11, "yaml_type" } } },
	{ "an empty word in a list", BYTES("name: n\ntags: [a, '', b]\n"), { { 2, 11, "yaml_value" } } },

	{ "an unknown key", BYTES("name: n\ncolor: red\n"), { { 2, 1, "yaml_unknown_key" } } },
	{ "a key in capitals", BYTES("Name: n\n"), { { 1, 1, "yaml_missing" }, { 1, 1, "yaml_unknown_key" } } },
	{ "an empty key", BYTES("name: n\n'': x\n"), { { 2, 1, "yaml_unknown_key" } } },
	{ "a key with a NUL behind it", BYTES("name: n\n\"on\\0\": no\n"), { { 2, 1, "yaml_unknown_key" } } },
	{ "all faults at once, in the file's order",
	  BYTES("nam: n\non: maybe\nsize: 0\ncolour: mauve\ntags: {}\n"),
	  { { 1, 1, "yaml_missing" }, { 1, 1, "yaml_unknown_key" }, { 2, 5, "yaml_value" }, { 3, 7, "yaml_value" }, { 4, 9, "yaml_value" }, { 5, 7, "yaml_type" } } },
	{ "faults of the file and of the table, both", BYTES("name: n\nsize: 0\nsize: 5\n"), { { 3, 1, "yaml_double_key" }, { 2, 7, "yaml_value" } } },
	{ "an alias is told once", BYTES("name: *n\non: *m\n"), { { 1, 7, "yaml_alias" }, { 2, 5, "yaml_alias" } } },
	{ "a key that is a list is told once", BYTES("name: n\n? [a]\n: b\n"), { { 2, 3, "yaml_type" } } },
};
/* clang-format on */

static bool
record_read(struct arena *arena, struct str text, struct record *out,
    struct faults *faults)
{
	struct yaml_file file = { 0 };
	bool ok = yaml_parse(arena, STR("f.yaml"), text, &file, faults);

	*out = (struct record){ 0 };
	if (file.root == NULL)
		return false;
	return yaml_read(&file, file.root, keys, sizeof(keys) / sizeof(*keys),
		   out, arena, faults) &&
	       ok;
}

START_TEST(read_by_table)
{
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	struct record got;
	bool ok = record_read(&arena, reads[_i].text, &got, &faults);

	ck_assert_msg(
	    ok == (reads[_i].want[0].code == NULL), "%s", reads[_i].says);
	spots_check(&faults, reads[_i].want, reads[_i].says);
	faults_free(&faults);
	arena_free(&arena);
}
END_TEST

START_TEST(values_land_where_the_table_says)
{
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	struct record got;

	ck_assert(record_read(&arena,
	    STR("name: n m\non: false\nsize: 7\ncolour: blue\n"
		"tags: [a, b]\nmore: [x]\n"),
	    &got, &faults));
	ck_assert(str_eq(got.name, STR("n m")));
	ck_assert(!got.on);
	ck_assert_int_eq(got.size, 7);
	ck_assert_int_eq(got.colour, 2);
	ck_assert_uint_eq(got.tags.count, 2);
	ck_assert(str_eq(got.tags.items[1], STR("b")));
	node_is(got.more, YAML_LIST, 6, 7);
	arena_free(&arena);
}
END_TEST

START_TEST(fallbacks_stand_where_the_file_says_nothing)
{
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	struct record got;

	ck_assert(record_read(&arena, STR("name: n\n"), &got, &faults));
	ck_assert(got.on);
	ck_assert_int_eq(got.size, 10);
	ck_assert_int_eq(got.colour, 1);
	ck_assert_uint_eq(got.tags.count, 0);
	ck_assert_ptr_null(got.more);
	arena_free(&arena);
}
END_TEST

/* clang-format off */
static const struct { const char *key; const char *near; } nears[] = {
	{ "color", "colour" },
	{ "nmae", "name" },
	{ "Size", "size" },
	{ "tag", "tags" },
	{ "om", "on" },
	{ "xy", NULL },
	{ "x", NULL },
	{ "something", NULL },
	{ "namenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamename", NULL },
};
/* clang-format on */

START_TEST(an_unknown_key_hears_of_the_nearest)
{
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	struct record got;
	const char *near = nears[_i].near;
	struct str want = near != NULL
			      ? str_fmt(&arena, "did you mean %s?", near)
			      : STR("; take it out");

	ck_assert(!record_read(&arena,
	    str_fmt(&arena, "name: n\n%s: x\n", nears[_i].key), &got, &faults));
	ck_assert_msg(strstr(faults.items[0].text.ptr, want.ptr) != NULL, "%s",
	    faults.items[0].text.ptr);
	faults_free(&faults);
	arena_free(&arena);
}
END_TEST

static void
yaml_tests(TCase *t)
{
	tcase_add_loop_test(
	    t, a_file_is_good_or_its_faults_are_told, 0, COUNT(files));
	tcase_add_test(t, every_node_knows_its_place);
	tcase_add_test(t, every_scalar_is_text);
	tcase_add_test(t, a_file_of_CONFIG_FILE_MAX_and_one_byte_more);
	tcase_add_test(t, lists_in_lists_to_YAML_DEPTH_MAX_and_one_more);
	tcase_add_test(t, faults_without_end_are_counted);
	tcase_add_test(t, memory_that_is_out_is_a_fault);
	tcase_add_test(t, a_file_that_cannot_be_read);
	tcase_add_test(t, a_file_is_read);
	tcase_add_loop_test(t, read_by_table, 0, COUNT(reads));
	tcase_add_test(t, values_land_where_the_table_says);
	tcase_add_test(t, fallbacks_stand_where_the_file_says_nothing);
	tcase_add_loop_test(
	    t, an_unknown_key_hears_of_the_nearest, 0, COUNT(nears));
}

UNIT_MAIN("yaml", yaml_tests)
