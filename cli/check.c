#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/bounds.h"
#include "cli/ask.h"
#include "cli/batch.h"
#include "cli/commands.h"
#include "cli/out.h"

#define OUT_BYTES ((size_t)1024 * 1024)

static int
check_batch(struct app *app, struct str path)
{
	struct state state = { 0 };
	struct batch batch = { .state = &state, .name = path };
	bool is_stdin = str_eq(path, STR("-"));
	int in = STDIN_FILENO;
	bool ok;

	if (app->args.word_count > 0 || app->json)
		return app_fail(app, ERR_USAGE, "usage",
		    "--batch: goes without a question of its own and without "
		    "--json; leave those out");
	if (!app_time(app, "at", app->now_s, &batch.now_s) ||
	    !app_state(app, &state))
		return APP_FAILED;
	if (is_stdin)
		batch.name = STR("standard input");
	else if ((in = open(path.ptr, O_RDONLY | O_CLOEXEC)) < 0)
		return app_fail(app, ERR_FILE, "file_read",
		    "%.*s: cannot be opened: %s", STR_ARGS(path),
		    strerror(errno));
	setvbuf(stdout, NULL, _IOFBF, OUT_BYTES);
	ok = batch_run(&batch, in, stdout, &app->err);
	if (!is_stdin)
		close(in);
	return ok ? 0 : APP_FAILED;
}

static bool
check_says(struct app *app, const struct asked *asked)
{
	struct str says;

	if (app->json)
		return json_print(app, asked_json(app, asked));
	if (!app->terminal)
		return answer_print(&asked->decision, stdout);
	says = reason_says(&app->arena, &asked->question, &asked->decision);
	says = out_clean(&app->arena, says, true);
	printf("%s  %s  %.*s\n", verdict_word(asked->decision.verdict),
	    reason_word(asked->decision.reason), STR_ARGS(says));
	for (size_t i = 0; i < asked->decision.filters.count; i++) {
		struct str filter = out_clean(
		    &app->arena, asked->decision.filters.items[i], true);

		printf("  filter %.*s\n", STR_ARGS(filter));
	}
	return true;
}

int
cmd_check(struct app *app)
{
	struct str batch = args_text(&app->args, "batch");
	struct asked asked = { 0 };

	if (batch.ptr != NULL)
		return check_batch(app, batch);
	if (app->args.word_count != 3)
		return app_fail(app, ERR_USAGE, "usage",
		    "check: wants MEMBER PERMISSION ACCOUNT, or --batch FILE; "
		    "see rolegate check --help");
	asked.username = app->args.words[0];
	asked.permission = app->args.words[1];
	asked.account_id = app->args.words[2];
	if (!asked_answer(app, &asked) || !check_says(app, &asked))
		return APP_FAILED;
	return verdict_status(asked.decision.verdict);
}
