#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bounds.h"

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

/* All of it, or one byte more than fits. */
static bool
whole_read(int fd, char *out, size_t size, size_t *len)
{
	ssize_t got;

	*len = 0;
	do {
		got = read(fd, out + *len, size - *len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		*len += (size_t)got;
	} while (got != 0 && *len < size);
	return true;
}

static void
newline_drop(const char *out, size_t *len)
{
	if (*len > 0 && out[*len - 1] == '\n')
		--*len;
	if (*len > 0 && out[*len - 1] == '\r')
		--*len;
}

static bool
bytes_check(const char *out, size_t len, size_t size, const char *path,
    const char *code, struct err *err)
{
	if (len >= size || len > SECRET_FILE_MAX)
		return err_set(err, ERR_FILE, code,
		    "%s: is longer than %d bytes; it holds the secret alone",
		    path, SECRET_FILE_MAX);
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
	int fd = open(
	    path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
	bool ok;

	if (fd < 0)
		return err_set(err, ERR_FILE, code,
		    "%s: %s; give this user the right to read it", path,
		    strerror(errno));
	ok = file_check(fd, path, code, err);
	if (ok && !whole_read(fd, out, size, len))
		ok = err_set(err, ERR_FILE, code, "%s: cannot be read: %s",
		    path, strerror(errno));
	close(fd);
	if (ok) {
		newline_drop(out, len);
		ok = bytes_check(out, *len, size, path, code, err);
	}
	if (ok)
		out[*len] = '\0';
	else
		explicit_bzero(out, size);
	return ok;
}
