/* site.h - everything below /rolegate/: pages and forms for people, the same in
 * JSON for programs, and the API (call.h).
 *
 *   /rolegate/sign-in       GET the page; POST name and password, as a form or
 *                           as JSON {"username","password"}
 *   /rolegate/sign-out      POST; everywhere=yes ends all sessions
 *   /rolegate/accounts      GET the page of one's accounts
 *   /rolegate/account       POST the account to use
 *   /rolegate/invitation    GET the page; POST the token, and who one is
 *   /rolegate/unauthorized  for nginx: a browser goes to the sign-in, a
 *                           program gets 401 (CASES T48)
 */
#ifndef ROLEGATE_WEB_SITE_H
#define ROLEGATE_WEB_SITE_H

#include "fcgi/web/request.h"
#include "fcgi/web/response.h"
#include "fcgi/web/web.h"

void site_answer(
    struct web *web, const struct request *request, struct response *response);

#endif
