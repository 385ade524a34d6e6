/* fcgi_bytes.h - FastCGI records for tests, good ones and others.
 *
 * A request is written as the names of its records, "begin params params.
 * stdin.": the table of names is in fcgi_bytes.c. A name that ends in a full
 * stop is the empty record that ends its stream. */
#ifndef ROLEGATE_FCGI_BYTES_H
#define ROLEGATE_FCGI_BYTES_H

#include "base/str.h"

#define FCGI_BYTES_MAX ((size_t)72 * 1024)

struct fcgi_bytes {
	char bytes[FCGI_BYTES_MAX];
	size_t len;
};

/* Appends; ends the test when a name is not known or there is no room. */
void fcgi_words(struct fcgi_bytes *out, const char *names);
void fcgi_record(
    struct fcgi_bytes *out, int type, struct str content, size_t padding);
/* One parameter, as its lengths, name and value. */
void fcgi_pair(struct fcgi_bytes *out, const char *name, struct str value);

#endif
