#include "cli/diagnosis.h"

#define NOTHING ((struct trouble){ NULL, NULL, NULL })

/* --- Places --------------------------------------------------------------- */

static const struct directive *
gate_location(const struct directive *root, struct str path)
{
	const struct directive *at = nginx_first(root, "location", "=");

	for (; at != NULL; at = conf_next(at))
		if (conf_is(at, "location") && str_eq(conf_arg(at, 1), path))
			return at;
	return NULL;
}

void
site_place(struct site *site, const struct directive *root,
    const struct where *request)
{
	const struct directive *auth;

	site->root = root;
	site->request = *request;
	site->location = nginx_where(root, request);
	auth = site->location != NULL
		   ? conf_find(site->location, "auth_request")
		   : NULL;
	if (auth != NULL && !conf_arg_is(auth, 0, "off"))
		site->gate = conf_arg(auth, 0);
	site->gate_location = gate_location(root, site->gate);
	site->cookie = nginx_first(root, "fastcgi_param", "ROLEGATE_COOKIE");
	if (site->cookie == NULL)
		site->cookie = site->gate_location;
	site->application = nginx_first(root, "set", "$rolegate_app");
}

bool
site_is_same(const struct site *site, struct str path)
{
	struct where request = site->request;

	request.path = path;
	return site->root == NULL ||
	       nginx_where(site->root, &request) == site->location;
}

/* --- Troubles ------------------------------------------------------------- */

static struct trouble
got_through(const struct site *site)
{
	return (struct trouble){ "doctor_open",
		"got through; this location has to include "
		"rolegate-protect.conf and to lead to http://$rolegate_pass",
		site->location };
}

static struct trouble
answered_elsewhere(const struct site *site)
{
	return (struct trouble){ "doctor_elsewhere",
		"was answered, and the gate was not asked; take away what "
		"answers before it: return, rewrite, a cache, a file, another "
		"access module",
		site->location };
}

static struct trouble
not_signed_in(const struct site *site)
{
	return (struct trouble){ "doctor_identity",
		"was not signed in, with a session that the gate knows; hand "
		"the cookie on as ROLEGATE_COOKIE $http_cookie, under the name "
		"that gate.cookie has",
		site->cookie };
}

static bool
is_granted(const struct probe_answer *answer)
{
	return str_starts(answer->reason, STR("granted"));
}

/* Nothing of ours, or nothing at all, answered. */
static struct trouble
away(const struct site *site, const struct probe_answer *answer)
{
	if (answer->status == 0)
		return (struct trouble){ "doctor_away",
			"nginx did not answer; is it running, and is that its "
			"address?",
			NULL };
	if (is_granted(answer))
		return (struct trouble){ "doctor_application",
			"the gate said yes and the application did not answer; "
			"is it running where $rolegate_app says, and does the "
			"location lead to http://$rolegate_pass?",
			site->application };
	if (answer->status == 502 && answer->reason.len == 0)
		return (struct trouble){ "doctor_no_proof",
			"got past the gate without an allow, and was stopped "
			"for want of one; take away what lets requests by, like "
			"satisfy any, and see that the gate's socket is the "
			"gate's",
			site->location };
	return (struct trouble){ "doctor_gate_away",
		"the gate could not be asked, or does not know; see rolegate "
		"status, the socket's group and mode, and rolegate publish "
		"--all",
		site->gate_location };
}

static bool
is_away(long status)
{
	return status == 0 || (status >= 500 && status <= 504);
}

/* --- Each of the five ----------------------------------------------------- */

static struct trouble
unknown_diagnose(const struct site *site, const struct evidence *evidence)
{
	long status = evidence->answer.status;

	if (status == 401 || status == 302 || status == 303)
		return evidence->asked == ASKED_NO ? answered_elsewhere(site)
						   : NOTHING;
	if (status == 403)
		return (struct trouble){ "doctor_everybody",
			"everybody is refused there; the reason in the answer "
			"says why: a route or a permission that is missing, or "
			"a path that can be read in two ways",
			site->location };
	return got_through(site);
}

static struct trouble
refused_diagnose(const struct site *site, const struct evidence *evidence)
{
	long status = evidence->answer.status;

	if (status == 401)
		return not_signed_in(site);
	if (status == 403)
		return evidence->asked == ASKED_NO ? answered_elsewhere(site)
						   : NOTHING;
	if (is_granted(&evidence->answer))
		return (struct trouble){ "doctor_refused",
			"is allowed there by right; name somebody who is not, "
			"with --refused, or an account of others with "
			"--account: everybody owns their personal one",
			site->location };
	return got_through(site);
}

static struct trouble
page_diagnose(const struct site *site, const struct evidence *evidence)
{
	long status = evidence->answer.status;

	if (status == 401)
		return not_signed_in(site);
	if (status == 403 && !is_granted(&evidence->answer))
		return (struct trouble){ "doctor_allowed",
			"is refused; the reason in the answer says why, and so "
			"does rolegate explain USER PERMISSION ACCOUNT where "
			"the location names the permission, else explain USER "
			"--method GET --url URL",
			site->location };
	if (evidence->asked == ASKED_NO || (evidence->asked == ASKED_UNKNOWN &&
					       !is_granted(&evidence->answer)))
		return answered_elsewhere(site);
	return NOTHING;
}

static struct trouble
path_diagnose(const struct site *site, const struct evidence *evidence)
{
	long status = evidence->answer.status;

	if (status == 400 || status == 401 || status == 403)
		return NOTHING;
	return (struct trouble){ "doctor_path",
		"got through with a path that can be read in two ways; the "
		"gate has to be told ROLEGATE_PATH $rolegate_path, set inside "
		"the location, and ROLEGATE_TARGET $request_uri",
		site->location };
}

static struct trouble
hidden_diagnose(const struct site *site, const struct evidence *evidence)
{
	if (evidence->answer.status == 404)
		return NOTHING;
	return (struct trouble){ "doctor_not_internal",
		"is answered to a client; the location that asks the gate "
		"needs "
		"the line internal;",
		site->gate_location };
}

struct trouble
diagnose(const struct site *site, const struct evidence *evidence)
{
	static struct trouble (*const of[])(
	    const struct site *, const struct evidence *) = {
		[WANT_UNKNOWN] = unknown_diagnose,
		[WANT_REFUSED] = refused_diagnose,
		[WANT_PAGE] = page_diagnose,
		[WANT_NO_PATH] = path_diagnose,
		[WANT_HIDDEN] = hidden_diagnose,
	};

	if (is_away(evidence->answer.status))
		return away(site, &evidence->answer);
	return of[evidence->want](site, evidence);
}
