#include <string.h>

#include "base/bounds.h"
#include "publish/lines.h"

/* --- Writing -------------------------------------------------------------- */

/* What a permission asks of a grant's licences. */
static const char *const need_words[] = {
	[LICENCE_ANY] = "any",
	[LICENCE_FREE] = "none",
	[LICENCE_SET] = "set",
};
#define NEEDS (sizeof(need_words) / sizeof(need_words[0]))

static void
roles_write(struct lines_out *out, const struct catalogue *catalogue)
{
	for (size_t r = 0; r < catalogue->role_count; r++) {
		const struct role *role = &catalogue->roles[r];

		out_kind(out, STR("role"));
		out_text(out, role->name);
		out_word(out, role->filtered ? "filtered" : "plain");
		out_text(out, role->filtered_level);
		out_bits(out, role->may_give, catalogue->role_count);
		out_end(out);
	}
}

static void
permissions_write(struct lines_out *out, const struct catalogue *catalogue)
{
	for (size_t p = 0; p < catalogue->permission_count; p++) {
		const struct permission *permission =
		    &catalogue->permissions[p];

		out_kind(out, STR("permission"));
		out_text(out, permission->name);
		out_text(out, permission->level);
		out_word(out, need_words[permission->need]);
		out_names(out, permission->licences);
		out_bits(out, permission->roles, catalogue->role_count);
		out_end(out);
	}
}

static void
operations_write(struct lines_out *out, const struct catalogue *catalogue)
{
	for (size_t o = 0; o < catalogue->operation_count; o++) {
		out_kind(out, STR("operation"));
		out_text(out, catalogue->operations[o].name);
		out_names(out, catalogue->operations[o].needs);
		out_end(out);
	}
}

struct str
catalogue_text(struct arena *arena, const struct catalogue *catalogue)
{
	struct lines_out out = { .arena = arena };
	int top = catalogue->top;

	if (catalogue->role_count > ROLES_PER_CATALOGUE_MAX ||
	    top >= (int)catalogue->role_count)
		return (struct str){ NULL, 0 };
	out_kind(&out, STR("catalogue"));
	out_text(&out, catalogue->name);
	out_word(&out, catalogue->ladder ? "ladder" : "plain");
	out_text(&out, top >= 0 ? catalogue->roles[top].name : STR(""));
	out_text(&out, catalogue->act_on_behalf != NULL
			   ? catalogue->act_on_behalf->name
			   : STR(""));
	out_end(&out);
	roles_write(&out, catalogue);
	permissions_write(&out, catalogue);
	operations_write(&out, catalogue);
	return out.refused ? (struct str){ NULL, 0 }
			   : (struct str){ out.ptr, out.len };
}

struct str
record_catalogue(struct arena *arena, const struct record_key *key,
    struct str name, const struct catalogue *catalogue)
{
	return record_seal(arena, key, name, catalogue->changed,
	    catalogue_text(arena, catalogue));
}

/* --- Reading -------------------------------------------------------------- */

/* Lines of one kind stand together, so the first of them can say how many. */
static size_t
lines_of(const struct lines_in *in, struct str kind)
{
	struct lines_in ahead = *in;
	size_t count = 0;

	while (in_kind(&ahead, kind))
		count++;
	return count;
}

/* "yes" or "no" in the words of the field. */
static bool
in_choice(struct lines_in *in, const char *yes, const char *no, bool *out)
{
	struct str word;

	if (!in_text(in, 1, LEVEL_NAME_MAX, &word))
		return false;
	*out = str_eq(word, str_from(yes));
	return *out || str_eq(word, str_from(no));
}

static bool
role_read(struct lines_in *in, size_t roles, struct role *out)
{
	return in_kind(in, STR("role")) &&
	       in_text(in, 1, ROLE_NAME_MAX, &out->name) &&
	       in_choice(in, "filtered", "plain", &out->filtered) &&
	       in_text(in, 0, LEVEL_NAME_MAX, &out->filtered_level) &&
	       in_bits(in, roles, &out->may_give) && in_end(in);
}

static bool
roles_read(struct lines_in *in, struct catalogue *catalogue)
{
	size_t count = lines_of(in, STR("role"));
	struct role *roles;

	if (count > ROLES_PER_CATALOGUE_MAX)
		return false;
	roles = ARENA_ARRAY(in->arena, struct role, count);
	if (roles == NULL) {
		in->no_memory = true;
		return false;
	}
	catalogue->roles = roles;
	for (size_t r = 0; r < count; r++) {
		/* A role counts by its name: it must stand there once. */
		if (!role_read(in, count, &roles[r]) ||
		    catalogue_role(catalogue, roles[r].name) >= 0)
			return false;
		catalogue->role_count++;
	}
	return true;
}

static bool
in_need(struct lines_in *in, enum licence_need *out)
{
	struct str word;

	if (!in_text(in, 1, LEVEL_NAME_MAX, &word))
		return false;
	for (size_t n = 0; n < NEEDS; n++)
		if (str_eq(word, str_from(need_words[n]))) {
			*out = (enum licence_need)n;
			return true;
		}
	return false;
}

static bool
permission_read(struct lines_in *in, size_t roles, struct permission *out)
{
	return in_kind(in, STR("permission")) &&
	       in_text(in, 1, PERMISSION_NAME_MAX, &out->name) &&
	       in_text(in, 0, LEVEL_NAME_MAX, &out->level) &&
	       in_need(in, &out->need) &&
	       in_names(in, LICENCES_MAX, LICENCE_NAME_MAX, &out->licences) &&
	       in_bits(in, roles, &out->roles) && in_end(in);
}

static bool
permissions_read(struct lines_in *in, struct catalogue *catalogue)
{
	size_t count = lines_of(in, STR("permission"));
	struct permission *permissions;

	if (count > PERMISSIONS_PER_CATALOGUE_MAX)
		return false;
	permissions = ARENA_ARRAY(in->arena, struct permission, count);
	if (permissions == NULL) {
		in->no_memory = true;
		return false;
	}
	for (size_t p = 0; p < count; p++) {
		if (!permission_read(
			in, catalogue->role_count, &permissions[p]))
			return false;
		/* They are searched by halves: order is part of the form. */
		if (p > 0 &&
		    str_cmp(permissions[p - 1].name, permissions[p].name) >= 0)
			return false;
	}
	catalogue->permissions = permissions;
	catalogue->permission_count = count;
	return true;
}

static bool
operations_read(struct lines_in *in, struct catalogue *catalogue)
{
	size_t count = lines_of(in, STR("operation"));
	struct operation *operations;

	if (count > PERMISSIONS_PER_CATALOGUE_MAX)
		return false;
	operations = ARENA_ARRAY(in->arena, struct operation, count);
	if (operations == NULL) {
		in->no_memory = true;
		return false;
	}
	for (size_t o = 0; o < count; o++) {
		if (!in_kind(in, STR("operation")) ||
		    !in_text(in, 1, PERMISSION_NAME_MAX, &operations[o].name) ||
		    !in_names(in, PERMISSIONS_PER_CATALOGUE_MAX,
			PERMISSION_NAME_MAX, &operations[o].needs) ||
		    !in_end(in))
			return false;
		if (o > 0 &&
		    str_cmp(operations[o - 1].name, operations[o].name) >= 0)
			return false;
	}
	catalogue->operations = operations;
	catalogue->operation_count = count;
	return true;
}

/* Both are named in the first line, before what they name. */
static bool
names_resolve(struct catalogue *catalogue, struct str top, struct str act)
{
	catalogue->top = top.len > 0 ? catalogue_role(catalogue, top) : -1;
	catalogue->act_on_behalf =
	    act.len > 0 ? catalogue_permission(catalogue, act) : NULL;
	return (top.len == 0 || catalogue->top >= 0) &&
	       (act.len == 0 || catalogue->act_on_behalf != NULL);
}

bool
record_read_catalogue(const struct record *record, struct arena *arena,
    const struct catalogue **out, struct err *err)
{
	struct lines_in in = lines_read(record, arena);
	struct catalogue *catalogue = ARENA_NEW(arena, struct catalogue);
	struct str top;
	struct str act;

	if (catalogue == NULL) {
		in.no_memory = true;
		return lines_fail(&in, err);
	}
	catalogue->changed = record->generation;
	if (!in_kind(&in, STR("catalogue")) ||
	    !in_text(&in, 1, CATALOGUE_NAME_MAX, &catalogue->name) ||
	    !in_choice(&in, "ladder", "plain", &catalogue->ladder) ||
	    !in_text(&in, 0, ROLE_NAME_MAX, &top) ||
	    !in_text(&in, 0, PERMISSION_NAME_MAX, &act) || !in_end(&in) ||
	    !roles_read(&in, catalogue) || !permissions_read(&in, catalogue) ||
	    !operations_read(&in, catalogue) || !lines_done(&in) ||
	    !names_resolve(catalogue, top, act))
		return lines_fail(&in, err);
	*out = catalogue;
	return true;
}
