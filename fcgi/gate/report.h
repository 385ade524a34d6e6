/* report.h - the board as text: JSON for `rolegate status`, and what Prometheus
 * reads. docs/status.md has every name.
 *
 * Only numbers and words of ours are in it: no name, no path, nothing of a
 * request. Places without a worker are left out. */
#ifndef ROLEGATE_GATE_REPORT_H
#define ROLEGATE_GATE_REPORT_H

#include <stdio.h>

#include "fcgi/gate/counts.h"

void report_json(FILE *out, struct board *board);
void report_metrics(FILE *out, struct board *board);

#endif
