#include "redis_relay.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#define PAIRS	  16
#define LOOK_MS	  1
#define SETTLE_US 10000

struct relayed {
	int view;
	int redis;
	bool tells; /* of changes */
};

static struct sockaddr_un
address_of(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	return at;
}

static void
pair_end(struct relayed *pair)
{
	close(pair->view);
	close(pair->redis);
	*pair = (struct relayed){ -1, -1, false };
}

static void
pair_begin(struct relayed pairs[PAIRS], int listener, const char *redis)
{
	struct sockaddr_un at = address_of(redis);
	int i = 0;

	while (i < PAIRS && pairs[i].view >= 0)
		i++;
	if (i == PAIRS)
		_exit(1);
	pairs[i].view = accept(listener, NULL, NULL);
	pairs[i].redis = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(pairs[i].redis, (struct sockaddr *)&at, sizeof(at)) != 0)
		pair_end(&pairs[i]);
}

static void
carry(struct relayed *pair, int from, int to)
{
	char bytes[65536];
	ssize_t got = recv(from, bytes, sizeof(bytes), 0);

	if (got > 0 && from == pair->view &&
	    memmem(bytes, (size_t)got, "SUBSCRIBE", 9) != NULL)
		pair->tells = true;
	if (got <= 0 || send(to, bytes, (size_t)got, MSG_NOSIGNAL) != got)
		pair_end(pair);
}

static void
relay_round(struct relay *relay, struct relayed pairs[PAIRS], int listener,
    const char *redis)
{
	struct pollfd polled[2 * PAIRS + 1];
	bool drop_data = atomic_exchange(&relay->drop_data, false);
	bool drop_changes = atomic_exchange(&relay->drop_changes, false);

	for (int i = 0; i < PAIRS; i++) {
		struct relayed *p = &pairs[i];

		if (p->view >= 0 && (p->tells ? drop_changes : drop_data))
			pair_end(p);
		polled[2 * i] = (struct pollfd){ p->view, POLLIN, 0 };
		polled[2 * i + 1] = (struct pollfd){ p->redis, POLLIN, 0 };
		if (relay->hold_gets && !p->tells)
			polled[2 * i].fd = -1;
		if (relay->hold_changes && p->tells)
			polled[2 * i + 1].fd = -1;
	}
	polled[2 * PAIRS] = (struct pollfd){ listener, POLLIN, 0 };
	if (poll(polled, 2 * PAIRS + 1, LOOK_MS) <= 0)
		return;
	for (int i = 0; i < PAIRS; i++) {
		if (polled[2 * i].revents != 0)
			carry(&pairs[i], pairs[i].view, pairs[i].redis);
		if (polled[2 * i + 1].revents != 0 && pairs[i].view >= 0)
			carry(&pairs[i], pairs[i].redis, pairs[i].view);
	}
	if (polled[2 * PAIRS].revents != 0)
		pair_begin(
		    pairs, listener, relay->to_other ? relay->other : redis);
}

struct relay *
relay_start(struct view_world *world)
{
	struct relay *relay = mmap(NULL, sizeof(*relay), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un at;
	pid_t pid;

	ck_assert(relay != MAP_FAILED);
	snprintf(
	    relay->socket, sizeof(relay->socket), "%s/relay", world->folder);
	at = address_of(relay->socket);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(listener, 64), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct relayed pairs[PAIRS];

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int i = 0; i < PAIRS; i++)
			pairs[i] = (struct relayed){ -1, -1, false };
		for (;;)
			relay_round(relay, pairs, listener, world->socket);
	}
	relay->pid = pid; /* the child shares it */
	close(listener);
	world->at.address = str_fmt(&world->arena, "unix:%s", relay->socket);
	return relay;
}

void
relay_set(atomic_bool *flag, bool on)
{
	atomic_store(flag, on);
	usleep(SETTLE_US);
}

void
relay_end(struct relay *relay)
{
	kill(relay->pid, SIGKILL);
	waitpid(relay->pid, NULL, 0);
	unlink(relay->socket);
	munmap(relay, sizeof(*relay));
}
