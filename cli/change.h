/* change.h - how every writing command changes the store.
 *
 * The change is made inside a transaction, its difference is read from the
 * history rows that it wrote, and shown. With --yes it is committed; with
 * --dry-run it is rolled back; else it is rolled back, the terminal is asked,
 * and on a yes it is made again, if it still makes the same difference. So no
 * lock is held while somebody thinks, and what was shown is what is done.
 *
 * After the commit the view is published; when Redis is away the command says
 * that publishing waits, and succeeds. */
#ifndef ROLEGATE_CLI_CHANGE_H
#define ROLEGATE_CLI_CHANGE_H

#include "admin/admin.h"
#include "cli/app.h"

struct change {
	struct app *app;
	/* Makes the change; called once or twice. Looks things up itself, for
	 * it runs inside the transaction. */
	bool (*make)(struct change *change, struct admin *admin);
	void *data;
	/* NULL: the difference is that of the history rows. Else prints it, and
	 * may find that nobody needs to be asked. */
	bool (*show)(struct change *change, struct admin *admin, FILE *to);
	struct str member; /* who does it in place of the system; else empty */
	struct str typed; /* set by make: what a terminal has to type, not y */
	bool quiet; /* set by make or show: do it without asking */
	bool unlike; /* the second difference is never the same: a new token */
	bool noteless; /* leaves no row of history, and is a change all the same */
	bool on_stderr; /* the difference is not what stdout is for */
	bool done; /* out: committed */
};

/* Opens the store first. The exit status, or APP_FAILED. */
int change_run(struct change *change);

#endif
