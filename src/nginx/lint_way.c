#include <string.h>

#include "nginx/linting.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* --- Headers -------------------------------------------------------------- */

/* Those that rolegate-protect.conf sets. */
static const char *const identity[] = { "Remote-User", "Remote-Groups",
	"X-Rolegate-Member", "X-Rolegate-Account", "X-Rolegate-Role",
	"X-Rolegate-Filter", "X-Rolegate-Acting-From",
	"X-Rolegate-Decision-Id" };

/* "HTTP_X_ROLEGATE_MEMBER" is X-Rolegate-Member: nginx leaves the client's
 * header out where such a parameter is set. */
static bool
is_param_of(struct str param, const char *header)
{
	const struct str prefix = STR("HTTP_");

	if (!str_starts(param, prefix) ||
	    param.len != prefix.len + strlen(header))
		return false;
	for (size_t i = prefix.len; i < param.len; i++) {
		char want = header[i - prefix.len];

		if (want >= 'a' && want <= 'z')
			want = (char)(want - 'a' + 'A');
		if (param.ptr[i] != (want == '-' ? '_' : want))
			return false;
	}
	return true;
}

static bool
sets_header(const struct directive *d, const struct handler *handler,
    const char *header)
{
	return handler->kind == HANDLER_PARAMS
		   ? is_param_of(conf_arg(d, 0), header)
		   : str_eq_fold(conf_arg(d, 0), str_from(header));
}

static bool
sets_identity(const struct directive *d, const struct handler *handler)
{
	for (size_t i = 0; i < COUNT(identity); i++)
		if (sets_header(d, handler, identity[i]))
			return true;
	return false;
}

static const struct directive *
header_find(const struct directive *lines, const struct handler *handler,
    const char *header)
{
	while (lines != NULL && !sets_header(lines, handler, header))
		lines = conf_next(lines);
	return lines;
}

struct str
headers_missing(struct linting *l, const struct directive *block,
    const struct handler *handler, bool own)
{
	const struct directive *lines;
	struct str missing = STR("");

	if (handler->set == NULL ||
	    (handler->pass_headers != NULL &&
		is_on(block, handler->pass_headers, "off")))
		return missing;
	lines = (own ? conf_own : conf_find)(block, handler->set);
	for (size_t i = 0; i < COUNT(identity); i++)
		if (header_find(lines, handler, identity[i]) == NULL)
			missing =
			    str_fmt(l->arena, "%.*s%s%s", STR_ARGS(missing),
				missing.len > 0 ? ", " : "", identity[i]);
	if (missing.ptr == NULL)
		l->no_memory = true;
	return missing;
}

/* Where the answer of the gate should be: what has been put in its place. */
static const struct directive *
blamed(struct linting *l, const struct directive *block,
    const struct directive *header)
{
	const struct directive *answer = NULL;
	struct str name;

	if (is_variable(conf_arg(header, 1), &name))
		answer = variable_answer(block, name);
	return answer != NULL && is_clients(l, block, conf_arg(answer, 1))
		   ? answer
		   : header;
}

static void
values_check(struct linting *l, const struct directive *block,
    const struct handler *handler)
{
	for (const struct directive *d = conf_find(block, handler->set);
	     d != NULL; d = conf_next(d))
		if (sets_identity(d, handler) &&
		    is_clients(l, block, conf_arg(d, 1)))
			lint_found(l, blamed(l, block, d), RULE_HEADERS_CLIENT,
			    STR(""));
}

void
headers_check(struct linting *l, const struct directive *block)
{
	const struct directive *pass;
	const struct handler *handler = handler_of(block, &pass);
	struct str missing;

	if (handler == NULL || handler->set == NULL)
		return;
	missing = headers_missing(l, block, handler, false);
	if (missing.len > 0)
		lint_found(l, pass, RULE_HEADERS, missing);
	values_check(l, block, handler);
}

/* --- Cache ---------------------------------------------------------------- */

static bool
key_is_whole(struct str key)
{
	static const char *const parts[] = { "rolegate_member", "rolegate_for",
		"rolegate_role", "rolegate_filter" };

	for (size_t i = 0; i < COUNT(parts); i++)
		if (!has_variable(key, parts[i]))
			return false;
	return true;
}

static void
cache_check(struct linting *l, const struct directive *block,
    const struct handler *handler)
{
	const struct directive *cache;
	const struct directive *key;

	if (handler->cache == NULL)
		return;
	cache = conf_find(block, handler->cache);
	key = conf_find(block, handler->cache_key);
	if (cache != NULL && !conf_arg_is(cache, 0, "off") &&
	    (key == NULL || !key_is_whole(conf_arg(key, 0))))
		lint_found(l, cache, RULE_CACHE, STR(""));
}

/* --- Path ----------------------------------------------------------------- */

/* The path that the gate decides on is $uri; $request_uri is it too, since the
 * gate denies where the two could mean different things. */
static bool
path_is_changed(const struct directive *pass)
{
	struct str path = target_path(conf_arg(pass, 0));

	return path.len > 0 && !str_eq(path, STR("$request_uri"));
}

/* A named permission holds for the whole location. */
static bool
is_decided_by_path(const struct directive *block)
{
	const struct directive *set =
	    variable_set(block, STR("rolegate_permission"));

	return set == NULL || conf_arg(set, 1).len == 0;
}

/* $uri is decoded: a line end or ? that was escaped becomes a real one. */
static bool
path_is_decoded(const struct directive *pass)
{
	struct str path = target_path(conf_arg(pass, 0));
	struct str name;

	while (variable_next(&path, &name))
		if (str_eq(name, STR("uri")) ||
		    str_eq(name, STR("document_uri")) ||
		    (name.ptr[0] >= '1' && name.ptr[0] <= '9'))
			return true;
	return false;
}

static void
path_check(struct linting *l, const struct directive *block,
    const struct directive *pass)
{
	if (path_is_changed(pass) &&
	    (is_decided_by_path(block) || path_is_decoded(pass)))
		lint_found(l, pass, RULE_PATH_CHANGED, STR(""));
	if (!is_decided_by_path(block))
		return;
	for (const struct directive *d = conf_own(block, "rewrite"); d != NULL;
	     d = conf_next(d))
		if (conf_arg_is(d, 2, "break"))
			lint_found(l, d, RULE_PATH_CHANGED, STR(""));
}

/* --- The way to what is protected ----------------------------------------- */

static void
proof_require(struct linting *l, const struct directive *block,
    const struct directive *line, struct str address, bool files)
{
	const struct directive *map = target_proof(l, block, address);

	if (map == NULL)
		lint_found(l, line, RULE_NO_PROOF, STR(""));
	else
		proof_check(l, map, files);
}

/* Of a protected block. Whoever says neither where to send a request nor where
 * files are has nothing to protect. */
void
way_check(struct linting *l, const struct directive *block)
{
	const struct directive *pass;
	const struct handler *handler = handler_of(block, &pass);

	if (handler != NULL) {
		proof_require(
		    l, block, pass, target_address(conf_arg(pass, 0)), false);
		cache_check(l, block, handler);
		path_check(l, block, pass);
		if (handler->kind != HANDLER_PLAIN &&
		    str_eq(str_from(handler->pass), STR("proxy_pass")) &&
		    is_on(block, "proxy_intercept_errors", "on"))
			lint_found(l,
			    conf_find(block, "proxy_intercept_errors"),
			    RULE_INTERCEPT, STR(""));
	} else if (is_location(block) && files_line(block) != NULL)
		proof_require(l, block, files_line(block),
		    conf_arg(files_line(block), 0), true);
}

/* --- What is not protected ------------------------------------------------ */

/* A regex takes what it matches from every location but = and ^~. */
static bool
takes_from_protected(const struct directive *block)
{
	const struct directive *server = server_of(block);

	if (!location_is_regex(block) || server == NULL)
		return false;
	for (const struct directive *d = server->first; d != NULL; d = d->next)
		if (is_location(d) && d != block && is_protected(d) &&
		    !str_eq(location_modifier(d), STR("=")) &&
		    !str_eq(location_modifier(d), STR("^~")))
			return true;
	return false;
}

/* What was allowed may be sent on to here (try_files, error_page), and then the
 * headers are those of this location. The example site has one that is meant
 * for everybody, which says so by the headers that it takes away. */
static void
application_check(struct linting *l, const struct directive *block)
{
	const struct directive *pass;
	const struct handler *handler = handler_of(block, &pass);
	struct strs targets = { 0 };
	const struct directive *map;

	if (handler == NULL)
		return;
	map = target_proof(l, block, target_address(conf_arg(pass, 0)));
	if (map != NULL) {
		proof_check(l, map, false);
		headers_check(l, block);
		return;
	}
	target_add(l, block, conf_arg(pass, 0), &targets);
	if (!target_meets(&targets, &l->apps))
		return;
	if (takes_from_protected(block))
		lint_found(l, block, RULE_HOLE, STR(""));
	else if (handler->set == NULL ||
		 headers_missing(l, block, handler, true).len > 0)
		lint_found(l, pass, RULE_AROUND, STR(""));
	else
		values_check(l, block, handler);
}

/* --- Files ---------------------------------------------------------------- */

struct folder {
	struct str path; /* where a request for the location's name ends up */
	struct str root; /* empty: an alias */
};

/* A root that is a proof's map is the one of an allow. */
static struct str
folder_value(struct linting *l, const struct directive *line)
{
	struct str value = conf_arg(line, 0);
	const struct directive *map = NULL;
	struct str name;

	if (is_variable(value, &name))
		map = variable_map(l, name);
	for (const struct directive *d = map != NULL ? map->first : NULL;
	     d != NULL; d = d->next)
		if (str_eq_fold(d->name, STR("allow")))
			return conf_arg(d, 0);
	return value;
}

static bool
folder_of(
    struct linting *l, const struct directive *location, struct folder *out)
{
	const struct directive *line = files_line(location);
	struct str value;

	if (line == NULL)
		return false;
	value = folder_value(l, line);
	while (value.len > 1 && value.ptr[value.len - 1] == '/')
		value.len--;
	*out = (struct folder){ value, STR("") };
	if (conf_is(line, "alias"))
		return true;
	out->root = value;
	if (!location_is_regex(location))
		out->path = str_fmt(l->arena, "%.*s%.*s", STR_ARGS(value),
		    STR_ARGS(location_name(location)));
	if (out->path.ptr == NULL)
		l->no_memory = true;
	while (out->path.len > 1 && out->path.ptr[out->path.len - 1] == '/')
		out->path.len--;
	return out->path.ptr != NULL;
}

static bool
is_within(struct str path, struct str folder)
{
	return str_starts(path, folder) &&
	       (path.len == folder.len || path.ptr[folder.len] == '/');
}

/* Where both have one root in one server, a file has one name, and that leads
 * to the location that is protected, unless a regex takes it. */
static bool
shares_files(struct linting *l, const struct directive *open,
    const struct directive *kept)
{
	struct folder a;
	struct folder b;

	if (!folder_of(l, open, &a) || !folder_of(l, kept, &b) ||
	    (!is_within(a.path, b.path) && !is_within(b.path, a.path)))
		return false;
	return a.root.len == 0 || !str_eq(a.root, b.root) ||
	       server_of(open) != server_of(kept) || location_is_regex(open);
}

static void
files_check(struct linting *l, const struct directive *block)
{
	const struct directive *pass;

	if (!is_location(block) || handler_of(block, &pass) != NULL ||
	    conf_own(block, "return") != NULL ||
	    location_name(block).ptr[0] == '@')
		return;
	for (size_t i = 0; i < l->file_count; i++)
		if (shares_files(l, block, l->files[i]))
			lint_found(l,
			    files_line(block)->parent == block
				? files_line(block)
				: block,
			    takes_from_protected(block) ? RULE_HOLE
							: RULE_FILES,
			    STR(""));
}

void
around_check(struct linting *l, const struct directive *block)
{
	application_check(l, block);
	files_check(l, block);
}

/* "/files" with "/srv/files/": "/files../x" is "/srv/files/../x". */
void
alias_check(struct linting *l, const struct directive *block)
{
	const struct directive *alias = conf_own(block, "alias");
	struct str name;
	struct str folder;

	if (alias == NULL || !is_location(block) || location_is_regex(block) ||
	    str_eq(location_modifier(block), STR("=")))
		return;
	name = location_name(block);
	folder = conf_arg(alias, 0);
	if (name.len > 0 && name.ptr[name.len - 1] != '/' && folder.len > 0 &&
	    folder.ptr[folder.len - 1] == '/')
		lint_found(l, alias, RULE_ALIAS, STR(""));
}
