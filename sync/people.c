#include "sync/people.h"

#include <stdlib.h>

#include "base/bounds.h"
#include "base/text.h"
#include "sync/dn.h"

/* --- What the store has --------------------------------------------------- */

bool
actual_make(struct actual *out, struct arena *arena, const struct state *state,
    struct str source)
{
	*out = (struct actual){ .state = state, .source = source };
	for (size_t m = 0; m < state->member_count; m++) {
		const struct member *member = &state->members[m];

		for (size_t i = 0; i < member->identity_count; i++) {
			const struct identity *id = &member->identities[i];

			if (!str_eq(id->source, source))
				continue;
			if (!index_add(&out->by_id, arena, id->external_id,
				(uint32_t)m))
				return false;
			out->count++;
		}
	}
	index_sort(&out->by_id);
	return true;
}

const struct member *
actual_member(const struct actual *actual, struct str id)
{
	uint32_t at;

	if (index_find(&actual->by_id, id, &at) == INDEXED_NOT)
		return NULL;
	return &actual->state->members[at];
}

/* --- What the directory says ---------------------------------------------- */

/* One value of several: the one that the store has already, else the first
 * by bytes, so that two runs never disagree. */
static struct str
one_of(struct names values, struct str have)
{
	if (values.count == 0)
		return (struct str){ NULL, 0 };
	return names_have(values, have) ? have : values.items[0];
}

static bool
is_disabled(const struct entry *entry, const struct people_rules *rules)
{
	for (size_t i = 0; i < rules->disabled_count; i++) {
		const struct disabled_rule *rule = &rules->disabled[i];
		struct names values = entry_values(entry, rule->attribute);

		if (rule->value.len == 0 && values.count > 0)
			return true;
		for (size_t v = 0; v < values.count; v++)
			if (rule->value.len > 0 &&
			    str_eq_fold(values.items[v], rule->value))
				return true;
	}
	return false;
}

/* The id, when it is one and can be kept. */
static bool
id_of(const struct entry *entry, const struct people_rules *rules,
    struct str *id, struct notes *notes)
{
	struct names values = entry_values(entry, rules->id);
	struct err e = { 0 };

	if (values.count != 1) {
		note_add(notes, values.count == 0 ? "no_id" : "several_ids",
		    "%.*s: left out, has %zu values of %.*s",
		    STR_ARGS(shown(entry->dn)), values.count,
		    STR_ARGS(rules->id));
		return false;
	}
	if (!text_check_id(values.items[0], EXTERNAL_ID_MAX, "id", &e)) {
		note_add(notes, "bad_id", "%.*s: left out, %s",
		    STR_ARGS(shown(entry->dn)), e.text);
		return false;
	}
	*id = values.items[0];
	return true;
}

/* Fills username, address and name, or notes why they cannot be taken. */
static void
attributes_of(struct person *person, const struct entry *entry,
    const struct people_rules *rules, struct notes *notes)
{
	const struct member none = { 0 };
	const struct member *have =
	    person->member != NULL ? person->member : &none;
	struct member member = { .status = MEMBER_ACTIVE };
	struct err e = { 0 };

	member.username =
	    one_of(entry_values(entry, rules->username), have->username);
	member.email = one_of(entry_values(entry, rules->email), have->email);
	member.name = one_of(entry_values(entry, rules->name), have->name);
	if (member.username.len == 0) {
		note_add(notes, "no_username", "%.*s: left out, has no %.*s",
		    STR_ARGS(shown(entry->dn)), STR_ARGS(rules->username));
		return;
	}
	if (member.name.len == 0)
		member.name = member.username;
	person->username = member.username;
	member.id = person->id;
	if (!text_check_id(member.username, USERNAME_MAX, "username", &e) ||
	    !member_check(&member, &e)) {
		note_add(notes, "bad_attribute", "%.*s: left out, %s",
		    STR_ARGS(shown(entry->dn)), e.text);
		return;
	}
	person->email = member.email;
	person->name = member.name;
	person->use = PERSON_WHOLE;
}

static bool
nameless_add(struct people *people, struct arena *arena,
    const struct entry *entry, const struct people_rules *rules)
{
	struct names values = entry_values(entry, rules->username);

	for (size_t i = 0; i < values.count; i++) {
		struct str folded = str_fold(arena, values.items[i]);

		if (folded.ptr == NULL ||
		    !index_add(&people->nameless, arena, folded, 0))
			return false;
	}
	return true;
}

static int
by_id(const void *a, const void *b)
{
	const struct person *x = a;
	const struct person *y = b;
	int order = str_cmp(x->id, y->id);

	return order != 0 ? order : str_cmp(x->dn, y->dn);
}

/* Two entries with one id: neither is believed. */
static void
doubles_freeze(struct people *people, struct notes *notes)
{
	for (size_t i = 1; i < people->count; i++) {
		struct person *a = &people->items[i - 1];
		struct person *b = &people->items[i];

		if (!str_eq(a->id, b->id))
			continue;
		a->use = PERSON_FROZEN;
		b->use = PERSON_FROZEN;
		note_add(notes, "double_id",
		    "%.*s and %.*s: left out, both have the id %.*s",
		    STR_ARGS(shown(a->dn)), STR_ARGS(shown(b->dn)),
		    STR_ARGS(b->id));
	}
}

static bool
index_people(struct people *people, struct arena *arena)
{
	for (size_t i = 0; i < people->count; i++) {
		const struct person *p = &people->items[i];
		struct str folded = str_fold(arena, p->username);
		struct str key;

		if (folded.ptr == NULL ||
		    !index_add(&people->by_id, arena, p->id, (uint32_t)i) ||
		    (p->username.len > 0 && !index_add(&people->by_username,
						arena, folded, (uint32_t)i)))
			return false;
		switch (dn_normal(arena, p->dn, &key)) {
		case DN_NO_MEMORY:
			return false;
		case DN_BAD:
			break;
		case DN_OK:
			if (!index_add(
				&people->by_key, arena, key, (uint32_t)i))
				return false;
		}
	}
	index_sort(&people->by_id);
	index_sort(&people->by_key);
	index_sort(&people->by_username);
	index_sort(&people->nameless);
	return true;
}

bool
people_make(struct people *out, struct arena *arena,
    const struct entries *entries, const struct people_rules *rules,
    const struct actual *actual, struct notes *notes, struct err *err)
{
	bool ok = true;

	*out = (struct people){ 0 };
	out->items = ARENA_ARRAY(arena, struct person, entries->count);
	ok = out->items != NULL;
	for (size_t i = 0; ok && i < entries->count; i++) {
		const struct entry *entry = &entries->items[i];
		struct person p = { .dn = entry->dn, .use = PERSON_RIGHTS };

		if (!id_of(entry, rules, &p.id, notes)) {
			ok = nameless_add(out, arena, entry, rules);
			continue;
		}
		p.member = actual_member(actual, p.id);
		p.disabled = is_disabled(entry, rules);
		attributes_of(&p, entry, rules, notes);
		out->items[out->count++] = p;
	}
	if (ok && out->count > 1)
		qsort(out->items, out->count, sizeof(*out->items), by_id);
	if (ok)
		doubles_freeze(out, notes);
	if (!ok || !index_people(out, arena))
		return err_set(err, ERR_SOURCE, "no_memory",
		    "memory is out for %zu people", entries->count);
	return true;
}
