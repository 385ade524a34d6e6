#include "base/bounds.h"
#include "cli/change.h"
#include "cli/commands.h"
#include "cli/out.h"

static const char *const list_columns[] = { "id", "parent", "name", "kind",
	"level", "catalogue", "licences", "status", "owner" };
#define LIST_COLUMNS (sizeof(list_columns) / sizeof(list_columns[0]))

static void
account_add(struct table *table, const struct account *account)
{
	table_add(table, (const struct cell[LIST_COLUMNS]){
			     cell_text(account->id),
			     cell_text(account->parent_id),
			     cell_text(account->name),
			     cell_word(account_kind_word(account->kind)),
			     cell_text(account->level),
			     cell_text(account->catalogue),
			     cell_list(account->licences),
			     cell_word(account_status_word(account->status)),
			     cell_text(account->owner),
			 });
}

/* Is it the account named `top`, or below it? */
static bool
account_is_below(const struct account *account, struct str top)
{
	for (int depth = 0; account != NULL && depth < TREE_DEPTH_MAX;
	     depth++) {
		if (str_eq(account->id, top))
			return true;
		account = account->parent;
	}
	return false;
}

int
cmd_account_list(struct app *app)
{
	struct str below = args_text(&app->args, "below");
	struct state state = { 0 };
	struct table table;

	if (!app_state(app, &state))
		return APP_FAILED;
	table_start(
	    &table, &app->arena, "accounts", list_columns, LIST_COLUMNS);
	for (size_t i = 0; i < state.account_count; i++)
		if (below.ptr == NULL ||
		    account_is_below(&state.accounts[i], below))
			account_add(&table, &state.accounts[i]);
	return table_print(app, &table) ? 0 : APP_FAILED;
}

/* --- show ---------------------------------------------------------------- */

static const char *const show_columns[] = { "id", "name", "kind", "level",
	"path", "catalogue", "licences", "licences_in_force", "status",
	"status_in_force", "owner", "children", "changed" };
#define SHOW_COLUMNS (sizeof(show_columns) / sizeof(show_columns[0]))

static const char *const held_columns[] = { "member", "role", "source",
	"licences", "filters", "expires" };
#define HELD_COLUMNS (sizeof(held_columns) / sizeof(held_columns[0]))

static struct names
path_of(struct arena *arena, const struct account *account)
{
	struct str *ids = ARENA_ARRAY(arena, struct str, TREE_DEPTH_MAX);
	size_t count = 0;

	while (ids != NULL && account != NULL && count < TREE_DEPTH_MAX) {
		ids[count++] = account->id;
		account = account->parent;
	}
	for (size_t i = 0; i < count / 2; i++) {
		struct str id = ids[i];

		ids[i] = ids[count - 1 - i];
		ids[count - 1 - i] = id;
	}
	return (struct names){ ids, count };
}

static struct names
children_of(struct arena *arena, const struct state *state, struct str parent)
{
	struct str *ids = NULL;
	size_t count = 0;
	size_t cap = 0;

	for (size_t i = 0; i < state->account_count; i++) {
		if (!str_eq(state->accounts[i].parent_id, parent))
			continue;
		ids = arena_grow(arena, ids, count, &cap, sizeof(*ids));
		if (ids == NULL)
			return (struct names){ NULL, 0 };
		ids[count++] = state->accounts[i].id;
	}
	return (struct names){ ids, count };
}

static void
held_add(
    struct table *table, const struct member *member, const struct grant *grant)
{
	table_add(table, (const struct cell[HELD_COLUMNS]){
			     cell_text(member->username),
			     cell_text(grant->role),
			     cell_text(grant->source),
			     cell_list(grant->licences),
			     cell_list(grant->filters),
			     cell_time(grant->expires_s),
			 });
}

static void
held_fill(struct table *table, const struct state *state, struct str account)
{
	for (size_t i = 0; i < state->member_count; i++) {
		const struct member *member = &state->members[i];

		for (size_t g = 0; g < member->grant_count; g++)
			if (str_eq(member->grants[g].account, account))
				held_add(table, member, &member->grants[g]);
	}
}

int
cmd_account_show(struct app *app)
{
	struct str id = app->args.words[0];
	struct state state = { 0 };
	const struct account *account;
	const struct catalogue *catalogue;
	struct table record;
	struct table held;

	if (!app_state(app, &state))
		return APP_FAILED;
	account = state_account(&state, id);
	if (account == NULL)
		return app_fail(app, ERR_NOT_FOUND, "account_unknown",
		    "account %.*s: does not exist; see rolegate account list",
		    STR_ARGS(id));
	catalogue = state_catalogue(&state, account);
	table_start(
	    &record, &app->arena, "account", show_columns, SHOW_COLUMNS);
	table_add(&record,
	    (const struct cell[SHOW_COLUMNS]){
		cell_text(account->id),
		cell_text(account->name),
		cell_word(account_kind_word(account->kind)),
		cell_text(account->level),
		cell_list(path_of(&app->arena, account)),
		cell_text(catalogue != NULL ? catalogue->name : STR("")),
		cell_list(account->licences),
		cell_list(account_licences(account)),
		cell_word(account_status_word(account->status)),
		cell_word(account_status_word(account_strictest(account))),
		cell_text(account->owner),
		cell_list(children_of(&app->arena, &state, account->id)),
		cell_number(account->changed),
	    });
	table_start(&held, &app->arena, "grants", held_columns, HELD_COLUMNS);
	held_fill(&held, &state, account->id);
	return record_print(app, &record, &held, 1) ? 0 : APP_FAILED;
}

/* --- add, edit, remove --------------------------------------------------- */

static bool
word_unknown(
    struct app *app, const char *option, struct str word, const char *words)
{
	return err_set(&app->err, ERR_USAGE, "usage",
	    "--%s: '%.*s' is none of %s", option, STR_ARGS(word), words);
}

/* What the options say is put over what is there. */
static bool
account_from_args(struct app *app, struct account *account)
{
	const struct args *args = &app->args;
	struct str status = args_text(args, "status");
	struct str kind = args_text(args, "kind");
	static const struct {
		const char *option;
		size_t offset;
	} texts[] = {
		{ "parent", offsetof(struct account, parent_id) },
		{ "name", offsetof(struct account, name) },
		{ "level", offsetof(struct account, level) },
		{ "catalogue", offsetof(struct account, catalogue) },
		{ "owner", offsetof(struct account, owner) },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct str text = args_text(args, texts[i].option);

		if (text.ptr != NULL)
			*(struct str *)(void *)((char *)account +
						texts[i].offset) = text;
	}
	if (args_have(args, "no-owner"))
		account->owner = STR("");
	if (args_have(args, "licence") || args_have(args, "no-licence"))
		account->licences = args_list(args, &app->arena, "licence");
	if (kind.ptr != NULL)
		account->kind = account_kind_from(kind);
	if (kind.ptr != NULL && account->kind == ACCOUNT_KIND_NONE)
		return word_unknown(app, "kind", kind, "shared, personal");
	if (status.ptr != NULL)
		account->status = account_status_from(status);
	if (status.ptr != NULL && account->status == ACCOUNT_STATUS_NONE)
		return word_unknown(app, "status", status,
		    "active, suspended, archived, closed");
	return true;
}

static bool
add_make(struct change *change, struct admin *admin)
{
	return admin_account_add(admin, change->data, &change->app->err);
}

int
cmd_account_add(struct app *app)
{
	struct account account = {
		.id = app->args.words[0],
		.kind = ACCOUNT_SHARED,
		.level = LEVEL_ACCOUNT,
		.status = ACCOUNT_ACTIVE,
	};
	struct change change = {
		.app = app, .make = add_make, .data = &account
	};

	if (!account_from_args(app, &account))
		return APP_FAILED;
	return change_run(&change);
}

static bool
account_find(struct app *app, const struct account **out)
{
	switch (store_account(
	    app->store, &app->arena, app->args.words[0], out, &app->err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return err_set(&app->err, ERR_NOT_FOUND, "account_unknown",
		    "account %.*s: does not exist; see rolegate account list",
		    STR_ARGS(app->args.words[0]));
	case FOUND_YES:
		return true;
	}
	return false;
}

static bool
edit_make(struct change *change, struct admin *admin)
{
	struct app *app = change->app;
	const struct account *now = NULL;
	struct account wanted;

	if (!account_find(app, &now))
		return false;
	wanted = *now;
	return account_from_args(app, &wanted) &&
	       admin_account_edit(admin, &wanted, &app->err);
}

int
cmd_account_edit(struct app *app)
{
	struct change change = { .app = app, .make = edit_make };

	return change_run(&change);
}

static bool
remove_make(struct change *change, struct admin *admin)
{
	struct app *app = change->app;
	const struct account *account = NULL;

	if (store_account(app->store, &app->arena, app->args.words[0], &account,
		&app->err) == FOUND_YES)
		change->typed =
		    account->name.len > 0 ? account->name : account->id;
	return app->err.kind == ERR_NONE &&
	       admin_account_remove(admin, app->args.words[0], &app->err);
}

int
cmd_account_remove(struct app *app)
{
	struct change change = { .app = app, .make = remove_make };

	return change_run(&change);
}

/* --- status, hand over, move ---------------------------------------------- */

static const char *const effect_columns[] = { "effect", "member", "role",
	"held_on" };
#define EFFECT_COLUMNS (sizeof(effect_columns) / sizeof(effect_columns[0]))

/* What one word changes of an account. */
struct one_change {
	enum account_status status; /* ACCOUNT_STATUS_NONE: stays */
	struct str owner; /* ptr NULL: stays */
};

static bool
one_make(struct change *change, struct admin *admin)
{
	struct app *app = change->app;
	const struct one_change *one = change->data;
	const struct account *now = NULL;
	struct account wanted;

	if (!account_find(app, &now))
		return false;
	wanted = *now;
	if (one->status != ACCOUNT_STATUS_NONE)
		wanted.status = one->status;
	if (one->owner.ptr != NULL)
		wanted.owner = one->owner;
	return admin_account_edit(admin, &wanted, &app->err);
}

static int
one_run(struct app *app, struct one_change one)
{
	struct change change = { .app = app, .make = one_make, .data = &one };

	return change_run(&change);
}

int
cmd_account_suspend(struct app *app)
{
	return one_run(app, (struct one_change){ .status = ACCOUNT_SUSPENDED });
}

int
cmd_account_archive(struct app *app)
{
	return one_run(app, (struct one_change){ .status = ACCOUNT_ARCHIVED });
}

int
cmd_account_reinstate(struct app *app)
{
	return one_run(app, (struct one_change){ .status = ACCOUNT_ACTIVE });
}

int
cmd_account_handover(struct app *app)
{
	return one_run(app, (struct one_change){ .owner = app->args.words[1] });
}

/* Who gains and who loses is the difference that people want to see. */
static bool
move_make(struct change *change, struct admin *admin)
{
	struct app *app = change->app;
	struct table *effects = change->data;
	struct move_effect *list = NULL;
	size_t count = 0;

	table_start(
	    effects, &app->arena, "effects", effect_columns, EFFECT_COLUMNS);
	if (!admin_move_effect(admin, &app->arena, app->args.words[0],
		app->args.words[1], &list, &count, &app->err))
		return false;
	for (size_t i = 0; i < count; i++)
		table_add(
		    effects, (const struct cell[EFFECT_COLUMNS]){
				 cell_word(list[i].gains ? "gains" : "loses"),
				 cell_text(list[i].username),
				 cell_text(list[i].role),
				 cell_text(list[i].from),
			     });
	return admin_account_move(
	    admin, app->args.words[0], app->args.words[1], &app->err);
}

static bool
move_show(struct change *change, struct admin *admin, FILE *to)
{
	struct app *app = change->app;
	const struct table *effects = change->data;

	(void)admin;
	if (app->json) {
		json_t *list = json_from_table(effects);
		bool ok = json_dumpf(list, to, JSON_COMPACT) == 0;

		json_decref(list);
		return ok;
	}
	fprintf(to, "~ account %.*s moves below %.*s\n",
	    STR_ARGS(app->args.words[0]), STR_ARGS(app->args.words[1]));
	for (size_t i = 0; i < effects->rows; i++) {
		const struct cell *row = &effects->cells[i * EFFECT_COLUMNS];

		fprintf(to, "  %.*s %.*s %.*s, held on %.*s\n",
		    STR_ARGS(row[1].text), STR_ARGS(row[0].text),
		    STR_ARGS(row[2].text), STR_ARGS(row[3].text));
	}
	return true;
}

int
cmd_account_move(struct app *app)
{
	struct table effects;
	struct change change = {
		.app = app,
		.make = move_make,
		.show = move_show,
		.data = &effects,
	};

	return change_run(&change);
}
