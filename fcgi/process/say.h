/* say.h - what an operator has to know, one line each, on standard error:
 * "PROGRAM: text [code]". Control characters in it are shown as '?'. */
#ifndef ROLEGATE_PROCESS_SAY_H
#define ROLEGATE_PROCESS_SAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A reader of standard error who stands still holds nobody up from here on:
 * what does not go out at once is lost. For a pipe that takes a descriptor of
 * our own, where the system lets us make one. Before any thread or process. */
void say_open(void);
int say_fd(void); /* not to be closed */
/* All of it at once, or false; waits for no socket and no such pipe. */
bool write_soon(int fd, const char *text, size_t len);

void say(const char *code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* For what could be said for each request: true at most once a minute. */
struct say_once {
	int64_t last_ms;
};
bool say_now(struct say_once *once);

#endif
