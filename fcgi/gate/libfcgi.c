#include "fcgi/gate/libfcgi.h"

#include <fcgios.h>
#include <limits.h>
#include <string.h>

/* No descriptor: what libfcgi does to it, it does to nothing. */
#define NOWHERE INT_MAX

/* What it reads next. A worker is one thread, and all is read in one call. */
static struct {
	const unsigned char *bytes;
	size_t left;
} waiting;

/* In the place of libfcgi's own. */
int
OS_Read(int fd, char *buf, size_t len)
{
	size_t take = len < waiting.left ? len : waiting.left;

	(void)fd;
	if (take == 0)
		return 0;
	memcpy(buf, waiting.bytes, take);
	waiting.bytes += take;
	waiting.left -= take;
	return (int)take;
}

bool
libfcgi_init(void)
{
	return FCGX_Init() == 0;
}

/* A body that is not read would break the next request. */
static bool
body_drain(FCGX_Stream *in)
{
	char rest[1024];

	while (FCGX_GetStr(rest, sizeof(rest), in) > 0)
		;
	return FCGX_GetError(in) == 0 && waiting.left == 0;
}

/* The fields that are set stand below "don't use anything below here" in
 * fcgiapp.h; test_gate_libfcgi holds them in place, and OS_Read(). Detached:
 * it closes without a wait. */
bool
libfcgi_take(FCGX_Request *out, int fd, const unsigned char *bytes, size_t len)
{
	bool ok;

	FCGX_InitRequest(out, -1, FCGI_FAIL_ACCEPT_ON_INTR);
	out->ipcFd = NOWHERE;
	out->keepConnection = 1;
	out->detached = 1;
	waiting.bytes = bytes;
	waiting.left = len;
	ok = FCGX_Accept_r(out) == 0;
	if (ok && !body_drain(out->in)) {
		FCGX_Free(out, 0);
		ok = false;
	}
	waiting.left = 0;
	out->ipcFd = fd;
	return ok;
}

/* What FCGX_Finish_r() does, but for the closing. */
bool
libfcgi_answer(FCGX_Request *request, const char *text, size_t len)
{
	bool ok = FCGX_PutStr(text, (int)len, request->out) == (int)len;

	ok = FCGX_FClose(request->err) == 0 && ok;
	ok = FCGX_FClose(request->out) == 0 && ok;
	FCGX_Free(request, 0);
	return ok;
}
