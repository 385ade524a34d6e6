#include "fcgi/gate/activity.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MINUTE_S 60

void
activity_open(struct activity *activity, struct str path)
{
	activity->fd = -1;
	activity->to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (path.len == 0 || path.len >= sizeof(activity->to.sun_path))
		return;
	memcpy(activity->to.sun_path, path.ptr, path.len);
	activity->fd =
	    socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

void
activity_close(struct activity *activity)
{
	if (activity->fd >= 0)
		close(activity->fd);
	activity->fd = -1;
}

/* Two sessions in one slot are told about more often, never less. */
static bool
is_new(struct activity *activity, struct str digest, int64_t minute)
{
	uint64_t session = str_hash(digest);
	struct activity_slot *slot =
	    &activity->slots[session % ACTIVITY_SLOTS];

	if (slot->session == session && slot->minute == minute)
		return false;
	*slot = (struct activity_slot){ session, minute };
	return true;
}

void
activity_tell(struct activity *activity, struct str digest, int64_t now_s)
{
	ssize_t ignored;

	if (activity->fd < 0 || digest.len == 0 ||
	    !is_new(activity, digest, now_s / MINUTE_S))
		return;
	ignored = sendto(activity->fd, digest.ptr, digest.len, 0,
	    (const struct sockaddr *)&activity->to, sizeof(activity->to));
	(void)ignored;
}
