#include "sync/options.h"

#include <string.h>

static const char help[] =
    "Examples:\n"
    "  rolegate-sync plan              what would change; saves a numbered "
    "plan\n"
    "  rolegate-sync apply 7           make exactly the changes of plan 7\n"
    "  rolegate-sync apply 7 --override\n"
    "                                  ... although a guard holds it\n"
    "  rolegate-sync run               plan and apply, for a timer\n"
    "  rolegate-sync status            last runs, open plans, who is absent\n"
    "\n"
    "Usage: rolegate-sync [--config FILE] plan|apply N|run|status [options]\n"
    "\n"
    "  --config FILE    rolegate.yaml (default: $ROLEGATE_CONFIG, else\n"
    "                   " ROLEGATE_SYSCONFDIR "/rolegate/rolegate.yaml)\n"
    "  --source NAME    only this directory of the mapping\n"
    "  --json           print JSON\n"
    "  --check          plan: exit 1 when something would change\n"
    "  --yes            apply: do not ask on a terminal\n"
    "  --override       apply: make a plan that a guard holds; it is logged\n"
    "  --allow-empty    plan, run: believe a directory that has nobody\n"
    "  --help, --version\n"
    "\n"
    "Exit: 0 done or nothing to do, 1 different (plan --check) or not found,\n"
    "2 usage, 3 bad file or a directory that was not read whole, 4 store not\n"
    "reachable, 5 held by a guard or refused, 70 our mistake.\n";

void
sync_help(FILE *to)
{
	fputs(help, to);
}

static const struct {
	const char *word;
	enum sync_command command;
} commands[] = {
	{ "plan", COMMAND_PLAN },
	{ "apply", COMMAND_APPLY },
	{ "run", COMMAND_RUN },
	{ "status", COMMAND_STATUS },
	{ "help", COMMAND_HELP },
};

static bool
flag_read(struct sync_options *out, const char *word)
{
	const struct {
		const char *word;
		bool *flag;
	} flags[] = {
		{ "--json", &out->json },
		{ "--yes", &out->yes },
		{ "--check", &out->check },
		{ "--override", &out->override },
		{ "--allow-empty", &out->allow_empty },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strcmp(word, flags[i].word) == 0) {
			*flags[i].flag = true;
			return true;
		}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		out->command = COMMAND_HELP;
		return true;
	}
	if (strcmp(word, "--version") == 0) {
		out->command = COMMAND_VERSION;
		return true;
	}
	return false;
}

/* "--name VALUE" and "--name=VALUE". */
static bool
value_read(
    const char *name, int argc, char *const *argv, int *at, const char **value)
{
	size_t len = strlen(name);

	if (strncmp(argv[*at], name, len) != 0)
		return false;
	if (argv[*at][len] == '=') {
		*value = argv[*at] + len + 1;
		return true;
	}
	if (argv[*at][len] != '\0' || *at + 1 >= argc)
		return false;
	*value = argv[++*at];
	return true;
}

static bool
word_read(struct sync_options *out, const char *word, struct err *err)
{
	if (out->command == COMMAND_APPLY && out->plan == 0) {
		if (str_to_i64(str_from(word), 1, INT64_MAX, &out->plan))
			return true;
		return err_set(err, ERR_USAGE, "usage",
		    "apply: '%s' is not the number of a plan", word);
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (out->command == COMMAND_NONE &&
		    strcmp(word, commands[i].word) == 0) {
			out->command = commands[i].command;
			return true;
		}
	return err_set(err, ERR_USAGE, "usage",
	    "'%s': is not understood here; see rolegate-sync --help", word);
}

static bool
options_fit(const struct sync_options *o, struct err *err)
{
	if (o->command == COMMAND_NONE)
		return err_set(err, ERR_USAGE, "usage",
		    "say plan, apply N, run or status; see rolegate-sync "
		    "--help");
	if (o->command == COMMAND_APPLY && o->plan == 0)
		return err_set(err, ERR_USAGE, "usage",
		    "apply: name the number of a plan");
	if (o->override && o->command != COMMAND_APPLY)
		return err_set(err, ERR_USAGE, "usage",
		    "--override: goes with apply N only, for one plan that was "
		    "looked at");
	if (o->check && o->command != COMMAND_PLAN)
		return err_set(
		    err, ERR_USAGE, "usage", "--check: goes with plan only");
	if (o->allow_empty && o->command != COMMAND_PLAN &&
	    o->command != COMMAND_RUN)
		return err_set(err, ERR_USAGE, "usage",
		    "--allow-empty: goes with plan and run only");
	return true;
}

bool
sync_options_read(
    struct sync_options *out, int argc, char *const *argv, struct err *err)
{
	*out = (struct sync_options){ 0 };
	for (int i = 1; i < argc; i++) {
		const char *source = NULL;

		if (value_read("--config", argc, argv, &i, &out->config))
			continue;
		if (value_read("--source", argc, argv, &i, &source)) {
			out->source = str_from(source);
			continue;
		}
		if (flag_read(out, argv[i])) {
			if (out->command == COMMAND_HELP ||
			    out->command == COMMAND_VERSION)
				return true;
			continue;
		}
		if (!word_read(out, argv[i], err))
			return false;
	}
	return options_fit(out, err);
}
