#include "cli/out.h"

#include <ctype.h>
#include <libsmartcols/libsmartcols.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "model/sheet.h"

struct cell
cell_text(struct str text)
{
	return (struct cell){ .kind = CELL_TEXT, .text = text };
}

struct cell
cell_word(const char *word)
{
	return cell_text(str_from(word));
}

struct cell
cell_list(struct names list)
{
	return (struct cell){ .kind = CELL_LIST, .list = list };
}

struct cell
cell_number(int64_t number)
{
	return (struct cell){ .kind = CELL_NUMBER, .number = number };
}

struct cell
cell_bool(bool yes)
{
	return (struct cell){ .kind = CELL_BOOL, .number = yes };
}

struct cell
cell_time(int64_t unix_s)
{
	return (struct cell){ .kind = CELL_TIME, .number = unix_s };
}

struct cell
cell_json(struct str text)
{
	return (struct cell){ .kind = CELL_JSON, .text = text };
}

/* --- Bytes that are fit to print ------------------------------------------ */

/* Which character stands at s[i]? Only of clean UTF-8, or its length is 1. */
static size_t
char_at(struct str s, size_t i, uint32_t *out)
{
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	static const unsigned char mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	unsigned char first = (unsigned char)s.ptr[i];
	size_t len = first < 0x80 ? 1 : 4;

	while (len > 1 && first < lead[len])
		len--;
	if (first >= 0x80 && len < 2)
		len = 1;
	if (len > s.len - i || !text_is_utf8((struct str){ s.ptr + i, len })) {
		*out = UINT32_MAX;
		return 1;
	}
	*out = first & mask[len];
	for (size_t k = 1; k < len; k++)
		*out = *out << 6 | ((unsigned char)s.ptr[i + k] & 0x3fU);
	return len;
}

static bool
char_confuses(uint32_t c)
{
	return (c >= 0x80 && c < 0xa0) || c == 0x61c || c == 0x200e ||
	       c == 0x200f || (c >= 0x202a && c <= 0x202e) || c == 0x2028 ||
	       c == 0x2029 || (c >= 0x2066 && c <= 0x2069);
}

struct str
out_clean(struct arena *arena, struct str s, bool terminal)
{
	/* The longest that one byte becomes is \xHH, and three or more bytes
	 * \u{HHHH}: four bytes for each are enough. */
	char *text = arena_alloc(arena, s.len * 4 + 9, 1);
	size_t len = 0;

	if (text == NULL)
		return (struct str){ NULL, 0 };
	for (size_t i = 0; i < s.len;) {
		uint32_t c;
		size_t bytes = char_at(s, i, &c);

		if (c == UINT32_MAX || c < 0x20 || c == 0x7f)
			len += (size_t)snprintf(text + len, 5, "\\x%02x",
			    (unsigned)(unsigned char)s.ptr[i]);
		else if (terminal && char_confuses(c))
			len += (size_t)snprintf(
			    text + len, 9, "\\u{%04x}", (unsigned)c);
		else {
			memcpy(text + len, s.ptr + i, bytes);
			len += bytes;
		}
		i += bytes;
	}
	text[len] = '\0';
	return (struct str){ text, len };
}

struct str
names_join(struct arena *arena, struct names names)
{
	size_t len = 0;
	char *text;

	for (size_t i = 0; i < names.count; i++)
		len += names.items[i].len + 1;
	text = arena_alloc(arena, len + 1, 1);
	if (text == NULL)
		return (struct str){ NULL, 0 };
	len = 0;
	for (size_t i = 0; i < names.count; i++) {
		if (i > 0)
			text[len++] = ';';
		if (names.items[i].len > 0)
			memcpy(
			    text + len, names.items[i].ptr, names.items[i].len);
		len += names.items[i].len;
	}
	return (struct str){ text, len };
}

static struct str
cell_plain(struct arena *arena, const struct cell *cell)
{
	switch (cell->kind) {
	case CELL_TEXT:
	case CELL_JSON:
		return cell->text.ptr != NULL ? cell->text : STR("");
	case CELL_LIST:
		return names_join(arena, cell->list);
	case CELL_NUMBER:
		return str_fmt(arena, "%lld", (long long)cell->number);
	case CELL_BOOL:
		return cell->number != 0 ? STR("yes") : STR("");
	case CELL_TIME:
		return cell->number != 0 ? str_from_time(arena, cell->number)
					 : STR("");
	}
	return (struct str){ NULL, 0 };
}

/* As it is printed; a NUL follows. */
static struct str
cell_print(struct app *app, const struct cell *cell)
{
	struct str plain = cell_plain(&app->arena, cell);

	if (plain.ptr == NULL)
		return plain;
	return out_clean(&app->arena, plain, app->terminal);
}

/* --- JSON ----------------------------------------------------------------- */

json_t *
json_from_str(struct str s)
{
	json_t *value;

	if (s.ptr == NULL || s.len == 0)
		return json_null();
	value = json_stringn(s.ptr, s.len);
	return value != NULL ? value : json_null();
}

json_t *
json_from_names(struct names names)
{
	json_t *list = json_array();

	for (size_t i = 0; i < names.count; i++)
		json_array_append_new(list, json_from_str(names.items[i]));
	return list;
}

static json_t *
json_from_cell(const struct cell *cell)
{
	struct arena arena = { 0 };
	json_t *value = NULL;

	switch (cell->kind) {
	case CELL_TEXT:
		return json_from_str(cell->text);
	case CELL_LIST:
		return json_from_names(cell->list);
	case CELL_NUMBER:
		return json_integer(cell->number);
	case CELL_BOOL:
		return json_boolean(cell->number != 0);
	case CELL_TIME:
		value = json_from_str(cell->number != 0
					  ? str_from_time(&arena, cell->number)
					  : STR(""));
		arena_free(&arena);
		return value;
	case CELL_JSON:
		if (cell->text.len > 0)
			value =
			    json_loadb(cell->text.ptr, cell->text.len, 0, NULL);
		return value != NULL ? value : json_from_str(cell->text);
	}
	return json_null();
}

static json_t *
json_from_row(const struct table *table, size_t row)
{
	json_t *object = json_object();

	for (size_t c = 0; c < table->width; c++)
		json_object_set_new(object, table->columns[c],
		    json_from_cell(&table->cells[row * table->width + c]));
	return object;
}

json_t *
json_from_table(const struct table *table)
{
	json_t *list = json_array();

	for (size_t row = 0; row < table->rows; row++)
		json_array_append_new(list, json_from_row(table, row));
	return list;
}

bool
json_print(struct app *app, json_t *object)
{
	json_t *whole = json_pack("{s:i}", "schema", 1);
	size_t flags =
	    app->terminal ? JSON_INDENT(2) | JSON_ENSURE_ASCII : JSON_COMPACT;
	bool printed = object != NULL && whole != NULL &&
		       json_object_update(whole, object) == 0 &&
		       json_dumpf(whole, stdout, flags) == 0;

	json_decref(object);
	json_decref(whole);
	if (!printed)
		return app_no_memory(app);
	putchar('\n');
	return true;
}

/* --- Tables --------------------------------------------------------------- */

void
table_start(struct table *table, struct arena *arena, const char *name,
    const char *const *columns, size_t width)
{
	*table = (struct table){
		.arena = arena, .name = name, .columns = columns, .width = width
	};
}

void
table_add(struct table *table, const struct cell *cells)
{
	struct cell *grown =
	    table->failed ? NULL
			  : arena_grow(table->arena, table->cells, table->rows,
				&table->cap, sizeof(*cells) * table->width);

	if (grown == NULL) {
		table->failed = true;
		return;
	}
	table->cells = grown;
	memcpy(table->cells + table->rows * table->width, cells,
	    sizeof(*cells) * table->width);
	table->rows++;
}

static struct str
heading(struct arena *arena, const char *column)
{
	struct str text = str_copy(arena, str_from(column));
	char *upper = arena_alloc(arena, text.len + 1, 1);

	if (upper == NULL)
		return (struct str){ NULL, 0 };
	for (size_t i = 0; i < text.len; i++)
		upper[i] = (char)toupper((unsigned char)text.ptr[i]);
	return (struct str){ upper, text.len };
}

static bool
table_draw(struct app *app, const struct table *table)
{
	struct libscols_table *drawn = scols_new_table();
	bool ok = drawn != NULL;

	for (size_t c = 0; ok && c < table->width; c++) {
		struct str head = heading(&app->arena, table->columns[c]);
		const struct cell *first =
		    table->rows > 0 ? &table->cells[c] : NULL;
		int flags = first != NULL && first->kind == CELL_NUMBER
				? SCOLS_FL_RIGHT
				: 0;

		ok = head.ptr != NULL &&
		     scols_table_new_column(drawn, head.ptr, 0, flags) != NULL;
	}
	for (size_t row = 0; ok && row < table->rows; row++) {
		struct libscols_line *line = scols_table_new_line(drawn, NULL);

		ok = line != NULL;
		for (size_t c = 0; ok && c < table->width; c++) {
			struct str text = cell_print(
			    app, &table->cells[row * table->width + c]);

			ok = text.ptr != NULL &&
			     scols_line_set_data(line, c, text.ptr) == 0;
		}
	}
	ok = ok && scols_print_table(drawn) == 0;
	scols_unref_table(drawn);
	return ok || app_no_memory(app);
}

static bool
table_lines(struct app *app, const struct table *table, const char *before)
{
	bool header = args_have(&app->args, "header") ||
		      (table->header && before == NULL);

	if (header && before != NULL)
		printf("%s\t", before);
	for (size_t c = 0; header && c < table->width; c++)
		printf("%s%c", table->columns[c],
		    c + 1 < table->width ? '\t' : '\n');
	for (size_t row = 0; row < table->rows; row++) {
		if (before != NULL)
			printf("%s\t", before);
		for (size_t c = 0; c < table->width; c++) {
			struct str text = cell_print(
			    app, &table->cells[row * table->width + c]);

			if (text.ptr == NULL)
				return app_no_memory(app);
			fwrite(text.ptr, 1, text.len, stdout);
			putchar(c + 1 < table->width ? '\t' : '\n');
		}
	}
	return true;
}

bool
table_csv(struct app *app, const struct table *table)
{
	if (table->failed)
		return app_no_memory(app);
	for (size_t c = 0; c < table->width; c++)
		printf("%s%s", c > 0 ? "," : "", table->columns[c]);
	fputs("\r\n", stdout);
	for (size_t i = 0; i < table->rows * table->width; i++) {
		struct str text = cell_print(app, &table->cells[i]);

		if (text.ptr == NULL)
			return app_no_memory(app);
		if (i % table->width > 0)
			putchar(',');
		sheet_write_cell(stdout, text);
		if (i % table->width == table->width - 1)
			fputs("\r\n", stdout);
	}
	return true;
}

bool
table_print(struct app *app, const struct table *table)
{
	if (table->failed)
		return app_no_memory(app);
	if (app->json)
		return json_print(app,
		    json_pack("{s:o}", table->name, json_from_table(table)));
	if (app->terminal)
		return table_draw(app, table);
	return table_lines(app, table, NULL);
}

static bool
record_lines(struct app *app, const struct table *record)
{
	for (size_t c = 0; c < record->width; c++) {
		struct str text = cell_print(app, &record->cells[c]);

		if (text.ptr == NULL)
			return app_no_memory(app);
		if (app->terminal && text.len == 0)
			continue;
		if (app->terminal)
			printf("%-12s %s\n", record->columns[c], text.ptr);
		else
			printf("%s\t%s\n", record->columns[c], text.ptr);
	}
	return true;
}

bool
record_print(struct app *app, const struct table *record,
    const struct table *more, size_t more_count)
{
	bool failed = record->failed;

	for (size_t i = 0; i < more_count; i++)
		failed = failed || more[i].failed;
	if (failed || record->rows == 0)
		return app_no_memory(app);
	if (app->json) {
		json_t *object = json_from_row(record, 0);

		for (size_t i = 0; i < more_count; i++)
			json_object_set_new(
			    object, more[i].name, json_from_table(&more[i]));
		return json_print(
		    app, json_pack("{s:o}", record->name, object));
	}
	if (!record_lines(app, record))
		return false;
	for (size_t i = 0; i < more_count; i++) {
		if (more[i].rows == 0)
			continue;
		if (app->terminal)
			printf("\n%s\n", more[i].name);
		if (!(app->terminal ? table_draw(app, &more[i])
				    : table_lines(app, &more[i], more[i].name)))
			return false;
	}
	return true;
}

/* --- Notes and errors ----------------------------------------------------- */

static void
note_print(struct str text)
{
	struct arena arena = { 0 };
	struct str clean = out_clean(&arena, text, isatty(STDERR_FILENO) == 1);

	fflush(stdout);
	fprintf(stderr, "rolegate: %s\n",
	    clean.ptr != NULL ? clean.ptr : "out of memory");
	arena_free(&arena);
}

void
out_note(struct app *app, const char *fmt, ...)
{
	char text[2048];
	va_list args;

	(void)app;
	va_start(args, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	note_print(n < 0 ? STR("(no text)") : str_from(text));
}

void
out_err(struct app *app)
{
	out_note(app, "%s [%s]", app->err.text,
	    app->err.code != NULL ? app->err.code : "unknown");
}

/* file:line:column first, so that an editor can jump there. */
void
out_faults(struct app *app)
{
	bool terminal = isatty(STDERR_FILENO) == 1;

	fflush(stdout);
	for (size_t i = 0; i < app->faults.kept; i++) {
		const struct fault *f = &app->faults.items[i];
		struct str file = out_clean(&app->arena, f->file, terminal);
		struct str text = out_clean(&app->arena, f->text, terminal);

		fprintf(stderr, "rolegate: %.*s:", STR_ARGS(file));
		if (f->line > 0)
			fprintf(stderr, "%d:", f->line);
		if (f->column > 0)
			fprintf(stderr, "%d:", f->column);
		fprintf(stderr, " %.*s [%s]\n", STR_ARGS(text), f->code);
	}
	if (app->faults.count > app->faults.kept)
		fprintf(stderr, "rolegate: and %zu more faults\n",
		    app->faults.count - app->faults.kept);
}
