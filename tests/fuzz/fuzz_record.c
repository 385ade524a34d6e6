/* A record: any bytes as its whole text, and, behind a byte that says which
 * kind, as a body that is signed. What is read is written the same way again.
 */
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "publish/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct record_key key = { { 1, 2, 3 } };

/* The second field of the first line is what the record is about. */
static struct str
subject_of(struct str body)
{
	struct str line;
	struct str field = { NULL, 0 };

	if (str_next(&body, '\n', &line) && str_next(&line, '\t', &field))
		str_next(&line, '\t', &field);
	return field;
}

static struct str
written_again(
    struct arena *arena, enum record_kind kind, const struct record *record)
{
	struct member member = { 0 };
	const struct account *account = NULL;
	const struct catalogue *catalogue = NULL;
	struct record_token token = { 0 };
	struct record_session session = { 0 };
	struct str hash = { NULL, 0 };
	struct err e = { 0 };
	int64_t number = 0;
	struct str none = { NULL, 0 };
	struct str name = record->name;

	switch (kind) {
	case RECORD_MEMBER:
		return record_read_member(record, arena, &member, &e)
			   ? record_member(arena, &key, name, &member)
			   : none;
	case RECORD_ACCOUNT:
		return record_read_account(record, arena, &account, &e)
			   ? record_account(arena, &key, name, account)
			   : none;
	case RECORD_CATALOGUE:
		return record_read_catalogue(record, arena, &catalogue, &e)
			   ? record_catalogue(arena, &key, name, catalogue)
			   : none;
	case RECORD_SESSION:
		return record_read_session(record, &session, &e)
			   ? record_session_text(arena, &key, name, &session,
				 record->generation)
			   : none;
	case RECORD_TOKEN:
		return record_read_token(record, arena, &token, &e)
			   ? record_token_text(arena, &key, name, &token,
				 record->generation)
			   : none;
	case RECORD_GENERATION:
	case RECORD_HEARTBEAT:
		return record_read_generation(record, &number, &hash, &e)
			   ? record_generation(arena, &key, name, number, hash)
			   : none;
	}
	return none;
}

static void
body_try(struct arena *arena, enum record_kind kind, struct str body)
{
	struct str name = record_name(arena, STR("t"), kind, subject_of(body));
	struct str text = record_seal(arena, &key, name, 7, body);
	struct record record = { 0 };
	struct err e = { 0 };
	struct str again;

	if (text.ptr == NULL)
		return;
	if (!record_open(&record, &key, name, text, &e)) {
		assert(e.code != NULL);
		return;
	}
	assert(str_eq(record.body, body));
	again = written_again(arena, kind, &record);
	assert(again.ptr == NULL || str_eq(again, text));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { .max_bytes = (size_t)64 * 1024 * 1024 };
	struct str text = { (const char *)data, size };
	struct record record = { 0 };
	struct err e = { 0 };

	/* Nobody guesses a MAC. */
	assert(!record_open(&record, &key,
	    record_name(&arena, STR("t"), RECORD_MEMBER, STR("ann")), text,
	    &e));
	if (size > 0 && data[0] >= '1' && data[0] <= '6')
		body_try(&arena, (enum record_kind)(data[0] - '0'),
		    (struct str){ text.ptr + 1, size - 1 });
	arena_free(&arena);
	return 0;
}
