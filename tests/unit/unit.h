/* unit.h - the main of a unit test program: one file, one suite. */
#ifndef ROLEGATE_UNIT_H
#define ROLEGATE_UNIT_H

#include <check.h>
#include <stdlib.h>

/* Check writes down each assertion that held, in a file that it shares with
 * every child of the test. A child that is killed in the middle of such a line
 * breaks the file, and the run with it; so only failures are written. */
#define _mark_point(file, line) ((void)0)

#define UNIT_MAIN(suite_name, tcase_fn)                                        \
	int main(void)                                                         \
	{                                                                      \
		Suite *s = suite_create(suite_name);                           \
		TCase *t = tcase_create(suite_name);                           \
		SRunner *r = srunner_create(s);                                \
                                                                               \
		tcase_set_timeout(t, 300);                                     \
		tcase_fn(t);                                                   \
		suite_add_tcase(s, t);                                         \
		srunner_run_all(r, CK_NORMAL);                                 \
		int failed = srunner_ntests_failed(r);                         \
                                                                               \
		srunner_free(r);                                               \
		return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;              \
	}

#endif
