#include "fcgi/web/web.h"

#include "admin/admin.h"

bool
web_open(struct web *web, const struct web_setup *setup, struct err *err)
{
	*web = (struct web){ .setup = setup };
	return store_open(
	    &web->store, setup->config.store.ptr, STORE_WRITE, err);
}

void
web_close(struct web *web)
{
	redis_close(web->redis);
	store_close(web->store);
	arena_free(&web->arena);
}

static bool
publish(struct web *web, struct err *err)
{
	const struct config_view *view = &web->setup->config.view;
	struct publish_counts counts;
	struct publisher publisher = {
		.store = web->store,
		.key = web->setup->view_key,
		.ns = view->ns,
	};

	if (web->redis == NULL && !redis_open(&web->redis, &view->redis, err))
		return false;
	publisher.redis = web->redis;
	return publish_drain(&publisher, &counts, err);
}

void
web_publish(struct web *web)
{
	struct err err = { 0 };

	if (web->setup->config.view.redis.address.len == 0 ||
	    publish(web, &err))
		return;
	redis_close(web->redis);
	web->redis = NULL;
	if (say_now(&web->publish_late))
		say(err.code, "the change stands, its publishing waits: %s",
		    err.text);
}

bool
web_begin_system(struct web *web, struct admin *admin, struct err *err)
{
	const struct actor actor = { .kind = ACTOR_SYSTEM };

	return admin_begin(admin, web->store, &web->setup->catalogues, &actor,
	    web->now_ms, err);
}
