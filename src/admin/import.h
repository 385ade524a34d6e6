/* import.h - spreadsheets of members: looked at whole, then worked off row by
 * row, each under the rules of the single operation (M12).
 *
 * Shape:   a row has the columns of docs/spreadsheets.md as a JSON object of
 *          texts; licences and filter are lists. A column that is missing
 *          leaves things as they are, and so does an empty cell, but for
 *          licences and filter, where it means none.
 *          add     invites the address; the mail waits until the job is done
 *          edit    role, licences, filter, name and telephone of who is there
 *          delete  ends their local grant on the account
 *          Who is meant is found on the row's account (else the job's) by
 *          external_id, else by email.
 * Rights:  spreadsheet.add, .edit, .delete on each account, for every action
 *          that the sheet has: without one of them the whole is refused.
 * Owner:   texts of results live in the arena that was given.
 * Errors:  a refused row is no error: its result and code say so.
 * Limits:  SHEET_ROWS_MAX rows. */
#ifndef ROLEGATE_IMPORT_H
#define ROLEGATE_IMPORT_H

#include "admin/admin.h"
#include "store/job.h"

struct import {
	struct store *store;
	const struct catalogues *catalogues;
	struct actor actor;
	int64_t now_ms;
};

/* Fills result, code and says of each row with what would become of it, in
 * order, each after the ones before it. Writes nothing. */
bool import_preview(const struct import *import, struct arena *arena,
    struct str account, struct job_row *rows, size_t count, struct err *err);
/* Makes the job, RUNNING, with its rows to be worked off; *number names it. */
bool
import_start(const struct import *import, struct str account, struct str file,
    const struct job_row *rows, size_t count, int64_t *number, struct err *err);
/* The same inside a transaction, which the caller commits. */
bool
import_put(struct admin *admin, struct str account, struct str file,
    const struct job_row *rows, size_t count, int64_t *number, struct err *err);
/* Works off at most `max` rows in one transaction, as whoever started it.
 * Killed anywhere, it goes on from the first row that is still open. *done
 * when there are none left: the job is ended, its mail released, its maker
 * notified. */
bool import_step(const struct import *import, int64_t number, size_t max,
    bool *done, struct err *err);

/* The members of an account as rows that import back without a change. */
bool import_export(const struct import *import, struct arena *arena,
    struct str account, struct job_row **rows, size_t *count, struct err *err);

/* Rows as a whole file: all of them, or with `rejects` those that were refused
 * and why. No rows give the template. The bytes live in the arena. */
enum sheet_kind { SHEET_NONE = 0, SHEET_CSV, SHEET_XLSX };
bool import_sheet(struct arena *arena, enum sheet_kind kind,
    const struct job_row *rows, size_t count, bool rejects, struct str *out,
    struct err *err);

#endif
