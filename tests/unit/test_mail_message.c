/* A mail as bytes: what may go into it, and that nothing in it becomes a
 * header, a line or an address that we did not write. */
#include <stdio.h>
#include <string.h>

#include "base/bounds.h"
#include "mail/message.h"
#include "qp_decode.h"
#include "tests/unit/unit.h"

/* A struct str that is a constant; with its NUL bytes. */
#define BYTES(literal)                          \
	{                                       \
		"" literal, sizeof(literal) - 1 \
	}
#define AT_S ((int64_t)1800000000) /* Fri, 15 Jan 2027 08:00:00 UTC */

static const struct mail_message plain = {
	.from = BYTES("rolegate@example.org"),
	.to = BYTES("ann@example.org"),
	.subject = BYTES("Invitation to Sales"),
	.body = BYTES("Hello\n"),
	.at_s = AT_S,
};

static struct arena arena;

static struct str
built(const struct mail_message *mail)
{
	struct err err = { 0 };
	struct str out = { NULL, 0 };

	ck_assert_msg(mail_message_build(&arena, mail, &out, &err), "%s [%s]",
	    err.text, err.code);
	ck_assert_uint_gt(out.len, 0);
	return out;
}

static bool
has(struct str text, const char *what)
{
	return memmem(text.ptr, text.len, what, strlen(what)) != NULL;
}

static struct str
body_of(struct str message)
{
	const char *gap = memmem(message.ptr, message.len, "\r\n\r\n", 4);

	ck_assert_ptr_nonnull(gap);
	gap += 4;
	return (struct str){ gap, message.len - (size_t)(gap - message.ptr) };
}

/* --- Addresses ------------------------------------------------------------ */

/* clang-format off */
static const struct address_row {
	const char *says;
	struct str address;
	bool ok;
} address_rows[] = {
	{ "a plain address",                          BYTES("ann@example.org"), true },
	{ "dots, a plus and a dash",                  BYTES("a.b+c-d@mail.example.org"), true },
	{ "a name that is not in the DNS",            BYTES("root@localhost"), true },
	{ "everything that an atom may have",         BYTES("!#$%&'*+-/=?^_`{|}~@example.org"), true },
	{ "nothing",                                  BYTES(""), false },
	{ "no '@'",                                   BYTES("ann"), false },
	{ "nothing before it",                        BYTES("@example.org"), false },
	{ "nothing behind it",                        BYTES("ann@"), false },
	{ "two of them",                              BYTES("ann@example.org@example.net"), false },
	{ "an option",                                BYTES("-oQ/tmp@example.org"), false },
	{ "a domain like an option",                  BYTES("ann@-example.org"), false },
	{ "a blank",                                  BYTES("ann @example.org"), false },
	{ "a comma: two addresses",                   BYTES("ann,bob@example.org"), false },
	{ "a semicolon",                              BYTES("ann;bob@example.org"), false },
	{ "quotes",                                   BYTES("\"ann\"@example.org"), false },
	{ "angle brackets",                           BYTES("<ann@example.org>"), false },
	{ "a name in front",                          BYTES("Ann <ann@example.org>"), false },
	{ "a comment",                                BYTES("ann(x)@example.org"), false },
	{ "a backslash",                              BYTES("an\\n@example.org"), false },
	{ "a line end",                               BYTES("ann@example.org\r\nBcc: bob@example.org"), false },
	{ "LF alone",                                 BYTES("ann@example.org\nBcc: bob@example.org"), false },
	{ "CR alone",                                 BYTES("ann@example.org\rx"), false },
	{ "a NUL",                                    BYTES("ann@example.org\0.net"), false },
	{ "a NUL before the '@'",                     BYTES("ann\0@example.org"), false },
	{ "DEL",                                      BYTES("ann\x7f@example.org"), false },
	{ "UTF-8, which not every server takes",      BYTES("\xc3\xa4nn@example.org"), false },
	{ "bytes that are no UTF-8",                  BYTES("\xff\xfe@example.org"), false },
	{ "a dot at the beginning",                   BYTES(".ann@example.org"), false },
	{ "a dot before the '@'",                     BYTES("ann.@example.org"), false },
	{ "two dots",                                 BYTES("ann..x@example.org"), false },
	{ "a dot behind the domain",                  BYTES("ann@example.org."), false },
	{ "an address as a domain",                   BYTES("ann@[127.0.0.1]"), false },
	{ "a bang path is an atom, a port is none",   BYTES("ann@example.org:25"), false },
	{ "a pipe to a program: an atom, no program", BYTES("|sh@example.org"), true },
	{ "a slash in the domain",                    BYTES("ann@example.org/x"), false },
};
/* clang-format on */

START_TEST(addresses)
{
	const struct address_row *row = &address_rows[_i];
	struct mail_message as_from = plain, as_to = plain;
	struct str out = { NULL, 0 };
	struct err err = { 0 }, err_to = { 0 }, err_from = { 0 };

	ck_assert_msg(mail_address_check(row->address, "to", &err) == row->ok,
	    "%s", row->says);
	as_from.from = row->address;
	as_to.to = row->address;
	ck_assert_msg(
	    mail_message_build(&arena, &as_from, &out, &err_from) == row->ok,
	    "as from: %s", row->says);
	ck_assert_msg(
	    mail_message_build(&arena, &as_to, &out, &err_to) == row->ok,
	    "as to: %s", row->says);
	if (!row->ok) {
		ck_assert_str_eq(err.code, "mail_address");
		ck_assert_str_eq(err_from.code, "mail_address");
		ck_assert_str_eq(err_to.code, "mail_address");
		ck_assert_int_eq(err.kind, ERR_REFUSED);
	}
}
END_TEST

START_TEST(address_length)
{
	char text[EMAIL_MAX + 2];
	struct err err = { 0 };

	memset(text, 'a', sizeof(text));
	text[64] = '@';
	ck_assert(
	    mail_address_check((struct str){ text, EMAIL_MAX }, "to", &err));
	ck_assert(!mail_address_check(
	    (struct str){ text, EMAIL_MAX + 1 }, "to", &err));
}
END_TEST

/* --- Headers -------------------------------------------------------------- */

START_TEST(the_whole)
{
	struct str out = built(&plain);
	struct str body = body_of(out);

	ck_assert(
	    str_starts(out, STR("Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n"
				"From: rolegate@example.org\r\n"
				"To: ann@example.org\r\n"
				"Subject: Invitation to Sales\r\n"
				"Message-ID: <")));
	ck_assert(has(out, "@example.org>\r\n"
			   "MIME-Version: 1.0\r\n"
			   "Content-Type: text/plain; charset=utf-8\r\n"
			   "Content-Transfer-Encoding: quoted-printable\r\n"
			   "Auto-Submitted: auto-generated\r\n\r\n"));
	ck_assert(str_eq(body, STR("Hello\r\n")));
}
END_TEST

START_TEST(each_has_its_own_id)
{
	struct str a = built(&plain);
	struct str b = built(&plain);
	const char *id_a = memmem(a.ptr, a.len, "Message-ID: <", 13);
	const char *id_b = memmem(b.ptr, b.len, "Message-ID: <", 13);

	ck_assert(memcmp(id_a, id_b, 13) == 0);
	ck_assert(memcmp(id_a + 13, id_b + 13, 32) != 0);
	ck_assert_int_eq(id_a[13 + 32], '@');
}
END_TEST

/* clang-format off */
static const struct subject_row {
	const char *says;
	struct str subject;
	const char *has; /* NULL: refused as `code` */
	const char *code;
} subject_rows[] = {
	{ "ASCII goes as it is",          BYTES("Down on Sunday, 4-5: yes"), "Subject: Down on Sunday, 4-5: yes\r\n", NULL },
	{ "an umlaut is encoded",         BYTES("Gr\xc3\xbc\xc3\x9f" "e"),   "Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n", NULL },
	{ "what looks encoded is encoded", BYTES("=?utf-8?Q?x?="),           "Subject: =?utf-8?B?PT91dGYtOD9RP3g/PQ==?=\r\n", NULL },
	{ "a blank in front is kept",     BYTES(" x"),                       "Subject: =?utf-8?B?IHg=?=\r\n", NULL },
	{ "a blank behind is kept",       BYTES("x "),                       "Subject: =?utf-8?B?eCA=?=\r\n", NULL },
	{ "CR LF is refused",             BYTES("x\r\nBcc: bob@example.org"), NULL, "mail_header" },
	{ "LF is refused",                BYTES("x\nBcc: bob@example.org"),   NULL, "mail_header" },
	{ "CR is refused",                BYTES("x\rBcc: bob@example.org"),   NULL, "mail_header" },
	{ "a NUL is refused",             BYTES("x\0y"),                      NULL, "mail_header" },
	{ "a TAB is refused",             BYTES("x\ty"),                      NULL, "mail_header" },
	{ "ESC is refused",               BYTES("x\x1b[2Jy"),                 NULL, "mail_header" },
	{ "DEL is refused",               BYTES("x\x7f"),                     NULL, "mail_header" },
	{ "NEL, a C1 control, is refused", BYTES("x\xc2\x85y"),               NULL, "mail_header" },
	{ "U+2028 is refused",            BYTES("x\xe2\x80\xa8y"),            NULL, "mail_header" },
	{ "no UTF-8 is refused",          BYTES("x\xff"),                     NULL, "mail_header" },
	{ "an overlong LF is refused",    BYTES("x\xc0\x8ay"),                NULL, "mail_header" },
	{ "nothing is refused",           BYTES(""),                          NULL, "mail_header" },
};
/* clang-format on */

START_TEST(subjects)
{
	const struct subject_row *row = &subject_rows[_i];
	struct mail_message mail = plain;
	struct str out = { NULL, 0 };
	struct err err = { 0 };

	mail.subject = row->subject;
	if (row->has != NULL) {
		out = built(&mail);
		ck_assert_msg(
		    has(out, row->has), "%s: %.*s", row->says, STR_ARGS(out));
		return;
	}
	ck_assert_msg(
	    !mail_message_build(&arena, &mail, &out, &err), "%s", row->says);
	ck_assert_str_eq(err.code, row->code);
	ck_assert_ptr_null(out.ptr);
}
END_TEST

/* Each line within its bound, each word a whole number of characters. */
START_TEST(long_subjects)
{
	static const char *const letters[] = { "a", "\xc3\xbc", "\xe2\x82\xac",
		"\xf0\x9f\x93\xac" };
	char text[MAIL_SUBJECT_MAX + 8];
	struct mail_message mail = plain;
	struct str out, rest, line;
	size_t size = strlen(letters[_i]);
	struct err err = { 0 };

	for (size_t i = 0; i + size <= sizeof(text); i += size)
		memcpy(text + i, letters[_i], size);
	mail.subject = (struct str){ text, MAIL_SUBJECT_MAX / size * size };
	out = built(&mail);
	for (rest = out; str_next(&rest, '\n', &line);) {
		ck_assert_uint_le(line.len, 77); /* with its CR */
		if (line.len == 1)
			break;
	}
	mail.subject.len = MAIL_SUBJECT_MAX + 4;
	ck_assert(!mail_message_build(&arena, &mail, &out, &err));
	ck_assert_str_eq(err.code, "mail_too_large");
	ck_assert_int_eq(err.kind, ERR_LIMIT);
}
END_TEST

/* --- Body ----------------------------------------------------------------- */

/* clang-format off */
static const struct body_row {
	const char *says;
	struct str body;
	struct str wire; /* empty and a body: refused as mail_body */
} body_rows[] = {
	{ "lines end CRLF",                          BYTES("a\nb\n"), BYTES("a\r\nb\r\n") },
	{ "the last line needs no end",              BYTES("a\nb"),   BYTES("a\r\nb\r\n") },
	{ "empty lines stay",                        BYTES("a\n\n\nb\n\n"), BYTES("a\r\n\r\n\r\nb\r\n\r\n") },
	{ "'=' is escaped",                          BYTES("a=b"),    BYTES("a=3Db\r\n") },
	{ "UTF-8 is escaped",                        BYTES("\xc3\xbc"), BYTES("=C3=BC\r\n") },
	{ "a blank at the end of a line is escaped", BYTES("a \nb\t\n"), BYTES("a=20\r\nb=09\r\n") },
	{ "... within it is not",                    BYTES("a b\tc"), BYTES("a b\tc\r\n") },
	{ "a dot alone does not end the mail",       BYTES("a\n.\nb"), BYTES("a\r\n=2E\r\nb\r\n") },
	{ "a line is not taken for a new mail",      BYTES("From bob\n"), BYTES("=46rom bob\r\n") },
	{ "a header in the body is body",            BYTES("\nBcc: bob@example.org\n"), BYTES("\r\nBcc: bob@example.org\r\n") },
	{ "CR is refused",                           BYTES("a\rb"),   BYTES("") },
	{ "CR LF is refused",                        BYTES("a\r\nb"), BYTES("") },
	{ "a NUL is refused",                        BYTES("a\0b"),   BYTES("") },
	{ "ESC is refused",                          BYTES("a\x1b[2J"), BYTES("") },
	{ "no UTF-8 is refused",                     BYTES("a\xff"),  BYTES("") },
	{ "half a character is refused",             BYTES("a\xc3\nb"), BYTES("") },
};
/* clang-format on */

START_TEST(bodies)
{
	const struct body_row *row = &body_rows[_i];
	struct mail_message mail = plain;
	struct str out = { NULL, 0 };
	struct err err = { 0 };

	mail.body = row->body;
	if (row->wire.len > 0) {
		out = body_of(built(&mail));
		ck_assert_msg(str_eq(out, row->wire), "%s: %.*s", row->says,
		    STR_ARGS(out));
		return;
	}
	ck_assert_msg(
	    !mail_message_build(&arena, &mail, &out, &err), "%s", row->says);
	ck_assert_str_eq(err.code, "mail_body");
	ck_assert_ptr_null(out.ptr);
}
END_TEST

/* At the bound: no line too long, and what is read is what was written. */
START_TEST(long_bodies)
{
	static const char *const pieces[] = { "a", "\xc3\xbc", ".", "F", "=",
		"ab \xe2\x82\xac\t", "\n", "x\n.", " " };
	char *text = ARENA_ARRAY(&arena, char, MAIL_BODY_MAX + 8);
	struct mail_message mail = plain;
	struct str body, rest, line, back;
	size_t size = strlen(pieces[_i]);
	struct err err = { 0 };
	size_t len = 0;

	for (; len + size < MAIL_BODY_MAX; len += size)
		memcpy(text + len, pieces[_i], size);
	text[len++] = '\n';
	mail.body = (struct str){ text, len };
	body = body_of(built(&mail));
	for (rest = body; str_next(&rest, '\n', &line);) {
		ck_assert_uint_le(line.len, 77);
		ck_assert(line.len == 0 || line.ptr[line.len - 1] == '\r');
		ck_assert(line.len < 2 || line.ptr[line.len - 2] != ' ');
	}
	back = qp_decode(&arena, body);
	ck_assert(str_eq(back, mail.body));
	memset(text, 'a', MAIL_BODY_MAX + 1);
	mail.body = (struct str){ text, MAIL_BODY_MAX };
	(void)built(&mail);
	mail.body.len++;
	ck_assert(!mail_message_build(&arena, &mail, &body, &err));
	ck_assert_str_eq(err.code, "mail_too_large");
}
END_TEST

START_TEST(what_is_wiped_is_gone)
{
	struct mail_message mail = plain;
	struct str out;

	mail.body = STR("https://example.org/rolegate/invitation#secret\n");
	out = built(&mail);
	ck_assert(has(out, "secret"));
	mail_wipe(out);
	for (size_t i = 0; i < out.len; i++)
		ck_assert_int_eq(out.ptr[i], '\0');
	mail_wipe((struct str){ NULL, 0 });
}
END_TEST

static void
arena_end(void)
{
	arena_free(&arena);
}

#define ROWS(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

static void
tests(TCase *t)
{
	tcase_add_checked_fixture(t, NULL, arena_end);
	tcase_add_loop_test(t, addresses, 0, ROWS(address_rows));
	tcase_add_test(t, address_length);
	tcase_add_test(t, the_whole);
	tcase_add_test(t, each_has_its_own_id);
	tcase_add_loop_test(t, subjects, 0, ROWS(subject_rows));
	tcase_add_loop_test(t, long_subjects, 0, 4);
	tcase_add_loop_test(t, bodies, 0, ROWS(body_rows));
	tcase_add_loop_test(t, long_bodies, 0, 9);
	tcase_add_test(t, what_is_wiped_is_gone);
}

UNIT_MAIN("mail message", tests)
