#include "base/bounds.h"
#include "base/secret.h"
#include "cli/change.h"
#include "cli/commands.h"
#include "cli/out.h"
#include "model/password.h"

static const char *const list_columns[] = { "username", "email", "name",
	"status", "grants", "sources" };
#define LIST_COLUMNS (sizeof(list_columns) / sizeof(list_columns[0]))

static struct names
sources_of(struct arena *arena, const struct member *member)
{
	struct str *sources =
	    ARENA_ARRAY(arena, struct str, member->identity_count + 1);
	struct names names = { sources, 0 };

	for (size_t i = 0; sources != NULL && i < member->identity_count; i++)
		sources[names.count++] = member->identities[i].source;
	return names;
}

static void
member_add(struct app *app, struct table *table, const struct member *member)
{
	table_add(table, (const struct cell[LIST_COLUMNS]){
			     cell_text(member->username),
			     cell_text(member->email),
			     cell_text(member->name),
			     cell_word(member_status_word(member->status)),
			     cell_number((int64_t)member->grant_count),
			     cell_list(sources_of(&app->arena, member)),
			 });
}

static bool
status_read(struct app *app, enum member_status *out)
{
	struct str word = args_text(&app->args, "status");

	if (word.ptr == NULL)
		return true;
	*out = member_status_from(word);
	if (*out != MEMBER_NONE)
		return true;
	return err_set(&app->err, ERR_USAGE, "usage",
	    "--status: '%.*s' is none of invited, active, disabled",
	    STR_ARGS(word));
}

int
cmd_member_list(struct app *app)
{
	enum member_status only = MEMBER_NONE;
	struct state state = { 0 };
	struct table table;

	if (!status_read(app, &only) || !app_state(app, &state))
		return APP_FAILED;
	table_start(&table, &app->arena, "members", list_columns, LIST_COLUMNS);
	for (size_t i = 0; i < state.member_count; i++)
		if (only == MEMBER_NONE || state.members[i].status == only)
			member_add(app, &table, &state.members[i]);
	return table_print(app, &table) ? 0 : APP_FAILED;
}

/* --- show ---------------------------------------------------------------- */

static const char *const show_columns[] = { "username", "email", "name",
	"phone", "status", "personal", "changed" };
#define SHOW_COLUMNS (sizeof(show_columns) / sizeof(show_columns[0]))

static const char *const grant_columns[] = { "account", "role", "source",
	"licences", "filters", "expires" };
#define GRANT_COLUMNS (sizeof(grant_columns) / sizeof(grant_columns[0]))

static const char *const identity_columns[] = { "source", "id" };
#define IDENTITY_COLUMNS \
	(sizeof(identity_columns) / sizeof(identity_columns[0]))

enum { MORE_GRANTS, MORE_IDENTITIES, MORE_COUNT };

static void
more_fill(struct app *app, const struct member *member, struct table *more)
{
	struct table *grants = &more[MORE_GRANTS];
	struct table *identities = &more[MORE_IDENTITIES];

	table_start(
	    grants, &app->arena, "grants", grant_columns, GRANT_COLUMNS);
	for (size_t i = 0; i < member->grant_count; i++)
		table_add(grants, (const struct cell[GRANT_COLUMNS]){
				      cell_text(member->grants[i].account),
				      cell_text(member->grants[i].role),
				      cell_text(member->grants[i].source),
				      cell_list(member->grants[i].licences),
				      cell_list(member->grants[i].filters),
				      cell_time(member->grants[i].expires_s),
				  });
	table_start(identities, &app->arena, "identities", identity_columns,
	    IDENTITY_COLUMNS);
	for (size_t i = 0; i < member->identity_count; i++)
		table_add(identities,
		    (const struct cell[IDENTITY_COLUMNS]){
			cell_text(member->identities[i].source),
			cell_text(member->identities[i].external_id),
		    });
}

static bool
member_find(struct app *app, struct member *out)
{
	struct str username = app->args.words[0];

	switch (
	    store_member(app->store, &app->arena, username, out, &app->err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return err_set(&app->err, ERR_NOT_FOUND, "member_unknown",
		    "member %.*s: does not exist; see rolegate member list",
		    STR_ARGS(username));
	case FOUND_YES:
		return true;
	}
	return false;
}

int
cmd_member_show(struct app *app)
{
	struct member member = { 0 };
	struct table more[MORE_COUNT];
	struct table record;

	if (!app_open(app, STORE_READ) || !member_find(app, &member))
		return APP_FAILED;
	table_start(&record, &app->arena, "member", show_columns, SHOW_COLUMNS);
	table_add(&record, (const struct cell[SHOW_COLUMNS]){
			       cell_text(member.username),
			       cell_text(member.email),
			       cell_text(member.name),
			       cell_text(member.phone),
			       cell_word(member_status_word(member.status)),
			       cell_text(member.personal),
			       cell_number(member.changed),
			   });
	more_fill(app, &member, more);
	return record_print(app, &record, more, MORE_COUNT) ? 0 : APP_FAILED;
}

/* --- add, edit, remove --------------------------------------------------- */

static bool
member_from_args(struct app *app, struct member *member)
{
	const struct args *args = &app->args;
	struct str username = args_text(args, "username");
	struct str email = args_text(args, "email");
	struct str name = args_text(args, "name");
	struct str phone = args_text(args, "phone");

	if (phone.ptr != NULL)
		member->phone = phone;
	if (username.ptr != NULL)
		member->username = username;
	if (email.ptr != NULL)
		member->email = email;
	if (name.ptr != NULL)
		member->name = name;
	return status_read(app, &member->status);
}

static bool
add_make(struct change *change, struct admin *admin)
{
	return admin_member_add(admin, change->data, NULL, &change->app->err);
}

int
cmd_member_add(struct app *app)
{
	struct member member = { .username = app->args.words[0],
		.status = MEMBER_ACTIVE };
	struct change change = {
		.app = app, .make = add_make, .data = &member
	};

	if (!member_from_args(app, &member))
		return APP_FAILED;
	return change_run(&change);
}

static bool
edit_make(struct change *change, struct admin *admin)
{
	struct app *app = change->app;
	struct member member = { 0 };

	return member_find(app, &member) && member_from_args(app, &member) &&
	       admin_member_edit(admin, app->args.words[0], &member, &app->err);
}

int
cmd_member_edit(struct app *app)
{
	struct change change = { .app = app, .make = edit_make };

	return change_run(&change);
}

static bool
remove_make(struct change *change, struct admin *admin)
{
	return admin_member_remove(
	    admin, change->app->args.words[0], &change->app->err);
}

int
cmd_member_remove(struct app *app)
{
	struct change change = { .app = app, .make = remove_make };

	return change_run(&change);
}

/* --- reinstate ------------------------------------------------------------ */

static bool
reinstate_make(struct change *change, struct admin *admin)
{
	struct app *app = change->app;
	struct str account = args_text(&app->args, "account");
	int64_t *skipped = change->data;

	if (account.ptr != NULL)
		return admin_grant_reinstate(
		    admin, app->args.words[0], account, &app->err);
	return admin_member_reinstate(
	    admin, app->args.words[0], skipped, &app->err);
}

int
cmd_member_reinstate(struct app *app)
{
	int64_t skipped = 0;
	struct change change = {
		.app = app,
		.make = reinstate_make,
		.data = &skipped,
	};
	int status = change_run(&change);

	if (change.done && skipped > 0)
		out_note(app,
		    "%lld grants could not be given back; see rolegate log "
		    "--subject %.*s",
		    (long long)skipped, STR_ARGS(app->args.words[0]));
	return status;
}

/* --- password ------------------------------------------------------------- */

static bool
password_read(struct app *app, const char *path, char *hash)
{
	char text[PASSWORD_LEN_MAX + 1];
	size_t len = 0;
	bool ok = secret_read(text, sizeof(text), &len, path, "password_file",
		      &app->err) &&
		  password_hash((struct str){ text, len }, hash, &app->err);

	sodium_memzero(text, sizeof(text));
	return ok;
}

static bool
password_make(struct change *change, struct admin *admin)
{
	return admin_password_set(admin, change->app->args.words[0],
	    str_from(change->data), &change->app->err);
}

int
cmd_member_password(struct app *app)
{
	struct str file = args_text(&app->args, "password-file");
	char hash[PASSWORD_TEXT_MAX] = "";
	struct change change = {
		.app = app, .make = password_make, .data = hash
	};
	bool none = args_have(&app->args, "no-password");
	const char *path;

	if (none == (file.ptr != NULL))
		return app_fail(app, ERR_USAGE, "usage",
		    "member password: wants --password-file FILE or "
		    "--no-password");
	path = none ? "" : app_cstr(app, file);
	if (path == NULL || (!none && !password_read(app, path, hash)))
		return APP_FAILED;
	return change_run(&change);
}
