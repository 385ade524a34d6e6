#include "sync/plan.h"

#include <stdlib.h>

#include "base/bounds.h"

struct id_list {
	struct str *items;
	size_t count;
	size_t cap;
};

/* The plan while it is made. */
struct planning {
	struct plan *out;
	struct arena *arena;
	const struct plan_input *in;
	struct notes *notes;
	struct index absences;
	struct index leavers; /* ids of absent members */
	struct id_list absent_start;
	struct id_list absent_forget;
	struct id_list absent_still;
	bool failed;
};

static bool
only_ours(const struct planning *p, const struct member *member)
{
	return member->identity_count == 1 &&
	       str_eq(member->identities[0].source, p->in->source->name);
}

static void
change_add(struct planning *p, const struct change *change)
{
	struct plan *out = p->out;
	struct change *wider = arena_grow(
	    p->arena, out->changes, out->count, &out->cap, sizeof(*wider));

	if (wider == NULL) {
		p->failed = true;
		return;
	}
	out->changes = wider;
	out->changes[out->count++] = *change;
}

static struct change
change_of_member(
    enum change_kind kind, struct str id, const struct member *member)
{
	return (struct change){
		.kind = kind,
		.id = id,
		.username = member->username,
		.name = member->name,
		.email = member->email,
	};
}

static struct str
id_of(const struct planning *p, const struct member *member)
{
	for (size_t i = 0; i < member->identity_count; i++)
		if (str_eq(member->identities[i].source, p->in->source->name))
			return member->identities[i].external_id;
	return (struct str){ NULL, 0 };
}

/* --- Usernames
 * -------------------------------------------------------------------
 *
 * One username is one person. Who loses a quarrel about one keeps what the
 * store has, or is not added; nothing is ever taken over by name. */

static void
demote(struct planning *p, struct person *person, const char *code,
    const char *why)
{
	note_add(p->notes, code, "%.*s: left out, username '%.*s' %s",
	    STR_ARGS(shown(person->dn)), STR_ARGS(person->username), why);
	person->use = PERSON_RIGHTS;
}

static bool
has_username(const struct person *person)
{
	return person->member != NULL &&
	       str_eq_fold(person->member->username, person->username);
}

/* Several entries want one username: who has it keeps it. */
static void
doubles_demote(struct planning *p, struct people *people)
{
	const struct index *names = &people->by_username;

	for (size_t i = 0; i < names->count;) {
		size_t end = i + 1;

		while (end < names->count &&
		       str_eq(names->rows[end].key, names->rows[i].key))
			end++;
		for (size_t k = i; end - i > 1 && k < end; k++) {
			struct person *one =
			    &people->items[names->rows[k].value];

			if (one->use == PERSON_WHOLE && !has_username(one))
				demote(p, one, "double_username",
				    "stands on several entries");
		}
		i = end;
	}
}

static struct person *
person_of(struct people *people, struct str id)
{
	uint32_t at;

	if (index_find(&people->by_id, id, &at) == INDEXED_NOT)
		return NULL;
	return &people->items[at];
}

/* Will the present holder of this username let it go in this run? */
static bool
is_let_go(
    struct planning *p, struct people *people, const struct member *holder)
{
	struct str id = id_of(p, holder);
	struct person *person;

	if (id.ptr == NULL || !only_ours(p, holder))
		return false;
	person = person_of(people, id);
	if (person != NULL)
		return person->use == PERSON_WHOLE && !has_username(person);
	uint32_t at;

	return index_find(&p->leavers, holder->id, &at) != INDEXED_NOT;
}

static bool
taken_demote(struct planning *p, struct people *people)
{
	bool changed = false;

	for (size_t i = 0; i < people->count; i++) {
		struct person *one = &people->items[i];
		const struct member *holder;

		if (one->use != PERSON_WHOLE || has_username(one))
			continue;
		if (one->member != NULL && !only_ours(p, one->member)) {
			one->use = PERSON_RIGHTS;
			changed = true;
			continue;
		}
		holder = state_member(p->in->actual->state, one->username);
		if (holder == NULL || is_let_go(p, people, holder))
			continue;
		demote(
		    p, one, "username_taken", "belongs to somebody else here");
		changed = true;
	}
	return changed;
}

/* A name that nobody has or wants: ann~1a2b3c4d. */
static struct str
aside_name(struct planning *p, const struct people *people, struct str username,
    struct str id)
{
	struct str tail = { id.ptr, id.len < 8 ? id.len : 8 };
	uint32_t at;

	for (int full = 0; full < 2; full++) {
		struct str name = str_fmt(p->arena, "%.*s~%.*s",
		    STR_ARGS(username), STR_ARGS(full ? id : tail));
		struct str folded = str_fold(p->arena, name);

		if (folded.ptr == NULL)
			break;
		if (name.len <= USERNAME_MAX &&
		    state_member(p->in->actual->state, name) == NULL &&
		    index_find(&people->by_username, folded, &at) ==
			INDEXED_NOT)
			return name;
	}
	return (struct str){ NULL, 0 };
}

/* Frees the username that somebody else wants. False: it cannot be freed. */
static bool
aside(struct planning *p, const struct people *people,
    const struct member *holder)
{
	struct change c =
	    change_of_member(CHANGE_MEMBER_ASIDE, id_of(p, holder), holder);

	for (size_t i = 0; i < p->out->count; i++)
		if (p->out->changes[i].kind == CHANGE_MEMBER_ASIDE &&
		    str_eq(p->out->changes[i].id, c.id))
			return true;
	c.new_username = aside_name(p, people, holder->username, c.id);
	if (c.new_username.ptr == NULL)
		return false;
	change_add(p, &c);
	return true;
}

static bool
usernames_settle(struct planning *p, struct people *people)
{
	doubles_demote(p, people);
	while (taken_demote(p, people))
		continue;
	for (size_t i = 0; i < people->count; i++) {
		struct person *one = &people->items[i];
		const struct member *holder;

		if (one->use != PERSON_WHOLE || has_username(one))
			continue;
		if (one->member == NULL && one->disabled)
			continue; /* is not added */
		holder = state_member(p->in->actual->state, one->username);
		if (holder != NULL && !aside(p, people, holder))
			return false;
	}
	return true;
}

/* --- Members -------------------------------------------------------------- */

/* The username that the member has once the asides are made. */
static struct str
username_after_asides(
    const struct planning *p, const struct member *member, struct str id)
{
	for (size_t i = 0; i < p->out->count; i++) {
		const struct change *c = &p->out->changes[i];

		if (c->kind != CHANGE_MEMBER_ASIDE)
			break; /* they come first */
		if (str_eq(c->id, id))
			return c->new_username;
	}
	return member->username;
}

/* ... and once the edits are made too. */
static struct str
username_in_the_end(const struct planning *p, const struct person *person)
{
	if (person->use == PERSON_WHOLE)
		return person->username;
	return username_after_asides(p, person->member, person->id);
}

static bool
is_added(const struct person *person)
{
	return person->member == NULL && person->use == PERSON_WHOLE &&
	       !person->disabled;
}

static void
member_edits(struct planning *p, const struct people *people)
{
	for (size_t i = 0; i < people->count; i++) {
		const struct person *one = &people->items[i];
		const struct member *m = one->member;
		struct change c;

		if (m == NULL || one->use != PERSON_WHOLE || !only_ours(p, m))
			continue;
		if (str_eq(m->username, one->username) &&
		    str_eq(m->email, one->email) && str_eq(m->name, one->name))
			continue;
		c = change_of_member(CHANGE_MEMBER_EDIT, one->id, m);
		c.username = username_after_asides(p, m, one->id);
		c.new_username = one->username;
		c.name = one->name;
		c.email = one->email;
		change_add(p, &c);
	}
}

static void
member_adds(struct planning *p, const struct people *people)
{
	for (size_t i = 0; i < people->count; i++) {
		const struct person *one = &people->items[i];

		if (is_added(one))
			change_add(p, &(struct change){
					  .kind = CHANGE_MEMBER_ADD,
					  .id = one->id,
					  .username = one->username,
					  .name = one->name,
					  .email = one->email,
				      });
	}
}

static void
member_statuses(
    struct planning *p, const struct people *people, enum change_kind kind)
{
	for (size_t i = 0; i < people->count; i++) {
		const struct person *one = &people->items[i];
		const struct member *m = one->member;
		struct change c;

		if (m == NULL || one->use == PERSON_FROZEN || !only_ours(p, m))
			continue;
		if (kind == CHANGE_MEMBER_DISABLE
			? !one->disabled || m->status == MEMBER_DISABLED
			: one->disabled || m->status != MEMBER_DISABLED)
			continue;
		c = change_of_member(kind, one->id, m);
		c.username = username_in_the_end(p, one);
		if (one->use == PERSON_WHOLE) {
			c.name = one->name;
			c.email = one->email;
		}
		if (kind == CHANGE_MEMBER_ENABLE &&
		    names_have(p->in->kept_disabled, one->id)) {
			note_add(p->notes, "kept_disabled",
			    "%.*s (%.*s): stays disabled, because somebody "
			    "else disabled them here",
			    STR_ARGS(c.name), STR_ARGS(c.username));
			continue;
		}
		change_add(p, &c);
	}
}

static void
accounts_add(struct planning *p)
{
	const struct wanted *wanted = p->in->wanted;

	for (size_t i = 0; i < wanted->account_count; i++)
		change_add(p, &(struct change){
				  .kind = CHANGE_ACCOUNT_ADD,
				  .account = wanted->accounts[i].id,
				  .made = wanted->accounts[i],
			      });
}

/* --- Grants --------------------------------------------------------------- */

/* The status of somebody who belongs to another source too is not ours to
 * change: then disabled here means no grants from here. */
static bool
has_rights(const struct planning *p, const struct person *one)
{
	return !one->disabled || one->member == NULL ||
	       only_ours(p, one->member);
}

static const struct grant *
grant_have(const struct planning *p, const struct member *member,
    const struct wanted_grant *want)
{
	for (size_t i = 0; member != NULL && i < member->grant_count; i++) {
		const struct grant *g = &member->grants[i];

		if (str_eq(g->source, p->in->source->name) &&
		    str_eq(g->account, want->account) &&
		    str_eq(g->role, want->role))
			return g;
	}
	return NULL;
}

/* Gives and changes; what is taken comes later. */
static void
grants_give(
    struct planning *p, const struct people *people, enum change_kind kind)
{
	const struct wanted *wanted = p->in->wanted;

	for (size_t i = 0; i < wanted->grant_count; i++) {
		const struct wanted_grant *want = &wanted->grants[i];
		const struct person *one = &people->items[want->person];
		const struct grant *have = grant_have(p, one->member, want);
		struct change c = { .kind = kind,
			.id = one->id,
			.account = want->account,
			.role = want->role,
			.licences = want->licences,
			.via = want->via };

		if (one->use == PERSON_FROZEN || !has_rights(p, one) ||
		    (one->member == NULL && !is_added(one)))
			continue;
		if (kind == CHANGE_GRANT_ADD
			? have != NULL
			: have == NULL ||
			      names_eq(have->licences, want->licences))
			continue;
		c.username = username_in_the_end(p, one);
		c.name =
		    one->use == PERSON_WHOLE ? one->name : one->member->name;
		change_add(p, &c);
	}
}

static bool
is_wanted(const struct wanted *wanted, uint32_t person, const struct grant *g)
{
	size_t low = 0;
	size_t high = wanted->grant_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct wanted_grant *w = &wanted->grants[middle];
		int order = (w->person > person) - (w->person < person);

		if (order == 0)
			order = str_cmp(w->account, g->account);
		if (order == 0)
			order = str_cmp(w->role, g->role);
		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static void
grant_take(struct planning *p, const struct member *member, struct str id,
    struct str username, const struct grant *g)
{
	struct change c = change_of_member(CHANGE_GRANT_REMOVE, id, member);

	c.username = username;
	c.account = g->account;
	c.role = g->role;
	c.licences = g->licences;
	change_add(p, &c);
}

/* Who is absent keeps the grants while disabled, so that a mistake can be
 * undone whole; who belongs to another source too loses them at once. */
static void
grants_take(struct planning *p, struct people *people)
{
	const struct state *state = p->in->actual->state;

	for (size_t m = 0; m < state->member_count; m++) {
		const struct member *member = &state->members[m];
		struct str id = id_of(p, member);
		struct person *one =
		    id.ptr != NULL ? person_of(people, id) : NULL;
		struct str username = member->username;

		if (one != NULL && one->use == PERSON_FROZEN)
			continue;
		if (one == NULL && id.ptr != NULL && only_ours(p, member))
			continue;
		if (one != NULL)
			username = username_in_the_end(p, one);
		for (size_t i = 0; i < member->grant_count; i++) {
			const struct grant *g = &member->grants[i];

			if (!str_eq(g->source, p->in->source->name))
				continue;
			if (one == NULL || !has_rights(p, one) ||
			    !is_wanted(p->in->wanted,
				(uint32_t)(one - people->items), g))
				grant_take(p, member, id, username, g);
		}
	}
}

/* --- Absence -------------------------------------------------------------- */

bool
plan_absent(struct arena *arena, const struct actual *actual,
    const struct people *people, const struct member ***out, size_t *count)
{
	const struct member **list =
	    ARENA_ARRAY(arena, const struct member *, actual->count);
	size_t found = 0;

	if (list == NULL)
		return false;
	for (size_t i = 0; i < actual->by_id.count; i++) {
		const struct index_row *row = &actual->by_id.rows[i];
		const struct member *m = &actual->state->members[row->value];
		struct str folded = str_fold(arena, m->username);
		uint32_t at;

		if (folded.ptr == NULL)
			return false;
		if (index_find(&people->by_id, row->key, &at) == INDEXED_NOT &&
		    index_find(&people->nameless, folded, &at) == INDEXED_NOT)
			list[found++] = m;
	}
	*out = list;
	*count = found;
	return true;
}

static const struct absence *
absence_of(const struct planning *p, struct str id)
{
	uint32_t at;

	if (index_find(&p->absences, id, &at) == INDEXED_NOT)
		return NULL;
	return &p->in->absences[at];
}

static void
id_add(struct planning *p, struct id_list *list, struct str id)
{
	struct str *wider = arena_grow(
	    p->arena, list->items, list->count, &list->cap, sizeof(*wider));

	if (wider == NULL) {
		p->failed = true;
		return;
	}
	list->items = wider;
	list->items[list->count++] = id;
}

static bool
grace_over(const struct planning *p, const struct absence *absence)
{
	return absence != NULL && absence->runs > 0 &&
	       p->in->now_s - absence->since_s >=
		   p->in->source->grace_days * 24 * 60 * 60;
}

/* Grants by hand or from elsewhere: removing the member would take them. */
static bool
has_other_grants(const struct planning *p, const struct member *member)
{
	for (size_t i = 0; i < member->grant_count; i++)
		if (!str_eq(member->grants[i].source, p->in->source->name))
			return true;
	return false;
}

static void
absent_disable(struct planning *p, const struct member *member)
{
	struct str id = id_of(p, member);
	struct change c = change_of_member(CHANGE_MEMBER_DISABLE, id, member);

	if (!only_ours(p, member))
		return; /* grants_take() did what can be done */
	if (absence_of(p, id) == NULL)
		id_add(p, &p->absent_start, id);
	else
		id_add(p, &p->absent_still, id);
	c.username = username_after_asides(p, member, id);
	if (member->status != MEMBER_DISABLED)
		change_add(p, &c);
}

static void
absent_remove(struct planning *p, const struct member *member)
{
	struct str id = id_of(p, member);
	struct change c = change_of_member(CHANGE_MEMBER_REMOVE, id, member);

	if (!only_ours(p, member) || member->status != MEMBER_DISABLED ||
	    !grace_over(p, absence_of(p, id)))
		return;
	if (has_other_grants(p, member)) {
		note_add(p->notes, "kept_member",
		    "%.*s (%.*s): stays disabled and is not removed, because "
		    "there are grants that this source did not give",
		    STR_ARGS(member->name), STR_ARGS(member->username));
		return;
	}
	c.username = username_after_asides(p, member, id);
	change_add(p, &c);
}

static void
absences_forget(struct planning *p, const struct people *people)
{
	uint32_t at;

	for (size_t i = 0; i < p->in->absence_count; i++) {
		struct str id = p->in->absences[i].external_id;

		/* Seen again, or no member any more. */
		if (index_find(&people->by_id, id, &at) != INDEXED_NOT ||
		    actual_member(p->in->actual, id) == NULL)
			id_add(p, &p->absent_forget, id);
	}
}

/* --- All of it ------------------------------------------------------------ */

static bool
indexes_make(struct planning *p, const struct member **absent, size_t count)
{
	for (size_t i = 0; i < p->in->absence_count; i++)
		if (!index_add(&p->absences, p->arena,
			p->in->absences[i].external_id, (uint32_t)i))
			return false;
	for (size_t i = 0; i < count; i++)
		if (!index_add(&p->leavers, p->arena, absent[i]->id, 0))
			return false;
	index_sort(&p->absences);
	index_sort(&p->leavers);
	return true;
}

bool
plan_make(struct plan *out, struct arena *arena, const struct plan_input *input,
    struct notes *notes, struct err *err)
{
	struct planning p = {
		.out = out, .arena = arena, .in = input, .notes = notes
	};
	struct people people = input->wanted->people;
	const struct member **absent = NULL;
	size_t count = 0;

	*out = (struct plan){
		.source = input->source->name,
		.mapping = input->source->digest,
		.ceiling = input->source->ceiling,
		.people_read = (int64_t)people.count,
		.groups_read = (int64_t)input->wanted->memberships.count,
	};
	if (!plan_absent(arena, input->actual, &people, &absent, &count) ||
	    !indexes_make(&p, absent, count) || !usernames_settle(&p, &people))
		return err_set(
		    err, ERR_SOURCE, "no_memory", "memory is out for the plan");
	member_edits(&p, &people);
	member_adds(&p, &people);
	accounts_add(&p);
	member_statuses(&p, &people, CHANGE_MEMBER_ENABLE);
	grants_give(&p, &people, CHANGE_GRANT_ADD);
	grants_give(&p, &people, CHANGE_GRANT_EDIT);
	grants_take(&p, &people);
	member_statuses(&p, &people, CHANGE_MEMBER_DISABLE);
	for (size_t i = 0; i < count; i++)
		absent_disable(&p, absent[i]);
	for (size_t i = 0; i < count; i++)
		absent_remove(&p, absent[i]);
	absences_forget(&p, &people);
	out->absent_start =
	    (struct names){ p.absent_start.items, p.absent_start.count };
	out->absent_forget =
	    (struct names){ p.absent_forget.items, p.absent_forget.count };
	out->absent_still =
	    (struct names){ p.absent_still.items, p.absent_still.count };
	notes_sort(notes);
	out->notes = notes->items;
	out->note_count = notes->count;
	if (p.failed || notes->failed)
		return err_set(
		    err, ERR_SOURCE, "no_memory", "memory is out for the plan");
	return true;
}

size_t
plan_makes(const struct plan *plan)
{
	size_t makes = 0;

	for (size_t i = 0; i < plan->count; i++)
		makes += plan->changes[i].refused_code.len == 0;
	return makes;
}

size_t
plan_count(const struct plan *plan, enum change_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->count; i++)
		count += plan->changes[i].kind == kind &&
			 plan->changes[i].refused_code.len == 0;
	return count;
}
