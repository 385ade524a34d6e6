/* A YAML file and a table over it: whole and believed, or faults; every place
 * is one in the file. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bounds.h"
#include "base/text.h"
#include "base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct record {
	struct str name;
	bool on;
	int64_t size;
	int colour;
	struct names tags;
	const struct yaml_node *more;
};

static const char *const colours[] = { "red", "green", NULL };

/* clang-format off */
#define AT(field) offsetof(struct record, field)
static const struct yaml_key keys[] = {
	{ .name = "name", .type = YAML_STR, .offset = AT(name), .required = true, .help = "name" },
	{ .name = "on", .type = YAML_BOOL, .offset = AT(on), .fallback = "yes", .help = "on" },
	{ .name = "size", .type = YAML_INT, .offset = AT(size), .min = -5, .max = 100, .fallback = "10", .help = "size" },
	{ .name = "colour", .type = YAML_CHOICE, .offset = AT(colour), .choices = colours, .fallback = "red", .help = "colour" },
	{ .name = "tags", .type = YAML_STRS, .offset = AT(tags), .help = "tags" },
	{ .name = "more", .type = YAML_NODE, .offset = AT(more), .help = "more" },
};
/* clang-format on */

static int
lines_of(struct str text)
{
	/* The parser ends a last line that has no newline, and reports what is
	 * missing at the end of the file behind it. */
	int lines = text.len > 0 && text.ptr[text.len - 1] != '\n' ? 2 : 1;

	for (size_t i = 0; i < text.len; i++)
		lines += text.ptr[i] == '\n';
	return lines;
}

/* Every node is of a kind, in a line of the file, and not too deep. */
static void
tree_check(const struct yaml_node *node, int lines, int depth)
{
	assert(depth <= YAML_DEPTH_MAX + 1);
	assert(node->line >= 1 && node->line <= lines && node->column >= 1);
	switch (node->kind) {
	case YAML_TEXT:
		assert(text_is_utf8(node->text));
		break;
	case YAML_LIST:
		for (size_t i = 0; i < node->count; i++)
			tree_check(&node->items[i], lines, depth + 1);
		break;
	case YAML_MAP:
		for (size_t i = 0; i < node->count; i++) {
			assert(node->pairs[i].key.kind == YAML_TEXT);
			tree_check(&node->pairs[i].key, lines, depth + 1);
			tree_check(&node->pairs[i].value, lines, depth + 1);
		}
		break;
	default:
		assert(false);
	}
}

static void
faults_check(const struct faults *faults, int lines)
{
	for (size_t i = 0; i < faults->kept; i++) {
		const struct fault *f = &faults->items[i];

		assert(f->line >= 1 && f->line <= lines && f->column >= 1);
		assert(f->text.len > 0);
	}
}

static void
record_check(const struct record *r)
{
	assert(r->name.len > 0 && text_is_clean(r->name));
	assert(r->size >= -5 && r->size <= 100);
	assert(r->colour == 0 || r->colour == 1);
	for (size_t i = 0; i < r->tags.count; i++)
		assert(r->tags.items[i].len > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { .max_bytes = (size_t)256 * 1024 * 1024 };
	struct faults faults = { 0 };
	struct str text = { (const char *)data, size };
	int lines = lines_of(text);
	struct record record = { 0 };
	struct yaml_file file;
	bool ok = yaml_parse(&arena, STR("f"), text, &file, &faults);

	assert(ok == (faults.count == 0));
	assert(!ok || file.root != NULL);
	if (file.root != NULL) {
		tree_check(file.root, lines, 1);
		ok = yaml_read(&file, file.root, keys,
			 sizeof(keys) / sizeof(keys[0]), &record, &arena,
			 &faults) &&
		     ok;
		assert(ok == (faults.count == 0));
	}
	if (ok)
		record_check(&record);
	faults_check(&faults, lines);
	faults_free(&faults);
	arena_free(&arena);
	return 0;
}
