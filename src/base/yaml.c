#include "base/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/bounds.h"
#include "base/text.h"

#define NEAR_MAX   64 /* a longer key has no suggestion */
#define NEAR_EDITS 2

/* --- The tree ------------------------------------------------------------ */

struct builder {
	struct arena *arena;
	struct str path;
	struct faults *faults;
	yaml_parser_t parser;
	yaml_event_t event;
	bool has_event;
	bool broken; /* the parser cannot go on */
	int nested;
};

#define FAULT_AT(b, line, column, code, ...) \
	fault_add((b)->faults, (b)->path, line, column, code, __VA_ARGS__)

static int
line_of(const yaml_event_t *event)
{
	return (int)event->start_mark.line + 1;
}

static int
column_of(const yaml_event_t *event)
{
	return (int)event->start_mark.column + 1;
}

static void
no_memory(struct builder *b)
{
	if (!b->broken)
		FAULT_AT(b, 0, 0, "no_memory",
		    "memory is out; give the process more");
	b->broken = true;
}

/* libyaml's own words, with the line that it was still busy with. */
static void
syntax_fault(struct builder *b)
{
	const yaml_parser_t *p = &b->parser;
	int line = (int)p->problem_mark.line + 1;
	int column = (int)p->problem_mark.column + 1;

	if (p->error == YAML_MEMORY_ERROR || p->problem == NULL)
		no_memory(b);
	else if (p->context != NULL)
		FAULT_AT(b, line, column, "yaml_syntax",
		    "%s that begins in line %zu: %s", p->context,
		    p->context_mark.line + 1, p->problem);
	else
		FAULT_AT(b, line, column, "yaml_syntax", "%s", p->problem);
	b->broken = true;
}

/* The next event; the one before is released. False at a syntax error. */
static bool
next(struct builder *b)
{
	if (b->has_event)
		yaml_event_delete(&b->event);
	b->has_event = yaml_parser_parse(&b->parser, &b->event) == 1;
	if (!b->has_event)
		syntax_fault(b);
	return b->has_event;
}

/* Only what the file says as text counts: no tag, no name for later. */
static void
plain_check(
    struct builder *b, const yaml_char_t *tag, const yaml_char_t *anchor)
{
	if (tag != NULL)
		FAULT_AT(b, line_of(&b->event), column_of(&b->event),
		    "yaml_tag",
		    "tags are not read here; write the value alone");
	if (anchor != NULL)
		FAULT_AT(b, line_of(&b->event), column_of(&b->event),
		    "yaml_anchor",
		    "anchors are not read here; write the value where it is "
		    "used");
}

static bool node_build(struct builder *b, struct yaml_node *out);

static bool
text_build(struct builder *b, struct yaml_node *out)
{
	out->kind = YAML_TEXT;
	out->text = str_copy(
	    b->arena, (struct str){ (const char *)b->event.data.scalar.value,
			  b->event.data.scalar.length });
	if (out->text.ptr == NULL)
		no_memory(b);
	return !b->broken;
}

static bool
list_build(struct builder *b, struct yaml_node *out)
{
	struct yaml_node *items = NULL;
	size_t cap = 0;

	out->kind = YAML_LIST;
	while (next(b) && b->event.type != YAML_SEQUENCE_END_EVENT) {
		items = arena_grow(
		    b->arena, items, out->count, &cap, sizeof(*items));
		if (items == NULL) {
			no_memory(b);
			return false;
		}
		if (!node_build(b, &items[out->count]))
			return false;
		out->count++;
	}
	out->items = items;
	return !b->broken;
}

static bool
pair_build(struct builder *b, struct yaml_pair *pair)
{
	if (!node_build(b, &pair->key))
		return false;
	if (pair->key.kind != YAML_TEXT) {
		FAULT_AT(b, pair->key.line, pair->key.column, "yaml_type",
		    "a list or map cannot be a key; write one word");
		pair->key = (struct yaml_node){ .kind = YAML_TEXT,
			.line = pair->key.line,
			.column = pair->key.column };
	}
	return next(b) && node_build(b, &pair->value);
}

/* False where a fault was reported in the place of a text. */
static bool
is_readable(const struct yaml_node *node)
{
	return node->kind != YAML_TEXT || node->text.ptr != NULL;
}

static int
pair_order(const void *a, const void *b)
{
	const struct yaml_node *x = &(*(const struct yaml_pair *const *)a)->key;
	const struct yaml_node *y = &(*(const struct yaml_pair *const *)b)->key;
	int order = str_cmp(x->text, y->text);

	if (order == 0)
		order = x->line - y->line;
	return order != 0 ? order : x->column - y->column;
}

static void
doubles_check(struct builder *b, const struct yaml_node *map)
{
	const struct yaml_pair **sorted =
	    ARENA_ARRAY(b->arena, const struct yaml_pair *, map->count + 1);

	if (sorted == NULL) {
		no_memory(b);
		return;
	}
	for (size_t i = 0; i < map->count; i++)
		sorted[i] = &map->pairs[i];
	qsort(sorted, map->count, sizeof(*sorted), pair_order);
	for (size_t i = 1; i < map->count; i++) {
		const struct yaml_node *key = &sorted[i]->key;

		if (is_readable(key) &&
		    str_eq(sorted[i - 1]->key.text, key->text))
			FAULT_AT(b, key->line, key->column, "yaml_double_key",
			    "%.*s: stands in line %d as well; take one away",
			    STR_ARGS(key->text), sorted[i - 1]->key.line);
	}
}

static bool
map_build(struct builder *b, struct yaml_node *out)
{
	struct yaml_pair *pairs = NULL;
	size_t cap = 0;

	out->kind = YAML_MAP;
	while (next(b) && b->event.type != YAML_MAPPING_END_EVENT) {
		pairs = arena_grow(
		    b->arena, pairs, out->count, &cap, sizeof(*pairs));
		if (pairs == NULL) {
			no_memory(b);
			return false;
		}
		if (!pair_build(b, &pairs[out->count]))
			return false;
		out->count++;
	}
	out->pairs = pairs;
	if (!b->broken)
		doubles_check(b, out);
	return !b->broken;
}

static bool
nested_build(struct builder *b, struct yaml_node *out)
{
	bool ok;

	if (b->nested == YAML_DEPTH_MAX) {
		FAULT_AT(b, out->line, out->column, "yaml_depth",
		    "stands deeper than %d levels; write it flatter",
		    YAML_DEPTH_MAX);
		b->broken = true;
		return false;
	}
	b->nested++;
	ok = b->event.type == YAML_SEQUENCE_START_EVENT ? list_build(b, out)
							: map_build(b, out);
	b->nested--;
	return ok;
}

/* From the event that begins a node to the one that ends it. */
static bool
node_build(struct builder *b, struct yaml_node *out)
{
	const yaml_event_t *e = &b->event;

	*out = (struct yaml_node){ .line = line_of(e), .column = column_of(e) };
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		plain_check(b, e->data.scalar.tag, e->data.scalar.anchor);
		return text_build(b, out);
	case YAML_SEQUENCE_START_EVENT:
		plain_check(b, e->data.sequence_start.tag,
		    e->data.sequence_start.anchor);
		return nested_build(b, out);
	case YAML_MAPPING_START_EVENT:
		plain_check(
		    b, e->data.mapping_start.tag, e->data.mapping_start.anchor);
		return nested_build(b, out);
	case YAML_ALIAS_EVENT:
		FAULT_AT(b, out->line, out->column, "yaml_alias",
		    "aliases are not read here; write the value again");
		out->kind = YAML_TEXT;
		return true;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		break;
	}
	/* The parser's grammar has no other event here. */
	FAULT_AT(b, out->line, out->column, "yaml_syntax",
	    "is not a value; correct the line");
	b->broken = true;
	return false;
}

/* One document and no more. */
static const struct yaml_node *
document_build(struct builder *b)
{
	struct yaml_node *root = ARENA_NEW(b->arena, struct yaml_node);

	if (root == NULL) {
		no_memory(b);
		return NULL;
	}
	if (!next(b) || !next(b)) /* the stream, the document */
		return NULL;
	if (b->event.type != YAML_DOCUMENT_START_EVENT) {
		FAULT_AT(b, 1, 1, "yaml_empty",
		    "the file is empty; write at least one key");
		return NULL;
	}
	if (!next(b) || !node_build(b, root) || !next(b) || !next(b))
		return NULL;
	if (b->event.type != YAML_STREAM_END_EVENT)
		FAULT_AT(b, line_of(&b->event), column_of(&b->event),
		    "yaml_documents",
		    "a second document begins here; one file is one");
	return root;
}

/* --- The bytes ----------------------------------------------------------- */

static size_t
char_bytes(struct str rest)
{
	unsigned char first = (unsigned char)rest.ptr[0];
	size_t bytes = first < 0xc0   ? 1
		       : first < 0xe0 ? 2
		       : first < 0xf0 ? 3
				      : 4;

	return bytes <= rest.len ? bytes : rest.len;
}

/* A line break that only some programs show could hide a key, so that only LF
 * and CRLF are one. The rest is what YAML 1.1 section 5.1 leaves out. */
static bool
char_check(struct builder *b, struct str one, int line, int column)
{
	if (!text_is_utf8(one)) {
		FAULT_AT(b, line, column, "yaml_not_utf8",
		    "is not UTF-8 from here; save the file as UTF-8");
		return false;
	}
	if (!str_eq(one, STR("\t")) &&
	    (!text_is_clean(one) || str_eq(one, STR("\xef\xbb\xbf")) ||
		str_eq(one, STR("\xef\xbf\xbe")) ||
		str_eq(one, STR("\xef\xbf\xbf")))) {
		FAULT_AT(b, line, column, "yaml_control",
		    "has a character here that cannot be seen; take it out");
		return false;
	}
	return true;
}

static void
line_check(struct builder *b, struct str rest, int line)
{
	for (int column = 1; rest.len > 0; column++) {
		size_t bytes = char_bytes(rest);

		if (!char_check(
			b, (struct str){ rest.ptr, bytes }, line, column))
			return;
		rest.ptr += bytes;
		rest.len -= bytes;
	}
}

/* Before the parser sees them: it has no place for what it cannot read. */
static bool
bytes_check(struct builder *b, struct str text)
{
	size_t before = b->faults->count;
	struct str rest = text;
	struct str one;

	for (int line = 1; str_next(&rest, '\n', &one); line++) {
		if (rest.ptr != NULL && one.len > 0 &&
		    one.ptr[one.len - 1] == '\r')
			one.len--;
		line_check(b, one, line);
	}
	return b->faults->count == before;
}

static void
tree_build(struct builder *b, struct str text, struct yaml_file *out)
{
	if (yaml_parser_initialize(&b->parser) != 1) {
		no_memory(b);
		return;
	}
	yaml_parser_set_encoding(&b->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b->parser,
	    (const unsigned char *)(text.ptr != NULL ? text.ptr : ""),
	    text.len);
	out->root = document_build(b);
	if (b->broken)
		out->root = NULL;
	if (b->has_event)
		yaml_event_delete(&b->event);
	yaml_parser_delete(&b->parser);
}

bool
yaml_parse(struct arena *arena, struct str path, struct str text,
    struct yaml_file *out, struct faults *faults)
{
	struct builder b = { .arena = arena, .path = path, .faults = faults };
	size_t before = faults->count;

	*out = (struct yaml_file){ .path = path };
	if (text.len > CONFIG_FILE_MAX) {
		FAULT_AT(&b, 1, 1, "yaml_too_large",
		    "the file has more than %d bytes; make it shorter",
		    CONFIG_FILE_MAX);
		return false;
	}
	if (str_starts(text, STR("\xef\xbb\xbf"))) { /* U+FEFF, of editors */
		text.ptr += 3;
		text.len -= 3;
	}
	if (bytes_check(&b, text))
		tree_build(&b, text, out);
	return faults->count == before;
}

static bool
file_read(FILE *in, char *text, size_t *len)
{
	*len = fread(text, 1, (size_t)CONFIG_FILE_MAX + 1, in);
	return ferror(in) == 0;
}

bool
yaml_load(struct arena *arena, struct str path, struct yaml_file *out,
    struct faults *faults)
{
	struct str name = str_copy(arena, path); /* NUL-terminated */
	char *text = malloc((size_t)CONFIG_FILE_MAX + 1);
	FILE *in = name.ptr != NULL ? fopen(name.ptr, "re") : NULL;
	size_t len = 0;
	bool ok = false;

	*out = (struct yaml_file){ .path = path };
	if (in == NULL || text == NULL || !file_read(in, text, &len))
		fault_add(faults, path, 0, 0, "file_read",
		    "cannot be read: %s; name a file that is there",
		    strerror(errno));
	else
		ok = yaml_parse(
		    arena, name, (struct str){ text, len }, out, faults);
	if (in != NULL)
		fclose(in);
	free(text);
	return ok;
}

const struct yaml_node *
yaml_get(const struct yaml_node *map, const char *key)
{
	if (map == NULL || map->kind != YAML_MAP)
		return NULL;
	for (size_t i = 0; i < map->count; i++)
		if (str_eq(map->pairs[i].key.text, str_from(key)))
			return &map->pairs[i].value;
	return NULL;
}

/* --- The table ----------------------------------------------------------- */

struct table {
	const struct yaml_file *file;
	const struct yaml_key *keys;
	size_t count;
	char *into;
	struct arena *arena;
	struct faults *faults;
};

#define FAULT(t, node, code, ...)                                             \
	fault_add((t)->faults, (t)->file->path, (node)->line, (node)->column, \
	    code, __VA_ARGS__)

/* Edits of one letter between two words (Wagner and Fischer, 1974). */
static size_t
distance(struct str a, struct str b)
{
	size_t row[NEAR_MAX + 1];

	if (a.len > NEAR_MAX || b.len > NEAR_MAX)
		return NEAR_MAX;
	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t best =
			    corner + (a.ptr[i - 1] != b.ptr[j - 1] ? 1 : 0);

			corner = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b.len];
}

static void
unknown_key(struct table *t, const struct yaml_node *key)
{
	bool short_one = key->text.len > 0 && key->text.len <= NEAR_MAX;
	struct str shown = short_one ? key->text : STR("this");
	const char *near = NULL;
	size_t nearest = NEAR_EDITS + 1;

	for (size_t i = 0; short_one && i < t->count; i++) {
		size_t d = distance(key->text, str_from(t->keys[i].name));

		/* Two of three letters are a guess and no help. */
		if (d < nearest && d * 2 <= key->text.len) {
			nearest = d;
			near = t->keys[i].name;
		}
	}
	FAULT(t, key, "yaml_unknown_key", "%.*s: is not a key here%s%s%s",
	    STR_ARGS(shown), near != NULL ? "; did you mean " : "",
	    near != NULL ? near : "", near != NULL ? "?" : "; take it out");
}

static bool
text_good(
    struct table *t, const struct yaml_key *key, const struct yaml_node *node)
{
	if (!is_readable(node))
		return false;
	if (node->kind != YAML_TEXT) {
		FAULT(t, node, "yaml_type", "%s: write one value", key->name);
		return false;
	}
	if (node->text.len == 0) {
		FAULT(t, node, "yaml_value",
		    "%s: is empty; write a value or take the key out",
		    key->name);
		return false;
	}
	if (!text_is_clean(node->text)) {
		FAULT(t, node, "yaml_value",
		    "%s: has a control character; take it out", key->name);
		return false;
	}
	return true;
}

static void
bool_put(struct table *t, const struct yaml_key *key,
    const struct yaml_node *node, void *at)
{
	bool yes =
	    str_eq(node->text, STR("yes")) || str_eq(node->text, STR("true"));

	if (yes || str_eq(node->text, STR("no")) ||
	    str_eq(node->text, STR("false")))
		*(bool *)at = yes;
	else
		FAULT(t, node, "yaml_value", "%s: write yes or no", key->name);
}

static void
choice_put(struct table *t, const struct yaml_key *key,
    const struct yaml_node *node, void *at)
{
	struct str words = STR("");

	for (int i = 0; key->choices[i] != NULL; i++) {
		if (str_eq(node->text, str_from(key->choices[i]))) {
			*(int *)at = i;
			return;
		}
		words = str_fmt(t->arena, "%.*s%s%s", STR_ARGS(words),
		    i > 0 ? ", " : "", key->choices[i]);
	}
	FAULT(t, node, "yaml_value", "%s: write one of %.*s", key->name,
	    STR_ARGS(words));
}

static void
list_put(struct table *t, const struct yaml_key *key,
    const struct yaml_node *node, struct names *at)
{
	size_t count = node->kind == YAML_LIST ? node->count : 1;
	const struct yaml_node *items =
	    node->kind == YAML_LIST ? node->items : node;
	struct str *list;

	if (node->kind == YAML_MAP || count == 0) {
		FAULT(t, node, "yaml_type", "%s: write a value or a list",
		    key->name);
		return;
	}
	list = ARENA_ARRAY(t->arena, struct str, count);
	if (list == NULL) {
		FAULT(t, node, "no_memory",
		    "memory is out; give the process more");
		return;
	}
	for (size_t i = 0; i < count; i++)
		if (text_good(t, key, &items[i]))
			list[i] = items[i].text;
	*at = (struct names){ list, count };
}

static void
value_put(
    struct table *t, const struct yaml_key *key, const struct yaml_node *node)
{
	void *at = t->into + key->offset;

	if (key->type == YAML_NODE) {
		*(const struct yaml_node **)at = node;
		return;
	}
	if (key->type == YAML_STRS) {
		list_put(t, key, node, at);
		return;
	}
	if (!text_good(t, key, node))
		return;
	switch (key->type) {
	case YAML_STR:
		*(struct str *)at = node->text;
		break;
	case YAML_BOOL:
		bool_put(t, key, node, at);
		break;
	case YAML_INT:
		if (!str_to_i64(node->text, key->min, key->max, at))
			FAULT(t, node, "yaml_value",
			    "%s: write a number from %lld to %lld", key->name,
			    (long long)key->min, (long long)key->max);
		break;
	case YAML_CHOICE:
		choice_put(t, key, node, at);
		break;
	case YAML_STRS:
	case YAML_NODE:
		break;
	}
}

static const struct yaml_key *
key_find(const struct table *t, struct str name)
{
	for (size_t i = 0; i < t->count; i++)
		if (str_eq(name, str_from(t->keys[i].name)))
			return &t->keys[i];
	return NULL;
}

/* What the file does not say: fallbacks, and what is missing. */
static void
absent_put(struct table *t, const struct yaml_node *map)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct yaml_key *key = &t->keys[i];
		const struct yaml_node fallback = {
			.kind = YAML_TEXT,
			.line = map->line,
			.column = map->column,
			.text = str_from(key->fallback),
		};

		if (key->fallback != NULL)
			value_put(t, key, &fallback);
		if (key->required && yaml_get(map, key->name) == NULL)
			FAULT(t, map, "yaml_missing",
			    "%s: is missing here; it is %s", key->name,
			    key->help);
	}
}

bool
yaml_read(const struct yaml_file *file, const struct yaml_node *map,
    const struct yaml_key *keys, size_t key_count, void *into,
    struct arena *arena, struct faults *faults)
{
	struct table t = { file, keys, key_count, into, arena, faults };
	size_t before = faults->count;

	if (map->kind != YAML_MAP) {
		FAULT(&t, map, "yaml_type",
		    "write keys and values here, one a line");
		return false;
	}
	absent_put(&t, map);
	for (size_t i = 0; i < map->count; i++) {
		const struct yaml_pair *pair = &map->pairs[i];
		const struct yaml_key *key = key_find(&t, pair->key.text);

		if (!is_readable(&pair->key))
			continue;
		if (key == NULL)
			unknown_key(&t, &pair->key);
		else
			value_put(&t, key, &pair->value);
	}
	return faults->count == before;
}
