#include "nginx/host.h"

#include <arpa/inet.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define LOOPBACK_NET 127

static bool
is_loopback_name(struct str host)
{
	static const char *const names[] = { "localhost", "localhost.",
		"localhost.localdomain", "ip6-localhost", "ip6-loopback" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (str_eq_fold(host, str_from(names[i])))
			return true;
	return false;
}

/* "[::1]" without what is around it. */
static bool
is_bracketed(struct str host, struct str *inner)
{
	if (host.len < 2 || host.ptr[0] != '[' || host.ptr[host.len - 1] != ']')
		return false;
	*inner = (struct str){ host.ptr + 1, host.len - 2 };
	return true;
}

/* inet_aton() takes all that getaddrinfo() does: "127.1", "0x7f000001". */
static bool
v4_read(struct str host, struct in_addr *to)
{
	char text[INET6_ADDRSTRLEN];

	if (host.len == 0 || host.len >= sizeof(text) ||
	    memchr(host.ptr, ' ', host.len) != NULL)
		return false;
	memcpy(text, host.ptr, host.len);
	text[host.len] = '\0';
	return inet_aton(text, to) != 0;
}

static bool
v6_read(struct str host, struct in6_addr *to)
{
	char text[INET6_ADDRSTRLEN];
	struct str inner;

	if (!is_bracketed(host, &inner) || inner.len >= sizeof(text))
		return false;
	memcpy(text, inner.ptr, inner.len);
	text[inner.len] = '\0';
	return inet_pton(AF_INET6, text, to) == 1;
}

static struct str
v4_text(struct arena *arena, const unsigned char *bytes)
{
	static const unsigned char none[4] = { 0 };

	if (bytes[0] == LOOPBACK_NET || memcmp(bytes, none, 4) == 0)
		return STR(HOST_LOOPBACK);
	return str_fmt(
	    arena, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
}

static struct str
v6_text(struct arena *arena, const struct in6_addr *v6)
{
	char text[INET6_ADDRSTRLEN];

	if (IN6_IS_ADDR_LOOPBACK(v6) || IN6_IS_ADDR_UNSPECIFIED(v6))
		return STR(HOST_LOOPBACK);
	if (IN6_IS_ADDR_V4MAPPED(v6))
		return v4_text(arena, v6->s6_addr + 12);
	inet_ntop(AF_INET6, v6, text, sizeof(text));
	return str_fmt(arena, "[%s]", text);
}

struct str
host_plain(struct arena *arena, struct str host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (is_loopback_name(host))
		return STR(HOST_LOOPBACK);
	if (v4_read(host, &v4)) {
		unsigned char bytes[4];

		memcpy(bytes, &v4, sizeof(bytes));
		return v4_text(arena, bytes);
	}
	return v6_read(host, &v6) ? v6_text(arena, &v6) : host;
}

bool
host_is_any(struct str host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (host.len == 0 || str_eq(host, STR("*")))
		return true;
	if (v4_read(host, &v4))
		return v4.s_addr == INADDR_ANY;
	return v6_read(host, &v6) &&
	       (IN6_IS_ADDR_UNSPECIFIED(&v6) ||
		   (IN6_IS_ADDR_V4MAPPED(&v6) &&
		       memcmp(v6.s6_addr + 12, "\0\0\0\0", 4) == 0));
}
