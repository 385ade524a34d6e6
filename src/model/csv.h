/* csv.h - the rows of an RFC 4180 file, one after another, each cell with its
 * place.
 *
 * Shape:   cells are separated by commas, rows end in LF or CRLF; a cell in
 *          quotes may hold commas, line ends and doubled quotes; a UTF-8 byte
 *          order mark at the start is skipped. Lines and columns count from 1,
 *          columns in bytes. How many cells a row must have is for the caller
 *          to say: an empty line is a row with one empty cell.
 * Owner:   cells borrow from the text or live in the arena; the array of a
 *          row is used again for the next one.
 * Errors:  CSV_FAULT has added one fault, and nothing can be read after it:
 *          csv_quote, csv_line_end, csv_utf8, csv_cells, no_memory. */
#ifndef ROLEGATE_CSV_H
#define ROLEGATE_CSV_H

#include "base/fault.h"
#include "base/str.h"

struct csv_cell {
	struct str text;
	int line;
	int column;
};

struct csv_row {
	const struct csv_cell *cells;
	size_t count; /* at least 1 */
	int line; /* where it begins */
};

struct csv {
	struct arena *arena;
	struct faults *faults;
	struct str file; /* its name in faults */
	struct str text;
	size_t cells_max; /* in one row */
	size_t at;
	size_t line_start;
	int line;
	struct csv_cell *cells;
	size_t cells_cap;
};

enum csv_next { CSV_FAULT = -1, CSV_END = 0, CSV_ROW = 1 };

/* The whole of a regular file of at most bytes_max; false sets err: file_read,
 * file_too_large, no_memory. */
bool csv_text_read(struct arena *arena, struct str path, size_t bytes_max,
    struct str *text, struct err *err);

void csv_open(struct csv *csv, struct arena *arena, struct faults *faults,
    struct str file, struct str text, size_t cells_max);
enum csv_next csv_next(struct csv *csv, struct csv_row *row);

#endif
