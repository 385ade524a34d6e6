/* answer.h - what the two responders of the bench say to everything: an allow
 * of the gate, byte for byte as long. So nginx has the same to read from all
 * of them, and a ratio is about the one that answers. */
#ifndef ROLEGATE_BENCH_ANSWER_H
#define ROLEGATE_BENCH_ANSWER_H

#define BENCH_ANSWER                                   \
	"Status: 204 No Content\r\n"                   \
	"X-Rolegate-Decision: allow\r\n"               \
	"X-Rolegate-Reason: granted\r\n"               \
	"X-Rolegate-Decision-Id: 0123456789abcdef\r\n" \
	"X-Rolegate-Member: m0000001\r\n"              \
	"X-Rolegate-Account: a0000001\r\n"             \
	"X-Rolegate-Role: full.viewer\r\n"             \
	"\r\n"
#define BENCH_ANSWER_LEN (sizeof(BENCH_ANSWER) - 1)

#endif
