/* A configuration of nginx, alone or as nginx -T prints it, read and linted.
 * Includes lead nowhere: no file is opened. Whole or faults, and each finding
 * has a place in what was read. */
#include <assert.h>
#include <string.h>

#include "nginx/lint.h"
#include "nginx/where.h"

#define MEMORY_MAX ((size_t)256 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
tree_check(const struct directive *block)
{
	size_t count = 1;

	for (const struct directive *d = block->first; d != NULL; d = d->next) {
		assert(d->parent == block && d->line > 0);
		assert(d->is_block || d->first == NULL);
		count += tree_check(d);
	}
	return count;
}

static void
findings_check(struct arena *arena, const struct findings *found)
{
	for (size_t i = 0; i < found->count; i++) {
		struct str text = finding_text(arena, &found->items[i]);

		assert(text.ptr == NULL || text.len > 0);
		assert(found->items[i].at->line > 0);
		assert(found->items[i].rule->code != NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { .max_bytes = MEMORY_MAX };
	struct faults faults = { 0 };
	struct findings found = { 0 };
	struct str text = { (const char *)data, size };
	const struct directive *root;

	/* Files of this machine are none of the input's. */
	if (size > 0 &&
	    memmem(data, size, "# configuration file /", 22) == NULL &&
	    memmem(data, size, "include", 7) != NULL)
		return 0;
	root = conf_read(&arena, STR("fuzz.conf"), &text, &faults);
	assert((root != NULL) == (faults.count == 0));
	if (root != NULL) {
		assert(tree_check(root) > 0);
		if (nginx_lint(root, &arena, &found, &faults))
			findings_check(&arena, &found);
		nginx_where(
		    root, &(struct where){ STR("a.test"), 80, STR("/a/b") });
	}
	faults_free(&faults);
	arena_free(&arena);
	return 0;
}
