#include <stdlib.h>

#include "admin/change.h"
#include "base/bounds.h"
#include "model/state_json.h"

/* A load in progress. */
struct load {
	struct admin *admin;
	const struct state *wanted;
	struct state actual;
	struct str *ids; /* of the members that are wanted */
	struct arena arena; /* until the end; admin->arena: of one row */
	struct load_counts counts;
	struct err *err;
};

static bool
no_memory(struct err *err)
{
	return err_set(err, ERR_LIMIT, "no_memory",
	    "load: memory is out; give the process more");
}

/* --- What a state must be ------------------------------------------------- */

/* M5; grants are ordered by account. */
static bool
is_local_again(const struct member *m, size_t i)
{
	const struct grant *g = &m->grants[i];

	if (!str_eq(g->source, SOURCE_LOCAL))
		return false;
	for (size_t k = i; k > 0; k--) {
		const struct grant *before = &m->grants[k - 1];

		if (!str_eq(before->account, g->account))
			return false;
		if (str_eq(before->source, SOURCE_LOCAL))
			return true;
	}
	return false;
}

static bool
grants_check(const struct load *l, const struct member *m)
{
	for (size_t i = 0; i < m->grant_count; i++) {
		const struct grant *g = &m->grants[i];

		if (i > 0 && grant_cmp(g - 1, g) >= 0)
			return err_set(l->err, ERR_FILE, "state_double",
			    "member %.*s: has %.*s on %.*s twice, or out of "
			    "order; write each grant once",
			    STR_ARGS(m->username), STR_ARGS(g->role),
			    STR_ARGS(g->account));
		if (is_local_again(m, i))
			return err_set(l->err, ERR_FILE, "state_double",
			    "member %.*s: has two local grants on %.*s; "
			    "write one",
			    STR_ARGS(m->username), STR_ARGS(g->account));
		if (state_account(l->wanted, g->account) == NULL)
			return err_set(l->err, ERR_FILE, "state_reference",
			    "member %.*s: has a grant on %.*s, which is not "
			    "in the state; add it",
			    STR_ARGS(m->username), STR_ARGS(g->account));
	}
	return true;
}

static int
identity_order(const void *a, const void *b)
{
	const struct identity *x = *(const struct identity *const *)a;
	const struct identity *y = *(const struct identity *const *)b;
	int order = str_cmp(x->source, y->source);

	return order != 0 ? order : str_cmp(x->external_id, y->external_id);
}

/* One person in a directory is one member: else who comes last would be
 * given the identity. */
static bool
identities_check(struct load *l)
{
	const struct state *wanted = l->wanted;
	const struct identity **all;
	size_t count = 0;
	size_t at = 0;

	for (size_t i = 0; i < wanted->member_count; i++)
		count += wanted->members[i].identity_count;
	all = ARENA_ARRAY(&l->arena, const struct identity *, count);
	if (all == NULL)
		return no_memory(l->err);
	for (size_t i = 0; i < wanted->member_count; i++)
		for (size_t k = 0; k < wanted->members[i].identity_count; k++)
			all[at++] = &wanted->members[i].identities[k];
	if (count > 0)
		qsort(all, count, sizeof(const struct identity *),
		    identity_order);
	for (size_t i = 1; i < count; i++)
		if (identity_order(&all[i - 1], &all[i]) == 0)
			return err_set(l->err, ERR_FILE, "state_double",
			    "identity %.*s of %.*s: two members have it; take "
			    "one away",
			    STR_ARGS(all[i]->external_id),
			    STR_ARGS(all[i]->source));
	return true;
}

static bool
account_fits(const struct load *l, const struct account *a)
{
	if (!account_check(a, l->err))
		return false;
	if (account_root(a) == NULL)
		return err_set(l->err, ERR_FILE, "state_depth",
		    "account %.*s: its parents lead to no root within %d "
		    "levels; make the tree flatter or break the cycle",
		    STR_ARGS(a->id), TREE_DEPTH_MAX);
	if (a->owner.len > 0 && state_member(l->wanted, a->owner) == NULL)
		return err_set(l->err, ERR_FILE, "state_reference",
		    "account %.*s: its owner %.*s is not in the state; add "
		    "them",
		    STR_ARGS(a->id), STR_ARGS(a->owner));
	if (a->kind == ACCOUNT_PERSONAL && a->owner.len == 0)
		return err_set(l->err, ERR_FILE, "state_personal",
		    "account %.*s: is personal and has no owner; name one",
		    STR_ARGS(a->id));
	return true;
}

static bool
state_check(struct load *l)
{
	for (size_t i = 0; i < l->wanted->member_count; i++)
		if (!member_check(&l->wanted->members[i], l->err) ||
		    !grants_check(l, &l->wanted->members[i]) ||
		    !rule_record_fits(&l->wanted->members[i], l->err))
			return false;
	for (size_t i = 0; i < l->wanted->account_count; i++)
		if (!account_fits(l, &l->wanted->accounts[i]))
			return false;
	return identities_check(l);
}

/* --- Looking things up ---------------------------------------------------- */

/* Members that stay keep their id, so that sessions and history stay theirs. */
static bool
ids_make(struct load *l)
{
	const struct state *wanted = l->wanted;

	l->ids = ARENA_ARRAY(&l->arena, struct str, wanted->member_count);
	if (l->ids == NULL)
		return no_memory(l->err);
	for (size_t i = 0; i < wanted->member_count; i++) {
		const struct member *have =
		    state_member(&l->actual, wanted->members[i].username);

		l->ids[i] = have != NULL ? have->id : member_id_new(&l->arena);
		if (l->ids[i].ptr == NULL)
			return no_memory(l->err);
	}
	return true;
}

/* The id that whoever is called so has after the load; empty for nobody. */
static struct str
id_wanted(const struct load *l, struct str username)
{
	const struct member *m =
	    username.len > 0 ? state_member(l->wanted, username) : NULL;

	return m != NULL ? l->ids[m - l->wanted->members] : STR("");
}

static struct str
id_actual(const struct load *l, struct str username)
{
	const struct member *m =
	    username.len > 0 ? state_member(&l->actual, username) : NULL;

	return m != NULL ? m->id : STR("");
}

/* --- One row -------------------------------------------------------------- */

struct row {
	const char *action;
	struct str subject;
	struct str before; /* empty: it is added */
	struct str after; /* empty: it is removed */
	struct touches touches;
};

static bool
row_end(struct load *l, const struct row *row)
{
	struct admin *admin = l->admin;
	bool ok = change_note(admin, row->action, row->subject, row->before,
	    row->after, &row->touches, l->err);

	l->counts.added += row->before.len == 0;
	l->counts.removed += row->after.len == 0;
	l->counts.changed += row->before.len > 0 && row->after.len > 0;
	arena_reset(&admin->arena);
	return ok;
}

/* --- Members -------------------------------------------------------------- */

static const struct identity *
identity_of(const struct member *m, struct str source)
{
	for (size_t i = 0; i < m->identity_count; i++)
		if (str_eq(m->identities[i].source, source))
			return &m->identities[i];
	return NULL;
}

static bool
has_identity(const struct member *m, const struct identity *identity)
{
	const struct identity *has = identity_of(m, identity->source);

	return has != NULL && str_eq(has->external_id, identity->external_id);
}

static bool
member_same(const struct member *a, const struct member *b)
{
	if (!member_alike(a, b) || a->identity_count != b->identity_count)
		return false;
	for (size_t i = 0; i < a->identity_count; i++)
		if (!has_identity(b, &a->identities[i]))
			return false;
	return true;
}

static bool
member_put(struct load *l, const struct member *want, const struct member *have,
    struct str id)
{
	struct admin *admin = l->admin;
	struct member made = *want;
	struct row row = {
		.action = have != NULL ? "member.edit" : "member.add",
		.subject = want->username,
		.before = STR(""),
		.after = state_member_text(&admin->arena, want),
	};

	made.id = id;
	touch(admin, &row.touches, "member", id);
	if (have != NULL) {
		row.before = state_member_text(&admin->arena, have);
		if (!str_eq(have->username, want->username) &&
		    !touch_rename(admin, have, &row.touches, l->err))
			return false;
		if (want->status != MEMBER_ACTIVE &&
		    !sessions_end(admin, id, &row.touches, l->err))
			return false;
	}
	return store_put_member(
		   admin->store, &made, next_generation(admin), l->err) &&
	       row_end(l, &row);
}

static bool
members_put(struct load *l)
{
	for (size_t i = 0; i < l->wanted->member_count; i++) {
		const struct member *want = &l->wanted->members[i];
		const struct member *have =
		    state_member(&l->actual, want->username);

		if (have != NULL && member_same(have, want))
			continue;
		if (!member_put(l, want, have, l->ids[i]))
			return false;
	}
	return true;
}

/* All that go first: an identity may move from one member to another. */
static bool
identities_put(struct load *l)
{
	struct store *store = l->admin->store;

	for (size_t i = 0; i < l->actual.member_count; i++) {
		const struct member *have = &l->actual.members[i];
		const struct member *want =
		    state_member(l->wanted, have->username);

		for (size_t k = 0; k < have->identity_count; k++) {
			const struct identity *id = &have->identities[k];

			if ((want == NULL || !has_identity(want, id)) &&
			    !store_delete_identity(
				store, id->source, id->external_id, l->err))
				return false;
		}
	}
	for (size_t i = 0; i < l->wanted->member_count; i++) {
		const struct member *want = &l->wanted->members[i];
		const struct member *have =
		    state_member(&l->actual, want->username);

		for (size_t k = 0; k < want->identity_count; k++) {
			const struct identity *id = &want->identities[k];

			if ((have == NULL || !has_identity(have, id)) &&
			    !store_put_identity(store, l->ids[i], id, l->err))
				return false;
		}
	}
	return true;
}

static bool
member_remove(struct load *l, const struct member *have)
{
	struct admin *admin = l->admin;
	struct row row = {
		.action = "member.remove",
		.subject = have->username,
		.before = state_member_text(&admin->arena, have),
		.after = STR(""),
	};

	touch(admin, &row.touches, "member", have->id);
	touch(admin, &row.touches, "username", have->username);
	return sessions_end(admin, have->id, &row.touches, l->err) &&
	       api_tokens_end(admin, have, l->err) &&
	       invitations_end(admin, STR(""), have->id, l->err) &&
	       store_delete_member(admin->store, have->id, l->err) &&
	       row_end(l, &row);
}

static bool
members_remove(struct load *l)
{
	for (size_t i = 0; i < l->actual.member_count; i++) {
		const struct member *have = &l->actual.members[i];

		if (state_member(l->wanted, have->username) == NULL &&
		    !member_remove(l, have))
			return false;
	}
	return true;
}

/* --- Accounts ------------------------------------------------------------- */

static bool
account_same(const struct load *l, const struct account *have,
    const struct account *want)
{
	return str_eq(have->parent_id, want->parent_id) &&
	       str_eq(have->name, want->name) && have->kind == want->kind &&
	       str_eq(have->level, want->level) &&
	       str_eq(have->catalogue, want->catalogue) &&
	       names_eq(have->licences, want->licences) &&
	       have->status == want->status &&
	       str_eq(id_actual(l, have->owner), id_wanted(l, want->owner));
}

/* A personal account stands in its member's record as well. */
static bool
personal_touch(struct load *l, struct row *row, const struct account *account,
    struct str owner_id)
{
	if (account == NULL || account->kind != ACCOUNT_PERSONAL ||
	    owner_id.len == 0)
		return true;
	touch(l->admin, &row->touches, "member", owner_id);
	return store_touch_member(
	    l->admin->store, owner_id, next_generation(l->admin), l->err);
}

/* With its owner's name as the owner writes it from now on. */
static struct str
account_text(const struct load *l, const struct account *account)
{
	const struct member *owner =
	    account->owner.len > 0 ? state_member(l->wanted, account->owner)
				   : NULL;
	struct account shown = *account;

	if (owner != NULL)
		shown.owner = owner->username;
	return state_account_text(&l->admin->arena, &shown);
}

static bool
account_put(
    struct load *l, const struct account *want, const struct account *have)
{
	struct admin *admin = l->admin;
	struct str owner_id = id_wanted(l, want->owner);
	struct row row = {
		.action = have != NULL ? "account.edit" : "account.add",
		.subject = want->id,
		.before = STR(""),
		.after = account_text(l, want),
	};

	if (have != NULL)
		row.before = account_text(l, have);
	touch(admin, &row.touches, "account", want->id);
	return store_put_account(admin->store, want, owner_id,
		   next_generation(admin), l->err) &&
	       personal_touch(l, &row, want, owner_id) &&
	       (have == NULL ||
		   personal_touch(l, &row, have, id_actual(l, have->owner))) &&
	       row_end(l, &row);
}

static bool
accounts_put(struct load *l)
{
	for (size_t i = 0; i < l->wanted->account_count; i++) {
		const struct account *want = &l->wanted->accounts[i];
		const struct account *have =
		    state_account(&l->actual, want->id);

		if (have != NULL && account_same(l, have, want))
			continue;
		if (!account_put(l, want, have))
			return false;
	}
	return true;
}

static bool
account_remove(struct load *l, const struct account *have)
{
	struct admin *admin = l->admin;
	struct row row = {
		.action = "account.remove",
		.subject = have->id,
		.before = account_text(l, have),
		.after = STR(""),
	};

	touch(admin, &row.touches, "account", have->id);
	return invitations_end(admin, have->id, STR(""), l->err) &&
	       store_delete_account(admin->store, have->id, l->err) &&
	       personal_touch(l, &row, have, id_actual(l, have->owner)) &&
	       row_end(l, &row);
}

/* From the leaves up. */
static bool
accounts_remove(struct load *l)
{
	for (size_t i = l->actual.account_count; i > 0; i--) {
		const struct account *have = &l->actual.accounts[i - 1];

		if (state_account(l->wanted, have->id) == NULL &&
		    !account_remove(l, have))
			return false;
	}
	return true;
}

/* --- Grants --------------------------------------------------------------- */

/* `have` or `want` is NULL when it is not there. */
static bool
grant_change(struct load *l, const struct member *member, struct str id,
    const struct grant *have, const struct grant *want)
{
	struct admin *admin = l->admin;
	const struct grant *g = want != NULL ? want : have;
	struct row row = {
		.action = "grant.edit",
		.subject = grant_subject(admin, member->username, g->account),
		.before = STR(""),
		.after = STR(""),
	};

	if (have != NULL)
		row.before =
		    state_grant_text(&admin->arena, member->username, have);
	else
		row.action = "grant.add";
	if (want != NULL)
		row.after =
		    state_grant_text(&admin->arena, member->username, want);
	else
		row.action = "grant.remove";
	touch(admin, &row.touches, "member", id);
	return (want != NULL ? store_put_grant(admin->store, id, want, l->err)
			     : store_delete_grant(admin->store, id, g->account,
				   g->role, g->source, l->err)) &&
	       store_touch_member(
		   admin->store, id, next_generation(admin), l->err) &&
	       row_end(l, &row);
}

/* Both lists have one order. */
static bool
grants_merge(struct load *l, const struct member *have,
    const struct member *want, struct str id)
{
	const struct member *member = want != NULL ? want : have;
	size_t have_count = have != NULL ? have->grant_count : 0;
	size_t want_count = want != NULL ? want->grant_count : 0;
	size_t h = 0;
	size_t w = 0;

	while (h < have_count || w < want_count) {
		const struct grant *old =
		    h < have_count ? &have->grants[h] : NULL;
		const struct grant *new =
		    w < want_count ? &want->grants[w] : NULL;

		if (old != NULL && new != NULL) {
			int order = grant_cmp(old, new);

			old = order <= 0 ? old : NULL;
			new = order >= 0 ? new : NULL;
		}
		h += old != NULL;
		w += new != NULL;
		if (old != NULL && new != NULL && grant_same(old, new))
			continue;
		if (!grant_change(l, member, id, old, new))
			return false;
	}
	return true;
}

static bool
grants_put(struct load *l)
{
	for (size_t i = 0; i < l->actual.member_count; i++) {
		const struct member *have = &l->actual.members[i];

		if (state_member(l->wanted, have->username) == NULL &&
		    !grants_merge(l, have, NULL, have->id))
			return false;
	}
	for (size_t i = 0; i < l->wanted->member_count; i++) {
		const struct member *want = &l->wanted->members[i];

		if (!grants_merge(l, state_member(&l->actual, want->username),
			want, l->ids[i]))
			return false;
	}
	return true;
}

/* --- All of it ------------------------------------------------------------ */

/* In this order no row ever refers to one that is not there. */
static bool
load_write(struct load *l)
{
	struct admin *admin = l->admin;

	return rule_system(admin, "state", STR("as a whole"), l->err) &&
	       state_check(l) &&
	       store_state(admin->store, &l->arena, &l->actual, l->err) &&
	       ids_make(l) && members_put(l) && identities_put(l) &&
	       accounts_put(l) && grants_put(l) && accounts_remove(l) &&
	       members_remove(l);
}

bool
admin_load(struct admin *admin, const struct state *wanted,
    struct load_counts *counts, struct err *err)
{
	struct load l = { .admin = admin, .wanted = wanted, .err = err };
	bool ok;

	*counts = (struct load_counts){ 0 };
	/* P5: no rule of giving holds for a restore, so it is nobody else's. */
	if (!rule_system(admin, "state", STR("as a whole"), err))
		return false;
	ok = change_begin(admin, err) && change_end(admin, load_write(&l), err);
	arena_free(&l.arena);
	if (ok)
		*counts = l.counts;
	return ok;
}
