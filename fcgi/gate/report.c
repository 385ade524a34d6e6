#include "fcgi/gate/report.h"

#include "fcgi/process/times.h"

/* --- Of all places -------------------------------------------------------- */

static int64_t
sum_counter(struct board *board, enum counter counter)
{
	int64_t sum = 0;

	for (int i = 0; i < board_places(board); i++)
		sum += counts_get(board_slot(board, i), counter);
	return sum;
}

static int64_t
sum_reason(struct board *board, enum reason reason)
{
	int64_t sum = 0;

	for (int i = 0; i < board_places(board); i++)
		sum += counts_reason(board_slot(board, i), reason);
	return sum;
}

static int64_t
sum_time(struct board *board, int bucket)
{
	int64_t sum = 0;

	for (int i = 0; i < board_places(board); i++)
		sum += counts_time(board_slot(board, i), bucket);
	return sum;
}

static bool
is_taken(const struct counts *slot)
{
	return counts_gauge(slot, GAUGE_PID) != 0;
}

static const char *
verdict_of(enum reason reason)
{
	if (reason == REASON_NOT_KNOWN)
		return verdict_word(VERDICT_UNKNOWN);
	if (reason == REASON_GRANTED)
		return verdict_word(VERDICT_ALLOW);
	if (reason == REASON_GRANTED_FILTERED)
		return verdict_word(VERDICT_ALLOW_FILTER);
	return verdict_word(VERDICT_DENY);
}

static int64_t
age_ms(const struct counts *slot)
{
	return monotonic_ms() - counts_gauge(slot, GAUGE_FRESH_MS);
}

/* --- JSON ----------------------------------------------------------------- */

static const char *const counter_names[COUNTERS] = {
	[COUNT_STARTS] = "starts",
	[COUNT_CONNECTIONS] = "connections_taken",
	[COUNT_STRANGERS] = "strangers",
	[COUNT_CROWDED] = "crowded",
	[COUNT_BROKEN] = "broken",
	[COUNT_HITS] = "hits",
	[COUNT_ASKED] = "asked",
	[COUNT_BAD_RECORDS] = "bad_records",
	[COUNT_TIME_US] = "time_us",
};

/* The age of what the worker knows is told instead of a moment. */
static const char *const gauge_names[GAUGES] = {
	[GAUGE_PID] = "pid",
	[GAUGE_STARTED_S] = "started_s",
	[GAUGE_CONNECTIONS] = "connections",
	[GAUGE_CACHE_BYTES] = "cache_bytes",
	[GAUGE_CACHE_RECORDS] = "cache_records",
	[GAUGE_GENERATION] = "generation",
	[GAUGE_CONNECTED] = "connected",
	[GAUGE_TRUSTED] = "trusted",
};

static void
json_worker(FILE *out, const struct counts *slot, int place)
{
	fprintf(out, "{\"place\":%d", place);
	for (enum gauge i = 0; i < GAUGES; i++)
		if (gauge_names[i] != NULL)
			fprintf(out, ",\"%s\":%lld", gauge_names[i],
			    (long long)counts_gauge(slot, i));
	for (enum counter i = 0; i < COUNTERS; i++)
		fprintf(out, ",\"%s\":%lld", counter_names[i],
		    (long long)counts_get(slot, i));
	fprintf(out, ",\"age_ms\":%lld}", (long long)age_ms(slot));
}

void
report_json(FILE *out, struct board *board)
{
	const char *comma = "";

	fputs("{\"schema\":1,\"version\":\"" ROLEGATE_VERSION
	      "\",\"decisions\":[",
	    out);
	for (enum reason i = 0; i < REASON_COUNT; i++)
		fprintf(out,
		    "%s{\"verdict\":\"%s\",\"reason\":\"%s\","
		    "\"count\":%lld}",
		    i > 0 ? "," : "", verdict_of(i), reason_word(i),
		    (long long)sum_reason(board, i));
	fputs("],\"times\":[", out);
	for (int i = 0; i < TIME_BUCKETS; i++)
		fprintf(out, "%s{\"to_us\":%lld,\"count\":%lld}",
		    i > 0 ? "," : "",
		    i < TIME_BUCKETS - 1 ? (long long)time_bucket_us[i] : 0,
		    (long long)sum_time(board, i));
	fputs("],\"workers\":[", out);
	for (int i = 0; i < board_places(board); i++) {
		if (!is_taken(board_slot(board, i)))
			continue;
		fputs(comma, out);
		json_worker(out, board_slot(board, i), i);
		comma = ",";
	}
	fputs("]}\n", out);
}

/* --- Prometheus ----------------------------------------------------------- */

static const struct {
	enum counter counter;
	const char *name;
	const char *help;
} sums[] = {
	{ COUNT_STARTS, "worker_starts", "Workers that were started." },
	{ COUNT_CONNECTIONS, "connections", "Connections that were taken." },
	{ COUNT_STRANGERS, "strangers",
	    "Connections of a user who is not gate.peer_user." },
	{ COUNT_CROWDED, "crowded", "Connections over the bound." },
	{ COUNT_BROKEN, "broken",
	    "Connections closed because no whole request came." },
	{ COUNT_HITS, "cache_hits", "Records that the near cache had." },
	{ COUNT_ASKED, "redis_reads", "Records that Redis was asked for." },
	{ COUNT_BAD_RECORDS, "bad_records",
	    "Records that were refused: not signed, foreign, or too old." },
};

static const struct {
	enum gauge gauge;
	const char *name;
	const char *help;
} gauges[] = {
	{ GAUGE_STARTED_S, "start_time_seconds",
	    "When the worker was started." },
	{ GAUGE_CONNECTIONS, "connections", "Open connections." },
	{ GAUGE_CACHE_BYTES, "cache_bytes", "Bytes of the near cache." },
	{ GAUGE_CACHE_RECORDS, "cache_records", "Records in the near cache." },
	{ GAUGE_GENERATION, "generation", "Newest generation of the view." },
	{ GAUGE_CONNECTED, "redis_up", "1 while Redis is connected." },
	{ GAUGE_TRUSTED, "cache_trusted",
	    "1 while the near cache is believed." },
};

static void
head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP rolegate_%s %s\n# TYPE rolegate_%s %s\n", name,
	    help, name, type);
}

static void
metrics_decisions(FILE *out, struct board *board)
{
	head(out, "decisions_total", "counter",
	    "Decisions by verdict and reason.");
	for (enum reason i = 0; i < REASON_COUNT; i++)
		fprintf(out,
		    "rolegate_decisions_total{verdict=\"%s\","
		    "reason=\"%s\"} %lld\n",
		    verdict_of(i), reason_word(i),
		    (long long)sum_reason(board, i));
}

static void
metrics_times(FILE *out, struct board *board)
{
	int64_t count = 0;

	head(out, "decision_seconds", "histogram",
	    "Time from a whole request to its decision.");
	for (int i = 0; i < TIME_BUCKETS - 1; i++) {
		count += sum_time(board, i);
		fprintf(out,
		    "rolegate_decision_seconds_bucket{le=\"%g\"} %lld\n",
		    (double)time_bucket_us[i] / 1e6, (long long)count);
	}
	count += sum_time(board, TIME_BUCKETS - 1);
	fprintf(out,
	    "rolegate_decision_seconds_bucket{le=\"+Inf\"} %lld\n"
	    "rolegate_decision_seconds_sum %.6f\n"
	    "rolegate_decision_seconds_count %lld\n",
	    (long long)count, (double)sum_counter(board, COUNT_TIME_US) / 1e6,
	    (long long)count);
}

static void
metrics_sums(FILE *out, struct board *board)
{
	char name[64];

	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
		snprintf(name, sizeof(name), "%s_total", sums[i].name);
		head(out, name, "counter", sums[i].help);
		fprintf(out, "rolegate_%s %lld\n", name,
		    (long long)sum_counter(board, sums[i].counter));
	}
}

static void
metrics_gauge(FILE *out, struct board *board, size_t which)
{
	char name[64];

	snprintf(name, sizeof(name), "worker_%s", gauges[which].name);
	head(out, name, "gauge", gauges[which].help);
	for (int i = 0; i < board_places(board); i++)
		if (is_taken(board_slot(board, i)))
			fprintf(out, "rolegate_%s{worker=\"%d\"} %lld\n", name,
			    i,
			    (long long)counts_gauge(
				board_slot(board, i), gauges[which].gauge));
}

static void
metrics_ages(FILE *out, struct board *board)
{
	head(out, "worker_view_age_seconds", "gauge",
	    "Since Redis was last known to tell of every change.");
	for (int i = 0; i < board_places(board); i++)
		if (is_taken(board_slot(board, i)))
			fprintf(out,
			    "rolegate_worker_view_age_seconds{worker=\"%d\"} "
			    "%g\n",
			    i, (double)age_ms(board_slot(board, i)) / 1e3);
}

void
report_metrics(FILE *out, struct board *board)
{
	head(out, "info", "gauge", "1, with the version.");
	fputs("rolegate_info{version=\"" ROLEGATE_VERSION "\"} 1\n", out);
	metrics_decisions(out, board);
	metrics_times(out, board);
	metrics_sums(out, board);
	for (size_t i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++)
		metrics_gauge(out, board, i);
	metrics_ages(out, board);
}
