/* caller.h - who sends a request, as the store knows it now.
 *
 * By the session cookie, or by a token in Authorization; by both at once it is
 * nobody, since nobody could say whose request it is. A cookie that is there
 * twice with two values, a session that has ended, a token that has expired or
 * comes from a foreign address: nobody. Whether the member is active is asked
 * by admin.h, with each change and each right.
 *
 * Guard (CASES P1): what is changed by a cookie comes from our own origin and
 * shows the key of its session, which only our own pages can read. A token
 * cannot be sent by a foreign page.
 *
 * Secrets: the token of the session stays in the request; its key is made of
 *          it and tells nothing about it. */
#ifndef ROLEGATE_WEB_CALLER_H
#define ROLEGATE_WEB_CALLER_H

#include "admin/admin.h"
#include "fcgi/web/request.h"
#include "fcgi/web/web.h"

enum proof { PROOF_NONE = 0, PROOF_SESSION, PROOF_TOKEN };

#define CSRF_LEN ((size_t)43)

struct caller {
	enum proof proof;
	struct actor actor;
	struct str member_id;
	struct session session; /* PROOF_SESSION */
	struct api_token token; /* PROOF_TOKEN */
	char csrf[CSRF_LEN + 1]; /* PROOF_SESSION */
};

/* False: it could not be found out. */
bool caller_find(struct web *web, const struct request *request,
    struct caller *out, struct err *err);

/* The origin is ours: needed of what a page sends before anybody is signed
 * in. */
bool guard_origin(
    const struct web *web, const struct request *request, struct err *err);
/* May this caller change anything by this request? `shown` is the key. */
bool guard_change(const struct web *web, const struct request *request,
    const struct caller *caller, struct str shown, struct err *err);

/* Is a session in use worth a write? Only with less than half of its idle time
 * left. */
bool session_is_due(const struct web *web, const struct session *session);
/* Notes that it is in use: a session lives on, a token was used today. */
void caller_note_use(struct web *web, const struct caller *caller);

#endif
