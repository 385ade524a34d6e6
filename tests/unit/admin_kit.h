/* admin_kit.h - a world to change, and changes as words, for the tests of
 * src/admin/.
 *
 * Use:  kit_tests(t) of store_kit.h, then admin_world() in each test. A change
 *       is a line of words and key=value: "grant add ann viewer on=sales
 *       expires=99 filter=a,b". It is made in the transaction that is
 *       open; its error stays in kit.err. */
#ifndef ROLEGATE_ADMIN_KIT_H
#define ROLEGATE_ADMIN_KIT_H

#include "admin/admin.h"
#include "store_kit.h"

#define NOW_S ((int64_t)1800000000)

/* plain: viewer, editor, scoped (filtered, level account), top.
 * tiers: viewer, scoped (filtered, level network), boss at the top; it has
 * levels. other: no top, has levels. */
extern const struct catalogues admin_catalogues;
extern const struct actor AS_SYSTEM;
extern const struct actor AS_CORP; /* may give viewer, editor, top, scoped */

extern struct admin admin;

/* A state from JSON Lines, with ' for "; in kit.arena. */
struct state admin_state(const char *text);
struct state admin_world_state(void);
/* Loads it and commits. */
void admin_world(void);

void admin_start(const struct actor *actor);
void admin_done(void); /* commits */
bool admin_do(const char *change);

/* The state as `export` has it, line by line; kit.arena. */
struct names admin_lines(void);
/* The rows of history after this one. */
struct history_row *admin_rows(int64_t after, size_t *count);
int64_t admin_generation(void);

#endif
