/* A route file, then METHOD and PATH in lines behind a line of "...", which is
 * no part of the file. Whole or faults; what is found is of the map. */
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/bounds.h"
#include "base/text.h"
#include "model/path.h"
#include "model/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
find_check(const struct route_map *map, struct str method, struct str path)
{
	struct str account = { NULL, 0 };
	struct err e = { 0 };
	const struct route *route = route_find(map, method, path, &account);

	if (route == NULL) {
		assert(account.len == 0);
		return;
	}
	assert(route >= map->routes && route < map->routes + map->count);
	assert(route->permission.len > 0 && path.ptr[0] == '/');
	assert(account.len == 0 ||
	       text_check_id(account, ACCOUNT_ID_MAX, "account", &e));
	assert(account.len == 0 || str_eq(account, route->account) ||
	       memmem(path.ptr, path.len, account.ptr, account.len) != NULL);
}

static void
map_check(const struct route_map *map)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct route *route = &map->routes[i];

		assert(route->method.len > 0 && route->permission.len > 0);
		assert(path_is_canonical(route->pattern));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { .max_bytes = (size_t)64 * 1024 * 1024 };
	struct faults faults = { 0 };
	struct route_map map = { 0 };
	struct str yaml = { (const char *)data, size };
	const char *end = memmem(data, size, "\n...\n", 5);
	struct str rest = { NULL, 0 };
	struct str method;
	struct str path;
	bool ok;

	if (end != NULL) {
		yaml.len = (size_t)(end - yaml.ptr) + 1;
		rest = (struct str){ end + 5, size - yaml.len - 4 };
	}
	ok = route_map_parse(&arena, STR("fuzz.yaml"), yaml, &map, &faults);
	assert(ok == (faults.count == 0));
	assert(ok || map.count == 0);
	map_check(&map);
	while (ok && str_next(&rest, '\n', &method) &&
	       str_next(&rest, '\n', &path))
		find_check(&map, method, path);
	faults_free(&faults);
	arena_free(&arena);
	return 0;
}
