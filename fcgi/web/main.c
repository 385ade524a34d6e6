/* rolegate-web - sign-in, invitations and the HTTP API behind nginx. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "fcgi/web/chores.h"
#include "fcgi/web/limits.h"
#include "fcgi/web/route.h"
#include "fcgi/web/worker.h"
#include "fcgi/process/listener.h"
#include "fcgi/process/master.h"
#include "fcgi/process/privileges.h"
#include "fcgi/process/say.h"

/* --- Options -------------------------------------------------------------- */

struct options {
	const char *config_path; /* NULL: the usual places */
	bool check_only;
};

static const char help[] =
    "Examples:\n"
    "  rolegate-web --check       every fault of the configuration; 0 or 3\n"
    "  rolegate-web               serve until SIGTERM\n"
    "  kill -HUP $MAINPID         read the configuration again\n"
    "\n"
    "Usage: rolegate-web [--config FILE] [--check]\n"
    "\n"
    "  --config FILE    rolegate.yaml (default: $ROLEGATE_CONFIG, else\n"
    "                   /etc/rolegate/rolegate.yaml)\n"
    "  --check          look at the configuration and end\n"
    "  --routes         the routes of the API, and end\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 ended on request, 2 usage, 3 bad configuration, 4 the socket\n"
    "could not be opened, 70 our mistake.\n";

static bool
usage(const char *word, int *status)
{
	say("usage", "%s: is not understood; see rolegate-web --help", word);
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
		{ "routes", no_argument, NULL, 'r' },
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
		case 'r':
			routes_print(stdout);
			return false;
		case 'h':
			fputs(help, stdout);
			return false;
		case 'v':
			puts("rolegate-web " ROLEGATE_VERSION);
			return false;
		default:
			return usage(argv[optind - 1], status);
		}
	return optind == argc || usage(argv[optind], status);
}

/* --- As a service --------------------------------------------------------- */

/* The first place does the chores, all others answer. */
static int
work(const struct service *service, int place, const sigset_t *blocked)
{
	if (place == 0)
		return chores_run(service->setup, blocked);
	return web_worker_run(service->setup, service->listen_fd, blocked);
}

static int
places(const struct web_setup *setup)
{
	return (int)setup->config.web.workers + 1;
}

static void
setup_drop(void *setup)
{
	web_setup_free(setup);
	free(setup);
}

/* What is bound to the socket and to our user cannot change while we run. */
static void
restart_say(const struct config_web *old, const struct config_web *new)
{
	if (!str_eq(old->socket, new->socket) ||
	    !str_eq(old->socket_group, new->socket_group) ||
	    !str_eq(old->user, new->user))
		say("restart_needed",
		    "web.socket, socket_group and user stay as they are until "
		    "a restart");
}

static struct web_setup *
setup_new(const char *path, struct faults *faults, struct err *err)
{
	struct web_setup *setup = calloc(1, sizeof(*setup));

	if (setup == NULL)
		err_set(err, ERR_LIMIT, "no_memory",
		    "memory is out; give the process more");
	else if (web_setup_load(setup, path, faults, err))
		return setup;
	free(setup);
	return NULL;
}

static void
why_say(struct faults *faults, const struct err *err)
{
	faults_print(faults, stderr);
	faults_free(faults);
	if (err->kind != ERR_NONE)
		say(err->code, "%s", err->text);
}

static bool
load(struct service *service)
{
	struct web_setup *old = service->setup;
	struct faults faults = { 0 };
	struct err err = { 0 };
	struct web_setup *new = setup_new(service->config_path, &faults, &err);

	why_say(&faults, &err);
	if (new == NULL)
		return false;
	restart_say(&old->config.web, &new->config.web);
	service->setup = new;
	service->workers = places(new);
	return true;
}

/* --- The program ---------------------------------------------------------- */

static int
fail(struct web_setup *setup, struct listener *listener, struct faults *faults,
    const struct err *err)
{
	int status = faults->count > 0 ? err_exit_status(ERR_FILE)
				       : err_exit_status(err->kind);

	why_say(faults, err);
	listener_close(listener);
	if (setup != NULL)
		setup_drop(setup);
	return status;
}

static int
checked(struct web_setup *setup)
{
	printf("%.*s: no fault\n", STR_ARGS(setup->config.path));
	setup_drop(setup);
	return EXIT_SUCCESS;
}

static bool
socket_open(
    struct listener *listener, const struct config_web *web, struct err *err)
{
	const struct listener_config config = {
		.section = "web",
		.socket = web->socket,
		.group = web->socket_group,
		.user = web->user,
	};

	return listener_open(listener, &config, err) &&
	       privileges_drop("web", web->user, err);
}

/* Made or migrated once, before several would try. */
static bool
store_make(const struct web_setup *setup, struct err *err)
{
	struct store *store = NULL;
	bool ok = store_open(&store, setup->config.store.ptr, STORE_WRITE, err);

	store_close(store);
	return ok;
}

int
main(int argc, char **argv)
{
	struct service service = {
		.finish_ms = WORKER_FINISH_MS + 1000,
		.work = work,
		.load = load,
		.free = setup_drop,
	};
	struct options options;
	struct web_setup *setup;
	struct listener listener = { .fd = -1 };
	struct faults faults = { 0 };
	struct err err = { 0 };
	int status;

	if (!options_read(&options, argc, argv, &status))
		return status;
	setup = setup_new(options.config_path, &faults, &err);
	if (setup == NULL)
		return fail(setup, &listener, &faults, &err);
	if (options.check_only)
		return checked(setup);
	if (!socket_open(&listener, &setup->config.web, &err) ||
	    !store_make(setup, &err))
		return fail(setup, &listener, &faults, &err);

	service.setup = setup;
	service.workers = places(setup);
	service.config_path = options.config_path;
	service.listen_fd = listener.fd;
	master_run(&service);

	listener_close(&listener);
	setup_drop(service.setup);
	return EXIT_SUCCESS;
}
