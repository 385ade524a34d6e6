/* db.h - a database, as far as the store needs one: the driver interface.
 *
 * Shape:   one connection of one thread. SQL is written once for every
 *          driver, by the rules of docs/store.md, with parameters $1..$n. A
 *          statement is prepared at its first use and kept by the address of
 *          its text, so that text must be static and a statement must not be
 *          used again while its rows are being read.
 * Owner:   row_text() borrows until the next db_next(); row_copy() copies.
 *          Texts of values must live until db_end().
 * Errors:  codes of store.h. Reading is sticky: after db_select() call
 *          db_next() until it is false, then db_end(), which says whether
 *          everything was read and had the type that was asked for.
 * Source:  db_sqlite.c; nothing else knows which database it is. */
#ifndef ROLEGATE_DB_H
#define ROLEGATE_DB_H

#include "base/err.h"
#include "base/str.h"

struct db;
struct statement;

enum db_mode { DB_READ = 1, DB_WRITE };

/* DB_WRITE makes what is not there, readable for owner and group at most.
 * Refuses a database of another program. */
bool
db_open(struct db **out, const char *path, enum db_mode mode, struct err *err);
void db_close(struct db *db); /* NULL: nothing; rolls back what is open */
const char *db_path(const struct db *db);

bool db_begin_write(struct db *db, struct err *err); /* locks at once */
bool db_begin_read(struct db *db, struct err *err);
/* When it fails, it has rolled back. */
bool db_commit(struct db *db, struct err *err);
void db_rollback(struct db *db);
/* False also after an error that made the database roll back by itself. */
bool db_in_transaction(const struct db *db);

/* Is the database marked as a rolegate store? claim marks it. */
bool db_claimed(struct db *db, bool *out, struct err *err);
bool db_claim(struct db *db, struct err *err);
/* Changes whenever another connection commits. */
bool db_data_version(struct db *db, int64_t *out, struct err *err);

enum db_type { DB_NULL = 0, DB_NUMBER, DB_TEXT, DB_OTHER };

struct db_value {
	enum db_type type;
	int64_t number;
	struct str text;
};

static inline struct db_value
value_number(int64_t number)
{
	return (struct db_value){ .type = DB_NUMBER, .number = number };
}

static inline struct db_value
value_text(struct str text)
{
	return (struct db_value){ .type = DB_TEXT, .text = text };
}

/* An empty text becomes NULL: for columns that refer to another table. */
static inline struct db_value
value_reference(struct str text)
{
	return (struct db_value){ .type = text.len > 0 ? DB_TEXT : DB_NULL,
		.text = text };
}

#define VALUES(...)                                            \
	((const struct db_value[]){ __VA_ARGS__ }),            \
	    sizeof((const struct db_value[]){ __VA_ARGS__ }) / \
		sizeof(struct db_value)
#define NO_VALUES NULL, 0

/* Runs what gives no rows; *changed counts the rows, NULL: not asked. */
bool db_run(struct db *db, int64_t *changed, struct err *err, const char *sql,
    const struct db_value *values, size_t count);
/* Without parameters, used once and not kept: for the schema. */
bool db_exec(struct db *db, const char *sql, struct err *err);

struct db_rows {
	struct db *db;
	struct statement *statement;
	struct err *err;
	bool failed;
};

void db_select(struct db *db, struct db_rows *rows, struct err *err,
    const char *sql, const struct db_value *values, size_t count);
bool db_next(struct db_rows *rows);
bool db_end(struct db_rows *rows);

enum db_type row_type(const struct db_rows *rows, int column);
/* A value of another type is an error of the rows: store_corrupt. A NULL
 * text is the empty text. */
int64_t row_number(struct db_rows *rows, int column);
struct str row_text(struct db_rows *rows, int column);
struct str row_copy(struct db_rows *rows, int column, struct arena *arena);
/* What a row holds cannot be; `what` names it. Memory is out. */
void row_corrupt(struct db_rows *rows, const char *what);
void row_no_memory(struct db_rows *rows);

/* For tests: how long to wait for a lock, and how large the file may get. */
bool db_set_busy_ms(struct db *db, int ms, struct err *err);
bool db_set_pages_max(struct db *db, int pages, struct err *err);

#endif
