/* help.h - what commands[] says about itself: help, manual pages, and which
 * command somebody may have meant. */
#ifndef ROLEGATE_CLI_HELP_H
#define ROLEGATE_CLI_HELP_H

#include "cli/app.h"

int cmd_help(struct app *app);

/* The command that argv begins with: two words before one. NULL when there is
 * none; *used is how many words it took. */
const struct command *command_find(int argc, char *const *argv, int *used);
/* Is it the first word of some commands? */
bool noun_known(const char *noun);
/* The name of a command or noun that is nearest to the words; NULL when none
 * is near. */
const char *command_nearest(struct arena *arena, int argc, char *const *argv);

void help_all(FILE *to);
void help_noun(const char *noun, FILE *to);
void help_command(const struct command *command, FILE *to);

#endif
