/* transaction.h - the moments at which a sync writes. Each function is one
 * transaction: all of it is there, or nothing.
 *
 * Rules:   plans and runs are notes about a source, not changes; changes are
 *          made only in change_store() and apply_saved(), under the lock, and
 *          only when nothing moved since the plan was made. */
#ifndef ROLEGATE_TRANSACTION_H
#define ROLEGATE_TRANSACTION_H

#include "sync/prepare.h"

/* Finds out which changes a rule refuses, and writes nothing. */
bool rehearse(struct job *job, struct prepared *prepared, struct arena *arena,
    struct err *err);
/* Saves the plan; an equal one that is still open keeps its number. */
bool save_plan(struct job *job, const struct prepared *prepared,
    struct arena *arena, int64_t *number, struct err *err);
/* Plan and changes in one. FOUND_NO: the store moved, plan again. *number is
 * 0 when rules refuse everything and nothing was written. */
enum found change_store(struct job *job, struct prepared *prepared,
    struct arena *arena, int64_t *number, struct err *err);
/* Only the notes about who is absent, when there are new ones. */
bool note_absences(
    struct job *job, const struct prepared *prepared, struct err *err);
/* A saved plan, exactly, or nothing. */
bool apply_saved(struct job *job, const struct sync_plan *saved,
    const struct source *source, struct plan *plan, struct arena *arena,
    struct err *err);
bool save_run(struct job *job, const struct sync_run *run, struct err *err);

#endif
