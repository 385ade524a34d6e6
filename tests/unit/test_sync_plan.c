/* From a directory and a store to a plan: sync/wanted.c, sync/plan.c,
 * sync/guard.c, sync/plan_json.c. */
#include "tests/unit/sync_world.h"

#include <string.h>

#include "tests/unit/unit.h"

#define RULES  "sales|sales|viewer\nadmins|root|top\n"
#define ANN    "1|ann|ann@x|Ann|\n"
#define BOB    "2|bob|bob@x|Bob|\n"
#define ANN_IN "ann|ann@x|Ann|active|1|"
#define BOB_IN "bob|bob@x|Bob|active|2|"

struct row {
	const char *says;
	const char *rules;
	const char *people;
	const char *groups;
	const char *members;
	const char *changes;
	const char *note; /* a code that must be there, or NULL */
};

/* clang-format off */
static const struct row rows[] = {
	{ "PL9 nothing changed is nothing to do", RULES, ANN BOB, "sales|ann\nadmins|bob\n",
	  ANN_IN "sales:viewer:corp\n" BOB_IN "root:top:corp\n", "", NULL },
	{ "a new person is added and given what the group gives", RULES, ANN BOB, "sales|ann\nadmins|\n", BOB_IN "\n",
	  "would add Ann (ann), ann@x\n"
	  "would give ann viewer on sales (group 'sales')\n", NULL },
	{ "SH6 a renamed person stays the same member", RULES, "1|anna|ann@x|Anna|\n", "sales|anna\nadmins|\n",
	  ANN_IN "sales:viewer:corp\n",
	  "would change ann to Anna (anna), ann@x\n", NULL },
	{ "S4 a group in a loop ends and gives once", RULES, ANN, "sales|@loop\nloop|@sales,ann\nadmins|\n", ANN_IN "\n",
	  "would give ann viewer on sales (group 'sales')\n", NULL },
	{ "S4 two groups, two roles on one account: both are held", "sales|sales|viewer\nbosses|sales|editor\n", ANN,
	  "sales|ann\nbosses|ann\n", ANN_IN "\n",
	  "would give ann editor on sales (group 'bosses')\n"
	  "would give ann viewer on sales (group 'sales')\n", NULL },
	{ "OW1 leaving a group takes what the directory gave, and nothing else", RULES, ANN, "sales|\nadmins|\n",
	  ANN_IN "sales:viewer:corp,sales:viewer:local,sales:viewer:elsewhere\n",
	  "would take from ann viewer on sales\n", NULL },
	{ "OW1 a local grant of the same role does not stand in for the directory's", RULES, ANN, "sales|ann\nadmins|\n",
	  ANN_IN "sales:viewer:local\n",
	  "would give ann viewer on sales (group 'sales')\n", NULL },
	{ "OW2 a mapping that is gone takes what it gave", "admins|root|top\n", ANN, "sales|ann\nadmins|\n",
	  ANN_IN "sales:viewer:corp\n",
	  "would take from ann viewer on sales\n", NULL },
	{ "OW8 local members are invisible to the sync", RULES, ANN, "sales|ann\nadmins|\n",
	  ANN_IN "sales:viewer:corp\nroot|root@x|Root|active||root:top:local\n", "", NULL },
	{ "S6 a username that is local is not taken over", RULES, ANN, "sales|ann\nadmins|\n",
	  "ann|ann@y|Other Ann|active||root:top:local\n", "", "username_taken" },
	{ "S6 a username of another source is not taken over", RULES, ANN, "sales|ann\nadmins|\n",
	  "ANN|ann@y|Other Ann|active|@1|\n", "", "username_taken" },
	{ "S6 the same id in another source is another person", RULES, ANN, "sales|ann\nadmins|\n",
	  "other|o@y|Other|active|@1|\n",
	  "would add Ann (ann), ann@x\n"
	  "would give ann viewer on sales (group 'sales')\n", NULL },
	{ "a reused username with another id is a new person", RULES, "9|ann|new@x|New Ann|\n", "sales|ann\nadmins|\n",
	  ANN_IN "sales:viewer:corp\n",
	  "would rename Ann (ann) to ann~1, because the username is somebody else's now\n"
	  "would add New Ann (ann), new@x\n"
	  "would give ann viewer on sales (group 'sales')\n"
	  "would disable Ann (ann~1)\n", NULL },
	{ "two people swap their usernames", RULES, "1|bob|ann@x|Ann|\n2|ann|bob@x|Bob|\n", "sales|\nadmins|\n",
	  ANN_IN "\n" BOB_IN "\n",
	  "would rename Bob (bob) to bob~2, because the username is somebody else's now\n"
	  "would rename Ann (ann) to ann~1, because the username is somebody else's now\n"
	  "would change ann~1 to Ann (bob), ann@x\n"
	  "would change bob~2 to Bob (ann), bob@x\n", NULL },
	{ "SH5 a username of another case is the same member", RULES, "1|Ann|ann@x|Ann|\n", "sales|\nadmins|\n", ANN_IN "\n",
	  "would change ann to Ann (Ann), ann@x\n", NULL },
	{ "one username on two entries: who has it keeps it", RULES, ANN "7|ann|two@x|Two|\n", "sales|\nadmins|\n",
	  ANN_IN "\n", "", "double_username" },
	{ "one username on two new entries: neither", RULES, ANN "7|ANN|two@x|Two|\n", "sales|\nadmins|\n",
	  BOB_IN "\n", "would disable Bob (bob)\n", "double_username" },
	{ "an entry without an id is left out", RULES, "|eve|eve@x|Eve|\n" BOB, "sales|\nadmins|\n", BOB_IN "\n", "", "no_id" },
	{ "an entry without an id does not make its member absent", RULES, "|ann|ann@x|Ann|\n" BOB, "sales|\nadmins|\n",
	  ANN_IN "\n" BOB_IN "\n", "", "no_id" },
	{ "two entries with one id: nothing is believed", RULES, "1|ann|a@x|A|\n1|eve|e@x|E|\n", "sales|eve\nadmins|\n",
	  ANN_IN "\n", "", "double_id" },
	{ "SH9 an entry without a username is left out, the rest goes on", RULES, "3||x@x|X|\n" ANN, "sales|\nadmins|\n", BOB_IN "\n",
	  "would add Ann (ann), ann@x\nwould disable Bob (bob)\n", "no_username" },
	{ "a bad attribute does not keep rights alive", RULES, "1|ann|ann@x|An\x01n|\n", "sales|\nadmins|\n",
	  ANN_IN "sales:viewer:corp\n", "would take from ann viewer on sales\n", "bad_attribute" },
	{ "S6 invalid UTF-8 is left out", RULES, "3|eve|e@x|\xff\xfe|\n" BOB, "sales|\nadmins|\n", BOB_IN "\n", "", "bad_attribute" },
	{ "SH17 disabled in the directory: disabled here, grants are kept", RULES, "1|ann|ann@x|Ann|DISABLED\n", "sales|ann\nadmins|\n",
	  ANN_IN "sales:viewer:corp\n", "would disable Ann (ann)\n", NULL },
	{ "SH17 enabled again comes back", RULES, ANN, "sales|ann\nadmins|\n", "ann|ann@x|Ann|disabled|1|sales:viewer:corp\n",
	  "would enable Ann (ann)\n", NULL },
	{ "somebody new who is disabled is not added", RULES, "1|ann|ann@x|Ann|disabled\n" BOB, "sales|ann\nadmins|\n", BOB_IN "\n",
	  "", NULL },
	{ "PL10 who is absent is disabled, with all grants kept", RULES, BOB, "sales|\nadmins|\n",
	  ANN_IN "sales:viewer:corp\n" BOB_IN "\n", "would disable Ann (ann)\n", NULL },
	{ "a member who is elsewhere too and absent only loses the grants", RULES, BOB, "sales|\nadmins|\n",
	  BOB_IN "\nann|ann@x|Ann|active|+1|sales:viewer:corp,sales:viewer:elsewhere\n", "would take from ann viewer on sales\n", NULL },
	{ "a member who is elsewhere too and disabled only loses the grants", RULES, "1|ann|ann@x|Ann|disabled\n", "sales|ann\nadmins|\n",
	  "ann|ann@x|Ann|active|+1|sales:viewer:corp\n", "would take from ann viewer on sales\n", NULL },
	{ "a member who is elsewhere too is not renamed", RULES, "1|anna|anna@x|Anna|\n", "sales|anna\nadmins|\n",
	  "ann|ann@x|Ann|active|+1|\n", "would give ann viewer on sales (group 'sales')\n", NULL },
	{ "S10 a filtered role is not given by a pattern", "rg-{account}-{role}||\n", ANN, "rg-sales-scoped|ann\n", ANN_IN "\n",
	  "", "filtered_role" },
	{ "a pattern gives on an account that is there", "rg-{account}-{role}||\n", ANN, "rg-sales-editor|ann\n", ANN_IN "\n",
	  "would give ann editor on sales (group 'rg-sales-editor')\n", NULL },
	{ "a pattern makes the account that is missing", "rg-{account}-{role}||\n", ANN, "rg-new-editor|ann\n", ANN_IN "\n",
	  "would make account 'Team new' (new) below root\n"
	  "would give ann editor on new (group 'rg-new-editor')\n", NULL },
	{ "a pattern does not reach into another tree", "rg-{account}-{role}||\n", ANN, "rg-other-editor|ann\n", ANN_IN "\n",
	  "", "account_outside" },
	{ "M8 nothing is given on a personal account", "rg-{account}-{role}||\n", ANN, "rg-home-editor|ann\n", ANN_IN "\n",
	  "", "personal_account" },
	{ "SH12 a member who was not read is counted and skipped", RULES, ANN, "sales|ann,gone\nadmins|\n", ANN_IN "\n",
	  "would give ann viewer on sales (group 'sales')\n", "dangling_member" },
	{ "a group that the directory does not have is noted", RULES, ANN, "admins|\n", ANN_IN "\n", "", "group_missing" },
};
/* clang-format on */

START_TEST(plans)
{
	const struct row *row = &rows[_i];
	struct sync_world w;
	struct err e = { 0 };
	struct str says;

	world_make(&w, row->rules, row->people, row->groups, row->members);
	ck_assert_msg(world_plan(&w, &e), "%s: %s", row->says, e.text);
	says = world_says(&w);
	ck_assert_msg(str_eq(says, str_from(row->changes)),
	    "%s:\n%.*s-- instead of --\n%s", row->says, STR_ARGS(says),
	    row->changes);
	if (row->note != NULL)
		ck_assert_msg(world_has_note(&w, row->note), "%s: no note %s",
		    row->says, row->note);
	world_free(&w);
}
END_TEST

START_TEST(s4_ambiguous_group_name_holds)
{
	struct sync_world w;
	struct err e = { 0 };

	world_make(&w, RULES, ANN, "sales|ann\nSALES|\nadmins|\n", ANN_IN "\n");
	ck_assert(!world_plan(&w, &e));
	ck_assert_str_eq(e.code, "group_twice");
	world_free(&w);
}
END_TEST

START_TEST(sh12_dangling_can_hold_the_run)
{
	struct sync_world w;
	struct err e = { 0 };

	world_make(&w, RULES, ANN, "sales|gone\nadmins|\n", ANN_IN "\n");
	w.source.on_dangling = DANGLING_HOLD;
	ck_assert(!world_plan(&w, &e));
	ck_assert_str_eq(e.code, "dangling_member");
	ck_assert_int_eq(e.kind, ERR_SOURCE);
	world_free(&w);
}
END_TEST

/* clang-format off */
static const struct { const char *says; int64_t days; int64_t runs; const char *grants; const char *changes; } graces[] = {
	{ "PL10 within the grace period",                 29, 5, "",                   "" },
	{ "PL10 after it, on a second complete run",      30, 1, "",                   "would remove Ann (ann)\n" },
	{ "PL10 after it, but no complete run before",    90, 0, "",                   "" },
	{ "OW1 never while there are local grants",       90, 5, "sales:viewer:local", "" },
	{ "the directory's own grants go with the member", 90, 5, "sales:viewer:corp", "would remove Ann (ann)\n" },
};
/* clang-format on */

START_TEST(pl10_grace)
{
	struct sync_world w;
	struct err e = { 0 };
	struct str members;
	struct absence absence = { STR("1"), 0, graces[_i].runs };
	struct arena arena = { 0 };
	struct str says;

	members = str_fmt(&arena, "ann|ann@x|Ann|disabled|1|%s\n" BOB_IN "\n",
	    graces[_i].grants);
	world_make(&w, RULES, BOB, "sales|\nadmins|\n", members.ptr);
	absence.since_s = w.now_s - graces[_i].days * 24 * 60 * 60;
	w.absences = &absence;
	w.absence_count = 1;
	ck_assert_msg(world_plan(&w, &e), "%s", e.text);
	says = world_says(&w);
	ck_assert_msg(str_eq(says, str_from(graces[_i].changes)), "%s: %.*s",
	    graces[_i].says, STR_ARGS(says));
	world_free(&w);
	arena_free(&arena);
}
END_TEST

START_TEST(pl10_seen_again_is_forgotten_as_absent)
{
	struct sync_world w;
	struct err e = { 0 };
	struct absence absence = { STR("1"), 1000, 3 };

	world_make(
	    &w, RULES, ANN, "sales|\nadmins|\n", "ann|ann@x|Ann|disabled|1|\n");
	w.absences = &absence;
	w.absence_count = 1;
	ck_assert(world_plan(&w, &e));
	ck_assert_uint_eq(w.plan.absent_forget.count, 1);
	ck_assert_uint_eq(plan_count(&w.plan, CHANGE_MEMBER_ENABLE), 1);
	world_free(&w);
}
END_TEST

/* --- Guards: many people, by number --------------------------------------- */

/* clang-format off */
static const struct {
	const char *says;
	int members;  /* in the store, all active, each with viewer on sales */
	int seen;     /* of them in the directory */
	int in_group; /* of those seen in the group */
	int fresh;    /* new people in the directory */
	int64_t most; /* members_max of the mapping */
	const char *held; /* a word that must be in it, or NULL: not held */
} guards[] = {
	{ "nothing gone",                                      20, 20, 20, 0,  5, NULL },
	{ "PL1 five of twenty may go",                         20, 15, 15, 0,  5, NULL },
	{ "PL1 six of twenty may not",                         20, 14, 14, 0,  5, "members:" },
	{ "PL1 five percent of two hundred may go",            200, 190, 190, 0, 5, NULL },
	{ "PL1 one more than five percent may not",            200, 189, 189, 0, 5, "members:" },
	{ "PL1 limit 50, 51 gone, additions do not help",      100, 49, 49, 9, 50, "members:" },
	{ "PL1 limit 50, 50 gone",                             100, 50, 50, 9, 50, NULL },
	{ "all of two",                                        2, 0, 0, 1,     5, "all:" },
	{ "the only one is not everybody",                     1, 0, 0, 1,     5, NULL },
	{ "a fifth of an account's grants may go",             10, 10, 8, 0,   5, NULL },
	{ "more than a fifth may not",                         10, 10, 7, 0,   5, "account:" },
	{ "four grants are too few for a percentage",          4, 4, 2, 0,     5, NULL },
	{ "all grants of an account",                          4, 4, 0, 0,     5, "all:" },
	{ "all grants of the source",                          2, 2, 0, 0,     5, "all:" },
};
/* clang-format on */

START_TEST(pl1_guard)
{
	struct sync_world w;
	struct arena arena = { 0 };
	struct str people = STR("");
	struct str group = STR("sales|");
	struct str members = STR("");
	struct err e = { 0 };
	int all = guards[_i].seen + guards[_i].fresh;

	for (int i = 0; i < guards[_i].members; i++)
		members = str_fmt(&arena,
		    "%.*su%d|u%d@x|U%d|active|%d|sales:viewer:corp\n",
		    STR_ARGS(members), i, i, i, i);
	for (int i = 0; i < all; i++) {
		int n = i < guards[_i].seen ? i : i + 1000;

		people = str_fmt(&arena, "%.*s%d|u%d|u%d@x|U%d|\n",
		    STR_ARGS(people), n, n, n, n);
		if (i < guards[_i].in_group)
			group = str_fmt(&arena, "%.*s%su%d", STR_ARGS(group),
			    i > 0 ? "," : "", n);
	}
	group = str_fmt(&arena, "%.*s\n", STR_ARGS(group));
	world_make(&w, "sales|sales|viewer\n", people.ptr, group.ptr,
	    members.ptr != NULL ? members.ptr : "");
	w.source.guard.members_max = guards[_i].most;
	ck_assert_msg(world_plan(&w, &e), "%s: %s", guards[_i].says, e.text);
	if (guards[_i].held == NULL)
		ck_assert_msg(w.held.len == 0, "%s: %.*s", guards[_i].says,
		    STR_ARGS(w.held));
	else
		ck_assert_msg(w.held.len > 0 &&
				  strstr(w.held.ptr, guards[_i].held) != NULL,
		    "%s: '%.*s'", guards[_i].says, STR_ARGS(w.held));
	world_free(&w);
	arena_free(&arena);
}
END_TEST

START_TEST(a_missing_group_holds_what_it_would_take)
{
	struct sync_world w;
	struct err e = { 0 };

	world_make(&w, RULES, ANN BOB, "admins|bob\n",
	    ANN_IN "sales:viewer:corp\n" BOB_IN "root:top:corp\n");
	ck_assert(world_plan(&w, &e));
	ck_assert_msg(
	    w.held.len > 0 && strstr(w.held.ptr, "group_missing:") != NULL,
	    "'%.*s'", STR_ARGS(w.held));
	world_free(&w);
}
END_TEST

START_TEST(a_changed_role_is_no_loss)
{
	struct sync_world w;
	struct err e = { 0 };

	world_make(&w, "sales|sales|viewer\nbosses|sales|editor\n", ANN,
	    "sales|\nbosses|ann\n", ANN_IN "sales:viewer:corp\n");
	ck_assert(world_plan(&w, &e));
	ck_assert_msg(w.held.len == 0, "'%.*s'", STR_ARGS(w.held));
	world_free(&w);
}
END_TEST

/* --- The saved form ------------------------------------------------------- */

#define BUSY_PEOPLE ANN BOB "3|eve|eve@x|Eve|\n4|dan|dan@x|Dan|disabled\n"
#define BUSY_GROUPS "sales|ann,eve\nadmins|bob\nrg-new-editor|eve\n"
#define BUSY_RULES  RULES "rg-{account}-{role}||\n"
#define BUSY_MEMBERS                                 \
	"ann|old@x|Ann|active|1|sales:editor:corp\n" \
	"dan|dan@x|Dan|active|4|\nzoe|zoe@x|Zoe|active|5|\n"

START_TEST(pl4_same_input_same_bytes)
{
	struct sync_world a;
	struct sync_world b;
	struct err e = { 0 };
	struct str x;
	struct str y;

	world_make(&a, BUSY_RULES, BUSY_PEOPLE, BUSY_GROUPS, BUSY_MEMBERS);
	/* The same, in the order in which another server might answer. */
	world_make(&b, BUSY_RULES,
	    "4|dan|dan@x|Dan|disabled\n3|eve|eve@x|Eve|\n" BOB ANN,
	    "rg-new-editor|eve\nadmins|bob\nsales|ann,eve\n", BUSY_MEMBERS);
	ck_assert(world_plan(&a, &e) && world_plan(&b, &e));
	x = plan_to_json(&a.arena, &a.plan);
	y = plan_to_json(&b.arena, &b.plan);
	ck_assert(x.len > 0);
	ck_assert_msg(str_eq(x, y), "%.*s\n%.*s", STR_ARGS(x), STR_ARGS(y));
	world_free(&a);
	world_free(&b);
}
END_TEST

START_TEST(pl4_what_is_saved_is_what_was_shown)
{
	struct sync_world w;
	struct plan back;
	struct err e = { 0 };
	struct str saved;

	world_make(&w, BUSY_RULES, BUSY_PEOPLE, BUSY_GROUPS, BUSY_MEMBERS);
	ck_assert(world_plan(&w, &e));
	w.plan.changes[0].refused_code = STR("last_top_role");
	w.plan.changes[0].refused_text = STR("no");
	saved = plan_to_json(&w.arena, &w.plan);
	ck_assert_msg(plan_from_json(&back, &w.arena, saved, &e), "%s", e.text);
	ck_assert_uint_eq(back.count, w.plan.count);
	ck_assert(back.count > 6);
	ck_assert_uint_eq(back.absent_start.count, 1);
	for (size_t i = 0; i < back.count; i++)
		ck_assert(str_eq(change_says(&w.arena, &back.changes[i], false),
		    change_says(&w.arena, &w.plan.changes[i], false)));
	back.notes = w.plan.notes;
	back.note_count = w.plan.note_count;
	ck_assert(str_eq(saved, plan_to_json(&w.arena, &back)));
	world_free(&w);
}
END_TEST

/* clang-format off */
static const char *const broken[] = {
	"", "[]", "{}", "{\"format\":2}", "{\"format\":1}",
	"{\"format\":1,\"changes\":[{}]}",
	"{\"format\":1,\"changes\":[{\"do\":\"member.destroy\"}]}",
	"{\"format\":1,\"changes\":[{\"do\":\"member.add\",\"username\":5}]}",
	"{\"format\":1,\"changes\":[{\"do\":\"account.add\",\"account\":\"x\"}]}",
	"{\"format\":1,\"changes\":[],\"ceiling\":\"top\"}",
	"{\"format\":1,\"changes\":[],\"changes\":[]}",
};
/* clang-format on */

START_TEST(a_broken_plan_is_no_plan)
{
	struct arena arena = { 0 };
	struct plan plan;
	struct err e = { 0 };

	ck_assert_msg(!plan_from_json(&plan, &arena, str_from(broken[_i]), &e),
	    "%s", broken[_i]);
	ck_assert_str_eq(e.code, "plan_unreadable");
	arena_free(&arena);
}
END_TEST

static void
plan_tests(TCase *t)
{
	tcase_add_loop_test(t, plans, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(t, s4_ambiguous_group_name_holds);
	tcase_add_test(t, sh12_dangling_can_hold_the_run);
	tcase_add_loop_test(
	    t, pl10_grace, 0, sizeof(graces) / sizeof(graces[0]));
	tcase_add_test(t, pl10_seen_again_is_forgotten_as_absent);
	tcase_add_loop_test(
	    t, pl1_guard, 0, sizeof(guards) / sizeof(guards[0]));
	tcase_add_test(t, a_missing_group_holds_what_it_would_take);
	tcase_add_test(t, a_changed_role_is_no_loss);
	tcase_add_test(t, pl4_same_input_same_bytes);
	tcase_add_test(t, pl4_what_is_saved_is_what_was_shown);
	tcase_add_loop_test(
	    t, a_broken_plan_is_no_plan, 0, sizeof(broken) / sizeof(broken[0]));
}

UNIT_MAIN("sync_plan", plan_tests)
