#include "fcgi/gate/decision_log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "fcgi/gate/limits.h"
#include "fcgi/process/say.h"
#include "fcgi/process/times.h"

/* Seven texts, and the rest; a text is looked at when it has been written. */
#define ESCAPED_MAX 5 /* "\\xNN" for one byte */
#define REST_MAX    384
#define LINE_BYTES  (PIPE_BUF + ESCAPED_MAX * (size_t)LOG_VALUE_MAX)
_Static_assert(7 * (LOG_VALUE_MAX + 2) + REST_MAX <= PIPE_BUF,
    "a line goes into a pipe at once");

struct buffer {
	char text[LINE_BYTES];
	size_t len;
};

/* It fits: every value is bounded. */
static void
put(struct buffer *b, const char *text, size_t len)
{
	if (len == 0 || len > sizeof(b->text) - b->len)
		return;
	memcpy(b->text + b->len, text, len);
	b->len += len;
}

static void
put_key(struct buffer *b, const char *key)
{
	if (b->len > 0)
		put(b, " ", 1);
	put(b, key, strlen(key));
	put(b, "=", 1);
}

static void
put_number(struct buffer *b, const char *key, int64_t number)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%lld", (long long)number);

	put_key(b, key);
	put(b, digits, (size_t)len);
}

static void
put_word(struct buffer *b, const char *key, const char *word)
{
	put_key(b, key);
	put(b, word, strlen(word));
}

static bool
is_bare(struct str value)
{
	for (size_t i = 0; i < value.len; i++)
		if (strchr(" \"=\\", value.ptr[i]) != NULL)
			return false;
	return text_is_clean(value);
}

static void
put_quoted(struct buffer *b, struct str value)
{
	static const char hex[] = "0123456789abcdef";
	bool clean = text_is_clean(value);

	put(b, "\"", 1);
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.ptr[i];
		const char byte[] = { '\\', '\\', 'x', hex[c >> 4],
			hex[c & 15] };

		if (!clean && (c < ' ' || c > '~')) {
			put(b, byte, sizeof(byte));
			continue;
		}
		if (c == '"' || c == '\\')
			put(b, "\\", 1);
		put(b, value.ptr + i, 1);
	}
	put(b, "\"", 1);
}

static void
put_text(struct buffer *b, const char *key, struct str value)
{
	char length[48];
	size_t at;
	int len;

	put_key(b, key);
	at = b->len;
	if (value.len <= LOG_VALUE_MAX) {
		if (is_bare(value))
			put(b, value.ptr, value.len);
		else
			put_quoted(b, value);
		if (b->len - at <= LOG_VALUE_MAX + 2)
			return;
		b->len = at;
	}
	len = snprintf(length, sizeof(length), "\"(%zu bytes)\"", value.len);
	put(b, length, (size_t)len);
}

static void
put_time(struct buffer *b, int64_t at_s)
{
	time_t at = (time_t)at_s;
	struct tm tm;
	char text[32];
	size_t len = 0;

	if (gmtime_r(&at, &tm) != NULL)
		len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	put_key(b, "time");
	put(b, text, len);
}

bool
decision_log_wants(const struct decision_log *log, enum verdict verdict)
{
	switch (log->what) {
	case LOG_OFF:
		return false;
	case LOG_DENIALS:
		return verdict != VERDICT_ALLOW &&
		       verdict != VERDICT_ALLOW_FILTER;
	case LOG_ALL:
		break;
	}
	return true;
}

/* A pipe of which nobody reads must hold up neither this nor an answer. */
int
decision_log_open(struct arena *arena, struct str path, struct err *err)
{
	struct str name = str_copy(arena, path);
	int fd = -1;

	if (path.len == 0)
		return say_fd();
	if (name.ptr != NULL)
		fd = open(name.ptr,
		    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY |
			O_NONBLOCK,
		    0640);
	if (fd < 0)
		err_set(err, ERR_FILE, "gate_log",
		    "%.*s: cannot be written: %s; give the gate's user the "
		    "right, or name another gate.log_file",
		    STR_ARGS(path), strerror(errno));
	return fd;
}

void
decision_log_write(
    const struct decision_log *log, const struct decision_line *line)
{
	const struct answer *answer = line->answer;
	const struct params *params = line->params;
	struct buffer b;

	b.len = 0;
	put_time(&b, line->at_s);
	put_text(&b, "id", answer->id);
	put_text(&b, "member", answer->member);
	put_text(&b, "account", answer->account);
	if (answer->acting_from.len > 0)
		put_text(&b, "acting_from", answer->acting_from);
	put_text(&b, "permission", line->permission);
	put_word(&b, "verdict", verdict_word(answer->verdict));
	put_word(&b, "reason", reason_word(answer->reason));
	put_number(&b, "generation", line->generation);
	put_number(&b, "us", line->us);
	if (line->token)
		put_word(&b, "token", "yes");
	if (line->stale)
		put_word(&b, "stale", "yes");
	put_text(&b, "method", params->method);
	put_text(&b, "host", params->host);
	put_text(&b, "path", params->path);
	put(&b, "\n", 1);
	/* A log that is full, or not read, must not stop the answers. */
	write_soon(log->fd, b.text, b.len);
}
