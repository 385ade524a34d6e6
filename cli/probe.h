/* probe.h - one request to nginx, as a client sends it, and what came back.
 *
 * Shape:   the target is sent byte by byte as it is given; no redirect is
 *          followed, no proxy and no .netrc is used. Over TLS the certificate
 *          has to be good.
 * Bounds:  PROBE_WAIT_S for each; of the body nothing is kept.
 * Errors:  ERR_USAGE for an address that cannot be asked. A server that does
 *          not answer is an answer with status 0, and its `trouble`. */
#ifndef ROLEGATE_CLI_PROBE_H
#define ROLEGATE_CLI_PROBE_H

#include "base/err.h"
#include "base/str.h"

#define PROBE_WAIT_S 10

struct prober;

struct probe_answer {
	long status; /* 0: none came */
	struct str reason; /* X-Rolegate-Reason; empty: none came */
	struct str location;
	struct str trouble; /* why there is no status */
};

struct prober_config {
	struct str url; /* http or https, host, path; no query */
	struct str ca_file; /* empty: the system's */
	struct str connect; /* HOST:PORT to connect to instead; empty: none */
};

/* It lives until prober_close(); texts of answers are in the arena. */
struct prober *prober_open(
    struct arena *arena, const struct prober_config *config, struct err *err);
void prober_close(struct prober *prober); /* NULL is fine */

/* Of the url. */
struct str prober_host(const struct prober *prober);
struct str prober_path(const struct prober *prober);
int prober_port(const struct prober *prober); /* where it connects */

/* headers: lines without CR LF; count may be 0. False when memory is out. */
bool prober_ask(struct prober *prober, struct str target,
    const struct str *headers, size_t count, struct probe_answer *out);

#endif
