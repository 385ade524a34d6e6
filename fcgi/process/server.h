/* server.h - the main() of a server: options, setup, socket, user, workers.
 *
 * Options are --config FILE, --check, --check-start, --help, --version, and one
 * more that prints something and ends. SIGHUP loads a new setup, whole, or
 * leaves the old one; SIGUSR2 does so with the program (handover.h).
 * Errors:  printed; the exit status is that of err.h. */
#ifndef ROLEGATE_PROCESS_SERVER_H
#define ROLEGATE_PROCESS_SERVER_H

#include <stdio.h>

#include "base/fault.h"
#include "fcgi/process/listener.h"
#include "fcgi/process/master.h"

struct server {
	const char *help;
	const char *print_option; /* "routes", or NULL */
	void (*print)(FILE *out);
	int64_t finish_ms; /* that a worker may take to end */

	/* NULL with faults or err. */
	void *(*load)(const char *path, struct faults *faults, struct err *err);
	/* Once we are the user that serves. */
	bool (*ready)(void *setup, struct err *err);
	void (*free)(void *setup);
	struct str (*path)(const void *setup); /* of the configuration */
	/* The first is the FastCGI socket; an extra one whose path is empty is
	 * not wanted, and without one that cannot be had the server goes on. */
	size_t (*sockets)(const void *setup,
	    struct listener_config out[HANDOVER_SOCKETS_MAX]);
	int (*workers)(const void *setup);
	int (*work)(
	    const struct service *service, int place, const sigset_t *blocked);
	int64_t (*alive_ms)(int place); /* or NULL */
};

int server_main(const struct server *server, int argc, char **argv);

#endif
