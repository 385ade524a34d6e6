/* app.h - one run of the command: its words, its configuration, and what it
 * has opened.
 *
 * Shape:   a command is one row of commands[] (commands.c). Its function
 *          returns the exit status, or APP_FAILED when app->err or
 *          app->faults say why; main() prints those.
 * Owner:   app_close() releases everything; texts live in app->arena. */
#ifndef ROLEGATE_CLI_APP_H
#define ROLEGATE_CLI_APP_H

#include "cli/args.h"
#include "config/config.h"
#include "decide/decide.h"
#include "publish/publisher.h"
#include "store/store.h"

#define APP_FAILED (-1)

enum command_flags {
	COMMAND_WRITES = 1 << 0, /* takes --yes, --dry-run, --why and --as */
	COMMAND_JSON = 1 << 1, /* takes --json */
	COMMAND_AS = 1 << 3, /* takes --as without changing anything */
	COMMAND_PASS = 1 << 2, /* hands every further word on unread */
};

struct app;

struct command {
	const char *name; /* "account add" */
	const char *usage; /* "ID [--parent ID] …" */
	const char *help; /* one line */
	const char *examples;
	const char *about; /* further sentences, or NULL */
	const struct opt *opts;
	size_t words_min;
	size_t words_max;
	unsigned flags;
	int (*run)(struct app *app);
};

/* Ended by a row without a name. */
extern const struct command commands[];

struct app {
	const struct command *command;
	struct args args;
	char **rest; /* COMMAND_PASS: what follows, ended by NULL */
	struct arena arena;
	struct faults faults;
	struct err err;
	struct config config;
	struct catalogues catalogues;
	struct store *store;
	struct redis *redis;
	struct publisher publisher;
	int64_t now_s;
	bool configured;
	bool has_catalogues;
	bool terminal; /* standard output is one */
	bool json;
};

void app_close(struct app *app);

/* The configuration; with its catalogues; with the store as well. What is
 * there already is not read again. */
bool app_configure(struct app *app);
bool app_catalogues(struct app *app);
bool app_open(struct app *app, enum store_mode mode);

/* The view's publisher; ERR_USAGE when none is configured. The store may be
 * closed when nothing is written. */
bool app_view_configured(const struct app *app);
bool app_publisher(struct app *app);
/* After a commit: publishes, or says on standard error that it waits. */
void app_publish(struct app *app);

/* Everything in memory, from the store with the folder's catalogues, or from
 * the view when --view was given; with --at in the past, what was then. */
bool app_state(struct app *app, struct state *out);

/* A word as the option says, or now when --at was not given. */
bool app_time(
    struct app *app, const char *option, int64_t fallback_s, int64_t *out_s);
/* Is a named thing's text one that can be asked about? Empty is: nobody. */
bool
app_name_check(struct app *app, struct str text, size_t max, const char *field);

/* NUL-terminated copy; NULL with err when memory is out. */
const char *app_cstr(struct app *app, struct str s);
bool app_no_memory(struct app *app);
/* APP_FAILED, for `return app_fail(app, ERR_…, code, text)`. */
int app_fail(struct app *app, enum err_kind kind, const char *code,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
int64_t clock_ms(void);

#endif
