#include <string.h>

#include "nginx/linting.h"
#include "nginx/pattern.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define STEPS_MAX    10 /* from one location to the next, as nginx has it */
#define LAST_WORD    SIZE_MAX
#define PATTERN_LOOK 64 /* bytes that an expression is worth */

/* How a request has come to a location: one that was moved has another path,
 * and $request_uri alone has the old one. error_page holds once, unless
 * recursive_error_pages is on. */
struct way {
	bool moved;
	bool by_error;
	int steps; /* that are left */
};

/* --- Lines that hand a request on by name --------------------------------- */

/* clang-format off */
static const struct onward {
	const char *name;
	size_t word; /* that names where it goes */
	bool inherits;
} onwards[] = {
	{ "add_after_body",         0,         true },
	{ "add_before_body",        0,         true },
	{ "echo_exec",              0,         false },
	{ "echo_location",          0,         false },
	{ "echo_location_async",    0,         false },
	{ "echo_subrequest",        1,         false },
	{ "echo_subrequest_async",  1,         false },
	{ "error_page",             LAST_WORD, true },
	{ "index",                  LAST_WORD, true },
	{ "mirror",                 0,         true },
	{ "post_action",            0,         true },
	{ "rewrite",                1,         false },
	{ "try_files",              LAST_WORD, false },
};
/* clang-format on */

static const struct onward *
onward_of(const struct directive *d)
{
	for (size_t i = 0; i < COUNT(onwards); i++)
		if (conf_is(d, onwards[i].name))
			return &onwards[i];
	return NULL;
}

bool
is_onward(const struct directive *d)
{
	return onward_of(d) != NULL;
}

static struct str
onward_to(const struct directive *d, const struct onward *onward)
{
	size_t word = onward->word != LAST_WORD ? onward->word
		      : d->args.count > 0	? d->args.count - 1
						: 0;

	return conf_arg(d, word);
}

/* In a location, break stays there; a redirect is asked for anew. */
static bool
stays(const struct directive *d)
{
	const struct directive *block = d->parent;

	if (!conf_is(d, "rewrite"))
		return false;
	while (is_nameless(block))
		block = block->parent;
	return conf_arg_is(d, 2, "permanent") ||
	       conf_arg_is(d, 2, "redirect") ||
	       (conf_arg_is(d, 2, "break") && is_location(block));
}

/* --- Which location takes a path ------------------------------------------ */

/* What is known of a path: its beginning, or the whole. */
struct path {
	struct str text;
	bool whole;
};

static struct path
path_of(struct str to)
{
	size_t len = 0;

	while (len < to.len && strchr("$*?", to.ptr[len]) == NULL)
		len++;
	return (struct path){ { to.ptr, len },
		len == to.len || to.ptr[len] == '?' };
}

static bool
is_prefix(const struct directive *d)
{
	return is_location(d) && !location_is_regex(d) &&
	       !str_starts(location_name(d), STR("@"));
}

/* The one that nginx takes where no expression does. */
static const struct directive *
prefix_find(const struct directive *block, struct path path)
{
	const struct directive *best = NULL;

	for (const struct directive *d = block->first; d != NULL; d = d->next) {
		if (!is_prefix(d) || !str_starts(path.text, location_name(d)))
			continue;
		if (has_modifier(d, "=")) {
			if (path.whole && str_eq(path.text, location_name(d)))
				return d;
		} else if (best == NULL ||
			   location_name(d).len > location_name(best).len)
			best = d;
	}
	return best;
}

static bool
regex_may_take(const struct directive *regex, struct path path)
{
	struct str begins = pattern_prefix(location_name(regex));

	if (!meet(begins, path.text, folds(regex)))
		return false;
	return !path.whole || !pattern_is_plain(location_name(regex)) ||
	       pattern_fits(location_name(regex), path.text, folds(regex));
}

static bool
regex_takes_surely(const struct directive *regex, struct path path)
{
	return path.whole && pattern_is_plain(location_name(regex)) &&
	       pattern_fits(location_name(regex), path.text, folds(regex));
}

struct takers {
	const struct directive **items;
	size_t count;
	size_t cap;
};

static void
taker_add(struct linting *l, struct takers *out, const struct directive *d)
{
	list_add(l, &out->items, &out->count, &out->cap, d);
}

/* Names that the rest of the path may lead to. */
static void
longer_add(struct linting *l, const struct directive *block, struct path path,
    struct takers *out)
{
	for (const struct directive *d = block->first; d != NULL; d = d->next)
		if (is_prefix(d) &&
		    location_name(d).len >
			path.text.len - (has_modifier(d, "=") ? 1 : 0) &&
		    str_starts(location_name(d), path.text))
			taker_add(l, out, d);
}

/* All that may take the path, in nginx's order; true: one surely does. */
static bool
takers_add(struct linting *l, const struct directive *block, struct path path,
    struct takers *out)
{
	const struct directive *prefix = prefix_find(block, path);
	bool last = prefix != NULL && path.whole &&
		    (has_modifier(prefix, "=") || has_modifier(prefix, "^~"));

	if (prefix != NULL && takers_add(l, prefix, path, out))
		return true;
	for (const struct directive *d = block->first; !last && d != NULL;
	     d = d->next) {
		if (!is_location(d) || !location_is_regex(d) ||
		    !look(l, PATTERN_LOOK) || !regex_may_take(d, path))
			continue;
		taker_add(l, out, d);
		if (regex_takes_surely(d, path))
			return true;
	}
	if (!path.whole)
		longer_add(l, block, path, out);
	if (prefix != NULL)
		taker_add(l, out, prefix);
	return false;
}

/* --- Where it gets to ----------------------------------------------------- */

/* What is set or taken out of the path elsewhere is of the path before. */
static bool
is_brought(struct linting *l, const struct directive *block, struct str name)
{
	static const enum setter_kind kinds[] = { SETTER_SET, SETTER_CAPTURE };

	for (size_t k = 0; k < COUNT(kinds); k++) {
		struct setters all = setters_by(l, name, kinds[k]);

		for (size_t i = 0; i < all.count; i++) {
			const struct directive *at = all.items[i].at;
			const struct directive *in = at;

			while (in != NULL && in != block)
				in = in->parent;
			if (in == NULL && server_of(at) == server_of(block) &&
			    (kinds[k] == SETTER_CAPTURE ||
				is_clients(l, at->parent, conf_arg(at, 1))))
				return true;
		}
	}
	return false;
}

static bool
has_old_path(struct linting *l, const struct directive *block, struct str text)
{
	struct str name;

	if (is_raw(l, block, text))
		return true;
	while (variable_next(&text, &name))
		if (is_brought(l, block, name))
			return true;
	return false;
}

static bool
tells_old_path(struct linting *l, const struct directive *block)
{
	const struct directive *pass;
	const struct handler *handler = handler_of(block, &pass);

	if (handler == NULL || !passes_inside(l, block))
		return false;
	if (has_old_path(l, block, conf_arg(pass, 0)))
		return true;
	if (handler->kind != HANDLER_PARAMS)
		return false;
	for (const struct directive *d = conf_find(block, handler->set);
	     d != NULL; d = conf_next(d))
		if (has_old_path(l, block, conf_arg(d, 1)))
			return true;
	return false;
}

static bool
tells_inside(struct linting *l, const struct directive *location)
{
	for (const struct directive *d = location->first; d != NULL;
	     d = d->next)
		if (is_nameless(d) && tells_old_path(l, d))
			return true;
	return tells_old_path(l, location);
}

static bool hands_inside(
    struct linting *l, const struct directive *location, struct way way);

/* One that was looked at before led to nothing, or is being looked at. */
static bool
is_known(struct linting *l, const struct directive *location, struct way way)
{
	struct arrival *wider;

	for (size_t i = 0; i < l->arrival_count; i++)
		if (l->arrivals[i].at == location &&
		    l->arrivals[i].moved == way.moved &&
		    l->arrivals[i].by_error == way.by_error)
			return true;
	wider = arena_grow(l->arena, l->arrivals, l->arrival_count,
	    &l->arrival_cap, sizeof(*wider));
	if (wider == NULL) {
		l->no_memory = true;
		return true;
	}
	l->arrivals = wider;
	wider[l->arrival_count++] =
	    (struct arrival){ location, way.moved, way.by_error };
	return false;
}

static bool
gets_inside(struct linting *l, const struct directive *location, struct way way)
{
	if (is_protected(location) || is_gate(l, location) ||
	    is_known(l, location, way))
		return false;
	return (way.moved ? tells_inside : leads_inside)(l, location) ||
	       hands_inside(l, location, way);
}

/* A redirect, which is asked for anew, and the "=404" of try_files. */
static bool
is_elsewhere(struct str to)
{
	static const char *const begins[] = { "=", "http://", "https://",
		"$scheme" };

	for (size_t i = 0; i < COUNT(begins); i++)
		if (str_starts(to, str_from(begins[i])))
			return true;
	return to.len == 0;
}

/* "@name" keeps the path, "/name" is another one. */
static bool
text_gets_inside(struct linting *l, const struct directive *server,
    struct str to, struct way way)
{
	struct takers takers = { 0 };

	if (str_starts(to, STR("@"))) {
		for (const struct directive *d = server->first; d != NULL;
		     d = d->next)
			if (is_location(d) && str_eq(location_name(d), to) &&
			    gets_inside(l, d, way))
				return true;
		return false;
	}
	if (is_elsewhere(to))
		return false;
	way.moved = true;
	takers_add(l, server, path_of(to), &takers);
	for (size_t i = 0; i < takers.count; i++)
		if (gets_inside(l, takers.items[i], way))
			return true;
	return false;
}

static bool
goes_inside(struct linting *l, const struct directive *block, struct str to,
    struct way way)
{
	const struct directive *server = server_of(block);
	struct strs texts = { 0 };

	if (server == NULL || way.steps == 0 || to.len == 0)
		return false;
	way.steps--;
	texts_add(l, block, to, &texts);
	for (size_t i = 0; i < texts.count && look(l, 0); i++)
		if (text_gets_inside(l, server, texts.items[i], way))
			return true;
	return false;
}

/* What led somewhere is forgotten, since it was not looked at to its end. */
static bool
answered(struct linting *l, size_t known, bool inside)
{
	if (inside)
		l->arrival_count = known;
	return inside;
}

bool
line_goes_inside(
    struct linting *l, const struct directive *block, struct str to)
{
	return goes_inside(
	    l, block, to, (struct way){ .by_error = true, .steps = STEPS_MAX });
}

/* --- The lines of a location ---------------------------------------------- */

/* What does not begin so is a file, or a redirect; a rewrite takes it as a path
 * without a slash, which an expression may fit. */
static bool
is_rooted(struct str to)
{
	return to.len > 0 && strchr("/@$", to.ptr[0]) != NULL;
}

static bool
line_hands(struct linting *l, const struct directive *block,
    const struct directive *d, struct way way)
{
	const struct onward *onward = onward_of(d);
	bool by_error = conf_is(d, "error_page");

	if (onward == NULL || stays(d) ||
	    (onward->inherits && !is_rooted(onward_to(d, onward))) ||
	    (by_error && way.by_error &&
		!is_on(block, "recursive_error_pages", "on")))
		return false;
	way.by_error = way.by_error || by_error;
	return goes_inside(l, block, onward_to(d, onward), way);
}

static bool
own_hand(struct linting *l, const struct directive *block, struct way way)
{
	for (const struct directive *d = block->first; d != NULL; d = d->next)
		if (line_hands(l, block, d, way) ||
		    (is_nameless(d) && own_hand(l, d, way)))
			return true;
	return false;
}

static bool
hands_inside(
    struct linting *l, const struct directive *location, struct way way)
{
	if (way.steps == 0)
		return false;
	if (own_hand(l, location, way))
		return true;
	for (size_t i = 0; i < COUNT(onwards); i++) {
		const struct directive *d =
		    onwards[i].inherits ? conf_find(location, onwards[i].name)
					: NULL;

		for (; d != NULL; d = conf_next(d))
			if (line_hands(l, location, d, way))
				return true;
	}
	return false;
}

static bool
hands_on(struct linting *l, const struct directive *location)
{
	size_t known = l->arrival_count;

	return answered(l, known,
	    hands_inside(l, location, (struct way){ .steps = STEPS_MAX }));
}

bool
leads_on_inside(struct linting *l, const struct directive *location)
{
	return leads_inside(l, location) || hands_on(l, location);
}

/* --- What is found -------------------------------------------------------- */

/* A break changes the path, and a named location gets the changed one. */
static void
moved_names_check(struct linting *l, const struct directive *block)
{
	const struct directive *location = block;
	const struct directive *pass;

	while (is_nameless(location))
		location = location->parent;
	if (handler_of(block, &pass) != NULL)
		return;
	for (const struct directive *d = conf_own(block, "rewrite"); d != NULL;
	     d = conf_next(d))
		if (conf_arg_is(d, 2, "break") &&
		    meets_protected(l, path_of(conf_arg(d, 1)).text) &&
		    hands_on(l, location))
			lint_found(l, d, RULE_PATH_CHANGED, STR(""));
}

void
onward_check(struct linting *l, const struct directive *block)
{
	if (is_location(block) && takes_from_protected(l, block) &&
	    hands_on(l, block))
		lint_found(l, block, RULE_HOLE, STR(""));
	moved_names_check(l, block);
}

static bool
leads_away(struct linting *l, const struct directive *block, struct str to)
{
	size_t known = l->arrival_count;

	return answered(l, known,
	    goes_inside(l, block, to,
		(struct way){ .moved = true, .steps = STEPS_MAX }));
}

/* Those of a server are run before nginx looks for a location. */
static void
rewrites_away_check(struct linting *l, const struct directive *block)
{
	for (const struct directive *d = block->first; d != NULL; d = d->next)
		if (conf_is(d, "if") && d->is_block)
			rewrites_away_check(l, d);
		else if (conf_is(d, "rewrite") && !stays(d) &&
			 meets_protected(l, pattern_prefix(conf_arg(d, 0))) &&
			 leads_away(l, block, conf_arg(d, 1)))
			lint_found(l, d, RULE_PATH_CHANGED, STR(""));
}

static bool
returns_code(const struct directive *block, struct str code)
{
	for (const struct directive *d = block->first; d != NULL; d = d->next)
		if ((conf_is(d, "return") && str_eq(conf_arg(d, 0), code)) ||
		    (conf_is(d, "if") && returns_code(d, code)))
			return true;
	return false;
}

/* Before there is a location nginx says these of a request that is none, and
 * what the server's own lines return. */
static bool
is_early(const struct directive *server, struct str code)
{
	static const char *const codes[] = { "400", "405", "414", "421", "494",
		"495", "496", "497", "501", "505" };

	for (size_t i = 0; i < COUNT(codes); i++)
		if (str_eq(code, str_from(codes[i])))
			return true;
	return returns_code(server, code);
}

static void
early_pages_check(struct linting *l, const struct directive *server)
{
	for (const struct directive *d = conf_find(server, "error_page");
	     d != NULL; d = conf_next(d)) {
		bool early = false;

		for (size_t i = 0; i + 1 < d->args.count; i++)
			early = early || is_early(server, d->args.items[i]);
		if (early &&
		    line_goes_inside(l, server, conf_arg(d, d->args.count - 1)))
			lint_found(l, d, RULE_ERROR_PAGE, STR(""));
	}
}

void
onward_server_check(struct linting *l, const struct directive *server)
{
	rewrites_away_check(l, server);
	early_pages_check(l, server);
}
