/* Every answer has a Status, first; a yes is whole or it is none. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/bounds.h"
#include "fcgi/gate/answer.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FILTERS	     ((size_t)20)
#define S(literal)                           \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static char text[ANSWER_MAX + 1];

static const char *
made(struct answer *answer)
{
	size_t len = answer_make(answer, text);

	ck_assert_uint_gt(len, 0);
	ck_assert_uint_le(len, ANSWER_MAX);
	text[len] = '\0';
	ck_assert_uint_eq(strlen(text), len);
	return text;
}

static const struct str east[] = { S("region=East") };

static struct answer
whole(enum verdict verdict, enum reason reason)
{
	struct answer answer = {
		.verdict = verdict,
		.reason = reason,
		.id = STR("abcdefghijklmnop"),
		.member = STR("ann"),
		.account = STR("sales"),
		.role = STR("full.editor"),
	};

	if (verdict == VERDICT_ALLOW_FILTER)
		answer.filters = (struct names){ east, 1 };
	return answer;
}

/* --- T25: each verdict with each reason ----------------------------------- */

static const char *
status_wanted(enum verdict verdict, enum reason reason)
{
	if ((verdict == VERDICT_ALLOW && reason == REASON_GRANTED) ||
	    (verdict == VERDICT_ALLOW_FILTER &&
		reason == REASON_GRANTED_FILTERED))
		return "Status: 204 No Content\r\n"
		       "X-Rolegate-Decision: allow\r\n";
	if (verdict == VERDICT_DENY && reason == REASON_NO_IDENTITY)
		return "Status: 401 Unauthorized\r\n"
		       "X-Rolegate-Decision: deny\r\n";
	if (verdict == VERDICT_DENY && reason > REASON_NO_IDENTITY &&
	    reason < REASON_GRANTED_FILTERED)
		return "Status: 403 Forbidden\r\n"
		       "X-Rolegate-Decision: deny\r\n";
	return "Status: 503 Service Unavailable\r\n"
	       "X-Rolegate-Decision: unknown\r\n";
}

/* A line, CR LF, and so on; an empty line is the end, and nothing follows. */
static void
form_check(const char *answer)
{
	const char *at = answer;

	while (strncmp(at, "\r\n", 2) != 0) {
		const char *end = strstr(at, "\r\n");

		ck_assert_ptr_nonnull(end);
		for (const char *c = at; c < end; c++)
			ck_assert(*c >= ' ' && *c <= '~');
		ck_assert_ptr_nonnull(memmem(at, (size_t)(end - at), ": ", 2));
		at = end + 2;
	}
	ck_assert_str_eq(at, "\r\n");
}

START_TEST(T25_T27_each_answer_begins_with_one_of_four_statuses)
{
	for (int verdict = 0; verdict <= 5; verdict++) {
		for (int reason = 0; reason <= REASON_COUNT + 1; reason++) {
			struct answer answer =
			    whole((enum verdict)verdict, (enum reason)reason);
			const char *want = status_wanted(
			    (enum verdict)verdict, (enum reason)reason);
			bool unknown = strstr(want, "503") != NULL;
			const char *got = made(&answer);

			ck_assert_msg(strncmp(got, want, strlen(want)) == 0,
			    "%d %d: %s", verdict, reason, got);
			form_check(got);
			ck_assert_ptr_null(strstr(got + 1, "Status:"));
			ck_assert(
			    (answer.verdict == VERDICT_UNKNOWN) == unknown);
			ck_assert(
			    !unknown || answer.reason == REASON_NOT_KNOWN);
		}
	}
}
END_TEST

START_TEST(T25_zeroed_memory_is_a_dont_know)
{
	struct answer answer = { 0 };

	ck_assert_ptr_eq(
	    strstr(made(&answer), "Status: 503 Service Unavailable\r\n"
				  "X-Rolegate-Decision: unknown\r\n"),
	    text);
}
END_TEST

/* --- A yes is whole ------------------------------------------------------- */

static const struct str hollow[] = { S("region=East"), S("") };

START_TEST(a_yes_without_one_of_its_parts_is_a_dont_know)
{
	struct answer plain = whole(VERDICT_ALLOW, REASON_GRANTED);
	struct answer filtered =
	    whole(VERDICT_ALLOW_FILTER, REASON_GRANTED_FILTERED);
	struct answer rows[] = { plain, plain, plain, plain, filtered,
		filtered };

	rows[0].member = STR("");
	rows[1].account = STR("");
	rows[2].role = STR("");
	rows[3].filters = filtered.filters;
	rows[4].filters = (struct names){ 0 };
	rows[5].filters = (struct names){ hollow, 2 };
	for (size_t i = 0; i < COUNT(rows); i++)
		ck_assert_msg(strncmp(made(&rows[i]), "Status: 503", 11) == 0,
		    "%zu: %s", i, text);
}
END_TEST

START_TEST(a_yes_says_who_and_as_what)
{
	struct answer answer = whole(VERDICT_ALLOW, REASON_GRANTED);

	ck_assert_str_eq(made(&answer),
	    "Status: 204 No Content\r\n"
	    "X-Rolegate-Decision: allow\r\n"
	    "X-Rolegate-Reason: granted\r\n"
	    "X-Rolegate-Decision-Id: abcdefghijklmnop\r\n"
	    "X-Rolegate-Member: ann\r\n"
	    "X-Rolegate-Account: sales\r\n"
	    "X-Rolegate-Role: full.editor\r\n\r\n");
}
END_TEST

START_TEST(a_no_says_why_and_no_more)
{
	struct answer answer = whole(VERDICT_DENY, REASON_NO_GRANT);

	ck_assert_str_eq(made(&answer),
	    "Status: 403 Forbidden\r\n"
	    "X-Rolegate-Decision: deny\r\n"
	    "X-Rolegate-Reason: no_grant\r\n"
	    "X-Rolegate-Decision-Id: abcdefghijklmnop\r\n\r\n");
}
END_TEST

/* --- T34: values ---------------------------------------------------------- */

/* clang-format off */
static const struct {
	const char *says;
	struct str value;
	const char *header;
	const char *filter;
} values[] = {
	{ "letters",             S("a-Z_0.9~!"),          "a-Z_0.9~!", "a-Z_0.9~!" },
	{ "T34 CR and LF",       S("a\r\nStatus: 204"),   "a%0D%0AStatus:%20204", "a%0D%0AStatus:%20204" },
	{ "T34 NUL",             S("a\0b"),               "a%00b", "a%00b" },
	{ "T34 eight bits",      S("\xc3\xbc\xff"),       "%C3%BC%FF", "%C3%BC%FF" },
	{ "T34 control bytes",   S("\x01\x1f\x7f\t"),     "%01%1F%7F%09", "%01%1F%7F%09" },
	{ "blanks at the ends",  S(" a "),                "%20a%20", "%20a%20" },
	{ "a percent sign",      S("100%"),               "100%25", "100%25" },
	{ "a semicolon",         S("a;b"),                "a;b", "a%3Bb" },
};
/* clang-format on */

START_TEST(T34_values_are_encoded)
{
	const struct str filters[] = { S("x=1"), values[_i].value };
	struct answer answer =
	    whole(VERDICT_ALLOW_FILTER, REASON_GRANTED_FILTERED);
	char want[256];

	answer.member = answer.account = answer.role = values[_i].value;
	answer.filters = (struct names){ filters, 2 };
	snprintf(want, sizeof(want),
	    "X-Rolegate-Member: %s\r\nX-Rolegate-Account: %s\r\n"
	    "X-Rolegate-Role: %s\r\nX-Rolegate-Filter: x=1;%s\r\n\r\n",
	    values[_i].header, values[_i].header, values[_i].header,
	    values[_i].filter);
	ck_assert_msg(strstr(made(&answer), want) != NULL, "%s: %s",
	    values[_i].says, text);
	form_check(text);
}
END_TEST

/* What fits is whole; one byte more and nothing is said. */
START_TEST(T34_an_answer_is_whole_or_a_dont_know)
{
	static char long_text[ANSWER_MAX];
	struct answer answer;
	size_t fits = 0;

	memset(long_text, 'x', sizeof(long_text));
	for (size_t len = 1; len <= sizeof(long_text); len++) {
		struct str filter = { long_text, len };

		answer = whole(VERDICT_ALLOW_FILTER, REASON_GRANTED_FILTERED);
		answer.filters = (struct names){ &filter, 1 };
		if (strncmp(made(&answer), "Status: 204", 11) == 0) {
			ck_assert_uint_eq(fits, len - 1);
			fits = len;
			ck_assert_ptr_nonnull(
			    memmem(text, strlen(text), long_text, len));
			continue;
		}
		ck_assert_int_eq(strncmp(text, "Status: 503", 11), 0);
		ck_assert_ptr_null(strstr(text, "Filter"));
		ck_assert_int_eq(answer.verdict, VERDICT_UNKNOWN);
		ck_assert_uint_eq(answer.filters.count, 0);
	}
	ck_assert_uint_gt(fits, ANSWER_MAX - 400);
}
END_TEST

START_TEST(T34_even_an_id_that_is_too_long_leaves_a_status)
{
	static char long_text[ANSWER_MAX];
	struct answer answer = whole(VERDICT_ALLOW, REASON_GRANTED);

	memset(long_text, 'x', sizeof(long_text));
	answer.id = (struct str){ long_text, sizeof(long_text) };
	ck_assert_str_eq(
	    made(&answer), "Status: 503 Service Unavailable\r\n\r\n");
}
END_TEST

/* --- L1: the signed filter ------------------------------------------------ */

static const struct record_key filter_key = { { 7, 8, 9 } };

static struct str
filter_value(const char *answer)
{
	const char *at = strstr(answer, "X-Rolegate-Filter: ");

	if (at == NULL)
		return STR("");
	at += strlen("X-Rolegate-Filter: ");
	return (struct str){ at, strcspn(at, "\r") };
}

static void
signature_check(struct str value, const char *said)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	char hex[sizeof(mac) * 2 + 1];
	char want[512];

	crypto_auth_hmacsha256(
	    mac, (const unsigned char *)said, strlen(said), filter_key.bytes);
	sodium_bin2hex(hex, sizeof(hex), mac, sizeof(mac));
	snprintf(want, sizeof(want), "%s %s", said, hex);
	ck_assert_msg(str_eq(value, str_from(want)), "%.*s is not %s",
	    STR_ARGS(value), want);
}

START_TEST(L1_every_allow_says_what_may_be_seen)
{
	struct answer all = whole(VERDICT_ALLOW, REASON_GRANTED);
	struct answer part =
	    whole(VERDICT_ALLOW_FILTER, REASON_GRANTED_FILTERED);
	const struct str two[] = { S("a;b=c d%"), S("region=East") };

	all.filter_key = &filter_key;
	all.filter_expires_s = 1800000060;
	all.member = STR("an n");
	signature_check(
	    filter_value(made(&all)), "v1 1800000060 an%20n sales all");
	part.filter_key = &filter_key;
	part.filter_expires_s = 1800000060;
	part.filters = (struct names){ two, 2 };
	signature_check(filter_value(made(&part)),
	    "v1 1800000060 ann sales a%3Bb=c%20d%25;region=East");
}
END_TEST

START_TEST(L1_without_a_key_only_filters_are_said)
{
	struct answer all = whole(VERDICT_ALLOW, REASON_GRANTED);
	struct answer part =
	    whole(VERDICT_ALLOW_FILTER, REASON_GRANTED_FILTERED);

	ck_assert_uint_eq(filter_value(made(&all)).len, 0);
	ck_assert(str_eq(filter_value(made(&part)), STR("region=East")));
}
END_TEST

START_TEST(L1_a_no_says_nothing_of_rows)
{
	struct answer no = whole(VERDICT_DENY, REASON_NO_PERMISSION);

	no.filter_key = &filter_key;
	ck_assert_uint_eq(filter_value(made(&no)).len, 0);
}
END_TEST

/* Signed or not, what is too long is a don't-know and never cut. */
START_TEST(L1_too_many_filters_are_a_dont_know)
{
	static char bytes[FILTERS][FILTER_MAX];
	struct str many[FILTERS];
	struct answer part =
	    whole(VERDICT_ALLOW_FILTER, REASON_GRANTED_FILTERED);

	for (size_t i = 0; i < FILTERS; i++) {
		memset(bytes[i], 'a' + (int)(i % 20), FILTER_MAX);
		many[i] = (struct str){ bytes[i], FILTER_MAX };
	}
	part.filters = (struct names){ many, FILTERS };
	part.filter_key = &filter_key;
	ck_assert_ptr_nonnull(strstr(made(&part), "Status: 503"));
	ck_assert_uint_eq(filter_value(text).len, 0);
}
END_TEST

/* It would be signed as "nothing is narrowed". */
START_TEST(L1_a_filter_by_the_name_of_all_is_a_dont_know)
{
	struct answer part =
	    whole(VERDICT_ALLOW_FILTER, REASON_GRANTED_FILTERED);
	const struct str rows[] = { S("all"), S("b") };

	part.filter_key = &filter_key;
	part.filters = (struct names){ rows, 1 };
	ck_assert_ptr_nonnull(strstr(made(&part), "Status: 503"));
	ck_assert_uint_eq(filter_value(text).len, 0);
	part = whole(VERDICT_ALLOW_FILTER, REASON_GRANTED_FILTERED);
	part.filter_key = &filter_key;
	part.filters = (struct names){ rows, 2 };
	ck_assert_ptr_nonnull(strstr(made(&part), " sales all;b "));
}
END_TEST

START_TEST(S12_who_acts_from_above_is_named)
{
	struct answer answer = whole(VERDICT_ALLOW, REASON_GRANTED);

	ck_assert_ptr_null(strstr(made(&answer), "Acting-From"));
	answer.acting_from = STR("net");
	ck_assert_ptr_nonnull(
	    strstr(made(&answer), "X-Rolegate-Acting-From: net\r\n"));
	answer = whole(VERDICT_DENY, REASON_LEVEL);
	answer.acting_from = STR("net");
	ck_assert_ptr_null(strstr(made(&answer), "Acting-From"));
}
END_TEST

static void
tests(TCase *t)
{
	tcase_add_test(t, T25_T27_each_answer_begins_with_one_of_four_statuses);
	tcase_add_test(t, L1_every_allow_says_what_may_be_seen);
	tcase_add_test(t, L1_without_a_key_only_filters_are_said);
	tcase_add_test(t, L1_a_no_says_nothing_of_rows);
	tcase_add_test(t, L1_too_many_filters_are_a_dont_know);
	tcase_add_test(t, L1_a_filter_by_the_name_of_all_is_a_dont_know);
	tcase_add_test(t, S12_who_acts_from_above_is_named);
	tcase_add_test(t, T25_zeroed_memory_is_a_dont_know);
	tcase_add_test(t, a_yes_without_one_of_its_parts_is_a_dont_know);
	tcase_add_test(t, a_yes_says_who_and_as_what);
	tcase_add_test(t, a_no_says_why_and_no_more);
	tcase_add_loop_test(t, T34_values_are_encoded, 0, COUNT(values));
	tcase_add_test(t, T34_an_answer_is_whole_or_a_dont_know);
	tcase_add_test(t, T34_even_an_id_that_is_too_long_leaves_a_status);
}

UNIT_MAIN("gate answers", tests)
