/* view_world.h - a Redis of a test's own with a published view in it, and a
 * view that reads it.
 *
 * Everything is in a temporary folder and on unix sockets; what is started
 * ends with the test. */
#ifndef ROLEGATE_TEST_VIEW_WORLD_H
#define ROLEGATE_TEST_VIEW_WORLD_H

#include <sys/types.h>

#include <event2/event.h>
#include <hiredis/hiredis.h>

#include "fcgi/gate/view.h"

#define NS "test"
#define SESSION \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

struct view_world {
	char folder[64];
	char socket[96];
	pid_t redis;
	redisContext *admin;
	struct event_base *loop;
	struct view *view;
	struct redis_config at; /* where config.redis comes from */
	struct view_config config;
	struct record_key key;
	struct arena arena;
	char said[8192]; /* codes of events, each with a blank behind */
};

/* What an ask got, copied. */
struct heard {
	enum view_state state;
	char username[64];
	char account[64];
	char role[64]; /* of the member's first grant; "-": no such member */
	char root[64]; /* "-": no such account */
	int depth;
	char catalogue[64];
	int64_t catalogue_changed;
	int64_t generation;
	bool stale;
	bool at_once; /* answered inside view_ask() */
	int answers;
	int64_t after_ms;
};

struct view_world *world_open(void); /* without Redis, without a view */
void world_close(struct view_world *world);

void redis_start(struct view_world *world);
void redis_stop(struct view_world *world); /* kill -9, and its data is gone */
void redis_say(struct view_world *world, const char *command);
/* Redis tells of the heartbeat, which stays what it is. The fake does it with
 * each PONG. */
void beat_again(struct view_world *world);
int redis_clients(struct view_world *world);

/* The text of a record of this namespace. */
struct str text_generation(struct view_world *world, int64_t generation);
struct str text_heartbeat(struct view_world *world, int64_t stamp_ms);
struct str text_member(struct view_world *world, const char *username,
    const char *role, const char *account, int64_t generation);
struct str text_account(struct view_world *world, const char *id,
    const char *parent, const char *catalogue, int64_t generation);
struct str
text_catalogue(struct view_world *world, const char *name, int64_t generation);
struct str text_session(struct view_world *world, const char *digest,
    const char *username, const char *account, int64_t expires_s);
struct str
key_of(struct view_world *world, enum record_kind kind, const char *name);

/* One MULTI of (key, text) pairs; a text without bytes deletes. */
struct pair {
	struct str key;
	struct str text;
};
void publish(struct view_world *world, const struct pair *pairs, size_t count);
void put_generation(struct view_world *world, int64_t generation);
void put_member(struct view_world *world, const char *username,
    const char *role, int64_t generation); /* with the generation */
void beat(struct view_world *world);
/* Generation 10; ann (editor) and bob (viewer) with personal accounts of
 * their names; "shop" below "root", with catalogue "cat"; a session of ann's;
 * a heartbeat. */
void publish_all_of_it(struct view_world *world);

struct view_world *world_published(void); /* open, with all of it */
struct view_world *world_trusting(void); /* and a view whose cache is trusted */
void settle(struct view_world *world); /* what there is to say arrives */

/* With world->config, which is filled with usual values by world_open(). */
void view_start(struct view_world *world);
void view_start_trusting(struct view_world *world); /* waits until it does */
struct heard ask(struct view_world *world, const char *session,
    const char *username, const char *account);
/* Asks again until it is known, for at most 5 s. */
struct heard ask_until_known(
    struct view_world *world, const char *username, const char *account);
/* An ask that goes on: *heard is filled until it was answered, which is waited
 * for at most 5 s. */
void ask_begin(struct view_world *world, const char *session,
    const char *username, const char *account, struct heard *heard);
void until_answered(struct view_world *world, const struct heard *heard);
void loop_for(struct view_world *world, int64_t ms);
/* Until the near cache is trusted / not, or 5 s. */
bool until_trusted(struct view_world *world, bool trusted);
bool until_connected(struct view_world *world, bool connected);
struct view_counts counts(const struct view_world *world);
int times_said(const struct view_world *world, const char *code);

int64_t mono_ms(void);
int64_t now_wall_ms(void);

#endif
