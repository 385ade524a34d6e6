#include "cli/commands.h"
#include "cli/gate.h"
#include "cli/out.h"

#define RUNS_SHOWN 5
#define LINES_MAX  32

struct status {
	struct app *app;
	const char *names[LINES_MAX];
	struct cell cells[LINES_MAX];
	size_t count;
};

static void
line_add(struct status *s, const char *name, struct cell cell)
{
	if (s->count == LINES_MAX)
		return;
	s->names[s->count] = name;
	s->cells[s->count++] = cell;
}

static bool
store_lines(struct status *s)
{
	struct app *app = s->app;
	struct str *names =
	    ARENA_ARRAY(&app->arena, struct str, app->catalogues.count + 1);
	struct names catalogues = { names, 0 };
	int64_t any = 0;
	int64_t data = 0;
	int64_t published = 0;
	int64_t schema = 0;

	if (names == NULL)
		return app_no_memory(app);
	for (size_t i = 0; i < app->catalogues.count; i++)
		names[catalogues.count++] = app->catalogues.items[i]->name;
	if (!store_schema(app->store, &schema, &app->err) ||
	    !store_generation(app->store, &any, &data, &app->err) ||
	    !store_published(app->store, &published, &app->err))
		return false;
	line_add(s, "version", cell_text(STR(ROLEGATE_VERSION)));
	line_add(s, "config", cell_text(app->config.path));
	line_add(s, "store", cell_text(app->config.store));
	line_add(s, "schema", cell_number(schema));
	line_add(s, "catalogues", cell_list(catalogues));
	line_add(s, "generation", cell_number(any));
	if (app_view_configured(app)) {
		line_add(s, "published", cell_number(published));
		line_add(s, "waiting", cell_number(any - published));
	}
	return true;
}

/* The generation that the view says it has; what is away is only reported. */
static bool
view_generation(struct app *app, int64_t *out)
{
	struct publisher *publisher = &app->publisher;
	struct str name =
	    record_name(&app->arena, publisher->ns, RECORD_GENERATION, STR(""));
	struct record record = { 0 };
	struct str text;

	if (name.ptr == NULL)
		return app_no_memory(app);
	if (!redis_get(app->redis, &app->arena, name, &text, &app->err))
		return false;
	if (text.ptr == NULL)
		return err_set(&app->err, ERR_REACH, "view_not_ready",
		    "the view: has no generation; run rolegate publish --all");
	return record_open(&record, &publisher->key, name, text, &app->err) &&
	       record_read_number(&record, out, &app->err);
}

static void
view_lines(struct status *s, int *exit_status)
{
	struct app *app = s->app;
	int64_t generation = 0;

	if (!app_view_configured(app)) {
		line_add(s, "redis", cell_text(STR("not configured")));
		return;
	}
	line_add(s, "redis", cell_text(app->config.view.redis.address));
	if (app_publisher(app) && view_generation(app, &generation)) {
		line_add(s, "view", cell_text(STR("ready")));
		line_add(s, "view_generation", cell_number(generation));
		return;
	}
	*exit_status = err_exit_status(app->err.kind);
	line_add(s, "view",
	    cell_text(str_copy(&app->arena, str_from(app->err.text))));
	app->err = (struct err){ 0 };
}

/* --- The gate ------------------------------------------------------------ */

/* Where it does not run, or is another host's, that is only reported. */
static void
gate_lines(struct status *s, const json_t *report)
{
	struct app *app = s->app;

	if (report != NULL) {
		line_add(s, "gate", cell_text(STR("answers")));
		line_add(s, "decisions", cell_number(gate_decisions(report)));
		return;
	}
	line_add(s, "gate",
	    cell_text(str_copy(&app->arena, str_from(app->err.text))));
	app->err = (struct err){ 0 };
}

static int
gate_status(struct app *app)
{
	struct status s = { .app = app };
	struct table tables[GATE_TABLES];
	struct table record;
	json_t *report;
	bool printed;

	if (!app_configure(app) || (report = gate_report(app)) == NULL)
		return APP_FAILED;
	gate_lines(&s, report);
	gate_tables(app, report, tables);
	table_start(&record, &app->arena, "status", s.names, s.count);
	table_add(&record, s.cells);
	printed = record_print(app, &record, tables, GATE_TABLES);
	json_decref(report);
	return printed ? 0 : APP_FAILED;
}

/* --- The last runs of the sync ------------------------------------------- */

static const char *const run_columns[] = { "run", "source", "ended", "result",
	"complete", "members", "groups", "summary" };
#define RUN_COLUMNS (sizeof(run_columns) / sizeof(run_columns[0]))

static bool
runs_add(struct app *app, struct table *table)
{
	struct sync_run *runs = NULL;
	size_t count = 0;

	table_start(table, &app->arena, "sync_runs", run_columns, RUN_COLUMNS);
	if (!store_runs(app->store, &app->arena, STR(""), RUNS_SHOWN, &runs,
		&count, &app->err))
		return false;
	for (size_t i = 0; i < count; i++)
		table_add(table, (const struct cell[RUN_COLUMNS]){
				     cell_number(runs[i].number),
				     cell_text(runs[i].source),
				     cell_time(runs[i].ended_ms / 1000),
				     cell_text(runs[i].result),
				     cell_bool(runs[i].complete),
				     cell_number(runs[i].members_seen),
				     cell_number(runs[i].groups_seen),
				     cell_text(runs[i].summary),
				 });
	return true;
}

int
cmd_status(struct app *app)
{
	struct status s = { .app = app };
	struct table record;
	struct table runs;
	json_t *report;
	int exit_status = 0;

	if (args_have(&app->args, "gate"))
		return gate_status(app);
	if (!app_open(app, STORE_READ) || !store_lines(&s))
		return APP_FAILED;
	view_lines(&s, &exit_status);
	report = gate_report(app);
	gate_lines(&s, report);
	json_decref(report);
	if (!runs_add(app, &runs))
		return APP_FAILED;
	table_start(&record, &app->arena, "status", s.names, s.count);
	table_add(&record, s.cells);
	return record_print(app, &record, &runs, 1) ? exit_status : APP_FAILED;
}
