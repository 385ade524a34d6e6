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


def case(ids, title, ends=False):
    """Refusing is easy for who refuses everybody, or is dead: unless it `ends`
    the backend, those who may have to get in after a case."""
    def add(run):
        def whole(site):
            seen = run(site)
            if not ends:
                answers(site)
            return seen
        CASES.append((ids, title, whole))
        return run
    return add


def allowed(site, target, user):
    answer = site.ask(target, user)
    return answer.reached and answer.status == 200


def answers(site):
    for user, target in (("editor", "/admin/x"), ("viewer", "/x")):
        if not allowed(site, target, user):
            raise Fail("%s does not get in on %s" % (user, target))


def may(user, target):
    return user == "editor" or (user == "viewer" and target == "/x")


def fault(site, answer, user, target):
    """What is wrong with it, or None. A no is an answer that says so, and a
    yes tells the application who it is."""
    if may(user, target):
        right = answer.reached and answer.status == 200
        who = answer.told(site.backend.identity[0]) if right else [user]
        if who != [user]:
            return "%s on %s was %s" % (user, target, who)
    else:
        right = not answer.reached and answer.status in range(300, 500)
    return None if right else "%s on %s: %s" % (user or "nobody", target,
                                                answer)


def refused(site, targets, user="viewer", **more):
    """None of these may reach the application, and each is answered."""
    open_ = []
    for target in targets:
        answer = site.ask(target, user, **more)
        if (answer.reached or answer.status == 0
                or answer.status in range(200, 300)):
            open_.append("%s: %s" % (target, answer))
    if open_:
        raise Fail("; ".join(open_))
    return "%d refused" % len(targets)


def needs(site, *names):
    for name in names:
        if getattr(site.backend, name, None) is None:
            raise Skip("the backend does not offer %s" % name)


# --- First: it works at all ----------------------------------------------------

@case("-", "an editor reaches both, a viewer one, nobody none")
def works(site):
    for user in ("editor", "viewer", None):
        for target in ("/x", "/admin/x"):
            wrong = fault(site, site.ask(target, user), user, target)
            if wrong:
                raise Fail(wrong)
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
    for lines in [[one] for one in LIES] + [LIES]:
        refused(site, ["/admin/x"], headers=lines)
        refused(site, ["/x", "/admin/x"], None, headers=lines)
    return "%d headers" % len(LIES)


def spelled(name):
    return [name, name.lower(), name.replace("-", "_"), name.upper()]


@case("W2", "identity headers of a client give nobody an identity")
def claimed(site):
    names = set(site.backend.identity) | {"Remote-User", "X-Remote-User",
                                          "X-Forwarded-User"}
    forms = [["%s: editor" % one] for name in sorted(names)
             for one in spelled(name)]
    for lines in forms + [sum(forms, [])]:
        refused(site, ["/x", "/admin/x"], None, headers=lines)
        refused(site, ["/admin/x"], "viewer", headers=lines)
    return "%d headers" % len(forms)


@case("T38", "identity headers of a client do not reach the application")
def forged(site):
    got = []
    for name in site.backend.identity:
        for one in spelled(name):
            answer = site.ask("/x", "viewer", ["%s: forged" % one])
            if answer.status == 200 and "forged" in str(answer.told(name)):
                got.append(one)
    if got:
        raise Fail("reached it: " + ", ".join(got))
    return "%d names" % len(site.backend.identity)


def cookies(site, *users):
    lines = [site.headers(user) for user in users]
    if not all(len(one) == 1 and one[0].startswith("Cookie: ")
               for one in lines):
        raise Skip("the backend has no cookies")
    return [one[0][len("Cookie: "):] for one in lines]


@case("T39", "the cookies of two sessions, and one in another spelling")
def two_cookies(site):
    a, b = cookies(site, "viewer", "editor")
    name, _, value = b.partition("=")
    for one in ("%s; %s" % (a, b), "%s; %s" % (b, a),
                "%s=%s" % (name.swapcase(), value),
                "%s =%s" % (name, value), '%s="%s"' % (name, value)):
        refused(site, ["/admin/x"], None, headers=["Cookie: " + one])
    return refused(site, ["/admin/x"], None,
                   headers=["Cookie: " + a, "Cookie: " + b])


@case("T40", "a session cookie that is malformed")
def malformed(site):
    name = cookies(site, "editor")[0].partition("=")[0]
    for value in ("", "x", "A" * 43, "A" * 5000, "%00", "../../x", "'or'1",
                  "\xff\xfe", "{}", "null", "*"):
        refused(site, ["/x", "/admin/x"], None,
                headers=["Cookie: %s=%s" % (name, value)])
    return "11 values refused"


@case("T41", "headers that are not well formed")
def headers(site):
    for lines in (["Authorization: a", "Authorization: b"],
                  ["Content-Length: 5", "Transfer-Encoding: chunked"],
                  ["X-A : b"]):
        refused(site, ["/admin/x"], "viewer", headers=lines)
        refused(site, ["/x"], None, headers=lines)
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
    if answer.reached or answer.status not in range(300, 500):
        raise Fail("%s after %.1f s" % (answer, time.monotonic() - began))
    return str(answer.status)


# --- Under load ----------------------------------------------------------------------

ANY = [(user, target) for user in ("viewer", "editor")
       for target in ("/x", "/admin/x")]


def load(site, asked, threads, requests=10**9, meanwhile=None, of=ANY):
    """Calls asked(answer, user, target) for each answer, until `requests` of
    each thread are over or `meanwhile` is. A thread that dies is a failure."""
    stop = threading.Event()
    died = []

    def run(seed):
        dice = random.Random(seed)
        try:
            for _ in range(requests):
                if stop.is_set():
                    return
                user, target = dice.choice(of)
                asked(site.ask(target, user), user, target)
        except Exception as why:
            died.append("%s: %s" % (type(why).__name__, why))
    running = [threading.Thread(target=run, args=(n,), daemon=True)
               for n in range(threads)]
    for one in running:
        one.start()
    try:
        if meanwhile is not None:
            meanwhile()
            stop.set()
        for one in running:
            one.join()
    finally:
        stop.set()
    if died:
        raise Fail("%d of %d threads died: %s" % (len(died), threads, died[0]))


@case("T30", "interleaved requests of two people: no answer is another's")
def crossed(site):
    got = []
    load(site, lambda *answer: got.append(fault(site, *answer)), 8, 200)
    wrong = [one for one in got if one is not None]
    if wrong or len(got) != 1600:
        raise Fail("%d wrong of %d%s" % (
            len(wrong), len(got), ", as " + wrong[0] if wrong else ""))
    return "1,600 requests"


@case("W4 T26", "workers that are killed under load let nobody in, none fails")
def killed(site):
    needs(site, "kill_worker")
    counts = {"asked": 0, "open": 0, "failed": 0}
    lock = threading.Lock()

    def asked(answer, user, target):
        with lock:
            counts["asked"] += 1
            counts["open"] += answer.reached and not may(user, target)
            counts["failed"] += fault(site, answer, user, target) is not None

    def kill():
        for _ in range(10):
            time.sleep(0.3)
            site.backend.kill_worker()
        time.sleep(0.3)
    load(site, asked, 4, meanwhile=kill)
    said = "%(asked)d asked, %(open)d got in, %(failed)d failed" % counts
    if counts["open"] or counts["failed"] or counts["asked"] < 100:
        raise Fail(said)
    return said


# --- Taking away -----------------------------------------------------------------------

def gone_within(site, seconds, take, of):
    """Four connections ask, so that several workers have to answer. It is over
    when for a second nobody got in; the last who did is what counts, from
    the moment before `take`."""
    for user, target in of:
        if not allowed(site, target, user):
            raise Fail("%s did not get in on %s before" % (user, target))
    last = 0.0  # when somebody got in
    unanswered = []

    def asked(answer, user, target):
        nonlocal last
        if answer.reached:
            last = max(last, time.monotonic())
        elif answer.status == 0:
            unanswered.append("%s on %s: %s" % (user, target, answer))
    began = time.monotonic()

    def over():
        now = time.monotonic()
        return now > max(last, began + 1) + 1 or now > began + seconds + 5

    def taking():
        take()
        while not over():
            time.sleep(0.02)
    load(site, asked, 4, meanwhile=taking, of=of)
    if unanswered:
        raise Fail(unanswered[0])
    took = max(0.0, last - began)
    if took > seconds:
        raise Fail("let in for %.1f s" % took)
    return "%.2f s" % took


@case("T51", "a right that is taken away is gone within a second")
def revoked(site):
    needs(site, "revoke")
    return gone_within(site, 1, lambda: site.backend.revoke("leaver"),
                       [("leaver", "/admin/x")])


@case("W10", "a session that is ended is gone within a second")
def ended(site):
    needs(site, "end_session")
    return gone_within(site, 1, lambda: site.backend.end_session("visitor"),
                       [("visitor", "/x")])


@case("T28 W5", "its store is gone: refused within five seconds, and back alone")
def store(site):
    needs(site, "store_stop", "store_start")
    try:
        said = gone_within(site, 5, site.backend.store_stop,
                           [("viewer", "/x"), ("editor", "/admin/x")])
        refused(site, ["/x", "/admin/x"], "editor")
        refused(site, ["/admin/x"], "viewer")
        refused(site, ["/x"], None)
    finally:
        site.backend.store_start()
    if not until(lambda: all(allowed(site, "/x", "viewer")
                             for _ in range(5)), 15):
        raise Fail("not back after 15 s")
    return "%s, and back" % said


# --- Last: something else in its place -------------------------------------------------

# For a FastCGI and for an HTTP server.
WRONG = ["Status: 200 OK\\r\\n\\r\\n", "Content-Type: text/html\\r\\n\\r\\n",
         "\\r\\n", "Status: 204\\r\\n\\r\\n", "Status: 299\\r\\n\\r\\n",
         "Status: 200\\r\\nStatus: 403\\r\\n\\r\\n", "close", "cut",
         "Status: 500\\r\\n\\r\\n", "Status: abc\\r\\n\\r\\n"]
WRONG_HTTP = ["HTTP/1.1 %s\\r\\nContent-Length: 0\\r\\n\\r\\n" % status
              for status in ("200 OK", "204 No Content", "299 x", "500 x",
                             "abc")] + [
    "HTTP/1.0 200 OK\\r\\n\\r\\n<h1>Welcome</h1>", "HTTP/1.1 2", "yes\\n",
    "\\r\\n", "close"]


@case("T25", "it is stopped: nobody gets in", ends=True)
def stopped(site):
    answers(site)
    site.backend.stop()
    refused(site, ["/x", "/admin/x"], "editor")
    return refused(site, ["/x", "/admin/x"], None)


@case("T31 T32", "a wrong server on its socket lets nobody in", ends=True)
def wrong(site):
    backend = site.backend
    if getattr(backend, "http_socket", None):
        kind, address, texts = ["--http"], backend.http_socket, WRONG_HTTP
    elif backend.socket:
        kind, address, texts = [], backend.socket, WRONG
    else:
        raise Skip("the backend has neither socket nor http_socket")
    backend.stop()
    seen = site.path("seen")
    open_ = []
    for text in texts:
        server = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "..", "system",
                                          "fake-gate.py"),
             *kind, address, text, seen], stdin=subprocess.DEVNULL)

        # nginx may leave an address alone for ten seconds after a failure.
        def asked():
            if site.ask("/x", None).reached or site.ask(
                    "/admin/x", "viewer").reached:
                open_.append(text)
            return os.path.exists(seen)
        try:
            if not until(asked, 15, 0.1):
                raise Fail("nginx did not ask the server at " + address)
            os.unlink(seen)
        finally:
            server.terminate()
            server.wait()
    if open_:
        raise Fail("got in with: " + " | ".join(sorted(set(open_))))
    return "%d answers" % len(texts)
