/* mapping.h - which directory is read how, and which group gives which role.
 *
 * Shape:   the YAML of docs/sync.md. A grant rule names its group by DN, by
 *          name, by its entryUUID, or by a name pattern with {account} and
 *          {role} in it. There is no default role. The ceiling is every role
 *          that the source may give, whatever its groups are called.
 * Owner:   everything lives in the arena.
 * Errors:  every fault at once, with file:line:column. mapping_load() knows
 *          only the file; source_check() compares it with the accounts and
 *          role catalogues. */
#ifndef ROLEGATE_MAPPING_H
#define ROLEGATE_MAPPING_H

#include "base/fault.h"
#include "model/state.h"
#include "sync/directory.h"

struct place {
	int line;
	int column;
};

/* Who counts as disabled: the attribute has the value, or any at all. */
struct disabled_rule {
	struct str attribute;
	struct str value; /* empty: any */
};

struct people_rules {
	struct str base;
	int scope; /* enum search_scope */
	struct str filter;
	struct str id;
	struct str username;
	struct str email;
	struct str name;
	const struct disabled_rule *disabled;
	size_t disabled_count;
};

struct group_rules {
	struct str base;
	int scope; /* enum search_scope */
	struct str filter;
	struct str id;
	int64_t nested_depth;
};

/* How a pattern's missing accounts are made. */
struct account_pattern {
	bool create;
	struct str parent; /* empty: a root, then catalogue is set */
	struct str level;
	struct str name; /* with {account} in it */
	struct str catalogue;
};

struct grant_rule {
	struct place place;
	struct str group; /* by name, or as written when it is a DN */
	struct str group_key; /* the normal DN, or empty */
	struct str group_id;
	struct str pattern;
	struct str account; /* empty: from the pattern */
	struct str role; /* empty: from the pattern */
	struct names licences;
	struct account_pattern accounts;
};

struct account_rule {
	struct place place;
	struct account account;
};

struct guard_rules {
	int64_t members_max;
	int64_t members_percent;
	int64_t account_percent;
};

enum on_dangling { DANGLING_SKIP = 0, DANGLING_HOLD };

struct source {
	struct str name;
	struct place place;
	struct str digest; /* hex, of all that its mapping says */
	struct directory_config directory;
	struct people_rules people;
	struct group_rules groups;
	const struct grant_rule *grants;
	size_t grant_count;
	const struct account_rule *accounts;
	size_t account_count;
	struct names ceiling;
	struct guard_rules guard;
	int64_t grace_days;
	int on_dangling; /* enum on_dangling */
};

struct mapping {
	struct str path;
	const struct source *sources; /* in the file's order */
	size_t count;
};

bool mapping_load(struct arena *arena, struct str path, struct mapping *out,
    struct faults *faults);
/* The same from memory. */
bool mapping_parse(struct arena *arena, struct str path, struct str text,
    struct mapping *out, struct faults *faults);
/* Accounts that do not exist, roles that their catalogue does not know,
 * filtered roles (REQUIREMENTS S10) and personal accounts are faults. */
bool source_check(const struct mapping *mapping, const struct source *source,
    const struct state *state, struct faults *faults);

/* Does the name match? Then account and role are what the pattern took, out
 * of the roles that are given. Of several ways to match none is taken. */
enum pattern_result { PATTERN_NO = 0, PATTERN_ONE, PATTERN_SEVERAL };
enum pattern_result pattern_match(struct str pattern, struct str name,
    struct names roles, struct str *account, struct str *role);

#endif
