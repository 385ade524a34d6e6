/* listener.h - a socket that is there before the first worker and stays until
 * the master ends: the FastCGI socket, and what the operator asks on.
 *
 * The FastCGI socket is taken from systemd (LISTEN_FDS), or made: mode 0660,
 * with the group that was configured. An extra one is always made; without a
 * group it is for its owner and root. A folder that others may write into or
 * own, or reach by a link of theirs, is refused, and so are a socket to which
 * everybody may connect and a path on which somebody answers: who can connect
 * can ask as anybody (CASES T42). */
#ifndef ROLEGATE_PROCESS_LISTENER_H
#define ROLEGATE_PROCESS_LISTENER_H

#include "base/err.h"
#include "base/str.h"

/* Texts with a NUL behind them. */
struct listener_config {
	const char *section; /* of the configuration, for messages */
	const char *key; /* that names the path */
	bool is_extra;
	struct str socket; /* path */
	struct str group; /* that may connect, or empty */
	struct str user; /* to run as, or empty */
};

struct listener {
	int fd;
	bool is_ours; /* to be taken away at the end */
	char path[108]; /* as long as an address may be */
};

/* Are there such a user and such a group? */
bool
listener_names_check(const struct listener_config *config, struct err *err);
bool listener_open(struct listener *out, const struct listener_config *config,
    struct err *err);
/* One that the program before left to this process; false: it is none. */
bool listener_adopt(struct listener *out, int fd, bool is_ours);
/* The file goes first, when it is ours. */
void listener_close(struct listener *listener);

#endif
