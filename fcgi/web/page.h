/* page.h - the pages for people: sign-in, invitation, accounts, and what went
 * wrong.
 *
 * Everything that comes from outside is escaped by one function. There is no
 * script in a page; the one for invitations is a file of its own, since the
 * policy of response.c allows no other.
 * Owner:   texts live in the arena. ptr NULL when memory is out. */
#ifndef ROLEGATE_WEB_PAGE_H
#define ROLEGATE_WEB_PAGE_H

#include "base/str.h"
#include "model/account.h"

/* `says` may be empty. */
struct str page_sign_in(
    struct arena *arena, struct str to, struct str username, struct str says);
/* The token stands in the address behind '#', where no server sees it: the
 * script puts it into the form. `csrf` empty: nobody is signed in. */
struct str page_invitation(
    struct arena *arena, struct str csrf, struct str member, struct str says);
/* The accounts that somebody may use, and the way out. */
struct page_accounts {
	struct str member;
	struct str csrf;
	struct str in_use; /* id */
	const struct account *const *accounts;
	size_t count;
	bool more;
};
struct str page_accounts(struct arena *arena, const struct page_accounts *p);
struct str
page_message(struct arena *arena, const char *title, struct str says);

extern const char page_style[];
extern const char page_script[];

#endif
