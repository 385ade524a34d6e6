/* Any bytes as CSV: rows within the bound, cells within the text, or a fault.
 */
#include <assert.h>
#include <stddef.h>

#include "base/text.h"
#include "model/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CELLS_MAX 16

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { .max_bytes = (size_t)64 * 1024 * 1024 };
	struct faults faults = { 0 };
	struct csv csv;
	struct csv_row row;
	enum csv_next next;
	int line = 0;

	csv_open(&csv, &arena, &faults, STR("fuzz.csv"),
	    (struct str){ (const char *)data, size }, CELLS_MAX);
	while ((next = csv_next(&csv, &row)) == CSV_ROW) {
		assert(row.count >= 1 && row.count <= CELLS_MAX);
		assert(row.line > line && row.cells[0].line == row.line);
		line = row.line;
		for (size_t i = 0; i < row.count; i++) {
			assert(row.cells[i].column >= 1);
			assert(row.cells[i].text.len <= size);
			assert(text_is_utf8(row.cells[i].text));
		}
	}
	assert(faults.count == (next == CSV_FAULT ? 1 : 0));
	faults_free(&faults);
	arena_free(&arena);
	return 0;
}
