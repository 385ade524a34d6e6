#include <string.h>

#include "nginx/linting.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* clang-format off */
static const struct handler handlers[] = {
	{ "proxy_pass", "proxy_set_header", "proxy_cache", "proxy_cache_key", "proxy_pass_request_headers", HANDLER_HEADERS },
	{ "grpc_pass", "grpc_set_header", NULL, NULL, NULL, HANDLER_HEADERS },
	{ "fastcgi_pass", "fastcgi_param", "fastcgi_cache", "fastcgi_cache_key", "fastcgi_pass_request_headers", HANDLER_PARAMS },
	{ "uwsgi_pass", "uwsgi_param", "uwsgi_cache", "uwsgi_cache_key", "uwsgi_pass_request_headers", HANDLER_PARAMS },
	{ "scgi_pass", "scgi_param", "scgi_cache", "scgi_cache_key", "scgi_pass_request_headers", HANDLER_PARAMS },
	{ "memcached_pass", NULL, NULL, NULL, NULL, HANDLER_PLAIN },
};
/* clang-format on */

/* An if and a limit_except send on as their location does. */
const struct handler *
handler_of(const struct directive *block, const struct directive **line)
{
	for (;; block = block->parent) {
		for (size_t i = 0; i < COUNT(handlers); i++) {
			*line = conf_own(block, handlers[i].pass);
			if (*line != NULL)
				return &handlers[i];
		}
		if (!is_nameless(block))
			return NULL;
	}
}

const struct directive *
files_line(const struct directive *block)
{
	const struct directive *alias = conf_own(block, "alias");

	return alias != NULL ? alias : conf_find(block, "root");
}

/* --- Addresses ------------------------------------------------------------ */

static struct str
scheme_skip(struct str text, struct str *scheme)
{
	const char *colon =
	    text.len > 0 ? memmem(text.ptr, text.len, "://", 3) : NULL;
	size_t len = colon != NULL ? (size_t)(colon - text.ptr) : 0;

	*scheme = (struct str){ text.ptr, len };
	if (colon == NULL)
		return text;
	return (struct str){ colon + 3, text.len - len - 3 };
}

/* "http://a$request_uri": the path may be a variable, without a slash. */
static size_t
path_variable_at(struct str text)
{
	static const char *const paths[] = { "request_uri", "uri",
		"document_uri" };
	struct str rest = text;
	struct str name;

	while (variable_next(&rest, &name))
		for (size_t i = 0; i < COUNT(paths); i++)
			if (str_eq(name, str_from(paths[i])))
				return (size_t)(name.ptr - text.ptr) -
				       (name.ptr[-1] == '{' ? 2 : 1);
	return text.len;
}

/* "unix:/a:/b": the path begins at the second colon. */
static size_t
address_len(struct str text)
{
	bool is_unix = str_starts(text, STR("unix:"));
	size_t from = is_unix ? strlen("unix:") : 0;
	const char *end =
	    text.len > from
		? memchr(text.ptr + from, is_unix ? ':' : '/', text.len - from)
		: NULL;
	size_t len = end != NULL ? (size_t)(end - text.ptr) : text.len;
	size_t path = path_variable_at(text);

	return path < len ? path : len;
}

struct str
target_address(struct str text)
{
	struct str scheme;

	text = scheme_skip(text, &scheme);
	return (struct str){ text.ptr, address_len(text) };
}

struct str
target_path(struct str text)
{
	struct str scheme;
	size_t len;

	text = scheme_skip(text, &scheme);
	len = address_len(text);
	if (len < text.len && text.ptr[len] == ':')
		len++;
	return (struct str){ text.ptr + len, text.len - len };
}

/* Two ways to write one address are one: "localhost" is "127.0.0.1:80". */
static void
address_add(struct linting *l, struct str address, struct strs *out)
{
	struct str host = address;
	struct str port = STR(":80");
	const char *colon = memrchr(address.ptr, ':', address.len);

	if (str_starts(address, STR("unix:"))) {
		strs_add(l, out, address);
		return;
	}
	if (colon != NULL && address.ptr[address.len - 1] != ']') {
		host.len = (size_t)(colon - address.ptr);
		port = (struct str){ colon, address.len - host.len };
	}
	if (str_eq_fold(host, STR("localhost")))
		host = STR("127.0.0.1");
	strs_add(l, out,
	    str_fmt(l->arena, "%.*s%.*s", STR_ARGS(host), STR_ARGS(port)));
}

static const struct directive *
upstream_find(const struct linting *l, struct str name)
{
	for (const struct directive *d = conf_own(l->http, "upstream");
	     d != NULL; d = conf_next(d))
		if (str_eq(conf_arg(d, 0), name))
			return d;
	return NULL;
}

static bool
has_arg(const struct directive *d, const char *text)
{
	return names_have(d->args, str_from(text));
}

static void
servers_add(
    struct linting *l, const struct directive *upstream, struct strs *out)
{
	for (const struct directive *d = conf_own(upstream, "server");
	     d != NULL; d = conf_next(d))
		if (!has_arg(d, "down") && d->args.count > 0)
			address_add(l, conf_arg(d, 0), out);
}

/* --- The proof ------------------------------------------------------------ */

static bool
is_allow(const struct directive *entry)
{
	return str_eq_fold(entry->name, STR("allow"));
}

/* A protected block has to take the decision out of its own answer. */
const struct directive *
target_proof(
    const struct linting *l, const struct directive *block, struct str address)
{
	struct str decision;
	struct str name;
	const struct directive *map = NULL;

	if (is_variable(address, &name))
		map = variable_map(l, name);
	if (map == NULL || !is_variable(conf_arg(map, 0), &decision))
		return NULL;
	return (is_protected(block) ? str_eq_fold(decision_of(block), decision)
				    : is_decision(l, decision))
		   ? map
		   : NULL;
}

/* Nowhere: an upstream without a server that is up, or no folder. */
static bool
leads_nowhere(const struct linting *l, struct str value, bool files)
{
	const struct directive *upstream = upstream_find(l, value);

	if (files)
		return str_eq(value, STR("/dev/null"));
	if (value.len == 0)
		return true;
	if (upstream == NULL)
		return false;
	for (const struct directive *d = conf_own(upstream, "server");
	     d != NULL; d = conf_next(d))
		if (!has_arg(d, "down"))
			return false;
	return true;
}

/* Without a default the value is empty, which is no folder but "/". */
void
proof_check(struct linting *l, const struct directive *map, bool files)
{
	bool is_volatile = false;
	bool has_default = false;

	for (const struct directive *d = map->first; d != NULL; d = d->next) {
		if (conf_is(d, "volatile") && d->args.count == 0) {
			is_volatile = true;
			continue;
		}
		if (conf_is(d, "default"))
			has_default = true;
		if (!is_allow(d) && !leads_nowhere(l, conf_arg(d, 0), files))
			lint_found(l, d, RULE_PROOF_MAP, STR(""));
	}
	if (files && !has_default)
		lint_found(l, map, RULE_PROOF_MAP, STR("default"));
	if (!is_volatile)
		lint_found(l, map, RULE_PROOF_KEPT, STR("volatile"));
}

/* --- Where it leads ------------------------------------------------------- */

static void address_resolve(struct linting *l, const struct directive *block,
    struct str address, struct strs *out, int looks);

static void
map_resolve(struct linting *l, const struct directive *block,
    const struct directive *map, struct strs *out, int looks)
{
	for (const struct directive *d = map->first; d != NULL; d = d->next)
		if (d->args.count > 0)
			address_resolve(l, block,
			    target_address(conf_arg(d, 0)), out, looks);
}

static void
address_resolve(struct linting *l, const struct directive *block,
    struct str address, struct strs *out, int looks)
{
	const struct directive *d;
	struct str name;

	if (looks == 0 || address.len == 0 || !look(l))
		return;
	if (!is_variable(address, &name)) {
		d = upstream_find(l, address);
		if (d != NULL)
			servers_add(l, d, out);
		else
			address_add(l, address, out);
	} else if ((d = variable_map(l, name)) != NULL)
		map_resolve(l, block, d, out, looks - 1);
	else if ((d = variable_set(block, name)) != NULL)
		address_resolve(
		    l, block, target_address(conf_arg(d, 1)), out, looks - 1);
	else
		strs_add(l, out, address);
}

void
target_add(struct linting *l, const struct directive *block, struct str text,
    struct strs *out)
{
	address_resolve(l, block, target_address(text), out, LOOKS_DEEP);
}

bool
target_meets(const struct strs *a, const struct strs *b)
{
	for (size_t i = 0; i < a->count; i++)
		for (size_t j = 0; j < b->count; j++)
			if (str_eq(a->items[i], b->items[j]))
				return true;
	return false;
}
