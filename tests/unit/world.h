/* world.h - random worlds for the property test, and how they are shown.
 *
 * Every choice comes from one seed, so that a world can be made again. They
 * are built to be awkward: trees that never reach a root, chains of 14 to 19
 * levels, statuses and roles nobody has heard of, names that differ by case,
 * expiry at this very second, one role from several sources. */
#ifndef ROLEGATE_WORLD_H
#define ROLEGATE_WORLD_H

#include "oracle.h"

/* The two catalogues that are shipped, from their CSVs; the third is left for
 * world_invent() to invent. */
void matrices_read(struct matrix m[MATRICES]);
/* Of catalogues of these names in another folder. */
void matrices_read_from(struct matrix m[MATRICES], const char *folder);

void world_seed(uint64_t seed);
void world_invent(struct world *w, const struct matrix fixed[MATRICES]);
void ask_invent(const struct world *w, struct ask *ask);

void words_print(const char *label, const struct words *words);
/* What the answer to `ask` hangs on. */
void world_print(const struct world *w, const struct ask *ask);

#endif
