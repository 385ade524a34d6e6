#include "fcgi/process/times.h"

#include <time.h>

static int64_t
clock_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
monotonic_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

int64_t
monotonic_ms(void)
{
	return monotonic_us() / 1000;
}

int64_t
wall_ms(void)
{
	return clock_us(CLOCK_REALTIME) / 1000;
}

struct timeval
timeval_ms(int64_t ms)
{
	if (ms < 1)
		ms = 1;
	return (struct timeval){ .tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000) };
}
