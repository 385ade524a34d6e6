/* rights_oracle.h - the right to change a second time, slowly.
 *
 * Shape:   a model is a world of oracle.h, what people and places are called,
 *          and the law of each catalogue (operations, may_give), which is read
 *          out of the YAML files by a reader of its own. Nothing here comes
 *          from src/.
 * Source:  docs/decision.md, M1 to M16, sentence by sentence. Whoever changes
 *          that page changes this from the page and not from src/admin/. */
#ifndef ROLEGATE_RIGHTS_ORACLE_H
#define ROLEGATE_RIGHTS_ORACLE_H

#include "oracle.h"

enum { NEEDS_MAX = 64, LAWS = 2 };

/* What an operation needs; with a role, only about that role. */
struct need {
	char operation[WORD_MAX];
	char role[WORD_MAX];
	struct words permissions;
};

struct law {
	struct need needs[NEEDS_MAX];
	int need_count;
	struct words givers;
	struct words gives[WORDS_MAX]; /* in the order of givers */
};

/* In the order of the matrices; of the shipped catalogues, or of a folder. */
void laws_read(struct law laws[LAWS]);
void laws_read_from(struct law laws[LAWS], const char *folder);

struct model {
	struct world w;
	const struct law *laws;
	char place_names[ACCOUNTS_MAX][WORD_MAX];
	char person_names[MEMBERS_MAX][WORD_MAX];
	bool sourced[MEMBERS_MAX]; /* comes from a directory */
};

enum change_kind {
	CHANGE_GRANT_ADD,
	CHANGE_GRANT_SET,
	CHANGE_GRANT_REMOVE,
	CHANGE_ACCOUNT_ADD,
	CHANGE_ACCOUNT_RENAME,
	CHANGE_ACCOUNT_STATUS,
	CHANGE_ACCOUNT_OWNER,
	CHANGE_ACCOUNT_REMOVE,
	CHANGE_ACCOUNT_MOVE,
	CHANGE_MEMBER_NAME,
	CHANGE_MEMBER_STATUS,
	CHANGES
};

struct change {
	enum change_kind kind;
	char who[WORD_MAX]; /* asks */
	char whom[WORD_MAX]; /* the member it is about; the new owner */
	char on[WORD_MAX]; /* account */
	char parent[WORD_MAX]; /* of a new account, or moved to */
	char level[WORD_MAX];
	char word[WORD_MAX]; /* new name or status */
	struct gift gift; /* role, source, licences, filters, expires */
};

enum ruling { RULING_REFUSED, RULING_NOT_FOUND, RULING_YES };

enum ruling rights_judge(const struct model *m, const struct change *c);
/* Makes what was judged YES; `made` is the id of a new account. */
void rights_make(struct model *m, const struct change *c, const char *made);

/* Do all permissions of the operation hold for them there (the cells of the
 * matrix by the law), and may they give that role? */
bool rights_operation(const struct model *m, const char *who, const char *on,
    const char *operation, const char *role);
bool rights_give(const struct model *m, const char *who, const char *on,
    const char *role);

#endif
