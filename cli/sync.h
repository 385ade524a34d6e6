/* sync.h - rolegate-sync, the program beside this one. It alone reads the
 * mapping, for only it knows what a directory is. */
#ifndef ROLEGATE_CLI_SYNC_H
#define ROLEGATE_CLI_SYNC_H

#include "cli/app.h"

/* Has it read the mapping? 0, or the exit status after its faults were passed
 * on to standard error; APP_FAILED with err when it could not be asked. What
 * it finds wrong with the store is not looked at. */
int sync_mapping_test(struct app *app);

#endif
