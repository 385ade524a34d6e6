#include "store/credential.h"

#include "store/internal.h"

/* --- Passwords ------------------------------------------------------------ */

enum found
store_password(struct store *store, struct arena *arena, struct str member_id,
    struct str *hash, struct err *err)
{
	struct str found_hash = { NULL, 0 };
	struct db_rows rows;
	enum found found;
	bool has;

	db_select(store->db, &rows, err,
	    "SELECT hash FROM passwords WHERE member_id = $1",
	    VALUES(value_text(member_id)));
	has = db_next(&rows);
	if (has)
		found_hash = row_copy(&rows, 0, arena);
	found = rows_found(&rows, has);
	if (found == FOUND_YES)
		*hash = found_hash;
	return found;
}

bool
store_set_password(struct store *store, struct str member_id, struct str hash,
    int64_t now_s, struct err *err)
{
	if (hash.len == 0)
		return store_write(store, NULL, err,
		    "DELETE FROM passwords WHERE member_id = $1",
		    VALUES(value_text(member_id)));
	return store_write(store, NULL, err,
	    "INSERT INTO passwords (member_id, hash, changed_s) "
	    "VALUES ($1, $2, $3) ON CONFLICT (member_id) DO UPDATE SET "
	    "hash = excluded.hash, changed_s = excluded.changed_s",
	    VALUES(
		value_text(member_id), value_text(hash), value_number(now_s)));
}

/* --- Attempts ------------------------------------------------------------- */

bool
store_attempts(
    struct store *store, struct str key, struct attempts *out, struct err *err)
{
	struct db_rows rows;

	*out = (struct attempts){ 0 };
	db_select(store->db, &rows, err,
	    "SELECT attempt_count, since_s FROM attempts "
	    "WHERE attempt_key = $1",
	    VALUES(value_text(key)));
	if (db_next(&rows)) {
		out->count = row_number(&rows, 0);
		out->since_s = row_number(&rows, 1);
	}
	return db_end(&rows);
}

bool
store_set_attempts(struct store *store, struct str key,
    const struct attempts *attempts, struct err *err)
{
	if (attempts->count == 0)
		return store_write(store, NULL, err,
		    "DELETE FROM attempts WHERE attempt_key = $1",
		    VALUES(value_text(key)));
	return store_write(store, NULL, err,
	    "INSERT INTO attempts (attempt_key, attempt_count, since_s) "
	    "VALUES ($1, $2, $3) ON CONFLICT (attempt_key) DO UPDATE SET "
	    "attempt_count = excluded.attempt_count, "
	    "since_s = excluded.since_s",
	    VALUES(value_text(key), value_number(attempts->count),
		value_number(attempts->since_s)));
}

bool
store_prune_attempts(struct store *store, int64_t before_s, struct err *err)
{
	return store_write(store, NULL, err,
	    "DELETE FROM attempts WHERE since_s < $1",
	    VALUES(value_number(before_s)));
}

/* --- Answers -------------------------------------------------------------- */

enum found
store_answered(struct store *store, struct arena *arena, struct str key,
    struct answered *out, struct err *err)
{
	struct answered answered = { 0 };
	struct db_rows rows;
	enum found found;
	bool has;

	db_select(store->db, &rows, err,
	    "SELECT answer_key, digest, status, body, at_s FROM answered "
	    "WHERE answer_key = $1",
	    VALUES(value_text(key)));
	has = db_next(&rows);
	if (has)
		answered = (struct answered){
			.key = row_copy(&rows, 0, arena),
			.digest = row_copy(&rows, 1, arena),
			.status = row_number(&rows, 2),
			.body = row_copy(&rows, 3, arena),
			.at_s = row_number(&rows, 4),
		};
	found = rows_found(&rows, has);
	if (found == FOUND_YES)
		*out = answered;
	return found;
}

/* The first answer stays: a second one to the same key is an error. */
bool
store_put_answered(
    struct store *store, const struct answered *answered, struct err *err)
{
	return store_write(store, NULL, err,
	    "INSERT INTO answered (answer_key, digest, status, body, at_s) "
	    "VALUES ($1, $2, $3, $4, $5)",
	    VALUES(value_text(answered->key), value_text(answered->digest),
		value_number(answered->status), value_text(answered->body),
		value_number(answered->at_s)));
}

bool
store_prune_answered(struct store *store, int64_t before_s, struct err *err)
{
	return store_write(store, NULL, err,
	    "DELETE FROM answered WHERE at_s < $1",
	    VALUES(value_number(before_s)));
}
