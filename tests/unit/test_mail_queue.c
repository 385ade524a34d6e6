/* The queue of mail: what is sent once, again, or never; and that no token is
 * anywhere but in the mail. */
#include <string.h>

#include "admin_kit.h"
#include "mail/queue.h"
#include "model/token.h"
#include "qp_decode.h"
#include "store/invitation.h"
#include "store/notice.h"
#include "unit.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)

static int64_t now_ms;
static enum mail_result result; /* of the next delivery */
static int delivered;
static char last_to[128];
static char last_text[8192];

static int64_t
the_time(void)
{
	return now_ms;
}

static enum mail_result
fake_deliver(const struct mail_config *config, struct arena *arena,
    struct str to, struct str message, struct err *err)
{
	(void)config;
	(void)arena;
	delivered++;
	snprintf(last_to, sizeof(last_to), "%.*s", STR_ARGS(to));
	snprintf(last_text, sizeof(last_text), "%.*s", STR_ARGS(message));
	if (result != MAIL_SENT)
		err_set(err, ERR_REACH, "mail_unsent", "a test: no");
	return result;
}

static struct mail_queue
queue(void)
{
	return (struct mail_queue){
		.store = kit.store,
		.catalogues = &admin_catalogues,
		.config = {
			.from = STR("rolegate@example.org"),
			.sendmail = STR("/usr/sbin/sendmail"),
			.starttls = true,
			.timeout_ms = 1000,
		},
		.base_url = STR("https://app.example.org"),
		.clock_ms = the_time,
		.deliver = fake_deliver,
	};
}

static size_t
drain(void)
{
	const struct mail_queue q = queue();
	size_t sent = 0;

	KIT_OK(mail_queue_drain(&q, 100, &sent, &kit.err));
	return sent;
}

static void
world(void)
{
	admin_world();
	now_ms = NOW_S * 1000;
	result = MAIL_SENT;
	delivered = 0;
}

static void
mail_add(const char *to, const char *text)
{
	struct mail mail = {
		.to = str_from(to),
		.subject = STR("Hello"),
		.body = str_from(text),
		.created_s = now_ms / 1000,
		.next_s = now_ms / 1000,
	};

	kit_begin();
	KIT_OK(store_add_mail(kit.store, &mail, &kit.err));
	kit_commit();
}

static struct str
invite(const char *email)
{
	const struct invitation wanted = {
		.email = str_from(email),
		.account = STR("sales"),
		.role = STR("viewer"),
	};
	struct str id = STR("");

	admin_start(&AS_SYSTEM);
	KIT_OK(admin_invite(&admin, &wanted, 0, &id, &kit.err));
	id = str_copy(&kit.arena, id);
	admin_done();
	return id;
}

static struct mail
only_mail(void)
{
	struct mail *list = NULL;
	size_t count = 0;

	KIT_OK(store_mails(kit.store, &kit.arena, 10, &list, &count, &kit.err));
	ck_assert_uint_eq(count, 1);
	return list[0];
}

static size_t
waiting(void)
{
	return (size_t)kit_sql_number("SELECT count(*) FROM mails");
}

/* The token behind '#' in what was delivered. */
static struct str
token_in_mail(void)
{
	const char *body = strstr(last_text, "\r\n\r\n");
	const char *mark;

	ck_assert_ptr_nonnull(body);
	mark = strstr(qp_decode(&kit.arena, str_from(body)).ptr,
	    "https://app.example.org/rolegate/invitation#");
	ck_assert_ptr_nonnull(mark);
	return (struct str){ strchr(mark, '#') + 1, TOKEN_LEN };
}

START_TEST(what_is_due_is_sent_once_and_gone)
{
	world();
	mail_add("x@example.org", "one\n");
	mail_add("y@example.org", "two\n");
	ck_assert_uint_eq(drain(), 2);
	ck_assert_str_eq(last_to, "y@example.org");
	ck_assert_uint_eq(waiting(), 0);
	ck_assert_uint_eq(drain(), 0);
	ck_assert_int_eq(delivered, 2);
}
END_TEST

START_TEST(A7_an_invitation_has_its_link_in_the_mail_only)
{
	struct invitation found = { 0 };
	struct str token;
	struct str id;

	world();
	id = invite("new@example.org");
	ck_assert_uint_eq(drain(), 1);
	token = token_in_mail();
	ck_assert(token_is_one(token));
	admin_start(&AS_SYSTEM);
	KIT_OK(
	    admin_invitation_read(&admin, &kit.arena, token, &found, &kit.err));
	ck_assert(str_eq(found.id, id));
	admin_abort(&admin);
	ck_assert_int_eq(kit_sql_number("SELECT count(*) FROM invitations "
					"WHERE digest LIKE '%%%.*s%%'",
			     STR_ARGS(token)),
	    0);
	ck_assert_int_eq(kit_sql_number("SELECT count(*) FROM history WHERE "
					"coalesce(after, '') LIKE '%%%.*s%%'",
			     STR_ARGS(token)),
	    0);
}
END_TEST

START_TEST(A7_a_link_that_was_not_sent_is_dead)
{
	struct invitation found = { 0 };
	struct str first;

	world();
	invite("new@example.org");
	result = MAIL_FAILED_FOR_NOW;
	ck_assert_uint_eq(drain(), 0);
	first = token_in_mail();
	result = MAIL_SENT;
	now_ms += 61 * 1000;
	ck_assert_uint_eq(drain(), 1);
	ck_assert(!str_eq(first, token_in_mail()));
	admin_start(&AS_SYSTEM);
	KIT_FAILS(
	    admin_invitation_read(&admin, &kit.arena, first, &found, &kit.err),
	    "invitation_unknown");
	admin_abort(&admin);
}
END_TEST

START_TEST(the_mail_of_an_invitation_that_is_gone_is_gone)
{
	world();
	admin_start(&AS_SYSTEM);
	admin_abort(&admin);
	invite("new@example.org");
	kit_sql("DELETE FROM invitations");
	ck_assert_uint_eq(drain(), 0);
	ck_assert_int_eq(delivered, 0);
	ck_assert_uint_eq(waiting(), 0);
}
END_TEST

START_TEST(what_fails_for_now_is_tried_after_1_5_15_60_and_240_minutes)
{
	static const int64_t minutes[] = { 1, 5, 15, 60, 240, 240 };

	world();
	mail_add("x@example.org", "one\n");
	result = MAIL_FAILED_FOR_NOW;
	for (size_t i = 0; i < sizeof(minutes) / sizeof(minutes[0]); i++) {
		ck_assert_uint_eq(drain(), 0);
		ck_assert_int_eq(delivered, (int)i + 1);
		ck_assert_int_eq(
		    only_mail().next_s, now_ms / 1000 + minutes[i] * 60);
		ck_assert_int_eq(only_mail().tries, (int64_t)i + 1);
		now_ms += minutes[i] * 60000 - 1000;
		ck_assert_uint_eq(drain(), 0);
		ck_assert_int_eq(delivered, (int)i + 1);
		now_ms += 1000;
	}
}
END_TEST

START_TEST(after_three_days_it_is_given_up_and_stays_to_be_seen)
{
	world();
	mail_add("x@example.org", "one\n");
	result = MAIL_FAILED_FOR_NOW;
	drain();
	ck_assert(!only_mail().given_up);
	now_ms += 3 * DAY_MS;
	drain();
	ck_assert(only_mail().given_up);
	ck_assert(str_eq(only_mail().error, STR("a test: no")));
	now_ms += 30 * DAY_MS;
	drain();
	ck_assert_int_eq(delivered, 2);
}
END_TEST

START_TEST(what_fails_for_good_is_given_up_at_once)
{
	world();
	mail_add("x@example.org", "one\n");
	result = MAIL_FAILED_FOR_GOOD;
	ck_assert_uint_eq(drain(), 0);
	ck_assert(only_mail().given_up);
	result = MAIL_SENT;
	now_ms += DAY_MS;
	ck_assert_uint_eq(drain(), 0);
}
END_TEST

/* clang-format off */
static const struct { const char *says; const char *to; const char *text; } bad_rows[] = {
	{ "an address with a line feed",    "x@example.org\nBcc: y@example.org", "one\n" },
	{ "two addresses",                  "x@example.org,y@example.org",       "one\n" },
	{ "an option",                      "-oQ/tmp@example.org",               "one\n" },
	{ "a text with a control character", "x@example.org",                    "one\x1b[31m\n" },
};
/* clang-format on */

START_TEST(what_is_no_mail_is_given_up_and_the_next_one_is_sent)
{
	world();
	mail_add(bad_rows[_i].to, bad_rows[_i].text);
	mail_add("y@example.org", "two\n");
	ck_assert_uint_eq(drain(), 1);
	ck_assert_str_eq(last_to, "y@example.org");
	ck_assert_int_eq(delivered, 1);
	ck_assert(only_mail().given_up);
}
END_TEST

START_TEST(two_at_once_send_nothing_twice)
{
	const struct mail_queue q = queue();
	int64_t fence = 0;
	size_t sent = 0;

	world();
	mail_add("x@example.org", "one\n");
	kit_begin();
	ck_assert_int_eq(
	    store_lock(kit.store, "mail", now_ms / 1000, 60, &fence, &kit.err),
	    FOUND_YES);
	kit_commit();
	KIT_FAILS(mail_queue_drain(&q, 100, &sent, &kit.err), "mail_busy");
	ck_assert_int_eq(delivered, 0);
	/* Who was killed leaves a lock that ends by itself. */
	now_ms += 61 * 1000;
	ck_assert_uint_eq(drain(), 1);
}
END_TEST

START_TEST(a_held_mail_waits)
{
	struct mail mail = {
		.to = STR("x@example.org"),
		.subject = STR("Hello"),
		.body = STR("one\n"),
		.created_s = NOW_S,
		.next_s = NOW_S,
		.job = 7,
	};

	world();
	kit_begin();
	KIT_OK(store_add_mail(kit.store, &mail, &kit.err));
	kit_commit();
	ck_assert_uint_eq(drain(), 0);
	kit_begin();
	KIT_OK(store_release_mail(kit.store, 7, &kit.err));
	kit_commit();
	ck_assert_uint_eq(drain(), 1);
}
END_TEST

START_TEST(without_an_address_to_come_from_nothing_is_tried)
{
	struct mail_queue q = queue();
	size_t sent = 0;

	world();
	mail_add("x@example.org", "one\n");
	q.config.from = STR("");
	KIT_FAILS(
	    mail_queue_drain(&q, 100, &sent, &kit.err), "mail_not_configured");
	q = queue();
	q.base_url = STR("app.example.org");
	KIT_FAILS(
	    mail_queue_drain(&q, 100, &sent, &kit.err), "mail_not_configured");
	ck_assert_uint_eq(waiting(), 1);
}
END_TEST

static void
tests(TCase *t)
{
	kit_tests(t);
	tcase_add_test(t, what_is_due_is_sent_once_and_gone);
	tcase_add_test(t, A7_an_invitation_has_its_link_in_the_mail_only);
	tcase_add_test(t, A7_a_link_that_was_not_sent_is_dead);
	tcase_add_test(t, the_mail_of_an_invitation_that_is_gone_is_gone);
	tcase_add_test(
	    t, what_fails_for_now_is_tried_after_1_5_15_60_and_240_minutes);
	tcase_add_test(t, after_three_days_it_is_given_up_and_stays_to_be_seen);
	tcase_add_test(t, what_fails_for_good_is_given_up_at_once);
	tcase_add_loop_test(t,
	    what_is_no_mail_is_given_up_and_the_next_one_is_sent, 0,
	    sizeof(bad_rows) / sizeof(bad_rows[0]));
	tcase_add_test(t, two_at_once_send_nothing_twice);
	tcase_add_test(t, a_held_mail_waits);
	tcase_add_test(t, without_an_address_to_come_from_nothing_is_tried);
}

UNIT_MAIN("mail_queue", tests)
