#include "cli/change.h"
#include "cli/commands.h"
#include "cli/out.h"
#include "cli/secret.h"

static const char *const columns[] = { "id", "member", "description",
	"accounts", "permissions", "addresses", "created", "expires", "used" };
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static bool
tokens_find(struct app *app, struct api_token **list, size_t *count)
{
	struct str username = args_text(&app->args, "member");
	struct member member = { 0 };

	if (username.ptr == NULL)
		return store_api_tokens(
		    app->store, &app->arena, STR(""), list, count, &app->err);
	switch (store_member(
	    app->store, &app->arena, username, &member, &app->err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return err_set(&app->err, ERR_NOT_FOUND, "member_unknown",
		    "member %.*s: does not exist; see rolegate member list",
		    STR_ARGS(username));
	case FOUND_YES:
		break;
	}
	return store_api_tokens(
	    app->store, &app->arena, member.id, list, count, &app->err);
}

static void
token_row(struct table *table, const struct api_token *token)
{
	table_add(table, (const struct cell[COLUMNS]){
			     cell_text(token->id),
			     cell_text(token->username),
			     cell_text(token->description),
			     cell_list(token->accounts),
			     cell_list(token->permissions),
			     cell_list(token->addresses),
			     cell_time(token->created_s),
			     cell_time(token->expires_s),
			     cell_time(token->used_s),
			 });
}

int
cmd_token_list(struct app *app)
{
	struct api_token *list = NULL;
	struct table table;
	size_t count = 0;

	if (!app_open(app, STORE_READ) || !tokens_find(app, &list, &count))
		return APP_FAILED;
	table_start(&table, &app->arena, "tokens", columns, COLUMNS);
	for (size_t i = 0; i < count; i++)
		token_row(&table, &list[i]);
	return table_print(app, &table) ? 0 : APP_FAILED;
}

int
cmd_token_show(struct app *app)
{
	struct api_token token = { 0 };
	struct table table;

	if (!app_open(app, STORE_READ))
		return APP_FAILED;
	switch (store_api_token(
	    app->store, &app->arena, app->args.words[0], &token, &app->err)) {
	case FOUND_ERROR:
		return APP_FAILED;
	case FOUND_NO:
		return app_fail(app, ERR_NOT_FOUND, "token_unknown",
		    "token %.*s: does not exist; see rolegate token list",
		    STR_ARGS(app->args.words[0]));
	case FOUND_YES:
		break;
	}
	table_start(&table, &app->arena, "token", columns, COLUMNS);
	token_row(&table, &token);
	return record_print(app, &table, NULL, 0) ? 0 : APP_FAILED;
}

/* --- Changes -------------------------------------------------------------- */

struct new_token {
	struct api_token wanted;
	struct secret_text secret;
};

static bool
add_make(struct change *change, struct admin *admin)
{
	struct app *app = change->app;
	struct new_token *new = change->data;
	struct str token = STR("");

	return admin_token_add(admin, &new->wanted, &token, NULL, &app->err) &&
	       secret_keep(app, &new->secret, token);
}

static bool
life_read(struct app *app, int64_t *expires_s)
{
	struct str lifetime = args_text(&app->args, "lifetime");
	int64_t seconds = 0;

	if (lifetime.ptr == NULL)
		return true;
	if (!duration_read(lifetime, &seconds))
		return err_set(&app->err, ERR_USAGE, "usage",
		    "--lifetime: '%.*s' is not a duration; write 90s, 30m, "
		    "12h or 7d",
		    STR_ARGS(lifetime));
	*expires_s = app->now_s + seconds;
	return true;
}

int
cmd_token_add(struct app *app)
{
	struct new_token new = {
		.wanted = {
			.username = app->args.words[0],
			.description = app->args.words[1],
			.accounts =
			    args_list(&app->args, &app->arena, "account"),
			.permissions =
			    args_list(&app->args, &app->arena, "permission"),
			.addresses =
			    args_list(&app->args, &app->arena, "address"),
		},
	};
	struct change change = {
		.app = app,
		.make = add_make,
		.data = &new,
		.unlike = true,
		.on_stderr = true,
	};
	int status;

	if (!life_read(app, &new.wanted.expires_s))
		return APP_FAILED;
	status = change_run(&change);
	return secret_print(app, &new.secret, change.done, status);
}

static bool
remove_make(struct change *change, struct admin *admin)
{
	return admin_token_remove(
	    admin, change->app->args.words[0], &change->app->err);
}

int
cmd_token_remove(struct app *app)
{
	struct change change = { .app = app, .make = remove_make };

	return change_run(&change);
}
