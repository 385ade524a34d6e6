/* directory.h - a connection to an LDAP directory that either reads a search
 * whole or says that it did not.
 *
 * Whole:   every page ended with result 0, the last one with an empty cookie,
 *          no reference is left over, no attribute came in part. Anything else
 *          is an error, never a short list.
 * Safety:  TLS verifies name and chain or there is no TLS ("demand"); nothing
 *          is sent before StartTLS is done; an empty password is refused
 *          before the network; referrals are not followed; every wait ends
 *          by timeout_s. Nothing of the system's or the user's own LDAP
 *          configuration is read.
 * Owner:   entries live in the arena. The handle belongs to one thread.
 * Errors:  ERR_SOURCE only, whatever went wrong: what could not be read is
 *          held. Codes are in docs/messages.md. */
#ifndef ROLEGATE_DIRECTORY_H
#define ROLEGATE_DIRECTORY_H

#include "base/err.h"
#include "sync/entry.h"

enum directory_tls { TLS_UNSET = 0, TLS_STARTTLS, TLS_LDAPS, TLS_NONE };
enum directory_bind { BIND_UNSET = 0, BIND_SIMPLE, BIND_EXTERNAL };
enum search_scope { SCOPE_UNSET = 0, SCOPE_SUB, SCOPE_ONE, SCOPE_BASE };

struct directory_config {
	struct names urls; /* tried in order */
	enum directory_tls tls;
	struct str ca_file;
	enum directory_bind bind;
	struct str bind_dn;
	struct str password_file;
	int64_t timeout_s;
	int64_t page_size;
};

struct search {
	struct str base;
	enum search_scope scope;
	struct str filter;
	struct names attributes;
};

struct directory;

/* Connects and binds to the first URL that answers. */
bool directory_open(struct directory **out,
    const struct directory_config *config, struct err *err);
void directory_close(struct directory *directory);

bool directory_search(struct directory *directory, struct arena *arena,
    const struct search *search, struct entries *out, struct err *err);

/* Is it the password of the entry? Binds as the entry: what the connection may
 * read afterwards is what the entry may, so close it then. *out is false for a
 * wrong password, and also for an entry that is locked or may not come in. An
 * empty password is never asked. */
bool directory_password_is(struct directory *directory, struct str dn,
    struct str password, bool *out, struct err *err);

/* The search as an ldapsearch command for a shell, to paste; it asks for
 * the password. ptr NULL when memory is out. */
struct str search_command(struct arena *arena,
    const struct directory_config *config, const struct search *search);

#endif
