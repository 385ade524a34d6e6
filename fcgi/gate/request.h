/* request.h - from one request's parameters to one decision.
 *
 * Step 0 of docs/decision.md: who asks, is the path what it seems to be,
 * which permission does it need. Then the view says what is known, decide()
 * decides, and `done` gets the answer; at once or from the event loop.
 *
 * Owner:   the parameters are copied into the request's arena, which is reset
 *          by the caller after `done`. */
#ifndef ROLEGATE_GATE_REQUEST_H
#define ROLEGATE_GATE_REQUEST_H

#include "fcgi/gate/answer.h"
#include "fcgi/gate/setup.h"

#define DECISION_ID_LEN ((size_t)16)

/* What all requests of a worker share. */
struct judge {
	const struct setup *setup;
	struct view *view;
	uint32_t seed; /* decision ids: seed and count */
	uint32_t count;
};

struct request {
	struct judge *judge;
	struct arena arena;
	struct str permission;
	struct str account; /* of the location or of the route, or empty */
	int64_t started_us;
	char id[DECISION_ID_LEN + 1];
	void (*done)(struct request *request, struct verdict_said *said);
};

void judge_init(struct judge *judge, const struct setup *setup,
    struct view *view);

/* `block` are the parameters that records_walk() found; done is called once. */
void request_judge(struct request *request, struct str block);

int64_t monotonic_us(void);

#endif
