#include "fcgi/gate/target.h"

#include <netdb.h>
#include <string.h>
#include <sys/un.h>

#include <sodium.h>

#include "base/bounds.h"
#include "base/secret.h"

#define CONNECT_MS 1000

static bool
no_address(const struct target *target, struct err *err)
{
	return err_set(err, ERR_FILE, "redis_address",
	    "redis address '%.*s': is none; write unix:/path, host:port or "
	    "[::1]:port",
	    STR_ARGS(target->address));
}

static bool
target_unix(struct target *out, struct str path, struct err *err)
{
	struct sockaddr_un *to = (struct sockaddr_un *)(void *)&out->at;

	if (path.len == 0 || path.len >= sizeof(to->sun_path) ||
	    memchr(path.ptr, '\0', path.len) != NULL)
		return no_address(out, err);
	to->sun_family = AF_UNIX;
	memcpy(to->sun_path, path.ptr, path.len);
	out->at_len = sizeof(*to);
	return true;
}

static bool
target_tcp(struct target *out, struct arena *arena, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	struct str host;
	struct str port;
	int number;
	int rc;

	if (!redis_host_port(out->address, &host, &number))
		return no_address(out, err);
	host = str_copy(arena, host);
	port = str_fmt(arena, "%d", number);
	if (host.ptr == NULL || port.ptr == NULL)
		return err_set(err, ERR_BUG, "no_memory",
		    "redis: memory is out; give the process more");
	rc = getaddrinfo(host.ptr, port.ptr, &hints, &found);
	if (rc != 0)
		return err_set(err, ERR_REACH, "redis_address",
		    "redis address '%.*s': %s; correct the name, or write the "
		    "number",
		    STR_ARGS(out->address), gai_strerror(rc));
	memcpy(&out->at, found->ai_addr, found->ai_addrlen);
	out->at_len = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
}

static bool
password_read(
    struct target *out, struct arena *arena, struct str file, struct err *err)
{
	struct str path = str_copy(arena, file);
	char *text = arena_alloc(arena, SECRET_FILE_MAX + 1, 1);

	if (path.ptr == NULL || text == NULL)
		return err_set(err, ERR_BUG, "no_memory",
		    "redis: memory is out; give the process more");
	if (!secret_read(text, SECRET_FILE_MAX + 1, &out->password_len, path.ptr,
		"redis_password", err))
		return false;
	out->password = text;
	return true;
}

bool
target_read(struct target *out, struct arena *arena,
    const struct redis_config *config, struct err *err)
{
	struct str scheme = STR("unix:");

	*out = (struct target){
		.address = str_copy(arena, config->address),
		.user = str_copy(arena, config->user),
		.database = config->database,
		.connect_ms =
		    config->timeout_ms > 0 ? config->timeout_ms : CONNECT_MS,
	};
	if (out->address.ptr == NULL || out->user.ptr == NULL)
		return err_set(err, ERR_BUG, "no_memory",
		    "memory is out; give the process more");
	if (config->user.len > 0 && config->password_file.len == 0)
		return err_set(err, ERR_FILE, "redis_password",
		    "redis %.*s: user %.*s has no password_file; name it",
		    STR_ARGS(config->address), STR_ARGS(config->user));
	if (config->password_file.len > 0 &&
	    !password_read(out, arena, config->password_file, err))
		return false;
	if (!str_starts(out->address, scheme))
		return target_tcp(out, arena, err);
	return target_unix(out,
	    (struct str){
		out->address.ptr + scheme.len, out->address.len - scheme.len },
	    err);
}

void
target_wipe(struct target *target)
{
	if (target->password != NULL)
		sodium_memzero(target->password, target->password_len);
	target->password = NULL;
}
