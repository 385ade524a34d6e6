#include "admin/import_row.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "admin/change.h"
#include "base/bounds.h"
#include "model/names.h"
#include "store/list.h"

#define PAGE_MAX ((size_t)1000)

/* --- Fields --------------------------------------------------------------- */

struct fields {
	json_t *json;
	struct arena *arena;
};

static bool
fields_open(
    struct fields *fields, struct arena *arena, const struct job_row *row)
{
	fields->arena = arena;
	fields->json = json_loadb(
	    row->fields.ptr, row->fields.len, JSON_REJECT_DUPLICATES, NULL);
	return json_is_object(fields->json);
}

static void
fields_close(struct fields *fields)
{
	json_decref(fields->json);
}

static bool
field_is_there(const struct fields *fields, const char *name)
{
	return json_object_get(fields->json, name) != NULL;
}

/* Empty when it is missing. */
static struct str
field(const struct fields *fields, const char *name)
{
	const json_t *value = json_object_get(fields->json, name);

	if (!json_is_string(value))
		return STR("");
	return str_copy(fields->arena, (struct str){ json_string_value(value),
					   json_string_length(value) });
}

static struct names
field_names(const struct fields *fields, const char *name)
{
	const json_t *list = json_object_get(fields->json, name);
	size_t count = json_array_size(list);
	struct str *items =
	    count > 0 ? ARENA_ARRAY(fields->arena, struct str, count) : NULL;
	size_t kept = 0;

	for (size_t i = 0; items != NULL && i < count; i++) {
		const json_t *one = json_array_get(list, i);

		if (json_string_length(one) > 0)
			items[kept++] = str_copy(
			    fields->arena, (struct str){ json_string_value(one),
					       json_string_length(one) });
	}
	return (struct names){ items, names_sort(items, kept) };
}

/* First and last name as one, which is how a member has it. */
static struct str
full_name(const struct fields *fields)
{
	struct str first = field(fields, "first_name");
	struct str last = field(fields, "last_name");

	if (first.len == 0 || last.len == 0)
		return first.len > 0 ? first : last;
	return str_fmt(
	    fields->arena, "%.*s %.*s", STR_ARGS(first), STR_ARGS(last));
}

static const struct {
	const char *word;
	enum row_action action;
} actions[] = {
	{ "add", ROW_ADD },
	{ "edit", ROW_EDIT },
	{ "delete", ROW_DELETE },
};

static enum row_action
action_in(const struct fields *fields)
{
	struct str word = field(fields, "action");

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (str_eq_fold(word, str_from(actions[i].word)))
			return actions[i].action;
	return ROW_NONE;
}

enum row_action
row_action_of(const struct job_row *row)
{
	struct arena arena = { 0 };
	struct fields fields;
	enum row_action action = ROW_NONE;

	if (fields_open(&fields, &arena, row))
		action = action_in(&fields);
	fields_close(&fields);
	arena_free(&arena);
	return action;
}

static struct str
account_in(const struct row_work *work, const struct fields *fields)
{
	struct str account = field(fields, "account");

	return account.len > 0 ? account : work->account;
}

struct str
row_account(const struct row_work *work, const struct job_row *row)
{
	struct fields fields;
	struct str account = work->account;

	if (fields_open(&fields, work->arena, row))
		account = account_in(work, &fields);
	fields_close(&fields);
	return account;
}

/* --- Who is meant --------------------------------------------------------- */

struct person {
	struct str account;
	struct str key; /* "id:4711" or "mail:ann@example.org", folded */
	struct str username;
};

struct people {
	struct person *items;
	size_t count;
	size_t cap;
	struct str *accounts; /* that were read */
	size_t account_count;
	size_t account_cap;
};

static int
person_order(const void *a, const void *b)
{
	const struct person *x = a;
	const struct person *y = b;
	int order = str_cmp(x->account, y->account);

	return order != 0 ? order : str_cmp(x->key, y->key);
}

static struct str
key_of(struct arena *arena, const char *kind, struct str value)
{
	struct str folded = str_fold(arena, value);

	return folded.ptr != NULL
		   ? str_fmt(arena, "%s:%.*s", kind, STR_ARGS(folded))
		   : folded;
}

static bool
person_put(struct row_work *work, struct str account, struct str key,
    struct str username)
{
	struct people *people = work->people;
	struct person *items = arena_grow(work->arena, people->items,
	    people->count, &people->cap, sizeof(*items));

	if (items == NULL || key.ptr == NULL)
		return false;
	people->items = items;
	items[people->count++] = (struct person){ account, key, username };
	return true;
}

static bool
person_keep(
    struct row_work *work, struct str account, const struct member *member)
{
	if (member->email.len > 0 &&
	    !person_put(work, account,
		key_of(work->arena, "mail", member->email), member->username))
		return false;
	for (size_t i = 0; i < member->identity_count; i++)
		if (!person_put(work, account,
			key_of(work->arena, "id",
			    member->identities[i].external_id),
			member->username))
			return false;
	return true;
}

static bool
people_read(struct row_work *work, struct str account, struct err *err)
{
	struct people *people = work->people;
	struct page page = { .max = PAGE_MAX };
	struct member *members = NULL;
	size_t count = 0;
	struct str *accounts = arena_grow(work->arena, people->accounts,
	    people->account_count, &people->account_cap, sizeof(*accounts));

	if (accounts == NULL)
		return change_no_memory(err);
	people->accounts = accounts;
	accounts[people->account_count++] = account;
	do {
		if (!store_list_members(work->admin->store, work->arena,
			account, &page, &members, &count, err))
			return false;
		for (size_t i = 0; i < count; i++)
			if (!person_keep(work, account, &members[i]))
				return change_no_memory(err);
		if (count > 0)
			page.after =
			    str_fold(work->arena, members[count - 1].username);
	} while (count == PAGE_MAX);
	qsort(
	    people->items, people->count, sizeof(*people->items), person_order);
	return true;
}

static bool
people_need(struct row_work *work, struct str account, struct err *err)
{
	if (work->people == NULL)
		work->people = ARENA_NEW(work->arena, struct people);
	if (work->people == NULL)
		return change_no_memory(err);
	for (size_t i = 0; i < work->people->account_count; i++)
		if (str_eq(work->people->accounts[i], account))
			return true;
	return people_read(work, account, err);
}

static bool
person_missing(struct str account, struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "grant_unknown",
	    "nobody on %.*s has this external_id or address",
	    STR_ARGS(account));
}

/* Two people with one address cannot be told apart by it. */
static bool
person_find(struct row_work *work, struct str account, struct str key,
    struct str *username, struct err *err)
{
	const struct person like = { account, key, STR("") };
	const struct people *people = work->people;
	const struct person *first =
	    people->count > 0 ? bsearch(&like, people->items, people->count,
				    sizeof(like), person_order)
			      : NULL;

	if (first == NULL)
		return person_missing(account, err);
	if ((first > people->items && person_order(first - 1, &like) == 0) ||
	    (first + 1 < people->items + people->count &&
		person_order(first + 1, &like) == 0))
		return err_set(err, ERR_REFUSED, "member_ambiguous",
		    "several members of %.*s have this address; name the "
		    "external_id",
		    STR_ARGS(account));
	*username = first->username;
	return true;
}

static bool
target_find(struct row_work *work, const struct fields *fields,
    struct str account, struct str *username, struct err *err)
{
	struct str external = field(fields, "external_id");
	struct str email = field(fields, "email");

	if (external.len == 0 && email.len == 0)
		return err_set(err, ERR_REFUSED, "row_key",
		    "the row has neither external_id nor email; name one");
	return people_need(work, account, err) &&
	       person_find(work, account,
		   external.len > 0 ? key_of(work->arena, "id", external)
				    : key_of(work->arena, "mail", email),
		   username, err);
}

/* --- What a row does ------------------------------------------------------ */

struct outcome {
	enum job_result result;
	struct str says;
};

static bool
row_add(struct row_work *work, const struct fields *fields, struct outcome *out,
    struct err *err)
{
	const struct invitation wanted = {
		.email = field(fields, "email"),
		.name = full_name(fields),
		.phone = field(fields, "phone"),
		.account = account_in(work, fields),
		.role = field(fields, "role"),
		.licences = field_names(fields, "licences"),
		.filters = field_names(fields, "filter"),
	};

	if (wanted.role.len == 0)
		return err_set(err, ERR_REFUSED, "row_role",
		    "the row adds somebody and names no role");
	out->result = ROW_CHANGED;
	out->says = str_fmt(work->arena, "invites %.*s to %.*s as %.*s",
	    STR_ARGS(wanted.email), STR_ARGS(wanted.account),
	    STR_ARGS(wanted.role));
	return admin_invite(work->admin, &wanted, work->job, NULL, err);
}

const struct grant *
row_grant(const struct member *member, struct str account)
{
	const struct grant *first = NULL;

	for (size_t i = 0; i < member->grant_count; i++) {
		const struct grant *g = &member->grants[i];

		if (!str_eq(g->account, account))
			continue;
		if (str_eq(g->source, SOURCE_LOCAL))
			return g;
		if (first == NULL)
			first = g;
	}
	return first;
}

static struct grant
grant_wanted(const struct fields *fields, const struct grant *now)
{
	struct grant wanted = *now;
	struct str role = field(fields, "role");

	if (role.len > 0)
		wanted.role = role;
	if (field_is_there(fields, "licences"))
		wanted.licences = field_names(fields, "licences");
	if (field_is_there(fields, "filter"))
		wanted.filters = field_names(fields, "filter");
	wanted.source = SOURCE_LOCAL;
	return wanted;
}

static struct member
person_wanted(const struct fields *fields, const struct member *now)
{
	struct member wanted = *now;
	struct str name = full_name(fields);
	struct str phone = field(fields, "phone");
	struct str email = field(fields, "email");

	if (name.len > 0)
		wanted.name = name;
	if (phone.len > 0)
		wanted.phone = phone;
	/* By an external_id the address can be mended. */
	if (field(fields, "external_id").len > 0 && email.len > 0)
		wanted.email = email;
	return wanted;
}

static struct str
edit_says(struct row_work *work, const struct member *member,
    const struct grant *now, const struct grant *wanted)
{
	if (!str_eq(now->role, wanted->role))
		return str_fmt(work->arena,
		    "changes %.*s on %.*s from %.*s to %.*s",
		    STR_ARGS(member->username), STR_ARGS(now->account),
		    STR_ARGS(now->role), STR_ARGS(wanted->role));
	return str_fmt(work->arena, "changes %.*s on %.*s",
	    STR_ARGS(member->username), STR_ARGS(now->account));
}

/* When the grant is refused, the person's change goes too: row_apply() holds a
 * savepoint of its own. */
static bool
edit_write(struct row_work *work, const struct member *now,
    const struct member *person, const struct grant *before,
    const struct grant *grant, struct err *err)
{
	bool same_grant =
	    str_eq(before->role, grant->role) && grant_same(before, grant);

	return (member_alike(now, person) || admin_member_edit(work->admin,
						 now->username, person, err)) &&
	       (same_grant ||
		   admin_grant_set(work->admin, now->username, grant, err));
}

static bool
row_edit(struct row_work *work, const struct fields *fields,
    struct outcome *out, struct err *err)
{
	struct str account = account_in(work, fields);
	struct str username = STR("");
	struct member member = { 0 };
	const struct grant *before;
	struct member person;
	struct grant grant;

	if (!target_find(work, fields, account, &username, err))
		return false;
	switch (store_member(
	    work->admin->store, work->arena, username, &member, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return person_missing(account, err);
	case FOUND_YES:
		break;
	}
	before = row_grant(&member, account);
	if (before == NULL) /* the owner, or gone meanwhile */
		return person_missing(account, err);
	person = person_wanted(fields, &member);
	grant = grant_wanted(fields, before);
	out->result = ROW_SAME;
	out->says = STR("as it is");
	if (member_alike(&member, &person) &&
	    str_eq(before->role, grant.role) && grant_same(before, &grant))
		return true;
	out->result = ROW_CHANGED;
	out->says = edit_says(work, &member, before, &grant);
	return edit_write(work, &member, &person, before, &grant, err);
}

static bool
row_delete(struct row_work *work, const struct fields *fields,
    struct outcome *out, struct err *err)
{
	struct str account = account_in(work, fields);
	struct str username = STR("");
	struct member member = { 0 };
	const struct grant *there;

	if (!target_find(work, fields, account, &username, err))
		return false;
	switch (store_member(
	    work->admin->store, work->arena, username, &member, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return person_missing(account, err);
	case FOUND_YES:
		break;
	}
	there = row_grant(&member, account);
	if (there == NULL)
		return person_missing(account, err);
	out->result = ROW_CHANGED;
	out->says = str_fmt(work->arena, "removes %.*s, %.*s, from %.*s",
	    STR_ARGS(username), STR_ARGS(there->role), STR_ARGS(account));
	return admin_grant_remove(
	    work->admin, username, account, there->role, there->source, err);
}

static bool
row_do(struct row_work *work, const struct fields *fields, struct outcome *out,
    struct err *err)
{
	switch (action_in(fields)) {
	case ROW_ADD:
		return row_add(work, fields, out, err);
	case ROW_EDIT:
		return row_edit(work, fields, out, err);
	case ROW_DELETE:
		return row_delete(work, fields, out, err);
	case ROW_NONE:
		break;
	}
	return err_set(err, ERR_REFUSED, "row_action",
	    "the action is none of add, edit and delete");
}

/* What a row may be refused for; everything else ends the work. */
static bool
is_row_fault(const struct err *why)
{
	return why->kind == ERR_REFUSED || why->kind == ERR_NOT_FOUND ||
	       why->kind == ERR_LIMIT || why->kind == ERR_USAGE ||
	       (why->kind == ERR_FILE && strncmp(why->code, "store_", 6) != 0);
}

static bool
row_try(struct row_work *work, const struct job_row *row,
    struct outcome *outcome, struct err *why)
{
	struct fields fields;
	bool ok = fields_open(&fields, work->arena, row)
		      ? row_do(work, &fields, outcome, why)
		      : err_set(why, ERR_REFUSED, "row_form",
			    "the row could not be read");

	fields_close(&fields);
	return ok;
}

bool
row_apply(struct row_work *work, struct job_row *row, struct err *err)
{
	struct admin *admin = work->admin;
	int64_t changes = admin->changes;
	struct outcome outcome = { ROW_OPEN, STR("") };
	struct err why = { 0 };
	bool ok;

	if (!store_savepoint(admin->store, err))
		return false;
	ok = row_try(work, row, &outcome, &why);
	if (!ok) {
		store_undo(admin->store);
		admin->changes = changes;
	} else if (!store_release(admin->store, err))
		return false;
	if (!ok && !is_row_fault(&why)) {
		*err = why;
		return false;
	}
	row->result = ok ? outcome.result : ROW_REFUSED;
	row->code = ok ? STR("") : str_from(why.code);
	row->says =
	    ok ? outcome.says : str_copy(work->arena, str_from(why.text));
	return row->says.ptr != NULL || change_no_memory(err);
}
