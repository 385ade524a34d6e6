/* queue.h - sends what waits in the queue of store/notice.h.
 *
 * Rules:   one runner at a time, by the lock "mail". A mail for an invitation
 *          gets a fresh token when it is sent, never before: the mark {link}
 *          in its text becomes ORIGIN/rolegate/invitation#TOKEN. The token
 *          stands in the fragment, which no browser sends to a server, so it
 *          is in no log and no Referer. Its digest is committed before the
 *          message is handed over; the mail of an invitation that is gone or
 *          has expired is deleted.
 *          What failed for now is tried again after 1, 5, 15 and 60 minutes,
 *          then every 4 hours, for 3 days; what failed for good is given up
 *          and stays in the queue to be seen.
 *          Whoever dies between handing over and writing it down sends that
 *          one mail again: twice is better than never.
 * Secrets: token, text and message are wiped, and never part of an error.
 * Errors:  those of the store and of mail_config_check(); ERR_REFUSED
 *          mail_busy / mail_lock_lost. A mail that could not be sent is no
 *          error of the run. *sent counts also when it fails. */
#ifndef ROLEGATE_MAIL_QUEUE_H
#define ROLEGATE_MAIL_QUEUE_H

#include "config/config.h"
#include "mail/deliver.h"
#include "model/catalogue.h"
#include "store/store.h"

struct mail_queue {
	struct store *store; /* open for writing */
	const struct catalogues *catalogues;
	struct mail_config config;
	struct str base_url; /* https://host, without a slash at its end */
	int64_t (*clock_ms)(void);
	/* mail_deliver(), or what a test puts in its place. */
	enum mail_result (*deliver)(const struct mail_config *config,
	    struct arena *arena, struct str to, struct str message,
	    struct err *err);
};

/* As the configuration says: the links lead to web.origin. */
struct mail_queue mail_queue_of(const struct config *config,
    struct store *store, const struct catalogues *catalogues,
    int64_t (*clock_ms)(void));

/* http:// or https:// with a host, and a path at most. */
bool mail_base_url_is_one(struct str url);

/* Tries at most `max` of the mails that are due, oldest first. */
bool mail_queue_drain(
    const struct mail_queue *q, size_t max, size_t *sent, struct err *err);

#endif
