#include "model/token.h"

#include <sodium.h>

#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING
_Static_assert(sodium_base64_ENCODED_LEN(TOKEN_BYTES, VARIANT) == TOKEN_LEN + 1,
    "a token is this long");

bool
token_make(char token[TOKEN_LEN + 1])
{
	unsigned char bytes[TOKEN_BYTES];

	if (sodium_init() < 0)
		return false;
	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2base64(token, TOKEN_LEN + 1, bytes, sizeof(bytes), VARIANT);
	sodium_memzero(bytes, sizeof(bytes));
	return true;
}

bool
token_is_one(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			(c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return s.len == TOKEN_LEN;
}

void
token_digest(struct str token, char hex[TOKEN_DIGEST_LEN + 1])
{
	unsigned char hash[TOKEN_DIGEST_LEN / 2];

	crypto_generichash(hash, sizeof(hash), (const unsigned char *)token.ptr,
	    token.len, NULL, 0);
	sodium_bin2hex(hex, TOKEN_DIGEST_LEN + 1, hash, sizeof(hash));
}

bool
token_digest_is_one(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!(s.ptr[i] >= '0' && s.ptr[i] <= '9') &&
		    !(s.ptr[i] >= 'a' && s.ptr[i] <= 'f'))
			return false;
	return s.len == TOKEN_DIGEST_LEN;
}
