#include "sync/dn.h"

#include <ldap.h>
#include <stdlib.h>
#include <string.h>

/* RFC 4519 and RFC 4524: the types that servers put into DNs, under every
 * name they have. */
/* clang-format off */
static const struct { const char *name; const char *shortest; } types[] = {
	{ "commonname",                 "cn" },
	{ "2.5.4.3",                    "cn" },
	{ "surname",                    "sn" },
	{ "2.5.4.4",                    "sn" },
	{ "countryname",                "c" },
	{ "2.5.4.6",                    "c" },
	{ "localityname",               "l" },
	{ "2.5.4.7",                    "l" },
	{ "stateorprovincename",        "st" },
	{ "2.5.4.8",                    "st" },
	{ "streetaddress",              "street" },
	{ "2.5.4.9",                    "street" },
	{ "organizationname",           "o" },
	{ "2.5.4.10",                   "o" },
	{ "organizationalunitname",     "ou" },
	{ "2.5.4.11",                   "ou" },
	{ "userid",                     "uid" },
	{ "0.9.2342.19200300.100.1.1",  "uid" },
	{ "domaincomponent",            "dc" },
	{ "0.9.2342.19200300.100.1.25", "dc" },
	{ "emailaddress",               "email" },
	{ "1.2.840.113549.1.9.1",       "email" },
};
/* clang-format on */

/* Bytes that grow; `failed` is looked at once, at the end. */
struct text {
	struct arena *arena;
	char *ptr;
	size_t len;
	size_t cap;
	bool failed;
};

static void
text_put(struct text *text, char c)
{
	char *bigger =
	    arena_grow(text->arena, text->ptr, text->len, &text->cap, 1);

	if (bigger == NULL) {
		text->failed = true;
		return;
	}
	text->ptr = bigger;
	text->ptr[text->len++] = c;
}

static void
text_puts(struct text *text, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		text_put(text, s.ptr[i]);
}

static void
text_put_escaped(struct text *text, char c)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char byte = (unsigned char)c;

	if (byte >= 0x20 && byte != 0x7f && strchr("\\,+=\"#;<>", c) == NULL) {
		text_put(text, c);
		return;
	}
	text_put(text, '\\');
	text_put(text, hex[byte >> 4]);
	text_put(text, hex[byte & 0xf]);
}

/* Lower case of a character of two UTF-8 bytes, U+0080 to U+07FF. */
static unsigned
fold_wide(unsigned c)
{
	if ((c >= 0xc0 && c <= 0xde && c != 0xd7) ||
	    (c >= 0x391 && c <= 0x3a9) || (c >= 0x410 && c <= 0x42f))
		return c + 0x20;
	if (c >= 0x400 && c <= 0x40f)
		return c + 0x50;
	/* Capital and small stand side by side, the capital on even ... */
	if ((c >= 0x100 && c <= 0x12f) || (c >= 0x132 && c <= 0x137) ||
	    (c >= 0x14a && c <= 0x177) || (c >= 0x460 && c <= 0x481))
		return c | 1;
	/* ... or on odd numbers. */
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
		return c + (c & 1);
	return c;
}

/* One character of the value at *i, folded and escaped. */
static void
put_folded(struct text *text, struct str value, size_t *i)
{
	unsigned char c = (unsigned char)value.ptr[*i];

	if (c >= 'A' && c <= 'Z')
		c = (unsigned char)(c - 'A' + 'a');
	if (c < 0xc2 || c > 0xdf || value.len - *i < 2) {
		text_put_escaped(text, (char)c);
		*i += 1;
		return;
	}
	unsigned next = (unsigned char)value.ptr[*i + 1];
	unsigned wide = fold_wide((c & 0x1fU) << 6 | (next & 0x3fU));

	text_put(text, (char)(0xc0 | wide >> 6));
	text_put(text, (char)(0x80 | (wide & 0x3f)));
	*i += 2;
}

/* RFC 4518 section 2.6.1: outer blanks do not count, several are one. */
static void
put_value(struct text *text, struct str value)
{
	bool blank = false;

	for (size_t i = 0; i < value.len;) {
		if (value.ptr[i] == ' ') {
			blank = true;
			i++;
			continue;
		}
		if (blank && text->len > 0 && text->ptr[text->len - 1] != '=')
			text_put(text, ' ');
		blank = false;
		put_folded(text, value, &i);
	}
}

/* A value in #hex form is BER (RFC 4514 2.4); that of a short string type is
 * the string itself. */
static struct str
value_of(const LDAPAVA *ava)
{
	static const char strings[] = { 0x0c, 0x13, 0x16, 0x1e };
	struct str value = { ava->la_value.bv_val, ava->la_value.bv_len };

	if ((ava->la_flags & LDAP_AVA_BINARY) == 0 || value.len < 2)
		return value;
	if (memchr(strings, value.ptr[0], sizeof(strings)) == NULL ||
	    (size_t)value.ptr[1] != value.len - 2)
		return value;
	return (struct str){ value.ptr + 2, value.len - 2 };
}

static struct str
type_of(struct arena *arena, const LDAPAVA *ava)
{
	struct str type = { ava->la_attr.bv_val, ava->la_attr.bv_len };

	if (type.len > 4 &&
	    str_eq_fold((struct str){ type.ptr, 4 }, STR("oid.")))
		type = (struct str){ type.ptr + 4, type.len - 4 };
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (str_eq_fold(type, str_from(types[i].name)))
			return str_from(types[i].shortest);
	return str_fold(arena, type);
}

static struct str
ava_normal(struct arena *arena, const LDAPAVA *ava)
{
	struct text text = { .arena = arena };
	struct str type = type_of(arena, ava);

	if (type.ptr == NULL)
		return (struct str){ NULL, 0 };
	text_puts(&text, type);
	text_put(&text, '=');
	put_value(&text, value_of(ava));
	return text.failed ? (struct str){ NULL, 0 }
			   : (struct str){ text.ptr, text.len };
}

static int
by_bytes(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static bool
rdn_put(struct text *text, LDAPRDN rdn)
{
	size_t count = 0;

	while (rdn[count] != NULL)
		count++;
	struct str *parts = ARENA_ARRAY(text->arena, struct str, count);

	if (parts == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		parts[i] = ava_normal(text->arena, rdn[i]);
		if (parts[i].ptr == NULL)
			return false;
	}
	qsort(parts, count, sizeof(*parts), by_bytes);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			text_put(text, '+');
		text_puts(text, parts[i]);
	}
	return !text->failed;
}

enum dn_result
dn_normal(struct arena *arena, struct str dn, struct str *out)
{
	struct text text = { .arena = arena };
	struct str copy = str_copy(arena, dn); /* followed by a NUL */
	LDAPDN parsed = NULL;
	bool ok = copy.ptr != NULL;

	if (!ok)
		return DN_NO_MEMORY;
	if (dn.len == 0 || memchr(dn.ptr, '\0', dn.len) != NULL)
		return DN_BAD;
	if (ldap_str2dn(copy.ptr, &parsed, LDAP_DN_FORMAT_LDAP) != LDAP_SUCCESS)
		return DN_BAD;
	for (size_t i = 0; ok && parsed != NULL && parsed[i] != NULL; i++) {
		if (i > 0)
			text_put(&text, ',');
		ok = rdn_put(&text, parsed[i]);
	}
	ldap_dnfree(parsed);
	if (!ok || text.failed)
		return DN_NO_MEMORY;
	if (text.len == 0)
		return DN_BAD;
	*out = (struct str){ text.ptr, text.len };
	return DN_OK;
}

struct str
filter_equals(struct arena *arena, struct str attribute, struct str value)
{
	char empty[] = "";
	struct berval raw = { value.len, empty };
	struct berval escaped = { 0, NULL };
	struct str out;

	if (value.len > 0) {
		char *bytes = arena_alloc(arena, value.len, 1);

		if (bytes == NULL)
			return (struct str){ NULL, 0 };
		raw.bv_val = memcpy(bytes, value.ptr, value.len);
	}
	if (ldap_bv2escaped_filter_value(&raw, &escaped) != 0)
		return (struct str){ NULL, 0 };
	out = str_fmt(arena, "(%.*s=%.*s)", STR_ARGS(attribute),
	    (int)escaped.bv_len, escaped.bv_val != NULL ? escaped.bv_val : "");
	if (escaped.bv_val != raw.bv_val)
		ber_memfree(escaped.bv_val);
	return out;
}
