/* Each parameter that nginx sets, exactly once; nothing else counts. */
#include <string.h>

#include "fcgi/gate/params.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MAX	     16

/* What nginx sends; "-NAME" in a row takes one away, all else is added. */
static const char *const whole[] = { "FCGI_ROLE=RESPONDER",
	"ROLEGATE_COOKIE=sid=x", "ROLEGATE_TRUSTED_USER=ann",
	"ROLEGATE_METHOD=GET", "ROLEGATE_PATH=/a", "ROLEGATE_TARGET=/a?b=c",
	"ROLEGATE_PERMISSION=users.view", "ROLEGATE_ACCOUNT=sales",
	"ROLEGATE_HOST=app" };

/* clang-format off */
static const struct {
	const char *says;
	const char *changes[3];
	bool good;
	enum reason wrong;
} rows[] = {
	{ "what nginx sends",                        { NULL }, true, 0 },
	{ "no host, which is for the log only",      { "-ROLEGATE_HOST" }, true, 0 },
	{ "empty values where they may be",          { "-ROLEGATE_ACCOUNT", "ROLEGATE_ACCOUNT=" }, true, 0 },
	{ "no cookie and nobody trusted",            { "-ROLEGATE_COOKIE", "ROLEGATE_COOKIE=" }, true, 0 },
	{ "W2 T35 headers of a client are not looked at", { "HTTP_ROLEGATE_TRUSTED_USER=eve", "HTTP_COOKIE=sid=eve", "HTTP_X_ORIGINAL_URI=/public" }, true, 0 },
	{ "W2 nor is anything else with our prefix", { "ROLEGATE_MEMBER=eve", "ROLEGATE_PATH_=/public" }, true, 0 },
	{ "names match exactly",                     { "rolegate_account=root", "ROLEGATE_ACCOUNTS=root" }, true, 0 },

	{ "W2 two cookies",                          { "ROLEGATE_COOKIE=sid=y" }, false, REASON_NO_IDENTITY },
	{ "W2 twice the same is twice",              { "ROLEGATE_COOKIE=sid=x" }, false, REASON_NO_IDENTITY },
	{ "W2 two trusted users",                    { "ROLEGATE_TRUSTED_USER=eve" }, false, REASON_NO_IDENTITY },
	{ "W2 a second one that is empty",           { "ROLEGATE_TRUSTED_USER=" }, false, REASON_NO_IDENTITY },
	{ "W2 two methods",                          { "ROLEGATE_METHOD=POST" }, false, REASON_NO_ROUTE },
	{ "W2 two paths",                            { "ROLEGATE_PATH=/b" }, false, REASON_AMBIGUOUS_PATH },
	{ "W2 two targets",                          { "ROLEGATE_TARGET=/b" }, false, REASON_AMBIGUOUS_PATH },
	{ "W2 two permissions",                      { "ROLEGATE_PERMISSION=users.add" }, false, REASON_NO_ROUTE },
	{ "W2 two accounts",                         { "ROLEGATE_ACCOUNT=root" }, false, REASON_NO_ACCOUNT },
	{ "W2 two hosts",                            { "ROLEGATE_HOST=other" }, false, REASON_AMBIGUOUS_PATH },
	{ "W11 no cookie parameter",                 { "-ROLEGATE_COOKIE" }, false, REASON_NO_IDENTITY },
	{ "W11 no trusted user parameter",           { "-ROLEGATE_TRUSTED_USER" }, false, REASON_NO_IDENTITY },
	{ "W11 no method",                           { "-ROLEGATE_METHOD" }, false, REASON_NO_ROUTE },
	{ "W11 no path",                             { "-ROLEGATE_PATH" }, false, REASON_AMBIGUOUS_PATH },
	{ "W11 no target",                           { "-ROLEGATE_TARGET" }, false, REASON_AMBIGUOUS_PATH },
	{ "W11 no permission parameter",             { "-ROLEGATE_PERMISSION" }, false, REASON_NO_ROUTE },
	{ "W11 no account parameter",                { "-ROLEGATE_ACCOUNT" }, false, REASON_NO_ACCOUNT },
	{ "T19 an empty path",                       { "-ROLEGATE_PATH", "ROLEGATE_PATH=" }, false, REASON_AMBIGUOUS_PATH },
	{ "an empty target",                         { "-ROLEGATE_TARGET", "ROLEGATE_TARGET=" }, false, REASON_AMBIGUOUS_PATH },
	{ "T20 an empty method",                     { "-ROLEGATE_METHOD", "ROLEGATE_METHOD=" }, false, REASON_NO_ROUTE },
};
/* clang-format on */

static bool
is_taken(size_t row, const char *param)
{
	for (size_t i = 0; i < COUNT(rows[row].changes); i++) {
		const char *change = rows[row].changes[i];
		size_t len;

		if (change == NULL || *change != '-')
			continue;
		len = strlen(change + 1);
		if (strncmp(param, change + 1, len) == 0 && param[len] == '=')
			return true;
	}
	return false;
}

static size_t
envp_make(size_t row, char texts[MAX][64], char *envp[MAX + 1])
{
	size_t count = 0;

	for (size_t i = 0; i < COUNT(whole); i++)
		if (!is_taken(row, whole[i]))
			strcpy(texts[count++], whole[i]);
	for (size_t i = 0; i < COUNT(rows[row].changes); i++)
		if (rows[row].changes[i] != NULL &&
		    rows[row].changes[i][0] != '-')
			strcpy(texts[count++], rows[row].changes[i]);
	for (size_t i = 0; i < count; i++)
		envp[i] = texts[i];
	envp[count] = NULL;
	return count;
}

START_TEST(parameters_are_read)
{
	const char *says = rows[_i].says;
	char texts[MAX][64];
	char *envp[MAX + 1];
	struct params params;
	enum reason wrong = REASON_COUNT;

	envp_make((size_t)_i, texts, envp);
	ck_assert_msg(params_read(&params, envp, &wrong) == rows[_i].good,
	    "%s", says);
	if (!rows[_i].good) {
		ck_assert_msg(wrong == rows[_i].wrong, "%s: %s", says,
		    reason_word(wrong));
		return;
	}
	ck_assert_msg(str_eq(params.method, STR("GET")) &&
			  str_eq(params.path, STR("/a")) &&
			  str_eq(params.target, STR("/a?b=c")) &&
			  str_eq(params.trusted_user, STR("ann")) &&
			  str_eq(params.permission, STR("users.view")),
	    "%s", says);
}
END_TEST

/* Whatever comes first, and whatever comes last. */
START_TEST(W2_the_order_is_nothing)
{
	char texts[MAX][64];
	char *envp[MAX + 1];
	char *turned[MAX + 1];
	struct params params;
	enum reason wrong = REASON_COUNT;
	size_t count = envp_make((size_t)_i, texts, envp);

	for (size_t i = 0; i < count; i++)
		turned[i] = envp[count - 1 - i];
	turned[count] = NULL;
	ck_assert_msg(params_read(&params, turned, &wrong) == rows[_i].good,
	    "%s", rows[_i].says);
}
END_TEST

START_TEST(W11_nothing_is_a_deny)
{
	char *envp[] = { NULL };
	struct params params;
	enum reason wrong = REASON_COUNT;

	ck_assert(!params_read(&params, envp, &wrong));
	ck_assert_int_eq(reason_http_status(wrong), 401);
}
END_TEST

static void
tests(TCase *t)
{
	tcase_add_loop_test(t, parameters_are_read, 0, COUNT(rows));
	tcase_add_loop_test(t, W2_the_order_is_nothing, 0, COUNT(rows));
	tcase_add_test(t, W11_nothing_is_a_deny);
}

UNIT_MAIN("gate parameters", tests)
