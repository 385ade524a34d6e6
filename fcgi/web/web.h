/* web.h - what one worker of rolegate-web works with, from one request to the
 * next.
 *
 * Owner:   the store's handle and the connection to Redis are the worker's
 *          own; the arena is emptied after each request.
 * Errors:  a view that cannot be published to is said once a minute; the
 *          change stands, and the publisher catches up. */
#ifndef ROLEGATE_WEB_WEB_H
#define ROLEGATE_WEB_WEB_H

#include "fcgi/process/say.h"
#include "fcgi/web/setup.h"
#include "publish/publisher.h"
#include "store/store.h"

struct web {
	const struct web_setup *setup;
	struct store *store;
	struct redis *redis; /* NULL until it is needed */
	struct arena arena;
	int64_t now_ms;
	struct say_once publish_late;
};

bool web_open(struct web *web, const struct web_setup *setup, struct err *err);
void web_close(struct web *web);
/* After a commit: what it changed goes into the view. */
void web_publish(struct web *web);
/* With the system as who asks; see admin_begin(). */
struct admin;
bool web_begin_system(struct web *web, struct admin *admin, struct err *err);

#endif
