/* A catalogue's YAML, a line of "...", and its CSV: whole and believed, or
 * faults; never both, never neither. */
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/bounds.h"
#include "model/catalogue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
whole_check(const struct catalogue *c)
{
	uint64_t all = c->role_count < 64 ? (UINT64_C(1) << c->role_count) - 1
					  : UINT64_MAX;

	assert(c->name.len > 0 && c->name.len <= CATALOGUE_NAME_MAX);
	assert(c->role_count >= 1 && c->role_count <= ROLES_PER_CATALOGUE_MAX);
	assert(c->top >= -1 && c->top < (int)c->role_count);
	for (size_t r = 0; r < c->role_count; r++) {
		assert(catalogue_role(c, c->roles[r].name) == (int)r);
		assert((c->roles[r].may_give & ~all) == 0);
		assert(c->roles[r].filtered ==
		       (c->roles[r].filtered_level.len > 0));
	}
	assert(c->permission_count >= 1);
	for (size_t p = 0; p < c->permission_count; p++) {
		const struct permission *permission = &c->permissions[p];

		assert(catalogue_permission(c, permission->name) == permission);
		assert((permission->roles & ~all) == 0);
		assert((permission->need == LICENCE_SET) ==
		       (permission->licences.count > 0));
		for (int r = 1; c->ladder && r < (int)c->role_count; r++)
			assert(!role_has(r - 1, permission) ||
			       role_has(r, permission));
	}
	for (size_t o = 0; o < c->operation_count; o++) {
		assert(c->operations[o].needs.count > 0);
		for (size_t n = 0; n < c->operations[o].needs.count; n++)
			assert(catalogue_permission(
			    c, c->operations[o].needs.items[n]));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { .max_bytes = (size_t)64 * 1024 * 1024 };
	struct faults faults = { 0 };
	struct str yaml = { (const char *)data, size };
	struct str csv = { NULL, 0 };
	const char *end = memmem(data, size, "\n...\n", 5);
	const struct catalogue *c;

	if (end != NULL) {
		yaml.len = (size_t)(end - yaml.ptr) + 1;
		csv = (struct str){ end + 5, size - yaml.len - 4 };
	}
	c = catalogue_parse(&arena, STR("fuzz.yaml"), yaml, csv, &faults);
	assert((c != NULL) == (faults.count == 0));
	if (c != NULL)
		whole_check(c);
	faults_free(&faults);
	arena_free(&arena);
	return 0;
}
