/* The view while it changes: what is told late or by another server, and that
 * no answer is made of two states. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "redis_relay.h"
#include "unit.h"
#include "view_world.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A writer goes on and on; what is read never goes back, and what was written
 * before the ask is seen by it, but for the time that Redis' word takes. */
START_TEST(T54_T55_no_answer_goes_back)
{
	struct view_world *world = world_trusting();
	struct heard heard[8];
	char role[16];
	int last = 0;

	for (int i = 1; i <= 1500; i++) {
		snprintf(role, sizeof(role), "r%d", i);
		put_member(world, "ann", role, 10 + i);
		for (size_t k = 0; k < COUNT(heard); k++)
			ask_begin(world, "", "ann", "shop", &heard[k]);
		for (size_t k = 0; k < COUNT(heard); k++) {
			int got;

			until_answered(world, &heard[k]);
			ck_assert_int_eq(heard[k].state, VIEW_KNOWN);
			got = heard[k].role[0] == 'r' ? atoi(heard[k].role + 1)
						      : 0;
			ck_assert_int_ge(got, last);
			last = got;
		}
	}
	loop_for(world, 50);
	ck_assert_str_eq(ask(world, "", "ann", "shop").role, "r1500");
	world_close(world);
}
END_TEST

/* --- Told late ----------------------------------------------------------- */

#define NOBODYS \
	"ffff2233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void
put_acme_apart(struct view_world *world)
{
	publish(world,
	    &(struct pair){ key_of(world, RECORD_ACCOUNT, "acme"),
		text_account(world, "acme", "other", "cat", 4) },
	    1);
}

/* In one publication ann's role on shop goes, and acme comes below shop. Who
 * has the old member and the new account sees a right that nobody ever had. */
static void
put_acme_below_shop(struct view_world *world)
{
	const struct pair pairs[] = {
		{ key_of(world, RECORD_MEMBER, "ann"),
		    text_member(world, "ann", "viewer", "nowhere", 11) },
		{ key_of(world, RECORD_ACCOUNT, "acme"),
		    text_account(world, "acme", "shop", "cat", 11) },
		{ key_of(world, RECORD_GENERATION, ""),
		    text_generation(world, 11) },
	};

	publish(world, pairs, COUNT(pairs));
}

START_TEST(T54_what_is_told_late_makes_no_right)
{
	struct view_world *world = world_published();
	struct relay *relay = relay_start(world);
	struct heard h;

	put_acme_apart(world);
	view_start_trusting(world);
	ck_assert_str_eq(ask(world, "", "ann", "shop").role, "editor");
	relay_set(&relay->hold_changes, true);
	put_acme_below_shop(world);
	/* Somebody's ask has found out what the generation is. */
	if (_i == 1)
		ask(world, NOBODYS, "", "shop");
	for (int n = 0; n < 3; n++) {
		h = ask(world, "", "ann", "acme");
		ck_assert_int_eq(h.state, VIEW_KNOWN);
		ck_assert_int_eq(h.generation, 11);
		ck_assert_str_eq(h.root, "shop");
		ck_assert_str_eq(h.role, "");
	}
	ck_assert(!counts(world).trusted);
	relay_set(&relay->hold_changes, false);
	ck_assert(until_trusted(world, true));
	ask(world, "", "ann", "acme");
	h = ask(world, "", "ann", "acme");
	ck_assert(h.at_once);
	ck_assert_str_eq(h.role, "");
	relay_end(relay);
	world_close(world);
}
END_TEST

/* A generation that was read and could not be kept, while the old one was. */
START_TEST(T54_an_ask_ends_however_late_it_is_told)
{
	struct view_world *world = world_published();
	struct relay *relay = relay_start(world);
	struct heard other;
	struct heard h;

	view_start_trusting(world);
	ask(world, "", "ann", "shop");
	ck_assert(ask(world, "", "ann", "shop").at_once);
	relay_set(&relay->hold_gets, true);
	ask_begin(world, NOBODYS, "", "shop", &other);
	loop_for(world, 5);
	beat(world); /* is told, so that what was asked is not kept */
	loop_for(world, 20);
	relay_set(&relay->hold_changes, true);
	put_member(world, "bob", "viewer", 11);
	relay_set(&relay->hold_gets, false);
	until_answered(world, &other);
	ck_assert_int_eq(other.generation, 11);
	h = ask(world, "", "ann", "shop");
	ck_assert_int_eq(h.state, VIEW_KNOWN);
	ck_assert_int_eq(h.generation, 11);
	relay_end(relay);
	world_close(world);
}
END_TEST

/* What has nothing to do with it is published while the ask is on its way: all
 * that it reads is of the state in which it began. */
START_TEST(T54_another_publication_makes_no_ask_begin_again)
{
	struct view_world *world = world_published();
	struct relay *relay = relay_start(world);
	struct heard h;
	int64_t asked;

	world->config.cache_bytes = 0;
	view_start(world);
	ask(world, "", "ann", "shop");
	asked = counts(world).asked;
	relay_set(&relay->hold_gets, true);
	ask_begin(world, "", "ann", "shop", &h);
	loop_for(world, 5);
	put_member(world, "bob", "viewer", 11);
	relay_set(&relay->hold_gets, false);
	until_answered(world, &h);
	ck_assert_int_eq(h.state, VIEW_KNOWN);
	ck_assert_str_eq(h.role, "editor");
	ck_assert_int_eq(h.generation, 10);
	/* Member and account; the catalogue; with each the generation. */
	ck_assert_int_eq(counts(world).asked, asked + 5);
	relay_end(relay);
	world_close(world);
}
END_TEST

/* Where it leads is not known: the heart has to be heard on both again. */
START_TEST(W6_a_new_data_connection_ends_the_trust)
{
	struct view_world *world = world_published();
	struct relay *relay = relay_start(world);

	view_start_trusting(world);
	ask(world, "", "ann", "shop");
	relay_set(&relay->drop_data, true);
	ck_assert(until_connected(world, false));
	ck_assert(until_connected(world, true));
	loop_for(world, 300);
	ck_assert(!counts(world).trusted);
	ck_assert(!ask(world, "", "ann", "shop").at_once);
	ck_assert_str_eq(ask(world, "", "ann", "shop").role, "editor");
	beat(world);
	ck_assert(until_trusted(world, true));
	ck_assert(ask(world, "", "ann", "shop").at_once);
	relay_end(relay);
	world_close(world);
}
END_TEST

/* While it is made anew, what is trusted is still an answer. */
START_TEST(T29_without_a_data_connection_the_trusted_cache_answers)
{
	struct view_world *world = world_published();
	struct relay *relay = relay_start(world);

	view_start_trusting(world);
	ask(world, "", "ann", "shop");
	settle(world);
	snprintf(relay->other, sizeof(relay->other), "/nowhere");
	relay_set(&relay->to_other, true);
	relay_set(&relay->drop_data, true);
	ck_assert(until_connected(world, false));
	ck_assert(ask(world, "", "ann", "shop").at_once);
	ck_assert_str_eq(ask(world, "", "ann", "shop").role, "editor");
	/* What is not there waits for the connection. */
	ck_assert_int_eq(ask(world, "", "bob", "shop").state, VIEW_UNKNOWN);
	relay_set(&relay->to_other, false);
	ck_assert_str_eq(ask_until_known(world, "bob", "shop").role, "viewer");
	relay_end(relay);
	world_close(world);
}
END_TEST

/* Both connections lead to the first server, then the one that tells of changes
 * to the second, on which ann's role is taken away. Then the data connection
 * goes there, too; or the first server is a replica of the second, which gets
 * the change later. */
START_TEST(W6_what_two_servers_say_is_not_one_view)
{
	struct view_world *world = world_published();
	struct view_world *other = world_published();
	struct relay *relay = relay_start(world);
	const struct pair gone[] = {
		{ key_of(world, RECORD_MEMBER, "ann"),
		    text_member(world, "ann", "viewer", "nowhere", 11) },
		{ key_of(world, RECORD_GENERATION, ""),
		    text_generation(world, 11) },
	};

	view_start_trusting(world);
	snprintf(relay->other, sizeof(relay->other), "%s", other->socket);
	relay_set(&relay->to_other, true);
	relay_set(&relay->drop_changes, true);
	loop_for(world, 300);
	beat(world);
	beat(other);
	loop_for(world, 50);
	ck_assert(!counts(world).trusted);
	publish(other, gone, COUNT(gone));
	loop_for(world, 30);
	ck_assert_str_eq(ask(world, "", "ann", "shop").role, "editor");
	if (_i == 0) {
		relay_set(&relay->drop_data, true);
		ck_assert(until_connected(world, false));
		ck_assert(until_connected(world, true));
	} else
		publish(world, gone, COUNT(gone));
	for (int n = 0; n < 8; n++) {
		beat(other);
		if (_i == 1)
			beat(world);
		loop_for(world, 100);
		ck_assert_str_eq(ask(world, "", "ann", "shop").role, "");
	}
	ck_assert(counts(world).trusted == (_i == 0));
	relay_end(relay);
	world_close(world);
	world_close(other);
}
END_TEST

/* Another worker has read generation 12; this one may lead to a server that
 * lags, by what it read before or by what it reads anew. */
START_TEST(W6_what_another_worker_has_seen_is_not_taken_back)
{
	struct view_world *world = world_published();
	struct view_seen seen = { 0 };
	int64_t asked;

	world->config.seen = &seen;
	world->config.cache_bytes = _i == 0 ? 0 : 1024 * 1024;
	view_start(world);
	ck_assert(_i == 0 || until_trusted(world, true));
	ck_assert_str_eq(ask(world, "", "ann", "shop").role, "editor");
	ck_assert_int_eq(seen.generation, 10);
	seen.generation = 12;
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(
		    ask(world, "", "ann", "shop").state, VIEW_UNKNOWN);
	redis_stop(world);
	settle(world);
	redis_start(world);
	publish_all_of_it(world);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(
		    ask(world, "", "ann", "shop").state, VIEW_UNKNOWN);
	ck_assert_int_ge(times_said(world, "record_older"), 1);
	put_generation(world, 12);
	ck_assert_str_eq(ask_until_known(world, "ann", "shop").role, "editor");
	/* The cache serves again. */
	if (_i == 1) {
		beat(world);
		ck_assert(until_trusted(world, true));
		ask(world, "", "ann", "shop");
		asked = counts(world).asked;
		ck_assert(ask(world, "", "ann", "shop").at_once);
		ck_assert_int_eq(counts(world).asked, asked);
	}
	world_close(world);
}
END_TEST

/* Two asks of one round share a GET that was sent when only the first one's
 * floor was known. */
START_TEST(W6_a_shared_get_is_not_older_than_what_the_second_ask_knows)
{
	struct view_world *world = world_published();
	struct view_seen seen = { 0 };
	struct heard first;
	struct heard second;

	world->config.seen = &seen;
	world->config.cache_bytes = 0;
	view_start(world);
	ask(world, "", "ann", "shop");
	ask(world, "", "ann", "shop");
	ask_begin(world, "", "ann", "shop", &first);
	seen.generation = 12;
	ask_begin(world, "", "ann", "shop", &second);
	until_answered(world, &first);
	until_answered(world, &second);
	ck_assert_int_eq(second.state, VIEW_UNKNOWN);
	world_close(world);
}
END_TEST

/* It looks for the other server, but is no storm. */
START_TEST(W6_a_worker_that_was_left_behind_looks_around_slowly)
{
	struct view_world *world = world_published();
	struct view_seen seen = { 0 };
	int clients;

	world->config.seen = &seen;
	view_start_trusting(world);
	seen.generation = 12;
	ask(world, "", "ann", "shop");
	clients = redis_clients(world);
	loop_for(world, 3000);
	clients = redis_clients(world) - clients;
	ck_assert_int_ge(clients, 2);
	ck_assert_int_le(clients, 16);
	ck_assert_int_eq(times_said(world, "redis_back"), 0);
	put_generation(world, 12);
	ck_assert_str_eq(ask_until_known(world, "ann", "shop").role, "editor");
	world_close(world);
}
END_TEST

/* An operator who wants stale answers does not want one who was revoked. */
START_TEST(W6_nothing_is_as_stale_as_what_another_worker_knows_is_gone)
{
	struct view_world *world = world_published();
	struct view_seen seen = { 0 };

	world->config.seen = &seen;
	world->config.stale_max_s = 60;
	view_start_trusting(world);
	ask(world, "", "ann", "shop");
	redis_stop(world);
	settle(world);
	ck_assert(ask(world, "", "ann", "shop").stale);
	seen.generation = 12;
	ck_assert_int_eq(ask(world, "", "ann", "shop").state, VIEW_UNKNOWN);
	world_close(world);
}
END_TEST

/* Somebody has put an old generation back. */
START_TEST(T54_records_of_two_generations_are_a_dont_know)
{
	struct view_world *world = world_published();
	int64_t asked;

	publish(world,
	    &(struct pair){ key_of(world, RECORD_MEMBER, "ann"),
		text_member(world, "ann", "viewer", "shop", 11) },
	    1);
	world->config.cache_bytes = _i == 0 ? 0 : 1024 * 1024;
	view_start(world);
	ck_assert(_i == 0 || until_trusted(world, true));
	ask(world, "", "bob", "shop");
	asked = counts(world).asked;
	ck_assert_int_eq(ask(world, "", "ann", "shop").state, VIEW_UNKNOWN);
	ck_assert_int_le(counts(world).asked, asked + 16 * 5);
	ck_assert_int_eq(times_said(world, "view_two_states"), 1);
	ck_assert_int_eq(ask(world, "", "bob", "shop").state, VIEW_KNOWN);
	put_generation(world, 11);
	settle(world);
	ck_assert_str_eq(ask(world, "", "ann", "shop").role, "viewer");
	world_close(world);
}
END_TEST

/* The publication by which ann's role on shop goes and acme comes below shop
 * was not told; acme was read anew since. */
START_TEST(T54_stale_answers_are_of_one_time)
{
	struct view_world *world = world_published();
	struct relay *relay = relay_start(world);

	put_acme_apart(world);
	world->config.stale_max_s = 60;
	view_start_trusting(world);
	ask(world, "", "ann", "acme");
	ask(world, "", "ann", "shop");
	ask(world, "", "bob", "acme");
	if (_i == 0)
		relay_set(&relay->drop_changes, true);
	else
		relay_set(&relay->hold_changes, true);
	put_acme_below_shop(world);
	if (_i == 0)
		ck_assert(until_trusted(world, true));
	else
		ask(world, NOBODYS, "", "shop"); /* reads the generation */
	ask(world, "", "bob", "acme");
	redis_stop(world);
	loop_for(world, 100);
	ck_assert_int_eq(ask(world, "", "ann", "acme").state, VIEW_UNKNOWN);
	relay_end(relay);
	world_close(world);
}
END_TEST

/* --- At random ----------------------------------------------------------- */

#define ASKS_AT_ONCE 8
#define ROUNDS	     1000

/* Below what ann's own account is, and where she has a role: never the same, in
 * any state that is published. */
static const char *const places[] = { "shop", "other", "nowhere" };

struct state {
	int64_t generation;
	int below; /* one of the first two */
	int role_on;
};

static void
state_publish(
    struct view_world *world, const struct state *old, const struct state *now)
{
	struct pair pairs[3];
	size_t count = 0;

	if (old == NULL || now->role_on != old->role_on)
		pairs[count++] =
		    (struct pair){ key_of(world, RECORD_MEMBER, "ann"),
			    text_member(world, "ann", "viewer",
				places[now->role_on], now->generation) };
	if (old == NULL || now->below != old->below)
		pairs[count++] =
		    (struct pair){ key_of(world, RECORD_ACCOUNT, "ann"),
			    text_account(world, "ann", places[now->below],
				"cat", now->generation) };
	pairs[count++] = (struct pair){ key_of(world, RECORD_GENERATION, ""),
		text_generation(world, now->generation) };
	publish(world, pairs, count);
}

static struct state
state_next(const struct state *old)
{
	struct state next = { .generation = old->generation + 1 };

	do {
		next.below = rand() % 2;
		next.role_on = rand() % 3;
	} while (next.below == next.role_on);
	return next;
}

/* In a process of its own, until it is killed. */
static pid_t
publisher_start(struct view_world *world, const struct state *first)
{
	struct state old = *first;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	world->admin = redisConnectUnix(world->socket);
	for (;;) {
		struct state next = state_next(&old);

		state_publish(world, &old, &next);
		if (rand() % 50 == 0)
			beat(world);
		usleep((useconds_t)(rand() % 500));
		old = next;
	}
}

/* What is told, or what is asked for, is late; or a connection ends. */
static void
relay_disturb(struct relay *relay)
{
	relay->hold_changes = rand() % 4 == 0;
	relay->hold_gets = rand() % 8 == 0;
	if (rand() % 100 == 0)
		relay->drop_data = true;
	if (rand() % 100 == 0)
		relay->drop_changes = true;
}

static void
asks_of_one_round(struct view_world *world, struct relay *relay, int answers[2])
{
	struct heard heard[ASKS_AT_ONCE];

	for (int i = 0; i < ASKS_AT_ONCE; i++) {
		/* By its name, or found by the member: one after the other. */
		ask_begin(world, "", "ann", i % 2 == 0 ? "ann" : "", &heard[i]);
		if (rand() % 2 == 0)
			event_base_loop(world->loop, EVLOOP_NONBLOCK);
	}
	if (relay->hold_gets)
		loop_for(world, rand() % 8);
	relay->hold_gets = false;
	for (int i = 0; i < ASKS_AT_ONCE; i++) {
		until_answered(world, &heard[i]);
		ck_assert_msg(heard[i].role[0] != 'v',
		    "below %s in generation %lld, with a role there",
		    heard[i].root, (long long)heard[i].generation);
		answers[heard[i].state == VIEW_KNOWN]++;
	}
}

START_TEST(T54_W5_at_random_no_answer_is_of_two_states)
{
	struct view_world *world = world_published();
	struct relay *relay = relay_start(world);
	const char *word = getenv("ROLEGATE_SEED");
	unsigned seed =
	    word != NULL ? (unsigned)atoi(word) : (unsigned)time(NULL);
	struct state first = { 11, 0, 1 };
	int answers[2] = { 0, 0 };
	pid_t publisher;

	printf("ROLEGATE_SEED=%u\n", seed);
	fflush(stdout);
	srand(seed);
	if (_i == 0)
		world->config.cache_bytes = 0;
	state_publish(world, NULL, &first);
	view_start(world);
	ck_assert(_i == 0 || until_trusted(world, true));
	publisher = publisher_start(world, &first);
	for (int i = 0; i < ROUNDS; i++) {
		relay_disturb(relay);
		asks_of_one_round(world, relay, answers);
	}
	kill(publisher, SIGKILL);
	waitpid(publisher, NULL, 0);
	printf("known %d, not known %d\n", answers[true], answers[false]);
	ck_assert_int_gt(answers[true], answers[false]);
	ck_assert(_i == 0 || counts(world).hits > 0);
	relay_end(relay);
	world_close(world);
}
END_TEST

static void
tests(TCase *t)
{
	tcase_add_test(t, T54_T55_no_answer_goes_back);
	tcase_add_loop_test(t, T54_what_is_told_late_makes_no_right, 0, 2);
	tcase_add_test(t, T54_an_ask_ends_however_late_it_is_told);
	tcase_add_test(t, T54_another_publication_makes_no_ask_begin_again);
	tcase_add_test(t, W6_a_new_data_connection_ends_the_trust);
	tcase_add_test(
	    t, T29_without_a_data_connection_the_trusted_cache_answers);
	tcase_add_loop_test(t, W6_what_two_servers_say_is_not_one_view, 0, 2);
	tcase_add_loop_test(
	    t, W6_what_another_worker_has_seen_is_not_taken_back, 0, 2);
	tcase_add_test(
	    t, W6_a_shared_get_is_not_older_than_what_the_second_ask_knows);
	tcase_add_test(t, W6_a_worker_that_was_left_behind_looks_around_slowly);
	tcase_add_test(
	    t, W6_nothing_is_as_stale_as_what_another_worker_knows_is_gone);
	tcase_add_loop_test(
	    t, T54_records_of_two_generations_are_a_dont_know, 0, 2);
	tcase_add_loop_test(t, T54_stale_answers_are_of_one_time, 0, 2);
	tcase_add_loop_test(
	    t, T54_W5_at_random_no_answer_is_of_two_states, 0, 2);
}

UNIT_MAIN("gate_states", tests)
