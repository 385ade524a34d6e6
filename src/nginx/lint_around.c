#include <string.h>

#include "nginx/linting.h"
#include "nginx/pattern.h"

/* --- Names ---------------------------------------------------------------- */

static struct str
name_of(const struct directive *block)
{
	return is_location(block) ? location_name(block) : STR("/");
}

/* Who was sent to it has the path of the place before. */
static bool
is_named(const struct directive *block)
{
	return str_starts(name_of(block), STR("@"));
}

/* What every path that it takes begins with. */
static struct str
beginning(const struct directive *block)
{
	struct str name = name_of(block);

	return is_location(block) && location_is_regex(block)
		   ? pattern_prefix(name)
		   : name;
}

bool
meet(struct str a, struct str b, bool fold)
{
	size_t len = a.len < b.len ? a.len : b.len;

	a.len = len;
	b.len = len;
	return fold ? str_eq_fold(a, b) : str_eq(a, b);
}

/* The text before its first variable. */
static struct str
literal(struct str text)
{
	const char *sign =
	    text.len > 0 ? memchr(text.ptr, '$', text.len) : NULL;

	return sign != NULL
		   ? (struct str){ text.ptr, (size_t)(sign - text.ptr) }
		   : text;
}

/* --- Which location takes a request --------------------------------------- */

/* The one of the block's own that the other lies in; NULL: it lies outside. */
static const struct directive *
own_with(const struct directive *block, const struct directive *inner)
{
	while (inner != NULL && inner->parent != block)
		inner = inner->parent;
	return inner;
}

static bool
comes_before(const struct directive *a, const struct directive *b)
{
	while (a != NULL && a != b)
		a = a->next;
	return a == b;
}

/* nginx looks for the longest name, from the outside in; then for expressions,
 * from the inside out, those of each level in their order, unless the name of
 * that level is = or ^~. */
static bool
regex_takes(const struct directive *regex, const struct directive *from)
{
	const struct directive *own = own_with(regex->parent, from);

	if (own == NULL || own == regex ||
	    !meet(
		beginning(regex), beginning(from), folds(regex) || folds(from)))
		return false;
	for (; from != own; from = from->parent)
		if (has_modifier(from, "=") || location_is_regex(from))
			return false;
	return location_is_regex(own)
		   ? comes_before(regex, own)
		   : !has_modifier(own, "=") && !has_modifier(own, "^~");
}

/* A name with ^~ takes what it begins with from an expression beside it. Who
 * names a folder inside of what the expression fits has written so. */
static bool
name_takes(const struct directive *name, const struct directive *from)
{
	const struct directive *own = own_with(name->parent, from);
	struct str path = location_name(name);

	return has_modifier(name, "^~") && own != NULL &&
	       location_is_regex(own) &&
	       pattern_fits(location_name(own), path, folds(own)) &&
	       !pattern_fits(
		   location_name(own), folder_above(path), folds(own));
}

static bool
takes(const struct directive *block, const struct directive *from)
{
	if (!is_location(block))
		return false;
	if (!location_is_regex(block))
		return name_takes(block, from);
	return own_with(from, block) != NULL || regex_takes(block, from);
}

bool
takes_from_protected(const struct linting *l, const struct directive *block)
{
	for (size_t i = 0; i < l->kept_count; i++)
		if (l->kept[i] != block && !is_named(l->kept[i]) &&
		    takes(block, l->kept[i]))
			return true;
	return false;
}

bool
meets_protected(const struct linting *l, struct str begins)
{
	for (size_t i = 0; i < l->kept_count; i++)
		if (!is_named(l->kept[i]) &&
		    meet(begins, beginning(l->kept[i]), folds(l->kept[i])))
			return true;
	return false;
}

/* --- The path that is handed on ------------------------------------------- */

/* Is all that is protected somewhere below it? Who leads to a folder inside of
 * that has written so. */
static bool
holds_protected(const struct linting *l, struct str path)
{
	for (size_t i = 0; i < l->way_count; i++) {
		struct str name = beginning(l->ways[i]);

		if (str_starts(name.len > 0 ? name : STR("/"), path))
			return true;
	}
	return false;
}

/* "/open" with "/public/": "/open../x" is "/public/../x". */
static bool
leads_out(const struct directive *block, struct str path)
{
	struct str name = name_of(block);

	return path.len > 0 && path.ptr[path.len - 1] == '/' && name.len > 0 &&
	       name.ptr[name.len - 1] != '/' && !has_modifier(block, "=") &&
	       !location_is_regex(block);
}

static bool
moves_path(const struct linting *l, const struct directive *block,
    const struct directive *pass)
{
	struct str path = target_path(conf_arg(pass, 0));

	return path.len > 0 && !str_eq(path, name_of(block)) &&
	       !target_begins_with_path(path) &&
	       (leads_out(block, path) || holds_protected(l, literal(path)));
}

static void
moved_check(struct linting *l, const struct directive *block,
    const struct directive *pass)
{
	if (is_location(block) && moves_path(l, block, pass))
		lint_found(l, pass, RULE_PATH_CHANGED, STR(""));
	for (const struct directive *d = conf_own(block, "rewrite"); d != NULL;
	     d = conf_next(d))
		if (conf_arg_is(d, 2, "break") &&
		    holds_protected(l, literal(conf_arg(d, 1))))
			lint_found(l, d, RULE_PATH_CHANGED, STR(""));
}

/* --- Applications --------------------------------------------------------- */

static bool
meets_application(struct linting *l, const struct directive *block,
    const struct directive *pass)
{
	struct strs targets = { 0 };

	target_add(l, block, conf_arg(pass, 0), &targets);
	return target_meets(&targets, &l->apps);
}

/* What was allowed may be sent on to here (try_files, error_page), and then the
 * headers and the cache are those of this location. */
static void
proven_check(struct linting *l, const struct directive *block,
    const struct handler *handler, const struct directive *pass,
    const struct directive *map)
{
	proof_check(l, map, false);
	headers_check(l, block);
	cache_check(l, block, handler);
	decoded_check(l, block, handler, pass);
}

/* The example site has one that is meant for everybody, which says so by the
 * headers that it takes away. */
static void
application_check(struct linting *l, const struct directive *block)
{
	const struct directive *pass;
	const struct handler *handler = handler_of(block, &pass);
	const struct directive *map;

	if (handler == NULL)
		return;
	map = target_proof(l, block, target_address(conf_arg(pass, 0)));
	if (map != NULL) {
		proven_check(l, block, handler, pass, map);
		return;
	}
	if (!meets_application(l, block, pass))
		return;
	if (takes_from_protected(l, block))
		lint_found(l, block, RULE_HOLE, STR(""));
	else if (handler->set == NULL ||
		 headers_missing(l, block, handler, true).len > 0)
		lint_found(l, pass, RULE_AROUND, STR(""));
	else {
		values_check(l, block, handler);
		decoded_check(l, block, handler, pass);
		moved_check(l, block, pass);
	}
}

/* --- Files ---------------------------------------------------------------- */

/* "/srv//files/./" is "/srv/files". */
static struct str
path_clean(struct linting *l, struct str path)
{
	char *clean = arena_alloc(l->arena, path.len + 1, 1);
	size_t len = 0;

	if (clean == NULL) {
		l->no_memory = true;
		return STR("");
	}
	for (size_t i = 0; i < path.len; i++) {
		clean[len++] = path.ptr[i];
		if (len > 1 && memcmp(clean + len - 2, "//", 2) == 0)
			len--;
		if (len > 2 && memcmp(clean + len - 3, "/./", 3) == 0)
			len -= 2;
	}
	while (len > 1 && clean[len - 1] == '/')
		len--;
	return (struct str){ clean, len };
}

/* Of the location itself, or of an if in it. */
static const struct handler *
handler_within(const struct directive *location, const struct directive **pass)
{
	const struct handler *handler = handler_of(location, pass);

	for (const struct directive *d = location->first;
	     handler == NULL && d != NULL; d = d->next)
		if (is_nameless(d))
			handler = handler_within(d, pass);
	return handler;
}

/* The file that a program is to run, as PHP is told it; NULL: none is told. */
static const struct directive *
script_line(const struct directive *block)
{
	static const char *const names[] = { "SCRIPT_FILENAME",
		"PATH_TRANSLATED" };
	const struct directive *pass;
	const struct handler *handler = handler_within(block, &pass);

	if (handler == NULL || handler->kind != HANDLER_PARAMS)
		return NULL;
	for (const struct directive *d = conf_find(block, handler->set);
	     d != NULL; d = conf_next(d))
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (conf_arg_is(d, 0, names[i]))
				return d;
	return NULL;
}

static bool
is_in_root(struct str script)
{
	static const char *const names[] = { "document_root", "realpath_root",
		"request_filename" };
	struct str name;

	if (!str_starts(script, STR("$")) || !variable_next(&script, &name))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_eq_fold(name, str_from(names[i])))
			return true;
	return false;
}

/* What names the folder: of the scripts that are run, or of the files. */
static const struct directive *
folder_line(const struct directive *block)
{
	const struct directive *script = script_line(block);

	return script != NULL && !is_in_root(conf_arg(script, 1))
		   ? script
		   : files_line(block);
}

static struct str
folder_text(const struct directive *line)
{
	return conf_arg(
	    line, conf_is(line, "root") || conf_is(line, "alias") ? 0 : 1);
}

/* Up to the folder that what a client may choose is in. */
static struct str
folder_part(struct str path, char mark)
{
	const char *at = path.len > 0 ? memchr(path.ptr, mark, path.len) : NULL;

	if (at == NULL)
		return path;
	while (at > path.ptr && at[-1] != '/')
		at--;
	return (struct str){ path.ptr, (size_t)(at - path.ptr) };
}

static bool
is_within(struct str path, struct str folder)
{
	return str_starts(path, folder) &&
	       (path.len == folder.len || folder.len <= 1 ||
		   path.ptr[folder.len] == '/');
}

/* nginx's own folder, where none is named. */
static void
folders_add(struct linting *l, const struct directive *block, struct strs *out)
{
	const struct directive *line = folder_line(block);
	struct strs texts = { 0 };

	if (line == NULL) {
		strs_add(l, out, STR("html"));
		return;
	}
	texts_add(l, block, folder_text(line), &texts);
	for (size_t i = 0; i < texts.count; i++) {
		struct str text = texts.items[i];

		if (str_starts(text, STR("*")))
			strs_add(l, out, STR("/"));
		else if (text.len > 0 && !is_within(text, STR("/dev/null")))
			strs_add(l, out, path_clean(l, folder_part(text, '*')));
	}
}

/* Has a file another path there than the one that is asked for? */
static bool
is_alias(const struct directive *block)
{
	const struct directive *line = folder_line(block);

	if (line != NULL && line == script_line(block))
		return !has_variable(conf_arg(line, 1), "fastcgi_script_name");
	return conf_own(block, "alias") != NULL;
}

/* Where a request for the name ends up in the folder. */
static struct str
path_in(struct linting *l, struct str folder, struct str name)
{
	struct str path =
	    str_fmt(l->arena, "%.*s/%.*s", STR_ARGS(folder), STR_ARGS(name));

	if (path.ptr == NULL)
		l->no_memory = true;
	return path_clean(l, path);
}

static struct str
natural_path(
    struct linting *l, const struct directive *block, struct str folder)
{
	struct str name = beginning(block);

	if (is_alias(block) || is_named(block))
		return folder;
	while (is_location(block) && location_is_regex(block) && name.len > 0 &&
	       name.ptr[name.len - 1] != '/')
		name.len--;
	return path_in(l, folder, name);
}

static bool
overlap(struct str a, struct str b)
{
	return is_within(a, b) || is_within(b, a);
}

/* A folder that holds all that the block may be made to serve by its own
 * lines: rewrite, try_files, and what DAV copies. */
static void
moved_paths(struct linting *l, const struct directive *block, struct str folder,
    struct strs *out)
{
	for (const struct directive *d = block->first; d != NULL; d = d->next) {
		if (conf_is(d, "rewrite") && conf_arg_is(d, 2, "break"))
			strs_add(l, out,
			    path_in(
				l, folder, folder_part(conf_arg(d, 1), '$')));
		if (conf_is(d, "dav_methods") &&
		    (names_have(d->args, STR("COPY")) ||
			names_have(d->args, STR("MOVE"))))
			strs_add(l, out, folder);
		for (size_t i = 0;
		     conf_is(d, "try_files") && i + 1 < d->args.count; i++)
			if (!str_starts(d->args.items[i], STR("$uri")))
				strs_add(l, out,
				    path_in(l, folder,
					folder_part(d->args.items[i], '$')));
	}
}

/* Where both have one root in one server, a file has one name, and that leads
 * to the location that is protected, unless this one takes it. */
static bool
one_name(const struct directive *open, const struct directive *kept,
    struct str a, struct str b)
{
	return !is_alias(open) && !is_named(open) && !is_alias(kept) &&
	       str_eq(a, b) && server_of(open) == server_of(kept) &&
	       !takes(open, kept);
}

static bool
shares_folder(struct linting *l, const struct directive *open, struct str a,
    const struct directive *kept, struct str b)
{
	struct str inside = natural_path(l, kept, b);
	struct strs moved = { 0 };

	if (!one_name(open, kept, a, b) &&
	    overlap(natural_path(l, open, a), inside))
		return true;
	if (is_alias(open))
		return false;
	moved_paths(l, open, a, &moved);
	for (size_t i = 0; i < moved.count; i++)
		if (overlap(moved.items[i], inside))
			return true;
	return false;
}

static bool
shares_files(struct linting *l, const struct directive *open,
    const struct directive *kept)
{
	struct strs a = { 0 };
	struct strs b = { 0 };

	folders_add(l, open, &a);
	folders_add(l, kept, &b);
	for (size_t i = 0; i < a.count; i++)
		for (size_t j = 0; j < b.count; j++)
			if (shares_folder(
				l, open, a.items[i], kept, b.items[j]))
				return true;
	return false;
}

/* Is there a line, outside of what is protected, that leads to it? */
static bool
is_led_to(const struct directive *scope, struct str name)
{
	for (const struct directive *d = scope->first; d != NULL; d = d->next) {
		for (size_t i = 0;
		     is_onward(d) && !is_protected(scope) && i < d->args.count;
		     i++)
			if (str_starts(d->args.items[i], name))
				return true;
		if (is_led_to(d, name))
			return true;
	}
	return false;
}

/* By an application alone, which says so with X-Accel-Redirect. */
static bool
is_applications(const struct directive *block)
{
	return is_location(block) && conf_own(block, "internal") != NULL &&
	       !is_led_to(server_of(block), location_name(block));
}

/* A folder that is there after an allow only. */
static bool
is_proven(const struct linting *l, const struct directive *block)
{
	const struct directive *line = files_line(block);

	return line != NULL &&
	       folder_proof(l, block, conf_arg(line, 0)) != NULL;
}

static const struct directive *
files_blamed(const struct directive *block)
{
	const struct directive *line = files_line(block);

	return line != NULL && line->parent == block ? line : block;
}

/* Scripts of a folder, and not those of an application that is protected
 * elsewhere: that is found already. */
static bool
runs_files(struct linting *l, const struct directive *block)
{
	const struct directive *pass;

	return script_line(block) != NULL && !is_nameless(block) &&
	       handler_within(block, &pass) != NULL &&
	       !meets_application(l, block, pass) &&
	       target_proof(l, block, target_address(conf_arg(pass, 0))) ==
		   NULL;
}

static void
files_check(struct linting *l, const struct directive *block)
{
	bool runs = runs_files(l, block);

	if ((!serves_files(block) && !runs) || is_applications(block) ||
	    is_named(block) || is_proven(l, block))
		return;
	for (size_t i = 0; i < l->file_count; i++)
		if (shares_files(l, block, l->files[i]))
			lint_found(l, runs ? block : files_blamed(block),
			    takes_from_protected(l, block) ? RULE_HOLE
							   : RULE_FILES,
			    STR(""));
}

/* --- The whole ------------------------------------------------------------ */

void
around_check(struct linting *l, const struct directive *block)
{
	application_check(l, block);
	files_check(l, block);
	onward_check(l, block);
}

bool
passes_inside(struct linting *l, const struct directive *block)
{
	const struct directive *pass;

	return handler_of(block, &pass) != NULL &&
	       target_proof(l, block, target_address(conf_arg(pass, 0))) ==
		   NULL &&
	       meets_application(l, block, pass);
}

static bool
opens_inside(struct linting *l, const struct directive *location)
{
	if ((!serves_files(location) && !runs_files(l, location)) ||
	    is_proven(l, location))
		return false;
	for (size_t i = 0; i < l->file_count; i++)
		if (shares_files(l, location, l->files[i]))
			return true;
	return false;
}

/* Who is sent there has the path that they asked for. */
bool
leads_inside(struct linting *l, const struct directive *location)
{
	if (is_protected(location))
		return false;
	for (const struct directive *d = location->first; d != NULL;
	     d = d->next)
		if (is_nameless(d) && passes_inside(l, d))
			return true;
	return passes_inside(l, location) || opens_inside(l, location);
}

/* "/files" with "/srv/files/": "/files../x" is "/srv/files/../x". */
void
alias_check(struct linting *l, const struct directive *block)
{
	const struct directive *alias = conf_own(block, "alias");
	struct strs folders = { 0 };

	if (alias == NULL || !is_location(block))
		return;
	texts_add(l, block, conf_arg(alias, 0), &folders);
	for (size_t i = 0; i < folders.count; i++)
		if (leads_out(block, folders.items[i])) {
			lint_found(l, alias, RULE_ALIAS, STR(""));
			return;
		}
}
