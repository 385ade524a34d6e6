#include "fcgi/gate/decision_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

#define LINE_MAX_BYTES ((size_t)4096)

struct buffer {
	char text[LINE_MAX_BYTES];
	size_t len;
};

static void
put(struct buffer *b, const char *text, size_t len)
{
	/* A line that is too long ends early; the decision stands in front. */
	if (len < sizeof(b->text) - 1 - b->len) {
		memcpy(b->text + b->len, text, len);
		b->len += len;
	}
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
	int len =
	    snprintf(digits, sizeof(digits), "%lld", (long long)number);

	put_key(b, key);
	put(b, digits, (size_t)len);
}

static bool
is_bare(struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.ptr[i];

		if (c <= 0x20 || c == 0x7f || c == '"' || c == '=' ||
		    c == '\\')
			return false;
	}
	return value.len > 0 && text_is_clean(value);
}

/* In quotes, with what would end them or the line escaped. */
static void
put_text(struct buffer *b, const char *key, struct str value)
{
	bool clean = text_is_clean(value);

	put_key(b, key);
	if (is_bare(value)) {
		put(b, value.ptr, value.len);
		return;
	}
	put(b, "\"", 1);
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.ptr[i];

		if (c == '"' || c == '\\') {
			put(b, "\\", 1);
			put(b, value.ptr + i, 1);
		} else if (!clean && (c < 0x20 || c >= 0x7f))
			put(b, "?", 1);
		else
			put(b, value.ptr + i, 1);
	}
	put(b, "\"", 1);
}

static void
put_time(struct buffer *b, int64_t wall_ms)
{
	time_t at = (time_t)(wall_ms / 1000);
	struct tm tm;
	char text[64];
	int len;

	put_key(b, "time");
	if (gmtime_r(&at, &tm) == NULL)
		return;
	len = snprintf(text, sizeof(text),
	    "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    (int)(wall_ms % 1000));
	put(b, text, (size_t)len);
}

static bool
is_wanted(const struct decision_log *log, enum verdict verdict)
{
	switch (log->what) {
	case LOG_OFF:
		return false;
	case LOG_DENIALS:
		return verdict != VERDICT_ALLOW &&
		       verdict != VERDICT_ALLOW_FILTER;
	case LOG_ALL:
		return true;
	}
	return true;
}

int
decision_log_open(struct arena *arena, struct str path, struct err *err)
{
	struct str name = str_copy(arena, path);
	int fd;

	if (path.len == 0)
		return STDERR_FILENO;
	fd = name.ptr != NULL
		 ? open(name.ptr,
		       O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY,
		       0640)
		 : -1;
	if (fd < 0)
		err_set(err, ERR_FILE, "log_open",
		    "%.*s: cannot be written: %s; give the gate's user the "
		    "right, or name another gate.log_file",
		    STR_ARGS(path), strerror(errno));
	return fd;
}

void
decision_log_write(
    const struct decision_log *log, const struct decision_line *line)
{
	const struct verdict_said *said = line->said;
	struct buffer b = { .len = 0 };
	ssize_t ignored;

	if (!is_wanted(log, said->decision.verdict))
		return;
	put_time(&b, line->wall_ms);
	put_text(&b, "id", said->id);
	put_text(&b, "verdict",
	    str_from(verdict_word(said->decision.verdict)));
	put_text(
	    &b, "reason", str_from(reason_word(said->decision.reason)));
	put_number(&b, "generation", line->generation);
	put_number(&b, "us", line->us);
	if (line->stale)
		put_text(&b, "stale", STR("yes"));
	put_text(&b, "member", said->member);
	put_text(&b, "account", said->account);
	put_text(&b, "permission", line->permission);
	b.text[b.len++] = '\n';
	/* A log that is full must not stop the answers. */
	ignored = write(log->fd, b.text, b.len);
	(void)ignored;
}
