/* linting.h - what the parts of the linter share; for src/nginx/ alone.
 *
 *   setter.c     who sets a variable
 *   variable.c   where a value comes from, and what a client may choose
 *   target.c     where a location leads, and whether only an allow does
 *   lint_gate.c  the location that is asked
 *   lint_way.c   a location that leads somewhere: proof, headers, cache
 *   lint_around.c  one that is not protected and leads there, too
 *   lint_onward.c  lines that hand a request on to another location
 *   lint_listen.c  an application that anybody may reach
 *   lint.c       the walk, what answers before the gate, findings
 *
 * A *block* is an http, server, location, if or limit_except. */
#ifndef ROLEGATE_NGINX_LINTING_H
#define ROLEGATE_NGINX_LINTING_H

#include "nginx/lint.h"

#define LOOKS_DEEP 8 /* variables that come from each other */
#define LOOKS_MAX  (4 * 1024 * 1024) /* in one configuration */
#define LOOK_BYTES 16 /* of a text that is put together: one more */

struct strs {
	struct str *items;
	size_t count;
	size_t cap;
};

/* In the order of the list: those of which there may be one in each location
 * come last. */
enum setter_kind {
	SETTER_MAP,
	SETTER_CHOICE, /* geo, split_clients: of what is written there */
	SETTER_CAPTURE, /* a part of a regular expression */
	SETTER_PROGRAM, /* set_by_lua, js_set, … */
	SETTER_SET,
	SETTER_ANSWER, /* auth_request_set */
	SETTER_KINDS
};

struct setter {
	struct str name;
	const struct directive *at;
	enum setter_kind kind;
	size_t place; /* in the order of the configuration */
};

struct setters {
	const struct setter *items;
	size_t count;
};

/* A request that was handed on, at a location. */
struct arrival {
	const struct directive *at;
	bool moved;
	bool by_error;
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
	const struct directive **kept; /* whatever location is protected */
	size_t kept_count;
	size_t kept_cap;
	const struct directive **ways; /* those that lead to an application */
	size_t way_count;
	size_t way_cap;
	struct setter *setters; /* by name, then in the order of the file */
	size_t setter_count;
	size_t setter_cap;
	struct arrival *arrivals; /* that lead to nothing protected */
	size_t arrival_count;
	size_t arrival_cap;
	struct strs told; /* variables that the gates' parameters are made of */
	size_t looks;
	bool no_memory;
};

/* One more of a list, unless it has it. */
void strs_add(struct linting *l, struct strs *out, struct str s);
/* One more of a list of directives. */
void list_add(struct linting *l, const struct directive ***items, size_t *count,
    size_t *cap, const struct directive *d);
void lint_found(struct linting *l, const struct directive *at,
    enum nginx_rule_id rule, struct str what);

/* Programs in the block itself that run before the gate has answered. */
void programs_check(struct linting *l, const struct directive *block);

bool is_location(const struct directive *d);
/* if and limit_except: to nginx, locations without a name. */
bool is_nameless(const struct directive *d);
bool is_on(const struct directive *block, const char *name, const char *value);
const struct directive *server_of(const struct directive *block);
/* Does every request get to a location? */
bool has_whole(const struct directive *server);
/* The location's name, and its =, ~ or ^~; empty: none. */
struct str location_name(const struct directive *location);
struct str location_modifier(const struct directive *location);
bool has_modifier(const struct directive *location, const char *modifier);
bool folds(const struct directive *location); /* ~*: in any case */
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
/* What a location says to the gate by a variable. */
enum told { TOLD_PATH, TOLD_TRUSTED_USER, TOLD_PERMISSION, TOLD_ACCOUNT };
/* That variable, else the one of our files. */
struct str told_variable(const struct directive *block, enum told told);
void gate_check(struct linting *l, const struct directive *gate);

/* --- setter.c --- */

/* Once, before any other is asked for. */
void setters_find(struct linting *l, const struct directive *root);
/* Whatever sets the variable, wherever it stands: by kind, then in the order
 * of the configuration. */
struct setters setters_of(const struct linting *l, struct str name);
/* Those of one kind. */
struct setters
setters_by(const struct linting *l, struct str name, enum setter_kind kind);

/* --- variable.c --- nginx folds the case of their names. */

/* The next "$name" or "${name}" of the text, without those signs, and *rest
 * behind it; false: there is none. */
bool variable_next(struct str *rest, struct str *name);
bool has_variable(struct str text, const char *name);
/* Is the text one variable and nothing else? */
bool is_variable(struct str text, struct str *name);
bool is_the_variable(struct str text, const char *name);
/* One more look, that makes a text of so many bytes; false: there were too
 * many, and the whole is refused. */
bool look(struct linting *l, size_t bytes);
/* The last `set` of it that holds here; NULL: none. */
const struct directive *
variable_set(const struct directive *block, struct str name);
/* The last one, as in nginx; NULL: none. */
const struct directive *variable_map(const struct linting *l, struct str name);
/* Each value that a `set` may have given it here. */
void variable_values(struct linting *l, const struct directive *block,
    struct str name, struct strs *out);
/* May a client choose it, on any of the ways that lead to the text? */
bool
is_clients(struct linting *l, const struct directive *block, struct str text);
/* The same, but for the path and the host: those say where it is. */
bool is_said(struct linting *l, const struct directive *block, struct str text);
/* Has it the path as it was asked for at first, whatever changed it since? */
bool is_raw(struct linting *l, const struct directive *block, struct str text);
/* May a line end be in it, since it was decoded? Where it is protected, a blank
 * or a ? is enough. */
bool
is_decoded(struct linting *l, const struct directive *block, struct str text);
/* Is it an if about what a client says? */
bool asks_client(struct linting *l, const struct directive *block);
/* The last line of auth_request_set for it; NULL: none. */
const struct directive *
variable_answer(const struct directive *block, struct str name);
/* The variable that the gate's decision is taken into here; empty: none. */
struct str decision_of(const struct directive *block);
/* Is it taken into this one anywhere? */
bool is_decision(const struct linting *l, struct str name);

/* --- target.c --- */

enum handler_kind { HANDLER_HEADERS, HANDLER_PARAMS, HANDLER_PLAIN };

struct handler {
	const char *pass; /* "proxy_pass" */
	const char *set; /* "proxy_set_header" */
	const char *cache; /* "proxy_cache"; NULL: it has none */
	const char *cache_key;
	const char *store;
	const char *pass_headers; /* "fastcgi_pass_request_headers" */
	enum handler_kind kind;
};

/* What sends a block's requests on, and its line. NULL: nothing does. */
const struct handler *
handler_of(const struct directive *block, const struct directive **line);
/* "http://a:80/b" is the address "a:80" and the path "/b". */
struct str target_address(struct str text);
struct str target_path(struct str text);
/* Does it, with one of the variables that hold the path of a request? */
bool target_begins_with_path(struct str text);
/* All that the text may be, with the values of its variables: "*" is what a
 * client may choose. */
void texts_add(struct linting *l, const struct directive *block,
    struct str text, struct strs *out);
/* All addresses that the text may lead to after an allow. */
void target_add(struct linting *l, const struct directive *block,
    struct str text, struct strs *out);
bool target_meets(const struct strs *a, const struct strs *b);
/* The map that lets an allow alone through; NULL: there is none. */
const struct directive *target_proof(
    const struct linting *l, const struct directive *block, struct str address);
/* The same of a folder, also with a path behind it. */
const struct directive *folder_proof(
    const struct linting *l, const struct directive *block, struct str path);
/* Faults of such a map. `files`: its values are folders. */
void proof_check(struct linting *l, const struct directive *map, bool files);
/* Does nothing else answer there? */
bool serves_files(const struct directive *block);
/* The folder that files come from, NULL when none is named. */
const struct directive *files_line(const struct directive *block);

/* --- lint_way.c --- */

/* "Remote-User, X-Rolegate-Role": those that are not set. `own`: only what the
 * block itself sets counts. */
struct str headers_missing(struct linting *l, const struct directive *block,
    const struct handler *handler, bool own);
void way_check(struct linting *l, const struct directive *block);
void headers_check(struct linting *l, const struct directive *block);
/* What tells the application who it is. */
void values_check(struct linting *l, const struct directive *block,
    const struct handler *handler);
void decoded_check(struct linting *l, const struct directive *block,
    const struct handler *handler, const struct directive *pass);
void cache_check(struct linting *l, const struct directive *block,
    const struct handler *handler);

/* --- lint_around.c --- */

/* Of a block that is not protected, also of a server. */
void around_check(struct linting *l, const struct directive *block);
/* Does it lead to what is protected, without the gate and any path of its own?
 */
bool leads_inside(struct linting *l, const struct directive *location);
void alias_check(struct linting *l, const struct directive *block);
/* Does this one handle it? */
bool passes_inside(struct linting *l, const struct directive *block);
/* Does nginx choose it for a path of a protected location? */
bool
takes_from_protected(const struct linting *l, const struct directive *block);
/* May a path begin with both? */
bool meet(struct str a, struct str b, bool fold);
/* May a protected location have a path that begins so? */
bool meets_protected(const struct linting *l, struct str begins);

/* --- lint_listen.c --- */

/* Is the server, of http or stream, an application that is protected
 * elsewhere, and may a stranger ask it? */
void listen_check(struct linting *l, const struct directive *server);

/* --- lint_onward.c --- */

/* try_files, error_page, rewrite, … */
bool is_onward(const struct directive *d);
/* Does a request for what is protected get there by this name or path? */
bool line_goes_inside(
    struct linting *l, const struct directive *block, struct str to);
/* leads_inside(), or by a line of its own. */
bool leads_on_inside(struct linting *l, const struct directive *location);
/* Of a block that is not protected. */
void onward_check(struct linting *l, const struct directive *block);
void onward_server_check(struct linting *l, const struct directive *server);

#endif
