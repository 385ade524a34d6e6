/* secret.h - a file that holds one secret: a key or a password.
 *
 * Rules:   a regular file that is not a link, without any permission for
 *          others, of 1 to SECRET_FILE_MAX bytes without a NUL, and with its
 *          newline shorter than the buffer; one newline at its end (LF or
 *          CRLF) does not belong to the secret.
 * Owner:   the caller's buffer, NUL-terminated; *len is without that NUL. The
 *          caller wipes it; on failure it is wiped here and *len is 0.
 * Errors:  ERR_FILE with the code that was given; errno is ENODATA when the
 *          file is empty, and only then. */
#ifndef ROLEGATE_SECRET_H
#define ROLEGATE_SECRET_H

#include "base/err.h"

bool secret_read(char *out, size_t size, size_t *len, const char *path,
    const char *code, struct err *err);

#endif
