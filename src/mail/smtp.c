#include <curl/curl.h>
#include <sodium.h>
#include <string.h>

#include "base/bounds.h"
#include "base/secret.h"
#include "mail/internal.h"

#define SAID_MAX 512

/* One message on its way. */
struct transfer {
	CURL *curl;
	struct curl_slist *recipients;
	struct str unsent;
	char said[SAID_MAX]; /* the last line that refused something */
	size_t said_len;
	bool greeted; /* it took our EHLO: what it refuses now is the mail */
	char error[CURL_ERROR_SIZE];
	char password[SECRET_FILE_MAX];
};

static size_t
on_read(char *to, size_t size, size_t count, void *data)
{
	struct transfer *t = data;
	size_t room = size * count;
	size_t len = t->unsent.len < room ? t->unsent.len : room;

	if (len > 0)
		memcpy(to, t->unsent.ptr, len);
	t->unsent.ptr += len;
	t->unsent.len -= len;
	return len;
}

static size_t
on_line(char *line, size_t size, size_t count, void *data)
{
	struct transfer *t = data;
	size_t len = size * count;

	if (len >= 3 && memcmp(line, "250", 3) == 0)
		t->greeted = true;
	if (len > 0 && (line[0] == '4' || line[0] == '5')) {
		t->said_len = len < SAID_MAX ? len : SAID_MAX;
		memcpy(t->said, line, t->said_len);
	}
	return len;
}

static size_t
on_nothing(char *bytes, size_t size, size_t count, void *data)
{
	(void)bytes;
	(void)data;
	return size * count;
}

/* --- How it is set up ----------------------------------------------------- */

static bool
set_text(CURL *curl, CURLoption option, struct arena *arena, struct str text)
{
	struct str copy = str_copy(arena, text);

	return copy.ptr != NULL &&
	       curl_easy_setopt(curl, option, copy.ptr) == CURLE_OK;
}

static bool
set_number(CURL *curl, CURLoption option, long number)
{
	return curl_easy_setopt(curl, option, number) == CURLE_OK;
}

/* CURLUSESSL_ALL: without STARTTLS the transfer fails, it never goes on in
 * clear. With a CA file of our own the system's are not believed as well. */
static bool
set_tls(CURL *curl, const struct mail_config *config, struct arena *arena)
{
	if (!config->starttls)
		return set_number(curl, CURLOPT_USE_SSL, CURLUSESSL_NONE);
	return set_number(curl, CURLOPT_USE_SSL, CURLUSESSL_ALL) &&
	       set_number(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2) &&
	       set_number(curl, CURLOPT_SSL_VERIFYPEER, 1) &&
	       set_number(curl, CURLOPT_SSL_VERIFYHOST, 2) &&
	       (config->smtp_ca_file.len == 0 ||
		   (set_text(
			curl, CURLOPT_CAINFO, arena, config->smtp_ca_file) &&
		       curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) ==
			   CURLE_OK));
}

static bool
set_limits(CURL *curl, const struct mail_config *config)
{
	long timeout_ms = (long)config->timeout_ms;

	return curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp") ==
		   CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_NOPROXY, "*") == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
	       set_number(curl, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms) &&
	       set_number(curl, CURLOPT_TIMEOUT_MS, timeout_ms) &&
	       set_number(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT,
		   timeout_ms / 1000 + 1) &&
	       set_number(curl, CURLOPT_NOSIGNAL, 1) &&
	       set_number(curl, CURLOPT_NETRC, CURL_NETRC_IGNORED);
}

static bool
set_callbacks(struct transfer *t)
{
	CURL *curl = t->curl;

	return curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, t->error) ==
		   CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read) ==
		   CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_READDATA, t) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_line) ==
		   CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_HEADERDATA, t) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_nothing) ==
		   CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE,
		   (curl_off_t)t->unsent.len) == CURLE_OK &&
	       set_number(curl, CURLOPT_UPLOAD, 1);
}

static bool
set_envelope(struct transfer *t, const struct mail_config *config,
    struct arena *arena, struct str to)
{
	struct str url = str_fmt(arena, "smtp://%.*s", STR_ARGS(config->smtp));
	struct str from = str_fmt(arena, "<%.*s>", STR_ARGS(config->from));
	struct str rcpt = str_fmt(arena, "<%.*s>", STR_ARGS(to));

	if (url.ptr == NULL || from.ptr == NULL || rcpt.ptr == NULL)
		return false;
	t->recipients = curl_slist_append(NULL, rcpt.ptr);
	return t->recipients != NULL &&
	       set_text(t->curl, CURLOPT_URL, arena, url) &&
	       set_text(t->curl, CURLOPT_MAIL_FROM, arena, from) &&
	       curl_easy_setopt(t->curl, CURLOPT_MAIL_RCPT, t->recipients) ==
		   CURLE_OK;
}

/* curl keeps a copy until its end; ours is wiped with the transfer. */
static bool
set_password(struct transfer *t, const struct mail_config *config,
    struct arena *arena, struct err *err)
{
	struct str path = str_copy(arena, config->smtp_password_file);
	size_t len = 0;

	if (config->smtp_user.len == 0)
		return true;
	if (path.ptr == NULL)
		return err_set(err, ERR_BUG, "no_memory",
		    "mail: memory is out; give the process more");
	if (!secret_read(t->password, sizeof(t->password), &len, path.ptr,
		"mail_password", err))
		return false;
	if (set_text(t->curl, CURLOPT_USERNAME, arena, config->smtp_user) &&
	    curl_easy_setopt(t->curl, CURLOPT_PASSWORD, t->password) ==
		CURLE_OK)
		return true;
	return err_set(err, ERR_BUG, "no_memory",
	    "mail: memory is out; give the process more");
}

/* --- How it went ---------------------------------------------------------- */

/* RFC 5321 section 4.2.1: 5yz is for good. Only what it says of the mail
 * itself: a greeting, a password or TLS that failed are ours to mend. */
static bool
is_for_good(const struct transfer *t, CURLcode code, long reply)
{
	return t->greeted && reply >= 500 && reply <= 599 &&
	       (code == CURLE_SEND_ERROR || code == CURLE_WEIRD_SERVER_REPLY);
}

static enum mail_result
result_of(const struct transfer *t, const struct mail_config *config,
    struct arena *arena, CURLcode code, struct err *err)
{
	struct str said = mail_said(arena, t->said, t->said_len);
	const char *why =
	    t->error[0] != '\0' ? t->error : curl_easy_strerror(code);
	long reply = 0;

	if (code == CURLE_OK)
		return MAIL_SENT;
	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &reply);
	if (is_for_good(t, code, reply)) {
		err_set(err, ERR_REFUSED, "mail_refused",
		    "mail: %.*s refused it: %.*s", STR_ARGS(config->smtp),
		    STR_ARGS(said));
		return MAIL_FAILED_FOR_GOOD;
	}
	if (code == CURLE_USE_SSL_FAILED)
		why = "offers no STARTTLS, and nothing is sent without it";
	if (reply < 400)
		said = STR("");
	err_set(err, ERR_REACH, "mail_unsent", "mail: %.*s: %s%s%.*s",
	    STR_ARGS(config->smtp), why, said.len > 0 ? ": " : "",
	    STR_ARGS(said));
	return MAIL_FAILED_FOR_NOW;
}

static enum mail_result
transfer_run(struct transfer *t, const struct mail_config *config,
    struct arena *arena, struct str to, struct err *err)
{
	if (t->curl == NULL || !set_callbacks(t) ||
	    !set_limits(t->curl, config) || !set_tls(t->curl, config, arena) ||
	    !set_envelope(t, config, arena, to)) {
		err_set(err, ERR_BUG, "mail_setup",
		    "mail: libcurl takes no SMTP with these options, or "
		    "memory is out; see curl --version");
		return MAIL_FAILED_FOR_NOW;
	}
	if (!set_password(t, config, arena, err))
		return MAIL_FAILED_FOR_NOW;
	return result_of(t, config, arena, curl_easy_perform(t->curl), err);
}

enum mail_result
mail_by_smtp(const struct mail_config *config, struct arena *arena,
    struct str to, struct str message, struct err *err)
{
	struct transfer t = { .curl = curl_easy_init(), .unsent = message };
	enum mail_result result = transfer_run(&t, config, arena, to, err);

	curl_easy_cleanup(t.curl);
	curl_slist_free_all(t.recipients);
	sodium_memzero(&t, sizeof(t));
	return result;
}
