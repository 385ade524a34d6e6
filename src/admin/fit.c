#include "admin/change.h"
#include "publish/record.h"

/* A record that does not fit would stop the publishing of everything, the
 * revocations of others too: so the change that makes it is refused. Key and
 * namespace do not matter to the size but for their longest. */
bool
rule_record_fits(const struct member *member, struct err *err)
{
	static const struct record_key any_key = { { 0 } };
	struct arena arena = { 0 };
	struct str name;
	bool fits;

	/* Far from the bound there is nothing to measure. */
	if (member->grant_count == 0)
		return true;
	name = record_name(&arena,
	    STR("0123456789012345678901234567890123456789012345678901234567890"
		"123"),
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
