#include <stdlib.h>

#include "base/bounds.h"
#include "store/internal.h"

/* --- Rows ----------------------------------------------------------------- */

#define ACCOUNT_SELECT                                                     \
	"SELECT a.id, a.parent_id, a.name, a.kind, a.level, a.catalogue, " \
	"a.licences, a.status, m.username, a.changed "                     \
	"FROM accounts a LEFT JOIN members m ON m.id = a.owner_id"

static void
account_row(struct db_rows *rows, struct arena *arena, struct account *out)
{
	*out = (struct account){
		.id = row_copy(rows, 0, arena),
		.parent_id = row_copy(rows, 1, arena),
		.name = row_copy(rows, 2, arena),
		.kind = account_kind_from(row_text(rows, 3)),
		.level = row_copy(rows, 4, arena),
		.catalogue = row_copy(rows, 5, arena),
		.licences = row_names(rows, 6, arena),
		.status = account_status_from(row_text(rows, 7)),
		.owner = row_copy(rows, 8, arena),
		.changed = row_number(rows, 9),
	};
	if (out->kind == ACCOUNT_KIND_NONE ||
	    out->status == ACCOUNT_STATUS_NONE)
		row_corrupt(rows, "the kind or status of an account");
}

/* --- One account ---------------------------------------------------------- */

static enum found
account_one(struct store *store, struct arena *arena, struct str id,
    struct account **out, struct err *err)
{
	struct account *account = ARENA_NEW(arena, struct account);
	struct db_rows rows;
	bool has;

	if (account == NULL) {
		store_no_memory(store, err);
		return FOUND_ERROR;
	}
	db_select(store->db, &rows, err, ACCOUNT_SELECT " WHERE a.id = $1",
	    VALUES(value_text(id)));
	has = db_next(&rows);
	if (has)
		account_row(&rows, arena, account);
	*out = account;
	return rows_found(&rows, has);
}

/* A chain that is longer than a tree may be deep stays open at its end: such
 * an account does not exist for the decision (DECISION J23). */
static bool
chain_read(struct store *store, struct arena *arena, struct account *account,
    struct err *err)
{
	for (int level = 1; level < TREE_DEPTH_MAX; level++) {
		struct account *parent = NULL;

		if (account->parent_id.len == 0)
			return true;
		switch (account_one(
		    store, arena, account->parent_id, &parent, err)) {
		case FOUND_ERROR:
			return false;
		case FOUND_NO:
			return true;
		case FOUND_YES:
			account->parent = parent;
			account = parent;
		}
	}
	return true;
}

enum found
store_account(struct store *store, struct arena *arena, struct str id,
    const struct account **out, struct err *err)
{
	struct account *account = NULL;
	enum found found;
	bool mine;

	if (!snapshot_begin(store, &mine, err))
		return FOUND_ERROR;
	found = account_one(store, arena, id, &account, err);
	if (found == FOUND_YES && !chain_read(store, arena, account, err))
		found = FOUND_ERROR;
	snapshot_end(store, mine);
	if (found == FOUND_YES)
		*out = account;
	return found;
}

bool
store_subtree(struct store *store, struct arena *arena, struct str id,
    struct names *out, struct err *err)
{
	struct str *ids = NULL;
	size_t count = 0;
	size_t cap = 0;
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    "WITH RECURSIVE below (id, depth) AS ("
	    "SELECT id, 1 FROM accounts WHERE id = $1 "
	    "UNION ALL "
	    "SELECT a.id, b.depth + 1 FROM accounts a "
	    "JOIN below b ON a.parent_id = b.id WHERE b.depth <= $2) "
	    "SELECT id, depth FROM below ORDER BY depth, id COLLATE \"C\"",
	    VALUES(value_text(id), value_number(TREE_DEPTH_MAX)));
	while (db_next(&rows)) {
		if (row_number(&rows, 1) > TREE_DEPTH_MAX) {
			row_corrupt(&rows, "the depth of a tree");
			break;
		}
		ids = arena_grow(arena, ids, count, &cap, sizeof(*ids));
		if (ids == NULL) {
			row_no_memory(&rows);
			break;
		}
		ids[count++] = row_copy(&rows, 0, arena);
	}
	if (!db_end(&rows))
		return false;
	*out = (struct names){ ids, count };
	return true;
}

bool
ids_read(struct db_rows *rows, struct arena *arena, struct names *out)
{
	struct str *ids = NULL;
	size_t count = 0;
	size_t cap = 0;

	while (db_next(rows)) {
		ids = arena_grow(arena, ids, count, &cap, sizeof(*ids));
		if (ids == NULL) {
			row_no_memory(rows);
			break;
		}
		ids[count++] = row_copy(rows, 0, arena);
	}
	if (!db_end(rows))
		return false;
	*out = (struct names){ ids, count };
	return true;
}

bool
store_owned(struct store *store, struct arena *arena, struct str member_id,
    struct names *out, struct err *err)
{
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    "SELECT id FROM accounts WHERE owner_id = $1 "
	    "ORDER BY id COLLATE \"C\"",
	    VALUES(value_text(member_id)));
	return ids_read(&rows, arena, out);
}

bool
store_holders(struct store *store, struct arena *arena, struct str account,
    struct names *out, struct err *err)
{
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    "SELECT DISTINCT member_id FROM grants WHERE account_id = $1 "
	    "ORDER BY member_id COLLATE \"C\"",
	    VALUES(value_text(account)));
	return ids_read(&rows, arena, out);
}

bool
store_role_holders(struct store *store, struct arena *arena,
    struct str account, struct str role, struct names *out, struct err *err)
{
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    "SELECT DISTINCT member_id FROM grants WHERE account_id = $1 "
	    "AND role = $2 ORDER BY member_id COLLATE \"C\"",
	    VALUES(value_text(account), value_text(role)));
	return ids_read(&rows, arena, out);
}

/* --- All accounts --------------------------------------------------------- */

struct account_at {
	int depth;
	const struct account *account;
};

static int
depth_order(const void *a, const void *b)
{
	const struct account_at *x = a;
	const struct account_at *y = b;

	if (x->depth != y->depth)
		return x->depth - y->depth;
	return str_cmp(x->account->id, y->account->id);
}

/* Parents first; the links that state_index() made say how deep each is. */
static bool
accounts_sort(struct state *state, struct arena *arena)
{
	size_t count = state->account_count;
	struct account_at *order = ARENA_ARRAY(arena, struct account_at, count);
	struct account *sorted = ARENA_ARRAY(arena, struct account, count);

	if (order == NULL || sorted == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		order[i] =
		    (struct account_at){ account_depth(&state->accounts[i]),
			    &state->accounts[i] };
	if (count > 0)
		qsort(order, count, sizeof(*order), depth_order);
	for (size_t i = 0; i < count; i++)
		sorted[i] = *order[i].account;
	state->accounts = sorted;
	return true;
}

static void
personal_set(struct state *state)
{
	for (size_t i = 0; i < state->account_count; i++) {
		const struct account *account = &state->accounts[i];
		const struct member *owner;
		struct member *member;

		if (account->kind != ACCOUNT_PERSONAL ||
		    account->owner.len == 0)
			continue;
		owner = state_member(state, account->owner);
		if (owner == NULL)
			continue;
		member = &state->members[owner - state->members];
		if (member->personal.len == 0)
			member->personal = account->id;
	}
}

static bool
accounts_all(struct store *store, struct arena *arena, struct state *out,
    struct err *err)
{
	struct db_rows rows;
	size_t cap = 0;

	db_select(store->db, &rows, err, ACCOUNT_SELECT, NO_VALUES);
	while (db_next(&rows)) {
		out->accounts = arena_grow(arena, out->accounts,
		    out->account_count, &cap, sizeof(*out->accounts));
		if (out->accounts == NULL) {
			row_no_memory(&rows);
			break;
		}
		account_row(&rows, arena, &out->accounts[out->account_count++]);
	}
	return db_end(&rows);
}

bool
accounts_arrange(struct store *store, struct arena *arena, struct state *out,
    struct err *err)
{
	if (!state_index(out, arena, err))
		return false;
	if (!accounts_sort(out, arena))
		return store_no_memory(store, err);
	if (!state_index(out, arena, err))
		return false;
	personal_set(out);
	return true;
}

bool
accounts_read(struct store *store, struct arena *arena, struct state *out,
    struct err *err)
{
	return accounts_all(store, arena, out, err) &&
	       accounts_arrange(store, arena, out, err);
}

/* --- Writing -------------------------------------------------------------- */

bool
store_put_account(struct store *store, const struct account *account,
    struct str owner_id, int64_t generation, struct err *err)
{
	struct str licences;

	if (!list_join(store, account->licences, &licences, err))
		return false;
	return store_write(store, NULL, err,
	    "INSERT INTO accounts (id, parent_id, name, kind, level, "
	    "catalogue, licences, status, owner_id, changed) "
	    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
	    "ON CONFLICT (id) DO UPDATE SET parent_id = excluded.parent_id, "
	    "name = excluded.name, kind = excluded.kind, "
	    "level = excluded.level, catalogue = excluded.catalogue, "
	    "licences = excluded.licences, status = excluded.status, "
	    "owner_id = excluded.owner_id, changed = excluded.changed",
	    VALUES(value_text(account->id), value_reference(account->parent_id),
		value_text(account->name),
		value_text(str_from(account_kind_word(account->kind))),
		value_text(account->level), value_text(account->catalogue),
		value_text(licences),
		value_text(str_from(account_status_word(account->status))),
		value_reference(owner_id), value_number(generation)));
}

bool
store_delete_account(struct store *store, struct str id, struct err *err)
{
	return store_write(store, NULL, err,
	    "DELETE FROM accounts WHERE id = $1", VALUES(value_text(id)));
}
