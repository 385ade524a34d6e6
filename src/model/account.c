#include "model/account.h"

#include "base/bounds.h"
#include "base/text.h"
#include "model/names.h"

const struct str LEVEL_ACCOUNT = { "account", sizeof("account") - 1 };

static const char *const kind_words[] = {
	[ACCOUNT_KIND_NONE] = "none",
	[ACCOUNT_PERSONAL] = "personal",
	[ACCOUNT_SHARED] = "shared",
};

static const char *const status_words[] = {
	[ACCOUNT_STATUS_NONE] = "none",
	[ACCOUNT_ACTIVE] = "active",
	[ACCOUNT_SUSPENDED] = "suspended",
	[ACCOUNT_ARCHIVED] = "archived",
	[ACCOUNT_CLOSED] = "closed",
};

const char *
account_kind_word(enum account_kind kind)
{
	return kind_words[kind];
}

enum account_kind
account_kind_from(struct str word)
{
	if (str_eq(word, STR("personal")))
		return ACCOUNT_PERSONAL;
	if (str_eq(word, STR("shared")))
		return ACCOUNT_SHARED;
	return ACCOUNT_KIND_NONE;
}

const char *
account_status_word(enum account_status status)
{
	return status_words[status];
}

enum account_status
account_status_from(struct str word)
{
	for (int s = ACCOUNT_ACTIVE; s <= ACCOUNT_CLOSED; s++)
		if (str_eq(word, str_from(status_words[s])))
			return (enum account_status)s;
	return ACCOUNT_STATUS_NONE;
}

const struct account *
account_root(const struct account *account)
{
	for (int level = 0; account != NULL && level < TREE_DEPTH_MAX;
	     level++) {
		if (account->parent_id.len == 0)
			return account;
		account = account->parent;
	}
	return NULL;
}

enum account_status
account_strictest(const struct account *account)
{
	enum account_status strictest = ACCOUNT_ACTIVE;

	if (account_root(account) == NULL)
		return ACCOUNT_CLOSED;
	for (;; account = account->parent) {
		if (account->status == ACCOUNT_STATUS_NONE)
			return ACCOUNT_CLOSED;
		if (account->status > strictest)
			strictest = account->status;
		if (account->parent_id.len == 0)
			return strictest;
	}
}

struct names
account_licences(const struct account *account)
{
	for (int level = 0; account != NULL && level < TREE_DEPTH_MAX;
	     level++) {
		if (account->licences.count > 0)
			return account->licences;
		account = account->parent;
	}
	return (struct names){ NULL, 0 };
}

int
account_depth(const struct account *account)
{
	int depth = 0;

	/* Two more than a tree may have: a parent that is too deep already
	 * still comes before its child. */
	while (account != NULL && depth < TREE_DEPTH_MAX + 2) {
		account = account->parent;
		depth++;
	}
	return depth;
}

bool
account_is_within(const struct account *account, struct str id)
{
	for (int level = 0; account != NULL && level < TREE_DEPTH_MAX;
	     level++) {
		if (str_eq(account->id, id))
			return true;
		account = account->parent;
	}
	return false;
}

bool
account_is_owned_by(const struct account *account, struct str username)
{
	return account->owner.len > 0 && str_eq_fold(account->owner, username);
}

bool
account_check(const struct account *account, struct err *err)
{
	if (!text_check_id(account->id, ACCOUNT_ID_MAX, "account id", err) ||
	    (account->name.len > 0 &&
		!text_check(account->name, ACCOUNT_NAME_MAX, "account name",
		    err)) ||
	    (account->parent_id.len > 0 &&
		!text_check_id(
		    account->parent_id, ACCOUNT_ID_MAX, "parent", err)) ||
	    !text_check_id(account->level, LEVEL_NAME_MAX, "level", err) ||
	    (account->catalogue.len > 0 &&
		!text_check_id(account->catalogue, CATALOGUE_NAME_MAX,
		    "catalogue", err)) ||
	    !names_check(account->licences, LICENCES_MAX, LICENCE_NAME_MAX,
		"licences", err) ||
	    (account->owner.len > 0 &&
		!text_check_id(account->owner, USERNAME_MAX, "owner", err)))
		return false;
	if (account->kind == ACCOUNT_KIND_NONE)
		return err_set(err, ERR_FILE, "account_kind",
		    "kind: write personal or shared");
	if (account->status == ACCOUNT_STATUS_NONE)
		return err_set(err, ERR_FILE, "account_status",
		    "status: write active, suspended, archived or closed");
	if (account->parent_id.len > 0 && account->catalogue.len > 0)
		return err_set(err, ERR_FILE, "account_catalogue",
		    "catalogue: stands at the root of a tree only; take it "
		    "away, or take the parent away");
	return true;
}
