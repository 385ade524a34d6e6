#include "cli/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/commands.h"

#define SYNC_PROGRAM "rolegate-sync"

/* The program beside this one, never one that PATH happens to find. */
static const char *
program_find(struct app *app)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self));
	const char *slash = len > 0 && (size_t)len < sizeof(self)
				? memrchr(self, '/', (size_t)len)
				: NULL;
	struct str path;

	if (slash == NULL) {
		app_fail(app, ERR_BUG, "sync_missing",
		    "/proc/self/exe: does not say where rolegate is: %s",
		    strerror(errno));
		return NULL;
	}
	path = str_fmt(
	    &app->arena, "%.*s" SYNC_PROGRAM, (int)(slash + 1 - self), self);
	if (path.ptr == NULL)
		app_no_memory(app);
	return path.ptr;
}

static int
start_failed(struct app *app, const char *program)
{
	return app_fail(app, ERR_REACH, "sync_missing",
	    "%s: cannot be started: %s; install it beside rolegate", program,
	    strerror(errno));
}

/* execv() takes its words without const and leaves them alone. */
static char *
word(const char *text)
{
	return (char *)(uintptr_t)text;
}

int
cmd_sync(struct app *app)
{
	struct str config = args_text(&app->args, "config");
	const char *program = program_find(app);
	char **argv;
	size_t count = 0;
	size_t out = 0;

	if (program == NULL)
		return APP_FAILED;
	while (app->rest[count] != NULL)
		count++;
	argv = ARENA_ARRAY(&app->arena, char *, count + 4);
	if (argv == NULL) {
		app_no_memory(app);
		return APP_FAILED;
	}
	argv[out++] = word(SYNC_PROGRAM);
	if (config.ptr != NULL) {
		argv[out++] = word("--config");
		argv[out++] = word(config.ptr);
	}
	memcpy(argv + out, app->rest, count * sizeof(*argv));
	execv(program, argv);
	return start_failed(app, program);
}

/* --- The mapping --------------------------------------------------------- */

/* In the child: `status` reads the mapping first and writes nothing. */
static void
status_exec(const char *program, const char *config, int messages)
{
	char *argv[] = { word(SYNC_PROGRAM), word("--config"), word(config),
		word("status"), NULL };
	int nowhere = open("/dev/null", O_WRONLY);

	if (nowhere < 0 || dup2(nowhere, STDOUT_FILENO) < 0 ||
	    dup2(messages, STDERR_FILENO) < 0)
		_exit(127);
	execv(program, argv);
	_exit(127);
}

static void
messages_pass(FILE *messages)
{
	char line[4096];

	rewind(messages);
	while (fgets(line, sizeof(line), messages) != NULL)
		fputs(line, stderr);
}

int
sync_mapping_test(struct app *app)
{
	const char *program = program_find(app);
	const char *config = app_cstr(app, app->config.path);
	FILE *messages = tmpfile();
	int status = 0;
	pid_t child;

	if (program == NULL || config == NULL || messages == NULL ||
	    access(program, X_OK) != 0) {
		if (messages != NULL)
			fclose(messages);
		return program != NULL && config != NULL
			   ? start_failed(app, program)
			   : APP_FAILED;
	}
	fflush(stdout);
	child = fork();
	if (child == 0)
		status_exec(program, config, fileno(messages));
	if (child < 0 || waitpid(child, &status, 0) != child) {
		fclose(messages);
		return start_failed(app, program);
	}
	status = WIFEXITED(status) && WEXITSTATUS(status) == 3 ? 3 : 0;
	if (status != 0)
		messages_pass(messages);
	fclose(messages);
	return status;
}
