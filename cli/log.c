#include "base/bounds.h"
#include "cli/change.h"
#include "cli/commands.h"
#include "cli/out.h"

#define ROWS	   20 /* without -n */
#define ROWS_MAX   1000000
#define KEEP	   25 /* months, REQUIREMENTS 213 */
#define KEEP_MAX   1200
#define MONTH_DAYS 31 /* rather a little longer than too short */

static const char *const columns[] = { "generation", "time", "actor", "action",
	"subject", "why", "on_behalf", "account", "before", "after" };
#define COLUMNS	      (sizeof(columns) / sizeof(columns[0]))
#define COLUMNS_SHORT (COLUMNS - 4) /* the rest: JSON and CSV only */

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
			     cell_text(row->on_behalf),
			     cell_text(row->account),
			     cell_json(row->before),
			     cell_json(row->after),
			 });
}

/* --- What to look for ----------------------------------------------------- */

static bool
number_read(struct app *app, const char *option, int64_t max, int64_t *out)
{
	struct str text = args_text(&app->args, option);

	if (text.ptr == NULL || str_to_i64(text, 1, max, out))
		return true;
	return err_set(&app->err, ERR_USAGE, "usage",
	    "--%s: '%.*s' is not a number from 1 to %lld", option,
	    STR_ARGS(text), (long long)max);
}

static bool
time_read(struct app *app, const char *option, int64_t *out_ms)
{
	int64_t at_s = 0;

	if (args_text(&app->args, option).ptr == NULL)
		return true;
	if (!app_time(app, option, 0, &at_s))
		return false;
	*out_ms = at_s * 1000;
	return true;
}

static struct str
text_or_empty(const struct app *app, const char *option)
{
	struct str text = args_text(&app->args, option);

	return text.ptr != NULL ? text : STR("");
}

static bool
filter_read(struct app *app, struct history_filter *out)
{
	*out = (struct history_filter){
		.actor = text_or_empty(app, "actor"),
		.action = text_or_empty(app, "action"),
		.below = text_or_empty(app, "account"),
		.has = text_or_empty(app, "has"),
		.subject_has = text_or_empty(app, "subject"),
	};
	return number_read(app, "before", INT64_MAX, &out->before_seq) &&
	       time_read(app, "from", &out->from_ms) &&
	       time_read(app, "to", &out->to_ms);
}

int
cmd_log(struct app *app)
{
	struct history_filter filter;
	struct history_row *rows = NULL;
	struct table table;
	bool csv = args_have(&app->args, "csv");
	int64_t max = ROWS;
	size_t count = 0;

	if (!filter_read(app, &filter) ||
	    !number_read(app, "rows", ROWS_MAX, &max))
		return APP_FAILED;
	if (!app_open(app, STORE_READ) ||
	    !store_history_find(app->store, &app->arena, &filter, (size_t)max,
		&rows, &count, &app->err))
		return APP_FAILED;
	table_start(&table, &app->arena, "log", columns,
	    app->json || csv ? COLUMNS : COLUMNS_SHORT);
	for (size_t i = 0; i < count; i++)
		row_add(&table, &rows[i]);
	return (csv ? table_csv(app, &table) : table_print(app, &table))
		   ? 0
		   : APP_FAILED;
}

/* --- verify --------------------------------------------------------------- */

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

/* --- prune ---------------------------------------------------------------- */

struct prune {
	int64_t before_ms;
	int64_t rows;
};

static bool
prune_make(struct change *change, struct admin *admin)
{
	struct prune *prune = change->data;

	return admin_history_prune(
	    admin, prune->before_ms, &prune->rows, &change->app->err);
}

static bool
prune_show(struct change *change, struct admin *admin, FILE *to)
{
	const struct prune *prune = change->data;

	(void)admin;
	if (change->app->json)
		return fprintf(to, "[%lld]", (long long)prune->rows) > 0;
	return fprintf(to, "- %lld rows of history\n", (long long)prune->rows) >
	       0;
}

int
cmd_log_prune(struct app *app)
{
	struct prune prune = { 0 };
	struct change change = {
		.app = app,
		.make = prune_make,
		.show = prune_show,
		.data = &prune,
		.noteless = true,
	};
	int64_t months = KEEP;

	if (!number_read(app, "keep-months", KEEP_MAX, &months))
		return APP_FAILED;
	prune.before_ms = (app->now_s - months * MONTH_DAYS * 24 * 3600) * 1000;
	return change_run(&change);
}
