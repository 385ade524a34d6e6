#include "fcgi/process/server.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "fcgi/process/privileges.h"
#include "fcgi/process/say.h"

/* The one that runs in this process. */
static const struct server *the_server;

/* --- Options -------------------------------------------------------------- */

struct options {
	const char *config_path; /* NULL: the usual places */
	bool check_only;
};

static bool
usage(const char *word, int *status)
{
	say("usage", "%s: is not understood; see %s --help", word,
	    program_invocation_short_name);
	*status = err_exit_status(ERR_USAGE);
	return false;
}

/* False: what was asked for is done, or the words are wrong and that is said;
 * *status is the exit status. */
static bool
options_read(struct options *out, int argc, char **argv, int *status)
{
	const struct option table[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ the_server->print_option, no_argument, NULL, 'p' },
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
			fputs(the_server->help, stdout);
			return false;
		case 'v':
			printf("%s %s\n", program_invocation_short_name,
			    ROLEGATE_VERSION);
			return false;
		case 'p':
			the_server->print(stdout);
			return false;
		default:
			return usage(argv[optind - 1], status);
		}
	return optind == argc || usage(argv[optind], status);
}

/* --- The setup ------------------------------------------------------------ */

static void
why_say(struct faults *faults, const struct err *err)
{
	faults_print(faults, stderr);
	faults_free(faults);
	if (err->kind != ERR_NONE)
		say(err->code, "%s", err->text);
}

/* What is bound to the socket and to our user cannot change while we run. */
static void
restart_say(const void *old, const void *new)
{
	struct listener_config was = the_server->place(old);
	struct listener_config is = the_server->place(new);

	if (!str_eq(was.socket, is.socket) || !str_eq(was.group, is.group) ||
	    !str_eq(was.user, is.user))
		say("restart_needed",
		    "%s.socket, socket_group and user stay as they are until "
		    "a restart",
		    is.section);
}

static bool
load_again(struct service *service)
{
	struct faults faults = { 0 };
	struct err err = { 0 };
	void *new = the_server->load(service->config_path, &faults, &err);

	if (new != NULL && !the_server->ready(new, &err)) {
		the_server->free(new);
		new = NULL;
	}
	why_say(&faults, &err);
	if (new == NULL)
		return false;
	restart_say(service->setup, new);
	service->setup = new;
	service->workers = the_server->workers(new);
	return true;
}

/* --- The program ---------------------------------------------------------- */

static int
fail(void *setup, struct listener *listener, struct faults *faults,
    const struct err *err)
{
	int status = faults->count > 0 ? err_exit_status(ERR_FILE)
				       : err_exit_status(err->kind);

	why_say(faults, err);
	listener_close(listener);
	if (setup != NULL)
		the_server->free(setup);
	return status;
}

static int
checked(void *setup)
{
	printf("%.*s: no fault\n", STR_ARGS(the_server->path(setup)));
	the_server->free(setup);
	return EXIT_SUCCESS;
}

static bool
begin(void *setup, struct listener *listener, struct err *err)
{
	const struct listener_config config = the_server->place(setup);

	return listener_open(listener, &config, err) &&
	       privileges_drop(config.section, config.user, err) &&
	       the_server->ready(setup, err);
}

int
server_main(const struct server *server, int argc, char **argv)
{
	struct service service = {
		.finish_ms = server->finish_ms,
		.work = server->work,
		.load = load_again,
		.free = server->free,
	};
	struct options options;
	struct listener listener = { .fd = -1 };
	struct faults faults = { 0 };
	struct err err = { 0 };
	void *setup;
	int status;

	the_server = server;
	if (!options_read(&options, argc, argv, &status))
		return status;
	setup = server->load(options.config_path, &faults, &err);
	if (setup == NULL)
		return fail(NULL, &listener, &faults, &err);
	if (options.check_only)
		return checked(setup);
	if (!begin(setup, &listener, &err))
		return fail(setup, &listener, &faults, &err);

	service.setup = setup;
	service.workers = server->workers(setup);
	service.config_path = options.config_path;
	service.listen_fd = listener.fd;
	master_run(&service);

	listener_close(&listener);
	server->free(service.setup);
	return EXIT_SUCCESS;
}
