#include "cli/secret.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "cli/out.h"

bool
secret_keep(struct app *app, struct secret_text *secret, struct str token)
{
	if (token.len == 0 || token.len > sizeof(secret->text))
		return err_set(&app->err, ERR_BUG, "session_token",
		    "the token: is not one; please report this");
	memcpy(secret->text, token.ptr, token.len);
	secret->len = token.len;
	return true;
}

static bool
print(struct app *app, const struct secret_text *secret)
{
	if (app->json)
		return json_print(app,
		    json_pack("{s:s%}", "token", secret->text, secret->len));
	return printf("%.*s\n", (int)secret->len, secret->text) > 0;
}

int
secret_print(struct app *app, struct secret_text *secret, bool done, int status)
{
	if (done && !print(app, secret))
		status = APP_FAILED;
	sodium_memzero(secret, sizeof(*secret));
	return status;
}
