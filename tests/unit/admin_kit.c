#include "admin_kit.h"

#include <stdio.h>

#include "model/state_json.h"

/* --- Catalogues ----------------------------------------------------------- */

#define TEXT(literal)                        \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static const struct role plain_roles[] = {
	{ .name = TEXT("viewer") },
	{ .name = TEXT("editor") },
	{ .name = TEXT("scoped"),
	    .filtered = true,
	    .filtered_level = TEXT("account") },
	{ .name = TEXT("top"), .may_give = 15 },
};
static const struct permission plain_permissions[] = {
	{ .name = TEXT("things.edit"), .roles = 10 },
	{ .name = TEXT("things.view"), .roles = 15 },
};
static const struct catalogue plain = {
	.name = TEXT("plain"),
	.roles = plain_roles,
	.role_count = 4,
	.permissions = plain_permissions,
	.permission_count = 2,
	.top = 3,
};

static const struct role tiers_roles[] = {
	{ .name = TEXT("viewer") },
	{ .name = TEXT("scoped"),
	    .filtered = true,
	    .filtered_level = TEXT("network") },
	{ .name = TEXT("boss"), .may_give = 7 },
};
static const struct permission tiers_permissions[] = {
	{ .name = TEXT("nets.edit"), .level = TEXT("network"), .roles = 4 },
	{ .name = TEXT("nets.view"), .roles = 7 },
};
static const struct catalogue tiers = {
	.name = TEXT("tiers"),
	.roles = tiers_roles,
	.role_count = 3,
	.permissions = tiers_permissions,
	.permission_count = 2,
	.top = 2,
};
static const struct permission other_permissions[] = {
	{ .name = TEXT("nets.view"), .level = TEXT("network"), .roles = 1 },
};
static const struct catalogue other = {
	.name = TEXT("other"),
	.roles = tiers_roles,
	.role_count = 1,
	.permissions = other_permissions,
	.permission_count = 1,
	.top = -1,
};

static const struct catalogue *const items[] = { &other, &plain, &tiers };
const struct catalogues admin_catalogues = { items, 3 };

/* --- Who asks ------------------------------------------------------------- */

static const struct str ceiling[] = { TEXT("viewer"), TEXT("editor"),
	TEXT("top"), TEXT("scoped") };
const struct actor AS_SYSTEM = { .kind = ACTOR_SYSTEM, .why = TEXT("a test") };
const struct actor AS_CORP = { .kind = ACTOR_SOURCE,
	.source = TEXT("corp"),
	.ceiling = { ceiling, 4 },
	.why = TEXT("sync plan 1") };

/* --- The world ------------------------------------------------------------ */

/* clang-format off */
static const char *const world_lines[] = {
	"{'type':'member','username':'Ann','email':'ann@example.org'}",
	"{'type':'member','username':'bob'}",
	"{'type':'member','username':'cid','status':'disabled'}",
	"{'type':'member','username':'dan'}",
	"{'type':'member','username':'eve','identities':[{'source':'corp','id':'e1'}]}",
	"{'type':'member','username':'fay','identities':[{'source':'corp','id':'f1'},{'source':'other','id':'f2'}]}",
	"{'type':'member','username':'gil','identities':[{'source':'corp','id':'g1'}]}",
	"{'type':'member','username':'hal'}",
	"{'type':'member','username':'ivy','identities':[{'source':'corp','id':'i1'}]}",
	"{'type':'member','username':'kim'}",
	"{'type':'member','username':'zoe','status':'invited'}",
	/* A tree with an owner. */
	"{'type':'account','id':'root','catalogue':'plain','owner':'Ann','licences':['gold']}",
	"{'type':'account','id':'sales','parent':'root'}",
	"{'type':'account','id':'team','parent':'sales'}",
	/* Who is at the top. */
	"{'type':'account','id':'bare','catalogue':'plain'}",
	"{'type':'account','id':'both','catalogue':'plain'}",
	"{'type':'account','id':'lone','catalogue':'plain'}",
	"{'type':'account','id':'mark','catalogue':'plain','owner':'dan'}",
	"{'type':'account','id':'part','catalogue':'plain'}",
	"{'type':'account','id':'past','catalogue':'plain'}",
	"{'type':'account','id':'shared','catalogue':'plain','owner':'cid'}",
	"{'type':'account','id':'synced','catalogue':'plain'}",
	"{'type':'account','id':'up','catalogue':'plain'}",
	"{'type':'account','id':'up-low','parent':'up'}",
	/* What takes no change. */
	"{'type':'account','id':'asleep','catalogue':'plain','status':'suspended','owner':'Ann'}",
	"{'type':'account','id':'asleep-low','parent':'asleep'}",
	"{'type':'account','id':'kept','catalogue':'plain','status':'archived','owner':'Ann'}",
	"{'type':'account','id':'shut','catalogue':'plain','status':'closed'}",
	"{'type':'account','id':'shut-low','parent':'shut','status':'suspended'}",
	/* Levels. */
	"{'type':'account','id':'net','catalogue':'tiers','level':'network','owner':'dan'}",
	"{'type':'account','id':'p1','parent':'net','level':'profile'}",
	/* 16 levels. */
	"{'type':'account','id':'d01','catalogue':'plain'}",
	"{'type':'account','id':'d02','parent':'d01'}",
	"{'type':'account','id':'d03','parent':'d02'}",
	"{'type':'account','id':'d04','parent':'d03'}",
	"{'type':'account','id':'d05','parent':'d04'}",
	"{'type':'account','id':'d06','parent':'d05'}",
	"{'type':'account','id':'d07','parent':'d06'}",
	"{'type':'account','id':'d08','parent':'d07'}",
	"{'type':'account','id':'d09','parent':'d08'}",
	"{'type':'account','id':'d10','parent':'d09'}",
	"{'type':'account','id':'d11','parent':'d10'}",
	"{'type':'account','id':'d12','parent':'d11'}",
	"{'type':'account','id':'d13','parent':'d12'}",
	"{'type':'account','id':'d14','parent':'d13'}",
	"{'type':'account','id':'d15','parent':'d14'}",
	"{'type':'account','id':'d16','parent':'d15'}",
	/* Personal. */
	"{'type':'account','id':'home','kind':'personal','catalogue':'plain','owner':'Ann'}",
	"{'type':'grant','member':'bob','account':'asleep','role':'viewer'}",
	"{'type':'grant','member':'bob','account':'both','role':'top'}",
	"{'type':'grant','member':'bob','account':'lone','role':'top'}",
	"{'type':'grant','member':'bob','account':'mark','role':'top'}",
	"{'type':'grant','member':'bob','account':'sales','role':'viewer','licences':['gold']}",
	"{'type':'grant','member':'bob','account':'up-low','role':'top'}",
	"{'type':'grant','member':'cid','account':'past','role':'top'}",
	"{'type':'grant','member':'dan','account':'both','role':'top'}",
	"{'type':'grant','member':'dan','account':'past','role':'top','expires':'2020-01-01T00:00:00Z'}",
	"{'type':'grant','member':'dan','account':'up','role':'top'}",
	"{'type':'grant','member':'eve','account':'part','role':'top','filter':['a'],'source':'corp'}",
	"{'type':'grant','member':'eve','account':'sales','role':'viewer','source':'corp'}",
	"{'type':'grant','member':'eve','account':'synced','role':'top','source':'corp'}",
	"{'type':'grant','member':'gil','account':'sales','role':'viewer'}",
	"{'type':'grant','member':'hal','account':'part','role':'top'}",
	"{'type':'grant','member':'hal','account':'past','role':'top'}",
	"{'type':'grant','member':'hal','account':'root','role':'viewer','expires':'2020-01-01T00:00:00Z'}",
	"{'type':'grant','member':'hal','account':'shared','role':'top'}",
	"{'type':'grant','member':'ivy','account':'sales','role':'editor','source':'corp'}",
	"{'type':'grant','member':'ivy','account':'sales','role':'viewer','source':'corp'}",
	"{'type':'grant','member':'kim','account':'shut','role':'top'}",
	NULL,
};
/* clang-format on */

struct admin admin;

struct state
admin_state(const char *text)
{
	struct str copy = str_fmt(&kit.arena, "%s", text);
	char *bytes = (char *)(uintptr_t)copy.ptr; /* ours, in the arena */
	struct faults faults = { 0 };
	struct state state = { .catalogues = admin_catalogues };
	FILE *in;

	for (size_t i = 0; i < copy.len; i++)
		if (bytes[i] == '\'')
			bytes[i] = '"';
	in = fmemopen(bytes, copy.len, "r");
	ck_assert_ptr_nonnull(in);
	if (!state_read_json(
		&state, &kit.arena, in, STR("the test's state"), &faults))
		faults_print(&faults, stderr);
	ck_assert_uint_eq(faults.count, 0);
	fclose(in);
	faults_free(&faults);
	return state;
}

struct state
admin_world_state(void)
{
	struct str text = STR("");

	for (size_t i = 0; world_lines[i] != NULL; i++)
		text = str_fmt(
		    &kit.arena, "%.*s%s\n", STR_ARGS(text), world_lines[i]);
	return admin_state(text.ptr);
}

void
admin_world(void)
{
	struct state state = admin_world_state();
	struct load_counts counts;

	admin_start(&AS_SYSTEM);
	KIT_OK(admin_load(&admin, &state, &counts, &kit.err));
	admin_done();
}

void
admin_start(const struct actor *actor)
{
	KIT_OK(admin_begin(&admin, kit.store, &admin_catalogues, actor,
	    NOW_S * 1000 + 7, &kit.err));
}

void
admin_done(void)
{
	KIT_OK(admin_commit(&admin, &kit.err));
}

/* --- Changes as words ----------------------------------------------------- */

struct words {
	struct str word[4];
	size_t count;
	struct str options; /* key=value, with blanks between */
};

static struct words
words_read(const char *line)
{
	struct str rest = str_from(line);
	struct words w = { .count = 0 };
	struct str word;

	w.options = STR("");
	for (const char *start = line; str_next(&rest, ' ', &word);
	     start = rest.ptr) {
		if (memchr(word.ptr, '=', word.len) != NULL) {
			w.options = str_from(start);
			break;
		}
		ck_assert_uint_lt(w.count, 4);
		w.word[w.count++] = word;
	}
	return w;
}

/* ptr NULL when it is not there. */
static struct str
option(const struct words *w, const char *key)
{
	struct str rest = w->options;
	struct str word;
	struct str name;

	while (rest.len > 0 && str_next(&rest, ' ', &word)) {
		str_next(&word, '=', &name);
		if (str_eq(name, str_from(key)))
			return word;
	}
	return (struct str){ NULL, 0 };
}

static void
option_into(const struct words *w, const char *key, struct str *into)
{
	struct str value = option(w, key);

	if (value.ptr != NULL)
		*into = value;
}

static void
option_list(const struct words *w, const char *key, struct names *into)
{
	struct str value = option(w, key);
	struct str *list = ARENA_ARRAY(&kit.arena, struct str, value.len + 1);
	size_t count = 0;
	struct str one;

	if (value.ptr == NULL)
		return;
	while (value.len > 0 && str_next(&value, ',', &one))
		list[count++] = one;
	*into = (struct names){ list, count };
}

static bool
do_member_add(const struct words *w)
{
	struct member m = { .username = w->word[2], .status = MEMBER_ACTIVE };

	option_into(w, "email", &m.email);
	option_into(w, "name", &m.name);
	if (option(w, "status").ptr != NULL)
		m.status = member_status_from(option(w, "status"));
	return admin_member_add(&admin, &m, NULL, &kit.err);
}

static bool
do_member_edit(const struct words *w)
{
	struct member m = { 0 };

	if (store_member(kit.store, &kit.arena, w->word[2], &m, &kit.err) ==
	    FOUND_ERROR)
		return false;
	option_into(w, "username", &m.username);
	option_into(w, "email", &m.email);
	option_into(w, "name", &m.name);
	if (option(w, "status").ptr != NULL)
		m.status = member_status_from(option(w, "status"));
	return admin_member_edit(&admin, w->word[2], &m, &kit.err);
}

static bool
do_member_remove(const struct words *w)
{
	return admin_member_remove(&admin, w->word[2], &kit.err);
}

static bool
do_identity_add(const struct words *w)
{
	const struct identity identity = { option(w, "source"),
		option(w, "id") };

	return admin_identity_add(&admin, w->word[2], &identity, &kit.err);
}

static void
account_options(const struct words *w, struct account *a)
{
	option_into(w, "parent", &a->parent_id);
	option_into(w, "name", &a->name);
	option_into(w, "level", &a->level);
	option_into(w, "catalogue", &a->catalogue);
	option_into(w, "owner", &a->owner);
	option_list(w, "licences", &a->licences);
	if (option(w, "kind").ptr != NULL)
		a->kind = account_kind_from(option(w, "kind"));
	if (option(w, "status").ptr != NULL)
		a->status = account_status_from(option(w, "status"));
}

static bool
do_account_add(const struct words *w)
{
	struct account a = { .id = w->word[2],
		.kind = ACCOUNT_SHARED,
		.level = LEVEL_ACCOUNT,
		.status = ACCOUNT_ACTIVE };

	account_options(w, &a);
	return admin_account_add(&admin, &a, &kit.err);
}

static bool
do_account_edit(const struct words *w)
{
	const struct account *have = NULL;
	struct account a = { .id = w->word[2] };

	switch (
	    store_account(kit.store, &kit.arena, w->word[2], &have, &kit.err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		break;
	case FOUND_YES:
		a = *have;
	}
	account_options(w, &a);
	return admin_account_edit(&admin, &a, &kit.err);
}

static bool
do_account_remove(const struct words *w)
{
	return admin_account_remove(&admin, w->word[2], &kit.err);
}

static bool
do_account_move(const struct words *w)
{
	return admin_account_move(
	    &admin, w->word[2], option(w, "parent"), &kit.err);
}

static struct grant
grant_of(const struct words *w)
{
	struct str expires = option(w, "expires");
	struct grant g = { .role = w->word[3],
		.account = option(w, "on"),
		.source = admin.actor.kind == ACTOR_SOURCE ? admin.actor.source
							   : SOURCE_LOCAL };

	option_into(w, "source", &g.source);
	option_list(w, "licences", &g.licences);
	option_list(w, "filter", &g.filters);
	if (expires.ptr != NULL)
		ck_assert(
		    str_to_i64(expires, INT64_MIN, INT64_MAX, &g.expires_s));
	return g;
}

static bool
do_grant_add(const struct words *w)
{
	const struct grant g = grant_of(w);

	return admin_grant_add(&admin, w->word[2], &g, &kit.err);
}

static bool
do_grant_set(const struct words *w)
{
	const struct grant g = grant_of(w);

	return admin_grant_set(&admin, w->word[2], &g, &kit.err);
}

static bool
do_grant_remove(const struct words *w)
{
	const struct grant g = grant_of(w);

	return admin_grant_remove(
	    &admin, w->word[2], g.account, g.role, g.source, &kit.err);
}

static bool
do_session_add(const struct words *w)
{
	struct str token = { NULL, 0 };
	int64_t life_s = 3600;

	if (option(w, "life").ptr != NULL)
		ck_assert(str_to_i64(
		    option(w, "life"), INT64_MIN, INT64_MAX, &life_s));
	return admin_session_add(&admin, w->word[2], option(w, "on"),
	    &(struct session_limits){ .lifetime_s = life_s }, &token, &kit.err);
}

/* The oldest of the member's. */
static bool
do_session_remove(const struct words *w)
{
	struct member m = { 0 };
	struct session *sessions = NULL;
	size_t count = 0;

	KIT_OK(store_member(kit.store, &kit.arena, w->word[2], &m, &kit.err) !=
	       FOUND_ERROR);
	if (m.id.len > 0)
		KIT_OK(store_sessions(
		    kit.store, &kit.arena, m.id, &sessions, &count, &kit.err));
	return admin_session_remove(
	    &admin, count > 0 ? sessions[0].digest : STR("00"), &kit.err);
}

static const struct {
	const char *noun;
	const char *verb;
	bool (*make)(const struct words *w);
} verbs[] = {
	{ "member", "add", do_member_add },
	{ "member", "edit", do_member_edit },
	{ "member", "remove", do_member_remove },
	{ "identity", "add", do_identity_add },
	{ "account", "add", do_account_add },
	{ "account", "edit", do_account_edit },
	{ "account", "remove", do_account_remove },
	{ "account", "move", do_account_move },
	{ "grant", "add", do_grant_add },
	{ "grant", "set", do_grant_set },
	{ "grant", "remove", do_grant_remove },
	{ "session", "add", do_session_add },
	{ "session", "remove", do_session_remove },
};

bool
admin_do(const char *change)
{
	struct words w = words_read(change);

	kit.err = (struct err){ 0 };
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (str_eq(w.word[0], str_from(verbs[i].noun)) &&
		    str_eq(w.word[1], str_from(verbs[i].verb)))
			return verbs[i].make(&w);
	ck_abort_msg("%s: no such change", change);
	return false;
}

/* --- What is there -------------------------------------------------------- */

struct names
admin_lines(void)
{
	struct state state = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct str *lines;
	struct str rest;
	size_t count = 0;

	KIT_OK(store_state(kit.store, &kit.arena, &state, &kit.err));
	KIT_OK(state_write_json(&state, out, &kit.err));
	fclose(out);
	rest = str_copy(&kit.arena, (struct str){ text, len });
	free(text);
	lines = ARENA_ARRAY(&kit.arena, struct str, len / 10 + 1);
	while (rest.len > 0 && str_next(&rest, '\n', &lines[count]))
		count++;
	return (struct names){ lines, count };
}

struct history_row *
admin_rows(int64_t after, size_t *count)
{
	struct history_row *rows = NULL;

	KIT_OK(store_history(
	    kit.store, &kit.arena, after, 1000000, &rows, count, &kit.err));
	return rows;
}

int64_t
admin_generation(void)
{
	int64_t any = 0;
	int64_t data = 0;

	KIT_OK(store_generation(kit.store, &any, &data, &kit.err));
	return any;
}
