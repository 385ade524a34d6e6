/* str.h - outside bytes as a view: pointer and length, never NUL-terminated
 * by promise.
 *
 * Owner:   a struct str borrows; functions that take an arena return bytes
 *          that live there (those are also followed by a NUL).
 * Errors:  arena functions return ptr == NULL when memory is out. A zeroed
 *          str is the empty string. */
#ifndef ROLEGATE_STR_H
#define ROLEGATE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct str {
	const char *ptr;
	size_t len;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
/* For printf: "%.*s", STR_ARGS(s) */
#define STR_ARGS(s) (int)(s).len, ((s).ptr != NULL ? (s).ptr : "")

struct str str_from(const char *cstr); /* NULL gives the empty str */
bool str_eq(struct str a, struct str b);
/* Only A-Z are folded (DECISION J1). */
bool str_eq_fold(struct str a, struct str b);
/* By bytes, shorter first: the order of every sorted list we print. */
int str_cmp(struct str a, struct str b);
/* The same over the folded bytes: 0 where str_eq_fold() says yes. */
int str_cmp_fold(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
struct str str_trim(struct str s); /* without blanks and tabs around it */

struct str str_copy(struct arena *arena, struct str s);
struct str str_fold(struct arena *arena, struct str s); /* A-Z to a-z */
struct str str_fmt(struct arena *arena, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Cuts the next field off *rest, which ends at `sep` or the end; false when
 * nothing is left (an empty last field after a separator is a field). Start
 * with rest as the whole; rest->ptr becomes NULL after the last field. */
bool str_next(struct str *rest, char sep, struct str *field);

/* The whole of s as a decimal number between min and max; *out is left alone
 * on failure. No sign but one leading '-', no blanks, no "+". */
bool str_to_i64(struct str s, int64_t min, int64_t max, int64_t *out);

/* RFC 3339 UTC with whole seconds: 2027-01-01T00:00:00Z, years 1970-9999. */
bool str_to_time(struct str s, int64_t *out_s);
struct str str_from_time(struct arena *arena, int64_t unix_s);

/* A list of names: licences, filters. */
struct names {
	const struct str *items;
	size_t count;
};

bool names_have(struct names names, struct str name);
bool names_eq(struct names a, struct names b); /* in the same order */

/* 64-bit FNV-1a, for hash tables over trusted or bounded keys. */
uint64_t str_hash(struct str s);
/* The same for what str_eq_fold() takes as equal. */
uint64_t str_hash_fold(struct str s);

#endif
