/* words.h - the text of an nginx configuration, one directive's words after
 * another.
 *
 * Shape:   as nginx reads it (ngx_conf_read_token): a word in quotes may have
 *          anything in it, \ keeps the next byte from ending a word, "${"
 *          begins no block, # begins a comment only where a word could begin.
 *          Words come without their quotes, with \" \' \\ \t \r \n put in.
 *          What is inside of a Lua block is passed over.
 * Owner:   words live in the arena; the list is used again for the next ones.
 * Errors:  WORDS_FAULT has added one fault, nginx_syntax, nginx_too_large or
 *          no_memory, and nothing can be read after it. */
#ifndef ROLEGATE_NGINX_WORDS_H
#define ROLEGATE_NGINX_WORDS_H

#include "base/fault.h"
#include "base/str.h"

enum words_end {
	WORDS_FAULT = -1,
	WORDS_OVER = 0, /* the text ends here */
	WORDS_CLOSE, /* } */
	WORDS_LINE, /* words and ; */
	WORDS_BLOCK, /* words and { */
};

struct words {
	struct arena *arena;
	struct faults *faults;
	struct str file;
	const char *at;
	const char *end;
	const char *line_start;
	int line;
	struct str *items;
	size_t count;
	size_t cap;
	int first_line; /* of the directive that was read */
};

void words_open(struct words *words, struct arena *arena, struct faults *faults,
    struct str file, struct str text);
enum words_end words_next(struct words *words);
/* Behind the { of a Lua block: to behind its }. */
bool words_skip_lua(struct words *words);
/* A fault at the place that was reached; always false. */
bool words_fault(struct words *words, const char *code, const char *says);

#endif
