#include "fcgi/gate/answer.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

_Static_assert(
    RECORD_KEY_BYTES == crypto_auth_hmacsha256_KEYBYTES, "the key of filters");

struct writer {
	char *text;
	size_t len;
	bool over;
};

static void
put(struct writer *w, struct str s)
{
	if (w->over || s.len > ANSWER_MAX - w->len) {
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
put_header(struct writer *w, struct str name, struct str value)
{
	put(w, name);
	put(w, STR(": "));
	put_escaped(w, value, '\0');
	put(w, STR("\r\n"));
}

/* Signed, it stands where otherwise the filters do. */
#define UNFILTERED STR("all")

static void
put_filters(struct writer *w, struct names filters)
{
	for (size_t i = 0; i < filters.count; i++) {
		if (i > 0)
			put(w, STR(";"));
		put_escaped(w, filters.items[i], ';');
	}
}

static void
put_mac(struct writer *w, const struct record_key *key, size_t from)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	char hex[sizeof(mac) * 2 + 1];

	crypto_auth_hmacsha256(mac, (const unsigned char *)w->text + from,
	    w->len - from, key->bytes);
	sodium_bin2hex(hex, sizeof(hex), mac, sizeof(mac));
	put(w, STR(" "));
	put(w, (struct str){ hex, sizeof(hex) - 1 });
}

/* v1 EXPIRES MEMBER ACCOUNT all|FILTER;FILTER MAC */
static void
put_signed(struct writer *w, const struct answer *a)
{
	char expires[32];
	size_t from = w->len;
	int len = snprintf(
	    expires, sizeof(expires), "v1 %" PRId64 " ", a->filter_expires_s);

	put(w, (struct str){ expires, (size_t)len });
	put_escaped(w, a->member, '\0');
	put(w, STR(" "));
	put_escaped(w, a->account, '\0');
	put(w, STR(" "));
	if (a->filters.count == 1 && str_eq(a->filters.items[0], UNFILTERED))
		w->over = true; /* a filter of this name cannot be said */
	else if (a->filters.count > 0)
		put_filters(w, a->filters);
	else
		put(w, UNFILTERED);
	if (!w->over)
		put_mac(w, a->filter_key, from);
}

static void
put_filter_header(struct writer *w, const struct answer *a)
{
	if (a->filters.count == 0 && a->filter_key == NULL)
		return;
	put(w, STR("X-Rolegate-Filter: "));
	if (a->filter_key != NULL)
		put_signed(w, a);
	else
		put_filters(w, a->filters);
	put(w, STR("\r\n"));
}

struct shape {
	const char *status;
	const char *word;
};

static const struct shape unknown = { "Status: 503 Service Unavailable\r\n",
	"unknown" };

/* A yes names all that it says yes to, or it is none. */
static struct shape
shape_of_allow(const struct answer *a, enum reason reason, bool filtered)
{
	static const struct shape allow = { "Status: 204 No Content\r\n",
		"allow" };
	bool whole = a->reason == reason && a->member.len > 0 &&
		     a->account.len > 0 && a->role.len > 0 &&
		     (a->filters.count > 0) == filtered;

	for (size_t i = 0; i < a->filters.count; i++)
		whole = whole && a->filters.items[i].len > 0;
	return whole ? allow : unknown;
}

static struct shape
shape_of_deny(enum reason reason)
{
	int status =
	    (unsigned)reason < REASON_COUNT ? reason_http_status(reason) : 0;

	if (status == 401)
		return (struct shape){ "Status: 401 Unauthorized\r\n", "deny" };
	if (status == 403)
		return (struct shape){ "Status: 403 Forbidden\r\n", "deny" };
	return unknown;
}

static struct shape
shape_of(const struct answer *a)
{
	switch (a->verdict) {
	case VERDICT_ALLOW:
		return shape_of_allow(a, REASON_GRANTED, false);
	case VERDICT_ALLOW_FILTER:
		return shape_of_allow(a, REASON_GRANTED_FILTERED, true);
	case VERDICT_DENY:
		return shape_of_deny(a->reason);
	case VERDICT_UNKNOWN:
		break;
	}
	return unknown;
}

static bool
write_all(const struct answer *a, struct shape shape, struct writer *w)
{
	put(w, str_from(shape.status));
	put_header(w, STR("X-Rolegate-Decision"), str_from(shape.word));
	put_header(
	    w, STR("X-Rolegate-Reason"), str_from(reason_word(a->reason)));
	put_header(w, STR("X-Rolegate-Decision-Id"), a->id);
	if (a->verdict == VERDICT_ALLOW || a->verdict == VERDICT_ALLOW_FILTER) {
		put_header(w, STR("X-Rolegate-Member"), a->member);
		put_header(w, STR("X-Rolegate-Account"), a->account);
		put_header(w, STR("X-Rolegate-Role"), a->role);
		if (a->acting_from.len > 0)
			put_header(
			    w, STR("X-Rolegate-Acting-From"), a->acting_from);
		put_filter_header(w, a);
	}
	put(w, STR("\r\n"));
	return !w->over;
}

/* Who was asked about stays, for the log. */
static void
unknown_make(struct answer *answer)
{
	answer->verdict = VERDICT_UNKNOWN;
	answer->reason = REASON_NOT_KNOWN;
	answer->role = STR("");
	answer->acting_from = STR("");
	answer->filters = (struct names){ 0 };
}

size_t
answer_make(struct answer *answer, char text[ANSWER_MAX])
{
	struct shape shape = shape_of(answer);
	struct writer w = { .text = text };

	if (strcmp(shape.word, unknown.word) == 0)
		unknown_make(answer);
	if (write_all(answer, shape, &w))
		return w.len;
	unknown_make(answer);
	w = (struct writer){ .text = text };
	if (write_all(answer, unknown, &w))
		return w.len;
	/* An id that is too long is none of ours. */
	w = (struct writer){ .text = text };
	put(&w, str_from(unknown.status));
	put(&w, STR("\r\n"));
	return w.len;
}
