#include "model/state_json.h"

#include <errno.h>
#include <string.h>

#include "model/json.h"

/* One object. A key that could not be put would be a lie in a backup, so it
 * spoils the whole. */
struct line {
	json_t *object;
	bool failed;
};

static void
put(struct line *line, const char *key, json_t *value)
{
	if (json_object_set_new(line->object, key, value) != 0)
		line->failed = true;
}

static void
put_text(struct line *line, const char *key, struct str text)
{
	if (text.len > 0)
		put(line, key, json_stringn(text.ptr, text.len));
}

static void
put_names(struct line *line, const char *key, struct names names)
{
	if (names.count > 0)
		put(line, key, json_names(names));
}

static struct line
line_start(const char *type)
{
	struct line line = { .object = json_object() };

	put(&line, "type", json_string(type));
	return line;
}

/* The object, or NULL. */
static json_t *
line_end(struct line *line)
{
	if (!line->failed)
		return line->object;
	json_decref(line->object);
	return NULL;
}

static void
put_identities(struct line *line, const struct member *m)
{
	json_t *list = m->identity_count > 0 ? json_array() : NULL;

	for (size_t i = 0; i < m->identity_count; i++) {
		struct str source = m->identities[i].source;
		struct str id = m->identities[i].external_id;

		if (json_array_append_new(
			list, json_pack("{s:s%,s:s%}", "source", source.ptr,
				  source.len, "id", id.ptr, id.len)) != 0)
			line->failed = true;
	}
	if (m->identity_count > 0)
		put(line, "identities", list);
}

static json_t *
member_json(const struct member *m)
{
	struct line line = line_start("member");

	put_text(&line, "username", m->username);
	put_text(&line, "email", m->email);
	put_text(&line, "name", m->name);
	put_text(&line, "phone", m->phone);
	put(&line, "status", json_string(member_status_word(m->status)));
	put_identities(&line, m);
	return line_end(&line);
}

static json_t *
account_json(const struct account *a)
{
	struct line line = line_start("account");

	put_text(&line, "id", a->id);
	put_text(&line, "parent", a->parent_id);
	put_text(&line, "name", a->name);
	put(&line, "kind", json_string(account_kind_word(a->kind)));
	put_text(&line, "level", a->level);
	put_text(&line, "catalogue", a->catalogue);
	put_names(&line, "licences", a->licences);
	put(&line, "status", json_string(account_status_word(a->status)));
	put_text(&line, "owner", a->owner);
	return line_end(&line);
}

static json_t *
grant_json(struct str username, const struct grant *g)
{
	struct line line = line_start("grant");
	struct arena arena = { 0 };

	put_text(&line, "member", username);
	put_text(&line, "account", g->account);
	put_text(&line, "role", g->role);
	put_text(&line, "source", g->source);
	put_names(&line, "licences", g->licences);
	put_names(&line, "filter", g->filters);
	if (g->expires_s != 0) {
		struct str at = str_from_time(&arena, g->expires_s);

		put(&line, "expires", json_stringn(at.ptr, at.len));
	}
	arena_free(&arena);
	return line_end(&line);
}

struct str
state_member_text(struct arena *arena, const struct member *member)
{
	return json_text(arena, member_json(member));
}

struct str
state_account_text(struct arena *arena, const struct account *account)
{
	return json_text(arena, account_json(account));
}

struct str
state_grant_text(
    struct arena *arena, struct str username, const struct grant *grant)
{
	return json_text(arena, grant_json(username, grant));
}

static bool
line_write(json_t *object, FILE *out)
{
	bool ok = object != NULL &&
		  json_dumpf(object, out, JSON_COMPACT) == 0 &&
		  putc('\n', out) != EOF;

	json_decref(object);
	return ok;
}

static bool
grants_write(const struct member *m, FILE *out)
{
	for (size_t i = 0; i < m->grant_count; i++)
		if (!line_write(grant_json(m->username, &m->grants[i]), out))
			return false;
	return true;
}

bool
state_write_json(const struct state *state, FILE *out, struct err *err)
{
	bool ok = true;

	for (size_t i = 0; ok && i < state->member_count; i++)
		ok = line_write(member_json(&state->members[i]), out);
	for (size_t i = 0; ok && i < state->account_count; i++)
		ok = line_write(account_json(&state->accounts[i]), out);
	for (size_t i = 0; ok && i < state->member_count; i++)
		ok = grants_write(&state->members[i], out);
	if (ok && fflush(out) == 0)
		return true;
	return err_set(err, ERR_FILE, "file_write",
	    "the state: cannot be written whole: %s", strerror(errno));
}
