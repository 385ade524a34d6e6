/* store_kit.h - a store in a folder of its own, for the tests of the store.
 *
 * Use:  kit_tests(t) registers the fixtures: one folder for the program, made
 *       and removed by the parent process, and in it one for each test with
 *       an empty store that is open for writing.
 * kit_* that put something make it in the running transaction, with a row of
 * history each; a failure fails the test. */
#ifndef ROLEGATE_STORE_KIT_H
#define ROLEGATE_STORE_KIT_H

#include <string.h>

#include "store/internal.h"
#include "tests/unit/unit.h"

struct kit {
	char folder[128];
	char path[192]; /* folder/store.db */
	struct store *store;
	struct arena arena;
	struct err err;
};
extern struct kit kit;

void kit_tests(TCase *t);

#define KIT_OK(call)                                              \
	ck_assert_msg((call), "%s: %s [%s]", #call, kit.err.text, \
	    kit.err.code != NULL ? kit.err.code : "no error")
/* It fails, with this code; the error is forgotten. */
#define KIT_FAILS(call, wanted) kit_fails((call), #call, wanted)
void kit_fails(bool result, const char *call, const char *wanted);

void kit_open(enum store_mode mode);
void kit_close(void);
void kit_begin(void);
void kit_commit(void);

void kit_member(const char *username);
void kit_account(const char *id, const char *parent, const char *owner);
void kit_grant(const char *username, const char *account, const char *role,
    const char *source);
void kit_history(const char *action, const char *subject);
bool kit_has_member(const char *username);

/* SQL past the store, as somebody with the file would do it: no CHECK and no
 * foreign key holds. */
void kit_sql(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int64_t
kit_sql_number(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A random number below `below`, the same in every run. */
uint32_t kit_random(uint32_t below);

#endif
