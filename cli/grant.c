#include "cli/change.h"
#include "cli/commands.h"
#include "cli/grant.h"
#include "cli/out.h"

static const char *const columns[] = { "member", "role", "account", "source",
	"licences", "filters", "expires", "expired" };
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* Empty texts let everything through. */
struct grant_filter {
	struct str member;
	struct str account;
	struct str role;
	struct str source;
};

static bool
passes(const struct grant_filter *filter, const struct member *member,
    const struct grant *grant)
{
	return (filter->member.len == 0 ||
		   str_eq_fold(filter->member, member->username)) &&
	       (filter->account.len == 0 ||
		   str_eq(filter->account, grant->account)) &&
	       (filter->role.len == 0 || str_eq(filter->role, grant->role)) &&
	       (filter->source.len == 0 ||
		   str_eq(filter->source, grant->source));
}

static void
grant_add(struct app *app, struct table *table, const struct member *member,
    const struct grant *grant)
{
	table_add(table, (const struct cell[COLUMNS]){
			     cell_text(member->username),
			     cell_text(grant->role),
			     cell_text(grant->account),
			     cell_text(grant->source),
			     cell_list(grant->licences),
			     cell_list(grant->filters),
			     cell_time(grant->expires_s),
			     cell_bool(grant_expired(grant, app->now_s)),
			 });
}

static bool
grants_collect(
    struct app *app, const struct grant_filter *filter, struct table *table)
{
	struct state state = { 0 };

	if (!app_state(app, &state))
		return false;
	table_start(table, &app->arena, "grants", columns, COLUMNS);
	for (size_t i = 0; i < state.member_count; i++) {
		const struct member *member = &state.members[i];

		for (size_t g = 0; g < member->grant_count; g++)
			if (passes(filter, member, &member->grants[g]))
				grant_add(
				    app, table, member, &member->grants[g]);
	}
	return true;
}

int
cmd_grant_list(struct app *app)
{
	struct grant_filter filter = {
		.member = args_text(&app->args, "member"),
		.account = args_text(&app->args, "account"),
		.role = args_text(&app->args, "role"),
		.source = args_text(&app->args, "source"),
	};
	struct table table;

	if (!grants_collect(app, &filter, &table))
		return APP_FAILED;
	return table_print(app, &table) ? 0 : APP_FAILED;
}

int
cmd_grant_show(struct app *app)
{
	struct grant_filter filter = {
		.member = app->args.words[0],
		.account = app->args.words[1],
	};
	struct table table;

	if (!grants_collect(app, &filter, &table))
		return APP_FAILED;
	if (table.rows == 0 && !table.failed)
		return app_fail(app, ERR_NOT_FOUND, "grant_unknown",
		    "member %.*s: has no grant on account %.*s; see rolegate "
		    "grant list --member %.*s",
		    STR_ARGS(filter.member), STR_ARGS(filter.account),
		    STR_ARGS(filter.member));
	return table_print(app, &table) ? 0 : APP_FAILED;
}

/* --- add, set, remove ---------------------------------------------------- */

bool
grant_from_args(struct app *app, struct grant *grant)
{
	const struct args *args = &app->args;

	if (args_have(args, "licence") || args_have(args, "no-licence"))
		grant->licences = args_list(args, &app->arena, "licence");
	if (args_have(args, "filter") || args_have(args, "no-filter"))
		grant->filters = args_list(args, &app->arena, "filter");
	if (args_have(args, "no-expires"))
		grant->expires_s = 0;
	return app_time(app, "expires", grant->expires_s, &grant->expires_s);
}

static struct grant
grant_named(struct app *app)
{
	return (struct grant){
		.role = app->args.words[1],
		.account = app->args.words[2],
		.source = SOURCE_LOCAL,
	};
}

static bool
add_make(struct change *change, struct admin *admin)
{
	return admin_grant_add(
	    admin, change->app->args.words[0], change->data, &change->app->err);
}

int
cmd_grant_add(struct app *app)
{
	struct grant grant = grant_named(app);
	struct change change = { .app = app, .make = add_make, .data = &grant };

	if (!grant_from_args(app, &grant))
		return APP_FAILED;
	return change_run(&change);
}

static bool
set_make(struct change *change, struct admin *admin)
{
	struct app *app = change->app;
	struct str username = app->args.words[0];
	struct grant wanted = grant_named(app);
	struct member member = { 0 };

	if (store_member(app->store, &app->arena, username, &member,
		&app->err) == FOUND_ERROR)
		return false;
	for (size_t i = 0; i < member.grant_count; i++) {
		const struct grant *now = &member.grants[i];

		if (!str_eq(now->account, wanted.account) ||
		    !str_eq(now->source, wanted.source))
			continue;
		wanted.licences = now->licences;
		wanted.filters = now->filters;
		wanted.expires_s = now->expires_s;
	}
	return grant_from_args(app, &wanted) &&
	       admin_grant_set(admin, username, &wanted, &app->err);
}

int
cmd_grant_set(struct app *app)
{
	struct change change = { .app = app, .make = set_make };

	return change_run(&change);
}

static bool
remove_make(struct change *change, struct admin *admin)
{
	struct app *app = change->app;
	struct str source = args_text(&app->args, "source");

	return admin_grant_remove(admin, app->args.words[0], app->args.words[2],
	    app->args.words[1], source.ptr != NULL ? source : SOURCE_LOCAL,
	    &app->err);
}

int
cmd_grant_remove(struct app *app)
{
	struct change change = { .app = app, .make = remove_make };

	return change_run(&change);
}
