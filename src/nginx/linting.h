/* linting.h - what the parts of the linter share; for src/nginx/ alone.
 *
 *   variable.c   where a value comes from, and what a client may choose
 *   target.c     where a location leads, and whether only an allow does
 *   lint_gate.c  the location that is asked
 *   lint_way.c   a location that leads somewhere: proof, headers, cache
 *   lint.c       the walk, what answers before the gate, findings
 *
 * A *block* is an http, server, location, if or limit_except. */
#ifndef ROLEGATE_NGINX_LINTING_H
#define ROLEGATE_NGINX_LINTING_H

#include "nginx/lint.h"

#define LOOKS_DEEP 8 /* variables that come from each other */
#define LOOKS_MAX  65536 /* for one value */

struct strs {
	struct str *items;
	size_t count;
	size_t cap;
};

struct linting {
	struct arena *arena;
	const struct directive *http; /* the whole, when there is none */
	struct finding *found;
	size_t found_count;
	size_t found_cap;
	const struct directive **gates;
	size_t gate_count;
	size_t gate_cap;
	struct strs apps; /* addresses of protected applications */
	const struct directive **files; /* protected locations of files */
	size_t file_count;
	size_t file_cap;
	size_t looks; /* left for the value that is looked for */
	bool no_memory;
	bool too_many_looks;
};

/* One more of a list of directives. */
void list_add(struct linting *l, const struct directive ***items, size_t *count,
    size_t *cap, const struct directive *d);
void lint_found(struct linting *l, const struct directive *at,
    enum nginx_rule_id rule, struct str what);

bool is_location(const struct directive *d);
/* if and limit_except: to nginx, locations without a name. */
bool is_nameless(const struct directive *d);
bool is_on(const struct directive *block, const char *name, const char *value);
const struct directive *server_of(const struct directive *block);
/* The location's name, and its =, ~ or ^~; empty: none. */
struct str location_name(const struct directive *location);
struct str location_modifier(const struct directive *location);
bool location_is_regex(const struct directive *location);

/* The name that is asked by auth_request here; empty: none. */
struct str gate_name(const struct directive *block);
bool is_protected(const struct directive *block);
/* The location that a name leads to; NULL: none, or it cannot be told. */
const struct directive *
gate_location(const struct directive *server, struct str name);
/* Looks for every location that an auth_request of the server asks. */
void gates_add(struct linting *l, const struct directive *server);
bool is_gate(const struct linting *l, const struct directive *location);
/* The gate's parameter, like ROLEGATE_PATH; NULL: it has none. */
const struct directive *
gate_param(const struct directive *gate, const char *name);
void gate_check(struct linting *l, const struct directive *gate);

/* --- variable.c --- */

/* The next "$name" or "${name}" of the text, without those signs, and *rest
 * behind it; false: there is none. */
/* One more look; false: there were too many, and the whole is refused. */
bool look(struct linting *l);
bool variable_next(struct str *rest, struct str *name);
bool has_variable(struct str text, const char *name);
/* Is the text one variable and nothing else? */
bool is_variable(struct str text, struct str *name);
/* The last `set` of it that holds here; NULL: none. */
const struct directive *
variable_set(const struct directive *block, struct str name);
const struct directive *variable_map(const struct linting *l, struct str name);
/* May a client choose it, on any of the ways that lead to the text? */
bool
is_clients(struct linting *l, const struct directive *block, struct str text);
/* The variable that auth_request_set gives this one; empty: none. */
struct str answered_variable(const struct directive *block, const char *from);

/* --- target.c --- */

enum handler_kind { HANDLER_HEADERS, HANDLER_PARAMS, HANDLER_PLAIN };

struct handler {
	const char *pass; /* "proxy_pass" */
	const char *set; /* "proxy_set_header" */
	const char *cache; /* "proxy_cache"; NULL: it has none */
	const char *cache_key;
	const char *pass_headers; /* "fastcgi_pass_request_headers" */
	enum handler_kind kind;
};

/* What sends a block's requests on, and its line. NULL: nothing does. */
const struct handler *
handler_of(const struct directive *block, const struct directive **line);
/* "http://a:80/b" is the address "a:80" and the path "/b". */
struct str target_address(struct str text);
struct str target_path(struct str text);
/* All addresses that the text may lead to after an allow. */
void target_add(struct linting *l, const struct directive *block,
    struct str text, struct strs *out);
bool target_meets(const struct strs *a, const struct strs *b);
/* The map that lets an allow alone through; NULL: there is none. */
const struct directive *target_proof(
    const struct linting *l, const struct directive *block, struct str address);
/* Faults of such a map. `files`: its values are folders. */
void proof_check(struct linting *l, const struct directive *map, bool files);
/* The folder that files come from, NULL when none is named. */
const struct directive *files_line(const struct directive *block);

/* --- lint_way.c --- */

/* "Remote-User, X-Rolegate-Role": those that are not set. `own`: only what the
 * block itself sets counts. */
struct str headers_missing(struct linting *l, const struct directive *block,
    const struct handler *handler, bool own);
void way_check(struct linting *l, const struct directive *block);
void headers_check(struct linting *l, const struct directive *block);
/* Of a block that is not protected. */
void around_check(struct linting *l, const struct directive *block);
void alias_check(struct linting *l, const struct directive *block);

#endif
