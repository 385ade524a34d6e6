/* test_decide.c - docs/decision.md as a table of sentences. One world, written
 * as a state file; each row asks it one question. Rows name the rules: J1-J25,
 * and R for the requirements. */
#include "unit.h"

#include <string.h>

#include "decide/decide.h"
#include "model/state.h"
#include "model/state_json.h"

#define NOW INT64_C(1800000000) /* 2027-01-15T08:00:00Z */

static const char world[] =
    /* members */
    "{'type':'member','username':'Ann'}\n"
    "{'type':'member','username':'bob'}\n"
    "{'type':'member','username':'cat'}\n"
    "{'type':'member','username':'dan','status':'disabled'}\n"
    "{'type':'member','username':'eve'}\n"
    "{'type':'member','username':'fay'}\n"
    "{'type':'member','username':'gus','status':'invited'}\n"
    "{'type':'member','username':'hal','email':'bob@example.org'}\n"
    "{'type':'member','username':'ida'}\n"
    "{'type':'member','username':'joe'}\n"
    "{'type':'member','username':'kim'}\n"
    "{'type':'member','username':'lee'}\n"
    /* call tracking: business > sales > west, beside it support */
    "{'type':'account','id':'business','catalogue':'call-tracking',"
    "'owner':'ann'}\n"
    "{'type':'account','id':'sales','parent':'business'}\n"
    "{'type':'account','id':'west','parent':'sales'}\n"
    "{'type':'account','id':'support','parent':'business'}\n"
    "{'type':'account','id':'paused','parent':'business','status':"
    "'suspended'}\n"
    "{'type':'account','id':'below-paused','parent':'paused'}\n"
    "{'type':'account','id':'gone','parent':'business','status':'closed'}\n"
    "{'type':'account','id':'below-gone','parent':'gone'}\n"
    "{'type':'account','id':'dans','catalogue':'call-tracking','owner':"
    "'dan'}\n"
    "{'type':'account','id':'bobs-own','kind':'personal','catalogue':"
    "'call-tracking','owner':'bob'}\n"
    "{'type':'account','id':'strange','catalogue':'nowhere'}\n"
    /* performance marketing: net > prof > pub, and an archived profile */
    "{'type':'account','id':'net','level':'network','catalogue':"
    "'performance-marketing'}\n"
    "{'type':'account','id':'prof','parent':'net','level':'profile'}\n"
    "{'type':'account','id':'pub','parent':'prof','level':'publisher'}\n"
    "{'type':'account','id':'old','parent':'net','level':'profile','status':"
    "'archived'}\n"
    /* a network that owns two licences, and one that owns one */
    "{'type':'account','id':'two','level':'network','catalogue':"
    "'performance-marketing','licences':['contact_center','marketing'],"
    "'owner':'kim'}\n"
    "{'type':'account','id':'one','parent':'two','level':'profile',"
    "'licences':['marketing']}\n"
    /* grants */
    "{'type':'grant','member':'bob','account':'business','role':"
    "'full.viewer'}\n"
    "{'type':'grant','member':'cat','account':'sales','role':'full.editor'}\n"
    "{'type':'grant','member':'dan','account':'sales','role':'full.editor'}\n"
    "{'type':'grant','member':'eve','account':'sales','role':'reporting."
    "viewer','expires':'2027-01-15T08:00:00Z'}\n"
    "{'type':'grant','member':'eve','account':'west','role':'reporting."
    "viewer','expires':'2027-01-15T08:00:01Z'}\n"
    "{'type':'grant','member':'fay','account':'business','role':'reporting."
    "editor','filter':['site=1'],'source':'corp'}\n"
    "{'type':'grant','member':'fay','account':'sales','role':'reporting."
    "editor','filter':['site=2'],'source':'corp'}\n"
    "{'type':'grant','member':'fay','account':'support','role':'full."
    "viewer'}\n"
    "{'type':'grant','member':'cat','account':'bobs-own','role':'full."
    "editor'}\n"
    "{'type':'grant','member':'cat','account':'strange','role':'full."
    "editor'}\n"
    "{'type':'grant','member':'cat','account':'support','role':'super_user'}\n"
    "{'type':'grant','member':'cat','account':'paused','role':'full.editor'}\n"
    "{'type':'grant','member':'ida','account':'net','role':'member'}\n"
    "{'type':'grant','member':'joe','account':'net','role':'observer'}\n"
    "{'type':'grant','member':'joe','account':'prof','role':'super_user'}\n"
    "{'type':'grant','member':'joe','account':'old','role':'super_user'}\n"
    "{'type':'grant','member':'kim','account':'net','role':"
    "'filtered_reporting'}\n"
    "{'type':'grant','member':'lee','account':'net','role':"
    "'filtered_reporting','filter':['region=East','region=West']}\n"
    "{'type':'grant','member':'lee','account':'pub','role':"
    "'filtered_reporting','filter':['x=1']}\n"
    "{'type':'grant','member':'bob','account':'two','role':'super_user'}\n"
    "{'type':'grant','member':'cat','account':'two','role':'member',"
    "'licences':['marketing']}\n"
    "{'type':'grant','member':'eve','account':'two','role':'member',"
    "'licences':['no_such']}\n"
    "{'type':'grant','member':'fay','account':'one','role':'super_user'}\n";

static const struct row {
	const char *says;
	const char *who;
	const char *what;
	const char *where;
	const char *answer; /* verdict, reason and filters */
} rows[] = {
	/* clang-format off */
	{ "J1 a username is found with other capitals",            "BOB", "users.view", "business", "allow granted" },
	{ "J1 a blank is not trimmed",                             "bob ", "users.view", "business", "deny no_member" },
	{ "J1 a permission is matched exactly",                    "bob", "Users.view", "business", "deny no_permission" },
	{ "J1 an account id is matched exactly",                   "bob", "users.view", "Business", "deny no_account" },
	{ "J2 an e-mail address is no identity",                   "bob@example.org", "users.view", "business", "deny no_member" },
	{ "nobody is nobody",                                      "", "users.view", "business", "deny no_member" },
	{ "J25 disabled ends a grant",                             "dan", "users.view", "sales", "deny member_inactive" },
	{ "J25 disabled ends ownership",                           "dan", "users.view", "dans", "deny member_inactive" },
	{ "an invited member has no right yet",                    "gus", "users.view", "business", "deny member_inactive" },
	{ "step 1 comes before step 2",                            "dan", "users.view", "nowhere", "deny member_inactive" },
	{ "no account, no right",                                  "bob", "users.view", "", "deny no_account" },
	{ "R50 a parent's member reaches the sub-account",         "bob", "users.view", "sales", "allow granted" },
	{ "R50 and the one below that",                            "bob", "users.view", "west", "allow granted" },
	{ "R51 a child's member is refused on the parent",         "cat", "users.view", "business", "deny no_grant" },
	{ "R52 and on a sibling, by a role that is no role there", "cat", "users.view", "support", "deny no_permission" },
	{ "R214 a viewer is refused an edit",                      "bob", "users.add", "business", "deny no_permission" },
	{ "R12 the owner has everything",                          "ann", "users.add", "business", "allow granted" },
	{ "J14 the owner's mark flows down",                       "ann", "subaccounts.delete", "west", "allow granted" },
	{ "J3 at the second of its expiry a grant has expired",    "eve", "calls.view", "sales", "deny no_grant" },
	{ "J3 one second before it has not",                       "eve", "calls.view", "west", "allow granted" },
	{ "J4 closed above is closed below, for the owner too",    "ann", "users.view", "below-gone", "deny account_closed" },
	{ "J7 closed is said to a stranger as well",               "ida", "users.view", "gone", "deny account_closed" },
	{ "J5 suspended leaves reading",                           "ann", "users.view", "paused", "allow granted" },
	{ "J5 suspended takes writing, from the owner too",        "ann", "users.add", "paused", "deny account_status" },
	{ "J4 suspended above is suspended below",                 "cat", "users.add", "below-paused", "deny account_status" },
	{ "J7 a stranger hears no_grant, not the status",          "ida", "users.add", "paused", "deny no_grant" },
	{ "J6 playing with the word view does not read",           "ann", "users.viewer", "paused", "deny account_status" },
	{ "J5 archived leaves reading to the network",             "ida", "reports.transactions.view", "old", "allow granted" },
	{ "J5 archived leaves nothing to the profile's own",       "joe", "campaigns.edit", "old", "deny account_status" },
	{ "J5 archived leaves no writing to the network",          "ida", "campaigns.edit", "old", "deny account_status" },
	{ "J6 view_all reads",                                     "ida", "calls.view_all", "old", "allow granted" },
	{ "J8 an unknown permission is no_permission",             "ann", "no.such", "business", "deny no_permission" },
	{ "J8 but a stranger hears no_grant",                      "ida", "no.such", "business", "deny no_grant" },
	{ "J21 a catalogue that nobody has gives nothing",         "cat", "users.view", "strange", "deny no_permission" },
	{ "J21 a role of another catalogue gives nothing",         "cat", "calls.view", "support", "deny no_permission" },
	{ "J9 R57 a network member acts on behalf of a profile",   "ida", "campaigns.edit", "prof", "allow granted" },
	{ "J9 R57 an observer may not act, a profile's own may",   "joe", "campaigns.edit", "prof", "allow granted" },
	{ "J9 R56 a profile's row is not the network's",           "ida", "campaigns.edit", "net", "deny level" },
	{ "J9 a profile's member has no row of a publisher below", "joe", "campaigns.apply", "pub", "deny level" },
	{ "J9 a row of any level flows down without acting",       "joe", "promo_numbers.move", "pub", "allow granted" },
	{ "J9 the network's rows are refused below",               "ida", "accounts.act_on_behalf", "prof", "deny level" },
	{ "J10 J12 a filtered role flows down with its filter",    "lee", "reports.transactions.view", "prof", "allow_filter granted_filtered region=East;region=West" },
	{ "J10 R70 a filtered role counts on its level only",      "lee", "reports.transactions.view", "pub", "allow_filter granted_filtered region=East;region=West" },
	{ "J13 calls.view_all stays refused to the filtered role", "lee", "calls.view_all", "net", "deny no_permission" },
	{ "a filtered role without a filter is a no",              "kim", "reports.transactions.view", "net", "deny filter_missing" },
	{ "J11 a filter narrows an ordinary role",                 "fay", "calls.view", "business", "allow_filter granted_filtered site=1" },
	{ "J12 filters of all that allows are joined",             "fay", "calls.view", "west", "allow_filter granted_filtered site=1;site=2" },
	{ "J12 one unfiltered holding makes it plain",             "fay", "calls.view", "support", "allow granted" },
	{ "J12 but only where it has the permission",              "fay", "calls.tag", "support", "allow_filter granted_filtered site=1" },
	{ "J20 the source makes no difference",                    "fay", "calls.flag", "sales", "allow_filter granted_filtered site=1;site=2" },
	{ "J22 R2 a personal account answers to its owner",        "bob", "users.add", "bobs-own", "allow granted" },
	{ "J22 R4 and to nobody else, whatever they hold",         "cat", "users.view", "bobs-own", "deny no_grant" },
	{ "J18 two licences owned, none listed: none",             "bob", "members.edit", "two", "deny licence" },
	{ "J17 R182 a listed licence opens",                       "cat", "integrations.edit", "two", "allow granted" },
	{ "J16 a licence that is not owned does not count",        "eve", "integrations.edit", "two", "deny licence" },
	{ "J18 one licence owned: a grant that lists none has it", "fay", "members.edit", "one", "allow granted" },
	{ "J16 the nearest account that lists any says",           "bob", "members.edit", "one", "allow granted" },
	{ "J15 the owner carries the licences owned",              "kim", "members.edit", "two", "allow granted" },
	{ "J17 own settings need no licence",                      "bob", "self.settings.edit", "two", "allow granted" },
	{ "J24 a row about a role is a row",                       "ida", "role.sso_managed", "net", "allow granted" },
	/* clang-format on */
};

static struct arena arena;
static struct state state;

static void
world_read(void)
{
	struct faults faults = { 0 };
	char *text = strdup(world);
	FILE *in;

	for (char *c = text; *c != '\0'; c++)
		if (*c == '\'')
			*c = '"';
	in = fmemopen(text, strlen(text), "r");
	if (!catalogues_load(
		&arena, STR("catalogs"), &state.catalogues, &faults) ||
	    !state_read_json(&state, &arena, in, STR("world"), &faults)) {
		faults_print(&faults, stdout);
		abort();
	}
	fclose(in);
	free(text);
}

static struct question
question_of(const struct row *row)
{
	const struct account *on = state_account(&state, str_from(row->where));

	return (struct question){
		.member = state_member(&state, str_from(row->who)),
		.account = on,
		.catalogue = on != NULL ? state_catalogue(&state, on) : NULL,
		.permission = str_from(row->what),
		.now_s = NOW,
	};
}

START_TEST(answers_as_the_sentence_says)
{
	const struct row *row = &rows[_i];
	const struct question q = question_of(row);
	struct arena scratch = { 0 };
	const struct decision d = decide(&q, &scratch);
	struct str got = str_fmt(&scratch, "%s %s", verdict_word(d.verdict),
	    reason_word(d.reason));

	for (size_t i = 0; i < d.filters.count; i++)
		got = str_fmt(&scratch, "%.*s%c%.*s", STR_ARGS(got),
		    i == 0 ? ' ' : ';', STR_ARGS(d.filters.items[i]));
	ck_assert_msg(str_eq(got, str_from(row->answer)),
	    "%s: %.*s, not %s", row->says, STR_ARGS(got), row->answer);
	ck_assert_msg(reason_says(&scratch, &q, &d).len > 0, "%s", row->says);
	ck_assert_int_eq(reason_http_status(d.reason) == 204,
	    d.verdict == VERDICT_ALLOW || d.verdict == VERDICT_ALLOW_FILTER);
	arena_free(&scratch);
}
END_TEST

START_TEST(zero_lets_nobody_in)
{
	struct arena scratch = { 0 };
	const struct question nothing = { 0 };
	const struct decision zeroed = { 0 };
	const struct member member = { 0 };
	const struct account account = { 0 };
	struct question q = nothing;

	ck_assert_int_eq(zeroed.verdict, VERDICT_UNKNOWN);
	ck_assert_int_eq(reason_http_status(zeroed.reason), 503);
	ck_assert_int_eq(decide(&q, &scratch).verdict, VERDICT_DENY);
	q.member = &member;
	ck_assert_int_eq(decide(&q, &scratch).verdict, VERDICT_DENY);
	q.account = &account;
	ck_assert_int_eq(decide(&q, &scratch).verdict, VERDICT_DENY);
	arena_free(&scratch);
}
END_TEST

START_TEST(no_memory_for_the_filters_is_not_known)
{
	struct arena tiny = { .max_bytes = 1 };
	const struct row ask = { "", "lee", "reports.transactions.view", "net",
		"" };
	const struct question q = question_of(&ask);

	ck_assert_int_eq(decide(&q, &tiny).verdict, VERDICT_UNKNOWN);
	arena_free(&tiny);
}
END_TEST

static void
decide_tests(TCase *t)
{
	world_read();
	tcase_add_loop_test(t, answers_as_the_sentence_says, 0,
	    (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(t, zero_lets_nobody_in);
	tcase_add_test(t, no_memory_for_the_filters_is_not_known);
}

UNIT_MAIN("decide", decide_tests)
