#include <stdio.h>
#include <stdlib.h>

#include "admin/change.h"
#include "admin/import.h"
#include "model/sheet.h"
#include "model/xlsx.h"

#define ERROR_COLUMN "error"

static bool
is_wanted(const struct job_row *row, bool rejects)
{
	return !rejects || row->result == ROW_REFUSED;
}

/* --- CSV ------------------------------------------------------------------ */

static bool
csv_put(FILE *out, const struct job_row *rows, size_t count, bool rejects)
{
	sheet_write_header(out, rejects ? ERROR_COLUMN : NULL);
	for (size_t i = 0; i < count; i++)
		if (is_wanted(&rows[i], rejects) &&
		    !sheet_write_row(
			out, rows[i].fields, rejects ? &rows[i].says : NULL))
			return false;
	return true;
}

static bool
csv_make(struct arena *arena, const struct job_row *rows, size_t count,
    bool rejects, struct str *out, struct err *err)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);
	bool ok = to != NULL && csv_put(to, rows, count, rejects);

	ok = to != NULL && fclose(to) == 0 && ok;
	if (ok)
		*out = str_copy(arena, (struct str){ text, len });
	free(text);
	return (ok && out->ptr != NULL) || change_no_memory(err);
}

/* --- XLSX ----------------------------------------------------------------- */

static bool
xlsx_make(struct arena *arena, const struct job_row *rows, size_t count,
    bool rejects, struct str *out, struct err *err)
{
	size_t width = SHEET_COLUMNS + (rejects ? 1 : 0);
	struct str *cells = ARENA_ARRAY(arena, struct str, (count + 1) * width);
	const char *const *names = NULL;
	size_t made = 1;

	if (cells == NULL)
		return change_no_memory(err);
	for (size_t i = 0; i < sheet_header(&names); i++)
		cells[i] = str_from(names[i]);
	if (rejects)
		cells[SHEET_COLUMNS] = STR(ERROR_COLUMN);
	for (size_t i = 0; i < count; i++) {
		struct str *row = cells + made * width;

		if (!is_wanted(&rows[i], rejects))
			continue;
		if (!sheet_cells(arena, rows[i].fields, row))
			return change_no_memory(err);
		if (rejects)
			row[SHEET_COLUMNS] = rows[i].says;
		made++;
	}
	return xlsx_write(arena, cells, made, width, out, err);
}

bool
import_sheet(struct arena *arena, enum sheet_kind kind,
    const struct job_row *rows, size_t count, bool rejects, struct str *out,
    struct err *err)
{
	switch (kind) {
	case SHEET_CSV:
		return csv_make(arena, rows, count, rejects, out, err);
	case SHEET_XLSX:
		return xlsx_make(arena, rows, count, rejects, out, err);
	case SHEET_NONE:
		break;
	}
	return err_set(err, ERR_BUG, "no_kind",
	    "a spreadsheet of no kind was asked for; report this");
}
