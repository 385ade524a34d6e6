/* host.h - a host as it may be written, in one spelling.
 *
 * Shape:   "127.1", "0", "localhost", "[::1]" and "[::ffff:127.0.0.1]" are all
 *          "127.0.0.1": the loopback is one machine, and to connect to no
 *          address is to connect to it. Other numbers come as nginx would
 *          connect to them, names as they are written.
 * Owner:   the result lives in the arena, or borrows; ptr NULL: memory is out.
 */
#ifndef ROLEGATE_NGINX_HOST_H
#define ROLEGATE_NGINX_HOST_H

#include "base/arena.h"
#include "base/str.h"

#define HOST_LOOPBACK "127.0.0.1"

struct str host_plain(struct arena *arena, struct str host);
/* Does a socket that listens here hear every address? "*", "0", "[::]". */
bool host_is_any(struct str host);

#endif
