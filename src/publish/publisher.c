/* Two publishers at once (a command, the sync, `publish --follow`), and why an
 * older record never replaces a newer one:
 *
 *   1. WATCH the generation   2. read the store in one snapshot
 *   3. MULTI, records, generation, EXEC   4. move the mark
 *
 * Every EXEC sets the generation. So when ours is done, no other EXEC was done
 * since our WATCH. Each EXEC done before our WATCH was made from a snapshot
 * that is older than that EXEC, hence older than our snapshot; the store's
 * commits have one order, so ours has all that theirs had. When another one
 * came in between, our EXEC does nothing and we start again. No lock is held
 * while Redis is waited for, and none is left behind by a process that dies:
 * bytes of a dead process that reach Redis late meet the same WATCH.
 *
 * The mark only goes up, and only after each reply of an EXEC was seen to be
 * good. Rows after it are published again: same truth, same bytes. */
#include "publish/publisher.h"

#include <stdlib.h>
#include <string.h>

#include "base/bounds.h"
#include "publish/touched.h"
#include "store/api_token.h"

#define ATTEMPTS_MAX 32

enum view_is {
	VIEW_LOST = 1, /* missing, not signed by us, or behind the mark */
	VIEW_OTHER, /* of another history than the store has */
	VIEW_OURS,
};

/* One try: from WATCH to EXEC. */
struct run {
	struct publisher *publisher;
	struct arena arena; /* until the end of the try */
	struct arena scratch; /* of one record */
	struct str generation_key;
	int64_t mark;
	int64_t generation; /* of the snapshot: what will be published */
	struct str hash; /* of its row of history */
	struct names old_keys; /* when all is written: what is there */
	bool *kept; /* which of them are written again */
	struct publish_counts counts;
};

static bool
no_memory(struct err *err)
{
	return err_set(err, ERR_BUG, "no_memory",
	    "publishing: memory is out; give the process more");
}

/* --- Where store and view stand ------------------------------------------- */

/* Empty when there is no such row, as before the first one. */
static bool
history_hash(struct run *run, int64_t seq, struct str *out, struct err *err)
{
	struct history_row *rows = NULL;
	size_t count = 0;

	*out = STR("");
	if (seq <= 0)
		return true;
	if (!store_history(run->publisher->store, &run->arena, seq - 1, 1,
		&rows, &count, err))
		return false;
	if (count == 1 && rows[0].seq == seq)
		*out = rows[0].hash;
	return true;
}

static bool
store_look(struct run *run, struct err *err)
{
	struct store *store = run->publisher->store;
	int64_t data;

	return store_published(store, &run->mark, err) &&
	       store_generation(store, &run->generation, &data, err) &&
	       history_hash(run, run->generation, &run->hash, err);
}

/* False also when the view has no generation that is signed by us. */
static bool
generation_read(const struct publisher *publisher, struct str key,
    struct str text, int64_t *number, struct str *hash)
{
	struct record record = { 0 };
	struct err ignored = { 0 };

	return text.ptr != NULL &&
	       record_open(&record, &publisher->key, key, text, &ignored) &&
	       record_read_generation(&record, number, hash, &ignored);
}

static bool
view_look(struct run *run, enum view_is *out, struct err *err)
{
	struct publisher *publisher = run->publisher;
	struct str text;
	struct str view_hash;
	struct str hash;
	int64_t number;

	if (!redis_get(
		publisher->redis, &run->arena, run->generation_key, &text, err))
		return false;
	*out = VIEW_LOST;
	if (!generation_read(
		publisher, run->generation_key, text, &number, &view_hash) ||
	    number < run->mark)
		return true;
	*out = VIEW_OTHER;
	if (number > run->generation)
		return true;
	if (!history_hash(run, number, &hash, err))
		return false;
	if (str_eq(hash, view_hash))
		*out = VIEW_OURS;
	return true;
}

/* --- One record ----------------------------------------------------------- */

static int
key_order(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void
keep(struct run *run, struct str key)
{
	const struct str *at = NULL;

	if (run->old_keys.count > 0)
		at = bsearch(&key, run->old_keys.items, run->old_keys.count,
		    sizeof(key), key_order);
	if (at != NULL)
		run->kept[at - run->old_keys.items] = true;
}

/* `what` and `name` are for the message. */
static bool
put(struct run *run, struct str key, struct str text, const char *what,
    struct str name, struct err *err)
{
	bool ok;

	if (key.ptr == NULL || text.ptr == NULL)
		return err_set(err, ERR_LIMIT, "record_too_large",
		    "%s %.*s: cannot be a record: over %d bytes, or a text "
		    "that has control characters; take grants or filters "
		    "away. Nothing was published",
		    what, STR_ARGS(name), RECORD_MAX);
	keep(run, key);
	ok = redis_set(run->publisher->redis, key, text, err);
	run->counts.records++;
	arena_reset(&run->scratch);
	return ok;
}

static bool
drop(struct run *run, struct str key, struct err *err)
{
	bool ok;

	/* What cannot be a key cannot be there. */
	if (key.ptr == NULL)
		return true;
	ok = redis_delete(run->publisher->redis, key, err);
	run->counts.deleted++;
	arena_reset(&run->scratch);
	return ok;
}

static struct str
key_of(struct run *run, enum record_kind kind, struct str name)
{
	return record_name(&run->scratch, run->publisher->ns, kind, name);
}

static bool
member_put(struct run *run, const struct member *member, struct err *err)
{
	struct str key = key_of(run, RECORD_MEMBER, member->username);

	return put(run, key,
	    record_member(&run->scratch, &run->publisher->key, key, member),
	    "member", member->username, err);
}

/* An account whose chain does not end at a root does not exist (J23). */
static bool
account_put(struct run *run, const struct account *account, struct err *err)
{
	struct str key = key_of(run, RECORD_ACCOUNT, account->id);

	if (account_root(account) == NULL)
		return drop(run, key, err);
	return put(run, key,
	    record_account(&run->scratch, &run->publisher->key, key, account),
	    "account", account->id, err);
}

static bool
catalogue_put(
    struct run *run, const struct stored_catalogue *stored, struct err *err)
{
	struct str key = key_of(run, RECORD_CATALOGUE, stored->name);

	return put(run, key,
	    record_seal(&run->scratch, &run->publisher->key, key,
		stored->changed, stored->text),
	    "catalogue", stored->name, err);
}

static bool
session_put(struct run *run, const struct session *session, struct err *err)
{
	struct str key = key_of(run, RECORD_SESSION, session->digest);
	struct record_session record = { session->username, session->account,
		session->expires_s };

	return put(run, key,
	    record_session_text(&run->scratch, &run->publisher->key, key,
		&record, session->changed),
	    "session", session->digest, err);
}

static bool
token_put(struct run *run, const struct api_token *token, struct err *err)
{
	struct str key = key_of(run, RECORD_TOKEN, token->digest);
	const struct record_token record = {
		.username = token->username,
		.expires_s = token->expires_s,
		.accounts = token->accounts,
		.permissions = token->permissions,
		.addresses = token->addresses,
	};

	return put(run, key,
	    record_token_text(&run->scratch, &run->publisher->key, key, &record,
		token->changed),
	    "token", token->digest, err);
}

/* --- What a row of history touches ---------------------------------------- */

typedef bool touch(struct run *run, struct str name, struct err *err);

/* A member that is gone has left its username behind as another touch. */
static bool
touch_member(struct run *run, struct str id, struct err *err)
{
	struct member member = { 0 };

	switch (store_member_by_id(
	    run->publisher->store, &run->scratch, id, &member, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return true;
	case FOUND_YES:
		return member_put(run, &member, err);
	}
	return false;
}

/* Nobody's now, or somebody else's. */
static bool
touch_username(struct run *run, struct str name, struct err *err)
{
	struct member member = { 0 };

	switch (store_member(
	    run->publisher->store, &run->scratch, name, &member, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return drop(run, key_of(run, RECORD_MEMBER, name), err);
	case FOUND_YES:
		return member_put(run, &member, err);
	}
	return false;
}

static bool
account_publish(struct run *run, struct str id, struct err *err)
{
	const struct account *account = NULL;

	switch (store_account(
	    run->publisher->store, &run->scratch, id, &account, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return drop(run, key_of(run, RECORD_ACCOUNT, id), err);
	case FOUND_YES:
		return account_put(run, account, err);
	}
	return false;
}

/* Its line stands in the record of everything below it as well. */
static bool
touch_account(struct run *run, struct str id, struct err *err)
{
	struct names below;

	if (!store_subtree(run->publisher->store, &run->arena, id, &below, err))
		return false;
	for (size_t i = 0; i < below.count; i++)
		if (!account_publish(run, below.items[i], err))
			return false;
	return below.count > 0 || account_publish(run, id, err);
}

static bool
touch_catalogue(struct run *run, struct str name, struct err *err)
{
	struct stored_catalogue *catalogues = NULL;
	size_t count = 0;

	if (!store_catalogues(
		run->publisher->store, &run->arena, &catalogues, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (str_eq(catalogues[i].name, name))
			return catalogue_put(run, &catalogues[i], err);
	return drop(run, key_of(run, RECORD_CATALOGUE, name), err);
}

static bool
touch_session(struct run *run, struct str digest, struct err *err)
{
	struct session session = { 0 };

	switch (store_session(
	    run->publisher->store, &run->scratch, digest, &session, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return drop(run, key_of(run, RECORD_SESSION, digest), err);
	case FOUND_YES:
		return session_put(run, &session, err);
	}
	return false;
}

static bool
touch_token(struct run *run, struct str digest, struct err *err)
{
	struct api_token token = { 0 };

	switch (store_api_token_by_digest(
	    run->publisher->store, &run->scratch, digest, &token, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return drop(run, key_of(run, RECORD_TOKEN, digest), err);
	case FOUND_YES:
		return token_put(run, &token, err);
	}
	return false;
}

static const struct {
	const char *word;
	touch *publish;
} touches[] = {
	{ "account", touch_account },
	{ "catalogue", touch_catalogue },
	{ "member", touch_member },
	{ "session", touch_session },
	{ "token", touch_token },
	{ "username", touch_username },
};

static touch *
touch_find(struct str *name)
{
	struct str word;

	if (!str_next(name, ':', &word) || name->len == 0)
		return NULL;
	for (size_t i = 0; i < sizeof(touches) / sizeof(touches[0]); i++)
		if (str_eq(word, str_from(touches[i].word)))
			return touches[i].publish;
	return NULL;
}

/* --- Writing -------------------------------------------------------------- */

static bool
generation_put(struct run *run, struct err *err)
{
	struct str text = record_generation(&run->scratch, &run->publisher->key,
	    run->generation_key, run->generation, run->hash);

	if (text.ptr == NULL)
		return no_memory(err);
	keep(run, run->generation_key);
	return redis_set(run->publisher->redis, run->generation_key, text, err);
}

/* A touch of a kind that we do not know can only be met by writing it all. */
static bool
touched_known(const struct touched *touched)
{
	for (size_t i = 0; i < touched->count; i++) {
		struct str name = touched->names[i];

		if (touch_find(&name) == NULL)
			return false;
	}
	return true;
}

static bool
touched_put(struct run *run, const struct touched *touched, struct err *err)
{
	for (size_t i = 0; i < touched->count; i++) {
		struct str name = touched->names[i];
		touch *publish = touch_find(&name);

		if (!publish(run, name, err))
			return false;
	}
	return true;
}

static bool
tokens_put(struct run *run, struct err *err)
{
	struct api_token *tokens = NULL;
	size_t count = 0;

	if (!store_api_tokens(run->publisher->store, &run->arena, STR(""),
		&tokens, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!token_put(run, &tokens[i], err))
			return false;
	return true;
}

static bool
catalogues_and_sessions_put(struct run *run, struct err *err)
{
	struct store *store = run->publisher->store;
	struct stored_catalogue *catalogues = NULL;
	struct session *sessions = NULL;
	size_t count = 0;

	if (!store_catalogues(store, &run->arena, &catalogues, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!catalogue_put(run, &catalogues[i], err))
			return false;
	if (!store_sessions(
		store, &run->arena, STR(""), &sessions, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!session_put(run, &sessions[i], err))
			return false;
	return true;
}

static bool
state_put(struct run *run, struct err *err)
{
	struct state state = { 0 };

	if (!store_state(run->publisher->store, &run->arena, &state, err))
		return false;
	for (size_t i = 0; i < state.member_count; i++)
		if (!member_put(run, &state.members[i], err))
			return false;
	for (size_t i = 0; i < state.account_count; i++)
		if (account_root(&state.accounts[i]) != NULL &&
		    !account_put(run, &state.accounts[i], err))
			return false;
	return true;
}

/* The heartbeat is nobody's record: whoever beats writes it. */
static bool
others_drop(struct run *run, struct err *err)
{
	struct str heartbeat = record_name(
	    &run->arena, run->publisher->ns, RECORD_HEARTBEAT, STR(""));

	if (heartbeat.ptr == NULL)
		return no_memory(err);
	keep(run, heartbeat);
	for (size_t i = 0; i < run->old_keys.count; i++)
		if (!run->kept[i] && !drop(run, run->old_keys.items[i], err))
			return false;
	return true;
}

static bool
old_keys_read(struct run *run, struct err *err)
{
	struct str prefix = record_prefix(&run->arena, run->publisher->ns);

	if (prefix.ptr == NULL)
		return no_memory(err);
	if (!redis_keys(run->publisher->redis, &run->arena, prefix,
		&run->old_keys, err))
		return false;
	run->kept = ARENA_ARRAY(&run->arena, bool, run->old_keys.count);
	return run->kept != NULL || no_memory(err);
}

/* --- A try, and as many as it takes --------------------------------------- */

static bool
mark_move(struct publisher *publisher, int64_t generation, struct err *err)
{
	struct store *store = publisher->store;
	int64_t mark;

	if (!store_begin(store, err))
		return false;
	if (store_published(store, &mark, err)) {
		if (mark >= generation) { /* another one was faster */
			store_rollback(store);
			return true;
		}
		if (store_set_published(store, generation, err))
			return store_commit(store, err);
	}
	store_rollback(store);
	return false;
}

static bool
all_write(struct run *run, bool *done, struct err *err)
{
	struct redis *redis = run->publisher->redis;

	return old_keys_read(run, err) && redis_begin(redis, err) &&
	       state_put(run, err) && catalogues_and_sessions_put(run, err) &&
	       tokens_put(run, err) && generation_put(run, err) &&
	       others_drop(run, err) && redis_commit(redis, done, err);
}

static bool
touched_write(struct run *run, bool *done, struct err *err)
{
	struct redis *redis = run->publisher->redis;
	struct touched *touched = calloc(1, sizeof(*touched));
	bool ok = touched != NULL || no_memory(err);

	ok = ok && touched_collect(touched, run->publisher->store, &run->arena,
		       run->mark, err);
	if (ok && (touched->whole || !touched_known(touched)))
		ok = all_write(run, done, err);
	else if (ok)
		ok = redis_begin(redis, err) &&
		     touched_put(run, touched, err) &&
		     generation_put(run, err) && redis_commit(redis, done, err);
	free(touched);
	return ok;
}

static bool
drain_write(struct run *run, bool *done, struct err *err)
{
	enum view_is view;

	if (!view_look(run, &view, err))
		return false;
	switch (view) {
	case VIEW_LOST:
		return all_write(run, done, err);
	case VIEW_OTHER:
		return err_set(err, ERR_REACH, "view_other_history",
		    "the view: was published from another history than the "
		    "store has (was the store restored, or do two stores share "
		    "a namespace?); run rolegate publish --all, then restart "
		    "rolegated");
	case VIEW_OURS:
		break;
	}
	if (run->mark < run->generation)
		return touched_write(run, done, err);
	*done = true; /* nothing is new, and nothing is written */
	return redis_unwatch(run->publisher->redis, err);
}

static bool
run_try(struct run *run, bool all, bool *done, struct err *err)
{
	struct publisher *publisher = run->publisher;
	bool ok;

	run->generation_key =
	    record_name(&run->arena, publisher->ns, RECORD_GENERATION, STR(""));
	if (run->generation_key.ptr == NULL)
		return no_memory(err);
	/* In this order: see the top of the file. */
	if (!redis_watch(publisher->redis, run->generation_key, err) ||
	    !store_begin_read(publisher->store, err))
		return false;
	ok = store_look(run, err) &&
	     (all ? all_write(run, done, err) : drain_write(run, done, err));
	store_rollback(publisher->store);
	if (!ok || !*done || run->mark == run->generation)
		return ok;
	return mark_move(publisher, run->generation, err);
}

static bool
publish(struct publisher *publisher, bool all, struct publish_counts *counts,
    struct err *err)
{
	for (int i = 0; i < ATTEMPTS_MAX; i++) {
		struct run run = { .publisher = publisher };
		bool done = false;
		bool ok = run_try(&run, all, &done, err);

		run.counts.generation = run.generation;
		*counts = run.counts;
		arena_free(&run.arena);
		arena_free(&run.scratch);
		if (!ok || done)
			return ok;
	}
	return err_set(err, ERR_REACH, "publish_busy",
	    "the view: others published %d times while this tried to; try "
	    "again",
	    ATTEMPTS_MAX);
}

bool
publish_drain(
    struct publisher *publisher, struct publish_counts *counts, struct err *err)
{
	return publish(publisher, false, counts, err);
}

bool
publish_all(
    struct publisher *publisher, struct publish_counts *counts, struct err *err)
{
	return publish(publisher, true, counts, err);
}

/* --- Heartbeat ------------------------------------------------------------ */

/* A beat says that the view is there and is ours: it is not given to an empty
 * Redis, or to one that went back to an older copy. */
static bool
view_check(struct publisher *publisher, struct arena *arena, struct err *err)
{
	struct str key =
	    record_name(arena, publisher->ns, RECORD_GENERATION, STR(""));
	struct str text;
	struct str hash;
	int64_t number;
	int64_t mark;

	if (key.ptr == NULL)
		return no_memory(err);
	if (!redis_get(publisher->redis, arena, key, &text, err) ||
	    !store_published(publisher->store, &mark, err))
		return false;
	return (generation_read(publisher, key, text, &number, &hash) &&
		   number >= mark) ||
	       err_set(err, ERR_REACH, "view_not_ready",
		   "the view: was lost in Redis; run rolegate publish");
}

static bool
beat(struct publisher *publisher, struct arena *arena, int64_t now_ms,
    struct err *err)
{
	struct redis *redis = publisher->redis;
	struct str key =
	    record_name(arena, publisher->ns, RECORD_HEARTBEAT, STR(""));
	struct str text = record_number(arena, &publisher->key, key, now_ms);
	bool done;

	if (text.ptr == NULL)
		return no_memory(err);
	return redis_begin(redis, err) && redis_set(redis, key, text, err) &&
	       redis_commit(redis, &done, err);
}

bool
publish_heartbeat(struct publisher *publisher, int64_t now_ms, struct err *err)
{
	struct arena arena = { 0 };
	bool ok = view_check(publisher, &arena, err) &&
		  beat(publisher, &arena, now_ms, err);

	arena_free(&arena);
	return ok;
}
