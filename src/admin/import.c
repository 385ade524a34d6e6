#include "admin/import.h"

#include "admin/change.h"
#include "admin/import_row.h"
#include "base/bounds.h"
#include "base/text.h"
#include "model/json.h"
#include "store/list.h"
#include "store/notice.h"

#define FILE_NAME_MAX 256
#define PAGE_MAX      ((size_t)1000)

static const char *const operations[] = {
	[ROW_NONE] = NULL,
	[ROW_ADD] = "spreadsheet.add",
	[ROW_EDIT] = "spreadsheet.edit",
	[ROW_DELETE] = "spreadsheet.delete",
};

static bool
begin(const struct import *import, struct admin *admin, struct err *err)
{
	return admin_begin(admin, import->store, import->catalogues,
	    &import->actor, import->now_ms, err);
}

/* --- The right to it ------------------------------------------------------ */

/* What was asked already, so that ten thousand rows of one account ask once. */
struct asked {
	struct str account;
	enum row_action action;
};

/* M12: the whole is refused when the right to any of it is lacking. */
static bool
right_to_rows(struct row_work *work, const struct job_row *rows, size_t count,
    struct err *err)
{
	struct asked *asked = NULL;
	size_t kept = 0;
	size_t cap = 0;

	for (size_t i = 0; i < count; i++) {
		const struct asked one = { row_account(work, &rows[i]),
			row_action_of(&rows[i]) };
		size_t at = 0;

		if (one.action == ROW_NONE)
			continue;
		while (
		    at < kept && (asked[at].action != one.action ||
				     !str_eq(asked[at].account, one.account)))
			at++;
		if (at < kept)
			continue;
		if (!admin_right(work->admin, one.account,
			operations[one.action], STR(""), err))
			return false;
		asked =
		    arena_grow(work->arena, asked, kept, &cap, sizeof(*asked));
		if (asked == NULL)
			return change_no_memory(err);
		asked[kept++] = one;
	}
	return true;
}

static bool
rows_check(size_t count, struct err *err)
{
	if (count >= 1 && count <= SHEET_ROWS_MAX)
		return true;
	return err_set(err, ERR_LIMIT, "sheet_rows",
	    "spreadsheet: has %zu rows; it takes 1 to %d", count,
	    SHEET_ROWS_MAX);
}

/* Asking leaves nothing behind, but it needs the memory of a change. */
static bool
allowed(struct row_work *work, const struct job_row *rows, size_t count,
    struct err *err)
{
	return rows_check(count, err) && change_begin(work->admin, err) &&
	       change_end(work->admin,
		   admin_right(work->admin, work->account, "", STR(""), err) &&
		       right_to_rows(work, rows, count, err),
		   err);
}

/* --- Preview -------------------------------------------------------------- */

static bool
rows_apply(
    struct row_work *work, struct job_row *rows, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (!row_apply(work, &rows[i], err))
			return false;
	return true;
}

bool
import_preview(const struct import *import, struct arena *arena,
    struct str account, struct job_row *rows, size_t count, struct err *err)
{
	struct admin admin = { 0 };
	struct row_work work = {
		.admin = &admin,
		.arena = arena,
		.account = account,
	};
	bool ok = begin(import, &admin, err) &&
		  allowed(&work, rows, count, err) &&
		  rows_apply(&work, rows, count, err);

	admin_abort(&admin);
	return ok;
}

/* --- Start ---------------------------------------------------------------- */

static struct str
actor_word(struct admin *admin)
{
	struct member asker = { 0 };
	struct err ignored = { 0 };

	if (!asks_as_member(admin))
		return STR("system");
	if (!asker_need(admin, &asker, &ignored))
		return (struct str){ NULL, 0 };
	return str_fmt(&admin->arena, "member:%.*s", STR_ARGS(asker.id));
}

static struct str
job_text(struct admin *admin, const struct job *job)
{
	return json_text(&admin->arena,
	    json_pack("{s:s,s:I,s:s%,s:s%,s:s,s:I,s:I,s:I}", "type", "import",
		"number", (json_int_t)job->number, "account", job->account.ptr,
		job->account.len, "file",
		job->file.ptr != NULL ? job->file.ptr : "", job->file.len,
		"status", job_status_word(job->status), "rows",
		(json_int_t)job->rows, "changes", (json_int_t)job->changes,
		"refused", (json_int_t)job->errors));
}

static bool
job_note(struct admin *admin, const char *action, const struct job *job,
    struct err *err)
{
	const struct touches touches = { .account = job->account };

	return change_note(admin, action,
	    str_fmt(&admin->arena, "import %lld", (long long)job->number),
	    STR(""), job_text(admin, job), &touches, err);
}

static bool
job_make(struct admin *admin, struct job *job, const struct job_row *rows,
    struct err *err)
{
	job->actor = actor_word(admin);
	if (job->actor.ptr == NULL)
		return change_no_memory(err);
	if (!store_add_job(admin->store, job, err))
		return false;
	for (size_t i = 0; i < (size_t)job->rows; i++) {
		const struct job_row row = {
			.row = rows[i].row,
			.fields = rows[i].fields,
		};

		if (!store_put_job_row(admin->store, job->number, &row, err))
			return false;
	}
	return job_note(admin, "import.start", job, err);
}

/* The rows are worked off with all that the maker may, and nothing of the
 * token is left then: one that is narrowed starts none. */
bool
import_put(struct admin *admin, struct str account, struct str file,
    const struct job_row *rows, size_t count, int64_t *number, struct err *err)
{
	struct arena arena = { 0 };
	struct row_work work = {
		.admin = admin,
		.arena = &arena,
		.account = account,
	};
	struct job job = {
		.account = account,
		.file = file,
		.status = JOB_RUNNING,
		.created_s = admin->now_ms / 1000,
		.rows = (int64_t)count,
	};
	bool ok =
	    rule_not_narrowed(admin, "import", STR(""), err) &&
	    (file.len == 0 || text_check(file, FILE_NAME_MAX, "file", err)) &&
	    allowed(&work, rows, count, err) && change_begin(admin, err) &&
	    change_end(admin, job_make(admin, &job, rows, err), err);

	arena_free(&arena);
	if (ok)
		*number = job.number;
	return ok;
}

bool
import_start(const struct import *import, struct str account, struct str file,
    const struct job_row *rows, size_t count, int64_t *number, struct err *err)
{
	struct admin admin = { 0 };
	bool ok = begin(import, &admin, err) &&
		  import_put(&admin, account, file, rows, count, number, err) &&
		  admin_commit(&admin, err);

	admin_abort(&admin);
	return ok;
}

/* --- Step ----------------------------------------------------------------- */

/* Whoever started it, as they are now; one who is gone changes nothing. */
static bool
actor_of_job(struct store *store, struct arena *arena, const struct job *job,
    struct actor *out, struct err *err)
{
	struct str id = job->actor;
	struct str kind;
	struct member member = { 0 };

	*out = (struct actor){ .kind = ACTOR_SYSTEM };
	out->why = str_fmt(arena, "import %lld", (long long)job->number);
	if (out->why.ptr == NULL)
		return change_no_memory(err);
	if (!str_next(&id, ':', &kind) || !str_eq(kind, STR("member")))
		return true;
	out->kind = ACTOR_MEMBER;
	switch (store_member_by_id(store, arena, id, &member, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		out->username = id; /* nobody's: every row is refused */
		return true;
	case FOUND_YES:
		out->username = member.username;
		return true;
	}
	return false;
}

static void
row_count(struct job *job, const struct job_row *row)
{
	job->done++;
	switch (row->result) {
	case ROW_CHANGED:
		job->changes++;
		break;
	case ROW_REFUSED:
		job->errors++;
		break;
	case ROW_SAME:
	case ROW_OPEN:
		break;
	}
}

static bool
rows_work_off(struct row_work *work, struct job *job, size_t max, size_t *count,
    struct err *err)
{
	struct job_row *rows = NULL;

	if (!store_job_rows(work->admin->store, work->arena, job->number, 0,
		true, max, &rows, count, err))
		return false;
	for (size_t i = 0; i < *count; i++) {
		if (!row_apply(work, &rows[i], err) ||
		    !store_put_job_row(
			work->admin->store, job->number, &rows[i], err))
			return false;
		row_count(job, &rows[i]);
	}
	return true;
}

static struct str
end_words(struct admin *admin, const struct job *job)
{
	if (job->errors > 0)
		return str_fmt(&admin->arena,
		    "Import %lld completed with errors: %lld rows changed, "
		    "%lld refused",
		    (long long)job->number, (long long)job->changes,
		    (long long)job->errors);
	return str_fmt(&admin->arena,
	    "Import %lld was successful: %lld rows changed",
	    (long long)job->number, (long long)job->changes);
}

static bool
maker_notify(struct admin *admin, const struct job *job, struct err *err)
{
	struct member maker = { 0 };
	struct str link = str_fmt(&admin->arena,
	    "/rolegate/api/v1/imports/%lld", (long long)job->number);
	struct str says = end_words(admin, job);
	struct notice notice = {
		.at_s = admin->now_ms / 1000,
		.kind = STR("import"),
		.text = says,
		.link = link,
	};
	struct err gone = { 0 };

	if (says.ptr == NULL || link.ptr == NULL)
		return change_no_memory(err);
	if (admin->actor.kind != ACTOR_MEMBER ||
	    !member_need(admin, admin->actor.username, &maker, &gone))
		return true;
	notice.member_id = maker.id;
	return store_add_notice(admin->store, &notice, err);
}

static bool
job_end(struct admin *admin, struct job *job, struct err *err)
{
	job->ended_s = admin->now_ms / 1000;
	job->status = job->errors == 0		? JOB_DONE
		      : job->errors < job->rows ? JOB_ERRORS
						: JOB_FAILED;
	return store_put_job(admin->store, job, err) &&
	       store_release_mail(admin->store, job->number, err) &&
	       maker_notify(admin, job, err) &&
	       job_note(admin, "import.end", job, err);
}

static bool
job_go_on(struct row_work *work, struct job *job, size_t max, bool *done,
    struct err *err)
{
	size_t count = 0;

	if (!rows_work_off(work, job, max, &count, err))
		return false;
	*done = job->done >= job->rows;
	if (!*done)
		return store_put_job(work->admin->store, job, err);
	/* Not a change of its own, which its maker might not be there to make:
	 * it goes with the last rows, or the step fails whole. */
	return job_end(work->admin, job, err);
}

static bool
job_need(struct store *store, struct arena *arena, int64_t number,
    struct job *out, struct err *err)
{
	switch (store_job(store, arena, number, out, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return err_set(err, ERR_NOT_FOUND, "import_unknown",
		    "import %lld: does not exist; see rolegate import list",
		    (long long)number);
	case FOUND_YES:
		return true;
	}
	return false;
}

/* Read again under the lock: somebody else may have gone on meanwhile. */
static bool
step(const struct import *import, struct arena *arena, int64_t number,
    size_t max, bool *done, struct err *err)
{
	struct import as = *import;
	struct admin admin = { 0 };
	struct row_work work = { .admin = &admin, .arena = arena };
	struct job job = { 0 };
	bool ok = job_need(import->store, arena, number, &job, err) &&
		  actor_of_job(import->store, arena, &job, &as.actor, err) &&
		  begin(&as, &admin, err) &&
		  job_need(import->store, arena, number, &job, err);

	*done = job.status != JOB_RUNNING;
	if (ok && !*done) {
		work.account = job.account;
		work.job = number;
		ok = job_go_on(&work, &job, max, done, err) &&
		     admin_commit(&admin, err);
	}
	admin_abort(&admin);
	return ok;
}

bool
import_step(const struct import *import, int64_t number, size_t max, bool *done,
    struct err *err)
{
	struct arena arena = { 0 };
	bool ok = step(import, &arena, number, max, done, err);

	arena_free(&arena);
	return ok;
}

/* --- Export --------------------------------------------------------------- */

/* "Ann van Dyke" is Ann van, Dyke: joined again it is the same. */
static void
name_cut(struct str name, struct str *first, struct str *last)
{
	size_t at = name.len;

	while (at > 0 && name.ptr[at - 1] != ' ')
		at--;
	if (at < 2 || at == name.len) {
		*first = name;
		*last = STR("");
		return;
	}
	*first = (struct str){ name.ptr, at - 1 };
	*last = (struct str){ name.ptr + at, name.len - at };
}

static bool
row_of(struct arena *arena, const struct member *m, const struct grant *g,
    struct job_row *out)
{
	struct str first;
	struct str last;
	struct str external =
	    m->identity_count > 0 ? m->identities[0].external_id : STR("");
	json_t *object;

	name_cut(m->name, &first, &last);
	object = json_pack("{s:s,s:s%,s:s%,s:s%,s:s%,s:s%,s:s%,s:o,s:s%,s:o}",
	    "action", "edit", "email", m->email.ptr != NULL ? m->email.ptr : "",
	    m->email.len, "external_id", external.ptr, external.len,
	    "first_name", first.ptr != NULL ? first.ptr : "", first.len,
	    "last_name", last.ptr, last.len, "phone",
	    m->phone.ptr != NULL ? m->phone.ptr : "", m->phone.len, "role",
	    g->role.ptr, g->role.len, "licences", json_names(g->licences),
	    "account", g->account.ptr, g->account.len, "filter",
	    json_names(g->filters));
	out->fields = json_text(arena, object);
	return out->fields.ptr != NULL;
}

static bool
rows_export(struct admin *admin, struct arena *arena, struct str account,
    struct job_row **rows, size_t *count, struct err *err)
{
	struct page page = { .max = PAGE_MAX };
	struct member *members = NULL;
	size_t found = 0;
	size_t cap = 0;

	*rows = NULL;
	*count = 0;
	do {
		if (!store_list_members(admin->store, arena, account, &page,
			&members, &found, err))
			return false;
		for (size_t i = 0; i < found; i++) {
			const struct grant *g = row_grant(&members[i], account);

			if (g == NULL) /* the owner, without a row */
				continue;
			*rows = arena_grow(
			    arena, *rows, *count, &cap, sizeof(**rows));
			if (*rows == NULL ||
			    !row_of(arena, &members[i], g, &(*rows)[*count]))
				return change_no_memory(err);
			(*rows)[*count].row = (int64_t)*count + 2;
			(*count)++;
		}
		if (found > 0)
			page.after =
			    str_fold(arena, members[found - 1].username);
	} while (found == PAGE_MAX);
	return true;
}

bool
import_export(const struct import *import, struct arena *arena,
    struct str account, struct job_row **rows, size_t *count, struct err *err)
{
	struct admin admin = { 0 };
	bool ok = admin_begin_read(&admin, import->store, import->catalogues,
		      &import->actor, import->now_ms, err) &&
		  admin_right(&admin, account, "member.list", STR(""), err) &&
		  rows_export(&admin, arena, account, rows, count, err);

	admin_abort(&admin);
	return ok;
}
