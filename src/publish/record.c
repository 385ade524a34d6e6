#include "publish/record.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/bounds.h"
#include "base/secret.h"
#include "publish/lines.h"

#define VERSION_TEXT "1"
#define HEAD	     "rolegate\t" VERSION_TEXT "\t"
#define HEAD_LEN     (sizeof(HEAD) - 1)
#define MAC_BYTES    32
#define MAC_HEX	     ((size_t)MAC_BYTES * 2)
#define MAC_WORD     "mac\t"
#define MAC_WORD_LEN (sizeof(MAC_WORD) - 1)
/* "mac", TAB, the digits, LF */
#define MAC_LINE   (MAC_WORD_LEN + MAC_HEX + 1)
#define DIGITS_MAX ((size_t)20)
#define KEY_MAX	   (NAMESPACE_MAX + USERNAME_MAX + 64)

static const struct str kind_words[] = {
	[RECORD_MEMBER] = { "member", 6 },
	[RECORD_ACCOUNT] = { "account", 7 },
	[RECORD_CATALOGUE] = { "catalogue", 9 },
	[RECORD_SESSION] = { "session", 7 },
	[RECORD_TOKEN] = { "token", 5 },
	[RECORD_GENERATION] = { "generation", 10 },
	[RECORD_HEARTBEAT] = { "heartbeat", 9 },
};

/* --- Key and name --------------------------------------------------------- */

static bool
hex_read(struct record_key *out, const char *text, size_t len)
{
	size_t bytes = 0;

	return len == (size_t)RECORD_KEY_BYTES * 2 &&
	       sodium_hex2bin(out->bytes, sizeof(out->bytes), text, len, NULL,
		   &bytes, NULL) == 0 &&
	       bytes == sizeof(out->bytes);
}

bool
record_key_load(struct record_key *out, const char *path, struct err *err)
{
	char text[SECRET_FILE_MAX + 1];
	size_t len = 0;
	bool ok;

	if (sodium_init() < 0)
		return err_set(err, ERR_BUG, "no_random",
		    "libsodium: cannot start; look at the system's random "
		    "generator");
	if (!secret_read(text, sizeof(text), &len, path, "view_key", err))
		return false;
	ok = hex_read(out, text, len);
	sodium_memzero(text, sizeof(text));
	if (ok)
		return true;
	sodium_memzero(out, sizeof(*out));
	return err_set(err, ERR_FILE, "view_key",
	    "%s: is not a key of 64 hex digits; make one with rolegate key new",
	    path);
}

/* Without control characters; a brace would end the namespace early. */
static bool
key_part(struct str part, bool is_namespace)
{
	for (size_t i = 0; i < part.len; i++) {
		unsigned char c = (unsigned char)part.ptr[i];

		if (c < 0x20 || c == 0x7f ||
		    (is_namespace && (c == '{' || c == '}')))
			return false;
	}
	return true;
}

static char *
part_add(char *at, struct str part)
{
	if (part.len > 0)
		memcpy(at, part.ptr, part.len);
	return at + part.len;
}

/* Put together by hand: the gate does it for each request. */
static struct str
name_join(struct arena *arena, struct str ns, struct str word, struct str name)
{
	struct str parts[] = { STR("rolegate:{"), ns, STR("}:"), word, STR(":"),
		name };
	size_t count = name.len > 0 ? 6 : 4;
	size_t len = 0;
	char *key;
	char *at;

	for (size_t i = 0; i < count; i++)
		len += parts[i].len;
	key = arena_alloc(arena, len + 1, 1);
	if (key == NULL)
		return (struct str){ NULL, 0 };
	at = key;
	for (size_t i = 0; i < count; i++)
		at = part_add(at, parts[i]);
	return (struct str){ key, len };
}

static bool
ns_is_good(struct str ns)
{
	return ns.len > 0 && ns.len <= NAMESPACE_MAX && key_part(ns, true);
}

struct str
record_prefix(struct arena *arena, struct str ns)
{
	if (!ns_is_good(ns))
		return (struct str){ NULL, 0 };
	return str_fmt(arena, "rolegate:{%.*s}:", STR_ARGS(ns));
}

struct str
record_name(
    struct arena *arena, struct str ns, enum record_kind kind, struct str name)
{
	const struct str none = { NULL, 0 };

	if (!ns_is_good(ns) || name.len > USERNAME_MAX ||
	    !key_part(name, false))
		return none;
	switch (kind) {
	case RECORD_GENERATION:
	case RECORD_HEARTBEAT:
		return name_join(arena, ns, kind_words[kind], STR(""));
	case RECORD_MEMBER:
		name = str_fold(arena, name);
		break;
	case RECORD_ACCOUNT:
	case RECORD_CATALOGUE:
	case RECORD_SESSION:
	case RECORD_TOKEN:
		break;
	default: /* a number that is no kind */
		return none;
	}
	return name.len > 0 ? name_join(arena, ns, kind_words[kind], name)
			    : none;
}

/* Does the record's key end in what its body says it is about? */
static bool
is_about(const struct record *record, enum record_kind kind, struct str subject)
{
	struct str word = kind_words[kind];
	struct str key = record->name;
	size_t tail = word.len + 2 + subject.len;

	if (key.len <= tail || key.ptr[key.len - tail] != ':' ||
	    key.ptr[key.len - subject.len - 1] != ':' ||
	    memcmp(key.ptr + key.len - tail + 1, word.ptr, word.len) != 0)
		return false;
	key.ptr += key.len - subject.len;
	key.len = subject.len;
	return kind == RECORD_MEMBER ? str_eq_fold(key, subject)
				     : str_eq(key, subject);
}

/* --- Envelope ------------------------------------------------------------- */

static void
mac_hex(char hex[MAC_HEX + 1], const struct record_key *key, struct str text)
{
	unsigned char mac[MAC_BYTES];

	crypto_generichash(mac, sizeof(mac), (const unsigned char *)text.ptr,
	    text.len, key->bytes, sizeof(key->bytes));
	sodium_bin2hex(hex, MAC_HEX + 1, mac, sizeof(mac));
}

struct str
record_seal(struct arena *arena, const struct record_key *key, struct str name,
    int64_t generation, struct str body)
{
	const struct str none = { NULL, 0 };
	char hex[MAC_HEX + 1];
	size_t size =
	    HEAD_LEN + name.len + DIGITS_MAX + 2 + body.len + MAC_LINE + 1;
	char *text;
	size_t len;

	if (name.ptr == NULL || name.len == 0 || name.len > KEY_MAX ||
	    !key_part(name, false) || body.len == 0 || body.len > RECORD_MAX ||
	    body.ptr[body.len - 1] != '\n' || generation < 0)
		return none;
	text = arena_alloc(arena, size, 1);
	if (text == NULL)
		return none;
	len = (size_t)snprintf(text, size, HEAD "%.*s\t%lld\n", STR_ARGS(name),
	    (long long)generation);
	memcpy(text + len, body.ptr, body.len);
	len += body.len;
	mac_hex(hex, key, (struct str){ text, len });
	len += (size_t)snprintf(text + len, size - len, MAC_WORD "%s\n", hex);
	return len <= RECORD_MAX ? (struct str){ text, len } : none;
}

static bool
no_form(struct str name, struct err *err)
{
	return err_set(err, ERR_REACH, "record_form",
	    "record %.*s: is not a record; run rolegate publish --all",
	    STR_ARGS(name));
}

/* Which of the three first fields is not what was asked for. */
static bool
head_fail(struct str name, struct str text, struct err *err)
{
	if (str_starts(text, STR(HEAD)))
		return err_set(err, ERR_REACH, "record_name",
		    "record %.*s: is about something else; somebody has "
		    "copied it there: look at who may write to Redis, then "
		    "run rolegate publish --all",
		    STR_ARGS(name));
	if (str_starts(text, STR("rolegate\t")))
		return err_set(err, ERR_REACH, "record_version",
		    "record %.*s: is of another format version; use one "
		    "release for publisher and gate, then run rolegate "
		    "publish --all",
		    STR_ARGS(name));
	return no_form(name, err);
}

_Static_assert(MAC_HEX == crypto_verify_64_BYTES, "the digits of a MAC");

static bool
mac_fits(const struct record_key *key, struct str signed_text, const char *line)
{
	char hex[MAC_HEX + 1];

	mac_hex(hex, key, signed_text);
	return memcmp(line, MAC_WORD, MAC_WORD_LEN) == 0 &&
	       line[MAC_LINE - 1] == '\n' &&
	       crypto_verify_64((unsigned char *)hex,
		   (const unsigned char *)line + MAC_WORD_LEN) == 0;
}

/* Of control characters only TAB and LF; a signed record has no others, and
 * what is behind it (a log line, a header) relies on that. Without a branch,
 * because the gate does it for each record that it reads. */
static bool
is_plain(struct str text)
{
	unsigned bad = 0;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		bad |= (unsigned)(c < 0x20 && c != '\t' && c != '\n') |
		       (unsigned)(c == 0x7f);
	}
	return bad == 0;
}

/* "NAME TAB GENERATION LF" at the beginning of rest. */
static bool
head_read(struct record *out, struct str name, struct str rest)
{
	const char *end;
	struct str digits;

	if (!str_starts(rest, name) || rest.len == name.len ||
	    rest.ptr[name.len] != '\t')
		return false;
	digits.ptr = rest.ptr + name.len + 1;
	end = memchr(digits.ptr, '\n', rest.len - name.len - 1);
	if (end == NULL)
		return false;
	digits.len = (size_t)(end - digits.ptr);
	out->name = (struct str){ rest.ptr, name.len };
	out->body.ptr = end + 1;
	out->body.len = rest.len - (size_t)(end + 1 - rest.ptr);
	return digits.len > 0 && digits.ptr[0] != '-' &&
	       (digits.ptr[0] != '0' || digits.len == 1) &&
	       str_to_i64(digits, 0, INT64_MAX, &out->generation);
}

bool
record_open(struct record *out, const struct record_key *key, struct str name,
    struct str text, struct err *err)
{
	struct record record = { 0 };
	struct str signed_text;

	if (text.ptr == NULL || text.len > RECORD_MAX ||
	    text.len < HEAD_LEN + MAC_LINE || name.len == 0)
		return no_form(name, err);
	if (!str_starts(text, STR(HEAD)))
		return head_fail(name, text, err);
	signed_text = (struct str){ text.ptr, text.len - MAC_LINE };
	if (!mac_fits(key, signed_text, text.ptr + signed_text.len))
		return err_set(err, ERR_REACH, "record_mac",
		    "record %.*s: is not signed with this key; give publisher "
		    "and gate the same key file, look at who may write to "
		    "Redis, then run rolegate publish --all",
		    STR_ARGS(name));
	if (!head_read(&record, name,
		(struct str){
		    text.ptr + HEAD_LEN, signed_text.len - HEAD_LEN }))
		return head_fail(name, text, err);
	if (record.body.len == 0 ||
	    record.body.ptr[record.body.len - 1] != '\n' || !is_plain(text))
		return no_form(name, err);
	*out = record;
	return true;
}

static struct str
sealed(const struct lines_out *lines, const struct record_key *key,
    struct str name, int64_t generation)
{
	if (lines->refused)
		return (struct str){ NULL, 0 };
	return record_seal(lines->arena, key, name, generation,
	    (struct str){ lines->ptr, lines->len });
}

/* --- Member --------------------------------------------------------------- */

static void
grant_write(struct lines_out *out, const struct grant *grant)
{
	out_kind(out, STR("grant"));
	out_text(out, grant->account);
	out_text(out, grant->role);
	out_text(out, grant->source);
	out_number(out, grant->expires_s);
	out_names(out, grant->licences);
	for (size_t i = 0; i < grant->filters.count; i++) {
		if (grant->filters.items[i].len == 0)
			out->refused = true;
		out_text(out, grant->filters.items[i]);
	}
	out_end(out);
}

struct str
record_member(struct arena *arena, const struct record_key *key,
    struct str name, const struct member *member)
{
	struct lines_out out = { .arena = arena };

	if (member->status == MEMBER_NONE)
		return (struct str){ NULL, 0 };
	out_kind(&out, STR("member"));
	out_text(&out, member->username);
	out_word(&out, member_status_word(member->status));
	out_text(&out, member->personal);
	out_end(&out);
	for (size_t i = 0; i < member->grant_count; i++)
		grant_write(&out, &member->grants[i]);
	return sealed(&out, key, name, member->changed);
}

static bool
grant_read(struct lines_in *in, struct grant *out)
{
	return in_kind(in, STR("grant")) &&
	       in_text(in, 1, ACCOUNT_ID_MAX, &out->account) &&
	       in_text(in, 1, ROLE_NAME_MAX, &out->role) &&
	       in_text(in, 1, SOURCE_NAME_MAX, &out->source) &&
	       in_number(in, &out->expires_s) &&
	       in_names(in, LICENCES_MAX, LICENCE_NAME_MAX, &out->licences) &&
	       in_rest(in, FILTERS_PER_GRANT_MAX, FILTER_MAX, &out->filters);
}

/* Of all lines that are left. */
static bool
grants_read(struct lines_in *in, struct grant *out, size_t *count)
{
	while (!lines_done(in))
		if (!grant_read(in, &out[(*count)++]))
			return false;
	return true;
}

static struct grant *
grants_new(struct lines_in *in, size_t count)
{
	struct grant *grants = count <= GRANTS_PER_MEMBER_MAX
				   ? ARENA_ARRAY(in->arena, struct grant, count)
				   : NULL;

	in->no_memory = grants == NULL && count <= GRANTS_PER_MEMBER_MAX;
	return grants;
}

static bool
member_line_read(struct lines_in *in, struct member *out)
{
	struct str status;

	*out = (struct member){ .changed = in->record->generation };
	return in_kind(in, STR("member")) &&
	       in_text(in, 1, USERNAME_MAX, &out->username) &&
	       is_about(in->record, RECORD_MEMBER, out->username) &&
	       in_text(in, 1, LEVEL_NAME_MAX, &status) &&
	       (out->status = member_status_from(status)) != MEMBER_NONE &&
	       in_text(in, 0, ACCOUNT_ID_MAX, &out->personal) && in_end(in);
}

bool
record_read_member(const struct record *record, struct arena *arena,
    struct member *out, struct err *err)
{
	struct lines_in in = lines_read(record, arena);
	struct member member;
	struct grant *grants;

	if (!member_line_read(&in, &member) ||
	    (grants = grants_new(&in, lines_left(&in))) == NULL ||
	    !grants_read(&in, grants, &member.grant_count))
		return lines_fail(&in, err);
	member.grants = grants;
	*out = member;
	return true;
}

bool
record_read_member_line(
    const struct record *record, struct member *out, struct err *err)
{
	struct lines_in in = lines_read(record, NULL);

	return member_line_read(&in, out) || lines_fail(&in, err);
}

/* --- Grants on some accounts ---------------------------------------------- */

#define GRANT_WORD "grant\t"

static struct str
behind(struct str s, size_t count)
{
	return (struct str){ s.ptr + count, s.len - count };
}

/* Of the grant whose line begins there. */
static struct str
grant_account(struct str lines, size_t at)
{
	const char *from = lines.ptr + at + sizeof(GRANT_WORD) - 1;
	const char *end =
	    memchr(from, '\t', lines.len - at - (sizeof(GRANT_WORD) - 1));

	return (struct str){ from, (size_t)(end - from) };
}

static size_t
line_begin(struct str lines, size_t at)
{
	const char *before = memrchr(lines.ptr, '\n', at);

	return before != NULL ? (size_t)(before - lines.ptr) + 1 : 0;
}

static size_t
line_end(struct str lines, size_t at)
{
	const char *end = memchr(lines.ptr + at, '\n', lines.len - at);

	return (size_t)(end - lines.ptr) + 1;
}

/* The lines of grants on the account: they are ordered by account. */
static struct str
grants_on(struct str lines, struct str account)
{
	size_t low = 0;
	size_t high = lines.len;
	size_t end;

	while (low < high) {
		size_t middle = line_begin(lines, low + (high - low) / 2);

		if (str_cmp(grant_account(lines, middle), account) < 0)
			low = line_end(lines, middle);
		else
			high = middle;
	}
	for (end = low;
	     end < lines.len && str_eq(grant_account(lines, end), account);)
		end = line_end(lines, end);
	return (struct str){ lines.ptr + low, end - low };
}

/* The lines of grants on the account and on each above it that has any, in the
 * record's order. */
static size_t
grants_on_chain(struct str lines, const struct account *account,
    struct str out[TREE_DEPTH_MAX])
{
	size_t count = 0;
	struct str first;
	struct str last;

	if (lines.len == 0)
		return 0;
	first = grant_account(lines, 0);
	last = grant_account(lines, line_begin(lines, lines.len - 1));
	for (int level = 0; account != NULL && level < TREE_DEPTH_MAX;
	     account = account->parent, level++) {
		struct str some;
		size_t at = count;

		if (str_cmp(account->id, first) < 0 ||
		    str_cmp(last, account->id) < 0)
			continue;
		some = grants_on(lines, account->id);
		if (some.len == 0)
			continue;
		for (; at > 0 && out[at - 1].ptr > some.ptr; at--)
			out[at] = out[at - 1];
		out[at] = some;
		count++;
	}
	return count;
}

bool
record_read_grants_on(const struct record *record, struct arena *arena,
    const struct account *account, struct member *out, struct err *err)
{
	struct lines_in in = lines_read(record, arena);
	struct str some[TREE_DEPTH_MAX];
	size_t count = grants_on_chain(
	    behind(in.left, line_end(in.left, 0)), account, some);
	size_t lines = 0;
	struct grant *grants;

	for (size_t i = 0; i < count; i++) {
		in.left = some[i];
		lines += lines_left(&in);
	}
	grants = grants_new(&in, lines);
	if (grants == NULL)
		return lines_fail(&in, err);
	out->grant_count = 0;
	for (size_t i = 0; i < count; i++) {
		in.left = some[i];
		if (!grants_read(&in, grants, &out->grant_count))
			return lines_fail(&in, err);
	}
	out->grants = grants;
	return true;
}

/* --- Account, with its chain ---------------------------------------------- */

static void
account_write(struct lines_out *out, const struct account *account)
{
	if (account->kind == ACCOUNT_KIND_NONE ||
	    account->status == ACCOUNT_STATUS_NONE)
		out->refused = true;
	out_kind(out, STR("account"));
	out_text(out, account->id);
	out_word(out, account_kind_word(account->kind));
	out_text(out, account->level);
	out_word(out, account_status_word(account->status));
	out_text(out, account->owner);
	out_text(out, account->catalogue);
	out_names(out, account->licences);
	out_end(out);
}

struct str
record_account(struct arena *arena, const struct record_key *key,
    struct str name, const struct account *account)
{
	struct lines_out out = { .arena = arena };
	int64_t newest = 0;

	if (account_root(account) == NULL)
		return (struct str){ NULL, 0 };
	for (const struct account *at = account; at != NULL; at = at->parent) {
		account_write(&out, at);
		if (at->changed > newest)
			newest = at->changed;
		if (at->parent_id.len == 0)
			break;
	}
	return sealed(&out, key, name, newest);
}

static bool
account_read(struct lines_in *in, struct account *out)
{
	struct str kind;
	struct str status;

	if (!in_kind(in, STR("account")) ||
	    !in_text(in, 1, ACCOUNT_ID_MAX, &out->id) ||
	    !in_text(in, 1, LEVEL_NAME_MAX, &kind) ||
	    !in_text(in, 0, LEVEL_NAME_MAX, &out->level) ||
	    !in_text(in, 1, LEVEL_NAME_MAX, &status) ||
	    !in_text(in, 0, USERNAME_MAX, &out->owner) ||
	    !in_text(in, 0, CATALOGUE_NAME_MAX, &out->catalogue) ||
	    !in_names(in, LICENCES_MAX, LICENCE_NAME_MAX, &out->licences))
		return false;
	out->kind = account_kind_from(kind);
	out->status = account_status_from(status);
	out->changed = in->record->generation;
	return in_end(in) && out->kind != ACCOUNT_KIND_NONE &&
	       out->status != ACCOUNT_STATUS_NONE;
}

bool
record_read_account(const struct record *record, struct arena *arena,
    const struct account **out, struct err *err)
{
	struct lines_in in = lines_read(record, arena);
	size_t count = lines_left(&in);
	struct account *chain;

	if (count == 0 || count > TREE_DEPTH_MAX)
		return lines_fail(&in, err);
	chain = ARENA_ARRAY(arena, struct account, count);
	if (chain == NULL) {
		in.no_memory = true;
		return lines_fail(&in, err);
	}
	for (size_t i = 0; i < count; i++) {
		if (!account_read(&in, &chain[i]))
			return lines_fail(&in, err);
		if (i == 0)
			continue;
		chain[i - 1].parent = &chain[i];
		chain[i - 1].parent_id = chain[i].id;
	}
	if (!is_about(record, RECORD_ACCOUNT, chain[0].id))
		return lines_fail(&in, err);
	*out = chain;
	return true;
}

/* --- Session -------------------------------------------------------------- */

struct str
record_session_text(struct arena *arena, const struct record_key *key,
    struct str name, const struct record_session *session, int64_t generation)
{
	struct lines_out out = { .arena = arena };

	out_kind(&out, STR("session"));
	out_text(&out, session->username);
	out_text(&out, session->account);
	out_number(&out, session->expires_s);
	out_end(&out);
	return sealed(&out, key, name, generation);
}

bool
record_read_session(
    const struct record *record, struct record_session *out, struct err *err)
{
	struct lines_in in = lines_read(record, NULL);
	struct record_session session = { 0 };

	if (!in_kind(&in, STR("session")) ||
	    !in_text(&in, 1, USERNAME_MAX, &session.username) ||
	    !in_text(&in, 0, ACCOUNT_ID_MAX, &session.account) ||
	    !in_number(&in, &session.expires_s) || !in_end(&in) ||
	    !lines_done(&in))
		return lines_fail(&in, err);
	*out = session;
	return true;
}

/* --- Token ---------------------------------------------------------------- */

struct str
record_token_text(struct arena *arena, const struct record_key *key,
    struct str name, const struct record_token *token, int64_t generation)
{
	struct lines_out out = { .arena = arena };

	out_kind(&out, STR("token"));
	out_text(&out, token->username);
	out_number(&out, token->expires_s);
	out_names(&out, token->accounts);
	out_names(&out, token->permissions);
	out_names(&out, token->addresses);
	out_end(&out);
	return sealed(&out, key, name, generation);
}

bool
record_read_token(const struct record *record, struct arena *arena,
    struct record_token *out, struct err *err)
{
	struct lines_in in = lines_read(record, arena);
	struct record_token token = { 0 };

	if (!in_kind(&in, STR("token")) ||
	    !in_text(&in, 1, USERNAME_MAX, &token.username) ||
	    !in_number(&in, &token.expires_s) ||
	    !in_names(&in, TOKEN_SCOPE_MAX, ACCOUNT_ID_MAX, &token.accounts) ||
	    !in_names(&in, TOKEN_SCOPE_MAX, PERMISSION_NAME_MAX,
		&token.permissions) ||
	    !in_names(&in, TOKEN_ADDRESSES_MAX, TOKEN_ADDRESS_MAX,
		&token.addresses) ||
	    !in_end(&in) || !lines_done(&in))
		return lines_fail(&in, err);
	*out = token;
	return true;
}

/* --- Generation and heartbeat --------------------------------------------- */

struct str
record_generation(struct arena *arena, const struct record_key *key,
    struct str name, int64_t generation, struct str hash)
{
	struct lines_out out = { .arena = arena };

	out_kind(&out, STR("number"));
	out_number(&out, generation);
	out_text(&out, hash);
	out_end(&out);
	return sealed(&out, key, name, generation);
}

struct str
record_number(struct arena *arena, const struct record_key *key,
    struct str name, int64_t number)
{
	return record_generation(arena, key, name, number, STR(""));
}

bool
record_read_generation(const struct record *record, int64_t *out,
    struct str *hash, struct err *err)
{
	struct lines_in in = lines_read(record, NULL);
	struct str text;
	int64_t number;

	if (!in_kind(&in, STR("number")) || !in_number(&in, &number) ||
	    number != record->generation || !in_text(&in, 0, MAC_HEX, &text) ||
	    !in_end(&in) || !lines_done(&in))
		return lines_fail(&in, err);
	*out = number;
	*hash = text;
	return true;
}

bool
record_read_number(const struct record *record, int64_t *out, struct err *err)
{
	struct str hash;

	return record_read_generation(record, out, &hash, err);
}
