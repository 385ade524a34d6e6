#include "fcgi/web/sign_in.h"

#include <sodium.h>
#include <string.h>

#include "fcgi/web/attempts.h"
#include "model/password.h"
#include "store/credential.h"
#include "sync/directory.h"
#include "sync/dn.h"

/* --- The directory -------------------------------------------------------- */

static const struct source *
source_of(const struct web *web, const struct member *member, struct str *id)
{
	const struct mapping *mapping = &web->setup->mapping;

	for (size_t s = 0; s < mapping->count; s++)
		for (size_t i = 0; i < member->identity_count; i++)
			if (str_eq(mapping->sources[s].name,
				member->identities[i].source)) {
				*id = member->identities[i].external_id;
				return &mapping->sources[s];
			}
	return NULL;
}

/* The one entry of that id; its DN is what it is now. */
static bool
entry_find(struct web *web, struct directory *directory,
    const struct source *source, struct str id, struct str *dn, struct err *err)
{
	const struct str attributes[] = { source->people.id };
	struct str one = filter_equals(&web->arena, source->people.id, id);
	struct entries found = { 0 };
	const struct search search = {
		.base = source->people.base,
		.scope = (enum search_scope)source->people.scope,
		.filter = str_fmt(&web->arena, "(&%.*s%.*s)",
		    STR_ARGS(source->people.filter), STR_ARGS(one)),
		.attributes = { attributes, 1 },
	};

	*dn = STR("");
	if (one.ptr == NULL || search.filter.ptr == NULL)
		return err_set(err, ERR_SOURCE, "no_memory",
		    "memory is out; give the process more");
	if (!directory_search(directory, &web->arena, &search, &found, err))
		return false;
	if (found.count == 1)
		*dn = found.items[0].dn;
	return true;
}

static bool
directory_knows(struct web *web, const struct source *source, struct str id,
    struct str password, bool *out, struct err *err)
{
	struct directory *directory = NULL;
	struct str dn = STR("");
	bool ok;

	*out = false;
	ok = directory_open(&directory, &source->directory, err) &&
	     entry_find(web, directory, source, id, &dn, err) &&
	     directory_password_is(directory, dn, password, out, err);
	directory_close(directory);
	return ok;
}

/* --- Who it is ------------------------------------------------------------ */

static bool
bad_sign_in(struct err *err)
{
	return err_set(err, ERR_REFUSED, "bad_sign_in",
	    "sign-in: name and password do not belong together; try again");
}

bool
local_password_is(struct web *web, struct str member_id, struct str password,
    struct str *hash, bool *out, struct err *err)
{
	*hash = STR("");
	if (member_id.len > 0 && store_password(web->store, &web->arena,
				     member_id, hash, err) == FOUND_ERROR)
		return false;
	*out = password_verify(*hash, password);
	return true;
}

/* CASES A8: whoever is not in the directory is looked for there as if they
 * were, so that an answer comes as late for a name that does not exist, and is
 * the same while the directory fails. It is asked about nobody, with a password
 * that is nobody's. */
static bool
directory_pretend(struct web *web, struct err *err)
{
	const struct source *source = &web->setup->mapping.sources[0];
	struct directory *directory = NULL;
	struct str dn = STR("");
	bool never;
	bool ok = directory_open(&directory, &source->directory, err) &&
		  entry_find(web, directory, source, STR("nobody"), &dn, err) &&
		  directory_password_is(directory, source->people.base,
		      STR("nobody's"), &never, err);

	directory_close(directory);
	return ok;
}

/* *hash is that of the password where it is ours, else empty. */
static bool
proves(struct web *web, const struct sign_in *asked, struct member *member,
    struct str *hash, bool *out, struct err *err)
{
	const struct config_web *config = &web->setup->config.web;
	bool directory = config->directory && web->setup->mapping.count > 0;
	const struct source *source;
	struct str local = STR("");
	struct str id = STR("");

	switch (store_member(
	    web->store, &web->arena, asked->username, member, err)) {
	case FOUND_ERROR:
		return false;
	case FOUND_NO:
		*member = (struct member){ 0 };
		break;
	case FOUND_YES:
		break;
	}
	source = directory ? source_of(web, member, &id) : NULL;
	if (source == NULL && config->passwords)
		local = member->id;
	if (!local_password_is(web, local, asked->password, hash, out, err))
		return false;
	if (source != NULL)
		return directory_knows(
		    web, source, id, asked->password, out, err);
	/* Who has proved it is let in, whether the directory answers or not. */
	return !directory || directory_pretend(web, err) || *out;
}

/* --- The session ---------------------------------------------------------- */

static bool
session_make(struct admin *admin, struct str username,
    const struct caller *before, const struct session_limits *limits,
    struct signed_in *out, struct err *err)
{
	struct str token = STR("");

	if (before->proof == PROOF_SESSION &&
	    !admin_session_remove(admin, before->session.digest, err))
		return false;
	if (!admin_session_add(admin, username, STR(""), limits, &token, err))
		return false;
	memcpy(out->token, token.ptr, TOKEN_LEN);
	out->token[TOKEN_LEN] = '\0';
	return true;
}

/* Between the proof and the session the password may have been changed, which
 * ended all sessions that the old one had opened. */
static bool
still_proves(struct web *web, const struct proven *proof, struct err *err)
{
	struct member member = { 0 };
	struct str hash = STR("");

	if (proof->member_id.len == 0)
		return true;
	if (store_member(web->store, &web->arena, proof->username, &member,
		err) == FOUND_ERROR ||
	    (proof->hash.len > 0 &&
		store_password(web->store, &web->arena, proof->member_id, &hash,
		    err) == FOUND_ERROR))
		return false;
	return (str_eq(member.id, proof->member_id) &&
		   str_eq(hash, proof->hash)) ||
	       bad_sign_in(err);
}

bool
session_open(struct web *web, const struct proven *proof,
    const struct caller *before, struct signed_in *out, struct err *err)
{
	const struct config_web *config = &web->setup->config.web;
	const struct session_limits limits = {
		.lifetime_s = config->session_s,
		.idle_s = config->idle_s,
	};
	struct admin admin;

	out->lifetime_s = config->session_s;
	if (!web_begin_system(web, &admin, err))
		return false;
	if (!still_proves(web, proof, err) ||
	    !session_make(&admin, proof->username, before, &limits, out, err)) {
		admin_abort(&admin);
		return false;
	}
	if (!admin_commit(&admin, err))
		return false;
	web_publish(web);
	return true;
}

bool
sign_in(struct web *web, const struct sign_in *asked,
    const struct caller *before, struct signed_in *out, struct err *err)
{
	struct member member = { 0 };
	struct proven proof;
	bool right = false;

	if (!attempt_count(web, asked->username, asked->address, err) ||
	    !proves(web, asked, &member, &proof.hash, &right, err))
		return false;
	if (!right || member.status != MEMBER_ACTIVE)
		return bad_sign_in(err);
	proof.username = member.username;
	proof.member_id = member.id;
	return attempt_forget(web, asked->username, asked->address, err) &&
	       session_open(web, &proof, before, out, err);
}
