/* gate.control and gate.metrics, on sockets of their own, without a gate. */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "fcgi/gate/control.h"
#include "fcgi/gate/limits.h"
#include "fcgi/process/times.h"
#include "unit.h"

struct world {
	struct event_base *loop;
	struct control *control;
	struct sockaddr_un address;
	socklen_t address_len;
	int listener;
};

/* Its name is the kernel's choice, in no file system. */
static void
world_open(struct world *w, bool metrics)
{
	static struct board *board;
	struct err err = { 0 };

	*w = (struct world){ .address_len = sizeof(w->address) };
	if (board == NULL)
		board = board_new(1);
	ck_assert_ptr_nonnull(board);
	w->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	w->address.sun_family = AF_UNIX;
	ck_assert_int_eq(bind(w->listener, (struct sockaddr *)&w->address,
			     sizeof(sa_family_t)),
	    0);
	ck_assert_int_eq(listen(w->listener, 64), 0);
	ck_assert_int_eq(getsockname(w->listener,
			     (struct sockaddr *)&w->address, &w->address_len),
	    0);
	w->loop = event_base_new();
	ck_assert(control_open(&w->control, w->loop, metrics ? -1 : w->listener,
	    metrics ? w->listener : -1, board, &err));
}

static int
peer_new(const struct world *w)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(
	    connect(fd, (const struct sockaddr *)&w->address, w->address_len),
	    0);
	return fd;
}

static void
loop_for(struct world *w, int64_t ms)
{
	struct timeval wait = timeval_ms(ms);

	event_base_loopexit(w->loop, &wait);
	event_base_dispatch(w->loop);
}

START_TEST(who_asks_gets_the_report_and_the_end)
{
	struct world w;
	char text[8192];
	int peer;

	world_open(&w, false);
	peer = peer_new(&w);
	loop_for(&w, 50);
	ck_assert_int_gt(read(peer, text, sizeof(text)), 0);
	ck_assert_int_eq(text[0], '{');
	ck_assert_int_eq(read(peer, text, sizeof(text)), 0);
	close(peer);
	control_close(w.control);
	event_base_free(w.loop);
}
END_TEST

/* What is half done ends with it, while the loop goes on for requests. */
START_TEST(W14_its_end_leaves_nothing_in_the_loop)
{
	struct world w;
	char byte;
	int peer;

	world_open(&w, false);
	peer = peer_new(&w);
	event_base_loop(w.loop, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	control_close(w.control);
	loop_for(&w, 50);
	ck_assert(read(peer, &byte, 1) == 0 || errno == ECONNRESET);
	close(peer);
	event_base_free(w.loop);
}
END_TEST

/* Of metrics: they are read from, and so could stay. */
START_TEST(W13_who_asks_slowly_keeps_no_place)
{
	struct world w;
	int peers[CONTROL_PEERS_MAX + 4];
	int open = 0;
	char byte;

	world_open(&w, true);
	for (int i = 0; i < CONTROL_PEERS_MAX + 4; i++)
		peers[i] = peer_new(&w);
	for (int n = 0; n < CONTROL_WAIT_S + 1; n++) {
		for (int i = 0; i < CONTROL_PEERS_MAX + 4; i++)
			send(peers[i], "G", 1, MSG_NOSIGNAL);
		loop_for(&w, n == 0 ? 50 : 1000);
		for (int i = 0; n == 0 && i < CONTROL_PEERS_MAX + 4; i++)
			open += read(peers[i], &byte, 1) < 0 && errno == EAGAIN;
	}
	ck_assert_int_eq(open, CONTROL_PEERS_MAX);
	for (int i = 0; i < CONTROL_PEERS_MAX + 4; i++) {
		ck_assert(read(peers[i], &byte, 1) == 0 || errno == ECONNRESET);
		close(peers[i]);
	}
	control_close(w.control);
	event_base_free(w.loop);
}
END_TEST

START_TEST(W13_more_peers_than_the_bound_are_sent_away)
{
	struct world w;
	int peers[CONTROL_PEERS_MAX + 4];
	int answered = 0;
	char byte;

	world_open(&w, false);
	for (int i = 0; i < CONTROL_PEERS_MAX + 4; i++)
		peers[i] = peer_new(&w);
	loop_for(&w, 50);
	for (int i = 0; i < CONTROL_PEERS_MAX + 4; i++) {
		answered += read(peers[i], &byte, 1) == 1;
		close(peers[i]);
	}
	ck_assert_int_ge(answered, CONTROL_PEERS_MAX);
	control_close(w.control);
	event_base_free(w.loop);
}
END_TEST

/* Both kinds of listener: it waits, and then it takes who has waited. */
START_TEST(W13_without_descriptors_it_waits_and_does_not_spin)
{
	struct world w;
	struct rlimit limit;
	struct rlimit none;
	clock_t worked;
	int peer;

	world_open(&w, _i == 1);
	peer = peer_new(&w);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 3;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	worked = clock();
	loop_for(&w, 500);
	/* One that spins works all the time. */
	ck_assert_int_lt(clock() - worked, CLOCKS_PER_SEC / 4);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	if (_i == 1)
		ck_assert_int_eq(
		    write(peer, "GET /metrics HTTP/1.0\r\n\r\n", 25), 25);
	loop_for(&w, 300);
	ck_assert_int_gt(read(peer, &(char){ 0 }, 1), 0);
	close(peer);
	control_close(w.control);
	event_base_free(w.loop);
}
END_TEST

static void
tests(TCase *t)
{
	tcase_add_test(t, who_asks_gets_the_report_and_the_end);
	tcase_add_test(t, W14_its_end_leaves_nothing_in_the_loop);
	tcase_add_test(t, W13_more_peers_than_the_bound_are_sent_away);
	tcase_add_test(t, W13_who_asks_slowly_keeps_no_place);
	tcase_set_timeout(t, 20);
	tcase_add_loop_test(
	    t, W13_without_descriptors_it_waits_and_does_not_spin, 0, 2);
}

UNIT_MAIN("gate control", tests)
