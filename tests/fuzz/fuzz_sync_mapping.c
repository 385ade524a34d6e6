/* A mapping file: whole and believed, or faults; never both, never neither. */
#include <assert.h>
#include <stddef.h>

#include "sync/mapping.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { .max_bytes = (size_t)64 * 1024 * 1024 };
	struct faults faults = { 0 };
	struct mapping mapping = { 0 };
	bool ok = mapping_parse(&arena, STR("fuzz.yaml"),
	    (struct str){ (const char *)data, size }, &mapping, &faults);

	assert(ok == (faults.count == 0));
	for (size_t i = 0; ok && i < mapping.count; i++) {
		const struct source *s = &mapping.sources[i];

		assert(s->name.len > 0 && s->directory.urls.count > 0);
		assert(s->directory.tls != TLS_UNSET);
		assert(s->directory.bind != BIND_UNSET);
		assert(s->guard.members_percent >= 5);
		assert(s->guard.account_percent >= 20);
	}
	faults_free(&faults);
	arena_free(&arena);
	return 0;
}
