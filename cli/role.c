#include "base/bounds.h"
#include "cli/commands.h"
#include "cli/out.h"

static const char *const list_columns[] = { "catalogue", "role", "top",
	"filtered_on", "permissions", "may_give" };
#define LIST_COLUMNS (sizeof(list_columns) / sizeof(list_columns[0]))

static struct names
may_give(struct arena *arena, const struct catalogue *catalogue,
    const struct role *role)
{
	struct str *roles =
	    ARENA_ARRAY(arena, struct str, catalogue->role_count + 1);
	struct names names = { roles, 0 };

	for (size_t r = 0; roles != NULL && r < catalogue->role_count; r++)
		if ((role->may_give >> r & 1) != 0)
			roles[names.count++] = catalogue->roles[r].name;
	return names;
}

static int64_t
permissions_of(const struct catalogue *catalogue, int role)
{
	int64_t count = 0;

	for (size_t p = 0; p < catalogue->permission_count; p++)
		if (role_has(role, &catalogue->permissions[p]))
			count++;
	return count;
}

static void
role_add(struct app *app, struct table *table,
    const struct catalogue *catalogue, int index)
{
	const struct role *role = &catalogue->roles[index];

	table_add(table,
	    (const struct cell[LIST_COLUMNS]){
		cell_text(catalogue->name),
		cell_text(role->name),
		cell_bool(index == catalogue->top),
		cell_text(role->filtered ? role->filtered_level : STR("")),
		cell_number(permissions_of(catalogue, index)),
		cell_list(may_give(&app->arena, catalogue, role)),
	    });
}

/* The one that is named, or the only one; NULL with err. */
static const struct catalogue *
catalogue_named(struct app *app)
{
	const struct catalogue *catalogue;

	if (!app_catalogues(app))
		return NULL;
	if (app->args.word_count == 0 && app->catalogues.count == 1)
		return app->catalogues.items[0];
	if (app->args.word_count == 0) {
		err_set(&app->err, ERR_USAGE, "usage",
		    "%s: there are %zu catalogues; name one, see rolegate "
		    "role list",
		    app->command->name, app->catalogues.count);
		return NULL;
	}
	catalogue = catalogues_find(&app->catalogues, app->args.words[0]);
	if (catalogue == NULL)
		err_set(&app->err, ERR_NOT_FOUND, "catalogue_unknown",
		    "catalogue %.*s: does not exist; see rolegate role list",
		    STR_ARGS(app->args.words[0]));
	return catalogue;
}

int
cmd_role_list(struct app *app)
{
	const struct catalogue *only = NULL;
	struct table table;

	if (app->args.word_count > 0 && (only = catalogue_named(app)) == NULL)
		return APP_FAILED;
	if (!app_catalogues(app))
		return APP_FAILED;
	table_start(&table, &app->arena, "roles", list_columns, LIST_COLUMNS);
	for (size_t c = 0; c < app->catalogues.count; c++) {
		const struct catalogue *catalogue = app->catalogues.items[c];

		for (size_t r = 0; r < catalogue->role_count; r++)
			if (only == NULL || only == catalogue)
				role_add(app, &table, catalogue, (int)r);
	}
	return table_print(app, &table) ? 0 : APP_FAILED;
}

/* --- show ---------------------------------------------------------------- */

static const char *const show_columns[] = { "permission", "level", "licences",
	"label" };
#define SHOW_COLUMNS (sizeof(show_columns) / sizeof(show_columns[0]))

static const struct str any_licence[] = { { "any", 3 } };
static const struct str no_licence[] = { { "none", 4 } };

static struct names
licences_of(const struct permission *permission)
{
	switch (permission->need) {
	case LICENCE_ANY:
		return (struct names){ any_licence, 1 };
	case LICENCE_FREE:
		return (struct names){ no_licence, 1 };
	case LICENCE_SET:
		return permission->licences;
	}
	return (struct names){ NULL, 0 };
}

static struct str
level_of(const struct permission *permission)
{
	return permission->level.len > 0 ? permission->level : STR("any");
}

int
cmd_role_show(struct app *app)
{
	const struct catalogue *catalogue = catalogue_named(app);
	struct str name = app->args.words[1];
	struct table record;
	struct table has;
	int role;

	if (catalogue == NULL)
		return APP_FAILED;
	role = catalogue_role(catalogue, name);
	if (role < 0)
		return app_fail(app, ERR_NOT_FOUND, "role_unknown",
		    "role %.*s: is not in the catalogue %.*s; see rolegate "
		    "role list",
		    STR_ARGS(name), STR_ARGS(catalogue->name));
	table_start(&record, &app->arena, "role", list_columns, LIST_COLUMNS);
	role_add(app, &record, catalogue, role);
	table_start(&has, &app->arena, "has", show_columns, SHOW_COLUMNS);
	for (size_t p = 0; p < catalogue->permission_count; p++) {
		const struct permission *permission =
		    &catalogue->permissions[p];

		if (role_has(role, permission))
			table_add(&has, (const struct cell[SHOW_COLUMNS]){
					    cell_text(permission->name),
					    cell_text(level_of(permission)),
					    cell_list(licences_of(permission)),
					    cell_text(permission->label),
					});
	}
	return record_print(app, &record, &has, 1) ? 0 : APP_FAILED;
}

/* --- matrix -------------------------------------------------------------- */

#define MATRIX_FIXED   3 /* permission, level, licences */
#define MATRIX_COLUMNS (MATRIX_FIXED + ROLES_PER_CATALOGUE_MAX)

static void
matrix_row(struct table *table, const struct catalogue *catalogue,
    const struct permission *permission)
{
	struct cell cells[MATRIX_COLUMNS] = {
		cell_text(permission->name),
		cell_text(level_of(permission)),
		cell_list(licences_of(permission)),
	};

	for (size_t r = 0; r < catalogue->role_count; r++)
		cells[MATRIX_FIXED + r] =
		    cell_number(role_has((int)r, permission) ? 1 : 0);
	table_add(table, cells);
}

int
cmd_role_matrix(struct app *app)
{
	const struct catalogue *catalogue = catalogue_named(app);
	const char *columns[MATRIX_COLUMNS] = { "permission", "level",
		"licences" };
	struct table table;

	if (catalogue == NULL)
		return APP_FAILED;
	for (size_t r = 0; r < catalogue->role_count; r++) {
		columns[MATRIX_FIXED + r] =
		    app_cstr(app, catalogue->roles[r].name);
		if (columns[MATRIX_FIXED + r] == NULL)
			return APP_FAILED;
	}
	table_start(&table, &app->arena, "permissions", columns,
	    MATRIX_FIXED + catalogue->role_count);
	/* Its columns are data, so the header line is always there. */
	table.header = true;
	for (size_t p = 0; p < catalogue->permission_count; p++)
		matrix_row(&table, catalogue, &catalogue->permissions[p]);
	return table_print(app, &table) ? 0 : APP_FAILED;
}
