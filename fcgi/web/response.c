#include "fcgi/web/response.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
static const struct { int status; const char *phrase; } phrases[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 409, "Conflict" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 422, "Unprocessable Content" },
	{ 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 500, "Internal Server Error" },
	{ 503, "Service Unavailable" },
};
/* clang-format on */

static const char standing[] =
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "X-Frame-Options: DENY\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'self'; "
    "script-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'";

static bool
has_control(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < ' ' || s.ptr[i] == '\x7f')
			return true;
	return false;
}

void
response_header(struct response *response, const char *name, struct str value)
{
	if (response->header_count == RESPONSE_HEADERS || value.ptr == NULL ||
	    has_control(value)) {
		response->failed = true;
		return;
	}
	response->headers[response->header_count++] =
	    (struct header){ name, value };
}

void
response_redirect(struct response *response, struct str location)
{
	response->status = 303;
	response->body = STR("");
	response_header(response, "Location", location);
}

static const char *
phrase_of(int status)
{
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return NULL;
}

void
response_write(const struct response *response, FCGX_Stream *out, bool head)
{
	const char *phrase = phrase_of(response->status);

	if (response->failed || phrase == NULL) {
		FCGX_FPrintF(out, "Status: 500 %s\r\n%s\r\n\r\n",
		    phrase_of(500), standing);
		return;
	}
	FCGX_FPrintF(
	    out, "Status: %d %s\r\n%s", response->status, phrase, standing);
	for (size_t i = 0; i < response->form_to.count; i++) {
		FCGX_PutStr(" ", 1, out);
		FCGX_PutStr(response->form_to.items[i].ptr,
		    (int)response->form_to.items[i].len, out);
	}
	FCGX_PutStr("\r\n", 2, out);
	for (size_t i = 0; i < response->header_count; i++) {
		const struct header *h = &response->headers[i];

		FCGX_FPrintF(out, "%s: ", h->name);
		FCGX_PutStr(h->value.ptr, (int)h->value.len, out);
		FCGX_PutStr("\r\n", 2, out);
	}
	if (response->body.len > 0 && response->type != NULL)
		FCGX_FPrintF(out, "Content-Type: %s\r\n", response->type);
	FCGX_PutStr("\r\n", 2, out);
	if (!head && response->body.len > 0)
		FCGX_PutStr(response->body.ptr, (int)response->body.len, out);
}
