#include "publish/touched.h"

#define PAGE_ROWS ((size_t)1000)
#define SLOTS	  (TOUCHED_MAX * 2)

static bool
touched_add(struct touched *touched, struct arena *arena, struct str name)
{
	size_t at = str_hash(name) % SLOTS;

	for (; touched->slots[at] != 0; at = (at + 1) % SLOTS)
		if (str_eq(touched->names[touched->slots[at] - 1], name))
			return true;
	if (touched->count == TOUCHED_MAX) {
		touched->whole = true;
		return true;
	}
	name = str_copy(arena, name);
	touched->names[touched->count++] = name;
	touched->slots[at] = (uint32_t)touched->count;
	return name.ptr != NULL;
}

static bool
list_add(struct touched *touched, struct arena *arena, struct str list)
{
	struct str name;

	while (!touched->whole && str_next(&list, '\n', &name))
		if (name.len > 0 && !touched_add(touched, arena, name))
			return false;
	return true;
}

bool
touched_collect(struct touched *touched, struct store *store,
    struct arena *arena, int64_t after_seq, struct err *err)
{
	struct arena page = { 0 };
	size_t count = PAGE_ROWS;
	bool ok = true;

	while (ok && !touched->whole && count == PAGE_ROWS) {
		struct history_row *rows = NULL;

		ok = store_history(
		    store, &page, after_seq, PAGE_ROWS, &rows, &count, err);
		for (size_t i = 0; ok && i < count; i++) {
			after_seq = rows[i].seq;
			ok = list_add(touched, arena, rows[i].touches) ||
			     err_set(err, ERR_BUG, "no_memory",
				 "publishing: memory is out; give the process "
				 "more");
		}
		arena_reset(&page);
	}
	arena_free(&page);
	return ok;
}
