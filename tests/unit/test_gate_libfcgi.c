/* The real libfcgi does with us what we count on, below its "don't use
 * anything below here" and behind its OS_Read(). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fcgi/gate/libfcgi.h"
#include "fcgi/gate/limits.h"
#include "fcgi_bytes.h"
#include "unit.h"

static struct fcgi_bytes all;
static int ends[2];

static void
begin(const char *words)
{
	ck_assert(libfcgi_init());
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	all.len = 0;
	fcgi_words(&all, words);
}

static bool
take(FCGX_Request *r, size_t len)
{
	return libfcgi_take(r, ends[1], (unsigned char *)all.bytes, len);
}

/* What has been sent to our end of the descriptor; it has to be open. */
static size_t
heard(char *bytes, size_t max)
{
	ssize_t got = recv(ends[0], bytes, max, MSG_DONTWAIT);

	ck_assert(got > 0 || errno == EAGAIN);
	return got > 0 ? (size_t)got : 0;
}

static void
end(void)
{
	ck_assert_int_eq(close(ends[1]), 0);
	close(ends[0]);
}

START_TEST(the_bytes_are_read_and_never_the_descriptor)
{
	FCGX_Request r;
	char byte;

	begin("begin:close params params. stdin.");
	ck_assert_int_eq(write(ends[0], "x", 1), 1);
	ck_assert(take(&r, all.len));
	ck_assert_int_eq(r.keepConnection, 0);
	ck_assert_str_eq(FCGX_GetParam("FIRST", r.envp), "a");
	ck_assert_str_eq(FCGX_GetParam("SECOND", r.envp), "");
	ck_assert_str_eq(FCGX_GetParam("THIRD", r.envp), "bc");
	FCGX_Free(&r, 0);
	ck_assert_int_eq(read(ends[1], &byte, 1), 1);
	ck_assert_int_eq(byte, 'x');
	end();
}
END_TEST

START_TEST(a_body_is_read_too)
{
	FCGX_Request r;

	begin("begin params params. stdin stdin.");
	ck_assert(take(&r, all.len));
	ck_assert_int_eq(r.keepConnection, 1);
	ck_assert_int_eq(FCGX_GetChar(r.in), EOF);
	FCGX_Free(&r, 0);
	end();
}
END_TEST

/* Cut anywhere it is refused, at once, and the descriptor stays. */
START_TEST(what_is_cut_is_refused)
{
	FCGX_Request r;
	char none[64];

	begin("begin params params. stdin stdin.");
	for (size_t len = 0; len < all.len; len++)
		ck_assert_msg(!take(&r, len), "%zu bytes", len);
	ck_assert(take(&r, all.len));
	FCGX_Free(&r, 0);
	ck_assert_uint_eq(heard(none, sizeof(none)), 0);
	end();
}
END_TEST

START_TEST(what_follows_a_request_is_refused)
{
	FCGX_Request r;

	begin("begin params params. stdin.");
	memset(all.bytes + all.len, 0, 8192);
	ck_assert(!take(&r, all.len + 8192));
	ck_assert(take(&r, all.len));
	FCGX_Free(&r, 0);
	end();
}
END_TEST

START_TEST(an_answer_is_written_to_the_descriptor)
{
	static const char text[] = "Status: 204 No Content\r\n\r\n";
	FCGX_Request r;
	char bytes[256];
	size_t len;

	begin("begin params params. stdin.");
	ck_assert(take(&r, all.len));
	ck_assert(libfcgi_answer(&r, text, sizeof(text) - 1));
	len = heard(bytes, sizeof(bytes));
	ck_assert_uint_gt(len, 8 + sizeof(text) - 1);
	ck_assert_mem_eq(bytes + 8, text, sizeof(text) - 1);
	end();
}
END_TEST

START_TEST(an_answer_that_nobody_reads_is_told)
{
	static char text[ANSWER_MAX];
	FCGX_Request r;
	int round = 0;
	bool ok = true;

	begin("begin params params. stdin.");
	memset(text, 'x', sizeof(text));
	while (ok && round++ < 10000) {
		ck_assert(take(&r, all.len));
		ok = libfcgi_answer(&r, text, sizeof(text));
	}
	ck_assert(!ok);
	end();
}
END_TEST

static void
tests(TCase *t)
{
	tcase_add_test(t, the_bytes_are_read_and_never_the_descriptor);
	tcase_add_test(t, a_body_is_read_too);
	tcase_add_test(t, what_is_cut_is_refused);
	tcase_add_test(t, what_follows_a_request_is_refused);
	tcase_add_test(t, an_answer_is_written_to_the_descriptor);
	tcase_add_test(t, an_answer_that_nobody_reads_is_told);
}

UNIT_MAIN("gate libfcgi", tests)
