/* message.h - one mail as the bytes that go over the wire: RFC 5322 with a
 * text/plain body in UTF-8, quoted-printable.
 *
 * Shape:   lines end CRLF; no header line passes 76 bytes but those with an
 *          address, no body line at all. A subject that is not plain ASCII is
 *          written in encoded words (RFC 2047).
 * Owner:   the message lives in the arena. It may hold a secret link: who
 *          asked for it wipes it with mail_wipe().
 * Errors:  ERR_REFUSED mail_address / mail_header / mail_body, ERR_LIMIT
 *          mail_too_large; what is refused is refused whole, nothing is taken
 *          out of it. ERR_BUG no_memory. */
#ifndef ROLEGATE_MAIL_MESSAGE_H
#define ROLEGATE_MAIL_MESSAGE_H

#include "base/err.h"
#include "base/str.h"

struct mail_message {
	struct str from;
	struct str to;
	struct str subject;
	struct str body; /* lines end LF; TAB is the only other control */
	int64_t at_s;
};

/* One plain local@domain in ASCII, as RFC 5321 has it without quotes: nothing
 * in it could be read as an option, a list or a header. `field` names it. */
bool mail_address_check(struct str address, const char *field, struct err *err);

bool mail_message_build(struct arena *arena, const struct mail_message *mail,
    struct str *out, struct err *err);

void mail_wipe(struct str text);

#endif
