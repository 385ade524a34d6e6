#include "cli/gate.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WAIT_S		 2
#define REPORT_BYTES_MAX ((size_t)1024 * 1024)

/* --- Asking --------------------------------------------------------------- */

static int
gate_connect(const char *path)
{
	const struct timeval wait = { .tv_sec = WAIT_S };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* The configuration holds no longer path. */
	memcpy(address.sun_path, path,
	    strnlen(path, sizeof(address.sun_path) - 1));
	if (fd < 0 || (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait,
			   sizeof(wait)) == 0 &&
			  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait,
			      sizeof(wait)) == 0 &&
			  connect(fd, (const struct sockaddr *)&address,
			      sizeof(address)) == 0))
		return fd;
	close(fd);
	return -1;
}

static bool
all_read(int fd, char *text, size_t *len)
{
	ssize_t got;

	*len = 0;
	while ((got = read(fd, text + *len, REPORT_BYTES_MAX - *len)) > 0)
		*len += (size_t)got;
	return got == 0 && *len < REPORT_BYTES_MAX;
}

static json_t *
report_read(struct app *app, int fd, const char *path)
{
	char *text = arena_alloc(&app->arena, REPORT_BYTES_MAX, 1);
	json_t *report = NULL;
	size_t len;

	if (text == NULL)
		app_no_memory(app);
	else if (!all_read(fd, text, &len) ||
		 (report = json_loadb(
		      text, len, JSON_REJECT_DUPLICATES, NULL)) == NULL)
		err_set(&app->err, ERR_REACH, "gate_report",
		    "%s: what came is not a gate's report; is that "
		    "gate.control, and the gate of this version?",
		    path);
	return report;
}

json_t *
gate_report(struct app *app)
{
	const char *path = app_cstr(app, app->config.gate.control);
	json_t *report;
	int fd;

	if (path == NULL)
		return NULL;
	fd = gate_connect(path);
	if (fd < 0) {
		err_set(&app->err, ERR_REACH, "gate_silent",
		    "%s: %s; is rolegated running here, and are you root or "
		    "its user?",
		    path, strerror(errno));
		return NULL;
	}
	report = report_read(app, fd, path);
	close(fd);
	return report;
}

/* --- Tables --------------------------------------------------------------- */

enum field_kind { FIELD_NUMBER, FIELD_TEXT, FIELD_TIME, FIELD_YES };

struct field {
	const char *name; /* of the column, and in the report */
	enum field_kind kind;
};

#define FIELDS_MAX 16

static const struct {
	const char *name; /* of the table */
	const char *list; /* in the report */
	struct field fields[FIELDS_MAX];
} tables[GATE_TABLES] = {
	[GATE_WORKERS] = { "gate_workers", "workers",
	    {
		{ "place", FIELD_NUMBER },
		{ "pid", FIELD_NUMBER },
		{ "started_s", FIELD_TIME },
		{ "starts", FIELD_NUMBER },
		{ "connections", FIELD_NUMBER },
		{ "hits", FIELD_NUMBER },
		{ "asked", FIELD_NUMBER },
		{ "bad_records", FIELD_NUMBER },
		{ "cache_bytes", FIELD_NUMBER },
		{ "cache_records", FIELD_NUMBER },
		{ "generation", FIELD_NUMBER },
		{ "connected", FIELD_YES },
		{ "trusted", FIELD_YES },
		{ "age_ms", FIELD_NUMBER },
	    } },
	[GATE_DECISIONS] = { "gate_decisions", "decisions",
	    {
		{ "verdict", FIELD_TEXT },
		{ "reason", FIELD_TEXT },
		{ "count", FIELD_NUMBER },
	    } },
	[GATE_TIMES] = { "gate_times", "times",
	    {
		{ "to_us", FIELD_NUMBER },
		{ "count", FIELD_NUMBER },
	    } },
};

static struct cell
field_cell(struct app *app, const struct field *field, const json_t *row)
{
	const json_t *value = json_object_get(row, field->name);
	const char *word = json_string_value(value);
	int64_t number = json_integer_value(value);

	switch (field->kind) {
	case FIELD_TEXT:
		return cell_text(
		    str_copy(&app->arena, str_from(word != NULL ? word : "")));
	case FIELD_TIME:
		return cell_time(number);
	case FIELD_YES:
		return cell_bool(number == 1);
	case FIELD_NUMBER:
		break;
	}
	return cell_number(number);
}

static void
gate_table(struct app *app, const json_t *report, enum gate_table which,
    struct table *out)
{
	const struct field *fields = tables[which].fields;
	const json_t *rows = json_object_get(report, tables[which].list);
	const char **columns =
	    ARENA_ARRAY(&app->arena, const char *, FIELDS_MAX);
	struct cell cells[FIELDS_MAX] = { 0 };
	size_t width = 0;
	const json_t *row;
	size_t i;

	while (columns != NULL && width < FIELDS_MAX &&
	       fields[width].name != NULL) {
		columns[width] = fields[width].name;
		width++;
	}
	table_start(out, &app->arena, tables[which].name, columns, width);
	out->failed = columns == NULL;
	json_array_foreach(rows, i, row)
	{
		for (size_t c = 0; c < width; c++)
			cells[c] = field_cell(app, &fields[c], row);
		/* What never happened is not shown. */
		if (which == GATE_WORKERS || cells[width - 1].number > 0)
			table_add(out, cells);
	}
}

void
gate_tables(
    struct app *app, const json_t *report, struct table out[GATE_TABLES])
{
	for (enum gate_table i = 0; i < GATE_TABLES; i++)
		gate_table(app, report, i, &out[i]);
}

int64_t
gate_decisions(const json_t *report)
{
	const json_t *row;
	int64_t sum = 0;
	size_t i;

	json_array_foreach(json_object_get(report, "decisions"), i, row) sum +=
	    json_integer_value(json_object_get(row, "count"));
	return sum;
}
