#include "sync/job.h"

#include <string.h>
#include <time.h>

#include "sync/limits.h"

#define LOCK_NAME "sync"

int64_t
now_ms(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool
files_load(struct job *job, struct faults *faults, struct err *err)
{
	if (!config_load(
		&job->arena, job->options->config, &job->config, faults))
		return false;
	if (job->config.mapping.len == 0)
		return err_set(err, ERR_FILE, "mapping_missing",
		    "%.*s: names no mapping; set mapping: FILE",
		    STR_ARGS(job->config.path));
	if (!catalogues_load(
		&job->arena, job->config.catalogues, &job->catalogues, faults))
		return false;
	return mapping_load(
	    &job->arena, job->config.mapping, &job->mapping, faults);
}

static bool
source_named(const struct job *job, struct err *err)
{
	struct str name = job->options->source;

	if (name.len == 0)
		return true;
	for (size_t i = 0; i < job->mapping.count; i++)
		if (str_eq(job->mapping.sources[i].name, name))
			return true;
	return err_set(err, ERR_NOT_FOUND, "source_unknown",
	    "%.*s: has no source '%.*s'", STR_ARGS(job->mapping.path),
	    STR_ARGS(name));
}

bool
job_open(struct job *job, struct err *err)
{
	enum store_mode mode =
	    job->options->command == COMMAND_STATUS ? STORE_READ : STORE_WRITE;
	struct faults faults = { 0 };
	bool ok;

	job->arena.max_bytes = SYNC_MEMORY_MAX;
	ok = files_load(job, &faults, err);
	if (faults.count > 0) {
		faults_print(&faults, stderr);
		faults_err(&faults, err);
		job->faulty = true;
		ok = false;
	}
	faults_free(&faults);
	if (!ok)
		return err_set(err, ERR_FILE, "sync_files",
		    "the configuration cannot be read");
	return source_named(job, err) &&
	       store_open(&job->store, job->config.store.ptr, mode, err);
}

void
job_close(struct job *job)
{
	job_unlock(job);
	store_close(job->store);
	job->store = NULL;
	arena_free(&job->arena);
}

bool
job_lock(struct job *job, struct err *err)
{
	enum found found = FOUND_ERROR;

	if (!store_begin(job->store, err))
		return false;
	found = store_lock(job->store, LOCK_NAME, now_ms() / 1000, LOCK_HOLD_S,
	    &job->fence, err);
	switch (found) {
	case FOUND_ERROR:
		job->fence = 0;
		store_rollback(job->store);
		return false;
	case FOUND_NO:
		job->fence = 0;
		store_rollback(job->store);
		return err_set(err, ERR_REFUSED, "sync_busy",
		    "another sync is running on this store; nothing was done");
	case FOUND_YES:
		break;
	}
	if (store_commit(job->store, err))
		return true;
	job->fence = 0;
	return false;
}

void
job_unlock(struct job *job)
{
	struct err ignored = { 0 };

	if (job->fence == 0 || job->store == NULL)
		return;
	if (store_begin(job->store, &ignored) &&
	    store_unlock(job->store, LOCK_NAME, job->fence, &ignored))
		store_commit(job->store, &ignored);
	store_rollback(job->store); /* nothing, when it was committed */
	job->fence = 0;
}

bool
job_lock_holds(struct job *job, struct err *err)
{
	if (job->fence == 0)
		return true; /* plan takes none */
	switch (store_fence(job->store, LOCK_NAME, job->fence, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return err_set(err, ERR_REFUSED, "sync_lock_lost",
		    "this run took longer than its lock holds and another one "
		    "began; nothing was changed");
	case FOUND_YES:
		return true;
	}
	return false;
}
