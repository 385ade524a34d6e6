/* Any bytes as a state file: a state or faults; and a state that was read is
 * written, read again and written to the same bytes. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/state_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
state_read(const char *text, size_t len, struct state *state,
    struct arena *arena)
{
	struct faults faults = { 0 };
	FILE *in = fmemopen((void *)(uintptr_t)text, len, "r");
	bool ok = in != NULL &&
		  state_read_json(state, arena, in, STR("fuzz"), &faults);

	if (in != NULL)
		fclose(in);
	if (ok != (faults.count == 0) && in != NULL)
		abort();
	faults_free(&faults);
	return ok;
}

static char *
state_write(const struct state *state, size_t *len)
{
	struct err err = { 0 };
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	if (!state_write_json(state, out, &err))
		abort();
	fclose(out);
	return text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct state first = { 0 };
	struct state second = { 0 };
	size_t first_len = 0;
	size_t second_len = 0;

	if (size > 0 &&
	    state_read((const char *)data, size, &first, &arena)) {
		char *once = state_write(&first, &first_len);

		if (first_len > 0) {
			char *again;

			if (!state_read(once, first_len, &second, &arena))
				abort();
			again = state_write(&second, &second_len);
			if (first_len != second_len ||
			    memcmp(once, again, first_len) != 0)
				abort();
			free(again);
		}
		free(once);
	}
	arena_free(&arena);
	return 0;
}
