/* keys.h - which Redis key is which record.
 *
 * Made once of record_name(), the only function that knows the names. A key is
 * the prefix of its kind and a name; generation and heartbeat have no name. */
#ifndef ROLEGATE_GATE_KEYS_H
#define ROLEGATE_GATE_KEYS_H

#include "publish/record.h"

struct keys {
	struct str prefix[RECORD_HEARTBEAT + 1]; /* by enum record_kind */
	struct str all; /* what all of them begin with */
};

bool keys_make(
    struct keys *out, struct arena *arena, struct str ns, struct err *err);
/* `name` as it stands in keys: usernames folded. */
struct str keys_key(const struct keys *keys, struct arena *arena,
    enum record_kind kind, struct str name);
/* False when the key is no record that the gate reads. */
bool keys_match(const struct keys *keys, struct str key, enum record_kind *kind,
    struct str *name);

#endif
