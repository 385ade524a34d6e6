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

/* X_Rolegate_Member and x.rolegate.member are to some applications what
 * X-Rolegate-Member is, and REMOTE_USER of CGI is Remote-User. */
static bool
reads_as(struct str name, struct str header)
{
	if (name.len != header.len)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		struct str a = { name.ptr + i, 1 };
		struct str b = { header.ptr + i, 1 };

		if (!str_eq_fold(a, b) &&
		    (b.ptr[0] != '-' || (a.ptr[0] != '_' && a.ptr[0] != '.')))
			return false;
	}
	return true;
}

static bool
sets_identity(const struct directive *d)
{
	const struct str prefix = STR("HTTP_");
	struct str name = conf_arg(d, 0);

	if (str_starts(name, prefix))
		name = (struct str){ name.ptr + prefix.len,
			name.len - prefix.len };
	for (size_t i = 0; i < COUNT(identity); i++)
		if (reads_as(name, str_from(identity[i])))
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

void
values_check(struct linting *l, const struct directive *block,
    const struct handler *handler)
{
	for (const struct directive *d = conf_find(block, handler->set);
	     d != NULL; d = conf_next(d))
		if (sets_identity(d) && is_clients(l, block, conf_arg(d, 1)))
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
is_member_part(struct str name)
{
	static const char *const parts[] = { "rolegate_member", "rolegate_for",
		"rolegate_role", "rolegate_filter" };

	for (size_t i = 0; i < COUNT(parts); i++)
		if (str_eq_fold(name, str_from(parts[i])))
			return true;
	return false;
}

/* Where two parts touch, "/x" of "hanna" is "/xh" of "anna". */
static bool
parts_touch(struct str key)
{
	struct str rest = key;
	const char *end = NULL;
	bool was_part = false;
	struct str name;

	while (variable_next(&rest, &name)) {
		bool part = is_member_part(name);
		const char *sign = name.ptr - (name.ptr[-1] == '{' ? 2 : 1);

		if (sign == end && (part || was_part))
			return true;
		end = rest.ptr + (name.ptr[-1] == '{' ? 1 : 0);
		was_part = part;
	}
	return false;
}

static bool
key_is_whole(struct str key)
{
	return has_variable(key, "rolegate_member") &&
	       has_variable(key, "rolegate_for") &&
	       has_variable(key, "rolegate_role") &&
	       has_variable(key, "rolegate_filter") && !parts_touch(key);
}

static void
store_check(struct linting *l, const struct directive *block,
    const struct handler *handler)
{
	const struct directive *store = conf_find(block, handler->store);

	if (store != NULL && !conf_arg_is(store, 0, "off"))
		lint_found(l, store, RULE_CACHE, STR(""));
}

void
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
	store_check(l, block, handler);
}

/* --- Path ----------------------------------------------------------------- */

/* The path that the gate decides on is $uri; $request_uri is it too, since the
 * gate denies where the two could mean different things. */
static bool
path_is_changed(const struct directive *pass)
{
	struct str path = target_path(conf_arg(pass, 0));

	return path.len > 0 && !is_the_variable(path, "request_uri");
}

/* A named permission holds for the whole location. */
static bool
is_decided_by_path(const struct directive *block)
{
	const struct directive *set =
	    variable_set(block, STR("rolegate_permission"));

	return set == NULL || conf_arg(set, 1).len == 0;
}

/* A line end of the client's that is handed on as one ends a header, or the
 * request: what stands behind it is the client's own. */
void
decoded_check(struct linting *l, const struct directive *block,
    const struct handler *handler, const struct directive *pass)
{
	if (handler->kind != HANDLER_HEADERS)
		return;
	if (is_decoded(l, block, target_path(conf_arg(pass, 0))))
		lint_found(l, pass, RULE_DECODED, STR(""));
	for (const struct directive *d = conf_find(block, handler->set);
	     d != NULL; d = conf_next(d))
		if (is_decoded(l, block, conf_arg(d, 1)))
			lint_found(l, d, RULE_DECODED, STR(""));
}

static void
path_check(struct linting *l, const struct directive *block,
    const struct directive *pass)
{
	if (!is_decided_by_path(block))
		return;
	if (path_is_changed(pass))
		lint_found(l, pass, RULE_PATH_CHANGED, STR(""));
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
	const struct directive *map =
	    (files ? folder_proof : target_proof)(l, block, address);

	if (map == NULL)
		lint_found(l, line, RULE_NO_PROOF, STR(""));
	else
		proof_check(l, map, files);
}

static void
files_way_check(struct linting *l, const struct directive *block)
{
	const struct directive *line = files_line(block);

	if (line != NULL)
		proof_require(l, block, line, conf_arg(line, 0), true);
	else if (conf_own(block, "location") == NULL)
		lint_found(l, block, RULE_NO_PROOF, STR(""));
}

/* Of a protected block. Where nothing is named files come from nginx's own
 * folder, unless the block is there for the locations in it. */
void
way_check(struct linting *l, const struct directive *block)
{
	const struct directive *pass;
	const struct handler *handler = handler_of(block, &pass);

	if (handler == NULL) {
		if (serves_files(block))
			files_way_check(l, block);
		return;
	}
	proof_require(l, block, pass, target_address(conf_arg(pass, 0)), false);
	cache_check(l, block, handler);
	path_check(l, block, pass);
	decoded_check(l, block, handler, pass);
	if (str_eq(str_from(handler->pass), STR("proxy_pass")) &&
	    is_on(block, "proxy_intercept_errors", "on"))
		lint_found(l, conf_find(block, "proxy_intercept_errors"),
		    RULE_INTERCEPT, STR(""));
}
