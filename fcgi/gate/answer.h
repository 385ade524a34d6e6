/* answer.h - the one function that writes answers.
 *
 * nginx takes an answer without a Status line for an allow. So there is one
 * function that makes an answer, from a decision that is final; Status stands
 * first, and the whole goes out in one piece. What does not fit into
 * ANSWER_MAX becomes a don't-know, never a shorter answer. */
#ifndef ROLEGATE_GATE_ANSWER_H
#define ROLEGATE_GATE_ANSWER_H

#include "decide/decide.h"

#define ANSWER_MAX ((size_t)4000) /* nginx reads 4 KiB of header */

struct verdict_said {
	struct decision decision;
	struct str member;  /* username, or empty */
	struct str account; /* id, or empty */
	struct str role;    /* that decided, or empty */
	struct str id;      /* of the decision */
};

/* Fills `text`; returns its length, which is never 0. What was said may turn
 * out as not_known: then *said is changed to that. */
size_t answer_make(struct verdict_said *said, char text[ANSWER_MAX]);

#endif
