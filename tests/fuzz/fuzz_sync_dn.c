/* A DN as a server sends it: normal twice is normal once, and a filter holds
 * whatever is put into it. */
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "sync/dn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { .max_bytes = (size_t)64 * 1024 * 1024 };
	struct str in = { (const char *)data, size };
	struct str once = { 0 };
	struct str twice = { 0 };
	struct str filter;

	if (size > 65536)
		return 0;
	if (dn_normal(&arena, in, &once) == DN_OK) {
		enum dn_result again = dn_normal(&arena, once, &twice);

		assert(again != DN_OK || str_eq(once, twice));
		assert(again != DN_BAD || memchr(once.ptr, '#', once.len));
	}
	filter = filter_equals(&arena, STR("uid"), in);
	assert(filter.ptr == NULL ||
	       (filter.len >= 6 && filter.ptr[filter.len - 1] == ')'));
	for (size_t i = 5; filter.ptr != NULL && i + 1 < filter.len; i++)
		assert(strchr("()*", filter.ptr[i]) == NULL);
	arena_free(&arena);
	return 0;
}
