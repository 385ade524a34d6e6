/* prepare.h - one source up to its plan: read, want, compare, guard.
 *
 * Nothing is written. A reading is taken once; prepare_plan() may be called
 * again on the same reading when the store moved under it.
 * Errors:  ERR_SOURCE when the directory was not read whole (then `command`
 *          is the search to paste), ERR_FILE for a mapping that does not fit
 *          the store (faults are printed), and the store's own. */
#ifndef ROLEGATE_PREPARE_H
#define ROLEGATE_PREPARE_H

#include "sync/job.h"
#include "sync/plan.h"

struct prepared {
	const struct source *source;
	struct reading reading;
	struct search failed; /* base empty: none */
	struct state state;
	int64_t generation; /* of the data that the plan was made from */
	struct actual actual;
	struct wanted wanted;
	struct notes notes;
	struct absence *absences;
	size_t absence_count;
	struct plan plan;
	struct str held; /* the guards that hold it, or empty */
	bool fresh; /* state and wanted are from the reading itself */
	bool faulty; /* faults were printed */
};

bool prepare_reading(struct prepared *prepared, struct job *job,
    struct arena *arena, const struct source *source, struct err *err);
bool prepare_plan(struct prepared *prepared, struct job *job,
    struct arena *arena, struct err *err);

#endif
