#include "nginx/linting.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* --- Finding it ----------------------------------------------------------- */

struct str
gate_name(const struct directive *block)
{
	const struct directive *auth = conf_find(block, "auth_request");

	return auth == NULL || conf_arg_is(auth, 0, "off") ? STR("")
							   : conf_arg(auth, 0);
}

bool
is_protected(const struct directive *block)
{
	return gate_name(block).len > 0;
}

/* As nginx chooses: = before the longest, which a regex takes from, unless it
 * is ^~. */
const struct directive *
gate_location(const struct directive *server, struct str name)
{
	const struct directive *longest = NULL;
	bool regex = false;

	for (const struct directive *d = server->first; d != NULL;
	     d = d->next) {
		struct str own = location_name(d);
		struct str modifier = location_modifier(d);

		if (!is_location(d))
			continue;
		if (str_eq(modifier, STR("="))) {
			if (str_eq(own, name))
				return d;
		} else if (location_is_regex(d))
			regex = true;
		else if (own.len > 0 && own.ptr[0] == '/' &&
			 str_starts(name, own) &&
			 (longest == NULL ||
			     own.len > location_name(longest).len))
			longest = d;
	}
	return longest != NULL && (!regex || has_modifier(longest, "^~"))
		   ? longest
		   : NULL;
}

bool
is_gate(const struct linting *l, const struct directive *location)
{
	for (size_t i = 0; i < l->gate_count; i++)
		if (l->gates[i] == location)
			return true;
	return false;
}

/* --- What it hands on ----------------------------------------------------- */

enum param_rule {
	PARAM_ANY,
	PARAM_IS,
	PARAM_NOT_CLIENTS,
	PARAM_TOLD, /* by each location: one variable, and not a client's */
};

/* clang-format off */
static const struct {
	const char *name;
	const char *value; /* of PARAM_IS */
	enum param_rule rule;
	bool needed;
} params[] = {
	{ "ROLEGATE_COOKIE",        NULL,              PARAM_ANY,         true },
	{ "ROLEGATE_AUTHORIZATION", NULL,              PARAM_ANY,         false },
	{ "ROLEGATE_ADDRESS",       NULL,              PARAM_NOT_CLIENTS, false },
	{ "ROLEGATE_TRUSTED_USER",  NULL,              PARAM_NOT_CLIENTS, true },
	{ "ROLEGATE_METHOD",        "$request_method", PARAM_IS,          true },
	{ "ROLEGATE_PATH",          NULL,              PARAM_TOLD,        true },
	{ "ROLEGATE_TARGET",        "$request_uri",    PARAM_IS,          true },
	{ "ROLEGATE_PERMISSION",    NULL,              PARAM_TOLD,        true },
	{ "ROLEGATE_ACCOUNT",       NULL,              PARAM_TOLD,        true },
	{ "ROLEGATE_HOST",          "$host",           PARAM_IS,          false },
};
/* clang-format on */

static const struct directive *
param_next(const struct directive *d, const char *name)
{
	while (d != NULL && !conf_arg_is(d, 0, name))
		d = conf_next(d);
	return d;
}

const struct directive *
gate_param(const struct directive *gate, const char *name)
{
	return param_next(conf_find(gate, "fastcgi_param"), name);
}

static const char *const tolds[][2] = {
	[TOLD_PATH] = { "ROLEGATE_PATH", "rolegate_path" },
	[TOLD_TRUSTED_USER] = { "ROLEGATE_TRUSTED_USER",
	    "rolegate_trusted_user" },
	[TOLD_PERMISSION] = { "ROLEGATE_PERMISSION", "rolegate_permission" },
	[TOLD_ACCOUNT] = { "ROLEGATE_ACCOUNT", "rolegate_account" },
};

static bool
param_variable(
    const struct directive *gate, enum told told, struct str *variable)
{
	const struct directive *d =
	    gate != NULL ? gate_param(gate, tolds[told][0]) : NULL;

	return d != NULL && is_variable(conf_arg(d, 1), variable);
}

struct str
told_variable(const struct directive *block, enum told told)
{
	const struct directive *gate =
	    gate_location(server_of(block), gate_name(block));
	struct str variable;

	return param_variable(gate, told, &variable) ? variable
						     : str_from(tolds[told][1]);
}

static void
told_add(struct linting *l, const struct directive *gate)
{
	struct str variable;

	for (size_t i = 0; i < COUNT(tolds); i++)
		if (param_variable(gate, (enum told)i, &variable))
			strs_add(l, &l->told, variable);
}

static void
param_client_check(struct linting *l, const struct directive *gate,
    const struct directive *param)
{
	if (is_clients(l, gate, conf_arg(param, 1)))
		lint_found(
		    l, param, RULE_GATE_PARAM_CLIENT, conf_arg(param, 0));
}

static void
param_check(struct linting *l, const struct directive *gate, size_t row)
{
	const char *name = params[row].name;
	const struct directive *d = gate_param(gate, name);
	const struct directive *again =
	    d != NULL ? param_next(conf_next(d), name) : NULL;
	struct str variable;

	if (again != NULL)
		lint_found(l, again, RULE_GATE_PARAM, str_from(name));
	if (d == NULL && params[row].needed)
		lint_found(l, gate, RULE_GATE_PARAM, str_from(name));
	if (d == NULL)
		return;
	switch (params[row].rule) {
	case PARAM_ANY:
		break;
	case PARAM_IS:
		if (!conf_arg_is(d, 1, params[row].value))
			lint_found(l, d, RULE_GATE_PARAM, str_from(name));
		break;
	case PARAM_TOLD:
		if (!is_variable(conf_arg(d, 1), &variable))
			lint_found(l, d, RULE_GATE_PARAM, str_from(name));
		param_client_check(l, gate, d);
		break;
	case PARAM_NOT_CLIENTS:
		param_client_check(l, gate, d);
		break;
	}
}

/* --- All of them ---------------------------------------------------------- */

static void
gate_add(struct linting *l, const struct directive *server,
    const struct directive *asking)
{
	const struct directive *gate;

	if (asking == NULL || conf_arg_is(asking, 0, "off"))
		return;
	gate = gate_location(server, conf_arg(asking, 0));
	if (gate == NULL)
		lint_found(l, asking, RULE_GATE_MISSING, conf_arg(asking, 0));
	else if (!is_gate(l, gate)) {
		list_add(l, &l->gates, &l->gate_count, &l->gate_cap, gate);
		told_add(l, gate);
	}
}

static void
gates_of(struct linting *l, const struct directive *server,
    const struct directive *block)
{
	gate_add(l, server, conf_own(block, "auth_request"));
	for (const struct directive *d = block->first; d != NULL; d = d->next)
		if (is_location(d))
			gates_of(l, server, d);
}

/* Asked for further out, it is every server's. */
void
gates_add(struct linting *l, const struct directive *server)
{
	if (conf_own(server, "auth_request") == NULL)
		gate_add(l, server, conf_find(server, "auth_request"));
	gates_of(l, server, server);
}

/* --- The rest of it ------------------------------------------------------- */

/* What may send the question elsewhere, or answer it. */
static bool
answers(const struct directive *d)
{
	static const char *const names[] = { "return", "rewrite", "break",
		"try_files", "proxy_pass", "grpc_pass", "uwsgi_pass",
		"scgi_pass", "memcached_pass" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (conf_is(d, names[i]))
			return true;
	return is_nameless(d) || is_location(d);
}

static void
answers_check(struct linting *l, const struct directive *gate)
{
	for (const struct directive *d = gate->first; d != NULL; d = d->next)
		if (answers(d))
			lint_found(l, d, RULE_GATE_ANSWERS, STR(""));
}

/* The gate limits and logs by address: one that each client may name in a
 * header is none. */
static void
address_check(struct linting *l, const struct directive *gate)
{
	const struct str all = STR("/0");

	for (const struct directive *d = conf_find(gate, "set_real_ip_from");
	     d != NULL; d = conf_next(d)) {
		struct str from = conf_arg(d, 0);

		if (from.len > all.len &&
		    str_eq(
			(struct str){ from.ptr + from.len - all.len, all.len },
			all))
			lint_found(l, d, RULE_IDENTITY, STR("$remote_addr"));
	}
}

static void
switch_check(struct linting *l, const struct directive *gate, const char *name,
    enum nginx_rule_id rule)
{
	const struct directive *d = conf_find(gate, name);

	if (d == NULL || !conf_arg_is(d, 0, "off"))
		lint_found(l, d != NULL && d->parent == gate ? d : gate, rule,
		    STR(""));
}

/* fastcgi_store in the same place switches a cache off. */
static void
gate_cache_check(struct linting *l, const struct directive *gate)
{
	const struct directive *cache = conf_find(gate, "fastcgi_cache");
	const struct directive *store = conf_own(gate, "fastcgi_store");

	if (cache == NULL || conf_arg_is(cache, 0, "off") ||
	    (store != NULL && !conf_arg_is(store, 0, "off")))
		return;
	lint_found(l, cache, RULE_GATE_CACHE, STR(""));
}

void
gate_check(struct linting *l, const struct directive *gate)
{
	const struct directive *pass = conf_own(gate, "fastcgi_pass");
	const struct directive *intercept =
	    conf_find(gate, "fastcgi_intercept_errors");

	answers_check(l, gate);
	programs_check(l, gate);
	address_check(l, gate);
	if (!is_on(gate, "internal", NULL))
		lint_found(l, gate, RULE_GATE_INTERNAL, STR(""));
	if (pass == NULL || is_clients(l, gate, conf_arg(pass, 0))) {
		lint_found(
		    l, pass != NULL ? pass : gate, RULE_GATE_FASTCGI, STR(""));
		return;
	}
	switch_check(
	    l, gate, "fastcgi_pass_request_headers", RULE_GATE_HEADERS);
	switch_check(l, gate, "fastcgi_pass_request_body", RULE_GATE_BODY);
	if (intercept != NULL && conf_arg_is(intercept, 0, "on"))
		lint_found(l, intercept, RULE_GATE_ERRORS, STR(""));
	gate_cache_check(l, gate);
	for (size_t i = 0; i < COUNT(params); i++)
		param_check(l, gate, i);
}
