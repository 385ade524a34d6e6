#include "sync/prepare.h"

#include <string.h>

#include "sync/guard.h"

/* --- The store's side ----------------------------------------------------- */

static bool
state_read(
    struct prepared *p, struct job *job, struct arena *arena, struct err *err)
{
	struct store *store = job->store;
	int64_t any;
	bool ok;

	p->state = (struct state){ 0 };
	if (!store_begin_read(store, err))
		return false;
	ok = store_state(store, arena, &p->state, err) &&
	     store_generation(store, &any, &p->generation, err) &&
	     store_absences(store, arena, p->source->name, &p->absences,
		 &p->absence_count, err);
	store_rollback(store);
	p->state.catalogues = job->catalogues;
	if (ok && !actual_make(&p->actual, arena, &p->state, p->source->name))
		ok = err_set(err, ERR_SOURCE, "no_memory", "memory is out");
	return ok;
}

static bool
mapping_fits(struct prepared *p, struct job *job, struct err *err)
{
	struct faults faults = { 0 };
	bool ok = source_check(&job->mapping, p->source, &p->state, &faults);

	if (!ok) {
		faults_print(&faults, stderr);
		faults_err(&faults, err);
		p->faulty = true;
	}
	faults_free(&faults);
	return ok;
}

/* --- The directory's side ------------------------------------------------- */

/* Everybody gone is a wrong base, filter or right far more often than the
 * truth (RD6). */
static bool
not_empty(const struct prepared *p, const struct job *job, struct err *err)
{
	size_t usable = 0;

	if (job->options->allow_empty)
		return true;
	for (size_t i = 0; i < p->wanted.people.count; i++)
		usable += p->wanted.people.items[i].use != PERSON_FROZEN;
	if (usable == 0 && p->actual.count > 0)
		return err_set(err, ERR_SOURCE, "directory_empty",
		    "the directory shows 0 usable people and the store has %zu "
		    "of this source; check base, filter and rights, or say "
		    "--allow-empty",
		    p->actual.count);
	if (p->wanted.memberships.count > 0 || p->source->grant_count == 0)
		return true;
	for (size_t m = 0; m < p->state.member_count; m++)
		for (size_t g = 0; g < p->state.members[m].grant_count; g++)
			if (str_eq(p->state.members[m].grants[g].source,
				p->source->name))
				return err_set(err, ERR_SOURCE,
				    "directory_empty",
				    "the directory shows 0 groups and the "
				    "store has grants of this source; check "
				    "base, filter and rights, or say "
				    "--allow-empty");
	return true;
}

static bool
absent_ids(const struct prepared *p, struct arena *arena, struct names *ids,
    struct err *err)
{
	const struct member **absent = NULL;
	struct str *list;
	size_t count = 0;
	size_t kept = 0;

	if (!plan_absent(arena, &p->actual, &p->wanted.people, &absent, &count))
		return err_set(err, ERR_SOURCE, "no_memory", "memory is out");
	list = ARENA_ARRAY(arena, struct str, count);
	if (list == NULL)
		return err_set(err, ERR_SOURCE, "no_memory", "memory is out");
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < absent[i]->identity_count; k++)
			if (str_eq(absent[i]->identities[k].source,
				p->source->name)) {
				list[kept++] =
				    absent[i]->identities[k].external_id;
				break;
			}
	*ids = (struct names){ list, kept };
	return true;
}

static bool
wanted_read(
    struct prepared *p, struct job *job, struct arena *arena, struct err *err)
{
	p->notes = (struct notes){ .arena = arena };
	return wanted_make(&p->wanted, arena, &p->reading, p->source,
		   &p->actual, &p->notes, err) &&
	       not_empty(p, job, err);
}

static bool
reading_proved(struct prepared *p, struct job *job, struct arena *arena,
    struct directory *directory, struct err *err)
{
	struct names ids = { NULL, 0 };

	if (!reading_take(
		&p->reading, arena, directory, p->source, &p->failed, err))
		return false;
	p->failed = people_search(arena, p->source);
	return wanted_read(p, job, arena, err) &&
	       absent_ids(p, arena, &ids, err) &&
	       reading_confirm_absent(
		   arena, directory, p->source, ids, &p->failed, err);
}

bool
prepare_reading(struct prepared *prepared, struct job *job, struct arena *arena,
    const struct source *source, struct err *err)
{
	struct directory *directory = NULL;
	bool ok;

	*prepared = (struct prepared){ .source = source };
	prepared->failed = people_search(arena, source);
	/* A mapping that cannot be right is not worth a connection. */
	if (!state_read(prepared, job, arena, err) ||
	    !mapping_fits(prepared, job, err))
		return false;
	ok = directory_open(&directory, &source->directory, err) &&
	     reading_proved(prepared, job, arena, directory, err);
	directory_close(directory);
	prepared->fresh = ok;
	return ok;
}

/* --- The plan ------------------------------------------------------------- */

/* Who is disabled here although the directory has them active: only what
 * this source disabled is enabled by it again. A member whose last change of
 * status was made by somebody else stays as that somebody wanted. */
static bool
disabled_by_other(struct job *job, struct arena *arena,
    const struct source *source, const struct member *member, bool *other,
    struct err *err)
{
	struct str us = str_fmt(arena, "source:%.*s", STR_ARGS(source->name));
	struct history_row *rows = NULL;
	size_t count = 0;

	*other = false;
	if (us.ptr == NULL)
		return err_set(err, ERR_SOURCE, "no_memory", "memory is out");
	if (!store_history_newest(
		job->store, arena, member->username, 1000, &rows, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		bool was = rows[i].before.len > 0 &&
			   memmem(rows[i].before.ptr, rows[i].before.len,
			       "\"disabled\"", 10) != NULL;
		bool is = rows[i].after.len > 0 &&
			  memmem(rows[i].after.ptr, rows[i].after.len,
			      "\"disabled\"", 10) != NULL;

		if (!str_eq(rows[i].subject, member->username) || was || !is)
			continue;
		*other = !str_eq(rows[i].actor, us);
		return true;
	}
	return true;
}

static bool
kept_disabled(struct prepared *p, struct job *job, struct arena *arena,
    struct names *out, struct err *err)
{
	const struct people *people = &p->wanted.people;
	struct str *list = ARENA_ARRAY(arena, struct str, people->count);
	size_t kept = 0;

	if (list == NULL)
		return err_set(err, ERR_SOURCE, "no_memory", "memory is out");
	for (size_t i = 0; i < people->count; i++) {
		const struct person *one = &people->items[i];
		bool other = false;

		if (one->member == NULL || one->disabled ||
		    one->member->status != MEMBER_DISABLED)
			continue;
		if (!disabled_by_other(
			job, arena, p->source, one->member, &other, err))
			return false;
		if (other)
			list[kept++] = one->id;
	}
	*out = (struct names){ list, kept };
	return true;
}

bool
prepare_plan(struct prepared *prepared, struct job *job, struct arena *arena,
    struct err *err)
{
	struct prepared *p = prepared;
	struct plan_input in = { .source = p->source,
		.actual = &p->actual,
		.wanted = &p->wanted,
		.notes = &p->notes,
		.now_s = now_ms() / 1000 };

	/* Again on the same reading, because the store moved. */
	if (!p->fresh &&
	    (!state_read(p, job, arena, err) || !mapping_fits(p, job, err) ||
		!wanted_read(p, job, arena, err)))
		return false;
	p->fresh = false;
	if (!kept_disabled(p, job, arena, &in.kept_disabled, err))
		return false;
	in.absences = p->absences;
	in.absence_count = p->absence_count;
	if (!plan_make(&p->plan, arena, &in, &p->notes, err))
		return false;
	if (!guard_check(
		arena, &p->plan, p->source, &p->actual, &p->wanted, &p->held))
		return err_set(err, ERR_SOURCE, "no_memory", "memory is out");
	return true;
}
