/* sheet.h - a spreadsheet of members, CSV or XLSX: ten columns, a header, rows.
 *
 * Shape:   the header is row 1 and names which of the columns there are, in
 *          any order and case; an unknown or doubled one, and one with neither
 *          email nor external_id, is a fault of the whole sheet. Empty rows are
 *          left out and counted. licences and filter hold several values with
 *          ';' between. A row becomes a JSON object of its columns: texts, and
 *          lists for those two.
 * Formulas: what a spreadsheet would take for one (it begins with = + - @, TAB
 *          or CR) has a ' in front when written, and so has what begins with '
 *          and then one of these or another '; reading takes exactly that one
 *          away, so that a round trip loses nothing (CASES L3). In XLSX a text
 *          is a text, and nothing is put in front of it.
 * Owner:   rows live in the arena.
 * Errors:  faults with line and column; over SHEET_ROWS_MAX rows or
 *          SHEET_CELL_MAX bytes of a cell the whole is refused. */
#ifndef ROLEGATE_SHEET_H
#define ROLEGATE_SHEET_H

#include <stdio.h>

#include "base/fault.h"
#include "base/str.h"

struct sheet_row {
	int64_t row; /* as the spreadsheet shows it */
	struct str fields;
};

#define SHEET_COLUMNS 10

/* False with at least one fault. `file` is its name in faults; what it is, its
 * first bytes say. For bytes of a stranger see sheet_parse.h. */
bool sheet_read(struct arena *arena, struct str file, struct str bytes,
    struct sheet_row **rows, size_t *count, struct faults *faults);

/* The header, with one more column when `more` is not NULL. */
void sheet_write_header(FILE *out, const char *more);
/* One row's fields, and one more cell. False when they cannot be read. */
bool sheet_write_row(FILE *out, struct str fields, const struct str *more);

/* The names of the columns. */
size_t sheet_header(const char *const **names);
/* A row's fields as SHEET_COLUMNS cells. False when they cannot be read. */
bool sheet_cells(struct arena *arena, struct str fields, struct str *cells);

/* Of any CSV: one cell, in quotes, with the ' where it is needed. */
void sheet_write_cell(FILE *out, struct str text);

#endif
