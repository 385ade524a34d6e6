/* request.h - one request: what it asks, its line in the log, and what is
 * answered, in this order. A log that cannot be written stops no answer.
 *
 * inquiry_read() is step 0 of docs/decision.md: who asks, is the path what it
 * seems to be, which permission does it need, on which account. The location's
 * permission comes before the route's, and so does its account; what both
 * leave open is the session's account, else the member's own. What no route
 * covers and no location names is a deny (CASES T13). So is a path that is
 * empty, or that of the subrequest itself: it does not agree with the target
 * (T18, T19). inquiry_answer() decides with what the view knows. Both are
 * pure: no I/O, no clock.
 *
 * Owner:   texts point into envp, the rules and the view's answer. envp
 *          belongs to the caller and stays until `done`, which is called
 *          exactly once: from inside request_judge(), or from the event loop.
 *          The text of the answer is valid until it returns. */
#ifndef ROLEGATE_GATE_REQUEST_H
#define ROLEGATE_GATE_REQUEST_H

#include "fcgi/gate/activity.h"
#include "fcgi/gate/counts.h"
#include "fcgi/gate/decision_log.h"
#include "fcgi/process/say.h"
#include "fcgi/gate/setup.h"

struct inquiry {
	struct params params;
	struct asker asker;
	struct str permission;
	struct str account; /* empty: the view chooses */
};

/* False: it is a deny, for the reason of *answer. */
bool inquiry_read(struct inquiry *out, const struct inquiry_rules *rules,
    char *const *envp, struct answer *answer);

struct answer inquiry_answer(const struct inquiry *inquiry,
    const struct view_answer *known, int64_t now_s, struct arena *arena);

#define DECISION_ID_LEN ((size_t)16)

/* What all requests of a worker share. */
struct judge {
	const struct setup *setup;
	struct view *view;
	struct counts *counts; /* of this worker */
	struct arena arena; /* of the decision in hand */
	uint64_t seed; /* decision ids: seed and count */
	uint64_t count;
	struct say_once too_large;
	struct activity activity;
};

struct request {
	struct judge *judge;
	struct inquiry inquiry;
	int64_t started_us;
	bool too_long; /* over REQUEST_MAX: denied, whatever it is */
	char id[DECISION_ID_LEN + 1];
	void (*done)(struct request *request, const char *text, size_t len);
};

void judge_init(struct judge *judge, const struct setup *setup,
    struct view *view, struct counts *counts);
void judge_free(struct judge *judge);

void request_judge(struct request *request, char *const *envp);

#endif
