/* oracle.h - the decision a second time, slowly, out of plain C strings.
 *
 * Shape:   a world is lists of places (accounts), people, gifts (grants) and
 *          matrices (catalogues), each found by comparing strings one after
 *          the other. Nothing here comes from src/: a mistake there cannot
 *          hide itself here.
 * Source:  docs/decision.md, sentence by sentence. Whoever changes that page
 *          changes oracle.c from the page and not from src/decide/. */
#ifndef ROLEGATE_ORACLE_H
#define ROLEGATE_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	ACCOUNTS_MAX = 24,
	MEMBERS_MAX = 7,
	GRANTS_MAX = 60,
	WORDS_MAX = 12,
	ROWS_MAX = 64,
	LEVELS_MAX = 16, /* of a tree */
	WORD_MAX = 64, /* bytes, with the NUL */
	MATRICES = 3,
};

#define WORLD_NOW INT64_C(1800000000)

struct words {
	char at[WORDS_MAX][WORD_MAX];
	int count;
};

struct row {
	char name[WORD_MAX];
	char level[WORD_MAX]; /* or "any" */
	bool free; /* needs no licence */
	struct words licences; /* or none: any licence will do */
	struct words roles; /* those that have it */
};

struct matrix {
	char name[WORD_MAX];
	struct words roles;
	char top[WORD_MAX];
	char filtered[WORD_MAX];
	char filtered_level[WORD_MAX];
	char act[WORD_MAX];
	struct row rows[ROWS_MAX];
	int row_count;
};

struct place {
	char id[WORD_MAX];
	char parent[WORD_MAX];
	char kind[WORD_MAX];
	char level[WORD_MAX];
	char status[WORD_MAX];
	char catalogue[WORD_MAX];
	char owner[WORD_MAX];
	struct words licences;
};

struct gift {
	int to; /* which person */
	char on[WORD_MAX];
	char role[WORD_MAX];
	char source[WORD_MAX];
	struct words licences;
	struct words filters;
	int64_t expires;
};

struct person {
	char username[WORD_MAX];
	char status[WORD_MAX];
};

struct world {
	struct matrix matrices[MATRICES];
	struct place places[ACCOUNTS_MAX];
	int place_count;
	struct person people[MEMBERS_MAX];
	int person_count;
	struct gift gifts[GRANTS_MAX];
	int gift_count;
};

struct ask {
	char who[WORD_MAX];
	char what[WORD_MAX];
	char where[WORD_MAX];
};

struct held {
	const struct gift *gift; /* NULL: the owner's mark */
	const struct place *at;
	char role[WORD_MAX];
	struct words licences; /* that count */
	struct words filters;
};

struct list {
	struct held items[GRANTS_MAX + ACCOUNTS_MAX];
	int count;
};

struct answer {
	const char *verdict;
	const char *reason;
	struct words filters;
	struct list standing; /* the deciding holding is one of these */
	int holdings; /* that step 3 found */
};

bool same(const char *a, const char *b);
void name_set(char to[WORD_MAX], const char *from);
bool words_hold(const struct words *words, const char *word);
/* Kept sorted and without doubles. */
void words_add(struct words *words, const char *word);

/* -1 / NULL when there is none. */
int person_named(const struct world *w, const char *username);
const struct place *place_named(const struct world *w, const char *id);
const struct matrix *matrix_named(const struct world *w, const char *name);
/* The account and all above it; the count, or 0 where no root is reached in
 * LEVELS_MAX levels (J23). */
int path_up(const struct world *w, const char *id,
    const struct place *path[LEVELS_MAX]);

/* True when it allows; *a says the rest either way. */
bool oracle(const struct world *w, const struct ask *ask, struct answer *a);

#endif
