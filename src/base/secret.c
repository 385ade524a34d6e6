#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bounds.h"

static bool
open_err(const char *path, const char *code, struct err *err)
{
	if (errno == ELOOP)
		return err_set(err, ERR_FILE, code,
		    "%s: is a link; name the file itself", path);
	if (errno == ENOENT)
		return err_set(err, ERR_FILE, code,
		    "%s: is not there; name the file that holds the secret",
		    path);
	return err_set(err, ERR_FILE, code,
	    "%s: %s; give this user the right to read it", path,
	    strerror(errno));
}

static bool
file_check(int fd, const char *path, const char *code, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(err, ERR_FILE, code,
		    "%s: is not a file; name the file that holds the secret",
		    path);
	if ((st.st_mode & S_IRWXO) != 0)
		return err_set(err, ERR_FILE, code,
		    "%s: everybody may use it; chmod o= it", path);
	return true;
}

/* All of it, or `room` bytes when there is more. */
static bool
bytes_read(int fd, char *out, size_t room, size_t *len)
{
	ssize_t got = 1;

	while (got != 0 && *len < room) {
		got = read(fd, out + *len, room - *len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		*len += (size_t)got;
	}
	return true;
}

/* One byte of room is for the NUL: who fills it has too much. */
static bool
whole_read(int fd, char *out, size_t size, size_t *len, const char *path,
    const char *code, struct err *err)
{
	size_t room = size <= SECRET_FILE_MAX ? size : SECRET_FILE_MAX + 1;

	if (!bytes_read(fd, out, room, len))
		return err_set(err, ERR_FILE, code, "%s: cannot be read: %s",
		    path, strerror(errno));
	if (*len == room)
		return err_set(err, ERR_FILE, code,
		    "%s: is longer than %zu bytes; it holds the secret alone",
		    path, room > 0 ? room - 1 : 0);
	return true;
}

static size_t
newline_dropped(const char *out, size_t len)
{
	if (len == 0 || out[len - 1] != '\n')
		return len;
	len--;
	return len > 0 && out[len - 1] == '\r' ? len - 1 : len;
}

static bool
bytes_check(const char *out, size_t len, const char *path, const char *code,
    struct err *err)
{
	errno = len == 0 ? ENODATA : EINVAL;
	if (len == 0)
		return err_set(err, ERR_FILE, code,
		    "%s: is empty; put the secret into it", path);
	if (memchr(out, '\0', len) != NULL)
		return err_set(err, ERR_FILE, code,
		    "%s: has a NUL byte; write the secret again", path);
	return true;
}

bool
secret_read(char *out, size_t size, size_t *len, const char *path,
    const char *code, struct err *err)
{
	int fd;
	bool ok;

	*len = 0;
	errno = EINVAL;
	fd = open(
	    path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		open_err(path, code, err);
		explicit_bzero(out, size);
		return false;
	}
	ok = file_check(fd, path, code, err) &&
	     whole_read(fd, out, size, len, path, code, err);
	close(fd);
	if (ok) {
		*len = newline_dropped(out, *len);
		ok = bytes_check(out, *len, path, code, err);
	}
	if (ok) {
		out[*len] = '\0';
		return true;
	}
	explicit_bzero(out, size);
	*len = 0;
	return false;
}
