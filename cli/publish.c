#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "admin/admin.h"
#include "cli/commands.h"
#include "cli/out.h"

#define POLL_MS	       200
#define BEAT_MS	       1000
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 2000

static bool
counts_print(struct app *app, const struct publish_counts *counts)
{
	if (app->json)
		return json_print(
		    app, json_pack("{s:I,s:I,s:I}", "generation",
			     (json_int_t)counts->generation, "records",
			     (json_int_t)counts->records, "deleted",
			     (json_int_t)counts->deleted));
	return printf("published generation %lld: %lld records written, %lld "
		      "deleted\n",
		   (long long)counts->generation, (long long)counts->records,
		   (long long)counts->deleted) > 0;
}

/* A catalogue that was edited in its folder becomes part of the store. */
static bool
catalogues_take(struct app *app)
{
	struct actor actor = { .kind = ACTOR_SYSTEM,
		.why = STR("the catalogue's files changed") };
	struct admin admin = { 0 };

	if (!admin_begin(&admin, app->store, &app->catalogues, &actor,
		clock_ms(), &app->err))
		return false;
	if (admin.changes == 0) {
		admin_abort(&admin);
		return true;
	}
	out_note(app, "%lld catalogues taken into the store",
	    (long long)admin.changes);
	if (admin_commit(&admin, &app->err))
		return true;
	admin_abort(&admin);
	return false;
}

static int
publish_once(struct app *app, bool all)
{
	struct publish_counts counts = { 0 };
	bool ok = app_publisher(app) &&
		  (all ? publish_all(&app->publisher, &counts, &app->err)
		       : publish_drain(&app->publisher, &counts, &app->err));

	return ok && counts_print(app, &counts) ? 0 : APP_FAILED;
}

/* --- --follow ------------------------------------------------------------ */

struct follow {
	struct app *app;
	sigset_t stop; /* SIGTERM and SIGINT, blocked and waited for */
	bool connected;
	bool all; /* the next publishing is a whole one */
	bool drained; /* nothing waits from before `version` */
	int64_t version; /* of the store when it was drained */
	int64_t beat_ms; /* when to beat next, monotonic */
	int64_t backoff_ms; /* 0 while all is well */
};

static int64_t
monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool
stop_within(const struct follow *f, int64_t wait_ms)
{
	struct timespec wait = { .tv_sec = wait_ms / 1000,
		.tv_nsec = wait_ms % 1000 * 1000000 };

	return sigtimedwait(&f->stop, NULL, &wait) > 0;
}

static bool
drain(struct follow *f, int64_t version)
{
	struct app *app = f->app;
	struct publish_counts counts = { 0 };
	bool ok = f->all ? publish_all(&app->publisher, &counts, &app->err)
			 : publish_drain(&app->publisher, &counts, &app->err);

	if (!ok)
		return false;
	if (counts.records + counts.deleted > 0)
		out_note(app,
		    "published generation %lld: %lld records, %lld deleted",
		    (long long)counts.generation, (long long)counts.records,
		    (long long)counts.deleted);
	f->all = false;
	f->drained = true;
	f->version = version;
	return true;
}

/* One look: publish what is new, beat when it is time. */
static bool
follow_step(struct follow *f)
{
	struct app *app = f->app;
	int64_t version;

	if (!f->connected && !app_publisher(app))
		return false;
	f->connected = true;
	/* The version is read first: what is committed while we drain is
	 * seen by the next look. */
	if (!store_data_version(app->store, &version, &app->err))
		return false;
	if ((!f->drained || version != f->version) && !drain(f, version))
		return false;
	if (monotonic_ms() < f->beat_ms)
		return true;
	if (!publish_heartbeat(&app->publisher, clock_ms(), &app->err))
		return false;
	f->beat_ms = monotonic_ms() + BEAT_MS;
	return true;
}

/* Something away is waited for; anything else ends the command. */
static bool
follow_recover(struct follow *f)
{
	struct app *app = f->app;

	redis_close(app->redis);
	app->redis = NULL;
	f->connected = false;
	f->drained = false;
	if (app->err.kind != ERR_REACH)
		return false;
	if (f->backoff_ms == 0)
		out_note(app, "publishing waits: %s [%s]", app->err.text,
		    app->err.code);
	app->err = (struct err){ 0 };
	f->backoff_ms = f->backoff_ms == 0 ? BACKOFF_MIN_MS
			: f->backoff_ms * 2 > BACKOFF_MAX_MS
			    ? BACKOFF_MAX_MS
			    : f->backoff_ms * 2;
	return true;
}

static int
publish_follow(struct app *app, bool all)
{
	struct follow f = { .app = app, .all = all };
	int64_t wait_ms = 0;

	sigemptyset(&f.stop);
	sigaddset(&f.stop, SIGTERM);
	sigaddset(&f.stop, SIGINT);
	sigprocmask(SIG_BLOCK, &f.stop, NULL);
	while (!stop_within(&f, wait_ms)) {
		if (follow_step(&f)) {
			if (f.backoff_ms > 0)
				out_note(app, "publishing goes on");
			f.backoff_ms = 0;
			wait_ms = POLL_MS;
		} else if (follow_recover(&f))
			wait_ms = f.backoff_ms;
		else
			return APP_FAILED;
	}
	return 0;
}

int
cmd_publish(struct app *app)
{
	bool all = args_have(&app->args, "all");

	if (!app_open(app, STORE_WRITE))
		return APP_FAILED;
	if (!app_view_configured(app)) {
		app_publisher(app); /* says what is missing */
		return APP_FAILED;
	}
	if (!catalogues_take(app))
		return APP_FAILED;
	return args_have(&app->args, "follow") ? publish_follow(app, all)
					       : publish_once(app, all);
}
