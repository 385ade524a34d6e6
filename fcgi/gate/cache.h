/* cache.h - the near cache: the records that one worker has read.
 *
 * Shape:   an entry is one record, or the knowledge that there is none, under
 *          (kind, name). It is the text of the record's body, for that is a
 *          third of the parsed form; only what is long to parse is kept parsed
 *          as well: catalogues, and accounts deep in a tree. Where a record is
 *          compared with the next one, it is the whole text.
 * Fresh:   an entry that was read while Redis told us of every change, and of
 *          which it has told none since. What is not fresh stays, until it is
 *          pushed out, as the memory of how old it was (cache_floor) and for
 *          an operator who wants stale answers (cache_get_stale).
 * Race:    cache_put() wants the count of changes from the moment when the
 *          record was asked for, and keeps nothing when it went up since.
 * Bound:   never more than max_bytes with all overhead. The oldest goes first,
 *          unless it was used since it came or was last spared: to put each
 *          one in front when it is used would touch its neighbours in memory
 *          as well. Absences have an eighth of it, so that names that
 *          somebody made up cannot push out the real ones.
 * Owner:   entries count their holders; what is held stays valid after it has
 *          left the cache. One thread. */
#ifndef ROLEGATE_GATE_CACHE_H
#define ROLEGATE_GATE_CACHE_H

#include "base/err.h"
#include "publish/record.h"

struct cache;

struct entry {
	struct entry *next; /* in its slot */
	struct entry *newer; /* by when it came, or was spared */
	struct entry *older;
	struct parsed *parsed; /* or NULL: it is parsed at each use */
	uint64_t hash;
	int64_t generation; /* of the record; the number in a record of one */
	int64_t read_ms;
	uint32_t holders;
	uint32_t epoch; /* of tracking that covers it; 0: none */
	uint32_t text_len;
	uint32_t body_len;
	uint16_t body_at; /* in the text */
	uint16_t name_len;
	uint8_t kind;
	bool absent;
	bool forgotten; /* Redis said that it changed */
	bool inside;
	bool used; /* since then */
	bool whole; /* its body was read once, and has the form of its kind */
	char bytes[]; /* the name, then the text */
};

/* It borrows from the entry's text. */
struct parsed {
	struct arena arena;
	const struct account *account;
	const struct catalogue *catalogue;
	/* Of a catalogue: a generation that was read before it was. While that
	 * is the view's, nothing has changed. */
	int64_t as_of;
};

/* With one holder. NULL when memory is out. */
struct entry *
entry_new(enum record_kind kind, struct str name, struct str text);
struct entry *entry_hold(struct entry *entry);
void entry_release(struct entry *entry); /* NULL is fine */
struct str entry_name(const struct entry *entry);
struct str entry_text(const struct entry *entry);
struct str entry_body(const struct entry *entry);
size_t entry_bytes(const struct entry *entry);

bool cache_open(struct cache **out, size_t max_bytes, struct err *err);
void cache_close(struct cache *cache);

/* Redis tells of every change from now on, or does not any more. Either way
 * nothing that is in the cache is fresh. */
void cache_track(struct cache *cache, bool tracking);
/* At that time every change had been told. */
void cache_confirm(struct cache *cache, int64_t at_ms);
/* There may be changes that were not told of: until they were, nothing is stale
 * that could be mixed with what is newer. A connection that ends while it is
 * behind leaves nothing. */
void cache_behind(struct cache *cache, bool behind);
bool cache_is_behind(const struct cache *cache);
/* One record changed, or all of them may have: not even stale after this. */
void cache_forget(struct cache *cache, enum record_kind kind, struct str name);
void cache_clear(struct cache *cache);
/* A change is being told, or told of something that is not kept. */
void cache_changed(struct cache *cache);
int64_t cache_changes(const struct cache *cache);

/* Borrowed until the next call; NULL when there is none such. */
struct entry *
cache_get(struct cache *cache, enum record_kind kind, struct str name);
struct entry *cache_get_stale(struct cache *cache, enum record_kind kind,
    struct str name, int64_t oldest_ms);
/* Whatever is remembered. */
struct entry *
cache_peek(struct cache *cache, enum record_kind kind, struct str name);
/* The generation of the newest record that is remembered under the name. */
int64_t
cache_floor(struct cache *cache, enum record_kind kind, struct str name);
/* An entry that is inside already is as good as read just now. */
void cache_put(struct cache *cache, struct entry *entry,
    int64_t changes_when_asked, int64_t now_ms);

struct cache_counts {
	int64_t bytes;
	int64_t records;
};
struct cache_counts cache_count(const struct cache *cache);

#endif
