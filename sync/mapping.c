#include "sync/mapping.h"

#include <sodium.h>
#include <stddef.h>
#include <string.h>

#include "base/bounds.h"
#include "base/text.h"
#include "base/yaml.h"
#include "sync/dn.h"
#include "sync/limits.h"

#define DEBIAN_CA_FILE	"/etc/ssl/certs/ca-certificates.crt"
#define KEY_COUNT(keys) (sizeof(keys) / sizeof((keys)[0]))

/* One file while it is read. */
struct loader {
	struct arena *arena;
	const struct yaml_file *file;
	struct faults *faults;
};

/* What the tables fill, before it is judged. */
struct source_keys {
	struct names urls;
	int tls;
	bool plaintext;
	struct str ca_file;
	const struct yaml_node *bind;
	int64_t timeout_s;
	int64_t page_size;
	const struct yaml_node *people;
	const struct yaml_node *groups;
	const struct yaml_node *grants;
	const struct yaml_node *accounts;
	struct names ceiling;
	const struct yaml_node *guard;
	int64_t grace_days;
	int on_dangling;
};

struct bind_keys {
	int method;
	struct str dn;
	struct str password_file;
};

struct people_keys {
	struct people_rules rules;
	const struct yaml_node *disabled;
};

struct grant_keys {
	struct grant_rule rule;
	const struct yaml_node *accounts;
};

struct account_keys {
	struct account account;
};

static const char *const tls_words[] = { "auto", "starttls", "ldaps", "none",
	NULL };
static const char *const bind_words[] = { "simple", "external", NULL };
static const char *const scope_words[] = { "auto", "sub", "one", "base", NULL };
static const char *const dangling_words[] = { "skip", "hold", NULL };

/* clang-format off */
#define AT(type, field) offsetof(struct type, field)

static const struct yaml_key source_table[] = {
	{ .name = "url", .type = YAML_STRS, .offset = AT(source_keys, urls), .required = true,
	  .help = "ldap://, ldaps:// or ldapi:// URL, or a list tried in order" },
	{ .name = "tls", .type = YAML_CHOICE, .offset = AT(source_keys, tls), .choices = tls_words, .fallback = "auto",
	  .help = "starttls, ldaps or none; by the URL when it is not set" },
	{ .name = "plaintext", .type = YAML_BOOL, .offset = AT(source_keys, plaintext), .fallback = "no",
	  .help = "yes lets tls: none be used over the network" },
	{ .name = "ca_file", .type = YAML_STR, .offset = AT(source_keys, ca_file), .fallback = DEBIAN_CA_FILE,
	  .help = "PEM file of the authorities that may sign the server" },
	{ .name = "bind", .type = YAML_NODE, .offset = AT(source_keys, bind), .required = true,
	  .help = "method, dn, password_file" },
	{ .name = "timeout_s", .type = YAML_INT, .offset = AT(source_keys, timeout_s), .min = 1, .max = 600, .fallback = "30",
	  .help = "seconds that one answer may take" },
	{ .name = "page_size", .type = YAML_INT, .offset = AT(source_keys, page_size), .min = 1, .max = 10000, .fallback = "500",
	  .help = "entries asked for at a time" },
	{ .name = "people", .type = YAML_NODE, .offset = AT(source_keys, people), .required = true,
	  .help = "base, scope, filter and attributes of people" },
	{ .name = "groups", .type = YAML_NODE, .offset = AT(source_keys, groups), .required = true,
	  .help = "base, scope, filter and depth of groups" },
	{ .name = "grants", .type = YAML_NODE, .offset = AT(source_keys, grants), .required = true,
	  .help = "which group gives which role on which account" },
	{ .name = "accounts", .type = YAML_NODE, .offset = AT(source_keys, accounts),
	  .help = "accounts to be made when they are missing" },
	{ .name = "ceiling", .type = YAML_STRS, .offset = AT(source_keys, ceiling),
	  .help = "the roles that this source may give; all that are named when it is not set" },
	{ .name = "guard", .type = YAML_NODE, .offset = AT(source_keys, guard),
	  .help = "how much may disappear in one run" },
	{ .name = "grace_days", .type = YAML_INT, .offset = AT(source_keys, grace_days), .min = 0, .max = 3650, .fallback = "30",
	  .help = "days between disabling and removing who is not there any more" },
	{ .name = "on_dangling", .type = YAML_CHOICE, .offset = AT(source_keys, on_dangling), .choices = dangling_words, .fallback = "skip",
	  .help = "skip or hold when a group names somebody who was not read" },
};

static const struct yaml_key bind_table[] = {
	{ .name = "method", .type = YAML_CHOICE, .offset = AT(bind_keys, method), .choices = bind_words, .required = true,
	  .help = "simple, or external (ldapi)" },
	{ .name = "dn", .type = YAML_STR, .offset = AT(bind_keys, dn), .help = "who binds" },
	{ .name = "password_file", .type = YAML_STR, .offset = AT(bind_keys, password_file),
	  .help = "file with the password alone" },
};

static const struct yaml_key people_table[] = {
	{ .name = "base", .type = YAML_STR, .offset = AT(people_keys, rules.base), .required = true, .help = "DN above all people" },
	{ .name = "scope", .type = YAML_CHOICE, .offset = AT(people_keys, rules.scope), .choices = scope_words, .fallback = "sub",
	  .help = "sub, one or base" },
	{ .name = "filter", .type = YAML_STR, .offset = AT(people_keys, rules.filter), .fallback = "(objectClass=person)",
	  .help = "which entries are people" },
	{ .name = "id", .type = YAML_STR, .offset = AT(people_keys, rules.id), .fallback = "entryUUID",
	  .help = "attribute that never changes" },
	{ .name = "username", .type = YAML_STR, .offset = AT(people_keys, rules.username), .fallback = "uid", .help = "attribute" },
	{ .name = "email", .type = YAML_STR, .offset = AT(people_keys, rules.email), .fallback = "mail", .help = "attribute" },
	{ .name = "name", .type = YAML_STR, .offset = AT(people_keys, rules.name), .fallback = "cn", .help = "attribute" },
	{ .name = "disabled", .type = YAML_NODE, .offset = AT(people_keys, disabled),
	  .help = "attribute and value (any, when there is no value) of disabled people; one or a list" },
};

static const struct yaml_key disabled_table[] = {
	{ .name = "attribute", .type = YAML_STR, .offset = AT(disabled_rule, attribute), .required = true, .help = "attribute" },
	{ .name = "value", .type = YAML_STR, .offset = AT(disabled_rule, value), .help = "value, without regard to case" },
};

static const struct yaml_key groups_table[] = {
	{ .name = "base", .type = YAML_STR, .offset = AT(group_rules, base), .required = true, .help = "DN above all groups" },
	{ .name = "scope", .type = YAML_CHOICE, .offset = AT(group_rules, scope), .choices = scope_words, .fallback = "sub",
	  .help = "sub, one or base" },
	{ .name = "filter", .type = YAML_STR, .offset = AT(group_rules, filter),
	  .fallback = "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))",
	  .help = "which entries are groups" },
	{ .name = "id", .type = YAML_STR, .offset = AT(group_rules, id), .fallback = "entryUUID", .help = "attribute that never changes" },
	{ .name = "nested_depth", .type = YAML_INT, .offset = AT(group_rules, nested_depth), .min = 0, .max = 1000000, .fallback = "100",
	  .help = "how deep groups may stand in groups; 0: own members only" },
};

static const struct yaml_key grant_table[] = {
	{ .name = "group", .type = YAML_STR, .offset = AT(grant_keys, rule.group), .help = "DN or name" },
	{ .name = "group_id", .type = YAML_STR, .offset = AT(grant_keys, rule.group_id), .help = "entryUUID: survives a rename" },
	{ .name = "pattern", .type = YAML_STR, .offset = AT(grant_keys, rule.pattern), .help = "name with {account} and {role} in it" },
	{ .name = "account", .type = YAML_STR, .offset = AT(grant_keys, rule.account), .help = "account id" },
	{ .name = "role", .type = YAML_STR, .offset = AT(grant_keys, rule.role), .help = "role of the account's catalogue" },
	{ .name = "licences", .type = YAML_STRS, .offset = AT(grant_keys, rule.licences), .help = "licences on the grant" },
	{ .name = "accounts", .type = YAML_NODE, .offset = AT(grant_keys, accounts), .help = "how a pattern's accounts are made" },
};

static const struct yaml_key account_pattern_table[] = {
	{ .name = "create", .type = YAML_BOOL, .offset = AT(account_pattern, create), .fallback = "no", .help = "make missing accounts" },
	{ .name = "parent", .type = YAML_STR, .offset = AT(account_pattern, parent), .help = "account above; none: a root" },
	{ .name = "level", .type = YAML_STR, .offset = AT(account_pattern, level), .fallback = "account", .help = "level" },
	{ .name = "name", .type = YAML_STR, .offset = AT(account_pattern, name), .fallback = "{account}", .help = "name with {account} in it" },
	{ .name = "catalogue", .type = YAML_STR, .offset = AT(account_pattern, catalogue), .help = "role catalogue of a root" },
};

static const struct yaml_key account_table[] = {
	{ .name = "id", .type = YAML_STR, .offset = AT(account_keys, account.id), .required = true, .help = "account id" },
	{ .name = "name", .type = YAML_STR, .offset = AT(account_keys, account.name), .help = "name; the id when it is not set" },
	{ .name = "parent", .type = YAML_STR, .offset = AT(account_keys, account.parent_id), .help = "account above; none: a root" },
	{ .name = "level", .type = YAML_STR, .offset = AT(account_keys, account.level), .fallback = "account", .help = "level" },
	{ .name = "catalogue", .type = YAML_STR, .offset = AT(account_keys, account.catalogue), .help = "role catalogue of a root" },
	{ .name = "licences", .type = YAML_STRS, .offset = AT(account_keys, account.licences), .help = "licences owned" },
	{ .name = "owner", .type = YAML_STR, .offset = AT(account_keys, account.owner), .help = "username" },
};

/* The limits can only be raised: the fallback is the least. */
static const struct yaml_key guard_table[] = {
	{ .name = "members_max", .type = YAML_INT, .offset = AT(guard_rules, members_max), .min = 5, .max = 1000000, .fallback = "5",
	  .help = "members that may go in one run, whatever the percentage" },
	{ .name = "members_percent", .type = YAML_INT, .offset = AT(guard_rules, members_percent), .min = 5, .max = 100, .fallback = "5",
	  .help = "percent of the source's members that may go in one run" },
	{ .name = "account_percent", .type = YAML_INT, .offset = AT(guard_rules, account_percent), .min = 20, .max = 100, .fallback = "20",
	  .help = "percent of one account's grants that may go in one run" },
};
/* clang-format on */

#define FAULT(l, place_, code_, ...)                           \
	fault_add((l)->faults, (l)->file->path, (place_).line, \
	    (place_).column, (code_), __VA_ARGS__)

static struct place
place_of(const struct yaml_node *node)
{
	return (struct place){ node->line, node->column };
}

static struct place
place_of_key(const struct yaml_node *map, const char *key)
{
	const struct yaml_node *node = yaml_get(map, key);

	return place_of(node != NULL ? node : map);
}

static bool
no_memory(struct loader *l)
{
	FAULT(l, ((struct place){ 0, 0 }), "no_memory", "memory is out");
	return false;
}

static bool
read_map(struct loader *l, const struct yaml_node *node,
    const struct yaml_key *keys, size_t count, void *into, const char *what)
{
	if (node->kind != YAML_MAP) {
		FAULT(l, place_of(node), "yaml_type",
		    "%s: write keys and values here", what);
		return false;
	}
	return yaml_read(l->file, node, keys, count, into, l->arena, l->faults);
}

/* A relative path is taken from the mapping file's own folder. */
static struct str
path_beside(struct loader *l, struct str path)
{
	const char *slash = l->file->path.len > 0 ? memrchr(l->file->path.ptr,
							'/', l->file->path.len)
						  : NULL;

	if (path.len == 0 || path.ptr[0] == '/' || slash == NULL)
		return path;
	return str_fmt(l->arena, "%.*s/%.*s", (int)(slash - l->file->path.ptr),
	    l->file->path.ptr, STR_ARGS(path));
}

/* --- Connection ----------------------------------------------------------- */

static enum directory_tls
tls_of_url(struct str url)
{
	if (str_starts(url, STR("ldapi://")))
		return TLS_NONE;
	if (str_starts(url, STR("ldaps://")))
		return TLS_LDAPS;
	if (str_starts(url, STR("ldap://")))
		return TLS_STARTTLS;
	return TLS_UNSET;
}

static void
url_check(struct loader *l, struct place place, struct str url, bool plaintext,
    enum directory_tls tls)
{
	enum directory_tls natural = tls_of_url(url);

	if (natural == TLS_UNSET) {
		FAULT(l, place, "mapping_url",
		    "url '%.*s': write it as ldap://, ldaps:// or ldapi://",
		    STR_ARGS(url));
		return;
	}
	if (tls == natural)
		return;
	if (tls == TLS_NONE && natural == TLS_STARTTLS) {
		if (!plaintext)
			FAULT(l, place, "mapping_plaintext",
			    "url '%.*s': tls: none would send the password in "
			    "the clear; use starttls or ldaps, or say "
			    "plaintext: yes",
			    STR_ARGS(url));
		return;
	}
	FAULT(l, place, "mapping_url",
	    "url '%.*s': does not go with the tls that is set, or with the "
	    "other urls",
	    STR_ARGS(url));
}

static void
connection_read(struct loader *l, const struct yaml_node *node,
    const struct source_keys *keys, struct directory_config *out)
{
	struct place place = place_of_key(node, "url");

	*out = (struct directory_config){
		.urls = keys->urls,
		.tls = (enum directory_tls)keys->tls,
		.ca_file = path_beside(l, keys->ca_file),
		.timeout_s = keys->timeout_s,
		.page_size = keys->page_size,
	};
	if (keys->urls.count == 0)
		FAULT(l, place, "mapping_url", "url: name at least one");
	if (out->tls == TLS_UNSET && keys->urls.count > 0)
		out->tls = tls_of_url(keys->urls.items[0]);
	for (size_t i = 0; i < keys->urls.count; i++)
		url_check(
		    l, place, keys->urls.items[i], keys->plaintext, out->tls);
}

static bool
dn_read(struct loader *l, struct place place, const char *key, struct str dn,
    struct str *normal)
{
	switch (dn_normal(l->arena, dn, normal)) {
	case DN_OK:
		return true;
	case DN_NO_MEMORY:
		return no_memory(l);
	case DN_BAD:
		break;
	}
	FAULT(l, place, "mapping_dn", "%s: '%.*s' is not a DN", key,
	    STR_ARGS(dn));
	return false;
}

static void
bind_read(struct loader *l, const struct yaml_node *node,
    struct directory_config *out)
{
	struct bind_keys keys = { 0 };
	struct str normal;

	if (!read_map(
		l, node, bind_table, KEY_COUNT(bind_table), &keys, "bind"))
		return;
	out->bind = keys.method == 0 ? BIND_SIMPLE : BIND_EXTERNAL;
	out->bind_dn = keys.dn;
	out->password_file = path_beside(l, keys.password_file);
	if (out->bind == BIND_EXTERNAL) {
		if (out->urls.count > 0 &&
		    tls_of_url(out->urls.items[0]) != TLS_NONE)
			FAULT(l, place_of_key(node, "method"), "mapping_bind",
			    "bind.method external: needs an ldapi:// url");
		if (keys.dn.len > 0 || keys.password_file.len > 0)
			FAULT(l, place_of(node), "mapping_bind",
			    "bind.method external: takes neither dn nor "
			    "password_file");
		return;
	}
	if (keys.dn.len == 0 || keys.password_file.len == 0)
		FAULT(l, place_of(node), "mapping_bind",
		    "bind.method simple: needs dn and password_file");
	else
		dn_read(
		    l, place_of_key(node, "dn"), "bind.dn", keys.dn, &normal);
}

/* --- People and groups ---------------------------------------------------- */

static void
attribute_check(struct loader *l, const struct yaml_node *node, const char *key,
    struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '.')
			continue;
		FAULT(l, place_of_key(node, key), "mapping_attribute",
		    "%s: '%.*s' is not the name of an attribute", key,
		    STR_ARGS(name));
		return;
	}
	if (name.len == 0)
		FAULT(l, place_of_key(node, key), "mapping_attribute",
		    "%s: name an attribute", key);
}

static void
search_check(struct loader *l, const struct yaml_node *node, struct str base,
    int scope, struct str filter)
{
	struct str normal;

	if (base.len > 0)
		dn_read(l, place_of_key(node, "base"), "base", base, &normal);
	if (scope == 0)
		FAULT(l, place_of_key(node, "scope"), "mapping_scope",
		    "scope: write sub, one or base");
	if (filter.len < 2 || filter.ptr[0] != '(' ||
	    filter.ptr[filter.len - 1] != ')')
		FAULT(l, place_of_key(node, "filter"), "mapping_filter",
		    "filter: write it in brackets, like (objectClass=person)");
}

static bool
disabled_read(
    struct loader *l, const struct yaml_node *node, struct people_rules *out)
{
	bool list = node->kind == YAML_LIST;
	size_t count = list ? node->count : 1;
	struct disabled_rule *rules =
	    ARENA_ARRAY(l->arena, struct disabled_rule, count);

	if (rules == NULL)
		return no_memory(l);
	for (size_t i = 0; i < count; i++) {
		const struct yaml_node *one = list ? &node->items[i] : node;

		if (read_map(l, one, disabled_table, KEY_COUNT(disabled_table),
			&rules[i], "disabled"))
			attribute_check(
			    l, one, "attribute", rules[i].attribute);
	}
	out->disabled = rules;
	out->disabled_count = count;
	return true;
}

static void
people_read(
    struct loader *l, const struct yaml_node *node, struct people_rules *out)
{
	struct people_keys keys = { 0 };

	if (!read_map(l, node, people_table, KEY_COUNT(people_table), &keys,
		"people"))
		return;
	search_check(
	    l, node, keys.rules.base, keys.rules.scope, keys.rules.filter);
	attribute_check(l, node, "id", keys.rules.id);
	attribute_check(l, node, "username", keys.rules.username);
	attribute_check(l, node, "email", keys.rules.email);
	attribute_check(l, node, "name", keys.rules.name);
	if (keys.disabled != NULL)
		disabled_read(l, keys.disabled, &keys.rules);
	*out = keys.rules;
}

static void
groups_read(
    struct loader *l, const struct yaml_node *node, struct group_rules *out)
{
	if (!read_map(
		l, node, groups_table, KEY_COUNT(groups_table), out, "groups"))
		return;
	search_check(l, node, out->base, out->scope, out->filter);
	attribute_check(l, node, "id", out->id);
}

/* --- Grants --------------------------------------------------------------- */

static size_t
times(struct str in, struct str what)
{
	size_t count = 0;

	for (size_t i = 0; i + what.len <= in.len; i++)
		count +=
		    str_starts((struct str){ in.ptr + i, in.len - i }, what);
	return count;
}

static void
pattern_check(struct loader *l, const struct yaml_node *node,
    const struct grant_rule *rule)
{
	struct place place = place_of_key(node, "pattern");
	size_t accounts = times(rule->pattern, STR("{account}"));
	size_t roles = times(rule->pattern, STR("{role}"));

	if (times(rule->pattern, STR("{")) != accounts + roles ||
	    times(rule->pattern, STR("}")) != accounts + roles)
		FAULT(l, place, "mapping_pattern",
		    "pattern: only {account} and {role} may stand in braces");
	if (accounts > 1 || roles > 1)
		FAULT(l, place, "mapping_pattern",
		    "pattern: {account} and {role} may stand once each");
	if (times(rule->pattern, STR("}{")) > 0)
		FAULT(l, place, "mapping_pattern",
		    "pattern: put something between {account} and {role}");
	if ((accounts > 0) == (rule->account.len > 0))
		FAULT(l, place, "mapping_pattern",
		    "pattern: the account comes from {account} or from the key "
		    "account, one of the two");
	if ((roles > 0) == (rule->role.len > 0))
		FAULT(l, place, "mapping_pattern",
		    "pattern: the role comes from {role} or from the key role, "
		    "one of the two");
}

static void
account_pattern_read(
    struct loader *l, const struct yaml_node *node, struct grant_rule *rule)
{
	struct account_pattern *out = &rule->accounts;

	if (!read_map(l, node, account_pattern_table,
		KEY_COUNT(account_pattern_table), out, "accounts"))
		return;
	if (times(rule->pattern, STR("{account}")) == 0)
		FAULT(l, place_of(node), "mapping_pattern",
		    "accounts: goes only with a pattern that has {account}");
	if (out->create && out->parent.len == 0 && out->catalogue.len == 0)
		FAULT(l, place_of(node), "mapping_account",
		    "accounts: name the parent, or the catalogue of the roots "
		    "that are made");
	if (out->parent.len > 0 && out->catalogue.len > 0)
		FAULT(l, place_of_key(node, "catalogue"), "mapping_account",
		    "accounts.catalogue: only a root has one; below it is "
		    "inherited");
}

static void
grant_rule_check(
    struct loader *l, const struct yaml_node *node, struct grant_rule *rule)
{
	int named = (rule->group.len > 0) + (rule->group_id.len > 0) +
		    (rule->pattern.len > 0);
	struct err e = { 0 };

	if (named != 1)
		FAULT(l, place_of(node), "mapping_grant",
		    "grant: name the group by exactly one of group, group_id "
		    "and pattern");
	if (rule->pattern.len > 0)
		pattern_check(l, node, rule);
	else if (rule->account.len == 0 || rule->role.len == 0)
		FAULT(l, place_of(node), "mapping_grant",
		    "grant: name account and role; there is no default");
	if (rule->group.len > 0 &&
	    memchr(rule->group.ptr, '=', rule->group.len) != NULL)
		dn_read(l, place_of_key(node, "group"), "group", rule->group,
		    &rule->group_key);
	if (rule->account.len > 0 &&
	    !text_check_id(rule->account, ACCOUNT_ID_MAX, "account", &e))
		FAULT(l, place_of_key(node, "account"), "mapping_grant", "%s",
		    e.text);
	for (size_t i = 0; i < rule->licences.count; i++)
		if (!text_check_id(rule->licences.items[i], LICENCE_NAME_MAX,
			"licences", &e))
			FAULT(l, place_of_key(node, "licences"),
			    "mapping_grant", "%s", e.text);
}

static bool
grants_read(struct loader *l, const struct yaml_node *node, struct source *out)
{
	struct grant_rule *rules;

	if (node->kind != YAML_LIST || node->count > GRANT_RULES_MAX) {
		FAULT(l, place_of(node), "yaml_type",
		    "grants: write a list of at most %d rules",
		    GRANT_RULES_MAX);
		return false;
	}
	rules = ARENA_ARRAY(l->arena, struct grant_rule, node->count);
	if (rules == NULL)
		return no_memory(l);
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml_node *one = &node->items[i];
		struct grant_keys keys = { .rule.place = place_of(one) };

		if (!read_map(l, one, grant_table, KEY_COUNT(grant_table),
			&keys, "grants"))
			continue;
		grant_rule_check(l, one, &keys.rule);
		if (keys.accounts != NULL)
			account_pattern_read(l, keys.accounts, &keys.rule);
		rules[i] = keys.rule;
	}
	out->grants = rules;
	out->grant_count = node->count;
	return true;
}

/* --- Accounts ------------------------------------------------------------- */

static void
account_rule_check(struct loader *l, const struct yaml_node *node,
    const struct source *source, size_t before, const struct account *account)
{
	struct err e = { 0 };

	if (!account_check(account, &e))
		FAULT(l, place_of(node), "mapping_account", "%s", e.text);
	if ((account->parent_id.len > 0) == (account->catalogue.len > 0))
		FAULT(l, place_of(node), "mapping_account",
		    "account '%.*s': has either a parent, or is a root with a "
		    "catalogue",
		    STR_ARGS(account->id));
	for (size_t i = 0; i < before; i++)
		if (str_eq(source->accounts[i].account.id, account->id))
			FAULT(l, place_of(node), "mapping_account",
			    "account '%.*s': stands here twice",
			    STR_ARGS(account->id));
}

static bool
accounts_read(
    struct loader *l, const struct yaml_node *node, struct source *out)
{
	struct account_rule *rules;

	if (node->kind != YAML_LIST || node->count > GRANT_RULES_MAX) {
		FAULT(l, place_of(node), "yaml_type",
		    "accounts: write a list of at most %d accounts",
		    GRANT_RULES_MAX);
		return false;
	}
	rules = ARENA_ARRAY(l->arena, struct account_rule, node->count);
	if (rules == NULL)
		return no_memory(l);
	out->accounts = rules;
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml_node *one = &node->items[i];
		struct account_keys keys = { 0 };

		if (!read_map(l, one, account_table, KEY_COUNT(account_table),
			&keys, "accounts"))
			continue;
		if (keys.account.name.len == 0)
			keys.account.name = keys.account.id;
		keys.account.kind = ACCOUNT_SHARED;
		keys.account.status = ACCOUNT_ACTIVE;
		account_rule_check(l, one, out, i, &keys.account);
		rules[i] = (struct account_rule){ place_of(one), keys.account };
	}
	out->account_count = node->count;
	return true;
}

/* --- A source ------------------------------------------------------------- */

/* Not set: every role that a rule names. A pattern that takes the role from
 * the group's name could name any, so it needs a ceiling. */
static bool
ceiling_read(struct loader *l, const struct yaml_node *node,
    const struct names *written, struct source *out)
{
	struct str *roles;
	size_t count = 0;
	bool open = yaml_get(node, "ceiling") == NULL;

	out->ceiling = *written;
	for (size_t i = 0; i < out->grant_count; i++) {
		const struct grant_rule *rule = &out->grants[i];

		if (rule->role.len == 0 && rule->pattern.len > 0 && open)
			FAULT(l, rule->place, "mapping_ceiling",
			    "pattern with {role}: name in ceiling: which roles "
			    "this source may give");
		if (!open && rule->role.len > 0 &&
		    !names_have(*written, rule->role))
			FAULT(l, rule->place, "mapping_ceiling",
			    "role '%.*s': is not in this source's ceiling",
			    STR_ARGS(rule->role));
	}
	if (!open)
		return true;
	roles = ARENA_ARRAY(l->arena, struct str, out->grant_count + 1);
	if (roles == NULL)
		return no_memory(l);
	for (size_t i = 0; i < out->grant_count; i++) {
		struct names so_far = { roles, count };

		if (out->grants[i].role.len > 0 &&
		    !names_have(so_far, out->grants[i].role))
			roles[count++] = out->grants[i].role;
	}
	out->ceiling = (struct names){ roles, count };
	return true;
}

static void
digest_node(crypto_generichash_state *state, const struct yaml_node *node)
{
	uint64_t head[2] = { (uint64_t)node->kind,
		node->kind == YAML_TEXT ? node->text.len : node->count };

	crypto_generichash_update(
	    state, (const unsigned char *)head, sizeof(head));
	switch (node->kind) {
	case YAML_TEXT:
		crypto_generichash_update(state,
		    (const unsigned char *)node->text.ptr, node->text.len);
		break;
	case YAML_LIST:
		for (size_t i = 0; i < node->count; i++)
			digest_node(state, &node->items[i]);
		break;
	case YAML_MAP:
		for (size_t i = 0; i < node->count; i++) {
			digest_node(state, &node->pairs[i].key);
			digest_node(state, &node->pairs[i].value);
		}
		break;
	}
}

static struct str
node_digest(struct arena *arena, const struct yaml_node *node)
{
	unsigned char digest[crypto_generichash_BYTES];
	char *hex = arena_alloc(arena, 2 * sizeof(digest) + 1, 1);
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, sizeof(digest));
	digest_node(&state, node);
	crypto_generichash_final(&state, digest, sizeof(digest));
	if (hex == NULL)
		return (struct str){ NULL, 0 };
	sodium_bin2hex(hex, 2 * sizeof(digest) + 1, digest, sizeof(digest));
	return (struct str){ hex, 2 * sizeof(digest) };
}

static void
source_name_check(struct loader *l, const struct yaml_node *key)
{
	struct err e = { 0 };

	if (!text_check_id(key->text, SOURCE_NAME_MAX, "source", &e))
		FAULT(l, place_of(key), "mapping_source", "%s", e.text);
	else if (str_eq(key->text, SOURCE_LOCAL))
		FAULT(l, place_of(key), "mapping_source",
		    "source 'local': is what people do by hand; take another "
		    "name");
}

static void
source_read(struct loader *l, const struct yaml_pair *pair, struct source *out)
{
	const struct yaml_node *node = &pair->value;
	struct source_keys keys = { 0 };

	source_name_check(l, &pair->key);
	out->name = pair->key.text;
	out->place = place_of(&pair->key);
	out->digest = node_digest(l->arena, node);
	/* A fault here does not hide those of the sections below. */
	if (read_map(l, node, source_table, KEY_COUNT(source_table), &keys,
		"source"))
		connection_read(l, node, &keys, &out->directory);
	if (keys.bind != NULL)
		bind_read(l, keys.bind, &out->directory);
	if (keys.people != NULL)
		people_read(l, keys.people, &out->people);
	if (keys.groups != NULL)
		groups_read(l, keys.groups, &out->groups);
	if (keys.accounts != NULL)
		accounts_read(l, keys.accounts, out);
	if (keys.grants != NULL && grants_read(l, keys.grants, out))
		ceiling_read(l, node, &keys.ceiling, out);
	out->guard = (struct guard_rules){ 5, 5, 20 };
	if (keys.guard != NULL)
		read_map(l, keys.guard, guard_table, KEY_COUNT(guard_table),
		    &out->guard, "guard");
	out->grace_days = keys.grace_days;
	out->on_dangling = keys.on_dangling;
}

static bool
mapping_read(struct loader *l, struct mapping *out)
{
	struct {
		const struct yaml_node *sources;
	} keys = { NULL };
	const struct yaml_key table[] = {
		{ .name = "sources",
		    .type = YAML_NODE,
		    .required = true,
		    .help = "one directory by name" },
	};
	size_t before = l->faults->count;
	struct source *sources;

	if (!read_map(l, l->file->root, table, 1, &keys, "mapping"))
		return false;
	if (keys.sources->kind != YAML_MAP || keys.sources->count == 0 ||
	    keys.sources->count > SOURCES_MAX) {
		FAULT(l, place_of(keys.sources), "yaml_type",
		    "sources: name 1 to %d directories", SOURCES_MAX);
		return false;
	}
	sources = ARENA_ARRAY(l->arena, struct source, keys.sources->count);
	if (sources == NULL)
		return no_memory(l);
	for (size_t i = 0; i < keys.sources->count; i++)
		source_read(l, &keys.sources->pairs[i], &sources[i]);
	*out = (struct mapping){ l->file->path, sources, keys.sources->count };
	return l->faults->count == before;
}

bool
mapping_load(struct arena *arena, struct str path, struct mapping *out,
    struct faults *faults)
{
	struct yaml_file file = { 0 };
	struct loader l = { arena, &file, faults };

	return yaml_load(arena, path, &file, faults) && mapping_read(&l, out);
}

bool
mapping_parse(struct arena *arena, struct str path, struct str text,
    struct mapping *out, struct faults *faults)
{
	struct yaml_file file = { 0 };
	struct loader l = { arena, &file, faults };

	return yaml_parse(arena, path, text, &file, faults) &&
	       mapping_read(&l, out);
}
