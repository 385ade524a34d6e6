/* conf.h - an nginx configuration as a tree of directives, each with its place.
 *
 * Shape:   blocks with what is in them, in order; what an include brings
 *          stands in the include's place. What `nginx -T` prints is taken too:
 *          its files are told by their marks, and includes are looked for
 *          among them only. Includes are relative to the folder of the main
 *          file; a file of one site, with neither events nor http, has the
 *          nginx.conf of the nearest folder above it as its main file.
 * Owner:   everything lives in the arena.
 * Errors:  faults nginx_syntax, nginx_include, nginx_too_large, file_read,
 *          file_too_large, no_memory. Over a bound the whole is refused. */
#ifndef ROLEGATE_NGINX_CONF_H
#define ROLEGATE_NGINX_CONF_H

#include "base/fault.h"
#include "base/str.h"

struct directive {
	struct str name; /* "location", "proxy_pass", …; empty for the whole */
	struct names args; /* without quotes */
	struct str file;
	int line;
	const struct directive *parent;
	struct directive *first; /* of a block */
	struct directive *last;
	struct directive *next;
	bool is_block;
};

/* "/etc/nginx/" of "/etc/nginx/sites-enabled/"; empty: there is none above. */
struct str folder_above(struct str name);

/* `path` is the file; its text, when it was read already, else NULL. NULL with
 * faults. */
const struct directive *conf_read(struct arena *arena, struct str path,
    const struct str *text, struct faults *faults);

bool conf_is(const struct directive *directive, const char *name);
/* Its word number i behind the name, from 0; empty when it has fewer. */
struct str conf_arg(const struct directive *directive, size_t i);
bool conf_arg_is(const struct directive *directive, size_t i, const char *text);
/* In the block itself; NULL: there is none. */
const struct directive *
conf_own(const struct directive *block, const char *name);
/* The next of the same name in the same block. */
const struct directive *conf_next(const struct directive *directive);
/* In the block itself, else further out. What nginx inherits it inherits so:
 * all of the nearest level that has any, and nothing of the others. */
const struct directive *
conf_find(const struct directive *block, const char *name);

#endif
