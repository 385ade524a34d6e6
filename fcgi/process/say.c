#include "fcgi/process/say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "fcgi/process/times.h"

#define SAY_AGAIN_MS 60000 /* of what could be said for each request */
#define TEXT_MAX     sizeof(((struct err *)NULL)->text)

static int say_to = STDERR_FILENO;

void
say_open(void)
{
	struct stat st;
	int fd;

	if (say_to != STDERR_FILENO || fstat(STDERR_FILENO, &st) != 0 ||
	    !S_ISFIFO(st.st_mode))
		return;
	fd = open(
	    "/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0)
		say_to = fd;
}

int
say_fd(void)
{
	return say_to;
}

/* systemd's journal is a socket. */
bool
write_soon(int fd, const char *text, size_t len)
{
	ssize_t sent = send(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0 && errno == ENOTSOCK)
		sent = write(fd, text, len);
	return sent == (ssize_t)len;
}

void
say(const char *code, const char *fmt, ...)
{
	char text[TEXT_MAX];
	char line[TEXT_MAX + 128];
	va_list args;
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
	write_soon(say_to, line, (size_t)len);
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
