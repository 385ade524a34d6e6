/* Parameters from whoever can connect, one a line: good only if each name is
 * there as often as it may be; then each value is the one that was sent. What
 * is good goes on through step 0. */
#include <assert.h>
#include <string.h>

#include "fcgi/gate/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ENVP_MAX 64

/* How often the name is there, and the last value. */
static int
times(char *const *envp, const char *name, struct str *value)
{
	size_t len = strlen(name);
	int count = 0;

	for (; *envp != NULL; envp++) {
		if (strncmp(*envp, name, len) != 0 || (*envp)[len] != '=')
			continue;
		*value = str_from(*envp + len + 1);
		count++;
	}
	return count;
}

static void
params_check(char *const *envp, const struct params *params, bool good)
{
	const struct {
		const char *name;
		struct str got;
		int least;
		size_t min_len;
	} rows[] = {
		{ "ROLEGATE_COOKIE", params->cookie, 1, 0 },
		{ "ROLEGATE_AUTHORIZATION", params->authorization, 0, 0 },
		{ "ROLEGATE_ADDRESS", params->address, 0, 0 },
		{ "ROLEGATE_TRUSTED_USER", params->trusted_user, 1, 0 },
		{ "ROLEGATE_METHOD", params->method, 1, 1 },
		{ "ROLEGATE_PATH", params->path, 1, 1 },
		{ "ROLEGATE_TARGET", params->target, 1, 1 },
		{ "ROLEGATE_PERMISSION", params->permission, 1, 0 },
		{ "ROLEGATE_ACCOUNT", params->account, 1, 0 },
		{ "ROLEGATE_HOST", params->host, 0, 0 },
	};
	bool all = true;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str value = { 0 };
		int count = times(envp, rows[i].name, &value);

		all = all && count >= rows[i].least && count <= 1 &&
		      value.len >= rows[i].min_len;
		assert(!good || str_eq(value, rows[i].got));
	}
	assert(all == good);
}

static void
step_0_check(char *const *envp, bool good)
{
	const struct inquiry_rules rules = { .identity = {
						 .trusted_user = true } };
	struct inquiry inquiry;
	struct answer answer;
	bool asks = inquiry_read(&inquiry, &rules, envp, &answer);

	assert(good || !asks);
	assert(answer.verdict == (asks ? VERDICT_UNKNOWN : VERDICT_DENY));
	assert(!asks ||
	       (inquiry.permission.len > 0 && inquiry.asker.username.len > 0));
	assert(asks || reason_http_status(answer.reason) == 401 ||
	       reason_http_status(answer.reason) == 403);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[8192];
	char *envp[ENVP_MAX + 1];
	size_t count = 0;
	struct params params;
	enum reason wrong = REASON_COUNT;
	bool good;

	if (size >= sizeof(text) || memchr(data, '\0', size) != NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	for (char *at = text; at != NULL && count < ENVP_MAX;) {
		char *line = strsep(&at, "\n");

		if (strchr(line, '=') != NULL)
			envp[count++] = line;
	}
	envp[count] = NULL;
	good = params_read(&params, envp, &wrong);
	assert(good || wrong < REASON_COUNT);
	params_check(envp, &params, good);
	step_0_check(envp, good);
	return 0;
}
