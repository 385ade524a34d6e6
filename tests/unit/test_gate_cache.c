/* The near cache: what is fresh, what is forgotten, and its bound. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "fcgi/gate/cache.h"
#include "unit.h"

#define KIB ((size_t)1024)

static struct cache *
opened(size_t bytes)
{
	struct cache *cache = NULL;
	struct err err = { 0 };

	ck_assert_int_ge(sodium_init(), 0);
	ck_assert(cache_open(&cache, bytes, &err));
	return cache;
}

static struct entry *
made(const char *name, const char *text, int64_t generation)
{
	struct entry *entry =
	    entry_new(RECORD_MEMBER, str_from(name), str_from(text));

	ck_assert_ptr_nonnull(entry);
	entry->body_len = (uint32_t)(text != NULL ? strlen(text) : 0);
	entry->generation = generation;
	return entry;
}

static void
put(struct cache *cache, const char *name, const char *text, int64_t generation,
    int64_t now_ms)
{
	struct entry *entry = made(name, text, generation);

	cache_put(cache, entry, cache_changes(cache), now_ms);
	entry_release(entry);
}

static const char *
got(struct cache *cache, const char *name)
{
	static char text[64];
	struct entry *entry = cache_get(cache, RECORD_MEMBER, str_from(name));

	if (entry == NULL)
		return "nothing";
	if (entry->absent)
		return "absent";
	snprintf(text, sizeof(text), "%.*s", STR_ARGS(entry_body(entry)));
	return text;
}

static bool
is_stale(struct cache *cache, const char *name, int64_t oldest_ms)
{
	return cache_get_stale(
		   cache, RECORD_MEMBER, str_from(name), oldest_ms) != NULL;
}

/* What is done between putting "ann" and asking for her. */
static void
do_nothing(struct cache *c)
{
	(void)c;
}

static void
do_forget(struct cache *c)
{
	cache_forget(c, RECORD_MEMBER, STR("ann"));
}

static void
do_forget_kind(struct cache *c)
{
	cache_forget(c, RECORD_ACCOUNT, STR("ann"));
}

static void
do_forget_bob(struct cache *c)
{
	cache_forget(c, RECORD_MEMBER, STR("bob"));
}

static void
do_clear(struct cache *c)
{
	cache_clear(c);
}

static void
do_lose(struct cache *c)
{
	cache_track(c, false);
}

static void
do_again(struct cache *c)
{
	cache_track(c, false);
	cache_track(c, true);
}

static void
do_track(struct cache *c)
{
	cache_track(c, true);
}

static void
do_replace(struct cache *c)
{
	put(c, "ann", "new", 8, 0);
}

static void
do_remove(struct cache *c)
{
	put(c, "ann", NULL, 0, 0);
}

static const struct {
	const char *says;
	void (*does)(struct cache *cache);
	const char *want;
	int64_t floor;
} rows[] = {
	{ "what was read under tracking is fresh", do_nothing, "old", 7 },
	{ "what Redis names is not, but its age is remembered (W6)", do_forget,
	    "nothing", 7 },
	{ "another kind of the same name is another record (T53)",
	    do_forget_kind, "old", 7 },
	{ "another name is another record", do_forget_bob, "old", 7 },
	{ "a NIL leaves nothing fresh", do_clear, "nothing", 7 },
	{ "a lost connection leaves nothing fresh", do_lose, "nothing", 7 },
	{ "nor does the next connection bring it back", do_again, "nothing",
	    7 },
	{ "nor a new one without a loss", do_track, "nothing", 7 },
	{ "what is read again takes the old one's place", do_replace, "new",
	    8 },
	{ "that there is none is known as well, and how old the last one was",
	    do_remove, "absent", 7 },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

START_TEST(fresh)
{
	struct cache *cache = opened(64 * KIB);

	cache_track(cache, true);
	put(cache, "ann", "old", 7, 0);
	rows[_i].does(cache);
	ck_assert_msg(strcmp(got(cache, "ann"), rows[_i].want) == 0, "%s: %s",
	    rows[_i].says, got(cache, "ann"));
	ck_assert_msg(
	    cache_floor(cache, RECORD_MEMBER, STR("ann")) == rows[_i].floor,
	    "%s", rows[_i].says);
	cache_close(cache);
}
END_TEST

START_TEST(without_tracking_nothing_is_fresh)
{
	struct cache *cache = opened(64 * KIB);

	put(cache, "ann", "old", 7, 0);
	ck_assert_str_eq(got(cache, "ann"), "nothing");
	cache_track(cache, true);
	ck_assert_str_eq(got(cache, "ann"), "nothing");
	cache_close(cache);
}
END_TEST

/* Asked for, then changed, then the answer comes: it may be the old one. */
START_TEST(a_change_on_the_way_keeps_the_answer_out)
{
	void (*changes[])(struct cache *) = { do_forget, do_forget_bob,
		do_clear, do_again, cache_changed };

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct cache *cache = opened(64 * KIB);
		struct entry *late = made("ann", "old", 7);
		int64_t asked;

		cache_track(cache, true);
		asked = cache_changes(cache);
		changes[i](cache);
		cache_put(cache, late, asked, 0);
		ck_assert_msg(
		    strcmp(got(cache, "ann"), "nothing") == 0, "change %zu", i);
		entry_release(late);
		cache_close(cache);
	}
}
END_TEST

START_TEST(stale_is_what_was_true_lately)
{
	struct cache *cache = opened(64 * KIB);

	cache_track(cache, true);
	put(cache, "ann", "old", 7, 1000);
	put(cache, "bob", "old", 7, 1000);
	cache_confirm(cache, 5000);
	cache_forget(cache, RECORD_MEMBER, STR("bob"));
	cache_track(cache, false);
	put(cache, "eve", "read without tracking", 7, 2000);
	ck_assert_msg(is_stale(cache, "ann", 5000), "told until 5000");
	ck_assert_msg(!is_stale(cache, "ann", 5001), "not later");
	ck_assert_msg(!is_stale(cache, "bob", 0), "told that it changed");
	ck_assert(is_stale(cache, "eve", 2000));
	ck_assert(!is_stale(cache, "eve", 2001));
	cache_track(cache, true);
	cache_confirm(cache, 9000);
	ck_assert_msg(!is_stale(cache, "ann", 5001),
	    "the next connection says nothing about it");
	cache_clear(cache);
	ck_assert(!is_stale(cache, "ann", 0));
	/* Its place in the list of connections is used again. */
	put(cache, "joe", "old", 7, 1000);
	for (int i = 0; i < 16; i++) {
		cache_track(cache, true);
		cache_confirm(cache, 20000);
	}
	ck_assert(is_stale(cache, "joe", 1000));
	ck_assert(!is_stale(cache, "joe", 9001));
	cache_close(cache);
}
END_TEST

/* The kind and every byte of the name; an absence is one of that name alone. */
START_TEST(T53_what_is_kept_is_found_by_all_that_it_hangs_on)
{
	static const char *const others[] = { "an", "annn", "Ann", "ann ",
		"ann\t" };
	struct cache *cache = opened(64 * KIB);

	cache_track(cache, true);
	put(cache, "ann", "x", 1, 0);
	put(cache, "bob", NULL, 0, 0);
	ck_assert_str_eq(got(cache, "ann"), "x");
	ck_assert_str_eq(got(cache, "bob"), "absent");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_str_eq(got(cache, others[i]), "nothing");
	for (int kind = RECORD_ACCOUNT; kind <= RECORD_HEARTBEAT; kind++)
		ck_assert_ptr_null(
		    cache_get(cache, (enum record_kind)kind, STR("ann")));
	cache_close(cache);
}
END_TEST

START_TEST(what_is_used_is_spared)
{
	struct cache *cache = opened(16 * KIB);
	char name[16];

	cache_track(cache, true);
	put(cache, "used", "x", 1, 0);
	put(cache, "unused", "x", 1, 0);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		put(cache, name, "x", 1, 0);
		ck_assert_str_eq(got(cache, "used"), "x");
	}
	ck_assert_str_eq(got(cache, "unused"), "nothing");
	ck_assert_str_eq(got(cache, "m499"), "x");
	cache_close(cache);
}
END_TEST

START_TEST(made_up_names_do_not_push_out_real_ones)
{
	struct cache *cache = opened(64 * KIB);
	char name[32];
	int left = 0;

	cache_track(cache, true);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "real%d", i);
		put(cache, name, "x", 1, 0);
	}
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "made-up-%d", i);
		put(cache, name, NULL, 0, 0);
	}
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "real%d", i);
		left += strcmp(got(cache, name), "x") == 0;
	}
	ck_assert_int_eq(left, 300);
	ck_assert_str_eq(got(cache, "made-up-19999"), "absent");
	cache_close(cache);
}
END_TEST

START_TEST(the_bound_is_never_passed)
{
	static char text[20000];
	struct cache *cache = opened(40 * KIB);
	unsigned seed = 1;
	char name[32];

	memset(text, 'x', sizeof(text) - 1);
	cache_track(cache, true);
	for (int i = 0; i < 50000; i++) {
		unsigned what = (seed = seed * 1103515245 + 12345) >> 16;
		struct entry *entry;

		snprintf(name, sizeof(name), "m%u", what % 700);
		text[what % sizeof(text)] = '\0';
		entry = made(name, what % 3 == 0 ? NULL : text, 1);
		text[what % sizeof(text)] = 'x';
		cache_put(cache, entry, cache_changes(cache), i);
		entry_release(entry);
		if (what % 11 == 0)
			cache_forget(cache, RECORD_MEMBER, str_from(name));
		ck_assert_int_le(cache_count(cache).bytes, (int64_t)(40 * KIB));
	}
	ck_assert_int_gt(cache_count(cache).records, 0);
	cache_close(cache);
}
END_TEST

START_TEST(what_is_held_outlives_its_place)
{
	struct cache *cache = opened(64 * KIB);
	struct entry *held;

	cache_track(cache, true);
	put(cache, "ann", "old", 7, 0);
	held = entry_hold(cache_get(cache, RECORD_MEMBER, STR("ann")));
	put(cache, "ann", "new", 8, 0);
	cache_close(cache);
	ck_assert(str_eq(entry_body(held), STR("old")));
	entry_release(held);
}
END_TEST

START_TEST(the_same_entry_can_be_read_again)
{
	struct cache *cache = opened(64 * KIB);
	struct entry *entry = made("ann", "old", 7);

	cache_track(cache, true);
	cache_put(cache, entry, cache_changes(cache), 0);
	cache_forget(cache, RECORD_MEMBER, STR("ann"));
	cache_put(cache, entry, cache_changes(cache), 5);
	ck_assert_str_eq(got(cache, "ann"), "old");
	ck_assert_int_eq(cache_count(cache).records, 1);
	entry_release(entry);
	cache_close(cache);
}
END_TEST

START_TEST(what_cannot_fit_is_not_kept)
{
	static char text[8 * 1024];
	struct cache *cache = opened(4 * KIB);
	struct cache *none = opened(0);

	memset(text, 'x', sizeof(text) - 1);
	cache_track(cache, true);
	cache_track(none, true);
	put(cache, "ann", text, 1, 0);
	put(none, "ann", "x", 1, 0);
	ck_assert_str_eq(got(cache, "ann"), "nothing");
	ck_assert_str_eq(got(none, "ann"), "nothing");
	ck_assert_int_eq(cache_count(cache).records, 0);
	cache_close(cache);
	cache_close(none);
	cache_close(NULL);
}
END_TEST

/* The record of a member with three grants, as it is published. */
START_TEST(a_member_with_three_grants_takes_400_bytes_at_most)
{
	const struct grant grants[] = {
		{ .account = STR("my-business"),
		    .role = STR("business.editor"),
		    .source = STR("local") },
		{ .account = STR("north-america"),
		    .role = STR("full.viewer"),
		    .source = STR("corp") },
		{ .account = STR("sales-europe"),
		    .role = STR("full.viewer"),
		    .source = STR("corp") },
	};
	const struct member member = { .username = STR("jane.doe"),
		.status = MEMBER_ACTIVE,
		.personal = STR("jane.doe"),
		.grants = grants,
		.grant_count = 3,
		.changed = 123456 };
	struct record_key key = { { 1 } };
	struct arena arena = { 0 };
	struct str name =
	    record_name(&arena, STR("default"), RECORD_MEMBER, STR("jane.doe"));
	struct record record;
	struct err err = { 0 };
	struct entry *entry;

	ck_assert(record_open(&record, &key, name,
	    record_member(&arena, &key, name, &member), &err));
	entry = entry_new(RECORD_MEMBER, STR("jane.doe"), record.body);
	/* And its slot. */
	ck_assert_uint_le(entry_bytes(entry) + sizeof(void *), 400);
	entry_release(entry);
	arena_free(&arena);
}
END_TEST

static void
tests(TCase *t)
{
	tcase_add_loop_test(t, fresh, 0, ROWS);
	tcase_add_test(t, without_tracking_nothing_is_fresh);
	tcase_add_test(t, a_change_on_the_way_keeps_the_answer_out);
	tcase_add_test(t, stale_is_what_was_true_lately);
	tcase_add_test(t, T53_what_is_kept_is_found_by_all_that_it_hangs_on);
	tcase_add_test(t, what_is_used_is_spared);
	tcase_add_test(t, made_up_names_do_not_push_out_real_ones);
	tcase_add_test(t, the_bound_is_never_passed);
	tcase_add_test(t, what_is_held_outlives_its_place);
	tcase_add_test(t, the_same_entry_can_be_read_again);
	tcase_add_test(t, what_cannot_fit_is_not_kept);
	tcase_add_test(t, a_member_with_three_grants_takes_400_bytes_at_most);
}

UNIT_MAIN("gate_cache", tests)
