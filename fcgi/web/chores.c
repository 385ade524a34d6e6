#include "fcgi/web/chores.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin/import.h"
#include "fcgi/process/say.h"
#include "fcgi/process/stop.h"
#include "fcgi/process/times.h"
#include "fcgi/web/caller.h"
#include "fcgi/web/limits.h"
#include "fcgi/web/web.h"
#include "mail/queue.h"
#include "model/token.h"
#include "store/credential.h"

#define LOOK_MS	       500 /* how often for new work */
#define TIDY_MS	       30000 /* how often for what is over */
#define STEP_ROWS      ((size_t)100)
#define DATAGRAMS_ONCE 1000
#define MAILS_ONCE     ((size_t)20) /* then there is other work again */

struct chores {
	struct web web;
	int activity; /* -1: there is none */
	int64_t tidy_ms; /* when next, monotonic */
	int64_t mail_ms; /* ... unless the store changes before */
	int64_t version; /* of the store when mail was looked at */
	struct say_once failed;
};

static void
failed_say(struct chores *c, const char *what, const struct err *err)
{
	if (say_now(&c->failed))
		say(err->code, "%s: %s; trying again", what, err->text);
}

/* --- Imports -------------------------------------------------------------- */

/* A part of the oldest one. False: there is nothing to do, or not now. */
static bool
import_work(struct chores *c)
{
	struct web *web = &c->web;
	struct import import = {
		.store = web->store,
		.catalogues = &web->setup->catalogues,
		.actor = { .kind = ACTOR_SYSTEM },
		.now_ms = web->now_ms,
	};
	struct job *jobs = NULL;
	struct err err = { 0 };
	size_t count = 0;
	bool done = false;

	if (!store_jobs_running(web->store, &web->arena, &jobs, &count, &err)) {
		failed_say(c, "imports", &err);
		return false;
	}
	if (count == 0)
		return false;
	if (!import_step(&import, jobs[0].number, STEP_ROWS, &done, &err)) {
		failed_say(c, "an import", &err);
		return false;
	}
	if (done)
		c->mail_ms = 0; /* what it held is due now */
	web_publish(web);
	return true;
}

/* --- Activity ------------------------------------------------------------- */

/* A socket of our own in the place of one that was left behind. */
static int
activity_open(struct str path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (path.len == 0 || path.len >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path.ptr, path.len);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	unlink(address.sun_path);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
	    chmod(address.sun_path, 0660) == 0)
		return fd;
	say("activity_socket",
	    "%s: cannot be made: %s; sessions end by their idle limit although "
	    "they are in use",
	    address.sun_path, strerror(errno));
	close(fd);
	return -1;
}

static bool
session_keep(struct web *web, struct str digest, struct err *err)
{
	struct session session = { 0 };
	struct admin admin;

	switch (store_session(web->store, &web->arena, digest, &session, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return true;
	case FOUND_YES:
		break;
	}
	if (!session_is_due(web, &session))
		return true;
	if (!web_begin_system(web, &admin, err))
		return false;
	if (!admin_session_renew(&admin, digest, err)) {
		admin_abort(&admin);
		return false;
	}
	return admin_commit(&admin, err);
}

static void
activity_read(struct chores *c)
{
	char text[TOKEN_DIGEST_LEN + 1];
	struct err err = { 0 };
	ssize_t len;

	for (int i = 0; i < DATAGRAMS_ONCE; i++) {
		struct str digest;

		len = recv(c->activity, text, sizeof(text), MSG_DONTWAIT);
		if (len < 0)
			break;
		digest = (struct str){ text, (size_t)len };
		if (!token_digest_is_one(digest))
			continue;
		if (!session_keep(&c->web, digest, &err)) {
			failed_say(c, "a session in use", &err);
			err = (struct err){ 0 };
		}
	}
	web_publish(&c->web);
}

/* --- Mail ----------------------------------------------------------------- */

/* Another process that sends already is no fault. */
static size_t
mail_send(struct chores *c)
{
	struct web *web = &c->web;
	const struct web_setup *setup = web->setup;
	struct mail_queue queue = mail_queue_of(
	    &setup->config, web->store, &setup->catalogues, wall_ms);
	struct err err = { 0 };
	size_t sent = 0;

	if (setup->config.mail.from.len > 0 &&
	    !mail_queue_drain(&queue, MAILS_ONCE, &sent, &err) &&
	    err.kind != ERR_REFUSED)
		failed_say(c, "mail", &err);
	return sent;
}

/* --- What is over --------------------------------------------------------- */

static bool
expire(struct web *web, struct err *err)
{
	int64_t now_s = web->now_ms / 1000;
	struct admin admin;
	bool ok;

	if (!web_begin_system(web, &admin, err))
		return false;
	ok = admin_invitations_expire(&admin, err) &&
	     store_prune_attempts(
		 web->store, now_s - web->setup->config.web.attempts_s, err) &&
	     store_prune_answered(web->store, now_s - IDEMPOTENCY_KEPT_S, err);
	if (ok)
		return admin_commit(&admin, err);
	admin_abort(&admin);
	return false;
}

static void
tidy(struct chores *c)
{
	struct err err = { 0 };

	if (monotonic_ms() < c->tidy_ms)
		return;
	c->tidy_ms = monotonic_ms() + TIDY_MS;
	if (!expire(&c->web, &err))
		failed_say(c, "what has expired", &err);
	web_publish(&c->web);
}

/* Every half minute, and when something has changed, since that may be an
 * invitation. */
static void
mail_look(struct chores *c)
{
	struct err err = { 0 };
	int64_t version = 0;

	if (!store_data_version(c->web.store, &version, &err)) {
		failed_say(c, "the store", &err);
		return;
	}
	if (version == c->version && monotonic_ms() < c->mail_ms)
		return;
	c->mail_ms = monotonic_ms() + TIDY_MS;
	if (mail_send(c) == MAILS_ONCE)
		c->mail_ms = 0;
	c->version = version;
}

int
chores_run(const struct web_setup *setup, const sigset_t *blocked)
{
	struct chores c = { .activity = -1 };
	struct pollfd wait = { .events = POLLIN };
	struct err err = { 0 };
	int timeout_ms = 0;

	if (!stop_watch())
		err_set(
		    &err, ERR_BUG, "worker_start", "the chores: cannot begin");
	else if (web_open(&c.web, setup, &err))
		c.activity = activity_open(setup->config.web.activity);
	wait.fd = c.activity;
	while (err.kind == ERR_NONE && !stop_wait(&wait, timeout_ms, blocked)) {
		c.web.now_ms = wall_ms();
		if (wait.revents != 0)
			activity_read(&c);
		timeout_ms = import_work(&c) ? 0 : LOOK_MS;
		mail_look(&c);
		tidy(&c);
		arena_reset(&c.web.arena);
	}
	if (err.kind != ERR_NONE)
		say(err.code, "%s", err.text);
	if (c.activity >= 0)
		close(c.activity);
	web_close(&c.web);
	return err_exit_status(err.kind);
}
