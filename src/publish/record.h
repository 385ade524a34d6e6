/* record.h - one record of the view in Redis: a few lines of signed text.
 *
 * Shape:   docs/records.md. Fields are separated by TAB, lines end in LF:
 *            rolegate 1 KEY GENERATION
 *            …lines of the kind…
 *            mac 64 hex digits
 *          The MAC is BLAKE2b-256, keyed, over everything before the mac
 *          line. KEY is the whole Redis key, so that a record cannot stand in
 *          for another one.
 * Owner:   built and parsed records live in the arena; a parsed record
 *          borrows from the text that it was parsed from.
 * Errors:  record_open() says no by an err: record_mac, record_name,
 *          record_version, record_form. A record that does not parse whole
 *          is no record.
 * Limits:  RECORD_MAX bytes; RECORD_KEY_BYTES of key. */
#ifndef ROLEGATE_RECORD_H
#define ROLEGATE_RECORD_H

#include "base/err.h"
#include "model/account.h"
#include "model/catalogue.h"
#include "model/member.h"

#define RECORD_KEY_BYTES 32

struct record_key {
	unsigned char bytes[RECORD_KEY_BYTES];
};

enum record_kind {
	RECORD_MEMBER = 1, /* name: folded username */
	RECORD_ACCOUNT,    /* name: id */
	RECORD_CATALOGUE,  /* name: its name */
	RECORD_SESSION,    /* name: digest */
	RECORD_TOKEN,	   /* name: digest */
	RECORD_GENERATION, /* no name */
	RECORD_HEARTBEAT,  /* no name */
};

/* Reads 64 hex digits from a file that only its owner (and group) may read;
 * wipes its copy. */
bool record_key_load(struct record_key *out, const char *path,
    struct err *err);

/* The only function that builds a Redis key: rolegate:{NS}:member:ann. A
 * member's name is folded here; ptr NULL when memory is out or namespace or
 * name cannot be part of a key. */
struct str record_name(struct arena *arena, struct str ns,
    enum record_kind kind, struct str name);

/* What every key of the namespace begins with: rolegate:{NS}: */
struct str record_prefix(struct arena *arena, struct str ns);

/* The whole text of a record, ready for SET; ptr NULL when memory is out, it
 * would pass RECORD_MAX, or what is given cannot be read back (a control
 * character in a text, a status that is none, an account whose chain does not
 * end at a root). `name` is the Redis key. */
struct str record_member(struct arena *arena, const struct record_key *key,
    struct str name, const struct member *member);
/* With the whole chain to the root; generation is the chain's newest. */
struct str record_account(struct arena *arena, const struct record_key *key,
    struct str name, const struct account *account);
struct str record_catalogue(struct arena *arena, const struct record_key *key,
    struct str name, const struct catalogue *catalogue);
struct record_session {
	struct str username;
	struct str account; /* or empty */
	int64_t expires_s;
};
struct str record_session_text(struct arena *arena,
    const struct record_key *key, struct str name,
    const struct record_session *session, int64_t generation);
/* A program's: decides as its maker, narrowed to what is named. */
struct record_token {
	struct str username;
	int64_t expires_s; /* 0 never */
	struct names accounts; /* these and what is below them; empty: all */
	struct names permissions;
	struct names addresses; /* ranges, see model/address.h */
};
struct str record_token_text(struct arena *arena,
    const struct record_key *key, struct str name,
    const struct record_token *token, int64_t generation);
/* RECORD_GENERATION and RECORD_HEARTBEAT carry one number, which is their
 * generation as well. */
struct str record_number(struct arena *arena, const struct record_key *key,
    struct str name, int64_t number);
/* A RECORD_GENERATION that also names the row of history it stands for, by
 * its hash; empty before the first row. */
struct str record_generation(struct arena *arena, const struct record_key *key,
    struct str name, int64_t generation, struct str hash);
/* A header over any body and its MAC: what all of the above end with. */
struct str record_seal(struct arena *arena, const struct record_key *key,
    struct str name, int64_t generation, struct str body);

struct record {
	struct str name;
	int64_t generation;
	struct str body; /* the lines between the first and the mac line */
};

/* Verifies MAC (constant time), version and name. */
bool record_open(struct record *out, const struct record_key *key,
    struct str name, struct str text, struct err *err);
/* Parse the body of an opened record. */
bool record_read_member(const struct record *record, struct arena *arena,
    struct member *out, struct err *err);
/* Of a record that was read whole before: the member without their grants; then
 * only those on this account and above it, which are all that a decision about
 * it looks at. */
bool record_read_member_line(const struct record *record, struct member *out,
    struct err *err);
bool record_read_grants_on(const struct record *record, struct arena *arena,
    const struct account *account, struct member *out, struct err *err);
bool record_read_account(const struct record *record, struct arena *arena,
    const struct account **out, struct err *err);
bool record_read_catalogue(const struct record *record, struct arena *arena,
    const struct catalogue **out, struct err *err);
bool record_read_session(const struct record *record,
    struct record_session *out, struct err *err);
bool record_read_token(const struct record *record, struct arena *arena,
    struct record_token *out, struct err *err);
bool record_read_number(const struct record *record, int64_t *out,
    struct err *err);
bool record_read_generation(const struct record *record, int64_t *out,
    struct str *hash, struct err *err);

/* The body lines of a catalogue without header and MAC: what the store keeps
 * and compares. It is read back as the body of a record. */
struct str catalogue_text(struct arena *arena,
    const struct catalogue *catalogue);

#endif
