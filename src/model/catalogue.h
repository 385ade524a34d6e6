/* catalogue.h - what a role may do: a matrix of permissions by roles.
 *
 * Shape:   roles in the catalogue's own order, weakest first where it is a
 *          ladder; permissions ordered by name; a set of roles is a bit mask
 *          by role index, so at most ROLES_PER_CATALOGUE_MAX (64) roles.
 * Owner:   everything lives in the arena given to the loader.
 * Errors:  catalogue_load() adds every fault it finds, with file:line:column,
 *          and returns NULL when there was one.
 * Source:  NAME.yaml in the configured folder, and the CSV it names; format
 *          in docs/catalogues.md. No role or permission is named in code. */
#ifndef ROLEGATE_CATALOGUE_H
#define ROLEGATE_CATALOGUE_H

#include "base/fault.h"
#include "base/str.h"

enum licence_need {
	LICENCE_ANY = 0, /* at least one licence where the tree owns any */
	LICENCE_FREE,    /* never needs one ("none" in the CSV) */
	LICENCE_SET,     /* one of `licences` */
};

struct permission {
	struct str name;
	struct str label;
	struct str level; /* empty: any */
	enum licence_need need;
	struct names licences; /* for LICENCE_SET, sorted */
	uint64_t roles;        /* bit r: role r has it */
};

struct role {
	struct str name;
	uint64_t may_give;         /* bit r: may give role r */
	bool filtered;             /* counts only with a data filter */
	struct str filtered_level; /* and only where given on this level */
};

/* Which permissions an operation of src/admin/ needs, as the YAML says. Where
 * that hangs on the role that is given, there is one of these for each role,
 * "member.add:manager". What is not listed nobody may do. */
struct operation {
	struct str name;     /* "member.add", "account.create", … */
	struct names needs;  /* all of them, at least one; sorted */
};

struct catalogue {
	struct str name;
	const struct role *roles;
	size_t role_count;
	const struct permission *permissions;
	size_t permission_count;
	int top;                            /* role index; -1 is no top role */
	const struct permission *act_on_behalf; /* or NULL */
	const struct operation *operations; /* ordered by name */
	size_t operation_count;
	bool ladder;     /* each role has what the one before it has */
	int64_t changed; /* generation of the last change in the store */
};

struct catalogues {
	const struct catalogue *const *items; /* ordered by name */
	size_t count;
};

/* -1 / NULL when there is none; a NULL catalogue has none of either. */
int catalogue_role(const struct catalogue *catalogue, struct str name);
const struct permission *catalogue_permission(
    const struct catalogue *catalogue, struct str name);
bool role_has(int role, const struct permission *permission);
/* What the operation needs when it is about this role: the row for the role
 * before the one for all. NULL: nobody may do it. */
const struct operation *catalogue_operation(
    const struct catalogue *catalogue, struct str name, struct str role);
/* It is for accounts without levels. */
bool catalogue_is_plain(const struct catalogue *catalogue);
/* The first plain one, which personal accounts are of; NULL: there is none. */
const struct catalogue *catalogues_plain(const struct catalogues *catalogues);
const struct catalogue *catalogues_find(
    const struct catalogues *catalogues, struct str name);

/* `path` names the YAML file. */
const struct catalogue *catalogue_load(
    struct arena *arena, struct str path, struct faults *faults);
/* The same from memory: the YAML and the CSV that it names. */
const struct catalogue *catalogue_parse(struct arena *arena, struct str path,
    struct str yaml, struct str matrix, struct faults *faults);
/* Every *.yaml of the folder; false when there was any fault. */
bool catalogues_load(struct arena *arena, struct str folder,
    struct catalogues *out, struct faults *faults);

#endif
