#include <stdlib.h>

#include "store/internal.h"

/* --- Rows ----------------------------------------------------------------- */

#define MEMBER_COLUMNS "id, username, email, name, status, changed, phone"
#define GRANT_COLUMNS  "account_id, role, source, licences, filters, expires_s"

static void
member_row(struct db_rows *rows, struct arena *arena, struct member *out)
{
	*out = (struct member){
		.id = row_copy(rows, 0, arena),
		.username = row_copy(rows, 1, arena),
		.email = row_copy(rows, 2, arena),
		.name = row_copy(rows, 3, arena),
		.status = member_status_from(row_text(rows, 4)),
		.changed = row_number(rows, 5),
		.phone = row_copy(rows, 6, arena),
	};
	if (out->status == MEMBER_NONE)
		row_corrupt(rows, "the status of a member");
}

/* Many grants in a row have one role and one source: they share the text. */
static struct str
copy_or_share(
    struct db_rows *rows, int column, struct arena *arena, struct str last)
{
	struct str text = row_text(rows, column);

	return last.ptr != NULL && str_eq(text, last)
		   ? last
		   : row_copy(rows, column, arena);
}

/* From `first` on; `last` is the row before this one, or zeroed. */
static void
grant_row(struct db_rows *rows, int first, struct arena *arena,
    const struct grant *last, struct grant *out)
{
	*out = (struct grant){
		.account = row_copy(rows, first, arena),
		.role = copy_or_share(rows, first + 1, arena, last->role),
		.source = copy_or_share(rows, first + 2, arena, last->source),
		.licences = row_names(rows, first + 3, arena),
		.filters = row_names(rows, first + 4, arena),
		.expires_s = row_number(rows, first + 5),
	};
}

static int
grant_order(const void *a, const void *b)
{
	return grant_cmp(a, b);
}

/* --- One member ----------------------------------------------------------- */

static bool
grants_of(struct store *store, struct arena *arena, struct member *member,
    struct err *err)
{
	const struct grant none = { 0 };
	struct grant *grants = NULL;
	size_t count = 0;
	size_t cap = 0;
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    "SELECT " GRANT_COLUMNS " FROM grants WHERE member_id = $1",
	    VALUES(value_text(member->id)));
	while (db_next(&rows)) {
		grants =
		    arena_grow(arena, grants, count, &cap, sizeof(*grants));
		if (grants == NULL) {
			row_no_memory(&rows);
			break;
		}
		grant_row(&rows, 0, arena,
		    count > 0 ? &grants[count - 1] : &none, &grants[count]);
		count++;
	}
	if (!db_end(&rows))
		return false;
	if (count > 0)
		qsort(grants, count, sizeof(*grants), grant_order);
	member->grants = grants;
	member->grant_count = count;
	return true;
}

static bool
identities_of(struct store *store, struct arena *arena, struct member *member,
    struct err *err)
{
	struct identity *identities = NULL;
	size_t count = 0;
	size_t cap = 0;
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    "SELECT source, external_id FROM identities WHERE member_id = $1 "
	    "ORDER BY source COLLATE \"C\"",
	    VALUES(value_text(member->id)));
	while (db_next(&rows)) {
		identities = arena_grow(
		    arena, identities, count, &cap, sizeof(*identities));
		if (identities == NULL) {
			row_no_memory(&rows);
			break;
		}
		identities[count++] = (struct identity){
			.source = row_copy(&rows, 0, arena),
			.external_id = row_copy(&rows, 1, arena),
		};
	}
	member->identities = identities;
	member->identity_count = count;
	return db_end(&rows);
}

static bool
personal_of(struct store *store, struct arena *arena, struct member *member,
    struct err *err)
{
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    "SELECT id FROM accounts WHERE owner_id = $1 AND kind = 'personal' "
	    "ORDER BY id COLLATE \"C\" LIMIT 1",
	    VALUES(value_text(member->id)));
	if (db_next(&rows))
		member->personal = row_copy(&rows, 0, arena);
	return db_end(&rows);
}

static enum found
member_by(struct store *store, struct arena *arena, const char *sql,
    const struct db_value *values, size_t count, struct member *out,
    struct err *err)
{
	struct member member = { 0 };
	struct db_rows rows;
	enum found found;
	bool mine;
	bool has;

	if (!snapshot_begin(store, &mine, err))
		return FOUND_ERROR;
	db_select(store->db, &rows, err, sql, values, count);
	has = db_next(&rows);
	if (has)
		member_row(&rows, arena, &member);
	found = rows_found(&rows, has);
	if (found == FOUND_YES &&
	    (!grants_of(store, arena, &member, err) ||
		!identities_of(store, arena, &member, err) ||
		!personal_of(store, arena, &member, err)))
		found = FOUND_ERROR;
	snapshot_end(store, mine);
	if (found == FOUND_YES)
		*out = member;
	return found;
}

enum found
store_member(struct store *store, struct arena *arena, struct str username,
    struct member *out, struct err *err)
{
	struct str key = str_fold(arena, username);

	if (key.ptr == NULL) {
		store_no_memory(store, err);
		return FOUND_ERROR;
	}
	return member_by(store, arena,
	    "SELECT " MEMBER_COLUMNS " FROM members WHERE username_key = $1",
	    VALUES(value_text(key)), out, err);
}

enum found
store_member_by_id(struct store *store, struct arena *arena, struct str id,
    struct member *out, struct err *err)
{
	return member_by(store, arena,
	    "SELECT " MEMBER_COLUMNS " FROM members WHERE id = $1",
	    VALUES(value_text(id)), out, err);
}

enum found
store_member_by_identity(struct store *store, struct arena *arena,
    struct str source, struct str external_id, struct member *out,
    struct err *err)
{
	return member_by(store, arena,
	    "SELECT " MEMBER_COLUMNS " FROM members WHERE id = "
	    "(SELECT member_id FROM identities "
	    "WHERE source = $1 AND external_id = $2)",
	    VALUES(value_text(source), value_text(external_id)), out, err);
}

/* --- All members ---------------------------------------------------------- */

/* A member by id, and where their next grant and identity goes. */
struct place {
	struct member *member;
	struct grant *grant;
	struct identity *identity;
};

struct places {
	struct place *items; /* ordered by the member's id */
	size_t count;
	struct place *last; /* rows of one member mostly stand together */
};

static int
place_order(const void *a, const void *b)
{
	return str_cmp(((const struct place *)a)->member->id,
	    ((const struct place *)b)->member->id);
}

static bool
places_make(struct places *places, struct arena *arena, struct state *state)
{
	places->count = state->member_count;
	places->items = ARENA_ARRAY(arena, struct place, places->count);
	places->last = places->items;
	if (places->items == NULL)
		return false;
	for (size_t i = 0; i < places->count; i++)
		places->items[i].member = &state->members[i];
	if (places->count > 0)
		qsort(places->items, places->count, sizeof(*places->items),
		    place_order);
	return true;
}

/* The place that the first column's member id names. The foreign keys say
 * that there is one; NULL and a failed row when the file says otherwise. */
static struct place *
row_place(struct db_rows *rows, struct places *places)
{
	struct member wanted = { .id = row_text(rows, 0) };
	const struct place key = { .member = &wanted };

	if (places->count > 0 && !str_eq(places->last->member->id, wanted.id))
		places->last = bsearch(&key, places->items, places->count,
		    sizeof(key), place_order);
	if (places->count > 0 && places->last != NULL)
		return places->last;
	places->last = places->items;
	row_corrupt(rows, "the member of a row");
	return NULL;
}

static bool
rows_count(struct store *store, const char *sql, size_t *out, struct err *err)
{
	struct db_rows rows;

	db_select(store->db, &rows, err, sql, NO_VALUES);
	if (db_next(&rows))
		*out = (size_t)row_number(&rows, 0);
	return db_end(&rows);
}

static bool
people_read(struct store *store, struct arena *arena, struct state *out,
    struct err *err)
{
	struct db_rows rows;
	size_t max = 0;

	if (!rows_count(store, "SELECT COUNT(*) FROM members", &max, err))
		return false;
	out->members = ARENA_ARRAY(arena, struct member, max);
	if (out->members == NULL)
		return store_no_memory(store, err);
	db_select(store->db, &rows, err,
	    "SELECT " MEMBER_COLUMNS " FROM members "
	    "ORDER BY username_key COLLATE \"C\"",
	    NO_VALUES);
	while (out->member_count < max && db_next(&rows))
		member_row(&rows, arena, &out->members[out->member_count++]);
	return db_end(&rows);
}

/* How many grants each has, so that all of them fit one array. */
static bool
grants_count(
    struct store *store, struct places *places, size_t *total, struct err *err)
{
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    "SELECT member_id, COUNT(*) FROM grants GROUP BY member_id",
	    NO_VALUES);
	while (db_next(&rows)) {
		struct place *place = row_place(&rows, places);

		if (place == NULL)
			break;
		place->member->grant_count = (size_t)row_number(&rows, 1);
		*total += place->member->grant_count;
	}
	return db_end(&rows);
}

static bool
grants_read(struct store *store, struct arena *arena, struct places *places,
    struct err *err)
{
	const struct grant none = { 0 };
	const struct grant *last = &none;
	struct grant *grants;
	struct db_rows rows;
	size_t total = 0;

	if (!grants_count(store, places, &total, err))
		return false;
	grants = ARENA_ARRAY(arena, struct grant, total);
	if (grants == NULL)
		return store_no_memory(store, err);
	for (size_t i = 0; i < places->count; i++) {
		places->items[i].grant = grants;
		places->items[i].member->grants = grants;
		grants += places->items[i].member->grant_count;
	}
	db_select(store->db, &rows, err,
	    "SELECT member_id, " GRANT_COLUMNS " FROM grants", NO_VALUES);
	while (db_next(&rows)) {
		struct place *place = row_place(&rows, places);

		if (place == NULL)
			break;
		grant_row(&rows, 1, arena, last, place->grant);
		last = place->grant++;
	}
	return db_end(&rows);
}

static void
grants_sort(struct grant *grants, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (grant_cmp(&grants[i - 1], &grants[i]) > 0) {
			qsort(grants, count, sizeof(*grants), grant_order);
			return;
		}
}

static bool
identities_count(
    struct store *store, struct places *places, size_t *total, struct err *err)
{
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    "SELECT member_id, COUNT(*) FROM identities GROUP BY member_id",
	    NO_VALUES);
	while (db_next(&rows)) {
		struct place *place = row_place(&rows, places);

		if (place == NULL)
			break;
		place->member->identity_count = (size_t)row_number(&rows, 1);
		*total += place->member->identity_count;
	}
	return db_end(&rows);
}

static bool
identities_read(struct store *store, struct arena *arena, struct places *places,
    struct err *err)
{
	struct identity *identities;
	struct str source = { 0 };
	struct db_rows rows;
	size_t total = 0;

	if (!identities_count(store, places, &total, err))
		return false;
	identities = ARENA_ARRAY(arena, struct identity, total);
	if (identities == NULL)
		return store_no_memory(store, err);
	for (size_t i = 0; i < places->count; i++) {
		places->items[i].identity = identities;
		places->items[i].member->identities = identities;
		identities += places->items[i].member->identity_count;
	}
	db_select(store->db, &rows, err,
	    "SELECT member_id, source, external_id FROM identities "
	    "ORDER BY source COLLATE \"C\"",
	    NO_VALUES);
	while (db_next(&rows)) {
		struct place *place = row_place(&rows, places);

		if (place == NULL)
			break;
		source = copy_or_share(&rows, 1, arena, source);
		*place->identity++ = (struct identity){
			.source = source,
			.external_id = row_copy(&rows, 2, arena),
		};
	}
	return db_end(&rows);
}

bool
members_read(struct store *store, struct arena *arena, struct state *out,
    struct err *err)
{
	struct places places = { 0 };

	if (!people_read(store, arena, out, err))
		return false;
	if (!places_make(&places, arena, out))
		return store_no_memory(store, err);
	if (!grants_read(store, arena, &places, err) ||
	    !identities_read(store, arena, &places, err))
		return false;
	for (size_t i = 0; i < places.count; i++) {
		struct place *place = &places.items[i];
		size_t count = place->member->grant_count;

		if (count > 0)
			grants_sort(place->grant - count, count);
	}
	return true;
}

/* --- Writing -------------------------------------------------------------- */

bool
store_put_member(struct store *store, const struct member *member,
    int64_t generation, struct err *err)
{
	struct str key = str_fold(&store->scratch, member->username);
	struct str find = str_fold(&store->scratch,
	    str_fmt(&store->scratch, "%.*s %.*s %.*s",
		STR_ARGS(member->username), STR_ARGS(member->name),
		STR_ARGS(member->email)));

	if (key.ptr == NULL || find.ptr == NULL)
		return store_no_memory(store, err);
	return store_write(store, NULL, err,
	    "INSERT INTO members (id, username, username_key, email, name, "
	    "status, changed, phone, find_key) "
	    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
	    "ON CONFLICT (id) DO UPDATE SET username = excluded.username, "
	    "username_key = excluded.username_key, email = excluded.email, "
	    "name = excluded.name, status = excluded.status, "
	    "changed = excluded.changed, phone = excluded.phone, "
	    "find_key = excluded.find_key",
	    VALUES(value_text(member->id), value_text(member->username),
		value_text(key), value_text(member->email),
		value_text(member->name),
		value_text(str_from(member_status_word(member->status))),
		value_number(generation), value_text(member->phone),
		value_text(find)));
}

bool
store_delete_member(struct store *store, struct str id, struct err *err)
{
	return store_write(store, NULL, err,
	    "DELETE FROM members WHERE id = $1", VALUES(value_text(id)));
}

bool
store_touch_member(
    struct store *store, struct str id, int64_t generation, struct err *err)
{
	return store_write_one(store, err,
	    "UPDATE members SET changed = $2 WHERE id = $1",
	    VALUES(value_text(id), value_number(generation)));
}

bool
store_put_identity(struct store *store, struct str member_id,
    const struct identity *identity, struct err *err)
{
	return store_write(store, NULL, err,
	    "INSERT INTO identities (source, external_id, member_id) "
	    "VALUES ($1, $2, $3) ON CONFLICT (source, external_id) "
	    "DO UPDATE SET member_id = excluded.member_id",
	    VALUES(value_text(identity->source),
		value_text(identity->external_id), value_text(member_id)));
}

bool
store_delete_identity(struct store *store, struct str source,
    struct str external_id, struct err *err)
{
	return store_write(store, NULL, err,
	    "DELETE FROM identities WHERE source = $1 AND external_id = $2",
	    VALUES(value_text(source), value_text(external_id)));
}

bool
store_put_grant(struct store *store, struct str member_id,
    const struct grant *grant, struct err *err)
{
	struct str licences;
	struct str filters;

	if (!list_join(store, grant->licences, &licences, err) ||
	    !list_join(store, grant->filters, &filters, err))
		return false;
	return store_write(store, NULL, err,
	    "INSERT INTO grants (member_id, account_id, role, source, "
	    "licences, filters, expires_s) VALUES ($1, $2, $3, $4, $5, $6, $7) "
	    "ON CONFLICT (member_id, account_id, role, source) DO UPDATE SET "
	    "licences = excluded.licences, filters = excluded.filters, "
	    "expires_s = excluded.expires_s",
	    VALUES(value_text(member_id), value_text(grant->account),
		value_text(grant->role), value_text(grant->source),
		value_text(licences), value_text(filters),
		value_number(grant->expires_s)));
}

bool
store_delete_grant(struct store *store, struct str member_id,
    struct str account, struct str role, struct str source, struct err *err)
{
	return store_write(store, NULL, err,
	    "DELETE FROM grants WHERE member_id = $1 AND account_id = $2 "
	    "AND role = $3 AND source = $4",
	    VALUES(value_text(member_id), value_text(account), value_text(role),
		value_text(source)));
}
