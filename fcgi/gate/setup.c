#include "fcgi/gate/setup.h"

#include <pwd.h>
#include <sodium.h>
#include <unistd.h>

static bool
view_setup(struct setup *s, struct err *err)
{
	const struct config *c = &s->config;

	if (c->gate.redis.address.len == 0)
		return err_set(err, ERR_FILE, "gate_redis_missing",
		    "%.*s: has neither gate.redis nor view.redis; name the "
		    "Redis that the view is published in",
		    STR_ARGS(c->path));
	if (c->view.key_file.len == 0)
		return err_set(err, ERR_FILE, "gate_key_missing",
		    "%.*s: has no view.key_file; make one with rolegate key "
		    "new and name it",
		    STR_ARGS(c->path));
	s->view = (struct view_config){
		.redis = c->gate.redis,
		.ns = c->view.ns,
		.cache_bytes = c->gate.cache_bytes,
		.wait_ms = c->gate.wait_ms,
		.stale_max_s = c->gate.stale_max_s,
		.heartbeat_max_s = c->gate.heartbeat_max_s,
	};
	return record_key_load(&s->view.key, c->view.key_file.ptr, err);
}

static bool
peer_find(struct setup *s, struct err *err)
{
	struct str name = str_copy(&s->arena, s->config.gate.peer_user);
	const struct passwd *user;

	s->peer = NO_UID;
	if (name.len == 0)
		return true;
	user = name.ptr != NULL ? getpwnam(name.ptr) : NULL;
	if (user == NULL)
		return err_set(err, ERR_FILE, "gate_peer_user",
		    "%.*s: gate.peer_user: there is no user %.*s",
		    STR_ARGS(s->config.path), STR_ARGS(name));
	s->peer = user->pw_uid;
	return true;
}

static int
workers_wanted(int64_t configured)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (configured > 0)
		return (int)configured;
	return cores > 0 && cores < 256 ? (int)cores : 1;
}

/* A gate that nobody can be identified to is a mistake. */
static bool
identity_check(const struct setup *s, struct err *err)
{
	if (s->config.gate.cookie.len > 0 || s->config.gate.trusted_user)
		return true;
	return err_set(err, ERR_FILE, "gate_no_identity",
	    "%.*s: has neither gate.cookie nor gate.trusted_user: yes, so "
	    "nobody can be anybody; set one",
	    STR_ARGS(s->config.path));
}

bool
setup_load(struct setup *out, const char *path, struct faults *faults,
    struct err *err)
{
	struct setup s = { .log = { .fd = -1 } };
	bool ok = config_load(&s.arena, path, &s.config, faults);

	if (ok && s.config.gate.routes.len > 0)
		ok = route_map_load(
		    &s.arena, s.config.gate.routes, &s.routes, faults);
	if (ok)
		ok = identity_check(&s, err) && view_setup(&s, err) &&
		     peer_find(&s, err);
	if (!ok) {
		setup_free(&s);
		return false;
	}
	s.log.what = (enum log_what)s.config.gate.log;
	s.workers = workers_wanted(s.config.gate.workers);
	*out = s;
	return true;
}

void
setup_free(struct setup *setup)
{
	if (setup->log.fd > STDERR_FILENO)
		close(setup->log.fd);
	sodium_memzero(&setup->view.key, sizeof(setup->view.key));
	arena_free(&setup->arena);
	*setup = (struct setup){ .log = { .fd = -1 } };
}
