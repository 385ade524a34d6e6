/* The name patterns of a mapping: sync/pattern.c. */
#include "sync/mapping.h"

#include "tests/unit/unit.h"

static const struct str role_items[] = { { "full.editor", 11 },
	{ "full.viewer", 11 }, { "editor", 6 } };
static const struct names roles = { role_items, 3 };

/* clang-format off */
static const struct { const char *says; const char *pattern; const char *name;
    enum pattern_result result; const char *account; const char *role; } rows[] = {
	{ "both, account first",               "rg-{account}-{role}", "rg-sales-full.editor",   PATTERN_ONE, "sales", "full.editor" },
	{ "both, role first",                  "{role}@{account}",    "full.viewer@sales-team", PATTERN_ONE, "sales-team", "full.viewer" },
	{ "the account may hold the separator","rg-{account}-{role}", "rg-a-b-c-full.viewer",   PATTERN_ONE, "a-b-c", "full.viewer" },
	{ "a role that is not in the ceiling", "rg-{account}-{role}", "rg-sales-super_user",    PATTERN_NO, "", "" },
	{ "a role of another case",            "rg-{account}-{role}", "rg-sales-Full.Editor",   PATTERN_NO, "", "" },
	{ "no account",                        "rg-{account}-{role}", "rg--full.editor",        PATTERN_NO, "", "" },
	{ "no separator",                      "rg-{account}-{role}", "rg-full.editor",         PATTERN_NO, "", "" },
	{ "two roles fit",                     "{account}.{role}",    "a.full.editor",          PATTERN_SEVERAL, "", "" },
	{ "an account with a blank",           "rg-{account}-{role}", "rg-my sales-full.editor", PATTERN_NO, "", "" },
	{ "only the account",                  "team-{account}",      "team-sales",             PATTERN_ONE, "sales", "" },
	{ "only the account, with an end",     "team-{account}-x",    "team-sales-x",           PATTERN_ONE, "sales", "" },
	{ "start and end may not overlap",     "aa{account}aa",       "aaa",                    PATTERN_NO, "", "" },
	{ "only the role",                     "sales-{role}",        "sales-editor",           PATTERN_ONE, "", "editor" },
	{ "only an unknown role",              "sales-{role}",        "sales-owner",            PATTERN_NO, "", "" },
	{ "another start",                     "rg-{account}-{role}", "xg-sales-full.editor",   PATTERN_NO, "", "" },
	{ "nothing",                           "rg-{account}-{role}", "",                       PATTERN_NO, "", "" },
	{ "the start alone",                   "rg-{account}",        "rg-",                    PATTERN_NO, "", "" },
};
/* clang-format on */

START_TEST(matches)
{
	struct str account = STR("");
	struct str role = STR("");
	enum pattern_result got = pattern_match(str_from(rows[_i].pattern),
	    str_from(rows[_i].name), roles, &account, &role);

	ck_assert_msg(got == rows[_i].result, "%s: %d", rows[_i].says, got);
	if (got != PATTERN_ONE)
		return;
	ck_assert_msg(str_eq(account, str_from(rows[_i].account)), "%s: '%.*s'",
	    rows[_i].says, STR_ARGS(account));
	ck_assert_msg(str_eq(role, str_from(rows[_i].role)), "%s: '%.*s'",
	    rows[_i].says, STR_ARGS(role));
}
END_TEST

static void
pattern_tests(TCase *t)
{
	tcase_add_loop_test(t, matches, 0, sizeof(rows) / sizeof(rows[0]));
}

UNIT_MAIN("sync_pattern", pattern_tests)
