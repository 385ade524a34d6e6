#include "sync/status.h"

#include <jansson.h>
#include <stdio.h>

#include "sync/run.h"

#define RUNS_SHOWN	5
#define RUNS_LOOKED_AT	1000 /* for the last complete one */
#define PLANS_LOOKED_AT 100

struct source_status {
	const struct source *source;
	struct sync_run *runs; /* newest first */
	size_t run_count;
	const struct sync_run *complete;
	struct absence *absences;
	size_t absence_count;
};

struct sync_status {
	struct arena arena;
	int64_t generation;
	struct sync_plan *plans;
	size_t plan_count;
};

static bool
source_status_read(struct job *job, struct sync_status *all,
    const struct source *source, struct source_status *out, struct err *err)
{
	*out = (struct source_status){ .source = source };
	if (!store_runs(job->store, &all->arena, source->name, RUNS_LOOKED_AT,
		&out->runs, &out->run_count, err) ||
	    !store_absences(job->store, &all->arena, source->name,
		&out->absences, &out->absence_count, err))
		return false;
	for (size_t i = 0; i < out->run_count && out->complete == NULL; i++)
		if (out->runs[i].complete)
			out->complete = &out->runs[i];
	return true;
}

/* An open plan that can still be applied, or one that waits in vain. */
static const char *
plan_words(const struct sync_status *all, const struct sync_plan *plan)
{
	if (plan->data_generation != all->generation)
		return "open, but the data moved";
	return plan->held.len > 0 ? "open, held" : "open";
}

static bool
plan_shown(const struct sync_plan *plan, const struct source *source)
{
	return plan->status == PLAN_OPEN && str_eq(plan->source, source->name);
}

static void
run_print(struct arena *arena, const char *label, const struct sync_run *run)
{
	struct str at = str_from_time(arena, run->started_ms / 1000);

	printf("  %-14s %.*s  %.*s, %lld people, %lld groups: %.*s\n", label,
	    STR_ARGS(at), STR_ARGS(run->result), (long long)run->members_seen,
	    (long long)run->groups_seen, STR_ARGS(run->summary));
}

static void
status_print(struct sync_status *all, const struct source_status *s)
{
	struct arena *arena = &all->arena;

	printf("%.*s\n", STR_ARGS(s->source->name));
	for (size_t i = 0; i < s->run_count && i < RUNS_SHOWN; i++)
		run_print(arena, "run", &s->runs[i]);
	if (s->run_count == 0)
		printf("  has not run yet\n");
	if (s->complete != NULL)
		run_print(arena, "last complete", s->complete);
	else if (s->run_count > 0)
		printf("  last complete  none\n");
	for (size_t i = 0; i < all->plan_count; i++) {
		const struct sync_plan *plan = &all->plans[i];

		if (plan_shown(plan, s->source))
			printf("  plan %-9lld %s%s%.*s\n",
			    (long long)plan->number, plan_words(all, plan),
			    plan->held.len > 0 ? ": " : "",
			    STR_ARGS(plan->held));
	}
	for (size_t i = 0; i < s->absence_count; i++) {
		struct str since = str_from_time(arena, s->absences[i].since_s);

		printf("  absent         %.*s since %.*s, missed by %lld "
		       "complete runs\n",
		    STR_ARGS(s->absences[i].external_id), STR_ARGS(since),
		    (long long)s->absences[i].runs);
	}
}

static json_t *
text(struct str s)
{
	return json_stringn(s.ptr != NULL ? s.ptr : "", s.len);
}

static json_t *
run_to_json(const struct sync_run *run)
{
	return json_pack("{s:I, s:I, s:I, s:o, s:o, s:I, s:I, s:b}", "number",
	    (json_int_t)run->number, "started_ms", (json_int_t)run->started_ms,
	    "ended_ms", (json_int_t)run->ended_ms, "result", text(run->result),
	    "summary", text(run->summary), "people",
	    (json_int_t)run->members_seen, "groups",
	    (json_int_t)run->groups_seen, "complete", run->complete ? 1 : 0);
}

static void
status_print_json(const struct sync_status *all, const struct source_status *s)
{
	json_t *runs = json_array();
	json_t *plans = json_array();
	json_t *absent = json_array();
	json_t *line;

	for (size_t i = 0; i < s->run_count && i < RUNS_SHOWN; i++)
		json_array_append_new(runs, run_to_json(&s->runs[i]));
	for (size_t i = 0; i < all->plan_count; i++)
		if (plan_shown(&all->plans[i], s->source))
			json_array_append_new(
			    plans, json_pack("{s:I, s:o, s:b}", "number",
				       (json_int_t)all->plans[i].number, "held",
				       text(all->plans[i].held), "moved",
				       all->plans[i].data_generation !=
					   all->generation));
	for (size_t i = 0; i < s->absence_count; i++)
		json_array_append_new(
		    absent, json_pack("{s:o, s:I, s:I}", "id",
				text(s->absences[i].external_id), "since_s",
				(json_int_t)s->absences[i].since_s, "runs",
				(json_int_t)s->absences[i].runs));
	line = json_pack("{s:i, s:o, s:o, s:o, s:o, s:o}", "schema", 1,
	    "source", text(s->source->name), "runs", runs, "last_complete",
	    s->complete != NULL ? run_to_json(s->complete) : json_null(),
	    "plans", plans, "absent", absent);
	if (line != NULL) {
		json_dumpf(line, stdout, JSON_COMPACT);
		putchar('\n');
	}
	json_decref(line);
}

static bool
status_all(struct job *job, struct sync_status *all, struct err *err)
{
	int64_t any;

	if (!store_generation(job->store, &any, &all->generation, err) ||
	    !store_plans(job->store, &all->arena, PLANS_LOOKED_AT, &all->plans,
		&all->plan_count, err))
		return false;
	for (size_t i = 0; i < job->mapping.count; i++) {
		const struct source *source = &job->mapping.sources[i];
		struct source_status one;

		if (job->options->source.len > 0 &&
		    !str_eq(job->options->source, source->name))
			continue;
		if (!source_status_read(job, all, source, &one, err))
			return false;
		if (job->options->json)
			status_print_json(all, &one);
		else
			status_print(all, &one);
	}
	return true;
}

int
command_status(struct job *job)
{
	struct sync_status all = { 0 };
	struct err e = { 0 };

	if (!status_all(job, &all, &e))
		err_print(&e);
	arena_free(&all.arena);
	return err_exit_status(e.kind);
}
