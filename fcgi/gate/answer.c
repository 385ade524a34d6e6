#include "fcgi/gate/answer.h"

#include <stdio.h>
#include <string.h>

struct writer {
	char *text;
	size_t len;
	bool over;
};

static void
put(struct writer *w, struct str s)
{
	if (s.len > ANSWER_MAX - w->len) {
		w->over = true;
		return;
	}
	if (s.len > 0)
		memcpy(w->text + w->len, s.ptr, s.len);
	w->len += s.len;
}

/* Printable ASCII stays; all else, '%' and the separator are escaped. */
static void
put_escaped(struct writer *w, struct str value, char separator)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.ptr[i];
		const char escaped[] = { '%', hex[c >> 4], hex[c & 15] };

		if (c > 0x20 && c < 0x7f && c != '%' && c != separator)
			put(w, (struct str){ value.ptr + i, 1 });
		else
			put(w, (struct str){ escaped, sizeof(escaped) });
	}
}

static void
header(struct writer *w, const char *name, struct str value)
{
	if (value.len == 0)
		return;
	put(w, str_from(name));
	put(w, STR(": "));
	put_escaped(w, value, '\0');
	put(w, STR("\r\n"));
}

static void
filters_put(struct writer *w, struct names filters)
{
	if (filters.count == 0)
		return;
	put(w, STR("X-Rolegate-Filter: "));
	for (size_t i = 0; i < filters.count; i++) {
		if (i > 0)
			put(w, STR(";"));
		put_escaped(w, filters.items[i], ';');
	}
	put(w, STR("\r\n"));
}

struct shape {
	const char *status;
	const char *word;
};

/* Only these two verdicts are a yes; the status says the same as the reason. */
static struct shape
shape_of(const struct decision *d)
{
	static const struct shape unknown = { "503 Service Unavailable",
		"unknown" };
	int status = reason_http_status(d->reason);

	switch (d->verdict) {
	case VERDICT_ALLOW:
	case VERDICT_ALLOW_FILTER:
		return status == 204
			   ? (struct shape){ "204 No Content", "allow" }
			   : unknown;
	case VERDICT_DENY:
		if (status == 401)
			return (struct shape){ "401 Unauthorized", "deny" };
		if (status == 403)
			return (struct shape){ "403 Forbidden", "deny" };
		return unknown;
	case VERDICT_UNKNOWN:
		break;
	}
	return unknown;
}

static bool
write_all(const struct verdict_said *said, struct writer *w)
{
	const struct decision *d = &said->decision;
	struct shape shape = shape_of(d);

	put(w, STR("Status: "));
	put(w, str_from(shape.status));
	put(w, STR("\r\nX-Rolegate-Decision: "));
	put(w, str_from(shape.word));
	put(w, STR("\r\n"));
	header(w, "X-Rolegate-Reason", str_from(reason_word(d->reason)));
	header(w, "X-Rolegate-Decision-Id", said->id);
	if (d->verdict == VERDICT_ALLOW || d->verdict == VERDICT_ALLOW_FILTER) {
		header(w, "X-Rolegate-Member", said->member);
		header(w, "X-Rolegate-Account", said->account);
		header(w, "X-Rolegate-Role", said->role);
		filters_put(w, d->filters);
	}
	put(w, STR("\r\n"));
	return !w->over;
}

size_t
answer_make(struct verdict_said *said, char text[ANSWER_MAX])
{
	struct writer w = { .text = text };

	if (said->decision.verdict == VERDICT_ALLOW_FILTER &&
	    said->decision.filters.count == 0)
		said->decision = (struct decision){ 0 };
	if (write_all(said, &w))
		return w.len;
	said->decision = (struct decision){ 0 };
	w = (struct writer){ .text = text };
	write_all(said, &w);
	return w.len;
}
