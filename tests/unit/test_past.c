/* The state as it was at a moment: sentences, and after each of many random
 * changes the same lines as the export of that moment had. */
#include <string.h>

#include "admin_kit.h"
#include "model/state_json.h"
#include "store/past.h"
#include "unit.h"

#define ROUNDS 400

static int64_t now_ms;

/* Every change has a millisecond of its own. */
static void
begin(void)
{
	now_ms += 10;
	KIT_OK(admin_begin(&admin, kit.store, &admin_catalogues, &AS_SYSTEM,
	    now_ms, &kit.err));
}

static bool
make(const char *change)
{
	bool ok;

	begin();
	ok = admin_do(change);
	if (ok)
		KIT_OK(admin_commit(&admin, &kit.err));
	else {
		admin_abort(&admin);
		kit.err = (struct err){ 0 };
	}
	return ok;
}

static const char *
text_of(const struct state *state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct str kept;

	ck_assert_ptr_nonnull(out);
	KIT_OK(state_write_json(state, out, &kit.err));
	fclose(out);
	kept = str_copy(&kit.arena, (struct str){ text, len });
	free(text);
	return kept.ptr;
}

static const char *
present(void)
{
	struct arena arena = { 0 };
	struct state state = { 0 };
	const char *text;

	KIT_OK(store_state(kit.store, &arena, &state, &kit.err));
	text = text_of(&state);
	arena_free(&arena);
	return text;
}

static const char *
past(int64_t at_ms)
{
	struct arena arena = { 0 };
	struct past past = { .catalogue_count = 0 };
	const char *text;

	KIT_OK(store_state_at(kit.store, &arena, at_ms, &past, &kit.err));
	past_catalogues_set(&past, &admin_catalogues);
	text = text_of(&past.state);
	arena_free(&arena);
	return text;
}

static void
load(const char *text)
{
	struct state state = admin_state(text);
	struct load_counts counts;

	begin();
	KIT_OK(admin_load(&admin, &state, &counts, &kit.err));
	KIT_OK(admin_commit(&admin, &kit.err));
}

static void
world(void)
{
	now_ms = NOW_S * 1000;
	load("{'type':'member','username':'ann','status':'active'}\n"
	     "{'type':'member','username':'bob','email':'bob@example.org',"
	     "'status':'active'}\n"
	     "{'type':'member','username':'eve','status':'active',"
	     "'identities':[{'source':'corp','id':'7'}]}\n"
	     "{'type':'account','id':'business','kind':'shared',"
	     "'level':'account','catalogue':'plain','status':'active',"
	     "'owner':'ann'}\n"
	     "{'type':'account','id':'home','kind':'personal',"
	     "'level':'account','catalogue':'plain','status':'active',"
	     "'owner':'bob'}\n"
	     "{'type':'account','id':'sales','parent':'business',"
	     "'kind':'shared','level':'account','status':'active',"
	     "'owner':'bob'}\n"
	     "{'type':'grant','member':'bob','account':'sales',"
	     "'role':'viewer','source':'local'}\n"
	     "{'type':'grant','member':'eve','account':'sales',"
	     "'role':'viewer','source':'corp'}\n");
}

/* They may be long: only the place where they part is shown. */
static void
same(const char *got, const char *want, const char *says)
{
	size_t at = 0;

	while (got[at] != '\0' && got[at] == want[at])
		at++;
	while (at > 0 && got[at - 1] != '\n')
		at--;
	ck_assert_msg(strcmp(got, want) == 0, "%s:\n%.300s\nwanted\n%.300s",
	    says, got + at, want + at);
}

/* --- Sentences ------------------------------------------------------------ */

/* clang-format off */
static const struct {
	const char *says;
	const char *change;
	const char *gone; /* stands in the past, and in the present no more */
} rows[] = {
	{ "a grant that was removed",         "grant remove bob viewer on=sales",          "\"member\":\"bob\",\"account\":\"sales\"" },
	{ "a role that was another",          "grant set bob editor on=sales",             "\"member\":\"bob\",\"account\":\"sales\",\"role\":\"viewer\"" },
	{ "a member who was removed",         "member remove bob",                         "\"username\":\"bob\"" },
	{ "a member who was renamed",         "member edit bob username=robert",           "\"username\":\"bob\"" },
	{ "a member who was active",          "member edit bob status=disabled",           "\"email\":\"bob@example.org\",\"status\":\"active\"" },
	{ "an account that was removed",      "account remove sales",                      "\"id\":\"sales\"" },
	{ "an account that was handed over",  "account edit sales owner=eve",              "\"status\":\"active\",\"owner\":\"bob\"}\n{\"type\":\"grant" },
};
/* clang-format on */

START_TEST(what_was_is_known_and_what_is_is_not_changed)
{
	const char *says = rows[_i].says;
	const char *before;
	const char *now;
	int64_t at_ms;

	world();
	before = present();
	ck_assert_msg(strstr(before, rows[_i].gone) != NULL, "%s", says);
	at_ms = now_ms;
	ck_assert_msg(make(rows[_i].change), "%s", says);
	now = present();
	ck_assert_msg(strstr(now, rows[_i].gone) == NULL, "%s", says);
	same(past(at_ms), before, says);
	same(past(now_ms), now, says);
	/* That very millisecond has happened; the one before has not. */
	same(past(now_ms - 1), before, says);
}
END_TEST

START_TEST(before_everything_there_was_nothing)
{
	world();
	same(past(1), "", "nothing");
}
END_TEST

START_TEST(what_was_forgotten_is_refused_and_the_rest_is_not)
{
	struct arena arena = { 0 };
	struct past out = { .catalogue_count = 0 };
	int64_t forgotten = 0;
	int64_t kept_ms;
	const char *kept;

	world();
	ck_assert(make("member add tim"));
	now_ms += 100000;
	ck_assert(make("member add tom"));
	kept = present();
	kept_ms = now_ms;
	ck_assert(make("member remove tom"));
	begin();
	KIT_OK(store_set_published(kit.store, admin_generation(), &kit.err));
	KIT_OK(
	    admin_history_prune(&admin, kept_ms - 50000, &forgotten, &kit.err));
	KIT_OK(admin_commit(&admin, &kit.err));
	ck_assert_int_gt(forgotten, 0);
	same(past(kept_ms), kept, "kept");
	ck_assert(!store_state_at(
	    kit.store, &arena, kept_ms - 60000, &out, &kit.err));
	ck_assert_str_eq(kit.err.code, "past_pruned");
	arena_free(&arena);
}
END_TEST

START_TEST(a_load_is_undone_whole)
{
	static const char other[] =
	    "{'type':'member','username':'new','status':'active'}\n"
	    "{'type':'member','username':'bob','status':'disabled'}\n"
	    "{'type':'account','id':'one','kind':'shared','level':'account',"
	    "'catalogue':'plain','status':'active','owner':'new'}\n"
	    "{'type':'grant','member':'bob','account':'one','role':'viewer',"
	    "'source':'local'}\n";
	const char *before;
	int64_t at_ms;

	world();
	before = present();
	at_ms = now_ms;
	load(other);
	ck_assert(strcmp(present(), before) != 0);
	same(past(at_ms), before, "a load");
}
END_TEST

/* --- Catalogues ----------------------------------------------------------- */

START_TEST(a_catalogue_that_was_another_has_its_text_of_then)
{
	const struct catalogues *all = &admin_catalogues;
	const struct catalogues fewer = { all->items, all->count - 1 };
	struct arena arena = { 0 };
	struct past out = { .catalogue_count = 0 };
	int64_t at_ms;

	world();
	at_ms = now_ms;
	now_ms += 10;
	KIT_OK(admin_begin(
	    &admin, kit.store, &fewer, &AS_SYSTEM, now_ms, &kit.err));
	KIT_OK(admin_commit(&admin, &kit.err));
	KIT_OK(store_state_at(kit.store, &arena, now_ms, &out, &kit.err));
	ck_assert_uint_eq(out.catalogue_count, all->count - 1);
	KIT_OK(store_state_at(kit.store, &arena, at_ms, &out, &kit.err));
	ck_assert_uint_eq(out.catalogue_count, all->count);
	for (size_t i = 0; i < out.catalogue_count; i++) {
		ck_assert(str_eq(out.catalogues[i].name, all->items[i]->name));
		ck_assert_uint_gt(out.catalogues[i].text.len, 20);
	}
	kit_sql("DELETE FROM catalogue_texts");
	ck_assert(!store_state_at(kit.store, &arena, at_ms, &out, &kit.err));
	ck_assert_str_eq(kit.err.code, "past_catalogue");
	arena_free(&arena);
}
END_TEST

/* --- At random ------------------------------------------------------------ */

static uint32_t seed = 1;

static unsigned
pick(unsigned count)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % count;
}

static const char *const who[] = { "ann", "bob", "eve", "m1", "m2", "m3" };
static const char *const where[] = { "business", "sales", "a1", "a2", "a3" };
static const char *const roles[] = { "viewer", "editor", "top" };
#define ANY(list) list[pick(sizeof(list) / sizeof((list)[0]))]

static void
change_random(char *out, size_t size)
{
	switch (pick(11)) {
	case 0:
		snprintf(out, size, "member add %s", ANY(who));
		break;
	case 1:
		snprintf(out, size, "member remove %s", ANY(who));
		break;
	case 2:
		snprintf(out, size, "member edit %s username=%s", ANY(who),
		    ANY(who));
		break;
	case 3:
		snprintf(out, size, "member edit %s status=%s", ANY(who),
		    pick(2) == 0 ? "disabled" : "active");
		break;
	case 4:
		snprintf(out, size, "account add %s parent=%s owner=%s",
		    ANY(where), ANY(where), ANY(who));
		break;
	case 5:
		snprintf(out, size, "account remove %s", ANY(where));
		break;
	case 6:
		snprintf(out, size, "account edit %s name=n%u owner=%s",
		    ANY(where), pick(100), ANY(who));
		break;
	case 7:
		snprintf(out, size, "account move %s parent=%s", ANY(where),
		    ANY(where));
		break;
	case 8:
		snprintf(out, size, "grant remove %s %s on=%s", ANY(who),
		    ANY(roles), ANY(where));
		break;
	case 9:
		snprintf(out, size, "grant set %s %s on=%s expires=%u",
		    ANY(who), ANY(roles), ANY(where), 1900000000 + pick(1000));
		break;
	default:
		snprintf(out, size, "grant add %s %s on=%s", ANY(who),
		    ANY(roles), ANY(where));
		break;
	}
}

START_TEST(after_each_of_many_changes_the_past_is_what_it_was)
{
	const char *was[ROUNDS];
	int64_t at_ms[ROUNDS];
	char change[256];
	size_t made = 0;

	world();
	for (int i = 0; i < ROUNDS; i++) {
		change_random(change, sizeof(change));
		made += make(change) ? 1 : 0;
		was[i] = present();
		at_ms[i] = now_ms;
	}
	ck_assert_msg(made > ROUNDS / 8, "only %zu were made", made);
	for (int i = 0; i < ROUNDS; i++) {
		const char *then = past(at_ms[i]);

		same(then, was[i], "a round");
	}
}
END_TEST

static void
tests(TCase *t)
{
	kit_tests(t);
	tcase_add_loop_test(t, what_was_is_known_and_what_is_is_not_changed, 0,
	    sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(t, before_everything_there_was_nothing);
	tcase_add_test(t, what_was_forgotten_is_refused_and_the_rest_is_not);
	tcase_add_test(t, a_load_is_undone_whole);
	tcase_add_test(t, a_catalogue_that_was_another_has_its_text_of_then);
	tcase_add_test(t, after_each_of_many_changes_the_past_is_what_it_was);
}

UNIT_MAIN("past", tests)
