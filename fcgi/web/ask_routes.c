#include "admin/admin.h"
#include "decide/decide.h"
#include "fcgi/web/limits.h"
#include "fcgi/web/routes.h"
#include "model/json.h"

/* --- Asking --------------------------------------------------------------- */

struct asked {
	struct str username;
	struct str account_id;
	struct str permission;
	struct member member;
	const struct account *account;
	const struct catalogue *catalogue;
};

static struct question
question_of(const struct call *call, const struct asked *asked)
{
	return (struct question){
		.catalogue = asked->catalogue,
		.member =
		    asked->member.username.len > 0 ? &asked->member : NULL,
		.account = asked->account,
		.permission = asked->permission,
		.now_s = call->web->now_ms / 1000,
	};
}

static bool
wanted(struct call *call, const char *name, struct str *out)
{
	*out = call_query(call, name);
	return out->len > 0 || err_set(&call->err, ERR_USAGE, "query",
				   "%s: is missing in the query", name);
}

/* About oneself on what one reaches; about others, who may list them there
 * (M11: what one does not reach is not there). */
static bool
may_ask(struct call *call, const struct asked *asked)
{
	bool own = str_eq_fold(asked->username, call->caller.actor.username);

	return admin_right(&call->admin, asked->account_id,
	    own ? "" : "member.list", STR(""), &call->err);
}

static bool
account_take(struct call *call, struct asked *asked)
{
	const struct account *root;

	if (store_account(call->web->store, &call->web->arena,
		asked->account_id, &asked->account, &call->err) != FOUND_YES)
		return false;
	root = account_root(asked->account);
	if (root != NULL)
		asked->catalogue = catalogues_find(
		    &call->web->setup->catalogues, root->catalogue);
	return true;
}

/* Somebody who has nothing there, nor above, is not told apart from nobody:
 * whether there is such a person is not the account's business. */
static bool
member_take(struct call *call, struct asked *asked)
{
	struct holding *holdings = NULL;
	struct question q;

	if (store_member(call->web->store, &call->web->arena, asked->username,
		&asked->member, &call->err) == FOUND_ERROR)
		return false;
	q = question_of(call, asked);
	switch (holdings_find(&q, &call->web->arena, &holdings)) {
	case SIZE_MAX:
		return call_no_memory(call);
	case 0:
		if (!str_eq_fold(asked->username, call->caller.actor.username))
			asked->member = (struct member){ 0 };
		break;
	default:
		break;
	}
	return true;
}

static bool
asked_read(struct call *call, struct asked *out, bool with_permission)
{
	*out = (struct asked){ .username = call_query(call, "member") };
	if (out->username.len == 0)
		out->username = call->caller.actor.username;
	return wanted(call, "account", &out->account_id) &&
	       (!with_permission ||
		   wanted(call, "permission", &out->permission)) &&
	       may_ask(call, out) && account_take(call, out) &&
	       member_take(call, out);
}

/* --- Answers -------------------------------------------------------------- */

static struct str
role_of(const struct asked *asked, const struct holding *h)
{
	if (h->where == NULL || h->role < 0 || asked->catalogue == NULL)
		return h->grant != NULL ? h->grant->role : STR("");
	return asked->catalogue->roles[h->role].name;
}

static struct str
source_of(const struct holding *h)
{
	if (h->where == NULL)
		return STR("");
	return h->grant != NULL ? h->grant->source : STR("owner");
}

/* From an account that the asker does not see: only that it is above. */
static json_t *
where_json(struct call *call, const struct holding *h)
{
	struct err ignored = { 0 };

	if (h->where == NULL ||
	    !admin_right(&call->admin, h->where->id, "", STR(""), &ignored))
		return json_null();
	return json_str(h->where->id);
}

/* The sentence names the account of the grant where the answer does. */
static struct str
says_of(struct call *call, const struct question *q, const struct decision *d,
    bool named)
{
	const struct account above = { .id = STR("an account above") };
	struct decision told = *d;

	if (told.by.where != NULL && !named)
		told.by.where = &above;
	return reason_says(&call->web->arena, q, &told);
}

static json_t *
decision_json(
    struct call *call, const struct asked *asked, const struct decision *d)
{
	return json_pack("{s:s,s:s,s:o,s:o,s:o,s:o}", "verdict",
	    verdict_word(d->verdict), "reason", reason_word(d->reason),
	    "filters", json_names(d->filters), "role",
	    json_str(role_of(asked, &d->by)), "granted_on",
	    where_json(call, &d->by), "source", json_str(source_of(&d->by)));
}

static bool
is_yes(const struct decision *d)
{
	switch (d->verdict) {
	case VERDICT_ALLOW:
	case VERDICT_ALLOW_FILTER:
		return true;
	case VERDICT_DENY:
	case VERDICT_UNKNOWN:
		break;
	}
	return false;
}

static json_t *
answer_json(struct call *call, const struct asked *asked)
{
	const struct question q = question_of(call, asked);
	const struct decision d = decide(&q, &call->web->arena);
	json_t *object = decision_json(call, asked, &d);
	bool named = json_is_string(json_object_get(object, "granted_on"));

	json_object_set_new(object, "member", json_str(asked->username));
	json_object_set_new(object, "permission", json_str(asked->permission));
	json_object_set_new(object, "account", json_str(asked->account_id));
	json_object_set_new(
	    object, "says", json_str(says_of(call, &q, &d, named)));
	return object;
}

bool
check_ask(struct call *call)
{
	struct asked asked;

	return asked_read(call, &asked, true) &&
	       call_result(call, answer_json(call, &asked));
}

/* --- Explain -------------------------------------------------------------- */

static json_t *
holding_json(struct call *call, const struct asked *asked,
    const struct question *q, const struct holding *h)
{
	const struct grant *g = h->grant;

	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:s}", "role",
	    json_str(role_of(asked, h)), "granted_on", where_json(call, h),
	    "source", json_str(source_of(h)), "licences",
	    json_names(g != NULL ? g->licences : (struct names){ NULL, 0 }),
	    "filter",
	    json_names(g != NULL ? g->filters : (struct names){ NULL, 0 }),
	    "expires", json_time(g != NULL ? g->expires_s : 0), "step",
	    reason_word(holding_judge(q, h)));
}

bool
explain_ask(struct call *call)
{
	struct holding *holdings = NULL;
	struct question q;
	struct asked asked;
	json_t *list;
	json_t *object;
	size_t count;

	if (!asked_read(call, &asked, true))
		return false;
	q = question_of(call, &asked);
	count = holdings_find(&q, &call->web->arena, &holdings);
	if (count == SIZE_MAX)
		return call_no_memory(call);
	list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(
		    list, holding_json(call, &asked, &q, &holdings[i]));
	object = answer_json(call, &asked);
	json_object_set_new(object, "level", json_str(asked.account->level));
	json_object_set_new(object, "status",
	    json_string(account_status_word(account_strictest(asked.account))));
	json_object_set_new(
	    object, "licences", json_names(account_licences(asked.account)));
	json_object_set_new(object, "holdings", list);
	return call_result(call, object);
}

/* --- What ----------------------------------------------------------------- */

bool
what_ask(struct call *call)
{
	struct asked asked;
	json_t *items;

	if (!asked_read(call, &asked, false))
		return false;
	items = json_array();
	for (size_t i = 0;
	     asked.catalogue != NULL && i < asked.catalogue->permission_count;
	     i++) {
		struct decision d;
		struct question q;
		json_t *item;

		asked.permission = asked.catalogue->permissions[i].name;
		q = question_of(call, &asked);
		d = decide(&q, &call->web->arena);
		if (!is_yes(&d))
			continue;
		item = decision_json(call, &asked, &d);
		json_object_set_new(
		    item, "permission", json_str(asked.permission));
		json_array_append_new(items, item);
	}
	return call_items(call, items, STR(""));
}

/* --- Who ------------------------------------------------------------------ */

struct who {
	struct asked asked;
	json_t *items;
	size_t judged;
	int64_t above; /* from accounts that the asker does not see */
};

static bool
who_add(struct call *call, struct who *who, bool named)
{
	const struct question q = question_of(call, &who->asked);
	const struct decision d = decide(&q, &call->web->arena);
	json_t *item;

	if (!is_yes(&d))
		return true;
	if (!named) {
		who->above++;
		return true;
	}
	item = decision_json(call, &who->asked, &d);
	json_object_set_new(
	    item, "member", json_str(who->asked.member.username));
	return json_array_append_new(who->items, item) == 0 ||
	       call_no_memory(call);
}

static bool
was_seen(const struct member *member, const struct account *from,
    const struct account *until)
{
	for (; from != until; from = from->parent)
		if (has_row_on(member, from))
			return true;
	return false;
}

/* Those with a row on this account of the chain who were not seen below it:
 * a member is read with all their grants. */
static bool
holders_add(struct call *call, struct who *who, const struct account *on)
{
	struct err ignored = { 0 };
	bool named = admin_right(&call->admin, on->id, "", STR(""), &ignored);
	struct web *web = call->web;
	struct page page = { .max = PAGE_MAX, .after = STR("") };
	struct member *list = NULL;
	size_t count = 0;

	do {
		if (!store_list_members(web->store, &web->arena, on->id, &page,
			&list, &count, &call->err))
			return false;
		who->judged += count;
		if (who->judged > WHO_MAX)
			return err_set(&call->err, ERR_LIMIT, "who_too_many",
			    "who: more than %d members would have to be "
			    "judged; ask the command",
			    WHO_MAX);
		for (size_t i = 0; i < count; i++) {
			who->asked.member = list[i];
			if (!was_seen(&list[i], who->asked.account, on) &&
			    !who_add(call, who, named))
				return false;
			page.after = str_fold(&web->arena, list[i].username);
		}
	} while (count == page.max);
	return true;
}

/* Who is there by an account above that the asker does not see is counted, not
 * named (CASES P4). */
bool
who_ask(struct call *call)
{
	struct who who = { .items = json_array() };
	struct asked *asked = &who.asked;
	bool ok = wanted(call, "account", &asked->account_id) &&
		  wanted(call, "permission", &asked->permission) &&
		  admin_right(&call->admin, asked->account_id, "member.list",
		      STR(""), &call->err) &&
		  account_take(call, asked);
	const struct account *on = asked->account;

	for (; ok && on != NULL; on = on->parent)
		ok = holders_add(call, &who, on);
	if (ok)
		return call_result(
		    call, json_pack("{s:o,s:I,s:n}", "items", who.items,
			      "above", (json_int_t)who.above, "next"));
	json_decref(who.items);
	return false;
}
