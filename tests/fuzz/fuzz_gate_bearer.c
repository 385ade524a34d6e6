/* An Authorization header from anybody: somebody only if it ends in a token
 * with nothing but "Bearer" before it, and never beside a cookie. */
#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "fcgi/gate/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
digest_check(const char *token, const char *digest)
{
	unsigned char hash[32];
	char hex[65];

	crypto_generichash(hash, sizeof(hash), (const unsigned char *)token,
	    TOKEN_LEN, NULL, 0);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	assert(strcmp(hex, digest) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct identity_rules rules = {
		.cookie = STR("sid"), .trusted_user = true, .bearer = true
	};
	const char *text = (const char *)data;
	struct params params = { .authorization = { text, size },
		.trusted_user = STR("ann") };
	struct asker asker;

	if (size == 0 || size > 4096 || memchr(data, '\0', size) != NULL)
		return 0;
	if (identity_find(&rules, &params, &asker)) {
		assert(asker.is_token && asker.username.len == 0);
		assert(size >= TOKEN_LEN);
		if (size > TOKEN_LEN) {
			size_t end = size - TOKEN_LEN;

			assert(strncasecmp(text, "Bearer ", 7) == 0);
			assert(7 + strspn(text + 7, " \t") >= end);
		}
		digest_check(text + size - TOKEN_LEN, asker.digest);
	} else {
		assert(asker.username.len == 0 && asker.digest[0] == '\0');
	}
	params.cookie = STR("sid=x");
	assert(!identity_find(&rules, &params, &asker));
	return 0;
}
