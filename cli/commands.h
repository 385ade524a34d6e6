/* commands.h - the functions behind the rows of commands[]. */
#ifndef ROLEGATE_CLI_COMMANDS_H
#define ROLEGATE_CLI_COMMANDS_H

#include "cli/app.h"

int cmd_check(struct app *app);
int cmd_explain(struct app *app);
int cmd_who(struct app *app);
int cmd_what(struct app *app);
int cmd_account_list(struct app *app);
int cmd_account_show(struct app *app);
int cmd_account_add(struct app *app);
int cmd_account_edit(struct app *app);
int cmd_account_remove(struct app *app);
int cmd_member_list(struct app *app);
int cmd_member_show(struct app *app);
int cmd_member_add(struct app *app);
int cmd_member_edit(struct app *app);
int cmd_member_remove(struct app *app);
int cmd_member_reinstate(struct app *app);
int cmd_member_password(struct app *app);
int cmd_account_move(struct app *app);
int cmd_account_handover(struct app *app);
int cmd_account_suspend(struct app *app);
int cmd_account_archive(struct app *app);
int cmd_account_reinstate(struct app *app);
int cmd_invite_list(struct app *app);
int cmd_invite_show(struct app *app);
int cmd_invite_add(struct app *app);
int cmd_invite_resend(struct app *app);
int cmd_invite_withdraw(struct app *app);
int cmd_invite_link(struct app *app);
int cmd_invite_accept(struct app *app);
int cmd_import_check(struct app *app);
int cmd_import_run(struct app *app);
int cmd_import_resume(struct app *app);
int cmd_import_list(struct app *app);
int cmd_import_show(struct app *app);
int cmd_import_export(struct app *app);
int cmd_import_template(struct app *app);
int cmd_token_list(struct app *app);
int cmd_token_add(struct app *app);
int cmd_token_remove(struct app *app);
int cmd_token_show(struct app *app);
int cmd_notify_list(struct app *app);
int cmd_mail_list(struct app *app);
int cmd_mail_send(struct app *app);
int cmd_notify_read(struct app *app);
int cmd_notify_send(struct app *app);
int cmd_notify_switch(struct app *app);
int cmd_notify_switches(struct app *app);
int cmd_grant_list(struct app *app);
int cmd_grant_show(struct app *app);
int cmd_grant_add(struct app *app);
int cmd_grant_set(struct app *app);
int cmd_grant_remove(struct app *app);
int cmd_role_list(struct app *app);
int cmd_role_show(struct app *app);
int cmd_role_matrix(struct app *app);
int cmd_session_list(struct app *app);
int cmd_session_add(struct app *app);
int cmd_session_remove(struct app *app);
int cmd_sync(struct app *app);
int cmd_publish(struct app *app);
int cmd_load(struct app *app);
int cmd_export(struct app *app);
int cmd_config_test(struct app *app);
int cmd_config_show(struct app *app);
int cmd_config_keys(struct app *app);
int cmd_status(struct app *app);
int cmd_doctor(struct app *app);
int cmd_nginx_lint(struct app *app);
int cmd_log(struct app *app);
int cmd_log_verify(struct app *app);
int cmd_log_prune(struct app *app);
int cmd_key_new(struct app *app);

#endif
