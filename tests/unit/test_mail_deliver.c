/* Handing over, to real programs and real servers on loopback: what is sent,
 * what never leaves, and which failure is for good. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mail/deliver.h"
#include "mail/message.h"
#include "tests/unit/unit.h"

#define PYTHON "/usr/bin/python3"
#define SERVER "tests/system/smtp-server.py"

static char folder[] = "/tmp/rolegate-mail-XXXXXX";
static struct arena arena;
static struct err err;

/* --- Files ---------------------------------------------------------------- */

static struct str
in_folder(const char *name)
{
	struct str path = str_fmt(&arena, "%s/%s", folder, name);

	ck_assert_ptr_nonnull(path.ptr);
	return path;
}

static void
file_write(const char *name, const char *text, mode_t mode)
{
	FILE *file = fopen(in_folder(name).ptr, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fchmod(fileno(file), mode), 0);
	ck_assert_int_eq(fclose(file), 0);
}

/* Empty when it is not there. */
static struct str
file_read(const char *name)
{
	char *text = ARENA_ARRAY(&arena, char, 512 * 1024);
	FILE *file = fopen(in_folder(name).ptr, "r");
	size_t len = 0;

	if (file != NULL) {
		len = fread(text, 1, 512 * 1024 - 1, file);
		fclose(file);
	}
	return (struct str){ text, len };
}

static bool
has(struct str text, const char *what)
{
	return memmem(text.ptr, text.len, what, strlen(what)) != NULL;
}

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct str
message(const char *body)
{
	struct mail_message mail = {
		.from = STR("rolegate@example.org"),
		.to = STR("ann@example.org"),
		.subject = STR("Hello"),
		.body = str_from(body),
		.at_s = 1800000000,
	};
	struct str out = { NULL, 0 };

	ck_assert(mail_message_build(&arena, &mail, &out, &err));
	return out;
}

/* --- The program ---------------------------------------------------------- */

static struct mail_config
by_program(const char *script)
{
	struct str text = str_fmt(&arena, "#!/bin/sh\n%s\n", script);

	file_write("sendmail", text.ptr, 0755);
	return (struct mail_config){
		.from = STR("rolegate@example.org"),
		.sendmail = in_folder("sendmail"),
		.starttls = true,
		.timeout_ms = 20000,
	};
}

static enum mail_result
deliver(const struct mail_config *config, const char *to, const char *body)
{
	memset(&err, 0, sizeof(err));
	return mail_deliver(config, &arena, str_from(to), message(body), &err);
}

START_TEST(the_program_gets_it)
{
	struct str script = str_fmt(&arena,
	    "cd %s\nprintf '%%s\\n' \"$@\" >argv\ncat >mail\nenv >env\n"
	    "ls /proc/self/fd | wc -l >fds",
	    folder);
	struct mail_config config = by_program(script.ptr);
	struct str mail, env;

	setenv("ROLEGATE_SECRET", "x", 1);
	ck_assert_msg(
	    deliver(&config, "ann@example.org", "a\n.\nb\n") == MAIL_SENT, "%s",
	    err.text);
	ck_assert_int_eq(err.kind, ERR_NONE);
	ck_assert(str_eq(file_read("argv"),
	    STR("-i\n-f\nrolegate@example.org\n--\nann@example.org\n")));
	mail = file_read("mail");
	ck_assert(has(mail, "\nTo: ann@example.org\n"));
	ck_assert(has(mail, "\n\na\n=2E\nb\n"));
	ck_assert(!has(mail, "\r"));
	env = file_read("env");
	ck_assert(has(env, "PATH=/usr/sbin:/usr/bin:/sbin:/bin"));
	ck_assert(!has(env, "ROLEGATE") && !has(env, "HOME"));
	/* 0, 1, 2, and the folder that ls reads. */
	ck_assert(str_eq(file_read("fds"), STR("4\n")));
}
END_TEST

/* clang-format off */
static const struct program_row {
	const char *says;
	const char *script;
	enum mail_result result;
	const char *code;
	const char *text;
} program_rows[] = {
	{ "status 0 is sent, also when nothing was read", "exit 0",                       MAIL_SENT, "", "" },
	{ "75 is for now",                    "cat >/dev/null; echo full >&2; exit 75",   MAIL_FAILED_FOR_NOW, "mail_unsent", "status 75: full" },
	{ "67, no such person, is for good",  "echo nobody >&2; exit 67",                 MAIL_FAILED_FOR_GOOD, "mail_refused", "status 67: nobody" },
	{ "64 is for good",                   "exit 64",                                  MAIL_FAILED_FOR_GOOD, "mail_refused", "status 64" },
	{ "78 is for good",                   "exit 78",                                  MAIL_FAILED_FOR_GOOD, "mail_refused", "status 78" },
	{ "63 is not of sysexits",            "exit 63",                                  MAIL_FAILED_FOR_NOW, "mail_unsent", "status 63" },
	{ "79 is not of sysexits",            "exit 79",                                  MAIL_FAILED_FOR_NOW, "mail_unsent", "status 79" },
	{ "1 is for now",                     "exit 1",                                   MAIL_FAILED_FOR_NOW, "mail_unsent", "status 1" },
	{ "127 is for now",                   "exit 127",                                 MAIL_FAILED_FOR_NOW, "mail_unsent", "status 127" },
	{ "a signal is for now",              "kill -KILL $$",                            MAIL_FAILED_FOR_NOW, "mail_unsent", "by a signal" },
	{ "only the first line is told",      "printf 'a\\nb' >&2; exit 1",               MAIL_FAILED_FOR_NOW, "mail_unsent", "status 1: a" },
	{ "what moves a terminal is not",     "printf 'a\\033[2J\\377' >&2; exit 1",      MAIL_FAILED_FOR_NOW, "mail_unsent", "status 1: a?[2J?" },
	{ "who talks without end is heard out", "yes x | head -c 300000 | tr -d '\\n' >&2; exit 67", MAIL_FAILED_FOR_GOOD, "mail_refused", "status 67: xyx" },
	{ "a child left behind is not waited for", "sleep 30 2>&2 & exit 0",              MAIL_SENT, "", "" },
};
/* clang-format on */

START_TEST(programs)
{
	const struct program_row *row = &program_rows[_i];
	struct mail_config config = by_program(row->script);
	int64_t began = now_ms();
	enum mail_result result =
	    deliver(&config, "ann@example.org", "Hello\n");
	size_t len = strlen(row->text);

	ck_assert_msg(
	    result == row->result, "%s: %d, %s", row->says, result, err.text);
	ck_assert_str_eq(err.code != NULL ? err.code : "", row->code);
	if (strstr(row->text, "xyx") != NULL)
		ck_assert_ptr_nonnull(strstr(err.text, "status 67: xxxx"));
	else
		ck_assert_msg(
		    len == 0 || strcmp(err.text + strlen(err.text) - len,
				    row->text) == 0,
		    "%s: %s", row->says, err.text);
	ck_assert_int_lt(now_ms() - began, 10000);
}
END_TEST

/* More than a pipe takes at once, to who reads all, some and nothing. */
START_TEST(long_mails)
{
	static const char *const scripts[] = { "cat >\"${0%/*}/mail\"",
		"head -c 10 >/dev/null", "exec <&-; sleep 0.2" };
	struct mail_config config = by_program(scripts[_i]);
	char *body = ARENA_ARRAY(&arena, char, 64 * 1024 + 1);

	memset(body, '=', (size_t)64 * 1024);
	ck_assert_msg(deliver(&config, "ann@example.org", body) == MAIL_SENT,
	    "%s", err.text);
	if (_i == 0)
		ck_assert_uint_gt(file_read("mail").len, 3 * 64 * 1024);
}
END_TEST

START_TEST(who_hangs_is_killed_with_all_its_children)
{
	struct str script = str_fmt(&arena,
	    "trap '' TERM\ncd %s\nsleep 60 &\necho $! >child\nwait", folder);
	struct mail_config config = by_program(script.ptr);
	int64_t began = now_ms();
	int child = 0;

	config.timeout_ms = 700;
	ck_assert_int_eq(deliver(&config, "ann@example.org", "Hello\n"),
	    MAIL_FAILED_FOR_NOW);
	ck_assert_str_eq(err.code, "mail_unsent");
	ck_assert_ptr_nonnull(strstr(err.text, "within 700 ms"));
	ck_assert_int_ge(now_ms() - began, 700);
	ck_assert_int_lt(now_ms() - began, 10000);
	ck_assert_int_eq(sscanf(file_read("child").ptr, "%d", &child), 1);
	for (int i = 0; i < 100 && kill(child, 0) == 0; i++) {
		struct str stat = str_fmt(&arena, "/proc/%d/stat", child);
		char state[64] = "";
		FILE *file = fopen(stat.ptr, "r");

		if (file == NULL || fgets(state, sizeof(state), file) == NULL ||
		    strstr(state, ") Z ") != NULL)
			child = 0x7fffffff;
		if (file != NULL)
			fclose(file);
		nanosleep(&(struct timespec){ 0, 20000000 }, NULL);
	}
	ck_assert(kill(child, 0) != 0);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}
END_TEST

START_TEST(a_program_that_is_not_there)
{
	struct mail_config config = by_program("exit 0");

	config.sendmail = in_folder("nowhere");
	ck_assert_int_eq(deliver(&config, "ann@example.org", "Hello\n"),
	    MAIL_FAILED_FOR_NOW);
	ck_assert_str_eq(err.code, "mail_unsent");
	ck_assert_ptr_nonnull(strstr(err.text, "nowhere"));
}
END_TEST

/* --- What is not tried at all --------------------------------------------- */

START_TEST(addresses_are_no_options)
{
	struct str script = str_fmt(&arena, "touch %s/ran", folder);
	struct mail_config config = by_program(script.ptr);

	ck_assert_int_eq(deliver(&config, "-OQueueDirectory=/tmp", "x\n"),
	    MAIL_FAILED_FOR_GOOD);
	ck_assert_str_eq(err.code, "mail_address");
	ck_assert_int_eq(
	    deliver(&config, "ann@example.org,bob@example.org", "x\n"),
	    MAIL_FAILED_FOR_GOOD);
	config.from = STR("-x@example.org");
	ck_assert_int_eq(
	    deliver(&config, "ann@example.org", "x\n"), MAIL_FAILED_FOR_NOW);
	ck_assert_str_eq(err.code, "mail_address");
	ck_assert_int_ne(access(in_folder("ran").ptr, F_OK), 0);
}
END_TEST

START_TEST(no_configuration_sends_nothing)
{
	struct mail_config nothing = { .starttls = true };
	struct mail_config config = by_program("exit 0");

	ck_assert_int_eq(
	    deliver(&nothing, "ann@example.org", "x\n"), MAIL_FAILED_FOR_NOW);
	ck_assert_str_eq(err.code, "mail_not_configured");
	config.timeout_ms = 0;
	ck_assert_int_eq(
	    deliver(&config, "ann@example.org", "x\n"), MAIL_FAILED_FOR_NOW);
	ck_assert_str_eq(err.code, "mail_not_configured");
	config.timeout_ms = 1000;
	config.smtp = STR("example.org:25/../x");
	ck_assert_int_eq(
	    deliver(&config, "ann@example.org", "x\n"), MAIL_FAILED_FOR_NOW);
	ck_assert_str_eq(err.code, "mail_not_configured");
}
END_TEST

/* --- The server ----------------------------------------------------------- */

static struct server {
	pid_t pid;
	int end; /* closed, it ends */
	int port;
} server;

static void
child_run(const char *mode, int in, int out)
{
	dup2(in, 0);
	dup2(out, 1);
	execl(PYTHON, PYTHON, SERVER, mode, in_folder("given").ptr,
	    in_folder("cert.pem").ptr, in_folder("key.pem").ptr, (char *)NULL);
	_exit(127);
}

static struct mail_config
by_server(const char *mode)
{
	char line[32] = "";
	int in[2], out[2];

	(void)unlink(in_folder("given").ptr);
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	server.pid = fork();
	ck_assert_int_ge(server.pid, 0);
	if (server.pid == 0)
		child_run(mode, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	server.end = in[1];
	ck_assert_int_gt(read(out[0], line, sizeof(line) - 1), 0);
	ck_assert_int_eq(sscanf(line, "%d", &server.port), 1);
	close(out[0]);
	return (struct mail_config){
		.from = STR("rolegate@example.org"),
		.smtp = str_fmt(&arena, "localhost:%d", server.port),
		.starttls = true,
		.smtp_ca_file = in_folder("cert.pem"),
		.timeout_ms = 10000,
	};
}

static void
server_end(void)
{
	if (server.pid <= 0)
		return;
	close(server.end);
	waitpid(server.pid, NULL, 0);
	server.pid = 0;
}

START_TEST(the_server_gets_it)
{
	struct mail_config config = by_server("starttls");
	struct str given;

	setenv("smtp_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	ck_assert_msg(
	    deliver(&config, "ann@example.org", "a\n.\n=b\n") == MAIL_SENT,
	    "%s", err.text);
	ck_assert_int_eq(err.kind, ERR_NONE);
	given = file_read("given");
	ck_assert(has(given, "rolegate@example.org -> ['ann@example.org']\n"
			     "Date: "));
	ck_assert(has(given, "\r\n\r\na\r\n=2E\r\n=3Db\r\n"));
}
END_TEST

START_TEST(a_password_goes_through_tls)
{
	struct mail_config config = by_server("auth");

	file_write("password", "open sesame\n", 0600);
	config.smtp_user = STR("robot");
	config.smtp_password_file = in_folder("password");
	ck_assert_msg(deliver(&config, "ann@example.org", "x\n") == MAIL_SENT,
	    "%s", err.text);
	ck_assert(has(file_read("given"), "auth robot open sesame\n"));
}
END_TEST

START_TEST(a_wrong_password_is_ours_to_mend)
{
	struct mail_config config = by_server("auth");

	file_write("password", "guess\n", 0600);
	config.smtp_user = STR("robot");
	config.smtp_password_file = in_folder("password");
	ck_assert_int_eq(
	    deliver(&config, "ann@example.org", "x\n"), MAIL_FAILED_FOR_NOW);
	ck_assert_str_eq(err.code, "mail_unsent");
	ck_assert_ptr_null(strstr(err.text, "guess"));
	ck_assert(!has(file_read("given"), "->"));
}
END_TEST

START_TEST(a_password_file_that_others_read)
{
	struct mail_config config = by_server("auth");

	file_write("password", "open sesame\n", 0644);
	config.smtp_user = STR("robot");
	config.smtp_password_file = in_folder("password");
	ck_assert_int_eq(
	    deliver(&config, "ann@example.org", "x\n"), MAIL_FAILED_FOR_NOW);
	ck_assert_str_eq(err.code, "mail_password");
	ck_assert_uint_eq(file_read("given").len, 0);
}
END_TEST

/* clang-format off */
static const struct server_row {
	const char *says;
	const char *mode;
	const char *to;
	const char *body;
	bool starttls;
	const char *ca; /* "" of the system */
	enum mail_result result;
	const char *code;
	const char *text;
	bool given;
} server_rows[] = {
	{ "without STARTTLS nothing goes to who does not offer it", "plain", "ann@example.org", "x\n", true, "cert.pem", MAIL_FAILED_FOR_NOW, "mail_unsent", "STARTTLS", false },
	{ "nor to who does not begin it",          "torn",     "ann@example.org",   "x\n",    true,  "cert.pem",  MAIL_FAILED_FOR_NOW,  "mail_unsent",  "STARTTLS", false },
	{ "nor to who has a certificate of nobody", "starttls", "ann@example.org",  "x\n",    true,  "",          MAIL_FAILED_FOR_NOW,  "mail_unsent",  "certificate", false },
	{ "nor to who has another's name",         "other",    "ann@example.org",   "x\n",    true,  "other.pem", MAIL_FAILED_FOR_NOW,  "mail_unsent",  "localhost", false },
	{ "nor to who takes it in clear as well",  "optional", "ann@example.org",   "x\n",    true,  "",          MAIL_FAILED_FOR_NOW,  "mail_unsent",  "certificate", false },
	{ "in clear when that is what was set",    "plain",    "ann@example.org",   "x\n",    false, "cert.pem",  MAIL_SENT,            "",             "", true },
	{ "550 is for good",                       "starttls", "gone@example.org",  "x\n",    true,  "cert.pem",  MAIL_FAILED_FOR_GOOD, "mail_refused", "550 5.1.1 there is nobody of this name", false },
	{ "451 is for now",                        "starttls", "later@example.org", "x\n",    true,  "cert.pem",  MAIL_FAILED_FOR_NOW,  "mail_unsent",  "451 4.7.1 come again", false },
	{ "554 after the text is for good",        "starttls", "ann@example.org",   "SPAM\n", true,  "cert.pem",  MAIL_FAILED_FOR_GOOD, "mail_refused", "554 5.7.1 this is spam", true },
	{ "530: who wants a password gets none in clear", "auth", "ann@example.org", "x\n",   true,  "cert.pem",  MAIL_FAILED_FOR_GOOD, "mail_refused", "530", false },
	{ "554 for a greeting is for now",         "closed",   "ann@example.org",   "x\n",    true,  "cert.pem",  MAIL_FAILED_FOR_NOW,  "mail_unsent",  "554 no mail here", false },
	{ "silence is for now",                    "silent",   "ann@example.org",   "x\n",    true,  "cert.pem",  MAIL_FAILED_FOR_NOW,  "mail_unsent",  "", false },
};
/* clang-format on */

START_TEST(servers)
{
	const struct server_row *row = &server_rows[_i];
	bool other = strcmp(row->mode, "other") == 0;
	struct mail_config config;
	enum mail_result result;
	struct str given;

	if (other) {
		rename(in_folder("cert.pem").ptr, in_folder("kept.pem").ptr);
		ck_assert_int_eq(link(in_folder("other.pem").ptr,
				     in_folder("cert.pem").ptr),
		    0);
	}
	config = by_server(other ? "starttls" : row->mode);
	if (other)
		rename(in_folder("kept.pem").ptr, in_folder("cert.pem").ptr);
	config.starttls = row->starttls;
	config.smtp_ca_file = row->ca[0] != '\0' ? in_folder(row->ca) : STR("");
	config.timeout_ms = strcmp(row->mode, "silent") == 0 ? 500 : 10000;
	result = deliver(&config, row->to, row->body);
	ck_assert_msg(
	    result == row->result, "%s: %d, %s", row->says, result, err.text);
	ck_assert_str_eq(err.code != NULL ? err.code : "", row->code);
	ck_assert_msg(
	    strstr(err.text, row->text) != NULL, "%s: %s", row->says, err.text);
	given = file_read("given");
	ck_assert_msg(has(given, "->") == row->given, "%s: %.*s", row->says,
	    STR_ARGS(given));
	ck_assert(!has(given, "MAIL FROM"));
}
END_TEST

START_TEST(no_password_in_clear)
{
	struct mail_config config = by_server("plain");

	file_write("password", "open sesame\n", 0600);
	config.starttls = false;
	config.smtp_user = STR("robot");
	config.smtp_password_file = in_folder("password");
	ck_assert_int_eq(
	    deliver(&config, "ann@example.org", "x\n"), MAIL_FAILED_FOR_NOW);
	ck_assert_str_eq(err.code, "mail_plain_password");
	ck_assert_uint_eq(file_read("given").len, 0);
}
END_TEST

START_TEST(nobody_listens)
{
	struct mail_config config = by_server("plain");

	server_end();
	ck_assert_int_eq(
	    deliver(&config, "ann@example.org", "x\n"), MAIL_FAILED_FOR_NOW);
	ck_assert_str_eq(err.code, "mail_unsent");
}
END_TEST

/* --- Fixtures ------------------------------------------------------------- */

static void
folder_make(void)
{
	static const char *const lines[][2] = { { "localhost", "cert" },
		{ "other.example", "other" } };

	ck_assert_ptr_nonnull(mkdtemp(folder));
	for (int i = 0; i < 2; i++) {
		struct str command = str_fmt(&arena,
		    "cd %s && { test -e key.pem || openssl genpkey -algorithm "
		    "EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem; } && "
		    "openssl req -x509 -new -key key.pem -subj /CN=%s -addext "
		    "subjectAltName=DNS:%s -days 2 -out %s.pem",
		    folder, lines[i][0], lines[i][0], lines[i][1]);

		ck_assert_int_eq(system(command.ptr), 0);
	}
}

static void
folder_remove(void)
{
	struct str command = str_fmt(&arena, "rm -rf %s", folder);

	ck_assert_int_eq(system(command.ptr), 0);
	arena_free(&arena);
}

static void
test_end(void)
{
	server_end();
	arena_free(&arena);
}

#define ROWS(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

static void
tests(TCase *t)
{
	tcase_add_unchecked_fixture(t, folder_make, folder_remove);
	tcase_add_checked_fixture(t, NULL, test_end);
	tcase_add_test(t, the_program_gets_it);
	tcase_add_loop_test(t, programs, 0, ROWS(program_rows));
	tcase_add_loop_test(t, long_mails, 0, 3);
	tcase_add_test(t, who_hangs_is_killed_with_all_its_children);
	tcase_add_test(t, a_program_that_is_not_there);
	tcase_add_test(t, addresses_are_no_options);
	tcase_add_test(t, no_configuration_sends_nothing);
	tcase_add_test(t, the_server_gets_it);
	tcase_add_test(t, a_password_goes_through_tls);
	tcase_add_test(t, a_wrong_password_is_ours_to_mend);
	tcase_add_test(t, a_password_file_that_others_read);
	tcase_add_loop_test(t, servers, 0, ROWS(server_rows));
	tcase_add_test(t, no_password_in_clear);
	tcase_add_test(t, nobody_listens);
}

UNIT_MAIN("mail deliver", tests)
