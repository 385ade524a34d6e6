#include <string.h>

#include "admin/change.h"
#include "base/bounds.h"
#include "publish/record.h"

static size_t
names_bytes(struct names names)
{
	size_t bytes = names.count;

	for (size_t i = 0; i < names.count; i++)
		bytes += names.items[i].len;
	return bytes;
}

/* Far from the bound there is nothing to measure. */
static bool
is_small(const struct member *member)
{
	size_t bytes = 0;

	for (size_t i = 0; i < member->grant_count; i++) {
		const struct grant *g = &member->grants[i];

		bytes += 64 + g->account.len + g->role.len + g->source.len +
			 names_bytes(g->licences) + names_bytes(g->filters);
	}
	return bytes < RECORD_MAX / 2;
}

/* A record that does not fit would stop the publishing of everything, the
 * revocations of others too: so the change that makes it is refused. Key and
 * namespace do not matter to the size but for their longest. */
bool
rule_record_fits(const struct member *member, struct err *err)
{
	static const struct record_key any_key = { { 0 } };
	char longest[NAMESPACE_MAX];
	struct arena arena = { 0 };
	struct str name;
	bool fits;

	if (is_small(member))
		return true;
	memset(longest, 'n', sizeof(longest));
	name = record_name(&arena, (struct str){ longest, sizeof(longest) },
	    RECORD_MEMBER, member->username);
	fits = record_member(&arena, &any_key, name, member).ptr != NULL;
	arena_free(&arena);
	return fits ||
	       err_set(err, ERR_REFUSED, "record_too_large",
		   "member %.*s: has more roles and filters than fit into one "
		   "record; give fewer filters, or roles further up in the "
		   "tree",
		   STR_ARGS(member->username));
}
