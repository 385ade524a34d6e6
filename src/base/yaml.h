/* yaml.h - a YAML file as a tree with positions, and a table that reads it.
 *
 * Every scalar is text (no YAML 1.1 magic); aliases, anchors, tags, several
 * documents, doubled keys, invalid UTF-8 and files over CONFIG_FILE_MAX are
 * faults. So is every byte that cannot be seen, but LF, CRLF and tab.
 *
 * A reader is a table of keys: unknown keys, wrong types, values out
 * of range and missing required keys are faults, each with file:line:column,
 * all at once. Booleans are yes, no, true, false and nothing else.
 *
 * Owner:   everything lives in the arena. */
#ifndef ROLEGATE_YAML_H
#define ROLEGATE_YAML_H

#include "base/fault.h"
#include "base/str.h"

enum yaml_kind { YAML_TEXT = 1, YAML_LIST, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	int line;
	int column;
	struct str text;                /* YAML_TEXT */
	const struct yaml_node *items;  /* YAML_LIST */
	const struct yaml_pair *pairs;  /* YAML_MAP, in the file's order */
	size_t count;                   /* items or pairs */
};

struct yaml_pair {
	struct yaml_node key; /* always YAML_TEXT */
	struct yaml_node value;
};

struct yaml_file {
	struct str path;
	const struct yaml_node *root;
};

/* An empty file is a fault. False when a fault was added; the root is still
 * there for reading on, so that all faults come at once, where the file could
 * be read to its end. */
bool yaml_load(struct arena *arena, struct str path, struct yaml_file *out,
    struct faults *faults);
/* The same from memory, for tests and fuzzing; `path` only names it. */
bool yaml_parse(struct arena *arena, struct str path, struct str text,
    struct yaml_file *out, struct faults *faults);
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

enum yaml_type {
	YAML_STR = 1, /* struct str, clean text */
	YAML_BOOL,    /* bool */
	YAML_INT,     /* int64_t between min and max */
	YAML_CHOICE,  /* int: index into choices */
	YAML_STRS,    /* struct names: a list of text, or one text */
	YAML_NODE,    /* const struct yaml_node *: the caller reads it */
};

/* One row: where a key lands and what it may be. */
struct yaml_key {
	const char *name;
	enum yaml_type type;
	size_t offset; /* offsetof() in the struct that is filled */
	bool required;
	bool reloadable;           /* by SIGHUP; for docs and --help */
	int64_t min;               /* YAML_INT */
	int64_t max;               /* YAML_INT */
	const char *const *choices; /* YAML_CHOICE, NULL at the end */
	const char *fallback;      /* as text, or NULL */
	const char *help;          /* one line */
};

/* Fills *into by the table, fallbacks first. False when it added a fault. */
bool yaml_read(const struct yaml_file *file, const struct yaml_node *map,
    const struct yaml_key *keys, size_t key_count, void *into,
    struct arena *arena, struct faults *faults);

#endif
