#include "fcgi/web/route.h"

#include <string.h>

#include "fcgi/web/limits.h"
#include "fcgi/web/routes.h"

/* clang-format off */
static const struct route routes[] = {
	{ "GET",    "/me",                      "showMe",            0, me_show, NULL },
	{ "PATCH",  "/me",                      "editMe",            ROUTE_BODY | ROUTE_OWN, me_edit, me_show },
	{ "PUT",    "/me/account",              "useAccount",        ROUTE_BODY | ROUTE_PERSON, me_account, NULL },
	{ "PUT",    "/me/password",             "setPassword",       ROUTE_BODY | ROUTE_PERSON | ROUTE_PROVES, me_password, NULL },
	{ "GET",    "/me/sessions",             "listSessions",      ROUTE_OWN, sessions_list, NULL },
	{ "DELETE", "/me/sessions",             "endSessions",       ROUTE_PERSON, sessions_end_all, NULL },
	{ "DELETE", "/me/sessions/{session}",   "endSession",        ROUTE_PERSON, session_end_one, NULL },
	{ "GET",    "/notifications",           "listNotifications", ROUTE_OWN, notices_list, NULL },
	{ "POST",   "/notifications/read",      "readNotifications", ROUTE_OWN, notices_read, NULL },
	{ "GET",    "/notifications/switches",  "showMailSwitches",  ROUTE_OWN, switches_show, NULL },
	{ "PUT",    "/notifications/switches",  "setMailSwitches",   ROUTE_BODY | ROUTE_OWN, switches_set, switches_show },
	{ "POST",   "/notifications/{notification}/read", "readNotification", ROUTE_OWN, notice_read, NULL },
	{ "GET",    "/tokens",                  "listTokens",        ROUTE_OWN, tokens_list, NULL },
	{ "POST",   "/tokens",                  "addToken",          ROUTE_BODY | ROUTE_CREATES | ROUTE_PERSON, token_add, NULL },
	{ "GET",    "/tokens/{token}",          "showToken",         ROUTE_OWN, token_show, NULL },
	{ "DELETE", "/tokens/{token}",          "removeToken",       ROUTE_OWN, token_remove, token_show },
	{ "GET",    "/accounts",                "listAccounts",      0, accounts_list, NULL },
	{ "POST",   "/accounts",                "addAccount",        ROUTE_BODY | ROUTE_CREATES, account_add, NULL },
	{ "GET",    "/accounts/{account}",      "showAccount",       0, account_show, NULL },
	{ "PATCH",  "/accounts/{account}",      "editAccount",       ROUTE_BODY, account_edit, account_show },
	{ "DELETE", "/accounts/{account}",      "removeAccount",     0, account_remove, account_show },
	{ "POST",   "/accounts/{account}/move", "moveAccount",       ROUTE_BODY, account_move, account_show },
	{ "POST",   "/accounts/{account}/handover", "handOverAccount", ROUTE_BODY, account_handover, account_show },
	{ "GET",    "/accounts/{account}/roles", "listRoles",        0, account_roles, NULL },
	{ "GET",    "/accounts/{account}/history", "listHistory",    0, history_list, NULL },
	{ "GET",    "/accounts/{account}/members", "listMembers",    0, members_list, NULL },
	{ "POST",   "/accounts/{account}/members", "addMembers",     ROUTE_BODY | ROUTE_CREATES, members_add, NULL },
	{ "GET",    "/accounts/{account}/members/{member}", "showMember", 0, member_show, NULL },
	{ "PATCH",  "/accounts/{account}/members/{member}", "editMember", ROUTE_BODY, member_edit, member_show },
	{ "DELETE", "/accounts/{account}/members/{member}", "removeMember", 0, member_remove, member_show },
	{ "POST",   "/accounts/{account}/members/{member}/reinstate", "reinstateMember", 0, member_reinstate, NULL },
	{ "GET",    "/accounts/{account}/sheet", "exportMembers",    0, members_export, NULL },
	{ "GET",    "/accounts/{account}/invitations", "listInvitations", 0, invitations_list, NULL },
	{ "POST",   "/accounts/{account}/invitations", "addInvitations", ROUTE_BODY | ROUTE_CREATES, invitations_add, NULL },
	{ "POST",   "/accounts/{account}/imports", "addImport",      ROUTE_UPLOAD | ROUTE_CREATES, import_add, NULL },
	{ "POST",   "/accounts/{account}/imports/check", "checkImport", ROUTE_UPLOAD | ROUTE_ASKS, import_check, NULL },
	{ "POST",   "/invitations/accept",      "acceptInvitation",  ROUTE_BODY | ROUTE_PERSON, invitation_accept, NULL },
	{ "GET",    "/invitations/{invitation}", "showInvitation",   0, invitation_show, NULL },
	{ "DELETE", "/invitations/{invitation}", "withdrawInvitation", 0, invitation_withdraw, invitation_show },
	{ "POST",   "/invitations/{invitation}/resend", "resendInvitation", 0, invitation_resend, invitation_show },
	{ "GET",    "/imports",                 "listImports",       ROUTE_OWN, imports_list, NULL },
	{ "GET",    "/imports/template",        "showTemplate",      0, import_template, NULL },
	{ "GET",    "/imports/{import}",        "showImport",        ROUTE_OWN, import_show, NULL },
	{ "GET",    "/imports/{import}/rows",   "listImportRows",    ROUTE_OWN, import_rows, NULL },
	{ "GET",    "/imports/{import}/rejects", "showRejects",      ROUTE_OWN, import_rejects, NULL },
	{ "GET",    "/check",                   "check",             0, check_ask, NULL },
	{ "GET",    "/explain",                 "explain",           0, explain_ask, NULL },
	{ "GET",    "/who",                     "who",               0, who_ask, NULL },
	{ "GET",    "/what",                    "what",              0, what_ask, NULL },
};
/* clang-format on */
#define ROUTES (sizeof(routes) / sizeof(routes[0]))

/* A word that stands in the table goes before a {…}: the table has it first. */
static bool
path_matches(
    const char *path, struct names words, struct str *values, size_t *count)
{
	struct str rest = str_from(path + 1);
	struct str want;
	size_t at = 0;

	*count = 0;
	while (str_next(&rest, '/', &want)) {
		if (at == words.count)
			return false;
		if (want.ptr[0] == '{')
			values[(*count)++] = words.items[at];
		else if (!str_eq(want, words.items[at]))
			return false;
		at++;
	}
	return at == words.count;
}

const struct route *
api_route_find(struct arena *arena, struct str method, struct names words,
    struct names *values, struct str *allow)
{
	struct str *found = ARENA_ARRAY(arena, struct str, SEGMENTS_MAX);

	*allow = STR("");
	/* HEAD is a GET whose body is not sent. */
	if (str_eq(method, STR("HEAD")))
		method = STR("GET");
	for (size_t i = 0; found != NULL && i < ROUTES; i++) {
		size_t count = 0;

		if (!path_matches(routes[i].path, words, found, &count))
			continue;
		if (str_eq(method, str_from(routes[i].method))) {
			*values = (struct names){ found, count };
			return &routes[i];
		}
		*allow = str_fmt(arena, "%.*s%s%s", STR_ARGS(*allow),
		    allow->len > 0 ? ", " : "", routes[i].method);
	}
	return NULL;
}

bool
route_changes(const struct route *route)
{
	return strcmp(route->method, "GET") != 0 &&
	       (route->flags & ROUTE_ASKS) == 0;
}

void
routes_print(FILE *out)
{
	for (size_t i = 0; i < ROUTES; i++)
		fprintf(out, "%s\t%s\t%s\n", routes[i].method, routes[i].path,
		    routes[i].id);
}
