#include "fcgi/gate/records.h"

#include <string.h>

#include "fcgi/gate/limits.h"

/* The FastCGI specification 1.0, sections 3.3, 3.4 and 5.1. */
#define VERSION	       1
#define HEADER_BYTES   8
#define BEGIN_BYTES    8
#define ROLE_RESPONDER 1
#define FLAG_KEEP_CONN 1

enum type { TYPE_BEGIN = 1, TYPE_PARAMS = 4, TYPE_STDIN = 5 };

struct record_header {
	int version;
	int type;
	int id;
	size_t content;
	size_t padding;
};

/* Names and values one behind the other; records cut them anywhere. */
enum stage { STAGE_NAME_LEN = 0, STAGE_VALUE_LEN, STAGE_NAME, STAGE_VALUE };

struct pairs {
	enum stage stage;
	int more; /* bytes that a length still has */
	size_t length; /* as far as it has been read */
	size_t name_left;
	size_t value_left;
};

struct walker {
	int expects; /* the type of the next record; 0 behind the end */
	int id;
	bool keep;
	struct pairs pairs;
};

/* --- Parameters ---------------------------------------------------------- */

static bool
length_done(struct pairs *p)
{
	size_t length = p->length;

	p->length = 0;
	if (length > REQUEST_READ_MAX)
		return false;
	if (p->stage == STAGE_NAME_LEN) {
		p->name_left = length;
		p->stage = STAGE_VALUE_LEN;
		return length > 0;
	}
	p->value_left = length;
	p->stage = STAGE_NAME;
	return true;
}

/* One byte, or four of which the first has its highest bit set. */
static bool
length_feed(struct pairs *p, unsigned char byte)
{
	if (p->more == 0 && (byte & 0x80) != 0) {
		p->length = byte & 0x7f;
		p->more = 3;
		return true;
	}
	p->length = p->length << 8 | byte;
	if (p->more > 0)
		p->more--;
	return p->more > 0 || length_done(p);
}

/* As much of a name or value as is there; returns how much that is, and 0
 * when it cannot be one. */
static size_t
text_feed(struct pairs *p, const unsigned char *bytes, size_t len)
{
	bool is_name = p->stage == STAGE_NAME;
	size_t *left = is_name ? &p->name_left : &p->value_left;
	size_t take = len < *left ? len : *left;

	if (memchr(bytes, '\0', take) != NULL ||
	    (is_name && memchr(bytes, '=', take) != NULL))
		return 0;
	*left -= take;
	if (*left == 0)
		p->stage =
		    is_name && p->value_left > 0 ? STAGE_VALUE : STAGE_NAME_LEN;
	return take;
}

static bool
pairs_feed(struct pairs *p, const unsigned char *bytes, size_t len)
{
	size_t at = 0;

	while (at < len) {
		if (p->stage == STAGE_NAME || p->stage == STAGE_VALUE) {
			size_t took = text_feed(p, bytes + at, len - at);

			if (took == 0)
				return false;
			at += took;
		} else if (!length_feed(p, bytes[at++]))
			return false;
	}
	return true;
}

static bool
pairs_are_whole(const struct pairs *p)
{
	return p->stage == STAGE_NAME_LEN && p->more == 0;
}

/* --- Records ------------------------------------------------------------- */

static struct record_header
header_read(const unsigned char *bytes)
{
	return (struct record_header){
		.version = bytes[0],
		.type = bytes[1],
		.id = bytes[2] << 8 | bytes[3],
		.content = (size_t)(bytes[4] << 8 | bytes[5]),
		.padding = bytes[6],
	};
}

/* By its header alone: may this record stand here? */
static bool
header_is_good(const struct walker *w, const struct record_header *h)
{
	bool first = w->expects == TYPE_BEGIN;

	if (h->version != VERSION || h->type != w->expects || h->id == 0 ||
	    (!first && h->id != w->id))
		return false;
	if (first)
		return h->content == BEGIN_BYTES && h->padding == 0;
	return h->content > 0 || h->padding == 0;
}

static bool
begin_take(struct walker *w, const unsigned char *body, int id)
{
	w->id = id;
	w->keep = (body[2] & FLAG_KEEP_CONN) != 0;
	w->expects = TYPE_PARAMS;
	return (body[0] << 8 | body[1]) == ROLE_RESPONDER;
}

static bool
record_take(
    struct walker *w, const struct record_header *h, const unsigned char *body)
{
	if (h->type == TYPE_BEGIN)
		return begin_take(w, body, h->id);
	if (h->type == TYPE_PARAMS && h->content > 0)
		return pairs_feed(&w->pairs, body, h->content);
	if (h->type == TYPE_PARAMS) {
		w->expects = TYPE_STDIN;
		return pairs_are_whole(&w->pairs);
	}
	/* A body is drained and means nothing. */
	if (h->content == 0)
		w->expects = 0;
	return true;
}

enum walk
records_walk(const unsigned char *bytes, size_t len, bool *keep)
{
	struct walker w = { .expects = TYPE_BEGIN };
	size_t at = 0;

	while (w.expects != 0) {
		struct record_header h;
		size_t end;

		if (len - at < HEADER_BYTES)
			return at + HEADER_BYTES > REQUEST_READ_MAX
				   ? WALK_REFUSE
				   : WALK_INCOMPLETE;
		h = header_read(bytes + at);
		end = at + HEADER_BYTES + h.content + h.padding;
		if (!header_is_good(&w, &h) || end > REQUEST_READ_MAX)
			return WALK_REFUSE;
		if (end > len)
			return WALK_INCOMPLETE;
		if (!record_take(&w, &h, bytes + at + HEADER_BYTES))
			return WALK_REFUSE;
		at = end;
	}
	*keep = w.keep;
	return at == len ? WALK_COMPLETE : WALK_REFUSE;
}
