/* grant.h - what the options of a grant say, for grant and invite. */
#ifndef ROLEGATE_CLI_GRANT_H
#define ROLEGATE_CLI_GRANT_H

#include "cli/app.h"

/* What the options say is put over what is there: a filter or an expiry that
 * is not named stays, so that a change of role never widens by silence. */
bool grant_from_args(struct app *app, struct grant *grant);

#endif
