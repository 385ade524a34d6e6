/* config.h - the one configuration file, rolegate.yaml.
 *
 * Shape:   one table row per key (config.c): name, type, default, range,
 *          reloadable, help. The parser, `rolegate config show`, the sample
 *          file and rolegate.yaml(5) come from those rows. Only `store` and
 *          `catalogues` are required.
 * Owner:   everything lives in the arena given to config_load().
 * Errors:  every fault at once, with file:line:column; *out is then left as
 *          it was.
 * Secrets: the file names files that hold them, never the secret itself. */
#ifndef ROLEGATE_CONFIG_H
#define ROLEGATE_CONFIG_H

#include <stdio.h>

#include "base/yaml.h"
#include "publish/redis.h"

enum log_what { LOG_OFF = 0, LOG_DENIALS, LOG_ALL };
enum sandbox { SANDBOX_OFF = 0, SANDBOX_LOG, SANDBOX_KILL };

/* redis: where the view is published, and by whom. */
struct config_view {
	struct redis_config redis; /* address empty: nothing is published */
	struct str ns;             /* "default" */
	struct str key_file;       /* 64 hex digits, see record.h */
};

/* gate: rolegated. */
struct config_gate {
	struct str socket;       /* path of the FastCGI socket */
	struct str socket_group; /* nginx's group, or empty */
	struct str peer_user;    /* only this user may connect; empty: any that
	                          * the socket's mode lets in */
	struct str user;         /* to run as when started as root */
	struct str control;      /* path of the socket for `rolegate status` */
	struct str metrics;      /* path of Prometheus's socket, or empty */
	int64_t workers;         /* 0: one a core */
	struct redis_config redis; /* the read-only user; else the view's */
	int64_t cache_bytes;     /* near cache of one worker */
	int64_t wait_ms;         /* for Redis, then don't-know; 100 */
	int64_t stale_max_s;     /* serve this old when Redis is dead; 0 */
	int64_t heartbeat_max_s; /* older: the cache is not trusted; 5 */
	struct str cookie;       /* name of the session cookie, empty: none */
	bool bearer;             /* tokens of programs count */
	bool trusted_user;       /* believe nginx's ROLEGATE_TRUSTED_USER */
	struct str routes;       /* route file, or empty */
	struct str filter_key_file; /* signs filters; empty: not signed */
	int log;                 /* enum log_what */
	struct str log_file;     /* empty: standard error */
	int sandbox;             /* enum sandbox */
};

/* web: rolegate-web. */
struct config_web {
	struct str socket;       /* path of the FastCGI socket */
	struct str socket_group; /* nginx's group, or empty */
	struct str peer_user;    /* only this user may connect, or empty */
	struct str user;         /* to run as when started as root */
	int64_t workers;
	struct str origin; /* "https://app.example.org"; empty: not served */
	struct names return_origins; /* further ones to go back to */
	int64_t session_s;           /* absolute limit */
	int64_t idle_s;              /* without activity */
	bool passwords;              /* local ones count */
	bool directory;              /* those of the mapping's directories */
	int64_t attempts_max;        /* failed ones ... */
	int64_t attempts_s;          /* ... in this time */
	struct str activity; /* socket that the gate tells of activity */
};

/* mail: invitations and notices. A line for a line as struct mail_config has
 * it. */
struct config_mail {
	struct str from; /* empty: none is sent */
	struct str sendmail;
	struct str smtp; /* host:port; empty: by sendmail */
	bool starttls;
	struct str smtp_user;
	struct str smtp_password_file;
	struct str smtp_ca_file;
	int64_t timeout_ms;
};

struct config {
	struct str path;
	struct str store;
	struct str catalogues;
	struct str mapping; /* of rolegate-sync, or empty */
	struct config_view view;
	struct config_gate gate;
	struct config_web web;
	struct config_mail mail;
};

/* `path` NULL: ROLEGATE_CONFIG, else /etc/rolegate/rolegate.yaml. Relative
 * paths inside are taken from the file's own folder. */
bool config_load(struct arena *arena, const char *path, struct config *out,
    struct faults *faults);
/* Every key with its value in force, as YAML that loads to the same; the
 * file's name as a comment. */
void config_show(const struct config *config, FILE *out);
/* Every key: name, what it takes, default, "reload" or "restart", help; one a
 * line, tabs between. For `rolegate config keys` and the man page. */
void config_keys(FILE *out);

#endif
