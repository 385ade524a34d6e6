#include <stdio.h>
#include <unistd.h>

#include "base/bounds.h"
#include "cli/commands.h"
#include "cli/out.h"
#include "nginx/lint.h"

#define NGINX_FILE "/etc/nginx/nginx.conf"

static const char *const columns[] = { "file", "line", "code", "cases", "what",
	"says", "mend" };
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* --- Reading -------------------------------------------------------------- */

static bool
stdin_read(struct app *app, struct str *text)
{
	char *bytes = arena_alloc(&app->arena, NGINX_BYTES_MAX + 1, 1);

	if (bytes == NULL)
		return app_no_memory(app);
	*text =
	    (struct str){ bytes, fread(bytes, 1, NGINX_BYTES_MAX + 1, stdin) };
	return !ferror(stdin) ||
	       err_set(&app->err, ERR_FILE, "file_read",
		   "standard input: cannot be read; print nginx -T anew");
}

/* Without a word: what is piped in, else nginx's own file. */
static const struct directive *
configuration(struct app *app)
{
	struct str text;
	struct str file = app->args.word_count > 0    ? app->args.words[0]
			  : isatty(STDIN_FILENO) == 1 ? STR(NGINX_FILE)
						      : STR("-");

	if (!str_eq(file, STR("-")))
		return conf_read(&app->arena, file, NULL, &app->faults);
	if (!stdin_read(app, &text))
		return NULL;
	return conf_read(
	    &app->arena, STR("standard input"), &text, &app->faults);
}

/* --- Printing ------------------------------------------------------------- */

static bool
print_json(struct app *app, const struct findings *found)
{
	struct table table;

	table_start(&table, &app->arena, "findings", columns, COLUMNS);
	for (size_t i = 0; i < found->count; i++) {
		const struct finding *f = &found->items[i];

		table_add(&table, (const struct cell[COLUMNS]){
				      cell_text(f->at->file),
				      cell_number(f->at->line),
				      cell_word(f->rule->code),
				      cell_word(f->rule->cases),
				      cell_text(f->what),
				      cell_word(f->rule->says),
				      cell_word(f->rule->mend),
				  });
	}
	return table_print(app, &table);
}

/* One line each, which an editor can jump by. */
static bool
print_lines(struct app *app, const struct findings *found)
{
	for (size_t i = 0; i < found->count; i++) {
		const struct finding *f = &found->items[i];
		struct str file =
		    out_clean(&app->arena, f->at->file, app->terminal);
		struct str text = out_clean(
		    &app->arena, finding_text(&app->arena, f), app->terminal);

		printf("%.*s:%d: %.*s [%s]\n", STR_ARGS(file), f->at->line,
		    STR_ARGS(text), f->rule->code);
	}
	return true;
}

int
cmd_nginx_lint(struct app *app)
{
	const struct directive *root = configuration(app);
	struct findings found;

	if (root == NULL ||
	    !nginx_lint(root, &app->arena, &found, &app->faults) ||
	    !(app->json ? print_json : print_lines)(app, &found))
		return APP_FAILED;
	return found.count > 0 ? 1 : 0;
}
