#include "cli/probe.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#include "publish/redis.h"

#define PORT_MAX       65535
#define LINE_MAX_BYTES 1024 /* of what is kept of an answer's header line */

struct prober {
	struct arena *arena;
	CURL *curl;
	struct curl_slist *connect;
	struct str host;
	struct str path;
	int port;
	struct probe_answer *out; /* of the request that is under way */
	char trouble[CURL_ERROR_SIZE];
};

/* --- The address ---------------------------------------------------------- */

static bool
part_get(struct prober *prober, CURLU *url, CURLUPart part, struct str *out)
{
	char *text = NULL;

	if (curl_url_get(url, part, &text, 0) != CURLUE_OK)
		return false;
	*out = str_copy(prober->arena, str_from(text));
	curl_free(text);
	return out->ptr != NULL;
}

static bool
port_get(struct prober *prober, CURLU *url)
{
	char *text = NULL;
	int64_t port = 0;
	bool ok = curl_url_get(url, CURLUPART_PORT, &text,
		      CURLU_DEFAULT_PORT) == CURLUE_OK &&
		  str_to_i64(str_from(text), 1, PORT_MAX, &port);

	curl_free(text);
	prober->port = (int)port;
	return ok;
}

static bool
url_read(struct prober *prober, const char *text)
{
	CURLU *url = curl_url();
	struct str scheme;
	struct str query;
	bool ok;

	ok = url != NULL &&
	     curl_url_set(url, CURLUPART_URL, text, CURLU_PATH_AS_IS) ==
		 CURLUE_OK &&
	     part_get(prober, url, CURLUPART_SCHEME, &scheme) &&
	     (str_eq(scheme, STR("http")) || str_eq(scheme, STR("https"))) &&
	     part_get(prober, url, CURLUPART_HOST, &prober->host) &&
	     part_get(prober, url, CURLUPART_PATH, &prober->path) &&
	     port_get(prober, url) &&
	     !part_get(prober, url, CURLUPART_QUERY, &query) &&
	     !part_get(prober, url, CURLUPART_FRAGMENT, &query) &&
	     !part_get(prober, url, CURLUPART_USER, &query);
	curl_url_cleanup(url);
	return ok;
}

/* --- What comes ----------------------------------------------------------- */

static void
header_take(
    struct prober *prober, struct str line, const char *name, struct str *out)
{
	size_t len = strlen(name);

	if (line.len <= len || strncasecmp(line.ptr, name, len) != 0 ||
	    line.ptr[len] != ':')
		return;
	line = (struct str){ line.ptr + len + 1, line.len - len - 1 };
	*out = str_copy(prober->arena, str_trim(line));
}

static size_t
on_header(char *bytes, size_t one, size_t count, void *context)
{
	struct prober *prober = context;
	struct str line = { bytes, count };

	(void)one;
	while (line.len > 0 && strchr("\r\n", line.ptr[line.len - 1]) != NULL)
		line.len--;
	if (count <= LINE_MAX_BYTES) {
		header_take(
		    prober, line, "X-Rolegate-Reason", &prober->out->reason);
		header_take(prober, line, "Location", &prober->out->location);
	}
	return count;
}

/* What matters has come: of a page as long as it likes nothing more is read. */
static size_t
on_body(char *bytes, size_t one, size_t count, void *context)
{
	(void)bytes;
	(void)one;
	(void)count;
	(void)context;
	return CURL_WRITEFUNC_ERROR;
}

/* --- The connection ------------------------------------------------------- */

static bool
option_text(struct prober *prober, CURLoption option, struct str text)
{
	struct str copy = str_copy(prober->arena, text);

	return copy.ptr != NULL &&
	       curl_easy_setopt(prober->curl, option, copy.ptr) == CURLE_OK;
}

static bool
option_number(struct prober *prober, CURLoption option, long number)
{
	return curl_easy_setopt(prober->curl, option, number) == CURLE_OK;
}

static bool
connect_set(struct prober *prober, struct str connect)
{
	struct str host;
	struct str line;

	if (connect.len == 0)
		return true;
	if (!redis_host_port(connect, &host, &prober->port))
		return false;
	line = str_fmt(prober->arena, "::%.*s", STR_ARGS(connect));
	if (line.ptr == NULL)
		return false;
	prober->connect = curl_slist_append(NULL, line.ptr);
	return prober->connect != NULL &&
	       curl_easy_setopt(prober->curl, CURLOPT_CONNECT_TO,
		   prober->connect) == CURLE_OK;
}

static bool
options_set(struct prober *prober, const struct prober_config *config)
{
	CURL *curl = prober->curl;

	return option_text(prober, CURLOPT_URL, config->url) &&
	       (config->ca_file.len == 0 ||
		   option_text(prober, CURLOPT_CAINFO, config->ca_file)) &&
	       option_text(prober, CURLOPT_PROXY, STR("")) &&
	       option_text(prober, CURLOPT_PROTOCOLS_STR, STR("http,https")) &&
	       option_number(prober, CURLOPT_FOLLOWLOCATION, 0) &&
	       option_number(prober, CURLOPT_PATH_AS_IS, 1) &&
	       option_number(prober, CURLOPT_NETRC, CURL_NETRC_IGNORED) &&
	       option_number(prober, CURLOPT_SSL_VERIFYPEER, 1) &&
	       option_number(prober, CURLOPT_SSL_VERIFYHOST, 2) &&
	       option_number(prober, CURLOPT_NOSIGNAL, 1) &&
	       option_number(prober, CURLOPT_TIMEOUT, PROBE_WAIT_S) &&
	       curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, prober->trouble) ==
		   CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header) ==
		   CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_HEADERDATA, prober) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body) ==
		   CURLE_OK &&
	       connect_set(prober, config->connect);
}

struct prober *
prober_open(
    struct arena *arena, const struct prober_config *config, struct err *err)
{
	struct prober *prober = arena_alloc(arena, 1, sizeof(*prober));
	struct str url = str_copy(arena, config->url);

	if (prober == NULL || url.ptr == NULL) {
		err_set(err, ERR_BUG, "no_memory",
		    "memory is out; give the process more");
		return NULL;
	}
	*prober = (struct prober){ .arena = arena };
	if (!url_read(prober, url.ptr)) {
		err_set(err, ERR_USAGE, "usage",
		    "%s: cannot be asked; write http:// or https://, a host "
		    "and a path, without query",
		    url.ptr);
		return NULL;
	}
	prober->curl = curl_easy_init();
	if (prober->curl != NULL && options_set(prober, config))
		return prober;
	prober_close(prober);
	err_set(err, ERR_USAGE, "usage",
	    "a probe: libcurl does not take its options; is --ca-file a file "
	    "and --connect HOST:PORT?");
	return NULL;
}

void
prober_close(struct prober *prober)
{
	if (prober == NULL)
		return;
	curl_easy_cleanup(prober->curl);
	curl_slist_free_all(prober->connect);
}

struct str
prober_host(const struct prober *prober)
{
	return prober->host;
}

struct str
prober_path(const struct prober *prober)
{
	return prober->path;
}

int
prober_port(const struct prober *prober)
{
	return prober->port;
}

/* --- One request ---------------------------------------------------------- */

static bool
header_add(struct prober *prober, struct curl_slist **list, struct str line)
{
	struct str copy = str_copy(prober->arena, line);
	struct curl_slist *longer;

	if (copy.ptr == NULL)
		return false;
	longer = curl_slist_append(*list, copy.ptr);
	if (longer != NULL)
		*list = longer;
	return longer != NULL;
}

static void
perform(struct prober *prober, struct probe_answer *out)
{
	CURLcode code;

	prober->trouble[0] = '\0';
	code = curl_easy_perform(prober->curl);
	curl_easy_getinfo(prober->curl, CURLINFO_RESPONSE_CODE, &out->status);
	if (out->status != 0)
		return;
	out->trouble = str_copy(prober->arena,
	    str_from(prober->trouble[0] != '\0' ? prober->trouble
						: curl_easy_strerror(code)));
}

bool
prober_ask(struct prober *prober, struct str target, const struct str *headers,
    size_t count, struct probe_answer *out)
{
	struct curl_slist *list = NULL;
	bool ok = true;

	*out = (struct probe_answer){ .status = 0 };
	prober->out = out;
	for (size_t i = 0; i < count && ok; i++)
		ok = header_add(prober, &list, headers[i]);
	ok = ok && option_text(prober, CURLOPT_REQUEST_TARGET, target) &&
	     curl_easy_setopt(prober->curl, CURLOPT_HTTPHEADER, list) ==
		 CURLE_OK;
	if (ok)
		perform(prober, out);
	curl_easy_setopt(prober->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(list);
	return ok;
}
