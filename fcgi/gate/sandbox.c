#include "fcgi/gate/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/sanitized.h"

/* clang-format off */
static const int calls[] = {
	/* the loop */
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2),
	SCMP_SYS(epoll_ctl), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),
	SCMP_SYS(time), SCMP_SYS(restart_syscall),
	/* connections and the log */
	SCMP_SYS(accept4), SCMP_SYS(accept), SCMP_SYS(read), SCMP_SYS(readv),
	SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
	SCMP_SYS(shutdown), SCMP_SYS(close), SCMP_SYS(connect),
	SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname),
	SCMP_SYS(getpeername), SCMP_SYS(fcntl), SCMP_SYS(ioctl),
	SCMP_SYS(uname),
	/* signals and the end */
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(exit), SCMP_SYS(exit_group),
	/* who we are */
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid),
	SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
	/* memory and chance */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	SCMP_SYS(futex), SCMP_SYS(getrandom),
	SCMP_SYS(sysinfo), /* by which qsort() decides how to sort */
};
/* clang-format on */

/* Nothing becomes code. */
static const int mapping[] = { SCMP_SYS(mmap), SCMP_SYS(mprotect) };

static const scmp_datum_t families[] = { AF_UNIX, AF_INET, AF_INET6 };

#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))

static bool
only(scmp_filter_ctx filter, int call, struct scmp_arg_cmp value)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, value) == 0;
}

static bool
calls_allow(scmp_filter_ctx filter)
{
	const scmp_datum_t self = (scmp_datum_t)getpid();

	for (size_t i = 0; i < COUNT_OF(calls); i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0) != 0)
			return false;
	for (size_t i = 0; i < COUNT_OF(mapping); i++)
		if (!only(filter, mapping[i],
			SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)))
			return false;
	for (size_t i = 0; i < COUNT_OF(families); i++)
		if (!only(filter, SCMP_SYS(socket),
			SCMP_A0(SCMP_CMP_EQ, families[i], 0)))
			return false;
	/* An abort() is told as what it is; nobody else gets a signal. */
	return only(filter, SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, self, 0));
}

bool
sandbox_enter(enum sandbox sandbox, struct err *err)
{
	scmp_filter_ctx filter;
	bool ok;

	if (sandbox == SANDBOX_OFF || SANITIZED)
		return true;
	tzset(); /* its file is read once, now */
	filter = seccomp_init(
	    sandbox == SANDBOX_KILL ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_LOG);
	ok = filter != NULL && calls_allow(filter) && seccomp_load(filter) == 0;
	if (filter != NULL)
		seccomp_release(filter);
	return ok || err_set(err, ERR_BUG, "sandbox",
			 "a worker: the kernel takes no seccomp filter: %s; "
			 "set gate.sandbox: off where it has none",
			 strerror(errno));
}
