#include "fcgi/gate/request.h"

#include <sodium.h>

#include "fcgi/process/times.h"
#include "fcgi/process/say.h"
#include "model/address.h"
#include "model/path.h"

#define ID_COUNT_BITS 40

/* --- What is asked, and what is answered ---------------------------------- */

static bool
deny(struct answer *answer, enum reason reason)
{
	answer->verdict = VERDICT_DENY;
	answer->reason = reason;
	return false;
}

/* A location that names the permission asks no route, for the account neither:
 * a path that no route covers would be judged on some other account. */
static bool
place_find(struct inquiry *q, const struct inquiry_rules *rules)
{
	const struct params *p = &q->params;
	const struct route *route = NULL;
	struct str account = { NULL, 0 };

	q->permission = p->permission;
	q->account = p->account;
	if (p->permission.len > 0)
		return true;
	route = route_find(&rules->routes, p->method, p->path, &account);
	if (route == NULL)
		return false;
	q->permission = route->permission;
	if (p->account.len == 0)
		q->account = account;
	return q->permission.len > 0;
}

bool
inquiry_read(struct inquiry *out, const struct inquiry_rules *rules,
    char *const *envp, struct answer *answer)
{
	enum reason wrong = REASON_NOT_KNOWN;

	*out = (struct inquiry){ 0 };
	*answer = (struct answer){ 0 };
	if (!params_read(&out->params, envp, &wrong))
		return deny(answer, wrong);
	if (!identity_find(&rules->identity, &out->params, &out->asker))
		return deny(answer, REASON_NO_IDENTITY);
	answer->member = out->asker.username;
	if (!path_is_plain(out->params.path, out->params.target))
		return deny(answer, REASON_AMBIGUOUS_PATH);
	if (!place_find(out, rules))
		return deny(answer, REASON_NO_ROUTE);
	answer->account = out->account;
	return true;
}

static struct str
role_of(const struct holding *by, const struct catalogue *catalogue)
{
	if (by->grant != NULL)
		return by->grant->role;
	if (by->where == NULL || by->role < 0 || catalogue == NULL)
		return STR("");
	return catalogue->roles[by->role].name;
}

/* S12: a role that is used on an account of another level than its own. */
static struct str
acting_from(const struct decision *decision, const struct account *account)
{
	bool acts = decision->by.where != NULL && account != NULL &&
		    !str_eq(decision->by.where->level, account->level);

	return acts ? decision->by.where->id : STR("");
}

/* S15: a token is as good as its maker is where tokens are made: whoever may
 * make none there any more has none that counts. */
static bool
maker_may(const struct question *question, struct arena *arena)
{
	const struct operation *make = catalogue_operation(
	    question->catalogue, STR("token.create"), STR(""));

	for (size_t i = 0; make != NULL && i < make->needs.count; i++) {
		struct question need = *question;

		need.permission = make->needs.items[i];
		if (decide(&need, arena).verdict != VERDICT_ALLOW)
			return false;
	}
	return make != NULL;
}

static bool
reaches(struct names accounts, const struct account *account)
{
	for (size_t i = 0; i < accounts.count; i++)
		if (account_is_within(account, accounts.items[i]))
			return true;
	return accounts.count == 0;
}

/* What a token takes away from what its maker may. */
static bool
token_lets(const struct inquiry *q, const struct record_token *token,
    const struct question *question, struct arena *arena, enum reason *why)
{
	if (token->addresses.count > 0 &&
	    !address_in(q->params.address, token->addresses)) {
		*why = REASON_NO_IDENTITY;
		return false;
	}
	*why = REASON_NO_GRANT;
	if (!reaches(token->accounts, question->account))
		return false;
	*why = REASON_NO_PERMISSION;
	return (token->permissions.count == 0 ||
		   names_have(token->permissions, question->permission)) &&
	       maker_may(question, arena);
}

static struct decision
decide_narrowed(const struct inquiry *q, const struct record_token *token,
    const struct question *question, struct arena *arena)
{
	struct decision decision = decide(question, arena);
	enum reason why = REASON_NOT_KNOWN;

	if (token == NULL || decision.verdict == VERDICT_DENY ||
	    decision.verdict == VERDICT_UNKNOWN ||
	    token_lets(q, token, question, arena, &why))
		return decision;
	return (struct decision){ .verdict = VERDICT_DENY, .reason = why };
}

static struct answer
decided(const struct inquiry *q, const struct view_answer *known, int64_t now_s,
    struct arena *arena)
{
	const struct question question = {
		.catalogue = known->catalogue,
		.member = known->member,
		.account = known->account,
		.permission = q->permission,
		.now_s = now_s,
	};
	struct decision decision =
	    decide_narrowed(q, known->token, &question, arena);

	return (struct answer){
		.verdict = decision.verdict,
		.reason = decision.reason,
		.member = known->member != NULL ? known->member->username
						: known->username,
		.account = known->account_id,
		.role = role_of(&decision.by, known->catalogue),
		.filters = decision.filters,
		.acting_from = acting_from(&decision, known->account),
	};
}

struct answer
inquiry_answer(const struct inquiry *q, const struct view_answer *known,
    int64_t now_s, struct arena *arena)
{
	struct answer answer = {
		.member = q->asker.username,
		.account = q->account,
	};

	switch (known->state) {
	case VIEW_UNKNOWN:
		break;
	case VIEW_NO_IDENTITY:
		deny(&answer, REASON_NO_IDENTITY);
		break;
	case VIEW_KNOWN:
		return decided(q, known, now_s, arena);
	}
	return answer;
}

/* --- Ids ----------------------------------------------------------------- */

static void
ids_begin(struct judge *judge)
{
	randombytes_buf(&judge->seed, sizeof(judge->seed));
	judge->count = 0;
}

/* 40 bits by chance and 40 counted, in base 32: one of a kind among all
 * workers and restarts. Nobody gains anything by guessing one. */
static void
id_make(struct request *r)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	struct judge *judge = r->judge;
	uint64_t count;
	uint64_t seed;

	if (++judge->count >> ID_COUNT_BITS != 0)
		ids_begin(judge);
	count = judge->count;
	seed = judge->seed;
	for (size_t i = DECISION_ID_LEN; i > DECISION_ID_LEN / 2; i--) {
		r->id[i - 1] = digits[count & 31];
		r->id[i - 1 - DECISION_ID_LEN / 2] = digits[seed & 31];
		count >>= 5;
		seed >>= 5;
	}
	r->id[DECISION_ID_LEN] = '\0';
}

/* --- The end ------------------------------------------------------------- */

static void
too_large_say(struct judge *judge, const struct answer *answer)
{
	if (say_now(&judge->too_large))
		say("answer_too_large",
		    "%.*s on %.*s: the answer with its filters is longer than "
		    "%zu bytes, or the one filter is 'all', so nothing is said; "
		    "take filters away",
		    STR_ARGS(answer->member), STR_ARGS(answer->account),
		    ANSWER_MAX);
}

static void
finish(
    struct request *r, struct answer *answer, const struct view_answer *known)
{
	struct judge *judge = r->judge;
	bool was_known = answer->verdict != VERDICT_UNKNOWN;
	int64_t us;
	char text[ANSWER_MAX];
	size_t len;
	struct decision_line line = {
		.answer = answer,
		.params = &r->inquiry.params,
		.permission = r->inquiry.permission,
		.generation = known != NULL ? known->generation : 0,
		.token = r->inquiry.asker.is_token,
		.stale = known != NULL && known->stale,
	};

	answer->id = str_from(r->id);
	answer->filter_key = judge->setup->filter_key;
	if (answer->filter_key != NULL)
		answer->filter_expires_s = wall_ms() / 1000 + FILTER_LIFE_S;
	len = answer_make(answer, text);
	if (was_known && answer->verdict == VERDICT_UNKNOWN)
		too_large_say(judge, answer);
	us = monotonic_us() - r->started_us;
	counts_decision(judge->counts,
	    answer->verdict == VERDICT_UNKNOWN ? REASON_NOT_KNOWN
					       : answer->reason,
	    us);
	if (decision_log_wants(&judge->setup->log, answer->verdict)) {
		line.us = us;
		line.at_s = wall_ms() / 1000;
		decision_log_write(&judge->setup->log, &line);
	}
	arena_reset(&judge->arena);
	r->done(r, text, len);
}

/* Only what was let through by a session keeps it alive. */
static void
activity_note(struct request *r, const struct answer *answer, int64_t now_s)
{
	const struct asker *asker = &r->inquiry.asker;

	if (!asker->is_token && (answer->verdict == VERDICT_ALLOW ||
				    answer->verdict == VERDICT_ALLOW_FILTER))
		activity_tell(
		    &r->judge->activity, str_from(asker->digest), now_s);
}

static void
view_said(void *context, const struct view_answer *known)
{
	struct request *r = context;
	int64_t now_s = wall_ms() / 1000;
	struct answer answer =
	    inquiry_answer(&r->inquiry, known, now_s, &r->judge->arena);

	activity_note(r, &answer, now_s);
	finish(r, &answer, known);
}

/* --- The beginning ------------------------------------------------------- */

void
judge_init(struct judge *judge, const struct setup *setup, struct view *view,
    struct counts *counts)
{
	const struct config_web *web = &setup->config.web;

	*judge =
	    (struct judge){ .setup = setup, .view = view, .counts = counts };
	ids_begin(judge);
	activity_open(
	    &judge->activity, web->origin.len > 0 ? web->activity : STR(""));
}

void
judge_free(struct judge *judge)
{
	activity_close(&judge->activity);
	arena_free(&judge->arena);
}

static bool
request_read(struct request *r, char *const *envp, struct answer *answer)
{
	if (!r->too_long)
		return inquiry_read(
		    &r->inquiry, &r->judge->setup->rules, envp, answer);
	r->inquiry = (struct inquiry){ 0 };
	*answer = (struct answer){ 0 };
	return deny(answer, REASON_AMBIGUOUS_PATH);
}

void
request_judge(struct request *r, char *const *envp)
{
	const struct inquiry *q = &r->inquiry;
	struct answer answer;

	id_make(r);
	r->started_us = monotonic_us();
	if (!request_read(r, envp, &answer)) {
		finish(r, &answer, NULL);
		return;
	}
	view_ask(r->judge->view, &(struct view_ask){
				     .session = str_from(q->asker.digest),
				     .is_token = q->asker.is_token,
				     .username = q->asker.username,
				     .account = q->account,
				     .done = view_said,
				     .context = r,
				 });
}
