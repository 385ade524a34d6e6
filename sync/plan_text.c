/* How a change says itself, see plan.h. */
#include "sync/plan.h"

/* clang-format off */
static const struct { const char *word; const char *would; const char *done; } kinds[] = {
	[CHANGE_NONE]           = { "none",           "would do nothing",     "did nothing" },
	[CHANGE_MEMBER_ASIDE]   = { "member.aside",   "would rename",         "renamed" },
	[CHANGE_MEMBER_EDIT]    = { "member.edit",    "would change",         "changed" },
	[CHANGE_MEMBER_ADD]     = { "member.add",     "would add",            "added" },
	[CHANGE_ACCOUNT_ADD]    = { "account.add",    "would make account",   "made account" },
	[CHANGE_MEMBER_ENABLE]  = { "member.enable",  "would enable",         "enabled" },
	[CHANGE_GRANT_ADD]      = { "grant.add",      "would give",           "gave" },
	[CHANGE_GRANT_EDIT]     = { "grant.edit",     "would change for",     "changed for" },
	[CHANGE_GRANT_REMOVE]   = { "grant.remove",   "would take from",      "took from" },
	[CHANGE_MEMBER_DISABLE] = { "member.disable", "would disable",        "disabled" },
	[CHANGE_MEMBER_REMOVE]  = { "member.remove",  "would remove",         "removed" },
};
/* clang-format on */
_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == CHANGE_KINDS,
    "a kind of change has no words");

const char *
change_word(enum change_kind kind)
{
	return kinds[kind < CHANGE_KINDS ? kind : CHANGE_NONE].word;
}

/* " with licences marketing, contact_center", or nothing. */
static struct str
licences_say(struct arena *arena, struct names licences)
{
	struct str out = STR("");

	for (size_t i = 0; i < licences.count; i++)
		out = str_fmt(arena, "%.*s%s%.*s", STR_ARGS(out),
		    i == 0 ? " with " : ", ", STR_ARGS(licences.items[i]));
	return out;
}

static struct str
edit_says(struct arena *arena, const struct change *c, const char *verb)
{
	if (!str_eq(c->username, c->new_username))
		return str_fmt(arena, "%s %.*s to %.*s (%.*s)%s%.*s", verb,
		    STR_ARGS(c->username), STR_ARGS(c->name),
		    STR_ARGS(c->new_username), c->email.len > 0 ? ", " : "",
		    STR_ARGS(c->email));
	return str_fmt(arena, "%s %.*s to %.*s%s%.*s", verb,
	    STR_ARGS(c->username), STR_ARGS(c->name),
	    c->email.len > 0 ? ", " : "", STR_ARGS(c->email));
}

static struct str
account_says(struct arena *arena, const struct change *c, const char *verb)
{
	const struct account *a = &c->made;

	if (a->parent_id.len > 0)
		return str_fmt(arena, "%s '%.*s' (%.*s) below %.*s", verb,
		    STR_ARGS(a->name), STR_ARGS(a->id), STR_ARGS(a->parent_id));
	return str_fmt(arena, "%s '%.*s' (%.*s) as a root with catalogue %.*s",
	    verb, STR_ARGS(a->name), STR_ARGS(a->id), STR_ARGS(a->catalogue));
}

static struct str
member_says(struct arena *arena, const struct change *c, const char *verb)
{
	return str_fmt(arena, "%s %.*s (%.*s)", verb, STR_ARGS(c->name),
	    STR_ARGS(c->username));
}

struct str
change_says(struct arena *arena, const struct change *change, bool done)
{
	const struct change *c = change;
	enum change_kind kind = c->kind < CHANGE_KINDS ? c->kind : CHANGE_NONE;
	const char *verb = done ? kinds[kind].done : kinds[kind].would;
	struct str with = licences_say(arena, c->licences);

	switch (kind) {
	case CHANGE_MEMBER_ASIDE:
		return str_fmt(arena,
		    "%s %.*s (%.*s) to %.*s, because the username is somebody "
		    "else's now",
		    verb, STR_ARGS(c->name), STR_ARGS(c->username),
		    STR_ARGS(c->new_username));
	case CHANGE_MEMBER_EDIT:
		return edit_says(arena, c, verb);
	case CHANGE_MEMBER_ADD:
		return str_fmt(arena, "%s %.*s (%.*s)%s%.*s", verb,
		    STR_ARGS(c->name), STR_ARGS(c->username),
		    c->email.len > 0 ? ", " : "", STR_ARGS(c->email));
	case CHANGE_ACCOUNT_ADD:
		return account_says(arena, c, verb);
	case CHANGE_GRANT_ADD:
	case CHANGE_GRANT_EDIT:
		return str_fmt(arena, "%s %.*s %.*s on %.*s%.*s (group '%.*s')",
		    verb, STR_ARGS(c->username), STR_ARGS(c->role),
		    STR_ARGS(c->account), STR_ARGS(with), STR_ARGS(c->via));
	case CHANGE_GRANT_REMOVE:
		return str_fmt(arena, "%s %.*s %.*s on %.*s", verb,
		    STR_ARGS(c->username), STR_ARGS(c->role),
		    STR_ARGS(c->account));
	case CHANGE_MEMBER_ENABLE:
	case CHANGE_MEMBER_DISABLE:
	case CHANGE_MEMBER_REMOVE:
		return member_says(arena, c, verb);
	case CHANGE_NONE:
	case CHANGE_KINDS:
		break;
	}
	return str_from(verb);
}
