#include "base/bounds.h"
#include "cli/ask.h"
#include "cli/batch.h"
#include "cli/commands.h"
#include "cli/out.h"

static int
unknown(struct app *app, const char *code, const char *what, struct str name)
{
	return app_fail(app, ERR_NOT_FOUND, code,
	    "%s %.*s: does not exist; see rolegate %s list", what,
	    STR_ARGS(name), what);
}

static int
permission_unknown(struct app *app, struct str name, struct str catalogue)
{
	return app_fail(app, ERR_NOT_FOUND, "permission_unknown",
	    "permission %.*s: is not in the catalogue %.*s; see rolegate role "
	    "matrix",
	    STR_ARGS(name), STR_ARGS(catalogue));
}

/* --- who PERMISSION ACCOUNT ---------------------------------------------- */

static const char *const who_columns[] = { "member", "verdict", "role",
	"granted_on", "source", "filters" };
#define WHO_COLUMNS (sizeof(who_columns) / sizeof(who_columns[0]))

static void
who_add(struct table *table, const struct member *member,
    const struct question *question, const struct decision *decision)
{
	const struct holding *by = &decision->by;

	table_add(
	    table, (const struct cell[WHO_COLUMNS]){
		       cell_text(member->username),
		       cell_word(verdict_word(decision->verdict)),
		       cell_text(holding_role(by, question->catalogue)),
		       cell_text(by->where != NULL ? by->where->id : STR("")),
		       cell_text(holding_source(by)),
		       cell_list(decision->filters),
		   });
}

int
cmd_who(struct app *app)
{
	struct str permission = app->args.words[0];
	struct str account = app->args.words[1];
	struct state state = { 0 };
	struct question question;
	struct table table;
	int64_t now_s;

	if (!app_time(app, "at", app->now_s, &now_s) || !app_state(app, &state))
		return APP_FAILED;
	question = question_of(&state, STR(""), permission, account, now_s);
	if (question.account == NULL)
		return unknown(app, "account_unknown", "account", account);
	if (question.catalogue != NULL &&
	    catalogue_permission(question.catalogue, permission) == NULL)
		return permission_unknown(
		    app, permission, question.catalogue->name);
	table_start(&table, &app->arena, "members", who_columns, WHO_COLUMNS);
	for (size_t i = 0; i < state.member_count; i++) {
		struct decision decision;

		question.member = &state.members[i];
		decision = decide(&question, &app->arena);
		if (verdict_status(decision.verdict) == 0)
			who_add(&table, question.member, &question, &decision);
	}
	return table_print(app, &table) ? 0 : APP_FAILED;
}

/* --- what MEMBER ACCOUNT ------------------------------------------------- */

static const char *const what_columns[] = { "permission", "verdict", "role",
	"granted_on", "source", "filters" };
#define WHAT_COLUMNS (sizeof(what_columns) / sizeof(what_columns[0]))

static void
what_add(struct table *table, const struct question *question,
    const struct decision *decision)
{
	const struct holding *by = &decision->by;

	table_add(
	    table, (const struct cell[WHAT_COLUMNS]){
		       cell_text(question->permission),
		       cell_word(verdict_word(decision->verdict)),
		       cell_text(holding_role(by, question->catalogue)),
		       cell_text(by->where != NULL ? by->where->id : STR("")),
		       cell_text(holding_source(by)),
		       cell_list(decision->filters),
		   });
}

static int
what_here(struct app *app, struct question *question)
{
	const struct catalogue *catalogue = question->catalogue;
	struct table table;

	table_start(
	    &table, &app->arena, "permissions", what_columns, WHAT_COLUMNS);
	for (size_t i = 0; catalogue != NULL && i < catalogue->permission_count;
	     i++) {
		struct decision decision;

		question->permission = catalogue->permissions[i].name;
		decision = decide(question, &app->arena);
		if (verdict_status(decision.verdict) == 0)
			what_add(&table, question, &decision);
	}
	return table_print(app, &table) ? 0 : APP_FAILED;
}

/* --- what MEMBER --------------------------------------------------------- */

static const char *const where_columns[] = { "account", "name", "level",
	"status", "roles", "permissions", "of", "filtered" };
#define WHERE_COLUMNS (sizeof(where_columns) / sizeof(where_columns[0]))

/* The roles that reach the account, each once, in the order of the grants. */
static struct names
roles_here(struct app *app, const struct question *question,
    const struct holding *holdings, size_t count)
{
	struct str *roles = ARENA_ARRAY(&app->arena, struct str, count + 1);
	struct names names = { roles, 0 };

	for (size_t i = 0; roles != NULL && i < count; i++) {
		struct str role =
		    holding_role(&holdings[i], question->catalogue);

		if (!names_have(names, role))
			roles[names.count++] = role;
	}
	return names;
}

static bool
where_add(struct app *app, struct table *table, struct question *question)
{
	const struct catalogue *catalogue = question->catalogue;
	const struct account *on = question->account;
	struct holding *holdings = NULL;
	size_t count = holdings_find(question, &app->arena, &holdings);
	int64_t allowed = 0;
	int64_t filtered = 0;

	if (count == SIZE_MAX)
		return app_no_memory(app);
	if (count == 0 || catalogue == NULL)
		return true;
	for (size_t i = 0; i < catalogue->permission_count; i++) {
		struct decision decision;

		question->permission = catalogue->permissions[i].name;
		decision = decide(question, &app->arena);
		if (verdict_status(decision.verdict) == 0)
			allowed++;
		if (decision.verdict == VERDICT_ALLOW_FILTER)
			filtered++;
	}
	table_add(
	    table, (const struct cell[WHERE_COLUMNS]){
		       cell_text(on->id),
		       cell_text(on->name),
		       cell_text(on->level),
		       cell_word(account_status_word(account_strictest(on))),
		       cell_list(roles_here(app, question, holdings, count)),
		       cell_number(allowed),
		       cell_number((int64_t)catalogue->permission_count),
		       cell_number(filtered),
		   });
	return true;
}

static int
what_everywhere(
    struct app *app, const struct state *state, struct question *question)
{
	struct table table;

	table_start(
	    &table, &app->arena, "accounts", where_columns, WHERE_COLUMNS);
	for (size_t i = 0; i < state->account_count; i++) {
		question->account = &state->accounts[i];
		question->catalogue = state_catalogue(state, question->account);
		if (!where_add(app, &table, question))
			return APP_FAILED;
	}
	return table_print(app, &table) ? 0 : APP_FAILED;
}

int
cmd_what(struct app *app)
{
	struct str username = app->args.words[0];
	bool here = app->args.word_count == 2;
	struct str account = here ? app->args.words[1] : STR("");
	struct state state = { 0 };
	struct question question;
	int64_t now_s;

	if (!app_time(app, "at", app->now_s, &now_s) || !app_state(app, &state))
		return APP_FAILED;
	question = question_of(&state, username, STR(""), account, now_s);
	if (question.member == NULL)
		return unknown(app, "member_unknown", "member", username);
	if (here && question.account == NULL)
		return unknown(app, "account_unknown", "account", account);
	return here ? what_here(app, &question)
		    : what_everywhere(app, &state, &question);
}
