/* records.h - is one whole request there, and can libfcgi bear it?
 *
 * libfcgi 2.4.2 can be crashed by management records and by lengths whose sum
 * overflows, waits for the rest of what is cut, drops what follows a request,
 * and loses its place when a record that ends a stream is padded. So it gets
 * to see only this: BEGIN_REQUEST of a responder, PARAMS, STDIN, all of
 * version 1 and of one id that is not 0, in this order, each stream ended by
 * an empty record, and nothing behind it.
 *
 * Parameters: the lengths are those of the bytes that are there. A name is
 *             not empty and has no '='; there is no NUL in names and values,
 *             which libfcgi would cut there.
 * Bounds:     REQUEST_READ_MAX for all of it. What says that it will be
 *             longer is refused at once.
 * Pure:       reads nothing but the bytes. Zero is a refusal. */
#ifndef ROLEGATE_GATE_RECORDS_H
#define ROLEGATE_GATE_RECORDS_H

#include <stdbool.h>
#include <stddef.h>

enum walk { WALK_REFUSE = 0, WALK_INCOMPLETE, WALK_COMPLETE };

/* *keep: nginx wants to use the connection again; set for WALK_COMPLETE. */
enum walk records_walk(const unsigned char *bytes, size_t len, bool *keep);

#endif
