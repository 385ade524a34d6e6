/* names.h - lists of licences and filters: sorted, each value once. */
#ifndef ROLEGATE_NAMES_H
#define ROLEGATE_NAMES_H

#include "base/err.h"
#include "base/str.h"

/* At most count_max names of at most name_max bytes each, without white
 * space, ordered by str_cmp() and each once; `field` names them in errors. */
bool names_check(struct names names, size_t count_max, size_t name_max,
    const char *field, struct err *err);
/* The same for filters: text that may have blanks. */
bool filters_check(struct names filters, struct err *err);

/* Sorts in place and drops doubles; returns how many are left. */
size_t names_sort(struct str *items, size_t count);

#endif
