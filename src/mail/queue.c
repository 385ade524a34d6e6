#include "mail/queue.h"

#include <sodium.h>
#include <string.h>

#include "admin/admin.h"
#include "base/bounds.h"
#include "mail/internal.h"
#include "mail/message.h"
#include "model/token.h"
#include "store/notice.h"

#define LOCK_NAME    "mail"
#define LOCK_SPARE_S ((int64_t)60) /* beyond the time-out of one mail */
#define GIVE_UP_S    ((int64_t)3 * 24 * 3600)
#define LINK_PATH    "/rolegate/invitation#"

static const struct str link_mark = { "{link}", 6 };

/* One mail on its way out. */
struct outgoing {
	struct arena arena;
	struct mail mail;
	char token[TOKEN_LEN + 1]; /* empty when it names no invitation */
	struct str body;
	struct str message;
};

enum step { STEP_FAILED = 0, STEP_NOTHING_DUE, STEP_GONE, STEP_READY };

static bool
no_memory(struct err *err)
{
	return err_set(err, ERR_BUG, "no_memory",
	    "mail: memory is out; give the process more");
}

static void
outgoing_end(struct outgoing *out)
{
	if (out->token[0] != '\0') /* else it is the queue's own text */
		mail_wipe(out->body);
	mail_wipe(out->message);
	sodium_memzero(out->token, sizeof(out->token));
	arena_free(&out->arena);
}

/* --- The lock ------------------------------------------------------------- */

/* Takes it, or takes it anew for another while; in the transaction that is
 * open. */
static bool
lock_hold(
    const struct mail_queue *q, int64_t now_s, int64_t *fence, struct err *err)
{
	int64_t hold_s = q->config.timeout_ms / 1000 + LOCK_SPARE_S;
	enum found found = FOUND_YES;

	if (*fence != 0) {
		found = store_fence(q->store, LOCK_NAME, *fence, err);
		if (found == FOUND_NO)
			return err_set(err, ERR_REFUSED, "mail_lock_lost",
			    "mail: another process took over; it sends the "
			    "rest");
		if (found == FOUND_YES &&
		    !store_unlock(q->store, LOCK_NAME, *fence, err))
			found = FOUND_ERROR;
	}
	if (found == FOUND_YES)
		found =
		    store_lock(q->store, LOCK_NAME, now_s, hold_s, fence, err);
	if (found == FOUND_NO)
		return err_set(err, ERR_REFUSED, "mail_busy",
		    "mail: another process is sending; nothing was done");
	return found == FOUND_YES;
}

static void
lock_release(const struct mail_queue *q, int64_t fence)
{
	struct err ignored = { 0 };

	if (fence == 0)
		return;
	if (store_begin(q->store, &ignored) &&
	    store_unlock(q->store, LOCK_NAME, fence, &ignored))
		store_commit(q->store, &ignored);
	store_rollback(q->store); /* nothing, when it was committed */
}

/* --- Taking one out ------------------------------------------------------- */

/* STEP_GONE: the invitation is not there any more, and so is the mail. */
static enum step
token_take(struct admin *admin, struct outgoing *out, struct err *err)
{
	struct str token = STR("");
	struct err why = { 0 };

	if (out->mail.invitation.len == 0)
		return STEP_READY;
	if (admin_invitation_token(admin, out->mail.invitation, &token, &why)) {
		memcpy(out->token, token.ptr, TOKEN_LEN);
		return STEP_READY;
	}
	if (why.kind != ERR_NOT_FOUND) {
		*err = why;
		return STEP_FAILED;
	}
	return store_delete_mail(admin->store, out->mail.number, err)
		   ? STEP_GONE
		   : STEP_FAILED;
}

static enum step
due_take(const struct mail_queue *q, struct admin *admin, int64_t *fence,
    struct outgoing *out, struct err *err)
{
	int64_t now_s = admin->now_ms / 1000;
	struct mail *due = NULL;
	size_t count = 0;

	if (!lock_hold(q, now_s, fence, err) ||
	    !store_mail_due(q->store, &out->arena, now_s, 1, &due, &count, err))
		return STEP_FAILED;
	if (count == 0)
		return STEP_NOTHING_DUE;
	out->mail = due[0];
	return token_take(admin, out, err);
}

/* One transaction: that the mail is due, that the invitation is still there,
 * and its new token. */
static enum step
next_take(const struct mail_queue *q, int64_t *fence, struct outgoing *out,
    struct err *err)
{
	const struct actor system = { .kind = ACTOR_SYSTEM };
	int64_t held = *fence;
	struct admin admin = { 0 };
	enum step step = STEP_FAILED;

	if (admin_begin(
		&admin, q->store, q->catalogues, &system, q->clock_ms(), err))
		step = due_take(q, &admin, fence, out, err);
	if (step != STEP_FAILED && admin_commit(&admin, err))
		return step;
	admin_abort(&admin);
	*fence = held;
	return STEP_FAILED;
}

/* --- Its text ------------------------------------------------------------- */

static size_t
marks_count(struct str text)
{
	size_t count = 0;

	for (size_t i = 0; i + link_mark.len <= text.len; i++)
		if (memcmp(text.ptr + i, link_mark.ptr, link_mark.len) == 0)
			count++;
	return count;
}

static bool
link_put(struct outgoing *out, struct str link)
{
	struct str from = out->mail.body;
	size_t size = from.len + marks_count(from) * link.len;
	char *to = ARENA_ARRAY(&out->arena, char, size + 1);
	size_t len = 0;

	if (to == NULL)
		return false;
	for (size_t i = 0; i < from.len;) {
		if (str_starts((struct str){ from.ptr + i, from.len - i },
			link_mark)) {
			memcpy(to + len, link.ptr, link.len);
			len += link.len;
			i += link_mark.len;
		} else
			to[len++] = from.ptr[i++];
	}
	out->body = (struct str){ to, len };
	return true;
}

static bool
body_make(const struct mail_queue *q, struct outgoing *out)
{
	struct str link;
	bool ok;

	out->body = out->mail.body;
	if (out->token[0] == '\0')
		return true;
	link = str_fmt(&out->arena, "%.*s" LINK_PATH "%s",
	    STR_ARGS(q->base_url), out->token);
	ok = link.ptr != NULL && link_put(out, link);
	mail_wipe(link);
	return ok;
}

static bool
message_make(const struct mail_queue *q, struct outgoing *out, struct err *err)
{
	struct mail_message message = {
		.from = q->config.from,
		.to = out->mail.to,
		.subject = out->mail.subject,
		.at_s = q->clock_ms() / 1000,
	};

	if (!body_make(q, out))
		return no_memory(err);
	message.body = out->body;
	return mail_message_build(&out->arena, &message, &out->message, err);
}

/* --- What became of it ---------------------------------------------------- */

static int64_t
wait_s(int64_t tries)
{
	static const int64_t minutes[] = { 1, 5, 15, 60, 240 };
	static const int64_t last = sizeof(minutes) / sizeof(minutes[0]) - 1;

	return 60 * minutes[tries < last ? tries : last];
}

/* A program may well repeat what it was given. */
static struct str
error_text(struct outgoing *out, const struct err *why)
{
	if (out->token[0] != '\0' && strstr(why->text, out->token) != NULL)
		return STR("mail: it was refused, in words that have the link "
			   "in them");
	return mail_said(&out->arena, why->text, strlen(why->text));
}

static bool
result_write(const struct mail_queue *q, struct outgoing *out,
    enum mail_result result, const struct err *why, struct err *err)
{
	const struct mail *mail = &out->mail;
	int64_t now_s = q->clock_ms() / 1000;
	bool over = now_s - mail->created_s >= GIVE_UP_S;

	switch (result) {
	case MAIL_SENT:
		return store_delete_mail(q->store, mail->number, err);
	case MAIL_FAILED_FOR_NOW:
		break;
	case MAIL_FAILED_FOR_GOOD:
		over = true;
		break;
	}
	return store_set_mail_tried(q->store, mail->number,
	    now_s + wait_s(mail->tries), error_text(out, why), over, err);
}

static bool
result_keep(const struct mail_queue *q, struct outgoing *out,
    enum mail_result result, const struct err *why, struct err *err)
{
	if (!store_begin(q->store, err))
		return false;
	if (result_write(q, out, result, why, err) &&
	    store_commit(q->store, err))
		return true;
	store_rollback(q->store);
	return false;
}

/* What cannot be made into a message today cannot tomorrow; unless it is
 * memory that was out. */
static bool
send(const struct mail_queue *q, struct outgoing *out, size_t *sent,
    struct err *err)
{
	enum mail_result result = MAIL_FAILED_FOR_GOOD;
	struct err why = { 0 };

	if (message_make(q, out, &why))
		result = q->deliver(
		    &q->config, &out->arena, out->mail.to, out->message, &why);
	else if (why.kind == ERR_BUG) {
		*err = why;
		return false;
	}
	if (result == MAIL_SENT)
		(*sent)++;
	return result_keep(q, out, result, &why, err);
}

/* --- The whole ------------------------------------------------------------ */

bool
mail_base_url_is_one(struct str url)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789-._~:/[]%";
	size_t scheme = str_starts(url, STR("https://"))  ? 8
			: str_starts(url, STR("http://")) ? 7
							  : 0;

	for (size_t i = 0; i < url.len; i++)
		if (url.ptr[i] == '\0' || strchr(allowed, url.ptr[i]) == NULL)
			return false;
	return scheme > 0 && url.len > scheme && url.ptr[scheme] != '/' &&
	       url.ptr[url.len - 1] != '/' && url.len <= PATH_MAX_BYTES;
}

static bool
queue_check(const struct mail_queue *q, struct err *err)
{
	if (!mail_config_check(&q->config, err))
		return false;
	if (mail_base_url_is_one(q->base_url))
		return true;
	return err_set(err, ERR_REFUSED, "mail_not_configured",
	    "mail: web.origin is no http:// or https:// address; set it in "
	    "rolegate.yaml");
}

struct mail_queue
mail_queue_of(const struct config *config, struct store *store,
    const struct catalogues *catalogues, int64_t (*clock_ms)(void))
{
	const struct config_mail *mail = &config->mail;

	return (struct mail_queue){
		.store = store,
		.catalogues = catalogues,
		.config = {
			.from = mail->from,
			.sendmail = mail->sendmail,
			.smtp = mail->smtp,
			.starttls = mail->starttls,
			.smtp_user = mail->smtp_user,
			.smtp_password_file = mail->smtp_password_file,
			.smtp_ca_file = mail->smtp_ca_file,
			.timeout_ms = mail->timeout_ms,
		},
		.base_url = config->web.origin,
		.clock_ms = clock_ms,
		.deliver = mail_deliver,
	};
}

static enum step
step_one(
    const struct mail_queue *q, int64_t *fence, size_t *sent, struct err *err)
{
	struct outgoing out = { 0 };
	enum step step = next_take(q, fence, &out, err);

	if (step == STEP_READY && !send(q, &out, sent, err))
		step = STEP_FAILED;
	outgoing_end(&out);
	return step;
}

bool
mail_queue_drain(
    const struct mail_queue *q, size_t max, size_t *sent, struct err *err)
{
	enum step step = STEP_GONE;
	int64_t fence = 0;

	*sent = 0;
	if (!queue_check(q, err))
		return false;
	for (size_t i = 0; i < max && step != STEP_NOTHING_DUE; i++) {
		step = step_one(q, &fence, sent, err);
		if (step == STEP_FAILED)
			break;
	}
	lock_release(q, fence);
	return step != STEP_FAILED;
}
