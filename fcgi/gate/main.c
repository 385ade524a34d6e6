/* rolegated - the decision worker behind nginx auth_request. */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fcgi/gate/listener.h"
#include "fcgi/gate/master.h"

struct options {
	const char *config_path;
	bool check_only;
};

static const char help[] =
    "rolegated --config /etc/rolegate/rolegate.yaml          serve\n"
    "rolegated --config /etc/rolegate/rolegate.yaml --check  look, and end\n"
    "kill -HUP PID                                           read it again\n"
    "\n"
    "Answers nginx auth_request over FastCGI from the view in Redis.\n"
    "\n"
    "  --config FILE  the configuration; else ROLEGATE_CONFIG, else\n"
    "                 /etc/rolegate/rolegate.yaml\n"
    "  --check        every fault of it with file, line and column; 0 or 3\n"
    "  --help         this\n"
    "  --version      the version\n";

/* -1: go on; else the exit status. */
static int
options_read(struct options *out, int argc, char **argv)
{
	static const struct option table[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	*out = (struct options){ NULL, false };
	while ((option = getopt_long(argc, argv, "h", table, NULL)) != -1)
		switch (option) {
		case 'c':
			out->config_path = optarg;
			break;
		case 't':
			out->check_only = true;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_SUCCESS;
		case 'v':
			puts("rolegated " ROLEGATE_VERSION);
			return EXIT_SUCCESS;
		default:
			fputs("rolegated: see rolegated --help [usage]\n",
			    stderr);
			return err_exit_status(ERR_USAGE);
		}
	if (optind == argc)
		return -1;
	fprintf(stderr,
	    "rolegated: %s: takes no words; see rolegated --help [usage]\n",
	    argv[optind]);
	return err_exit_status(ERR_USAGE);
}

static bool
user_become(const char *name, struct err *err)
{
	const struct passwd *user = getpwnam(name);
	bool ok;

	if (user == NULL)
		return err_set(err, ERR_FILE, "gate_user",
		    "gate.user: there is no user %s", name);
	ok = initgroups(name, user->pw_gid) == 0 &&
	     setgid(user->pw_gid) == 0 && setuid(user->pw_uid) == 0 &&
	     (user->pw_uid == 0 || setuid(0) != 0);
	return ok || err_set(err, ERR_REACH, "gate_user",
			 "gate.user: cannot become %s: %s", name,
			 strerror(errno));
}

/* Nothing from the network is read before this. No dump of the memory holds
 * the key, no program that is started gains anything. */
static bool
privileges_drop(const struct setup *setup, struct err *err)
{
	const struct rlimit none = { 0, 0 };

	if (geteuid() == 0 && setup->config.gate.user.len > 0 &&
	    !user_become(setup->config.gate.user.ptr, err))
		return false;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 &&
	    setrlimit(RLIMIT_CORE, &none) == 0)
		return true;
	return err_set(err, ERR_BUG, "gate_harden",
	    "the kernel refuses to take privileges away: %s",
	    strerror(errno));
}

static int
fail(const struct faults *faults, const struct err *err)
{
	faults_print(faults, stderr);
	if (err->kind != ERR_NONE)
		fprintf(stderr, "rolegated: %s [%s]\n", err->text, err->code);
	return faults->count > 0 ? err_exit_status(ERR_FILE)
				 : err_exit_status(err->kind);
}

int
main(int argc, char **argv)
{
	struct options options;
	struct setup setup = { .log = { .fd = -1 } };
	struct listener listener = { .fd = -1 };
	struct faults faults = { 0 };
	struct err err = { 0 };
	int status = options_read(&options, argc, argv);

	if (status >= 0)
		return status;
	if (!setup_load(&setup, options.config_path, &faults, &err))
		return fail(&faults, &err);
	if (options.check_only) {
		printf("%.*s: good\n", STR_ARGS(setup.config.path));
		setup_free(&setup);
		return EXIT_SUCCESS;
	}
	if (!listener_open(&listener, &setup.config.gate, &err) ||
	    !privileges_drop(&setup, &err) ||
	    (setup.log.fd = decision_log_open(&setup.arena,
		 setup.config.gate.log_file, &err)) < 0) {
		listener_close(&listener);
		setup_free(&setup);
		return fail(&faults, &err);
	}
	status = master_run(&setup, options.config_path, listener.fd);
	listener_close(&listener);
	return status;
}
