/* What rolegate-web takes from a client, by the first byte: a query string, a
 * path, a Cookie header, a multipart body, a JSON body. Each is read whole or
 * refused with an error; what was read is clean text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fcgi/process/proof.h"
#include "fcgi/web/call.h"
#include "fcgi/web/form.h"
#include "fcgi/web/limits.h"

static void
check(bool right)
{
	if (!right)
		abort();
}

static void
query(struct arena *arena, struct str text)
{
	struct pairs pairs = { NULL, 0 };
	struct err err = { 0 };

	if (!form_read(arena, text, &pairs, &err)) {
		check(err.kind != ERR_NONE);
		return;
	}
	check(pairs.count <= PAIRS_MAX);
	for (size_t i = 0; i < pairs.count; i++) {
		check(text_is_clean(pairs.items[i].name));
		check(text_is_clean(pairs.items[i].value));
	}
}

static void
path(struct arena *arena, struct str text)
{
	struct names words = { NULL, 0 };
	struct err err = { 0 };

	if (!path_split(arena, text, &words, &err)) {
		check(err.kind != ERR_NONE);
		return;
	}
	check(words.count > 0 && words.count <= SEGMENTS_MAX);
	for (size_t i = 0; i < words.count; i++)
		check(text_is_clean(words.items[i]));
}

static void
cookie(struct arena *arena, struct str text)
{
	struct str value = STR("");

	(void)arena;
	if (cookie_find(text, STR("__Host-rolegate"), &value) == COOKIE_ONE)
		check(memchr(value.ptr, ';', value.len) == NULL);
	(void)bearer_of(text);
}

/* The header ends at the first line feed. */
static void
multipart(struct arena *arena, struct str text)
{
	struct parts parts = { NULL, 0 };
	struct str header = STR("");
	struct err err = { 0 };

	str_next(&text, '\n', &header);
	if (text.ptr == NULL)
		text = STR("");
	if (!multipart_read(arena, header, text, &parts, &err)) {
		check(err.kind != ERR_NONE);
		return;
	}
	for (size_t i = 0; i < parts.count; i++) {
		check(text_is_clean(parts.items[i].name));
		check(text_is_clean(parts.items[i].file));
		check(parts.items[i].bytes.len <= text.len);
	}
}

struct body {
	struct str text;
	struct names names;
	int64_t time;
	bool flag;
};

static void
json(struct arena *arena, struct str text)
{
	static const struct field fields[] = {
		{ "text", FIELD_TEXT, offsetof(struct body, text), true },
		{ "names", FIELD_NAMES, offsetof(struct body, names), false },
		{ "time", FIELD_TIME, offsetof(struct body, time), false },
		{ "flag", FIELD_BOOL, offsetof(struct body, flag), false },
	};
	struct web web = { .arena = *arena };
	struct call call = { .web = &web };
	struct body body = { .flag = false };
	json_t *object =
	    json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);

	if (object == NULL)
		return;
	if (call_body(&call, object, fields, 4, &body, NULL)) {
		check(json_is_object(object));
		check(json_object_size(object) <= 4);
		check(text_is_clean(body.text));
		for (size_t i = 0; i < body.names.count; i++)
			check(text_is_clean(body.names.items[i]));
		for (size_t i = 1; i < body.names.count; i++)
			check(str_cmp(body.names.items[i - 1],
				  body.names.items[i]) < 0);
	} else
		check(call.err.kind != ERR_NONE);
	json_decref(object);
	*arena = web.arena;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(struct arena *, struct str) = { query,
		path, cookie, multipart, json };
	struct arena arena = { 0 };

	if (size == 0)
		return 0;
	readers[data[0] % 5](
	    &arena, (struct str){ (const char *)data + 1, size - 1 });
	arena_free(&arena);
	return 0;
}
