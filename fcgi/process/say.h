/* say.h - what an operator has to know, one line each, on standard error:
 * "PROGRAM: text [code]". Control characters in it are shown as '?'. */
#ifndef ROLEGATE_PROCESS_SAY_H
#define ROLEGATE_PROCESS_SAY_H

#include <stdbool.h>
#include <stdint.h>

void say(const char *code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* For what could be said for each request: true at most once a minute. */
struct say_once {
	int64_t last_ms;
};
bool say_now(struct say_once *once);

#endif
