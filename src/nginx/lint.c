#include "nginx/lint.h"

#include <stdlib.h>
#include <string.h>

#include "nginx/linting.h"

/* --- Findings ------------------------------------------------------------- */

void
list_add(struct linting *l, const struct directive ***items, size_t *count,
    size_t *cap, const struct directive *d)
{
	const struct directive **wider =
	    arena_grow(l->arena, *items, *count, cap, sizeof(*wider));

	if (wider == NULL) {
		l->no_memory = true;
		return;
	}
	*items = wider;
	wider[(*count)++] = d;
}

void
strs_add(struct linting *l, struct strs *out, struct str s)
{
	for (size_t i = 0; i < out->count; i++)
		if (str_eq(out->items[i], s))
			return;
	out->items = arena_grow(
	    l->arena, out->items, out->count, &out->cap, sizeof(*out->items));
	if (out->items == NULL || s.ptr == NULL) {
		*out = (struct strs){ 0 };
		l->no_memory = true;
		return;
	}
	out->items[out->count++] = s;
}

void
lint_found(struct linting *l, const struct directive *at,
    enum nginx_rule_id rule, struct str what)
{
	struct finding *wider = arena_grow(
	    l->arena, l->found, l->found_count, &l->found_cap, sizeof(*wider));

	if (wider == NULL) {
		l->no_memory = true;
		return;
	}
	l->found = wider;
	wider[l->found_count++] =
	    (struct finding){ at, &nginx_rules[rule], what };
}

static int
finding_cmp(const void *a, const void *b)
{
	const struct finding *x = a;
	const struct finding *y = b;
	int by = str_cmp(x->at->file, y->at->file);

	if (by == 0)
		by = (x->at->line > y->at->line) - (x->at->line < y->at->line);
	if (by == 0)
		by = strcmp(x->rule->code, y->rule->code);
	return by != 0 ? by : str_cmp(x->what, y->what);
}

/* A file that is included in ten places has each of its lines ten times. */
static void
findings_sort(struct linting *l, struct findings *out)
{
	size_t kept = 0;

	if (l->found_count > 1)
		qsort(l->found, l->found_count, sizeof(*l->found), finding_cmp);
	for (size_t i = 0; i < l->found_count; i++)
		if (kept == 0 ||
		    finding_cmp(&l->found[kept - 1], &l->found[i]) != 0)
			l->found[kept++] = l->found[i];
	*out = (struct findings){ l->found, kept };
}

struct str
finding_text(struct arena *arena, const struct finding *finding)
{
	const struct directive *at = finding->at;
	bool has_word = at->args.count > 0;

	return str_fmt(arena, "%.*s%s%.*s%s%s%s%.*s%s; %s", STR_ARGS(at->name),
	    has_word ? " " : "", STR_ARGS(conf_arg(at, 0)),
	    at->name.len > 0 ? ": " : "", finding->rule->says,
	    finding->what.len > 0 ? " (" : "", STR_ARGS(finding->what),
	    finding->what.len > 0 ? ")" : "", finding->rule->mend);
}

/* --- Blocks --------------------------------------------------------------- */

bool
is_location(const struct directive *d)
{
	return d->is_block && conf_is(d, "location");
}

bool
is_nameless(const struct directive *d)
{
	return d->is_block && (conf_is(d, "if") || conf_is(d, "limit_except"));
}

const struct directive *
server_of(const struct directive *block)
{
	while (block != NULL && !conf_is(block, "server"))
		block = block->parent;
	return block;
}

/* "= /a", "/a" and, written together, "=/a". */
struct str
location_modifier(const struct directive *location)
{
	static const char *const modifiers[] = { "=", "^~", "~*", "~" };
	struct str first = conf_arg(location, 0);

	for (size_t i = 0; i < 4; i++)
		if (str_starts(first, str_from(modifiers[i])))
			return str_from(modifiers[i]);
	return STR("");
}

struct str
location_name(const struct directive *location)
{
	struct str modifier = location_modifier(location);
	struct str name = conf_arg(location, 0);

	if (name.len == modifier.len && location->args.count > 1)
		return conf_arg(location, 1);
	return (struct str){ name.ptr + modifier.len, name.len - modifier.len };
}

bool
has_modifier(const struct directive *location, const char *modifier)
{
	return str_eq(location_modifier(location), str_from(modifier));
}

bool
folds(const struct directive *location)
{
	return has_modifier(location, "~*");
}

bool
location_is_regex(const struct directive *location)
{
	return str_starts(location_modifier(location), STR("~"));
}

/* `value` NULL: it takes none. */
bool
is_on(const struct directive *block, const char *name, const char *value)
{
	const struct directive *d = conf_find(block, name);

	return d != NULL && (value == NULL || conf_arg_is(d, 0, value));
}

static bool
protects(const struct directive *block)
{
	if (is_protected(block))
		return true;
	for (const struct directive *d = block->first; d != NULL; d = d->next)
		if (is_location(d) && protects(d))
			return true;
	return false;
}

/* --- What answers before the gate is asked -------------------------------- */

static bool
is_refusal(const struct directive *d)
{
	struct str code = conf_arg(d, 0);

	return code.len == 3 && (code.ptr[0] == '4' || code.ptr[0] == '5');
}

static bool
is_redirect(const struct directive *d)
{
	struct str code = conf_arg(d, 0);

	return (code.len == 3 && code.ptr[0] == '3') ||
	       (d->args.count == 1 && (str_starts(code, STR("http")) ||
					  str_starts(code, STR("$scheme"))));
}

/* A redirect of the whole server, to TLS for instance, gives nothing away that
 * anybody protected. */
static void
returns_check(
    struct linting *l, const struct directive *block, bool whole_server)
{
	for (const struct directive *d = block->first; d != NULL; d = d->next)
		if (conf_is(d, "return") && !is_refusal(d) &&
		    !(whole_server && is_redirect(d)))
			lint_found(l, d, RULE_RETURN, STR(""));
		else if (whole_server && conf_is(d, "if"))
			returns_check(l, d, true);
}

static void
rewrites_check(struct linting *l, const struct directive *block)
{
	for (const struct directive *d = conf_own(block, "rewrite"); d != NULL;
	     d = conf_next(d))
		if (!conf_arg_is(d, 2, "break"))
			lint_found(l, d, RULE_REWRITE, STR(""));
}

static void
satisfy_check(struct linting *l, const struct directive *block)
{
	const struct directive *d = conf_find(block, "satisfy");

	if (d != NULL && conf_arg_is(d, 0, "any"))
		lint_found(l, d, RULE_SATISFY, STR(""));
}

/* --- Programs ------------------------------------------------------------- */

static bool
has_part(struct str s, const char *part)
{
	return s.len > 0 && memmem(s.ptr, s.len, part, strlen(part)) != NULL;
}

/* What filters or logs an answer comes too late to lead anywhere. */
static bool
is_program(struct str name)
{
	return (has_part(name, "_by_lua") && !has_part(name, "_filter") &&
		   !str_starts(name, STR("log_"))) ||
	       str_eq(name, STR("js_content")) || str_eq(name, STR("perl"));
}

static bool
has_program(const struct directive *block)
{
	for (const struct directive *d = block->first; d != NULL; d = d->next)
		if (is_program(d->name) || (d->is_block && has_program(d)))
			return true;
	return false;
}

void
programs_check(struct linting *l, const struct directive *block)
{
	for (const struct directive *d = block->first; d != NULL; d = d->next)
		if (is_program(d->name))
			lint_found(l, d, RULE_PROGRAM, STR(""));
}

/* --- Error pages ---------------------------------------------------------- */

/* Is it a code that nginx gives without an allow, also before the gate is
 * asked? Those others are of a page or an application. */
static bool
is_denial(struct str code)
{
	static const char *const later[] = { "404", "405", "416" };

	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if (str_eq(code, str_from(later[i])))
			return false;
	return code.len == 3 && (code.ptr[0] == '4' || code.ptr[0] == '5');
}

/* A location that says the refusal itself: with a return of its own, or by
 * rolegate-web. */
static bool
refuses(const struct directive *location)
{
	const struct directive *d;

	if (location == NULL)
		return false;
	d = conf_own(location, "return");
	if (d != NULL)
		return is_refusal(d) || is_redirect(d);
	return conf_own(location, "fastcgi_pass") != NULL &&
	       gate_param(location, "ROLEGATE_TARGET") != NULL;
}

static const struct directive *
page_location(const struct directive *block, struct str name)
{
	const struct directive *server = server_of(block);

	for (const struct directive *d = server != NULL ? server->first : NULL;
	     d != NULL; d = d->next)
		if (is_location(d) && str_eq(location_name(d), name) &&
		    !location_is_regex(d))
			return d;
	return NULL;
}

/* "=200" and its like; "=" takes the code that the page's location gives. */
static bool
makes_success(const struct directive *block, const struct directive *d)
{
	size_t count = d->args.count;
	bool denial = false;

	for (size_t i = 0; i + 1 < count; i++) {
		struct str word = d->args.items[i];

		denial = denial || is_denial(word);
		if (denial && str_starts(word, STR("=2")))
			return true;
		if (denial && str_eq(word, STR("=")))
			return !refuses(
			    page_location(block, d->args.items[count - 1]));
	}
	return false;
}

/* The gate's own refusals, and what nginx says before it asks the gate. A
 * gateway's error comes behind that. */
static bool
is_for_refused(const struct directive *d)
{
	for (size_t i = 0; i + 1 < d->args.count; i++) {
		struct str code = d->args.items[i];

		if (is_denial(code) && !str_eq(code, STR("502")) &&
		    !str_eq(code, STR("504")))
			return true;
	}
	return conf_is(d, "post_action");
}

/* Where only who was allowed goes on, that has to be proved again. */
static void
ways_on_check(
    struct linting *l, const struct directive *block, const char *name)
{
	for (const struct directive *d = conf_find(block, name); d != NULL;
	     d = conf_next(d))
		if (d->args.count > 0 &&
		    line_goes_inside(l, block, conf_arg(d, d->args.count - 1)))
			lint_found(l, d,
			    is_for_refused(d) ? RULE_ERROR_PAGE : RULE_NO_PROOF,
			    STR(""));
}

static void
error_pages_check(struct linting *l, const struct directive *block)
{
	for (const struct directive *d = conf_find(block, "error_page");
	     d != NULL; d = conf_next(d))
		if (makes_success(block, d))
			lint_found(l, d, RULE_ERROR_PAGE, STR(""));
	ways_on_check(l, block, "error_page");
	ways_on_check(l, block, "post_action");
	ways_on_check(l, block, "try_files");
	ways_on_check(l, block, "echo_exec");
}

/* --- What the gate is told ------------------------------------------------ */

/* A set of the server is run again for the subrequest, and says then what the
 * gate's own location is called. An if has those of its location, and a
 * limit_except none. */
static void
path_saved_check(struct linting *l, const struct directive *block)
{
	struct str path = told_variable(block, TOLD_PATH);
	const struct directive *d = variable_set(block, path);
	bool own = d != NULL && d->parent == block;

	if (conf_is(block, "if") && !own)
		return;
	if (!own || !is_the_variable(conf_arg(d, 1), "uri"))
		lint_found(l, own ? d : block, RULE_PATH, STR(""));
}

/* An if whose condition a client may fulfil says it for the client, too. The
 * account may be a part of the path, which the application reads it from. */
static void
identity_check(struct linting *l, const struct directive *block, enum told told)
{
	bool (*is_wrong)(struct linting *, const struct directive *,
	    struct str) = told == TOLD_ACCOUNT ? is_said : is_clients;
	struct str name = told_variable(block, told);
	bool asks = asks_client(l, block);

	for (const struct directive *d = conf_own(block, "set"); d != NULL;
	     d = conf_next(d)) {
		struct str own;

		if (is_variable(conf_arg(d, 0), &own) &&
		    str_eq_fold(own, name) &&
		    (asks || is_wrong(l, block, conf_arg(d, 1))))
			lint_found(l, d, RULE_IDENTITY, STR(""));
	}
}

static bool
is_told(const struct linting *l, struct str name)
{
	for (size_t i = 0; i < l->told.count; i++)
		if (str_eq_fold(l->told.items[i], name))
			return true;
	return is_decision(l, name);
}

/* The first line, also of an if, behind which no set is run. */
static const struct directive *
break_find(const struct directive *d)
{
	const struct directive *inner = conf_is(d, "if") ? d->first : NULL;

	if (conf_is(d, "break") ||
	    (conf_is(d, "rewrite") && conf_arg_is(d, 2, "break")))
		return d;
	for (; inner != NULL; inner = inner->next)
		if (break_find(inner) != NULL)
			return break_find(inner);
	return NULL;
}

static void
break_check(struct linting *l, const struct directive *block)
{
	const struct directive *stop = NULL;
	struct str name;

	for (const struct directive *d = block->first; d != NULL; d = d->next)
		if (stop == NULL)
			stop = break_find(d);
		else if (conf_is(d, "set") &&
			 is_variable(conf_arg(d, 0), &name) &&
			 is_told(l, name)) {
			lint_found(l, stop, RULE_BREAK, STR(""));
			return;
		}
}

/* Is it run again when the gate is asked? So is all that is in the server
 * itself, and what is in the gate's location. */
static bool
is_run_again(const struct linting *l, const struct directive *set)
{
	const struct directive *block = set->parent;

	while (is_nameless(block))
		block = block->parent;
	return !is_location(block) || is_gate(l, block);
}

static void
told_check(struct linting *l)
{
	for (size_t i = 0; i < l->told.count; i++) {
		struct setters all = setters_of(l, l->told.items[i]);

		for (size_t j = 0; j < all.count; j++)
			if ((all.items[j].kind == SETTER_SET ||
				all.items[j].kind == SETTER_PROGRAM) &&
			    is_run_again(l, all.items[j].at))
				lint_found(
				    l, all.items[j].at, RULE_AGAIN, STR(""));
			else if (all.items[j].kind == SETTER_CAPTURE)
				lint_found(l, all.items[j].at, RULE_IDENTITY,
				    all.items[j].name);
	}
}

/* --- The decision --------------------------------------------------------- */

static bool
is_proof(const struct linting *l, const struct directive *map)
{
	struct str source;

	return is_variable(conf_arg(map, 0), &source) && is_decision(l, source);
}

/* Only the gate's answer makes a decision, and only a map of it a proof. */
static bool
is_forged(const struct linting *l, const struct setter *setter, bool decision)
{
	switch (setter->kind) {
	case SETTER_SET:
		return !decision || conf_arg(setter->at, 1).len > 0;
	case SETTER_ANSWER:
		return !decision || !is_the_variable(conf_arg(setter->at, 1),
					"upstream_http_x_rolegate_decision");
	case SETTER_MAP:
		return decision || !is_proof(l, setter->at);
	case SETTER_CHOICE:
	case SETTER_CAPTURE:
	case SETTER_PROGRAM:
	case SETTER_KINDS:
		return true;
	}
	return true;
}

static void
forged_each(struct linting *l, struct setters all, bool decision)
{
	for (size_t i = 0; i < all.count; i++)
		if (is_forged(l, &all.items[i], decision))
			lint_found(
			    l, all.items[i].at, RULE_PROOF_FORGED, STR(""));
}

static bool
has_proof(const struct linting *l, struct str name)
{
	struct setters maps = setters_by(l, name, SETTER_MAP);

	for (size_t i = 0; i < maps.count; i++)
		if (is_proof(l, maps.items[i].at))
			return true;
	return false;
}

static void
forged_check(struct linting *l)
{
	struct setters all;

	for (size_t i = 0; i < l->setter_count; i += all.count) {
		struct str name = l->setters[i].name;

		all = setters_of(l, name);
		if (is_decision(l, name) ||
		    str_eq_fold(name, STR("rolegate_decision")))
			forged_each(l, all, true);
		else if (has_proof(l, name))
			forged_each(l, all, false);
	}
}

static void
kept_check(
    struct linting *l, const struct directive *block, struct str decision)
{
	const struct directive *d = variable_set(block, decision);

	if (decision.len > 0 && (d == NULL || d->parent != block))
		lint_found(l, block, RULE_PROOF_KEPT, decision);
}

/* --- Walking -------------------------------------------------------------- */

static bool
denies_all(const struct directive *block)
{
	const struct directive *deny = conf_own(block, "deny");

	return deny != NULL && conf_arg_is(deny, 0, "all") &&
	       conf_own(block, "allow") == NULL;
}

/* Where it answers by itself, or denies, the gate is not asked. */
static void
protected_check(struct linting *l, const struct directive *block)
{
	returns_check(l, block, false);
	rewrites_check(l, block);
	satisfy_check(l, block);
	error_pages_check(l, block);
	identity_check(l, block, TOLD_TRUSTED_USER);
	identity_check(l, block, TOLD_PERMISSION);
	identity_check(l, block, TOLD_ACCOUNT);
	programs_check(l, block);
	break_check(l, block);
	way_check(l, block);
	if (conf_own(block, "return") != NULL || denies_all(block))
		return;
	path_saved_check(l, block);
	if (!is_nameless(block))
		kept_check(l, block, decision_of(block));
}

/* Whoever issues certificates fetches its challenge as a stranger (RFC 8555,
 * 8.3). An expression may fit more than that. */
static bool
is_challenge(struct linting *l, const struct directive *block)
{
	const struct str folder = STR("/.well-known/acme-challenge/");

	return is_location(block) && !location_is_regex(block) &&
	       str_starts(location_name(block), folder) &&
	       !has_program(block) && !leads_on_inside(l, block);
}

static void
hole_check(struct linting *l, const struct directive *block)
{
	const struct directive *off = conf_own(block, "auth_request");

	if (off != NULL && is_protected(block->parent) &&
	    !is_challenge(l, block))
		lint_found(l, off, RULE_HOLE, STR(""));
}

static void
block_check(struct linting *l, const struct directive *block)
{
	if (is_gate(l, block)) {
		gate_check(l, block);
		return;
	}
	if (is_protected(block)) {
		protected_check(l, block);
		headers_check(l, block);
	} else {
		hole_check(l, block);
		around_check(l, block);
	}
	alias_check(l, block);
}

static void
auth_in_if_check(struct linting *l, const struct directive *block)
{
	const struct directive *d = conf_own(block, "auth_request");

	if (is_nameless(block) && d != NULL)
		lint_found(l, d, RULE_AUTH_IN_IF, STR(""));
}

static void
blocks_walk(struct linting *l, const struct directive *block,
    void (*check)(struct linting *l, const struct directive *block))
{
	for (const struct directive *d = block->first; d != NULL; d = d->next)
		if (is_location(d) ||
		    (is_nameless(d) && !conf_is(block, "server"))) {
			check(l, d);
			blocks_walk(l, d, check);
		}
}

/* --- First: what is protected, and which variables say so ------------------
 */

static void
protected_collect(struct linting *l, const struct directive *block)
{
	const struct directive *pass;

	bool kept = is_protected(block);

	if (is_gate(l, block))
		return;
	if (kept && is_location(block))
		list_add(l, &l->kept, &l->kept_count, &l->kept_cap, block);
	if (handler_of(block, &pass) == NULL) {
		if (kept && serves_files(block))
			list_add(
			    l, &l->files, &l->file_count, &l->file_cap, block);
		return;
	}
	if (kept)
		list_add(l, &l->ways, &l->way_count, &l->way_cap, block);
	if (kept ||
	    target_proof(l, block, target_address(conf_arg(pass, 0))) != NULL)
		target_add(l, block, conf_arg(pass, 0), &l->apps);
}

/* --- Servers -------------------------------------------------------------- */

static void
switches_check(struct linting *l, const struct directive *block)
{
	static const struct {
		const char *name;
		const char *wrong;
		enum nginx_rule_id rule;
	} switches[] = {
		{ "underscores_in_headers", "on", RULE_SPELLING },
		{ "ignore_invalid_headers", "off", RULE_SPELLING },
		{ "merge_slashes", "off", RULE_SLASHES },
	};

	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		const struct directive *d = conf_own(block, switches[i].name);

		if (d != NULL && conf_arg_is(d, 0, switches[i].wrong))
			lint_found(l, d, switches[i].rule, STR(""));
	}
}

/* "*:80" and "0.0.0.0:80" are "80", and so is no address at all. */
static struct str
listen_address(const struct directive *listen)
{
	struct str text = listen != NULL ? conf_arg(listen, 0) : STR("80");
	static const char *const any[] = { "*", "0.0.0.0" };

	for (size_t i = 0; i < 2; i++) {
		size_t len = strlen(any[i]);

		if (!str_starts(text, str_from(any[i])))
			continue;
		if (text.len == len)
			return STR("80");
		if (text.ptr[len] == ':')
			return (struct str){ text.ptr + len + 1,
				text.len - len - 1 };
	}
	return text;
}

/* The first server on an address reads the headers of all of them. */
static bool
listens_with(const struct directive *a, const struct directive *b)
{
	const struct directive *x = conf_own(a, "listen");
	const struct directive *y;

	do {
		y = conf_own(b, "listen");
		do {
			if (str_eq(listen_address(x), listen_address(y)))
				return true;
			y = y != NULL ? conf_next(y) : NULL;
		} while (y != NULL);
		x = x != NULL ? conf_next(x) : NULL;
	} while (x != NULL);
	return false;
}

static bool
shares_protected(const struct linting *l, const struct directive *server)
{
	for (const struct directive *d = conf_own(l->http, "server"); d != NULL;
	     d = conf_next(d))
		if (listens_with(server, d) && protects(d))
			return true;
	return false;
}

bool
has_whole(const struct directive *server)
{
	for (const struct directive *d = conf_own(server, "location");
	     d != NULL; d = conf_next(d))
		if (str_eq(location_name(d), STR("/")) &&
		    !location_is_regex(d) && !has_modifier(d, "="))
			return true;
	return false;
}

static void
server_check(struct linting *l, const struct directive *server)
{
	blocks_walk(l, server, block_check);
	listen_check(l, server);
	if (!has_whole(server))
		(is_protected(server) ? way_check : around_check)(l, server);
	if (protects(server)) {
		returns_check(l, server, true);
		onward_server_check(l, server);
	}
	if (protects(server) || shares_protected(l, server))
		switches_check(l, server);
}

static void
servers_each(struct linting *l,
    void (*what)(struct linting *l, const struct directive *server))
{
	for (const struct directive *d = conf_own(l->http, "server"); d != NULL;
	     d = conf_next(d))
		if (d->is_block)
			what(l, d);
}

static void
server_collect(struct linting *l, const struct directive *server)
{
	blocks_walk(l, server, protected_collect);
	if (!has_whole(server))
		protected_collect(l, server);
}

static void
server_look(struct linting *l, const struct directive *server)
{
	blocks_walk(l, server, auth_in_if_check);
}

/* --- The whole ------------------------------------------------------------ */

/* A file of a site alone has no http block: it is the inside of one. */
static const struct directive *
http_of(const struct directive *root)
{
	const struct directive *http = conf_own(root, "http");

	return http != NULL && http->is_block ? http : root;
}

static bool
anything_protected(const struct linting *l)
{
	for (const struct directive *d = conf_own(l->http, "server"); d != NULL;
	     d = conf_next(d))
		if (protects(d))
			return true;
	return false;
}

/* A TCP port that leads to a protected application. */
static void
streams_check(struct linting *l, const struct directive *root)
{
	const struct directive *stream = conf_own(root, "stream");
	const struct directive *server =
	    stream != NULL ? conf_own(stream, "server") : NULL;

	for (; server != NULL; server = conf_next(server)) {
		const struct directive *pass = conf_own(server, "proxy_pass");
		struct strs targets = { 0 };

		listen_check(l, server);
		if (pass == NULL)
			continue;
		target_add(l, server, conf_arg(pass, 0), &targets);
		if (target_meets(&targets, &l->apps))
			lint_found(l, pass, RULE_AROUND, STR(""));
	}
}

bool
nginx_lint(const struct directive *root, struct arena *arena,
    struct findings *out, struct faults *faults)
{
	struct linting l = { .arena = arena, .http = http_of(root) };

	setters_find(&l, root);
	servers_each(&l, gates_add);
	servers_each(&l, server_collect);
	servers_each(&l, server_look);
	forged_check(&l);
	told_check(&l);
	if (anything_protected(&l)) {
		switches_check(&l, l.http);
		servers_each(&l, server_check);
		streams_check(&l, root);
	} else
		lint_found(&l, root, RULE_NOTHING, STR(""));
	if (l.no_memory)
		fault_add(
		    faults, root->file, 0, 0, "no_memory", "memory is out");
	else if (l.looks > LOOKS_MAX)
		fault_add(faults, root->file, 0, 0, "nginx_too_large",
		    "its variables come from each other in too many ways");
	findings_sort(&l, out);
	return !l.no_memory && l.looks <= LOOKS_MAX;
}
