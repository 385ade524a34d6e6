/* state.h - all members, accounts and catalogues at once, in memory.
 *
 * Shape:   members ordered by folded username, accounts parents first and
 *          then by id; found by hash. Built by the store (whole state), by
 *          state_json (a file) or by a test.
 * Owner:   one arena holds it all.
 * Errors:  find functions return NULL when there is none. */
#ifndef ROLEGATE_STATE_H
#define ROLEGATE_STATE_H

#include "model/account.h"
#include "model/catalogue.h"
#include "model/member.h"

struct state {
	struct member *members;
	size_t member_count;
	struct account *accounts;
	size_t account_count;
	struct catalogues catalogues;
	/* Hash tables of index + 1, sized to a power of two; see state_index. */
	uint32_t *member_slots;
	uint32_t *account_slots;
	size_t member_slot_count;
	size_t account_slot_count;
};

/* Builds the hash tables and links every account to its parent. False when
 * memory is out or a username or an account id stands twice. */
bool state_index(struct state *state, struct arena *arena, struct err *err);
const struct member *state_member(const struct state *state,
    struct str username);
const struct account *state_account(const struct state *state, struct str id);
/* The catalogue of the account's root, or NULL. */
const struct catalogue *state_catalogue(const struct state *state,
    const struct account *account);

#endif
