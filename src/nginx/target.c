#include <string.h>

#include "nginx/host.h"
#include "nginx/linting.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define HTTP_PORT    80
#define HTTPS_PORT   443
#define TEXTS_MAX    4096 /* that one text may be */

/* clang-format off */
static const struct handler handlers[] = {
	{ "proxy_pass", "proxy_set_header", "proxy_cache", "proxy_cache_key", "proxy_store", "proxy_pass_request_headers", HANDLER_HEADERS },
	{ "grpc_pass", "grpc_set_header", NULL, NULL, NULL, NULL, HANDLER_HEADERS },
	{ "fastcgi_pass", "fastcgi_param", "fastcgi_cache", "fastcgi_cache_key", "fastcgi_store", "fastcgi_pass_request_headers", HANDLER_PARAMS },
	{ "uwsgi_pass", "uwsgi_param", "uwsgi_cache", "uwsgi_cache_key", "uwsgi_store", "uwsgi_pass_request_headers", HANDLER_PARAMS },
	{ "scgi_pass", "scgi_param", "scgi_cache", "scgi_cache_key", "scgi_store", "scgi_pass_request_headers", HANDLER_PARAMS },
	{ "memcached_pass", NULL, NULL, NULL, NULL, NULL, HANDLER_PLAIN },
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

/* What answers by itself, with nothing that is protected. */
static bool
has_content(const struct directive *block)
{
	static const char *const names[] = { "return", "stub_status",
		"empty_gif", "echo", "echo_exec", "js_content", "perl",
		"content_by_lua_block", "content_by_lua_file" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (conf_own(block, names[i]) != NULL)
			return true;
	return false;
}

bool
serves_files(const struct directive *block)
{
	const struct directive *pass;

	return !is_nameless(block) && handler_of(block, &pass) == NULL &&
	       !has_content(block);
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
			if (str_eq_fold(name, str_from(paths[i])))
				return (size_t)(name.ptr - text.ptr) -
				       (name.ptr[-1] == '{' ? 2 : 1);
	return text.len;
}

bool
target_begins_with_path(struct str text)
{
	return text.len > 0 && path_variable_at(text) == 0;
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

/* ":080" is ":80". */
static struct str
port_of(struct linting *l, struct str text, int64_t fallback)
{
	int64_t port = fallback;

	if (text.len > 0 && !str_to_i64(text, 0, INT32_MAX, &port))
		return text;
	return str_fmt(l->arena, "%lld", (long long)port);
}

/* Two ways to write one address are one: "localhost" is "127.0.0.1:80". A "*"
 * is what a client may choose. */
static void
address_add(
    struct linting *l, struct str address, int64_t port, struct strs *out)
{
	struct str host = address;
	struct str digits = STR("");
	const char *colon = memrchr(address.ptr, ':', address.len);

	if (str_starts(address, STR("unix:")) || str_eq(address, STR("*"))) {
		strs_add(l, out, address);
		return;
	}
	if (colon != NULL && address.ptr[address.len - 1] != ']') {
		host.len = (size_t)(colon - address.ptr);
		digits = (struct str){ colon + 1, address.len - host.len - 1 };
	}
	host = host_plain(l->arena, host);
	digits = port_of(l, digits, port);
	strs_add(l, out,
	    str_fmt(l->arena, "%.*s:%.*s", STR_ARGS(host), STR_ARGS(digits)));
}

/* Does the pattern, with "*" in it, fit the text? Names of hosts and upstreams
 * have no case. */
static bool
star_fits(struct str pattern, struct str text)
{
	size_t star = SIZE_MAX;
	size_t back = 0;
	size_t p = 0;
	size_t t = 0;

	while (t < text.len) {
		struct str a = { pattern.ptr + p, p < pattern.len };
		struct str b = { text.ptr + t, 1 };

		if (str_eq(a, STR("*"))) {
			star = p++;
			back = t;
		} else if (str_eq_fold(a, b)) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++back;
		} else
			return false;
	}
	while (p < pattern.len && pattern.ptr[p] == '*')
		p++;
	return p == pattern.len;
}

static const struct directive *
upstream_next(const struct directive *d, struct str name)
{
	while (d != NULL && !star_fits(name, conf_arg(d, 0)))
		d = conf_next(d);
	return d;
}

/* Of the same http or stream block. */
static const struct directive *
upstream_find(const struct directive *block, struct str name)
{
	const struct directive *found = NULL;

	for (; block != NULL && found == NULL; block = block->parent)
		found = upstream_next(conf_own(block, "upstream"), name);
	return found;
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
			address_add(l, conf_arg(d, 0), HTTP_PORT, out);
}

/* --- The proof ------------------------------------------------------------ */

static bool
is_allow(const struct directive *entry)
{
	return str_eq_fold(entry->name, STR("allow"));
}

/* "$name" as it is written in the text that the name stands in; `rest` is what
 * stands behind the name. */
static struct str
written(struct str name, struct str rest)
{
	if (name.ptr[-1] == '{')
		return (struct str){ name.ptr - 2,
			name.len + (str_starts(rest, STR("}")) ? 3 : 2) };
	return (struct str){ name.ptr - 1, name.len + 1 };
}

/* "$folder/" too: behind /dev/null, which is no folder, there is nothing. */
const struct directive *
folder_proof(
    const struct linting *l, const struct directive *block, struct str path)
{
	struct str rest = path;
	struct str name;
	struct str sign;

	if (str_starts(path, STR("$")) && variable_next(&rest, &name)) {
		sign = written(name, rest);
		rest = (struct str){ path.ptr + sign.len, path.len - sign.len };
		if (str_starts(rest, STR("/")))
			return target_proof(l, block, sign);
	}
	return target_proof(l, block, path);
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
	const struct directive *upstream = upstream_find(l->http, value);

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

/* All that a map, geo or split_clients may make of it. */
static void
choices_add(struct linting *l, const struct directive *table, struct strs *out)
{
	const struct directive *d = table->first;

	for (; d != NULL && out->count <= TEXTS_MAX; d = d->next)
		if (d->args.count > 0)
			strs_add(l, out, conf_arg(d, 0));
	if (d != NULL)
		l->looks = LOOKS_MAX + 1;
}

static void
values_add(struct linting *l, const struct directive *block, struct str name,
    struct strs *out)
{
	const struct directive *map = variable_map(l, name);
	struct setters choices = setters_by(l, name, SETTER_CHOICE);

	variable_values(l, block, name, out);
	if (map != NULL)
		choices_add(l, map, out);
	for (size_t i = 0; i < choices.count; i++)
		choices_add(l, choices.items[i].at, out);
}

/* Puts every value in the place of each variable behind `done`: "*" where a
 * client may choose it, and the variable where nothing is known of it. */
static void
text_expand(struct linting *l, const struct directive *block, struct str done,
    struct str text, struct strs *out, int looks)
{
	struct str rest = text;
	struct strs values = { 0 };
	struct str name;
	struct str sign;

	if (!look(l, done.len + text.len) || out->count > TEXTS_MAX) {
		l->looks = LOOKS_MAX + 1;
		return;
	}
	if (!variable_next(&rest, &name)) {
		strs_add(l, out,
		    str_fmt(
			l->arena, "%.*s%.*s", STR_ARGS(done), STR_ARGS(text)));
		return;
	}
	sign = written(name, rest);
	done = str_fmt(l->arena, "%.*s%.*s", STR_ARGS(done),
	    (int)(sign.ptr - text.ptr), text.ptr);
	text = (struct str){ sign.ptr + sign.len,
		text.len - (size_t)(sign.ptr + sign.len - text.ptr) };
	if (looks > 0)
		values_add(l, block, name, &values);
	for (size_t i = 0;
	     i < values.count && look(l, values.items[i].len + text.len); i++)
		text_expand(l, block, done,
		    str_fmt(l->arena, "%.*s%.*s", STR_ARGS(values.items[i]),
			STR_ARGS(text)),
		    out, looks - 1);
	if (values.count > 0)
		return;
	if (looks == 0 || is_clients(l, block, sign))
		sign = STR("*");
	text_expand(l, block,
	    str_fmt(l->arena, "%.*s%.*s", STR_ARGS(done), STR_ARGS(sign)), text,
	    out, looks);
}

void
texts_add(struct linting *l, const struct directive *block, struct str text,
    struct strs *out)
{
	text_expand(l, block, STR(""), text, out, LOOKS_DEEP);
}

static void
address_resolve(struct linting *l, const struct directive *block,
    struct str text, struct strs *out)
{
	struct str scheme;
	struct str address = target_address(text);
	const struct directive *upstream = upstream_find(block, address);

	if (address.len == 0)
		return;
	scheme_skip(text, &scheme);
	if (upstream == NULL || memchr(address.ptr, '*', address.len) != NULL)
		address_add(l, address,
		    str_starts(scheme, STR("https")) ||
			    str_starts(scheme, STR("grpcs"))
			? HTTPS_PORT
			: HTTP_PORT,
		    out);
	for (; upstream != NULL;
	     upstream = upstream_next(conf_next(upstream), address))
		servers_add(l, upstream, out);
}

void
target_add(struct linting *l, const struct directive *block, struct str text,
    struct strs *out)
{
	struct str address = target_address(text);
	struct strs texts = { 0 };

	texts_add(l, block,
	    (struct str){
		text.ptr, (size_t)(address.ptr - text.ptr) + address.len },
	    &texts);
	for (size_t i = 0; i < texts.count; i++)
		address_resolve(l, block, texts.items[i], out);
}

bool
target_meets(const struct strs *a, const struct strs *b)
{
	for (size_t i = 0; i < a->count; i++)
		for (size_t j = 0; j < b->count; j++)
			if (star_fits(a->items[i], b->items[j]) ||
			    star_fits(b->items[j], a->items[i]))
				return true;
	return false;
}
