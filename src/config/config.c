#include "config/config.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bounds.h"
#include "base/text.h"

#define DEFAULT_PATH	ROLEGATE_SYSCONFDIR "/rolegate/rolegate.yaml"
#define COUNT(table)	(sizeof(table) / sizeof((table)[0]))
#define COOKIE_NAME_MAX 128
#define HOST_MAX	256
#define SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

/* What the tables fill beside the configuration itself. */
struct sections {
	struct config config;
	const struct yaml_node *view;
	const struct yaml_node *view_redis;
	const struct yaml_node *gate;
	const struct yaml_node *gate_redis;
	const struct yaml_node *web;
	const struct yaml_node *mail;
};

static const char *const sandbox_words[] = {
	[SANDBOX_OFF] = "off",
	[SANDBOX_LOG] = "log",
	[SANDBOX_KILL] = "kill",
	NULL,
};

static const char *const log_words[] = {
	[LOG_OFF] = "off",
	[LOG_DENIALS] = "denials",
	[LOG_ALL] = "all",
	NULL,
};

/* clang-format off */
#define AT(field) offsetof(struct sections, field)

static const struct yaml_key top_keys[] = {
	{ .name = "store", .type = YAML_STR, .offset = AT(config.store), .required = true,
	  .help = "path of the SQLite database that is the truth" },
	{ .name = "catalogues", .type = YAML_STR, .offset = AT(config.catalogues), .required = true, .reloadable = true,
	  .help = "folder of the role catalogues" },
	{ .name = "mapping", .type = YAML_STR, .offset = AT(config.mapping), .reloadable = true,
	  .help = "mapping file of rolegate-sync" },
	{ .name = "view", .type = YAML_NODE, .offset = AT(view),
	  .help = "where the view is published" },
	{ .name = "gate", .type = YAML_NODE, .offset = AT(gate),
	  .help = "how rolegated answers" },
	{ .name = "web", .type = YAML_NODE, .offset = AT(web),
	  .help = "sign-in and the HTTP API: rolegate-web" },
	{ .name = "mail", .type = YAML_NODE, .offset = AT(mail), .reloadable = true,
	  .help = "how invitations and notices are sent" },
};

static const struct yaml_key view_keys[] = {
	{ .name = "redis", .type = YAML_NODE, .offset = AT(view_redis),
	  .help = "the publisher's Redis; without it nothing is published" },
	{ .name = "namespace", .type = YAML_STR, .offset = AT(config.view.ns), .fallback = "default", .reloadable = true,
	  .help = "name of this view among others in one Redis" },
	{ .name = "key_file", .type = YAML_STR, .offset = AT(config.view.key_file), .reloadable = true,
	  .help = "file with the 64 hex digits that records are signed with" },
};

#define REDIS_KEYS(redis, timeout_fallback, database_fallback) \
	{ .name = "address", .type = YAML_STR, .offset = AT(redis.address), .reloadable = true, \
	  .help = "unix:/path, host:port or [::1]:port" }, \
	{ .name = "user", .type = YAML_STR, .offset = AT(redis.user), .reloadable = true, \
	  .help = "user of Redis; needs password_file" }, \
	{ .name = "password_file", .type = YAML_STR, .offset = AT(redis.password_file), .reloadable = true, \
	  .help = "file with the password alone" }, \
	{ .name = "timeout_ms", .type = YAML_INT, .offset = AT(redis.timeout_ms), .min = 10, .max = 60000, .fallback = timeout_fallback, .reloadable = true, \
	  .help = "milliseconds that connecting and one answer may take" }, \
	{ .name = "database", .type = YAML_INT, .offset = AT(redis.database), .min = 0, .max = 1023, .fallback = database_fallback, .reloadable = true, \
	  .help = "number of the database" }

static const struct yaml_key view_redis_keys[] = { REDIS_KEYS(config.view.redis, "2000", "0") };
/* No fallbacks: what is not set is the view's, see gate_redis_read(). */
static const struct yaml_key gate_redis_keys[] = { REDIS_KEYS(config.gate.redis, NULL, NULL) };

static const struct yaml_key gate_keys[] = {
	{ .name = "socket", .type = YAML_STR, .offset = AT(config.gate.socket), .fallback = "/run/rolegate/gate.sock",
	  .help = "path of the FastCGI socket; not used when systemd hands one over" },
	{ .name = "socket_group", .type = YAML_STR, .offset = AT(config.gate.socket_group),
	  .help = "group that may connect: nginx's" },
	{ .name = "peer_user", .type = YAML_STR, .offset = AT(config.gate.peer_user), .reloadable = true,
	  .help = "the only user that may connect, beside root and the gate's own; any that the mode lets in when it is not set" },
	{ .name = "user", .type = YAML_STR, .offset = AT(config.gate.user),
	  .help = "user to run as, when started as root" },
	{ .name = "control", .type = YAML_STR, .offset = AT(config.gate.control), .fallback = "/run/rolegate/control.sock",
	  .help = "path of the socket on which rolegate status asks, for root and the gate's user" },
	{ .name = "metrics", .type = YAML_STR, .offset = AT(config.gate.metrics),
	  .help = "path of the socket on which Prometheus is answered by HTTP, for owner and socket_group; none when it is not set" },
	{ .name = "workers", .type = YAML_INT, .offset = AT(config.gate.workers), .min = 0, .max = 256, .fallback = "0", .reloadable = true,
	  .help = "worker processes; 0 is one a core" },
	{ .name = "redis", .type = YAML_NODE, .offset = AT(gate_redis), .reloadable = true,
	  .help = "the gate's Redis, with a user that only reads; the view's when it is not set" },
	{ .name = "cache_bytes", .type = YAML_INT, .offset = AT(config.gate.cache_bytes), .min = 0, .max = INT64_C(1) << 36, .fallback = "67108864", .reloadable = true,
	  .help = "bytes of the near cache of one worker; 0 asks Redis for every request" },
	{ .name = "wait_ms", .type = YAML_INT, .offset = AT(config.gate.wait_ms), .min = 1, .max = 10000, .fallback = "100", .reloadable = true,
	  .help = "milliseconds to wait for Redis before the answer is don't-know" },
	{ .name = "stale_max_s", .type = YAML_INT, .offset = AT(config.gate.stale_max_s), .min = 0, .max = 3600, .fallback = "0", .reloadable = true,
	  .help = "seconds that what was known may be served while Redis is away" },
	{ .name = "heartbeat_max_s", .type = YAML_INT, .offset = AT(config.gate.heartbeat_max_s), .min = 1, .max = 60, .fallback = "5", .reloadable = true,
	  .help = "seconds without a beat after which the near cache is not trusted" },
	{ .name = "cookie", .type = YAML_STR, .offset = AT(config.gate.cookie), .reloadable = true,
	  .help = "exact name of the session cookie; no cookie counts when it is not set" },
	{ .name = "bearer", .type = YAML_BOOL, .offset = AT(config.gate.bearer), .fallback = "no", .reloadable = true,
	  .help = "believe the tokens of programs, which stand in the header Authorization" },
	{ .name = "trusted_user", .type = YAML_BOOL, .offset = AT(config.gate.trusted_user), .fallback = "no", .reloadable = true,
	  .help = "believe ROLEGATE_TRUSTED_USER, which nginx sets from something it verified" },
	{ .name = "routes", .type = YAML_STR, .offset = AT(config.gate.routes), .reloadable = true,
	  .help = "route file, when locations do not name their permission" },
	{ .name = "filter_key_file", .type = YAML_STR, .offset = AT(config.gate.filter_key_file), .reloadable = true,
	  .help = "file with the 64 hex digits that data filters are signed with for the application" },
	{ .name = "log", .type = YAML_CHOICE, .offset = AT(config.gate.log), .choices = log_words, .fallback = "denials", .reloadable = true,
	  .help = "which decisions are logged" },
	{ .name = "log_file", .type = YAML_STR, .offset = AT(config.gate.log_file), .reloadable = true,
	  .help = "file of the decision log; standard error when it is not set" },
	{ .name = "sandbox", .type = YAML_CHOICE, .offset = AT(config.gate.sandbox), .choices = sandbox_words, .fallback = "kill", .reloadable = true,
	  .help = "what happens to a worker that asks the kernel for what it never needs" },
};

static const struct yaml_key web_keys[] = {
	{ .name = "origin", .type = YAML_STR, .offset = AT(config.web.origin), .reloadable = true,
	  .help = "where people see it: https://app.example.org; rolegate-web does not serve without" },
	{ .name = "socket", .type = YAML_STR, .offset = AT(config.web.socket), .fallback = "/run/rolegate/web.sock",
	  .help = "path of the FastCGI socket; not used when systemd hands one over" },
	{ .name = "socket_group", .type = YAML_STR, .offset = AT(config.web.socket_group),
	  .help = "group that may connect: nginx's" },
	{ .name = "peer_user", .type = YAML_STR, .offset = AT(config.web.peer_user), .reloadable = true,
	  .help = "the only user that may connect; any that the mode lets in when it is not set" },
	{ .name = "user", .type = YAML_STR, .offset = AT(config.web.user),
	  .help = "user to run as, when started as root" },
	{ .name = "workers", .type = YAML_INT, .offset = AT(config.web.workers), .min = 1, .max = 255, .fallback = "4", .reloadable = true,
	  .help = "worker processes; a sign-in occupies one for as long as the directory takes" },
	{ .name = "return_origins", .type = YAML_STRS, .offset = AT(config.web.return_origins), .reloadable = true,
	  .help = "further origins that a sign-in may lead back to" },
	{ .name = "session_s", .type = YAML_INT, .offset = AT(config.web.session_s), .min = 60, .max = 34560000, .fallback = "43200", .reloadable = true,
	  .help = "seconds after which a session ends, whatever happens" },
	{ .name = "idle_s", .type = YAML_INT, .offset = AT(config.web.idle_s), .min = 60, .max = 34560000, .fallback = "3600", .reloadable = true,
	  .help = "seconds without activity after which a session ends" },
	{ .name = "passwords", .type = YAML_BOOL, .offset = AT(config.web.passwords), .fallback = "yes", .reloadable = true,
	  .help = "sign in with a local password" },
	{ .name = "directory", .type = YAML_BOOL, .offset = AT(config.web.directory), .fallback = "no", .reloadable = true,
	  .help = "sign in with the password of the directory that the member comes from, by the mapping file" },
	{ .name = "attempts_max", .type = YAML_INT, .offset = AT(config.web.attempts_max), .min = 1, .max = 1000, .fallback = "10", .reloadable = true,
	  .help = "failed attempts of one username, and ten times as many of one address, in attempts_s" },
	{ .name = "attempts_s", .type = YAML_INT, .offset = AT(config.web.attempts_s), .min = 1, .max = 86400, .fallback = "900", .reloadable = true,
	  .help = "seconds in which attempts_max counts" },
	{ .name = "activity", .type = YAML_STR, .offset = AT(config.web.activity), .fallback = "/run/rolegate/activity.sock",
	  .help = "path of the socket on which the gate tells that a session is in use" },
};

static const struct yaml_key mail_keys[] = {
	{ .name = "from", .type = YAML_STR, .offset = AT(config.mail.from), .reloadable = true,
	  .help = "address that mail comes from; none is sent without" },
	{ .name = "sendmail", .type = YAML_STR, .offset = AT(config.mail.sendmail), .fallback = "/usr/sbin/sendmail", .reloadable = true,
	  .help = "program that takes a mail, where no server is named" },
	{ .name = "smtp", .type = YAML_STR, .offset = AT(config.mail.smtp), .reloadable = true,
	  .help = "host:port of a server that takes mail by SMTP" },
	{ .name = "starttls", .type = YAML_BOOL, .offset = AT(config.mail.starttls), .fallback = "yes", .reloadable = true,
	  .help = "no mail goes to the server but by TLS with a certificate that is right" },
	{ .name = "smtp_user", .type = YAML_STR, .offset = AT(config.mail.smtp_user), .reloadable = true,
	  .help = "user of the server; needs smtp_password_file" },
	{ .name = "smtp_password_file", .type = YAML_STR, .offset = AT(config.mail.smtp_password_file), .reloadable = true,
	  .help = "file with the password alone" },
	{ .name = "smtp_ca_file", .type = YAML_STR, .offset = AT(config.mail.smtp_ca_file), .reloadable = true,
	  .help = "file with the certificates to trust; the system's when it is not set" },
	{ .name = "timeout_ms", .type = YAML_INT, .offset = AT(config.mail.timeout_ms), .min = 100, .max = 600000, .fallback = "30000", .reloadable = true,
	  .help = "milliseconds that one mail may take" },
};

/* Every table with the place of its keys in the file. */
static const struct section {
	const char *name; /* "" is the top */
	const char *indent;
	const struct yaml_key *keys;
	size_t count;
	const char *otherwise; /* the default of a key that has none */
} all_sections[] = {
	{ "",           "",     top_keys,        COUNT(top_keys),        "-" },
	{ "view",       "  ",   view_keys,       COUNT(view_keys),       "-" },
	{ "view.redis", "    ", view_redis_keys, COUNT(view_redis_keys), "-" },
	{ "gate",       "  ",   gate_keys,       COUNT(gate_keys),       "-" },
	{ "gate.redis", "    ", gate_redis_keys, COUNT(gate_redis_keys), "the view's" },
	{ "web",        "  ",   web_keys,        COUNT(web_keys),        "-" },
	{ "mail",       "  ",   mail_keys,       COUNT(mail_keys),       "-" },
};
/* clang-format on */

/* --- Reading ------------------------------------------------------------- */

struct loader {
	struct arena *arena;
	struct faults *faults;
	struct yaml_file file;
	struct sections out;
	struct str folder; /* of the file, with its last slash */
};

/* A section that is not in the file still has its fallbacks. */
static const struct yaml_node no_keys = {
	.kind = YAML_MAP, .line = 1, .column = 1
};

static const struct yaml_node *
section_read(struct loader *l, const struct yaml_node *map,
    const struct yaml_key *keys, size_t count)
{
	if (map == NULL)
		map = &no_keys;
	yaml_read(&l->file, map, keys, count, &l->out, l->arena, l->faults);
	return map;
}

static void
fault_at(struct loader *l, const struct yaml_node *map, const char *key,
    const char *says)
{
	const struct yaml_node *node = yaml_get(map, key);

	if (node == NULL)
		node = map;
	fault_add(l->faults, l->file.path, node->line, node->column,
	    "config_value", "%s: %s", key, says);
}

static void
path_make(struct loader *l, const struct yaml_node *map, const char *key,
    struct str *path)
{
	if (path->len == 0)
		return;
	if (path->ptr[0] != '/')
		*path = str_fmt(
		    l->arena, "%.*s%.*s", STR_ARGS(l->folder), STR_ARGS(*path));
	if (path->ptr == NULL || path->len >= PATH_MAX_BYTES)
		fault_at(l, map, key, "the path is too long; use a shorter");
}

/* The kernel's bound for the name of a unix socket. */
static void
socket_path_make(struct loader *l, const struct yaml_node *map, const char *key,
    struct str *path)
{
	path_make(l, map, key, path);
	if (path->len > SOCKET_PATH_MAX)
		fault_at(l, map, key,
		    "the path of a socket has at most 107 bytes; use a "
		    "shorter");
}

/* Lower case, as browsers send it: it is compared byte by byte. */
#define ORIGIN_CHARS "abcdefghijklmnopqrstuvwxyz0123456789.-:[]"
#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static bool
all_of(struct str text, const char *allowed)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] == '\0' || strchr(allowed, text.ptr[i]) == NULL)
			return false;
	return true;
}

static bool
is_host_port(struct str address)
{
	struct str host;
	bool bare;
	int port;

	if (!redis_host_port(address, &host, &port))
		return false;
	bare = host.ptr == address.ptr; /* else it stands in brackets */
	return host.len + (bare ? 0 : 2) <= HOST_MAX &&
	       all_of(host, bare ? ALNUM "_.-" : ALNUM "_.:%-");
}

static void
address_make(struct loader *l, const struct yaml_node *map, struct str *address)
{
	const struct str unix_word = STR("unix:");
	struct str path;

	if (!str_starts(*address, unix_word)) {
		if (address->len > 0 && !is_host_port(*address))
			fault_at(l, map, "address",
			    "write unix:/path, host:port or [::1]:port");
		return;
	}
	path = (struct str){ address->ptr + unix_word.len,
		address->len - unix_word.len };
	if (path.len == 0)
		fault_at(l, map, "address", "names no path; write unix:/path");
	socket_path_make(l, map, "address", &path);
	*address = str_fmt(l->arena, "unix:%.*s", STR_ARGS(path));
}

/* Only what this section says itself: the rest was judged where it stands. */
static void
redis_check(
    struct loader *l, const struct yaml_node *map, struct redis_config *redis)
{
	bool has_address = yaml_get(map, "address") != NULL;
	bool has_user = yaml_get(map, "user") != NULL;
	bool has_password = yaml_get(map, "password_file") != NULL;

	if (has_address)
		address_make(l, map, &redis->address);
	if (has_password)
		path_make(l, map, "password_file", &redis->password_file);
	if (has_user && !has_password)
		fault_at(l, map, "user",
		    "has no password; name its file as password_file");
	if ((has_user || has_password) && !has_address &&
	    redis->address.len == 0)
		fault_at(l, map, has_user ? "user" : "password_file",
		    "is for no server; name one as address");
}

static void
view_check(struct loader *l, const struct yaml_node *map)
{
	struct config_view *view = &l->out.config.view;

	if (view->ns.len > NAMESPACE_MAX || !all_of(view->ns, ALNUM "_.-"))
		fault_at(l, map, "namespace",
		    "write at most 64 letters, digits, '_', '.' or '-'");
	path_make(l, map, "key_file", &view->key_file);
}

static void
view_redis_read(struct loader *l)
{
	struct config_view *view = &l->out.config.view;
	const struct yaml_node *map = section_read(
	    l, l->out.view_redis, view_redis_keys, COUNT(view_redis_keys));

	redis_check(l, map, &view->redis);
	if (yaml_get(map, "address") != NULL && view->key_file.len == 0)
		fault_at(l, map, "address",
		    "has nothing to sign with; make a key with rolegate key "
		    "new and name it as view.key_file");
}

static void
gate_check(struct loader *l, const struct yaml_node *map)
{
	struct config_gate *gate = &l->out.config.gate;

	socket_path_make(l, map, "socket", &gate->socket);
	socket_path_make(l, map, "control", &gate->control);
	socket_path_make(l, map, "metrics", &gate->metrics);
	path_make(l, map, "routes", &gate->routes);
	path_make(l, map, "log_file", &gate->log_file);
	path_make(l, map, "filter_key_file", &gate->filter_key_file);
	/* RFC 6265: a cookie's name is a token of RFC 2616. */
	if (gate->cookie.len > COOKIE_NAME_MAX ||
	    !all_of(gate->cookie, ALNUM "!#$%&'*+-.^_`|~"))
		fault_at(l, map, "cookie",
		    "is not the name of a cookie; write at most 128 letters, "
		    "digits, '_' or '-'");
}

/* What is not set is as in view.redis. Only user and password go together
 * with the address: the publisher's, which may write, are not sent to another
 * server, and not mixed with the gate's own. */
static void
gate_redis_read(struct loader *l)
{
	struct redis_config *redis = &l->out.config.gate.redis;
	const struct yaml_node *map = l->out.gate_redis;

	*redis = l->out.config.view.redis;
	if (yaml_get(map, "address") != NULL || yaml_get(map, "user") != NULL ||
	    yaml_get(map, "password_file") != NULL) {
		redis->user = STR("");
		redis->password_file = STR("");
	}
	map = section_read(l, map, gate_redis_keys, COUNT(gate_redis_keys));
	redis_check(l, map, redis);
}

/* RFC 6454: scheme, host and port; what a browser sends as Origin. */
static bool
is_origin(struct str text)
{
	struct str scheme = STR("https://");
	struct str host;

	if (str_starts(text, STR("http://")))
		scheme = STR("http://");
	if (!str_starts(text, scheme))
		return false;
	host = (struct str){ text.ptr + scheme.len, text.len - scheme.len };
	return host.len > 0 && host.len <= HOST_MAX &&
	       all_of(host, ORIGIN_CHARS);
}

#define ORIGIN_SAYS "write https://host, with :port where it is not 443"

static void
web_check(struct loader *l, const struct yaml_node *map)
{
	struct config_web *web = &l->out.config.web;

	socket_path_make(l, map, "socket", &web->socket);
	socket_path_make(l, map, "activity", &web->activity);
	if (web->origin.len > 0 && !is_origin(web->origin))
		fault_at(l, map, "origin", ORIGIN_SAYS);
	for (size_t i = 0; i < web->return_origins.count; i++)
		if (!is_origin(web->return_origins.items[i]))
			fault_at(l, map, "return_origins", ORIGIN_SAYS);
	if (web->idle_s > web->session_s)
		fault_at(l, map, "idle_s", "is longer than session_s");
	if (web->directory && l->out.config.mapping.len == 0)
		fault_at(l, map, "directory",
		    "needs the mapping file; name it as mapping");
}

static void
mail_check(struct loader *l, const struct yaml_node *map)
{
	struct config_mail *mail = &l->out.config.mail;

	path_make(l, map, "sendmail", &mail->sendmail);
	path_make(l, map, "smtp_password_file", &mail->smtp_password_file);
	path_make(l, map, "smtp_ca_file", &mail->smtp_ca_file);
	if (mail->smtp.len > 0 && !is_host_port(mail->smtp))
		fault_at(l, map, "smtp", "write host:port or [::1]:port");
	if ((mail->smtp_user.len > 0) != (mail->smtp_password_file.len > 0))
		fault_at(l, map,
		    mail->smtp_user.len > 0 ? "smtp_user"
					    : "smtp_password_file",
		    "smtp_user and smtp_password_file go together");
	if (mail->smtp_user.len > 0 && !mail->starttls)
		fault_at(l, map, "starttls",
		    "a password goes to no server without TLS; write yes");
	if (mail->from.len > 0 && l->out.config.web.origin.len == 0)
		fault_at(l, map, "from",
		    "an invitation leads to rolegate-web; write web.origin");
}

static void
all_read(struct loader *l)
{
	struct sections *s = &l->out;
	const struct yaml_node *top = l->file.root;
	const struct yaml_node *map;

	section_read(l, top, top_keys, COUNT(top_keys));
	path_make(l, top, "store", &s->config.store);
	path_make(l, top, "catalogues", &s->config.catalogues);
	path_make(l, top, "mapping", &s->config.mapping);

	map = section_read(l, s->view, view_keys, COUNT(view_keys));
	view_check(l, map);
	view_redis_read(l);
	map = section_read(l, s->gate, gate_keys, COUNT(gate_keys));
	gate_check(l, map);
	gate_redis_read(l);
	map = section_read(l, s->web, web_keys, COUNT(web_keys));
	web_check(l, map);
	map = section_read(l, s->mail, mail_keys, COUNT(mail_keys));
	mail_check(l, map);
}

/* Paths are made whole here, so that they hold wherever the process goes. */
static bool
folder_find(struct loader *l, struct str path)
{
	char here[PATH_MAX_BYTES];
	struct str whole = path;
	const char *slash;

	if (path.ptr[0] != '/') {
		if (getcwd(here, sizeof(here)) == NULL) {
			fault_add(l->faults, path, 0, 0, "file_read",
			    "the current folder is not known: %s; name the "
			    "file with its whole path",
			    strerror(errno));
			return false;
		}
		whole = str_fmt(l->arena, "%s/%.*s", here, STR_ARGS(path));
	}
	if (!text_is_clean(whole)) {
		fault_add(l->faults, path, 0, 0, "config_value",
		    "the file's name, or a folder's, has bytes that cannot be "
		    "shown; rename it");
		return false;
	}
	slash = whole.len > 0 ? memrchr(whole.ptr, '/', whole.len) : NULL;
	if (slash != NULL)
		l->folder = str_copy(l->arena,
		    (struct str){ whole.ptr, (size_t)(slash - whole.ptr) + 1 });
	if (l->folder.ptr == NULL)
		fault_add(l->faults, path, 0, 0, "no_memory",
		    "memory is out; give the process more");
	return l->folder.ptr != NULL;
}

bool
config_load(struct arena *arena, const char *path, struct config *out,
    struct faults *faults)
{
	struct loader l = { .arena = arena, .faults = faults };
	size_t before = faults->count;
	struct str name;

	if (path == NULL)
		path = getenv("ROLEGATE_CONFIG");
	if (path == NULL || *path == '\0')
		path = DEFAULT_PATH;
	name = str_copy(arena, str_from(path));
	if (name.ptr == NULL) {
		fault_add(faults, str_from(path), 0, 0, "no_memory",
		    "memory is out; give the process more");
		return false;
	}
	if (!folder_find(&l, name))
		return false;
	yaml_load(arena, name, &l.file, faults);
	if (l.file.root != NULL)
		all_read(&l);
	if (faults->count > before)
		return false;
	l.out.config.path = name;
	*out = l.out.config;
	return true;
}

/* --- Showing ------------------------------------------------------------- */

/* Single quotes: nothing but themselves is special between them. */
static void
text_show(struct str text, FILE *out)
{
	putc('\'', out);
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\'')
			putc('\'', out);
		putc(text.ptr[i], out);
	}
	putc('\'', out);
}

static void
texts_show(const struct names *texts, FILE *out)
{
	putc('[', out);
	for (size_t i = 0; i < texts->count; i++) {
		fputs(i > 0 ? ", " : "", out);
		text_show(texts->items[i], out);
	}
	putc(']', out);
}

static void
value_show(const struct sections *s, const struct section *section,
    const struct yaml_key *key, FILE *out)
{
	const void *at = (const char *)s + key->offset;

	if ((key->type == YAML_STR && ((const struct str *)at)->len == 0) ||
	    (key->type == YAML_STRS &&
		((const struct names *)at)->count == 0)) {
		fprintf(out, "%s# %s:\n", section->indent, key->name);
		return;
	}
	fprintf(out, "%s%s: ", section->indent, key->name);
	switch (key->type) {
	case YAML_STR:
		text_show(*(const struct str *)at, out);
		break;
	case YAML_BOOL:
		fputs(*(const bool *)at ? "yes" : "no", out);
		break;
	case YAML_INT:
		fprintf(out, "%lld", (long long)*(const int64_t *)at);
		break;
	case YAML_CHOICE:
		fputs(key->choices[*(const int *)at], out);
		break;
	case YAML_STRS:
		texts_show((const struct names *)at, out);
		break;
	case YAML_NODE:
		break;
	}
	putc('\n', out);
}

void
config_show(const struct config *config, FILE *out)
{
	struct sections s = { .config = *config };

	fprintf(out, "# %.*s\n", STR_ARGS(config->path));
	for (size_t i = 0; i < COUNT(all_sections); i++) {
		const struct section *section = &all_sections[i];
		const char *dot = strrchr(section->name, '.');

		if (dot != NULL)
			fprintf(out, "  %s:\n", dot + 1);
		else if (section->name[0] != '\0')
			fprintf(out, "%s:\n", section->name);
		for (size_t k = 0; k < section->count; k++)
			if (section->keys[k].type != YAML_NODE)
				value_show(&s, section, &section->keys[k], out);
	}
}

static void
range_show(const struct yaml_key *key, FILE *out)
{
	switch (key->type) {
	case YAML_STR:
		fputs("text", out);
		break;
	case YAML_BOOL:
		fputs("yes or no", out);
		break;
	case YAML_INT:
		fprintf(out, "%lld to %lld", (long long)key->min,
		    (long long)key->max);
		break;
	case YAML_CHOICE:
		for (size_t i = 0; key->choices[i] != NULL; i++)
			fprintf(
			    out, "%s%s", i > 0 ? ", " : "", key->choices[i]);
		break;
	case YAML_STRS:
		fputs("list", out);
		break;
	case YAML_NODE:
		break;
	}
}

void
config_keys(FILE *out)
{
	for (size_t i = 0; i < COUNT(all_sections); i++) {
		const struct section *section = &all_sections[i];

		for (size_t k = 0; k < section->count; k++) {
			const struct yaml_key *key = &section->keys[k];

			if (key->type == YAML_NODE)
				continue;
			fprintf(out, "%s%s%s\t", section->name,
			    section->name[0] != '\0' ? "." : "", key->name);
			range_show(key, out);
			fprintf(out, "\t%s\t%s\t%s\n",
			    key->required	    ? "required"
			    : key->fallback != NULL ? key->fallback
						    : section->otherwise,
			    key->reloadable ? "reload" : "restart", key->help);
		}
	}
}
