#include "sync/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define SHOWN_MAX 300

void
note_add(struct notes *notes, const char *code, const char *fmt, ...)
{
	struct note *items = arena_grow(notes->arena, notes->items,
	    notes->count, &notes->cap, sizeof(*items));
	va_list args;
	int len;
	char *text;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	text = len < 0 ? NULL : arena_alloc(notes->arena, (size_t)len + 1, 1);
	if (items == NULL || text == NULL) {
		notes->failed = true;
		return;
	}
	va_start(args, fmt);
	len = vsnprintf(text, (size_t)len + 1, fmt, args);
	va_end(args);
	notes->items = items;
	notes->items[notes->count++] =
	    (struct note){ code, { text, (size_t)len } };
}

static int
note_cmp(const void *a, const void *b)
{
	const struct note *x = a;
	const struct note *y = b;
	int order = strcmp(x->code, y->code);

	return order != 0 ? order : str_cmp(x->text, y->text);
}

void
notes_sort(struct notes *notes)
{
	if (notes->count > 1)
		qsort(notes->items, notes->count, sizeof(*notes->items),
		    note_cmp);
}

struct str
shown(struct str outside)
{
	if (outside.len > SHOWN_MAX)
		return STR("(too long to show)");
	return text_is_clean(outside) ? outside : STR("(not printable)");
}
