#include "model/csv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

/* --- The file ------------------------------------------------------------ */

static bool
bytes_read(int fd, struct arena *arena, size_t size, struct str *text,
    struct str path, struct err *err)
{
	char *bytes = arena_alloc(arena, size + 1, 1);
	size_t have = 0;
	ssize_t n = 1;

	if (bytes == NULL)
		return err_set(err, ERR_LIMIT, "no_memory",
		    "%.*s: no memory for %zu bytes", STR_ARGS(path), size);
	/* One byte more than there should be shows a file that grows. */
	while (
	    have <= size && (n = read(fd, bytes + have, size + 1 - have)) > 0)
		have += (size_t)n;
	if (n < 0 || have != size)
		return err_set(err, ERR_FILE, "file_read",
		    "%.*s: %s; try again", STR_ARGS(path),
		    n < 0 ? strerror(errno) : "changes while it is read");
	*text = (struct str){ bytes, size };
	return true;
}

static bool
regular_read(int fd, struct arena *arena, struct str path, size_t bytes_max,
    struct str *text, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_set(err, ERR_FILE, "file_read", "%.*s: %s",
		    STR_ARGS(path), strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_FILE, "file_read",
		    "%.*s: is not a regular file; name one", STR_ARGS(path));
	if (st.st_size < 0 || (uintmax_t)st.st_size > bytes_max)
		return err_set(err, ERR_LIMIT, "file_too_large",
		    "%.*s: has %jd bytes; at most %zu are read", STR_ARGS(path),
		    (intmax_t)st.st_size, bytes_max);
	return bytes_read(fd, arena, (size_t)st.st_size, text, path, err);
}

bool
csv_text_read(struct arena *arena, struct str path, size_t bytes_max,
    struct str *text, struct err *err)
{
	struct str name = str_copy(arena, path);
	int fd;
	bool ok;

	if (name.ptr == NULL)
		return err_set(err, ERR_LIMIT, "no_memory",
		    "%.*s: memory is out", STR_ARGS(path));
	/* Not to wait for a writer when it is a pipe. */
	fd = open(name.ptr, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_set(err, ERR_FILE, "file_read",
		    "%.*s: cannot be opened: %s", STR_ARGS(path),
		    strerror(errno));
	ok = regular_read(fd, arena, path, bytes_max, text, err);
	close(fd);
	return ok;
}

/* --- Cells --------------------------------------------------------------- */

static bool
csv_fault(struct csv *csv, const struct csv_cell *cell, const char *code,
    const char *says)
{
	fault_add(
	    csv->faults, csv->file, cell->line, cell->column, code, "%s", says);
	return false;
}

/* At the end of the text, of a row, or before a comma. */
static bool
at_cell_end(const struct csv *csv)
{
	const char *p = csv->text.ptr + csv->at;
	size_t left = csv->text.len - csv->at;

	return left == 0 || *p == ',' || *p == '\n' ||
	       (left > 1 && p[0] == '\r' && p[1] == '\n');
}

static bool
plain_read(struct csv *csv, struct csv_cell *cell)
{
	size_t start = csv->at;

	for (; !at_cell_end(csv); csv->at++) {
		if (csv->text.ptr[csv->at] == '"')
			return csv_fault(csv, cell, "csv_quote",
			    "cell: has a quote inside; put the whole cell in "
			    "quotes "
			    "and double the quotes inside");
		if (csv->text.ptr[csv->at] == '\r')
			return csv_fault(csv, cell, "csv_line_end",
			    "cell: has a carriage return without a line feed; "
			    "end "
			    "the lines in LF or CRLF");
	}
	cell->text = (struct str){ csv->text.ptr + start, csv->at - start };
	return true;
}

/* Takes the second of two quotes away. */
static bool
quotes_single(struct csv *csv, struct csv_cell *cell)
{
	struct str in = cell->text;
	char *out = arena_alloc(csv->arena, in.len + 1, 1);
	size_t len = 0;

	if (out == NULL)
		return csv_fault(csv, cell, "no_memory", "memory is out");
	for (size_t i = 0; i < in.len; i++) {
		out[len++] = in.ptr[i];
		if (in.ptr[i] == '"')
			i++;
	}
	cell->text = (struct str){ out, len };
	return true;
}

static bool
quoted_read(struct csv *csv, struct csv_cell *cell)
{
	size_t start = ++csv->at;
	bool doubled = false;

	for (; csv->at < csv->text.len; csv->at++) {
		const char *p = csv->text.ptr + csv->at;

		if (*p == '\n') {
			csv->line++;
			csv->line_start = csv->at + 1;
		}
		if (*p != '"')
			continue;
		if (csv->at + 1 == csv->text.len || p[1] != '"')
			break;
		doubled = true;
		csv->at++;
	}
	if (csv->at >= csv->text.len)
		return csv_fault(csv, cell, "csv_quote",
		    "cell: its quote is never closed; close it");
	cell->text = (struct str){ csv->text.ptr + start, csv->at - start };
	csv->at++;
	if (!at_cell_end(csv))
		return csv_fault(csv, cell, "csv_quote",
		    "cell: has text behind its closing quote; put a comma "
		    "there, or "
		    "double the quotes inside");
	return !doubled || quotes_single(csv, cell);
}

static bool
cell_read(struct csv *csv, struct csv_cell *cell)
{
	bool quoted = csv->at < csv->text.len && csv->text.ptr[csv->at] == '"';

	*cell = (struct csv_cell){ .line = csv->line,
		.column = (int)(csv->at - csv->line_start) + 1 };
	if (quoted ? !quoted_read(csv, cell) : !plain_read(csv, cell))
		return false;
	if (!text_is_utf8(cell->text))
		return csv_fault(csv, cell, "csv_utf8",
		    "cell: is not valid UTF-8; save the file as CSV in UTF-8");
	return true;
}

/* --- Rows ---------------------------------------------------------------- */

void
csv_open(struct csv *csv, struct arena *arena, struct faults *faults,
    struct str file, struct str text, size_t cells_max)
{
	*csv = (struct csv){ .arena = arena,
		.faults = faults,
		.file = file,
		.text = text,
		.cells_max = cells_max,
		.line = 1 };
	if (str_starts(text, STR("\xef\xbb\xbf")))
		csv->at = csv->line_start = 3;
}

static bool
cell_add(struct csv *csv, size_t count)
{
	struct csv_cell here = { .line = csv->line,
		.column = (int)(csv->at - csv->line_start) + 1 };
	struct csv_cell *cells;

	if (count == csv->cells_max) {
		fault_add(csv->faults, csv->file, here.line, here.column,
		    "csv_cells",
		    "the row has more than %zu cells; take some "
		    "out",
		    csv->cells_max);
		return false;
	}
	cells = arena_grow(
	    csv->arena, csv->cells, count, &csv->cells_cap, sizeof(*cells));
	if (cells == NULL)
		return csv_fault(csv, &here, "no_memory", "memory is out");
	csv->cells = cells;
	return cell_read(csv, &cells[count]);
}

/* True when another cell of the same row follows. */
static bool
comma_take(struct csv *csv)
{
	if (csv->at == csv->text.len)
		return false;
	if (csv->text.ptr[csv->at] == ',') {
		csv->at++;
		return true;
	}
	csv->at += csv->text.ptr[csv->at] == '\r' ? 2 : 1;
	csv->line++;
	csv->line_start = csv->at;
	return false;
}

enum csv_next
csv_next(struct csv *csv, struct csv_row *row)
{
	size_t count = 0;
	int line = csv->line;

	if (csv->at == csv->text.len)
		return CSV_END;
	do {
		if (!cell_add(csv, count))
			return CSV_FAULT;
		count++;
	} while (comma_take(csv));
	*row = (struct csv_row){ csv->cells, count, line };
	return CSV_ROW;
}
