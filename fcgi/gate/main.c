/* rolegated - the decision gate behind nginx auth_request. */
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

#include "fcgi/gate/decision_log.h"
#include "fcgi/gate/listener.h"
#include "fcgi/gate/master.h"

/* --- Options -------------------------------------------------------------- */

struct options {
	const char *config_path; /* NULL: the usual places */
	bool check_only;
};

static const char help[] =
    "Examples:\n"
    "  rolegated --check          every fault of the configuration; 0 or 3\n"
    "  rolegated                  serve until SIGTERM\n"
    "  kill -HUP $MAINPID         read the configuration again\n"
    "\n"
    "Usage: rolegated [--config FILE] [--check]\n"
    "\n"
    "  --config FILE    rolegate.yaml (default: $ROLEGATE_CONFIG, else\n"
    "                   /etc/rolegate/rolegate.yaml)\n"
    "  --check          look at the configuration and end\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 ended on request, 2 usage, 3 bad configuration, 4 the socket\n"
    "could not be opened, 70 our mistake.\n";

static bool
usage(const char *word, int *status)
{
	say("usage", "%s: is not understood; see rolegated --help", word);
	*status = err_exit_status(ERR_USAGE);
	return false;
}

/* False: what was asked for is done, or the words are wrong and that is said;
 * *status is the exit status. */
static bool
options_read(struct options *out, int argc, char **argv, int *status)
{
	static const struct option table[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	*out = (struct options){ NULL, false };
	*status = EXIT_SUCCESS;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "", table, NULL)) != -1)
		switch (option) {
		case 'c':
			out->config_path = optarg;
			break;
		case 'k':
			out->check_only = true;
			break;
		case 'h':
			fputs(help, stdout);
			return false;
		case 'v':
			puts("rolegated " ROLEGATE_VERSION);
			return false;
		default:
			return usage(argv[optind - 1], status);
		}
	return optind == argc || usage(argv[optind], status);
}

/* --- Privileges ----------------------------------------------------------- */

static bool
is_user(const struct passwd *user)
{
	uid_t real;
	uid_t effective;
	uid_t saved;
	gid_t real_group;
	gid_t effective_group;
	gid_t saved_group;

	return getresuid(&real, &effective, &saved) == 0 &&
	       getresgid(&real_group, &effective_group, &saved_group) == 0 &&
	       real == user->pw_uid && effective == user->pw_uid &&
	       saved == user->pw_uid && real_group == user->pw_gid &&
	       effective_group == user->pw_gid && saved_group == user->pw_gid;
}

static bool
user_become(const char *name, struct err *err)
{
	const struct passwd *user = getpwnam(name);

	if (user == NULL)
		return err_set(err, ERR_FILE, "gate_user",
		    "gate.user: there is no user %s", name);
	if (initgroups(name, user->pw_gid) != 0 ||
	    setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0)
		return err_set(err, ERR_REACH, "gate_user",
		    "gate.user: cannot become %s: %s", name, strerror(errno));
	if (!is_user(user) || (user->pw_uid != 0 && setuid(0) == 0))
		return err_set(err, ERR_REACH, "gate_user",
		    "gate.user: did not become %s for good", name);
	return true;
}

/* What is given up before anything is read from the network: the rights of
 * root, the way back to them, and the dump of our memory, which holds the
 * key. */
static bool
privileges_drop(const struct config_gate *config, struct err *err)
{
	const struct rlimit none = { 0, 0 };

	if (geteuid() == 0 && config->user.len == 0)
		say("gate_root",
		    "serves as root, which it need not; set gate.user");
	else if (geteuid() == 0 && !user_become(config->user.ptr, err))
		return false;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 &&
	    setrlimit(RLIMIT_CORE, &none) == 0)
		return true;
	return err_set(err, ERR_BUG, "gate_harden",
	    "the kernel does not take privileges away: %s", strerror(errno));
}

/* --- The program ---------------------------------------------------------- */

static int
fail(struct setup *setup, struct listener *listener, struct faults *faults,
    const struct err *err)
{
	int status = faults->count > 0 ? err_exit_status(ERR_FILE)
				       : err_exit_status(err->kind);

	faults_print(faults, stderr);
	faults_free(faults);
	if (err->kind != ERR_NONE)
		say(err->code, "%s", err->text);
	listener_close(listener);
	setup_free(setup);
	return status;
}

static int
checked(struct setup *setup)
{
	printf("%.*s: no fault\n", STR_ARGS(setup->config.path));
	setup_free(setup);
	return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	struct options options;
	struct setup setup = { .log = { .fd = -1 } };
	struct listener listener = { .fd = -1 };
	struct faults faults = { 0 };
	struct err err = { 0 };
	int status;

	if (!options_read(&options, argc, argv, &status))
		return status;
	if (!setup_load(&setup, options.config_path, &faults, &err))
		return fail(&setup, &listener, &faults, &err);
	if (options.check_only)
		return checked(&setup);
	if (!listener_open(&listener, &setup.config.gate, &err) ||
	    !privileges_drop(&setup.config.gate, &err) ||
	    !setup_log_open(&setup, &err))
		return fail(&setup, &listener, &faults, &err);

	master_run(&setup, options.config_path, listener.fd);

	listener_close(&listener);
	setup_free(&setup);
	return EXIT_SUCCESS;
}
