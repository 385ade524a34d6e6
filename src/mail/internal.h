/* internal.h - the two ways out, behind mail_deliver(). */
#ifndef ROLEGATE_MAIL_INTERNAL_H
#define ROLEGATE_MAIL_INTERNAL_H

#include "mail/deliver.h"

enum mail_result mail_by_sendmail(const struct mail_config *config,
    struct arena *arena, struct str to, struct str message, struct err *err);
enum mail_result mail_by_smtp(const struct mail_config *config,
    struct arena *arena, struct str to, struct str message, struct err *err);

/* What the other side said, fit for one line of ours: up to its first line
 * end, what is no printable ASCII as '?'. */
struct str mail_said(struct arena *arena, const char *bytes, size_t len);

/* Somebody who ends before all was written to them is no reason to end. */
struct mail_sigpipe {
	bool was_pending;
	bool was_blocked;
};
void mail_sigpipe_hold(struct mail_sigpipe *held);
void mail_sigpipe_release(const struct mail_sigpipe *held);

#endif
