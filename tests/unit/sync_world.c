#include "tests/unit/sync_world.h"

#include <string.h>

#include "tests/unit/unit.h"

static struct role roles[] = {
	{ .name = { "viewer", 6 } },
	{ .name = { "scoped", 6 },
	    .filtered = true,
	    .filtered_level = { "account", 7 } },
	{ .name = { "editor", 6 } },
	{ .name = { "top", 3 } },
};

static const struct catalogue catalogue = {
	.name = { "test", 4 },
	.roles = roles,
	.role_count = 4,
	.top = 3,
};
static const struct catalogue *const catalogue_items[] = { &catalogue };

static const struct str ceiling[] = { { "editor", 6 }, { "top", 3 },
	{ "viewer", 6 }, { "scoped", 6 } };

/* The next field; empty when there is none left. */
static struct str
next(struct str *rest, char sep)
{
	struct str field = { NULL, 0 };

	(void)str_next(rest, sep, &field);
	return field;
}

static size_t
lines(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += *text == '\n';
	return count;
}

static void
attribute_put(struct sync_world *w, struct attribute *list, size_t *count,
    const char *name, struct str value)
{
	struct str *values = ARENA_ARRAY(&w->arena, struct str, 1);

	if (value.len == 0)
		return;
	values[0] = value;
	list[(*count)++] = (struct attribute){ str_from(name), { values, 1 } };
}

static void
people_put(struct sync_world *w, const char *text)
{
	struct str rest = str_from(text);
	struct str line;
	struct entries *to = &w->reading.people;

	to->items = ARENA_ARRAY(&w->arena, struct entry, lines(text) + 1);
	while (str_next(&rest, '\n', &line) && line.len > 0) {
		struct attribute *list =
		    ARENA_ARRAY(&w->arena, struct attribute, 5);
		size_t count = 0;
		struct str id = next(&line, '|');
		struct str uid = next(&line, '|');

		attribute_put(w, list, &count, "entryUUID", id);
		attribute_put(w, list, &count, "uid", uid);
		attribute_put(w, list, &count, "mail", next(&line, '|'));
		attribute_put(w, list, &count, "cn", next(&line, '|'));
		attribute_put(
		    w, list, &count, "employeeType", next(&line, '|'));
		to->items[to->count++] = (struct entry){
			.dn = str_fmt(
			    &w->arena, "uid=%.*s,ou=p,dc=x", STR_ARGS(uid)),
			.attributes = list,
			.attribute_count = count,
		};
	}
	entries_sort(to);
}

static struct names
members_of(struct sync_world *w, struct str text)
{
	struct str *values = ARENA_ARRAY(&w->arena, struct str, text.len + 1);
	size_t count = 0;
	struct str one;

	while (text.len > 0 && str_next(&text, ',', &one))
		values[count++] = one.ptr[0] == '@'
				      ? str_fmt(&w->arena, "cn=%.*s,ou=g,dc=x",
					    (int)one.len - 1, one.ptr + 1)
				      : str_fmt(&w->arena, "uid=%.*s,ou=p,dc=x",
					    STR_ARGS(one));
	return (struct names){ values, count };
}

static void
groups_put(struct sync_world *w, const char *text)
{
	struct str rest = str_from(text);
	struct str line;
	struct entries *to = &w->reading.groups;

	to->items = ARENA_ARRAY(&w->arena, struct entry, lines(text) + 1);
	while (str_next(&rest, '\n', &line) && line.len > 0) {
		struct attribute *list =
		    ARENA_ARRAY(&w->arena, struct attribute, 2);
		size_t count = 0;
		struct str cn = next(&line, '|');

		attribute_put(w, list, &count, "cn", cn);
		list[count++] = (struct attribute){ STR("member"),
			members_of(w, next(&line, '|')) };
		to->items[to->count++] = (struct entry){
			.dn = str_fmt(
			    &w->arena, "cn=%.*s,ou=g,dc=x", STR_ARGS(cn)),
			.attributes = list,
			.attribute_count = count,
		};
	}
	entries_sort(to);
}

static void
grants_put(struct sync_world *w, struct member *m, struct str text)
{
	struct grant *grants =
	    ARENA_ARRAY(&w->arena, struct grant, text.len + 1);
	struct str one;

	m->grants = grants;
	while (text.len > 0 && str_next(&text, ',', &one)) {
		struct grant *g = &grants[m->grant_count++];

		g->account = next(&one, ':');
		g->role = next(&one, ':');
		g->source = next(&one, ':');
	}
}

static void
state_put(struct sync_world *w, const char *text)
{
	struct str rest = str_from(text);
	struct str line;
	struct err e = { 0 };

	w->state.members =
	    ARENA_ARRAY(&w->arena, struct member, lines(text) + 1);
	while (str_next(&rest, '\n', &line) && line.len > 0) {
		struct member *m = &w->state.members[w->state.member_count++];
		struct identity *identity =
		    ARENA_ARRAY(&w->arena, struct identity, 2);

		m->username = next(&line, '|');
		m->id = str_fmt(&w->arena, "id-of-%.*s", STR_ARGS(m->username));
		m->email = next(&line, '|');
		m->name = next(&line, '|');
		m->status = member_status_from(next(&line, '|'));
		identity->external_id = next(&line, '|');
		identity->source = STR("corp");
		if (identity->external_id.len > 0 &&
		    identity->external_id.ptr[0] == '@') {
			identity->source = STR("elsewhere");
			identity->external_id.ptr++;
			identity->external_id.len--;
		}
		m->identities = identity;
		m->identity_count = identity->external_id.len > 0;
		if (m->identity_count == 1 &&
		    identity->external_id.ptr[0] == '+') {
			identity->external_id.ptr++;
			identity->external_id.len--;
			identity[m->identity_count++] =
			    (struct identity){ STR("elsewhere"), STR("e1") };
		}
		grants_put(w, m, next(&line, '|'));
	}
	w->state.accounts = ARENA_ARRAY(&w->arena, struct account, 4);
	w->state.account_count = 4;
	for (int i = 0; i < 4; i++) {
		static const char *const ids[] = { "home", "other", "root",
			"sales" };

		w->state.accounts[i] = (struct account){
			.id = str_from(ids[i]),
			.name = str_from(ids[i]),
			.parent_id = i == 3 ? STR("root") : STR(""),
			.kind = i == 0 ? ACCOUNT_PERSONAL : ACCOUNT_SHARED,
			.level = STR("account"),
			.catalogue = i == 3 ? STR("") : STR("test"),
			.status = ACCOUNT_ACTIVE,
		};
	}
	w->state.catalogues = (struct catalogues){ catalogue_items, 1 };
	ck_assert_msg(state_index(&w->state, &w->arena, &e), "%s", e.text);
}

static void
rules_put(struct sync_world *w, const char *text)
{
	struct grant_rule *rules =
	    ARENA_ARRAY(&w->arena, struct grant_rule, lines(text) + 1);
	struct disabled_rule *disabled =
	    ARENA_NEW(&w->arena, struct disabled_rule);
	struct str rest = str_from(text);
	struct str line;
	size_t count = 0;

	while (str_next(&rest, '\n', &line) && line.len > 0) {
		struct grant_rule *rule = &rules[count++];
		struct str name = next(&line, '|');

		if (memchr(name.ptr, '{', name.len) != NULL) {
			rule->pattern = name;
			rule->accounts = (struct account_pattern){
				.create = true,
				.parent = STR("root"),
				.level = STR("account"),
				.name = STR("Team {account}"),
			};
		} else
			rule->group = name;
		rule->account = next(&line, '|');
		rule->role = next(&line, '|');
	}
	*disabled =
	    (struct disabled_rule){ STR("employeeType"), STR("disabled") };
	w->source = (struct source){
		.name = STR("corp"),
		.digest = STR("digest"),
		.people = { .id = STR("entryUUID"),
		    .username = STR("uid"),
		    .email = STR("mail"),
		    .name = STR("cn"),
		    .disabled = disabled,
		    .disabled_count = 1 },
		.groups = { .id = STR("entryUUID"), .nested_depth = 100 },
		.grants = rules,
		.grant_count = count,
		.ceiling = { ceiling, 4 },
		.guard = { 5, 5, 20 },
		.grace_days = 30,
	};
}

void
world_make(struct sync_world *world, const char *rules, const char *people,
    const char *groups, const char *members)
{
	*world = (struct sync_world){ .now_s = 1000000000 };
	rules_put(world, rules);
	people_put(world, people);
	groups_put(world, groups);
	state_put(world, members);
	ck_assert(actual_make(
	    &world->actual, &world->arena, &world->state, world->source.name));
}

bool
world_plan(struct sync_world *world, struct err *err)
{
	struct sync_world *w = world;
	const struct plan_input in = { .source = &w->source,
		.actual = &w->actual,
		.wanted = &w->wanted,
		.notes = &w->notes,
		.absences = w->absences,
		.absence_count = w->absence_count,
		.now_s = w->now_s };

	w->notes = (struct notes){ .arena = &w->arena };
	return wanted_make(&w->wanted, &w->arena, &w->reading, &w->source,
		   &w->actual, &w->notes, err) &&
	       plan_make(&w->plan, &w->arena, &in, &w->notes, err) &&
	       guard_check(&w->arena, &w->plan, &w->source, &w->actual,
		   &w->wanted, &w->held);
}

struct str
world_says(struct sync_world *world)
{
	struct str out = STR("");

	for (size_t i = 0; i < world->plan.count; i++) {
		struct str says =
		    change_says(&world->arena, &world->plan.changes[i], false);

		out = str_fmt(
		    &world->arena, "%.*s%.*s\n", STR_ARGS(out), STR_ARGS(says));
	}
	return out;
}

bool
world_has_note(const struct sync_world *world, const char *code)
{
	for (size_t i = 0; i < world->notes.count; i++)
		if (strcmp(world->notes.items[i].code, code) == 0)
			return true;
	return false;
}

void
world_free(struct sync_world *world)
{
	arena_free(&world->arena);
}
