#include "store/notice.h"

#include "store/internal.h"

/* --- Notices -------------------------------------------------------------- */

static void
notice_row(struct db_rows *rows, struct arena *arena, void *out)
{
	*(struct notice *)out = (struct notice){
		.number = row_number(rows, 0),
		.member_id = row_copy(rows, 1, arena),
		.at_s = row_number(rows, 2),
		.kind = row_copy(rows, 3, arena),
		.text = row_copy(rows, 4, arena),
		.link = row_copy(rows, 5, arena),
		.read = row_number(rows, 6) != 0,
	};
}

bool
store_notices(struct store *store, struct arena *arena, struct str member_id,
    bool unread_only, int64_t before, size_t max, struct notice **out,
    size_t *count, struct err *err)
{
	struct row_list list;
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    "SELECT number, member_id, at_s, kind, text, link, is_read "
	    "FROM notices WHERE member_id = $1 AND number < $2 "
	    "AND is_read <= $3 ORDER BY number DESC LIMIT $4",
	    VALUES(value_text(member_id),
		value_number(before > 0 ? before : INT64_MAX),
		value_number(unread_only ? 0 : 1), value_number((int64_t)max)));
	if (!rows_list(&rows, arena, sizeof(**out), notice_row, &list))
		return false;
	*out = list.items;
	*count = list.count;
	return true;
}

bool
store_notices_unread(
    struct store *store, struct str member_id, int64_t *out, struct err *err)
{
	struct db_rows rows;

	*out = 0;
	db_select(store->db, &rows, err,
	    "SELECT COUNT(*) FROM notices WHERE member_id = $1 AND is_read = 0",
	    VALUES(value_text(member_id)));
	if (db_next(&rows))
		*out = row_number(&rows, 0);
	return db_end(&rows);
}

bool
store_add_notice(struct store *store, struct notice *notice, struct err *err)
{
	return number_next(store,
		   "SELECT number FROM notices ORDER BY number DESC LIMIT 1",
		   &notice->number, err) &&
	       store_write(store, NULL, err,
		   "INSERT INTO notices (number, member_id, at_s, kind, text, "
		   "link, is_read) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		   VALUES(value_number(notice->number),
		       value_text(notice->member_id),
		       value_number(notice->at_s), value_text(notice->kind),
		       value_text(notice->text), value_text(notice->link),
		       value_number(notice->read ? 1 : 0)));
}

bool
store_read_notice(struct store *store, struct str member_id, int64_t number,
    int64_t *changed, struct err *err)
{
	if (number == 0)
		return store_write(store, changed, err,
		    "UPDATE notices SET is_read = 1 "
		    "WHERE member_id = $1 AND is_read = 0",
		    VALUES(value_text(member_id)));
	return store_write(store, changed, err,
	    "UPDATE notices SET is_read = 1 "
	    "WHERE member_id = $1 AND number = $2",
	    VALUES(value_text(member_id), value_number(number)));
}

bool
store_prune_notices(struct store *store, int64_t before_s, struct err *err)
{
	return store_write(store, NULL, err,
	    "DELETE FROM notices WHERE is_read = 1 AND at_s < $1",
	    VALUES(value_number(before_s)));
}

/* --- Switches ------------------------------------------------------------- */

bool
store_mail_switches(struct store *store, struct arena *arena,
    struct str member_id, struct names *out, struct err *err)
{
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    "SELECT kind FROM mail_switches WHERE member_id = $1 "
	    "ORDER BY kind COLLATE \"C\"",
	    VALUES(value_text(member_id)));
	return ids_read(&rows, arena, out);
}

bool
store_set_mail_switch(struct store *store, struct str member_id,
    struct str kind, bool on, struct err *err)
{
	if (on)
		return store_write(store, NULL, err,
		    "INSERT INTO mail_switches (member_id, kind) "
		    "VALUES ($1, $2) ON CONFLICT (member_id, kind) DO NOTHING",
		    VALUES(value_text(member_id), value_text(kind)));
	return store_write(store, NULL, err,
	    "DELETE FROM mail_switches WHERE member_id = $1 AND kind = $2",
	    VALUES(value_text(member_id), value_text(kind)));
}

/* --- Mail ----------------------------------------------------------------- */

#define MAIL_SELECT                                                     \
	"SELECT number, recipient, subject, body, invitation_id, job, " \
	"created_s, next_s, tries, error, given_up FROM mails"

static void
mail_row(struct db_rows *rows, struct arena *arena, void *out)
{
	*(struct mail *)out = (struct mail){
		.number = row_number(rows, 0),
		.to = row_copy(rows, 1, arena),
		.subject = row_copy(rows, 2, arena),
		.body = row_copy(rows, 3, arena),
		.invitation = row_copy(rows, 4, arena),
		.job = row_number(rows, 5),
		.created_s = row_number(rows, 6),
		.next_s = row_number(rows, 7),
		.tries = row_number(rows, 8),
		.error = row_copy(rows, 9, arena),
		.given_up = row_number(rows, 10) != 0,
	};
}

bool
store_mail_due(struct store *store, struct arena *arena, int64_t now_s,
    size_t max, struct mail **out, size_t *count, struct err *err)
{
	struct row_list list;
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    MAIL_SELECT " WHERE job = 0 AND given_up = 0 AND next_s <= $1 "
			"ORDER BY number LIMIT $2",
	    VALUES(value_number(now_s), value_number((int64_t)max)));
	if (!rows_list(&rows, arena, sizeof(**out), mail_row, &list))
		return false;
	*out = list.items;
	*count = list.count;
	return true;
}

bool
store_mails(struct store *store, struct arena *arena, size_t max,
    struct mail **out, size_t *count, struct err *err)
{
	struct row_list list;
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    MAIL_SELECT " ORDER BY number LIMIT $1",
	    VALUES(value_number((int64_t)max)));
	if (!rows_list(&rows, arena, sizeof(**out), mail_row, &list))
		return false;
	*out = list.items;
	*count = list.count;
	return true;
}

bool
store_add_mail(struct store *store, struct mail *mail, struct err *err)
{
	return number_next(store,
		   "SELECT number FROM mails ORDER BY number DESC LIMIT 1",
		   &mail->number, err) &&
	       store_write(store, NULL, err,
		   "INSERT INTO mails (number, recipient, subject, body, "
		   "invitation_id, job, created_s, next_s, tries, error, "
		   "given_up) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, '', "
		   "0)",
		   VALUES(value_number(mail->number), value_text(mail->to),
		       value_text(mail->subject), value_text(mail->body),
		       value_text(mail->invitation), value_number(mail->job),
		       value_number(mail->created_s),
		       value_number(mail->next_s)));
}

bool
store_set_mail_tried(struct store *store, int64_t number, int64_t next_s,
    struct str error, bool give_up, struct err *err)
{
	return store_write(store, NULL, err,
	    "UPDATE mails SET tries = tries + 1, next_s = $2, error = $3, "
	    "given_up = $4 WHERE number = $1",
	    VALUES(value_number(number), value_number(next_s),
		value_text(error), value_number(give_up ? 1 : 0)));
}

bool
store_delete_mail(struct store *store, int64_t number, struct err *err)
{
	return store_write(store, NULL, err,
	    "DELETE FROM mails WHERE number = $1",
	    VALUES(value_number(number)));
}

bool
store_delete_mail_of(
    struct store *store, struct str invitation, struct err *err)
{
	return store_write(store, NULL, err,
	    "DELETE FROM mails WHERE invitation_id = $1",
	    VALUES(value_text(invitation)));
}

bool
store_release_mail(struct store *store, int64_t job, struct err *err)
{
	return store_write(store, NULL, err,
	    "UPDATE mails SET job = 0 WHERE job = $1",
	    VALUES(value_number(job)));
}
