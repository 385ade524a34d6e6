/* deliver.h - hands one built message over: to the sendmail program of the
 * host, or to a server by SMTP.
 *
 * Rules:   no shell, no environment but PATH, no proxy. With starttls (the
 *          default) nothing but the greeting goes over the wire before TLS
 *          1.2 or better with a verified certificate: a server that does not
 *          offer it gets no mail. Without it no password is sent.
 * Result:  sent means that somebody else has it now. What may go well later
 *          (a time-out, no connection, 4xx, a wrong password, a missing
 *          program) is FOR_NOW; what the other side refused for good (5xx, a
 *          sysexits code but EX_TEMPFAIL) is FOR_GOOD.
 * Errors:  unless it was sent, *err says why: ERR_REFUSED mail_refused /
 *          mail_address / mail_plain_password, ERR_REACH mail_unsent, ERR_FILE
 *          mail_password, ERR_BUG no_memory.
 * Secrets: the password is wiped here; the message, which may hold one, is
 *          its owner's to wipe. */
#ifndef ROLEGATE_MAIL_DELIVER_H
#define ROLEGATE_MAIL_DELIVER_H

#include "base/err.h"
#include "base/str.h"

struct mail_config {
	struct str from;
	struct str sendmail; /* path of the program */
	struct str smtp; /* host:port, or empty: sendmail is used */
	bool starttls; /* required */
	struct str smtp_user;
	struct str smtp_password_file;
	struct str smtp_ca_file; /* in place of the system's */
	int64_t timeout_ms; /* of one mail */
};

/* Zero is not sent. */
enum mail_result {
	MAIL_FAILED_FOR_GOOD = 0,
	MAIL_FAILED_FOR_NOW,
	MAIL_SENT,
};

/* Before anything is tried: can this configuration send at all? */
bool mail_config_check(const struct mail_config *config, struct err *err);

/* The message has CRLF line ends, see message.h. */
enum mail_result mail_deliver(const struct mail_config *config,
    struct arena *arena, struct str to, struct str message, struct err *err);

#endif
