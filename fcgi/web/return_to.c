#include "fcgi/web/return_to.h"

#include "fcgi/web/limits.h"

static bool
is_plain(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c <= ' ' || c >= 0x7f || c == '\\')
			return false;
	}
	return text.len <= RETURN_MAX;
}

static bool
is_path(struct str text)
{
	return text.len > 0 && text.ptr[0] == '/' &&
	       (text.len == 1 || text.ptr[1] != '/');
}

static bool
is_of(struct str origin, struct str wanted)
{
	struct str path;

	if (origin.len == 0 || !str_starts(wanted, origin))
		return false;
	path = (struct str){ wanted.ptr + origin.len, wanted.len - origin.len };
	return path.len == 0 || is_path(path);
}

struct str
return_to(const struct config_web *config, struct str wanted)
{
	if (!is_plain(wanted))
		return STR("/");
	if (is_path(wanted) || is_of(config->origin, wanted))
		return wanted;
	for (size_t i = 0; i < config->return_origins.count; i++)
		if (is_of(config->return_origins.items[i], wanted))
			return wanted;
	return STR("/");
}
