/* An XLSX file of anything, by the first byte: the whole file, or the sheet,
 * the shared strings or the relations in a file that is right otherwise. It is
 * read whole or refused with a fault. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <zip.h>

#include "model/sheet.h"
#include "model/xlsx.h"

#define PARTS 4

static const char *const names[PARTS] = { "xl/workbook.xml",
	"xl/_rels/workbook.xml.rels", "xl/sharedStrings.xml",
	"xl/worksheets/sheet1.xml" };
static const char *const texts[PARTS] = {
	"<workbook xmlns:r=\"r\"><sheets><sheet "
	"r:id=\"1\"/></sheets></workbook>",
	"<R><Relationship Id=\"1\" Target=\"worksheets/sheet1.xml\"/></R>",
	"<sst><si><t>email</t></si></sst>",
	"<w><row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c></row></w>",
};

static void
check(bool right)
{
	if (!right)
		abort();
}

/* The file with that part in place of its own; to be freed. */
static struct str
file_make(size_t part, struct str text)
{
	zip_error_t why;
	zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, NULL);
	zip_stat_t st;
	zip_t *zip;
	char *bytes;

	check(source != NULL);
	zip_source_keep(source);
	zip = zip_open_from_source(source, ZIP_TRUNCATE, &why);
	check(zip != NULL);
	for (size_t i = 0; i < PARTS; i++) {
		struct str own = { texts[i], strlen(texts[i]) };
		struct str in = i == part ? text : own;
		zip_int64_t at = zip_file_add(zip, names[i],
		    zip_source_buffer(zip, in.ptr, in.len, 0), 0);

		check(at >= 0);
		zip_set_file_compression(
		    zip, (zip_uint64_t)at, ZIP_CM_STORE, 0);
	}
	check(zip_close(zip) == 0);
	check(zip_source_open(source) == 0);
	check(zip_source_stat(source, &st) == 0);
	bytes = malloc(st.size);
	check(zip_source_read(source, bytes, st.size) == (int64_t)st.size);
	zip_source_close(source);
	zip_source_free(source);
	return (struct str){ bytes, st.size };
}

static void
read_it(struct str bytes)
{
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	struct sheet_row *rows = NULL;
	size_t count = 0;
	bool ok = sheet_read(&arena, STR("f"), bytes, &rows, &count, &faults);

	check(ok == (faults.count == 0));
	for (size_t i = 1; ok && i < count; i++)
		check(rows[i].row > rows[i - 1].row);
	faults_free(&faults);
	arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text;
	struct str bytes;

	if (size == 0)
		return 0;
	text = (struct str){ (const char *)data + 1, size - 1 };
	if (data[0] % 4 == 0) {
		read_it(text);
		return 0;
	}
	bytes = file_make(data[0] % 4, text);
	read_it(bytes);
	free((char *)(uintptr_t)bytes.ptr);
	return 0;
}
