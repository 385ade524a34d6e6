#include "fcgi/web/problem.h"

#include <string.h>

#include "base/text.h"
#include "model/json.h"

/* What a code means in HTTP where its kind does not say enough. */
/* clang-format off */
static const struct { const char *code; int status; } codes[] = {
	{ "above_you", 403 },
	{ "api_method", 405 },
	{ "bad_sign_in", 401 },
	{ "body_too_large", 413 },
	{ "content_type", 415 },
	{ "csrf", 403 },
	{ "idempotency_mismatch", 422 },
	{ "member_inactive", 403 },
	{ "no_identity", 401 },
	{ "no_memory", 503 },
	{ "no_right", 403 },
	{ "not_yours", 403 },
	{ "origin", 403 },
	{ "owner_fixed", 403 },
	{ "own_role", 403 },
	{ "person_elsewhere", 403 },
	{ "request_too_large", 413 },
	{ "stale", 412 },
	{ "too_many_attempts", 429 },
};
/* clang-format on */

int
problem_status(const struct err *err)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (err->code != NULL && strcmp(codes[i].code, err->code) == 0)
			return codes[i].status;
	switch (err->kind) {
	case ERR_NOT_FOUND:
		return 404;
	case ERR_USAGE:
	case ERR_FILE:
		return 400;
	case ERR_LIMIT:
		return 422;
	case ERR_REFUSED:
		return 409;
	case ERR_SOURCE:
	case ERR_REACH:
		return 503;
	case ERR_NONE:
	case ERR_BUG:
		break;
	}
	return 500;
}

static json_t *
faults_json(const struct faults *faults)
{
	json_t *list = json_array();

	for (size_t i = 0; i < faults->kept; i++) {
		const struct fault *f = &faults->items[i];

		json_array_append_new(
		    list, json_pack("{s:i,s:i,s:s,s:s%}", "line", f->line,
			      "column", f->column, "code", f->code, "text",
			      f->text.ptr, f->text.len));
	}
	return list;
}

/* What is wrong with us, or behind us, is for the log, not for a stranger. */
static const char *
detail_of(const struct err *err)
{
	if (err->kind == ERR_BUG)
		return "an error of rolegate; its log says more";
	if (err->kind == ERR_SOURCE || err->kind == ERR_REACH)
		return "a server that is needed for this cannot be reached; "
		       "try again later";
	if (!text_is_clean(str_from(err->text)))
		return "an error with bytes in it that cannot be shown";
	return err->text;
}

void
problem_answer(struct response *response, struct arena *arena,
    const struct err *err, const struct faults *faults)
{
	const char *code = err->code != NULL ? err->code : "unknown";
	int status = problem_status(err);
	json_t *object =
	    json_pack("{s:s,s:s,s:i,s:s,s:s}", "type", "about:blank", "title",
		status >= 500 ? "not possible now" : "refused", "status",
		status, "code", code, "detail", detail_of(err));

	if (faults != NULL && faults->count > 0)
		json_object_set_new(object, "faults", faults_json(faults));
	*response = (struct response){
		.status = status,
		.type = "application/problem+json",
		.body = json_text(arena, object),
	};
	if (status == 401)
		response_header(response, "WWW-Authenticate", STR("Bearer"));
	if (status == 429 || status == 503)
		response_header(response, "Retry-After", STR("30"));
}
