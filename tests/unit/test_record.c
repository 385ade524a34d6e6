#include "publish/record.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bounds.h"
#include "unit.h"

/* STR() is no constant. */
#define TEXT(literal)                           \
	{                                       \
		"" literal, sizeof(literal) - 1 \
	}

static const struct record_key key = { { 1, 2, 3 } };
static const struct record_key other_key = { { 1, 2, 4 } };
static struct arena arena;

static struct str
named(enum record_kind kind, const char *name)
{
	return record_name(&arena, STR("t"), kind, str_from(name));
}

static struct names
names_of(const char *first, const char *second)
{
	struct str *items = ARENA_ARRAY(&arena, struct str, 2);

	items[0] = str_from(first);
	items[1] = str_from(second);
	return (struct names){ items, first == NULL    ? 0u
				      : second == NULL ? 1u
						       : 2u };
}

/* --- Names ---------------------------------------------------------------- */

static const struct {
	const char *says;
	const char *ns;
	enum record_kind kind;
	const char *name;
	const char *want; /* NULL: refused */
} names[] = {
	{ "a member's key ends in the folded username (J1)", "default",
	    RECORD_MEMBER, "Ann@Example.org",
	    "rolegate:{default}:member:ann@example.org" },
	{ "only A-Z are folded", "d", RECORD_MEMBER, "\xc3\x84nne",
	    "rolegate:{d}:member:\xc3\x84nne" },
	{ "an account's id is kept as it is", "d", RECORD_ACCOUNT, "Sales",
	    "rolegate:{d}:account:Sales" },
	{ "a catalogue has its name", "d", RECORD_CATALOGUE, "call-tracking",
	    "rolegate:{d}:catalogue:call-tracking" },
	{ "a session has its digest", "d", RECORD_SESSION, "00ff",
	    "rolegate:{d}:session:00ff" },
	{ "the generation has no name", "d", RECORD_GENERATION, "",
	    "rolegate:{d}:generation" },
	{ "the heartbeat has no name", "d", RECORD_HEARTBEAT, "",
	    "rolegate:{d}:heartbeat" },
	{ "no name is no key", "d", RECORD_MEMBER, "", NULL },
	{ "no namespace is no key", "", RECORD_MEMBER, "ann", NULL },
	{ "a namespace cannot close its brace", "d}:member:ann{",
	    RECORD_GENERATION, "", NULL },
	{ "a line feed in a name is no key", "d", RECORD_ACCOUNT, "a\nb",
	    NULL },
	{ "a TAB in a name is no key", "d", RECORD_ACCOUNT, "a\tb", NULL },
	{ "DEL in a name is no key", "d", RECORD_ACCOUNT, "a\x7f", NULL },
	{ "a kind of zero is no key", "d", (enum record_kind)0, "ann", NULL },
};

START_TEST(names_are_built)
{
	struct str got = record_name(&arena, str_from(names[_i].ns),
	    names[_i].kind, str_from(names[_i].name));

	if (names[_i].want == NULL)
		ck_assert_msg(got.ptr == NULL, "%s", names[_i].says);
	else
		ck_assert_msg(str_eq(got, str_from(names[_i].want)),
		    "%s: got %.*s", names[_i].says, STR_ARGS(got));
}
END_TEST

START_TEST(name_over_its_bound_is_no_key)
{
	char long_name[USERNAME_MAX + 2];
	struct str name = { long_name, USERNAME_MAX };

	memset(long_name, 'a', sizeof(long_name));
	ck_assert_ptr_nonnull(
	    record_name(&arena, STR("d"), RECORD_MEMBER, name).ptr);
	name.len++;
	ck_assert_ptr_null(
	    record_name(&arena, STR("d"), RECORD_MEMBER, name).ptr);
	name.len = NAMESPACE_MAX + 1;
	ck_assert_ptr_null(
	    record_name(&arena, name, RECORD_MEMBER, STR("ann")).ptr);
	ck_assert_ptr_null(record_name(
	    &arena, STR("d"), RECORD_MEMBER, (struct str){ "a\0b", 3 })
			       .ptr);
}
END_TEST

/* --- What is written is read back ----------------------------------------- */

static struct member
ann(void)
{
	static struct grant grants[2];

	grants[0] = (struct grant){ .account = STR("my-business"),
		.role = STR("full.editor"),
		.source = STR("corp"),
		.licences = names_of("marketing", "voice"),
		.expires_s = 1798761600 };
	grants[1] = (struct grant){ .account = STR("net"),
		.role = STR("filtered_reporting"),
		.source = STR("local"),
		.filters = names_of("region=North East", "region=West") };
	return (struct member){ .username = STR("Ann"),
		.email = STR("ann@example.org"),
		.status = MEMBER_ACTIVE,
		.personal = STR("~ann"),
		.grants = grants,
		.grant_count = 2,
		.changed = 17 };
}

static struct str
ann_text(void)
{
	struct member member = ann();

	return record_member(
	    &arena, &key, named(RECORD_MEMBER, "ann"), &member);
}

static const struct account *
sales(void)
{
	static struct account root;
	static struct account leaf;

	root = (struct account){ .id = STR("my-business"),
		.name = STR("My Business"),
		.kind = ACCOUNT_SHARED,
		.level = STR("account"),
		.catalogue = STR("call-tracking"),
		.licences = names_of("marketing", "voice"),
		.status = ACCOUNT_ACTIVE,
		.owner = STR("Ann"),
		.changed = 12 };
	leaf = (struct account){ .id = STR("sales"),
		.parent_id = STR("my-business"),
		.parent = &root,
		.kind = ACCOUNT_SHARED,
		.level = STR("account"),
		.status = ACCOUNT_SUSPENDED,
		.changed = 9 };
	return &leaf;
}

static const struct role small_roles[] = {
	{ .name = TEXT("viewer"),
	    .filtered = true,
	    .filtered_level = TEXT("network") },
	{ .name = TEXT("editor"), .may_give = 3 },
};
static const struct str voice[] = { TEXT("voice") };
static const struct permission small_permissions[] = {
	{ .name = TEXT("act"), .level = TEXT("network"), .roles = 2 },
	{ .name = TEXT("calls.view"),
	    .need = LICENCE_SET,
	    .licences = { voice, 1 },
	    .roles = 3 },
	{ .name = TEXT("own.edit"), .need = LICENCE_FREE, .roles = 2 },
};
static const struct str needs[] = { TEXT("calls.view"), TEXT("own.edit") };
static const struct operation small_operations[] = {
	{ .name = TEXT("member.add"), .needs = { needs, 2 } },
	{ .name = TEXT("member.remove"), .needs = { needs, 1 } },
};
static const struct catalogue small = {
	.name = TEXT("small"),
	.roles = small_roles,
	.role_count = 2,
	.permissions = small_permissions,
	.permission_count = 3,
	.top = 1,
	.act_on_behalf = &small_permissions[0],
	.operations = small_operations,
	.operation_count = 2,
	.ladder = true,
	.changed = 4,
};

static struct record
opened(struct str name, struct str text)
{
	struct record record = { 0 };
	struct err e = { 0 };

	ck_assert_msg(record_open(&record, &key, name, text, &e), "%s", e.text);
	return record;
}

static bool
same_names(struct names a, struct names b)
{
	if (a.count != b.count)
		return false;
	for (size_t i = 0; i < a.count; i++)
		if (!str_eq(a.items[i], b.items[i]))
			return false;
	return true;
}

START_TEST(member_is_written_as_the_docs_say)
{
	struct str text = ann_text();

	ck_assert_msg(
	    str_starts(text, STR("rolegate\t1\trolegate:{t}:member:ann\t17\n"
				 "member\tAnn\tactive\t~ann\n"
				 "grant\tmy-business\tfull.editor\tcorp\t"
				 "1798761600\tmarketing voice\n"
				 "grant\tnet\tfiltered_reporting\tlocal\t0\t\t"
				 "region=North East\tregion=West\n"
				 "mac\t")),
	    "%.*s", STR_ARGS(text));
	ck_assert_int_eq(text.ptr[text.len - 1], '\n');
}
END_TEST

START_TEST(member_is_read_back)
{
	struct member want = ann();
	struct record record = opened(named(RECORD_MEMBER, "ann"), ann_text());
	struct member got = { 0 };
	struct err e = { 0 };

	ck_assert_int_eq(record.generation, 17);
	ck_assert_msg(
	    record_read_member(&record, &arena, &got, &e), "%s", e.text);
	ck_assert(str_eq(got.username, want.username));
	ck_assert(str_eq(got.personal, want.personal));
	ck_assert_int_eq(got.status, MEMBER_ACTIVE);
	ck_assert_int_eq(got.changed, 17);
	ck_assert_uint_eq(got.grant_count, 2);
	ck_assert_msg(got.email.len == 0, "an address is not in the view");
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(grant_cmp(&got.grants[i], &want.grants[i]), 0);
		ck_assert_int_eq(
		    got.grants[i].expires_s, want.grants[i].expires_s);
		ck_assert(same_names(
		    got.grants[i].licences, want.grants[i].licences));
		ck_assert(
		    same_names(got.grants[i].filters, want.grants[i].filters));
	}
}
END_TEST

/* --- Some of the grants --------------------------------------------------- */

#define SOME_GRANTS 120
#define SOME_ROUNDS 3000
#define SOME_LEVELS 6

/* One is the beginning of another, and the order of ids is not that of length.
 */
static const char *const some_ids[] = { "a", "aa", "ab", "a-b", "b", "ba", "z",
	"Z", "0", "a0", "ann\xc3\xa9", "net" };
#define SOME_IDS (sizeof(some_ids) / sizeof(some_ids[0]))

static unsigned
dice(unsigned *seed, unsigned sides)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % sides;
}

static int
by_order(const void *a, const void *b)
{
	return grant_cmp(a, b);
}

static bool
is_on(const struct account *account, struct str id)
{
	for (; account != NULL; account = account->parent)
		if (str_eq(account->id, id))
			return true;
	return false;
}

/* A record of so many grants at most, opened. */
static struct record
some_record(unsigned *seed, unsigned most)
{
	struct grant *grants = ARENA_ARRAY(&arena, struct grant, SOME_GRANTS);
	struct member member = { .username = STR("ann"),
		.status = MEMBER_ACTIVE,
		.personal = STR("ann"),
		.grants = grants,
		.grant_count = dice(seed, most + 1),
		.changed = 7 };
	struct str name = named(RECORD_MEMBER, "ann");
	struct record record;
	struct err e = { 0 };

	for (size_t i = 0; i < member.grant_count; i++)
		grants[i] = (struct grant){
			.account = str_from(some_ids[dice(seed, SOME_IDS)]),
			.role = str_fmt(&arena, "r%u", dice(seed, 90)),
			.source = STR("local"),
			.filters = dice(seed, 4) == 0 ? names_of("f", "g")
						      : names_of(NULL, NULL),
		};
	qsort(grants, member.grant_count, sizeof(grants[0]), by_order);
	ck_assert(record_open(&record, &key, name,
	    record_member(&arena, &key, name, &member), &e));
	return record;
}

static void
some_are_those(const struct record *record, const struct account *account)
{
	struct member all;
	struct member some;
	struct err e = { 0 };
	size_t next = 0;

	ck_assert(record_read_member(record, &arena, &all, &e));
	ck_assert(record_read_member_line(record, &some, &e));
	ck_assert(str_eq(some.username, all.username));
	ck_assert(some.status == all.status && some.grant_count == 0);
	ck_assert(record_read_grants_on(record, &arena, account, &some, &e));
	for (size_t i = 0; i < all.grant_count; i++) {
		if (!is_on(account, all.grants[i].account))
			continue;
		ck_assert_uint_lt(next, some.grant_count);
		ck_assert_int_eq(
		    grant_cmp(&some.grants[next], &all.grants[i]), 0);
		ck_assert_uint_eq(some.grants[next].filters.count,
		    all.grants[i].filters.count);
		next++;
	}
	ck_assert_uint_eq(next, some.grant_count);
}

START_TEST(some_of_the_grants_are_those_on_the_account_and_above)
{
	unsigned seed = 42;

	for (int round = 0; round < SOME_ROUNDS; round++) {
		struct record record =
		    some_record(&seed, round % 3 == 0 ? 3 : SOME_GRANTS);
		struct account chain[SOME_LEVELS] = { 0 };
		unsigned levels = 1 + dice(&seed, SOME_LEVELS);

		for (unsigned i = 0; i < levels; i++) {
			chain[i].id = str_from(some_ids[dice(&seed, SOME_IDS)]);
			for (unsigned k = 0; k < i; k++)
				if (str_eq(chain[k].id, chain[i].id))
					chain[i].id =
					    str_fmt(&arena, "none%u", i);
			if (i > 0)
				chain[i - 1].parent = &chain[i];
		}
		some_are_those(&record, chain);
		arena_reset(&arena);
	}
}
END_TEST

START_TEST(account_is_read_back_with_its_chain)
{
	struct str name = named(RECORD_ACCOUNT, "sales");
	struct str text = record_account(&arena, &key, name, sales());
	struct record record = opened(name, text);
	const struct account *got = NULL;
	struct err e = { 0 };

	ck_assert_msg(record.generation == 12, "the newest of the chain");
	ck_assert_msg(
	    record_read_account(&record, &arena, &got, &e), "%s", e.text);
	ck_assert(str_eq(got->id, STR("sales")));
	ck_assert(str_eq(got->parent_id, STR("my-business")));
	ck_assert_msg(got->parent->name.len == 0, "a name is not in the view");
	ck_assert_int_eq(got->status, ACCOUNT_SUSPENDED);
	ck_assert_ptr_nonnull(account_root(got));
	ck_assert(str_eq(got->parent->catalogue, STR("call-tracking")));
	ck_assert(str_eq(got->parent->owner, STR("Ann")));
	ck_assert_uint_eq(account_licences(got).count, 2);
	ck_assert(str_eq(record_account(&arena, &key, name, got), text));
}
END_TEST

START_TEST(account_that_hangs_in_the_air_is_no_record)
{
	struct account alone = *sales();
	struct account loop = *sales();
	struct str name = named(RECORD_ACCOUNT, "sales");

	alone.parent = NULL;
	ck_assert_ptr_null(record_account(&arena, &key, name, &alone).ptr);
	loop.parent = &loop;
	ck_assert_ptr_null(record_account(&arena, &key, name, &loop).ptr);
}
END_TEST

START_TEST(catalogue_is_read_back)
{
	struct str name = named(RECORD_CATALOGUE, "small");
	struct str text = record_catalogue(&arena, &key, name, &small);
	struct record record = opened(name, text);
	const struct catalogue *got = NULL;
	struct err e = { 0 };

	ck_assert_msg(
	    record_read_catalogue(&record, &arena, &got, &e), "%s", e.text);
	ck_assert(str_eq(catalogue_text(&arena, &small), record.body));
	ck_assert(str_eq(record_catalogue(&arena, &key, name, got), text));
	ck_assert_int_eq(got->top, 1);
	ck_assert_ptr_eq(got->act_on_behalf, &got->permissions[0]);
	ck_assert(got->ladder && got->roles[0].filtered);
	ck_assert_uint_eq(got->roles[1].may_give, 3);
	ck_assert_int_eq(got->permissions[1].need, LICENCE_SET);
	ck_assert_int_eq(got->permissions[2].need, LICENCE_FREE);
	ck_assert_int_eq(got->changed, 4);
}
END_TEST

START_TEST(session_and_numbers_are_read_back)
{
	struct record_session want = { STR("ann"), STR("sales"), 1798761600 };
	struct record_session got = { 0 };
	struct str name = named(RECORD_SESSION, "00ff");
	struct str hash = { 0 };
	struct record record =
	    opened(name, record_session_text(&arena, &key, name, &want, 5));
	struct err e = { 0 };
	int64_t number = 0;

	ck_assert(record_read_session(&record, &got, &e));
	ck_assert(str_eq(got.username, want.username));
	ck_assert(str_eq(got.account, want.account));
	ck_assert_int_eq(got.expires_s, want.expires_s);
	ck_assert_int_eq(record.generation, 5);

	name = named(RECORD_HEARTBEAT, "");
	record = opened(name, record_number(&arena, &key, name, 1798761600123));
	ck_assert(record_read_number(&record, &number, &e));
	ck_assert_int_eq(number, 1798761600123);
	ck_assert_int_eq(record.generation, 1798761600123);

	name = named(RECORD_GENERATION, "");
	record = opened(
	    name, record_generation(&arena, &key, name, 71, STR("ab12")));
	ck_assert(record_read_generation(&record, &number, &hash, &e));
	ck_assert(number == 71 && str_eq(hash, STR("ab12")));
	ck_assert(record_read_number(&record, &number, &e));
}
END_TEST

/* --- What cannot be read back is not written ------------------------------ */

static const struct {
	const char *says;
	struct str username;
	struct str filter;
	struct str licence;
	enum member_status status;
} unwritten[] = {
	{ "a TAB in a username", TEXT("a\tb"), TEXT("f"), TEXT("l"),
	    MEMBER_ACTIVE },
	{ "a line feed in a username", TEXT("a\nb"), TEXT("f"), TEXT("l"),
	    MEMBER_ACTIVE },
	{ "a NUL in a username", { "a\0b", 3 }, TEXT("f"), TEXT("l"),
	    MEMBER_ACTIVE },
	{ "a line feed in a filter", TEXT("ann"), TEXT("f\ng"), TEXT("l"),
	    MEMBER_ACTIVE },
	{ "an empty filter", TEXT("ann"), TEXT(""), TEXT("l"), MEMBER_ACTIVE },
	{ "a blank in a licence", TEXT("ann"), TEXT("f"), TEXT("l m"),
	    MEMBER_ACTIVE },
	{ "an empty licence", TEXT("ann"), TEXT("f"), TEXT(""), MEMBER_ACTIVE },
	{ "a status that is none", TEXT("ann"), TEXT("f"), TEXT("l"),
	    MEMBER_NONE },
};

START_TEST(what_cannot_be_read_back_is_not_written)
{
	struct grant grant = { .account = STR("a"),
		.role = STR("r"),
		.source = STR("local"),
		.filters = { &unwritten[_i].filter, 1 },
		.licences = { &unwritten[_i].licence, 1 } };
	struct member member = { .username = unwritten[_i].username,
		.status = unwritten[_i].status,
		.grants = &grant,
		.grant_count = 1 };

	ck_assert_msg(
	    record_member(&arena, &key, named(RECORD_MEMBER, "ann"), &member)
		    .ptr == NULL,
	    "%s", unwritten[_i].says);
}
END_TEST

START_TEST(over_record_max_is_not_written)
{
	static char filter[FILTER_MAX];
	static struct str filters[FILTERS_PER_GRANT_MAX];
	static struct grant grants[GRANTS_PER_MEMBER_MAX];
	struct member member = { .username = STR("ann"),
		.status = MEMBER_ACTIVE,
		.grants = grants };
	struct str name = named(RECORD_MEMBER, "ann");

	memset(filter, 'f', sizeof(filter));
	for (size_t i = 0; i < FILTERS_PER_GRANT_MAX; i++)
		filters[i] = (struct str){ filter, sizeof(filter) };
	for (size_t i = 0; i < GRANTS_PER_MEMBER_MAX; i++)
		grants[i] = (struct grant){ .account = STR("a"),
			.role = STR("r"),
			.source = STR("s"),
			.filters = { filters, FILTERS_PER_GRANT_MAX } };
	member.grant_count = 63;
	ck_assert_ptr_nonnull(record_member(&arena, &key, name, &member).ptr);
	member.grant_count = 64;
	ck_assert_ptr_null(record_member(&arena, &key, name, &member).ptr);
}
END_TEST

START_TEST(no_memory_is_no_record)
{
	struct member member = ann();
	struct arena tight = { .max_bytes = 256 };
	struct str name = named(RECORD_MEMBER, "ann");
	struct record record = opened(name, ann_text());
	struct err e = { 0 };
	struct member got = { 0 };

	ck_assert_ptr_null(record_member(&tight, &key, name, &member).ptr);
	arena_free(&tight);
	tight.max_bytes = 64;
	ck_assert(!record_read_member(&record, &tight, &got, &e));
	ck_assert_str_eq(e.code, "no_memory");
	arena_free(&tight);
}
END_TEST

/* --- Bodies that are signed but not in the form --------------------------- */

struct row {
	const char *says;
	enum record_kind kind;
	const char *name;
	const char *body;
	bool good;
};

#define MEMBER	  "member\tann\tactive\t\n"
#define ROOT	  "account\troot\tshared\taccount\tactive\t\tct\t\n"
#define LEAF	  "account\tleaf\tshared\taccount\tactive\t\t\t\n"
#define CATALOGUE "catalogue\tc\tplain\tr\ta\n"
#define ROLE	  "role\tr\tplain\t\t1\n"
#define ROW_A	  "permission\ta\t\tany\t\t1\n"
#define ROW_B	  "permission\tb\t\tany\t\t0\n"
#define OPERATION "operation\tmember.add\ta\n"

/* clang-format off */
static const struct row rows[] = {
	{ "a member without grants", RECORD_MEMBER, "ann", MEMBER, true },
	{ "a username is shown as it is written", RECORD_MEMBER, "ann", "member\tAnN\tactive\t\n", true },
	{ "a member's line twice", RECORD_MEMBER, "ann", MEMBER MEMBER, false },
	{ "no member's line", RECORD_MEMBER, "ann", "grant\ta\tr\ts\t0\t\n", false },
	{ "a line of no kind", RECORD_MEMBER, "ann", MEMBER "\n", false },
	{ "an unknown kind of line", RECORD_MEMBER, "ann", MEMBER "note\tx\n", false },
	{ "a kind that only begins like one", RECORD_MEMBER, "ann", "members\tann\tactive\t\n", false },
	{ "a member with a field too few", RECORD_MEMBER, "ann", "member\tann\tactive\n", false },
	{ "a member with a field too many", RECORD_MEMBER, "ann", "member\tann\tactive\t\t\n", false },
	{ "a member with nothing", RECORD_MEMBER, "ann", "member\n", false },
	{ "a member of another name (W8)", RECORD_MEMBER, "ann", "member\tbob\tactive\t\n", false },
	{ "a member whose name only ends alike (W8)", RECORD_MEMBER, "ann", "member\tn\tactive\t\n", false },
	{ "an unknown status", RECORD_MEMBER, "ann", "member\tann\tenabled\t\n", false },
	{ "an empty status", RECORD_MEMBER, "ann", "member\tann\t\t\n", false },
	{ "the word for no status", RECORD_MEMBER, "ann", "member\tann\tnone\t\n", false },
	{ "an account's body in a member's record", RECORD_MEMBER, "ann", ROOT, false },
	{ "a grant", RECORD_MEMBER, "ann", MEMBER "grant\ta\tr\ts\t0\t\n", true },
	{ "a grant with filters", RECORD_MEMBER, "ann", MEMBER "grant\ta\tr\ts\t0\tl m\tf g\th\n", true },
	{ "a grant with an empty filter", RECORD_MEMBER, "ann", MEMBER "grant\ta\tr\ts\t0\t\t\n", false },
	{ "a grant without the licences' field", RECORD_MEMBER, "ann", MEMBER "grant\ta\tr\ts\t0\n", false },
	{ "a grant on nothing", RECORD_MEMBER, "ann", MEMBER "grant\t\tr\ts\t0\t\n", false },
	{ "a grant of no role", RECORD_MEMBER, "ann", MEMBER "grant\ta\t\ts\t0\t\n", false },
	{ "a grant of no source", RECORD_MEMBER, "ann", MEMBER "grant\ta\tr\t\t0\t\n", false },
	{ "an empty expiry", RECORD_MEMBER, "ann", MEMBER "grant\ta\tr\ts\t\t\n", false },
	{ "an expiry below zero", RECORD_MEMBER, "ann", MEMBER "grant\ta\tr\ts\t-1\t\n", false },
	{ "an expiry that is minus zero", RECORD_MEMBER, "ann", MEMBER "grant\ta\tr\ts\t-0\t\n", false },
	{ "an expiry with a zero in front", RECORD_MEMBER, "ann", MEMBER "grant\ta\tr\ts\t01\t\n", false },
	{ "an expiry with a blank", RECORD_MEMBER, "ann", MEMBER "grant\ta\tr\ts\t1 \t\n", false },
	{ "the largest expiry", RECORD_MEMBER, "ann", MEMBER "grant\ta\tr\ts\t9223372036854775807\t\n", true },
	{ "an expiry that overflows", RECORD_MEMBER, "ann", MEMBER "grant\ta\tr\ts\t9223372036854775808\t\n", false },
	{ "two blanks between licences", RECORD_MEMBER, "ann", MEMBER "grant\ta\tr\ts\t0\tl  m\n", false },
	{ "a blank behind licences", RECORD_MEMBER, "ann", MEMBER "grant\ta\tr\ts\t0\tl \n", false },
	{ "licences up to the bound", RECORD_MEMBER, "ann", MEMBER "grant\ta\tr\ts\t0\ta b c d e f g h i j k l m n o p\n", true },
	{ "a licence over the bound", RECORD_MEMBER, "ann", MEMBER "grant\ta\tr\ts\t0\ta b c d e f g h i j k l m n o p q\n", false },

	{ "a root", RECORD_ACCOUNT, "root", ROOT, true },
	{ "a leaf and its root", RECORD_ACCOUNT, "leaf", LEAF ROOT, true },
	{ "an account of another id (W8)", RECORD_ACCOUNT, "leaf", ROOT, false },
	{ "an id that differs by case", RECORD_ACCOUNT, "Root", ROOT, false },
	{ "an account of no kind", RECORD_ACCOUNT, "x", "account\tx\t\taccount\tactive\t\tct\t\n", false },
	{ "an account of no status", RECORD_ACCOUNT, "x", "account\tx\tshared\taccount\t\t\tct\t\n", false },
	{ "an account with an unknown status", RECORD_ACCOUNT, "x", "account\tx\tshared\taccount\topen\t\tct\t\n", false },
	{ "an account with a field too few", RECORD_ACCOUNT, "x", "account\tx\tshared\taccount\tactive\t\tct\n", false },
	{ "an account with a field too many", RECORD_ACCOUNT, "x", "account\tx\tshared\taccount\tactive\t\tct\t\t\n", false },
	{ "16 levels", RECORD_ACCOUNT, "leaf", LEAF LEAF LEAF LEAF LEAF LEAF LEAF LEAF LEAF LEAF LEAF LEAF LEAF LEAF LEAF ROOT, true },
	{ "17 levels", RECORD_ACCOUNT, "leaf", LEAF LEAF LEAF LEAF LEAF LEAF LEAF LEAF LEAF LEAF LEAF LEAF LEAF LEAF LEAF LEAF ROOT, false },

	{ "a catalogue", RECORD_CATALOGUE, "c", CATALOGUE ROLE ROW_A ROW_B OPERATION, true },
	{ "a catalogue without top role and acting", RECORD_CATALOGUE, "c", "catalogue\tc\tladder\t\t\n" ROLE ROW_A, true },
	{ "a catalogue of nothing", RECORD_CATALOGUE, "c", "catalogue\tc\tplain\t\t\n", true },
	{ "a top role that is not there", RECORD_CATALOGUE, "c", "catalogue\tc\tplain\tx\ta\n" ROLE ROW_A, false },
	{ "acting by a permission that is not there", RECORD_CATALOGUE, "c", "catalogue\tc\tplain\tr\tx\n" ROLE ROW_A, false },
	{ "a form that is neither ladder nor plain", RECORD_CATALOGUE, "c", "catalogue\tc\tyes\tr\ta\n" ROLE ROW_A, false },
	{ "a role twice", RECORD_CATALOGUE, "c", "catalogue\tc\tplain\tr\ta\nrole\tr\tplain\t\t11\nrole\tr\tplain\t\t11\npermission\ta\t\tany\t\t11\n", false },
	{ "a digit too few in may_give", RECORD_CATALOGUE, "c", "catalogue\tc\tplain\tr\ta\nrole\tr\tplain\t\t\n" ROW_A, false },
	{ "a digit too many in a permission", RECORD_CATALOGUE, "c", CATALOGUE ROLE "permission\ta\t\tany\t\t11\n", false },
	{ "a digit that is a 2", RECORD_CATALOGUE, "c", CATALOGUE ROLE "permission\ta\t\tany\t\t2\n", false },
	{ "an unknown need of licences", RECORD_CATALOGUE, "c", CATALOGUE ROLE "permission\ta\t\tall\t\t1\n", false },
	{ "permissions out of order", RECORD_CATALOGUE, "c", CATALOGUE ROLE ROW_B ROW_A, false },
	{ "a permission twice", RECORD_CATALOGUE, "c", CATALOGUE ROLE ROW_A ROW_A, false },
	{ "a role behind the permissions", RECORD_CATALOGUE, "c", CATALOGUE ROLE ROW_A "role\ts\tplain\t\t1\n", false },
	{ "permissions before the roles", RECORD_CATALOGUE, "c", CATALOGUE ROW_A ROLE, false },
	{ "an operation twice", RECORD_CATALOGUE, "c", CATALOGUE ROLE ROW_A OPERATION OPERATION, false },
	{ "a line behind the operations", RECORD_CATALOGUE, "c", CATALOGUE ROLE ROW_A OPERATION ROW_B, false },

	{ "a session", RECORD_SESSION, "00", "session\tann\tsales\t9\n", true },
	{ "a session in the personal account", RECORD_SESSION, "00", "session\tann\t\t9\n", true },
	{ "a token", RECORD_TOKEN, "00", "token\tann\t0\tnet sales\tcalls.view\t192.0.2.0/24\n", true },
	{ "a token for everything", RECORD_TOKEN, "00", "token\tann\t9\t\t\t\n", true },
	{ "a token of nobody", RECORD_TOKEN, "00", "token\t\t0\t\t\t\n", false },
	{ "a token without its end", RECORD_TOKEN, "00", "token\tann\t\t\t\t\n", false },
	{ "a token with a field too few", RECORD_TOKEN, "00", "token\tann\t0\t\t\n", false },
	{ "a token with a field too many", RECORD_TOKEN, "00", "token\tann\t0\t\t\t\t\n", false },
	{ "a session for a token", RECORD_TOKEN, "00", "session\tann\tsales\t9\n", false },
	{ "a session of nobody", RECORD_SESSION, "00", "session\t\t\t9\n", false },
	{ "a session that never ends has a zero", RECORD_SESSION, "00", "session\tann\t\t\n", false },
	{ "a session twice", RECORD_SESSION, "00", "session\tann\t\t9\nsession\tann\t\t9\n", false },
	{ "a session with a field too many", RECORD_SESSION, "00", "session\tann\t\t9\t\n", false },

	{ "a generation", RECORD_GENERATION, "", "number\t7\t\n", true },
	{ "a generation other than its record's", RECORD_GENERATION, "", "number\t8\t\n", false },
	{ "a generation without its hash's field", RECORD_GENERATION, "", "number\t7\n", false },
	{ "a generation twice", RECORD_GENERATION, "", "number\t7\t\nnumber\t7\t\n", false },
};
/* clang-format on */

static bool
body_read(const struct record *record, enum record_kind kind, struct err *e)
{
	struct member member = { 0 };
	const struct account *account = NULL;
	const struct catalogue *catalogue = NULL;
	struct record_session session = { 0 };
	struct record_token token = { 0 };
	int64_t number;

	switch (kind) {
	case RECORD_MEMBER:
		return record_read_member(record, &arena, &member, e);
	case RECORD_ACCOUNT:
		return record_read_account(record, &arena, &account, e);
	case RECORD_CATALOGUE:
		return record_read_catalogue(record, &arena, &catalogue, e);
	case RECORD_SESSION:
		return record_read_session(record, &session, e);
	case RECORD_TOKEN:
		return record_read_token(record, &arena, &token, e);
	case RECORD_GENERATION:
	case RECORD_HEARTBEAT:
		return record_read_number(record, &number, e);
	}
	return false;
}

START_TEST(bodies_are_read_strictly)
{
	const struct row *row = &rows[_i];
	struct str name = named(row->kind, row->name);
	struct record record = opened(
	    name, record_seal(&arena, &key, name, 7, str_from(row->body)));
	struct err e = { 0 };
	bool got = body_read(&record, row->kind, &e);

	ck_assert_msg(got == row->good, "%s: %s", row->says, e.text);
	if (!got)
		ck_assert_str_eq(e.code, "record_form");
}
END_TEST

/* --- The envelope --------------------------------------------------------- */

static const char *
opens(const struct record_key *with, struct str name, struct str text)
{
	struct record record = { .generation = -7 };
	struct err e = { 0 };

	if (record_open(&record, with, name, text, &e))
		return "opened";
	ck_assert_msg(record.generation == -7, "what was given is left alone");
	ck_assert_int_eq(e.kind, ERR_REACH);
	return e.code;
}

START_TEST(record_opens_for_its_key_and_name_only)
{
	struct str text = ann_text();
	struct str name = named(RECORD_MEMBER, "ann");

	ck_assert_str_eq(opens(&key, name, text), "opened");
	ck_assert_str_eq(opens(&other_key, name, text), "record_mac");
	/* W8: a record cannot stand in for another one. */
	ck_assert_str_eq(
	    opens(&key, named(RECORD_MEMBER, "bob"), text), "record_name");
	ck_assert_str_eq(
	    opens(&key, named(RECORD_MEMBER, "an"), text), "record_name");
	ck_assert_str_eq(
	    opens(&key, named(RECORD_MEMBER, "anna"), text), "record_name");
	ck_assert_str_eq(
	    opens(&key, named(RECORD_ACCOUNT, "ann"), text), "record_name");
	ck_assert_str_eq(
	    opens(&key,
		record_name(&arena, STR("u"), RECORD_MEMBER, STR("ann")), text),
	    "record_name");
	ck_assert_str_eq(
	    opens(&key, (struct str){ NULL, 0 }, text), "record_form");
}
END_TEST

START_TEST(record_of_another_version_says_so)
{
	struct str text = str_copy(&arena, ann_text());
	char *bytes = ARENA_ARRAY(&arena, char, text.len + 1);

	memcpy(bytes, text.ptr, text.len);
	bytes[strlen("rolegate\t")] = '2';
	ck_assert_str_eq(opens(&key, named(RECORD_MEMBER, "ann"),
			     (struct str){ bytes, text.len }),
	    "record_version");
}
END_TEST

START_TEST(not_a_record)
{
	struct str name = named(RECORD_MEMBER, "ann");
	struct str text = ann_text();

	ck_assert_str_eq(opens(&key, name, STR("")), "record_form");
	ck_assert_str_eq(
	    opens(&key, name, (struct str){ NULL, 0 }), "record_form");
	ck_assert_str_eq(opens(&key, name, STR("hello")), "record_form");
	for (size_t len = 0; len < text.len; len++)
		ck_assert_str_ne(
		    opens(&key, name, (struct str){ text.ptr, len }), "opened");
}
END_TEST

START_TEST(bytes_behind_a_record_are_no_record)
{
	struct str text = ann_text();
	struct str twice =
	    str_fmt(&arena, "%.*s%.*s", STR_ARGS(text), STR_ARGS(text));
	struct str more = str_fmt(&arena, "%.*s\n", STR_ARGS(text));
	struct str name = named(RECORD_MEMBER, "ann");

	ck_assert_str_eq(opens(&key, name, twice), "record_mac");
	ck_assert_str_eq(opens(&key, name, more), "record_mac");
}
END_TEST

START_TEST(signed_control_characters_are_no_record)
{
	struct str name = named(RECORD_SESSION, "00");
	struct str body = STR("session\ta\rb\t\t9\n");

	ck_assert_str_eq(
	    opens(&key, name, record_seal(&arena, &key, name, 7, body)),
	    "record_form");
}
END_TEST

static void
flip_each_byte(struct str name, struct str text)
{
	char *bytes = ARENA_ARRAY(&arena, char, text.len + 1);

	for (size_t i = 0; i < text.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			memcpy(bytes, text.ptr, text.len);
			bytes[i] = (char)(bytes[i] ^ (1 << bit));
			ck_assert_msg(
			    strcmp(opens(&key, name,
				       (struct str){ bytes, text.len }),
				"opened") != 0,
			    "D5: bit %d of byte %zu was changed unseen", bit,
			    i);
		}
}

/* Every byte of 100 records, each changed to something else. */
START_TEST(each_changed_byte_is_seen_D5)
{
	for (int i = 0; i < 100; i++) {
		struct member member = ann();
		struct str name;
		struct str text;
		char *bytes;

		member.username = str_fmt(&arena, "member-%d", i);
		member.changed = i;
		name = named(RECORD_MEMBER, member.username.ptr);
		text = record_member(&arena, &key, name, &member);
		bytes = ARENA_ARRAY(&arena, char, text.len + 1);
		memcpy(bytes, text.ptr, text.len);
		for (size_t at = 0; at < text.len; at++) {
			bytes[at] = (char)(text.ptr[at] + 1 + i);
			ck_assert_msg(
			    strcmp(opens(&key, name,
				       (struct str){ bytes, text.len }),
				"opened") != 0,
			    "D5: byte %zu of %.*s was changed unseen", at,
			    STR_ARGS(name));
			bytes[at] = text.ptr[at];
		}
		ck_assert_str_eq(
		    opens(&key, name, (struct str){ bytes, text.len }),
		    "opened");
	}
}
END_TEST

START_TEST(each_changed_bit_is_seen_D5)
{
	struct str session = named(RECORD_SESSION, "00");
	struct record_session of = { STR("ann"), STR(""), 9 };
	struct str sales_name = named(RECORD_ACCOUNT, "sales");
	struct str small_name = named(RECORD_CATALOGUE, "small");
	struct str generation = named(RECORD_GENERATION, "");

	flip_each_byte(named(RECORD_MEMBER, "ann"), ann_text());
	flip_each_byte(
	    sales_name, record_account(&arena, &key, sales_name, sales()));
	flip_each_byte(
	    small_name, record_catalogue(&arena, &key, small_name, &small));
	flip_each_byte(
	    session, record_session_text(&arena, &key, session, &of, 5));
	flip_each_byte(generation, record_number(&arena, &key, generation, 7));
}
END_TEST

/* --- The key's file ------------------------------------------------------- */

static const char *
loads(const char *text, mode_t mode, struct record_key *out)
{
	char path[] = "/tmp/rolegate-key.XXXXXX";
	int fd = mkstemp(path);
	struct err e = { 0 };
	bool ok;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
	ok = record_key_load(out, path, &e);
	unlink(path);
	if (!ok)
		ck_assert_msg(strstr(e.text, "0123456789") == NULL,
		    "the key is not in the message: %s", e.text);
	return ok ? "loaded" : e.code;
}

#define HALF "0123456789abcdef0123456789ABCDEF"

START_TEST(key_is_64_hex_digits)
{
	struct record_key got = { 0 };

	ck_assert_str_eq(loads(HALF HALF "\n", 0640, &got), "loaded");
	ck_assert_int_eq(got.bytes[1], 0x23);
	ck_assert_int_eq(got.bytes[31], 0xef);
	ck_assert_str_eq(loads(HALF HALF, 0600, &got), "loaded");
	ck_assert_str_eq(loads(HALF "\n", 0600, &got), "view_key");
	ck_assert_str_eq(loads(HALF HALF "00\n", 0600, &got), "view_key");
	ck_assert_str_eq(loads(HALF HALF "x", 0600, &got), "view_key");
	ck_assert_str_eq(loads("x" HALF HALF, 0600, &got), "view_key");
	ck_assert_str_eq(loads("", 0600, &got), "view_key");
	ck_assert_str_eq(loads(HALF HALF "\n", 0644, &got), "view_key");
}
END_TEST

static void
record_tests(TCase *t)
{
	tcase_add_loop_test(
	    t, names_are_built, 0, (int)(sizeof(names) / sizeof(names[0])));
	tcase_add_test(t, name_over_its_bound_is_no_key);
	tcase_add_test(t, member_is_written_as_the_docs_say);
	tcase_add_test(t, member_is_read_back);
	tcase_add_test(
	    t, some_of_the_grants_are_those_on_the_account_and_above);
	tcase_add_test(t, account_is_read_back_with_its_chain);
	tcase_add_test(t, account_that_hangs_in_the_air_is_no_record);
	tcase_add_test(t, catalogue_is_read_back);
	tcase_add_test(t, session_and_numbers_are_read_back);
	tcase_add_loop_test(t, what_cannot_be_read_back_is_not_written, 0,
	    (int)(sizeof(unwritten) / sizeof(unwritten[0])));
	tcase_add_test(t, over_record_max_is_not_written);
	tcase_add_test(t, no_memory_is_no_record);
	tcase_add_loop_test(t, bodies_are_read_strictly, 0,
	    (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(t, record_opens_for_its_key_and_name_only);
	tcase_add_test(t, record_of_another_version_says_so);
	tcase_add_test(t, not_a_record);
	tcase_add_test(t, bytes_behind_a_record_are_no_record);
	tcase_add_test(t, signed_control_characters_are_no_record);
	tcase_add_test(t, each_changed_byte_is_seen_D5);
	tcase_add_test(t, each_changed_bit_is_seen_D5);
	tcase_add_test(t, key_is_64_hex_digits);
}

UNIT_MAIN("record", record_tests)
