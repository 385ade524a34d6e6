#include "nginx/where.h"

#include "nginx/pattern.h"

#define PORT_MAX     65535
#define PORT_DEFAULT 80

/* --- The server ----------------------------------------------------------- */

static struct str
behind(struct str s, size_t count)
{
	return (struct str){ s.ptr + count, s.len - count };
}

/* "8080", "127.0.0.1:8080", "[::1]:8080"; an address alone is port 80. */
static int
listen_port(struct str listen)
{
	size_t from = 0;
	int64_t port = 0;

	if (str_starts(listen, STR("unix:")))
		return 0;
	for (size_t i = 0; i < listen.len; i++)
		if (listen.ptr[i] == ':')
			from = i + 1;
	if (str_to_i64(behind(listen, from), 1, PORT_MAX, &port))
		return (int)port;
	return PORT_DEFAULT;
}

static bool
listens(const struct directive *server, int port, bool *is_default)
{
	const struct directive *listen = conf_own(server, "listen");
	bool found = listen == NULL && port == PORT_DEFAULT;

	*is_default = false;
	for (; listen != NULL; listen = conf_next(listen)) {
		if (listen_port(conf_arg(listen, 0)) != port)
			continue;
		found = true;
		*is_default = names_have(listen->args, STR("default_server"));
	}
	return found;
}

/* 2: exactly this name; 1: by a wildcard in front; 0: another one. */
static int
name_fits(struct str name, struct str host)
{
	struct str end = str_starts(name, STR("*.")) ? behind(name, 1) : name;

	if (str_eq_fold(name, host))
		return 2;
	if (!str_starts(end, STR(".")) || host.len + 1 < end.len)
		return 0;
	if (host.len + 1 == end.len) /* ".example.org" has example.org, too */
		return end.len == name.len && str_eq_fold(host, behind(end, 1));
	return str_eq_fold(behind(host, host.len - end.len), end);
}

static int
server_fits(const struct directive *server, struct str host)
{
	int best = 0;

	for (const struct directive *names = conf_own(server, "server_name");
	     names != NULL; names = conf_next(names))
		for (size_t i = 0; i < names->args.count; i++) {
			int fit = name_fits(names->args.items[i], host);

			if (fit > best)
				best = fit;
		}
	return best;
}

static void
server_choose(const struct directive *block, const struct where *request,
    const struct directive **best, int *best_rank)
{
	for (const struct directive *at = block->first; at != NULL;
	     at = at->next) {
		bool is_default;
		int rank;

		if (conf_is(at, "http"))
			server_choose(at, request, best, best_rank);
		if (!conf_is(at, "server") || !at->is_block ||
		    !listens(at, request->port, &is_default))
			continue;
		rank = 2 + 2 * server_fits(at, request->host) +
		       (is_default ? 1 : 0);
		if (rank > *best_rank) {
			*best = at;
			*best_rank = rank;
		}
	}
}

/* --- The location --------------------------------------------------------- */

static const struct directive *
location_by_pattern(const struct directive *block, struct str path)
{
	for (const struct directive *at = conf_own(block, "location");
	     at != NULL; at = conf_next(at)) {
		bool fold = conf_arg_is(at, 0, "~*");

		if ((fold || conf_arg_is(at, 0, "~")) &&
		    pattern_fits(conf_arg(at, 1), path, fold))
			return at;
	}
	return NULL;
}

/* The exact one, else the longest prefix; *last: no expression is tried. */
static const struct directive *
location_by_prefix(const struct directive *block, struct str path, bool *last)
{
	const struct directive *best = NULL;
	size_t best_len = 0;

	*last = false;
	for (const struct directive *at = conf_own(block, "location");
	     at != NULL; at = conf_next(at)) {
		bool has_mark = at->args.count > 1;
		struct str prefix = conf_arg(at, has_mark ? 1 : 0);

		if (conf_arg_is(at, 0, "=")) {
			*last = str_eq(prefix, path);
			if (*last)
				return at;
			continue;
		}
		if ((has_mark && !conf_arg_is(at, 0, "^~")) ||
		    !str_starts(path, prefix) || prefix.len < best_len)
			continue;
		best = at;
		best_len = prefix.len;
	}
	*last = best != NULL && conf_arg_is(best, 0, "^~");
	return best;
}

static const struct directive *
location_find(const struct directive *block, struct str path)
{
	bool last;
	const struct directive *prefix = location_by_prefix(block, path, &last);
	const struct directive *inner =
	    prefix != NULL ? location_find(prefix, path) : NULL;
	const struct directive *pattern =
	    last ? NULL : location_by_pattern(block, path);

	if (inner != NULL)
		return inner;
	return pattern != NULL ? pattern : prefix;
}

const struct directive *
nginx_where(const struct directive *root, const struct where *request)
{
	const struct directive *server = NULL;
	const struct directive *location;
	int rank = 0;

	server_choose(root, request, &server, &rank);
	if (server == NULL)
		return NULL;
	location = location_find(server, request->path);
	return location != NULL ? location : server;
}

const struct directive *
nginx_first(const struct directive *root, const char *name, const char *word)
{
	for (const struct directive *at = root->first; at != NULL;
	     at = at->next) {
		const struct directive *inner =
		    at->is_block ? nginx_first(at, name, word) : NULL;

		if (conf_is(at, name) &&
		    (word == NULL || conf_arg_is(at, 0, word)))
			return at;
		if (inner != NULL)
			return inner;
	}
	return NULL;
}
