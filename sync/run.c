#include "sync/run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sync/limits.h"
#include "sync/publish_after.h"
#include "sync/report.h"
#include "sync/transaction.h"

#define REPLANS_MAX 5 /* when the store moves under the plan */

void
err_print(const struct err *err)
{
	fprintf(stderr, "rolegate: %s [%s]\n", err->text,
	    err->code != NULL ? err->code : "failed");
}

/* The worse of two exit statuses: our mistake, then what could not be
 * reached or read, then what was refused, then "different". */
static int
worse(int a, int b)
{
	static const int order[] = { 70, 4, 3, 2, 5, 1 };

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return 0;
}

/* One source of a plan or run, while it is worked on. */
struct turn {
	struct job *job;
	struct arena arena;
	struct prepared prepared;
	enum outcome outcome;
	int64_t started_ms;
	int64_t number; /* of the plan, or 0 */
	bool complete; /* the directory was read whole */
	struct err err;
};

static void
report_turn(struct turn *t)
{
	struct prepared *p = &t->prepared;

	if (t->job->options->json)
		report_plan_json(stdout, &t->arena, &p->plan, t->outcome,
		    t->number, p->held);
	else
		report_plan(stdout, &t->arena, &p->plan, t->outcome, t->number,
		    p->held);
}

/* Why, and how to see it for oneself. */
static void
report_failure(struct turn *t)
{
	struct prepared *p = &t->prepared;
	struct str name = p->source->name;
	struct str command;

	if (t->job->options->json)
		report_failure_json(stdout, name, &t->err);
	if (!p->faulty)
		fprintf(stderr, "rolegate: source %.*s: %s [%s]\n",
		    STR_ARGS(name), t->err.text, t->err.code);
	if (t->err.kind != ERR_SOURCE)
		return;
	command = search_command(&t->arena, &p->source->directory, &p->failed);
	fprintf(stderr,
	    "rolegate: source %.*s: held, nothing was changed; the search "
	    "was:\n"
	    "%.*s\n",
	    STR_ARGS(name), STR_ARGS(command));
}

static bool
turn_prepare(struct turn *t, const struct source *source)
{
	t->started_ms = now_ms();
	t->arena.max_bytes = SYNC_MEMORY_MAX;
	t->outcome = OUTCOME_FAILED;
	if (!prepare_reading(&t->prepared, t->job, &t->arena, source, &t->err))
		return false;
	t->complete = true;
	return prepare_plan(&t->prepared, t->job, &t->arena, &t->err);
}

static int
turn_end(struct turn *t)
{
	int status = err_exit_status(t->err.kind);

	if (t->outcome == OUTCOME_FAILED)
		report_failure(t);
	else
		report_turn(t);
	arena_free(&t->arena);
	return status;
}

/* --- plan ----------------------------------------------------------------- */

/* Saves what can be made. Nothing that can be made is nothing to do. */
static bool
turn_plan(struct turn *t)
{
	struct prepared *p = &t->prepared;

	if (p->plan.count > 0 && !rehearse(t->job, p, &t->arena, &t->err))
		return false;
	t->outcome = OUTCOME_UNCHANGED;
	if (plan_makes(&p->plan) == 0)
		return true;
	t->outcome = p->held.len > 0 ? OUTCOME_HELD : OUTCOME_PLANNED;
	return save_plan(t->job, p, &t->arena, &t->number, &t->err);
}

static int
source_plan(struct job *job, const struct source *source)
{
	struct turn t = { .job = job };
	bool different;
	int status;

	if (turn_prepare(&t, source) && !turn_plan(&t))
		t.outcome = OUTCOME_FAILED;
	different = t.outcome == OUTCOME_PLANNED || t.outcome == OUTCOME_HELD;
	status = turn_end(&t);
	return status == 0 && different && job->options->check ? 1 : status;
}

/* --- run ------------------------------------------------------------------ */

static bool
turn_change(struct turn *t)
{
	struct prepared *p = &t->prepared;

	for (int i = 0; i < REPLANS_MAX; i++) {
		if (p->plan.count == 0 || p->held.len > 0)
			return true;
		switch (
		    change_store(t->job, p, &t->arena, &t->number, &t->err)) {
		case FOUND_ERROR:
			return false;
		case FOUND_YES:
			return true;
		case FOUND_NO:
			break;
		}
		if (!prepare_plan(p, t->job, &t->arena, &t->err))
			return false;
	}
	return err_set(&t->err, ERR_REFUSED, "data_moved",
	    "the store changed again and again while it was planned; the next "
	    "run tries again");
}

static bool
turn_run(struct turn *t)
{
	struct prepared *p = &t->prepared;

	if (!turn_change(t))
		return false;
	if (t->number > 0) {
		t->outcome = OUTCOME_APPLIED;
		return true;
	}
	if (p->held.len > 0) {
		if (!rehearse(t->job, p, &t->arena, &t->err) ||
		    !save_plan(t->job, p, &t->arena, &t->number, &t->err))
			return false;
		t->outcome = OUTCOME_HELD;
		return true;
	}
	t->outcome = OUTCOME_UNCHANGED;
	return note_absences(t->job, p, &t->err);
}

/* A line for `status`. That it cannot be written is a warning: what the run
 * did, or did not do, stays true. */
static void
turn_note(struct turn *t)
{
	const struct prepared *p = &t->prepared;
	struct err e = { 0 };
	struct sync_run run = {
		.source = p->source->name,
		.started_ms = t->started_ms,
		.ended_ms = now_ms(),
		.result = str_from(outcome_word(t->outcome)),
		.members_seen = (int64_t)p->wanted.people.count,
		.groups_seen = (int64_t)p->wanted.memberships.count,
		.complete = t->complete,
	};

	if (t->outcome == OUTCOME_FAILED) {
		run.result = t->complete ? STR("failed") : STR("held");
		run.summary = str_fmt(&t->arena, "%s [%s]", t->err.text,
		    t->err.code != NULL ? t->err.code : "failed");
	} else if (t->outcome == OUTCOME_HELD)
		run.summary = p->held;
	else
		run.summary = report_counts(&t->arena, &p->plan);
	if (!save_run(t->job, &run, &e))
		err_print(&e);
}

static int
source_run(struct job *job, const struct source *source)
{
	struct turn t = { .job = job };
	int status;

	if (turn_prepare(&t, source) && !turn_run(&t))
		t.outcome = OUTCOME_FAILED;
	turn_note(&t);
	status = t.outcome == OUTCOME_HELD ? 5 : 0;
	return worse(status, turn_end(&t));
}

static int
each_source(struct job *job, int (*work)(struct job *, const struct source *))
{
	int status = 0;

	for (size_t i = 0; i < job->mapping.count && !*job->stopping; i++) {
		const struct source *source = &job->mapping.sources[i];

		if (job->options->source.len == 0 ||
		    str_eq(job->options->source, source->name))
			status = worse(status, work(job, source));
	}
	return status;
}

int
command_plan(struct job *job)
{
	return each_source(job, source_plan);
}

int
command_run(struct job *job)
{
	struct err e = { 0 };
	int status;

	if (!job_lock(job, &e)) {
		err_print(&e);
		return err_exit_status(e.kind);
	}
	status = each_source(job, source_run);
	job_unlock(job);
	publish_after(job);
	return status;
}

/* --- apply ---------------------------------------------------------------- */

static const struct source *
source_of(const struct job *job, struct str name)
{
	for (size_t i = 0; i < job->mapping.count; i++)
		if (str_eq(job->mapping.sources[i].name, name))
			return &job->mapping.sources[i];
	return NULL;
}

/* Everything that can be said against a saved plan before it is begun. */
static bool
plan_may(const struct job *job, const struct sync_plan *saved,
    const struct plan *plan, const struct source **source, struct err *err)
{
	long long n = (long long)saved->number;

	*source = source_of(job, saved->source);
	if (saved->status != PLAN_OPEN)
		return err_set(err, ERR_REFUSED, "plan_closed",
		    "plan %lld: was %s already; make a new plan", n,
		    saved->status == PLAN_APPLIED ? "applied" : "dropped");
	if (*source == NULL)
		return err_set(err, ERR_REFUSED, "plan_moved",
		    "plan %lld: its source '%.*s' is not in the mapping any "
		    "more",
		    n, STR_ARGS(saved->source));
	if (!str_eq((*source)->digest, plan->mapping))
		return err_set(err, ERR_REFUSED, "plan_moved",
		    "plan %lld: the mapping of '%.*s' changed since it was "
		    "made; make a new plan",
		    n, STR_ARGS(saved->source));
	if (saved->held.len > 0 && !job->options->override)
		return err_set(err, ERR_REFUSED, "plan_held",
		    "plan %lld: is held: %.*s; to make it all the same: "
		    "rolegate-sync apply %lld --override",
		    n, STR_ARGS(saved->held), n);
	return true;
}

static bool
agreed(const struct job *job, struct turn *t, const struct sync_plan *saved)
{
	char answer[8];

	if (job->options->yes || job->options->json || !isatty(STDIN_FILENO) ||
	    !isatty(STDOUT_FILENO))
		return true;
	report_plan(stdout, &t->arena, &t->prepared.plan, OUTCOME_UNCHANGED, 0,
	    saved->held);
	printf("apply plan %lld? [y/N] ", (long long)saved->number);
	fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) != NULL &&
	       (strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0);
}

static bool
turn_apply(struct turn *t)
{
	struct job *job = t->job;
	struct plan *plan = &t->prepared.plan;
	struct sync_plan saved = { 0 };

	switch (store_plan(
	    job->store, &t->arena, job->options->plan, &saved, &t->err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return err_set(&t->err, ERR_NOT_FOUND, "plan_unknown",
		    "there is no plan %lld; see rolegate-sync status",
		    (long long)job->options->plan);
	case FOUND_YES:
		break;
	}
	if (!plan_from_json(plan, &t->arena, saved.body, &t->err) ||
	    !plan_may(job, &saved, plan, &t->prepared.source, &t->err))
		return false;
	if (!agreed(job, t, &saved))
		return err_set(&t->err, ERR_REFUSED, "not_agreed",
		    "plan %lld: was not applied", (long long)saved.number);
	t->number = saved.number;
	t->complete = true;
	if (!apply_saved(
		job, &saved, t->prepared.source, plan, &t->arena, &t->err))
		return false;
	t->outcome = OUTCOME_APPLIED;
	return true;
}

static void
apply_note(struct turn *t)
{
	const struct plan *plan = &t->prepared.plan;
	struct err e = { 0 };
	const struct sync_run run = {
		.source = plan->source,
		.started_ms = t->started_ms,
		.ended_ms = now_ms(),
		.result = STR("applied"),
		.summary =
		    str_fmt(&t->arena, "plan %lld%s", (long long)t->number,
			t->job->options->override ? ", guard overridden" : ""),
		.members_seen = plan->people_read,
		.groups_seen = plan->groups_read,
		.complete = true,
	};

	if (!save_run(t->job, &run, &e))
		err_print(&e);
}

int
command_apply(struct job *job)
{
	struct turn t = { .job = job,
		.started_ms = now_ms(),
		.arena.max_bytes = SYNC_MEMORY_MAX };

	if (job_lock(job, &t.err) && turn_apply(&t)) {
		apply_note(&t);
		report_turn(&t);
	} else
		err_print(&t.err);
	arena_free(&t.arena);
	job_unlock(job);
	publish_after(job);
	return err_exit_status(t.err.kind);
}
