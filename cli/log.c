#include "base/bounds.h"
#include "cli/commands.h"
#include "cli/out.h"

#define ROWS	 20 /* without -n */
#define ROWS_MAX 1000000

static const char *const columns[] = { "generation", "time", "actor", "action",
	"subject", "why", "before", "after" };
#define COLUMNS	      (sizeof(columns) / sizeof(columns[0]))
#define COLUMNS_SHORT (COLUMNS - 2) /* before and after: JSON only */

static void
row_add(struct table *table, const struct history_row *row)
{
	table_add(table, (const struct cell[COLUMNS]){
			     cell_number(row->seq),
			     cell_time(row->at_ms / 1000),
			     cell_text(row->actor),
			     cell_text(row->action),
			     cell_text(row->subject),
			     cell_text(row->why),
			     cell_json(row->before),
			     cell_json(row->after),
			 });
}

int
cmd_log(struct app *app)
{
	struct str wanted = args_text(&app->args, "rows");
	struct str subject = args_text(&app->args, "subject");
	struct history_row *rows = NULL;
	struct table table;
	int64_t max = ROWS;
	size_t count = 0;

	if (wanted.ptr != NULL && !str_to_i64(wanted, 1, ROWS_MAX, &max))
		return app_fail(app, ERR_USAGE, "usage",
		    "-n: '%.*s' is not a number from 1 to %d", STR_ARGS(wanted),
		    ROWS_MAX);
	if (!app_open(app, STORE_READ) ||
	    !store_history_newest(app->store, &app->arena, subject, (size_t)max,
		&rows, &count, &app->err))
		return APP_FAILED;
	table_start(&table, &app->arena, "log", columns,
	    app->json ? COLUMNS : COLUMNS_SHORT);
	for (size_t i = 0; i < count; i++)
		row_add(&table, &rows[i]);
	return table_print(app, &table) ? 0 : APP_FAILED;
}

int
cmd_log_verify(struct app *app)
{
	int64_t rows = 0;
	int64_t broken = 0;

	if (!app_open(app, STORE_READ) ||
	    !store_history_verify(app->store, &rows, &broken, &app->err))
		return APP_FAILED;
	if (app->json) {
		if (!json_print(app, json_pack("{s:I,s:b,s:I}", "rows",
					 (json_int_t)rows, "whole", broken == 0,
					 "broken_at", (json_int_t)broken)))
			return APP_FAILED;
	} else if (broken == 0)
		printf("%lld rows, the chain is whole\n", (long long)rows);
	if (broken == 0)
		return 0;
	return app_fail(app, ERR_REFUSED, "history_broken",
	    "history row %lld: does not fit the row before it; it was changed "
	    "or taken out, compare it with a backup",
	    (long long)broken);
}
