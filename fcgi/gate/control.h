/* control.h - where the operator asks how the gate is.
 *
 * Shape:   two sockets of the master, and any worker answers for all of them.
 *          Who connects to gate.control, as root or as the user of the gate,
 *          gets one JSON object (report.h) and the end. gate.metrics speaks
 *          HTTP: GET /metrics, and the end. Nothing can be changed on either.
 * Bounds:  CONTROL_WAIT_S from the first byte to the last, and
 *          CONTROL_PEERS_MAX at a time on each socket; from gate.control
 *          nothing is read. Where descriptors are out, both wait; they are
 *          fewer than the gate keeps aside, DESCRIPTORS_KEPT.
 * Owner:   control_close() ends what is not done. */
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
