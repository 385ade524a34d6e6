/* test_csv.c - rows and cells of CSV texts, and where each fault stands. */
#include "unit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/csv.h"

#define S(literal)                           \
	{                                    \
		literal, sizeof(literal) - 1 \
	}
#define CELLS_MAX 4

/* What is read, as text: cells as line:column=text; with | between them, ; at
 * the end of a row. A fault is its place and code. */
struct row {
	const char *says;
	struct str text;
	const char *want;
};

/* clang-format off */
static const struct row rows[] = {
	{ "nothing",                             S(""),                      "" },
	{ "one cell",                            S("a"),                     "1:1=a;" },
	{ "two cells and a line feed",           S("a,b\n"),                 "1:1=a|1:3=b;" },
	{ "two rows in CRLF",                    S("a,b\r\nc,d\r\n"),        "1:1=a|1:3=b;2:1=c|2:3=d;" },
	{ "LF and CRLF mixed",                   S("a\r\nb\nc"),             "1:1=a;2:1=b;3:1=c;" },
	{ "empty cells",                         S(",,\n"),                  "1:1=|1:2=|1:3=;" },
	{ "an empty cell at the end of all",     S("a,"),                    "1:1=a|1:3=;" },
	{ "an empty line is one empty cell",     S("a\n\nb\n"),              "1:1=a;2:1=;3:1=b;" },
	{ "only a line feed",                    S("\n"),                    "1:1=;" },
	{ "blanks are kept",                     S(" a , b \n"),             "1:1= a |1:5= b ;" },
	{ "quotes",                              S("\"a\",\"b\"\n"),         "1:1=a|1:5=b;" },
	{ "nothing in quotes",                   S("\"\",\"\""),             "1:1=|1:4=;" },
	{ "a comma in quotes",                   S("\"a,b\",c\n"),           "1:1=a,b|1:7=c;" },
	{ "doubled quotes",                      S("\"a \"\"b\"\" c\",d\n"), "1:1=a \"b\" c|1:13=d;" },
	{ "nothing but doubled quotes",          S("\"\"\"\"\n"),            "1:1=\";" },
	{ "a line end in quotes",                S("\"a\nb\",c\nd\n"),       "1:1=a\nb|2:4=c;3:1=d;" },
	{ "CRLF in quotes is kept",              S("\"a\r\nb\"\r\nc"),       "1:1=a\r\nb;3:1=c;" },
	{ "a carriage return in quotes",         S("\"a\rb\"\n"),            "1:1=a\rb;" },
	{ "a byte order mark",                   S("\xef\xbb\xbf" "a,b\n"),  "1:1=a|1:3=b;" },
	{ "a byte order mark and a quote",       S("\xef\xbb\xbf\"a\"\n"),   "1:1=a;" },
	{ "nothing but a byte order mark",       S("\xef\xbb\xbf"),          "" },
	{ "columns are counted in bytes",        S("\xc3\xa9,b\n"),          "1:1=\xc3\xa9|1:4=b;" },
	{ "as many cells as there may be",       S("a,b,c,d\n"),             "1:1=a|1:3=b|1:5=c|1:7=d;" },
	{ "one more",                            S("a\na,b,c,d,e\n"),        "1:1=a;2:9 csv_cells" },
	{ "one more, empty",                     S("a,b,c,d,"),              "1:9 csv_cells" },
	{ "a quote that is never closed",        S("a,\"b\nc,d\n"),          "1:3 csv_quote" },
	{ "a quote at the end of all",           S("a\nb,\""),               "1:1=a;2:3 csv_quote" },
	{ "a doubled quote at the end of all",   S("\"a\"\""),               "1:1 csv_quote" },
	{ "text behind the closing quote",       S("a\n\"b\"c,d\n"),         "1:1=a;2:1 csv_quote" },
	{ "a blank behind the closing quote",    S("\"b\" ,d\n"),            "1:1 csv_quote" },
	{ "a carriage return behind it",         S("\"b\"\r,d\n"),           "1:1 csv_quote" },
	{ "a quote inside a cell",               S("a,b\"c\n"),              "1:3 csv_quote" },
	{ "a blank before the opening quote",    S("a, \"c\"\n"),            "1:3 csv_quote" },
	{ "a carriage return alone",             S("a,b\rc\n"),              "1:3 csv_line_end" },
	{ "a carriage return at the end of all", S("a\r"),                   "1:1 csv_line_end" },
	{ "line ends of an old Macintosh",       S("a,b\rc,d\r"),            "1:3 csv_line_end" },
	{ "two carriage returns",                S("a\r\r\n"),               "1:1 csv_line_end" },
	{ "a byte of Latin-1",                   S("a,b\nc,\xe9\n"),         "1:1=a|1:3=b;2:3 csv_utf8" },
	{ "a byte of Latin-1 in quotes",         S("\"\xe9\"\n"),            "1:1 csv_utf8" },
	{ "an overlong form",                    S("\xc0\xaf\n"),            "1:1 csv_utf8" },
	{ "UTF-16",                              S("\xff\xfe" "a\0,\0"),     "1:1 csv_utf8" },
	{ "semicolons are no commas",            S("a;b\n"),                 "1:1=a;b;" },
};
/* clang-format on */

static void said(char *out, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
said(char *out, size_t size, const char *fmt, ...)
{
	size_t len = strlen(out);
	va_list args;

	va_start(args, fmt);
	ck_assert_int_ge(vsnprintf(out + len, size - len, fmt, args), 0);
	va_end(args);
}

START_TEST(texts)
{
	const struct row *row = &rows[_i];
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	struct csv csv;
	struct csv_row read;
	enum csv_next next;
	char got[512] = "";

	csv_open(&csv, &arena, &faults, STR("x.csv"), row->text, CELLS_MAX);
	while ((next = csv_next(&csv, &read)) == CSV_ROW) {
		ck_assert_uint_gt(read.count, 0);
		ck_assert_int_eq(read.line, read.cells[0].line);
		for (size_t i = 0; i < read.count; i++)
			said(got, sizeof(got), "%d:%d=%.*s%c",
			    read.cells[i].line, read.cells[i].column,
			    STR_ARGS(read.cells[i].text),
			    i + 1 < read.count ? '|' : ';');
	}
	ck_assert_uint_eq(faults.count, next == CSV_FAULT ? 1 : 0);
	if (next == CSV_FAULT)
		said(got, sizeof(got), "%d:%d %s", faults.items[0].line,
		    faults.items[0].column, faults.items[0].code);
	else
		ck_assert_int_eq(csv_next(&csv, &read), CSV_END);
	ck_assert_msg(strcmp(got, row->want) == 0, "%s: '%s', not '%s'",
	    row->says, got, row->want);
	faults_free(&faults);
	arena_free(&arena);
}
END_TEST

START_TEST(no_memory_is_a_fault)
{
	struct arena arena = { .max_bytes = 1 };
	struct faults faults = { 0 };
	struct csv csv;
	struct csv_row read;

	csv_open(&csv, &arena, &faults, STR("x.csv"), STR("a,b\n"), CELLS_MAX);
	ck_assert_int_eq(csv_next(&csv, &read), CSV_FAULT);
	ck_assert_str_eq(faults.items[0].code, "no_memory");
	faults_free(&faults);
	arena_free(&arena);
}
END_TEST

/* --- Files --------------------------------------------------------------- */

static char folder[] = "/tmp/rolegate-csv-XXXXXX";

static struct str
file_make(struct arena *arena, const char *name, size_t size)
{
	struct str path = str_fmt(arena, "%s/%s", folder, name);
	FILE *out = fopen(path.ptr, "wb");

	ck_assert_ptr_nonnull(out);
	for (size_t i = 0; i < size; i++)
		fputc('x', out);
	ck_assert_int_eq(fclose(out), 0);
	return path;
}

static const char *
code_of(struct arena *arena, struct str path, size_t max, struct str *text)
{
	static struct err err;

	err = (struct err){ 0 };
	if (csv_text_read(arena, path, max, text, &err))
		return "read";
	return err.code;
}

START_TEST(files_are_read_whole_or_not_at_all)
{
	struct arena arena = { 0 };
	struct arena small = { .max_bytes = 64 };
	struct str text = { 0 };
	struct str file;
	struct str pipe;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	file = file_make(&arena, "a.csv", 100);
	pipe = str_fmt(&arena, "%s/pipe", folder);
	ck_assert_int_eq(mkfifo(pipe.ptr, 0600), 0);
	ck_assert_str_eq(code_of(&arena, file, 99, &text), "file_too_large");
	ck_assert_uint_eq(text.len, 0);
	ck_assert_str_eq(code_of(&arena, pipe, 100, &text), "file_read");
	ck_assert_str_eq(
	    code_of(&arena, str_from(folder), 1 << 20, &text), "file_read");
	ck_assert_str_eq(
	    code_of(&arena, STR("/nowhere/a.csv"), 1, &text), "file_read");
	ck_assert_str_eq(code_of(&small, file, 100, &text), "no_memory");
	ck_assert_str_eq(code_of(&arena, file, 100, &text), "read");
	ck_assert_uint_eq(text.len, 100);
	ck_assert_int_eq(unlink(file.ptr), 0);
	file = file_make(&arena, "a.csv", 0);
	ck_assert_str_eq(code_of(&arena, file, 100, &text), "read");
	ck_assert_uint_eq(text.len, 0);
	ck_assert_int_eq(unlink(file.ptr), 0);
	ck_assert_int_eq(unlink(pipe.ptr), 0);
	ck_assert_int_eq(rmdir(folder), 0);
	arena_free(&small);
	arena_free(&arena);
}
END_TEST

static void
tests(TCase *t)
{
	tcase_add_loop_test(t, texts, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(t, no_memory_is_a_fault);
	tcase_add_test(t, files_are_read_whole_or_not_at_all);
}

UNIT_MAIN("csv", tests)
