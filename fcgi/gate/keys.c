#include "fcgi/gate/keys.h"

#include <string.h>

#include "base/bounds.h"

static bool
has_name(int kind)
{
	return kind != RECORD_GENERATION && kind != RECORD_HEARTBEAT;
}

bool
keys_make(struct keys *out, struct arena *arena, struct str ns, struct err *err)
{
	*out = (struct keys){ .all = record_prefix(arena, ns) };
	for (int kind = RECORD_MEMBER; kind <= RECORD_HEARTBEAT; kind++) {
		/* A key has a name; the prefix is what is before it. */
		struct str prefix =
		    record_name(arena, ns, (enum record_kind)kind, STR("x"));

		if (prefix.ptr == NULL || out->all.ptr == NULL)
			return err_set(err, ERR_FILE, "view_namespace",
			    "'%.*s' cannot be the view's namespace: use 1 to "
			    "%d bytes without braces and control characters",
			    STR_ARGS(ns), NAMESPACE_MAX);
		if (has_name(kind))
			prefix.len--;
		out->prefix[kind] = prefix;
	}
	return true;
}

struct str
keys_key(const struct keys *keys, struct arena *arena, enum record_kind kind,
    struct str name)
{
	struct str prefix = keys->prefix[kind];
	char *key = arena_alloc(arena, prefix.len + name.len + 1, 1);

	if (key == NULL)
		return (struct str){ NULL, 0 };
	memcpy(key, prefix.ptr, prefix.len);
	if (name.len > 0)
		memcpy(key + prefix.len, name.ptr, name.len);
	return (struct str){ key, prefix.len + name.len };
}

bool
keys_match(const struct keys *keys, struct str key, enum record_kind *kind,
    struct str *name)
{
	for (int k = RECORD_MEMBER; k <= RECORD_HEARTBEAT; k++) {
		struct str prefix = keys->prefix[k];

		if (!str_starts(key, prefix) ||
		    (!has_name(k) && key.len != prefix.len))
			continue;
		*kind = (enum record_kind)k;
		*name =
		    (struct str){ key.ptr + prefix.len, key.len - prefix.len };
		return true;
	}
	return false;
}
