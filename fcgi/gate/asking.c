#include "fcgi/gate/asking.h"

#include <stdlib.h>

#include "base/bounds.h"
#include "base/text.h"
#include "model/token.h"
#include "fcgi/process/times.h"

#define SPARE_ASKS_MAX	64
#define SPARE_ARENA_MAX (64 * 1024)
#define TRIES_MAX	16 /* to get records of one state */

/* What an answer is made of, in the order of the asking. */
enum part_name {
	PART_SESSION,
	PART_GENERATION,
	PART_MEMBER,
	PART_ACCOUNT,
	PART_CATALOGUE,
	PARTS,
};

enum part_state {
	PART_NEW = 0,
	PART_WAITING,
	PART_HERE,
	PART_ABSENT,
	PART_BAD,
	PART_GONE, /* Redis could not be asked */
};

struct part {
	struct want want;
	struct asking *asking;
	enum part_state state;
	struct entry *entry; /* held, for PART_HERE */
	bool cached; /* it was known when the ask began */
};

enum step {
	STEP_PROOF, /* where Redis may be one that lags */
	STEP_SESSION,
	STEP_MEMBER,
	STEP_PERSONAL,
	STEP_CATALOGUE,
	STEPS,
};

struct asking {
	struct askings *all;
	struct asking *next; /* by deadline; or the next spare one */
	struct asking *before;
	struct arena arena;
	struct view_ask ask; /* texts in the arena */
	int64_t deadline_ms;
	enum step step;
	bool wanted; /* this step has asked for its parts */
	bool trusted; /* the cache is, now, */
	int tries; /* that failed; the first one only may trust it */
	bool fetching; /* this step asks Redis */
	bool stale_only;
	bool answered;
	int64_t begun_at; /* the newest generation that was known, then */
	int64_t connection; /* that had shown it before the parts; or 0 */
	int64_t generation_before; /* the catalogue was asked for */
	int waiting; /* parts that this step waits for */
	int out; /* wants that the fetcher still has */
	struct part parts[PARTS];
	struct record_token token;
	struct member member;
	const struct account *account;
	struct view_answer answer;
};

struct askings {
	struct asking_config config;
	struct event *deadline;
	struct asking *first; /* in the order of their deadlines */
	struct asking *last;
	struct asking *spare;
	size_t spares;
	bool stopped;
	int64_t hits;
	int64_t bad;
};

static void asking_go(struct asking *asking);

/* --- One ask: its memory ------------------------------------------------- */

static struct asking *
asking_new(struct askings *all)
{
	struct asking *asking = all->spare;

	if (asking != NULL) {
		struct arena arena = asking->arena;

		all->spare = asking->next;
		all->spares--;
		*asking = (struct asking){ .arena = arena };
	} else {
		asking = calloc(1, sizeof(*asking));
	}
	if (asking != NULL)
		asking->all = all;
	return asking;
}

static void
asking_free(struct asking *asking)
{
	arena_free(&asking->arena);
	free(asking);
}

/* Keeps its memory for the next one, unless it is much. */
static void
asking_end(struct asking *asking)
{
	struct askings *all = asking->all;

	if (!asking->answered || asking->out > 0)
		return;
	for (int i = 0; i < PARTS; i++)
		entry_release(asking->parts[i].entry);
	if (all->stopped || all->spares == SPARE_ASKS_MAX ||
	    asking->arena.used_bytes > SPARE_ARENA_MAX) {
		asking_free(asking);
		return;
	}
	arena_reset(&asking->arena);
	asking->next = all->spare;
	all->spare = asking;
	all->spares++;
}

/* --- One ask: its deadline ----------------------------------------------- */

/* All wait equally long, so the list is in order; the one timer is set for
 * the first, and set again when it finds another one first. */
static void
deadline_set(struct askings *all)
{
	struct timeval wait;

	if (all->first == NULL ||
	    event_pending(all->deadline, EV_TIMEOUT, NULL))
		return;
	wait = timeval_ms(all->first->deadline_ms - monotonic_ms());
	event_add(all->deadline, &wait);
}

static void
deadline_add(struct asking *asking)
{
	struct askings *all = asking->all;

	asking->deadline_ms = monotonic_ms() + all->config.wait_ms;
	asking->before = all->last;
	asking->next = NULL;
	if (all->last != NULL)
		all->last->next = asking;
	else
		all->first = asking;
	all->last = asking;
	deadline_set(all);
}

static void
deadline_take(struct asking *asking)
{
	struct askings *all = asking->all;

	if (all->first != asking && asking->before == NULL)
		return; /* it never waited */
	if (asking->before != NULL)
		asking->before->next = asking->next;
	else
		all->first = asking->next;
	if (asking->next != NULL)
		asking->next->before = asking->before;
	else
		all->last = asking->before;
	asking->before = NULL;
	asking->next = NULL;
}

/* --- One ask: its answer ------------------------------------------------- */

static void
asking_answer(struct asking *asking, enum view_state state)
{
	struct view_answer *answer = &asking->answer;

	deadline_take(asking);
	asking->answered = true;
	if (state == VIEW_UNKNOWN)
		*answer = (struct view_answer){ 0 };
	answer->state = state;
	if (answer->generation == 0)
		answer->generation =
		    fetcher_generation(asking->all->config.fetcher);
	asking->ask.done(asking->ask.context, answer);
}

/* Signed, but not what it has to be: versions that do not fit. */
static void
asking_bad(struct asking *asking, const struct err *why)
{
	asking->all->bad++;
	asking->all->config.bad(asking->all->config.context, why);
	asking_answer(asking, VIEW_UNKNOWN);
}

/* --- One ask: its parts -------------------------------------------------- */

static void
part_got(struct want *want, enum fetched what, struct entry *entry)
{
	static const enum part_state states[] = {
		[FETCHED_NOTHING] = PART_GONE,
		[FETCHED_BAD] = PART_BAD,
		[FETCHED_ABSENT] = PART_ABSENT,
		[FETCHED_RECORD] = PART_HERE,
	};
	struct part *part =
	    (struct part *)(void *)((char *)want - offsetof(struct part, want));
	struct asking *asking = part->asking;

	asking->out--;
	if (part->state == PART_WAITING) {
		part->state = states[what];
		if (entry != NULL)
			part->entry = entry_hold(entry);
		asking->waiting--;
		asking_go(asking);
	}
	asking_end(asking);
}

static void
part_fetch(struct asking *asking, enum part_name name, enum record_kind kind,
    struct str key)
{
	struct part *part = &asking->parts[name];

	part->asking = asking;
	part->want.got = part_got;
	if (!fetcher_get(asking->all->config.fetcher, kind, key, &part->want)) {
		part->state = PART_GONE;
		return;
	}
	part->state = PART_WAITING;
	asking->waiting++;
	asking->out++;
	asking->fetching = true;
}

static struct entry *
part_find(struct asking *asking, enum record_kind kind, struct str key)
{
	struct askings *all = asking->all;
	struct entry *entry = NULL;

	if (asking->trusted)
		entry = cache_get(all->config.cache, kind, key);
	if (entry != NULL || !asking->stale_only)
		return entry;
	entry = cache_get_stale(all->config.cache, kind, key,
	    monotonic_ms() - all->config.stale_max_s * 1000);
	if (entry != NULL)
		asking->answer.stale = true;
	return entry;
}

static void
part_want(struct asking *asking, enum part_name name, enum record_kind kind,
    struct str key)
{
	struct part *part = &asking->parts[name];
	struct entry *entry;

	if (part->state == PART_HERE || part->state == PART_ABSENT)
		return;
	entry = part_find(asking, kind, key);
	if (entry != NULL && entry->absent) {
		part->state = PART_ABSENT;
	} else if (entry != NULL) {
		part->state = PART_HERE;
		part->entry = entry_hold(entry);
		part->cached = true;
	} else if (asking->stale_only) {
		part->state = PART_GONE;
		return;
	} else {
		part_fetch(asking, name, kind, key);
		return;
	}
	asking->all->hits++;
}

/* What Redis says that there is not, is not there only if the view is: so
 * each round that asks Redis asks for the generation, too (CASES W7). */
static void
generation_want(struct asking *asking)
{
	struct part *part = &asking->parts[PART_GENERATION];

	if (asking->fetching && part->state != PART_WAITING) {
		entry_release(part->entry);
		part->entry = NULL;
		part_fetch(asking, PART_GENERATION, RECORD_GENERATION, STR(""));
	} else {
		part_want(asking, PART_GENERATION, RECORD_GENERATION, STR(""));
	}
}

static struct record
part_record(struct asking *asking, enum part_name name, enum record_kind kind)
{
	const struct entry *entry = asking->parts[name].entry;

	return (struct record){
		.name = keys_key(asking->all->config.keys, &asking->arena, kind,
		    entry_name(entry)),
		.generation = entry->generation,
		.body = entry_body(entry),
	};
}

/* --- One ask: its steps -------------------------------------------------- */

/* What cannot be a name is nobody's, and nothing's. */
static bool
can_be_name(struct str s, size_t max)
{
	struct err err = { 0 };

	return text_check(s, max, "name", &err);
}

static int64_t
now_s(const struct askings *all)
{
	return all->config.wall_ms(all->config.context) / 1000;
}

/* What lags may catch up between two parts: the first would be older than what
 * is known, and the generation would not tell (CASES W6). */
static void
proof_want(struct asking *asking)
{
	asking->fetching = !asking->stale_only;
}

static bool
proof_read(struct asking *asking)
{
	asking->connection =
	    fetcher_shown(asking->all->config.fetcher, asking->begun_at);
	return true;
}

static void
session_want(struct asking *asking)
{
	part_want(asking, PART_SESSION,
	    asking->ask.is_token ? RECORD_TOKEN : RECORD_SESSION,
	    asking->ask.session);
}

static void
identity_set(struct asking *asking, struct str username, struct str account)
{
	asking->answer.username = username;
	asking->answer.account_id =
	    asking->ask.account.len > 0 ? asking->ask.account : account;
}

static bool
nobody(struct asking *asking)
{
	asking_answer(asking, VIEW_NO_IDENTITY);
	return false;
}

static bool
token_read(struct asking *asking)
{
	struct record record = part_record(asking, PART_SESSION, RECORD_TOKEN);
	struct record_token *token = &asking->token;
	struct err err = { 0 };

	if (!record_read_token(&record, &asking->arena, token, &err)) {
		asking_bad(asking, &err);
		return false;
	}
	if (token->expires_s > 0 && now_s(asking->all) >= token->expires_s)
		return nobody(asking);
	asking->answer.token = token;
	identity_set(asking, token->username, STR(""));
	return true;
}

/* False when the ask has been answered. */
static bool
session_read(struct asking *asking)
{
	struct record_session session;
	struct err err = { 0 };
	struct record record;

	if (asking->parts[PART_SESSION].state != PART_HERE)
		return nobody(asking);
	if (asking->ask.is_token)
		return token_read(asking);
	record = part_record(asking, PART_SESSION, RECORD_SESSION);
	if (!record_read_session(&record, &session, &err)) {
		asking_bad(asking, &err);
		return false;
	}
	if (now_s(asking->all) >= session.expires_s)
		return nobody(asking);
	identity_set(asking, session.username, session.account);
	return true;
}

static void
account_want(struct asking *asking)
{
	struct str id = asking->answer.account_id;

	if (can_be_name(id, ACCOUNT_ID_MAX))
		part_want(asking, PART_ACCOUNT, RECORD_ACCOUNT, id);
	else
		asking->parts[PART_ACCOUNT].state = PART_ABSENT;
}

static void
member_want(struct asking *asking)
{
	struct str username = str_fold(&asking->arena, asking->answer.username);

	if (!can_be_name(username, USERNAME_MAX))
		asking->parts[PART_MEMBER].state = PART_ABSENT;
	else
		part_want(asking, PART_MEMBER, RECORD_MEMBER, username);
	if (asking->answer.account_id.len > 0)
		account_want(asking);
}

/* The grants, of which there may be a thousand, are read all of them only the
 * first time. */
static bool
member_record_read(struct asking *asking, struct err *err)
{
	struct entry *entry = asking->parts[PART_MEMBER].entry;
	struct record record = part_record(asking, PART_MEMBER, RECORD_MEMBER);

	if (entry->whole)
		return record_read_member_line(&record, &asking->member, err);
	entry->whole =
	    record_read_member(&record, &asking->arena, &asking->member, err);
	return entry->whole;
}

static bool
grants_read(struct asking *asking, struct err *err)
{
	struct record record;

	if (asking->answer.member == NULL || asking->member.grants != NULL)
		return true;
	record = part_record(asking, PART_MEMBER, RECORD_MEMBER);
	return record_read_grants_on(&record, &asking->arena,
	    asking->answer.account, &asking->member, err);
}

static bool
member_read(struct asking *asking)
{
	struct view_answer *answer = &asking->answer;
	struct err err = { 0 };

	if (asking->parts[PART_MEMBER].state != PART_HERE)
		return true;
	if (!member_record_read(asking, &err)) {
		asking_bad(asking, &err);
		return false;
	}
	answer->member = &asking->member;
	if (answer->account_id.len == 0)
		answer->account_id = asking->member.personal;
	return true;
}

static void
personal_want(struct asking *asking)
{
	if (asking->answer.account_id.len > 0)
		account_want(asking);
}

static bool
account_record_read(struct asking *asking, struct err *err)
{
	const struct parsed *parsed = asking->parts[PART_ACCOUNT].entry->parsed;
	struct record record;

	if (parsed != NULL) {
		asking->answer.account = parsed->account;
		return true;
	}
	record = part_record(asking, PART_ACCOUNT, RECORD_ACCOUNT);
	return record_read_account(
	    &record, &asking->arena, &asking->answer.account, err);
}

static bool
account_read(struct asking *asking)
{
	struct err err = { 0 };

	if (asking->parts[PART_ACCOUNT].state != PART_HERE)
		return true;
	if (!account_record_read(asking, &err) || !grants_read(asking, &err)) {
		asking_bad(asking, &err);
		return false;
	}
	return true;
}

/* Every change of the view moves its generation, in the same MULTI. So what
 * was read after this generation is what it was, and need not be sent again:
 * it is the longest record of all. */
static struct entry *
catalogue_unchanged(struct asking *asking, struct str name)
{
	struct entry *entry =
	    cache_peek(asking->all->config.cache, RECORD_CATALOGUE, name);

	if (entry == NULL || entry->absent || entry->forgotten ||
	    asking->stale_only ||
	    entry->parsed->as_of != asking->answer.generation)
		return NULL;
	return entry_hold(entry);
}

static void
catalogue_want(struct asking *asking)
{
	struct part *part = &asking->parts[PART_CATALOGUE];
	const struct account *root = asking->answer.account != NULL
					 ? account_root(asking->answer.account)
					 : NULL;

	if (root == NULL || root->catalogue.len == 0)
		return;
	asking->generation_before = asking->answer.generation;
	part->entry = catalogue_unchanged(asking, root->catalogue);
	if (part->entry == NULL) {
		part_want(
		    asking, PART_CATALOGUE, RECORD_CATALOGUE, root->catalogue);
		return;
	}
	part->state = PART_HERE;
	part->cached = asking->trusted;
}

static bool
catalogue_read(struct asking *asking)
{
	const struct part *part = &asking->parts[PART_CATALOGUE];
	struct parsed *parsed;

	if (part->state != PART_HERE)
		return true;
	parsed = part->entry->parsed;
	if (!part->cached && asking->generation_before > parsed->as_of)
		parsed->as_of = asking->generation_before;
	asking->answer.catalogue = parsed->catalogue;
	return true;
}

static const struct {
	void (*want)(struct asking *asking);
	bool (*read)(struct asking *asking);
} steps[STEPS] = {
	[STEP_PROOF] = { proof_want, proof_read },
	[STEP_SESSION] = { session_want, session_read },
	[STEP_MEMBER] = { member_want, member_read },
	[STEP_PERSONAL] = { personal_want, account_read },
	[STEP_CATALOGUE] = { catalogue_want, catalogue_read },
};

static void
step_want(struct asking *asking)
{
	asking->wanted = true;
	asking->fetching = false;
	steps[asking->step].want(asking);
	generation_want(asking);
}

static bool
any_part(const struct asking *asking, enum part_state state)
{
	for (int i = 0; i < PARTS; i++)
		if (asking->parts[i].state == state)
			return true;
	return false;
}

/* Can this step be read? False when it answered, or began anew. */
static bool
step_has_all(struct asking *asking)
{
	const struct part *generation = &asking->parts[PART_GENERATION];
	const struct askings *all = asking->all;

	if (any_part(asking, PART_BAD)) {
		asking_answer(asking, VIEW_UNKNOWN);
		return false;
	}
	if (any_part(asking, PART_GONE)) {
		if (asking->stale_only || all->config.stale_max_s == 0)
			asking_answer(asking, VIEW_UNKNOWN);
		asking->stale_only = true;
		asking->wanted = false;
		return false;
	}
	all->config.ready(all->config.context, generation->state == PART_HERE);
	if (generation->state != PART_HERE) {
		asking_answer(asking, VIEW_UNKNOWN);
		return false;
	}
	asking->answer.generation = generation->entry->generation;
	return true;
}

static enum step
step_after(const struct asking *asking, enum step step)
{
	return step == STEP_PROOF && asking->ask.session.len == 0 ? STEP_MEMBER
								  : step + 1;
}

static void
asking_begin(struct asking *asking)
{
	const struct asking_config *config = &asking->all->config;

	asking->begun_at = fetcher_floor(config->fetcher);
	asking->connection = fetcher_shown(config->fetcher, asking->begun_at);
	asking->step = STEP_PROOF;
	/* What is in a trusted cache needs no connection. */
	if (asking->connection != 0 ||
	    (asking->tries == 0 && config->trusted(config->context)))
		asking->step = step_after(asking, STEP_PROOF);
	if (asking->ask.session.len == 0)
		identity_set(asking, asking->ask.username, STR(""));
}

/* Records come one after the other. They are of the state in which the ask
 * began when none of them is newer: each was then what it is. Else they could
 * tell of a right that nobody ever had (CASES T54). What is absent gives no
 * right. Something that was known then may have changed since, so it counts
 * only when nothing was published; and something that was read is no older only
 * by a connection that had shown that state before. */
static bool
is_of_one_state(const struct asking *asking)
{
	bool published = asking->answer.generation != asking->begun_at;
	bool shown =
	    asking->connection != 0 &&
	    asking->connection ==
		fetcher_shown(asking->all->config.fetcher, asking->begun_at);

	if (asking->answer.generation < asking->begun_at)
		return false;
	for (int i = 0; i < PARTS; i++) {
		const struct part *part = &asking->parts[i];

		if (part->entry == NULL || i == PART_GENERATION)
			continue;
		if (part->entry->generation > asking->begun_at ||
		    (part->cached ? published : !shown))
			return false;
	}
	return true;
}

/* Stale records are, when one connection told of every change of them, and
 * nobody has seen a newer view. */
static bool
is_of_one_time(const struct asking *asking)
{
	const struct entry *first = asking->parts[PART_GENERATION].entry;

	if (first->generation < asking->begun_at)
		return false;
	for (int i = 0; i < PARTS; i++)
		if (asking->parts[i].entry != NULL &&
		    (asking->parts[i].entry->epoch == 0 ||
			asking->parts[i].entry->epoch != first->epoch))
			return false;
	return true;
}

static void
asking_of_one_state(struct asking *asking)
{
	asking->answer.generation = asking->begun_at;
	asking_answer(asking, VIEW_KNOWN);
}

static void
asking_of_two_states(struct asking *asking)
{
	struct err err = { 0 };

	err_set(&err, ERR_REACH, "view_two_states",
	    "records are newer than the view's generation %lld, however often "
	    "they are read; run rolegate publish --all, and look at who may "
	    "write to Redis",
	    (long long)asking->begun_at);
	asking_bad(asking, &err);
}

/* By Redis alone, so that it takes a round trip each time and not for ever. */
static void
asking_begin_again(struct asking *asking)
{
	asking->trusted = false;
	for (int i = 0; i < PARTS; i++) {
		entry_release(asking->parts[i].entry);
		asking->parts[i] = (struct part){ .state = PART_NEW };
	}
	asking->answer = (struct view_answer){ .state = VIEW_UNKNOWN };
	asking->member = (struct member){ 0 };
	asking_begin(asking);
}

static void
asking_go(struct asking *asking)
{
	asking->trusted =
	    asking->tries == 0 &&
	    asking->all->config.trusted(asking->all->config.context);
	while (!asking->answered) {
		if (!asking->wanted)
			step_want(asking);
		if (asking->waiting > 0 && !any_part(asking, PART_BAD))
			return;
		if (!step_has_all(asking) || !steps[asking->step].read(asking))
			continue;
		asking->wanted = false;
		asking->step = step_after(asking, asking->step);
		if (asking->step < STEPS)
			continue;
		if (asking->stale_only)
			asking_answer(asking,
			    is_of_one_time(asking) ? VIEW_KNOWN : VIEW_UNKNOWN);
		else if (is_of_one_state(asking))
			asking_of_one_state(asking);
		else if (++asking->tries < TRIES_MAX)
			asking_begin_again(asking);
		else
			asking_of_two_states(asking);
	}
}

/* Too late: what the fetcher still has is not waited for any longer. */
static void
asking_expire(struct asking *asking)
{
	for (int i = 0; i < PARTS; i++)
		if (asking->parts[i].state == PART_WAITING)
			asking->parts[i].state = PART_GONE;
	asking->waiting = 0;
	asking_go(asking);
	asking_end(asking);
}

static void
on_deadline(evutil_socket_t fd, short what, void *context)
{
	struct askings *all = context;
	int64_t now_ms = monotonic_ms();

	(void)fd;
	(void)what;
	while (all->first != NULL && all->first->deadline_ms <= now_ms)
		asking_expire(all->first);
	deadline_set(all);
}

static bool
ask_copy(struct asking *asking, const struct view_ask *ask)
{
	struct arena *arena = &asking->arena;

	asking->ask = *ask;
	asking->ask.session = str_copy(arena, ask->session);
	asking->ask.username = str_copy(arena, ask->username);
	asking->ask.account = str_copy(arena, ask->account);
	return asking->ask.session.ptr != NULL &&
	       asking->ask.username.ptr != NULL &&
	       asking->ask.account.ptr != NULL;
}

static void
ask_refuse(const struct view_ask *ask, enum view_state state)
{
	struct view_answer answer = { .state = state };

	ask->done(ask->context, &answer);
}

void
askings_ask(struct askings *all, const struct view_ask *ask)
{
	struct asking *asking;

	if (ask->session.len > 0 ? !token_digest_is_one(ask->session)
				 : ask->username.len == 0) {
		ask_refuse(ask, VIEW_NO_IDENTITY);
		return;
	}
	asking = all->stopped ? NULL : asking_new(all);
	if (asking == NULL) {
		ask_refuse(ask, VIEW_UNKNOWN);
		return;
	}
	if (ask_copy(asking, ask))
		asking_begin(asking);
	else
		asking_answer(asking, VIEW_UNKNOWN);
	asking_go(asking);
	if (!asking->answered)
		deadline_add(asking);
	asking_end(asking);
}

/* --- Opening and closing ------------------------------------------------- */

bool
askings_open(
    struct askings **out, const struct asking_config *config, struct err *err)
{
	struct askings *all = calloc(1, sizeof(*all));

	if (all != NULL)
		all->deadline =
		    event_new(config->loop, -1, 0, on_deadline, all);
	if (all == NULL || all->deadline == NULL) {
		free(all);
		return err_set(err, ERR_BUG, "no_memory",
		    "memory is out; give the process more");
	}
	all->config = *config;
	*out = all;
	return true;
}

void
askings_stop(struct askings *all)
{
	if (all == NULL)
		return;
	all->stopped = true;
	while (all->first != NULL) {
		struct asking *asking = all->first;

		asking_answer(asking, VIEW_UNKNOWN);
		asking_end(asking);
	}
}

void
askings_close(struct askings *all)
{
	if (all == NULL)
		return;
	while (all->spare != NULL) {
		struct asking *asking = all->spare;

		all->spare = asking->next;
		asking_free(asking);
	}
	event_free(all->deadline);
	free(all);
}

int64_t
askings_hits(const struct askings *all)
{
	return all->hits;
}

int64_t
askings_bad(const struct askings *all)
{
	return all->bad;
}
