#include "admin_audit.h"

#include <jansson.h>

#include "admin_kit.h"
#include "publish/record.h"
#include "store/api_token.h"

/* --- History is the difference -------------------------------------------- */

bool
text_has(struct str text, const char *part)
{
	return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

/* A member's own account comes and goes with the member's row. */
static bool
is_personal(struct str line)
{
	return text_has(line, "\"kind\":\"personal\"");
}

static void
line_take(struct names *lines, struct str line)
{
	struct str *items = (struct str *)(uintptr_t)lines->items;

	if (line.len == 0 || is_personal(line))
		return;
	for (size_t i = 0; i < lines->count; i++)
		if (str_eq(items[i], line)) {
			items[i] = items[--lines->count];
			return;
		}
	ck_abort_msg(
	    "the history takes what was not there: %.*s", STR_ARGS(line));
}

static void
line_give(struct names *lines, struct str line)
{
	struct str *items = (struct str *)(uintptr_t)lines->items;

	if (line.len > 0 && !is_personal(line))
		items[lines->count++] = line;
}

static const char *
username_in(struct str text)
{
	json_t *object = json_loadb(text.ptr, text.len, 0, NULL);
	const char *name =
	    json_string_value(json_object_get(object, "username"));
	struct str copy = str_fmt(&kit.arena, "%s", name != NULL ? name : "");

	json_decref(object);
	return copy.ptr;
}

/* A new username stands in the lines of grants and accounts too. */
static void
lines_rename(struct names *lines, const struct history_row *row)
{
	struct str *items = (struct str *)(uintptr_t)lines->items;
	const char *old;
	const char *new;

	if (!str_eq(row->action, STR("member.edit")))
		return;
	old = username_in(row->before);
	new = username_in(row->after);
	for (size_t i = 0; i < lines->count; i++)
		for (int key = 0; key < 2; key++) {
			const char *keys[] = { "member", "owner" };
			struct str token = str_fmt(
			    &kit.arena, "\"%s\":\"%s\"", keys[key], old);
			const char *at = memmem(
			    items[i].ptr, items[i].len, token.ptr, token.len);

			if (at == NULL)
				continue;
			items[i] = str_fmt(&kit.arena, "%.*s\"%s\":\"%s\"%s",
			    (int)(at - items[i].ptr), items[i].ptr, keys[key],
			    new, at + token.len);
		}
}

static int
line_order(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static struct names
lines_shared(struct names lines, size_t room)
{
	struct names out = { NULL, 0 };

	out.items = ARENA_ARRAY(&kit.arena, struct str, lines.count + room);
	for (size_t i = 0; i < lines.count; i++) {
		/* With a NUL at its end, for lines_rename(). */
		line_give(&out, str_copy(&kit.arena, lines.items[i]));
	}
	return out;
}

void
lines_same(struct names a, struct names b, const char *says)
{
	qsort((struct str *)(uintptr_t)a.items, a.count, sizeof(*a.items),
	    line_order);
	qsort((struct str *)(uintptr_t)b.items, b.count, sizeof(*b.items),
	    line_order);
	for (size_t i = 0; i < a.count && i < b.count; i++)
		ck_assert_msg(str_eq(a.items[i], b.items[i]),
		    "%s:\n%.*s\n-- is not --\n%.*s", says, STR_ARGS(a.items[i]),
		    STR_ARGS(b.items[i]));
	ck_assert_msg(a.count == b.count, "%s: %zu lines, not %zu", says,
	    a.count, b.count);
}

/* Sessions, invitations, tokens, imports stand in no export. */
static bool
is_of_state(const struct history_row *row)
{
	static const char *const nouns[] = { "member.", "account.", "grant." };

	for (size_t i = 0; i < sizeof(nouns) / sizeof(nouns[0]); i++)
		if (str_starts(row->action, str_from(nouns[i])))
			return true;
	return false;
}

/* P9: what was, changed as the rows say, is what is. */
void
history_replays(struct names before, int64_t since, const char *says)
{
	size_t count = 0;
	struct history_row *rows = admin_rows(since, &count);
	struct names lines = lines_shared(before, count);

	for (size_t i = 0; i < count; i++) {
		ck_assert_msg(rows[i].before.len + rows[i].after.len > 0,
		    "%s: a row without anything in it", says);
		if (!is_of_state(&rows[i]))
			continue;
		ck_assert_msg(!str_eq(rows[i].before, rows[i].after),
		    "%s: a row without a difference", says);
		line_take(&lines, rows[i].before);
		lines_rename(&lines, &rows[i]);
		line_give(&lines, rows[i].after);
	}
	lines_same(lines, lines_shared(admin_lines(), 0), says);
}

/* --- What is touched is what changes in the view -------------------------- */

static const struct record_key view_key = { { 1, 2, 3 } };

static void
view_put(struct view *view, struct str name, struct str text)
{
	ck_assert_ptr_nonnull(name.ptr);
	ck_assert_ptr_nonnull(text.ptr);
	for (size_t i = 0; i < view->count; i++)
		if (str_eq(view->items[i].name, name)) {
			view->items[i].text = text;
			return;
		}
	view->items = arena_grow(&kit.arena, view->items, view->count,
	    &view->cap, sizeof(*view->items));
	view->items[view->count++] = (struct shown){ name, text };
}

static void
view_drop(struct view *view, struct str name)
{
	for (size_t i = 0; i < view->count; i++)
		if (str_eq(view->items[i].name, name))
			view->items[i] = view->items[--view->count];
}

static struct str
name_of(enum record_kind kind, struct str name)
{
	return record_name(&kit.arena, STR("t"), kind, name);
}

static void
show_member(struct view *view, const struct member *m)
{
	struct str name = name_of(RECORD_MEMBER, m->username);

	view_put(view, name, record_member(&kit.arena, &view_key, name, m));
}

static void
show_account(struct view *view, const struct account *a)
{
	struct str name = name_of(RECORD_ACCOUNT, a->id);

	view_put(view, name, record_account(&kit.arena, &view_key, name, a));
}

static void
show_session(struct view *view, const struct session *s)
{
	const struct record_session record = { s->username, s->account,
		s->expires_s };
	struct str name = name_of(RECORD_SESSION, s->digest);

	view_put(view, name,
	    record_session_text(
		&kit.arena, &view_key, name, &record, s->changed));
}

static void
show_token(struct view *view, const struct api_token *t)
{
	const struct record_token record = { t->username, t->expires_s,
		t->accounts, t->permissions, t->addresses };
	struct str name = name_of(RECORD_TOKEN, t->digest);

	view_put(view, name,
	    record_token_text(
		&kit.arena, &view_key, name, &record, t->changed));
}

struct view
view_whole(void)
{
	struct view view = { 0 };
	struct state state = { 0 };
	struct session *sessions = NULL;
	struct api_token *tokens = NULL;
	size_t count = 0;

	KIT_OK(store_state(kit.store, &kit.arena, &state, &kit.err));
	KIT_OK(store_sessions(
	    kit.store, &kit.arena, STR(""), &sessions, &count, &kit.err));
	for (size_t i = 0; i < state.member_count; i++)
		show_member(&view, &state.members[i]);
	for (size_t i = 0; i < state.account_count; i++)
		show_account(&view, &state.accounts[i]);
	for (size_t i = 0; i < count; i++)
		show_session(&view, &sessions[i]);
	KIT_OK(store_api_tokens(
	    kit.store, &kit.arena, STR(""), &tokens, &count, &kit.err));
	for (size_t i = 0; i < count; i++)
		show_token(&view, &tokens[i]);
	return view;
}

static void
touch_account(struct view *view, struct str id)
{
	struct names below = { NULL, 0 };

	KIT_OK(store_subtree(kit.store, &kit.arena, id, &below, &kit.err));
	if (below.count == 0)
		view_drop(view, name_of(RECORD_ACCOUNT, id));
	for (size_t i = 0; i < below.count; i++) {
		const struct account *a = NULL;

		KIT_OK(store_account(kit.store, &kit.arena, below.items[i], &a,
			   &kit.err) == FOUND_YES);
		show_account(view, a);
	}
}

/* As src/publish/ does it. */
static void
touch_one(struct view *view, struct str touched)
{
	struct str name = touched;
	struct str kind;
	struct member m = { 0 };
	struct session s = { 0 };
	struct api_token t = { 0 };

	str_next(&name, ':', &kind);
	if (str_eq(kind, STR("member"))) {
		if (store_member_by_id(
			kit.store, &kit.arena, name, &m, &kit.err) == FOUND_YES)
			show_member(view, &m);
	} else if (str_eq(kind, STR("username"))) {
		if (store_member(kit.store, &kit.arena, name, &m, &kit.err) ==
		    FOUND_YES)
			show_member(view, &m);
		else
			view_drop(view, name_of(RECORD_MEMBER, name));
	} else if (str_eq(kind, STR("account")))
		touch_account(view, name);
	else if (str_eq(kind, STR("session"))) {
		if (store_session(kit.store, &kit.arena, name, &s, &kit.err) ==
		    FOUND_YES)
			show_session(view, &s);
		else
			view_drop(view, name_of(RECORD_SESSION, name));
	} else if (str_eq(kind, STR("token"))) {
		if (store_api_token_by_digest(
			kit.store, &kit.arena, name, &t, &kit.err) == FOUND_YES)
			show_token(view, &t);
		else
			view_drop(view, name_of(RECORD_TOKEN, name));
	} else
		ck_abort_msg("touches %.*s", STR_ARGS(touched));
	ck_assert_ptr_null(kit.err.code);
}

static int64_t
generation_of(const struct shown *shown)
{
	struct record record = { 0 };

	KIT_OK(record_open(
	    &record, &view_key, shown->name, shown->text, &kit.err));
	return record.generation;
}

static const struct shown *
view_find(const struct view *view, struct str name)
{
	for (size_t i = 0; i < view->count; i++)
		if (str_eq(view->items[i].name, name))
			return &view->items[i];
	return NULL;
}

/* What the rows touch, made anew, is all that differs in the view; and what
 * differs is newer, so that the old record is not believed any more (W6). */
void
touches_suffice(struct view old, int64_t since, const char *says)
{
	struct view whole = view_whole();
	struct view view = { 0 };
	size_t count = 0;
	struct history_row *rows = admin_rows(since, &count);

	for (size_t i = 0; i < old.count; i++)
		view_put(&view, old.items[i].name, old.items[i].text);
	for (size_t i = 0; i < count; i++) {
		struct str rest = rows[i].touches;
		struct str one;

		while (rest.len > 0 && str_next(&rest, '\n', &one))
			touch_one(&view, one);
	}
	ck_assert_msg(view.count == whole.count, "%s: %zu records, not %zu",
	    says, view.count, whole.count);
	for (size_t i = 0; i < whole.count; i++) {
		const struct shown *now = &whole.items[i];
		const struct shown *got = view_find(&view, now->name);
		const struct shown *was = view_find(&old, now->name);

		ck_assert_msg(got != NULL && str_eq(got->text, now->text),
		    "%s: %.*s is not touched", says, STR_ARGS(now->name));
		if (was != NULL && !str_eq(was->text, now->text))
			ck_assert_msg(generation_of(was) < generation_of(now),
			    "%s: %.*s is not newer", says, STR_ARGS(now->name));
	}
}
