#include "cli/change.h"
#include "cli/commands.h"
#include "cli/out.h"
#include "cli/secret.h"
#include "model/token.h"

#define LIFETIME_S	  ((int64_t)12 * 3600) /* when --lifetime is not given */
#define DIGEST_PREFIX_MIN 8

static const char *const columns[] = { "digest", "member", "account", "created",
	"expires", "expired" };
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static void
session_add(struct app *app, struct table *table, const struct session *session)
{
	table_add(table, (const struct cell[COLUMNS]){
			     cell_text(session->digest),
			     cell_text(session->username),
			     cell_text(session->account),
			     cell_time(session->created_s),
			     cell_time(session->expires_s),
			     cell_bool(session->expires_s <= app->now_s),
			 });
}

/* The id of the member named, for the store; empty: all. */
static bool
member_id(struct app *app, struct str username, struct str *out)
{
	struct member member = { 0 };

	*out = STR("");
	if (username.ptr == NULL)
		return true;
	switch (store_member(
	    app->store, &app->arena, username, &member, &app->err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return err_set(&app->err, ERR_NOT_FOUND, "member_unknown",
		    "member %.*s: does not exist; see rolegate member list",
		    STR_ARGS(username));
	case FOUND_YES:
		*out = member.id;
		return true;
	}
	return false;
}

static struct str
member_word(const struct app *app)
{
	return app->args.word_count > 0 ? app->args.words[0]
					: (struct str){ NULL, 0 };
}

int
cmd_session_list(struct app *app)
{
	struct session *sessions = NULL;
	struct str id;
	struct table table;
	size_t count;

	if (!app_open(app, STORE_READ) ||
	    !member_id(app, member_word(app), &id) ||
	    !store_sessions(
		app->store, &app->arena, id, &sessions, &count, &app->err))
		return APP_FAILED;
	table_start(&table, &app->arena, "sessions", columns, COLUMNS);
	for (size_t i = 0; i < count; i++)
		session_add(app, &table, &sessions[i]);
	return table_print(app, &table) ? 0 : APP_FAILED;
}

/* --- add ----------------------------------------------------------------- */

struct new_session {
	struct str account;
	int64_t lifetime_s;
	struct secret_text secret;
};

static bool
add_make(struct change *change, struct admin *admin)
{
	struct app *app = change->app;
	struct new_session *new = change->data;
	struct str token = { NULL, 0 };

	if (!admin_session_add(admin, app->args.words[0], new->account,
		&(struct session_limits){ .lifetime_s = new->lifetime_s },
		&token, &app->err))
		return false;
	return secret_keep(app, &new->secret, token);
}

int
cmd_session_add(struct app *app)
{
	struct str lifetime = args_text(&app->args, "lifetime");
	struct new_session new = {
		.account = args_text(&app->args, "account"),
		.lifetime_s = LIFETIME_S,
	};
	struct change change = {
		.app = app,
		.make = add_make,
		.data = &new,
		.unlike = true,
		.on_stderr = true,
	};
	int status;

	if (lifetime.ptr != NULL && !duration_read(lifetime, &new.lifetime_s))
		return app_fail(app, ERR_USAGE, "usage",
		    "--lifetime: '%.*s' is not a duration; write 90s, 30m, "
		    "12h or 7d",
		    STR_ARGS(lifetime));
	status = change_run(&change);
	return secret_print(app, &new.secret, change.done, status);
}

/* --- remove -------------------------------------------------------------- */

/* A digest may be shortened as long as it is of one session. */
static bool
digest_matches(struct app *app, const struct session *session)
{
	if (args_have(&app->args, "member"))
		return true;
	return str_starts(session->digest, app->args.words[0]);
}

static bool
remove_make(struct change *change, struct admin *admin)
{
	struct app *app = change->app;
	struct session *sessions = NULL;
	struct str member = args_text(&app->args, "member");
	struct str id;
	size_t count = 0;
	size_t matches = 0;

	if (!member_id(app, member, &id) ||
	    !store_sessions(
		app->store, &app->arena, id, &sessions, &count, &app->err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (digest_matches(app, &sessions[i]))
			matches++;
	if (matches == 0 && member.ptr == NULL)
		return err_set(&app->err, ERR_NOT_FOUND, "session_unknown",
		    "session %.*s: does not exist; see rolegate session list",
		    STR_ARGS(app->args.words[0]));
	if (matches > 1 && member.ptr == NULL)
		return err_set(&app->err, ERR_USAGE, "session_ambiguous",
		    "session %.*s: %zu digests begin like this; write more of "
		    "it",
		    STR_ARGS(app->args.words[0]), matches);
	for (size_t i = 0; i < count; i++)
		if (digest_matches(app, &sessions[i]) &&
		    !admin_session_remove(admin, sessions[i].digest, &app->err))
			return false;
	return true;
}

int
cmd_session_remove(struct app *app)
{
	struct change change = { .app = app, .make = remove_make };
	bool by_member = args_have(&app->args, "member");

	if (by_member == (app->args.word_count == 1))
		return app_fail(app, ERR_USAGE, "usage",
		    "session remove: wants DIGEST or --member MEMBER; see "
		    "rolegate session list");
	if (!by_member && (app->args.words[0].len < DIGEST_PREFIX_MIN ||
			      app->args.words[0].len > TOKEN_DIGEST_LEN))
		return app_fail(app, ERR_USAGE, "usage",
		    "session remove: a digest has %d to %d hex digits here; "
		    "see rolegate session list",
		    DIGEST_PREFIX_MIN, (int)TOKEN_DIGEST_LEN);
	return change_run(&change);
}
