#include "cli/commands.h"

#include "cli/help.h"

#define ANY_WORDS ARGS_MAX

#define END_OPT                            \
	{                                  \
		NULL, 0, false, NULL, NULL \
	}

/* clang-format off */
#define AT_OPT     { "at", 0, false, "TIME", "ask for this time, like 2027-01-01T00:00:00Z, in the past from the history; else now" }
#define VIEW_OPT   { "view", 0, false, NULL, "answer from the view in Redis instead of the store" }
#define STATUS_OPT(words) { "status", 0, false, "STATUS", words }

static const struct opt check_opts[] = {
	{ "batch", 0, false, "FILE", "many questions, one a line; - is standard input" },
	AT_OPT, VIEW_OPT, END_OPT,
};

static const struct opt explain_opts[] = {
	{ "method",   0, false, "METHOD", "find permission and account by the route map: this method" },
	{ "url",      0, false, "URL",    "... and this path, or a whole URL" },
	{ "account",  0, false, "ID",     "the account that the location names, before the route's own" },
	{ "decision", 0, false, "ID",     "explain anew what the gate decided, by X-Rolegate-Decision-Id" },
	{ "log",      0, false, "FILE",   "decision log; else gate.log_file" },
	AT_OPT, VIEW_OPT, END_OPT,
};

static const struct opt reading_opts[] = { AT_OPT, VIEW_OPT, END_OPT };

static const struct opt account_list_opts[] = {
	{ "below", 0, false, "ID", "only this account and what is below it" },
	END_OPT,
};

static const struct opt account_add_opts[] = {
	{ "parent",    0, false, "ID",   "the account above; without it the account is a root" },
	{ "name",      0, false, "TEXT", "name for people" },
	{ "kind",      0, false, "KIND", "shared (default) or personal" },
	{ "level",     0, false, "NAME", "level of the catalogue; account by default" },
	{ "catalogue", 0, false, "NAME", "role catalogue of the tree, at its root" },
	{ "licence",   0, true,  "NAME", "a licence that the account owns; may be repeated" },
	{ "owner",     0, false, "USER", "the member who owns it" },
	STATUS_OPT("active (default), suspended, archived or closed"),
	END_OPT,
};

static const struct opt account_edit_opts[] = {
	{ "name",       0, false, "TEXT", "name for people" },
	{ "catalogue",  0, false, "NAME", "role catalogue of the tree, at its root" },
	{ "licence",    0, true,  "NAME", "licences owned, in place of those it has; may be repeated" },
	{ "no-licence", 0, false, NULL,   "owns no licences of its own" },
	{ "owner",      0, false, "USER", "the member who owns it" },
	{ "no-owner",   0, false, NULL,   "nobody owns it" },
	STATUS_OPT("active, suspended, archived or closed"),
	END_OPT,
};

static const struct opt invite_list_opts[] = {
	{ "account", 0, false, "ID", "only those to this account" },
	END_OPT,
};

static const struct opt invite_add_opts[] = {
	{ "name",    0, false, "TEXT", "the person's name" },
	{ "licence", 0, true,  "NAME", "a licence on the grant; may be repeated" },
	{ "filter",  0, true,  "TEXT", "a data filter; may be repeated, any of them may match" },
	{ "expires", 0, false, "TIME", "the grant ends at this second, like 2027-01-01T00:00:00Z" },
	END_OPT,
};

static const struct opt invite_accept_opts[] = {
	{ "token-file", 0, false, "FILE", "file with the token alone" },
	END_OPT,
};

static const struct opt import_opts[] = {
	{ "account", 0, false, "ID", "the level that the spreadsheet acts on" },
	END_OPT,
};

#define XLSX_OPT { "xlsx", 0, false, "FILE", "write the spreadsheet as XLSX to this new file" }
static const struct opt import_template_opts[] = {
	XLSX_OPT,
	END_OPT,
};

static const struct opt import_export_opts[] = {
	{ "account", 0, false, "ID", "the level that the spreadsheet acts on" },
	XLSX_OPT,
	END_OPT,
};

static const struct opt import_show_opts[] = {
	XLSX_OPT,
	{ "rejects", 0, false, NULL, "print what was refused as a spreadsheet, with an error column" },
	END_OPT,
};

static const struct opt token_list_opts[] = {
	{ "member", 0, false, "USER", "only this member's" },
	END_OPT,
};

static const struct opt token_add_opts[] = {
	{ "account",    0, true,  "ID",       "only on this account and below; may be repeated" },
	{ "permission", 0, true,  "NAME",     "only for this permission; may be repeated" },
	{ "address",    0, true,  "RANGE",    "only from here, like 192.0.2.0/24; may be repeated" },
	{ "lifetime",   0, false, "DURATION", "90s, 30m, 12h or 7d; without it the token never expires" },
	END_OPT,
};

static const struct opt notify_list_opts[] = {
	{ "unread", 0, false, NULL, "only those that were not read" },
	END_OPT,
};

static const struct opt member_reinstate_opts[] = {
	{ "account", 0, false, "ID", "what they lost on this account; else the member as a whole" },
	END_OPT,
};

static const struct opt member_password_opts[] = {
	{ "password-file", 0, false, "FILE", "file with the password alone, 12 bytes or more" },
	{ "no-password",   0, false, NULL,   "takes the local password away" },
	END_OPT,
};

static const struct opt member_list_opts[] = {
	STATUS_OPT("only members that are invited, active or disabled"),
	END_OPT,
};

static const struct opt member_add_opts[] = {
	{ "email", 0, false, "ADDRESS", "e-mail address; it does not identify anybody" },
	{ "name",  0, false, "TEXT",    "the person's name" },
	{ "phone", 0, false, "TEXT",    "a telephone number" },
	STATUS_OPT("active (default), invited or disabled"),
	END_OPT,
};

static const struct opt member_edit_opts[] = {
	{ "username", 0, false, "USER",    "a new username" },
	{ "email",    0, false, "ADDRESS", "e-mail address" },
	{ "name",     0, false, "TEXT",    "the person's name" },
	{ "phone",    0, false, "TEXT",    "a telephone number" },
	STATUS_OPT("active, invited or disabled"),
	END_OPT,
};

static const struct opt grant_list_opts[] = {
	{ "member",  0, false, "USER", "only this member's" },
	{ "account", 0, false, "ID",   "only those made on this account" },
	{ "role",    0, false, "ROLE", "only of this role" },
	{ "source",  0, false, "NAME", "only from local or from this directory" },
	END_OPT,
};

static const struct opt grant_add_opts[] = {
	{ "licence", 0, true,  "NAME", "a licence on the grant; may be repeated" },
	{ "filter",  0, true,  "TEXT", "a data filter; may be repeated, any of them may match" },
	{ "expires", 0, false, "TIME", "ends at this second, like 2027-01-01T00:00:00Z" },
	END_OPT,
};

static const struct opt grant_set_opts[] = {
	{ "licence",    0, true,  "NAME", "licences in place of those it has; may be repeated" },
	{ "no-licence", 0, false, NULL,   "no licences" },
	{ "filter",     0, true,  "TEXT", "data filters in place of those it has; may be repeated" },
	{ "no-filter",  0, false, NULL,   "no filter" },
	{ "expires",    0, false, "TIME", "ends at this second" },
	{ "no-expires", 0, false, NULL,   "never expires" },
	END_OPT,
};

static const struct opt grant_remove_opts[] = {
	{ "source", 0, false, "NAME", "the grant's source; local by default" },
	END_OPT,
};

static const struct opt session_add_opts[] = {
	{ "account",  0, false, "ID",       "account in use; else the personal one" },
	{ "lifetime", 0, false, "DURATION", "90s, 30m, 12h (default) or 7d" },
	END_OPT,
};

static const struct opt session_remove_opts[] = {
	{ "member", 0, false, "USER", "every session of this member" },
	END_OPT,
};

static const struct opt publish_opts[] = {
	{ "all",    0, false, NULL, "rebuild the whole view from nothing" },
	{ "follow", 0, false, NULL, "stay, publish each change at once, and keep the heartbeat" },
	END_OPT,
};

static const struct opt status_opts[] = {
	{ "gate", 0, false, NULL, "only what the workers of rolegated here say" },
	END_OPT,
};

static const struct opt doctor_opts[] = {
	{ "allowed",         0, false, "USER",      "a member who may see the page" },
	{ "refused",         0, false, "USER",      "a member who may not" },
	{ "account",         0, false, "ID",        "account in use of both; else the personal one" },
	{ "allowed-headers", 0, false, "FILE",      "instead of a session: the header lines that sign in who may" },
	{ "refused-headers", 0, false, "FILE",      "... and who may not" },
	{ "nginx",           0, false, "FILE",      "nginx's configuration, or what nginx -T printed; else /etc/nginx/nginx.conf, if it can be read" },
	{ "ca-file",         0, false, "FILE",      "certificates that are believed; else the system's" },
	{ "connect",         0, false, "HOST:PORT", "connect there, whatever the URL's host resolves to" },
	END_OPT,
};

static const struct opt log_prune_opts[] = {
	{ "keep-months", 0, false, "N", "how many months stay; 25 by default" },
	END_OPT,
};

static const struct opt log_opts[] = {
	{ "subject", 0,   false, "TEXT", "only changes whose subject has this text in it" },
	{ "actor",   0,   false, "WHO",  "only changes by system, source:NAME, member:USER or token:ID" },
	{ "action",  0,   false, "WORD", "only this action, like grant.add, or all of a noun, like grant." },
	{ "account", 0,   false, "ID",   "only changes of this account and of those below it" },
	{ "has",     0,   false, "TEXT", "only changes with this text in subject, before, after or why; a-z as A-Z" },
	{ "from",    0,   false, "TIME", "only changes from this second on, like 2027-01-01T00:00:00Z" },
	{ "to",      0,   false, "TIME", "only changes before this second" },
	{ "before",  0,   false, "N",    "only changes before this generation: the next page" },
	{ "csv",     0,   false, NULL,   "print CSV for a spreadsheet, with before and after" },
	{ "rows",    'n', false, "N",    "how many, newest first; 20 by default" },
	END_OPT,
};

static const struct opt help_opts[] = {
	{ "man", 0, false, NULL, "print the manual page instead" },
	{ "list", 0, false, NULL, "print the name of every command, one a line" },
	END_OPT,
};

const struct command commands[] = {
	{ "check", "MEMBER PERMISSION ACCOUNT [--at TIME] [--view] | --batch FILE|-",
	  "may this member do this here?",
	  "rolegate check ann calls.view sales\n"
	  "rolegate check ann calls.view sales --at 2027-01-01T00:00:00Z\n"
	  "rolegate check --batch questions.tsv\n"
	  "rolegate check --batch - --view < questions.tsv",
	  "Piped it prints `allow|allow_filter|deny TAB reason [TAB filters]`, filters sorted and joined by `;`. "
	  "A batch has one question a line, `member TAB permission TAB account [TAB time]`, and gets one such answer a line, in the same order. "
	  "The exit status is 0 for a yes and 1 for a no; for a batch it is 0 when every line was answered.",
	  check_opts, 0, 3, COMMAND_JSON, cmd_check },

	{ "explain", "MEMBER PERMISSION ACCOUNT | MEMBER --method METHOD --url URL [--account ID] | --decision ID [--log FILE]",
	  "why, step by step",
	  "rolegate explain bob users.add sales\n"
	  "rolegate explain bob --method POST --url https://app.example.org/accounts/sales/users\n"
	  "rolegate explain --decision 5f0c2a1b9d3e4c77",
	  "Shows the answer as one sentence, every holding that reaches the account with the step at which it falls, and the one that decides. "
	  "A decision of the log is asked anew, and shown beside what it was then; one that was made before anybody was asked about, such as no_route, is repeated. "
	  "The exit status is that of check.",
	  explain_opts, 0, 3, COMMAND_JSON, cmd_explain },

	{ "who", "PERMISSION ACCOUNT [--at TIME] [--view]",
	  "which members can do this here?",
	  "rolegate who users.add sales\n"
	  "rolegate who calls.view sales --json",
	  "One line a member: member, verdict, role, the account it is granted on, source, filters.",
	  reading_opts, 2, 2, COMMAND_JSON, cmd_who },

	{ "what", "MEMBER [ACCOUNT] [--at TIME] [--view]",
	  "what can this member do, and where?",
	  "rolegate what ann\n"
	  "rolegate what ann sales",
	  "With an account: every permission the member has there. Without: every account that the member reaches, the roles there, and how many permissions they give.",
	  reading_opts, 1, 2, COMMAND_JSON, cmd_what },

	{ "account list", "[--below ID]", "the accounts, parents first",
	  "rolegate account list\n"
	  "rolegate account list --below my-business",
	  NULL, account_list_opts, 0, 0, COMMAND_JSON, cmd_account_list },
	{ "account show", "ID", "one account, and the grants made on it",
	  "rolegate account show sales", NULL, NULL, 1, 1, COMMAND_JSON, cmd_account_show },
	{ "account add", "ID [--parent ID] [--catalogue NAME] [--owner USER] ...", "makes an account",
	  "rolegate account add my-business --catalogue call-tracking --name \"My Business\" --owner ann\n"
	  "rolegate account add sales --parent my-business --name Sales",
	  NULL, account_add_opts, 1, 1, COMMAND_WRITES | COMMAND_JSON, cmd_account_add },
	{ "account edit", "ID [--name TEXT] [--status STATUS] [--owner USER] ...", "changes what is named, and nothing else",
	  "rolegate account edit sales --name \"Sales Team\"\n"
	  "rolegate account edit sales --status suspended --why \"ticket 4711\"",
	  NULL, account_edit_opts, 1, 1, COMMAND_WRITES | COMMAND_JSON, cmd_account_edit },
	{ "account remove", "ID", "removes an account that has none below it",
	  "rolegate account remove sales --dry-run",
	  "On a terminal its name has to be typed.", NULL, 1, 1, COMMAND_WRITES | COMMAND_JSON, cmd_account_remove },

	{ "account move", "ID PARENT", "puts an account below another one",
	  "rolegate account move team marketing --dry-run",
	  "Shows who gains and who loses access by it. The account stays in a tree of the same catalogue.",
	  NULL, 2, 2, COMMAND_WRITES | COMMAND_JSON, cmd_account_move },
	{ "account handover", "ID MEMBER", "gives an account another owner",
	  "rolegate account handover sales bob",
	  "The new owner is active and has an unexpired grant on the account. The old one keeps only the grants they have.",
	  NULL, 2, 2, COMMAND_WRITES | COMMAND_JSON, cmd_account_handover },
	{ "account suspend", "ID", "suspends an account and all below it: reading only",
	  "rolegate account suspend sales --why \"unpaid\"", NULL, NULL, 1, 1, COMMAND_WRITES | COMMAND_JSON, cmd_account_suspend },
	{ "account archive", "ID", "archives an account: read from the network only",
	  "rolegate account archive old-profile", NULL, NULL, 1, 1, COMMAND_WRITES | COMMAND_JSON, cmd_account_archive },
	{ "account reinstate", "ID", "makes a suspended or archived account active",
	  "rolegate account reinstate sales", NULL, NULL, 1, 1, COMMAND_WRITES | COMMAND_JSON, cmd_account_reinstate },

	{ "member list", "[--status STATUS]", "the members, by username",
	  "rolegate member list\n"
	  "rolegate member list --status disabled",
	  NULL, member_list_opts, 0, 0, COMMAND_JSON, cmd_member_list },
	{ "member show", "USER", "one member, with grants and identities",
	  "rolegate member show ann", NULL, NULL, 1, 1, COMMAND_JSON, cmd_member_show },
	{ "member add", "USER [--email ADDRESS] [--name TEXT] [--status STATUS]", "makes a member",
	  "rolegate member add ann --name \"Ann Miller\" --email ann@example.org",
	  NULL, member_add_opts, 1, 1, COMMAND_WRITES | COMMAND_JSON, cmd_member_add },
	{ "member edit", "USER [--username USER] [--email ADDRESS] [--name TEXT] [--status STATUS]", "changes what is named, and nothing else",
	  "rolegate member edit ann --status disabled --why \"left the company\"\n"
	  "rolegate member edit ann --username ann.miller",
	  NULL, member_edit_opts, 1, 1, COMMAND_WRITES | COMMAND_JSON, cmd_member_edit },
	{ "member remove", "USER", "removes a member with grants and sessions",
	  "rolegate member remove ann", NULL, NULL, 1, 1, COMMAND_WRITES | COMMAND_JSON, cmd_member_remove },

	{ "member reinstate", "USER [--account ID]", "gives back what was removed within the last 30 days",
	  "rolegate member reinstate ann\n"
	  "rolegate member reinstate ann --account sales",
	  "A member comes back with name, identities and local grants; what cannot be given any more is counted. Sessions, tokens and ownerships do not come back.",
	  member_reinstate_opts, 1, 1, COMMAND_WRITES | COMMAND_JSON, cmd_member_reinstate },
	{ "member password", "USER --password-file FILE | --no-password", "sets a local password, and ends all sessions",
	  "rolegate member password ann --password-file ann.password",
	  "It is kept as an argon2id text. Nobody but the file's owner and group may read the file.",
	  member_password_opts, 1, 1, COMMAND_WRITES | COMMAND_JSON, cmd_member_password },

	{ "invite list", "[--account ID]", "the open invitations",
	  "rolegate invite list --account sales", NULL, invite_list_opts, 0, 0, COMMAND_JSON, cmd_invite_list },
	{ "invite show", "ID", "one invitation",
	  "rolegate invite show 4d1f0c9b8a7e6f5d4c3b2a1908f7e6d5", NULL, NULL, 1, 1, COMMAND_JSON, cmd_invite_show },
	{ "invite add", "ADDRESS ROLE ACCOUNT [--name TEXT] [--licence NAME] [--filter TEXT] [--expires TIME]", "invites somebody to an account",
	  "rolegate invite add ann@example.org reporting.viewer sales",
	  "It works once, for this address, and for seven days; rolegate invite link makes its token. Accepting asks again whether the inviter may still give the role.",
	  invite_add_opts, 3, 3, COMMAND_WRITES | COMMAND_JSON, cmd_invite_add },
	{ "invite resend", "ID", "makes an invitation new: its link is dead, with seven days more",
	  "rolegate invite resend 4d1f0c9b8a7e6f5d4c3b2a1908f7e6d5", NULL, NULL, 1, 1, COMMAND_WRITES | COMMAND_JSON, cmd_invite_resend },
	{ "invite withdraw", "ID", "takes an invitation back",
	  "rolegate invite withdraw 4d1f0c9b8a7e6f5d4c3b2a1908f7e6d5", NULL, NULL, 1, 1, COMMAND_WRITES | COMMAND_JSON, cmd_invite_withdraw },
	{ "invite link", "ID", "makes a new link's token and prints it once",
	  "rolegate invite link 4d1f0c9b8a7e6f5d4c3b2a1908f7e6d5",
	  "The token is the only thing on standard output, and kept nowhere; tokens that were made before are dead.",
	  NULL, 1, 1, COMMAND_WRITES | COMMAND_JSON, cmd_invite_link },

	{ "invite accept", "MEMBER --token-file FILE", "accepts an invitation as the member who was invited",
	  "rolegate invite accept ann --token-file ann.token",
	  "The member's address is the one that was invited, and the inviter must still be allowed to give the role.",
	  invite_accept_opts, 1, 1, COMMAND_WRITES | COMMAND_JSON, cmd_invite_accept },

	{ "import template", "[--xlsx FILE]", "a spreadsheet with the header alone",
	  "rolegate import template > people.csv\n"
	  "rolegate import template --xlsx people.xlsx", NULL, import_template_opts, 0, 0, 0, cmd_import_template },
	{ "import export", "--account ID [--xlsx FILE]", "the members of an account, to be edited and imported again",
	  "rolegate import export --account sales > people.csv",
	  "Imported as it is, it changes nothing.", import_export_opts, 0, 0, COMMAND_AS, cmd_import_export },
	{ "import check", "FILE --account ID", "what a spreadsheet would do, row by row",
	  "rolegate import check people.csv --account sales",
	  "Nothing is changed. The exit status is 1 when a row would be refused, and 5 when the whole is.",
	  import_opts, 1, 1, COMMAND_JSON | COMMAND_AS, cmd_import_check },
	{ "import run", "FILE --account ID --yes", "works a spreadsheet off, row by row",
	  "rolegate import run people.csv --account sales --yes",
	  "Each row stands for itself, under the rules of the single operation. The columns are in spreadsheets.md.",
	  import_opts, 1, 1, COMMAND_WRITES | COMMAND_JSON, cmd_import_run },
	{ "import resume", "NUMBER", "goes on with an import that was killed",
	  "rolegate import resume 7", NULL, NULL, 1, 1, COMMAND_JSON, cmd_import_resume },
	{ "import list", "", "the imports, newest first",
	  "rolegate import list", NULL, NULL, 0, 0, COMMAND_JSON, cmd_import_list },
	{ "import show", "NUMBER [--rejects [--xlsx FILE]]", "what became of each row",
	  "rolegate import show 7\n"
	  "rolegate import show 7 --rejects > again.csv", NULL, import_show_opts, 1, 1, COMMAND_JSON, cmd_import_show },

	{ "token list", "[--member USER]", "the tokens of programs",
	  "rolegate token list --member ann", NULL, token_list_opts, 0, 0, COMMAND_JSON, cmd_token_list },
	{ "token add", "MEMBER DESCRIPTION [--account ID] [--permission NAME] [--address RANGE] [--lifetime DURATION]", "makes a token and prints it once",
	  "rolegate token add ann \"nightly report\" --account sales --permission reports.view",
	  "It does what its maker may do at that moment, and no more than the options say. The token is the only thing on standard output, and kept nowhere.",
	  token_add_opts, 2, 2, COMMAND_WRITES | COMMAND_JSON, cmd_token_add },
	{ "token show", "ID", "one token; the secret itself is kept nowhere",
	  "rolegate token show 4d1f0c9b8a7e6f5d4c3b2a1908f7e6d5", NULL, NULL, 1, 1, COMMAND_JSON, cmd_token_show },
	{ "token remove", "ID", "takes a token away",
	  "rolegate token remove 4d1f0c9b8a7e6f5d4c3b2a1908f7e6d5", NULL, NULL, 1, 1, COMMAND_WRITES | COMMAND_JSON, cmd_token_remove },

	{ "notify list", "MEMBER [--unread]", "a member's notices, newest first",
	  "rolegate notify list ann --unread", NULL, notify_list_opts, 1, 1, COMMAND_JSON, cmd_notify_list },
	{ "notify read", "MEMBER [NUMBER]", "marks one notice as read, or all",
	  "rolegate notify read ann 12", NULL, NULL, 1, 2, COMMAND_WRITES | COMMAND_JSON, cmd_notify_read },
	{ "notify switches", "MEMBER", "the kinds of notices that come by mail as well",
	  "rolegate notify switches ann", NULL, NULL, 1, 1, COMMAND_JSON, cmd_notify_switches },
	{ "notify switch", "MEMBER [KIND ...]", "mail for exactly these kinds of notices",
	  "rolegate notify switch ann import membership", NULL, NULL, 1, 33, COMMAND_WRITES | COMMAND_JSON, cmd_notify_switch },
	{ "notify send", "MEMBER KIND TEXT", "gives a member a notice",
	  "rolegate notify send ann announcement \"Down on Sunday from 4 to 5\"", NULL, NULL, 3, 3, COMMAND_WRITES | COMMAND_JSON, cmd_notify_send },

	{ "mail list", "", "the mail that waits to be sent, and what was given up",
	  "rolegate mail list", NULL, NULL, 0, 0, COMMAND_JSON, cmd_mail_list },
	{ "mail send", "", "sends what is due, once",
	  "rolegate mail send",
	  "rolegate-web does it by itself. What fails for now is tried again for three days.",
	  NULL, 0, 0, 0, cmd_mail_send },

	{ "grant list", "[--member USER] [--account ID] [--role ROLE] [--source NAME]", "the grants, by member",
	  "rolegate grant list --account sales\n"
	  "rolegate grant list --source corp --json",
	  NULL, grant_list_opts, 0, 0, COMMAND_JSON, cmd_grant_list },
	{ "grant show", "MEMBER ACCOUNT", "a member's grants on one account",
	  "rolegate grant show bob sales", NULL, NULL, 2, 2, COMMAND_JSON, cmd_grant_show },
	{ "grant add", "MEMBER ROLE ACCOUNT [--licence NAME] [--filter TEXT] [--expires TIME]", "gives a member a role on an account",
	  "rolegate grant add bob reporting.viewer sales\n"
	  "rolegate grant add eve filtered_reporting net --filter region=West --expires 2027-01-01T00:00:00Z",
	  "One local grant for a member on an account: a second one is refused, see rolegate grant set.",
	  grant_add_opts, 3, 3, COMMAND_WRITES | COMMAND_JSON, cmd_grant_add },
	{ "grant set", "MEMBER ROLE ACCOUNT [--licence NAME] [--filter TEXT] [--expires TIME] ...", "changes the local grant there to this role",
	  "rolegate grant set bob full.viewer sales\n"
	  "rolegate grant set bob full.viewer sales --no-expires",
	  "Licences, filters and expiry that are not named stay as they are, so that a change of role does not widen by silence.",
	  grant_set_opts, 3, 3, COMMAND_WRITES | COMMAND_JSON, cmd_grant_set },
	{ "grant remove", "MEMBER ROLE ACCOUNT [--source NAME]", "takes a role away",
	  "rolegate grant remove bob reporting.viewer sales", NULL, grant_remove_opts, 3, 3, COMMAND_WRITES | COMMAND_JSON, cmd_grant_remove },

	{ "role list", "[CATALOGUE]", "the roles of the catalogues",
	  "rolegate role list\n"
	  "rolegate role list call-tracking", NULL, NULL, 0, 1, COMMAND_JSON, cmd_role_list },
	{ "role show", "CATALOGUE ROLE", "one role and the permissions it has",
	  "rolegate role show call-tracking full.viewer", NULL, NULL, 2, 2, COMMAND_JSON, cmd_role_show },
	{ "role matrix", "[CATALOGUE]", "permissions by roles",
	  "rolegate role matrix call-tracking\n"
	  "rolegate role matrix call-tracking > matrix.tsv",
	  "Piped it is TAB separated, with its header line.", NULL, 0, 1, COMMAND_JSON, cmd_role_matrix },

	{ "session list", "[MEMBER]", "the sessions, by their digest",
	  "rolegate session list ann", NULL, NULL, 0, 1, COMMAND_JSON, cmd_session_list },
	{ "session add", "MEMBER [--account ID] [--lifetime DURATION]", "makes a session and prints its token once",
	  "rolegate session add ann --lifetime 8h --yes\n"
	  "TOKEN=$(rolegate session add ann --yes)",
	  "The token is the only thing on standard output. It is kept nowhere: only its digest is.",
	  session_add_opts, 1, 1, COMMAND_WRITES | COMMAND_JSON, cmd_session_add },
	{ "session remove", "DIGEST | --member USER", "ends a session, or all of a member",
	  "rolegate session remove 3f6a09c1\n"
	  "rolegate session remove --member ann --yes",
	  "A digest may be shortened to 8 digits or more, as long as one session begins like it.",
	  session_remove_opts, 0, 1, COMMAND_WRITES | COMMAND_JSON, cmd_session_remove },

	{ "sync", "plan | apply NUMBER | run | status ...", "reads the directories, see rolegate-sync(8)",
	  "rolegate sync plan\n"
	  "rolegate sync apply 7", NULL, NULL, 0, ANY_WORDS, COMMAND_PASS, cmd_sync },
	{ "publish", "[--all] [--follow]", "brings the view in Redis up to the store",
	  "rolegate publish\n"
	  "rolegate publish --all\n"
	  "rolegate publish --follow",
	  "With --follow it looks for changes every 200 ms, beats once a second, outlives Redis being away, and ends on SIGTERM. "
	  "Catalogues that changed in their folder are taken into the store when it starts.",
	  publish_opts, 0, 0, COMMAND_JSON, cmd_publish },

	{ "load", "FILE|-", "replaces the whole state by a file",
	  "rolegate load state.jsonl --dry-run\n"
	  "rolegate load state.jsonl --yes",
	  "Every faulty line is reported and a file with a fault changes nothing. What only adds is done without asking; what changes or removes asks, or takes --yes.",
	  NULL, 1, 1, COMMAND_WRITES | COMMAND_JSON, cmd_load },
	{ "export", "[FILE|-]", "writes the whole state as JSON Lines",
	  "rolegate export > state.jsonl\n"
	  "rolegate export /var/backups/rolegate.jsonl",
	  "A file is replaced whole or not at all. It is also the backup: sessions and history are not in it.",
	  NULL, 0, 1, 0, cmd_export },

	{ "config test", "", "reads every file that the configuration names",
	  "rolegate config test\n"
	  "rolegate config test --config new.yaml",
	  "Every fault comes as file:line:column; the exit status is then 3. Nothing is opened but files. "
	  "What a server cannot be without, rolegated --check and rolegate-web --check say.",
	  NULL, 0, 0, 0, cmd_config_test },
	{ "config show", "", "every key with the value in force",
	  "rolegate config show", NULL, NULL, 0, 0, 0, cmd_config_show },
	{ "config keys", "", "every key with its meaning",
	  "rolegate config keys", NULL, NULL, 0, 0, 0, cmd_config_keys },

	{ "status", "[--gate]", "store, view, gate, and the last runs of the sync",
	  "rolegate status\n"
	  "rolegate status --gate\n"
	  "rolegate status --json",
	  "The exit status is 4 when the view is configured and cannot be read. "
	  "With --gate it is what the workers of rolegated on this host say on gate.control: how many decisions by reason and by time, and how each worker is; 4 when nobody answers.",
	  status_opts, 0, 0, COMMAND_JSON, cmd_status },
	{ "log", "[--subject TEXT] [--actor WHO] [--action WORD] [--account ID] [--has TEXT] [--from TIME] [--to TIME] [--before N] [-n N] [--csv]", "the changes, newest first",
	  "rolegate log -n 50\n"
	  "rolegate log --account sales --action grant. --from 2026-11-01T00:00:00Z\n"
	  "rolegate log --has ann@example.org --csv > changes.csv\n"
	  "rolegate log --subject ann --json", "With --json each change has its before and after.", log_opts, 0, 0, COMMAND_JSON, cmd_log },
	{ "log verify", "", "is the chain of changes whole?",
	  "rolegate log verify", "Every row carries a hash of itself and of the row before it. A row that was changed or taken out ends with exit status 5.", NULL, 0, 0, COMMAND_JSON, cmd_log_verify },

	{ "log prune", "[--keep-months N]", "forgets changes that are older than 25 months",
	  "rolegate log prune --dry-run\n"
	  "rolegate log prune --keep-months 36 --yes",
	  "What was not published yet stays. The chain then begins at the oldest row that is left, and log verify goes on from there.",
	  log_prune_opts, 0, 0, COMMAND_WRITES | COMMAND_JSON, cmd_log_prune },

	{ "doctor", "URL --allowed USER --refused USER [--account ID]", "asks nginx real questions, and says which line is wrong",
	  "rolegate doctor https://app.example.org/inbox/ --allowed ann --refused bob --account sales\n"
	  "nginx -T > all.conf\n"
	  "rolegate doctor https://app.example.org/inbox/ --allowed ann --refused bob --account sales --nginx all.conf\n"
	  "rolegate doctor http://app.example.org/inbox/ --allowed ann --refused bob --account sales --connect 127.0.0.1:8080",
	  "URL is a protected page; a folder shows the most. It is asked by nobody, by nobody with headers that name somebody, by both members and by both at once, under paths that can be read in two ways, and the gate's own location is asked for. "
	  "The members get sessions of two minutes, which end with the command. "
	  "Where gate.control answers, it is also seen whether the gate was asked. "
	  "What nginx lint finds in the configuration is reported, too. "
	  "The exit status is 0 when each answer is as it should be and 1 when one is not; then messages on standard error name the line to change.",
	  doctor_opts, 1, 1, COMMAND_JSON, cmd_doctor },

	{ "nginx lint", "[FILE]", "what in nginx's configuration leads around the gate",
	  "nginx -T | rolegate nginx lint\n"
	  "rolegate nginx lint /etc/nginx/nginx.conf\n"
	  "rolegate nginx lint site.conf --json",
	  "FILE is a configuration with its includes, a file of one site, or what nginx -T printed; - is standard input, which is read too when no FILE is given and something is piped in; else it is /etc/nginx/nginx.conf. "
	  "Each line of the output is file:line: what is wrong; the mend [code]; docs/nginx-lint.md explains the codes. Nothing is started. "
	  "The exit status is 0 when nothing was found, 1 when something was, and 3 when the configuration cannot be read.",
	  NULL, 0, 1, COMMAND_JSON, cmd_nginx_lint },

	{ "key new", "FILE", "makes a key that signs the view",
	  "rolegate key new /etc/rolegate/view.key",
	  "64 hex digits, mode 0640. A file that is there is never written over.",
	  NULL, 1, 1, 0, cmd_key_new },

	{ "help", "[COMMAND] [--man] [--list]", "examples and options of a command",
	  "rolegate help check\n"
	  "rolegate help --man check | man -l -", NULL, help_opts, 0, 2, 0, cmd_help },

	{ NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, NULL },
};
/* clang-format on */
