#include "fcgi/gate/setup.h"

#include <pwd.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sodium.h>

#include "fcgi/process/master.h"
#include "fcgi/process/say.h"

static bool
view_setup(struct setup *s, struct err *err)
{
	const struct config *c = &s->config;

	if (c->gate.redis.address.len == 0)
		return err_set(err, ERR_FILE, "view_not_configured",
		    "%.*s: has neither gate.redis nor view.redis; name the "
		    "Redis that the view is published in",
		    STR_ARGS(c->path));
	if (c->view.key_file.len == 0)
		return err_set(err, ERR_FILE, "view_key",
		    "%.*s: has no view.key_file; make one with rolegate key "
		    "new and name it",
		    STR_ARGS(c->path));
	s->view = (struct view_config){
		.ns = c->view.ns,
		.cache_bytes = c->gate.cache_bytes,
		.wait_ms = c->gate.wait_ms,
		.stale_max_s = c->gate.stale_max_s,
		.heartbeat_max_s = c->gate.heartbeat_max_s,
	};
	return record_key_load(&s->view.key, c->view.key_file.ptr, err) &&
	       target_read(&s->view.redis, &s->arena, &c->gate.redis, err);
}

static bool
filter_key_setup(struct setup *s, struct err *err)
{
	struct str file = s->config.gate.filter_key_file;

	return file.len == 0 ||
	       record_key_load(&s->filter_key_bytes, file.ptr, err);
}

static bool
peer_find(struct setup *s, struct err *err)
{
	struct str name = str_copy(&s->arena, s->config.gate.peer_user);
	const struct passwd *user;

	s->peer = NO_UID;
	if (s->config.gate.peer_user.len == 0)
		return true;
	user = name.ptr != NULL ? getpwnam(name.ptr) : NULL;
	if (user == NULL)
		return err_set(err, ERR_FILE, "gate_peer_user",
		    "%.*s: gate.peer_user: there is no user %.*s",
		    STR_ARGS(s->config.path), STR_ARGS(name));
	s->peer = user->pw_uid;
	return true;
}

/* The cores that we may use, not those that are there. */
static int
workers_wanted(int64_t configured)
{
	cpu_set_t cores;
	int count = 1;

	if (configured > 0)
		return (int)configured;
	if (sched_getaffinity(0, sizeof(cores), &cores) == 0)
		count = CPU_COUNT(&cores);
	return count < WORKERS_MAX ? count : WORKERS_MAX;
}

/* A gate to which nobody can be anybody is a mistake. */
static bool
identity_setup(struct setup *s, struct err *err)
{
	const struct config_gate *gate = &s->config.gate;

	s->rules.identity = (struct identity_rules){
		.cookie = gate->cookie,
		.bearer = gate->bearer,
		.trusted_user = gate->trusted_user,
	};
	if (gate->cookie.len > 0 || gate->bearer || gate->trusted_user)
		return true;
	return err_set(err, ERR_FILE, "gate_no_identity",
	    "%.*s: has none of gate.cookie, gate.bearer: yes and "
	    "gate.trusted_user: yes, so nobody can be anybody; set one",
	    STR_ARGS(s->config.path));
}

static bool
files_read(
    struct setup *s, const char *path, struct faults *faults, struct err *err)
{
	struct str routes;

	if (!config_load(&s->arena, path, &s->config, faults))
		return false;
	routes = s->config.gate.routes;
	if (routes.len > 0 &&
	    !route_map_load(&s->arena, routes, &s->rules.routes, faults))
		return false;
	return identity_setup(s, err) && view_setup(s, err) &&
	       filter_key_setup(s, err) && peer_find(s, err);
}

bool
setup_load(
    struct setup *out, const char *path, struct faults *faults, struct err *err)
{
	struct setup s = { .log = { .fd = -1 } };

	if (!files_read(&s, path, faults, err)) {
		setup_free(&s);
		return false;
	}
	s.log.what = (enum log_what)s.config.gate.log;
	s.workers = workers_wanted(s.config.gate.workers);
	*out = s;
	if (out->config.gate.filter_key_file.len > 0)
		out->filter_key = &out->filter_key_bytes;
	return true;
}

/* What one worker has seen, its successor has: a reload begins anew. */
static bool
seen_open(struct setup *setup, struct err *err)
{
	void *page = mmap(NULL, sizeof(*setup->view.seen),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return err_set(err, ERR_LIMIT, "no_memory",
		    "memory is out; give the process more");
	setup->view.seen = page;
	return true;
}

bool
setup_ready(struct setup *setup, struct err *err)
{
	if (!seen_open(setup, err))
		return false;
	setup->log.fd =
	    decision_log_open(&setup->arena, setup->config.gate.log_file, err);
	return setup->log.fd >= 0;
}

void
setup_free(struct setup *setup)
{
	if (setup->log.fd > STDERR_FILENO && setup->log.fd != say_fd())
		close(setup->log.fd);
	if (setup->view.seen != NULL)
		munmap(setup->view.seen, sizeof(*setup->view.seen));
	target_wipe(&setup->view.redis);
	sodium_memzero(&setup->view.key, sizeof(setup->view.key));
	sodium_memzero(
	    &setup->filter_key_bytes, sizeof(setup->filter_key_bytes));
	arena_free(&setup->arena);
	*setup = (struct setup){ .log = { .fd = -1 } };
}
