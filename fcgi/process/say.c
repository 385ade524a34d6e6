#include "fcgi/process/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "fcgi/process/times.h"

#define SAY_AGAIN_MS 60000 /* of what could be said for each request */
#define TEXT_MAX     sizeof(((struct err *)NULL)->text)

void
say(const char *code, const char *fmt, ...)
{
	char text[TEXT_MAX];
	char line[TEXT_MAX + 128];
	va_list args;
	ssize_t ignored;
	int len;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	for (char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == '\x7f')
			*c = '?';
	len = snprintf(line, sizeof(line), "%s: %s [%s]\n",
	    program_invocation_short_name, text, code);
	/* Nobody is left to be told that this failed. */
	ignored = write(STDERR_FILENO, line, (size_t)len);
	(void)ignored;
}

bool
say_now(struct say_once *once)
{
	int64_t now_ms = monotonic_ms();

	if (once->last_ms != 0 && now_ms - once->last_ms < SAY_AGAIN_MS)
		return false;
	once->last_ms = now_ms;
	return true;
}
