#include "model/sheet.h"

#include <jansson.h>
#include <string.h>

#include "base/bounds.h"
#include "base/text.h"
#include "model/csv.h"
#include "model/json.h"
#include "model/xlsx.h"

static const struct {
	const char *name;
	bool is_list;
} columns[] = {
	{ "action", false },
	{ "email", false },
	{ "external_id", false },
	{ "first_name", false },
	{ "last_name", false },
	{ "phone", false },
	{ "role", false },
	{ "licences", true },
	{ "account", false },
	{ "filter", true },
};
#define COLUMNS	  (sizeof(columns) / sizeof(columns[0]))
#define NO_COLUMN COLUMNS
#define CELLS_MAX 64

struct reading;
/* The next row, with its cells' places in faults; *number as the spreadsheet
 * shows it. */
typedef enum csv_next
next_row(struct reading *r, struct csv_row *row, int64_t *number);

struct reading {
	next_row *next;
	bool
	    marked; /* a ' in front of what seems a formula is not the text's */
	struct csv csv;
	struct xlsx_table table;
	size_t at; /* in the table */
	struct arena *arena;
	struct faults *faults;
	struct str file;
	size_t column_at[CELLS_MAX]; /* index into columns, by cell */
	size_t width;
	struct sheet_row *rows;
	size_t count;
	size_t cap;
	int64_t number; /* of the row in hand */
};

/* --- Formulas ------------------------------------------------------------- */

static bool
is_dangerous(char c)
{
	return c == '=' || c == '+' || c == '-' || c == '@' || c == '\t' ||
	       c == '\r';
}

/* Does a ' in front of it mean something? */
static bool
is_marked(struct str s)
{
	return s.len > 1 && s.ptr[0] == '\'' &&
	       (is_dangerous(s.ptr[1]) || s.ptr[1] == '\'');
}

static struct str
unmarked(struct str s)
{
	return is_marked(s) ? (struct str){ s.ptr + 1, s.len - 1 } : s;
}

void
sheet_write_cell(FILE *out, struct str s)
{
	putc('"', out);
	if ((s.len > 0 && is_dangerous(s.ptr[0])) || is_marked(s))
		putc('\'', out);
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '"')
			putc('"', out);
		putc(s.ptr[i], out);
	}
	putc('"', out);
}

/* --- Header --------------------------------------------------------------- */

static bool
fault(struct reading *r, const struct csv_cell *cell, const char *code,
    const char *says)
{
	fault_add(
	    r->faults, r->file, cell->line, cell->column, code, "%s", says);
	return false;
}

static size_t
column_find(struct str name)
{
	size_t i = 0;

	while (i < COLUMNS && !str_eq_fold(name, str_from(columns[i].name)))
		i++;
	return i;
}

static bool
column_is_there(const struct reading *r, size_t column)
{
	for (size_t i = 0; i < r->width; i++)
		if (r->column_at[i] == column)
			return true;
	return false;
}

static bool
header_cell(struct reading *r, const struct csv_cell *cell)
{
	size_t column = column_find(cell->text);

	if (column == NO_COLUMN)
		return fault(r, cell, "sheet_column",
		    "is no column; the columns are action, email, external_id, "
		    "first_name, last_name, phone, role, licences, account and "
		    "filter");
	if (column_is_there(r, column))
		return fault(r, cell, "sheet_column",
		    "is a column that stands twice; take one away");
	r->column_at[r->width++] = column;
	return true;
}

static bool
header_read(struct reading *r, const struct csv_row *row)
{
	bool ok = true;

	for (size_t i = 0; i < row->count; i++)
		ok = header_cell(r, &row->cells[i]) && ok;
	if (ok && !column_is_there(r, column_find(STR("email"))) &&
	    !column_is_there(r, column_find(STR("external_id"))))
		return fault(r, &row->cells[0], "sheet_column",
		    "there is neither email nor external_id; one of them says "
		    "who is meant");
	return ok;
}

/* --- Rows ----------------------------------------------------------------- */

static json_t *
list_value(struct str text)
{
	json_t *list = json_array();
	struct str one;

	while (text.len > 0 && str_next(&text, ';', &one))
		if (one.len > 0)
			json_array_append_new(
			    list, json_stringn(one.ptr, one.len));
	return list;
}

static bool
cell_read(struct reading *r, const struct csv_cell *cell, size_t column,
    json_t *object)
{
	struct str text = r->marked ? unmarked(cell->text) : cell->text;
	json_t *value;

	if (text.len > SHEET_CELL_MAX)
		return fault(r, cell, "sheet_cell",
		    "is longer than a cell may be; make it shorter");
	if (text.len > 0 && !text_is_clean(text))
		return fault(r, cell, "sheet_cell",
		    "has a control character; take it away");
	value = columns[column].is_list
		    ? list_value(text)
		    : json_stringn(text.len > 0 ? text.ptr : "", text.len);
	return json_object_set_new(object, columns[column].name, value) == 0 ||
	       fault(r, cell, "no_memory", "memory is out");
}

/* A list of nothing but separators says nothing either. */
static bool
says_nothing(const struct reading *r, size_t i, struct str text)
{
	bool is_list = i < r->width && columns[r->column_at[i]].is_list;

	for (size_t at = 0; at < text.len; at++)
		if (!is_list || text.ptr[at] != ';')
			return false;
	return true;
}

static bool
is_empty(const struct reading *r, const struct csv_row *row)
{
	for (size_t i = 0; i < row->count; i++)
		if (!says_nothing(r, i, row->cells[i].text))
			return false;
	return true;
}

static bool
row_keep(struct reading *r, const struct csv_row *row, json_t *object)
{
	struct sheet_row *rows =
	    arena_grow(r->arena, r->rows, r->count, &r->cap, sizeof(*rows));
	struct str fields = json_text(r->arena, object);

	if (rows == NULL || fields.ptr == NULL)
		return fault(r, &row->cells[0], "no_memory", "memory is out");
	r->rows = rows;
	rows[r->count++] = (struct sheet_row){ r->number, fields };
	return true;
}

static bool
row_read(struct reading *r, const struct csv_row *row)
{
	json_t *object;
	bool ok = true;

	if (is_empty(r, row))
		return true;
	if (r->count == SHEET_ROWS_MAX)
		return fault(r, &row->cells[0], "sheet_rows",
		    "there are more rows than an import takes; split the "
		    "spreadsheet");
	if (row->count != r->width)
		return fault(r, &row->cells[0], "sheet_width",
		    "the row has more or fewer cells than the header");
	object = json_object();
	for (size_t i = 0; i < row->count; i++)
		ok =
		    cell_read(r, &row->cells[i], r->column_at[i], object) && ok;
	if (ok)
		return row_keep(r, row, object);
	json_decref(object);
	return false;
}

/* Goes on after a bad row, to say all faults at once; but not over the bound
 * of rows. */
static bool
rows_read(struct reading *r)
{
	struct csv_row row;
	enum csv_next next;
	bool ok = true;

	while ((next = r->next(r, &row, &r->number)) == CSV_ROW) {
		ok = row_read(r, &row) && ok;
		if (r->count == SHEET_ROWS_MAX && !ok)
			return false;
	}
	return ok && next == CSV_END;
}

static bool
table_read(struct reading *r, struct sheet_row **rows, size_t *count)
{
	struct csv_row header;

	switch (r->next(r, &header, &r->number)) {
	case CSV_FAULT:
		return false;
	case CSV_END:
		fault_add(r->faults, r->file, 1, 1, "sheet_column",
		    "the file is empty; it begins with the names of its "
		    "columns");
		return false;
	case CSV_ROW:
		break;
	}
	if (!header_read(r, &header) || !rows_read(r))
		return false;
	*rows = r->rows;
	*count = r->count;
	return true;
}

/* --- From CSV ------------------------------------------------------------- */

static enum csv_next
csv_row_next(struct reading *r, struct csv_row *row, int64_t *number)
{
	(*number)++;
	return csv_next(&r->csv, row);
}

static bool
from_csv(
    struct reading *r, struct str text, struct sheet_row **rows, size_t *count)
{
	r->next = csv_row_next;
	r->marked = true;
	csv_open(&r->csv, r->arena, r->faults, r->file, text, CELLS_MAX);
	return table_read(r, rows, count);
}

/* --- From XLSX ------------------------------------------------------------ */

/* As wide as the header: cells that nobody filled are not in the file. What
 * stands beyond it is for row_read() to refuse. */
static enum csv_next
xlsx_row_next(struct reading *r, struct csv_row *row, int64_t *number)
{
	if (r->at == r->table.count)
		return CSV_END;
	*number = r->table.rows[r->at].line;
	*row = r->table.rows[r->at++];
	if (r->width == 0 || row->count >= r->width)
		return CSV_ROW;
	row->count = r->width;
	return CSV_ROW;
}

static bool
from_xlsx(
    struct reading *r, struct str bytes, struct sheet_row **rows, size_t *count)
{
	r->next = xlsx_row_next;
	return xlsx_read(r->arena, r->file, bytes, &r->table, r->faults) &&
	       table_read(r, rows, count);
}

bool
sheet_read(struct arena *arena, struct str file, struct str bytes,
    struct sheet_row **rows, size_t *count, struct faults *faults)
{
	struct reading r = { .arena = arena, .faults = faults, .file = file };

	return xlsx_is_one(bytes) ? from_xlsx(&r, bytes, rows, count)
				  : from_csv(&r, bytes, rows, count);
}

/* --- Writing -------------------------------------------------------------- */

void
sheet_write_header(FILE *out, const char *more)
{
	for (size_t i = 0; i < COLUMNS; i++)
		fprintf(out, "%s%s", i > 0 ? "," : "", columns[i].name);
	if (more != NULL)
		fprintf(out, ",%s", more);
	fputs("\r\n", out);
}

size_t
sheet_header(const char *const **names)
{
	static const char *all[COLUMNS];

	for (size_t i = 0; i < COLUMNS; i++)
		all[i] = columns[i].name;
	*names = all;
	return COLUMNS;
}

static struct str
joined(struct arena *arena, const json_t *list)
{
	struct str text = STR("");
	size_t i;
	json_t *one;

	json_array_foreach(list, i, one)
	{
		text = str_fmt(arena, "%.*s%s%s", STR_ARGS(text),
		    i > 0 ? ";" : "", json_string_value(one));
	}
	return text;
}

static struct str
cell_text(struct arena *arena, const json_t *object, size_t column)
{
	const json_t *value = json_object_get(object, columns[column].name);

	if (columns[column].is_list)
		return joined(arena, value);
	return str_copy(arena, (struct str){ json_string_value(value),
				   json_string_length(value) });
}

bool
sheet_cells(struct arena *arena, struct str fields, struct str *cells)
{
	json_t *object = json_loadb(fields.ptr, fields.len, 0, NULL);
	bool ok = json_is_object(object);

	for (size_t i = 0; ok && i < COLUMNS; i++) {
		cells[i] = cell_text(arena, object, i);
		ok = cells[i].ptr != NULL;
	}
	json_decref(object);
	return ok;
}

bool
sheet_write_row(FILE *out, struct str fields, const struct str *more)
{
	struct str cells[COLUMNS];
	struct arena arena = { 0 };
	bool ok = sheet_cells(&arena, fields, cells);

	for (size_t i = 0; ok && i < COLUMNS; i++) {
		if (i > 0)
			putc(',', out);
		sheet_write_cell(out, cells[i]);
	}
	if (ok && more != NULL) {
		putc(',', out);
		sheet_write_cell(out, *more);
	}
	if (ok)
		fputs("\r\n", out);
	arena_free(&arena);
	return ok;
}
