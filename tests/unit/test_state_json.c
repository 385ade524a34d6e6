/* test_state_json.c - the state file: what is refused, where, and that what
 * is written is what was read. */
#include "unit.h"

#include <string.h>

#include "base/bounds.h"
#include "model/state_json.h"

static const struct row {
	const char *says;
	const char *text; /* ' stands for " */
	const char *fault; /* line:column [code], or "" */
} rows[] = {
	/* clang-format off */
	{ "an empty file is an empty state", "", "" },
	{ "a member, an account, a grant", "{'type':'member','username':'a'}\n{'type':'account','id':'x','catalogue':'c'}\n{'type':'grant','member':'a','account':'x','role':'r'}\n", "" },
	{ "the last line feed may be missing", "{'type':'member','username':'a'}", "" },
	{ "not JSON", "{'type':'member','username':'a'}\nnot json\n", "2:3 [state_json]" },
	{ "cut in the middle", "{'type':'mem", "1:12 [state_json]" },
	{ "an empty line", "\n", "1:1 [state_json]" },
	{ "not an object", "[1]\n", "1:1 [state_json]" },
	{ "no type", "{'username':'a'}\n", "1:1 [state_type]" },
	{ "an unknown type", "{'type':'group'}\n", "1:2 [state_type]" },
	{ "an unknown key is named where it stands", "{'type':'member','username':'a','admin':true}\n", "1:33 [state_key]" },
	{ "a key twice", "{'type':'member','username':'a','username':'b'}\n", "1:42 [state_json]" },
	{ "a missing username", "{'type':'member'}\n", "1:2 [state_key_missing]" },
	{ "a username that is a number", "{'type':'member','username':7}\n", "1:18 [state_value]" },
	{ "an empty username", "{'type':'member','username':''}\n", "1:18 [state_value]" },
	{ "a username with a blank", "{'type':'member','username':'a b'}\n", "1:18 [text_space]" },
	{ "a username with an escape code", "{'type':'member','username':'a\\u001b'}\n", "1:18 [text_control]" },
	{ "a NUL", "{'type':'member','username':'a\\u0000b'}\n", "1:38 [state_json]" },
	{ "bytes that are not UTF-8", "{'type':'member','username':'\xff'}\n", "1:29 [state_json]" },
	{ "an address without @", "{'type':'member','username':'a','email':'b'}\n", "1:18 [member_email]" },
	{ "a status that is none", "{'type':'member','username':'a','status':'on'}\n", "1:18 [member_status]" },
	{ "the same person with other capitals", "{'type':'member','username':'a'}\n{'type':'member','username':'A'}\n", "2:1 [state_double]" },
	{ "an identity without an id", "{'type':'member','username':'a','identities':[{'source':'x'}]}\n", "1:33 [state_value]" },
	{ "two identities of one source", "{'type':'member','username':'a','identities':[{'source':'x','id':'1'},{'source':'x','id':'2'}]}\n", "1:33 [state_double]" },
	{ "the same account twice", "{'type':'account','id':'x','catalogue':'c'}\n{'type':'account','id':'x','catalogue':'c'}\n", "2:1 [state_double]" },
	{ "a parent that is not there", "{'type':'account','id':'x','parent':'y'}\n", "1:1 [state_reference]" },
	{ "an account under itself", "{'type':'account','id':'x','parent':'x'}\n", "1:1 [state_depth]" },
	{ "an owner that is not there", "{'type':'account','id':'x','catalogue':'c','owner':'o'}\n", "1:1 [state_reference]" },
	{ "a catalogue below the root", "{'type':'account','id':'x','catalogue':'c'}\n{'type':'account','id':'y','parent':'x','catalogue':'c'}\n", "2:19 [account_catalogue]" },
	{ "a kind that is none", "{'type':'account','id':'x','kind':'big'}\n", "1:19 [account_kind]" },
	{ "a personal account without an owner", "{'type':'account','id':'x','kind':'personal'}\n", "1:28 [state_personal]" },
	{ "two personal accounts of one member", "{'type':'member','username':'a'}\n{'type':'account','id':'x','kind':'personal','owner':'a'}\n{'type':'account','id':'y','kind':'personal','owner':'a'}\n", "3:1 [state_personal]" },
	{ "a licence twice", "{'type':'account','id':'x','licences':['l','l']}\n", "1:28 [state_double]" },
	{ "licences that are no list", "{'type':'account','id':'x','licences':'l'}\n", "1:28 [state_value]" },
	{ "a grant to nobody", "{'type':'account','id':'x'}\n{'type':'grant','member':'a','account':'x','role':'r'}\n", "2:1 [state_reference]" },
	{ "a grant on nothing", "{'type':'member','username':'a'}\n{'type':'grant','member':'a','account':'x','role':'r'}\n", "2:1 [state_reference]" },
	{ "a time that is none", "{'type':'member','username':'a'}\n{'type':'account','id':'x'}\n{'type':'grant','member':'a','account':'x','role':'r','expires':'tomorrow'}\n", "3:55 [state_value]" },
	{ "the 30th of February", "{'type':'member','username':'a'}\n{'type':'account','id':'x'}\n{'type':'grant','member':'a','account':'x','role':'r','expires':'2027-02-30T00:00:00Z'}\n", "3:55 [state_value]" },
	{ "an empty filter", "{'type':'member','username':'a'}\n{'type':'account','id':'x'}\n{'type':'grant','member':'a','account':'x','role':'r','filter':['']}\n", "3:44 [text_empty]" },
	{ "the same grant twice", "{'type':'member','username':'a'}\n{'type':'account','id':'x'}\n{'type':'grant','member':'a','account':'x','role':'r'}\n{'type':'grant','member':'A','account':'x','role':'r'}\n", "4:1 [state_double]" },
	{ "a key inside a value is not the key", "{'type':'member','name':'\\'x\\'','username':'a','x':1}\n", "1:48 [state_key]" },
	/* clang-format on */
};

static char *
quoted(const char *text)
{
	char *copy = strdup(text);

	/* A quote that JSON escapes stays one that it escapes. */
	for (char *c = copy; *c != '\0'; c++)
		if (*c == '\'')
			*c = '"';
	return copy;
}

static bool
read_text(const char *text, size_t len, struct state *state,
    struct arena *arena, struct faults *faults)
{
	/* fmemopen() knows no empty buffer. */
	FILE *in = len > 0 ? fmemopen((void *)(uintptr_t)text, len, "r")
			   : fopen("/dev/null", "r");
	bool ok = state_read_json(state, arena, in, STR("f"), faults);

	fclose(in);
	return ok;
}

START_TEST(a_fault_is_found_where_it_is)
{
	const struct row *row = &rows[_i];
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	struct state state = { 0 };
	char *text = quoted(row->text);
	bool ok = read_text(text, strlen(text), &state, &arena, &faults);
	struct str got = STR("");

	ck_assert_int_eq(ok, faults.count == 0);
	if (faults.kept > 0)
		got = str_fmt(&arena, "%d:%d [%s]", faults.items[0].line,
		    faults.items[0].column, faults.items[0].code);
	ck_assert_msg(str_eq(got, str_from(row->fault)), "%s: '%.*s', not '%s'",
	    row->says, STR_ARGS(got), row->fault);
	free(text);
	faults_free(&faults);
	arena_free(&arena);
}
END_TEST

START_TEST(a_line_over_the_bound_is_refused_whole)
{
	size_t len = (size_t)STATE_LINE_MAX + 100;
	char *text = malloc(len);
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	struct state state = { 0 };

	memset(text, ' ', len);
	ck_assert(!read_text(text, len, &state, &arena, &faults));
	ck_assert_str_eq(faults.items[0].code, "state_line");
	free(text);
	faults_free(&faults);
	arena_free(&arena);
}
END_TEST

/* 16 levels are a tree, 17 are not. */
START_TEST(a_tree_has_sixteen_levels)
{
	for (int levels = TREE_DEPTH_MAX; levels <= TREE_DEPTH_MAX + 1;
	     levels++) {
		struct arena arena = { 0 };
		struct faults faults = { 0 };
		struct state state = { 0 };
		char *text = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&text, &len);

		for (int i = levels; i > 1; i--)
			fprintf(out,
			    "{\"type\":\"account\",\"id\":\"a%d\","
			    "\"parent\":\"a%d\"}\n",
			    i, i - 1);
		fprintf(out, "{\"type\":\"account\",\"id\":\"a1\"}\n");
		fclose(out);
		ck_assert_int_eq(
		    read_text(text, len, &state, &arena, &faults),
		    levels == TREE_DEPTH_MAX);
		free(text);
		faults_free(&faults);
		arena_free(&arena);
	}
}
END_TEST

static const char sorted[] =
    "{'type':'member','username':'Ann','email':'a@example.org','name':'Änn',"
    "'status':'active','identities':[{'source':'corp','id':'1'}]}\n"
    "{'type':'member','username':'bob','status':'invited'}\n"
    "{'type':'account','id':'n','name':'N','kind':'shared','level':'network',"
    "'catalogue':'c','licences':['a','b'],'status':'active','owner':'Ann'}\n"
    "{'type':'account','id':'z','kind':'personal','level':'account','status':"
    "'active','owner':'bob'}\n"
    "{'type':'account','id':'a','parent':'n','kind':'shared','level':"
    "'profile','status':'closed'}\n"
    "{'type':'grant','member':'Ann','account':'a','role':'r','source':'corp'}"
    "\n"
    "{'type':'grant','member':'Ann','account':'a','role':'r','source':'local'"
    ",'licences':['a'],'filter':['x=1','y=2'],'expires':"
    "'2027-01-01T00:00:00Z'}\n"
    "{'type':'grant','member':'bob','account':'n','role':'r','source':'local'"
    "}\n";

/* Reads `text`, writes it, and compares with `sorted`. */
static void
round_trip(const char *text)
{
	struct arena arena = { 0 };
	struct faults faults = { 0 };
	struct state state = { 0 };
	struct err err = { 0 };
	char *want = quoted(sorted);
	char *in = quoted(text);
	char *got = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&got, &len);

	ck_assert(read_text(in, strlen(in), &state, &arena, &faults));
	ck_assert(state_write_json(&state, out, &err));
	fclose(out);
	ck_assert_str_eq(got, want);
	ck_assert(str_eq(
	    state_member(&state, STR("BOB"))->personal, STR("z")));
	free(got);
	free(want);
	free(in);
	faults_free(&faults);
	arena_free(&arena);
}

START_TEST(what_is_written_is_what_was_read)
{
	round_trip(sorted);
}
END_TEST

START_TEST(lines_in_any_order_are_written_in_the_one_order)
{
	char *copy = strdup(sorted);
	char *lines[16];
	size_t count = 0;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	for (char *l = strtok(copy, "\n"); l != NULL; l = strtok(NULL, "\n"))
		lines[count++] = l;
	while (count > 0)
		fprintf(out, "%s\n", lines[--count]);
	fclose(out);
	round_trip(text);
	free(text);
	free(copy);
}
END_TEST

static void
state_json_tests(TCase *t)
{
	tcase_add_loop_test(t, a_fault_is_found_where_it_is, 0,
	    (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(t, a_line_over_the_bound_is_refused_whole);
	tcase_add_test(t, a_tree_has_sixteen_levels);
	tcase_add_test(t, what_is_written_is_what_was_read);
	tcase_add_test(t, lines_in_any_order_are_written_in_the_one_order);
}

UNIT_MAIN("state_json", state_json_tests)
