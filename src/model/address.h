/* address.h - where somebody comes from: IP addresses, and ranges of them.
 *
 * A range is one address or ADDRESS/BITS, of either family, written as
 * inet_pton() takes it; bits behind the mask are none. An IPv4 address that is
 * mapped into IPv6 is the IPv4 address. What is no address is in no range. */
#ifndef ROLEGATE_ADDRESS_H
#define ROLEGATE_ADDRESS_H

#include "base/err.h"
#include "base/str.h"

bool address_range_check(struct str range, struct err *err);
bool address_in(struct str address, struct names ranges);

#endif
