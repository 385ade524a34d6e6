/* qp_decode.h - What a reader of mail makes of a quoted-printable body (RFC
 * 2045 section 6.7): "=" and a line's end is no end, "=XX" is a byte, such as
 * an 'F' that came to stand at the beginning of a line. The text is the arena's
 * and ends with '\0'. Header only: two programs use it. */
#ifndef ROLEGATE_QP_DECODE_H
#define ROLEGATE_QP_DECODE_H

#include <check.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/str.h"

static struct str
qp_decode(struct arena *arena, struct str wire)
{
	char *to = ARENA_ARRAY(arena, char, wire.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < wire.len; i++) {
		unsigned int byte = 0;

		if (wire.ptr[i] == '\r')
			continue;
		if (wire.ptr[i] != '=') {
			to[len++] = wire.ptr[i];
			continue;
		}
		if (wire.ptr[i + 1] != '\r') {
			ck_assert_int_eq(
			    sscanf(&wire.ptr[i + 1], "%2X", &byte), 1);
			to[len++] = (char)byte;
		}
		i += 2;
	}
	return (struct str){ to, len };
}

#endif
