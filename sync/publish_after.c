#include "sync/publish_after.h"

#include <sodium.h>
#include <stdio.h>

#include "publish/publisher.h"

void
publish_after(struct job *job)
{
	const struct config_view *view = &job->config.view;
	struct publisher publisher = { .store = job->store, .ns = view->ns };
	struct publish_counts counts = { 0 };
	struct err e = { 0 };

	if (view->redis.address.len == 0)
		return;
	if (record_key_load(&publisher.key, view->key_file.ptr, &e) &&
	    redis_open(&publisher.redis, &view->redis, &e))
		publish_drain(&publisher, &counts, &e);
	redis_close(publisher.redis);
	sodium_memzero(&publisher.key, sizeof(publisher.key));
	if (e.kind != ERR_NONE)
		fprintf(stderr,
		    "rolegate: warning: the changes are in the store and wait "
		    "to be published: %s [%s]\n",
		    e.text, e.code);
}
