#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"

#define KEY_MODE 0640 /* the gate's group reads it */
#define HEX_LEN	 ((size_t)RECORD_KEY_BYTES * 2)

static bool
key_write(int fd)
{
	unsigned char bytes[RECORD_KEY_BYTES];
	char hex[HEX_LEN + 1];
	bool ok;

	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2hex(hex, sizeof(hex), bytes, sizeof(bytes));
	hex[HEX_LEN] = '\n';
	ok = write(fd, hex, sizeof(hex)) == (ssize_t)sizeof(hex) &&
	     fchmod(fd, KEY_MODE) == 0 && fsync(fd) == 0;
	sodium_memzero(bytes, sizeof(bytes));
	sodium_memzero(hex, sizeof(hex));
	return ok;
}

int
cmd_key_new(struct app *app)
{
	const char *path = app->args.words[0].ptr;
	bool ok;
	int fd;

	if (sodium_init() < 0)
		return app_fail(
		    app, ERR_BUG, "no_random", "libsodium: cannot start");
	/* O_EXCL: a key that is in use is never written over. */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return app_fail(app, ERR_REFUSED, "file_exists",
		    "%s: is there already; name another file, for whoever "
		    "uses this key needs it",
		    path);
	if (fd < 0)
		return app_fail(app, ERR_FILE, "file_write",
		    "%s: cannot be made: %s", path, strerror(errno));
	ok = key_write(fd);
	if (close(fd) != 0 || !ok) {
		unlink(path);
		return app_fail(app, ERR_FILE, "file_write",
		    "%s: cannot be written: %s", path, strerror(errno));
	}
	printf("%s: a new key, readable by owner and group\n", path);
	return 0;
}
