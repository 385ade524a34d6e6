#include "cli/change.h"
#include "cli/commands.h"
#include "cli/out.h"
#include "model/names.h"
#include "store/notice.h"

#define NOTICES_MAX ((size_t)1000)

static const char *const columns[] = { "number", "time", "kind", "text",
	"read" };
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static bool
member_find(struct app *app, struct member *out)
{
	switch (store_member(
	    app->store, &app->arena, app->args.words[0], out, &app->err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return err_set(&app->err, ERR_NOT_FOUND, "member_unknown",
		    "member %.*s: does not exist; see rolegate member list",
		    STR_ARGS(app->args.words[0]));
	case FOUND_YES:
		return true;
	}
	return false;
}

int
cmd_notify_list(struct app *app)
{
	struct notice *list = NULL;
	struct member member = { 0 };
	struct table table;
	size_t count = 0;

	if (!app_open(app, STORE_READ) || !member_find(app, &member) ||
	    !store_notices(app->store, &app->arena, member.id,
		args_have(&app->args, "unread"), 0, NOTICES_MAX, &list, &count,
		&app->err))
		return APP_FAILED;
	table_start(&table, &app->arena, "notices", columns, COLUMNS);
	for (size_t i = 0; i < count; i++)
		table_add(&table, (const struct cell[COLUMNS]){
				      cell_number(list[i].number),
				      cell_time(list[i].at_s),
				      cell_text(list[i].kind),
				      cell_text(list[i].text),
				      cell_bool(list[i].read),
				  });
	return table_print(app, &table) ? 0 : APP_FAILED;
}

/* --- read, switch --------------------------------------------------------- */

struct reading {
	int64_t number; /* 0: all */
	int64_t changed;
};

static bool
read_make(struct change *change, struct admin *admin)
{
	struct reading *reading = change->data;

	return admin_notices_read(admin, change->app->args.words[0],
	    reading->number, &reading->changed, &change->app->err);
}

static bool
read_show(struct change *change, struct admin *admin, FILE *to)
{
	const struct reading *reading = change->data;

	(void)admin;
	change->quiet = true;
	if (change->app->json)
		return fputs("[]", to) >= 0;
	return fprintf(to, "~ %lld notices are read\n",
		   (long long)reading->changed) > 0;
}

int
cmd_notify_read(struct app *app)
{
	struct reading reading = { 0, 0 };
	struct change change = {
		.app = app,
		.make = read_make,
		.show = read_show,
		.data = &reading,
		.noteless = true,
	};

	if (app->args.word_count > 1 &&
	    !str_to_i64(app->args.words[1], 1, INT64_MAX, &reading.number))
		return app_fail(app, ERR_USAGE, "usage",
		    "notify read: '%.*s' is not a notice's number; see "
		    "rolegate notify list",
		    STR_ARGS(app->args.words[1]));
	return change_run(&change);
}

int
cmd_notify_switches(struct app *app)
{
	static const char *const kind_columns[] = { "kind" };
	struct names kinds = { NULL, 0 };
	struct member member = { 0 };
	struct table table;

	if (!app_open(app, STORE_READ) || !member_find(app, &member) ||
	    !store_mail_switches(
		app->store, &app->arena, member.id, &kinds, &app->err))
		return APP_FAILED;
	table_start(&table, &app->arena, "switches", kind_columns, 1);
	for (size_t i = 0; i < kinds.count; i++)
		table_add(&table,
		    (const struct cell[1]){ cell_text(kinds.items[i]) });
	return table_print(app, &table) ? 0 : APP_FAILED;
}

static struct names
kinds_given(struct app *app)
{
	return (struct names){ app->args.words + 1,
		names_sort(app->args.words + 1, app->args.word_count - 1) };
}

static bool
switch_make(struct change *change, struct admin *admin)
{
	struct app *app = change->app;

	return admin_mail_switches_set(
	    admin, app->args.words[0], kinds_given(app), &app->err);
}

static bool
switch_show(struct change *change, struct admin *admin, FILE *to)
{
	struct app *app = change->app;
	struct str kinds = names_join(&app->arena, kinds_given(app));

	(void)admin;
	if (app->json)
		return fputs("[]", to) >= 0;
	return fprintf(to, "~ mail to %.*s for: %.*s\n",
		   STR_ARGS(app->args.words[0]), STR_ARGS(kinds)) > 0;
}

int
cmd_notify_switch(struct app *app)
{
	struct change change = {
		.app = app,
		.make = switch_make,
		.show = switch_show,
		.noteless = true,
	};

	return change_run(&change);
}

/* --- send ----------------------------------------------------------------- */

static bool
send_make(struct change *change, struct admin *admin)
{
	struct app *app = change->app;
	const char *kind = app_cstr(app, app->args.words[1]);

	return kind != NULL && admin_notify(admin, app->args.words[0], kind,
				   app->args.words[2], STR(""), &app->err);
}

static bool
send_show(struct change *change, struct admin *admin, FILE *to)
{
	struct app *app = change->app;
	struct str text =
	    out_clean(&app->arena, app->args.words[2], app->terminal);

	(void)admin;
	if (app->json)
		return fputs("[]", to) >= 0;
	return fprintf(to, "+ notice to %.*s: %.*s\n",
		   STR_ARGS(app->args.words[0]), STR_ARGS(text)) > 0;
}

int
cmd_notify_send(struct app *app)
{
	struct change change = {
		.app = app,
		.make = send_make,
		.show = send_show,
		.noteless = true,
	};

	return change_run(&change);
}
