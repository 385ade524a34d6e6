/* people.h - the people of a reading, and what can be done about each.
 *
 * Identity is the id attribute (entryUUID), never the name. An entry that has
 * none is left out; one whose name, address or username cannot be taken over
 * keeps what the store has of it, while its status and grants are still
 * followed: a bad attribute must not keep rights alive.
 * Owner:   the arena of the run; views point into the entries. */
#ifndef ROLEGATE_PEOPLE_H
#define ROLEGATE_PEOPLE_H

#include "sync/entry.h"
#include "sync/index.h"
#include "sync/mapping.h"
#include "sync/notes.h"

enum person_use {
	PERSON_FROZEN = 0, /* seen, but nothing about it is believed */
	PERSON_RIGHTS, /* status and grants, not the attributes */
	PERSON_WHOLE,
};

struct person {
	struct str dn;
	struct str id;
	struct str username;
	struct str email;
	struct str name;
	enum person_use use;
	bool disabled;
	const struct member *member; /* the store's, or NULL */
};

struct people {
	struct person *items; /* ordered by id */
	size_t count;
	struct index by_id;
	struct index by_key; /* normal DN */
	struct index by_username; /* folded, as the directory has it */
	/* Usernames, folded, of entries without a usable id: who has one of
	 * them cannot be said to be absent. */
	struct index nameless;
};

/* Members of the source by external id: what the store has. */
struct actual {
	const struct state *state;
	struct str source;
	struct index by_id; /* value: the member's place in the state */
	size_t count;
};

bool actual_make(struct actual *out, struct arena *arena,
    const struct state *state, struct str source);
const struct member *actual_member(const struct actual *actual, struct str id);

bool people_make(struct people *out, struct arena *arena,
    const struct entries *entries, const struct people_rules *rules,
    const struct actual *actual, struct notes *notes, struct err *err);

#endif
