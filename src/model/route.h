/* route.h - which permission a method and a path need, and where the account
 * stands in the path.
 *
 * Shape:   a route is a method, a pattern and a permission. The method "*" is
 *          any of GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS; GET takes
 *          HEAD as well. In a pattern `{account}` takes one whole segment as
 *          the account, `*` takes one segment, a last segment `**` takes the
 *          rest (also none). `case: fold` matches A-Z as a-z, `case: exact`
 *          is the default. Routes are tried in the order of the file; the
 *          first that fits decides, and no match means deny.
 * Owner:   the arena given to route_map_load().
 * Source:  the route file (YAML), docs/routes.md. Paths come canonical, see
 *          src/model/path.h. */
#ifndef ROLEGATE_ROUTE_H
#define ROLEGATE_ROUTE_H

#include "base/fault.h"
#include "base/str.h"

struct route {
	struct str method;
	struct str pattern;
	struct str permission;
	struct str account; /* fixed account id of the file, or empty */
	bool fold_case;
	int line; /* in the file, for explain */
};

struct route_map {
	const struct route *routes;
	size_t count;
};

bool route_map_load(struct arena *arena, struct str path, struct route_map *out,
    struct faults *faults);
/* The same from memory, for tests and fuzzing; `path` only names it. */
bool route_map_parse(struct arena *arena, struct str path, struct str text,
    struct route_map *out, struct faults *faults);
/* The first route that matches; *account is the segment that `{account}`
 * took, or the route's fixed account, or empty. NULL when none matches, or
 * when that segment cannot be an account's id: such a request does not go on
 * to a route for everything else. */
const struct route *route_find(const struct route_map *map, struct str method,
    struct str path, struct str *account);

#endif
