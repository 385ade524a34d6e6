/* plan.h - what has to change so that the store has what is wanted.
 *
 * Shape:   changes in the order in which they are made: what gives comes
 *          before what takes, so that a role can be handed over. Each says
 *          itself in one sentence. The JSON body holds everything that
 *          applying needs; the same input gives the same bytes.
 * Owner:   the arena of the run.
 * Rules:   only members with an identity of the source, and grants that carry
 *          its name, are ever touched. Who is not seen is disabled first and
 *          removed after the grace period, on a later complete reading. */
#ifndef ROLEGATE_PLAN_H
#define ROLEGATE_PLAN_H

#include "store/store.h"
#include "sync/wanted.h"

enum change_kind {
	CHANGE_NONE = 0,
	CHANGE_MEMBER_ASIDE, /* a username is freed for somebody else */
	CHANGE_MEMBER_EDIT,
	CHANGE_MEMBER_ADD,
	CHANGE_ACCOUNT_ADD,
	CHANGE_MEMBER_ENABLE,
	CHANGE_GRANT_ADD,
	CHANGE_GRANT_EDIT,
	CHANGE_GRANT_REMOVE,
	CHANGE_MEMBER_DISABLE,
	CHANGE_MEMBER_REMOVE,
	CHANGE_KINDS,
};

struct change {
	enum change_kind kind;
	struct str id; /* the person's, in the directory; or empty */
	struct str username; /* of the member, when the change is made */
	struct str name;
	struct str email;
	struct str new_username; /* edit, aside */
	struct str account;
	struct str role;
	struct names licences;
	struct str via; /* the group's name */
	struct account made; /* account add */
	struct str refused_code; /* empty: it can be made */
	struct str refused_text;
};

struct plan {
	struct str source;
	struct str mapping; /* digest */
	struct names ceiling;
	int64_t people_read;
	int64_t groups_read;
	struct change *changes;
	size_t count;
	size_t cap;
	/* Bookkeeping of absences, by external id. */
	struct names absent_start;
	struct names absent_forget;
	struct names absent_still;
	const struct note *notes;
	size_t note_count;
};

struct plan_input {
	const struct source *source;
	const struct actual *actual;
	const struct wanted *wanted;
	const struct notes *notes;
	const struct absence *absences;
	size_t absence_count;
	/* Ids of members whom somebody else disabled: they stay disabled. */
	struct names kept_disabled;
	int64_t now_s;
};

/* Adds its own notes to input->notes' list through `notes`. */
bool plan_make(struct plan *out, struct arena *arena,
    const struct plan_input *input, struct notes *notes, struct err *err);

/* Members of the source whom a complete reading did not see. */
bool plan_absent(struct arena *arena, const struct actual *actual,
    const struct people *people, const struct member ***out, size_t *count);

/* Those changes that are not refused. */
size_t plan_makes(const struct plan *plan);
size_t plan_count(const struct plan *plan, enum change_kind kind);
const char *change_word(enum change_kind kind); /* "member.add", … */

/* "would add Ann (ann)"; done: "added Ann (ann)". */
struct str
change_says(struct arena *arena, const struct change *change, bool done);

/* The body that is kept: one line of JSON. ptr NULL when memory is out. */
struct str plan_to_json(struct arena *arena, const struct plan *plan);
bool plan_from_json(
    struct plan *out, struct arena *arena, struct str body, struct err *err);

#endif
