/* sync_world.h - a small directory and a small store, written as text, for
 * the tests of sync/.
 *
 * people   one a line: id|uid|mail|cn|employeeType; the DN is uid=UID,ou=p
 * groups   one a line: cn|member,member; a member is a uid, or @cn for a group
 * members  one a line: username|email|name|status|external id|grants, where
 *          grants are account:role:source, separated by commas; an id that
 *          begins with @ is of another source, with + there is one there too
 * Accounts are always: root (catalogue test), sales below it, other (a root
 * of its own), home (personal, of nobody). Roles: top, editor, viewer, and
 * scoped, which is filtered. */
#ifndef ROLEGATE_SYNC_WORLD_H
#define ROLEGATE_SYNC_WORLD_H

#include "sync/guard.h"

struct sync_world {
	struct arena arena;
	struct source source;
	struct reading reading;
	struct state state;
	struct actual actual;
	struct wanted wanted;
	struct notes notes;
	struct plan plan;
	struct str held;
	struct absence *absences;
	size_t absence_count;
	int64_t now_s;
};

/* The mapping: group NAME gives ROLE on ACCOUNT, one a line: NAME|ACCOUNT|
 * ROLE; NAME may be a pattern. */
void world_make(struct sync_world *world, const char *rules, const char *people,
    const char *groups, const char *members);
/* Want, compare, guard; false when the run is held before the plan. */
bool world_plan(struct sync_world *world, struct err *err);
/* Every change as its sentence, one a line. */
struct str world_says(struct sync_world *world);
bool world_has_note(const struct sync_world *world, const char *code);
void world_free(struct sync_world *world);

#endif
