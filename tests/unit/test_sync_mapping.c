/* The mapping file: sync/mapping.c, sync/mapping_check.c. */
#include "sync/mapping.h"

#include <string.h>

#include "tests/unit/unit.h"

#define HEAD	  "sources:\n  corp:\n    url: ldaps://ldap.x\n"
#define BIND	  "    bind: {method: simple, dn: 'cn=s,dc=x', password_file: pw}\n"
#define PEOPLE	  "    people: {base: 'ou=p,dc=x'}\n"
#define GROUPS	  "    groups: {base: 'ou=g,dc=x'}\n"
#define GRANTS	  "    grants: [{group: sales, account: sales, role: viewer}]\n"
#define REST	  BIND PEOPLE GROUPS GRANTS
#define WHOLE	  HEAD REST
#define TO_GRANTS HEAD BIND PEOPLE GROUPS

struct row {
	const char *says;
	const char *text;
	int line; /* of a fault with the code; 0: there is no fault at all */
	const char *code;
};

/* clang-format off */
static const struct row rows[] = {
	{ "the least that is needed", WHOLE, 0, NULL },
	{ "several urls of one kind", "sources:\n  corp:\n    url: [ldaps://a, ldaps://b]\n" REST, 0, NULL },
	{ "over ldapi, as who one is", "sources:\n  corp:\n    url: ldapi:///\n    bind: {method: external}\n" PEOPLE GROUPS GRANTS, 0, NULL },
	{ "in the clear, by the explicit word", "sources:\n  corp:\n    url: ldap://x\n    tls: none\n    plaintext: yes\n" REST, 0, NULL },
	{ "in the clear, without it", "sources:\n  corp:\n    url: ldap://x\n    tls: none\n" REST, 3, "mapping_plaintext" },
	{ "in the clear, with a no", "sources:\n  corp:\n    url: ldap://x\n    tls: none\n    plaintext: no\n" REST, 3, "mapping_plaintext" },
	{ "StartTLS on an ldaps url", "sources:\n  corp:\n    url: ldaps://x\n    tls: starttls\n" REST, 3, "mapping_url" },
	{ "TLS on a socket", "sources:\n  corp:\n    url: ldapi:///\n    tls: ldaps\n" REST, 3, "mapping_url" },
	{ "urls of two kinds", "sources:\n  corp:\n    url: [ldaps://a, ldap://b]\n" REST, 3, "mapping_url" },
	{ "another protocol", "sources:\n  corp:\n    url: http://x\n" REST, 3, "mapping_url" },
	{ "an unknown key", WHOLE "    colour: red\n", 8, NULL },
	{ "a doubled key", WHOLE "    timeout_s: 5\n    timeout_s: 6\n", 9, NULL },
	{ "a number that is too large", WHOLE "    timeout_s: 601\n", 8, NULL },
	{ "a maybe", WHOLE "    plaintext: maybe\n", 8, NULL },
	{ "no sources", "sources: {}\n", 1, "yaml_type" },
	{ "a source called local", "sources:\n  local:\n    url: ldaps://x\n" REST, 2, "mapping_source" },
	{ "a source with a blank in it", "sources:\n  'my corp':\n    url: ldaps://x\n" REST, 2, "mapping_source" },
	{ "simple without a password file", HEAD "    bind: {method: simple, dn: 'cn=s,dc=x'}\n" PEOPLE GROUPS GRANTS, 4, "mapping_bind" },
	{ "simple without a dn", HEAD "    bind: {method: simple, password_file: pw}\n" PEOPLE GROUPS GRANTS, 4, "mapping_bind" },
	{ "external over the network", HEAD "    bind: {method: external}\n" PEOPLE GROUPS GRANTS, 4, "mapping_bind" },
	{ "a bind dn that is none", HEAD "    bind: {method: simple, dn: sync, password_file: pw}\n" PEOPLE GROUPS GRANTS, 4, "mapping_dn" },
	{ "a base that is no dn", HEAD BIND "    people: {base: people}\n" GROUPS GRANTS, 5, "mapping_dn" },
	{ "a filter without brackets", HEAD BIND "    people: {base: 'ou=p,dc=x', filter: 'uid=*'}\n" GROUPS GRANTS, 5, "mapping_filter" },
	{ "an attribute with a bracket in it", HEAD BIND "    people: {base: 'ou=p,dc=x', username: 'uid)('}\n" GROUPS GRANTS, 5, "mapping_attribute" },
	{ "a scope that is none", HEAD BIND "    people: {base: 'ou=p,dc=x', scope: all}\n" GROUPS GRANTS, 5, NULL },
	{ "disabled by a value", HEAD BIND "    people: {base: 'ou=p,dc=x', disabled: {attribute: employeeType, value: off}}\n" GROUPS GRANTS, 0, NULL },
	{ "disabled by any of a list", HEAD BIND "    people: {base: 'ou=p,dc=x', disabled: [{attribute: a}, {attribute: b, value: c}]}\n" GROUPS GRANTS, 0, NULL },
	{ "disabled without an attribute", HEAD BIND "    people: {base: 'ou=p,dc=x', disabled: {value: off}}\n" GROUPS GRANTS, 5, NULL },
	{ "a grant by dn", TO_GRANTS "    grants: [{group: 'cn=s,ou=g,dc=x', account: a, role: r}]\n", 0, NULL },
	{ "a grant by a bad dn", TO_GRANTS "    grants: [{group: 'cn=s,,dc=x', account: a, role: r}]\n", 7, "mapping_dn" },
	{ "a grant by id", TO_GRANTS "    grants: [{group_id: 0-1, account: a, role: r}]\n", 0, NULL },
	{ "OW6 a grant without a role: there is no default", TO_GRANTS "    grants: [{group: s, account: a}]\n", 7, "mapping_grant" },
	{ "a grant without an account", TO_GRANTS "    grants: [{group: s, role: r}]\n", 7, "mapping_grant" },
	{ "a grant to nobody", TO_GRANTS "    grants: [{account: a, role: r}]\n", 7, "mapping_grant" },
	{ "a grant by two names", TO_GRANTS "    grants: [{group: s, group_id: 1, account: a, role: r}]\n", 7, "mapping_grant" },
	{ "a pattern with account and role", TO_GRANTS "    grants: [{pattern: 'rg-{account}-{role}'}]\n    ceiling: [viewer]\n", 0, NULL },
	{ "a pattern with a role and no ceiling", TO_GRANTS "    grants: [{pattern: 'rg-{account}-{role}'}]\n", 7, "mapping_ceiling" },
	{ "a pattern and the account twice", TO_GRANTS "    grants: [{pattern: '{account}', account: a, role: r}]\n", 7, "mapping_pattern" },
	{ "a pattern without an account", TO_GRANTS "    grants: [{pattern: 'x-{role}'}]\n    ceiling: [r]\n", 7, "mapping_pattern" },
	{ "a pattern with something else in braces", TO_GRANTS "    grants: [{pattern: '{account}-{team}', role: r}]\n", 7, "mapping_pattern" },
	{ "a pattern with nothing in between", TO_GRANTS "    grants: [{pattern: '{account}{role}'}]\n    ceiling: [r]\n", 7, "mapping_pattern" },
	{ "accounts to be made below nothing", TO_GRANTS "    grants: [{pattern: 'x-{account}', role: r, accounts: {create: yes}}]\n", 7, "mapping_account" },
	{ "accounts to be made without a pattern", TO_GRANTS "    grants: [{group: s, account: a, role: r, accounts: {create: yes, parent: p}}]\n", 7, "mapping_pattern" },
	{ "a role above the ceiling", WHOLE "    ceiling: [editor]\n", 7, "mapping_ceiling" },
	{ "a guard may be raised", WHOLE "    guard: {members_max: 50, members_percent: 10, account_percent: 30}\n", 0, NULL },
	{ "a guard may not be lowered below its least", WHOLE "    guard: {members_max: 4}\n", 8, NULL },
	{ "a percentage over a hundred", WHOLE "    guard: {account_percent: 101}\n", 8, NULL },
	{ "an account with parent and catalogue", WHOLE "    accounts: [{id: a, parent: p, catalogue: c}]\n", 8, "mapping_account" },
	{ "an account with neither", WHOLE "    accounts: [{id: a}]\n", 8, "mapping_account" },
	{ "an account twice", WHOLE "    accounts: [{id: a, parent: p}, {id: a, parent: p}]\n", 8, "mapping_account" },
};
/* clang-format on */

static bool
has_fault(const struct faults *faults, int line, const char *code)
{
	for (size_t i = 0; i < faults->kept; i++)
		if (faults->items[i].line == line &&
		    faults->items[i].column > 0 &&
		    (code == NULL || strcmp(faults->items[i].code, code) == 0))
			return true;
	return false;
}

START_TEST(loads)
{
	const struct row *row = &rows[_i];
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	struct mapping mapping = { 0 };
	bool ok = mapping_parse(
	    &arena, STR("m.yaml"), str_from(row->text), &mapping, &faults);

	if (row->line == 0) {
		if (faults.count > 0)
			faults_print(&faults, stderr);
		ck_assert_msg(ok && faults.count == 0, "%s", row->says);
	} else {
		if (!has_fault(&faults, row->line, row->code))
			faults_print(&faults, stderr);
		ck_assert_msg(!ok, "%s: was accepted", row->says);
		ck_assert_msg(has_fault(&faults, row->line, row->code),
		    "%s: no such fault", row->says);
	}
	faults_free(&faults);
	arena_free(&arena);
}
END_TEST

START_TEST(all_faults_at_once)
{
	static const char text[] =
	    "sources:\n  corp:\n    url: http://x\n"
	    "    bind: {method: simple, dn: x, password_file: pw}\n"
	    "    people: {base: people}\n" GROUPS
	    "    grants: [{group: s}]\n    colour: red\n";
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	struct mapping mapping = { 0 };

	ck_assert(!mapping_parse(
	    &arena, STR("m.yaml"), str_from(text), &mapping, &faults));
	ck_assert_msg(faults.count >= 1, "%zu", faults.count);
	faults_free(&faults);
	arena_free(&arena);
}
END_TEST

START_TEST(defaults_are_safe)
{
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	struct mapping mapping = { 0 };
	const struct source *s;

	ck_assert(mapping_parse(
	    &arena, STR("/etc/rg/m.yaml"), STR(WHOLE), &mapping, &faults));
	ck_assert_uint_eq(mapping.count, 1);
	s = &mapping.sources[0];
	ck_assert_int_eq(s->directory.tls, TLS_LDAPS);
	ck_assert(str_eq(s->directory.password_file, STR("/etc/rg/pw")));
	ck_assert(str_eq(
	    s->directory.ca_file, STR("/etc/ssl/certs/ca-certificates.crt")));
	ck_assert_int_eq(s->guard.members_max, 5);
	ck_assert_int_eq(s->guard.members_percent, 5);
	ck_assert_int_eq(s->guard.account_percent, 20);
	ck_assert_int_eq(s->grace_days, 30);
	ck_assert(str_eq(s->people.id, STR("entryUUID")));
	ck_assert_uint_eq(s->ceiling.count, 1);
	ck_assert(str_eq(s->ceiling.items[0], STR("viewer")));
	ck_assert_uint_eq(s->digest.len, 64);
	arena_free(&arena);
}
END_TEST

/* --- Against accounts and catalogues -------------------------------------- */

static const struct role roles[] = {
	{ .name = { "viewer", 6 } },
	{ .name = { "scoped", 6 }, .filtered = true },
};
static const struct catalogue catalogue = {
	.name = { "test", 4 },
	.roles = roles,
	.role_count = 2,
	.top = -1,
};
static const struct catalogue *const catalogue_items[] = { &catalogue };

/* clang-format off */
static const struct row checks[] = {
	{ "a role of the account's catalogue", WHOLE, 0, NULL },
	{ "S10 OW11 a filtered role is refused at load", TO_GRANTS "    grants: [{group: s, account: sales, role: scoped}]\n", 7, "filtered_role" },
	{ "S10 OW11 a filtered role in a pattern's ceiling", TO_GRANTS "    grants: [{pattern: 'rg-{account}-{role}'}]\n    ceiling: [viewer, scoped]\n", 2, "filtered_role" },
	{ "S10 OW11 a filtered role with a pattern's account", TO_GRANTS "    grants: [{pattern: 'rg-{account}', role: scoped}]\n", 7, "filtered_role" },
	{ "a role that the catalogue does not have", TO_GRANTS "    grants: [{group: s, account: sales, role: boss}]\n", 7, "role_unknown" },
	{ "a role that no catalogue has", TO_GRANTS "    grants: [{pattern: 'rg-{account}', role: boss}]\n", 7, "role_unknown" },
	{ "an account that does not exist", TO_GRANTS "    grants: [{group: s, account: nowhere, role: viewer}]\n", 7, "account_unknown" },
	{ "an account that the mapping makes", TO_GRANTS "    grants: [{group: s, account: new, role: viewer}]\n    accounts: [{id: new, parent: sales}]\n", 0, NULL },
	{ "a role there that the catalogue above does not have", TO_GRANTS "    grants: [{group: s, account: new, role: boss}]\n    accounts: [{id: new, parent: sales}]\n", 7, "role_unknown" },
	{ "a root that the mapping makes", TO_GRANTS "    grants: [{group: s, account: new, role: viewer}]\n    accounts: [{id: new, catalogue: test}]\n", 0, NULL },
	{ "a root with a catalogue that is not there", TO_GRANTS "    grants: [{group: s, account: sales, role: viewer}]\n    accounts: [{id: new, catalogue: none}]\n", 8, "catalogue_unknown" },
	{ "a parent that does not exist", TO_GRANTS "    grants: [{group: s, account: sales, role: viewer}]\n    accounts: [{id: new, parent: nowhere}]\n", 8, "account_unknown" },
	{ "M8 a personal account", TO_GRANTS "    grants: [{group: s, account: home, role: viewer}]\n", 7, "personal_account" },
};
/* clang-format on */

START_TEST(fits)
{
	const struct row *row = &checks[_i];
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	struct mapping mapping = { 0 };
	struct err e = { 0 };
	struct account accounts[] = {
		{ .id = STR("home"),
		    .kind = ACCOUNT_PERSONAL,
		    .catalogue = STR("test"),
		    .status = ACCOUNT_ACTIVE },
		{ .id = STR("sales"),
		    .kind = ACCOUNT_SHARED,
		    .catalogue = STR("test"),
		    .status = ACCOUNT_ACTIVE },
	};
	struct state state = { .accounts = accounts,
		.account_count = 2,
		.catalogues = { catalogue_items, 1 } };
	bool ok;

	ck_assert_msg(state_index(&state, &arena, &e), "%s", e.text);
	ok = mapping_parse(
	    &arena, STR("m.yaml"), str_from(row->text), &mapping, &faults);
	if (!ok)
		faults_print(&faults, stderr);
	ck_assert_msg(ok, "%s: does not even load", row->says);
	ok = source_check(&mapping, &mapping.sources[0], &state, &faults);
	if (row->line == 0)
		ck_assert_msg(ok && faults.count == 0, "%s", row->says);
	else
		ck_assert_msg(!ok && has_fault(&faults, row->line, row->code),
		    "%s: no such fault", row->says);
	faults_free(&faults);
	arena_free(&arena);
}
END_TEST

static void
mapping_tests(TCase *t)
{
	tcase_add_loop_test(t, loads, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(t, all_faults_at_once);
	tcase_add_test(t, defaults_are_safe);
	tcase_add_loop_test(t, fits, 0, sizeof(checks) / sizeof(checks[0]));
}

UNIT_MAIN("sync_mapping", mapping_tests)
