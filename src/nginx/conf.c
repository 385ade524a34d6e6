#include "nginx/conf.h"

#include <fnmatch.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bounds.h"
#include "model/csv.h"
#include "nginx/words.h"

/* One file of what `nginx -T` prints. */
struct dumped {
	struct str path;
	struct str text;
	bool included;
};

struct reading {
	struct arena *arena;
	struct faults *faults;
	struct str folder; /* that includes are relative to, with its slash */
	bool is_lost; /* a site's file, with no nginx.conf above it */
	struct dumped *dump; /* NULL: files are read */
	size_t dump_count;
	size_t files; /* and includes */
	size_t bytes;
	size_t directives;
};

static bool
refuse(struct reading *r, struct str file, int line, const char *code,
    const char *says)
{
	fault_add(r->faults, file, line, 1, code, "%s", says);
	return false;
}

static bool
no_memory(struct reading *r, struct str file)
{
	return refuse(r, file, 0, "no_memory", "memory is out");
}

/* --- Includes ------------------------------------------------------------- */

static bool file_take(
    struct reading *r, struct str path, struct directive *into, int depth);
static bool text_take(struct reading *r, struct str file, struct str text,
    struct directive *into, int depth);

/* As with nginx, a pattern may find nothing, a name may not. */
static bool
is_pattern(const char *path)
{
	return strpbrk(path, "*?[") != NULL;
}

static bool
name_include(struct reading *r, const char *path, struct directive *into,
    const struct words *at, int depth)
{
	if (r->is_lost && access(path, F_OK) != 0)
		return refuse(r, at->file, at->first_line, "nginx_include",
		    "the file that is included is not there: includes are "
		    "relative to the folder of nginx.conf, and none lies "
		    "above; read nginx.conf itself, or what nginx -T prints");
	return file_take(r, str_from(path), into, depth);
}

static bool
files_include(struct reading *r, const char *path, struct directive *into,
    const struct words *at, int depth)
{
	glob_t found = { 0 };
	bool ok = true;

	if (!is_pattern(path))
		return name_include(r, path, into, at, depth);
	if (glob(path, 0, NULL, &found) != 0)
		found.gl_pathc = 0;
	for (size_t i = 0; ok && i < found.gl_pathc; i++)
		ok = file_take(r, str_from(found.gl_pathv[i]), into, depth);
	globfree(&found);
	return ok;
}

static bool
dump_include(struct reading *r, const char *path, struct directive *into,
    const struct words *at, int depth)
{
	bool pattern = is_pattern(path);
	bool any = false;

	for (size_t i = 0; i < r->dump_count; i++) {
		struct dumped *one = &r->dump[i];

		if (pattern ? fnmatch(path, one->path.ptr,
				  FNM_PATHNAME | FNM_PERIOD) != 0
			    : strcmp(path, one->path.ptr) != 0)
			continue;
		any = true;
		one->included = true;
		if (!text_take(r, one->path, one->text, into, depth))
			return false;
	}
	return any || pattern ||
	       refuse(r, at->file, at->first_line, "nginx_include",
		   "what nginx -T printed does not have the file that is "
		   "included; print it anew");
}

static bool
count_file(struct reading *r, struct str file, int line)
{
	return ++r->files <= NGINX_FILES_MAX ||
	       refuse(r, file, line, "nginx_too_large",
		   "the configuration has too many files");
}

/* Relative to the folder of the main file. */
static bool
include_take(struct reading *r, const struct words *at, struct directive *into,
    int depth)
{
	struct str path = at->count == 2 ? at->items[1] : STR("");

	if (path.len == 0)
		return refuse(r, at->file, at->first_line, "nginx_syntax",
		    "include takes one file");
	if (path.ptr[0] != '/')
		path = str_fmt(
		    r->arena, "%.*s%.*s", STR_ARGS(r->folder), STR_ARGS(path));
	if (path.ptr == NULL)
		return no_memory(r, at->file);
	if (!count_file(r, at->file, at->first_line))
		return false;
	return r->dump != NULL
		   ? dump_include(r, path.ptr, into, at, depth + 1)
		   : files_include(r, path.ptr, into, at, depth + 1);
}

/* --- Directives ----------------------------------------------------------- */

static struct directive *
directive_add(
    struct reading *r, const struct words *words, struct directive *into)
{
	struct directive *d = ARENA_NEW(r->arena, struct directive);
	struct str *args = ARENA_ARRAY(r->arena, struct str, words->count - 1);

	if (d == NULL || args == NULL) {
		no_memory(r, words->file);
		return NULL;
	}
	if (++r->directives > NGINX_DIRECTIVES_MAX) {
		refuse(r, words->file, words->first_line, "nginx_too_large",
		    "the configuration has too many directives");
		return NULL;
	}
	memcpy(args, words->items + 1, (words->count - 1) * sizeof(*args));
	d->name = words->items[0];
	d->args = (struct names){ args, words->count - 1 };
	d->file = words->file;
	d->line = words->first_line;
	d->parent = into;
	if (into->last == NULL)
		into->first = d;
	else
		into->last->next = d;
	into->last = d;
	return d;
}

static bool
is_lua(struct str name)
{
	const struct str tail = STR("_by_lua_block");

	return name.len > tail.len &&
	       memcmp(name.ptr + name.len - tail.len, tail.ptr, tail.len) == 0;
}

static bool block_take(
    struct reading *r, struct words *words, struct directive *into, int depth);

static bool
line_take(
    struct reading *r, struct words *words, struct directive *into, int depth)
{
	if (str_eq(words->items[0], STR("include")))
		return include_take(r, words, into, depth);
	return directive_add(r, words, into) != NULL;
}

static bool
inner_take(
    struct reading *r, struct words *words, struct directive *into, int depth)
{
	struct directive *d = directive_add(r, words, into);

	if (d == NULL)
		return false;
	d->is_block = true;
	return is_lua(d->name) ? words_skip_lua(words)
			       : block_take(r, words, d, depth + 1);
}

/* To the } of the block; a file has none. */
static bool
block_take(
    struct reading *r, struct words *words, struct directive *into, int depth)
{
	bool is_file = words->first_line == 0;

	if (depth > NGINX_DEPTH_MAX)
		return words_fault(words, "nginx_too_large",
		    "blocks and includes lie too deep");
	for (;;)
		switch (words_next(words)) {
		case WORDS_FAULT:
			return false;
		case WORDS_OVER:
			return is_file || words_fault(words, "nginx_syntax",
					      "a block has no end; write }");
		case WORDS_CLOSE:
			return !is_file || words_fault(words, "nginx_syntax",
					       "there is a } too many");
		case WORDS_LINE:
			if (!line_take(r, words, into, depth))
				return false;
			break;
		case WORDS_BLOCK:
			if (!inner_take(r, words, into, depth))
				return false;
			break;
		}
}

/* --- Files ---------------------------------------------------------------- */

static bool
text_take(struct reading *r, struct str file, struct str text,
    struct directive *into, int depth)
{
	struct words words = { 0 };

	r->bytes += text.len;
	if (r->bytes > NGINX_BYTES_MAX)
		return refuse(r, file, 0, "nginx_too_large",
		    "the configuration has too many bytes");
	if (!count_file(r, file, 0))
		return false;
	if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL)
		return refuse(
		    r, file, 0, "nginx_syntax", "it has a NUL byte in it");
	words_open(&words, r->arena, r->faults, file, text);
	return block_take(r, &words, into, depth);
}

static bool
file_text(struct reading *r, struct str path, struct str *text)
{
	struct err err = { 0 };

	if (csv_text_read(r->arena, path, NGINX_BYTES_MAX, text, &err))
		return true;
	/* The fault names the file already. */
	fault_add(r->faults, path, 0, 0, err.code, "%s",
	    str_starts(str_from(err.text), path) ? err.text + path.len + 2
						 : err.text);
	return false;
}

static bool
file_take(struct reading *r, struct str path, struct directive *into, int depth)
{
	struct str name = str_copy(r->arena, path);
	struct str text = STR("");

	if (name.ptr == NULL)
		return no_memory(r, path);
	return file_text(r, name, &text) &&
	       text_take(r, name, text, into, depth);
}

/* "# configuration file /etc/nginx/nginx.conf:" begins a file of a dump. */
static bool
mark_read(struct str line, struct str *path)
{
	const struct str mark = STR("# configuration file /");

	if (!str_starts(line, mark) || line.ptr[line.len - 1] != ':')
		return false;
	*path = (struct str){ line.ptr + mark.len - 1, line.len - mark.len };
	return true;
}

/* A dump begins with a mark, behind what nginx says of its test at most. */
static bool
is_dump(struct str text)
{
	struct str line;
	struct str path;

	while (str_next(&text, '\n', &line))
		if (!str_starts(line, STR("nginx: ")))
			return mark_read(line, &path);
	return false;
}

static bool
dump_add(struct reading *r, struct str path, struct str rest, size_t *cap)
{
	r->dump =
	    arena_grow(r->arena, r->dump, r->dump_count, cap, sizeof(*r->dump));
	path = str_copy(r->arena, path);
	if (r->dump == NULL || path.ptr == NULL)
		return no_memory(r, path);
	r->dump[r->dump_count++] = (struct dumped){
		.path = path,
		.text = { rest.ptr != NULL ? rest.ptr : "", 0 },
	};
	return r->dump_count <= NGINX_FILES_MAX ||
	       refuse(r, path, 0, "nginx_too_large",
		   "the configuration has too many files");
}

static bool
dump_split(struct reading *r, struct str text)
{
	struct str line;
	struct str path;
	size_t cap = 0;

	while (str_next(&text, '\n', &line))
		if (mark_read(line, &path)) {
			if (!dump_add(r, path, text, &cap))
				return false;
		} else if (r->dump_count > 0) {
			struct str *last = &r->dump[r->dump_count - 1].text;

			last->len = (size_t)(line.ptr + line.len - last->ptr);
		}
	return true;
}

/* nginx prints what it has read, each file once. Anything else is a line in a
 * file that looks like a mark, and what stands behind it would be lost. */
static bool
dump_is_whole(struct reading *r)
{
	for (size_t i = 1; i < r->dump_count; i++) {
		const struct dumped *one = &r->dump[i];
		bool again = false;

		for (size_t j = 0; j < i && !again; j++)
			again = str_eq(r->dump[j].path, one->path);
		if (again || !one->included)
			return refuse(r, one->path, 0, "nginx_include",
			    "what nginx -T printed has this file, which "
			    "nothing "
			    "includes, or has it twice; look for a comment "
			    "that "
			    "reads like its marks");
	}
	return true;
}

static void
folder_set(struct reading *r, struct str path)
{
	const char *slash = memrchr(path.ptr, '/', path.len);

	if (slash != NULL)
		r->folder =
		    (struct str){ path.ptr, (size_t)(slash - path.ptr) + 1 };
}

/* Faults are told of when it is read. */
static bool
is_main(struct reading *r, struct str path, struct str text)
{
	struct faults faults = { 0 };
	struct words words = { 0 };
	bool found = false;
	int depth = 0;

	words_open(&words, r->arena, &faults, path, text);
	for (bool more = true; more && !found;)
		switch (words_next(&words)) {
		case WORDS_FAULT:
		case WORDS_OVER:
			more = false;
			break;
		case WORDS_CLOSE:
			depth--;
			break;
		case WORDS_LINE:
			break;
		case WORDS_BLOCK:
			found = depth == 0 &&
				(str_eq(words.items[0], STR("events")) ||
				    str_eq(words.items[0], STR("http")));
			if (is_lua(words.items[0]))
				more = words_skip_lua(&words);
			else
				depth++;
			break;
		}
	faults_free(&faults);
	return found;
}

struct str
folder_above(struct str name)
{
	if (name.len > 0)
		name.len--;
	while (name.len > 0 && name.ptr[name.len - 1] != '/')
		name.len--;
	return name;
}

/* The nearest one, from the file's own folder up, that has an nginx.conf. */
static bool
folder_find(struct reading *r)
{
	struct str name =
	    r->folder.len > 0 ? str_copy(r->arena, r->folder) : STR(".");
	char *real = name.ptr != NULL ? realpath(name.ptr, NULL) : NULL;
	struct str folder;

	if (real == NULL)
		return true;
	folder = str_fmt(r->arena, "%s/", strcmp(real, "/") == 0 ? "" : real);
	free(real);
	if (folder.ptr == NULL)
		return no_memory(r, r->folder);
	for (; folder.len > 0; folder = folder_above(folder)) {
		struct str main =
		    str_fmt(r->arena, "%.*snginx.conf", STR_ARGS(folder));

		if (main.ptr == NULL)
			return no_memory(r, r->folder);
		if (access(main.ptr, F_OK) == 0) {
			r->folder = folder;
			return true;
		}
	}
	r->is_lost = true;
	return true;
}

static bool
whole_take(
    struct reading *r, struct str path, struct str text, struct directive *root)
{
	if (is_dump(text)) {
		if (!dump_split(r, text))
			return false;
		path = r->dump[0].path;
		text = r->dump[0].text;
		folder_set(r, path);
	}
	root->file = path;
	return text_take(r, path, text, root, 0) && dump_is_whole(r);
}

const struct directive *
conf_read(struct arena *arena, struct str path, const struct str *text,
    struct faults *faults)
{
	struct reading r = { .arena = arena, .faults = faults };
	struct directive *root = ARENA_NEW(arena, struct directive);
	struct str whole = text != NULL ? *text : STR("");

	if (root == NULL) {
		no_memory(&r, path);
		return NULL;
	}
	root->is_block = true;
	root->line = 1;
	if (text == NULL && !file_text(&r, path, &whole))
		return NULL;
	folder_set(&r, path);
	if (text == NULL && !is_dump(whole) && !is_main(&r, path, whole) &&
	    !folder_find(&r))
		return NULL;
	return whole_take(&r, path, whole, root) ? root : NULL;
}

/* --- Looking -------------------------------------------------------------- */

bool
conf_is(const struct directive *directive, const char *name)
{
	return str_eq(directive->name, str_from(name));
}

struct str
conf_arg(const struct directive *directive, size_t i)
{
	return i < directive->args.count ? directive->args.items[i] : STR("");
}

bool
conf_arg_is(const struct directive *directive, size_t i, const char *text)
{
	return i < directive->args.count &&
	       str_eq(directive->args.items[i], str_from(text));
}

const struct directive *
conf_own(const struct directive *block, const char *name)
{
	struct str wanted = str_from(name);

	for (const struct directive *d = block->first; d != NULL; d = d->next)
		if (str_eq(d->name, wanted))
			return d;
	return NULL;
}

const struct directive *
conf_next(const struct directive *directive)
{
	for (const struct directive *d = directive->next; d != NULL;
	     d = d->next)
		if (str_eq(d->name, directive->name))
			return d;
	return NULL;
}

const struct directive *
conf_find(const struct directive *block, const char *name)
{
	const struct directive *d = NULL;

	for (; d == NULL && block != NULL; block = block->parent)
		d = conf_own(block, name);
	return d;
}
