#include "mail/deliver.h"

#include <signal.h>
#include <string.h>
#include <time.h>

#include "mail/internal.h"
#include "mail/message.h"

/* --- What both ways use --------------------------------------------------- */

struct str
mail_said(struct arena *arena, const char *bytes, size_t len)
{
	char *text = ARENA_ARRAY(arena, char, len + 1);
	size_t end = 0;

	if (text == NULL)
		return STR("");
	for (; end < len && bytes[end] != '\n' && bytes[end] != '\r'; end++)
		text[end] =
		    bytes[end] >= ' ' && bytes[end] <= '~' ? bytes[end] : '?';
	return (struct str){ text, end };
}

void
mail_sigpipe_hold(struct mail_sigpipe *held)
{
	sigset_t pipe, pending, before;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigpending(&pending);
	held->was_pending = sigismember(&pending, SIGPIPE) == 1;
	pthread_sigmask(SIG_BLOCK, &pipe, &before);
	held->was_blocked = sigismember(&before, SIGPIPE) == 1;
}

void
mail_sigpipe_release(const struct mail_sigpipe *held)
{
	static const struct timespec at_once = { 0, 0 };
	sigset_t pipe;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	if (!held->was_pending)
		while (sigtimedwait(&pipe, NULL, &at_once) == SIGPIPE)
			;
	if (!held->was_blocked)
		pthread_sigmask(SIG_UNBLOCK, &pipe, NULL);
}

/* --- The way out ---------------------------------------------------------- */

/* Nothing that would make another URL of it. */
static bool
server_is_one(struct str smtp)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789_.-:[]";

	for (size_t i = 0; i < smtp.len; i++)
		if (smtp.ptr[i] == '\0' || strchr(allowed, smtp.ptr[i]) == NULL)
			return false;
	return true;
}

bool
mail_config_check(const struct mail_config *config, struct err *err)
{
	if (config->from.len == 0 ||
	    (config->smtp.len == 0 && config->sendmail.len == 0))
		return err_set(err, ERR_REFUSED, "mail_not_configured",
		    "mail: is not configured; set mail.from and web.origin in "
		    "rolegate.yaml");
	if (!mail_address_check(config->from, "mail.from", err))
		return false;
	if (!server_is_one(config->smtp) || config->timeout_ms <= 0)
		return err_set(err, ERR_REFUSED, "mail_not_configured",
		    "mail: smtp is no host:port, or timeout_ms is not above "
		    "zero; correct the section mail of rolegate.yaml");
	if (config->smtp.len > 0 && !config->starttls &&
	    (config->smtp_user.len > 0 || config->smtp_password_file.len > 0))
		return err_set(err, ERR_REFUSED, "mail_plain_password",
		    "mail: a password goes to no server without TLS; set "
		    "starttls: yes, or take smtp_user away");
	return true;
}

/* What is wrong with our own configuration may be right at the next try. */
enum mail_result
mail_deliver(const struct mail_config *config, struct arena *arena,
    struct str to, struct str message, struct err *err)
{
	struct mail_sigpipe held;
	enum mail_result result;

	if (!mail_config_check(config, err))
		return MAIL_FAILED_FOR_NOW;
	if (!mail_address_check(to, "to", err))
		return MAIL_FAILED_FOR_GOOD;
	mail_sigpipe_hold(&held);
	result = config->smtp.len > 0
		     ? mail_by_smtp(config, arena, to, message, err)
		     : mail_by_sendmail(config, arena, to, message, err);
	mail_sigpipe_release(&held);
	return result;
}
