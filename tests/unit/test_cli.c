/* The parts of the command that read and print outside bytes. */
#include "unit.h"

#include <string.h>

#include "cli/args.h"
#include "cli/logfmt.h"
#include "cli/out.h"

/* --- Options ------------------------------------------------------------- */

static const struct opt test_opts[] = {
	{ "at", 0, false, "TIME", "" },
	{ "many", 'm', true, "TEXT", "" },
	{ "flag", 'f', false, NULL, "" },
	{ NULL, 0, false, NULL, NULL },
};

/* Words and options, joined by ' ' as args_read() understood them. */
static const struct {
	const char *says;
	const char *argv[8];
	const char *want; /* NULL: refused */
} arg_rows[] = {
	{ "words stay in order", { "a", "b" }, "a b" },
	{ "a value follows", { "--at", "x", "a" }, "a at=x" },
	{ "a value stands behind =", { "a", "--at=x=y" }, "a at=x=y" },
	{ "an empty value is a value", { "--at=" }, "at=" },
	{ "a letter and its value", { "-m", "x" }, "many=x" },
	{ "a letter with its value", { "-mx" }, "many=x" },
	{ "a flag", { "-f", "a" }, "a flag" },
	{ "a global one", { "--json", "a" }, "a json" },
	{ "what may be repeated", { "-mx", "--many", "y" }, "many=x many=y" },
	{ "a lone - is a word", { "-" }, "-" },
	{ "after -- all are words", { "--", "--at", "-f" }, "--at -f" },
	{ "a value may look like an option", { "--at", "--flag" },
	    "at=--flag" },
	{ "no value is refused", { "--at" }, NULL },
	{ "a flag takes no value", { "--flag=x" }, NULL },
	{ "a letter that is a flag takes no value", { "-fx" }, NULL },
	{ "twice is refused", { "--at", "x", "--at", "x" }, NULL },
	{ "unknown names are refused", { "--nonsense" }, NULL },
	{ "unknown letters are refused", { "-z" }, NULL },
	{ "a name is not shortened", { "--fla" }, NULL },
};

static void
args_join(const struct args *args, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < args->word_count; i++)
		len += (size_t)snprintf(text + len, size - len, "%s%.*s",
		    len > 0 ? " " : "", STR_ARGS(args->words[i]));
	for (size_t i = 0; i < args->given_count; i++) {
		const struct given *given = &args->given[i];

		len += (size_t)snprintf(text + len, size - len, "%s%s%s%.*s",
		    len > 0 ? " " : "", given->opt->name,
		    given->opt->value != NULL ? "=" : "",
		    STR_ARGS(given->value));
	}
}

START_TEST(args_are_read)
{
	static struct args args;
	struct err err = { 0 };
	char *argv[9];
	char got[256];
	int argc = 0;
	int at;

	args = (struct args){ 0 };
	while (argc < 8 && arg_rows[_i].argv[argc] != NULL) {
		argv[argc] = (char *)(uintptr_t)arg_rows[_i].argv[argc];
		argc++;
	}
	at = args_read(&args, test_opts, argc, argv, 0, false, &err);
	ck_assert_msg((at >= 0) == (arg_rows[_i].want != NULL), "%s: %s",
	    arg_rows[_i].says, err.text);
	if (arg_rows[_i].want == NULL) {
		ck_assert_int_eq(err.kind, ERR_USAGE);
		return;
	}
	args_join(&args, got, sizeof(got));
	ck_assert_msg(strcmp(got, arg_rows[_i].want) == 0, "%s: %s",
	    arg_rows[_i].says, got);
}
END_TEST

START_TEST(lists_are_sorted_and_without_doubles)
{
	static struct args args;
	struct arena arena = { 0 };
	struct err err = { 0 };
	char words[4][4] = { "-mb", "-ma", "-mb", "-mc" };
	char *argv[] = { words[0], words[1], words[2], words[3] };
	struct names names;

	args = (struct args){ 0 };
	ck_assert_int_eq(
	    args_read(&args, test_opts, 4, argv, 0, false, &err), 4);
	names = args_list(&args, &arena, "many");
	ck_assert_uint_eq(names.count, 3);
	ck_assert(str_eq(names.items[0], STR("a")));
	ck_assert(str_eq(names.items[2], STR("c")));
	arena_free(&arena);
}
END_TEST

static const struct {
	const char *text;
	int64_t want; /* 0: refused */
} duration_rows[] = {
	{ "1", 1 },
	{ "90s", 90 },
	{ "30m", 1800 },
	{ "12h", 43200 },
	{ "7d", 604800 },
	{ "0", 0 },
	{ "-1h", 0 },
	{ "h", 0 },
	{ "", 0 },
	{ "1w", 0 },
	{ "1 h", 0 },
	{ "3661d", 0 },
	{ "9223372036854775807d", 0 },
};

START_TEST(durations_are_read)
{
	int64_t got = 0;
	bool ok = duration_read(str_from(duration_rows[_i].text), &got);

	ck_assert_msg(
	    ok == (duration_rows[_i].want != 0), "%s", duration_rows[_i].text);
	ck_assert_int_eq(got, duration_rows[_i].want);
}
END_TEST

/* --- The decision log ---------------------------------------------------- */

static const struct {
	const char *says;
	const char *line;
	const char *key;
	const char *want; /* NULL: not there */
} log_rows[] = {
	{ "a plain value", "a=1 b=2", "b", "2" },
	{ "a value in quotes", "a=\"x y\" b=2", "a", "x y" },
	{ "after a value in quotes", "a=\"x b=3\" b=2", "b", "2" },
	{ "an escaped quote", "a=\"x\\\" b=3\" b=2", "b", "2" },
	{ "is unescaped", "a=\"x\\\"\\\\y\"", "a", "x\"\\y" },
	{ "an empty value", "a= b=2", "a", "" },
	{ "a word in front", "rolegated: a=1", "a", "1" },
	{ "not the end of another key", "aid=1 id=2", "id", "2" },
	{ "a key that is not there", "a=1", "b", NULL },
	{ "no key at all", "nothing here", "a", NULL },
	{ "a quote that does not end", "a=\"x", "a", "" },
	{ "an empty line", "", "a", NULL },
};

START_TEST(log_lines_are_read)
{
	struct arena arena = { 0 };
	struct str got = logfmt_value(
	    &arena, str_from(log_rows[_i].line), str_from(log_rows[_i].key));

	if (log_rows[_i].want == NULL)
		ck_assert_msg(got.ptr == NULL, "%s", log_rows[_i].says);
	else
		ck_assert_msg(
		    got.ptr != NULL && str_eq(got, str_from(log_rows[_i].want)),
		    "%s: %.*s", log_rows[_i].says, STR_ARGS(got));
	arena_free(&arena);
}
END_TEST

/* --- What is printed ----------------------------------------------------- */

static const struct {
	const char *says;
	const char *text;
	const char *piped;
	const char *terminal;
} clean_rows[] = {
	{ "letters", "Ann M\xc3\xbcller", "Ann M\xc3\xbcller",
	    "Ann M\xc3\xbcller" },
	{ "an escape", "a\x1b[31m", "a\\x1b[31m", "a\\x1b[31m" },
	{ "TAB and line feed", "a\tb\nc", "a\\x09b\\x0ac", "a\\x09b\\x0ac" },
	{ "DEL", "\x7f", "\\x7f", "\\x7f" },
	{ "C1 (CSI)",
	    "a\xc2\x9b"
	    "31m",
	    "a\xc2\x9b"
	    "31m",
	    "a\\u{009b}31m" },
	{ "right to left",
	    "a\xe2\x80\xae"
	    "b",
	    "a\xe2\x80\xae"
	    "b",
	    "a\\u{202e}b" },
	{ "isolates", "\xe2\x81\xa6", "\xe2\x81\xa6", "\\u{2066}" },
	{ "bytes that are not UTF-8", "\xff\xc0\xaf", "\\xff\\xc0\\xaf",
	    "\\xff\\xc0\\xaf" },
	{ "a cut character", "a\xe2\x80", "a\\xe2\\x80", "a\\xe2\\x80" },
	{ "four bytes", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80",
	    "\xf0\x9f\x98\x80" },
};

START_TEST(bytes_are_fit_to_print)
{
	struct arena arena = { 0 };
	struct str text = str_from(clean_rows[_i].text);
	struct str piped = out_clean(&arena, text, false);
	struct str terminal = out_clean(&arena, text, true);

	ck_assert_msg(str_eq(piped, str_from(clean_rows[_i].piped)), "%s: %s",
	    clean_rows[_i].says, piped.ptr);
	ck_assert_msg(str_eq(terminal, str_from(clean_rows[_i].terminal)),
	    "%s: %s", clean_rows[_i].says, terminal.ptr);
	arena_free(&arena);
}
END_TEST

#define ROWS(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

static void
cli_tests(TCase *t)
{
	tcase_add_loop_test(t, args_are_read, 0, ROWS(arg_rows));
	tcase_add_test(t, lists_are_sorted_and_without_doubles);
	tcase_add_loop_test(t, durations_are_read, 0, ROWS(duration_rows));
	tcase_add_loop_test(t, log_lines_are_read, 0, ROWS(log_rows));
	tcase_add_loop_test(t, bytes_are_fit_to_print, 0, ROWS(clean_rows));
}

UNIT_MAIN("cli", cli_tests)
