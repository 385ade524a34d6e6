/* Real requests through nginx, and what each answer says about it. */
#include <string.h>
#include <unistd.h>

#include "admin/admin.h"
#include "base/secret.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/diagnosis.h"
#include "cli/gate.h"
#include "cli/out.h"
#include "cli/secret.h"
#include "model/token.h"
#include "nginx/lint.h"

#define SESSION_S     ((int64_t)120)
#define HEADERS_MAX   16
#define HEADERS_BYTES ((size_t)16 * 1024)
#define NGINX_FILE    "/etc/nginx/nginx.conf"

/* --- What is asked -------------------------------------------------------- */

enum who {
	WHO_NOBODY,
	WHO_LIAR, /* nobody, with headers that name the allowed one */
	WHO_REFUSED,
	WHO_ALLOWED,
	WHO_BOTH, /* the cookies of two sessions */
};

static const char *const want_words[] = {
	[WANT_UNKNOWN] = "401 or sign-in",
	[WANT_REFUSED] = "403",
	[WANT_PAGE] = "the page",
	[WANT_NO_PATH] = "403 or 400",
	[WANT_HIDDEN] = "404",
};

struct probe {
	const char *name;
	enum who who;
	enum want want;
	const char *behind; /* put behind the path */
};

static const struct probe probes[] = {
	{ "no identity", WHO_NOBODY, WANT_UNKNOWN, "" },
	{ "a lie in headers", WHO_LIAR, WANT_UNKNOWN, "" },
	{ "two sessions", WHO_BOTH, WANT_UNKNOWN, "" },
	{ "refused", WHO_REFUSED, WANT_REFUSED, "" },
	{ "allowed", WHO_ALLOWED, WANT_PAGE, "" },
	{ "escaped twice", WHO_ALLOWED, WANT_NO_PATH, "%252e%252e/x" },
	{ "a semicolon", WHO_ALLOWED, WANT_NO_PATH, ";a=b" },
	{ "a backslash", WHO_ALLOWED, WANT_NO_PATH, "\\x" },
	{ "an escaped backslash", WHO_ALLOWED, WANT_NO_PATH, "%5cx" },
	{ "an escaped newline", WHO_ALLOWED, WANT_NO_PATH, "%0ax" },
	{ "a doubled slash", WHO_ALLOWED, WANT_NO_PATH, "//x" },
	{ "the gate's location", WHO_ALLOWED, WANT_HIDDEN, NULL },
};
#define PROBES (sizeof(probes) / sizeof(probes[0]))

static const char *const columns[] = { "probe", "target", "wanted", "came",
	"gate_asked", "wrong" };
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

enum which_side { SIDE_ALLOWED, SIDE_REFUSED, SIDES };

static const struct {
	const char *user;
	const char *file;
} side_opts[SIDES] = {
	[SIDE_ALLOWED] = { "allowed", "allowed-headers" },
	[SIDE_REFUSED] = { "refused", "refused-headers" },
};

/* One of the two whom nginx is asked as. */
struct side {
	struct str user;
	struct str digest; /* of the session made; empty: none */
	struct str cookie; /* NAME=TOKEN */
	struct str headers[HEADERS_MAX];
	size_t header_count;
};

struct doctor {
	struct app *app;
	struct prober *prober;
	struct side sides[SIDES];
	struct site site;
	bool counts; /* gate.control answers */
	struct table table;
};

/* --- Sessions ------------------------------------------------------------- */

static bool
session_make(struct doctor *d, struct admin *admin, struct side *side)
{
	struct app *app = d->app;
	char digest[TOKEN_DIGEST_LEN + 1];
	struct str token = { NULL, 0 };

	if (!admin_session_add(admin, side->user,
		args_text(&app->args, "account"),
		&(struct session_limits){ .lifetime_s = SESSION_S }, &token,
		&app->err))
		return false;
	token_digest(token, digest);
	side->digest = str_copy(&app->arena, str_from(digest));
	side->cookie = str_fmt(&app->arena, "%.*s=%.*s",
	    STR_ARGS(app->config.gate.cookie), STR_ARGS(token));
	side->headers[0] =
	    str_fmt(&app->arena, "Cookie: %.*s", STR_ARGS(side->cookie));
	side->header_count = 1;
	return side->headers[0].ptr != NULL || app_no_memory(app);
}

static bool
sessions_change(struct doctor *d,
    bool (*change)(struct doctor *, struct admin *, struct side *))
{
	const struct actor system = { .kind = ACTOR_SYSTEM,
		.why = STR("rolegate doctor") };
	struct app *app = d->app;
	struct admin admin;

	if (!admin_begin(&admin, app->store, &app->catalogues, &system,
		clock_ms(), &app->err))
		return false;
	for (size_t i = 0; i < SIDES; i++)
		if (!change(d, &admin, &d->sides[i])) {
			admin_abort(&admin);
			return false;
		}
	if (!admin_commit(&admin, &app->err)) {
		admin_abort(&admin);
		return false;
	}
	app_publish(app);
	return true;
}

static bool
session_begin(struct doctor *d, struct admin *admin, struct side *side)
{
	return side->header_count > 0 || session_make(d, admin, side);
}

static bool
session_end(struct doctor *d, struct admin *admin, struct side *side)
{
	return side->digest.len == 0 ||
	       admin_session_remove(admin, side->digest, &d->app->err);
}

/* --- Headers of one's own ------------------------------------------------- */

static bool
headers_split(
    struct doctor *d, struct side *side, const char *path, struct str text)
{
	struct str line;

	while (str_next(&text, '\n', &line)) {
		if (line.len > 0 && line.ptr[line.len - 1] == '\r')
			line.len--;
		if (line.len == 0)
			continue;
		if (side->header_count == HEADERS_MAX)
			return err_set(&d->app->err, ERR_LIMIT,
			    "doctor_headers",
			    "%s: has more than %d lines; write fewer", path,
			    HEADERS_MAX);
		if (memchr(line.ptr, ':', line.len) == NULL ||
		    !text_is_clean(line))
			return err_set(&d->app->err, ERR_FILE, "doctor_headers",
			    "%s: has a line that is no header; write "
			    "'Name: value'",
			    path);
		side->headers[side->header_count++] = line;
	}
	return true;
}

static bool
headers_read(struct doctor *d, struct side *side, struct str file)
{
	const char *path = app_cstr(d->app, file);
	char *text = arena_alloc(&d->app->arena, HEADERS_BYTES, 1);
	size_t len;

	if (path == NULL)
		return false;
	if (text == NULL)
		return app_no_memory(d->app);
	return secret_read(text, HEADERS_BYTES, &len, path, "doctor_headers",
		   &d->app->err) &&
	       headers_split(d, side, path, (struct str){ text, len });
}

/* Each of the two: a member, or a file of headers. */
static bool
sides_read(struct doctor *d)
{
	struct app *app = d->app;

	for (size_t i = 0; i < SIDES; i++) {
		struct str file = args_text(&app->args, side_opts[i].file);

		d->sides[i].user = args_text(&app->args, side_opts[i].user);
		if ((d->sides[i].user.ptr == NULL) == (file.ptr == NULL))
			return err_set(&app->err, ERR_USAGE, "usage",
			    "doctor: wants --%s USER, or --%s FILE with the "
			    "headers that sign somebody in",
			    side_opts[i].user, side_opts[i].file);
		if (file.ptr != NULL && !headers_read(d, &d->sides[i], file))
			return false;
		if (file.ptr == NULL && app->config.gate.cookie.len == 0)
			return err_set(&app->err, ERR_USAGE, "usage",
			    "--%s: there is no gate.cookie to sign somebody in "
			    "with; give --%s FILE",
			    side_opts[i].user, side_opts[i].file);
	}
	return true;
}

static size_t
headers_of(struct doctor *d, enum who who, struct str out[HEADERS_MAX])
{
	static const char *const lies[] = { "X-Rolegate-Member", "Remote-User",
		"X-Remote-User", "X-Forwarded-User", "X_Rolegate_Member" };
	const struct side *allowed = &d->sides[SIDE_ALLOWED];
	const struct side *side =
	    who == WHO_REFUSED ? &d->sides[SIDE_REFUSED] : allowed;
	size_t count = 0;

	switch (who) {
	case WHO_NOBODY:
		return 0;
	case WHO_LIAR:
		for (; count < sizeof(lies) / sizeof(lies[0]); count++)
			out[count] = str_fmt(&d->app->arena, "%s: %.*s",
			    lies[count], STR_ARGS(allowed->user));
		out[count++] = STR("X-Rolegate-Decision: allow");
		out[count++] = STR("X-Original-URI: /");
		out[count++] = STR("X-Forwarded-Uri: /");
		return count;
	case WHO_BOTH:
		out[0] = str_fmt(&d->app->arena, "Cookie: %.*s; %.*s",
		    STR_ARGS(allowed->cookie),
		    STR_ARGS(d->sides[SIDE_REFUSED].cookie));
		return 1;
	case WHO_REFUSED:
	case WHO_ALLOWED:
		break;
	}
	memcpy(out, side->headers, sizeof(side->headers));
	return side->header_count;
}

/* --- What the gate says --------------------------------------------------- */

/* How many decisions of such an answer there were; -1: not known. */
static int64_t
decisions(struct doctor *d, enum want want)
{
	struct str verdict = want == WANT_PAGE ? STR("allow") : STR("deny");
	json_t *report;
	int64_t sum = 0;
	const json_t *row;
	size_t i;

	if (!d->counts || (report = gate_report(d->app)) == NULL)
		return -1;
	json_array_foreach(json_object_get(report, "decisions"), i,
	    row) if (str_starts(str_from(json_string_value(json_object_get(row,
				    "verdict"))),
			 verdict)) sum +=
	    json_integer_value(json_object_get(row, "count"));
	json_decref(report);
	return sum;
}

static enum asked
was_asked(int64_t before, int64_t after)
{
	if (before < 0 || after < 0)
		return ASKED_UNKNOWN;
	return after > before ? ASKED_YES : ASKED_NO;
}

/* --- Asking --------------------------------------------------------------- */

static struct str
target_of(const struct doctor *d, const struct probe *probe)
{
	struct str path = prober_path(d->prober);

	if (probe->behind == NULL)
		return d->site.gate;
	return str_fmt(&d->app->arena, "%.*s%s", STR_ARGS(path), probe->behind);
}

/* Headers of one's own need not be cookies, and two of them prove nothing. A
 * path that gets to another location proves nothing about this one. */
static bool
can_ask(const struct doctor *d, const struct probe *probe, struct str target)
{
	if (probe->who == WHO_BOTH)
		return d->sides[SIDE_ALLOWED].cookie.len > 0 &&
		       d->sides[SIDE_REFUSED].cookie.len > 0;
	return probe->want != WANT_NO_PATH || site_is_same(&d->site, target);
}

static struct str
came(const struct doctor *d, const struct probe_answer *answer)
{
	if (answer->status == 0)
		return answer->trouble;
	return str_fmt(&d->app->arena, "%ld%s%.*s", answer->status,
	    answer->reason.len > 0 ? " " : "", STR_ARGS(answer->reason));
}

static void
result_add(struct doctor *d, const struct probe *probe, struct str target,
    const struct evidence *evidence)
{
	static const char *const asked_words[] = {
		[ASKED_UNKNOWN] = "", [ASKED_NO] = "no", [ASKED_YES] = "yes"
	};
	struct trouble trouble = diagnose(&d->site, evidence);
	struct str answer = came(d, &evidence->answer);

	table_add(&d->table, (const struct cell[COLUMNS]){
				 cell_word(probe->name),
				 cell_text(target),
				 cell_word(want_words[probe->want]),
				 cell_text(answer),
				 cell_word(asked_words[evidence->asked]),
				 cell_word(trouble.code),
			     });
	if (trouble.code == NULL)
		return;
	fault_add(&d->app->faults,
	    trouble.at != NULL ? trouble.at->file : d->site.url,
	    trouble.at != NULL ? trouble.at->line : 0, 0, trouble.code,
	    "%s, %.*s: %.*s: %s", probe->name, STR_ARGS(target),
	    STR_ARGS(answer), trouble.text);
}

/* Then none of them will be answered. */
static bool
nobody_answers(struct doctor *d, const struct probe_answer *answer)
{
	return err_set(&d->app->err, ERR_REACH, "doctor_away",
	    "%.*s: nginx did not answer: %.*s; is it running, and is that its "
	    "address?",
	    STR_ARGS(d->site.url), STR_ARGS(answer->trouble));
}

static bool
probe_ask(struct doctor *d, const struct probe *probe)
{
	struct evidence evidence = { .want = probe->want };
	struct str target = target_of(d, probe);
	struct str headers[HEADERS_MAX];
	size_t count = headers_of(d, probe->who, headers);
	int64_t before = decisions(d, probe->want);

	if (!can_ask(d, probe, target))
		return true;
	if (!prober_ask(d->prober, target, headers, count, &evidence.answer))
		return app_no_memory(d->app);
	if (evidence.answer.status == 0 && probe == &probes[0])
		return nobody_answers(d, &evidence.answer);
	if (probe->want != WANT_HIDDEN)
		evidence.asked = was_asked(before, decisions(d, probe->want));
	result_add(d, probe, target, &evidence);
	return true;
}

static bool
probes_ask(struct doctor *d)
{
	json_t *report = gate_report(d->app);

	d->counts = report != NULL;
	json_decref(report);
	if (!d->counts) {
		out_note(d->app,
		    "whether the gate was asked is not known: %s [%s]",
		    d->app->err.text, d->app->err.code);
		d->app->err = (struct err){ .kind = ERR_NONE };
	}
	for (size_t i = 0; i < PROBES; i++)
		if (!probe_ask(d, &probes[i]))
			return false;
	return true;
}

/* --- nginx's own words ---------------------------------------------------- */

static bool
site_lint(struct doctor *d)
{
	struct app *app = d->app;
	struct findings found;

	if (d->site.root == NULL)
		return true;
	if (!nginx_lint(d->site.root, &app->arena, &found, &app->faults))
		return false;
	for (size_t i = 0; i < found.count; i++) {
		const struct finding *finding = &found.items[i];
		struct str text = finding_text(&app->arena, finding);

		fault_add(&app->faults, finding->at->file, finding->at->line, 0,
		    finding->rule->code, "%.*s", STR_ARGS(text));
	}
	return true;
}

/* Without --nginx only what can be read: the probes need no configuration. */
static bool
site_read(struct doctor *d)
{
	struct app *app = d->app;
	struct str file = args_text(&app->args, "nginx");
	const struct directive *root;

	d->site.url = app->args.words[0];
	d->site.gate = STR("/_rolegate");
	if (file.ptr == NULL && access(NGINX_FILE, R_OK) != 0)
		return true;
	root = conf_read(&app->arena, file.ptr != NULL ? file : STR(NGINX_FILE),
	    NULL, &app->faults);
	if (root == NULL)
		return false;
	site_place(&d->site, root,
	    &(struct where){ prober_host(d->prober), prober_port(d->prober),
		prober_path(d->prober) });
	return true;
}

/* --- The command ---------------------------------------------------------- */

static bool
doctor_run(struct doctor *d)
{
	struct app *app = d->app;
	bool ok;

	d->prober = prober_open(&app->arena,
	    &(struct prober_config){
		.url = app->args.words[0],
		.ca_file = args_text(&app->args, "ca-file"),
		.connect = args_text(&app->args, "connect"),
	    },
	    &app->err);
	if (d->prober == NULL || !app_open(app, STORE_WRITE) ||
	    !sides_read(d) || !site_read(d) ||
	    !sessions_change(d, session_begin))
		return false;
	ok = probes_ask(d) && site_lint(d);
	return sessions_change(d, session_end) && ok;
}

int
cmd_doctor(struct app *app)
{
	struct doctor d = { .app = app };
	bool ok;

	table_start(&d.table, &app->arena, "probes", columns, COLUMNS);
	ok = doctor_run(&d);
	prober_close(d.prober);
	if (!ok || !table_print(app, &d.table))
		return APP_FAILED;
	if (app->faults.count == 0)
		return 0;
	out_faults(app);
	return 1;
}
