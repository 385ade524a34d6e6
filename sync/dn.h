/* dn.h - distinguished names that compare, and filters that cannot be broken
 * out of. With directory.c the only user of ldap.h.
 *
 * A normal DN has attribute types in lower case under their short names,
 * values without outer or doubled blanks and in lower case (ASCII, Latin,
 * Greek, Cyrillic), special bytes escaped in one way, and the parts of a
 * multi-valued RDN in order: the same DN written three ways is one. It is a
 * key for comparing, never a DN to send to a server. */
#ifndef ROLEGATE_DN_H
#define ROLEGATE_DN_H

#include "base/str.h"

enum dn_result { DN_BAD = 0, DN_OK, DN_NO_MEMORY };

enum dn_result dn_normal(struct arena *arena, struct str dn, struct str *out);
/* "(attribute=value)" with every byte of the value that means something in a
 * filter escaped; ptr NULL when memory is out. */
struct str
filter_equals(struct arena *arena, struct str attribute, struct str value);

#endif
