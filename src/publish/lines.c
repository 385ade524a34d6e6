#include "publish/lines.h"

#include <stdio.h>
#include <string.h>

#include "base/bounds.h"

#define FIRST_CAP ((size_t)512) /* most records are shorter */

/* --- Writing -------------------------------------------------------------- */

static void
out_bytes(struct lines_out *out, const char *ptr, size_t len)
{
	if (out->refused || len == 0)
		return;
	if (len > RECORD_MAX - out->len) {
		out->refused = true;
		return;
	}
	if (out->cap - out->len < len) {
		size_t cap = out->cap == 0 ? FIRST_CAP : out->cap * 2;
		char *wider;

		while (cap - out->len < len)
			cap *= 2;
		wider = arena_alloc(out->arena, cap, 1);
		if (wider == NULL) {
			out->refused = true;
			return;
		}
		if (out->len > 0)
			memcpy(wider, out->ptr, out->len);
		out->ptr = wider;
		out->cap = cap;
	}
	memcpy(out->ptr + out->len, ptr, len);
	out->len += len;
}

static bool
has_control(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c < 0x20 || c == 0x7f)
			return true;
	}
	return false;
}

void
out_kind(struct lines_out *out, struct str kind)
{
	out_bytes(out, kind.ptr, kind.len);
}

void
out_text(struct lines_out *out, struct str text)
{
	if (has_control(text))
		out->refused = true;
	out_bytes(out, "\t", 1);
	out_bytes(out, text.ptr, text.len);
}

void
out_word(struct lines_out *out, const char *word)
{
	out_text(out, str_from(word));
}

void
out_number(struct lines_out *out, int64_t number)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%lld", (long long)number);

	if (number < 0 || len < 0)
		out->refused = true;
	else
		out_text(out, (struct str){ digits, (size_t)len });
}

void
out_names(struct lines_out *out, struct names names)
{
	out_bytes(out, "\t", 1);
	for (size_t i = 0; i < names.count; i++) {
		struct str name = names.items[i];

		if (name.len == 0 || has_control(name) ||
		    memchr(name.ptr, ' ', name.len) != NULL)
			out->refused = true;
		if (i > 0)
			out_bytes(out, " ", 1);
		out_bytes(out, name.ptr, name.len);
	}
}

void
out_bits(struct lines_out *out, uint64_t mask, size_t count)
{
	out_bytes(out, "\t", 1);
	for (size_t i = 0; i < count; i++)
		out_bytes(out, (mask >> i & 1) != 0 ? "1" : "0", 1);
	if (count < 64 && mask >> count != 0)
		out->refused = true;
}

void
out_end(struct lines_out *out)
{
	out_bytes(out, "\n", 1);
}

/* --- Reading -------------------------------------------------------------- */

struct lines_in
lines_read(const struct record *record, struct arena *arena)
{
	/* The record's own line is the first. */
	return (struct lines_in){ .record = record,
		.arena = arena,
		.left = record->body,
		.number = 1 };
}

size_t
lines_left(const struct lines_in *in)
{
	const char *at = in->left.ptr;
	const char *end = at + in->left.len;
	size_t count = 0;

	while (
	    at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		at++;
		count++;
	}
	return count;
}

bool
in_kind(struct lines_in *in, struct str kind)
{
	const char *end;
	size_t len;

	if (!str_starts(in->left, kind))
		return false;
	end = memchr(in->left.ptr, '\n', in->left.len);
	if (end == NULL)
		return false;
	len = (size_t)(end - in->left.ptr);
	if (len > kind.len && in->left.ptr[kind.len] != '\t')
		return false;
	in->line = len == kind.len ? (struct str){ NULL, 0 }
				   : (struct str){ in->left.ptr + kind.len + 1,
					     len - kind.len - 1 };
	in->left.ptr = end + 1;
	in->left.len -= len + 1;
	in->number++;
	return true;
}

bool
in_text(struct lines_in *in, size_t min, size_t max, struct str *out)
{
	return str_next(&in->line, '\t', out) && out->len >= min &&
	       out->len <= max;
}

bool
in_number(struct lines_in *in, int64_t *out)
{
	struct str digits;

	return in_text(in, 1, 19, &digits) &&
	       (digits.ptr[0] != '0' || digits.len == 1) &&
	       digits.ptr[0] != '-' && str_to_i64(digits, 0, INT64_MAX, out);
}

static bool
list_read(struct lines_in *in, struct str text, char sep, size_t count_max,
    size_t name_max, struct names *out)
{
	struct str *items;
	size_t count = 1;

	for (size_t i = 0; i < text.len; i++)
		count += text.ptr[i] == sep;
	if (count > count_max)
		return false;
	items = ARENA_ARRAY(in->arena, struct str, count);
	if (items == NULL) {
		in->no_memory = true;
		return false;
	}
	for (size_t i = 0; i < count; i++)
		if (!str_next(&text, sep, &items[i]) || items[i].len == 0 ||
		    items[i].len > name_max)
			return false;
	*out = (struct names){ items, count };
	return true;
}

bool
in_names(
    struct lines_in *in, size_t count_max, size_t name_max, struct names *out)
{
	struct str field;

	*out = (struct names){ NULL, 0 };
	if (!str_next(&in->line, '\t', &field))
		return false;
	return field.len == 0 ||
	       list_read(in, field, ' ', count_max, name_max, out);
}

bool
in_rest(
    struct lines_in *in, size_t count_max, size_t name_max, struct names *out)
{
	struct str rest = in->line;

	*out = (struct names){ NULL, 0 };
	in->line = (struct str){ NULL, 0 };
	return rest.ptr == NULL ||
	       list_read(in, rest, '\t', count_max, name_max, out);
}

bool
in_bits(struct lines_in *in, size_t count, uint64_t *out)
{
	struct str digits;

	*out = 0;
	if (count > 64 || !in_text(in, count, count, &digits))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (digits.ptr[i] != '0' && digits.ptr[i] != '1')
			return false;
		*out |= (uint64_t)(digits.ptr[i] == '1') << i;
	}
	return true;
}

bool
in_end(const struct lines_in *in)
{
	return in->line.ptr == NULL;
}

bool
lines_done(const struct lines_in *in)
{
	return in->left.len == 0;
}

bool
lines_fail(const struct lines_in *in, struct err *err)
{
	if (in->no_memory)
		return err_set(err, ERR_BUG, "no_memory",
		    "record %.*s: memory is out; give the process more",
		    STR_ARGS(in->record->name));
	return err_set(err, ERR_REACH, "record_form",
	    "record %.*s: line %d cannot be read; run rolegate publish --all "
	    "with the release that the gate has",
	    STR_ARGS(in->record->name),
	    in_end(in) ? in->number + 1 : in->number);
}
