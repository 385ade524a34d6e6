/* report.h - what a sync says: sentences for people, or a line of JSON. */
#ifndef ROLEGATE_SYNC_REPORT_H
#define ROLEGATE_SYNC_REPORT_H

#include <stdio.h>

#include "sync/plan.h"

enum outcome {
	OUTCOME_UNCHANGED = 1,
	OUTCOME_PLANNED,
	OUTCOME_APPLIED,
	OUTCOME_HELD, /* by a guard */
	OUTCOME_FAILED, /* not read whole, or not written */
};

const char *outcome_word(enum outcome outcome);

/* "2 members to add, 1 grant to give"; ptr NULL when memory is out. */
struct str report_counts(struct arena *arena, const struct plan *plan);
void report_plan(FILE *to, struct arena *arena, const struct plan *plan,
    enum outcome outcome, int64_t number, struct str held);
void report_plan_json(FILE *to, struct arena *arena, const struct plan *plan,
    enum outcome outcome, int64_t number, struct str held);
/* A source that could not be read or written. */
void report_failure_json(FILE *to, struct str source, const struct err *why);

#endif
