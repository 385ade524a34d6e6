#include "cli/change.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bounds.h"
#include "base/text.h"
#include "cli/out.h"

#define HISTORY_PAGE 1000

/* --- The difference ------------------------------------------------------ */

static json_t *
side_read(struct str text)
{
	return text.len > 0 ? json_loadb(text.ptr, text.len, 0, NULL) : NULL;
}

/* A value as people write it: text bare, lists joined by ';'. */
static struct str
value_text(struct arena *arena, const json_t *value)
{
	struct str text = STR("");
	size_t i;
	json_t *item;
	char *dump;

	if (json_is_string(value))
		return (struct str){ json_string_value(value),
			json_string_length(value) };
	if (json_is_null(value))
		return text;
	if (json_is_array(value)) {
		json_array_foreach(value, i, item)
		{
			struct str one = value_text(arena, item);

			text = str_fmt(arena, "%.*s%s%.*s", STR_ARGS(text),
			    i > 0 ? ";" : "", STR_ARGS(one));
		}
		return text;
	}
	dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	if (dump == NULL)
		return text;
	text = str_copy(arena, str_from(dump));
	free(dump);
	return text;
}

static void
field_print(struct app *app, FILE *to, const char *key, const json_t *before,
    const json_t *after)
{
	bool terminal = isatty(fileno(to)) == 1;
	struct str old =
	    before != NULL ? value_text(&app->arena, before) : STR("");
	struct str new =
	    after != NULL ? value_text(&app->arena, after) : STR("");

	old = out_clean(&app->arena, old, terminal);
	new = out_clean(&app->arena, new, terminal);
	if (before != NULL && after != NULL)
		fprintf(to, " %s='%.*s' -> '%.*s'", key, STR_ARGS(old),
		    STR_ARGS(new));
	else if (before != NULL)
		fprintf(to, " %s='%.*s'", key, STR_ARGS(old));
	else
		fprintf(to, " %s='%.*s'", key, STR_ARGS(new));
}

/* Only what differs, when there is a before and an after. */
static void
fields_print(struct app *app, FILE *to, json_t *before, json_t *after)
{
	json_t *none = json_null();
	const char *key;
	json_t *value;

	if (!json_is_object(before) || !json_is_object(after)) {
		json_t *only = json_is_object(after) ? after : before;

		if (!json_is_object(only))
			return;
		json_object_foreach(
		    only, key, value) if (strcmp(key, "type") != 0)
		    field_print(app, to, key, NULL, value);
		return;
	}
	json_object_foreach(before, key, value)
	{
		json_t *other = json_object_get(after, key);

		if (other == NULL || !json_equal(value, other))
			field_print(
			    app, to, key, value, other != NULL ? other : none);
	}
	json_object_foreach(
	    after, key, value) if (json_object_get(before, key) == NULL)
	    field_print(app, to, key, none, value);
}

static void
row_print(struct app *app, FILE *to, const struct history_row *row)
{
	bool terminal = isatty(fileno(to)) == 1;
	struct str rest = row->action;
	struct str kind = STR("");
	struct str subject = out_clean(&app->arena, row->subject, terminal);
	json_t *before = side_read(row->before);
	json_t *after = side_read(row->after);
	char sign = row->before.len == 0  ? '+'
		    : row->after.len == 0 ? '-'
					  : '~';

	str_next(&rest, '.', &kind);
	fprintf(to, "%c %.*s %.*s", sign, STR_ARGS(kind), STR_ARGS(subject));
	fields_print(app, to, before, after);
	putc('\n', to);
	json_decref(before);
	json_decref(after);
}

static void
row_json(json_t *rows, const struct history_row *row)
{
	json_t *before = side_read(row->before);
	json_t *after = side_read(row->after);

	json_array_append_new(rows,
	    json_pack("{s:o,s:o,s:o,s:o}", "action", json_from_str(row->action),
		"subject", json_from_str(row->subject), "before",
		before != NULL ? before : json_null(), "after",
		after != NULL ? after : json_null()));
}

/* The rows of the running transaction, each given to print or to json. */
static bool
difference(struct change *change, int64_t since, FILE *to, json_t *json)
{
	struct app *app = change->app;
	struct history_row *rows;
	size_t count;

	do {
		if (!store_history(app->store, &app->arena, since, HISTORY_PAGE,
			&rows, &count, &app->err))
			return false;
		for (size_t i = 0; i < count; i++) {
			if (json != NULL)
				row_json(json, &rows[i]);
			else
				row_print(app, to, &rows[i]);
			since = rows[i].seq;
		}
	} while (count == HISTORY_PAGE);
	return true;
}

/* --- The steps ----------------------------------------------------------- */

/* The system, or, by --as, a member under their own rights. */
static struct actor
actor_of(const struct change *change)
{
	const struct app *app = change->app;
	struct str as = change->member.len > 0 ? change->member
					       : args_text(&app->args, "as");

	return (struct actor){
		.kind = as.ptr != NULL ? ACTOR_MEMBER : ACTOR_SYSTEM,
		.username = as,
		.why = args_text(&app->args, "why"),
	};
}

/* Makes the change in a transaction and gives its difference as text. */
static bool
change_try(struct change *change, struct admin *admin, char **shown)
{
	struct app *app = change->app;
	struct actor actor = actor_of(change);
	int64_t since = 0;
	int64_t data = 0;
	size_t len = 0;
	FILE *to;
	bool ok;

	if (!store_generation(app->store, &since, &data, &app->err) ||
	    !admin_begin(admin, app->store, &app->catalogues, &actor,
		clock_ms(), &app->err))
		return false;
	to = open_memstream(shown, &len);
	if (to == NULL) {
		admin_abort(admin);
		return app_no_memory(app);
	}
	ok = change->make(change, admin);
	if (ok && change->show != NULL)
		ok = change->show(change, admin, to);
	else if (ok && app->json) {
		json_t *rows = json_array();

		ok = difference(change, since, NULL, rows);
		json_dumpf(rows, to, JSON_COMPACT);
		json_decref(rows);
	} else if (ok)
		ok = difference(change, since, to, NULL);
	fclose(to);
	if (!ok)
		admin_abort(admin);
	return ok;
}

/* The difference is the command's output, unless that is something else. */
static void
shown_print(struct change *change, const char *shown)
{
	FILE *to = change->on_stderr ? stderr : stdout;

	if (change->app->json)
		return; /* once, when all is known */
	fputs(shown[0] != '\0' ? shown : "nothing to change\n", to);
	fflush(to);
}

static bool
json_report(struct change *change, const char *shown)
{
	json_t *changes = json_loads(shown, 0, NULL);

	if (!change->app->json || change->on_stderr) {
		json_decref(changes);
		return true;
	}
	return json_print(
	    change->app, json_pack("{s:b,s:o}", "done", change->done, "changes",
			     changes != NULL ? changes : json_null()));
}

static bool
line_read(char *line, int size)
{
	if (fgets(line, size, stdin) == NULL)
		return false;
	line[strcspn(line, "\n")] = '\0';
	return true;
}

/* So that nobody takes away the wrong thing by a slip of the hand. */
static bool
ask_typed(struct app *app, struct str wanted)
{
	struct str shown = out_clean(&app->arena, wanted, true);
	char answer[1024] = "";

	fprintf(stderr, "Type %.*s to make this change: ", STR_ARGS(shown));
	fflush(stderr);
	return line_read(answer, sizeof(answer)) &&
	       str_eq(str_from(answer), wanted);
}

static bool
ask(void)
{
	char answer[16] = "";

	fputs("Make this change? [y/N] ", stderr);
	fflush(stderr);
	return line_read(answer, sizeof(answer)) &&
	       (answer[0] == 'y' || answer[0] == 'Y');
}

static int
commit(struct change *change, struct admin *admin)
{
	struct app *app = change->app;

	if (!admin_commit(admin, &app->err)) {
		admin_abort(admin);
		return APP_FAILED;
	}
	change->done = true;
	app_publish(app);
	return 0;
}

/* The second time, after a yes: only if it is still the same change. */
static int
make_again(struct change *change, struct admin *admin, const char *before)
{
	char *shown = NULL;
	int status;

	if (!change_try(change, admin, &shown)) {
		free(shown);
		return APP_FAILED;
	}
	if (!change->unlike && strcmp(before, shown) != 0) {
		admin_abort(admin);
		status = app_fail(change->app, ERR_REFUSED, "changed_meanwhile",
		    "the store: was changed by somebody else while you "
		    "looked; run the command again");
	} else
		status = commit(change, admin);
	free(shown);
	return status;
}

static int
change_settle(struct change *change, struct admin *admin, const char *shown)
{
	struct app *app = change->app;
	bool nothing = admin->changes == 0 && !change->noteless;

	shown_print(change, shown);
	if (nothing || args_have(&app->args, "dry-run")) {
		admin_abort(admin);
		return 0;
	}
	if (change->quiet || args_have(&app->args, "yes"))
		return commit(change, admin);
	admin_abort(admin);
	if (isatty(STDIN_FILENO) != 1 || app->json)
		return app_fail(app, ERR_USAGE, "need_yes",
		    "standard input: is not a terminal to ask on; add --yes "
		    "to make the change or --dry-run to look at it");
	if (change->typed.len > 0 ? !ask_typed(app, change->typed) : !ask()) {
		out_note(app, "nothing changed");
		return 1;
	}
	return make_again(change, admin, shown);
}

/* A dry run on a store that is not there yet is one on an empty store; it
 * must not make the file. */
static bool
store_for(struct app *app)
{
	if (args_have(&app->args, "dry-run") && app_catalogues(app)) {
		const char *path = app_cstr(app, app->config.store);

		if (path == NULL)
			return false;
		if (access(path, F_OK) != 0)
			path = ":memory:";
		return store_open(&app->store, path, STORE_WRITE, &app->err);
	}
	return app->faults.count == 0 && app_open(app, STORE_WRITE);
}

int
change_run(struct change *change)
{
	struct app *app = change->app;
	struct str why = args_text(&app->args, "why");
	struct str as = args_text(&app->args, "as");
	struct admin admin = { 0 };
	char *shown = NULL;
	int status;

	/* The history will say that the member did it: it has to say why. */
	if (as.ptr != NULL && (as.len == 0 || why.len == 0))
		return app_fail(app, ERR_USAGE, "usage",
		    "--as: wants a member, and --why TEXT for the history");
	if (why.len > 0 &&
	    !text_check(why, REASON_TEXT_MAX, "--why", &app->err))
		return APP_FAILED;
	if (!store_for(app))
		return APP_FAILED;
	if (!change_try(change, &admin, &shown)) {
		free(shown);
		return APP_FAILED;
	}
	status = change_settle(change, &admin, shown);
	if (status == 0 && !json_report(change, shown))
		status = APP_FAILED;
	free(shown);
	return status;
}
