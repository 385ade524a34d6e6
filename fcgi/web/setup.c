#include "fcgi/web/setup.h"

#include <pwd.h>
#include <sodium.h>

/* Without it there is no Origin to compare with, and no cookie to give. */
static bool
needs_check(const struct web_setup *s, struct err *err)
{
	if (s->config.web.origin.len == 0)
		return err_set(err, ERR_FILE, "web_origin",
		    "%.*s: has no web.origin; write the address under which "
		    "people see it, https://host",
		    STR_ARGS(s->config.path));
	if (s->config.gate.cookie.len == 0)
		return err_set(err, ERR_FILE, "web_cookie",
		    "%.*s: has no gate.cookie, so a session could not be "
		    "shown; write gate.cookie: __Host-rolegate",
		    STR_ARGS(s->config.path));
	return true;
}

static bool
peer_find(struct web_setup *s, struct err *err)
{
	struct str name = s->config.web.peer_user;
	const struct passwd *user;

	s->peer = (uid_t)-1;
	if (name.len == 0)
		return true;
	user = getpwnam(name.ptr);
	if (user == NULL)
		return err_set(err, ERR_FILE, "web_peer_user",
		    "%.*s: web.peer_user: there is no user %.*s",
		    STR_ARGS(s->config.path), STR_ARGS(name));
	s->peer = user->pw_uid;
	return true;
}

static bool
files_read(struct web_setup *s, const char *path, struct faults *faults,
    struct err *err)
{
	const struct config *c = &s->config;

	return config_load(&s->arena, path, &s->config, faults) &&
	       needs_check(s, err) &&
	       catalogues_load(
		   &s->arena, c->catalogues, &s->catalogues, faults) &&
	       (!c->web.directory ||
		   mapping_load(&s->arena, c->mapping, &s->mapping, faults)) &&
	       (c->view.redis.address.len == 0 ||
		   record_key_load(&s->view_key, c->view.key_file.ptr, err)) &&
	       peer_find(s, err);
}

bool
web_setup_load(struct web_setup *out, const char *path, struct faults *faults,
    struct err *err)
{
	*out = (struct web_setup){ 0 };
	if (files_read(out, path, faults, err))
		return true;
	web_setup_free(out);
	return false;
}

void
web_setup_free(struct web_setup *setup)
{
	sodium_memzero(&setup->view_key, sizeof(setup->view_key));
	arena_free(&setup->arena);
	*setup = (struct web_setup){ 0 };
}
