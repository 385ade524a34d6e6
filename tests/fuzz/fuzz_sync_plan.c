/* A saved plan: what is read back is written the same way again. */
#include <assert.h>
#include <stddef.h>

#include "sync/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { .max_bytes = (size_t)64 * 1024 * 1024 };
	struct plan plan = { 0 };
	struct plan again = { 0 };
	struct err e = { 0 };

	if (plan_from_json(
		&plan, &arena, (struct str){ (const char *)data, size }, &e)) {
		struct str once = plan_to_json(&arena, &plan);

		assert(once.ptr == NULL ||
		       plan_from_json(&again, &arena, once, &e));
		assert(once.ptr == NULL ||
		       str_eq(once, plan_to_json(&arena, &again)));
	} else
		assert(e.code != NULL);
	arena_free(&arena);
	return 0;
}
