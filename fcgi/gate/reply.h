/* reply.h - what Redis sends, taken apart while it arrives.
 *
 * Shape:   a reply is a row of items: a list comes before its elements, and
 *          each item says how deep it stands and as which element.
 * Owner:   text is borrowed for the length of the call.
 * Errors:  reply_feed() fails on bytes that are not RESP2, on an item that the
 *          taker refuses, and when more than REPLY_MAX bytes wait for the end
 *          of one item; then the reader has to be closed.
 * Limits:  lists are not built, so a list of any announced length costs
 *          nothing until its elements are there. */
#ifndef ROLEGATE_GATE_REPLY_H
#define ROLEGATE_GATE_REPLY_H

#include "base/bounds.h"
#include "base/err.h"
#include "base/str.h"

/* The longest record, and its length in front of it. */
#define REPLY_MAX (RECORD_MAX + 4096)

enum reply_type {
	REPLY_NONE = 0,
	REPLY_TEXT,
	REPLY_STATUS,
	REPLY_ERROR,
	REPLY_NUMBER,
	REPLY_NIL,
	REPLY_LIST,
};

struct reply_item {
	enum reply_type type;
	int depth; /* 0: the reply itself */
	int index; /* in its list */
	struct str text; /* TEXT, STATUS, ERROR */
	int64_t number; /* NUMBER; of a LIST its length */
};

/* False refuses the item and all that follows. The reader must not be closed
 * from inside. */
typedef bool reply_taker(void *context, const struct reply_item *item);

struct reply_reader;

bool reply_open(struct reply_reader **out, reply_taker *take, void *context,
    struct err *err);
void reply_close(struct reply_reader *reader);
bool reply_feed(struct reply_reader *reader, const char *bytes, size_t len,
    struct err *err);

#endif
