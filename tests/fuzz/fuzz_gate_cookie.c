/* A Cookie header from anybody: somebody only if each cookie of the name has
 * one and the same token, found again here in another way. */
#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "fcgi/gate/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ALPHABET \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

/* Is this the place of a cookie named "sid"? */
static bool
is_place(const char *text, size_t at)
{
	size_t before = at;

	if (strncmp(text + at, "sid=", 4) != 0)
		return false;
	while (
	    before > 0 && (text[before - 1] == ' ' || text[before - 1] == '\t'))
		before--;
	return before == 0 || text[before - 1] == ';';
}

/* The one token, or NULL. `text` is NUL-terminated. */
static const char *
token_find(const char *text)
{
	const char *token = NULL;

	for (size_t at = 0; text[at] != '\0'; at++) {
		const char *value = text + at + 4;

		if (!is_place(text, at))
			continue;
		if (strspn(value, ALPHABET) != TOKEN_LEN ||
		    (value[TOKEN_LEN] != '\0' &&
			value[TOKEN_LEN] != ';') ||
		    (token != NULL &&
			strncmp(token, value, TOKEN_LEN) != 0))
			return NULL;
		token = value;
	}
	return token;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct identity_rules rules = { .cookie = STR("sid") };
	char text[4096];
	struct params params = { .cookie = { text, size } };
	struct asker asker;
	const char *token;
	unsigned char hash[32];
	char hex[65];
	bool found;

	/* libfcgi hands over texts without a NUL. */
	if (size >= sizeof(text) || memchr(data, '\0', size) != NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	found = identity_find(&rules, &params, &asker);
	token = token_find(text);
	assert(found == (token != NULL));
	assert(asker.username.len == 0);
	if (!found) {
		assert(asker.digest[0] == '\0');
		return 0;
	}
	crypto_generichash(hash, sizeof(hash), (const unsigned char *)token,
	    TOKEN_LEN, NULL, 0);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	assert(strcmp(hex, asker.digest) == 0);
	return 0;
}
