/* routes.h - the functions of the routes, by noun; see call.h for what they
 * are given, and docs/openapi.yaml for what they do. */
#ifndef ROLEGATE_WEB_ROUTES_H
#define ROLEGATE_WEB_ROUTES_H

#include "fcgi/web/call.h"

/* account_routes.c */
bool accounts_list(struct call *call);
bool account_add(struct call *call);
bool account_show(struct call *call);
bool account_edit(struct call *call);
bool account_remove(struct call *call);
bool account_move(struct call *call);
bool account_handover(struct call *call);
bool account_roles(struct call *call);

/* member_routes.c */
bool members_list(struct call *call);
bool members_add(struct call *call);
bool member_show(struct call *call);
bool member_edit(struct call *call);
bool member_remove(struct call *call);
bool member_reinstate(struct call *call);

/* invitation_routes.c */
bool invitations_list(struct call *call);
bool invitations_add(struct call *call);
bool invitation_show(struct call *call);
bool invitation_withdraw(struct call *call);
bool invitation_resend(struct call *call);
bool invitation_accept(struct call *call);

/* import_routes.c */
bool import_template(struct call *call);
bool members_export(struct call *call);
bool import_read(struct call *call); /* before the two below */
bool import_add(struct call *call);
bool import_check(struct call *call);
bool imports_list(struct call *call);
bool import_show(struct call *call);
bool import_rows(struct call *call);
bool import_rejects(struct call *call);

/* own_routes.c: what belongs to whoever asks */
bool me_show(struct call *call);
bool me_edit(struct call *call);
bool me_account(struct call *call);
bool password_prove(struct call *call); /* before me_password() */
bool me_password(struct call *call);
bool sessions_list(struct call *call);
bool sessions_end_all(struct call *call);
bool session_end_one(struct call *call);
bool notices_list(struct call *call);
bool notices_read(struct call *call);
bool notice_read(struct call *call);
bool switches_show(struct call *call);
bool switches_set(struct call *call);
bool tokens_list(struct call *call);
bool token_add(struct call *call);
bool token_show(struct call *call);
bool token_remove(struct call *call);

/* history_routes.c */
bool history_list(struct call *call);

/* ask_routes.c */
bool check_ask(struct call *call);
bool explain_ask(struct call *call);
bool who_ask(struct call *call);
bool what_ask(struct call *call);

#endif
