#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin_audit.h"
#include "admin_kit.h"
#include "base/bounds.h"
#include "publish/record.h"

/* --- The rules ------------------------------------------------------------ */

enum who { SYSTEM, CORP };

struct rule {
	const char *says;
	enum who who;
	const char *changes; /* a line each; the last one is judged */
	const char *code; /* "": it is made; "-": there is nothing to make */
};

/* clang-format off */
static const struct rule rules[] = {
	/* Members. */
	{ "a member is added",                            SYSTEM, "member add new email=new@example.org name=New", "" },
	{ "an invited one too",                           SYSTEM, "member add new status=invited", "" },
	{ "26 a username is there once, capitals or not", SYSTEM, "member add aNN", "username_taken" },
	{ "nor is it taken by a rename",                  SYSTEM, "member edit bob username=ANN", "username_taken" },
	{ "capitals of one's own name may change",        SYSTEM, "member edit Ann username=ANN", "" },
	{ "a rename",                                     SYSTEM, "session add Ann\nmember edit Ann username=anna", "" },
	{ "two people swap names by a third one",         SYSTEM, "member edit bob username=tmp\nmember edit dan username=bob\nmember edit tmp username=dan", "" },
	{ "an edit of nothing",                           SYSTEM, "member edit bob", "-" },
	{ "nobody is edited",                             SYSTEM, "member edit nobody name=x", "member_unknown" },
	{ "nobody is removed",                            SYSTEM, "member remove nobody", "member_unknown" },
	{ "a control character in a name",                SYSTEM, "member add a\x01" "b", "text_control" },
	{ "a name that is not UTF-8",                     SYSTEM, "member add a\xff" "b", "text_not_utf8" },
	{ "an empty name",                                SYSTEM, "member edit bob username=", "text_empty" },
	{ "no address",                                   SYSTEM, "member add new email=new", "member_email" },
	{ "no status",                                    SYSTEM, "member add new status=asleep", "member_status" },
	{ "a member with grants from everywhere goes",    SYSTEM, "grant add eve viewer on=team\ngrant add bob top on=synced\nsession add eve\nmember remove eve", "" },
	{ "33 an owner goes when others are at the top",  SYSTEM, "grant add hal top on=up\ngrant add hal boss on=net\nmember remove dan", "" },

	/* Accounts. */
	{ "14 a root",                                    SYSTEM, "account add new catalogue=plain name=New", "" },
	{ "14 a sub-account",                             SYSTEM, "account add new parent=sales", "" },
	{ "11 with an owner",                             SYSTEM, "account add new catalogue=plain owner=bob", "" },
	{ "a root without a catalogue",                   SYSTEM, "account add new", "catalogue_missing" },
	{ "a catalogue that is not there",                SYSTEM, "account add new catalogue=nothing", "catalogue_unknown" },
	{ "a catalogue below a root",                     SYSTEM, "account add new parent=root catalogue=plain", "account_catalogue" },
	{ "an id that is there",                          SYSTEM, "account add sales parent=root", "account_exists" },
	{ "a parent that is not there",                   SYSTEM, "account add new parent=nowhere", "account_unknown" },
	{ "an owner who is not there",                    SYSTEM, "account add new parent=root owner=nobody", "member_unknown" },
	{ "an owner who is only invited",                 SYSTEM, "account add new parent=root owner=zoe", "member_inactive" },
	{ "M13 the sixteenth level",                      SYSTEM, "account add new parent=d15", "" },
	{ "M13 a seventeenth level",                      SYSTEM, "account add new parent=d16", "tree_depth" },
	{ "15 a name",                                    SYSTEM, "account edit sales name=Sales+Team", "" },
	{ "licences",                                     SYSTEM, "account edit sales licences=gold,silver", "" },
	{ "an edit of nothing",                           SYSTEM, "account edit sales", "-" },
	{ "the same owner in capitals",                   SYSTEM, "account edit root owner=ANN", "-" },
	{ "nothing is edited",                            SYSTEM, "account edit nowhere name=x", "account_unknown" },
	{ "the parent stays",                             SYSTEM, "account edit team parent=root", "account_fixed" },
	{ "the level stays",                              SYSTEM, "account edit team level=network", "account_fixed" },
	{ "the kind stays",                               SYSTEM, "account edit bare kind=personal owner=bob", "account_fixed" },
	{ "M13 not with children",                        SYSTEM, "account remove sales", "has_children" },
	{ "M13 without children, with its grants",        SYSTEM, "grant add bob viewer on=team\ngrant add dan viewer on=team\naccount remove team", "" },
	{ "its last top role goes with it",               SYSTEM, "account remove lone", "" },
	{ "nothing is removed",                           SYSTEM, "account remove nowhere", "account_unknown" },

	/* Grants. */
	{ "9 a role is given",                            SYSTEM, "grant add dan editor on=sales", "" },
	{ "27 and another elsewhere",                     SYSTEM, "grant add bob editor on=team", "" },
	{ "with filters, licences and an end",            SYSTEM, "grant add dan viewer on=sales filter=a,b licences=gold expires=1800000001", "" },
	{ "M5 a second local one",                        SYSTEM, "grant add bob editor on=sales", "grant_exists" },
	{ "M5 the same again",                            SYSTEM, "grant add bob viewer on=sales", "grant_exists" },
	{ "a local one beside a directory's",             SYSTEM, "grant add eve editor on=sales", "" },
	{ "a role is changed",                            SYSTEM, "grant set bob editor on=sales", "" },
	{ "a filter is added",                            SYSTEM, "grant set bob viewer on=sales filter=a", "" },
	{ "it is set to what it is",                      SYSTEM, "grant set bob viewer on=sales licences=gold", "-" },
	{ "what is not there is not changed",             SYSTEM, "grant set dan viewer on=sales", "grant_unknown" },
	{ "a directory's alone is not changed by hand",   SYSTEM, "grant set eve editor on=sales", "grant_unknown" },
	{ "it is taken away",                             SYSTEM, "grant remove bob viewer on=sales", "" },
	{ "what is not there is not taken away",          SYSTEM, "grant remove bob editor on=sales", "grant_unknown" },
	{ "nor is what another source gave",              SYSTEM, "grant remove eve viewer on=sales", "grant_unknown" },
	{ "S19 the system gives for no directory",        SYSTEM, "grant add dan viewer on=sales source=corp", "not_yours" },
	{ "S19 nor changes for one",                      SYSTEM, "grant set eve editor on=sales source=corp", "not_yours" },
	{ "but it may end what one gave",                 SYSTEM, "grant remove eve viewer on=sales source=corp", "" },
	{ "a role of no catalogue",                       SYSTEM, "grant add dan nothing on=sales", "role_unknown" },
	{ "S21 a role of another catalogue",              SYSTEM, "grant add dan boss on=sales", "role_unknown" },
	{ "to nobody",                                    SYSTEM, "grant add nobody viewer on=sales", "member_unknown" },
	{ "on nothing",                                   SYSTEM, "grant add dan viewer on=nowhere", "account_unknown" },
	{ "J3 it ends this very second",                  SYSTEM, "grant add dan viewer on=sales expires=1800000000", "expires_past" },
	{ "it ended long ago",                            SYSTEM, "grant add dan viewer on=sales expires=1", "expires_past" },
	{ "it ended before time began",                   SYSTEM, "grant add dan viewer on=sales expires=-1", "grant_expires" },
	{ "licences out of order",                        SYSTEM, "grant add dan viewer on=sales licences=b,a", "names_order" },
	{ "a member who is invited may be given one",     SYSTEM, "grant add zoe viewer on=sales", "" },

	/* M6, the owner. */
	{ "M6 to somebody who has a grant there",         SYSTEM, "account edit mark owner=bob", "" },
	{ "M6 to somebody who has none there",            SYSTEM, "account edit mark owner=kim", "owner_without_grant" },
	{ "M6 one below does not count",                  SYSTEM, "account edit root owner=bob", "owner_without_grant" },
	{ "M16 to somebody whose grant has expired",      SYSTEM, "account edit root owner=hal", "owner_without_grant" },
	{ "M6 to somebody disabled",                      SYSTEM, "account edit mark owner=cid", "member_inactive" },
	{ "M6 to nobody known",                           SYSTEM, "account edit mark owner=nobody", "member_unknown" },
	{ "the first owner needs no grant",               SYSTEM, "account edit bare owner=kim", "" },

	/* M7, the last at the top. */
	{ "M7 P6 the last top role is not taken",         SYSTEM, "grant remove bob top on=lone", "last_top_role" },
	{ "M7 nor lowered",                               SYSTEM, "grant set bob editor on=lone", "last_top_role" },
	{ "M7 nor narrowed by a filter",                  SYSTEM, "grant set bob top on=lone filter=a", "last_top_role" },
	{ "M7 its licences may change",                   SYSTEM, "grant set bob top on=lone licences=gold", "" },
	{ "M7 its holder is not disabled",                SYSTEM, "member edit bob status=disabled", "last_top_role" },
	{ "M7 nor made invited",                          SYSTEM, "member edit bob status=invited", "last_top_role" },
	{ "M7 nor removed",                               SYSTEM, "member remove bob", "last_top_role" },
	{ "M7 one of two may go",                         SYSTEM, "grant remove bob top on=both", "" },
	{ "M7 P6 two of two may not",                     SYSTEM, "grant remove bob top on=both\ngrant remove dan top on=both", "last_top_role" },
	{ "M7 one above is enough",                       SYSTEM, "grant remove bob top on=up-low", "" },
	{ "M7 one below is not",                          SYSTEM, "grant remove dan top on=up", "last_top_role" },
	{ "M7 an owner is enough",                        SYSTEM, "grant remove bob top on=mark", "" },
	{ "M7 a top role is enough without an owner",     SYSTEM, "account edit mark owner=", "" },
	{ "M7 but then it stays",                         SYSTEM, "account edit mark owner=\ngrant remove bob top on=mark", "last_top_role" },
	{ "M7 the only owner stays",                      SYSTEM, "account edit root owner=", "last_top_role" },
	{ "M7 and stays active",                          SYSTEM, "member edit Ann status=disabled", "last_top_role" },
	{ "M7 one disabled and one expired do not count", SYSTEM, "grant remove hal top on=past", "last_top_role" },
	{ "M7 one with a filter does not count",          SYSTEM, "grant remove hal top on=part", "last_top_role" },
	{ "M7 a disabled owner does not count",           SYSTEM, "grant remove hal top on=shared", "last_top_role" },
	{ "M7 and may go",                                SYSTEM, "account edit shared owner=", "" },
	{ "M7 where nobody ever was, nobody is missed",   SYSTEM, "grant add bob viewer on=bare\ngrant remove bob viewer on=bare", "" },
	{ "M7 a closed account holds nobody",             SYSTEM, "member edit kim status=disabled", "" },
	{ "M7 the new catalogue has another top role",    SYSTEM, "account edit lone catalogue=tiers", "last_top_role" },
	{ "M7 and in the whole tree",                     SYSTEM, "account edit up owner=dan\naccount edit up-low owner=bob\naccount edit up catalogue=tiers", "" },
	{ "M7 where one below has no owner",              SYSTEM, "account edit up catalogue=tiers", "last_top_role" },
	{ "M7 an owner is at the top in every catalogue", SYSTEM, "account edit mark catalogue=tiers", "" },
	{ "M7 where nobody is, it may change",            SYSTEM, "account edit bare catalogue=tiers", "" },

	/* M8, personal accounts. */
	{ "M8 S3 no second member",                       SYSTEM, "grant add bob viewer on=home", "personal_account" },
	{ "M8 not even the owner",                        SYSTEM, "grant add Ann viewer on=home", "personal_account" },
	{ "M8 no change",                                 SYSTEM, "account edit home name=x", "personal_account" },
	{ "M8 no other owner",                            SYSTEM, "account edit home owner=bob", "personal_account" },
	{ "M8 no removal",                                SYSTEM, "account remove home", "personal_account" },
	{ "M8 nothing below",                             SYSTEM, "account add new parent=home", "personal_account" },
	{ "M8 not below anything",                        SYSTEM, "account add new parent=root kind=personal owner=bob", "personal_account" },
	{ "M8 not without an owner",                      SYSTEM, "account add new kind=personal catalogue=plain", "personal_account" },
	{ "2 one a member",                               SYSTEM, "account add new kind=personal catalogue=plain owner=Ann", "personal_exists" },
	{ "for whom has none, one is made",               SYSTEM, "account add new kind=personal catalogue=plain owner=bob", "" },

	/* M9, filtered roles. */
	{ "M9 on its level",                              SYSTEM, "grant add bob scoped on=net filter=a", "" },
	{ "M9 also without a filter",                     SYSTEM, "grant add bob scoped on=net", "" },
	{ "M9 70 on no other level",                      SYSTEM, "grant add bob scoped on=p1 filter=a", "filtered_level" },
	{ "M9 nor by a change of role",                   SYSTEM, "grant add bob viewer on=p1\ngrant set bob scoped on=p1 filter=a", "filtered_level" },
	{ "M9 S10 by people only",                        CORP,   "grant add eve scoped on=team filter=a", "filtered_role" },

	/* M10, what is frozen. */
	{ "M10 nothing is given on what is suspended",    SYSTEM, "grant add dan viewer on=asleep", "account_frozen" },
	{ "M10 nor changed",                              SYSTEM, "grant set bob editor on=asleep", "account_frozen" },
	{ "M10 nor taken",                                SYSTEM, "grant remove bob viewer on=asleep", "account_frozen" },
	{ "M10 nor below",                                SYSTEM, "grant add dan viewer on=asleep-low", "account_frozen" },
	{ "M10 nor made below",                           SYSTEM, "account add new parent=asleep-low", "account_frozen" },
	{ "M10 nor removed",                              SYSTEM, "account remove asleep-low", "account_frozen" },
	{ "M10 nor renamed",                              SYSTEM, "account edit asleep name=x", "account_frozen" },
	{ "M10 nor closed",                               SYSTEM, "account edit asleep status=closed", "account_frozen" },
	{ "M10 nor suspended below",                      SYSTEM, "account edit asleep-low status=suspended", "account_frozen" },
	{ "M10 it may be reinstated",                     SYSTEM, "account edit asleep status=active", "" },
	{ "M10 and nothing else with that",               SYSTEM, "account edit asleep status=active name=x", "account_frozen" },
	{ "M10 so may what is archived",                  SYSTEM, "account edit kept status=active", "" },
	{ "M10 what is archived takes no change",         SYSTEM, "grant add dan viewer on=kept", "account_frozen" },
	{ "M10 what is closed stays closed",              SYSTEM, "account edit shut status=active", "account_frozen" },
	{ "M10 with all below",                           SYSTEM, "account edit shut-low status=active", "account_frozen" },
	{ "M10 what is active may be suspended",          SYSTEM, "account edit sales status=suspended", "" },
	{ "M10 and is frozen then",                       SYSTEM, "account edit sales status=suspended\ngrant add dan viewer on=team", "account_frozen" },

	/* Sessions. */
	{ "a session",                                    SYSTEM, "session add Ann on=sales", "" },
	{ "of 400 days",                                  SYSTEM, "session add Ann life=34560000", "" },
	{ "and no second more",                           SYSTEM, "session add Ann life=34560001", "session_lifetime" },
	{ "of no time",                                   SYSTEM, "session add Ann life=0", "session_lifetime" },
	{ "of less",                                      SYSTEM, "session add Ann life=-1", "session_lifetime" },
	{ "J25 of somebody disabled",                     SYSTEM, "session add cid", "member_inactive" },
	{ "of somebody invited",                          SYSTEM, "session add zoe", "member_inactive" },
	{ "of nobody",                                    SYSTEM, "session add nobody", "member_unknown" },
	{ "in no account",                                SYSTEM, "session add Ann on=nowhere", "account_unknown" },
	{ "it is ended",                                  SYSTEM, "session add Ann\nsession remove Ann", "" },
	{ "it is not there",                              SYSTEM, "session remove Ann", "session_unknown" },
	{ "W10 whoever is disabled has none any more",    SYSTEM, "session add kim\nsession add kim\nmember edit kim status=disabled", "" },

	/* Identities. */
	{ "the system says who somebody is",              SYSTEM, "identity add bob source=corp id=b1", "" },
	{ "S6 one identity, one member",                  SYSTEM, "identity add bob source=corp id=e1", "identity_taken" },
	{ "one member, one identity a directory",         SYSTEM, "identity add eve source=corp id=e2", "identity_taken" },
	{ "and one of another",                           SYSTEM, "identity add eve source=other id=e1", "" },
	{ "an empty one",                                 SYSTEM, "identity add bob source=corp id=", "text_empty" },

	/* A directory. */
	{ "somebody new with a role",                     CORP, "member add new\nidentity add new source=corp id=n1\ngrant add new viewer on=sales", "" },
	{ "S6 a local member is not taken over",          CORP, "identity add bob source=corp id=b1", "not_yours" },
	{ "S6 nor another directory's identity made up",  CORP, "member add new\nidentity add new source=other id=n1", "not_yours" },
	{ "S6 nor a local username",                      CORP, "member add BOB", "username_taken" },
	{ "its own person is changed",                    CORP, "member edit ivy name=Ivy", "" },
	{ "and renamed",                                  CORP, "member edit ivy username=ivy2", "" },
	{ "and disabled",                                 CORP, "member edit ivy status=disabled", "" },
	{ "and removed",                                  CORP, "member remove ivy", "" },
	{ "OW8 a local member is not changed",            CORP, "member edit bob name=x", "not_yours" },
	{ "OW8 nor removed",                              CORP, "member remove bob", "not_yours" },
	{ "S19 who is elsewhere too is not changed",      CORP, "member edit fay name=x", "not_yours" },
	{ "S19 nor removed",                              CORP, "member remove fay", "not_yours" },
	{ "S18 who has local grants is not removed",      CORP, "member remove gil", "not_yours" },
	{ "but disabled",                                 CORP, "member edit gil status=disabled", "" },
	{ "OW7 the last at the top is not disabled",      CORP, "member edit eve status=disabled", "last_top_role" },
	{ "OW7 P6 nor removed",                           CORP, "member remove eve", "last_top_role" },
	{ "OW7 P6 nor is the role taken",                 CORP, "grant remove eve top on=synced", "last_top_role" },
	{ "who is elsewhere too may be given a role",     CORP, "grant add fay viewer on=sales", "" },
	{ "S19 whom it does not know may not",            CORP, "grant add bob viewer on=team", "not_yours" },
	{ "S19 nor may it give as another",               CORP, "grant add ivy viewer on=team source=local", "not_yours" },
	{ "OW1 what it gave it takes",                    CORP, "grant remove ivy viewer on=sales", "" },
	{ "OW1 what was given by hand it leaves",         CORP, "grant remove gil viewer on=sales source=local", "not_yours" },
	{ "S19 and does not change",                      CORP, "grant set gil editor on=sales source=local", "not_yours" },
	{ "OW2 two roles of one directory on an account", CORP, "grant add eve editor on=sales", "" },
	{ "but each once",                                CORP, "grant add eve viewer on=sales", "grant_exists" },
	{ "one of two is changed",                        CORP, "grant set ivy viewer on=sales licences=gold", "" },
	{ "OW7 also that of the last at the top",         CORP, "grant set eve top on=synced licences=gold", "" },
	{ "P5 above its ceiling it gives nothing",        CORP, "grant add eve boss on=net", "above_ceiling" },
	{ "M8 nothing on a personal account",             CORP, "grant add eve viewer on=home", "personal_account" },
	{ "M10 nothing on a suspended one",               CORP, "grant add eve viewer on=asleep", "account_frozen" },
	{ "an account is made",                           CORP, "account add new parent=sales", "" },
	{ "but not owned",                                CORP, "account add new parent=sales owner=eve", "not_yours" },
	{ "no personal one",                              CORP, "account add new kind=personal catalogue=plain owner=eve", "not_yours" },
	{ "none is changed",                              CORP, "account edit sales name=x", "not_yours" },
	{ "none is removed",                              CORP, "account remove team", "not_yours" },
	{ "no session is made",                           CORP, "session add eve", "not_yours" },
	{ "none is ended",                                CORP, "session remove eve", "not_yours" },
};
/* clang-format on */
#define RULES (sizeof(rules) / sizeof(rules[0]))

/* All but the last are made; gives the last. */
static const char *
changes_prepare(const struct rule *rule)
{
	struct str rest = str_from(rule->changes);
	struct str line;

	for (;;) {
		str_next(&rest, '\n', &line);
		line = str_copy(&kit.arena, line);
		if (rest.ptr == NULL)
			return line.ptr;
		ck_assert_msg(admin_do(line.ptr), "%s: %.*s: %s", rule->says,
		    STR_ARGS(line), kit.err.text);
	}
}

static void
refused(const struct rule *rule, bool made, struct names before, int64_t since,
    int64_t changes)
{
	struct err err = kit.err;

	kit.err = (struct err){ 0 };
	ck_assert_msg(!made, "%s: is made", rule->says);
	ck_assert_msg(err.code != NULL && strcmp(err.code, rule->code) == 0,
	    "%s: %s [%s]", rule->says, err.text,
	    err.code != NULL ? err.code : "no code");
	lines_same(before, admin_lines(), rule->says);
	ck_assert_msg(admin_generation() == since && admin.changes == changes,
	    "%s: leaves a row of history", rule->says);
}

static bool
is_removal(const char *change)
{
	return strstr(change, " remove ") != NULL;
}

static void
made(const struct rule *rule, const char *change, bool ok, struct names before,
    int64_t since)
{
	int64_t rows = admin_generation() - since;

	ck_assert_msg(
	    ok, "%s: %s [%s]", rule->says, kit.err.text, kit.err.code);
	if (strcmp(rule->code, "-") == 0)
		ck_assert_msg(rows == 0, "%s: writes", rule->says);
	else
		ck_assert_msg(rows == 1 || (rows > 1 && is_removal(change)),
		    "%s: has %lld rows of history", rule->says,
		    (long long)rows);
	history_replays(before, since, rule->says);
}

START_TEST(keeps_rules)
{
	const struct rule *rule = &rules[_i];
	const char *change;
	struct names before;
	struct view view;
	int64_t changes;
	int64_t since;
	bool ok;

	admin_world();
	admin_start(rule->who == CORP ? &AS_CORP : &AS_SYSTEM);
	change = changes_prepare(rule);
	before = admin_lines();
	view = view_whole();
	since = admin_generation();
	changes = admin.changes;
	ok = admin_do(change);
	if (rule->code[0] == '\0' || rule->code[0] == '-')
		made(rule, change, ok, before, since);
	else
		refused(rule, ok, before, since, changes);
	touches_suffice(view, since, rule->says);
	/* The transaction is open, and ends well. */
	ck_assert_msg(
	    admin_do("member add later"), "%s: %s", rule->says, kit.err.text);
	admin_done();
	KIT_OK(kit_has_member("later"));
}
END_TEST

/* --- The rows ------------------------------------------------------------- */

static struct member
member_now(const char *username)
{
	struct member m = { 0 };

	KIT_OK(store_member(kit.store, &kit.arena, str_from(username), &m,
		   &kit.err) == FOUND_YES);
	return m;
}

START_TEST(rows_say_who_what_and_why)
{
	struct history_row *rows;
	int64_t since;
	size_t count;

	admin_world();
	since = admin_generation();
	admin_start(&AS_CORP);
	KIT_OK(admin_do("grant add eve editor on=team"));
	admin_done();
	admin_start(&AS_SYSTEM);
	KIT_OK(admin_do("member edit bob name=Bob"));
	admin_done();
	rows = admin_rows(since, &count);
	ck_assert_uint_eq(count, 2);
	ck_assert(str_eq(rows[0].actor, STR("source:corp")));
	ck_assert(str_eq(rows[0].action, STR("grant.add")));
	ck_assert(str_eq(rows[0].subject, STR("eve on team")));
	ck_assert(str_eq(rows[0].before, STR("")));
	ck_assert(str_eq(rows[0].after,
	    STR("{\"type\":\"grant\",\"member\":\"eve\",\"account\":\"team\","
		"\"role\":\"editor\",\"source\":\"corp\"}")));
	ck_assert(str_eq(rows[0].why, STR("sync plan 1")));
	ck_assert_int_eq(rows[0].at_ms, NOW_S * 1000 + 7);
	ck_assert(str_starts(rows[0].touches, STR("member:")));
	ck_assert_int_eq(member_now("eve").changed, rows[0].seq);
	ck_assert(str_eq(rows[1].actor, STR("system")));
	ck_assert(str_eq(
	    rows[1].before, STR("{\"type\":\"member\",\"username\":\"bob\","
				"\"status\":\"active\"}")));
	ck_assert(str_eq(rows[1].after,
	    STR("{\"type\":\"member\",\"username\":\"bob\",\"name\":\"Bob\","
		"\"status\":\"active\"}")));
}
END_TEST

/* The reasons of a change are bounded like every other text. */
START_TEST(begins_only_for_somebody)
{
	char why[REASON_TEXT_MAX + 2];
	struct actor actor = { .kind = ACTOR_SYSTEM };

	memset(why, 'x', sizeof(why));
	KIT_FAILS(admin_begin(&admin, kit.store, &admin_catalogues,
		      &(struct actor){ 0 }, NOW_S * 1000, &kit.err),
	    "no_actor");
	KIT_FAILS(admin_begin(&admin, kit.store, &admin_catalogues,
		      &(struct actor){ .kind = ACTOR_SOURCE }, NOW_S * 1000,
		      &kit.err),
	    "no_actor");
	actor.why = (struct str){ why, REASON_TEXT_MAX + 1 };
	KIT_FAILS(admin_begin(&admin, kit.store, &admin_catalogues, &actor,
		      NOW_S * 1000, &kit.err),
	    "text_too_long");
	actor.why = STR("a\nb");
	KIT_FAILS(admin_begin(&admin, kit.store, &admin_catalogues, &actor,
		      NOW_S * 1000, &kit.err),
	    "text_control");
	actor.why = (struct str){ why, REASON_TEXT_MAX };
	admin_start(&actor);
	admin_abort(&admin);
	admin_abort(&admin);
	KIT_FAILS(admin_do("member add x"), "no_transaction");
	KIT_FAILS(admin_commit(&admin, &kit.err), "no_transaction");
}
END_TEST

START_TEST(catalogues_are_taken_over_when_they_differ)
{
	struct catalogue changed = *admin_catalogues.items[1];
	const struct catalogue *const items[] = { &changed };
	const struct catalogues one = { items, 1 };
	struct stored_catalogue *stored = NULL;
	struct history_row *rows;
	size_t count = 0;

	admin_start(&AS_SYSTEM);
	ck_assert_int_eq(admin.changes, 3);
	admin_done();
	admin_start(&AS_SYSTEM);
	ck_assert_int_eq(admin.changes, 0);
	admin_done();
	changed.top = -1;
	KIT_OK(admin_begin(
	    &admin, kit.store, &one, &AS_SYSTEM, NOW_S * 1000, &kit.err));
	/* One differs, and two are gone from the folder. */
	ck_assert_int_eq(admin.changes, 3);
	admin_done();
	rows = admin_rows(3, &count);
	ck_assert_uint_eq(count, 3);
	ck_assert(str_eq(rows[1].action, STR("catalogue.remove")));
	ck_assert(str_eq(rows[2].action, STR("catalogue.remove")));
	ck_assert(str_eq(rows[0].action, STR("catalogue.put")));
	ck_assert(str_eq(rows[0].touches, STR("catalogue:plain")));
	ck_assert(!str_eq(rows[0].before, rows[0].after));
	KIT_OK(
	    store_catalogues(kit.store, &kit.arena, &stored, &count, &kit.err));
	ck_assert_uint_eq(count, 1);
	ck_assert(str_eq(stored[0].text, catalogue_text(&kit.arena, &changed)));
}
END_TEST

/* An abort undoes all of it, also what was taken over. */
START_TEST(abort_leaves_nothing)
{
	struct names before;

	admin_world();
	before = admin_lines();
	admin_start(&AS_SYSTEM);
	KIT_OK(admin_do("member add new"));
	KIT_OK(admin_do("account remove team"));
	admin_abort(&admin);
	lines_same(before, admin_lines(), "after an abort");
	ck_assert(!kit_has_member("new"));
}
END_TEST

/* P9: no change without its row. */
START_TEST(no_history_no_change)
{
	admin_world();
	kit_sql("DELETE FROM history_head");
	ck_assert(!admin_begin(&admin, kit.store, &admin_catalogues, &AS_SYSTEM,
		      NOW_S * 1000, &kit.err) ||
		  !admin_do("member add new") ||
		  !admin_commit(&admin, &kit.err));
	ck_assert_str_eq(kit.err.code, "store_corrupt");
	admin_abort(&admin);
	ck_assert_int_eq(
	    kit_sql_number(
		"SELECT COUNT(*) FROM members WHERE username = 'new'"),
	    0);
}
END_TEST

/* --- Personal accounts, sessions ------------------------------------------ */

START_TEST(personal_account_lives_with_its_member)
{
	const struct account *home = NULL;
	struct names before;
	struct member m;

	admin_world();
	before = admin_lines();
	admin_start(&AS_SYSTEM);
	KIT_OK(admin_do("member add new"));
	admin_done();
	m = member_now("new");
	ck_assert(str_starts(m.personal, STR("personal-")));
	KIT_OK(store_account(kit.store, &kit.arena, m.personal, &home,
		   &kit.err) == FOUND_YES);
	ck_assert_int_eq(home->kind, ACCOUNT_PERSONAL);
	ck_assert(str_eq(home->owner, STR("new")));
	/* The first by name that is for accounts without levels. */
	ck_assert(str_eq(home->catalogue, STR("plain")));
	admin_start(&AS_SYSTEM);
	KIT_OK(admin_do("member remove new"));
	admin_done();
	lines_same(before, admin_lines(), "a member came and went");
}
END_TEST

START_TEST(levels_only_no_personal_account)
{
	const struct catalogues tiers = { &admin_catalogues.items[2], 1 };

	KIT_OK(admin_begin(
	    &admin, kit.store, &tiers, &AS_SYSTEM, NOW_S * 1000, &kit.err));
	KIT_OK(admin_do("member add new"));
	admin_done();
	ck_assert_uint_eq(member_now("new").personal.len, 0);
}
END_TEST

START_TEST(token_is_given_once)
{
	struct str token = { NULL, 0 };
	struct session *sessions = NULL;
	struct history_row *rows;
	unsigned char hash[32];
	char hex[65];
	size_t count = 0;
	int64_t since;

	admin_world();
	since = admin_generation();
	admin_start(&AS_SYSTEM);
	KIT_OK(admin_session_add(&admin, STR("Ann"), STR("sales"),
	    &(struct session_limits){ .lifetime_s = 60 }, &token, &kit.err));
	ck_assert_uint_eq(token.len, 43);
	for (size_t i = 0; i < token.len; i++)
		ck_assert_ptr_nonnull(
		    strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxy"
			   "z0123456789-_",
			token.ptr[i]));
	token = str_copy(&kit.arena, token);
	admin_done();
	KIT_OK(store_sessions(
	    kit.store, &kit.arena, STR(""), &sessions, &count, &kit.err));
	ck_assert_uint_eq(count, 1);
	crypto_generichash(hash, sizeof(hash), (const unsigned char *)token.ptr,
	    token.len, NULL, 0);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	ck_assert(str_eq(sessions[0].digest, str_from(hex)));
	ck_assert(str_eq(sessions[0].account, STR("sales")));
	ck_assert_int_eq(sessions[0].expires_s, NOW_S + 60);
	rows = admin_rows(since, &count);
	ck_assert_uint_eq(count, 1);
	ck_assert(!text_has(rows[0].after, token.ptr));
	ck_assert(text_has(rows[0].after, hex));
}
END_TEST

START_TEST(disabling_ends_sessions)
{
	struct session *sessions = NULL;
	struct history_row *rows;
	struct session left;
	size_t count = 0;
	int64_t since;

	admin_world();
	admin_start(&AS_SYSTEM);
	KIT_OK(admin_do("session add kim"));
	KIT_OK(admin_do("session add Ann"));
	KIT_OK(store_sessions(kit.store, &kit.arena, member_now("kim").id,
	    &sessions, &count, &kit.err));
	since = admin_generation();
	KIT_OK(admin_do("member edit kim status=disabled"));
	admin_done();
	rows = admin_rows(since, &count);
	ck_assert_uint_eq(count, 1);
	ck_assert(text_has(rows[0].touches, sessions[0].digest.ptr));
	ck_assert_int_eq(store_session(kit.store, &kit.arena,
			     sessions[0].digest, &left, &kit.err),
	    FOUND_NO);
	KIT_OK(store_sessions(
	    kit.store, &kit.arena, STR(""), &sessions, &count, &kit.err));
	ck_assert_uint_eq(count, 1);
}
END_TEST

/* One record that is too large would stop the publishing of all others. */
START_TEST(what_cannot_be_published_is_refused)
{
	const struct record_key key = { { 0 } };
	struct str filters = STR("");
	struct member m;
	struct str name;
	int given = 0;

	for (int i = 0; i < FILTERS_PER_GRANT_MAX; i++)
		filters = str_fmt(&kit.arena, "%.*s%s%0250d", STR_ARGS(filters),
		    i > 0 ? "," : "", i);
	admin_world();
	admin_start(&AS_SYSTEM);
	for (bool ok = true; ok; given += ok) {
		struct str add =
		    str_fmt(&kit.arena, "account add f%d parent=root", given);
		struct str give = str_fmt(&kit.arena,
		    "grant add kim viewer on=f%d filter=%.*s", given,
		    STR_ARGS(filters));

		KIT_OK(admin_do(add.ptr));
		ok = admin_do(give.ptr);
	}
	ck_assert_str_eq(kit.err.code, "record_too_large");
	kit.err = (struct err){ 0 };
	ck_assert_int_gt(given, 50);
	/* With another one less wide there is still room. */
	KIT_OK(admin_do("grant add kim viewer on=sales filter=a"));
	admin_done();
	m = member_now("kim");
	name = record_name(&kit.arena, STR("t"), RECORD_MEMBER, m.username);
	ck_assert_ptr_nonnull(record_member(&kit.arena, &key, name, &m).ptr);
}
END_TEST

/* --- Anything, in any order ----------------------------------------------- */

#define ROUNDS 1500

static const char *
any(const char *const *list, size_t count)
{
	return list[kit_random((uint32_t)count)];
}
#define ANY(list) any(list, sizeof(list) / sizeof((list)[0]))

static const char *const names[] = { "Ann", "bob", "cid", "dan", "eve", "fay",
	"gil", "hal", "ivy", "kim", "zoe", "n1", "n2", "N1", "nobody" };
static const char *const ids[] = { "root", "sales", "team", "bare", "both",
	"lone", "mark", "part", "past", "shared", "synced", "up", "up-low",
	"asleep", "kept", "net", "p1", "home", "d16", "a1", "a2", "nowhere" };
static const char *const roles[] = { "viewer", "editor", "scoped", "top",
	"boss", "nothing" };
static const char *const statuses[] = { "active", "active", "invited",
	"disabled" };
static const char *const closings[] = { "active", "active", "suspended",
	"archived", "closed" };
static const char *const extras[] = { "", " filter=a", " licences=gold",
	" expires=1900000000", " expires=1", " source=local" };

static struct str
change_invent(void)
{
	struct arena *a = &kit.arena;

	switch (kit_random(15)) {
	case 0:
		return str_fmt(
		    a, "member add %s status=%s", ANY(names), ANY(statuses));
	case 1:
		return str_fmt(
		    a, "member edit %s status=%s", ANY(names), ANY(statuses));
	case 2:
		return str_fmt(
		    a, "member edit %s username=%s", ANY(names), ANY(names));
	case 3:
		return str_fmt(a, "member remove %s", ANY(names));
	case 4:
		return str_fmt(a, "identity add %s source=corp id=%s",
		    ANY(names), ANY(ids));
	case 5:
		return str_fmt(
		    a, "account add %s parent=%s", ANY(ids), ANY(ids));
	case 6:
		return str_fmt(a, "account add %s catalogue=plain owner=%s",
		    ANY(ids), ANY(names));
	case 7:
		return str_fmt(
		    a, "account edit %s status=%s", ANY(ids), ANY(closings));
	case 8:
		return str_fmt(a, "account edit %s owner=%s", ANY(ids),
		    kit_random(4) == 0 ? "" : ANY(names));
	case 9:
		return str_fmt(a, "account remove %s", ANY(ids));
	case 10:
		return str_fmt(a, "grant set %s %s on=%s%s", ANY(names),
		    ANY(roles), ANY(ids), ANY(extras));
	case 11:
		return str_fmt(a, "grant remove %s %s on=%s", ANY(names),
		    ANY(roles), ANY(ids));
	case 12:
		return str_fmt(a, "session add %s on=%s", ANY(names), ANY(ids));
	default:
		return str_fmt(a, "grant add %s %s on=%s%s", ANY(names),
		    ANY(roles), ANY(ids), ANY(extras));
	}
}

static bool
is_refusal(void)
{
	return kit.err.kind == ERR_REFUSED || kit.err.kind == ERR_NOT_FOUND ||
	       kit.err.kind == ERR_FILE;
}

static bool
one_round(void)
{
	struct names before = admin_lines();
	struct view view = view_whole();
	struct str change = change_invent();
	int64_t since = admin_generation();
	bool ok = admin_do(change.ptr);

	ck_assert_msg(ok || is_refusal(), "%s: %s", change.ptr, kit.err.text);
	kit.err = (struct err){ 0 };
	if (!ok)
		ck_assert_int_eq(admin_generation(), since);
	history_replays(before, since, change.ptr);
	touches_suffice(view, since, change.ptr);
	return ok;
}

/* Is there anybody at the top, by the words of M7? */
static bool
somebody_tops(const struct state *state, const struct account *on)
{
	const struct account *root = account_root(on);
	const struct catalogue *catalogue =
	    catalogues_find(&admin_catalogues, root->catalogue);
	struct str top = catalogue->roles[catalogue->top].name;

	for (const struct account *a = on; a != NULL; a = a->parent)
		for (size_t i = 0; i < state->member_count; i++) {
			const struct member *m = &state->members[i];

			if (m->status != MEMBER_ACTIVE)
				continue;
			if (str_eq_fold(m->username, a->owner))
				return true;
			for (size_t g = 0; g < m->grant_count; g++)
				if (str_eq(m->grants[g].account, a->id) &&
				    str_eq(m->grants[g].role, top) &&
				    m->grants[g].filters.count == 0 &&
				    !grant_expired(&m->grants[g], NOW_S))
					return true;
		}
	return false;
}

/* What had somebody at the top keeps somebody, whatever happens. */
static void
tops_stay(struct str *topped, size_t *count, struct arena *arena)
{
	struct state state = { 0 };
	size_t kept = 0;

	KIT_OK(store_state(kit.store, &kit.arena, &state, &kit.err));
	for (size_t i = 0; i < *count; i++) {
		const struct account *a = state_account(&state, topped[i]);

		if (a == NULL || account_strictest(a) == ACCOUNT_CLOSED)
			continue;
		ck_assert_msg(somebody_tops(&state, a),
		    "%.*s is left without a top role", STR_ARGS(a->id));
	}
	for (size_t i = 0; i < state.account_count; i++)
		if (state.accounts[i].kind == ACCOUNT_SHARED && kept < 64 &&
		    somebody_tops(&state, &state.accounts[i]))
			topped[kept++] = str_copy(arena, state.accounts[i].id);
	*count = kept;
}

START_TEST(anything_in_any_order)
{
	struct arena arena = { 0 };
	struct str topped[64];
	size_t topped_count = 0;
	int done = 0;
	int64_t rows = 0;
	int64_t broken = 0;

	admin_world();
	for (int i = 0; i < ROUNDS; i++) {
		if (i % 30 == 0)
			admin_start(kit_random(3) == 0 ? &AS_CORP : &AS_SYSTEM);
		done += one_round();
		tops_stay(topped, &topped_count, &arena);
		if (i % 30 == 29)
			admin_done();
		arena_reset(&kit.arena);
	}
	arena_free(&arena);
	KIT_OK(store_history_verify(kit.store, &rows, &broken, &kit.err));
	ck_assert_int_eq(broken, 0);
	/* Most is refused, much is not. */
	ck_assert_int_gt(done, ROUNDS / 10);
}
END_TEST

/* --- P6: at once ---------------------------------------------------------- */

#define BATCHES 20
#define RACES	50 /* of one batch: 1,000 in all */

struct race {
	pthread_barrier_t barrier;
	bool won[2][RACES];
};

static void
race_world(void)
{
	struct load_counts counts;
	struct state state;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	for (int i = 0; i < RACES; i++)
		for (int who = 0; who < 2; who++)
			fprintf(out, "{'type':'member','username':'m%d-%d'}\n",
			    who, i);
	for (int i = 0; i < RACES; i++)
		fprintf(out,
		    "{'type':'account','id':'a%d','catalogue':'plain'%s%d'}\n",
		    i, i % 3 == 2 ? ",'owner':'m0-" : ",'name':'", i);
	for (int i = 0; i < RACES; i++)
		for (int who = i % 3 == 2; who < 2; who++)
			fprintf(out,
			    "{'type':'grant','member':'m%d-%d','account':'a%d'"
			    ",'role':'top'}\n",
			    who, i, i);
	fclose(out);
	state = admin_state(text);
	free(text);
	admin_start(&AS_SYSTEM);
	KIT_OK(admin_load(&admin, &state, &counts, &kit.err));
	admin_done();
}

/* Each takes the other away: by the grant, by the person, or one by the
 * owner's mark and one by the grant. */
static struct str
race_change(int me, int i)
{
	int other = 1 - me;

	if (i % 3 == 0)
		return str_fmt(
		    &kit.arena, "grant remove m%d-%d top on=a%d", other, i, i);
	if (i % 3 == 1)
		return str_fmt(
		    &kit.arena, "member edit m%d-%d status=disabled", other, i);
	if (me == 0)
		return str_fmt(
		    &kit.arena, "grant remove m1-%d top on=a%d", i, i);
	return str_fmt(&kit.arena, "account edit a%d owner=", i);
}

static void
race_run(struct race *race, int me)
{
	for (int i = 0; i < RACES; i++) {
		struct str change = race_change(me, i);

		pthread_barrier_wait(&race->barrier);
		admin_start(&AS_SYSTEM);
		race->won[me][i] = admin_do(change.ptr);
		if (race->won[me][i]) {
			admin_done();
			continue;
		}
		ck_assert_str_eq(kit.err.code, "last_top_role");
		admin_abort(&admin);
	}
	pthread_barrier_wait(&race->barrier);
}

static void
race_judge(const struct race *race)
{
	struct state state = { 0 };

	KIT_OK(store_state(kit.store, &kit.arena, &state, &kit.err));
	for (int i = 0; i < RACES; i++)
		ck_assert_msg(race->won[0][i] != race->won[1][i],
		    "round %d: %d and %d", i, race->won[0][i], race->won[1][i]);
	for (size_t i = 0; i < state.account_count; i++)
		ck_assert(somebody_tops(&state, &state.accounts[i]));
}

START_TEST(p6_two_remove_each_other_and_one_stays)
{
	struct race *race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_barrierattr_t shared;
	int status = 0;
	pid_t child;

	ck_assert_ptr_ne(race, MAP_FAILED);
	pthread_barrierattr_init(&shared);
	pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&race->barrier, &shared, 2);
	/* A handle is not taken into another process. */
	kit_close();
	child = fork();
	ck_assert_int_ge(child, 0);
	/* Should one fail, the other does not wait for ever. */
	alarm(120);
	kit_open(STORE_WRITE);
	for (int batch = 0; batch < BATCHES; batch++) {
		if (child != 0)
			race_world();
		race_run(race, child == 0);
		if (child != 0)
			race_judge(race);
		arena_reset(&kit.arena);
	}
	if (child == 0) {
		kit_close();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	munmap(race, sizeof(*race));
}
END_TEST

static void
admin_tests(TCase *t)
{
	kit_tests(t);
	tcase_add_loop_test(t, keeps_rules, 0, RULES);
	tcase_add_test(t, rows_say_who_what_and_why);
	tcase_add_test(t, begins_only_for_somebody);
	tcase_add_test(t, catalogues_are_taken_over_when_they_differ);
	tcase_add_test(t, abort_leaves_nothing);
	tcase_add_test(t, no_history_no_change);
	tcase_add_test(t, personal_account_lives_with_its_member);
	tcase_add_test(t, levels_only_no_personal_account);
	tcase_add_test(t, token_is_given_once);
	tcase_add_test(t, disabling_ends_sessions);
	tcase_add_test(t, what_cannot_be_published_is_refused);
	tcase_add_test(t, anything_in_any_order);
	tcase_add_test(t, p6_two_remove_each_other_and_one_stays);
}

UNIT_MAIN("admin", admin_tests)
