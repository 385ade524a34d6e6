#include "cli/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bounds.h"
#include "base/text.h"

#define READ_BYTES ((size_t)1024 * 1024)
_Static_assert(READ_BYTES > STATE_LINE_MAX + 1, "a line fits into the buffer");

enum { FIELD_MEMBER, FIELD_PERMISSION, FIELD_ACCOUNT, FIELD_TIME, FIELDS };

struct question
question_of(const struct state *state, struct str member, struct str permission,
    struct str account, int64_t now_s)
{
	const struct account *on = state_account(state, account);

	return (struct question){
		.catalogue = on != NULL ? state_catalogue(state, on) : NULL,
		.member = state_member(state, member),
		.account = on,
		.permission = permission,
		.now_s = now_s,
	};
}

bool
answer_print(const struct decision *decision, FILE *out)
{
	fputs_unlocked(verdict_word(decision->verdict), out);
	putc_unlocked('\t', out);
	fputs_unlocked(reason_word(decision->reason), out);
	for (size_t i = 0; i < decision->filters.count; i++) {
		struct str filter = decision->filters.items[i];

		putc_unlocked(i == 0 ? '\t' : ';', out);
		fwrite_unlocked(filter.ptr, 1, filter.len, out);
	}
	return putc_unlocked('\n', out) != EOF;
}

static bool
field_check(const struct batch *batch, size_t line, struct str field,
    size_t max, const char *name, struct err *err)
{
	struct err why = { 0 };

	if (field.len == 0 || text_check(field, max, name, &why))
		return true;
	return err_set(err, why.kind, why.code, "%.*s:%zu: %s",
	    STR_ARGS(batch->name), line, why.text);
}

static bool
line_read(const struct batch *batch, size_t line, struct str text,
    struct str *fields, int64_t *at_s, struct err *err)
{
	struct str rest = text;
	size_t count = 0;

	while (count < FIELDS && str_next(&rest, '\t', &fields[count]))
		count++;
	if (rest.ptr != NULL || count <= FIELD_ACCOUNT)
		return err_set(err, ERR_FILE, "batch_line",
		    "%.*s:%zu: is not a question; write member TAB permission "
		    "TAB account, and TAB time if you like",
		    STR_ARGS(batch->name), line);
	if (count == FIELDS && !str_to_time(fields[FIELD_TIME], at_s))
		return err_set(err, ERR_FILE, "batch_time",
		    "%.*s:%zu: the fourth field is not a time; write it as "
		    "2027-01-01T00:00:00Z",
		    STR_ARGS(batch->name), line);
	return field_check(batch, line, fields[FIELD_MEMBER], USERNAME_MAX,
		   "member", err) &&
	       field_check(batch, line, fields[FIELD_PERMISSION],
		   PERMISSION_NAME_MAX, "permission", err) &&
	       field_check(batch, line, fields[FIELD_ACCOUNT], ACCOUNT_ID_MAX,
		   "account", err);
}

static bool
line_answer(const struct batch *batch, size_t line, struct str text,
    struct arena *arena, FILE *out, struct err *err)
{
	struct str fields[FIELDS] = { 0 };
	int64_t at_s = batch->now_s;
	struct question question;
	struct decision decision;

	if (!line_read(batch, line, text, fields, &at_s, err))
		return false;
	question = question_of(batch->state, fields[FIELD_MEMBER],
	    fields[FIELD_PERMISSION], fields[FIELD_ACCOUNT], at_s);
	decision = decide(&question, arena);
	if (decision.verdict == VERDICT_UNKNOWN)
		return err_set(err, ERR_BUG, "no_memory",
		    "%.*s:%zu: out of memory; give the process more",
		    STR_ARGS(batch->name), line);
	answer_print(&decision, out);
	arena_reset(arena);
	return true;
}

/* Answers every whole line of the buffer; *used is what it ate. */
static bool
lines_answer(const struct batch *batch, struct str buffer, bool at_end,
    size_t *line, size_t *used, struct arena *arena, FILE *out, struct err *err)
{
	*used = 0;
	while (*used < buffer.len) {
		const char *from = buffer.ptr + *used;
		size_t left = buffer.len - *used;
		const char *end = memchr(from, '\n', left);
		size_t len = end != NULL ? (size_t)(end - from) : left;

		if (end == NULL && !at_end && len <= STATE_LINE_MAX)
			return true;
		++*line;
		if (len > STATE_LINE_MAX)
			return err_set(err, ERR_LIMIT, "batch_line",
			    "%.*s:%zu: has more than %d bytes; a question is "
			    "shorter",
			    STR_ARGS(batch->name), *line, STATE_LINE_MAX);
		if (!line_answer(batch, *line, (struct str){ from, len }, arena,
			out, err))
			return false;
		*used += len + (end != NULL ? 1 : 0);
	}
	return true;
}

bool
batch_run(const struct batch *batch, int in, FILE *out, struct err *err)
{
	char *buffer = malloc(READ_BYTES);
	struct arena arena = { 0 };
	size_t have = 0;
	size_t line = 0;
	bool at_end = false;
	bool ok = buffer != NULL || err_set(err, ERR_BUG, "no_memory",
					"out of memory; give the process more");

	while (ok && !at_end) {
		size_t used;
		ssize_t got = read(in, buffer + have, READ_BYTES - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			ok = err_set(err, ERR_FILE, "file_read",
			    "%.*s: cannot be read: %s", STR_ARGS(batch->name),
			    strerror(errno));
			break;
		}
		at_end = got == 0;
		have += (size_t)got;
		ok = lines_answer(batch, (struct str){ buffer, have }, at_end,
		    &line, &used, &arena, out, err);
		have -= used;
		memmove(buffer, buffer + used, have);
		/* Whoever asks line by line waits for the answers. */
		if (ok && fflush(out) != 0)
			ok = err_set(err, ERR_FILE, "file_write",
			    "standard output: cannot be written: %s",
			    strerror(errno));
	}
	fflush(out);
	arena_free(&arena);
	free(buffer);
	return ok;
}
