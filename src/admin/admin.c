#include "admin/admin.h"

#include <sodium.h>
#include <string.h>

#include "admin/change.h"
#include "base/bounds.h"
#include "base/text.h"
#include "model/json.h"
#include "store/past.h"
#include "publish/record.h"

/* --- The transaction ------------------------------------------------------ */

static const struct stored_catalogue *
stored_find(
    const struct stored_catalogue *stored, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(stored[i].name, name))
			return &stored[i];
	return NULL;
}

/* What the history says of a catalogue: which one, and which text of it. */
#define DIGEST_HEX (crypto_generichash_BYTES * 2 + 1)

static void
catalogue_digest(struct str text, char hex[DIGEST_HEX])
{
	unsigned char hash[crypto_generichash_BYTES];

	crypto_generichash(hash, sizeof(hash), (const unsigned char *)text.ptr,
	    text.len, NULL, 0);
	sodium_bin2hex(hex, DIGEST_HEX, hash, sizeof(hash));
}

/* So that the past can be asked about: the history has the digest only. */
static bool
catalogue_keep(struct admin *admin, struct str text, struct err *err)
{
	char hex[DIGEST_HEX];

	catalogue_digest(text, hex);
	return store_keep_catalogue_text(
	    admin->store, str_from(hex), text, err);
}

static struct str
catalogue_word(struct admin *admin, struct str name, struct str text)
{
	char hex[DIGEST_HEX];

	catalogue_digest(text, hex);
	return json_text(
	    &admin->arena, json_pack("{s:s,s:s%,s:s}", "type", "catalogue",
			       "name", name.ptr, name.len, "digest", hex));
}

static bool
catalogue_put(struct admin *admin, const struct catalogue *catalogue,
    struct str text, const struct stored_catalogue *have, struct err *err)
{
	struct touches touches = { 0 };

	touch(admin, &touches, "catalogue", catalogue->name);
	return (have == NULL || catalogue_keep(admin, have->text, err)) &&
	       store_put_catalogue(admin->store, catalogue->name, text,
		   next_generation(admin), err) &&
	       change_note(admin, "catalogue.put", catalogue->name,
		   have == NULL
		       ? STR("")
		       : catalogue_word(admin, catalogue->name, have->text),
		   catalogue_word(admin, catalogue->name, text), &touches, err);
}

/* A catalogue that is gone from the folder decides nothing any more. */
static bool
catalogues_drop(struct admin *admin, const struct stored_catalogue *stored,
    size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		struct touches touches = { 0 };

		if (catalogues_find(admin->catalogues, stored[i].name) != NULL)
			continue;
		touch(admin, &touches, "catalogue", stored[i].name);
		if (!catalogue_keep(admin, stored[i].text, err) ||
		    !store_delete_catalogue(
			admin->store, stored[i].name, err) ||
		    !change_note(admin, "catalogue.remove", stored[i].name,
			catalogue_word(admin, stored[i].name, stored[i].text),
			STR(""), &touches, err))
			return false;
	}
	return true;
}

/* What the folder has becomes what the store has, so that the view shows what
 * is decided by. */
static bool
catalogues_take(struct admin *admin, struct err *err)
{
	struct stored_catalogue *stored = NULL;
	size_t count = 0;

	if (!store_catalogues(
		admin->store, &admin->arena, &stored, &count, err))
		return false;
	for (size_t i = 0; i < admin->catalogues->count; i++) {
		const struct catalogue *c = admin->catalogues->items[i];
		const struct stored_catalogue *have =
		    stored_find(stored, count, c->name);
		struct str text = catalogue_text(&admin->arena, c);

		if (text.ptr == NULL)
			return err_set(err, ERR_LIMIT, "catalogue_too_large",
			    "catalogue %.*s: does not fit into a record; make "
			    "its texts shorter",
			    STR_ARGS(c->name));
		if (have != NULL && str_eq(have->text, text))
			continue;
		if (!catalogue_put(admin, c, text, have, err))
			return false;
	}
	return catalogues_drop(admin, stored, count, err);
}

static bool
actor_check(const struct actor *actor, struct err *err)
{
	bool named = false;

	switch (actor->kind) {
	case ACTOR_NONE:
		break;
	case ACTOR_SYSTEM:
		named = true;
		break;
	case ACTOR_SOURCE:
		named = actor->source.len > 0;
		break;
	case ACTOR_MEMBER:
		named = actor->username.len > 0;
		break;
	}
	if (!named)
		return err_set(err, ERR_BUG, "no_actor",
		    "a change without anybody who asks for it; report this");
	return actor->why.len == 0 ||
	       text_check(actor->why, REASON_TEXT_MAX, "why", err);
}

static bool
actor_take(struct admin *admin, struct store *store,
    const struct catalogues *catalogues, const struct actor *actor,
    int64_t now_ms, struct err *err)
{
	*admin = (struct admin){
		.store = store,
		.catalogues = catalogues,
		.actor = *actor,
		.asker = *actor,
		.now_ms = now_ms,
	};
	return actor_check(actor, err);
}

bool
admin_begin_read(struct admin *admin, struct store *store,
    const struct catalogues *catalogues, const struct actor *actor,
    int64_t now_ms, struct err *err)
{
	if (!actor_take(admin, store, catalogues, actor, now_ms, err) ||
	    !store_begin_read(store, err))
		return false;
	admin->open = true;
	return true;
}

bool
admin_begin(struct admin *admin, struct store *store,
    const struct catalogues *catalogues, const struct actor *actor,
    int64_t now_ms, struct err *err)
{
	if (!actor_take(admin, store, catalogues, actor, now_ms, err) ||
	    !store_begin(store, err))
		return false;
	admin->open = true;
	if (store_next_generation(store, &admin->generation, err) &&
	    catalogues_take(admin, err))
		return true;
	admin_abort(admin);
	return false;
}

static void
close_down(struct admin *admin)
{
	for (struct token *t = admin->tokens; t != NULL; t = t->next)
		sodium_memzero(t->text, sizeof(t->text));
	admin->tokens = NULL;
	admin->made = STR("");
	admin->made_account = STR("");
	admin->open = false;
	arena_free(&admin->arena);
	arena_free(&admin->kept);
}

/* When it fails, nothing of the transaction is left. */
bool
admin_commit(struct admin *admin, struct err *err)
{
	bool ok = admin->open
		      ? store_commit(admin->store, err)
		      : err_set(err, ERR_BUG, "no_transaction",
			    "a commit without a transaction; report this");

	close_down(admin);
	return ok;
}

void
admin_abort(struct admin *admin)
{
	if (admin->open)
		store_rollback(admin->store);
	close_down(admin);
}

/* --- One change ----------------------------------------------------------- */

bool
change_begin(struct admin *admin, struct err *err)
{
	if (!admin->open)
		return err_set(err, ERR_BUG, "no_transaction",
		    "a change outside of a transaction; report this");
	admin->changes_before = admin->changes;
	admin->asker = admin->actor;
	admin->acting_for = STR("");
	/* J25: first of all, so that nobody who is disabled learns what is
	 * there and what is not. */
	if (!asker_is_active(admin, err))
		return false;
	return store_savepoint(admin->store, err);
}

bool
change_end(struct admin *admin, bool ok, struct err *err)
{
	ok = ok && store_release(admin->store, err);
	if (!ok) {
		store_undo(admin->store);
		admin->made = STR("");
		admin->changes = admin->changes_before;
	}
	arena_reset(&admin->arena);
	return ok;
}

int64_t
next_generation(const struct admin *admin)
{
	return admin->generation + admin->changes;
}

void
touch(struct admin *admin, struct touches *touches, const char *kind,
    struct str name)
{
	struct str text =
	    str_fmt(&admin->arena, "%.*s%s%s:%.*s", STR_ARGS(touches->text),
		touches->text.len > 0 ? "\n" : "", kind, STR_ARGS(name));

	if (text.ptr == NULL)
		touches->failed = true;
	touches->text = text;
	if (touches->account.len == 0 && strcmp(kind, "account") == 0)
		touches->account = name;
	if (touches->member.len == 0 && strcmp(kind, "member") == 0)
		touches->member = name;
}

bool
change_no_memory(struct err *err)
{
	return err_set(err, ERR_LIMIT, "no_memory",
	    "memory is out; give the process more");
}

static struct str
actor_name(struct admin *admin)
{
	switch (admin->actor.kind) {
	case ACTOR_SYSTEM:
		return STR("system");
	case ACTOR_SOURCE:
		return str_fmt(&admin->arena, "source:%.*s",
		    STR_ARGS(admin->actor.source));
	case ACTOR_MEMBER:
		if (admin->actor.token.len > 0)
			return str_fmt(&admin->arena, "token:%.*s",
			    STR_ARGS(admin->actor.token));
		return str_fmt(&admin->arena, "member:%.*s",
		    STR_ARGS(admin->actor.username));
	case ACTOR_NONE:
		break;
	}
	return (struct str){ NULL, 0 };
}

/* A token acts for its maker; a member for the account they act on from
 * further up (S12), or, accepting, for whoever invited them. */
static struct str
on_behalf(struct admin *admin)
{
	if (admin->actor.token.len > 0)
		return str_fmt(&admin->arena, "member:%.*s",
		    STR_ARGS(admin->actor.username));
	if (asks_as_member(admin) && !asker_is(admin, admin->actor.username))
		return str_fmt(&admin->arena, "member:%.*s",
		    STR_ARGS(admin->asker.username));
	if (admin->acting_for.len > 0)
		return str_fmt(
		    &admin->arena, "account:%.*s", STR_ARGS(admin->acting_for));
	return STR("");
}

bool
change_note(struct admin *admin, const char *action, struct str subject,
    struct str before, struct str after, const struct touches *touches,
    struct err *err)
{
	const struct history_row row = {
		.at_ms = admin->now_ms,
		.actor = actor_name(admin),
		.on_behalf = on_behalf(admin),
		.action = str_from(action),
		.subject = subject,
		.before = before,
		.after = after,
		.why = admin->actor.why,
		.touches = touches->text,
		.account = touches->account,
		.member = touches->member,
	};

	if (touches->failed || row.actor.ptr == NULL ||
	    row.on_behalf.ptr == NULL || subject.ptr == NULL ||
	    before.ptr == NULL || after.ptr == NULL)
		return change_no_memory(err);
	if (!store_add_history(admin->store, &row, err))
		return false;
	admin->changes++;
	return true;
}

/* --- Looking things up ---------------------------------------------------- */

bool
member_missing(struct str username, struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "member_unknown",
	    "member %.*s: does not exist; see rolegate member list",
	    STR_ARGS(username));
}

bool
account_missing(struct str id, struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "account_unknown",
	    "account %.*s: does not exist; see rolegate account list",
	    STR_ARGS(id));
}

bool
member_need(struct admin *admin, struct str username, struct member *out,
    struct err *err)
{
	switch (store_member(admin->store, &admin->arena, username, out, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return member_missing(username, err);
	case FOUND_YES:
		return true;
	}
	return false;
}

bool
account_need(struct admin *admin, struct str id, const struct account **out,
    struct err *err)
{
	switch (store_account(admin->store, &admin->arena, id, out, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return account_missing(id, err);
	case FOUND_YES:
		return true;
	}
	return false;
}

bool
admin_right(struct admin *admin, struct str id, const char *operation,
    struct str role, struct err *err)
{
	const struct account *account = NULL;

	if (!asker_is_active(admin, err) ||
	    !account_need(admin, id, &account, err))
		return false;
	return *operation == '\0'
		   ? right_to_see(admin, account, err)
		   : right_to(admin, account, operation, role, err);
}

bool
admin_role_giveable(struct admin *admin, struct str id, struct str role,
    bool *out, struct err *err)
{
	const struct account *account = NULL;
	struct err why = { 0 };
	bool may;

	if (!account_need(admin, id, &account, err))
		return false;
	may = right_to(admin, account, "member.add", role, &why) &&
	      right_over_role(admin, account, role, &why);
	if (!may && why.kind != ERR_REFUSED && why.kind != ERR_NOT_FOUND) {
		*err = why;
		return false;
	}
	*out = may;
	return true;
}

struct str
grant_subject(struct admin *admin, struct str username, struct str account)
{
	return str_fmt(&admin->arena, "%.*s on %.*s", STR_ARGS(username),
	    STR_ARGS(account));
}

/* --- History -------------------------------------------------------------- */

bool
admin_history_prune(
    struct admin *admin, int64_t before_ms, int64_t *rows, struct err *err)
{
	return rule_system(admin, "history", STR("as a whole"), err) &&
	       change_begin(admin, err) &&
	       change_end(admin,
		   store_prune_history(admin->store, before_ms, rows, err),
		   err);
}

/* --- Notes of the sync ---------------------------------------------------- */

bool
admin_absence_set(
    struct admin *admin, const struct absence *absence, struct err *err)
{
	return store_set_absence(
	    admin->store, admin->actor.source, absence, err);
}

bool
admin_plan_set(struct admin *admin, int64_t number, enum plan_status status,
    struct err *err)
{
	return store_set_plan(admin->store, number, status, err);
}
