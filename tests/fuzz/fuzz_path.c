/* A path and a raw target, with a line feed between them. What is called plain
 * has one reading only: encoding the path gives a target that is plain too,
 * and no other path goes with that target, but for the index of a folder. */
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_index(struct str path)
{
	const char *page = memrchr(path.ptr, '/', path.len);
	size_t len = path.len - (size_t)(page - path.ptr);

	return len > 7 && memcmp(page, "/index.", 7) == 0;
}

static void
plain_check(struct str path, struct str target)
{
	static const char hex[] = "0123456789ABCDEF";
	char *encoded = malloc(3 * path.len);
	size_t len = 0;

	assert(path.ptr[0] == '/' && text_is_clean(path));
	assert(target.len > 0 && path_is_canonical(path));
	for (size_t i = 0; i < path.len; i++) {
		unsigned char c = (unsigned char)path.ptr[i];

		assert(strchr("%;\\?#", c) == NULL && c >= 0x20);
		assert(i == 0 || c != '/' || path.ptr[i - 1] != '/');
		assert(i == 0 || c != '/' || path.ptr[i - 1] != '.');
		assert(i == 0 || c != '/' || path.ptr[i - 1] != ' ');
		if (c == '/')
			encoded[len++] = '/';
		else {
			encoded[len++] = '%';
			encoded[len++] = hex[c >> 4];
			encoded[len++] = hex[c & 15];
		}
	}
	assert(path_is_plain(path, (struct str){ encoded, len }));
	assert(path.len == 1 || is_index(path) ||
	       !path_is_plain((struct str){ path.ptr, path.len - 1 }, target));
	free(encoded);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size };
	struct str path;

	if (size == 0 || !str_next(&rest, '\n', &path) || rest.ptr == NULL)
		return 0;
	if (path_is_plain(path, rest))
		plain_check(path, rest);
	/* A path alone stands for itself, unless it has a blank. */
	assert(path_is_plain(path, path) ==
	       (path_is_canonical(path) &&
		   memchr(path.ptr, ' ', path.len) == NULL));
	return 0;
}
