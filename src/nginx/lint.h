/* lint.h - what in an nginx configuration leads around the gate.
 *
 * A location is protected where auth_request holds. Findings come in the order
 * of files and lines, each one once; a configuration that protects nothing is
 * a finding too. Rules with their cases stand in rule.c and, with the why, in
 * docs/nginx-lint.md.
 * Owner:   everything lives in the arena and borrows from the tree.
 * Errors:  false with a fault, no_memory or nginx_too_large. */
#ifndef ROLEGATE_NGINX_LINT_H
#define ROLEGATE_NGINX_LINT_H

#include "nginx/conf.h"
#include "nginx/rule.h"

struct finding {
	const struct directive *at;
	const struct nginx_rule *rule;
	struct str what; /* of several things: which; else empty */
};

struct findings {
	struct finding *items;
	size_t count;
};

/* "location /a: what it does (which); the mend"; ptr NULL: memory is out. */
struct str
finding_text(struct arena *arena, const struct finding *finding);

bool nginx_lint(const struct directive *root, struct arena *arena,
    struct findings *out, struct faults *faults);

#endif
