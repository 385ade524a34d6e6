/* rolegated - the decision gate behind nginx auth_request. */
#include <stdlib.h>

#include "fcgi/gate/limits.h"
#include "fcgi/gate/worker.h"
#include "fcgi/process/server.h"

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

static void *
load(const char *path, struct faults *faults, struct err *err)
{
	struct setup *setup = calloc(1, sizeof(*setup));

	if (setup == NULL)
		err_set(err, ERR_LIMIT, "no_memory",
		    "memory is out; give the process more");
	else if (setup_load(setup, path, faults, err))
		return setup;
	free(setup);
	return NULL;
}

static bool
ready(void *setup, struct err *err)
{
	return setup_log_open(setup, err);
}

static void
drop(void *setup)
{
	setup_free(setup);
	free(setup);
}

static struct str
path(const void *setup)
{
	return ((const struct setup *)setup)->config.path;
}

static struct listener_config
place(const void *setup)
{
	const struct config_gate *gate =
	    &((const struct setup *)setup)->config.gate;

	return (struct listener_config){
		.section = "gate",
		.socket = gate->socket,
		.group = gate->socket_group,
		.user = gate->user,
	};
}

static int
workers(const void *setup)
{
	return ((const struct setup *)setup)->workers;
}

/* All places do the same. */
static int
work(const struct service *service, int at, const sigset_t *blocked)
{
	(void)at;
	return worker_run(service->setup, service->listen_fd, blocked);
}

int
main(int argc, char **argv)
{
	static const struct server server = {
		.help = help,
		.finish_ms = FINISH_WAIT_MS + 1000,
		.load = load,
		.ready = ready,
		.free = drop,
		.path = path,
		.place = place,
		.workers = workers,
		.work = work,
	};

	return server_main(&server, argc, argv);
}
