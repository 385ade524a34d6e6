#include <string.h>

#include "nginx/linting.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static bool
in_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_';
}

static struct str
str_from_at(struct str s, size_t at)
{
	return (struct str){ s.ptr + at, s.len - at };
}

bool
variable_next(struct str *rest, struct str *name)
{
	for (size_t i = 0; i + 1 < rest->len; i++) {
		size_t from = i + (rest->ptr[i + 1] == '{' ? 2 : 1);
		size_t to = from;

		if (rest->ptr[i] != '$')
			continue;
		while (to < rest->len && in_name(rest->ptr[to]))
			to++;
		if (to == from)
			continue;
		*name = (struct str){ rest->ptr + from, to - from };
		*rest = str_from_at(*rest, to);
		return true;
	}
	return false;
}

bool
has_variable(struct str text, const char *name)
{
	struct str one;

	while (variable_next(&text, &one))
		if (str_eq(one, str_from(name)))
			return true;
	return false;
}

bool
is_variable(struct str text, struct str *name)
{
	size_t signs;

	if (text.len < 2 || text.ptr[0] != '$')
		return false;
	signs = text.ptr[1] == '{' ? 3 : 1;
	return variable_next(&text, name) && text.len == signs / 2 &&
	       (signs == 1 || text.ptr[0] == '}');
}

/* --- Where it is set ------------------------------------------------------ */

/* Is the first word of the directive this variable? */
static bool
names_variable(const struct directive *d, size_t word, struct str name)
{
	struct str own;

	return is_variable(conf_arg(d, word), &own) && str_eq(own, name);
}

/* Rewrite directives run in the server and then in the location; an outer
 * location's are not run for one that lies in it, but those of a location are
 * for its if. */
static const struct directive *
outer_scope(const struct directive *block)
{
	return is_nameless(block) ? block->parent : server_of(block);
}

const struct directive *
variable_set(const struct directive *block, struct str name)
{
	const struct directive *last = NULL;

	for (const struct directive *d = conf_own(block, "set"); d != NULL;
	     d = conf_next(d))
		if (names_variable(d, 0, name))
			last = d;
	if (last != NULL || block->parent == NULL || conf_is(block, "server"))
		return last;
	block = outer_scope(block);
	return block != NULL ? variable_set(block, name) : NULL;
}

const struct directive *
variable_map(const struct linting *l, struct str name)
{
	for (const struct directive *d = conf_own(l->http, "map"); d != NULL;
	     d = conf_next(d))
		if (d->is_block && names_variable(d, 1, name))
			return d;
	return NULL;
}

static const struct directive *
answered(const struct directive *block, struct str name)
{
	const struct directive *d = conf_find(block, "auth_request_set");

	while (d != NULL && !names_variable(d, 0, name))
		d = conf_next(d);
	return d;
}

struct str
answered_variable(const struct directive *block, const char *from)
{
	const struct directive *d = conf_find(block, "auth_request_set");
	struct str name = STR("");

	while (d != NULL && !conf_arg_is(d, 1, from))
		d = conf_next(d);
	return d != NULL && is_variable(conf_arg(d, 0), &name) ? name : STR("");
}

/* --- Whose it is ---------------------------------------------------------- */

/* $1 is a part of the path. */
static bool
is_clients_own(struct str name)
{
	static const char *const exact[] = { "args", "query_string",
		"request_uri", "uri", "document_uri", "request", "request_body",
		"host", "remote_user", "content_type" };
	static const char *const begins[] = { "http_", "arg_", "cookie_" };

	for (size_t i = 0; i < COUNT(exact); i++)
		if (str_eq(name, str_from(exact[i])))
			return true;
	for (size_t i = 0; i < COUNT(begins); i++)
		if (str_starts(name, str_from(begins[i])))
			return true;
	return name.ptr[0] >= '1' && name.ptr[0] <= '9';
}

/* A password of the client is one that nginx has looked at. */
static bool
is_verified(const struct directive *block, struct str name)
{
	const struct directive *basic = conf_find(block, "auth_basic");

	return str_eq(name, STR("remote_user")) && basic != NULL &&
	       !conf_arg_is(basic, 0, "off");
}

bool
look(struct linting *l)
{
	if (l->looks == 0)
		l->too_many_looks = true;
	else
		l->looks--;
	return !l->too_many_looks;
}

static bool
text_is_clients(struct linting *l, const struct directive *block,
    struct str text, int looks)
{
	struct str name;

	while (looks > 0 && variable_next(&text, &name) && look(l)) {
		const struct directive *set = variable_set(block, name);
		const struct directive *map = variable_map(l, name);
		const struct directive *answer = answered(block, name);

		if (is_clients_own(name) && !is_verified(block, name))
			return true;
		if (set != NULL &&
		    text_is_clients(l, block, conf_arg(set, 1), looks - 1))
			return true;
		if (map != NULL &&
		    text_is_clients(l, block, conf_arg(map, 0), looks - 1))
			return true;
		if (answer != NULL &&
		    text_is_clients(l, block, conf_arg(answer, 1), looks - 1))
			return true;
	}
	return false;
}

bool
is_clients(struct linting *l, const struct directive *block, struct str text)
{
	l->looks = LOOKS_MAX;
	return text_is_clients(l, block, text, LOOKS_DEEP);
}
