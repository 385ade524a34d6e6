/* A decision is one line, whatever a client wrote into it, and the command
 * reads from it what was written. */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/logfmt.h"
#include "fcgi/gate/decision_log.h"
#include "fcgi/gate/limits.h"
#include "fcgi/process/say.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define S(literal)                           \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static char written[128 * 1024];

/* What the log writes for an answer; the length. */
static size_t
line_make(const struct decision_line *line)
{
	int ends[2];
	struct decision_log log = { .what = LOG_ALL };
	ssize_t len;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	log.fd = ends[1];
	decision_log_write(&log, line);
	len = read(ends[0], written, sizeof(written) - 1);
	ck_assert_int_gt(len, 0);
	written[len] = '\0';
	close(ends[0]);
	close(ends[1]);
	return (size_t)len;
}

static struct answer
denied(struct str value)
{
	return (struct answer){
		.verdict = VERDICT_DENY,
		.reason = REASON_NO_GRANT,
		.id = STR("abcdefghijklmnop"),
		.member = value,
		.account = value,
	};
}

static const struct params params = {
	.cookie = S("sid=secret-cookie"),
	.trusted_user = S("ann"),
	.method = S("GET"),
	.path = S("/a"),
	.target = S("/a?token=secret-query"),
	.host = S("app"),
};

START_TEST(a_line_as_the_page_says)
{
	struct answer answer = denied(STR("ann"));

	answer.account = STR("sales");
	line_make(&(struct decision_line){
	    .answer = &answer,
	    .params = &params,
	    .permission = STR("users.add"),
	    .generation = 42,
	    .at_s = 1767225600,
	    .us = 17,
	    .stale = true,
	});
	ck_assert_str_eq(written,
	    "time=2026-01-01T00:00:00Z id=abcdefghijklmnop member=ann "
	    "account=sales permission=users.add verdict=deny reason=no_grant "
	    "generation=42 us=17 stale=yes method=GET host=app path=/a\n");
}
END_TEST

/* clang-format off */
static const struct {
	const char *says;
	struct str value;
	struct str reads; /* as the command reads it again */
} rows[] = {
	{ "a name",                            S("ann"), S("ann") },
	{ "an empty value",                    S(""), S("") },
	{ "letters beyond ASCII",              S("m\xc3\xbcller"), S("m\xc3\xbcller") },
	{ "a blank",                           S("a b"), S("a b") },
	{ "an equals sign",                    S("a=b"), S("a=b") },
	{ "quotes and backslashes",            S("\"a\\\" b=\"\\"), S("\"a\\\" b=\"\\") },
	{ "another key",                       S("x verdict=allow"), S("x verdict=allow") },
	{ "another key, behind a quote",       S("x\" verdict=allow y=\""), S("x\" verdict=allow y=\"") },
	{ "T6 a line feed and another line",   S("a\ntime=1 id=x verdict=allow"), S("a\\x0atime=1 id=x verdict=allow") },
	{ "T6 CR, TAB, NUL and DEL",           S("\r\t\0\x7f"), S("\\x0d\\x09\\x00\\x7f") },
	{ "an escape of a terminal",           S("\x1b[2J"), S("\\x1b[2J") },
	{ "C1 and no UTF-8",                   S("\xc2\x9b\xff"), S("\\xc2\\x9b\\xff") },
	{ "a line separator",                  S("a\xe2\x80\xa8z"), S("a\\xe2\\x80\\xa8z") },
};
/* clang-format on */

START_TEST(T6_a_line_stays_one_line_and_is_read_again)
{
	const char *says = rows[_i].says;
	struct answer answer = denied(rows[_i].value);
	struct params here = params;
	struct arena arena = { 0 };
	static const char *const keys[] = { "member", "account", "permission",
		"method", "host", "path" };
	struct str line;

	here.method = here.host = here.path = rows[_i].value;
	line.len = line_make(&(struct decision_line){
	    .answer = &answer, .params = &here, .permission = rows[_i].value });
	line.ptr = written;
	ck_assert_msg(memchr(written, '\n', line.len) == written + line.len - 1,
	    "%s", says);
	line.len--;
	for (size_t i = 0; i < COUNT(keys); i++)
		ck_assert_msg(
		    str_eq(logfmt_value(&arena, line, str_from(keys[i])),
			rows[_i].reads),
		    "%s: %s", says, written);
	ck_assert_msg(
	    str_eq(logfmt_value(&arena, line, STR("verdict")), STR("deny")),
	    "%s", says);
	ck_assert_msg(str_eq(logfmt_value(&arena, line, STR("id")),
			  STR("abcdefghijklmnop")),
	    "%s", says);
	arena_free(&arena);
}
END_TEST

START_TEST(nothing_of_cookie_and_query_is_in_it)
{
	struct answer answer = denied(STR("ann"));

	line_make(
	    &(struct decision_line){ .answer = &answer, .params = &params });
	ck_assert_ptr_null(strstr(written, "secret"));
}
END_TEST

/* Nothing is cut: what is too long to be a name stands as its length. And the
 * whole goes into a pipe at once, so that no two lines mix. */
START_TEST(a_line_has_a_bound)
{
	static char worst[LOG_VALUE_MAX / 5 + 1]; /* \\\\xNN each */
	struct answer answer;
	struct params here = params;
	struct arena arena = { 0 };
	struct str line = { written, 0 };

	memset(worst, 0xff, sizeof(worst));
	answer = denied((struct str){ worst, LOG_VALUE_MAX / 5 });
	answer.acting_from = answer.account = answer.member;
	here.method = here.host = here.path = answer.member;
	line.len = line_make(&(struct decision_line){
	    .answer = &answer, .params = &here, .permission = answer.member });
	ck_assert_uint_le(line.len, PIPE_BUF);
	ck_assert_uint_gt(line.len, 7 * (size_t)LOG_VALUE_MAX);
	ck_assert_int_eq(written[line.len - 1], '\n');
	line.len--;
	ck_assert_uint_eq(logfmt_value(&arena, line, STR("path")).len,
	    LOG_VALUE_MAX / 5 * (size_t)4);
	here.path = (struct str){ worst, sizeof(worst) };
	line.len = line_make(&(struct decision_line){
		       .answer = &answer, .params = &here }) -
		   1;
	ck_assert(str_eq(
	    logfmt_value(&arena, line, STR("path")), STR("(103 bytes)")));
	arena_free(&arena);
}
END_TEST

static const struct {
	enum log_what what;
	bool allows;
	bool others;
} wants[] = {
	{ LOG_OFF, false, false },
	{ LOG_DENIALS, false, true },
	{ LOG_ALL, true, true },
};

START_TEST(what_is_not_wanted_is_not_written)
{
	const struct decision_log log = { .fd = -1, .what = wants[_i].what };

	ck_assert(decision_log_wants(&log, VERDICT_ALLOW) == wants[_i].allows);
	ck_assert(
	    decision_log_wants(&log, VERDICT_ALLOW_FILTER) == wants[_i].allows);
	ck_assert(decision_log_wants(&log, VERDICT_DENY) == wants[_i].others);
	ck_assert(
	    decision_log_wants(&log, VERDICT_UNKNOWN) == wants[_i].others);
}
END_TEST

/* --- Nobody reads ----------------------------------------------------------
 */

/* The far end of what standard error is now; *was is what it was. */
static int
stderr_to(bool is_socket, int *was)
{
	int ends[2];

	if (is_socket)
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	else
		ck_assert_int_eq(pipe(ends), 0);
	*was = dup(STDERR_FILENO);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	close(ends[1]);
	return ends[0];
}

/* It has to come back; then whoever reads again is told again. */
START_TEST(a_reader_who_stands_still_holds_nobody_up)
{
	struct answer answer = denied(STR("ann"));
	const struct decision_line line = { .answer = &answer,
		.params = &params };
	struct decision_log log = { .what = LOG_ALL };
	struct arena arena = { 0 };
	struct err err = { 0 };
	int was;
	int reader = stderr_to(_i == 1, &was);

	say_open();
	log.fd = decision_log_open(&arena, STR(""), &err);
	for (int i = 0; i < 20000; i++) {
		decision_log_write(&log, &line);
		say("code", "something to be said");
	}
	ck_assert_int_eq(fcntl(reader, F_SETFL, O_NONBLOCK), 0);
	while (read(reader, written, sizeof(written)) > 0)
		;
	decision_log_write(&log, &line);
	ck_assert_int_gt(read(reader, written, sizeof(written)), 0);
	ck_assert_int_eq(dup2(was, STDERR_FILENO), STDERR_FILENO);
	close(was);
	close(reader);
	arena_free(&arena);
}
END_TEST

static void
tests(TCase *t)
{
	tcase_add_loop_test(t, a_reader_who_stands_still_holds_nobody_up, 0, 2);
	tcase_add_test(t, a_line_as_the_page_says);
	tcase_add_loop_test(
	    t, T6_a_line_stays_one_line_and_is_read_again, 0, COUNT(rows));
	tcase_add_test(t, nothing_of_cookie_and_query_is_in_it);
	tcase_add_test(t, a_line_has_a_bound);
	tcase_add_loop_test(
	    t, what_is_not_wanted_is_not_written, 0, COUNT(wants));
}

UNIT_MAIN("gate log", tests)
