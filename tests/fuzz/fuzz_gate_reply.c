/* Bytes from what should be Redis: the items are the same in whatever pieces
 * they come, each is within what was fed, and what is not RESP2 ends it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/gate/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct taken {
	size_t items;
	size_t bytes;
	uint64_t hash;
	size_t refuse_at; /* 0: none */
};

static bool
take(void *context, const struct reply_item *item)
{
	struct taken *taken = context;
	uint64_t all[] = { (uint64_t)item->type, (uint64_t)item->depth,
		(uint64_t)item->index, (uint64_t)item->number,
		str_hash(item->text) };

	assert(item->type > REPLY_NONE && item->type <= REPLY_LIST);
	assert(item->depth >= 0 && item->depth < 9 && item->index >= 0);
	assert(item->type != REPLY_LIST || item->number >= 0);
	taken->items++;
	taken->bytes += item->text.len;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		taken->hash = (taken->hash ^ all[i]) * 1099511628211ULL;
	return taken->items != taken->refuse_at;
}

static bool
feed(const char *bytes, size_t len, size_t piece, struct taken *taken)
{
	struct reply_reader *reader = NULL;
	struct err err = { 0 };
	bool fits = true;

	if (!reply_open(&reader, take, taken, &err))
		abort();
	for (size_t at = 0; fits && at < len; at += piece) {
		size_t left = len - at;

		fits = reply_feed(
		    reader, bytes + at, left < piece ? left : piece, &err);
	}
	assert(fits || err.code != NULL);
	assert(taken->bytes <= len);
	reply_close(reader);
	return fits;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct taken whole = { 0 };
	struct taken pieces = { 0 };
	struct taken refused = { 0 };
	const char *bytes = (const char *)data + 1;

	if (size < 2 || size > 65536)
		return 0;
	bool fits = feed(bytes, size - 1, size, &whole);

	assert(feed(bytes, size - 1, (size_t)data[0] % 7 + 1, &pieces) == fits);
	assert(whole.items == pieces.items && whole.hash == pieces.hash);
	refused.refuse_at = whole.items;
	assert(feed(bytes, size - 1, size, &refused) ==
	       (fits && whole.items == 0));
	assert(refused.items == whole.items);
	return 0;
}
