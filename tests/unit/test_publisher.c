#include "publish/publisher.h"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define NS "t[1]*" /* what Redis would read as a pattern */

static char folder[64];
static char redis_socket[96];
static char proxy_socket[96];
static char store_path[96];
static pid_t redis_pid;
static struct publisher publisher = { .key = { { 7, 8, 9 } } };
static struct arena arena;
static int64_t generation;

/* --- Redis, store and publisher ------------------------------------------- */

static void
ok(bool done, const struct err *e)
{
	ck_assert_msg(done, "%s [%s]", e->text, e->code);
}

static void
redis_start(void)
{
	ck_assert_int_ge(redis_pid = fork(), 0);
	if (redis_pid == 0) {
		/* A test that fails leaves no server behind. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (freopen("/dev/null", "w", stdout) == NULL)
			_exit(126);
		execlp("redis-server", "redis-server", "--port", "0",
		    "--unixsocket", redis_socket, "--save", "", "--appendonly",
		    "no", "--dir", folder, (char *)NULL);
		_exit(127);
	}
}

static void
redis_stop(void)
{
	kill(redis_pid, SIGKILL);
	waitpid(redis_pid, NULL, 0);
	unlink(redis_socket);
}

static struct redis *
connect_to(const char *path)
{
	struct redis_config config = {
		.address = str_fmt(&arena, "unix:%s", path), .timeout_ms = 2000
	};
	struct redis *redis = NULL;
	struct err e = { 0 };

	for (int i = 0; i < 200; i++) {
		e = (struct err){ 0 };
		if (redis_open(&redis, &config, &e))
			return redis;
		usleep(20000);
	}
	ck_abort_msg("%s", e.text);
	return NULL;
}

static void
store_start(void)
{
	struct err e = { 0 };

	ok(store_open(&publisher.store, store_path, STORE_WRITE, &e), &e);
}

static void
store_stop(void)
{
	store_close(publisher.store);
	publisher.store = NULL;
}

static void
setup(void)
{
	snprintf(folder, sizeof(folder), "/tmp/rolegate-pub.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(redis_socket, sizeof(redis_socket), "%s/r", folder);
	snprintf(proxy_socket, sizeof(proxy_socket), "%s/p", folder);
	snprintf(store_path, sizeof(store_path), "%s/state.db", folder);
	redis_start();
	publisher.ns = STR(NS);
	publisher.redis = connect_to(redis_socket);
	store_start();
}

static void
teardown(void)
{
	char command[128];

	redis_close(publisher.redis);
	store_stop();
	redis_stop();
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
	arena_free(&arena);
}

/* A command that redis.h does not have. */
static long long
tell_redis(const char *format, ...)
{
	redisContext *c = redisConnectUnix(redis_socket);
	redisReply *reply;
	long long number;
	va_list args;

	ck_assert_ptr_nonnull(c);
	va_start(args, format);
	reply = redisvCommand(c, format, args);
	va_end(args);
	ck_assert_ptr_nonnull(reply);
	ck_assert_msg(reply->type != REDIS_REPLY_ERROR, "%s", reply->str);
	number = reply->integer;
	if (reply->type == REDIS_REPLY_STRING) {
		const char *changes =
		    strstr(reply->str, "rdb_changes_since_last_save:");

		if (changes != NULL)
			number = atoll(strchr(changes, ':') + 1);
	}
	freeReplyObject(reply);
	redisFree(c);
	return number;
}

/* Counts every key that was written since the server's start. */
static long long
writes_seen(void)
{
	return tell_redis("INFO persistence");
}

static struct str
key_of(enum record_kind kind, const char *name)
{
	return record_name(&arena, STR(NS), kind, str_from(name));
}

static struct str
value_of(enum record_kind kind, const char *name)
{
	struct str value;
	struct err e = { 0 };

	ok(redis_get(publisher.redis, &arena, key_of(kind, name), &value, &e),
	    &e);
	return value;
}

/* Every key and value, as one text. */
static struct str
dump(void)
{
	struct str all = STR("");
	struct names keys;
	struct str *values;
	struct err e = { 0 };
	size_t len = 0;
	char *to;

	ok(redis_keys(publisher.redis, &arena, STR("rolegate:{"), &keys, &e),
	    &e);
	values = ARENA_ARRAY(&arena, struct str, keys.count);
	ok(redis_get_all(publisher.redis, &arena, keys, values, &e), &e);
	for (size_t i = 0; i < keys.count; i++)
		len += keys.items[i].len + values[i].len + 1;
	to = arena_alloc(&arena, len + 1, 1);
	all = (struct str){ to, len };
	for (size_t i = 0; i < keys.count; i++)
		to += sprintf(to, "%.*s\n%.*s", STR_ARGS(keys.items[i]),
		    STR_ARGS(values[i]));
	return all;
}

static struct publish_counts
drain(void)
{
	struct publish_counts counts = { 0 };
	struct err e = { 0 };

	ok(publish_drain(&publisher, &counts, &e), &e);
	return counts;
}

static struct publish_counts
write_all(void)
{
	struct publish_counts counts = { 0 };
	struct err e = { 0 };

	ok(publish_all(&publisher, &counts, &e), &e);
	return counts;
}

static const char *
drain_fails(void)
{
	struct publish_counts counts = { 0 };
	struct err e = { 0 };

	ck_assert(!publish_drain(&publisher, &counts, &e));
	return e.code;
}

/* What is there is what a rebuild from nothing would write. */
static void
view_is_the_truth(const char *when)
{
	struct str drained = dump();
	struct str rebuilt;

	tell_redis("FLUSHALL");
	write_all();
	rebuilt = dump();
	ck_assert_msg(str_eq(drained, rebuilt),
	    "%s\n--- is\n%.*s\n--- not\n%.*s", when, STR_ARGS(drained),
	    STR_ARGS(rebuilt));
}

/* --- Changes, as src/admin/ makes them ------------------------------------ */

static void
begin(void)
{
	struct err e = { 0 };

	ok(store_begin(publisher.store, &e), &e);
	ok(store_next_generation(publisher.store, &generation, &e), &e);
}

static void
end(struct str touches)
{
	struct history_row row = { .at_ms = 1,
		.actor = STR("system"),
		.action = STR("test"),
		.subject = STR("x"),
		.touches = touches };
	struct err e = { 0 };

	ok(store_add_history(publisher.store, &row, &e), &e);
	ok(store_commit(publisher.store, &e), &e);
}

static void
member_add(const char *id, const char *username)
{
	struct member member = { .id = str_from(id),
		.username = str_from(username),
		.status = MEMBER_ACTIVE };
	struct err e = { 0 };

	begin();
	ok(store_put_member(publisher.store, &member, generation, &e), &e);
	end(str_fmt(&arena, "member:%s\n", id));
}

static void
account_put(const char *id, const char *parent, enum account_status status)
{
	struct account account = { .id = str_from(id),
		.parent_id = str_from(parent),
		.kind = ACCOUNT_SHARED,
		.level = STR("account"),
		.catalogue = *parent == '\0' ? STR("small") : STR(""),
		.status = status };
	struct err e = { 0 };

	begin();
	ok(store_put_account(
	       publisher.store, &account, STR(""), generation, &e),
	    &e);
	end(str_fmt(&arena, "account:%s\n", id));
}

static void
grant_change(const char *member, const char *account, bool add)
{
	struct grant grant = { .account = str_from(account),
		.role = STR("editor"),
		.source = STR("local") };
	struct err e = { 0 };

	begin();
	ok(add ? store_put_grant(publisher.store, str_from(member), &grant, &e)
	       : store_delete_grant(publisher.store, str_from(member),
		     grant.account, grant.role, grant.source, &e),
	    &e);
	ok(store_touch_member(
	       publisher.store, str_from(member), generation, &e),
	    &e);
	end(str_fmt(&arena, "member:%s", member));
}

static void
session_change(const char *digest, const char *member, bool add)
{
	struct session session = { .digest = str_from(digest),
		.member_id = str_from(member),
		.expires_s = 99 };
	struct err e = { 0 };

	begin();
	ok(add ? store_put_session(publisher.store, &session, generation, &e)
	       : store_delete_session(publisher.store, session.digest, &e),
	    &e);
	end(str_fmt(&arena, "session:%s\n", digest));
}

static void
catalogue_put(const char *body)
{
	struct err e = { 0 };

	begin();
	ok(store_put_catalogue(
	       publisher.store, STR("small"), str_from(body), generation, &e),
	    &e);
	end(STR("catalogue:small\n"));
}

#define SMALL                                                           \
	"catalogue\tsmall\tplain\teditor\t\nrole\teditor\tplain\t\t1\n" \
	"permission\tcalls.view\t\tany\t\t1\n"

/* Two members, root and leaf, a grant, a session, a catalogue. */
static void
world_make(void)
{
	catalogue_put(SMALL);
	member_add("m0", "Ann");
	member_add("m1", "bob");
	account_put("root", "", ACCOUNT_ACTIVE);
	account_put("leaf", "root", ACCOUNT_ACTIVE);
	grant_change("m1", "leaf", true);
	session_change("00ff", "m1", true);
}

/* --- What a drain does ---------------------------------------------------- */

START_TEST(empty_store_is_a_view_of_nothing)
{
	struct publish_counts counts = drain();

	ck_assert_int_eq(counts.records, 0);
	ck_assert_int_eq(counts.generation, 0);
	ck_assert_ptr_nonnull(value_of(RECORD_GENERATION, "").ptr);
	ck_assert_int_eq(drain().records, 0);
	view_is_the_truth("an empty store");
}
END_TEST

START_TEST(first_drain_writes_everything_W7)
{
	world_make();
	ck_assert_int_eq(drain().records, 6);
	ck_assert_ptr_nonnull(value_of(RECORD_MEMBER, "ann").ptr);
	ck_assert_ptr_nonnull(value_of(RECORD_ACCOUNT, "leaf").ptr);
	ck_assert_ptr_nonnull(value_of(RECORD_CATALOGUE, "small").ptr);
	ck_assert_ptr_nonnull(value_of(RECORD_SESSION, "00ff").ptr);
	view_is_the_truth("the first drain");
}
END_TEST

START_TEST(drain_writes_what_was_touched)
{
	struct publish_counts counts;

	world_make();
	drain();
	grant_change("m1", "leaf", false);
	counts = drain();
	ck_assert_int_eq(counts.records, 1);
	ck_assert_int_eq(counts.deleted, 0);
	ck_assert_int_eq(counts.generation, generation);
	view_is_the_truth("a grant that is gone");
}
END_TEST

START_TEST(account_is_written_with_all_below_it)
{
	world_make();
	drain();
	account_put("root", "", ACCOUNT_SUSPENDED);
	ck_assert_int_eq(drain().records, 2);
	view_is_the_truth("a root that was suspended");
}
END_TEST

START_TEST(names_that_are_gone_are_deleted)
{
	struct err e = { 0 };
	struct member ann = { .id = STR("m0"),
		.username = STR("Anna"),
		.status = MEMBER_ACTIVE };

	world_make();
	drain();
	begin();
	ok(store_put_member(publisher.store, &ann, generation, &e), &e);
	end(STR("member:m0\nusername:Ann\n"));
	begin();
	ok(store_delete_member(publisher.store, STR("m1"), &e), &e);
	end(STR("member:m1\nusername:bob\nsession:00ff\n"));
	begin();
	ok(store_delete_account(publisher.store, STR("leaf"), &e), &e);
	end(STR("account:leaf\n"));
	ck_assert_int_eq(drain().deleted, 4);
	ck_assert_ptr_null(value_of(RECORD_MEMBER, "ann").ptr);
	ck_assert_ptr_null(value_of(RECORD_MEMBER, "bob").ptr);
	ck_assert_ptr_null(value_of(RECORD_ACCOUNT, "leaf").ptr);
	ck_assert_ptr_null(value_of(RECORD_SESSION, "00ff").ptr);
	ck_assert_ptr_nonnull(value_of(RECORD_MEMBER, "anna").ptr);
	view_is_the_truth("members and accounts that are gone");
}
END_TEST

START_TEST(name_that_somebody_else_took_is_theirs)
{
	struct err e = { 0 };
	struct member ann = { .id = STR("m0"),
		.username = STR("anna"),
		.status = MEMBER_ACTIVE };
	struct member bob = {
		.id = STR("m1"), .username = STR("ANN"), .status = MEMBER_ACTIVE
	};

	world_make();
	drain();
	begin();
	ok(store_put_member(publisher.store, &ann, generation, &e), &e);
	end(STR("member:m0\nusername:Ann\n"));
	begin();
	ok(store_put_member(publisher.store, &bob, generation, &e), &e);
	end(STR("member:m1\nusername:bob\nsession:00ff\n"));
	drain();
	view_is_the_truth("a username that changed hands");
	ck_assert_ptr_nonnull(memmem(value_of(RECORD_MEMBER, "ann").ptr,
	    value_of(RECORD_MEMBER, "ann").len, "\nmember\tANN\t", 12));
}
END_TEST

START_TEST(nothing_changed_writes_nothing_PL9)
{
	long long before;

	world_make();
	drain();
	before = writes_seen();
	for (int i = 0; i < 3; i++) {
		struct publish_counts counts = drain();

		ck_assert_int_eq(counts.records + counts.deleted, 0);
	}
	ck_assert_int_eq(writes_seen(), before);
}
END_TEST

START_TEST(many_touched_records_end_in_the_same_bytes)
{
	struct err e = { 0 };

	world_make();
	drain();
	/* More names than a drain keeps, some twice, one not known. */
	for (int i = 0; i < 10100; i++) {
		struct history_row row = { .at_ms = 1,
			.actor = STR("system"),
			.action = STR("test"),
			.touches =
			    str_fmt(&arena, "username:u%d\nmember:m1\n", i) };

		if (i % 1000 == 0)
			begin();
		ok(store_add_history(publisher.store, &row, &e), &e);
		if (i % 1000 == 999 || i == 10099)
			ok(store_commit(publisher.store, &e), &e);
	}
	drain();
	view_is_the_truth("a drain of many");
	begin();
	end(STR("planet:mars\n"));
	ck_assert_int_eq(drain().records, 6);
	view_is_the_truth("a touch of no known kind");
}
END_TEST

START_TEST(record_over_its_bound_publishes_nothing)
{
	static char text[256];
	static struct str filters[32];
	struct grant grant = { .account = STR("leaf"),
		.source = STR("local"),
		.filters = { filters, 32 } };
	struct str before;
	struct err e = { 0 };

	world_make();
	drain();
	before = dump();
	memset(text, 'f', sizeof(text));
	for (int i = 0; i < 32; i++)
		filters[i] = (struct str){ text, sizeof(text) };
	begin();
	for (int i = 0; i < 70; i++) {
		grant.role = str_fmt(&arena, "r%d", i);
		ok(store_put_grant(publisher.store, STR("m1"), &grant, &e), &e);
	}
	end(STR("member:m0\nmember:m1\n"));
	ck_assert_str_eq(drain_fails(), "record_too_large");
	redis_close(publisher.redis);
	publisher.redis = connect_to(redis_socket);
	ck_assert(str_eq(dump(), before));
}
END_TEST

/* --- A view that is not what the mark says -------------------------------- */

START_TEST(lost_view_is_rebuilt_W7)
{
	world_make();
	drain();
	tell_redis("FLUSHALL");
	ck_assert_int_eq(drain().records, 6);
	view_is_the_truth("after FLUSHALL");
	tell_redis("DEL %b", key_of(RECORD_GENERATION, "").ptr,
	    key_of(RECORD_GENERATION, "").len);
	ck_assert_int_eq(drain().records, 6);
	view_is_the_truth("without a generation");
	redis_stop();
	redis_start();
	redis_close(publisher.redis);
	publisher.redis = connect_to(redis_socket);
	ck_assert_int_eq(drain().records, 6);
}
END_TEST

START_TEST(view_with_another_key_is_rebuilt)
{
	world_make();
	drain();
	publisher.key.bytes[0] ^= 1;
	ck_assert_int_eq(drain().records, 6);
	view_is_the_truth("a new key");
}
END_TEST

START_TEST(view_behind_the_mark_is_rebuilt)
{
	struct str key;
	struct str old;

	world_make();
	drain();
	key = key_of(RECORD_GENERATION, "");
	old = value_of(RECORD_GENERATION, "");
	grant_change("m1", "leaf", false);
	drain();
	/* A Redis that came back from an older copy. */
	tell_redis("SET %b %b", key.ptr, key.len, old.ptr, old.len);
	ck_assert_int_eq(drain().records, 6);
	view_is_the_truth("an older copy");
}
END_TEST

static void
copy_file(const char *from, const char *to)
{
	char command[512];

	snprintf(command, sizeof(command), "rm -f %s-wal %s-shm && cp %s %s",
	    to, to, from, to);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(restored_store_does_not_go_backwards_by_itself)
{
	char backup[128];
	struct str before;

	snprintf(backup, sizeof(backup), "%s.backup", store_path);
	world_make();
	drain();
	store_stop();
	copy_file(store_path, backup);
	store_start();
	grant_change("m1", "leaf", false);
	grant_change("m0", "root", true);
	drain();
	before = dump();

	store_stop();
	copy_file(backup, store_path);
	store_start();
	ck_assert_str_eq(drain_fails(), "view_other_history");
	/* Also when the restored store has grown past the view. */
	for (int i = 0; i < 5; i++)
		grant_change("m0", "leaf", i % 2 == 0);
	ck_assert_str_eq(drain_fails(), "view_other_history");
	ck_assert(str_eq(dump(), before));
	ck_assert_int_eq(write_all().records, 6);
	drain();
	view_is_the_truth("publish --all after a restore");
}
END_TEST

START_TEST(all_takes_away_what_should_not_be_there)
{
	struct str stray = key_of(RECORD_MEMBER, "mallory");
	struct str beat = key_of(RECORD_HEARTBEAT, "");
	struct err e = { 0 };

	world_make();
	drain();
	ok(publish_heartbeat(&publisher, 1700000000123, &e), &e);
	tell_redis("SET %b x", stray.ptr, stray.len);
	tell_redis("SET rolegate:{other}:member:ann x");
	tell_redis("SET %s x", "rolegate:{t1}:member:ann");
	ck_assert_int_eq(write_all().deleted, 1);
	ck_assert_ptr_null(value_of(RECORD_MEMBER, "mallory").ptr);
	ck_assert_ptr_nonnull(value_of(RECORD_HEARTBEAT, "").ptr);
	ck_assert_int_eq(tell_redis("EXISTS rolegate:{other}:member:ann"), 1);
	ck_assert_int_eq(tell_redis("EXISTS rolegate:{t1}:member:ann"), 1);
	tell_redis("DEL %b rolegate:{other}:member:ann "
		   "rolegate:{t1}:member:ann",
	    beat.ptr, beat.len);
	view_is_the_truth("strays");
}
END_TEST

START_TEST(heartbeat_does_not_vouch_for_a_lost_view)
{
	struct str key = key_of(RECORD_HEARTBEAT, "");
	struct record record = { 0 };
	struct err e = { 0 };
	int64_t number = 0;

	world_make();
	drain();
	ok(publish_heartbeat(&publisher, 1700000000123, &e), &e);
	ok(record_open(&record, &publisher.key, key,
	       value_of(RECORD_HEARTBEAT, ""), &e),
	    &e);
	ok(record_read_number(&record, &number, &e), &e);
	ck_assert_int_eq(number, 1700000000123);
	tell_redis("FLUSHALL");
	ck_assert(!publish_heartbeat(&publisher, 1700000000124, &e));
	ck_assert_str_eq(e.code, "view_not_ready");
	ck_assert_int_eq(e.kind, ERR_REACH);
	ck_assert_ptr_null(value_of(RECORD_HEARTBEAT, "").ptr);
}
END_TEST

/* --- Random changes ------------------------------------------------------- */

#define MEMBERS	 5
#define ACCOUNTS 7

static unsigned
chance(unsigned below)
{
	static uint64_t state = 42;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % below;
}

static const char *
id_of(const char *letter, unsigned below)
{
	return str_fmt(&arena, "%s%u", letter, chance(below)).ptr;
}

/* A member of this id gets a new name, with all that shows the old one. */
static void
member_random(void)
{
	static const char *const names[] = { "ann", "Bob", "CLEO", "dan", "Eve",
		"fay", "gus" };
	const char *id = id_of("m", MEMBERS);
	const char *name = names[chance(7)];
	struct member old = { 0 };
	struct member taken = { 0 };
	struct member new = { .id = str_from(id),
		.username = str_from(name),
		.status = MEMBER_ACTIVE };
	struct session *sessions = NULL;
	struct state state = { 0 };
	struct str touches;
	size_t count = 0;
	struct err e = { 0 };
	enum found had =
	    store_member_by_id(publisher.store, &arena, new.id, &old, &e);

	if (store_member(publisher.store, &arena, new.username, &taken, &e) ==
		FOUND_YES &&
	    !str_eq(taken.id, new.id))
		return;
	ok(store_state(publisher.store, &arena, &state, &e), &e);
	touches = str_fmt(&arena, "member:%s\n", id);
	begin();
	ok(store_put_member(publisher.store, &new, generation, &e), &e);
	if (had == FOUND_YES) {
		touches = str_fmt(&arena, "%susername:%.*s\n", touches.ptr,
		    STR_ARGS(old.username));
		ok(store_sessions(
		       publisher.store, &arena, new.id, &sessions, &count, &e),
		    &e);
		for (size_t i = 0; i < count; i++)
			touches = str_fmt(&arena, "%ssession:%.*s\n",
			    touches.ptr, STR_ARGS(sessions[i].digest));
		for (size_t i = 0; i < state.account_count; i++)
			if (str_eq_fold(state.accounts[i].owner, old.username))
				touches = str_fmt(&arena, "%saccount:%.*s\n",
				    touches.ptr,
				    STR_ARGS(state.accounts[i].id));
	}
	end(touches);
}

static void
member_remove_random(void)
{
	const char *id = id_of("m", MEMBERS);
	struct member old = { 0 };
	struct session *sessions = NULL;
	struct state state = { 0 };
	struct str touches;
	size_t count = 0;
	struct err e = { 0 };

	if (store_member_by_id(
		publisher.store, &arena, str_from(id), &old, &e) != FOUND_YES)
		return;
	ok(store_state(publisher.store, &arena, &state, &e), &e);
	for (size_t i = 0; i < state.account_count; i++)
		if (str_eq_fold(state.accounts[i].owner, old.username))
			return;
	ok(store_sessions(
	       publisher.store, &arena, old.id, &sessions, &count, &e),
	    &e);
	touches = str_fmt(
	    &arena, "member:%s\nusername:%.*s\n", id, STR_ARGS(old.username));
	for (size_t i = 0; i < count; i++)
		touches = str_fmt(&arena, "%ssession:%.*s\n", touches.ptr,
		    STR_ARGS(sessions[i].digest));
	begin();
	ok(store_delete_member(publisher.store, old.id, &e), &e);
	end(touches);
}

static void
account_random(void)
{
	unsigned n = chance(ACCOUNTS);
	struct account account = { .id = str_fmt(&arena, "a%u", n),
		.kind = ACCOUNT_SHARED,
		.level = STR("account"),
		.status = (enum account_status)(ACCOUNT_ACTIVE + chance(4)) };
	const struct account *parent = NULL;
	struct member owner = { 0 };
	struct err e = { 0 };

	if (n > 0 && chance(3) > 0)
		account.parent_id = str_fmt(&arena, "a%u", chance(n));
	if (account.parent_id.len > 0 &&
	    store_account(publisher.store, &arena, account.parent_id, &parent,
		&e) != FOUND_YES)
		return;
	if (account.parent_id.len == 0)
		account.catalogue = STR("small");
	(void)store_member_by_id(
	    publisher.store, &arena, str_from(id_of("m", MEMBERS)), &owner, &e);
	begin();
	ok(store_put_account(
	       publisher.store, &account, owner.id, generation, &e),
	    &e);
	end(str_fmt(&arena, "account:%.*s\n", STR_ARGS(account.id)));
}

static void
account_remove_random(void)
{
	struct str id = str_from(id_of("a", ACCOUNTS));
	struct state state = { 0 };
	struct str touches = str_fmt(&arena, "account:%.*s\n", STR_ARGS(id));
	struct names below;
	struct err e = { 0 };

	ok(store_subtree(publisher.store, &arena, id, &below, &e), &e);
	if (below.count != 1)
		return;
	ok(store_state(publisher.store, &arena, &state, &e), &e);
	begin();
	ok(store_delete_account(publisher.store, id, &e), &e);
	for (size_t m = 0; m < state.member_count; m++)
		for (size_t g = 0; g < state.members[m].grant_count; g++)
			if (str_eq(state.members[m].grants[g].account, id)) {
				ok(store_touch_member(publisher.store,
				       state.members[m].id, generation, &e),
				    &e);
				touches = str_fmt(&arena, "%smember:%.*s\n",
				    touches.ptr, STR_ARGS(state.members[m].id));
				break;
			}
	end(touches);
}

static void
change_random(void)
{
	const char *member = id_of("m", MEMBERS);
	const char *account = id_of("a", ACCOUNTS);
	const struct account *found = NULL;
	struct member has = { 0 };
	struct err e = { 0 };

	switch (chance(8)) {
	case 0:
	case 1:
		member_random();
		return;
	case 2:
		member_remove_random();
		return;
	case 3:
	case 4:
		account_random();
		return;
	case 5:
		account_remove_random();
		return;
	default:
		break;
	}
	if (store_member_by_id(publisher.store, &arena, str_from(member), &has,
		&e) != FOUND_YES)
		return;
	if (chance(3) == 0)
		session_change(id_of("0", 6), member, chance(2) == 0);
	else if (store_account(publisher.store, &arena, str_from(account),
		     &found, &e) == FOUND_YES)
		grant_change(member, account, chance(2) == 0);
}

START_TEST(drains_and_all_end_in_the_same_bytes)
{
	catalogue_put(SMALL);
	for (int i = 0; i < 300; i++) {
		for (unsigned n = chance(4); n > 0; n--)
			change_random();
		drain();
		if (i % 10 == 9)
			view_is_the_truth(str_fmt(&arena, "round %d", i).ptr);
	}
}
END_TEST

/* --- A proxy that watches what a publisher sends -------------------------- */

static int
socket_at(const char *path, bool listening)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int result;

	ck_assert_int_ge(fd, 0);
	strncpy(name.sun_path, path, sizeof(name.sun_path) - 1);
	if (listening) {
		unlink(path);
		result = bind(fd, (struct sockaddr *)&name, sizeof(name));
		ck_assert_int_eq(listen(fd, 4), 0);
	} else
		result = connect(fd, (struct sockaddr *)&name, sizeof(name));
	ck_assert_int_eq(result, 0);
	return fd;
}

/* A process of its own that drains through the proxy. */
static pid_t
drainer(void)
{
	struct publish_counts counts = { 0 };
	struct err e = { 0 };
	pid_t pid;

	store_stop(); /* SQLite handles do not go through a fork */
	pid = fork();
	if (pid != 0) {
		store_start();
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	store_start();
	publisher.redis = connect_to(proxy_socket);
	if (!publish_drain(&publisher, &counts, &e))
		fprintf(stderr, "drainer: %s\n", e.text);
	_exit(e.code == NULL ? 0 : 1);
}

struct proxy {
	int listening;
	int client;
	int server;
	size_t sent; /* bytes of the client that Redis got */
	char seen[1 << 16];
};

static void
proxy_open(struct proxy *proxy, pid_t *pid)
{
	memset(proxy, 0, sizeof(*proxy));
	proxy->listening = socket_at(proxy_socket, true);
	*pid = drainer();
	proxy->client = accept(proxy->listening, NULL, NULL);
	ck_assert_int_ge(proxy->client, 0);
	proxy->server = socket_at(redis_socket, false);
}

static void
proxy_close(struct proxy *proxy)
{
	close(proxy->client);
	close(proxy->server);
	close(proxy->listening);
}

/* Hands bytes on until the client has sent `limit`, or said `word` (which is
 * held back); false when the client went away before. */
static bool
proxy_run(struct proxy *proxy, size_t limit, const char *word)
{
	struct pollfd fds[2] = { { .fd = proxy->client, .events = POLLIN },
		{ .fd = proxy->server, .events = POLLIN } };
	char bytes[4096];
	size_t size;
	ssize_t got;

	while (proxy->sent < limit) {
		ck_assert_int_gt(poll(fds, 2, 10000), 0);
		if (fds[1].revents != 0) {
			got = read(proxy->server, bytes, sizeof(bytes));
			if (got <= 0 || send(proxy->client, bytes, (size_t)got,
					    MSG_NOSIGNAL) != got)
				return false;
		}
		if (fds[0].revents == 0)
			continue;
		size = limit - proxy->sent < sizeof(bytes) ? limit - proxy->sent
							   : sizeof(bytes);
		got = recv(proxy->client, bytes, size, MSG_PEEK);
		if (got <= 0)
			return false;
		if (word != NULL &&
		    memmem(bytes, (size_t)got, word, strlen(word)) != NULL)
			return true;
		got = read(proxy->client, bytes, (size_t)got);
		ck_assert_int_eq(write(proxy->server, bytes, (size_t)got), got);
		proxy->sent += (size_t)got;
	}
	return true;
}

/* T54, PL5: whoever reads sees all of it or nothing, and the next drain ends
 * in the bytes that a rebuild has. */
START_TEST(killed_anywhere_the_next_drain_ends_in_the_same_bytes_T54)
{
	struct proxy proxy;
	bool cut = true;
	int kills = 0;

	world_make();
	drain();
	for (size_t limit = 0; cut; limit += 31, kills++) {
		struct str before = dump();
		struct str after_kill;
		struct str after;
		int status;
		pid_t pid;

		grant_change("m0", "root", kills % 2 == 0);
		grant_change("m1", "leaf", kills % 2 == 0);
		account_put("root", "",
		    kills % 2 == 0 ? ACCOUNT_SUSPENDED : ACCOUNT_ACTIVE);
		proxy_open(&proxy, &pid);
		cut = proxy_run(&proxy, limit, NULL);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		proxy_close(&proxy);
		usleep(1000); /* bytes that are still on their way to Redis */
		after_kill = dump();
		drain();
		after = dump();
		ck_assert_msg(
		    str_eq(after_kill, before) || str_eq(after_kill, after),
		    "PL5: half of it is seen after %zu bytes", limit);
		view_is_the_truth("after a kill");
	}
	ck_assert_int_gt(kills, 20);
}
END_TEST

/* A drainer stops before its EXEC while another one publishes newer records:
 * what it had must not be done. */
START_TEST(older_records_never_replace_newer_ones)
{
	struct proxy proxy;
	int64_t mark = 0;
	struct err e = { 0 };
	int status = 0;
	pid_t pid;

	world_make();
	drain();
	grant_change("m0", "root", true);
	proxy_open(&proxy, &pid);
	ck_assert(proxy_run(&proxy, SIZE_MAX, "EXEC"));
	grant_change("m0", "root", false);
	drain();
	proxy_run(&proxy, SIZE_MAX, NULL);
	waitpid(pid, &status, 0);
	proxy_close(&proxy);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert_ptr_null(memmem(value_of(RECORD_MEMBER, "ann").ptr,
	    value_of(RECORD_MEMBER, "ann").len, "\ngrant", 6));
	ok(store_published(publisher.store, &mark, &e), &e);
	ck_assert_int_eq(mark, generation);
	view_is_the_truth("a race");
}
END_TEST

static void
race(int member)
{
	const char *id = str_fmt(&arena, "m%d", member).ptr;

	store_start();
	publisher.redis = connect_to(redis_socket);
	for (int i = 0; i < 25; i++) {
		grant_change(id, i % 2 == 0 ? "leaf" : "root", i % 3 != 2);
		drain();
	}
	_exit(0);
}

START_TEST(several_at_once_end_in_the_truth)
{
	pid_t pids[3];

	world_make();
	member_add("m2", "cleo");
	drain();
	store_stop();
	for (int i = 0; i < 3; i++)
		if ((pids[i] = fork()) == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			race(i);
		}
	for (int i = 0; i < 3; i++) {
		int status = 0;

		waitpid(pids[i], &status, 0);
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	store_start();
	ck_assert_int_eq(drain().records, 0);
	view_is_the_truth("several at once");
}
END_TEST

/* --- Redis is away, or refuses -------------------------------------------- */

START_TEST(redis_dies_and_the_change_waits_PL5)
{
	world_make();
	drain();
	grant_change("m0", "root", true);
	redis_stop();
	ck_assert_str_eq(drain_fails(), "redis_unreachable");
	ck_assert_str_eq(drain_fails(), "redis_unreachable");
	redis_start();
	redis_close(publisher.redis);
	publisher.redis = connect_to(redis_socket);
	ck_assert_int_eq(drain().records, 6);
	view_is_the_truth("after an outage");
}
END_TEST

START_TEST(frozen_redis_is_waited_for_no_longer_than_said)
{
	struct redis_config config = { .address = str_fmt(
					   &arena, "unix:%s", redis_socket),
		.timeout_ms = 100 };
	struct err e = { 0 };
	struct str value;

	redis_close(publisher.redis);
	ok(redis_open(&publisher.redis, &config, &e), &e);
	kill(redis_pid, SIGSTOP);
	ck_assert(!redis_get(publisher.redis, &arena, STR("a"), &value, &e));
	kill(redis_pid, SIGCONT);
	ck_assert_str_eq(e.code, "redis_unreachable");
	ck_assert_ptr_nonnull(strstr(e.text, "within 100 ms"));
	/* The late answer is nobody's (W8). */
	e = (struct err){ 0 };
	ck_assert(!redis_get(publisher.redis, &arena, STR("b"), &value, &e));
	ck_assert_ptr_nonnull(strstr(e.text, "given up"));
}
END_TEST

static const struct {
	const char *says;
	const char *address;
	const char *code;
} addresses[] = {
	{ "nothing listens there", "unix:/tmp/rolegate-none.sock",
	    "redis_unreachable" },
	{ "nothing listens on that port", "127.0.0.1:1", "redis_unreachable" },
	{ "nothing listens on that IPv6 port", "[::1]:1", "redis_unreachable" },
	{ "nothing", "", "redis_address" },
	{ "no path", "unix:", "redis_address" },
	{ "no port", "localhost", "redis_address" },
	{ "an empty port", "localhost:", "redis_address" },
	{ "a port of zero", "localhost:0", "redis_address" },
	{ "a port over 65535", "localhost:65536", "redis_address" },
	{ "no host", ":6379", "redis_address" },
	{ "IPv6 without brackets", "::1:6379", "redis_address" },
	{ "empty brackets", "[]:6379", "redis_address" },
};

START_TEST(address_that_cannot_be_used)
{
	struct redis_config config = {
		.address = str_from(addresses[_i].address), .timeout_ms = 200
	};
	struct redis *redis = NULL;
	struct err e = { 0 };

	ck_assert_msg(
	    !redis_open(&redis, &config, &e), "%s", addresses[_i].says);
	ck_assert_ptr_null(redis);
	ck_assert_msg(strcmp(e.code, addresses[_i].code) == 0, "%s: %s",
	    addresses[_i].says, e.text);
}
END_TEST

static struct str
secret_file(const char *text)
{
	struct str path = str_fmt(&arena, "%s/password", folder);
	int fd = open(path.ptr, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return path;
}

START_TEST(users_and_passwords)
{
	struct redis_config config = { .address = str_fmt(
					   &arena, "unix:%s", redis_socket),
		.user = STR("pub"),
		.timeout_ms = 1000 };
	struct redis *redis = NULL;
	struct err e = { 0 };

	ck_assert(!redis_open(&redis, &config, &e));
	ck_assert_str_eq(e.code, "redis_password");

	tell_redis("ACL SETUSER pub on >hunter2 ~* +get");
	config.password_file = secret_file("hunter3\n");
	e = (struct err){ 0 };
	ck_assert(!redis_open(&redis, &config, &e));
	ck_assert_str_eq(e.code, "redis_refused");
	ck_assert_ptr_nonnull(strstr(e.text, "password_file"));
	ck_assert_ptr_null(strstr(e.text, "hunter"));

	config.password_file = secret_file("hunter2\n");
	e = (struct err){ 0 };
	ok(redis_open(&redis, &config, &e), &e);
	ck_assert(!redis_watch(redis, STR("a"), &e));
	ck_assert_str_eq(e.code, "redis_refused");
	ck_assert_ptr_nonnull(strstr(e.text, "ACL"));
	redis_close(redis);

	/* The default user, by its password alone. */
	tell_redis("CONFIG SET requirepass hunter2");
	config.user = STR("");
	e = (struct err){ 0 };
	ok(redis_open(&redis, &config, &e), &e);
	redis_close(redis);
	config.password_file = STR("");
	e = (struct err){ 0 };
	ok(redis_open(&redis, &config, &e), &e);
	ck_assert(!redis_watch(redis, STR("a"), &e));
	ck_assert_ptr_nonnull(strstr(e.text, "NOAUTH"));
	redis_close(redis);
}
END_TEST

START_TEST(full_redis_refuses_and_keeps_the_old_view)
{
	struct str before;

	world_make();
	drain();
	before = dump();
	grant_change("m0", "root", true);
	tell_redis("CONFIG SET maxmemory 1");
	ck_assert_str_eq(drain_fails(), "redis_refused");
	tell_redis("CONFIG SET maxmemory 0");
	redis_close(publisher.redis);
	publisher.redis = connect_to(redis_socket);
	ck_assert(str_eq(dump(), before));
	drain();
	view_is_the_truth("after a full Redis");
}
END_TEST

START_TEST(another_database_is_another_view)
{
	struct redis_config config = { .address = str_fmt(
					   &arena, "unix:%s", redis_socket),
		.timeout_ms = 1000,
		.database = 3 };
	struct err e = { 0 };

	world_make();
	drain();
	redis_close(publisher.redis);
	ok(redis_open(&publisher.redis, &config, &e), &e);
	ck_assert_ptr_null(value_of(RECORD_GENERATION, "").ptr);
	ck_assert_int_eq(drain().records, 6);
}
END_TEST

/* --- Reading the view back ------------------------------------------------ */

START_TEST(view_is_read_back)
{
	struct state state = { 0 };
	struct err e = { 0 };
	int64_t number = 0;
	const struct member *bob;
	const struct account *leaf;

	world_make();
	drain();
	ok(publish_read_state(&publisher, &arena, &state, &number, &e), &e);
	ck_assert_int_eq(number, generation);
	ck_assert_uint_eq(state.member_count, 2);
	ck_assert_uint_eq(state.account_count, 2);
	bob = state_member(&state, STR("BOB"));
	leaf = state_account(&state, STR("leaf"));
	ck_assert_ptr_nonnull(bob);
	ck_assert_uint_eq(bob->grant_count, 1);
	ck_assert_ptr_nonnull(leaf);
	ck_assert_ptr_eq(leaf->parent, &state.accounts[0]);
	ck_assert(str_eq(leaf->parent->id, STR("root")));
	ck_assert_ptr_nonnull(state_catalogue(&state, leaf));
}
END_TEST

START_TEST(view_that_was_changed_is_not_read_D5)
{
	static const enum record_kind kinds[] = { RECORD_MEMBER, RECORD_ACCOUNT,
		RECORD_CATALOGUE, RECORD_GENERATION };
	static const char *const names[] = { "bob", "leaf", "small", "" };

	world_make();
	drain();
	for (int i = 0; i < 4; i++) {
		struct str key = key_of(kinds[i], names[i]);
		struct str text = value_of(kinds[i], names[i]);
		struct state state = { 0 };
		int64_t number = 0;
		struct err e = { 0 };

		tell_redis(
		    "SETRANGE %b %d X", key.ptr, key.len, (int)text.len / 2);
		ck_assert(!publish_read_state(
		    &publisher, &arena, &state, &number, &e));
		ck_assert_str_eq(e.code, "record_mac");
		tell_redis("SET %b %b", key.ptr, key.len, text.ptr, text.len);
	}
}
END_TEST

START_TEST(view_that_does_not_agree_with_itself_is_not_read)
{
	struct str key;
	struct str old;
	struct state state = { 0 };
	int64_t number = 0;
	struct err e = { 0 };

	world_make();
	drain();
	key = key_of(RECORD_ACCOUNT, "leaf");
	old = value_of(RECORD_ACCOUNT, "leaf");
	account_put("root", "", ACCOUNT_SUSPENDED);
	drain();
	tell_redis("SET %b %b", key.ptr, key.len, old.ptr, old.len);
	ck_assert(!publish_read_state(&publisher, &arena, &state, &number, &e));
	ck_assert_str_eq(e.code, "view_broken");
	tell_redis("FLUSHALL");
	e = (struct err){ 0 };
	ck_assert(!publish_read_state(&publisher, &arena, &state, &number, &e));
	ck_assert_str_eq(e.code, "view_not_ready");
}
END_TEST

static void
publisher_tests(TCase *t)
{
	signal(SIGPIPE, SIG_DFL); /* redis.c must not need it ignored */
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, empty_store_is_a_view_of_nothing);
	tcase_add_test(t, first_drain_writes_everything_W7);
	tcase_add_test(t, drain_writes_what_was_touched);
	tcase_add_test(t, account_is_written_with_all_below_it);
	tcase_add_test(t, names_that_are_gone_are_deleted);
	tcase_add_test(t, name_that_somebody_else_took_is_theirs);
	tcase_add_test(t, nothing_changed_writes_nothing_PL9);
	tcase_add_test(t, many_touched_records_end_in_the_same_bytes);
	tcase_add_test(t, record_over_its_bound_publishes_nothing);
	tcase_add_test(t, lost_view_is_rebuilt_W7);
	tcase_add_test(t, view_with_another_key_is_rebuilt);
	tcase_add_test(t, view_behind_the_mark_is_rebuilt);
	tcase_add_test(t, restored_store_does_not_go_backwards_by_itself);
	tcase_add_test(t, all_takes_away_what_should_not_be_there);
	tcase_add_test(t, heartbeat_does_not_vouch_for_a_lost_view);
	tcase_add_test(t, drains_and_all_end_in_the_same_bytes);
	tcase_add_test(
	    t, killed_anywhere_the_next_drain_ends_in_the_same_bytes_T54);
	tcase_add_test(t, older_records_never_replace_newer_ones);
	tcase_add_test(t, several_at_once_end_in_the_truth);
	tcase_add_test(t, redis_dies_and_the_change_waits_PL5);
	tcase_add_test(t, frozen_redis_is_waited_for_no_longer_than_said);
	tcase_add_loop_test(t, address_that_cannot_be_used, 0,
	    (int)(sizeof(addresses) / sizeof(addresses[0])));
	tcase_add_test(t, users_and_passwords);
	tcase_add_test(t, full_redis_refuses_and_keeps_the_old_view);
	tcase_add_test(t, another_database_is_another_view);
	tcase_add_test(t, view_is_read_back);
	tcase_add_test(t, view_that_was_changed_is_not_read_D5);
	tcase_add_test(t, view_that_does_not_agree_with_itself_is_not_read);
}

UNIT_MAIN("publisher", publisher_tests)
