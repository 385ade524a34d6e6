#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bounds.h"
#include "base/secret.h"
#include "cli/commands.h"
#include "cli/out.h"
#include "cli/sync.h"
#include "model/route.h"

enum file_kind { FILE_KEY, FILE_SECRET, FILE_READABLE };

/* A fault of the file that is named, in the list of all. */
static bool
file_test(
    struct app *app, struct str file, enum file_kind kind, const char *code)
{
	const char *path = app_cstr(app, file);
	char secret[SECRET_FILE_MAX + 1];
	struct record_key key;
	struct err err = { 0 };
	size_t len;
	bool ok = false;

	if (file.len == 0)
		return true;
	if (path == NULL)
		return false;
	switch (kind) {
	case FILE_KEY:
		ok = record_key_load(&key, path, &err);
		break;
	case FILE_SECRET:
		ok =
		    secret_read(secret, sizeof(secret), &len, path, code, &err);
		break;
	case FILE_READABLE:
		ok = access(path, R_OK) == 0 ||
		     err_set(&err, ERR_FILE, code,
			 "%s: cannot be read: %s; correct the name, or its "
			 "rights",
			 path, strerror(errno));
		break;
	}
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(&key, sizeof(key));
	if (!ok)
		fault_add(&app->faults, app->config.path, 0, 0, err.code, "%s",
		    err.text);
	return ok;
}

static bool
secrets_test(struct app *app)
{
	const struct config *c = &app->config;
	const struct {
		struct str file;
		enum file_kind kind;
		const char *code;
	} rows[] = {
		{ c->view.key_file, FILE_KEY, "" },
		{ c->gate.filter_key_file, FILE_KEY, "" },
		{ c->view.redis.password_file, FILE_SECRET, "redis_password" },
		{ c->gate.redis.password_file, FILE_SECRET, "redis_password" },
		{ c->mail.smtp_password_file, FILE_SECRET, "mail_password" },
		{ c->mail.smtp_ca_file, FILE_READABLE, "file_read" },
	};
	bool ok = true;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (i == 0 || !str_eq(rows[i].file, rows[i - 1].file))
			ok = file_test(app, rows[i].file, rows[i].kind,
				 rows[i].code) &&
			     ok;
	return ok;
}

/* Every file that the configuration names is read, so that all faults come
 * out at once. */
static bool
files_test(struct app *app, struct route_map *routes)
{
	const struct config *config = &app->config;
	bool ok = app_catalogues(app);

	if (config->gate.routes.len > 0 &&
	    !route_map_load(
		&app->arena, config->gate.routes, routes, &app->faults))
		ok = false;
	return secrets_test(app) && ok;
}

int
cmd_config_test(struct app *app)
{
	struct route_map routes = { 0 };
	size_t permissions = 0;
	int status = 0;

	if (!app_configure(app) || !files_test(app, &routes))
		return APP_FAILED;
	if (app->config.mapping.len > 0)
		status = sync_mapping_test(app);
	if (status != 0)
		return status;
	for (size_t i = 0; i < app->catalogues.count; i++)
		permissions += app->catalogues.items[i]->permission_count;
	printf("%.*s: good; %zu catalogues, %zu permissions, %zu routes\n",
	    STR_ARGS(app->config.path), app->catalogues.count, permissions,
	    routes.count);
	return 0;
}

int
cmd_config_show(struct app *app)
{
	if (!app_configure(app))
		return APP_FAILED;
	config_show(&app->config, stdout);
	return 0;
}

int
cmd_config_keys(struct app *app)
{
	(void)app;
	config_keys(stdout);
	return 0;
}
