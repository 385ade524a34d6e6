/* list.h - long lists, a page at a time, in a stable order.
 *
 * Shape:   at most `max` rows that come after `after` in the order of the
 *          list; the last row's key is the next `after`. `find` narrows to
 *          those that have it in username, name or address (members) or id or
 *          name (accounts), without regard to the case of A-Z; empty: all.
 * Owner:   results live in the arena.
 * Errors:  those of store.h. */
#ifndef ROLEGATE_STORE_LIST_H
#define ROLEGATE_STORE_LIST_H

#include "store/store.h"

struct page {
	struct str after;
	struct str find;
	size_t max;
};

/* By folded username, with grants and identities: of everybody, or of those
 * with a grant made on the account or who own it. */
bool store_list_members(struct store *store, struct arena *arena,
    struct str account, const struct page *page, struct member **out,
    size_t *count, struct err *err);
/* Somebody of this address, without regard to the case of A-Z, who has a grant
 * made on the account or owns it. */
enum found store_member_at(struct store *store, struct arena *arena,
    struct str account, struct str email, struct str *username,
    struct err *err);
/* By id, each with its chain of parents: everything, or the account and what
 * is below it; of those the ones that the member (by id) reaches by ownership
 * or a grant unexpired at now_s, on the account or above it, when it is not
 * empty. */
bool store_list_accounts(struct store *store, struct arena *arena,
    struct str below, struct str member_id, int64_t now_s,
    const struct page *page,
    const struct account ***out, size_t *count, struct err *err);

#endif
