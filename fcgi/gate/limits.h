/* limits.h - what one worker takes in and gives out, beside
 * src/base/bounds.h. */
#ifndef ROLEGATE_GATE_LIMITS_H
#define ROLEGATE_GATE_LIMITS_H

#define REQUEST_MAX ((size_t)16 * 1024) /* bytes of one FastCGI request */

/* nginx sends its parameters in one record, of 64 KiB at most. A longer request
 * than REQUEST_MAX is read, so that it can be denied: were its connection just
 * closed, nginx would send it again on each one that it keeps. */
#define REQUEST_READ_MAX ((size_t)64 * 1024)

/* Bytes of an answer's headers. nginx reads an answer into 4 KiB, with the
 * FastCGI headers, padding and closing records around it. */
#define ANSWER_MAX	  ((size_t)4096 - 40)

#define CONNECTIONS_MAX	  4096 /* of one worker */
#define DESCRIPTORS_KEPT  48 /* for all but connections */
#define BEGUN_BYTES_MAX	  ((size_t)16 * 1024 * 1024) /* of requests in part */
#define CONN_IDLE_MS	  1000 /* then its place may be another's */
#define ACCEPTS_A_ROUND	  4 /* so that all workers get some */
#define REQUEST_WAIT_MS	  2000 /* until the whole of a request is there */
#define FINISH_WAIT_MS	  5000 /* for what is in flight when a worker ends */
#define FILTER_LIFE_S	  60 /* how long a signed filter may be believed */
#define COUNT_EVERY_MS	  500 /* how old a number of the status may be */
#define CONTROL_PEERS_MAX 16 /* of one worker, on each of the two */
#define CONTROL_WAIT_S	  5
#define CONTROL_BYTES_MAX 8192 /* of the headers of a request for metrics */
#define LOG_VALUE_MAX	  512 /* bytes of one value as the decision log writes it */

#endif
