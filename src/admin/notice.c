#include "store/notice.h"

#include "admin/change.h"
#include "base/bounds.h"
#include "base/text.h"

static bool
notice_mail(struct admin *admin, const struct member *member,
    const struct notice *notice, struct err *err)
{
	struct names wanted = { NULL, 0 };
	struct mail mail = {
		.to = member->email,
		.subject = notice->text,
		.body =
		    str_fmt(&admin->arena, "%.*s\n", STR_ARGS(notice->text)),
		.created_s = notice->at_s,
		.next_s = notice->at_s,
	};

	if (!store_mail_switches(
		admin->store, &admin->arena, member->id, &wanted, err))
		return false;
	if (!names_have(wanted, notice->kind) || member->email.len == 0)
		return true;
	if (mail.body.ptr == NULL)
		return change_no_memory(err);
	return store_add_mail(admin->store, &mail, err);
}

static bool
notify(struct admin *admin, struct str username, struct notice *notice,
    struct err *err)
{
	struct member member = { 0 };

	if (!text_check_id(notice->kind, ROLE_NAME_MAX, "kind", err) ||
	    !text_check(notice->text, NOTICE_TEXT_MAX, "text", err) ||
	    !member_need(admin, username, &member, err))
		return false;
	notice->member_id = member.id;
	return store_add_notice(admin->store, notice, err) &&
	       notice_mail(admin, &member, notice, err);
}

/* --- To everybody on an account ------------------------------------------- */

static bool
holder_notify(
    struct admin *admin, struct str id, struct notice *notice, struct err *err)
{
	struct member member = { 0 };

	switch (
	    store_member_by_id(admin->store, &admin->arena, id, &member, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		return true;
	case FOUND_YES:
		break;
	}
	notice->member_id = id;
	return store_add_notice(admin->store, notice, err) &&
	       notice_mail(admin, &member, notice, err);
}

bool
account_notify(struct admin *admin, const struct account *account,
    struct str owner_id, struct str text, struct err *err)
{
	struct notice notice = {
		.at_s = admin->now_ms / 1000,
		.kind = STR("account"),
		.text = text,
	};
	struct names holders = { NULL, 0 };

	if (text.ptr == NULL)
		return change_no_memory(err);
	if (!store_holders(
		admin->store, &admin->arena, account->id, &holders, err))
		return false;
	for (size_t i = 0; i < holders.count; i++)
		if (!holder_notify(admin, holders.items[i], &notice, err))
			return false;
	return owner_id.len == 0 || names_have(holders, owner_id) ||
	       holder_notify(admin, owner_id, &notice, err);
}

bool
admin_notify(struct admin *admin, struct str username, const char *kind,
    struct str text, struct str link, struct err *err)
{
	struct notice notice = {
		.at_s = admin->now_ms / 1000,
		.kind = str_from(kind),
		.text = text,
		.link = link,
	};

	return change_begin(admin, err) &&
	       change_end(admin, notify(admin, username, &notice, err), err);
}

/* --- What one does with one's own ----------------------------------------- */

static bool
own_need(struct admin *admin, struct str username, struct member *out,
    struct err *err)
{
	return (asker_is(admin, username) ||
		   rule_system(admin, "notices of", username, err)) &&
	       member_need(admin, username, out, err);
}

static bool
notices_read(struct admin *admin, struct str username, int64_t number,
    int64_t *changed, struct err *err)
{
	struct member member = { 0 };

	return own_need(admin, username, &member, err) &&
	       store_read_notice(admin->store, member.id, number, changed, err);
}

bool
admin_notices_read(struct admin *admin, struct str username, int64_t number,
    int64_t *changed, struct err *err)
{
	return change_begin(admin, err) &&
	       change_end(admin,
		   notices_read(admin, username, number, changed, err), err);
}

static bool
switches_set(struct admin *admin, struct str username, struct names kinds,
    struct err *err)
{
	struct names before = { NULL, 0 };
	struct member member = { 0 };

	if (!own_need(admin, username, &member, err) ||
	    !store_mail_switches(
		admin->store, &admin->arena, member.id, &before, err))
		return false;
	for (size_t i = 0; i < before.count; i++)
		if (!names_have(kinds, before.items[i]) &&
		    !store_set_mail_switch(
			admin->store, member.id, before.items[i], false, err))
			return false;
	for (size_t i = 0; i < kinds.count; i++)
		if (!text_check_id(
			kinds.items[i], ROLE_NAME_MAX, "kind", err) ||
		    !store_set_mail_switch(
			admin->store, member.id, kinds.items[i], true, err))
			return false;
	return true;
}

bool
admin_mail_switches_set(struct admin *admin, struct str username,
    struct names kinds, struct err *err)
{
	if (kinds.count > MAIL_SWITCHES_MAX)
		return err_set(err, ERR_LIMIT, "mail_switches",
		    "mail: at most %d kinds of notices can be switched on",
		    MAIL_SWITCHES_MAX);
	return change_begin(admin, err) &&
	       change_end(
		   admin, switches_set(admin, username, kinds, err), err);
}
