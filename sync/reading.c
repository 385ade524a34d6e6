#include "sync/reading.h"

#include "sync/dn.h"

#define IDS_PER_SEARCH 50

static struct search
search_of(struct arena *arena, struct str base, int scope, struct str filter,
    const struct str *attributes, size_t count, const struct str *more,
    size_t more_count)
{
	struct str *all = ARENA_ARRAY(arena, struct str, count + more_count);
	size_t kept = 0;

	for (size_t i = 0; all != NULL && i < count; i++)
		all[kept++] = attributes[i];
	for (size_t i = 0; all != NULL && i < more_count; i++)
		all[kept++] = more[i];
	return (struct search){ base, (enum search_scope)scope, filter,
		{ all, kept } };
}

/* Only the attributes that are used are asked for: no photos. */
struct search
people_search(struct arena *arena, const struct source *source)
{
	const struct people_rules *p = &source->people;
	const struct str attributes[] = { p->id, p->username, p->email,
		p->name };
	struct str *disabled =
	    ARENA_ARRAY(arena, struct str, p->disabled_count);

	for (size_t i = 0; disabled != NULL && i < p->disabled_count; i++)
		disabled[i] = p->disabled[i].attribute;
	return search_of(arena, p->base, p->scope, p->filter, attributes,
	    sizeof(attributes) / sizeof(attributes[0]), disabled,
	    disabled != NULL ? p->disabled_count : 0);
}

struct search
groups_search(struct arena *arena, const struct source *source)
{
	const struct group_rules *g = &source->groups;
	const struct str attributes[] = { g->id, STR("cn"), STR("member"),
		STR("uniqueMember"), STR("memberUid") };

	return search_of(arena, g->base, g->scope, g->filter, attributes,
	    sizeof(attributes) / sizeof(attributes[0]), NULL, 0);
}

static bool
search_ready(const struct search *search, size_t attributes, struct err *err)
{
	if (search->attributes.count >= attributes)
		return true;
	return err_set(
	    err, ERR_SOURCE, "no_memory", "memory is out for a search");
}

bool
reading_take(struct reading *out, struct arena *arena,
    struct directory *directory, const struct source *source,
    struct search *failed, struct err *err)
{
	*failed = people_search(arena, source);
	if (!search_ready(failed, 4 + source->people.disabled_count, err) ||
	    !directory_search(directory, arena, failed, &out->people, err))
		return false;
	*failed = groups_search(arena, source);
	return search_ready(failed, 5, err) &&
	       directory_search(directory, arena, failed, &out->groups, err);
}

/* (&(filter)(|(id=a)(id=b)...)), every id escaped. */
static struct str
ids_filter(struct arena *arena, const struct source *source,
    const struct str *ids, size_t count)
{
	struct str any = STR("");

	for (size_t i = 0; i < count && any.ptr != NULL; i++) {
		struct str one =
		    filter_equals(arena, source->people.id, ids[i]);

		if (one.ptr == NULL)
			return one;
		any = str_fmt(arena, "%.*s%.*s", STR_ARGS(any), STR_ARGS(one));
	}
	if (any.ptr == NULL)
		return any;
	return str_fmt(arena, "(&%.*s(|%.*s))", STR_ARGS(source->people.filter),
	    STR_ARGS(any));
}

bool
reading_confirm_absent(struct arena *arena, struct directory *directory,
    const struct source *source, struct names ids, struct search *failed,
    struct err *err)
{
	for (size_t i = 0; i < ids.count; i += IDS_PER_SEARCH) {
		size_t left = ids.count - i;
		struct entries found = { 0 };

		*failed = people_search(arena, source);
		failed->filter = ids_filter(arena, source, &ids.items[i],
		    left < IDS_PER_SEARCH ? left : IDS_PER_SEARCH);
		if (failed->filter.ptr == NULL)
			return err_set(err, ERR_SOURCE, "no_memory",
			    "memory is out for a search");
		if (!directory_search(directory, arena, failed, &found, err))
			return false;
		if (found.count > 0)
			return err_set(err, ERR_SOURCE, "directory_changed",
			    "'%.*s' was not in the reading and is there now: "
			    "the directory changed while it was read; the next "
			    "run reads again",
			    STR_ARGS(found.items[0].dn));
	}
	return true;
}
