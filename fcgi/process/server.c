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
	bool check_start; /* the rest of what a start needs, too */
};

static bool
usage(const char *word, const char *what, int *status)
{
	say("usage", "%s: %s; see %s --help", word, what,
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
		{ "check-start", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ the_server->print_option, no_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	*out = (struct options){ .config_path = NULL };
	*status = EXIT_SUCCESS;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", table, NULL)) != -1)
		switch (option) {
		case 'c':
			out->config_path = optarg;
			break;
		case 'k':
			out->check_only = true;
			break;
		case 's':
			out->check_only = true;
			out->check_start = true;
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
		case ':':
			return usage(argv[optind - 1], "needs a value", status);
		default:
			return usage(
			    argv[optind - 1], "is not understood", status);
		}
	return optind == argc ||
	       usage(argv[optind], "is not understood", status);
}

/* --- The setup ------------------------------------------------------------ */

static void
why_say(const struct err *err)
{
	if (err->kind != ERR_NONE)
		say(err->code, "%s", err->text);
}

/* Each whole, or not at all. They end in a line feed, the last one as well. */
static void
lines_write(struct str lines)
{
	struct str line;

	while (lines.len > 0 && str_next(&lines, '\n', &line))
		write_soon(say_fd(), line.ptr, line.len + 1);
}

/* While we serve: a reader of standard error who stands still is no matter. */
static void
faults_say(const struct faults *faults)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	if (to == NULL)
		return;
	faults_print(faults, to);
	if (fclose(to) == 0)
		lines_write((struct str){ text, len });
	free(text);
}

static void *
setup_load(const char *path, struct faults *faults, struct err *err)
{
	struct listener_config configs[HANDOVER_SOCKETS_MAX];
	void *setup = the_server->load(path, faults, err);

	if (setup == NULL)
		return NULL;
	the_server->sockets(setup, configs);
	if (listener_names_check(&configs[0], err))
		return setup;
	the_server->free(setup);
	return NULL;
}

/* What is bound to a socket and to our user cannot change while we run: this is
 * what they were made with. */
static struct {
	struct arena arena;
	struct listener_config configs[HANDOVER_SOCKETS_MAX];
} started;

static void
started_remember(const void *setup, const struct handover *kept)
{
	size_t count = the_server->sockets(setup, started.configs);

	for (size_t i = 0; i < count; i++) {
		struct listener_config *c = &started.configs[i];
		const struct listener *one = &kept->sockets[i];

		/* That of the program before may lie elsewhere. */
		if (kept->worker_count > 0 && one->is_ours)
			c->socket = str_from(one->path);
		else if (kept->worker_count > 0 && one->fd < 0)
			c->socket = STR("");
		c->socket = str_copy(&started.arena, c->socket);
		c->group = str_copy(&started.arena, c->group);
		c->user = str_copy(&started.arena, c->user);
	}
}

static void
restart_say(const char *section, const char *key, struct str was, struct str is)
{
	if (!str_eq(was, is))
		say("restart_needed",
		    "%s.%s was changed, and stays as it was until a restart",
		    section, key);
}

static void
restarts_say(const void *setup)
{
	const struct listener_config *was = started.configs;
	struct listener_config is[HANDOVER_SOCKETS_MAX];
	size_t count = the_server->sockets(setup, is);

	for (size_t i = 0; i < count; i++)
		restart_say(
		    is[i].section, is[i].key, was[i].socket, is[i].socket);
	restart_say(is[0].section, "socket_group", was[0].group, is[0].group);
	restart_say(is[0].section, "user", was[0].user, is[0].user);
}

static bool
load_again(struct service *service)
{
	struct faults faults = { 0 };
	struct err err = { 0 };
	void *new = setup_load(service->config_path, &faults, &err);

	if (new != NULL && !the_server->ready(new, &err)) {
		the_server->free(new);
		new = NULL;
	}
	faults_say(&faults);
	faults_free(&faults);
	why_say(&err);
	if (new == NULL)
		return false;
	restarts_say(new);
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

	faults_print(faults, stderr);
	faults_free(faults);
	why_say(err);
	sockets_close(kept);
	if (setup != NULL)
		the_server->free(setup);
	return status;
}

/* As the user that serves, from here on. */
static bool
become_ready(void *setup, struct err *err)
{
	struct listener_config configs[HANDOVER_SOCKETS_MAX];

	the_server->sockets(setup, configs);
	return privileges_drop(configs[0].section, configs[0].user, err) &&
	       the_server->ready(setup, err);
}

static bool
begin(void *setup, struct handover *kept, struct err *err)
{
	if (!sockets_open(kept, setup, err))
		return false;
	started_remember(setup, kept);
	restarts_say(setup);
	return become_ready(setup, err);
}

static int
check(void *setup, const struct options *options)
{
	struct handover none = { .socket_count = 0 };
	struct faults faults = { 0 };
	struct err err = { 0 };

	if (options->check_start && !become_ready(setup, &err))
		return fail(setup, &none, &faults, &err);
	printf("%.*s: no fault\n", STR_ARGS(the_server->path(setup)));
	the_server->free(setup);
	return EXIT_SUCCESS;
}

int
server_main(const struct server *server, int argc, char **argv)
{
	struct service service = {
		.finish_ms = server->finish_ms,
		.work = server->work,
		.alive_ms = server->alive_ms,
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
	setup = setup_load(options.config_path, &faults, &err);
	if (setup == NULL)
		return fail(NULL, &kept, &faults, &err);
	if (options.check_only)
		return check(setup, &options);
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
