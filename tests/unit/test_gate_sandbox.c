/* What a worker may not ask of the kernel ends it, and what it must ask does
 * not. Each call is tried in a process of its own. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bounds.h"
#include "base/sanitized.h"
#include "fcgi/gate/sandbox.h"
#include "model/names.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PAGE	     ((size_t)4096)

typedef void (*deed)(void);

static void
deed_open(void)
{
	open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static void
deed_exec(void)
{
	char program[] = "/bin/true";
	char *args[] = { program, NULL };

	execv(program, args);
}

static void
deed_fork(void)
{
	if (fork() == 0)
		_exit(EXIT_SUCCESS);
}

static void
deed_unlink(void)
{
	unlink("/nonexistent/file");
}

static void
deed_chmod(void)
{
	syscall(SYS_chmod, "/nonexistent/file", 0);
}

static void
deed_trace(void)
{
	ptrace(PTRACE_PEEKUSER, getppid(), NULL, NULL);
}

static void
deed_kill(void)
{
	kill(getppid(), 0);
}

static void
deed_signal_other(void)
{
	syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static void
deed_code(void)
{
	mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
	    0);
}

static void
deed_make_code(void)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(page, PAGE, PROT_READ | PROT_EXEC);
}

static void
deed_packets(void)
{
	socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
}

static void
deed_netlink(void)
{
	socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
}

static void
deed_become_root(void)
{
	syscall(SYS_setuid, 0);
}

static const deed forbidden[] = { deed_open, deed_exec, deed_fork, deed_unlink,
	deed_chmod, deed_trace, deed_kill, deed_signal_other, deed_code,
	deed_make_code, deed_packets, deed_netlink, deed_become_root };

static void
deed_unix(void)
{
	close(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static void
deed_tcp(void)
{
	close(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static void
deed_memory(void)
{
	size_t size = (size_t)64 * 1024 * 1024;
	char *memory = malloc(size);

	if (memory != NULL)
		memset(memory, 1, size);
	free(memory);
}

static void
deed_pipe_pair(void)
{
	static const char text[] = "text";
	char read_back[sizeof(text)];

	if (write(STDOUT_FILENO, text, 0) < 0 ||
	    recv(STDIN_FILENO, read_back, 0, MSG_DONTWAIT) < -1)
		_exit(2);
}

/* glibc's qsort() asks how much memory there is, from 1,024 bytes on. */
static void
deed_sort(void)
{
	struct str names[4 * FILTERS_PER_GRANT_MAX];

	for (size_t i = 0; i < COUNT(names); i++)
		names[i] = i % 2 == 0 ? STR("b") : STR("a");
	if (names_sort(names, COUNT(names)) != 2)
		_exit(2);
}

static const deed needed[] = { deed_unix, deed_tcp, deed_memory, deed_pipe_pair,
	deed_sort };

static int
outcome(enum sandbox sandbox, deed what)
{
	int status;
	pid_t pid = fork();
	struct err err;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (!sandbox_enter(sandbox, &err))
			_exit(3);
		what();
		_exit(EXIT_SUCCESS);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static bool
ended_by_kernel(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

START_TEST(what_is_forbidden_ends_the_worker)
{
	ck_assert_msg(
	    ended_by_kernel(outcome(SANDBOX_KILL, forbidden[_i])) == !SANITIZED,
	    "number %d", _i);
}
END_TEST

START_TEST(what_is_needed_is_let)
{
	ck_assert_int_eq(outcome(SANDBOX_KILL, needed[_i]), 0);
}
END_TEST

START_TEST(log_and_off_let_everything)
{
	ck_assert(!ended_by_kernel(outcome(SANDBOX_LOG, forbidden[_i])));
	ck_assert(!ended_by_kernel(outcome(SANDBOX_OFF, forbidden[_i])));
}
END_TEST

START_TEST(an_abort_is_told_as_one)
{
	int status = outcome(SANDBOX_KILL, abort);

	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGABRT);
}
END_TEST

static void
tests(TCase *t)
{
	tcase_add_loop_test(
	    t, what_is_forbidden_ends_the_worker, 0, COUNT(forbidden));
	tcase_add_loop_test(t, what_is_needed_is_let, 0, COUNT(needed));
	tcase_add_loop_test(t, log_and_off_let_everything, 0, COUNT(forbidden));
	tcase_add_test(t, an_abort_is_told_as_one);
}

UNIT_MAIN("gate sandbox", tests)
