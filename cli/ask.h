/* ask.h - one question, answered from the store or from the view. */
#ifndef ROLEGATE_CLI_ASK_H
#define ROLEGATE_CLI_ASK_H

#include <jansson.h>

#include "cli/app.h"

struct asked {
	/* In. */
	struct str username;
	struct str permission;
	struct str account_id;
	/* Out; lives in the app's arena. */
	struct question question;
	struct decision decision;
};

/* Opens what it needs. --at and --view are looked at. */
bool asked_answer(struct app *app, struct asked *asked);
json_t *asked_json(struct app *app, const struct asked *asked);
/* Where a holding comes from: "local", a directory, or "owner". */
struct str holding_source(const struct holding *holding);
/* The holding's role by name; the top role for the owner's mark. */
struct str
holding_role(const struct holding *holding, const struct catalogue *catalogue);
/* 0 for a yes, 1 for a no; nothing else is a verdict. */
int verdict_status(enum verdict verdict);

#endif
