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

/* What is bound to a socket and to our user cannot change while we run. */
static void
restart_say(const void *old, const void *new)
{
	struct listener_config was[HANDOVER_SOCKETS_MAX];
	struct listener_config is[HANDOVER_SOCKETS_MAX];
	size_t count = the_server->sockets(old, was);

	the_server->sockets(new, is);
	for (size_t i = 0; i < count; i++)
		if (!str_eq(was[i].socket, is[i].socket) ||
		    !str_eq(was[i].group, is[i].group) ||
		    !str_eq(was[i].user, is[i].user))
			say("restart_needed",
			    "%s.%s, socket_group and user stay as they are "
			    "until a restart",
			    is[i].section, is[i].key);
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

/* --- The sockets ---------------------------------------------------------- */

/* It is only asked for how things are: the server is worth more. */
static void
extra_open(struct listener *out, const struct listener_config *config)
{
	struct err err = { 0 };

	*out = (struct listener){ .fd = -1 };
	if (config->socket.len > 0 && !listener_open(out, config, &err))
		say(err.code, "%s.%s: %s; serving without it", config->section,
		    config->key, err.text);
}

/* Those of the program before, or new ones. */
static bool
sockets_open(struct handover *kept, const void *setup, struct err *err)
{
	struct listener_config configs[HANDOVER_SOCKETS_MAX];
	size_t count = the_server->sockets(setup, configs);

	if (handover_take(kept) && kept->sockets[0].fd >= 0)
		return true;
	*kept = (struct handover){ .socket_count = count };
	for (size_t i = 0; i < count; i++)
		kept->sockets[i].fd = -1;
	if (!listener_open(&kept->sockets[0], &configs[0], err))
		return false;
	for (size_t i = 1; i < count; i++)
		extra_open(&kept->sockets[i], &configs[i]);
	return true;
}

static void
sockets_close(struct handover *kept)
{
	for (size_t i = 0; i < kept->socket_count; i++)
		listener_close(&kept->sockets[i]);
}

/* --- The program ---------------------------------------------------------- */

static int
fail(void *setup, struct handover *kept, struct faults *faults,
    const struct err *err)
{
	int status = faults->count > 0 ? err_exit_status(ERR_FILE)
				       : err_exit_status(err->kind);

	why_say(faults, err);
	sockets_close(kept);
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
begin(void *setup, struct handover *kept, struct err *err)
{
	struct listener_config configs[HANDOVER_SOCKETS_MAX];

	the_server->sockets(setup, configs);
	return sockets_open(kept, setup, err) &&
	       privileges_drop(configs[0].section, configs[0].user, err) &&
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
	struct handover kept = { .socket_count = 0 };
	struct faults faults = { 0 };
	struct err err = { 0 };
	void *setup;
	int status;

	the_server = server;
	handover_prepare(argv);
	say_open();
	if (!options_read(&options, argc, argv, &status))
		return status;
	setup = server->load(options.config_path, &faults, &err);
	if (setup == NULL)
		return fail(NULL, &kept, &faults, &err);
	if (options.check_only)
		return checked(setup);
	if (!begin(setup, &kept, &err))
		return fail(setup, &kept, &faults, &err);

	service.setup = setup;
	service.workers = server->workers(setup);
	service.config_path = options.config_path;
	service.kept = &kept;
	master_run(&service);

	sockets_close(&kept);
	server->free(service.setup);
	return EXIT_SUCCESS;
}
