#include "sync/transaction.h"

#include "sync/apply.h"

static struct actor
actor_for(const struct plan *plan, struct str why)
{
	return (struct actor){ .kind = ACTOR_SOURCE,
		.source = plan->source,
		.ceiling = plan->ceiling,
		.why = why };
}

static bool
begin(struct admin *admin, struct job *job, const struct plan *plan,
    struct str why, struct err *err)
{
	const struct actor actor = actor_for(plan, why);

	if (!admin_begin(
		admin, job->store, &job->catalogues, &actor, now_ms(), err))
		return false;
	if (job_lock_holds(job, err))
		return true;
	admin_abort(admin);
	return false;
}

/* Are all rows after this generation sessions', or this transaction's own?
 * Beginning takes over changed catalogues: those rows are ours. */
static enum found
unmoved(struct admin *admin, int64_t generation, struct arena *arena,
    struct err *err)
{
	int64_t data = 0;
	int64_t any = 0;
	int64_t rows_of_others = -admin->changes;
	struct history_row *rows = NULL;
	size_t count = 0;

	if (!store_generation(admin->store, &any, &data, err))
		return FOUND_ERROR;
	if (data == generation)
		return FOUND_YES;
	if (admin->changes == 0)
		return FOUND_NO;
	if (!store_history(
		admin->store, arena, generation, 10000, &rows, &count, err))
		return FOUND_ERROR;
	for (size_t i = 0; i < count; i++)
		rows_of_others += !str_starts(rows[i].action, STR("session."));
	return rows_of_others == 0 && count < 10000 ? FOUND_YES : FOUND_NO;
}

bool
rehearse(struct job *job, struct prepared *prepared, struct arena *arena,
    struct err *err)
{
	struct admin admin = { 0 };
	bool ok;

	if (!begin(&admin, job, &prepared->plan, STR("rehearsal"), err))
		return false;
	ok = plan_apply(&prepared->plan, &admin, arena, APPLY_TRY, err);
	admin_abort(&admin);
	return ok;
}

/* --- Plans ---------------------------------------------------------------- */

static bool
plan_row(const struct prepared *p, struct arena *arena, struct sync_plan *out,
    struct err *err)
{
	*out = (struct sync_plan){
		.source = p->plan.source,
		.created_s = now_ms() / 1000,
		.data_generation = p->generation,
		.body = plan_to_json(arena, &p->plan),
		.held = p->held,
		.status = PLAN_OPEN,
	};
	if (out->body.ptr != NULL)
		return true;
	return err_set(
	    err, ERR_SOURCE, "no_memory", "memory is out for the plan");
}

/* A timer that meets the same plan again and again keeps one number. */
static bool
same_open_plan(struct job *job, const struct sync_plan *row,
    struct arena *arena, int64_t *number, struct err *err)
{
	struct sync_plan *plans = NULL;
	size_t count = 0;

	*number = 0;
	if (!store_plans(job->store, arena, 100, &plans, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (plans[i].status == PLAN_OPEN &&
		    plans[i].data_generation == row->data_generation &&
		    str_eq(plans[i].source, row->source) &&
		    str_eq(plans[i].held, row->held) &&
		    str_eq(plans[i].body, row->body) &&
		    plans[i].number > *number)
			*number = plans[i].number;
	return true;
}

bool
save_plan(struct job *job, const struct prepared *prepared, struct arena *arena,
    int64_t *number, struct err *err)
{
	struct sync_plan row;
	bool ok;

	if (!plan_row(prepared, arena, &row, err) ||
	    !same_open_plan(job, &row, arena, number, err))
		return false;
	if (*number > 0)
		return true;
	if (!store_begin(job->store, err))
		return false;
	ok = store_add_plan(job->store, &row, err) &&
	     store_commit(job->store, err);
	store_rollback(job->store); /* nothing, when it was committed */
	*number = row.number;
	return ok;
}

/* --- Changes -------------------------------------------------------------- */

static struct str
plan_why(struct arena *arena, const struct sync_plan *row, bool override)
{
	if (override && row->held.len > 0)
		return str_fmt(arena, "sync plan %lld, guard overridden: %.*s",
		    (long long)row->number, STR_ARGS(row->held));
	return str_fmt(arena, "sync plan %lld", (long long)row->number);
}

/* Inside the transaction: the plan's row, its changes, its notes. */
static bool
change_inside(struct job *job, struct prepared *p, struct admin *admin,
    struct arena *arena, enum apply_mode mode, int64_t *number, struct err *err)
{
	struct sync_plan row;

	if (!plan_row(p, arena, &row, err) ||
	    !store_add_plan(job->store, &row, err))
		return false;
	admin->actor.why = plan_why(arena, &row, false);
	*number = row.number;
	return plan_apply(&p->plan, admin, arena, mode, err) &&
	       plan_apply_absences(
		   &p->plan, admin, p->absences, p->absence_count, err) &&
	       admin_plan_set(admin, row.number, PLAN_APPLIED, err);
}

enum found
change_store(struct job *job, struct prepared *prepared, struct arena *arena,
    int64_t *number, struct err *err)
{
	/* The second time the refusals are known and stand in the plan. */
	for (int attempt = 0; attempt < 2; attempt++) {
		enum apply_mode mode = attempt == 0 ? APPLY_TRY : APPLY_EXACT;
		struct admin admin = { 0 };
		enum found still;
		bool ok;

		*number = 0;
		if (!begin(&admin, job, &prepared->plan, STR("sync"), err))
			return FOUND_ERROR;
		still = unmoved(&admin, prepared->generation, arena, err);
		ok = still == FOUND_YES && change_inside(job, prepared, &admin,
					       arena, mode, number, err);
		if (ok && (mode == APPLY_EXACT || plan_makes(&prepared->plan) ==
						      prepared->plan.count))
			return admin_commit(&admin, err) ? FOUND_YES
							 : FOUND_ERROR;
		admin_abort(&admin);
		*number = 0;
		if (still == FOUND_NO)
			return FOUND_NO;
		if (!ok)
			return FOUND_ERROR;
		if (plan_makes(&prepared->plan) == 0)
			return FOUND_YES;
	}
	return FOUND_ERROR;
}

bool
note_absences(struct job *job, const struct prepared *prepared, struct err *err)
{
	const struct plan *plan = &prepared->plan;
	struct admin admin = { 0 };

	if (plan->absent_start.count == 0 && plan->absent_still.count == 0 &&
	    plan->absent_forget.count == 0)
		return true;
	if (!begin(&admin, job, plan, STR("sync"), err))
		return false;
	if (plan_apply_absences(
		plan, &admin, prepared->absences, prepared->absence_count, err))
		return admin_commit(&admin, err);
	admin_abort(&admin);
	return false;
}

bool
apply_saved(struct job *job, const struct sync_plan *saved,
    const struct source *source, struct plan *plan, struct arena *arena,
    struct err *err)
{
	struct absence *absences = NULL;
	size_t count = 0;
	struct admin admin = { 0 };
	enum found still;
	bool ok = false;

	if (!store_absences(
		job->store, arena, source->name, &absences, &count, err) ||
	    !begin(&admin, job, plan,
		plan_why(arena, saved, job->options->override), err))
		return false;
	still = unmoved(&admin, saved->data_generation, arena, err);
	if (still == FOUND_NO)
		err_set(err, ERR_REFUSED, "plan_moved",
		    "plan %lld: the data changed since it was made; make a new "
		    "plan",
		    (long long)saved->number);
	ok = still == FOUND_YES &&
	     plan_apply(plan, &admin, arena, APPLY_EXACT, err) &&
	     plan_apply_absences(plan, &admin, absences, count, err) &&
	     admin_plan_set(&admin, saved->number, PLAN_APPLIED, err);
	if (ok)
		return admin_commit(&admin, err);
	admin_abort(&admin);
	return false;
}

bool
save_run(struct job *job, const struct sync_run *run, struct err *err)
{
	struct sync_run row = *run;
	bool ok;

	if (!store_begin(job->store, err))
		return false;
	ok = store_add_run(job->store, &row, err) &&
	     store_commit(job->store, err);
	store_rollback(job->store); /* nothing, when it was committed */
	return ok;
}
