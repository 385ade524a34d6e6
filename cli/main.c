/* rolegate - the command for people and scripts. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/app.h"
#include "cli/help.h"
#include "cli/out.h"

static bool
asks_for_help(int argc, char *const *argv)
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

/* No command has this name: a noun alone, or a slip. */
static int
command_missing(struct app *app, int argc, char **argv)
{
	const char *nearest;

	if (noun_known(argv[0]) && (argc == 1 || asks_for_help(argc, argv))) {
		bool asked = argc > 1;

		help_noun(argv[0], asked ? stdout : stderr);
		return asked
			   ? 0
			   : app_fail(app, ERR_USAGE, "usage",
				 "%s: wants one more word; see above", argv[0]);
	}
	nearest = command_nearest(&app->arena, argc, argv);
	if (nearest != NULL)
		return app_fail(app, ERR_USAGE, "command_unknown",
		    "%s%s%s: is no command; did you mean rolegate %s?", argv[0],
		    noun_known(argv[0]) ? " " : "",
		    noun_known(argv[0]) ? argv[1] : "", nearest);
	return app_fail(app, ERR_USAGE, "command_unknown",
	    "%s: is no command; see rolegate --help", argv[0]);
}

/* Options that this command would silently leave aside are refused. */
static bool
options_fit(struct app *app)
{
	static const struct {
		const char *option;
		unsigned flag;
	} needs[] = {
		{ "json", COMMAND_JSON },
		{ "dry-run", COMMAND_WRITES },
		{ "why", COMMAND_WRITES },
		{ "as", COMMAND_WRITES | COMMAND_AS },
	};

	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		if (args_have(&app->args, needs[i].option) &&
		    (app->command->flags & needs[i].flag) == 0)
			return err_set(&app->err, ERR_USAGE, "usage",
			    "--%s: does nothing for rolegate %s; leave it out",
			    needs[i].option, app->command->name);
	return true;
}

static int
command_run(struct app *app, int argc, char **argv, int at)
{
	const struct command *command = app->command;
	size_t words;

	if ((command->flags & COMMAND_PASS) != 0) {
		app->rest = argv + at;
		return command->run(app);
	}
	if (args_read(&app->args, command->opts, argc, argv, at, false,
		&app->err) < 0)
		return APP_FAILED;
	if (args_have(&app->args, "help")) {
		help_command(command, stdout);
		return 0;
	}
	words = app->args.word_count;
	if (words < command->words_min || words > command->words_max)
		return app_fail(app, ERR_USAGE, "usage",
		    "%s: has %zu words too %s; write rolegate %s %s",
		    command->name,
		    words < command->words_min ? command->words_min - words
					       : words - command->words_max,
		    words < command->words_min ? "few" : "many", command->name,
		    command->usage);
	if (!options_fit(app))
		return APP_FAILED;
	app->json = args_have(&app->args, "json");
	return command->run(app);
}

static int
dispatch(struct app *app, int argc, char **argv)
{
	int used;
	int at = args_read(&app->args, NULL, argc, argv, 1, true, &app->err);

	if (at < 0)
		return APP_FAILED;
	if (args_have(&app->args, "version")) {
		puts("rolegate " ROLEGATE_VERSION);
		return 0;
	}
	if (at == argc && args_have(&app->args, "help")) {
		help_all(stdout);
		return 0;
	}
	if (at == argc) {
		help_all(stderr);
		return err_exit_status(ERR_USAGE);
	}
	app->command = command_find(argc - at, argv + at, &used);
	if (app->command == NULL)
		return command_missing(app, argc - at, argv + at);
	return command_run(app, argc, argv, at + used);
}

/* Everything that went wrong, and the exit status it means. */
static int
report(struct app *app)
{
	int status = 0;

	if (app->faults.count > 0) {
		out_faults(app);
		status = err_exit_status(ERR_FILE);
	}
	if (app->err.kind != ERR_NONE) {
		out_err(app);
		if (status == 0)
			status = err_exit_status(app->err.kind);
	}
	return status != 0 ? status : err_exit_status(ERR_BUG);
}

/* What could not be written was not said: `rolegate … | head` is fine. */
static int
output_end(struct app *app, int status)
{
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return status;
	if (errno == EPIPE)
		return status;
	out_note(app, "standard output: cannot be written: %s [file_write]",
	    strerror(errno));
	return err_exit_status(ERR_FILE);
}

int
main(int argc, char **argv)
{
	struct app app = {
		.now_s = time(NULL),
		.terminal = isatty(STDOUT_FILENO) == 1,
	};
	int status;

	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN); /* Redis may go while we write to it */
	status = dispatch(&app, argc, argv);
	if (status == APP_FAILED)
		status = report(&app);
	status = output_end(&app, status);
	app_close(&app);
	return status;
}
