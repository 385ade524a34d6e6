#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#define BUSY_MS	       5000
#define MODE_STEP_MS	       20
#define STATEMENTS_MAX 128
#define PARAMETERS_MAX 16
#define FILE_MODE      0640 /* and less by the umask, never more */
/* "RLGT", in the header of the file. */
#define APPLICATION_ID 1380730708

struct statement {
	const char *sql;
	sqlite3_stmt *handle;
	/* Where $1, $2, … stand: SQLite numbers them as they appear. */
	int places[PARAMETERS_MAX];
	size_t parameters;
};

struct db {
	sqlite3 *sqlite;
	char *path;
	struct statement statements[STATEMENTS_MAX];
	size_t statement_count;
};

/* --- Errors --------------------------------------------------------------- */

/* clang-format off */
static const struct { int rc; enum err_kind kind; const char *code; const char *says; } errors[] = {
	{ SQLITE_BUSY,       ERR_REACH, "store_locked",     "another process is writing; try again when it is done" },
	{ SQLITE_LOCKED,     ERR_REACH, "store_locked",     "another process is writing; try again when it is done" },
	{ SQLITE_FULL,       ERR_REACH, "store_full",       "there is no room left; make room on its file system" },
	{ SQLITE_READONLY,   ERR_REACH, "store_read_only",  "may only be read; run this as the user who owns the file" },
	{ SQLITE_PERM,       ERR_REACH, "store_read_only",  "may not be used by this user; run this as the user who owns the file" },
	{ SQLITE_AUTH,       ERR_REACH, "store_read_only",  "may not be used by this user; run this as the user who owns the file" },
	{ SQLITE_CANTOPEN,   ERR_REACH, "store_open",       "cannot be opened; check the path, its folder and their rights" },
	{ SQLITE_CORRUPT,    ERR_FILE,  "store_corrupt",    "is damaged; restore a backup" },
	{ SQLITE_NOTADB,     ERR_FILE,  "store_corrupt",    "is no rolegate store; correct the path, or restore a backup" },
	{ SQLITE_ERROR,      ERR_FILE,  "store_corrupt",    "lacks tables that it must have; restore a backup" },
	{ SQLITE_SCHEMA,     ERR_FILE,  "store_corrupt",    "lacks tables that it must have; restore a backup" },
	{ SQLITE_CONSTRAINT, ERR_BUG,   "store_constraint", "refuses a row that breaks a rule of its tables; report this" },
	{ SQLITE_MISUSE,     ERR_BUG,   "store_misuse",     "was used in a wrong way; report this" },
	{ SQLITE_RANGE,      ERR_BUG,   "store_misuse",     "was used in a wrong way; report this" },
	{ SQLITE_NOMEM,      ERR_LIMIT, "no_memory",        "memory is out; give the process more" },
	{ SQLITE_TOOBIG,     ERR_LIMIT, "store_text",       "a text is too long to be kept; shorten it" },
	{ SQLITE_IOERR,      ERR_REACH, "store_io",         "cannot be read or written; look at its disk" },
};
/* clang-format on */

/* Of the call that failed; every call begins with errno 0. SQLite notes it by
 * itself for some errors only. */
static int
system_number(struct db *db)
{
	return errno != 0 ? errno : sqlite3_system_errno(db->sqlite);
}

/* A disk that is full says so in several ways; SQLite knows only one. And it
 * finds out late that a path is a folder. */
static int
error_primary(int rc, int number)
{
	if (rc == SQLITE_IOERR_NOMEM)
		return SQLITE_NOMEM;
	if ((rc & 0xff) != SQLITE_IOERR)
		return rc & 0xff;
	switch (number) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return SQLITE_FULL;
	case EISDIR:
		return SQLITE_CANTOPEN;
	default:
		return SQLITE_IOERR;
	}
}

/* SQLite's words for its own last error; not all of them come from there. */
static const char *
error_text(struct db *db, int rc)
{
	return sqlite3_extended_errcode(db->sqlite) == rc
		   ? sqlite3_errmsg(db->sqlite)
		   : sqlite3_errstr(rc);
}

static bool
db_error(struct db *db, int rc, struct err *err)
{
	int number = system_number(db);
	int primary = error_primary(rc, number);
	bool system =
	    number != 0 && (primary == SQLITE_IOERR || primary == SQLITE_FULL ||
			       primary == SQLITE_CANTOPEN);

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].rc == primary)
			return err_set(err, errors[i].kind, errors[i].code,
			    "%s: %s (%s%s%s)", db->path, errors[i].says,
			    error_text(db, rc), system ? ": " : "",
			    system ? strerror(number) : "");
	return err_set(err, ERR_REACH, "store_io",
	    "%s: cannot be read or written; look at its disk (%s)", db->path,
	    error_text(db, rc));
}

/* --- Opening -------------------------------------------------------------- */

const char *
db_path(const struct db *db)
{
	return db->path;
}

static bool
in_memory(const char *path)
{
	return strcmp(path, ":memory:") == 0;
}

/* SQLite would make the file readable for all, as far as the umask lets it;
 * the files beside it get the mode of this one. A file that is there is not
 * opened: closing it would drop SQLite's locks on it in this process. */
static bool
file_make(const char *path, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);

	if (fd >= 0)
		return close(fd) == 0 ||
		       err_set(err, ERR_REACH, "store_io",
			   "%s: cannot be written: %s; look at its disk", path,
			   strerror(errno));
	if (errno == EEXIST)
		return true;
	if (errno == EROFS)
		return err_set(err, ERR_REACH, "store_read_only",
		    "%s: cannot be made, its file system is read-only; "
		    "correct the path",
		    path);
	if (errno == ENOSPC || errno == EDQUOT)
		return err_set(err, ERR_REACH, "store_full",
		    "%s: cannot be made, there is no room left; make room on "
		    "its file system",
		    path);
	return err_set(err, ERR_REACH, "store_open",
	    "%s: cannot be made: %s; check the path, its folder and their "
	    "rights",
	    path, strerror(errno));
}

static bool
db_pragma(struct db *db, const char *sql, int64_t *out, struct err *err)
{
	struct db_rows rows;

	db_select(db, &rows, err, sql, NO_VALUES);
	if (db_next(&rows))
		*out = row_number(&rows, 0);
	return db_end(&rows);
}

/* Nothing in the file may run by itself, and a text in double quotes is not
 * taken for a string. */
static bool
harden(struct db *db, struct err *err)
{
	static const struct {
		int option;
		int value;
	} options[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
		{ SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
		{ SQLITE_DBCONFIG_DQS_DML, 0 },
		{ SQLITE_DBCONFIG_DQS_DDL, 0 },
		{ SQLITE_DBCONFIG_ENABLE_FKEY, 1 },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		int rc = sqlite3_db_config(
		    db->sqlite, options[i].option, options[i].value, NULL);

		if (rc != SQLITE_OK)
			return db_error(db, rc, err);
	}
	return true;
}

/* The files of the write-ahead log stay when the last writer leaves, empty:
 * who may only read cannot make them, and cannot read without them. */
static bool
log_keep(struct db *db, struct err *err)
{
	int keep = 1;
	int rc = sqlite3_file_control(
	    db->sqlite, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);

	if (rc != SQLITE_OK && rc != SQLITE_NOTFOUND)
		return db_error(db, rc, err);
	return db_exec(db, "PRAGMA journal_size_limit = 0", err);
}

static bool
log_mode_set(struct db *db, bool *ok, struct err *err)
{
	struct db_rows rows;

	db_select(db, &rows, err, "PRAGMA journal_mode = WAL", NO_VALUES);
	if (db_next(&rows))
		*ok = str_eq(row_text(&rows, 0), STR("wal")) ||
		      in_memory(db->path);
	return db_end(&rows);
}

/* Two that make one store at the same moment may each hold what the other
 * needs. SQLite then says busy at once, whatever the busy timeout is. */
static bool
log_mode_wait(struct db *db, bool *ok, struct err *err)
{
	for (int waited_ms = 0; waited_ms < BUSY_MS;
	     waited_ms += MODE_STEP_MS) {
		struct err once = { 0 };

		if (log_mode_set(db, ok, &once))
			return true;
		if (strcmp(once.code, "store_locked") != 0)
			break;
		sqlite3_sleep(MODE_STEP_MS);
	}
	return log_mode_set(db, ok, err);
}

static bool
log_ahead(struct db *db, struct err *err)
{
	bool ok = false;

	if (!log_mode_wait(db, &ok, err))
		return false;
	if (!ok)
		return err_set(err, ERR_REACH, "store_open",
		    "%s: its file system cannot share memory between "
		    "processes; put the store on a local disk",
		    db->path);
	return log_keep(db, err) &&
	       db_exec(db, "PRAGMA synchronous = FULL", err);
}

/* Ours, or one without any table that may become ours. */
static bool
owner_check(struct db *db, enum db_mode mode, struct err *err)
{
	int64_t tables = 0;
	bool ours = false;

	/* In this order: another process may be making the store, and its
	 * tables come together with the claim. */
	if (!db_pragma(
		db, "SELECT count(*) FROM sqlite_master", &tables, err) ||
	    !db_claimed(db, &ours, err))
		return false;
	if (ours)
		return true;
	if (tables > 0)
		return err_set(err, ERR_FILE, "store_corrupt",
		    "%s: is a database of another program; correct the path",
		    db->path);
	if (mode == DB_WRITE)
		return true;
	return err_set(err, ERR_REACH, "store_open",
	    "%s: is empty; fill it with rolegate load, or correct the path",
	    db->path);
}

static int
collate_c(void *unused, int a_len, const void *a, int b_len, const void *b)
{
	(void)unused;
	return str_cmp(
	    (struct str){ a, (size_t)a_len }, (struct str){ b, (size_t)b_len });
}

static bool
configure(struct db *db, enum db_mode mode, struct err *err)
{
	int rc = sqlite3_busy_timeout(db->sqlite, BUSY_MS);

	if (rc == SQLITE_OK)
		rc = sqlite3_create_collation(
		    db->sqlite, "C", SQLITE_UTF8, NULL, collate_c);
	if (rc != SQLITE_OK)
		return db_error(db, rc, err);
	/* A large change stays in memory until it is committed, and the undo of
	 * a savepoint needs no file. */
	if (!harden(db, err) ||
	    !db_exec(db, "PRAGMA cell_size_check = ON", err) ||
	    !db_exec(db, "PRAGMA temp_store = MEMORY", err) ||
	    !db_exec(db, "PRAGMA cache_size = -32768", err) ||
	    !owner_check(db, mode, err))
		return false;
	if (mode == DB_READ)
		return true;
	if (sqlite3_db_readonly(db->sqlite, "main") == 1)
		return db_error(db, SQLITE_READONLY, err);
	return log_ahead(db, err);
}

static bool
connect(struct db *db, enum db_mode mode, struct err *err)
{
	int flags =
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
	    (mode == DB_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
	int rc;

	if (in_memory(db->path))
		flags |= SQLITE_OPEN_MEMORY;
	else if (mode == DB_WRITE && !file_make(db->path, err))
		return false;
	errno = 0;
	rc = sqlite3_open_v2(db->path, &db->sqlite, flags, NULL);
	if (db->sqlite == NULL)
		return err_set(err, ERR_LIMIT, "no_memory",
		    "%s: memory is out; give the process more", db->path);
	if (rc != SQLITE_OK)
		return db_error(db, rc, err);
	return configure(db, mode, err);
}

bool
db_open(struct db **out, const char *path, enum db_mode mode, struct err *err)
{
	struct db *db;

	/* SQLite takes the one for a file that vanishes, the other for a URL.
	 */
	if (path[0] == '\0' || strncmp(path, "file:", 5) == 0)
		return err_set(err, ERR_REACH, "store_open",
		    "'%s': is no path of a store; correct the path", path);
	db = calloc(1, sizeof(*db));
	if (db != NULL)
		db->path = strdup(path);
	if (db == NULL || db->path == NULL) {
		db_close(db);
		return err_set(err, ERR_LIMIT, "no_memory",
		    "%s: memory is out; give the process more", path);
	}
	if (!connect(db, mode, err)) {
		db_close(db);
		return false;
	}
	*out = db;
	return true;
}

void
db_close(struct db *db)
{
	if (db == NULL)
		return;
	for (size_t i = 0; i < db->statement_count; i++)
		sqlite3_finalize(db->statements[i].handle);
	sqlite3_close(db->sqlite);
	free(db->path);
	free(db);
}

/* --- Transactions --------------------------------------------------------- */

/* SQLite would begin, and fail at the first write. */
bool
db_begin_write(struct db *db, struct err *err)
{
	if (sqlite3_db_readonly(db->sqlite, "main") == 1)
		return db_error(db, SQLITE_READONLY, err);
	return db_run(db, NULL, err, "BEGIN IMMEDIATE", NO_VALUES);
}

bool
db_begin_read(struct db *db, struct err *err)
{
	return db_run(db, NULL, err, "BEGIN", NO_VALUES);
}

/* A commit whose sync failed may have left its whole text in the log. Every
 * process passes over it, but a recovery after a crash would take it for
 * done: emptying the log keeps a refused change refused. What was
 * acknowledged before is written and synced again on the way; if that fails
 * too, all stays as it is. */
static void
log_forget(struct db *db)
{
	(void)sqlite3_wal_checkpoint_v2(
	    db->sqlite, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

bool
db_commit(struct db *db, struct err *err)
{
	bool disk;

	if (db_run(db, NULL, err, "COMMIT", NO_VALUES))
		return true;
	disk = (sqlite3_errcode(db->sqlite) & 0xff) == SQLITE_IOERR;
	db_rollback(db);
	if (disk)
		log_forget(db);
	return false;
}

void
db_rollback(struct db *db)
{
	struct err ignored = { 0 };

	/* It fails only where SQLite has rolled back before. */
	if (db_in_transaction(db))
		(void)db_run(db, NULL, &ignored, "ROLLBACK", NO_VALUES);
}

bool
db_in_transaction(const struct db *db)
{
	return sqlite3_get_autocommit(db->sqlite) == 0;
}

bool
db_claimed(struct db *db, bool *out, struct err *err)
{
	int64_t id = 0;

	if (!db_pragma(db, "PRAGMA application_id", &id, err))
		return false;
	*out = id == APPLICATION_ID;
	return true;
}

bool
db_claim(struct db *db, struct err *err)
{
	return db_exec(db, "PRAGMA application_id = 1380730708", err);
}

_Static_assert(APPLICATION_ID == 1380730708, "as db_claim() writes it");

bool
db_data_version(struct db *db, int64_t *out, struct err *err)
{
	return db_pragma(db, "PRAGMA data_version", out, err);
}

bool
db_set_busy_ms(struct db *db, int ms, struct err *err)
{
	int rc = sqlite3_busy_timeout(db->sqlite, ms);

	return rc == SQLITE_OK || db_error(db, rc, err);
}

bool
db_set_pages_max(struct db *db, int pages, struct err *err)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %d", pages);
	return db_exec(db, sql, err);
}

/* --- Statements ----------------------------------------------------------- */

static bool
statement_prepare(struct db *db, struct statement *statement, const char *sql,
    struct err *err)
{
	int rc;

	errno = 0;
	rc = sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT,
	    &statement->handle, NULL);
	if (rc != SQLITE_OK)
		return db_error(db, rc, err);
	statement->sql = sql;
	statement->parameters =
	    (size_t)sqlite3_bind_parameter_count(statement->handle);
	for (size_t i = 0; i < statement->parameters && i < PARAMETERS_MAX;
	     i++) {
		char name[8];

		snprintf(name, sizeof(name), "$%zu", i + 1);
		statement->places[i] =
		    sqlite3_bind_parameter_index(statement->handle, name);
	}
	return true;
}

static struct statement *
statement_get(struct db *db, const char *sql, struct err *err)
{
	struct statement *statement = &db->statements[db->statement_count];

	for (size_t i = 0; i < db->statement_count; i++)
		if (db->statements[i].sql == sql)
			return &db->statements[i];
	if (db->statement_count == STATEMENTS_MAX) {
		err_set(err, ERR_BUG, "store_misuse",
		    "%s: more than %d statements are kept; report this",
		    db->path, STATEMENTS_MAX);
		return NULL;
	}
	if (!statement_prepare(db, statement, sql, err))
		return NULL;
	db->statement_count++;
	return statement;
}

/* What every driver refuses: PostgreSQL takes neither. */
static bool
text_keepable(const struct db *db, struct str text, struct err *err)
{
	if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL)
		return err_set(err, ERR_FILE, "store_text",
		    "%s: a text with a NUL byte cannot be kept; correct it",
		    db->path);
	if (!text_is_utf8(text))
		return err_set(err, ERR_FILE, "store_text",
		    "%s: a text that is not UTF-8 cannot be kept; correct it",
		    db->path);
	return true;
}

static bool
value_bind(struct db *db, const struct statement *statement, size_t i,
    const struct db_value *value, struct err *err)
{
	sqlite3_stmt *handle = statement->handle;
	int place = statement->places[i];
	int rc = SQLITE_MISUSE;

	switch (value->type) {
	case DB_NULL:
		rc = sqlite3_bind_null(handle, place);
		break;
	case DB_NUMBER:
		rc = sqlite3_bind_int64(handle, place, value->number);
		break;
	case DB_TEXT:
		if (!text_keepable(db, value->text, err))
			return false;
		/* A NULL pointer would become a NULL value. */
		rc = sqlite3_bind_text64(handle, place,
		    value->text.len > 0 ? value->text.ptr : "", value->text.len,
		    SQLITE_STATIC, SQLITE_UTF8);
		break;
	case DB_OTHER:
		break;
	}
	return rc == SQLITE_OK || db_error(db, rc, err);
}

static bool
values_bind(struct db *db, const struct statement *statement,
    const struct db_value *values, size_t count, struct err *err)
{
	if (count != statement->parameters || count > PARAMETERS_MAX ||
	    sqlite3_stmt_busy(statement->handle))
		return db_error(db, SQLITE_MISUSE, err);
	for (size_t i = 0; i < count; i++)
		if (!value_bind(db, statement, i, &values[i], err))
			return false;
	return true;
}

void
db_select(struct db *db, struct db_rows *rows, struct err *err, const char *sql,
    const struct db_value *values, size_t count)
{
	*rows = (struct db_rows){ .db = db, .err = err };
	rows->statement = statement_get(db, sql, err);
	rows->failed = rows->statement == NULL ||
		       !values_bind(db, rows->statement, values, count, err);
}

bool
db_next(struct db_rows *rows)
{
	int rc;

	if (rows->failed)
		return false;
	errno = 0;
	rc = sqlite3_step(rows->statement->handle);
	if (rc == SQLITE_ROW)
		return true;
	rows->failed = rc != SQLITE_DONE;
	if (rows->failed)
		db_error(rows->db, rc, rows->err);
	return false;
}

bool
db_end(struct db_rows *rows)
{
	if (rows->statement != NULL) {
		sqlite3_reset(rows->statement->handle);
		sqlite3_clear_bindings(rows->statement->handle);
	}
	return !rows->failed;
}

bool
db_run(struct db *db, int64_t *changed, struct err *err, const char *sql,
    const struct db_value *values, size_t count)
{
	struct db_rows rows;

	db_select(db, &rows, err, sql, values, count);
	while (db_next(&rows))
		;
	if (changed != NULL)
		*changed = sqlite3_changes64(db->sqlite);
	return db_end(&rows);
}

bool
db_exec(struct db *db, const char *sql, struct err *err)
{
	int rc;

	errno = 0;
	rc = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK || db_error(db, rc, err);
}

/* --- Rows ----------------------------------------------------------------- */

enum db_type
row_type(const struct db_rows *rows, int column)
{
	switch (sqlite3_column_type(rows->statement->handle, column)) {
	case SQLITE_NULL:
		return DB_NULL;
	case SQLITE_INTEGER:
		return DB_NUMBER;
	case SQLITE_TEXT:
		return DB_TEXT;
	default:
		return DB_OTHER;
	}
}

void
row_corrupt(struct db_rows *rows, const char *what)
{
	rows->failed = true;
	err_set(rows->err, ERR_FILE, "store_corrupt",
	    "%s: %s cannot be; restore a backup", rows->db->path, what);
}

void
row_no_memory(struct db_rows *rows)
{
	rows->failed = true;
	db_error(rows->db, SQLITE_NOMEM, rows->err);
}

static const char *
column_name(const struct db_rows *rows, int column)
{
	const char *name = sqlite3_column_name(rows->statement->handle, column);

	return name != NULL ? name : "a column";
}

int64_t
row_number(struct db_rows *rows, int column)
{
	if (row_type(rows, column) == DB_NUMBER)
		return sqlite3_column_int64(rows->statement->handle, column);
	row_corrupt(rows, column_name(rows, column));
	return 0;
}

struct str
row_text(struct db_rows *rows, int column)
{
	sqlite3_stmt *handle = rows->statement->handle;
	const unsigned char *text;

	switch (row_type(rows, column)) {
	case DB_NULL:
		return STR("");
	case DB_TEXT:
		text = sqlite3_column_text(handle, column);
		if (text != NULL)
			return (struct str){ (const char *)text,
				(size_t)sqlite3_column_bytes(handle, column) };
		row_no_memory(rows);
		return STR("");
	case DB_NUMBER:
	case DB_OTHER:
		break;
	}
	row_corrupt(rows, column_name(rows, column));
	return STR("");
}

struct str
row_copy(struct db_rows *rows, int column, struct arena *arena)
{
	struct str copy = str_copy(arena, row_text(rows, column));

	if (copy.ptr == NULL)
		row_no_memory(rows);
	return copy;
}
