/* text.h - which bytes a name may have.
 *
 * Text is valid UTF-8 (RFC 3629: no overlong form, no surrogate) without
 * control characters (C0, DEL, C1) and without the line and paragraph
 * separators. An id is text without any white space. Errors name the field,
 * never the bytes. */
#ifndef ROLEGATE_TEXT_H
#define ROLEGATE_TEXT_H

#include "base/err.h"
#include "base/str.h"

bool text_is_utf8(struct str s);
bool text_is_clean(struct str s); /* UTF-8 and no control characters */

/* 1 to max bytes of clean text; `field` names it in the error. */
bool text_check(struct str s, size_t max, const char *field, struct err *err);
/* The same, without white space: account ids, roles, licences, sources. */
bool text_check_id(struct str s, size_t max, const char *field,
    struct err *err);

#endif
