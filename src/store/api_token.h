/* api_token.h - tokens for programs, known by their digest.
 *
 * Shape:   decides as its maker (the member) does at that moment, on the
 *          accounts named and below them, for the permissions named, from the
 *          addresses named; an empty list does not narrow. Gone with its
 *          maker. The token itself is shown once and kept nowhere.
 * Owner:   results live in the arena.
 * Errors:  those of store.h.
 * Source:  written by src/admin/ only; published as RECORD_TOKEN. */
#ifndef ROLEGATE_STORE_API_TOKEN_H
#define ROLEGATE_STORE_API_TOKEN_H

#include "store/store.h"

struct api_token {
	struct str id; /* 32 hex digits; not a secret */
	struct str digest;
	struct str member_id;
	struct str username; /* read only */
	struct str description;
	struct names accounts;	  /* sorted ids */
	struct names permissions; /* sorted */
	struct names addresses;	  /* "192.0.2.0/24", "2001:db8::1", sorted */
	int64_t created_s;
	int64_t expires_s; /* 0 never */
	int64_t used_s;	   /* 0 never; day precision is enough */
	int64_t changed;
};

enum found store_api_token(struct store *store, struct arena *arena,
    struct str id, struct api_token *out, struct err *err);
enum found store_api_token_by_digest(struct store *store, struct arena *arena,
    struct str digest, struct api_token *out, struct err *err);
/* Of one member (by id), or of all when it is empty; by id. */
bool store_api_tokens(struct store *store, struct arena *arena,
    struct str member_id, struct api_token **out, size_t *count,
    struct err *err);

bool store_put_api_token(struct store *store, const struct api_token *token,
    int64_t generation, struct err *err);
bool store_set_api_token_used(
    struct store *store, struct str id, int64_t used_s, struct err *err);
bool store_delete_api_token(
    struct store *store, struct str id, struct err *err);

#endif
