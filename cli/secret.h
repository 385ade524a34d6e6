/* secret.h - what is shown once: tokens of sessions, programs, invitations.
 *
 * Owner:   the text is a copy on the command's stack; secret_print() wipes it.
 */
#ifndef ROLEGATE_CLI_SECRET_H
#define ROLEGATE_CLI_SECRET_H

#include "cli/app.h"

struct secret_text {
	char text[64];
	size_t len;
};

/* It leaves the transaction's memory, which is given back. */
bool secret_keep(struct app *app, struct secret_text *secret, struct str token);
/* Alone on standard output, when the change was made; gives back the exit
 * status. Wiped in any case. */
int secret_print(struct app *app, struct secret_text *secret, bool done,
    int status);

#endif
