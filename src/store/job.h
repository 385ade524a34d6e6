/* job.h - imports of spreadsheets: what was uploaded, row by row, and what
 * became of each row.
 *
 * Shape:   a job is made CHECKED with its rows as the preview found them,
 *          then started, then worked off in the order of its rows, then DONE,
 *          ERRORS (some rows) or FAILED (nothing done). row is the number
 *          that the spreadsheet shows, the header is row 1. fields is a JSON
 *          object of the sheet's columns.
 * Owner:   results live in the arena.
 * Errors:  those of store.h.
 * Source:  written by src/admin/ only. */
#ifndef ROLEGATE_STORE_JOB_H
#define ROLEGATE_STORE_JOB_H

#include "store/store.h"

enum job_status {
	JOB_NONE = 0,
	JOB_CHECKED,
	JOB_RUNNING,
	JOB_DONE,
	JOB_ERRORS,
	JOB_FAILED,
};
/* "checked", "running", "done", "errors", "failed" */
const char *job_status_word(enum job_status status);

struct job {
	int64_t number;
	struct str actor;   /* as in the history: "system", "member:ID" */
	struct str account; /* the level it acts on */
	struct str file;    /* its name, for people */
	enum job_status status;
	int64_t created_s;
	int64_t ended_s;
	int64_t rows;
	int64_t done;	 /* rows worked off */
	int64_t changes; /* of them, those that changed something */
	int64_t errors;	 /* of them, those that were refused */
};

enum job_result { ROW_OPEN = 0, ROW_CHANGED, ROW_SAME, ROW_REFUSED };

struct job_row {
	int64_t row;
	struct str fields; /* JSON object */
	struct str says;   /* what it would do or did, one sentence */
	enum job_result result;
	struct str code; /* of the refusal, or empty */
};

enum found store_job(struct store *store, struct arena *arena, int64_t number,
    struct job *out, struct err *err);
/* Newest first, below `before` (0: all), of an actor or of all. */
bool store_jobs(struct store *store, struct arena *arena, struct str actor,
    int64_t before, size_t max, struct job **out, size_t *count,
    struct err *err);
/* Those RUNNING, oldest first. */
bool store_jobs_running(struct store *store, struct arena *arena,
    struct job **out, size_t *count, struct err *err);
/* With row > after, in order; open_only: only those not worked off. */
bool store_job_rows(struct store *store, struct arena *arena, int64_t number,
    int64_t after, bool open_only, size_t max, struct job_row **out,
    size_t *count, struct err *err);

bool store_add_job(
    struct store *store, struct job *job, struct err *err); /* number */
bool store_put_job(struct store *store, const struct job *job,
    struct err *err); /* status, ended_s, counts */
bool store_put_job_row(struct store *store, int64_t number,
    const struct job_row *row, struct err *err);
/* With its rows. */
bool store_delete_job(struct store *store, int64_t number, struct err *err);

#endif
