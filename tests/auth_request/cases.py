"""The cases. Each gets a Site, raises Fail or Skip, or says what it saw.

`viewer` may everything below / but not /admin/; `editor` may both. What counts
is whether the application was reached, whatever the client was told."""
import os
import random
import subprocess
import sys
import threading
import time

from site_under_test import until

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = []


class Fail(Exception):
    pass


class Skip(Exception):
    pass


def case(ids, title):
    def add(run):
        CASES.append((ids, title, run))
        return run
    return add


def refused(site, targets, user="viewer", **more):
    """None of these may reach the application."""
    open_ = []
    for target in targets:
        answer = site.ask(target, user, **more)
        if answer.reached or answer.status in range(200, 300):
            open_.append("%s: %s" % (target, answer))
    if open_:
        raise Fail("; ".join(open_))
    return "%d refused" % len(targets)


def needs(site, *names):
    for name in names:
        if getattr(site.backend, name, None) is None:
            raise Skip("the backend does not offer %s" % name)


def allowed(site, target, user):
    answer = site.ask(target, user)
    return answer.reached and answer.status == 200


# --- First: it works at all ----------------------------------------------------

@case("-", "an editor reaches both, a viewer one, nobody none")
def works(site):
    for user, target, want in (("editor", "/x", True),
                               ("editor", "/admin/x", True),
                               ("viewer", "/x", True),
                               ("viewer", "/admin/x", False),
                               (None, "/x", False), (None, "/admin/x", False)):
        answer = site.ask(target, user)
        if answer.reached != want:
            raise Fail("%s on %s: %s" % (user or "nobody", target, answer))
    return "as it should be"


# --- Paths ---------------------------------------------------------------------

@case("T1", "eight spellings of /admin/ that nginx routes there")
def spellings(site):
    return refused(site, [
        "//admin/x", "/./admin/x", "/pub/../admin/x", "/pub/%2e%2e/admin/x",
        "/pub/..%2fadmin/x", "/pub%2f..%2fadmin/x", "/%61dmin/x",
        "/admin%2fx"])


@case("T2", "a path that is escaped twice")
def twice(site):
    return refused(site, ["/pub/%252e%252e/admin/x", "/%2561dmin/x"])


@case("T3", "a semicolon, which application servers strip")
def semicolon(site):
    return refused(site, ["/admin;/x", "/admin;a=b/x", "/pub/..;/admin/x"])


@case("T4", "a backslash")
def backslash(site):
    return refused(site, ["/admin\\x", "/pub\\..\\admin/x"])


@case("T6", "a trailing dot or blank, a newline, overlong UTF-8")
def odd(site):
    return refused(site, ["/admin./x", "/admin%20/x", "/admin%0a/x",
                          "/pub%c0%afadmin/x"])


@case("T7", "a semicolon and dot segments together")
def dots(site):
    return refused(site, ["/admin/x;/../y", "/admin/."])


@case("T8", "NUL, broken escapes, 9,000 bytes")
def broken(site):
    return refused(site, ["/admin%00/x", "/admin/%zz", "/admin/%",
                          "/admin/" + "a" * 9000])


@case("T10", "another path in the query, a fragment in the target")
def query(site):
    return refused(site, ["/admin/x?path=/x", "/admin/x?/../../x",
                          "/admin/x#/x"])


@case("T11", "a target with a host of its own")
def absolute(site):
    return refused(site, ["http://evil.test/admin/x"])


@case("T23", "the location that asks, asked by a client")
def location(site):
    at = site.backend.location
    for target in (at, "/%%%02x" % ord(at[1]) + at[2:]):
        answer = site.ask(target, "editor")
        if answer.status != 404:
            raise Fail("%s: %s" % (target, answer))
    return "404"


# --- Who it is -------------------------------------------------------------------

LIES = ["X-Original-URL: /x", "X-Original-URI: /x", "X-Forwarded-Uri: /x",
        "X-Forwarded-Prefix: /x", "X-Rewrite-URL: /x", "X-Original-Method: GET",
        "X-Forwarded-Method: GET", "X-Forwarded-Host: other.test",
        "X-HTTP-Method-Override: GET", "Forwarded: for=127.0.0.1",
        "User-Agent: kube-probe/1.0"]


@case("W2 T35", "headers that name another path, method or host")
def lies(site):
    refused(site, ["/admin/x"], headers=LIES)
    return refused(site, ["/x", "/admin/x"], None, headers=LIES)


def spelled(name):
    return [name, name.lower(), name.replace("-", "_"), name.upper()]


@case("W2", "identity headers of a client give nobody an identity")
def claimed(site):
    names = set(site.backend.identity) | {"Remote-User", "X-Remote-User",
                                          "X-Forwarded-User"}
    return refused(site, ["/x", "/admin/x"], None, headers=[
        "%s: editor" % one for name in names for one in spelled(name)])


@case("T38", "identity headers of a client do not reach the application")
def forged(site):
    got = []
    for name in site.backend.identity:
        for one in spelled(name):
            answer = site.ask("/x", "viewer", ["%s: forged" % one])
            if answer.status == 200 and "forged" in answer.told(name):
                got.append(one)
    if got:
        raise Fail("reached it: " + ", ".join(got))
    return "%d names" % len(site.backend.identity)


@case("T39", "the cookies of two sessions, and one in another spelling")
def two_cookies(site):
    viewer, editor = (site.headers(u) for u in ("viewer", "editor"))
    if not all(h.startswith("Cookie: ") for h in viewer + editor):
        raise Skip("the backend has no cookies")
    a, b = viewer[0][8:], editor[0][8:]
    name, _, value = b.partition("=")
    for one in ("%s; %s" % (a, b), "%s; %s" % (b, a),
                "%s=%s" % (name.swapcase(), value),
                "%s =%s" % (name, value), '%s="%s"' % (name, value)):
        refused(site, ["/admin/x"], None, headers=["Cookie: " + one])
    return refused(site, ["/admin/x"], None,
                   headers=["Cookie: " + a, "Cookie: " + b])


@case("T40", "a session cookie that is malformed")
def malformed(site):
    name = site.headers("editor")[0].partition("=")[0]
    for value in ("", "x", "A" * 43, "A" * 5000, "%00", "../../x", "'or'1",
                  "\xff\xfe", "{}", "null", "*"):
        refused(site, ["/x", "/admin/x"], None,
                headers=["%s=%s" % (name, value)])
    return "11 values refused"


@case("T41", "headers that are not well formed")
def headers(site):
    for lines in (["Authorization: a", "Authorization: b"],
                  ["Content-Length: 5", "Transfer-Encoding: chunked"],
                  ["X-A : b"]):
        answer = site.ask("/admin/x", None, lines)
        if answer.reached:
            raise Fail("%s: %s" % (lines, answer))
    return "refused"


# --- Methods -----------------------------------------------------------------------

@case("T44 T45", "HEAD, OPTIONS with a preflight's headers, unknown methods")
def methods(site):
    preflight = ["Origin: https://evil.test",
                 "Access-Control-Request-Method: GET"]
    for method in ("HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH",
                   "PROPFIND", "TRACE", "FOO"):
        refused(site, ["/admin/x"], "viewer", method=method,
                headers=preflight)
        refused(site, ["/x"], None, method=method, headers=preflight)
    return "9 methods"


@case("T48", "nobody is told to sign in: 401, or the way there")
def sign_in(site):
    answer = site.ask("/x", None)
    if answer.reached or answer.status not in (401, 302, 303, 307):
        raise Fail(str(answer))
    return str(answer.status)


@case("T49", "a large upload is refused before it is read")
def upload(site):
    began = time.monotonic()
    answer = site.ask("/admin/x", "viewer", ["Content-Length: 900000"],
                      method="POST", body=b"a" * 100, seconds=10)
    if answer.reached or answer.status == 0:
        raise Fail("%s after %.1f s" % (answer, time.monotonic() - began))
    return str(answer.status)


# --- Under load ----------------------------------------------------------------------

def load(site, asked, threads, requests, stop=None):
    """Calls asked(answer, user, target) for each answer."""
    def run(seed):
        dice = random.Random(seed)
        for _ in range(requests):
            if stop is not None and stop.is_set():
                return
            user = dice.choice(["viewer", "editor"])
            target = dice.choice(["/x", "/admin/x"])
            asked(site.ask(target, user), user, target)
    running = [threading.Thread(target=run, args=(n,)) for n in range(threads)]
    for one in running:
        one.start()
    return running


@case("T30", "interleaved requests of two people: no answer is another's")
def crossed(site):
    wrong = []

    def asked(answer, user, target):
        if user == "viewer" and target == "/admin/x":
            if answer.reached:
                wrong.append("%s on %s: %s" % (user, target, answer))
        elif answer.status != 200:
            wrong.append("%s on %s: %s" % (user, target, answer))
        elif answer.told(site.backend.identity[0]) != [user]:
            wrong.append("%s was %s" % (user, answer.told(
                site.backend.identity[0])))
    for one in load(site, asked, 8, 200):
        one.join()
    if wrong:
        raise Fail("%d wrong, as %s" % (len(wrong), wrong[0]))
    return "1,600 requests"


@case("W4 T26", "workers that are killed under load let nobody in, none fails")
def killed(site):
    needs(site, "kill_worker")
    counts = {"asked": 0, "open": 0, "failed": 0}
    lock = threading.Lock()
    stop = threading.Event()

    def asked(answer, user, target):
        no = user == "viewer" and target == "/admin/x"
        with lock:
            counts["asked"] += 1
            counts["open"] += no and answer.reached
            counts["failed"] += answer.status != (403 if no else 200)
    running = load(site, asked, 4, 100000, stop)
    for _ in range(10):
        time.sleep(0.3)
        site.backend.kill_worker()
    time.sleep(0.3)
    stop.set()
    for one in running:
        one.join()
    said = "%(asked)d asked, %(open)d got in, %(failed)d failed" % counts
    if counts["open"] or counts["failed"]:
        raise Fail(said)
    return said


# --- Taking away -----------------------------------------------------------------------

def gone_within(site, user, target, seconds):
    began = time.monotonic()
    if not until(lambda: not allowed(site, target, user), 2 * seconds + 5):
        raise Fail("still let in after %d s" % (2 * seconds + 5))
    took = time.monotonic() - began
    if took > seconds:
        raise Fail("let in for %.1f s" % took)
    return "%.2f s" % took


@case("T51", "a right that is taken away is gone within a second")
def revoked(site):
    needs(site, "revoke")
    site.backend.revoke("leaver")
    return gone_within(site, "leaver", "/admin/x", 1)


@case("W10", "a session that is ended is gone within a second")
def ended(site):
    needs(site, "end_session")
    site.backend.end_session("visitor")
    return gone_within(site, "visitor", "/x", 1)


@case("T28 W5", "its store is gone: refused within five seconds, and back alone")
def store(site):
    needs(site, "store_stop", "store_start")
    site.backend.store_stop()
    try:
        if not until(lambda: not allowed(site, "/x", "viewer"), 5):
            raise Fail("still let in after 5 s")
        refused(site, ["/x"] * 5, "editor")
        if site.ask("/admin/x", "viewer").reached:
            raise Fail("a viewer got in")
    finally:
        site.backend.store_start()
    if not until(lambda: allowed(site, "/x", "viewer"), 15):
        raise Fail("not back after 15 s")
    return "refused, and back"


# --- Last: something else in its place -------------------------------------------------

WRONG = ["Status: 200 OK\\r\\n\\r\\n", "Content-Type: text/html\\r\\n\\r\\n",
         "\\r\\n", "Status: 204\\r\\n\\r\\n", "Status: 299\\r\\n\\r\\n",
         "Status: 200\\r\\nStatus: 403\\r\\n\\r\\n", "close", "cut",
         "Status: 500\\r\\n\\r\\n", "Status: abc\\r\\n\\r\\n"]


@case("T25", "it is stopped: nobody gets in")
def stopped(site):
    site.backend.stop()
    refused(site, ["/x", "/admin/x"], "editor")
    return refused(site, ["/x", "/admin/x"], None)


@case("T31 T32", "a wrong server on its socket lets nobody in")
def wrong(site):
    if site.backend.socket is None:
        raise Skip("the backend has no FastCGI socket")
    open_ = []
    for answer in WRONG:
        if os.path.exists(site.backend.socket):
            os.unlink(site.backend.socket)
        server = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "..", "system",
                                          "fake-gate.py"),
             site.backend.socket, answer], stdin=subprocess.DEVNULL)
        try:
            until(lambda: os.path.exists(site.backend.socket))
            time.sleep(0.1)
            if site.ask("/x", None).reached:
                open_.append(answer)
        finally:
            server.terminate()
            server.wait()
    if open_:
        raise Fail("got in with: " + " | ".join(open_))
    return "%d answers" % len(WRONG)
