#include <stdlib.h>

#include "nginx/linting.h"
#include "nginx/pattern.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static bool
ends_in(struct str s, struct str end)
{
	return s.len > end.len &&
	       str_eq((struct str){ s.ptr + s.len - end.len, end.len }, end);
}

/* Of modules whose values are made by a program: set_by_lua, perl_set, js_var,
 * auth_jwt_claim_set, …. */
static bool
is_program(const struct directive *d)
{
	return str_starts(d->name, STR("set_")) ||
	       ends_in(d->name, STR("_set")) || ends_in(d->name, STR("_var"));
}

/* Which of its words is the variable that it sets. */
static bool
sets_word(const struct directive *d, enum setter_kind *kind, size_t *word)
{
	static const struct {
		const char *name;
		enum setter_kind kind;
		size_t word;
	} known[] = {
		{ "set", SETTER_SET, 0 },
		{ "auth_request_set", SETTER_ANSWER, 0 },
		{ "map", SETTER_MAP, 1 },
		{ "split_clients", SETTER_CHOICE, 1 },
		{ "keyval", SETTER_PROGRAM, 1 },
	};

	for (size_t i = 0; i < COUNT(known); i++)
		if (conf_is(d, known[i].name)) {
			*kind = known[i].kind;
			*word = known[i].word;
			return true;
		}
	/* "geo $name" and "geo $address $name" */
	*kind = conf_is(d, "geo") ? SETTER_CHOICE : SETTER_PROGRAM;
	*word = conf_is(d, "geo") && d->args.count > 1 ? 1 : 0;
	return *kind == SETTER_CHOICE || is_program(d);
}

static void
setter_add(struct linting *l, struct str name, const struct directive *at,
    enum setter_kind kind)
{
	struct setter *wider = arena_grow(l->arena, l->setters, l->setter_count,
	    &l->setter_cap, sizeof(*wider));

	if (wider == NULL) {
		l->no_memory = true;
		return;
	}
	l->setters = wider;
	wider[l->setter_count] =
	    (struct setter){ name, at, kind, l->setter_count };
	l->setter_count++;
}

static void
captures_add(struct linting *l, const struct directive *d, struct str word)
{
	struct str name;

	while (pattern_name_next(&word, &name))
		setter_add(l, name, d, SETTER_CAPTURE);
}

static void
setters_collect(struct linting *l, const struct directive *block)
{
	for (const struct directive *d = block->first; d != NULL; d = d->next) {
		enum setter_kind kind;
		struct str name;
		size_t word;

		if (sets_word(d, &kind, &word) &&
		    is_variable(conf_arg(d, word), &name))
			setter_add(l, name, d, kind);
		captures_add(l, d, d->name);
		for (size_t i = 0; i < d->args.count; i++)
			captures_add(l, d, d->args.items[i]);
		setters_collect(l, d);
	}
}

static int
setter_cmp(const void *a, const void *b)
{
	const struct setter *x = a;
	const struct setter *y = b;
	int by = str_cmp_fold(x->name, y->name);

	if (by == 0)
		by = (x->kind > y->kind) - (x->kind < y->kind);
	return by != 0 ? by : (x->place > y->place) - (x->place < y->place);
}

void
setters_find(struct linting *l, const struct directive *root)
{
	setters_collect(l, root);
	if (l->setter_count > 1)
		qsort(l->setters, l->setter_count, sizeof(*l->setters),
		    setter_cmp);
}

/* Where those begin that are not before this name and kind. */
static size_t
setter_bound(const struct linting *l, struct str name, int kind)
{
	size_t from = 0;
	size_t to = l->setter_count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		const struct setter *one = &l->setters[middle];
		int by = str_cmp_fold(one->name, name);

		if (by < 0 || (by == 0 && (int)one->kind < kind))
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static struct setters
setters_between(
    const struct linting *l, struct str name, int kind, int kind_end)
{
	size_t from = setter_bound(l, name, kind);

	if (l->setter_count == 0)
		return (struct setters){ NULL, 0 };
	return (struct setters){ l->setters + from,
		setter_bound(l, name, kind_end) - from };
}

struct setters
setters_of(const struct linting *l, struct str name)
{
	return setters_between(l, name, 0, SETTER_KINDS);
}

struct setters
setters_by(const struct linting *l, struct str name, enum setter_kind kind)
{
	return setters_between(l, name, (int)kind, (int)kind + 1);
}
