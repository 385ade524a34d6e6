/* import_row.h - one row of a spreadsheet, done under the rules of the single
 * operations of admin.h; for import.c. A row that is refused leaves nothing
 * behind, also where it takes two operations. */
#ifndef ROLEGATE_IMPORT_ROW_H
#define ROLEGATE_IMPORT_ROW_H

#include "admin/import.h"

/* Who is on an account, by address and by external id. */
struct people;

struct row_work {
	struct admin *admin;
	struct arena *arena; /* of results and of the index of people */
	struct str account; /* where a row names none */
	int64_t job;
	struct people *people; /* NULL at first */
};

enum row_action { ROW_NONE = 0, ROW_ADD, ROW_EDIT, ROW_DELETE };

enum row_action row_action_of(const struct job_row *row);
/* What a row of this member is about: their local grant on the account, else
 * the first; NULL when there is none. */
const struct grant *row_grant(const struct member *member, struct str account);
/* The account that the row names, or the job's. */
struct str row_account(const struct row_work *work, const struct job_row *row);
/* Sets result, code and says. False only when it is not the row's fault. */
bool row_apply(struct row_work *work, struct job_row *row, struct err *err);

#endif
