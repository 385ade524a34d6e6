/* logfmt.h - finds one decision in the gate's log.
 *
 * Shape:   one decision a line, `key=value` separated by blanks; a value with
 *          a blank, '"' or '=' in it stands in quotes with \" and \\ inside.
 * Owner:   values live in the arena.
 * Limits:  a line of more than LOGFMT_LINE_MAX bytes is passed over. */
#ifndef ROLEGATE_CLI_LOGFMT_H
#define ROLEGATE_CLI_LOGFMT_H

#include "base/err.h"
#include "base/str.h"

#define LOGFMT_LINE_MAX 65536

/* The value of a key, unquoted; ptr NULL when the line has none. */
struct str logfmt_value(struct arena *arena, struct str line, struct str key);

/* The last line of the file in which `key` has the value; ptr NULL when there
 * is none. False when the file cannot be read. */
bool logfmt_find(struct arena *arena, const char *path, struct str key,
    struct str value, struct str *line, struct err *err);

#endif
