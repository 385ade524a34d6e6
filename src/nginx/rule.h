/* rule.h - the rules of the linter: stable code, cases, what is wrong, and the
 * text that mends it. */
#ifndef ROLEGATE_NGINX_RULE_H
#define ROLEGATE_NGINX_RULE_H

enum nginx_rule_id {
	RULE_NOTHING = 0,
	RULE_RETURN,
	RULE_REWRITE,
	RULE_SATISFY,
	RULE_PROGRAM,
	RULE_HOLE,
	RULE_AROUND,
	RULE_FILES,
	RULE_LISTEN,
	RULE_ALIAS,
	RULE_AUTH_IN_IF,
	RULE_PATH,
	RULE_PATH_CHANGED,
	RULE_DECODED,
	RULE_AGAIN,
	RULE_BREAK,
	RULE_SLASHES,
	RULE_ERROR_PAGE,
	RULE_INTERCEPT,
	RULE_NO_PROOF,
	RULE_PROOF_MAP,
	RULE_PROOF_KEPT,
	RULE_PROOF_FORGED,
	RULE_HEADERS,
	RULE_HEADERS_CLIENT,
	RULE_SPELLING,
	RULE_IDENTITY,
	RULE_CACHE,
	RULE_GATE_MISSING,
	RULE_GATE_INTERNAL,
	RULE_GATE_FASTCGI,
	RULE_GATE_ANSWERS,
	RULE_GATE_HEADERS,
	RULE_GATE_BODY,
	RULE_GATE_ERRORS,
	RULE_GATE_CACHE,
	RULE_GATE_PARAM,
	RULE_GATE_PARAM_CLIENT,
	RULE_COUNT
};

struct nginx_rule {
	const char *code;
	const char *cases; /* of docs/cases.md, with blanks between them */
	const char *says; /* what the line does */
	const char *mend;
};

extern const struct nginx_rule nginx_rules[RULE_COUNT];

#endif
