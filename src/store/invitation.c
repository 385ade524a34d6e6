#include "store/invitation.h"

#include "store/internal.h"

#define INVITATION_SELECT                                                    \
	"SELECT i.id, i.digest, i.email, i.name, i.phone, i.account_id, "    \
	"i.role, i.licences, i.filters, i.grant_expires_s, i.inviter_id, "   \
	"m.username, i.created_s, i.expires_s, i.sent_s FROM invitations i " \
	"LEFT JOIN members m ON m.id = i.inviter_id"

static void
invitation_row(struct db_rows *rows, struct arena *arena, void *out)
{
	*(struct invitation *)out = (struct invitation){
		.id = row_copy(rows, 0, arena),
		.digest = row_copy(rows, 1, arena),
		.email = row_copy(rows, 2, arena),
		.name = row_copy(rows, 3, arena),
		.phone = row_copy(rows, 4, arena),
		.account = row_copy(rows, 5, arena),
		.role = row_copy(rows, 6, arena),
		.licences = row_names(rows, 7, arena),
		.filters = row_names(rows, 8, arena),
		.grant_expires_s = row_number(rows, 9),
		.inviter_id = row_copy(rows, 10, arena),
		.inviter = row_copy(rows, 11, arena),
		.created_s = row_number(rows, 12),
		.expires_s = row_number(rows, 13),
		.sent_s = row_number(rows, 14),
	};
}

enum found
store_invitation(struct store *store, struct arena *arena, struct str id,
    struct invitation *out, struct err *err)
{
	struct db_rows rows;

	db_select(store->db, &rows, err, INVITATION_SELECT " WHERE i.id = $1",
	    VALUES(value_text(id)));
	return rows_one(&rows, arena, sizeof(*out), invitation_row, out);
}

enum found
store_invitation_by_digest(struct store *store, struct arena *arena,
    struct str digest, struct invitation *out, struct err *err)
{
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    INVITATION_SELECT " WHERE i.digest = $1",
	    VALUES(value_text(digest)));
	return rows_one(&rows, arena, sizeof(*out), invitation_row, out);
}

enum found
store_invitation_to(struct store *store, struct arena *arena,
    struct str account, struct str email, struct invitation *out,
    struct err *err)
{
	struct str key = str_fold(arena, email);
	struct db_rows rows;

	if (key.ptr == NULL) {
		store_no_memory(store, err);
		return FOUND_ERROR;
	}
	db_select(store->db, &rows, err,
	    INVITATION_SELECT " WHERE i.account_id = $1 AND i.email_key = $2",
	    VALUES(value_text(account), value_text(key)));
	return rows_one(&rows, arena, sizeof(*out), invitation_row, out);
}

bool
store_invitations(struct store *store, struct arena *arena, struct str account,
    struct str inviter_id, struct str after, size_t max,
    struct invitation **out, size_t *count, struct err *err)
{
	const struct db_value by =
	    value_text(account.len > 0 ? account : inviter_id);
	const struct db_value from = value_text(after);
	const struct db_value limit = value_number((int64_t)max);
	struct row_list list;
	struct db_rows rows;

	if (account.len > 0 && inviter_id.len > 0)
		db_select(store->db, &rows, err,
		    INVITATION_SELECT
		    " WHERE i.account_id = $1 AND i.inviter_id = $4 "
		    "AND i.id > $2 ORDER BY i.id COLLATE \"C\" LIMIT $3",
		    VALUES(by, from, limit, value_text(inviter_id)));
	else if (account.len > 0)
		db_select(store->db, &rows, err,
		    INVITATION_SELECT " WHERE i.account_id = $1 AND i.id > $2 "
				      "ORDER BY i.id COLLATE \"C\" LIMIT $3",
		    VALUES(by, from, limit));
	else if (inviter_id.len > 0)
		db_select(store->db, &rows, err,
		    INVITATION_SELECT " WHERE i.inviter_id = $1 AND i.id > $2 "
				      "ORDER BY i.id COLLATE \"C\" LIMIT $3",
		    VALUES(by, from, limit));
	else
		db_select(store->db, &rows, err,
		    INVITATION_SELECT
		    " WHERE i.id > $1 ORDER BY i.id COLLATE \"C\" LIMIT $2",
		    VALUES(from, limit));
	if (!rows_list(&rows, arena, sizeof(**out), invitation_row, &list))
		return false;
	*out = list.items;
	*count = list.count;
	return true;
}

bool
store_invitations_expired(struct store *store, struct arena *arena,
    int64_t now_s, size_t max, struct invitation **out, size_t *count,
    struct err *err)
{
	struct row_list list;
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    INVITATION_SELECT " WHERE i.expires_s <= $1 "
			      "ORDER BY i.id COLLATE \"C\" LIMIT $2",
	    VALUES(value_number(now_s), value_number((int64_t)max)));
	if (!rows_list(&rows, arena, sizeof(**out), invitation_row, &list))
		return false;
	*out = list.items;
	*count = list.count;
	return true;
}

bool
store_put_invitation(
    struct store *store, const struct invitation *i, struct err *err)
{
	struct str key = str_fold(&store->scratch, i->email);
	struct str licences;
	struct str filters;

	if (key.ptr == NULL)
		return store_no_memory(store, err);
	if (!list_join(store, i->licences, &licences, err) ||
	    !list_join(store, i->filters, &filters, err))
		return false;
	return store_write(store, NULL, err,
	    "INSERT INTO invitations (id, digest, email, email_key, name, "
	    "phone, account_id, role, licences, filters, grant_expires_s, "
	    "inviter_id, created_s, expires_s, sent_s) VALUES ($1, $2, $3, "
	    "$4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) "
	    "ON CONFLICT (id) DO UPDATE SET digest = excluded.digest, "
	    "expires_s = excluded.expires_s, sent_s = excluded.sent_s",
	    VALUES(value_text(i->id), value_reference(i->digest),
		value_text(i->email), value_text(key), value_text(i->name),
		value_text(i->phone), value_text(i->account),
		value_text(i->role), value_text(licences), value_text(filters),
		value_number(i->grant_expires_s),
		value_reference(i->inviter_id), value_number(i->created_s),
		value_number(i->expires_s), value_number(i->sent_s)));
}

bool
store_delete_invitation(struct store *store, struct str id, struct err *err)
{
	return store_write(store, NULL, err,
	    "DELETE FROM invitations WHERE id = $1", VALUES(value_text(id)));
}
