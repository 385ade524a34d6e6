#!/usr/bin/python3
"""Sign-in, sessions, pages and invitations of rolegate-web."""
import concurrent.futures
import email
import email.policy
import json
import os
import random
import re
import socket
import sqlite3
import subprocess
import time
import unittest
import urllib.parse

import tap
from web_world import (API, BUILD, COOKIE, ORIGIN, PASSWORD, ROOT, Client,
                       World, free_port)


class Base(unittest.TestCase):
    more = {}

    def setUp(self):
        self.world = World(**self.more)
        self.addCleanup(self.world.stop)
        self.world.start()

    def refused(self, answer, status, code):
        self.assertEqual((answer.status, answer.code()), (status, code),
                         answer)

    def cookie(self, answer):
        return answer.cookies[COOKIE].value

    def client(self, answer):
        self.assertEqual(answer.status, 200, answer)
        return Client(self.world, cookie=self.cookie(answer))

    def invitation(self, email, role="full.viewer"):
        self.world.rg("invite", "add", email, role, "biz", "--yes")
        rows = self.world.rg("invite", "list", "--json")
        for row in json.loads(rows)["invitations"]:
            if row["email"] == email:
                return self.world.rg("invite", "link", row["id"],
                                     "--yes").strip()
        self.fail("no invitation")


class SignIn(Base):
    def test_sign_in(self):
        """a name and its password become a session; the cookie is Secure,
        HttpOnly, SameSite, of the host"""
        self.world.password("bob")
        answer = self.world.sign_in("BOB")
        self.assertEqual(self.client(answer).get("/me").json()["member"],
                         "bob")
        line = answer.headers["set-cookie"]
        self.assertTrue(line.startswith("__Host-rolegate="))
        for word in ("; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax",
                     "; Max-Age=43200"):
            self.assertIn(word, line)
        self.assertNotIn("Domain", line)

    def test_wrong(self):
        """A8 a wrong password, an unknown name, a member without one and one
        who is disabled are told alike"""
        self.world.password("bob")
        self.world.password("gus")
        said = {self.world.sign_in(*who).body for who in
                (("bob", "wrong wrong wrong"), ("nobody", PASSWORD),
                 ("cid", PASSWORD), ("gus", PASSWORD), ("bob", ""),
                 ("", PASSWORD), ("bob", "x" * 5000))}
        self.assertEqual(len(said), 1)
        self.assertEqual(json.loads(said.pop())["code"], "bad_sign_in")

    def test_renewed(self):
        """A6 the id is new at each sign-in, the old one is dead; an id from
        before the sign-in is never taken over"""
        self.world.password("bob")
        first = self.client(self.world.sign_in("bob"))
        again = first.send("POST", "/rolegate/sign-in", json.dumps(
            {"username": "bob", "password": PASSWORD}).encode())
        self.assertNotEqual(self.cookie(again), first.cookie)
        self.refused(first.get("/me"), 401, "no_identity")
        planted = Client(self.world, cookie="A" * 43)
        after = planted.send("POST", "/rolegate/sign-in", json.dumps(
            {"username": "bob", "password": PASSWORD}).encode())
        self.assertNotEqual(self.cookie(after), planted.cookie)
        self.refused(planted.get("/me"), 401, "no_identity")

    def test_ids(self):
        """A6 ids are 256 bits of the system's generator; the store has digests
        only"""
        tokens = set()
        for _ in range(20):
            tokens.add(self.world.rg("session", "add", "bob", "--yes").strip())
        self.assertEqual(len(tokens), 20)
        self.assertEqual({len(t) for t in tokens}, {43})
        with open(self.world.path("state.db"), "rb") as file:
            store = file.read()
        for token in tokens:
            self.assertNotIn(token.encode(), store)

    def test_sign_out(self):
        """A6 sign-out ends this session, everywhere ends all"""
        self.world.password("bob")
        here = self.client(self.world.sign_in("bob"))
        there = self.client(self.world.sign_in("bob"))
        key = here.get("/me").json()["csrf"]
        self.refused(here.send("POST", "/rolegate/sign-out", b"{}", CSRF="x"),
                     403, "csrf")
        out = here.send("POST", "/rolegate/sign-out", b"{}", CSRF=key)
        self.assertIn("Max-Age=0", out.headers["set-cookie"])
        self.refused(here.get("/me"), 401, "no_identity")
        self.assertEqual(there.get("/me").status, 200)
        third = self.client(self.world.sign_in("bob"))
        key = third.get("/me").json()["csrf"]
        third.form("/rolegate/sign-out", csrf=key, everywhere="yes")
        for client in (there, third):
            self.refused(client.get("/me"), 401, "no_identity")

    def test_ended_by_api(self):
        """the API ends one session, or all, and a new password ends all"""
        self.world.password("bob")
        one = self.client(self.world.sign_in("bob"))
        two = self.client(self.world.sign_in("bob"))
        listed = one.get("/me/sessions").json()["items"]
        self.assertEqual(len(listed), 2)
        other = [s for s in listed if not s["this"]][0]["session"]
        ann = self.world.session("ann")
        self.refused(ann.delete("/me/sessions/" + other), 404,
                     "session_unknown")
        self.assertEqual(one.delete("/me/sessions/" + other).status, 200)
        self.refused(two.get("/me"), 401, "no_identity")
        self.refused(one.put("/me/password", {
            "current": "wrong", "password": "another long password"}), 401,
            "bad_sign_in")
        self.refused(one.put("/me/password", {
            "current": PASSWORD, "password": "short"}), 400, "password_short")
        self.assertEqual(one.put("/me/password", {
            "current": PASSWORD,
            "password": "another long password"}).status, 200)
        self.refused(one.get("/me"), 401, "no_identity")
        three = self.client(
            self.world.sign_in("bob", "another long password"))
        self.assertEqual(three.delete("/me/sessions").status, 200)
        self.refused(three.get("/me"), 401, "no_identity")

    def test_old_password_in_flight(self):
        """a sign-in by the old password that waits while the new one is set
        opens no session"""
        self.world.password("bob")
        store = sqlite3.connect(self.world.path("state.db"), timeout=20,
                                isolation_level=None)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waits = pool.submit(self.world.sign_in, "bob")
            self.world.until(lambda: store.execute(
                "SELECT count(*) FROM attempts").fetchone()[0] > 0)
            # The proof goes on, by what is committed, and then waits for us.
            store.execute("BEGIN IMMEDIATE")
            time.sleep(1)
            store.execute(
                "UPDATE passwords SET hash = hash || 'x' WHERE member_id = "
                "(SELECT id FROM members WHERE username = 'bob')")
            store.execute("COMMIT")
            self.refused(waits.result(), 401, "bad_sign_in")
        self.assertEqual(store.execute(
            "SELECT count(*) FROM sessions").fetchone()[0], 0)
        store.close()

    def test_password_key(self):
        """a new password is not kept for an Idempotency-Key, not even as a
        digest"""
        self.world.password("bob")
        bob = self.client(self.world.sign_in("bob"))
        self.refused(bob.put("/me/password", {
            "current": PASSWORD, "password": "another long password"},
            IDEMPOTENCY_KEY="k1"), 400, "idempotency_key")
        self.assertEqual(self.world.sql("SELECT count(*) FROM answered"),
                         [(0,)])

    def test_guard(self):
        """P1 a foreign page signs nobody in or out, and switches no account"""
        self.world.password("bob")
        bob = self.client(self.world.sign_in("bob"))
        for origin in (None, "https://evil.example", "null",
                       ORIGIN.replace("https", "http")):
            answer = self.world.nobody().form(
                "/rolegate/sign-in", username="bob", password=PASSWORD,
                ORIGIN=origin)
            self.assertEqual(answer.status, 403)
            self.assertNotIn("set-cookie", answer.headers)
            for path in ("sign-out", "account"):
                answer = bob.form("/rolegate/" + path, ORIGIN=origin,
                                  account="biz",
                                  csrf=bob.get("/me").json()["csrf"])
                self.assertEqual(answer.status, 403)
        for body, kind in ((b"username=bob", "text/plain"),
                           (b'{"username":"bob"}', "text/plain")):
            answer = self.world.nobody().send(
                "POST", "/rolegate/sign-in", body, kind, ORIGIN=ORIGIN)
            self.assertEqual(answer.status, 415)
        self.assertEqual(bob.get("/me").status, 200)

    def test_form(self):
        """a browser signs in by the page, is told what is wrong there, and is
        led back"""
        self.world.password("bob")
        nobody = self.world.nobody()
        page = nobody.send("GET", "/rolegate/sign-in?to=/reports%3Fa%3D1")
        self.assertIn('name="to" value="/reports?a=1"', page.body.decode())
        wrong = nobody.form("/rolegate/sign-in", username='bob"><script>',
                            password="x", to="/reports", ORIGIN=ORIGIN)
        self.assertEqual(wrong.status, 401)
        self.assertNotIn("<script>", wrong.body.decode())
        self.assertIn("do not belong together", wrong.body.decode())
        right = nobody.form("/rolegate/sign-in", username="bob",
                            password=PASSWORD, to="/reports?a=1",
                            ORIGIN=ORIGIN)
        self.assertEqual((right.status, right.headers["location"]),
                         (303, "/reports?a=1"))
        bob = Client(self.world, cookie=self.cookie(right))
        self.assertEqual(bob.get("/me").json()["member"], "bob")

    def test_policy(self):
        """pages forbid scripts, frames, foreign forms and caches"""
        page = self.world.nobody().send("GET", "/rolegate/sign-in")
        policy = page.headers["content-security-policy"]
        for word in ("default-src 'none'", "form-action 'self'",
                     "frame-ancestors 'none'"):
            self.assertIn(word, policy)
        self.assertEqual(page.headers["cache-control"], "no-store")
        self.assertEqual(page.headers["referrer-policy"], "no-referrer")
        self.assertNotIn("unsafe", policy)

    def test_accounts_page(self):
        """the page of accounts lists what is reached, and switches"""
        cid = self.world.session("cid")
        page = cid.send("GET", "/rolegate/accounts").body.decode()
        self.assertIn("Sales", page)
        self.assertNotIn("Business", page)
        key = re.search('name="csrf" value="([^"]*)"', page).group(1)
        moved = cid.form("/rolegate/account", csrf=key, account="sales")
        self.assertEqual(moved.status, 303)
        self.assertEqual(cid.get("/me").json()["account"], "sales")
        self.assertEqual(
            cid.form("/rolegate/account", csrf=key, account="biz").status,
            404)
        to = self.world.nobody().send("GET", "/rolegate/accounts")
        self.assertEqual(to.headers["location"],
                         "/rolegate/sign-in?to=/rolegate/accounts")


class Limits(Base):
    more = {"web": "  attempts_max: 3\n  attempts_s: 600\n"}

    def test_attempts(self):
        """too many wrong passwords stop the right one too, also at once"""
        self.world.password("bob")
        self.world.password("cid")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            said = [a.code() for a in pool.map(
                lambda n: self.world.sign_in("bob", "wrong %d" % n),
                range(8))]
        self.assertEqual(said.count("bad_sign_in"), 3)
        self.assertEqual(said.count("too_many_attempts"), 5)
        stopped = self.world.sign_in("bob")
        self.refused(stopped, 429, "too_many_attempts")
        self.assertIn("retry-after", stopped.headers)
        self.assertEqual(self.world.sign_in("cid").status, 200)

    def test_old_password(self):
        """who sits at an unlocked screen cannot try passwords without end"""
        self.world.password("bob")
        bob = self.client(self.world.sign_in("bob"))
        for n in range(3):
            self.refused(bob.put("/me/password", {
                "current": "wrong %d" % n,
                "password": "another long password"}), 401, "bad_sign_in")
        self.refused(bob.put("/me/password", {
            "current": PASSWORD, "password": "another long password"}), 429,
            "too_many_attempts")

    def test_forgotten(self):
        """a right password forgets the wrong ones before it"""
        self.world.password("bob")
        for _ in range(3):
            self.refused(self.world.sign_in("bob", "wrong"), 401,
                         "bad_sign_in")
            self.refused(self.world.sign_in("bob", "wrong"), 401,
                         "bad_sign_in")
            self.assertEqual(self.world.sign_in("bob").status, 200)

    def test_address(self):
        """one address cannot try many names"""
        said = [self.world.sign_in("u%d" % n, "wrong").code()
                for n in range(31)]
        self.assertEqual(said, ["bad_sign_in"] * 30 + ["too_many_attempts"])


class Returns(Base):
    def test_places(self):
        """A5 only our own site and listed ones are led back to: 600 inputs"""
        hosts = ["evil.example", "app.example.org.evil.example",
                 "app.example.org@evil.example", "evil.example#app.example.org",
                 "app.example.orgx", "APP.EXAMPLE.ORG", "app.example.org:444",
                 "[::1]", "127.1", "0x7f000001", "xn--pple-43d.com", ""]
        starts = ["//", "///", "////", "/\\", "\\\\", "\\/", "/\t/", "/\n/",
                  "\t//", " //", "https://", "http://", "HTTPS://", "https:",
                  "https:/", "https:///", "https:\\\\", "ftp://", "javascript:",
                  "JaVaScRiPt:", "data:text/html,", "vbscript:", "file://",
                  "//%2f", "/%5c..//", "http:%0a//", "\r\nLocation: //",
                  "https://app.example.org@", "https://app.example.org:",
                  "https://app.example.org.", "https://user:pw@",
                  "\x00//", "\u2028//", "\uff0f\uff0f", "?//", "#//",
                  "..//", ".//", ";//", ":", "@", "%2f%2f", "%5c%5c",
                  "https%3a//", "https:app.example.org/../", "//app.example.org"
                  ".", "blob:", "about:", "mailto:", "tel:"]
        inputs = [start + host + tail for start in starts for host in hosts
                  for tail in ("", "/")]
        self.assertGreater(len(inputs), 600)
        random.Random(1).shuffle(inputs)
        own = 0
        for wanted in inputs:
            answer = self.world.nobody().send(
                "GET", "/rolegate/sign-in?to=" + urllib.parse.quote(
                    wanted, safe=""))
            self.assertEqual(answer.status, 200)
            to = re.search('name="to" value="([^"]*)"',
                           answer.body.decode()).group(1)
            if to != "/":
                own += 1
                self.assertTrue(
                    re.fullmatch(r"/([^/\\][^\\]*)?", to) or
                    re.fullmatch(r"https://app\.example\.org(/([^/\\].*)?)?",
                                 to), (wanted, to))
            self.assertNotIn("location", answer.headers)
        self.assertLess(own, len(inputs) // 4)

    def test_listed(self):
        """A5 our own address counts as a place, another one does not"""
        for wanted, to in ((ORIGIN, ORIGIN), (ORIGIN + "/a?b=c",
                                              ORIGIN + "/a?b=c"),
                           (ORIGIN + "//evil.example", "/"),
                           ("/a//b", "/a//b"), ("/" + "x" * 3000, "/")):
            page = self.world.nobody().send(
                "GET", "/rolegate/sign-in?to=" +
                urllib.parse.quote(wanted, safe="")).body.decode()
            self.assertIn('name="to" value="%s"' % to, page)

    def test_unauthorized(self):
        """T48 a browser is led to the sign-in with where it wanted to go; a
        program gets 401 as JSON"""
        nobody = self.world.nobody()
        page = nobody.send("GET", "/rolegate/unauthorized",
                           RETURN="/reports?a=1&b=%2f",
                           ACCEPT="text/html,application/xhtml+xml;q=0.9")
        self.assertEqual(
            (page.status, page.headers["location"]),
            (303, "/rolegate/sign-in?to=/reports%3Fa%3D1%26b%3D%252f"))
        page = nobody.send("GET", "/rolegate/unauthorized",
                           RETURN="//evil.example/", ACCEPT="text/html")
        self.assertEqual(page.headers["location"], "/rolegate/sign-in?to=/")
        for accept in ("*/*", "application/json", ""):
            self.refused(nobody.send("GET", "/rolegate/unauthorized",
                                     RETURN="/x", ACCEPT=accept), 401,
                         "no_identity")


class Elsewhere(Base):
    more = {"web": "  return_origins: [https://other.example.org]\n"}

    def test_listed(self):
        """A5 a listed place is led back to, and the browser lets the form"""
        self.world.password("bob")
        nobody = self.world.nobody()
        to = "https://other.example.org/a"
        page = nobody.send("GET", "/rolegate/sign-in?to=" + urllib.parse.quote(
            to, safe=""))
        self.assertIn('name="to" value="%s"' % to, page.body.decode())
        policy = page.headers["content-security-policy"].split("; ")
        self.assertIn("form-action 'self' https://other.example.org", policy)
        right = nobody.form("/rolegate/sign-in", username="bob", to=to,
                            password=PASSWORD, ORIGIN=ORIGIN)
        self.assertEqual((right.status, right.headers["location"]), (303, to))
        for other in ("https://other.example.org.evil.example/",
                      "https://evil.example/"):
            page = nobody.send("GET", "/rolegate/sign-in?to=" +
                               urllib.parse.quote(other, safe=""))
            self.assertIn('name="to" value="/"', page.body.decode())


class Invitations(Base):
    def join(self, token, username="new", **more):
        return self.world.nobody().send(
            "POST", "/rolegate/invitation", json.dumps({
                "token": token, "username": username, "name": "New One",
                "password": PASSWORD, **more}).encode())

    def test_join(self):
        """A7 somebody without an identity makes one, with the address that was
        invited, and is signed in"""
        token = self.invitation("new@example.org")
        new = self.client(self.join(token))
        me = new.get("/me").json()
        self.assertEqual((me["member"], me["email"]),
                         ("new", "new@example.org"))
        self.assertIn("biz", [a["account"] for a in
                              new.get("/accounts").json()["items"]])
        self.refused(self.join(token, "other"), 404, "invitation_unknown")
        self.assertEqual(self.world.sign_in("new").status, 200)

    def test_refused(self):
        """A7 a weak password, a taken name, a wrong token: nothing is used
        up"""
        token = self.invitation("new@example.org")
        self.refused(self.join(token, password="short"), 400,
                     "password_short")
        self.refused(self.join(token, "bob"), 409, "username_taken")
        self.refused(self.join("A" * 43, "bob"), 404, "invitation_unknown")
        self.refused(self.join("A" * 43), 404, "invitation_unknown")
        self.refused(self.join(token + "A"), 404, "invitation_unknown")
        self.refused(self.join(""), 404, "invitation_unknown")
        self.assertEqual(self.join(token).status, 200)

    def test_parallel(self):
        """A7 accepted 100 times at once it works once"""
        token = self.invitation("cid@example.org")
        cid = self.world.session("cid")
        cid.csrf = cid.get("/me").json()["csrf"]
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            said = list(pool.map(lambda n: cid.post(
                "/invitations/accept", {"token": token}).status, range(100)))
        self.assertEqual(said.count(200), 1)
        self.assertEqual(set(said) - {200, 404}, set())

    def test_page(self):
        """A7 the page takes the token out of the address; it is in no answer
        and no log"""
        token = self.invitation("cid@example.org")
        page = self.world.nobody().send("GET", "/rolegate/invitation")
        self.assertIn("/rolegate/invitation.js", page.body.decode())
        script = self.world.nobody().send("GET", "/rolegate/invitation.js")
        self.assertIn("location.hash", script.body.decode())
        cid = self.world.session("cid")
        page = cid.send("GET", "/rolegate/invitation").body.decode()
        key = re.search('name="csrf" value="([^"]*)"', page).group(1)
        ann = self.world.session("ann")
        other = ann.send("GET", "/rolegate/invitation").body.decode()
        wrong = re.search('name="csrf" value="([^"]*)"', other).group(1)
        self.assertEqual(cid.form("/rolegate/invitation", csrf=wrong,
                                  token=token).status, 403)
        self.assertEqual(ann.form("/rolegate/invitation", csrf=wrong,
                                  token=token).status, 409)
        done = cid.form("/rolegate/invitation", csrf=key, token=token)
        self.assertEqual(done.status, 303)
        for raw in self.world.answers:
            self.assertNotIn(token.encode(), raw)
        self.assertNotIn(token, self.world.said())
        self.assertNotIn(token, self.world.rg("log", "--json"))


class Mail(Base):
    """By a program that takes the place of sendmail."""
    more = {"more": "mail:\n  from: rolegate@example.org\n"
            "  sendmail: sendmail\n  timeout_ms: 5000\n"}

    def setUp(self):
        super().setUp()
        with open(self.world.path("sendmail"), "w") as out:
            out.write("#!/bin/sh\nprintf '%%s ' \"$@\" >>%s/argv\n"
                      "cat >%s/mail.$$ && mv %s/mail.$$ %s/mail\n"
                      % ((self.world.folder,) * 4))
        os.chmod(self.world.path("sendmail"), 0o755)

    def mail(self):
        self.world.until(lambda: os.path.exists(self.world.path("mail")))
        with open(self.world.path("mail")) as file:
            message = email.message_from_file(file, policy=email.policy.default)
        os.unlink(self.world.path("mail"))
        return message

    def link(self, message):
        found = re.search(r"(https://\S+)#(\S{43})", message.get_content())
        self.assertEqual(found.group(1), ORIGIN + "/rolegate/invitation")
        return found.group(2)

    def test_invited(self):
        """an invitation by the API leaves as a mail at once; its link makes
        the member, and the one before a resend is dead"""
        bob = self.world.session("bob")
        made = bob.post("/accounts/biz/invitations", {"invitations": [
            {"email": "new@example.org", "role": "full.viewer"}]})
        name = made.json()["invitations"][0]
        message = self.mail()
        self.assertEqual(message["To"], "new@example.org")
        self.assertEqual(message["From"], "rolegate@example.org")
        self.assertEqual(message["Auto-Submitted"], "auto-generated")
        first = self.link(message)
        self.assertIsNotNone(
            bob.get("/invitations/" + name).json()["sent"])
        bob.post("/invitations/%s/resend" % name)
        second = self.link(self.mail())
        join = {"username": "new", "name": "New", "password": PASSWORD}
        nobody = self.world.nobody()
        self.refused(nobody.send("POST", "/rolegate/invitation", json.dumps(
            dict(join, token=first)).encode()), 404, "invitation_unknown")
        self.assertEqual(nobody.send(
            "POST", "/rolegate/invitation", json.dumps(
                dict(join, token=second)).encode()).status, 200)
        with open(self.world.path("argv")) as file:
            self.assertEqual(file.read().split()[:5], [
                "-i", "-f", "rolegate@example.org", "--", "new@example.org"])
        self.assertEqual(self.world.rg("mail", "list"), "")
        for token in (first, second):
            self.assertNotIn(token, self.world.said())
            with open(self.world.path("state.db"), "rb") as file:
                self.assertNotIn(token.encode(), file.read())

    def test_import(self):
        """the mails of a spreadsheet leave when it is done"""
        bob = self.world.session("bob")
        bob.send("POST", API + "/accounts/sales/imports",
                 b"action,email,role\r\nadd,i@example.org,full.viewer\r\n",
                 "text/csv")
        self.assertEqual(self.mail()["To"], "i@example.org")

    def test_failing(self):
        """a mail that cannot leave waits, and says why"""
        with open(self.world.path("sendmail"), "w") as out:
            out.write("#!/bin/sh\necho 'no room' >&2\nexit 75\n")
        bob = self.world.session("bob")
        bob.post("/accounts/biz/invitations", {"invitations": [
            {"email": "new@example.org", "role": "full.viewer"}]})
        self.world.until(lambda: "no room" in self.world.rg("mail", "list"))
        row = json.loads(self.world.rg("mail", "list", "--json"))["mails"][0]
        self.assertEqual((row["tries"], row["given_up"]), (1, False))

    def test_notice(self):
        """a notice comes by mail to whoever switched it on"""
        bob = self.world.session("bob")
        bob.put("/notifications/switches", {"kinds": ["announcement"]})
        self.world.rg("notify", "send", "bob", "announcement", "Hello there",
                      "--yes")
        self.assertIn("Hello there", self.mail().get_content())


class Smtp(Base):
    """By a server, with StartTLS or not at all."""

    def server(self, mode):
        path = self.world.path
        for words in (
                ("req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                 "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                 "-keyout", path("smtp.key"), "-out", path("smtp.pem")),):
            subprocess.run(("openssl",) + words, check=True,
                           stderr=subprocess.DEVNULL)
        process = subprocess.Popen(
            ["/usr/bin/python3",
             os.path.join(ROOT, "tests", "system", "smtp-server.py"), mode,
             path("smtp.out"), path("smtp.pem"), path("smtp.key")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.stdout.close)
        port = process.stdout.readline().strip()
        with open(path("rolegate.yaml"), "a") as out:
            out.write("mail:\n  from: rolegate@example.org\n"
                      "  smtp: 127.0.0.1:%s\n  smtp_ca_file: smtp.pem\n"
                      "  timeout_ms: 5000\n" % port)

    def taken(self):
        try:
            with open(self.world.path("smtp.out")) as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def test_tls(self):
        """by SMTP the mail goes with StartTLS and a certificate that is
        right"""
        self.server("starttls")
        self.world.rg("invite", "add", "new@example.org", "full.viewer",
                      "biz", "--yes")
        self.world.rg("mail", "send")
        self.assertIn("new@example.org", self.taken())
        self.assertEqual(self.world.rg("mail", "list"), "")

    def test_clear(self):
        """a server without StartTLS gets nothing, and the mail waits"""
        self.server("plain")
        self.world.rg("invite", "add", "new@example.org", "full.viewer",
                      "biz", "--yes")
        self.world.rg("mail", "send")
        self.assertEqual(self.taken(), "")
        self.assertIn("new@example.org", self.world.rg("mail", "list"))


class Idle(Base):
    more = {"web": "  session_s: 3600\n  idle_s: 60\n", "redis": True}

    def expires(self, client):
        return client.get("/me").json()["session"]["expires"]

    def wait_due(self, client):
        """Half of the idle time has gone: by the store's clock, moved."""
        digest = client.get("/me").json()["session"]["session"]
        self.world.sql("UPDATE sessions SET expires_s = expires_s - 40 "
                       "WHERE digest = ?", digest)
        return digest

    def test_renewed(self):
        """A6 a session in use lives on, by a call and by the gate's word; one
        that is not ends"""
        self.world.password("bob")
        bob = self.client(self.world.sign_in("bob"))
        first = self.expires(bob)
        self.assertEqual(self.expires(bob), first)
        self.wait_due(bob)
        bob.get("/me")
        self.assertGreaterEqual(self.expires(bob), first)
        digest = self.wait_due(bob)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            for word in (b"", b"x", b"0" * 64, b"x" * 5000,
                         digest.encode()):
                s.sendto(word, self.world.path("activity.sock"))
        def renewed():
            left = self.world.sql("SELECT expires_s - ? FROM sessions "
                                  "WHERE digest = ?", int(time.time()),
                                  digest)
            return left[0][0] > 40
        self.world.until(renewed)
        self.world.sql("UPDATE sessions SET expires_s = 1000")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(digest.encode(), self.world.path("activity.sock"))
        time.sleep(0.3)
        self.refused(bob.get("/me"), 401, "no_identity")


class Process(Base):
    def test_hostile(self):
        """what is no request is refused, and the worker lives"""
        nobody = self.world.nobody()
        from web_world import exchange
        path = self.world.path("web.sock")
        for params in ([], [("ROLEGATE_METHOD", "GET")],
                       [("ROLEGATE_METHOD", "GET"),
                        ("ROLEGATE_TARGET", "/rolegate/sign-in"),
                        ("ROLEGATE_TARGET", "/rolegate/sign-in"),
                        ("ROLEGATE_ADDRESS", "192.0.2.1")],
                       [("ROLEGATE_METHOD", "GET"),
                        ("ROLEGATE_TARGET", "rolegate"),
                        ("ROLEGATE_ADDRESS", "192.0.2.1")],
                       [("ROLEGATE_METHOD", "POST"),
                        ("ROLEGATE_TARGET", "/rolegate/sign-in"),
                        ("ROLEGATE_ADDRESS", "192.0.2.1"),
                        ("CONTENT_LENGTH", "9223372036854775808")],
                       [("ROLEGATE_METHOD", "POST"),
                        ("ROLEGATE_TARGET", "/rolegate/sign-in"),
                        ("ROLEGATE_ADDRESS", "192.0.2.1"),
                        ("CONTENT_LENGTH", "100")]):
            self.assertEqual(exchange(path, params, b"").status, 400)
        large = nobody.send("POST", "/rolegate/sign-in",
                            b"x" * (9 * 1024 * 1024))
        self.refused(large, 413, "body_too_large")
        self.assertEqual(nobody.send("GET", "/rolegate/sign-in").status, 200)
        self.assertEqual(nobody.send("GET", "/elsewhere").status, 404)
        self.assertEqual(nobody.send("GET", "/rolegate/a/b").status, 404)
        self.assertEqual(nobody.send("DELETE", "/rolegate/sign-in").status,
                         405)
        head = nobody.send("HEAD", "/rolegate/sign-in")
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertNotIn("worker_died", self.world.said())

    def test_killed(self):
        """a worker that is killed is replaced; SIGTERM ends all; SIGHUP reads
        the configuration again"""
        workers = subprocess.run(
            ["pgrep", "-P", str(self.world.web.pid)], stdout=subprocess.PIPE,
            text=True, check=True).stdout.split()
        self.assertEqual(len(workers), 3)
        for pid in workers:
            os.kill(int(pid), 9)
        self.world.until(lambda: self.world.said().count("worker_died") == 3)
        self.assertEqual(
            self.world.nobody().send("GET", "/rolegate/sign-in").status, 200)
        with open(self.world.path("rolegate.yaml"), "a") as out:
            out.write("  passwords: no\n")
        os.kill(self.world.web.pid, 1)
        self.world.until(lambda: "[reloaded]" in self.world.said())
        self.world.password("bob")
        self.refused(self.world.sign_in("bob"), 401, "bad_sign_in")
        with open(self.world.path("rolegate.yaml"), "a") as out:
            out.write("  nonsense: 1\n")
        os.kill(self.world.web.pid, 1)
        self.world.until(lambda: "[reload_refused]" in self.world.said())
        self.assertEqual(
            self.world.nobody().send("GET", "/rolegate/sign-in").status, 200)
        self.world.web.terminate()
        self.assertEqual(self.world.web.wait(20), 0)
        self.assertFalse(os.path.exists(self.world.path("web.sock")))

    def test_check(self):
        """--check names every fault; without web.origin nothing is served"""
        with open(self.world.path("bad.yaml"), "w") as out:
            out.write("store: x.db\ncatalogues: %s/catalogs\n"
                      "gate:\n  cookie: c\nweb:\n  origin: app.example.org\n"
                      "  idle_s: 100000\n" % ROOT)
        said = subprocess.run(
            [BUILD + "/rolegate-web", "--check", "--config",
             self.world.path("bad.yaml")], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(said.returncode, 3)
        self.assertIn("origin", said.stdout)
        self.assertIn("idle_s", said.stdout)


tap.main()
