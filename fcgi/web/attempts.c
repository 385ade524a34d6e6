#include "fcgi/web/attempts.h"

#include <sodium.h>

#include "admin/admin.h"
#include "model/token.h"
#include "store/credential.h"

#define OF_ADDRESS 10 /* times those of one username: many share one */

static struct str
key_of(struct web *web, const char *kind, struct str name)
{
	char hex[TOKEN_DIGEST_LEN + 1];

	token_digest(str_fmt(&web->arena, "%s:%.*s", kind,
			 STR_ARGS(str_fold(&web->arena, name))),
	    hex);
	return str_copy(&web->arena, str_from(hex));
}

static bool
too_many(struct err *err)
{
	return err_set(err, ERR_REFUSED, "too_many_attempts",
	    "sign-in: too many attempts failed; wait some minutes");
}

static bool
count_one(struct web *web, struct str key, int64_t max, struct err *err)
{
	const struct config_web *config = &web->setup->config.web;
	int64_t now_s = web->now_ms / 1000;
	struct attempts attempts = { 0 };

	if (!store_attempts(web->store, key, &attempts, err))
		return false;
	if (attempts.since_s + config->attempts_s <= now_s)
		attempts = (struct attempts){ .since_s = now_s };
	if (attempts.count >= max)
		return too_many(err);
	attempts.count++;
	return store_set_attempts(web->store, key, &attempts, err);
}

static bool
one_less(struct web *web, struct str key, struct err *err)
{
	struct attempts attempts = { 0 };

	if (!store_attempts(web->store, key, &attempts, err))
		return false;
	if (attempts.count > 0)
		attempts.count--;
	return store_set_attempts(web->store, key, &attempts, err);
}

static bool
finish(struct web *web, bool ok, struct err *err)
{
	if (ok && store_commit(web->store, err))
		return true;
	store_rollback(web->store);
	return false;
}

bool
attempt_count(
    struct web *web, struct str username, struct str address, struct err *err)
{
	int64_t max = web->setup->config.web.attempts_max;

	return store_begin(web->store, err) &&
	       finish(web,
		   count_one(web, key_of(web, "address", address),
		       max * OF_ADDRESS, err) &&
		       (username.len == 0 ||
			   count_one(
			       web, key_of(web, "user", username), max, err)),
		   err);
}

bool
attempt_forget(
    struct web *web, struct str username, struct str address, struct err *err)
{
	const struct attempts none = { 0 };

	return store_begin(web->store, err) &&
	       finish(web,
		   one_less(web, key_of(web, "address", address), err) &&
		       (username.len == 0 ||
			   store_set_attempts(web->store,
			       key_of(web, "user", username), &none, err)),
		   err);
}
