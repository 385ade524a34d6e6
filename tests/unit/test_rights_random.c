/* Random operations by random members on random trees of both catalogues,
 * against the slow model of rights_oracle.c: the same verdicts, the same end
 * state, and a history that is the difference of the states.
 *
 * ROLEGATE_SEED=N repeats a run. */
#include <stdio.h>
#include <time.h>

#include "admin_audit.h"
#include "admin_kit.h"
#include "rights_oracle.h"
#include "world.h"

#if defined(__SANITIZE_ADDRESS__)
#define ROUNDS 100
#else
#define ROUNDS 1000
#endif

enum { CHANGES_PER_ROUND = 100, PLACES_AT_FIRST = 14, GIFTS_AT_FIRST = 24 };

static struct arena catalogue_arena;
static struct catalogues both;
static struct matrix matrices[MATRICES];
static struct law laws[LAWS];
static struct model model;

static uint64_t dice;

static int
below(int n)
{
	dice = dice * UINT64_C(6364136223846793005) +
	       UINT64_C(1442695040888963407);
	return (int)((dice >> 33) % (uint64_t)n);
}

static bool
one_in(int n)
{
	return below(n) == 0;
}

/* --- A model -------------------------------------------------------------- */

static const char *const levels[] = { "network", "profile", "publisher" };
static const char *const statuses[] = { "active", "suspended", "archived",
	"closed" };

static int
catalogue_of_place(const struct place *p)
{
	const struct place *path[LEVELS_MAX];
	int count = path_up(&model.w, p->id, path);

	return same(path[count - 1]->catalogue, matrices[1].name);
}

static const char *
level_for(int catalogue)
{
	return catalogue == 0 ? "account" : levels[below(3)];
}

static void
place_invent(int at)
{
	struct place *p = &model.w.places[at];
	int catalogue;

	memset(p, 0, sizeof(*p));
	snprintf(p->id, sizeof(p->id), "p%02d", at);
	name_set(p->kind, "shared");
	model.w.place_count++;
	if (at < 3) {
		catalogue = at % 2;
		name_set(p->catalogue, matrices[catalogue].name);
		if (one_in(4))
			words_add(&p->licences, "gold");
		if (one_in(6))
			words_add(&p->licences, "iron");
	} else {
		name_set(p->parent,
		    model.w.places[one_in(3) ? at - 1 : below(at)].id);
		catalogue = catalogue_of_place(p);
	}
	name_set(p->level,
	    at < 3 && catalogue == 1 ? "network" : level_for(catalogue));
	name_set(p->status, one_in(12) ? statuses[1 + below(3)] : "active");
	if (at == 0 || one_in(3))
		name_set(p->owner, model.w.people[below(MEMBERS_MAX)].username);
	snprintf(model.place_names[at], WORD_MAX, "n%d", below(3));
}

/* The last: somebody's own. */
static void
personal_invent(void)
{
	struct place *p = &model.w.places[model.w.place_count++];

	memset(p, 0, sizeof(*p));
	name_set(p->id, "home");
	name_set(p->kind, "personal");
	name_set(p->level, "account");
	name_set(p->status, "active");
	name_set(p->catalogue, matrices[0].name);
	name_set(p->owner, model.w.people[below(MEMBERS_MAX)].username);
	name_set(model.place_names[model.w.place_count - 1], "mine");
}

static void
details_invent(struct gift *g)
{
	if (one_in(4))
		words_add(&g->licences, "gold");
	if (one_in(8))
		words_add(&g->licences, "iron");
	if (same(g->role, matrices[1].filtered) ? !one_in(4) : one_in(12))
		words_add(&g->filters, one_in(2) ? "site=1" : "site=2");
	if (one_in(6))
		g->expires = WORLD_NOW + below(3) - 1;
}

static const char *
role_for(const struct place *p)
{
	const struct matrix *m = &matrices[catalogue_of_place(p)];

	return one_in(4) ? m->top : m->roles.at[below(m->roles.count)];
}

static void
gift_invent(void)
{
	struct gift *g = &model.w.gifts[model.w.gift_count];
	const struct place *p = &model.w.places[below(PLACES_AT_FIRST)];

	memset(g, 0, sizeof(*g));
	g->to = below(MEMBERS_MAX);
	name_set(g->on, p->id);
	name_set(g->role,
	    one_in(2) ? matrices[catalogue_of_place(p)].top : role_for(p));
	name_set(g->source, one_in(5) ? "corp" : "local");
	details_invent(g);
	for (int i = 0; i < model.w.gift_count; i++)
		if (model.w.gifts[i].to == g->to &&
		    same(model.w.gifts[i].on, g->on) &&
		    same(model.w.gifts[i].source, g->source))
			return;
	model.w.gift_count++;
}

static void
model_invent(void)
{
	memset(&model, 0, sizeof(model));
	memcpy(model.w.matrices, matrices, sizeof(matrices));
	model.laws = laws;
	model.w.person_count = MEMBERS_MAX;
	for (int i = 0; i < MEMBERS_MAX; i++) {
		snprintf(model.w.people[i].username, WORD_MAX, "%s%d",
		    i % 2 == 0 ? "u" : "U", i);
		name_set(model.w.people[i].status,
		    one_in(9) ? "disabled" : "active");
		snprintf(model.person_names[i], WORD_MAX, "n%d", below(3));
		model.sourced[i] = one_in(5);
	}
	for (int i = 0; i < PLACES_AT_FIRST; i++)
		place_invent(i);
	personal_invent();
	for (int i = 0; i < GIFTS_AT_FIRST; i++)
		gift_invent();
}

/* --- The model as lines, and as a state to load --------------------------- */

static struct str
list_text(const char *key, const struct words *words)
{
	struct str text = STR("");

	for (int i = 0; i < words->count; i++)
		text = str_fmt(&kit.arena, "%.*s%s'%s'", STR_ARGS(text),
		    i > 0 ? "," : "", words->at[i]);
	return words->count == 0
		   ? text
		   : str_fmt(&kit.arena, ",'%s':[%.*s]", key, STR_ARGS(text));
}

static struct str
pair_text(const char *key, const char *value)
{
	return *value == '\0' ? STR("")
			      : str_fmt(&kit.arena, ",'%s':'%s'", key, value);
}

static void
people_write(FILE *out)
{
	for (int i = 0; i < model.w.person_count; i++) {
		fprintf(out,
		    "{'type':'member','username':'%s','name':'%s',"
		    "'status':'%s'",
		    model.w.people[i].username, model.person_names[i],
		    model.w.people[i].status);
		if (model.sourced[i])
			fprintf(out,
			    ",'identities':[{'source':'corp','id':'i%d'}]", i);
		fprintf(out, "}\n");
	}
}

static void
places_write(FILE *out)
{
	for (int i = 0; i < model.w.place_count; i++) {
		const struct place *p = &model.w.places[i];

		fprintf(out,
		    "{'type':'account','id':'%s','name':'%s','kind':'%s',"
		    "'level':'%s','status':'%s'%.*s%.*s%.*s%.*s}\n",
		    p->id, model.place_names[i], p->kind, p->level, p->status,
		    STR_ARGS(pair_text("parent", p->parent)),
		    STR_ARGS(pair_text("catalogue", p->catalogue)),
		    STR_ARGS(pair_text("owner", p->owner)),
		    STR_ARGS(list_text("licences", &p->licences)));
	}
}

static void
gifts_write(FILE *out)
{
	for (int i = 0; i < model.w.gift_count; i++) {
		const struct gift *g = &model.w.gifts[i];
		struct str when = STR("");

		if (g->expires != 0)
			when = str_fmt(&kit.arena, ",'expires':'%.*s'",
			    STR_ARGS(str_from_time(&kit.arena, g->expires)));
		fprintf(out,
		    "{'type':'grant','member':'%s','account':'%s',"
		    "'role':'%s','source':'%s'%.*s%.*s%.*s}\n",
		    model.w.people[g->to].username, g->on, g->role, g->source,
		    STR_ARGS(list_text("licences", &g->licences)),
		    STR_ARGS(list_text("filter", &g->filters)), STR_ARGS(when));
	}
}

static struct str
model_text(void)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct str copy;

	ck_assert_ptr_nonnull(out);
	people_write(out);
	places_write(out);
	gifts_write(out);
	fclose(out);
	copy = str_fmt(&kit.arena, "%s", text);
	free(text);
	return copy;
}

static void
model_load(void)
{
	struct state state = admin_state(model_text().ptr);
	struct load_counts counts;

	state.catalogues = both;
	KIT_OK(admin_begin(
	    &admin, kit.store, &both, &AS_SYSTEM, NOW_S * 1000, &kit.err));
	KIT_OK(admin_load(&admin, &state, &counts, &kit.err));
	admin_done();
}

/* --- The state as lines of one form -----------------------------------------
 */

static struct names
state_lines(const struct state *state)
{
	struct str *lines = ARENA_ARRAY(&kit.arena, struct str, 200);
	size_t count = 0;

	for (size_t i = 0; i < state->member_count; i++) {
		const struct member *m = &state->members[i];

		lines[count++] = str_fmt(&kit.arena, "%.*s %.*s %s %zu",
		    STR_ARGS(m->username), STR_ARGS(m->name),
		    member_status_word(m->status), m->identity_count);
		for (size_t j = 0; j < m->grant_count; j++) {
			const struct grant *g = &m->grants[j];
			struct str s = str_fmt(&kit.arena,
			    "%.*s has %.*s on %.*s from %.*s until %lld:",
			    STR_ARGS(m->username), STR_ARGS(g->role),
			    STR_ARGS(g->account), STR_ARGS(g->source),
			    (long long)g->expires_s);

			for (size_t k = 0; k < g->licences.count; k++)
				s = str_fmt(&kit.arena, "%.*s %.*s",
				    STR_ARGS(s),
				    STR_ARGS(g->licences.items[k]));
			for (size_t k = 0; k < g->filters.count; k++)
				s = str_fmt(&kit.arena, "%.*s where %.*s",
				    STR_ARGS(s), STR_ARGS(g->filters.items[k]));
			lines[count++] = s;
		}
	}
	for (size_t i = 0; i < state->account_count; i++) {
		const struct account *a = &state->accounts[i];

		lines[count++] = str_fmt(&kit.arena,
		    "%.*s '%.*s' below '%.*s' %s %.*s %s owner '%.*s' %zu %.*s",
		    STR_ARGS(a->id), STR_ARGS(a->name), STR_ARGS(a->parent_id),
		    account_kind_word(a->kind), STR_ARGS(a->level),
		    account_status_word(a->status), STR_ARGS(a->owner),
		    a->licences.count, STR_ARGS(a->catalogue));
	}
	ck_assert_uint_lt(count, 200);
	return (struct names){ lines, count };
}

static void
states_same(const char *says)
{
	const struct state wanted = admin_state(model_text().ptr);
	struct state got = { 0 };

	KIT_OK(store_state(kit.store, &kit.arena, &got, &kit.err));
	lines_same(state_lines(&got), state_lines(&wanted), says);
}

/* --- Changes -------------------------------------------------------------- */

static const char *
somebody(void)
{
	return model.w.people[below(MEMBERS_MAX)].username;
}

static const char *
somewhere(void)
{
	return one_in(40) ? "nowhere"
			  : model.w.places[below(model.w.place_count)].id;
}

/* About somebody who is there, mostly. */
static void
row_choose(struct change *c)
{
	const struct gift *g;

	if (model.w.gift_count == 0 || one_in(8))
		return;
	g = &model.w.gifts[below(model.w.gift_count)];
	name_set(c->whom, model.w.people[g->to].username);
	name_set(c->on, g->on);
	name_set(c->gift.role, g->role);
	name_set(c->gift.source, g->source);
}

static void
grant_choose(struct change *c)
{
	const struct place *on;

	if (c->kind != CHANGE_GRANT_ADD)
		row_choose(c);
	on = place_named(&model.w, c->on);
	if (c->kind == CHANGE_GRANT_REMOVE) {
		if (same(c->gift.source, ""))
			name_set(c->gift.source, "local");
		return;
	}
	name_set(c->gift.source, "local");
	name_set(
	    c->gift.role, on == NULL || one_in(50) ? "king" : role_for(on));
	details_invent(&c->gift);
}

static void
change_choose(struct change *c)
{
	memset(c, 0, sizeof(*c));
	c->kind = (enum change_kind)below(one_in(2) ? 3 : CHANGES);
	name_set(c->who, somebody());
	name_set(c->whom, somebody());
	name_set(c->on, somewhere());
	name_set(c->parent, somewhere());
	name_set(c->level, level_for(below(2)));
	snprintf(c->word, sizeof(c->word), "n%d", below(3));
	if (c->kind == CHANGE_ACCOUNT_STATUS)
		name_set(c->word, one_in(3) ? statuses[below(4)] : "active");
	if (c->kind == CHANGE_MEMBER_STATUS)
		name_set(c->word, one_in(2) ? "active" : "disabled");
	if (c->kind <= CHANGE_GRANT_REMOVE)
		grant_choose(c);
	if (c->kind == CHANGE_ACCOUNT_OWNER && one_in(2))
		row_choose(c);
	if (c->kind == CHANGE_ACCOUNT_OWNER && one_in(2) &&
	    place_named(&model.w, c->on) != NULL &&
	    !same(place_named(&model.w, c->on)->owner, ""))
		name_set(c->who, place_named(&model.w, c->on)->owner);
	if (c->kind == CHANGE_ACCOUNT_MOVE && one_in(2)) {
		/* Within reach of who is at the top of the one to move. */
		row_choose(c);
		name_set(c->who, c->whom);
		name_set(c->parent, c->on);
		name_set(c->on, somewhere());
	}
}

static bool
there_is_room(const struct change *c)
{
	return c->kind == CHANGE_GRANT_ADD
		   ? model.w.gift_count < GRANTS_MAX - 1
		   : c->kind != CHANGE_ACCOUNT_ADD ||
			 model.w.place_count < ACCOUNTS_MAX - 1;
}

static struct names
names_from(const struct words *words)
{
	struct str *items = ARENA_ARRAY(&kit.arena, struct str, WORDS_MAX);

	for (int i = 0; i < words->count; i++)
		items[i] = str_from(words->at[i]);
	return (struct names){ items, (size_t)words->count };
}

static bool
grant_do(const struct change *c)
{
	const struct grant g = {
		.account = str_from(c->on),
		.role = str_from(c->gift.role),
		.source = str_from(c->gift.source),
		.licences = names_from(&c->gift.licences),
		.filters = names_from(&c->gift.filters),
		.expires_s = c->gift.expires,
	};

	if (c->kind == CHANGE_GRANT_ADD)
		return admin_grant_add(&admin, str_from(c->whom), &g, &kit.err);
	if (c->kind == CHANGE_GRANT_SET)
		return admin_grant_set(&admin, str_from(c->whom), &g, &kit.err);
	return admin_grant_remove(
	    &admin, str_from(c->whom), g.account, g.role, g.source, &kit.err);
}

static bool
account_do(const struct change *c)
{
	const struct account *have = NULL;
	struct account a = { .id = str_from(c->on) };
	const struct account made = {
		.parent_id = str_from(c->parent),
		.name = str_from(c->word),
		.kind = ACCOUNT_SHARED,
		.level = str_from(c->level),
		.status = ACCOUNT_ACTIVE,
	};

	if (c->kind == CHANGE_ACCOUNT_ADD)
		return admin_account_add(&admin, &made, &kit.err);
	if (c->kind == CHANGE_ACCOUNT_REMOVE)
		return admin_account_remove(&admin, a.id, &kit.err);
	if (c->kind == CHANGE_ACCOUNT_MOVE)
		return admin_account_move(
		    &admin, a.id, str_from(c->parent), &kit.err);
	if (store_account(kit.store, &kit.arena, a.id, &have, &kit.err) ==
	    FOUND_YES)
		a = *have;
	if (c->kind == CHANGE_ACCOUNT_RENAME)
		a.name = str_from(c->word);
	else if (c->kind == CHANGE_ACCOUNT_OWNER)
		a.owner = str_from(c->whom);
	else
		a.status = account_status_from(str_from(c->word));
	return admin_account_edit(&admin, &a, &kit.err);
}

static bool
member_do(const struct change *c)
{
	struct member m = { 0 };

	KIT_OK(store_member(kit.store, &kit.arena, str_from(c->whom), &m,
		   &kit.err) == FOUND_YES);
	if (c->kind == CHANGE_MEMBER_NAME)
		m.name = str_from(c->word);
	else
		m.status = member_status_from(str_from(c->word));
	return admin_member_edit(&admin, m.username, &m, &kit.err);
}

static bool
change_do(const struct change *c)
{
	kit.err = (struct err){ 0 };
	admin.actor = (struct actor){
		.kind = ACTOR_MEMBER,
		.username = str_from(c->who),
	};
	if (c->kind <= CHANGE_GRANT_REMOVE)
		return grant_do(c);
	if (c->kind <= CHANGE_ACCOUNT_MOVE)
		return account_do(c);
	return member_do(c);
}

/* --- One round ------------------------------------------------------------ */

static long made[CHANGES];
static long refused[CHANGES];
static long unseen[CHANGES];

/* To somebody who may do nothing at all it is the same. */
static bool
asks_in_vain(const struct change *c)
{
	int who = person_named(&model.w, c->who);

	return !same(model.w.people[who].status, "active");
}

static void
change_compare(const struct change *c)
{
	enum ruling want = rights_judge(&model, c);
	bool ok = change_do(c);
	enum ruling got = ok				  ? RULING_YES
			  : kit.err.kind == ERR_NOT_FOUND ? RULING_NOT_FOUND
							  : RULING_REFUSED;

	ck_assert_msg(
	    ok || kit.err.kind == ERR_NOT_FOUND || kit.err.kind == ERR_REFUSED,
	    "%s", kit.err.text);
	if (asks_in_vain(c) && got == RULING_NOT_FOUND)
		got = RULING_REFUSED;
	if (got != want)
		fprintf(stderr, "%s", model_text().ptr);
	ck_assert_msg(got == want,
	    "change %d by %s about %s on %s (parent %s, role %s from %s, "
	    "word %s): is %d, wanted %d: %s",
	    (int)c->kind, c->who, c->whom, c->on, c->parent, c->gift.role,
	    c->gift.source, c->word, (int)got, (int)want, kit.err.text);
	made[c->kind] += want == RULING_YES;
	refused[c->kind] += want == RULING_REFUSED;
	unseen[c->kind] += want == RULING_NOT_FOUND;
	if (ok) {
		char id[WORD_MAX];

		snprintf(id, sizeof(id), "%.*s", STR_ARGS(admin.made_account));
		rights_make(&model, c, id);
	}
}

static void
round_run(void)
{
	struct names before;
	int64_t since;

	model_invent();
	model_load();
	before = admin_lines();
	since = admin_generation();
	KIT_OK(admin_begin(
	    &admin, kit.store, &both, &AS_SYSTEM, NOW_S * 1000, &kit.err));
	for (int i = 0; i < CHANGES_PER_ROUND;) {
		struct change c;

		change_choose(&c);
		if (!there_is_room(&c))
			continue;
		change_compare(&c);
		i++;
	}
	admin_done();
	states_same("P4 P5: the end state");
	history_replays(before, since, "P9: the history");
}

/* The shipped catalogues; and two whose roles all may do everything, so that
 * nothing but `may_give` says who may give what. */
static const struct {
	const char *folder;
	int rounds;
} worlds[] = {
	{ "catalogs", ROUNDS },
	{ "tests/unit/roles", ROUNDS / 4 },
};

START_TEST(p4_p5_p9_m1_m16_random_changes)
{
	struct faults faults = { 0 };
	const char *seed = getenv("ROLEGATE_SEED");
	const char *folder = worlds[_i].folder;
	int rounds = worlds[_i].rounds;

	dice = seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
	printf("ROLEGATE_SEED=%llu\n", (unsigned long long)dice);
	fflush(stdout);
	matrices_read_from(matrices, folder);
	laws_read_from(laws, folder);
	ck_assert(catalogues_load(
	    &catalogue_arena, str_from(folder), &both, &faults));
	for (int i = 0; i < rounds; i++) {
		round_run();
		arena_free(&kit.arena);
	}
	for (int i = 0; i < CHANGES; i++) {
		printf("kind %2d: %6ld made, %6ld refused, %6ld not found\n", i,
		    made[i], refused[i], unseen[i]);
		ck_assert_msg(made[i] > rounds / 100, "kind %d: too few", i);
		ck_assert_msg(refused[i] > rounds / 100, "kind %d: too few", i);
	}
}
END_TEST

static void
random_tests(TCase *t)
{
	kit_tests(t);
	tcase_add_loop_test(t, p4_p5_p9_m1_m16_random_changes, 0,
	    sizeof(worlds) / sizeof(worlds[0]));
}

UNIT_MAIN("rights_random", random_tests)
