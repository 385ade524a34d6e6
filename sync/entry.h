/* entry.h - one directory entry, copied out of the library's hands.
 *
 * Shape:   values are outside bytes: any length, any content. Entries and
 *          values are sorted by bytes, so that the order in which a server
 *          answers changes nothing.
 * Owner:   the arena of the run. */
#ifndef ROLEGATE_ENTRY_H
#define ROLEGATE_ENTRY_H

#include "base/str.h"

struct attribute {
	struct str name; /* as the server spells it, options included */
	struct names values;
};

struct entry {
	struct str dn;
	const struct attribute *attributes;
	size_t attribute_count;
};

struct entries {
	struct entry *items;
	size_t count;
	size_t cap;
};

/* The values of an attribute, whatever the case of its name; none when it is
 * absent. `cn;lang-de` is not `cn`. */
struct names entry_values(const struct entry *entry, struct str attribute);
/* A server that sends a part of the values says so by an option:
 * member;range=0-1499. The attribute's name, or NULL when all is there. */
const struct str *entry_range(const struct entry *entry);
void entries_sort(struct entries *entries);

#endif
