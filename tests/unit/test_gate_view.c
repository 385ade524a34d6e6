/* The view, against a real Redis: what it knows, what it forgets, and that it
 * knows when it does not know. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bounds.h"
#include "fcgi/gate/target.h"
#include "unit.h"
#include "view_world.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- What is known ------------------------------------------------------- */

static const struct {
	const char *says;
	const char *session;
	const char *username;
	const char *account;
	enum view_state state;
	const char *got_username;
	const char *got_account;
	const char *role;
	const char *root;
	const char *catalogue;
} known[] = {
	{ "the session's member on the session's account", SESSION, "", "",
	    VIEW_KNOWN, "ann", "shop", "editor", "root", "cat" },
	{ "the ask's account is before the session's", SESSION, "", "bob",
	    VIEW_KNOWN, "ann", "bob", "", "bob", "cat" },
	{ "the session is before the username", SESSION, "bob", "", VIEW_KNOWN,
	    "ann", "shop", "editor", "root", "cat" },
	{ "without any account it is the personal one", "", "bob", "",
	    VIEW_KNOWN, "bob", "bob", "", "bob", "cat" },
	{ "usernames match without regard to case (J1)", "", "BOB", "shop",
	    VIEW_KNOWN, "BOB", "shop", "viewer", "root", "cat" },
	{ "account ids match exactly (J1)", "", "bob", "SHOP", VIEW_KNOWN,
	    "bob", "SHOP", "", "-", "-" },
	{ "no such member", "", "eve", "shop", VIEW_KNOWN, "eve", "shop", "-",
	    "root", "cat" },
	{ "no such member, so no personal account", "", "eve", "", VIEW_KNOWN,
	    "eve", "", "-", "-", "-" },
	{ "no such account", "", "bob", "nowhere", VIEW_KNOWN, "bob", "nowhere",
	    "", "-", "-" },
	{ "a name with a line break is nobody's", "", "bob\nbob", "shop",
	    VIEW_KNOWN, "bob\nbob", "shop", "-", "root", "cat" },
	{ "bytes that are no text are nobody's", "", "bob\xff", "sh\x01op",
	    VIEW_KNOWN, "bob\xff", "sh\x01op", "-", "-", "-" },
	{ "nobody is signed in", "", "", "shop", VIEW_NO_IDENTITY, "", "", "-",
	    "-", "-" },
	{ "a session that nobody made",
	    "ffff2233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
	    "bob", "shop", VIEW_NO_IDENTITY, "", "", "-", "-", "-" },
	{ "a digest that is too short", "0011", "bob", "shop", VIEW_NO_IDENTITY,
	    "", "", "-", "-", "-" },
	{ "a digest that is no digest",
	    "00112233445566778899aabbccddeeff00112233445566778899aabbccddee:x",
	    "bob", "shop", VIEW_NO_IDENTITY, "", "", "-", "-", "-" },
};

static void
known_by(struct view_world *world, size_t i, bool again)
{
	struct heard h =
	    ask(world, known[i].session, known[i].username, known[i].account);

	ck_assert_msg(h.state == known[i].state, "%s", known[i].says);
	ck_assert_msg(strcmp(h.username, known[i].got_username) == 0 &&
			  strcmp(h.account, known[i].got_account) == 0 &&
			  strcmp(h.role, known[i].role) == 0 &&
			  strcmp(h.root, known[i].root) == 0 &&
			  strcmp(h.catalogue, known[i].catalogue) == 0,
	    "%s: %s %s %s %s %s", known[i].says, h.username, h.account, h.role,
	    h.root, h.catalogue);
	ck_assert_msg(
	    h.state != VIEW_KNOWN || h.generation == 10, "%s", known[i].says);
	ck_assert_msg(!again || h.at_once, "%s: from the cache", known[i].says);
}

START_TEST(what_is_known)
{
	struct view_world *world = world_published();

	world->config.cache_bytes = 0;
	view_start(world);
	for (size_t i = 0; i < COUNT(known); i++)
		known_by(world, i, false);
	world->config.cache_bytes = 1024 * 1024;
	view_start_trusting(world);
	for (size_t i = 0; i < COUNT(known); i++)
		known_by(world, i, false);
	for (size_t i = 0; i < COUNT(known); i++)
		known_by(world, i, true);
	ck_assert_str_eq(world->said, "");
	world_close(world);
}
END_TEST

/* Read each time, an ask is one round trip of three GETs, and one more for a
 * session or for a personal account that nobody named. */
START_TEST(an_ask_is_few_gets)
{
	struct view_world *world = world_published();
	int64_t asked;

	world->config.cache_bytes = 0;
	view_start(world);
	ask(world, "", "ann", "shop");
	ask(world, "", "ann", "");
	asked = counts(world).asked;
	ask(world, "", "bob", "shop");
	ck_assert_int_eq(counts(world).asked, asked + 3);
	ask(world, SESSION, "", "");
	ck_assert_int_eq(counts(world).asked, asked + 3 + 5);
	ask(world, "", "bob", "");
	ck_assert_int_eq(counts(world).asked, asked + 3 + 5 + 4);
	world_close(world);
}
END_TEST

static int64_t step_ms;
static int64_t
stepped_wall_ms(void)
{
	return now_wall_ms() + step_ms;
}

START_TEST(a_session_ends_by_the_wall_clock)
{
	struct view_world *world = world_published();

	world->config.wall_ms = stepped_wall_ms;
	world->config.cache_bytes = 0;
	view_start(world);
	ck_assert_int_eq(ask(world, SESSION, "", "").state, VIEW_KNOWN);
	step_ms = 3595 * 1000;
	ck_assert_int_eq(ask(world, SESSION, "", "").state, VIEW_KNOWN);
	step_ms = 3600 * 1000;
	ck_assert_int_eq(ask(world, SESSION, "", "").state, VIEW_NO_IDENTITY);
	step_ms = 0;
	world_close(world);
}
END_TEST

/* --- Not ready ----------------------------------------------------------- */

START_TEST(W7_without_a_generation_nothing_is_known)
{
	struct view_world *world = world_open();

	redis_start(world);
	view_start(world);
	ck_assert_int_eq(ask(world, "", "ann", "shop").state, VIEW_UNKNOWN);
	ck_assert_int_eq(ask(world, SESSION, "", "").state, VIEW_UNKNOWN);
	ck_assert_int_eq(times_said(world, "view_not_ready"), 1);
	publish_all_of_it(world);
	ck_assert(until_trusted(world, true));
	ck_assert_int_eq(ask(world, "", "ann", "shop").state, VIEW_KNOWN);
	settle(world);
	ck_assert(ask(world, "", "ann", "shop").at_once);
	ck_assert_int_eq(times_said(world, "view_ready"), 1);
	redis_say(world, "FLUSHALL");
	ck_assert_int_eq(ask(world, "", "eve", "shop").state, VIEW_UNKNOWN);
	settle(world);
	ck_assert_int_eq(ask(world, "", "ann", "shop").state, VIEW_UNKNOWN);
	ck_assert_int_eq(times_said(world, "view_not_ready"), 2);
	publish_all_of_it(world);
	settle(world);
	ck_assert_int_eq(ask(world, "", "ann", "shop").state, VIEW_KNOWN);
	world_close(world);
}
END_TEST

START_TEST(W7_another_database_is_another_view)
{
	struct view_world *world = world_published();

	world->at.database = 3;
	view_start(world);
	ck_assert_int_eq(ask(world, "", "ann", "shop").state, VIEW_UNKNOWN);
	redis_say(world, "SELECT 3");
	publish_all_of_it(world);
	ck_assert_int_eq(ask(world, "", "ann", "shop").state, VIEW_KNOWN);
	world_close(world);
}
END_TEST

/* --- Changes ------------------------------------------------------------- */

START_TEST(T51_W10_a_change_is_seen_at_once)
{
	struct view_world *world = world_trusting();

	ck_assert_str_eq(ask(world, "", "ann", "shop").role, "editor");
	ck_assert(ask(world, "", "ann", "shop").at_once);
	put_member(world, "ann", "viewer", 11);
	settle(world);
	ck_assert_str_eq(ask(world, "", "ann", "shop").role, "viewer");
	ck_assert_int_eq(ask(world, "", "ann", "shop").generation, 11);
	ck_assert(ask(world, "", "ann", "shop").at_once);
	world_close(world);
}
END_TEST

START_TEST(T51_somebody_new_is_seen_and_somebody_removed_is_gone)
{
	struct view_world *world = world_trusting();

	ck_assert_str_eq(ask(world, "", "eve", "shop").role, "-");
	ck_assert(ask(world, "", "eve", "shop").at_once);
	put_member(world, "eve", "viewer", 12);
	settle(world);
	ck_assert_str_eq(ask(world, "", "eve", "shop").role, "viewer");
	redis_say(world, "DEL rolegate:{" NS "}:member:eve");
	settle(world);
	ck_assert_str_eq(ask(world, "", "eve", "shop").role, "-");
	redis_say(world, "DEL rolegate:{" NS "}:session:" SESSION);
	settle(world);
	ck_assert_int_eq(ask(world, SESSION, "", "").state, VIEW_NO_IDENTITY);
	world_close(world);
}
END_TEST

START_TEST(W10_without_a_cache_the_next_ask_sees_it)
{
	struct view_world *world = world_published();

	world->config.cache_bytes = 0;
	view_start(world);
	for (int i = 0; i < 100; i++) {
		const char *role = i % 2 == 0 ? "viewer" : "editor";

		put_member(world, "ann", role, 11 + i);
		ck_assert_str_eq(ask(world, "", "ann", "shop").role, role);
	}
	/* Member, account and catalogue, as they came last. */
	ck_assert_int_eq(counts(world).cache_records, 3);
	world_close(world);
}
END_TEST

/* The catalogue is the longest record: it is sent again when the view has
 * changed, and only then. */
START_TEST(T55_a_catalogue_is_asked_for_once_a_generation)
{
	struct view_world *world = world_published();
	int64_t asked;

	world->config.cache_bytes = 0;
	view_start(world);
	for (int i = 11; i < 40; i++) {
		const struct pair pairs[] = {
			{ key_of(world, RECORD_CATALOGUE, "cat"),
			    text_catalogue(world, "cat", i) },
			{ key_of(world, RECORD_GENERATION, ""),
			    text_generation(world, i) },
		};

		publish(world, pairs, 2);
		ck_assert_int_eq(
		    ask(world, "", "ann", "shop").catalogue_changed, i);
		asked = counts(world).asked;
		ck_assert_int_eq(
		    ask(world, "", "bob", "shop").catalogue_changed, i);
		ck_assert_int_eq(counts(world).asked, asked + 3);
	}
	/* Another change: it is asked for, and is what it was. */
	put_member(world, "ann", "viewer", 50);
	ck_assert_int_eq(ask(world, "", "ann", "shop").catalogue_changed, 39);
	redis_say(world, "DEL rolegate:{" NS "}:catalogue:cat");
	put_generation(world, 51);
	ck_assert_str_eq(ask(world, "", "ann", "shop").catalogue, "-");
	world_close(world);
}
END_TEST

/* --- Trust --------------------------------------------------------------- */

static const struct {
	const char *says;
	int64_t stamp_ms; /* from now; 0: no heartbeat */
	bool trusted;
} beats[] = {
	{ "no heartbeat", 0, false },
	{ "a heartbeat of just now", -1, true },
	{ "one that is too old", -6000, false },
	{ "one from too far in the future", 7000, false },
	{ "one from a clock that is a little ahead", 3000, true },
};

START_TEST(the_cache_is_trusted_only_while_the_heart_beats)
{
	struct view_world *world = world_published();
	int64_t asked;

	if (beats[_i].stamp_ms == 0)
		redis_say(world, "DEL rolegate:{" NS "}:heartbeat");
	else
		publish(world,
		    &(struct pair){ key_of(world, RECORD_HEARTBEAT, ""),
			text_heartbeat(
			    world, now_wall_ms() + beats[_i].stamp_ms) },
		    1);
	view_start(world);
	ck_assert(until_connected(world, true));
	loop_for(world, 100);
	ck_assert(!counts(world).trusted); /* nobody has told of it yet */
	if (beats[_i].stamp_ms != 0)
		beat_again(world);
	loop_for(world, 50);
	ck_assert_msg(
	    counts(world).trusted == beats[_i].trusted, "%s", beats[_i].says);
	ck_assert_int_eq(ask(world, "", "ann", "shop").state, VIEW_KNOWN);
	asked = counts(world).asked;
	ck_assert_msg(
	    ask(world, "", "ann", "shop").at_once == beats[_i].trusted, "%s",
	    beats[_i].says);
	ck_assert_msg((counts(world).asked == asked) == beats[_i].trusted, "%s",
	    beats[_i].says);
	world_close(world);
}
END_TEST

START_TEST(W10_a_step_of_the_clock_extends_nothing)
{
	const int64_t hour_ms = 3600 * 1000;
	const int64_t steps[] = { hour_ms, -hour_ms, 87600 * hour_ms,
		-87600 * hour_ms };
	struct view_world *world = world_published();

	world->config.wall_ms = stepped_wall_ms;
	view_start_trusting(world);
	for (size_t i = 0; i < COUNT(steps); i++) {
		step_ms = steps[i];
		ck_assert(!counts(world).trusted);
		ck_assert(!ask(world, "", "ann", "shop").at_once);
	}
	step_ms = 0;
	ck_assert(counts(world).trusted);
	world_close(world);
}
END_TEST

START_TEST(a_heart_that_stops_is_said_once)
{
	struct view_world *world = world_published();

	world->config.heartbeat_max_s = 1;
	view_start_trusting(world);
	ck_assert(until_trusted(world, false));
	ck_assert_str_eq(ask(world, "", "ann", "shop").role, "editor");
	loop_for(world, 1600);
	ck_assert_int_eq(times_said(world, "cache_untrusted"), 1);
	beat(world);
	ck_assert(until_trusted(world, true));
	loop_for(world, 300);
	ck_assert_int_eq(times_said(world, "cache_trusted"), 1);
	world_close(world);
}
END_TEST

/* The tracking connection is closed by itself: nothing that was missed stays.
 */
START_TEST(a_lost_invalidation_connection_leaves_nothing)
{
	struct view_world *world = world_trusting();

	ck_assert_str_eq(ask(world, "", "ann", "shop").role, "editor");
	redis_say(world, "CLIENT KILL TYPE pubsub");
	put_member(world, "ann", "viewer", 11);
	loop_for(world, 5);
	ck_assert_str_eq(ask(world, "", "ann", "shop").role, "viewer");
	ck_assert(until_trusted(world, true));
	ck_assert_str_eq(ask(world, "", "ann", "shop").role, "viewer");
	ck_assert(ask(world, "", "ann", "shop").at_once);
	ck_assert_int_eq(times_said(world, "redis_unreachable"), 1);
	ck_assert_int_eq(times_said(world, "tracking_back"), 1);
	world_close(world);
}
END_TEST

/* Anybody may publish on the channel. */
START_TEST(a_strange_message_leaves_nothing)
{
	struct view_world *world = world_trusting();

	ask(world, "", "ann", "shop");
	ck_assert(ask(world, "", "ann", "shop").at_once);
	redis_say(world, "PUBLISH __redis__:invalidate hello");
	settle(world);
	ck_assert(!ask(world, "", "ann", "shop").at_once);
	ck_assert(ask(world, "", "ann", "shop").at_once);
	world_close(world);
}
END_TEST

/* --- Access -------------------------------------------------------------- */

static void
password_put(struct view_world *world, const char *password)
{
	struct str path = str_fmt(&world->arena, "%s/password", world->folder);
	FILE *out = fopen(path.ptr, "w");

	ck_assert_ptr_nonnull(out);
	fprintf(out, "%s\n", password);
	fclose(out);
	ck_assert_int_eq(chmod(path.ptr, 0600), 0);
	world->at.password_file = path;
	world->at.user = STR("gate");
}

#define ACL                                                            \
	"ACL SETUSER gate reset on >pw ~rolegate:* +@read +client|id " \
	"+client|tracking +ping +subscribe "

START_TEST(the_rights_of_the_guide_are_enough)
{
	struct view_world *world = world_published();

	redis_say(world, ACL "&__redis__:invalidate");
	password_put(world, "pw");
	view_start_trusting(world);
	ck_assert_str_eq(ask(world, "", "ann", "shop").role, "editor");
	ck_assert_str_eq(world->said, "");
	world_close(world);
}
END_TEST

START_TEST(without_the_channel_redis_is_asked_each_time)
{
	struct view_world *world = world_published();

	redis_say(world, ACL);
	password_put(world, "pw");
	view_start(world);
	for (int i = 0; i < 5; i++) {
		loop_for(world, 100);
		ck_assert_str_eq(ask(world, "", "ann", "shop").role, "editor");
		ck_assert(!counts(world).trusted);
	}
	ck_assert_int_eq(times_said(world, "tracking_refused"), 1);
	redis_say(world, ACL "&__redis__:invalidate");
	ck_assert(until_trusted(world, true));
	ck_assert_int_eq(times_said(world, "tracking_back"), 1);
	world_close(world);
}
END_TEST

START_TEST(T28_a_wrong_password_is_said_once_and_nothing_is_known)
{
	struct view_world *world = world_published();

	redis_say(world, ACL "&__redis__:invalidate");
	password_put(world, "wrong");
	view_start(world);
	for (int i = 0; i < 5; i++) {
		struct heard heard = ask(world, "", "ann", "shop");

		ck_assert_int_eq(heard.state, VIEW_UNKNOWN);
		loop_for(world, 50);
	}
	ck_assert_int_eq(times_said(world, "redis_refused"), 1);
	redis_say(world, ACL "&__redis__:invalidate >wrong");
	ck_assert(until_connected(world, true));
	ck_assert_int_eq(ask(world, "", "ann", "shop").state, VIEW_KNOWN);
	ck_assert_int_eq(times_said(world, "redis_back"), 1);
	world_close(world);
}
END_TEST

/* --- Redis away ---------------------------------------------------------- */

START_TEST(W5_T28_a_dead_redis_is_a_dont_know_and_comes_back)
{
	struct view_world *world = world_trusting();
	int64_t down_ms;

	ck_assert_int_eq(ask(world, "", "ann", "shop").state, VIEW_KNOWN);
	redis_stop(world);
	settle(world);
	for (int i = 0; i < 8; i++) {
		struct heard heard = ask(world, "", "ann", "shop");

		ck_assert_int_eq(heard.state, VIEW_UNKNOWN);
		ck_assert_int_lt(heard.after_ms, 1000);
		settle(world);
	}
	ck_assert_int_eq(times_said(world, "redis_unreachable"), 1);
	redis_start(world);
	publish_all_of_it(world);
	down_ms = mono_ms();
	ck_assert(until_connected(world, true));
	ck_assert_int_lt(mono_ms() - down_ms, 2500);
	ck_assert_str_eq(ask(world, "", "ann", "shop").role, "editor");
	ck_assert_int_eq(times_said(world, "redis_back"), 1);
	ck_assert(until_trusted(world, true));
	world_close(world);
}
END_TEST

START_TEST(W5_a_frozen_redis_is_a_dont_know_within_the_wait)
{
	struct view_world *world = world_published();
	int clients;

	world->config.cache_bytes = 0;
	view_start(world);
	ck_assert_int_eq(ask(world, "", "ann", "shop").state, VIEW_KNOWN);
	clients = redis_clients(world);
	kill(world->redis, SIGSTOP);
	for (int i = 0; i < 10; i++) {
		struct heard heard = ask(world, "", "ann", "shop");

		ck_assert_int_eq(heard.state, VIEW_UNKNOWN);
		ck_assert_int_lt(heard.after_ms, 1000);
	}
	ck_assert_int_eq(times_said(world, "redis_unreachable"), 1);
	kill(world->redis, SIGCONT);
	put_member(world, "ann", "viewer", 11);
	ck_assert(until_connected(world, true));
	ck_assert_str_eq(ask(world, "", "ann", "shop").role, "viewer");
	/* One try a step of the back-off. */
	ck_assert_int_lt(redis_clients(world) - clients, 12);
	world_close(world);
}
END_TEST

/* The cache answers while the frozen Redis is not known to be lost, and not
 * for longer than the heartbeat's bound. */
START_TEST(W5_a_frozen_redis_ends_the_trust)
{
	struct view_world *world = world_published();

	world->config.heartbeat_max_s = 1;
	view_start_trusting(world);
	ask(world, "", "ann", "shop");
	kill(world->redis, SIGSTOP);
	ck_assert(ask(world, "", "ann", "shop").at_once);
	loop_for(world, 1300);
	ck_assert_int_eq(ask(world, "", "ann", "shop").state, VIEW_UNKNOWN);
	kill(world->redis, SIGCONT);
	beat(world);
	ck_assert(until_trusted(world, true));
	ck_assert_str_eq(ask(world, "", "ann", "shop").role, "editor");
	world_close(world);
}
END_TEST

START_TEST(T29_the_first_ask_after_a_closed_connection_is_answered)
{
	struct view_world *world = world_published();

	world->config.cache_bytes = 0;
	world->config.wait_ms = 1000;
	view_start(world);
	for (int i = 0; i < 20; i++) {
		ck_assert_str_eq(ask(world, "", "ann", "shop").role, "editor");
		redis_say(world, "CLIENT KILL TYPE normal SKIPME yes");
	}
	world_close(world);
}
END_TEST

/* --- Stale --------------------------------------------------------------- */

START_TEST(stale_answers_only_where_they_are_asked_for)
{
	struct view_world *world = world_published();
	struct heard heard;

	world->config.stale_max_s = 1;
	view_start_trusting(world);
	ask(world, SESSION, "", "");
	ask(world, "", "bob", "shop");
	ask(world, "", "eve", "shop");
	put_member(world, "bob", "editor", 11);
	settle(world);
	ask(world, "", "ann", "shop"); /* the new generation */
	redis_stop(world);
	settle(world);
	heard = ask(world, SESSION, "", "");
	ck_assert_int_eq(heard.state, VIEW_KNOWN);
	ck_assert_str_eq(heard.role, "editor");
	ck_assert_str_eq(heard.catalogue, "cat");
	ck_assert(heard.stale);
	ck_assert_int_eq(heard.generation, 11);
	ck_assert_msg(ask(world, "", "bob", "shop").state == VIEW_UNKNOWN,
	    "what Redis said that it changed is not served");
	ck_assert_str_eq(ask(world, "", "eve", "shop").role, "-");
	ck_assert_int_eq(ask(world, "", "joe", "shop").state, VIEW_UNKNOWN);
	loop_for(world, 2100);
	ck_assert_int_eq(ask(world, SESSION, "", "").state, VIEW_UNKNOWN);
	world_close(world);
}
END_TEST

START_TEST(stale_answers_from_a_frozen_redis)
{
	struct view_world *world = world_published();
	struct heard heard;

	world->config.stale_max_s = 60;
	world->config.heartbeat_max_s = 1;
	view_start_trusting(world);
	ask(world, "", "ann", "shop");
	kill(world->redis, SIGSTOP);
	loop_for(world, 1300);
	for (int i = 0; i < 5; i++) {
		heard = ask(world, "", "ann", "shop");
		ck_assert_str_eq(heard.role, "editor");
		ck_assert(heard.stale);
	}
	kill(world->redis, SIGCONT);
	world_close(world);
}
END_TEST

START_TEST(W7_an_empty_view_is_not_answered_stale)
{
	struct view_world *world = world_published();

	world->config.stale_max_s = 60;
	view_start_trusting(world);
	ask(world, "", "ann", "shop");
	redis_say(world, "FLUSHALL");
	settle(world);
	ck_assert_int_eq(ask(world, "", "ann", "shop").state, VIEW_UNKNOWN);
	redis_stop(world);
	settle(world);
	ck_assert_int_eq(ask(world, "", "ann", "shop").state, VIEW_UNKNOWN);
	world_close(world);
}
END_TEST

START_TEST(T29_what_waits_for_a_connection_is_asked_for_once)
{
	struct view_world *world = world_open();
	struct heard heard[16];

	world->config.wait_ms = 4000;
	view_start(world);
	for (size_t k = 0; k < COUNT(heard); k++)
		ask_begin(world, "", "ann", "shop", &heard[k]);
	redis_start(world);
	publish_all_of_it(world);
	for (size_t k = 0; k < COUNT(heard); k++) {
		until_answered(world, &heard[k]);
		ck_assert_str_eq(heard[k].role, "editor");
	}
	ck_assert_int_lt(counts(world).asked, 16);
	world_close(world);
}
END_TEST

/* --- Older --------------------------------------------------------------- */

START_TEST(W6_an_older_generation_is_refused)
{
	struct view_world *world = world_published();
	int64_t asked;

	world->config.cache_bytes = _i == 0 ? 0 : 1024 * 1024;
	view_start(world);
	ck_assert(_i == 0 || until_trusted(world, true));
	ck_assert_int_eq(ask(world, "", "ann", "shop").state, VIEW_KNOWN);
	ck_assert_int_eq(ask(world, "", "bob", "shop").state, VIEW_KNOWN);
	put_generation(world, 9);
	settle(world);
	ck_assert_int_eq(ask(world, "", "ann", "shop").state, VIEW_UNKNOWN);
	ck_assert_int_ge(counts(world).refused_records, 1);
	ck_assert_int_eq(times_said(world, "record_older"), 1);
	ck_assert_int_eq(counts(world).generation, 10);
	put_generation(world, 10);
	settle(world);
	/* Nothing of what such a server said is kept. */
	asked = counts(world).asked;
	ck_assert_int_eq(ask(world, "", "bob", "shop").state, VIEW_KNOWN);
	ck_assert_int_ge(counts(world).asked, asked + 3);
	world_close(world);
}
END_TEST

/* Also where the generation does not tell: somebody put back a record. */
START_TEST(W6_an_older_record_is_refused)
{
	struct view_world *world = world_published();
	struct str key = key_of(world, RECORD_MEMBER, "ann");
	const struct pair older = { key,
		text_member(world, "ann", "editor", "shop", 11) };

	world->config.cache_bytes = _i == 0 ? 0 : 1024 * 1024;
	view_start(world);
	put_member(world, "ann", "viewer", 12);
	ck_assert_str_eq(ask(world, "", "ann", "shop").role, "viewer");
	publish(world, &older, 1);
	settle(world);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(
		    ask(world, "", "ann", "shop").state, VIEW_UNKNOWN);
	ck_assert_int_ge(counts(world).refused_records, 1);
	put_member(world, "ann", "viewer", 13);
	settle(world);
	ck_assert_str_eq(ask(world, "", "ann", "shop").role, "viewer");
	world_close(world);
}
END_TEST

/* The same bytes are believed; a single other one is looked at. */
START_TEST(without_a_cache_only_the_same_bytes_are_believed)
{
	struct view_world *world = world_published();
	struct str key = key_of(world, RECORD_MEMBER, "ann");
	struct str text = text_member(world, "ann", "editor", "shop", 11);
	char *other = arena_alloc(&world->arena, text.len, 1);

	world->config.cache_bytes = 0;
	view_start(world);
	publish(world, &(struct pair){ key, text }, 1);
	put_generation(world, 11);
	ck_assert_str_eq(ask(world, "", "ann", "shop").role, "editor");
	for (size_t i = 0; i < text.len; i++) {
		memcpy(other, text.ptr, text.len);
		other[i] ^= 1;
		publish(world, &(struct pair){ key, { other, text.len } }, 1);
		ck_assert_int_eq(
		    ask(world, "", "ann", "shop").state, VIEW_UNKNOWN);
		publish(world, &(struct pair){ key, text }, 1);
		ck_assert_str_eq(ask(world, "", "ann", "shop").role, "editor");
	}
	world_close(world);
}
END_TEST

/* A server that took over without the last change must not grant again. */
START_TEST(W6_after_a_failover_what_was_seen_is_not_taken_back)
{
	struct view_world *world = world_trusting();

	put_member(world, "ann", "viewer", 11);
	settle(world);
	ck_assert_str_eq(ask(world, "", "ann", "shop").role, "viewer");
	redis_stop(world);
	settle(world);
	redis_start(world);
	publish_all_of_it(world); /* of generation 10: ann is editor */
	ck_assert(until_connected(world, true));
	ck_assert_int_eq(ask(world, "", "ann", "shop").state, VIEW_UNKNOWN);
	ck_assert_int_eq(ask(world, "", "bob", "shop").state, VIEW_UNKNOWN);
	/* The next change makes the generation new, but not ann's record. */
	put_member(world, "bob", "viewer", 12);
	settle(world);
	ck_assert_int_eq(ask(world, "", "bob", "shop").state, VIEW_KNOWN);
	ck_assert_int_eq(ask(world, "", "ann", "shop").state, VIEW_UNKNOWN);
	put_member(world, "ann", "viewer", 13);
	settle(world);
	ck_assert_str_eq(ask(world, "", "ann", "shop").role, "viewer");
	world_close(world);
}
END_TEST

/* --- One bad key --------------------------------------------------------- */

START_TEST(T28_one_bad_key_spoils_no_other)
{
	struct view_world *world = world_trusting();

	redis_say(world, "DEL rolegate:{" NS "}:member:ann");
	redis_say(world, "RPUSH rolegate:{" NS "}:member:ann x");
	settle(world);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(
		    ask(world, "", "ann", "shop").state, VIEW_UNKNOWN);
		ck_assert_int_eq(
		    ask(world, "", "bob", "shop").state, VIEW_KNOWN);
	}
	ck_assert_int_eq(counts(world).refused_records, 3);
	ck_assert_int_eq(times_said(world, "record_form"), 1);
	ck_assert_int_eq(times_said(world, "redis_refused"), 0);
	world_close(world);
}
END_TEST

/* --- Deep in a tree ------------------------------------------------------ */

/* An account at the end of so many, the last of which is "root". */
static struct str
text_deep(struct view_world *world, const char *id, int levels)
{
	const struct str licences[] = { STR("a"), STR("b") };
	struct account chain[TREE_DEPTH_MAX] = { 0 };
	char ids[TREE_DEPTH_MAX][24];

	for (int i = 0; i < levels; i++) {
		bool is_root = i == levels - 1;

		snprintf(ids[i], sizeof(ids[i]), "level%d", i);
		chain[i] = (struct account){
			.id = str_from(i == 0	 ? id
				       : is_root ? "root"
						 : ids[i]),
			.kind = ACCOUNT_SHARED,
			.level = LEVEL_ACCOUNT,
			.status = ACCOUNT_ACTIVE,
			.catalogue = is_root ? STR("cat") : STR(""),
			.licences = { licences, i % 3 == 0 ? 2 : 0 },
			.parent = is_root ? NULL : &chain[i + 1],
			.changed = 7,
		};
	}
	for (int i = 0; i < levels - 1; i++)
		chain[i].parent_id = chain[i + 1].id;
	return record_account(&world->arena, &world->key,
	    key_of(world, RECORD_ACCOUNT, id), &chain[0]);
}

/* Parsed at each use, or once: it is the same account. */
START_TEST(an_account_of_any_depth)
{
	struct view_world *world = world_published();
	struct str key = key_of(world, RECORD_ACCOUNT, "deep");
	struct heard h;

	world->config.cache_bytes = _i == 0 ? 0 : 1024 * 1024;
	view_start(world);
	ck_assert(_i == 0 || until_trusted(world, true));
	for (int levels = 2; levels <= TREE_DEPTH_MAX; levels++) {
		publish(world,
		    &(struct pair){ key, text_deep(world, "deep", levels) }, 1);
		settle(world);
		for (int twice = 0; twice < 2; twice++) {
			h = ask(world, "", "bob", "deep");
			ck_assert_int_eq(h.state, VIEW_KNOWN);
			ck_assert_str_eq(h.root, "root");
			ck_assert_str_eq(h.catalogue, "cat");
			ck_assert_int_eq(h.depth, levels);
		}
	}
	world_close(world);
}
END_TEST

/* What is kept parsed counts. */
START_TEST(accounts_deep_in_a_tree_stay_within_the_bound)
{
	struct view_world *world = world_published();
	int64_t bound = 256 * 1024;
	int64_t most = 0;
	char name[16];

	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "deep%d", i);
		publish(world,
		    &(struct pair){ key_of(world, RECORD_ACCOUNT, name),
			text_deep(world, name, TREE_DEPTH_MAX) },
		    1);
	}
	world->config.cache_bytes = bound;
	view_start_trusting(world);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "deep%d", i);
		ck_assert_str_eq(ask(world, "", "bob", name).root, "root");
		if (counts(world).cache_bytes > most)
			most = counts(world).cache_bytes;
	}
	ck_assert_int_gt(most, bound / 2);
	ck_assert_int_le(most, bound);
	ck_assert_int_lt(counts(world).cache_records, 120);
	world_close(world);
}
END_TEST

/* Signed, and still no account: at any length nothing is known of it. */
START_TEST(an_account_that_cannot_be_read_is_not_known)
{
	struct view_world *world = world_trusting();
	struct str key = key_of(world, RECORD_ACCOUNT, "deep");
	struct str text = text_deep(world, "deep", _i);
	struct record record;
	struct err err = { 0 };
	char *body;

	ck_assert(record_open(&record, &world->key, key, text, &err));
	body = arena_alloc(&world->arena, record.body.len, 1);
	memcpy(body, record.body.ptr, record.body.len);
	/* the root's line, which is no longer one of an account */
	memcpy((char *)memrchr(body, '\n', record.body.len - 1) + 1, "x", 1);
	text = record_seal(&world->arena, &world->key, key, 7,
	    (struct str){ body, record.body.len });
	publish(world, &(struct pair){ key, text }, 1);
	settle(world);
	ck_assert_int_eq(ask(world, "", "bob", "deep").state, VIEW_UNKNOWN);
	ck_assert_int_eq(ask(world, "", "bob", "shop").state, VIEW_KNOWN);
	ck_assert_int_eq(times_said(world, "record_form"), 1);
	world_close(world);
}
END_TEST

/* --- Many at once -------------------------------------------------------- */

#define CROWD  64
#define PEOPLE 50

static void
people_put(struct view_world *world)
{
	struct pair pairs[PEOPLE];
	char name[16];
	char role[16];

	for (int i = 0; i < PEOPLE; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		snprintf(role, sizeof(role), "role%d", i);
		pairs[i] = (struct pair){ key_of(world, RECORD_MEMBER, name),
			text_member(world, name, role, "shop", 7) };
	}
	publish(world, pairs, PEOPLE);
}

static void
crowd_asks(struct view_world *world, int asks)
{
	struct heard heard[CROWD];
	int who[CROWD];
	char name[16];
	unsigned seed = 1;

	for (int i = 0; i < asks; i += CROWD) {
		for (int k = 0; k < CROWD; k++) {
			seed = seed * 1103515245 + 12345;
			who[k] = (int)((seed >> 16) % PEOPLE);
			snprintf(name, sizeof(name), "p%d", who[k]);
			ask_begin(world, "", name, "shop", &heard[k]);
		}
		for (int k = 0; k < CROWD; k++) {
			until_answered(world, &heard[k]);
			snprintf(name, sizeof(name), "p%d", who[k]);
			ck_assert_str_eq(heard[k].username, name);
			ck_assert_int_eq(heard[k].state, VIEW_KNOWN);
			ck_assert_int_eq(atoi(heard[k].role + 4), who[k]);
		}
	}
}

START_TEST(T30_no_answer_is_somebody_elses)
{
	struct view_world *world = world_published();

	people_put(world);
	world->config.wait_ms = 5000;
	world->config.cache_bytes = 0;
	view_start(world);
	crowd_asks(world, 10000);
	/* One GET for what a round wants twice. */
	ck_assert_int_lt(counts(world).asked, 20000);
	world->config.cache_bytes = 8 * 1024; /* thrashes */
	view_start_trusting(world);
	crowd_asks(world, 10000);
	ck_assert_int_le(counts(world).cache_bytes, 8 * 1024);
	world_close(world);
}
END_TEST

/* `done` may ask for more. */
struct chain {
	struct view_world *world;
	struct heard heard[4];
	int left;
};

static void
chain_done(void *context, const struct view_answer *answer)
{
	struct chain *chain = context;
	struct view_ask next = { .username = STR("bob"),
		.account = STR("shop"),
		.done = chain_done,
		.context = chain };

	ck_assert_int_eq(answer->state, VIEW_KNOWN);
	if (chain->left-- > 0)
		view_ask(chain->world->view, &next);
	ck_assert(str_eq(answer->username, answer->member->username));
}

START_TEST(an_answer_may_ask)
{
	struct chain chain = { .world = world_trusting(), .left = 40 };
	struct view_ask first = { .username = STR("ann"),
		.account = STR("shop"),
		.done = chain_done,
		.context = &chain };

	view_ask(chain.world->view, &first);
	while (chain.left >= 0)
		event_base_loop(chain.world->loop, EVLOOP_ONCE);
	world_close(chain.world);
}
END_TEST

START_TEST(closing_answers_whoever_waits)
{
	struct view_world *world = world_published();
	struct heard heard[4];

	view_start(world);
	for (size_t i = 1; i < COUNT(heard); i++)
		ask_begin(world, "", "ann", "shop", &heard[i]);
	ck_assert(until_connected(world, true));
	ask_begin(world, "", "eve", "shop", &heard[0]);
	view_close(world->view);
	world->view = NULL;
	for (size_t i = 0; i < COUNT(heard); i++)
		ck_assert_int_eq(heard[i].answers, 1);
	ck_assert_int_eq(heard[0].state, VIEW_UNKNOWN);
	world_close(world);
}
END_TEST

/* --- Addresses ----------------------------------------------------------- */

static const struct {
	const char *address;
	bool fits;
} addresses[] = {
	{ "unix:/run/redis/redis.sock", true },
	{ "127.0.0.1:6379", true },
	{ "[::1]:6379", true },
	{ "localhost:6379", true },
	{ "unix:", false },
	{ "", false },
	{ "127.0.0.1", false },
	{ ":6379", false },
	{ "::1:6379", false },
	{ "127.0.0.1:", false },
	{ "127.0.0.1:0", false },
	{ "127.0.0.1:65536", false },
	{ "127.0.0.1:+1", false },
	{ "unix:/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    false },
};

START_TEST(an_address_that_is_none_is_refused)
{
	struct arena arena = { 0 };
	struct target target;
	struct redis_config config = { .address =
					   str_from(addresses[_i].address) };
	struct err err = { 0 };

	ck_assert_msg(
	    target_read(&target, &arena, &config, &err) == addresses[_i].fits,
	    "%s: %s", addresses[_i].address, err.text);
	if (!addresses[_i].fits)
		ck_assert_str_eq(err.code, "redis_address");
	arena_free(&arena);
}
END_TEST

START_TEST(what_cannot_be_used_is_refused_at_the_start)
{
	struct view_world *world = world_open();
	struct target target;
	struct view *view = NULL;
	struct err err = { 0 };

	world->config.ns = STR("a}b");
	ck_assert(!view_open(&view, world->loop, &world->config, &err));
	ck_assert_str_eq(err.code, "view_namespace");
	world->at.user = STR("gate");
	err = (struct err){ 0 };
	ck_assert(!target_read(&target, &world->arena, &world->at, &err));
	ck_assert_str_eq(err.code, "redis_password");
	world_close(world);
}
END_TEST

static void
tests(TCase *t)
{
	tcase_add_test(t, what_is_known);
	tcase_add_test(t, an_ask_is_few_gets);
	tcase_add_test(t, a_session_ends_by_the_wall_clock);
	tcase_add_test(t, W7_without_a_generation_nothing_is_known);
	tcase_add_test(t, W7_another_database_is_another_view);
	tcase_add_test(t, T51_W10_a_change_is_seen_at_once);
	tcase_add_test(
	    t, T51_somebody_new_is_seen_and_somebody_removed_is_gone);
	tcase_add_test(t, W10_without_a_cache_the_next_ask_sees_it);
	tcase_add_test(t, T55_a_catalogue_is_asked_for_once_a_generation);
	tcase_add_loop_test(t, the_cache_is_trusted_only_while_the_heart_beats,
	    0, COUNT(beats));
	tcase_add_test(t, W10_a_step_of_the_clock_extends_nothing);
	tcase_add_test(t, a_heart_that_stops_is_said_once);
	tcase_add_test(t, a_lost_invalidation_connection_leaves_nothing);
	tcase_add_test(t, a_strange_message_leaves_nothing);
	tcase_add_test(t, the_rights_of_the_guide_are_enough);
	tcase_add_test(t, without_the_channel_redis_is_asked_each_time);
	tcase_add_test(
	    t, T28_a_wrong_password_is_said_once_and_nothing_is_known);
	tcase_add_test(t, W5_T28_a_dead_redis_is_a_dont_know_and_comes_back);
	tcase_add_test(t, W5_a_frozen_redis_is_a_dont_know_within_the_wait);
	tcase_add_test(t, W5_a_frozen_redis_ends_the_trust);
	tcase_add_test(
	    t, T29_the_first_ask_after_a_closed_connection_is_answered);
	tcase_add_test(t, stale_answers_only_where_they_are_asked_for);
	tcase_add_test(t, stale_answers_from_a_frozen_redis);
	tcase_add_test(t, W7_an_empty_view_is_not_answered_stale);
	tcase_add_test(t, T29_what_waits_for_a_connection_is_asked_for_once);
	tcase_add_loop_test(t, W6_an_older_generation_is_refused, 0, 2);
	tcase_add_loop_test(t, W6_an_older_record_is_refused, 0, 2);
	tcase_add_test(t, without_a_cache_only_the_same_bytes_are_believed);
	tcase_add_test(t, W6_after_a_failover_what_was_seen_is_not_taken_back);
	tcase_add_test(t, T28_one_bad_key_spoils_no_other);
	tcase_add_loop_test(t, an_account_of_any_depth, 0, 2);
	tcase_add_test(t, accounts_deep_in_a_tree_stay_within_the_bound);
	tcase_add_loop_test(t, an_account_that_cannot_be_read_is_not_known, 2,
	    TREE_DEPTH_MAX + 1);
	tcase_add_test(t, T30_no_answer_is_somebody_elses);
	tcase_add_test(t, an_answer_may_ask);
	tcase_add_test(t, closing_answers_whoever_waits);
	tcase_add_loop_test(
	    t, an_address_that_is_none_is_refused, 0, COUNT(addresses));
	tcase_add_test(t, what_cannot_be_used_is_refused_at_the_start);
}

UNIT_MAIN("gate_view", tests)
