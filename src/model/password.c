#include "model/password.h"

#include <string.h>

#include "base/bounds.h"

/* libsodium's own choice for what somebody waits for. */
#define OPS    crypto_pwhash_OPSLIMIT_INTERACTIVE
#define MEMORY crypto_pwhash_MEMLIMIT_INTERACTIVE

bool
password_hash(
    struct str password, char text[PASSWORD_TEXT_MAX], struct err *err)
{
	if (password.len < PASSWORD_LEN_MIN)
		return err_set(err, ERR_USAGE, "password_short",
		    "password: has %zu bytes and needs %d; a few words are "
		    "easy to remember",
		    password.len, PASSWORD_LEN_MIN);
	if (password.len > PASSWORD_LEN_MAX)
		return err_set(err, ERR_USAGE, "password_long",
		    "password: has more than %d bytes; choose a shorter one",
		    PASSWORD_LEN_MAX);
	return (sodium_init() >= 0 && crypto_pwhash_str(text, password.ptr,
					  password.len, OPS, MEMORY) == 0) ||
	       err_set(err, ERR_LIMIT, "no_memory",
		   "memory is out; give the process more");
}

static void
spend(struct str password)
{
	static const unsigned char salt[crypto_pwhash_SALTBYTES] = { 1 };
	unsigned char out[32];

	if (crypto_pwhash(out, sizeof(out), password.ptr, password.len, salt,
		OPS, MEMORY, crypto_pwhash_ALG_DEFAULT) == 0)
		sodium_memzero(out, sizeof(out));
}

bool
password_verify(struct str text, struct str password)
{
	char copy[PASSWORD_TEXT_MAX] = "";

	if (sodium_init() < 0 || password.len > PASSWORD_LEN_MAX)
		return false;
	if (text.len == 0 || text.len >= sizeof(copy)) {
		spend(password);
		return false;
	}
	memcpy(copy, text.ptr, text.len);
	return crypto_pwhash_str_verify(copy, password.ptr, password.len) == 0;
}
