/* rolegate-web - sign-in, invitations and the HTTP API behind nginx. */
#include <stdlib.h>

#include "fcgi/process/server.h"
#include "fcgi/web/chores.h"
#include "fcgi/web/limits.h"
#include "fcgi/web/route.h"
#include "fcgi/web/worker.h"

static const char help[] =
    "Examples:\n"
    "  rolegate-web --check       every fault of the configuration; 0 or 3\n"
    "  rolegate-web               serve until SIGTERM\n"
    "  kill -HUP $MAINPID         read the configuration again\n"
    "\n"
    "Usage: rolegate-web [--config FILE] [--check | --check-start]\n"
    "\n"
    "  --config FILE    rolegate.yaml (default: $ROLEGATE_CONFIG, else\n"
    "                   " ROLEGATE_SYSCONFDIR "/rolegate/rolegate.yaml)\n"
    "  --check          look at the configuration and end\n"
    "  --check-start    the same, with the rest of what a start needs: the user\n"
    "                   taken on and the store opened (and migrated);\n"
    "                   SIGUSR2 asks this of the new program\n"
    "  --routes         the routes of the API, and end\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 ended on request, 2 usage, 3 bad configuration, 4 the socket\n"
    "could not be opened, 70 our mistake.\n";

static void *
load(const char *path, struct faults *faults, struct err *err)
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

/* The store is made or migrated once, before several would try. */
static bool
ready(void *setup, struct err *err)
{
	const struct web_setup *own = setup;
	struct store *store = NULL;
	bool ok = store_open(&store, own->config.store.ptr, STORE_WRITE, err);

	store_close(store);
	return ok;
}

static void
drop(void *setup)
{
	web_setup_free(setup);
	free(setup);
}

static struct str
path(const void *setup)
{
	return ((const struct web_setup *)setup)->config.path;
}

static size_t
sockets(const void *setup, struct listener_config out[HANDOVER_SOCKETS_MAX])
{
	const struct config_web *web =
	    &((const struct web_setup *)setup)->config.web;

	out[0] = (struct listener_config){
		.section = "web",
		.key = "socket",
		.socket = web->socket,
		.group = web->socket_group,
		.user = web->user,
	};
	return 1;
}

/* And one more for the chores. */
static int
workers(const void *setup)
{
	return (int)((const struct web_setup *)setup)->config.web.workers + 1;
}

static int
work(const struct service *service, int at, const sigset_t *blocked)
{
	if (at == 0)
		return chores_run(service->setup, blocked);
	return web_worker_run(
	    service->setup, service->kept->sockets[0].fd, blocked);
}

int
main(int argc, char **argv)
{
	static const struct server server = {
		.help = help,
		.print_option = "routes",
		.print = routes_print,
		.finish_ms = WORKER_FINISH_MS + 1000,
		.load = load,
		.ready = ready,
		.free = drop,
		.path = path,
		.sockets = sockets,
		.workers = workers,
		.work = work,
	};

	return server_main(&server, argc, argv);
}
