#include "model/catalogue.h"

#include <stdlib.h>

#include "base/bounds.h"
#include "model/account.h"

int
catalogue_role(const struct catalogue *catalogue, struct str name)
{
	if (catalogue == NULL)
		return -1;
	for (size_t r = 0; r < catalogue->role_count; r++)
		if (str_eq(catalogue->roles[r].name, name))
			return (int)r;
	return -1;
}

static int
permission_is(const void *name, const void *permission)
{
	return str_cmp(*(const struct str *)name,
	    ((const struct permission *)permission)->name);
}

const struct permission *
catalogue_permission(const struct catalogue *catalogue, struct str name)
{
	if (catalogue == NULL || catalogue->permission_count == 0)
		return NULL;
	return bsearch(&name, catalogue->permissions,
	    catalogue->permission_count, sizeof(*catalogue->permissions),
	    permission_is);
}

/* Is it `name`, or `name:role` where a role is given? */
static bool
operation_is(
    const struct operation *operation, struct str name, struct str role)
{
	struct str rest = operation->name;
	struct str head;

	if (role.len == 0)
		return str_eq(rest, name);
	return str_next(&rest, ':', &head) && str_eq(head, name) &&
	       rest.ptr != NULL && str_eq(rest, role);
}

const struct operation *
catalogue_operation(
    const struct catalogue *catalogue, struct str name, struct str role)
{
	const struct operation *for_all = NULL;

	for (size_t i = 0; catalogue != NULL && i < catalogue->operation_count;
	     i++) {
		const struct operation *o = &catalogue->operations[i];

		if (role.len > 0 && operation_is(o, name, role))
			return o;
		if (operation_is(o, name, STR("")))
			for_all = o;
	}
	return for_all;
}

bool
role_has(int role, const struct permission *permission)
{
	return permission != NULL && role >= 0 &&
	       role < ROLES_PER_CATALOGUE_MAX &&
	       (permission->roles >> role & 1) != 0;
}

const struct catalogue *
catalogues_find(const struct catalogues *catalogues, struct str name)
{
	size_t low = 0;
	size_t high = catalogues->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = str_cmp(name, catalogues->items[middle]->name);

		if (order == 0)
			return catalogues->items[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

bool
catalogue_is_plain(const struct catalogue *catalogue)
{
	bool levels = false;

	for (size_t i = 0; i < catalogue->permission_count; i++) {
		struct str level = catalogue->permissions[i].level;

		if (str_eq(level, LEVEL_ACCOUNT))
			return true;
		levels = levels || level.len > 0;
	}
	return !levels;
}

const struct catalogue *
catalogues_plain(const struct catalogues *catalogues)
{
	for (size_t i = 0; i < catalogues->count; i++)
		if (catalogue_is_plain(catalogues->items[i]))
			return catalogues->items[i];
	return NULL;
}
