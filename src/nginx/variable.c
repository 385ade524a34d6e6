#include <string.h>

#include "nginx/linting.h"
#include "nginx/pattern.h"

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
		if (str_eq_fold(one, str_from(name)))
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

bool
is_the_variable(struct str text, const char *name)
{
	struct str own;

	return is_variable(text, &own) && str_eq_fold(own, str_from(name));
}

/* --- Where it is set ------------------------------------------------------ */

/* Is this word of the directive the variable? */
static bool
names_variable(const struct directive *d, size_t word, struct str name)
{
	struct str own;

	return is_variable(conf_arg(d, word), &own) && str_eq_fold(own, name);
}

/* Rewrite directives run in the server and then in the location; an outer
 * location's are not run for one that lies in it, but those of a location are
 * for its if. */
static const struct directive *
outer_scope(const struct directive *block)
{
	if (block->parent == NULL || conf_is(block, "server"))
		return NULL;
	return is_nameless(block) ? block->parent : server_of(block);
}

static const struct directive *
own_set(const struct directive *block, struct str name)
{
	const struct directive *last = NULL;

	for (const struct directive *d = conf_own(block, "set"); d != NULL;
	     d = conf_next(d))
		if (names_variable(d, 0, name))
			last = d;
	return last;
}

const struct directive *
variable_set(const struct directive *block, struct str name)
{
	const struct directive *set = NULL;

	for (; block != NULL && set == NULL; block = outer_scope(block))
		set = own_set(block, name);
	return set;
}

const struct directive *
variable_map(const struct linting *l, struct str name)
{
	struct setters all = setters_by(l, name, SETTER_MAP);

	return all.count > 0 ? all.items[all.count - 1].at : NULL;
}

const struct directive *
variable_answer(const struct directive *block, struct str name)
{
	const struct directive *last = NULL;

	for (const struct directive *d = conf_find(block, "auth_request_set");
	     d != NULL; d = conf_next(d))
		if (names_variable(d, 0, name))
			last = d;
	return last;
}

/* --- The decision --------------------------------------------------------- */

static bool
takes_decision(const struct directive *answer)
{
	return is_the_variable(
	    conf_arg(answer, 1), "upstream_http_x_rolegate_decision");
}

struct str
decision_of(const struct directive *block)
{
	struct str name;

	for (const struct directive *d = conf_find(block, "auth_request_set");
	     d != NULL; d = conf_next(d))
		if (takes_decision(d) && is_variable(conf_arg(d, 0), &name) &&
		    variable_answer(block, name) == d)
			return name;
	return STR("");
}

bool
is_decision(const struct linting *l, struct str name)
{
	struct setters all = setters_by(l, name, SETTER_ANSWER);

	for (size_t i = 0; i < all.count; i++)
		if (takes_decision(all.items[i].at))
			return true;
	return false;
}

/* --- What a set may have given it ----------------------------------------- */

/* An if may hold or not: what it sets is one more value. */
static void
if_values(struct linting *l, const struct directive *block, struct str name,
    struct strs *out)
{
	for (const struct directive *d = conf_own(block, "if"); d != NULL;
	     d = conf_next(d)) {
		const struct directive *set = own_set(d, name);

		if (set != NULL)
			strs_add(l, out, conf_arg(set, 1));
	}
}

/* Who was sent on to a named location has what the place before said. */
static void
brought_values(struct linting *l, const struct directive *block,
    struct setters sets, struct strs *out)
{
	for (size_t i = 0; i < sets.count; i++)
		if (server_of(sets.items[i].at) == server_of(block))
			strs_add(l, out, conf_arg(sets.items[i].at, 1));
}

void
variable_values(struct linting *l, const struct directive *block,
    struct str name, struct strs *out)
{
	struct setters sets = setters_by(l, name, SETTER_SET);

	for (const struct directive *scope = block;
	     sets.count > 0 && scope != NULL; scope = outer_scope(scope)) {
		const struct directive *set = own_set(scope, name);

		if_values(l, scope, name, out);
		if (set == NULL)
			continue;
		strs_add(l, out, conf_arg(set, 1));
		return;
	}
	if (is_location(block) && str_starts(location_name(block), STR("@")))
		brought_values(l, block, sets, out);
}

/* --- Whose it is ---------------------------------------------------------- */

enum origin {
	OF_NGINX = 0,
	OF_PATH = 1, /* a client may choose it, by asking for it */
	OF_SAID = 2, /* or by saying it in a header or an argument */
	OF_CLIENT = OF_PATH | OF_SAID,
	OF_DECODED = 4, /* %20 and %3f of the client's are a blank and a ? */
	OF_LINES = 8, /* and %0a is a line end */
	OF_RAW = 16, /* as it was asked for: no rewrite changes it */
};

static bool
starts_fold(struct str name, struct str start)
{
	return name.len > start.len &&
	       str_eq_fold((struct str){ name.ptr, start.len }, start);
}

/* Those of nginx itself. $request_method is none of them: what is made of it is
 * chosen among what a map lists. */
static unsigned
built_in_origin(struct str name)
{
	static const struct {
		const char *name;
		unsigned origin;
	} exact[] = {
		{ "uri", OF_PATH | OF_DECODED | OF_LINES },
		{ "document_uri", OF_PATH | OF_DECODED | OF_LINES },
		{ "fastcgi_script_name", OF_PATH | OF_DECODED | OF_LINES },
		{ "fastcgi_path_info", OF_PATH | OF_DECODED | OF_LINES },
		{ "request_filename", OF_PATH | OF_DECODED | OF_LINES },
		{ "args", OF_SAID },
		{ "content_length", OF_SAID },
		{ "content_type", OF_SAID },
		{ "host", OF_PATH },
		{ "proxy_add_x_forwarded_for", OF_SAID },
		{ "query_string", OF_SAID },
		{ "remote_user", OF_SAID },
		{ "request", OF_SAID | OF_RAW },
		{ "request_body", OF_SAID },
		{ "request_uri", OF_PATH | OF_RAW },
		{ "ssl_ciphers", OF_SAID },
		{ "ssl_curves", OF_SAID },
		{ "ssl_server_name", OF_PATH },
		{ "uid_got", OF_SAID },
	};
	static const char *const begins[] = { "http_", "arg_", "cookie_",
		"ssl_client_" };

	for (size_t i = 0; i < COUNT(exact); i++)
		if (str_eq_fold(name, str_from(exact[i].name)))
			return exact[i].origin;
	for (size_t i = 0; i < COUNT(begins); i++)
		if (starts_fold(name, str_from(begins[i])))
			return OF_SAID;
	return OF_NGINX;
}

/* A password of the client that nginx has looked at, and a certificate. */
static bool
is_verified(const struct directive *block, struct str name)
{
	const struct directive *basic = conf_find(block, "auth_basic");
	const struct directive *tls = conf_find(block, "ssl_verify_client");

	if (str_eq_fold(name, STR("remote_user")))
		return basic != NULL && !conf_arg_is(basic, 0, "off") &&
		       memchr(conf_arg(basic, 0).ptr, '$',
			   conf_arg(basic, 0).len) == NULL;
	return starts_fold(name, STR("ssl_client_")) && tls != NULL &&
	       (conf_arg_is(tls, 0, "on") || conf_arg_is(tls, 0, "optional"));
}

bool
look(struct linting *l, size_t bytes)
{
	if (l->looks <= LOOKS_MAX)
		l->looks += 1 + bytes / LOOK_BYTES;
	return l->looks <= LOOKS_MAX;
}

static unsigned text_origin(struct linting *l, const struct directive *block,
    struct str text, const struct directive *entry, int looks);

static bool
is_entry(const struct directive *d)
{
	return d->parent != NULL && conf_is(d->parent, "map");
}

static struct str
pattern_of(const struct directive *d)
{
	if (is_entry(d))
		return d->name;
	if (is_location(d))
		return location_name(d);
	return conf_is(d, "if") && d->args.count > 0
		   ? conf_arg(d, d->args.count - 1)
		   : conf_arg(d, 0);
}

/* What an if asks: "($name", and all else that is in a word of its own. */
static struct str
asked_text(const struct directive *d)
{
	struct str first = conf_arg(d, 0);

	return first.len > 1 ? first : conf_arg(d, 1);
}

static bool
is_regex_if(const struct directive *d)
{
	for (size_t i = 0; conf_is(d, "if") && i < d->args.count; i++)
		if (str_starts(d->args.items[i], STR("~")) ||
		    str_starts(d->args.items[i], STR("!~")))
			return true;
	return false;
}

/* A part of what the expression was asked about: of the path, where nothing
 * else is named. */
static unsigned
capture_origin(struct linting *l, const struct directive *block,
    const struct directive *d, int looks)
{
	unsigned origin = OF_PATH | OF_DECODED | OF_LINES;

	if (is_entry(d))
		origin = text_origin(
		    l, block, conf_arg(d->parent, 0), NULL, looks - 1);
	else if (conf_is(d, "if"))
		origin = text_origin(l, block, asked_text(d), NULL, looks - 1);
	if (pattern_is_narrow(pattern_of(d)))
		return origin & (OF_CLIENT | OF_RAW);
	return pattern_is_one_line(pattern_of(d)) ? origin & ~(unsigned)OF_LINES
						  : origin;
}

/* $1 is of the expression that was looked at last: of the map's own, of the
 * if's, else of any that the location has. */
static unsigned
number_origin(struct linting *l, const struct directive *block,
    const struct directive *entry, int looks)
{
	unsigned origin = OF_PATH;

	if (entry != NULL && str_starts(entry->name, STR("~")))
		return capture_origin(l, block, entry, looks);
	if (is_regex_if(block))
		return capture_origin(l, block, block, looks);
	if (is_nameless(block))
		return number_origin(l, block->parent, NULL, looks);
	if (is_location(block) && location_is_regex(block))
		origin |= capture_origin(l, block, block, looks);
	for (const struct directive *d = block->first; d != NULL; d = d->next)
		if (conf_is(d, "rewrite") || is_regex_if(d))
			origin |= capture_origin(l, block, d, looks);
	return origin;
}

/* One of the values of a map is chosen by its source, which is in none of them
 * by itself. */
static unsigned
map_origin(struct linting *l, const struct directive *block,
    const struct directive *map, int looks)
{
	unsigned origin =
	    text_origin(l, block, conf_arg(map, 0), NULL, looks - 1) &
	    OF_CLIENT;
	size_t count = 0;

	for (const struct directive *d = map->first; d != NULL; d = d->next) {
		origin |= text_origin(l, block, conf_arg(d, 0), d, looks - 1);
		count++;
	}
	look(l, count);
	return origin;
}

static unsigned
set_origin(struct linting *l, const struct directive *block, struct str name,
    int looks)
{
	struct strs values = { 0 };
	unsigned origin = OF_NGINX;

	variable_values(l, block, name, &values);
	for (size_t i = 0; i < values.count; i++)
		origin |=
		    text_origin(l, block, values.items[i], NULL, looks - 1);
	return origin;
}

static unsigned
choice_origin(struct linting *l, const struct directive *block,
    const struct directive *choice, int looks)
{
	if (conf_is(choice, "geo") && choice->args.count < 2)
		return OF_NGINX;
	return text_origin(l, block, conf_arg(choice, 0), NULL, looks - 1) &
	       OF_CLIENT;
}

static unsigned
setters_origin(struct linting *l, const struct directive *block,
    struct str name, int looks)
{
	struct setters captures = setters_by(l, name, SETTER_CAPTURE);
	struct setters choices = setters_by(l, name, SETTER_CHOICE);
	const struct directive *map = variable_map(l, name);
	const struct directive *answer = variable_answer(block, name);
	unsigned origin = set_origin(l, block, name, looks);

	if (map != NULL)
		origin |= map_origin(l, block, map, looks);
	if (answer != NULL)
		origin |=
		    text_origin(l, block, conf_arg(answer, 1), NULL, looks - 1);
	for (size_t i = 0; i < captures.count; i++)
		origin |= capture_origin(l, block, captures.items[i].at, looks);
	for (size_t i = 0; i < choices.count; i++)
		origin |= choice_origin(l, block, choices.items[i].at, looks);
	return origin;
}

static bool
is_number(struct str name)
{
	return name.ptr[0] >= '1' && name.ptr[0] <= '9';
}

static unsigned
text_origin(struct linting *l, const struct directive *block, struct str text,
    const struct directive *entry, int looks)
{
	unsigned origin = OF_NGINX;
	struct str name;

	while (looks > 0 && variable_next(&text, &name) && look(l, 0))
		if (is_number(name))
			origin |= number_origin(l, block, entry, looks);
		else {
			unsigned own = built_in_origin(name);

			if (own != OF_NGINX && !is_verified(block, name))
				origin |= own;
			origin |= setters_origin(l, block, name, looks);
		}
	return origin;
}

static bool
has_origin(struct linting *l, const struct directive *block, struct str text,
    unsigned origin)
{
	return (text_origin(l, block, text, NULL, LOOKS_DEEP) & origin) != 0;
}

bool
is_clients(struct linting *l, const struct directive *block, struct str text)
{
	return has_origin(l, block, text, OF_CLIENT);
}

bool
is_said(struct linting *l, const struct directive *block, struct str text)
{
	return has_origin(l, block, text, OF_SAID);
}

bool
is_raw(struct linting *l, const struct directive *block, struct str text)
{
	return has_origin(l, block, text, OF_RAW);
}

bool
is_decoded(struct linting *l, const struct directive *block, struct str text)
{
	return has_origin(
	    l, block, text, is_protected(block) ? OF_DECODED : OF_LINES);
}

bool
asks_client(struct linting *l, const struct directive *block)
{
	return conf_is(block, "if") &&
	       is_said(l, block->parent, asked_text(block));
}
