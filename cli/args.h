/* args.h - the words and options of the command line, read by tables.
 *
 * Shape:   an option is one row: name, letter, what its value is called, one
 *          line of help. `--name VALUE`, `--name=VALUE`, `-l VALUE`; `--` ends
 *          the options and a lone `-` is a word. Every command also takes
 *          the options of globals[].
 * Owner:   everything borrows from argv, which outlives the run.
 * Errors:  ERR_USAGE, with the mend. */
#ifndef ROLEGATE_CLI_ARGS_H
#define ROLEGATE_CLI_ARGS_H

#include "base/err.h"
#include "base/str.h"

#define ARGS_MAX 256 /* words and options of one command line, each */

struct opt {
	const char *name;
	char letter; /* 0: none */
	bool many; /* may be given several times */
	const char *value; /* what the value is, or NULL for a flag */
	const char *help;
};

struct given {
	const struct opt *opt;
	struct str value;
};

struct args {
	struct str words[ARGS_MAX];
	size_t word_count;
	struct given given[ARGS_MAX];
	size_t given_count;
};

/* Ended by a row without a name. */
extern const struct opt globals[];

/* Reads argv from `at` on. Stops before the first word when `first_word` is
 * asked for. `opts` may be NULL. Returns where it stopped; -1 with err. */
int args_read(struct args *args, const struct opt *opts, int argc, char **argv,
    int at, bool first_word, struct err *err);

bool args_have(const struct args *args, const char *name);
/* The last value given; ptr NULL when there is none. */
struct str args_text(const struct args *args, const char *name);
/* All values given, sorted and without doubles; items NULL: out of memory. */
struct names
args_list(const struct args *args, struct arena *arena, const char *name);

/* "90s", "30m", "12h", "7d" or plain seconds, 1 second to 10 years. */
bool duration_read(struct str text, int64_t *out_s);

#endif
