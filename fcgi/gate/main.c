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
    "Usage: rolegated [--config FILE] [--check | --check-start]\n"
    "\n"
    "  --config FILE    rolegate.yaml (default: $ROLEGATE_CONFIG, else\n"
    "                   " ROLEGATE_SYSCONFDIR "/rolegate/rolegate.yaml)\n"
    "  --check          look at the configuration and end\n"
    "  --check-start    the same, with the rest of what a start needs: the user\n"
    "                   taken on and the log file opened; SIGUSR2 asks this of the\n"
    "                   new program\n"
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

/* One for all setups: what was counted stays. */
static struct board *board;

static bool
ready(void *setup, struct err *err)
{
	if (board == NULL)
		board = board_new(WORKERS_MAX);
	if (board == NULL)
		return err_set(err, ERR_LIMIT, "no_memory",
		    "memory is out; give the process more");
	return setup_ready(setup, err);
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

static size_t
sockets(const void *setup, struct listener_config out[HANDOVER_SOCKETS_MAX])
{
	const struct config_gate *gate =
	    &((const struct setup *)setup)->config.gate;

	const struct listener_config first = {
		.section = "gate",
		.key = "socket",
		.socket = gate->socket,
		.group = gate->socket_group,
		.user = gate->user,
	};

	out[0] = first;
	out[1] = first;
	out[1].key = "control";
	out[1].socket = gate->control;
	out[1].group = STR("");
	out[1].is_extra = true;
	out[2] = first;
	out[2].key = "metrics";
	out[2].socket = gate->metrics;
	out[2].is_extra = true;
	return 3;
}

static int
workers(const void *setup)
{
	return ((const struct setup *)setup)->workers;
}

static int
work(const struct service *service, int place, const sigset_t *blocked)
{
	const struct listener *sockets = service->kept->sockets;
	const struct workplace at = {
		.place = place,
		.listen_fd = sockets[0].fd,
		.control_fd = sockets[1].fd,
		.metrics_fd = sockets[2].fd,
		.board = board,
	};

	return worker_run(service->setup, &at, blocked);
}

static int64_t
alive_ms(int place)
{
	return counts_gauge(board_slot(board, place), GAUGE_ALIVE_MS);
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
		.sockets = sockets,
		.workers = workers,
		.work = work,
		.alive_ms = alive_ms,
	};

	return server_main(&server, argc, argv);
}
