#include "model/route.h"

#include <stddef.h>
#include <string.h>

#include "base/bounds.h"
#include "base/text.h"
#include "base/yaml.h"
#include "model/path.h"

#define ANY_METHOD   STR("*")
#define ACCOUNT	     STR("{account}")
#define ONE_SEGMENT  STR("*")
#define THE_REST     STR("**")
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- Matching ------------------------------------------------------------ */

/* What "*" stands for. A method that nobody has thought of needs a route that
 * names it (CASES T45). */
static const char *const common_methods[] = { "GET", "HEAD", "POST", "PUT",
	"PATCH", "DELETE", "OPTIONS" };

static bool
is_common(struct str method)
{
	for (size_t i = 0; i < COUNT(common_methods); i++)
		if (str_eq(method, str_from(common_methods[i])))
			return true;
	return false;
}

static bool
method_matches(struct str wanted, struct str method)
{
	if (str_eq(wanted, ANY_METHOD))
		return is_common(method);
	if (str_eq(wanted, STR("GET")) && str_eq(method, STR("HEAD")))
		return true; /* T44 */
	return str_eq(wanted, method);
}

static struct str
behind_slash(struct str path)
{
	return (struct str){ path.ptr + 1, path.len - 1 };
}

static bool
literal_matches(struct str wanted, struct str segment, bool fold_case)
{
	return fold_case ? str_eq_fold(wanted, segment)
			 : str_eq(wanted, segment);
}

/* Segment by segment; *account is set where there is one. */
static bool
pattern_matches(const struct route *route, struct str path, struct str *account)
{
	struct str pattern = behind_slash(route->pattern);
	struct str rest = behind_slash(path);
	struct str wanted;
	struct str segment;

	while (str_next(&pattern, '/', &wanted)) {
		bool takes_account = str_eq(wanted, ACCOUNT);

		if (str_eq(wanted, THE_REST))
			return true;
		if (!str_next(&rest, '/', &segment))
			return false;
		if (takes_account || str_eq(wanted, ONE_SEGMENT)) {
			if (segment.len == 0)
				return false;
		} else if (!literal_matches(wanted, segment, route->fold_case))
			return false;
		if (takes_account)
			*account = segment;
	}
	return rest.ptr == NULL;
}

static bool
is_account_id(struct str s)
{
	struct err ignored = { 0 };

	return text_check_id(s, ACCOUNT_ID_MAX, "account", &ignored);
}

const struct route *
route_find(const struct route_map *map, struct str method, struct str path,
    struct str *account)
{
	if (path.len == 0 || path.ptr[0] != '/')
		return NULL;
	for (size_t i = 0; i < map->count; i++) {
		const struct route *route = &map->routes[i];
		struct str found = route->account;

		if (!method_matches(route->method, method) ||
		    !pattern_matches(route, path, &found))
			continue;
		if (found.len > 0 && !is_account_id(found))
			return NULL;
		*account = found;
		return route;
	}
	return NULL;
}

/* --- The file ------------------------------------------------------------ */

struct file_keys {
	const struct yaml_node *routes;
};

/* What one entry of the file says, before it is judged. */
struct route_keys {
	const struct yaml_node *method;
	struct str path;
	struct str permission;
	struct str account;
	int letter_case;
};

struct loader {
	struct arena *arena;
	struct faults *faults;
	struct yaml_file file;
	struct route *routes;
	size_t count;
	size_t cap;
};

enum letter_case { CASE_EXACT = 0, CASE_FOLD };
static const char *const case_words[] = { "exact", "fold", NULL };

/* clang-format off */
static const struct yaml_key file_table[] = {
	{ .name = "routes", .type = YAML_NODE, .offset = offsetof(struct file_keys, routes), .required = true,
	  .help = "list of routes, tried in this order" },
};

static const struct yaml_key route_table[] = {
	{ .name = "method", .type = YAML_NODE, .offset = offsetof(struct route_keys, method), .required = true,
	  .help = "a method, a list of them, or * for the common ones" },
	{ .name = "path", .type = YAML_STR, .offset = offsetof(struct route_keys, path), .required = true,
	  .help = "path with {account}, * and ** in it" },
	{ .name = "permission", .type = YAML_STR, .offset = offsetof(struct route_keys, permission), .required = true,
	  .help = "what a request needs" },
	{ .name = "account", .type = YAML_STR, .offset = offsetof(struct route_keys, account),
	  .help = "id of an account, where the path does not have it" },
	{ .name = "case", .type = YAML_CHOICE, .offset = offsetof(struct route_keys, letter_case), .choices = case_words,
	  .fallback = "exact", .help = "fold takes A-Z as a-z" },
};
/* clang-format on */

#define FAULT(l, node, code, ...)                                            \
	fault_add((l)->faults, (l)->file.path, (node)->line, (node)->column, \
	    code, __VA_ARGS__)

static bool
no_memory(struct loader *l)
{
	fault_add(l->faults, l->file.path, 0, 0, "no_memory", "memory is out");
	return false;
}

/* What nginx lets through as a method. */
static bool
method_good(struct loader *l, const struct yaml_node *node)
{
	bool good = node->kind == YAML_TEXT && node->text.len > 0;

	for (size_t i = 0; good && i < node->text.len; i++) {
		char c = node->text.ptr[i];

		good = (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
	}
	if (good || (node->kind == YAML_TEXT && str_eq(node->text, ANY_METHOD)))
		return true;
	FAULT(l, node, "route_method",
	    "method: is not a method; write it in capitals, as GET, or \"*\" "
	    "for the common ones");
	return false;
}

static bool
has_any(struct str s, const char *bytes)
{
	for (size_t i = 0; i < s.len; i++)
		if (strchr(bytes, s.ptr[i]) != NULL)
			return true;
	return false;
}

static bool
segment_good(
    struct loader *l, const struct yaml_node *at, struct str segment, bool last)
{
	if (str_eq(segment, ACCOUNT) || str_eq(segment, ONE_SEGMENT) ||
	    !has_any(segment, "*{}"))
		return true;
	if (str_eq(segment, THE_REST) && last)
		return true;
	FAULT(l, at, "route_path",
	    "path: segment '%.*s' cannot be used; {account} and * stand for a "
	    "whole segment, ** only for all that are left at the end",
	    STR_ARGS(segment));
	return false;
}

static bool
pattern_good(struct loader *l, const struct yaml_node *at, struct str pattern,
    bool *has_account)
{
	struct str rest;
	struct str segment;

	/* Other paths never get as far as a route. */
	if (!path_is_canonical(pattern)) {
		FAULT(l, at, "route_path",
		    "path: no request can have it; begin with /, write it "
		    "decoded, without query, //, dot segments, %%, ; and \\");
		return false;
	}
	rest = behind_slash(pattern);
	while (str_next(&rest, '/', &segment)) {
		bool is_account = str_eq(segment, ACCOUNT);

		if (!segment_good(l, at, segment, rest.ptr == NULL))
			return false;
		if (is_account && *has_account) {
			FAULT(l, at, "route_path",
			    "path: {account} stands twice; write * for the "
			    "other one");
			return false;
		}
		*has_account = *has_account || is_account;
	}
	return true;
}

static bool
id_good(struct loader *l, const struct yaml_node *at, struct str id, size_t max,
    const char *what)
{
	struct err err = { 0 };

	if (text_check_id(id, max, what, &err))
		return true;
	FAULT(l, at, err.code, "%s", err.text);
	return false;
}

static bool
account_good(struct loader *l, const struct yaml_node *entry, struct str id,
    bool in_path)
{
	const struct yaml_node *at = yaml_get(entry, "account");

	if (at == NULL)
		return true;
	if (!id_good(l, at, id, ACCOUNT_ID_MAX, "account"))
		return false;
	if (!in_path)
		return true;
	FAULT(l, at, "route_account",
	    "account: the path has {account} already; take one of them away");
	return false;
}

/* --- Routes that are never reached --------------------------------------- */

static bool
is_wild(struct str segment)
{
	return str_eq(segment, ACCOUNT) || str_eq(segment, ONE_SEGMENT);
}

static bool
segment_covers(const struct route *earlier, struct str theirs,
    const struct route *later, struct str ours)
{
	if (is_wild(theirs))
		return ours.len > 0;
	if (is_wild(ours) || (later->fold_case && !earlier->fold_case))
		return false;
	return literal_matches(theirs, ours, earlier->fold_case);
}

/* Does the earlier pattern match whatever the later one does? */
static bool
pattern_covers(const struct route *earlier, const struct route *later)
{
	struct str their_rest = behind_slash(earlier->pattern);
	struct str our_rest = behind_slash(later->pattern);
	struct str theirs;
	struct str ours;

	while (str_next(&their_rest, '/', &theirs)) {
		if (str_eq(theirs, THE_REST))
			return true;
		if (!str_next(&our_rest, '/', &ours) ||
		    str_eq(ours, THE_REST) ||
		    !segment_covers(earlier, theirs, later, ours))
			return false;
	}
	return our_rest.ptr == NULL;
}

static bool
method_covers(struct str earlier, struct str later)
{
	return str_eq(later, ANY_METHOD) ? str_eq(earlier, ANY_METHOD)
					 : method_matches(earlier, later);
}

static const struct route *
covering(const struct route *routes, size_t count, const struct route *later)
{
	for (size_t i = 0; i < count; i++)
		if (method_covers(routes[i].method, later->method) &&
		    pattern_covers(&routes[i], later))
			return &routes[i];
	return NULL;
}

/* --- Entries ------------------------------------------------------------- */

/* `first` is where the routes of this entry begin: [GET, HEAD] is no fault. */
static bool
route_add(struct loader *l, const struct yaml_node *at, size_t first,
    const struct route *route)
{
	const struct route *before = covering(l->routes, first, route);
	struct route *routes;

	if (before != NULL) {
		FAULT(l, at, "route_unreachable",
		    "%.*s %.*s: is never reached, the route of line %d takes "
		    "all of its requests; move it up or take it away",
		    STR_ARGS(route->method), STR_ARGS(route->pattern),
		    before->line);
		return true;
	}
	if (covering(l->routes + first, l->count - first, route) != NULL)
		return true;
	if (l->count == ROUTES_MAX) {
		FAULT(l, at, "routes_many",
		    "there are more than %d routes; take some away",
		    ROUTES_MAX);
		return false;
	}
	routes =
	    arena_grow(l->arena, l->routes, l->count, &l->cap, sizeof(*routes));
	if (routes == NULL)
		return no_memory(l);
	routes[l->count++] = *route;
	l->routes = routes;
	return true;
}

/* One route for each method. False when it makes no sense to go on. */
static bool
methods_add(
    struct loader *l, const struct yaml_node *method, const struct route *route)
{
	bool list = method->kind == YAML_LIST;
	const struct yaml_node *items = list ? method->items : method;
	size_t count = list ? method->count : 1;
	size_t first = l->count;

	if (count == 0)
		method_good(l, method);
	for (size_t i = 0; i < count; i++) {
		struct route one = *route;

		if (!method_good(l, &items[i]))
			continue;
		one.method = items[i].text;
		if (!route_add(l, &items[i], first, &one))
			return false;
	}
	return true;
}

static bool
entry_read(struct loader *l, const struct yaml_node *entry)
{
	struct route_keys keys = { 0 };
	struct route route = { .line = entry->line };
	bool in_path = false;
	bool good;

	if (entry->kind != YAML_MAP) {
		FAULT(l, entry, "yaml_type",
		    "route: write method, path and permission here");
		return true;
	}
	if (!yaml_read(&l->file, entry, route_table, COUNT(route_table), &keys,
		l->arena, l->faults))
		return true;
	good = pattern_good(l, yaml_get(entry, "path"), keys.path, &in_path);
	good = id_good(l, yaml_get(entry, "permission"), keys.permission,
		   PERMISSION_NAME_MAX, "permission") &&
	       good;
	good = account_good(l, entry, keys.account, in_path) && good;
	if (!good)
		return true;
	route.pattern = keys.path;
	route.permission = keys.permission;
	route.account = keys.account;
	route.fold_case = keys.letter_case == CASE_FOLD;
	return methods_add(l, keys.method, &route);
}

static bool
map_read(struct loader *l, struct route_map *out)
{
	const struct yaml_node *root = l->file.root;
	struct file_keys keys = { 0 };
	size_t before = l->faults->count;

	if (root->kind != YAML_MAP) {
		FAULT(l, root, "yaml_type", "write 'routes:' and a list here");
		return false;
	}
	if (!yaml_read(&l->file, root, file_table, COUNT(file_table), &keys,
		l->arena, l->faults))
		return false;
	if (keys.routes->kind != YAML_LIST) {
		FAULT(l, keys.routes, "yaml_type",
		    "routes: write a list of routes here");
		return false;
	}
	for (size_t i = 0; i < keys.routes->count; i++)
		if (!entry_read(l, &keys.routes->items[i]))
			return false;
	if (l->faults->count != before)
		return false;
	*out = (struct route_map){ l->routes, l->count };
	return true;
}

bool
route_map_load(struct arena *arena, struct str path, struct route_map *out,
    struct faults *faults)
{
	struct loader l = { .arena = arena, .faults = faults };

	return yaml_load(arena, path, &l.file, faults) && map_read(&l, out);
}

bool
route_map_parse(struct arena *arena, struct str path, struct str text,
    struct route_map *out, struct faults *faults)
{
	struct loader l = { .arena = arena, .faults = faults };

	return yaml_parse(arena, path, text, &l.file, faults) &&
	       map_read(&l, out);
}
