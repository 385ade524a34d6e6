#include "fcgi/process/stop.h"

#include <time.h>

static volatile sig_atomic_t stopping;

static void
on_stop(int number)
{
	(void)number;
	stopping = 1;
}

bool
stop_watch(void)
{
	struct sigaction action = { .sa_handler = on_stop };

	sigemptyset(&action.sa_mask);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	return sigaction(SIGTERM, &action, NULL) == 0 &&
	       sigaction(SIGINT, &action, NULL) == 0;
}

bool
stop_wait(struct pollfd *wait, int timeout_ms, const sigset_t *blocked)
{
	const struct timespec time = { .tv_sec = timeout_ms / 1000,
		.tv_nsec = (long)(timeout_ms % 1000) * 1000000 };
	sigset_t open;

	/* As the master has it, but for those that it waits for itself. */
	sigprocmask(SIG_SETMASK, NULL, &open);
	for (int number = 1; number < NSIG; number++)
		if (sigismember(blocked, number) == 1)
			sigdelset(&open, number);
	wait->revents = 0;
	if (stopping == 0 &&
	    ppoll(wait, 1, timeout_ms >= 0 ? &time : NULL, &open) < 0)
		wait->revents = 0;
	return stopping != 0;
}
