#include "view_world.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/unit.h"

/* --- Time and loop ------------------------------------------------------- */

int64_t
mono_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
now_wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
nap(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

void
loop_for(struct view_world *world, int64_t ms)
{
	struct timeval wait = { ms / 1000, ms % 1000 * 1000 };

	event_base_loopexit(world->loop, &wait);
	event_base_loop(world->loop, EVLOOP_NO_EXIT_ON_EMPTY);
}

struct view_counts
counts(const struct view_world *world)
{
	struct view_counts out;

	view_count(world->view, &out);
	return out;
}

bool
until_trusted(struct view_world *world, bool trusted)
{
	for (int64_t end = mono_ms() + 5000; mono_ms() < end;
	     loop_for(world, 2)) {
		if (counts(world).trusted == trusted) {
			/* What is asked for while a beat comes is not kept. */
			loop_for(world, 5);
			return true;
		}
		if (trusted)
			beat_again(world);
	}
	return false;
}

bool
until_connected(struct view_world *world, bool connected)
{
	for (int64_t end = mono_ms() + 5000; mono_ms() < end;
	     loop_for(world, 2))
		if (counts(world).connected == connected)
			return true;
	return false;
}

/* --- The world ----------------------------------------------------------- */

struct view_world *
world_open(void)
{
	struct view_world *world = calloc(1, sizeof(*world));
	struct str address;

	ck_assert_ptr_nonnull(world);
	snprintf(world->folder, sizeof(world->folder), "/tmp/rg-view.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(world->folder));
	snprintf(
	    world->socket, sizeof(world->socket), "%s/redis", world->folder);
	memset(world->key.bytes, 7, sizeof(world->key.bytes));
	world->loop = event_base_new();
	address = str_fmt(&world->arena, "unix:%s", world->socket);
	world->at =
	    (struct redis_config){ .address = address, .timeout_ms = 1000 };
	world->config = (struct view_config){
		.ns = STR(NS),
		.key = world->key,
		.cache_bytes = (int64_t)1024 * 1024,
		.wait_ms = 100,
		.heartbeat_max_s = 5,
	};
	return world;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
world_close(struct view_world *world)
{
	view_close(world->view);
	redis_stop(world);
	event_base_free(world->loop);
	arena_free(&world->arena);
	nftw(world->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(world);
}

/* --- Redis --------------------------------------------------------------- */

static void
redis_exec(const struct view_world *world)
{
	char log[128];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(log, sizeof(log), "%s/log", world->folder);
	execlp("redis-server", "redis-server", "--port", "0", "--unixsocket",
	    world->socket, "--dir", world->folder, "--save", "", "--appendonly",
	    "no", "--logfile", log, (char *)NULL);
	_exit(127);
}

void
redis_start(struct view_world *world)
{
	world->redis = fork();
	ck_assert_int_ge(world->redis, 0);
	if (world->redis == 0)
		redis_exec(world);
	for (int i = 0; i < 500; i++) {
		world->admin = redisConnectUnix(world->socket);
		if (world->admin != NULL && world->admin->err == 0)
			return;
		redisFree(world->admin);
		world->admin = NULL;
		nap(10);
	}
	ck_abort_msg("redis-server does not start");
}

void
redis_stop(struct view_world *world)
{
	if (world->admin != NULL)
		redisFree(world->admin);
	world->admin = NULL;
	if (world->redis <= 0)
		return;
	kill(world->redis, SIGKILL);
	waitpid(world->redis, NULL, 0);
	world->redis = 0;
	unlink(world->socket);
}

static redisReply *
fine(struct view_world *world, redisReply *reply)
{
	ck_assert_msg(reply != NULL && reply->type != REDIS_REPLY_ERROR, "%s",
	    reply != NULL ? reply->str : world->admin->errstr);
	return reply;
}

void
redis_say(struct view_world *world, const char *command)
{
	freeReplyObject(fine(world, redisCommand(world->admin, command)));
}

void
beat_again(struct view_world *world)
{
	if (world->admin != NULL)
		redis_say(world, "PEXPIRE rolegate:{" NS "}:heartbeat 3600000");
}

int
redis_clients(struct view_world *world)
{
	redisReply *reply =
	    fine(world, redisCommand(world->admin, "INFO stats"));
	const char *at = strstr(reply->str, "total_connections_received:");
	int clients;

	ck_assert_ptr_nonnull(at);
	clients = atoi(strchr(at, ':') + 1);
	freeReplyObject(reply);
	return clients;
}

/* --- Records ------------------------------------------------------------- */

struct str
key_of(struct view_world *world, enum record_kind kind, const char *name)
{
	return record_name(&world->arena, STR(NS), kind, str_from(name));
}

struct str
text_generation(struct view_world *world, int64_t generation)
{
	return record_number(&world->arena, &world->key,
	    key_of(world, RECORD_GENERATION, ""), generation);
}

struct str
text_heartbeat(struct view_world *world, int64_t stamp_ms)
{
	return record_number(&world->arena, &world->key,
	    key_of(world, RECORD_HEARTBEAT, ""), stamp_ms);
}

struct str
text_member(struct view_world *world, const char *username, const char *role,
    const char *account, int64_t generation)
{
	const struct grant grant = { .account = str_from(account),
		.role = str_from(role),
		.source = STR("local") };
	const struct member member = { .username = str_from(username),
		.status = MEMBER_ACTIVE,
		.personal = str_from(username),
		.grants = &grant,
		.grant_count = 1,
		.changed = generation };

	return record_member(&world->arena, &world->key,
	    key_of(world, RECORD_MEMBER, username), &member);
}

struct str
text_account(struct view_world *world, const char *id, const char *parent,
    const char *catalogue, int64_t generation)
{
	const struct account above = { .id = str_from(parent),
		.name = str_from(parent),
		.kind = ACCOUNT_SHARED,
		.level = LEVEL_ACCOUNT,
		.status = ACCOUNT_ACTIVE,
		.catalogue = str_from(catalogue),
		.changed = generation };
	struct account account = above;

	account.id = str_from(id);
	account.name = str_from(id);
	if (parent != NULL) {
		account.catalogue = STR("");
		account.parent = &above;
		account.parent_id = above.id;
	}
	return record_account(&world->arena, &world->key,
	    key_of(world, RECORD_ACCOUNT, id), &account);
}

struct str
text_catalogue(struct view_world *world, const char *name, int64_t generation)
{
	const struct role roles[] = { { .name = STR("viewer") },
		{ .name = STR("editor") } };
	const struct permission permissions[] = {
		{ .name = STR("a.edit"), .roles = 2 },
		{ .name = STR("a.view"), .roles = 3 },
	};
	const struct catalogue catalogue = { .name = str_from(name),
		.roles = roles,
		.role_count = 2,
		.permissions = permissions,
		.permission_count = 2,
		.top = 1,
		.changed = generation };

	return record_catalogue(&world->arena, &world->key,
	    key_of(world, RECORD_CATALOGUE, name), &catalogue);
}

struct str
text_session(struct view_world *world, const char *digest, const char *username,
    const char *account, int64_t expires_s)
{
	const struct record_session session = { .username = str_from(username),
		.account = str_from(account),
		.expires_s = expires_s };

	return record_session_text(&world->arena, &world->key,
	    key_of(world, RECORD_SESSION, digest), &session, 10);
}

void
publish(struct view_world *world, const struct pair *pairs, size_t count)
{
	redisAppendCommand(world->admin, "MULTI");
	for (size_t i = 0; i < count; i++) {
		const struct pair *p = &pairs[i];

		if (p->text.len == 0)
			redisAppendCommand(
			    world->admin, "DEL %b", p->key.ptr, p->key.len);
		else
			redisAppendCommand(world->admin, "SET %b %b",
			    p->key.ptr, p->key.len, p->text.ptr, p->text.len);
	}
	redisAppendCommand(world->admin, "EXEC");
	for (size_t i = 0; i < count + 2; i++) {
		void *reply = NULL;

		ck_assert_int_eq(redisGetReply(world->admin, &reply), REDIS_OK);
		freeReplyObject(fine(world, reply));
	}
}

void
put_generation(struct view_world *world, int64_t generation)
{
	publish(world,
	    &(struct pair){ key_of(world, RECORD_GENERATION, ""),
		text_generation(world, generation) },
	    1);
}

void
put_member(struct view_world *world, const char *username, const char *role,
    int64_t generation)
{
	const struct pair pairs[] = {
		{ key_of(world, RECORD_MEMBER, username),
		    text_member(world, username, role, "shop", generation) },
		{ key_of(world, RECORD_GENERATION, ""),
		    text_generation(world, generation) },
	};

	publish(world, pairs, 2);
}

void
beat(struct view_world *world)
{
	publish(world,
	    &(struct pair){ key_of(world, RECORD_HEARTBEAT, ""),
		text_heartbeat(world, now_wall_ms()) },
	    1);
}

void
publish_all_of_it(struct view_world *world)
{
	int64_t in_an_hour_s = now_wall_ms() / 1000 + 3600;
	const struct pair pairs[] = {
		{ key_of(world, RECORD_ACCOUNT, "ann"),
		    text_account(world, "ann", NULL, "cat", 3) },
		{ key_of(world, RECORD_ACCOUNT, "bob"),
		    text_account(world, "bob", NULL, "cat", 3) },
		{ key_of(world, RECORD_ACCOUNT, "shop"),
		    text_account(world, "shop", "root", "cat", 4) },
		{ key_of(world, RECORD_CATALOGUE, "cat"),
		    text_catalogue(world, "cat", 2) },
		{ key_of(world, RECORD_SESSION, SESSION),
		    text_session(world, SESSION, "ann", "shop", in_an_hour_s) },
		{ key_of(world, RECORD_MEMBER, "ann"),
		    text_member(world, "ann", "editor", "shop", 5) },
		{ key_of(world, RECORD_MEMBER, "bob"),
		    text_member(world, "bob", "viewer", "shop", 6) },
		{ key_of(world, RECORD_HEARTBEAT, ""),
		    text_heartbeat(world, now_wall_ms()) },
		{ key_of(world, RECORD_GENERATION, ""),
		    text_generation(world, 10) },
	};

	publish(world, pairs, sizeof(pairs) / sizeof(pairs[0]));
}

/* --- Asking -------------------------------------------------------------- */

static void
on_event(void *context, const char *code, const char *text)
{
	struct view_world *world = context;
	size_t used = strlen(world->said);

	ck_assert_ptr_nonnull(text);
	snprintf(world->said + used, sizeof(world->said) - used, "%s ", code);
}

int
times_said(const struct view_world *world, const char *code)
{
	size_t len = strlen(code);
	int times = 0;

	for (const char *at = world->said; (at = strstr(at, code)) != NULL;
	     at += len)
		times += (at == world->said || at[-1] == ' ') && at[len] == ' ';
	return times;
}

void
view_start(struct view_world *world)
{
	struct err err = { 0 };

	view_close(world->view);
	ck_assert_msg(
	    target_read(&world->config.redis, &world->arena, &world->at, &err),
	    "%s", err.text);
	ck_assert_msg(
	    view_open(&world->view, world->loop, &world->config, &err), "%s",
	    err.text);
	view_on_event(world->view, on_event, world);
}

static void
copy(char out[64], struct str s)
{
	snprintf(out, 64, "%.*s", STR_ARGS(s));
}

/* On the account or above it: others need not be there. */
static struct str
role_of(const struct view_answer *answer)
{
	const struct member *member = answer->member;
	const struct account *at = answer->account;

	if (member == NULL)
		return STR("-");
	for (; at != NULL; at = at->parent)
		for (size_t i = 0; i < member->grant_count; i++)
			if (str_eq(member->grants[i].account, at->id))
				return member->grants[i].role;
	return STR("");
}

static void
on_answer(void *context, const struct view_answer *answer)
{
	struct heard *heard = context;
	const struct account *root =
	    answer->account != NULL ? account_root(answer->account) : NULL;

	heard->answers++;
	heard->state = answer->state;
	heard->generation = answer->generation;
	heard->stale = answer->stale;
	heard->after_ms = mono_ms() - heard->after_ms;
	copy(heard->username, answer->username);
	copy(heard->account, answer->account_id);
	copy(heard->root, root != NULL ? root->id : STR("-"));
	heard->depth = account_depth(answer->account);
	copy(heard->catalogue,
	    answer->catalogue != NULL ? answer->catalogue->name : STR("-"));
	heard->catalogue_changed =
	    answer->catalogue != NULL ? answer->catalogue->changed : 0;
	copy(heard->role, role_of(answer));
	ck_assert(answer->member == NULL ||
		  str_eq_fold(answer->member->username, answer->username));
	/* A decision can be made of it. */
	if (answer->state == VIEW_KNOWN) {
		struct arena arena = { 0 };
		struct question question = { .catalogue = answer->catalogue,
			.member = answer->member,
			.account = answer->account,
			.permission = STR("a.view"),
			.now_s = 1 };

		ck_assert_int_ne((int)decide(&question, &arena).verdict,
		    (int)VERDICT_UNKNOWN);
		arena_free(&arena);
	}
}

void
ask_begin(struct view_world *world, const char *session, const char *username,
    const char *account, struct heard *heard)
{
	struct view_ask what = { .session = str_from(session),
		.username = str_from(username),
		.account = str_from(account),
		.done = on_answer,
		.context = heard };

	*heard = (struct heard){ .after_ms = mono_ms() };
	view_ask(world->view, &what);
	heard->at_once = heard->answers == 1;
}

void
until_answered(struct view_world *world, const struct heard *heard)
{
	int64_t end = mono_ms() + 5000;

	while (heard->answers == 0 && mono_ms() < end)
		event_base_loop(world->loop, EVLOOP_ONCE);
	ck_assert_int_eq(heard->answers, 1);
}

struct heard
ask(struct view_world *world, const char *session, const char *username,
    const char *account)
{
	struct heard heard;

	ask_begin(world, session, username, account, &heard);
	until_answered(world, &heard);
	return heard;
}

struct heard
ask_until_known(
    struct view_world *world, const char *username, const char *account)
{
	int64_t end = mono_ms() + 5000;
	struct heard heard = ask(world, "", username, account);

	while (heard.state != VIEW_KNOWN && mono_ms() < end) {
		loop_for(world, 20);
		heard = ask(world, "", username, account);
	}
	return heard;
}

void
view_start_trusting(struct view_world *world)
{
	view_start(world);
	ck_assert(until_trusted(world, true));
}

struct view_world *
world_published(void)
{
	struct view_world *world = world_open();

	redis_start(world);
	publish_all_of_it(world);
	return world;
}

void
settle(struct view_world *world)
{
	loop_for(world, 60);
}

struct view_world *
world_trusting(void)
{
	struct view_world *world = world_published();

	view_start_trusting(world);
	return world;
}
