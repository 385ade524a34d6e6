/* sandbox.h - what a worker of the gate may still ask of the kernel.
 *
 * Once it serves, a worker reads and writes its sockets and the log, connects
 * to Redis again, and takes memory. Everything else, above all opening files,
 * starting programs and making memory executable, is not in the list of
 * system calls: SANDBOX_KILL ends the worker, SANDBOX_LOG lets it and has the
 * kernel write it down, SANDBOX_OFF has no list.
 * Errors:  ERR_BUG sandbox, where the kernel takes no filter. */
#ifndef ROLEGATE_GATE_SANDBOX_H
#define ROLEGATE_GATE_SANDBOX_H

#include "config/config.h"

/* For good, for the process and all that it begins. */
bool sandbox_enter(enum sandbox sandbox, struct err *err);

#endif
