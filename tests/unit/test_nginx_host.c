/* A host as it may be written, in one spelling. */
#include "nginx/host.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *host;
	const char *plain;
	bool any;
} rows[] = {
	{ "127.0.0.1", "127.0.0.1", false },
	{ "127.1", "127.0.0.1", false },
	{ "127.0.0.2", "127.0.0.1", false },
	{ "0x7f000001", "127.0.0.1", false },
	{ "0177.0.0.1", "127.0.0.1", false },
	{ "2130706433", "127.0.0.1", false },
	{ "0", "127.0.0.1", true },
	{ "0.0.0.0", "127.0.0.1", true },
	{ "LocalHost", "127.0.0.1", false },
	{ "ip6-localhost", "127.0.0.1", false },
	{ "[::1]", "127.0.0.1", false },
	{ "[::]", "127.0.0.1", true },
	{ "[0:0:0:0:0:0:0:1]", "127.0.0.1", false },
	{ "[::ffff:127.0.0.1]", "127.0.0.1", false },
	{ "[::ffff:7f00:1]", "127.0.0.1", false },
	{ "[::ffff:0.0.0.0]", "127.0.0.1", true },
	{ "[::ffff:10.0.0.1]", "10.0.0.1", false },
	{ "[FD00:0::1]", "[fd00::1]", false },
	{ "10.1", "10.0.0.1", false },
	{ "10.0.0.1", "10.0.0.1", false },
	{ "*", "*", true },
	{ "", "", true },
	{ "app.internal", "app.internal", false },
	{ "localhost.example.org", "localhost.example.org", false },
	{ "127.0.0.1.example.org", "127.0.0.1.example.org", false },
	{ "256.0.0.1", "256.0.0.1", false },
	{ "127.0.0.1 x", "127.0.0.1 x", false },
	{ "[::1", "[::1", false },
	{ "[]", "[]", false },
	{ "::1", "::1", false },
	{ "[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]",
	    "[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]",
	    false },
};

START_TEST(a_host_has_one_spelling)
{
	struct arena arena = { 0 };
	struct str host = str_from(rows[_i].host);

	ck_assert_msg(
	    str_eq(host_plain(&arena, host), str_from(rows[_i].plain)), "%s",
	    rows[_i].host);
	ck_assert_msg(host_is_any(host) == rows[_i].any, "%s", rows[_i].host);
	arena_free(&arena);
}
END_TEST

static void
tests(TCase *t)
{
	tcase_add_loop_test(t, a_host_has_one_spelling, 0, COUNT(rows));
}

UNIT_MAIN("nginx host", tests)
