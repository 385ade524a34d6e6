#include "fcgi/web/password.h"

#include "fcgi/web/limits.h"
#include "store/credential.h"

/* libsodium's own choice for what somebody waits for. */
#define OPS    crypto_pwhash_OPSLIMIT_INTERACTIVE
#define MEMORY crypto_pwhash_MEMLIMIT_INTERACTIVE

bool
password_hash(
    struct str password, char hash[crypto_pwhash_STRBYTES], struct err *err)
{
	if (password.len < PASSWORD_MIN || password.len > PASSWORD_MAX)
		return err_set(err, ERR_USAGE, "password_weak",
		    "password: takes %d to %d bytes; a few words are easy to "
		    "remember",
		    PASSWORD_MIN, PASSWORD_MAX);
	return crypto_pwhash_str(
		   hash, password.ptr, password.len, OPS, MEMORY) == 0 ||
	       err_set(err, ERR_LIMIT, "no_memory",
		   "memory is out; give the process more");
}

/* As costly as a verification, for those who have no password. */
static void
spend(struct str password)
{
	static const unsigned char salt[crypto_pwhash_SALTBYTES] = { 1 };
	unsigned char out[32];

	if (crypto_pwhash(out, sizeof(out), password.ptr, password.len, salt,
		OPS, MEMORY, crypto_pwhash_ALG_DEFAULT) == 0)
		sodium_memzero(out, sizeof(out));
}

enum found
password_is(
    struct web *web, struct str member_id, struct str password, struct err *err)
{
	struct str hash = STR("");
	enum found found = FOUND_NO;

	if (password.len > PASSWORD_MAX)
		return FOUND_NO;
	if (member_id.len > 0)
		found = store_password(
		    web->store, &web->arena, member_id, &hash, err);
	switch (found) {
	case FOUND_ERROR:
		return FOUND_ERROR;
	case FOUND_NO:
		spend(password);
		return FOUND_NO;
	case FOUND_YES:
		break;
	}
	return crypto_pwhash_str_verify(hash.ptr, password.ptr, password.len) ==
		       0
		   ? FOUND_YES
		   : FOUND_NO;
}

bool
password_confirm(
    struct web *web, struct str member_id, struct str password, struct err *err)
{
	switch (password_is(web, member_id, password, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_YES:
		return true;
	case FOUND_NO:
		break;
	}
	return err_set(err, ERR_REFUSED, "bad_sign_in",
	    "password: is not the one that is in force");
}
