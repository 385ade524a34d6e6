/* control.h - where the operator asks how the gate is.
 *
 * Shape:   two sockets of the master, and any worker answers for all of them.
 *          Who connects to gate.control, as root or as the user of the gate,
 *          gets one JSON object (report.h) and the end. gate.metrics speaks
 *          HTTP: GET /metrics. Nothing can be changed on either.
 * Bounds:  CONTROL_WAIT_S each, and CONTROL_PEERS_MAX of gate.control at a
 *          time, from which nothing is read. Where descriptors are out, both
 *          wait; the gate keeps some aside.
 * Owner:   control_close() ends what is not done. One in a process. */
#ifndef ROLEGATE_GATE_CONTROL_H
#define ROLEGATE_GATE_CONTROL_H

#include <event2/event.h>

#include "base/err.h"
#include "fcgi/gate/counts.h"

struct control;

/* A socket of -1 is not there. */
bool control_open(struct control **out, struct event_base *loop, int control_fd,
    int metrics_fd, struct board *board, struct err *err);
void control_close(struct control *control); /* NULL is fine */

#endif
