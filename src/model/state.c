#include "model/state.h"

/* Where the username's index stands, or the free slot where it would. */
static uint32_t *
member_slot(const struct state *state, struct str username)
{
	size_t mask = state->member_slot_count - 1;
	size_t i = str_hash_fold(username) & mask;

	while (state->member_slots[i] != 0 &&
	       !str_eq_fold(
		   state->members[state->member_slots[i] - 1].username,
		   username))
		i = (i + 1) & mask;
	return &state->member_slots[i];
}

static uint32_t *
account_slot(const struct state *state, struct str id)
{
	size_t mask = state->account_slot_count - 1;
	size_t i = str_hash(id) & mask;

	while (state->account_slots[i] != 0 &&
	       !str_eq(state->accounts[state->account_slots[i] - 1].id, id))
		i = (i + 1) & mask;
	return &state->account_slots[i];
}

/* A power of two that is never more than half full. */
static uint32_t *
slots_new(struct arena *arena, size_t items, size_t *count)
{
	size_t want = 8;

	while (want < items * 2)
		want *= 2;
	*count = want;
	return ARENA_ARRAY(arena, uint32_t, want);
}

static bool
members_index(struct state *state, struct arena *arena, struct err *err)
{
	state->member_slots =
	    slots_new(arena, state->member_count, &state->member_slot_count);
	if (state->member_slots == NULL)
		return err_set(err, ERR_LIMIT, "no_memory",
		    "the state: memory is out; give the process more");
	for (size_t i = 0; i < state->member_count; i++) {
		struct str username = state->members[i].username;
		uint32_t *slot = member_slot(state, username);

		if (*slot != 0)
			return err_set(err, ERR_FILE, "member_twice",
			    "member %.*s: is there twice, perhaps with other "
			    "capitals; take one away",
			    STR_ARGS(username));
		*slot = (uint32_t)i + 1;
	}
	return true;
}

static bool
accounts_index(struct state *state, struct arena *arena, struct err *err)
{
	state->account_slots =
	    slots_new(arena, state->account_count, &state->account_slot_count);
	if (state->account_slots == NULL)
		return err_set(err, ERR_LIMIT, "no_memory",
		    "the state: memory is out; give the process more");
	for (size_t i = 0; i < state->account_count; i++) {
		struct str id = state->accounts[i].id;
		uint32_t *slot = account_slot(state, id);

		if (*slot != 0)
			return err_set(err, ERR_FILE, "account_twice",
			    "account %.*s: is there twice; take one away",
			    STR_ARGS(id));
		*slot = (uint32_t)i + 1;
	}
	for (size_t i = 0; i < state->account_count; i++) {
		struct account *account = &state->accounts[i];

		account->parent = account->parent_id.len > 0
				      ? state_account(state, account->parent_id)
				      : NULL;
	}
	return true;
}

bool
state_index(struct state *state, struct arena *arena, struct err *err)
{
	if (state->member_count >= UINT32_MAX ||
	    state->account_count >= UINT32_MAX)
		return err_set(err, ERR_LIMIT, "state_too_large",
		    "the state: has more than 2^32 members or accounts");
	return members_index(state, arena, err) &&
	       accounts_index(state, arena, err);
}

const struct member *
state_member(const struct state *state, struct str username)
{
	uint32_t index;

	if (state->member_slot_count == 0)
		return NULL;
	index = *member_slot(state, username);
	return index != 0 ? &state->members[index - 1] : NULL;
}

const struct account *
state_account(const struct state *state, struct str id)
{
	uint32_t index;

	if (state->account_slot_count == 0)
		return NULL;
	index = *account_slot(state, id);
	return index != 0 ? &state->accounts[index - 1] : NULL;
}

const struct catalogue *
state_catalogue(const struct state *state, const struct account *account)
{
	const struct account *root = account_root(account);

	if (root == NULL)
		return NULL;
	return catalogues_find(&state->catalogues, root->catalogue);
}
