#include "model/json.h"

struct str
json_text(struct arena *arena, json_t *object)
{
	struct str text = { NULL, 0 };
	size_t len = json_dumpb(object, NULL, 0, JSON_COMPACT);
	char *bytes =
	    object != NULL && len > 0 ? arena_alloc(arena, len + 1, 1) : NULL;

	if (bytes != NULL &&
	    json_dumpb(object, bytes, len, JSON_COMPACT) == len)
		text = (struct str){ bytes, len };
	json_decref(object);
	return text;
}

json_t *
json_names(struct names names)
{
	json_t *list = json_array();

	for (size_t i = 0; i < names.count; i++)
		if (json_array_append_new(list, json_stringn(names.items[i].ptr,
						    names.items[i].len)) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}
