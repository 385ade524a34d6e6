#include "model/sheet.h"

#include <jansson.h>
#include <string.h>

#include "base/bounds.h"
#include "base/text.h"
#include "model/csv.h"
#include "model/json.h"

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
#define COLUMNS	     (sizeof(columns) / sizeof(columns[0]))
#define NO_COLUMN    COLUMNS
#define CELLS_MAX    64
#define HEADER_LINES 1

struct reading {
	struct csv csv;
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
	struct str text = unmarked(cell->text);
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

	while ((next = csv_next(&r->csv, &row)) == CSV_ROW) {
		r->number++;
		ok = row_read(r, &row) && ok;
		if (r->count == SHEET_ROWS_MAX && !ok)
			return false;
	}
	return ok && next == CSV_END;
}

bool
sheet_read(struct arena *arena, struct str file, struct str text,
    struct sheet_row **rows, size_t *count, struct faults *faults)
{
	struct reading r = {
		.arena = arena,
		.faults = faults,
		.file = file,
		.number = HEADER_LINES,
	};
	struct csv_row header;

	csv_open(&r.csv, arena, faults, file, text, CELLS_MAX);
	switch (csv_next(&r.csv, &header)) {
	case CSV_FAULT:
		return false;
	case CSV_END:
		fault_add(faults, file, 1, 1, "sheet_column",
		    "the file is empty; it begins with the names of its "
		    "columns");
		return false;
	case CSV_ROW:
		break;
	}
	if (!header_read(&r, &header) || !rows_read(&r))
		return false;
	*rows = r.rows;
	*count = r.count;
	return true;
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

bool
sheet_write_row(FILE *out, struct str fields, const struct str *more)
{
	struct arena arena = { 0 };
	json_t *object = json_loadb(fields.ptr, fields.len, 0, NULL);
	bool ok = json_is_object(object);

	for (size_t i = 0; ok && i < COLUMNS; i++) {
		const json_t *value = json_object_get(object, columns[i].name);

		if (i > 0)
			putc(',', out);
		if (columns[i].is_list)
			sheet_write_cell(out, joined(&arena, value));
		else
			sheet_write_cell(
			    out, (struct str){ json_string_value(value),
				     json_string_length(value) });
	}
	if (ok && more != NULL) {
		putc(',', out);
		sheet_write_cell(out, *more);
	}
	if (ok)
		fputs("\r\n", out);
	json_decref(object);
	arena_free(&arena);
	return ok;
}
