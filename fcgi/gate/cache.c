#include "fcgi/gate/cache.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/bounds.h"

/* One slot for so many bytes of the bound. */
#define BYTES_A_SLOT 512
#define ABSENT_SHARE 8
#define EPOCHS_KEPT  16
#define SPARED_MAX   64 /* for one that is put in */
/* What malloc() adds to a block, and its rounding. */
#define BLOCK_HEAD  8
#define BLOCK_ROUND 16

/* Entries in the order in which they came or were spared. */
struct row {
	struct entry *newest;
	struct entry *oldest;
	size_t bytes;
	size_t max_bytes;
	size_t count;
};

struct cache {
	struct entry **slots;
	size_t slot_count; /* a power of two */
	unsigned char hash_key[crypto_shorthash_KEYBYTES];
	struct row present;
	struct row absent;
	bool tracking;
	bool behind;
	bool cleared; /* and nothing was put in since */
	uint32_t epoch;
	int64_t changes;
	struct {
		uint32_t epoch;
		int64_t until_ms; /* every change had been told until then */
	} told[EPOCHS_KEPT];
};

/* --- Entries ------------------------------------------------------------- */

struct entry *
entry_new(enum record_kind kind, struct str name, struct str text)
{
	struct entry *entry;

	if (name.len > UINT16_MAX || text.len > RECORD_MAX)
		return NULL;
	entry = malloc(sizeof(*entry) + name.len + text.len);
	if (entry == NULL)
		return NULL;
	*entry = (struct entry){
		.holders = 1,
		.kind = (uint8_t)kind,
		.name_len = (uint16_t)name.len,
		.text_len = (uint32_t)text.len,
		.absent = text.ptr == NULL,
	};
	if (name.len > 0)
		memcpy(entry->bytes, name.ptr, name.len);
	if (text.len > 0)
		memcpy(entry->bytes + name.len, text.ptr, text.len);
	return entry;
}

struct entry *
entry_hold(struct entry *entry)
{
	entry->holders++;
	return entry;
}

void
entry_release(struct entry *entry)
{
	if (entry == NULL || --entry->holders > 0)
		return;
	if (entry->parsed != NULL) {
		arena_free(&entry->parsed->arena);
		free(entry->parsed);
	}
	free(entry);
}

struct str
entry_name(const struct entry *entry)
{
	return (struct str){ entry->bytes, entry->name_len };
}

struct str
entry_text(const struct entry *entry)
{
	return (struct str){ entry->bytes + entry->name_len, entry->text_len };
}

struct str
entry_body(const struct entry *entry)
{
	struct str text = entry_text(entry);

	return (struct str){ text.ptr + entry->body_at, entry->body_len };
}

static size_t
block_bytes(size_t bytes)
{
	return (bytes + BLOCK_HEAD + BLOCK_ROUND - 1) / BLOCK_ROUND *
	       BLOCK_ROUND;
}

size_t
entry_bytes(const struct entry *entry)
{
	size_t bytes =
	    block_bytes(sizeof(*entry) + entry->name_len + entry->text_len);

	if (entry->parsed != NULL)
		bytes += block_bytes(sizeof(*entry->parsed)) +
			 block_bytes(arena_held_bytes(&entry->parsed->arena));
	return bytes;
}

/* --- Rows and slots ------------------------------------------------------ */

static struct row *
row_of(struct cache *cache, const struct entry *entry)
{
	return entry->absent ? &cache->absent : &cache->present;
}

static void
row_take(struct row *row, struct entry *entry)
{
	if (entry->newer != NULL)
		entry->newer->older = entry->older;
	else
		row->newest = entry->older;
	if (entry->older != NULL)
		entry->older->newer = entry->newer;
	else
		row->oldest = entry->newer;
	entry->newer = NULL;
	entry->older = NULL;
}

static void
row_put(struct row *row, struct entry *entry)
{
	entry->older = row->newest;
	if (row->newest != NULL)
		row->newest->newer = entry;
	else
		row->oldest = entry;
	row->newest = entry;
}

/* Account ids come out of URLs: the hash has a key that nobody knows, so that
 * nobody can choose names that all fall into one slot. */
static uint64_t
hash_of(const struct cache *cache, enum record_kind kind, struct str name)
{
	uint64_t hash;
	unsigned char out[crypto_shorthash_BYTES];

	crypto_shorthash(
	    out, (const unsigned char *)name.ptr, name.len, cache->hash_key);
	memcpy(&hash, out, sizeof(hash));
	return hash + (uint64_t)kind * 0x9e3779b97f4a7c15ULL;
}

static struct entry **
slot_of(struct cache *cache, uint64_t hash)
{
	return &cache->slots[hash & (cache->slot_count - 1)];
}

static struct entry *
find(struct cache *cache, enum record_kind kind, struct str name)
{
	uint64_t hash = hash_of(cache, kind, name);

	for (struct entry *e = *slot_of(cache, hash); e != NULL; e = e->next)
		if (e->hash == hash && e->kind == (uint8_t)kind &&
		    str_eq(entry_name(e), name))
			return e;
	return NULL;
}

static void
put_out(struct cache *cache, struct entry *entry)
{
	struct row *row = row_of(cache, entry);
	struct entry **at = slot_of(cache, entry->hash);

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	row_take(row, entry);
	row->bytes -= entry_bytes(entry);
	row->count--;
	entry->inside = false;
	entry_release(entry);
}

/* The oldest that was not used, or nearly: nobody waits until the whole row was
 * looked through. */
static void
one_out(struct cache *cache, struct row *row)
{
	for (int i = 0; i < SPARED_MAX && row->oldest->used; i++) {
		struct entry *entry = row->oldest;

		entry->used = false;
		row_take(row, entry);
		row_put(row, entry);
	}
	put_out(cache, row->oldest);
}

static size_t
bytes_of_all(const struct cache *cache)
{
	return cache->present.bytes + cache->absent.bytes;
}

static void
put_in(struct cache *cache, struct entry *entry)
{
	struct row *row = row_of(cache, entry);
	size_t bytes = entry_bytes(entry);
	struct entry **slot;

	if (bytes > row->max_bytes)
		return;
	while (row->bytes + bytes > row->max_bytes)
		one_out(cache, row);
	while (bytes_of_all(cache) + bytes > cache->present.max_bytes)
		one_out(cache, cache->present.oldest != NULL ? &cache->present
							     : &cache->absent);
	slot = slot_of(cache, entry->hash);
	entry->next = *slot;
	*slot = entry_hold(entry);
	entry->inside = true;
	row_put(row, entry);
	row->bytes += bytes;
	row->count++;
}

/* --- Changes ------------------------------------------------------------- */

void
cache_changed(struct cache *cache)
{
	cache->changes++;
}

int64_t
cache_changes(const struct cache *cache)
{
	return cache->changes;
}

void
cache_track(struct cache *cache, bool tracking)
{
	cache->changes++;
	if (cache->behind)
		cache_clear(cache);
	cache->behind = false;
	cache->tracking = tracking;
	if (!tracking)
		return;
	/* After 2^32 connections an old entry could look fresh. */
	if (++cache->epoch == 0) {
		cache_clear(cache);
		cache->epoch = 1;
	}
	cache->told[cache->epoch % EPOCHS_KEPT].epoch = cache->epoch;
	cache->told[cache->epoch % EPOCHS_KEPT].until_ms = 0;
}

void
cache_behind(struct cache *cache, bool behind)
{
	cache->behind = behind;
}

bool
cache_is_behind(const struct cache *cache)
{
	return cache->behind;
}

void
cache_confirm(struct cache *cache, int64_t at_ms)
{
	if (cache->tracking)
		cache->told[cache->epoch % EPOCHS_KEPT].until_ms = at_ms;
}

/* When the entry is last known to have been true. */
static int64_t
true_ms(const struct cache *cache, const struct entry *entry)
{
	size_t at = entry->epoch % EPOCHS_KEPT;

	if (entry->epoch != 0 && cache->told[at].epoch == entry->epoch &&
	    cache->told[at].until_ms > entry->read_ms)
		return cache->told[at].until_ms;
	return entry->read_ms;
}

void
cache_forget(struct cache *cache, enum record_kind kind, struct str name)
{
	struct entry *entry = find(cache, kind, name);

	cache->changes++;
	if (entry != NULL)
		entry->forgotten = true;
}

void
cache_clear(struct cache *cache)
{
	cache->changes++;
	if (cache->cleared)
		return;
	cache->cleared = true;
	for (struct entry *e = cache->present.newest; e != NULL; e = e->older)
		e->forgotten = true;
	for (struct entry *e = cache->absent.newest; e != NULL; e = e->older)
		e->forgotten = true;
}

/* --- Getting and putting ------------------------------------------------- */

static struct entry *
used(struct entry *entry)
{
	if (!entry->used)
		entry->used = true;
	return entry;
}

struct entry *
cache_get(struct cache *cache, enum record_kind kind, struct str name)
{
	struct entry *entry = find(cache, kind, name);

	if (entry == NULL || entry->forgotten || !cache->tracking ||
	    entry->epoch != cache->epoch)
		return NULL;
	return used(entry);
}

struct entry *
cache_get_stale(struct cache *cache, enum record_kind kind, struct str name,
    int64_t oldest_ms)
{
	struct entry *entry = find(cache, kind, name);

	if (entry == NULL || entry->forgotten || cache->behind ||
	    true_ms(cache, entry) < oldest_ms)
		return NULL;
	return used(entry);
}

struct entry *
cache_peek(struct cache *cache, enum record_kind kind, struct str name)
{
	return find(cache, kind, name);
}

int64_t
cache_floor(struct cache *cache, enum record_kind kind, struct str name)
{
	const struct entry *entry = find(cache, kind, name);

	return entry != NULL ? entry->generation : 0;
}

void
cache_put(struct cache *cache, struct entry *entry, int64_t changes_when_asked,
    int64_t now_ms)
{
	struct str name = entry_name(entry);
	enum record_kind kind = (enum record_kind)entry->kind;
	struct entry *old;

	if (cache->changes != changes_when_asked)
		return;
	cache->cleared = false;
	entry->forgotten = false;
	entry->epoch = cache->tracking ? cache->epoch : 0;
	entry->read_ms = now_ms;
	if (entry->inside) {
		used(entry);
		return;
	}
	entry->hash = hash_of(cache, kind, name);
	old = find(cache, kind, name);
	if (old != NULL) {
		if (entry->absent)
			entry->generation = old->generation;
		put_out(cache, old);
	}
	put_in(cache, entry);
}

/* --- Opening ------------------------------------------------------------- */

bool
cache_open(struct cache **out, size_t max_bytes, struct err *err)
{
	struct cache *cache = calloc(1, sizeof(*cache));
	size_t slots = 64;
	size_t fixed;

	if (cache == NULL)
		return err_set(err, ERR_BUG, "no_memory",
		    "memory is out; give the process more");
	while (slots < max_bytes / BYTES_A_SLOT)
		slots *= 2;
	fixed = sizeof(*cache) + slots * sizeof(cache->slots[0]);
	cache->slots = calloc(slots, sizeof(cache->slots[0]));
	if (cache->slots == NULL) {
		free(cache);
		return err_set(err, ERR_BUG, "no_memory",
		    "memory is out; give the process more");
	}
	cache->slot_count = slots;
	randombytes_buf(cache->hash_key, sizeof(cache->hash_key));
	cache->present.max_bytes = max_bytes > fixed ? max_bytes - fixed : 0;
	cache->absent.max_bytes = cache->present.max_bytes / ABSENT_SHARE;
	*out = cache;
	return true;
}

void
cache_close(struct cache *cache)
{
	if (cache == NULL)
		return;
	while (cache->present.oldest != NULL)
		put_out(cache, cache->present.oldest);
	while (cache->absent.oldest != NULL)
		put_out(cache, cache->absent.oldest);
	free(cache->slots);
	free(cache);
}

struct cache_counts
cache_count(const struct cache *cache)
{
	return (struct cache_counts){
		.bytes = (int64_t)(bytes_of_all(cache) +
				   cache->slot_count * sizeof(cache->slots[0]) +
				   sizeof(*cache)),
		.records =
		    (int64_t)(cache->present.count + cache->absent.count),
	};
}
