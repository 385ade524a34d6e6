/* What members may change, by themselves: M1 to M16 in sentences, over both
 * catalogues; invitations, tokens, passwords, spreadsheets, notices. */
#include <stdio.h>
#include <unistd.h>

#include "admin/import.h"
#include "admin_audit.h"
#include "admin_kit.h"
#include "base/bounds.h"
#include "model/json.h"
#include "model/token.h"
#include "store/credential.h"
#include "store/job.h"
#include "store/list.h"
#include "store/notice.h"

static struct arena catalogue_arena;
static struct catalogues both;

/* clang-format off */
static const char world[] =
	"{'type':'member','username':'ann','email':'ann@example.org'}\n"
	"{'type':'member','username':'bob','email':'bob@example.org'}\n"
	"{'type':'member','username':'cid','email':'cid@example.org'}\n"
	"{'type':'member','username':'dir','email':'dir@example.org','identities':[{'source':'corp','id':'d1'}]}\n"
	"{'type':'member','username':'fil','email':'fil@example.org'}\n"
	"{'type':'member','username':'man','email':'man@example.org'}\n"
	"{'type':'member','username':'mem','email':'mem@example.org'}\n"
	"{'type':'member','username':'new','email':'new@example.org'}\n"
	"{'type':'member','username':'obs','email':'obs@example.org'}\n"
	"{'type':'member','username':'off','email':'off@example.org','status':'disabled'}\n"
	"{'type':'member','username':'old','email':'old@example.org'}\n"
	"{'type':'member','username':'own','email':'own@example.org'}\n"
	"{'type':'member','username':'pro','email':'pro@example.org'}\n"
	"{'type':'member','username':'sup','email':'sup@example.org'}\n"
	"{'type':'member','username':'vie','email':'vie@example.org'}\n"
	"{'type':'account','id':'biz','catalogue':'call-tracking','owner':'own'}\n"
	"{'type':'account','id':'net','catalogue':'performance-marketing','level':'network','owner':'own'}\n"
	"{'type':'account','id':'far','catalogue':'call-tracking','owner':'ann'}\n"
	"{'type':'account','id':'p1','parent':'net','level':'profile'}\n"
	"{'type':'account','id':'p2','parent':'net','level':'profile','status':'suspended'}\n"
	"{'type':'account','id':'q1','parent':'net','level':'publisher'}\n"
	"{'type':'account','id':'sales','parent':'biz'}\n"
	"{'type':'account','id':'team','parent':'sales'}\n"
	"{'type':'account','id':'home','kind':'personal','catalogue':'call-tracking','owner':'own'}\n"
	"{'type':'grant','member':'ann','account':'sales','role':'full.editor'}\n"
	"{'type':'grant','member':'bob','account':'sales','role':'reporting.viewer'}\n"
	"{'type':'grant','member':'cid','account':'biz','role':'configuration.editor'}\n"
	"{'type':'grant','member':'dir','account':'net','role':'observer','source':'corp'}\n"
	"{'type':'grant','member':'fil','account':'net','role':'filtered_reporting','filter':['site=7']}\n"
	"{'type':'grant','member':'man','account':'net','role':'manager'}\n"
	"{'type':'grant','member':'mem','account':'net','role':'member'}\n"
	"{'type':'grant','member':'obs','account':'net','role':'observer'}\n"
	"{'type':'grant','member':'off','account':'net','role':'super_user'}\n"
	"{'type':'grant','member':'old','account':'net','role':'super_user','expires':'2020-01-01T00:00:00Z'}\n"
	"{'type':'grant','member':'own','account':'sales','role':'reporting.viewer'}\n"
	"{'type':'grant','member':'pro','account':'p1','role':'super_user'}\n"
	"{'type':'grant','member':'sup','account':'net','role':'super_user'}\n"
	"{'type':'grant','member':'vie','account':'biz','role':'full.viewer'}\n";

/* "who: change", a line each; the last one is judged. */
static const struct row {
	const char *says;
	const char *changes;
	const char *code; /* "": it is made */
} rows[] = {
	/* Adding. */
	{ "40 a Manager adds a Member",                              "man: grant add new member on=net", "" },
	{ "S9 a Manager adds lower roles too",                       "man: grant add new reporting on=net", "" },
	{ "46 a Manager adds a Manager",                             "man: grant add new manager on=net", "" },
	{ "47 P2 a Manager adds no Super User",                      "man: grant add new super_user on=net", "no_right" },
	{ "a Super User adds one",                                   "sup: grant add new super_user on=net", "" },
	{ "an Observer adds nobody",                                 "obs: grant add new reporting on=net", "no_right" },
	{ "a Member adds nobody",                                    "mem: grant add new reporting on=net", "no_right" },
	{ "J25 M16 who is disabled does nothing",                    "off: grant add new reporting on=net", "member_inactive" },
	{ "J25 nor hears what there is not",                         "off: grant add new reporting on=nowhere", "member_inactive" },
	{ "J25 also when only looking",                              "off: may member.list on=nowhere", "member_inactive" },
	{ "M11 with an expired grant the account is not there",      "old: grant add new reporting on=net", "account_unknown" },
	{ "M11 nor is one where one holds nothing",                  "ann: grant add new reporting on=net", "account_unknown" },
	{ "M9 a filtered role with its filter, by people",           "man: grant add new filtered_reporting on=net filter=site=8", "" },
	{ "M9 and on its own level only",                            "man: grant add new filtered_reporting on=p1 filter=site=8", "filtered_level" },
	{ "57 J9 a Manager acts on behalf of a profile",             "man: grant add new member on=p1", "" },
	{ "M3 acting, only what one may do here or holds above",     "pro: grant add new member on=p1", "" },
	{ "51 M11 a profile's member does not see the network",      "pro: grant add new member on=net", "account_unknown" },
	{ "52 nor its neighbour",                                    "pro: grant add new member on=q1", "account_unknown" },
	{ "a full.editor adds an editor below",                      "ann: grant add new full.editor on=team", "" },
	{ "P3 a configuration.editor adds nobody",                   "cid: grant add new configuration.viewer on=biz", "no_right" },
	{ "P3 a viewer adds nobody",                                 "vie: grant add new reporting.viewer on=biz", "no_right" },
	{ "12 the owner may do everything",                          "own: grant add new full.editor on=biz", "" },
	{ "M4 P3 nobody gives to themselves",                        "sup: grant add sup member on=p1", "own_role" },
	{ "M5 a second one",                                         "sup: grant add obs member on=net", "grant_exists" },
	{ "M5 S19 who is there by a directory stays as they are",    "sup: grant add dir member on=net", "not_yours" },
	{ "M16 the owner counts as being there",                     "sup: grant add own member on=net", "grant_exists" },
	{ "M8 S3 2 nobody is added to a personal account",           "own: grant add new full.viewer on=home", "personal_account" },
	{ "M11 somebody else's personal account is not there",       "ann: grant add new full.viewer on=home", "account_unknown" },
	{ "M10 what is suspended takes no change",                   "sup: grant add new member on=p2", "no_right" },
	{ "a role of no catalogue",                                  "sup: grant add new king on=net", "role_unknown" },
	{ "nobody",                                                  "sup: grant add nobody member on=net", "member_unknown" },

	/* Changing. */
	{ "39 a Super User changes a role",                          "sup: grant set obs member on=net", "" },
	{ "39 P2 a Manager does not",                                "man: grant set obs member on=net", "no_right" },
	{ "M4 nobody changes their own role",                        "sup: grant set sup manager on=net", "own_role" },
	{ "M11 somebody who is not there",                           "sup: grant set new member on=net", "grant_unknown" },
	{ "M11 and somebody who does not exist, alike",              "sup: grant set nobody member on=net", "grant_unknown" },
	{ "M5 S19 a directory's grant is read-only",                 "sup: grant set dir member on=net", "not_yours" },
	{ "M6 the owner is not edited",                              "sup: grant set own member on=net", "owner_fixed" },
	{ "M3 a full.editor below edits below",                      "ann: grant set bob full.viewer on=sales", "" },

	/* Removing. */
	{ "39 a Super User removes one",                             "sup: grant remove obs observer on=net", "" },
	{ "39 P2 a Manager removes nobody",                          "man: grant remove obs observer on=net", "no_right" },
	{ "33 removing takes a right of its own",                    "cid: grant remove vie full.viewer on=biz", "no_right" },
	{ "M4 leaving is as removing anybody",                       "obs: grant remove obs observer on=net", "no_right" },
	{ "M4 who may remove may leave",                             "pro: grant remove pro super_user on=p1", "" },
	{ "M7 S7 P6 the last one at the top does not leave",         "sys: account edit net owner=\nsup: grant remove sup super_user on=net", "last_top_role" },
	{ "M5 a directory's grant is not taken",                     "sup: grant remove dir observer on=net source=corp", "not_yours" },

	/* Accounts. */
	{ "14 M1 P2 a Super User makes a profile",                   "sup: account add parent=net level=profile name=P3", "" },
	{ "M13 S2 and owns it",                                      "sup: account add parent=net level=profile owner=man", "not_yours" },
	{ "a Manager makes none",                                    "man: account add parent=net level=profile", "no_right" },
	{ "M1 a profile's Super User makes none below it",           "pro: account add parent=p1 level=publisher", "no_right" },
	{ "54 a sub-account under a selected one",                   "ann: account add parent=sales", "" },
	{ "55 creating takes its own right",                         "cid: account add parent=biz", "no_right" },
	{ "10 14 a further account of one's own",                    "bob: account add catalogue=call-tracking name=Mine", "" },
	{ "but no network",                                          "sup: account add catalogue=performance-marketing level=network", "not_yours" },
	{ "no licence that nobody bought",                           "ann: account add parent=sales licences=gold", "not_yours" },
	{ "nobody chooses an id",                                    "ann: account add mine parent=sales", "not_yours" },
	{ "M11 under one that is not seen",                          "ann: account add parent=biz", "account_unknown" },
	{ "15 M1 renaming asks here",                                "ann: account edit sales name=Sales", "" },
	{ "M1 in the other catalogue at the network",                "sup: account edit p1 name=P1", "" },
	{ "M1 a profile's own Super User does not rename it",        "pro: account edit p1 name=P1", "no_right" },
	{ "M1 suspending asks above",                                "sup: account edit p1 status=suspended", "" },
	{ "M1 a sub-account's editor does not suspend it",           "ann: account edit sales status=suspended", "no_right" },
	{ "the owner above does",                                    "own: account edit sales status=suspended", "" },
	{ "M2 a root is suspended by the system only",               "own: account edit net status=suspended", "not_yours" },
	{ "closing is for ever and the system's",                    "own: account edit sales status=closed", "not_yours" },
	{ "M10 what is suspended is reinstated",                     "sup: account edit p2 status=active", "" },
	{ "M10 and nothing else",                                    "sup: account edit p2 name=x", "account_frozen" },
	{ "licences are the system's",                               "own: account edit biz licences=gold", "not_yours" },
	{ "M6 the owner hands over to who is there",                 "own: account edit net owner=man", "" },
	{ "M6 nobody else does",                                     "sup: account edit net owner=man", "no_right" },
	{ "M11 M6 not to somebody who is not there",                 "own: account edit net owner=new", "grant_unknown" },
	{ "M16 M6 not to somebody whose grants have expired",        "own: account edit net owner=old", "owner_without_grant" },
	{ "M6 not to somebody disabled",                             "own: account edit net owner=off", "member_inactive" },
	{ "M6 not to nobody",                                        "own: account edit net owner=", "grant_unknown" },
	{ "M1 deleting asks above",                                  "own: account remove team", "" },
	{ "M1 a sub-account's own editor does not delete it",        "ann: account remove sales", "no_right" },
	{ "M1 but one below it",                                     "ann: account remove team", "" },
	{ "M13 not with children",                                   "own: account remove sales", "has_children" },
	{ "M2 a root by its owner",                                  "ann: account remove far", "" },
	{ "M2 and by nobody else",                                   "sup: account remove net", "no_right" },

	/* Moving. */
	{ "M1 a move within what is one's own",                      "own: account move team parent=biz", "" },
	{ "P5 M11 to where one is not",                              "own: account move team parent=far", "account_unknown" },
	{ "P5 by somebody below only",                               "ann: account move sales parent=team", "no_right" },
	{ "S5 below itself",                                         "own: account move sales parent=team", "tree_cycle" },
	{ "a root stays",                                            "own: account move biz parent=sales", "account_fixed" },
	{ "to where it is",                                          "own: account move team parent=sales", "account_fixed" },
	{ "into another catalogue",                                  "sys: account move team parent=net", "catalogue_differs" },

	/* Who somebody is. */
	{ "37 one's own name",                                       "bob: member edit bob name=Bob", "" },
	{ "37 not one's own username",                               "bob: member edit bob username=rob", "not_yours" },
	{ "nor status",                                              "bob: member edit bob status=disabled", "not_yours" },
	{ "39 a Super User edits whom they may edit everywhere",     "sup: member edit mem name=Mem", "" },
	{ "39 a Manager does not",                                   "man: member edit mem name=Mem", "person_elsewhere" },
	{ "not somebody who is elsewhere as well",                   "sys: grant add mem full.viewer on=far\nsup: member edit mem name=Mem", "person_elsewhere" },
	{ "not who comes from a directory",                          "sup: member edit dir name=Dir", "not_yours" },
	{ "somebody who is nowhere is not there",                    "sup: member edit new name=New", "member_unknown" },
	{ "M14 nobody makes people",                                 "sup: member add x", "not_yours" },
	{ "nor removes them",                                        "sup: member remove obs", "not_yours" },

	/* Inviting. */
	{ "46 a Manager invites a Manager",                          "man: invite x@example.org manager on=net", "" },
	{ "47 P2 but no Super User",                                 "man: invite x@example.org super_user on=net", "no_right" },
	{ "an Observer invites nobody",                              "obs: invite x@example.org reporting on=net", "no_right" },
	{ "M16 not oneself",                                         "man: invite MAN@example.org member on=net", "own_role" },
	{ "not who is there",                                        "man: invite OBS@example.org member on=net", "grant_exists" },
	{ "M16 nor the owner",                                       "man: invite own@example.org member on=net", "grant_exists" },
	{ "not twice",                                               "man: invite x@example.org member on=net\nman: invite X@example.org reporting on=net", "invitation_exists" },
	{ "what is no address",                                      "man: invite x member on=net", "member_email" },
	{ "M9 a filtered role elsewhere",                            "man: invite x@example.org filtered_reporting on=p1", "filtered_level" },
	{ "46 a Manager withdraws for a Manager",                    "sup: invite x@example.org manager on=net\nman: withdraw", "" },
	{ "47 P2 not for a Super User",                              "sup: invite x@example.org super_user on=net\nman: withdraw", "no_right" },
	{ "M11 who is not there hears of none",                      "sup: invite x@example.org manager on=net\nann: withdraw", "invitation_unknown" },
	{ "it is sent again",                                        "man: invite x@example.org member on=net\nman: resend", "" },
	{ "S6 once withdrawn it is gone",                            "man: invite x@example.org member on=net\nman: withdraw\nman: resend", "invitation_unknown" },
	{ "M14 accepted by whom it is to",                           "man: invite new@example.org member on=net\nnew: accept", "" },
	{ "A7 M14 not by another member",                            "man: invite new@example.org member on=net\nbob: accept", "invitation_address" },
	{ "A7 M14 not twice",                                        "man: invite new@example.org member on=net\nnew: accept\nnew: accept", "invitation_unknown" },
	{ "A7 M14 not after the inviter lost the right",             "man: invite new@example.org member on=net\nsup: grant set man observer on=net\nnew: accept", "no_right" },
	{ "A7 M16 nor after the inviter was disabled",               "man: invite new@example.org member on=net\nsys: member edit man status=disabled\nnew: accept", "member_inactive" },
	{ "A7 nor after the inviter was removed",                    "man: invite new@example.org member on=net\nsys: member remove man\nnew: accept", "invitation_unknown" },
	{ "A7 nor when it was withdrawn",                            "man: invite new@example.org member on=net\nman: withdraw\nnew: accept", "invitation_unknown" },
	{ "M13 it goes with its account",                            "ann: invite new@example.org full.viewer on=team\nann: account remove team\nnew: accept", "invitation_unknown" },
	{ "the system's stays good",                                 "sys: invite new@example.org full.viewer on=team\nnew: accept", "" },
	{ "M5 somebody who was added meanwhile",                     "man: invite new@example.org member on=net\nman: grant add new reporting on=net\nnew: accept", "grant_exists" },
	{ "42 somebody without an identity joins",                   "man: invite x@example.org member on=net\nsys: join xavier", "" },
	{ "not under a name that is taken",                          "man: invite x@example.org member on=net\nsys: join bob", "username_taken" },
	{ "not once the account is suspended",                       "man: invite x@example.org member on=p1\nsup: account edit p1 status=suspended\nsys: join xavier", "no_right" },

	{ "a rename takes the tokens along",                         "man: token accounts=net\nsys: member edit man username=mandy", "" },
	{ "and a removal ends them",                                 "man: token accounts=net\nsys: member remove man", "" },

	/* Reinstating. */
	{ "who was removed comes back",                              "sup: grant remove obs observer on=net\nsup: reinstate obs on=net", "" },
	{ "not by somebody who may not add them",                    "sup: grant remove obs observer on=net\nmem: reinstate obs on=net", "no_right" },
	{ "P5 not by somebody who could not give it",                "sup: grant set obs super_user on=net\nsup: grant remove obs super_user on=net\nman: reinstate obs on=net", "no_right" },
	{ "not who is there",                                        "sup: grant remove obs observer on=net\nsup: grant add obs reporting on=net\nsup: reinstate obs on=net", "grant_exists" },
	{ "not who was never removed",                               "sup: reinstate obs on=net", "nothing_to_reinstate" },
	{ "M4 not oneself",                                          "pro: grant remove pro super_user on=p1\nsys: grant add pro manager on=net\npro: reinstate pro on=p1", "no_right" },

	/* Tokens. */
	{ "192 193 a Manager makes a token",                         "man: token accounts=net", "" },
	{ "193 a Member does not",                                   "mem: token accounts=net", "no_right" },
	{ "S15 on all of one's accounts",                            "man: token", "" },
	{ "where one may make none at all",                          "vie: token", "no_right" },
	{ "194 M11 not on somebody else's account",                  "pro: token accounts=net", "account_unknown" },
	{ "not in somebody else's name",                             "sup: token for=man", "not_yours" },
	{ "the system makes one with their rights",                  "sys: token for=man accounts=net", "" },
	{ "and no more than these",                                  "sys: token for=obs accounts=net", "no_right" },
	{ "197 one's own is removed",                                "man: token accounts=net\nman: untoken", "" },
	{ "somebody else's is not there",                            "man: token accounts=net\nsup: untoken", "token_unknown" },

	/* Reading. */
	{ "38 an Observer sees who is there",                        "obs: may member.list on=net", "" },
	{ "38 a Filtered Reporting member does not",                 "fil: may member.list on=net", "no_right" },
	{ "190 L1 nor tags anybody",                                 "fil: may history.view on=net", "no_right" },
	{ "213 S20 the history is for Managers",                     "man: may history.view on=net", "" },
	{ "213 and not for Observers",                               "obs: may history.view on=net", "no_right" },
	{ "P4 M11 the parent is not there for a child's member",     "ann: may member.list on=biz", "account_unknown" },
	{ "an operation that no catalogue has",                      "own: may everything on=biz", "no_right" },
	{ "152 P2 a Manager imports nothing",                        "man: may spreadsheet.add on=net", "no_right" },
	{ "152 153 a Super User does",                               "sup: may spreadsheet.delete on=net", "" },
};
#define ROWS ((int)(sizeof(rows) / sizeof(rows[0])))
/* clang-format on */

/* --- The words of this test ----------------------------------------------- */

static char token_text[TOKEN_LEN + 1];
static struct str made_id;

static struct str
word_of(const char *line, size_t at)
{
	struct str rest = str_from(line);
	struct str word = STR("");

	for (size_t i = 0; i <= at; i++)
		if (!str_next(&rest, ' ', &word))
			return STR("");
	return word;
}

/* Of "key=value" anywhere in the line, up to a blank. */
static struct str
value_of(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	if (at == NULL)
		return STR("");
	at += strlen(key);
	return (struct str){ at, strcspn(at, " ") };
}

static bool
do_invite(const char *line)
{
	struct str id = STR("");
	const struct invitation wanted = {
		.email = word_of(line, 1),
		.role = word_of(line, 2),
		.account = value_of(line, "on="),
	};
	bool ok = admin_invite(&admin, &wanted, 0, &id, &kit.err);

	if (ok)
		made_id = str_copy(&kit.arena, id);
	return ok;
}

/* The token as the sender of mail makes it, in a transaction of its own. */
static void
link_follow(void)
{
	const struct actor actor = admin.actor;
	struct str token = STR("");
	struct err ignored = { 0 };

	admin_done();
	KIT_OK(admin_begin(
	    &admin, kit.store, &both, &AS_SYSTEM, NOW_S * 1000, &kit.err));
	if (admin_invitation_token(&admin, made_id, &token, &ignored))
		snprintf(
		    token_text, sizeof(token_text), "%.*s", STR_ARGS(token));
	admin_done();
	KIT_OK(admin_begin(
	    &admin, kit.store, &both, &actor, NOW_S * 1000, &kit.err));
}

static bool
do_accept(const char *line)
{
	(void)line;
	link_follow();
	return admin_invitation_accept(&admin, str_from(token_text), &kit.err);
}

static bool
do_join(const char *line)
{
	link_follow();
	return admin_invitation_join(&admin, str_from(token_text),
	    word_of(line, 1), STR("Somebody New"), STR("$argon2id$hash"),
	    &kit.err);
}

static bool
do_withdraw(const char *line)
{
	(void)line;
	return admin_invitation_withdraw(&admin, made_id, &kit.err);
}

static bool
do_resend(const char *line)
{
	(void)line;
	return admin_invitation_resend(&admin, made_id, &kit.err);
}

static bool
do_token(const char *line)
{
	struct str account = value_of(line, "accounts=");
	struct str token = STR("");
	struct str id = STR("");
	const struct api_token wanted = {
		.username = value_of(line, "for="),
		.description = STR("a program"),
		.accounts = { &account, account.len > 0 ? 1 : 0 },
	};
	bool ok = admin_token_add(&admin, &wanted, &token, &id, &kit.err);

	if (ok) {
		ck_assert_uint_eq(token.len, TOKEN_LEN);
		made_id = str_copy(&kit.arena, id);
	}
	return ok;
}

static bool
do_untoken(const char *line)
{
	(void)line;
	return admin_token_remove(&admin, made_id, &kit.err);
}

static bool
do_move(const char *line)
{
	return admin_account_move(
	    &admin, word_of(line, 2), value_of(line, "parent="), &kit.err);
}

static bool
do_may(const char *line)
{
	struct str operation =
	    str_fmt(&kit.arena, "%.*s", STR_ARGS(word_of(line, 1)));

	return admin_right(
	    &admin, value_of(line, "on="), operation.ptr, STR(""), &kit.err);
}

static bool
do_reinstate(const char *line)
{
	return admin_grant_reinstate(
	    &admin, word_of(line, 1), value_of(line, "on="), &kit.err);
}

static const struct {
	const char *word;
	bool (*make)(const char *line);
} verbs[] = {
	{ "invite ", do_invite },
	{ "accept", do_accept },
	{ "join ", do_join },
	{ "withdraw", do_withdraw },
	{ "resend", do_resend },
	{ "token", do_token },
	{ "untoken", do_untoken },
	{ "account move ", do_move },
	{ "may ", do_may },
	{ "reinstate ", do_reinstate },
};

static bool
change_make(const char *line)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strncmp(line, verbs[i].word, strlen(verbs[i].word)) == 0)
			return verbs[i].make(line);
	return admin_do(line);
}

static struct actor
actor_of(struct str who)
{
	if (str_eq(who, STR("sys")))
		return AS_SYSTEM;
	return (struct actor){ .kind = ACTOR_MEMBER, .username = who };
}

/* One line in a transaction of its own. */
static bool
line_run(struct str line)
{
	struct str rest = line;
	struct str who;
	struct actor actor;
	bool ok;

	ck_assert(str_next(&rest, ':', &who));
	actor = actor_of(str_copy(&kit.arena, who));
	KIT_OK(admin_begin(
	    &admin, kit.store, &both, &actor, NOW_S * 1000, &kit.err));
	ok = change_make(
	    str_fmt(&kit.arena, "%.*s", (int)rest.len - 1, rest.ptr + 1).ptr);
	if (ok)
		admin_done();
	else
		admin_abort(&admin);
	return ok;
}

static void
world_make(void)
{
	struct state state = admin_state(world);
	struct load_counts counts;
	struct faults faults = { 0 };

	if (both.count == 0)
		ck_assert(catalogues_load(
		    &catalogue_arena, STR("catalogs"), &both, &faults));
	made_id = STR("none");
	token_text[0] = '\0';
	state.catalogues = both;
	KIT_OK(admin_begin(
	    &admin, kit.store, &both, &AS_SYSTEM, NOW_S * 1000, &kit.err));
	KIT_OK(admin_load(&admin, &state, &counts, &kit.err));
	admin_done();
}

/* --- The sentences -------------------------------------------------------- */

START_TEST(members_may)
{
	const struct row *row = &rows[_i];
	struct str rest = str_from(row->changes);
	struct str line = STR("");
	struct str next;
	struct names before = { NULL, 0 };
	struct view view = { 0 };
	int64_t since = 0;
	bool ok = true;

	world_make();
	while (str_next(&rest, '\n', &next)) {
		ck_assert_msg(ok, "%s: %.*s: %s", row->says, STR_ARGS(line),
		    kit.err.text);
		line = next;
		before = admin_lines();
		view = view_whole();
		since = admin_generation();
		ok = line_run(line);
	}
	ck_assert_msg(ok == (*row->code == '\0'), "%s: %s [%s]", row->says,
	    kit.err.text, kit.err.code != NULL ? kit.err.code : "made");
	if (ok) {
		history_replays(before, since, row->says);
		touches_suffice(view, since, row->says);
	} else {
		ck_assert_msg(strcmp(kit.err.code, row->code) == 0,
		    "%s: %s [%s]", row->says, kit.err.text, kit.err.code);
		ck_assert_msg(
		    admin_generation() == since, "%s left a row", row->says);
	}
}
END_TEST

/* M11: what one may not know is as what is not there, to the letter. */
START_TEST(m11_foreign_is_as_missing)
{
	char foreign[sizeof(kit.err.text)];

	world_make();
	ck_assert(!line_run(STR("ann: grant add new member on=net")));
	snprintf(foreign, sizeof(foreign), "%s", kit.err.text);
	memcpy(strstr(foreign, "net"), "not", 3);
	kit.err = (struct err){ 0 };
	ck_assert(!line_run(STR("ann: grant add new member on=not")));
	ck_assert_str_eq(kit.err.text, foreign);
}
END_TEST

/* --- Who did it, for whom ------------------------------------------------- */

static struct history_row
newest(void)
{
	struct history_row *list = NULL;
	size_t count = 0;

	KIT_OK(store_history_newest(
	    kit.store, &kit.arena, STR(""), 1, &list, &count, &kit.err));
	ck_assert_uint_eq(count, 1);
	return list[0];
}

START_TEST(s12_both_identities_are_noted)
{
	struct history_row row;

	world_make();
	KIT_OK(line_run(STR("man: grant add new member on=p1")));
	row = newest();
	ck_assert(str_eq(row.actor, STR("member:man")));
	ck_assert(str_eq(row.on_behalf, STR("account:p1")));
	ck_assert(str_eq(row.account, STR("p1")));
	KIT_OK(line_run(STR("man: grant add bob member on=net")));
	ck_assert_uint_eq(newest().on_behalf.len, 0);
	KIT_OK(line_run(STR("man: invite ann@example.org member on=net")));
	KIT_OK(line_run(STR("ann: accept")));
	row = newest();
	ck_assert(str_eq(row.actor, STR("member:ann")));
	ck_assert(str_eq(row.on_behalf, STR("member:man")));
}
END_TEST

START_TEST(p7_a_token_is_its_maker_and_no_more)
{
	struct str accounts[] = { STR("p1") };
	struct str permissions[] = { STR("members.add"), STR("members.view") };
	struct actor program = {
		.kind = ACTOR_MEMBER,
		.username = STR("man"),
		.token = STR("t1"),
		.scope = { { accounts, 1 }, { permissions, 2 } },
	};

	world_make();
	KIT_OK(admin_begin(
	    &admin, kit.store, &both, &program, NOW_S * 1000, &kit.err));
	KIT_OK(change_make("may member.list on=p1"));
	KIT_FAILS(change_make("may member.list on=net"), "account_unknown");
	KIT_FAILS(change_make("may token.create on=p1"), "no_right");
	/* It takes invites.manage as well, which is not in the scope. */
	KIT_FAILS(change_make("grant add new member on=p1"), "no_right");
	KIT_FAILS(change_make("token"), "not_yours");
	admin_abort(&admin);
	program.scope = (struct scope){ { NULL, 0 }, { NULL, 0 } };
	KIT_OK(admin_begin(
	    &admin, kit.store, &both, &program, NOW_S * 1000, &kit.err));
	KIT_OK(change_make("grant add new member on=net"));
	admin_done();
	ck_assert(str_eq(newest().actor, STR("token:t1")));
	ck_assert(str_eq(newest().on_behalf, STR("member:man")));
}
END_TEST

/* To own an account, or to be somebody, is no permission that it could have. */
START_TEST(p7_s15_a_narrowed_token_has_nothing_of_its_makers_person)
{
	static const struct {
		const char *who;
		const char *change;
		bool by_accounts; /* a token of all permissions in an account */
	} cases[] = {
		{ "own", "account edit net owner=man", true },
		{ "ann", "account remove far", true },
		{ "bob", "account add catalogue=call-tracking", false },
		{ "bob", "member edit bob email=x@example.org", false },
	};
	struct str accounts[] = { STR("net"), STR("far") };
	struct str permissions[] = { STR("members.view"), STR("calls.view") };
	const struct scope scopes[] = {
		{ { NULL, 0 }, { permissions, 2 } },
		{ { accounts, 2 }, { NULL, 0 } },
		{ { NULL, 0 }, { NULL, 0 } },
	};

	world_make();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int scope = 0; scope < 3; scope++) {
			struct actor program = {
				.kind = ACTOR_MEMBER,
				.username = str_from(cases[i].who),
				.token = STR("t1"),
				.scope = scopes[scope],
			};
			bool may =
			    scope == 2 || (scope == 1 && cases[i].by_accounts);

			KIT_OK(admin_begin(&admin, kit.store, &both, &program,
			    NOW_S * 1000, &kit.err));
			if (may)
				KIT_OK(change_make(cases[i].change));
			else
				KIT_FAILS(
				    change_make(cases[i].change), "not_yours");
			admin_abort(&admin);
		}
}
END_TEST

/* --- Invitations ---------------------------------------------------------- */

START_TEST(a7_the_token_is_kept_nowhere)
{
	struct history_row *list = NULL;
	struct invitation invitation = { 0 };
	struct mail *mails = NULL;
	size_t count = 0;

	world_make();
	KIT_OK(line_run(STR("man: invite x@example.org member on=net")));
	KIT_OK(store_mails(kit.store, &kit.arena, 9, &mails, &count, &kit.err));
	ck_assert_uint_eq(count, 1);
	ck_assert(text_has(mails[0].body, "{link}"));
	ck_assert(str_eq(mails[0].invitation, made_id));
	KIT_OK(line_run(STR("sys: join xavier")));
	ck_assert_uint_eq(strlen(token_text), TOKEN_LEN);
	ck_assert_int_eq(store_invitation(kit.store, &kit.arena, made_id,
			     &invitation, &kit.err),
	    FOUND_NO);
	KIT_OK(store_history(
	    kit.store, &kit.arena, 0, 1000, &list, &count, &kit.err));
	for (size_t i = 0; i < count; i++) {
		ck_assert(!text_has(list[i].after, token_text));
		ck_assert(!text_has(list[i].before, token_text));
		ck_assert(!text_has(list[i].after, "argon2id"));
	}
}
END_TEST

/* A member cannot flood an address by way of us; the system may. */
START_TEST(an_address_is_invited_twenty_times_a_day)
{
	world_make();
	KIT_OK(line_run(STR("man: invite x@example.org member on=net")));
	for (int i = 1; i < INVITATIONS_A_DAY_MAX; i++)
		KIT_OK(line_run(STR("man: resend")));
	ck_assert(!line_run(STR("man: resend")));
	ck_assert_str_eq(kit.err.code, "invitations_too_many");
	KIT_OK(line_run(STR("man: withdraw")));
	ck_assert(!line_run(STR("man: invite x@example.org member on=net")));
	ck_assert_str_eq(kit.err.code, "invitations_too_many");
	KIT_OK(line_run(STR("man: invite y@example.org member on=net")));
	KIT_OK(line_run(STR("sys: invite x@example.org member on=net")));
	kit_sql("UPDATE history SET at_ms = at_ms - 86400001");
	KIT_OK(line_run(STR("man: resend")));
}
END_TEST

START_TEST(a7_after_seven_days_it_is_gone)
{
	struct str token = STR("");
	const struct actor new = {
		.kind = ACTOR_MEMBER,
		.username = STR("new"),
	};

	world_make();
	KIT_OK(line_run(STR("man: invite new@example.org member on=net")));
	KIT_OK(admin_begin(
	    &admin, kit.store, &both, &AS_SYSTEM, NOW_S * 1000, &kit.err));
	KIT_OK(admin_invitation_token(&admin, made_id, &token, &kit.err));
	snprintf(token_text, sizeof(token_text), "%.*s", STR_ARGS(token));
	admin_done();
	KIT_OK(admin_begin(&admin, kit.store, &both, &new,
	    (NOW_S + INVITATION_LIFE_S) * 1000, &kit.err));
	KIT_FAILS(
	    admin_invitation_accept(&admin, str_from(token_text), &kit.err),
	    "invitation_unknown");
	admin_abort(&admin);
	KIT_OK(admin_begin(&admin, kit.store, &both, &AS_SYSTEM,
	    (NOW_S + INVITATION_LIFE_S) * 1000, &kit.err));
	KIT_OK(admin_invitations_expire(&admin, &kit.err));
	admin_done();
	ck_assert(str_eq(newest().action, STR("invitation.expire")));
	ck_assert_int_eq(kit_sql_number("SELECT count(*) FROM mails"), 0);
	KIT_OK(line_run(STR("man: invite new@example.org member on=net")));
}
END_TEST

START_TEST(a7_an_older_link_is_dead)
{
	char first[sizeof(token_text)];

	world_make();
	KIT_OK(line_run(STR("man: invite new@example.org member on=net")));
	KIT_OK(admin_begin(
	    &admin, kit.store, &both, &AS_SYSTEM, NOW_S * 1000, &kit.err));
	link_follow();
	snprintf(first, sizeof(first), "%s", token_text);
	link_follow();
	admin_abort(&admin);
	ck_assert_str_ne(first, token_text);
	KIT_OK(admin_begin(&admin, kit.store, &both,
	    &(struct actor){ .kind = ACTOR_MEMBER, .username = STR("new") },
	    NOW_S * 1000, &kit.err));
	KIT_FAILS(admin_invitation_accept(&admin, str_from(first), &kit.err),
	    "invitation_unknown");
	KIT_OK(admin_invitation_accept(&admin, str_from(token_text), &kit.err));
	admin_abort(&admin);
}
END_TEST

/* A token lives on in the view by its maker's username: it must not become
 * that of the next one of this name. */
START_TEST(p5_a_load_ends_tokens_and_invitations)
{
	struct state state;
	struct load_counts counts;
	struct view view;
	int64_t since;

	world_make();
	KIT_OK(line_run(STR("sys: token for=man accounts=net")));
	KIT_OK(line_run(STR("man: invite x@example.org member on=net")));
	KIT_OK(line_run(STR("ann: invite y@example.org full.viewer on=team")));
	view = view_whole();
	since = admin_generation();
	state = admin_state("{'type':'member','username':'ann'}\n"
			    "{'type':'member','username':'new'}\n");
	KIT_OK(admin_begin(
	    &admin, kit.store, &both, &AS_SYSTEM, NOW_S * 1000, &kit.err));
	KIT_OK(admin_load(&admin, &state, &counts, &kit.err));
	admin_done();
	touches_suffice(view, since, "a load");
	ck_assert_int_eq(kit_sql_number("SELECT count(*) FROM api_tokens"), 0);
	ck_assert_int_eq(kit_sql_number("SELECT count(*) FROM invitations"), 0);
	ck_assert_int_eq(kit_sql_number("SELECT count(*) FROM mails"), 0);
}
END_TEST

/* --- Reinstating ---------------------------------------------------------- */

START_TEST(a_member_comes_back_as_they_were)
{
	int64_t skipped = 0;

	world_make();
	KIT_OK(line_run(STR("sys: grant add bob member on=p1")));
	KIT_OK(line_run(STR("sys: grant add bob full.viewer on=team")));
	KIT_OK(line_run(STR("sys: member remove bob")));
	KIT_OK(line_run(STR("sys: account remove p1")));
	KIT_OK(admin_begin(&admin, kit.store, &both, &AS_SYSTEM,
	    (NOW_S + REINSTATE_S) * 1000, &kit.err));
	KIT_OK(admin_member_reinstate(&admin, STR("bob"), &skipped, &kit.err));
	/* One grant was on an account that is gone. */
	ck_assert_int_eq(skipped, 1);
	admin_abort(&admin);
	KIT_OK(line_run(STR("sys: account add p1 parent=net level=profile")));
	KIT_OK(admin_begin(&admin, kit.store, &both, &AS_SYSTEM,
	    (NOW_S + REINSTATE_S) * 1000, &kit.err));
	KIT_OK(admin_member_reinstate(&admin, STR("bob"), &skipped, &kit.err));
	ck_assert_int_eq(skipped, 0);
	admin_done();
	ck_assert_int_eq(
	    kit_sql_number("SELECT count(*) FROM grants g JOIN members m ON "
			   "m.id = g.member_id WHERE m.username = 'bob'"),
	    3);
}
END_TEST

START_TEST(after_thirty_days_nobody_comes_back)
{
	int64_t skipped = 0;

	world_make();
	KIT_OK(line_run(STR("sys: member remove bob")));
	KIT_OK(admin_begin(&admin, kit.store, &both, &AS_SYSTEM,
	    (NOW_S + REINSTATE_S + 1) * 1000, &kit.err));
	KIT_FAILS(
	    admin_member_reinstate(&admin, STR("bob"), &skipped, &kit.err),
	    "nothing_to_reinstate");
	admin_abort(&admin);
	KIT_OK(admin_begin(&admin, kit.store, &both,
	    &(struct actor){ .kind = ACTOR_MEMBER, .username = STR("sup") },
	    NOW_S * 1000, &kit.err));
	KIT_FAILS(
	    admin_member_reinstate(&admin, STR("bob"), &skipped, &kit.err),
	    "not_yours");
	admin_abort(&admin);
}
END_TEST

/* --- Passwords, notices --------------------------------------------------- */

START_TEST(a_new_password_ends_the_sessions)
{
	struct str hash = STR("");
	struct str token = STR("");
	struct member bob = { 0 };

	world_make();
	ck_assert_int_eq(
	    store_member(kit.store, &kit.arena, STR("bob"), &bob, &kit.err),
	    FOUND_YES);
	KIT_OK(admin_begin(&admin, kit.store, &both,
	    &(struct actor){ .kind = ACTOR_MEMBER, .username = STR("bob") },
	    NOW_S * 1000, &kit.err));
	KIT_OK(admin_session_add(&admin, STR("bob"), STR(""),
	    &(struct session_limits){ .lifetime_s = 60 }, &token, &kit.err));
	KIT_FAILS(
	    admin_session_add(&admin, STR("ann"), STR(""),
		&(struct session_limits){ .lifetime_s = 60 }, &token, &kit.err),
	    "not_yours");
	KIT_FAILS(admin_password_set(
		      &admin, STR("ann"), STR("$argon2id$x"), &kit.err),
	    "not_yours");
	KIT_OK(admin_password_set(
	    &admin, STR("bob"), STR("$argon2id$x"), &kit.err));
	admin_done();
	ck_assert_int_eq(kit_sql_number("SELECT count(*) FROM sessions"), 0);
	ck_assert_int_eq(
	    store_password(kit.store, &kit.arena, bob.id, &hash, &kit.err),
	    FOUND_YES);
	ck_assert(str_eq(hash, STR("$argon2id$x")));
	KIT_OK(line_run(STR("sys: member remove bob")));
	ck_assert_int_eq(
	    store_password(kit.store, &kit.arena, bob.id, &hash, &kit.err),
	    FOUND_NO);
}
END_TEST

START_TEST(r162_mail_only_where_it_was_switched_on)
{
	struct notice *notices = NULL;
	struct member bob = { 0 };
	int64_t unread = 0;
	int64_t changed = 0;
	size_t count = 0;

	world_make();
	ck_assert_int_eq(
	    store_member(kit.store, &kit.arena, STR("bob"), &bob, &kit.err),
	    FOUND_YES);
	KIT_OK(admin_begin(
	    &admin, kit.store, &both, &AS_SYSTEM, NOW_S * 1000, &kit.err));
	KIT_OK(admin_notify(&admin, STR("bob"), "performance",
	    STR("All is well"), STR(""), &kit.err));
	ck_assert_int_eq(kit_sql_number("SELECT 1"), 1);
	KIT_OK(store_set_mail_switch(
	    kit.store, bob.id, STR("performance"), true, &kit.err));
	KIT_OK(admin_notify(&admin, STR("bob"), "performance",
	    STR("All is better"), STR(""), &kit.err));
	KIT_FAILS(admin_notify(&admin, STR("bob"), "performance", STR("a\nb"),
		      STR(""), &kit.err),
	    "text_control");
	admin_done();
	ck_assert_int_eq(kit_sql_number("SELECT count(*) FROM mails"), 1);
	KIT_OK(store_notices(kit.store, &kit.arena, bob.id, true, 0, 9,
	    &notices, &count, &kit.err));
	ck_assert_uint_eq(count, 2);
	ck_assert(str_eq(notices[0].text, STR("All is better")));
	kit_begin();
	KIT_OK(store_read_notice(
	    kit.store, bob.id, notices[0].number, &changed, &kit.err));
	kit_commit();
	KIT_OK(store_notices_unread(kit.store, bob.id, &unread, &kit.err));
	ck_assert_int_eq(unread, 1);
}
END_TEST

/* --- Spreadsheets --------------------------------------------------------- */

static struct job_row
sheet_row(int64_t number, const char *fields)
{
	struct str text = str_fmt(&kit.arena, "%s", fields);
	char *bytes = (char *)(uintptr_t)text.ptr; /* ours, in the arena */

	for (size_t i = 0; i < text.len; i++)
		if (bytes[i] == '\'')
			bytes[i] = '"';
	return (struct job_row){ .row = number, .fields = text };
}

static struct import
import_by(const char *who)
{
	return (struct import){
		.store = kit.store,
		.catalogues = &both,
		.actor = actor_of(str_from(who)),
		.now_ms = NOW_S * 1000,
	};
}

/* clang-format off */
static const struct {
	const char *says;
	const char *fields;
	enum job_result result;
	const char *code;
} sheet[] = {
	{ "45 somebody is invited",           "{'action':'add','email':'x@example.org','role':'member'}", ROW_CHANGED, "" },
	{ "M5 not twice",                     "{'action':'Add','email':'X@example.org','role':'member'}", ROW_REFUSED, "invitation_exists" },
	{ "M4 not oneself",                   "{'action':'add','email':'sup@example.org','role':'member'}", ROW_REFUSED, "own_role" },
	{ "a row without a role",             "{'action':'add','email':'y@example.org'}", ROW_REFUSED, "row_role" },
	{ "153 a role is changed",            "{'action':'edit','email':'OBS@example.org','role':'member'}", ROW_CHANGED, "" },
	{ "it is so already",                 "{'action':'edit','email':'obs@example.org','role':'member'}", ROW_SAME, "" },
	{ "an empty role changes nothing",    "{'action':'edit','email':'obs@example.org','role':''}", ROW_SAME, "" },
	{ "S13 by external_id",               "{'action':'edit','external_id':'d1','role':'member'}", ROW_REFUSED, "not_yours" },
	{ "nobody of that address is there",  "{'action':'edit','email':'ann@example.org','role':'member'}", ROW_REFUSED, "grant_unknown" },
	{ "a name and a role, or neither",    "{'action':'edit','email':'man@example.org','first_name':'Man','role':'king'}", ROW_REFUSED, "role_unknown" },
	{ "name and telephone",               "{'action':'edit','email':'man@example.org','first_name':'Man','last_name':'Ager','phone':'+1 2'}", ROW_CHANGED, "" },
	{ "153 somebody is removed",          "{'action':'delete','email':'mem@example.org'}", ROW_CHANGED, "" },
	{ "and gone",                         "{'action':'delete','email':'mem@example.org'}", ROW_REFUSED, "grant_unknown" },
	{ "P5 a role above the asker's",      "{'action':'add','email':'z@example.org','role':'nothing'}", ROW_REFUSED, "role_unknown" },
	{ "an action that is none",           "{'action':'purge','email':'z@example.org'}", ROW_REFUSED, "row_action" },
	{ "neither id nor address",           "{'action':'edit','role':'member'}", ROW_REFUSED, "row_key" },
	{ "what is no row",                   "[1]", ROW_REFUSED, "row_form" },
};
#define SHEET (sizeof(sheet) / sizeof(sheet[0]))
/* clang-format on */

static void
sheet_fill(struct job_row *list)
{
	for (size_t i = 0; i < SHEET; i++)
		list[i] = sheet_row((int64_t)i + 2, sheet[i].fields);
}

static void
sheet_judge(const struct job_row *list)
{
	for (size_t i = 0; i < SHEET; i++) {
		ck_assert_msg(list[i].result == sheet[i].result &&
				  str_eq(list[i].code, str_from(sheet[i].code)),
		    "%s: %d, %.*s [%.*s]", sheet[i].says, (int)list[i].result,
		    STR_ARGS(list[i].says), STR_ARGS(list[i].code));
	}
}

START_TEST(m12_a_preview_writes_nothing)
{
	const struct import import = import_by("sup");
	struct job_row list[SHEET];
	struct names before;
	int64_t since;

	world_make();
	before = admin_lines();
	since = admin_generation();
	sheet_fill(list);
	KIT_OK(import_preview(
	    &import, &kit.arena, STR("net"), list, SHEET, &kit.err));
	sheet_judge(list);
	ck_assert_int_eq(admin_generation(), since);
	lines_same(before, admin_lines(), "a preview");
	ck_assert_int_eq(kit_sql_number("SELECT count(*) FROM mails"), 0);
}
END_TEST

static void
work_off(const struct import *import, int64_t number, size_t max)
{
	bool done = false;

	while (!done)
		KIT_OK(import_step(import, number, max, &done, &kit.err));
}

/* By the single rows, in steps of any size: the same end. */
START_TEST(r154_row_by_row)
{
	const struct import import = import_by("sup");
	const size_t steps[] = { 1, 3, 100 };
	struct job_row list[SHEET];
	struct job_row *got = NULL;
	struct notice *notices = NULL;
	struct mail *due = NULL;
	struct member sup = { 0 };
	struct job job = { 0 };
	int64_t number = 0;
	size_t count = 0;

	world_make();
	sheet_fill(list);
	KIT_OK(import_start(&import, STR("net"), STR("people.csv"), list, SHEET,
	    &number, &kit.err));
	KIT_OK(store_mail_due(
	    kit.store, &kit.arena, NOW_S, 9, &due, &count, &kit.err));
	ck_assert_uint_eq(count, 0);
	work_off(&import, number, steps[_i]);
	KIT_OK(store_job_rows(kit.store, &kit.arena, number, 0, false, 99, &got,
	    &count, &kit.err));
	ck_assert_uint_eq(count, SHEET);
	sheet_judge(got);
	ck_assert_int_eq(
	    store_job(kit.store, &kit.arena, number, &job, &kit.err),
	    FOUND_YES);
	ck_assert_int_eq(job.status, JOB_ERRORS);
	ck_assert_int_eq(job.changes, 4);
	ck_assert_int_eq(job.errors, 11);
	/* 155, 156: the notice, and the mail after it is done. */
	ck_assert_int_eq(
	    store_member(kit.store, &kit.arena, STR("sup"), &sup, &kit.err),
	    FOUND_YES);
	KIT_OK(store_notices(kit.store, &kit.arena, sup.id, true, 0, 9,
	    &notices, &count, &kit.err));
	ck_assert_uint_eq(count, 1);
	ck_assert(text_has(notices[0].text, "11 refused"));
	KIT_OK(store_mail_due(
	    kit.store, &kit.arena, NOW_S, 9, &due, &count, &kit.err));
	ck_assert_uint_eq(count, 1);
	/* 158: and it stands in the history. */
	ck_assert(str_eq(newest().action, STR("import.end")));
	work_off(&import, number, 5);
}
END_TEST

START_TEST(m12_without_the_right_nothing_starts)
{
	const struct import by_manager = import_by("man");
	const struct import by_stranger = import_by("ann");
	const struct job_row mixed[] = {
		sheet_row(2, "{'action':'edit','email':'obs@example.org'}"),
		sheet_row(3, "{'action':'delete','email':'obs@example.org',"
			     "'account':'p1'}"),
	};
	int64_t number = 0;

	world_make();
	KIT_FAILS(import_start(&by_manager, STR("net"), STR(""), mixed, 2,
		      &number, &kit.err),
	    "no_right");
	KIT_FAILS(import_start(&by_stranger, STR("net"), STR(""), mixed, 2,
		      &number, &kit.err),
	    "account_unknown");
	KIT_FAILS(import_start(&by_stranger, STR("net"), STR(""), mixed, 0,
		      &number, &kit.err),
	    "sheet_rows");
	ck_assert_int_eq(kit_sql_number("SELECT count(*) FROM jobs"), 0);
}
END_TEST

/* Whoever started it lost the right meanwhile: every row asks anew. */
START_TEST(p8_the_right_is_asked_for_each_row)
{
	const struct import import = import_by("pro");
	const struct job_row two[] = {
		sheet_row(2,
		    "{'action':'add','email':'a@example.org','role':'member'}"),
		sheet_row(3,
		    "{'action':'add','email':'b@example.org','role':'member'}"),
	};
	struct job job = { 0 };
	int64_t number = 0;
	bool done = false;

	world_make();
	KIT_OK(import_start(
	    &import, STR("p1"), STR(""), two, 2, &number, &kit.err));
	KIT_OK(import_step(&import, number, 1, &done, &kit.err));
	ck_assert(!done);
	KIT_OK(line_run(STR("sys: grant set pro observer on=p1")));
	work_off(&import, number, 1);
	ck_assert_int_eq(
	    store_job(kit.store, &kit.arena, number, &job, &kit.err),
	    FOUND_YES);
	ck_assert_int_eq(job.changes, 1);
	ck_assert_int_eq(job.errors, 1);
}
END_TEST

/* Whoever started it was disabled, or removed, meanwhile: it still comes to an
 * end, with every row refused. */
START_TEST(p8_an_import_outlives_its_maker)
{
	const char *const ends[] = {
		"sys: member edit pro status=disabled",
		"sys: member remove pro",
	};
	const struct import import = import_by("pro");
	const struct job_row two[] = {
		sheet_row(2,
		    "{'action':'add','email':'a@example.org','role':'member'}"),
		sheet_row(3, "{'action':'delete','email':'pro@example.org'}"),
	};
	struct job job = { 0 };
	int64_t number = 0;

	world_make();
	KIT_OK(line_run(STR("sys: account edit p1 owner=own")));
	KIT_OK(import_start(
	    &import, STR("p1"), STR(""), two, 2, &number, &kit.err));
	KIT_OK(line_run(str_from(ends[_i])));
	work_off(&import, number, 1);
	ck_assert_int_eq(
	    store_job(kit.store, &kit.arena, number, &job, &kit.err),
	    FOUND_YES);
	ck_assert_int_eq(job.status, JOB_FAILED);
	ck_assert_int_eq(job.errors, 2);
	ck_assert(str_eq(newest().action, STR("import.end")));
}
END_TEST

START_TEST(s13_an_export_imports_as_no_change)
{
	const struct import import = import_by("sup");
	struct job_row *list = NULL;
	size_t count = 0;

	world_make();
	KIT_OK(line_run(STR("sys: member edit man name=Man+van++Ager")));
	KIT_OK(import_export(
	    &import, &kit.arena, STR("net"), &list, &count, &kit.err));
	ck_assert_uint_eq(count, 8);
	KIT_OK(import_preview(
	    &import, &kit.arena, STR("net"), list, count, &kit.err));
	for (size_t i = 0; i < count; i++)
		ck_assert_msg(list[i].result == ROW_SAME, "%.*s: %.*s",
		    STR_ARGS(list[i].fields), STR_ARGS(list[i].says));
	KIT_FAILS(import_export(&(struct import){ kit.store, &both,
				    actor_of(STR("fil")), NOW_S * 1000 },
		      &kit.arena, STR("net"), &list, &count, &kit.err),
	    "no_right");
}
END_TEST

static void
people_tests(TCase *t)
{
	kit_tests(t);
	tcase_add_loop_test(t, members_may, 0, ROWS);
	tcase_add_test(t, m11_foreign_is_as_missing);
	tcase_add_test(t, s12_both_identities_are_noted);
	tcase_add_test(t, p7_a_token_is_its_maker_and_no_more);
	tcase_add_test(
	    t, p7_s15_a_narrowed_token_has_nothing_of_its_makers_person);
	tcase_add_test(t, a7_the_token_is_kept_nowhere);
	tcase_add_test(t, a7_after_seven_days_it_is_gone);
	tcase_add_test(t, an_address_is_invited_twenty_times_a_day);
	tcase_add_test(t, a7_an_older_link_is_dead);
	tcase_add_test(t, p5_a_load_ends_tokens_and_invitations);
	tcase_add_test(t, a_member_comes_back_as_they_were);
	tcase_add_test(t, after_thirty_days_nobody_comes_back);
	tcase_add_test(t, a_new_password_ends_the_sessions);
	tcase_add_test(t, r162_mail_only_where_it_was_switched_on);
	tcase_add_test(t, m12_a_preview_writes_nothing);
	tcase_add_loop_test(t, r154_row_by_row, 0, 3);
	tcase_add_test(t, m12_without_the_right_nothing_starts);
	tcase_add_test(t, p8_the_right_is_asked_for_each_row);
	tcase_add_loop_test(t, p8_an_import_outlives_its_maker, 0, 2);
	tcase_add_test(t, s13_an_export_imports_as_no_change);
}

UNIT_MAIN("people", people_tests)
