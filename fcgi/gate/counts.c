#include "fcgi/gate/counts.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

const int64_t time_bucket_us[TIME_BUCKETS - 1] = { 10, 20, 50, 100, 200, 500,
	1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000 };

struct board {
	int places;
	struct counts slots[];
};

struct board *
board_new(int places)
{
	struct board *board = mmap(NULL,
	    sizeof(*board) + (size_t)places * sizeof(board->slots[0]),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (board == MAP_FAILED)
		return NULL;
	board->places = places;
	return board;
}

int
board_places(const struct board *board)
{
	return board->places;
}

struct counts *
board_slot(struct board *board, int place)
{
	return &board->slots[place];
}

/* Two workers write one slot while the older one ends. */
static void
add(_Atomic int64_t *number, int64_t more)
{
	atomic_fetch_add_explicit(number, more, memory_order_relaxed);
}

static int64_t
get(const _Atomic int64_t *number)
{
	return atomic_load_explicit(number, memory_order_relaxed);
}

void
counts_add(struct counts *counts, enum counter counter, int64_t more)
{
	add(&counts->counters[counter], more);
}

void
counts_set(struct counts *counts, enum gauge gauge, int64_t value)
{
	atomic_store_explicit(
	    &counts->gauges[gauge], value, memory_order_relaxed);
}

void
counts_decision(struct counts *counts, enum reason reason, int64_t us)
{
	int bucket = 0;

	while (bucket < TIME_BUCKETS - 1 && us > time_bucket_us[bucket])
		bucket++;
	add(&counts->reasons[reason], 1);
	add(&counts->times[bucket], 1);
	add(&counts->counters[COUNT_TIME_US], us);
}

int64_t
counts_get(const struct counts *counts, enum counter counter)
{
	return get(&counts->counters[counter]);
}

int64_t
counts_gauge(const struct counts *counts, enum gauge gauge)
{
	return get(&counts->gauges[gauge]);
}

int64_t
counts_reason(const struct counts *counts, enum reason reason)
{
	return get(&counts->reasons[reason]);
}

int64_t
counts_time(const struct counts *counts, int bucket)
{
	return get(&counts->times[bucket]);
}
