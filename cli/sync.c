#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"

#define SYNC_PROGRAM "rolegate-sync"

/* The program beside this one, never one that PATH happens to find. */
static const char *
beside(struct app *app)
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

int
cmd_sync(struct app *app)
{
	struct str config = args_text(&app->args, "config");
	const char *program = beside(app);
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
	/* execv() takes its words without const and leaves them alone. */
	argv[out++] = (char *)(uintptr_t)SYNC_PROGRAM;
	if (config.ptr != NULL) {
		argv[out++] = (char *)(uintptr_t) "--config";
		argv[out++] = (char *)(uintptr_t)config.ptr;
	}
	memcpy(argv + out, app->rest, count * sizeof(*argv));
	execv(program, argv);
	return app_fail(app, ERR_REACH, "sync_missing",
	    "%s: cannot be started: %s; install it beside rolegate", program,
	    strerror(errno));
}
