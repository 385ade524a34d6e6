/* The store: what goes in comes out, in order, whole or not at all. */
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bounds.h"
#include "store/schema.h"
#include "store_kit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SAME(a, b)                                                            \
	ck_assert_msg(str_eq((a), (b)), "'%.*s', wanted '%.*s'", STR_ARGS(a), \
	    STR_ARGS(b))

static struct member
member_get(const char *username)
{
	struct member member = { 0 };

	KIT_OK(store_member(kit.store, &kit.arena, str_from(username), &member,
		   &kit.err) == FOUND_YES);
	return member;
}

static const struct account *
account_get(const char *id)
{
	const struct account *account = NULL;

	KIT_OK(store_account(kit.store, &kit.arena, str_from(id), &account,
		   &kit.err) == FOUND_YES);
	return account;
}

static struct state
state_get(void)
{
	struct state state;

	KIT_OK(store_state(kit.store, &kit.arena, &state, &kit.err));
	return state;
}

static int64_t
rows_in(const char *table)
{
	return kit_sql_number("SELECT count(*) FROM %s", table);
}

/* --- Round trips ---------------------------------------------------------- */

static const struct member ann = {
	.id = { "m-1", 3 },
	.username = { "Ann", 3 },
	.email = { "ann@example.org", 15 },
	.name = { "Ann \xc3\x84rger, \"the\" 'first'; --", 29 },
	.status = MEMBER_DISABLED,
};

START_TEST(member_round_trip)
{
	struct member out;

	kit_begin();
	KIT_OK(store_put_member(kit.store, &ann, 41, &kit.err));
	KIT_OK(store_put_member(kit.store, &ann, 42, &kit.err));
	kit_commit();
	out = member_get("aNN");
	SAME(out.id, ann.id);
	SAME(out.username, ann.username);
	SAME(out.email, ann.email);
	SAME(out.name, ann.name);
	ck_assert_int_eq(out.status, MEMBER_DISABLED);
	ck_assert_int_eq(out.changed, 42);
	ck_assert_uint_eq(out.grant_count, 0);
	ck_assert_uint_eq(out.identity_count, 0);
	ck_assert_uint_eq(out.personal.len, 0);
	KIT_OK(store_member_by_id(kit.store, &kit.arena, STR("m-1"), &out,
		   &kit.err) == FOUND_YES);
	ck_assert_int_eq(store_member_by_id(
			     kit.store, &kit.arena, STR("M-1"), &out, &kit.err),
	    FOUND_NO);
	ck_assert(!kit_has_member("ann "));
	ck_assert(!kit_has_member(""));
}
END_TEST

START_TEST(member_renamed_keeps_id)
{
	struct member renamed = ann;

	kit_begin();
	KIT_OK(store_put_member(kit.store, &ann, 1, &kit.err));
	renamed.username = STR("anna");
	KIT_OK(store_put_member(kit.store, &renamed, 2, &kit.err));
	kit_commit();
	ck_assert(!kit_has_member("ann"));
	SAME(member_get("ANNA").id, ann.id);
	ck_assert_int_eq(rows_in("members"), 1);
}
END_TEST

START_TEST(identity_round_trip)
{
	const struct identity corp = { STR("corp"), STR("6d1c-\xc3\xbc") };
	const struct identity branch = { STR("branch"), STR("6d1c-\xc3\xbc") };
	struct member out;

	kit_begin();
	kit_member("ann");
	kit_member("bob");
	KIT_OK(store_put_identity(kit.store, STR("id-ann"), &corp, &kit.err));
	KIT_OK(store_put_identity(kit.store, STR("id-ann"), &branch, &kit.err));
	KIT_OK(store_put_identity(kit.store, STR("id-bob"), &corp, &kit.err));
	KIT_OK(store_put_identity(kit.store, STR("id-ann"), &corp, &kit.err));
	kit_commit();
	out = member_get("ann");
	ck_assert_uint_eq(out.identity_count, 2);
	SAME(out.identities[0].source, STR("branch"));
	SAME(out.identities[1].source, STR("corp"));
	SAME(out.identities[1].external_id, corp.external_id);
	KIT_OK(store_member_by_identity(kit.store, &kit.arena, STR("corp"),
		   corp.external_id, &out, &kit.err) == FOUND_YES);
	SAME(out.username, STR("ann"));
	ck_assert_int_eq(store_member_by_identity(kit.store, &kit.arena,
			     STR("other"), corp.external_id, &out, &kit.err),
	    FOUND_NO);
	kit_begin();
	KIT_OK(store_delete_identity(
	    kit.store, STR("corp"), corp.external_id, &kit.err));
	kit_commit();
	ck_assert_uint_eq(member_get("ann").identity_count, 1);
}
END_TEST

START_TEST(identity_one_of_a_source)
{
	const struct identity one = { STR("corp"), STR("1") };
	const struct identity two = { STR("corp"), STR("2") };

	kit_begin();
	kit_member("ann");
	KIT_OK(store_put_identity(kit.store, STR("id-ann"), &one, &kit.err));
	KIT_FAILS(store_put_identity(kit.store, STR("id-ann"), &two, &kit.err),
	    "store_constraint");
}
END_TEST

START_TEST(account_round_trip)
{
	const struct str licences[] = { STR("calls"), STR("marketing") };
	const struct account net = { .id = STR("net"),
		.name = STR("The \xc3\x9c net"),
		.kind = ACCOUNT_SHARED,
		.level = STR("network"),
		.catalogue = STR("performance-marketing"),
		.licences = { licences, 2 },
		.status = ACCOUNT_SUSPENDED };
	const struct account home = { .id = STR("home"),
		.kind = ACCOUNT_PERSONAL,
		.level = STR("account"),
		.parent_id = STR("net"),
		.status = ACCOUNT_ARCHIVED };
	const struct account *out;

	kit_begin();
	kit_member("ann");
	KIT_OK(store_put_account(kit.store, &net, STR("id-ann"), 7, &kit.err));
	KIT_OK(store_put_account(kit.store, &home, STR("id-ann"), 8, &kit.err));
	kit_commit();
	out = account_get("home");
	SAME(out->parent_id, STR("net"));
	ck_assert_int_eq(out->kind, ACCOUNT_PERSONAL);
	ck_assert_int_eq(out->status, ACCOUNT_ARCHIVED);
	ck_assert_uint_eq(out->licences.count, 0);
	ck_assert_uint_eq(out->name.len, 0);
	ck_assert_ptr_nonnull(out->parent);
	out = out->parent;
	SAME(out->id, STR("net"));
	SAME(out->name, net.name);
	SAME(out->level, STR("network"));
	SAME(out->catalogue, STR("performance-marketing"));
	SAME(out->owner, STR("ann"));
	ck_assert_int_eq(out->status, ACCOUNT_SUSPENDED);
	ck_assert_int_eq(out->changed, 7);
	ck_assert_uint_eq(out->licences.count, 2);
	SAME(out->licences.items[1], STR("marketing"));
	ck_assert_ptr_null(out->parent);
	SAME(member_get("ann").personal, STR("home"));
	ck_assert_int_eq(
	    store_account(kit.store, &kit.arena, STR("Net"), &out, &kit.err),
	    FOUND_NO);
}
END_TEST

START_TEST(grant_round_trip)
{
	const struct str licences[] = { STR("a"), STR("b") };
	const struct str filters[] = { STR("region=Far West"), STR("x=\"y\"") };
	struct grant grant = { .account = STR("sales"),
		.role = STR("manager"),
		.source = STR("corp"),
		.licences = { licences, 2 },
		.filters = { filters, 2 },
		.expires_s = 4102444800 };
	struct member out;

	kit_begin();
	kit_member("ann");
	kit_account("sales", "", "");
	KIT_OK(store_put_grant(kit.store, STR("id-ann"), &grant, &kit.err));
	kit_grant("ann", "sales", "manager", "local");
	grant.expires_s = 4102444801;
	KIT_OK(store_put_grant(kit.store, STR("id-ann"), &grant, &kit.err));
	kit_commit();
	out = member_get("ann");
	ck_assert_uint_eq(out.grant_count, 2);
	SAME(out.grants[0].source, STR("corp"));
	SAME(out.grants[1].source, STR("local"));
	ck_assert_int_eq(out.grants[0].expires_s, 4102444801);
	ck_assert_int_eq(out.grants[1].expires_s, 0);
	ck_assert_uint_eq(out.grants[0].licences.count, 2);
	SAME(out.grants[0].licences.items[1], STR("b"));
	ck_assert_uint_eq(out.grants[0].filters.count, 2);
	SAME(out.grants[0].filters.items[0], filters[0]);
	SAME(out.grants[0].filters.items[1], filters[1]);
	ck_assert_uint_eq(out.grants[1].filters.count, 0);
	kit_begin();
	KIT_OK(store_delete_grant(kit.store, STR("id-ann"), STR("sales"),
	    STR("manager"), STR("corp"), &kit.err));
	KIT_OK(store_delete_grant(kit.store, STR("id-ann"), STR("sales"),
	    STR("viewer"), STR("local"), &kit.err));
	kit_commit();
	out = member_get("ann");
	ck_assert_uint_eq(out.grant_count, 1);
	SAME(out.grants[0].source, STR("local"));
}
END_TEST

START_TEST(catalogue_round_trip)
{
	struct stored_catalogue *list = NULL;
	size_t count = 0;

	kit_begin();
	KIT_OK(
	    store_put_catalogue(kit.store, STR("b"), STR("old"), 1, &kit.err));
	KIT_OK(store_put_catalogue(
	    kit.store, STR("a"), STR("role\tx\n"), 2, &kit.err));
	KIT_OK(
	    store_put_catalogue(kit.store, STR("b"), STR("new"), 3, &kit.err));
	kit_commit();
	KIT_OK(
	    store_catalogues(kit.store, &kit.arena, &list, &count, &kit.err));
	ck_assert_uint_eq(count, 2);
	SAME(list[0].name, STR("a"));
	SAME(list[0].text, STR("role\tx\n"));
	SAME(list[1].text, STR("new"));
	ck_assert_int_eq(list[1].changed, 3);
	ck_assert_uint_eq(state_get().catalogues.count, 0);
}
END_TEST

START_TEST(session_round_trip)
{
	struct session one = { .digest = STR("d1"),
		.member_id = STR("id-ann"),
		.account = STR("gone"),
		.created_s = 20,
		.expires_s = 30 };
	struct session two = one;
	struct session *list = NULL;
	struct session out;
	size_t count = 0;

	two.digest = STR("d2");
	two.member_id = STR("id-bob");
	two.account = STR("");
	two.created_s = 10;
	kit_begin();
	kit_member("ann");
	kit_member("bob");
	KIT_OK(store_put_session(kit.store, &one, 5, &kit.err));
	KIT_OK(store_put_session(kit.store, &two, 6, &kit.err));
	kit_commit();
	KIT_OK(store_session(kit.store, &kit.arena, STR("d1"), &out,
		   &kit.err) == FOUND_YES);
	SAME(out.username, STR("ann"));
	SAME(out.account, STR("gone"));
	ck_assert_int_eq(out.expires_s, 30);
	ck_assert_int_eq(out.changed, 5);
	KIT_OK(store_sessions(
	    kit.store, &kit.arena, STR(""), &list, &count, &kit.err));
	ck_assert_uint_eq(count, 2);
	SAME(list[0].digest, STR("d2"));
	KIT_OK(store_sessions(
	    kit.store, &kit.arena, STR("id-ann"), &list, &count, &kit.err));
	ck_assert_uint_eq(count, 1);
	kit_begin();
	KIT_OK(store_delete_session(kit.store, STR("d1"), &kit.err));
	kit_commit();
	ck_assert_int_eq(
	    store_session(kit.store, &kit.arena, STR("d1"), &out, &kit.err),
	    FOUND_NO);
}
END_TEST

START_TEST(plans_round_trip)
{
	struct sync_plan plan = { .source = STR("corp"),
		.created_s = 1,
		.data_generation = 9,
		.body = STR("{}"),
		.held = STR("removals"),
		.status = PLAN_OPEN };
	struct sync_plan *list = NULL;
	struct sync_plan out;
	size_t count = 0;

	kit_begin();
	for (int64_t i = 1; i <= 3; i++) {
		KIT_OK(store_add_plan(kit.store, &plan, &kit.err));
		ck_assert_int_eq(plan.number, i);
	}
	KIT_OK(store_set_plan(kit.store, 2, PLAN_APPLIED, &kit.err));
	kit_commit();
	KIT_OK(
	    store_plan(kit.store, &kit.arena, 2, &out, &kit.err) == FOUND_YES);
	ck_assert_int_eq(out.status, PLAN_APPLIED);
	SAME(out.held, STR("removals"));
	SAME(out.body, STR("{}"));
	ck_assert_int_eq(out.data_generation, 9);
	KIT_OK(store_plans(kit.store, &kit.arena, 2, &list, &count, &kit.err));
	ck_assert_uint_eq(count, 2);
	ck_assert_int_eq(list[0].number, 3);
	ck_assert_int_eq(list[1].number, 2);
	ck_assert_int_eq(
	    store_plan(kit.store, &kit.arena, 4, &out, &kit.err), FOUND_NO);
	kit_begin();
	KIT_FAILS(store_set_plan(kit.store, 4, PLAN_DROPPED, &kit.err),
	    "store_constraint");
}
END_TEST

START_TEST(runs_round_trip)
{
	struct sync_run run = { .source = STR("corp"),
		.started_ms = 1,
		.ended_ms = 2,
		.result = STR("unchanged"),
		.summary = STR("nothing"),
		.members_seen = 3,
		.groups_seen = 4,
		.complete = true };
	struct sync_run *list = NULL;
	size_t count = 0;

	kit_begin();
	KIT_OK(store_add_run(kit.store, &run, &kit.err));
	run.source = STR("branch");
	run.complete = false;
	KIT_OK(store_add_run(kit.store, &run, &kit.err));
	ck_assert_int_eq(run.number, 2);
	kit_commit();
	KIT_OK(store_runs(
	    kit.store, &kit.arena, STR("corp"), 10, &list, &count, &kit.err));
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(list[0].number, 1);
	ck_assert(list[0].complete);
	ck_assert_int_eq(list[0].members_seen, 3);
	KIT_OK(store_runs(
	    kit.store, &kit.arena, STR(""), 1, &list, &count, &kit.err));
	ck_assert_uint_eq(count, 1);
	SAME(list[0].source, STR("branch"));
	ck_assert(!list[0].complete);
}
END_TEST

START_TEST(absences_round_trip)
{
	struct absence one = { STR("x"), 10, 1 };
	struct absence two = { STR("b"), 11, 2 };
	struct absence *list = NULL;
	size_t count = 0;

	kit_begin();
	KIT_OK(store_set_absence(kit.store, STR("corp"), &one, &kit.err));
	KIT_OK(store_set_absence(kit.store, STR("corp"), &two, &kit.err));
	KIT_OK(store_set_absence(kit.store, STR("other"), &one, &kit.err));
	one.runs = 2;
	KIT_OK(store_set_absence(kit.store, STR("corp"), &one, &kit.err));
	two.runs = 0;
	KIT_OK(store_set_absence(kit.store, STR("corp"), &two, &kit.err));
	kit_commit();
	KIT_OK(store_absences(
	    kit.store, &kit.arena, STR("corp"), &list, &count, &kit.err));
	ck_assert_uint_eq(count, 1);
	SAME(list[0].external_id, STR("x"));
	ck_assert_int_eq(list[0].since_s, 10);
	ck_assert_int_eq(list[0].runs, 2);
}
END_TEST

START_TEST(published_mark)
{
	int64_t seq = -1;

	KIT_OK(store_published(kit.store, &seq, &kit.err));
	ck_assert_int_eq(seq, 0);
	kit_begin();
	KIT_OK(store_set_published(kit.store, 77, &kit.err));
	kit_commit();
	KIT_OK(store_published(kit.store, &seq, &kit.err));
	ck_assert_int_eq(seq, 77);
	KIT_OK(store_schema(kit.store, &seq, &kit.err));
	ck_assert_int_eq(seq, (int64_t)SCHEMA_STEP_COUNT);
}
END_TEST

/* --- The whole state ------------------------------------------------------ */

static const char *const names[] = { "bob", "Ann", "zoe", "_x", "Bobby",
	"\xc3\xa9mile", "anN2", "ann1", "carl", "9" };
/* Folded and by bytes, whatever the locale of a database says. */
static const char *const names_sorted[] = { "9", "_x", "Ann", "ann1", "anN2",
	"bob", "Bobby", "carl", "zoe", "\xc3\xa9mile" };

START_TEST(state_members_by_folded_username)
{
	struct state state;

	kit_begin();
	for (size_t i = 0; i < COUNT(names); i++)
		kit_member(names[i]);
	kit_commit();
	state = state_get();
	ck_assert_uint_eq(state.member_count, COUNT(names));
	for (size_t i = 0; i < COUNT(names); i++)
		SAME(state.members[i].username, str_from(names_sorted[i]));
	ck_assert_ptr_eq(state_member(&state, STR("BOBBY")), &state.members[6]);
}
END_TEST

START_TEST(state_accounts_parents_first)
{
	static const char *const want[] = { "b", "z", "a", "m", "0", "n" };
	struct state state;

	kit_begin();
	kit_account("z", "", "");
	kit_account("b", "", "");
	kit_account("m", "z", "");
	kit_account("0", "m", "");
	kit_account("a", "b", "");
	kit_account("n", "a", "");
	kit_commit();
	state = state_get();
	ck_assert_uint_eq(state.account_count, COUNT(want));
	for (size_t i = 0; i < COUNT(want); i++)
		SAME(state.accounts[i].id, str_from(want[i]));
	SAME(account_root(state_account(&state, STR("0")))->id, STR("z"));
}
END_TEST

/* Many in any order: every grant of each member, in the one order of grants. */
START_TEST(state_grants_in_order)
{
	struct state state;
	size_t total = 0;

	kit_begin();
	for (int i = 0; i < 20; i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%d", (i * 7) % 20);
		kit_member(name);
		kit_account(name, "", "");
	}
	for (int i = 0; i < 500; i++) {
		char member[16];
		char account[16];

		snprintf(member, sizeof(member), "n%u", kit_random(20));
		snprintf(account, sizeof(account), "n%u", kit_random(20));
		kit_grant(member, account, kit_random(2) ? "viewer" : "editor",
		    kit_random(2) ? "local" : "corp");
	}
	kit_commit();
	state = state_get();
	ck_assert_uint_eq(state.member_count, 20);
	for (size_t m = 0; m < state.member_count; m++) {
		const struct member *member = &state.members[m];
		struct member alone = member_get(member->username.ptr);

		ck_assert_uint_eq(alone.grant_count, member->grant_count);
		ck_assert_int_eq(alone.changed, member->changed);
		total += member->grant_count;
		for (size_t g = 0; g < member->grant_count; g++) {
			ck_assert(g == 0 || grant_cmp(&member->grants[g - 1],
						&member->grants[g]) < 0);
			ck_assert_int_eq(
			    grant_cmp(&member->grants[g], &alone.grants[g]), 0);
		}
	}
	ck_assert_int_eq(rows_in("grants"), (int64_t)total);
}
END_TEST

START_TEST(state_has_all_of_a_member)
{
	const struct identity corp = { STR("corp"), STR("1") };
	const struct identity branch = { STR("branch"), STR("2") };
	struct account home = { .id = STR("home"),
		.kind = ACCOUNT_PERSONAL,
		.level = STR("account"),
		.catalogue = STR("c"),
		.status = ACCOUNT_ACTIVE };
	struct state state;

	kit_begin();
	kit_member("ann");
	kit_member("bob");
	KIT_OK(store_put_identity(kit.store, STR("id-bob"), &corp, &kit.err));
	KIT_OK(store_put_identity(kit.store, STR("id-bob"), &branch, &kit.err));
	KIT_OK(store_put_account(kit.store, &home, STR("id-bob"), 3, &kit.err));
	kit_account("shop", "home", "bob");
	KIT_OK(store_touch_member(kit.store, STR("id-bob"), 99, &kit.err));
	kit_commit();
	state = state_get();
	SAME(state.members[1].personal, STR("home"));
	ck_assert_uint_eq(state.members[0].personal.len, 0);
	ck_assert_int_eq(state.members[1].changed, 99);
	ck_assert_uint_eq(state.members[1].identity_count, 2);
	SAME(state.members[1].identities[0].source, STR("branch"));
	SAME(state_account(&state, STR("shop"))->owner, STR("bob"));
}
END_TEST

START_TEST(state_of_nothing)
{
	struct state state = state_get();

	ck_assert_uint_eq(state.member_count, 0);
	ck_assert_uint_eq(state.account_count, 0);
	ck_assert_ptr_null(state_member(&state, STR("")));
}
END_TEST

/* With less memory than it takes the answer is an error, never a part. */
START_TEST(state_whole_or_no_memory)
{
	bool done = false;

	kit_begin();
	for (size_t i = 0; i < COUNT(names); i++)
		kit_member(names[i]);
	kit_account("sales", "", "bob");
	kit_grant("bob", "sales", "editor", "local");
	kit_commit();
	for (size_t bytes = 16; !done; bytes += 16) {
		struct arena arena = { .max_bytes = bytes };
		struct state state;

		done = store_state(kit.store, &arena, &state, &kit.err);
		if (done) {
			ck_assert_uint_eq(state.member_count, COUNT(names));
			ck_assert_uint_eq(
			    state_member(&state, STR("bob"))->grant_count, 1);
		} else
			KIT_FAILS(done, "no_memory");
		arena_free(&arena);
		ck_assert_uint_lt(bytes, 100000);
	}
}
END_TEST

START_TEST(subtree_parents_first)
{
	static const char *const want[] = { "b", "a", "c", "0" };
	struct names out;

	kit_begin();
	kit_account("r", "", "");
	kit_account("b", "r", "");
	kit_account("c", "b", "");
	kit_account("a", "b", "");
	kit_account("0", "c", "");
	kit_account("other", "r", "");
	kit_commit();
	KIT_OK(store_subtree(kit.store, &kit.arena, STR("b"), &out, &kit.err));
	ck_assert_uint_eq(out.count, COUNT(want));
	for (size_t i = 0; i < COUNT(want); i++)
		SAME(out.items[i], str_from(want[i]));
	KIT_OK(
	    store_subtree(kit.store, &kit.arena, STR("none"), &out, &kit.err));
	ck_assert_uint_eq(out.count, 0);
}
END_TEST

START_TEST(owned_and_holders)
{
	struct names out;

	kit_begin();
	kit_member("ann");
	kit_member("bob");
	kit_account("z", "", "ann");
	kit_account("a", "", "ann");
	kit_account("b", "", "bob");
	kit_grant("bob", "z", "viewer", "local");
	kit_grant("bob", "z", "editor", "local");
	kit_grant("ann", "z", "viewer", "local");
	kit_grant("ann", "a", "viewer", "local");
	kit_commit();
	KIT_OK(
	    store_owned(kit.store, &kit.arena, STR("id-ann"), &out, &kit.err));
	ck_assert_uint_eq(out.count, 2);
	SAME(out.items[0], STR("a"));
	SAME(out.items[1], STR("z"));
	KIT_OK(store_holders(kit.store, &kit.arena, STR("z"), &out, &kit.err));
	ck_assert_uint_eq(out.count, 2);
	SAME(out.items[0], STR("id-ann"));
	SAME(out.items[1], STR("id-bob"));
	KIT_OK(store_holders(kit.store, &kit.arena, STR("b"), &out, &kit.err));
	ck_assert_uint_eq(out.count, 0);
}
END_TEST

/* A circle cannot be made here, but it can be written into the file. */
START_TEST(circle_of_accounts_ends)
{
	const struct account *account;
	struct names out;
	struct state state;

	kit_begin();
	kit_account("a", "", "");
	kit_account("b", "a", "");
	kit_commit();
	kit_sql("UPDATE accounts SET parent_id = 'b' WHERE id = 'a'");
	KIT_FAILS(
	    store_subtree(kit.store, &kit.arena, STR("a"), &out, &kit.err),
	    "store_corrupt");
	account = account_get("b");
	ck_assert_ptr_null(account_root(account));
	ck_assert_int_eq(account_strictest(account), ACCOUNT_CLOSED);
	state = state_get();
	ck_assert_uint_eq(state.account_count, 2);
	ck_assert_ptr_null(account_root(state_account(&state, STR("b"))));
}
END_TEST

/* clang-format off */
static const struct { const char *says; const char *sql; } corruptions[] = {
	{ "a status that is none",      "UPDATE members SET status = 'root'" },
	{ "a status that is a number",  "UPDATE members SET status = 1" },
	{ "a change that is text",      "UPDATE members SET changed = 'x'" },
	{ "a name that is a blob",      "UPDATE members SET name = x'6100'" },
	{ "a kind that is none",        "UPDATE accounts SET kind = ''" },
	{ "an expiry that is text",     "UPDATE grants SET expires_s = 'never'" },
	{ "an expiry that is a fraction", "UPDATE grants SET expires_s = 1.5" },
	{ "a grant of nobody",          "UPDATE grants SET member_id = 'ghost'" },
};
/* clang-format on */

START_TEST(corrupt_rows_are_no_rows)
{
	struct state state;

	kit_begin();
	kit_member("ann");
	kit_account("sales", "", "");
	kit_grant("ann", "sales", "editor", "local");
	kit_commit();
	kit_close();
	kit_sql("%s", corruptions[_i].sql);
	kit_open(STORE_READ);
	ck_assert_msg(!store_state(kit.store, &kit.arena, &state, &kit.err),
	    "%s", corruptions[_i].says);
	KIT_FAILS(false, "store_corrupt");
}
END_TEST

/* --- Transactions --------------------------------------------------------- */

START_TEST(rolled_back_is_gone)
{
	kit_begin();
	kit_member("ann");
	store_rollback(kit.store);
	ck_assert(!kit_has_member("ann"));
	store_rollback(kit.store); /* without a transaction: nothing */
	kit_begin();
	kit_member("bob");
	kit_close();
	kit_open(STORE_WRITE);
	ck_assert(!kit_has_member("bob"));
	ck_assert_int_eq(rows_in("history"), 0);
}
END_TEST

START_TEST(savepoints_undo_to_the_innermost)
{
	kit_begin();
	kit_member("ann");
	KIT_OK(store_savepoint(kit.store, &kit.err));
	kit_member("bob");
	KIT_OK(store_savepoint(kit.store, &kit.err));
	kit_member("carl");
	store_undo(kit.store);
	ck_assert(!kit_has_member("carl"));
	ck_assert(kit_has_member("bob"));
	KIT_OK(store_savepoint(kit.store, &kit.err));
	kit_member("dora");
	KIT_OK(store_release(kit.store, &kit.err));
	store_undo(kit.store);
	ck_assert(!kit_has_member("bob"));
	ck_assert(!kit_has_member("dora"));
	kit_member("eve");
	kit_commit();
	ck_assert(kit_has_member("ann"));
	ck_assert(kit_has_member("eve"));
	ck_assert_int_eq(rows_in("members"), 2);
	ck_assert_int_eq(rows_in("history"), 2);
}
END_TEST

START_TEST(writing_needs_a_transaction)
{
	const struct history_row row = { .action = STR("x") };

	KIT_FAILS(store_put_member(kit.store, &ann, 1, &kit.err),
	    "store_transaction");
	KIT_FAILS(
	    store_add_history(kit.store, &row, &kit.err), "store_transaction");
	KIT_FAILS(store_savepoint(kit.store, &kit.err), "store_transaction");
	KIT_FAILS(store_commit(kit.store, &kit.err), "store_transaction");
	KIT_OK(store_begin_read(kit.store, &kit.err));
	KIT_FAILS(store_put_member(kit.store, &ann, 1, &kit.err),
	    "store_transaction");
	KIT_FAILS(store_begin(kit.store, &kit.err), "store_transaction");
	store_rollback(kit.store);
	store_undo(kit.store);
	kit_begin();
	KIT_FAILS(store_begin(kit.store, &kit.err), "store_transaction");
	KIT_FAILS(store_begin_read(kit.store, &kit.err), "store_transaction");
	kit_member("bob");
	kit_commit();
	ck_assert_int_eq(rows_in("members"), 1);
}
END_TEST

/* After a failed write nothing of the transaction is left, and nothing goes
 * in before store_rollback(): else it would be committed by itself. */
static void
lost(void)
{
	KIT_FAILS(store_put_member(kit.store, &ann, 1, &kit.err), "store_io");
	KIT_FAILS(store_savepoint(kit.store, &kit.err), "store_io");
	store_undo(kit.store);
	KIT_FAILS(store_set_published(kit.store, 1, &kit.err), "store_io");
	KIT_FAILS(store_commit(kit.store, &kit.err), "store_io");
	ck_assert_int_eq(rows_in("members"), 0);
	ck_assert_int_eq(rows_in("history"), 0);
	kit_begin();
	kit_member("after");
	kit_commit();
	ck_assert_int_eq(rows_in("members"), 1);
}

START_TEST(d2_failed_write_undoes_all)
{
	struct member twice = ann;

	twice.id = STR("m-2");
	twice.username = STR("ANN");
	kit_begin();
	kit_member("before");
	KIT_OK(store_put_member(kit.store, &ann, 1, &kit.err));
	KIT_OK(store_savepoint(kit.store, &kit.err));
	KIT_FAILS(store_put_member(kit.store, &twice, 2, &kit.err),
	    "store_constraint");
	lost();
}
END_TEST

/* clang-format off */
static const struct { const char *says; struct str text; } unkeepable[] = {
	{ "a NUL at the end",    { "ann\0", 4 } },
	{ "a NUL inside",        { "a\0nn", 4 } },
	{ "a lone NUL",          { "\0", 1 } },
	{ "half a character",    { "an\xc3", 3 } },
	{ "Latin-1",             { "\xe9mile", 5 } },
	{ "an overlong slash",   { "\xc0\xaf", 2 } },
	{ "half of a surrogate", { "\xed\xa0\x80", 3 } },
};
/* clang-format on */

START_TEST(unkeepable_text_is_refused)
{
	struct member member = ann;
	struct member out;

	member.name = unkeepable[_i].text;
	kit_begin();
	kit_member("before");
	KIT_FAILS(
	    store_put_member(kit.store, &member, 1, &kit.err), "store_text");
	lost();
	/* Nor can it be asked for: an answer would be about another name. */
	ck_assert_int_eq(store_member(kit.store, &kit.arena,
			     unkeepable[_i].text, &out, &kit.err),
	    FOUND_ERROR);
}
END_TEST

START_TEST(unkeepable_lists_are_refused)
{
	const struct str items[] = { STR("a"),
		_i == 0 ? STR("b\nc") : STR("") };
	const struct grant grant = { .account = STR("sales"),
		.role = STR("r"),
		.source = STR("local"),
		.filters = { items, 2 } };

	kit_begin();
	kit_member("ann");
	kit_account("sales", "", "");
	KIT_FAILS(store_put_grant(kit.store, STR("id-ann"), &grant, &kit.err),
	    "store_text");
	lost();
}
END_TEST

START_TEST(username_twice_with_other_capitals)
{
	struct member other = ann;

	other.id = STR("m-2");
	other.username = STR("aNN");
	kit_begin();
	KIT_OK(store_put_member(kit.store, &ann, 1, &kit.err));
	kit_commit();
	kit_begin();
	KIT_FAILS(store_put_member(kit.store, &other, 2, &kit.err),
	    "store_constraint");
	store_rollback(kit.store);
	/* Only A-Z are folded. */
	kit_begin();
	other.username = STR("\xc3\xa4nn");
	KIT_OK(store_put_member(kit.store, &other, 2, &kit.err));
	other.id = STR("m-3");
	other.username = STR("\xc3\x84nn");
	KIT_OK(store_put_member(kit.store, &other, 2, &kit.err));
	kit_commit();
}
END_TEST

START_TEST(references_hold)
{
	const struct grant grant = {
		.account = STR("none"), .role = STR("r"), .source = STR("local")
	};
	const struct session session = { .digest = STR("d"),
		.member_id = STR("nobody") };

	kit_begin();
	kit_member("ann");
	kit_commit();
	kit_begin();
	KIT_FAILS(store_put_grant(kit.store, STR("id-ann"), &grant, &kit.err),
	    "store_constraint");
	store_rollback(kit.store);
	kit_begin();
	KIT_FAILS(store_put_session(kit.store, &session, 1, &kit.err),
	    "store_constraint");
	store_rollback(kit.store);
	/* An owner stays while there is something to own. */
	kit_begin();
	kit_account("sales", "", "ann");
	kit_commit();
	kit_begin();
	KIT_FAILS(store_delete_member(kit.store, STR("id-ann"), &kit.err),
	    "store_constraint");
	store_rollback(kit.store);
	/* A tree may be taken down in any order, but not by half. */
	kit_begin();
	kit_account("below", "sales", "");
	kit_account("lowest", "below", "");
	kit_commit();
	kit_begin();
	KIT_OK(store_delete_account(kit.store, STR("sales"), &kit.err));
	KIT_FAILS(store_commit(kit.store, &kit.err), "store_constraint");
	ck_assert_int_eq(rows_in("accounts"), 3);
	kit_begin();
	KIT_OK(store_delete_account(kit.store, STR("sales"), &kit.err));
	KIT_OK(store_delete_account(kit.store, STR("below"), &kit.err));
	KIT_OK(store_delete_account(kit.store, STR("lowest"), &kit.err));
	kit_commit();
	ck_assert_int_eq(rows_in("accounts"), 0);
}
END_TEST

static void
fill(void)
{
	const struct identity corp = { STR("corp"), STR("1") };
	const struct session session = {
		.digest = STR("d"), .member_id = STR("id-ann"), .expires_s = 1
	};
	const struct absence absence = { STR("9"), 1, 1 };

	kit_begin();
	kit_member("ann");
	kit_member("bob");
	kit_account("root", "", "bob");
	kit_account("sales", "root", "");
	kit_grant("ann", "sales", "editor", "local");
	kit_grant("bob", "root", "editor", "local");
	KIT_OK(store_put_identity(kit.store, STR("id-ann"), &corp, &kit.err));
	KIT_OK(store_put_session(kit.store, &session, 1, &kit.err));
	KIT_OK(store_set_absence(kit.store, STR("corp"), &absence, &kit.err));
	kit_commit();
}

START_TEST(what_goes_with_member_and_account)
{
	fill();
	kit_begin();
	KIT_OK(store_delete_member(kit.store, STR("id-ann"), &kit.err));
	KIT_OK(store_delete_member(kit.store, STR("id-ann"), &kit.err));
	kit_commit();
	ck_assert_int_eq(rows_in("sessions"), 0);
	ck_assert_int_eq(rows_in("identities"), 0);
	ck_assert_int_eq(rows_in("grants"), 1);
	kit_begin();
	KIT_OK(store_delete_account(kit.store, STR("sales"), &kit.err));
	KIT_OK(store_delete_account(kit.store, STR("root"), &kit.err));
	kit_commit();
	ck_assert_int_eq(rows_in("grants"), 0);
	ck_assert_int_eq(rows_in("members"), 1);
}
END_TEST

START_TEST(clear_leaves_the_history)
{
	int64_t history;

	fill();
	history = rows_in("history");
	kit_begin();
	KIT_OK(store_clear(kit.store, &kit.err));
	kit_commit();
	for (size_t i = 0; i < 5; i++)
		ck_assert_int_eq(
		    rows_in((const char *const[]){ "members", "accounts",
			"grants", "identities", "sessions" }[i]),
		    0);
	ck_assert_int_eq(rows_in("history"), history);
	ck_assert_int_eq(rows_in("absences"), 1);
}
END_TEST

START_TEST(touch_of_nobody)
{
	kit_begin();
	KIT_FAILS(store_touch_member(kit.store, STR("x"), 1, &kit.err),
	    "store_constraint");
	lost();
}
END_TEST

/* --- Several at once ------------------------------------------------------ */

static struct store *
second(enum store_mode mode)
{
	struct store *store = NULL;

	KIT_OK(store_open(&store, kit.path, mode, &kit.err));
	KIT_OK(store_set_busy_ms(store, 30, &kit.err));
	return store;
}

START_TEST(locked_by_another)
{
	struct store *other = second(STORE_WRITE);
	struct state state;

	fill();
	kit_begin();
	kit_member("carl");
	KIT_FAILS(store_begin(other, &kit.err), "store_locked");
	/* Reading goes on, and sees what was there. */
	KIT_OK(store_state(other, &kit.arena, &state, &kit.err));
	ck_assert_uint_eq(state.member_count, 2);
	kit_commit();
	KIT_OK(store_begin(other, &kit.err));
	KIT_FAILS((store_set_busy_ms(kit.store, 30, &kit.err),
		      store_begin(kit.store, &kit.err)),
	    "store_locked");
	store_close(other); /* with its transaction open */
	kit_begin();
	kit_commit();
}
END_TEST

START_TEST(one_view_for_several_reads)
{
	struct store *other = second(STORE_READ);
	struct member member;
	struct state state;
	int64_t any;
	int64_t data;

	fill();
	KIT_OK(store_begin_read(other, &kit.err));
	KIT_OK(store_generation(other, &any, &data, &kit.err));
	ck_assert_int_eq(any, 6);
	kit_begin();
	kit_member("carl");
	kit_commit();
	ck_assert_int_eq(
	    store_member(other, &kit.arena, STR("carl"), &member, &kit.err),
	    FOUND_NO);
	KIT_OK(store_state(other, &kit.arena, &state, &kit.err));
	ck_assert_uint_eq(state.member_count, 2);
	store_rollback(other);
	KIT_OK(store_generation(other, &any, &data, &kit.err));
	ck_assert_int_eq(any, 7);
	store_close(other);
}
END_TEST

START_TEST(data_version_moves_for_others)
{
	struct store *other = second(STORE_READ);
	int64_t before;
	int64_t after;

	KIT_OK(store_data_version(other, &before, &kit.err));
	KIT_OK(store_data_version(other, &after, &kit.err));
	ck_assert_int_eq(before, after);
	fill();
	KIT_OK(store_data_version(other, &after, &kit.err));
	ck_assert_int_ne(before, after);
	store_close(other);
}
END_TEST

/* clang-format off */
static const struct { const char *says; char who; char what; int64_t now_s; int64_t fence; enum found want; } lock_steps[] = {
	{ "the first takes it",                   'a', 'l', 100, 1, FOUND_YES },
	{ "and holds it",                         'a', 'f',   0, 1, FOUND_YES },
	{ "another does not get it",              'b', 'l', 100, 0, FOUND_NO },
	{ "nor in the last second",               'b', 'l', 109, 0, FOUND_NO },
	{ "nor does the same one again",          'a', 'l', 109, 0, FOUND_NO },
	{ "when it has expired, another takes it", 'b', 'l', 110, 2, FOUND_YES },
	{ "the first has lost it",                'a', 'f',   0, 1, FOUND_NO },
	{ "the second has it",                    'b', 'f',   0, 2, FOUND_YES },
	{ "giving back what was lost",            'a', 'u',   0, 1, FOUND_YES },
	{ "does not free it",                     'a', 'l', 111, 0, FOUND_NO },
	{ "given back by its holder",             'b', 'u',   0, 2, FOUND_YES },
	{ "it is free, and the fence goes up",    'a', 'l', 111, 3, FOUND_YES },
	{ "a fence that never was",               'a', 'f',   0, 4, FOUND_NO },
};
/* clang-format on */

START_TEST(lock_with_a_fence)
{
	struct store *other = second(STORE_WRITE);

	for (size_t i = 0; i < COUNT(lock_steps); i++) {
		struct store *store =
		    lock_steps[i].who == 'a' ? kit.store : other;
		int64_t fence = lock_steps[i].fence;
		enum found got = FOUND_YES;

		KIT_OK(store_begin(store, &kit.err));
		if (lock_steps[i].what == 'l')
			got = store_lock(store, "sync", lock_steps[i].now_s, 10,
			    &fence, &kit.err);
		else if (lock_steps[i].what == 'f')
			got = store_fence(store, "sync", fence, &kit.err);
		else
			KIT_OK(store_unlock(store, "sync", fence, &kit.err));
		KIT_OK(store_commit(store, &kit.err));
		ck_assert_msg(
		    got == lock_steps[i].want && fence == lock_steps[i].fence,
		    "%s: %d, fence %lld", lock_steps[i].says, (int)got,
		    (long long)fence);
	}
	ck_assert_int_eq(store_fence(other, "other", 1, &kit.err), FOUND_NO);
	store_close(other);
}
END_TEST

/* A new store that several begin to use in the same moment. */
START_TEST(d3_made_by_many_at_once)
{
	enum { PROCESSES = 8 };
	pid_t child[PROCESSES];
	int64_t rows = 0;
	int64_t broken = 0;

	kit_close();
	snprintf(kit.path, sizeof(kit.path), "%s/many.db", kit.folder);
	for (int i = 0; i < PROCESSES; i++) {
		char name[16];

		child[i] = fork();
		if (child[i] != 0)
			continue;
		snprintf(name, sizeof(name), "m%d", i);
		kit_open(STORE_WRITE);
		kit_begin();
		kit_member(name);
		kit_commit();
		kit_close();
		_exit(0);
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status = -1;

		ck_assert_int_eq(waitpid(child[i], &status, 0), child[i]);
		ck_assert_int_eq(status, 0);
	}
	kit_open(STORE_READ);
	ck_assert_uint_eq(state_get().member_count, PROCESSES);
	KIT_OK(store_history_verify(kit.store, &rows, &broken, &kit.err));
	ck_assert_int_eq(rows, PROCESSES);
	ck_assert_int_eq(broken, 0);
}
END_TEST

/* --- The file ------------------------------------------------------------- */

static void
file_write(const char *path, const char *bytes, size_t len)
{
	FILE *to = fopen(path, "w");

	ck_assert_ptr_nonnull(to);
	ck_assert_uint_eq(fwrite(bytes, 1, len, to), len);
	ck_assert_int_eq(fclose(to), 0);
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_mode & 0777;
}

static const char *
beside(const char *suffix)
{
	return str_fmt(&kit.arena, "%s%s", kit.path, suffix).ptr;
}

START_TEST(file_is_nobody_elses)
{
	static const struct {
		mode_t umask;
		mode_t mode;
	} rows[] = { { 0, 0640 }, { 022, 0640 }, { 077, 0600 } };

	for (size_t i = 0; i < COUNT(rows); i++) {
		kit_close();
		snprintf(
		    kit.path, sizeof(kit.path), "%s/mode%zu.db", kit.folder, i);
		umask(rows[i].umask);
		kit_open(STORE_WRITE);
		kit_begin();
		kit_member("ann");
		kit_commit();
		ck_assert_int_eq(mode_of(kit.path), rows[i].mode);
		ck_assert_int_eq(mode_of(beside("-wal")), rows[i].mode);
		ck_assert_int_eq(mode_of(beside("-shm")), rows[i].mode);
	}
}
END_TEST

START_TEST(reading_makes_no_file)
{
	struct store *store = NULL;
	const char *path = beside(".none");

	KIT_FAILS(store_open(&store, path, STORE_READ, &kit.err), "store_open");
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_ptr_null(store);
}
END_TEST

/* clang-format off */
static const struct { const char *says; const char *path; enum store_mode mode; const char *code; } paths[] = {
	{ "no folder",                 "none/store.db",  STORE_WRITE, "store_open" },
	{ "no folder, for reading",    "none/store.db",  STORE_READ,  "store_open" },
	{ "a folder",                  ".",              STORE_WRITE, "store_open" },
	{ "a folder, for reading",     ".",              STORE_READ,  "store_open" },
	{ "no path at all",            "",               STORE_WRITE, "store_open" },
	{ "a URL that SQLite reads",   "file:store.db",  STORE_WRITE, "store_open" },
	{ "an empty store in memory",  ":memory:",       STORE_READ,  "store_open" },
};
/* clang-format on */

START_TEST(paths_that_are_none)
{
	struct store *store = NULL;

	ck_assert_int_eq(chdir(kit.folder), 0);
	ck_assert_msg(
	    !store_open(&store, paths[_i].path, paths[_i].mode, &kit.err), "%s",
	    paths[_i].says);
	KIT_FAILS(false, paths[_i].code);
	ck_assert_ptr_null(store);
}
END_TEST

START_TEST(store_in_memory)
{
	kit_close();
	snprintf(kit.path, sizeof(kit.path), ":memory:");
	kit_open(STORE_WRITE);
	kit_begin();
	kit_member("ann");
	kit_commit();
	ck_assert(kit_has_member("ann"));
	ck_assert_int_ne(access(":memory:", F_OK), 0);
}
END_TEST

/* clang-format off */
static const struct { const char *says; const char *sql; const char *read; const char *write; } strangers[] = {
	{ "another program's database",       "CREATE TABLE t (x)",             "store_corrupt", "store_corrupt" },
	{ "another program's, marked",        "PRAGMA application_id = 7",      "store_open",    NULL },
	{ "nothing yet",                      "PRAGMA user_version = 0",        "store_open",    NULL },
	{ "marked as ours without tables",    "PRAGMA application_id = 1380730708", "store_corrupt", "store_corrupt" },
};
/* clang-format on */

START_TEST(another_database)
{
	struct store *store = NULL;

	kit_close();
	snprintf(kit.path, sizeof(kit.path), "%s/other.db", kit.folder);
	kit_sql("%s", strangers[_i].sql);
	KIT_FAILS(store_open(&store, kit.path, STORE_READ, &kit.err),
	    strangers[_i].read);
	if (strangers[_i].write == NULL)
		KIT_OK(store_open(&store, kit.path, STORE_WRITE, &kit.err));
	else
		KIT_FAILS(store_open(&store, kit.path, STORE_WRITE, &kit.err),
		    strangers[_i].write);
	store_close(store);
}
END_TEST

START_TEST(no_database_at_all)
{
	static const char text[] = "This is a text of more than sixteen bytes.";
	struct store *store = NULL;
	char bytes[8192];

	memset(bytes, 0xa5, sizeof(bytes));
	for (int i = 0; i < 4; i++) {
		const char *path = beside(".text");

		if (i < 2)
			file_write(path, text, sizeof(text));
		else
			file_write(path, bytes, sizeof(bytes));
		KIT_FAILS(store_open(&store, path,
			      i % 2 == 0 ? STORE_READ : STORE_WRITE, &kit.err),
		    "store_corrupt");
		ck_assert_ptr_null(store);
	}
}
END_TEST

/* A file that was cut, at any page, is never a shorter state. */
START_TEST(d4_cut_file_is_refused)
{
	off_t size;
	struct stat st;

	fill();
	kit_close();
	ck_assert_int_eq(stat(kit.path, &st), 0);
	size = st.st_size;
	ck_assert_int_gt(size, 4096 * 4);
	for (off_t at = size - 4096; at > 0; at -= 4096) {
		struct state state;
		bool whole = true;

		ck_assert_int_eq(truncate(kit.path, at), 0);
		whole =
		    store_open(&kit.store, kit.path, STORE_READ, &kit.err) &&
		    store_state(kit.store, &kit.arena, &state, &kit.err);
		if (whole) {
			int64_t rows;
			int64_t broken = 0;

			/* The page was of another table. */
			ck_assert_uint_eq(state.member_count, 2);
			ck_assert_uint_eq(state.account_count, 2);
			ck_assert_uint_eq(state.members[0].grant_count, 1);
			(void)store_history_verify(
			    kit.store, &rows, &broken, &kit.err);
		}
		kit.err = (struct err){ 0 };
		kit_close();
	}
}
END_TEST

START_TEST(d3_newer_schema_is_refused)
{
	struct store *store = NULL;

	kit_close();
	kit_sql("UPDATE schema_version SET version = version + 1");
	KIT_FAILS(
	    store_open(&store, kit.path, STORE_READ, &kit.err), "store_newer");
	KIT_FAILS(
	    store_open(&store, kit.path, STORE_WRITE, &kit.err), "store_newer");
	ck_assert_ptr_null(store);
}
END_TEST

/* --- As a user who may only read ------------------------------------------ */

/* Runs in a child process as nobody, because root may write anywhere. */
static void
as_nobody(void (*look)(void))
{
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		if (geteuid() == 0 &&
		    (setgroups(0, NULL) != 0 || setgid(65534) != 0 ||
			setuid(65534) != 0))
			_exit(9);
		look();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}

static void
readable_only(void)
{
	ck_assert_int_eq(chmod(kit.path, 0444), 0);
	ck_assert_int_eq(chmod(beside("-wal"), 0444), 0);
	ck_assert_int_eq(chmod(beside("-shm"), 0444), 0);
	ck_assert_int_eq(chmod(kit.folder, 0555), 0);
}

static void
look_read_only(void)
{
	struct store *store = NULL;
	struct member member;
	struct state state;

	KIT_OK(store_open(&store, kit.path, STORE_READ, &kit.err));
	KIT_OK(store_state(store, &kit.arena, &state, &kit.err));
	ck_assert_uint_eq(state.member_count, 2);
	KIT_OK(store_member(store, &kit.arena, STR("ann"), &member, &kit.err) ==
	       FOUND_YES);
	KIT_FAILS(store_begin(store, &kit.err), "store_read_only");
	store_close(store);
	store = NULL;
	KIT_FAILS(store_open(&store, kit.path, STORE_WRITE, &kit.err),
	    "store_read_only");
}

START_TEST(d2_read_only_file)
{
	fill();
	kit_close();
	readable_only();
	as_nobody(look_read_only);
	ck_assert_int_eq(chmod(kit.folder, 0755), 0);
}
END_TEST

START_TEST(d2_read_only_while_somebody_writes)
{
	fill();
	readable_only();
	kit_begin();
	kit_member("carl"); /* not committed: the log has it or not */
	as_nobody(look_read_only);
	store_rollback(kit.store);
	ck_assert_int_eq(chmod(kit.folder, 0755), 0);
}
END_TEST

/* What a killed writer left in the log is read, not only the file. */
START_TEST(d1_read_only_after_a_kill)
{
	pid_t child;

	kit_close();
	child = fork();
	if (child == 0) {
		kit_open(STORE_WRITE);
		fill();
		raise(SIGKILL);
	}
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	readable_only();
	as_nobody(look_read_only);
	ck_assert_int_eq(chmod(kit.folder, 0755), 0);
}
END_TEST

static void
look_unreadable(void)
{
	struct store *store = NULL;

	KIT_FAILS(
	    store_open(&store, kit.path, STORE_READ, &kit.err), "store_open");
	KIT_FAILS(
	    store_open(&store, kit.path, STORE_WRITE, &kit.err), "store_open");
}

START_TEST(unreadable_file)
{
	kit_close();
	ck_assert_int_eq(chmod(kit.path, 0), 0);
	as_nobody(look_unreadable);
}
END_TEST

/* --- Migration -------------------------------------------------------------*/

static const char *const step_next[] = {
	"ALTER TABLE members ADD COLUMN pager TEXT NOT NULL DEFAULT ''",
	"CREATE TABLE phones (number TEXT PRIMARY KEY)",
	"INSERT INTO phones (number) SELECT username FROM members",
	NULL,
};
static const char *const step_last[] = {
	"CREATE TABLE third (x TEXT PRIMARY KEY)",
	"INSERT INTO third (x) SELECT number FROM phones",
	"DROP TABLE phones",
	NULL,
};
static const char *const step_broken[] = {
	"CREATE TABLE third (x TEXT PRIMARY KEY)",
	"INSERT INTO nothing (x) VALUES ('y')",
	NULL,
};

static struct db *
db_get(void)
{
	struct db *db = NULL;

	KIT_OK(db_open(&db, kit.path, DB_WRITE, &kit.err));
	return db;
}

static int64_t
version_get(void)
{
	return kit_sql_number("SELECT version FROM schema_version");
}

START_TEST(d3_a_broken_step_changes_nothing)
{
	const struct schema_step broken[] = { SCHEMA_STEPS[0], SCHEMA_STEPS[1],
		SCHEMA_STEPS[2], { step_next }, { step_broken } };
	const struct schema_step right[] = { SCHEMA_STEPS[0], SCHEMA_STEPS[1],
		SCHEMA_STEPS[2], { step_next }, { step_last } };
	struct db *db;

	fill();
	kit_close();
	db = db_get();
	KIT_FAILS(schema_migrate(db, broken, 5, &kit.err), "store_corrupt");
	ck_assert(!db_in_transaction(db));
	ck_assert_int_eq(version_get(), 4);
	ck_assert_int_eq(rows_in("phones"), 2);
	KIT_FAILS(schema_check(db, 5, &kit.err), "store_older");
	KIT_FAILS(schema_check(db, 1, &kit.err), "store_newer");
	KIT_OK(schema_migrate(db, right, 5, &kit.err));
	KIT_OK(schema_migrate(db, right, 5, &kit.err));
	KIT_OK(schema_check(db, 5, &kit.err));
	db_close(db);
	ck_assert_int_eq(version_get(), 5);
	ck_assert_int_eq(rows_in("third"), 2);
}
END_TEST

/* Killed at any moment, a migration stands at a whole step and goes on. */
START_TEST(d3_migration_killed_and_restarted)
{
	const struct schema_step steps[] = { SCHEMA_STEPS[0], SCHEMA_STEPS[1],
		SCHEMA_STEPS[2], { step_next }, { step_last } };
	int seen[6] = { 0 };

	kit_close();
	for (int i = 0; i < 60; i++) {
		struct db *db;
		pid_t child;
		int64_t version = 0;

		snprintf(kit.path, sizeof(kit.path), "%s/killed%d.db",
		    kit.folder, i);
		child = fork();
		if (child == 0) {
			db = db_get();
			(void)schema_migrate(db, steps, 5, &kit.err);
			raise(SIGKILL);
		}
		usleep(kit_random(8000));
		kill(child, SIGKILL);
		ck_assert_int_eq(waitpid(child, NULL, 0), child);
		db = db_get();
		KIT_OK(schema_version(db, &version, &kit.err));
		seen[version]++;
		KIT_OK(schema_migrate(db, steps, 5, &kit.err));
		db_close(db);
		ck_assert_int_eq(version_get(), 5);
		ck_assert_int_eq(rows_in("third"), 0);
		ck_assert_int_eq(rows_in("members"), 0);
		ck_assert_int_eq(rows_in("history_head"), 1);
	}
	ck_assert_int_eq(
	    seen[0] + seen[1] + seen[2] + seen[3] + seen[4] + seen[5], 60);
}
END_TEST

static void
store_tests(TCase *t)
{
	kit_tests(t);
	tcase_add_test(t, member_round_trip);
	tcase_add_test(t, member_renamed_keeps_id);
	tcase_add_test(t, identity_round_trip);
	tcase_add_test(t, identity_one_of_a_source);
	tcase_add_test(t, account_round_trip);
	tcase_add_test(t, grant_round_trip);
	tcase_add_test(t, catalogue_round_trip);
	tcase_add_test(t, session_round_trip);
	tcase_add_test(t, plans_round_trip);
	tcase_add_test(t, runs_round_trip);
	tcase_add_test(t, absences_round_trip);
	tcase_add_test(t, published_mark);
	tcase_add_test(t, state_members_by_folded_username);
	tcase_add_test(t, state_accounts_parents_first);
	tcase_add_test(t, state_grants_in_order);
	tcase_add_test(t, state_has_all_of_a_member);
	tcase_add_test(t, state_of_nothing);
	tcase_add_test(t, state_whole_or_no_memory);
	tcase_add_test(t, subtree_parents_first);
	tcase_add_test(t, owned_and_holders);
	tcase_add_test(t, circle_of_accounts_ends);
	tcase_add_loop_test(t, corrupt_rows_are_no_rows, 0, COUNT(corruptions));
	tcase_add_test(t, rolled_back_is_gone);
	tcase_add_test(t, savepoints_undo_to_the_innermost);
	tcase_add_test(t, writing_needs_a_transaction);
	tcase_add_test(t, d2_failed_write_undoes_all);
	tcase_add_loop_test(
	    t, unkeepable_text_is_refused, 0, COUNT(unkeepable));
	tcase_add_loop_test(t, unkeepable_lists_are_refused, 0, 2);
	tcase_add_test(t, username_twice_with_other_capitals);
	tcase_add_test(t, references_hold);
	tcase_add_test(t, what_goes_with_member_and_account);
	tcase_add_test(t, clear_leaves_the_history);
	tcase_add_test(t, touch_of_nobody);
	tcase_add_test(t, locked_by_another);
	tcase_add_test(t, one_view_for_several_reads);
	tcase_add_test(t, data_version_moves_for_others);
	tcase_add_test(t, lock_with_a_fence);
	tcase_add_test(t, d3_made_by_many_at_once);
	tcase_add_test(t, file_is_nobody_elses);
	tcase_add_test(t, reading_makes_no_file);
	tcase_add_loop_test(t, paths_that_are_none, 0, COUNT(paths));
	tcase_add_test(t, store_in_memory);
	tcase_add_loop_test(t, another_database, 0, COUNT(strangers));
	tcase_add_test(t, no_database_at_all);
	tcase_add_test(t, d4_cut_file_is_refused);
	tcase_add_test(t, d3_newer_schema_is_refused);
	tcase_add_test(t, d2_read_only_file);
	tcase_add_test(t, d2_read_only_while_somebody_writes);
	tcase_add_test(t, d1_read_only_after_a_kill);
	tcase_add_test(t, unreadable_file);
	tcase_add_test(t, d3_a_broken_step_changes_nothing);
	tcase_add_test(t, d3_migration_killed_and_restarted);
}

UNIT_MAIN("store", store_tests)
