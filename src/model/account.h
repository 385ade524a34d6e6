/* account.h - a node in a tree of at most TREE_DEPTH_MAX levels.
 *
 * Shape:   an account with a parent_id but without a parent pointer hangs in
 *          the air: its chain does not end at a root, so it does not exist
 *          (DECISION J23). catalogue is used at the root only; licences are
 *          sorted; owner is a username or empty.
 * Owner:   lives where the loader put it; parent points into the same arena.
 * Source:  written by src/admin/, kept by src/store/. */
#ifndef ROLEGATE_ACCOUNT_H
#define ROLEGATE_ACCOUNT_H

#include "base/err.h"
#include "base/str.h"

enum account_kind { ACCOUNT_KIND_NONE = 0, ACCOUNT_PERSONAL, ACCOUNT_SHARED };

/* In the order of strictness (DECISION J4). Zero is not a status. */
enum account_status {
	ACCOUNT_STATUS_NONE = 0,
	ACCOUNT_ACTIVE,
	ACCOUNT_SUSPENDED,
	ACCOUNT_ARCHIVED,
	ACCOUNT_CLOSED,
};

struct account {
	struct str id;
	struct str name;
	struct str parent_id; /* empty at a root */
	const struct account *parent;
	enum account_kind kind;
	struct str level; /* "account", "network", "profile", "publisher", … */
	struct str catalogue;
	struct names licences;
	enum account_status status;
	struct str owner; /* username, or empty */
	int64_t changed;  /* generation of its own last change */
};

extern const struct str LEVEL_ACCOUNT; /* the level when none is written */

const char *account_kind_word(enum account_kind kind);
enum account_kind account_kind_from(struct str word);
const char *account_status_word(enum account_status status);
enum account_status account_status_from(struct str word);

/* The root above, or NULL when the chain does not end at one: a missing
 * parent, a cycle, or more than TREE_DEPTH_MAX levels. */
const struct account *account_root(const struct account *account);
/* The strictest status from the account up to its root. CLOSED when the chain
 * is broken or a status is not known. */
enum account_status account_strictest(const struct account *account);
/* The licences owned (DECISION J16). */
struct names account_licences(const struct account *account);

/* Levels from its root to the account, both counted, as the links say; more
 * than TREE_DEPTH_MAX where the chain is too long. */
int account_depth(const struct account *account);
/* Is it the account of this id, or below that? */
bool account_is_within(const struct account *account, struct str id);
bool account_is_owned_by(const struct account *account, struct str username);

bool account_check(const struct account *account, struct err *err);

#endif
