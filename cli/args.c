#include "cli/args.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
const struct opt globals[] = {
	{ "config",  0,   false, "FILE", "configuration file; else ROLEGATE_CONFIG, else /etc/rolegate/rolegate.yaml" },
	{ "json",    0,   false, NULL,   "print JSON, with a schema number" },
	{ "header",  0,   false, NULL,   "print the header line also when piped" },
	{ "yes",     'y', false, NULL,   "make the change without asking" },
	{ "dry-run", 0,   false, NULL,   "show the difference and change nothing" },
	{ "why",     0,   false, "TEXT", "reason for the change, kept in the history" },
	{ "as",      0,   false, "USER", "as this member, who may do less than the system" },
	{ "help",    'h', false, NULL,   "examples and options" },
	{ "version", 0,   false, NULL,   "the version" },
	{ NULL,      0,   false, NULL,   NULL },
};
/* clang-format on */

static const struct opt *
opt_by_name(const struct opt *opts, struct str name)
{
	for (; opts != NULL && opts->name != NULL; opts++)
		if (str_eq(str_from(opts->name), name))
			return opts;
	return NULL;
}

static const struct opt *
opt_by_letter(const struct opt *opts, char letter)
{
	for (; opts != NULL && opts->name != NULL; opts++)
		if (opts->letter != 0 && opts->letter == letter)
			return opts;
	return NULL;
}

static bool
given_add(
    struct args *args, const struct opt *opt, struct str value, struct err *err)
{
	if (!opt->many && args_have(args, opt->name))
		return err_set(err, ERR_USAGE, "usage",
		    "--%s: stands twice; give it once", opt->name);
	if (args->given_count == ARGS_MAX)
		return err_set(err, ERR_USAGE, "usage",
		    "--%s: more than %d options; use `rolegate load`",
		    opt->name, ARGS_MAX);
	args->given[args->given_count++] = (struct given){ opt, value };
	return true;
}

/* One option at argv[*at]; moves *at behind it and its value. */
static bool
option_read(struct args *args, const struct opt *opts, int argc, char **argv,
    int *at, struct err *err)
{
	struct str word = str_from(argv[(*at)++]);
	bool is_long = str_starts(word, STR("--"));
	struct str name = { word.ptr + 2, word.len - 2 };
	struct str value = { NULL, 0 };
	const struct opt *opt;

	if (is_long) {
		const char *equals = memchr(name.ptr, '=', name.len);

		if (equals != NULL) {
			value = str_from(equals + 1);
			name.len = (size_t)(equals - name.ptr);
		}
		opt = opt_by_name(opts, name);
		if (opt == NULL)
			opt = opt_by_name(globals, name);
	} else {
		if (word.len > 2)
			value = str_from(word.ptr + 2);
		opt = opt_by_letter(opts, word.ptr[1]);
		if (opt == NULL)
			opt = opt_by_letter(globals, word.ptr[1]);
	}
	if (opt == NULL)
		return err_set(err, ERR_USAGE, "usage",
		    "%.*s: is not an option here; see --help", STR_ARGS(word));
	if (opt->value == NULL && value.ptr != NULL)
		return err_set(err, ERR_USAGE, "usage",
		    "--%s: takes no value; leave it out", opt->name);
	if (opt->value != NULL && value.ptr == NULL) {
		if (*at == argc)
			return err_set(err, ERR_USAGE, "usage",
			    "--%s: %s is missing; write --%s %s", opt->name,
			    opt->value, opt->name, opt->value);
		value = str_from(argv[(*at)++]);
	}
	return given_add(args, opt, value, err);
}

int
args_read(struct args *args, const struct opt *opts, int argc, char **argv,
    int at, bool first_word, struct err *err)
{
	bool words_only = false;

	while (at < argc) {
		const char *word = argv[at];

		if (!words_only && strcmp(word, "--") == 0) {
			words_only = true;
			at++;
		} else if (!words_only && word[0] == '-' && word[1] != '\0') {
			if (!option_read(args, opts, argc, argv, &at, err))
				return -1;
		} else if (first_word) {
			break;
		} else if (args->word_count == ARGS_MAX) {
			err_set(err, ERR_USAGE, "usage",
			    "more than %d words; see --help", ARGS_MAX);
			return -1;
		} else {
			args->words[args->word_count++] = str_from(word);
			at++;
		}
	}
	return at;
}

bool
args_have(const struct args *args, const char *name)
{
	return args_text(args, name).ptr != NULL;
}

struct str
args_text(const struct args *args, const char *name)
{
	for (size_t i = args->given_count; i > 0; i--) {
		const struct given *given = &args->given[i - 1];

		if (strcmp(given->opt->name, name) == 0)
			return given->opt->value != NULL ? given->value
							 : STR("yes");
	}
	return (struct str){ NULL, 0 };
}

static int
str_order(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

struct names
args_list(const struct args *args, struct arena *arena, const char *name)
{
	struct str *items =
	    ARENA_ARRAY(arena, struct str, args->given_count + 1);
	size_t count = 0;
	size_t kept = 0;

	if (items == NULL)
		return (struct names){ NULL, 0 };
	for (size_t i = 0; i < args->given_count; i++)
		if (strcmp(args->given[i].opt->name, name) == 0)
			items[count++] = args->given[i].value;
	qsort(items, count, sizeof(*items), str_order);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || !str_eq(items[kept - 1], items[i]))
			items[kept++] = items[i];
	return (struct names){ items, kept };
}

bool
duration_read(struct str text, int64_t *out_s)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	const int64_t longest_s = (int64_t)10 * 366 * 86400;
	int64_t unit_s = 1;
	int64_t count;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (text.len > 0 && text.ptr[text.len - 1] == units[i].letter) {
			unit_s = units[i].seconds;
			text.len--;
			break;
		}
	}
	if (!str_to_i64(text, 1, longest_s / unit_s, &count))
		return false;
	*out_s = count * unit_s;
	return true;
}
