/* store.h - the truth: members, accounts, grants, catalogues, sessions,
 * history, sync plans and runs, in one database.
 *
 * Shape:   what a reader gets is a struct of src/model/. Times are Unix
 *          seconds (history: milliseconds). A generation is the number of a
 *          history row; it only goes up.
 * Owner:   results live in the arena that was given; the handle belongs to
 *          one thread.
 * Errors:  ERR_REACH store_locked / store_full / store_read_only /
 *          store_open / store_io, ERR_FILE store_newer / store_older (only
 *          STORE_WRITE migrates) / store_corrupt / store_text (a NUL byte or
 *          no UTF-8). After a failed write the whole transaction is rolled
 *          back; nothing half done, and all until store_rollback() fails.
 * Rules:   only src/admin/ calls what is under "Writing"; every write happens
 *          between store_begin() and store_commit(). SQL is written by the
 *          rules of docs/store.md, so that another database is one more
 *          driver file behind db.h. */
#ifndef ROLEGATE_STORE_H
#define ROLEGATE_STORE_H

#include "base/err.h"
#include "model/state.h"

struct store;

enum found { FOUND_ERROR = -1, FOUND_NO = 0, FOUND_YES = 1 };

/* Opens, makes (WRITE only) or migrates the database. */
enum store_mode { STORE_READ = 1, STORE_WRITE };
bool store_open(struct store **out, const char *path, enum store_mode mode,
    struct err *err);
void store_close(struct store *store);

/* begin takes the write lock at once (busy timeout 5 s); commit is durable
 * when it returns true. */
bool store_begin(struct store *store, struct err *err);
bool store_commit(struct store *store, struct err *err);
void store_rollback(struct store *store); /* without a transaction: nothing */
/* Inside store_begin: undo to here when something inside fails. */
bool store_savepoint(struct store *store, struct err *err);
bool store_release(struct store *store, struct err *err);
void store_undo(struct store *store); /* back to the savepoint, and drop it */
/* One consistent view for several reads; ends with store_rollback(). */
bool store_begin_read(struct store *store, struct err *err);

/* --- Reading -------------------------------------------------------------- */

/* With its grants and identities; by username (J1) or by id. */
enum found store_member(struct store *store, struct arena *arena,
    struct str username, struct member *out, struct err *err);
enum found store_member_by_id(struct store *store, struct arena *arena,
    struct str id, struct member *out, struct err *err);
enum found store_member_by_identity(struct store *store, struct arena *arena,
    struct str source, struct str external_id, struct member *out,
    struct err *err);
/* With its whole chain of parents. */
enum found store_account(struct store *store, struct arena *arena,
    struct str id, const struct account **out, struct err *err);
/* Ids of the account and of everything below it, parents first. */
bool store_subtree(struct store *store, struct arena *arena, struct str id,
    struct names *out, struct err *err);
/* Ids of the accounts that a member owns; of the members with a grant on an
 * account. */
bool store_owned(struct store *store, struct arena *arena,
    struct str member_id, struct names *out, struct err *err);
bool store_holders(struct store *store, struct arena *arena,
    struct str account, struct names *out, struct err *err);
bool store_role_holders(struct store *store, struct arena *arena,
    struct str account, struct str role, struct names *out, struct err *err);
/* Everything: members with grants, accounts, indexed. The catalogues are left
 * empty: those in force come from their folder, and the caller puts them in
 * (what the store keeps of them is for the publisher, store_catalogues()). */
bool store_state(struct store *store, struct arena *arena, struct state *out,
    struct err *err);

/* Catalogues are kept as the record text of publish/record.h; by name. */
struct stored_catalogue {
	struct str name;
	struct str text;
	int64_t changed;
};
bool store_catalogues(struct store *store, struct arena *arena,
    struct stored_catalogue **out, size_t *count, struct err *err);

struct session {
	struct str digest; /* BLAKE2b-256 of the token, 64 hex digits */
	struct str member_id;
	struct str username;
	struct str account; /* account in use, or empty: the personal one */
	int64_t created_s;
	int64_t expires_s; /* what the view says: idle or absolute limit */
	int64_t ends_s;	   /* the absolute limit; 0: expires_s */
	int64_t idle_s;	   /* how long without activity; 0: no such limit */
	int64_t changed;
};
enum found store_session(struct store *store, struct arena *arena,
    struct str digest, struct session *out, struct err *err);
/* Of one member (by id), or of all when member_id is empty; oldest first. */
bool store_sessions(struct store *store, struct arena *arena,
    struct str member_id, struct session **out, size_t *count,
    struct err *err);

/* One change. before and after are JSON objects or empty; touches names the
 * view's records that it changes, see publish/publisher.h. */
struct history_row {
	int64_t seq; /* the generation */
	int64_t at_ms;
	struct str actor;     /* "system", "source:corp", "member:ann" */
	struct str on_behalf; /* or empty */
	struct str action;    /* "grant.add", … */
	struct str subject;   /* "ann on my-business", for people */
	struct str before;
	struct str after;
	struct str why;
	struct str touches; /* "member:ID", "account:ID", …, one a line */
	struct str account; /* the account it is about, or empty */
	struct str member;  /* id of the member it is about, or empty */
	struct str hash;    /* hex BLAKE2b-256 over the previous hash and this row */
};
/* Rows with after_seq < seq, oldest first, at most `max`. In a transaction
 * also its own. */
bool store_history(struct store *store, struct arena *arena,
    int64_t after_seq, size_t max, struct history_row **out, size_t *count,
    struct err *err);
/* The newest `max` rows, newest first; subject_has filters when not empty. */
bool store_history_newest(struct store *store, struct arena *arena,
    struct str subject_has, size_t max, struct history_row **out,
    size_t *count, struct err *err);
/* What to look for; empty and 0 do not narrow. */
struct history_filter {
	struct str actor;   /* exactly */
	struct str action;  /* exactly, or all of a noun: "grant." */
	struct str subject; /* exactly */
	struct str member;  /* id, exactly */
	struct str below;   /* the account or one below it */
	struct str subject_has; /* in the subject, as it is written */
	struct str has;     /* in subject, before, after or why; A-Z folded */
	int64_t from_ms;    /* from <= at < to */
	int64_t to_ms;
	int64_t before_seq; /* older than this one: for the next page */
};
/* The newest `max` rows that fit, newest first. */
bool store_history_find(struct store *store, struct arena *arena,
    const struct history_filter *filter, size_t max, struct history_row **out,
    size_t *count, struct err *err);
/* Forgets rows older than that which are published; the chain begins anew at
 * the oldest that is left, and says so. */
bool store_prune_history(
    struct store *store, int64_t before_ms, int64_t *rows, struct err *err);
/* Recomputes the chain: 0 in *broken_seq when whole, else the first bad row.*/
bool store_history_verify(struct store *store, int64_t *rows,
    int64_t *broken_seq, struct err *err);

/* The newest generation, of any change / of one that is not a session's. */
bool store_generation(struct store *store, int64_t *any, int64_t *data,
    struct err *err);
bool store_published(struct store *store, int64_t *seq, struct err *err);
/* The version of the schema that the database has. */
bool store_schema(struct store *store, int64_t *version, struct err *err);
/* Changes whenever another connection commits; cheap, for polling. */
bool store_data_version(struct store *store, int64_t *out, struct err *err);

enum plan_status { PLAN_OPEN = 1, PLAN_APPLIED, PLAN_DROPPED };
struct sync_plan {
	int64_t number;
	struct str source;
	int64_t created_s;
	int64_t data_generation; /* the data it was made from */
	struct str body;         /* JSON, docs/sync.md */
	struct str held;         /* empty, or the guard that holds it */
	enum plan_status status;
};
enum found store_plan(struct store *store, struct arena *arena, int64_t number,
    struct sync_plan *out, struct err *err);
/* The newest `max`, newest first. */
bool store_plans(struct store *store, struct arena *arena, size_t max,
    struct sync_plan **out, size_t *count, struct err *err);

struct sync_run {
	int64_t number;
	struct str source;
	int64_t started_ms;
	int64_t ended_ms;
	struct str result;  /* "unchanged", "applied", "held", "failed", … */
	struct str summary; /* one line */
	int64_t members_seen;
	int64_t groups_seen;
	bool complete; /* everything was proved to be read */
};
/* The newest `max` of a source, or of all when it is empty; newest first. */
bool store_runs(struct store *store, struct arena *arena, struct str source,
    size_t max, struct sync_run **out, size_t *count, struct err *err);

/* A sourced member that the last complete runs did not see. */
struct absence {
	struct str external_id;
	int64_t since_s;
	int64_t runs; /* complete runs that missed it */
};
bool store_absences(struct store *store, struct arena *arena,
    struct str source, struct absence **out, size_t *count, struct err *err);

/* --- Writing: for src/admin/ only ----------------------------------------- */

/* put inserts or replaces by id (member, account) or by key; the rows' own
 * `changed` is set to generation. Deleting what is not there is no error.
 * With a member go their grants, identities and sessions, with an account its
 * grants; an owner cannot be deleted, nor an account above others (found at
 * the commit). A member has at most one identity of a source. */
bool store_put_member(struct store *store, const struct member *member,
    int64_t generation, struct err *err); /* not its grants */
bool store_delete_member(struct store *store, struct str id, struct err *err);
bool store_put_identity(struct store *store, struct str member_id,
    const struct identity *identity, struct err *err);
bool store_delete_identity(struct store *store, struct str source,
    struct str external_id, struct err *err);
/* owner_id is a member's id or empty; account->owner is not looked at. */
bool store_put_account(struct store *store, const struct account *account,
    struct str owner_id, int64_t generation, struct err *err);
bool store_delete_account(struct store *store, struct str id, struct err *err);
bool store_put_grant(struct store *store, struct str member_id,
    const struct grant *grant, struct err *err);
bool store_delete_grant(struct store *store, struct str member_id,
    struct str account, struct str role, struct str source, struct err *err);
/* Marks a member's record as changed (its grants or personal account were).*/
bool store_touch_member(struct store *store, struct str id,
    int64_t generation, struct err *err);
bool store_put_catalogue(struct store *store, struct str name,
    struct str text, int64_t generation, struct err *err);
bool store_delete_catalogue(
    struct store *store, struct str name, struct err *err);
bool store_put_session(struct store *store, const struct session *session,
    int64_t generation, struct err *err);
bool store_delete_session(struct store *store, struct str digest,
    struct err *err);
bool store_clear(struct store *store, struct err *err); /* for `load`: members,
    accounts, grants, identities, sessions; never the history */

/* Adds a row; fills seq and hash. The generation of a change is known before
 * its rows are written: store_next_generation() inside the transaction. */
bool store_next_generation(struct store *store, int64_t *out, struct err *err);
bool store_add_history(struct store *store, const struct history_row *row,
    struct err *err);
bool store_set_published(struct store *store, int64_t seq, struct err *err);

bool store_add_plan(struct store *store, struct sync_plan *plan,
    struct err *err); /* fills number */
bool store_set_plan(struct store *store, int64_t number,
    enum plan_status status, struct err *err);
bool store_add_run(struct store *store, struct sync_run *run, struct err *err);
bool store_set_absence(struct store *store, struct str source,
    const struct absence *absence, struct err *err); /* runs 0: forget it */

/* One run at a time per store: taken with a fencing number that goes up;
 * FOUND_NO when somebody else holds it and has not expired. */
enum found store_lock(struct store *store, const char *name, int64_t now_s,
    int64_t hold_s, int64_t *fence, struct err *err);
bool store_unlock(struct store *store, const char *name, int64_t fence,
    struct err *err);
/* Inside the transaction that writes: is the fence still the newest? */
enum found store_fence(struct store *store, const char *name, int64_t fence,
    struct err *err);

#endif
