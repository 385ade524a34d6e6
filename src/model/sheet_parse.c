#include "model/sheet_parse.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bounds.h"
#include "base/sanitized.h"

#define WAIT_MS	   15000
#define CPU_S	   10
#define MEMORY_MAX ((rlim_t)768 * 1024 * 1024)
#define ANSWER_MAX ((size_t)64 * 1024 * 1024)
#define FIELDS_MAX ((size_t)64 * 1024) /* of one row */
#define TEXT_MAX   ((size_t)1024) /* of one fault */
#define PIPE_FD	   3

/* --- The answer ----------------------------------------------------------- */

/* 'r': a row; 'f': a fault; 'e': the end, with how many of both there were.
 * Numbers are as in memory: it is one program. */
struct head {
	char kind;
	int64_t number; /* of the row, or the line of the fault */
	int64_t column;
	uint32_t code_len;
	uint32_t text_len;
};

static bool
all_write(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t done = write(fd, at, len);

		if (done <= 0)
			return false;
		at += done;
		len -= (size_t)done;
	}
	return true;
}

static bool
piece_write(int fd, struct head head, struct str code, struct str text)
{
	head.code_len = (uint32_t)code.len;
	head.text_len = (uint32_t)text.len;
	return all_write(fd, &head, sizeof(head)) &&
	       all_write(fd, code.ptr, code.len) &&
	       all_write(fd, text.ptr, text.len);
}

static bool
answer_write(int fd, const struct sheet_row *rows, size_t count,
    const struct faults *faults)
{
	for (size_t i = 0; i < faults->kept; i++) {
		const struct fault *f = &faults->items[i];

		if (!piece_write(fd,
			(struct head){ .kind = 'f',
			    .number = f->line,
			    .column = f->column },
			str_from(f->code), f->text))
			return false;
	}
	for (size_t i = 0; i < count; i++)
		if (!piece_write(fd,
			(struct head){ .kind = 'r', .number = rows[i].row },
			STR(""), rows[i].fields))
			return false;
	return piece_write(fd,
	    (struct head){ .kind = 'e',
		.number = (int64_t)count,
		.column = (int64_t)faults->kept },
	    STR(""), STR(""));
}

/* --- The process ---------------------------------------------------------- */

static bool
limits_set(void)
{
	const struct rlimit none = { 0, 0 };
	const struct rlimit cpu = { CPU_S, CPU_S };
	const struct rlimit memory = { MEMORY_MAX, MEMORY_MAX };

	return setrlimit(RLIMIT_CORE, &none) == 0 &&
	       setrlimit(RLIMIT_FSIZE, &none) == 0 &&
	       setrlimit(RLIMIT_NPROC, &none) == 0 &&
	       setrlimit(RLIMIT_CPU, &cpu) == 0 &&
	       (SANITIZED || setrlimit(RLIMIT_AS, &memory) == 0) &&
	       prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/* Memory that can be run is no memory for a spreadsheet. */
static bool
calls_allow(scmp_filter_ctx filter)
{
	static const int plain[] = { SCMP_SYS(brk), SCMP_SYS(munmap),
		SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(exit),
		SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn), SCMP_SYS(futex),
		SCMP_SYS(getrandom), SCMP_SYS(clock_gettime) };
	static const int mapping[] = { SCMP_SYS(mmap), SCMP_SYS(mprotect) };

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, plain[i], 0) != 0)
			return false;
	for (size_t i = 0; i < sizeof(mapping) / sizeof(mapping[0]); i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, mapping[i], 1,
			SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) != 0)
			return false;
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1,
		   SCMP_A0(SCMP_CMP_EQ, PIPE_FD, 0)) == 0;
}

static bool
calls_filter(void)
{
	scmp_filter_ctx filter;
	bool ok;

	if (SANITIZED)
		return true;
	filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	ok = filter != NULL && calls_allow(filter) && seccomp_load(filter) == 0;
	if (filter != NULL)
		seccomp_release(filter);
	return ok;
}

/* Everything but the pipe is closed; the sanitizers' own words stay. */
static bool
descriptors_close(int fd)
{
	if (dup2(fd, PIPE_FD) < 0)
		return false;
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	if (!SANITIZED)
		close(STDERR_FILENO);
	return close_range(PIPE_FD + 1, ~0U, 0) == 0;
}

_Noreturn static void
child_run(sheet_reader *reader, int fd, struct str file, struct str bytes)
{
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	struct sheet_row *rows = NULL;
	size_t count = 0;

	/* libzip asks for local time, which reads a file the first time. */
	if (setenv("TZ", "UTC0", 1) != 0)
		_exit(EXIT_FAILURE);
	tzset();
	if (!descriptors_close(fd) || !limits_set() || !calls_filter())
		_exit(EXIT_FAILURE);
	if (!reader(&arena, file, bytes, &rows, &count, &faults))
		count = 0;
	_exit(answer_write(PIPE_FD, rows, count, &faults) ? EXIT_SUCCESS
							  : EXIT_FAILURE);
}

/* --- What is believed of its answer --------------------------------------- */

struct answer {
	char *bytes;
	size_t len;
	size_t cap;
};

/* The literals that such a fault may have: a code that came over the pipe is
 * none of ours by itself. */
static const char *
code_known(struct str code)
{
	static const char *const codes[] = { "csv_cells", "csv_line_end",
		"csv_quote", "csv_utf8", "no_memory", "sheet_cell",
		"sheet_column", "sheet_rows", "sheet_width", "xlsx_dtd",
		"xlsx_error", "xlsx_external", "xlsx_form", "xlsx_macros",
		"xlsx_too_large" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (str_eq(code, str_from(codes[i])))
			return codes[i];
	return NULL;
}

static bool
head_take(
    struct str *rest, struct head *head, struct str *code, struct str *text)
{
	if (rest->len < sizeof(*head))
		return false;
	memcpy(head, rest->ptr, sizeof(*head));
	rest->ptr += sizeof(*head);
	rest->len -= sizeof(*head);
	if (head->code_len > TEXT_MAX || head->text_len > FIELDS_MAX ||
	    (size_t)head->code_len + head->text_len > rest->len)
		return false;
	*code = (struct str){ rest->ptr, head->code_len };
	*text = (struct str){ rest->ptr + head->code_len, head->text_len };
	rest->ptr += head->code_len + head->text_len;
	rest->len -= head->code_len + head->text_len;
	return true;
}

static bool
is_object(struct str text)
{
	json_t *object = json_loadb(text.ptr, text.len, 0, NULL);
	bool ok = json_is_object(object);

	json_decref(object);
	return ok;
}

/* Rows go up; every one of them is an object of JSON. */
static bool
row_take(struct arena *arena, const struct head *head, struct str text,
    struct sheet_row *rows, size_t *count)
{
	if (*count == SHEET_ROWS_MAX || head->number < 1 ||
	    (*count > 0 && head->number <= rows[*count - 1].row) ||
	    !is_object(text))
		return false;
	rows[*count] =
	    (struct sheet_row){ head->number, str_copy(arena, text) };
	return rows[(*count)++].fields.ptr != NULL;
}

static bool
fault_take(struct str file, const struct head *head, struct str code,
    struct str text, struct faults *faults)
{
	const char *known = code_known(code);

	if (known == NULL || text.len > TEXT_MAX || head->number < 0 ||
	    head->number > INT32_MAX || head->column < 0 ||
	    head->column > INT32_MAX)
		return false;
	fault_add(faults, file, (int)head->number, (int)head->column, known,
	    "%.*s", STR_ARGS(text));
	return true;
}

static bool
answer_read(struct arena *arena, struct str file, struct str rest,
    struct sheet_row **rows, size_t *count, struct faults *faults)
{
	struct sheet_row *list =
	    ARENA_ARRAY(arena, struct sheet_row, SHEET_ROWS_MAX);
	size_t faults_before = faults->count;
	struct head head;
	struct str code;
	struct str text;

	*count = 0;
	while (list != NULL && head_take(&rest, &head, &code, &text))
		switch (head.kind) {
		case 'r':
			if (!row_take(arena, &head, text, list, count))
				return false;
			break;
		case 'f':
			if (!fault_take(file, &head, code, text, faults))
				return false;
			break;
		case 'e':
			*rows = list;
			return rest.len == 0 &&
			       head.number == (int64_t)*count &&
			       head.column ==
				   (int64_t)(faults->count - faults_before);
		default:
			return false;
		}
	return false;
}

/* --- The parent ----------------------------------------------------------- */

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One more piece; 0 at the end, -1 when there is none in time. */
static ssize_t
piece_read(int fd, struct answer *answer, int64_t until_ms)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	int64_t left_ms = until_ms - now_ms();
	char *grown;

	if (left_ms <= 0 || answer->len > ANSWER_MAX ||
	    poll(&wait, 1, (int)left_ms) <= 0)
		return -1;
	if (answer->len == answer->cap) {
		answer->cap = answer->cap == 0 ? 64 * 1024 : answer->cap * 2;
		grown = realloc(answer->bytes, answer->cap);
		if (grown == NULL)
			return -1;
		answer->bytes = grown;
	}
	return read(fd, answer->bytes + answer->len, answer->cap - answer->len);
}

static bool
whole_read(int fd, struct answer *answer, int64_t wait_ms)
{
	int64_t until_ms = now_ms() + wait_ms;
	ssize_t got;

	while ((got = piece_read(fd, answer, until_ms)) > 0)
		answer->len += (size_t)got;
	return got == 0;
}

static bool
ended_well(pid_t child, bool answered)
{
	int status = 0;
	pid_t ended;

	if (!answered)
		kill(child, SIGKILL);
	do
		ended = waitpid(child, &status, 0);
	while (ended < 0 && errno == EINTR);
	return answered && ended == child && WIFEXITED(status) &&
	       WEXITSTATUS(status) == EXIT_SUCCESS;
}

static bool
process_failed(struct str file, struct err *err)
{
	return err_set(err, ERR_REFUSED, "sheet_process",
	    "%.*s: reading it ended early, so nothing of it was taken; save "
	    "it as CSV and try again",
	    STR_ARGS(file));
}

/* The other side of the pipe is the child's alone, so its end is seen. */
static pid_t
child_start(sheet_reader *reader, struct str file, struct str bytes, int *fd)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	child = fork();
	if (child == 0)
		child_run(reader, ends[1], file, bytes);
	close(ends[1]);
	if (child < 0)
		close(ends[0]);
	*fd = ends[0];
	return child;
}

bool
sheet_parse_with(sheet_reader *reader, int64_t wait_ms, struct arena *arena,
    struct str file, struct str bytes, struct sheet_row **rows, size_t *count,
    struct faults *faults, struct err *err)
{
	size_t before = faults->count;
	struct answer answer = { 0 };
	pid_t child;
	bool ok;
	int fd = -1;

	/* Before the filter, which lets nobody open the random device. */
	json_object_seed(0);
	child = child_start(reader, file, bytes, &fd);
	if (child < 0)
		return process_failed(file, err);
	ok = whole_read(fd, &answer, wait_ms);
	close(fd);
	ok = ended_well(child, ok) &&
	     answer_read(arena, file, (struct str){ answer.bytes, answer.len },
		 rows, count, faults);
	free(answer.bytes);
	if (!ok)
		return process_failed(file, err);
	return faults->count == before;
}

bool
sheet_parse(struct arena *arena, struct str file, struct str bytes,
    struct sheet_row **rows, size_t *count, struct faults *faults,
    struct err *err)
{
	return sheet_parse_with(
	    sheet_read, WAIT_MS, arena, file, bytes, rows, count, faults, err);
}
