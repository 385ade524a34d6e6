/* What the walk lets through, libfcgi takes whole, without a wait and without
 * a byte left; what is refused stays refused whatever comes behind it. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "fcgi/gate/libfcgi.h"
#include "fcgi/gate/limits.h"
#include "fcgi/gate/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
libfcgi_takes(const uint8_t *data, size_t size, bool keep)
{
	FCGX_Request r;

	assert(libfcgi_take(&r, -1, data, size));
	assert((r.keepConnection != 0) == keep);
	for (char **p = r.envp; *p != NULL; p++)
		assert(strchr(*p, '=') != NULL && **p != '=');
	FCGX_Free(&r, 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum walk all;
	enum walk part;
	bool keep = false;
	bool ignored;
	size_t cut = size > 0 ? data[size - 1] % size : 0;

	if (size > REQUEST_READ_MAX + 1024)
		return 0;
	assert(libfcgi_init());
	all = records_walk(data, size, &keep);
	part = records_walk(data, cut, &ignored);
	if (part != WALK_INCOMPLETE)
		assert(size == cut || all == WALK_REFUSE);
	if (all != WALK_COMPLETE)
		return 0;
	assert(size <= REQUEST_READ_MAX);
	libfcgi_takes(data, size, keep);
	return 0;
}
