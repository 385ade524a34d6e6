#include "cli/change.h"
#include "cli/commands.h"
#include "cli/out.h"
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
