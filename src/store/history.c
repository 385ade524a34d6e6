#include <sodium.h>
#include <string.h>

#include "store/internal.h"

#define HASH_BYTES crypto_generichash_BYTES /* 32: BLAKE2b-256 */
#define HASH_HEX   (HASH_BYTES * 2)

#define HISTORY_COLUMNS                                                       \
	"seq, at_ms, actor, on_behalf, action, subject, before, after, why, " \
	"touches, hash, account_id, member_id"
enum {
	COLUMN_SEQ,
	COLUMN_AT,
	COLUMN_TEXTS,
	COLUMN_HASH = 10,
	COLUMN_LAST = 12,
};

/* The newest row and the newest that is not a session's; seq 0 and no hash
 * before the first. */
struct head {
	int64_t seq;
	int64_t data_seq;
	char hash[HASH_HEX + 1];
};

/* --- The chain ------------------------------------------------------------ */

static void
hash_number(crypto_generichash_state *state, uint64_t number)
{
	unsigned char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(number >> (8 * i));
	crypto_generichash_update(state, bytes, sizeof(bytes));
}

static void
hash_text(crypto_generichash_state *state, struct str text)
{
	hash_number(state, text.len);
	if (text.len > 0)
		crypto_generichash_update(
		    state, (const unsigned char *)text.ptr, text.len);
}

/* Over the previous row's hash as it is written, seq, at_ms and the texts in
 * the order of the columns; a number is 8 bytes, the lowest first, a text has
 * its length before it. Account and member follow where there is either: rows
 * from before there were such columns keep their hash. docs/store.md shows it
 * for other tools. */
static void
row_hash(
    struct str previous, const struct history_row *row, char hex[HASH_HEX + 1])
{
	const struct str texts[] = { row->actor, row->on_behalf, row->action,
		row->subject, row->before, row->after, row->why, row->touches };
	unsigned char hash[HASH_BYTES];
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, sizeof(hash));
	hash_text(&state, previous);
	hash_number(&state, (uint64_t)row->seq);
	hash_number(&state, (uint64_t)row->at_ms);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		hash_text(&state, texts[i]);
	if (row->account.len > 0 || row->member.len > 0) {
		hash_text(&state, row->account);
		hash_text(&state, row->member);
	}
	crypto_generichash_final(&state, hash, sizeof(hash));
	sodium_bin2hex(hex, HASH_HEX + 1, hash, sizeof(hash));
}

static bool
is_data(const struct history_row *row)
{
	return !str_starts(row->action, STR("session."));
}

static enum found
head_read(struct store *store, struct head *out, struct err *err)
{
	struct db_rows rows;
	bool has;

	*out = (struct head){ 0 };
	db_select(store->db, &rows, err,
	    "SELECT seq, data_seq, hash FROM history_head", NO_VALUES);
	has = db_next(&rows);
	if (has) {
		struct str hash = row_text(&rows, 2);

		out->seq = row_number(&rows, 0);
		out->data_seq = row_number(&rows, 1);
		if (hash.len == HASH_HEX)
			memcpy(out->hash, hash.ptr, HASH_HEX);
		else if (hash.len != 0)
			row_corrupt(&rows, "the head of the history");
	}
	return rows_found(&rows, has);
}

/* A history without its head cannot go on: nothing could be found missing. */
static bool
head_need(struct store *store, struct head *out, struct err *err)
{
	switch (head_read(store, out, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return err_set(err, ERR_FILE, "store_corrupt",
		    "%s: the history has lost its head; restore a backup",
		    db_path(store->db));
	case FOUND_YES:
		return true;
	}
	return false;
}

bool
store_next_generation(struct store *store, int64_t *out, struct err *err)
{
	struct head head;

	if (!head_need(store, &head, err))
		return false;
	*out = head.seq + 1;
	return true;
}

bool
store_add_history(
    struct store *store, const struct history_row *row, struct err *err)
{
	struct history_row next = *row;
	struct head head;
	char hex[HASH_HEX + 1];

	if (!head_need(store, &head, err))
		return false;
	next.seq = head.seq + 1;
	row_hash(str_from(head.hash), &next, hex);
	next.hash = (struct str){ hex, HASH_HEX };
	return store_write(store, NULL, err,
		   "INSERT INTO history (" HISTORY_COLUMNS ") "
		   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, "
		   "$12, $13)",
		   VALUES(value_number(next.seq), value_number(next.at_ms),
		       value_text(next.actor), value_text(next.on_behalf),
		       value_text(next.action), value_text(next.subject),
		       value_text(next.before), value_text(next.after),
		       value_text(next.why), value_text(next.touches),
		       value_text(next.hash), value_text(next.account),
		       value_text(next.member))) &&
	       store_write_one(store, err,
		   "UPDATE history_head SET seq = $1, data_seq = $2, "
		   "hash = $3",
		   VALUES(value_number(next.seq),
		       value_number(is_data(&next) ? next.seq : head.data_seq),
		       value_text(next.hash)));
}

/* --- Reading -------------------------------------------------------------- */

static void
history_row_borrow(struct db_rows *rows, struct history_row *out)
{
	*out = (struct history_row){
		.seq = row_number(rows, COLUMN_SEQ),
		.at_ms = row_number(rows, COLUMN_AT),
		.actor = row_text(rows, 2),
		.on_behalf = row_text(rows, 3),
		.action = row_text(rows, 4),
		.subject = row_text(rows, 5),
		.before = row_text(rows, 6),
		.after = row_text(rows, 7),
		.why = row_text(rows, 8),
		.touches = row_text(rows, 9),
		.hash = row_text(rows, COLUMN_HASH),
		.account = row_text(rows, 11),
		.member = row_text(rows, 12),
	};
}

static void
history_row_keep(
    struct db_rows *rows, struct arena *arena, struct history_row *out)
{
	struct str *const texts[] = { &out->actor, &out->on_behalf,
		&out->action, &out->subject, &out->before, &out->after,
		&out->why, &out->touches, &out->account, &out->member,
		&out->hash };

	history_row_borrow(rows, out);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		*texts[i] = str_copy(arena, *texts[i]);
		if (texts[i]->ptr == NULL)
			row_no_memory(rows);
	}
}

static bool
history_collect(struct db_rows *rows, struct arena *arena,
    struct history_row **out, size_t *count)
{
	struct history_row *list = NULL;
	size_t kept = 0;
	size_t cap = 0;

	while (db_next(rows)) {
		list = arena_grow(arena, list, kept, &cap, sizeof(*list));
		if (list == NULL) {
			row_no_memory(rows);
			break;
		}
		history_row_keep(rows, arena, &list[kept++]);
	}
	if (!db_end(rows))
		return false;
	*out = list;
	*count = kept;
	return true;
}

bool
store_history(struct store *store, struct arena *arena, int64_t after_seq,
    size_t max, struct history_row **out, size_t *count, struct err *err)
{
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    "SELECT " HISTORY_COLUMNS " FROM history WHERE seq > $1 "
	    "ORDER BY seq LIMIT $2",
	    VALUES(value_number(after_seq), value_number((int64_t)max)));
	return history_collect(&rows, arena, out, count);
}

bool
store_history_newest(struct store *store, struct arena *arena,
    struct str subject_has, size_t max, struct history_row **out, size_t *count,
    struct err *err)
{
	struct db_rows rows;

	/* Neither LIKE nor a search function reads the same everywhere;
	 * replace() does. */
	if (subject_has.len > 0)
		db_select(store->db, &rows, err,
		    "SELECT " HISTORY_COLUMNS " FROM history "
		    "WHERE replace(subject, $1, '') <> subject "
		    "ORDER BY seq DESC LIMIT $2",
		    VALUES(
			value_text(subject_has), value_number((int64_t)max)));
	else
		db_select(store->db, &rows, err,
		    "SELECT " HISTORY_COLUMNS " FROM history "
		    "ORDER BY seq DESC LIMIT $1",
		    VALUES(value_number((int64_t)max)));
	return history_collect(&rows, arena, out, count);
}

/* --- Searching ------------------------------------------------------------ */

/* One text for every search: what does not narrow is passed by. The parts
 * that name a row's own columns by equality come as ranges, so that an index
 * serves them; the rest is looked at row by row, newest first. LIKE is
 * SQLite's, which takes a letter of ASCII for its capital: lower() would cost
 * as much as all the rest of the look. */
/* clang-format off */
#define HAS(column) "h." column " LIKE $7 ESCAPE '!'"
#define HAS_TEXT              \
	"AND ($7 = '' OR "    \
	HAS("subject") " OR " \
	HAS("before") " OR "  \
	HAS("after") " OR "   \
	HAS("why") ") "
#define HISTORY_FITS_BUT_TIME                         \
	"h.seq < $1 "                                 \
	"AND ($4 = '' OR h.actor = $4) "              \
	"AND ($5 = '' OR h.action = $5 OR ($6 <> '' " \
	"AND substr(h.action, 1, length($6)) = $6)) " \
	HAS_TEXT                                      \
	"AND ($12 = '' OR replace(h.subject, $12, '') <> h.subject) "
/* clang-format on */
#define HISTORY_FITS          \
	HISTORY_FITS_BUT_TIME \
	"AND h.at_ms >= $2 AND h.at_ms < $3 "
/* The sum keeps the index on the time out of it, by which all rows would be
 * sorted before the newest of them are known. */
#define HISTORY_FITS_AT_ANY_TIME \
	HISTORY_FITS_BUT_TIME    \
	"AND h.at_ms + 0 >= $2 AND h.at_ms + 0 < $3 "

#define BELOW                                       \
	"WITH RECURSIVE below (id, depth) AS ("     \
	"SELECT CAST($8 AS TEXT), 1 UNION "         \
	"SELECT a.id, b.depth + 1 FROM accounts a " \
	"JOIN below b ON a.parent_id = b.id WHERE b.depth <= 16) "

#define HISTORY_H                                                     \
	"h.seq, h.at_ms, h.actor, h.on_behalf, h.action, h.subject, " \
	"h.before, h.after, h.why, h.touches, h.hash, h.account_id, " \
	"h.member_id"

/* In the order of preference: the first that narrows is the one with the
 * index, and the others that are asked for too are looked at in its rows. */
static const char *
search_text(const struct history_filter *filter)
{
	if (filter->subject.len > 0)
		return BELOW
		    "SELECT " HISTORY_H " FROM history h WHERE " HISTORY_FITS
		    "AND ($8 = '' OR h.account_id IN (SELECT id FROM below)) "
		    "AND ($9 = '' OR h.member_id = $9) AND h.subject = $10 "
		    "ORDER BY h.seq DESC LIMIT $11";
	if (filter->member.len > 0)
		return BELOW
		    "SELECT " HISTORY_H " FROM history h WHERE " HISTORY_FITS
		    "AND ($8 = '' OR h.account_id IN (SELECT id FROM below)) "
		    "AND h.member_id = $9 AND ($10 = '' OR h.subject = $10) "
		    "ORDER BY h.seq DESC LIMIT $11";
	if (filter->below.len > 0)
		return BELOW "SELECT " HISTORY_H
			     " FROM history h WHERE " HISTORY_FITS
			     "AND h.account_id IN (SELECT id FROM below) "
			     "AND ($9 = '' OR h.member_id = $9) "
			     "AND ($10 = '' OR h.subject = $10) "
			     "ORDER BY h.seq DESC LIMIT $11";
	if (filter->from_ms == 0 && filter->to_ms == 0)
		return "SELECT " HISTORY_H
		       " FROM history h WHERE " HISTORY_FITS_AT_ANY_TIME
		       "AND ($8 = '' OR h.account_id = $8) "
		       "AND ($9 = '' OR h.member_id = $9) "
		       "AND ($10 = '' OR h.subject = $10) "
		       "ORDER BY h.seq DESC LIMIT $11";
	return "SELECT " HISTORY_H " FROM history h WHERE " HISTORY_FITS
	       "AND ($8 = '' OR h.account_id = $8) "
	       "AND ($9 = '' OR h.member_id = $9) "
	       "AND ($10 = '' OR h.subject = $10) "
	       "ORDER BY h.seq DESC LIMIT $11";
}

bool
store_history_find(struct store *store, struct arena *arena,
    const struct history_filter *filter, size_t max, struct history_row **out,
    size_t *count, struct err *err)
{
	struct str noun = filter->action;
	struct str has = pattern_of(arena, filter->has);
	struct db_rows rows;

	if (has.ptr == NULL)
		return store_no_memory(store, err);
	if (noun.len == 0 || noun.ptr[noun.len - 1] != '.')
		noun = STR("");
	db_select(store->db, &rows, err, search_text(filter),
	    VALUES(value_number(
		       filter->before_seq > 0 ? filter->before_seq : INT64_MAX),
		value_number(filter->from_ms),
		value_number(filter->to_ms > 0 ? filter->to_ms : INT64_MAX),
		value_text(filter->actor), value_text(filter->action),
		value_text(noun), value_text(has), value_text(filter->below),
		value_text(filter->member), value_text(filter->subject),
		value_number((int64_t)max), value_text(filter->subject_has)));
	return history_collect(&rows, arena, out, count);
}

/* --- Verifying ------------------------------------------------------------ */

struct chain {
	int64_t first; /* seq of the row before the first that is kept */
	int64_t rows;
	int64_t data_seq;
	int64_t broken_seq; /* 0 while whole */
	char hash[HASH_HEX + 1];
};

/* A value of another type than was written is a broken row, not an error. */
static bool
types_fit(const struct db_rows *rows)
{
	for (int i = COLUMN_SEQ; i <= COLUMN_LAST; i++)
		if (row_type(rows, i) !=
		    (i < COLUMN_TEXTS ? DB_NUMBER : DB_TEXT))
			return false;
	return true;
}

/* Does the row follow the one before it? */
static void
chain_add(struct chain *chain, struct db_rows *rows)
{
	int64_t expected = chain->first + ++chain->rows;
	struct history_row row;
	char hex[HASH_HEX + 1];

	if (chain->broken_seq != 0)
		return;
	chain->broken_seq = expected;
	if (!types_fit(rows))
		return;
	history_row_borrow(rows, &row);
	row_hash(str_from(chain->hash), &row, hex);
	if (row.seq != expected || !str_eq(row.hash, str_from(hex)))
		return;
	chain->broken_seq = 0;
	if (is_data(&row))
		chain->data_seq = row.seq;
	memcpy(chain->hash, hex, sizeof(hex));
}

/* Does the chain end where its head says? A tail that was cut is missing from
 * the row after the last one on. */
static void
chain_close(struct chain *chain, enum found has_head, const struct head *head)
{
	int64_t last = chain->first + chain->rows;

	if (chain->broken_seq != 0)
		return;
	if (has_head != FOUND_YES || head->seq < last)
		chain->broken_seq =
		    has_head == FOUND_YES && head->seq >= 0 ? head->seq + 1 : 1;
	else if (head->seq > last)
		chain->broken_seq = last + 1;
	else if (strcmp(head->hash, chain->hash) != 0 ||
		 head->data_seq != chain->data_seq)
		chain->broken_seq = last > 0 ? last : 1;
}

/* Where the chain begins, when its older part was forgotten. */
static bool
floor_read(struct store *store, struct chain *chain, struct err *err)
{
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    "SELECT seq, hash, data_seq FROM history_floor", NO_VALUES);
	if (db_next(&rows)) {
		struct str hash = row_text(&rows, 1);

		chain->first = row_number(&rows, 0);
		chain->data_seq = row_number(&rows, 2);
		if (hash.len == HASH_HEX)
			memcpy(chain->hash, hash.ptr, HASH_HEX);
		else
			row_corrupt(&rows, "the floor of the history");
	}
	return db_end(&rows);
}

static bool
chain_read(struct store *store, struct chain *chain, struct err *err)
{
	struct db_rows rows;

	if (!floor_read(store, chain, err))
		return false;

	db_select(store->db, &rows, err,
	    "SELECT " HISTORY_COLUMNS " FROM history ORDER BY seq", NO_VALUES);
	while (db_next(&rows))
		chain_add(chain, &rows);
	return db_end(&rows);
}

bool
store_history_verify(
    struct store *store, int64_t *rows, int64_t *broken_seq, struct err *err)
{
	enum found has_head = FOUND_ERROR;
	struct chain chain = { 0 };
	struct head head;
	bool mine;

	if (!snapshot_begin(store, &mine, err))
		return false;
	if (chain_read(store, &chain, err))
		has_head = head_read(store, &head, err);
	snapshot_end(store, mine);
	if (has_head == FOUND_ERROR)
		return false;
	chain_close(&chain, has_head, &head);
	*rows = chain.rows;
	*broken_seq = chain.broken_seq;
	return true;
}

/* --- Forgetting ----------------------------------------------------------- */

/* The newest row of those that may go: old enough, and published. */
static enum found
prune_to(struct store *store, int64_t before_ms, struct history_row *out,
    struct arena *arena, struct err *err)
{
	struct db_rows rows;
	bool has;

	db_select(store->db, &rows, err,
	    "SELECT " HISTORY_COLUMNS " FROM history WHERE at_ms < $1 "
	    "AND seq <= (SELECT seq FROM publication) "
	    "AND seq < (SELECT seq FROM history_head) "
	    "ORDER BY seq DESC LIMIT 1",
	    VALUES(value_number(before_ms)));
	has = db_next(&rows);
	if (has)
		history_row_keep(&rows, arena, out);
	return rows_found(&rows, has);
}

static bool
data_seq_until(struct store *store, int64_t seq, int64_t *out, struct err *err)
{
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    "SELECT seq FROM history WHERE seq <= $1 "
	    "AND substr(action, 1, 8) <> 'session.' "
	    "ORDER BY seq DESC LIMIT 1",
	    VALUES(value_number(seq)));
	if (db_next(&rows))
		*out = row_number(&rows, 0);
	return db_end(&rows);
}

static bool
floor_put(struct store *store, const struct history_row *row, int64_t data_seq,
    struct err *err)
{
	return store_write(store, NULL, err,
	    "INSERT INTO history_floor (one, seq, hash, data_seq) "
	    "VALUES (1, $1, $2, $3) ON CONFLICT (one) DO UPDATE SET "
	    "seq = excluded.seq, hash = excluded.hash, "
	    "data_seq = excluded.data_seq",
	    VALUES(value_number(row->seq), value_text(row->hash),
		value_number(data_seq)));
}

bool
store_prune_history(
    struct store *store, int64_t before_ms, int64_t *rows, struct err *err)
{
	struct arena arena = { 0 };
	struct chain floor = { 0 };
	struct history_row row = { 0 };
	bool ok = false;

	*rows = 0;
	switch (prune_to(store, before_ms, &row, &arena, err)) {
	case FOUND_ERROR:
		break;
	case FOUND_NO:
		ok = true;
		break;
	case FOUND_YES:
		ok = floor_read(store, &floor, err) &&
		     data_seq_until(store, row.seq, &floor.data_seq, err) &&
		     floor_put(store, &row, floor.data_seq, err) &&
		     store_write(store, rows, err,
			 "DELETE FROM history WHERE seq <= $1",
			 VALUES(value_number(row.seq)));
		break;
	}
	arena_free(&arena);
	return ok;
}

/* --- Generations ---------------------------------------------------------- */

bool
store_generation(
    struct store *store, int64_t *any, int64_t *data, struct err *err)
{
	struct head head;

	if (!head_need(store, &head, err))
		return false;
	*any = head.seq;
	*data = head.data_seq;
	return true;
}

bool
store_published(struct store *store, int64_t *seq, struct err *err)
{
	struct db_rows rows;

	*seq = 0;
	db_select(
	    store->db, &rows, err, "SELECT seq FROM publication", NO_VALUES);
	if (db_next(&rows))
		*seq = row_number(&rows, 0);
	return db_end(&rows);
}

bool
store_set_published(struct store *store, int64_t seq, struct err *err)
{
	return store_write_one(store, err, "UPDATE publication SET seq = $1",
	    VALUES(value_number(seq)));
}
