#include "fcgi/process/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fcgi/process/say.h"

#define VARIABLE  "ROLEGATE_HANDOVER"
#define CHECK_S	  10 /* that the new program may take for its check */
#define WORDS_MAX 16
/* The process, the sockets with their marks, the workers: a number each. */
#define TEXT_MAX \
	(24 * (2 + 2 * HANDOVER_SOCKETS_MAX + 1 + HANDOVER_WORKERS_MAX))

static struct {
	char program[PATH_MAX];
	char *words[WORDS_MAX + 2]; /* room for one more and the NULL */
	size_t count;
} self;

void
handover_prepare(char **argv)
{
	ssize_t len =
	    readlink("/proc/self/exe", self.program, sizeof(self.program) - 1);

	self.program[len > 0 ? len : 0] = '\0';
	while (argv[self.count] != NULL && self.count < WORDS_MAX) {
		self.words[self.count] = argv[self.count];
		self.count++;
	}
	self.words[self.count] = NULL;
}

/* --- Giving --------------------------------------------------------------- */

/* Could the program that lies there now start with the configuration, as we
 * are? It says itself what it does not like. */
pid_t
handover_ask(void)
{
	char check[] = "--check-start";
	sigset_t none;
	pid_t pid;

	if (self.program[0] == '\0' || self.count == WORDS_MAX)
		return 0;
	pid = fork();
	if (pid != 0)
		return pid > 0 ? pid : 0;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(CHECK_S);
	self.words[self.count] = check;
	self.words[self.count + 1] = NULL;
	execv(self.program, self.words);
	say("handover_refused", "%s: cannot be run: %s", self.program,
	    strerror(errno));
	_exit(127);
}

void
handover_refuse(void)
{
	say("handover_refused", "%s: is not taken; the old program goes on",
	    self.program);
}

static void
put(char *text, long number)
{
	size_t len = strlen(text);

	snprintf(text + len, TEXT_MAX - len, " %ld", number);
}

static void
describe(char text[TEXT_MAX], const struct handover *handover)
{
	snprintf(text, TEXT_MAX, "%ld", (long)getpid());
	put(text, (long)handover->socket_count);
	for (size_t i = 0; i < handover->socket_count; i++) {
		put(text, handover->sockets[i].fd);
		put(text, handover->sockets[i].is_ours);
	}
	put(text, (long)handover->worker_count);
	for (size_t i = 0; i < handover->worker_count; i++)
		put(text, handover->workers[i]);
}

static void
sockets_keep(const struct handover *handover, bool keep)
{
	for (size_t i = 0; i < handover->socket_count; i++)
		if (handover->sockets[i].fd >= 0)
			fcntl(handover->sockets[i].fd, F_SETFD,
			    keep ? 0 : FD_CLOEXEC);
}

void
handover_give(const struct handover *handover)
{
	char text[TEXT_MAX];

	describe(text, handover);
	sockets_keep(handover, true);
	if (setenv(VARIABLE, text, 1) == 0)
		execv(self.program, self.words);
	say("handover_refused",
	    "%s: cannot be run: %s; the old program goes on", self.program,
	    strerror(errno));
	unsetenv(VARIABLE);
	sockets_keep(handover, false);
}

/* --- Taking --------------------------------------------------------------- */

/* The next number of the text, from `min` to `max`. */
static bool
number_take(const char **text, long min, long max, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(*text, &end, 10);
	if (end == *text || errno != 0 || *out < min || *out > max)
		return false;
	*text = end;
	return true;
}

static bool
socket_take(const char **text, struct listener *out)
{
	long fd;
	long is_ours;

	*out = (struct listener){ .fd = -1 };
	if (!number_take(text, -1, INT_MAX, &fd) ||
	    !number_take(text, 0, 1, &is_ours))
		return false;
	return fd < 0 || listener_adopt(out, (int)fd, is_ours == 1);
}

static bool
all_take(const char *text, struct handover *out)
{
	long number;

	if (!number_take(&text, 1, LONG_MAX, &number) || number != getpid() ||
	    !number_take(&text, 1, HANDOVER_SOCKETS_MAX, &number))
		return false;
	out->socket_count = (size_t)number;
	for (size_t i = 0; i < out->socket_count; i++)
		if (!socket_take(&text, &out->sockets[i]))
			return false;
	if (!number_take(&text, 0, HANDOVER_WORKERS_MAX, &number))
		return false;
	out->worker_count = (size_t)number;
	for (size_t i = 0; i < out->worker_count; i++) {
		if (!number_take(&text, 2, INT_MAX, &number))
			return false;
		out->workers[i] = (pid_t)number;
	}
	return true;
}

bool
handover_take(struct handover *out)
{
	const char *text = getenv(VARIABLE);
	bool ok;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < HANDOVER_SOCKETS_MAX; i++)
		out->sockets[i].fd = -1;
	ok = text != NULL && all_take(text, out);
	unsetenv(VARIABLE);
	return ok;
}
