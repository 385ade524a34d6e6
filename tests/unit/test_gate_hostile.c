/* The view, against what is no Redis, or one that lies. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/gate/reply.h"
#include "fcgi/process/times.h"
#include "redis_fake.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* STR() is no constant. */
#define B(bytes)                            \
	{                                   \
		"" bytes, sizeof(bytes) - 1 \
	}
#define CHANNEL "$20\r\n__redis__:invalidate\r\n"

/* --- Bytes --------------------------------------------------------------- */

static bool
take_all(void *context, const struct reply_item *item)
{
	struct str *shown = context;
	char *at = (char *)(uintptr_t)shown->ptr;

	ck_assert(item->type != REPLY_NONE);
	shown->len += (size_t)snprintf(at + shown->len, 512 - shown->len,
	    "%d.%d:%d ", item->depth, item->index, (int)item->type);
	return true;
}

static const struct {
	const char *says;
	struct str bytes;
	bool fits;
	const char *items;
} replies[] = {
	{ "a string", B("$2\r\nab\r\n"), true, "0.0:1 " },
	{ "an empty string", B("$0\r\n\r\n"), true, "0.0:1 " },
	{ "a status, an error, a number and nothing",
	    B("+OK\r\n-ERR x\r\n:-5\r\n$-1\r\n"), true,
	    "0.0:2 0.0:3 0.0:4 0.0:5 " },
	{ "a list comes before its elements",
	    B("*2\r\n$1\r\na\r\n*1\r\n:1\r\n"), true,
	    "0.0:6 1.0:1 1.1:6 2.0:4 " },
	{ "a list of which not all is there",
	    B("*1000000\r\n$1\r\na\r\n$5\r\nb"), true, "0.0:6 1.0:1 " },
	{ "an empty list and none", B("*0\r\n*-1\r\n"), true, "0.0:6 0.0:5 " },
	{ "a string of negative length", B("$-5\r\n"), false, "" },
	{ "a length that is no number", B("$abc\r\n"), false, "" },
	{ "a length past 64 bits", B("$99999999999999999999\r\n"), false, "" },
	{ "a list past 32 bits", B("*4294967296\r\n"), false, "" },
	{ "a list of negative length", B("*-7\r\n"), false, "" },
	{ "a number that is none", B(":1x\r\n"), false, "" },
	{ "another protocol", B("HTTP/1.1 400 Bad Request\r\n"), false, "" },
	{ "RESP3", B("%1\r\n+a\r\n+b\r\n"), false, "" },
	{ "zeros", B("\0\0\0\0"), false, "" },
	{ "a nest",
	    B("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"
	      "*1\r\n*1\r\n"),
	    false, NULL },
};

START_TEST(W12_replies_are_taken_apart)
{
	for (size_t piece = 1; piece < 70; piece += 17) {
		char text[512] = "";
		struct str shown = { text, 0 };
		struct reply_reader *reader = NULL;
		struct err err = { 0 };
		bool fits = true;

		ck_assert(reply_open(&reader, take_all, &shown, &err));
		for (size_t at = 0; fits && at < replies[_i].bytes.len;
		     at += piece) {
			size_t left = replies[_i].bytes.len - at;

			fits = reply_feed(reader, replies[_i].bytes.ptr + at,
			    left < piece ? left : piece, &err);
		}
		ck_assert_msg(fits == replies[_i].fits, "%s: %s",
		    replies[_i].says, err.text);
		if (replies[_i].items != NULL)
			ck_assert_msg(strcmp(text, replies[_i].items) == 0,
			    "%s: %s", replies[_i].says, text);
		reply_close(reader);
	}
}
END_TEST

START_TEST(W12_a_reply_that_never_ends_is_given_up)
{
	const char *begins[] = { "$900000000\r\n", "+",
		"*1\r\n$800000000\r\n" };
	char bytes[16384];

	memset(bytes, 'x', sizeof(bytes));
	for (size_t i = 0; i < COUNT(begins); i++) {
		char text[512] = "";
		struct str shown = { text, 0 };
		struct reply_reader *reader = NULL;
		struct err err = { 0 };
		size_t fed = 0;

		ck_assert(reply_open(&reader, take_all, &shown, &err));
		ck_assert(
		    reply_feed(reader, begins[i], strlen(begins[i]), &err));
		while (reply_feed(reader, bytes, sizeof(bytes), &err))
			fed += sizeof(bytes);
		ck_assert_uint_le(fed, REPLY_MAX + sizeof(bytes));
		reply_close(reader);
	}
}
END_TEST

/* --- Answers to GET ------------------------------------------------------ */

static struct pair honest[9];

/* As publish_all_of_it(), for the fake. */
static struct fake
honest_fake(struct view_world *w)
{
	int64_t in_an_hour_s = now_wall_ms() / 1000 + 3600;
	const struct pair pairs[] = {
		{ key_of(w, RECORD_ACCOUNT, "ann"),
		    text_account(w, "ann", NULL, "cat", 3) },
		{ key_of(w, RECORD_ACCOUNT, "bob"),
		    text_account(w, "bob", NULL, "cat", 3) },
		{ key_of(w, RECORD_ACCOUNT, "shop"),
		    text_account(w, "shop", "root", "cat", 4) },
		{ key_of(w, RECORD_CATALOGUE, "cat"),
		    text_catalogue(w, "cat", 2) },
		{ key_of(w, RECORD_SESSION, SESSION),
		    text_session(w, SESSION, "ann", "shop", in_an_hour_s) },
		{ key_of(w, RECORD_MEMBER, "ann"),
		    text_member(w, "ann", "editor", "shop", 5) },
		{ key_of(w, RECORD_MEMBER, "bob"),
		    text_member(w, "bob", "viewer", "shop", 6) },
		{ key_of(w, RECORD_HEARTBEAT, ""),
		    text_heartbeat(w, now_wall_ms()) },
		{ key_of(w, RECORD_GENERATION, ""), text_generation(w, 10) },
	};

	_Static_assert(sizeof(pairs) == sizeof(honest), "one for each");
	memcpy(honest, pairs, sizeof(pairs));
	return (struct fake){ .pairs = honest, .count = COUNT(honest) };
}

static const struct {
	const char *says;
	struct str bytes;
	const char *code; /* what is said of it */
} gets[] = {
	{ "LOADING (W5)", B("-LOADING Redis is loading\r\n"),
	    "redis_unreachable" },
	{ "BUSY", B("-BUSY a script\r\n"), "redis_unreachable" },
	{ "NOAUTH (W5)", B("-NOAUTH Authentication required.\r\n"),
	    "redis_refused" },
	{ "NOPERM", B("-NOPERM no\r\n"), "redis_refused" },
	{ "READONLY (W5)", B("-READONLY no\r\n"), "redis_refused" },
	{ "MISCONF (W5)", B("-MISCONF disk\r\n"), "redis_refused" },
	{ "MOVED (W5)", B("-MOVED 3999 127.0.0.1:6381\r\n"), "redis_refused" },
	{ "an error without a word", B("-\r\n"), "redis_refused" },
	{ "a status", B("+OK\r\n"), "redis_refused" },
	{ "a number", B(":1\r\n"), "redis_refused" },
	{ "a list", B("*1\r\n$1\r\na\r\n"), "redis_refused" },
	{ "an empty list", B("*0\r\n"), "redis_refused" },
	{ "two answers for one",
	    B("$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n"
	      "$-1\r\n$-1\r\n"),
	    "redis_refused" },
	{ "a huge list", B("*2147483647\r\n"), "redis_refused" },
	{ "another protocol", B("HTTP/1.1 400 Bad Request\r\n\r\n"),
	    "redis_refused" },
	{ "a wrong type everywhere", B("-WRONGTYPE no\r\n"), "record_form" },
	{ "no record", B("$5\r\nhello\r\n"), "record_form" },
	{ "an empty string", B("$0\r\n\r\n"), "record_form" },
	{ "a longer string than was said", B("$2\r\nabcdef\r\n"),
	    "redis_refused" },
	{ "half an answer", B("$100\r\nabc"), "redis_unreachable" },
	{ "a huge string", B("$1073741824\r\nabc"), "redis_unreachable" },
};

START_TEST(W12_T28_a_bad_answer_is_a_dont_know)
{
	struct view_world *world = world_open();
	struct fake fake = honest_fake(world);

	fake.to_get = gets[_i].bytes;
	fake_start(world, &fake);
	world->config.wait_ms = 60;
	view_start(world);
	for (int i = 0; i < 3; i++) {
		struct heard heard = ask(world, SESSION, "", "");

		ck_assert_msg(heard.state == VIEW_UNKNOWN, "%s", gets[_i].says);
		ck_assert_msg(heard.after_ms < 1000, "%s", gets[_i].says);
	}
	ck_assert_msg(times_said(world, gets[_i].code) == 1, "%s: %s",
	    gets[_i].says, world->said);
	ck_assert(!counts(world).trusted);
	world_close(world);
}
END_TEST

/* What stands under ann's key, while all the rest is right. */
static struct str
bad_record(struct view_world *world, int which)
{
	struct str good = text_member(world, "ann", "editor", "shop", 5);
	struct str text = str_copy(&world->arena, good);
	char *bytes = (char *)(uintptr_t)text.ptr;

	switch (which) {
	case 0: /* a wrong signature */
		bytes[text.len - 2] = bytes[text.len - 2] == '0' ? '1' : '0';
		break;
	case 1: /* another role, with the old signature */
		memcpy(memmem(bytes, text.len, "editor", 6), "master", 6);
		break;
	case 2:
		text.len -= 20;
		break;
	case 3: /* signed with another key */
		world->key.bytes[0]++;
		text = text_member(world, "ann", "editor", "shop", 5);
		world->key.bytes[0]--;
		break;
	case 4:
		return text_member(world, "bob", "viewer", "shop", 6);
	case 5:
		return text_account(world, "ann", NULL, "cat", 3);
	case 6:
		memcpy(bytes, "rolegate\t2", 10);
		break;
	default: /* longer than any record */
		bytes = arena_alloc(&world->arena, RECORD_MAX + 100, 1);
		memset(bytes, 'x', RECORD_MAX + 100);
		return (struct str){ bytes, RECORD_MAX + 100 };
	}
	return text;
}

static const struct {
	const char *says;
	const char *code;
} records[] = {
	{ "a wrong signature", "record_mac" },
	{ "an altered record", "record_mac" },
	{ "a record that was cut", "record_mac" },
	{ "a record that another key signed", "record_mac" },
	{ "another member's record (W8)", "record_name" },
	{ "a record of another kind", "record_name" },
	{ "a record of another version", "record_version" },
	{ "a record that is too long", "record_form" },
};

START_TEST(W12_a_bad_record_is_a_dont_know)
{
	struct view_world *world = world_open();
	struct fake fake = honest_fake(world);

	for (size_t i = 0; i < COUNT(honest); i++)
		if (str_eq(honest[i].key, key_of(world, RECORD_MEMBER, "ann")))
			honest[i].text = bad_record(world, _i);
	fake_start(world, &fake);
	view_start_trusting(world);
	for (int i = 0; i < 3; i++) {
		ck_assert_msg(ask(world, SESSION, "", "").state == VIEW_UNKNOWN,
		    "%s", records[_i].says);
		/* Who answers with somebody else's record is left. */
		ck_assert_msg(
		    counts(world).connected ==
			(strcmp(records[_i].code, "record_name") != 0),
		    "%s", records[_i].says);
		loop_for(world, 60);
		ck_assert_msg(
		    strcmp(ask(world, "", "bob", "shop").role, "viewer") == 0,
		    "%s", records[_i].says);
	}
	ck_assert_msg(times_said(world, records[_i].code) >= 1, "%s: %s",
	    records[_i].says, world->said);
	ck_assert_int_ge(counts(world).refused_records, 3);
	world_close(world);
}
END_TEST

/* A change comes between any two answers: ann loses her grant on the root, and
 * then shop comes below it. She never had a right on shop. */
START_TEST(T54_an_answer_is_made_of_one_state)
{
	struct view_world *world = world_open();
	struct fake fake = honest_fake(world);
	const struct pair before[] = {
		{ key_of(world, RECORD_MEMBER, "ann"),
		    text_member(world, "ann", "editor", "root", 9) },
		{ key_of(world, RECORD_ACCOUNT, "shop"),
		    text_account(world, "shop", NULL, "cat", 4) },
		{ key_of(world, RECORD_GENERATION, ""),
		    text_generation(world, 10) },
	};
	struct heard heard;

	for (size_t i = 0; i < COUNT(honest); i++)
		if (str_eq(honest[i].key, before[0].key))
			honest[i].text =
			    text_member(world, "ann", "editor", "bob", 11);
		else if (str_eq(honest[i].key, before[1].key))
			honest[i].text =
			    text_account(world, "shop", "root", "cat", 12);
		else if (str_eq(honest[i].key, before[2].key))
			honest[i].text = text_generation(world, 12);
	fake.before = before;
	fake.before_count = COUNT(before);
	fake.before_gets = _i;
	fake_start(world, &fake);
	world->config.cache_bytes = 0;
	world->config.wait_ms = 1000;
	view_start(world);
	heard = ask(world, SESSION, "", "");
	ck_assert_int_eq(heard.state, VIEW_KNOWN);
	ck_assert_str_eq(heard.role, "");
	world_close(world);
}
END_TEST

/* --- Order and time ------------------------------------------------------ */

#define CROWD 200

/* The server answers each GET with what the one before it asked for. */
START_TEST(W8_a_server_that_is_one_behind_never_grants)
{
	struct view_world *world = world_open();
	struct fake fake = honest_fake(world);
	struct heard heard[CROWD];
	int known = 0;

	fake.behind_after = (int[]){ 1, 2, 5, 10, 50 }[_i];
	fake_start(world, &fake);
	world->config.cache_bytes = 0;
	world->config.wait_ms = 50;
	view_start(world);
	for (int asks = 0; asks < 2000; asks += CROWD) {
		for (int k = 0; k < CROWD; k++)
			ask_begin(world, "", k % 2 == 0 ? "ann" : "bob",
			    k % 3 == 0 ? "shop" : "", &heard[k]);
		for (int k = 0; k < CROWD; k++) {
			until_answered(world, &heard[k]);
			if (heard[k].state == VIEW_UNKNOWN)
				continue;
			known++;
			ck_assert_str_eq(heard[k].role, k % 3 != 0 ? ""
							: k % 2 == 0
							    ? "editor"
							    : "viewer");
			ck_assert_str_eq(heard[k].account, k % 3 == 0 ? "shop"
							   : k % 2 == 0
							       ? "ann"
							       : "bob");
		}
	}
	ck_assert_int_lt(known, 2000);
	world_close(world);
}
END_TEST

/* Its answers are whole, and never what was asked for: it is not tried more
 * often than one that does not answer at all. */
START_TEST(W5_W8_a_server_that_errs_is_left_longer_and_longer)
{
	struct view_world *world = world_open();
	struct fake fake = honest_fake(world);
	struct str wrong = text_member(world, "bob", "viewer", "shop", 6);

	fake.to_get = str_fmt(
	    &world->arena, "$%zu\r\n%.*s\r\n", wrong.len, STR_ARGS(wrong));
	fake_start(world, &fake);
	world->config.wait_ms = 20;
	view_start(world);
	for (int64_t end = monotonic_ms() + 2000; monotonic_ms() < end;)
		ask(world, "", "ann", "shop");
	/* After 0, 50, 100 ... ms, each cut by up to a half. */
	ck_assert_int_ge(counts(world).refused_records, 3);
	ck_assert_int_le(counts(world).refused_records, 8);
	world_close(world);
}
END_TEST

START_TEST(W5_a_byte_now_and_then_is_a_dont_know)
{
	struct view_world *world = world_open();
	struct fake fake = honest_fake(world);

	fake.trickle_us = 20000;
	fake_start(world, &fake);
	view_start(world);
	for (int i = 0; i < 3; i++) {
		struct heard heard = ask(world, "", "ann", "shop");

		ck_assert_int_eq(heard.state, VIEW_UNKNOWN);
		ck_assert_int_lt(heard.after_ms, 1000);
	}
	world_close(world);
}
END_TEST

START_TEST(W5_silence_is_a_dont_know)
{
	struct view_world *world = world_open();
	struct fake fake = { .silent = true };

	fake_start(world, &fake);
	world->at.database = 2; /* SELECT is not answered, either */
	world->at.timeout_ms = 50;
	view_start(world);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(
		    ask(world, "", "ann", "shop").state, VIEW_UNKNOWN);
	ck_assert_str_eq(world->said, "redis_unreachable ");
	world_close(world);
}
END_TEST

START_TEST(T29_connections_that_close_are_replaced)
{
	struct view_world *world = world_open();
	struct fake fake = honest_fake(world);

	fake.close_after = 5;
	fake_start(world, &fake);
	world->config.cache_bytes = 0;
	world->config.wait_ms = 2000;
	view_start(world);
	for (int i = 0; i < 10; i++)
		ck_assert_str_eq(ask(world, "", "ann", "shop").role, "editor");
	world_close(world);
}
END_TEST

START_TEST(a_server_that_speaks_first_is_not_believed)
{
	const struct str words[] = {
		STR("-ERR max number of clients reached\r\n"), STR("+OK\r\n"),
		STR("$-1\r\n"), STR("garbage\r\n")
	};
	struct view_world *world = world_open();
	struct fake fake = honest_fake(world);

	fake.on_connect = words[_i];
	fake_start(world, &fake);
	view_start(world);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(
		    ask(world, "", "eve", "shop").state, VIEW_UNKNOWN);
	world_close(world);
}
END_TEST

/* --- Tracking ------------------------------------------------------------ */

static const struct {
	const char *says;
	struct str to_id;
	struct str to_tracking;
	struct str to_subscribe;
} steps[] = {
	{ "no id", .to_id = B("-ERR unknown command\r\n") },
	{ "an id that is none", .to_id = B(":0\r\n") },
	{ "an id that is text", .to_id = B("$1\r\n7\r\n") },
	{ "no tracking", .to_tracking = B("-ERR no such client\r\n") },
	{ "a number for OK", .to_tracking = B(":1\r\n") },
	{ "a list for OK", .to_tracking = B("*1\r\n+OK\r\n") },
	{ "no subscription", .to_subscribe = B("-NOPERM no\r\n") },
	{ "OK for a subscription", .to_subscribe = B("+OK\r\n") },
	{ "another channel",
	    .to_subscribe = B("*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n") },
	{ "another word",
	    .to_subscribe = B("*3\r\n$7\r\nmessage\r\n" CHANNEL ":1\r\n") },
	{ "two subscriptions",
	    .to_subscribe = B("*3\r\n$9\r\nsubscribe\r\n" CHANNEL ":2\r\n") },
	{ "half a subscription",
	    .to_subscribe = B("*3\r\n$9\r\nsubscribe\r\n" CHANNEL) },
};

START_TEST(without_tracking_redis_is_asked_each_time)
{
	struct view_world *world = world_open();
	struct fake fake = honest_fake(world);

	fake.to_id = steps[_i].to_id;
	fake.to_tracking = steps[_i].to_tracking;
	fake.to_subscribe = steps[_i].to_subscribe;
	fake_start(world, &fake);
	view_start(world);
	ck_assert(until_connected(world, true));
	for (int i = 0; i < 3; i++) {
		loop_for(world, 50);
		ck_assert_msg(!counts(world).trusted, "%s", steps[_i].says);
		ck_assert_msg(
		    strcmp(ask(world, "", "ann", "shop").role, "editor") == 0,
		    "%s", steps[_i].says);
	}
	ck_assert_msg(times_said(world, "tracking_refused") ==
			  (_i == COUNT(steps) - 1 ? 0 : 1),
	    "%s", steps[_i].says);
	world_close(world);
}
END_TEST

/* Redis that answers GET, and PINGs no more. */
START_TEST(W5_without_a_pong_the_cache_is_not_trusted)
{
	struct view_world *world = world_open();
	struct fake fake = honest_fake(world);

	fake.no_pong = true;
	honest[COUNT(honest) - 2].text =
	    text_heartbeat(world, now_wall_ms() + 900);
	fake_start(world, &fake);
	world->config.heartbeat_max_s = 1;
	view_start_trusting(world);
	loop_for(world, 1100);
	ck_assert(!counts(world).trusted);
	ck_assert_str_eq(ask(world, "", "ann", "shop").role, "editor");
	ck_assert_int_eq(times_said(world, "redis_unreachable"), 0);
	world_close(world);
}
END_TEST

enum after { KEPT, ONE_GONE, ALL_GONE };

static const struct {
	const char *says;
	struct str bytes;
	enum after after;
} messages[] = {
	{ "ann changed",
	    B("*3\r\n$7\r\nmessage\r\n" CHANNEL
	      "*1\r\n$26\r\nrolegate:{test}:member:ann\r\n"),
	    ONE_GONE },
	{ "ann changed, and the end of the list does not come",
	    B("*3\r\n$7\r\nmessage\r\n" CHANNEL
	      "*9\r\n$26\r\nrolegate:{test}:member:ann\r\n"),
	    ONE_GONE },
	{ "somebody else's record changed",
	    B("*3\r\n$7\r\nmessage\r\n" CHANNEL
	      "*1\r\n$26\r\nrolegate:{abcd}:member:ann\r\n"),
	    KEPT },
	{ "an empty list", B("*3\r\n$7\r\nmessage\r\n" CHANNEL "*0\r\n"),
	    KEPT },
	{ "NIL", B("*3\r\n$7\r\nmessage\r\n" CHANNEL "*-1\r\n"), ALL_GONE },
	{ "a NIL string", B("*3\r\n$7\r\nmessage\r\n" CHANNEL "$-1\r\n"),
	    ALL_GONE },
	{ "a text", B("*3\r\n$7\r\nmessage\r\n" CHANNEL "$2\r\nhi\r\n"),
	    ALL_GONE },
	{ "a number", B("*3\r\n$7\r\nmessage\r\n" CHANNEL ":1\r\n"), ALL_GONE },
	{ "a list of numbers",
	    B("*3\r\n$7\r\nmessage\r\n" CHANNEL "*1\r\n:1\r\n"), ALL_GONE },
	{ "a list of lists",
	    B("*3\r\n$7\r\nmessage\r\n" CHANNEL "*1\r\n*1\r\n$1\r\na\r\n"),
	    ALL_GONE },
	{ "a message of two items", B("*2\r\n$7\r\nmessage\r\n" CHANNEL),
	    ALL_GONE },
	{ "a message of four items",
	    B("*4\r\n$7\r\nmessage\r\n" CHANNEL "*0\r\n*0\r\n"), ALL_GONE },
	{ "another channel's", B("*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n*0\r\n"),
	    ALL_GONE },
	{ "another word", B("*3\r\n$9\r\nsubscribe\r\n" CHANNEL ":2\r\n"),
	    ALL_GONE },
	{ "a PONG that nobody asked for", B("*2\r\n$4\r\npong\r\n$0\r\n\r\n"),
	    ALL_GONE },
	{ "an error", B("-ERR no\r\n"), ALL_GONE },
	{ "a status", B("+PONG\r\n"), ALL_GONE },
	{ "another protocol", B("HTTP/1.1 200 OK\r\n"), ALL_GONE },
};

START_TEST(what_is_no_message_makes_all_be_forgotten)
{
	struct view_world *world = world_open();
	struct fake fake = honest_fake(world);

	fake.message = messages[_i].bytes;
	fake_start(world, &fake);
	world->config.heartbeat_max_s = 60; /* no PING on the way */
	view_start_trusting(world);
	loop_for(world, 10);
	ask(world, "", "ann", "shop");
	ask(world, "", "bob", "shop");
	ck_assert(ask(world, "", "ann", "shop").at_once);
	ask(world, "", "poke", "shop");
	ck_assert_msg(ask(world, "", "bob", "shop").at_once ==
			  (messages[_i].after != ALL_GONE),
	    "%s", messages[_i].says);
	ck_assert_msg(ask(world, "", "ann", "shop").at_once ==
			  (messages[_i].after == KEPT),
	    "%s", messages[_i].says);
	ck_assert_str_eq(ask(world, "", "ann", "shop").role, "editor");
	world_close(world);
}
END_TEST

/* It answers so many GETs as a replica at 10, and the others as one that has
 * applied 12, by which ann has nothing. */
static void
catches_up(struct view_world *world, struct fake *fake, struct pair before[2],
    int before_gets)
{
	*fake = honest_fake(world);
	for (size_t i = 0; i < COUNT(honest); i++) {
		if (str_eq(
			honest[i].key, key_of(world, RECORD_MEMBER, "ann"))) {
			before[0] = honest[i];
			honest[i].text =
			    text_member(world, "ann", "viewer", "nowhere", 12);
		}
		if (str_eq(
			honest[i].key, key_of(world, RECORD_GENERATION, ""))) {
			before[1] = honest[i];
			honest[i].text = text_generation(world, 12);
		}
	}
	fake->before = before;
	fake->before_count = 2;
	fake->before_gets = before_gets;
}

/* Another worker reads 12 from elsewhere; or has, before it died and this one
 * took its place. Wherever the replica catches up, ann is not an editor. */
START_TEST(W6_a_replica_that_catches_up_under_an_ask_gives_nothing)
{
	struct view_world *world = world_open();
	struct view_seen seen = { .generation = _i % 2 == 1 ? 12 : 0 };
	struct pair before[2];
	struct fake fake;

	world->config.cache_bytes = 0;
	world->config.seen = &seen;
	catches_up(world, &fake, before, _i / 2);
	fake_start(world, &fake);
	view_start(world);
	loop_for(world, 50);
	seen.generation = 12;
	ck_assert_str_ne(ask(world, "", "ann", "shop").role, "editor");
	ck_assert_str_eq(ask_until_known(world, "ann", "shop").role, "");
	world_close(world);
}
END_TEST

static void
tests(TCase *t)
{
	tcase_add_loop_test(
	    t, W6_a_replica_that_catches_up_under_an_ask_gives_nothing, 0, 12);
	tcase_add_loop_test(t, W12_replies_are_taken_apart, 0, COUNT(replies));
	tcase_add_test(t, W12_a_reply_that_never_ends_is_given_up);
	tcase_add_loop_test(
	    t, W12_T28_a_bad_answer_is_a_dont_know, 0, COUNT(gets));
	tcase_add_loop_test(
	    t, W12_a_bad_record_is_a_dont_know, 0, COUNT(records));
	tcase_add_loop_test(
	    t, W8_a_server_that_is_one_behind_never_grants, 0, 5);
	tcase_add_loop_test(t, T54_an_answer_is_made_of_one_state, 0, 12);
	tcase_add_test(t, W5_W8_a_server_that_errs_is_left_longer_and_longer);
	tcase_add_test(t, W5_a_byte_now_and_then_is_a_dont_know);
	tcase_add_test(t, W5_silence_is_a_dont_know);
	tcase_add_test(t, T29_connections_that_close_are_replaced);
	tcase_add_loop_test(
	    t, a_server_that_speaks_first_is_not_believed, 0, 4);
	tcase_add_loop_test(
	    t, without_tracking_redis_is_asked_each_time, 0, COUNT(steps));
	tcase_add_test(t, W5_without_a_pong_the_cache_is_not_trusted);
	tcase_add_loop_test(
	    t, what_is_no_message_makes_all_be_forgotten, 0, COUNT(messages));
}

UNIT_MAIN("gate_hostile", tests)
