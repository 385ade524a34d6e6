/* guard.h - how much may disappear in one run. Counted over the whole plan
 * before the first write: a plan that is held makes none of its changes, what
 * it would add included. An override is for one plan, by its number.
 *
 * Held are: more members disabled or removed than the larger of members_max
 * and members_percent of the source's members; more than account_percent of
 * the source's grants on an account that has at least five of them; all
 * members, all grants, or all grants (three or more) of an account; grants
 * that go because their rule's group is not in the directory. */
#ifndef ROLEGATE_GUARD_H
#define ROLEGATE_GUARD_H

#include "sync/plan.h"

/* *held is empty, or every guard that holds the plan, for people. False when
 * memory is out. */
bool guard_check(struct arena *arena, const struct plan *plan,
    const struct source *source, const struct actual *actual,
    const struct wanted *wanted, struct str *held);

#endif
