/* records.h - is a whole and harmless FastCGI request waiting?
 *
 * libfcgi 2.4.2 aborts on management records and on lengths whose sum
 * overflows, and blocks on what is not whole. So the waiting bytes are looked
 * at before it reads them: version 1, one BEGIN_REQUEST for the responder,
 * then PARAMS up to an empty one, then STDIN up to an empty one, all of one
 * id, nothing behind, at most RECORDS_MAX bytes in all, and parameters whose
 * lengths fit exactly. Everything else is refused.
 *
 * Owner:   params points into the bytes, or into `joined` when they came in
 *          several records. */
#ifndef ROLEGATE_GATE_RECORDS_H
#define ROLEGATE_GATE_RECORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define RECORDS_MAX ((size_t)16 * 1024)

enum records { RECORDS_REFUSED = 0, RECORDS_MORE, RECORDS_WHOLE };

enum records records_walk(struct str bytes, char joined[RECORDS_MAX],
    struct str *params);

/* Cuts the next name and value off *params, which records_walk() found good.*/
bool records_param(struct str *params, struct str *name, struct str *value);

#endif
