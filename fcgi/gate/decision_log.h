/* decision_log.h - one line a decision, in logfmt; see docs/man/rolegated.8.
 *
 * A line goes out in one write(), so that the lines of several workers do not
 * mix. Values are quoted and escaped: no client can begin a line. There is
 * nothing of a cookie or token in it. */
#ifndef ROLEGATE_GATE_DECISION_LOG_H
#define ROLEGATE_GATE_DECISION_LOG_H

#include "config/config.h"
#include "fcgi/gate/answer.h"

struct decision_log {
	int fd;
	enum log_what what;
};

struct decision_line {
	const struct verdict_said *said;
	struct str permission;
	int64_t generation;
	int64_t wall_ms;
	int64_t us; /* from the request's last byte to the answer */
	bool stale;
};

/* "" is standard error; -1 with err when the file cannot be opened. */
int decision_log_open(struct arena *arena, struct str path, struct err *err);
void decision_log_write(
    const struct decision_log *log, const struct decision_line *line);

#endif
