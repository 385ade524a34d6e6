#include "fcgi/gate/request.h"

#include <sodium.h>
#include <stdio.h>
#include <time.h>

#include "base/bounds.h"
#include "base/text.h"
#include "fcgi/gate/identity.h"
#include "fcgi/gate/params.h"
#include "model/path.h"

static int64_t
clock_us(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
monotonic_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

void
judge_init(struct judge *judge, const struct setup *setup, struct view *view)
{
	*judge = (struct judge){
		.setup = setup,
		.view = view,
		.seed = randombytes_random(),
	};
}

/* Unique among the workers and over restarts, as far as a name in a log has
 * to be: nobody gains anything by guessing one. */
static void
id_make(struct request *r)
{
	if (r->judge->count == UINT32_MAX)
		judge_init(r->judge, r->judge->setup, r->judge->view);
	snprintf(r->id, sizeof(r->id), "%08x%08x", r->judge->seed,
	    ++r->judge->count);
}

/* --- The end -------------------------------------------------------------- */

static struct str
role_of(const struct question *q, const struct decision *d)
{
	if (d->by.grant != NULL)
		return d->by.grant->role;
	if (d->by.where == NULL || d->by.role < 0 || q->catalogue == NULL)
		return STR("");
	return q->catalogue->roles[d->by.role].name;
}

static void
finish(struct request *r, struct verdict_said *said,
    const struct view_answer *known)
{
	const struct decision_line line = {
		.said = said,
		.permission = r->permission,
		.generation = known != NULL ? known->generation : 0,
		.wall_ms = clock_us(CLOCK_REALTIME) / 1000,
		.us = monotonic_us() - r->started_us,
		.stale = known != NULL && known->stale,
	};

	said->id = str_from(r->id);
	r->done(r, said);
	decision_log_write(&r->judge->setup->log, &line);
}

static void
refuse(struct request *r, enum reason reason, struct str member)
{
	struct verdict_said said = {
		.decision = { .verdict = VERDICT_DENY, .reason = reason },
		.member = member,
		.account = r->account,
	};

	finish(r, &said, NULL);
}

/* --- What the view says --------------------------------------------------- */

static struct decision
decision_from(struct request *r, const struct view_answer *known,
    const struct question *q)
{
	switch (known->state) {
	case VIEW_UNKNOWN:
		break;
	case VIEW_NO_IDENTITY:
		return (struct decision){ .verdict = VERDICT_DENY,
			.reason = REASON_NO_IDENTITY };
	case VIEW_KNOWN:
		return decide(q, &r->arena);
	}
	return (struct decision){ .verdict = VERDICT_UNKNOWN,
		.reason = REASON_NOT_KNOWN };
}

static void
view_said(void *context, const struct view_answer *known)
{
	struct request *r = context;
	const struct question q = {
		.catalogue = known->catalogue,
		.member = known->member,
		.account = known->account,
		.permission = r->permission,
		.now_s = clock_us(CLOCK_REALTIME) / 1000000,
	};
	struct verdict_said said = {
		.decision = decision_from(r, known, &q),
		.member = known->member != NULL ? known->member->username
						: known->username,
		.account = known->account_id,
	};

	if (said.decision.verdict == VERDICT_UNKNOWN)
		said.decision = (struct decision){ 0 };
	said.role = role_of(&q, &said.decision);
	finish(r, &said, known);
}

/* --- Step 0 --------------------------------------------------------------- */

/* The location's permission, else the route's; the route's account only with
 * the route's permission. */
static bool
permission_find(struct request *r, const struct params *p)
{
	struct str of_route = STR("");
	const struct route *route;

	r->permission = p->permission;
	r->account = p->account;
	if (p->permission.len > 0)
		return true;
	route = route_find(
	    &r->judge->setup->routes, p->method, p->path, &of_route);
	if (route == NULL)
		return false;
	r->permission = route->permission;
	if (p->account.len == 0)
		r->account = of_route;
	return true;
}

/* What no account, permission or member can be called is asked of nobody. */
static enum reason
names_check(const struct request *r, const struct asker *asker)
{
	struct err ignored = { 0 };

	if (asker->username.len > 0 &&
	    !text_check_id(
		asker->username, USERNAME_MAX, "member", &ignored))
		return REASON_NO_MEMBER;
	if (r->account.len > 0 &&
	    !text_check_id(r->account, ACCOUNT_ID_MAX, "account", &ignored))
		return REASON_NO_ACCOUNT;
	if (!text_check_id(r->permission, PERMISSION_NAME_MAX, "permission",
		&ignored))
		return REASON_NO_PERMISSION;
	return REASON_GRANTED;
}

static void
ask(struct request *r, const struct asker *asker)
{
	const struct view_ask question = {
		.session = str_from(asker->digest),
		.username = asker->username,
		.account = r->account,
		.done = view_said,
		.context = r,
	};

	view_ask(r->judge->view, &question);
}

void
request_judge(struct request *r, struct str block)
{
	const struct config_gate *gate = &r->judge->setup->config.gate;
	const struct identity_rules rules = { gate->cookie,
		gate->trusted_user };
	struct params params = { 0 };
	struct asker asker;
	enum reason names;

	id_make(r);
	r->permission = r->account = STR("");
	block = str_copy(&r->arena, block);
	/* Missing or doubled is a request that can be read in two ways. */
	if (block.ptr == NULL || !params_read(block, &params)) {
		refuse(r, REASON_AMBIGUOUS_PATH, STR(""));
		return;
	}
	identity_find(&rules, &params, &asker);
	if (!asker.known) {
		refuse(r, REASON_NO_IDENTITY, STR(""));
		return;
	}
	if (!path_is_plain(params.path, params.target)) {
		refuse(r, REASON_AMBIGUOUS_PATH, asker.username);
		return;
	}
	if (!permission_find(r, &params)) {
		refuse(r, REASON_NO_ROUTE, asker.username);
		return;
	}
	names = names_check(r, &asker);
	if (names != REASON_GRANTED) {
		refuse(r, names, STR(""));
		return;
	}
	ask(r, &asker);
}
