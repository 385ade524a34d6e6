/* xlsx.h - the first sheet of an XLSX file as rows of texts, and such a file of
 * rows of texts.
 *
 * Shape:   a row has its number in `line`, and so have its cells; a cell's
 *          column counts from 1 and `cells` are XLSX_CELLS_MAX long, those that
 *          nobody filled empty. Rows without any text are left out. A number
 *          is the text that the file has, a whole one without exponent;
 *          a formula is the value that was stored with it.
 * Refused: whole: what is no ZIP or is encrypted, macros, a DTD or an entity,
 *          a sheet that lies outside of the file, error values, cells or rows
 *          that go backwards, and everything over a bound of bounds.h
 *          (unpacked bytes, ratio, entries, depth, rows, cells).
 * Owner:   the table lives in the arena.
 * Errors:  one fault, xlsx_… or sheet_…. */
#ifndef ROLEGATE_XLSX_H
#define ROLEGATE_XLSX_H

#include "base/fault.h"
#include "model/csv.h"

#define XLSX_CELLS_MAX 64

struct xlsx_table {
	struct csv_row *rows;
	size_t count;
};

/* Does it begin as a ZIP file does? */
bool xlsx_is_one(struct str bytes);
bool xlsx_read(struct arena *arena, struct str file, struct str bytes,
    struct xlsx_table *out, struct faults *faults);

/* All cells are texts, the first row is the header. `cells` are rows * width.
 * The bytes of the file live in the arena. */
bool xlsx_write(struct arena *arena, const struct str *cells, size_t rows,
    size_t width, struct str *out, struct err *err);

#endif
