#include "admin/import.h"
#include "fcgi/web/limits.h"
#include "fcgi/web/routes.h"
#include "model/sheet_parse.h"

static const char *const result_words[] = {
	[ROW_OPEN] = "open",
	[ROW_CHANGED] = "changed",
	[ROW_SAME] = "same",
	[ROW_REFUSED] = "refused",
};

static const char xlsx_type[] =
    "application/"
    "vnd.openxmlformats-officedocument.spreadsheetml.sheet";
static const char csv_type[] = "text/csv; charset=utf-8; header=present";

/* --- Files ---------------------------------------------------------------- */

struct upload {
	struct str name;
	struct str bytes;
};

/* The part `file` of a form, or the whole body. */
static bool
upload_read(struct call *call, struct upload *out)
{
	const struct request *r = call->request;
	struct parts parts = { NULL, 0 };
	const struct part *file;

	*out = (struct upload){ STR("sheet"), r->body };
	if (!request_is(r, "multipart/form-data"))
		return true;
	if (!multipart_read(&call->web->arena, r->content_type, r->body, &parts,
		&call->err))
		return false;
	file = parts_find(&parts, "file");
	if (file == NULL)
		return err_set(&call->err, ERR_USAGE, "upload",
		    "body: has no part with the name file");
	out->bytes = file->bytes;
	if (file->file.len > 0)
		out->name = file->file;
	return true;
}

struct sheet {
	struct str file;
	struct job_row *rows;
	size_t count;
};

static bool
sheet_load(struct call *call, struct sheet *out)
{
	struct sheet_row *rows = NULL;
	struct arena *arena = &call->web->arena;
	struct upload upload;

	if (!upload_read(call, &upload))
		return false;
	if (upload.bytes.len > SHEET_FILE_MAX)
		return err_set(&call->err, ERR_LIMIT, "body_too_large",
		    "sheet: has more than %d bytes; import it in parts",
		    SHEET_FILE_MAX);
	if (!sheet_parse(arena, upload.name, upload.bytes, &rows, &out->count,
		&call->faults, &call->err))
		return err_set(&call->err, ERR_USAGE, "sheet_faults",
		    "sheet: has %zu faults; mend them and send it again",
		    call->faults.count);
	out->file = upload.name;
	out->rows = ARENA_ARRAY(arena, struct job_row, out->count + 1);
	if (out->rows == NULL)
		return call_no_memory(call);
	for (size_t i = 0; i < out->count; i++)
		out->rows[i] = (struct job_row){
			.row = rows[i].row,
			.fields = rows[i].fields,
		};
	return true;
}

/* Reading a file may take seconds, so that comes before the change, which keeps
 * all others from writing; and before that, whether it is somebody on the
 * account. Which rights the rows take is asked when they are known. */
bool
import_read(struct call *call)
{
	struct web *web = call->web;
	bool may;

	call->sheet = arena_alloc(
	    &web->arena, sizeof(*call->sheet), _Alignof(struct sheet));
	if (call->sheet == NULL)
		return call_no_memory(call);
	*call->sheet = (struct sheet){ .count = 0 };
	if (!admin_begin_read(&call->admin, web->store, &web->setup->catalogues,
		&call->caller.actor, web->now_ms, &call->err))
		return false;
	may = admin_right(
	    &call->admin, call->words.items[0], "", STR(""), &call->err);
	admin_abort(&call->admin);
	return may && sheet_load(call, call->sheet);
}

static struct import
import_of(const struct call *call)
{
	return (struct import){
		.store = call->web->store,
		.catalogues = &call->web->setup->catalogues,
		.actor = call->caller.actor,
		.now_ms = call->web->now_ms,
	};
}

/* --- Showing -------------------------------------------------------------- */

static json_t *
job_json(const struct job *job)
{
	return json_pack("{s:I,s:o,s:o,s:s,s:o,s:o,s:I,s:I,s:I,s:I}", "import",
	    (json_int_t)job->number, "account", json_str(job->account), "file",
	    json_str(job->file), "status", job_status_word(job->status),
	    "created", json_time(job->created_s), "ended",
	    json_time(job->ended_s), "rows", (json_int_t)job->rows, "done",
	    (json_int_t)job->done, "changed", (json_int_t)job->changes,
	    "refused", (json_int_t)job->errors);
}

static json_t *
row_json(const struct job_row *row)
{
	return json_pack("{s:I,s:s,s:o,s:o}", "row", (json_int_t)row->row,
	    "result", result_words[row->result], "says", json_str(row->says),
	    "code", json_str(row->code));
}

static json_t *
rows_json(const struct job_row *rows, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, row_json(&rows[i]));
	return list;
}

/* Who started it, by the id that survives a rename; a token acts for its
 * maker. */
static struct str
maker_of(struct call *call)
{
	return str_fmt(
	    &call->web->arena, "member:%.*s", STR_ARGS(call->caller.member_id));
}

bool
imports_list(struct call *call)
{
	struct web *web = call->web;
	struct job *list = NULL;
	struct str next = STR("");
	int64_t before = 0;
	struct page page;
	json_t *items;
	size_t count = 0;

	if (!call_page_number(call, &page, &before))
		return false;
	if (!store_jobs(web->store, &web->arena, maker_of(call), before,
		page.max + 1, &list, &count, &call->err))
		return false;
	if (count > page.max) {
		count = page.max;
		next = str_fmt(
		    &web->arena, "%lld", (long long)list[count - 1].number);
	}
	items = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(items, job_json(&list[i]));
	return call_items(call, items, next);
}

/* One's own. */
static bool
job_need(struct call *call, struct job *out)
{
	struct web *web = call->web;
	int64_t number = 0;

	if (str_to_i64(call->words.items[0], 1, INT64_MAX, &number)) {
		switch (store_job(
		    web->store, &web->arena, number, out, &call->err)) {
		case FOUND_ERROR:
			return false;
		case FOUND_NO:
			break;
		case FOUND_YES:
			if (str_eq(out->actor, maker_of(call)))
				return true;
			break;
		}
	}
	return err_set(&call->err, ERR_NOT_FOUND, "import_unknown",
	    "import %.*s: is none of yours", STR_ARGS(call->words.items[0]));
}

bool
import_show(struct call *call)
{
	struct job job = { 0 };

	return job_need(call, &job) && call_result(call, job_json(&job));
}

bool
import_rows(struct call *call)
{
	struct web *web = call->web;
	struct job_row *rows = NULL;
	struct str next = STR("");
	struct job job = { 0 };
	int64_t after = 0;
	struct page page;
	size_t count = 0;

	if (!job_need(call, &job) || !call_page_number(call, &page, &after))
		return false;
	if (!store_job_rows(web->store, &web->arena, job.number, after, false,
		page.max + 1, &rows, &count, &call->err))
		return false;
	if (count > page.max) {
		count = page.max;
		next = str_fmt(
		    &web->arena, "%lld", (long long)rows[count - 1].row);
	}
	return call_items(call, rows_json(rows, count), next);
}

/* --- Sheets --------------------------------------------------------------- */

/* As the client wants it; CSV when it does not say. */
static bool
sheet_answer(
    struct call *call, const struct job_row *rows, size_t count, bool rejects)
{
	bool xlsx = request_accepts(call->request, xlsx_type);

	call->text_type = xlsx ? xlsx_type : csv_type;
	return import_sheet(&call->web->arena, xlsx ? SHEET_XLSX : SHEET_CSV,
	    rows, count, rejects, &call->text, &call->err);
}

bool
import_template(struct call *call)
{
	return sheet_answer(call, NULL, 0, false);
}

bool
import_rejects(struct call *call)
{
	struct web *web = call->web;
	struct job_row *rows = NULL;
	struct job job = { 0 };
	size_t count = 0;

	return job_need(call, &job) &&
	       store_job_rows(web->store, &web->arena, job.number, 0, false,
		   SHEET_ROWS_MAX, &rows, &count, &call->err) &&
	       sheet_answer(call, rows, count, true);
}

/* The import module opens transactions of its own. */
bool
members_export(struct call *call)
{
	struct import import = import_of(call);
	struct job_row *rows = NULL;
	size_t count = 0;

	admin_abort(&call->admin);
	return import_export(&import, &call->web->arena, call->words.items[0],
		   &rows, &count, &call->err) &&
	       sheet_answer(call, rows, count, false);
}

/* --- Importing ------------------------------------------------------------ */

bool
import_check(struct call *call)
{
	struct import import = import_of(call);
	const struct sheet *sheet = call->sheet;

	admin_abort(&call->admin);
	return import_preview(&import, &call->web->arena, call->words.items[0],
		   sheet->rows, sheet->count, &call->err) &&
	       call_items(
		   call, rows_json(sheet->rows, sheet->count), STR(""));
}

/* The rows are worked off in the background; see chores.h. */
bool
import_add(struct call *call)
{
	const struct sheet *sheet = call->sheet;
	int64_t number = 0;

	return import_put(&call->admin, call->words.items[0], sheet->file,
		   sheet->rows, sheet->count, &number, &call->err) &&
	       call_also(call, "import", json_integer(number));
}
