#include <stdio.h>
#include <stdlib.h>

#include "admin_audit.h"
#include "admin_kit.h"
#include "base/bounds.h"
#include "model/state_json.h"

static struct load_counts
loaded(const struct state *state)
{
	struct load_counts counts = { -1, -1, -1 };
	int64_t catalogues;

	admin_start(&AS_SYSTEM);
	catalogues = admin.changes;
	KIT_OK(admin_load(&admin, state, &counts, &kit.err));
	ck_assert_int_eq(admin.changes - catalogues,
	    counts.added + counts.changed + counts.removed);
	admin_done();
	return counts;
}

/* What `export` would write of it. */
static struct names
lines_of(const struct state *state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct str rest;
	struct str *lines;
	size_t count = 0;

	KIT_OK(state_write_json(state, out, &kit.err));
	fclose(out);
	rest = str_copy(&kit.arena, (struct str){ text, len });
	free(text);
	lines = ARENA_ARRAY(&kit.arena, struct str, len / 10 + 1);
	while (rest.len > 0 && str_next(&rest, '\n', &lines[count]))
		count++;
	return (struct names){ lines, count };
}

/* --- The difference ------------------------------------------------------- */

#define STATE                                                             \
	"{'type':'member','username':'Ann','email':'ann@example.org'}\n"  \
	"{'type':'member','username':'bob'}\n"                            \
	"{'type':'member','username':'eve','identities':"                 \
	"[{'source':'corp','id':'e1'}]}\n"                                \
	"{'type':'member','username':'ivy','identities':"                 \
	"[{'source':'corp','id':'i1'},{'source':'other','id':'i2'}]}\n"   \
	"{'type':'account','id':'root','catalogue':'plain',"              \
	"'owner':'Ann'}\n"                                                \
	"{'type':'account','id':'sales','parent':'root'}\n"               \
	"{'type':'account','id':'team','parent':'sales'}\n"               \
	"{'type':'account','id':'lone','catalogue':'plain'}\n"            \
	"{'type':'account','id':'home','kind':'personal','owner':'Ann',"  \
	"'catalogue':'plain'}\n"                                          \
	"{'type':'grant','member':'bob','account':'lone','role':'top'}\n" \
	"{'type':'grant','member':'bob','account':'sales',"               \
	"'role':'viewer'}\n"                                              \
	"{'type':'grant','member':'eve','account':'team',"                \
	"'role':'viewer','source':'corp'}\n"

struct row {
	const char *says;
	const char *take; /* lines that begin like this go, ... */
	const char *give; /* and these come */
	struct load_counts counts;
};

/* clang-format off */
#define ANN  "{'type':'member','username':'Ann'"
#define BOB  "{'type':'member','username':'bob'"
#define EVE  "{'type':'member','username':'eve'"
#define IVY  "{'type':'member','username':'ivy'"
#define ROOT "{'type':'account','id':'root'"
#define TEAM "{'type':'account','id':'team'"
#define LONE "{'type':'account','id':'lone'"
#define HOME "{'type':'account','id':'home'"
#define BOBS "{'type':'grant','member':'bob'"
#define EVES "{'type':'grant','member':'eve'"
static const struct row rows[] = {
	{ "the same",                             "#", "", { 0, 0, 0 } },
	{ "a member more",                        "#", "{'type':'member','username':'new'}\n", { 1, 0, 0 } },
	{ "an address",                           ANN, ANN "}\n", { 0, 1, 0 } },
	{ "capitals of a name",                   ANN, "{'type':'member','username':'ANN','email':'ann@example.org'}\n", { 0, 1, 0 } },
	{ "capitals, and a name of the account",  ANN "\n" ROOT, "{'type':'member','username':'ANN'}\n" ROOT ",'catalogue':'plain','owner':'ANN','name':'Root'}\n", { 0, 2, 0 } },
	{ "an owner written in other capitals",   ROOT, ROOT ",'catalogue':'plain','owner':'aNN'}\n", { 0, 0, 0 } },
	{ "a member disabled, the last at the top", BOB, BOB ",'status':'disabled'}\n", { 0, 1, 0 } },
	{ "a member gone, with grants",           BOB "\n" BOBS, "", { 0, 0, 3 } },
	{ "an owner gone, with the account at home", ANN "\n" ROOT "\n" HOME, ROOT ",'catalogue':'plain','owner':'bob'}\n", { 0, 1, 2 } },
	{ "an identity gone",                     EVE, EVE "}\n", { 0, 1, 0 } },
	{ "another identity of a directory",      EVE, EVE ",'identities':[{'source':'corp','id':'e9'}]}\n", { 0, 1, 0 } },
	{ "an identity of another directory",     EVE, EVE ",'identities':[{'source':'more','id':'e1'}]}\n", { 0, 1, 0 } },
	{ "an identity moves to somebody",        EVE "\n" BOB, EVE "}\n" BOB ",'identities':[{'source':'corp','id':'e1'}]}\n", { 0, 2, 0 } },
	{ "two swap their identities",            EVE "\n" IVY, EVE ",'identities':[{'source':'corp','id':'i1'}]}\n" IVY ",'identities':[{'source':'corp','id':'e1'},{'source':'other','id':'i2'}]}\n", { 0, 2, 0 } },
	{ "an account more",                      "#", "{'type':'account','id':'new','parent':'team'}\n", { 1, 0, 0 } },
	{ "an account closed",                    LONE, LONE ",'catalogue':'plain','status':'closed'}\n", { 0, 1, 0 } },
	{ "an account moves, with all below",     "{'type':'account','id':'sales'", "{'type':'account','id':'sales','parent':'lone'}\n", { 0, 1, 0 } },
	{ "parent and child change places",       "{'type':'account','id':'sales'\n" TEAM, TEAM ",'parent':'root'}\n{'type':'account','id':'sales','parent':'team'}\n", { 0, 2, 0 } },
	{ "an account without anybody goes",      LONE "\n" BOBS ",'account':'lone'", "", { 0, 0, 2 } },
	{ "a tree goes",                          "{'type':'account','id':'sales'\n" TEAM "\n" EVES "\n" BOBS ",'account':'sales'", "", { 0, 0, 4 } },
	{ "an account's owner",                   ROOT, ROOT ",'catalogue':'plain','owner':'bob'}\n", { 0, 1, 0 } },
	{ "nobody owns it",                       ROOT, ROOT ",'catalogue':'plain'}\n", { 0, 1, 0 } },
	{ "a personal account changes hands",     HOME, HOME ",'kind':'personal','owner':'bob','catalogue':'plain'}\n", { 0, 1, 0 } },
	{ "a personal account becomes shared",    HOME, HOME ",'owner':'Ann','catalogue':'plain'}\n", { 0, 1, 0 } },
	{ "a personal account goes",              HOME, "", { 0, 0, 1 } },
	{ "a grant more",                         "#", EVES ",'account':'root','role':'editor'}\n", { 1, 0, 0 } },
	{ "a role is another grant",              EVES, EVES ",'account':'team','role':'editor','source':'corp'}\n", { 1, 0, 1 } },
	{ "so is a source",                       EVES, EVES ",'account':'team','role':'viewer'}\n", { 1, 0, 1 } },
	{ "a filter, licences and an end",        EVES, EVES ",'account':'team','role':'viewer','source':'corp','filter':['a'],'licences':['b'],'expires':'2030-01-01T00:00:00Z'}\n", { 0, 1, 0 } },
	{ "a grant gone, the last at the top",    BOBS ",'account':'lone'", "", { 0, 0, 1 } },
	{ "a role that no catalogue has",         "#", EVES ",'account':'root','role':'nothing'}\n", { 1, 0, 0 } },
	{ "nothing at all",                       "{", "", { 0, 0, 12 } },
};
/* clang-format on */
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static bool
begins_like(struct str line, const char *takes)
{
	struct str rest = str_from(takes);
	struct str one;

	while (rest.len > 0 && str_next(&rest, '\n', &one))
		if (str_starts(line, one))
			return true;
	return false;
}

static struct state
state_for(const struct row *row)
{
	struct str rest = STR(STATE);
	struct str text = STR("");
	struct str line;

	while (rest.len > 0 && str_next(&rest, '\n', &line))
		if (line.len > 0 && !begins_like(line, row->take))
			text = str_fmt(&kit.arena, "%.*s%.*s\n", STR_ARGS(text),
			    STR_ARGS(line));
	text = str_fmt(&kit.arena, "%.*s%s", STR_ARGS(text), row->give);
	/* A file that is empty cannot be opened in memory. */
	if (text.len == 0)
		return (struct state){ .catalogues = admin_catalogues };
	return admin_state(text.ptr);
}

static void
counts_are(const struct load_counts *got, const struct load_counts *want,
    const char *says)
{
	ck_assert_msg(got->added == want->added &&
			  got->changed == want->changed &&
			  got->removed == want->removed,
	    "%s: %lld added, %lld changed, %lld removed", says,
	    (long long)got->added, (long long)got->changed,
	    (long long)got->removed);
}

START_TEST(loads_the_difference)
{
	const struct row *row = &rows[_i];
	const struct load_counts none = { 0, 0, 0 };
	struct state first = admin_state(STATE);
	struct state second = state_for(row);
	struct load_counts counts;
	struct names before;
	struct view view;
	int64_t since;

	counts = loaded(&first);
	ck_assert_int_eq(counts.added, 12);
	lines_same(lines_of(&first), admin_lines(), row->says);
	before = admin_lines();
	view = view_whole();
	since = admin_generation();

	counts = loaded(&second);
	counts_are(&counts, &row->counts, row->says);
	history_replays(before, since, row->says);
	touches_suffice(view, since, row->says);

	since = admin_generation();
	counts = loaded(&second);
	counts_are(&counts, &none, row->says);
	ck_assert_int_eq(admin_generation(), since);

	/* And back again. */
	counts = loaded(&first);
	ck_assert_int_eq(counts.changed, row->counts.changed);
	ck_assert_int_eq(counts.removed, row->counts.added);
	ck_assert_int_eq(counts.added, row->counts.removed);
	lines_same(lines_of(&first), admin_lines(), row->says);
}
END_TEST

START_TEST(export_load_export_is_the_same)
{
	struct state world = admin_world_state();
	struct state again = { 0 };
	struct load_counts counts;

	counts = loaded(&world);
	ck_assert_int_eq(counts.added, (int64_t)admin_lines().count);
	lines_same(lines_of(&world), admin_lines(), "the world");
	KIT_OK(store_state(kit.store, &kit.arena, &again, &kit.err));
	counts = loaded(&again);
	ck_assert_int_eq(counts.added + counts.changed + counts.removed, 0);
}
END_TEST

/* --- What is refused ------------------------------------------------------ */

/* As nothing that read a file would make it. */
static void
grant_nowhere(struct state *s, struct member *m, struct grant *g)
{
	(void)s;
	(void)m;
	g->account = STR("nowhere");
}

static void
grant_twice(struct state *s, struct member *m, struct grant *g)
{
	(void)s;
	(void)m;
	g[1] = g[0];
}

static void
grant_out_of_bounds(struct state *s, struct member *m, struct grant *g)
{
	(void)s;
	(void)m;
	g->expires_s = -1;
}

static void
grant_many(struct state *s, struct member *m, struct grant *g)
{
	(void)s;
	(void)g;
	m->grant_count = GRANTS_PER_MEMBER_MAX + 1;
}

static void
member_no_status(struct state *s, struct member *m, struct grant *g)
{
	(void)s;
	(void)g;
	m->status = MEMBER_NONE;
}

static void
member_control(struct state *s, struct member *m, struct grant *g)
{
	(void)s;
	(void)g;
	m->name = STR("a\nb");
}

static void
identity_twice(struct state *s, struct member *m, struct grant *g)
{
	const struct member *eve = state_member(s, STR("eve"));

	(void)g;
	m->identities = eve->identities;
	m->identity_count = 1;
}

static struct account *
account_in(struct state *s, const char *id)
{
	for (size_t i = 0; i < s->account_count; i++)
		if (str_eq(s->accounts[i].id, str_from(id)))
			return &s->accounts[i];
	return NULL;
}

static void
owner_nobody(struct state *s, struct member *m, struct grant *g)
{
	(void)m;
	(void)g;
	account_in(s, "root")->owner = STR("nobody");
}

static void
personal_nobody(struct state *s, struct member *m, struct grant *g)
{
	(void)m;
	(void)g;
	account_in(s, "home")->owner = STR("");
}

static void
parent_missing(struct state *s, struct member *m, struct grant *g)
{
	struct account *a = account_in(s, "team");

	(void)m;
	(void)g;
	a->parent_id = STR("nowhere");
	a->parent = NULL;
}

static void
parent_loop(struct state *s, struct member *m, struct grant *g)
{
	struct account *a = account_in(s, "sales");

	(void)m;
	(void)g;
	a->parent_id = STR("team");
	a->parent = account_in(s, "team");
}

static void
account_no_kind(struct state *s, struct member *m, struct grant *g)
{
	(void)m;
	(void)g;
	account_in(s, "team")->kind = ACCOUNT_KIND_NONE;
}

/* clang-format off */
static const struct {
	const char *says;
	void (*spoil)(struct state *s, struct member *bob, struct grant *g);
	const char *code;
} broken[] = {
	{ "a grant on an account that is not there", grant_nowhere,       "state_reference" },
	{ "a grant twice",                           grant_twice,         "state_double" },
	{ "an end before time began",                grant_out_of_bounds, "grant_expires" },
	{ "more grants than one may have",           grant_many,          "grants_too_many" },
	{ "a member without a status",               member_no_status,    "member_status" },
	{ "a control character in a name",           member_control,      "text_control" },
	{ "S6 two members with one identity",        identity_twice,      "state_double" },
	{ "an owner who is not there",               owner_nobody,        "state_reference" },
	{ "a personal account of nobody",            personal_nobody,     "state_personal" },
	{ "a parent that is not there",              parent_missing,      "state_depth" },
	{ "a loop of parents",                       parent_loop,         "state_depth" },
	{ "an account without a kind",               account_no_kind,     "account_kind" },
};
/* clang-format on */
#define BROKEN (sizeof(broken) / sizeof(broken[0]))

START_TEST(what_is_broken_changes_nothing)
{
	struct state state;
	struct load_counts counts = { 9, 9, 9 };
	struct names before;
	struct member *bob;
	int64_t since;

	admin_world();
	before = admin_lines();
	state = admin_state(STATE);
	bob = &state.members[state_member(&state, STR("bob")) - state.members];
	broken[_i].spoil(&state, bob, (struct grant *)(uintptr_t)bob->grants);
	admin_start(&AS_SYSTEM);
	since = admin_generation();
	kit_fails(admin_load(&admin, &state, &counts, &kit.err),
	    broken[_i].says, broken[_i].code);
	ck_assert_int_eq(counts.added + counts.changed + counts.removed, 0);
	ck_assert_int_eq(admin.changes, 0);
	ck_assert_int_eq(admin_generation(), since);
	admin_done();
	lines_same(before, admin_lines(), broken[_i].says);
}
END_TEST

START_TEST(a_directory_does_not_load)
{
	struct state state = admin_state(STATE);
	struct load_counts counts;

	admin_start(&AS_CORP);
	KIT_FAILS(admin_load(&admin, &state, &counts, &kit.err), "not_yours");
	admin_abort(&admin);
}
END_TEST

/* --- Sessions ------------------------------------------------------------- */

START_TEST(sessions_of_those_who_stay_are_kept)
{
	const struct row row = { "", BOB "\n" BOBS "\n" EVE,
		EVE ",'status':'disabled'}\n", { 0, 0, 0 } };
	struct state first = admin_state(STATE);
	struct state second = state_for(&row);
	struct session *sessions = NULL;
	struct view view;
	size_t count = 0;
	int64_t since;

	loaded(&first);
	admin_start(&AS_SYSTEM);
	KIT_OK(admin_do("session add Ann"));
	KIT_OK(admin_do("session add bob"));
	KIT_OK(admin_do("session add eve"));
	admin_done();
	view = view_whole();
	since = admin_generation();
	loaded(&second);
	KIT_OK(store_sessions(
	    kit.store, &kit.arena, STR(""), &sessions, &count, &kit.err));
	ck_assert_uint_eq(count, 1);
	ck_assert(str_eq(sessions[0].username, STR("Ann")));
	touches_suffice(view, since, "sessions that ended");
}
END_TEST

/* --- Any state after any other -------------------------------------------- */

#define LOADS 150

static const char *const people[] = { "a", "b", "C", "d", "e", "f" };
static const char *const others[] = { "A", "b", "c", "d", "e", "f" };
static const char *const places[] = { "r", "s", "t", "u", "v", "w" };
static const char *const roles[] = { "viewer", "editor", "top" };
#define PEOPLE 6
#define PLACES 6

static void
people_invent(FILE *out, bool *is_there)
{
	for (int i = 0; i < PEOPLE; i++) {
		is_there[i] = kit_random(4) != 0;
		if (!is_there[i])
			continue;
		fprintf(out, "{'type':'member','username':'%s','status':'%s'",
		    kit_random(2) == 0 ? people[i] : others[i],
		    kit_random(3) == 0 ? "disabled" : "active");
		if (kit_random(2) == 0)
			fprintf(out,
			    ",'identities':[{'source':'corp','id':'%d'}]",
			    (i + (int)kit_random(2) * 10) % 20);
		fprintf(out, "}\n");
	}
}

/* Each below one before it, in an order of its own each time. */
static void
places_invent(FILE *out, const bool *is_person, bool *is_there)
{
	int first = (int)kit_random(PLACES);
	bool personal[PEOPLE] = { false };
	int root = -1;

	for (int k = 0; k < PLACES; k++) {
		int i = (first + k) % PLACES;
		int owner = (int)kit_random(PEOPLE);

		is_there[i] = kit_random(4) != 0;
		if (!is_there[i])
			continue;
		fprintf(out, "{'type':'account','id':'%s'", places[i]);
		if (root >= 0 && kit_random(3) != 0)
			fprintf(out, ",'parent':'%s'", places[root]);
		else {
			fprintf(out, ",'catalogue':'plain'");
			if (is_person[owner] && !personal[owner] &&
			    kit_random(3) == 0) {
				fprintf(out, ",'kind':'personal'");
				personal[owner] = true;
			} else
				root = i;
		}
		if (is_person[owner] && (personal[owner] || kit_random(2) == 0))
			fprintf(out, ",'owner':'%s'", people[owner]);
		fprintf(out, "}\n");
	}
}

static void
grants_invent(FILE *out, const bool *is_person, const bool *is_place)
{
	for (int i = 0; i < PEOPLE; i++)
		for (int k = 0; k < PLACES; k++)
			for (size_t r = 0, by_hand = kit_random(3); r < 3; r++)
				if (is_person[i] && is_place[k] &&
				    kit_random(4) == 0)
					fprintf(out,
					    "{'type':'grant','member':'%s',"
					    "'account':'%s','role':'%s','"
					    "source':'%s'%s}\n",
					    people[i], places[k], roles[r],
					    r == by_hand ? "local" : "corp",
					    kit_random(3) == 0
						? ",'filter':['x']"
						: "");
}

static struct state
state_invent(void)
{
	bool is_person[PEOPLE];
	bool is_place[PLACES];
	struct state state;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	fprintf(out, "{'type':'member','username':'always'}\n");
	people_invent(out, is_person);
	places_invent(out, is_person, is_place);
	grants_invent(out, is_person, is_place);
	fclose(out);
	state = admin_state(text);
	free(text);
	return state;
}

START_TEST(m5_two_local_grants_on_one_account_are_refused)
{
	struct state wanted = admin_state(
	    STATE "{'type':'grant','member':'bob','account':'sales',"
		  "'role':'editor'}\n");
	struct load_counts counts;

	admin_world();
	admin_start(&AS_SYSTEM);
	KIT_FAILS(
	    admin_load(&admin, &wanted, &counts, &kit.err), "state_double");
	admin_abort(&admin);
}
END_TEST

/* One record that does not fit would stop all publishing. */
START_TEST(what_cannot_be_published_is_refused)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct load_counts counts;
	struct state wanted;

	fprintf(out, "{'type':'member','username':'big'}\n");
	for (int i = 0; i < 80; i++) {
		fprintf(out,
		    "{'type':'account','id':'a%d','catalogue':'plain'}\n"
		    "{'type':'grant','member':'big','account':'a%d',"
		    "'role':'viewer','filter':[",
		    i, i);
		for (int f = 0; f < 32; f++)
			fprintf(out, "%s'%02d%0*d'", f > 0 ? "," : "", f,
			    FILTER_MAX - 2, 0);
		fprintf(out, "]}\n");
	}
	fclose(out);
	wanted = admin_state(text);
	free(text);
	admin_world();
	admin_start(&AS_SYSTEM);
	KIT_FAILS(
	    admin_load(&admin, &wanted, &counts, &kit.err), "record_too_large");
	admin_abort(&admin);
}
END_TEST

START_TEST(any_state_after_any_other)
{
	int64_t verified = 0;
	int64_t broken_at = 0;

	admin_start(&AS_SYSTEM); /* the catalogues */
	admin_done();
	for (int i = 0; i < LOADS; i++) {
		struct state wanted = state_invent();
		struct names before = admin_lines();
		struct view view = view_whole();
		int64_t since = admin_generation();
		struct load_counts counts;
		char says[32];

		snprintf(says, sizeof(says), "state %d", i);
		if (i % 10 == 9) {
			admin_start(&AS_SYSTEM);
			KIT_OK(admin_do("session add always"));
			admin_done();
		}
		loaded(&wanted);
		history_replays(before, since, says);
		touches_suffice(view, since, says);
		counts = loaded(&wanted);
		ck_assert_msg(
		    counts.added + counts.changed + counts.removed == 0,
		    "%s: is not the same twice", says);
		arena_reset(&kit.arena);
	}
	KIT_OK(
	    store_history_verify(kit.store, &verified, &broken_at, &kit.err));
	ck_assert_int_eq(broken_at, 0);
}
END_TEST

static void
load_tests(TCase *t)
{
	kit_tests(t);
	tcase_add_loop_test(t, loads_the_difference, 0, ROWS);
	tcase_add_loop_test(t, what_is_broken_changes_nothing, 0, BROKEN);
	tcase_add_test(t, export_load_export_is_the_same);
	tcase_add_test(t, a_directory_does_not_load);
	tcase_add_test(t, sessions_of_those_who_stay_are_kept);
	tcase_add_test(t, m5_two_local_grants_on_one_account_are_refused);
	tcase_add_test(t, what_cannot_be_published_is_refused);
	tcase_add_test(t, any_state_after_any_other);
}

UNIT_MAIN("load", load_tests)
