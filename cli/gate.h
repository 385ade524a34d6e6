/* gate.h - what rolegated says of itself on gate.control.
 *
 * Errors:  ERR_REACH gate_silent: nobody answers there; gate_report: what
 *          came is no report, or more than REPORT_BYTES_MAX.
 * Owner:   the report is the caller's, json_decref(). */
#ifndef ROLEGATE_CLI_GATE_H
#define ROLEGATE_CLI_GATE_H

#include "cli/out.h"

enum gate_table { GATE_WORKERS, GATE_DECISIONS, GATE_TIMES, GATE_TABLES };

/* NULL with app->err. */
json_t *gate_report(struct app *app);
int64_t gate_decisions(const json_t *report); /* all together */
void gate_tables(
    struct app *app, const json_t *report, struct table out[GATE_TABLES]);

#endif
