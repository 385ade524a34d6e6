/* notice.h - the notification centre, and the mail that waits to be sent.
 *
 * Shape:   a notice belongs to one member and is read or not. A mail stays in
 *          the queue until it was handed over or given up. Its text may have
 *          the mark {link}, which the sender fills in with a fresh link for
 *          the invitation that the mail names: so no token is ever at rest.
 *          A held mail (of an import that runs) is not due.
 * Owner:   results live in the arena.
 * Errors:  those of store.h. */
#ifndef ROLEGATE_STORE_NOTICE_H
#define ROLEGATE_STORE_NOTICE_H

#include "store/store.h"

struct notice {
	int64_t number;
	struct str member_id;
	int64_t at_s;
	struct str kind; /* "import", "membership", "announcement", … */
	struct str text; /* one sentence */
	struct str link; /* path in the API, or empty */
	bool read;
};

/* Of one member, newest first, those below `before` (0: from the newest). */
bool store_notices(struct store *store, struct arena *arena,
    struct str member_id, bool unread_only, int64_t before, size_t max,
    struct notice **out, size_t *count, struct err *err);
bool store_notices_unread(struct store *store, struct str member_id,
    int64_t *out, struct err *err);
/* Kinds of which the member wants mail; sorted. */
bool store_mail_switches(struct store *store, struct arena *arena,
    struct str member_id, struct names *out, struct err *err);

bool store_add_notice(
    struct store *store, struct notice *notice, struct err *err); /* number */
/* number 0: all of the member's. *changed counts. */
bool store_read_notice(struct store *store, struct str member_id,
    int64_t number, int64_t *changed, struct err *err);
bool store_set_mail_switch(struct store *store, struct str member_id,
    struct str kind, bool on, struct err *err);
/* Older than that, and read. */
bool store_prune_notices(
    struct store *store, int64_t before_s, struct err *err);

struct mail {
	int64_t number;
	struct str to;
	struct str subject;
	struct str body;
	struct str invitation; /* id for {link}, or empty */
	int64_t job;	       /* held until this import is done; 0 none */
	int64_t created_s;
	int64_t next_s; /* not before */
	int64_t tries;
	struct str error; /* of the last try */
	bool given_up;
};

/* Due now, oldest first. */
bool store_mail_due(struct store *store, struct arena *arena, int64_t now_s,
    size_t max, struct mail **out, size_t *count, struct err *err);
/* The whole queue, oldest first, at most `max`. */
bool store_mails(struct store *store, struct arena *arena, size_t max,
    struct mail **out, size_t *count, struct err *err);
bool store_add_mail(
    struct store *store, struct mail *mail, struct err *err); /* number */
/* After a failed try: tries goes up by one. */
bool store_set_mail_tried(struct store *store, int64_t number, int64_t next_s,
    struct str error, bool give_up, struct err *err);
bool store_delete_mail(struct store *store, int64_t number, struct err *err);
bool store_delete_mail_of(
    struct store *store, struct str invitation, struct err *err);
bool store_release_mail(struct store *store, int64_t job, struct err *err);

#endif
