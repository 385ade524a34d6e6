#include "model/address.h"

#include <arpa/inet.h>
#include <string.h>

#define TEXT_MAX ((size_t)64)
#define V4_BITS	 32
#define V6_BITS	 128

struct address {
	unsigned char bytes[16];
	int bits; /* V4_BITS or V6_BITS: all of it */
};

static const unsigned char mapped[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
	0xff };

static bool
address_read(struct str text, struct address *out)
{
	char cstr[TEXT_MAX];

	if (text.len == 0 || text.len >= sizeof(cstr) ||
	    memchr(text.ptr, '\0', text.len) != NULL)
		return false;
	memcpy(cstr, text.ptr, text.len);
	cstr[text.len] = '\0';
	*out = (struct address){ .bits = V4_BITS };
	if (inet_pton(AF_INET, cstr, out->bytes) == 1)
		return true;
	out->bits = V6_BITS;
	return inet_pton(AF_INET6, cstr, out->bytes) == 1;
}

static struct address
unmapped(struct address address)
{
	if (address.bits == V6_BITS &&
	    memcmp(address.bytes, mapped, sizeof(mapped)) == 0) {
		memmove(address.bytes, address.bytes + sizeof(mapped), 4);
		address.bits = V4_BITS;
	}
	return address;
}

static bool
bit_at(const unsigned char *bytes, int bit)
{
	return (bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

static bool
range_read(struct str range, struct address *out, int *bits)
{
	struct str rest = range;
	struct str text;
	int64_t wanted;

	if (!str_next(&rest, '/', &text) || !address_read(text, out))
		return false;
	wanted = out->bits;
	if (rest.ptr != NULL && !str_to_i64(rest, 0, out->bits, &wanted))
		return false;
	for (int bit = (int)wanted; bit < out->bits; bit++)
		if (bit_at(out->bytes, bit))
			return false;
	*bits = (int)wanted;
	return true;
}

bool
address_range_check(struct str range, struct err *err)
{
	struct address address;
	int bits;

	if (range_read(range, &address, &bits))
		return true;
	return err_set(err, ERR_USAGE, "address_range",
	    "address '%.*s': is none; write it as 192.0.2.7, 192.0.2.0/24 or "
	    "2001:db8::/32, without bits behind the mask",
	    STR_ARGS(range));
}

static bool
is_in(const struct address *address, struct str range)
{
	struct address from;
	int bits;

	if (!range_read(range, &from, &bits) || from.bits != address->bits)
		return false;
	for (int bit = 0; bit < bits; bit++)
		if (bit_at(from.bytes, bit) != bit_at(address->bytes, bit))
			return false;
	return true;
}

bool
address_in(struct str text, struct names ranges)
{
	struct address address;

	if (!address_read(text, &address))
		return false;
	address = unmapped(address);
	for (size_t i = 0; i < ranges.count; i++)
		if (is_in(&address, ranges.items[i]))
			return true;
	return false;
}
