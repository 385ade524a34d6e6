/* decision_log.h - what the gate writes down.
 *
 * Decisions: one line each, in logfmt; see docs/man/rolegated.8.
 * A line goes out in one write(), and is at most PIPE_BUF long, so that the
 * lines of several workers do not mix in a pipe, either; one that cannot go out
 * at once is lost, since nothing waits for a log.
 * Values are quoted and escaped so that no client can end a value or a line;
 * bytes of what is no clean text stand as \xNN. A value that would be longer
 * than LOG_VALUE_MAX so, and is no name of anything, stands as its length.
 * There is nothing of a cookie or token in it. `rolegate explain` reads it. */
#ifndef ROLEGATE_GATE_DECISION_LOG_H
#define ROLEGATE_GATE_DECISION_LOG_H

#include "config/config.h"
#include "fcgi/gate/answer.h"
#include "fcgi/gate/params.h"

struct decision_log {
	int fd;
	enum log_what what;
};

struct decision_line {
	const struct answer *answer;
	const struct params *params;
	struct str permission;
	int64_t generation;
	int64_t at_s; /* Unix seconds */
	int64_t us; /* from the request to its decision */
	bool token; /* a program asked, by a member's token */
	bool stale;
};

/* "" is standard error; -1 with err when the file cannot be opened. */
int decision_log_open(struct arena *arena, struct str path, struct err *err);
bool decision_log_wants(const struct decision_log *log, enum verdict verdict);
void decision_log_write(
    const struct decision_log *log, const struct decision_line *line);

#endif
