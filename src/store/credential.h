/* credential.h - local passwords, failed attempts, and answers given once.
 *
 * Shape:   a password is an argon2id text of libsodium. An attempt counter has
 *          a key that names nobody in clear (a digest). An idempotency row
 *          keeps the answer that was given, for a day.
 * Owner:   results live in the arena; the caller wipes what is secret.
 * Errors:  those of store.h. */
#ifndef ROLEGATE_STORE_CREDENTIAL_H
#define ROLEGATE_STORE_CREDENTIAL_H

#include "store/store.h"

/* FOUND_NO: the member has no local password. */
enum found store_password(struct store *store, struct arena *arena,
    struct str member_id, struct str *hash, struct err *err);
bool store_set_password(struct store *store, struct str member_id,
    struct str hash, int64_t now_s, struct err *err); /* empty: none */

/* Failed attempts of this key since since_s; 0 and 0 when there are none. */
struct attempts {
	int64_t count;
	int64_t since_s;
};
bool store_attempts(struct store *store, struct str key, struct attempts *out,
    struct err *err);
bool store_set_attempts(struct store *store, struct str key,
    const struct attempts *attempts, struct err *err); /* count 0: forget */
bool store_prune_attempts(
    struct store *store, int64_t before_s, struct err *err);

struct answered {
	struct str key;	   /* the client's, with the member's id before it */
	struct str digest; /* of the request */
	int64_t status;
	struct str body;
	int64_t at_s;
};
enum found store_answered(struct store *store, struct arena *arena,
    struct str key, struct answered *out, struct err *err);
bool store_put_answered(
    struct store *store, const struct answered *answered, struct err *err);
bool store_prune_answered(
    struct store *store, int64_t before_s, struct err *err);

#endif
