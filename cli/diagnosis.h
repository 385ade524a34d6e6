/* diagnosis.h - what an answer that came through nginx says about nginx.
 *
 * Owner:   texts are literals; places borrow from the configuration's tree. */
#ifndef ROLEGATE_CLI_DIAGNOSIS_H
#define ROLEGATE_CLI_DIAGNOSIS_H

#include "cli/probe.h"
#include "nginx/where.h"

enum want {
	WANT_UNKNOWN, /* 401, or the way to a sign-in */
	WANT_REFUSED, /* 403 */
	WANT_PAGE, /* whatever the application says */
	WANT_NO_PATH, /* 403 or 400 */
	WANT_HIDDEN, /* 404 */
};

/* Did the gate count a decision meanwhile? */
enum asked { ASKED_UNKNOWN = 0, ASKED_NO, ASKED_YES };

struct evidence {
	enum want want;
	struct probe_answer answer;
	enum asked asked;
};

struct site {
	struct str url;
	struct str gate; /* the path of the location that asks the gate */
	struct where request; /* the url's */
	/* Each NULL where the configuration is not known or has none: */
	const struct directive *root;
	const struct directive *location; /* of the url */
	const struct directive *gate_location;
	const struct directive *cookie; /* the line that hands it on */
	const struct directive *application; /* the line that names it */
};

/* gate stays where the configuration does not tell. */
void site_place(struct site *site, const struct directive *root,
    const struct where *request);

/* Does this path get to the url's location? Yes where that is not known. */
bool site_is_same(const struct site *site, struct str path);

struct trouble {
	const char *code; /* NULL: it is as it should be */
	const char *text; /* what came, and the mend */
	const struct directive *at; /* NULL: no line is known */
};

struct trouble
diagnose(const struct site *site, const struct evidence *evidence);

#endif
