/* Connections, on a socket pair, with the real libfcgi behind them. Without a
 * view they can say 401 only, which is all that is needed here. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fcgi/gate/conn.h"
#include "fcgi/gate/libfcgi.h"
#include "fcgi/gate/limits.h"
#include "fcgi/process/times.h"
#include "fcgi_bytes.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define GOOD	     "begin params params. stdin."

struct world {
	struct setup setup;
	struct judge judge;
	struct counts counts;
	struct conns *conns;
	struct event_base *loop;
	int peer; /* our end of the connection */
};

static int ended;

static void
on_closed(void *context)
{
	(void)context;
	ended++;
}

static void
world_open(struct world *w)
{
	int ends[2];

	*w = (struct world){ .setup = { .log = { .fd = -1 } } };
	signal(SIGPIPE, SIG_IGN);
	ck_assert(libfcgi_init());
	w->loop = event_base_new();
	w->conns = calloc(1, sizeof(*w->conns));
	ck_assert(w->loop != NULL && w->conns != NULL);
	judge_init(&w->judge, &w->setup, NULL, &w->counts);
	w->conns->loop = w->loop;
	w->conns->judge = &w->judge;
	w->conns->closed = on_closed;
	ck_assert_int_eq(
	    socketpair(
		AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends),
	    0);
	w->peer = ends[0];
	ended = 0;
	conn_open(w->conns, ends[1]);
	ck_assert_uint_eq(w->conns->count, 1);
}

static void
world_close(struct world *w)
{
	conns_close(w->conns);
	free(w->conns);
	judge_free(&w->judge);
	event_base_free(w->loop);
	close(w->peer);
}

static void
turn(struct world *w)
{
	event_base_loop(w->loop, EVLOOP_NONBLOCK);
}

static void
turn_for(struct world *w, int64_t ms)
{
	struct timeval wait = timeval_ms(ms);

	event_base_loopexit(w->loop, &wait);
	event_base_dispatch(w->loop);
}

static void
send_bytes(struct world *w, const char *bytes, size_t len)
{
	ck_assert_int_eq(send(w->peer, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void
send_words(struct world *w, const char *names)
{
	static struct fcgi_bytes all;

	all.len = 0;
	fcgi_words(&all, names);
	send_bytes(w, all.bytes, all.len);
}

/* What has come: the statuses, one letter each ('4' is 401), then 'c' when
 * the connection is closed. Each has to be a whole FastCGI answer. */
static const char *
heard(struct world *w)
{
	static char letters[64];
	static char all[65536];
	size_t len = 0;
	size_t at = 0;
	size_t count = 0;
	ssize_t got = 0;

	while (len < sizeof(all) &&
	       (got = read(w->peer, all + len, sizeof(all) - len)) > 0)
		len += (size_t)got;
	while (at < len) {
		const unsigned char *h = (unsigned char *)all + at;
		size_t content = (size_t)(h[4] << 8 | h[5]);

		ck_assert_uint_le(at + 8 + content + h[6], len);
		if (h[1] == 6 && content > 0) {
			ck_assert_int_eq(
			    strncmp(all + at + 8, "Status: ", 8), 0);
			letters[count++] = all[at + 16];
		}
		at += 8 + content + h[6];
	}
	if (got == 0 || (got < 0 && errno == ECONNRESET))
		letters[count++] = 'c';
	letters[count] = '\0';
	return letters;
}

/* --- One connection ------------------------------------------------------ */

/* clang-format off */
static const struct {
	const char *says;
	const char *names;
	const char *want;
} rows[] = {
	{ "a request is answered and the connection kept",   GOOD, "4" },
	{ "one that is not to be kept is closed behind it",  "begin:close params params. stdin.", "4c" },
	{ "a body is drained",                               "begin params params. stdin stdin:padded stdin.", "4" },
	{ "W11 two requests at once are none",               GOOD " " GOOD, "c" },
	{ "W11 an unknown version",                          "begin:version2 params. stdin.", "c" },
	{ "W11 management: four times a known name",         "get-values", "c" },
	{ "W11 management behind begin",                     "begin:hides params params. stdin.", "c" },
	{ "W11 management behind the parameters",            "begin params params:hides. stdin.", "c" },
	{ "W11 lengths whose sum overflows",                 "begin params:sum params. stdin.", "c" },
	{ "W11 2 x 1 GiB",                                   "begin params:1g+1g params. stdin.", "c" },
	{ "W11 begin twice",                                 "begin begin params params. stdin.", "c" },
	{ "W11 abort",                                       "begin params abort", "c" },
	{ "W11 half a request is waited for",                "begin params", "" },
};
/* clang-format on */

START_TEST(a_connection_answers_or_is_closed)
{
	struct world w;

	world_open(&w);
	send_words(&w, rows[_i].names);
	turn(&w);
	ck_assert_msg(strcmp(heard(&w), rows[_i].want) == 0, "%s: %s",
	    rows[_i].says, heard(&w));
	ck_assert_int_eq(ended, strchr(rows[_i].want, 'c') != NULL);
	world_close(&w);
}
END_TEST

/* A record of 64 KiB of parameters, but for its last bytes, on each of many
 * connections. */
START_TEST(W11_W13_requests_in_part_have_one_bound)
{
	static char part[60000];
	static struct fcgi_bytes begin;
	int peers[BEGUN_BYTES_MAX / sizeof(part) + 20];
	struct world w;
	int open = 0;

	world_open(&w);
	begin.len = 0;
	fcgi_words(&begin, "begin");
	memcpy(part, begin.bytes, begin.len);
	memcpy(part + begin.len, "\1\4\0\1\xff\0\0\0", 8);
	memcpy(part + begin.len + 8, "\1\x80\0\xfe\xf0n", 6);
	memset(part + begin.len + 14, 'x', sizeof(part) - begin.len - 14);
	for (size_t i = 0; i < COUNT(peers); i++) {
		int ends[2];

		ck_assert_int_eq(
		    socketpair(AF_UNIX,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends),
		    0);
		peers[i] = ends[0];
		conn_open(w.conns, ends[1]);
		ck_assert_int_eq(
		    send(ends[0], part, sizeof(part), MSG_NOSIGNAL),
		    sizeof(part));
		turn(&w);
		ck_assert_uint_le(w.conns->begun_bytes, BEGUN_BYTES_MAX);
	}
	for (size_t i = 0; i < COUNT(peers); i++) {
		open += read(peers[i], part, 1) < 0 && errno == EAGAIN;
		close(peers[i]);
	}
	ck_assert_uint_eq((size_t)open, BEGUN_BYTES_MAX / sizeof(part));
	/* Another one's request is answered, and all is given back. */
	send_words(&w, GOOD);
	turn(&w);
	turn(&w);
	ck_assert_str_eq(heard(&w), "4");
	ck_assert_uint_eq(w.conns->begun_bytes, 0);
	ck_assert_uint_eq(w.conns->count, 1);
	world_close(&w);
}
END_TEST

/* Each byte in a packet of its own. */
/* Over the bound it is denied once and not judged; nginx need not ask again. */
START_TEST(W11_a_request_over_the_bound_is_denied_and_closed)
{
	static struct fcgi_bytes pair;
	static struct fcgi_bytes all;
	static char value[REQUEST_READ_MAX];
	struct world w;

	memset(value, 'x', sizeof(value));
	for (int over = 0; over < 2; over++) {
		size_t frame;

		world_open(&w);
		all.len = pair.len = 0;
		fcgi_words(&all, "begin");
		fcgi_pair(&pair, "ROLEGATE_PATH", STR(""));
		frame = all.len + 8 + pair.len + 3 + 8 + 8;
		pair.len = 0;
		fcgi_pair(&pair, "ROLEGATE_PATH",
		    (struct str){ value, REQUEST_MAX - frame + (size_t)over });
		fcgi_record(&all, 4, (struct str){ pair.bytes, pair.len }, 0);
		fcgi_words(&all, "params. stdin.");
		ck_assert_uint_eq(all.len, REQUEST_MAX + (size_t)over);
		send_bytes(&w, all.bytes, all.len);
		turn(&w);
		turn(&w);
		/* Nobody's, or over the bound. */
		ck_assert_str_eq(heard(&w), over ? "4c" : "4");
		ck_assert_int_eq(
		    counts_reason(&w.counts,
			over ? REASON_AMBIGUOUS_PATH : REASON_NO_IDENTITY),
		    1);
		world_close(&w);
	}
}
END_TEST

START_TEST(W11_a_request_may_come_byte_by_byte)
{
	static struct fcgi_bytes all;
	struct world w;

	world_open(&w);
	all.len = 0;
	fcgi_words(&all, GOOD);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < all.len; i++) {
			ck_assert_str_eq(heard(&w), "");
			send_bytes(&w, all.bytes + i, 1);
			turn(&w);
		}
		ck_assert_str_eq(heard(&w), "4");
	}
	world_close(&w);
}
END_TEST

START_TEST(a_kept_connection_answers_again_and_again)
{
	struct world w;

	world_open(&w);
	for (int i = 0; i < 1000; i++) {
		send_words(&w, GOOD);
		turn(&w);
		ck_assert_str_eq(heard(&w), "4");
	}
	world_close(&w);
}
END_TEST

/* Sizes around libfcgi's buffer of 8 KiB, where an unread rest would show. */
START_TEST(a_request_of_any_size_leaves_the_next_one_whole)
{
	static char value[16 * 1024];
	static struct fcgi_bytes pairs;
	static struct fcgi_bytes all;
	struct world w;

	world_open(&w);
	memset(value, 'v', sizeof(value));
	for (size_t len = 8000; len < 8300; len++) {
		pairs.len = all.len = 0;
		fcgi_pair(&pairs, "N", (struct str){ value, len });
		fcgi_words(&all, "begin");
		fcgi_record(
		    &all, 4, (struct str){ pairs.bytes, pairs.len }, len % 8);
		fcgi_words(&all, "params. stdin stdin.");
		send_bytes(&w, all.bytes, all.len);
		turn(&w);
		ck_assert_msg(strcmp(heard(&w), "4") == 0, "%zu", len);
	}
	world_close(&w);
}
END_TEST

/* --- Waiting ------------------------------------------------------------- */

/* clang-format off */
static const struct {
	const char *says;
	const char *first;
	const char *then;
	const char *want;
} waits[] = {
	{ "W11 a stalled peer is sent away after two seconds", "begin", "", "c" },
	{ "W11 so is one that says nothing at all",            "", "", "c" },
	{ "W11 and one that stalls in its next request",       GOOD, "begin", "4c" },
	{ "a kept connection may be idle",                     GOOD, "", "4" },
};
/* clang-format on */

START_TEST(W11_who_stalls_is_sent_away)
{
	char all[64] = "";
	struct world w;

	world_open(&w);
	send_words(&w, waits[_i].first);
	turn(&w);
	strcat(all, heard(&w));
	send_words(&w, waits[_i].then);
	turn_for(&w, REQUEST_WAIT_MS - 300);
	ck_assert_int_eq(ended, 0);
	turn_for(&w, 600);
	strcat(all, heard(&w));
	ck_assert_msg(
	    strcmp(all, waits[_i].want) == 0, "%s: %s", waits[_i].says, all);
	world_close(&w);
}
END_TEST

/* A byte now and then makes no more of the two seconds. */
START_TEST(W11_who_drips_is_sent_away)
{
	static struct fcgi_bytes all;
	struct world w;

	world_open(&w);
	all.len = 0;
	fcgi_words(&all, GOOD);
	for (size_t i = 0; i < 25; i++) {
		if (ended == 0)
			send_bytes(&w, all.bytes + i, 1);
		turn_for(&w, 100);
	}
	ck_assert_int_eq(ended, 1);
	world_close(&w);
}
END_TEST

/* Nobody waits for a peer that does not read: its connection ends. */
START_TEST(W13_who_does_not_read_is_sent_away)
{
	struct world w;
	int64_t start_ms = monotonic_ms();

	world_open(&w);
	for (int i = 0; i < 100000 && ended == 0; i++) {
		send_words(&w, GOOD);
		turn(&w);
	}
	ck_assert_int_eq(ended, 1);
	ck_assert_int_lt(monotonic_ms() - start_ms, 10000);
	world_close(&w);
}
END_TEST

START_TEST(T26_who_leaves_hurts_nobody)
{
	for (int when = 0; when < 3; when++) {
		struct world w;

		world_open(&w);
		if (when > 0)
			send_words(&w, when == 1 ? "begin params" : GOOD);
		shutdown(w.peer, SHUT_RDWR);
		turn_for(&w, when == 1 ? REQUEST_WAIT_MS + 100 : 20);
		ck_assert_int_eq(ended, 1);
		world_close(&w);
	}
}
END_TEST

/* Only what nobody uses makes room, and of that the oldest. */
START_TEST(W13_what_is_idle_longest_makes_room)
{
	struct world w;
	int ends[3][2];
	char byte;

	world_open(&w);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(
		    socketpair(AF_UNIX,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends[i]),
		    0);
		turn_for(&w, 10);
		conn_open(w.conns, ends[i][1]);
	}
	/* The first one is used again, the second has begun to. */
	turn_for(&w, 10);
	send_words(&w, GOOD);
	ck_assert_int_eq(write(ends[0][0], "\1\1", 2), 2);
	turn(&w);
	ck_assert_str_eq(heard(&w), "4");
	ck_assert(!conns_make_room(w.conns, 1000));
	ck_assert_int_eq(ended, 0);
	turn_for(&w, 30);
	ck_assert(conns_make_room(w.conns, 30));
	ck_assert_int_eq(read(ends[1][0], &byte, 1), 0);
	ck_assert(conns_make_room(w.conns, 30));
	ck_assert_int_eq(read(ends[2][0], &byte, 1), 0);
	ck_assert(conns_make_room(w.conns, 30));
	ck_assert_str_eq(heard(&w), "c");
	ck_assert(!conns_make_room(w.conns, 0));
	ck_assert_uint_eq(w.conns->count, 1);
	for (int i = 0; i < 3; i++)
		close(ends[i][0]);
	world_close(&w);
}
END_TEST

/* --- Ending -------------------------------------------------------------- */

START_TEST(W14_an_idle_connection_ends_at_once)
{
	struct world w;

	world_open(&w);
	send_words(&w, GOOD);
	turn(&w);
	conns_end(w.conns);
	ck_assert_str_eq(heard(&w), "4c");
	world_close(&w);
}
END_TEST

START_TEST(W14_what_has_begun_is_finished)
{
	struct world w;

	world_open(&w);
	send_words(&w, "begin params");
	turn(&w);
	conns_end(w.conns);
	ck_assert_str_eq(heard(&w), "");
	send_words(&w, "params. stdin.");
	turn(&w);
	ck_assert_str_eq(heard(&w), "4c");
	world_close(&w);
}
END_TEST

START_TEST(W14_what_waits_unseen_is_answered)
{
	struct world w;

	world_open(&w);
	send_words(&w, GOOD);
	conns_end(w.conns);
	turn(&w);
	ck_assert_str_eq(heard(&w), "4c");
	world_close(&w);
}
END_TEST

static void
tests(TCase *t)
{
	tcase_add_loop_test(
	    t, a_connection_answers_or_is_closed, 0, COUNT(rows));
	tcase_add_test(t, W11_a_request_over_the_bound_is_denied_and_closed);
	tcase_add_test(t, W11_W13_requests_in_part_have_one_bound);
	tcase_add_test(t, W11_a_request_may_come_byte_by_byte);
	tcase_add_test(t, a_kept_connection_answers_again_and_again);
	tcase_add_test(t, a_request_of_any_size_leaves_the_next_one_whole);
	tcase_add_loop_test(t, W11_who_stalls_is_sent_away, 0, COUNT(waits));
	tcase_add_test(t, W11_who_drips_is_sent_away);
	tcase_add_test(t, W13_who_does_not_read_is_sent_away);
	tcase_add_test(t, T26_who_leaves_hurts_nobody);
	tcase_add_test(t, W13_what_is_idle_longest_makes_room);
	tcase_add_test(t, W14_an_idle_connection_ends_at_once);
	tcase_add_test(t, W14_what_has_begun_is_finished);
	tcase_add_test(t, W14_what_waits_unseen_is_answered);
}

UNIT_MAIN("gate connections", tests)
