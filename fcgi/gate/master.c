#include "fcgi/gate/master.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fcgi/gate/request.h"
#include "fcgi/gate/worker.h"

#define WORKERS_MAX    512 /* of the old setup and the new one */
#define QUICK_US       1000000
#define QUICK_DEATHS   5 /* in a row, before we wait */
#define WAIT_S	       1
#define ENDING_MAX_US  7000000

struct child {
	pid_t pid; /* 0: none */
	int64_t started_us;
	bool old; /* of a setup that is gone: not replaced */
};

struct master {
	struct setup *setup;
	const char *config_path;
	int listen_fd;
	sigset_t signals;
	struct child children[WORKERS_MAX];
	int quick_deaths;
	bool ending;
	int64_t ending_us;
};

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void
say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("rolegated: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
}

/* --- Children ------------------------------------------------------------- */

/* The worker ends with its master, whatever ends that. */
static void
child_run(struct master *m, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EXIT_SUCCESS);
	signal(SIGINT, SIG_IGN); /* of a terminal: the master tells us */
	signal(SIGHUP, SIG_IGN);
	sigprocmask(SIG_UNBLOCK, &m->signals, NULL);
	_exit(worker_run(m->setup, m->listen_fd));
}

static bool
child_start(struct master *m)
{
	pid_t parent = getpid();
	struct child *free_one = NULL;

	for (size_t i = 0; i < WORKERS_MAX && free_one == NULL; i++)
		if (m->children[i].pid == 0)
			free_one = &m->children[i];
	if (free_one == NULL)
		return false;
	fflush(stderr);
	free_one->pid = fork();
	if (free_one->pid == 0)
		child_run(m, parent);
	if (free_one->pid < 0) {
		say("a worker cannot be started: %s; trying again [fork]",
		    strerror(errno));
		free_one->pid = 0;
		return false;
	}
	free_one->started_us = monotonic_us();
	free_one->old = false;
	return true;
}

static int
children_count(const struct master *m, bool old_too)
{
	int count = 0;

	for (size_t i = 0; i < WORKERS_MAX; i++)
		if (m->children[i].pid != 0 &&
		    (old_too || !m->children[i].old))
			count++;
	return count;
}

static void
children_tell(const struct master *m, int signal_number, bool only_old)
{
	for (size_t i = 0; i < WORKERS_MAX; i++)
		if (m->children[i].pid != 0 &&
		    (!only_old || m->children[i].old))
			kill(m->children[i].pid, signal_number);
}

static void
child_ended(struct master *m, pid_t pid, int status)
{
	for (size_t i = 0; i < WORKERS_MAX; i++) {
		struct child *c = &m->children[i];
		bool quick = monotonic_us() - c->started_us < QUICK_US;

		if (c->pid != pid)
			continue;
		c->pid = 0;
		if (c->old || m->ending)
			return;
		m->quick_deaths = quick ? m->quick_deaths + 1 : 0;
		if (WIFSIGNALED(status))
			say("worker %d was ended by signal %d and is replaced "
			    "[worker_died]",
			    (int)pid, WTERMSIG(status));
		else
			say("worker %d ended with %d and is replaced "
			    "[worker_died]",
			    (int)pid, WEXITSTATUS(status));
		return;
	}
}

static void
children_reap(struct master *m)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		child_ended(m, pid, status);
}

/* True when all are there. */
static bool
children_fill(struct master *m)
{
	while (children_count(m, false) < m->setup->workers)
		if (!child_start(m))
			return false;
	return true;
}

/* --- Signals -------------------------------------------------------------- */

static bool
log_reopen(struct setup *setup, struct err *err)
{
	setup->log.fd = decision_log_open(
	    &setup->arena, setup->config.gate.log_file, err);
	return setup->log.fd >= 0;
}

/* Whole, or not at all. */
static void
reload(struct master *m)
{
	struct faults faults = { 0 };
	struct err err = { 0 };
	struct setup new;

	if (!setup_load(&new, m->config_path, &faults, &err) ||
	    !log_reopen(&new, &err)) {
		faults_print(&faults, stderr);
		if (err.kind != ERR_NONE)
			say("%s [%s]", err.text, err.code);
		say("the new configuration has a fault; the old one stays "
		    "[reload_refused]");
		faults_free(&faults);
		return;
	}
	faults_free(&faults);
	setup_free(m->setup);
	*m->setup = new;
	for (size_t i = 0; i < WORKERS_MAX; i++)
		m->children[i].old = true;
	m->quick_deaths = 0;
	children_fill(m);
	children_tell(m, SIGTERM, true);
	say("reloaded [reloaded]");
}

static void
end(struct master *m)
{
	if (m->ending)
		return;
	m->ending = true;
	m->ending_us = monotonic_us();
	children_tell(m, SIGTERM, false);
}

static void
on_signal(struct master *m, int signal_number)
{
	switch (signal_number) {
	case SIGHUP:
		if (!m->ending)
			reload(m);
		break;
	case SIGTERM:
	case SIGINT:
		end(m);
		break;
	default: /* SIGCHLD: the loop reaps */
		break;
	}
}

/* Waits for a signal, or a while. */
static int
signal_wait(const struct master *m, bool complete)
{
	const struct timespec wait = { WAIT_S, 0 };

	if (complete && !m->ending)
		return sigwaitinfo(&m->signals, NULL);
	return sigtimedwait(&m->signals, NULL, &wait);
}

int
master_run(struct setup *setup, const char *config_path, int listen_fd)
{
	struct master m = {
		.setup = setup,
		.config_path = config_path,
		.listen_fd = listen_fd,
	};

	sigemptyset(&m.signals);
	sigaddset(&m.signals, SIGHUP);
	sigaddset(&m.signals, SIGTERM);
	sigaddset(&m.signals, SIGINT);
	sigaddset(&m.signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &m.signals, NULL);
	while (!m.ending || children_count(&m, true) > 0) {
		bool complete = true;

		if (!m.ending)
			complete = m.quick_deaths < QUICK_DEATHS &&
				   children_fill(&m);
		on_signal(&m, signal_wait(&m, complete));
		children_reap(&m);
		if (!complete && m.quick_deaths > 0)
			m.quick_deaths = QUICK_DEATHS - 1;
		if (m.ending &&
		    monotonic_us() - m.ending_us > ENDING_MAX_US)
			children_tell(&m, SIGKILL, false);
	}
	setup_free(setup);
	return EXIT_SUCCESS;
}
