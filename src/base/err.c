#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool
err_set(struct err *err, enum err_kind kind, const char *code, const char *fmt,
    ...)
{
	va_list args;

	if (err == NULL || err->kind != ERR_NONE)
		return false;
	err->kind = kind;
	err->code = code;
	va_start(args, fmt);
	int n = vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	if (n < 0)
		memcpy(err->text, "(no text)", sizeof("(no text)"));
	/* A message may hold outside bytes: nothing that moves a terminal. */
	for (char *p = err->text; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c < 0x20 || c == 0x7f)
			*p = '?';
	}
	return false;
}

int
err_exit_status(enum err_kind kind)
{
	switch (kind) {
	case ERR_NONE:
		return 0;
	case ERR_NOT_FOUND:
		return 1;
	case ERR_USAGE:
		return 2;
	case ERR_FILE:
	case ERR_SOURCE:
	case ERR_LIMIT:
		return 3;
	case ERR_REACH:
		return 4;
	case ERR_REFUSED:
		return 5;
	case ERR_BUG:
		return 70;
	}
	return 70;
}
