#include "store_kit.h"

#include <ftw.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct kit kit;

static char root[96];

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void
root_make(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(root, sizeof(root), "%s/rolegate-store-XXXXXX",
	    tmp != NULL && strlen(tmp) < 60 ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(root));
	/* A test looks in as another user. */
	ck_assert_int_eq(chmod(root, 0755), 0);
}

static void
root_remove(void)
{
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
kit_setup(void)
{
	snprintf(kit.folder, sizeof(kit.folder), "%s/XXXXXX", root);
	ck_assert_ptr_nonnull(mkdtemp(kit.folder));
	ck_assert_int_eq(chmod(kit.folder, 0755), 0);
	snprintf(kit.path, sizeof(kit.path), "%s/store.db", kit.folder);
	kit_open(STORE_WRITE);
}

static void
kit_teardown(void)
{
	kit_close();
	arena_free(&kit.arena);
}

void
kit_tests(TCase *t)
{
	tcase_add_unchecked_fixture(t, root_make, root_remove);
	tcase_add_checked_fixture(t, kit_setup, kit_teardown);
}

void
kit_fails(bool result, const char *call, const char *wanted)
{
	ck_assert_msg(!result, "%s: was done, wanted %s", call, wanted);
	ck_assert_msg(kit.err.code != NULL, "%s: no code", call);
	ck_assert_msg(strcmp(kit.err.code, wanted) == 0,
	    "%s: %s [%s], wanted %s", call, kit.err.text, kit.err.code, wanted);
	kit.err = (struct err){ 0 };
}

void
kit_open(enum store_mode mode)
{
	kit_close();
	KIT_OK(store_open(&kit.store, kit.path, mode, &kit.err));
}

void
kit_close(void)
{
	store_close(kit.store);
	kit.store = NULL;
}

void
kit_begin(void)
{
	KIT_OK(store_begin(kit.store, &kit.err));
}

void
kit_commit(void)
{
	KIT_OK(store_commit(kit.store, &kit.err));
}

static struct str
id_of(const char *username)
{
	struct str name = str_from(username);

	return name.len == 0 ? name : str_fmt(&kit.arena, "id-%s", username);
}

static int64_t
generation(void)
{
	int64_t next = 0;

	KIT_OK(store_next_generation(kit.store, &next, &kit.err));
	return next;
}

void
kit_member(const char *username)
{
	const struct member member = { .id = id_of(username),
		.username = str_from(username),
		.status = MEMBER_ACTIVE };

	KIT_OK(store_put_member(kit.store, &member, generation(), &kit.err));
	kit_history("member.add", username);
}

void
kit_account(const char *id, const char *parent, const char *owner)
{
	const struct account account = { .id = str_from(id),
		.name = str_from(id),
		.parent_id = str_from(parent),
		.kind = ACCOUNT_SHARED,
		.level = LEVEL_ACCOUNT,
		.status = ACCOUNT_ACTIVE };

	KIT_OK(store_put_account(
	    kit.store, &account, id_of(owner), generation(), &kit.err));
	kit_history("account.add", id);
}

void
kit_grant(const char *username, const char *account, const char *role,
    const char *source)
{
	const struct grant grant = { .account = str_from(account),
		.role = str_from(role),
		.source = str_from(source) };

	KIT_OK(store_put_grant(kit.store, id_of(username), &grant, &kit.err));
	KIT_OK(store_touch_member(
	    kit.store, id_of(username), generation(), &kit.err));
	kit_history("grant.add", username);
}

void
kit_history(const char *action, const char *subject)
{
	const struct history_row row = { .at_ms = 1700000000123,
		.actor = STR("system"),
		.action = str_from(action),
		.subject = str_from(subject),
		.before = STR("{\"status\":\"invited\"}"),
		.after = STR("{\"status\":\"active\"}"),
		.why = STR("a test"),
		.touches = STR("member:id-ann\naccount:sales") };

	KIT_OK(store_add_history(kit.store, &row, &kit.err));
}

bool
kit_has_member(const char *username)
{
	struct member member = { 0 };
	enum found found = store_member(
	    kit.store, &kit.arena, str_from(username), &member, &kit.err);

	KIT_OK(found != FOUND_ERROR);
	return found == FOUND_YES;
}

static int64_t
sql_run(const char *sql)
{
	sqlite3 *raw = NULL;
	sqlite3_stmt *stmt = NULL;
	int64_t number = 0;
	int rc;

	ck_assert_int_eq(sqlite3_open(kit.path, &raw), SQLITE_OK);
	sqlite3_busy_timeout(raw, 5000);
	ck_assert_int_eq(sqlite3_exec(raw,
			     "PRAGMA synchronous = OFF; "
			     "PRAGMA foreign_keys = OFF; "
			     "PRAGMA ignore_check_constraints = ON",
			     NULL, NULL, NULL),
	    SQLITE_OK);
	rc = sqlite3_prepare_v2(raw, sql, -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	ck_assert_msg(rc == SQLITE_ROW || rc == SQLITE_DONE, "%s: %s", sql,
	    sqlite3_errmsg(raw));
	if (rc == SQLITE_ROW)
		number = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(raw);
	return number;
}

void
kit_sql(const char *fmt, ...)
{
	char sql[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(sql, sizeof(sql), fmt, args);
	va_end(args);
	sql_run(sql);
}

int64_t
kit_sql_number(const char *fmt, ...)
{
	char sql[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(sql, sizeof(sql), fmt, args);
	va_end(args);
	return sql_run(sql);
}

uint32_t
kit_random(uint32_t below)
{
	static uint64_t state = 0x9e3779b97f4a7c15ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % below;
}
