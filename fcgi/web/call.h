/* call.h - one call of the HTTP API: who asks, what with, and what comes out.
 *
 * Shape:   a call runs one route (route.h). A reading one sees one state of
 *          the store; a changing one is one transaction, which is committed
 *          when the route's function says true, and thrown away after being
 *          shown when the query says dry_run=true. What a change answers is
 *          the command's difference: {"dry_run":…,"changes":[…]} and what was
 *          made.
 * Once:    with an Idempotency-Key the answer is kept for a day, in the same
 *          transaction; the same request again gets that answer and changes
 *          nothing, another one under the same key is refused.
 * ETag:    of what a route shows; If-Match compares it inside the transaction
 *          that changes (CASES P8).
 * Errors:  a route's function returns false with call->err (and faults).
 * Owner:   result is the call's; texts live in web->arena. */
#ifndef ROLEGATE_WEB_CALL_H
#define ROLEGATE_WEB_CALL_H

#include <jansson.h>

#include "base/fault.h"
#include "fcgi/web/caller.h"
#include "fcgi/web/form.h"
#include "fcgi/web/response.h"
#include "model/password.h"
#include "store/list.h"

struct route;

struct sheet;

struct call {
	struct web *web;
	const struct request *request;
	const struct route *route;
	struct caller caller;
	struct admin admin; /* open while the route's function runs */
	struct names words; /* what stands in the path's {…}, in order */
	struct pairs query;
	json_t *body; /* an object, or NULL */
	struct sheet *sheet; /* what was uploaded, read */
	struct str proved; /* the hash of a password that was shown */
	char new_hash[PASSWORD_TEXT_MAX];
	struct faults faults;
	json_t *result; /* an object: the answer, or more of it */
	struct str text; /* an answer that is no JSON; its type below */
	const char *text_type;
	bool dry_run;
	bool secret; /* the answer is shown once and not kept */
	struct err err;
};

/* Answers a request below /rolegate/api/v1/; `words` are the segments behind
 * that. */
void api_answer(struct web *web, const struct request *request,
    struct names words, struct response *response);

/* --- For the routes ------------------------------------------------------- */

struct str call_query(const struct call *call, const char *name);
/* A side of a change in the history, as the caller may see it. */
json_t *call_side(struct call *call, struct str text);
/* limit and cursor. */
bool call_page(struct call *call, struct page *out);
/* The same where the key is a number; 0: from the beginning. */
bool call_page_number(struct call *call, struct page *out, int64_t *after);
/* The result {"items":…,"next":…}; next is the last key, or empty: no more. It
 * takes the items. */
bool call_items(struct call *call, json_t *items, struct str next);
/* Takes the object. */
bool call_result(struct call *call, json_t *object);
/* One more member of the result of a change. */
bool call_also(struct call *call, const char *name, json_t *value);
bool call_no_memory(struct call *call);

/* What a JSON body may have, one row a field; anything else is refused. */
enum field_type { FIELD_TEXT, FIELD_NAMES, FIELD_TIME, FIELD_BOOL };
struct field {
	const char *name;
	enum field_type type;
	size_t offset; /* of struct str, struct names, int64_t, bool */
	bool required;
};
/* Bit i of *given: field i is there. null is empty, and given. NULL given: not
 * asked. */
bool call_body(struct call *call, const json_t *object,
    const struct field *fields, size_t count, void *into, uint64_t *given);

/* --- JSON ----------------------------------------------------------------- */

json_t *json_str(struct str text); /* null when empty */
json_t *json_time(int64_t unix_s); /* null when 0 */

#endif
