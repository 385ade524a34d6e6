#include <sodium.h>

#include "base/secret.h"
#include "cli/change.h"
#include "cli/commands.h"
#include "cli/grant.h"
#include "cli/out.h"
#include "cli/secret.h"

#define PAGE_MAX ((size_t)1000)

static const char *const columns[] = { "id", "email", "account", "role",
	"inviter", "licences", "filters", "created", "expires", "sent" };
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static void
invitation_add(struct table *table, const struct invitation *i)
{
	table_add(table, (const struct cell[COLUMNS]){
			     cell_text(i->id),
			     cell_text(i->email),
			     cell_text(i->account),
			     cell_text(i->role),
			     i->inviter.len > 0 ? cell_text(i->inviter)
						: cell_word("system"),
			     cell_list(i->licences),
			     cell_list(i->filters),
			     cell_time(i->created_s),
			     cell_time(i->expires_s),
			     cell_time(i->sent_s),
			 });
}

int
cmd_invite_list(struct app *app)
{
	struct str account = args_text(&app->args, "account");
	struct str after = STR("");
	struct invitation *list = NULL;
	struct table table;
	size_t count = 0;

	if (!app_open(app, STORE_READ))
		return APP_FAILED;
	table_start(&table, &app->arena, "invitations", columns, COLUMNS);
	do {
		if (!store_invitations(app->store, &app->arena, account,
			STR(""), after, PAGE_MAX, &list, &count, &app->err))
			return APP_FAILED;
		for (size_t i = 0; i < count; i++)
			invitation_add(&table, &list[i]);
		if (count > 0)
			after = list[count - 1].id;
	} while (count == PAGE_MAX);
	return table_print(app, &table) ? 0 : APP_FAILED;
}

int
cmd_invite_show(struct app *app)
{
	struct invitation invitation = { 0 };
	struct table record;

	if (!app_open(app, STORE_READ))
		return APP_FAILED;
	switch (store_invitation(app->store, &app->arena, app->args.words[0],
	    &invitation, &app->err)) {
	case FOUND_ERROR:
		return APP_FAILED;
	case FOUND_NO:
		return app_fail(app, ERR_NOT_FOUND, "invitation_unknown",
		    "invitation %.*s: there is none; see rolegate invite list",
		    STR_ARGS(app->args.words[0]));
	case FOUND_YES:
		break;
	}
	table_start(&record, &app->arena, "invitation", columns, COLUMNS);
	invitation_add(&record, &invitation);
	return record_print(app, &record, NULL, 0) ? 0 : APP_FAILED;
}

/* --- Changes -------------------------------------------------------------- */

static bool
add_make(struct change *change, struct admin *admin)
{
	return admin_invite(admin, change->data, 0, NULL, &change->app->err);
}

int
cmd_invite_add(struct app *app)
{
	struct grant grant = {
		.role = app->args.words[1],
		.account = app->args.words[2],
	};
	struct invitation wanted = {
		.email = app->args.words[0],
		.role = app->args.words[1],
		.account = app->args.words[2],
		.name = args_text(&app->args, "name"),
	};
	struct change change = {
		.app = app,
		.make = add_make,
		.data = &wanted,
		.unlike = true, /* its id is another one each time */
	};

	if (!grant_from_args(app, &grant))
		return APP_FAILED;
	wanted.licences = grant.licences;
	wanted.filters = grant.filters;
	wanted.grant_expires_s = grant.expires_s;
	return change_run(&change);
}

static bool
resend_make(struct change *change, struct admin *admin)
{
	return admin_invitation_resend(
	    admin, change->app->args.words[0], &change->app->err);
}

int
cmd_invite_resend(struct app *app)
{
	struct change change = { .app = app, .make = resend_make };

	return change_run(&change);
}

static bool
withdraw_make(struct change *change, struct admin *admin)
{
	return admin_invitation_withdraw(
	    admin, change->app->args.words[0], &change->app->err);
}

int
cmd_invite_withdraw(struct app *app)
{
	struct change change = { .app = app, .make = withdraw_make };

	return change_run(&change);
}

/* --- The link, for systems without mail ----------------------------------- */

static bool
link_make(struct change *change, struct admin *admin)
{
	struct app *app = change->app;
	struct str token = STR("");

	change->quiet = true;
	return admin_invitation_token(
		   admin, app->args.words[0], &token, &app->err) &&
	       secret_keep(app, change->data, token);
}

static bool
link_show(struct change *change, struct admin *admin, FILE *to)
{
	(void)change;
	(void)admin;
	return fputs("a new link; the ones before are dead\n", to) >= 0;
}

int
cmd_invite_link(struct app *app)
{
	struct secret_text secret = { .len = 0 };
	struct change change = {
		.app = app,
		.make = link_make,
		.show = link_show,
		.data = &secret,
		.noteless = true,
		.on_stderr = true,
	};
	int status = change_run(&change);

	return secret_print(app, &secret, change.done, status);
}

/* --- Accepting ------------------------------------------------------------ */

/* The token comes from a file: what stands in the arguments, others see. */
static bool
token_file_read(struct app *app, struct secret_text *secret)
{
	const char *path = app_cstr(app, args_text(&app->args, "token-file"));

	if (path == NULL || *path == '\0')
		return err_set(&app->err, ERR_USAGE, "usage",
		    "rolegate %s: wants --token-file FILE", app->command->name);
	return secret_read(secret->text, sizeof(secret->text), &secret->len,
	    path, "token_file", &app->err);
}

static bool
accept_make(struct change *change, struct admin *admin)
{
	const struct secret_text *secret = change->data;

	return admin_invitation_accept(admin,
	    (struct str){ secret->text, secret->len }, &change->app->err);
}

int
cmd_invite_accept(struct app *app)
{
	struct secret_text secret = { .len = 0 };
	struct change change = {
		.app = app,
		.make = accept_make,
		.data = &secret,
		.member = app->args.words[0],
	};
	int status =
	    token_file_read(app, &secret) ? change_run(&change) : APP_FAILED;

	sodium_memzero(&secret, sizeof(secret));
	return status;
}
