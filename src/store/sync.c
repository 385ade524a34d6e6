#include "store/internal.h"

/* --- Plans ---------------------------------------------------------------- */

static const char *const plan_words[] = {
	[PLAN_OPEN] = "open",
	[PLAN_APPLIED] = "applied",
	[PLAN_DROPPED] = "dropped",
};

#define PLAN_SELECT                                                       \
	"SELECT number, source, created_s, data_generation, body, held, " \
	"status FROM sync_plans"

static void
plan_row(struct db_rows *rows, struct arena *arena, struct sync_plan *out)
{
	struct str status = row_text(rows, 6);

	*out = (struct sync_plan){
		.number = row_number(rows, 0),
		.source = row_copy(rows, 1, arena),
		.created_s = row_number(rows, 2),
		.data_generation = row_number(rows, 3),
		.body = row_copy(rows, 4, arena),
		.held = row_copy(rows, 5, arena),
	};
	for (int s = PLAN_OPEN; s <= PLAN_DROPPED; s++)
		if (str_eq(status, str_from(plan_words[s])))
			out->status = (enum plan_status)s;
	if (out->status == 0)
		row_corrupt(rows, "the status of a plan");
}

enum found
store_plan(struct store *store, struct arena *arena, int64_t number,
    struct sync_plan *out, struct err *err)
{
	struct sync_plan plan = { 0 };
	struct db_rows rows;
	enum found found;
	bool has;

	db_select(store->db, &rows, err, PLAN_SELECT " WHERE number = $1",
	    VALUES(value_number(number)));
	has = db_next(&rows);
	if (has)
		plan_row(&rows, arena, &plan);
	found = rows_found(&rows, has);
	if (found == FOUND_YES)
		*out = plan;
	return found;
}

bool
store_plans(struct store *store, struct arena *arena, size_t max,
    struct sync_plan **out, size_t *count, struct err *err)
{
	struct sync_plan *list = NULL;
	size_t kept = 0;
	size_t cap = 0;
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    PLAN_SELECT " ORDER BY number DESC LIMIT $1",
	    VALUES(value_number((int64_t)max)));
	while (db_next(&rows)) {
		list = arena_grow(arena, list, kept, &cap, sizeof(*list));
		if (list == NULL) {
			row_no_memory(&rows);
			break;
		}
		plan_row(&rows, arena, &list[kept++]);
	}
	if (!db_end(&rows))
		return false;
	*out = list;
	*count = kept;
	return true;
}

bool
store_add_plan(struct store *store, struct sync_plan *plan, struct err *err)
{
	if (!number_next(store,
		"SELECT number FROM sync_plans ORDER BY number DESC LIMIT 1",
		&plan->number, err))
		return false;
	return store_write(store, NULL, err,
	    "INSERT INTO sync_plans (number, source, created_s, "
	    "data_generation, body, held, status) "
	    "VALUES ($1, $2, $3, $4, $5, $6, $7)",
	    VALUES(value_number(plan->number), value_text(plan->source),
		value_number(plan->created_s),
		value_number(plan->data_generation), value_text(plan->body),
		value_text(plan->held),
		value_text(str_from(plan_words[plan->status]))));
}

bool
store_set_plan(struct store *store, int64_t number, enum plan_status status,
    struct err *err)
{
	return store_write_one(store, err,
	    "UPDATE sync_plans SET status = $2 WHERE number = $1",
	    VALUES(value_number(number),
		value_text(str_from(plan_words[status]))));
}

/* --- Runs ----------------------------------------------------------------- */

#define RUN_COLUMNS                                               \
	"number, source, started_ms, ended_ms, result, summary, " \
	"members_seen, groups_seen, complete"

static void
run_row(struct db_rows *rows, struct arena *arena, struct sync_run *out)
{
	*out = (struct sync_run){
		.number = row_number(rows, 0),
		.source = row_copy(rows, 1, arena),
		.started_ms = row_number(rows, 2),
		.ended_ms = row_number(rows, 3),
		.result = row_copy(rows, 4, arena),
		.summary = row_copy(rows, 5, arena),
		.members_seen = row_number(rows, 6),
		.groups_seen = row_number(rows, 7),
		.complete = row_number(rows, 8) == 1,
	};
}

bool
store_runs(struct store *store, struct arena *arena, struct str source,
    size_t max, struct sync_run **out, size_t *count, struct err *err)
{
	struct sync_run *list = NULL;
	size_t kept = 0;
	size_t cap = 0;
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    "SELECT " RUN_COLUMNS " FROM sync_runs "
	    "WHERE CAST($1 AS TEXT) = '' OR source = $1 "
	    "ORDER BY number DESC LIMIT $2",
	    VALUES(value_text(source), value_number((int64_t)max)));
	while (db_next(&rows)) {
		list = arena_grow(arena, list, kept, &cap, sizeof(*list));
		if (list == NULL) {
			row_no_memory(&rows);
			break;
		}
		run_row(&rows, arena, &list[kept++]);
	}
	if (!db_end(&rows))
		return false;
	*out = list;
	*count = kept;
	return true;
}

bool
store_add_run(struct store *store, struct sync_run *run, struct err *err)
{
	if (!number_next(store,
		"SELECT number FROM sync_runs ORDER BY number DESC LIMIT 1",
		&run->number, err))
		return false;
	return store_write(store, NULL, err,
	    "INSERT INTO sync_runs (" RUN_COLUMNS ") "
	    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
	    VALUES(value_number(run->number), value_text(run->source),
		value_number(run->started_ms), value_number(run->ended_ms),
		value_text(run->result), value_text(run->summary),
		value_number(run->members_seen), value_number(run->groups_seen),
		value_number(run->complete)));
}

/* --- Absences ------------------------------------------------------------- */

bool
store_absences(struct store *store, struct arena *arena, struct str source,
    struct absence **out, size_t *count, struct err *err)
{
	struct absence *list = NULL;
	size_t kept = 0;
	size_t cap = 0;
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    "SELECT external_id, since_s, runs FROM absences "
	    "WHERE source = $1 ORDER BY external_id COLLATE \"C\"",
	    VALUES(value_text(source)));
	while (db_next(&rows)) {
		list = arena_grow(arena, list, kept, &cap, sizeof(*list));
		if (list == NULL) {
			row_no_memory(&rows);
			break;
		}
		list[kept++] = (struct absence){
			.external_id = row_copy(&rows, 0, arena),
			.since_s = row_number(&rows, 1),
			.runs = row_number(&rows, 2),
		};
	}
	if (!db_end(&rows))
		return false;
	*out = list;
	*count = kept;
	return true;
}

bool
store_set_absence(struct store *store, struct str source,
    const struct absence *absence, struct err *err)
{
	if (absence->runs == 0)
		return store_write(store, NULL, err,
		    "DELETE FROM absences "
		    "WHERE source = $1 AND external_id = $2",
		    VALUES(
			value_text(source), value_text(absence->external_id)));
	return store_write(store, NULL, err,
	    "INSERT INTO absences (source, external_id, since_s, runs) "
	    "VALUES ($1, $2, $3, $4) ON CONFLICT (source, external_id) "
	    "DO UPDATE SET since_s = excluded.since_s, runs = excluded.runs",
	    VALUES(value_text(source), value_text(absence->external_id),
		value_number(absence->since_s), value_number(absence->runs)));
}

/* --- Locks ---------------------------------------------------------------- */

struct lock {
	int64_t fence;
	int64_t held_until_s;
};

static enum found
lock_read(
    struct store *store, const char *name, struct lock *out, struct err *err)
{
	struct db_rows rows;
	bool has;

	*out = (struct lock){ 0 };
	db_select(store->db, &rows, err,
	    "SELECT fence, held_until_s FROM locks WHERE name = $1",
	    VALUES(value_text(str_from(name))));
	has = db_next(&rows);
	if (has) {
		out->fence = row_number(&rows, 0);
		out->held_until_s = row_number(&rows, 1);
	}
	return rows_found(&rows, has);
}

enum found
store_lock(struct store *store, const char *name, int64_t now_s, int64_t hold_s,
    int64_t *fence, struct err *err)
{
	struct lock lock;

	if (lock_read(store, name, &lock, err) == FOUND_ERROR)
		return FOUND_ERROR;
	if (lock.held_until_s > now_s)
		return FOUND_NO;
	if (!store_write(store, NULL, err,
		"INSERT INTO locks (name, fence, held_until_s) "
		"VALUES ($1, $2, $3) ON CONFLICT (name) "
		"DO UPDATE SET fence = excluded.fence, "
		"held_until_s = excluded.held_until_s",
		VALUES(value_text(str_from(name)), value_number(lock.fence + 1),
		    value_number(now_s + hold_s))))
		return FOUND_ERROR;
	*fence = lock.fence + 1;
	return FOUND_YES;
}

/* Who has a newer fence keeps it. */
bool
store_unlock(
    struct store *store, const char *name, int64_t fence, struct err *err)
{
	return store_write(store, NULL, err,
	    "UPDATE locks SET held_until_s = 0 WHERE name = $1 AND fence = $2",
	    VALUES(value_text(str_from(name)), value_number(fence)));
}

enum found
store_fence(
    struct store *store, const char *name, int64_t fence, struct err *err)
{
	struct lock lock;
	enum found found = lock_read(store, name, &lock, err);

	if (found == FOUND_YES && lock.fence != fence)
		return FOUND_NO;
	return found;
}
