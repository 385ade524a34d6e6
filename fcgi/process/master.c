#include "fcgi/process/master.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fcgi/process/say.h"
#include "fcgi/process/times.h"

#define QUICK_MS      100 /* who lives shorter died of beginning */
#define QUICK_FREE    3 /* such deaths in a row without a wait */
#define BRAKE_MAX_MS  1000
#define FORK_AGAIN_MS 100
#define IDLE_WAIT_MS  60000
#define LOOK_MS	      1000 /* at workers that are asked whether they live */

/* One place at work: its worker, or when the next one may begin. */
struct seat {
	pid_t pid; /* 0: empty */
	int64_t started_ms;
	int64_t due_ms;
	int quick_deaths;
};

struct crew {
	struct seat seats[WORKERS_MAX];
	int count;
	int64_t kill_ms; /* when it was told to end: until when */
};

struct master {
	struct service *service;
	sigset_t signals;
	struct crew crew;
	struct crew leaving; /* of the setup before */
	bool reload;
	bool renew; /* the program */
	pid_t asked; /* the new program, whether it can start; or 0 */
	bool agreed; /* it can */
	bool ending;
	int64_t looked_ms; /* whether workers hang, last */
	int64_t trust_ms; /* until then none is taken to hang */
};

/* --- Workers ------------------------------------------------------------- */

/* The worker ends with its master, whatever ends that. */
static void
worker_begin(const struct master *m, int place, pid_t master)
{
	const struct service *service = m->service;
	int status;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != master)
		_exit(EXIT_SUCCESS);
	status = service->work(service, place, &m->signals);
	service->free(service->setup);
	exit(status);
}

static void
seat_fill(struct master *m, struct seat *seat)
{
	pid_t master = getpid();
	pid_t pid = fork();

	if (pid == 0)
		worker_begin(m, (int)(seat - m->crew.seats), master);
	seat->started_ms = monotonic_ms();
	seat->pid = pid > 0 ? pid : 0;
	if (pid > 0)
		return;
	say("worker_start", "a worker cannot be started: %s; trying again",
	    strerror(errno));
	seat->due_ms = seat->started_ms + FORK_AGAIN_MS;
}

static void
crew_fill(struct master *m)
{
	int64_t now_ms = monotonic_ms();

	for (int i = 0; i < m->crew.count; i++) {
		struct seat *seat = &m->crew.seats[i];

		if (seat->pid == 0 && seat->due_ms <= now_ms)
			seat_fill(m, seat);
	}
}

static int
crew_size(const struct crew *crew)
{
	int size = 0;

	for (int i = 0; i < crew->count; i++)
		if (crew->seats[i].pid != 0)
			size++;
	return size;
}

static void
crew_tell(const struct crew *crew, int signal_number)
{
	for (int i = 0; i < crew->count; i++)
		if (crew->seats[i].pid != 0)
			kill(crew->seats[i].pid, signal_number);
}

static void
crew_end(struct crew *crew, int64_t finish_ms)
{
	crew->kill_ms = monotonic_ms() + finish_ms;
	crew_tell(crew, SIGTERM);
}

static void
crew_kill_late(const struct crew *crew)
{
	if (crew->kill_ms != 0 && monotonic_ms() >= crew->kill_ms)
		crew_tell(crew, SIGKILL);
}

static struct seat *
crew_find(struct crew *crew, pid_t pid)
{
	for (int i = 0; i < crew->count; i++)
		if (crew->seats[i].pid == pid)
			return &crew->seats[i];
	return NULL;
}

/* --- A new program -------------------------------------------------------- */

/* What it answers is used at once, so nothing may be in the way then. */
static void
renew_begin(struct master *m)
{
	if (!m->renew || m->asked != 0 || crew_size(&m->leaving) > 0)
		return;
	m->renew = false;
	m->asked = handover_ask();
	if (m->asked == 0)
		handover_refuse();
}

static void
renew_answered(struct master *m, int status)
{
	m->asked = 0;
	m->agreed = status == 0;
	if (!m->agreed && !m->ending)
		handover_refuse();
}

/* Comes back when there is none, and all is as it was. */
static void
renew(struct master *m)
{
	struct handover *kept = m->service->kept;

	if (!m->agreed)
		return;
	m->agreed = false;
	/* Something has changed since it was asked. */
	if (m->reload || m->renew) {
		m->renew = true;
		return;
	}
	kept->worker_count = 0;
	for (int i = 0; i < m->crew.count; i++)
		if (m->crew.seats[i].pid != 0)
			kept->workers[kept->worker_count++] =
			    m->crew.seats[i].pid;
	handover_give(kept);
}

/* The workers of the program before, which serve until ours do. */
static void
adopt(struct master *m)
{
	const struct handover *kept = m->service->kept;

	m->leaving.count = (int)kept->worker_count;
	for (int i = 0; i < m->leaving.count; i++)
		m->leaving.seats[i].pid = kept->workers[i];
	if (m->leaving.count == 0)
		return;
	crew_fill(m);
	crew_end(&m->leaving, m->service->finish_ms);
	say("renewed",
	    "this is %s " ROLEGATE_VERSION
	    " in the place of the program before",
	    program_invocation_short_name);
}

/* --- Deaths -------------------------------------------------------------- */

/* Once the brake holds it is said at each step of it, which is slow enough. */
static void
death_say(pid_t pid, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		say("worker_sandbox",
		    "worker %ld asked the kernel for what it never needs, was "
		    "ended and is replaced; gate.sandbox: log has the kernel "
		    "write down the call",
		    (long)pid);
	else if (WIFSIGNALED(status))
		say("worker_died",
		    "worker %ld was ended by signal %d and is replaced",
		    (long)pid, WTERMSIG(status));
	else
		say("worker_died", "worker %ld ended with %d and is replaced",
		    (long)pid, WEXITSTATUS(status));
}

static void
seat_died(struct seat *seat)
{
	int64_t now_ms = monotonic_ms();
	int64_t wait_ms = 0;

	if (now_ms - seat->started_ms < QUICK_MS)
		seat->quick_deaths++;
	else
		seat->quick_deaths = 0;
	if (seat->quick_deaths > QUICK_FREE)
		wait_ms = BRAKE_MAX_MS;
	seat->due_ms = now_ms + wait_ms;
}

static void
reap(struct master *m)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct seat *old = crew_find(&m->leaving, pid);
		struct seat *seat = crew_find(&m->crew, pid);

		if (pid == m->asked)
			renew_answered(m, status);
		if (old != NULL)
			old->pid = 0;
		if (seat == NULL)
			continue;
		seat->pid = 0;
		if (m->ending)
			continue;
		death_say(pid, status);
		seat_died(seat);
	}
}

/* --- Hanging ------------------------------------------------------------- */

static void
seat_look(const struct master *m, struct seat *seat, int64_t now_ms)
{
	int64_t alive_ms = m->service->alive_ms((int)(seat - m->crew.seats));

	if (seat->pid == 0 || alive_ms > now_ms - HUNG_MS ||
	    seat->started_ms > now_ms - HUNG_MS)
		return;
	say("worker_hung",
	    "worker %ld has not come round for %d s, is ended and is replaced",
	    (long)seat->pid, HUNG_MS / 1000);
	kill(seat->pid, SIGKILL);
}

/* Not where this process has not come round either: then all of them were
 * stopped, and have time to say that they live. */
static void
hung_kill(struct master *m)
{
	int64_t now_ms = monotonic_ms();
	bool stopped = now_ms - m->looked_ms > 3 * LOOK_MS;

	m->looked_ms = now_ms;
	if (stopped)
		m->trust_ms = now_ms + HUNG_MS;
	if (m->service->alive_ms == NULL || now_ms < m->trust_ms)
		return;
	for (int i = 0; i < m->crew.count; i++)
		seat_look(m, &m->crew.seats[i], now_ms);
}

/* --- Reloading ----------------------------------------------------------- */

/* Waits for those who leave, so that a storm of signals makes no crowd. */
static void
reload(struct master *m)
{
	struct service *service = m->service;
	void *old = service->setup;

	if (!m->reload || crew_size(&m->leaving) > 0 || m->asked != 0)
		return;
	m->reload = false;
	if (!service->load(service)) {
		say("reload_refused",
		    "the new configuration has a fault; the old one stays");
		return;
	}
	service->free(old);
	m->leaving = m->crew;
	m->crew = (struct crew){ .count = service->workers };
	crew_fill(m);
	crew_end(&m->leaving, service->finish_ms);
	say("reloaded", "the new configuration is in force");
}

/* --- The loop ------------------------------------------------------------ */

static void
end(struct master *m)
{
	if (m->ending)
		return;
	m->ending = true;
	if (m->asked != 0)
		kill(m->asked, SIGKILL);
	crew_end(&m->crew, m->service->finish_ms);
	crew_end(&m->leaving, m->service->finish_ms);
}

static int64_t
sooner(int64_t wait_ms, int64_t until_ms, int64_t now_ms)
{
	int64_t that_ms = until_ms > now_ms ? until_ms - now_ms : 1;

	return that_ms < wait_ms ? that_ms : wait_ms;
}

/* Until the next thing that is to be done without a signal. */
static int64_t
wait_time(const struct master *m)
{
	int64_t now_ms = monotonic_ms();
	int64_t wait_ms = m->service->alive_ms != NULL ? LOOK_MS : IDLE_WAIT_MS;

	for (int i = 0; i < m->crew.count && !m->ending; i++)
		if (m->crew.seats[i].pid == 0)
			wait_ms =
			    sooner(wait_ms, m->crew.seats[i].due_ms, now_ms);
	if (m->crew.kill_ms != 0)
		wait_ms = sooner(wait_ms, m->crew.kill_ms, now_ms);
	if (crew_size(&m->leaving) > 0)
		wait_ms = sooner(wait_ms, m->leaving.kill_ms, now_ms);
	return wait_ms;
}

static void
signal_take(struct master *m)
{
	int64_t wait_ms = wait_time(m);
	const struct timespec wait = { .tv_sec = (time_t)(wait_ms / 1000),
		.tv_nsec = (long)(wait_ms % 1000 * 1000000) };

	switch (sigtimedwait(&m->signals, NULL, &wait)) {
	case SIGHUP:
		m->reload = true;
		break;
	case SIGUSR2:
		m->renew = true;
		break;
	case SIGTERM:
	case SIGINT:
		end(m);
		break;
	default: /* a worker ended, or time is up */
		break;
	}
}

static void
signals_block(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGHUP);
	sigaddset(signals, SIGUSR2);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, signals, NULL);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

void
master_run(struct service *service)
{
	struct master m = {
		.service = service,
		.crew = { .count = service->workers },
	};

	signals_block(&m.signals);
	adopt(&m);
	say("serving", "serving with %d workers", service->workers);
	while (!m.ending || crew_size(&m.crew) + crew_size(&m.leaving) > 0) {
		if (!m.ending) {
			renew(&m);
			reload(&m);
			renew_begin(&m);
			hung_kill(&m);
			crew_fill(&m);
		}
		signal_take(&m);
		reap(&m);
		crew_kill_late(&m.crew);
		crew_kill_late(&m.leaving);
	}
	say("ended", "ended");
}
