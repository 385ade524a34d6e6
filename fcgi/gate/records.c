#include "fcgi/gate/records.h"

#include <string.h>

/* FastCGI specification 1.0, sections 3.3, 3.4 and 8. */
#define HEADER_BYTES	((size_t)8)
#define BEGIN_BYTES	((size_t)8)
#define VERSION		1
#define ROLE_RESPONDER	1

enum { TYPE_BEGIN = 1, TYPE_PARAMS = 4, TYPE_STDIN = 5 };

enum stage { STAGE_BEGIN, STAGE_PARAMS, STAGE_STDIN, STAGE_DONE };

struct record_header {
	unsigned type;
	unsigned id;
	size_t content;
	size_t padding;
};

static unsigned
byte_at(struct str s, size_t i)
{
	return (unsigned char)s.ptr[i];
}

static bool
header_read(struct str s, struct record_header *out)
{
	if (byte_at(s, 0) != VERSION)
		return false;
	*out = (struct record_header){
		.type = byte_at(s, 1),
		.id = byte_at(s, 2) << 8 | byte_at(s, 3),
		.content = byte_at(s, 4) << 8 | byte_at(s, 5),
		.padding = byte_at(s, 6),
	};
	return out->id != 0;
}

/* A length is one byte, or four with the top bit set. */
static bool
length_read(struct str *s, size_t *out)
{
	size_t len = 0;

	if (s->len < 1)
		return false;
	if (byte_at(*s, 0) < 0x80) {
		*out = byte_at(*s, 0);
		s->ptr++;
		s->len--;
		return true;
	}
	if (s->len < 4)
		return false;
	for (size_t i = 0; i < 4; i++)
		len = len << 8 | byte_at(*s, i);
	*out = len & 0x7fffffff;
	s->ptr += 4;
	s->len -= 4;
	return true;
}

bool
records_param(struct str *params, struct str *name, struct str *value)
{
	size_t name_len;
	size_t value_len;

	if (params->len == 0 || !length_read(params, &name_len) ||
	    !length_read(params, &value_len) || name_len > params->len ||
	    value_len > params->len - name_len)
		return false;
	*name = (struct str){ params->ptr, name_len };
	*value = (struct str){ params->ptr + name_len, value_len };
	params->ptr += name_len + value_len;
	params->len -= name_len + value_len;
	return true;
}

static bool
params_fit(struct str params)
{
	struct str name;
	struct str value;

	while (params.len > 0)
		if (!records_param(&params, &name, &value))
			return false;
	return true;
}

/* The state of one walk. */
struct walk {
	enum stage stage;
	unsigned id;
	struct str params;
	char *joined;
	bool is_joined;
};

static bool
begin_check(struct walk *w, const struct record_header *h, struct str content)
{
	if (h->content != BEGIN_BYTES)
		return false;
	w->id = h->id;
	w->stage = STAGE_PARAMS;
	return (byte_at(content, 0) << 8 | byte_at(content, 1)) ==
	       ROLE_RESPONDER;
}

/* The first stays where it is; a second one makes a copy of both. */
static void
params_add(struct walk *w, struct str content)
{
	if (w->params.len == 0) {
		w->params = content;
		return;
	}
	if (!w->is_joined) {
		memcpy(w->joined, w->params.ptr, w->params.len);
		w->params.ptr = w->joined;
		w->is_joined = true;
	}
	memcpy(w->joined + w->params.len, content.ptr, content.len);
	w->params.len += content.len;
}

static bool
record_check(struct walk *w, const struct record_header *h, struct str content)
{
	if (w->stage == STAGE_BEGIN)
		return h->type == TYPE_BEGIN && begin_check(w, h, content);
	if (h->id != w->id)
		return false;
	if (w->stage == STAGE_PARAMS && h->type == TYPE_PARAMS) {
		if (content.len > 0)
			params_add(w, content);
		else
			w->stage = STAGE_STDIN;
		return true;
	}
	if (w->stage == STAGE_STDIN && h->type == TYPE_STDIN) {
		if (content.len == 0)
			w->stage = STAGE_DONE;
		return true;
	}
	return false;
}

enum records
records_walk(struct str bytes, char joined[RECORDS_MAX], struct str *params)
{
	struct walk w = { .joined = joined };
	struct record_header h;
	bool full = bytes.len >= RECORDS_MAX;

	if (bytes.len > RECORDS_MAX)
		return RECORDS_REFUSED;
	while (w.stage != STAGE_DONE) {
		if (bytes.len < HEADER_BYTES)
			return full ? RECORDS_REFUSED : RECORDS_MORE;
		if (!header_read(bytes, &h))
			return RECORDS_REFUSED;
		bytes.ptr += HEADER_BYTES;
		bytes.len -= HEADER_BYTES;
		if (bytes.len < h.content + h.padding)
			return full || h.content + h.padding > RECORDS_MAX
				   ? RECORDS_REFUSED
				   : RECORDS_MORE;
		if (!record_check(&w, &h, (struct str){ bytes.ptr, h.content }))
			return RECORDS_REFUSED;
		bytes.ptr += h.content + h.padding;
		bytes.len -= h.content + h.padding;
	}
	if (bytes.len > 0 || !params_fit(w.params))
		return RECORDS_REFUSED;
	*params = w.params;
	return RECORDS_WHOLE;
}
