/* apply.h - a plan's changes, made through src/admin/ in a transaction that
 * is already open. The caller commits or aborts.
 *
 * APPLY_TRY marks a change that a rule refuses (the last top role of an
 * account, a frozen account) in the plan and goes on: that is how a plan
 * learns what it can do. APPLY_EXACT makes what the plan says can be made,
 * and fails as a whole when one change cannot: then the data moved. */
#ifndef ROLEGATE_APPLY_H
#define ROLEGATE_APPLY_H

#include "admin/admin.h"
#include "sync/plan.h"

enum apply_mode { APPLY_TRY = 1, APPLY_EXACT };

bool plan_apply(struct plan *plan, struct admin *admin, struct arena *arena,
    enum apply_mode mode, struct err *err);
/* Notes who is absent since when; `absences` are those in the store. */
bool plan_apply_absences(const struct plan *plan, struct admin *admin,
    const struct absence *absences, size_t count, struct err *err);

#endif
