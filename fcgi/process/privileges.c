#include "fcgi/process/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fcgi/process/say.h"

static bool
is_user(const struct passwd *user)
{
	uid_t real;
	uid_t effective;
	uid_t saved;
	gid_t real_group;
	gid_t effective_group;
	gid_t saved_group;

	return getresuid(&real, &effective, &saved) == 0 &&
	       getresgid(&real_group, &effective_group, &saved_group) == 0 &&
	       real == user->pw_uid && effective == user->pw_uid &&
	       saved == user->pw_uid && real_group == user->pw_gid &&
	       effective_group == user->pw_gid && saved_group == user->pw_gid;
}

static bool
user_become(const char *name, const char *section, struct err *err)
{
	const struct passwd *user = getpwnam(name);

	if (user == NULL)
		return err_set(err, ERR_FILE, "run_user",
		    "%s.user: there is no user %s", section, name);
	if (initgroups(name, user->pw_gid) != 0 ||
	    setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0)
		return err_set(err, ERR_REACH, "run_user",
		    "%s.user: cannot become %s: %s", section, name,
		    strerror(errno));
	if (!is_user(user) || (user->pw_uid != 0 && setuid(0) == 0))
		return err_set(err, ERR_REACH, "run_user",
		    "%s.user: did not become %s for good", section, name);
	return true;
}

/* What is given up before anything is read from the network: the rights of
 * root, the way back to them, and the dump of our memory, which holds the
 * key. */
bool
privileges_drop(const char *section, struct str user, struct err *err)
{
	const struct rlimit none = { 0, 0 };

	if (geteuid() == 0 && user.len > 0 &&
	    !user_become(user.ptr, section, err))
		return false;
	if (geteuid() == 0)
		say("run_as_root",
		    "serves as root, which it need not; set %s.user", section);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 &&
	    setrlimit(RLIMIT_CORE, &none) == 0)
		return true;
	return err_set(err, ERR_BUG, "run_harden",
	    "the kernel does not take privileges away: %s", strerror(errno));
}
