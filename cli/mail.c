#include "mail/queue.h"

#include "cli/change.h"
#include "cli/commands.h"
#include "cli/out.h"
#include "store/notice.h"

#define MAILS_MAX ((size_t)10000)

static const char *const columns[] = { "number", "to", "subject", "created",
	"next", "tries", "error", "given_up" };
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

int
cmd_mail_list(struct app *app)
{
	struct mail *list = NULL;
	struct table table;
	size_t count = 0;

	if (!app_open(app, STORE_READ) ||
	    !store_mails(
		app->store, &app->arena, MAILS_MAX, &list, &count, &app->err))
		return APP_FAILED;
	table_start(&table, &app->arena, "mails", columns, COLUMNS);
	for (size_t i = 0; i < count; i++)
		table_add(&table, (const struct cell[COLUMNS]){
				      cell_number(list[i].number),
				      cell_text(list[i].to),
				      cell_text(list[i].subject),
				      cell_time(list[i].created_s),
				      cell_time(list[i].next_s),
				      cell_number(list[i].tries),
				      cell_text(list[i].error),
				      cell_bool(list[i].given_up),
				  });
	return table_print(app, &table) ? 0 : APP_FAILED;
}

/* Once, everything that is due: for cron where rolegate-web does not run. */
int
cmd_mail_send(struct app *app)
{
	struct mail_queue queue;
	size_t sent = 0;
	bool ok;

	if (!app_open(app, STORE_WRITE))
		return APP_FAILED;
	queue =
	    mail_queue_of(&app->config, app->store, &app->catalogues, clock_ms);
	ok = mail_queue_drain(&queue, MAILS_MAX, &sent, &app->err);
	out_note(app, "%zu mails were sent", sent);
	return ok ? 0 : APP_FAILED;
}
