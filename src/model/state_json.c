#include "model/state_json.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/bounds.h"
#include "model/json.h"
#include "model/names.h"

/* A grant before its member is known, and where each object stood. */
struct grant_line {
	struct str username;
	struct grant grant;
	const struct member *member;
	int line;
};

struct member_line {
	struct member member;
	int line;
};

struct account_line {
	struct account account;
	int line;
	int depth; /* from 1; 0: hangs in the air */
};

struct reader {
	struct arena *arena;
	struct str file;
	struct faults *faults;
	struct member_line *members;
	size_t member_count;
	size_t member_cap;
	struct account_line *accounts;
	size_t account_count;
	size_t account_cap;
	struct grant_line *grants;
	size_t grant_count;
	size_t grant_cap;
	/* The line that is being read. */
	struct str text;
	int line;
	json_t *object;
	bool no_memory;
};

/* --- Faults -------------------------------------------------------------- */

/* The column of a top-level key; 1 when it is not there. */
static int
column_of(struct str text, const char *key)
{
	size_t key_len = strlen(key);
	int depth = 0;

	for (size_t i = 0; i < text.len; i++) {
		size_t start = i;

		switch (text.ptr[i]) {
		case '{':
		case '[':
			depth++;
			continue;
		case '}':
		case ']':
			depth--;
			continue;
		case '"':
			break;
		default:
			continue;
		}
		for (i++; i < text.len && text.ptr[i] != '"'; i++)
			if (text.ptr[i] == '\\')
				i++;
		if (depth == 1 && i - start - 1 == key_len &&
		    memcmp(text.ptr + start + 1, key, key_len) == 0)
			return (int)start + 1;
	}
	return 1;
}

#define FAULT(r, key, code, ...)                     \
	fault_add((r)->faults, (r)->file, (r)->line, \
	    column_of((r)->text, key), code, __VA_ARGS__)

/* --- Values of one object ------------------------------------------------ */

static struct str
copied(struct reader *r, const json_t *text)
{
	struct str s = str_copy(r->arena,
	    (struct str){ json_string_value(text), json_string_length(text) });

	if (s.ptr == NULL)
		r->no_memory = true;
	return s;
}

static struct str
text_get(struct reader *r, const char *key)
{
	const json_t *value = json_object_get(r->object, key);

	if (value == NULL)
		return (struct str){ NULL, 0 };
	if (json_is_string(value) && json_string_length(value) > 0)
		return copied(r, value);
	FAULT(r, key, "state_value",
	    "%s: is not text, or empty; write it in quotes or leave it out",
	    key);
	return (struct str){ NULL, 0 };
}

static struct str
text_need(struct reader *r, const char *key)
{
	if (json_object_get(r->object, key) == NULL)
		FAULT(r, "type", "state_key_missing",
		    "%s: is missing; every such object has one", key);
	return text_get(r, key);
}

static struct names
names_get(struct reader *r, const char *key)
{
	const json_t *list = json_object_get(r->object, key);
	struct str *items;
	size_t count = json_array_size(list);
	size_t i;
	json_t *item;

	if (list == NULL)
		return (struct names){ NULL, 0 };
	if (!json_is_array(list)) {
		FAULT(r, key, "state_value",
		    "%s: is not a list; write it as [\"…\"]", key);
		return (struct names){ NULL, 0 };
	}
	items = ARENA_ARRAY(r->arena, struct str, count + 1);
	if (items == NULL) {
		r->no_memory = true;
		return (struct names){ NULL, 0 };
	}
	json_array_foreach(list, i, item)
	{
		if (!json_is_string(item)) {
			FAULT(r, key, "state_value",
			    "%s: holds something that is not text", key);
			return (struct names){ NULL, 0 };
		}
		items[i] = copied(r, item);
	}
	if (r->no_memory)
		return (struct names){ NULL, 0 };
	if (names_sort(items, count) != count)
		FAULT(r, key, "state_double",
		    "%s: holds a value twice; write each once", key);
	return (struct names){ items, count };
}

/* "active" where the key is missing; 0 after a fault. */
static struct str
word_get(struct reader *r, const char *key, struct str otherwise)
{
	return json_object_get(r->object, key) != NULL ? text_get(r, key)
						       : otherwise;
}

static bool
keys_check(struct reader *r, const char *const *known)
{
	size_t before = r->faults->count;
	const char *key;
	json_t *value;

	json_object_foreach(r->object, key, value)
	{
		size_t i = 0;

		while (known[i] != NULL && strcmp(known[i], key) != 0)
			i++;
		if (known[i] == NULL)
			FAULT(r, key, "state_key",
			    "%s: is not a key of this type; take it out", key);
	}
	return r->faults->count == before;
}

/* --- The three types ----------------------------------------------------- */

static const char *const member_keys[] = { "type", "username", "email", "name",
	"phone", "status", "identities", NULL };
static const char *const account_keys[] = { "type", "id", "parent", "name",
	"kind", "level", "catalogue", "licences", "status", "owner", NULL };
static const char *const grant_keys[] = { "type", "member", "account", "role",
	"source", "licences", "filter", "expires", NULL };

static int
identity_order(const void *a, const void *b)
{
	return str_cmp(((const struct identity *)a)->source,
	    ((const struct identity *)b)->source);
}

static void
identities_get(struct reader *r, struct member *member)
{
	const json_t *list = json_object_get(r->object, "identities");
	size_t count = json_array_size(list);
	struct identity *items;

	if (list == NULL)
		return;
	items = ARENA_ARRAY(r->arena, struct identity, count + 1);
	if (items == NULL) {
		r->no_memory = true;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const json_t *one = json_array_get(list, i);
		const json_t *source = json_object_get(one, "source");
		const json_t *id = json_object_get(one, "id");

		if (!json_is_string(source) || !json_is_string(id) ||
		    json_object_size(one) != 2) {
			count = 0;
			break;
		}
		items[i] =
		    (struct identity){ copied(r, source), copied(r, id) };
	}
	if (count == 0) {
		FAULT(r, "identities", "state_value",
		    "identities: is not a list of {\"source\":…,\"id\":…}");
		return;
	}
	qsort(items, count, sizeof(*items), identity_order);
	for (size_t i = 1; i < count; i++)
		if (str_eq(items[i - 1].source, items[i].source))
			FAULT(r, "identities", "state_double",
			    "identities: has two of one source");
	member->identities = items;
	member->identity_count = count;
}

static void
member_read(struct reader *r)
{
	struct member_line *lines;
	struct member m = {
		.username = text_need(r, "username"),
		.email = text_get(r, "email"),
		.name = text_get(r, "name"),
		.phone = text_get(r, "phone"),
		.status =
		    member_status_from(word_get(r, "status", STR("active"))),
	};
	struct err e = { 0 };

	identities_get(r, &m);
	if (m.username.ptr != NULL && !member_check(&m, &e))
		FAULT(r, "username", e.code, "%s", e.text);
	lines = arena_grow(r->arena, r->members, r->member_count,
	    &r->member_cap, sizeof(*lines));
	if (lines == NULL) {
		r->no_memory = true;
		return;
	}
	r->members = lines;
	lines[r->member_count++] = (struct member_line){ m, r->line };
}

static void
account_read(struct reader *r)
{
	struct account_line *lines;
	struct account a = {
		.id = text_need(r, "id"),
		.parent_id = text_get(r, "parent"),
		.name = text_get(r, "name"),
		.kind = account_kind_from(word_get(r, "kind", STR("shared"))),
		.level = word_get(r, "level", LEVEL_ACCOUNT),
		.catalogue = text_get(r, "catalogue"),
		.licences = names_get(r, "licences"),
		.status =
		    account_status_from(word_get(r, "status", STR("active"))),
		.owner = text_get(r, "owner"),
	};
	struct err e = { 0 };

	if (a.id.ptr != NULL && !account_check(&a, &e))
		FAULT(r, "id", e.code, "%s", e.text);
	if (a.kind == ACCOUNT_PERSONAL && a.owner.len == 0)
		FAULT(r, "kind", "state_personal",
		    "owner: is missing; a personal account has one");
	lines = arena_grow(r->arena, r->accounts, r->account_count,
	    &r->account_cap, sizeof(*lines));
	if (lines == NULL) {
		r->no_memory = true;
		return;
	}
	r->accounts = lines;
	lines[r->account_count++] = (struct account_line){ a, r->line, 0 };
}

static int64_t
expiry_get(struct reader *r)
{
	struct str text = text_get(r, "expires");
	int64_t at_s = 0;

	if (text.ptr != NULL && (!str_to_time(text, &at_s) || at_s == 0))
		FAULT(r, "expires", "state_value",
		    "expires: is not a time; write it as "
		    "2027-01-01T00:00:00Z");
	return at_s;
}

static void
grant_read(struct reader *r)
{
	struct grant_line *lines;
	struct str username = text_need(r, "member");
	struct grant g = {
		.account = text_need(r, "account"),
		.role = text_need(r, "role"),
		.source = word_get(r, "source", SOURCE_LOCAL),
		.licences = names_get(r, "licences"),
		.filters = names_get(r, "filter"),
		.expires_s = expiry_get(r),
	};
	struct err e = { 0 };

	if (g.account.ptr != NULL && g.role.ptr != NULL && !grant_check(&g, &e))
		FAULT(r, "role", e.code, "%s", e.text);
	lines = arena_grow(
	    r->arena, r->grants, r->grant_count, &r->grant_cap, sizeof(*lines));
	if (lines == NULL) {
		r->no_memory = true;
		return;
	}
	r->grants = lines;
	lines[r->grant_count++] =
	    (struct grant_line){ username, g, NULL, r->line };
}

static const struct {
	const char *type;
	const char *const *keys;
	void (*read)(struct reader *r);
} types[] = {
	{ "member", member_keys, member_read },
	{ "account", account_keys, account_read },
	{ "grant", grant_keys, grant_read },
};

static void
object_read(struct reader *r)
{
	const char *type =
	    json_string_value(json_object_get(r->object, "type"));

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (type == NULL || strcmp(type, types[i].type) != 0)
			continue;
		if (keys_check(r, types[i].keys))
			types[i].read(r);
		return;
	}
	FAULT(r, "type", "state_type",
	    "type: is missing or unknown; write member, account or grant");
}

/* --- Lines --------------------------------------------------------------- */

static void
line_read(struct reader *r)
{
	json_error_t why;

	r->object =
	    json_loadb(r->text.ptr, r->text.len, JSON_REJECT_DUPLICATES, &why);
	if (json_is_object(r->object))
		object_read(r);
	else if (r->object != NULL)
		fault_add(r->faults, r->file, r->line, 1, "state_json",
		    "is not an object; write {\"type\":…}");
	else
		fault_add(r->faults, r->file, r->line,
		    why.column > 0 ? why.column : 1, "state_json",
		    "is not JSON: %s", why.text);
	json_decref(r->object);
	r->object = NULL;
}

static void
object_take(const struct reader *r, struct state_object *out)
{
	if (r->member_count == 1) {
		out->kind = STATE_MEMBER;
		out->member = r->members[0].member;
	} else if (r->account_count == 1) {
		out->kind = STATE_ACCOUNT;
		out->account = r->accounts[0].account;
	} else if (r->grant_count == 1) {
		out->kind = STATE_GRANT;
		out->grant = r->grants[0].grant;
		out->username = r->grants[0].username;
	}
}

bool
state_object_read(struct arena *arena, struct str text,
    struct state_object *out, struct err *err)
{
	struct faults faults = { 0 };
	struct reader r = {
		.arena = arena,
		.file = STR("history"),
		.faults = &faults,
		.text = text,
		.line = 1,
	};

	*out = (struct state_object){ 0 };
	line_read(&r);
	if (faults.count == 0 && !r.no_memory)
		object_take(&r, out);
	faults_free(&faults);
	if (out->kind != STATE_NONE)
		return true;
	return err_set(err, ERR_FILE, "state_object",
	    "history: a row has an object that cannot be read back; see "
	    "rolegate log verify");
}

static bool
lines_read(struct reader *r, FILE *in)
{
	char *buffer = malloc(STATE_LINE_MAX);
	size_t len = 0;
	bool over = false;
	int c;

	if (buffer == NULL) {
		r->no_memory = true;
		return false;
	}
	do {
		c = getc_unlocked(in);
		if (c != '\n' && c != EOF) {
			if (len < STATE_LINE_MAX)
				buffer[len++] = (char)c;
			else
				over = true;
			continue;
		}
		if (c == EOF && len == 0)
			break;
		r->line++;
		r->text = (struct str){ buffer, len };
		if (over)
			fault_add(r->faults, r->file, r->line, STATE_LINE_MAX,
			    "state_line", "the line has more than %d bytes",
			    STATE_LINE_MAX);
		else
			line_read(r);
		len = 0;
		over = false;
	} while (c != EOF && !r->no_memory);
	free(buffer);
	if (ferror(in))
		fault_add(r->faults, r->file, r->line, 1, "file_read",
		    "cannot be read further: %s", strerror(errno));
	return !r->no_memory;
}

/* --- What is there, once ------------------------------------------------- */

static int
member_order(const void *a, const void *b)
{
	const struct member_line *x = a;
	const struct member_line *y = b;
	int order = str_cmp_fold(x->member.username, y->member.username);

	if (order != 0)
		return order;
	return (x->line > y->line) - (x->line < y->line);
}

static int
account_order(const void *a, const void *b)
{
	const struct account_line *x = a;
	const struct account_line *y = b;
	int order = str_cmp(x->account.id, y->account.id);

	return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

static int
account_depth_order(const void *a, const void *b)
{
	const struct account_line *x = a;
	const struct account_line *y = b;

	return x->depth != y->depth ? x->depth - y->depth : account_order(a, b);
}

static int
grant_order(const void *a, const void *b)
{
	const struct grant_line *x = a;
	const struct grant_line *y = b;
	int order;

	if (x->member != y->member)
		return x->member < y->member ? -1 : 1;
	order = grant_cmp(&x->grant, &y->grant);
	return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

static void
twice(struct reader *r, int line, int first)
{
	fault_add(r->faults, r->file, line, 1, "state_double",
	    "stands in line %d as well; take one away", first);
}

static void
members_sort(struct reader *r)
{
	struct member_line *m = r->members;

	if (r->member_count > 0)
		qsort(m, r->member_count, sizeof(*m), member_order);
	for (size_t i = 1; i < r->member_count; i++)
		if (str_eq_fold(m[i - 1].member.username, m[i].member.username))
			twice(r, m[i].line, m[i - 1].line);
}

static struct account_line *
account_find(const struct reader *r, struct str id)
{
	size_t low = 0;
	size_t high = r->account_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = str_cmp(r->accounts[middle].account.id, id);

		if (order == 0)
			return &r->accounts[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static const struct member_line *
member_find(const struct reader *r, struct str username)
{
	struct member_line key = { .member = { .username = username } };
	size_t low = 0;
	size_t high = r->member_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (str_eq_fold(r->members[middle].member.username, username))
			return &r->members[middle];
		if (member_order(&r->members[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static void
depth_find(struct reader *r, struct account_line *one)
{
	const struct account_line *at = one;

	for (int depth = 1; depth <= TREE_DEPTH_MAX; depth++) {
		if (at->account.parent_id.len == 0) {
			one->depth = depth;
			return;
		}
		at = account_find(r, at->account.parent_id);
		if (at == NULL) {
			/* Said once, at the account that names it. */
			if (depth == 1)
				fault_add(r->faults, r->file, one->line, 1,
				    "state_reference",
				    "parent: %.*s is not in this file",
				    STR_ARGS(one->account.parent_id));
			return;
		}
	}
	fault_add(r->faults, r->file, one->line, 1, "state_depth",
	    "parent: leads to no root within %d levels; make the tree flatter "
	    "or break the cycle",
	    TREE_DEPTH_MAX);
}

static void
owner_check(struct reader *r, const struct account_line *one)
{
	if (one->account.owner.len > 0 &&
	    member_find(r, one->account.owner) == NULL)
		fault_add(r->faults, r->file, one->line, 1, "state_reference",
		    "owner: %.*s is not in this file",
		    STR_ARGS(one->account.owner));
}

static void
accounts_sort(struct reader *r)
{
	struct account_line *a = r->accounts;

	if (r->account_count == 0)
		return;
	qsort(a, r->account_count, sizeof(*a), account_order);
	for (size_t i = 1; i < r->account_count; i++)
		if (str_eq(a[i - 1].account.id, a[i].account.id))
			twice(r, a[i].line, a[i - 1].line);
	for (size_t i = 0; i < r->account_count; i++) {
		depth_find(r, &a[i]);
		owner_check(r, &a[i]);
	}
}

static void
grants_sort(struct reader *r)
{
	for (size_t i = 0; i < r->grant_count; i++) {
		struct grant_line *g = &r->grants[i];
		const struct member_line *m = member_find(r, g->username);

		if (m == NULL)
			fault_add(r->faults, r->file, g->line, 1,
			    "state_reference",
			    "member: %.*s is not in this file",
			    STR_ARGS(g->username));
		else
			g->member = &m->member;
		if (account_find(r, g->grant.account) == NULL)
			fault_add(r->faults, r->file, g->line, 1,
			    "state_reference",
			    "account: %.*s is not in this file",
			    STR_ARGS(g->grant.account));
	}
	if (r->grant_count > 0)
		qsort(
		    r->grants, r->grant_count, sizeof(*r->grants), grant_order);
	for (size_t i = 1; i < r->grant_count; i++)
		if (r->grants[i - 1].member == r->grants[i].member &&
		    grant_cmp(&r->grants[i - 1].grant, &r->grants[i].grant) ==
			0)
			twice(r, r->grants[i].line, r->grants[i - 1].line);
}

/* --- The state ----------------------------------------------------------- */

/* Both lists are ordered by member. */
static void
grants_hand_out(struct reader *r, struct member *members, struct grant *grants)
{
	size_t g = 0;

	for (size_t i = 0; i < r->member_count; i++) {
		size_t first = g;

		while (g < r->grant_count &&
		       r->grants[g].member == &r->members[i].member) {
			grants[g] = r->grants[g].grant;
			g++;
		}
		members[i] = r->members[i].member;
		members[i].grants = &grants[first];
		members[i].grant_count = g - first;
		if (members[i].grant_count > GRANTS_PER_MEMBER_MAX)
			fault_add(r->faults, r->file, r->members[i].line, 1,
			    "grants_too_many",
			    "%.*s: has %zu grants; at most %d are allowed",
			    STR_ARGS(members[i].username),
			    members[i].grant_count, GRANTS_PER_MEMBER_MAX);
	}
}

static void
personal_hand_out(struct reader *r, struct member *members)
{
	for (size_t i = 0; i < r->account_count; i++) {
		const struct account_line *a = &r->accounts[i];
		const struct member_line *owner;
		struct member *m;

		if (a->account.kind != ACCOUNT_PERSONAL)
			continue;
		owner = member_find(r, a->account.owner);
		if (owner == NULL)
			continue;
		m = &members[owner - r->members];
		if (m->personal.len > 0)
			fault_add(r->faults, r->file, a->line, 1,
			    "state_personal",
			    "owner: %.*s has the personal account %.*s as "
			    "well; one member has one",
			    STR_ARGS(m->username), STR_ARGS(m->personal));
		m->personal = a->account.id;
	}
}

static bool
state_build(struct reader *r, struct state *state)
{
	struct member *members =
	    ARENA_ARRAY(r->arena, struct member, r->member_count + 1);
	struct account *accounts =
	    ARENA_ARRAY(r->arena, struct account, r->account_count + 1);
	struct grant *grants =
	    ARENA_ARRAY(r->arena, struct grant, r->grant_count + 1);

	if (members == NULL || accounts == NULL || grants == NULL) {
		r->no_memory = true;
		return false;
	}
	grants_hand_out(r, members, grants);
	personal_hand_out(r, members);
	if (r->account_count > 0)
		qsort(r->accounts, r->account_count, sizeof(*r->accounts),
		    account_depth_order);
	for (size_t i = 0; i < r->account_count; i++)
		accounts[i] = r->accounts[i].account;
	state->members = members;
	state->member_count = r->member_count;
	state->accounts = accounts;
	state->account_count = r->account_count;
	return true;
}

bool
state_read_json(struct state *state, struct arena *arena, FILE *in,
    struct str name, struct faults *faults)
{
	struct reader r = { .arena = arena, .file = name, .faults = faults };
	size_t before = faults->count;
	struct err e = { 0 };
	bool ok = lines_read(&r, in);

	if (ok) {
		members_sort(&r);
		accounts_sort(&r);
		grants_sort(&r);
		ok = state_build(&r, state);
	}
	if (!ok)
		fault_add(faults, name, 0, 0, "no_memory",
		    "memory is out; give the process more");
	if (faults->count != before)
		return false;
	if (state_index(state, arena, &e))
		return true;
	fault_add(faults, name, 0, 0, e.code, "%s", e.text);
	return false;
}
