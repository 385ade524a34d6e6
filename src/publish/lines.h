/* lines.h - the body of a record: lines that end in LF, of fields between
 * TABs, the first of which says what kind of line it is.
 *
 * Writing: texts with control characters, lists whose values hold the
 *          separator, and memory that is out are remembered in `refused`;
 *          what was written then is not to be used.
 * Reading: strict. Each step returns false when the text is not exactly what
 *          was asked for, and lines_fail() says in which line. Texts borrow
 *          from the record; lists are in the arena. */
#ifndef ROLEGATE_PUBLISH_LINES_H
#define ROLEGATE_PUBLISH_LINES_H

#include "base/err.h"
#include "publish/record.h"

struct lines_out {
	struct arena *arena;
	char *ptr;
	size_t len;
	size_t cap;
	bool refused;
};

void out_kind(struct lines_out *out, struct str kind); /* begins a line */
void out_text(struct lines_out *out, struct str text); /* one more field */
void out_word(struct lines_out *out, const char *word);
void out_number(struct lines_out *out, int64_t number);
/* One field with a blank between the names. */
void out_names(struct lines_out *out, struct names names);
/* Bit i of the mask as the i-th digit, 1 or 0. */
void out_bits(struct lines_out *out, uint64_t mask, size_t count);
void out_end(struct lines_out *out); /* ends the line */

struct lines_in {
	const struct record *record;
	struct arena *arena; /* may be NULL when no list is read */
	struct str left; /* lines that were not begun */
	struct str line; /* fields of this line that were not taken */
	int number; /* of this line in the record's text */
	bool no_memory;
};

struct lines_in lines_read(const struct record *record, struct arena *arena);
size_t lines_left(const struct lines_in *in);
/* Begins the next line when it is of this kind, else leaves it. */
bool in_kind(struct lines_in *in, struct str kind);
bool in_text(struct lines_in *in, size_t min, size_t max, struct str *out);
/* Only digits, without a zero in front. */
bool in_number(struct lines_in *in, int64_t *out);
bool in_names(
    struct lines_in *in, size_t count_max, size_t name_max, struct names *out);
/* All fields that are left in the line. */
bool in_rest(
    struct lines_in *in, size_t count_max, size_t name_max, struct names *out);
bool in_bits(struct lines_in *in, size_t count, uint64_t *out);
bool in_end(const struct lines_in *in); /* nothing left in the line */
/* Nothing left at all. */
bool lines_done(const struct lines_in *in);
bool lines_fail(const struct lines_in *in, struct err *err);

#endif
