#include <string.h>

#include "nginx/host.h"
#include "nginx/linting.h"

/* --- Addresses ------------------------------------------------------------ */

/* "8081", "*:8081", "[::1]:8081", "127.0.0.1". */
struct listening {
	struct str host; /* empty: each of this machine's */
	struct str port;
	bool is_socket;
};

static bool
is_port(struct str text)
{
	int64_t port = 0;

	return str_to_i64(text, 1, UINT16_MAX, &port);
}

static struct listening
listening_of(const struct directive *listen)
{
	struct str text = listen != NULL ? conf_arg(listen, 0) : STR("80");
	const char *colon =
	    text.len > 0 ? memrchr(text.ptr, ':', text.len) : NULL;

	if (str_starts(text, STR("unix:")))
		return (struct listening){ .host = text, .is_socket = true };
	if (is_port(text))
		return (struct listening){ .port = text };
	if (colon == NULL || text.ptr[text.len - 1] == ']')
		return (struct listening){ .host = text, .port = STR("80") };
	return (struct listening){
		.host = { text.ptr, (size_t)(colon - text.ptr) },
		.port = { colon + 1,
		    text.len - (size_t)(colon + 1 - text.ptr) },
	};
}

static bool
is_wide(struct listening at)
{
	return !at.is_socket && host_is_any(at.host);
}

/* May somebody on another machine ask there? */
static bool
is_open(struct linting *l, struct listening at)
{
	return is_wide(at) ||
	       (!at.is_socket &&
		   !str_eq(host_plain(l->arena, at.host), STR(HOST_LOOPBACK)));
}

/* An application's address is "host:port". A number that is not the loopback's
 * may be another machine's, so that it has to stand there. */
static bool
is_at(struct linting *l, struct listening at, struct str app)
{
	const char *colon = memrchr(app.ptr, ':', app.len);
	struct str host = app;
	struct str port = STR("");

	if (at.is_socket || str_starts(app, STR("unix:")) || colon == NULL)
		return str_eq(at.host, app);
	host.len = (size_t)(colon - app.ptr);
	port = (struct str){ colon + 1, app.len - host.len - 1 };
	if (!str_eq(at.port, port))
		return false;
	return str_eq(host_plain(l->arena, at.host), host) ||
	       (is_wide(at) && str_eq(host, STR(HOST_LOOPBACK)));
}

static bool
is_one_of(struct linting *l, struct listening at, const struct strs *apps)
{
	for (size_t i = 0; i < apps->count; i++)
		if (is_at(l, at, apps->items[i]))
			return true;
	return false;
}

/* Without a line it listens on port 80. */
static bool
is_application(
    struct linting *l, const struct directive *server, const struct strs *apps)
{
	const struct directive *d = conf_own(server, "listen");

	do {
		if (is_one_of(l, listening_of(d), apps))
			return true;
		d = d != NULL ? conf_next(d) : NULL;
	} while (d != NULL);
	return false;
}

/* --- Who may ask ---------------------------------------------------------- */

/* Only who is named by an allow, in the nearest block that has any. */
static bool
is_closed(const struct directive *block)
{
	for (; block != NULL; block = block->parent) {
		const struct directive *deny = conf_own(block, "deny");

		if (deny == NULL && conf_own(block, "allow") == NULL)
			continue;
		for (const struct directive *d = conf_own(block, "allow");
		     d != NULL; d = conf_next(d))
			if (conf_arg_is(d, 0, "all") ||
			    conf_arg_is(d, 0, "0.0.0.0/0") ||
			    conf_arg_is(d, 0, "::/0"))
				return false;
		for (; deny != NULL; deny = conf_next(deny))
			if (conf_arg_is(deny, 0, "all"))
				return true;
		return false;
	}
	return false;
}

/* "return 404;", "return 301 …;" and "return https://…;" give nothing away. */
static bool
is_empty_return(const struct directive *d)
{
	struct str code = d != NULL ? conf_arg(d, 0) : STR("");

	return (code.len == 3 && strchr("345", code.ptr[0]) != NULL) ||
	       str_starts(code, STR("http"));
}

static bool
is_answered(const struct linting *l, const struct directive *block)
{
	return is_protected(block) || is_gate(l, block) || is_closed(block) ||
	       conf_own(block, "internal") != NULL ||
	       is_empty_return(conf_own(block, "return"));
}

static bool
is_open_inside(const struct linting *l, const struct directive *block)
{
	for (const struct directive *d = conf_own(block, "location"); d != NULL;
	     d = conf_next(d))
		if (!is_answered(l, d) || is_open_inside(l, d))
			return true;
	return false;
}

static bool
has_open_location(const struct linting *l, const struct directive *server)
{
	return is_open_inside(l, server) ||
	       (!has_whole(server) && !is_answered(l, server));
}

/* A server whose protected locations lead to it is the front of another one
 * that has its address. */
static bool
is_front(struct linting *l, const struct directive *server)
{
	struct strs targets = { 0 };
	const struct directive *pass;

	for (size_t i = 0; i < l->way_count; i++)
		if (server_of(l->ways[i]) == server &&
		    handler_of(l->ways[i], &pass) != NULL)
			target_add(l, l->ways[i], conf_arg(pass, 0), &targets);
	return is_application(l, server, &targets);
}

/* --- What is found -------------------------------------------------------- */

static void
open_each(struct linting *l, const struct directive *server)
{
	const struct directive *d = conf_own(server, "listen");

	if (d == NULL)
		lint_found(l, server, RULE_LISTEN, STR(""));
	for (; d != NULL; d = conf_next(d))
		if (is_open(l, listening_of(d)))
			lint_found(l, d, RULE_LISTEN, STR(""));
}

void
listen_check(struct linting *l, const struct directive *server)
{
	if (is_application(l, server, &l->apps) &&
	    has_open_location(l, server) && !is_front(l, server))
		open_each(l, server);
}
