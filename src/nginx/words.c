#include "nginx/words.h"

#include <string.h>

#include "base/bounds.h"

void
words_open(struct words *words, struct arena *arena, struct faults *faults,
    struct str file, struct str text)
{
	*words = (struct words){
		.arena = arena,
		.faults = faults,
		.file = file,
		.at = text.ptr,
		.end = text.ptr + text.len,
		.line_start = text.ptr,
		.line = 1,
		.items = words->items,
		.cap = words->cap,
	};
}

bool
words_fault(struct words *words, const char *code, const char *says)
{
	fault_add(words->faults, words->file, words->line,
	    (int)(words->at - words->line_start) + 1, code, "%s", says);
	return false;
}

static void
step(struct words *words)
{
	if (*words->at++ != '\n')
		return;
	words->line++;
	words->line_start = words->at;
}

static bool
over(const struct words *words)
{
	return words->at == words->end;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
line_skip(struct words *words)
{
	while (!over(words) && *words->at != '\n')
		step(words);
}

static void
blanks_skip(struct words *words)
{
	while (!over(words))
		if (is_blank(*words->at))
			step(words);
		else if (*words->at == '#')
			line_skip(words);
		else
			return;
}

/* --- Words ---------------------------------------------------------------- */

static bool
ends_bare(const struct words *words, char before)
{
	char c = *words->at;

	return is_blank(c) || c == ';' || (c == '{' && before != '$');
}

/* To the end of the word that begins here; `quote` is 0 for a bare one. */
static bool
word_skip(struct words *words, char quote)
{
	char before = '\0';

	while (!over(words)) {
		char c = *words->at;

		if (quote != '\0' ? c == quote : ends_bare(words, before))
			return true;
		step(words);
		if (c == '\\' && !over(words))
			step(words);
		before = c;
	}
	return false;
}

/* What \ and this byte stand for; 0: for both of them. */
static char
escaped(char c)
{
	switch (c) {
	case '"':
	case '\'':
	case '\\':
		return c;
	case 't':
		return '\t';
	case 'r':
		return '\r';
	case 'n':
		return '\n';
	default:
		return '\0';
	}
}

static struct str
word_copy(struct arena *arena, const char *from, const char *to)
{
	char *word = arena_alloc(arena, (size_t)(to - from) + 1, 1);
	size_t len = 0;

	if (word == NULL)
		return (struct str){ NULL, 0 };
	while (from < to) {
		char c =
		    *from == '\\' && to - from > 1 ? escaped(from[1]) : '\0';

		from += c != '\0';
		word[len++] = c != '\0' ? c : *from;
		from++;
	}
	return (struct str){ word, len };
}

static bool
word_add(struct words *words, struct str word)
{
	if (word.ptr == NULL)
		return words_fault(words, "no_memory", "memory is out");
	if (words->count == NGINX_WORDS_MAX)
		return words_fault(
		    words, "nginx_too_large", "a directive has too many words");
	words->items = arena_grow(words->arena, words->items, words->count,
	    &words->cap, sizeof(*words->items));
	if (words->items == NULL)
		return words_fault(words, "no_memory", "memory is out");
	words->items[words->count++] = word;
	return true;
}

/* A quote ends its word, and only a ) may stand directly behind it. */
static bool
quote_close(struct words *words)
{
	char c;

	step(words);
	c = over(words) ? ' ' : *words->at;
	return is_blank(c) || c == ';' || c == '{' || c == ')' ||
	       words_fault(words, "nginx_syntax",
		   "there has to be a blank behind a quote");
}

static bool
word_read(struct words *words)
{
	char quote =
	    *words->at == '"' || *words->at == '\'' ? *words->at : '\0';
	const char *from;

	if (quote != '\0')
		step(words);
	from = words->at;
	if (!word_skip(words, quote))
		return words_fault(words, "nginx_syntax",
		    quote != '\0' ? "a quote has no end"
				  : "a directive has no end; write ; or { }");
	return word_add(words, word_copy(words->arena, from, words->at)) &&
	       (quote == '\0' || quote_close(words));
}

static enum words_end
words_close(struct words *words, char c)
{
	if ((words->count == 0) != (c == '}')) {
		words_fault(words, "nginx_syntax",
		    c == '}' ? "a directive ends in }; write ; first"
			     : "there is a ; or { without a directive");
		return WORDS_FAULT;
	}
	step(words);
	return c == '}' ? WORDS_CLOSE : c == ';' ? WORDS_LINE : WORDS_BLOCK;
}

enum words_end
words_next(struct words *words)
{
	words->count = 0;
	for (;;) {
		blanks_skip(words);
		if (over(words) && words->count == 0)
			return WORDS_OVER;
		if (over(words)) {
			words_fault(words, "nginx_syntax",
			    "a directive has no end; write ; or { }");
			return WORDS_FAULT;
		}
		if (words->count == 0)
			words->first_line = words->line;
		if (*words->at == ';' || *words->at == '{' || *words->at == '}')
			return words_close(words, *words->at);
		if (!word_read(words))
			return WORDS_FAULT;
	}
}

/* --- Lua ------------------------------------------------------------------ */

/* "[[", "[==[": how many = there are; -1: it is none. */
static int
bracket_level(const struct words *words)
{
	const char *p = words->at + 1;

	if (*words->at != '[')
		return -1;
	while (p < words->end && *p == '=')
		p++;
	return p < words->end && *p == '[' ? (int)(p - words->at) - 1 : -1;
}

static bool
bracket_ends(const struct words *words, int level)
{
	const char *p = words->at;

	if (words->end - p < level + 2 || p[0] != ']' || p[level + 1] != ']')
		return false;
	for (int i = 1; i <= level; i++)
		if (p[i] != '=')
			return false;
	return true;
}

static void
bracket_skip(struct words *words, int level)
{
	while (!over(words) && !bracket_ends(words, level))
		step(words);
	for (int i = 0; i < level + 2 && !over(words); i++)
		step(words);
}

/* A comment or a string of Lua has braces that count for nothing. */
static void
lua_step(struct words *words)
{
	char c = *words->at;
	bool comment =
	    c == '-' && words->end - words->at > 1 && words->at[1] == '-';

	if (comment) {
		step(words);
		step(words);
	}
	if (!over(words) && bracket_level(words) >= 0)
		bracket_skip(words, bracket_level(words));
	else if (comment)
		line_skip(words);
	else if (c == '"' || c == '\'') {
		step(words);
		if (word_skip(words, c))
			step(words);
	} else
		step(words);
}

bool
words_skip_lua(struct words *words)
{
	int depth = 1;

	while (!over(words)) {
		if (*words->at == '{')
			depth++;
		else if (*words->at == '}' && --depth == 0) {
			step(words);
			return true;
		}
		lua_step(words);
	}
	return words_fault(words, "nginx_syntax", "a block of Lua has no end");
}
