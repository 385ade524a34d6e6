#include <string.h>

#include "publish/redis.h"

bool
redis_host_port(struct str address, struct str *host, int *port)
{
	const char *colon =
	    address.len > 0 ? memrchr(address.ptr, ':', address.len) : NULL;
	struct str name;
	int64_t number;

	if (colon == NULL)
		return false;
	name = (struct str){ address.ptr, (size_t)(colon - address.ptr) };
	if (!str_to_i64((struct str){ colon + 1, address.len - name.len - 1 },
		1, 65535, &number))
		return false;
	if (name.len > 2 && name.ptr[0] == '[' &&
	    name.ptr[name.len - 1] == ']') {
		name.ptr++;
		name.len -= 2;
	} else if (memchr(name.ptr, ':', name.len) != NULL ||
		   memchr(name.ptr, '[', name.len) != NULL)
		return false;
	if (name.len == 0 || memchr(name.ptr, '\0', name.len) != NULL)
		return false;
	*host = name;
	*port = (int)number;
	return true;
}
