#include "store/schema.h"

/* Types and constraints that SQLite and PostgreSQL read alike; docs/store.md
 * has the rules. Lists are one text, an element a line. */
/* clang-format off */
static const char *const step_1[] = {
	"CREATE TABLE schema_version ("
	" one INTEGER PRIMARY KEY CHECK (one = 1),"
	" version BIGINT NOT NULL)",
	"INSERT INTO schema_version (one, version) VALUES (1, 0)",

	"CREATE TABLE members ("
	" id TEXT PRIMARY KEY,"
	" username TEXT NOT NULL,"
	" username_key TEXT NOT NULL UNIQUE,"
	" email TEXT NOT NULL,"
	" name TEXT NOT NULL,"
	" status TEXT NOT NULL CHECK (status IN ('invited', 'active', 'disabled')),"
	" changed BIGINT NOT NULL)",

	"CREATE TABLE identities ("
	" source TEXT NOT NULL,"
	" external_id TEXT NOT NULL,"
	" member_id TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,"
	" PRIMARY KEY (source, external_id),"
	" UNIQUE (member_id, source))",

	/* Deferred: a tree may be taken down in any order within a transaction. */
	"CREATE TABLE accounts ("
	" id TEXT PRIMARY KEY,"
	" parent_id TEXT REFERENCES accounts (id) DEFERRABLE INITIALLY DEFERRED,"
	" name TEXT NOT NULL,"
	" kind TEXT NOT NULL CHECK (kind IN ('personal', 'shared')),"
	" level TEXT NOT NULL,"
	" catalogue TEXT NOT NULL,"
	" licences TEXT NOT NULL,"
	" status TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'archived', 'closed')),"
	" owner_id TEXT REFERENCES members (id),"
	" changed BIGINT NOT NULL)",
	"CREATE INDEX accounts_by_parent ON accounts (parent_id)",
	"CREATE INDEX accounts_by_owner ON accounts (owner_id)",

	"CREATE TABLE grants ("
	" member_id TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,"
	" account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,"
	" role TEXT NOT NULL,"
	" source TEXT NOT NULL,"
	" licences TEXT NOT NULL,"
	" filters TEXT NOT NULL,"
	" expires_s BIGINT NOT NULL,"
	" PRIMARY KEY (member_id, account_id, role, source))",
	"CREATE INDEX grants_by_account ON grants (account_id)",

	"CREATE TABLE catalogues ("
	" name TEXT PRIMARY KEY,"
	" body TEXT NOT NULL,"
	" changed BIGINT NOT NULL)",

	/* account_id: in use; it may have gone, then the decision says so. */
	"CREATE TABLE sessions ("
	" digest TEXT PRIMARY KEY,"
	" member_id TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,"
	" account_id TEXT NOT NULL,"
	" created_s BIGINT NOT NULL,"
	" expires_s BIGINT NOT NULL,"
	" changed BIGINT NOT NULL)",
	"CREATE INDEX sessions_by_member ON sessions (member_id)",

	"CREATE TABLE history ("
	" seq BIGINT PRIMARY KEY,"
	" at_ms BIGINT NOT NULL,"
	" actor TEXT NOT NULL,"
	" on_behalf TEXT NOT NULL,"
	" action TEXT NOT NULL,"
	" subject TEXT NOT NULL,"
	" before TEXT NOT NULL,"
	" after TEXT NOT NULL,"
	" why TEXT NOT NULL,"
	" touches TEXT NOT NULL,"
	" hash TEXT NOT NULL)",
	/* The newest row, so that a cut tail is seen; data_seq: the newest that
	 * is not a session's. */
	"CREATE TABLE history_head ("
	" one INTEGER PRIMARY KEY CHECK (one = 1),"
	" seq BIGINT NOT NULL,"
	" hash TEXT NOT NULL,"
	" data_seq BIGINT NOT NULL)",
	"INSERT INTO history_head (one, seq, hash, data_seq) VALUES (1, 0, '', 0)",
	"CREATE TABLE publication ("
	" one INTEGER PRIMARY KEY CHECK (one = 1),"
	" seq BIGINT NOT NULL)",
	"INSERT INTO publication (one, seq) VALUES (1, 0)",

	"CREATE TABLE sync_plans ("
	" number BIGINT PRIMARY KEY,"
	" source TEXT NOT NULL,"
	" created_s BIGINT NOT NULL,"
	" data_generation BIGINT NOT NULL,"
	" body TEXT NOT NULL,"
	" held TEXT NOT NULL,"
	" status TEXT NOT NULL CHECK (status IN ('open', 'applied', 'dropped')))",
	"CREATE TABLE sync_runs ("
	" number BIGINT PRIMARY KEY,"
	" source TEXT NOT NULL,"
	" started_ms BIGINT NOT NULL,"
	" ended_ms BIGINT NOT NULL,"
	" result TEXT NOT NULL,"
	" summary TEXT NOT NULL,"
	" members_seen BIGINT NOT NULL,"
	" groups_seen BIGINT NOT NULL,"
	" complete INTEGER NOT NULL CHECK (complete IN (0, 1)))",
	"CREATE TABLE absences ("
	" source TEXT NOT NULL,"
	" external_id TEXT NOT NULL,"
	" since_s BIGINT NOT NULL,"
	" runs BIGINT NOT NULL,"
	" PRIMARY KEY (source, external_id))",
	/* A lock's row stays when it is given back: its fence only goes up. */
	"CREATE TABLE locks ("
	" name TEXT PRIMARY KEY,"
	" fence BIGINT NOT NULL,"
	" held_until_s BIGINT NOT NULL)",
	NULL,
};

/* People and programs: invitations, tokens, notices, mail, imports, local
 * passwords; whom a row of history is about, and where a history that was
 * shortened begins. */
static const char *const step_2[] = {
	"ALTER TABLE members ADD COLUMN phone TEXT NOT NULL DEFAULT ''",
	/* What a member is searched by, A-Z folded; and found by address. */
	"ALTER TABLE members ADD COLUMN find_key TEXT NOT NULL DEFAULT ''",
	"UPDATE members SET find_key = "
	"username_key || ' ' || lower(name) || ' ' || lower(email)",
	"CREATE INDEX members_by_email ON members (lower(email))",
	"ALTER TABLE sessions ADD COLUMN ends_s BIGINT NOT NULL DEFAULT 0",
	"ALTER TABLE sessions ADD COLUMN idle_s BIGINT NOT NULL DEFAULT 0",

	"ALTER TABLE history ADD COLUMN account_id TEXT NOT NULL DEFAULT ''",
	"ALTER TABLE history ADD COLUMN member_id TEXT NOT NULL DEFAULT ''",
	"CREATE INDEX history_by_account ON history (account_id, seq)",
	"CREATE INDEX history_by_member ON history (member_id, seq)",
	"CREATE INDEX history_by_subject ON history (subject, seq)",
	"CREATE INDEX history_by_time ON history (at_ms)",
	/* The row before the oldest that was kept. */
	"CREATE TABLE history_floor ("
	" one INTEGER PRIMARY KEY CHECK (one = 1),"
	" seq BIGINT NOT NULL,"
	" hash TEXT NOT NULL,"
	" data_seq BIGINT NOT NULL)",

	"CREATE INDEX grants_by_role ON grants (account_id, role)",

	"CREATE TABLE invitations ("
	" id TEXT PRIMARY KEY,"
	" digest TEXT,"
	" email TEXT NOT NULL,"
	" email_key TEXT NOT NULL,"
	" name TEXT NOT NULL,"
	" phone TEXT NOT NULL,"
	" account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,"
	" role TEXT NOT NULL,"
	" licences TEXT NOT NULL,"
	" filters TEXT NOT NULL,"
	" grant_expires_s BIGINT NOT NULL,"
	" inviter_id TEXT REFERENCES members (id) ON DELETE CASCADE,"
	" created_s BIGINT NOT NULL,"
	" expires_s BIGINT NOT NULL,"
	" sent_s BIGINT NOT NULL,"
	" UNIQUE (digest),"
	" UNIQUE (account_id, email_key))",
	"CREATE INDEX invitations_by_inviter ON invitations (inviter_id)",
	"CREATE INDEX invitations_by_expiry ON invitations (expires_s)",

	"CREATE TABLE api_tokens ("
	" id TEXT PRIMARY KEY,"
	" digest TEXT NOT NULL UNIQUE,"
	" member_id TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,"
	" description TEXT NOT NULL,"
	" accounts TEXT NOT NULL,"
	" permissions TEXT NOT NULL,"
	" addresses TEXT NOT NULL,"
	" created_s BIGINT NOT NULL,"
	" expires_s BIGINT NOT NULL,"
	" used_s BIGINT NOT NULL,"
	" changed BIGINT NOT NULL)",
	"CREATE INDEX api_tokens_by_member ON api_tokens (member_id)",

	"CREATE TABLE notices ("
	" number BIGINT PRIMARY KEY,"
	" member_id TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,"
	" at_s BIGINT NOT NULL,"
	" kind TEXT NOT NULL,"
	" text TEXT NOT NULL,"
	" link TEXT NOT NULL,"
	" is_read INTEGER NOT NULL CHECK (is_read IN (0, 1)))",
	"CREATE INDEX notices_by_member ON notices (member_id, number)",
	"CREATE TABLE mail_switches ("
	" member_id TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,"
	" kind TEXT NOT NULL,"
	" PRIMARY KEY (member_id, kind))",
	"CREATE TABLE mails ("
	" number BIGINT PRIMARY KEY,"
	" recipient TEXT NOT NULL,"
	" subject TEXT NOT NULL,"
	" body TEXT NOT NULL,"
	" invitation_id TEXT NOT NULL,"
	" job BIGINT NOT NULL,"
	" created_s BIGINT NOT NULL,"
	" next_s BIGINT NOT NULL,"
	" tries BIGINT NOT NULL,"
	" error TEXT NOT NULL,"
	" given_up INTEGER NOT NULL CHECK (given_up IN (0, 1)))",
	"CREATE INDEX mails_by_invitation ON mails (invitation_id)",

	"CREATE TABLE jobs ("
	" number BIGINT PRIMARY KEY,"
	" actor TEXT NOT NULL,"
	" account_id TEXT NOT NULL,"
	" file TEXT NOT NULL,"
	" status TEXT NOT NULL CHECK (status IN ('checked', 'running', 'done', 'errors', 'failed')),"
	" created_s BIGINT NOT NULL,"
	" ended_s BIGINT NOT NULL,"
	" row_count BIGINT NOT NULL,"
	" done_count BIGINT NOT NULL,"
	" change_count BIGINT NOT NULL,"
	" error_count BIGINT NOT NULL)",
	"CREATE INDEX jobs_by_actor ON jobs (actor, number)",
	"CREATE TABLE job_rows ("
	" job BIGINT NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,"
	" row_number BIGINT NOT NULL,"
	" fields TEXT NOT NULL,"
	" says TEXT NOT NULL,"
	" result INTEGER NOT NULL CHECK (result IN (0, 1, 2, 3)),"
	" code TEXT NOT NULL,"
	" PRIMARY KEY (job, row_number))",

	"CREATE TABLE passwords ("
	" member_id TEXT PRIMARY KEY REFERENCES members (id) ON DELETE CASCADE,"
	" hash TEXT NOT NULL,"
	" changed_s BIGINT NOT NULL)",
	"CREATE TABLE attempts ("
	" attempt_key TEXT PRIMARY KEY,"
	" attempt_count BIGINT NOT NULL,"
	" since_s BIGINT NOT NULL)",
	"CREATE TABLE answered ("
	" answer_key TEXT PRIMARY KEY,"
	" digest TEXT NOT NULL,"
	" status BIGINT NOT NULL,"
	" body TEXT NOT NULL,"
	" at_s BIGINT NOT NULL)",
	NULL,
};

/* What a catalogue was before, for questions about the past. */
static const char *const step_3[] = {
	"CREATE TABLE catalogue_texts ("
	" digest TEXT PRIMARY KEY,"
	" body TEXT NOT NULL)",
	NULL,
};
/* clang-format on */

const struct schema_step SCHEMA_STEPS[] = {
	{ step_1 },
	{ step_2 },
	{ step_3 },
};
const size_t SCHEMA_STEP_COUNT = sizeof(SCHEMA_STEPS) / sizeof(SCHEMA_STEPS[0]);

/* A database that is not marked as a store yet has version 0. */
bool
schema_version(struct db *db, int64_t *out, struct err *err)
{
	struct db_rows rows;
	bool claimed = false;

	if (!db_claimed(db, &claimed, err))
		return false;
	*out = 0;
	if (!claimed)
		return true;
	db_select(
	    db, &rows, err, "SELECT version FROM schema_version", NO_VALUES);
	if (db_next(&rows))
		*out = row_number(&rows, 0);
	return db_end(&rows);
}

static bool
newer(const struct db *db, int64_t version, size_t count, struct err *err)
{
	return err_set(err, ERR_FILE, "store_newer",
	    "%s: has schema %lld and this program knows %zu; use the newer "
	    "program that made it",
	    db_path(db), (long long)version, count);
}

bool
schema_check(struct db *db, size_t count, struct err *err)
{
	int64_t version = 0;

	if (!schema_version(db, &version, err))
		return false;
	if (version > (int64_t)count)
		return newer(db, version, count, err);
	if (version == (int64_t)count)
		return true;
	return err_set(err, ERR_FILE, "store_older",
	    "%s: has schema %lld and this program needs %zu; any command that "
	    "writes brings it there, such as rolegate publish",
	    db_path(db), (long long)version, count);
}

static bool
step_make(struct db *db, const struct schema_step *step, int64_t version,
    struct err *err)
{
	if (version == 0 && !db_claim(db, err))
		return false;
	for (size_t i = 0; step->statements[i] != NULL; i++)
		if (!db_exec(db, step->statements[i], err))
			return false;
	return db_run(db, NULL, err, "UPDATE schema_version SET version = $1",
	    VALUES(value_number(version + 1)));
}

/* Inside a transaction: another process may have made the step meanwhile, so
 * the version is read again under the lock. */
static bool
step_next(struct db *db, const struct schema_step *steps, size_t count,
    struct err *err)
{
	int64_t version = 0;

	if (!schema_version(db, &version, err))
		return false;
	if (version < 0 || version > (int64_t)count)
		return newer(db, version, count, err);
	return version == (int64_t)count ||
	       step_make(db, &steps[version], version, err);
}

bool
schema_migrate(struct db *db, const struct schema_step *steps, size_t count,
    struct err *err)
{
	for (;;) {
		int64_t version = 0;

		if (!schema_version(db, &version, err))
			return false;
		if (version == (int64_t)count)
			return true;
		if (version > (int64_t)count)
			return newer(db, version, count, err);
		if (!db_begin_write(db, err))
			return false;
		if (!step_next(db, steps, count, err)) {
			db_rollback(db);
			return false;
		}
		if (!db_commit(db, err))
			return false;
	}
}
