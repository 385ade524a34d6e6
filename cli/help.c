#include "cli/help.h"

#include <stdio.h>
#include <string.h>

#define WIDTH	   79 /* of help, in columns */
#define NEAR	   3 /* edits that still look like a slip */
#define NAME_BYTES 64 /* of a command's name, and of what was typed */

static const char about_all[] =
    "rolegate decides who may do what in which account.";

static const char exit_text[] =
    "0 yes or done; 1 no, different or not found; 2 usage; 3 bad file or "
    "incomplete; 4 not reachable; 5 refused by a rule; 70 our mistake.";

static size_t
noun_len(const char *name)
{
	return strcspn(name, " ");
}

static bool
is_of_noun(const struct command *command, const char *noun)
{
	size_t len = noun_len(command->name);

	return strlen(noun) == len && strncmp(command->name, noun, len) == 0;
}

/* --- Finding ------------------------------------------------------------- */

static bool
name_matches(const char *name, int argc, char *const *argv, int *used)
{
	size_t len = noun_len(name);

	*used = name[len] == '\0' ? 1 : 2;
	if (argc < *used || strlen(argv[0]) != len ||
	    strncmp(name, argv[0], len) != 0)
		return false;
	return *used == 1 || strcmp(name + len + 1, argv[1]) == 0;
}

const struct command *
command_find(int argc, char *const *argv, int *used)
{
	const struct command *found = NULL;

	*used = 0;
	for (const struct command *c = commands; c->name != NULL; c++) {
		int words;

		if (!name_matches(c->name, argc, argv, &words) ||
		    words <= *used)
			continue;
		found = c;
		*used = words;
	}
	return found;
}

bool
noun_known(const char *noun)
{
	for (const struct command *c = commands; c->name != NULL; c++)
		if (is_of_noun(c, noun))
			return true;
	return false;
}

/* Edits from a to b (Levenshtein), both shorter than NAME_BYTES. */
static size_t
edits(const char *a, const char *b)
{
	size_t row[NAME_BYTES];
	size_t b_len = strlen(b);

	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		size_t corner = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < b_len; j++) {
			size_t change = corner + (a[i] != b[j]);
			size_t least =
			    row[j] < row[j + 1] ? row[j] : row[j + 1];

			corner = row[j + 1];
			row[j + 1] = change < least + 1 ? change : least + 1;
		}
	}
	return row[b_len];
}

static void
nearer(const char *typed, const char *name, size_t *least, const char **best)
{
	size_t count = strlen(typed) < NAME_BYTES && strlen(name) < NAME_BYTES
			   ? edits(typed, name)
			   : NAME_BYTES;

	/* Half of the word or more is another word. */
	if (count < *least && count * 2 <= strlen(name)) {
		*least = count;
		*best = name;
	}
}

const char *
command_nearest(struct arena *arena, int argc, char *const *argv)
{
	size_t least = NEAR + 1;
	const char *best = NULL;
	struct str both =
	    argc > 1 ? str_fmt(arena, "%s %s", argv[0], argv[1]) : STR("");

	for (const struct command *c = commands; c->name != NULL; c++) {
		if (both.len > 0)
			nearer(both.ptr, c->name, &least, &best);
		nearer(argv[0], c->name, &least, &best);
	}
	return best;
}

/* --- Help ---------------------------------------------------------------- */

void
help_noun(const char *noun, FILE *to)
{
	for (const struct command *c = commands; c->name != NULL; c++)
		if (noun == NULL || is_of_noun(c, noun))
			fprintf(to, "  %-15s %s\n", c->name, c->help);
}

void
help_all(FILE *to)
{
	fprintf(to,
	    "%s\n\n"
	    "  rolegate check ann calls.view sales\n"
	    "  rolegate explain ann calls.view sales\n"
	    "  rolegate who users.add sales\n\n"
	    "commands\n",
	    about_all);
	help_noun(NULL, to);
	fprintf(to,
	    "\nrolegate COMMAND --help leads with examples.\n"
	    "exit status: %s\n",
	    exit_text);
}

/* Options that every command has, and those that its flags give it. */
static bool
global_applies(const struct command *command, const struct opt *opt)
{
	static const struct {
		const char *name;
		unsigned flags;
	} needs[] = {
		{ "json", COMMAND_JSON },
		{ "header", COMMAND_JSON },
		{ "yes", COMMAND_WRITES },
		{ "dry-run", COMMAND_WRITES },
		{ "why", COMMAND_WRITES },
		{ "as", COMMAND_WRITES | COMMAND_AS },
	};

	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		if (strcmp(opt->name, needs[i].name) == 0)
			return (command->flags & needs[i].flags) != 0;
	return true;
}

static void
opt_help(const struct opt *opt, FILE *to)
{
	char left[NAME_BYTES];

	snprintf(left, sizeof(left), "--%s%s%s", opt->name,
	    opt->value != NULL ? " " : "",
	    opt->value != NULL ? opt->value : "");
	if (opt->letter != 0)
		fprintf(to, "  -%c, %-18s %s\n", opt->letter, left, opt->help);
	else
		fprintf(to, "  %-22s %s\n", left, opt->help);
}

static void
examples_help(const char *examples, FILE *to)
{
	struct str rest = str_from(examples);
	struct str line;

	while (str_next(&rest, '\n', &line))
		fprintf(to, "  %.*s\n", STR_ARGS(line));
}

/* Lines of at most WIDTH. */
static void
text_help(const char *text, FILE *to)
{
	struct str rest = str_from(text);
	struct str word;
	size_t column = 0;

	while (str_next(&rest, ' ', &word)) {
		if (column > 0 && column + 1 + word.len > WIDTH) {
			putc('\n', to);
			column = 0;
		}
		if (column > 0)
			putc(' ', to);
		column += word.len + (column > 0);
		fprintf(to, "%.*s", STR_ARGS(word));
	}
	putc('\n', to);
}

void
help_command(const struct command *command, FILE *to)
{
	examples_help(command->examples, to);
	fprintf(to, "\nrolegate %s%s%s\n  %s\n", command->name,
	    command->usage[0] != '\0' ? " " : "", command->usage,
	    command->help);
	if (command->about != NULL) {
		putc('\n', to);
		text_help(command->about, to);
	}
	fputs("\noptions\n", to);
	for (const struct opt *o = command->opts; o != NULL && o->name != NULL;
	     o++)
		opt_help(o, to);
	for (const struct opt *o = globals; o->name != NULL; o++)
		if (global_applies(command, o))
			opt_help(o, to);
}

/* --- Manual pages -------------------------------------------------------- */

/* Text for roff: no line begins with a control, '-' is a minus. */
static void
roff(const char *text, FILE *to)
{
	for (const char *p = text; *p != '\0'; p++) {
		if ((p == text || p[-1] == '\n') && (*p == '.' || *p == '\''))
			fputs("\\&", to);
		if (*p == '-')
			fputs("\\-", to);
		else if (*p == '\\')
			fputs("\\e", to);
		else
			putc(*p, to);
	}
}

/* As a sentence. */
static void
roff_line(const char *text, FILE *to)
{
	size_t len = strlen(text);

	roff(text, to);
	fputs(len > 0 && text[len - 1] == '?' ? "\n" : ".\n", to);
}

static void
roff_name(const char *name, FILE *to)
{
	for (const char *p = name; *p != '\0'; p++)
		putc(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p, to);
}

static void
roff_opt(const struct opt *opt, FILE *to)
{
	fputs(".TP\n.B ", to);
	if (opt->letter != 0)
		fprintf(to, "\\-%c, ", opt->letter);
	fputs("\\-\\-", to);
	roff(opt->name, to);
	if (opt->value != NULL)
		fprintf(to, " %s", opt->value);
	putc('\n', to);
	roff_line(opt->help, to);
}

static void
roff_examples(const char *noun, FILE *to)
{
	fputs(".SH EXAMPLES\n.EX\n", to);
	for (const struct command *c = commands; c->name != NULL; c++)
		if (is_of_noun(c, noun)) {
			roff(c->examples, to);
			putc('\n', to);
		}
	fputs(".EE\n", to);
}

static void
roff_command(const struct command *command, FILE *to)
{
	fputs(".SS \"rolegate ", to);
	roff(command->name, to);
	fputs(command->usage[0] != '\0' ? " " : "", to);
	roff(command->usage, to);
	fputs("\"\n", to);
	roff_line(command->help, to);
	if (command->about != NULL) {
		fputs(".PP\n", to);
		roff(command->about, to);
		putc('\n', to);
	}
	for (const struct opt *o = command->opts; o != NULL && o->name != NULL;
	     o++)
		roff_opt(o, to);
}

static void
roff_exit(FILE *to)
{
	fputs(".SH EXIT STATUS\n", to);
	roff(exit_text, to);
	fputs("\n.PP\nA message on standard error names the place, the thing "
	      "and the mend, and ends in a code in brackets that does not "
	      "change.\n.SH FILES\n.TP\n.I /etc/rolegate/rolegate.yaml\n"
	      "The configuration, see\n.BR rolegate.yaml (5).\n",
	    to);
}

static void
roff_head(const char *name, FILE *to)
{
	fputs(".\\\" Made by: rolegate help --man\n.TH ", to);
	roff_name(name, to);
	fprintf(to, " 1 \"\" \"rolegate " ROLEGATE_VERSION
		    "\" \"rolegate\"\n.SH NAME\n");
}

static void
man_noun(const char *noun, FILE *to)
{
	char name[NAME_BYTES];
	const char *separator = "";
	unsigned flags = 0;

	snprintf(name, sizeof(name), "ROLEGATE\\-%s", noun);
	roff_head(name, to);
	fprintf(to, "rolegate\\-%s \\- ", noun);
	for (const struct command *c = commands; c->name != NULL; c++) {
		if (!is_of_noun(c, noun))
			continue;
		fputs(separator, to);
		roff(c->help, to);
		separator = "; ";
		flags |= c->flags;
	}
	putc('\n', to);
	roff_examples(noun, to);
	fputs(".SH COMMANDS\n", to);
	for (const struct command *c = commands; c->name != NULL; c++)
		if (is_of_noun(c, noun))
			roff_command(c, to);
	fputs(".SH OPTIONS OF EVERY COMMAND\n", to);
	for (const struct opt *o = globals; o->name != NULL; o++)
		if (global_applies(&(struct command){ .flags = flags }, o))
			roff_opt(o, to);
	roff_exit(to);
	fputs(".SH SEE ALSO\n.BR rolegate (1)\n", to);
}

static void
man_all(FILE *to)
{
	roff_head("ROLEGATE", to);
	fputs("rolegate \\- decides who may do what in which account\n"
	      ".SH EXAMPLES\n.EX\n"
	      "rolegate check ann calls.view sales\n"
	      "rolegate explain ann calls.view sales\n"
	      "rolegate who users.add sales\n.EE\n"
	      ".SH SYNOPSIS\n.B rolegate\n.RI [ OPTIONS ]\n.I COMMAND\n"
	      ".SH DESCRIPTION\nOne command for people and scripts. On a "
	      "terminal it draws tables; piped it prints one line a row, "
	      "fields separated by TAB and without a header line; with "
	      "\\-\\-json it prints JSON with a schema number.\n.PP\n"
	      "What writes shows the difference and asks, or takes \\-\\-yes; "
	      "\\-\\-dry\\-run shows it and changes nothing.\n"
	      ".SH COMMANDS\n",
	    to);
	for (const struct command *c = commands; c->name != NULL; c++) {
		fputs(".TP\n.B ", to);
		roff(c->name, to);
		putc('\n', to);
		roff_line(c->help, to);
	}
	fputs(".SH OPTIONS\n", to);
	for (const struct opt *o = globals; o->name != NULL; o++)
		roff_opt(o, to);
	roff_exit(to);
	fputs(".SH SEE ALSO\n", to);
	for (const struct command *c = commands; c->name != NULL; c++) {
		size_t len = noun_len(c->name);

		if (c > commands && strncmp(c[-1].name, c->name, len) == 0 &&
		    noun_len(c[-1].name) == len)
			continue;
		if ((c->flags & COMMAND_PASS) == 0 &&
		    strcmp(c->name, "help") != 0)
			fprintf(to, ".BR rolegate\\-%.*s (1),\n", (int)len,
			    c->name);
	}
	fputs(".BR rolegate\\-sync (8),\n.BR rolegated (8)\n", to);
}

static int
names_print(void)
{
	for (const struct command *c = commands; c->name != NULL; c++)
		puts(c->name);
	return 0;
}

int
cmd_help(struct app *app)
{
	char *words[2] = { NULL, NULL };
	const struct command *command = NULL;
	int count = (int)app->args.word_count;
	bool man = args_have(&app->args, "man");
	int used = 0;

	for (int i = 0; i < count; i++)
		words[i] = (char *)(uintptr_t)app->args.words[i].ptr;
	if (args_have(&app->args, "list"))
		return names_print();
	if (count == 0) {
		(man ? man_all : help_all)(stdout);
		return 0;
	}
	command = command_find(count, words, &used);
	if (!noun_known(words[0]) || (command == NULL && count == 2))
		return app_fail(app, ERR_USAGE, "usage",
		    "help: there is no such command; see rolegate --help");
	if (man)
		man_noun(words[0], stdout);
	else if (command != NULL)
		help_command(command, stdout);
	else
		help_noun(words[0], stdout);
	return 0;
}
