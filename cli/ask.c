#include "cli/ask.h"

#include "base/bounds.h"
#include "cli/batch.h"
#include "cli/out.h"

/* Of the view, or of the past, which are read whole. */
static bool
question_of_state(struct app *app, struct asked *asked, int64_t now_s)
{
	struct state state = { 0 };

	if (!app_state(app, &state))
		return false;
	asked->question = question_of(&state, asked->username,
	    asked->permission, asked->account_id, now_s);
	return true;
}

/* One member and one chain of accounts are read, not the whole store. */
static bool
question_of_store(struct app *app, struct asked *asked, int64_t now_s)
{
	struct member *member = ARENA_NEW(&app->arena, struct member);
	const struct account *account = NULL;
	const struct account *root;
	enum found has_member;
	enum found has_account;

	if (member == NULL)
		return app_no_memory(app);
	if (app->store == NULL && !app_open(app, STORE_READ))
		return false;
	if (!store_begin_read(app->store, &app->err))
		return false;
	has_member = store_member(
	    app->store, &app->arena, asked->username, member, &app->err);
	has_account = has_member == FOUND_ERROR
			  ? FOUND_ERROR
			  : store_account(app->store, &app->arena,
				asked->account_id, &account, &app->err);
	store_rollback(app->store);
	if (has_account == FOUND_ERROR)
		return false;
	if (has_account == FOUND_NO)
		account = NULL;
	root = account != NULL ? account_root(account) : NULL;
	asked->question = (struct question){
		.catalogue = root != NULL ? catalogues_find(&app->catalogues,
						root->catalogue)
					  : NULL,
		.member = has_member == FOUND_YES ? member : NULL,
		.account = account,
		.permission = asked->permission,
		.now_s = now_s,
	};
	return true;
}

bool
asked_answer(struct app *app, struct asked *asked)
{
	int64_t now_s;
	bool ok;

	if (!app_name_check(app, asked->username, USERNAME_MAX, "member") ||
	    !app_name_check(
		app, asked->permission, PERMISSION_NAME_MAX, "permission") ||
	    !app_name_check(
		app, asked->account_id, ACCOUNT_ID_MAX, "account") ||
	    !app_time(app, "at", app->now_s, &now_s))
		return false;
	ok = args_have(&app->args, "view") || now_s < app->now_s
		 ? question_of_state(app, asked, now_s)
		 : question_of_store(app, asked, now_s);
	if (!ok)
		return false;
	asked->decision = decide(&asked->question, &app->arena);
	if (asked->decision.verdict == VERDICT_UNKNOWN)
		return app_no_memory(app);
	return true;
}

struct str
holding_source(const struct holding *holding)
{
	if (holding->where == NULL)
		return STR("");
	return holding->grant != NULL ? holding->grant->source : STR("owner");
}

struct str
holding_role(const struct holding *holding, const struct catalogue *catalogue)
{
	if (holding->grant != NULL)
		return holding->grant->role;
	if (catalogue == NULL || holding->role < 0)
		return STR("");
	return catalogue->roles[holding->role].name;
}

json_t *
asked_json(struct app *app, const struct asked *asked)
{
	const struct decision *decision = &asked->decision;
	const struct holding *by = &decision->by;
	struct str says = reason_says(&app->arena, &asked->question, decision);

	return json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "verdict",
	    verdict_word(decision->verdict), "reason",
	    reason_word(decision->reason), "says", json_from_str(says),
	    "member", json_from_str(asked->username), "permission",
	    json_from_str(asked->permission), "account",
	    json_from_str(asked->account_id), "filters",
	    json_from_names(decision->filters), "role",
	    json_from_str(by->where != NULL
			      ? holding_role(by, asked->question.catalogue)
			      : STR("")),
	    "granted_on",
	    json_from_str(by->where != NULL ? by->where->id : STR("")),
	    "source", json_from_str(holding_source(by)));
}

int
verdict_status(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_ALLOW:
	case VERDICT_ALLOW_FILTER:
		return 0;
	case VERDICT_UNKNOWN:
	case VERDICT_DENY:
		return 1;
	}
	return 1;
}
