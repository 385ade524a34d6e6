#include "store/store.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "store/internal.h"
#include "store/schema.h"

/* --- The handle ----------------------------------------------------------- */

bool
store_no_memory(const struct store *store, struct err *err)
{
	return err_set(err, ERR_LIMIT, "no_memory",
	    "%s: memory is out; give the process more", db_path(store->db));
}

static bool
schema_ready(struct db *db, enum store_mode mode, struct err *err)
{
	return mode == STORE_WRITE
		   ? schema_migrate(db, SCHEMA_STEPS, SCHEMA_STEP_COUNT, err)
		   : schema_check(db, SCHEMA_STEP_COUNT, err);
}

bool
store_open(
    struct store **out, const char *path, enum store_mode mode, struct err *err)
{
	struct store *store;

	/* It finds the fastest code for the hashes of the history. */
	if (sodium_init() < 0)
		return err_set(err, ERR_BUG, "no_random",
		    "%s: the random generator cannot start; look at the system",
		    path);
	store = calloc(1, sizeof(*store));
	if (store == NULL)
		return err_set(err, ERR_LIMIT, "no_memory",
		    "%s: memory is out; give the process more", path);
	if (!db_open(&store->db, path, mode == STORE_WRITE ? DB_WRITE : DB_READ,
		err) ||
	    !schema_ready(store->db, mode, err)) {
		store_close(store);
		return false;
	}
	*out = store;
	return true;
}

void
store_close(struct store *store)
{
	if (store == NULL)
		return;
	db_close(store->db);
	arena_free(&store->scratch);
	free(store);
}

bool
store_set_busy_ms(struct store *store, int ms, struct err *err)
{
	return db_set_busy_ms(store->db, ms, err);
}

bool
store_set_pages_max(struct store *store, int pages, struct err *err)
{
	return db_set_pages_max(store->db, pages, err);
}

bool
store_schema(struct store *store, int64_t *version, struct err *err)
{
	return schema_version(store->db, version, err);
}

bool
store_data_version(struct store *store, int64_t *out, struct err *err)
{
	return db_data_version(store->db, out, err);
}

/* --- Transactions --------------------------------------------------------- */

static bool
tx_free(const struct store *store, struct err *err)
{
	return store->tx == TX_NONE ||
	       err_set(err, ERR_BUG, "store_transaction",
		   "%s: a transaction is open already; report this",
		   db_path(store->db));
}

/* Is there still the transaction that the writes before this one are in?
 * Without it they would each be committed by themselves. */
static bool
tx_writes(struct store *store, struct err *err)
{
	if (store->tx == TX_WRITE && db_in_transaction(store->db))
		return true;
	if (store->tx == TX_WRITE || store->tx == TX_LOST) {
		store->tx = TX_LOST;
		return err_set(err, ERR_REACH, "store_io",
		    "%s: the change was undone after an error; make it again",
		    db_path(store->db));
	}
	return err_set(err, ERR_BUG, "store_transaction",
	    "%s: a change outside of a transaction; report this",
	    db_path(store->db));
}

static bool
tx_lose(struct store *store)
{
	db_rollback(store->db);
	store->tx = TX_LOST;
	return false;
}

bool
store_begin(struct store *store, struct err *err)
{
	if (!tx_free(store, err) || !db_begin_write(store->db, err))
		return false;
	store->tx = TX_WRITE;
	return true;
}

bool
store_begin_read(struct store *store, struct err *err)
{
	if (!tx_free(store, err) || !db_begin_read(store->db, err))
		return false;
	store->tx = TX_READ;
	return true;
}

bool
store_commit(struct store *store, struct err *err)
{
	bool ok = tx_writes(store, err) && db_commit(store->db, err);

	if (!ok)
		db_rollback(store->db);
	store->tx = TX_NONE;
	return ok;
}

void
store_rollback(struct store *store)
{
	if (store->tx != TX_NONE)
		db_rollback(store->db);
	store->tx = TX_NONE;
}

/* Savepoints of one name make a stack: each undo takes the innermost. */
bool
store_savepoint(struct store *store, struct err *err)
{
	return store_write(store, NULL, err, "SAVEPOINT change", NO_VALUES);
}

bool
store_release(struct store *store, struct err *err)
{
	return store_write(
	    store, NULL, err, "RELEASE SAVEPOINT change", NO_VALUES);
}

void
store_undo(struct store *store)
{
	struct err ignored = { 0 };

	/* When it fails, all is rolled back, and the commit will say so. */
	if (store_write(store, NULL, &ignored, "ROLLBACK TO SAVEPOINT change",
		NO_VALUES))
		(void)store_release(store, &ignored);
}

bool
store_write(struct store *store, int64_t *changed, struct err *err,
    const char *sql, const struct db_value *values, size_t count)
{
	bool ok = tx_writes(store, err) &&
		  (db_run(store->db, changed, err, sql, values, count) ||
		      tx_lose(store));

	arena_reset(&store->scratch);
	return ok;
}

bool
store_write_one(struct store *store, struct err *err, const char *sql,
    const struct db_value *values, size_t count)
{
	int64_t changed = 0;

	if (!store_write(store, &changed, err, sql, values, count))
		return false;
	if (changed == 1)
		return true;
	tx_lose(store);
	return err_set(err, ERR_BUG, "store_constraint",
	    "%s: the row to be changed is not there; report this",
	    db_path(store->db));
}

/* --- Reading -------------------------------------------------------------- */

bool
snapshot_begin(struct store *store, bool *mine, struct err *err)
{
	*mine = store->tx == TX_NONE;
	return !*mine || store_begin_read(store, err);
}

void
snapshot_end(struct store *store, bool mine)
{
	if (mine)
		store_rollback(store);
}

enum found
rows_found(struct db_rows *rows, bool found)
{
	if (!db_end(rows))
		return FOUND_ERROR;
	return found ? FOUND_YES : FOUND_NO;
}

/* An element that is empty or has a line feed would come back as another
 * list. */
bool
list_join(
    struct store *store, struct names names, struct str *out, struct err *err)
{
	size_t len = 0;
	char *to;

	*out = STR("");
	if (names.count == 0)
		return true;
	for (size_t i = 0; i < names.count; i++) {
		struct str item = names.items[i];

		if (item.len == 0 || memchr(item.ptr, '\n', item.len) != NULL) {
			err_set(err, ERR_FILE, "store_text",
			    "%s: an empty text or one with a line feed cannot "
			    "be kept in a list; correct it",
			    db_path(store->db));
			return tx_lose(store);
		}
		len += item.len + 1;
	}
	to = arena_alloc(&store->scratch, len, 1);
	if (to == NULL) {
		store_no_memory(store, err);
		return tx_lose(store);
	}
	*out = (struct str){ to, len - 1 };
	for (size_t i = 0; i < names.count; i++) {
		memcpy(to, names.items[i].ptr, names.items[i].len);
		to += names.items[i].len;
		*to++ = '\n';
	}
	return true;
}

struct names
row_names(struct db_rows *rows, int column, struct arena *arena)
{
	struct names none = { NULL, 0 };
	struct str text = row_text(rows, column);
	struct str *items;
	size_t count = 1;

	if (text.len == 0)
		return none;
	for (size_t i = 0; i < text.len; i++)
		count += text.ptr[i] == '\n';
	text = str_copy(arena, text);
	items = ARENA_ARRAY(arena, struct str, count);
	if (text.ptr == NULL || items == NULL) {
		row_no_memory(rows);
		return none;
	}
	for (size_t i = 0; i < count; i++)
		(void)str_next(&text, '\n', &items[i]);
	return (struct names){ items, count };
}

bool
store_state(struct store *store, struct arena *arena, struct state *out,
    struct err *err)
{
	bool mine;
	bool ok;

	*out = (struct state){ 0 };
	if (!snapshot_begin(store, &mine, err))
		return false;
	ok = members_read(store, arena, out, err) &&
	     accounts_read(store, arena, out, err);
	snapshot_end(store, mine);
	return ok;
}

/* For `load`: what is not history, and not the sync's own notes. */
bool
store_clear(struct store *store, struct err *err)
{
	return store_write(
		   store, NULL, err, "DELETE FROM sessions", NO_VALUES) &&
	       store_write(store, NULL, err, "DELETE FROM grants", NO_VALUES) &&
	       store_write(
		   store, NULL, err, "DELETE FROM identities", NO_VALUES) &&
	       store_write(
		   store, NULL, err, "DELETE FROM accounts", NO_VALUES) &&
	       store_write(store, NULL, err, "DELETE FROM members", NO_VALUES);
}

bool
rows_list(struct db_rows *rows, struct arena *arena, size_t size,
    row_reader *read, struct row_list *out)
{
	char *items = NULL;
	size_t count = 0;
	size_t cap = 0;

	while (db_next(rows)) {
		items = arena_grow(arena, items, count, &cap, size);
		if (items == NULL) {
			row_no_memory(rows);
			break;
		}
		memset(items + count * size, 0, size);
		read(rows, arena, items + count * size);
		count++;
	}
	*out = (struct row_list){ items, count };
	return db_end(rows);
}

enum found
rows_one(struct db_rows *rows, struct arena *arena, size_t size,
    row_reader *read, void *out)
{
	bool has = db_next(rows);
	void *one = has ? arena_alloc(arena, 1, size) : NULL;
	enum found found;

	if (one != NULL)
		read(rows, arena, one);
	else if (has)
		row_no_memory(rows);
	found = rows_found(rows, has);
	if (found == FOUND_YES)
		memcpy(out, one, size);
	return found;
}

bool
number_next(struct store *store, const char *sql, int64_t *out, struct err *err)
{
	struct db_rows rows;

	*out = 1;
	db_select(store->db, &rows, err, sql, NO_VALUES);
	if (db_next(&rows))
		*out = row_number(&rows, 0) + 1;
	return db_end(&rows);
}

struct str
pattern_of(struct arena *arena, struct str text)
{
	struct str folded = str_fold(arena, text);
	char *pattern;
	size_t len = 0;

	if (text.len == 0)
		return STR("");
	pattern = arena_alloc(arena, text.len * 2 + 3, 1);
	if (pattern == NULL || folded.ptr == NULL)
		return (struct str){ NULL, 0 };
	pattern[len++] = '%';
	for (size_t i = 0; i < folded.len; i++) {
		if (strchr("%_!", folded.ptr[i]) != NULL)
			pattern[len++] = '!';
		pattern[len++] = folded.ptr[i];
	}
	pattern[len++] = '%';
	return (struct str){ pattern, len };
}
