#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xlsxwriter.h>

#include "model/xlsx.h"

#define COLUMN_WIDTH 18.0

static bool
failed(struct err *err)
{
	return err_set(err, ERR_REACH, "xlsx_write",
	    "the spreadsheet cannot be written; look at memory and the room "
	    "for "
	    "temporary files");
}

static bool
cell_put(lxw_worksheet *sheet, size_t row, size_t column, struct str text,
    lxw_format *format)
{
	return text.len == 0 ||
	       worksheet_write_string(sheet, (lxw_row_t)row, (lxw_col_t)column,
		   text.ptr, format) == LXW_NO_ERROR;
}

static bool
cells_put(
    lxw_workbook *book, const struct str *cells, size_t rows, size_t width)
{
	lxw_worksheet *sheet = workbook_add_worksheet(book, "members");
	lxw_format *bold = workbook_add_format(book);
	bool ok = sheet != NULL && bold != NULL;

	if (!ok)
		return false;
	format_set_bold(bold);
	worksheet_freeze_panes(sheet, 1, 0);
	worksheet_set_column(
	    sheet, 0, (lxw_col_t)(width - 1), COLUMN_WIDTH, NULL);
	for (size_t i = 0; ok && i < rows * width; i++)
		ok = cell_put(sheet, i / width, i % width, cells[i],
		    i < width ? bold : NULL);
	return ok;
}

static bool
whole_read(struct arena *arena, int fd, struct str *out)
{
	struct stat st;
	char *bytes;
	size_t have = 0;

	if (fstat(fd, &st) != 0 || st.st_size <= 0)
		return false;
	bytes = arena_alloc(arena, (size_t)st.st_size + 1, 1);
	while (bytes != NULL && have < (size_t)st.st_size) {
		ssize_t got = pread(
		    fd, bytes + have, (size_t)st.st_size - have, (off_t)have);

		if (got <= 0)
			return false;
		have += (size_t)got;
	}
	*out = (struct str){ bytes, have };
	return bytes != NULL;
}

/* The library writes to a file by its name: one that is in memory only. */
bool
xlsx_write(struct arena *arena, const struct str *cells, size_t rows,
    size_t width, struct str *out, struct err *err)
{
	int fd = memfd_create("sheet.xlsx", MFD_CLOEXEC);
	lxw_workbook *book;
	char name[64];
	bool ok;

	if (fd < 0)
		return failed(err);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	book = workbook_new(name);
	ok = book != NULL && cells_put(book, cells, rows, width);
	ok = book != NULL && workbook_close(book) == LXW_NO_ERROR && ok &&
	     whole_read(arena, fd, out);
	close(fd);
	return ok || failed(err);
}
