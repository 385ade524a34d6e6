#include "store/job.h"

#include "store/internal.h"

static const char *const status_words[] = {
	[JOB_NONE] = "",
	[JOB_CHECKED] = "checked",
	[JOB_RUNNING] = "running",
	[JOB_DONE] = "done",
	[JOB_ERRORS] = "errors",
	[JOB_FAILED] = "failed",
};
#define STATUS_COUNT (sizeof(status_words) / sizeof(status_words[0]))

const char *
job_status_word(enum job_status status)
{
	return (size_t)status < STATUS_COUNT ? status_words[status] : "";
}

static enum job_status
status_from(struct str word)
{
	for (size_t i = JOB_CHECKED; i < STATUS_COUNT; i++)
		if (str_eq(word, str_from(status_words[i])))
			return (enum job_status)i;
	return JOB_NONE;
}

/* --- Jobs ----------------------------------------------------------------- */

#define JOB_SELECT                                                             \
	"SELECT number, actor, account_id, file, status, created_s, ended_s, " \
	"row_count, done_count, change_count, error_count FROM jobs"

static void
job_read(struct db_rows *rows, struct arena *arena, void *out)
{
	*(struct job *)out = (struct job){
		.number = row_number(rows, 0),
		.actor = row_copy(rows, 1, arena),
		.account = row_copy(rows, 2, arena),
		.file = row_copy(rows, 3, arena),
		.status = status_from(row_text(rows, 4)),
		.created_s = row_number(rows, 5),
		.ended_s = row_number(rows, 6),
		.rows = row_number(rows, 7),
		.done = row_number(rows, 8),
		.changes = row_number(rows, 9),
		.errors = row_number(rows, 10),
	};
	if (((struct job *)out)->status == JOB_NONE)
		row_corrupt(rows, "the status of an import");
}

enum found
store_job(struct store *store, struct arena *arena, int64_t number,
    struct job *out, struct err *err)
{
	struct db_rows rows;

	db_select(store->db, &rows, err, JOB_SELECT " WHERE number = $1",
	    VALUES(value_number(number)));
	return rows_one(&rows, arena, sizeof(*out), job_read, out);
}

bool
store_jobs(struct store *store, struct arena *arena, struct str actor,
    int64_t before, size_t max, struct job **out, size_t *count,
    struct err *err)
{
	const int64_t below = before > 0 ? before : INT64_MAX;
	struct row_list list;
	struct db_rows rows;

	if (actor.len > 0)
		db_select(store->db, &rows, err,
		    JOB_SELECT " WHERE actor = $1 AND number < $2 "
			       "ORDER BY number DESC LIMIT $3",
		    VALUES(value_text(actor), value_number(below),
			value_number((int64_t)max)));
	else
		db_select(store->db, &rows, err,
		    JOB_SELECT
		    " WHERE number < $1 ORDER BY number DESC LIMIT $2",
		    VALUES(value_number(below), value_number((int64_t)max)));
	if (!rows_list(&rows, arena, sizeof(**out), job_read, &list))
		return false;
	*out = list.items;
	*count = list.count;
	return true;
}

bool
store_jobs_running(struct store *store, struct arena *arena, struct job **out,
    size_t *count, struct err *err)
{
	struct row_list list;
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    JOB_SELECT " WHERE status = 'running' ORDER BY number", NO_VALUES);
	if (!rows_list(&rows, arena, sizeof(**out), job_read, &list))
		return false;
	*out = list.items;
	*count = list.count;
	return true;
}

bool
store_add_job(struct store *store, struct job *job, struct err *err)
{
	return number_next(store,
		   "SELECT number FROM jobs ORDER BY number DESC LIMIT 1",
		   &job->number, err) &&
	       store_write(store, NULL, err,
		   "INSERT INTO jobs (number, actor, account_id, file, "
		   "status, created_s, ended_s, row_count, done_count, "
		   "change_count, error_count) "
		   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
		   VALUES(value_number(job->number), value_text(job->actor),
		       value_text(job->account), value_text(job->file),
		       value_text(str_from(job_status_word(job->status))),
		       value_number(job->created_s), value_number(job->ended_s),
		       value_number(job->rows), value_number(job->done),
		       value_number(job->changes), value_number(job->errors)));
}

bool
store_put_job(struct store *store, const struct job *job, struct err *err)
{
	return store_write_one(store, err,
	    "UPDATE jobs SET status = $2, ended_s = $3, done_count = $4, "
	    "change_count = $5, error_count = $6 WHERE number = $1",
	    VALUES(value_number(job->number),
		value_text(str_from(job_status_word(job->status))),
		value_number(job->ended_s), value_number(job->done),
		value_number(job->changes), value_number(job->errors)));
}

bool
store_delete_job(struct store *store, int64_t number, struct err *err)
{
	return store_write(store, NULL, err,
	    "DELETE FROM jobs WHERE number = $1", VALUES(value_number(number)));
}

/* --- Rows ----------------------------------------------------------------- */

static void
job_row_read(struct db_rows *rows, struct arena *arena, void *out)
{
	*(struct job_row *)out = (struct job_row){
		.row = row_number(rows, 0),
		.fields = row_copy(rows, 1, arena),
		.says = row_copy(rows, 2, arena),
		.result = (enum job_result)row_number(rows, 3),
		.code = row_copy(rows, 4, arena),
	};
}

bool
store_job_rows(struct store *store, struct arena *arena, int64_t number,
    int64_t after, bool open_only, size_t max, struct job_row **out,
    size_t *count, struct err *err)
{
	struct row_list list;
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    "SELECT row_number, fields, says, result, code FROM job_rows "
	    "WHERE job = $1 AND row_number > $2 AND result <= $3 "
	    "ORDER BY row_number LIMIT $4",
	    VALUES(value_number(number), value_number(after),
		value_number(open_only ? ROW_OPEN : ROW_REFUSED),
		value_number((int64_t)max)));
	if (!rows_list(&rows, arena, sizeof(**out), job_row_read, &list))
		return false;
	*out = list.items;
	*count = list.count;
	return true;
}

bool
store_put_job_row(struct store *store, int64_t number,
    const struct job_row *row, struct err *err)
{
	return store_write(store, NULL, err,
	    "INSERT INTO job_rows (job, row_number, fields, says, result, "
	    "code) VALUES ($1, $2, $3, $4, $5, $6) "
	    "ON CONFLICT (job, row_number) DO UPDATE SET "
	    "says = excluded.says, result = excluded.result, "
	    "code = excluded.code",
	    VALUES(value_number(number), value_number(row->row),
		value_text(row->fields), value_text(row->says),
		value_number((int64_t)row->result), value_text(row->code)));
}
