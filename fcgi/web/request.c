#include "fcgi/web/request.h"

#include <string.h>

#include "base/text.h"
#include "fcgi/web/limits.h"

#define READ_STEP ((size_t)64 * 1024)

/* clang-format off */
#define AT(field) offsetof(struct request, field)
static const struct {
	const char *name;
	size_t offset;
	bool required;
} params[] = {
	{ "ROLEGATE_METHOD",          AT(method),          true },
	{ "ROLEGATE_TARGET",          AT(target),          true },
	{ "ROLEGATE_ADDRESS",         AT(address),         true },
	{ "ROLEGATE_ACCEPT",          AT(accept),          false },
	{ "ROLEGATE_COOKIE",          AT(cookie),          false },
	{ "ROLEGATE_AUTHORIZATION",   AT(authorization),   false },
	{ "ROLEGATE_ORIGIN",          AT(origin),          false },
	{ "ROLEGATE_FETCH_SITE",      AT(fetch_site),      false },
	{ "ROLEGATE_CSRF",            AT(csrf),            false },
	{ "ROLEGATE_WHY",             AT(why),             false },
	{ "ROLEGATE_IF_MATCH",        AT(if_match),        false },
	{ "ROLEGATE_IF_NONE_MATCH",   AT(if_none_match),   false },
	{ "ROLEGATE_IDEMPOTENCY_KEY", AT(idempotency_key), false },
	{ "ROLEGATE_RETURN",          AT(return_to),       false },
	{ "CONTENT_TYPE",             AT(content_type),    false },
	{ "CONTENT_LENGTH",           AT(content_length),  false },
};
/* clang-format on */
#define PARAMS (sizeof(params) / sizeof(params[0]))

static struct str *
value_at(struct request *request, size_t row)
{
	return (struct str *)(void *)((char *)request + params[row].offset);
}

static bool
param_refuse(size_t row, const char *what, struct err *err)
{
	return err_set(err, ERR_FILE, "request_param",
	    "parameter %s: %s; include nginx/rolegate-web.conf as it is",
	    params[row].name, what);
}

static bool
params_read(struct request *out, char *const *envp, struct err *err)
{
	bool seen[PARAMS] = { false };

	for (; *envp != NULL; envp++) {
		for (size_t i = 0; i < PARAMS; i++) {
			size_t len = strlen(params[i].name);

			if (strncmp(*envp, params[i].name, len) != 0 ||
			    (*envp)[len] != '=')
				continue;
			if (seen[i])
				return param_refuse(i, "is there twice", err);
			seen[i] = true;
			*value_at(out, i) = str_from(*envp + len + 1);
		}
	}
	for (size_t i = 0; i < PARAMS; i++)
		if (params[i].required && value_at(out, i)->len == 0)
			return param_refuse(i, "is missing", err);
	return true;
}

static bool
target_split(struct request *r, struct err *err)
{
	struct str rest = r->target;

	if (r->target.len > TARGET_MAX)
		return err_set(err, ERR_LIMIT, "request_too_large",
		    "request: its target is longer than %zu bytes", TARGET_MAX);
	if (r->target.ptr[0] != '/' || !str_next(&rest, '?', &r->path))
		return err_set(err, ERR_FILE, "request_target",
		    "request: its target is not a path");
	if (rest.ptr != NULL)
		r->query = rest;
	return true;
}

static bool
body_large(struct err *err)
{
	return err_set(err, ERR_LIMIT, "body_too_large",
	    "request: its body has more than %zu bytes; send less at once",
	    BODY_MAX);
}

/* As many bytes as were announced; fewer is a client that went away. */
static bool
body_read(
    struct request *r, struct arena *arena, FCGX_Stream *in, struct err *err)
{
	int64_t wanted = 0;
	size_t have = 0;
	char *bytes;

	if (r->content_length.len == 0)
		return true;
	if (!str_to_i64(r->content_length, 0, INT64_MAX, &wanted))
		return err_set(err, ERR_FILE, "request_length",
		    "request: its Content-Length is not a number");
	if (wanted > (int64_t)BODY_MAX)
		return body_large(err);
	bytes = arena_alloc(arena, (size_t)wanted + 1, 1);
	if (bytes == NULL)
		return err_set(err, ERR_LIMIT, "no_memory",
		    "memory is out; give the process more");
	while (in != NULL && have < (size_t)wanted) {
		size_t step = (size_t)wanted - have;
		int got = FCGX_GetStr(bytes + have,
		    (int)(step < READ_STEP ? step : READ_STEP), in);

		if (got <= 0)
			break;
		have += (size_t)got;
	}
	if (have != (size_t)wanted)
		return err_set(err, ERR_FILE, "request_cut",
		    "request: its body ended after %zu of %lld bytes", have,
		    (long long)wanted);
	r->body = (struct str){ bytes, have };
	return true;
}

bool
request_read(struct request *out, struct arena *arena, char *const *envp,
    FCGX_Stream *in, struct err *err)
{
	*out = (struct request){ 0 };
	return params_read(out, envp, err) && target_split(out, err) &&
	       body_read(out, arena, in, err);
}

bool
request_is_safe(const struct request *request)
{
	return str_eq(request->method, STR("GET")) ||
	       str_eq(request->method, STR("HEAD"));
}

/* The type of one element of a list, its parameters left out. */
static struct str
type_of(struct str element)
{
	struct str type = STR("");

	str_next(&element, ';', &type);
	return str_trim(type);
}

bool
request_accepts(const struct request *request, const char *type)
{
	struct str rest = request->accept;
	struct str one;

	while (str_next(&rest, ',', &one))
		if (str_eq_fold(type_of(one), str_from(type)))
			return true;
	return false;
}

bool
request_is(const struct request *request, const char *type)
{
	return str_eq_fold(type_of(request->content_type), str_from(type));
}
