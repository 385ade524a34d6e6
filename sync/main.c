/* rolegate-sync: brings people and groups of a directory into the store. */
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "sync/run.h"
#include "sync/status.h"

static volatile sig_atomic_t stopping;

static void
on_stop(int signal_number)
{
	(void)signal_number;
	stopping = 1;
}

/* Without SA_RESTART: a wait for the directory ends, and so does the run. */
static void
signals_install(void)
{
	struct sigaction stop = { .sa_handler = on_stop };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigemptyset(&stop.sa_mask);
	sigemptyset(&ignore.sa_mask);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

static int
command_do(struct job *job)
{
	switch (job->options->command) {
	case COMMAND_PLAN:
		return command_plan(job);
	case COMMAND_APPLY:
		return command_apply(job);
	case COMMAND_RUN:
		return command_run(job);
	case COMMAND_STATUS:
		return command_status(job);
	case COMMAND_NONE:
	case COMMAND_HELP:
	case COMMAND_VERSION:
		break;
	}
	return EXIT_SUCCESS;
}

int
main(int argc, char *argv[])
{
	struct sync_options options;
	struct job job = { .options = &options, .stopping = &stopping };
	struct err e = { 0 };
	int status;

	if (!sync_options_read(&options, argc, argv, &e)) {
		err_print(&e);
		return err_exit_status(e.kind);
	}
	if (options.command == COMMAND_HELP) {
		sync_help(stdout);
		return EXIT_SUCCESS;
	}
	if (options.command == COMMAND_VERSION) {
		puts("rolegate-sync " ROLEGATE_VERSION);
		return EXIT_SUCCESS;
	}
	/* Nothing of ldap.conf, .ldaprc or LDAP* variables is believed. */
	if (sodium_init() < 0 || setenv("LDAPNOINIT", "1", 1) != 0)
		return 70;
	signals_install();
	if (!job_open(&job, &e)) {
		if (!job.faulty)
			err_print(&e);
		job_close(&job);
		return err_exit_status(e.kind);
	}
	status = command_do(&job);
	job_close(&job);
	return status;
}
