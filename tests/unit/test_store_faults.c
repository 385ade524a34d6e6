/* The store when its disk fails, is full, or its process is killed: what was
 * acknowledged is there, what was refused is not, and nothing is half
 * (CASES D1, D2, D4). */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault_disk.h"
#include "store_kit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A change of the tests: so many members, each with its row of history. */
#define MEMBERS 3

/* Makes change number i; false when it was refused, and then undone. */
static bool
change_make(struct store *store, int i, struct err *err)
{
	bool ok = store_begin(store, err);

	for (int k = 0; ok && k < MEMBERS; k++) {
		char id[32];
		struct member member = { .status = MEMBER_ACTIVE };
		struct history_row row = { .actor = STR("system"),
			.action = STR("member.add") };
		int64_t generation = 0;

		snprintf(id, sizeof(id), "change-%d-%d", i, k);
		member.id = str_from(id);
		member.username = str_from(id);
		row.subject = str_from(id);
		ok = store_savepoint(store, err) &&
		     store_next_generation(store, &generation, err) &&
		     store_put_member(store, &member, generation, err) &&
		     store_add_history(store, &row, err) &&
		     store_release(store, err);
	}
	if (ok && store_commit(store, err))
		return true;
	store_rollback(store);
	return false;
}

/* How many changes are in the store; it fails when one of them is half. */
static int
changes_in(struct store *store, const char *says)
{
	struct arena arena = { 0 };
	struct state state;
	int64_t rows = 0;
	int64_t broken = 0;
	int64_t any = 0;
	int64_t data = 0;
	int members;

	KIT_OK(store_begin_read(store, &kit.err));
	KIT_OK(store_state(store, &arena, &state, &kit.err));
	KIT_OK(store_history_verify(store, &rows, &broken, &kit.err));
	KIT_OK(store_generation(store, &any, &data, &kit.err));
	store_rollback(store);
	members = (int)state.member_count;
	arena_free(&arena);
	ck_assert_msg(broken == 0, "%s: row %lld", says, (long long)broken);
	ck_assert_msg(members % MEMBERS == 0 && rows == members &&
			  any == members && data == members,
	    "%s: %d members, %lld rows, generation %lld", says, members,
	    (long long)rows, (long long)any);
	return members / MEMBERS;
}

static int
changes_at(const char *path, const char *says)
{
	struct store *store = NULL;
	int changes;

	KIT_OK(store_open(&store, path, STORE_WRITE, &kit.err));
	changes = changes_in(store, says);
	store_close(store);
	return changes;
}

#define text(...) (str_fmt(&kit.arena, __VA_ARGS__).ptr)

static void
path_new(const char *name, int n)
{
	kit_close();
	snprintf(kit.path, sizeof(kit.path), "%s/%s%d.db", kit.folder, name, n);
}

static void
file_copy(const char *from, const char *to)
{
	char bytes[65536];
	FILE *in = fopen(from, "r");
	FILE *out = fopen(to, "w");
	size_t len;

	ck_assert_ptr_nonnull(in);
	ck_assert_ptr_nonnull(out);
	while ((len = fread(bytes, 1, sizeof(bytes), in)) > 0)
		ck_assert_uint_eq(fwrite(bytes, 1, len, out), len);
	fclose(in);
	ck_assert_int_eq(fclose(out), 0);
}

/* As a crash of the machine would leave it: what every process knew of the
 * log is gone, and the log itself is read again. */
static int
changes_after_crash(const char *says)
{
	const char *copy = text("%s.crash", kit.path);

	file_copy(kit.path, copy);
	file_copy(text("%s-wal", kit.path), text("%s-wal", copy));
	(void)remove(text("%s-shm", copy));
	return changes_at(copy, says);
}

/* --- A disk that fails ---------------------------------------------------- */

/* clang-format off */
static const struct { const char *says; unsigned ops; int rc; bool once; const char *code; } faults[] = {
	{ "D2 one write does not fit",     DISK_WRITE,    SQLITE_FULL,            true,  "store_full" },
	{ "D2 the disk is full",           DISK_WRITE,    SQLITE_FULL,            false, "store_full" },
	{ "D2 one write fails",            DISK_WRITE,    SQLITE_IOERR_WRITE,     true,  "store_io" },
	{ "D2 every write fails",          DISK_WRITE,    SQLITE_IOERR_WRITE,     false, "store_io" },
	{ "D2 one sync fails",             DISK_SYNC,     SQLITE_IOERR_FSYNC,     true,  "store_io" },
	{ "D2 every sync fails",           DISK_SYNC,     SQLITE_IOERR_FSYNC,     false, "store_io" },
	{ "D2 one truncation fails",       DISK_TRUNCATE, SQLITE_IOERR_TRUNCATE,  true,  "store_io" },
	{ "D2 one read fails",             DISK_READ,     SQLITE_IOERR_READ,      true,  "store_io" },
	{ "D2 every read fails",           DISK_READ,     SQLITE_IOERR_READ,      false, "store_io" },
	{ "D2 a file cannot be opened",    DISK_OPEN,     SQLITE_CANTOPEN,        true,  "store_open" },
};
/* clang-format on */

static void
code_is(const char *says, int n, const char *wanted)
{
	ck_assert_msg(kit.err.code != NULL && strcmp(kit.err.code, wanted) == 0,
	    "%s: the %dth: %s [%s], wanted %s", says, n, kit.err.text,
	    kit.err.code != NULL ? kit.err.code : "no code", wanted);
	kit.err = (struct err){ 0 };
}

/* The nth operation of a change fails, for each n until none is left. */
START_TEST(d2_nth_operation_of_a_change_fails)
{
	const char *says = faults[_i].says;
	int fired = 0;

	for (int n = 1;; n++) {
		int before = 3;
		int after;
		bool done;

		path_new("change", n);
		kit_open(STORE_WRITE);
		for (int i = 1; i <= before; i++)
			KIT_OK(change_make(kit.store, i, &kit.err));
		disk_fail(faults[_i].ops, n, faults[_i].rc, faults[_i].once);
		done = change_make(kit.store, before + 1, &kit.err);
		fired += disk_has_failed();
		if (!done) {
			ck_assert_msg(disk_has_failed(), "%s", says);
			code_is(says, n, faults[_i].code);
		}
		after = disk_has_failed() ? n : 0;
		disk_fail(0, 0, 0, true);
		/* Reading goes on, and says what the answer said. */
		ck_assert_msg(
		    changes_in(kit.store, says) == before + done, "%s", says);
		/* When no sync works at all, nobody can know. */
		if (faults[_i].once || faults[_i].ops != DISK_SYNC)
			ck_assert_msg(
			    changes_after_crash(says) == before + done,
			    "%s: the %dth, after a crash", says, n);
		else
			(void)changes_after_crash(says);
		/* And so does writing. */
		KIT_OK(change_make(kit.store, 99, &kit.err));
		ck_assert_int_eq(
		    changes_in(kit.store, says), before + done + 1);
		kit_close();
		ck_assert_int_eq(changes_at(kit.path, says), before + done + 1);
		if (after == 0)
			break;
	}
	if ((faults[_i].ops & (DISK_WRITE | DISK_SYNC)) != 0)
		ck_assert_msg(fired > 0, "%s", says);
}
END_TEST

/* The nth operation of the making or migrating of a store fails: the next one
 * who opens it makes it whole. */
START_TEST(d2_nth_operation_of_opening_fails)
{
	const char *says = faults[_i].says;

	for (int n = 1;; n++) {
		bool fired;
		bool done;

		path_new("open", n);
		disk_fail(faults[_i].ops, n, faults[_i].rc, faults[_i].once);
		done = store_open(&kit.store, kit.path, STORE_WRITE, &kit.err);
		fired = disk_has_failed();
		disk_fail(0, 0, 0, true);
		if (!done)
			code_is(says, n, faults[_i].code);
		kit_open(STORE_WRITE);
		KIT_OK(change_make(kit.store, 1, &kit.err));
		ck_assert_int_eq(changes_in(kit.store, says), 1);
		if (!fired)
			break;
	}
}
END_TEST

/* A reader gets everything or an error, whatever read fails. */
START_TEST(d2_nth_read_fails)
{
	enum { CHANGES = 200 };

	for (int i = 1; i <= CHANGES; i++)
		KIT_OK(change_make(kit.store, i, &kit.err));
	kit_close();
	for (int n = 1;; n++) {
		struct arena arena = { 0 };
		struct store *store = NULL;
		struct state state;
		bool done;
		bool fired;

		disk_fail(DISK_READ, n, SQLITE_IOERR_READ, true);
		done = store_open(&store, kit.path, STORE_READ, &kit.err) &&
		       store_state(store, &arena, &state, &kit.err);
		fired = disk_has_failed();
		disk_fail(0, 0, 0, true);
		if (done)
			ck_assert_uint_eq(
			    state.member_count, CHANGES * MEMBERS);
		else
			code_is("a read", n, "store_io");
		store_close(store);
		arena_free(&arena);
		if (!fired)
			break;
	}
}
END_TEST

/* --- A disk that is full -------------------------------------------------- */

static int
until_full(int from)
{
	int made = 0;

	while (change_make(kit.store, from + made, &kit.err)) {
		made++;
		ck_assert_int_lt(made, 10000);
	}
	code_is("full", made, "store_full");
	ck_assert_int_eq(changes_in(kit.store, "full"), made);
	return made;
}

START_TEST(d2_full_by_pages)
{
	int made;

	KIT_OK(store_set_pages_max(kit.store, 100, &kit.err));
	made = until_full(1);
	ck_assert_int_gt(made, 10);
	for (int i = 0; i < 5; i++)
		KIT_FAILS(change_make(kit.store, 9999, &kit.err), "store_full");
	KIT_OK(store_set_pages_max(kit.store, 1000, &kit.err));
	KIT_OK(change_make(kit.store, 9999, &kit.err));
	ck_assert_int_eq(changes_in(kit.store, "room again"), made + 1);
}
END_TEST

/* The real system says no: a limit of the process on the size of a file. */
START_TEST(d2_full_by_the_system)
{
	int status = -1;
	pid_t child;

	kit_close();
	child = fork();
	if (child == 0) {
		struct rlimit limit = { 400 * 1024, 400 * 1024 };

		signal(SIGXFSZ, SIG_IGN);
		kit_open(STORE_WRITE);
		ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
		_exit(until_full(1) > 1 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	kit_open(STORE_WRITE);
	ck_assert_int_gt(changes_in(kit.store, "after full"), 1);
	KIT_OK(change_make(kit.store, 9999, &kit.err));
}
END_TEST

/* --- A loss of power ------------------------------------------------------ */

static struct {
	const char *from;
	const char *to;
	int acknowledged;
	int looks;
} power;

/* Each moment may be the last: the store that is left then opens, is whole,
 * and has what was acknowledged. */
static void
power_look(void)
{
	int changes;

	if (kit_random(8) != 0)
		return;
	(void)remove(text("%s/store.db-shm", power.to));
	(void)remove(text("%s/store.db-wal", power.to));
	disk_after_power_loss(power.to);
	power.looks++;
	changes =
	    changes_at(text("%s/store.db", power.to), "after a loss of power");
	ck_assert_msg(
	    changes == power.acknowledged || changes == power.acknowledged + 1,
	    "%d changes, %d acknowledged", changes, power.acknowledged);
}

START_TEST(d1_loss_of_power)
{
	kit_close();
	power.from = text("%s/from", kit.folder);
	power.to = text("%s/to", kit.folder);
	ck_assert_int_eq(mkdir(power.from, 0700), 0);
	ck_assert_int_eq(mkdir(power.to, 0700), 0);
	snprintf(kit.path, sizeof(kit.path), "%s/store.db", power.from);
	disk_watch(power.from, power_look);
	kit_open(STORE_WRITE);
	while (power.looks < 400) {
		KIT_OK(
		    change_make(kit.store, power.acknowledged + 1, &kit.err));
		power.acknowledged++;
		if (kit_random(10) == 0)
			kit_open(STORE_WRITE); /* closed: the log is emptied */
	}
	disk_watch(NULL, NULL);
	ck_assert_int_eq(
	    changes_in(kit.store, "at the end"), power.acknowledged);
}
END_TEST

/* --- kill -9 -------------------------------------------------------------- */

/* Makes changes until it is killed, and tells each that was acknowledged. */
static void
victim(int to, int first)
{
	kit_open(STORE_WRITE);
	for (int i = first;; i++) {
		KIT_OK(change_make(kit.store, i, &kit.err));
		if (write(to, "+", 1) != 1)
			_exit(1);
		if (i % 7 == 0)
			kit_open(STORE_WRITE);
	}
}

static int
acknowledged_by(int from)
{
	char bytes[4096];
	int count = 0;
	ssize_t len;

	while ((len = read(from, bytes, sizeof(bytes))) > 0)
		count += (int)len;
	return count;
}

static int
kill_once(int first)
{
	int ends[2];
	pid_t child;

	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		close(ends[0]);
		victim(ends[1], first);
	}
	close(ends[1]);
	usleep(kit_random(12000));
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	int count = acknowledged_by(ends[0]);

	close(ends[0]);
	return count;
}

START_TEST(d1_killed_200_times)
{
	int present = 0;
	int gone = 0;

	kit_close();
	for (int i = 0; i < 200; i++) {
		int acknowledged;
		int now;

		if (i % 20 == 0) {
			path_new("killed", i);
			present = 0;
		}
		acknowledged = kill_once(present + 1);
		now = changes_at(kit.path, "after kill -9");
		ck_assert_msg(now == present + acknowledged ||
				  now == present + acknowledged + 1,
		    "%d were there, %d acknowledged, %d are there", present,
		    acknowledged, now);
		gone += now - present;
		present = now;
	}
	ck_assert_int_gt(gone, 0);
}
END_TEST

/* Who reads while changes are made sees whole ones. */
START_TEST(d1_reader_sees_whole_changes)
{
	struct store *reader = NULL;
	int ends[2];
	int last = 0;
	pid_t child;

	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		kit.store = NULL; /* the parent's */
		victim(ends[1], 1);
	}
	KIT_OK(store_open(&reader, kit.path, STORE_READ, &kit.err));
	while (last < 300) {
		int now = changes_in(reader, "beside a writer");

		ck_assert_int_ge(now, last);
		last = now;
	}
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	store_close(reader);
}
END_TEST

/* --- Backup --------------------------------------------------------------- */

/* What `sqlite3 FILE ".backup COPY"` does. */
static void
backup_take(const char *to)
{
	sqlite3_backup *backup;
	sqlite3 *from_db = NULL;
	sqlite3 *to_db = NULL;
	int rc;

	ck_assert_int_eq(sqlite3_open(kit.path, &from_db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_open(to, &to_db), SQLITE_OK);
	sqlite3_busy_timeout(from_db, 5000);
	backup = sqlite3_backup_init(to_db, "main", from_db, "main");
	ck_assert_ptr_nonnull(backup);
	do
		rc = sqlite3_backup_step(backup, 5);
	while (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED);
	ck_assert_int_eq(rc, SQLITE_DONE);
	ck_assert_int_eq(sqlite3_backup_finish(backup), SQLITE_OK);
	sqlite3_close(to_db);
	sqlite3_close(from_db);
}

START_TEST(d4_backup_while_somebody_writes)
{
	int ends[2];
	int last = 0;
	pid_t child;

	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		kit.store = NULL; /* the parent's */
		victim(ends[1], 1);
	}
	for (int i = 0; i < 10 || last == 0; i++) {
		const char *copy = text("%s/copy%d.db", kit.folder, i);
		int now;

		backup_take(copy);
		now = changes_at(copy, "a backup");
		ck_assert_int_ge(now, last);
		last = now;
	}
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

static void
fault_tests(TCase *t)
{
	kit_tests(t);
	tcase_add_unchecked_fixture(t, disk_install, NULL);
	tcase_add_loop_test(
	    t, d2_nth_operation_of_a_change_fails, 0, COUNT(faults));
	tcase_add_loop_test(
	    t, d2_nth_operation_of_opening_fails, 0, COUNT(faults));
	tcase_add_test(t, d2_nth_read_fails);
	tcase_add_test(t, d2_full_by_pages);
	tcase_add_test(t, d2_full_by_the_system);
	tcase_add_test(t, d1_loss_of_power);
	tcase_add_test(t, d1_killed_200_times);
	tcase_add_test(t, d1_reader_sees_whole_changes);
	tcase_add_test(t, d4_backup_while_somebody_writes);
}

UNIT_MAIN("store_faults", fault_tests)
