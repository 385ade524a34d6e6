/* Who asks: a cookie by its exact name, or whom nginx has verified. */
#include <string.h>

#include <sodium.h>

#include "base/bounds.h"
#include "fcgi/gate/identity.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define A	     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define B	     "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb01_-z"

enum who { NOBODY = 0, SESSION_A, SESSION_B, ANN };

/* clang-format off */
static const struct {
	const char *says;
	const char *name; /* of the cookie that counts, or "" */
	bool trusted;
	const char *cookie;
	const char *user;
	enum who want;
} rows[] = {
	{ "the cookie",                            "sid", false, "sid=" A, "", SESSION_A },
	{ "every letter a token may have",         "sid", false, "sid=" B, "", SESSION_B },
	{ "among others",                          "sid", false, "x=1; sid=" A "; y=2", "", SESSION_A },
	{ "without blanks",                        "sid", false, "x=1;sid=" A ";y=2", "", SESSION_A },
	{ "with more blanks in front",             "sid", false, "x=1; \t sid=" A, "", SESSION_A },
	{ "empty pairs in between",                "sid", false, ";;sid=" A ";", "", SESSION_A },
	{ "T39 twice the same value",              "sid", false, "sid=" A "; sid=" A, "", SESSION_A },
	{ "the cookie is before the trusted user", "sid", true,  "sid=" A, "ann", SESSION_A },
	{ "the trusted user",                      "",    true,  "", "ann", ANN },
	{ "the trusted user, without the cookie",  "sid", true,  "x=1", "ann", ANN },
	{ "no cookie counts",                      "",    true,  "sid=" A, "ann", ANN },
	{ "a cookie without a name is none of ours", "",  true,  "=" A, "ann", ANN },

	{ "T39 two different values",              "sid", false, "sid=" A "; sid=" B, "", NOBODY },
	{ "T39 a second one that is empty",        "sid", false, "sid=" A "; sid=", "", NOBODY },
	{ "T39 another one between two",           "sid", false, "sid=" A "; sid=x; sid=" A, "", NOBODY },
	{ "T39 two values, and a trusted user",    "sid", true,  "sid=" A "; sid=" B, "ann", NOBODY },
	{ "T39 the name in capitals",              "sid", false, "SID=" A, "", NOBODY },
	{ "T39 capitals are another cookie",       "sid", false, "SID=" B "; sid=" A, "", SESSION_A },
	{ "T39 a quoted value",                    "sid", false, "sid=\"" A "\"", "", NOBODY },
	{ "T39 a blank behind the name",           "sid", false, "sid =" A, "", NOBODY },
	{ "T39 a blank in front of the value",     "sid", false, "sid= " A, "", NOBODY },
	{ "T39 a blank behind the value",          "sid", false, "sid=" A " ", "", NOBODY },
	{ "a name that begins like ours",          "sid", false, "sid2=" A, "", NOBODY },
	{ "a name that ends like ours",            "sid", false, "xsid=" A, "", NOBODY },
	{ "our cookie inside a value",             "sid", false, "x=sid=" A, "", NOBODY },
	{ "separated by a comma",                  "sid", false, "x=1, sid=" A, "", NOBODY },
	{ "T40 an empty value",                    "sid", false, "sid=", "", NOBODY },
	{ "T40 no value",                          "sid", false, "sid", "", NOBODY },
	{ "T40 a letter less",                     "sid", false, "sid=" "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "", NOBODY },
	{ "T40 a letter more",                     "sid", false, "sid=" A "A", "", NOBODY },
	{ "T40 padding of base64",                 "sid", false, "sid=" A "=", "", NOBODY },
	{ "T40 the other alphabet of base64",      "sid", false, "sid=" "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+", "", NOBODY },
	{ "T40 an escape",                         "sid", false, "sid=" "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%41", "", NOBODY },
	{ "T40 a control byte",                    "sid", false, "sid=" "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\x01", "", NOBODY },
	{ "T40 eight bits",                        "sid", false, "sid=" "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\xc3\xa9", "", NOBODY },
	{ "T40 no token, and a trusted user",      "sid", true,  "sid=x", "ann", NOBODY },
	{ "nothing at all",                        "sid", true,  "", "", NOBODY },
	{ "a trusted user who is not believed",    "sid", false, "", "ann", NOBODY },
	{ "a trusted user with a control byte",    "",    true,  "", "ann\n", NOBODY },
	{ "a trusted user with a blank",           "",    true,  "", "ann ", NOBODY },
	{ "a trusted user that is no UTF-8",       "",    true,  "", "ann\xff", NOBODY },
};
/* clang-format on */

static enum who
who_is(bool found, const struct asker *asker)
{
	unsigned char hash[32];
	char hex[65];
	const char *tokens[] = { A, B };

	if (!found)
		return asker->digest[0] == '\0' && asker->username.len == 0
			   ? NOBODY
			   : ANN + 1;
	if (asker->digest[0] == '\0')
		return str_eq(asker->username, STR("ann")) ? ANN : ANN + 1;
	for (size_t i = 0; i < COUNT(tokens); i++) {
		crypto_generichash(hash, sizeof(hash),
		    (const unsigned char *)tokens[i], 43, NULL, 0);
		sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
		if (strcmp(hex, asker->digest) == 0)
			return i == 0 ? SESSION_A : SESSION_B;
	}
	return ANN + 1;
}

START_TEST(it_is_found_out_who_asks)
{
	const struct identity_rules rules = {
		.cookie = str_from(rows[_i].name),
		.trusted_user = rows[_i].trusted,
	};
	const struct params params = {
		.cookie = str_from(rows[_i].cookie),
		.trusted_user = str_from(rows[_i].user),
	};
	struct asker asker;
	bool found = identity_find(&rules, &params, &asker);

	ck_assert_msg(
	    who_is(found, &asker) == rows[_i].want, "%s", rows[_i].says);
}
END_TEST

/* clang-format off */
static const struct {
	const char *says;
	bool bearer;
	const char *header;
	const char *cookie;
	enum who want;
} bearers[] = {
	{ "196 the token alone",                   true,  A, "", SESSION_A },
	{ "196 behind the word Bearer",            true,  "Bearer " B, "", SESSION_B },
	{ "the word in any case",                  true,  "bEARER " A, "", SESSION_A },
	{ "more blanks behind it",                 true,  "Bearer  " A, "", SESSION_A },
	{ "it does not count unless it is to",     false, "Bearer " A, "", NOBODY },
	{ "nor hinders a cookie then",             false, "Basic eA==", "sid=" A, SESSION_A },
	{ "W2 together with a cookie",             true,  "Bearer " A, "sid=" B, NOBODY },
	{ "W2 also with the same",                 true,  "Bearer " A, "sid=" A, NOBODY },
	{ "T39 or with two",                       true,  "Bearer " A, "sid=" A "; sid=" B, NOBODY },
	{ "the cookie without a header",           true,  "", "sid=" A, SESSION_A },
	{ "another scheme",                        true,  "Basic " A, "", NOBODY },
	{ "the word alone",                        true,  "Bearer ", "", NOBODY },
	{ "two tokens",                            true,  "Bearer " A " " B, "", NOBODY },
	{ "a blank behind it",                     true,  "Bearer " A " ", "", NOBODY },
	{ "a letter less",                         true,  "Bearer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "", NOBODY },
	{ "a tab for the blank",                   true,  "Bearer\t" A, "", NOBODY },
};
/* clang-format on */

START_TEST(a_program_is_its_token)
{
	const struct identity_rules rules = {
		.cookie = STR("sid"),
		.bearer = bearers[_i].bearer,
	};
	const struct params params = {
		.authorization = str_from(bearers[_i].header),
		.cookie = str_from(bearers[_i].cookie),
	};
	struct asker asker;
	bool found = identity_find(&rules, &params, &asker);

	ck_assert_msg(
	    who_is(found, &asker) == bearers[_i].want, "%s", bearers[_i].says);
	ck_assert_msg(asker.is_token == (found && bearers[_i].bearer &&
					    *bearers[_i].header != '\0'),
	    "%s", bearers[_i].says);
}
END_TEST

START_TEST(a_trusted_user_has_a_bound)
{
	const struct identity_rules rules = { .trusted_user = true };
	char name[USERNAME_MAX + 1];
	struct params params = { .trusted_user = { name, USERNAME_MAX } };
	struct asker asker;

	memset(name, 'a', sizeof(name));
	ck_assert(identity_find(&rules, &params, &asker));
	params.trusted_user.len = sizeof(name);
	ck_assert(!identity_find(&rules, &params, &asker));
}
END_TEST

static void
tests(TCase *t)
{
	tcase_add_loop_test(t, it_is_found_out_who_asks, 0, COUNT(rows));
	tcase_add_loop_test(t, a_program_is_its_token, 0, COUNT(bearers));
	tcase_add_test(t, a_trusted_user_has_a_bound);
}

UNIT_MAIN("gate identity", tests)
