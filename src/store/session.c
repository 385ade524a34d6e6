#include "store/internal.h"

#define SESSION_SELECT                                             \
	"SELECT s.digest, s.member_id, m.username, s.account_id, " \
	"s.created_s, s.expires_s, s.changed, s.ends_s, s.idle_s " \
	"FROM sessions s JOIN members m ON m.id = s.member_id"

static void
session_row(struct db_rows *rows, struct arena *arena, void *out)
{
	*(struct session *)out = (struct session){
		.digest = row_copy(rows, 0, arena),
		.member_id = row_copy(rows, 1, arena),
		.username = row_copy(rows, 2, arena),
		.account = row_copy(rows, 3, arena),
		.created_s = row_number(rows, 4),
		.expires_s = row_number(rows, 5),
		.changed = row_number(rows, 6),
		.ends_s = row_number(rows, 7),
		.idle_s = row_number(rows, 8),
	};
}

enum found
store_session(struct store *store, struct arena *arena, struct str digest,
    struct session *out, struct err *err)
{
	struct db_rows rows;

	db_select(store->db, &rows, err, SESSION_SELECT " WHERE s.digest = $1",
	    VALUES(value_text(digest)));
	return rows_one(&rows, arena, sizeof(*out), session_row, out);
}

bool
store_sessions(struct store *store, struct arena *arena, struct str member_id,
    struct session **out, size_t *count, struct err *err)
{
	struct row_list list;
	struct db_rows rows;

	if (member_id.len > 0)
		db_select(store->db, &rows, err,
		    SESSION_SELECT
		    " WHERE s.member_id = $1 "
		    "ORDER BY s.created_s, s.digest COLLATE \"C\"",
		    VALUES(value_text(member_id)));
	else
		db_select(store->db, &rows, err,
		    SESSION_SELECT
		    " ORDER BY s.created_s, s.digest COLLATE \"C\"",
		    NO_VALUES);
	if (!rows_list(&rows, arena, sizeof(**out), session_row, &list))
		return false;
	*out = list.items;
	*count = list.count;
	return true;
}

bool
store_put_session(struct store *store, const struct session *session,
    int64_t generation, struct err *err)
{
	return store_write(store, NULL, err,
	    "INSERT INTO sessions (digest, member_id, account_id, created_s, "
	    "expires_s, changed, ends_s, idle_s) "
	    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
	    "ON CONFLICT (digest) DO UPDATE SET "
	    "member_id = excluded.member_id, "
	    "account_id = excluded.account_id, "
	    "created_s = excluded.created_s, "
	    "expires_s = excluded.expires_s, changed = excluded.changed, "
	    "ends_s = excluded.ends_s, idle_s = excluded.idle_s",
	    VALUES(value_text(session->digest), value_text(session->member_id),
		value_text(session->account), value_number(session->created_s),
		value_number(session->expires_s), value_number(generation),
		value_number(session->ends_s), value_number(session->idle_s)));
}

bool
store_delete_session(struct store *store, struct str digest, struct err *err)
{
	return store_write(store, NULL, err,
	    "DELETE FROM sessions WHERE digest = $1",
	    VALUES(value_text(digest)));
}
