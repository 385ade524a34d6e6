/* answer.h - what nginx is told: the one function that writes answers.
 *
 * nginx takes an answer without a Status line for an allow (CASES T25). So one
 * function makes an answer, from a decision that is final; Status stands
 * first, and the whole goes out in one piece.
 *
 *   allow          204, X-Rolegate-Decision: allow, and who, where, as what
 *   deny           401 or 403 by its reason
 *   anything else  503; also what does not fit into ANSWER_MAX, for nothing
 *                  is ever cut, and a yes whose parts do not agree
 *
 * With a key, each allow says what may be seen, signed (docs/filters.md): also
 * that it is everything, so that a missing header never means that.
 *
 * Values have bytes outside of printable ASCII, blanks, '%' and, inside a
 * filter, ';' percent-encoded: no value can end its line (T34). */
#ifndef ROLEGATE_GATE_ANSWER_H
#define ROLEGATE_GATE_ANSWER_H

#include "decide/decide.h"
#include "fcgi/gate/limits.h"
#include "publish/record.h"

/* Zeroed, it is a don't-know. */
struct answer {
	enum verdict verdict;
	enum reason reason;
	struct str id; /* of the decision */
	struct str member; /* username; or who was asked about, for the log */
	struct str account;
	struct str role; /* that decided */
	struct names filters; /* of VERDICT_ALLOW_FILTER, and of it only */
	/* S12: the account of another level where that role is held, or empty */
	struct str acting_from;
	/* Signs what may be seen; NULL: a filter goes out as it is. */
	const struct record_key *filter_key;
	int64_t filter_expires_s;
};

/* Fills `text` and returns its length, which is never 0. What has to be a
 * don't-know after all is made one in *answer, too. */
size_t answer_make(struct answer *answer, char text[ANSWER_MAX]);

#endif
