#include "mail/message.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>
#include <time.h>

#include "base/bounds.h"
#include "base/text.h"

#define ATEXT                                  \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ"           \
	"abcdefghijklmnopqrstuvwxyz0123456789" \
	"!#$%&'*+-/=?^_`{|}~"
#define LABEL                        \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"abcdefghijklmnopqrstuvwxyz0123456789-"

/* RFC 2047 section 2: an encoded word has at most 75 bytes, a line with one at
 * most 76. RFC 2045 section 6.7: 76 for a quoted-printable line, of which one
 * is for the soft break. */
#define HEADER_LINE_MAX 76
#define WORD_BYTES_MAX	((size_t)45) /* 60 in base64, 72 with its frame */
#define FIRST_WORD_MAX	((size_t)39) /* "Subject: " stands before it */
#define QP_LINE_MAX	((size_t)75)
#define ID_BYTES	16
#define HEADERS_MAX	((size_t)2048) /* of everything but the subject */

static bool
no_memory(struct err *err)
{
	return err_set(err, ERR_BUG, "no_memory",
	    "mail: memory is out; give the process more");
}

/* --- What may go into it -------------------------------------------------- */

/* Names of these bytes with single dots between them. */
static bool
is_dotted(struct str s, const char *allowed)
{
	struct str rest = s;
	struct str name;

	if (s.len == 0)
		return false;
	while (str_next(&rest, '.', &name)) {
		if (name.len == 0)
			return false;
		for (size_t i = 0; i < name.len; i++)
			if (name.ptr[i] == '\0' ||
			    strchr(allowed, name.ptr[i]) == NULL)
				return false;
	}
	return true;
}

static bool
is_address(struct str address)
{
	const char *at =
	    address.len > 0 ? memchr(address.ptr, '@', address.len) : NULL;
	struct str local, domain;

	if (at == NULL || address.len > EMAIL_MAX || address.ptr[0] == '-')
		return false;
	local = (struct str){ address.ptr, (size_t)(at - address.ptr) };
	domain = (struct str){ at + 1, address.len - local.len - 1 };
	return is_dotted(local, ATEXT) && is_dotted(domain, LABEL) &&
	       domain.ptr[0] != '-';
}

bool
mail_address_check(struct str address, const char *field, struct err *err)
{
	if (is_address(address))
		return true;
	return err_set(err, ERR_REFUSED, "mail_address",
	    "%s: is not one plain address; write it as local@domain in ASCII, "
	    "with at most %d bytes",
	    field, EMAIL_MAX);
}

static bool
subject_check(struct str subject, struct err *err)
{
	if (subject.len > MAIL_SUBJECT_MAX)
		return err_set(err, ERR_LIMIT, "mail_too_large",
		    "subject: has %zu bytes; at most %d are allowed",
		    subject.len, MAIL_SUBJECT_MAX);
	if (subject.len == 0 || !text_is_clean(subject))
		return err_set(err, ERR_REFUSED, "mail_header",
		    "subject: is empty, has a control character or is not "
		    "valid UTF-8; write it as one line of text");
	return true;
}

static bool
body_is_text(struct str body)
{
	struct str lines = body;
	struct str line, piece;

	while (str_next(&lines, '\n', &line))
		for (struct str rest = line; str_next(&rest, '\t', &piece);)
			if (!text_is_clean(piece))
				return false;
	return true;
}

static bool
body_check(struct str body, struct err *err)
{
	if (body.len > MAIL_BODY_MAX)
		return err_set(err, ERR_LIMIT, "mail_too_large",
		    "body: has %zu bytes; at most %d are allowed", body.len,
		    MAIL_BODY_MAX);
	if (!body_is_text(body))
		return err_set(err, ERR_REFUSED, "mail_body",
		    "body: has a control character or is not valid UTF-8; "
		    "write it as lines of text");
	return true;
}

/* --- Writing -------------------------------------------------------------- */

/* The room is reckoned before, in room_needed(). */
struct writer {
	char *ptr;
	size_t len;
	size_t room;
};

static void
put(struct writer *w, const char *bytes, size_t len)
{
	assert(len <= w->room - w->len);
	memcpy(w->ptr + w->len, bytes, len);
	w->len += len;
}

static void
put_str(struct writer *w, struct str s)
{
	if (s.len > 0)
		put(w, s.ptr, s.len);
}

static void
put_header(struct writer *w, const char *name, struct str value)
{
	put_str(w, str_from(name));
	put_str(w, STR(": "));
	put_str(w, value);
	put_str(w, STR("\r\n"));
}

/* RFC 5322 section 3.3; the names of days and months are those of no locale. */
static bool
put_date(struct writer *w, int64_t at_s)
{
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t at = (time_t)at_s;
	struct tm tm;
	char text[64];
	int len;

	if (gmtime_r(&at, &tm) == NULL)
		return false;
	len = snprintf(text, sizeof(text),
	    "%s, %02d %s %04d %02d:%02d:%02d +0000", days[tm.tm_wday],
	    tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
	    tm.tm_min, tm.tm_sec);
	if (len < 0 || (size_t)len >= sizeof(text))
		return false;
	put_header(w, "Date", (struct str){ text, (size_t)len });
	return true;
}

static void
put_message_id(struct writer *w, struct str from)
{
	const char *at = memchr(from.ptr, '@', from.len);
	unsigned char random[ID_BYTES];
	char hex[2 * ID_BYTES + 1];

	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(hex, sizeof(hex), random, sizeof(random));
	put_str(w, STR("Message-ID: <"));
	put_str(w, str_from(hex));
	put(w, at, from.len - (size_t)(at - from.ptr));
	put_str(w, STR(">\r\n"));
}

/* --- Subject -------------------------------------------------------------- */

/* Short ASCII goes as it is, unless a reader would make something else of it:
 * blanks at its ends, or what looks like an encoded word. */
static bool
is_plain(struct str s)
{
	if (s.len + strlen("Subject: ") > HEADER_LINE_MAX || s.ptr[0] == ' ' ||
	    s.ptr[s.len - 1] == ' ' || memmem(s.ptr, s.len, "=?", 2) != NULL)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < ' ' || s.ptr[i] > '~')
			return false;
	return true;
}

/* At most `max` bytes of s, ending with a whole character. */
static size_t
whole_chars(struct str s, size_t max)
{
	size_t len = max;

	if (s.len <= max)
		return s.len;
	while (((unsigned char)s.ptr[len] & 0xc0) == 0x80)
		len--;
	return len;
}

static void
put_word(struct writer *w, struct str bytes)
{
	char base64[sodium_base64_ENCODED_LEN(
	    WORD_BYTES_MAX, sodium_base64_VARIANT_ORIGINAL)];

	sodium_bin2base64(base64, sizeof(base64),
	    (const unsigned char *)bytes.ptr, bytes.len,
	    sodium_base64_VARIANT_ORIGINAL);
	put_str(w, STR("=?utf-8?B?"));
	put_str(w, str_from(base64));
	put_str(w, STR("?="));
}

static void
put_subject(struct writer *w, struct str subject)
{
	struct str rest = subject;
	size_t max = FIRST_WORD_MAX;

	if (is_plain(subject)) {
		put_header(w, "Subject", subject);
		return;
	}
	put_str(w, STR("Subject:"));
	while (rest.len > 0) {
		size_t len = whole_chars(rest, max);

		put_str(w, max == FIRST_WORD_MAX ? STR(" ") : STR("\r\n "));
		put_word(w, (struct str){ rest.ptr, len });
		rest = (struct str){ rest.ptr + len, rest.len - len };
		max = WORD_BYTES_MAX;
	}
	put_str(w, STR("\r\n"));
}

/* --- Body ----------------------------------------------------------------- */

/* RFC 2045 section 6.7. A '.' and an 'F' that begin a line are written in hex
 * as well, so that no transport on the way makes an end or a "From " line of
 * them. */
static bool
goes_as_it_is(char c, bool first, bool last)
{
	if (c == ' ' || c == '\t')
		return !last;
	if (c <= ' ' || c > '~' || c == '=')
		return false;
	return !first || (c != '.' && c != 'F');
}

static void
put_line(struct writer *w, struct str line)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t used = 0;

	for (size_t i = 0; i < line.len; i++) {
		unsigned char byte = (unsigned char)line.ptr[i];
		bool last = i + 1 == line.len;
		size_t wants =
		    goes_as_it_is(line.ptr[i], used == 0, last) ? 1 : 3;

		if (used + wants > QP_LINE_MAX) {
			put_str(w, STR("=\r\n"));
			used = 0;
			wants = goes_as_it_is(line.ptr[i], true, last) ? 1 : 3;
		}
		if (wants == 1)
			put(w, &line.ptr[i], 1);
		else
			put(w,
			    (const char[]){
				'=', hex[byte >> 4], hex[byte & 0xf] },
			    3);
		used += wants;
	}
	put_str(w, STR("\r\n"));
}

static void
put_body(struct writer *w, struct str body)
{
	struct str rest = body;
	struct str line;

	/* The newline at the end is the end of the last line. */
	if (rest.len > 0 && rest.ptr[rest.len - 1] == '\n')
		rest.len--;
	while (str_next(&rest, '\n', &line))
		put_line(w, line);
}

/* --- The whole ------------------------------------------------------------ */

static void
put_kind(struct writer *w)
{
	put_header(w, "MIME-Version", STR("1.0"));
	put_header(w, "Content-Type", STR("text/plain; charset=utf-8"));
	put_header(w, "Content-Transfer-Encoding", STR("quoted-printable"));
	/* RFC 3834: nobody's holiday answers this. */
	put_header(w, "Auto-Submitted", STR("auto-generated"));
}

/* A byte of the body is at most "=XX", and at least 73 of those lie between
 * two soft breaks; base64 is 4 for 3, with a frame each 42 bytes or more. */
static size_t
room_needed(const struct mail_message *mail)
{
	return HEADERS_MAX + 3 * mail->subject.len + 4 * mail->body.len;
}

bool
mail_message_build(struct arena *arena, const struct mail_message *mail,
    struct str *out, struct err *err)
{
	struct writer w = { .room = room_needed(mail) };

	if (!mail_address_check(mail->from, "from", err) ||
	    !mail_address_check(mail->to, "to", err) ||
	    !subject_check(mail->subject, err) || !body_check(mail->body, err))
		return false;
	w.ptr = ARENA_ARRAY(arena, char, w.room);
	if (w.ptr == NULL)
		return no_memory(err);
	if (sodium_init() < 0)
		return err_set(err, ERR_BUG, "no_random",
		    "mail: the system gives no random bytes; see getrandom(2)");
	if (!put_date(&w, mail->at_s))
		return err_set(err, ERR_BUG, "mail_date",
		    "mail: has a time that is none; report this");
	put_header(&w, "From", mail->from);
	put_header(&w, "To", mail->to);
	put_subject(&w, mail->subject);
	put_message_id(&w, mail->from);
	put_kind(&w);
	put_str(&w, STR("\r\n"));
	put_body(&w, mail->body);
	*out = (struct str){ w.ptr, w.len };
	return true;
}

void
mail_wipe(struct str text)
{
	if (text.len > 0)
		sodium_memzero((void *)(uintptr_t)text.ptr, text.len);
}
