#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "mail/internal.h"
#include "mail/message.h"

#define SAID_MAX      512 /* of what the program writes to standard error */
#define FIRST_FREE_FD 3

/* One run of the program. Descriptors are -1 when they are closed. */
struct run {
	pid_t pid;
	int watch; /* readable when the program has ended */
	int to;
	int from;
	struct str unsent;
	char said[SAID_MAX];
	size_t said_len;
	int64_t ends_ms;
};

static void
fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int64_t
monotonic_ms(void)
{
	struct timespec now = { 0, 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum mail_result
failed_here(struct err *err, const char *what)
{
	err_set(err, ERR_REACH, "mail_unsent", "mail: %s: %s", what,
	    strerror(errno));
	return MAIL_FAILED_FOR_NOW;
}

/* --- Starting it ---------------------------------------------------------- */

/* The child's ends close by themselves: what it gets are copies at 0, 1, 2,
 * and adddup2() of a descriptor onto itself would keep O_CLOEXEC. */
static bool
pipe_above(int ends[2])
{
	int made[2];

	if (pipe2(made, O_CLOEXEC) != 0)
		return false;
	for (int i = 0; i < 2; i++) {
		ends[i] = fcntl(made[i], F_DUPFD_CLOEXEC, FIRST_FREE_FD);
		close(made[i]);
	}
	if (ends[0] >= 0 && ends[1] >= 0)
		return true;
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	return false;
}

/* A process group of its own, so that a time-out ends its children too; and
 * the signals as a program expects them. */
static int
attributes_set(posix_spawnattr_t *attr)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	return posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP |
						  POSIX_SPAWN_SETSIGMASK |
						  POSIX_SPAWN_SETSIGDEF) != 0 ||
	       posix_spawnattr_setpgroup(attr, 0) != 0 ||
	       posix_spawnattr_setsigmask(attr, &none) != 0 ||
	       posix_spawnattr_setsigdefault(attr, &all) != 0;
}

static int
actions_set(posix_spawn_file_actions_t *actions, int in, int out)
{
	return posix_spawn_file_actions_adddup2(actions, in, 0) != 0 ||
	       posix_spawn_file_actions_addopen(
		   actions, 1, "/dev/null", O_WRONLY, 0) != 0 ||
	       posix_spawn_file_actions_adddup2(actions, out, 2) != 0 ||
	       posix_spawn_file_actions_addclosefrom_np(
		   actions, FIRST_FREE_FD) != 0;
}

static int
spawn(pid_t *pid, char *const argv[], int in, int out)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *env[] = { path, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int error = ENOMEM;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return error;
	if (posix_spawnattr_init(&attr) == 0) {
		if (attributes_set(&attr) == 0 &&
		    actions_set(&actions, in, out) == 0)
			error = posix_spawn(
			    pid, argv[0], &actions, &attr, argv, env);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

static void
nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0)
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/* False with errno. */
static bool
run_start(struct run *run, char *const argv[])
{
	int in[2] = { -1, -1 };
	int out[2] = { -1, -1 };

	errno = EMFILE;
	if (pipe_above(in) && pipe_above(out)) {
		errno = spawn(&run->pid, argv, in[0], out[1]);
		if (errno == 0) {
			run->to = in[1];
			run->from = out[0];
			in[1] = out[0] = -1;
			nonblocking(run->to);
			nonblocking(run->from);
		}
	}
	for (int i = 0; i < 2; i++) {
		int error = errno;

		fd_close(&in[i]);
		fd_close(&out[i]);
		errno = error;
	}
	return errno == 0;
}

/* --- Talking to it -------------------------------------------------------- */

static void
write_some(struct run *run)
{
	ssize_t put = write(run->to, run->unsent.ptr, run->unsent.len);

	if (put < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (put > 0) {
		run->unsent.ptr += put;
		run->unsent.len -= (size_t)put;
	}
	/* It need not read to its end: what counts is how it ends. */
	if (put < 0 || run->unsent.len == 0)
		fd_close(&run->to);
}

/* What is more than the room is read and forgotten, so that it can go on. */
static void
read_some(struct run *run)
{
	char bytes[SAID_MAX];
	ssize_t got = read(run->from, bytes, sizeof(bytes));
	size_t room = SAID_MAX - run->said_len;
	size_t keep;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		fd_close(&run->from);
		return;
	}
	keep = (size_t)got < room ? (size_t)got : room;
	memcpy(run->said + run->said_len, bytes, keep);
	run->said_len += keep;
}

/* Until it ends: true; or the time is over. Children that it leaves behind
 * are not waited for, they may keep its standard error as long as they like. */
static bool
run_attend(struct run *run)
{
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = run->watch, .events = POLLIN },
			{ .fd = run->to, .events = POLLOUT },
			{ .fd = run->from, .events = POLLIN },
		};
		int64_t left = run->ends_ms - monotonic_ms();

		if (left <= 0)
			return false;
		if (poll(fds, 3, left > 1000 ? 1000 : (int)left) <= 0)
			continue;
		if (fds[1].revents != 0)
			write_some(run);
		if (fds[2].revents != 0)
			read_some(run);
		if (fds[0].revents != 0)
			break;
	}
	if (run->from >= 0)
		read_some(run);
	return true;
}

static int
run_wait(struct run *run)
{
	int status = 0;
	pid_t got;

	do
		got = waitpid(run->pid, &status, 0);
	while (got < 0 && errno == EINTR);
	return got == run->pid ? status : -1;
}

/* --- How it ended --------------------------------------------------------- */

static enum mail_result
ended(const char *program, const struct run *run, struct arena *arena,
    int status, struct err *err)
{
	struct str said = mail_said(arena, run->said, run->said_len);
	const char *gap = said.len > 0 ? ": " : "";
	int code = status != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	if (code == EX_OK)
		return MAIL_SENT;
	if (code == -1) {
		err_set(err, ERR_REACH, "mail_unsent",
		    "mail: %s was ended by a signal%s%.*s", program, gap,
		    STR_ARGS(said));
		return MAIL_FAILED_FOR_NOW;
	}
	if (code >= EX__BASE && code <= EX__MAX && code != EX_TEMPFAIL) {
		err_set(err, ERR_REFUSED, "mail_refused",
		    "mail: %s refused it with status %d%s%.*s", program, code,
		    gap, STR_ARGS(said));
		return MAIL_FAILED_FOR_GOOD;
	}
	err_set(err, ERR_REACH, "mail_unsent",
	    "mail: %s ended with status %d%s%.*s", program, code, gap,
	    STR_ARGS(said));
	return MAIL_FAILED_FOR_NOW;
}

static enum mail_result
run_whole(struct run *run, const char *program, struct arena *arena,
    int64_t timeout_ms, struct err *err)
{
	bool in_time = false;
	int status;

	run->ends_ms = monotonic_ms() + timeout_ms;
	run->watch = pidfd_open(run->pid, 0);
	if (run->watch >= 0)
		in_time = run_attend(run);
	/* Not waited for yet, so the number is still its group's. */
	if (!in_time)
		kill(-run->pid, SIGKILL);
	status = run_wait(run);
	if (in_time)
		return ended(program, run, arena, status, err);
	err_set(err, ERR_REACH, "mail_unsent",
	    "mail: %s did not end within %lld ms and was killed", program,
	    (long long)timeout_ms);
	return MAIL_FAILED_FOR_NOW;
}

/* --- The whole ------------------------------------------------------------ */

/* A program takes lines as the system has them: LF alone. */
static struct str
without_cr(struct arena *arena, struct str message)
{
	char *text = ARENA_ARRAY(arena, char, message.len + 1);
	size_t len = 0;

	if (text == NULL)
		return (struct str){ NULL, 0 };
	for (size_t i = 0; i < message.len; i++)
		if (message.ptr[i] != '\r')
			text[len++] = message.ptr[i];
	return (struct str){ text, len };
}

static char *
word(struct arena *arena, struct str s)
{
	return (char *)(uintptr_t)str_copy(arena, s).ptr;
}

enum mail_result
mail_by_sendmail(const struct mail_config *config, struct arena *arena,
    struct str to, struct str message, struct err *err)
{
	char ignore_dots[] = "-i", sender[] = "-f", end[] = "--";
	char *argv[] = { word(arena, config->sendmail), ignore_dots, sender,
		word(arena, config->from), end, word(arena, to), NULL };
	struct str text = without_cr(arena, message);
	struct run run = { .watch = -1, .to = -1, .from = -1, .unsent = text };
	enum mail_result result;

	if (argv[0] == NULL || argv[3] == NULL || argv[5] == NULL ||
	    text.ptr == NULL) {
		errno = ENOMEM;
		return failed_here(err, "cannot be handed over");
	}
	result = run_start(&run, argv)
		     ? run_whole(&run, argv[0], arena, config->timeout_ms, err)
		     : failed_here(err, argv[0]);
	mail_wipe(text);
	fd_close(&run.watch);
	fd_close(&run.to);
	fd_close(&run.from);
	return result;
}
