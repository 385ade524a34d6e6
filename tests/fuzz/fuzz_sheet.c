/* A spreadsheet of anything is read whole or refused with a fault; what was
 * read and written is read as the same again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/sheet.h"

static void
check(bool right)
{
	if (!right)
		abort();
}

static bool
read_all(struct arena *arena, struct str text, struct sheet_row **rows,
    size_t *count)
{
	struct faults faults = { 0 };
	bool ok = sheet_read(arena, STR("f"), text, rows, count, &faults);

	check(ok == (faults.count == 0));
	faults_free(&faults);
	return ok;
}

static struct str
written(const struct sheet_row *rows, size_t count)
{
	char *bytes = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&bytes, &len);

	check(out != NULL);
	sheet_write_header(out, NULL);
	for (size_t i = 0; i < count; i++)
		check(sheet_write_row(out, rows[i].fields, NULL));
	check(fclose(out) == 0);
	return (struct str){ bytes, len };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The second time every column is there, so it is compared with the third. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct sheet_row *first = NULL;
	struct sheet_row *second = NULL;
	struct sheet_row *third = NULL;
	size_t counts[3] = { 0 };

	if (read_all(&arena, (struct str){ (const char *)data, size }, &first,
		&counts[0])) {
		struct str once = written(first, counts[0]);
		struct str twice;

		check(read_all(&arena, once, &second, &counts[1]));
		twice = written(second, counts[1]);
		check(read_all(&arena, twice, &third, &counts[2]));
		check(counts[1] == counts[2]);
		check(str_eq(once, twice));
		free((char *)(uintptr_t)once.ptr);
		free((char *)(uintptr_t)twice.ptr);
	}
	arena_free(&arena);
	return 0;
}
