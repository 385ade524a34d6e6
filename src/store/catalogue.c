#include "store/internal.h"

bool
store_catalogues(struct store *store, struct arena *arena,
    struct stored_catalogue **out, size_t *count, struct err *err)
{
	struct stored_catalogue *list = NULL;
	size_t kept = 0;
	size_t cap = 0;
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    "SELECT name, body, changed FROM catalogues "
	    "ORDER BY name COLLATE \"C\"",
	    NO_VALUES);
	while (db_next(&rows)) {
		list = arena_grow(arena, list, kept, &cap, sizeof(*list));
		if (list == NULL) {
			row_no_memory(&rows);
			break;
		}
		list[kept++] = (struct stored_catalogue){
			.name = row_copy(&rows, 0, arena),
			.text = row_copy(&rows, 1, arena),
			.changed = row_number(&rows, 2),
		};
	}
	if (!db_end(&rows))
		return false;
	*out = list;
	*count = kept;
	return true;
}

bool
store_delete_catalogue(struct store *store, struct str name, struct err *err)
{
	return store_write(store, NULL, err,
	    "DELETE FROM catalogues WHERE name = $1",
	    VALUES(value_text(name)));
}

bool
store_put_catalogue(struct store *store, struct str name, struct str text,
    int64_t generation, struct err *err)
{
	return store_write(store, NULL, err,
	    "INSERT INTO catalogues (name, body, changed) VALUES ($1, $2, $3) "
	    "ON CONFLICT (name) DO UPDATE SET body = excluded.body, "
	    "changed = excluded.changed",
	    VALUES(
		value_text(name), value_text(text), value_number(generation)));
}
