/* test_catalogue.c - the catalogues that are shipped, and every fault of one
 * that is broken, with its place. The cells are tested in test_matrix.c. */
#include "unit.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bounds.h"
#include "model/catalogue.h"

#define COUNT(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

static struct arena arena;
static struct faults faults;

static char folder[sizeof("/tmp/rolegate-catalogue-XXXXXX")];

static void
setup(void)
{
	arena = (struct arena){ 0 };
	faults = (struct faults){ 0 };
	memcpy(folder, "/tmp/rolegate-catalogue-XXXXXX", sizeof(folder));
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static int
entry_remove(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void
teardown(void)
{
	nftw(folder, entry_remove, 4, FTW_DEPTH | FTW_PHYS);
	faults_free(&faults);
	arena_free(&arena);
}

/* --- The shipped ones ---------------------------------------------------- */

static const struct catalogue *
shipped(const char *name)
{
	struct catalogues all = { 0 };
	const struct catalogue *c;

	if (!catalogues_load(&arena, STR("catalogs"), &all, &faults))
		faults_print(&faults, stdout);
	ck_assert_uint_eq(faults.count, 0);
	ck_assert_uint_eq(all.count, 2);
	c = catalogues_find(&all, str_from(name));
	ck_assert_ptr_nonnull(c);
	ck_assert_ptr_null(catalogues_find(&all, STR("nothing")));
	ck_assert_ptr_null(catalogues_find(&all, STR("")));
	return c;
}

/* The names of a set of roles, in the catalogue's order. */
static const char *
role_words(const struct catalogue *c, uint64_t set)
{
	static char words[512];
	size_t len = 0;

	words[0] = '\0';
	for (size_t r = 0; r < c->role_count; r++)
		if ((set >> r & 1) != 0)
			len += (size_t)snprintf(words + len,
			    sizeof(words) - len, "%s%.*s", len > 0 ? " " : "",
			    STR_ARGS(c->roles[r].name));
	return words;
}

static void
check_shape(const struct catalogue *c, size_t permissions, const char *roles,
    const char *top, bool ladder)
{
	ck_assert_uint_eq(c->permission_count, permissions);
	ck_assert_uint_eq(c->role_count, 6);
	ck_assert_str_eq(role_words(c, UINT64_MAX), roles);
	ck_assert_int_ge(c->top, 0);
	ck_assert(str_eq(c->roles[c->top].name, str_from(top)));
	ck_assert_int_eq(c->ladder, ladder);
	for (size_t i = 1; i < c->permission_count; i++)
		ck_assert_int_lt(
		    str_cmp(c->permissions[i - 1].name, c->permissions[i].name),
		    0);
	for (size_t i = 1; i < c->operation_count; i++)
		ck_assert_int_lt(
		    str_cmp(c->operations[i - 1].name, c->operations[i].name),
		    0);
}

/* rules 62-65 */
START_TEST(call_tracking_is_six_roles_by_39_permissions)
{
	check_shape(shipped("call-tracking"), 39,
	    "full.editor full.viewer configuration.editor "
	    "configuration.viewer reporting.editor reporting.viewer",
	    "full.editor", false);
}
END_TEST

/* rules 67-69 */
START_TEST(performance_marketing_is_a_ladder_of_six_by_37_permissions)
{
	check_shape(shipped("performance-marketing"), 37,
	    "filtered_reporting reporting observer member manager super_user",
	    "super_user", true);
}
END_TEST

/* rule 70, S10; rule 122 */
START_TEST(what_is_filtered_and_what_acts_on_behalf)
{
	const struct catalogue *c = shipped("performance-marketing");

	for (size_t r = 0; r < c->role_count; r++)
		ck_assert_int_eq(c->roles[r].filtered, r == 0);
	ck_assert(str_eq(c->roles[0].filtered_level, STR("network")));
	ck_assert_ptr_nonnull(c->act_on_behalf);
	ck_assert(
	    str_eq(c->act_on_behalf->name, STR("accounts.act_on_behalf")));
	ck_assert(str_eq(c->act_on_behalf->level, STR("network")));
	c = shipped("call-tracking");
	ck_assert_ptr_null(c->act_on_behalf);
	for (size_t r = 0; r < c->role_count; r++)
		ck_assert(!c->roles[r].filtered);
}
END_TEST

static const struct {
	const char *says;
	const char *catalogue;
	const char *role;
	const char *gives;
} gives[] = {
	{ "M3 full.editor gives all", "call-tracking", "full.editor",
	    "full.editor full.viewer configuration.editor "
	    "configuration.viewer reporting.editor reporting.viewer" },
	{ "M3 full.viewer gives none", "call-tracking", "full.viewer", "" },
	{ "M3 configuration.editor gives none", "call-tracking",
	    "configuration.editor", "" },
	{ "M3 reporting.editor gives none", "call-tracking", "reporting.editor",
	    "" },
	{ "S9 a manager gives any role up to manager", "performance-marketing",
	    "manager", "filtered_reporting reporting observer member manager" },
	{ "M3 a super_user gives all", "performance-marketing", "super_user",
	    "filtered_reporting reporting observer member manager "
	    "super_user" },
	{ "M3 a member gives none", "performance-marketing", "member", "" },
	{ "M3 an observer gives none", "performance-marketing", "observer",
	    "" },
};

START_TEST(who_may_give_what)
{
	const struct catalogue *c = shipped(gives[_i].catalogue);
	int role = catalogue_role(c, str_from(gives[_i].role));

	ck_assert_int_ge(role, 0);
	ck_assert_msg(strcmp(role_words(c, c->roles[role].may_give),
			  gives[_i].gives) == 0,
	    "%s, not %s", gives[_i].says,
	    role_words(c, c->roles[role].may_give));
}
END_TEST

/* The table of docs/decision.md, "The right to change". */
static const struct {
	const char *catalogue;
	const char *operation;
	const char *needs;
} operations[] = {
	{ "call-tracking", "member.add", "users.add" },
	{ "call-tracking", "member.invite", "users.add" },
	{ "call-tracking", "invitation.withdraw", "users.add" },
	{ "call-tracking", "grant.edit", "users.add users.remove" },
	{ "call-tracking", "member.remove", "users.remove" },
	{ "call-tracking", "spreadsheet.add", "users.add" },
	{ "call-tracking", "spreadsheet.edit", "users.add users.remove" },
	{ "call-tracking", "spreadsheet.delete", "users.remove" },
	{ "call-tracking", "account.create", "subaccounts.create" },
	{ "call-tracking", "account.rename", "subaccounts.edit" },
	{ "call-tracking", "account.delete", "subaccounts.delete" },
	{ "call-tracking", "account.suspend", "subaccounts.edit" },
	{ "call-tracking", "member.add:full.editor", NULL },
	{ "performance-marketing", "member.add", NULL },
	{ "performance-marketing", "member.add:filtered_reporting",
	    "invites.manage members.add" },
	{ "performance-marketing", "member.add:manager",
	    "invites.manage members.add" },
	{ "performance-marketing", "member.add:super_user",
	    "invites.manage_super members.add" },
	{ "performance-marketing", "member.invite:observer",
	    "invites.manage members.add" },
	{ "performance-marketing", "member.invite:super_user",
	    "invites.manage_super members.add" },
	{ "performance-marketing", "invitation.withdraw:manager",
	    "invites.manage" },
	{ "performance-marketing", "invitation.withdraw:super_user",
	    "invites.manage_super" },
	{ "performance-marketing", "grant.edit", "members.edit" },
	{ "performance-marketing", "member.remove", "members.delete" },
	{ "performance-marketing", "spreadsheet.add", "members.bulk.add" },
	{ "performance-marketing", "spreadsheet.edit", "members.bulk.edit" },
	{ "performance-marketing", "spreadsheet.delete",
	    "members.bulk.delete" },
	{ "performance-marketing", "account.create", "accounts.create" },
	{ "performance-marketing", "account.rename", "accounts.create" },
	{ "performance-marketing", "account.delete", "accounts.create" },
	{ "performance-marketing", "account.suspend",
	    "accounts.applications.approve" },
};

static const char *
needs_of(const struct catalogue *c, const char *operation)
{
	static char words[512];
	size_t len = 0;

	for (size_t i = 0; i < c->operation_count; i++) {
		const struct operation *o = &c->operations[i];

		if (!str_eq(o->name, str_from(operation)))
			continue;
		for (size_t k = 0; k < o->needs.count; k++)
			len += (size_t)snprintf(words + len,
			    sizeof(words) - len, "%s%.*s", k > 0 ? " " : "",
			    STR_ARGS(o->needs.items[k]));
		return words;
	}
	return NULL;
}

START_TEST(what_operations_need)
{
	const char *got = needs_of(
	    shipped(operations[_i].catalogue), operations[_i].operation);
	const char *want = operations[_i].needs;

	ck_assert_msg((got == NULL) == (want == NULL) &&
			  (want == NULL || strcmp(got, want) == 0),
	    "%s: %s needs %s, not %s", operations[_i].catalogue,
	    operations[_i].operation, got != NULL ? got : "what is not listed",
	    want != NULL ? want : "not to be listed");
}
END_TEST

/* --- Finding ------------------------------------------------------------- */

START_TEST(nothing_has_nothing)
{
	const struct catalogue empty = { .top = -1 };
	const struct catalogues none = { 0 };
	const struct permission all = { .roles = UINT64_MAX };

	ck_assert_int_eq(catalogue_role(NULL, STR("a")), -1);
	ck_assert_int_eq(catalogue_role(&empty, STR("")), -1);
	ck_assert_ptr_null(catalogue_permission(NULL, STR("a")));
	ck_assert_ptr_null(catalogue_permission(&empty, STR("")));
	ck_assert_ptr_null(catalogues_find(&none, STR("")));
	ck_assert(!role_has(0, NULL));
	ck_assert(!role_has(-1, &all));
	ck_assert(!role_has(ROLES_PER_CATALOGUE_MAX, &all));
	ck_assert(role_has(ROLES_PER_CATALOGUE_MAX - 1, &all));
	ck_assert(!role_has(0, &(struct permission){ 0 }));
}
END_TEST

START_TEST(every_permission_is_found_by_its_name_and_no_other)
{
	const struct catalogue *c = shipped("performance-marketing");

	for (size_t i = 0; i < c->permission_count; i++) {
		struct str name = c->permissions[i].name;
		struct str shorter = { name.ptr, name.len - 1 };

		ck_assert_ptr_eq(
		    catalogue_permission(c, name), &c->permissions[i]);
		ck_assert_ptr_null(catalogue_permission(c, shorter));
	}
	ck_assert_ptr_null(catalogue_permission(c, STR("Members.view")));
	ck_assert_ptr_null(catalogue_permission(c, STR("members.view ")));
	ck_assert_int_eq(catalogue_role(c, STR("Manager")), -1);
}
END_TEST

/* --- Faults -------------------------------------------------------------- */

#define NAME   "name: c\n"
#define MATRIX "matrix: c.csv\n"
#define ROLES  "roles: [low, high]\n"
#define LADDER "ladder: yes\n"
#define YAML   NAME MATRIX ROLES LADDER /* what is added is on line 5 */
#define HEAD   "permission,label,low,high\n"
#define CSV    HEAD "a.view,A,1,1\nb.edit,B,0,1\n"
#define MORE(columns, cells) \
	"permission,label,low,high," columns "\na.view,A,1,1," cells "\n"

#define W_16  "abcdefghijklmnop"
#define W_64  W_16 W_16 W_16 W_16
#define W_128 W_64 W_64
#define L_16  "a b c d e f g h i j k l m n o p"

struct fault_row {
	const char *says;
	const char *yaml;
	const char *csv;
	const char *file; /* NULL: there is no fault */
	int line;
	int column;
	const char *code;
};

/* clang-format off */
static const struct fault_row fault_rows[] = {
	{ "a good one",                       YAML, CSV, NULL, 0, 0, NULL },

	{ "a list at the top",                "- a\n", CSV, "c.yaml", 1, 1, "yaml_type" },
	{ "no name",                          MATRIX ROLES LADDER, CSV, "c.yaml", 1, 1, "yaml_missing" },
	{ "no matrix",                        NAME ROLES LADDER, CSV, "c.yaml", 1, 1, "yaml_missing" },
	{ "no roles",                         NAME MATRIX LADDER, CSV, "c.yaml", 1, 1, "yaml_missing" },
	{ "not said whether it is a ladder",  NAME MATRIX ROLES, CSV, "c.yaml", 1, 1, "yaml_missing" },
	{ "a ladder of maybe",                NAME MATRIX ROLES "ladder: maybe\n", CSV, "c.yaml", 4, 9, "yaml_value" },
	{ "a key that is none",               YAML "roof: high\n", CSV, "c.yaml", 5, 1, "yaml_unknown_key" },
	{ "a name with a blank",              "name: a b\n" MATRIX ROLES LADDER, CSV, "c.yaml", 1, 7, "text_space" },
	{ "a name of the longest",            "name: " W_64 "\n" MATRIX ROLES LADDER, CSV, NULL, 0, 0, NULL },
	{ "a name of one byte more",          "name: " W_64 "x\n" MATRIX ROLES LADDER, CSV, "c.yaml", 1, 7, "text_too_long" },

	{ "a matrix in another folder",       NAME "matrix: ../c.csv\n" ROLES LADDER, CSV, "c.yaml", 2, 9, "catalogue_matrix" },
	{ "a matrix below",                   NAME "matrix: x/c.csv\n" ROLES LADDER, CSV, "c.yaml", 2, 9, "catalogue_matrix" },
	{ "a matrix that is the folder",      NAME "matrix: '.'\n" ROLES LADDER, CSV, "c.yaml", 2, 9, "catalogue_matrix" },

	{ "roles that are a map",             NAME MATRIX "roles: {low: high}\n" LADDER, CSV, "c.yaml", 3, 8, "yaml_type" },
	{ "no role in the list",              NAME MATRIX "roles: []\n" LADDER, CSV, "c.yaml", 3, 8, "catalogue_roles" },
	{ "a role twice",                     NAME MATRIX "roles: [low, high, low]\n" LADDER, CSV, "c.yaml", 3, 20, "catalogue_role" },
	{ "a role that is another column",    NAME MATRIX "roles: [low, level]\n" LADDER, CSV, "c.yaml", 3, 14, "catalogue_role" },
	{ "a role that is a free column",     NAME MATRIX "roles: [low, note]\n" LADDER, CSV, "c.yaml", 3, 14, "catalogue_role" },
	{ "a role with a blank",              NAME MATRIX "roles: [low, h i]\n" LADDER, CSV, "c.yaml", 3, 14, "text_space" },
	{ "a role of one byte more",          NAME MATRIX "roles: [low, " W_64 "x]\n" LADDER, CSV, "c.yaml", 3, 14, "text_too_long" },
	{ "a role that is a list",            NAME MATRIX "roles: [low, [high]]\n" LADDER, CSV, "c.yaml", 3, 14, "yaml_type" },
	{ "one role, written without a list", NAME MATRIX "roles: low\n" LADDER, "permission,label,low\na,A,1\n", NULL, 0, 0, NULL },

	{ "a top role",                       YAML "top: high\n", CSV, NULL, 0, 0, NULL },
	{ "a top role that is none",          YAML "top: higher\n", CSV, "c.yaml", 5, 6, "role_unknown" },
	{ "a top role in capitals",           YAML "top: High\n", CSV, "c.yaml", 5, 6, "role_unknown" },

	{ "a permission that acts",           YAML "act_on_behalf: b.edit\n", CSV, NULL, 0, 0, NULL },
	{ "one that has no row",              YAML "act_on_behalf: c.edit\n", CSV, "c.yaml", 5, 16, "permission_unknown" },

	{ "a filtered role",                  YAML "filtered: {low: network}\n", CSV, NULL, 0, 0, NULL },
	{ "a filtered role that is none",     YAML "filtered: {lower: network}\n", CSV, "c.yaml", 5, 12, "role_unknown" },
	{ "a filtered role on any level",     YAML "filtered: {low: any}\n", CSV, "c.yaml", 5, 17, "catalogue_filtered" },
	{ "a filtered role on no level",      YAML "filtered: {low: ''}\n", CSV, "c.yaml", 5, 17, "text_empty" },
	{ "a filtered role on two levels",    YAML "filtered: {low: [a, b]}\n", CSV, "c.yaml", 5, 17, "yaml_type" },
	{ "filtered without a level",         YAML "filtered: low\n", CSV, "c.yaml", 5, 11, "yaml_type" },
	{ "filtered on a level too long",     YAML "filtered: {low: " W_64 "x}\n", CSV, "c.yaml", 5, 17, "text_too_long" },

	{ "who gives",                        YAML "may_give: {high: [low, high]}\n", CSV, NULL, 0, 0, NULL },
	{ "who gives one role",               YAML "may_give: {high: low}\n", CSV, NULL, 0, 0, NULL },
	{ "a giver that is none",             YAML "may_give: {boss: [low]}\n", CSV, "c.yaml", 5, 12, "role_unknown" },
	{ "a role given that is none",        YAML "may_give: {high: [low, boss]}\n", CSV, "c.yaml", 5, 24, "role_unknown" },
	{ "no word for all roles",            YAML "may_give: {high: all}\n", CSV, "c.yaml", 5, 18, "role_unknown" },
	{ "may_give as a list",               YAML "may_give: [high]\n", CSV, "c.yaml", 5, 11, "yaml_type" },
	{ "may_give as a map of maps",        YAML "may_give: {high: {low: a}}\n", CSV, "c.yaml", 5, 18, "yaml_type" },

	{ "an operation",                     YAML "operations: {member.add: b.edit}\n", CSV, NULL, 0, 0, NULL },
	{ "an operation that is none",        YAML "operations: {member.ad: b.edit}\n", CSV, "c.yaml", 5, 14, "catalogue_operation" },
	{ "an operation with a role in it",   YAML "operations: {'member.add:low': b.edit}\n", CSV, "c.yaml", 5, 14, "catalogue_operation" },
	{ "an operation that needs nothing",  YAML "operations: {member.add: []}\n", CSV, "c.yaml", 5, 26, "catalogue_operation" },
	{ "an operation that needs ''",       YAML "operations: {member.add: ''}\n", CSV, "c.yaml", 5, 26, "permission_unknown" },
	{ "an operation by role",             YAML "operations: {member.add: {low: a.view, high: [a.view, b.edit]}}\n", CSV, NULL, 0, 0, NULL },
	{ "an operation by a role that is none", YAML "operations: {member.add: {lo: a.view}}\n", CSV, "c.yaml", 5, 27, "role_unknown" },
	{ "an operation by role for nothing", YAML "operations: {member.add: {low: []}}\n", CSV, "c.yaml", 5, 32, "catalogue_operation" },
	{ "an operation by role, by role",    YAML "operations: {member.add: {low: {low: a.view}}}\n", CSV, "c.yaml", 5, 32, "yaml_type" },
	{ "a permission without a row",       YAML "operations: {member.add: [b.edit, c.edit]}\n", CSV, "c.yaml", 5, 35, "permission_unknown" },

	{ "an empty matrix",                  YAML, "", "c.csv", 1, 1, "catalogue_column_missing" },
	{ "only a header",                    YAML, HEAD, "c.csv", 1, 1, "catalogue_rows" },
	{ "a byte order mark",                YAML, "\xef\xbb\xbf" CSV, NULL, 0, 0, NULL },
	{ "CRLF",                             YAML, "permission,label,low,high\r\na.view,A,1,1\r\n", NULL, 0, 0, NULL },
	{ "columns in another order",         YAML, "high,low,label,permission\n1,0,A,a.view\n", NULL, 0, 0, NULL },
	{ "no permission",                    YAML, "label,low,high\nA,1,1\n", "c.csv", 1, 1, "catalogue_column_missing" },
	{ "no label",                         YAML, "permission,low,high\na.view,1,1\n", "c.csv", 1, 1, "catalogue_column_missing" },
	{ "no column of a role",              YAML, "permission,label,low\na.view,A,1\n", "c.csv", 1, 1, "catalogue_column_missing" },
	{ "a column that is none",            YAML, MORE("higher", "1"), "c.csv", 1, 27, "catalogue_column" },
	{ "a column without a name",          YAML, MORE("", ""), "c.csv", 1, 27, "catalogue_column" },
	{ "a role in capitals",               YAML, "permission,label,low,High\na.view,A,1,1\n", "c.csv", 1, 22, "catalogue_column" },
	{ "free columns",                     YAML, MORE("source,note", "any,thing"), NULL, 0, 0, NULL },
	{ "a free column of one's own",       YAML "notes: [ticket]\n", MORE("ticket", "7"), NULL, 0, 0, NULL },
	{ "a free column that was not named", YAML, MORE("ticket", "7"), "c.csv", 1, 27, "catalogue_column" },
	{ "notes that are a map",             YAML "notes: {a: b}\n", CSV, "c.yaml", 5, 8, "yaml_type" },
	{ "a column twice",                   YAML, MORE("label", "A"), "c.csv", 1, 27, "catalogue_column_twice" },
	{ "a role's column twice",            YAML, MORE("high", "1"), "c.csv", 1, 27, "catalogue_column_twice" },
	{ "semicolons",                       YAML, "permission;label;low;high\n", "c.csv", 1, 1, "catalogue_column" },

	{ "a cell of 2",                      YAML, HEAD "a.view,A,1,1\nb.edit,B,0,2\n", "c.csv", 3, 12, "catalogue_cell" },
	{ "a cell of yes",                    YAML, HEAD "a.view,A,yes,1\n", "c.csv", 2, 10, "catalogue_cell" },
	{ "an empty cell",                    YAML, HEAD "a.view,A,1,\n", "c.csv", 2, 12, "catalogue_cell" },
	{ "a cell with a blank",              YAML, HEAD "a.view,A,1, 1\n", "c.csv", 2, 12, "catalogue_cell" },
	{ "a cell of 01",                     YAML, HEAD "a.view,A,01,1\n", "c.csv", 2, 10, "catalogue_cell" },
	{ "a cell in quotes",                 YAML, HEAD "a.view,A,\"1\",1\n", NULL, 0, 0, NULL },
	{ "a row with a cell too few",        YAML, HEAD "a.view,A,1,1\nb.edit,B,0\n", "c.csv", 3, 1, "catalogue_cells" },
	{ "a row with a cell too many",       YAML, HEAD "a.view,A,1,1\nb.edit,B,0,1,1\n", "c.csv", 3, 14, "catalogue_cells" },
	{ "an empty line",                    YAML, CSV "\n", "c.csv", 4, 1, "catalogue_cells" },
	{ "a permission twice",               YAML, CSV "a.view,C,1,1\n", "c.csv", 4, 1, "catalogue_permission_twice" },
	{ "no permission in a row",           YAML, CSV ",C,1,1\n", "c.csv", 4, 1, "text_empty" },
	{ "a permission with a blank",        YAML, CSV "c d,C,1,1\n", "c.csv", 4, 1, "text_space" },
	{ "a permission with a line end",     YAML, CSV "\"c\nd\",C,1,1\n", "c.csv", 4, 1, "text_control" },
	{ "a permission of the longest",      YAML, CSV W_128 ",C,1,1\n", NULL, 0, 0, NULL },
	{ "a permission of one byte more",    YAML, CSV W_128 "x,C,1,1\n", "c.csv", 4, 1, "text_too_long" },
	{ "no label in a row",                YAML, CSV "c,,1,1\n", "c.csv", 4, 3, "text_empty" },
	{ "a label with a tab",               YAML, CSV "c,a\tb,1,1\n", "c.csv", 4, 3, "text_control" },
	{ "a label of the longest",           YAML, CSV "c," W_128 W_128 W_128 W_128 ",1,1\n", NULL, 0, 0, NULL },
	{ "a label of one byte more",         YAML, CSV "c," W_128 W_128 W_128 W_128 "x,1,1\n", "c.csv", 4, 3, "text_too_long" },

	{ "rule 68 a step that is broken",    YAML, HEAD "a.view,A,1,0\n", "c.csv", 2, 12, "catalogue_ladder" },
	{ "rule 68 only of a ladder",         NAME MATRIX ROLES "ladder: no\n", HEAD "a.view,A,1,0\n", NULL, 0, 0, NULL },
	{ "rule 68 in the order of the YAML", YAML, "permission,label,high,low\na.view,A,0,1\n", "c.csv", 2, 10, "catalogue_ladder" },

	{ "level any",                        YAML, MORE("level", "any"), NULL, 0, 0, NULL },
	{ "no level",                         YAML, MORE("level", ""), NULL, 0, 0, NULL },
	{ "a level",                          YAML, MORE("level", "network"), NULL, 0, 0, NULL },
	{ "a level with a blank",             YAML, MORE("level", "a b"), "c.csv", 2, 14, "text_space" },
	{ "a level of one byte more",         YAML, MORE("level", W_64 "x"), "c.csv", 2, 14, "text_too_long" },

	{ "licences any",                     YAML, MORE("licences", "any"), NULL, 0, 0, NULL },
	{ "no licences",                      YAML, MORE("licences", ""), NULL, 0, 0, NULL },
	{ "licences none",                    YAML, MORE("licences", "none"), NULL, 0, 0, NULL },
	{ "two licences",                     YAML, MORE("licences", "marketing contact_center"), NULL, 0, 0, NULL },
	{ "licences with any among them",     YAML, MORE("licences", "marketing any"), "c.csv", 2, 14, "catalogue_licences" },
	{ "licences with none among them",    YAML, MORE("licences", "none marketing"), "c.csv", 2, 14, "catalogue_licences" },
	{ "licences with two blanks",         YAML, MORE("licences", "a  b"), "c.csv", 2, 14, "catalogue_licences" },
	{ "licences with a blank in front",   YAML, MORE("licences", " a"), "c.csv", 2, 14, "catalogue_licences" },
	{ "licences with a blank behind",     YAML, MORE("licences", "a "), "c.csv", 2, 14, "catalogue_licences" },
	{ "nothing but a blank",              YAML, MORE("licences", " "), "c.csv", 2, 14, "catalogue_licences" },
	{ "a licence twice",                  YAML, MORE("licences", "a b a"), "c.csv", 2, 14, "catalogue_licences" },
	{ "as many licences as there may be", YAML, MORE("licences", L_16), NULL, 0, 0, NULL },
	{ "one licence more",                 YAML, MORE("licences", L_16 " q"), "c.csv", 2, 14, "catalogue_licences" },
	{ "a licence of one byte more",       YAML, MORE("licences", W_64 "x"), "c.csv", 2, 14, "text_too_long" },
	{ "licences with a comma",            YAML, MORE("licences", "a,b"), "c.csv", 2, 16, "catalogue_cells" },

	{ "a quote that is never closed",     YAML, HEAD "a.view,\"A,1,1\n", "c.csv", 2, 8, "csv_quote" },
	{ "a quote in the header",            YAML, "permission,\"label,low,high\n", "c.csv", 1, 12, "csv_quote" },
	{ "Latin-1",                          YAML, CSV "c,\xe9,1,1\n", "c.csv", 4, 3, "csv_utf8" },
	{ "Latin-1 in a free column",         YAML, MORE("note", "\xe9"), "c.csv", 2, 14, "csv_utf8" },
};
/* clang-format on */

static const struct catalogue *
parse(const char *yaml, const char *csv)
{
	return catalogue_parse(
	    &arena, STR("dir/c.yaml"), str_from(yaml), str_from(csv), &faults);
}

START_TEST(faults_of_a_catalogue)
{
	const struct fault_row *row = &fault_rows[_i];
	const struct catalogue *c = parse(row->yaml, row->csv);
	const struct fault *f = faults.items;

	if (row->file == NULL) {
		faults_print(&faults, stdout);
		ck_assert_msg(c != NULL, "%s: is refused", row->says);
		ck_assert_uint_eq(faults.count, 0);
		return;
	}
	ck_assert_msg(c == NULL, "%s: is believed", row->says);
	ck_assert_uint_gt(faults.kept, 0);
	ck_assert_msg(str_eq(f->file, str_fmt(&arena, "dir/%s", row->file)) &&
			  f->line == row->line && f->column == row->column &&
			  strcmp(f->code, row->code) == 0,
	    "%s: %.*s:%d:%d %s, not %s:%d:%d %s", row->says, STR_ARGS(f->file),
	    f->line, f->column, f->code, row->file, row->line, row->column,
	    row->code);
}
END_TEST

START_TEST(all_faults_of_both_files_at_once)
{
	ck_assert_ptr_null(parse(YAML "top: boss\nact_on_behalf: none.at_all\n",
	    HEAD "a.view,A,2,3\nb.edit,B,1,0\nc.edit,C,1\n"));
	ck_assert_uint_eq(faults.count, 6);
}
END_TEST

START_TEST(a_row_of_wrong_length_still_has_its_name)
{
	ck_assert_ptr_null(
	    parse(YAML "act_on_behalf: c.edit\n", CSV "c.edit,C\n"));
	ck_assert_uint_eq(faults.count, 1);
}
END_TEST

START_TEST(what_is_read_is_what_is_written)
{
	const struct catalogue *c =
	    parse(YAML "top: high\nfiltered: {low: network}\n",
		"permission,level,high,licences,label,low\n"
		"b.edit,profile,1,zebra apple,\"B, \"\"b\"\"\",0\n"
		"a.view,any,1,none,A,1\n"
		"c.edit,,0,any,C,0\n");
	const struct permission *p;

	ck_assert_ptr_nonnull(c);
	ck_assert_uint_eq(c->permission_count, 3);
	p = &c->permissions[0];
	ck_assert(str_eq(p->name, STR("a.view")));
	ck_assert_int_eq(p->need, LICENCE_FREE);
	ck_assert_uint_eq(p->level.len, 0);
	ck_assert(role_has(0, p) && role_has(1, p));
	p = &c->permissions[1];
	ck_assert(str_eq(p->name, STR("b.edit")));
	ck_assert(str_eq(p->label, STR("B, \"b\"")));
	ck_assert(str_eq(p->level, STR("profile")));
	ck_assert_int_eq(p->need, LICENCE_SET);
	ck_assert_uint_eq(p->licences.count, 2);
	ck_assert(str_eq(p->licences.items[0], STR("apple")));
	ck_assert(!role_has(0, p) && role_has(1, p));
	p = &c->permissions[2];
	ck_assert_int_eq(p->need, LICENCE_ANY);
	ck_assert_uint_eq(p->roles, 0);
	ck_assert_int_eq(c->top, 1);
	ck_assert(c->roles[0].filtered && !c->roles[1].filtered);
}
END_TEST

/* --- Bounds -------------------------------------------------------------- */

struct text {
	char *ptr;
	size_t len;
	FILE *out;
};

static void
text_open(struct text *t)
{
	t->out = open_memstream(&t->ptr, &t->len);
	ck_assert_ptr_nonnull(t->out);
}

static const char *
text_close(struct text *t)
{
	ck_assert_int_eq(fclose(t->out), 0);
	return t->ptr;
}

/* A catalogue of so many roles, permissions and free columns. */
static const struct catalogue *
parse_large(int roles, int permissions, int notes)
{
	const struct catalogue *c;
	struct text yaml;
	struct text csv;

	text_open(&yaml);
	text_open(&csv);
	fputs(NAME MATRIX LADDER "roles:\n", yaml.out);
	fputs("permission,label", csv.out);
	for (int r = 0; r < roles; r++) {
		fprintf(yaml.out, "  - r%d\n", r);
		fprintf(csv.out, ",r%d", r);
	}
	fputs("notes:\n  - n\n", yaml.out);
	for (int n = 0; n < notes; n++) {
		fprintf(yaml.out, "  - n%d\n", n);
		fprintf(csv.out, ",n%d", n);
	}
	for (int p = 0; p < permissions; p++) {
		fprintf(csv.out, "\np%d,P", p);
		for (int i = 0; i < roles + notes; i++)
			fputs(",1", csv.out);
	}
	c = parse(text_close(&yaml), text_close(&csv));
	free(yaml.ptr);
	free(csv.ptr);
	return c;
}

static const struct {
	const char *says;
	int roles;
	int permissions;
	int notes;
	const char *code; /* NULL: within the bounds */
} bounds[] = {
	{ "as many roles as there may be", ROLES_PER_CATALOGUE_MAX, 1, 0,
	    NULL },
	{ "one role more", ROLES_PER_CATALOGUE_MAX + 1, 1, 0,
	    "catalogue_roles" },
	{ "as many permissions as there may be", 2,
	    PERMISSIONS_PER_CATALOGUE_MAX, 0, NULL },
	{ "one permission more", 2, PERMISSIONS_PER_CATALOGUE_MAX + 1, 0,
	    "catalogue_rows" },
	{ "as many columns as there may be", 2, 1,
	    2 * ROLES_PER_CATALOGUE_MAX - 4, NULL },
	{ "one column more", 2, 1, 2 * ROLES_PER_CATALOGUE_MAX - 3,
	    "csv_cells" },
};

START_TEST(up_to_the_bounds_and_not_over)
{
	const struct catalogue *c = parse_large(
	    bounds[_i].roles, bounds[_i].permissions, bounds[_i].notes);

	ck_assert_msg(
	    (c != NULL) == (bounds[_i].code == NULL), "%s", bounds[_i].says);
	if (c == NULL) {
		ck_assert_uint_eq(faults.count, 1);
		ck_assert_str_eq(faults.items[0].code, bounds[_i].code);
	} else
		ck_assert(role_has(bounds[_i].roles - 1, &c->permissions[0]));
}
END_TEST

/* Wherever memory ends, the answer is a fault. */
START_TEST(without_memory_there_is_no_catalogue)
{
	for (size_t max = 1; max < 64 * 1024; max += 61) {
		struct arena small = { .max_bytes = max };
		struct faults found = { 0 };
		const struct catalogue *c =
		    catalogue_parse(&small, STR("c.yaml"),
			STR(YAML "may_give: {high: low}\n"
				 "operations: {member.add: {low: a.view}}\n"),
			STR(CSV), &found);

		ck_assert_int_eq(c == NULL, found.count > 0);
		if (c != NULL) {
			ck_assert_uint_eq(c->permission_count, 2);
			ck_assert_uint_eq(c->operation_count, 1);
		}
		faults_free(&found);
		arena_free(&small);
	}
}
END_TEST

/* --- Files and folders --------------------------------------------------- */

static void
file_write(const char *name, const char *text)
{
	struct str path = str_fmt(&arena, "%s/%s", folder, name);
	FILE *out = fopen(path.ptr, "w");

	ck_assert_ptr_nonnull(out);
	ck_assert_int_ge(fputs(text, out), 0);
	ck_assert_int_eq(fclose(out), 0);
}

static void
catalogue_write(const char *file, const char *name)
{
	struct str text =
	    str_fmt(&arena, "name: %s\n" MATRIX ROLES LADDER, name);

	file_write(file, text.ptr);
	file_write("c.csv", CSV);
}

static const char *
folder_load(struct catalogues *out)
{
	bool ok = catalogues_load(&arena, str_from(folder), out, &faults);

	ck_assert_int_eq(ok, faults.count == 0);
	return ok ? "good" : faults.items[0].code;
}

START_TEST(catalogues_are_ordered_by_name)
{
	struct catalogues all = { 0 };

	catalogue_write("a.yaml", "zebra");
	catalogue_write("b.yaml", "apple");
	catalogue_write("c.yaml", "melon");
	catalogue_write(".hidden.yaml", "zebra");
	file_write("README", "zebra");
	file_write("old.yaml~", "zebra");
	file_write("d.yml", "zebra");
	ck_assert_str_eq(folder_load(&all), "good");
	ck_assert_uint_eq(all.count, 3);
	ck_assert(str_eq(all.items[0]->name, STR("apple")));
	ck_assert(str_eq(all.items[2]->name, STR("zebra")));
	for (size_t i = 0; i < all.count; i++)
		ck_assert_ptr_eq(
		    catalogues_find(&all, all.items[i]->name), all.items[i]);
}
END_TEST

START_TEST(a_name_twice_is_a_fault)
{
	struct catalogues all = { 0 };

	catalogue_write("a.yaml", "one");
	catalogue_write("b.yaml", "two");
	catalogue_write("c.yaml", "one");
	ck_assert_str_eq(folder_load(&all), "catalogue_twice");
	ck_assert_uint_eq(faults.count, 1);
	ck_assert_int_eq(faults.items[0].line, 1);
	ck_assert_int_eq(faults.items[0].column, 7);
	ck_assert(
	    str_eq(faults.items[0].file, str_fmt(&arena, "%s/c.yaml", folder)));
	ck_assert_uint_eq(all.count, 0);
}
END_TEST

START_TEST(a_broken_one_breaks_the_folder)
{
	struct catalogues all = { 0 };

	catalogue_write("a.yaml", "one");
	file_write("b.yaml", "name: [\n");
	file_write("d.yaml", NAME "matrix: nowhere.csv\n" ROLES LADDER);
	(void)folder_load(&all);
	ck_assert_uint_eq(faults.count, 2);
	ck_assert_uint_eq(all.count, 0);
	ck_assert_str_eq(faults.items[1].code, "file_read");
	ck_assert_int_eq(faults.items[1].line, 2);
	ck_assert_int_eq(faults.items[1].column, 9);
}
END_TEST

START_TEST(no_catalogue_is_a_fault)
{
	struct catalogues all = { 0 };

	ck_assert_str_eq(folder_load(&all), "catalogues_none");
	ck_assert(
	    !catalogues_load(&arena, STR("/nowhere/catalogs"), &all, &faults));
	ck_assert_str_eq(faults.items[1].code, "file_read");
	ck_assert_uint_eq(all.count, 0);
}
END_TEST

START_TEST(as_many_catalogues_as_the_bound)
{
	struct catalogues all = { 0 };
	char name[32];

	for (int i = 0; i < CATALOGUES_MAX; i++) {
		snprintf(name, sizeof(name), "%d.yaml", i);
		catalogue_write(name, name);
	}
	ck_assert_str_eq(folder_load(&all), "good");
	ck_assert_uint_eq(all.count, CATALOGUES_MAX);
	catalogue_write("more.yaml", "more");
	all = (struct catalogues){ 0 };
	ck_assert_str_eq(folder_load(&all), "catalogues_many");
	ck_assert_uint_eq(all.count, 0);
}
END_TEST

START_TEST(a_matrix_over_the_bound_is_not_read)
{
	struct str path = str_fmt(&arena, "%s/c.csv", folder);
	struct str yaml = str_fmt(&arena, "%s/c.yaml", folder);

	file_write("c.yaml", YAML);
	file_write("c.csv", CSV);
	ck_assert_ptr_nonnull(catalogue_load(&arena, yaml, &faults));
	ck_assert_int_eq(truncate(path.ptr, CATALOGUE_FILE_MAX + 1), 0);
	ck_assert_ptr_null(catalogue_load(&arena, yaml, &faults));
	ck_assert_str_eq(faults.items[0].code, "file_too_large");
	ck_assert_int_eq(faults.items[0].line, 2);
	ck_assert_int_eq(faults.items[0].column, 9);
}
END_TEST

static void
tests(TCase *t)
{
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, call_tracking_is_six_roles_by_39_permissions);
	tcase_add_test(
	    t, performance_marketing_is_a_ladder_of_six_by_37_permissions);
	tcase_add_test(t, what_is_filtered_and_what_acts_on_behalf);
	tcase_add_loop_test(t, who_may_give_what, 0, COUNT(gives));
	tcase_add_loop_test(t, what_operations_need, 0, COUNT(operations));
	tcase_add_test(t, nothing_has_nothing);
	tcase_add_test(t, every_permission_is_found_by_its_name_and_no_other);
	tcase_add_loop_test(t, faults_of_a_catalogue, 0, COUNT(fault_rows));
	tcase_add_test(t, all_faults_of_both_files_at_once);
	tcase_add_test(t, a_row_of_wrong_length_still_has_its_name);
	tcase_add_test(t, what_is_read_is_what_is_written);
	tcase_add_loop_test(t, up_to_the_bounds_and_not_over, 0, COUNT(bounds));
	tcase_add_test(t, without_memory_there_is_no_catalogue);
	tcase_add_test(t, catalogues_are_ordered_by_name);
	tcase_add_test(t, a_name_twice_is_a_fault);
	tcase_add_test(t, a_broken_one_breaks_the_folder);
	tcase_add_test(t, no_catalogue_is_a_fault);
	tcase_add_test(t, as_many_catalogues_as_the_bound);
	tcase_add_test(t, a_matrix_over_the_bound_is_not_read);
}

UNIT_MAIN("catalogue", tests)
