#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/import.h"
#include "base/bounds.h"
#include "cli/commands.h"
#include "cli/out.h"
#include "model/csv.h"
#include "model/sheet_parse.h"

#define STEP_ROWS ((size_t)200)
#define JOBS_MAX  ((size_t)1000)

static const char *const row_columns[] = { "row", "result", "says", "code" };
#define ROW_COLUMNS (sizeof(row_columns) / sizeof(row_columns[0]))

static const char *const job_columns[] = { "number", "status", "account",
	"file", "actor", "created", "ended", "rows", "changed", "refused" };
#define JOB_COLUMNS (sizeof(job_columns) / sizeof(job_columns[0]))

static const char *const result_words[] = {
	[ROW_OPEN] = "open",
	[ROW_CHANGED] = "changed",
	[ROW_SAME] = "same",
	[ROW_REFUSED] = "refused",
};

/* The system, or, by --as, a member under their own rights. */
static struct import
import_of(const struct app *app)
{
	struct str as = args_text(&app->args, "as");

	return (struct import){
		.store = app->store,
		.catalogues = &app->catalogues,
		.actor = {
			.kind = as.ptr != NULL ? ACTOR_MEMBER : ACTOR_SYSTEM,
			.username = as,
			.why = args_text(&app->args, "why"),
		},
		.now_ms = clock_ms(),
	};
}

/* --- Reading -------------------------------------------------------------- */

struct sheet {
	struct str file;
	struct job_row *rows;
	size_t count;
};

static bool
sheet_load(struct app *app, struct sheet *out)
{
	struct str text = STR("");
	struct sheet_row *rows = NULL;
	size_t count = 0;

	out->file = app->args.words[0];
	if (!csv_text_read(
		&app->arena, out->file, SHEET_FILE_MAX, &text, &app->err) ||
	    !sheet_parse(&app->arena, out->file, text, &rows, &count,
		&app->faults, &app->err))
		return false;
	out->rows = ARENA_ARRAY(&app->arena, struct job_row, count);
	if (out->rows == NULL)
		return app_no_memory(app);
	for (size_t i = 0; i < count; i++)
		out->rows[i] = (struct job_row){
			.row = rows[i].row,
			.fields = rows[i].fields,
		};
	out->count = count;
	return true;
}

static bool
account_need(struct app *app, struct str *out)
{
	*out = args_text(&app->args, "account");
	return out->len > 0 ||
	       err_set(&app->err, ERR_USAGE, "usage",
		   "rolegate %s: wants --account ID, the level that it acts on",
		   app->command->name);
}

static bool
rows_print(struct app *app, const struct job_row *rows, size_t count)
{
	struct table table;

	table_start(&table, &app->arena, "rows", row_columns, ROW_COLUMNS);
	for (size_t i = 0; i < count; i++)
		table_add(&table, (const struct cell[ROW_COLUMNS]){
				      cell_number(rows[i].row),
				      cell_word(result_words[rows[i].result]),
				      cell_text(rows[i].says),
				      cell_text(rows[i].code),
				  });
	return table_print(app, &table);
}

/* --- check ---------------------------------------------------------------- */

static int
refused_status(const struct job_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].result == ROW_REFUSED)
			return 1;
	return 0;
}

int
cmd_import_check(struct app *app)
{
	struct sheet sheet = { .count = 0 };
	struct str account;
	struct import import;

	if (!account_need(app, &account) || !sheet_load(app, &sheet) ||
	    !app_open(app, STORE_WRITE))
		return APP_FAILED;
	import = import_of(app);
	if (!import_preview(&import, &app->arena, account, sheet.rows,
		sheet.count, &app->err) ||
	    !rows_print(app, sheet.rows, sheet.count))
		return APP_FAILED;
	return refused_status(sheet.rows, sheet.count);
}

/* --- run ------------------------------------------------------------------ */

static bool
work_off(struct app *app, const struct import *import, int64_t number)
{
	bool done = false;

	while (!done)
		if (!import_step(import, number, STEP_ROWS, &done, &app->err))
			return false;
	app_publish(app);
	return true;
}

static bool
job_print(struct app *app, int64_t number, int *status)
{
	struct job_row *rows = NULL;
	size_t count = 0;

	if (!store_job_rows(app->store, &app->arena, number, 0, false,
		SHEET_ROWS_MAX, &rows, &count, &app->err) ||
	    !rows_print(app, rows, count))
		return false;
	*status = refused_status(rows, count);
	out_note(app,
	    "import %" PRId64 ": done; see rolegate import show %" PRId64,
	    number, number);
	return true;
}

int
cmd_import_run(struct app *app)
{
	struct sheet sheet = { .count = 0 };
	struct str account;
	struct import import;
	int64_t number = 0;
	int status = 0;

	if (args_have(&app->args, "dry-run"))
		return cmd_import_check(app);
	if (!account_need(app, &account))
		return APP_FAILED;
	if (!args_have(&app->args, "yes"))
		return app_fail(app, ERR_USAGE, "need_yes",
		    "import run: changes the store; look at it with rolegate "
		    "import check, then add --yes");
	if (!sheet_load(app, &sheet) || !app_open(app, STORE_WRITE))
		return APP_FAILED;
	import = import_of(app);
	if (!import_start(&import, account, sheet.file, sheet.rows, sheet.count,
		&number, &app->err) ||
	    !work_off(app, &import, number) || !job_print(app, number, &status))
		return APP_FAILED;
	return status;
}

/* Goes on with what a killed one left open. */
int
cmd_import_resume(struct app *app)
{
	struct import import;
	int64_t number = 0;
	int status = 0;

	if (!str_to_i64(app->args.words[0], 1, INT64_MAX, &number))
		return app_fail(app, ERR_USAGE, "usage",
		    "import: '%.*s' is not its number; see rolegate import "
		    "list",
		    STR_ARGS(app->args.words[0]));
	if (!app_open(app, STORE_WRITE))
		return APP_FAILED;
	import = import_of(app);
	if (!work_off(app, &import, number) || !job_print(app, number, &status))
		return APP_FAILED;
	return status;
}

/* --- list, show, export --------------------------------------------------- */

int
cmd_import_list(struct app *app)
{
	struct job *jobs = NULL;
	struct table table;
	size_t count = 0;

	if (!app_open(app, STORE_READ) ||
	    !store_jobs(app->store, &app->arena, STR(""), 0, JOBS_MAX, &jobs,
		&count, &app->err))
		return APP_FAILED;
	table_start(&table, &app->arena, "imports", job_columns, JOB_COLUMNS);
	for (size_t i = 0; i < count; i++)
		table_add(
		    &table, (const struct cell[JOB_COLUMNS]){
				cell_number(jobs[i].number),
				cell_word(job_status_word(jobs[i].status)),
				cell_text(jobs[i].account),
				cell_text(jobs[i].file),
				cell_text(jobs[i].actor),
				cell_time(jobs[i].created_s),
				cell_time(jobs[i].ended_s),
				cell_number(jobs[i].rows),
				cell_number(jobs[i].changes),
				cell_number(jobs[i].errors),
			    });
	return table_print(app, &table) ? 0 : APP_FAILED;
}

/* --- Sheets --------------------------------------------------------------- */

/* A new file: what is there already is somebody's work. */
static bool
file_write(struct app *app, struct str path, struct str bytes)
{
	const char *name = app_cstr(app, path);
	FILE *out = name != NULL ? fopen(name, "wbx") : NULL;
	bool ok =
	    out != NULL && fwrite(bytes.ptr, 1, bytes.len, out) == bytes.len;

	ok = out != NULL && fclose(out) == 0 && ok;
	return ok || err_set(&app->err, ERR_FILE, "file_write",
			 "%.*s: cannot be written: %s; name a new file",
			 STR_ARGS(path), strerror(errno));
}

/* CSV on standard output, or XLSX in the file that --xlsx names. */
static int
sheet_give(
    struct app *app, const struct job_row *rows, size_t count, bool rejects)
{
	struct str path = args_text(&app->args, "xlsx");
	struct str bytes = STR("");

	if (!import_sheet(&app->arena,
		path.ptr != NULL ? SHEET_XLSX : SHEET_CSV, rows, count, rejects,
		&bytes, &app->err))
		return APP_FAILED;
	if (path.ptr != NULL)
		return file_write(app, path, bytes) ? 0 : APP_FAILED;
	return fwrite(bytes.ptr, 1, bytes.len, stdout) == bytes.len
		   ? 0
		   : APP_FAILED;
}

int
cmd_import_show(struct app *app)
{
	struct job_row *rows = NULL;
	struct job job = { 0 };
	int64_t number = 0;
	size_t count = 0;

	if (!str_to_i64(app->args.words[0], 1, INT64_MAX, &number))
		return app_fail(app, ERR_USAGE, "usage",
		    "import: '%.*s' is not its number; see rolegate import "
		    "list",
		    STR_ARGS(app->args.words[0]));
	if (!app_open(app, STORE_READ))
		return APP_FAILED;
	switch (store_job(app->store, &app->arena, number, &job, &app->err)) {
	case FOUND_ERROR:
		return APP_FAILED;
	case FOUND_NO:
		return app_fail(app, ERR_NOT_FOUND, "import_unknown",
		    "import %" PRId64
		    ": does not exist; see rolegate import list",
		    number);
	case FOUND_YES:
		break;
	}
	if (!store_job_rows(app->store, &app->arena, number, 0, false,
		SHEET_ROWS_MAX, &rows, &count, &app->err))
		return APP_FAILED;
	if (args_have(&app->args, "rejects"))
		return sheet_give(app, rows, count, true);
	return rows_print(app, rows, count) ? 0 : APP_FAILED;
}

int
cmd_import_export(struct app *app)
{
	struct job_row *rows = NULL;
	struct import import;
	struct str account;
	size_t count = 0;

	if (!account_need(app, &account) || !app_catalogues(app) ||
	    !app_open(app, STORE_READ))
		return APP_FAILED;
	import = import_of(app);
	if (!import_export(
		&import, &app->arena, account, &rows, &count, &app->err))
		return APP_FAILED;
	return sheet_give(app, rows, count, false);
}

int
cmd_import_template(struct app *app)
{
	return sheet_give(app, NULL, 0, false);
}
