/* From parameters to an answer: step 0, and what the view's words make of
 * it. */
#include <stdio.h>
#include <string.h>

#include "fcgi/gate/request.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define S(literal)   { literal, sizeof(literal) - 1 }
#define NOW	     1800000000

static const struct route routes[] = {
	{ .method = S("GET"),
	    .pattern = S("/accounts/{account}/users"),
	    .permission = S("users.view") },
	{ .method = S("POST"),
	    .pattern = S("/accounts/{account}/users"),
	    .permission = S("users.add") },
	{ .method = S("*"),
	    .pattern = S("/fixed"),
	    .permission = S("users.view"),
	    .account = S("sales") },
	{ .method = S("*"),
	    .pattern = S("/own"),
	    .permission = S("users.view") },
};

static const struct inquiry_rules rules = {
	.identity = { .cookie = S("sid"), .trusted_user = true },
	.routes = { routes, COUNT(routes) },
};

/* --- Step 0 --------------------------------------------------------------- */

/* clang-format off */
static const struct {
	const char *says;
	const char *user;
	const char *method;
	const char *path;
	const char *target;
	const char *permission;
	const char *account;
	enum reason wrong; /* 0: the view is asked */
	const char *want_permission;
	const char *want_account;
} rows[] = {
	{ "the location names both",              "ann", "GET", "/x", "/x", "calls.view", "shop", 0, "calls.view", "shop" },
	{ "the route names both",                 "ann", "GET", "/accounts/sales/users", "/accounts/sales/users?page=2", "", "", 0, "users.view", "sales" },
	{ "the route of another method",          "ann", "POST", "/accounts/sales/users", "/accounts/sales/users", "", "", 0, "users.add", "sales" },
	{ "the location's account is before the route's", "ann", "GET", "/accounts/sales/users", "/accounts/sales/users", "", "shop", 0, "users.view", "shop" },
	{ "a location that names the permission asks no route, for the account neither", "ann", "GET", "/accounts/sales/users", "/accounts/sales/users", "calls.view", "", 0, "calls.view", "" },
	{ "the route's fixed account",            "ann", "GET", "/fixed", "/fixed", "", "", 0, "users.view", "sales" },
	{ "no account: the session's, or their own", "ann", "GET", "/own", "/own", "", "", 0, "users.view", "" },
	{ "no route, but the location's permission", "ann", "GET", "/x", "/x", "calls.view", "", 0, "calls.view", "" },
	{ "T1 an escaped letter is the same path", "ann", "GET", "/own", "/%6fwn", "", "", 0, "users.view", "" },

	{ "nobody",                               "", "GET", "/own", "/own", "", "", REASON_NO_IDENTITY, "", "" },
	{ "T13 no route covers the path",         "ann", "GET", "/nothing", "/nothing", "", "", REASON_NO_ROUTE, "", "" },
	{ "T13 nor this method",                  "ann", "DELETE", "/accounts/sales/users", "/accounts/sales/users", "", "", REASON_NO_ROUTE, "", "" },
	{ "T13 the account alone is not enough",  "ann", "GET", "/nothing", "/nothing", "", "sales", REASON_NO_ROUTE, "", "" },
	{ "T5 a route's case",                    "ann", "GET", "/OWN", "/OWN", "", "", REASON_NO_ROUTE, "", "" },
	{ "T18 the path of the subrequest",       "ann", "GET", "/_rolegate", "/own", "users.view", "sales", REASON_AMBIGUOUS_PATH, "", "" },
	{ "T19 an empty path",                    "ann", "GET", "", "/own", "users.view", "sales", REASON_AMBIGUOUS_PATH, "", "" },
	{ "T1 a path that was cleaned",           "ann", "GET", "/own", "/x/../own", "users.view", "sales", REASON_AMBIGUOUS_PATH, "", "" },
	{ "T2 escaped twice",                     "ann", "GET", "/%6fwn", "/%256fwn", "users.view", "sales", REASON_AMBIGUOUS_PATH, "", "" },
	{ "T3 a parameter of a path",             "ann", "GET", "/own;x", "/own;x", "users.view", "sales", REASON_AMBIGUOUS_PATH, "", "" },
	{ "T10 a route stands in the query only", "ann", "GET", "/x", "/x?/own", "", "", REASON_NO_ROUTE, "", "" },
	{ "T20 the method of the subrequest is not the client's", "ann", "", "/own", "/own", "", "", REASON_NO_ROUTE, "", "" },
	{ "who asks is asked first",              "", "GET", "/own", "/x", "", "", REASON_NO_IDENTITY, "", "" },
};
/* clang-format on */

struct envp {
	char texts[8][256];
	char *list[9];
};

static void
envp_make(struct envp *out, size_t row)
{
	const char *const names[] = { "COOKIE", "TRUSTED_USER", "METHOD",
		"PATH", "TARGET", "PERMISSION", "ACCOUNT", "HOST" };
	const char *const values[] = { "x=1", rows[row].user,
		rows[row].method, rows[row].path, rows[row].target,
		rows[row].permission, rows[row].account, "app" };

	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(out->texts[i], sizeof(out->texts[i]), "ROLEGATE_%s=%s",
		    names[i], values[i]);
		out->list[i] = out->texts[i];
	}
	out->list[COUNT(names)] = NULL;
}

START_TEST(step_0)
{
	const char *says = rows[_i].says;
	struct envp envp;
	struct inquiry q;
	struct answer answer;
	bool asks;

	envp_make(&envp, (size_t)_i);
	asks = inquiry_read(&q, &rules, envp.list, &answer);
	ck_assert_msg(asks == (rows[_i].wrong == 0), "%s: %s", says,
	    reason_word(answer.reason));
	if (!asks) {
		ck_assert_msg(answer.verdict == VERDICT_DENY &&
		    answer.reason == rows[_i].wrong, "%s: %s", says,
		    reason_word(answer.reason));
		return;
	}
	ck_assert_int_eq(answer.verdict, VERDICT_UNKNOWN);
	ck_assert_msg(
	    str_eq(q.permission, str_from(rows[_i].want_permission)) &&
		str_eq(q.account, str_from(rows[_i].want_account)),
	    "%s: %.*s %.*s", says, STR_ARGS(q.permission),
	    STR_ARGS(q.account));
}
END_TEST

/* --- What the view says --------------------------------------------------- */

static struct inquiry
asked(void)
{
	return (struct inquiry){
		.asker = { .username = STR("ann") },
		.permission = STR("users.view"),
		.account = STR("sales"),
	};
}

START_TEST(W7_a_view_that_does_not_know_is_a_dont_know)
{
	const struct inquiry q = asked();
	const struct view_answer known = { 0 };
	struct arena arena = { 0 };
	struct answer answer = inquiry_answer(&q, &known, NOW, &arena);

	ck_assert_int_eq(answer.verdict, VERDICT_UNKNOWN);
	ck_assert_int_eq(answer.reason, REASON_NOT_KNOWN);
	/* For the log: who was asked about. */
	ck_assert(str_eq(answer.member, STR("ann")));
	ck_assert(str_eq(answer.account, STR("sales")));
	arena_free(&arena);
}
END_TEST

START_TEST(a_session_that_is_over_is_nobody)
{
	const struct inquiry q = asked();
	const struct view_answer known = { .state = VIEW_NO_IDENTITY };
	struct arena arena = { 0 };
	struct answer answer = inquiry_answer(&q, &known, NOW, &arena);

	ck_assert_int_eq(answer.verdict, VERDICT_DENY);
	ck_assert_int_eq(answer.reason, REASON_NO_IDENTITY);
	arena_free(&arena);
}
END_TEST

START_TEST(a_view_that_knows_nothing_of_them_is_a_no)
{
	const struct inquiry q = asked();
	const struct view_answer known = {
		.state = VIEW_KNOWN,
		.username = STR("ann"),
		.account_id = STR("sales"),
	};
	struct arena arena = { 0 };
	struct answer answer = inquiry_answer(&q, &known, NOW, &arena);

	ck_assert_int_eq(answer.verdict, VERDICT_DENY);
	ck_assert_int_eq(answer.reason, REASON_NO_MEMBER);
	arena_free(&arena);
}
END_TEST

/* A catalogue with one role that has one permission. */
static struct catalogue *
catalogue_make(struct arena *arena)
{
	struct catalogue *c = ARENA_NEW(arena, struct catalogue);
	struct role *role = ARENA_NEW(arena, struct role);
	struct permission *permission = ARENA_NEW(arena, struct permission);

	ck_assert_ptr_nonnull(c);
	role->name = STR("editor");
	permission->name = STR("users.view");
	permission->roles = 1;
	c->name = STR("cat");
	c->roles = role;
	c->role_count = 1;
	c->permissions = permission;
	c->permission_count = 1;
	c->top = 0;
	return c;
}

/* A yes names the member as it is written in the view, not as it was asked. */
START_TEST(a_yes_is_about_what_the_view_has)
{
	const struct grant grant = { .account = S("sales"),
		.role = S("editor"), .source = S("local") };
	const struct member ann = { .username = S("Ann"),
		.status = MEMBER_ACTIVE, .grants = &grant, .grant_count = 1 };
	const struct account sales = { .id = S("sales"),
		.kind = ACCOUNT_SHARED, .level = S("account"),
		.catalogue = S("cat"), .status = ACCOUNT_ACTIVE };
	struct arena arena = { 0 };
	const struct inquiry q = asked();
	const struct view_answer known = {
		.state = VIEW_KNOWN,
		.username = STR("ann"),
		.account_id = STR("sales"),
		.member = &ann,
		.account = &sales,
		.catalogue = catalogue_make(&arena),
	};
	struct answer answer = inquiry_answer(&q, &known, NOW, &arena);

	ck_assert_int_eq(answer.verdict, VERDICT_ALLOW);
	ck_assert_int_eq(answer.reason, REASON_GRANTED);
	ck_assert(str_eq(answer.member, STR("Ann")));
	ck_assert(str_eq(answer.account, STR("sales")));
	ck_assert(str_eq(answer.role, STR("editor")));
	arena_free(&arena);
}
END_TEST

START_TEST(the_owner_answers_with_the_top_role)
{
	const struct member ann = { .username = S("ann"),
		.status = MEMBER_ACTIVE };
	const struct account sales = { .id = S("sales"),
		.kind = ACCOUNT_SHARED, .level = S("account"),
		.catalogue = S("cat"), .status = ACCOUNT_ACTIVE,
		.owner = S("ann") };
	struct arena arena = { 0 };
	const struct inquiry q = asked();
	const struct view_answer known = {
		.state = VIEW_KNOWN,
		.username = STR("ann"),
		.account_id = STR("sales"),
		.member = &ann,
		.account = &sales,
		.catalogue = catalogue_make(&arena),
	};
	struct answer answer = inquiry_answer(&q, &known, NOW, &arena);

	ck_assert_int_eq(answer.verdict, VERDICT_ALLOW);
	ck_assert(str_eq(answer.role, STR("editor")));
	arena_free(&arena);
}
END_TEST

static void
tests(TCase *t)
{
	tcase_add_loop_test(t, step_0, 0, COUNT(rows));
	tcase_add_test(t, W7_a_view_that_does_not_know_is_a_dont_know);
	tcase_add_test(t, a_session_that_is_over_is_nobody);
	tcase_add_test(t, a_view_that_knows_nothing_of_them_is_a_no);
	tcase_add_test(t, a_yes_is_about_what_the_view_has);
	tcase_add_test(t, the_owner_answers_with_the_top_role);
}

UNIT_MAIN("gate requests", tests)
