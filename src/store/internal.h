/* internal.h - what the files of the store share, and hooks for its tests. */
#ifndef ROLEGATE_STORE_INTERNAL_H
#define ROLEGATE_STORE_INTERNAL_H

#include "store/db.h"
#include "store/store.h"

enum store_tx {
	TX_NONE = 0,
	TX_READ,
	TX_WRITE,
	TX_LOST, /* a write failed and all was rolled back: only
		    store_rollback() */
};

struct store {
	struct db *db;
	enum store_tx tx;
	struct arena scratch; /* of one call */
};

/* Every change of a row goes through here: only inside store_begin(), and
 * when it fails the whole transaction is rolled back. The values may be in
 * store->scratch, which is emptied. */
bool store_write(struct store *store, int64_t *changed, struct err *err,
    const char *sql, const struct db_value *values, size_t count);
/* The same for a row that must be there. */
bool store_write_one(struct store *store, struct err *err, const char *sql,
    const struct db_value *values, size_t count);

/* Several reads see one state: opens a transaction when none is open. */
bool snapshot_begin(struct store *store, bool *mine, struct err *err);
void snapshot_end(struct store *store, bool mine);

bool store_no_memory(const struct store *store, struct err *err);
/* The end of a read that gives one row or none. */
enum found rows_found(struct db_rows *rows, bool found);

/* Lists are one text in their column, an element a line. */
bool list_join(
    struct store *store, struct names names, struct str *out, struct err *err);
struct names row_names(struct db_rows *rows, int column, struct arena *arena);

/* Reads one row into *out, which is zeroed. */
typedef void row_reader(struct db_rows *rows, struct arena *arena, void *out);
/* All rows that a query gives, as an array of things of `size` bytes. */
struct row_list {
	void *items;
	size_t count;
};
bool rows_list(struct db_rows *rows, struct arena *arena, size_t size,
    row_reader *read, struct row_list *out);
/* One row or none; *out is left alone unless there is one. */
enum found rows_one(struct db_rows *rows, struct arena *arena, size_t size,
    row_reader *read, void *out);
/* The ids that the first column of a query gives. */
bool ids_read(struct db_rows *rows, struct arena *arena, struct names *out);
/* The next number of a table that is numbered from 1; `sql` reads its highest.
 * Inside the transaction that writes nobody else takes it. */
bool number_next(
    struct store *store, const char *sql, int64_t *out, struct err *err);
/* For LIKE ... ESCAPE '!': has it anywhere, A-Z folded. Empty stays empty. */
struct str pattern_of(struct arena *arena, struct str text);

/* Everything at once, for store_state(); members come indexed. */
bool members_read(struct store *store, struct arena *arena, struct state *out,
    struct err *err);
bool accounts_read(struct store *store, struct arena *arena, struct state *out,
    struct err *err);
/* Indexes the state, parents first, and links personal accounts. */
bool accounts_arrange(struct store *store, struct arena *arena,
    struct state *out, struct err *err);

/* For tests. */
bool store_set_busy_ms(struct store *store, int ms, struct err *err);
bool store_set_pages_max(struct store *store, int pages, struct err *err);

#endif
