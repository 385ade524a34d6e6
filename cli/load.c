#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/change.h"
#include "cli/commands.h"
#include "cli/out.h"
#include "model/state_json.h"

#define WARNINGS_MAX 10
#define EXPORT_MODE  0600 /* it holds every person's name and address */

/* --- load ---------------------------------------------------------------- */

struct load {
	struct state state;
	struct load_counts counts;
	struct str name;
};

static bool
state_read(struct app *app, struct load *load)
{
	struct str path = app->args.words[0];
	bool is_stdin = str_eq(path, STR("-"));
	FILE *in = is_stdin ? stdin : fopen(path.ptr, "re");
	bool ok;

	if (in == NULL)
		return err_set(&app->err, ERR_FILE, "file_read",
		    "%.*s: cannot be opened: %s", STR_ARGS(path),
		    strerror(errno));
	load->name = is_stdin ? STR("standard input") : path;
	load->state.catalogues = app->catalogues;
	ok = state_read_json(
	    &load->state, &app->arena, in, load->name, &app->faults);
	if (!is_stdin)
		fclose(in);
	return ok;
}

/* What a load may bring in and what gives nothing: said, not refused. */
static void
warnings_print(struct app *app, const struct state *state)
{
	size_t warned = 0;

	for (size_t i = 0; i < state->member_count; i++) {
		const struct member *member = &state->members[i];

		for (size_t g = 0; g < member->grant_count; g++) {
			const struct grant *grant = &member->grants[g];
			const struct account *on =
			    state_account(state, grant->account);
			const struct catalogue *catalogue =
			    on != NULL ? state_catalogue(state, on) : NULL;

			if (catalogue_role(catalogue, grant->role) >= 0)
				continue;
			if (warned++ < WARNINGS_MAX)
				out_note(app,
				    "warning: %.*s on %.*s: the role %.*s is "
				    "in no catalogue there and gives nothing",
				    STR_ARGS(member->username),
				    STR_ARGS(grant->account),
				    STR_ARGS(grant->role));
		}
	}
	if (warned > WARNINGS_MAX)
		out_note(app, "warning: and %zu more such grants",
		    warned - WARNINGS_MAX);
}

static bool
load_make(struct change *change, struct admin *admin)
{
	struct load *load = change->data;

	load->counts = (struct load_counts){ 0 };
	return admin_load(
	    admin, &load->state, &load->counts, &change->app->err);
}

static bool
load_show(struct change *change, struct admin *admin, FILE *to)
{
	const struct load *load = change->data;
	const struct load_counts *counts = &load->counts;

	(void)admin;
	/* What only adds takes nothing from anybody: it need not be asked. */
	change->quiet = counts->changed == 0 && counts->removed == 0;
	if (change->app->json)
		fprintf(to,
		    "{\"added\":%lld,\"changed\":%lld,\"removed\":%lld}",
		    (long long)counts->added, (long long)counts->changed,
		    (long long)counts->removed);
	else
		fprintf(to, "%.*s: %lld added, %lld changed, %lld removed\n",
		    STR_ARGS(load->name), (long long)counts->added,
		    (long long)counts->changed, (long long)counts->removed);
	return true;
}

int
cmd_load(struct app *app)
{
	struct load load = { 0 };
	struct change change = {
		.app = app,
		.make = load_make,
		.show = load_show,
		.data = &load,
	};

	if (!app_catalogues(app) || !state_read(app, &load))
		return APP_FAILED;
	warnings_print(app, &load.state);
	return change_run(&change);
}

/* --- export -------------------------------------------------------------- */

static bool
file_failed(struct app *app, struct str path, const char *what)
{
	return err_set(&app->err, ERR_FILE, "file_write",
	    "%.*s: cannot be %s: %s", STR_ARGS(path), what, strerror(errno));
}

/* The folder's entry is durable as well. */
static bool
folder_sync(struct app *app, struct str path)
{
	const char *slash = memrchr(path.ptr, '/', path.len);
	struct str folder = { path.ptr,
		slash != NULL ? (size_t)(slash - path.ptr) + 1 : 0 };
	const char *name = app_cstr(app, slash != NULL ? folder : STR("."));
	int fd;
	bool ok;

	if (name == NULL)
		return false;
	fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok = fd >= 0 && fsync(fd) == 0;
	if (!ok)
		file_failed(app, folder, "written durably");
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool
export_write(
    struct app *app, const struct state *state, int fd, struct str path)
{
	FILE *out = fdopen(fd, "w");
	bool ok;

	if (out == NULL) {
		close(fd);
		return file_failed(app, path, "written");
	}
	ok = state_write_json(state, out, &app->err) &&
	     (fflush(out) == 0 && fsync(fd) == 0
		     ? true
		     : file_failed(app, path, "written"));
	if (fclose(out) != 0 && ok)
		ok = file_failed(app, path, "written");
	return ok;
}

/* The old file stays until the new one is whole and durable. */
static bool
export_file(struct app *app, const struct state *state, struct str path)
{
	struct str temp = str_fmt(&app->arena, "%.*s.XXXXXX", STR_ARGS(path));
	char *name;
	int fd;

	if (temp.ptr == NULL)
		return app_no_memory(app);
	name = (char *)(uintptr_t)temp.ptr; /* ours, in the arena */
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return file_failed(app, path, "made");
	if (fchmod(fd, EXPORT_MODE) != 0) {
		close(fd);
		unlink(name);
		return file_failed(app, path, "made");
	}
	if (!export_write(app, state, fd, path)) {
		unlink(name);
		return false;
	}
	if (rename(name, path.ptr) != 0) {
		file_failed(app, path, "replaced");
		unlink(name);
		return false;
	}
	return folder_sync(app, path);
}

int
cmd_export(struct app *app)
{
	struct str path =
	    app->args.word_count > 0 ? app->args.words[0] : STR("-");
	struct state state = { 0 };
	bool ok;

	if (!app_state(app, &state))
		return APP_FAILED;
	ok = str_eq(path, STR("-"))
		 ? state_write_json(&state, stdout, &app->err)
		 : export_file(app, &state, path);
	return ok ? 0 : APP_FAILED;
}
