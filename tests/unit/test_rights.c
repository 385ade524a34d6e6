/* The right to change in sentences, each with its number in docs/decision.md
 * or docs/requirements.md; in races (P6, P8); and killed at any point (D1). */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admin_kit.h"

enum { RACES = 1000, KILLS = 1000, KILLS_PER_LOOK = 100 };

static struct arena catalogue_arena;
static struct catalogues both;

/* clang-format off */
static const char world[] =
	"{'type':'member','username':'ann'}\n"
	"{'type':'member','username':'bob'}\n"
	"{'type':'member','username':'dir','identities':[{'source':'corp','id':'d1'}]}\n"
	"{'type':'member','username':'end'}\n"
	"{'type':'member','username':'fil'}\n"
	"{'type':'member','username':'man'}\n"
	"{'type':'member','username':'new'}\n"
	"{'type':'member','username':'nar'}\n"
	"{'type':'member','username':'own'}\n"
	"{'type':'member','username':'sub'}\n"
	"{'type':'member','username':'sup'}\n"
	"{'type':'account','id':'biz','catalogue':'call-tracking','owner':'own'}\n"
	"{'type':'account','id':'net','catalogue':'performance-marketing','level':'network','owner':'own'}\n"
	"{'type':'account','id':'p1','parent':'net','level':'profile'}\n"
	"{'type':'account','id':'q1','parent':'p1','level':'publisher'}\n"
	"{'type':'account','id':'kept','parent':'net','level':'profile','status':'archived'}\n"
	"{'type':'account','id':'gone','parent':'net','level':'profile','status':'closed'}\n"
	"{'type':'account','id':'sales','parent':'biz'}\n"
	"{'type':'account','id':'home','kind':'personal','catalogue':'call-tracking','owner':'own'}\n"
	"{'type':'grant','member':'ann','account':'net','role':'super_user'}\n"
	"{'type':'grant','member':'bob','account':'net','role':'super_user'}\n"
	"{'type':'grant','member':'dir','account':'net','role':'member','source':'corp'}\n"
	"{'type':'grant','member':'end','account':'net','role':'observer','expires':'2020-01-01T00:00:00Z'}\n"
	"{'type':'grant','member':'fil','account':'biz','role':'full.editor','filter':['site=7']}\n"
	"{'type':'grant','member':'man','account':'net','role':'manager'}\n"
	"{'type':'grant','member':'nar','account':'net','role':'super_user','filter':['site=7']}\n"
	"{'type':'grant','member':'sub','account':'p1','role':'super_user'}\n"
	"{'type':'grant','member':'sup','account':'net','role':'super_user'}\n";

/* "who: change"; all but the last are made, the last is judged. */
static const struct row {
	const char *says;
	const char *changes;
	const char *code; /* "": it is made */
} rows[] = {
	{ "33 removing is a permission apart from adding",          "man: grant remove end observer on=net", "no_right" },
	{ "37 one's own name takes no role",                        "new: member edit new name=New", "" },
	{ "37 not who comes from a directory",                      "dir: member edit dir name=Dir", "not_yours" },
	{ "39 a Super User changes a Manager",                      "sup: grant set man member on=net", "" },
	{ "39 and another Super User",                              "sup: grant set ann member on=net", "" },
	{ "39 and removes one",                                     "sup: grant remove ann super_user on=net", "" },
	{ "39 a Manager changes not even a lower one",              "man: grant set end reporting on=net", "no_right" },
	{ "40 a Manager adds",                                      "man: grant add new observer on=net", "" },
	{ "40 a directory's Member does not",                       "dir: grant add new observer on=net", "no_right" },
	{ "46 up to Manager",                                       "man: grant add new manager on=net", "" },
	{ "47 for a Super User it takes one",                       "man: grant add new super_user on=net", "no_right" },
	{ "S9 roles that no row of the matrix names are lower",     "man: grant add new reporting on=net", "" },
	{ "152 many at once are a Super User's",                  "man: may spreadsheet.add on=net", "no_right" },
	{ "152 who may add many",                                 "sup: may spreadsheet.add on=net", "" },
	{ "153 and edit them",                                    "sup: may spreadsheet.edit on=net", "" },
	{ "153 a Manager removes none",                           "man: may spreadsheet.delete on=net", "no_right" },
	{ "J12 M3 who sees a part gives nothing",                   "nar: grant add new reporting on=net", "no_right" },
	{ "J11 M3 nor in the other catalogue",                      "fil: grant add new reporting.viewer on=biz", "no_right" },
	{ "M1 a profile's Super User makes nothing",                "sub: account add parent=p1 level=publisher", "no_right" },
	{ "M1 nor deletes below it, where the level is the network's", "sub: account remove q1", "no_right" },
	{ "M1 a network's does",                                    "sup: account remove q1", "" },
	{ "M1 suspending goes up to the network too",               "sup: account edit q1 status=suspended", "" },
	{ "M2 a root is not its Super User's to delete",            "sup: account remove net", "no_right" },
	{ "M2 nor to suspend",                                      "sup: account edit net status=suspended", "not_yours" },
	{ "M3 what holds on the network only stands in their own role", "sub: grant add new super_user on=p1", "" },
	{ "M3 a network's gives it there, acting",                  "sup: grant add new super_user on=p1", "" },
	{ "M3 S8 taking a role asks for as much as giving it",     "sys: grant add new super_user on=p1\nsys: grant add end manager on=p1\nend: grant remove new super_user on=p1", "no_right" },
	{ "M4 not one's own, upwards",                              "man: grant set man super_user on=net", "no_right" },
	{ "M4 nor downwards",                                       "sup: grant set sup member on=net", "own_role" },
	{ "M4 whatever the case of the name",                       "sup: grant set SUP member on=net", "own_role" },
	{ "M4 nor below",                                           "sup: grant add sup manager on=q1", "own_role" },
	{ "M4 but leave",                                           "sup: grant remove sup super_user on=net", "" },
	{ "M5 one row a member and account, expired or not",        "sup: grant add end member on=net", "grant_exists" },
	{ "M5 so it is changed",                                    "sup: grant set end member on=net", "" },
	{ "M5 a directory's row is not removed",                    "sup: grant remove dir member on=net source=corp", "not_yours" },
	{ "M6 the owner is not removed",                            "sup: grant remove own super_user on=net", "owner_fixed" },
	{ "M6 the old owner keeps the grants they have",            "own: account edit net owner=sup\nown: grant add new member on=net", "account_unknown" },
	{ "M6 M15 not found before not the owner",                  "sup: account edit net owner=new", "grant_unknown" },
	{ "M6 a grant further up is none on that very account",     "own: account edit biz owner=new", "grant_unknown" },
	{ "S7 M7 without an owner the last whole Super User stays",   "sys: account edit net owner=\nsup: grant remove ann super_user on=net\nsup: grant remove bob super_user on=net\nsup: grant remove sup super_user on=net", "last_top_role" },
	{ "S3 M8 nothing is given in a personal account",           "own: grant add new full.viewer on=home", "personal_account" },
	{ "M8 nor is it renamed",                                   "own: account edit home name=x", "personal_account" },
	{ "M8 nor deleted",                                         "own: account remove home", "personal_account" },
	{ "M8 nor does it get accounts below it",                   "own: account add parent=home", "personal_account" },
	{ "M9 a filtered role on a profile",                        "sup: grant add new filtered_reporting on=p1 filter=a", "filtered_level" },
	{ "M10 nobody is added to what is archived",                "sup: grant add new member on=kept", "no_right" },
	{ "M10 but it is reinstated",                               "sup: account edit kept status=active", "" },
	{ "M10 what is closed is not",                              "sup: account edit gone status=active", "account_frozen" },
	{ "M11 closed or not, to a stranger it is not there",       "new: account edit gone status=active", "account_unknown" },
	{ "M11 with an expired grant neither",                      "end: grant add new member on=net", "account_unknown" },
	{ "M11 nor what is above",                                  "sub: grant add new member on=net", "account_unknown" },
	{ "S2 M13 the creator owns it",                             "sup: account add parent=net level=profile owner=ann", "not_yours" },
	{ "M13 it has to be empty",                                 "sup: account remove p1", "has_children" },
	{ "M15 not found comes before all other refusals",          "man: grant set new super_user on=net", "grant_unknown" },
	{ "J25 who is disabled does not even nothing",              "sys: member edit new status=disabled\nnew: member edit ann name=", "member_inactive" },
};
#define ROWS ((int)(sizeof(rows) / sizeof(rows[0])))
/* clang-format on */

/* --- Words ------------------------------------------------------------------ */

static struct actor
actor_of(const char *who)
{
	if (strcmp(who, "sys") == 0)
		return AS_SYSTEM;
	return (struct actor){
		.kind = ACTOR_MEMBER,
		.username = str_from(who),
	};
}

/* "may OPERATION on=ACCOUNT" asks only. */
static bool
change_make(const char *change)
{
	char operation[64];
	char account[64];

	if (sscanf(change, "may %63s on=%63s", operation, account) != 2)
		return admin_do(change);
	kit.err = (struct err){ 0 };
	return admin_right(
	    &admin, str_from(account), operation, STR(""), &kit.err);
}

static bool
commit_one(const char *who, const char *change)
{
	const struct actor actor = actor_of(who);
	bool ok;

	KIT_OK(admin_begin(
	    &admin, kit.store, &both, &actor, NOW_S * 1000, &kit.err));
	ok = change_make(change);
	if (ok)
		admin_done();
	else
		admin_abort(&admin);
	return ok;
}

static bool
line_run(struct str line)
{
	struct str rest = str_copy(&kit.arena, line);
	struct str who;

	ck_assert(str_next(&rest, ':', &who));
	return commit_one(str_fmt(&kit.arena, "%.*s", STR_ARGS(who)).ptr,
	    rest.ptr + 1);
}

static void
world_make(void)
{
	struct state state = admin_state(world);
	struct load_counts counts;

	state.catalogues = both;
	KIT_OK(admin_begin(
	    &admin, kit.store, &both, &AS_SYSTEM, NOW_S * 1000, &kit.err));
	KIT_OK(admin_load(&admin, &state, &counts, &kit.err));
	admin_done();
}

START_TEST(m1_m16_sentences)
{
	const struct row *row = &rows[_i];
	struct str rest = str_from(row->changes);
	struct str line;
	int64_t since = 0;
	bool ok = true;

	world_make();
	while (str_next(&rest, '\n', &line)) {
		ck_assert_msg(ok, "%s: before %.*s: %s", row->says,
		    STR_ARGS(line), kit.err.text);
		since = admin_generation();
		ok = line_run(line);
	}
	if (*row->code == '\0') {
		ck_assert_msg(ok, "%s: %s", row->says, kit.err.text);
		ck_assert_msg(admin_generation() > since ||
				  strstr(row->changes, ": may ") != NULL,
		    "%s: no row", row->says);
		return;
	}
	ck_assert_msg(!ok, "%s: was made", row->says);
	ck_assert_msg(strcmp(kit.err.code, row->code) == 0, "%s: %s [%s]",
	    row->says, kit.err.text, kit.err.code);
	ck_assert_msg(admin_generation() == since, "%s left a row", row->says);
}
END_TEST

/* --- Races: two processes, each with the store open on its own ------------ */

struct racer {
	pid_t pid;
	int go; /* one byte: which of its changes */
	int done; /* one byte: was it made? */
};

/* A choice of the race; `who` and `change` for each of the two. */
struct race {
	const char *who[2];
	const char *change[2];
};

static void
racer_loop(const struct race *races, int self, int go, int done)
{
	unsigned char which;

	kit.store = NULL; /* the parent's is not for us */
	kit_open(STORE_WRITE);
	while (read(go, &which, 1) == 1) {
		unsigned char made = commit_one(
		    races[which].who[self], races[which].change[self]);

		if (write(done, &made, 1) != 1)
			break;
		arena_free(&kit.arena);
	}
	kit_close();
	_exit(0);
}

static struct racer
racer_start(const struct race *races, int self, const struct racer *before)
{
	int go[2];
	int done[2];
	struct racer r;

	ck_assert_int_eq(pipe(go), 0);
	ck_assert_int_eq(pipe(done), 0);
	r.pid = fork();
	ck_assert_int_ge(r.pid, 0);
	if (r.pid == 0) {
		if (before != NULL)
			close(before->go);
		close(go[1]);
		close(done[0]);
		racer_loop(races, self, go[0], done[1]);
	}
	close(go[0]);
	close(done[1]);
	r.go = go[1];
	r.done = done[0];
	return r;
}

static void
racers_start(struct racer racers[2], const struct race *races)
{
	kit_close(); /* no handle of the store goes through a fork */
	racers[0] = racer_start(races, 0, NULL);
	racers[1] = racer_start(races, 1, &racers[0]);
	kit_open(STORE_WRITE);
}

static void
racers_end(struct racer racers[2])
{
	for (int i = 0; i < 2; i++) {
		int status = 0;

		close(racers[i].go);
		ck_assert_int_eq(waitpid(racers[i].pid, &status, 0),
		    racers[i].pid);
		ck_assert_int_eq(status, 0);
		close(racers[i].done);
	}
}

/* Both at once; the bits of those that made it. */
static int
race_once(struct racer racers[2], unsigned char which)
{
	unsigned char made[2] = { 0, 0 };
	int first = which & 1;

	ck_assert_int_eq(write(racers[first].go, &which, 1), 1);
	ck_assert_int_eq(write(racers[1 - first].go, &which, 1), 1);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(read(racers[i].done, &made[i], 1), 1);
	return made[0] | made[1] << 1;
}

/* clang-format off */
static const struct race last_ones[] = {
	{ { "ann", "bob" }, { "grant remove bob super_user on=net", "grant remove ann super_user on=net" } },
	{ { "ann", "bob" }, { "grant remove ann super_user on=net", "grant remove bob super_user on=net" } },
	{ { "sys", "sys" }, { "member edit ann status=disabled", "member edit bob status=disabled" } },
	/* The last owner and the last Super User. */
	{ { "sys", "own" }, { "account edit net owner=", "grant remove bob super_user on=net" } },
};
/* clang-format on */
enum { LAST_ONES = 4 };

/* Ann and bob, or for the last one own and bob, are those at the top. */
static void
last_ones_set(int which)
{
	bool owner = which == 3;
	static const char *const undo[] = { "member edit ann status=active",
		"member edit bob status=active",
		"grant add ann super_user on=net",
		"grant add bob super_user on=net" };

	for (size_t i = 0; i < sizeof(undo) / sizeof(undo[0]); i++)
		(void)commit_one("sys", undo[i]); /* where it is so already */
	KIT_OK(commit_one("sys",
	    owner ? "account edit net owner=own" : "account edit net owner="));
	if (owner)
		KIT_OK(commit_one("sys", "grant remove ann super_user on=net"));
}

static int
tops_left(void)
{
	return (int)kit_sql_number(
	    "SELECT (SELECT count(*) FROM grants g JOIN members m ON "
	    "m.id = g.member_id WHERE g.role = 'super_user' AND "
	    "g.account_id = 'net' AND m.username IN ('ann', 'bob') AND "
	    "m.status = 'active') + (SELECT count(*) FROM accounts WHERE "
	    "id = 'net' AND owner_id IS NOT NULL)");
}

START_TEST(p6_s7_s8_m7_one_of_two_stays)
{
	struct racer racers[2];
	int winners[2] = { 0, 0 };

	world_make();
	KIT_OK(commit_one("sys", "grant remove sup super_user on=net"));
	racers_start(racers, last_ones);
	for (int i = 0; i < RACES; i++) {
		unsigned char which = (unsigned char)(i % LAST_ONES);
		int made;

		last_ones_set(which);
		ck_assert_int_eq(tops_left(), 2);
		made = race_once(racers, which);
		ck_assert_msg(made == 1 || made == 2,
		    "race %d of kind %d: %d made it", i, which, made);
		ck_assert_int_eq(tops_left(), 1);
		winners[made - 1]++;
		arena_free(&kit.arena);
	}
	racers_end(racers);
	ck_assert_int_gt(winners[0], 0);
	ck_assert_int_gt(winners[1], 0);
}
END_TEST

/* --- P8: the role goes while it is used ----------------------------------- */

static const struct race drops[] = {
	{ { "man", "sys" },
	    { "grant add new member on=net",
		"grant remove man manager on=net" } },
	{ { "man", "sys" },
	    { "grant add new member on=net",
		"member edit man status=disabled" } },
};

/* No row of man's stands after the row that took their right. */
static void
nothing_after_the_drop(int64_t since)
{
	size_t count = 0;
	const struct history_row *list = admin_rows(since, &count);
	bool dropped = false;

	for (size_t i = 0; i < count; i++) {
		if (str_eq(list[i].actor, STR("member:man")))
			ck_assert_msg(!dropped, "man still adds");
		else
			dropped = true;
	}
	ck_assert(dropped);
}

START_TEST(p8_no_right_outlives_its_role)
{
	struct racer racers[2];
	int late = 0;

	world_make();
	racers_start(racers, drops);
	for (int i = 0; i < RACES; i++) {
		int64_t since = admin_generation();
		int made = race_once(racers, (unsigned char)(i % 2));

		ck_assert_int_eq(made & 2, 2);
		late += made == 2;
		nothing_after_the_drop(since);
		ck_assert(!commit_one("man", "grant add end member on=p1"));
		(void)commit_one("sys", "grant remove new member on=net");
		KIT_OK(commit_one("sys", "member edit man status=active"));
		(void)commit_one("sys", "grant add man manager on=net");
		arena_free(&kit.arena);
	}
	racers_end(racers);
	ck_assert_int_gt(late, 0);
	ck_assert_int_lt(late, RACES);
}
END_TEST

/* --- D1: killed at any point ---------------------------------------------- */

/* Three changes in one transaction, which all carry the number. */
static void
number_write(int64_t number)
{
	const struct actor actor = actor_of("sup");
	const char *const formats[] = {
		"account edit p1 name=n%lld",
		"member edit man name=n%lld",
		"grant set end observer on=net filter=n%lld",
	};

	KIT_OK(admin_begin(
	    &admin, kit.store, &both, &actor, NOW_S * 1000, &kit.err));
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct str head = str_from(formats[i]);

		head.len -= strlen("%lld");
		KIT_OK(admin_do(str_fmt(&kit.arena, "%.*s%lld", STR_ARGS(head),
		    (long long)number)
				    .ptr));
	}
	admin_done();
}

static void
writer_run(int64_t number, int acknowledged)
{
	kit.store = NULL;
	kit_open(STORE_WRITE);
	for (;;) {
		number_write(++number);
		if (write(acknowledged, &number, sizeof(number)) !=
		    sizeof(number))
			_exit(1);
		arena_free(&kit.arena);
	}
}

/* All three carry the same number. */
static int64_t
number_read(void)
{
	const struct account *p1 = NULL;
	struct member man = { 0 };
	struct member end = { 0 };
	struct str text;
	int64_t number = 0;

	KIT_OK(store_account(kit.store, &kit.arena, STR("p1"), &p1,
		   &kit.err) == FOUND_YES);
	KIT_OK(store_member(kit.store, &kit.arena, STR("man"), &man,
		   &kit.err) == FOUND_YES);
	KIT_OK(store_member(kit.store, &kit.arena, STR("end"), &end,
		   &kit.err) == FOUND_YES);
	ck_assert_uint_eq(end.grant_count, 1);
	ck_assert_uint_eq(end.grants[0].filters.count, 1);
	ck_assert_msg(str_eq(p1->name, man.name) &&
			  str_eq(p1->name, end.grants[0].filters.items[0]),
	    "half: %.*s, %.*s, %.*s", STR_ARGS(p1->name), STR_ARGS(man.name),
	    STR_ARGS(end.grants[0].filters.items[0]));
	text = p1->name;
	text.ptr++;
	text.len--;
	ck_assert(str_to_i64(text, 0, INT64_MAX, &number));
	return number;
}

/* The last number that was acknowledged before it was killed. */
static int64_t
writer_kill(int64_t number, unsigned int after_us)
{
	int fds[2];
	pid_t pid;
	int64_t last = number;
	int64_t next;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(fds[0]);
		writer_run(number, fds[1]);
	}
	close(fds[1]);
	usleep(after_us);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	while (read(fds[0], &next, sizeof(next)) == sizeof(next))
		last = next;
	close(fds[0]);
	return last;
}

static void
chain_check(void)
{
	int64_t count = 0;
	int64_t broken = 0;

	KIT_OK(store_history_verify(kit.store, &count, &broken, &kit.err));
	ck_assert_int_gt(count, 0);
	ck_assert_int_eq(broken, 0);
}

START_TEST(d1_acknowledged_is_there_and_never_half)
{
	int64_t number = 1;
	int moved = 0;

	world_make();
	KIT_OK(commit_one("sys", "grant set end observer on=net"));
	number_write(number);
	for (int i = 0; i < KILLS; i++) {
		int64_t acknowledged;
		int64_t found;

		kit_close();
		acknowledged = writer_kill(number, 500 + kit_random(8000));
		kit_open(STORE_WRITE);
		found = number_read();
		ck_assert_msg(found == acknowledged ||
				  found == acknowledged + 1,
		    "kill %d: %lld was acknowledged, %lld is there", i,
		    (long long)acknowledged, (long long)found);
		moved += found > number;
		number = found;
		if (i % KILLS_PER_LOOK == KILLS_PER_LOOK - 1)
			chain_check();
		arena_free(&kit.arena);
	}
	ck_assert_int_gt(moved, KILLS / 4);
}
END_TEST

static void
rights_tests(TCase *t)
{
	struct faults faults = { 0 };

	/* Thousands of commits: in memory where that is a folder. */
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	if (!catalogues_load(
		&catalogue_arena, STR("catalogs"), &both, &faults))
		abort();
	kit_tests(t);
	tcase_add_loop_test(t, m1_m16_sentences, 0, ROWS);
	tcase_add_test(t, p6_s7_s8_m7_one_of_two_stays);
	tcase_add_test(t, p8_no_right_outlives_its_role);
	tcase_add_test(t, d1_acknowledged_is_there_and_never_half);
}

UNIT_MAIN("rights", rights_tests)
