#include "fcgi_bytes.h"

#include <string.h>

#include "tests/unit/unit.h"

#define S(literal)                           \
	{                                    \
		literal, sizeof(literal) - 1 \
	}
#define BODY(role, flags) S("\0" role flags "\0\0\0\0\0")
#define PAIRS                    \
	S("\x05\x01"             \
	  "FIRSTa"               \
	  "\x06\x00"             \
	  "SECOND"               \
	  "\x05\x80\x00\x00\x02" \
	  "THIRDbc")
/* Four times a name that libfcgi answers from a buffer of 64 bytes. */
#define ASKED      \
	"\x0e\x00" \
	"FCGI_MAX_CONNS"
#define GET_VALUES ASKED ASKED ASKED ASKED

/* clang-format off */
static const struct {
	const char *name;
	int version;
	int type;
	int id;
	struct str content;
	struct str padding;
	int announced; /* bytes of content that the header claims; 0: what is there */
} words[] = {
	{ "begin",             1, 1,  1, BODY("\1", "\1"), { 0 }, 0 },
	{ "begin:close",       1, 1,  1, BODY("\1", "\0"), { 0 }, 0 },
	{ "begin:flags",       1, 1,  1, BODY("\1", "\xff"), { 0 }, 0 },
	{ "begin:authorizer",  1, 1,  1, BODY("\2", "\1"), { 0 }, 0 },
	{ "begin:filter",      1, 1,  1, BODY("\3", "\1"), { 0 }, 0 },
	{ "begin:role0",       1, 1,  1, BODY("\0", "\1"), { 0 }, 0 },
	{ "begin:role9",       1, 1,  1, BODY("\11", "\1"), { 0 }, 0 },
	{ "begin:id0",         1, 1,  0, BODY("\1", "\1"), { 0 }, 0 },
	{ "begin:id2",         1, 1,  2, BODY("\1", "\1"), { 0 }, 0 },
	{ "begin:short",       1, 1,  1, S("\0\1\1\0"), { 0 }, 0 },
	{ "begin:empty",       1, 1,  1, S(""), { 0 }, 0 },
	{ "begin:long",        1, 1,  1, S("\0\1\1\0\0\0\0\0\0"), { 0 }, 0 },
	{ "begin:padded",      1, 1,  1, BODY("\1", "\1"), S("\0\0\0\0\0\0\0\0"), 0 },
	{ "begin:hides",       1, 1,  1, BODY("\1", "\1"), S("\1\11\0\0\0\x40\0\0" GET_VALUES), 0 },
	{ "begin:version0",    0, 1,  1, BODY("\1", "\1"), { 0 }, 0 },
	{ "begin:version2",    2, 1,  1, BODY("\1", "\1"), { 0 }, 0 },
	{ "params",            1, 4,  1, PAIRS, { 0 }, 0 },
	{ "params:padded",     1, 4,  1, PAIRS, S("\1\11\0\0\0\x40\0\0"), 0 },
	{ "params:id2",        1, 4,  2, PAIRS, { 0 }, 0 },
	{ "params:version2",   2, 4,  1, PAIRS, { 0 }, 0 },
	{ "params:64k",        1, 4,  1, PAIRS, { 0 }, 0xffff },
	{ "params.",           1, 4,  1, S(""), { 0 }, 0 },
	{ "params:padded.",    1, 4,  1, S(""), S("\0\0\0\0"), 0 },
	{ "params:hides.",     1, 4,  1, S(""), S("\1\11\0\0\0\x40\0\0" GET_VALUES), 0 },
	{ "stdin",             1, 5,  1, S("a=b&c=d"), { 0 }, 0 },
	{ "stdin:padded",      1, 5,  1, S("a=b&c=d"), S("\0"), 0 },
	{ "stdin:id2",         1, 5,  2, S("a=b"), { 0 }, 0 },
	{ "stdin.",            1, 5,  1, S(""), { 0 }, 0 },
	{ "stdin:padded.",     1, 5,  1, S(""), S("\0\0\0\0\0\0\0\0"), 0 },
	{ "stdin:id2.",        1, 5,  2, S(""), { 0 }, 0 },
	{ "abort",             1, 2,  1, S(""), { 0 }, 0 },
	{ "data",              1, 8,  1, S("x"), { 0 }, 0 },
	{ "get-values",        1, 9,  0, S(GET_VALUES), { 0 }, 0 },
	{ "get-values:id1",    1, 9,  1, S(GET_VALUES), { 0 }, 0 },
	{ "type0",             1, 0,  1, S(""), { 0 }, 0 },
	{ "type11",            1, 11, 0, S("\11\0\0\0\0\0\0\0"), { 0 }, 0 },
	{ "type99",            1, 99, 1, S("x"), { 0 }, 0 },
	/* Lengths that are not those of what is there. */
	{ "params:2g",         1, 4,  1, S("\xff\xff\xff\xff\1A"), { 0 }, 0 },
	{ "params:1g+1g",      1, 4,  1, S("\xc0\0\0\0\xc0\0\0\0" "A"), { 0 }, 0 },
	{ "params:sum",        1, 4,  1, S("\xff\xff\xff\xf0\xff\xff\xff\xf0" "A"), { 0 }, 0 },
	{ "params:cut",        1, 4,  1, S("\x05\x09" "FIRSTa"), { 0 }, 0 },
	{ "params:cut-length", 1, 4,  1, S("\x05\x80\x00"), { 0 }, 0 },
	{ "params:one-byte",   1, 4,  1, S("\x05"), { 0 }, 0 },
};
/* clang-format on */

static void
put(struct fcgi_bytes *out, const void *bytes, size_t len)
{
	ck_assert_uint_le(len, sizeof(out->bytes) - out->len);
	if (len > 0)
		memcpy(out->bytes + out->len, bytes, len);
	out->len += len;
}

static void
put_header(struct fcgi_bytes *out, int version, int type, int id,
    size_t content, size_t padding)
{
	const unsigned char header[] = { (unsigned char)version,
		(unsigned char)type, (unsigned char)(id >> 8),
		(unsigned char)id, (unsigned char)(content >> 8),
		(unsigned char)content, (unsigned char)padding, 0 };

	put(out, header, sizeof(header));
}

static void
word_put(struct fcgi_bytes *out, struct str name)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!str_eq(name, str_from(words[i].name)))
			continue;
		put_header(out, words[i].version, words[i].type, words[i].id,
		    words[i].announced > 0 ? (size_t)words[i].announced
					   : words[i].content.len,
		    words[i].padding.len);
		put(out, words[i].content.ptr, words[i].content.len);
		put(out, words[i].padding.ptr, words[i].padding.len);
		return;
	}
	ck_abort_msg("no record %.*s", STR_ARGS(name));
}

void
fcgi_words(struct fcgi_bytes *out, const char *names)
{
	struct str rest = str_from(names);
	struct str name;

	while (rest.len > 0 && str_next(&rest, ' ', &name))
		word_put(out, name);
}

void
fcgi_record(
    struct fcgi_bytes *out, int type, struct str content, size_t padding)
{
	static const char zeros[255];

	put_header(out, 1, type, 1, content.len, padding);
	put(out, content.ptr, content.len);
	put(out, zeros, padding);
}

static void
put_length(struct fcgi_bytes *out, size_t len)
{
	const unsigned char four[] = { (unsigned char)(len >> 24 | 0x80),
		(unsigned char)(len >> 16), (unsigned char)(len >> 8),
		(unsigned char)len };

	if (len < 128)
		put(out, four + 3, 1);
	else
		put(out, four, sizeof(four));
}

void
fcgi_pair(struct fcgi_bytes *out, const char *name, struct str value)
{
	put_length(out, strlen(name));
	put_length(out, value.len);
	put(out, name, strlen(name));
	put(out, value.ptr, value.len);
}
