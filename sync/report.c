#include "sync/report.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define NOTES_SHOWN 10 /* of one code; JSON has them all */

/* clang-format off */
static const char *const outcomes[] = {
	[OUTCOME_UNCHANGED] = "unchanged",
	[OUTCOME_PLANNED]   = "planned",
	[OUTCOME_APPLIED]   = "applied",
	[OUTCOME_HELD]      = "held",
	[OUTCOME_FAILED]    = "failed",
};

static const struct { const char *one; const char *many; const char *to; } counted[] = {
	[CHANGE_NONE]           = { "nothing", "nothing",   "do" },
	[CHANGE_MEMBER_ASIDE]   = { "username", "usernames", "free" },
	[CHANGE_MEMBER_EDIT]    = { "member",  "members",   "change" },
	[CHANGE_MEMBER_ADD]     = { "member",  "members",   "add" },
	[CHANGE_ACCOUNT_ADD]    = { "account", "accounts",  "make" },
	[CHANGE_MEMBER_ENABLE]  = { "member",  "members",   "enable" },
	[CHANGE_GRANT_ADD]      = { "grant",   "grants",    "give" },
	[CHANGE_GRANT_EDIT]     = { "grant",   "grants",    "change" },
	[CHANGE_GRANT_REMOVE]   = { "grant",   "grants",    "take" },
	[CHANGE_MEMBER_DISABLE] = { "member",  "members",   "disable" },
	[CHANGE_MEMBER_REMOVE]  = { "member",  "members",   "remove" },
};
/* clang-format on */
_Static_assert(sizeof(counted) / sizeof(counted[0]) == CHANGE_KINDS,
    "a kind of change is not counted");

const char *
outcome_word(enum outcome outcome)
{
	return outcomes[outcome];
}

struct str
report_counts(struct arena *arena, const struct plan *plan)
{
	struct str out = STR("");

	for (int kind = CHANGE_NONE + 1; kind < CHANGE_KINDS; kind++) {
		size_t n = plan_count(plan, (enum change_kind)kind);

		if (n > 0)
			out = str_fmt(arena, "%.*s%s%zu %s to %s",
			    STR_ARGS(out), out.len > 0 ? ", " : "", n,
			    n == 1 ? counted[kind].one : counted[kind].many,
			    counted[kind].to);
	}
	return out.len > 0 ? out : STR("nothing to do");
}

static void
changes_print(FILE *to, struct arena *arena, const struct plan *plan, bool done)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct change *c = &plan->changes[i];
		bool refused = c->refused_code.len > 0;
		struct str says = change_says(arena, c, done && !refused);

		if (refused)
			fprintf(to, "not possible: %.*s: %.*s [%.*s]\n",
			    STR_ARGS(says), STR_ARGS(c->refused_text),
			    STR_ARGS(c->refused_code));
		else
			fprintf(to, "%.*s\n", STR_ARGS(says));
	}
}

static void
notes_print(FILE *to, const struct plan *plan)
{
	size_t of_code = 0;

	for (size_t i = 0; i < plan->note_count; i++) {
		const struct note *note = &plan->notes[i];
		bool last = i + 1 == plan->note_count ||
			    strcmp(note->code, plan->notes[i + 1].code) != 0;

		if (of_code++ < NOTES_SHOWN)
			fprintf(to, "note: %.*s [%s]\n", STR_ARGS(note->text),
			    note->code);
		if (last && of_code > NOTES_SHOWN)
			fprintf(to, "note: ... and %zu more [%s]\n",
			    of_code - NOTES_SHOWN, note->code);
		if (last)
			of_code = 0;
	}
}

static void
ending_print(FILE *to, enum outcome outcome, int64_t number, struct str held)
{
	switch (outcome) {
	case OUTCOME_UNCHANGED:
		break;
	case OUTCOME_APPLIED:
		fprintf(to, "applied as plan %lld\n", (long long)number);
		break;
	case OUTCOME_PLANNED:
		fprintf(to,
		    "plan %lld; to make these changes: rolegate-sync apply "
		    "%lld\n",
		    (long long)number, (long long)number);
		break;
	case OUTCOME_HELD:
	case OUTCOME_FAILED:
		fprintf(to,
		    "held, nothing was changed: %.*s\nplan %lld; to make these "
		    "changes all the same: rolegate-sync apply %lld "
		    "--override\n",
		    STR_ARGS(held), (long long)number, (long long)number);
		break;
	}
}

void
report_plan(FILE *to, struct arena *arena, const struct plan *plan,
    enum outcome outcome, int64_t number, struct str held)
{
	struct str counts = report_counts(arena, plan);

	fprintf(to, "%.*s: read %lld people and %lld groups\n",
	    STR_ARGS(plan->source), (long long)plan->people_read,
	    (long long)plan->groups_read);
	changes_print(to, arena, plan, outcome == OUTCOME_APPLIED);
	notes_print(to, plan);
	fprintf(to, "%.*s: %.*s\n", STR_ARGS(plan->source), STR_ARGS(counts));
	ending_print(to, outcome, number, held);
}

void
report_plan_json(FILE *to, struct arena *arena, const struct plan *plan,
    enum outcome outcome, int64_t number, struct str held)
{
	struct str body = plan_to_json(arena, plan);
	json_t *text = json_stringn(held.ptr != NULL ? held.ptr : "", held.len);
	char *quoted = text != NULL ? json_dumps(text, JSON_ENCODE_ANY) : NULL;

	fprintf(to,
	    "{\"schema\":1,\"source\":\"%.*s\",\"result\":\"%s\",\"number\":",
	    STR_ARGS(plan->source), outcome_word(outcome));
	if (number > 0)
		fprintf(to, "%lld", (long long)number);
	else
		fputs("null", to);
	fprintf(to, ",\"held\":%s,\"plan\":%.*s}\n",
	    quoted != NULL ? quoted : "null",
	    body.ptr != NULL ? (int)body.len : 4,
	    body.ptr != NULL ? body.ptr : "null");
	json_decref(text);
	free(quoted);
}

void
report_failure_json(FILE *to, struct str source, const struct err *why)
{
	json_t *line = json_pack("{s:i, s:s%, s:s, s:s, s:s}", "schema", 1,
	    "source", source.ptr, source.len, "result",
	    outcome_word(OUTCOME_FAILED), "code",
	    why->code != NULL ? why->code : "failed", "says", why->text);

	if (line != NULL) {
		json_dumpf(line, to, JSON_COMPACT);
		fputc('\n', to);
	}
	json_decref(line);
}
