/* What the walk lets through, libfcgi takes whole, without a wait and without
 * a byte left; what is refused stays refused whatever comes behind it. */
#include <assert.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fcgiapp.h>

#include "fcgi/gate/limits.h"
#include "fcgi/gate/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
libfcgi_takes(const uint8_t *data, size_t size, bool keep)
{
	FCGX_Request r;
	char rest[1024];
	char byte;
	int ends[2];

	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
	assert(write(ends[0], data, size) == (ssize_t)size);
	FCGX_InitRequest(&r, -1, FCGI_FAIL_ACCEPT_ON_INTR);
	r.ipcFd = ends[1];
	r.keepConnection = 1;
	r.detached = 1;
	assert(FCGX_Accept_r(&r) == 0);
	assert((r.keepConnection != 0) == keep);
	for (char **p = r.envp; *p != NULL; p++)
		assert(strchr(*p, '=') != NULL && **p != '=');
	while (FCGX_GetStr(rest, sizeof(rest), r.in) > 0)
		;
	assert(FCGX_GetError(r.in) == 0);
	FCGX_Free(&r, 0);
	assert(recv(ends[1], &byte, 1, MSG_DONTWAIT) < 0);
	close(ends[0]);
	close(ends[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum walk all;
	enum walk part;
	bool keep = false;
	bool ignored;
	size_t cut = size > 0 ? data[size - 1] % size : 0;

	if (size > REQUEST_MAX + 1024)
		return 0;
	signal(SIGPIPE, SIG_IGN);
	assert(FCGX_Init() == 0);
	all = records_walk(data, size, &keep);
	part = records_walk(data, cut, &ignored);
	if (part != WALK_INCOMPLETE)
		assert(size == cut || all == WALK_REFUSE);
	if (all != WALK_COMPLETE)
		return 0;
	assert(size <= REQUEST_MAX);
	libfcgi_takes(data, size, keep);
	return 0;
}
