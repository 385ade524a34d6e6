/* XLSX files, made here as anybody could make them: what is read, and all that
 * is refused. */
#include <string.h>

#include <zip.h>

#include "base/bounds.h"
#include "model/sheet_parse.h"
#include "model/xlsx.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define NS	     "xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\""
#define RNS                                                                \
	"xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/" \
	"relationships\""
#define BOOK                                                              \
	"<workbook " NS " " RNS                                           \
	"><sheets><sheet name=\"a\" sheetId=\"9\" r:id=\"rId1\"/><sheet " \
	"name=\"b\" sheetId=\"8\" r:id=\"rId2\"/></sheets></workbook>"
#define RELS                                                          \
	"<Relationships><Relationship Id=\"rId2\" "                   \
	"Target=\"worksheets/other.xml\"/><Relationship Id=\"rId1\" " \
	"Target=\"worksheets/sheet1.xml\"/></Relationships>"
#define SHEET(rows) \
	"<worksheet " NS "><sheetData>" rows "</sheetData></worksheet>"
#define TEXT(ref, text) \
	"<c r=\"" ref "\" t=\"inlineStr\"><is><t>" text "</t></is></c>"
#define HEADER "<row r=\"1\">" TEXT("A1", "email") TEXT("B1", "phone") "</row>"

struct part {
	const char *name;
	const char *text;
};

static struct arena arena;

static struct str
zip_make(const struct part *parts, size_t count)
{
	zip_error_t why;
	zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, NULL);
	zip_t *zip;
	zip_stat_t st;
	char *bytes;

	zip_source_keep(source);
	zip = zip_open_from_source(source, ZIP_TRUNCATE, &why);
	ck_assert_ptr_nonnull(zip);
	for (size_t i = 0; i < count; i++)
		ck_assert_int_ge(zip_file_add(zip, parts[i].name,
				     zip_source_buffer(zip, parts[i].text,
					 strlen(parts[i].text), 0),
				     0),
		    0);
	ck_assert_int_eq(zip_close(zip), 0);
	ck_assert_int_eq(zip_source_open(source), 0);
	ck_assert_int_eq(zip_source_stat(source, &st), 0);
	bytes = arena_alloc(&arena, st.size + 1, 1);
	ck_assert_int_eq(
	    zip_source_read(source, bytes, st.size), (int64_t)st.size);
	zip_source_close(source);
	zip_source_free(source);
	return (struct str){ bytes, st.size };
}

static struct str
book(const char *sheet, const char *strings)
{
	const struct part parts[] = {
		{ "xl/workbook.xml", BOOK },
		{ "xl/_rels/workbook.xml.rels", RELS },
		{ "xl/worksheets/sheet1.xml", sheet },
		{ "xl/sharedStrings.xml", strings },
	};

	return zip_make(parts, strings != NULL ? 4 : 3);
}

/* The rows as "NUMBER JSON", one a line; or the code of the first fault. */
static struct str
told(struct str bytes)
{
	struct faults faults = { 0 };
	struct sheet_row *rows = NULL;
	struct str out = STR("");
	size_t count = 0;
	bool ok = sheet_read(&arena, STR("f"), bytes, &rows, &count, &faults);

	ck_assert_int_eq(ok, faults.count == 0);
	if (!ok)
		out = str_copy(&arena, str_from(faults.items[0].code));
	for (size_t i = 0; ok && i < count; i++)
		out = str_fmt(&arena, "%.*s%s%lld %.*s", STR_ARGS(out),
		    i > 0 ? "\n" : "", (long long)rows[i].row,
		    STR_ARGS(rows[i].fields));
	faults_free(&faults);
	return out;
}

static void
setup(void)
{
	arena = (struct arena){ 0 };
}

static void
teardown(void)
{
	arena_free(&arena);
}

/* --- One sheet ------------------------------------------------------------ */

#define STRINGS                                                                \
	"<sst " NS "><si><t>a@b.c</t></si><si><r><t>rich "                     \
		   "</t></r><r><t>text</t></r></si><si><t>x</t><rPh sb=\"0\" " \
		   "eb=\"1\"><t>phonetic</t></rPh></si></sst>"

/* clang-format off */
static const struct {
	const char *says;
	const char *rows;
	const char *want;
} rows[] = {
	{ "a row of texts",                HEADER "<row r=\"2\">" TEXT("A2", "a@b.c") TEXT("B2", "1") "</row>",                         "2 {\"email\":\"a@b.c\",\"phone\":\"1\"}" },
	{ "shared strings",                HEADER "<row r=\"2\"><c r=\"A2\" t=\"s\"><v>0</v></c><c r=\"B2\" t=\"s\"><v>1</v></c></row>", "2 {\"email\":\"a@b.c\",\"phone\":\"rich text\"}" },
	{ "without what is for reading aloud", HEADER "<row r=\"2\"><c r=\"A2\" t=\"s\"><v>2</v></c></row>",                           "2 {\"email\":\"x\",\"phone\":\"\"}" },
	{ "a number",                      HEADER "<row r=\"2\"><c r=\"A2\"><v>1</v></c><c r=\"B2\"><v>4.915112345678E+12</v></c></row>", "2 {\"email\":\"1\",\"phone\":\"4915112345678\"}" },
	{ "a number that is not whole",    HEADER "<row r=\"2\"><c r=\"A2\"><v>1.5</v></c></row>",                                     "2 {\"email\":\"1.5\",\"phone\":\"\"}" },
	{ "a truth",                       HEADER "<row r=\"2\"><c r=\"A2\" t=\"b\"><v>1</v></c></row>",                               "2 {\"email\":\"TRUE\",\"phone\":\"\"}" },
	{ "the value of a formula",        HEADER "<row r=\"2\"><c r=\"A2\" t=\"str\"><f>B2&amp;\"x\"</f><v>ax</v></c></row>",         "2 {\"email\":\"ax\",\"phone\":\"\"}" },
	{ "an empty cell between",         HEADER "<row r=\"2\"><c r=\"A2\"/>" TEXT("B2", "1") "</row>",                               "2 {\"email\":\"\",\"phone\":\"1\"}" },
	{ "a row's number is the sheet's", HEADER "<row r=\"7\">" TEXT("A7", "a") "</row>",                                            "7 {\"email\":\"a\",\"phone\":\"\"}" },
	{ "rows without any text are none", HEADER "<row r=\"2\"><c r=\"A2\" s=\"1\"/></row><row r=\"3\">" TEXT("A3", "a") "</row>",   "3 {\"email\":\"a\",\"phone\":\"\"}" },
	{ "no references at all",          "<row><c t=\"inlineStr\"><is><t>email</t></is></c></row><row><c t=\"inlineStr\"><is><t>a</t></is></c></row>", "2 {\"email\":\"a\"}" },
	{ "an apostrophe is one",          HEADER "<row r=\"2\">" TEXT("A2", "'=1") "</row>",                                          "2 {\"email\":\"'=1\",\"phone\":\"\"}" },
	{ "a text that seems a formula is a text", HEADER "<row r=\"2\">" TEXT("A2", "=1+1") "</row>",                                "2 {\"email\":\"=1+1\",\"phone\":\"\"}" },
	{ "cells behind the table without a text", HEADER "<row r=\"2\">" TEXT("A2", "a") "<c r=\"XFD2\"/></row>",                    "2 {\"email\":\"a\",\"phone\":\"\"}" },
	{ "escaped characters",            HEADER "<row r=\"2\">" TEXT("A2", "&lt;&amp;&gt;") "</row>",                                "2 {\"email\":\"<&>\",\"phone\":\"\"}" },

	{ "a header of other columns",     "<row r=\"1\">" TEXT("A1", "colour") "</row>",              "sheet_column" },
	{ "nothing at all",                "",                                                         "sheet_column" },
	{ "more cells than the header",    HEADER "<row r=\"2\">" TEXT("A2", "a") TEXT("C2", "b") "</row>", "sheet_width" },
	{ "a text far behind the table",   HEADER "<row r=\"2\">" TEXT("BM2", "b") "</row>",           "sheet_width" },
	{ "a control character",           HEADER "<row r=\"2\">" TEXT("A2", "a&#9;b") "</row>",       "sheet_cell" },
	{ "an error value",                HEADER "<row r=\"2\"><c r=\"A2\" t=\"e\"><v>#REF!</v></c></row>", "xlsx_error" },
	{ "a string that is not there",    HEADER "<row r=\"2\"><c r=\"A2\" t=\"s\"><v>3</v></c></row>", "xlsx_form" },
	{ "a string of a negative number", HEADER "<row r=\"2\"><c r=\"A2\" t=\"s\"><v>-1</v></c></row>", "xlsx_form" },
	{ "a string of no number",         HEADER "<row r=\"2\"><c r=\"A2\" t=\"s\"><v>99999999999999999999</v></c></row>", "xlsx_form" },
	{ "a number that is none",         HEADER "<row r=\"2\"><c r=\"A2\"><v>1x</v></c></row>",      "xlsx_form" },
	{ "a number that is no number",    HEADER "<row r=\"2\"><c r=\"A2\"><v>nan</v></c></row>",     "xlsx_form" },
	{ "a number without end",          HEADER "<row r=\"2\"><c r=\"A2\"><v>1e999</v></c></row>",   "xlsx_form" },
	{ "a cell of no known kind",       HEADER "<row r=\"2\"><c r=\"A2\" t=\"z\"><v>1</v></c></row>", "xlsx_form" },
	{ "rows that go backwards",        HEADER "<row r=\"3\">" TEXT("A3", "a") "</row><row r=\"2\">" TEXT("A2", "a") "</row>", "xlsx_form" },
	{ "a row twice",                   HEADER "<row r=\"1\">" TEXT("A1", "a") "</row>",            "xlsx_form" },
	{ "a row of no number",            HEADER "<row r=\"x\">" TEXT("A2", "a") "</row>",            "xlsx_form" },
	{ "a row beyond all",              HEADER "<row r=\"1048577\">" TEXT("A1048577", "a") "</row>", "xlsx_form" },
	{ "cells that go backwards",       HEADER "<row r=\"2\">" TEXT("B2", "b") TEXT("A2", "a") "</row>", "xlsx_form" },
	{ "a cell twice",                  HEADER "<row r=\"2\">" TEXT("A2", "b") TEXT("A2", "a") "</row>", "xlsx_form" },
	{ "a cell of another row",         HEADER "<row r=\"2\">" TEXT("A3", "b") "</row>",            "xlsx_form" },
	{ "a cell of no column",           HEADER "<row r=\"2\">" TEXT("2", "b") "</row>",             "xlsx_form" },
	{ "a column beyond all",           HEADER "<row r=\"2\">" TEXT("XFE2", "b") "</row>",          "xlsx_form" },
	{ "a column that overflows",       HEADER "<row r=\"2\">" TEXT("ZZZZZZZZZZZZZZZZ2", "b") "</row>", "xlsx_form" },
	{ "a cell outside of a row",       TEXT("A1", "b"),                                            "xlsx_form" },
	{ "no XML",                        HEADER "<row r=\"2\"",                                      "xlsx_form" },
	{ "an entity of its own",          HEADER "<row r=\"2\">" TEXT("A2", "&x;") "</row>",          "xlsx_form" },
};
/* clang-format on */

START_TEST(sheets)
{
	struct str sheet = str_fmt(&arena,
	    "<worksheet " NS "><sheetData>%s</sheetData></worksheet>",
	    rows[_i].rows);
	struct str got = told(book(sheet.ptr, STRINGS));

	ck_assert_msg(str_eq(got, str_from(rows[_i].want)), "%s: %.*s",
	    rows[_i].says, STR_ARGS(got));
}
END_TEST

/* --- Files ---------------------------------------------------------------- */

#define GOOD SHEET(HEADER "<row r=\"2\">" TEXT("A2", "a") "</row>")
#define RELATION(target)                                          \
	"<Relationships><Relationship Id=\"rId1\" " target "/></" \
							   "Relationships>"

/* clang-format off */
static const struct {
	const char *says;
	struct part parts[5];
	const char *want;
} files[] = {
	{ "an absolute target",  { { "xl/workbook.xml", BOOK }, { "xl/_rels/workbook.xml.rels", RELATION("Target=\"/xl/worksheets/s.xml\"") }, { "xl/worksheets/s.xml", GOOD } }, "2 {\"email\":\"a\",\"phone\":\"\"}" },
	{ "no workbook",         { { "xl/_rels/workbook.xml.rels", RELS }, { "xl/worksheets/sheet1.xml", GOOD } }, "xlsx_form" },
	{ "no relations",        { { "xl/workbook.xml", BOOK }, { "xl/worksheets/sheet1.xml", GOOD } }, "xlsx_form" },
	{ "no sheet",            { { "xl/workbook.xml", BOOK }, { "xl/_rels/workbook.xml.rels", RELS } }, "xlsx_form" },
	{ "a workbook of no sheets", { { "xl/workbook.xml", "<workbook " NS "/>" }, { "xl/_rels/workbook.xml.rels", RELS } }, "xlsx_form" },
	{ "a sheet elsewhere",   { { "xl/workbook.xml", BOOK }, { "xl/_rels/workbook.xml.rels", RELATION("TargetMode=\"External\" Target=\"file:///etc/passwd\"") }, { "xl/worksheets/sheet1.xml", GOOD } }, "xlsx_external" },
	{ "a sheet outside",     { { "xl/workbook.xml", BOOK }, { "xl/_rels/workbook.xml.rels", RELATION("Target=\"../../../etc/passwd\"") }, { "xl/worksheets/sheet1.xml", GOOD } }, "xlsx_form" },
	{ "macros",              { { "xl/workbook.xml", BOOK }, { "xl/_rels/workbook.xml.rels", RELS }, { "xl/worksheets/sheet1.xml", GOOD }, { "xl/vbaProject.bin", "x" } }, "xlsx_macros" },
	{ "a document type",     { { "xl/workbook.xml", "<!DOCTYPE workbook>" BOOK }, { "xl/_rels/workbook.xml.rels", RELS }, { "xl/worksheets/sheet1.xml", GOOD } }, "xlsx_dtd" },
	{ "an entity of a file", { { "xl/workbook.xml", "<!DOCTYPE w [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>" BOOK }, { "xl/_rels/workbook.xml.rels", RELS }, { "xl/worksheets/sheet1.xml", GOOD } }, "xlsx_dtd" },
	{ "a billion laughs",    { { "xl/workbook.xml", BOOK }, { "xl/_rels/workbook.xml.rels", RELS }, { "xl/worksheets/sheet1.xml", "<!DOCTYPE w [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]>" GOOD } }, "xlsx_dtd" },
};
/* clang-format on */

START_TEST(other_files)
{
	size_t count = 0;
	struct str got;

	while (count < 5 && files[_i].parts[count].name != NULL)
		count++;
	got = told(zip_make(files[_i].parts, count));
	ck_assert_msg(str_eq(got, str_from(files[_i].want)), "%s: %.*s",
	    files[_i].says, STR_ARGS(got));
}
END_TEST

static void
refused(struct str bytes, const char *code)
{
	struct str got = told(bytes);

	ck_assert_msg(str_eq(got, str_from(code)), "%.*s", STR_ARGS(got));
}

START_TEST(cut_anywhere_it_is_refused)
{
	struct str whole = book(GOOD, NULL);

	for (size_t len = 4; len < whole.len; len++)
		refused((struct str){ whole.ptr, len }, "xlsx_form");
}
END_TEST

START_TEST(a_bomb_is_refused_before_it_is_unpacked)
{
	size_t size = XLSX_UNPACKED_MAX + 1;
	char *text = malloc(size + 1);
	struct str bytes;

	memset(text, ' ', size);
	text[size] = '\0';
	bytes = book(text, NULL);
	ck_assert_uint_lt(bytes.len, 1024 * 1024);
	refused(bytes, "xlsx_too_large");
	free(text);
}
END_TEST

START_TEST(too_many_parts_and_too_deep_elements_are_refused)
{
	struct part *parts = calloc(XLSX_ENTRIES_MAX + 1, sizeof(*parts));
	struct str deep = STR("");

	for (int i = 0; i <= XLSX_ENTRIES_MAX; i++)
		parts[i] = (struct part){ str_fmt(&arena, "p%d", i).ptr, "x" };
	refused(zip_make(parts, XLSX_ENTRIES_MAX + 1), "xlsx_too_large");
	free(parts);
	for (int i = 0; i <= XLSX_DEPTH_MAX; i++)
		deep = str_fmt(&arena, "%.*s<a>", STR_ARGS(deep));
	for (int i = 0; i <= XLSX_DEPTH_MAX; i++)
		deep = str_fmt(&arena, "%.*s</a>", STR_ARGS(deep));
	refused(book(deep.ptr, NULL), "xlsx_form");
}
END_TEST

static struct str
many_rows(int count)
{
	size_t size = (size_t)count * 100 + 1000;
	char *text = arena_alloc(&arena, size, 1);
	size_t len = (size_t)snprintf(
	    text, size, "<worksheet " NS "><sheetData>" HEADER);

	for (int i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, size - len,
		    "<row r=\"%d\"><c r=\"A%d\"><v>%d</v></c></row>", i + 2,
		    i + 2, i);
	snprintf(text + len, size - len, "</sheetData></worksheet>");
	return (struct str){ text, strlen(text) };
}

START_TEST(as_many_rows_as_there_may_be_and_one_more)
{
	struct str got = told(book(many_rows(SHEET_ROWS_MAX).ptr, NULL));

	ck_assert(memmem(got.ptr, got.len, "10001 {", 7) != NULL);
	refused(book(many_rows(SHEET_ROWS_MAX + 1).ptr, NULL), "sheet_rows");
}
END_TEST

START_TEST(L3_what_is_written_is_read_as_it_was)
{
	const struct str cells[] = { STR("email"), STR("phone"), STR("=1+1"),
		STR("'@x"), STR("\xc3\xa9<&>\""), STR(""), STR("+49 1"),
		STR("007") };
	struct str bytes = STR("");
	struct err err = { 0 };
	struct str got;

	ck_assert(xlsx_write(&arena, cells, 4, 2, &bytes, &err));
	got = told(bytes);
	ck_assert_msg(
	    str_eq(got, STR("2 {\"email\":\"=1+1\",\"phone\":\"'@x\"}\n"
			    "3 {\"email\":\"\xc3\xa9<&>\\\"\",\"phone\":\"\"}\n"
			    "4 {\"email\":\"+49 1\",\"phone\":\"007\"}")),
	    "%.*s", STR_ARGS(got));
}
END_TEST

/* --- In a process of its own ---------------------------------------------- */

static bool
dies(struct arena *a, struct str file, struct str bytes, struct sheet_row **out,
    size_t *count, struct faults *faults)
{
	(void)a;
	(void)file;
	(void)bytes;
	(void)out;
	(void)count;
	(void)faults;
	abort();
}

static bool
hangs(struct arena *a, struct str file, struct str bytes,
    struct sheet_row **out, size_t *count, struct faults *faults)
{
	volatile bool forever = true;

	(void)a;
	(void)file;
	(void)bytes;
	(void)out;
	(void)count;
	(void)faults;
	while (forever)
		;
	return true;
}

static bool
opens_a_file(struct arena *a, struct str file, struct str bytes,
    struct sheet_row **out, size_t *count, struct faults *faults)
{
	FILE *secret = fopen("/etc/passwd", "r");

	(void)a;
	(void)file;
	(void)bytes;
	(void)out;
	(void)faults;
	*count = 0;
	return secret == NULL || fclose(secret) == 0;
}

static bool
lies(struct arena *a, struct str file, struct str bytes, struct sheet_row **out,
    size_t *count, struct faults *faults)
{
	(void)file;
	(void)bytes;
	(void)faults;
	*out = ARENA_ARRAY(a, struct sheet_row, 2);
	(*out)[0] = (struct sheet_row){ 5, STR("{}") };
	(*out)[1] = (struct sheet_row){ 4, STR("{}") };
	*count = 2;
	return true;
}

static bool
writes_garbage(struct arena *a, struct str file, struct str bytes,
    struct sheet_row **out, size_t *count, struct faults *faults)
{
	(void)file;
	(void)bytes;
	(void)faults;
	*out = ARENA_ARRAY(a, struct sheet_row, 1);
	(*out)[0] = (struct sheet_row){ 2, STR("no JSON") };
	*count = 1;
	return true;
}

static bool
faults_of_its_own(struct arena *a, struct str file, struct str bytes,
    struct sheet_row **out, size_t *count, struct faults *faults)
{
	(void)a;
	(void)bytes;
	(void)out;
	(void)count;
	fault_add(faults, file, 1, 1, "made_up", "believe me");
	return false;
}

#if defined(__SANITIZE_ADDRESS__)
#define FILTERED false
#else
#define FILTERED true
#endif

static const struct {
	const char *says;
	sheet_reader *reader;
	int64_t wait_ms;
	bool filtered; /* only the filter stops it */
} processes[] = {
	{ "one that dies", dies, 5000, false },
	{ "one that does not end", hangs, 200, false },
	{ "one that opens a file", opens_a_file, 5000, true },
	{ "rows that go backwards", lies, 5000, false },
	{ "rows that are none", writes_garbage, 5000, false },
	{ "a code that we do not have", faults_of_its_own, 5000, false },
};

START_TEST(whatever_the_process_does_is_a_refusal)
{
	struct faults faults = { 0 };
	struct sheet_row *got = NULL;
	struct err err = { 0 };
	size_t count = 0;
	bool ok = sheet_parse_with(processes[_i].reader, processes[_i].wait_ms,
	    &arena, STR("f"), STR("x"), &got, &count, &faults, &err);

	if (processes[_i].filtered && !FILTERED)
		return;
	ck_assert_msg(!ok, "%s", processes[_i].says);
	ck_assert_str_eq(err.code, "sheet_process");
	faults_free(&faults);
}
END_TEST

START_TEST(the_process_gives_what_reading_gives)
{
	const struct str inputs[] = { book(GOOD, NULL),
		STR("email,phone\r\na@b.c,1\r\n") };

	for (size_t i = 0; i < COUNT(inputs); i++) {
		struct faults faults = { 0 };
		struct sheet_row *got = NULL;
		struct err err = { 0 };
		size_t count = 0;

		ck_assert(sheet_parse(
		    &arena, STR("f"), inputs[i], &got, &count, &faults, &err));
		ck_assert_uint_eq(count, 1);
		ck_assert_int_eq(got[0].row, 2);
		faults_free(&faults);
	}
}
END_TEST

START_TEST(faults_come_through_with_place_and_code)
{
	struct faults faults = { 0 };
	struct sheet_row *got = NULL;
	struct err err = { 0 };
	size_t count = 0;

	ck_assert(!sheet_parse(&arena, STR("f"),
	    STR("email,phone\r\na@b.c\r\nb,c,d\r\n"), &got, &count, &faults,
	    &err));
	ck_assert_int_eq(err.kind, ERR_NONE);
	ck_assert_uint_eq(faults.count, 2);
	ck_assert_str_eq(faults.items[1].code, "sheet_width");
	ck_assert_int_eq(faults.items[1].line, 3);
	faults_free(&faults);
}
END_TEST

static void
tests(TCase *t)
{
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, sheets, 0, COUNT(rows));
	tcase_add_loop_test(t, other_files, 0, COUNT(files));
	tcase_add_test(t, cut_anywhere_it_is_refused);
	tcase_add_test(t, a_bomb_is_refused_before_it_is_unpacked);
	tcase_add_test(t, too_many_parts_and_too_deep_elements_are_refused);
	tcase_add_test(t, as_many_rows_as_there_may_be_and_one_more);
	tcase_add_test(t, L3_what_is_written_is_read_as_it_was);
	tcase_add_loop_test(
	    t, whatever_the_process_does_is_a_refusal, 0, COUNT(processes));
	tcase_add_test(t, the_process_gives_what_reading_gives);
	tcase_add_test(t, faults_come_through_with_place_and_code);
}

UNIT_MAIN("xlsx", tests)
