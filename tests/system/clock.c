/* clock.c - a wall clock that a test may step: loaded into a program before
 * its libraries (LD_PRELOAD), it adds to the real time as many milliseconds as
 * the first eight bytes of the file ROLEGATE_TEST_CLOCK say. The monotonic
 * clock stays what it is. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

typedef int reading(clockid_t clock, struct timespec *out);

static const volatile int64_t *step_ms;
static reading *system_clock;

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("ROLEGATE_TEST_CLOCK");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *page =
	    fd >= 0 ? mmap(NULL, sizeof(*step_ms), PROT_READ, MAP_SHARED, fd, 0)
		    : MAP_FAILED;

	*(void **)&system_clock = dlsym(RTLD_NEXT, "clock_gettime");
	if (fd >= 0)
		close(fd);
	if (page == MAP_FAILED || system_clock == NULL)
		abort();
	step_ms = page;
}

int
clock_gettime(clockid_t clock, struct timespec *out)
{
	int got = system_clock(clock, out);
	int64_t ns;

	if (got != 0 ||
	    (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
		return got;
	ns = (int64_t)out->tv_sec * 1000000000 + out->tv_nsec +
	     *step_ms * 1000000;
	out->tv_sec = ns / 1000000000;
	out->tv_nsec = ns % 1000000000;
	return 0;
}

int
gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	*out = (struct timeval){ now.tv_sec, now.tv_nsec / 1000 };
	return 0;
}

time_t
time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}
