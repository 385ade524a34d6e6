#include "cli/app.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/bounds.h"
#include "base/text.h"
#include "cli/out.h"
#include "store/past.h"

void
app_close(struct app *app)
{
	redis_close(app->redis);
	app->redis = NULL;
	store_close(app->store);
	app->store = NULL;
	faults_free(&app->faults);
	arena_free(&app->arena);
}

bool
app_no_memory(struct app *app)
{
	return err_set(&app->err, ERR_BUG, "no_memory",
	    "out of memory; give the process more");
}

int
app_fail(
    struct app *app, enum err_kind kind, const char *code, const char *fmt, ...)
{
	char text[sizeof(app->err.text)];
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	err_set(&app->err, kind, code, "%s", n < 0 ? "(no text)" : text);
	return APP_FAILED;
}

const char *
app_cstr(struct app *app, struct str s)
{
	const char *copy = str_copy(&app->arena, s).ptr;

	if (copy == NULL)
		app_no_memory(app);
	return copy;
}

int64_t
clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool
app_configure(struct app *app)
{
	struct str path = args_text(&app->args, "config");

	if (!app->configured)
		app->configured = config_load(
		    &app->arena, path.ptr, &app->config, &app->faults);
	return app->configured;
}

bool
app_catalogues(struct app *app)
{
	if (!app_configure(app))
		return false;
	if (!app->has_catalogues)
		app->has_catalogues = catalogues_load(&app->arena,
		    app->config.catalogues, &app->catalogues, &app->faults);
	return app->has_catalogues;
}

bool
app_open(struct app *app, enum store_mode mode)
{
	const char *path;

	if (!app_catalogues(app))
		return false;
	path = app_cstr(app, app->config.store);
	return path != NULL && store_open(&app->store, path, mode, &app->err);
}

bool
app_view_configured(const struct app *app)
{
	return app->config.view.redis.address.len > 0;
}

bool
app_publisher(struct app *app)
{
	struct publisher *publisher = &app->publisher;
	const char *key_file;

	if (!app_view_configured(app))
		return err_set(&app->err, ERR_USAGE, "view_not_configured",
		    "%.*s: has no view.redis.address; add it to publish a view",
		    STR_ARGS(app->config.path));
	key_file = app_cstr(app, app->config.view.key_file);
	if (key_file == NULL ||
	    !record_key_load(&publisher->key, key_file, &app->err))
		return false;
	if (app->redis == NULL &&
	    !redis_open(&app->redis, &app->config.view.redis, &app->err))
		return false;
	publisher->store = app->store;
	publisher->redis = app->redis;
	publisher->ns = app->config.view.ns;
	return true;
}

void
app_publish(struct app *app)
{
	struct publish_counts counts = { 0 };

	if (!app_view_configured(app))
		return;
	if (app_publisher(app) &&
	    publish_drain(&app->publisher, &counts, &app->err))
		return;
	/* The change is durable, and the next drain takes it along. */
	out_note(app, "publishing waits: %s [%s]", app->err.text,
	    app->err.code != NULL ? app->err.code : "unknown");
	app->err = (struct err){ 0 };
}

static bool
state_of_store(struct app *app, struct state *out)
{
	if (!app_open(app, STORE_READ) ||
	    !store_begin_read(app->store, &app->err) ||
	    !store_state(app->store, &app->arena, out, &app->err))
		return false;
	store_rollback(app->store);
	out->catalogues = app->catalogues;
	return true;
}

static bool
state_of_view(struct app *app, struct state *out)
{
	int64_t generation = 0;

	return app_configure(app) && app_publisher(app) &&
	       publish_read_state(
		   &app->publisher, &app->arena, out, &generation, &app->err);
}

bool
app_time(
    struct app *app, const char *option, int64_t fallback_s, int64_t *out_s)
{
	struct str text = args_text(&app->args, option);

	*out_s = fallback_s;
	if (text.ptr == NULL || str_to_time(text, out_s))
		return true;
	return err_set(&app->err, ERR_USAGE, "usage",
	    "--%s: '%.*s' is not a time; write 2027-01-01T00:00:00Z", option,
	    STR_ARGS(text));
}

/* What the store kept of a catalogue is the body of its record. */
static bool
catalogues_of_past(struct app *app, struct past *past)
{
	const struct catalogue **list = ARENA_ARRAY(
	    &app->arena, const struct catalogue *, past->catalogue_count + 1);

	if (list == NULL)
		return app_no_memory(app);
	for (size_t i = 0; i < past->catalogue_count; i++) {
		const struct record record = {
			.name = past->catalogues[i].name,
			.body = past->catalogues[i].text,
		};

		if (!record_read_catalogue(
			&record, &app->arena, &list[i], &app->err))
			return false;
	}
	past_catalogues_set(
	    past, &(struct catalogues){ list, past->catalogue_count });
	return true;
}

static bool
state_of_past(struct app *app, int64_t at_s, struct state *out)
{
	struct past past = { .catalogue_count = 0 };

	if (args_have(&app->args, "view"))
		return err_set(&app->err, ERR_USAGE, "usage",
		    "--at: the view knows no past; leave --view out");
	if (!app_open(app, STORE_READ) ||
	    !store_state_at(
		app->store, &app->arena, at_s * 1000, &past, &app->err))
		return false;
	if (!catalogues_of_past(app, &past))
		return false;
	*out = past.state;
	return true;
}

bool
app_state(struct app *app, struct state *out)
{
	int64_t at_s;

	if (!app_time(app, "at", app->now_s, &at_s))
		return false;
	if (at_s < app->now_s)
		return state_of_past(app, at_s, out);
	return args_have(&app->args, "view") ? state_of_view(app, out)
					     : state_of_store(app, out);
}

bool
app_name_check(struct app *app, struct str text, size_t max, const char *field)
{
	return text.len == 0 || text_check(text, max, field, &app->err);
}
