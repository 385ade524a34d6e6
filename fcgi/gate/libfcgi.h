/* libfcgi.h - all that the gate does with libfcgi.
 *
 * libfcgi reads a descriptor by itself, by its function OS_Read(), and waits
 * there. Its name is taken here: in this program libfcgi reads only bytes that
 * records_walk() has seen, has no descriptor to read from, and never waits.
 * Should the name not be ours one day, every request is refused.
 *
 * Ownership: the descriptor stays the caller's, whatever happens. */
#ifndef ROLEGATE_GATE_LIBFCGI_H
#define ROLEGATE_GATE_LIBFCGI_H

#include <stdbool.h>
#include <stddef.h>

#include <fcgiapp.h>

/* Once a process, before all else; its handlers of signals may be replaced. */
bool libfcgi_init(void);
/* Makes a request of one whole one in bytes, which are needed no longer. What
 * is answered will be written to fd. Nothing is held when it is refused. */
bool
libfcgi_take(FCGX_Request *out, int fd, const unsigned char *bytes, size_t len);
/* Writes all of the answer and frees the request; false: not all of it. */
bool libfcgi_answer(FCGX_Request *request, const char *text, size_t len);

#endif
