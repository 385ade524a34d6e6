#include "sync/memberships.h"

#include <string.h>

#include "sync/dn.h"

/* The groups while they are tied. */
struct tying {
	struct memberships *out;
	struct arena *arena;
	struct arena scratch; /* normal DNs that are only looked up */
	const struct source *source;
	const struct people *people;
	struct notes *notes;
	/* Of the group at hand. */
	size_t dangling;
	struct str first_dangling;
	size_t person_cap;
	size_t group_cap;
};

static bool
number_add(struct arena *arena, uint32_t **list, size_t *count, size_t *cap,
    uint32_t number)
{
	uint32_t *wider = arena_grow(arena, *list, *count, cap, sizeof(*wider));

	if (wider == NULL)
		return false;
	*list = wider;
	wider[(*count)++] = number;
	return true;
}

static void
dangles(struct tying *t, struct str value)
{
	if (t->dangling++ == 0)
		t->first_dangling = value;
}

/* RFC 4517 section 3.3.21: a name may be followed by #'0101'B. */
static struct str
without_uid(struct str value)
{
	size_t at = value.len;

	if (value.len < 4 || value.ptr[value.len - 1] != 'B' ||
	    value.ptr[value.len - 2] != '\'')
		return value;
	while (at > 0 && value.ptr[at - 1] != '#')
		at--;
	if (at < 2 || value.ptr[at] != '\'' || value.ptr[at - 2] == '\\')
		return value;
	return (struct str){ value.ptr, at - 1 };
}

static bool
tie_dn(struct tying *t, struct group *group, struct str value)
{
	struct str key;
	uint32_t at;

	if (value.len == 0)
		return true; /* a placeholder for nobody */
	switch (dn_normal(&t->scratch, value, &key)) {
	case DN_NO_MEMORY:
		return false;
	case DN_BAD:
		dangles(t, value);
		return true;
	case DN_OK:
		break;
	}
	if (index_find(&t->people->by_key, key, &at) == INDEXED_ONCE)
		return number_add(t->arena, &group->people,
		    &group->person_count, &t->person_cap, at);
	if (index_find(&t->out->by_key, key, &at) == INDEXED_ONCE)
		return number_add(t->arena, &group->groups, &group->group_count,
		    &t->group_cap, at);
	dangles(t, value);
	return true;
}

static bool
tie_name(struct tying *t, struct group *group, struct str value)
{
	struct str folded = str_fold(&t->scratch, value);
	uint32_t at;

	if (folded.ptr == NULL)
		return false;
	if (index_find(&t->people->by_username, folded, &at) == INDEXED_ONCE)
		return number_add(t->arena, &group->people,
		    &group->person_count, &t->person_cap, at);
	dangles(t, value);
	return true;
}

static bool
tie(struct tying *t, struct group *group, const struct entry *entry)
{
	const struct names lists[] = {
		entry_values(entry, STR("member")),
		entry_values(entry, STR("uniqueMember")),
	};
	struct names names = entry_values(entry, STR("memberUid"));

	t->dangling = 0;
	t->person_cap = 0;
	t->group_cap = 0;
	for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++)
		for (size_t i = 0; i < lists[l].count; i++)
			if (!tie_dn(t, group,
				l == 0 ? lists[l].items[i]
				       : without_uid(lists[l].items[i])))
				return false;
	for (size_t i = 0; i < names.count; i++)
		if (!tie_name(t, group, names.items[i]))
			return false;
	arena_reset(&t->scratch);
	return true;
}

static bool
dangling_judge(struct tying *t, const struct group *group, struct err *err)
{
	if (t->dangling == 0)
		return true;
	if (t->source->on_dangling == DANGLING_HOLD)
		return err_set(err, ERR_SOURCE, "dangling_member",
		    "group '%.*s': %zu members are not among the people and "
		    "groups that were read (first '%.*s'), and on_dangling is "
		    "hold",
		    STR_ARGS(shown(group->dn)), t->dangling,
		    STR_ARGS(shown(t->first_dangling)));
	note_add(t->notes, "dangling_member",
	    "group '%.*s': %zu members are not among the people and groups "
	    "that "
	    "were read (first '%.*s')",
	    STR_ARGS(shown(group->dn)), t->dangling,
	    STR_ARGS(shown(t->first_dangling)));
	return true;
}

static bool
group_index(struct memberships *m, struct arena *arena,
    const struct entry *entry, struct group *group, uint32_t at)
{
	struct names names = entry_values(entry, STR("cn"));

	for (size_t i = 0; i < names.count; i++) {
		struct str folded = str_fold(arena, names.items[i]);

		if (folded.ptr == NULL ||
		    !index_add(&m->by_name, arena, folded, at))
			return false;
	}
	if (group->id.len > 0 && !index_add(&m->by_id, arena, group->id, at))
		return false;
	return group->key.len == 0 ||
	       index_add(&m->by_key, arena, group->key, at);
}

static bool
groups_make(struct tying *t, const struct entries *entries)
{
	struct memberships *m = t->out;

	m->groups = ARENA_ARRAY(t->arena, struct group, entries->count);
	if (m->groups == NULL)
		return false;
	for (size_t i = 0; i < entries->count; i++) {
		const struct entry *entry = &entries->items[i];
		struct names names = entry_values(entry, STR("cn"));
		struct names ids = entry_values(entry, t->source->groups.id);
		struct group *group = &m->groups[i];

		group->dn = entry->dn;
		if (names.count > 0)
			group->name = names.items[0];
		if (ids.count == 1)
			group->id = ids.items[0];
		if (dn_normal(t->arena, entry->dn, &group->key) ==
			DN_NO_MEMORY ||
		    !group_index(m, t->arena, entry, group, (uint32_t)i))
			return false;
	}
	m->count = entries->count;
	index_sort(&m->by_key);
	index_sort(&m->by_name);
	index_sort(&m->by_id);
	return true;
}

bool
memberships_make(struct memberships *out, struct arena *arena,
    const struct entries *entries, const struct source *source,
    const struct people *people, struct notes *notes, struct err *err)
{
	struct tying t = { .out = out,
		.arena = arena,
		.source = source,
		.people = people,
		.notes = notes };
	bool ok;

	*out = (struct memberships){ 0 };
	ok = groups_make(&t, entries);
	for (size_t i = 0; ok && i < entries->count; i++)
		ok = tie(&t, &out->groups[i], &entries->items[i]) &&
		     dangling_judge(&t, &out->groups[i], err);
	arena_free(&t.scratch);
	return ok || err_set(err, ERR_SOURCE, "no_memory",
			 "memory is out for %zu groups", entries->count);
}
