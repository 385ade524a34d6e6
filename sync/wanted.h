/* wanted.h - what the store should have, as directory and mapping say.
 *
 * Pure: a reading, a mapping and the present state in, lists out. Grants are
 * ordered by person, account and role; one role on one account from several
 * groups is one grant with the licences of all of them.
 * Owner:   the arena of the run. */
#ifndef ROLEGATE_WANTED_H
#define ROLEGATE_WANTED_H

#include "sync/memberships.h"
#include "sync/reading.h"

struct wanted_grant {
	uint32_t person;
	struct str account;
	struct str role;
	struct names licences; /* sorted */
	struct str via; /* the group's name, for people */
};

/* A rule whose group the directory does not have. */
struct missing_group {
	struct str group;
	struct str account;
	struct str role;
};

struct wanted {
	struct people people;
	struct memberships memberships;
	struct wanted_grant *grants;
	size_t grant_count;
	struct account *accounts; /* to be made, parents first */
	size_t account_count;
	struct missing_group *missing;
	size_t missing_count;
};

bool wanted_make(struct wanted *out, struct arena *arena,
    const struct reading *reading, const struct source *source,
    const struct actual *actual, struct notes *notes, struct err *err);

#endif
