#include <string.h>

#include "base/bounds.h"
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/logfmt.h"
#include "cli/out.h"
#include "model/path.h"
#include "model/route.h"

#define LINES_MAX 32

/* What is explained, line by line, and the holdings below. */
struct explanation {
	struct app *app;
	struct asked asked;
	bool narrowed; /* the member may, but not by the token they asked by */
	const char *names[LINES_MAX];
	struct cell cells[LINES_MAX];
	size_t count;
};

static void
line_add(struct explanation *e, const char *name, struct cell cell)
{
	if (e->count == LINES_MAX)
		return;
	e->names[e->count] = name;
	e->cells[e->count++] = cell;
}

/* --- The holdings -------------------------------------------------------- */

static const char *const holding_columns[] = { "role", "account", "source",
	"licences", "filters", "expires", "step", "decides" };
#define HOLDING_COLUMNS (sizeof(holding_columns) / sizeof(holding_columns[0]))

static void
holding_add(struct explanation *e, struct table *table,
    const struct holding *holding, enum reason step)
{
	const struct holding *by = &e->asked.decision.by;
	const struct grant *grant = holding->grant;
	const struct names none = { NULL, 0 };
	bool decides = by->where != NULL && by->grant == grant &&
		       by->where == holding->where;

	table_add(table,
	    (const struct cell[HOLDING_COLUMNS]){
		cell_text(holding_role(holding, e->asked.question.catalogue)),
		cell_text(holding->where != NULL ? holding->where->id
			  : grant != NULL	 ? grant->account
						 : STR("")),
		cell_text(
		    grant != NULL ? grant->source : holding_source(holding)),
		cell_list(grant != NULL ? grant->licences : none),
		cell_list(grant != NULL ? grant->filters : none),
		cell_time(grant != NULL ? grant->expires_s : 0),
		cell_word(reason_word(step)),
		cell_bool(decides),
	    });
}

static bool
is_holding(
    const struct holding *holdings, size_t count, const struct grant *grant)
{
	for (size_t i = 0; i < count; i++)
		if (holdings[i].grant == grant)
			return true;
	return false;
}

/* Grants that count for nothing here: expired ones are shown, those on other
 * accounts are counted. */
static void
others_add(struct explanation *e, struct table *table,
    const struct holding *holdings, size_t count)
{
	const struct question *q = &e->asked.question;
	int64_t elsewhere = 0;

	for (size_t i = 0; q->member != NULL && i < q->member->grant_count;
	     i++) {
		const struct grant *grant = &q->member->grants[i];

		if (is_holding(holdings, count, grant))
			continue;
		if (account_is_within(q->account, grant->account))
			holding_add(e, table,
			    &(struct holding){ .grant = grant, .role = -1 },
			    REASON_NO_GRANT);
		else
			elsewhere++;
	}
	if (q->member != NULL)
		line_add(e, "elsewhere", cell_number(elsewhere));
}

static bool
holdings_add(struct explanation *e, struct table *table)
{
	struct app *app = e->app;
	struct holding *holdings = NULL;
	size_t count;

	table_start(
	    table, &app->arena, "holdings", holding_columns, HOLDING_COLUMNS);
	count = holdings_find(&e->asked.question, &app->arena, &holdings);
	if (count == SIZE_MAX)
		return app_no_memory(app);
	for (size_t i = 0; i < count; i++)
		holding_add(e, table, &holdings[i],
		    holding_judge(&e->asked.question, &holdings[i]));
	others_add(e, table, holdings, count);
	return true;
}

/* --- The lines ----------------------------------------------------------- */

static void
answer_lines(struct explanation *e)
{
	const struct asked *asked = &e->asked;
	const struct decision *decision = &asked->decision;

	line_add(e, "verdict", cell_word(verdict_word(decision->verdict)));
	line_add(e, "reason", cell_word(reason_word(decision->reason)));
	line_add(e, "says",
	    cell_text(e->narrowed ? STR("the token does not reach that, "
					"whatever its maker may; see rolegate "
					"token list")
				  : reason_says(&e->app->arena,
					&asked->question, decision)));
	line_add(e, "filters", cell_list(decision->filters));
}

static void
subject_lines(struct explanation *e)
{
	const struct question *q = &e->asked.question;

	line_add(e, "member", cell_text(e->asked.username));
	if (q->member != NULL)
		line_add(e, "status",
		    cell_word(member_status_word(q->member->status)));
	line_add(e, "permission", cell_text(e->asked.permission));
	line_add(e, "account", cell_text(e->asked.account_id));
	if (q->account != NULL) {
		line_add(e, "level", cell_text(q->account->level));
		line_add(e, "account_status",
		    cell_word(
			account_status_word(account_strictest(q->account))));
		line_add(
		    e, "licences", cell_list(account_licences(q->account)));
	}
	if (q->catalogue != NULL)
		line_add(e, "catalogue", cell_text(q->catalogue->name));
}

static int
explanation_print(struct explanation *e)
{
	struct app *app = e->app;
	struct table holdings;
	struct table record;

	answer_lines(e);
	subject_lines(e);
	if (!holdings_add(e, &holdings))
		return APP_FAILED;
	table_start(&record, &app->arena, "explanation", e->names, e->count);
	table_add(&record, e->cells);
	if (!record_print(app, &record, &holdings, 1))
		return APP_FAILED;
	return verdict_status(e->asked.decision.verdict);
}

/* --- By method and URL --------------------------------------------------- */

/* The target as nginx gets it: "https://host/a?b" is "/a?b". */
static struct str
target_of(struct str url)
{
	const char *scheme = memmem(url.ptr, url.len, "://", 3);
	const char *slash;
	size_t skip;

	if (url.len > 0 && url.ptr[0] == '/')
		return url;
	if (scheme == NULL)
		return url;
	skip = (size_t)(scheme - url.ptr) + 3;
	slash = memchr(url.ptr + skip, '/', url.len - skip);
	if (slash == NULL)
		return STR("/");
	return (struct str){ slash, url.len - (size_t)(slash - url.ptr) };
}

static void
refuse(struct explanation *e, enum reason reason)
{
	e->asked.decision =
	    (struct decision){ .verdict = VERDICT_DENY, .reason = reason };
}

/* The account in the order of the gate: what the location names, the route's,
 * then the member's own. */
static bool
account_choose(struct explanation *e, struct str of_route)
{
	struct app *app = e->app;
	struct str named = args_text(&app->args, "account");
	struct member member = { 0 };
	enum found found;

	e->asked.account_id = named.len > 0 ? named : of_route;
	if (e->asked.account_id.len > 0)
		return true;
	if (!app_open(app, STORE_READ))
		return false;
	found = store_member(
	    app->store, &app->arena, e->asked.username, &member, &app->err);
	if (found == FOUND_YES)
		e->asked.account_id = member.personal;
	return found != FOUND_ERROR;
}

static bool
route_apply(struct explanation *e, struct str method, struct str target)
{
	struct app *app = e->app;
	struct str path = path_decode(&app->arena, target);
	struct str account = STR("");
	struct route_map map = { 0 };
	const struct route *route;

	if (path.ptr == NULL)
		return app_no_memory(app);
	line_add(e, "method", cell_text(method));
	line_add(e, "path", cell_text(path));
	if (!app_configure(app))
		return false;
	if (app->config.gate.routes.len == 0)
		return err_set(&app->err, ERR_USAGE, "routes_not_configured",
		    "%.*s: has no gate.routes; add it, or name permission and "
		    "account instead of a URL",
		    STR_ARGS(app->config.path));
	if (!route_map_load(
		&app->arena, app->config.gate.routes, &map, &app->faults))
		return false;
	if (!path_is_plain(path, target)) {
		refuse(e, REASON_AMBIGUOUS_PATH);
		return true;
	}
	route = route_find(&map, method, path, &account);
	if (route == NULL) {
		refuse(e, REASON_NO_ROUTE);
		return true;
	}
	line_add(e, "route",
	    cell_text(str_fmt(&app->arena, "%.*s:%d: %.*s %.*s",
		STR_ARGS(app->config.gate.routes), route->line,
		STR_ARGS(route->method), STR_ARGS(route->pattern))));
	e->asked.permission = route->permission;
	return account_choose(e, account) && asked_answer(app, &e->asked);
}

static int
explain_route(struct explanation *e, struct str method)
{
	struct app *app = e->app;
	struct str url = args_text(&app->args, "url");

	if (app->args.word_count != 1 || method.len == 0 || url.len == 0)
		return app_fail(app, ERR_USAGE, "usage",
		    "explain: wants MEMBER --method METHOD --url URL; see "
		    "rolegate explain --help");
	e->asked.username = app->args.words[0];
	if (!route_apply(e, method, target_of(url)))
		return APP_FAILED;
	return explanation_print(e);
}

/* --- By the id of a decision --------------------------------------------- */

/* What the gate's log calls them, and what the explanation calls them. */
static const struct {
	const char *key;
	const char *shown;
} then_lines[] = {
	{ "time", "then_at" },
	{ "verdict", "then_verdict" },
	{ "reason", "then_reason" },
	{ "generation", "then_generation" },
	{ "token", "by_token" },
};

/* What was refused before a member and an account were asked about is not asked
 * anew: the line does not have it. */
static bool
is_before_asking(const struct explanation *e, enum reason then)
{
	return then <= REASON_NO_ROUTE || e->asked.username.len == 0;
}

static bool
then_explain(struct explanation *e, enum reason then, bool by_token)
{
	enum verdict now = VERDICT_UNKNOWN;

	if (!is_before_asking(e, then)) {
		if (!asked_answer(e->app, &e->asked))
			return false;
		now = e->asked.decision.verdict;
	}
	e->narrowed = by_token && e->asked.username.len > 0 &&
		      then < REASON_GRANTED_FILTERED && now != VERDICT_DENY;
	if (is_before_asking(e, then) || e->narrowed)
		refuse(e, then);
	return true;
}

static bool
then_read(struct explanation *e, struct str line)
{
	struct arena *arena = &e->app->arena;

	for (size_t i = 0; i < sizeof(then_lines) / sizeof(then_lines[0]);
	     i++) {
		struct str value =
		    logfmt_value(arena, line, str_from(then_lines[i].key));

		if (value.len > 0)
			line_add(e, then_lines[i].shown, cell_text(value));
	}
	e->asked.username = logfmt_value(arena, line, STR("member"));
	e->asked.permission = logfmt_value(arena, line, STR("permission"));
	e->asked.account_id = logfmt_value(arena, line, STR("account"));
	return then_explain(e,
	    reason_from(logfmt_value(arena, line, STR("reason"))),
	    logfmt_value(arena, line, STR("token")).len > 0);
}

static int
explain_decision(struct explanation *e, struct str id)
{
	struct app *app = e->app;
	struct str log = args_text(&app->args, "log");
	struct str line;
	const char *path;

	if (app->args.word_count != 0 || id.len == 0)
		return app_fail(app, ERR_USAGE, "usage",
		    "explain: --decision ID stands alone; leave the words out");
	if (!app_configure(app))
		return APP_FAILED;
	if (log.len == 0)
		log = app->config.gate.log_file;
	if (log.len == 0)
		return app_fail(app, ERR_USAGE, "log_not_configured",
		    "%.*s: has no gate.log_file; name the log with --log FILE",
		    STR_ARGS(app->config.path));
	path = app_cstr(app, log);
	if (path == NULL ||
	    !logfmt_find(&app->arena, path, STR("id"), id, &line, &app->err))
		return APP_FAILED;
	if (line.ptr == NULL)
		return app_fail(app, ERR_NOT_FOUND, "decision_unknown",
		    "%s: has no decision %.*s; it may stand in an older log, "
		    "see --log",
		    path, STR_ARGS(id));
	line_add(e, "decision", cell_text(id));
	if (!then_read(e, line))
		return APP_FAILED;
	return explanation_print(e);
}

int
cmd_explain(struct app *app)
{
	struct explanation e = { .app = app };
	struct str id = args_text(&app->args, "decision");
	struct str method = args_text(&app->args, "method");

	if (id.ptr != NULL)
		return explain_decision(&e, id);
	if (method.ptr != NULL || args_have(&app->args, "url"))
		return explain_route(&e, method);
	if (app->args.word_count != 3)
		return app_fail(app, ERR_USAGE, "usage",
		    "explain: wants MEMBER PERMISSION ACCOUNT; see rolegate "
		    "explain --help");
	e.asked.username = app->args.words[0];
	e.asked.permission = app->args.words[1];
	e.asked.account_id = app->args.words[2];
	if (!asked_answer(app, &e.asked))
		return APP_FAILED;
	return explanation_print(&e);
}
