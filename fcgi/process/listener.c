#include "fcgi/process/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bounds.h"

#define SYSTEMD_FD  3 /* sd_listen_fds(3) */
#define SOCKET_MODE 0660
#define OWN_MODE    0600
#define LINKS_MAX   8 /* one behind the other */

static bool
failed(struct err *err, const char *path, const char *what)
{
	return err_set(err, ERR_REACH, "socket",
	    "%s: %s: %s; correct the path in the configuration, or the rights "
	    "there",
	    path, what, strerror(errno));
}

/* --- The place ------------------------------------------------------------ */

static bool
is_trusted(uid_t owner, const struct listener_config *config)
{
	const struct passwd *user =
	    config->user.len > 0 ? getpwnam(config->user.ptr) : NULL;

	return owner == 0 || owner == geteuid() ||
	       (user != NULL && owner == user->pw_uid);
}

/* Whoever may write into a folder could put something else in the place of what
 * lies there: of the socket in its own folder, of a folder further up. There a
 * sticky one of root's will do, where only owners rename: /tmp. */
static bool
folder_check(const char *folder, bool above,
    const struct listener_config *config, struct err *err)
{
	struct stat st;

	if (stat(folder, &st) != 0)
		return failed(err, folder, "cannot be looked at");
	if (!is_trusted(st.st_uid, config))
		return err_set(err, ERR_REACH, "socket_place",
		    "%s: belongs to user %ld, who could put another socket in "
		    "its place; give it to root or to %s.user",
		    folder, (long)st.st_uid, config->section);
	if (!S_ISDIR(st.st_mode) ||
	    ((st.st_mode & (S_IWOTH | S_IWGRP)) != 0 &&
		!(above && st.st_uid == 0 && (st.st_mode & S_ISVTX) != 0)))
		return err_set(err, ERR_REACH, "socket_place",
		    "%s: others may write there and put another socket in its "
		    "place; chmod go-w it, or use another folder",
		    folder);
	return true;
}

static bool links_follow(const char *folder, int links,
    const struct listener_config *config, struct err *err);

/* The folder, and all that it lies in, as it is written, for nginx goes that
 * way; and where symbolic links lead. */
static bool
folders_check(const char *path, int links, const struct listener_config *config,
    struct err *err)
{
	char folder[PATH_MAX];
	bool above = links > 0;
	bool ok = true;

	snprintf(folder, sizeof(folder), "%s", path);
	while (ok) {
		char *slash;

		ok = folder_check(folder, above, config, err) &&
		     links_follow(folder, links, config, err);
		above = true;
		if (strcmp(folder, "/") == 0)
			break;
		slash = strrchr(folder, '/');
		slash[slash == folder ? 1 : 0] = '\0';
	}
	return ok;
}

/* Whose a link is may let it lead elsewhere. */
static bool
links_follow(const char *folder, int links,
    const struct listener_config *config, struct err *err)
{
	char target[PATH_MAX];
	char path[2 * PATH_MAX];
	struct stat st;
	ssize_t len;

	if (lstat(folder, &st) != 0)
		return failed(err, folder, "cannot be looked at");
	if (!S_ISLNK(st.st_mode))
		return true;
	if (!is_trusted(st.st_uid, config))
		return err_set(err, ERR_REACH, "socket_place",
		    "%s: is a link of user %ld, who could let it lead to "
		    "another socket; give it to root, or write where it leads",
		    folder, (long)st.st_uid);
	errno = ELOOP;
	len = links < LINKS_MAX ? readlink(folder, target, sizeof(target) - 1)
				: -1;
	if (len < 0)
		return failed(err, folder, "cannot be followed");
	target[len] = '\0';
	len = snprintf(path, sizeof(path), "%.*s%s",
	    target[0] == '/' ? 0 : (int)(strrchr(folder, '/') + 1 - folder),
	    folder, target);
	errno = ENAMETOOLONG;
	if (len >= PATH_MAX)
		return failed(err, folder, "cannot be followed");
	return folders_check(path, links + 1, config, err);
}

static bool
place_check(
    const char *path, const struct listener_config *config, struct err *err)
{
	char folder[PATH_MAX];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (folder[0] != '/' || slash == folder)
		return err_set(err, ERR_REACH, "socket_place",
		    "%s: lies in no folder of its own; use one", path);
	*slash = '\0';
	return folders_check(folder, 0, config, err);
}

/* --- From systemd --------------------------------------------------------- */

static bool
number_is(const char *variable, long wanted)
{
	const char *text = getenv(variable);
	int64_t number;

	return text != NULL &&
	       str_to_i64(str_from(text), 0, INT32_MAX, &number) &&
	       number == wanted;
}

static bool
option_is(int fd, int option, int wanted)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 &&
	       value == wanted;
}

static bool
is_listening(int fd)
{
	return option_is(fd, SO_DOMAIN, AF_UNIX) &&
	       option_is(fd, SO_TYPE, SOCK_STREAM) &&
	       option_is(fd, SO_ACCEPTCONN, 1);
}

/* Where it lies, and who may connect: the unit's SocketMode is 0666 when
 * nothing is written there. */
static bool
inherited_check(int fd, const struct listener_config *config, struct err *err)
{
	union {
		struct sockaddr any;
		struct sockaddr_un unix_one;
	} at = { .unix_one = { .sun_family = AF_UNIX } };
	socklen_t len = sizeof(at.unix_one) - 1; /* a NUL stays behind it */
	const char *path = at.unix_one.sun_path;
	struct stat st;

	if (getsockname(fd, &at.any, &len) != 0 || path[0] != '/')
		return err_set(err, ERR_REACH, "socket",
		    "systemd: hands over a socket without a path; write "
		    "ListenStream=%.*s",
		    STR_ARGS(config->socket));
	if (stat(path, &st) != 0)
		return failed(err, path, "cannot be looked at");
	if ((st.st_mode & S_IWOTH) != 0)
		return err_set(err, ERR_REACH, "socket_place",
		    "%s: everybody may connect and ask as anybody; write "
		    "SocketMode=0660 into its unit",
		    path);
	return place_check(path, config, err);
}

static bool
inherit(
    struct listener *out, const struct listener_config *config, struct err *err)
{
	int flags;

	if (!number_is("LISTEN_FDS", 1) || !is_listening(SYSTEMD_FD))
		return err_set(err, ERR_REACH, "socket",
		    "systemd: hands over something else than one listening "
		    "unix socket; look at the socket's unit");
	if (!inherited_check(SYSTEMD_FD, config, err))
		return false;
	flags = fcntl(SYSTEMD_FD, F_GETFL);
	if (flags < 0 || fcntl(SYSTEMD_FD, F_SETFL, flags | O_NONBLOCK) != 0 ||
	    fcntl(SYSTEMD_FD, F_SETFD, FD_CLOEXEC) != 0)
		return failed(err, "systemd's socket", "cannot be used");
	*out = (struct listener){ .fd = SYSTEMD_FD };
	return true;
}

/* --- Our own -------------------------------------------------------------- */

static int
socket_new(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* A file that was left behind goes; a living one, or something that is no
 * socket, stays. */
static bool
stale_remove(const struct sockaddr_un *address, struct err *err)
{
	const char *path = address->sun_path;
	struct stat st;
	int why = 0;
	int fd;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ||
		       failed(err, path, "cannot be looked at");
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_REACH, "socket",
		    "%s: is there and is no socket; take it away", path);
	fd = socket_new();
	if (fd < 0 || connect(fd, (const struct sockaddr *)address,
			  sizeof(*address)) != 0)
		why = errno;
	if (fd >= 0)
		close(fd);
	if (why == 0 || why == EAGAIN)
		return err_set(err, ERR_REACH, "socket_busy",
		    "%s: somebody answers there; end it first", path);
	errno = why;
	if (why != ECONNREFUSED)
		return failed(err, path, "cannot be tried");
	return unlink(path) == 0 || failed(err, path, "cannot be taken away");
}

static bool
no_group(const struct listener_config *config, struct err *err)
{
	return err_set(err, ERR_FILE, "socket_group",
	    "%s.socket_group: there is no group %.*s; add it, or name another "
	    "one",
	    config->section, STR_ARGS(config->group));
}

/* Who serves owns it, and may take it away in a folder of theirs. */
static bool
owner_set(int file, const char *path, const struct listener_config *config,
    struct err *err)
{
	const struct passwd *user = geteuid() == 0 && config->user.len > 0
					? getpwnam(config->user.ptr)
					: NULL;
	const struct group *group =
	    config->group.len > 0 ? getgrnam(config->group.ptr) : NULL;

	if (config->group.len > 0 && group == NULL)
		return no_group(config, err);
	if (user == NULL && group == NULL)
		return true;
	return fchownat(file, "", user != NULL ? user->pw_uid : (uid_t)-1,
		   group != NULL ? group->gr_gid : (gid_t)-1,
		   AT_EMPTY_PATH) == 0 ||
	       failed(err, path,
		   "cannot be given to its socket_group, in which the user "
		   "that serves has to be");
}

/* By what was opened, and not by its name: where the folder belongs to the user
 * that serves, something else could lie there by now. */
static bool
rights_set(
    const char *path, const struct listener_config *config, struct err *err)
{
	mode_t mode =
	    config->is_extra && config->group.len == 0 ? OWN_MODE : SOCKET_MODE;
	int file = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char name[32];
	struct stat st;
	bool ok = file >= 0 && fstat(file, &st) == 0 && S_ISSOCK(st.st_mode) &&
		  st.st_uid == geteuid();

	if (!ok)
		failed(err, path, "is not the socket that was made");
	ok = ok && owner_set(file, path, config, err);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", file);
	if (ok && chmod(name, mode) != 0)
		ok = failed(err, path, "cannot get its mode");
	if (file >= 0)
		close(file);
	return ok;
}

static bool
bind_there(struct listener *out, const struct sockaddr_un *address,
    const struct listener_config *config, struct err *err)
{
	const char *path = address->sun_path;
	/* Nobody connects between bind and chmod. */
	mode_t before = umask(0177);

	out->is_ours = bind(out->fd, (const struct sockaddr *)address,
			   sizeof(*address)) == 0;
	umask(before);
	if (!out->is_ours)
		return failed(err, path, "cannot be made");
	if (!rights_set(path, config, err))
		return false;
	return listen(out->fd, LISTEN_BACKLOG) == 0 ||
	       failed(err, path, "cannot be listened on");
}

bool
listener_names_check(const struct listener_config *config, struct err *err)
{
	if (config->user.len > 0 && getpwnam(config->user.ptr) == NULL)
		return err_set(err, ERR_FILE, "run_user",
		    "%s.user: there is no user %.*s; add it, or name another "
		    "one",
		    config->section, STR_ARGS(config->user));
	return config->group.len == 0 || getgrnam(config->group.ptr) != NULL ||
	       no_group(config, err);
}

bool
listener_open(
    struct listener *out, const struct listener_config *config, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (!config->is_extra && number_is("LISTEN_PID", getpid()))
		return inherit(out, config, err);
	if (config->socket.len >= sizeof(address.sun_path))
		return err_set(err, ERR_LIMIT, "socket",
		    "%.*s: is longer than a socket's path may be, %zu bytes",
		    STR_ARGS(config->socket), sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, config->socket.ptr, config->socket.len);
	if (!place_check(address.sun_path, config, err) ||
	    !stale_remove(&address, err))
		return false;
	*out = (struct listener){ .fd = socket_new() };
	if (out->fd < 0)
		return failed(err, address.sun_path, "cannot be made");
	memcpy(out->path, address.sun_path, sizeof(out->path));
	if (bind_there(out, &address, config, err))
		return true;
	listener_close(out);
	return false;
}

bool
listener_adopt(struct listener *out, int fd, bool is_ours)
{
	union {
		struct sockaddr any;
		struct sockaddr_un unix_one;
	} at = { .unix_one = { .sun_family = AF_UNIX } };
	socklen_t len = sizeof(at.unix_one) - 1; /* a NUL stays behind it */

	if (!is_listening(fd) || getsockname(fd, &at.any, &len) != 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return false;
	*out = (struct listener){ .fd = fd, .is_ours = is_ours };
	memcpy(out->path, at.unix_one.sun_path, sizeof(out->path));
	return true;
}

void
listener_close(struct listener *listener)
{
	if (listener->is_ours)
		unlink(listener->path);
	if (listener->fd >= 0)
		close(listener->fd);
	*listener = (struct listener){ .fd = -1 };
}
