#include <stdlib.h>
#include <string.h>

#include "publish/publisher.h"

#define ATTEMPTS_MAX 8

/* One reading of the view. */
struct reading {
	struct publisher *publisher;
	struct arena *arena;
	struct str prefix; /* of every key */
	struct names keys; /* sorted */
	struct str *texts;
};

static bool
no_memory(struct err *err)
{
	return err_set(err, ERR_BUG, "no_memory",
	    "reading the view: memory is out; give the process more");
}

/* The record at `i`, verified. */
static bool
record_at(const struct reading *reading, size_t i, struct record *out,
    struct err *err)
{
	return record_open(out, &reading->publisher->key,
	    reading->keys.items[i], reading->texts[i], err);
}

/* Is key `i` of this kind, and still there? */
static bool
is_kind(const struct reading *reading, size_t i, struct str kind)
{
	struct str rest = reading->keys.items[i];

	rest.ptr += reading->prefix.len;
	rest.len -= reading->prefix.len;
	return str_starts(rest, kind) && reading->texts[i].ptr != NULL;
}

static size_t
count_of(const struct reading *reading, struct str kind)
{
	size_t count = 0;

	for (size_t i = 0; i < reading->keys.count; i++)
		count += is_kind(reading, i, kind);
	return count;
}

static bool
members_read(const struct reading *reading, struct state *out, struct err *err)
{
	const struct str kind = STR("member:");
	struct record record = { 0 };

	out->members =
	    ARENA_ARRAY(reading->arena, struct member, count_of(reading, kind));
	if (out->members == NULL)
		return no_memory(err);
	for (size_t i = 0; i < reading->keys.count; i++)
		if (is_kind(reading, i, kind) &&
		    (!record_at(reading, i, &record, err) ||
			!record_read_member(&record, reading->arena,
			    &out->members[out->member_count++], err)))
			return false;
	return true;
}

static bool
catalogues_read(
    const struct reading *reading, struct state *out, struct err *err)
{
	const struct str kind = STR("catalogue:");
	struct record record = { 0 };
	const struct catalogue **items = ARENA_ARRAY(
	    reading->arena, const struct catalogue *, count_of(reading, kind));
	size_t count = 0;

	if (items == NULL)
		return no_memory(err);
	for (size_t i = 0; i < reading->keys.count; i++)
		if (is_kind(reading, i, kind) &&
		    (!record_at(reading, i, &record, err) ||
			!record_read_catalogue(
			    &record, reading->arena, &items[count++], err)))
			return false;
	out->catalogues = (struct catalogues){ items, count };
	return true;
}

/* --- Accounts ------------------------------------------------------------- */

/* An account as its own record has it. */
struct account_at {
	const struct account *account;
	struct str body;
	int depth;
};

/* Parents first, then by id: the order of a state. */
static int
depth_order(const void *a, const void *b)
{
	const struct account_at *x = a;
	const struct account_at *y = b;

	if (x->depth != y->depth)
		return x->depth - y->depth;
	return str_cmp(x->account->id, y->account->id);
}

static bool
account_at_read(const struct reading *reading, size_t i, struct account_at *out,
    struct err *err)
{
	struct record record = { 0 };

	if (!record_at(reading, i, &record, err) ||
	    !record_read_account(&record, reading->arena, &out->account, err))
		return false;
	out->body = record.body;
	out->depth = account_depth(out->account);
	return true;
}

/* The gate takes the chain out of the account's own record; a state links the
 * accounts' own lines. So they have to say the same: what is behind the first
 * line of a body is the parent's body. */
static bool
chains_check(
    const struct state *state, const struct account_at *at, struct err *err)
{
	for (size_t i = 0; i < state->account_count; i++) {
		const struct account *parent = state->accounts[i].parent;
		struct str rest = at[i].body;
		struct str line;

		if (state->accounts[i].parent_id.len == 0)
			continue;
		if (parent == NULL || !str_next(&rest, '\n', &line) ||
		    !str_eq(rest, at[parent - state->accounts].body))
			return err_set(err, ERR_REACH, "view_broken",
			    "the view: the records of account %.*s and of the "
			    "one above it do not agree; run rolegate publish "
			    "--all",
			    STR_ARGS(state->accounts[i].id));
	}
	return true;
}

static bool
accounts_read(const struct reading *reading, struct state *out,
    struct account_at **order, struct err *err)
{
	const struct str kind = STR("account:");
	size_t count = count_of(reading, kind);
	struct account_at *at =
	    ARENA_ARRAY(reading->arena, struct account_at, count);

	out->accounts = ARENA_ARRAY(reading->arena, struct account, count);
	if (at == NULL || out->accounts == NULL)
		return no_memory(err);
	for (size_t i = 0; i < reading->keys.count; i++)
		if (is_kind(reading, i, kind) &&
		    !account_at_read(
			reading, i, &at[out->account_count++], err))
			return false;
	if (count > 0)
		qsort(at, count, sizeof(*at), depth_order);
	for (size_t i = 0; i < count; i++)
		out->accounts[i] = *at[i].account;
	*order = at;
	return true;
}

/* --- The whole view ------------------------------------------------------- */

static bool
state_read(struct reading *reading, struct state *out, struct err *err)
{
	struct redis *redis = reading->publisher->redis;
	struct account_at *order = NULL;

	*out = (struct state){ 0 };
	if (!redis_keys(
		redis, reading->arena, reading->prefix, &reading->keys, err))
		return false;
	reading->texts =
	    ARENA_ARRAY(reading->arena, struct str, reading->keys.count);
	if (reading->texts == NULL)
		return no_memory(err);
	return redis_get_all(
		   redis, reading->arena, reading->keys, reading->texts, err) &&
	       members_read(reading, out, err) &&
	       catalogues_read(reading, out, err) &&
	       accounts_read(reading, out, &order, err) &&
	       state_index(out, reading->arena, err) &&
	       chains_check(out, order, err);
}

static bool
generation_text(
    struct reading *reading, struct str key, struct str *out, struct err *err)
{
	if (!redis_get(
		reading->publisher->redis, reading->arena, key, out, err))
		return false;
	return out->ptr != NULL ||
	       err_set(err, ERR_REACH, "view_not_ready",
		   "the view: has no generation; run rolegate publish --all");
}

/* Every publishing changes the generation: when it is the same afterwards, all
 * that was read belongs together. */
static bool
reading_try(struct reading *reading, struct str key, struct state *out,
    int64_t *generation, bool *whole, struct err *err)
{
	struct record record = { 0 };
	struct err torn = { 0 };
	struct str before;
	struct str after;
	bool ok;

	if (!generation_text(reading, key, &before, err) ||
	    !record_open(&record, &reading->publisher->key, key, before, err) ||
	    !record_read_number(&record, generation, err))
		return false;
	ok = state_read(reading, out, &torn);
	if (!generation_text(reading, key, &after, &torn))
		return err_set(err, torn.kind, torn.code, "%s", torn.text);
	*whole = str_eq(before, after);
	/* What does not fit together may only have changed meanwhile. */
	return ok || !*whole ||
	       err_set(err, torn.kind, torn.code, "%s", torn.text);
}

bool
publish_read_state(struct publisher *publisher, struct arena *arena,
    struct state *out, int64_t *generation, struct err *err)
{
	struct str key =
	    record_name(arena, publisher->ns, RECORD_GENERATION, STR(""));
	struct str prefix = record_prefix(arena, publisher->ns);

	if (key.ptr == NULL || prefix.ptr == NULL)
		return no_memory(err);
	for (int i = 0; i < ATTEMPTS_MAX; i++) {
		struct reading reading = { .publisher = publisher,
			.arena = arena,
			.prefix = prefix };
		bool whole = false;

		if (!reading_try(&reading, key, out, generation, &whole, err))
			return false;
		if (whole)
			return true;
	}
	return err_set(err, ERR_REACH, "view_busy",
	    "the view: changed %d times while it was read; try again",
	    ATTEMPTS_MAX);
}
