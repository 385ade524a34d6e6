/* counts.h - what the workers of the gate have done, and how they are.
 *
 * Shape:   one board for all processes of the gate, with a slot for each place
 *          of a worker. Counters only go up: who takes a dead worker's place
 *          counts on. Gauges are what the newest worker there said last.
 * Units:   as the names say; bytes, microseconds, Unix seconds.
 * Owner:   the master makes the board before the first worker. A worker writes
 *          its own slot, everybody reads all of them; each number by itself is
 *          whole, several together need not be of one moment. */
#ifndef ROLEGATE_GATE_COUNTS_H
#define ROLEGATE_GATE_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "decide/decide.h"

enum counter {
	COUNT_STARTS = 0,
	COUNT_CONNECTIONS, /* taken */
	COUNT_STRANGERS, /* sent away: not gate.peer_user */
	COUNT_CROWDED, /* closed: over the bound */
	COUNT_BROKEN, /* closed: no request that we take */
	COUNT_HITS, /* records that the near cache had */
	COUNT_ASKED, /* records that Redis was asked for */
	COUNT_BAD_RECORDS, /* refused: not signed, foreign, too old */
	COUNT_TIME_US, /* of all decisions together */
	COUNTERS,
};

enum gauge {
	GAUGE_PID = 0,
	GAUGE_STARTED_S,
	GAUGE_CONNECTIONS, /* open */
	GAUGE_CACHE_BYTES,
	GAUGE_CACHE_RECORDS,
	GAUGE_GENERATION,
	GAUGE_CONNECTED, /* to Redis: 1 or 0 */
	GAUGE_TRUSTED, /* the near cache is believed: 1 or 0 */
	GAUGE_FRESH_MS, /* monotonic: when Redis was last known to tell all */
	GAUGE_ALIVE_MS, /* monotonic: when the worker last came to count */
	GAUGES,
};

/* Decisions by how long they took: at most so many microseconds; the last
 * bucket has the rest. */
#define TIME_BUCKETS 15
extern const int64_t time_bucket_us[TIME_BUCKETS - 1];

struct counts {
	_Atomic int64_t counters[COUNTERS];
	_Atomic int64_t gauges[GAUGES];
	_Atomic int64_t reasons[REASON_COUNT];
	_Atomic int64_t times[TIME_BUCKETS];
};

struct board;

/* NULL when memory is out. It lasts as long as the processes. */
struct board *board_new(int places);
int board_places(const struct board *board);
struct counts *board_slot(struct board *board, int place);

void counts_add(struct counts *counts, enum counter counter, int64_t more);
void counts_set(struct counts *counts, enum gauge gauge, int64_t value);
void counts_decision(struct counts *counts, enum reason reason, int64_t us);

int64_t counts_get(const struct counts *counts, enum counter counter);
int64_t counts_gauge(const struct counts *counts, enum gauge gauge);
int64_t counts_reason(const struct counts *counts, enum reason reason);
int64_t counts_time(const struct counts *counts, int bucket);

#endif
