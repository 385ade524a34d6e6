#include "model/catalogue.h"

#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/bounds.h"
#include "base/text.h"
#include "base/yaml.h"
#include "model/csv.h"
#include "model/names.h"

/* A label is text for people, as an account's name is. */
#define LABEL_MAX ACCOUNT_NAME_MAX
/* The roles, as many free columns, and what is left of the fixed ones. */
#define COLUMNS_MAX  (2 * ROLES_PER_CATALOGUE_MAX)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- The YAML ------------------------------------------------------------ */

/* What the table fills, before it is judged. */
struct keys {
	struct str name;
	struct str matrix;
	const struct yaml_node *roles;
	bool ladder;
	struct str top;
	const struct yaml_node *filtered;
	struct str act_on_behalf;
	const struct yaml_node *notes;
	const struct yaml_node *operations;
	const struct yaml_node *may_give;
};

/* One catalogue while it is read. */
struct loader {
	struct arena *arena;
	struct faults *faults;
	struct yaml_file yaml;
	struct keys keys;
	struct names notes;
	struct str csv_path;
	struct role *roles;
	struct permission *permissions;
	size_t permission_cap;
	struct operation *operations;
	size_t operation_cap;
	struct catalogue *catalogue;
};

struct place {
	struct str file;
	int line;
	int column;
};

/* clang-format off */
static const struct yaml_key key_table[] = {
	{ .name = "name", .type = YAML_STR, .offset = offsetof(struct keys, name), .required = true,
	  .help = "what accounts call it by" },
	{ .name = "matrix", .type = YAML_STR, .offset = offsetof(struct keys, matrix), .required = true,
	  .help = "CSV file in the same folder" },
	{ .name = "roles", .type = YAML_NODE, .offset = offsetof(struct keys, roles), .required = true,
	  .help = "list of roles, the weakest first; each is a column of the matrix" },
	{ .name = "ladder", .type = YAML_BOOL, .offset = offsetof(struct keys, ladder), .required = true,
	  .help = "yes: each role has whatever the one before it has" },
	{ .name = "top", .type = YAML_STR, .offset = offsetof(struct keys, top),
	  .help = "role of an account's owner" },
	{ .name = "filtered", .type = YAML_NODE, .offset = offsetof(struct keys, filtered),
	  .help = "role: level, for roles that count only with a data filter" },
	{ .name = "act_on_behalf", .type = YAML_STR, .offset = offsetof(struct keys, act_on_behalf),
	  .help = "permission that lets a role be used on another level below" },
	{ .name = "notes", .type = YAML_NODE, .offset = offsetof(struct keys, notes),
	  .help = "columns of free text beside source and note" },
	{ .name = "operations", .type = YAML_NODE, .offset = offsetof(struct keys, operations),
	  .help = "operation: permissions, or operation: role: permissions" },
	{ .name = "may_give", .type = YAML_NODE, .offset = offsetof(struct keys, may_give),
	  .help = "role: the roles that it may give" },
};
/* clang-format on */

#define FAULT(l, at, code, ...) \
	fault_add(              \
	    (l)->faults, (at).file, (at).line, (at).column, code, __VA_ARGS__)

static bool
no_memory(struct loader *l)
{
	fault_add(l->faults, l->yaml.path, 0, 0, "no_memory", "memory is out");
	return false;
}

static struct place
node_place(const struct loader *l, const struct yaml_node *node)
{
	return (struct place){ l->yaml.path, node->line, node->column };
}

static struct place
key_place(const struct loader *l, const char *key)
{
	return node_place(l, yaml_get(l->yaml.root, key));
}

/* A name of something: an id, else a fault at its place. */
static bool
name_good(struct loader *l, struct place at, struct str name, size_t max,
    const char *what)
{
	struct err err = { 0 };

	if (text_check_id(name, max, what, &err))
		return true;
	FAULT(l, at, err.code, "%s", err.text);
	return false;
}

/* A list of texts, or one text, as nodes. */
static struct yaml_node
list_of(struct loader *l, const struct yaml_node *node, const char *what)
{
	struct yaml_node list = { .kind = YAML_LIST };

	if (node->kind == YAML_TEXT) {
		list.items = node;
		list.count = 1;
		return list;
	}
	if (node->kind == YAML_MAP) {
		FAULT(l, node_place(l, node), "yaml_type",
		    "%s: write a list of names here", what);
		return list;
	}
	return *node;
}

static bool
text_good(struct loader *l, const struct yaml_node *node, const char *what)
{
	if (node->kind == YAML_TEXT)
		return true;
	FAULT(
	    l, node_place(l, node), "yaml_type", "%s: write a name here", what);
	return false;
}

/* The pairs of a map; none, and a fault, when it is something else. */
static struct yaml_node
map_of(struct loader *l, const struct yaml_node *node, const char *what)
{
	if (node == NULL)
		return (struct yaml_node){ .kind = YAML_MAP };
	if (node->kind == YAML_MAP)
		return *node;
	FAULT(l, node_place(l, node), "yaml_type",
	    "%s: write keys and values here", what);
	return (struct yaml_node){ .kind = YAML_MAP };
}

/* The role that a text of the YAML names, or -1 and a fault. */
static int
role_named(struct loader *l, const struct yaml_node *node)
{
	int role;

	if (!text_good(l, node, "role"))
		return -1;
	role = catalogue_role(l->catalogue, node->text);
	if (role < 0)
		FAULT(l, node_place(l, node), "role_unknown",
		    "role '%.*s': is not among the roles of this catalogue",
		    STR_ARGS(node->text));
	return role;
}

/* --- Columns of the matrix ----------------------------------------------- */

enum column_kind {
	COLUMN_NONE = 0, /* not known: a fault was added */
	COLUMN_PERMISSION,
	COLUMN_LABEL,
	COLUMN_LEVEL,
	COLUMN_LICENCES,
	COLUMN_NOTE,
	COLUMN_ROLE,
};

struct column {
	enum column_kind kind;
	int role; /* COLUMN_ROLE */
};

struct matrix {
	struct loader *l;
	struct csv csv;
	struct column columns[COLUMNS_MAX];
	size_t column_count;
	size_t column_of_role[ROLES_PER_CATALOGUE_MAX]; /* + 1; 0: missing */
};

static const struct {
	const char *name;
	enum column_kind kind;
	bool required;
} fixed_columns[] = {
	{ "permission", COLUMN_PERMISSION, true },
	{ "label", COLUMN_LABEL, true },
	{ "level", COLUMN_LEVEL, false },
	{ "licences", COLUMN_LICENCES, false },
	{ "source", COLUMN_NOTE, false },
	{ "note", COLUMN_NOTE, false },
};

static enum column_kind
fixed_column(struct str name)
{
	for (size_t i = 0; i < COUNT(fixed_columns); i++)
		if (str_eq(name, str_from(fixed_columns[i].name)))
			return fixed_columns[i].kind;
	return COLUMN_NONE;
}

static struct place
cell_place(const struct loader *l, const struct csv_cell *cell)
{
	return (struct place){ l->csv_path, cell->line, cell->column };
}

static struct column
column_of(struct matrix *m, const struct csv_cell *cell)
{
	struct loader *l = m->l;
	enum column_kind fixed = fixed_column(cell->text);
	int role = catalogue_role(l->catalogue, cell->text);

	if (fixed != COLUMN_NONE)
		return (struct column){ fixed, -1 };
	if (role >= 0)
		return (struct column){ COLUMN_ROLE, role };
	if (names_have(l->notes, cell->text))
		return (struct column){ COLUMN_NOTE, -1 };
	FAULT(l, cell_place(l, cell), "catalogue_column",
	    "column '%.*s': is neither a role nor a column of the format; name "
	    "it in 'roles' or in 'notes' of %.*s",
	    STR_ARGS(cell->text), STR_ARGS(l->yaml.path));
	return (struct column){ COLUMN_NONE, -1 };
}

static void
columns_missing(struct matrix *m)
{
	struct loader *l = m->l;
	struct place top = { l->csv_path, 1, 1 };

	for (size_t i = 0; i < COUNT(fixed_columns); i++) {
		bool have = !fixed_columns[i].required;

		for (size_t c = 0; c < m->column_count; c++)
			have =
			    have || m->columns[c].kind == fixed_columns[i].kind;
		if (!have)
			FAULT(l, top, "catalogue_column_missing",
			    "column '%s': is missing; add it",
			    fixed_columns[i].name);
	}
	for (size_t r = 0; r < l->catalogue->role_count; r++)
		if (m->column_of_role[r] == 0)
			FAULT(l, top, "catalogue_column_missing",
			    "column '%.*s': is missing, and %.*s has this "
			    "role; add it",
			    STR_ARGS(l->roles[r].name), STR_ARGS(l->yaml.path));
}

static bool
header_read(struct matrix *m)
{
	struct loader *l = m->l;
	struct csv_row row = { NULL, 0, 1 };

	if (csv_next(&m->csv, &row) == CSV_FAULT)
		return false;
	for (size_t i = 0; i < row.count; i++) {
		const struct csv_cell *cell = &row.cells[i];
		struct column *column = &m->columns[i];

		*column = column_of(m, cell);
		for (size_t k = 0; k < i; k++)
			if (str_eq(row.cells[k].text, cell->text)) {
				FAULT(l, cell_place(l, cell),
				    "catalogue_column_twice",
				    "column '%.*s': stands twice; take one "
				    "away",
				    STR_ARGS(cell->text));
				column->kind = COLUMN_NONE;
				break;
			}
		if (column->kind == COLUMN_ROLE)
			m->column_of_role[column->role] = i + 1;
	}
	m->column_count = row.count;
	columns_missing(m);
	return true;
}

/* --- Rows of the matrix -------------------------------------------------- */

static void
level_read(
    struct loader *l, const struct csv_cell *cell, struct permission *out)
{
	if (cell->text.len == 0 || str_eq(cell->text, STR("any")))
		return;
	if (name_good(
		l, cell_place(l, cell), cell->text, LEVEL_NAME_MAX, "level"))
		out->level = cell->text;
}

static void
licences_fault(struct loader *l, const struct csv_cell *cell)
{
	FAULT(l, cell_place(l, cell), "catalogue_licences",
	    "licences '%.*s': write any, none, or at most %d names with one "
	    "blank between them, each once",
	    STR_ARGS(cell->text), LICENCES_MAX);
}

static bool
licence_list(struct loader *l, const struct csv_cell *cell, struct str *items,
    size_t *count)
{
	struct str rest = cell->text;
	struct str word;

	while (str_next(&rest, ' ', &word)) {
		if (*count == LICENCES_MAX || word.len == 0 ||
		    str_eq(word, STR("any")) || str_eq(word, STR("none")) ||
		    names_have((struct names){ items, *count }, word)) {
			licences_fault(l, cell);
			return false;
		}
		if (!name_good(l, cell_place(l, cell), word, LICENCE_NAME_MAX,
			"licence"))
			return false;
		items[(*count)++] = word;
	}
	return true;
}

static void
licences_read(
    struct loader *l, const struct csv_cell *cell, struct permission *out)
{
	struct str *items;
	size_t count = 0;

	if (cell->text.len == 0 || str_eq(cell->text, STR("any")))
		return;
	if (str_eq(cell->text, STR("none"))) {
		out->need = LICENCE_FREE;
		return;
	}
	items = ARENA_ARRAY(l->arena, struct str, LICENCES_MAX);
	if (items == NULL) {
		no_memory(l);
		return;
	}
	if (!licence_list(l, cell, items, &count))
		return;
	out->need = LICENCE_SET;
	out->licences = (struct names){ items, names_sort(items, count) };
}

static void
mark_read(struct loader *l, const struct csv_cell *cell, int role,
    struct permission *out)
{
	if (str_eq(cell->text, STR("1")))
		out->roles |= UINT64_C(1) << role;
	else if (!str_eq(cell->text, STR("0")))
		FAULT(l, cell_place(l, cell), "catalogue_cell",
		    "'%.*s' for role '%.*s': is neither 0 nor 1; write one of "
		    "them",
		    STR_ARGS(cell->text), STR_ARGS(l->roles[role].name));
}

static void
permission_name_read(
    struct loader *l, const struct csv_cell *cell, struct permission *out)
{
	if (!name_good(l, cell_place(l, cell), cell->text, PERMISSION_NAME_MAX,
		"permission"))
		return;
	for (size_t i = 0; i < l->catalogue->permission_count; i++)
		if (str_eq(l->permissions[i].name, cell->text)) {
			FAULT(l, cell_place(l, cell),
			    "catalogue_permission_twice",
			    "permission '%.*s': stands twice; take one row "
			    "away",
			    STR_ARGS(cell->text));
			return;
		}
	out->name = cell->text;
}

static void
label_read(
    struct loader *l, const struct csv_cell *cell, struct permission *out)
{
	struct err err = { 0 };

	if (text_check(cell->text, LABEL_MAX, "label", &err))
		out->label = cell->text;
	else
		FAULT(l, cell_place(l, cell), err.code, "%s", err.text);
}

static void
cell_take(struct matrix *m, struct column column, const struct csv_cell *cell,
    struct permission *out)
{
	switch (column.kind) {
	case COLUMN_PERMISSION:
		permission_name_read(m->l, cell, out);
		break;
	case COLUMN_LABEL:
		label_read(m->l, cell, out);
		break;
	case COLUMN_LEVEL:
		level_read(m->l, cell, out);
		break;
	case COLUMN_LICENCES:
		licences_read(m->l, cell, out);
		break;
	case COLUMN_ROLE:
		mark_read(m->l, cell, column.role, out);
		break;
	case COLUMN_NOTE:
	case COLUMN_NONE:
		break;
	}
}

/* Rule 68: each role of a ladder includes the one before it. */
static void
ladder_check(struct matrix *m, const struct csv_row *row,
    const struct permission *permission)
{
	struct loader *l = m->l;

	for (size_t r = 1; r < l->catalogue->role_count; r++) {
		size_t column = m->column_of_role[r];

		if (column == 0 || !role_has((int)r - 1, permission) ||
		    role_has((int)r, permission))
			continue;
		FAULT(l, cell_place(l, &row->cells[column - 1]),
		    "catalogue_ladder",
		    "'%.*s': role '%.*s' has it and '%.*s' above it does not; "
		    "correct one of the two, or write 'ladder: no'",
		    STR_ARGS(permission->name), STR_ARGS(l->roles[r - 1].name),
		    STR_ARGS(l->roles[r].name));
	}
}

static bool
permission_add(struct loader *l, const struct permission *permission,
    const struct csv_row *row)
{
	struct catalogue *c = l->catalogue;
	struct permission *rows;

	if (c->permission_count == PERMISSIONS_PER_CATALOGUE_MAX) {
		FAULT(l, cell_place(l, &row->cells[0]), "catalogue_rows",
		    "there are more than %d permissions; take some out",
		    PERMISSIONS_PER_CATALOGUE_MAX);
		return false;
	}
	rows = arena_grow(l->arena, l->permissions, c->permission_count,
	    &l->permission_cap, sizeof(*rows));
	if (rows == NULL)
		return no_memory(l);
	rows[c->permission_count++] = *permission;
	l->permissions = rows;
	c->permissions = rows;
	return true;
}

static bool
row_read(struct matrix *m, const struct csv_row *row)
{
	struct loader *l = m->l;
	struct permission permission = { .need = LICENCE_ANY };
	bool whole = row->count == m->column_count;
	size_t extra = row->count > m->column_count ? m->column_count : 0;

	if (!whole)
		FAULT(l, cell_place(l, &row->cells[extra]), "catalogue_cells",
		    "the row has %zu cells and the header %zu; make them "
		    "equal, and put cells with commas in quotes",
		    row->count, m->column_count);
	/* Of a row whose cells are shifted only the name can be believed. */
	for (size_t i = 0; i < row->count && i < m->column_count; i++)
		if (whole || m->columns[i].kind == COLUMN_PERMISSION)
			cell_take(
			    m, m->columns[i], &row->cells[i], &permission);
	if (whole && l->keys.ladder)
		ladder_check(m, row, &permission);
	return permission_add(l, &permission, row);
}

static int
permission_order(const void *a, const void *b)
{
	return str_cmp(((const struct permission *)a)->name,
	    ((const struct permission *)b)->name);
}

static bool
matrix_read(struct loader *l, struct str text)
{
	struct matrix *m = ARENA_NEW(l->arena, struct matrix);
	struct csv_row row;
	enum csv_next next;

	if (m == NULL)
		return no_memory(l);
	m->l = l;
	csv_open(&m->csv, l->arena, l->faults, l->csv_path, text, COLUMNS_MAX);
	if (!header_read(m))
		return false;
	while ((next = csv_next(&m->csv, &row)) == CSV_ROW)
		if (!row_read(m, &row))
			return false;
	if (next == CSV_FAULT)
		return false;
	if (l->catalogue->permission_count == 0) {
		fault_add(l->faults, l->csv_path, 1, 1, "catalogue_rows",
		    "there is no permission; write a row for each");
		return false;
	}
	qsort(l->permissions, l->catalogue->permission_count,
	    sizeof(*l->permissions), permission_order);
	return true;
}

/* --- What the YAML says about roles and permissions ---------------------- */

static bool
role_add(struct loader *l, const struct yaml_node *node)
{
	struct place at = node_place(l, node);

	if (!text_good(l, node, "role") ||
	    !name_good(l, at, node->text, ROLE_NAME_MAX, "role"))
		return false;
	if (fixed_column(node->text) != COLUMN_NONE) {
		FAULT(l, at, "catalogue_role",
		    "role '%.*s': is the name of another column; call it "
		    "something else",
		    STR_ARGS(node->text));
		return false;
	}
	if (catalogue_role(l->catalogue, node->text) >= 0) {
		FAULT(l, at, "catalogue_role",
		    "role '%.*s': stands twice; take one away",
		    STR_ARGS(node->text));
		return false;
	}
	l->roles[l->catalogue->role_count++].name = node->text;
	return true;
}

static bool
roles_read(struct loader *l)
{
	struct yaml_node list = list_of(l, l->keys.roles, "roles");
	bool good = true;

	if (list.count == 0 || list.count > ROLES_PER_CATALOGUE_MAX) {
		FAULT(l, node_place(l, l->keys.roles), "catalogue_roles",
		    "roles: there are %zu; name 1 to %d", list.count,
		    ROLES_PER_CATALOGUE_MAX);
		return false;
	}
	l->roles = ARENA_ARRAY(l->arena, struct role, list.count);
	if (l->roles == NULL)
		return no_memory(l);
	l->catalogue->roles = l->roles;
	for (size_t i = 0; i < list.count; i++)
		good = role_add(l, &list.items[i]) && good;
	return good;
}

static bool
notes_read(struct loader *l)
{
	struct yaml_node list = { .kind = YAML_LIST };
	struct str *items;

	if (l->keys.notes != NULL)
		list = list_of(l, l->keys.notes, "notes");
	items = ARENA_ARRAY(l->arena, struct str, list.count + 1);
	if (items == NULL)
		return no_memory(l);
	for (size_t i = 0; i < list.count; i++)
		if (text_good(l, &list.items[i], "notes"))
			items[l->notes.count++] = list.items[i].text;
	l->notes.items = items;
	return true;
}

static void
top_read(struct loader *l)
{
	const struct yaml_node *node = yaml_get(l->yaml.root, "top");

	l->catalogue->top = node != NULL ? role_named(l, node) : -1;
}

static const struct permission *
permission_named(struct loader *l, const struct yaml_node *node)
{
	const struct permission *permission;

	if (!text_good(l, node, "permission"))
		return NULL;
	permission = catalogue_permission(l->catalogue, node->text);
	if (permission == NULL)
		FAULT(l, node_place(l, node), "permission_unknown",
		    "permission '%.*s': has no row in %.*s",
		    STR_ARGS(node->text), STR_ARGS(l->csv_path));
	return permission;
}

static void
act_on_behalf_read(struct loader *l)
{
	const struct yaml_node *node = yaml_get(l->yaml.root, "act_on_behalf");

	if (node != NULL)
		l->catalogue->act_on_behalf = permission_named(l, node);
}

static void
filtered_read(struct loader *l)
{
	struct yaml_node map = map_of(l, l->keys.filtered, "filtered");

	for (size_t i = 0; i < map.count; i++) {
		const struct yaml_node *level = &map.pairs[i].value;
		int role = role_named(l, &map.pairs[i].key);

		if (!text_good(l, level, "level") ||
		    !name_good(l, node_place(l, level), level->text,
			LEVEL_NAME_MAX, "level"))
			continue;
		if (str_eq(level->text, STR("any"))) {
			FAULT(l, node_place(l, level), "catalogue_filtered",
			    "a filtered role counts where it is given on one "
			    "level; name that level");
			continue;
		}
		if (role < 0)
			continue;
		l->roles[role].filtered = true;
		l->roles[role].filtered_level = level->text;
	}
}

static uint64_t
roles_listed(struct loader *l, const struct yaml_node *node)
{
	struct yaml_node list = list_of(l, node, "may_give");
	uint64_t set = 0;

	for (size_t i = 0; i < list.count; i++) {
		int role = role_named(l, &list.items[i]);

		if (role >= 0)
			set |= UINT64_C(1) << role;
	}
	return set;
}

static void
may_give_read(struct loader *l)
{
	struct yaml_node map = map_of(l, l->keys.may_give, "may_give");

	for (size_t i = 0; i < map.count; i++) {
		int role = role_named(l, &map.pairs[i].key);
		uint64_t set = roles_listed(l, &map.pairs[i].value);

		if (role >= 0)
			l->roles[role].may_give = set;
	}
}

/* --- Operations ---------------------------------------------------------- */

/* What src/admin/ asks for. A misspelled one would be one that nobody may. */
static const char *const operation_names[] = { "member.add", "member.invite",
	"member.list", "member.remove", "invitation.withdraw", "grant.edit",
	"history.view", "spreadsheet.add", "spreadsheet.edit",
	"spreadsheet.delete", "account.create", "account.rename",
	"account.delete", "account.suspend", "token.create" };

static bool
operation_known(struct loader *l, const struct yaml_node *key)
{
	for (size_t i = 0; i < COUNT(operation_names); i++)
		if (str_eq(key->text, str_from(operation_names[i])))
			return true;
	FAULT(l, node_place(l, key), "catalogue_operation",
	    "operation '%.*s': there is none of this name; see "
	    "docs/catalogues.md",
	    STR_ARGS(key->text));
	return false;
}

static bool
operation_add(struct loader *l, struct str name, const struct yaml_node *node)
{
	struct yaml_node list = list_of(l, node, "operation");
	struct str *needs = ARENA_ARRAY(l->arena, struct str, list.count + 1);
	struct operation *operations =
	    arena_grow(l->arena, l->operations, l->catalogue->operation_count,
		&l->operation_cap, sizeof(*operations));
	size_t count = 0;

	if (needs == NULL || operations == NULL || name.ptr == NULL)
		return no_memory(l);
	/* Needing nothing would let everybody. */
	if (node->kind == YAML_LIST && node->count == 0)
		FAULT(l, node_place(l, node), "catalogue_operation",
		    "operation '%.*s': names no permission; name one, or leave "
		    "the operation out and nobody may do it",
		    STR_ARGS(name));
	for (size_t i = 0; i < list.count; i++)
		if (permission_named(l, &list.items[i]) != NULL)
			needs[count++] = list.items[i].text;
	l->operations = operations;
	l->catalogue->operations = operations;
	operations[l->catalogue->operation_count++] =
	    (struct operation){ name, { needs, names_sort(needs, count) } };
	return true;
}

/* One operation for each role that is given. */
static bool
operation_by_role(
    struct loader *l, struct str name, const struct yaml_node *map)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct yaml_pair *pair = &map->pairs[i];

		if (role_named(l, &pair->key) < 0)
			continue;
		if (!operation_add(l,
			str_fmt(l->arena, "%.*s:%.*s", STR_ARGS(name),
			    STR_ARGS(pair->key.text)),
			&pair->value))
			return false;
	}
	return true;
}

static int
operation_order(const void *a, const void *b)
{
	return str_cmp(((const struct operation *)a)->name,
	    ((const struct operation *)b)->name);
}

static bool
operations_read(struct loader *l)
{
	struct yaml_node map = map_of(l, l->keys.operations, "operations");

	for (size_t i = 0; i < map.count; i++) {
		const struct yaml_pair *pair = &map.pairs[i];

		if (!operation_known(l, &pair->key))
			continue;
		if (pair->value.kind == YAML_MAP
			? !operation_by_role(l, pair->key.text, &pair->value)
			: !operation_add(l, pair->key.text, &pair->value))
			return false;
	}
	if (l->catalogue->operation_count > 0)
		qsort(l->operations, l->catalogue->operation_count,
		    sizeof(*l->operations), operation_order);
	return true;
}

/* --- One catalogue ------------------------------------------------------- */

/* The CSV is a file of the same folder, and of no other. */
static bool
csv_path_set(struct loader *l)
{
	struct str folder = l->yaml.path;
	struct str name = l->keys.matrix;

	if (name.len == 0 || name.ptr[0] == '.' ||
	    memchr(name.ptr, '/', name.len) != NULL) {
		FAULT(l, key_place(l, "matrix"), "catalogue_matrix",
		    "matrix '%.*s': is not the name of a file beside this one; "
		    "write it without a folder",
		    STR_ARGS(name));
		return false;
	}
	while (folder.len > 0 && folder.ptr[folder.len - 1] != '/')
		folder.len--;
	l->csv_path =
	    str_fmt(l->arena, "%.*s%.*s", STR_ARGS(folder), STR_ARGS(name));
	return l->csv_path.ptr != NULL || no_memory(l);
}

static bool
yaml_take(struct loader *l)
{
	const struct yaml_node *root = l->yaml.root;
	bool good;

	if (root->kind != YAML_MAP) {
		FAULT(l, node_place(l, root), "yaml_type",
		    "write keys and values here, beginning with 'name:'");
		return false;
	}
	if (!yaml_read(&l->yaml, root, key_table, COUNT(key_table), &l->keys,
		l->arena, l->faults))
		return false;
	l->catalogue->name = l->keys.name;
	l->catalogue->ladder = l->keys.ladder;
	good = name_good(
	    l, key_place(l, "name"), l->keys.name, CATALOGUE_NAME_MAX, "name");
	good = roles_read(l) && good;
	good = notes_read(l) && good;
	return csv_path_set(l) && good;
}

static bool
csv_take(struct loader *l, const struct str *matrix)
{
	struct str text = { NULL, 0 };
	struct err err = { 0 };

	if (matrix != NULL)
		return matrix_read(l, *matrix);
	if (csv_text_read(
		l->arena, l->csv_path, CATALOGUE_FILE_MAX, &text, &err))
		return matrix_read(l, text);
	FAULT(l, key_place(l, "matrix"), err.code, "%s", err.text);
	return false;
}

/* The YAML has been parsed; `matrix` NULL: read the file that it names. */
static bool
catalogue_read(struct loader *l, const struct str *matrix)
{
	size_t before = l->faults->count;

	l->catalogue = ARENA_NEW(l->arena, struct catalogue);
	if (l->catalogue == NULL)
		return no_memory(l);
	l->catalogue->top = -1;
	if (!yaml_take(l) || !csv_take(l, matrix))
		return false;
	top_read(l);
	act_on_behalf_read(l);
	filtered_read(l);
	may_give_read(l);
	return operations_read(l) && l->faults->count == before;
}

const struct catalogue *
catalogue_parse(struct arena *arena, struct str path, struct str yaml,
    struct str matrix, struct faults *faults)
{
	struct loader l = { .arena = arena, .faults = faults };

	l.yaml.path = path;
	if (!yaml_parse(arena, path, yaml, &l.yaml, faults) ||
	    !catalogue_read(&l, &matrix))
		return NULL;
	return l.catalogue;
}

static bool
file_take(struct loader *l, struct str path)
{
	l->yaml.path = path;
	return yaml_load(l->arena, path, &l->yaml, l->faults) &&
	       catalogue_read(l, NULL);
}

const struct catalogue *
catalogue_load(struct arena *arena, struct str path, struct faults *faults)
{
	struct loader l = { .arena = arena, .faults = faults };

	return file_take(&l, path) ? l.catalogue : NULL;
}

/* --- The folder ---------------------------------------------------------- */

struct folder {
	struct arena *arena;
	struct faults *faults;
	struct str path;
	struct str *files;
	size_t file_count;
	size_t file_cap;
	const struct catalogue **items;
	size_t count;
};

static bool
is_yaml(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && len > 5 &&
	       strcmp(name + len - 5, ".yaml") == 0;
}

static bool
folder_no_memory(struct folder *f)
{
	fault_add(f->faults, f->path, 0, 0, "no_memory", "memory is out");
	return false;
}

static bool
file_add(struct folder *f, const char *name)
{
	struct str file = str_fmt(f->arena, "%.*s/%s", STR_ARGS(f->path), name);
	struct str *files = arena_grow(
	    f->arena, f->files, f->file_count, &f->file_cap, sizeof(*files));

	if (file.ptr == NULL || files == NULL)
		return folder_no_memory(f);
	files[f->file_count++] = file;
	f->files = files;
	if (f->file_count <= CATALOGUES_MAX)
		return true;
	fault_add(f->faults, f->path, 0, 0, "catalogues_many",
	    "there are more than %d catalogues; take some away",
	    CATALOGUES_MAX);
	return false;
}

static bool
entries_read(struct folder *f, DIR *dir)
{
	const struct dirent *entry;

	for (errno = 0; (entry = readdir(dir)) != NULL; errno = 0)
		if (is_yaml(entry->d_name) && !file_add(f, entry->d_name))
			return false;
	if (errno != 0)
		fault_add(f->faults, f->path, 0, 0, "file_read",
		    "cannot be read: %s", strerror(errno));
	else if (f->file_count == 0)
		fault_add(f->faults, f->path, 0, 0, "catalogues_none",
		    "there is no catalogue; put a YAML file and its CSV there");
	else
		return true;
	return false;
}

static bool
files_list(struct folder *f)
{
	struct str name = str_copy(f->arena, f->path);
	DIR *dir;
	bool ok;

	if (name.ptr == NULL)
		return folder_no_memory(f);
	dir = opendir(name.ptr);
	if (dir == NULL) {
		fault_add(f->faults, f->path, 0, 0, "file_read",
		    "cannot be opened: %s", strerror(errno));
		return false;
	}
	ok = entries_read(f, dir);
	closedir(dir);
	f->file_count = names_sort(f->files, f->file_count);
	return ok;
}

/* Puts it where the order by name wants it, or adds a fault. */
static void
catalogue_insert(struct folder *f, struct loader *l)
{
	size_t at = f->count;

	for (; at > 0; at--) {
		int order = str_cmp(l->catalogue->name, f->items[at - 1]->name);

		if (order == 0) {
			FAULT(l, key_place(l, "name"), "catalogue_twice",
			    "catalogue '%.*s': another file of the folder has "
			    "this name; change one of the two",
			    STR_ARGS(l->catalogue->name));
			return;
		}
		if (order > 0)
			break;
	}
	for (size_t i = f->count++; i > at; i--)
		f->items[i] = f->items[i - 1];
	f->items[at] = l->catalogue;
}

bool
catalogues_load(struct arena *arena, struct str folder, struct catalogues *out,
    struct faults *faults)
{
	struct folder f = { .arena = arena, .faults = faults, .path = folder };
	size_t before = faults->count;

	if (!files_list(&f))
		return false;
	f.items = ARENA_ARRAY(arena, const struct catalogue *, f.file_count);
	if (f.items == NULL)
		return folder_no_memory(&f);
	for (size_t i = 0; i < f.file_count; i++) {
		struct loader l = { .arena = arena, .faults = faults };

		if (file_take(&l, f.files[i]))
			catalogue_insert(&f, &l);
	}
	if (faults->count != before)
		return false;
	*out = (struct catalogues){ f.items, f.count };
	return true;
}
