#include "store/past.h"

#include <jansson.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "model/state_json.h"
#include "store/internal.h"

#define PAGE_ROWS ((size_t)2000)

/* --- Catalogue texts ------------------------------------------------------ */

enum found
store_catalogue_text(struct store *store, struct arena *arena,
    struct str digest, struct str *out, struct err *err)
{
	struct db_rows rows;
	bool found;

	db_select(store->db, &rows, err,
	    "SELECT body FROM catalogue_texts WHERE digest = $1",
	    VALUES(value_text(digest)));
	found = db_next(&rows);
	if (found)
		*out = row_copy(&rows, 0, arena);
	return rows_found(&rows, found);
}

bool
store_keep_catalogue_text(
    struct store *store, struct str digest, struct str text, struct err *err)
{
	return store_write(store, NULL, err,
	    "INSERT INTO catalogue_texts (digest, body) VALUES ($1, $2) "
	    "ON CONFLICT (digest) DO NOTHING",
	    VALUES(value_text(digest), value_text(text)));
}

/* --- The state as it is taken apart --------------------------------------- */

struct person;

struct node {
	struct account account;
	struct person *owner; /* or NULL */
	bool present;
};

/* Somebody who is named before they are there (rows of one transaction stand in
 * any order) is kept absent; at the end everybody named is present. */
struct person {
	struct str key; /* folded username, at that moment */
	struct member member;
	struct grant *grants;
	size_t count;
	size_t cap;
	bool present;
};

struct undoing {
	struct store *store;
	struct arena *arena;
	void *people; /* tsearch(3), struct person by key */
	void *accounts; /* struct node by id */
	size_t person_count;
	size_t account_count;
	struct stored_catalogue *catalogues;
	size_t catalogue_count;
	size_t catalogue_cap;
	int64_t at_ms;
	struct err *err;
};

static int
by_key(const void *a, const void *b)
{
	return str_cmp(
	    ((const struct person *)a)->key, ((const struct person *)b)->key);
}

static int
by_id(const void *a, const void *b)
{
	return str_cmp(((const struct node *)a)->account.id,
	    ((const struct node *)b)->account.id);
}

static bool
no_memory(struct undoing *u)
{
	return store_no_memory(u->store, u->err);
}

/* What the history says does not fit to what it says elsewhere. */
static bool
torn(struct undoing *u, const char *what, struct str name)
{
	return err_set(u->err, ERR_FILE, "store_corrupt",
	    "%s: the history does not fit the state: %s %.*s; restore a backup",
	    db_path(u->store->db), what, STR_ARGS(name));
}

/* Absent when it is new. */
static struct person *
person_of(struct undoing *u, struct str username)
{
	struct person like = { .key = str_fold(u->arena, username) };
	struct person *person;
	void *found;

	if (like.key.ptr == NULL)
		return NULL;
	found = tfind(&like, &u->people, by_key);
	if (found != NULL)
		return *(struct person **)found;
	person = ARENA_NEW(u->arena, struct person);
	if (person == NULL)
		return NULL;
	person->key = like.key;
	person->member.username = username;
	return tsearch(person, &u->people, by_key) != NULL ? person : NULL;
}

static struct node *
node_of(struct undoing *u, struct str id)
{
	struct node like = { .account = { .id = id } };
	void *found = tfind(&like, &u->accounts, by_id);
	struct node *node;

	if (found != NULL)
		return *(struct node **)found;
	node = ARENA_NEW(u->arena, struct node);
	if (node == NULL)
		return NULL;
	node->account.id = id;
	return tsearch(node, &u->accounts, by_id) != NULL ? node : NULL;
}

static bool
grant_is(const struct grant *a, const struct grant *b)
{
	return grant_cmp(a, b) == 0;
}

static bool
grant_put(struct undoing *u, struct person *person, const struct grant *grant)
{
	for (size_t i = 0; i < person->count; i++)
		if (grant_is(&person->grants[i], grant)) {
			person->grants[i] = *grant;
			return true;
		}
	person->grants = arena_grow(u->arena, person->grants, person->count,
	    &person->cap, sizeof(*person->grants));
	if (person->grants == NULL)
		return no_memory(u);
	person->grants[person->count++] = *grant;
	return true;
}

static bool
grant_take(struct undoing *u, struct person *person, const struct grant *grant)
{
	for (size_t i = 0; i < person->count; i++)
		if (grant_is(&person->grants[i], grant)) {
			person->grants[i] = person->grants[--person->count];
			return true;
		}
	return torn(u, "a grant of", person->member.username);
}

static bool
account_put(struct undoing *u, const struct account *account)
{
	struct node *node = node_of(u, account->id);

	if (node == NULL)
		return no_memory(u);
	node->account = *account;
	node->account.parent = NULL;
	node->present = true;
	node->owner = NULL;
	if (account->owner.len == 0)
		return true;
	node->owner = person_of(u, account->owner);
	return node->owner != NULL || no_memory(u);
}

/* --- The present ---------------------------------------------------------- */

static bool
person_take(struct undoing *u, const struct member *member)
{
	struct person *person = person_of(u, member->username);

	if (person == NULL)
		return no_memory(u);
	person->member = *member;
	person->present = true;
	for (size_t i = 0; i < member->grant_count; i++)
		if (!grant_put(u, person, &member->grants[i]))
			return false;
	return true;
}

static bool
present_take(struct undoing *u)
{
	struct state state = { 0 };

	if (!store_state(u->store, u->arena, &state, u->err) ||
	    !store_catalogues(u->store, u->arena, &u->catalogues,
		&u->catalogue_count, u->err))
		return false;
	u->catalogue_cap = u->catalogue_count;
	for (size_t i = 0; i < state.member_count; i++)
		if (!person_take(u, &state.members[i]))
			return false;
	for (size_t i = 0; i < state.account_count; i++)
		if (!account_put(u, &state.accounts[i]))
			return false;
	return true;
}

/* --- Undoing members ------------------------------------------------------ */

/* A personal account has no row of its own: its member's row touches it. */
static bool
next_personal(struct str *touches, struct str *id)
{
	const struct str word = STR("account:");
	struct str line;

	while (str_next(touches, '\n', &line))
		if (str_starts(line, word)) {
			*id = (struct str){ line.ptr + word.len,
				line.len - word.len };
			return true;
		}
	return false;
}

static bool
personal_back(struct undoing *u, const struct history_row *row,
    const struct person *person)
{
	struct str touches = row->touches;
	struct account account = {
		.kind = ACCOUNT_PERSONAL,
		.level = LEVEL_ACCOUNT,
		.status = ACCOUNT_ACTIVE,
		.owner = person->member.username,
	};
	struct str id;

	while (next_personal(&touches, &id)) {
		account.id = str_copy(u->arena, id);
		if (account.id.ptr == NULL)
			return no_memory(u);
		if (!account_put(u, &account))
			return false;
	}
	return true;
}

static bool
personal_away(struct undoing *u, const struct history_row *row)
{
	struct str touches = row->touches;
	struct str id;

	while (next_personal(&touches, &id)) {
		struct node *node = node_of(u, str_copy(u->arena, id));

		if (node == NULL)
			return no_memory(u);
		if (node->present && node->account.kind == ACCOUNT_PERSONAL)
			node->present = false;
	}
	return true;
}

/* The key goes with the name; accounts point to the person, not to the name. */
static bool
person_rename(struct undoing *u, struct person *person, struct str username)
{
	struct str key = str_fold(u->arena, username);

	if (key.ptr == NULL)
		return no_memory(u);
	if (str_eq(key, person->key))
		return true;
	tdelete(person, &u->people, by_key);
	person->key = key;
	if (tfind(person, &u->people, by_key) != NULL) {
		struct person *other =
		    *(struct person **)tfind(person, &u->people, by_key);

		if (other->present || other->count > 0)
			return torn(u, "two members of the name", username);
		tdelete(other, &u->people, by_key);
	}
	return tsearch(person, &u->people, by_key) != NULL || no_memory(u);
}

static bool
member_undo(struct undoing *u, const struct history_row *row,
    const struct state_object *before, const struct state_object *after)
{
	struct str now = after->kind == STATE_MEMBER ? after->member.username
						     : before->member.username;
	struct person *person = person_of(u, now);

	if (person == NULL)
		return no_memory(u);
	if (after->kind == STATE_MEMBER && !person->present)
		return torn(u, "member", now);
	if (before->kind != STATE_MEMBER) {
		person->present = false;
		return personal_away(u, row);
	}
	if (!person_rename(u, person, before->member.username))
		return false;
	person->member = before->member;
	if (person->present)
		return true;
	person->present = true;
	return personal_back(u, row, person);
}

/* --- Undoing the others --------------------------------------------------- */

static bool
account_undo(struct undoing *u, const struct state_object *before,
    const struct state_object *after)
{
	struct node *node;

	if (before->kind == STATE_ACCOUNT)
		return account_put(u, &before->account);
	node = node_of(u, after->account.id);
	if (node == NULL)
		return no_memory(u);
	if (!node->present)
		return torn(u, "account", after->account.id);
	node->present = false;
	return true;
}

static bool
grant_undo(struct undoing *u, const struct state_object *before,
    const struct state_object *after)
{
	struct person *person = person_of(u,
	    before->kind == STATE_GRANT ? before->username : after->username);

	if (person == NULL)
		return no_memory(u);
	return (after->kind != STATE_GRANT ||
		   grant_take(u, person, &after->grant)) &&
	       (before->kind != STATE_GRANT ||
		   grant_put(u, person, &before->grant));
}

static bool
object_read(struct undoing *u, struct str text, struct state_object *out)
{
	*out = (struct state_object){ .kind = STATE_NONE };
	return text.len == 0 || state_object_read(u->arena, text, out, u->err);
}

static bool
object_undo(struct undoing *u, const struct history_row *row)
{
	struct state_object before;
	struct state_object after;

	if (!object_read(u, row->before, &before) ||
	    !object_read(u, row->after, &after))
		return false;
	switch (before.kind != STATE_NONE ? before.kind : after.kind) {
	case STATE_MEMBER:
		return member_undo(u, row, &before, &after);
	case STATE_ACCOUNT:
		return account_undo(u, &before, &after);
	case STATE_GRANT:
		return grant_undo(u, &before, &after);
	case STATE_NONE:
		break;
	}
	return true;
}

/* --- Undoing catalogues --------------------------------------------------- */

static struct str
digest_in(struct arena *arena, struct str text)
{
	json_t *object = json_loadb(text.ptr, text.len, 0, NULL);
	const char *digest =
	    json_string_value(json_object_get(object, "digest"));
	struct str out =
	    str_copy(arena, digest != NULL ? str_from(digest) : STR(""));

	json_decref(object);
	return out;
}

static struct stored_catalogue *
catalogue_find(struct undoing *u, struct str name)
{
	for (size_t i = 0; i < u->catalogue_count; i++)
		if (str_eq(u->catalogues[i].name, name))
			return &u->catalogues[i];
	return NULL;
}

/* Its text is looked up at the end: only that of the moment is needed. Until
 * then `text` is the digest and `changed` is -1. */
static bool
catalogue_undo(struct undoing *u, const struct history_row *row)
{
	struct stored_catalogue *c = catalogue_find(u, row->subject);

	if (row->before.len == 0) {
		if (c != NULL)
			*c = u->catalogues[--u->catalogue_count];
		return true;
	}
	if (c == NULL) {
		u->catalogues =
		    arena_grow(u->arena, u->catalogues, u->catalogue_count,
			&u->catalogue_cap, sizeof(*u->catalogues));
		if (u->catalogues == NULL)
			return no_memory(u);
		c = &u->catalogues[u->catalogue_count++];
		c->name = str_copy(u->arena, row->subject);
	}
	c->text = digest_in(u->arena, row->before);
	c->changed = -1;
	return (c->name.ptr != NULL && c->text.ptr != NULL) || no_memory(u);
}

static bool
catalogue_text_find(struct undoing *u, struct stored_catalogue *c)
{
	struct str digest = c->text;

	if (c->changed >= 0)
		return true;
	c->changed = 0;
	switch (store_catalogue_text(
	    u->store, u->arena, digest, &c->text, u->err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_YES:
		return true;
	case FOUND_NO:
		break;
	}
	return err_set(u->err, ERR_REFUSED, "past_catalogue",
	    "catalogue %.*s: was another one then, and its text was not kept; "
	    "ask about a later time",
	    STR_ARGS(c->name));
}

static int
catalogue_order(const void *a, const void *b)
{
	return str_cmp(((const struct stored_catalogue *)a)->name,
	    ((const struct stored_catalogue *)b)->name);
}

static bool
catalogues_done(struct undoing *u, struct past *out)
{
	for (size_t i = 0; i < u->catalogue_count; i++)
		if (!catalogue_text_find(u, &u->catalogues[i]))
			return false;
	if (u->catalogue_count > 1)
		qsort(u->catalogues, u->catalogue_count, sizeof(*u->catalogues),
		    catalogue_order);
	out->catalogues = u->catalogues;
	out->catalogue_count = u->catalogue_count;
	return true;
}

/* --- The rows ------------------------------------------------------------- */

static bool
row_undo(struct undoing *u, const struct history_row *row)
{
	static const struct str words[] = { { "member.", 7 }, { "account.", 8 },
		{ "grant.", 6 } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_starts(row->action, words[i]))
			return object_undo(u, row);
	return !str_starts(row->action, STR("catalogue.")) ||
	       catalogue_undo(u, row);
}

static bool
was_pruned(struct undoing *u, bool *out)
{
	struct db_rows rows;

	db_select(u->store->db, &rows, u->err, "SELECT seq FROM history_floor",
	    NO_VALUES);
	*out = db_next(&rows);
	return db_end(&rows);
}

/* All rows were undone: what was before the first of them is known only where
 * nothing was forgotten. */
static bool
bottom_reached(struct undoing *u, int64_t oldest_ms)
{
	struct str oldest = str_from_time(u->arena, oldest_ms / 1000 + 1);
	bool pruned = false;

	if (!was_pruned(u, &pruned))
		return false;
	return !pruned ||
	       err_set(u->err, ERR_REFUSED, "past_pruned",
		   "history: what was before %.*s was forgotten; ask about a "
		   "later time",
		   STR_ARGS(oldest));
}

static bool
rows_undo(struct undoing *u)
{
	struct history_filter filter = { .before_seq = 0 };
	int64_t oldest_ms = 0;
	size_t count;

	do {
		struct arena page = { 0 };
		struct history_row *rows = NULL;
		bool ok = store_history_find(
		    u->store, &page, &filter, PAGE_ROWS, &rows, &count, u->err);
		bool reached = false;

		for (size_t i = 0; ok && !reached && i < count; i++) {
			reached = rows[i].at_ms <= u->at_ms;
			ok = reached || row_undo(u, &rows[i]);
			filter.before_seq = rows[i].seq;
			oldest_ms = rows[i].at_ms;
		}
		arena_free(&page);
		if (!ok || reached)
			return ok;
	} while (count == PAGE_ROWS);
	return bottom_reached(u, oldest_ms);
}

/* --- Putting it together -------------------------------------------------- */

/* What twalk_r() fills. */
struct gathering {
	struct undoing *u;
	struct member *members;
	size_t member_count;
	struct account *accounts;
	size_t account_count;
	const char *torn; /* what does not fit, or NULL */
	struct str name;
};

static void
people_count(const void *at, VISIT visit, void *context)
{
	if (visit == postorder || visit == leaf)
		((struct undoing *)context)->person_count++;
	(void)at;
}

static void
accounts_count(const void *at, VISIT visit, void *context)
{
	if (visit == postorder || visit == leaf)
		((struct undoing *)context)->account_count++;
	(void)at;
}

static int
grant_order(const void *a, const void *b)
{
	return grant_cmp(a, b);
}

/* In the order of the keys, which is the state's. */
static void
person_gather(const void *at, VISIT visit, void *context)
{
	struct gathering *g = context;
	struct person *person;

	if (visit != postorder && visit != leaf)
		return;
	person = *(struct person *const *)at;
	if (!person->present) {
		if (person->count > 0) {
			g->torn = "grants of";
			g->name = person->key;
		}
		return;
	}
	if (person->count > 1)
		qsort(person->grants, person->count, sizeof(*person->grants),
		    grant_order);
	person->member.grants = person->grants;
	person->member.grant_count = person->count;
	person->member.personal = STR("");
	g->members[g->member_count++] = person->member;
}

static void
account_gather(const void *at, VISIT visit, void *context)
{
	struct gathering *g = context;
	struct node *node;

	if (visit != postorder && visit != leaf)
		return;
	node = *(struct node *const *)at;
	if (!node->present)
		return;
	node->account.owner = STR("");
	if (node->owner != NULL) {
		node->account.owner = node->owner->member.username;
		if (!node->owner->present) {
			g->torn = "the owner of";
			g->name = node->account.id;
		}
	}
	g->accounts[g->account_count++] = node->account;
}

static bool
gather(struct undoing *u, struct past *out)
{
	struct gathering g = { .u = u };

	twalk_r(u->people, people_count, u);
	twalk_r(u->accounts, accounts_count, u);
	g.members = ARENA_ARRAY(u->arena, struct member, u->person_count + 1);
	g.accounts =
	    ARENA_ARRAY(u->arena, struct account, u->account_count + 1);
	if (g.members == NULL || g.accounts == NULL)
		return no_memory(u);
	twalk_r(u->people, person_gather, &g);
	twalk_r(u->accounts, account_gather, &g);
	if (g.torn != NULL)
		return torn(u, g.torn, g.name);
	out->state.members = g.members;
	out->state.member_count = g.member_count;
	out->state.accounts = g.accounts;
	out->state.account_count = g.account_count;
	return accounts_arrange(u->store, u->arena, &out->state, u->err);
}

static void
nothing(void *node)
{
	(void)node; /* it lives in the arena */
}

bool
store_state_at(struct store *store, struct arena *arena, int64_t at_ms,
    struct past *out, struct err *err)
{
	struct undoing u = {
		.store = store, .arena = arena, .at_ms = at_ms, .err = err
	};
	struct past past = { .catalogue_count = 0 };
	bool mine = false;
	bool ok = snapshot_begin(store, &mine, err) && present_take(&u) &&
		  rows_undo(&u) && catalogues_done(&u, &past) &&
		  gather(&u, &past);

	snapshot_end(store, mine);
	tdestroy(u.people, nothing);
	tdestroy(u.accounts, nothing);
	if (ok)
		*out = past;
	return ok;
}

void
past_catalogues_set(struct past *past, const struct catalogues *catalogues)
{
	const struct catalogue *plain = catalogues_plain(catalogues);

	past->state.catalogues = *catalogues;
	for (size_t i = 0; i < past->state.account_count; i++) {
		struct account *account = &past->state.accounts[i];

		if (account->kind == ACCOUNT_PERSONAL &&
		    account->catalogue.len == 0 && plain != NULL)
			account->catalogue = plain->name;
	}
}
