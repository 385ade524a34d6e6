#include "model/xlsx.h"

#include <expat.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "base/bounds.h"

#define WORKBOOK      "xl/workbook.xml"
#define RELATIONS     "xl/_rels/workbook.xml.rels"
#define STRINGS	      "xl/sharedStrings.xml"
#define MACROS	      "xl/vbaProject.bin"
#define CHUNK	      ((size_t)64 * 1024)
#define ROW_MAX	      1048576 /* of any spreadsheet */
#define COLUMN_MAX    16384
#define STRINGS_MAX   1000000
#define WHOLE_MAX     1e15 /* up to here a number is exact */
#define SEPARATOR     '|'
#define NAME_MAX_SEEN 256

enum place { PLACE_WORKBOOK, PLACE_RELATIONS, PLACE_STRINGS, PLACE_SHEET };

struct book {
	struct arena *arena;
	struct faults *faults;
	struct str file;
	zip_t *zip;
	size_t packed;
	size_t unpacked; /* of all that was read so far */
	XML_Parser parser;
	bool failed;
	enum place place;
	int depth;
	/* The first sheet, and where it lies. */
	struct str relation;
	struct str target;
	/* The text in hand. */
	char *text;
	size_t text_len;
	size_t text_cap;
	bool in_text;
	int phonetic; /* depth of rPh, whose text is not the cell's */
	/* Shared strings. */
	struct str *strings;
	size_t string_count;
	size_t string_cap;
	/* The sheet. */
	struct xlsx_table table;
	size_t table_cap;
	int64_t row; /* the one in hand, or the last */
	int64_t column;
	char type; /* of the cell: s, i(nline), t(ext), b, e, n */
	struct csv_cell *cells; /* of the row in hand */
	size_t used; /* up to the last one with a text */
};

/* --- Faults --------------------------------------------------------------- */

/* The first one; libexpat is told to stop. */
static bool
refuse(struct book *b, const char *code, const char *says)
{
	if (!b->failed)
		fault_add(b->faults, b->file, (int)b->row, (int)b->column, code,
		    "%s", says);
	b->failed = true;
	if (b->parser != NULL)
		XML_StopParser(b->parser, XML_FALSE);
	return false;
}

static bool
no_memory(struct book *b)
{
	return refuse(b, "no_memory", "memory is out; give the process more");
}

/* --- Numbers -------------------------------------------------------------- */

/* "BC12" is row 12, column 55. */
static bool
reference_read(struct str text, int64_t *row, int64_t *column)
{
	size_t i = 0;

	*column = 0;
	while (i < text.len && text.ptr[i] >= 'A' && text.ptr[i] <= 'Z') {
		*column = *column * 26 + (text.ptr[i] - 'A' + 1);
		if (*column > COLUMN_MAX)
			return false;
		i++;
	}
	return i > 0 && str_to_i64((struct str){ text.ptr + i, text.len - i },
			    1, ROW_MAX, row);
}

/* 4.9E+10 is what a spreadsheet shows as 49000000000. */
static struct str
number_text(struct book *b, struct str text)
{
	locale_t c = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
	char *end = NULL;
	double value;

	if (c == (locale_t)0)
		return (struct str){ NULL, 0 };
	value = strtod_l(text.ptr, &end, c);
	freelocale(c);
	if (text.len == 0 || end != text.ptr + text.len || !isfinite(value))
		return (struct str){ NULL, 0 };
	if (value <= -WHOLE_MAX || value >= WHOLE_MAX ||
	    value != (double)(int64_t)value)
		return text;
	return str_fmt(b->arena, "%lld", (long long)value);
}

/* --- Text ----------------------------------------------------------------- */

static void
text_begin(struct book *b)
{
	b->in_text = true;
}

static void XMLCALL
on_text(void *context, const XML_Char *bytes, int len)
{
	struct book *b = context;

	if (!b->in_text || b->phonetic > 0 || b->failed)
		return;
	while (b->text_len + (size_t)len + 1 > b->text_cap) {
		char *grown =
		    arena_grow(b->arena, b->text, b->text_cap, &b->text_cap, 1);

		if (grown == NULL) {
			no_memory(b);
			return;
		}
		b->text = grown;
	}
	memcpy(b->text + b->text_len, bytes, (size_t)len);
	b->text_len += (size_t)len;
	b->text[b->text_len] = '\0';
}

static struct str
text_take(struct book *b)
{
	struct str out = str_copy(b->arena,
	    (struct str){ b->text != NULL ? b->text : "", b->text_len });

	b->text_len = 0;
	return out;
}

/* --- Elements ------------------------------------------------------------- */

/* Without its namespace: "http://…|row" is "row". */
static const char *
local(const XML_Char *name)
{
	const char *at = strrchr(name, SEPARATOR);

	return at != NULL ? at + 1 : name;
}

static struct str
attribute(const XML_Char **attributes, const char *name)
{
	for (size_t i = 0; attributes[i] != NULL; i += 2)
		if (strcmp(local(attributes[i]), name) == 0)
			return str_from(attributes[i + 1]);
	return STR("");
}

static bool
is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* Its r:id, and not its sheetId: only that one has a namespace. */
static struct str
relation_id(const XML_Char **attributes)
{
	for (size_t i = 0; attributes[i] != NULL; i += 2)
		if (strchr(attributes[i], SEPARATOR) != NULL &&
		    is(local(attributes[i]), "id"))
			return str_from(attributes[i + 1]);
	return STR("");
}

static void
sheet_note(struct book *b, const XML_Char **attributes)
{
	if (b->relation.len > 0)
		return;
	b->relation = str_copy(b->arena, relation_id(attributes));
	if (b->relation.len == 0)
		refuse(b, "xlsx_form", "the first sheet has no place");
}

static void
relation_note(struct book *b, const XML_Char **attributes)
{
	struct str target = attribute(attributes, "Target");

	if (!str_eq(attribute(attributes, "Id"), b->relation))
		return;
	if (str_eq(attribute(attributes, "TargetMode"), STR("External"))) {
		refuse(b, "xlsx_external",
		    "the first sheet lies in another file; save it as one");
		return;
	}
	b->target = target.len > 0 && target.ptr[0] == '/'
			? str_copy(b->arena,
			      (struct str){ target.ptr + 1, target.len - 1 })
			: str_fmt(b->arena, "xl/%.*s", STR_ARGS(target));
	if (b->target.ptr == NULL)
		no_memory(b);
}

static void
row_begin(struct book *b, const XML_Char **attributes)
{
	struct str text = attribute(attributes, "r");
	int64_t number = b->row + 1;

	b->column = 0;
	if (text.len > 0 && !str_to_i64(text, 1, ROW_MAX, &number)) {
		refuse(b, "xlsx_form", "a row has no number");
		return;
	}
	if (number <= b->row) {
		refuse(b, "xlsx_form", "the rows go backwards");
		return;
	}
	b->row = number;
	b->used = 0;
	b->cells = ARENA_ARRAY(b->arena, struct csv_cell, XLSX_CELLS_MAX);
	if (b->cells == NULL) {
		no_memory(b);
		return;
	}
	for (int i = 0; i < XLSX_CELLS_MAX; i++)
		b->cells[i] = (struct csv_cell){ STR(""), (int)number, i + 1 };
}

static char
type_of(struct str word)
{
	/* clang-format off */
	static const struct { const char *word; char type; } types[] = {
		{ "s", 's' }, { "inlineStr", 'i' }, { "str", 't' },
		{ "b", 'b' }, { "e", 'e' }, { "n", 'n' },
	};
	/* clang-format on */

	if (word.len == 0)
		return 'n';
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (str_eq(word, str_from(types[i].word)))
			return types[i].type;
	return '\0';
}

static void
cell_begin(struct book *b, const XML_Char **attributes)
{
	struct str where = attribute(attributes, "r");
	int64_t column = b->column + 1;
	int64_t row = b->row;

	b->text_len = 0;
	b->type = type_of(attribute(attributes, "t"));
	if ((where.len > 0 && !reference_read(where, &row, &column)) ||
	    row != b->row || column <= b->column || b->cells == NULL)
		refuse(b, "xlsx_form", "a cell is not where it says it is");
	else if (b->type == '\0')
		refuse(b, "xlsx_form", "a cell is of no known kind");
	else
		b->column = column;
}

static struct str
shared(struct book *b, struct str index)
{
	int64_t at = 0;

	if (!str_to_i64(index, 0, INT64_MAX, &at) ||
	    (size_t)at >= b->string_count)
		return (struct str){ NULL, 0 };
	return b->strings[at];
}

static struct str
cell_value(struct book *b, struct str text)
{
	switch (b->type) {
	case 's':
		return shared(b, text);
	case 'b':
		return str_eq(text, STR("1")) ? STR("TRUE") : STR("FALSE");
	case 'n':
		return number_text(b, text);
	default:
		return text;
	}
}

static void
cell_end(struct book *b)
{
	struct str text = text_take(b);

	if (b->failed || text.len == 0)
		return;
	if (b->type == 'e') {
		refuse(b, "xlsx_error", "a formula has an error here; mend it");
		return;
	}
	text = cell_value(b, text);
	if (text.ptr == NULL) {
		refuse(b, "xlsx_form", "a cell's value cannot be read");
		return;
	}
	if (text.len == 0)
		return;
	if (b->column > XLSX_CELLS_MAX) {
		refuse(b, "sheet_width",
		    "there are more columns than a row may have; take those "
		    "behind the table away");
		return;
	}
	b->cells[b->column - 1].text = text;
	b->used = (size_t)b->column;
}

/* Bounded here, before memory is: sheet_rows says it to people. */
static void
row_end(struct book *b)
{
	struct csv_row *rows;

	if (b->failed || b->used == 0)
		return;
	if (b->table.count > SHEET_ROWS_MAX) {
		refuse(b, "sheet_rows",
		    "there are more rows than an import takes; split the "
		    "spreadsheet");
		return;
	}
	rows = arena_grow(b->arena, b->table.rows, b->table.count,
	    &b->table_cap, sizeof(*rows));
	if (rows == NULL) {
		no_memory(b);
		return;
	}
	b->table.rows = rows;
	rows[b->table.count++] =
	    (struct csv_row){ b->cells, b->used, (int)b->row };
}

static void
string_end(struct book *b)
{
	struct str *strings;

	if (b->string_count == STRINGS_MAX) {
		refuse(b, "xlsx_too_large", "there are too many texts in it");
		return;
	}
	strings = arena_grow(b->arena, b->strings, b->string_count,
	    &b->string_cap, sizeof(*strings));
	if (strings == NULL) {
		no_memory(b);
		return;
	}
	b->strings = strings;
	strings[b->string_count] = text_take(b);
	if (strings[b->string_count++].ptr == NULL)
		no_memory(b);
}

static void XMLCALL
on_begin(void *context, const XML_Char *name, const XML_Char **attributes)
{
	struct book *b = context;
	const char *what = local(name);

	if (b->failed)
		return;
	if (++b->depth > XLSX_DEPTH_MAX) {
		refuse(b, "xlsx_form", "its elements lie too deep");
		return;
	}
	if (is(what, "rPh"))
		b->phonetic++;
	switch (b->place) {
	case PLACE_WORKBOOK:
		if (is(what, "sheet"))
			sheet_note(b, attributes);
		break;
	case PLACE_RELATIONS:
		if (is(what, "Relationship"))
			relation_note(b, attributes);
		break;
	case PLACE_STRINGS:
		if (is(what, "si"))
			b->text_len = 0;
		else if (is(what, "t"))
			text_begin(b);
		break;
	case PLACE_SHEET:
		if (is(what, "row"))
			row_begin(b, attributes);
		else if (is(what, "c"))
			cell_begin(b, attributes);
		else if (is(what, "v") || is(what, "t"))
			text_begin(b);
		break;
	}
}

static void XMLCALL
on_end(void *context, const XML_Char *name)
{
	struct book *b = context;
	const char *what = local(name);

	b->depth--;
	b->in_text = false;
	if (is(what, "rPh"))
		b->phonetic--;
	if (b->failed)
		return;
	if (b->place == PLACE_STRINGS && is(what, "si"))
		string_end(b);
	else if (b->place == PLACE_SHEET && is(what, "c"))
		cell_end(b);
	else if (b->place == PLACE_SHEET && is(what, "row"))
		row_end(b);
}

/* Nothing that we read has one; what has one is an attack or a mistake. */
static void XMLCALL
on_doctype(void *context, const XML_Char *name, const XML_Char *system,
    const XML_Char *public, int internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	refuse(context, "xlsx_dtd", "it declares a document type");
}

/* --- Entries of the file -------------------------------------------------- */

static bool
feed(struct book *b, const char *bytes, size_t len, bool last)
{
	if (XML_Parse(b->parser, bytes, (int)len, last) == XML_STATUS_OK)
		return !b->failed;
	return refuse(b, "xlsx_form", "a part of it is not well-formed XML");
}

/* What it says of its size is not believed: bytes are counted. */
static bool
counted(struct book *b, size_t bytes)
{
	b->unpacked += bytes;
	if (b->unpacked <= XLSX_UNPACKED_MAX &&
	    b->unpacked / XLSX_RATIO_MAX <= b->packed)
		return true;
	return refuse(b, "xlsx_too_large",
	    "it unpacks to more than a spreadsheet of members needs");
}

static bool
entry_feed(struct book *b, zip_file_t *entry)
{
	char *chunk = malloc(CHUNK);
	zip_int64_t got = 0;
	bool ok = chunk != NULL || no_memory(b);

	while (ok && (got = zip_fread(entry, chunk, CHUNK)) > 0)
		ok = counted(b, (size_t)got) &&
		     feed(b, chunk, (size_t)got, false);
	free(chunk);
	if (ok && got < 0)
		ok = refuse(b, "xlsx_form", "a part of it is damaged");
	return ok && feed(b, "", 0, true);
}

static bool
entry_parse(struct book *b, zip_uint64_t index, enum place place)
{
	zip_file_t *entry = zip_fopen_index(b->zip, index, 0);
	bool ok = false;

	if (entry == NULL)
		return refuse(b, "xlsx_form",
		    "a part of it cannot be opened; save it without a "
		    "password");
	b->place = place;
	b->depth = 0;
	b->in_text = false;
	b->phonetic = 0;
	b->text_len = 0;
	b->parser = XML_ParserCreateNS(NULL, SEPARATOR);
	if (b->parser != NULL) {
		XML_SetUserData(b->parser, b);
		XML_SetElementHandler(b->parser, on_begin, on_end);
		XML_SetCharacterDataHandler(b->parser, on_text);
		XML_SetStartDoctypeDeclHandler(b->parser, on_doctype);
		ok = entry_feed(b, entry);
		XML_ParserFree(b->parser);
		b->parser = NULL;
	} else
		no_memory(b);
	zip_fclose(entry);
	return ok && !b->failed;
}

static bool
part_parse(struct book *b, const char *name, enum place place, bool required)
{
	zip_int64_t index = zip_name_locate(b->zip, name, 0);

	if (index >= 0)
		return entry_parse(b, (zip_uint64_t)index, place);
	return !required ||
	       refuse(b, "xlsx_form",
		   "a part of it is missing; save it as XLSX again");
}

static bool
entries_check(struct book *b)
{
	if (zip_get_num_entries(b->zip, 0) > XLSX_ENTRIES_MAX)
		return refuse(
		    b, "xlsx_too_large", "it has too many parts in it");
	if (zip_name_locate(b->zip, MACROS, ZIP_FL_NOCASE) >= 0)
		return refuse(b, "xlsx_macros",
		    "it has macros; save it as XLSX without them");
	return true;
}

static bool
book_read(struct book *b)
{
	if (!entries_check(b) || !part_parse(b, WORKBOOK, PLACE_WORKBOOK, true))
		return false;
	if (b->relation.len == 0)
		return refuse(b, "xlsx_form", "it has no sheet");
	if (!part_parse(b, RELATIONS, PLACE_RELATIONS, true))
		return false;
	if (b->target.len == 0)
		return refuse(b, "xlsx_form", "its first sheet is missing");
	return part_parse(b, STRINGS, PLACE_STRINGS, false) &&
	       part_parse(b, b->target.ptr, PLACE_SHEET, true);
}

bool
xlsx_is_one(struct str bytes)
{
	return str_starts(bytes, (struct str){ "PK\x03\x04", 4 });
}

bool
xlsx_read(struct arena *arena, struct str file, struct str bytes,
    struct xlsx_table *out, struct faults *faults)
{
	struct book b = {
		.arena = arena,
		.faults = faults,
		.file = file,
		.packed = bytes.len,
	};
	zip_source_t *source =
	    zip_source_buffer_create(bytes.ptr, bytes.len, 0, NULL);
	bool ok;

	if (source == NULL)
		return no_memory(&b);
	b.zip = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, NULL);
	if (b.zip == NULL) {
		zip_source_free(source);
		return refuse(
		    &b, "xlsx_form", "it is no whole XLSX file; save it again");
	}
	ok = book_read(&b);
	zip_discard(b.zip);
	if (ok)
		*out = b.table;
	return ok;
}
