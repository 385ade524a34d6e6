#include "store/list.h"

#include "store/internal.h"

/* From so many on it is faster to go through all members in their order than
 * to sort those of the account: a page is full soon. */
#define DENSE ((int64_t)2000)

/* --- Members -------------------------------------------------------------- */

#define MEMBER_FITS            \
	"m.username_key > $1 " \
	"AND ($2 = '' OR m.find_key LIKE $2 ESCAPE '!') "

/* Without COLLATE "C", which no index has: a page is in the database's own
 * order, by which `after` compares as well. In SQLite both are by bytes. */
#define MEMBER_ORDER "ORDER BY m.username_key LIMIT $3"

static const char everybody[] =
    "SELECT m.id FROM members m WHERE " MEMBER_FITS MEMBER_ORDER;

static const char dense[] =
    "SELECT m.id FROM members m WHERE " MEMBER_FITS
    "AND (EXISTS (SELECT 1 FROM grants g WHERE g.account_id = $4 "
    "AND g.member_id = m.id) OR m.id = (SELECT a.owner_id FROM accounts a "
    "WHERE a.id = $4)) " MEMBER_ORDER;

static const char sparse[] =
    "SELECT m.id FROM members m WHERE " MEMBER_FITS
    "AND m.id IN (SELECT g.member_id FROM grants g WHERE g.account_id = $4 "
    "UNION SELECT a.owner_id FROM accounts a WHERE a.id = $4 "
    "AND a.owner_id IS NOT NULL) " MEMBER_ORDER;

static bool
is_dense(struct store *store, struct str account, bool *out, struct err *err)
{
	struct db_rows rows;

	db_select(store->db, &rows, err,
	    "SELECT COUNT(*) FROM (SELECT 1 FROM grants "
	    "WHERE account_id = $1 LIMIT $2) AS some",
	    VALUES(value_text(account), value_number(DENSE)));
	*out = db_next(&rows) && row_number(&rows, 0) == DENSE;
	return db_end(&rows);
}

static bool
member_ids(struct store *store, struct arena *arena, struct str account,
    const struct page *page, struct names *out, struct err *err)
{
	struct str find = pattern_of(arena, page->find);
	bool many = false;
	struct db_rows rows;

	if (find.ptr == NULL)
		return store_no_memory(store, err);
	if (account.len > 0 && !is_dense(store, account, &many, err))
		return false;
	if (account.len == 0)
		db_select(store->db, &rows, err, everybody,
		    VALUES(value_text(page->after), value_text(find),
			value_number((int64_t)page->max)));
	else
		db_select(store->db, &rows, err, many ? dense : sparse,
		    VALUES(value_text(page->after), value_text(find),
			value_number((int64_t)page->max), value_text(account)));
	return ids_read(&rows, arena, out);
}

static bool
members_read_each(struct store *store, struct arena *arena, struct names ids,
    struct member **out, size_t *count, struct err *err)
{
	struct member *list = ARENA_ARRAY(arena, struct member, ids.count);

	if (list == NULL)
		return store_no_memory(store, err);
	for (size_t i = 0; i < ids.count; i++)
		/* In one snapshot: whoever was found is there. */
		if (store_member_by_id(
			store, arena, ids.items[i], &list[i], err) != FOUND_YES)
			return false;
	*out = list;
	*count = ids.count;
	return true;
}

bool
store_list_members(struct store *store, struct arena *arena, struct str account,
    const struct page *page, struct member **out, size_t *count,
    struct err *err)
{
	struct names ids = { NULL, 0 };
	bool mine;
	bool ok;

	if (!snapshot_begin(store, &mine, err))
		return false;
	ok = member_ids(store, arena, account, page, &ids, err) &&
	     members_read_each(store, arena, ids, out, count, err);
	snapshot_end(store, mine);
	return ok;
}

enum found
store_member_at(struct store *store, struct arena *arena, struct str account,
    struct str email, struct str *username, struct err *err)
{
	struct str key = str_fold(arena, email);
	struct str name = { NULL, 0 };
	struct db_rows rows;
	enum found found;
	bool has;

	if (key.ptr == NULL) {
		store_no_memory(store, err);
		return FOUND_ERROR;
	}
	db_select(store->db, &rows, err,
	    "SELECT m.username FROM members m WHERE lower(m.email) = $1 "
	    "AND (EXISTS (SELECT 1 FROM grants g WHERE g.account_id = $2 "
	    "AND g.member_id = m.id) OR m.id = (SELECT a.owner_id "
	    "FROM accounts a WHERE a.id = $2)) "
	    "ORDER BY m.username_key COLLATE \"C\" LIMIT 1",
	    VALUES(value_text(key), value_text(account)));
	has = db_next(&rows);
	if (has)
		name = row_copy(&rows, 0, arena);
	found = rows_found(&rows, has);
	if (found == FOUND_YES)
		*username = name;
	return found;
}

/* --- Accounts ------------------------------------------------------------- */

#define ACCOUNT_FITS                                                \
	"a.id > $1 AND ($2 = '' OR lower(a.id) LIKE $2 ESCAPE '!' " \
	"OR lower(a.name) LIKE $2 ESCAPE '!') "

#define ACCOUNT_ORDER "ORDER BY a.id LIMIT $3"

/* UNION drops what was there already, so a cycle ends. */
#define BELOW                                           \
	"below (id) AS (SELECT CAST($4 AS TEXT) UNION " \
	"SELECT c.id FROM accounts c JOIN below b ON c.parent_id = b.id) "

#define REACH                                                      \
	"reach (id) AS (SELECT g.account_id FROM grants g "        \
	"WHERE g.member_id = $5 AND (g.expires_s = 0 "             \
	"OR g.expires_s > $6) UNION "                              \
	"SELECT o.id FROM accounts o WHERE o.owner_id = $5 UNION " \
	"SELECT c.id FROM accounts c JOIN reach r ON c.parent_id = r.id) "

static const char accounts_all[] =
    "SELECT a.id FROM accounts a WHERE " ACCOUNT_FITS ACCOUNT_ORDER;
static const char accounts_below[] =
    "WITH RECURSIVE " BELOW "SELECT a.id FROM accounts a WHERE " ACCOUNT_FITS
    "AND a.id IN (SELECT id FROM below) " ACCOUNT_ORDER;
static const char accounts_reached[] =
    "WITH RECURSIVE " REACH "SELECT a.id FROM accounts a WHERE " ACCOUNT_FITS
    "AND ($4 = '') AND a.id IN (SELECT id FROM reach) " ACCOUNT_ORDER;
static const char accounts_reached_below[] =
    "WITH RECURSIVE " BELOW ", " REACH
    "SELECT a.id FROM accounts a WHERE " ACCOUNT_FITS
    "AND a.id IN (SELECT id FROM below) "
    "AND a.id IN (SELECT id FROM reach) " ACCOUNT_ORDER;

static bool
account_ids(struct store *store, struct arena *arena, struct str below,
    struct str member_id, int64_t now_s, const struct page *page,
    struct names *out, struct err *err)
{
	struct str find = pattern_of(arena, page->find);
	const struct db_value after = value_text(page->after);
	const struct db_value max = value_number((int64_t)page->max);
	struct db_rows rows;

	if (find.ptr == NULL)
		return store_no_memory(store, err);
	if (member_id.len > 0)
		db_select(store->db, &rows, err,
		    below.len > 0 ? accounts_reached_below : accounts_reached,
		    VALUES(after, value_text(find), max, value_text(below),
			value_text(member_id), value_number(now_s)));
	else if (below.len > 0)
		db_select(store->db, &rows, err, accounts_below,
		    VALUES(after, value_text(find), max, value_text(below)));
	else
		db_select(store->db, &rows, err, accounts_all,
		    VALUES(after, value_text(find), max));
	return ids_read(&rows, arena, out);
}

static bool
accounts_read_each(struct store *store, struct arena *arena, struct names ids,
    const struct account ***out, size_t *count, struct err *err)
{
	const struct account **list =
	    ARENA_ARRAY(arena, const struct account *, ids.count);

	if (list == NULL)
		return store_no_memory(store, err);
	for (size_t i = 0; i < ids.count; i++)
		if (store_account(store, arena, ids.items[i], &list[i], err) !=
		    FOUND_YES)
			return false;
	*out = list;
	*count = ids.count;
	return true;
}

bool
store_list_accounts(struct store *store, struct arena *arena, struct str below,
    struct str member_id, int64_t now_s, const struct page *page,
    const struct account ***out, size_t *count, struct err *err)
{
	struct names ids = { NULL, 0 };
	bool mine;
	bool ok;

	if (!snapshot_begin(store, &mine, err))
		return false;
	ok = account_ids(
		 store, arena, below, member_id, now_s, page, &ids, err) &&
	     accounts_read_each(store, arena, ids, out, count, err);
	snapshot_end(store, mine);
	return ok;
}
