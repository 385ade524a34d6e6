#include "sync/directory.h"

#include <errno.h>
#include <ldap.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bounds.h"
#include "base/secret.h"
#include "sync/limits.h"

struct directory {
	LDAP *ld;
	const struct directory_config *config;
	struct arena arena; /* strings that libldap wants with a NUL */
	const char *url;
	struct berval password;
};

static const char *
cstr(struct arena *arena, struct str s)
{
	struct str copy = str_copy(arena, s);

	return copy.ptr;
}

/* What libldap knows beside the code: the server's own words, or TLS's. */
static bool
ldap_err(LDAP *ld, int rc, const char *code, const char *what,
    const char *where, const char *mend, struct err *err)
{
	char *says = NULL;

	if (ld != NULL)
		ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &says);
	err_set(err, ERR_SOURCE, code, "%s: %s: %s (%d)%s%s; %s", where, what,
	    ldap_err2string(rc), rc, says != NULL && *says != '\0' ? ": " : "",
	    says != NULL ? says : "", mend);
	ldap_memfree(says);
	return false;
}

/* --- Opening -------------------------------------------------------------- */

static bool
password_read(struct directory *d, struct err *err)
{
	const char *path = cstr(&d->arena, d->config->password_file);
	char *bytes = arena_alloc(&d->arena, SECRET_FILE_MAX + 1, 1);
	struct err why = { 0 };
	size_t len = 0;

	if (path == NULL || bytes == NULL)
		return err_set(err, ERR_SOURCE, "bind_password_file",
		    "%.*s: memory is out; give the process more",
		    STR_ARGS(d->config->password_file));
	if (secret_read(bytes, SECRET_FILE_MAX + 1, &len, path,
		"bind_password_file", &why)) {
		d->password.bv_val = bytes;
		d->password.bv_len = (ber_len_t)len;
		return true;
	}
	/* RFC 4513 section 5.1.2: a DN with an empty password is no
	 * authentication at all, and some servers say yes to it. */
	if (errno == ENODATA)
		return err_set(err, ERR_SOURCE, "bind_password_empty",
		    "%s: is empty; a bind without a password proves nothing",
		    path);
	return err_set(err, ERR_SOURCE, why.code, "%s", why.text);
}

static bool
set(LDAP *ld, int option, const void *value)
{
	return ldap_set_option(ld, option, value) == LDAP_OPT_SUCCESS;
}

static bool
set_tls(struct directory *d)
{
	const int demand = LDAP_OPT_X_TLS_DEMAND;
	const int least = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
	const int client = 0;
	const char *ca = cstr(&d->arena, d->config->ca_file);

	/* NEWCTX comes last: before it nothing of the above is in force. */
	return ca != NULL && set(d->ld, LDAP_OPT_X_TLS_CACERTFILE, ca) &&
	       set(d->ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) &&
	       set(d->ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &least) &&
	       set(d->ld, LDAP_OPT_X_TLS_NEWCTX, &client);
}

static bool
set_options(struct directory *d)
{
	const struct timeval wait = { .tv_sec = (time_t)d->config->timeout_s };
	const int version = LDAP_VERSION3;
	const int no_limit = LDAP_NO_LIMIT;
	const int never = LDAP_DEREF_NEVER;

	return set(d->ld, LDAP_OPT_PROTOCOL_VERSION, &version) &&
	       set(d->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) &&
	       set(d->ld, LDAP_OPT_SIZELIMIT, &no_limit) &&
	       set(d->ld, LDAP_OPT_TIMELIMIT, &no_limit) &&
	       set(d->ld, LDAP_OPT_DEREF, &never) &&
	       /* One bounds connecting, the other every answer: both are
		  needed. */
	       set(d->ld, LDAP_OPT_NETWORK_TIMEOUT, &wait) &&
	       set(d->ld, LDAP_OPT_TIMEOUT, &wait);
}

/* A TLS record that never ends would block in the read below libldap. */
static void
bound_socket(struct directory *d)
{
	const struct timeval wait = { .tv_sec = (time_t)d->config->timeout_s };
	int fd = -1;

	if (ldap_get_option(d->ld, LDAP_OPT_DESC, &fd) != LDAP_OPT_SUCCESS ||
	    fd < 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
}

static bool
bind_as(struct directory *d, struct err *err)
{
	char none[] = "";
	struct berval nothing = { 0, none };
	int rc = LDAP_PARAM_ERROR;

	switch (d->config->bind) {
	case BIND_UNSET:
		break;
	case BIND_SIMPLE: {
		const char *dn = cstr(&d->arena, d->config->bind_dn);

		if (dn != NULL && *dn != '\0')
			rc = ldap_sasl_bind_s(d->ld, dn, LDAP_SASL_SIMPLE,
			    &d->password, NULL, NULL, NULL);
		break;
	}
	case BIND_EXTERNAL:
		rc = ldap_sasl_bind_s(
		    d->ld, NULL, "EXTERNAL", &nothing, NULL, NULL, NULL);
		break;
	}
	bound_socket(d);
	if (rc == LDAP_SUCCESS)
		return true;
	/* Results above 0 are the server's own words, below 0 the library's. */
	if (rc > 0 && rc != LDAP_BUSY && rc != LDAP_UNAVAILABLE)
		return ldap_err(d->ld, rc, "bind_refused", "bind", d->url,
		    "check bind.dn and the password file", err);
	return ldap_err(d->ld, rc, "directory_unreachable", "bind", d->url,
	    "check that the server runs, its name, port and certificate", err);
}

static bool
start_tls(struct directory *d, struct err *err)
{
	int rc = ldap_start_tls_s(d->ld, NULL, NULL);

	if (rc == LDAP_SUCCESS && ldap_tls_inplace(d->ld))
		return true;
	/* Nobody was there to begin TLS with. */
	if (rc == LDAP_SERVER_DOWN || rc == LDAP_TIMEOUT)
		return ldap_err(d->ld, rc, "directory_unreachable", "StartTLS",
		    d->url, "check that the server runs, its name and port",
		    err);
	return ldap_err(d->ld, rc, "directory_tls", "StartTLS", d->url,
	    "the server's certificate must name this host and be signed by "
	    "ca_file",
	    err);
}

static void
disconnect(struct directory *d)
{
	if (d->ld != NULL)
		ldap_unbind_ext_s(d->ld, NULL, NULL);
	d->ld = NULL;
}

static bool
connect_to(struct directory *d, struct str url, struct err *err)
{
	int rc;

	d->url = cstr(&d->arena, url);
	if (d->url == NULL)
		return err_set(err, ERR_SOURCE, "no_memory", "memory is out");
	rc = ldap_initialize(&d->ld, d->url);
	if (rc != LDAP_SUCCESS) {
		d->ld = NULL;
		return ldap_err(NULL, rc, "directory_url", "url", d->url,
		    "write it as ldap://, ldaps:// or ldapi://", err);
	}
	if (!set_options(d) || (d->config->tls != TLS_NONE && !set_tls(d)))
		return err_set(err, ERR_SOURCE, "directory_tls",
		    "%s: TLS cannot be set up; check that ca_file '%.*s' is a "
		    "PEM file that can be read",
		    d->url, STR_ARGS(d->config->ca_file));
	if (d->config->tls == TLS_STARTTLS && !start_tls(d, err))
		return false;
	return bind_as(d, err);
}

bool
directory_open(struct directory **out, const struct directory_config *config,
    struct err *err)
{
	struct directory *d = calloc(1, sizeof(*d));
	struct err last = { 0 };

	*out = d;
	if (d == NULL)
		return err_set(err, ERR_SOURCE, "no_memory", "memory is out");
	d->config = config;
	if (config->bind == BIND_SIMPLE && !password_read(d, err))
		return false;
	for (size_t i = 0; i < config->urls.count; i++) {
		last = (struct err){ 0 };
		if (connect_to(d, config->urls.items[i], &last))
			return true;
		disconnect(d);
		/* A server that knows us and says no has answered. */
		if (last.code != NULL && strcmp(last.code, "bind_refused") == 0)
			break;
	}
	return err_set(err, ERR_SOURCE,
	    last.code != NULL ? last.code : "directory_unreachable", "%s",
	    last.kind != ERR_NONE ? last.text : "no url to connect to");
}

void
directory_close(struct directory *directory)
{
	if (directory == NULL)
		return;
	disconnect(directory);
	if (directory->password.bv_val != NULL)
		sodium_memzero(directory->password.bv_val, SECRET_FILE_MAX + 1);
	arena_free(&directory->arena);
	free(directory);
}

/* What a server says of a password that does not count, whatever the reason:
 * RFC 4511, section 4.1.9. */
static bool
says_no(int rc)
{
	return rc == LDAP_INVALID_CREDENTIALS ||
	       rc == LDAP_INAPPROPRIATE_AUTH || rc == LDAP_NO_SUCH_OBJECT ||
	       rc == LDAP_UNWILLING_TO_PERFORM ||
	       rc == LDAP_INSUFFICIENT_ACCESS ||
	       rc == LDAP_CONSTRAINT_VIOLATION;
}

bool
directory_password_is(struct directory *d, struct str dn, struct str password,
    bool *out, struct err *err)
{
	struct str secret = str_copy(&d->arena, password);
	const char *name = cstr(&d->arena, dn);
	struct berval value;
	int rc;

	*out = false;
	if (password.len == 0 || dn.len == 0)
		return true;
	if (secret.ptr == NULL || name == NULL)
		return err_set(err, ERR_SOURCE, "no_memory", "memory is out");
	/* libldap takes what it does not change. */
	value = (struct berval){ .bv_len = (ber_len_t)secret.len,
		.bv_val = (char *)(uintptr_t)secret.ptr };
	rc = ldap_sasl_bind_s(
	    d->ld, name, LDAP_SASL_SIMPLE, &value, NULL, NULL, NULL);
	sodium_memzero((char *)(uintptr_t)secret.ptr, secret.len);
	*out = rc == LDAP_SUCCESS;
	if (*out || says_no(rc))
		return true;
	return ldap_err(d->ld, rc, "directory_unreachable", "bind", d->url,
	    "check that the server runs, its name, port and certificate", err);
}

/* --- Searching ------------------------------------------------------------ */

/* A search in progress: what libldap wants, and where the answer goes. */
struct reading_pages {
	struct directory *d;
	struct arena *arena;
	const struct search *search;
	const char *base;
	const char *filter;
	char **attributes;
	ber_int_t page_size;
	struct berval cookie; /* ours, from ber_memalloc */
	struct entries entries;
	size_t pages;
	size_t empty_pages;
	size_t references;
};

static bool
no_memory(const struct search *search, struct err *err)
{
	return err_set(err, ERR_SOURCE, "sync_too_large",
	    "search under '%.*s': the answer does not fit into %zu MiB; narrow "
	    "base or filter",
	    STR_ARGS(search->base), SYNC_MEMORY_MAX / (1024 * 1024));
}

static int
by_bytes(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static bool
values_copy(struct reading_pages *r, struct berval **raw, struct names *out)
{
	size_t count = (size_t)ldap_count_values_len(raw);
	struct str *values = ARENA_ARRAY(r->arena, struct str, count);

	if (values == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		values[i] = str_copy(
		    r->arena, (struct str){ raw[i]->bv_val, raw[i]->bv_len });
		if (values[i].ptr == NULL)
			return false;
	}
	if (count > 1)
		qsort(values, count, sizeof(*values), by_bytes);
	*out = (struct names){ values, count };
	return true;
}

static bool
attribute_copy(struct reading_pages *r, LDAPMessage *message, char *name,
    struct attribute *out)
{
	struct berval **raw = ldap_get_values_len(r->d->ld, message, name);
	bool ok;

	out->name = str_copy(r->arena, str_from(name));
	ok = out->name.ptr != NULL;
	if (raw != NULL) /* NULL: the attribute has no value that we may see */
		ok = ok && values_copy(r, raw, &out->values);
	ldap_value_free_len(raw);
	ldap_memfree(name);
	return ok;
}

static bool
attributes_copy(
    struct reading_pages *r, LDAPMessage *message, struct entry *entry)
{
	struct attribute *list = NULL;
	size_t count = 0;
	size_t cap = 0;
	BerElement *ber = NULL;
	bool ok = true;
	char *name = ldap_first_attribute(r->d->ld, message, &ber);

	for (; ok && name != NULL;
	     name = ldap_next_attribute(r->d->ld, message, ber)) {
		list = arena_grow(r->arena, list, count, &cap, sizeof(*list));
		if (list == NULL) {
			ldap_memfree(name);
			ok = false;
			break;
		}
		ok = attribute_copy(r, message, name, &list[count++]);
	}
	ber_free(ber, 0);
	entry->attributes = list;
	entry->attribute_count = count;
	return ok;
}

static bool
entry_copy(struct reading_pages *r, LDAPMessage *message, struct err *err)
{
	struct entries *to = &r->entries;
	char *dn = ldap_get_dn(r->d->ld, message);
	struct entry entry = { 0 };
	struct entry *items;

	if (dn == NULL)
		return err_set(err, ERR_SOURCE, "directory_answer",
		    "search under '%s': an entry without a DN", r->base);
	if (to->count == ENTRIES_MAX) {
		ldap_memfree(dn);
		return err_set(err, ERR_SOURCE, "sync_too_large",
		    "search under '%s': more than %d entries; narrow base or "
		    "filter",
		    r->base, ENTRIES_MAX);
	}
	entry.dn = str_copy(r->arena, str_from(dn));
	ldap_memfree(dn);
	items = arena_grow(
	    r->arena, to->items, to->count, &to->cap, sizeof(*items));
	if (entry.dn.ptr == NULL || items == NULL ||
	    !attributes_copy(r, message, &entry))
		return no_memory(r->search, err);
	to->items = items;
	const struct str *range = entry_range(&entry);

	if (range != NULL)
		return err_set(err, ERR_SOURCE, "member_range",
		    "search under '%s': the server sends '%.*s' in parts, "
		    "which "
		    "is not supported yet; nothing was changed",
		    r->base, STR_ARGS(*range));
	to->items[to->count++] = entry;
	return true;
}

static bool
page_copy(struct reading_pages *r, LDAPMessage *answer, struct err *err)
{
	LDAPMessage *m = ldap_first_message(r->d->ld, answer);

	for (; m != NULL; m = ldap_next_message(r->d->ld, m)) {
		int type = ldap_msgtype(m);

		if (type == LDAP_RES_SEARCH_REFERENCE)
			r->references++;
		else if (type == LDAP_RES_SEARCH_ENTRY &&
			 !entry_copy(r, m, err))
			return false;
	}
	return true;
}

/* The cookie of the page that was read; without one the proof is missing. */
static bool
page_cookie(struct reading_pages *r, LDAPControl **controls, struct err *err)
{
	LDAPControl *control =
	    ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
	ber_int_t estimate;

	ber_memfree(r->cookie.bv_val);
	r->cookie = (struct berval){ 0, NULL };
	if (control == NULL)
		return err_set(err, ERR_SOURCE, "directory_pages",
		    "search under '%s': the server does not say whether this "
		    "was the last page",
		    r->base);
	if (ldap_parse_pageresponse_control(
		r->d->ld, control, &estimate, &r->cookie) != LDAP_SUCCESS)
		return err_set(err, ERR_SOURCE, "directory_pages",
		    "search under '%s': the page's cookie cannot be read",
		    r->base);
	return true;
}

static const struct {
	int rc;
	const char *code;
	const char *mend;
} results[] = {
	{ LDAP_TIMELIMIT_EXCEEDED, "directory_time_limit",
	    "give the sync's account a higher time limit on the server" },
	{ LDAP_SIZELIMIT_EXCEEDED, "directory_size_limit",
	    "give the sync's account an unlimited size limit on the server" },
	{ LDAP_ADMINLIMIT_EXCEEDED, "directory_admin_limit",
	    "lower page_size, or raise the server's limit" },
	{ LDAP_REFERRAL, "directory_reference",
	    "name the server that holds this base; referrals are not "
	    "followed" },
	{ LDAP_NO_SUCH_OBJECT, "directory_base",
	    "check the base, and that the sync's account may read it" },
	{ LDAP_SERVER_DOWN, "directory_cut",
	    "the connection was lost or silent; the next run reads again" },
	{ LDAP_TIMEOUT, "directory_timeout",
	    "the server was silent; raise timeout_s if it is only slow" },
};

static bool
search_failed(struct reading_pages *r, int rc, struct err *err)
{
	struct str where =
	    str_fmt(&r->d->arena, "%s: search under '%s'", r->d->url, r->base);
	struct str what = str_fmt(&r->d->arena, "page %zu", r->pages + 1);

	if (where.ptr == NULL || what.ptr == NULL)
		return no_memory(r->search, err);
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
		if (results[i].rc == rc)
			return ldap_err(r->d->ld, rc, results[i].code, what.ptr,
			    where.ptr, results[i].mend, err);
	return ldap_err(r->d->ld, rc, "directory_search", what.ptr, where.ptr,
	    "only result 0 counts as read", err);
}

static int
scope_of(enum search_scope scope)
{
	switch (scope) {
	case SCOPE_ONE:
		return LDAP_SCOPE_ONELEVEL;
	case SCOPE_BASE:
		return LDAP_SCOPE_BASE;
	case SCOPE_UNSET:
	case SCOPE_SUB:
		return LDAP_SCOPE_SUBTREE;
	}
	return LDAP_SCOPE_SUBTREE;
}

/* Sends the search for the next page and takes what comes back. *result is
 * the code of the whole operation. */
static bool
page_read(struct reading_pages *r, int *result, struct err *err)
{
	struct timeval wait = { .tv_sec = (time_t)r->d->config->timeout_s };
	LDAPControl *page = NULL;
	LDAPControl *controls[2] = { NULL, NULL };
	LDAPControl **back = NULL;
	LDAPMessage *answer = NULL;
	bool ok = false;

	*result = ldap_create_page_control(
	    r->d->ld, r->page_size, &r->cookie, 'c', &page);
	controls[0] = page;
	if (*result == LDAP_SUCCESS)
		*result = ldap_search_ext_s(r->d->ld, r->base,
		    scope_of(r->search->scope), r->filter, r->attributes, 0,
		    controls, NULL, &wait, 0, &answer);
	if (*result != LDAP_SUCCESS || answer == NULL) {
		if (*result == LDAP_SUCCESS)
			*result = LDAP_LOCAL_ERROR;
		goto out;
	}
	if (ldap_parse_result(r->d->ld, answer, result, NULL, NULL, NULL, &back,
		0) != LDAP_SUCCESS)
		*result = LDAP_DECODING_ERROR;
	ok = *result == LDAP_SUCCESS && page_copy(r, answer, err) &&
	     page_cookie(r, back, err);
out:
	ldap_control_free(page);
	ldap_controls_free(back);
	ldap_msgfree(answer);
	return ok;
}

static bool
pages_read(struct reading_pages *r, int *result, struct err *err)
{
	do {
		size_t before = r->entries.count;

		if (!page_read(r, result, err))
			return false;
		r->pages++;
		if (before == r->entries.count &&
		    r->empty_pages++ > PAGES_EMPTY_MAX)
			return err_set(err, ERR_SOURCE, "directory_pages",
			    "search under '%s': the server sends empty pages "
			    "without end",
			    r->base);
	} while (r->cookie.bv_len > 0);
	if (r->references > 0)
		return err_set(err, ERR_SOURCE, "directory_reference",
		    "search under '%s': %zu references to other servers are "
		    "left over; narrow the base to what this server holds",
		    r->base, r->references);
	return true;
}

static bool
reading_start(struct reading_pages *r, struct err *err)
{
	const struct names *wanted = &r->search->attributes;

	r->base = cstr(r->arena, r->search->base);
	r->filter = cstr(r->arena, r->search->filter);
	r->attributes = ARENA_ARRAY(r->arena, char *, wanted->count + 1);
	if (r->base == NULL || r->filter == NULL || r->attributes == NULL)
		return no_memory(r->search, err);
	for (size_t i = 0; i < wanted->count; i++) {
		struct str copy = str_copy(r->arena, wanted->items[i]);

		if (copy.ptr == NULL)
			return no_memory(r->search, err);
		/* The library's type lacks the const; it only reads. */
		memcpy(&r->attributes[i], &copy.ptr, sizeof(copy.ptr));
	}
	return true;
}

bool
directory_search(struct directory *directory, struct arena *arena,
    const struct search *search, struct entries *out, struct err *err)
{
	struct reading_pages r = { .d = directory,
		.arena = arena,
		.search = search,
		.page_size = (ber_int_t)directory->config->page_size };
	int result = LDAP_OTHER;
	bool ok = reading_start(&r, err);

	if (!ok)
		return false;
	ok = pages_read(&r, &result, err);
	/* Some servers refuse a page that is too large for them (RD5): once
	 * more, from the start, with a smaller one. */
	if (!ok && result == LDAP_ADMINLIMIT_EXCEEDED &&
	    err->kind == ERR_NONE && r.page_size > PAGE_SIZE_SMALL) {
		ber_memfree(r.cookie.bv_val);
		r.cookie = (struct berval){ 0, NULL };
		r.entries = (struct entries){ 0 };
		r.pages = 0;
		r.empty_pages = 0;
		r.references = 0;
		r.page_size = PAGE_SIZE_SMALL;
		ok = pages_read(&r, &result, err);
	}
	if (!ok && err->kind == ERR_NONE)
		search_failed(&r, result, err);
	ber_memfree(r.cookie.bv_val);
	if (!ok)
		return false;
	entries_sort(&r.entries);
	*out = r.entries;
	return true;
}

/* --- The search as a command ---------------------------------------------- */

/* A shell word in single quotes. */
static struct str
quoted(struct arena *arena, struct str word)
{
	struct str out = STR("'");
	struct str part;

	for (bool first = true; str_next(&word, '\'', &part); first = false)
		out = str_fmt(arena, "%.*s%s%.*s", STR_ARGS(out),
		    first ? "" : "'\\''", STR_ARGS(part));
	return str_fmt(arena, "%.*s'", STR_ARGS(out));
}

static struct str
bind_words(struct arena *arena, const struct directory_config *config)
{
	struct str dn = quoted(arena, config->bind_dn);

	switch (config->bind) {
	case BIND_UNSET:
		break;
	case BIND_SIMPLE:
		/* Not -y: ldapsearch takes a newline at the file's end for a
		 * part of the password. */
		return str_fmt(arena, "-x -D %.*s -W", STR_ARGS(dn));
	case BIND_EXTERNAL:
		return STR("-Y EXTERNAL -Q");
	}
	return STR("-x");
}

static const char *
scope_word(enum search_scope scope)
{
	switch (scope) {
	case SCOPE_ONE:
		return "one";
	case SCOPE_BASE:
		return "base";
	case SCOPE_UNSET:
	case SCOPE_SUB:
		return "sub";
	}
	return "sub";
}

struct str
search_command(struct arena *arena, const struct directory_config *config,
    const struct search *search)
{
	struct str url =
	    config->urls.count > 0 ? config->urls.items[0] : STR("");
	struct str ca = quoted(arena, config->ca_file);
	struct str bind = bind_words(arena, config);
	struct str base = quoted(arena, search->base);
	struct str filter = quoted(arena, search->filter);
	struct str line;

	url = quoted(arena, url);
	line = str_fmt(arena,
	    "%s%.*s%sldapsearch -H %.*s %s%.*s -E pr=%lld/noprompt -s %s -b "
	    "%.*s "
	    "%.*s",
	    config->tls == TLS_NONE ? "" : "LDAPTLS_CACERT=",
	    config->tls == TLS_NONE ? 0 : (int)ca.len, ca.ptr,
	    config->tls == TLS_NONE ? "" : " ", STR_ARGS(url),
	    config->tls == TLS_STARTTLS ? "-ZZ " : "", STR_ARGS(bind),
	    (long long)config->page_size, scope_word(search->scope),
	    STR_ARGS(base), STR_ARGS(filter));
	for (size_t i = 0; i < search->attributes.count; i++)
		line = str_fmt(arena, "%.*s %.*s", STR_ARGS(line),
		    STR_ARGS(search->attributes.items[i]));
	return line;
}
