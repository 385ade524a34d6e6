/* times.h - how long things take: milliseconds of CLOCK_MONOTONIC. */
#ifndef ROLEGATE_PROCESS_TIMES_H
#define ROLEGATE_PROCESS_TIMES_H

#include <stdint.h>
#include <sys/time.h>

int64_t monotonic_us(void);
int64_t monotonic_ms(void);
int64_t wall_ms(void);
/* At least one millisecond: libevent's timers take 0 for "now". */
struct timeval timeval_ms(int64_t ms);

#endif
