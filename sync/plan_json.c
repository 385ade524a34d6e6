/* A plan as one line of JSON and back, see plan.h and docs/sync.md. */
#include "sync/plan.h"

#include <stdlib.h>
#include <string.h>

#include "model/json.h"

/* One row a text field of a change: written when it is not empty. */
/* clang-format off */
static const struct { const char *key; size_t at; } change_fields[] = {
	{ "id",           offsetof(struct change, id) },
	{ "username",     offsetof(struct change, username) },
	{ "name",         offsetof(struct change, name) },
	{ "email",        offsetof(struct change, email) },
	{ "new_username", offsetof(struct change, new_username) },
	{ "account",      offsetof(struct change, account) },
	{ "role",         offsetof(struct change, role) },
	{ "via",          offsetof(struct change, via) },
	{ "refused",      offsetof(struct change, refused_code) },
	{ "refused_says", offsetof(struct change, refused_text) },
};

static const struct { const char *key; size_t at; } account_fields[] = {
	{ "name",      offsetof(struct account, name) },
	{ "parent",    offsetof(struct account, parent_id) },
	{ "level",     offsetof(struct account, level) },
	{ "catalogue", offsetof(struct account, catalogue) },
	{ "owner",     offsetof(struct account, owner) },
};
/* clang-format on */
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct str *
field(void *base, size_t at)
{
	return (struct str *)(void *)((char *)base + at);
}

static struct str
field_of(const void *base, size_t at)
{
	return *(const struct str *)(const void *)((const char *)base + at);
}

/* --- Writing -------------------------------------------------------------- */

static json_t *
text(struct str s)
{
	return json_stringn(s.ptr != NULL ? s.ptr : "", s.len);
}

static json_t *
list(struct names names)
{
	json_t *array = json_array();

	for (size_t i = 0; i < names.count; i++)
		if (json_array_append_new(array, text(names.items[i])) != 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

/* False when memory is out, or the text is not UTF-8 (it was checked). */
static bool
put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

static json_t *
account_to_json(const struct account *account)
{
	json_t *object = json_object();
	bool ok = object != NULL;

	for (size_t i = 0; ok && i < COUNT(account_fields); i++) {
		struct str s = field_of(account, account_fields[i].at);

		if (s.len > 0)
			ok = put(object, account_fields[i].key, text(s));
	}
	if (ok && account->licences.count > 0)
		ok = put(object, "licences", list(account->licences));
	if (ok)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *
change_to_json(struct arena *arena, const struct change *change)
{
	json_t *object = json_object();
	bool ok = object != NULL &&
		  put(object, "do", json_string(change_word(change->kind))) &&
		  put(object, "says", text(change_says(arena, change, false)));

	for (size_t i = 0; ok && i < COUNT(change_fields); i++) {
		struct str s = field_of(change, change_fields[i].at);

		if (s.len > 0)
			ok = put(object, change_fields[i].key, text(s));
	}
	if (ok && change->licences.count > 0)
		ok = put(object, "licences", list(change->licences));
	if (ok && change->kind == CHANGE_ACCOUNT_ADD)
		ok = put(object, "make", account_to_json(&change->made));
	if (ok)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *
changes_to_json(struct arena *arena, const struct plan *plan)
{
	json_t *array = json_array();

	for (size_t i = 0; i < plan->count; i++)
		if (json_array_append_new(
			array, change_to_json(arena, &plan->changes[i])) != 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *
notes_to_json(const struct plan *plan)
{
	json_t *array = json_array();

	for (size_t i = 0; i < plan->note_count; i++) {
		json_t *note = json_object();

		if (!put(note, "code", json_string(plan->notes[i].code)) ||
		    !put(note, "says", text(plan->notes[i].text)) ||
		    json_array_append(array, note) != 0) {
			json_decref(note);
			json_decref(array);
			return NULL;
		}
		json_decref(note);
	}
	return array;
}

static json_t *
counts_to_json(const struct plan *plan)
{
	json_t *object = json_object();

	for (int kind = CHANGE_NONE + 1; kind < CHANGE_KINDS; kind++) {
		size_t count = plan_count(plan, (enum change_kind)kind);

		if (count > 0 &&
		    !put(object, change_word((enum change_kind)kind),
			json_integer((json_int_t)count))) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static json_t *
absent_to_json(const struct plan *plan)
{
	json_t *object = json_object();

	if (put(object, "start", list(plan->absent_start)) &&
	    put(object, "still", list(plan->absent_still)) &&
	    put(object, "forget", list(plan->absent_forget)))
		return object;
	json_decref(object);
	return NULL;
}

struct str
plan_to_json(struct arena *arena, const struct plan *plan)
{
	json_t *root = json_object();

	if (put(root, "format", json_integer(1)) &&
	    put(root, "source", text(plan->source)) &&
	    put(root, "mapping", text(plan->mapping)) &&
	    put(root, "ceiling", list(plan->ceiling)) &&
	    put(root, "people", json_integer(plan->people_read)) &&
	    put(root, "groups", json_integer(plan->groups_read)) &&
	    put(root, "counts", counts_to_json(plan)) &&
	    put(root, "changes", changes_to_json(arena, plan)) &&
	    put(root, "absent", absent_to_json(plan)) &&
	    put(root, "notes", notes_to_json(plan)))
		return json_text(arena, root);
	json_decref(root);
	return (struct str){ NULL, 0 };
}

/* --- Reading -------------------------------------------------------------- */

static bool
read_text(
    struct arena *arena, const json_t *object, const char *key, struct str *out)
{
	const json_t *value = json_object_get(object, key);

	if (value == NULL)
		return true; /* an empty field is left out */
	if (!json_is_string(value))
		return false;
	*out = str_copy(arena, (struct str){ json_string_value(value),
				   json_string_length(value) });
	return out->ptr != NULL;
}

static bool
read_list(struct arena *arena, const json_t *object, const char *key,
    struct names *out)
{
	const json_t *array = json_object_get(object, key);
	size_t count = json_array_size(array);
	struct str *items = ARENA_ARRAY(arena, struct str, count);

	if (items == NULL || (array != NULL && !json_is_array(array)))
		return false;
	for (size_t i = 0; i < count; i++) {
		const json_t *value = json_array_get(array, i);

		if (!json_is_string(value))
			return false;
		items[i] =
		    str_copy(arena, (struct str){ json_string_value(value),
					json_string_length(value) });
		if (items[i].ptr == NULL)
			return false;
	}
	*out = (struct names){ items, count };
	return true;
}

static enum change_kind
kind_from(const json_t *word)
{
	if (json_is_string(word))
		for (int kind = CHANGE_NONE + 1; kind < CHANGE_KINDS; kind++)
			if (strcmp(json_string_value(word),
				change_word((enum change_kind)kind)) == 0)
				return (enum change_kind)kind;
	return CHANGE_NONE;
}

static bool
account_from_json(
    struct arena *arena, const json_t *object, struct account *out)
{
	if (!json_is_object(object))
		return false;
	for (size_t i = 0; i < COUNT(account_fields); i++)
		if (!read_text(arena, object, account_fields[i].key,
			field(out, account_fields[i].at)))
			return false;
	out->kind = ACCOUNT_SHARED;
	out->status = ACCOUNT_ACTIVE;
	return read_list(arena, object, "licences", &out->licences);
}

static bool
change_from_json(struct arena *arena, const json_t *object, struct change *out)
{
	if (!json_is_object(object))
		return false;
	out->kind = kind_from(json_object_get(object, "do"));
	if (out->kind == CHANGE_NONE)
		return false;
	for (size_t i = 0; i < COUNT(change_fields); i++)
		if (!read_text(arena, object, change_fields[i].key,
			field(out, change_fields[i].at)))
			return false;
	if (out->kind == CHANGE_ACCOUNT_ADD &&
	    !account_from_json(
		arena, json_object_get(object, "make"), &out->made))
		return false;
	out->made.id = out->account;
	return read_list(arena, object, "licences", &out->licences);
}

static bool
changes_from_json(struct arena *arena, const json_t *array, struct plan *out)
{
	out->count = json_array_size(array);
	out->cap = out->count;
	out->changes = ARENA_ARRAY(arena, struct change, out->count);
	if (!json_is_array(array) || out->changes == NULL)
		return false;
	for (size_t i = 0; i < out->count; i++)
		if (!change_from_json(
			arena, json_array_get(array, i), &out->changes[i]))
			return false;
	return true;
}

static bool
root_from_json(struct arena *arena, const json_t *root, struct plan *out)
{
	const json_t *absent = json_object_get(root, "absent");

	if (json_integer_value(json_object_get(root, "format")) != 1)
		return false;
	out->people_read = json_integer_value(json_object_get(root, "people"));
	out->groups_read = json_integer_value(json_object_get(root, "groups"));
	return read_text(arena, root, "source", &out->source) &&
	       read_text(arena, root, "mapping", &out->mapping) &&
	       read_list(arena, root, "ceiling", &out->ceiling) &&
	       changes_from_json(
		   arena, json_object_get(root, "changes"), out) &&
	       read_list(arena, absent, "start", &out->absent_start) &&
	       read_list(arena, absent, "still", &out->absent_still) &&
	       read_list(arena, absent, "forget", &out->absent_forget);
}

bool
plan_from_json(
    struct plan *out, struct arena *arena, struct str body, struct err *err)
{
	json_t *root = body.ptr != NULL ? json_loadb(body.ptr, body.len,
					      JSON_REJECT_DUPLICATES, NULL)
					: NULL;
	bool ok;

	*out = (struct plan){ 0 };
	ok = root != NULL && root_from_json(arena, root, out);
	json_decref(root);
	return ok ||
	       err_set(err, ERR_FILE, "plan_unreadable",
		   "the saved plan cannot be read; make a new one with plan");
}
