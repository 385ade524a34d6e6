#include "store/api_token.h"

#include "store/internal.h"

#define TOKEN_SELECT                                                         \
	"SELECT t.id, t.digest, t.member_id, m.username, t.description, "    \
	"t.accounts, t.permissions, t.addresses, t.created_s, t.expires_s, " \
	"t.used_s, t.changed FROM api_tokens t "                             \
	"JOIN members m ON m.id = t.member_id"

static void
token_row(struct db_rows *rows, struct arena *arena, void *out)
{
	*(struct api_token *)out = (struct api_token){
		.id = row_copy(rows, 0, arena),
		.digest = row_copy(rows, 1, arena),
		.member_id = row_copy(rows, 2, arena),
		.username = row_copy(rows, 3, arena),
		.description = row_copy(rows, 4, arena),
		.accounts = row_names(rows, 5, arena),
		.permissions = row_names(rows, 6, arena),
		.addresses = row_names(rows, 7, arena),
		.created_s = row_number(rows, 8),
		.expires_s = row_number(rows, 9),
		.used_s = row_number(rows, 10),
		.changed = row_number(rows, 11),
	};
}

enum found
store_api_token(struct store *store, struct arena *arena, struct str id,
    struct api_token *out, struct err *err)
{
	struct db_rows rows;

	db_select(store->db, &rows, err, TOKEN_SELECT " WHERE t.id = $1",
	    VALUES(value_text(id)));
	return rows_one(&rows, arena, sizeof(*out), token_row, out);
}

enum found
store_api_token_by_digest(struct store *store, struct arena *arena,
    struct str digest, struct api_token *out, struct err *err)
{
	struct db_rows rows;

	db_select(store->db, &rows, err, TOKEN_SELECT " WHERE t.digest = $1",
	    VALUES(value_text(digest)));
	return rows_one(&rows, arena, sizeof(*out), token_row, out);
}

bool
store_api_tokens(struct store *store, struct arena *arena, struct str member_id,
    struct api_token **out, size_t *count, struct err *err)
{
	struct row_list list;
	struct db_rows rows;

	if (member_id.len > 0)
		db_select(store->db, &rows, err,
		    TOKEN_SELECT " WHERE t.member_id = $1 "
				 "ORDER BY t.id COLLATE \"C\"",
		    VALUES(value_text(member_id)));
	else
		db_select(store->db, &rows, err,
		    TOKEN_SELECT " ORDER BY t.id COLLATE \"C\"", NO_VALUES);
	if (!rows_list(&rows, arena, sizeof(**out), token_row, &list))
		return false;
	*out = list.items;
	*count = list.count;
	return true;
}

bool
store_put_api_token(struct store *store, const struct api_token *t,
    int64_t generation, struct err *err)
{
	struct str accounts;
	struct str permissions;
	struct str addresses;

	if (!list_join(store, t->accounts, &accounts, err) ||
	    !list_join(store, t->permissions, &permissions, err) ||
	    !list_join(store, t->addresses, &addresses, err))
		return false;
	return store_write(store, NULL, err,
	    "INSERT INTO api_tokens (id, digest, member_id, description, "
	    "accounts, permissions, addresses, created_s, expires_s, used_s, "
	    "changed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
	    "ON CONFLICT (id) DO UPDATE SET changed = excluded.changed",
	    VALUES(value_text(t->id), value_text(t->digest),
		value_text(t->member_id), value_text(t->description),
		value_text(accounts), value_text(permissions),
		value_text(addresses), value_number(t->created_s),
		value_number(t->expires_s), value_number(t->used_s),
		value_number(generation)));
}

bool
store_set_api_token_used(
    struct store *store, struct str id, int64_t used_s, struct err *err)
{
	return store_write(store, NULL, err,
	    "UPDATE api_tokens SET used_s = $2 WHERE id = $1",
	    VALUES(value_text(id), value_number(used_s)));
}

bool
store_delete_api_token(struct store *store, struct str id, struct err *err)
{
	return store_write(store, NULL, err,
	    "DELETE FROM api_tokens WHERE id = $1", VALUES(value_text(id)));
}
