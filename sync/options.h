/* options.h - the command line of rolegate-sync. */
#ifndef ROLEGATE_SYNC_OPTIONS_H
#define ROLEGATE_SYNC_OPTIONS_H

#include <stdio.h>

#include "base/err.h"
#include "base/str.h"

enum sync_command {
	COMMAND_NONE = 0,
	COMMAND_PLAN,
	COMMAND_APPLY,
	COMMAND_RUN,
	COMMAND_STATUS,
	COMMAND_HELP,
	COMMAND_VERSION,
};

struct sync_options {
	enum sync_command command;
	const char *config; /* NULL: the usual places */
	struct str source; /* empty: all */
	int64_t plan; /* of apply */
	bool json;
	bool yes;
	bool check;
	bool override;
	bool allow_empty;
};

bool sync_options_read(
    struct sync_options *out, int argc, char *const *argv, struct err *err);
void sync_help(FILE *to);

#endif
