#include <stdio.h>

#include "cli/commands.h"
#include "cli/out.h"
#include "cli/sync.h"
#include "model/route.h"

/* Every file that the configuration names is read, so that all faults come
 * out at once. */
static bool
files_test(struct app *app, struct route_map *routes)
{
	const struct config *config = &app->config;
	bool ok = app_catalogues(app);
	const char *key_file;

	if (config->gate.routes.len > 0 &&
	    !route_map_load(
		&app->arena, config->gate.routes, routes, &app->faults))
		ok = false;
	if (config->view.key_file.len > 0) {
		key_file = app_cstr(app, config->view.key_file);
		if (key_file == NULL ||
		    !record_key_load(&app->publisher.key, key_file, &app->err))
			ok = false;
	}
	return ok;
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
