/* out.h - what the command prints: tables, single records, JSON and notes.
 *
 * Shape:   a table has columns and rows of cells. On a terminal it is drawn
 *          with a header line; piped it is one line a row, fields separated
 *          by TAB (header only with --header); with --json it is one object
 *          {"schema":1,"NAME":[{"column":value}]}.
 * Bytes:   nothing that moves a terminal leaves this module: control
 *          characters are printed as \xHH always, C1 and bidirectional
 *          controls as \u{HHHH} on a terminal.
 * Errors:  a table that ran out of memory says so when it is printed. */
#ifndef ROLEGATE_CLI_OUT_H
#define ROLEGATE_CLI_OUT_H

#include <jansson.h>
#include <stdio.h>

#include "cli/app.h"

enum cell_kind {
	CELL_TEXT = 0, /* empty is null in JSON */
	CELL_LIST, /* joined by ';', an array in JSON */
	CELL_NUMBER,
	CELL_BOOL, /* yes or empty */
	CELL_TIME, /* RFC 3339; 0 is empty */
	CELL_JSON, /* text that is JSON already, or empty */
};

struct cell {
	enum cell_kind kind;
	struct str text;
	struct names list;
	int64_t number;
};

struct cell cell_text(struct str text);
struct cell cell_word(const char *word);
struct cell cell_list(struct names list);
struct cell cell_number(int64_t number);
struct cell cell_bool(bool yes);
struct cell cell_time(int64_t unix_s);
struct cell cell_json(struct str text);

struct table {
	struct arena *arena;
	const char *name; /* key in the JSON */
	const char *const *columns; /* lower case */
	size_t width;
	struct cell *cells;
	size_t rows;
	size_t cap;
	bool header; /* also when piped */
	bool failed;
};

void table_start(struct table *table, struct arena *arena, const char *name,
    const char *const *columns, size_t width);
void table_add(struct table *table, const struct cell *cells);
/* The whole as rows. */
bool table_print(struct app *app, const struct table *table);
/* As RFC 4180 has it, with its header. A cell that a spreadsheet could take for
 * a formula has a ' in front. */
bool table_csv(struct app *app, const struct table *table);
/* Its first row as a record, one column a line; then the other tables. */
bool record_print(struct app *app, const struct table *record,
    const struct table *more, size_t more_count);

/* JSON by hand: the object, which it frees, with "schema" in front. */
bool json_print(struct app *app, json_t *object);
json_t *json_from_str(struct str s);
json_t *json_from_names(struct names names);
json_t *json_from_table(const struct table *table);

/* Fit to print; `terminal` also hides what only confuses a terminal. */
struct str out_clean(struct arena *arena, struct str s, bool terminal);
struct str names_join(struct arena *arena, struct names names);
/* `rolegate: TEXT` on standard error. */
void out_note(struct app *app, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void out_err(struct app *app);
void out_faults(struct app *app);

#endif
