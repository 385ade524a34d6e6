/* rolegate.yaml: what it means, where its faults are, and that the table of
 * keys, the sample and the man page name the same. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bounds.h"
#include "config/config.h"
#include "tests/unit/unit.h"

#define COUNT(rows) ((int)(sizeof(rows) / sizeof((rows)[0])))
#define SAMPLE	    "packaging/rolegate.yaml.sample"
#define MAN_PAGE    "docs/man/rolegate.yaml.5"
#define TEXT_BYTES  ((size_t)256 * 1024)
#define KEYS_COUNT  64

#define TOP	    "store: s.db\ncatalogues: c\n" /* two lines */
#define VIEW	    "view:\n  key_file: k\n  redis:\n" /* three */

/* --- A folder with one file in it ----------------------------------------- */

struct place {
	char folder[64];
	char file[96];
	struct arena arena;
	struct faults faults;
	struct config config;
};

static void
place_make(struct place *p)
{
	*p = (struct place){ 0 };
	memcpy(p->folder, "/tmp/rolegate-config.XXXXXX", 28);
	ck_assert_ptr_nonnull(mkdtemp(p->folder));
	snprintf(p->file, sizeof(p->file), "%s/r.yaml", p->folder);
}

static void
place_free(struct place *p)
{
	unlink(p->file);
	ck_assert_int_eq(rmdir(p->folder), 0);
	faults_free(&p->faults);
	arena_free(&p->arena);
}

static bool
load(struct place *p, const char *text)
{
	FILE *out = fopen(p->file, "w");

	ck_assert_ptr_nonnull(out);
	ck_assert_int_ge(fputs(text, out), 0);
	ck_assert_int_eq(fclose(out), 0);
	return config_load(&p->arena, p->file, &p->config, &p->faults);
}

static void
loads(struct place *p, const char *text)
{
	if (!load(p, text)) {
		faults_print(&p->faults, stderr);
		ck_abort_msg("does not load");
	}
}

/* `name` below the folder; the whole of it with a slash in front. */
static void
is_path(const struct place *p, struct str got, const char *name)
{
	char want[256];

	snprintf(want, sizeof(want), "%s/%s", p->folder, name);
	ck_assert_msg(
	    str_eq(got, str_from(want)), "%.*s, not %s", STR_ARGS(got), want);
}

static void
is_text(struct str got, const char *want)
{
	ck_assert_msg(
	    str_eq(got, str_from(want)), "%.*s, not %s", STR_ARGS(got), want);
}

/* --- What it means -------------------------------------------------------- */

START_TEST(two_lines_are_a_whole_file)
{
	struct place p;
	const struct config_gate *gate = &p.config.gate;

	place_make(&p);
	loads(&p, TOP);
	is_text(p.config.path, p.file);
	is_path(&p, p.config.store, "s.db");
	is_path(&p, p.config.catalogues, "c");
	ck_assert_uint_eq(p.config.mapping.len, 0);
	is_text(p.config.view.ns, "default");
	ck_assert_uint_eq(p.config.view.redis.address.len, 0);
	ck_assert_int_eq(p.config.view.redis.timeout_ms, 2000);
	ck_assert_int_eq(p.config.view.redis.database, 0);
	is_text(gate->socket, "/run/rolegate/gate.sock");
	ck_assert_uint_eq(gate->socket_group.len + gate->peer_user.len +
			      gate->user.len + gate->routes.len +
			      gate->log_file.len,
	    0);
	ck_assert_int_eq(gate->workers, 0);
	ck_assert_int_eq(gate->cache_bytes, 64 * 1024 * 1024);
	ck_assert_int_eq(gate->wait_ms, 100);
	ck_assert_int_eq(gate->heartbeat_max_s, 5);
	ck_assert_int_eq(gate->log, LOG_DENIALS);
	/* Nobody is let in by default, and nothing old is served. */
	ck_assert_uint_eq(gate->cookie.len, 0);
	ck_assert(!gate->trusted_user);
	ck_assert_int_eq(gate->stale_max_s, 0);
	place_free(&p);
}
END_TEST

START_TEST(relative_paths_are_taken_from_the_files_folder)
{
	struct place p;

	place_make(&p);
	loads(&p, "store: s.db\ncatalogues: ../c\nmapping: /m.yaml\n"
		  "view:\n  key_file: k\n  redis:\n    address: unix:r.sock\n"
		  "    user: u\n    password_file: pw\n"
		  "gate:\n  socket: g.sock\n  routes: r.yaml\n  log_file: l\n  filter_key_file: f\n");
	is_path(&p, p.config.store, "s.db");
	is_path(&p, p.config.catalogues, "../c");
	is_text(p.config.mapping, "/m.yaml");
	is_path(&p, p.config.view.key_file, "k");
	is_path(&p, p.config.view.redis.password_file, "pw");
	is_path(&p, p.config.gate.socket, "g.sock");
	is_path(&p, p.config.gate.routes, "r.yaml");
	is_path(&p, p.config.gate.log_file, "l");
	is_path(&p, p.config.gate.filter_key_file, "f");
	ck_assert(str_starts(p.config.view.redis.address, STR("unix:/")));
	place_free(&p);
}
END_TEST

/* The process may go to another folder; the paths still hold. */
START_TEST(paths_are_whole_wherever_the_file_was_named_from)
{
	struct place p;
	char before[PATH_MAX];

	ck_assert_ptr_nonnull(getcwd(before, sizeof(before)));
	place_make(&p);
	loads(&p, TOP);
	ck_assert_int_eq(chdir(p.folder), 0);
	ck_assert(config_load(&p.arena, "r.yaml", &p.config, &p.faults));
	is_text(p.config.path, "r.yaml");
	is_path(&p, p.config.store, "s.db");
	ck_assert(config_load(&p.arena, "./r.yaml", &p.config, &p.faults));
	is_path(&p, p.config.store, "./s.db");
	ck_assert_int_eq(chdir(before), 0);
	place_free(&p);
}
END_TEST

START_TEST(the_file_is_the_named_one_or_the_variables)
{
	struct place p;

	place_make(&p);
	loads(&p, TOP);
	ck_assert_int_eq(setenv("ROLEGATE_CONFIG", p.file, 1), 0);
	p.config = (struct config){ 0 };
	ck_assert(config_load(&p.arena, NULL, &p.config, &p.faults));
	is_text(p.config.path, p.file);
	ck_assert_int_eq(setenv("ROLEGATE_CONFIG", "/no/such.yaml", 1), 0);
	ck_assert(config_load(&p.arena, p.file, &p.config, &p.faults));
	ck_assert(!config_load(&p.arena, NULL, &p.config, &p.faults));
	is_text(p.faults.items[0].file, "/no/such.yaml");
	unsetenv("ROLEGATE_CONFIG");
	place_free(&p);
}
END_TEST

START_TEST(what_is_broken_leaves_the_old_configuration_alone)
{
	struct place p;
	struct config before;

	place_make(&p);
	loads(&p, TOP "gate:\n  cookie: sid\n");
	before = p.config;
	ck_assert(!load(&p, TOP "gate:\n  cookie: other\n  wait_ms: 0\n"));
	ck_assert_int_eq(memcmp(&before, &p.config, sizeof(before)), 0);
	place_free(&p);
}
END_TEST

/* clang-format off */
#define PUBLISHER VIEW "    address: unix:/p\n    user: pub\n    password_file: /pw\n    timeout_ms: 300\n    database: 3\n"

static const struct { const char *says; const char *gate; const char *address; const char *user; const char *password_file; int64_t timeout_ms; int64_t database; } gates[] = {
	{ "no section: all as the publisher's", "", "unix:/p", "pub", "/pw", 300, 3 },
	{ "a user of its own, the same server", "gate:\n  redis:\n    user: g\n    password_file: /gpw\n", "unix:/p", "g", "/gpw", 300, 3 },
	{ "the publisher's password does not go elsewhere", "gate:\n  redis:\n    address: other:6379\n", "other:6379", "", "", 300, 3 },
	{ "nor together with the same address", "gate:\n  redis:\n    address: unix:/p\n", "unix:/p", "", "", 300, 3 },
	{ "a password without a user is not the publisher's user's", "gate:\n  redis:\n    password_file: /gpw\n", "unix:/p", "", "/gpw", 300, 3 },
	{ "another time-out keeps the user", "gate:\n  redis:\n    timeout_ms: 50\n", "unix:/p", "pub", "/pw", 50, 3 },
	{ "another database keeps the rest", "gate:\n  redis:\n    database: 0\n", "unix:/p", "pub", "/pw", 300, 0 },
};
/* clang-format on */

START_TEST(the_gates_redis_is_the_views_where_it_says_nothing)
{
	struct place p;
	const struct redis_config *got = &p.config.gate.redis;
	char text[1024];

	place_make(&p);
	snprintf(text, sizeof(text), "%s%s%s", TOP, PUBLISHER, gates[_i].gate);
	loads(&p, text);
	is_text(got->address, gates[_i].address);
	is_text(got->user, gates[_i].user);
	is_text(got->password_file, gates[_i].password_file);
	ck_assert_int_eq(got->timeout_ms, gates[_i].timeout_ms);
	ck_assert_int_eq(got->database, gates[_i].database);
	is_text(p.config.view.redis.user, "pub");
	place_free(&p);
}
END_TEST

/* --- What is refused, and where ------------------------------------------- */

/* clang-format off */
#define HUNDRED "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"

static const struct { const char *says; const char *text; int line; int column; const char *code; } rows[] = {
	{ "a unix socket", TOP VIEW "    address: unix:/r.sock\n", 0, 0, NULL },
	{ "a host and a port", TOP VIEW "    address: redis.example.org:6379\n", 0, 0, NULL },
	{ "a number and a port", TOP VIEW "    address: 127.0.0.1:6379\n", 0, 0, NULL },
	{ "an IPv6 number and a port", TOP VIEW "    address: '[::1]:6379'\n", 0, 0, NULL },
	{ "a link-local number", TOP VIEW "    address: '[fe80::1%eth0]:6379'\n", 0, 0, NULL },
	{ "the last port", TOP VIEW "    address: h:65535\n", 0, 0, NULL },
	{ "a port that is none", TOP VIEW "    address: h:65536\n", 6, 14, "config_value" },
	{ "an origin without a scheme", TOP "web:\n  origin: a.example.org\n", 4, 11, "config_value" },
	{ "an origin with a path", TOP "web:\n  origin: https://a.example.org/x\n", 4, 11, "config_value" },
	{ "an origin in capitals, which no browser sends", TOP "web:\n  origin: https://A.example.org\n", 4, 11, "config_value" },
	{ "an origin with a name in it", TOP "web:\n  origin: https://u@a.example.org\n", 4, 11, "config_value" },
	{ "a wrong one of several", TOP "web:\n  return_origins: [https://a, b]\n", 4, 19, "config_value" },
	{ "idle for longer than there is", TOP "web:\n  session_s: 100\n  idle_s: 101\n", 5, 11, "config_value" },
	{ "a directory without a mapping file", TOP "web:\n  directory: yes\n", 4, 14, "config_value" },
	{ "mail that leads nowhere", TOP "mail:\n  from: a@b.c\n", 4, 9, "config_value" },
	{ "a mail server without a port", TOP "mail:\n  smtp: a\n", 4, 9, "config_value" },
	{ "a user of mail without a password", TOP "mail:\n  smtp_user: a\n", 4, 14, "config_value" },
	{ "a password of mail in clear", TOP "mail:\n  smtp_user: a\n  smtp_password_file: p\n  starttls: no\n", 6, 13, "config_value" },
	{ "port 0", TOP VIEW "    address: h:0\n", 6, 14, "config_value" },
	{ "no port", TOP VIEW "    address: redis\n", 6, 14, "config_value" },
	{ "an empty port", TOP VIEW "    address: 'redis:'\n", 6, 14, "config_value" },
	{ "a service for a port", TOP VIEW "    address: h:redis\n", 6, 14, "config_value" },
	{ "no host", TOP VIEW "    address: ':6379'\n", 6, 14, "config_value" },
	{ "IPv6 without brackets", TOP VIEW "    address: '::1:6379'\n", 6, 14, "config_value" },
	{ "empty brackets", TOP VIEW "    address: '[]:6379'\n", 6, 14, "config_value" },
	{ "a URL", TOP VIEW "    address: redis://h:6379\n", 6, 14, "config_value" },
	{ "a blank in the host", TOP VIEW "    address: 'a b:6379'\n", 6, 14, "config_value" },
	{ "a user in the address", TOP VIEW "    address: 'u@h:6379'\n", 6, 14, "config_value" },
	{ "a host of 300 bytes", TOP VIEW "    address: " HUNDRED HUNDRED HUNDRED ":6379\n", 6, 14, "config_value" },
	{ "a socket without a path", TOP VIEW "    address: 'unix:'\n", 6, 14, "config_value" },
	{ "a path of 107 bytes", TOP VIEW "    address: unix:/" HUNDRED "012345\n", 0, 0, NULL },
	{ "a path of 108 bytes", TOP VIEW "    address: unix:/" HUNDRED "0123456\n", 6, 14, "config_value" },
	{ "an address and nothing to sign with", TOP "view:\n  redis:\n    address: unix:/r\n", 5, 14, "config_value" },
	{ "a user without a password", TOP VIEW "    address: unix:/r\n    user: u\n", 7, 11, "config_value" },
	{ "a user for no server", TOP VIEW "    user: u\n    password_file: p\n", 6, 11, "config_value" },
	{ "a password for no server", TOP VIEW "    password_file: p\n", 6, 20, "config_value" },
	{ "a user of the gate without a password", TOP VIEW "    address: unix:/r\ngate:\n  redis:\n    user: u\n", 9, 11, "config_value" },
	{ "a user of the gate for no server", TOP "gate:\n  redis:\n    user: u\n    password_file: p\n", 5, 11, "config_value" },
	{ "a gate with a Redis of its own alone", TOP "gate:\n  redis:\n    address: unix:/r\n", 0, 0, NULL },
	{ "the password itself", TOP VIEW "    address: unix:/r\n    password: sesame\n", 7, 5, "yaml_unknown_key" },

	{ "the least time-out", TOP VIEW "    address: unix:/r\n    timeout_ms: 10\n", 0, 0, NULL },
	{ "a time-out below it", TOP VIEW "    timeout_ms: 9\n", 6, 17, "yaml_value" },
	{ "the longest time-out", TOP VIEW "    address: unix:/r\n    timeout_ms: 60000\n", 0, 0, NULL },
	{ "a time-out above it", TOP VIEW "    timeout_ms: 60001\n", 6, 17, "yaml_value" },
	{ "no time-out at all", TOP VIEW "    timeout_ms: 0\n", 6, 17, "yaml_value" },
	{ "a time-out with a unit", TOP VIEW "    timeout_ms: 2s\n", 6, 17, "yaml_value" },
	{ "the last database", TOP VIEW "    address: unix:/r\n    database: 1023\n", 0, 0, NULL },
	{ "a database above it", TOP VIEW "    database: 1024\n", 6, 15, "yaml_value" },
	{ "a database below nought", TOP VIEW "    database: -1\n", 6, 15, "yaml_value" },

	{ "a namespace of 64 bytes", TOP "view:\n  namespace: a_B.9-" "0123456789012345678901234567890123456789012345678901234567\n", 0, 0, NULL },
	{ "a namespace of 65 bytes", TOP "view:\n  namespace: a_B.9-" "01234567890123456789012345678901234567890123456789012345678\n", 4, 14, "config_value" },
	{ "a namespace that ends early", TOP "view:\n  namespace: 'a}:b'\n", 4, 14, "config_value" },
	{ "a namespace with a colon", TOP "view:\n  namespace: 'a:b'\n", 4, 14, "config_value" },
	{ "a namespace with a star", TOP "view:\n  namespace: '*'\n", 4, 14, "config_value" },
	{ "a namespace with a NUL", TOP "view:\n  namespace: \"a\\0b\"\n", 4, 14, "yaml_value" },
	{ "a namespace of another script", TOP "view:\n  namespace: \xc3\xa4\n", 4, 14, "config_value" },

	{ "a cookie with a host prefix", TOP "gate:\n  cookie: __Host-sid\n", 0, 0, NULL },
	{ "all characters of a token", TOP "gate:\n  cookie: \"!#$%&'*+-.^_`|~09azAZ\"\n", 0, 0, NULL },
	{ "a cookie of 129 bytes", TOP "gate:\n  cookie: " HUNDRED "01234567890123456789012345678\n", 4, 11, "config_value" },
	{ "a cookie with a blank", TOP "gate:\n  cookie: 'a b'\n", 4, 11, "config_value" },
	{ "a cookie with an equals sign", TOP "gate:\n  cookie: a=b\n", 4, 11, "config_value" },
	{ "a cookie with a semicolon", TOP "gate:\n  cookie: a;b\n", 4, 11, "config_value" },
	{ "a cookie with a comma", TOP "gate:\n  cookie: 'a,b'\n", 4, 11, "config_value" },
	{ "a cookie with a NUL", TOP "gate:\n  cookie: \"a\\0\"\n", 4, 11, "yaml_value" },
	{ "a cookie without a name", TOP "gate:\n  cookie:\n", 4, 10, "yaml_value" },

	{ "a socket of 108 bytes", TOP "gate:\n  socket: /" HUNDRED "0123456\n", 4, 11, "config_value" },
	{ "a user that may be trusted: maybe", TOP "gate:\n  trusted_user: maybe\n", 4, 17, "yaml_value" },
	{ "a user that may be trusted: on", TOP "gate:\n  trusted_user: on\n", 4, 17, "yaml_value" },
	{ "a user that may be trusted: nothing", TOP "gate:\n  trusted_user:\n", 4, 16, "yaml_value" },
	{ "256 workers", TOP "gate:\n  workers: 256\n", 0, 0, NULL },
	{ "257 workers", TOP "gate:\n  workers: 257\n", 4, 12, "yaml_value" },
	{ "64 GiB of cache", TOP "gate:\n  cache_bytes: 68719476736\n", 0, 0, NULL },
	{ "one byte more", TOP "gate:\n  cache_bytes: 68719476737\n", 4, 16, "yaml_value" },
	{ "a cache with a unit", TOP "gate:\n  cache_bytes: 64M\n", 4, 16, "yaml_value" },
	{ "no wait at all", TOP "gate:\n  wait_ms: 0\n", 4, 12, "yaml_value" },
	{ "a wait of 10 s", TOP "gate:\n  wait_ms: 10000\n", 0, 0, NULL },
	{ "a longer one", TOP "gate:\n  wait_ms: 10001\n", 4, 12, "yaml_value" },
	{ "an hour of old answers", TOP "gate:\n  stale_max_s: 3600\n", 0, 0, NULL },
	{ "a second more", TOP "gate:\n  stale_max_s: 3601\n", 4, 16, "yaml_value" },
	{ "old answers for ever", TOP "gate:\n  stale_max_s: -1\n", 4, 16, "yaml_value" },
	{ "a heart that need not beat", TOP "gate:\n  heartbeat_max_s: 0\n", 4, 20, "yaml_value" },
	{ "a beat a minute", TOP "gate:\n  heartbeat_max_s: 60\n", 0, 0, NULL },
	{ "a slower one", TOP "gate:\n  heartbeat_max_s: 61\n", 4, 20, "yaml_value" },
	{ "all decisions logged", TOP "gate:\n  log: all\n", 0, 0, NULL },
	{ "a log of something else", TOP "gate:\n  log: some\n", 4, 8, "yaml_value" },

	{ "no store", "catalogues: c\n", 1, 1, "yaml_missing" },
	{ "no catalogues", "store: s\n", 1, 1, "yaml_missing" },
	{ "a list of stores", "store: [a]\ncatalogues: c\n", 1, 8, "yaml_type" },
	{ "an unknown key at the top", TOP "stores: s\n", 3, 1, "yaml_unknown_key" },
	{ "an unknown key of the view", TOP "view:\n  ns: x\n", 4, 3, "yaml_unknown_key" },
	{ "an unknown key of the gate", TOP "gate:\n  cokie: x\n", 4, 3, "yaml_unknown_key" },
	{ "a key of the gate at the top", TOP "cookie: x\n", 3, 1, "yaml_unknown_key" },
	{ "a key of the gate in the view", TOP "view:\n  cookie: x\n", 4, 3, "yaml_unknown_key" },
	{ "a section without keys", TOP "gate:\n", 3, 6, "yaml_type" },
	{ "a section that is a list", TOP "gate:\n  - cookie\n", 4, 3, "yaml_type" },
	{ "a Redis that is a word", TOP "view:\n  redis: unix:/r\n", 4, 10, "yaml_type" },
	{ "a section twice", TOP "gate:\n  cookie: a\ngate:\n  cookie: b\n", 5, 1, "yaml_double_key" },
	{ "an anchor", TOP "gate: &g\n  cookie: a\n", 3, 7, "yaml_anchor" },
	{ "a syntax error", TOP "gate: [\n", 4, 1, "yaml_syntax" },
	{ "an empty file", "", 1, 1, "yaml_empty" },
};
/* clang-format on */

START_TEST(loads_or_says_where_it_is_broken)
{
	struct place p;
	bool ok;

	place_make(&p);
	ok = load(&p, rows[_i].text);
	if (rows[_i].line == 0) {
		faults_print(&p.faults, stderr);
		ck_assert_msg(ok, "%s", rows[_i].says);
		place_free(&p);
		return;
	}
	ck_assert_msg(!ok, "%s: was accepted", rows[_i].says);
	if (p.faults.count != 1)
		faults_print(&p.faults, stderr);
	ck_assert_msg(p.faults.count == 1, "%s: %zu faults", rows[_i].says,
	    p.faults.count);
	is_text(p.faults.items[0].file, p.file);
	ck_assert_msg(p.faults.items[0].line == rows[_i].line &&
			  p.faults.items[0].column == rows[_i].column &&
			  strcmp(p.faults.items[0].code, rows[_i].code) == 0,
	    "%s: %d:%d %s [%s]", rows[_i].says, p.faults.items[0].line,
	    p.faults.items[0].column, p.faults.items[0].text.ptr,
	    p.faults.items[0].code);
	place_free(&p);
}
END_TEST

START_TEST(all_faults_come_at_once)
{
	static const int lines[] = { 1, 2, 3, 5, 7, 8, 10, 11, 13 };
	struct place p;

	place_make(&p);
	ck_assert(!load(&p, "store: []\ncatalogues: [c]\nstor: x\n"
			    "view:\n  namespace: '{}'\n  redis:\n"
			    "    address: nowhere\n    timeout_ms: soon\n"
			    "gate:\n  wait_ms: 0\n  wait_ms: 5\n"
			    "  redis:\n    database: x\n"));
	for (int i = 0; i < COUNT(lines); i++) {
		bool told = false;

		for (size_t k = 0; k < p.faults.kept; k++)
			told |= p.faults.items[k].line == lines[i];
		ck_assert_msg(told, "nothing about line %d", lines[i]);
	}
	place_free(&p);
}
END_TEST

START_TEST(a_path_over_PATH_MAX_BYTES_is_a_fault)
{
	static char text[PATH_MAX_BYTES + 64];
	struct place p;
	int n = snprintf(text, sizeof(text), "catalogues: c\nstore: /");

	place_make(&p);
	memset(text + n, 'x', PATH_MAX_BYTES - 2);
	loads(&p, text); /* one byte is for the NUL */
	text[n + PATH_MAX_BYTES - 2] = 'x';
	text[n + PATH_MAX_BYTES - 1] = 'x';
	ck_assert(!load(&p, text));
	ck_assert_int_eq(p.faults.items[0].line, 2);
	ck_assert_str_eq(p.faults.items[0].code, "config_value");
	place_free(&p);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_or_shown)
{
	struct place p;

	place_make(&p);
	ck_assert(
	    !config_load(&p.arena, "/no/such.yaml", &p.config, &p.faults));
	ck_assert_str_eq(p.faults.items[0].code, "file_read");
	ck_assert(!config_load(&p.arena, "a\nb.yaml", &p.config, &p.faults));
	ck_assert_str_eq(p.faults.items[1].code, "config_value");
	place_free(&p);
}
END_TEST

/* --- Showing -------------------------------------------------------------- */

/* clang-format off */
static const char *const shown_rows[] = {
	TOP,
	TOP "mapping: m\n",
	TOP PUBLISHER,
	TOP PUBLISHER "gate:\n  redis:\n    user: g\n    password_file: gp\n",
	TOP PUBLISHER "gate:\n  redis:\n    address: h:1\n",
	TOP PUBLISHER "gate:\n  redis:\n    timeout_ms: 11\n    database: 1\n",
	TOP VIEW "    address: '[::1]:6379'\n",
	TOP "view:\n  namespace: n.s\n  key_file: k\n",
	TOP "gate:\n  socket: g\n  socket_group: sg\n  peer_user: pu\n  user: u\n  workers: 3\n  cache_bytes: 0\n  wait_ms: 7\n  stale_max_s: 8\n  heartbeat_max_s: 9\n  cookie: \"a'b\"\n  trusted_user: true\n  routes: r\n  log: off\n  log_file: '# l: ''x'' '\n  redis:\n    address: h:1\n",
	TOP "gate:\n  cookie: c\nweb:\n  origin: https://a.example.org:8443\n  return_origins: [https://b.example.org, http://c]\n  session_s: 100\n  idle_s: 99\n  passwords: no\nmail:\n  from: a@b.c\n  smtp: '[::1]:25'\n  smtp_user: u\n  smtp_password_file: p\n  timeout_ms: 200\n",
	"store: \"it's: [a] #b\"\ncatalogues: '- &x *y !z'\n",
};
/* clang-format on */

static char *
shown(const struct config *config)
{
	char *text = calloc(1, TEXT_BYTES);
	FILE *out;

	ck_assert_ptr_nonnull(text);
	out = fmemopen(text, TEXT_BYTES, "w");
	ck_assert_ptr_nonnull(out);
	config_show(config, out);
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

START_TEST(what_is_shown_loads_to_the_same)
{
	struct place p;
	char *first;
	char *second;

	place_make(&p);
	loads(&p, shown_rows[_i]);
	first = shown(&p.config);
	loads(&p, first);
	second = shown(&p.config);
	ck_assert_str_eq(first, second);
	free(first);
	free(second);
	place_free(&p);
}
END_TEST

/* --- Table, sample and man page ------------------------------------------- */

/* What `rolegate config keys` prints of one key. */
struct key {
	struct str name;
	struct str takes;
	struct str fallback;
	struct str change;
	struct str help;
};

struct keys {
	char *text;
	struct key items[KEYS_COUNT];
	int count;
};

static void
keys_get(struct keys *keys)
{
	struct str rest;
	struct str line;
	FILE *out;

	*keys = (struct keys){ .text = calloc(1, TEXT_BYTES) };
	ck_assert_ptr_nonnull(keys->text);
	out = fmemopen(keys->text, TEXT_BYTES, "w");
	ck_assert_ptr_nonnull(out);
	config_keys(out);
	ck_assert_int_eq(fclose(out), 0);
	rest = str_from(keys->text);
	while (str_next(&rest, '\n', &line) && line.len > 0) {
		struct key *key = &keys->items[keys->count++];

		ck_assert_int_lt(keys->count, KEYS_COUNT);
		ck_assert(str_next(&line, '\t', &key->name));
		ck_assert(str_next(&line, '\t', &key->takes));
		ck_assert(str_next(&line, '\t', &key->fallback));
		ck_assert(str_next(&line, '\t', &key->change));
		ck_assert(str_next(&line, '\t', &key->help));
		ck_assert(!str_next(&line, '\t', &key->help));
	}
	ck_assert_int_ge(keys->count, 20);
}

static struct str
file_text(struct arena *arena, const char *path)
{
	char *text = arena_alloc(arena, TEXT_BYTES, 1);
	FILE *in = fopen(path, "r");
	size_t len;

	ck_assert_msg(in != NULL, "%s: run from the top folder", path);
	len = fread(text, 1, TEXT_BYTES - 1, in);
	fclose(in);
	ck_assert_uint_lt(len, TEXT_BYTES - 1);
	return (struct str){ text, len };
}

/* "#  name: value": a key that is commented out. Prose has "# " in front. */
static bool
is_key_line(struct str line)
{
	size_t i = 1;

	if (line.len < 2 || line.ptr[0] != '#')
		return false;
	while (i < line.len && line.ptr[i] == ' ')
		i++;
	if (i % 2 == 0)
		return false; /* "# Prose": keys stand at even columns */
	while (i < line.len && ((line.ptr[i] >= 'a' && line.ptr[i] <= 'z') ||
				   line.ptr[i] == '_'))
		i++;
	return i < line.len && line.ptr[i] == ':';
}

/* The sample with everything in it taken out of its comment. */
static struct str
sample_whole(struct arena *arena)
{
	struct str rest = file_text(arena, SAMPLE);
	struct str whole = STR("");
	struct str line;

	while (str_next(&rest, '\n', &line)) {
		if (is_key_line(line)) {
			line.ptr++;
			line.len--;
		}
		whole = str_fmt(
		    arena, "%.*s%.*s\n", STR_ARGS(whole), STR_ARGS(line));
	}
	return whole;
}

static int
key_find(const struct keys *keys, struct str name)
{
	for (int k = 0; k < keys->count; k++)
		if (str_eq(keys->items[k].name, name))
			return k;
	ck_abort_msg("%.*s: is no key", STR_ARGS(name));
	return -1;
}

/* The names of all keys below a map, with their sections. */
static void
names_walk(const struct yaml_node *map, const char *section,
    const struct keys *keys, int *seen)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct yaml_pair *pair = &map->pairs[i];
		char name[256];
		int found;

		snprintf(name, sizeof(name), "%s%s%.*s", section,
		    *section != '\0' ? "." : "", STR_ARGS(pair->key.text));
		if (pair->value.kind == YAML_MAP) {
			names_walk(&pair->value, name, keys, seen);
			continue;
		}
		found = key_find(keys, str_from(name));
		seen[found]++;
		/* What has a default shows it. */
		if (!str_eq(keys->items[found].fallback, STR("-")) &&
		    !str_eq(keys->items[found].fallback, STR("required")) &&
		    !str_eq(keys->items[found].fallback, STR("the view's")))
			ck_assert_msg(str_eq(keys->items[found].fallback,
					  pair->value.text),
			    "%s: the default is %.*s", name,
			    STR_ARGS(keys->items[found].fallback));
	}
}

static void
all_seen_once(const struct keys *keys, const int *seen, const char *where)
{
	for (int k = 0; k < keys->count; k++)
		ck_assert_msg(seen[k] == 1, "%s: %.*s stands there %d times",
		    where, STR_ARGS(keys->items[k].name), seen[k]);
}

START_TEST(the_sample_has_every_key_with_its_default)
{
	int seen[KEYS_COUNT] = { 0 };
	struct place p;
	struct yaml_file file;
	struct keys keys;
	struct str whole;

	place_make(&p);
	keys_get(&keys);
	whole = sample_whole(&p.arena);
	if (!yaml_parse(&p.arena, STR(SAMPLE), whole, &file, &p.faults)) {
		faults_print(&p.faults, stderr);
		ck_abort_msg("the sample is not YAML");
	}
	names_walk(file.root, "", &keys, seen);
	all_seen_once(&keys, seen, SAMPLE);
	loads(&p, whole.ptr);
	free(keys.text);
	place_free(&p);
}
END_TEST

/* With nothing taken out of its comment it is the two lines. */
START_TEST(the_sample_as_it_is_changes_no_default)
{
	struct place p;
	char *sample;
	char *plain;

	place_make(&p);
	loads(&p, file_text(&p.arena, SAMPLE).ptr);
	sample = shown(&p.config);
	loads(&p, "store: /var/lib/rolegate/rolegate.db\n"
		  "catalogues: /usr/share/rolegate/catalogs\n");
	plain = shown(&p.config);
	ck_assert_str_eq(sample, plain);
	free(sample);
	free(plain);
	place_free(&p);
}
END_TEST

/* roff's own signs away. */
static struct str
plain_text(struct arena *arena, struct str roff)
{
	char *out = arena_alloc(arena, roff.len + 1, 1);
	size_t len = 0;

	ck_assert_ptr_nonnull(out);
	for (size_t i = 0; i < roff.len; i++)
		if (roff.ptr[i] != '\\')
			out[len++] = roff.ptr[i];
	return (struct str){ out, len };
}

static bool
has(struct str text, const char *what)
{
	return memmem(text.ptr, text.len, what, strlen(what)) != NULL;
}

/* From the key's own line to the next entry or section. */
static struct str
entry_text(struct str page, size_t at)
{
	const char *from = page.ptr + at;
	const char *next = strstr(from, "\n.TP");
	const char *section = strstr(from, "\n.SH");

	if (next == NULL || (section != NULL && section < next))
		next = section;
	ck_assert_ptr_nonnull(next);
	return (struct str){ from, (size_t)(next - from) };
}

static void
entry_says_the_row(struct arena *arena, struct str entry, const struct key *key)
{
	struct str help = str_fmt(arena, "\n%.*s.", STR_ARGS(key->help));
	struct str fallback = key->fallback;
	struct str row;

	if (str_eq(fallback, STR("-")))
		fallback = STR("none");
	if (str_eq(fallback, STR("required")))
		row = str_fmt(arena, "\n%.*s; required; %.*s.",
		    STR_ARGS(key->takes), STR_ARGS(key->change));
	else
		row = str_fmt(arena, "\n%.*s; default: %.*s; %.*s.",
		    STR_ARGS(key->takes), STR_ARGS(fallback),
		    STR_ARGS(key->change));
	ck_assert_msg(
	    has(entry, help.ptr), "%.*s:%s", STR_ARGS(key->name), help.ptr);
	ck_assert_msg(
	    has(entry, row.ptr), "%.*s:%s", STR_ARGS(key->name), row.ptr);
}

START_TEST(the_man_page_has_every_key_with_its_row)
{
	static const char before[] = "\n.TP\n.B ";
	int seen[KEYS_COUNT] = { 0 };
	struct place p;
	struct keys keys;
	struct str page;

	place_make(&p);
	keys_get(&keys);
	page = plain_text(&p.arena, file_text(&p.arena, MAN_PAGE));
	for (const char *at = page.ptr; (at = strstr(at, before)) != NULL;) {
		struct str entry;
		int key;

		at += strlen(before);
		entry = entry_text(page, (size_t)(at - page.ptr));
		key = key_find(
		    &keys, (struct str){ entry.ptr, strcspn(entry.ptr, "\n") });
		seen[key]++;
		entry_says_the_row(&p.arena, entry, &keys.items[key]);
	}
	all_seen_once(&keys, seen, MAN_PAGE);
	free(keys.text);
	place_free(&p);
}
END_TEST

/* What is shown has every key, set or as a comment. */
START_TEST(config_show_has_every_key)
{
	struct place p;
	struct keys keys;
	struct str rest;
	struct str line;
	char *text;
	int lines = 0;

	place_make(&p);
	keys_get(&keys);
	loads(&p, TOP);
	text = shown(&p.config);
	rest = str_from(text);
	while (str_next(&rest, '\n', &line))
		if (line.len > 0)
			lines++;
	/* The file's name, and the lines of the four sections. */
	ck_assert_int_eq(lines, keys.count + 7);
	free(text);
	free(keys.text);
	place_free(&p);
}
END_TEST

static void
config_tests(TCase *t)
{
	tcase_add_test(t, two_lines_are_a_whole_file);
	tcase_add_test(t, relative_paths_are_taken_from_the_files_folder);
	tcase_add_test(t, paths_are_whole_wherever_the_file_was_named_from);
	tcase_add_test(t, the_file_is_the_named_one_or_the_variables);
	tcase_add_test(t, what_is_broken_leaves_the_old_configuration_alone);
	tcase_add_loop_test(t,
	    the_gates_redis_is_the_views_where_it_says_nothing, 0,
	    COUNT(gates));
	tcase_add_loop_test(
	    t, loads_or_says_where_it_is_broken, 0, COUNT(rows));
	tcase_add_test(t, all_faults_come_at_once);
	tcase_add_test(t, a_path_over_PATH_MAX_BYTES_is_a_fault);
	tcase_add_test(t, a_file_that_cannot_be_read_or_shown);
	tcase_add_loop_test(
	    t, what_is_shown_loads_to_the_same, 0, COUNT(shown_rows));
	tcase_add_test(t, the_sample_has_every_key_with_its_default);
	tcase_add_test(t, the_sample_as_it_is_changes_no_default);
	tcase_add_test(t, the_man_page_has_every_key_with_its_row);
	tcase_add_test(t, config_show_has_every_key);
}

UNIT_MAIN("config", config_tests)
